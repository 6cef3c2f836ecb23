// Rows that can be read again: training on all of them in constant memory. In: a source whose every iteration gives the same rows, and how a row becomes
// inputs; out: pieces for all members of the committee at once, so that one reading serves them all.
//
// A hash deals the rows into parts that fit in memory. A reading keeps one part, so that each part is a uniform sample of all rows, however
// they are sorted, and an epoch reads the source once a part. Inside a part rows are dealt to pieces as they come, the next C rows to C
// different pieces. Members train side by side; the next reading starts when all of them are through with the part.

import { CHUNK, rawColumns, STRIDE } from "./columns.js";
import { keyOf, type SentRows } from "./feed.js";
import type { Folds } from "./folds.js";
import type { Inputs } from "./inputs.js";
import { type Batches, type Sample, tableOf } from "./sample.js";
import { checkTarget, checkWeight } from "./schema.js";
import type { Source } from "./source.js";
import { readTable, type Table } from "./table.js";
import type { Target } from "./target.js";
import type { Block, Trainer } from "./wasm.js";

/** Rows of a piece, at most. */
const PIECE = 16384;

export interface ReadingsPlan {
  batches: Batches;
  /** Rows that the first reading gave. */
  rows: number;
  columns: number;
  names: readonly string[];
  /** Numbers (rows x inputs) of a part. */
  most: number;
  seed: number;
  /** Writes inputs, targets and weights of a table of CHUNK rows at most to `out`; `rowOf` gives their numbers, for messages. */
  put(table: Table, out: SentRows, rowOf: (i: number) => number): void;
  weighted: boolean;
  foldOf(row: number): number;
  members: number;
  pause(): Promise<void>;
}

/** Whether the rows come once more: a generator that has ended gives none. */
export async function comesAgain(batches: Batches): Promise<boolean> {
  try {
    for await (const batch of batches) if (tableOf(batch).n > 0) return true;
  } catch {
    // a stream that cannot be opened twice
  }
  return false;
}

export type Readings = ReturnType<typeof createReadings>;

/**
 * Readings of a source that comes again, parts of `most` numbers; undefined of one that does not. Rows become the `columns` inputs that were
 * chosen, by way of raw columns in `room`, as those of the sample did; every target and weight is checked.
 */
export function readAgain(
  t: Trainer,
  { again, rows, sample, schema, weight, toMeanOne }: Source,
  target: Target,
  { image, unitsAt }: Inputs,
  columns: number,
  room: Block,
  folds: Folds,
  most: number,
  pause: () => Promise<void>,
): Readings | undefined {
  if (!again) return undefined;
  const inputs = t.floats(CHUNK * columns + 16);
  return createReadings({
    batches: again,
    rows,
    columns,
    names: (sample as Sample).names,
    most,
    seed: keyOf(schema.seed, 0x70617274),
    put(part, out, rowOf) {
      rawColumns(t, part, schema.features, room).read(0, part.n);
      t.wasm.prepareColumns(image, unitsAt, room.at, STRIDE, part.n, inputs.at);
      out.x.set(t.f32({ at: inputs.at, length: part.n * columns }));
      const values = part.column(schema.target) as ArrayLike<number>;
      const cases = schema.weight === undefined ? undefined : (part.column(schema.weight) as ArrayLike<number>);
      for (let i = 0; i < part.n; i++) {
        checkTarget(schema, values[i], rowOf(i));
        // of no weight it says nothing, whatever it is
        out.y[i] = cases?.[i] === 0 ? 1 : target.unit(values[i]);
        if (cases && toMeanOne) {
          checkWeight(schema.weight as string, cases[i], rowOf(i));
          (out.weight as Float32Array)[i] = toMeanOne(cases[i]);
        }
      }
    },
    weighted: weight !== undefined,
    foldOf: folds.by,
    members: folds.members,
    pause,
  });
}

