// isotone audit: how often a predictor moves against its constraints. Three ways in: a grid of rows that any outside predictor fills in
// (audit-grid.ts), an ONNX file (audit-onnx.ts), or a model of isotone. What is counted is js/audit.ts's.

import type { Command } from "commander";
import { type Audit, audit } from "../audit.js";
import { quote } from "../errors.js";
import { shellWord } from "../shell.js";
import { auditGrid, writeGrid } from "./audit-grid.js";
import { auditOnnx } from "./audit-onnx.js";
import { type AuditFlags, auditOptions, type Found, foundIn, sampleRows } from "./audit-rows.js";
import { openCsv } from "./csv.js";
import { UsageError } from "./errors.js";
import { featureColumns, openModel } from "./model-file.js";
import { names, real, whole, withCsv, withOutputOptions } from "./options.js";
import { digits, say, setQuiet, textTable, withOutput } from "./output.js";

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

async function run(path: string | undefined, second: string | undefined, flags: AuditFlags): Promise<void> {
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
    throw new UsageError(`${path} needs rows to predict: isotone audit ${shellWord(path)} rows.csv`);
  const found = await withOutput(flags.output, async (output) => {
    const found =
      predictor === "onnx"
        ? await auditOnnx(path, second as string, flags)
        : predictor === "json"
          ? await auditModel(path, second as string, flags)
          : await auditGrid(path, second, flags);
    if (flags.json) await output.write(`${JSON.stringify(found.report)}\n`);
    else for (const part of tablesOf(found.report)) await output.write(part);
    return found;
  });
  for (const note of found.notes) say(note);
  const { features, pairs } = found.report;
  const wrong = pairs.outOfOrder > 0 || features.some((f) => f.wrong > 0 || f.pairs.outOfOrder > 0);
  if (flags.strict && wrong) process.exitCode = 1;
}

/** A model of isotone, judged from outside: its certificate says the same from the weights. */
async function auditModel(path: string, rows: string, flags: AuditFlags): Promise<Found> {
  if (flags.increasing || flags.decreasing)
    throw new UsageError(`${path} knows its directions: leave --increasing and --decreasing out`);
  const model = await openModel(path, undefined, flags.output);
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
    auditOptions(flags),
  );
  return foundIn(report, sample);
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
