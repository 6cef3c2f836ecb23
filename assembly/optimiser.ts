// Adam on one plane (Kingma & Ba 2015, alg. 1) in the exponent of signed weights: w = sign * exp(z) (Sill 1998). A step of s in z is w * exp(-s), so
// z itself is not kept; free weights and the bias take s as it is. In: w and g [planes][dp], moments [planes][dp / 4][m, v][4]; out: new w and
// moments, g zeroed. m and v stand for 10 m and 1000 v of the paper, which saves their factors (the rate makes up for it).

import { expf } from "./math";

// What a step needs of four inputs, one record for each vector of a plane, so that one address serves all:
//
//                         0      16     32       48        bytes
//     signed weight      ones    0     least    greatest   ones: a mask, so that d w / d z = (w & mask) | (16), and with q = s & mask
//     free one, bias      0      1      -inf     +inf      1 - exp(-s) = s (1 - q (1/2 - q (1/6 - q / 24))), which is s where q is 0
//     padding             0      1      0        0
//
// That series is an even Taylor polynomial of exp(-s) in disguise, which is positive everywhere: no step changes a sign, however large; steps of
// 0.2, the greatest by default, are exact to 3e-6. Degree two, exact to 0.0013 there, takes 0.96 of the time of an epoch of small networks; errors on
// held-out rows were 1.004 and 1.002 of these on the two pages of accuracy, perhaps by chance. Signed weights stay within [2e-9, 4.9e8]: the lower end
// moves no prediction.
export const INPUT: usize = 64;

/** The records of dp inputs at `to`: `sign` [d] one of 1, -1, 0; then the bias. */
export function putInputs(to: usize, sign: usize, d: i32, dp: i32): void {
  for (let i = 0; i < dp; i++) {
    const s = i < d ? load<f32>(sign + ((<usize>i) << 2)) : 0;
    const at = to + <usize>(i >> 2) * INPUT + ((<usize>(i & 3)) << 2);
    const isSigned = s != 0;
    const limit: f32 = i <= d ? Infinity : 0;
    store<i32>(at, isSigned ? -1 : 0);
    store<f32>(at, isSigned ? 0 : 1, 16);
    store<f32>(at, s > 0 ? 2e-9 : s < 0 ? -4.9e8 : -limit, 32);
    store<f32>(at, s > 0 ? 4.9e8 : s < 0 ? -2e-9 : limit, 48);
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

// In memory: V8 builds a v128 constant anew at every use (five instructions).
// prettier-ignore
const NUMBERS: usize = memory.data<f32>(
  [
    0.9, // beta 1
    0.999, // beta 2
    1.2e-19, // added to every gradient
    1,
    0.5,
    1.0 / 6.0,
    1.0 / 24.0,
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
 * One step of `count` planes, one after the other. `g` is d loss / dw, zeroed after use; `ridge` [dp]: with Ridge = i32 the ridge on w, 0 on the
 * bias. With Ridge = f32 there is none, and the answer is whether the last plane still moves.
 *
 * In two passes, steps s standing where the gradients were in between: from first to last operation a vector takes a hundred cycles, and operations
 * that wait for their operands fill the processor's list of those after three vectors. Two shorter chains take 0.67 of the time; all awake
 * planes of a network in one call are no faster. The rest is what division and square root take; constants stand in variables, since V8 folds no load
 * into an operation.
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
  count: i32,
  rate: f32,
  epsilon: f32,
): bool {
  const rates = f32x4.splat(rate);
  const epsilons = f32x4.splat(epsilon);
  const beta1 = v128.load32_splat(NUMBERS);
  const beta2 = v128.load32_splat(NUMBERS, 4);
  const least = v128.load32_splat(NUMBERS, 8);
  let largest = f32x4.splat(0);
  const bytes = (<usize>dp) << 2;
  const end = w + bytes * <usize>count;
  let from = w;
  let steps = g;
  while (from < end) {
    let input = inputs;
    let decay = ridge;
    for (const planeEnd = from + bytes; from < planeEnd; from += 16) {
      const old = v128.load(from);
      let d = v128.load(steps);
      if (isInteger<Ridge>()) {
        d = f32x4.add(d, f32x4.mul(old, v128.load(decay)));
        decay += 16;
      }
      const slope = v128.or(v128.and(old, v128.load(input)), v128.load(input, 16));
      d = f32x4.add(f32x4.mul(d, slope), least);
      const mean = f32x4.add(f32x4.mul(v128.load(moments), beta1), d);
      const square = f32x4.add(f32x4.mul(v128.load(moments, 16), beta2), f32x4.mul(d, d));
      v128.store(moments, mean);
      v128.store(moments, square, 16);
      const s = f32x4.div(f32x4.mul(rates, mean), f32x4.add(f32x4.sqrt(square), epsilons));
      if (!isInteger<Ridge>()) largest = f32x4.pmax(largest, f32x4.abs(s));
      v128.store(steps, s);
      steps += 16;
      moments += 32;
      input += INPUT;
    }
  }
  const one = v128.load32_splat(NUMBERS, 12);
  const half = v128.load32_splat(NUMBERS, 16);
  const sixth = v128.load32_splat(NUMBERS, 20);
  const last = v128.load32_splat(NUMBERS, 24);
  while (w < end) {
    let input = inputs;
    for (const planeEnd = w + bytes; w < planeEnd; w += 16) {
      const old = v128.load(w);
      const s = v128.load(g);
      v128.store(g, f32x4.splat(0));
      const mask = v128.load(input);
      const slope = v128.or(v128.and(old, mask), v128.load(input, 16));
      const q = v128.and(s, mask);
      let t = f32x4.sub(sixth, f32x4.mul(q, last));
      t = f32x4.sub(half, f32x4.mul(q, t));
      t = f32x4.mul(s, f32x4.sub(one, f32x4.mul(q, t)));
      const moved = f32x4.sub(old, f32x4.mul(slope, t));
      v128.store(w, f32x4.pmax(f32x4.pmin(moved, v128.load(input, 48)), v128.load(input, 32)));
      g += 16;
      input += INPUT;
    }
  }
  return isInteger<Ridge>() || v128.any_true(f32x4.gt(largest, f32x4.splat(STILL)));
}
