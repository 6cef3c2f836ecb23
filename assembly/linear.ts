// The linear centre: sign-constrained ridge regression on Gram matrices, float64. In: inputs [n][d] float32, target, weights, fold of each row.
// Out: per fold the moments of (x, 1, y); coefficients by coordinate descent; squared error of any coefficients on any moments, without the rows.

import { ABSOLUTE, GAMMA, HUBER, LOGISTIC, POISSON } from "./loss";
import { expf } from "./math";

/** Length of the augmented row (x_0 .. x_{d-1}, 1, y). */
export function momentSize(d: i32): i32 {
  return d + 2;
}

/**
 * Adds rows [from, to) to the moments of their folds: `moments` is [folds][q][q] float64, q = d + 2, upper triangle. `weight` may be 0 (all one).
 * `scratch` holds 4 q float64. Four rows of a fold at a time would need sorting; one row at a time and two columns a vector is enough (d^2 n / 2).
 */
export function addMoments(
  x: usize,
  y: usize,
  weight: usize,
  fold: usize,
  from: i32,
  to: i32,
  d: i32,
  moments: usize,
  scratch: usize,
): void {
  const q = momentSize(d);
  const row = (<usize>q) << 3;
  for (let r = from; r < to; r++) {
    const w = weight ? <f64>load<f32>(weight + ((<usize>r) << 2)) : 1.0;
    if (w == 0) continue;
    const xr = x + ((<usize>r * <usize>d) << 2);
    for (let i = 0; i < d; i++) store<f64>(scratch + ((<usize>i) << 3), <f64>load<f32>(xr + ((<usize>i) << 2)));
    store<f64>(scratch + ((<usize>d) << 3), 1.0);
    store<f64>(scratch + ((<usize>(d + 1)) << 3), <f64>load<f32>(y + ((<usize>r) << 2)));
    store<f64>(scratch + ((<usize>(d + 2)) << 3), 0);
    const base = moments + <usize>load<u8>(fold + r) * row * <usize>q;
    for (let i = 0; i < q; i++) {
      const a = w * load<f64>(scratch + ((<usize>i) << 3));
      if (a == 0) continue;
      const s = f64x2.splat(a);
      const g = base + <usize>i * row;
      let j = (<usize>i) << 3;
      for (; j + 8 < row; j += 16) {
        v128.store(g + j, f64x2.add(v128.load(g + j), f64x2.mul(s, v128.load(scratch + j))));
      }
      if (j < row) store<f64>(g + j, load<f64>(g + j) + a * load<f64>(scratch + j));
    }
  }
}

/** total - part, upper triangles of q x q, to `out`. */
export function subtractMoments(total: usize, part: usize, d: i32, out: usize): void {
  const q = momentSize(d);
  for (let i: usize = 0; i < (<usize>(q * q)) << 3; i += 8)
    store<f64>(out + i, load<f64>(total + i) - load<f64>(part + i));
}

/**
 * min over beta, b0 of sum w (y - b0 - x beta)^2 / 2 + ridge * n |beta|^2 / 2 with sign(beta_i) = signs[i] or 0 (free where signs[i] is 0).
 * `moments` [q][q]; `beta` [d + 1] float64, start values in, result out (b0 last); `work` (d * d + d) float64. Gives the sweeps used.
 */
