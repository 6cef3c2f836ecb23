// Exact pruning: the min over groups with most groups left unread. Value and active plane are those of forward8, bit for bit. In: tiles
// (layout.ts), inputs. Out: the sum of the networks; each one's active plane. Here: the plan, and one row; eight rows: prune-rows.ts.
//
// Every group has one of its own planes (its "killer") once more in tiles of four groups side by side:
//
//     lanes:   group 0  group 1  group 2  group 3 | group 4 ...       bound[k] = group k's killer <= max of group k
//
// The killers' tiles of a network lie side by side, [1 + d][tiles][4], so that one address serves them all.
//
// The group with the lowest bound is read in full: its max is a candidate for the min. A group whose bound exceeds the lowest max so far
// cannot be the min, so reading ends when the lowest bound left does. The first killer is the plane with the highest bias, which tops its group
// at the mean of the rows. One that keeps letting its group be read in vain gives way to a plane that would not have; at the first failure
// already would be too soon, because the next eight rows pay for a bad choice. On trained weights a row reads 1.03 groups of 6 (6 planes each),
// 1.05 of 16 (16 planes) and 1.1 of 32 (32 planes): killers decide how much is read, never what comes out. Two killers a group read 1.00 to
// 1.02 groups and take longer. Where weights are random most groups are read: callers ask `shouldPrune` and fall back on forward8.

import { END_GROUP, END_NETWORK, putFour } from "./layout";

// A plan: its head, whose word 0 is the number of networks; then per network a record (word 0: bytes to the next) and one for each of its groups
// (word 0: the killer's number in the group). Words are i32; where they lie, in bytes:

/** Bytes of the head. */
export const HEAD: usize = 32;
/** Where scratch lies. */
export const SCRATCH: usize = 4;
/** Groups read beyond one a row and network, since the last look. */
export const FURTHER: usize = 8;
/** Rows since then. */
export const ROWS: usize = 12;
/** Rows still to do by forward8. */
export const REST: usize = 16;
/** Sixteenths of such groups a row from which forward8 is faster. */
export const LIMIT: usize = 20;
/** 1 where one row may be pruned too. */
export const ONE_ROW: usize = 24;
/** All rows so far. */
export const ALL_ROWS: usize = 28;

/** Bytes of a network's record. */
export const NET: usize = 40;
/** Groups of the network; 0 where it is a single plane. */
export const GROUPS: usize = 4;
/** Bytes of bounds. */
export const BOUNDS: usize = 8;
/** Meta words of a group. */
export const METAS: usize = 12;
/** The killers' tiles. */
export const KILLERS: usize = 16;
export const TILES: usize = 20;
/** Number of the network's first plane. */
export const FIRST_PLANE: usize = 24;
/** Tiles a group, bytes of a group, planes of a group. */
export const GROUP_TILES: usize = 28;
export const GROUP_BYTES: usize = 32;
export const GROUP_PLANES: usize = 36;

/** Bytes of a group's record. */
const GROUP: usize = 12;
const KILLER_VOTES: usize = 4;
/** Rows so far when the killer last lost a vote. */
const KILLER_LOST: usize = 8;

/** Most votes of a killer: it gains one every eight rows, and loses one with each row for which it let its group be read in vain. */
const VOTES: i32 = 8;

/** Networks of fewer planes are read faster by forward1, where it is one row. */
const LEAST_PLANES: i32 = 128;

/** Bytes that a plan may take, scratch for eight rows included. */
export function planSize(metas: usize, tileCount: i32, d: i32): usize {
  let groups: usize = 0;
  let networks: usize = 0;
  for (let t = 0; t < tileCount; t++) {
    const meta = load<i32>(metas + ((<usize>t) << 2));
    if (meta & END_GROUP) groups++;
    if (meta & END_NETWORK) networks++;
  }
  const killers = ((<usize>d + 1) << 4) * (((groups + 3) >> 2) + networks);
  // chosen groups, their maxima [8]; bounds [groups][8]; dots of eight rows (prune-rows.ts); bounds and dots of one row
  const scratch: usize =
    64 + ((groups + 3) << 5) + ((<usize>tileCount) << 7) + ((groups + 3 + <usize>tileCount * 4) << 2);
  return HEAD + networks * (NET + 16) + groups * GROUP + killers + scratch + 64;
}

