// Adam on one plane (Kingma & Ba 2015, alg. 1) in the exponent of signed weights: w = sign * exp(z) (Sill 1998). A step of s in z is w * exp(-s), so
// z itself is not kept; free weights and the bias take s as it is. In: w and g [planes][dp], moments [planes][dp / 4][m, v][4]; out: new w and
// moments, g zeroed. m and v stand for 10 m and 1000 v of the paper, which saves their factors (the rate makes up for it).

import { expf } from "./math";

// What a step needs of four inputs, one record for each vector of a plane, so that one address serves all and every load is folded into an operation:
//
//                         0      16     32      48     64     80       96        bytes
//     signed weight      ones    0     1/24    1/6    1/2    least    greatest    ones: a mask, so that d w / d z = (w & mask) | (16)
//     free one, bias      0      1      0       0      0    -inf      +inf        1 - exp(-s) = s (1 - s (1/2 - s (1/6 - s / 24)))
//     padding             0      1      0       0      0      0         0
//
// That series is an even Taylor polynomial of exp(-s) in disguise, which is positive everywhere: no step changes a sign, however large; steps of
// 0.2, the greatest by default, are exact to 3e-6. Signed weights stay within [2e-9, 4.9e8]: the lower end moves no prediction.
export const INPUT: usize = 112;

/** The records of dp inputs at `to`: `sign` [d] one of 1, -1, 0; then the bias. */
export function putInputs(to: usize, sign: usize, d: i32, dp: i32): void {
  for (let i = 0; i < dp; i++) {
    const s = i < d ? load<f32>(sign + ((<usize>i) << 2)) : 0;
    const at = to + <usize>(i >> 2) * INPUT + ((<usize>(i & 3)) << 2);
    const isSigned = s != 0;
    const limit: f32 = i <= d ? Infinity : 0;
    store<i32>(at, isSigned ? -1 : 0);
    store<f32>(at, isSigned ? 0 : 1, 16);
    store<f32>(at, isSigned ? 1.0 / 24.0 : 0, 32);
    store<f32>(at, isSigned ? 1.0 / 6.0 : 0, 48);
    store<f32>(at, isSigned ? 0.5 : 0, 64);
    store<f32>(at, s > 0 ? 2e-9 : s < 0 ? -4.9e8 : -limit, 80);
    store<f32>(at, s > 0 ? 4.9e8 : s < 0 ? -2e-9 : limit, 96);
  }
}

/** w from z in place, for one plane. */
export function weights(w: usize, sign: usize, d: i32): void {
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
    const s = load<f32>(sign + i);
    if (s != 0) store<f32>(w + i, s * expf(max(<f32>-20, min(<f32>20, load<f32>(w + i)))));
  }
}

/** dz = dw * w on signed inputs (d sign exp(z) / dz = w), dw on free ones; `g` in place. */
export function weightsBackward(g: usize, w: usize, inputs: usize, dp: i32): void {
  for (let i: usize = 0; i < (<usize>dp) << 2; i += 16) {
    const slope = v128.or(v128.and(v128.load(w + i), v128.load(inputs)), v128.load(inputs, 16));
    v128.store(g + i, f32x4.mul(v128.load(g + i), slope));
    inputs += INPUT;
  }
}

// Four lanes each, in memory: V8 builds a v128 constant anew at every use (five instructions).
// prettier-ignore
const FOUR: usize = memory.data<f32>(
  [
    0.9,
    0.9,
    0.9,
    0.9, // 0: beta 1
    0.999,
    0.999,
    0.999,
    0.999, // 16: beta 2
    1.2e-19,
    1.2e-19,
    1.2e-19,
    1.2e-19, // 32: added to every gradient
    1,
    1,
    1,
    1, // 48
  ],
  16,
);

/** What Adam's rate is multiplied by, and its epsilon: sqrt(1000) / 10 and sqrt(1000), for m and v without their factors. */
export const RATE: f64 = 3.1622776601683795;
export const EPSILON: f64 = 31.622776601683793;

/** A plane without gradient rests once no step is greater: all that it would still move is 1e-7. */
const STILL: f32 = 1e-8;

/** The moments of one plane after `steps` steps without gradient: times 0.9^steps and 0.999^steps, tiny ones to zero. */
export function fade(moments: usize, dp: i32, steps: i32): void {
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
  const means = <f32>(mean < 1e-30 ? 0 : mean);
  const squares = <f32>(square < 1e-35 ? 0 : square);
  for (const end = moments + ((<usize>dp) << 3); moments < end; moments += 32) {
    const first = f32x4.mul(v128.load(moments), f32x4.splat(means));
    v128.store(moments, v128.and(first, f32x4.gt(f32x4.abs(first), f32x4.splat(1e-30))));
    const second = f32x4.mul(v128.load(moments, 16), f32x4.splat(squares));
    v128.store(moments, v128.and(second, f32x4.gt(second, f32x4.splat(1e-35))), 16);
  }
}

/**
 * One step of one plane. `g` is d loss / dw, zeroed after use; `ridge` [dp]: with Ridge = i32 the ridge on w, 0 on the bias. With Ridge = f32
 * there is none, and the answer is whether the plane still moves.
 *
 * Moments of weights that get no gradient, and squares of gradients of tiny weights, would fall into denormals, where every operation costs a
 * hundred cycles (training took twice as long): a gradient of 1.2e-19, whose square is still normal, is added to each. It moves nothing.
 */
export function adam<Ridge>(
  w: usize,
  g: usize,
  moments: usize,
  inputs: usize,
  ridge: usize,
  dp: i32,
  rate: f32,
  epsilon: f32,
): bool {
  const rates = f32x4.splat(rate);
  const epsilons = f32x4.splat(epsilon);
  let largest = f32x4.splat(0);
  for (const end = w + ((<usize>dp) << 2); w < end; w += 16) {
    const old = v128.load(w);
    let d = v128.load(g);
    v128.store(g, f32x4.splat(0));
    if (isInteger<Ridge>()) {
      d = f32x4.add(d, f32x4.mul(old, v128.load(ridge)));
      ridge += 16;
    }
    const slope = v128.or(v128.and(old, v128.load(inputs)), v128.load(inputs, 16));
    d = f32x4.add(f32x4.mul(d, slope), v128.load(FOUR, 32));
    const mean = f32x4.add(f32x4.mul(v128.load(moments), v128.load(FOUR)), d);
    const square = f32x4.add(f32x4.mul(v128.load(moments, 16), v128.load(FOUR, 16)), f32x4.mul(d, d));
    v128.store(moments, mean);
    v128.store(moments, square, 16);
    const s = f32x4.div(f32x4.mul(rates, mean), f32x4.add(f32x4.sqrt(square), epsilons));
    if (!isInteger<Ridge>()) largest = f32x4.pmax(largest, f32x4.abs(s));
    let t = f32x4.sub(v128.load(inputs, 48), f32x4.mul(s, v128.load(inputs, 32)));
    t = f32x4.sub(v128.load(inputs, 64), f32x4.mul(s, t));
    t = f32x4.mul(s, f32x4.sub(v128.load(FOUR, 48), f32x4.mul(s, t)));
    const moved = f32x4.sub(old, f32x4.mul(slope, t));
    v128.store(w, f32x4.pmax(f32x4.pmin(moved, v128.load(inputs, 96)), v128.load(inputs, 80)));
    g += 16;
    moments += 32;
    inputs += INPUT;
  }
  return isInteger<Ridge>() || v128.any_true(f32x4.gt(largest, f32x4.splat(STILL)));
}
