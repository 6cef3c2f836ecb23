// forward8<i32> for networks of groups of six planes, an even number of them: where forward8 reads two tiles of three a group, two groups share three
// tiles of four here.
//
//     first group     p0 p1 p2 p3 | p4 p5
//     second group                |       p0 p1 | p2 p3 p4 p5
//
// In: such tiles and their meta words (`putSixes`), eight rows transposed to [d][8]. Out: sums and active planes, bit for bit those of forward8.
//
// On a core of an AMD EPYC (Zen 4) a tile of three planes takes 4.2 cycles an input, one of four 5.0, so that nine tiles take .88 of the time of
// twelve; and each group ends once, not tile by tile. In all .87 of forward8<i32> at 36 planes of 10 inputs, .88 at 20. A tile of six planes takes
// 1.18: it needs more registers than V8 has to give.

import { END_NETWORK } from "./layout";

/** Writes the meta words of an even number of `groups` of six planes at `p`, the first one's number `first`; gives the place after them. */
export function putSixes(p: usize, groups: i32, first: i32): usize {
  for (const end = first + groups * 6; first < end; first += 4) {
    store<i32>(p, 4 | (first << 8) | (first + 4 == end ? END_NETWORK : 0));
    p += 4;
  }
  return p;
}

/** Four lanes, in memory: V8 builds a v128 constant anew at every use. */
const TWO: usize = memory.data<i32>([2, 2, 2, 2], 16);

/** A network so far: minima [8]. In memory for the reason given in forward.ts. */
const NETWORK: usize = memory.data(32, 16);

