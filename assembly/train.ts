// Training of one member: rows -> hyperplanes -> groups -> sum -> loss -> backward -> Adam. One trainer a module instance; its state is the
// globals below (addresses and sizes). Arrays: x [n][columns] float32 row-major, y and weight [n], slabs w and g [planes][dp].
// f(x) = sum_m factor_m net_m(x); the factor is folded into the tiles, so the forward kernel is the one of prediction.

import { alloc, allocZeroed } from "./arena";
import { forward8, planesOfTiles, tracksTiles, transpose8 } from "./forward";
import { forwardSixes, putSixes } from "./forward-sixes";
import { END_NETWORK, paddedSize, putGroup, putPlane, putTile, tilesOf } from "./layout";
import { loss, lossBackward, SQUARED } from "./loss";
import { expf, logf, logit } from "./math";
import { adam, EPSILON, fade, INPUT, putInputs, RATE, weights, weightsBackward } from "./optimiser";
import { isCalm, makePlan, planSize, refreshKillers, shouldPrune } from "./prune";
import { forwardPruned64, forwardPruned8, LATER, laterSize } from "./prune-rows";
import { nextNormal, nextBelow, nextUniform, seed, shufflePairs } from "./random";

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
let signs: usize = 0; // [d]
let inputs: usize = 0; // records of the optimiser
let ridges: usize = 0; // [networks][dp], zero on the bias
let w: usize = 0;
let g: usize = 0;
let moments: usize = 0; // of the optimiser
let metas: usize = 0;
let tiles: usize = 0;
let tilePlaces: usize = 0; // [planes] where a plane's bias lies in the tiles, bytes from one input to the next, its factor
// [planes, and up to fifteen more] bytes, 0 or 255:
let awake: usize = 0; // the plane moves, gradient or not
let touched: usize = 0; // the batch sent it a gradient
let mayRest: usize = 0; // it has no ridge
let restedFrom: usize = 0; // [planes] the last step before it rests
let ridged: bool = false; // some network has a ridge
let plan: usize = 0; // prune.ts; 0 where it does not pay
let later: usize = 0; // scratch of forwardPruned64, where there is one network
let byTiles: bool = false; // active planes by their tiles (forward.ts)
let sixes: bool = false; // tiles across the borders of groups (forward-sixes.ts)

// scratch of one batch
let batchRows: usize = 0; // [batch][dp]
let rowEnd: usize = 0; // the end of each: a mask for the last stored inputs, then eight floats of which one is the 1 of the bias
let xt: usize = 0; // [dp][8]
let sums: usize = 0; // [batch]
let active: usize = 0; // [networks][batch]
let taus: usize = 0; // [batch]
let batchSize: i32 = 0;

// schedule
let rows: usize = 0; // [rowCount] pairs: a row's number, its target
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
 * Percent of forward8's time above which pruning does not pay: less than for prediction (83), since weights that change at every step let more groups
 * be read. 6 x 6 planes of 10 inputs, at 78, take 0.92 to 0.97 of the time without; of 50 inputs, at 60, as long; 8 x 8 of 20, at 38, 1.5 times.
 */
const MOST_PRUNED: i32 = 67;

/** Bytes of a network's record in `shapes`: groups, then hyperplanes. */
const SHAPE: usize = 8;
const HYPERPLANES: usize = 4;

