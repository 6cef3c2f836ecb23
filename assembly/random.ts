// Seeded generator: xoshiro128** 1.1 (Blackman & Vigna 2018), seeded by splitmix32 steps. In: a seed; out: u32, uniform and normal numbers.

import { logf } from "./math";

let s0: u32 = 1;
let s1: u32 = 2;
let s2: u32 = 3;
let s3: u32 = 4;

let mixer: u32 = 0;

function mixed(): u32 {
  mixer += 0x9e3779b9;
  let z = mixer;
  z = (z ^ (z >> 16)) * 0x85ebca6b;
  z = (z ^ (z >> 13)) * 0xc2b2ae35;
  return z ^ (z >> 16);
}

/** Starts the stream of (seed, stream): different streams of one seed are independent. */
export function seed(seed: u32, stream: u32): void {
  mixer = seed;
  const a = mixed();
  mixer = a ^ (stream * 0x632be5ab);
  s0 = mixed();
  s1 = mixed();
  s2 = mixed();
  s3 = mixed() | 1; // never all zero
}

export function nextU32(): u32 {
  const result = rotl<u32>(s1 * 5, 7) * 9;
  const t = s1 << 9;
  s2 ^= s0;
  s3 ^= s1;
  s1 ^= s2;
  s0 ^= s3;
  s2 ^= t;
  s3 = rotl<u32>(s3, 11);
  return result;
}

/** Uniform in [0, count), by multiply and shift (bias below count / 2^32). */
export function nextBelow(count: u32): u32 {
  return <u32>((<u64>nextU32() * <u64>count) >> 32);
}

/** Uniform in (0, 1): the middle of one of 2^23 equal cells, never 0 or 1 in float32. */
export function nextUniform(): f32 {
  return (<f32>(nextU32() >> 9) + 0.5) * <f32>(1.0 / 8388608.0);
}

/** Standard normal by Marsaglia's polar method; the second value of a pair is not kept, so the stream has no hidden state. */
export function nextNormal(): f32 {
  while (true) {
    const u = <f32>2 * nextUniform() - <f32>1;
    const v = <f32>2 * nextUniform() - <f32>1;
    const q = u * u + v * v;
    if (q < 1 && q > 0) return u * sqrt<f32>((-2 * logf(q)) / q);
  }
}

/** Fisher-Yates shuffle of `count` numbers at `p`. */
export function shuffle(p: usize, count: u32): void {
  shuffleAny<u32>(p, count);
}

/** The same of pairs: as many numbers are drawn, and the order is the same. */
export function shufflePairs(p: usize, count: u32): void {
  shuffleAny<u64>(p, count);
}

/** The generator's state stays in registers, which halves the time: `nextBelow` waits for memory. */
function shuffleAny<T>(p: usize, count: u32): void {
  let a = s0;
  let b = s1;
  let c = s2;
  let d = s3;
  for (let i = count; i > 1; i--) {
    const random = rotl<u32>(b * 5, 7) * 9;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl<u32>(d, 11);
    const to = p + <usize>(i - 1) * sizeof<T>();
    const from = p + <usize>((<u64>random * <u64>i) >> 32) * sizeof<T>();
    const last = load<T>(to);
    store<T>(to, load<T>(from));
    store<T>(from, last);
  }
  s0 = a;
  s1 = b;
  s2 = c;
  s3 = d;
}
