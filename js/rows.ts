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
        `"rows" expected a length that is a multiple of ${features.length} (${list(features.map(({ name }) => name))}), got ${rows.length}`,
      );
    }
    return { n, read: (from, to, out) => encodeMatrix(rows, features, from, to, out) };
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

/** Rows [from, to) of columns, one a feature, to `out`. */
export function encodeColumns(
  columns: readonly ArrayLike<unknown>[],
  features: readonly Encoded[],
  from: number,
  to: number,
  out: Float32Array,
): void {
  const width = features.length;
  // blocks of rows, so that the strided writes of one block stay in the cache
  const block = Math.max(16, Math.floor(4096 / width));
  for (let start = from; start < to; start += block) {
    const end = Math.min(start + block, to);
    for (let f = 0; f < width; f++)
      encodeColumn(columns[f], features[f], start, end, out, (start - from) * width + f, width);
  }
}

function encodeColumn(
  column: ArrayLike<unknown>,
  feature: Encoded,
  from: number,
  to: number,
  out: Float32Array,
  at: number,
  step: number,
): void {
  const plain = feature.kind === "number";
  for (let r = from, o = at; r < to; r++, o += step) {
    const value = column[r];
    const x = plain && typeof value === "number" ? Math.fround(value) : Number.NaN;
    out[o] = x - x === 0 ? x : encodeValue(value, feature, r);
  }
}

/** Rows [from, to) of a row-major array: numbers checked, categories by index. `out` may be the array itself. */
function encodeMatrix(
  data: Float32Array | Float64Array,
  features: readonly Encoded[],
  from: number,
  to: number,
  out: Float32Array,
): void {
  const width = features.length;
  const shift = out === data ? from * width : 0;
  if (features.every((feature) => feature.kind === "number")) {
    // finite numbers only, as nearly always: one sum tells
    const end = to * width;
    let strange = 0;
    for (let i = from * width, o = shift; i < end; i++, o++) {
      const x = Math.fround(data[i] as number);
      out[o] = x;
      strange += x - x;
    }
    if (strange === 0) return;
  }
  let i = from * width;
  let o = shift;
  for (let r = from; r < to; r++) {
    for (let f = 0; f < width; f++, i++, o++) {
      const feature = features[f] as Encoded;
      const x = Math.fround(data[i] as number);
      out[o] = x - x === 0 && feature.kind === "number" ? x : encodeIndexed(data[i], feature, r);
    }
  }
}

/**
 * One row to `out[at .. at + features.length)`. `index` is the row's number for messages; below 0: a row on its own.
 */
export function encodeRow(row: Row, features: readonly Encoded[], out: Float32Array, at = 0, index = -1): void {
  if (isColumn(row)) {
    if (row.length !== features.length) {
      const names = list(features.map((feature) => feature.name));
      throw new RangeError(`${place(index)}expected ${features.length} values (${names}), got ${row.length}`);
    }
    for (let f = 0; f < features.length; f++) out[at + f] = encodeIndexed(row[f], features[f] as Encoded, index);
    return;
  }
  const object = checkRow(row, index);
  for (let f = 0; f < features.length; f++) {
    const feature = features[f] as Encoded;
    let value = object[feature.name];
    if (typeof value === "number" && feature.kind === "number") {
      const x = Math.fround(value);
      if (x - x === 0) {
        out[at + f] = x;
        continue;
      }
    } else if (typeof value === "function" || typeof value === "object") value = own(object, feature.name);
    out[at + f] = encodeValue(value, feature, index);
  }
}

/** One value of a row that is an array: as encodeValue, but a number in the place of a category is its index. */
function encodeIndexed(value: unknown, feature: Encoded, index: number): number {
  if (feature.kind === "category" && typeof value === "number" && !Number.isNaN(value)) {
    const count = feature.categories?.length ?? 0;
    if (Number.isInteger(value) && value >= 0 && value < count) return value;
    throw new RangeError(
      `${place(index)}${quote(feature.name)} expected a category or its index, 0 to ${count - 1}, got ${show(value)}`,
    );
  }
  return encodeValue(value, feature, index);
}

/** One value by its feature: the number, the category's index, or NaN for a missing one where the feature allows that. */
function encodeValue(value: unknown, feature: Encoded, index: number): number {
  if (value === undefined || value === null || Number.isNaN(value)) {
    if (feature.missing !== "error") return Number.NaN;
    throw badNumber(feature.name, value, index);
  }
  if (feature.kind === "category") {
    if (typeof value !== "string" && typeof value !== "boolean" && !Number.isFinite(value)) {
      throw new TypeError(`${place(index)}${quote(feature.name)} expected a category (a string), got ${show(value)}`);
    }
    const codes = categoryCodes(feature);
    const code = codes.get(String(value)) ?? (feature.unknown === undefined ? undefined : codes.get(feature.unknown));
    if (code === undefined) {
      const where = index < 0 ? "" : ` (row ${index})`;
      throw new RangeError(
        `unknown category ${show(String(value))} for ${quote(feature.name)}${where}; known: ${list(feature.categories ?? [])}`,
      );
    }
    return code;
  }
  if (typeof value === "number") {
    const x = Math.fround(value);
    if (x - x === 0) return x;
  }
  throw badNumber(feature.name, value, index);
}

const codesOf = new WeakMap<readonly string[], Map<string, number>>();

function categoryCodes(feature: Encoded): Map<string, number> {
  const categories = feature.categories ?? [];
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
  if (typeof value === "number") {
    if (Number.isFinite(value)) return new RangeError(`${what}${value}, beyond float32 (largest 3.4e38)`);
    return new RangeError(`${what}${value}`);
  }
  if (value === undefined) return new TypeError(`${what}missing`);
  if (value === null) return new TypeError(`${what}missing (null)`);
  if (typeof value === "string") {
    return new TypeError(`${what}${show(value)}, a string: give a number, or declare { categories: "auto" } for it`);
  }
  return new TypeError(`${what}${show(value)}, not a number`);
}

function place(index: number): string {
  return index < 0 ? "" : `row ${index}: `;
}

function isColumn(value: unknown): value is ArrayLike<unknown> {
  if (Array.isArray(value)) return true;
  return (
    ArrayBuffer.isView(value) &&
    !(value instanceof DataView) &&
    !(value instanceof BigInt64Array) &&
    !(value instanceof BigUint64Array)
  );
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
