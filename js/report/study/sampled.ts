// The sampled rows as the parts of a study take them, and what they are looked through with.

import type { ReportModel } from "../gather.js";

/** The sampled rows as the parts of a study take them. */
export interface Sampled {
  model: ReportModel;
  /** [n][features], encoded, and the partial derivatives there. */
  values: Float32Array;
  slopes: Float32Array;
  /** [n] case weights; all 1 where no sampled row weighs anything. */
  weights: Float64Array;
  /** Numbers of the rows that become dots. */
  dots: number[];
}

/** The weights, or all 1 where none of these rows weighs anything. */
export const someWeight = (weights: Float64Array) => (weights.some((w) => w > 0) ? weights : weights.fill(1));

/** Up to `most` of n rows, evenly spaced. */
export function every(n: number, most: number): number[] {
  const count = Math.min(n, most);
  return Array.from({ length: count }, (_, k) => Math.floor((k * n) / count));
}

export function columnOf(values: Float32Array, f: number, width: number): Float32Array {
  return Float32Array.from({ length: values.length / width }, (_, r) => values[r * width + f]);
}
