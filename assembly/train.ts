// Training of one member: rows -> hyperplanes -> groups -> sum -> loss -> backward -> Adam. One trainer a module instance; its state is the
// globals below (addresses and sizes). Arrays: x [n][columns] float32 row-major, y and weight [n], slabs z w m v g [planes][dp].
// f(x) = sum_m factor_m net_m(x); the factor is folded into the tiles, so the forward kernel is the one of prediction.

import { alloc, allocZeroed } from "./arena";
import { forward8, planesOfTiles, tracksTiles, transpose8 } from "./forward";
import { paddedSize, putGroup, tilesOf } from "./layout";
import { loss, lossBackward, SQUARED } from "./loss";
import { logf, logit } from "./math";
import { adam, fade, weights, weightsBackward } from "./optimiser";
import { forwardPrunedRows, makePlan, planSize, refreshKillers, shouldPrune } from "./prune";
import { nextNormal, nextBelow, nextUniform, seed, shuffle } from "./random";

// data
let x: usize = 0;
let y: usize = 0;
let caseWeight: usize = 0;
let columns: i32 = 0; // stored inputs a row
let level: i32 = 0; // 1: one more input, the quantile level, drawn at random per row and step
let levelScale: f32 = 1;
let d: i32 = 0; // inputs a plane sees
let dp: i32 = 0;

// networks
let networks: i32 = 0;
let planes: i32 = 0;
let tileCount: i32 = 0;
let factors: usize = 0; // [networks]
let lambdas: usize = 0; // [networks]
let signs: usize = 0; // [dp]
let signed: usize = 0; // [dp] masks
let decay: usize = 0; // [dp]
let z: usize = 0;
let w: usize = 0;
let m: usize = 0;
let v: usize = 0;
let g: usize = 0;
let metas: usize = 0;
let tiles: usize = 0;
let lane: usize = 0; // [planes] where a plane's bias stands in the tiles
let width: usize = 0; // [planes] bytes from one input to the next there
let owner: usize = 0; // [planes] network
let resting: usize = 0; // [planes] steps that a plane has rested, 0: awake
let touched: usize = 0; // [planes] bytes: 1 when the batch sent it a gradient
let plan: usize = 0; // prune.ts; 0 where it does not pay
let byTiles: bool = false; // active planes by their tiles (forward.ts)

// scratch of one batch
let batchRows: usize = 0; // [batch][dp]
let xt: usize = 0; // [dp][8]
let sums: usize = 0; // [batch]
let active: usize = 0; // [networks][batch]
let taus: usize = 0; // [batch]
let batchSize: i32 = 0;

// schedule
let rows: usize = 0;
let rowCount: i32 = 0;
let at: i32 = 0;
let step: i32 = 0;
let steps: i32 = 0;
let rate: f32 = 0;
let lossKind: i32 = 0;
let lossParameter: f32 = 0;
let beta1t: f64 = 1;
let beta2t: f64 = 1;
let lossTotal: f64 = 0;
let lossRows: f64 = 0;

/** The rows to learn from. `withLevel`: 1 adds the quantile level as last input, scaled by `scale`. */
export function setData(
  xRows: usize,
  target: usize,
  weight: usize,
  storedColumns: i32,
  withLevel: i32,
  scale: f32,
): void {
  x = xRows;
  y = target;
  caseWeight = weight;
  columns = storedColumns;
  level = withLevel;
  levelScale = scale;
  d = columns + level;
  dp = paddedSize(d);
}

/**
 * The networks: `shapes` holds (groups, hyperplanes) a network, `factor` their c_m, `lambda` their ridge, `sign` one of 1, -1, 0 an input.
 * Gives the number of planes, or 0 when memory is refused.
 */
