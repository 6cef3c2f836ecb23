// Exact pruning of sums of small networks, as the defaults make them: single planes, and networks of four groups of four planes. In: a plan, tiles
// (layout.ts), eight rows transposed to [d][8]. Out: sums of the networks, with the bits of forward8. Only for predictions: no active planes.
//
// The idea is that of prune.ts, a plane of each group ("killer") as its lower bound, but what was slow there with small networks is put off, so that
// it is done for all of them together:
//
//     1  killers of all networks     lanes = rows: a tile of four killers (one a group) x eight rows, then the tile of the lowest bound's group and
//                                    the second lowest bound by comparisons alone
//     2  the chosen groups           lanes = planes: four rows, each with its own tile, at a time
//     3  further groups              rows whose second lowest bound is no higher than the max: all such groups to a list, which is then read four
//                                    entries at a time, whatever row and network they are of
//
// The tile of killers is that of prune-rows.ts, written out in both: as one function predictions take 1.02 to 1.03 of the time (B, C, D of bench/).
// Killers stay as chosen: the plane with the highest bias. On a model trained on 1e5 rows of 20 inputs a row reads 1.13 to 1.15 groups a network, on
// less trained ones up to 1.4; from about 1.27 on forward8 is faster, and callers ask `shouldPrune`. Time beside forward8, everything included: 0.84 for
// 16 networks, 0.88 for a committee of 64 (their tiles do not fit the first cache). Derivatives would also need the planes' numbers: forward8.
//
// One row: lanes = networks. Four networks at a time: the vectors of a killers' tile hold one killer of each, so that the choice is the same
// comparisons, then the four chosen tiles side by side. Bounds are compared with the maxima of the chosen groups at once; what is left of all
// networks is read four groups at a time, at the end. Networks of the default sum (20 inputs) read 1.13 groups: 0.77 of the time of forward1, call
// included.
//
// A plan: word 0 networks of four groups   1 where the results of all networks go, [networks][8]
//   2 to 5 and 7 as in prune.ts: groups read beyond one a row and network, rows, rows left to forward8, sixteenths of such groups a row, all rows
// the same for one row: word 0 1 (0: forward1 is faster)   1 single planes   2 to 5, 7
// then the tiles (addresses) of such networks, in fours, the last one repeated; where their results go; weights of the single planes and where
// their results go; one row's killers, [1 + d][4 groups][4 networks] a four of networks; eight rows' killers, [1 + d][4] a network; bounds [4][8] a
// network; chosen tiles [8] each; second lowest bounds [8] each; results; the list: tile, row, result (addresses).

import { END_GROUP, END_NETWORK } from "./layout";
import { countRows, FURTHER, HEAD, LIMIT, SCRATCH } from "./prune";
import { highests } from "./prune-rows";

/** Single planes: in the second head, that of one row. */
const SINGLES: usize = 4;

/** Fewer inputs save less than the choice takes. */
const LEAST_INPUTS: i32 = 10;

/** Bytes that a plan may take. */
export function foursSize(tileCount: i32, d: i32): usize {
  return 2 * HEAD + ((<usize>tileCount >> 2) + 3) * (((<usize>d + 1) << 5) + 488) + <usize>tileCount * 40 + 64;
}