/** Where in `rowEnd`, behind the mask, the eight floats with the 1 of the bias begin. */
const BIAS_END: usize = 16;

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
  let canShare = true;
  for (let k = 0; k < count; k++) {
    const groups = load<i32>(shapes + <usize>k * SHAPE);
    const hyperplanes = load<i32>(shapes + <usize>k * SHAPE, HYPERPLANES);
    planes += groups * hyperplanes;
    tileCount += groups * tilesOf(hyperplanes);
    canShare = canShare && ((hyperplanes == 6 && !(groups & 1)) || groups * hyperplanes == 1);
  }
  batchSize = (maxBatch + 7) & ~7;
  const slab = (<usize>(planes * dp)) << 2;
  signs = sign;
  inputs = alloc(<usize>(dp >> 2) * INPUT);
  ridges = allocZeroed((<usize>(count * dp)) << 2);
  w = allocZeroed(slab);
  g = allocZeroed(slab);
  moments = allocZeroed(slab << 1);
  metas = alloc((<usize>tileCount) << 2);
  tiles = allocZeroed(((<usize>(planes * (d + 1))) << 2) + 16);
  tilePlaces = alloc(<usize>planes * TILE_PLACE);
  awake = allocZeroed(<usize>planes + 15);
  touched = allocZeroed(<usize>planes + 15);
  mayRest = allocZeroed(<usize>planes + 15);
  restedFrom = alloc((<usize>planes) << 2);
  batchRows = allocZeroed((<usize>(batchSize * dp)) << 2);
  rowEnd = allocZeroed(BIAS_END + 32);
  xt = allocZeroed((<usize>dp) << 5);
  sums = allocZeroed((<usize>batchSize) << 2);
  taus = allocZeroed((<usize>batchSize) << 2);
  active = allocZeroed((<usize>(networks * batchSize)) << 2);
  if (!active) return 0;
  putInputs(inputs, sign, d, dp);
  for (let i = columns & ~3; i < columns; i++) store<i32>(rowEnd + ((<usize>(i & 3)) << 2), -1);
  store<f32>(rowEnd + ((<usize>(d - (columns & ~3))) << 2), 1, BIAS_END);
  sixes = false;
  putMetas(shapes);
  byTiles = tracksTiles(metas, tileCount);
  plan = alloc(planSize(metas, tileCount, d));
  if (!plan) return 0;
  if (!makePlan(plan, metas, tiles, tileCount, d, MOST_PRUNED)) plan = 0;
  sixes = canShare && !plan;
  if (sixes) putMetas(shapes);
  later = 0;
  if (plan && count == 1) {
    later = alloc(laterSize(plan));
    if (!later) return 0;
  }
  return planes;
}

/** Meta words of all tiles; with `sixes` groups of six share theirs. */
function putMetas(shapes: usize): void {
  let plane = 0;
  let meta = metas;
  for (const end = shapes + <usize>networks * SHAPE; shapes < end; shapes += SHAPE) {
    const groups = load<i32>(shapes);
    const hyperplanes = load<i32>(shapes, HYPERPLANES);
    if (sixes && hyperplanes == 6) meta = putSixes(meta, groups, plane);
    else {
      for (let group = 1; group <= groups; group++)
        meta = putGroup(meta, hyperplanes, plane + (group - 1) * hyperplanes, group == groups);
    }
    plane += groups * hyperplanes;
  }
  tileCount = <i32>((meta - metas) >> 2);
}

/** From now on every plane is read; false where that was so already. For tests: it must not change a bit. */
export function dropPlan(): bool {
  const had = plan != 0;
  plan = 0;
  later = 0;
  return had;
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

/** Weights and tiles after the host wrote z, and biases, to the slab w. */
export function refresh(): void {
  for (let p = 0; p < planes; p++) weights(w + ((<usize>(p * dp)) << 2), signs, d);
  refreshTiles();
}

/** Tiles from the slab w: after the host put a snapshot back. */
export function refreshTiles(): void {
  let tile = tiles;
  let factor = factors;
  for (let t: usize = 0; t < (<usize>tileCount) << 2; t += 4) {
    const meta = load<i32>(metas + t);
    const width = meta & 7;
    putTile(w + ((<usize>((meta >> 8) * dp)) << 2), dp, d, width, load<f32>(factor), tile);
    tile += (<usize>((d + 1) * width)) << 2;
    if (meta & END_NETWORK) factor += 4;
  }
  if (plan) refreshKillers(plan, d, w, dp, factors);
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
  memory.fill(moments, 0, (<usize>(planes * dp)) << 3);
  memory.fill(g, 0, (<usize>(planes * dp)) << 2);
  const share: f32 = withPlane ? 0.5 : 1;
  for (let p = 0; p < planes; p++) {
    const to = w + ((<usize>(p * dp)) << 2);
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
        weight = sign * expf(logWeight);
      }
      target += w0 * share * value;
      own += weight * value;
    }
    store<f32>(to + ((<usize>d) << 2), target - own + <f32>0.1 * nextNormal());
  }
  refresh();
}

