// Exact pruning of large networks, row by row: the min over groups with most groups left unread. Value and active plane are those of
// forward8, bit for bit. In: tiles of width 4 (layout.ts), one row of inputs. Out: the sum of the networks; each one's active plane.
//
// Every group has one or two of its own planes ("killers", planes that lately topped it) once more in tiles of four groups side by side:
//
//     lanes:   group 0  group 1  group 2  group 3 | group 4 ...       bound[k] = the higher of group k's killers <= max of group k
//
// The killers' tiles lie side by side, [1 + d][tiles][4], so that one address serves them all. Two rows go together: each killer's weights are
// loaded once for both, and eight chains of multiply and add are under way where one row has four, which waits for its own sums.
//
// The group with the lowest bound is read in full: its max is a candidate for the min. A group whose bound exceeds the lowest max so far
// cannot be the min, so reading ends when the lowest bound left does. A group that was read and came out higher takes the plane that topped
// it as killer. On trained weights 1.2 groups of 16 (16 planes each) and 1.9 of 32 (32 planes each) are read a row; killers decide how much
// is read, never what comes out. Where weights are random most groups are read: callers look at `groupsRead` and fall back on forward8.

import { END_GROUP, END_NETWORK } from "./layout";

// A plan: word 0 networks   1 scratch (bounds, then dots of a group)   2 groups read since the last look   3 rows since then
//   4 rows still to do by forward8   5 groups of all networks   6 bytes of one row's scratch
// then per network: word 0 bytes to the next   1 groups (0: a single plane)   2 bytes of bounds   3 killers a group   4 killer tiles   5 tiles
//   6 number of its first plane
// and per group of it: word 0 first tile   1 tiles   2 number of its first plane   3, 4 killers (numbers in the group)   5 killer to replace next
const HEAD: usize = 32;
const NET: usize = 32;
const GROUP: usize = 32;

/** Networks of fewer planes are read faster eight rows at a time. */
const LEAST_PLANES: i32 = 128;

/** Bytes that a plan may take, scratch for two rows included. */
export function planSize(metas: usize, tileCount: i32, d: i32): usize {
  let groups: usize = 0;
  let networks: usize = 0;
  for (let t = 0; t < tileCount; t++) {
    const meta = load<i32>(metas + ((<usize>t) << 2));
    if (meta & END_GROUP) groups++;
    if (meta & END_NETWORK) networks++;
  }
  const killers = ((<usize>d + 1) << 5) * (((groups + 3) >> 2) + networks);
  return HEAD + networks * (NET + 16) + groups * GROUP + killers + 2 * scratchSize(<i32>groups, tileCount) + 64;
}

/** Bytes of one row's scratch: two bounds a group, then the dots of a group. */
function scratchSize(groups: i32, tileCount: i32): usize {
  return (((<usize>groups + 3) & ~3) << 3) + ((<usize>tileCount) << 4) + 16;
}