export function setNetworks(count: i32, shapes: usize, factor: usize, lambda: usize, sign: usize, maxBatch: i32): i32 {
  networks = count;
  factors = factor;
  lambdas = lambda;
  planes = 0;
  tileCount = 0;
  for (let k = 0; k < count; k++) {
    const groups = load<i32>(shapes + ((<usize>k) << 3));
    const hyperplanes = load<i32>(shapes + ((<usize>k) << 3), 4);
    planes += groups * hyperplanes;
    tileCount += groups * tilesOf(hyperplanes);
  }
  batchSize = (maxBatch + 7) & ~7;
  const slab = (<usize>(planes * dp)) << 2;
  signs = allocZeroed((<usize>dp) << 2);
  signed = allocZeroed((<usize>dp) << 2);
  decay = allocZeroed((<usize>dp) << 2);
  z = allocZeroed(slab);
  w = allocZeroed(slab);
  m = allocZeroed(slab);
  v = allocZeroed(slab);
  g = allocZeroed(slab);
  metas = alloc((<usize>tileCount) << 2);
  tiles = allocZeroed(((<usize>(planes * (d + 1))) << 2) + 16);
  lane = alloc((<usize>planes) << 2);
  width = alloc((<usize>planes) << 2);
  owner = alloc((<usize>planes) << 2);
  resting = alloc((<usize>planes) << 2);
  touched = allocZeroed(<usize>planes);
  batchRows = allocZeroed((<usize>(batchSize * dp)) << 2);
  xt = allocZeroed((<usize>dp) << 5);
  sums = allocZeroed((<usize>batchSize) << 2);
  taus = allocZeroed((<usize>batchSize) << 2);
  active = allocZeroed((<usize>(networks * batchSize)) << 2);
  if (!active) return 0;
  for (let i = 0; i < d; i++) {
    const s = load<f32>(sign + ((<usize>i) << 2));
    store<f32>(signs + ((<usize>i) << 2), s);
    store<i32>(signed + ((<usize>i) << 2), s == 0 ? 0 : -1);
    store<f32>(decay + ((<usize>i) << 2), 1);
  }
  let plane = 0;
  let meta = metas;
  let tile = tiles;
  for (let k = 0; k < count; k++) {
    const groups = load<i32>(shapes + ((<usize>k) << 3));
    const hyperplanes = load<i32>(shapes + ((<usize>k) << 3), 4);
    for (let group = 0; group < groups; group++) {
      const end = putGroup(meta, hyperplanes, plane, group == groups - 1);
      for (; meta < end; meta += 4) {
        const tileWidth = load<i32>(meta) & 7;
        for (let j = 0; j < tileWidth; j++) {
          store<u32>(lane + ((<usize>plane) << 2), <u32>(tile + ((<usize>j) << 2)));
          store<i32>(width + ((<usize>plane) << 2), tileWidth << 2);
          store<i32>(owner + ((<usize>plane) << 2), k);
          plane++;
        }
        tile += (<usize>((d + 1) * tileWidth)) << 2;
      }
    }
  }
  byTiles = tracksTiles(metas, tileCount);
  plan = alloc(planSize(metas, tileCount, d));
  if (!plan) return 0;
  if (!makePlan(plan, metas, tiles, tileCount, d)) plan = 0;
  return planes;
}

/** From now on every plane is read; false where that was so already. For tests: it must not change a bit. */
export function dropPlan(): bool {
  const had = plan != 0;
  plan = 0;
  return had;
}

export function slabZ(): usize {
  return z;
}
export function slabW(): usize {
  return w;
}
export function slabG(): usize {
  return g;
}
export function activePlanes(): usize {
  return active;
}

/** One plane's row of w to its lane of its tile, times the network's factor. */
function putTile(plane: i32): void {
  const from = w + ((<usize>(plane * dp)) << 2);
  const stride = <usize>load<i32>(width + ((<usize>plane) << 2));
  const factor = load<f32>(factors + ((<usize>load<i32>(owner + ((<usize>plane) << 2))) << 2));
  let to = <usize>load<u32>(lane + ((<usize>plane) << 2));
  store<f32>(to, load<f32>(from + ((<usize>d) << 2)) * factor);
  let i = 0;
  const c = f32x4.splat(factor);
  for (; i + 4 <= d; i += 4) {
    const value = f32x4.mul(v128.load(from + ((<usize>i) << 2)), c);
    to += stride;
    v128.store_lane<f32>(to, value, 0);
    to += stride;
    v128.store_lane<f32>(to, value, 1);
    to += stride;
    v128.store_lane<f32>(to, value, 2);
    to += stride;
    v128.store_lane<f32>(to, value, 3);
  }
  for (; i < d; i++) {
    to += stride;
    store<f32>(to, load<f32>(from + ((<usize>i) << 2)) * factor);
  }
}

/** Weights and tiles from the slab z: after the host wrote z. */
export function refresh(): void {
  for (let p = 0; p < planes; p++) {
    const at = (<usize>(p * dp)) << 2;
    weights(z + at, w + at, signs, signed, dp);
    putTile(p);
  }
  if (plan) refreshKillers(plan, d);
}

