// Forward and backward of the rows that are gathered: sums and active planes, then gradients of the weights.

import { forward8, planesOfTiles, transpose8 } from "./forward";
import { forwardSixes } from "./forward-sixes";
import { isCalm, shouldPrune } from "./prune";
import { forwardPruned64, forwardPruned8, LATER } from "./prune-rows";
import {
  active,
  batchRows,
  batchSize,
  byTiles,
  d,
  dp,
  factors,
  g,
  later,
  metas,
  networks,
  plan,
  sixes,
  sums,
  tileCount,
  tiles,
  touched,
  xt,
} from "./trainer";

/** Sums of the networks for `count` gathered rows, eight at a time. */
export function forwardBatch(count: i32): void {
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
export function backwardBatch(count: i32, residual: usize): void {
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
