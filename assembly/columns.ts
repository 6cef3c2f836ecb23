// Raw columns to statistics and to network inputs. In: columns of raw values, float32, each in one stretch (a category is its number, a missing value
// NaN). Out: sums for scaling (js/normalise.ts), and inputs row by row, the bits of prediction's `prepareRow`.

import { CLIP, inputOf } from "./inputs";
import { inputs, LINEAR, LOG1P, part } from "./image";
import { logf4 } from "./math";

/** Whether `n` floats are all finite. */
export function allFinite(values: usize, n: i32): bool {
  const end = values + ((<usize>n) << 2);
  let bad = f32x4.splat(0);
  for (; values + 16 <= end; values += 16) {
    const v = v128.load(values);
    bad = v128.or(bad, f32x4.sub(v, v));
  }
  // v - v is 0, or NaN for what is not finite; NaN keeps all bits of its exponent under `or`
  bad = f32x4.ne(bad, bad);
  for (; values < end; values += 4) {
    const v = load<f32>(values);
    if (v - v != 0) return false;
  }
  return !v128.any_true(bad);
}

/** Rounds `n` float64 to float32 at `out`, in whole vectors; whether all are finite then. An engine copies between kinds of arrays in twice the time. */
export function narrow(values: usize, n: i32, out: usize): bool {
  for (let i: usize = 0; i < (<usize>n) << 2; i += 16) {
    const low = f32x4.demote_f64x2_zero(v128.load(values + (i << 1)));
    const high = f32x4.demote_f64x2_zero(v128.load(values + (i << 1), 16));
    v128.store(out + i, v128.shuffle<i64>(low, high, 0, 2));
  }
  return allFinite(out, n);
}

/**
 * Adds `n` values to a column's record, a missing one not at all. Eight float64: values present, their sum, the least, the greatest, the first two
 * different ones (NaN before that), 1 while all are whole, 1 once there are more than two.
 */
export function addValues(values: usize, n: i32, record: usize): void {
  let present: i32 = 0;
  let sum = load<f64>(record, 8);
  let low = load<f64>(record, 16);
  let high = load<f64>(record, 24);
  let first = load<f64>(record, 32);
  let second = load<f64>(record, 40);
  let whole = load<f64>(record, 48) != 0;
  let many = load<f64>(record, 56) != 0;
  for (const end = values + ((<usize>n) << 2); values < end; values += 4) {
    const v = <f64>load<f32>(values);
    if (v != v) continue;
    present++;
    sum += v;
    low = v < low ? v : low;
    high = v > high ? v : high;
    if (whole) whole = v == floor(v);
    if (!many && v != first) {
      if (first != first) first = v;
      else if (second != second) second = v;
      else many = v != second;
    }
  }
  store<f64>(record, load<f64>(record) + <f64>present);
  store<f64>(record, sum, 8);
  store<f64>(record, low, 16);
  store<f64>(record, high, 24);
  store<f64>(record, first, 32);
  store<f64>(record, second, 40);
  store<f64>(record, whole ? 1 : 0, 48);
  store<f64>(record, many ? 1 : 0, 56);
}

/** Adds squares and cubes of the differences to `mean` to two float64 at `sums`; a missing value counts as `fill`. */
export function addPowers(values: usize, n: i32, fill: f64, mean: f64, sums: usize): void {
  let square = load<f64>(sums);
  let cube = load<f64>(sums, 8);
  for (const end = values + ((<usize>n) << 2); values < end; values += 4) {
    const v = <f64>load<f32>(values);
    const e = (v == v ? v : fill) - mean;
    square += e * e;
    cube += e * e * e;
  }
  store<f64>(sums, square);
  store<f64>(sums, cube, 8);
}

/**
 * Adds the values of log1p(v / divisor), and squares of their differences to `mean`, to two float64 at `sums`. The column is overwritten, and up to
 * three floats after it: first all logarithms, four at a time, then the sums in order.
 */
export function addLogs(values: usize, n: i32, fill: f32, divisor: f32, mean: f64, sums: usize): void {
  const end = values + ((<usize>n) << 2);
  const fills = f32x4.splat(fill);
  const divisors = f32x4.splat(divisor);
  for (let p = values; p < end; p += 16) v128.store(p, log1p4(filled(v128.load(p), fills), divisors));
  let sum = load<f64>(sums);
  let square = load<f64>(sums, 8);
  for (; values < end; values += 4) {
    const t = <f64>load<f32>(values);
    sum += t;
    square += (t - mean) * (t - mean);
  }
  store<f64>(sums, sum);
  store<f64>(sums, square, 8);
}

function filled(v: v128, fills: v128): v128 {
  return v128.bitselect(v, fills, f32x4.eq(v, v));
}

