// More rows than memory: a uniform sample of bounded size, from one pass over batches. In: an iterable of batches; out: columns, in the order of
// the stream, and how many rows went by. Each row gets a pseudo-random key from its number; the rows with the smallest keys stay (bottom-k
// sampling, Cohen & Kaplan 2007), so the sample depends on nothing but the rows' order, and samples of shards merge by their keys.

import { list, quote, rangeError, typeError } from "./errors.js";
import { keyOf } from "./feed.js";
import { badNumber, type Columns, type Encoded, encodeValue, type Rows } from "./rows.js";
import { categoryOf, checkOptions, type FeatureOption, type FitOptions, readOptions } from "./schema.js";
import { entriesOf, noColumn, readTable, type Table } from "./table.js";

/** Batches of rows: arrays of objects, columns, or single row objects. */
export type Batches = AsyncIterable<Rows | object> | Iterable<Rows | object>;

export interface SampledColumn {
  name: string;
  /** Numbers are kept as float64; anything else is kept as it comes. */
  numeric: boolean;
  /** A missing value (undefined, null, NaN) is allowed. */
  missing: boolean;
  /** A column whose categories are listed: others are refused. */
  listed?: Encoded;
}

export interface Sample {
  columns: Record<string, Float64Array | unknown[]>;
  /** Rows in the sample, and rows that went by. */
  kept: number;
  seen: number;
  keys: Uint32Array;
  /** Numbers of the rows. */
  rows: Float64Array;
  /** Least and greatest number of each column over every row that went by; NaN for a column without numbers. */
  ranges: [number, number][];
  names: string[];
  /** Values of each other column over every row, as text, in code-unit order; the first 1001. */
  categories: string[][];
}

const MOST_CATEGORIES = 1000;

/** A batch as a table; a plain object whose values are no arrays is one row. */
export function tableOf(batch: unknown): Table {
  if (typeof batch !== "object" || batch === null)
    throw typeError("rows", "batches of rows: arrays of objects, or columns", batch);
  if (Array.isArray(batch)) return readTable(batch);
  const values = Object.values(batch);
  const columns = values.length > 0 && values.every((v) => Array.isArray(v) || ArrayBuffer.isView(v));
  return readTable(columns ? (batch as Columns) : [batch]);
}

/**
 * Reads every batch, checks every cell, keeps at most `capacity` rows.
 *
 * @param wanted names the columns to keep, once the first batch is there
 * @param whole a column that the first batch lacks is refused, as it is among rows that come at once
 */
