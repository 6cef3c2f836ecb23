// Records of a CSV file to columns of checked numbers and categories: all rows at once, or batches where they would not fit in memory.

import { type ColumnKind, readCell } from "./cells.js";
import type { CsvFile, CsvRecord } from "./csv.js";
import { plural, progressBar } from "./output.js";

/** A list of numbers that grows in place. */
class Numbers {
  #values = new Float64Array(1024);
  #n = 0;
  push(value: number): void {
    if (this.#n === this.#values.length) {
      const more = new Float64Array(this.#n * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.#n++] = value;
  }
  take(): Float64Array {
    return this.#values.subarray(0, this.#n);
  }
}

/** Columns by name, as `fit` takes them. */
export type ReadColumns = Record<string, Float64Array | (string | null)[]>;

/** Gathers checked cells into columns, 8 bytes a number. */
class Gatherer {
  n = 0;
  #file: CsvFile;
  #kinds: readonly ColumnKind[];
  #places: number[];
  #stores: (Numbers | (string | null)[])[] = [];
  // the same category is one string in memory
  #interned = new Map<string, string>();
  constructor(file: CsvFile, kinds: readonly ColumnKind[]) {
    this.#file = file;
    this.#kinds = kinds;
    this.#places = kinds.map((kind) => file.header.indexOf(kind.name));
    this.#clear();
  }
  #clear(): void {
    this.n = 0;
    this.#stores = this.#kinds.map((kind) => (kind.kind === "number" ? new Numbers() : []));
  }
  add(records: readonly CsvRecord[]): void {
    for (const { cells, line } of records) {
      for (let k = 0; k < this.#kinds.length; k++) {
        const value = readCell(this.#file, cells[this.#places[k]], line, this.#kinds[k]);
        const store = this.#stores[k];
        if (store instanceof Numbers) store.push(value as number);
        else if (value === null) store.push(null);
        else {
          let word = this.#interned.get(value as string);
          if (word === undefined) {
            word = value as string;
            this.#interned.set(word, word);
          }
          store.push(word);
        }
      }
    }
    this.n += records.length;
  }
  /** The columns so far; starts anew. */
  take(): ReadColumns {
    const columns = this.#kinds.map((kind, k): [string, Float64Array | (string | null)[]] => {
      const store = this.#stores[k];
      return [kind.name, store instanceof Numbers ? store.take() : store];
    });
    this.#clear();
    return Object.fromEntries(columns);
  }
}

/** Cells kept in memory at once: 16 million, 128 MB as numbers. */
const MOST_CELLS = 1 << 24;

/** Rows for `fit`: all of them where they fit in memory, else batches that are read as they are asked for, from a file each time anew. */
export interface ReadRows {
  rows: ReadColumns | AsyncIterable<ReadColumns>;
  /** Rows read so far; all of them once batches have run out. */
  n: () => number;
}

/** Reads the rest of a file; more than `most` cells become batches. */
export async function readRows(file: CsvFile, kinds: readonly ColumnKind[], most = MOST_CELLS): Promise<ReadRows> {
  const gatherer = new Gatherer(file, kinds);
  const bar = progressBar();
  for (;;) {
    const { done, value } = await file.records.next();
    if (gatherer.n > 0) bar.draw(undefined, `reading ${file.name}: ${plural(gatherer.n, "row")}`);
    if (done) {
      bar.clear();
      const { n } = gatherer;
      return { rows: gatherer.take(), n: () => n };
    }
    gatherer.add(value);
    if (gatherer.n * kinds.length > most) break;
  }
  bar.clear();
  let n = gatherer.n;
  async function* from(source: CsvFile, all: Gatherer): AsyncGenerator<ReadColumns> {
    let count = all.n;
    if (count > 0) yield all.take();
    for await (const records of source.records) {
      all.add(records);
      count += records.length;
      n = Math.max(n, count);
      if (all.n * kinds.length >= 1 << 18) yield all.take();
    }
    if (all.n > 0) yield all.take();
  }
  const first = from(file, gatherer);
  const { reopen } = file;
  if (reopen === undefined) return { rows: first, n: () => n };
  async function* again(open: () => Promise<CsvFile>): AsyncGenerator<ReadColumns> {
    const source = await open();
    yield* from(source, new Gatherer(source, kinds));
  }
  let started = false;
  const iterate = () => {
    if (started) return again(reopen);
    started = true;
    return first;
  };
  return { rows: { [Symbol.asyncIterator]: iterate }, n: () => n };
}

/** All rows of a file in memory. */
export async function readColumns(
  file: CsvFile,
  kinds: readonly ColumnKind[],
): Promise<{ columns: ReadColumns; n: number }> {
  const { rows, n } = await readRows(file, kinds, Number.POSITIVE_INFINITY);
  return { columns: rows as ReadColumns, n: n() };
}

/** Records and their feature columns, some at a time. */
export interface Batch {
  records: CsvRecord[];
  columns: Record<string, (number | string | null)[]>;
}

/** The rest of a file in batches: what a model needs as columns, beside the records as they are. */
export async function* batches(file: CsvFile, kinds: readonly ColumnKind[]): AsyncGenerator<Batch> {
  const places = kinds.map((kind) => file.header.indexOf(kind.name));
  for await (const records of file.records) {
    if (records.length === 0) continue;
    const columns = kinds.map((kind, k): [string, (number | string | null)[]] => [
      kind.name,
      records.map(({ cells, line }) => readCell(file, cells[places[k] as number] as string, line, kind)),
    ]);
    yield { records, columns: Object.fromEntries(columns) };
  }
}
