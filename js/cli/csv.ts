// CSV files as streams. In: a path or "-" (stdin), plain or gzipped, UTF-8; out: a header and records with their line numbers, or columns of
// checked numbers and categories. Every complaint names file, line and column and says how to mend it.

import { isUtf8 } from "node:buffer";
import { createReadStream, statSync } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CsvError, type Parser, parse } from "csv-parse";
import { stringify } from "csv-stringify/sync";
import { list, quote, suggest } from "../errors.js";
import { fileError, InputError, UsageError } from "./errors.js";
import { progressBar, say } from "./output.js";

export interface CsvOptions {
  delimiter?: string;
  /** Words that mean "missing" beside the empty cell. */
  na?: readonly string[];
}

/** One record and the line it ends on, counted from 1. */
export interface CsvRecord {
  cells: string[];
  line: number;
}

/** An open CSV file. */
export interface CsvFile {
  /** For messages: the path, or "stdin". */
  name: string;
  header: string[];
  /** The records after the header, some at a time. */
  records: AsyncGenerator<CsvRecord[], void, undefined>;
  missing: ReadonlySet<string>;
  /** Opens it once more, from the start; not what can be read once only. */
  reopen?: () => Promise<CsvFile>;
}

/** Opens a CSV file and reads its header. */
export async function openCsv(path: string, options: CsvOptions = {}): Promise<CsvFile> {
  const name = path === "-" ? "stdin" : path;
  const delimiter = options.delimiter ?? ",";
  const parser = parse({
    bom: true,
    delimiter,
    relax_column_count: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    max_record_size: 1 << 26,
  });
  pipeline(Readable.from(checkedText(name, bytes(path))), parser, () => {});
  const records = recordsOf(name, parser);
  const first = (await records.next()).value ?? [];
  const header = first.shift()?.cells;
  if (header === undefined)
    throw new InputError(`${name} is empty: expected a header line with the names of the columns`);
  const seen = new Map<string, number>();
  header.forEach((column, i) => {
    const before = seen.get(column);
    if (before !== undefined) {
      throw new InputError(
        `${name}: the header has ${quote(column)} twice (columns ${before + 1} and ${i + 1}): rename one of them`,
      );
    }
    seen.set(column, i);
  });
  if (header.length === 1) {
    const other = [";", "\t", "|", ","].find((d) => d !== delimiter && (header[0] as string).includes(d));
    if (other !== undefined) {
      say(
        `note: ${name} has one column, ${quote(header[0] as string)}; did you mean --delimiter ${other === "\t" ? "tab" : `"${other}"`}?`,
      );
    }
  }
  const file: CsvFile = {
    name,
    header,
    records: body(name, header, first, records),
    missing: new Set(["", ...(options.na ?? [])]),
  };
  if (path !== "-" && statSync(path).isFile()) file.reopen = () => openCsv(path, options);
  return file;
}

