// Rows that isotone audit looks at. In: an open CSV file and the command's options; out: a sample of its rows as numbers, the directions asked for, and
// findings that name rows by their number in the file.

import type { Audit } from "../audit.js";
import { quote } from "../errors.js";
import { uniform } from "../random.js";
import { type ColumnKind, readCell } from "./cells.js";
import { type CsvFile, type CsvOptions, columnIndex } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { plural } from "./output.js";

/** Options of isotone audit, as commander has them. */
export interface AuditFlags extends CsvOptions {
  output?: string;
  json?: boolean;
  quiet?: boolean;
  grid?: string;
  increasing?: string[];
  decreasing?: string[];
  inputs?: string[];
  prediction?: string;
  rows: number;
  pairs: number;
  step: number;
  seed: number;
  worst: number;
  strict?: boolean;
}

/** A sample of the rows of a file, and some of its columns as numbers. */
export interface Sample {
  /** Rows of the file. */
  total: number;
  /** Of each sampled row: its number, from 1, and its cells. */
  rows: { number: number; cells: string[] }[];
  /** [rows][columns]; a missing number is NaN. */
  x: Float64Array;
}

/** Reads a file and keeps at most `most` rows, each with the same chance (reservoir sampling), in the order of the file. */
export async function sampleRows(
  file: CsvFile,
  kinds: readonly ColumnKind[],
  most: number,
  seed: number,
): Promise<Sample> {
  const random = uniform(seed);
  const places = kinds.map(({ name }) => file.header.indexOf(name));
  const kept: { number: number; cells: string[]; values: number[] }[] = [];
  let total = 0;
  for await (const records of file.records) {
    for (const { cells, line } of records) {
      const values = kinds.map((kind, k) => {
        const value = readCell(file, cells[places[k]], line, kind);
        return typeof value === "number" ? value : value === null ? Number.NaN : [...(kind.known ?? [])].indexOf(value);
      });
      total++;
      const place = kept.length < most ? kept.length : Math.floor(random() * total);
      if (place < most) kept[place] = { number: total, cells, values };
    }
  }
  if (total === 0) throw new InputError(`${file.name} has a header but no rows`);
  kept.sort((a, b) => a.number - b.number);
  return { total, rows: kept, x: Float64Array.from(kept.flatMap(({ values }) => values)) };
}

/** The columns with a direction, in the order of the file: 1 up, -1 down. */
export function directions(file: CsvFile, flags: AuditFlags): Map<string, 1 | -1> {
  const signs = new Map<string, 1 | -1>();
  for (const [kind, sign] of [
    ["increasing", 1],
    ["decreasing", -1],
  ] as const) {
    for (const name of flags[kind] ?? []) {
      columnIndex(file, name, `--${kind}`);
      if (signs.get(name) === -sign)
        throw new UsageError(`${quote(name)} is both --increasing and --decreasing: choose one`);
      signs.set(name, sign);
    }
  }
  if (signs.size === 0) throw new UsageError("say which columns have a direction: --increasing or --decreasing");
  return new Map([...signs].sort(([a], [b]) => file.header.indexOf(a) - file.header.indexOf(b)));
}

/** Columns of numbers, of which some may be missing. */
export const numbers = (columns: Iterable<string>): ColumnKind[] =>
  [...columns].map((name) => ({ name, kind: "number", missing: true }));

/** What the audits of a model or an ONNX file ask of js/audit.ts. */
export const auditOptions = ({ pairs, step, seed, worst }: AuditFlags) =>
  ({ pairs, step, seed, worst, missing: "pass" }) as const;

/** Findings with the numbers of rows in the file, from 1. */
export interface Found {
  report: Audit;
  notes: string[];
}

/** The findings on a sample. */
export function foundIn(report: Audit, sample: { total: number; rows: readonly { number: number }[] }): Found {
  const numbered = { ...report, worst: report.worst.map((w) => ({ ...w, row: sample.rows[w.row].number })) };
  const some =
    sample.rows.length < sample.total ? `${sample.rows.length} of ${plural(sample.total, "row")}, sampled` : "all rows";
  return { report: numbered, notes: [`looked at ${some}`] };
}
