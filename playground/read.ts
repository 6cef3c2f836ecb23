// A CSV file to a table of cells, as js/cli/csv.ts reads it but without Node. In: a file, plain or gzipped, UTF-8; out: a header and records with
// their lines. The event loop gets a turn after every piece.

import { parse } from "csv-parse/browser/esm";
import {
  type CsvRecord,
  checkHeader,
  checkStart,
  csvFailure,
  holdsNul,
  InputError,
  lineAfter,
  notText,
  recordChecker,
} from "../js/cells.js";
import { turn } from "../js/turn.js";

/** A file, read. */
export interface Table {
  name: string;
  delimiter: string;
  header: string[];
  records: CsvRecord[];
}

/** Characters that are parsed between two turns: about 5 ms. */
const PIECE = 1 << 14;

/** Cells that a tab should hold. */
const MOST_CELLS = 2e7;

/** Reads a file. `delimiter`: "" for whichever the first line has most of; `onRows` hears how many there are. */
export async function readTable(
  file: Blob,
  name: string,
  delimiter: string,
  onRows: (rows: number) => void,
): Promise<Table> {
  const text = await textOf(file, name);
  if (text === "") checkHeader(name, undefined);
  const separator = delimiter || likelyDelimiter(text);
  const parser = parse({
    delimiter: separator,
    relax_column_count: true,
    record_delimiter: ["\r\n", "\n", "\r"],
    max_record_size: 1 << 26,
  });
  const all: CsvRecord[] = [];
  let fresh: CsvRecord[] = [];
  let line = 0;
  const take = () => {
    for (let cells = parser.read() as string[] | null; cells !== null; cells = parser.read() as string[] | null) {
      line = lineAfter(line, cells);
      fresh.push({ cells, line });
    }
  };
  let failure: Error | undefined;
  let ended = false;
  parser.on("readable", take);
  parser.on("error", (error: Error) => {
    failure = error;
  });
  parser.on("end", () => {
    ended = true;
  });

  let header: string[] | undefined;
  let check = (records: CsvRecord[]) => records;
  const keep = () => {
    if (header === undefined && fresh.length > 0) {
      header = (fresh.shift() as CsvRecord).cells;
      checkHeader(name, header);
      check = recordChecker(name, header);
    }
    for (const record of check(fresh)) all.push(record);
    fresh = [];
    if (failure !== undefined) throw csvFailure(name, failure);
    if (all.length * (header?.length ?? 0) > MOST_CELLS)
      throw new InputError(
        `${name} has more than ${MOST_CELLS / 1e6} million cells, too many for a tab: isotone fit on the command line reads it in parts`,
      );
  };
  for (let at = 0; at < text.length; ) {
    // a surrogate without its partner would become U+FFFD
    const end = at + PIECE + (/[\ud800-\udbff]/.test(text[at + PIECE - 1] ?? "") ? 1 : 0);
    parser.write(text.slice(at, end));
    at = end;
    await turn();
    keep();
    onRows(all.length);
  }
  parser.end();
  while (!ended && failure === undefined) await turn();
  take();
  keep();
  checkHeader(name, header);
  if (all.length === 0) throw new InputError(`${name} has a header but no rows`);
  return { name, delimiter: separator, header, records: all };
}

/** Unpacks gzip and refuses what is not UTF-8. */
async function textOf(file: Blob, name: string): Promise<string> {
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  checkStart(name, start);
  let bytes: ArrayBuffer;
  if (start[0] === 0x1f && start[1] === 0x8b) {
    try {
      bytes = await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    } catch {
      // what browsers say of a stream that fails is "Failed to fetch"
      throw new InputError(`cannot unpack ${name}: it is cut short, or damaged`);
    }
  } else bytes = await file.arrayBuffer();
  let text: string;
  try {
    // drops the byte order mark
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw notText(name);
  }
  if (text.includes("\0")) throw holdsNul(name);
  return text;
}

/** The separator that the first line has most of, outside quotes; a comma where it has none. */
function likelyDelimiter(text: string): string {
  const end = /[\r\n]/.exec(text)?.index ?? text.length;
  const line = text.slice(0, end).replace(/"[^"]*"/g, "");
  const counts = [",", ";", "\t", "|"].map((mark) => ({ mark, count: line.split(mark).length - 1 }));
  return counts.reduce((most, one) => (one.count > most.count ? one : most)).mark;
}