/** Writes the plan of a model at `plan`; false where pruning does not pay or the tiles are not four wide. */
export function makePlan(plan: usize, metas: usize, tiles: usize, tileCount: i32, d: i32): bool {
  const tileBytes = (<usize>d + 1) << 4;
  let net = plan + HEAD;
  let networks = 0;
  let large = false;
  let allGroups = 0;
  let t = 0;
  while (t < tileCount) {
    let groups = 0;
    let planes = 0;
    let wide = true;
    let end = t;
    for (; ; end++) {
      const meta = load<i32>(metas + ((<usize>end) << 2));
      if ((meta & 7) != 4) wide = false;
      planes += meta & 7;
      if (meta & END_GROUP) groups++;
      if (meta & END_NETWORK) break;
    }
    end++;
    networks++;
    store<u32>(net, 0, 4);
    store<u32>(net, <u32>tiles, 20);
    store<i32>(net, load<i32>(metas + ((<usize>t) << 2)) >> 8, 24);
    if (planes == 1) {
      store<u32>(net, <u32>NET);
      net += NET;
      tiles += (<usize>d + 1) << 2;
      t = end;
      continue;
    }
    if (!wide || groups < 4 || planes < 64) return false;
    if (planes >= LEAST_PLANES) large = true;
    const perGroup = planes / groups >= 24 ? 2 : 1;
    const bounds = (<usize>((groups + 3) >> 2)) << 4;
    const killers = (net + NET + <usize>groups * GROUP + 15) & ~15;
    const next = killers + (bounds >> 4) * <usize>perGroup * tileBytes;
    store<u32>(net, <u32>(next - net));
    store<i32>(net, groups, 4);
    store<u32>(net, <u32>bounds, 8);
    store<i32>(net, perGroup, 12);
    store<u32>(net, <u32>killers, 16);
    allGroups += groups;
    let group = net + NET;
    let first = t;
    for (; t < end; t++) {
      if (!(load<i32>(metas + ((<usize>t) << 2)) & END_GROUP)) continue;
      const count = t + 1 - first;
      store<u32>(group, <u32>tiles);
      store<i32>(group, count, 4);
      store<i32>(group, load<i32>(metas + ((<usize>first) << 2)) >> 8, 8);
      chooseKillers(group, tileBytes);
      tiles += <usize>count * tileBytes;
      group += GROUP;
      first = t + 1;
    }
    // the bounds of lanes beyond the last group never come lowest
    memory.fill(killers, 0, next - killers);
    for (let k = (<usize>groups) << 2; k < bounds; k += 4) store<f32>(killers + k, Infinity);
    net = next;
  }
  store<i32>(plan, networks);
  store<u32>(plan, <u32>net, 4);
  memory.fill(plan + 8, 0, 12);
  store<i32>(plan, allGroups, 20);
  store<u32>(plan, <u32>scratchSize(allGroups, tileCount), 24);
  refreshKillers(plan, d);
  return large;
}

/** First killers of a group: the planes with the highest biases, which top it at the mean of the rows. */
function chooseKillers(group: usize, tileBytes: usize): void {
  const base = <usize>load<u32>(group);
  const count = load<i32>(group, 4) << 2;
  let best = 0;
  let second = 0;
  let top: f32 = -Infinity;
  let below: f32 = -Infinity;
  for (let j = 0; j < count; j++) {
    const bias = load<f32>(base + <usize>(j >> 2) * tileBytes + ((<usize>(j & 3)) << 2));
    if (bias > top) {
      second = best;
      below = top;
      best = j;
      top = bias;
    } else if (bias > below) {
      second = j;
      below = bias;
    }
  }
  store<i32>(group, best, 12);
  store<i32>(group, second, 16);
  store<i32>(group, 1, 20);
}

/** Killer `slot` of group `k`: its plane's bias and weights from the group's tile to the killers' tiles. */
function putKiller(net: usize, k: i32, slot: i32, d: i32): void {
  const tileBytes = (<usize>d + 1) << 4;
  const bounds = <usize>load<u32>(net, 8);
  const step = bounds * <usize>load<i32>(net, 12);
  const group = net + NET + <usize>k * GROUP;
  const j = load<i32>(group + ((<usize>slot) << 2), 12);
  let from = <usize>load<u32>(group) + <usize>(j >> 2) * tileBytes + ((<usize>(j & 3)) << 2);
  let to = <usize>load<u32>(net, 16) + <usize>slot * bounds + ((<usize>k) << 2);
  for (const end = from + tileBytes; from < end; from += 16) {
    store<f32>(to, load<f32>(from));
    to += step;
  }
}

/** All killers anew from the tiles: after the weights changed. */
export function refreshKillers(plan: usize, d: i32): void {
  let net = plan + HEAD;
  for (let left = load<i32>(plan); left > 0; left--) {
    const groups = load<i32>(net, 4);
    const perGroup = load<i32>(net, 12);
    for (let k = 0; k < groups; k++) {
      putKiller(net, k, 0, d);
      if (perGroup == 2) putKiller(net, k, 1, d);
    }
    net += <usize>load<u32>(net);
  }
}

/** Whether the next `rows` rows should be pruned: not while weights have lately made it read over a third of the groups. */
export function shouldPrune(plan: usize, rows: i32): bool {
  const seen = load<i32>(plan, 12);
  if (seen >= 64) {
    if (load<i32>(plan, 8) * 3 > seen * load<i32>(plan, 20)) store<i32>(plan, 8192, 16);
    store<u64>(plan, 0, 8);
  }
  const rest = load<i32>(plan, 16);
  if (rest > 0) store<i32>(plan, rest - rows, 16);
  return rest <= 0;
}