export function solveRidge(
  moments: usize,
  d: i32,
  signs: usize,
  ridge: f64,
  beta: usize,
  work: usize,
  maxSweeps: i32,
): i32 {
  const q = momentSize(d);
  const n = load<f64>(moments + ((<usize>(d * q + d)) << 3));
  const sumY = load<f64>(moments + ((<usize>(d * q + d + 1)) << 3));
  const gram = work;
  const residual = work + ((<usize>(d * d)) << 3);
  // centred Gram matrix, both triangles; the intercept drops out
  for (let i = 0; i < d; i++) {
    const sumI = load<f64>(moments + ((<usize>(i * q + d)) << 3));
    for (let j = i; j < d; j++) {
      const sumJ = load<f64>(moments + ((<usize>(j * q + d)) << 3));
      const g = load<f64>(moments + ((<usize>(i * q + j)) << 3)) - (sumI * sumJ) / n;
      store<f64>(gram + ((<usize>(i * d + j)) << 3), g);
      store<f64>(gram + ((<usize>(j * d + i)) << 3), g);
    }
    store<f64>(residual + ((<usize>i) << 3), load<f64>(moments + ((<usize>(i * q + d + 1)) << 3)) - (sumI * sumY) / n);
  }
  for (let i = 0; i < d; i++) {
    const b = load<f64>(beta + ((<usize>i) << 3));
    if (b != 0) addColumn(gram, residual, d, i, -b);
  }
  const penalty = ridge * n;
  // a coefficient that moves the fit by less than 1e-7 of the target's sum of squares is at rest
  const rest = 1e-14 * load<f64>(moments + ((<usize>((d + 1) * q + d + 1)) << 3));
  let sweep = 0;
  for (; sweep < maxSweeps; sweep++) {
    let moved: f64 = 0;
    for (let i = 0; i < d; i++) {
      const g = load<f64>(gram + ((<usize>(i * d + i)) << 3));
      const old = load<f64>(beta + ((<usize>i) << 3));
      const curvature = g + penalty;
      if (!(curvature > 1e-12 * n)) {
        continue; // a constant input keeps its start value
      }
      let b = (load<f64>(residual + ((<usize>i) << 3)) + g * old) / curvature;
      const sign = load<f32>(signs + ((<usize>i) << 2));
      if (sign > 0 && b < 0) b = 0;
      if (sign < 0 && b > 0) b = 0;
      const step = b - old;
      if (step != 0) {
        store<f64>(beta + ((<usize>i) << 3), b);
        addColumn(gram, residual, d, i, -step);
        const gain = step * step * curvature;
        if (gain > moved) moved = gain;
      }
    }
    if (moved <= rest) break;
  }
  let b0 = sumY;
  for (let i = 0; i < d; i++)
    b0 -= load<f64>(beta + ((<usize>i) << 3)) * load<f64>(moments + ((<usize>(i * q + d)) << 3));
  store<f64>(beta + ((<usize>d) << 3), b0 / n);
  return sweep;
}

function addColumn(gram: usize, residual: usize, d: i32, column: i32, factor: f64): void {
  const g = gram + ((<usize>(column * d)) << 3);
  const s = f64x2.splat(factor);
  const end = (<usize>d) << 3;
  let j: usize = 0;
  for (; j + 8 < end; j += 16) {
    v128.store(residual + j, f64x2.add(v128.load(residual + j), f64x2.mul(s, v128.load(g + j))));
  }
  if (j < end) store<f64>(residual + j, load<f64>(residual + j) + factor * load<f64>(g + j));
}

/** sum w (y - b0 - x beta)^2 over the rows behind `moments`. */
export function squaredError(moments: usize, d: i32, beta: usize): f64 {
  const q = momentSize(d);
  let sum: f64 = 0;
  for (let i = 0; i < q; i++) {
    const vi = i == d + 1 ? 1.0 : -load<f64>(beta + ((<usize>i) << 3));
    let inner: f64 = 0.5 * vi * load<f64>(moments + ((<usize>(i * q + i)) << 3));
    for (let j = i + 1; j < q; j++) {
      const vj = j == d + 1 ? 1.0 : -load<f64>(beta + ((<usize>j) << 3));
      inner += vj * load<f64>(moments + ((<usize>(i * q + j)) << 3));
    }
    sum += vi * inner;
  }
  return 2.0 * sum;
}

/**
 * One round of iteratively reweighted least squares (Green 1984): from the current fit `f` ([n]) to working targets and weights, so that a
 * squared fit on them steps towards the minimum of the loss. Losses without curvature use |r| held to 0.05 standard deviations.
 */
export function workingResponse(
  kind: i32,
  f: usize,
  y: usize,
  weight: usize,
  n: i32,
  parameter: f32,
  target: usize,
  working: usize,
): void {
  for (let r: usize = 0; r < (<usize>n) << 2; r += 4) {
    const eta = load<f32>(f + r);
    const t = load<f32>(y + r);
    let w: f32 = 1;
    let response = t;
    if (kind == ABSOLUTE) {
      w = <f32>1 / max(abs(t - eta), <f32>0.05);
    } else if (kind == HUBER) {
      const a = abs(t - eta);
      w = a > parameter ? parameter / a : 1;
    } else if (kind == POISSON || kind == GAMMA) {
      const held = min(max(eta, <f32>-8), parameter);
      const mu = expf(held);
      w = kind == POISSON ? mu : 1;
      response = held + (t - mu) / mu;
    } else if (kind == LOGISTIC) {
      const held = min(max(eta, <f32>-8), <f32>8);
      const p = <f32>1 / (<f32>1 + expf(-held));
      w = p * (<f32>1 - p);
      response = held + (t - p) / w;
    }
    store<f32>(target + r, response);
    store<f32>(working + r, weight ? w * load<f32>(weight + r) : w);
  }
}
