// The user's rows to numbers. In: row objects, columns, or a row-major typed array; out: float32, row-major, one value a feature (a category
// is its index, a missing value NaN). Every value is checked on the way; a wrong one is named by row (from 0) and column. Nothing is coerced.

import { isPlain, list, numberError, quote, rangeError, show, typeError } from "./errors.js";
import type { Feature } from "./types.js";

/**
 * One row: an object by column name, or the values in feature order (a category then by name or by its index). `object`, as interfaces and classes
 * are no `Record<string, unknown>` to TypeScript, and a string is an `ArrayLike<unknown>`.
 */
export type Row = object;

/** Columns by name. Typed arrays are read in place, never copied whole. */
export type Columns = Readonly<Record<string, ArrayLike<unknown>>>;

/** Rows as `fit` takes them: objects, or columns of equal length. */
export type Rows = readonly object[] | Columns;

/** Rows as a model takes them: also arrays in feature order, or one row-major typed array (rows x features). */
export type AnyRows = Rows | readonly Row[] | Float32Array | Float64Array;

/** What encoding needs to know of a feature; `Feature` and `FeatureSpec` both have it. */
export type Encoded = Pick<Feature, "name" | "kind" | "categories" | "unknown" | "missing">;

/** Rows and how to read them in pieces: what `predictMany` and its kin need. */
export interface RowReader {
  readonly n: number;
  /** Writes rows [from, to) to `out`, one every `stride` numbers; features side by side when left out. */
  read(from: number, to: number, out: Float32Array, stride?: number): void;
}

/** Whether rows are numbers side by side, one or many of them; by tag, as they may come from a frame or a test runner of another realm. */
export function isFloats(rows: unknown): rows is Float32Array | Float64Array {
  const tag: unknown = ArrayBuffer.isView(rows) && (rows as Float64Array)[Symbol.toStringTag];
  return tag === "Float32Array" || tag === "Float64Array";
}

/** A reader over any rows that a model takes. */
export function rowReader(rows: AnyRows, features: readonly Encoded[]): RowReader {
  const width = features.length;
  const floats = isFloats(rows);
  if (floats || Array.isArray(rows)) {
    const n = floats ? rows.length / width : rows.length;
    if (n % 1) throw rangeError("rows", `a multiple of ${valuesOf(features)}`, rows.length);
    return {
      n,
      read(from, to, out, stride = width) {
        for (let r = from; r < to; r++) {
          const row: Row = floats ? rows.subarray(r * width, (r + 1) * width) : rows[r];
          encodeRow(row, features, out, (r - from) * stride, r);
        }
      },
    };
  }
  const { columns, n } = columnsOf(
    rows as Columns,
    features.map(({ name }) => name),
  );
  return {
    n,
    read(from, to, out, stride = width) {
      // blocks of rows, so that the strided writes of one block stay in the cache
      const block = Math.max(16, Math.floor(4096 / stride));
      for (let start = from; start < to; start += block) {
        const end = Math.min(start + block, to);
        features.forEach((feature, f) => {
          const column = columns[f];
          for (let r = start, at = (start - from) * stride + f; r < end; r++, at += stride)
            out[at] = encodeValue(column[r], feature, r, false);
        });
      }
    },
  };
}

/** All rows at once: rows x features, row-major. A Float32Array comes back as it is, checked. */
export function encodeRows(rows: AnyRows, features: readonly Encoded[]): Float32Array {
  const reader = rowReader(rows, features);
  const out = rows instanceof Float32Array ? rows : new Float32Array(reader.n * features.length);
  reader.read(0, reader.n, out);
  return out;
}

/** The columns of `rows`, those of `names` first, and their length, after a check that they are columns of one length. */
export function columnsOf(rows: Columns, names: readonly string[] = []): { columns: ArrayLike<unknown>[]; n: number } {
  // a promise or a date has no columns: it would pass for a table without any
  if (!isPlain(rows) || Symbol.iterator in rows || Symbol.asyncIterator in rows)
    throw typeError("rows", "an array of objects or an object of columns", rows);
  const given = Object.keys(rows);
  const all = [...new Set([...names, ...given])];
  const columns = all.map((name) => {
    const column = own(rows, name);
    if (column === undefined) throw new RangeError(`no column ${quote(name)} in the rows; columns: ${list(given)}`);
    if (!isColumn(column)) throw typeError(name, "an array or a typed array as column", column);
    return column;
  });
  const n = columns[0]?.length ?? 0;
  columns.forEach(({ length }, i) => {
    if (length !== n) throw rangeError(all[i], `${n} values, as in ${quote(all[0])}`, length);
  });
  return { columns, n };
}

