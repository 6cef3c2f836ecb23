// Hyperplanes, max in each group, min over groups, sum over networks: eight rows at a time.
// In: tiles and their meta words (layout.ts), eight rows transposed to [d][8]. Out: eight sums; with tracking, the active plane of every network.
// Source: Sill 1998, eq. 1-3, and the sum of such networks.
//
// Lanes of one tile of four planes; each cell is one v128 accumulator:
//
//              rows 0-3   rows 4-7
//     plane 0    a00        a01        a += splat(w[plane][i]) * x[i][rows]     product rounded, then sum rounded: no fused multiply-add,
//     plane 1    a10        a11                                                 because that would break bit identity and the proof of
//     plane 2    a20        a21                                                 monotonicity does not need it
//     plane 3    a30        a31
//
// Eight accumulators, two row vectors and one splat fit the sixteen vector registers; every order of operations equals reference.ts.
// Share of the f32x4 multiply-add rate without memory (bench/peak.mjs; AMD EPYC, Zen 4, 59 GFLOP/s, Node 20), transposing included: 62, 65, 72, 77,
// 77 % at d = 8, 10, 20, 50, 100 with 256 planes or more; 55 % at 36 planes of 10 inputs, whose tiles are three wide. No tile that fits the registers
// reaches more than 88 %, as it must load its operands (bench/README.md).

import { END_GROUP, END_NETWORK, FOLD_FOUR, FOLD_TWO } from "./layout";

const LOWEST: f32 = -Infinity;

/** Four lanes, in memory: V8 builds a v128 constant anew at every use. */
const TWO: usize = memory.data<i32>([2, 2, 2, 2], 16);

// Results so far, in memory: as variables V8 saves and reloads all of them around the loop of every tile, used or not (a tenth of the time of
// tracking 36 planes of 10 inputs). The sums and active planes of a network so far lie where they go in the end.
/** A group of several tiles: maxima [8], their planes [8]. */
const GROUP: usize = memory.data(64, 16);
/** A network: minima [8]. */
const NETWORK: usize = memory.data(32, 16);

/**
 * Type parameter of `forward8`, resolved when compiling: f32 only sums; i32 also keeps the active planes, seven operations a tile of four and
 * vector: the comparisons of a tournament, whose results are numbers of planes or 0, so that the greater is the winner's. i64 keeps the first
 * plane of the tile with the active one, and `planesOfTiles` finds the plane (all tiles four wide). Time beside sums alone at 8, 10, 20, 50
 * inputs, 256 planes and more: i32 1.18, 1.15, 1.07, 1.03; i64 1.08, 1.07, 1.05, 1.01. Of equal planes the first is active, on either way.
 */
