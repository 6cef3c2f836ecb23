// The linear centre of more inputs than rows: the same sign-constrained ridge regression as linear.ts, with one unknown a row and no matrix over inputs.
// In: inputs [n][d] float32, target, weights, part of each row. Out: coefficients, the fit of every row, squared error of the rows left out. Float64.
//
// With s = sqrt(w), N = sum w and u = X' (s a) / (ridge N), the dual is the least of
//     D(a) = |a|^2 / 2 - a' (s y) + ridge N |P(u)|^2 / 2    over a with s' a = 0    (P keeps what has its input's sign; s' a = 0 is the intercept's)
// and the coefficients are P(u) there (Saunders, Gammerman & Vovk 1998, with signs). D has n unknowns, is strongly convex and quadratic wherever the set of
// active inputs, A = {i : P(u)_i = u_i}, stays: Newton's method (semismooth: Qi & Sun 1993) solves (I + s K s / (ridge N)) a = s y with K = X_A X_A', by
// conjugate gradients (Hestenes & Stiefel 1952), until A stays. Three steps or so. K, [n][n], follows A: x x' of an input that comes or goes. At the
// solution a is the weighted residual of the fit, and the difference of the two is the gradient that says how far off it is.

import { addTile, TILE } from "./linear";

let n: i32 = 0;
let d: i32 = 0;
/** n and more: 4 modulo 8, so that rows of K do not begin in the same few lines of the cache. */
let size: i32 = 0;
let signs: usize = 0;
/** [d][size] float32 */
let inputs: usize = 0;
/** [size][size], the upper triangle */
let k: usize = 0;
/** [TILE][size] each, inputs on their way into K or, times -1, out of it */
let plain: usize = 0;
let signed: usize = 0;
/** [d]: u, and that before the last step; bytes: whether the input is in K, whether it is active */
let u: usize = 0;
let uBefore: usize = 0;
let inside: usize = 0;
let active: usize = 0;
/** [size] each: roots of the weights, 0 where left out; targets times these, about their mean; dual variables, those before the last step; fit less bias */
let s: usize = 0;
let sy: usize = 0;
let a: usize = 0;
let before: usize = 0;
let fitted: usize = 0;
/** of conjugate gradients: residual, that by the diagonal of the matrix, direction, its product, and that before weights */
let r: usize = 0;
let z: usize = 0;
let p: usize = 0;
let product: usize = 0;
let weighted: usize = 0;

// the problem at hand
let targets: usize = 0;
let weights: usize = 0;
let beta: usize = 0;
let rowWeight: f64 = 0;
let spread: f64 = 0;
let penalty: f64 = 0;

// how far it is
const MATCH: i32 = 0; // inputs come into K and go
const START: i32 = 1; // K times a
const CONJUGATE: i32 = 2; // K times a direction
const FIT: i32 = 3; // inputs times a, coefficients, fit
const DONE: i32 = 4;
let stage: i32 = DONE;
/** Place in the stage: input, or row of K times eight; inputs in the panels. */
let at: i32 = 0;
let filled: i32 = 0;
let column: usize = 0;
/** r' z of conjugate gradients, the square of r at which they stop, and their steps. */
let square: f64 = 0;
let enough: f64 = 0;
let steps: i32 = 0;
/** Of coefficients; D before the last step of Newton's; those; whether the last one was shortened. */
let squares: f64 = 0;
let least: f64 = 0;
let newton: i32 = 0;
let shortened: bool = false;

/** A gradient this small beside the target, squared, is at rest. */
const REST: f64 = 1e-16;
/** What rounding may add to D. */
const NOISE: f64 = 1e-13;
const MOST_STEPS: i32 = 100;

/** Bytes that `beginDual` needs. */
export function dualSize(n: i32, d: i32): f64 {
  const size = <f64>paddedRows(n);
  return <f64>d * (4 * size + 18) + (size + 2 * TILE + 10) * size * 8;
}

function paddedRows(n: i32): i32 {
  return ((n + 3) & ~7) + 4;
}

/**
 * Begins with `rows` rows of `width` inputs with these signs, in dualSize(rows, width) bytes at `room`. `coefficients`: [width + 1] float64, 0 at first,
 * the bias last.
 */
