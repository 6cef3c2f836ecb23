// The SIMD kernels against the scalar twin, bit for bit, over every tile width, tails and sizes.

import { alloc, allocZeroed, mark, reset } from "../../assembly/arena";
import { forward1, forward8, planesOfTiles, tracksTiles, transpose8 } from "../../assembly/forward";
import { forwardSixes, putSixes } from "../../assembly/forward-sixes";
import {
  END_GROUP,
  END_NETWORK,
  FOLD_FOUR,
  FOLD_TWO,
  paddedSize,
  putGroup,
  putPlane,
  putTile,
  tilesOf,
} from "../../assembly/layout";
import { expf, logf } from "../../assembly/math";
import { nextNormal, nextUniform, seed, shuffle } from "../../assembly/random";
import { sumOfNetworks } from "../../assembly/reference";
import { adam, EPSILON, fade, INPUT, putInputs, RATE, weights } from "../../assembly/optimiser";
import { forwardPruned1, makePlan, planSize, refreshKillers } from "../../assembly/prune";
import { forwardFours1, forwardFours8, foursSize, makeFours } from "../../assembly/prune-fours";
import { forwardPruned8 } from "../../assembly/prune-rows";
import { adamStep } from "../../assembly/reference";

// The runner's own runtime takes all memory it finds at its first allocation; the arena gets 64 MiB of its own after that.
heap.free(heap.alloc(16));
reset((<usize>memory.grow(1024)) << 16);

/** Rows of planes to tiles, as the trainer and the image writer lay them out; `shared`: two groups of six planes share three tiles. */
function pack(w: usize, d: i32, shapes: usize, networks: i32, metas: usize, tiles: usize, shared: bool = false): i32 {
  const dp = paddedSize(d);
  let plane = 0;
  let meta = metas;
  let tile = tiles;
  for (let m = 0; m < networks; m++) {
    const groups = load<i32>(shapes + ((<usize>m) << 3));
    const hyperplanes = load<i32>(shapes + ((<usize>m) << 3), 4);
    const whole = shared && hyperplanes == 6;
    const pieces = whole ? 1 : groups;
    for (let k = 0; k < pieces; k++) {
      const end = whole ? putSixes(meta, groups, plane) : putGroup(meta, hyperplanes, plane, k == groups - 1);
      for (; meta < end; meta += 4) {
        const width = load<i32>(meta) & 7;
        for (let j = 0; j < width; j++, plane++) {
          store<f32>(tile + ((<usize>j) << 2), load<f32>(w + ((<usize>(plane * dp + d)) << 2)));
          for (let i = 0; i < d; i++)
            store<f32>(tile + ((<usize>((i + 1) * width + j)) << 2), load<f32>(w + ((<usize>(plane * dp + i)) << 2)));
        }
        tile += (<usize>((d + 1) * width)) << 2;
      }
    }
  }
  return <i32>((meta - metas) >> 2);
}

