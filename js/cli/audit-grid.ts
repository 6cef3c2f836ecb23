// The grid of isotone audit: rows for any outside predictor. In: a CSV file, or a grid with its predictions; out: the grid (--grid), or the findings.
// A line of the grid is a row with some of its numbers replaced; four columns in front say what was changed.

import type { Audit } from "../audit.js";
import { judge } from "../auditcount.js";
import { around, drawMoves, roundingOf, scaleOf, slopeOf } from "../auditprobe.js";
import { list, quote } from "../errors.js";
import { uniform } from "../random.js";
import { csvOptions, shellWord } from "../shell.js";
import { type AuditFlags, directions, type Found, foundIn, numbers, sampleRows } from "./audit-rows.js";
import { type ColumnKind, readCell } from "./cells.js";
import { type CsvFile, columnIndex, csvLines, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { plural, say, withOutput } from "./output.js";

/** The columns that a grid has in front. */
const FRONT = ["audit_row", "audit_test", "audit_feature", "audit_direction"] as const;

/** Writes the rows that a predictor is to be asked about. */
export async function writeGrid(path: string, flags: AuditFlags): Promise<void> {
  const file = await openCsv(path, flags);
  const signs = directions(file, flags);
  const taken = FRONT.filter((name) => file.header.includes(name));
  if (taken.length > 0) throw new InputError(`${file.name} has ${list(taken)} already: is it a grid?`);
  const columns = [...signs.keys()];
  const places = columns.map((name) => file.header.indexOf(name));
  const sample = await sampleRows(file, numbers(columns), flags.rows, flags.seed);
  const { rows, x } = sample;
  const d = columns.length;
  let lines = 0;
  await withOutput(flags.output, async (output) => {
    const write = async (block: (string | number)[][]) => {
      lines += block.length;
      if (block.length > 0) await output.write(csvLines(block, flags.delimiter));
    };
    /** A line: what is asked, and the row with some of its numbers replaced. */
    const line = (r: number, test: string, f: number | undefined, change: (k: number) => number | undefined) => {
      const cells: (string | number)[] = [...rows[r].cells];
      for (let k = 0; k < d; k++) {
        const value = change(k);
        if (value !== undefined && value !== x[r * d + k]) cells[places[k]] = value;
      }
      const direction = f === undefined ? "" : signs.get(columns[f]) === 1 ? "increasing" : "decreasing";
      return [rows[r].number, test, f === undefined ? "" : columns[f], direction, ...cells];
    };
    await output.write(csvLines([[...FRONT, ...file.header]], flags.delimiter));
    await write(rows.map((_, r) => line(r, "row", undefined, () => undefined)));
    const every = [...signs.values()];
    const random = uniform(flags.seed);
    for (let f = 0; f < d; f++) {
      const scale = scaleOf(x, f, d);
      const block: (string | number)[][] = [];
      for (let r = 0; r < rows.length; r++) {
        if (Number.isNaN(x[r * d + f])) continue;
        around(x[r * d + f], scale, flags.step).forEach((value, side) => {
          block.push(line(r, side === 0 ? "down" : "up", f, (k) => (k === f ? value : undefined)));
        });
      }
      await write(block);
    }
    for (let f = 0; f <= d; f++) {
      const which = f < d ? [f] : [...every.keys()];
      const { from, values } = drawMoves(x, every, which, flags.pairs, random);
      const [test, column] = f < d ? ["pair", f] : ["pair of all", undefined];
      await write(from.map((r, k) => line(r, test as string, column as number | undefined, (j) => values[k * d + j])));
    }
  });
  say(
    `${plural(lines, "row")} to predict, made from ${rows.length} of ${plural(sample.total, "row")}; then: isotone audit ${shellWord(flags.output ?? "grid.csv")} predictions.csv${csvOptions(flags)}`,
  );
}

/** A column that the grid tests. */
interface Tested {
  sign: 1 | -1;
  /** Its place in the file. */
  at: number;
  /** By row: value and prediction a step down and up. */
  down: Map<number, [number, number]>;
  up: Map<number, [number, number]>;
  /** Changes of the prediction where this column alone goes to another row's value. */
  alone: number[];
}

/** What a grid holds. */
interface Grid {
  rows: { number: number; cells: string[] }[];
  /** Place among them of each row by its key in the grid. */
  places: Map<string, number>;
  /** [rows] their predictions. */
  base: number[];
  columns: Map<string, Tested>;
  /** Changes of the prediction where all columns go to another row's values. */
  together: number[];
}

/** Predictions as a file has them, and the decimals that each is written with. */
interface Predictions {
  name: string;
  values: number[];
  decimals: number[];
}

/** Reads a grid with its predictions, from a column of its own or from the file `second`. */
export async function auditGrid(path: string, second: string | undefined, flags: AuditFlags): Promise<Found> {
  const file = await openCsv(path, flags);
  const absent = FRONT.filter((name) => !file.header.includes(name));
  if (absent.length > 0) {
    throw new InputError(
      `${file.name} lacks ${list(absent)}: it is no grid; isotone audit --grid ${file.name} --increasing … makes one from it`,
    );
  }
  const predictions = second === undefined ? undefined : await readPredictions(second, flags);
  const wanted = flags.prediction ?? "prediction";
  if (predictions === undefined && !file.header.includes(wanted)) {
    throw new UsageError(
      flags.prediction !== undefined
        ? `--prediction: no column ${quote(wanted)} in ${file.name}; columns: ${list(file.header)}`
        : `${file.name} has no column "prediction": say which one holds the predictions (--prediction), or give them as a second file`,
    );
  }
  // steps of columns of whole numbers are fractions, and their predictions have digits that those of other rows may lack
  const decimals = { steps: new Map<number, number>(), others: new Map<number, number>() };
  const testAt = file.header.indexOf("audit_test");
  const grid: Grid = { rows: [], places: new Map(), base: [], columns: new Map(), together: [] };
  const predictionAt = file.header.indexOf(wanted);
  const prediction: ColumnKind = { name: wanted, kind: "number", missing: false };
  let n = 0;
  for await (const records of file.records) {
    for (const { cells, line } of records) {
      // a wrong number of predictions is found at the end
      const y = predictions
        ? (predictions.values[n] ?? 0)
        : (readCell(file, cells[predictionAt], line, prediction) as number);
      count(
        cells[testAt] === "up" || cells[testAt] === "down" ? decimals.steps : decimals.others,
        predictions ? (predictions.decimals[n] ?? 0) : decimalsOf(cells[predictionAt]),
      );
      addLine(grid, file, cells, line, y);
      n++;
    }
  }
  if (predictions !== undefined && predictions.values.length !== n) {
    throw new InputError(
      `${predictions.name} has ${plural(predictions.values.length, "prediction")}, ${file.name} has ${plural(n, "row")}: expected one each, in the same order`,
    );
  }
  const { rows, base, columns } = grid;
  if (base.length === 0 || columns.size === 0) throw new InputError(`${file.name} has no rows to compare`);
  // digits that predictions were written with: what lies below is rounding
  const places = [decimals.steps, decimals.others].filter(({ size }) => size > 0).map(mostDecimals);
  const unit = Number(`1e${-Math.max(...places)}`);
  const own = roundingOf(base, undefined);
  const found = foundIn(judgeGrid(grid, file, Math.max(own, unit), flags.worst), { total: base.length, rows });
  found.notes = [`looked at ${plural(base.length, "row")}`];
  if (unit > own) found.notes.push(`predictions are written to ${unit}: differences up to that are taken for rounding`);
  return found;
}

/** Adds a line of the grid, predicted as `y`. */
function addLine(
  { rows, places, base, columns, together }: Grid,
  file: CsvFile,
  cells: string[],
  line: number,
  y: number,
): void {
  const bad = (what: string) => new InputError(`${file.name}, line ${line}: ${what}`);
  const [key, test, name, direction] = FRONT.map((column) => cells[file.header.indexOf(column)]);
  if (test === "row") {
    places.set(key, base.length);
    rows.push({ number: Number(key), cells });
    base.push(y);
    return;
  }
  const r = places.get(key);
  if (r === undefined) throw bad(`the row ${key} that it was made from is not before it: keep the order of the grid`);
  if (test === "pair of all") {
    together.push(y - base[r]);
    return;
  }
  const at = file.header.indexOf(name);
  if (at < 0) throw bad(`there is no column ${quote(name)} any more`);
  if (direction !== "increasing" && direction !== "decreasing")
    throw bad(`audit_direction is ${quote(direction)}, neither increasing nor decreasing`);
  let column = columns.get(name);
  if (column === undefined) {
    column = { sign: direction === "increasing" ? 1 : -1, at, down: new Map(), up: new Map(), alone: [] };
    columns.set(name, column);
  }
  if (test === "pair") column.alone.push(y - base[r]);
  else if (test === "down" || test === "up") {
    const value = readCell(file, cells[at], line, { name, kind: "number", missing: false }) as number;
    column[test].set(r, [value, y]);
  } else throw bad(`audit_test is ${quote(test)}`);
}

/** Slopes and moves of a grid, counted; differences up to `rounding` are none. */
function judgeGrid({ rows, base, columns, together }: Grid, file: CsvFile, rounding: number, most: number): Audit {
  const tested = [...columns.values()];
  const slopes = tested.map(({ down, up }) =>
    Float64Array.from(base, (_, r) => {
      const [a, b] = [down.get(r), up.get(r)];
      return a && b ? slopeOf(b[1] - a[1], b[0] - a[0], rounding) : Number.NaN;
    }),
  );
  const spreads = [...columns].map(([name, { at }]) => {
    const values = rows.map(({ cells }) => readCell(file, cells[at], 0, { name, kind: "number", missing: true }));
    return scaleOf(values as number[], 0, 1).spread;
  });
  return judge({
    names: [...columns.keys()],
    signs: tested.map(({ sign }) => sign),
    spreads,
    base,
    rounding,
    slopes,
    alone: tested.map(({ alone }) => alone),
    together,
    most,
  });
}

/** Decimals that no more than one prediction in twenty exceeds: a few may have lost zeros at their end, few have more by chance. */
function mostDecimals(decimals: ReadonlyMap<number, number>): number {
  const n = [...decimals.values()].reduce((sum, times) => sum + times, 0);
  let seen = 0;
  for (const [places, times] of [...decimals].sort((a, b) => a[0] - b[0])) {
    seen += times;
    if (seen >= 0.95 * n) return places;
  }
  return 0;
}

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Decimals of a number as it is written; negative where the last digit stands for tens and more. */
function decimalsOf(text: string): number {
  const [, fraction = "", exponent = "0"] = /^[^.e]*(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text.trim()) ?? [];
  return fraction.length - Number(exponent);
}

/** A file of predictions: its only column, or the one that is named. */
async function readPredictions(path: string, flags: AuditFlags): Promise<Predictions> {
  const file = await openCsv(path, flags);
  const name = flags.prediction ?? (file.header.length === 1 ? file.header[0] : "prediction");
  if (flags.prediction === undefined && !file.header.includes(name))
    throw new UsageError(`say which column of ${file.name} holds the predictions (--prediction): ${list(file.header)}`);
  const at = columnIndex(file, name, "--prediction");
  const values: number[] = [];
  const decimals: number[] = [];
  for await (const records of file.records) {
    for (const { cells, line } of records) {
      values.push(readCell(file, cells[at], line, { name, kind: "number", missing: false }) as number);
      decimals.push(decimalsOf(cells[at]));
    }
  }
  return { name: file.name, values, decimals };
}
