// CSV as streams. In: checked text (text.ts); out: a header and records of cells with their line numbers. Also CSV as it is written, and lists of
// names in options. Every complaint names file, line and column and says how to mend it.

import { statSync } from "node:fs";
import { pipeline, Readable, type TransformCallback } from "node:stream";
import { CsvError, type Options, Parser } from "csv-parse";
import { stringify } from "csv-stringify/sync";
import { type CellSource, type CsvRecord, checkHeader, csvFailure, lineAfter, recordChecker } from "../cells.js";
import { list, quote, suggest } from "../errors.js";
import { UsageError } from "./errors.js";
import { keep, say } from "./output.js";
import { openText } from "./text.js";

export type { CsvRecord } from "../cells.js";

export interface CsvOptions {
  delimiter?: string;
  /** Words that mean "missing" beside the empty cell. */
  na?: readonly string[];
  /** Where the result goes: not to the file itself. */
  output?: string;
}

/** An open CSV file. */
export interface CsvFile extends CellSource {
  header: string[];
  /** The records after the header, some at a time. */
  records: AsyncGenerator<CsvRecord[], void, undefined>;
  /** Opens it once more, from the start; not what can be read once only. */
  reopen?: () => Promise<CsvFile>;
}

/** What csv-parse asks before each byte: whether to wait for more, for a quote may be doubled, and CR may be CRLF. */
interface Inside {
  api: { __needMoreData(at: number, length: number, end: boolean): boolean };
}

/** csv-parse, but for a piece that ends with LF: nothing that follows belongs to it, so that the last line is there at once (tail -f log.csv |). */
class PromptParser extends Parser {
  #whole = false;
  constructor(options: Options) {
    super(options);
    const { api } = this as unknown as Inside;
    const wait = api.__needMoreData.bind(api);
    api.__needMoreData = (at, length, end) => !this.#whole && wait(at, length, end);
  }
  override _transform(piece: Buffer, encoding: BufferEncoding, done: TransformCallback): void {
    this.#whole = piece.at(-1) === 10;
    super._transform(piece, encoding, done);
  }
  override _flush(done: TransformCallback): void {
    // no line begins after the last LF: of a quote that stays open the last line is told
    if (this.#whole && this.info.lines > 1) (this.info as { lines: number }).lines--;
    super._flush(done);
  }
}

/** Opens a CSV file and reads its header. `text`: what it holds, where that is open already. */
export async function openCsv(
  path: string,
  options: CsvOptions = {},
  text?: AsyncGenerator<Uint8Array>,
): Promise<CsvFile> {
  await keep(path, options.output);
  const name = path === "-" ? "stdin" : path;
  const delimiter = options.delimiter ?? ",";
  const parser = new PromptParser({
    bom: true,
    delimiter,
    relax_column_count: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    max_record_size: 1 << 26,
  });
  pipeline(Readable.from(text ?? openText(path, name)), parser, () => {});
  const records = recordsOf(name, parser);
  const first = (await records.next()).value ?? [];
  const header = first.shift()?.cells;
  checkHeader(name, header);
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
      line = lineAfter(line, cells);
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

/** Records after the header: as wide as the header; blank lines are allowed only at the end. */
async function* body(
  name: string,
  header: readonly string[],
  first: CsvRecord[],
  rest: AsyncGenerator<CsvRecord[], void, undefined>,
): AsyncGenerator<CsvRecord[], void, undefined> {
  const check = recordChecker(name, header);
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