/** Results that differ between the kernels and the scalar twin. `ties`: every third plane is a copy of an earlier one. */
function compare(d: i32, networks: i32, groups: i32, hyperplanes: i32, ties: bool = false): i32 {
  const start = mark();
  seed(7, <u32>(d * 1000 + groups * 100 + hyperplanes));
  const dp = paddedSize(d);
  const planes = networks * groups * hyperplanes;
  const w = allocZeroed((<usize>(planes * dp)) << 2);
  for (let i = 0; i < planes * dp; i++) store<f32>(w + ((<usize>i) << 2), nextNormal());
  const plane = (<usize>dp) << 2;
  for (let p = 2; p < planes && ties; p += 3) memory.copy(w + <usize>p * plane, w + <usize>(p % 7) * plane, plane);
  const shapes = alloc((<usize>networks) << 3);
  const factors = alloc((<usize>networks) << 2);
  for (let m = 0; m < networks; m++) {
    store<i32>(shapes + ((<usize>m) << 3), groups);
    store<i32>(shapes + ((<usize>m) << 3), hyperplanes, 4);
    store<f32>(factors + ((<usize>m) << 2), 1);
  }
  const metas = alloc((<usize>(networks * groups * tilesOf(hyperplanes))) << 2);
  const tiles = alloc(((<usize>(planes * (d + 1))) << 2) + 64);
  const count = pack(w, d, shapes, networks, metas, tiles);
  const rows = allocZeroed((<usize>(8 * dp)) << 2);
  for (let i = 0; i < 8 * dp; i++) store<f32>(rows + ((<usize>i) << 2), nextNormal());
  const xt = alloc((<usize>dp) << 5);
  const out = alloc(32);
  const values = alloc(32);
  const active = alloc((<usize>networks) << 5);
  const one = alloc((<usize>networks) << 2);
  const onesMeta = alloc((<usize>(networks * groups * tilesOf(hyperplanes) + 1)) << 2);
  const ones = alloc((<usize>(networks * ((groups + 3) & ~3) * hyperplanes * (d + 1))) << 2);
  packOnes(w, d, networks, groups, hyperplanes, onesMeta, ones);
  transpose8(rows, dp, d, xt);
  forward8<i32>(tiles, metas, count, d, xt, out, active, 32);
  forward8<f32>(tiles, metas, count, d, xt, values, 0, 0);
  const found = alloc((<usize>networks) << 5);
  const byTiles = tracksTiles(metas, count);
  if (byTiles) {
    forward8<i64>(tiles, metas, count, d, xt, values, found, 32);
    planesOfTiles(tiles, networks, d, xt, found, 32);
  } else memory.copy(found, active, (<usize>networks) << 5);
  let wrong = byTiles == (hyperplanes % 4 == 0 && groups * hyperplanes >= 160) ? 0 : 1000000;
  for (let r = 0; r < 8; r++) {
    const x = rows + ((<usize>(r * dp)) << 2);
    const expected = sumOfNetworks(w, dp, d, shapes, factors, networks, x, one);
    const bits = reinterpret<u32>(expected);
    if (load<u32>(out + ((<usize>r) << 2)) != bits) wrong++;
    if (load<u32>(values + ((<usize>r) << 2)) != bits) wrong++;
    if (reinterpret<u32>(forward1(ones, onesMeta, d, x)) != bits) wrong++;
    for (let m = 0; m < networks; m++) {
      if (load<i32>(active + ((<usize>(m * 8 + r)) << 2)) != load<i32>(one + ((<usize>m) << 2))) wrong++;
      if (load<i32>(found + ((<usize>(m * 8 + r)) << 2)) != load<i32>(one + ((<usize>m) << 2))) wrong++;
    }
  }
  reset(start);
  return wrong;
}

/** The same for networks of `first` and `second` groups of six planes after a single plane, whose groups share tiles. */
function compareSixes(d: i32, first: i32, second: i32, ties: bool): i32 {
  const start = mark();
  seed(8, <u32>(d * 100 + first * 10 + second));
  const dp = paddedSize(d);
  const planes = 1 + 6 * (first + second);
  const w = allocZeroed((<usize>(planes * dp)) << 2);
  for (let i = 0; i < planes * dp; i++) store<f32>(w + ((<usize>i) << 2), nextNormal());
  const plane = (<usize>dp) << 2;
  for (let p = 3; p < planes && ties; p += 2)
    memory.copy(w + <usize>p * plane, w + <usize>(1 + (p % 5)) * plane, plane);
  const networks = second ? 3 : 2;
  const shapes = allocZeroed(24);
  store<i32>(shapes, 1);
  store<i32>(shapes, 1, 4);
  store<i32>(shapes, first, 8);
  store<i32>(shapes, 6, 12);
  store<i32>(shapes, second, 16);
  store<i32>(shapes, 6, 20);
  const factors = alloc(12);
  for (let m: usize = 0; m < 12; m += 4) store<f32>(factors + m, 1);
  const metas = alloc((<usize>planes) << 2);
  const tiles = alloc(((<usize>(planes * (d + 1))) << 2) + 64);
  const count = pack(w, d, shapes, networks, metas, tiles, true);
  const rows = allocZeroed((<usize>(8 * dp)) << 2);
  for (let i = 0; i < 8 * dp; i++) store<f32>(rows + ((<usize>i) << 2), nextNormal());
  const xt = alloc((<usize>dp) << 5);
  const out = alloc(32);
  const active = alloc(96);
  const one = alloc(12);
  // what lies there must not count
  memory.fill(active, 1, 96);
  transpose8(rows, dp, d, xt);
  forwardSixes(tiles, metas, count, d, xt, out, active, 32);
  let wrong = count == 1 + ((first + second) * 3) / 2 ? 0 : 1000000;
  for (let r: usize = 0; r < 8; r++) {
    const expected = sumOfNetworks(w, dp, d, shapes, factors, networks, rows + r * plane, one);
    if (load<u32>(out + (r << 2)) != reinterpret<u32>(expected)) wrong++;
    for (let m: usize = 0; m < <usize>networks; m++) {
      if (load<i32>(active + (m << 5) + (r << 2)) != load<i32>(one + (m << 2))) wrong++;
    }
  }
  reset(start);
  return wrong;
}