/** Tiles from the slab w: after the host put a snapshot back. */
export function refreshTiles(): void {
  for (let p = 0; p < planes; p++) putTile(p);
  if (plan) refreshKillers(plan, d);
}

/**
 * Start at the linear fit `centre` ([d + 1] float32, bias last): network 0 is the plane when `withPlane`, and gets half of it; every other
 * hyperplane gets the (half) centre with log-normal noise, its bias such that it meets the centre at a random training row. `spread`: sd of
 * that noise. `rowsAt`, `count`: training rows. `stream`: the member.
 */
export function start(
  seedValue: i32,
  stream: i32,
  centre: usize,
  withPlane: i32,
  spread: f32,
  rowsAt: usize,
  count: i32,
): void {
  seed(<u32>seedValue, <u32>stream);
  memory.fill(m, 0, (<usize>(planes * dp)) << 2);
  memory.fill(v, 0, (<usize>(planes * dp)) << 2);
  memory.fill(g, 0, (<usize>(planes * dp)) << 2);
  memory.fill(resting, 0, (<usize>planes) << 2);
  const share: f32 = withPlane ? 0.5 : 1;
  for (let p = 0; p < planes; p++) {
    const to = z + ((<usize>(p * dp)) << 2);
    if (withPlane && p == 0) {
      for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
        const w0 = load<f32>(centre + i) * share;
        store<f32>(to + i, load<f32>(signs + i) == 0 ? w0 : logf(max(abs(w0), <f32>0.005)));
      }
      store<f32>(to + ((<usize>d) << 2), load<f32>(centre + ((<usize>d) << 2)) * share);
      continue;
    }
    const row = load<u32>(rowsAt + ((<usize>nextBelow(<u32>count)) << 2));
    const values = x + ((<usize>row * <usize>columns) << 2);
    const tau = level ? logit(nextUniform()) * levelScale : 0;
    let target = load<f32>(centre + ((<usize>d) << 2)) * share;
    let own: f32 = 0;
    for (let i = 0; i < d; i++) {
      const place = (<usize>i) << 2;
      const w0 = load<f32>(centre + place);
      const sign = load<f32>(signs + place);
      const value = i < columns ? load<f32>(values + place) : tau;
      const noise = nextNormal();
      let weight: f32;
      if (sign == 0) {
        weight = (w0 + spread * <f32>0.5 * (<f32>0.1 + abs(w0)) * noise) * share;
        store<f32>(to + place, weight);
      } else {
        const logWeight = logf(max(abs(w0), <f32>0.02) * share) + spread * noise;
        store<f32>(to + place, logWeight);
        // the start needs no more than the size of the weight: a few terms of the exact one would do, but this is the exact one
        weight = sign * expOf(logWeight);
      }
      target += w0 * share * value;
      own += weight * value;
    }
    store<f32>(to + ((<usize>d) << 2), target - own + <f32>0.1 * nextNormal());
  }
  refresh();
}

/** exp through the vector kernel, so that the bias belongs to the very weight that training will use. */
function expOf(a: f32): f32 {
  const at = taus;
  v128.store(at, f32x4.splat(a));
  weights(at, at, onesAt(), onesMask(), 4);
  return load<f32>(at);
}
let ones: usize = 0;
function onesAt(): usize {
  if (!ones) {
    ones = alloc(32);
    v128.store(ones, f32x4.splat(1));
    v128.store(ones, i32x4.splat(-1), 16);
  }
  return ones;
}
function onesMask(): usize {
  return onesAt() + 16;
}

/** The schedule: `count` row numbers at `rowsAt` (shuffled in place every epoch), `total` steps of `batch` rows, Adam's rate. */
export function begin(
  rowsAt: usize,
  count: i32,
  batch: i32,
  total: i32,
  learningRate: f32,
  kind: i32,
  parameter: f32,
): void {
  rows = rowsAt;
  rowCount = count;
  batchWanted = batch;
  at = count;
  step = 0;
  steps = total;
  rate = learningRate;
  lossKind = kind;
  lossParameter = parameter;
  beta1t = 1;
  beta2t = 1;
  lossTotal = 0;
  lossRows = 0;
}
let batchWanted: i32 = 64;