/** Writes the plan of a model at `plan`; false where its networks are of other shapes, or pruning them does not pay. */
export function makeFours(plan: usize, metas: usize, tiles: usize, tileCount: i32, d: i32): bool {
  const metaEnd = metas + ((<usize>tileCount) << 2);
  let count = 0;
  let singles = 0;
  for (let p = metas; p < metaEnd; p += 4) {
    const meta = load<i32>(p) & 31;
    if (meta == (1 | END_GROUP | END_NETWORK)) {
      singles++;
      continue;
    }
    // the fourth group is the first to end its network
    for (let k: usize = 0; k < 16; k += 4) {
      if (p + k >= metaEnd || (load<i32>(p + k) & 31) != (k < 12 ? 4 | END_GROUP : 4 | END_GROUP | END_NETWORK))
        return false;
    }
    p += 12;
    count++;
  }
  if (!count || d < LEAST_INPUTS) return false;
  const size = (<usize>d + 1) << 4;
  const fours = (count + 3) >> 2;
  let net = netsOf(plan);
  const places = (<usize>fours) << 4;
  let single = net + 2 * places;
  let ones = (single + ((<usize>singles) << 3) + 15) & ~15;
  let killers = ones + ((<usize>fours * size) << 2);
  let result = killers + <usize>count * (size + 192);
  memory.fill(plan, 0, 2 * HEAD);
  store<i32>(plan, count);
  store<u32>(plan, <u32>result, SCRATCH);
  // cycles of eight rows, as measured: 6.8 an input saved a network, less 25, against 1.7 an input and 17 a further group
  store<i32>(plan, (count * (136 * d - 500)) / (17 * d + 170), LIMIT);
  // hundredths of a nanosecond, as measured: 117 an input and network by forward1, 68 an input and 260 by fours, 35 an input and 550 a further group
  const most = (count * 117 * d - fours * 4 * (68 * d + 260)) / ((35 * d + 550) >> 4);
  store<i32>(plan + HEAD, most > 0 ? 1 : 0);
  store<i32>(plan + HEAD, singles, SINGLES);
  store<i32>(plan + HEAD, most, LIMIT);
  for (; metas < metaEnd; metas += 4, result += 32) {
    if ((load<i32>(metas) & 7) == 1) {
      store<u32>(single, <u32>tiles);
      store<u32>(single, <u32>result, 4);
      single += 8;
      tiles += size >> 2;
      continue;
    }
    metas += 12;
    count--;
    // the last one fills its four
    do {
      store<u32>(net, <u32>tiles);
      store<u32>(net + places, <u32>result);
      net += 4;
      for (let k: usize = 0; k < 4; k++) {
        const tile = tiles + k * size;
        let best: usize = 0;
        for (let j: usize = 4; j < 16; j += 4) if (load<f32>(tile + j) > load<f32>(tile + best)) best = j;
        for (let i: usize = 0; i < size; i += 16) {
          const w = load<f32>(tile + best + i);
          store<f32>(ones + (k << 4) + (i << 2), w);
          store<f32>(killers + (k << 2) + i, w);
        }
      }
      // the next lane, or the next four
      ones += 4;
      if (!(ones & 15)) ones += (size << 2) - 16;
    } while (!count && ones & 15);
    killers += size;
    tiles += size << 2;
  }
  return true;
}

/** Where the addresses of the networks' tiles lie. */
function netsOf(plan: usize): usize {
  return plan + 2 * HEAD;
}

