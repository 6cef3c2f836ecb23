// The kernel of exported ES modules (js/export/esm.ts): z in, the sum of the networks out. Small before all: every such module carries it.
//
// In memory: z, f32 [d] from 0; an i32 a tile from `ends` to `tiles`, 1 where its group ends, 2 where its network ends, else 0; from `tiles` on
// the tiles: four planes side by side, bias x 4, then every weight x 4. What fills up the last tile of a group has a bias of -Infinity.
// A lane adds bias, w0 * z0, w1 * z1, ... as forward.ts does, hence the same bits.

/**
 * `stop` is 4 * d, `infinity` what it says: as constants of four lanes it would take sixteen bytes each. The greatest of four lanes is found
 * without f32.max, which V8 compiles to branches.
 */
export function sum(stop: usize, ends: usize, tiles: usize, infinity: f32): f32 {
  let p = tiles;
  let total = f32x4.splat(0);
  let least = f32x4.splat(infinity);
  let most = f32x4.splat(-infinity);
  do {
    let x = v128.load(p);
    let z: usize = 0;
    do {
      p += 16;
      x = f32x4.add(x, f32x4.mul(v128.load(p), v128.load32_splat(z)));
      z += 4;
    } while (z < stop);
    p += 16;
    most = f32x4.pmax(most, x);
    const end = load<i32>(ends);
    if (end) {
      most = f32x4.pmax(most, f64x2.splat(f64x2.extract_lane(most, 1)));
      least = f32x4.pmin(least, f32x4.pmax(most, f32x4.splat(f32x4.extract_lane(most, 1))));
      most = f32x4.splat(-infinity);
      if (end > 1) {
        total = f32x4.add(total, least);
        least = f32x4.splat(infinity);
      }
    }
    ends += 4;
  } while (ends < tiles);
  return f32x4.extract_lane(total, 0);
}
