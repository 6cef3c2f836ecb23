// The linear centre: sign-constrained ridge regression on Gram matrices, float64. In: inputs [n][d] float32, target, weights, fold of each row.
// Out: per fold the moments of (x, 1, y); coefficients by coordinate descent; squared error of any coefficients on any moments, without the rows.
// Sums over rows and solutions go on in slices, so that the host's event loop gets its turns; a slice ends anywhere without a change of bits.

import { ABSOLUTE, GAMMA, HUBER, LOGISTIC, POISSON } from "./loss";
import { expf } from "./math";

/** Floats from one row of a moment matrix to the next: the augmented row (x_0 .. x_{d-1}, 1, y), then zeros up to a multiple of four. */
export function momentSize(d: i32): i32 {
  return (d + 5) & ~3;
}

/** Rows looked at together, and rows of one fold added together. */
const BLOCK: i32 = 512;
export const TILE: i32 = 64;

/** Bytes of scratch that `addMoments` needs: numbers of a block's rows by fold, and augmented rows with and without their weights. */
export function momentScratch(d: i32): usize {
  return (1 << 10) + (BLOCK << 2) + ((<usize>TILE * <usize>momentSize(d)) << 4);
}

// the work at hand, which is done a slice at a time
let x: usize = 0;
let y: usize = 0;
let weight: usize = 0;
let fold: usize = 0;
let d: i32 = 0;
let moments: usize = 0;
let scratch: usize = 0;
/** Rows [from, to) are still to come, those of the list from `next` to `end`; columns of the moments from `column` on (bytes) those of `count` rows. */
let from: i32 = 0;
let to: i32 = 0;
let next: i32 = 0;
let end: i32 = 0;
let count: i32 = 0;
let column: usize = 0;
let own: usize = 0;

/**
 * Begins to add rows [first, last) to the moments of their folds: `sums` is [folds][q][q] float64, q = momentSize(d), of which the upper triangle
 * counts. `weights` may be 0 (all one). Rows are sorted by fold, a block at a time, so that four by four sums stay in registers while a tile of rows
 * goes by: half to a fifth of the time of adding row by row to memory, and every sum still takes its rows in their order.
 */
export function beginMoments(
  rows: usize,
  targets: usize,
  weights: usize,
  folds: usize,
  first: i32,
  last: i32,
  size: i32,
  sums: usize,
  room: usize,
): void {
  x = rows;
  y = targets;
  weight = weights;
  fold = folds;
  from = first;
  to = last;
  d = size;
  moments = sums;
  scratch = room;
  next = end = 0;
  column = (<usize>momentSize(size)) << 3;
}

/** Goes on for about `budget` multiply-adds; whether rows are left. */
export function addMoments(budget: i32): bool {
  const row = (<usize>momentSize(d)) << 3;
  const plain = scratch + (1 << 10) + ((<usize>BLOCK) << 2);
  const weighted = weight ? plain + <usize>TILE * row : plain;
  while (budget > 0) {
    if (column == row) {
      if (next == end && !sortBlock()) return false;
      putTile(plain, weighted, row);
    }
    const sums = moments + own * row * (row >> 3);
    for (; column < row && budget > 0; column += 32) {
      addTile(weighted, plain, count, row, column, sums);
      budget -= (<i32>(row - column) >> 1) * count;
    }
  }
  return true;
}

/** Sorts the next block of rows by their folds; false where there is none. */
function sortBlock(): bool {
  if (from >= to) return false;
  const list = scratch + (1 << 10);
  const last = min(to, from + BLOCK);
  // where each fold's rows end in the list
  memory.fill(scratch, 0, 1 << 10);
  for (let r = from; r < last; r++) {
    const place = scratch + ((<usize>load<u8>(fold + r)) << 2);
    store<i32>(place, load<i32>(place) + 1);
  }
  let sum = 0;
  for (let k: usize = 0; k < 1 << 10; k += 4) store<i32>(scratch + k, (sum += load<i32>(scratch + k)));
  for (let r = last - 1; r >= from; r--) {
    const place = scratch + ((<usize>load<u8>(fold + r)) << 2);
    const k = load<i32>(place) - 1;
    store<i32>(place, k);
    store<i32>(list + ((<usize>k) << 2), r);
  }
  next = 0;
  end = last - from;
  from = last;
  return true;
}

