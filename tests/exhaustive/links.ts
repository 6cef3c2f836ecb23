// Every link and transform on every float32, in order: how often does the value fall from one float to the next? Compiled by links.mjs.

import { expf, logf, logistic, logit } from "../../assembly/math";

/** Float number `i` in ascending order, i in [0, FINITE): from the most negative finite one to the most positive. */
function ordered(i: u32): f32 {
  // finite negatives first, largest magnitude first: 0xff7fffff down to 0x80000000
  const negatives: u32 = 0xff7fffff - 0x80000000 + 1;
  return reinterpret<f32>(i < negatives ? 0xff7fffff - i : i - negatives);
}

export const FINITE: u32 = 2 * (0x7f7fffff + 1);

/** The input transform of skewed counts: logf(1 + q) above 0, q itself below. */
function log1p(q: f32): f32 {
  return q < 0 ? q : logf(<f32>1 + q);
}

function apply(kind: i32, x: f32): f32 {
  if (kind === 0) return expf(x);
  if (kind === 1) return logistic(x);
  if (kind === 2) return log1p(x);
  if (kind === 3) return x > 0 ? logf(x) : -Infinity;
  return x <= 0 ? -Infinity : x >= 1 ? Infinity : logit(x);
}

/** Falls between neighbours among floats [from, to), and results that are NaN. */
export function falls(kind: i32, from: u32, to: u32): u32 {
  let count: u32 = 0;
  let last = apply(kind, ordered(from === 0 ? 0 : from - 1));
  for (let i = from; i < to; i++) {
    const value = apply(kind, ordered(i));
    if (!(value >= last)) count++;
    last = value;
  }
  return count;
}

export function valueAt(kind: i32, x: f32): f32 {
  return apply(kind, x);
}
export function floatAt(i: u32): f32 {
  return ordered(i);
}
