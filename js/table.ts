// Rows with names, for what learns from them. In: row objects or columns; out: columns by name, whichever way they came, and their numbers.

import { isPlain, list, quote, suggest, tagOf, typeError } from "./errors.js";
import { badNumber, type Columns, checkRow, columnsOf, own, type Rows } from "./rows.js";

/** Rows with names, whichever way they came. */
export interface Table {
  readonly n: number;
  /** Every column name, in order of first appearance. */
  readonly names: readonly string[];
  has(name: string): boolean;
  /** The values of a column; for row objects a new array. */
  column(name: string): ArrayLike<unknown>;
  /** The row objects, when the rows came as objects. */
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
}

const tables = new WeakSet<object>();

/** Reads rows or columns into a table. Columns must be of equal length; typed arrays are kept, not copied. */
export function readTable(rows: Rows | Table): Table {
  if (tables.has(rows)) return rows as Table;
  const table = Array.isArray(rows) ? rowTable(rows) : columnTable(rows as Columns);
  tables.add(table);
  return table;
}

function rowTable(rows: readonly Readonly<Record<string, unknown>>[]): Table {
  let names: string[] | undefined;
  const first = rows.length > 0 ? checkRow(rows[0], 0) : {};
  return {
    n: rows.length,
    rows,
    get names() {
      if (names === undefined) {
        const all = new Set<string>();
        for (let r = 0; r < rows.length; r++) {
          for (const name of Object.keys(checkRow(rows[r], r))) all.add(name);
        }
        names = [...all];
      }
      return names;
    },
    has(name) {
      return Object.hasOwn(first, name) || own(first, name) !== undefined || this.names.includes(name);
    },
    column(name) {
      const values = new Array<unknown>(rows.length);
      for (let r = 0; r < rows.length; r++) values[r] = own(checkRow(rows[r], r), name);
      return values;
    },
  };
}

function columnTable(columns: Columns): Table {
  const { n } = columnsOf(columns);
  const names = Object.keys(columns);
  return {
    n,
    names,
    has: (name) => Object.hasOwn(columns, name),
    column(name) {
      if (!Object.hasOwn(columns, name)) throw noColumn(name, names);
      return columns[name];
    },
  };
}

/** Names and what is said of them, from an object or a Map of any realm. */
export function entriesOf<T>(given: unknown, where: string): [string, T][] {
  if (tagOf(given) === "Map") return [...(given as ReadonlyMap<string, T>)];
  if (isPlain(given)) return Object.entries(given);
  throw typeError(where, "an object or a Map of constraints by column name", given);
}

/** A RangeError for a name that is not among the columns, with the one that may be meant. */
export const noColumn = (name: string, names: readonly string[], what = "column"): RangeError =>
  new RangeError(`no ${what} ${quote(name)} in the rows${suggest(name, names) || `; columns: ${list(names)}`}`);

/** Numbers in an array of their own kind. */
export type Floats = Float32Array | Float64Array;

/** The values of a numeric column, all finite and within float32. A Float32Array or Float64Array comes back as it is. */
export function numericColumn(table: Table, name: string): Floats {
  if (!table.has(name)) throw noColumn(name, table.names);
  const column = table.column(name);
  const out = column instanceof Float64Array || column instanceof Float32Array ? column : new Float64Array(table.n);
  for (let r = 0; r < table.n; r++) {
    const value = column[r];
    const x = typeof value === "number" ? Math.fround(value) : Number.NaN;
    if (x - x !== 0) throw badNumber(name, value, r);
    if (out !== column) out[r] = value as number;
  }
  return out;
}