/** Eight rows at `xt`. Sums at `out`. */
export function forwardFours8(
  plan: usize,
  metas: usize,
  tiles: usize,
  tileCount: i32,
  d: i32,
  xt: usize,
  out: usize,
): void {
  const count = <usize>load<i32>(plan);
  const maxima = <usize>load<u32>(plan, SCRATCH);
  const bounds = maxima - count * 192;
  const chosen = bounds + (count << 7);
  const seconds = chosen + (count << 5);
  const size = (<usize>d + 1) << 4;
  const nets = netsOf(plan);
  const places = nets + (((count + 3) >> 2) << 4);
  const xEnd = xt + ((<usize>d) << 5);
  const metaEnd = metas + ((<usize>tileCount) << 2);
  let killers = bounds - count * size;
  let bound = bounds;
  let choice = chosen;
  let to = maxima;
  for (; metas < metaEnd; metas += 4) {
    if ((load<i32>(metas) & 7) == 1) {
      let a0 = v128.load32_splat(tiles);
      let a1 = a0;
      for (let x = xt; x < xEnd; x += 32) {
        tiles += 4;
        const s = v128.load32_splat(tiles);
        a0 = f32x4.add(a0, f32x4.mul(s, v128.load(x)));
        a1 = f32x4.add(a1, f32x4.mul(s, v128.load(x, 16)));
      }
      tiles += 4;
      v128.store(to, a0);
      v128.store(to, a1, 16);
      to += 32;
      continue;
    }
    metas += 12;
    let a00 = v128.load32_splat(killers);
    let a10 = v128.load32_splat(killers, 4);
    let a20 = v128.load32_splat(killers, 8);
    let a30 = v128.load32_splat(killers, 12);
    let a01 = a00;
    let a11 = a10;
    let a21 = a20;
    let a31 = a30;
    killers += 16;
    for (let x = xt; x < xEnd; x += 32) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      let w = v128.load32_splat(killers);
      a00 = f32x4.add(a00, f32x4.mul(w, x0));
      a01 = f32x4.add(a01, f32x4.mul(w, x1));
      w = v128.load32_splat(killers, 4);
      a10 = f32x4.add(a10, f32x4.mul(w, x0));
      a11 = f32x4.add(a11, f32x4.mul(w, x1));
      w = v128.load32_splat(killers, 8);
      a20 = f32x4.add(a20, f32x4.mul(w, x0));
      a21 = f32x4.add(a21, f32x4.mul(w, x1));
      w = v128.load32_splat(killers, 12);
      a30 = f32x4.add(a30, f32x4.mul(w, x0));
      a31 = f32x4.add(a31, f32x4.mul(w, x1));
      killers += 16;
    }
    v128.store(bound, a00);
    v128.store(bound, a01, 16);
    v128.store(bound, a10, 32);
    v128.store(bound, a11, 48);
    v128.store(bound, a20, 64);
    v128.store(bound, a21, 80);
    v128.store(bound, a30, 96);
    v128.store(bound, a31, 112);
    const second = seconds + (choice - chosen);
    choose(a00, a10, a20, a30, tiles, size, choice, second);
    choose(a01, a11, a21, a31, tiles, size, choice + 16, second + 16);
    bound += 128;
    choice += 32;
    tiles += size << 2;
    to += 32;
  }
  const list = to;
  let entry = list;
  choice = chosen;
  for (const end = chosen + (count << 5); choice < end; ) {
    let close: u64 = 0;
    const base = choice;
    // the bits of eight networks in one number: the processor foresees the end of a loop over eight bits badly
    for (let shift: u64 = 0; shift < 64 && choice < end; shift += 8) {
      const at = <usize>load<u32>(places + ((choice - chosen) >> 3));
      const max0 = readChosen(choice, xt, xEnd);
      const max1 = readChosen(choice + 16, xt + 16, xEnd);
      v128.store(at, max0);
      v128.store(at, max1, 16);
      const second = seconds + (choice - chosen);
      const c =
        i32x4.bitmask(f32x4.le(v128.load(second), max0)) | (i32x4.bitmask(f32x4.le(v128.load(second, 16), max1)) << 4);
      close |= (<u64>c) << shift;
      choice += 32;
    }
    for (; close; close &= close - 1) {
      const bit = <usize>ctz(close);
      const c = base + (bit << 2);
      const n = (c - chosen) >> 5;
      const row = (bit & 7) << 2;
      const at = load<u32>(places + (n << 2)) + <u32>row;
      const top = load<f32>(<usize>at);
      const own = load<u32>(c);
      let tile = load<u32>(nets + (n << 2));
      let b = bounds + (n << 7) + row;
      for (let k = 0; k < 4; k++) {
        store<u32>(entry, tile);
        store<u32>(entry, <u32>(xt + row), 4);
        store<u32>(entry, at, 8);
        entry += <usize>(i32(load<f32>(b) <= top) & i32(tile != own)) * 12;
        tile += <u32>size;
        b += 32;
      }
    }
  }
  const found = <i32>(entry - list) / 12;
  // up to a multiple of four by the last one again
  for (let k = found; k & 3; k++) {
    store<u64>(entry, load<u64>(entry - 12));
    store<u32>(entry, load<u32>(entry - 4), 8);
    entry += 12;
  }
  for (let e = list; e < entry; e += 48) readListed(e, d);
  let sum0 = f32x4.splat(0);
  let sum1 = sum0;
  for (let p = maxima; p < to; p += 32) {
    sum0 = f32x4.add(sum0, v128.load(p));
    sum1 = f32x4.add(sum1, v128.load(p, 16));
  }
  v128.store(out, sum0);
  v128.store(out, sum1, 16);
  store<i32>(plan, load<i32>(plan, FURTHER) + found, FURTHER);
  countRows(plan, 8);
}

