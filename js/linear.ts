// The baseline of crossValidate: a sign-constrained ridge regression in plain JavaScript, on the same inputs as the model. In: raw rows (float32,
// row-major), inputs, targets; out: a function from raw rows to predictions. Coordinate descent on the Gram matrix (Friedman, Hastie &
// Tibshirani 2010, without the L1 part); the strength is chosen by 5 folds of the training rows. Float64; a yardstick, never part of a model.

import { RIDGES, SWEEPS } from "./centre.js";
import { CLIP, signsOf } from "./format.js";
import { logf } from "./math.js";
import { indexOfLeast } from "./metrics.js";
import type { Feature, Input } from "./types.js";

const FOLDS = 5;

/** Fits; the function that comes back takes raw rows of the same features. */
export function linearFit(
  raw: Float32Array,
  inputs: readonly Input[],
  features: readonly Feature[],
  y: Float64Array,
  weight: Float64Array | undefined,
): (raw: Float32Array) => Float64Array {
  // ramps come after their feature's own input: with them the fit would not be linear
  const isRamp = (input: Input, i: number) =>
    input.transform === "linear" && inputs.findIndex((other) => other.feature === input.feature) < i;
  const used = inputs.filter((input, i) => input.transform !== "level" && !isRamp(input, i));
  const signs = signsOf(used, features);
  const d = used.length;
  const z = (rows: Float32Array, r: number, out: Float64Array) => inputsOf(rows, r, used, features, out);
  // moments of (z, y, 1) in each fold: (d + 2) x (d + 2), the upper triangle
  const q = d + 2;
  const moments = Array.from({ length: FOLDS }, () => new Float64Array(q * q));
  const row = new Float64Array(q);
  for (let r = 0; r < y.length; r++) {
    z(raw, r, row);
    row[d] = y[r];
    row[d + 1] = 1;
    const w = weight ? weight[r] : 1;
    const m = moments[r % FOLDS];
    for (let i = 0; i < q; i++) {
      const v = w * row[i];
      if (v !== 0) for (let j = i; j < q; j++) m[i * q + j] += v * row[j];
    }
  }
  const total = moments.reduce((sum, m) => sum.map((v, i) => v + m[i]), new Float64Array(q * q));
  const errors = RIDGES.map((ridge) =>
    moments.reduce((error, m) => {
      const rest = total.map((v, i) => v - m[i]);
      return error + squaredError(m, solve(rest, d, signs, ridge), d);
    }, 0),
  );
  const beta = solve(total, d, signs, RIDGES[indexOfLeast(errors)]);
  return (rows) => {
    const n = rows.length / features.length;
    return Float64Array.from({ length: n }, (_, r) => {
      z(rows, r, row);
      let sum = beta[d];
      for (let i = 0; i < d; i++) sum += beta[i] * row[i];
      return sum;
    });
  };
}

/** The network inputs of a raw row (docs/model-format.md), in float64. */
function inputsOf(
  raw: Float32Array,
  r: number,
  inputs: readonly Input[],
  features: readonly Feature[],
  out: Float64Array,
) {
  inputs.forEach((input, i) => {
    const feature = features[input.feature];
    let v = raw[r * features.length + input.feature];
    let t: number;
    if (input.transform === "missing") t = Number.isNaN(v) ? 1 : 0;
    else if (input.transform === "equals") t = v === input.category ? 1 : 0;
    else {
      if (Number.isNaN(v)) v = feature.fill as number;
      const q = v / (input.divisor ?? 1);
      t = input.transform === "log1p" && q >= 0 ? logf(Math.fround(1 + q)) : q;
    }
    out[i] = Math.max(-CLIP, Math.min(CLIP, (t - input.center) * input.scale));
  });
}

/** Coefficients, the bias last: minimises mean squared error + ridge * |beta|^2 under the signs. */
function solve(m: Float64Array, d: number, signs: readonly number[], ridge: number): Float64Array {
  const q = d + 2;
  const at = (i: number, j: number) => (i <= j ? m[i * q + j] : m[j * q + i]);
  const n = at(d + 1, d + 1);
  const beta = new Float64Array(d + 1);
  if (!(n > 0)) return beta;
  const mean = Float64Array.from({ length: d + 1 }, (_, i) => at(i, d + 1) / n);
  const gram = new Float64Array(d * d);
  const gradient = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) gram[i * d + j] = at(i, j) / n - mean[i] * mean[j];
    gradient[i] = at(i, d) / n - mean[i] * mean[d];
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let moved = 0;
    for (let i = 0; i < d; i++) {
      const own = gram[i * d + i];
      if (own <= 1e-12) continue;
      let next = (gradient[i] + own * beta[i]) / (own + ridge);
      if (next * signs[i] < 0) next = 0;
      const step = next - beta[i];
      if (step === 0) continue;
      beta[i] = next;
      for (let j = 0; j < d; j++) gradient[j] -= step * gram[i * d + j];
      moved = Math.max(moved, step * step * own);
    }
    if (moved < 1e-14) break;
  }
  beta[d] = mean[d];
  for (let i = 0; i < d; i++) beta[d] -= beta[i] * mean[i];
  return beta;
}

/** Sum of squared errors of a linear function over the rows of a moment matrix. */
function squaredError(m: Float64Array, beta: Float64Array, d: number): number {
  const q = d + 2;
  const c = Float64Array.from({ length: q }, (_, i) => (i < d ? beta[i] : i === d ? -1 : beta[d]));
  let sum = 0;
  for (let i = 0; i < q; i++) {
    for (let j = i; j < q; j++) sum += (i === j ? 1 : 2) * c[i] * c[j] * m[i * q + j];
  }
  return sum;
}