/**
 * Writes the plan of a model at `plan`; false where pruning does not pay, or groups of a network differ in size or are one plane each. Cycles of
 * eight rows decide, as measured: an input takes 4/3 a plane or killer, 8 a tile of the groups chosen; a network 110 for the choice. The default's groups of four
 * planes are read faster all: further groups would take what pruning saves. A kernel for them alone, killers of all networks before the groups of all
 * and choices by vectors, took 0.86 of an epoch from starting weights far apart, but through fit 1.1 for 1e5 rows of 20 inputs and up to 1.6 for small
 * tables. Predictions of many rows have one: prune-fours.ts. `most`: percent of forward8's time above which pruning does not pay.
 */
export function makePlan(plan: usize, metas: usize, tiles: usize, tileCount: i32, d: i32, most: i32): bool {
  let net = plan + HEAD;
  let networks = 0;
  let one = true;
  let large = false;
  let dense = 0;
  let pruned = 0;
  let extra = 0;
  let t = 0;
  while (t < tileCount) {
    const first = metas + ((<usize>t) << 2);
    let groups = 0;
    let planes = 0;
    let groupPlanes = 0;
    let groupTiles = 0;
    let sinceGroup = 0;
    let meta = 0;
    do {
      meta = load<i32>(metas + ((<usize>t) << 2));
      if ((meta & 7) != 4) one = one && planes == 0 && (meta & END_NETWORK) != 0;
      planes += meta & 7;
      sinceGroup++;
      t++;
      if (meta & END_GROUP) {
        groups++;
        if (groups == 1) {
          groupPlanes = planes;
          groupTiles = sinceGroup;
        } else if (groups * groupPlanes != planes || groupPlanes == 1) return false;
        sinceGroup = 0;
      }
    } while (!(meta & END_NETWORK));
    networks++;
    store<u32>(net, <u32>tiles, TILES);
    store<i32>(net, load<i32>(first) >> 8, FIRST_PLANE);
    tiles += (<usize>((d + 1) * planes)) << 2;
    if (planes == 1) {
      store<u32>(net, <u32>NET);
      store<u32>(net, 0, GROUPS);
      net += NET;
      continue;
    }
    if (groups < 4 || planes < 64) one = false;
    if (planes >= LEAST_PLANES) large = true;
    const bounds = (<usize>((groups + 3) >> 2)) << 4;
    const killers = (net + NET + <usize>groups * GROUP + 15) & ~15;
    const next = killers + bounds * <usize>(d + 1);
    store<u32>(net, <u32>(next - net));
    store<i32>(net, groups, GROUPS);
    store<u32>(net, <u32>bounds, BOUNDS);
    store<u32>(net, <u32>first, METAS);
    store<u32>(net, <u32>killers, KILLERS);
    store<i32>(net, groupTiles, GROUP_TILES);
    store<i32>(net, (groupPlanes * (d + 1)) << 2, GROUP_BYTES);
    store<i32>(net, groupPlanes, GROUP_PLANES);
    dense += (planes * 4 * d) / 3;
    pruned += (<i32>(bounds >> 2) * 4 * d) / 3 + groupTiles * 8 * d + 110;
    extra += groupTiles * d + 4 * d + 40;
    // the bounds of lanes beyond the last group never come lowest
    memory.fill(killers, 0, next - killers);
    for (let k = (<usize>groups) << 2; k < bounds; k += 4) store<f32>(killers + k, Infinity);
    for (let k = 0; k < groups; k++) {
      chooseKiller(net, k, d);
      putKiller(net, k, d);
    }
    net = next;
  }
  store<i32>(plan, networks);
  store<u32>(plan, <u32>((net + 15) & ~15), SCRATCH);
  memory.fill(plan + FURTHER, 0, HEAD - FURTHER);
  store<i32>(plan, extra > 0 ? ((dense - pruned) * 2 * networks) / extra : 0, LIMIT);
  store<i32>(plan, one && large ? 1 : 0, ONE_ROW);
  return pruned * 100 < dense * most;
}