export function beginDual(rows: i32, width: i32, sign: usize, coefficients: usize, room: usize): void {
  n = rows;
  d = width;
  signs = sign;
  beta = coefficients;
  size = paddedRows(n);
  const vector = (<usize>size) << 3;
  k = room;
  plain = k + vector * <usize>size;
  signed = plain + vector * <usize>TILE;
  s = signed + vector * <usize>TILE;
  sy = s + vector;
  a = sy + vector;
  before = a + vector;
  fitted = before + vector;
  r = fitted + vector;
  z = r + vector;
  p = z + vector;
  product = p + vector;
  weighted = product + vector;
  inputs = weighted + vector;
  u = inputs + ((<usize>d * <usize>size) << 2);
  uBefore = u + ((<usize>d) << 3);
  inside = uBefore + ((<usize>d) << 3);
  active = inside + <usize>d;
  // rows of K are cleared as rows come, the padding here
  memory.fill(k + vector * <usize>n, 0, inputs - k - vector * <usize>n);
  memory.fill(inside, 0, (<usize>d) << 1);
  // of rows that are none
  for (let i = 0; i < d; i++)
    memory.fill(inputs + ((<usize>i * <usize>size + <usize>(n & ~3)) << 2), 0, (<usize>(size - (n & ~3))) << 2);
}

/** Takes `count` rows from `x` on as those from `first` on. */
export function takeRows(x: usize, first: i32, count: i32): void {
  const step = (<usize>size) << 2;
  memory.fill(k + ((<usize>first * <usize>size) << 3), 0, (<usize>count * <usize>size) << 3);
  for (const end = first + count; first < end; first++, x += (<usize>d) << 2) {
    let to = inputs + ((<usize>first) << 2);
    for (let i: usize = 0; i < (<usize>d) << 2; i += 4, to += step) store<f32>(to, load<f32>(x + i));
  }
}

/** Fits rows from now on with `target` and `weight` (0: all one), [n] float32; of parts `id`, [n] bytes, rows of `part` are left out. Gives their weight. */
export function leaveOut(target: usize, weight: usize, id: usize, part: i32): f64 {
  targets = target;
  weights = weight;
  rowWeight = 0;
  for (let i = 0; i < n; i++) {
    const w: f64 = <i32>load<u8>(id + i) == part ? 0 : weightOf(i);
    rowWeight += w;
    store<f64>(s + ((<usize>i) << 3), sqrt(w));
    store<f64>(sy + ((<usize>i) << 3), sqrt(w) * <f64>load<f32>(target + ((<usize>i) << 2)));
  }
  // what rounding leaves of targets that are one is 0
  const rest = 1e-20 * dot(sy, sy);
  project(sy);
  spread = dot(sy, sy);
  if (!(spread > rest)) {
    spread = 0;
    memory.fill(sy, 0, (<usize>size) << 3);
  }
  return rowWeight;
}

function weightOf(i: i32): f64 {
  return weights ? <f64>load<f32>(weights + ((<usize>i) << 2)) : 1;
}

/**
 * Begins min over beta, b0 of sum w (y - b0 - x beta)^2 / 2 + ridge * N |beta|^2 / 2, N being the rows' weight, with sign(beta_i) = signs[i] or 0 (free
 * where signs[i] is 0; beta_i = 0 where it is NaN).
 */
export function beginSolution(ridge: f64): void {
  penalty = ridge * rowWeight;
  // from the solution before: its residuals, and the inputs that were active
  for (let i: usize = 0; i < (<usize>size) << 3; i += 8) if (load<f64>(s + i) == 0 || spread == 0) store<f64>(a + i, 0);
  project(a);
  newton = 0;
  enough = 1e-6 * spread;
  multiplyBy(START);
}

/** Goes on for about `budget` multiply-adds; whether there is more to do. */
export function solveDual(budget: i32): bool {
  while (budget > 0) {
    if (stage == MATCH) budget -= match();
    else if (stage == FIT) budget -= fit();
    else if (stage == DONE) return false;
    else budget -= multiply();
  }
  return true;
}

/** Squared error, by weight, of the rows of `part`. */
export function dualError(id: usize, part: i32): f64 {
  const bias = load<f64>(beta + ((<usize>d) << 3));
  let sum: f64 = 0;
  for (let i = 0; i < n; i++) {
    if (<i32>load<u8>(id + i) != part) continue;
    const e = <f64>load<f32>(targets + ((<usize>i) << 2)) - bias - load<f64>(fitted + ((<usize>i) << 3));
    sum += weightOf(i) * e * e;
  }
  return sum;
}

/** The fit of each row, float32. */
export function dualFit(out: usize): void {
  const bias = load<f64>(beta + ((<usize>d) << 3));
  for (let i: usize = 0; i < (<usize>n) << 2; i += 4) store<f32>(out + i, <f32>(load<f64>(fitted + (i << 1)) + bias));
}

