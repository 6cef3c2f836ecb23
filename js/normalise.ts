// Columns to network inputs. In: raw columns (columns.ts), in chunks, read two to four times.
// Out: range, median and fill of every feature, and the inputs of both candidate scalings: z-scores, and z-scores after log1p of skewed counts.
// Every transform is non-decreasing, so a constraint on the feature is the same constraint on its inputs.

import { CHUNK, type RawColumns, STRIDE } from "./columns.js";
import { RESIDENT } from "./feed.js";
import { LARGEST } from "./format.js";
import { medianOf } from "./metrics.js";
import { AS_IS, type Ramp, rampsOf, type Unit } from "./ramps.js";
import type { Transform } from "./schema.js";
import { paced } from "./turn.js";
import type { Feature, Input } from "./types.js";
import { SORTING, type Trainer } from "./wasm.js";

/** Columns with a skewness above this, no negative value and more than two values count as skewed. */
const SKEWED = 1.5;
/** Medians come from at most this many rows, evenly spaced: exact below. A quarter of them where the table itself is large. */
const SAMPLE = 65536;
/** Numbers looked at between turns of the event loop: some 10 ms. */
const SLICE = 2 ** 21;
/**
 * Below so many rows 0 and 1 of a category stay 1 apart. Over its standard deviation a rare one lies up to √n from the mean, and rows that lack it move
 * its weights as far as any others.
 */
const FEW = 250;
/** A column's record in the kernels (addValues of assembly/columns.ts), before any value. */
const EMPTY = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, Number.NaN, 1, 0];

interface Column {
  present: number;
  low: number;
  high: number;
  whole: boolean;
  many: boolean;
  mean: number;
  square: number;
  cube: number;
  median: number;
  positiveMedian: number;
  ramps: Ramp[];
}

export interface Scaling {
  /** The features, with range, median and fill. */
  features: Feature[];
  /** z-scores alone. */
  linear: Input[];
  /** With log1p on skewed columns; the same array as `linear` when there is none. */
  autolog: Input[];
  /** How training sees each input, of either. */
  units: Unit[];
  warnings: string[];
}

/** Calls for every column of every chunk of rows: feature, address, rows, and the number of the first. */
type Each = (visit: (f: number, at: number, count: number, from: number) => void) => Promise<void>;

/**
 * Describes `n` raw rows. `transforms[f]` forces a feature's transform ("linear" or "log1p") or leaves the choice; "ramps" adds those. So does "auto",
 * where these are `most` ramps together at most. `pause` is awaited between blocks of work.
 */