/** The next rows of one fold, as many as fit a tile, with and without their weights. */
function putTile(plain: usize, weighted: usize, row: usize): void {
  const list = scratch + (1 << 10);
  own = load<u8>(fold + load<i32>(list + ((<usize>next) << 2)));
  count = 0;
  column = 0;
  for (; count < TILE && next < end; next++) {
    const r = load<i32>(list + ((<usize>next) << 2));
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

/**
 * Adds a' b of `count` rows of `a` and `b`, `row` bytes each, to four rows of `g`: the blocks of four by four from the one on the diagonal on, whose
 * columns are those at `i` (bytes).
 */
export function addTile(a: usize, b: usize, count: i32, row: usize, i: usize, g: usize): void {
  const end = <usize>count * row;
  g += (i >> 3) * row;
  a += i;
  for (let j = i; j < row; j += 32) {
    const g0 = g + j;
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
      const p = a + r;
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

/** Sums of `parts` moments, their numbers [first, last) of q x q, to `total`. */
export function sumMoments(sums: usize, parts: i32, q: i32, first: i32, last: i32, total: usize): void {
  const step = (<usize>q * <usize>q) << 3;
  for (let i = (<usize>first) << 3; i < (<usize>last) << 3; i += 8) {
    let sum: f64 = 0;
    let p = sums + i;
    for (let k = 0; k < parts; k++, p += step) sum += load<f64>(p);
    store<f64>(total + i, sum);
  }
}

// the ridge regression at hand: of `total` less `part`
let total: usize = 0;
let part: usize = 0;
let signs: usize = 0;
let beta: usize = 0;
/** [d][d], the centred Gram matrix, of which the first rows and columns are there */
let gram: usize = 0;
/** [d] each: sums of inputs, their moments with the target about the means, these less what the coefficients explain. */
let inputSums: usize = 0;
let targetMoments: usize = 0;
let residual: usize = 0;
let rowWeight: f64 = 0;
let targetSum: f64 = 0;
let targetSquare: f64 = 0;
let centred: i32 = 0;
let penalty: f64 = 0;
/** Sweeps, input of the next step; the greatest gain of a step in this sweep. */
let sweep: i32 = 0;
let sweeps: i32 = 0;
let input: i32 = 0;
let moved: f64 = 0;

/** Floats64 that `work` of `beginPart` holds. */
export function ridgeSize(d: i32): f64 {
  return (<f64>d + 3) * <f64>d;
}

function momentAt(i: i32, j: i32): f64 {
  const place = (<usize>(i * momentSize(d) + j)) << 3;
  return part ? load<f64>(total + place) - load<f64>(part + place) : load<f64>(total + place);
}

/**
 * From now on `solveRidge` fits the rows behind the moments `all` ([q][q]) less those behind `without` (0: none). `coefficients`: [size + 1] float64,
 * start values in, result out (the bias last); `work`: ridgeSize(size) float64. Gives the rows' weight.
 */
export function beginPart(all: usize, without: usize, size: i32, sign: usize, coefficients: usize, work: usize): f64 {
  total = all;
  part = without;
  d = size;
  signs = sign;
  beta = coefficients;
  gram = work;
  inputSums = gram + ((<usize>d * <usize>d) << 3);
  targetMoments = inputSums + ((<usize>d) << 3);
  residual = targetMoments + ((<usize>d) << 3);
  rowWeight = momentAt(d, d);
  targetSum = momentAt(d, d + 1);
  targetSquare = momentAt(d + 1, d + 1);
  for (let i = 0; i < d; i++) {
    const place = (<usize>i) << 3;
    const sum = momentAt(i, d);
    store<f64>(inputSums + place, sum);
    store<f64>(targetMoments + place, momentAt(i, d + 1) - (sum * targetSum) / rowWeight);
  }
  centred = 0;
  return rowWeight;
}

/**
 * Begins min over beta, b0 of sum w (y - b0 - x beta)^2 / 2 + ridge * n |beta|^2 / 2, n being the rows' weight, with sign(beta_i) = signs[i] or 0 (free
 * where signs[i] is 0; beta_i = 0 where it is NaN), in `maxSweeps` sweeps at most.
 */
export function beginRidge(ridge: f64, maxSweeps: i32): void {
  penalty = ridge * rowWeight;
  memory.copy(residual, targetMoments, (<usize>d) << 3);
  sweeps = maxSweeps;
  // before the first sweep the residuals of the start values
  sweep = -1;
  input = 0;
  moved = 0;
}

/** Goes on for about `budget` multiply-adds; whether there is more to do. */
export function solveRidge(budget: i32): bool {
  // centred Gram matrix, both triangles; the intercept drops out
  for (; centred < d; centred += 8) {
    if (budget <= 0) return true;
    centreRows();
    budget -= (d - centred) << 3;
  }
  // a coefficient that moves the fit by less than 1e-7 of the target's sum of squares is at rest
  const rest = 1e-14 * targetSquare;
  for (; sweep < sweeps; sweep++) {
    for (; input < d; input++) {
      if (budget <= 0) return true;
      const at = (<usize>input) << 3;
      const old = load<f64>(beta + at);
      if (sweep < 0) {
        if (old != 0) {
          addColumn(gram, residual, d, input, -old);
          budget -= d;
        }
        continue;
      }
      const g = load<f64>(gram + at * <usize>(d + 1));
      const curvature = g + penalty;
      if (!(curvature > 1e-12 * rowWeight)) continue; // a constant input keeps its start value
      let b = (load<f64>(residual + at) + g * old) / curvature;
      const sign = load<f32>(signs + (at >> 1));
      if (sign > 0 && b < 0) b = 0;
      if (sign < 0 && b > 0) b = 0;
      if (sign != sign) b = 0;
      const step = b - old;
      if (step != 0) {
        store<f64>(beta + at, b);
        addColumn(gram, residual, d, input, -step);
        budget -= d;
        const gain = step * step * curvature;
        if (gain > moved) moved = gain;
      }
    }
    if (sweep >= 0 && moved <= rest) break;
    input = 0;
    moved = 0;
  }
  let b0 = targetSum;
  for (let i: usize = 0; i < (<usize>d) << 3; i += 8) b0 -= load<f64>(beta + i) * load<f64>(inputSums + i);
  store<f64>(beta + ((<usize>d) << 3), b0 / rowWeight);
  return false;
}

/** Eight rows and columns of the centred Gram matrix, from `centred` on: a column's numbers lie side by side in the other triangle. */
function centreRows(): void {
  for (let j = centred; j < d; j++) {
    const sumJ = load<f64>(inputSums + ((<usize>j) << 3));
    const last = min(j, centred + 7);
    for (let i = centred; i <= last; i++) {
      const g = momentAt(i, j) - (load<f64>(inputSums + ((<usize>i) << 3)) * sumJ) / rowWeight;
      store<f64>(gram + ((<usize>(i * d + j)) << 3), g);
      store<f64>(gram + ((<usize>(j * d + i)) << 3), g);
    }
  }
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
