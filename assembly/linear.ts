// The linear centre: sign-constrained ridge regression on Gram matrices, float64. In: inputs [n][d] float32, target, weights, fold of each row.
// Out: per fold the moments of (x, 1, y); coefficients by coordinate descent; squared error of any coefficients on any moments, without the rows.

import { ABSOLUTE, GAMMA, HUBER, LOGISTIC, POISSON } from "./loss";
import { expf } from "./math";

/** Floats from one row of a moment matrix to the next: the augmented row (x_0 .. x_{d-1}, 1, y), then zeros up to a multiple of four. */
export function momentSize(d: i32): i32 {
  return (d + 5) & ~3;
}

/** Rows looked at together, and rows of one fold added together. */
const BLOCK: i32 = 512;
const TILE: usize = 64;

/** Bytes of scratch that `addMoments` needs: numbers of a block's rows by fold, and augmented rows with and without their weights. */
export function momentScratch(d: i32): usize {
  return (1 << 10) + (BLOCK << 2) + ((<usize>(TILE * momentSize(d))) << 4);
}

/**
 * Adds rows [from, to) to the moments of their folds: `moments` is [folds][q][q] float64, q = momentSize(d), of which the upper triangle counts.
 * `weight` may be 0 (all one). Rows are sorted by fold, a block at a time, so that four by four sums stay in registers while a tile of rows
 * goes by: half to a fifth of the time of adding row by row to memory, and every sum still takes its rows in their order.
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
  const list = scratch + (1 << 10);
  const plain = list + ((<usize>BLOCK) << 2);
  const weighted = weight ? plain + TILE * row : plain;
  for (; from < to; from += BLOCK) {
    const end = min(to, from + BLOCK);
    // where each fold's rows end in the list
    memory.fill(scratch, 0, 1 << 10);
    for (let r = from; r < end; r++) {
      const place = scratch + ((<usize>load<u8>(fold + r)) << 2);
      store<i32>(place, load<i32>(place) + 1);
    }
    let sum = 0;
    for (let k: usize = 0; k < 1 << 10; k += 4) store<i32>(scratch + k, (sum += load<i32>(scratch + k)));
    for (let r = end - 1; r >= from; r--) {
      const place = scratch + ((<usize>load<u8>(fold + r)) << 2);
      const k = load<i32>(place) - 1;
      store<i32>(place, k);
      store<i32>(list + ((<usize>k) << 2), r);
    }
    for (let k = 0; k < end - from; ) {
      const own = load<u8>(fold + load<i32>(list + ((<usize>k) << 2)));
      let count = 0;
      for (; count < <i32>TILE && k < end - from; k++) {
        const r = load<i32>(list + ((<usize>k) << 2));
        if (load<u8>(fold + r) != own) break;
        const w: f64 = weight ? <f64>load<f32>(weight + ((<usize>r) << 2)) : 1;
        if (w == 0) continue;
        const values = plain + <usize>count * row;
        augment(x + ((<usize>r * <usize>d) << 2), load<f32>(y + ((<usize>r) << 2)), d, values);
        if (weight) {
          const s = f64x2.splat(w);
          for (let i: usize = 0; i < row; i += 16)
            v128.store(weighted + <usize>count * row + i, f64x2.mul(s, v128.load(values + i)));
        }
        count++;
      }
      addTile(weighted, plain, count, row, moments + <usize>own * row * <usize>q);
    }
  }
}

/** One row's inputs, 1, target and zeros as float64. */
function augment(x: usize, y: f32, d: i32, out: usize): void {
  const size = (<usize>momentSize(d)) << 3;
  v128.store(out + size - 32, f64x2.splat(0));
  v128.store(out + size - 16, f64x2.splat(0));
  for (let i: usize = 0; i < <usize>d; i++) store<f64>(out + (i << 3), <f64>load<f32>(x + (i << 2)));
  store<f64>(out + ((<usize>d) << 3), 1);
  store<f64>(out + ((<usize>d) << 3), <f64>y, 8);
}

/** Adds a' b of `count` rows of `a` and `b`, `row` bytes each, to the blocks of four by four of `g` on and above its diagonal. */
function addTile(a: usize, b: usize, count: i32, row: usize, g: usize): void {
  const end = <usize>count * row;
  for (let i: usize = 0; i < row; i += 32) {
    for (let j = i; j < row; j += 32) {
      const g0 = g + (i >> 3) * row + j;
      const g1 = g0 + row;
      const g2 = g1 + row;
      const g3 = g2 + row;
      let s00 = v128.load(g0);
      let s01 = v128.load(g0, 16);
      let s10 = v128.load(g1);
      let s11 = v128.load(g1, 16);
      let s20 = v128.load(g2);
      let s21 = v128.load(g2, 16);
      let s30 = v128.load(g3);
      let s31 = v128.load(g3, 16);
      for (let r: usize = 0; r < end; r += row) {
        const b0 = v128.load(b + r + j);
        const b1 = v128.load(b + r + j, 16);
        const p = a + r + i;
        let f = v128.load64_splat(p);
        s00 = f64x2.add(s00, f64x2.mul(f, b0));
        s01 = f64x2.add(s01, f64x2.mul(f, b1));
        f = v128.load64_splat(p, 8);
        s10 = f64x2.add(s10, f64x2.mul(f, b0));
        s11 = f64x2.add(s11, f64x2.mul(f, b1));
        f = v128.load64_splat(p, 16);
        s20 = f64x2.add(s20, f64x2.mul(f, b0));
        s21 = f64x2.add(s21, f64x2.mul(f, b1));
        f = v128.load64_splat(p, 24);
        s30 = f64x2.add(s30, f64x2.mul(f, b0));
        s31 = f64x2.add(s31, f64x2.mul(f, b1));
      }
      v128.store(g0, s00);
      v128.store(g0, s01, 16);
      v128.store(g1, s10);
      v128.store(g1, s11, 16);
      v128.store(g2, s20);
      v128.store(g2, s21, 16);
      v128.store(g3, s30);
      v128.store(g3, s31, 16);
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
  for (let i = 0; i < d + 2; i++) {
    const vi = i == d + 1 ? 1.0 : -load<f64>(beta + ((<usize>i) << 3));
    let inner: f64 = 0.5 * vi * load<f64>(moments + ((<usize>(i * q + i)) << 3));
    for (let j = i + 1; j < d + 2; j++) {
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