/** Values of `count` tiles' planes for the row `x`: 4 * count floats at `out`. Eight or four chains at a time; the order is forward8's. */
function dots(tile: usize, count: i32, d: i32, x: usize, out: usize): void {
  const size = (<usize>d + 1) << 4;
  const xEnd = x + ((<usize>d) << 2);
  for (; count >= 8; count -= 8) {
    let p0 = tile;
    let p1 = p0 + size;
    let p2 = p1 + size;
    let p3 = p2 + size;
    let p4 = p3 + size;
    let p5 = p4 + size;
    let p6 = p5 + size;
    let p7 = p6 + size;
    tile = p7 + size;
    let a0 = v128.load(p0);
    let a1 = v128.load(p1);
    let a2 = v128.load(p2);
    let a3 = v128.load(p3);
    let a4 = v128.load(p4);
    let a5 = v128.load(p5);
    let a6 = v128.load(p6);
    let a7 = v128.load(p7);
    for (let q = x; q < xEnd; q += 4) {
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      p4 += 16;
      p5 += 16;
      p6 += 16;
      p7 += 16;
      const v = v128.load32_splat(q);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p0), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p1), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p2), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p3), v));
      a4 = f32x4.add(a4, f32x4.mul(v128.load(p4), v));
      a5 = f32x4.add(a5, f32x4.mul(v128.load(p5), v));
      a6 = f32x4.add(a6, f32x4.mul(v128.load(p6), v));
      a7 = f32x4.add(a7, f32x4.mul(v128.load(p7), v));
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    v128.store(out, a4, 64);
    v128.store(out, a5, 80);
    v128.store(out, a6, 96);
    v128.store(out, a7, 112);
    out += 128;
  }
  for (; count >= 4; count -= 4) {
    let p0 = tile;
    let p1 = p0 + size;
    let p2 = p1 + size;
    let p3 = p2 + size;
    tile = p3 + size;
    let a0 = v128.load(p0);
    let a1 = v128.load(p1);
    let a2 = v128.load(p2);
    let a3 = v128.load(p3);
    for (let q = x; q < xEnd; q += 4) {
      p0 += 16;
      p1 += 16;
      p2 += 16;
      p3 += 16;
      const v = v128.load32_splat(q);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p0), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p1), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p2), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p3), v));
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    out += 64;
  }
  for (; count > 0; count--) {
    let a = v128.load(tile);
    for (let q = x; q < xEnd; q += 4) {
      tile += 16;
      a = f32x4.add(a, f32x4.mul(v128.load(tile), v128.load32_splat(q)));
    }
    tile += 16;
    v128.store(out, a);
    out += 16;
  }
}

/** As `dots` for two rows, each with a tile of its own. */
function dots2(tile: usize, tile2: usize, count: i32, d: i32, x: usize, x2: usize, out: usize, out2: usize): void {
  const size = (<usize>d + 1) << 4;
  const twice = size << 1;
  const thrice = twice + size;
  const xEnd = x + ((<usize>d) << 2);
  for (; count >= 4; count -= 4) {
    let p = tile;
    let a0 = v128.load(p);
    let a1 = v128.load(p + size);
    let a2 = v128.load(p + twice);
    let a3 = v128.load(p + thrice);
    let p2 = tile2;
    let b0 = v128.load(p2);
    let b1 = v128.load(p2 + size);
    let b2 = v128.load(p2 + twice);
    let b3 = v128.load(p2 + thrice);
    let q2 = x2;
    for (let q = x; q < xEnd; q += 4) {
      p += 16;
      p2 += 16;
      const v = v128.load32_splat(q);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(p), v));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(p + size), v));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(p + twice), v));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(p + thrice), v));
      const u = v128.load32_splat(q2);
      b0 = f32x4.add(b0, f32x4.mul(v128.load(p2), u));
      b1 = f32x4.add(b1, f32x4.mul(v128.load(p2 + size), u));
      b2 = f32x4.add(b2, f32x4.mul(v128.load(p2 + twice), u));
      b3 = f32x4.add(b3, f32x4.mul(v128.load(p2 + thrice), u));
      q2 += 4;
    }
    v128.store(out, a0);
    v128.store(out, a1, 16);
    v128.store(out, a2, 32);
    v128.store(out, a3, 48);
    v128.store(out2, b0);
    v128.store(out2, b1, 16);
    v128.store(out2, b2, 32);
    v128.store(out2, b3, 48);
    tile += size << 2;
    tile2 += size << 2;
    out += 64;
    out2 += 64;
  }
  if (count) {
    dots(tile, count, d, x, out);
    dots(tile2, count, d, x2, out2);
  }
}