/** Brings inputs that are active into K, and takes the others out: a panel of them at a time, four rows of K. */
function match(): i32 {
  const row = (<usize>size) << 3;
  if (column == row) {
    column = 0;
    filled = 0;
    for (; at < d && filled < TILE; at++) {
      const is = load<u8>(active + at);
      if (is == load<u8>(inside + at)) continue;
      store<u8>(inside + at, is);
      const from = inputs + ((<usize>at * <usize>size) << 2);
      const to = <usize>filled * row;
      const one = f64x2.splat(is ? 1 : -1);
      for (let i: usize = 0; i < row; i += 16) {
        const v = f64x2.promote_low_f32x4(v128.load64_zero(from + (i >> 1)));
        v128.store(plain + to + i, v);
        v128.store(signed + to + i, f64x2.mul(one, v));
      }
      filled++;
    }
    if (filled == 0) {
      multiplyBy(START);
      return 1;
    }
  }
  addTile(signed, plain, filled, row, column, k);
  column += 32;
  return (<i32>(row - column + 32) >> 1) * filled;
}

/** Begins the product of K with a, or with the direction. */
function multiplyBy(what: i32): void {
  stage = what;
  column = 0;
  const v = what == START ? a : p;
  const row = (<usize>size) << 3;
  for (let i: usize = 0; i < row; i += 16) v128.store(weighted + i, f64x2.mul(v128.load(s + i), v128.load(v + i)));
  memory.fill(product, 0, row);
}

/** Four rows and columns of K in that product; at its end a step of conjugate gradients. */
function multiply(): i32 {
  const row = (<usize>size) << 3;
  const from = k + (column >> 3) * row;
  const to = product + column;
  const v = weighted + column;
  // the block on the diagonal is whole
  for (let i: usize = 0; i < 32; i += 8) {
    const q = from + (i >> 3) * row + column;
    store<f64>(
      to + i,
      load<f64>(to + i) +
        (load<f64>(q) * load<f64>(v) +
          load<f64>(q, 8) * load<f64>(v, 8) +
          (load<f64>(q, 16) * load<f64>(v, 16) + load<f64>(q, 24) * load<f64>(v, 24))),
    );
  }
  const v0 = v128.load64_splat(v);
  const v1 = v128.load64_splat(v, 8);
  const v2 = v128.load64_splat(v, 16);
  const v3 = v128.load64_splat(v, 24);
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  for (let j = column + 32; j < row; j += 16) {
    const q = from + j;
    const k0 = v128.load(q);
    const k1 = v128.load(q + row);
    const k2 = v128.load(q + 2 * row);
    const k3 = v128.load(q + 3 * row);
    const w = v128.load(weighted + j);
    s0 = f64x2.add(s0, f64x2.mul(k0, w));
    s1 = f64x2.add(s1, f64x2.mul(k1, w));
    s2 = f64x2.add(s2, f64x2.mul(k2, w));
    s3 = f64x2.add(s3, f64x2.mul(k3, w));
    const t = f64x2.add(
      f64x2.add(f64x2.mul(k0, v0), f64x2.mul(k1, v1)),
      f64x2.add(f64x2.mul(k2, v2), f64x2.mul(k3, v3)),
    );
    v128.store(product + j, f64x2.add(v128.load(product + j), t));
  }
  addLanes(to, s0);
  addLanes(to + 8, s1);
  addLanes(to + 16, s2);
  addLanes(to + 24, s3);
  const cost = <i32>(row - column);
  column += 32;
  if (column == row) conjugate();
  return cost;
}

function addLanes(to: usize, v: v128): void {
  store<f64>(to, load<f64>(to) + (f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1)));
}

/** The product is there: a step of conjugate gradients, or the first residual. */
function conjugate(): void {
  const row = (<usize>size) << 3;
  const v = stage == START ? a : p;
  for (let i: usize = 0; i < row; i += 8)
    store<f64>(product + i, load<f64>(v + i) + (load<f64>(s + i) * load<f64>(product + i)) / penalty);
  project(product);
  if (stage == START) {
    addTimes(r, sy, -1, product);
    memory.fill(p, 0, row);
    square = 1;
    steps = 0;
  } else {
    const step = square / dot(p, product);
    addTimes(a, a, step, p);
    addTimes(r, r, -step, product);
    steps++;
  }
  // weights, and outliers among rows, may differ by magnitudes: their share of the diagonal is taken off
  for (let i: usize = 0; i < row; i += 8) {
    const root = load<f64>(s + i);
    const own = load<f64>(k + (i >> 3) * row + i);
    store<f64>(z + i, load<f64>(r + i) / (1 + (root * root * own) / penalty));
  }
  project(z);
  const old = square;
  square = dot(r, z);
  addTimes(p, z, square / old, p);
  if (dot(r, r) > enough && steps < 4 * size) multiplyBy(CONJUGATE);
  else beginFit();
}

function beginFit(): void {
  stage = FIT;
  at = 0;
  squares = 0;
  const row = (<usize>size) << 3;
  for (let i: usize = 0; i < row; i += 16) v128.store(weighted + i, f64x2.mul(v128.load(s + i), v128.load(a + i)));
  memory.fill(fitted, 0, row);
}

