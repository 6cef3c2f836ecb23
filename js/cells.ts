// What the records of a CSV file hold, for the command line and the playground. In: a header and records, cells as text; out: numbers and
// categories, or a complaint that names file, line and column and says how to mend it. How a file is read and split into cells is the caller's.

import { list, quote } from "./errors.js";
import { LARGEST } from "./format.js";

/** A file cannot be read or written, or holds something that cannot be used. */
export class InputError extends Error {
  override name = "InputError";
}

/** One record and the line it ends on, counted from 1. */
export interface CsvRecord {
  cells: string[];
  line: number;
}

/** What a complaint needs to know of a file. */
export interface CellSource {
  /** For messages: the path, or "stdin". */
  name: string;
  /** Cells that mean "missing". */
  missing: ReadonlySet<string>;
}

/** What a column holds, and whether empty cells are allowed. */
export interface ColumnKind {
  name: string;
  kind: "number" | "category";
  missing: boolean;
  /** Known categories, when others are an error. */
  known?: ReadonlySet<string>;
  /** A feature of a model: it is what it was in training. */
  fitted?: boolean;
  /** A target or a weight: nothing stands in for a missing one. It refuses a number that it cannot be; `where`: file and line. */
  check?: (value: number, where: string) => void;
}

/** The ends of messages: what the reader's user can do, in the reader's words. */
export interface Remedies {
  /** To allow empty cells in a column: "or …". */
  allow(column: string): string;
  /** Where a cell looks like one that means missing: "if that means missing, …"; `allowed`: empty cells of the column are. */
  na(cell: string, column: string, allowed: boolean): string;
  /** To read a column as words: "or make it a category…". */
  category(column: string): string;
}

/** The line that a record ends on, from the line where the one before ended. */
export function lineAfter(line: number, cells: readonly string[]): number {
  let end = line + 1;
  for (const cell of cells) if (cell.includes("\n")) end += cell.split("\n").length - 1;
  return end;
}

/** Refuses a file without a header, and names that stand twice in one. */
export function checkHeader(name: string, header: readonly string[] | undefined): asserts header is readonly string[] {
  if (header === undefined)
    throw new InputError(`${name} is empty: expected a header line with the names of the columns`);
  if (/^sep=.?$/i.test(header[0] as string) && header.slice(1).every((column) => column === ""))
    throw new InputError(`${name}: the first line tells spreadsheets what separates the cells: remove it`);
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
}

/** What csv-parse complains of, in words of its own for the common mistakes. */
export function csvFailure(name: string, error: Error & { code?: unknown; lines?: unknown }): InputError {
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

/** What files that are no text begin with (-1: any byte), and what their user can do. */
const STARTS: [number[], string][] = [
  [[0xff, 0xfe], "UTF-16: save it as UTF-8 (iconv -f utf-16 -t utf-8)"],
  [[0xfe, 0xff], "UTF-16: save it as UTF-8 (iconv -f utf-16 -t utf-8)"],
  [[0x50, 0x4b, 3, 4], "a zip archive: unpack it first (unzip -p FILE | isotone … -)"],
  [[0x28, 0xb5, 0x2f, 0xfd], "packed by zstd: unpack it first (zstd -dc FILE | isotone … -)"],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "packed by xz: unpack it first (xz -dc FILE | isotone … -)"],
  [[0x42, 0x5a, 0x68, -1, 0x31, 0x41, 0x59], "packed by bzip2: unpack it first (bzip2 -dc FILE | isotone … -)"],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file: save it as CSV"],
  [[0xd0, 0xcf, 0x11, 0xe0], "a spreadsheet: save the sheet as CSV"],
];

/** Refuses what its first bytes tell to be no text. */
export function checkStart(name: string, start: Uint8Array): void {
  const found = STARTS.find(([bytes]) => bytes.every((byte, i) => byte < 0 || start[i] === byte));
  if (found === undefined) return;
  const sheet = /\.(xls[xmb]|ods)$/i.test(name);
  throw new InputError(`${name} is ${sheet ? "a spreadsheet: save the sheet as CSV" : found[1]}`);
}

/** A NUL byte is UTF-8, and in no table. */
export function holdsNul(name: string): InputError {
  return new InputError(
    `${name} holds NUL bytes: is it UTF-16 without a mark (iconv -f utf-16le -t utf-8), or no text?`,
  );
}

export function notText(name: string): InputError {
  return new InputError(`${name} is not UTF-8 text: save it as UTF-8 (from Windows-1252: iconv -f cp1252 -t utf-8)`);
}

/** Checks records some at a time: as wide as the header; blank lines are allowed only at the end, and left out. */
export function recordChecker(name: string, header: readonly string[]): (records: CsvRecord[]) => CsvRecord[] {
  let blank = 0;
  return (records) => {
    let kept = blank > 0 ? 0 : records.length;
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
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** What a cell says as a number; NaN where it is none. */
export function numberIn(cell: string): number {
  const text = cell.trim();
  return NUMBER.test(text) ? Number(text) : Number.NaN;
}

/** What a cell that means "missing" is. */
export const emptiness = (cell: string): string => (cell === "" ? "empty" : `${quote(cell)}, which means missing`);

/** One cell: a number (NaN: missing), or a category (null: missing). */
export function readCell(
  file: CellSource,
  cell: string,
  line: number,
  column: ColumnKind,
  remedies: Remedies,
): number | string | null {
  if (file.missing.has(cell)) {
    if (column.missing) return column.kind === "number" ? Number.NaN : null;
    const where = `${file.name}, line ${line}: ${quote(column.name)} is ${emptiness(cell)}: fill it in`;
    if (column.check) throw new InputError(`${where}, or leave the row out`);
    throw new InputError(
      `${where}${column.known || column.kind === "number" ? "" : " or give it a word"}, ${remedies.allow(column.name)}`,
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
  const value = numberIn(cell);
  if (Math.abs(value) <= LARGEST) {
    column.check?.(value, `${file.name}, line ${line}`);
    return value;
  }
  throw new InputError(
    `${file.name}, line ${line}: ${quote(column.name)} is ${quote(cell)}${whyNot(cell, value, column, remedies)}`,
  );
}

/** Whether a cell is what many files write for a missing value. */
export const looksMissing = (text: string) => /^(na|nan|null|none|n\/a|-|\?|\.)$/i.test(text);

/** Why a cell is no number that can be used, and what to do. */
function whyNot(cell: string, value: number, column: ColumnKind, remedies: Remedies): string {
  const { name, check, fitted, missing } = column;
  const text = cell.trim();
  if (!Number.isNaN(value)) return ", beyond float32 (largest 3.4e38): give it in a larger unit";
  if (looksMissing(text))
    return check
      ? ": fill it in, or leave the row out"
      : `: if that means missing, ${remedies.na(cell, name, missing)}`;
  if (/^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text)) return ": write numbers without thousands separators";
  if (/^[+-]?\d+,\d+$/.test(text)) return ": write numbers with a decimal point, not a comma";
  return check || fitted ? ", not a number" : `, not a number: leave the column out, ${remedies.category(name)}`;
}