export async function describe(
  t: Trainer,
  raw: RawColumns,
  n: number,
  features: Feature[],
  transforms: Transform[],
  most: number,
  pause: () => Promise<void>,
): Promise<Scaling> {
  const start = t.wasm.mark();
  const breathe = paced(pause, SLICE);
  const width = features.length;
  const rows = Math.min(CHUNK, Math.ceil(SLICE / width));
  const each: Each = async (visit) => {
    for (let from = 0; from < n; from += rows) {
      const count = Math.min(rows, n - from);
      raw.read(from, from + count);
      for (let f = 0; f < width; f++) visit(f, raw.at + f * STRIDE, count, from);
      await breathe(count * width);
    }
  };
  const isAuto = (f: number) => transforms[f] === "auto" && most > 0;
  const withRamps = transforms.map((transform, f) => transform === "ramps" || isAuto(f));
  const { columns, counts } = await readColumns(t, each, n, features, withRamps, breathe);
  const unasked = columns.filter((_, f) => isAuto(f));
  if (unasked.reduce((sum, c) => sum + c.ramps.length, 0) > most) for (const c of unasked) c.ramps = [];
  const warnings: string[] = [];
  const described = features.map((feature, f) => describeFeature(feature, columns[f], n, warnings));
  const divisors = features.map((feature, f) =>
    feature.kind === "number" && transforms[f] !== "linear" ? divisorOf(columns[f], n, transforms[f] === "log1p") : 0,
  );
  const logs = await readLogs(t, each, n, columns, divisors);
  t.wasm.reset(start);
  await pause();
  const logged = divisors.map((_, f) => scaled(logs.mean[f], logs.square[f], n));
  columns.forEach((c, f) => {
    // the slope of log(1 + v / divisor) at 0 would be infinite, and with a weight of 0 the derivative NaN
    const steep = divisors[f] > 0 && divisors[f] <= logged[f].scale / LARGEST;
    if (steep) divisors[f] = 0;
    // 1 / sd is beyond float32 below this variance, and the column is not scaled
    if (steep || (c.square > 0 && c.square / n < 8.6e-78))
      warnings.push(`"${features[f].name}" holds numbers too small for float32 to scale: give it in a smaller unit`);
  });
  const inputsOf = (withLog: boolean) =>
    described.flatMap((feature, f): Input[] => {
      const indicator = (count: number) => scaled(count / n, n < FEW ? n : n * (count / n) * (1 - count / n), n);
      const missing = (count: number): Input[] =>
        feature.missing === "indicator" ? [{ feature: f, transform: "missing", ...indicator(count) }] : [];
      if (feature.kind === "category") {
        const categories = feature.categories as string[];
        const list = categories.map(
          (_, category): Input => ({ feature: f, transform: "equals", category, ...indicator(counts[f][category]) }),
        );
        return [...list, ...missing(counts[f][categories.length])];
      }
      const c = columns[f];
      const divisor = divisors[f];
      const input: Input =
        (withLog || transforms[f] === "log1p") && divisor > 0
          ? { feature: f, transform: "log1p", divisor, ...logged[f] }
          : { feature: f, transform: "linear", ...scaled(c.mean, c.square, n) };
      return [input, ...c.ramps.map((ramp) => ramp.input), ...missing(n - c.present)];
    });
  const linear = inputsOf(false);
  const ramps = new Map<Input, Unit>(columns.flatMap((c) => c.ramps.map((ramp) => [ramp.input, ramp])));
  const units = linear.map((input) => ramps.get(input) ?? AS_IS);
  const choice = divisors.some((c, f) => c > 0 && transforms[f] !== "log1p");
  return { features: described, linear, autolog: choice ? inputsOf(true) : linear, units, warnings };
}

/** z-scores of a column with this mean and sum of squares about it, over n rows. */
function scaled(mean: number, square: number, n: number) {
  const sd = Math.sqrt(square / n);
  const scale = Math.fround(1 / sd);
  return { center: Math.fround(mean), scale: sd > 0 && Number.isFinite(scale) && scale > 0 ? scale : 1 };
}

/** Two readings: what is in each column, and the rows of each category, the missing ones last. */
async function readColumns(
  t: Trainer,
  each: Each,
  n: number,
  features: Feature[],
  ramped: boolean[],
  breathe: (cost: number) => Promise<void> | undefined,
): Promise<{ columns: Column[]; counts: Float64Array[] }> {
  const { wasm } = t;
  const width = features.length;
  const counts = features.map((f) => new Float64Array((f.categories?.length ?? 0) + 1));
  const stride = Math.max(1, Math.ceil(n / (n * width > RESIDENT ? SAMPLE / 4 : SAMPLE)));
  const sampled = Math.ceil(n / stride);
  const samples = features.map((f) => new Float32Array(f.kind === "number" ? sampled : 0));
  const kept = new Uint32Array(width);
  const records = t.doubles(width * EMPTY.length);
  for (let f = 0; f < width; f++) t.f64(records).set(EMPTY, f * EMPTY.length);
  await each((f, at, count, from) => {
    const values = t.f32({ at, length: count });
    if (features[f].kind === "category") {
      const tally = counts[f];
      for (let r = 0; r < count; r++) {
        const v = values[r];
        tally[v === v ? v : tally.length - 1]++;
      }
      return;
    }
    const sample = samples[f];
    let k = kept[f];
    for (let r = (stride - (from % stride)) % stride; r < count; r += stride) {
      const v = values[r];
      if (v === v) sample[k++] = v;
    }
    kept[f] = k;
    wasm.addValues(at, count, records.at + f * EMPTY.length * 8);
  });
  const sorting = t.floats(sampled);
  const scratch = t.floats(sampled + SORTING);
  const describeColumn = (feature: Feature, f: number): Column => {
    const at = f * EMPTY.length;
    const [present, sum, low, high, , , whole, many] = t.f64(records).subarray(at, at + EMPTY.length);
    const c: Column = {
      present,
      low,
      high,
      whole: whole === 1,
      many: many === 1,
      mean: 0,
      square: 0,
      cube: 0,
      median: 0,
      positiveMedian: 0,
      ramps: [],
    };
    if (feature.kind !== "number" || present === 0) return c;
    const sorted = t.f32({ at: sorting.at, length: kept[f] });
    sorted.set(samples[f].subarray(0, kept[f]));
    wasm.sortFloats(sorting.at, kept[f], scratch.at);
    // a missing value stands at the median, so it counts there
    c.median = Math.fround(medianOf(sorted));
    const positive = sorted.findIndex((v) => v > 0);
    c.positiveMedian = positive < 0 ? 0 : medianOf(sorted.subarray(positive));
    c.mean = (sum + (n - present) * c.median) / n;
    if (ramped[f]) c.ramps = rampsOf(f, sorted);
    return c;
  };
  const columns: Column[] = [];
  for (const [f, feature] of features.entries()) {
    columns.push(describeColumn(feature, f));
    // sorting takes the time of five looks
    await breathe(5 * sampled + SORTING);
  }
  const sums = t.doubles(width * 2);
  t.f64(sums).fill(0);
  await each((f, at, count) => {
    const c = columns[f];
    if (features[f].kind === "number" && c.present > 0) wasm.addPowers(at, count, c.median, c.mean, sums.at + f * 16);
  });
  columns.forEach((c, f) => {
    [c.square, c.cube] = t.f64(sums).subarray(f * 2);
  });
  return { columns, counts };
}

