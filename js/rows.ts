// The user's rows to numbers. In: row objects, columns, or a row-major typed array; out: float32, row-major, one value a feature (a category
// is its index, a missing value NaN). Every value is checked on the way; a wrong one is named by row (from 0) and column. Nothing is coerced.

import { list, quote, show, typeError } from "./errors.js";
import type { Feature } from "./types.js";

/** One row: an object by column name, or the values in feature order (a category then by name or by its index). */
export type Row = Readonly<Record<string, unknown>> | ArrayLike<unknown>;

/** Columns by name. Typed arrays are read in place, never copied whole. */
export type Columns = Readonly<Record<string, ArrayLike<unknown>>>;

/** Rows as `fit` takes them: objects, or columns of equal length. */
export type Rows = readonly Readonly<Record<string, unknown>>[] | Columns;

/** Rows as a model takes them: also arrays in feature order, or one row-major typed array (rows x features). */
export type AnyRows = Rows | readonly Row[] | Float32Array | Float64Array;

/** What encoding needs to know of a feature; `Feature` and `FeatureSpec` both have it. */
export type Encoded = Pick<Feature, "name" | "kind" | "categories" | "unknown" | "missing">;

/** Rows and how to read them in pieces: what `predictMany` and its kin need. */
export interface RowReader {
  readonly n: number;
  /** Writes rows [from, to) to `out`, row-major. */
  read(from: number, to: number, out: Float32Array): void;
}

/** A reader over any rows that a model takes. */
export function rowReader(rows: AnyRows, features: readonly Encoded[]): RowReader {
  if (rows instanceof Float32Array || rows instanceof Float64Array) {
    const n = rows.length / features.length;
    if (!Number.isInteger(n)) {
      throw new RangeError(
        `"rows" expected a length that is a multiple of ${features.length} (${namesOf(features)}), got ${rows.length}`,
      );
    }
    const columns = features.map(() => rows);
    return { n, read: (...piece) => encodeColumns(columns, features, ...piece, features.length) };
  }
  if (Array.isArray(rows)) return { n: rows.length, read: (...piece) => encodeEach(rows, features, ...piece) };
  const n = columnLength(rows as Columns);
  for (const { name } of features) if (!Object.hasOwn(rows, name)) throw missingColumn(name, Object.keys(rows));
  const columns = features.map(({ name }) => (rows as Columns)[name]);
  return { n, read: (...piece) => encodeColumns(columns, features, ...piece) };
}

/** All rows at once: rows x features, row-major. A Float32Array comes back as it is, checked. */
export function encodeRows(rows: AnyRows, features: readonly Encoded[]): Float32Array {
  const reader = rowReader(rows, features);
  const out = rows instanceof Float32Array ? rows : new Float32Array(reader.n * features.length);
  reader.read(0, reader.n, out);
  return out;
}

/** The length of columns, after a check that they are columns of one length. */
export function columnLength(columns: Columns): number {
  const expected = "an array of objects or an object of columns";
  if (typeof columns !== "object" || columns === null || Symbol.iterator in columns || Symbol.asyncIterator in columns)
    throw typeError("rows", expected, columns);
  let first: string | undefined;
  let n = 0;
  for (const name of Object.keys(columns)) {
    const column = columns[name];
    if (!isColumn(column)) throw typeError(name, "an array or a typed array of numbers as column", column);
    if (first === undefined) {
      first = name;
      n = column.length;
    } else if (column.length !== n) {
      throw new RangeError(
        `columns expected equal lengths, got ${n} values in ${quote(first)} and ${column.length} in ${quote(name)}`,
      );
    }
  }
  return n;
}

/** A RangeError for a name that is not among the columns; `hint` in the place of their names. */
export function missingColumn(name: string, columns: readonly string[], what = "column", hint = ""): RangeError {
  return new RangeError(`no ${what} ${quote(name)} in the rows${hint || `; columns: ${list(columns)}`}`);
}

/** Rows [from, to) of an array of objects or of arrays to `out`, row-major, one float32 a feature. */
export function encodeEach(
  rows: readonly Row[],
  features: readonly Encoded[],
  from: number,
  to: number,
  out: Float32Array,
): void {
  for (let r = from; r < to; r++) encodeRow(rows[r], features, out, (r - from) * features.length, r);
}

