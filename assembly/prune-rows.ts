// Exact pruning (prune.ts) of eight rows at a time, large networks and small. In: a plan, eight rows transposed to [d][8]. Out: sums of the
// networks; active planes. Same bits as forward8.
//
// Two dense steps a network, the second after a choice:
//
//     killers, as in forward8     lanes = rows: a tile of four killers x eight rows, eight chains. bound[group][row]; on the way the lowest bound
//                                 of each row, its group and the second lowest bound
//     the chosen group            lanes = planes: four rows at a time, each with the tile of its own group
//
//         row 0   w[its group][planes 0-3][i] * splat(x[i][row 0])          a0: p0 p1 p2 p3        max over lanes (and tiles), then
//         row 1   w[its group][planes 0-3][i] * splat(x[i][row 1])    ->    a1: p0 p1 p2 p3   ->   lanes = rows again: m0 m1 m2 m3
//         row 2, row 3                                                      a2, a3
//
//                                 Groups of sixteen planes and more: a row at a time, with four tiles of its group (`readSixteens`)
//
// Where the second lowest bound lies above the max of the chosen group, which holds for nine in ten rows and networks of four groups of four,
// that max is the min over the groups. Else the row's other groups are looked at one by one (`further`).

import { transpose8 } from "./forward";
import {
  BOUNDS,
  countRows,
  FIRST_PLANE,
  firstEqual,
  GROUP_BYTES,
  GROUP_PLANES,
  GROUP_TILES,
  GROUPS,
  HEAD,
  KILLERS,
  METAS,
  planeOf,
  readSixteens,
  SCRATCH,
  search,
  TILES,
} from "./prune";

/**
 * Eight rows at `xt`. Sums at `out`; active planes at `active` ([networks] every `stride` bytes, [8]) unless it is 0. `later`: scratch of
 * `forwardPruned64`, which then reads the further groups; 0: they are read at once.
 */