/** Warns of numbers that lie close together, far from 0. */
export const fewDigits = (name: string, sd: number, mean: number): string[] =>
  sd > 0 && sd < Math.abs(mean) * 1e-5
    ? [`"${name}" varies by less than 1e-5 of its size: float32 keeps few of its digits; subtract a constant first`]
    : [];

/** The feature with range, median and fill; warns of columns that cannot help. */
function describeFeature(feature: Feature, c: Column, n: number, warnings: string[]): Feature {
  if (feature.kind === "category") return feature;
  if (c.present === 0) {
    warnings.push(`"${feature.name}" has no value in any row: it cannot take part`);
    return { ...feature, fill: 0, range: [0, 0], median: 0 };
  }
  if (c.low === c.high) warnings.push(`"${feature.name}" is ${c.low} in every row: the model cannot learn from it`);
  if (c.high - c.low > LARGEST)
    warnings.push(
      `"${feature.name}" runs wider than float32, so values at its ends fall together: give it in a larger unit`,
    );
  warnings.push(...fewDigits(feature.name, Math.sqrt(c.square / n), c.mean));
  const out: Feature = { ...feature, range: [c.low, c.high], median: c.median };
  if (feature.missing !== "error") out.fill = c.median;
  return out;
}

/** The divisor of log1p for a column that is skewed, or that is to have one; 0: none. */
function divisorOf(c: Column, n: number, asked: boolean): number {
  const sd = Math.sqrt(c.square / n);
  const skewed = c.low >= 0 && c.many && sd > 0 && c.cube / n > SKEWED * sd * sd * sd;
  if (!skewed && !asked) return 0;
  const c0 = 0.1 * c.positiveMedian;
  return Math.fround(c.whole ? Math.max(1, c0) : c0 > 0 ? c0 : 1);
}

/** Mean of log1p(v / divisor) and sum of squares about it, on the very float32 values that the model will see; two readings, where there is a divisor. */
async function readLogs(t: Trainer, each: Each, n: number, columns: Column[], divisors: number[]) {
  const mean = new Float64Array(columns.length);
  const square = new Float64Array(columns.length);
  if (divisors.some((divisor) => divisor > 0)) {
    const sums = t.doubles(columns.length * 2);
    for (const second of [false, true]) {
      t.f64(sums).fill(0);
      await each((f, at, count) => {
        if (divisors[f] > 0) t.wasm.addLogs(at, count, columns[f].median, divisors[f], mean[f], sums.at + f * 16);
      });
      for (let f = 0; f < columns.length; f++) {
        if (second) square[f] = t.f64(sums)[f * 2 + 1];
        else mean[f] = t.f64(sums)[f * 2] / n;
      }
    }
  }
  return { mean, square };
}