export function forward8<Track>(
  tiles: usize,
  metas: usize,
  count: i32,
  d: i32,
  xt: usize,
  out: usize,
  active: usize,
  activeStride: usize,
): void {
  v128.store(out, f32x4.splat(0));
  v128.store(out, f32x4.splat(0), 16);
  let inGroup = false;
  let inNetwork = false;
  const xEnd = xt + ((<usize>d) << 5);
  const metaEnd = metas + ((<usize>count) << 2);
  for (; metas < metaEnd; metas += 4) {
    const meta = load<i32>(metas);
    const width = meta & 7;
    let top0: v128;
    let top1: v128;
    let plane0 = i32x4.splat(0);
    let plane1 = plane0;
    if (width == 4) {
      let a00 = v128.load32_splat(tiles);
      let a10 = v128.load32_splat(tiles, 4);
      let a20 = v128.load32_splat(tiles, 8);
      let a30 = v128.load32_splat(tiles, 12);
      let a01 = a00;
      let a11 = a10;
      let a21 = a20;
      let a31 = a30;
      tiles += 16;
      let x = xt;
      const end = tiles + <usize>d * 16;
      do {
        const x0 = v128.load(x);
        const x1 = v128.load(x, 16);
        let w = v128.load32_splat(tiles);
        a00 = f32x4.add(a00, f32x4.mul(w, x0));
        a01 = f32x4.add(a01, f32x4.mul(w, x1));
        w = v128.load32_splat(tiles, 4);
        a10 = f32x4.add(a10, f32x4.mul(w, x0));
        a11 = f32x4.add(a11, f32x4.mul(w, x1));
        w = v128.load32_splat(tiles, 8);
        a20 = f32x4.add(a20, f32x4.mul(w, x0));
        a21 = f32x4.add(a21, f32x4.mul(w, x1));
        w = v128.load32_splat(tiles, 12);
        a30 = f32x4.add(a30, f32x4.mul(w, x0));
        a31 = f32x4.add(a31, f32x4.mul(w, x1));
        tiles += 16;
        x += 32;
      } while (tiles < end);
      const low0 = f32x4.pmax(a00, a10);
      const low1 = f32x4.pmax(a01, a11);
      const high0 = f32x4.pmax(a20, a30);
      const high1 = f32x4.pmax(a21, a31);
      if (isInteger<Track>()) {
        plane0 = i32x4.splat(meta >> 8);
        plane1 = plane0;
        if (sizeof<Track>() == 4) {
          const third = i32x4.add(plane0, v128.load(TWO));
          plane0 = i32x4.max_s(
            i32x4.sub(plane0, f32x4.gt(a10, a00)),
            v128.and(i32x4.sub(third, f32x4.gt(a30, a20)), f32x4.gt(high0, low0)),
          );
          plane1 = i32x4.max_s(
            i32x4.sub(plane1, f32x4.gt(a11, a01)),
            v128.and(i32x4.sub(third, f32x4.gt(a31, a21)), f32x4.gt(high1, low1)),
          );
        }
      }
      top0 = f32x4.pmax(low0, high0);
      top1 = f32x4.pmax(low1, high1);
    } else if (width == 3) {
      let a00 = v128.load32_splat(tiles);
      let a10 = v128.load32_splat(tiles, 4);
      let a20 = v128.load32_splat(tiles, 8);
      let a01 = a00;
      let a11 = a10;
      let a21 = a20;
      tiles += 12;
      let x = xt;
      const end = tiles + <usize>d * 12;
      do {
        const x0 = v128.load(x);
        const x1 = v128.load(x, 16);
        let w = v128.load32_splat(tiles);
        a00 = f32x4.add(a00, f32x4.mul(w, x0));
        a01 = f32x4.add(a01, f32x4.mul(w, x1));
        w = v128.load32_splat(tiles, 4);
        a10 = f32x4.add(a10, f32x4.mul(w, x0));
        a11 = f32x4.add(a11, f32x4.mul(w, x1));
        w = v128.load32_splat(tiles, 8);
        a20 = f32x4.add(a20, f32x4.mul(w, x0));
        a21 = f32x4.add(a21, f32x4.mul(w, x1));
        tiles += 12;
        x += 32;
      } while (tiles < end);
      const low0 = f32x4.pmax(a00, a10);
      const low1 = f32x4.pmax(a01, a11);
      if (isInteger<Track>()) {
        plane0 = i32x4.splat(meta >> 8);
        const third = i32x4.add(plane0, v128.load(TWO));
        plane1 = i32x4.max_s(i32x4.sub(plane0, f32x4.gt(a11, a01)), v128.and(third, f32x4.gt(a21, low1)));
        plane0 = i32x4.max_s(i32x4.sub(plane0, f32x4.gt(a10, a00)), v128.and(third, f32x4.gt(a20, low0)));
      }
      top0 = f32x4.pmax(low0, a20);
      top1 = f32x4.pmax(low1, a21);
    } else {
      // one or two planes: rare (min-only networks, the plane of the sum), so one at a time
      top0 = f32x4.splat(LOWEST);
      top1 = top0;
      for (let j = 0; j < width; j++) {
        let a0 = v128.load32_splat(tiles + ((<usize>j) << 2));
        let a1 = a0;
        let w = tiles + ((<usize>(width + j)) << 2);
        for (let x = xt; x < xEnd; x += 32) {
          const s = v128.load32_splat(w);
          a0 = f32x4.add(a0, f32x4.mul(s, v128.load(x)));
          a1 = f32x4.add(a1, f32x4.mul(s, v128.load(x, 16)));
          w += (<usize>width) << 2;
        }
        if (isInteger<Track>()) {
          const plane = i32x4.splat((meta >> 8) + j);
          plane0 = i32x4.max_s(plane0, v128.and(plane, f32x4.gt(a0, top0)));
          plane1 = i32x4.max_s(plane1, v128.and(plane, f32x4.gt(a1, top1)));
        }
        top0 = f32x4.pmax(top0, a0);
        top1 = f32x4.pmax(top1, a1);
      }
      tiles += (<usize>((d + 1) * width)) << 2;
    }
    if (inGroup) {
      const group0 = v128.load(GROUP);
      const group1 = v128.load(GROUP, 16);
      if (isInteger<Track>()) {
        plane0 = i32x4.max_s(v128.load(GROUP, 32), v128.and(plane0, f32x4.gt(top0, group0)));
        plane1 = i32x4.max_s(v128.load(GROUP, 48), v128.and(plane1, f32x4.gt(top1, group1)));
      }
      top0 = f32x4.pmax(group0, top0);
      top1 = f32x4.pmax(group1, top1);
    }
    inGroup = !(meta & END_GROUP);
    if (inGroup) {
      v128.store(GROUP, top0);
      v128.store(GROUP, top1, 16);
      if (isInteger<Track>()) {
        v128.store(GROUP, plane0, 32);
        v128.store(GROUP, plane1, 48);
      }
      continue;
    }
    if (inNetwork) {
      const net0 = v128.load(NETWORK);
      const net1 = v128.load(NETWORK, 16);
      if (isInteger<Track>()) {
        plane0 = i32x4.max_s(v128.load(active), v128.and(plane0, f32x4.lt(top0, net0)));
        plane1 = i32x4.max_s(v128.load(active, 16), v128.and(plane1, f32x4.lt(top1, net1)));
      }
      top0 = f32x4.pmin(net0, top0);
      top1 = f32x4.pmin(net1, top1);
    }
    if (isInteger<Track>()) {
      v128.store(active, plane0);
      v128.store(active, plane1, 16);
    }
    inNetwork = !(meta & END_NETWORK);
    if (inNetwork) {
      v128.store(NETWORK, top0);
      v128.store(NETWORK, top1, 16);
      continue;
    }
    if (isInteger<Track>()) active += activeStride;
    v128.store(out, f32x4.add(v128.load(out), top0));
    v128.store(out, f32x4.add(v128.load(out, 16), top1), 16);
  }
}

