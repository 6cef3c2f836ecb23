// Scores of predictions. In: predictions and targets in target units, weights; out: RMSE, MAE, R2, median relative error.
// No transcendental function: scores are part of the model file, which has the same bytes everywhere.

import { medianOf } from "./normalise.js";
import type { Scores } from "./types.js";

/** Scores of `predicted` against `actual` (same length); `weight` defaults to one each; `centre` is what R2 compares with (default: the mean). */
export function scoresOf(predicted: ArrayLike<number>, actual: ArrayLike<number>, weight?: ArrayLike<number>): Scores {
  const n = actual.length;
  let total = 0;
  let mean = 0;
  for (let i = 0; i < n; i++) {
    const w = weight ? weight[i] : 1;
    total += w;
    mean += w * actual[i];
  }
  mean /= total;
  let square = 0;
  let absolute = 0;
  let spread = 0;
  const relative: number[] = [];
  for (let i = 0; i < n; i++) {
    const w = weight ? weight[i] : 1;
    const e = predicted[i] - actual[i];
    square += w * e * e;
    absolute += w * Math.abs(e);
    spread += w * (actual[i] - mean) * (actual[i] - mean);
    if (actual[i] !== 0 && w > 0) relative.push(Math.abs(e / actual[i]));
  }
  return {
    rows: n,
    rmse: Math.sqrt(square / total),
    mae: absolute / total,
    r2: spread > 0 ? 1 - square / spread : 0,
    medianRelativeError: medianOf(Float64Array.from(relative)),
  };
}