export function createReadings(p: ReadingsPlan) {
  const { columns, rows, members } = p;
  const room = Math.min(PIECE, Math.max(64, Math.floor(p.most / columns / 8)));
  const pieces = Math.max(1, Math.floor(p.most / columns / room));
  const capacity = room * pieces;
  // the hash deals a part more or fewer rows than its share: six standard deviations of room
  const parts = Math.ceil(rows / (capacity - 6 * Math.sqrt(capacity)));
  const part = (values: Float32Array, from: number, to: number, k: number) => values.subarray(from * k, to * k);
  const all: SentRows = {
    x: new Float32Array(capacity * columns),
    y: new Float32Array(capacity),
    weight: p.weighted ? new Float32Array(capacity) : undefined,
  };
  const fold = new Uint8Array(capacity);
  const filled = new Uint32Array(pieces);
  const chunk: SentRows = {
    x: new Float32Array(CHUNK * columns),
    y: new Float32Array(CHUNK),
    weight: all.weight && new Float32Array(CHUNK),
  };

  /** Reads part `q`, counted through all epochs. */
  async function read(q: number): Promise<void> {
    filled.fill(0);
    let seen = 0;
    let taken = 0;
    const chosen = new Uint32Array(CHUNK);
    for await (const batch of p.batches) {
      const table = tableOf(batch);
      const sources = p.names.map((name) => table.column(name));
      let count = 0;
      const flush = () => {
        const of = (source: ArrayLike<unknown>) => {
          const out = source instanceof Float64Array || source instanceof Float32Array ? new Float64Array(count) : [];
          for (let i = 0; i < count; i++) out[i] = source[chosen[i]] as number;
          return out;
        };
        p.put(
          readTable(Object.fromEntries(p.names.map((name, c) => [name, of(sources[c])]))),
          chunk,
          (i) => seen + chosen[i],
        );
        for (let i = 0; i < count; i++, taken++) {
          const k = (taken + keyOf(q, Math.floor(taken / pieces))) % pieces;
          if (filled[k] === room) continue;
          const at = k * room + filled[k]++;
          all.x.set(part(chunk.x, i, i + 1, columns), at * columns);
          all.y[at] = chunk.y[i];
          if (all.weight) all.weight[at] = (chunk.weight as Float32Array)[i];
          fold[at] = p.foldOf(seen + chosen[i]);
        }
        count = 0;
      };
      for (let r = 0; r < table.n; r++) {
        if (keyOf(p.seed, seen + r) % parts !== q % parts) continue;
        chosen[count++] = r;
        if (count === CHUNK) flush();
      }
      if (count > 0) flush();
      seen += table.n;
      await p.pause();
    }
    if (seen !== rows) {
      throw new RangeError(
        `"rows" gave ${rows} rows when read first and ${seen} when read again: they must stay the same`,
      );
    }
  }

  let now = -1;
  let training = members;
  let waiting: (() => void)[] = [];
  let failure: unknown;
  /** Reads the next part once all members that still train wait for it. */
  async function turn(): Promise<void> {
    if (waiting.length < training) return;
    const all = waiting;
    waiting = [];
    try {
      await read(++now);
    } catch (error) {
      failure = error;
    }
    for (const go of all) go();
  }

  return {
    room,
    parts,
    pieces,
    /** Steps that go through `reads` parts, of which a member trains on a share: the last batch of a piece is a short one. */
    stepsOf(reads: number, share: number, batch: number): number {
      return Math.ceil(reads * pieces * ((share * rows) / (parts * pieces * batch) + 1));
    },
    /**
     * The next piece of member `e`, by calls: its rows, and the places of those to train on, none of those in fold `own`. A part gives `quota` pieces,
     * its own `pieces` in turn, before the next is read; after `last` parts the last one goes on.
     */
    piecesOf(
      e: number,
      own: number,
      last: number,
      quota = pieces,
    ): () => Promise<{ rows: SentRows; list: Uint32Array }> {
      let k = quota;
      let q = -1;
      return async () => {
        if (k === quota) {
          k = 0;
          if (q < last - 1) {
            q++;
            const ready = new Promise<void>((resolve) => waiting.push(resolve));
            turn();
            await ready;
          }
          if (failure) throw failure;
        }
        // each member in an order of its own
        const c = (k++ + e * Math.ceil(pieces / members)) % pieces;
        const from = c * room;
        const list = new Uint32Array(filled[c]);
        let count = 0;
        for (let i = 0; i < filled[c]; i++) if (fold[from + i] !== own) list[count++] = i;
        const to = from + filled[c];
        const { x, y, weight } = all;
        return {
          rows: { x: part(x, from, to, columns), y: part(y, from, to, 1), weight: weight && part(weight, from, to, 1) },
          list: list.subarray(0, count),
        };
      };
    },
    /** Member is through: the others wait for it no longer. */
    done(): void {
      training--;
      if (training > 0) turn();
    },
  };
}
