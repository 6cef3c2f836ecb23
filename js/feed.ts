// Rows for the kernels. In: the caller's rows, read in ranges; out: inputs [rows][columns], targets and weights in a trainer's memory. Tables of up to
// RESIDENT numbers lie there whole. Larger ones come piece by piece, so that training needs no copy of what the caller holds already: statistics
// take pieces in order, training takes pieces that are each a sample of the whole table.
//
// The pieces of an epoch: the table is cut into blocks of 64 to 512 rows, the blocks into groups of K neighbours, K pieces in all. Every piece gets one
// block of every group, each a different one, drawn by a hash of seed, member, epoch and group. So an epoch sees each row once, and every piece is
// spread evenly over the table, whatever the rows are sorted by; inside a piece the kernels shuffle rows. A piece depends on nothing but these
// numbers: workers get the same ones.

import { CHUNK, type RawColumns, STRIDE } from "./columns.js";
import type { Block, Trainer } from "./wasm.js";

/** Numbers (rows x inputs) that lie in the kernels' memory all at once: 64 MB. */
export const RESIDENT = 1 << 24;
/** Rows of a block, at least. */
const BLOCK = 64;
/** Blocks of a piece, at least, where they are longer than that: enough to look like the whole table. 512 rows of a column are read three times as fast as 64. */
const BLOCKS = 128;
/** Numbers made between turns of the event loop: 10 to 20 ms. */
const SLICE = 2 ** 21;
/** Rows that stand for all where they come in pieces, at most. */
const SAMPLE = 32768;

export interface FeedRows {
  n: number;
  /** Inputs a row. */
  columns: number;
  raw: RawColumns;
  y: Float32Array;
  weight: Float32Array | undefined;
}

/** Addresses of rows in a trainer's memory; weight 0: none. */
export interface Place {
  x: number;
  y: number;
  weight: number;
}

/** Rows as they are sent to another trainer. */
export interface SentRows {
  x: Float32Array;
  y: Float32Array;
  weight: Float32Array | undefined;
}

export type Feed = ReturnType<typeof createFeed>;

/** Mixes a row number into 32 well-spread bits (Stafford's variant of the MurmurHash3 finaliser). */
export function keyOf(seed: number, row: number): number {
  let z = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + row) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

/** `most` numbers at once; `extra` places for rows that stay (left-out rows) after those of a piece; `twice`: after those, a second piece. */
export function createFeed(t: Trainer, rows: FeedRows, most: number, extra: number, twice: boolean) {
  const { n, columns, raw } = rows;
  const whole = n * columns <= most;
  /** Rows at once. */
  const room = whole ? n : Math.max(2 * BLOCK, Math.min(65536, Math.floor(most / 8 / columns)) & -BLOCK);
  const spare = room + extra;
  const every = Math.max(Math.ceil(n / SAMPLE), Math.ceil((4 * n * columns) / most));
  const sampled = Math.ceil(n / every);
  const size = whole ? n : Math.max(sampled, twice ? spare + room : spare);
  const x = t.floats(size * columns + 16, "rows");
  const y = t.floats(size);
  const weight = rows.weight && t.floats(size);
  let image = 0;
  let units = 0;
  const place = (at: number): Place => ({
    x: x.at + at * columns * 4,
    y: y.at + at * 4,
    weight: weight ? weight.at + at * 4 : 0,
  });

  // views are kept while the memory does not grow: pieces load blocks of few rows
  let views: Float32Array[] = [];

  /** Rows [from, to), or those that `list` names there, to the places from `at` on. */
  function load(from: number, to: number, at: number, list?: Uint32Array): void {
    if (!views[0]?.length) views = [t.f32(y), t.f32(weight ?? y)];
    const put = (values: Float32Array, out: Float32Array) => {
      if (!list) out.set(values.subarray(from, to), at);
      else for (let k = from; k < to; k++) out[at + k - from] = values[list[k]];
    };
    put(rows.y, views[0]);
    if (rows.weight) put(rows.weight, views[1]);
    for (let k = from; k < to; k += CHUNK, at += CHUNK) {
      const end = Math.min(to, k + CHUNK);
      raw.read(k, end, list);
      t.wasm.prepareColumns(image, units, raw.at, STRIDE, end - k, x.at + at * columns * 4);
    }
  }

  const block = Math.max(BLOCK, Math.floor(room / BLOCKS) & -BLOCK);
  const blocks = Math.ceil(n / block);
  const groups = Math.floor(room / block);
  const pieces = Math.ceil(blocks / groups);

  return {
    whole,
    room,
    /** Where the second piece begins. */
    spare,
    places: place(0),
    /** From now on rows become the inputs of this packed model, each in its unit (assembly/columns.ts). */
    async use(model: number, unitsAt: number, pause: () => Promise<void>): Promise<void> {
      image = model;
      units = unitsAt;
      if (!whole) return;
      const rows = Math.ceil(SLICE / columns);
      for (let from = 0; from < n; from += rows) {
        load(from, Math.min(n, from + rows), from);
        await pause();
      }
    },
    /** Rows [from, to), at most `room`. */
    range(from: number, to: number): Place {
      if (whole) return place(from);
      load(from, to, 0);
      return place(0);
    },
    /** Rows that stand for all: all of a whole table, else evenly spaced ones, in the places from 0 on. */
    some(): Place & { rows: number } {
      if (!whole) {
        const list = new Uint32Array(sampled);
        for (let k = 0; k < sampled; k++) list[k] = k * every;
        load(0, sampled, 0, list);
      }
      return { ...place(0), rows: whole ? n : sampled };
    },
    /** Puts rows where no piece comes; gives their places. In a whole table they have theirs. */
    keep(list: Uint32Array, after: number): Uint32Array {
      if (whole) return list;
      load(0, list.length, room + after, list);
      return list.map((_, i) => room + after + i);
    },
    /**
     * Loads piece `k` (counted through all epochs) of a member to the places from `base` on; gives those of the rows that are not in fold `own`,
     * counted from `base`.
     */
    piece(seed: number, member: number, k: number, foldOf: Uint8Array, own: number, base = 0): Uint32Array {
      const list = new Uint32Array(room);
      const epoch = Math.floor(k / pieces);
      const stream = keyOf(keyOf(seed, member), epoch);
      let at = 0;
      let count = 0;
      for (let g = 0; g < groups; g++) {
        const from = (g * pieces + ((k + keyOf(stream, g)) % pieces)) * block;
        const to = Math.min(n, from + block);
        if (from >= to) continue;
        load(from, to, base + at);
        for (let r = from; r < to; r++, at++) if (foldOf[r] !== own) list[count++] = at;
      }
      return list.slice(0, count);
    },
    /** What lies in the listed places. */
    pick(list: Uint32Array): SentRows {
      const part = (b: Block, k: number) => {
        const from = t.f32(b);
        const out = new Float32Array(list.length * k);
        for (let i = 0; i < list.length; i++) out.set(from.subarray(list[i] * k, (list[i] + 1) * k), i * k);
        return out;
      };
      return { x: part(x, columns), y: part(y, 1), weight: weight && part(weight, 1) };
    },
    /** What lies in places [from, to); inputs to `into` where that is given. */
    copy(from: number, to: number, into?: Float32Array<ArrayBuffer>): SentRows {
      const part = (b: Block, k: number, out = new Float32Array((to - from) * k)) => {
        out.set(t.f32({ at: b.at + from * k * 4, length: out.length }));
        return out;
      };
      return { x: part(x, columns, into), y: part(y, 1), weight: weight && part(weight, 1) };
    },
  };
}