describe("forward", () => {
  test("groups of six planes that share tiles give the scalar twin's bits and active planes", () => {
    for (let d = 1; d <= 21; d++) {
      for (let k = 2; k <= 8; k += 2) {
        const name = "d " + d.toString() + ", groups " + k.toString();
        expect(compareSixes(d, k, 10 - k, false)).toBe(0, name);
        expect(compareSixes(d, k, 0, false)).toBe(0, name);
        expect(compareSixes(d, k, 2, true)).toBe(0, name + ", ties");
      }
    }
  });

  test("eight rows, one row and the scalar twin give the same bits and active planes", () => {
    for (let d = 1; d <= 21; d++) {
      for (let j = 1; j <= 9; j++)
        expect(compare(d, 3, 3, j)).toBe(0, "d " + d.toString() + ", hyperplanes " + j.toString());
    }
    expect(compare(50, 1, 16, 16)).toBe(0);
    expect(compare(101, 17, 1, 1)).toBe(0);
    expect(compare(20, 16, 4, 4)).toBe(0);
    expect(compare(9, 3, 9, 8)).toBe(0);
    // one row: two groups left, and one
    expect(compare(10, 1, 6, 6)).toBe(0);
    expect(compare(10, 2, 2, 7)).toBe(0);
    expect(compare(10, 2, 5, 9)).toBe(0);
    expect(compare(9, 3, 12, 8)).toBe(0);
    expect(compare(8, 2, 20, 8)).toBe(0);
  });

  test("of equal planes the first is active, in tiles of every width", () => {
    for (let j = 1; j <= 9; j++) expect(compare(5, 3, 5, j, true)).toBe(0, "hyperplanes " + j.toString());
    expect(compare(20, 16, 4, 4, true)).toBe(0);
    expect(compare(8, 2, 20, 8, true)).toBe(0);
  });
});

/**
 * The layout of forward1 (image.ts, `layOut`): groups are lanes, planes chains, lanes without a group +Infinity; where only two groups are
 * left, lanes 2 and 3 take every other plane of them, where one is left, each lane every fourth.
 */
function packOnes(w: usize, d: i32, networks: i32, groups: i32, hyperplanes: i32, meta: usize, to: usize): void {
  const dp = paddedSize(d);
  for (let m = 0; m < networks; m++) {
    for (let k = 0; k < groups; k += 4) {
      const live = min(4, groups - k);
      const share = live == 1 ? 4 : live == 2 ? 2 : 1;
      const all = (hyperplanes + share - 1) / share;
      for (let j = 0; j < all; ) {
        const left = all - j;
        const chains = all == 6 ? 6 : (left + tilesOf(left) - 1) / tilesOf(left);
        let word = chains;
        if (j + chains == all) {
          word |= END_GROUP | (k + 4 >= groups ? END_NETWORK : 0);
          if (live == 2) word |= FOLD_TWO;
          if (live == 1) word |= FOLD_FOUR;
        }
        store<i32>(meta, word);
        meta += 4;
        for (let i = -1; i < d; i++) {
          for (let c = 0; c < chains * 4; c++) {
            const lane = c & 3;
            const group = k + (share == 1 ? lane : lane % live);
            let plane = (j + (c >> 2)) * share + (share == 1 ? 0 : lane / live);
            if (plane >= hyperplanes) plane = 0;
            const from = w + ((<usize>(((m * groups + group) * hyperplanes + plane) * dp + (i < 0 ? d : i))) << 2);
            store<f32>(to, group < groups ? load<f32>(from) : i < 0 ? <f32>Infinity : 0);
            to += 4;
          }
        }
        j += chains;
      }
    }
  }
  store<i32>(meta, 0);
}

