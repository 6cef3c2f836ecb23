// isotone audit: how often a predictor moves against its constraints. Three ways in: a grid of rows that any outside predictor fills in (written
// here with --grid, read back with its predictions), an ONNX file, or a model of isotone. What is counted is js/audit.ts's.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { type Audit, around, audit, drawMoves, judge, roundingOf, scaleOf, slopeOf } from "../audit.js";
import { list, quote } from "../errors.js";
import { uniform } from "../random.js";
import { type ColumnKind, type CsvFile, type CsvOptions, columnIndex, csvLines, openCsv, readCell } from "./csv.js";
import { fileError, InputError, UsageError } from "./errors.js";
import { featureColumns, openModel } from "./model-file.js";
import { names, real, whole, withCsv, withOutputOptions } from "./options.js";
import { digits, say, setQuiet, textTable, withOutput } from "./output.js";

interface Flags extends CsvOptions {
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

/** The columns that a grid has in front. */
const FRONT = ["audit_row", "audit_test", "audit_feature", "audit_direction"] as const;

export function addAudit(program: Command): void {
  const command = program
    .command("audit [file] [second]")
    .description("how often any predictor moves the wrong way: through a CSV file that it fills in, or an ONNX file")
    .option("--grid <rows.csv>", "write the rows to be predicted, made from these")
    .option("-i, --increasing <columns>", "the prediction should never fall when these rise", names)
    .option("-d, --decreasing <columns>", "the prediction should never rise when these rise", names)
    .option("--inputs <columns>", "ONNX: columns in the order of the model's input (default: as in the file)", names)
    .option("--prediction <column>", "column with the predictions (default: prediction), or output of an ONNX model")
    .option("--rows <n>", "most rows to look at; more are sampled", whole(1, 1e6), 500)
    .option("--pairs <n>", "ordered pairs to look at, for each column and together", whole(0, 1e6), 500)
    .option("--step <share>", "step to either side, in standard deviations of the column", real(1e-6, 10), 0.01)
    .option("--seed <n>", "of what is sampled", whole(0, 4294967295), 1)
    .option("--worst <n>", "wrong derivatives to list", whole(0, 1000), 5)
    .option("--strict", "exit with 1 if anything goes the wrong way");
  withOutputOptions(withCsv(command), "the findings as JSON")
    .addHelpText(
      "after",
      `
For any predictor, in any language: write a grid, predict each of its rows, and
read it back. The grid has the columns of the file behind four of its own
(audit_row, audit_test, audit_feature, audit_direction), which say what was
changed. Predictions come as one more column of the grid, or as a second file
with as many rows, in the same order.

Two things are counted. Slopes: each column a small step down and up. Ordered
pairs: a column, or all of them, goes to its value in another row; trees notice
that, while their slopes are mostly 0.

Examples:
  isotone audit --grid jobs.csv --increasing scan,repair --decreasing staff \\
    -o grid.csv
  isotone audit predicted.csv               # the grid with a column prediction
  isotone audit grid.csv predictions.csv --prediction minutes
  isotone audit network.onnx jobs.csv --inputs scan,repair,staff \\
    --increasing scan,repair --decreasing staff
  isotone audit model.json jobs.csv --strict          # a model of isotone

An ONNX file is run by onnxruntime-node or onnxruntime-web, where one of them is
installed: npm install onnxruntime-node`,
    )
    .action(run);
}

/** A sample of the rows of a file, and some of its columns as numbers. */
interface Sample {
  /** Rows of the file. */
  total: number;
  /** Of each sampled row: its number, from 1, and its cells. */
  rows: { number: number; cells: string[] }[];
  /** [rows][columns]; a missing number is NaN. */
  x: Float64Array;
}

/** Reads a file and keeps at most `most` rows, each with the same chance (reservoir sampling), in the order of the file. */
async function sampleRows(file: CsvFile, kinds: readonly ColumnKind[], most: number, seed: number): Promise<Sample> {
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
function directions(file: CsvFile, flags: Flags): Map<string, 1 | -1> {
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

const numbers = (columns: Iterable<string>): ColumnKind[] =>
  [...columns].map((name) => ({ name, kind: "number", missing: true }));

async function run(path: string | undefined, second: string | undefined, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  if (flags.grid !== undefined) {
    if (path !== undefined) throw new UsageError(`--grid makes a new file: ${quote(path)} has no place there`);
    for (const name of ["json", "prediction", "inputs", "strict"] as const)
      if (flags[name] !== undefined) throw new UsageError(`--grid and --${name} exclude each other`);
    return writeGrid(flags.grid, flags);
  }
  if (path === undefined)
    throw new UsageError("audit needs a file with predictions, an ONNX file or a model, or --grid");
  const predictor = /\.(onnx|json)$/i.exec(path)?.[1].toLowerCase();
  if (predictor !== undefined && second === undefined)
    throw new UsageError(`${path} needs rows to predict: isotone audit ${path} rows.csv`);
  const found =
    predictor === "onnx"
      ? await auditOnnx(path, second as string, flags)
      : predictor === "json"
        ? await auditModel(path, second as string, flags)
        : await auditGrid(path, second, flags);
  await withOutput(flags.output, async (output) => {
    if (flags.json) await output.write(`${JSON.stringify(found.report)}\n`);
    else for (const part of tablesOf(found.report)) await output.write(part);
  });
  for (const note of found.notes) say(note);
  const { features, pairs } = found.report;
  const wrong = pairs.outOfOrder > 0 || features.some((f) => f.wrong > 0 || f.pairs.outOfOrder > 0);
  if (flags.strict && wrong) process.exitCode = 1;
}

/** Findings with the numbers of rows in the file, from 1. */
interface Found {
  report: Audit;
  notes: string[];
}

function foundIn(report: Audit, sample: { total: number; rows: readonly { number: number }[] }): Found {
  const numbered = { ...report, worst: report.worst.map((w) => ({ ...w, row: sample.rows[w.row].number })) };
  const some =
    sample.rows.length < sample.total ? `${sample.rows.length} of ${sample.total} rows, sampled` : "all rows";
  return { report: numbered, notes: [`looked at ${some}`] };
}

function tablesOf({ features, worst, statement }: Audit): string[] {
  const share = (part: number, of: number) => (of === 0 ? "-" : `${digits(Number(((100 * part) / of).toFixed(1)))} %`);
  const short = (name: string) => (name.length > 20 ? `${name.slice(0, 19)}…` : name);
  const tested = features
    .filter((f) => f.constraint !== "free")
    .sort((a, b) => b.wrong - a.wrong || b.pairs.outOfOrder - a.pairs.outOfOrder);
  const parts = [
    textTable(
      ["column", "asked", "wrong slopes", "mean size", "on average", "out of order", "by up to"],
      tested.map((f) => [
        short(f.name),
        f.constraint === "increasing" ? "up" : "down",
        share(f.wrong * f.checked, f.checked),
        f.wrong > 0 ? digits(f.size) : "-",
        f.checked === 0 ? "-" : f.wrongOnAverage ? "wrong" : "right",
        share(f.pairs.outOfOrder, f.pairs.checked),
        f.pairs.outOfOrder > 0 ? digits(f.pairs.largest) : "-",
      ]),
    ),
  ];
  if (worst.length > 0) {
    const lines = worst.map((w) => [w.row, short(w.feature), w.derivative, w.standardised]);
    parts.push(`\n${textTable(["worst in row", "column", "slope per unit", "in standard deviations"], lines)}`);
  }
  const [slopes, pairs] = statement.split("; ");
  parts.push(`\n${slopes}\n${pairs === undefined ? "" : `${pairs}\n`}`);
  return parts;
}

/** Writes the rows that a predictor is to be asked about. */
async function writeGrid(path: string, flags: Flags): Promise<void> {
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
  say(`${lines} rows to predict, made from ${rows.length} of ${sample.total} rows; then: isotone audit`);
}

/** Reads a grid with its predictions. */
async function auditGrid(path: string, second: string | undefined, flags: Flags): Promise<Found> {
  const file = await openCsv(path, flags);
  const absent = FRONT.filter((name) => !file.header.includes(name));
  if (absent.length > 0) {
    throw new InputError(
      `${file.name} lacks ${list(absent)}: it is no grid; isotone audit --grid ${file.name} --increasing … makes one from it`,
    );
  }
  const [rowAt, testAt, featureAt, directionAt] = FRONT.map((name) => file.header.indexOf(name));
  const predictions = second === undefined ? undefined : await readPredictions(second, flags);
  const wanted = flags.prediction ?? "prediction";
  if (predictions === undefined && !file.header.includes(wanted)) {
    throw new UsageError(
      flags.prediction !== undefined
        ? `--prediction: no column ${quote(wanted)} in ${file.name}; columns: ${list(file.header)}`
        : `${file.name} has no column "prediction": say which one holds the predictions (--prediction), or give them as a second file`,
    );
  }
  const predictionAt = file.header.indexOf(wanted);
  const prediction: ColumnKind = { name: wanted, kind: "number", missing: false };
  const decimals = new Map<number, number>();

  interface Column {
    sign: 1 | -1;
    at: number;
    /** By row: value and prediction a step down and up. */
    down: Map<number, [number, number]>;
    up: Map<number, [number, number]>;
    alone: number[];
  }
  const columns = new Map<string, Column>();
  const rows: { number: number; cells: string[] }[] = [];
  const indexOf = new Map<string, number>();
  const base: number[] = [];
  const together: number[] = [];
  let n = 0;
  const bad = (line: number, what: string) => new InputError(`${file.name}, line ${line}: ${what}`);
  for await (const records of file.records) {
    for (const { cells, line } of records) {
      let y: number;
      if (predictions !== undefined) {
        // a wrong number of them is found at the end
        y = predictions.values[n] ?? 0;
        count(decimals, predictions.decimals[n] ?? 0);
      } else {
        y = readCell(file, cells[predictionAt], line, prediction) as number;
        count(decimals, decimalsOf(cells[predictionAt]));
      }
      n++;
      const test = cells[testAt];
      const key = cells[rowAt];
      if (test === "row") {
        indexOf.set(key, base.length);
        rows.push({ number: Number(key), cells });
        base.push(y);
        continue;
      }
      const r = indexOf.get(key);
      if (r === undefined)
        throw bad(line, `the row ${key} that it was made from is not before it: keep the order of the grid`);
      if (test === "pair of all") {
        together.push(y - base[r]);
        continue;
      }
      const name = cells[featureAt];
      const direction = cells[directionAt];
      const at = file.header.indexOf(name);
      if (at < 0) throw bad(line, `there is no column ${quote(name)} any more`);
      if (direction !== "increasing" && direction !== "decreasing")
        throw bad(line, `audit_direction is ${quote(direction)}, neither increasing nor decreasing`);
      let column = columns.get(name);
      if (column === undefined) {
        column = { sign: direction === "increasing" ? 1 : -1, at, down: new Map(), up: new Map(), alone: [] };
        columns.set(name, column);
      }
      if (test === "pair") column.alone.push(y - base[r]);
      else if (test === "down" || test === "up") {
        const value = readCell(file, cells[at], line, { name, kind: "number", missing: false }) as number;
        column[test].set(r, [value, y]);
      } else throw bad(line, `audit_test is ${quote(test)}`);
    }
  }
  if (predictions !== undefined && predictions.values.length !== n) {
    throw new InputError(
      `${predictions.name} has ${predictions.values.length} predictions, ${file.name} has ${n} rows: expected one each, in the same order`,
    );
  }
  if (base.length === 0 || columns.size === 0) throw new InputError(`${file.name} has no rows to compare`);

  // digits that predictions were written with: what lies below is rounding
  const written = mostDecimals(decimals, n);
  const unit = Number(`1e${-written}`);
  const rounding = Math.max(roundingOf(base, undefined), unit);
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
  const report = judge({
    names: [...columns.keys()],
    signs: tested.map(({ sign }) => sign),
    spreads,
    base,
    rounding,
    slopes,
    alone: tested.map(({ alone }) => alone),
    together,
    most: flags.worst,
  });
  const found = foundIn(report, { total: base.length, rows });
  found.notes = [`looked at ${base.length} rows`];
  if (unit > roundingOf(base, undefined))
    found.notes.push(`predictions are written to ${unit}: differences up to that are taken for rounding`);
  return found;
}

/** Decimals that no more than one prediction in twenty exceeds: a few may have lost zeros at their end, few have more by chance. */
function mostDecimals(decimals: ReadonlyMap<number, number>, n: number): number {
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
async function readPredictions(path: string, flags: Flags) {
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

/** A model of isotone, judged from outside: its certificate says the same from the weights. */
async function auditModel(path: string, rows: string, flags: Flags): Promise<Found> {
  if (flags.increasing || flags.decreasing)
    throw new UsageError(`${path} knows its directions: leave --increasing and --decreasing out`);
  const model = await openModel(path);
  const file = await openCsv(rows, flags);
  const { features } = model;
  const kinds = featureColumns(features, file).map((kind, f) => {
    if (kind.kind === "number") return kind;
    return { ...kind, known: new Set(features[f].categories) };
  });
  const sample = await sampleRows(file, kinds, flags.rows, flags.seed);
  const report = await audit(
    (x) => model.predictMany(x),
    sample.x,
    new Map(features.map((feature) => [feature.name, feature.constraint])),
    optionsOf(flags),
  );
  return foundIn(report, sample);
}

const optionsOf = ({ pairs, step, seed, worst }: Flags) => ({ pairs, step, seed, worst, missing: "pass" as const });

/** What is used of onnxruntime. */
interface Runtime {
  InferenceSession: { create(model: Uint8Array): Promise<Session> };
  Tensor: new (type: string, data: Float32Array | Float64Array, dims: number[]) => unknown;
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata?: readonly { name: string; type?: string }[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: ArrayLike<number>; dims: readonly number[] }>>;
}

/** onnxruntime as installed where the command runs. */
async function openRuntime(path: string): Promise<Runtime> {
  for (const place of [join(process.cwd(), "package.json"), import.meta.url]) {
    for (const name of ["onnxruntime-node", "onnxruntime-web"]) {
      let entry: string;
      try {
        entry = createRequire(place).resolve(name);
      } catch {
        continue;
      }
      const runtime = await import(pathToFileURL(entry).href);
      return runtime.InferenceSession ? runtime : runtime.default;
    }
  }
  throw new InputError(
    `${path}: an ONNX file is run by onnxruntime, which is not part of isotone: npm install onnxruntime-node (or onnxruntime-web), and again from this folder`,
  );
}

/** A file of ONNX: one input with all columns, or one input a column by its name; numbers only. */
async function auditOnnx(path: string, rows: string, flags: Flags): Promise<Found> {
  const file = await openCsv(rows, flags);
  const signs = directions(file, flags);
  for (const name of flags.inputs ?? []) columnIndex(file, name, "--inputs");
  const bytes = await readFile(path).catch((error) => {
    throw fileError("read", path, error);
  });
  const { InferenceSession, Tensor } = await openRuntime(path);
  const failed = (error: unknown) =>
    new InputError(
      `${path}: onnxruntime says: ${String(error instanceof Error ? error.message : error).split("\n")[0]}`,
    );
  const session = await InferenceSession.create(new Uint8Array(bytes)).catch((error) => {
    throw failed(error);
  });
  const { inputNames, outputNames } = session;
  const separate = inputNames.length > 1;
  const columns = flags.inputs ?? (separate ? [...inputNames] : [...signs.keys()]);
  for (const name of columns) {
    if (!file.header.includes(name))
      throw new InputError(
        `${path} has the input ${quote(name)}, ${file.name} has no such column: ${list(file.header)}`,
      );
  }
  if (separate && inputNames.some((name) => !columns.includes(name)))
    throw new UsageError(`--inputs: ${path} has the inputs ${list(inputNames)}`);
  const unused = [...signs.keys()].filter((name) => !columns.includes(name));
  if (unused.length > 0) throw new UsageError(`${list(unused)} is no input of ${path}; inputs: ${list(columns)}`);
  const output = flags.prediction ?? outputNames[0];
  if (!outputNames.includes(output))
    throw new UsageError(`--prediction: ${path} has no output ${quote(output)}; outputs: ${list(outputNames)}`);
  const double = (name: string) => session.inputMetadata?.find((input) => input.name === name)?.type === "float64";
  const tensor = (name: string, data: Float64Array, dims: number[]) =>
    double(name) ? new Tensor("float64", data, dims) : new Tensor("float32", Float32Array.from(data), dims);
  const sample = await sampleRows(file, numbers(columns), flags.rows, flags.seed);
  const report = await audit(
    async (x, n, d) => {
      const feeds = separate
        ? columns.map((name, f) => {
            const column = Float64Array.from({ length: n }, (_, r) => x[r * d + f]);
            return [name, tensor(name, column, [n, 1])] as const;
          })
        : [[inputNames[0], tensor(inputNames[0], x, [n, d])] as const];
      const results = await session.run(Object.fromEntries(feeds)).catch((error) => {
        throw failed(error);
      });
      const { data, dims } = results[output];
      if (data.length !== n) {
        throw new InputError(
          `${path}: the output ${quote(output)} has the shape ${dims.join(" x ")}, expected one number for each of ${n} rows${outputNames.length > 1 ? `; choose with --prediction: ${list(outputNames)}` : ""}`,
        );
      }
      return Array.from(data, Number);
    },
    sample.x,
    new Map(columns.map((name) => [name, signs.get(name) ?? 0])),
    optionsOf(flags),
  );
  return foundIn(report, sample);
}
