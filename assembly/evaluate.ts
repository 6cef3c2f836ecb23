// What the networks and the linear fit give for listed rows, and what that loses; gradients, for tests.

import { backwardBatch, forwardBatch } from "./batch";
import { forward8, transpose8 } from "./forward";
import { forwardSixes } from "./forward-sixes";
import { gather } from "./gather";
import { END_NETWORK } from "./layout";
import { loss, lossBackward } from "./loss";
import { logit } from "./math";
import { weightsBackward } from "./optimiser";
import { shouldPrune } from "./prune";
import { forwardPruned8 } from "./prune-rows";
import {
  active,
  batchRows,
  batchSize,
  caseWeight,
  columns,
  d,
  dp,
  g,
  inputs,
  level,
  levelScale,
  metas,
  plan,
  planes,
  sixes,
  sums,
  taus,
  tileCount,
  tiles,
  w,
  x,
  xt,
  y,
} from "./trainer";

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
