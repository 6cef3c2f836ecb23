// Columns to network inputs. In: raw rows (float32, row-major; a category is its number, a missing value NaN), in chunks, read two or three times.
// Out: range, median and fill of every feature, and the inputs of both candidate scalings: z-scores, and z-scores after log1p of skewed counts.
// Every transform is non-decreasing, so a constraint on the feature is the same constraint on its inputs.

import { RESIDENT } from "./feed.js";
import type { Feature, Input } from "./types.js";

/** Gives raw rows [from, to): a view that the next call may overwrite. */
export type RawRows = (from: number, to: number) => Float32Array;

/** Columns with a skewness above this, no negative value and more than two values count as skewed. */
const SKEWED = 1.5;
/** Medians come from at most this many rows, evenly spaced: exact below. A quarter of them where the table itself is large. */
const SAMPLE = 65536;
const CHUNK = 4096;

interface Column {
  present: number;
  sum: number;
  low: number;
  high: number;
  whole: boolean;
  many: boolean;
  first: number;
  second: number;
  mean: number;
  square: number;
  cube: number;
  median: number;
  positiveMedian: number;
}

/** Median of numbers, sorted in place; the mean of the middle two for an even count; 0 for none. */
export function medianOf(values: Float32Array | Float64Array): number {
  values.sort();
  const n = values.length;
  if (n === 0) return 0;
  return n % 2 ? values[n >> 1] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
}

export interface Scaling {
  /** The features, with range, median and fill. */
  features: Feature[];
  /** z-scores alone. */
  linear: Input[];
  /** With log1p on skewed columns; the same array as `linear` when there is none. */
  autolog: Input[];
  warnings: string[];
}

/**
 * Describes `n` raw rows. `transforms[f]` forces a feature's transform ("linear" or "log1p") or leaves the choice ("auto"); `log` is the
 * kernels' float32 logarithm, so that the scaling has the same bits everywhere.
 */