/** The schedule: `count` row numbers at `rowsAt` (as for `feed`), `total` steps of `batch` rows, Adam's rate. */
export function begin(
  rowsAt: usize,
  count: i32,
  batch: i32,
  total: i32,
  learningRate: f32,
  kind: i32,
  parameter: f32,
): void {
  feed(rowsAt, count);
  batchWanted = batch;
  step = 0;
  steps = total;
  rate = learningRate;
  lossKind = kind;
  lossParameter = parameter;
  beta1t = 1;
  beta2t = 1;
  lossTotal = 0;
  lossRows = 0;
  scattered = <u64>count * <u64>columns > 1 << 17;
  for (let k = 0; k < networks; k++) {
    for (let i = 0; i < d; i++)
      store<f32>(ridges + ((<usize>(k * dp + i)) << 2), load<f32>(lambdas + ((<usize>k) << 2)));
  }
  wakeAll();
}
let batchWanted: i32 = 64;
let scattered: bool = false; // more rows than a second-level cache holds

/** Bytes of a record of `tilePlaces`: where the plane's bias lies, then bytes from one input to the next, and its factor. */
const TILE_PLACE: usize = 12;
const STRIDE: usize = 4;
const FACTOR: usize = 8;

/** All planes are awake, and known by their ridges and places in the tiles. */
function wakeAll(): void {
  ridged = false;
  memory.fill(touched, 0, <usize>planes);
  let place = tilePlaces;
  let tile = tiles;
  let network: usize = 0;
  let plane: usize = 0;
  for (let t: usize = 0; t < (<usize>tileCount) << 2; t += 4) {
    const meta = load<i32>(metas + t);
    const width = meta & 7;
    const ridge = load<f32>(lambdas + network) != 0;
    if (ridge) ridged = true;
    for (let j: usize = 0; j < <usize>width; j++) {
      store<u32>(place, <u32>(tile + (j << 2)));
      store<u32>(place, width << 2, STRIDE);
      store<f32>(place, load<f32>(factors + network), FACTOR);
      store<u8>(awake + plane, ridge ? 0 : 255);
      store<u8>(mayRest + plane, ridge ? 0 : 255);
      place += TILE_PLACE;
      plane++;
    }
    tile += (<usize>((d + 1) * width)) << 2;
    if (meta & END_NETWORK) network += 4;
  }
}

/**
 * Other rows from now on, `count` numbers at `rowsAt`, with room for as many numbers more; shuffled before the next step and every epoch. The
 * schedule goes on. A number gets its row's target beside it, which saves a step one of three or four places all over memory a row: 0.97 of an
 * epoch of 100,000 rows of 20 inputs and one network of 16 x 16.
 */
export function feed(rowsAt: usize, count: i32): void {
  rows = rowsAt;
  rowCount = count;
  at = count;
  for (let i = <usize>count; i-- > 0; ) {
    const row = load<u32>(rowsAt + (i << 2));
    store<u32>(rowsAt + (i << 3), row);
    store<f32>(rowsAt + (i << 3), load<f32>(y + ((<usize>row) << 2)), TARGET);
  }
}

/** Bytes from one row of the schedule to the next: its number, then its target. */
const PAIR: usize = 8;
const TARGET: usize = 4;

/**
 * `count` listed rows, a number every `apart` bytes, to `to`, dp floats each: stored inputs, the level when there is one, 1 for the bias, zeros.
 * `tau`: levels of the rows, one every `step` bytes. Whole vectors: what belongs to the next row is masked away.
 */
