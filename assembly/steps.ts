// Steps of training, in the order of a schedule: rows -> sums -> loss -> gradients -> Adam.

import { backwardBatch, forwardBatch } from "./batch";
import { AHEAD, gather, PAIR, TARGET, touch } from "./gather";
import { loss, lossBackward, SQUARED } from "./loss";
import { EPSILON, RATE } from "./optimiser";
import { nextUniform, shufflePairs } from "./random";
import { rateAt } from "./rate";
import { batchRows, caseWeight, columns, d, dp, lambdas, level, networks, ridges, sums, taus, y } from "./trainer";
import { update, wakeAll } from "./update";

// schedule
let rows: usize = 0; // [rowCount] pairs: a row's number, its target
let rowCount: i32 = 0;
let at: i32 = 0;
let scattered: bool = false; // more rows than a second-level cache holds
let batchWanted: i32 = 64;
let step: i32 = 0;
let steps: i32 = 0;
let rate: f32 = 0;
let lossKind: i32 = 0;
let lossParameter: f32 = 0;
let beta1t: f64 = 1;
let beta2t: f64 = 1;
let lossTotal: f64 = 0;
let lossRows: f64 = 0;

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

/** The inputs of `size` rows of the schedule, drawn levels among them where there are any. */
function gatherBatch(list: usize, size: i32): void {
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
}

/** The loss of `size` rows by their sums, added to what `meanLoss` tells; d loss / d f takes the sums' place. */
function lossBatch(list: usize, size: i32): void {
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
}

/** Adam, with the corrections of its means and the rate of this step. */
function stepPlanes(): void {
  beta1t *= 0.9;
  beta2t *= 0.999;
  const correction = sqrt(1.0 - beta2t);
  const now = <f32>((<f64>rateAt(step, steps, rate) * correction * RATE) / (1.0 - beta1t));
  const epsilon = <f32>(1e-8 * correction * EPSILON);
  update(step, now, epsilon);
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
    gatherBatch(list, size);
    forwardBatch(size);
    lossBatch(list, size);
    backwardBatch(size, sums);
    stepPlanes();
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