/** `inputOf` with LOG1P. */
function log1p4(v: v128, divisors: v128): v128 {
  const q = f32x4.div(v, divisors);
  return v128.bitselect(q, logf4(f32x4.add(f32x4.splat(1), q)), f32x4.lt(q, f32x4.splat(0)));
}

/**
 * `n` rows of columns that begin `stride` bytes from each other to inputs, row by row, in the units of training: (z - shift) * factor, two floats an input
 * at `units`, shifts first. 64 rows at a time, so that the lines written to stay in the
 * first-level cache; four rows a vector for numbers.
 */
export function prepareColumns(model: usize, units: usize, columns: usize, stride: usize, n: i32, out: usize): void {
  const d = inputs(model);
  const step = (<usize>d) << 2;
  const high = f32x4.splat(CLIP);
  const low = f32x4.splat(-CLIP);
  for (let from = 0; from < n; from += 64) {
    const size = min(64, n - from);
    for (let i: usize = 0; i < step; i += 4) {
      const transform = load<i32>(part(model, 12) + i);
      const argument = load<f32>(part(model, 13) + i);
      const fill = load<f32>(part(model, 14) + i);
      const center = load<f32>(part(model, 15) + i);
      const scale = load<f32>(part(model, 16) + i);
      const shift = load<f32>(units + i);
      const factor = load<f32>(units + step + i);
      let p = columns + <usize>load<i32>(part(model, 11) + i) * stride + ((<usize>from) << 2);
      let to = out + <usize>from * step + i;
      const end = p + ((<usize>size) << 2);
      if (transform == LINEAR || transform == LOG1P) {
        const fills = f32x4.splat(fill);
        const divisors = f32x4.splat(argument);
        const centers = f32x4.splat(center);
        const scales = f32x4.splat(scale);
        const shifts = f32x4.splat(shift);
        const factors = f32x4.splat(factor);
        for (; p + 16 <= end; p += 16) {
          let v = filled(v128.load(p), fills);
          if (transform == LOG1P) v = log1p4(v, divisors);
          v = f32x4.mul(f32x4.sub(v, centers), scales);
          v = f32x4.pmin(f32x4.pmax(v, low), high);
          v = f32x4.mul(f32x4.sub(v, shifts), factors);
          v128.store_lane<f32>(to, v, 0);
          v128.store_lane<f32>(to + step, v, 1);
          v128.store_lane<f32>(to + 2 * step, v, 2);
          v128.store_lane<f32>(to + 3 * step, v, 3);
          to += 4 * step;
        }
      }
      for (; p < end; p += 4) {
        const t = (inputOf(transform, load<f32>(p), argument, fill) - center) * scale;
        const held = t < -CLIP ? -CLIP : t;
        store<f32>(to, ((held > CLIP ? CLIP : held) - shift) * factor);
        to += step;
      }
    }
  }
}

/**
 * Sorts `n` floats, none of them NaN, upwards, -0 before 0: by digits of 11 bits (least significant first). A tenth of the time of an engine's own
 * sort of 65,536 typed floats, or less. `scratch` holds 6144 + n floats.
 */
export function sortFloats(values: usize, n: i32, scratch: usize): void {
  const bytes = (<usize>n) << 2;
  const counts = scratch;
  let from = scratch + (3 << 13);
  memory.fill(counts, 0, 3 << 13);
  // negative numbers upside down, positive ones above them
  for (let i: usize = 0; i < bytes; i += 4) {
    const v = load<i32>(values + i);
    const key = <u32>(v ^ ((v >> 31) | i32.MIN_VALUE));
    store<u32>(from + i, key);
    count(counts, key & 2047);
    count(counts + 8192, (key >> 11) & 2047);
    count(counts + 16384, key >> 22);
  }
  let to = values;
  for (let digit: u32 = 0; digit < 3; digit++) {
    const starts = counts + ((<usize>digit) << 13);
    let sum: u32 = 0;
    for (let k: usize = 0; k < 8192; k += 4) {
      const own = load<u32>(starts + k);
      store<u32>(starts + k, sum);
      sum += own;
    }
    for (let i: usize = 0; i < bytes; i += 4) {
      const key = load<u32>(from + i);
      const place = starts + ((<usize>(key >> (digit * 11)) & 2047) << 2);
      const k = load<u32>(place);
      store<u32>(place, k + 1);
      store<u32>(to + ((<usize>k) << 2), key);
    }
    const other = from;
    from = to;
    to = other;
  }
  // three passes: the keys are at `values`
  for (let i: usize = 0; i < bytes; i += 4) {
    const key = load<i32>(values + i);
    store<i32>(values + i, key ^ ((~key >> 31) | i32.MIN_VALUE));
  }
}

function count(counts: usize, digit: u32): void {
  const place = counts + ((<usize>digit) << 2);
  store<u32>(place, load<u32>(place) + 1);
}