/** For four rows with the bounds a0 to a3: the tiles of the lowest bounds' groups to `chosen`, the second lowest bounds to `second`. */
function choose(a0: v128, a1: v128, a2: v128, a3: v128, tiles: usize, size: usize, chosen: usize, second: usize): void {
  const low01 = f32x4.pmin(a0, a1);
  const low23 = f32x4.pmin(a2, a3);
  const step = i32x4.splat(<i32>size);
  const first = i32x4.splat(<i32>tiles);
  const later = f32x4.lt(low23, low01);
  const tile01 = i32x4.add(first, v128.and(step, f32x4.lt(a1, a0)));
  const tile23 = i32x4.add(i32x4.add(first, i32x4.add(step, step)), v128.and(step, f32x4.lt(a3, a2)));
  v128.store(chosen, v128.bitselect(tile23, tile01, later));
  v128.store(
    second,
    f32x4.pmin(f32x4.pmax(low01, low23), v128.bitselect(f32x4.pmax(a2, a3), f32x4.pmax(a0, a1), later)),
  );
}

/**
 * Maxima of four rows over the tiles at `chosen`, lanes = rows; the rows' first inputs at `x`. Two inputs at a time: 0.95 of the time of one. A load and
 * four shuffles instead of four loads of a number each: 0.93 of a batch where a cycle has two loads of vectors for four operations.
 */
function readChosen(chosen: usize, x: usize, xEnd: usize): v128 {
  let p0 = <usize>load<u32>(chosen);
  let p1 = <usize>load<u32>(chosen, 4);
  let p2 = <usize>load<u32>(chosen, 8);
  let p3 = <usize>load<u32>(chosen, 12);
  let a0 = v128.load(p0);
  let a1 = v128.load(p1);
  let a2 = v128.load(p2);
  let a3 = v128.load(p3);
  for (const half = xEnd - 32; x < half; x += 64) {
    let v = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(p0, 16), v128.shuffle<i32>(v, v, 0, 0, 0, 0)));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(p1, 16), v128.shuffle<i32>(v, v, 1, 1, 1, 1)));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(p2, 16), v128.shuffle<i32>(v, v, 2, 2, 2, 2)));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(p3, 16), v128.shuffle<i32>(v, v, 3, 3, 3, 3)));
    v = v128.load(x, 32);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(p0, 32), v128.shuffle<i32>(v, v, 0, 0, 0, 0)));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(p1, 32), v128.shuffle<i32>(v, v, 1, 1, 1, 1)));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(p2, 32), v128.shuffle<i32>(v, v, 2, 2, 2, 2)));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(p3, 32), v128.shuffle<i32>(v, v, 3, 3, 3, 3)));
    p0 += 32;
    p1 += 32;
    p2 += 32;
    p3 += 32;
  }
  if (x < xEnd) {
    const v = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(p0, 16), v128.shuffle<i32>(v, v, 0, 0, 0, 0)));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(p1, 16), v128.shuffle<i32>(v, v, 1, 1, 1, 1)));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(p2, 16), v128.shuffle<i32>(v, v, 2, 2, 2, 2)));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(p3, 16), v128.shuffle<i32>(v, v, 3, 3, 3, 3)));
  }
  return highests(a0, a1, a2, a3);
}

