// Ramps: a feature once more, a stretch of its range at a time. In: sorted values of a column; out: inputs that rise from -50 to 50 between two quantiles
// and stay there, so that hyperplanes can bend, or step, where the values are. To a model they are linear inputs like any other: the limits of
// every input make the ramp. Each is non-decreasing in its feature, so a constraint on the feature is one on the ramp.
// Piecewise linear encodings are from Gorishniy, Rubachev & Babenko (2022), "On embeddings for numerical features in tabular deep learning".

import { CLIP } from "./format.js";
import type { Input } from "./types.js";

/**
 * Shares of the rows below the ends of ramps. The last twentieth has none: counts have long tails, and a ramp to the greatest value of all would be flat
 * where the rows are. docs/measurements.md has others.
 */
const ENDS = [0, 0.25, 0.5, 0.75, 0.95];
/** Columns of no more values than this have none. */
const FEW = 8;

/** What training sees of an input z: (z - shift) * factor. */
export interface Unit {
  shift: number;
  factor: number;
}

/** Where an input is trained as it is. */
export const AS_IS: Unit = { shift: 0, factor: 1 };

/** An input of a feature and how training sees it: over the training rows it has mean 0 and variance 1 there. */
export interface Ramp extends Unit {
  input: Input;
}

/** Ramps of feature `feature` from its `values`, ascending; none where they are few. */
export function rampsOf(feature: number, values: Float32Array): Ramp[] {
  const last = values.length - 1;
  let distinct = 1;
  for (let k = 1; k <= last && distinct <= FEW; k++) if (values[k] > values[k - 1]) distinct++;
  if (distinct <= FEW) return [];
  const ends = ENDS.map((share) => values[Math.round(share * last)]);
  return ends.slice(1).flatMap((to, k) => rampOf(feature, values, ends[k], to));
}

/** The ramp between two values; none where they are one, or too close for float32. */
function rampOf(feature: number, values: Float32Array, from: number, to: number): Ramp[] {
  const center = Math.fround((from + to) / 2);
  const scale = Math.fround((2 * CLIP) / (to - from));
  if (!Number.isFinite(scale)) return [];
  const z = (v: number) => Math.max(-CLIP, Math.min(CLIP, (v - center) * scale));
  let mean = 0;
  let square = 0;
  for (const v of values) {
    mean += z(v);
    square += z(v) * z(v);
  }
  mean /= values.length;
  const sd = Math.sqrt(square / values.length - mean * mean);
  return sd > 0 ? [{ input: { feature, transform: "linear", center, scale }, shift: mean, factor: 1 / sd }] : [];
}