function gather(list: usize, apart: usize, count: i32, tau: usize, step: usize, to: usize): void {
  const bytes = (<usize>columns) << 2;
  const whole = bytes & ~15;
  const size = (<usize>dp) << 2;
  const keep = v128.load(rowEnd);
  const bias = v128.load(rowEnd, BIAS_END);
  const after = v128.load(rowEnd, BIAS_END + 16);
  const hasAfter = size - whole > 16;
  const withLevel = level;
  const scale = levelScale;
  for (const end = list + <usize>count * apart; list < end; list += apart) {
    const from = x + <usize>load<u32>(list) * bytes;
    for (let i: usize = 0; i < whole; i += 16) v128.store(to + i, v128.load(from + i));
    v128.store(to + whole, v128.or(v128.and(v128.load(from + whole), keep), bias));
    if (hasAfter) v128.store(to + whole, after, 16);
    if (withLevel) {
      store<f32>(to + bytes, logit(load<f32>(tau)) * scale);
      tau += step;
    }
    to += size;
  }
}

/** Rows that `touch` reads ahead: so few that they stay in the first-level cache until they are gathered. */
const AHEAD: i32 = 32;

/**
 * Reads a word of every cache line of `count` rows of the schedule. They lie all over memory, and so many misses are under way at once; gathering
 * row by row waits for each. Some rows, then gathered, rather than the whole step's: 0.96 of an epoch of 20 inputs and 16 x 16 planes, 0.98 of
 * the default model. Three words a row, where that is all, so that more rows are under way: 0.98 of the former. Reading the next step's rows
 * between those of this one, eight at a time, made a step 1.03 to 1.05 times as long.
 */
function touch(list: usize, count: i32): void {
  const bytes = (<usize>columns) << 2;
  let all: u32 = 0;
  if (bytes <= 128) {
    const last = bytes - 4;
    const second = min<usize>(64, last);
    for (const end = list + <usize>count * PAIR; list < end; list += PAIR) {
      const from = x + <usize>load<u32>(list) * bytes;
      all |= load<u32>(from) | load<u32>(from + second) | load<u32>(from + last);
    }
    touchedWords = all;
    return;
  }
  for (const end = list + <usize>count * PAIR; list < end; list += PAIR) {
    const from = x + <usize>load<u32>(list) * bytes;
    for (let i: usize = 0; i < bytes; i += 64) all |= load<u32>(from + i);
    all |= load<u32>(from + bytes - 4);
  }
  touchedWords = all;
}
let touchedWords: u32 = 0;

/** Sums of the networks for `count` gathered rows, eight at a time. */
function forwardBatch(count: i32): void {
  const calm = later != 0 && isCalm(plan);
  const pruned = plan != 0 && shouldPrune(plan, count);
  if (pruned && calm) {
    for (let r = 0; r < count; r += LATER) {
      const place = (<usize>r) << 2;
      const from = batchRows + <usize>dp * place;
      forwardPruned64(plan, d, from, dp, min(LATER, count - r), xt, sums + place, active + place, later);
    }
    return;
  }
  for (let r = 0; r < count; r += 8) {
    transpose8(batchRows + ((<usize>(r * dp)) << 2), dp, d, xt);
    const place = (<usize>r) << 2;
    if (pruned) {
      forwardPruned8(plan, d, xt, sums + place, active + place, (<usize>batchSize) << 2);
      continue;
    }
    if (sixes) {
      forwardSixes(tiles, metas, tileCount, d, xt, sums + place, active + place, (<usize>batchSize) << 2);
      continue;
    }
    if (byTiles) {
      forward8<i64>(tiles, metas, tileCount, d, xt, sums + place, active + place, (<usize>batchSize) << 2);
      planesOfTiles(tiles, networks, d, xt, active + place, (<usize>batchSize) << 2);
      continue;
    }
    forward8<i32>(tiles, metas, tileCount, d, xt, sums + place, active + place, (<usize>batchSize) << 2);
  }
}