/** Row `r` to dp floats at `to`: stored inputs, the level when there is one, 1 for the bias, zeros. */
function gather(r: u32, tau: f32, to: usize): void {
  const from = x + ((<usize>r * <usize>columns) << 2);
  const bytes = (<usize>columns) << 2;
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, v128.load(from + i));
  let i = bytes;
  if (level) {
    store<f32>(to + i, tau);
    i += 4;
  }
  store<f32>(to + i, 1);
  i += 4;
  for (; i < (<usize>dp) << 2; i += 4) store<f32>(to + i, 0);
}

/**
 * Reads a word of every cache line of the listed rows. They lie all over memory, and so many misses are under way at once; gathering
 * row by row waits for each (twice the time of all the rest, for 100,000 rows).
 */
function touch(list: usize, count: i32): void {
  const bytes = (<usize>columns) << 2;
  let all: u32 = 0;
  for (let r: usize = 0; r < (<usize>count) << 2; r += 4) {
    const row = <usize>load<u32>(list + r);
    const from = x + row * bytes;
    all |= load<u32>(y + (row << 2));
    for (let i: usize = 0; i < bytes; i += 64) all |= load<u32>(from + i);
    all |= load<u32>(from + bytes - 4);
  }
  touchedWords = all;
}
let touchedWords: u32 = 0;

/** Sums of the networks for `count` gathered rows, one at a time where pruning pays, else eight. */
function forwardBatch(count: i32): void {
  if (plan && shouldPrune(plan, count)) {
    forwardPrunedRows(plan, d, batchRows, (<usize>dp) << 2, count, sums, active, (<usize>batchSize) << 2);
    return;
  }
  for (let r = 0; r < count; r += 8) {
    transpose8(batchRows + ((<usize>(r * dp)) << 2), dp, d, xt);
    const place = (<usize>r) << 2;
    if (byTiles) {
      forward8<i64>(tiles, metas, tileCount, d, xt, sums + place, active + place, (<usize>batchSize) << 2);
      planesOfTiles(tiles, networks, d, xt, active + place, (<usize>batchSize) << 2);
      continue;
    }
    forward8<i32>(tiles, metas, tileCount, d, xt, sums + place, active + place, (<usize>batchSize) << 2);
  }
}

/** d loss / d f of every row at `residual` ([count]) to d loss / dw: only the active plane of each network, O(networks * d) a row. */
function backwardBatch(count: i32, residual: usize): void {
  const bytes = (<usize>dp) << 2;
  for (let k = 0; k < networks; k++) {
    const factor = load<f32>(factors + ((<usize>k) << 2));
    const chosen = active + ((<usize>(k * batchSize)) << 2);
    let row = batchRows;
    for (let r = 0; r < count; r++) {
      const s = f32x4.splat(load<f32>(residual + ((<usize>r) << 2)) * factor);
      const plane = <usize>load<i32>(chosen + ((<usize>r) << 2));
      const to = g + plane * bytes;
      store<u8>(touched + plane, 1);
      for (let i: usize = 0; i < bytes; i += 16) {
        v128.store(to + i, f32x4.add(v128.load(to + i), f32x4.mul(s, v128.load(row + i))));
      }
      row += bytes;
    }
  }
}

/** cos(a) for a in [0, pi], by 1 - 2 sin^2(a / 2) and Taylor's series: engines' own cosines differ in the last bits. */
function cosine(a: f64): f64 {
  const h = a * 0.5;
  const q = h * h;
  let s: f64 = 1.0 / 355687428096000.0;
  s = s * -q + 1.0 / 1307674368000.0;
  s = s * -q + 1.0 / 6227020800.0;
  s = s * -q + 1.0 / 39916800.0;
  s = s * -q + 1.0 / 362880.0;
  s = s * -q + 1.0 / 5040.0;
  s = s * -q + 1.0 / 120.0;
  s = s * -q + 1.0 / 6.0;
  s = h * (s * -q + 1.0);
  return 1.0 - 2.0 * s * s;
}

/** Adam's rate at a step: 3 % linear warm-up, then a cosine down to 1 %. */
export function rateAt(t: i32, total: i32, peak: f32): f32 {
  const warm = max(1, (total * 3) / 100);
  if (t < warm) return <f32>(<f64>peak * (<f64>(t + 1) / <f64>warm));
  const share = <f64>(t - warm) / <f64>max(1, total - warm);
  return <f32>(<f64>peak * (0.01 + 0.99 * 0.5 * (1.0 + cosine(share * 3.141592653589793))));
}