/** Rows on which the pruned kernel differs from the scalar twin; every third plane repeats an earlier one when `ties`. */
function comparePruned(d: i32, networks: i32, groups: i32, hyperplanes: i32, ties: bool): i32 {
  const start = mark();
  const dp = paddedSize(d);
  const planes = networks * groups * hyperplanes;
  const shapes = alloc((<usize>networks) << 3);
  const factors = alloc((<usize>networks) << 2);
  for (let m = 0; m < networks; m++) {
    store<i32>(shapes + ((<usize>m) << 3), groups);
    store<i32>(shapes + ((<usize>m) << 3), hyperplanes, 4);
    store<f32>(factors + ((<usize>m) << 2), 1);
  }
  const w = allocZeroed((<usize>(planes * dp)) << 2);
  for (let p = 0; p < planes; p++) {
    const from = ties && p % 3 == 2 ? p % 7 : p;
    for (let i: usize = 0; i <= <usize>d; i++) {
      const place = w + ((<usize>(p * dp)) << 2) + (i << 2);
      store<f32>(place, from == p ? nextNormal() : load<f32>(w + ((<usize>(from * dp)) << 2) + (i << 2)));
    }
  }
  const tileCount = networks * groups * tilesOf(hyperplanes);
  const metas = alloc((<usize>tileCount) << 2);
  const tiles = alloc(((<usize>(planes * (d + 1))) << 2) + 16);
  const count = pack(w, d, shapes, networks, metas, tiles);
  const plan = alloc(planSize(metas, count, d));
  const rows: usize = 8;
  const step = (<usize>dp) << 2;
  const x = alloc(rows * step);
  const xt = alloc((<usize>dp) << 5);
  const one = alloc((<usize>networks) << 2);
  const sums = alloc(rows << 2);
  const values = alloc(rows << 2);
  const active = alloc((<usize>(networks * rows)) << 2);
  const alone = alloc((<usize>networks) << 2);
  let wrong = 0;
  if (!makePlan(plan, metas, tiles, count, d, 83)) wrong = 1000000;
  // one row at a time wants tiles of four
  const wide = load<i32>(plan, 24) != 0;
  if (wide != (hyperplanes % 4 == 0 && groups * hyperplanes >= 128)) wrong = 1000000;
  for (let k = 0; k < 15; k++) {
    for (let i: usize = 0; i < rows * step; i += 4) store<f32>(x + i, k == 0 && i < step ? 0 : nextNormal());
    transpose8(x, dp, d, xt);
    forwardPruned8(plan, d, xt, sums, active, rows << 2);
    forwardPruned8(plan, d, xt, values, 0, 0);
    for (let r: usize = 0; r < rows; r++) {
      const bits = reinterpret<u32>(sumOfNetworks(w, dp, d, shapes, factors, networks, x + r * step, one));
      if (load<u32>(sums + (r << 2)) != bits) wrong++;
      if (load<u32>(values + (r << 2)) != bits) wrong++;
      if (wide && reinterpret<u32>(forwardPruned1(plan, d, x + r * step, alone, 4)) != bits) wrong++;
      if (wide && reinterpret<u32>(forwardPruned1(plan, d, x + r * step, 0, 0)) != bits) wrong++;
      for (let m: usize = 0; m < <usize>networks; m++) {
        if (load<i32>(active + ((m * rows + r) << 2)) != load<i32>(one + (m << 2))) wrong++;
        if (wide && load<i32>(alone + (m << 2)) != load<i32>(one + (m << 2))) wrong++;
      }
    }
    if (k == 7) refreshKillers(plan, d, w, dp, factors);
  }
  reset(start);
  return wrong;
}