export function describe(
  rows: RawRows,
  n: number,
  features: Feature[],
  transforms: ("auto" | "linear" | "log1p")[],
  log: (x: number) => number,
): Scaling {
  const width = features.length;
  const counts = features.map((f) => new Float64Array((f.categories?.length ?? 0) + 1)); // the last: missing
  const columns: Column[] = features.map(() => ({
    present: 0,
    sum: 0,
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
    whole: true,
    many: false,
    first: Number.NaN,
    second: Number.NaN,
    mean: 0,
    square: 0,
    cube: 0,
    median: 0,
    positiveMedian: 0,
  }));
  const each = (visit: (values: Float32Array, count: number, from: number) => void) => {
    for (let from = 0; from < n; from += CHUNK) {
      const count = Math.min(CHUNK, n - from);
      visit(rows(from, from + count), count, from);
    }
  };
  const stride = Math.max(1, Math.ceil(n / (n * width > RESIDENT ? SAMPLE / 4 : SAMPLE)));
  const sampled = Math.ceil(n / stride);
  const samples = features.map((f) => new Float32Array(f.kind === "number" ? sampled : 0));
  each((values, count, from) => {
    for (let f = 0; f < width; f++) {
      const c = columns[f];
      if (features[f].kind === "category") {
        const tally = counts[f];
        for (let r = 0; r < count; r++) {
          const v = values[r * width + f];
          tally[v === v ? v : tally.length - 1]++;
        }
        continue;
      }
      const sample = samples[f];
      for (let r = (stride - (from % stride)) % stride; r < count; r += stride) {
        sample[(from + r) / stride] = values[r * width + f];
      }
      // locals, written back once a chunk: three times as fast as fields
      let { present, sum, low, high, whole, many, first, second } = c;
      for (let r = 0, i = f; r < count; r++, i += width) {
        const v = values[i];
        if (v !== v) continue;
        present++;
        sum += v;
        if (v < low) low = v;
        if (v > high) high = v;
        if (whole && v !== Math.floor(v)) whole = false;
        if (!many && v !== first) {
          if (first !== first) first = v;
          else if (v !== second) {
            if (second !== second) second = v;
            else many = true;
          }
        }
      }
      Object.assign(c, { present, sum, low, high, whole, many, first, second });
    }
  });
  columns.forEach((c, f) => {
    if (features[f].kind !== "number" || c.present === 0) return;
    c.median = medianOf(samples[f].filter((v) => v === v));
    c.positiveMedian = medianOf(samples[f].filter((v) => v > 0));
    // a missing value stands at the median, so it counts there
    c.median = Math.fround(c.median);
    c.mean = (c.sum + (n - c.present) * c.median) / n;
  });
  each((values, count) => {
    for (let f = 0; f < width; f++) {
      const c = columns[f];
      if (features[f].kind !== "number" || c.present === 0) continue;
      const { median, mean } = c;
      let { square, cube } = c;
      for (let r = 0, i = f; r < count; r++, i += width) {
        const v = values[i];
        const e = (v === v ? v : median) - mean;
        square += e * e;
        cube += e * e * e;
      }
      c.square = square;
      c.cube = cube;
    }
  });
  const warnings: string[] = [];
  const described = features.map((feature, f): Feature => {
    const c = columns[f];
    if (feature.kind === "category") return feature;
    if (c.present === 0) {
      warnings.push(`"${feature.name}" has no value in any row: it cannot take part`);
      return { ...feature, fill: 0, range: [0, 0], median: 0 };
    }
    if (c.low === c.high) warnings.push(`"${feature.name}" is ${c.low} in every row: the model cannot learn from it`);
    const sd = Math.sqrt(c.square / n);
    if (sd > 0 && sd < Math.abs(c.mean) * 1e-5) {
      warnings.push(
        `"${feature.name}" varies by less than 1e-5 of its size: float32 keeps few of its digits; subtract a constant first`,
      );
    }
    const out: Feature = { ...feature, range: [c.low, c.high], median: c.median };
    if (feature.missing !== "error") out.fill = c.median;
    return out;
  });
  const logged = features.map((feature, f) => {
    if (feature.kind !== "number" || transforms[f] === "linear") return 0;
    const c = columns[f];
    const sd = Math.sqrt(c.square / n);
    const skewed = c.low >= 0 && c.many && sd > 0 && c.cube / n > SKEWED * sd * sd * sd;
    if (!skewed && transforms[f] !== "log1p") return 0;
    const c0 = 0.1 * c.positiveMedian;
    return Math.fround(c.whole ? Math.max(1, c0) : c0 > 0 ? c0 : 1);
  });
  // mean and sd of log1p(v / divisor), on the very float32 values that the model will see
  const logMean = new Float64Array(width);
  const logSquare = new Float64Array(width);
  const logOf = (v: number, divisor: number) => {
    const q = Math.fround(v / divisor);
    return q < 0 ? q : log(Math.fround(1 + q));
  };
  if (logged.some((c) => c > 0)) {
    for (const second of [false, true]) {
      each((values, count) => {
        for (let f = 0; f < width; f++) {
          const divisor = logged[f];
          if (divisor === 0) continue;
          for (let r = 0; r < count; r++) {
            let v = values[r * width + f];
            if (v !== v) v = columns[f].median;
            const t = logOf(v, divisor);
            if (second) logSquare[f] += (t - logMean[f] / n) * (t - logMean[f] / n);
            else logMean[f] += t;
          }
        }
      });
    }
  }
  const scaled = (mean: number, square: number) => {
    const sd = Math.sqrt(square / n);
    const scale = Math.fround(1 / sd);
    return { center: Math.fround(mean), scale: sd > 0 && Number.isFinite(scale) && scale > 0 ? scale : 1 };
  };
  const inputsOf = (withLog: boolean) =>
    described.flatMap((feature, f): Input[] => {
      if (feature.kind === "category") {
        const tally = counts[f];
        const share = (k: number) => tally[k] / n;
        const list: Input[] = (feature.categories as string[]).map((_, k) => ({
          feature: f,
          transform: "equals",
          category: k,
          ...scaled(share(k), n * share(k) * (1 - share(k))),
        }));
        if (feature.missing === "indicator") {
          const k = tally.length - 1;
          list.push({ feature: f, transform: "missing", ...scaled(share(k), n * share(k) * (1 - share(k))) });
        }
        return list;
      }
      const c = columns[f];
      const divisor = logged[f];
      const list: Input[] =
        (withLog || transforms[f] === "log1p") && divisor > 0
          ? [{ feature: f, transform: "log1p", divisor, ...scaled(logMean[f] / n, logSquare[f]) }]
          : [{ feature: f, transform: "linear", ...scaled(c.mean, c.square) }];
      if (feature.missing === "indicator") {
        const share = (n - c.present) / n;
        list.push({ feature: f, transform: "missing", ...scaled(share, n * share * (1 - share)) });
      }
      return list;
    });
  const linear = inputsOf(false);
  const choice = logged.some((c, f) => c > 0 && transforms[f] === "auto");
  return { features: described, linear, autolog: choice ? inputsOf(true) : linear, warnings };
}