export async function sampleRows(
  batches: Batches,
  wanted: (first: Table) => SampledColumn[],
  capacity: (columns: number) => number,
  seed: number,
  pause: () => Promise<void>,
  whole = false,
): Promise<Sample> {
  let first: ReadonlySet<string> | undefined;
  let columns: SampledColumn[] = [];
  let kept: (Float64Array | unknown[])[] = [];
  let rows = new Float64Array(0);
  let keys = new Uint32Array(0);
  let room = 0;
  let limit = 0xffffffff;
  let count = 0;
  let seen = 0;
  let ranges: [number, number][] = [];
  let found: Set<string>[] = [];

  /** Keeps the rows of the `k` smallest keys, in place. */
  function cut(k: number) {
    if (count <= k) return;
    const sorted = keys.slice(0, count).sort();
    limit = sorted[k - 1];
    let same = 0; // rows at the limit that still fit
    for (let i = k - 1; i >= 0 && sorted[i] === limit; i--) same++;
    let to = 0;
    for (let i = 0; i < count; i++) {
      if (keys[i] > limit || (keys[i] === limit && same-- <= 0)) continue;
      keys[to] = keys[i];
      rows[to] = rows[i];
      for (const column of kept) column[to] = column[i];
      to++;
    }
    count = to;
  }

  let most = 0;
  for await (const batch of batches) {
    const table = tableOf(batch);
    if (table.n === 0) continue;
    if (columns.length === 0) {
      columns = wanted(table);
      if (whole) first = new Set(table.names);
      most = capacity(columns.length);
      ranges = columns.map(() => [Number.NaN, Number.NaN]);
      found = columns.map(() => new Set());
    }
    const other = first && table.names.find((name) => !first?.has(name));
    if (first && other !== undefined)
      throw rangeError("rows", `the columns of the first batch (${list([...first])})`, other);
    const sources = columns.map(({ name }) => {
      if (!table.has(name)) throw noColumn(name, table.names);
      return table.column(name);
    });
    for (let r = 0; r < table.n; r++, seen++) {
      for (let c = 0; c < columns.length; c++) {
        const v = sources[c][r];
        const { name, numeric, missing, listed } = columns[c];
        if (!numeric) {
          if (listed) encodeValue(v, listed, seen, false);
          const category = categoryOf(v, name, missing, seen);
          if (category !== undefined && found[c].size <= MOST_CATEGORIES) found[c].add(category);
          continue;
        }
        if (typeof v === "number" && v - v === 0) {
          const range = ranges[c];
          if (!(v >= range[0])) range[0] = v;
          if (!(v <= range[1])) range[1] = v;
          continue;
        }
        if (!missing || (v !== undefined && v !== null && v === v)) throw badNumber(name, v, seen);
      }
      const key = keyOf(seed, seen);
      if (key > limit) continue;
      if (count === room) {
        if (room === 2 * most) cut(most);
        else {
          room = Math.min(2 * most, Math.max(1024, room * 2));
          const grown = <T extends Float64Array | Uint32Array>(old: T, fresh: T): T => {
            fresh.set(old);
            return fresh;
          };
          rows = grown(rows, new Float64Array(room));
          keys = grown(keys, new Uint32Array(room));
          kept = columns.map(({ numeric }, c) =>
            numeric ? grown((kept[c] as Float64Array) ?? new Float64Array(0), new Float64Array(room)) : (kept[c] ?? []),
          );
        }
        if (key > limit) continue;
      }
      keys[count] = key;
      rows[count] = seen;
      for (let c = 0; c < columns.length; c++) {
        const v = sources[c][r];
        kept[c][count] = columns[c].numeric && typeof v !== "number" ? Number.NaN : v;
      }
      count++;
    }
    await pause();
  }
  if (columns.length === 0) throw new RangeError(`${quote("rows")} expected at least 2 rows, got ${seen}`);
  cut(most);
  return {
    columns: Object.fromEntries(columns.map(({ name }, c) => [name, kept[c].slice(0, count)])),
    kept: count,
    seen,
    keys: keys.slice(0, count),
    rows: rows.slice(0, count),
    ranges,
    names: columns.map(({ name }) => name),
    categories: found.map((values) => [...values].sort()),
  };
}

/** Rows that come in batches, rather than all at once. */
export function isBatches(rows: unknown): rows is Batches {
  if (typeof rows !== "object" || rows === null || Array.isArray(rows) || ArrayBuffer.isView(rows)) return false;
  return Symbol.asyncIterator in rows || Symbol.iterator in rows;
}

/** Rows in the sample at most: training visits at most about five million rows, and a million tells them as well as ten. */
const MOST_ROWS = 1 << 20;

/** The columns that `fit` needs of the first batch: features, target and weight. Wrong options are refused now, not when all batches are read. */
export function columnsFor(first: Table, options: FitOptions): SampledColumn[] {
  checkOptions(options);
  const { target, weight, features } = options;
  const auto = new Set<string>();
  // categories are found in all batches
  const found = ([name, option]: [string, FeatureOption]): [string, FeatureOption] => {
    if (typeof option !== "object" || option?.categories !== "auto") return [name, option];
    auto.add(name);
    return [name, { ...option, categories: [String(option.unknown)] }];
  };
  const named = features && new Map(entriesOf<FeatureOption>(features, "features").map(found));
  const schema = readOptions(first, { ...options, features: named }, 1);
  const columns = schema.features.map(
    (feature): SampledColumn => ({
      name: feature.name,
      numeric: feature.kind === "number",
      missing: feature.missing !== "error",
      listed: feature.kind === "number" || auto.has(feature.name) ? undefined : feature,
    }),
  );
  for (const name of [target, weight]) {
    if (name !== undefined) columns.push({ name, numeric: true, missing: false });
  }
  return columns;
}

/** A sample of batches large enough to train on: `most` numbers or less; in float64, and twice as many before the sample is cut. */
export function sampleFor(
  batches: Batches,
  options: FitOptions,
  most: number,
  pause: () => Promise<void>,
): Promise<Sample> {
  return sampleRows(
    batches,
    (first) => columnsFor(first, options),
    (columns) => Math.max(4096, Math.min(MOST_ROWS, Math.floor(most / columns))),
    typeof options.seed === "number" ? options.seed : 1,
    pause,
    options.features === undefined,
  );
}
