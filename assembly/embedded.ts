// The module that `toWasm` fills with one model: prediction, derivatives, quantiles and intervals of raw rows, for any WebAssembly host.
// In: a row is `features` float32 numbers (a category is its index, a missing value NaN). Out: float32; NaN for a row that the library refuses.
// Nothing is allocated and nothing imported. js/export/wasm.ts writes all of this as one data segment:
//
//   HEAD      word 0 features   1 checks   2 calibration   3 points of it   4 first free byte   5 eight raw rows   6 eight rows of derivatives
//                  7 residuals   8 their number   9 rows that they were thinned from          (addresses, and counts, i32)
//                  10 what targets of 0 count as in residuals under a log link, or 0          (f64)
//   HEAD + 64      the model (image.ts) up to its planes
//
// checks: a word a feature: bit 0 may be missing, bits 1- number of categories (0: a number). calibration: pairs of f64. residuals: f64.

import { EXP, rowLength } from "./image";
import { expf, logf } from "./math";
import { many, one, sensitivities } from "./predict";

/** Above the static data of the module (a test looks). */
const HEAD: usize = 2048;
const MODEL: usize = HEAD + 64;
const NONE: f32 = NaN;

function word(at: i32): usize {
  return <usize>load<u32>(HEAD + ((<usize>at) << 2));
}

/** Numbers in a row. */
export function features(): i32 {
  return <i32>word(0);
}

/** The first byte that the host may use; everything from here to the end of memory is its own. */
export function buffer(): usize {
  return word(4);
}

/** The level fed in for a requested level: js/predictor.ts, operation by operation. */
function fedLevel(p: f64): f32 {
  let level = p;
  let x0: f64 = 0;
  let y0: f64 = 0;
  let at = word(2);
  for (let k = word(3); k > 0; k--) {
    const x1 = load<f64>(at);
    const y1 = load<f64>(at, 8);
    if (p <= x1) {
      level = min(y1, y0 + ((p - x0) / (x1 - x0)) * (y1 - y0));
      break;
    }
    x0 = x1;
    y0 = y1;
    at += 16;
  }
  const least: f32 = 5.9604644775390625e-8; // 2^-24
  return min(<f32>1 - least, max(least, <f32>level));
}

/** Copies a row to where the kernels may read past its end, with the level behind it; false when the library would refuse the row. */
function take(row: usize, to: usize, level: f32): bool {
  let good = true;
  const checks = word(1);
  const end = word(0) << 2;
  for (let f: usize = 0; f < end; f += 4) {
    const v = load<f32>(row + f);
    const check = load<i32>(checks + f);
    const count = check >> 1;
    let fine = v - v == 0;
    if (v != v) fine = (check & 1) != 0;
    else if (count > 0) fine = v >= 0 && v < <f32>count && v == floor(v);
    good = good && fine;
    store<f32>(to + f, fine ? v : 0);
  }
  if (rowLength(MODEL) > features()) store<f32>(to + end, level);
  return good;
}

/** Up to eight rows to the scratch; a bit a row that is refused. */
function takeRows(rows: usize, n: i32, level: f32): i32 {
  const to = word(5);
  let refused = 0;
  for (let k = 0; k < n; k++) {
    if (!take(rows + <usize>k * (word(0) << 2), to + ((<usize>k * <usize>rowLength(MODEL)) << 2), level))
      refused |= 1 << k;
  }
  return refused;
}

function at(row: usize, level: f32): f32 {
  const raw = word(5);
  return take(row, raw, level) ? one<f32>(MODEL, raw) : NONE;
}

/** The prediction of the row at `row`; of quantile models, the median. */
export function predict(row: usize): f32 {
  return at(row, fedLevel(0.5));
}

/** Quantile models: the prediction at level `p`; NaN unless 0 < p < 1. */
export function quantile(row: usize, p: f64): f32 {
  return p > 0 && p < 1 ? at(row, fedLevel(p)) : NONE;
}

/** Predictions of `n` rows at `rows`, row-major, to `n` numbers at `out`. */
function predictMany(rows: usize, n: i32, out: usize): void {
  const level = fedLevel(0.5);
  for (let r = 0; r < n; r += 8) {
    const count = min(8, n - r);
    const refused = takeRows(rows, count, level);
    many<f32>(MODEL, word(5), count, out);
    for (let k = 0; k < count; k++) if ((refused >> k) & 1) store<f32>(out + ((<usize>k) << 2), NONE);
    rows += word(0) << 5;
    out += 32;
  }
}

/** Partial derivatives of `n` rows at `rows` to `out`, row-major, a number a feature (0 for a category). */
function sensitivityMany(rows: usize, n: i32, out: usize): void {
  const level = fedLevel(0.5);
  const size = word(0) << 2;
  for (let r = 0; r < n; r += 8) {
    const count = min(8, n - r);
    const refused = takeRows(rows, count, level);
    let slopes = word(6);
    sensitivities<f32>(MODEL, word(5), count, slopes);
    for (let k = 0; k < count; k++) {
      if ((refused >> k) & 1) for (let f: usize = 0; f < size; f += 4) store<f32>(out + f, NONE);
      else memory.copy(out, slopes, size);
      slopes += size;
      out += size;
    }
    rows += size << 3;
  }
}

/** Partial derivatives of one row. */
export function sensitivity(row: usize, out: usize): void {
  sensitivityMany(row, 1, out);
}

/** [low, high] around the prediction that covers a share `coverage` of rows like those of training, to `out`; NaN where that cannot be had. */
export function interval(row: usize, coverage: f64, out: usize): void {
  const n = <f64>(<i32>word(9));
  const last = <f64>(<i32>word(8)) - 1;
  const rank = floor(((n + 1) * (1 - coverage)) / 2 + 1e-9);
  let low = NONE;
  let high = NONE;
  // js/interval.ts, operation by operation
  if (coverage > 0 && rank >= 1) {
    const place = n > 1 ? floor(((rank - 1) / (n - 1)) * last) : 0;
    const prediction = predict(row);
    const below = load<f64>(word(7) + ((<usize>place) << 3));
    const above = load<f64>(word(7) + ((<usize>(last - place)) << 3));
    if (load<i32>(MODEL, 24) != EXP) {
      low = <f32>(<f64>prediction + below);
      high = <f32>(<f64>prediction + above);
    } else if (prediction == prediction) {
      const eta = <f64>logf(prediction);
      low = expf(<f32>(eta + below));
      if (<f64>low <= load<f64>(HEAD, 40)) low = 0;
      high = expf(<f32>(eta + above));
    }
  }
  store<f32>(out, low);
  store<f32>(out, high, 4);
}

export { predictMany as predict_many, sensitivityMany as sensitivity_many };