export function forwardPruned8(
  plan: usize,
  d: i32,
  xt: usize,
  out: usize,
  active: usize,
  stride: usize,
  later: usize = 0,
): void {
  const chosen = later ? later : <usize>load<u32>(plan, SCRATCH);
  const maxima = chosen + 32;
  const bound = chosen + 64;
  const xEnd = xt + ((<usize>d) << 5);
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let net = plan + HEAD;
  for (let left = load<i32>(plan); left > 0; left--) {
    const groups = load<i32>(net, GROUPS);
    if (groups == 0) {
      let w = <usize>load<u32>(net, TILES);
      let a0 = v128.load32_splat(w);
      let a1 = a0;
      for (let x = xt; x < xEnd; x += 32) {
        w += 4;
        const s = v128.load32_splat(w);
        a0 = f32x4.add(a0, f32x4.mul(s, v128.load(x)));
        a1 = f32x4.add(a1, f32x4.mul(s, v128.load(x, 16)));
      }
      sum0 = f32x4.add(sum0, a0);
      sum1 = f32x4.add(sum1, a1);
      if (active) {
        const plane = i32x4.splat(load<i32>(net, FIRST_PLANE));
        v128.store(active, plane);
        v128.store(active, plane, 16);
        active += stride;
      }
      net += <usize>load<u32>(net);
      continue;
    }
    const bytes = <usize>load<u32>(net, BOUNDS);
    let low0 = f32x4.splat(Infinity);
    let low1 = low0;
    let second0 = low0;
    let second1 = low0;
    let group0 = i32x4.splat(0);
    let group1 = group0;
    let number = group0;
    const two = i32x4.splat(2);
    let to = bound;
    let killers = <usize>load<u32>(net, KILLERS);
    // the last two of six groups have a tile of their own, half as wide: 0.95 of the time of 6 x 6 planes of 10 inputs
    const fours = groups == 6 ? 16 : bytes;
    for (const end = killers + fours; killers < end; killers += 16) {
      let a00 = v128.load32_splat(killers);
      let a10 = v128.load32_splat(killers, 4);
      let a20 = v128.load32_splat(killers, 8);
      let a30 = v128.load32_splat(killers, 12);
      let a01 = a00;
      let a11 = a10;
      let a21 = a20;
      let a31 = a30;
      let p = killers;
      for (let x = xt; x < xEnd; x += 32) {
        p += bytes;
        const x0 = v128.load(x);
        const x1 = v128.load(x, 16);
        let w = v128.load32_splat(p);
        a00 = f32x4.add(a00, f32x4.mul(w, x0));
        a01 = f32x4.add(a01, f32x4.mul(w, x1));
        w = v128.load32_splat(p, 4);
        a10 = f32x4.add(a10, f32x4.mul(w, x0));
        a11 = f32x4.add(a11, f32x4.mul(w, x1));
        w = v128.load32_splat(p, 8);
        a20 = f32x4.add(a20, f32x4.mul(w, x0));
        a21 = f32x4.add(a21, f32x4.mul(w, x1));
        w = v128.load32_splat(p, 12);
        a30 = f32x4.add(a30, f32x4.mul(w, x0));
        a31 = f32x4.add(a31, f32x4.mul(w, x1));
      }
      v128.store(to, a00);
      v128.store(to, a01, 16);
      v128.store(to, a10, 32);
      v128.store(to, a11, 48);
      v128.store(to, a20, 64);
      v128.store(to, a21, 80);
      v128.store(to, a30, 96);
      v128.store(to, a31, 112);
      to += 128;
      // the lowest of four and the second lowest, by a tournament as in forward8: numbers of groups or 0, so that the greater is the lower one's
      const third = i32x4.add(number, two);
      const near0 = f32x4.pmin(a00, a10);
      const near1 = f32x4.pmin(a01, a11);
      const far0 = f32x4.pmin(a20, a30);
      const far1 = f32x4.pmin(a21, a31);
      const least0 = f32x4.pmin(near0, far0);
      const least1 = f32x4.pmin(near1, far1);
      const own0 = i32x4.max_s(
        i32x4.sub(number, f32x4.lt(a10, a00)),
        v128.and(i32x4.sub(third, f32x4.lt(a30, a20)), f32x4.lt(far0, near0)),
      );
      const own1 = i32x4.max_s(
        i32x4.sub(number, f32x4.lt(a11, a01)),
        v128.and(i32x4.sub(third, f32x4.lt(a31, a21)), f32x4.lt(far1, near1)),
      );
      const next0 = f32x4.pmin(f32x4.pmax(near0, far0), f32x4.pmin(f32x4.pmax(a00, a10), f32x4.pmax(a20, a30)));
      const next1 = f32x4.pmin(f32x4.pmax(near1, far1), f32x4.pmin(f32x4.pmax(a01, a11), f32x4.pmax(a21, a31)));
      group0 = i32x4.max_s(group0, v128.and(own0, f32x4.lt(least0, low0)));
      group1 = i32x4.max_s(group1, v128.and(own1, f32x4.lt(least1, low1)));
      second0 = f32x4.pmin(f32x4.pmin(second0, next0), f32x4.pmax(low0, least0));
      second1 = f32x4.pmin(f32x4.pmin(second1, next1), f32x4.pmax(low1, least1));
      low0 = f32x4.pmin(low0, least0);
      low1 = f32x4.pmin(low1, least1);
      number = i32x4.add(third, two);
    }
    if (groups == 6) {
      let a00 = v128.load32_splat(killers);
      let a10 = v128.load32_splat(killers, 4);
      let a01 = a00;
      let a11 = a10;
      for (let x = xt; x < xEnd; x += 32) {
        killers += 32;
        const x0 = v128.load(x);
        const x1 = v128.load(x, 16);
        let w = v128.load32_splat(killers);
        a00 = f32x4.add(a00, f32x4.mul(w, x0));
        a01 = f32x4.add(a01, f32x4.mul(w, x1));
        w = v128.load32_splat(killers, 4);
        a10 = f32x4.add(a10, f32x4.mul(w, x0));
        a11 = f32x4.add(a11, f32x4.mul(w, x1));
      }
      v128.store(to, a00);
      v128.store(to, a01, 16);
      v128.store(to, a10, 32);
      v128.store(to, a11, 48);
      const least0 = f32x4.pmin(a00, a10);
      const least1 = f32x4.pmin(a01, a11);
      group0 = i32x4.max_s(group0, v128.and(i32x4.sub(number, f32x4.lt(a10, a00)), f32x4.lt(least0, low0)));
      group1 = i32x4.max_s(group1, v128.and(i32x4.sub(number, f32x4.lt(a11, a01)), f32x4.lt(least1, low1)));
      second0 = f32x4.pmin(f32x4.pmin(second0, f32x4.pmax(a00, a10)), f32x4.pmax(low0, least0));
      second1 = f32x4.pmin(f32x4.pmin(second1, f32x4.pmax(a01, a11)), f32x4.pmax(low1, least1));
      // NaN, which is never lowest, for no groups
      const never = i32x4.eq(group0, group0);
      v128.store(to, never, 64);
      v128.store(to, never, 80);
      v128.store(to, never, 96);
      v128.store(to, never, 112);
    }
    v128.store(chosen, group0);
    v128.store(chosen, group1, 16);
    const tiles = load<i32>(net, GROUP_TILES);
    const dot = bound + (bytes << 3);
    let max0 = readGroups(net, chosen, tiles, xt, xEnd, dot);
    let max1 = readGroups(net, chosen + 16, tiles, xt + 16, xEnd, dot + ((<usize>tiles) << 6));
    const close = i32x4.bitmask(f32x4.le(second0, max0)) | (i32x4.bitmask(f32x4.le(second1, max1)) << 4);
    if (active) {
      v128.store(maxima, max0);
      v128.store(maxima, max1, 16);
      for (let r: usize = 0; r < 8; r++) {
        const from = dot + r * ((<usize>tiles) << 4);
        const j = planeOf(net, firstEqual(from, from + ((<usize>tiles) << 4), v128.load32_splat(maxima + (r << 2))));
        store<i32>(
          active + (r << 2),
          load<i32>(net, FIRST_PLANE) + load<i32>(chosen + (r << 2)) * load<i32>(net, GROUP_PLANES) + j,
        );
      }
    }
    if (later) store<u64>(maxima, close);
    else if (close) {
      v128.store(maxima, max0);
      v128.store(maxima, max1, 16);
      further(plan, net, close, d, xt, active);
      max0 = v128.load(maxima);
      max1 = v128.load(maxima, 16);
    }
    sum0 = f32x4.add(sum0, max0);
    sum1 = f32x4.add(sum1, max1);
    active += active ? stride : 0;
    net += <usize>load<u32>(net);
  }
  v128.store(out, sum0);
  v128.store(out, sum1, 16);
  countRows(plan, 8);
}

