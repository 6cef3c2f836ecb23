// Scores of predictions. In: predictions and targets in target units, weights; out: RMSE, MAE, R2, median relative error.
// No transcendental function: scores are part of the model file, which has the same bytes everywhere.

import type { Scores } from "./types.js";

/** Median of sorted numbers; the mean of the middle two for an even count; 0 for none. */
export function medianOf(sorted: Float32Array | Float64Array): number {
  const n = sorted.length;
  if (n === 0) return 0;
  return n % 2 ? sorted[n >> 1] : sorted[n / 2 - 1] / 2 + sorted[n / 2] / 2;
}

/** Sum of numbers, in their order. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/** Mean of numbers by their weight; plain without weights. */
export function meanOf(values: ArrayLike<number>, weight?: ArrayLike<number>): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const w = weight ? weight[i] : 1;
    total += w;
    sum += w * values[i];
  }
  return sum / total;
}

/** Which of some quantile levels is nearest the median, the first of equally near ones: it stands for the model in scores. */
export function middleOf(levels: readonly number[] = []): number {
  return indexOfLeast(levels.map((level) => Math.abs(level - 0.5)));
}

/** Where the least of some numbers stands, the first of equal ones; 0 where there is none. */
export function indexOfLeast(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] < values[best]) best = k;
  return best;
}

/** Scores of `predicted` against `actual` (same length); `weight` defaults to one each. */
export function scoresOf(predicted: ArrayLike<number>, actual: ArrayLike<number>, weight?: ArrayLike<number>): Scores {
  const n = actual.length;
  const mean = meanOf(actual, weight);
  let total = 0;
  let square = 0;
  let absolute = 0;
  let spread = 0;
  const relative = new Float64Array(n);
  let known = 0;
  let rows = 0;
  for (let i = 0; i < n; i++) {
    const w = weight ? weight[i] : 1;
    if (w > 0) rows++;
    const e = predicted[i] - actual[i];
    total += w;
    square += w * e * e;
    absolute += w * Math.abs(e);
    spread += w * (actual[i] - mean) * (actual[i] - mean);
    if (actual[i] !== 0 && w > 0) relative[known++] = Math.abs(e / actual[i]);
  }
  return {
    rows,
    rmse: Math.sqrt(square / total),
    mae: absolute / total,
    r2: spread > 0 ? 1 - square / spread : 0,
    medianRelativeError: medianOf(relative.subarray(0, known).sort()),
  };
}
