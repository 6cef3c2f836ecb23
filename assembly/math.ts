// exp, log and the links, pinned bit for bit. In: one float; out: one float.
// The scalar functions compute in float64 with + - * / alone and round once to float32. The float64 error (below 1e-14 relative) is far
// smaller than half the step between results of neighbouring float32 arguments wherever those results differ, so each is non-decreasing
// on every float32 (checked on all 2^32 by `npm run test:exhaustive`). No engine's Math library takes part: those differ between engines.

const LN2: f64 = reinterpret<f64>(0x3fe62e42fefa39ef); // 0.6931471805599453
const LOG2E: f64 = reinterpret<f64>(0x3ff71547652b82fe); // 1.4426950408889634
const SQRT_HALF: f64 = reinterpret<f64>(0x3fe6a09e667f3bcd); // 0.7071067811865476

/** e^x in float32; the argument is held to [-87.3, 88.7] so that the result is a positive, normal, finite number. */
export function expf(x: f32): f32 {
  let a = <f64>x;
  if (a < -87.3) a = -87.3;
  if (a > 88.7) a = 88.7;
  const n = nearest(a * LOG2E);
  const r = a - n * LN2; // |r| <= 0.3466
  // Taylor to degree 13: the rest is below 0.3466^14 / 14! = 4e-18
  let p: f64 = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return <f32>(p * reinterpret<f64>((<i64>n + 1023) << 52));
}

/** Natural logarithm of a positive float32 (normal or not), in float32. */
export function logf(x: f32): f32 {
  const bits = reinterpret<i64>(<f64>x); // every positive float32 is a normal float64
  let e = (bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000); // [1, 2)
  if (m * 0.5 >= SQRT_HALF) {
    m *= 0.5;
    e += 1;
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716; the series to s^17 leaves 0.1716^19 / 19 = 1.5e-16
  const s = (m - 1.0) / (m + 1.0);
  const q = s * s;
  let p: f64 = 1.0 / 17.0;
  p = p * q + 1.0 / 15.0;
  p = p * q + 1.0 / 13.0;
  p = p * q + 1.0 / 11.0;
  p = p * q + 1.0 / 9.0;
  p = p * q + 1.0 / 7.0;
  p = p * q + 1.0 / 5.0;
  p = p * q + 1.0 / 3.0;
  p = p * q + 1.0;
  return <f32>(<f64>e * LN2 + 2.0 * s * p);
}

/** Four of them: the bits of `logf` for positive, normal numbers. Half its time a number. */
export function logf4(x: v128): v128 {
  const low = f32x4.demote_f64x2_zero(logs(f64x2.promote_low_f32x4(x)));
  const high = f32x4.demote_f64x2_zero(logs(f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1))));
  return v128.shuffle<i64>(low, high, 0, 2);
}

/** Two logarithms in float64, step by step as `logf` takes them. */
function logs(x: v128): v128 {
  let m = v128.or(v128.and(x, i64x2.splat(0xfffffffffffff)), i64x2.splat(0x3ff0000000000000));
  const half = f64x2.mul(m, f64x2.splat(0.5));
  const up = f64x2.ge(half, f64x2.splat(SQRT_HALF));
  m = v128.bitselect(half, m, up);
  // the exponent in the low bits of 1.5 * 2^52, which is then taken off; `up` is -1 where it counts one more
  const e = i64x2.sub(i64x2.add(i64x2.shr_u(x, 52), i64x2.splat(0x4338000000000000 - 1023)), up);
  const one = f64x2.splat(1.0);
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
  const q = f64x2.mul(s, s);
  let p = f64x2.splat(1.0 / 17.0);
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 15.0));
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 13.0));
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 11.0));
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 9.0));
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 7.0));
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 5.0));
  p = f64x2.add(f64x2.mul(p, q), f64x2.splat(1.0 / 3.0));
  p = f64x2.add(f64x2.mul(p, q), one);
  const whole = f64x2.mul(f64x2.sub(e, f64x2.splat(6755399441055744)), f64x2.splat(LN2));
  return f64x2.add(whole, f64x2.mul(f64x2.mul(f64x2.splat(2.0), s), p));
}

/** 1 / (1 + e^-x), float32 throughout: exp falls, 1 + exp falls, the reciprocal rises. */
export function logistic(x: f32): f32 {
  return <f32>1 / (<f32>1 + expf(-x));
}

/** log(p / (1 - p)) for p in (0, 1): a difference of a rising and a falling function, each rounded. */
export function logit(p: f32): f32 {
  return logf(p) - logf(<f32>1 - p);
}
