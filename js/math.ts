// exp and log in float32 without the engine's Math library: twins of assembly/math.ts, bit for bit (a test compares them).
// Engines' own Math.exp and Math.log differ in the last bit, between engines and between versions of one engine.

const f64 = new Float64Array(1);
const words = new Uint32Array(f64.buffer);
const high = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0; // the word with the exponent

const LN2 = 0.6931471805599453;
const LOG2E = 1.4426950408889634;
const SQRT_HALF = 0.7071067811865476;
const ROUND = 6755399441055744; // 1.5 * 2^52: adding and subtracting it rounds to the nearest integer, ties to even

/** e^x in float64, within 1e-15 relative; the argument is held to [-87.3, 88.7], where float32 results are normal numbers. */
export function exp(x: number): number {
  const a = x < -87.3 ? -87.3 : x > 88.7 ? 88.7 : x;
  const n = a * LOG2E + ROUND - ROUND;
  const r = a - n * LN2;
  let p = 1 / 6227020800;
  p = p * r + 1 / 479001600;
  p = p * r + 1 / 39916800;
  p = p * r + 1 / 3628800;
  p = p * r + 1 / 362880;
  p = p * r + 1 / 40320;
  p = p * r + 1 / 5040;
  p = p * r + 1 / 720;
  p = p * r + 1 / 120;
  p = p * r + 1 / 24;
  p = p * r + 1 / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  f64[0] = 0;
  words[high] = (n + 1023) << 20;
  return p * f64[0];
}

/** e^x, rounded once to float32. Non-decreasing on every float32. */
export function expf(x: number): number {
  return Math.fround(exp(x));
}

/** Natural logarithm of a positive, normal float64, within 1e-15. */
export function log(x: number): number {
  f64[0] = x;
  let e = (words[high] >>> 20) - 1023;
  words[high] = (words[high] & 0xfffff) | 0x3ff00000;
  let m = f64[0];
  if (m * 0.5 >= SQRT_HALF) {
    m *= 0.5;
    e += 1;
  }
  const s = (m - 1) / (m + 1);
  const q = s * s;
  let p = 1 / 17;
  p = p * q + 1 / 15;
  p = p * q + 1 / 13;
  p = p * q + 1 / 11;
  p = p * q + 1 / 9;
  p = p * q + 1 / 7;
  p = p * q + 1 / 5;
  p = p * q + 1 / 3;
  p = p * q + 1;
  return e * LN2 + 2 * s * p;
}

/** Natural logarithm of a positive float32, rounded once to float32. Non-decreasing on every float32. */
export function logf(x: number): number {
  return Math.fround(log(x));
}