/**
 * Rows [from, to) of columns, one a feature, to `out`. `stride` above 0: each column is the whole row-major array, of that many numbers a row, and
 * a category may be its index.
 */
export function encodeColumns(
  columns: readonly ArrayLike<unknown>[],
  features: readonly Encoded[],
  from: number,
  to: number,
  out: Float32Array,
  stride = 0,
): void {
  const width = features.length;
  // blocks of rows, so that the strided writes of one block stay in the cache
  const block = Math.max(16, Math.floor(4096 / width));
  for (let start = from; start < to; start += block) {
    const end = Math.min(start + block, to);
    for (let f = 0; f < width; f++) {
      const column = columns[f];
      const feature = features[f];
      const step = stride || 1;
      let at = (start - from) * width + f;
      for (let r = start, i = stride ? start * stride + f : start; r < end; r++, i += step, at += width)
        out[at] = encodeValue(column[i], feature, r, stride > 0);
    }
  }
}

/**
 * One row to `out[at .. at + features.length)`. `index` is the row's number for messages; below 0: a row on its own.
 */
export function encodeRow(row: Row, features: readonly Encoded[], out: Float32Array, at = 0, index = -1): void {
  if (isColumn(row)) {
    if (row.length !== features.length) {
      throw new RangeError(
        `${place(index)}expected ${features.length} values (${namesOf(features)}), got ${row.length}`,
      );
    }
    for (let f = 0; f < features.length; f++) out[at + f] = encodeValue(row[f], features[f], index, true);
    return;
  }
  const object = checkRow(row, index);
  for (let f = 0; f < features.length; f++) {
    const feature = features[f];
    const value = object[feature.name];
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
  const expected = (what: string) => `${place(index)}${quote(name)} expected a category ${what}, got ${show(value)}`;
  if (byIndex && typeof value === "number") {
    if (categories[value] !== undefined) return value;
    throw new RangeError(expected(`or its index, 0 to ${categories.length - 1}`));
  }
  if (typeof value !== "string" && typeof value !== "boolean" && !Number.isFinite(value))
    throw new TypeError(expected("(a string)"));
  const codes = categoryCodes(categories);
  const code = codes.get(String(value)) ?? codes.get(unknown as string);
  if (code !== undefined) return code;
  const where = index < 0 ? "" : ` (row ${index})`;
  throw new RangeError(
    `unknown category ${show(String(value))} for ${quote(name)}${where}; known: ${list(categories)}`,
  );
}

const codesOf = new WeakMap<readonly string[], Map<string, number>>();

function categoryCodes(categories: readonly string[]): Map<string, number> {
  let codes = codesOf.get(categories);
  if (codes === undefined) {
    codes = new Map(categories.map((category, code) => [category, code]));
    codesOf.set(categories, codes);
  }
  return codes;
}

/** The error for a value that is not a finite float32. */
export function badNumber(name: string, value: unknown, index: number): Error {
  const what = `${place(index)}${quote(name)} is `;
  if (typeof value === "number")
    return new RangeError(`${what}${value}${Number.isFinite(value) ? ", beyond float32 (largest 3.4e38)" : ""}`);
  if (value === undefined || value === null) return new TypeError(`${what}missing${value === null ? " (null)" : ""}`);
  const mend =
    typeof value === "string" ? 'a string: give a number, or declare { categories: "auto" } for it' : "not a number";
  return new TypeError(`${what}${show(value)}, ${mend}`);
}

const place = (index: number) => (index < 0 ? "" : `row ${index}: `);

const namesOf = (features: readonly Encoded[]) => list(features.map(({ name }) => name));

function isColumn(value: unknown): value is ArrayLike<unknown> {
  if (Array.isArray(value)) return true;
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && typeof (value as Int8Array)[0] !== "bigint";
}

export function checkRow(row: unknown, index: number): Readonly<Record<string, unknown>> {
  if (typeof row !== "object" || row === null || isColumn(row)) {
    throw typeError(index < 0 ? "row" : `rows[${index}]`, "an object of values by column name", row);
  }
  return row as Readonly<Record<string, unknown>>;
}

/** A property, but not what every object inherits: a column may be called "constructor" or "__proto__". */
export function own(row: Readonly<Record<string, unknown>>, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(row, name) ? undefined : row[name];
}