/** Killers' values, `bytes` of them a row, for one row or (x2 != 0) two. Both rows' at once are the same sums in the same order. */
function bounds(killers: usize, bytes: usize, d: i32, x: usize, out: usize, x2: usize, out2: usize): void {
  const xEnd = x + ((<usize>d) << 2);
  let at: usize = 0;
  if (x2) {
    for (; at + 64 <= bytes; at += 64) {
      let p = killers + at;
      let a0 = v128.load(p);
      let a1 = v128.load(p, 16);
      let a2 = v128.load(p, 32);
      let a3 = v128.load(p, 48);
      let b0 = a0;
      let b1 = a1;
      let b2 = a2;
      let b3 = a3;
      let q2 = x2;
      for (let q = x; q < xEnd; q += 4) {
        p += bytes;
        const v = v128.load32_splat(q);
        const u = v128.load32_splat(q2);
        let w = v128.load(p);
        a0 = f32x4.add(a0, f32x4.mul(w, v));
        b0 = f32x4.add(b0, f32x4.mul(w, u));
        w = v128.load(p, 16);
        a1 = f32x4.add(a1, f32x4.mul(w, v));
        b1 = f32x4.add(b1, f32x4.mul(w, u));
        w = v128.load(p, 32);
        a2 = f32x4.add(a2, f32x4.mul(w, v));
        b2 = f32x4.add(b2, f32x4.mul(w, u));
        w = v128.load(p, 48);
        a3 = f32x4.add(a3, f32x4.mul(w, v));
        b3 = f32x4.add(b3, f32x4.mul(w, u));
        q2 += 4;
      }
      v128.store(out + at, a0);
      v128.store(out + at, a1, 16);
      v128.store(out + at, a2, 32);
      v128.store(out + at, a3, 48);
      v128.store(out2 + at, b0);
      v128.store(out2 + at, b1, 16);
      v128.store(out2 + at, b2, 32);
      v128.store(out2 + at, b3, 48);
    }
  } else {
    for (; at + 128 <= bytes; at += 128) {
      let p = killers + at;
      let a0 = v128.load(p);
      let a1 = v128.load(p, 16);
      let a2 = v128.load(p, 32);
      let a3 = v128.load(p, 48);
      let a4 = v128.load(p, 64);
      let a5 = v128.load(p, 80);
      let a6 = v128.load(p, 96);
      let a7 = v128.load(p, 112);
      for (let q = x; q < xEnd; q += 4) {
        p += bytes;
        const v = v128.load32_splat(q);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(p), v));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(p, 16), v));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(p, 32), v));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(p, 48), v));
        a4 = f32x4.add(a4, f32x4.mul(v128.load(p, 64), v));
        a5 = f32x4.add(a5, f32x4.mul(v128.load(p, 80), v));
        a6 = f32x4.add(a6, f32x4.mul(v128.load(p, 96), v));
        a7 = f32x4.add(a7, f32x4.mul(v128.load(p, 112), v));
      }
      v128.store(out + at, a0);
      v128.store(out + at, a1, 16);
      v128.store(out + at, a2, 32);
      v128.store(out + at, a3, 48);
      v128.store(out + at, a4, 64);
      v128.store(out + at, a5, 80);
      v128.store(out + at, a6, 96);
      v128.store(out + at, a7, 112);
    }
    for (; at + 64 <= bytes; at += 64) {
      let p = killers + at;
      let a0 = v128.load(p);
      let a1 = v128.load(p, 16);
      let a2 = v128.load(p, 32);
      let a3 = v128.load(p, 48);
      for (let q = x; q < xEnd; q += 4) {
        p += bytes;
        const v = v128.load32_splat(q);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(p), v));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(p, 16), v));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(p, 32), v));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(p, 48), v));
      }
      v128.store(out + at, a0);
      v128.store(out + at, a1, 16);
      v128.store(out + at, a2, 32);
      v128.store(out + at, a3, 48);
    }
  }
  for (; at < bytes; at += 16) {
    let p = killers + at;
    let a = v128.load(p);
    let b = a;
    let q2 = x2 ? x2 : x;
    for (let q = x; q < xEnd; q += 4) {
      p += bytes;
      const w = v128.load(p);
      a = f32x4.add(a, f32x4.mul(w, v128.load32_splat(q)));
      b = f32x4.add(b, f32x4.mul(w, v128.load32_splat(q2)));
      q2 += 4;
    }
    v128.store(out + at, a);
    if (x2) v128.store(out2 + at, b);
  }
}

