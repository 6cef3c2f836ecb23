// Adam on one plane (Kingma & Ba 2015, alg. 1), and the way from z to w: w = sign * exp(z) on signed inputs, w = z on free ones (Sill 1998).
// In: slabs z, m, v, g of one layout, [planes][dp]; out: new z and w, g zeroed. One flat loop of vectors.

import { exp4 } from "./math";

// Moments of planes that get no gradient, and squares of gradients of tiny weights, fall into denormals, where every operation costs a
// hundred cycles (training took twice as long): they end at zero instead. w stays within [2e-9, 4.9e8]: the lower end moves no prediction.
// Four lanes each, in memory, because a load is cheaper than a constant (math.ts).
// prettier-ignore
const FOUR: usize = memory.data<f32>(
  [
    0.9,
    0.9,
    0.9,
    0.9, // 0: beta 1
    0.1,
    0.1,
    0.1,
    0.1, // 16: 1 - beta 1
    0.999,
    0.999,
    0.999,
    0.999, // 32: beta 2
    0.001,
    0.001,
    0.001,
    0.001, // 48: 1 - beta 2
    1e-16,
    1e-16,
    1e-16,
    1e-16, // 64: least gradient
    1e-30,
    1e-30,
    1e-30,
    1e-30, // 80: least first moment
    1e-35,
    1e-35,
    1e-35,
    1e-35, // 96: least second moment
    -20,
    -20,
    -20,
    -20, // 112: least z of a signed weight
    20,
    20,
    20,
    20, // 128: greatest
    1,
    1,
    1,
    1, // 144
  ],
  16,
);

/** w from z for one plane of dp floats; `signs` [dp] float32, `signed` [dp] masks. Holds z of signed inputs to [-20, 20] in place. */
export function weights(z: usize, w: usize, signs: usize, signed: usize, dp: i32): void {
  for (let i: usize = 0; i < (<usize>dp) << 2; i += 16) {
    const mask = v128.load(signed + i);
    const value = v128.load(z + i);
    const held = f32x4.pmax(f32x4.pmin(value, v128.load(FOUR, 128)), v128.load(FOUR, 112));
    v128.store(z + i, v128.bitselect(held, value, mask));
    v128.store(w + i, v128.bitselect(f32x4.mul(v128.load(signs + i), exp4(held)), value, mask));
  }
}

/** dz = dw * w on signed inputs (d sign exp(z) / dz = w), dw on free ones; `g` in place. */
export function weightsBackward(g: usize, w: usize, signed: usize, dp: i32): void {
  for (let i: usize = 0; i < (<usize>dp) << 2; i += 16) {
    v128.store(
      g + i,
      f32x4.mul(v128.load(g + i), v128.bitselect(v128.load(w + i), v128.load(FOUR, 144), v128.load(signed + i))),
    );
  }
}

/** m and v of one plane after `steps` steps without gradient: times 0.9^steps and 0.999^steps, tiny ones to zero. */
export function fade(m: usize, v: usize, dp: i32, steps: i32): void {
  let mean: f64 = 1;
  let square: f64 = 1;
  let a: f64 = 0.9;
  let b: f64 = 0.999;
  for (; steps > 0; steps >>= 1) {
    if (steps & 1) {
      mean *= a;
      square *= b;
    }
    a *= a;
    b *= b;
  }
  const means = f32x4.splat(<f32>(mean < 1e-30 ? 0 : mean));
  const squares = f32x4.splat(<f32>(square < 1e-35 ? 0 : square));
  const end = m + ((<usize>dp) << 2);
  for (; m < end; m += 16) {
    const first = f32x4.mul(v128.load(m), means);
    v128.store(m, v128.and(first, f32x4.gt(f32x4.abs(first), v128.load(FOUR, 80))));
    const second = f32x4.mul(v128.load(v), squares);
    v128.store(v, v128.and(second, f32x4.gt(second, v128.load(FOUR, 96))));
    v += 16;
  }
}

/**
 * One step of one plane, up to z (`weights` follows). `g` is d loss / dw, zeroed after use; `decay` [dp] is 1 on weights, 0 on the bias;
 * `lambda` the ridge on w. Gives whether any z changed.
 */
export function adam(
  z: usize,
  w: usize,
  m: usize,
  v: usize,
  g: usize,
  signed: usize,
  decay: usize,
  dp: i32,
  lambda: f32,
  rate: f32,
  epsilon: f32,
): bool {
  const zero = f32x4.splat(0);
  const ridge = f32x4.splat(lambda);
  const rates = f32x4.splat(rate);
  const epsilons = f32x4.splat(epsilon);
  let changed = zero;
  const end = z + ((<usize>dp) << 2);
  for (; z < end; z += 16) {
    const old = v128.load(w);
    let d = f32x4.add(v128.load(g), f32x4.mul(f32x4.mul(ridge, v128.load(decay)), old));
    v128.store(g, zero);
    d = f32x4.mul(d, v128.bitselect(old, v128.load(FOUR, 144), v128.load(signed)));
    d = v128.and(d, f32x4.gt(f32x4.abs(d), v128.load(FOUR, 64)));
    let mean = f32x4.add(f32x4.mul(v128.load(m), v128.load(FOUR)), f32x4.mul(d, v128.load(FOUR, 16)));
    mean = v128.and(mean, f32x4.gt(f32x4.abs(mean), v128.load(FOUR, 80)));
    let square = f32x4.add(
      f32x4.mul(v128.load(v), v128.load(FOUR, 32)),
      f32x4.mul(f32x4.mul(d, d), v128.load(FOUR, 48)),
    );
    square = v128.and(square, f32x4.gt(square, v128.load(FOUR, 96)));
    v128.store(m, mean);
    v128.store(v, square);
    const from = v128.load(z);
    const to = f32x4.sub(from, f32x4.div(f32x4.mul(rates, mean), f32x4.add(f32x4.sqrt(square), epsilons)));
    v128.store(z, to);
    changed = v128.or(changed, v128.xor(from, to));
    w += 16;
    m += 16;
    v += 16;
    g += 16;
    signed += 16;
    decay += 16;
  }
  return v128.any_true(changed);
}