/**
 * Whether active planes are cheaper found by their tiles: recomputing one tile a network and row must not weigh against the tiles it saves from
 * tracking, so networks of 40 tiles and more, all four wide (at 24 tiles and 20 inputs i32 takes 1.07, i64 1.10 times the time of sums alone; at
 * 24 tiles and 8 inputs 1.15 and 1.13).
 */
export function tracksTiles(metas: usize, count: i32): bool {
  let tiles = 0;
  for (let t = 0; t < count; t++) {
    const meta = load<i32>(metas + ((<usize>t) << 2));
    if ((meta & 7) != 4) return false;
    tiles++;
    if (!(meta & END_NETWORK)) continue;
    if (tiles < 40) return false;
    tiles = 0;
  }
  return true;
}

/** `forward8<i64>`'s tiles to planes, in place: each row's four dots of its tile once more, lanes = planes, in the same order, so the same bits. */
export function planesOfTiles(
  tiles: usize,
  networks: i32,
  d: i32,
  xt: usize,
  active: usize,
  activeStride: usize,
): void {
  const size = (<usize>d + 1) << 4;
  const xEnd = xt + ((<usize>d) << 5);
  for (; networks > 0; networks--) {
    for (let r: usize = 0; r < 32; r += 16) {
      const chosen = active + r;
      const j0 = load<i32>(chosen);
      const j1 = load<i32>(chosen, 4);
      const j2 = load<i32>(chosen, 8);
      const j3 = load<i32>(chosen, 12);
      let p0 = tiles + <usize>(j0 >> 2) * size;
      let p1 = tiles + <usize>(j1 >> 2) * size;
      let p2 = tiles + <usize>(j2 >> 2) * size;
      let p3 = tiles + <usize>(j3 >> 2) * size;
      let a0 = v128.load(p0);
      let a1 = v128.load(p1);
      let a2 = v128.load(p2);
      let a3 = v128.load(p3);
      for (let q = xt + r; q < xEnd; q += 32) {
        p0 += 16;
        p1 += 16;
        p2 += 16;
        p3 += 16;
        a0 = f32x4.add(a0, f32x4.mul(v128.load(p0), v128.load32_splat(q)));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(p1), v128.load32_splat(q, 4)));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(p2), v128.load32_splat(q, 8)));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(p3), v128.load32_splat(q, 12)));
      }
      store<i32>(chosen, j0 + firstHighest(a0));
      store<i32>(chosen, j1 + firstHighest(a1), 4);
      store<i32>(chosen, j2 + firstHighest(a2), 8);
      store<i32>(chosen, j3 + firstHighest(a3), 12);
    }
    active += activeStride;
  }
}