/**
 * Sums that differ between forwardFours8 or forwardFours1 and the scalar twin: networks of 4 x 4 planes, before every `every`th a single plane. `spread`: of the biases,
 * the greater the fewer groups are read. 1000000 where the plan is refused.
 */
function compareFours(d: i32, networks: i32, every: i32, spread: f32, ties: bool): i32 {
  const start = mark();
  seed(3, <u32>(d * 100 + networks));
  const dp = paddedSize(d);
  const shapes = alloc((<usize>networks) << 4);
  const factors = alloc((<usize>networks) << 3);
  let count = 0;
  let planes = 0;
  for (let m = 0; m < networks; m++) {
    for (let single = m % every == 0 ? 1 : 0; single >= 0; single--) {
      store<i32>(shapes + ((<usize>count) << 3), single ? 1 : 4);
      store<i32>(shapes + ((<usize>count) << 3), single ? 1 : 4, 4);
      store<f32>(factors + ((<usize>count) << 2), 1);
      planes += single ? 1 : 16;
      count++;
    }
  }
  const step = (<usize>dp) << 2;
  const w = allocZeroed(<usize>planes * step);
  for (let p = 0; p < planes; p++) {
    const row = w + <usize>p * step;
    for (let i: usize = 0; i < (<usize>d) << 2; i += 4) store<f32>(row + i, nextNormal());
    store<f32>(row + ((<usize>d) << 2), nextNormal() * spread);
    if (ties && p % 3 == 2) memory.copy(row, w + <usize>(p % 7) * step, step);
  }
  const metas = alloc((<usize>planes) << 2);
  const tiles = alloc(((<usize>(planes * (d + 1))) << 2) + 64);
  const tileCount = pack(w, d, shapes, count, metas, tiles);
  const size = foursSize(tileCount, d);
  const plan = alloc(size + 16);
  store<u64>(plan + size, 0x123456789);
  if (!makeFours(plan, metas, tiles, tileCount, d)) {
    reset(start);
    return 1000000;
  }
  let wrong = 0;
  const x = alloc(8 * step);
  const xt = alloc((<usize>dp) << 5);
  const sums = alloc(32);
  const one = alloc((<usize>count) << 2);
  for (let k = 0; k < 15; k++) {
    for (let i: usize = 0; i < 8 * step; i += 4) store<f32>(x + i, k == 0 ? 0 : nextNormal());
    transpose8(x, dp, d, xt);
    forwardFours8(plan, metas, tiles, tileCount, d, xt, sums);
    for (let r: usize = 0; r < 8; r++) {
      const bits = reinterpret<u32>(sumOfNetworks(w, dp, d, shapes, factors, count, x + r * step, one));
      if (load<u32>(sums + (r << 2)) != bits) wrong++;
      if (reinterpret<u32>(forwardFours1(plan, d, x + r * step)) != bits) wrong++;
    }
  }
  // not beyond what was asked for
  if (load<u64>(plan + size) != 0x123456789) wrong += 1000;
  reset(start);
  return wrong;
}