/**
 * One Adam step of every plane that is awake. A plane without gradient whose step moved no weight rests (it could only move less: m fades
 * faster than the root of v) until a row makes it active again; then m and v fade by the steps missed. Planes with a ridge never rest.
 * Blocks of planes, first all moments, then all weights: the two dependency chains fill the reorder window one after the other.
 */
function update(now: f32, epsilon: f32): void {
  const bytes = (<usize>dp) << 2;
  for (let from = 0; from < planes; from += BLOCK) {
    const to = min(planes, from + BLOCK);
    for (let p = from; p < to; p++) {
      const gradient = load<u8>(touched + <usize>p);
      const rest = load<i32>(resting + ((<usize>p) << 2));
      const place = <usize>p * bytes;
      if (rest) {
        if (!gradient) {
          store<i32>(resting + ((<usize>p) << 2), rest + 1);
          continue;
        }
        fade(m + place, v + place, dp, rest - 1);
      }
      const lambda = load<f32>(lambdas + ((<usize>load<i32>(owner + ((<usize>p) << 2))) << 2));
      const moved = adam(
        z + place,
        w + place,
        m + place,
        v + place,
        g + place,
        signed,
        decay,
        dp,
        lambda,
        now,
        epsilon,
      );
      store<i32>(resting + ((<usize>p) << 2), moved || gradient || lambda != 0 ? 0 : 1);
    }
    for (let p = from; p < to; p++) {
      store<u8>(touched + <usize>p, 0);
      if (load<i32>(resting + ((<usize>p) << 2))) continue;
      weights(z + <usize>p * bytes, w + <usize>p * bytes, signs, signed, dp);
      putTile(p);
    }
  }
  if (plan) refreshKillers(plan, d);
}
/** Planes a block: their slabs stay in the first-level cache. */
const BLOCK: i32 = 16;

/** Up to `count` steps; gives the steps still to do. */
export function advance(count: i32): i32 {
  for (; count > 0 && step < steps; count--) {
    if (at >= rowCount) {
      shuffle(rows, <u32>rowCount);
      at = 0;
    }
    const size = min(batchWanted, rowCount - at);
    touch(rows + ((<usize>at) << 2), size);
    for (let r = 0; r < size; r++) {
      let tau: f32 = 0;
      if (level) {
        tau = nextUniform();
        store<f32>(taus + ((<usize>r) << 2), tau);
        tau = logit(tau) * levelScale;
      }
      gather(load<u32>(rows + ((<usize>(at + r)) << 2)), tau, batchRows + ((<usize>(r * dp)) << 2));
    }
    forwardBatch(size);
    const share = <f32>1 / <f32>size;
    const kind = lossKind;
    let total: f64 = 0;
    let weightTotal: f64 = 0;
    for (let r: usize = 0; r < (<usize>size) << 2; r += 4) {
      const row = (<usize>load<u32>(rows + ((<usize>at) << 2) + r)) << 2;
      const f = load<f32>(sums + r);
      const target = load<f32>(y + row);
      const caseW: f32 = caseWeight ? load<f32>(caseWeight + row) : 1;
      if (kind == SQUARED) {
        const residual = f - target;
        total += <f64>(<f32>0.5 * residual * residual * caseW);
        store<f32>(sums + r, residual * caseW * share);
      } else {
        const tau = load<f32>(taus + r);
        total += <f64>(loss(kind, f, target, tau, lossParameter) * caseW);
        store<f32>(sums + r, lossBackward(kind, f, target, tau, lossParameter) * caseW * share);
      }
      weightTotal += <f64>caseW;
    }
    lossTotal += total;
    lossRows += weightTotal;
    backwardBatch(size, sums);
    beta1t *= 0.9;
    beta2t *= 0.999;
    const correction = sqrt(1.0 - beta2t);
    const now = <f32>((<f64>rateAt(step, steps, rate) * correction) / (1.0 - beta1t));
    const epsilon = <f32>(1e-8 * correction);
    update(now, epsilon);
    at += size;
    step++;
  }
  return steps - step;
}

/** Mean training loss since the last call. */
export function meanLoss(): f64 {
  const mean = lossRows > 0 ? lossTotal / lossRows : 0;
  lossTotal = 0;
  lossRows = 0;
  return mean;
}