/** The first lane that holds the highest number. */
function firstHighest(a: v128): i32 {
  let top = f32x4.pmax(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  top = f32x4.pmax(top, v128.shuffle<i32>(top, top, 1, 0, 3, 2));
  return ctz(i32x4.bitmask(f32x4.eq(a, top)));
}

/**
 * Eight rows of `stride` floats (stride a multiple of four, at least d) at `rows` to [d][8] at `xt`, four by four blocks:
 *
 *     r0: a b c d         a e i m
 *     r1: e f g h   ->    b f j n
 *     r2: i j k l         c g k o
 *     r3: m n o p         d h l p
 */
export function transpose8(rows: usize, stride: i32, d: i32, xt: usize): void {
  const step = (<usize>stride) << 2;
  for (let half: usize = 0; half < 2; half++) {
    const r0 = rows + half * 4 * step;
    const r1 = r0 + step;
    const r2 = r1 + step;
    const r3 = r2 + step;
    let to = xt + (half << 4);
    for (let i: usize = 0; i < (<usize>d) << 2; i += 16) {
      const a = v128.load(r0 + i);
      const b = v128.load(r1 + i);
      const c = v128.load(r2 + i);
      const e = v128.load(r3 + i);
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const ce0 = v128.shuffle<i32>(c, e, 0, 4, 1, 5);
      const ce1 = v128.shuffle<i32>(c, e, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(ab0, ce0, 0, 2));
      v128.store(to, v128.shuffle<i64>(ab0, ce0, 1, 3), 32);
      v128.store(to, v128.shuffle<i64>(ab1, ce1, 0, 2), 64);
      v128.store(to, v128.shuffle<i64>(ab1, ce1, 1, 3), 96);
      to += 128;
    }
  }
}

/**
 * One row. Lanes are groups: a block holds four groups of a network (image.ts), plane j of each in vector j, so the max over a group takes no
 * shuffle and the min over groups only the last two steps:
 *
 *     lanes:            group 0   group 1   group 2   group 3
 *     chain 0           a00       a10       a20       a30      a += w[group][0][i] * splat(x[i])
 *     chain 1           a01       a11       a21       a31
 *     ...               max down the chains = groups, min across the lanes (and blocks) = network
 *
 * Where a block has but two groups left, each takes two lanes with every other of its planes (FOLD_TWO), a single one all four (FOLD_FOUR): no
 * lane is idle, 6 groups of 6 planes take 9 chains instead of 12.
 *
 * `metas` has a word a chunk of at most four chains, or of six where the whole block has six (of 36 planes of 10 inputs a call takes 0.95 of the
 * time of two chunks of three): bits 0-2 chains, END_GROUP after the last of a block, END_NETWORK after the last of a network; 0 ends. Same
 * order of operations a plane as `forward8`, hence the same bits. `x` holds d floats.
 */
export function forward1(blocks: usize, metas: usize, d: i32, x: usize): f32 {
  const xEnd = x + ((<usize>d) << 2);
  let sum: f32 = 0;
  let net = f32x4.splat(Infinity);
  let group = f32x4.splat(LOWEST);
  for (let meta = load<i32>(metas); meta; meta = load<i32>(metas)) {
    metas += 4;
    const chains = meta & 7;
    if (chains == 4) {
      let a0 = v128.load(blocks);
      let a1 = v128.load(blocks, 16);
      let a2 = v128.load(blocks, 32);
      let a3 = v128.load(blocks, 48);
      blocks += 64;
      for (let q = x; q < xEnd; q += 4) {
        const v = v128.load32_splat(q);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(blocks), v));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(blocks, 16), v));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(blocks, 32), v));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(blocks, 48), v));
        blocks += 64;
      }
      group = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(group, a0), a1), a2), a3);
    } else if (chains == 6) {
      let a0 = v128.load(blocks);
      let a1 = v128.load(blocks, 16);
      let a2 = v128.load(blocks, 32);
      let a3 = v128.load(blocks, 48);
      let a4 = v128.load(blocks, 64);
      let a5 = v128.load(blocks, 80);
      blocks += 96;
      for (let q = x; q < xEnd; q += 4) {
        const v = v128.load32_splat(q);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(blocks), v));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(blocks, 16), v));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(blocks, 32), v));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(blocks, 48), v));
        a4 = f32x4.add(a4, f32x4.mul(v128.load(blocks, 64), v));
        a5 = f32x4.add(a5, f32x4.mul(v128.load(blocks, 80), v));
        blocks += 96;
      }
      group = f32x4.pmax(f32x4.pmax(f32x4.pmax(a0, a1), f32x4.pmax(a2, a3)), f32x4.pmax(a4, a5));
    } else if (chains == 3) {
      let a0 = v128.load(blocks);
      let a1 = v128.load(blocks, 16);
      let a2 = v128.load(blocks, 32);
      blocks += 48;
      for (let q = x; q < xEnd; q += 4) {
        const v = v128.load32_splat(q);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(blocks), v));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(blocks, 16), v));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(blocks, 32), v));
        blocks += 48;
      }
      group = f32x4.pmax(f32x4.pmax(f32x4.pmax(group, a0), a1), a2);
    } else {
      const step = (<usize>chains) << 4;
      for (let p = blocks; p < blocks + step; p += 16) {
        let a = v128.load(p);
        let w = p;
        for (let q = x; q < xEnd; q += 4) {
          w += step;
          a = f32x4.add(a, f32x4.mul(v128.load(w), v128.load32_splat(q)));
        }
        group = f32x4.pmax(group, a);
      }
      blocks += step * <usize>(d + 1);
    }
    if (meta & END_GROUP) {
      if (meta & (FOLD_TWO | FOLD_FOUR)) group = f32x4.pmax(group, v128.shuffle<i32>(group, group, 2, 3, 0, 1));
      if (meta & FOLD_FOUR) group = f32x4.pmax(group, v128.shuffle<i32>(group, group, 1, 0, 3, 2));
      net = f32x4.pmin(net, group);
      group = f32x4.splat(LOWEST);
      if (meta & END_NETWORK) {
        net = f32x4.pmin(net, v128.shuffle<i32>(net, net, 2, 3, 2, 3));
        net = f32x4.pmin(net, v128.shuffle<i32>(net, net, 1, 1, 1, 1));
        sum += f32x4.extract_lane(net, 0);
        net = f32x4.splat(Infinity);
      }
    }
  }
  return sum;
}