async function* bytes(path: string): AsyncGenerator<Uint8Array> {
  if (path === "-" && process.stdin.isTTY) say("reading CSV from the terminal; end with Ctrl-D");
  const source = path === "-" ? process.stdin : createReadStream(path, { highWaterMark: 1 << 15 });
  try {
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (error) {
    throw fileError("read", path === "-" ? "stdin" : path, error);
  }
}

/** Unpacks gzip and refuses what is not UTF-8. */
async function* checkedText(name: string, source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first = await source.next();
  if (first.done) return;
  const start = first.value;
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield start;
    yield* source;
  }
  const packed = start[0] === 0x1f && start[1] === 0x8b;
  let text: AsyncIterable<Uint8Array> = whole();
  if (packed) {
    const gunzip = createGunzip();
    pipeline(Readable.from(whole()), gunzip, () => {});
    text = gunzip;
  }
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) {
    throw new InputError(`${name} is UTF-16: save it as UTF-8 (iconv -f utf-16 -t utf-8)`);
  }
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of text) {
      const joined = rest.length > 0 ? join(rest, chunk) : chunk;
      const end = completeEnd(joined);
      const part = joined.subarray(0, end);
      if (!isUtf8(part) || part.includes(0)) throw notText(name);
      rest = joined.subarray(end);
      yield part;
    }
  } catch (error) {
    if (error instanceof InputError || !packed) throw error;
    throw new InputError(`cannot unpack ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (rest.length > 0) throw notText(name);
}

function notText(name: string): InputError {
  return new InputError(`${name} is not UTF-8 text: save it as UTF-8 (from Windows-1252: iconv -f cp1252 -t utf-8)`);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Where the last complete UTF-8 character ends. */
function completeEnd(chunk: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? chunk.length - back : chunk.length;
    }
  }
  return chunk.length;
}

/** What the parser has ready, at once: a promise for each record would cost more than parsing it. */
async function* recordsOf(name: string, parser: Parser): AsyncGenerator<CsvRecord[], void, undefined> {
  let line = 0;
  let failure: Error | undefined;
  let ended = false;
  let wake = () => {};
  parser.on("readable", () => wake());
  parser.on("end", () => {
    ended = true;
    wake();
  });
  parser.on("error", (error: Error) => {
    failure = error;
    wake();
  });
  for (;;) {
    const records: CsvRecord[] = [];
    for (let cells = parser.read() as string[] | null; cells !== null; cells = parser.read() as string[] | null) {
      line++;
      for (const cell of cells) if (cell.includes("\n")) line += cell.split("\n").length - 1;
      records.push({ cells, line });
    }
    if (records.length > 0) yield records;
    else if (failure !== undefined) throw failure instanceof CsvError ? csvFailure(name, failure) : failure;
    else if (ended) return;
    else {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
}

function csvFailure(name: string, error: CsvError): InputError {
  const line = typeof error.lines === "number" ? `, line ${error.lines}` : "";
  if (error.code === "CSV_QUOTE_NOT_CLOSED")
    return new InputError(`${name}${line}: a quote is opened and never closed`);
  if (error.code === "CSV_MAX_RECORD_SIZE") {
    return new InputError(`${name}${line}: a record is longer than 64 MB; is a quote left open?`);
  }
  if (error.code === "INVALID_OPENING_QUOTE" || error.code === "CSV_INVALID_CLOSING_QUOTE") {
    return new InputError(
      `${name}${line}: a quote inside a cell: put the whole cell in quotes and double the ones inside`,
    );
  }
  return new InputError(`${name}${line}: ${error.message}`);
}

/** Records after the header: as wide as the header; blank lines are allowed only at the end. */
async function* body(
  name: string,
  header: readonly string[],
  first: CsvRecord[],
  rest: AsyncGenerator<CsvRecord[], void, undefined>,
): AsyncGenerator<CsvRecord[], void, undefined> {
  let blank = 0;
  const check = (records: CsvRecord[]): CsvRecord[] => {
    let kept = records.length;
    for (let r = 0; r < records.length; r++) {
      const { cells, line } = records[r] as CsvRecord;
      if (cells.length === 1 && cells[0] === "" && header.length > 1) {
        if (blank === 0) {
          blank = line;
          kept = r;
        }
        continue;
      }
      if (blank > 0) throw new InputError(`${name}, line ${blank} is blank: remove it`);
      if (cells.length !== header.length) {
        const count = `${cells.length} ${cells.length === 1 ? "cell" : "cells"}`;
        throw new InputError(
          `${name}, line ${line}: ${count}, but the header has ${header.length} (${list(header, 8)})`,
        );
      }
    }
    return blank > 0 ? records.slice(0, kept) : records;
  };
  yield check(first);
  for await (const records of rest) yield check(records);
}

/** The place of a column that the command line names. */
export function columnIndex(file: CsvFile, name: string, option: string): number {
  const index = file.header.indexOf(name);
  if (index < 0) {
    throw new UsageError(
      `${option}: no column ${quote(name)} in ${file.name}${suggest(name, file.header) || `; columns: ${list(file.header)}`}`,
    );
  }
  return index;
}

/** What a column holds, and whether empty cells are allowed. */
export interface ColumnKind {
  name: string;
  kind: "number" | "category";
  missing: boolean;
  /** Known categories, when others are an error. */
  known?: ReadonlySet<string>;
  /** A target or a weight: nothing stands in for a missing one. It refuses a number that it cannot be; `where`: file and line. */
  check?: (value: number, where: string) => void;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** One cell: a number (NaN: missing), or a category (null: missing). */
export function readCell(file: CsvFile, cell: string, line: number, column: ColumnKind): number | string | null {
  if (file.missing.has(cell)) {
    if (column.missing) return column.kind === "number" ? Number.NaN : null;
    const what = cell === "" ? "empty" : `${quote(cell)}, which means missing`;
    const where = `${file.name}, line ${line}: ${quote(column.name)} is ${what}: fill it in`;
    if (column.check) throw new InputError(`${where}, or leave the row out`);
    throw new InputError(
      `${where}${column.known || column.kind === "number" ? "" : " or give it a word"}, or allow missing values when fitting (--missing ${shellWord(column.name)})`,
    );
  }
  if (column.kind === "category") {
    if (column.known !== undefined && !column.known.has(cell)) {
      throw new InputError(
        `${file.name}, line ${line}: unknown category ${quote(cell)} for ${quote(column.name)}; known: ${list([...column.known])}`,
      );
    }
    return cell;
  }
  const text = cell.trim();
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Math.abs(value) <= 3.4028234663852886e38) {
    column.check?.(value, `${file.name}, line ${line}`);
    return value;
  }
  const where = `${file.name}, line ${line}: ${quote(column.name)} is ${quote(cell)}`;
  if (!Number.isNaN(value)) throw new InputError(`${where}, beyond float32 (largest 3.4e38): give it in a larger unit`);
  if (/^(na|nan|null|none|n\/a|-|\?|\.)$/i.test(text)) {
    if (column.check) throw new InputError(`${where}: fill it in, or leave the row out`);
    throw new InputError(
      `${where}: if that means missing, say so with --na ${shellWord(cell)} and --missing ${shellWord(column.name)}`,
    );
  }
  if (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text))
    throw new InputError(`${where}: write numbers without thousands separators`);
  if (/^[+-]?\d+,\d+$/.test(text)) throw new InputError(`${where}: write numbers with a decimal point, not a comma`);
  if (column.check) throw new InputError(`${where}, not a number`);
  throw new InputError(
    `${where}, not a number: leave the column out, or make it a category (--category ${shellWord(column.name)})`,
  );
}

function shellWord(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

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
    if (gatherer.n > 0) bar.draw(undefined, `reading ${file.name}: ${gatherer.n} rows`);
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

/** Names separated by commas, in the CSV sense: a name that holds a comma or a quote is quoted. */
export function parseList(text: string): string[] {
  const names: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      const end = /^"((?:[^"]|"")*)"(?=,|$)/.exec(text.slice(at));
      if (end === null) throw new UsageError(`a quote is not closed in ${quote(text)}`);
      names.push((end[1] as string).replaceAll('""', '"'));
      at += end[0].length;
    } else {
      const comma = text.indexOf(",", at);
      const end = comma < 0 ? text.length : comma;
      names.push(text.slice(at, end));
      at = end;
    }
    if (at >= text.length) return names;
    at++;
  }
}

/** Lines of CSV output: cells are quoted where needed. */
export function csvLines(rows: readonly (readonly (string | number)[])[], delimiter = ","): string {
  // a line of one empty cell would read back as a blank line
  return stringify(rows as (string | number)[][], { delimiter, quoted_empty: rows[0]?.length === 1 });
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
