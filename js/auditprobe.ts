// Where an audit looks, and what a difference there means. In: rows as float64, row-major [n][d], signs of the constraints (1, -1, 0), predictions;
// out: values to either side of a row's, pairs of rows, slopes, and how large a difference rounding alone makes.

import { numberError } from "./errors.js";

/** Spread and range of a column; NaN does not count. */
export interface Scale {
  spread: number;
  low: number;
  high: number;
}

/** The scale of column f of row-major rows. */
export function scaleOf(x: ArrayLike<number>, f: number, d: number): Scale {
  let [n, mean, low, high] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let squares = 0;
  for (let at = f; at < x.length; at += d) {
    const v = x[at];
    if (v !== v) continue;
    n++;
    const before = v - mean;
    mean += before / n;
    squares += before * (v - mean);
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  // the range where squares overflow: no spread is greater
  return { spread: n > 0 ? Math.min(Math.sqrt(squares / n), high - low) : 0, low, high };
}

/** Where the prediction is looked at to either side of a value: a step each, but not out of the range. A constant column has no range to keep to. */
export function around(value: number, { spread, low, high }: Scale, step: number): [number, number] {
  const h = step * (spread || 1);
  return spread > 0 ? [Math.max(low, value - h), Math.min(high, value + h)] : [value - h, value + h];
}

/** A finite difference as a slope; NaN where there is none: a missing value, or a step that vanishes beside its value. */
export function slopeOf(change: number, step: number, rounding: number): number {
  return step > 0 && Math.abs(change) <= rounding ? 0 : change / step;
}

/**
 * Draws moves: row `from` with the features of `which` at their values in another row where that is the way of the constraint. Of two rows drawn
 * the second is the start where the first has no way to go; at most `wanted`, fewer where rows are mostly equal.
 */
export function drawMoves(
  x: Float64Array,
  signs: readonly number[],
  which: readonly number[],
  wanted: number,
  random: () => number,
): { from: number[]; values: Float64Array } {
  const d = signs.length;
  const n = x.length / d;
  const from: number[] = [];
  const values = new Float64Array(which.length > 0 ? wanted * d : 0);
  const ahead = (a: number, b: number, f: number) => (x[b * d + f] - x[a * d + f]) * signs[f] > 0;
  for (let k = 0; k < wanted && which.length > 0; k++) {
    for (let tries = 0; tries < 8; tries++) {
      const one = Math.floor(random() * n);
      const two = Math.floor(random() * n);
      const [a, b] = which.some((f) => ahead(one, two, f)) ? [one, two] : [two, one];
      if (!which.some((f) => ahead(a, b, f))) continue;
      const at = d * from.push(a) - d;
      values.set(x.subarray(a * d, a * d + d), at);
      for (const f of which) if (ahead(a, b, f)) values[at + f] = x[b * d + f];
      break;
    }
  }
  return { from, values: values.slice(0, from.length * d) };
}

/** What differences of these predictions are rounding. */
export function roundingOf(base: ArrayLike<number>, tolerance: number | undefined): number {
  if (tolerance !== undefined && !(typeof tolerance === "number" && tolerance >= 0))
    throw numberError("options.tolerance", "a share of at least 0", tolerance);
  const { spread } = scaleOf(base, 0, 1);
  if (tolerance !== undefined) return tolerance * spread;
  let largest = 0;
  let single = true;
  for (let r = 0; r < base.length; r++) {
    largest = Math.max(largest, Math.abs(base[r]));
    single = single && Math.fround(base[r]) === base[r];
  }
  return Math.max(1e-6 * spread, largest * (single ? 2 ** -21 : 2 ** -48));
}