/** Highest of each of four vectors, lanes = vectors. */
export function highests(a0: v128, a1: v128, a2: v128, a3: v128): v128 {
  const top01 = f32x4.pmax(v128.shuffle<i32>(a0, a1, 0, 4, 1, 5), v128.shuffle<i32>(a0, a1, 2, 6, 3, 7));
  const top23 = f32x4.pmax(v128.shuffle<i32>(a2, a3, 0, 4, 1, 5), v128.shuffle<i32>(a2, a3, 2, 6, 3, 7));
  return f32x4.pmax(v128.shuffle<i64>(top01, top23, 0, 2), v128.shuffle<i64>(top01, top23, 1, 3));
}

/**
 * Maxima of four rows over the groups at `chosen`, lanes = rows; the rows' first inputs at `x`. All dots at `dot`, [4 rows][tiles][4]: lanes
 * beyond a tile's planes repeat planes of it.
 */
function readGroups(net: usize, chosen: usize, tiles: i32, x: usize, xEnd: usize, dot: usize): v128 {
  const bytes = load<i32>(net, GROUP_BYTES);
  const base = <usize>load<u32>(net, TILES);
  const row = (<usize>tiles) << 4;
  const twice = row << 1;
  // row by row then: fewer loads, 0.93 of an epoch of 32 x 32 planes of 50 inputs, 0.96 of 16 x 16 of 20
  if (!(tiles & 3) && load<i32>(net, GROUP_PLANES) == tiles << 2) {
    const d = <i32>((xEnd - x + 31) >> 5);
    const dot1 = dot + row;
    const dot2 = dot1 + row;
    const dot3 = dot2 + row;
    return highests(
      readSixteens(base + <usize>(load<i32>(chosen) * bytes), d, x, 32, dot, dot1, Infinity),
      readSixteens(base + <usize>(load<i32>(chosen, 4) * bytes), d, x + 4, 32, dot1, dot2, Infinity),
      readSixteens(base + <usize>(load<i32>(chosen, 8) * bytes), d, x + 8, 32, dot2, dot3, Infinity),
      readSixteens(base + <usize>(load<i32>(chosen, 12) * bytes), d, x + 12, 32, dot3, dot3 + row, Infinity),
    );
  }
  let p0 = base + <usize>(load<i32>(chosen) * bytes);
  let p1 = base + <usize>(load<i32>(chosen, 4) * bytes);
  let p2 = base + <usize>(load<i32>(chosen, 8) * bytes);
  let p3 = base + <usize>(load<i32>(chosen, 12) * bytes);
  let top0 = f32x4.splat(-Infinity);
  let top1 = top0;
  let top2 = top0;
  let top3 = top0;
  let metas = <usize>load<u32>(net, METAS);
  for (const end = dot + row; dot < end; dot += 16) {
    const width = load<i32>(metas) & 7;
    const step = (<usize>width) << 2;
    metas += 4;
    let a0 = v128.load(p0);
    let a1 = v128.load(p1);
    let a2 = v128.load(p2);
    let a3 = v128.load(p3);
    for (let q = x; q < xEnd; q += 32) {
      p0 += step;
      p1 += step;
      p2 += step;
      p3 += step;
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p0), v128.load32_splat(q)));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p1), v128.load32_splat(q, 4)));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p2), v128.load32_splat(q, 8)));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p3), v128.load32_splat(q, 12)));
    }
    p0 += step;
    p1 += step;
    p2 += step;
    p3 += step;
    if (width == 3) {
      a0 = v128.shuffle<i32>(a0, a0, 0, 1, 2, 0);
      a1 = v128.shuffle<i32>(a1, a1, 0, 1, 2, 0);
      a2 = v128.shuffle<i32>(a2, a2, 0, 1, 2, 0);
      a3 = v128.shuffle<i32>(a3, a3, 0, 1, 2, 0);
    } else if (width == 2) {
      a0 = v128.shuffle<i64>(a0, a0, 0, 0);
      a1 = v128.shuffle<i64>(a1, a1, 0, 0);
      a2 = v128.shuffle<i64>(a2, a2, 0, 0);
      a3 = v128.shuffle<i64>(a3, a3, 0, 0);
    }
    v128.store(dot, a0);
    v128.store(dot + row, a1);
    v128.store(dot + twice, a2);
    v128.store(dot + twice + row, a3);
    top0 = f32x4.pmax(top0, a0);
    top1 = f32x4.pmax(top1, a1);
    top2 = f32x4.pmax(top2, a2);
    top3 = f32x4.pmax(top3, a3);
  }
  return highests(top0, top1, top2, top3);
}