describe("pruning", () => {
  test("of sums of small networks gives the bits of the scalar twin, whatever share of groups is read, ties included", () => {
    for (let t = 0; t < 2; t++) {
      const ties = t == 1;
      for (let d = 10; d <= 21; d++) {
        expect(compareFours(d, 16, 16, 10, ties)).toBe(0, "d " + d.toString());
        expect(compareFours(d, 9, 4, 0.1, ties)).toBe(0, "d " + d.toString());
      }
      expect(compareFours(20, 1, 1, 1, ties)).toBe(0);
      expect(compareFours(11, 8, 1, 100, ties)).toBe(0);
      expect(compareFours(12, 65, 16, 5, ties)).toBe(0);
      // fewer inputs save less than the choice takes
      expect(compareFours(9, 16, 16, 10, ties)).toBe(1000000);
    }
  });

  test("gives the bits and active planes of the scalar twin, ties included", () => {
    for (let t = 0; t < 2; t++) {
      const ties = t == 1;
      expect(comparePruned(20, 1, 16, 16, ties)).toBe(0);
      expect(comparePruned(7, 1, 9, 16, ties)).toBe(0);
      expect(comparePruned(50, 1, 32, 32, ties)).toBe(0);
      expect(comparePruned(3, 2, 5, 44, ties)).toBe(0);
      expect(comparePruned(4, 3, 40, 8, ties)).toBe(0);
      // tiles of two and three planes, and of three and four in a group
      expect(comparePruned(20, 1, 24, 2, ties)).toBe(0);
      expect(comparePruned(10, 1, 6, 6, ties)).toBe(0);
      expect(comparePruned(13, 2, 9, 5, ties)).toBe(0);
      expect(comparePruned(21, 3, 8, 10, ties)).toBe(0);
      expect(comparePruned(30, 1, 7, 30, ties)).toBe(0);
    }
  });
});

describe("exp and log", () => {
  test("log undoes exp within a few units in the last place", () => {
    for (let x: f32 = -80; x < 80; x += 0.37)
      expect(abs(logf(expf(x)) - x)).toBeLessThan(<f32>4e-7 * max(abs(x), <f32>1));
  });
  test("exp and log do not fall from a float to the next", () => {
    seed(1, 1);
    for (let i = 0; i < 200000; i++) {
      const x = nextNormal() * 10;
      const up = reinterpret<f32>(reinterpret<u32>(x) + (x > 0 ? 1 : -1));
      if (!(expf(up) >= expf(x))) expect(expf(up)).toBeGreaterThanOrEqual(expf(x));
      const p = nextUniform() * 1000;
      if (!(logf(reinterpret<f32>(reinterpret<u32>(p) + 1)) >= logf(p))) expect(p).toBe(0);
    }
  });
  test("known values", () => {
    expect(expf(0)).toBe(1);
    expect(expf(1)).toBe(<f32>2.7182817);
    expect(logf(1)).toBe(0);
    expect(logf(10)).toBe(<f32>2.3025851);
  });
});

// d = 9 inputs, free, increasing and decreasing in turn; the bias; two floats of padding
const D = 9;
const DP = 12;

function signOf(i: i32): f32 {
  return i >= D || i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : -1;
}

/** Slabs of one plane at `at`: w, g, ridge, signs [DP] each, moments [2 DP], then the inputs' records. */
function makePlane(at: usize, ridge: f32): void {
  memory.fill(at, 0, 6 * 48 + 3 * INPUT);
  for (let i = 0; i < D + 1; i++) {
    const place = (<usize>i) << 2;
    store<f32>(at + place, nextNormal());
    store<f32>(at + place, nextNormal(), 48);
    store<f32>(at + place, i < D ? ridge : 0, 96);
    store<f32>(at + place, signOf(i), 144);
  }
  putInputs(at + 288, at + 144, D, DP);
}

function step(at: usize, ridged: bool, rate: f32, epsilon: f32): bool {
  return ridged
    ? adam<i32>(at, at + 48, at + 192, at + 288, at + 96, DP, 1, rate, epsilon)
    : adam<f32>(at, at + 48, at + 192, at + 288, at + 96, DP, 1, rate, epsilon);
}