/** Where plane `j` of group `k` has its bias in the tiles; the bytes from one input to the next are its tile's width in floats, at `stepOf`. */
let stepOf: usize = 0;
function planeAt(net: usize, k: i32, j: i32, d: i32): usize {
  let meta = <usize>load<u32>(net, METAS);
  let tile = <usize>load<u32>(net, TILES) + <usize>(k * load<i32>(net, GROUP_BYTES));
  let width = load<i32>(meta) & 7;
  while (j >= width) {
    j -= width;
    tile += (<usize>((d + 1) * width)) << 2;
    meta += 4;
    width = load<i32>(meta) & 7;
  }
  stepOf = (<usize>width) << 2;
  return tile + ((<usize>j) << 2);
}

/** First killer of a group: the plane with the highest bias, which tops it at the mean of the rows. */
function chooseKiller(net: usize, k: i32, d: i32): void {
  let best = 0;
  let top: f32 = -Infinity;
  for (let j = 0; j < load<i32>(net, GROUP_PLANES); j++) {
    const bias = load<f32>(planeAt(net, k, j, d));
    if (bias > top) {
      best = j;
      top = bias;
    }
  }
  const group = net + NET + <usize>k * GROUP;
  store<i32>(group, best);
  // with KILLER_LOST
  store<u64>(group, 0, KILLER_VOTES);
}

/** Killer of group `k`: its plane's bias and weights from the group's tile to the killers' tiles. */
function putKiller(net: usize, k: i32, d: i32): void {
  const bytes = <usize>load<u32>(net, BOUNDS);
  let from = planeAt(net, k, load<i32>(net + NET + <usize>k * GROUP), d);
  const step = stepOf;
  let to = <usize>load<u32>(net, KILLERS) + ((<usize>k) << 2);
  for (const end = to + bytes * <usize>(d + 1); to < end; to += bytes) {
    store<f32>(to, load<f32>(from));
    from += step;
  }
}

/** Group `k` was read in vain, as plane `j` of it shows: it becomes the killer once that one is out of votes. */
function readInVain(plan: usize, net: usize, k: i32, j: i32, d: i32): void {
  const group = net + NET + <usize>k * GROUP;
  const now = load<i32>(plan, ALL_ROWS);
  let votes = min(VOTES, load<i32>(group, KILLER_VOTES) + ((now - load<i32>(group, KILLER_LOST)) >> 3)) - 1;
  if (votes < 0) {
    votes = 0;
    store<i32>(group, j);
    putKiller(net, k, d);
  }
  store<i32>(group, votes, KILLER_VOTES);
  store<i32>(group, now, KILLER_LOST);
}

/** All killers anew, after the weights changed, from the planes in rows of dp floats at `rows` and the networks' `factors`: the tiles' bits. */
export function refreshKillers(plan: usize, d: i32, rows: usize, dp: i32, factors: usize): void {
  const size = (<usize>dp) << 2;
  let net = plan + HEAD;
  for (let left = load<i32>(plan); left > 0; left--) {
    const last = load<i32>(net, GROUPS) - 1;
    const bytes = <usize>load<u32>(net, BOUNDS);
    const killers = <usize>load<u32>(net, KILLERS);
    const chosen = net + NET;
    const first = load<i32>(net, FIRST_PLANE);
    const planes = load<i32>(net, GROUP_PLANES);
    for (let k = 0; k <= last; k += 4) {
      const k1 = min(k + 1, last);
      const k2 = min(k + 2, last);
      const k3 = min(k + 3, last);
      putFour(
        rows + <usize>(first + k * planes + load<i32>(chosen + <usize>k * GROUP)) * size,
        rows + <usize>(first + k1 * planes + load<i32>(chosen + <usize>k1 * GROUP)) * size,
        rows + <usize>(first + k2 * planes + load<i32>(chosen + <usize>k2 * GROUP)) * size,
        rows + <usize>(first + k3 * planes + load<i32>(chosen + <usize>k3 * GROUP)) * size,
        d,
        load<f32>(factors),
        killers + ((<usize>k) << 2),
        bytes,
      );
      // lanes beyond the last group
      for (let j = last - k + 1; j < 4; j++) store<f32>(killers + ((<usize>(k + j)) << 2), Infinity);
    }
    factors += 4;
    net += <usize>load<u32>(net);
  }
}