/** The higher of each group's two killers. */
function mergeBounds(bound: usize, bytes: usize): void {
  for (let p = bound; p < bound + bytes; p += 16) v128.store(p, f32x4.pmax(v128.load(p), v128.load(p + bytes)));
}

/** Highest of four lanes, in all of them. */
function highest(v: v128): v128 {
  v = f32x4.pmax(v, v128.shuffle<i32>(v, v, 2, 3, 0, 1));
  return f32x4.pmax(v, v128.shuffle<i32>(v, v, 1, 0, 3, 2));
}

/**
 * Number of the first of the floats in [p, end) that equals `value` (in every lane); one does. Up to 64 floats without a branch: which vector
 * holds it cannot be foreseen, and a branch foreseen wrongly costs as much as the dots of a tile.
 */
function firstEqual(p: usize, end: usize, value: v128): i32 {
  if (end - p <= 256) {
    let mask: u64 = 0;
    for (let shift: u64 = 0; p < end; p += 16, shift += 4)
      mask |= (<u64>i32x4.bitmask(f32x4.eq(v128.load(p), value))) << shift;
    return <i32>ctz(mask);
  }
  const start = p;
  let mask = i32x4.bitmask(f32x4.eq(v128.load(p), value));
  while (!mask) {
    p += 16;
    mask = i32x4.bitmask(f32x4.eq(v128.load(p), value));
  }
  return <i32>((p - start) >> 2) + ctz(mask);
}

/** The lowest bound in every lane. */
function lowest(bound: usize, boundEnd: usize): v128 {
  let low = v128.load(bound);
  for (let p = bound + 16; p < boundEnd; p += 16) low = f32x4.pmin(low, v128.load(p));
  low = f32x4.pmin(low, v128.shuffle<i32>(low, low, 2, 3, 0, 1));
  return f32x4.pmin(low, v128.shuffle<i32>(low, low, 1, 0, 3, 2));
}

/**
 * The min over the groups of one network for one row. Group `k`, with the lowest bound, has its dots at `dot` already. Gives the value; its
 * plane at `active`. Counts what it reads at the plan. A further group is read four tiles at a time, and no further than to a plane above the
 * lowest max so far: half of it, as a rule.
 */
function search(plan: usize, net: usize, bound: usize, dot: usize, d: i32, x: usize, k: i32, active: usize): f32 {
  const boundEnd = bound + <usize>load<u32>(net, 8);
  const tileBytes = (<usize>d + 1) << 4;
  store<f32>(bound + ((<usize>k) << 2), Infinity);
  let group = net + NET + <usize>k * GROUP;
  let dotEnd = dot + ((<usize>load<i32>(group, 4)) << 4);
  let top = v128.load(dot);
  for (let p = dot + 16; p < dotEnd; p += 16) top = f32x4.pmax(top, v128.load(p));
  top = highest(top);
  let least = f32x4.extract_lane(top, 0);
  let leastGroup = k;
  let plane = load<i32>(group, 8) + firstEqual(dot, dotEnd, top);
  let read = 1;
  for (;;) {
    const low = lowest(bound, boundEnd);
    const next = f32x4.extract_lane(low, 0);
    // equal maxima: the first group is the active one, so a bound equal to the least must still be read
    if (next > least || next == Infinity) break;
    k = firstEqual(bound, boundEnd, low);
    store<f32>(bound + ((<usize>k) << 2), Infinity);
    read++;
    group = net + NET + <usize>k * GROUP;
    const limit = f32x4.splat(least);
    let tile = <usize>load<u32>(group);
    let p = dot;
    let above = false;
    top = f32x4.splat(-Infinity);
    for (let left = load<i32>(group, 4); left > 0 && !above; left -= 4) {
      const count = min(4, left);
      dots(tile, count, d, x, p);
      tile += tileBytes << 2;
      for (dotEnd = p + ((<usize>count) << 4); p < dotEnd; p += 16) top = f32x4.pmax(top, v128.load(p));
      above = v128.any_true(f32x4.gt(top, limit));
    }
    top = highest(top);
    const j = firstEqual(dot, dotEnd, top);
    if (above) {
      // read in vain: what topped it becomes the group's killer
      const slot = load<i32>(net, 12) == 2 ? load<i32>(group, 20) : 0;
      store<i32>(group + ((<usize>slot) << 2), j, 12);
      store<i32>(group, 1 - slot, 20);
      putKiller(net, k, slot, d);
    } else {
      const value = f32x4.extract_lane(top, 0);
      if (value < least || k < leastGroup) {
        least = value;
        leastGroup = k;
        plane = load<i32>(group, 8) + j;
      }
    }
  }
  store<i32>(active, plane);
  store<i32>(plan, load<i32>(plan, 8) + read, 8);
  return least;
}