describe("optimiser", () => {
  test("ten steps equal the scalar twin's on free and signed weights, with and without a ridge", () => {
    seed(3, 3);
    const at = alloc(1024);
    const z = alloc(48);
    const twin = alloc(96);
    for (let ridged = 0; ridged < 2; ridged++) {
      const lambda: f32 = ridged ? 0.5 : 0;
      makePlane(at, lambda);
      memory.copy(z, at, 48);
      memory.fill(twin, 0, 96);
      weights(at, at + 144, D);
      for (let k = 0; k < 10; k++) {
        for (let i = 0; i <= D; i++) {
          const place = (<usize>i) << 2;
          const sign = signOf(i);
          const weight = sign == 0 ? load<f32>(z + place) : sign * expf(load<f32>(z + place));
          const gradient = nextNormal();
          store<f32>(at + place, gradient, 48);
          const dw = gradient + (i < D ? lambda * weight : 0);
          const dz = sign == 0 ? dw : dw * weight;
          const s = adamStep(twin + (place << 1), twin + (place << 1) + 4, dz, 0.01, 1e-6);
          store<f32>(z + place, load<f32>(z + place) - s);
        }
        step(at, ridged == 1, <f32>(0.01 * RATE), <f32>(1e-6 * EPSILON));
      }
      for (let i = 0; i < DP; i++) {
        const place = (<usize>i) << 2;
        const sign = signOf(i);
        const own = load<f32>(at + place);
        expect(load<f32>(at + place, 48)).toBe(0);
        if (i > D) expect(own).toBe(0);
        else expect(abs((sign == 0 ? own : logf(own * sign)) - load<f32>(z + place))).toBeLessThan(3e-6);
      }
    }
  });

  test("no step, however large, changes a signed weight's sign", () => {
    seed(4, 4);
    const at = alloc(1024);
    for (let rate: f32 = 0.001; rate < 1000; rate *= 3) {
      makePlane(at, 0);
      weights(at, at + 144, D);
      for (let k = 0; k < 50; k++) {
        for (let i = 0; i < D; i++) store<f32>(at + ((<usize>i) << 2), nextNormal(), 48);
        step(at, false, rate, 1e-6);
        for (let i = 0; i < D; i++) {
          if (signOf(i) == 0) continue;
          const size = load<f32>(at + ((<usize>i) << 2)) * signOf(i);
          expect(size).toBeGreaterThanOrEqual(<f32>2e-9);
          expect(size).toBeLessThanOrEqual(<f32>4.9e8);
        }
      }
    }
  });

  test("planes side by side move as each alone", () => {
    for (let ridged = 0; ridged < 2; ridged++) {
      seed(6, 6);
      // w, g, moments of three planes, then the same again for one at a time; ridge, signs and records behind
      const at = alloc(2 * 576 + 96 + 3 * INPUT);
      const alone = at + 576;
      const ridge = at + 1152;
      const inputs = ridge + 96;
      for (let i = 0; i < DP; i++) {
        store<f32>(ridge + ((<usize>i) << 2), i < D ? 0.1 : 0);
        store<f32>(ridge + ((<usize>i) << 2), signOf(i), 48);
      }
      putInputs(inputs, ridge + 48, D, DP);
      memory.fill(at, 0, 576);
      for (let p: usize = 0; p < 3; p++) {
        for (let i: usize = 0; i <= <usize>D; i++) {
          store<f32>(at + p * 48 + (i << 2), signOf(<i32>i) == 0 ? nextNormal() : signOf(<i32>i) * nextUniform());
          store<f32>(at + p * 48 + (i << 2), nextNormal(), 144);
        }
      }
      memory.copy(alone, at, 576);
      if (ridged) adam<i32>(at, at + 144, at + 288, inputs, ridge, DP, 3, 0.01, 1e-6);
      else adam<f32>(at, at + 144, at + 288, inputs, ridge, DP, 3, 0.01, 1e-6);
      for (let p: usize = 0; p < 144; p += 48) {
        if (ridged) adam<i32>(alone + p, alone + 144 + p, alone + 288 + 2 * p, inputs, ridge, DP, 1, 0.01, 1e-6);
        else adam<f32>(alone + p, alone + 144 + p, alone + 288 + 2 * p, inputs, ridge, DP, 1, 0.01, 1e-6);
      }
      expect(memory.compare(at, alone, 576)).toBe(0);
    }
  });

  test("a plane without gradient comes to rest", () => {
    const at = alloc(1024);
    makePlane(at, 0);
    weights(at, at + 144, D);
    let steps = 0;
    while (step(at, false, <f32>(0.05 * RATE), <f32>(1e-8 * EPSILON))) steps++;
    expect(steps).toBeGreaterThan(50);
    expect(steps).toBeLessThan(300);
  });
});