/**
 * The rows whose bits are set in `close`: groups whose bound does not exceed the max at `maxima` are read too (`search`). The new min to
 * `maxima`, its plane to `active`.
 */
function further(plan: usize, net: usize, close: i32, d: i32, xt: usize, active: usize): void {
  const chosen = <usize>load<u32>(plan, SCRATCH);
  const tiles = <usize>load<u32>(net, GROUP_TILES);
  const bytes = <usize>load<u32>(net, BOUNDS);
  const dot = chosen + 64 + (bytes << 3);
  const own = dot + (tiles << 7);
  for (; close; close &= close - 1) {
    const at = (<usize>ctz(close)) << 2;
    let from = chosen + 64 + at;
    for (let to = own; to < own + bytes; to += 4) {
      store<f32>(to, load<f32>(from));
      from += 32;
    }
    const least = load<f32>(chosen + at, 32);
    from = dot + at * (tiles << 2);
    const plane = planeOf(net, firstEqual(from, from + (tiles << 4), f32x4.splat(least)));
    const k = load<i32>(chosen + at);
    store<f32>(chosen + at, search(plan, net, own, d, xt + at, 32, k, least, plane, active ? active + at : 0), 32);
  }
}

/** Rows of `forwardPruned64`. */
export const LATER: i32 = 64;

/** Bytes that `forwardPruned64` needs: for each eight rows their chosen groups [8], which of them are close, and their bounds [groups][8]; dots. */
export function laterSize(plan: usize): usize {
  const net = plan + HEAD;
  return ((((<usize>load<u32>(net, BOUNDS)) << 3) + 64) << 3) + ((<usize>load<i32>(net, GROUP_TILES)) << 7);
}

/**
 * Up to LATER rows of dp floats at `rows`, of a plan of one network; sums at `out`, active planes at `active`. Further groups are read after the
 * rows' chosen ones, so that no branch is foreseen wrongly at the end of each eight rows: 0.95 of an epoch of 32 x 32 planes of 50 inputs. Killers
 * learn later by that, which takes longer while they still change at most rows (1.05 of the first epochs): callers ask `isCalm`.
 */
export function forwardPruned64(
  plan: usize,
  d: i32,
  rows: usize,
  dp: i32,
  count: i32,
  xt: usize,
  out: usize,
  active: usize,
  later: usize,
): void {
  const net = plan + HEAD;
  const bytes = <usize>load<u32>(net, BOUNDS);
  const size = 64 + (bytes << 3);
  const stride = (<usize>dp) << 2;
  let close: u64 = 0;
  let eight = later;
  for (let r: usize = 0; r < <usize>count; r += 8) {
    transpose8(rows + r * stride, dp, d, xt);
    forwardPruned8(plan, d, xt, out + (r << 2), active + (r << 2), 0, eight);
    close |= load<u64>(eight, 32) << r;
    eight += size;
  }
  const own = <usize>load<u32>(plan, SCRATCH);
  for (; close; close &= close - 1) {
    const r = <usize>ctz(close);
    const place = r << 2;
    const choice = later + (r >> 3) * size + ((r & 7) << 2);
    let from = choice + 64;
    for (let to = own; to < own + bytes; to += 4) {
      store<f32>(to, load<f32>(from));
      from += 32;
    }
    const k = load<i32>(choice);
    const plane = load<i32>(active + place) - load<i32>(net, FIRST_PLANE) - k * load<i32>(net, GROUP_PLANES);
    const least = search(plan, net, own, d, rows + r * stride, 4, k, load<f32>(out + place), plane, active + place);
    // as a sum of networks: 0 for -0
    store<f32>(out + place, <f32>0 + least);
  }
}
