// Sizes and offsets. A network's planes are kept twice: in rows (slab, stride dp, for backward and the optimiser) and in tiles (for forward).
//
// Tile: 1 to 4 planes of one group, [1 + d][width] float32, the biases first:
//
//     b0 b1 b2 b3 | w00 w10 w20 w30 | w01 w11 w21 w31 | ...          wji: plane j, input i
//
// Groups of more than four planes take ceil(J / 4) tiles of nearly equal width, so 6 planes are two tiles of 3 and nothing is padded.
// Meta word of a tile: bits 0-2 width, bit 3 last tile of its group, bit 4 last tile of its network, bits 8-31 number of its first plane.

export const END_GROUP: i32 = 8;
export const END_NETWORK: i32 = 16;
/** Only of one row's blocks (forward1): lanes that a group's planes take, times 16, where more than one. */
export const FOLD_TWO: i32 = 32;
export const FOLD_FOUR: i32 = 64;

/** Floats from one plane (or padded row) to the next: d weights, the bias, zeros up to a multiple of four. */
export function paddedSize(d: i32): i32 {
  return (d + 1 + 3) & ~3;
}

/** Tiles of a group of `planes`. */
export function tilesOf(planes: i32): i32 {
  return (planes + 3) >> 2;
}

/** Writes the meta words of a group's tiles at `p`; gives the place after them. */
export function putGroup(p: usize, planes: i32, first: i32, lastOfNetwork: bool): usize {
  const tiles = tilesOf(planes);
  let left = planes;
  let plane = first;
  for (let t = 0; t < tiles; t++) {
    const width = (left + (tiles - t) - 1) / (tiles - t);
    let meta = width | (plane << 8);
    if (t == tiles - 1) {
      meta |= END_GROUP;
      if (lastOfNetwork) meta |= END_NETWORK;
    }
    store<i32>(p, meta);
    p += 4;
    plane += width;
    left -= width;
  }
  return p;
}

/** The tile of `width` planes at `tile` from their rows at `rows` (dp floats each), times `factor`. */
export function putTile(rows: usize, dp: i32, d: i32, width: i32, factor: f32, tile: usize): void {
  const bytes = (<usize>dp) << 2;
  const step = (<usize>width) << 2;
  if (width >= 3) {
    const end = tile + step * <usize>(d + 1);
    // the first bias of the next tile
    const next = load<f32>(end);
    putFour(rows, rows + bytes, rows + (bytes << 1), rows + bytes * <usize>(width - 1), d, factor, tile, step);
    store<f32>(end, next);
    return;
  }
  for (let j: usize = 0; j < <usize>width; j++) {
    let p = tile + (j << 2);
    store<f32>(p, load<f32>(rows + ((<usize>d) << 2)) * factor);
    for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
      p += step;
      store<f32>(p, load<f32>(rows + i) * factor);
    }
    rows += bytes;
  }
}

/**
 * Four planes from their rows to four lanes, biases first, `step` bytes from one input to the next, times `factor`. Four inputs at a time:
 *
 *     plane 0: a b c d         a e i m
 *     plane 1: e f g h   ->    b f j n        a row of the right side is one store; where a tile has three planes (step 12), each store
 *     plane 2: i j k l         c g k o        overwrites the last lane of the one before
 *     plane 3: m n o p         d h l p
 */
export function putFour(r0: usize, r1: usize, r2: usize, r3: usize, d: i32, factor: f32, to: usize, step: usize): void {
  const bytes = (<usize>d) << 2;
  const c = f32x4.splat(factor);
  store<f32>(to, load<f32>(r0 + bytes) * factor);
  store<f32>(to, load<f32>(r1 + bytes) * factor, 4);
  store<f32>(to, load<f32>(r2 + bytes) * factor, 8);
  store<f32>(to, load<f32>(r3 + bytes) * factor, 12);
  for (let i: usize = 0; i < bytes; i += 16) {
    const p0 = f32x4.mul(v128.load(r0 + i), c);
    const p1 = f32x4.mul(v128.load(r1 + i), c);
    const p2 = f32x4.mul(v128.load(r2 + i), c);
    const p3 = f32x4.mul(v128.load(r3 + i), c);
    const a = v128.shuffle<i32>(p0, p1, 0, 4, 1, 5);
    const b = v128.shuffle<i32>(p2, p3, 0, 4, 1, 5);
    to += step;
    v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
    if (i + 4 >= bytes) break;
    to += step;
    v128.store(to, v128.shuffle<i64>(a, b, 1, 3));
    if (i + 8 >= bytes) break;
    const e = v128.shuffle<i32>(p0, p1, 2, 6, 3, 7);
    const f = v128.shuffle<i32>(p2, p3, 2, 6, 3, 7);
    to += step;
    v128.store(to, v128.shuffle<i64>(e, f, 0, 2));
    if (i + 12 >= bytes) break;
    to += step;
    v128.store(to, v128.shuffle<i64>(e, f, 1, 3));
  }
}

/** One plane from its row to its place in a tile: the bias at `to`, then the weights, `step` bytes from one to the next, all times `factor`. */
export function putPlane(row: usize, d: i32, factor: f32, to: usize, step: usize): void {
  const end = row + ((<usize>d) << 2);
  const c = f32x4.splat(factor);
  store<f32>(to, load<f32>(end) * factor);
  for (; row + 16 <= end; row += 16) {
    const v = f32x4.mul(v128.load(row), c);
    to += step;
    v128.store32_lane(to, v, 0);
    to += step;
    v128.store32_lane(to, v, 1);
    to += step;
    v128.store32_lane(to, v, 2);
    to += step;
    v128.store32_lane(to, v, 3);
  }
  for (; row < end; row += 4) {
    to += step;
    store<f32>(to, load<f32>(row) * factor);
  }
}