/** Four entries of the list: their maxima to the results that are higher. */
function readListed(entry: usize, d: i32): void {
  let p0 = <usize>load<u32>(entry);
  let p1 = <usize>load<u32>(entry, 12);
  let p2 = <usize>load<u32>(entry, 24);
  let p3 = <usize>load<u32>(entry, 36);
  let x0 = <usize>load<u32>(entry, 4);
  let x1 = <usize>load<u32>(entry, 16);
  let x2 = <usize>load<u32>(entry, 28);
  let x3 = <usize>load<u32>(entry, 40);
  let a0 = v128.load(p0);
  let a1 = v128.load(p1);
  let a2 = v128.load(p2);
  let a3 = v128.load(p3);
  for (; d > 0; d--) {
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
    a0 = f32x4.add(a0, f32x4.mul(v128.load(p0), v128.load32_splat(x0)));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(p1), v128.load32_splat(x1)));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(p2), v128.load32_splat(x2)));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(p3), v128.load32_splat(x3)));
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
  }
  const top = highests(a0, a1, a2, a3);
  lower(<usize>load<u32>(entry, 8), f32x4.extract_lane(top, 0));
  lower(<usize>load<u32>(entry, 20), f32x4.extract_lane(top, 1));
  lower(<usize>load<u32>(entry, 32), f32x4.extract_lane(top, 2));
  lower(<usize>load<u32>(entry, 44), f32x4.extract_lane(top, 3));
}

function lower(at: usize, value: f32): void {
  const now = load<f32>(at);
  store<f32>(at, value < now ? value : now);
}