/**
 * d loss / d f of every row at `residual` ([count]) to d loss / dw: only the active plane of each network, O(networks * d) a row. Networks take turns
 * within a row: a plane that is active in the next row, too, would have to wait for its sums. Rows chained by plane, so that sums stay in registers,
 * take as long (1.01 of a step of the default model, 1.05 with batches of 32). Six vectors of the row, or three, stay in registers while the networks
 * take their turns: 0.97 of an epoch of the default model for three, 0.97 of that for six. A single network without turns: 0.94 of an epoch of 36
 * planes of 10 inputs, 0.97 of 16 x 16 of 20.
 */
function backwardBatch(count: i32, residual: usize): void {
  const bytes = (<usize>dp) << 2;
  const stride = (<usize>batchSize) << 2;
  const marks = touched;
  const last = <usize>networks * stride;
  const end = residual + ((<usize>count) << 2);
  let row = batchRows;
  let chosen = active;
  if (networks == 1) {
    const factor = load<f32>(factors);
    for (; residual < end; residual += 4) {
      const plane = <usize>load<i32>(chosen);
      const s = f32x4.splat(load<f32>(residual) * factor);
      let to = g + plane * bytes;
      store<u8>(marks + plane, 255);
      for (const rowEnd = row + bytes; row < rowEnd; row += 16) {
        v128.store(to, f32x4.add(v128.load(to), f32x4.mul(s, v128.load(row))));
        to += 16;
      }
      chosen += 4;
    }
    return;
  }
  for (; residual < end; residual += 4) {
    const d = load<f32>(residual);
    let slab = g;
    const rowEnd = row + bytes;
    for (; row + 96 <= rowEnd; row += 96) {
      const x0 = v128.load(row);
      const x1 = v128.load(row, 16);
      const x2 = v128.load(row, 32);
      const x3 = v128.load(row, 48);
      const x4 = v128.load(row, 64);
      const x5 = v128.load(row, 80);
      let factor = factors;
      for (let k: usize = 0; k < last; k += stride) {
        const plane = <usize>load<i32>(chosen + k);
        const s = f32x4.splat(d * load<f32>(factor));
        const to = slab + plane * bytes;
        store<u8>(marks + plane, 255);
        v128.store(to, f32x4.add(v128.load(to), f32x4.mul(s, x0)));
        v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(s, x1)), 16);
        v128.store(to, f32x4.add(v128.load(to, 32), f32x4.mul(s, x2)), 32);
        v128.store(to, f32x4.add(v128.load(to, 48), f32x4.mul(s, x3)), 48);
        v128.store(to, f32x4.add(v128.load(to, 64), f32x4.mul(s, x4)), 64);
        v128.store(to, f32x4.add(v128.load(to, 80), f32x4.mul(s, x5)), 80);
        factor += 4;
      }
      slab += 96;
    }
    for (; row + 48 <= rowEnd; row += 48) {
      const x0 = v128.load(row);
      const x1 = v128.load(row, 16);
      const x2 = v128.load(row, 32);
      let factor = factors;
      for (let k: usize = 0; k < last; k += stride) {
        const plane = <usize>load<i32>(chosen + k);
        const s = f32x4.splat(d * load<f32>(factor));
        const to = slab + plane * bytes;
        store<u8>(marks + plane, 255);
        v128.store(to, f32x4.add(v128.load(to), f32x4.mul(s, x0)));
        v128.store(to, f32x4.add(v128.load(to, 16), f32x4.mul(s, x1)), 16);
        v128.store(to, f32x4.add(v128.load(to, 32), f32x4.mul(s, x2)), 32);
        factor += 4;
      }
      slab += 48;
    }
    for (; row < rowEnd; row += 16) {
      const x = v128.load(row);
      let factor = factors;
      for (let k: usize = 0; k < last; k += stride) {
        const plane = <usize>load<i32>(chosen + k);
        const to = slab + plane * bytes;
        store<u8>(marks + plane, 255);
        v128.store(to, f32x4.add(v128.load(to), f32x4.mul(f32x4.splat(d * load<f32>(factor)), x)));
        factor += 4;
      }
      slab += 16;
    }
    chosen += 4;
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
 * One Adam step of every plane that is awake, and its place in the tiles. A plane without gradient that hardly moves rests (it could only move less:
 * m fades faster than the root of v) until a row makes it active again; then its moments fade by the steps missed. Sixteen planes' marks are
 * looked at together, so that those at rest, most of a large network and half of a small one, cost nothing. Planes with a ridge never rest.
 */
