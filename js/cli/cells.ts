// One cell of a CSV file (js/cells.ts), with what to do about a bad one in terms of the command line.

import { type CellSource, type ColumnKind, type Remedies, readCell as readAnyCell } from "../cells.js";
import { shellName } from "../shell.js";

export type { ColumnKind } from "../cells.js";

const REMEDIES: Remedies = {
  allow: (column) => `or allow missing values when fitting (--missing ${shellName(column)})`,
  na: (cell, column, allowed) =>
    `say so with --na ${shellName(cell)}${allowed ? "" : `, and allow missing values when fitting (--missing ${shellName(column)})`}`,
  category: (column) => `or make it a category (--category ${shellName(column)})`,
};

/** One cell: a number (NaN: missing), or a category (null: missing). */
export const readCell = (file: CellSource, cell: string, line: number, column: ColumnKind) =>
  readAnyCell(file, cell, line, column, REMEDIES);
