// The caller's rows in a trainer's memory, as raw columns: what scaling and training read. In: a table and its features; out: CHUNK rows at a time,
// every column in one stretch, float32 (a category is its number, a missing value NaN). Every value is checked on the way, as in rows.ts.
//
// Columns of numbers take a short way: typed arrays are copied whole stretches at a time, arrays of numbers by a loop that only looks at the type, and the
// kernel looks for what is not finite. 1 and 3 ns a value where rows.ts takes 9. What that turns down goes through rows.ts, value by value.

import { type Encoded, encodeRow, encodeValue } from "./rows.js";
import type { Table } from "./table.js";
import type { Block, Trainer } from "./wasm.js";

/** Rows at once. */
export const CHUNK = 1024;
/** Bytes from one column to the next: no power of two, or a row's values would all fall to the same few lines of the cache. */
export const STRIDE = (CHUNK + 16) * 4;

export interface RawColumns {
  /** Address of the first column; the next one begins STRIDE bytes further. */
  at: number;
  /** Loads rows [from, to), at most CHUNK; with `list` those whose numbers stand there. */
  read(from: number, to: number, list?: ArrayLike<number>): void;
}

/** Room for the raw columns of `width` features, and for float64 of one. */
export const roomForColumns = (t: Trainer, width: number): Block => t.floats((width * STRIDE) / 4 + 2 * CHUNK);

/** The rows of a table as raw columns in `room`. */
export function rawColumns(t: Trainer, table: Table, features: readonly Encoded[], room: Block): RawColumns {
  const { rows } = table;
  const columns = rows ? [] : features.map(({ name }) => table.column(name));
  const one = new Float32Array(features.length);
  const wide = { at: room.at + features.length * STRIDE, length: CHUNK };
  let out = t.f32(room);
  let doubles = t.f64(wide);

  /** Copies numbers of a column to float `at` of the room; false where some are none, or not finite. */
  function copy(column: ArrayLike<unknown>, from: number, to: number, at: number): boolean {
    const { wasm } = t;
    if (column instanceof Float64Array) {
      doubles.set(column.subarray(from, to));
      return wasm.narrow(wide.at, to - from, room.at + at * 4) !== 0;
    }
    return copyNumbers(column, from, to, out, at) && wasm.allFinite(room.at + at * 4, to - from) !== 0;
  }

  return {
    at: room.at,
    read(from, to, list) {
      // the view is void once the memory has grown
      if (out.length === 0) [out, doubles] = [t.f32(room), t.f64(wide)];
      if (rows) {
        for (let k = from; k < to; k++) {
          const r = list ? list[k] : k;
          encodeRow(rows[r], features, one, 0, r);
          for (let f = 0; f < one.length; f++) out[(f * STRIDE) / 4 + k - from] = one[f];
        }
        return;
      }
      for (let f = 0; f < columns.length; f++) {
        const at = (f * STRIDE) / 4;
        const column = columns[f];
        const feature = features[f];
        if (feature.kind === "number" && !list && copy(column, from, to, at)) continue;
        for (let k = from; k < to; k++) {
          const r = list ? list[k] : k;
          out[at + k - from] = encodeValue(column[r], feature, r, false);
        }
      }
    },
  };
}

/** Numbers of a column to `out` from `at` on; false where something is no number. The loop would be slow once it has seen many kinds of arrays. */
function copyNumbers(column: ArrayLike<unknown>, from: number, to: number, out: Float32Array, at: number): boolean {
  if (ArrayBuffer.isView(column)) {
    out.set((column as unknown as Float32Array).subarray(from, to), at);
    return true;
  }
  for (let r = from; r < to; r++, at++) {
    const value = column[r];
    if (typeof value !== "number") return false;
    out[at] = value;
  }
  return true;
}