/** Whether the next `rows` rows should be pruned: not while weights have lately made it read more groups than forward8 takes time for. */
export function shouldPrune(plan: usize, rows: i32): bool {
  const seen = load<i32>(plan, ROWS);
  if (seen >= 64) {
    if (load<i32>(plan, FURTHER) * 16 > seen * load<i32>(plan, LIMIT)) store<i32>(plan, 8192, REST);
    // with ROWS
    store<u64>(plan, 0, FURTHER);
  }
  const rest = load<i32>(plan, REST);
  if (rest > 0) store<i32>(plan, rest - rows, REST);
  return rest <= 0;
}

/** Whether less than one group in two rows was read beyond one a row and network, since the last look of `shouldPrune`. */
export function isCalm(plan: usize): bool {
  return load<i32>(plan, FURTHER) * 2 < load<i32>(plan, ROWS);
}

/** Counts rows. */
export function countRows(plan: usize, rows: i32): void {
  store<i32>(plan, load<i32>(plan, ROWS) + rows, ROWS);
  store<i32>(plan, load<i32>(plan, ALL_ROWS) + rows, ALL_ROWS);
}

/**
 * For one row, its inputs `xStep` bytes apart from `x`: `count` vectors of four planes, 4 * count floats at `out`. A vector's biases lie
 * 16 bytes behind those of the one before, from `p`, and its weights follow by `step` bytes an input. The order is forward8's.
 */
function dots(p: usize, step: usize, count: i32, d: i32, x: usize, xStep: usize, out: usize): void {
  const xEnd = x + <usize>d * xStep;
  for (; count > 0; count--) {
    let p0 = p;
    p += 16;
    let a = v128.load(p0);
    for (let q = x; q < xEnd; q += xStep) {
      p0 += step;
      a = f32x4.add(a, f32x4.mul(v128.load(p0), v128.load32_splat(q)));
    }
    v128.store(out, a);
    out += 16;
  }
}

/**
 * The same for tiles of four planes, one after the other from `tile`, four tiles at once: their dots from `dot` to `end`. Gives the highest ones,
 * lane by lane; ends early after a plane above `limit`. Two inputs at a time: V8 puts all loads of a loop before its operations, so more would not
 * fit the registers.
 */
export function readSixteens(tile: usize, d: i32, x: usize, xStep: usize, dot: usize, end: usize, limit: f32): v128 {
  const above = f32x4.splat(limit);
  const size = (<usize>d + 1) << 4;
  const twice = xStep << 1;
  const half = x + <usize>(d >> 1) * twice;
  let top = f32x4.splat(-Infinity);
  for (; dot < end; dot += 64) {
    let p0 = tile;
    let p1 = p0 + size;
    let p2 = p1 + size;
    let p3 = p2 + size;
    tile = p3 + size;
    let a0 = v128.load(p0);
    let a1 = v128.load(p1);
    let a2 = v128.load(p2);
    let a3 = v128.load(p3);
    let q = x;
    for (; q < half; q += twice) {
      let v = v128.load32_splat(q);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p0, 16), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p1, 16), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p2, 16), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p3, 16), v));
      v = v128.load32_splat(q + xStep);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p0, 32), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p1, 32), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p2, 32), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p3, 32), v));
      p0 += 32;
      p1 += 32;
      p2 += 32;
      p3 += 32;
    }
    if (d & 1) {
      const v = v128.load32_splat(q);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p0, 16), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p1, 16), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p2, 16), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p3, 16), v));
    }
    v128.store(dot, a0);
    v128.store(dot, a1, 16);
    v128.store(dot, a2, 32);
    v128.store(dot, a3, 48);
    top = f32x4.pmax(top, f32x4.pmax(f32x4.pmax(a0, a1), f32x4.pmax(a2, a3)));
    if (v128.any_true(f32x4.gt(top, above))) break;
  }
  return top;
}

/**
 * Bounds of one row, the killers' dots, at `out`. Killers lie side by side, so one address serves four vectors: with one for
 * each, a row takes 1.04 (16 groups of 16 planes, 20 inputs) to 1.06 times as long (32 of 32, 50 inputs).
 */
