// The rows of a step: where the schedule lists them, and their inputs, out of all rows, side by side.

import { logit } from "./math";
import { BIAS_END, columns, dp, level, levelScale, rowEnd, x } from "./trainer";

/** Bytes from one row of the schedule to the next: its number, then its target. */
export const PAIR: usize = 8;
export const TARGET: usize = 4;

/**
 * `count` listed rows, a number every `apart` bytes, to `to`, dp floats each: stored inputs, the level when there is one, 1 for the bias, zeros.
 * `tau`: levels of the rows, one every `step` bytes. Whole vectors: what belongs to the next row is masked away.
 */
export function gather(list: usize, apart: usize, count: i32, tau: usize, step: usize, to: usize): void {
  const bytes = (<usize>columns) << 2;
  const whole = bytes & ~15;
  const size = (<usize>dp) << 2;
  const keep = v128.load(rowEnd);
  const bias = v128.load(rowEnd, BIAS_END);
  const after = v128.load(rowEnd, BIAS_END + 16);
  const hasAfter = size - whole > 16;
  const withLevel = level;
  const scale = levelScale;
  for (const end = list + <usize>count * apart; list < end; list += apart) {
    const from = x + <usize>load<u32>(list) * bytes;
    for (let i: usize = 0; i < whole; i += 16) v128.store(to + i, v128.load(from + i));
    v128.store(to + whole, v128.or(v128.and(v128.load(from + whole), keep), bias));
    if (hasAfter) v128.store(to + whole, after, 16);
    if (withLevel) {
      store<f32>(to + bytes, logit(load<f32>(tau)) * scale);
      tau += step;
    }
    to += size;
  }
}

/** Rows that `touch` reads ahead: so few that they stay in the first-level cache until they are gathered. */
export const AHEAD: i32 = 32;

/**
 * Reads a word of every cache line of `count` rows of the schedule. They lie all over memory, and so many misses are under way at once; gathering
 * row by row waits for each. Some rows, then gathered, rather than the whole step's: 0.96 of an epoch of 20 inputs and 16 x 16 planes, 0.98 of
 * the default model. Three words a row, where that is all, so that more rows are under way: 0.98 of the former. Reading the next step's rows
 * between those of this one, eight at a time, made a step 1.03 to 1.05 times as long.
 */
export function touch(list: usize, count: i32): void {
  const bytes = (<usize>columns) << 2;
  let all: u32 = 0;
  if (bytes <= 128) {
    const last = bytes - 4;
    const second = min<usize>(64, last);
    for (const end = list + <usize>count * PAIR; list < end; list += PAIR) {
      const from = x + <usize>load<u32>(list) * bytes;
      all |= load<u32>(from) | load<u32>(from + second) | load<u32>(from + last);
    }
    touchedWords = all;
    return;
  }
  for (const end = list + <usize>count * PAIR; list < end; list += PAIR) {
    const from = x + <usize>load<u32>(list) * bytes;
    for (let i: usize = 0; i < bytes; i += 64) all |= load<u32>(from + i);
    all |= load<u32>(from + bytes - 4);
  }
  touchedWords = all;
}
let touchedWords: u32 = 0;
