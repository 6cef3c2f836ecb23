// Sums over rows, for people to read: quantiles, weights, counts among the options. Nothing here shapes a model or a prediction.

import { numberError, rangeError, typeError } from "./errors.js";

/** The value below which a share `p` of sorted numbers lies, linear between them. */
export function quantileOf(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = p * (sorted.length - 1);
  const k = Math.floor(at);
  const next = Math.min(sorted.length - 1, k + 1);
  return sorted[k] + (at - k) * (sorted[next] - sorted[k]);
}

/**
 * The same with weights: the i-th of the sorted values stands at the weight before it plus half its own, the first at 0 and the last at 1, and
 * the quantile is linear between them. Equal weights give quantileOf; only the weights' ratios count.
 */
export function weightedQuantiles(
  values: ArrayLike<number>,
  weight: ArrayLike<number>,
  shares: readonly number[],
): number[] {
  const order = Array.from({ length: values.length }, (_, r) => r)
    .filter((r) => weight[r] > 0)
    .sort((a, b) => values[a] - values[b]);
  const places: number[] = [];
  let before = 0;
  for (const r of order) {
    places.push(before + weight[r] / 2);
    before += weight[r];
  }
  const last = order.length - 1;
  let k = 0;
  return shares.map((p) => {
    const at = places[0] + p * (places[last] - places[0]);
    while (k < last && places[k + 1] <= at) k++;
    if (k === last) return values[order[last]];
    const share = (at - places[k]) / (places[k + 1] - places[k]);
    return values[order[k]] + share * (values[order[k + 1]] - values[order[k]]);
  });
}

/** Refuses to sum up nothing. */
export function someRows(n: number): void {
  if (n === 0) throw rangeError("rows", "at least one row", n);
}

/** Checked case weights; all 1 where none are given. */
export function weightsOf(
  n: number,
  weight: ArrayLike<number> = new Float64Array(n).fill(1),
): { weight: ArrayLike<number>; total: number } {
  someRows(n);
  const expected = `${n} numbers, one a row`;
  if (typeof weight !== "object" || weight === null) throw typeError("options.weights", expected, weight);
  if (weight.length !== n) throw rangeError("options.weights", expected, weight.length);
  let total = 0;
  for (let r = 0; r < n; r++) {
    if (!(Number.isFinite(weight[r]) && weight[r] >= 0))
      throw numberError(`options.weights[${r}]`, "a finite number of at least 0", weight[r]);
    total += weight[r];
  }
  if (!(total > 0)) throw rangeError("options.weights", "at least one above 0", "none");
  return { weight, total };
}

/** A whole number among the options. */
export function countOf(name: string, least: number, value: number | undefined, otherwise: number): number {
  const v = value === undefined ? otherwise : value;
  if (Number.isInteger(v) && v >= least && v <= 4294967295) return v;
  throw numberError(`options.${name}`, `a whole number from ${least} to 4294967295`, v);
}

/** A value, or what stands for a missing one. */
export const filled = (v: number, fill: number) => (v === v ? v : fill);

/** `**` is Math.pow, which engines may round differently. */
export const squareOf = (v: number) => v * v;