describe("tiles", () => {
  test("hold the rows of one to four planes times the factor, and leave what follows alone", () => {
    seed(9, 9);
    const rows = alloc(4 * 80);
    const tile = alloc(4 * 80 + 16);
    for (let d = 1; d <= 16; d++) {
      const dp = paddedSize(d);
      for (let width = 1; width <= 4; width++) {
        for (let i: usize = 0; i < 80; i++) {
          store<f32>(rows + (i << 2), nextNormal());
          store<f32>(tile + (i << 2), 7);
        }
        putTile(rows, dp, d, width, 0.5, tile);
        for (let j = 0; j < width; j++) {
          for (let i = 0; i <= d; i++) {
            const from = (<usize>(j * dp + (i == 0 ? d : i - 1))) << 2;
            expect(load<f32>(tile + ((<usize>(i * width + j)) << 2))).toBe(load<f32>(rows + from) * <f32>0.5);
          }
        }
        expect(load<f32>(tile + ((<usize>((d + 1) * width)) << 2))).toBe(7);
      }
    }
  });

  test("get the same numbers plane by plane", () => {
    seed(10, 10);
    const rows = alloc(4 * 80);
    const tile = alloc(4 * 80 + 16);
    const other = alloc(4 * 80 + 16);
    for (let d = 1; d <= 16; d++) {
      const dp = paddedSize(d);
      for (let width = 1; width <= 4; width++) {
        for (let i: usize = 0; i < 80; i++) store<f32>(rows + (i << 2), nextNormal());
        memory.fill(tile, 1, 4 * 80 + 16);
        memory.fill(other, 1, 4 * 80 + 16);
        putTile(rows, dp, d, width, 0.3, tile);
        for (let j: usize = 0; j < <usize>width; j++)
          putPlane(rows + ((j * <usize>dp) << 2), d, 0.3, other + (j << 2), (<usize>width) << 2);
        expect(memory.compare(tile, other, 4 * 80 + 16)).toBe(0);
      }
    }
  });
});

describe("resting planes", () => {
  test("fading by the steps missed equals steps without gradient", () => {
    const m = alloc(32);
    const v = m + 16;
    for (let steps = 0; steps < 3000; steps = steps * 2 + 1) {
      v128.store(m, f32x4.splat(0.25));
      v128.store(v, f32x4.splat(0.5));
      fade(m, 4, steps);
      let mean: f32 = 0.25;
      let square: f32 = 0.5;
      for (let k = 0; k < steps; k++) {
        mean = mean * <f32>0.9;
        square = square * <f32>0.999;
        if (mean < <f32>1e-30) mean = 0;
      }
      expect(abs(load<f32>(m) - mean)).toBeLessThanOrEqual(<f32>1e-4 * mean);
      expect(abs(load<f32>(v) - square)).toBeLessThanOrEqual(<f32>1e-4 * square);
    }
  });
});

describe("generator", () => {
  test("a shuffle keeps every number once, and seeds repeat", () => {
    const p = alloc(400);
    for (let i: u32 = 0; i < 100; i++) store<u32>(p + ((<usize>i) << 2), i);
    seed(5, 0);
    shuffle(p, 100);
    let sum: u32 = 0;
    for (let i: usize = 0; i < 100; i++) sum += load<u32>(p + (i << 2));
    expect(sum).toBe(4950);
    seed(5, 0);
    const a = nextNormal();
    seed(5, 0);
    expect(nextNormal()).toBe(a);
    seed(5, 1);
    expect(nextNormal()).not.toBe(a);
  });
  test("normal numbers have mean 0 and variance 1", () => {
    seed(11, 0);
    let sum: f64 = 0;
    let square: f64 = 0;
    for (let i = 0; i < 100000; i++) {
      const x = <f64>nextNormal();
      sum += x;
      square += x * x;
    }
    expect(abs(sum / 100000)).toBeLessThan(0.015);
    expect(abs(square / 100000 - 1)).toBeLessThan(0.02);
  });
});