/** f of `count` listed rows to `out`; `tau` is the quantile level where there is one. */
export function evaluate(rowsAt: usize, count: i32, tau: f32, out: usize): void {
  const score = level ? logit(tau) * levelScale : 0;
  for (let r = 0; r < count; r += 8) {
    const size = min(8, count - r);
    for (let k = 0; k < size; k++) {
      gather(load<u32>(rowsAt + ((<usize>(r + k)) << 2)), score, batchRows + ((<usize>(k * dp)) << 2));
    }
    transpose8(batchRows, dp, d, xt);
    forward8<f32>(tiles, metas, tileCount, d, xt, sums, 0, 0);
    memory.copy(out + ((<usize>r) << 2), sums, (<usize>size) << 2);
  }
}

/** Mean loss of predictions `f` ([count]) on the listed rows, weighted. */
export function lossOf(rowsAt: usize, count: i32, f: usize, kind: i32, tau: f32, parameter: f32): f64 {
  let sum: f64 = 0;
  let total: f64 = 0;
  for (let r: usize = 0; r < (<usize>count) << 2; r += 4) {
    const row = (<usize>load<u32>(rowsAt + r)) << 2;
    const caseW: f32 = caseWeight ? load<f32>(caseWeight + row) : 1;
    sum += <f64>(loss(kind, load<f32>(f + r), load<f32>(y + row), tau, parameter) * caseW);
    total += <f64>caseW;
  }
  return total > 0 ? sum / total : 0;
}

/** Loss of each listed row to `out`: for comparing two predictors row by row. */
export function lossRowsOf(rowsAt: usize, count: i32, f: usize, kind: i32, tau: f32, parameter: f32, out: usize): void {
  for (let r: usize = 0; r < (<usize>count) << 2; r += 4) {
    const row = (<usize>load<u32>(rowsAt + r)) << 2;
    const caseW: f32 = caseWeight ? load<f32>(caseWeight + row) : 1;
    store<f32>(out + r, loss(kind, load<f32>(f + r), load<f32>(y + row), tau, parameter) * caseW);
  }
}

/** The linear fit `centre` ([d + 1] float32, bias last) on the listed rows, to `out`. */
export function evaluateCentre(rowsAt: usize, count: i32, centre: usize, tau: f32, out: usize): void {
  const score = level ? logit(tau) * levelScale : 0;
  for (let r: usize = 0; r < (<usize>count) << 2; r += 4) {
    const values = x + ((<usize>load<u32>(rowsAt + r) * <usize>columns) << 2);
    let f = load<f32>(centre + ((<usize>d) << 2));
    for (let i = 0; i < columns; i++)
      f += load<f32>(centre + ((<usize>i) << 2)) * load<f32>(values + ((<usize>i) << 2));
    if (level) f += load<f32>(centre + ((<usize>columns) << 2)) * score;
    store<f32>(out + r, f);
  }
}

/**
 * Forward and backward of `count` listed rows (at most the batch size) without a step: sums at `f`, d loss / dw in slab g (mean over rows),
 * d loss / dz at `dz` ([planes][dp]). For tests against oracles.
 */
export function gradients(rowsAt: usize, count: i32, kind: i32, tau: f32, parameter: f32, f: usize, dz: usize): f64 {
  for (let r = 0; r < count; r++) {
    gather(
      load<u32>(rowsAt + ((<usize>r) << 2)),
      level ? logit(tau) * levelScale : 0,
      batchRows + ((<usize>(r * dp)) << 2),
    );
  }
  memory.fill(g, 0, (<usize>(planes * dp)) << 2);
  forwardBatch(count);
  memory.copy(f, sums, (<usize>count) << 2);
  const mean = lossOf(rowsAt, count, f, kind, tau, parameter);
  for (let r = 0; r < count; r++) {
    const target = load<f32>(y + ((<usize>load<u32>(rowsAt + ((<usize>r) << 2))) << 2));
    store<f32>(
      sums + ((<usize>r) << 2),
      lossBackward(kind, load<f32>(f + ((<usize>r) << 2)), target, tau, parameter) / <f32>count,
    );
  }
  backwardBatch(count, sums);
  memory.copy(dz, g, (<usize>(planes * dp)) << 2);
  for (let p = 0; p < planes; p++) {
    const place = (<usize>(p * dp)) << 2;
    weightsBackward(dz + place, w + place, signed, dp);
  }
  return mean;
}