/** One input: its coefficient, and what that adds to the fit; at the end of them what the gradient says. */
function fit(): i32 {
  const row = (<usize>size) << 2;
  const from = inputs + <usize>at * row;
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  for (let i: usize = 0; i < row; i += 16) {
    const x = v128.load(from + i);
    s0 = f64x2.add(s0, f64x2.mul(v128.load(weighted + (i << 1)), f64x2.promote_low_f32x4(x)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(weighted + (i << 1), 16), f64x2.promote_low_f32x4(high(x))));
  }
  s0 = f64x2.add(s0, s1);
  const v = (f64x2.extract_lane(s0, 0) + f64x2.extract_lane(s0, 1)) / penalty;
  const is = mayBe(at, v);
  store<u8>(active + at, <u8>is);
  store<f64>(u + ((<usize>at) << 3), v);
  store<f64>(beta + ((<usize>at) << 3), is ? v : 0);
  let cost = size;
  if (is && v != 0) {
    squares += v * v;
    const f = f64x2.splat(v);
    for (let i: usize = 0; i < row; i += 16) {
      const x = v128.load(from + i);
      const to = fitted + (i << 1);
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(f, f64x2.promote_low_f32x4(x))));
      v128.store(to, f64x2.add(v128.load(to, 16), f64x2.mul(f, f64x2.promote_low_f32x4(high(x)))), 16);
    }
    cost += size;
  }
  at++;
  if (at == d) judge();
  return cost;
}

/** Whether input i may have the coefficient v. */
function mayBe(i: i32, v: f64): bool {
  const sign = <f64>load<f32>(signs + ((<usize>i) << 2));
  return sign == 0 || v * sign > 0;
}

function high(x: v128): v128 {
  return v128.shuffle<i64>(x, x, 1, 1);
}

/** Coefficients and fit are there: the end, a part of the last step, or another one. */
function judge(): void {
  // the residuals of the fit, times the roots of the weights, and the bias
  let bias: f64 = 0;
  for (let i = 0; i < n; i++) {
    const place = (<usize>i) << 3;
    const root = load<f64>(s + place);
    const e = <f64>load<f32>(targets + ((<usize>i) << 2)) - load<f64>(fitted + place);
    bias += root * root * e;
    store<f64>(r + place, load<f64>(sy + place) - root * load<f64>(fitted + place));
  }
  store<f64>(beta + ((<usize>d) << 3), bias / rowWeight);
  project(r);
  addTimes(r, r, -1, a);
  const gradient = dot(r, r);
  const value = 0.5 * dot(a, a) - dot(a, sy) + 0.5 * penalty * squares;
  if (gradient <= REST * spread || newton == MOST_STEPS) stage = DONE;
  else if (newton > 0 && !shortened && value > least + NOISE * spread) {
    // too far
    shorten();
    beginFit();
  } else {
    memory.copy(before, a, (<usize>size) << 3);
    memory.copy(uBefore, u, (<usize>d) << 3);
    least = value;
    newton++;
    shortened = false;
    enough = max(0.1 * REST * spread, 1e-6 * gradient);
    at = 0;
    column = (<usize>size) << 3;
    stage = MATCH;
  }
}

/** Takes the part of the last step at which D is least: where its slope along the step, which rises, passes 0. u is linear there: no row is needed. */
function shorten(): void {
  // a becomes the step
  addTimes(a, a, -1, before);
  const slope = dot(a, before) - dot(a, sy);
  const curvature = dot(a, a);
  let low: f64 = 0;
  let high: f64 = 1;
  for (let k = 0; k < 40; k++) {
    const middle = 0.5 * (low + high);
    let sum: f64 = 0;
    for (let i = 0; i < d; i++) {
      const place = (<usize>i) << 3;
      const from = load<f64>(uBefore + place);
      const step = load<f64>(u + place) - from;
      const v = from + middle * step;
      if (mayBe(i, v)) sum += v * step;
    }
    if (slope + middle * curvature + penalty * sum < 0) low = middle;
    else high = middle;
  }
  addTimes(a, before, high, a);
  shortened = true;
}

/** Takes off what lies along s. */
function project(v: usize): void {
  addTimes(v, v, -dot(s, v) / rowWeight, s);
}

function dot(v: usize, w: usize): f64 {
  let sum = f64x2.splat(0);
  for (const end = v + ((<usize>size) << 3); v < end; v += 16, w += 16)
    sum = f64x2.add(sum, f64x2.mul(v128.load(v), v128.load(w)));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** v + factor w, to `out`. */
function addTimes(out: usize, v: usize, factor: f64, w: usize): void {
  const f = f64x2.splat(factor);
  for (let i: usize = 0; i < (<usize>size) << 3; i += 16)
    v128.store(out + i, f64x2.add(v128.load(v + i), f64x2.mul(f, v128.load(w + i))));
}