function bounds(killers: usize, bytes: usize, d: i32, x: usize, out: usize): void {
  const xEnd = x + ((<usize>d) << 2);
  const end = killers + bytes;
  for (; killers + 64 <= end; killers += 64) {
    let a0 = v128.load(killers);
    let a1 = v128.load(killers, 16);
    let a2 = v128.load(killers, 32);
    let a3 = v128.load(killers, 48);
    let p = killers;
    for (let q = x; q < xEnd; q += 4) {
      p += bytes;
      const v = v128.load32_splat(q);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p, 16), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p, 32), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p, 48), v));
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    out += 64;
  }
  if (killers < end) dots(killers, bytes, <i32>((end - killers) >> 4), d, x, 4, out);
}

/** Highest of four lanes, in all of them. */
function highest(v: v128): v128 {
  v = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.pmax(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
}

/**
 * Number of the first of the floats in [p, end) that equals `value` (in every lane); 0 where none does, which NaN in a row that is refused
 * brings about. Up to 64 floats without a branch: which vector holds it cannot be foreseen, and a branch foreseen wrongly costs as much as the
 * dots of a tile.
 */
export function firstEqual(p: usize, end: usize, value: v128): i32 {
  if (end - p <= 256) {
    let mask: u64 = 0;
    for (let shift: u64 = 0; p < end; p += 16, shift += 4)
      mask |= (<u64>i32x4.bitmask(f32x4.eq(v128.load(p), value))) << shift;
    return mask ? <i32>ctz(mask) : 0;
  }
  const start = p;
  for (; p < end; p += 16) {
    const mask = i32x4.bitmask(f32x4.eq(v128.load(p), value));
    if (mask) return <i32>((p - start) >> 2) + ctz(mask);
  }
  return 0;
}

/** The lowest bound in every lane. */
function lowest(bound: usize, boundEnd: usize): v128 {
  let low = v128.load(bound);
  for (let p = bound + 16; p < boundEnd; p += 16) low = f32x4.pmin(low, v128.load(p));
  low = f32x4.pmin(low, v128.shuffle<i32>(low, low, 2, 3, 0, 1));
  return f32x4.pmin(low, v128.shuffle<i32>(low, low, 1, 0, 3, 2));
}

/** The plane in a group whose dot is number `place` of its tiles' lanes. */
export function planeOf(net: usize, place: i32): i32 {
  const metas = <usize>load<u32>(net, METAS);
  return (load<i32>(metas + ((<usize>(place >> 2)) << 2)) >> 8) - load<i32>(net, FIRST_PLANE) + (place & 3);
}

/** Which plane of a group it is whose dot, one of those at `dot`, is `value`. */
function highestPlane(net: usize, dot: usize, value: f32): i32 {
  return planeOf(net, firstEqual(dot, dot + ((<usize>load<i32>(net, GROUP_TILES)) << 4), f32x4.splat(value)));
}

/** Max of group `k` for the row at `x`, or the highest of the planes read until one was above `limit`. Dots at `dot`. */
function readGroup(net: usize, k: i32, limit: f32, d: i32, x: usize, xStep: usize, dot: usize): f32 {
  const above = f32x4.splat(limit);
  let metas = <usize>load<u32>(net, METAS);
  let tile = <usize>load<u32>(net, TILES) + <usize>(k * load<i32>(net, GROUP_BYTES));
  let tiles = load<i32>(net, GROUP_TILES);
  const end = dot + ((<usize>tiles) << 4);
  let top = f32x4.splat(-Infinity);
  if (tiles >= 4 && load<i32>(net, GROUP_PLANES) == tiles << 2) {
    tiles &= ~3;
    const from = dot;
    dot += (<usize>tiles) << 4;
    top = readSixteens(tile, d, x, xStep, from, dot, limit);
    tile += <usize>tiles * ((<usize>d + 1) << 4);
    metas += (<usize>tiles) << 2;
  }
  for (; dot < end && !v128.any_true(f32x4.gt(top, above)); dot += 16) {
    const width = load<i32>(metas) & 7;
    dots(tile, (<usize>width) << 2, 1, d, x, xStep, dot);
    tile += (<usize>((d + 1) * width)) << 2;
    metas += 4;
    let a = v128.load(dot);
    if (width < 4) {
      a = width == 3 ? v128.shuffle<i32>(a, a, 0, 1, 2, 0) : v128.shuffle<i64>(a, a, 0, 0);
      v128.store(dot, a);
    }
    top = f32x4.pmax(top, a);
  }
  return f32x4.extract_lane(highest(top), 0);
}

/**
 * The min over the groups of one network for one row, bounds at `bound` (overwritten), the max of group `k` being `least`, of its plane
 * `plane`. Gives the value; its plane at `active`, unless that is 0. A further group is read four tiles at a time, and no
 * further than to a plane above the lowest max so far: half of it, as a rule.
 */
export function search(
  plan: usize,
  net: usize,
  bound: usize,
  d: i32,
  x: usize,
  xStep: usize,
  k: i32,
  least: f32,
  plane: i32,
  active: usize,
): f32 {
  const boundEnd = bound + <usize>load<u32>(net, BOUNDS);
  let read = 0;
  let group = k;
  for (;;) {
    store<f32>(bound + ((<usize>k) << 2), Infinity);
    const low = lowest(bound, boundEnd);
    const next = f32x4.extract_lane(low, 0);
    // equal maxima: the first group is the active one, so a bound equal to the least must still be read
    if (!(next <= least) || next == Infinity) break;
    k = firstEqual(bound, boundEnd, low);
    read++;
    const value = readGroup(net, k, least, d, x, xStep, boundEnd);
    const top = highestPlane(net, boundEnd, value);
    if (value > least) readInVain(plan, net, k, top, d);
    else if (value < least || k < group) {
      if (value < least) readInVain(plan, net, group, plane, d);
      least = value;
      group = k;
      plane = top;
    }
  }
  if (active) store<i32>(active, load<i32>(net, FIRST_PLANE) + group * load<i32>(net, GROUP_PLANES) + plane);
  store<i32>(plan, load<i32>(plan, FURTHER) + read, FURTHER);
  return least;
}

/** Whether another bound than that of the group read is no higher than its max, so that a further group may be the min. */
function mayBeLower(bound: usize, boundEnd: usize, least: f32): bool {
  const limit = f32x4.splat(least);
  let many = i32x4.splat(0);
  for (; bound < boundEnd; bound += 16) many = i32x4.sub(many, f32x4.le(v128.load(bound), limit));
  many = i32x4.add(many, v128.shuffle<i32>(many, many, 2, 3, 0, 1));
  return i32x4.extract_lane(many, 0) + i32x4.extract_lane(many, 1) != 1;
}

/**
 * One row, d floats at `x`: the sum of the networks; their active planes at `active`, one every `stride` bytes; with 0 for both, nine rows in
 * ten need neither a plane's number nor `search`: a tenth of the time of 16 groups of 16 planes.
 */
export function forwardPruned1(plan: usize, d: i32, x: usize, active: usize, stride: usize): f32 {
  const bound = <usize>load<u32>(plan, SCRATCH);
  let net = plan + HEAD;
  let sum: f32 = 0;
  for (let left = load<i32>(plan); left > 0; left--) {
    if (load<i32>(net, GROUPS) == 0) {
      let w = <usize>load<u32>(net, TILES);
      let a = load<f32>(w);
      for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
        w += 4;
        a += load<f32>(w) * load<f32>(x + i);
      }
      sum += a;
      if (active) store<i32>(active, load<i32>(net, FIRST_PLANE));
    } else {
      const bytes = <usize>load<u32>(net, BOUNDS);
      bounds(<usize>load<u32>(net, KILLERS), bytes, d, x, bound);
      const k = firstEqual(bound, bound + bytes, lowest(bound, bound + bytes));
      const least = readGroup(net, k, Infinity, d, x, 4, bound + bytes);
      if (active || mayBeLower(bound, bound + bytes, least))
        sum += search(plan, net, bound, d, x, 4, k, least, highestPlane(net, bound + bytes, least), active);
      else sum += least;
    }
    active += stride;
    net += <usize>load<u32>(net);
  }
  countRows(plan, 1);
  return sum;
}
