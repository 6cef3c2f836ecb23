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