/** Eight rows; the single plane of a sum may be among the networks. Parameters are those of `forward8`. */
export function forwardSixes(
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
  const size = (<usize>d) << 4;
  const metaEnd = metas + ((<usize>count) << 2);
  let inNetwork = false;
  while (metas < metaEnd) {
    let meta = load<i32>(metas);
    let x = xt;
    let end = tiles + (size >> 2);
    let first = i32x4.splat(meta >> 8);
    let top0: v128;
    let top1: v128;
    if ((meta & 7) == 1) {
      top0 = v128.load32_splat(tiles);
      top1 = top0;
      while (tiles < end) {
        tiles += 4;
        const w = v128.load32_splat(tiles);
        top0 = f32x4.add(top0, f32x4.mul(w, v128.load(x)));
        top1 = f32x4.add(top1, f32x4.mul(w, v128.load(x, 16)));
        x += 32;
      }
      tiles += 4;
      metas += 4;
      v128.store(active, first);
      v128.store(active, first, 16);
    } else {
      let a00 = v128.load32_splat(tiles);
      let a10 = v128.load32_splat(tiles, 4);
      let a20 = v128.load32_splat(tiles, 8);
      let a30 = v128.load32_splat(tiles, 12);
      let a01 = a00;
      let a11 = a10;
      let a21 = a20;
      let a31 = a30;
      tiles += 16;
      x = xt;
      end = tiles + size;
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
      let third = i32x4.add(first, v128.load(TWO));
      let low0 = f32x4.pmax(a00, a10);
      let low1 = f32x4.pmax(a01, a11);
      let high0 = f32x4.pmax(a20, a30);
      let high1 = f32x4.pmax(a21, a31);
      let plane0 = i32x4.max_s(
        i32x4.sub(first, f32x4.gt(a10, a00)),
        v128.and(i32x4.sub(third, f32x4.gt(a30, a20)), f32x4.gt(high0, low0)),
      );
      let plane1 = i32x4.max_s(
        i32x4.sub(first, f32x4.gt(a11, a01)),
        v128.and(i32x4.sub(third, f32x4.gt(a31, a21)), f32x4.gt(high1, low1)),
      );
      top0 = f32x4.pmax(low0, high0);
      top1 = f32x4.pmax(low1, high1);

      a00 = v128.load32_splat(tiles);
      a10 = v128.load32_splat(tiles, 4);
      a20 = v128.load32_splat(tiles, 8);
      a30 = v128.load32_splat(tiles, 12);
      a01 = a00;
      a11 = a10;
      a21 = a20;
      a31 = a30;
      tiles += 16;
      x = xt;
      end = tiles + size;
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
      first = i32x4.splat(load<i32>(metas, 4) >> 8);
      third = i32x4.add(first, v128.load(TWO));
      low0 = f32x4.pmax(a00, a10);
      low1 = f32x4.pmax(a01, a11);
      plane0 = i32x4.max_s(plane0, v128.and(i32x4.sub(first, f32x4.gt(a10, a00)), f32x4.gt(low0, top0)));
      plane1 = i32x4.max_s(plane1, v128.and(i32x4.sub(first, f32x4.gt(a11, a01)), f32x4.gt(low1, top1)));
      top0 = f32x4.pmax(top0, low0);
      top1 = f32x4.pmax(top1, low1);
      if (inNetwork) {
        const net0 = v128.load(NETWORK);
        const net1 = v128.load(NETWORK, 16);
        plane0 = i32x4.max_s(v128.load(active), v128.and(plane0, f32x4.lt(top0, net0)));
        plane1 = i32x4.max_s(v128.load(active, 16), v128.and(plane1, f32x4.lt(top1, net1)));
        top0 = f32x4.pmin(net0, top0);
        top1 = f32x4.pmin(net1, top1);
      }
      v128.store(active, plane0);
      v128.store(active, plane1, 16);
      v128.store(NETWORK, top0);
      v128.store(NETWORK, top1, 16);
      plane0 = i32x4.sub(third, f32x4.gt(a30, a20));
      plane1 = i32x4.sub(third, f32x4.gt(a31, a21));
      top0 = f32x4.pmax(a20, a30);
      top1 = f32x4.pmax(a21, a31);

      a00 = v128.load32_splat(tiles);
      a10 = v128.load32_splat(tiles, 4);
      a20 = v128.load32_splat(tiles, 8);
      a30 = v128.load32_splat(tiles, 12);
      a01 = a00;
      a11 = a10;
      a21 = a20;
      a31 = a30;
      tiles += 16;
      x = xt;
      end = tiles + size;
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
      meta = load<i32>(metas, 8);
      first = i32x4.splat(meta >> 8);
      third = i32x4.add(first, v128.load(TWO));
      low0 = f32x4.pmax(a00, a10);
      low1 = f32x4.pmax(a01, a11);
      high0 = f32x4.pmax(a20, a30);
      high1 = f32x4.pmax(a21, a31);
      const own0 = i32x4.max_s(
        i32x4.sub(first, f32x4.gt(a10, a00)),
        v128.and(i32x4.sub(third, f32x4.gt(a30, a20)), f32x4.gt(high0, low0)),
      );
      const own1 = i32x4.max_s(
        i32x4.sub(first, f32x4.gt(a11, a01)),
        v128.and(i32x4.sub(third, f32x4.gt(a31, a21)), f32x4.gt(high1, low1)),
      );
      low0 = f32x4.pmax(low0, high0);
      low1 = f32x4.pmax(low1, high1);
      plane0 = i32x4.max_s(plane0, v128.and(own0, f32x4.gt(low0, top0)));
      plane1 = i32x4.max_s(plane1, v128.and(own1, f32x4.gt(low1, top1)));
      const net0 = v128.load(NETWORK);
      const net1 = v128.load(NETWORK, 16);
      top0 = f32x4.pmax(top0, low0);
      top1 = f32x4.pmax(top1, low1);
      v128.store(active, i32x4.max_s(v128.load(active), v128.and(plane0, f32x4.lt(top0, net0))));
      v128.store(active, i32x4.max_s(v128.load(active, 16), v128.and(plane1, f32x4.lt(top1, net1))), 16);
      top0 = f32x4.pmin(net0, top0);
      top1 = f32x4.pmin(net1, top1);
      metas += 12;
      inNetwork = !(meta & END_NETWORK);
      if (inNetwork) {
        v128.store(NETWORK, top0);
        v128.store(NETWORK, top1, 16);
        continue;
      }
    }
    active += activeStride;
    v128.store(out, f32x4.add(v128.load(out), top0));
    v128.store(out, f32x4.add(v128.load(out, 16), top1), 16);
  }
}