function update(now: f32, epsilon: f32): void {
  const bytes = (<usize>dp) << 2;
  const last = <usize>planes;
  for (let first: usize = 0; first < last; first += 16) {
    const wake = v128.and(v128.load(touched + first), v128.load(mayRest + first));
    for (let left = i8x16.bitmask(v128.or(v128.load(awake + first), wake)); left; left &= left - 1) {
      const plane = first + <usize>ctz(left);
      const place = plane * bytes;
      const own = moments + (place << 1);
      if (!load<u8>(awake + plane)) fade(own, dp, step - load<i32>(restedFrom + (plane << 2)) - 1);
      const moves = adam<f32>(w + place, g + place, own, inputs, 0, dp, 1, now, epsilon);
      if (moves || load<u8>(touched + plane)) store<u8>(awake + plane, 255);
      else {
        store<u8>(awake + plane, 0);
        store<i32>(restedFrom + (plane << 2), step);
      }
      const tile = tilePlaces + plane * TILE_PLACE;
      putPlane(w + place, d, load<f32>(tile, FACTOR), <usize>load<u32>(tile), <usize>load<u32>(tile, STRIDE));
    }
    v128.store(touched + first, i32x4.splat(0));
  }
  if (ridged) updateRidged(now, epsilon);
  if (plan) refreshKillers(plan, d, w, dp, factors);
}

/** The same of all planes with a ridge, a tile at a time: 0.93 of the time of a step of few rows, since all of them move. */
function updateRidged(now: f32, epsilon: f32): void {
  const bytes = (<usize>dp) << 2;
  const end = metas + ((<usize>tileCount) << 2);
  let place: usize = 0;
  let tile = tiles;
  let ridge = ridges;
  let network: usize = 0;
  for (let t = metas; t < end; t += 4) {
    const meta = load<i32>(t);
    const width = meta & 7;
    if (load<f32>(lambdas + network) != 0) {
      adam<i32>(w + place, g + place, moments + (place << 1), inputs, ridge, dp, width, now, epsilon);
      putTile(w + place, dp, d, width, load<f32>(factors + network), tile);
    }
    place += bytes * <usize>width;
    tile += (<usize>((d + 1) * width)) << 2;
    if (meta & END_NETWORK) {
      ridge += bytes;
      network += 4;
    }
  }
}

