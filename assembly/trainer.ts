// The trainer: its rows, its networks and the memory of both. One a module instance; its state is the globals below (addresses and sizes), which the
// stages of a step read: rows gathered (gather.ts), forward and backward (batch.ts), Adam (update.ts), in turn (steps.ts). Arrays: x [n][columns] float32
// row-major, y and weight [n], slabs w and g [planes][dp]. f(x) = sum_m factor_m net_m(x); the factor is folded into the tiles, so the forward kernel is
// the one of prediction.

import { alloc, allocZeroed } from "./arena";
import { tracksTiles } from "./forward";
import { putSixes } from "./forward-sixes";
import { END_NETWORK, paddedSize, putGroup, putTile, tilesOf } from "./layout";
import { INPUT, putInputs, weights } from "./optimiser";
import { makePlan, planSize, refreshKillers } from "./prune";
import { laterSize } from "./prune-rows";

// data
export let x: usize = 0;
export let y: usize = 0;
export let caseWeight: usize = 0;
export let columns: i32 = 0; // stored inputs a row
export let level: i32 = 0; // 1: one more input, the quantile level, drawn at random per row and step
export let levelScale: f32 = 1;
export let d: i32 = 0; // inputs a plane sees
export let dp: i32 = 0;

// networks
export let networks: i32 = 0;
export let planes: i32 = 0;
export let tileCount: i32 = 0;
export let factors: usize = 0; // [networks]
export let lambdas: usize = 0; // [networks]
export let signs: usize = 0; // [d]
export let inputs: usize = 0; // records of the optimiser
export let ridges: usize = 0; // [networks][dp], zero on the bias
export let w: usize = 0;
export let g: usize = 0;
export let moments: usize = 0; // of the optimiser
export let metas: usize = 0;
export let tiles: usize = 0;
export let tilePlaces: usize = 0; // [planes] where a plane's bias lies in the tiles, bytes from one input to the next, its factor
// [planes, and up to fifteen more] bytes, 0 or 255:
export let awake: usize = 0; // the plane moves, gradient or not
export let touched: usize = 0; // the batch sent it a gradient
export let mayRest: usize = 0; // it has no ridge
export let restedFrom: usize = 0; // [planes] the last step before it rests
export let plan: usize = 0; // prune.ts; 0 where it does not pay
export let later: usize = 0; // scratch of forwardPruned64, where there is one network
export let byTiles: bool = false; // active planes by their tiles (forward.ts)
export let sixes: bool = false; // tiles across the borders of groups (forward-sixes.ts)

// scratch of one batch
export let batchRows: usize = 0; // [batch][dp]
export let rowEnd: usize = 0; // the end of each: a mask for the last stored inputs, then eight floats of which one is the 1 of the bias
export let xt: usize = 0; // [dp][8]
export let sums: usize = 0; // [batch]
export let active: usize = 0; // [networks][batch]
export let taus: usize = 0; // [batch]
export let batchSize: i32 = 0;

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
export const BIAS_END: usize = 16;

/** Bytes of a record of `tilePlaces`: where the plane's bias lies, then bytes from one input to the next, and its factor. */
export const TILE_PLACE: usize = 12;
export const STRIDE: usize = 4;
export const FACTOR: usize = 8;

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
