// One cell of a CSV file to a number or a category. Every complaint names file, line and column and says how to mend it.

import { list, quote } from "../errors.js";
import type { CsvFile } from "./csv.js";
import { InputError } from "./errors.js";

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