/** One row, d floats at `x`: the sum. */
export function forwardFours1(plan: usize, d: i32, x: usize): f32 {
  const head = plan + HEAD;
  const singles = <usize>load<i32>(head, SINGLES);
  const count = <usize>load<i32>(plan);
  const fours = ((count + 3) >> 2) << 4;
  const maxima = <usize>load<u32>(plan, SCRATCH);
  const size = (<usize>d + 1) << 4;
  const xEnd = x + ((<usize>d) << 2);
  const nets = netsOf(plan);
  const netEnd = nets + fours;
  let single = netEnd + fours;
  for (const end = single + (singles << 3); single < end; single += 8) {
    let w = <usize>load<u32>(single);
    let a = load<f32>(w);
    for (let q = x; q < xEnd; q += 4) {
      w += 4;
      a += load<f32>(w) * load<f32>(q);
    }
    store<f32>(<usize>load<u32>(single, 4), a);
  }
  let killers = maxima - count * (size + 192) - (fours >> 2) * size;
  const step = i32x4.splat(<i32>size);
  let found: u64 = 0;
  for (let net = nets; net < netEnd; ) {
    // groups to be read, a bit each: sixteen of four networks, [group][network]
    let close: u64 = 0;
    const base = net;
    for (let shift: u64 = 0; shift < 64 && net < netEnd; shift += 16) {
      let a0 = v128.load(killers);
      let a1 = v128.load(killers, 16);
      let a2 = v128.load(killers, 32);
      let a3 = v128.load(killers, 48);
      killers += 64;
      for (let q = x; q < xEnd; q += 4) {
        const v = v128.load32_splat(q);
        a0 = f32x4.add(a0, f32x4.mul(v128.load(killers), v));
        a1 = f32x4.add(a1, f32x4.mul(v128.load(killers, 16), v));
        a2 = f32x4.add(a2, f32x4.mul(v128.load(killers, 32), v));
        a3 = f32x4.add(a3, f32x4.mul(v128.load(killers, 48), v));
        killers += 64;
      }
      const t0 = v128.load(net);
      const t1 = i32x4.add(t0, step);
      const t2 = i32x4.add(t1, step);
      const t3 = i32x4.add(t2, step);
      const own = v128.bitselect(
        v128.bitselect(t3, t2, f32x4.lt(a3, a2)),
        v128.bitselect(t1, t0, f32x4.lt(a1, a0)),
        f32x4.lt(f32x4.pmin(a2, a3), f32x4.pmin(a0, a1)),
      );
      const top = readFour(
        <usize>i32x4.extract_lane(own, 0),
        <usize>i32x4.extract_lane(own, 1),
        <usize>i32x4.extract_lane(own, 2),
        <usize>i32x4.extract_lane(own, 3),
        x,
        xEnd,
      );
      const places = net + fours;
      v128.store32_lane(<usize>load<u32>(places), top, 0);
      v128.store32_lane(<usize>load<u32>(places, 4), top, 1);
      v128.store32_lane(<usize>load<u32>(places, 8), top, 2);
      v128.store32_lane(<usize>load<u32>(places, 12), top, 3);
      const low = i16x8.narrow_i32x4_s(
        v128.andnot(f32x4.le(a0, top), i32x4.eq(own, t0)),
        v128.andnot(f32x4.le(a1, top), i32x4.eq(own, t1)),
      );
      const high = i16x8.narrow_i32x4_s(
        v128.andnot(f32x4.le(a2, top), i32x4.eq(own, t2)),
        v128.andnot(f32x4.le(a3, top), i32x4.eq(own, t3)),
      );
      close |= (<u64>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high))) << shift;
      net += 16;
    }
    found += popcnt(close);
    while (close) {
      // where fewer than four are left, the last one again: no branches to foresee
      const b0 = <usize>ctz(close);
      let left = close & (close - 1);
      close = left ? left : close;
      const b1 = <usize>ctz(close);
      left &= left - 1;
      close = left ? left : close;
      const b2 = <usize>ctz(close);
      left &= left - 1;
      close = left ? left : close;
      const b3 = <usize>ctz(close);
      close = left & (left - 1);
      const n0 = netOf(base, b0);
      const n1 = netOf(base, b1);
      const n2 = netOf(base, b2);
      const n3 = netOf(base, b3);
      const top = readFour(
        tileOf(n0, b0, size),
        tileOf(n1, b1, size),
        tileOf(n2, b2, size),
        tileOf(n3, b3, size),
        x,
        xEnd,
      );
      lower(<usize>load<u32>(n0 + fours), f32x4.extract_lane(top, 0));
      lower(<usize>load<u32>(n1 + fours), f32x4.extract_lane(top, 1));
      lower(<usize>load<u32>(n2 + fours), f32x4.extract_lane(top, 2));
      lower(<usize>load<u32>(n3 + fours), f32x4.extract_lane(top, 3));
    }
  }
  let sum: f32 = 0;
  for (let at = maxima; at < maxima + ((count + singles) << 5); at += 32) sum += load<f32>(at);
  store<i32>(head, load<i32>(head, FURTHER) + <i32>found, FURTHER);
  countRows(head, 1);
  return sum;
}

// Bit 16 f + 4 k + m stands for group k of network m of the fours f behind `base`.
function netOf(base: usize, bit: usize): usize {
  return base + (((bit >> 4) << 4) | ((bit & 3) << 2));
}

function tileOf(net: usize, bit: usize, size: usize): usize {
  return <usize>load<u32>(net) + ((bit >> 2) & 3) * size;
}

/** Maxima of the row at `x` over the tiles at p0 to p3, lanes = tiles. */
function readFour(p0: usize, p1: usize, p2: usize, p3: usize, x: usize, xEnd: usize): v128 {
  let a0 = v128.load(p0);
  let a1 = v128.load(p1);
  let a2 = v128.load(p2);
  let a3 = v128.load(p3);
  for (; x < xEnd; x += 4) {
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
    const v = v128.load32_splat(x);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(p0), v));
    a1 = f32x4.add(a1, f32x4.mul(v128.load(p1), v));
    a2 = f32x4.add(a2, f32x4.mul(v128.load(p2), v));
    a3 = f32x4.add(a3, f32x4.mul(v128.load(p3), v));
  }
  return highests(a0, a1, a2, a3);
}
