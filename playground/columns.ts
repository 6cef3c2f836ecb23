// What the columns of a table hold, and what each is to be. In: a table and the words that mean "missing"; out: a description of each column with a
// first guess, then the rows and options of `fit`, every cell checked as on the command line.

import { type ColumnKind, InputError, looksMissing, numberIn, type Remedies, readCell } from "../js/cells.js";
import type { FeatureOption } from "../js/index.js";
import { shownName } from "../js/report/labels.js";
import { count, plural, short } from "../js/report/text.js";
import type { Table } from "./read.js";
import { paced } from "./turns.js";

/** What a column is to be. */
export type Role = "increasing" | "decreasing" | "free" | "category" | "left out";

export interface Column {
  name: string;
  /** Cells that mean "missing". */
  empty: number;
  /** What the column holds, for people. */
  holds: string;
  /** A cell among numbers that looks as if it meant "missing". */
  suspect?: string;
  /** Whether it is an outcome: 0 or 1, and nothing else. */
  outcome: boolean;
  /** Whether most of its cells are numbers. */
  numeric: boolean;
  role: Role;
  /** What it was taken for at first. */
  guess: Role;
  /** Whether an empty cell may stand among the features. */
  missing: boolean;
}

/** Share of a column's cells from which on the others are taken for mistakes. */
const MOSTLY = 0.8;
/** Different words that become categories unasked. */
const WORDS = 50;

/** Describes the columns, with a first guess: numbers are free, few words a category, the rest left out. */
export async function describeColumns(table: Table, missing: ReadonlySet<string>): Promise<Column[]> {
  const columns: Column[] = [];
  const pause = paced();
  for (let c = 0; c < table.header.length; c++) {
    columns.push(describeColumn(table, c, missing));
    await pause();
  }
  return columns;
}

function describeColumn(table: Table, c: number, missing: ReadonlySet<string>): Column {
  let [empty, numbers] = [0, 0];
  let [least, greatest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const words = new Set<string>();
  let strange: { cell: string; line: number } | undefined;
  for (const { cells, line } of table.records) {
    const cell = cells[c];
    if (missing.has(cell)) {
      empty++;
      continue;
    }
    if (words.size <= 1000) words.add(cell);
    const value = numberIn(cell);
    if (Number.isNaN(value)) strange ??= { cell, line };
    else {
      numbers++;
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }
  }
  const filled = table.records.length - empty;
  const numeric = numbers > 0 && numbers >= MOSTLY * filled;
  const different = words.size > 1000 ? "more than 1,000 different words" : plural(words.size, "different word");
  const few = words.size <= WORDS && (words.size <= filled / 2 || words.size <= 5);
  const bad = filled - numbers;
  let holds = filled === 0 ? "nothing" : different;
  if (numeric) {
    holds = least === greatest ? `always ${short(least, 6)}` : `${short(least, 6)} to ${short(greatest, 6)}`;
    if (bad > 0 && strange)
      holds += `; ${bad === 1 ? "1 cell is" : `${count(bad)} cells are`} not a number: “${shownName(strange.cell, 24)}” in line ${count(strange.line)}`;
  }
  const guess = filled === 0 ? "left out" : numeric ? "free" : few ? "category" : "left out";
  return {
    name: table.header[c],
    empty,
    holds,
    ...(numeric && strange && looksMissing(strange.cell) && { suspect: strange.cell }),
    outcome: bad === 0 && words.size === 2 && words.has("0") && words.has("1"),
    numeric,
    role: guess,
    guess,
    missing: empty > 0,
  };
}

const REMEDIES: Remedies = {
  allow: () => "or allow empty cells in this column",
  na: () => "name the word under “How the file is read”",
  category: () => "or make it a category",
};

/** Columns by name, as `fit` takes them. */
export type Rows = Record<string, Float64Array | (string | null)[]>;

/** The column to predict, and one of case weights. */
export interface Chosen {
  target: string;
  weight: string | undefined;
}

/** What goes into `fit`. */
export interface Training extends Chosen {
  rows: Rows;
  features: Map<string, FeatureOption>;
}

/**
 * Reads the cells of the target, of the weight and of all columns that are features; the first cell that is none is complained of. `pause` lets the
 * event loop run, and rejects when the user cancels.
 */
export async function readTraining(
  table: Table,
  columns: readonly Column[],
  { target, weight }: Chosen,
  missing: ReadonlySet<string>,
  pause: () => Promise<void>,
): Promise<Training> {
  if (weight === target)
    throw new InputError("the target cannot be the case weight too: choose another column, or none");
  const chosen = columns.filter(({ name, role }) => name !== target && name !== weight && role !== "left out");
  if (chosen.length === 0) throw new InputError("every column is left out: choose at least one to predict from");
  const kinds: ColumnKind[] = chosen.map(({ name, role, missing }) => ({
    name,
    kind: role === "category" ? "category" : "number",
    missing,
  }));
  // nothing stands in for a missing target
  kinds.push({ name: target, kind: "number", missing: false, check: () => {} });
  if (weight !== undefined) kinds.push({ name: weight, kind: "number", missing: false, check: checkWeight });
  const file = { name: table.name, missing };
  const places = kinds.map(({ name }) => table.header.indexOf(name));
  const n = table.records.length;
  const stores = kinds.map(({ kind }) => (kind === "number" ? new Float64Array(n) : new Array<string | null>(n)));
  const now = paced(pause);
  for (let r = 0; r < n; r++) {
    const { cells, line } = table.records[r];
    for (let k = 0; k < kinds.length; k++)
      stores[k][r] = readCell(file, cells[places[k]], line, kinds[k], REMEDIES) as never;
    if (r % 64 === 0) await now();
  }
  return {
    // an own property even where the name is "__proto__"
    rows: Object.fromEntries(kinds.map(({ name }, k) => [name, stores[k]])),
    target,
    weight,
    features: new Map(chosen.map((column) => [column.name, optionOf(column)])),
  };
}

function checkWeight(value: number, where: string): void {
  if (value < 0) throw new InputError(`${where}: the case weight is ${value}, below 0`);
}

function optionOf({ role, missing }: Column): FeatureOption {
  if (role === "category") return { categories: "auto", missing: missing ? "indicator" : "error" };
  if (role === "left out") throw new TypeError("a column that is left out is no feature");
  return missing ? { constraint: role, missing: role === "free" ? "indicator" : "median" } : role;
}