/**
 * One row to `out[at .. at + features.length)`. `index` is the row's number for messages; -1: a row on its own, -2: a baseline.
 */
export function encodeRow(row: Row, features: readonly Encoded[], out: Float32Array, at = 0, index = -1): void {
  if (isColumn(row)) {
    if (row.length !== features.length) throw rangeError(rowName(index), valuesOf(features), row.length);
    for (let f = 0; f < features.length; f++) out[at + f] = encodeValue(row[f], features[f], index, true);
    return;
  }
  const object = checkRow(row, index);
  // a loop of its own: one for both takes a third longer
  for (let f = 0; f < features.length; f++) {
    const feature = features[f];
    const value = object[feature.name];
    // a Map, a date or a promise has no columns: all of them would pass for missing
    if (value === undefined && !isPlain(object)) throw notRow(row, index);
    out[at + f] = encodeValue(typeof value === "number" ? value : own(object, feature.name), feature, index, false);
  }
}

/** One value by its feature: the number, the category's index, or NaN for a missing one where the feature allows that. */
export function encodeValue(value: unknown, feature: Encoded, index: number, byIndex: boolean): number {
  if (typeof value === "number" && feature.kind === "number") {
    const x = Math.fround(value);
    if (x - x === 0) return x;
  }
  return encodeOther(value, feature, index, byIndex);
}

/** As encodeValue, for what is not simply a number: apart, so that engines inline the other. `byIndex`: a category may be its index. */
function encodeOther(value: unknown, feature: Encoded, index: number, byIndex: boolean): number {
  const { name, kind, missing, categories = [], unknown } = feature;
  const absent = value === undefined || value === null || Number.isNaN(value);
  if (absent && missing !== "error") return Number.NaN;
  if (absent || kind === "number") throw badNumber(name, value, index);
  if (byIndex && typeof value === "number") {
    if (categories[value] !== undefined) return value;
  } else if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) {
    const code = codeOf(categories, String(value)) ?? codeOf(categories, unknown);
    if (code !== undefined) return code;
    const where = index < 0 ? "" : ` (row ${index})`;
    throw new RangeError(
      `unknown category ${show(String(value))} for ${quote(name)}${where}; known: ${list(categories)}`,
    );
  }
  throw numberError(name, `a category${byIndex ? " or its index" : ""} (${list(categories)})`, value, lead(index));
}

const codesOf = new WeakMap<readonly string[], Map<unknown, number>>();

/** The place of a category among others. */
function codeOf(categories: readonly string[], category: string | undefined): number | undefined {
  let codes = codesOf.get(categories);
  if (codes === undefined) {
    codes = new Map(categories.map((one, code) => [one, code]));
    codesOf.set(categories, codes);
  }
  return codes.get(category);
}

/** The error for a value that is not a finite float32. */
export function badNumber(name: string, value: unknown, index: number): Error {
  const what = `${lead(index)}${quote(name)} is `;
  if (typeof value === "number")
    return new RangeError(`${what}${value}${Number.isFinite(value) ? ", beyond float32 (largest 3.4e38)" : ""}`);
  if (value === undefined || value === null) return new TypeError(`${what}missing${value === null ? " (null)" : ""}`);
  return typeError(name, 'a number, or { categories: "auto" } declared for it', value, lead(index));
}

const lead = (index: number) => (index < -1 ? "baseline: " : index < 0 ? "" : `row ${index}: `);

const rowName = (index: number) => (index < 0 ? "row" : `rows[${index}]`);

const valuesOf = (features: readonly Encoded[]) =>
  `${features.length} values (${list(features.map(({ name }) => name))})`;

/** An array, or a typed array of numbers. */
const isColumn = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) ||
  (ArrayBuffer.isView(value) && "length" in value && typeof (value as Int8Array)[0] !== "bigint");

const notRow = (row: unknown, index: number) => typeError(rowName(index), "an object of values by column name", row);

export function checkRow(row: unknown, index: number): Readonly<Record<string, unknown>> {
  if (typeof row !== "object" || row === null || isColumn(row)) throw notRow(row, index);
  return row as Readonly<Record<string, unknown>>;
}

/** A property, but not what every object inherits: a column may be called "constructor" or "__proto__". */
export function own(row: Readonly<Record<string, unknown>>, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(row, name) ? undefined : row[name];
}