/** The plane of a network that has no other. */
function single(net: usize, d: i32, x: usize, active: usize): f32 {
  let w = <usize>load<u32>(net, 20);
  let a = load<f32>(w);
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
    w += 4;
    a += load<f32>(w) * load<f32>(x + i);
  }
  store<i32>(active, load<i32>(net, 24));
  return a;
}

/**
 * One row, d floats at `x`, or two, the other at `x2`. Sums of the networks at `out` and 4 bytes on; active planes at `active`, and 4 bytes
 * on for the other row, one network every `stride` bytes.
 */
export function forwardPruned(
  plan: usize,
  d: i32,
  x: usize,
  x2: usize,
  out: usize,
  active: usize,
  stride: usize,
): void {
  const bound = <usize>load<u32>(plan, 4);
  const bound2 = bound + <usize>load<u32>(plan, 24);
  let net = plan + HEAD;
  let sum: f32 = 0;
  let sum2: f32 = 0;
  for (let left = load<i32>(plan); left > 0; left--) {
    if (load<i32>(net, 4) == 0) {
      sum += single(net, d, x, active);
      if (x2) sum2 += single(net, d, x2, active + 4);
    } else {
      const bytes = <usize>load<u32>(net, 8);
      const perGroup = load<i32>(net, 12);
      bounds(<usize>load<u32>(net, 16), bytes * <usize>perGroup, d, x, bound, x2, bound2);
      const dot = bound + bytes * 2;
      if (perGroup == 2) mergeBounds(bound, bytes);
      const k = firstEqual(bound, bound + bytes, lowest(bound, bound + bytes));
      const group = net + NET + <usize>k * GROUP;
      const count = load<i32>(group, 4);
      if (x2) {
        const dot2 = bound2 + bytes * 2;
        if (perGroup == 2) mergeBounds(bound2, bytes);
        const k2 = firstEqual(bound2, bound2 + bytes, lowest(bound2, bound2 + bytes));
        const group2 = net + NET + <usize>k2 * GROUP;
        const count2 = load<i32>(group2, 4);
        if (count == count2) {
          dots2(<usize>load<u32>(group), <usize>load<u32>(group2), count, d, x, x2, dot, dot2);
        } else {
          dots(<usize>load<u32>(group), count, d, x, dot);
          dots(<usize>load<u32>(group2), count2, d, x2, dot2);
        }
        sum += search(plan, net, bound, dot, d, x, k, active);
        sum2 += search(plan, net, bound2, dot2, d, x2, k2, active + 4);
      } else {
        dots(<usize>load<u32>(group), count, d, x, dot);
        sum += search(plan, net, bound, dot, d, x, k, active);
      }
    }
    active += stride;
    net += <usize>load<u32>(net);
  }
  store<f32>(out, sum);
  if (x2) store<f32>(out, sum2, 4);
  store<i32>(plan, load<i32>(plan, 12) + (x2 ? 2 : 1), 12);
}

/** `count` rows, `step` bytes apart, by twos: sums at `out`, active planes of row r at `active` + 4 r. */
export function forwardPrunedRows(
  plan: usize,
  d: i32,
  x: usize,
  step: usize,
  count: i32,
  out: usize,
  active: usize,
  stride: usize,
): void {
  for (; count > 0; count -= 2) {
    forwardPruned(plan, d, x, count > 1 ? x + step : 0, out, active, stride);
    x += step << 1;
    out += 8;
    active += 8;
  }
}
