// Adam on one plane (Kingma & Ba 2015, alg. 1), and the way from z to w: w = sign * exp(z) on signed inputs, w = z on free ones (Sill 1998).
// In: slabs z, m, v, g of one layout, [planes][dp]; out: new z and w, g zeroed. One flat loop of vectors.

import { exp4 } from "./math";

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
/** Moments of planes that get no gradient fall into denormals, where every operation costs a hundred cycles: they end at zero instead. */
const TINY: f32 = 1e-35;
/** w stays within [4e-18, 4.9e8]: products with inputs up to 50 neither overflow nor turn denormal. */
const LOWEST_Z: f32 = -40;
const HIGHEST_Z: f32 = 20;

/** w from z for one plane of dp floats; `signs` [dp] float32, `signed` [dp] masks. */
export function weights(z: usize, w: usize, signs: usize, signed: usize, dp: i32): void {
  for (let i: usize = 0; i < <usize>dp << 2; i += 16) {
    const mask = v128.load(signed + i);
    let value = v128.load(z + i);
    if (v128.any_true(mask)) {
      const held = f32x4.pmax(f32x4.pmin(value, f32x4.splat(HIGHEST_Z)), f32x4.splat(LOWEST_Z));
      value = v128.bitselect(f32x4.mul(v128.load(signs + i), exp4(held)), value, mask);
    }
    v128.store(w + i, value);
  }
}

/** dz = dw * w on signed inputs (d sign exp(z) / dz = w), dw on free ones; `g` in place. */
export function weightsBackward(g: usize, w: usize, signed: usize, dp: i32): void {
  const one = f32x4.splat(1);
  for (let i: usize = 0; i < <usize>dp << 2; i += 16) {
    v128.store(g + i, f32x4.mul(v128.load(g + i), v128.bitselect(v128.load(w + i), one, v128.load(signed + i))));
  }
}

/** One step of one plane. `g` is d loss / dw, zeroed after use; `decay` [dp] is 1 on weights, 0 on the bias; `lambda` the ridge on w. */
export function adam(
  z: usize,
  w: usize,
  m: usize,
  v: usize,
  g: usize,
  signs: usize,
  signed: usize,
  decay: usize,
  dp: i32,
  lambda: f32,
  rate: f32,
  epsilon: f32,
): void {
  const one = f32x4.splat(1);
  const tiny = f32x4.splat(TINY);
  const ridge = f32x4.splat(lambda);
  for (let i: usize = 0; i < <usize>dp << 2; i += 16) {
    const mask = v128.load(signed + i);
    const old = v128.load(w + i);
    let d = f32x4.add(v128.load(g + i), f32x4.mul(f32x4.mul(ridge, v128.load(decay + i)), old));
    v128.store(g + i, f32x4.splat(0));
    d = f32x4.mul(d, v128.bitselect(old, one, mask));
    let mean = f32x4.add(f32x4.mul(v128.load(m + i), f32x4.splat(BETA1)), f32x4.mul(d, f32x4.splat(<f32>1 - BETA1)));
    mean = v128.and(mean, f32x4.gt(f32x4.abs(mean), tiny));
    let square = f32x4.add(f32x4.mul(v128.load(v + i), f32x4.splat(BETA2)), f32x4.mul(f32x4.mul(d, d), f32x4.splat(<f32>1 - BETA2)));
    square = v128.and(square, f32x4.gt(square, tiny));
    v128.store(m + i, mean);
    v128.store(v + i, square);
    const step = f32x4.div(f32x4.mul(f32x4.splat(rate), mean), f32x4.add(f32x4.sqrt(square), f32x4.splat(epsilon)));
    let value = f32x4.sub(v128.load(z + i), step);
    if (v128.any_true(mask)) {
      const held = f32x4.pmax(f32x4.pmin(value, f32x4.splat(HIGHEST_Z)), f32x4.splat(LOWEST_Z));
      value = v128.bitselect(held, value, mask);
      v128.store(z + i, value);
      value = v128.bitselect(f32x4.mul(v128.load(signs + i), exp4(held)), value, mask);
    } else {
      v128.store(z + i, value);
    }
    v128.store(w + i, value);
  }
}