/** Up to `count` steps; gives the steps still to do. */
export function advance(count: i32): i32 {
  for (; count > 0 && step < steps; count--) {
    if (at >= rowCount) {
      shufflePairs(rows, <u32>rowCount);
      at = 0;
    }
    const size = min(batchWanted, rowCount - at);
    const list = rows + <usize>at * PAIR;
    if (level) {
      for (let r = 0; r < size; r++) store<f32>(taus + ((<usize>r) << 2), nextUniform());
    }
    const ahead = scattered ? AHEAD : size;
    for (let r = 0; r < size; r += ahead) {
      const piece = list + <usize>r * PAIR;
      const rowsThere = min(ahead, size - r);
      if (scattered) touch(piece, rowsThere);
      gather(piece, PAIR, rowsThere, taus + ((<usize>r) << 2), 4, batchRows + ((<usize>(r * dp)) << 2));
    }
    forwardBatch(size);
    const share = <f32>1 / <f32>size;
    const kind = lossKind;
    const cases = caseWeight;
    let total: f64 = 0;
    let weightTotal: f64 = cases ? 0 : <f64>size;
    const end = (<usize>size) << 2;
    if (kind == SQUARED && !cases) {
      const f = sums;
      // the commonest: the general loop takes twice the time, a fortieth of a step where networks are small
      for (let r: usize = 0; r < end; r += 4) {
        const residual = load<f32>(f + r) - load<f32>(list + (r << 1), TARGET);
        total += <f64>(<f32>0.5 * residual * residual);
        store<f32>(f + r, residual * share);
      }
    } else {
      for (let r: usize = 0; r < end; r += 4) {
        const pair = list + (r << 1);
        const f = load<f32>(sums + r);
        const target = load<f32>(pair, TARGET);
        const tau = load<f32>(taus + r);
        let caseW: f32 = 1;
        if (cases) {
          caseW = load<f32>(cases + ((<usize>load<u32>(pair)) << 2));
          weightTotal += <f64>caseW;
        }
        total += <f64>(loss(kind, f, target, tau, lossParameter) * caseW);
        store<f32>(sums + r, lossBackward(kind, f, target, tau, lossParameter) * caseW * share);
      }
    }
    lossTotal += total;
    lossRows += weightTotal;
    backwardBatch(size, sums);
    beta1t *= 0.9;
    beta2t *= 0.999;
    const correction = sqrt(1.0 - beta2t);
    const now = <f32>((<f64>rateAt(step, steps, rate) * correction * RATE) / (1.0 - beta1t));
    const epsilon = <f32>(1e-8 * correction * EPSILON);
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
  store<f32>(taus, tau);
  for (let r = 0; r < count; r += 8) {
    const size = min(8, count - r);
    gather(rowsAt + ((<usize>r) << 2), 4, size, taus, 0, batchRows);
    transpose8(batchRows, dp, d, xt);
    if (plan && shouldPrune(plan, size)) forwardPruned8(plan, d, xt, sums, 0, 0);
    else if (sixes) forwardSixes(tiles, metas, tileCount, d, xt, sums, active, (<usize>batchSize) << 2);
    else forward8<f32>(tiles, metas, tileCount, d, xt, sums, 0, 0);
    memory.copy(out + ((<usize>r) << 2), sums, (<usize>size) << 2);
  }
}

/**
 * The same for each network by itself, times its factor: [networks][count rounded up to eight]. Added up in order these are the sums of
 * `evaluate`, bit for bit.
 */
export function evaluateNetworks(rowsAt: usize, count: i32, tau: f32, out: usize): void {
  store<f32>(taus, tau);
  const end = metas + ((<usize>tileCount) << 2);
  for (let r = 0; r < count; r += 8) {
    gather(rowsAt + ((<usize>r) << 2), 4, min(8, count - r), taus, 0, batchRows);
    transpose8(batchRows, dp, d, xt);
    let to = out + ((<usize>r) << 2);
    let first = metas;
    let from = tiles;
    let tile = tiles;
    for (let meta = metas; meta < end; ) {
      const word = load<i32>(meta);
      meta += 4;
      tile += (<usize>((d + 1) * (word & 7))) << 2;
      if (!(word & END_NETWORK)) continue;
      if (sixes) forwardSixes(from, first, <i32>((meta - first) >> 2), d, xt, to, active, 0);
      else forward8<f32>(from, first, <i32>((meta - first) >> 2), d, xt, to, 0, 0);
      to += (<usize>((count + 7) & ~7)) << 2;
      first = meta;
      from = tile;
    }
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
  store<f32>(taus, tau);
  gather(rowsAt, 4, count, taus, 0, batchRows);
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
    weightsBackward(dz + place, w + place, inputs, dp);
  }
  return mean;
}
