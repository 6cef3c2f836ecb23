// isotone cv: cross-validated scores of what `isotone fit` with the same options would do.

import type { Command } from "commander";
import { type CrossValidation, crossValidate } from "../crossval.js";
import type { CvScores } from "../foldscores.js";
import { openCsv } from "./csv.js";
import { InputError } from "./errors.js";
import { readColumns } from "./gather.js";
import {
  levels,
  readTraining,
  type TrainingFlags,
  whole,
  withCsv,
  withOutputOptions,
  withTraining,
} from "./options.js";
import { digits, plural, progressBar, say, setQuiet, textTable, withOutput } from "./output.js";

interface Flags extends TrainingFlags {
  output?: string;
  json?: boolean;
  quiet?: boolean;
  folds?: number;
  repeats?: number;
  coverage?: number[];
  compare: boolean;
}

export function addCv(program: Command): void {
  const command = program
    .command("cv <file>")
    .description("cross-validated scores beside the mean, a linear fit, and a fit without constraints")
    .option("-k, --folds <n>", "parts the rows are split into (default: 5)", whole(2, 1000))
    .option("--repeats <n>", "how many times to split anew (default: 1)", whole(1, 1000))
    .option("--coverage <shares>", "intervals to check (default: 0.8,0.9)", levels)
    .option("--no-compare", "skip the fit without constraints: half the time");
  withOutputOptions(withCsv(withTraining(command)), "all scores as JSON")
    .addHelpText(
      "after",
      `
Examples:
  isotone cv jobs.csv --target minutes --increasing scan,repair --decreasing staff
  isotone cv jobs.csv --target minutes --increasing scan,repair --folds 10 --repeats 3 --json`,
    )
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  await withOutput(flags.output, async (output) => {
    const start = performance.now();
    const file = await openCsv(path, flags);
    const { options, kinds } = readTraining(flags, file);
    const { columns, n } = await readColumns(file, kinds);
    if (n < 4) throw new InputError(`${file.name} has ${plural(n, "row")}: cross-validation needs at least 4`);
    const bar = progressBar();
    let result: CrossValidation;
    try {
      result = await crossValidate(columns, {
        ...options,
        ...(flags.folds !== undefined && { folds: flags.folds }),
        ...(flags.repeats !== undefined && { repeats: flags.repeats }),
        ...(flags.coverage !== undefined && { coverage: flags.coverage }),
        free: flags.compare,
        onProgress: ({ epoch, epochs }) => bar.draw(epoch / epochs, "cross-validating"),
      });
    } finally {
      bar.clear();
    }
    const { predictions, ...rest } = result;
    if (flags.json) {
      await output.write(`${JSON.stringify({ ...rest, predictions: [...predictions] })}\n`);
    } else {
      await output.write(scoreTable(result));
      for (const { coverage, held, width } of result.coverage) {
        await output.write(
          `${digits(100 * coverage)} % intervals hold ${digits(100 * held)} % of rows, mean width ${digits(width)}\n`,
        );
      }
      await output.write(`${result.statements.join("\n")}\n`);
    }
    const splits = `${result.folds} folds${result.repeats > 1 ? `, ${result.repeats} times` : ""}`;
    say(`${n} rows, ${splits}, ${digits((performance.now() - start) / 1000)} s`);
  });
}

function scoreTable(result: CrossValidation): string {
  const { criterion, perFold } = result;
  const line = (name: string, scores: CvScores | undefined, which: "model" | "linear" | "mean" | "free") => {
    if (scores === undefined) return [];
    const values = perFold.map((fold) => fold[which]?.[criterion] as number);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const sd = Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / Math.max(1, values.length - 1));
    const relative = Number.isFinite(scores.medianRelativeError) ? `${digits(100 * scores.medianRelativeError)} %` : "";
    const row: (string | number)[] = [name, scores.rmse, scores.mae, scores.r2.toFixed(3), relative];
    if (scores.pinball !== undefined) row.push(scores.pinball);
    if (scores.logLoss !== undefined) row.push(scores.logLoss, `${digits(100 * (scores.accuracy as number))} %`);
    return [[...row, sd]];
  };
  const header = ["", "RMSE", "MAE", "R2", "median relative error"];
  if (result.model.pinball !== undefined) header.push("pinball");
  if (result.model.logLoss !== undefined) header.push("log loss", "accuracy");
  const named = { rmse: "RMSE", mae: "MAE", pinball: "pinball", logLoss: "log loss" }[criterion];
  return textTable(
    [...header, `sd of ${named} over folds`],
    [
      ...line("this model", result.model, "model"),
      ...line("sign-constrained linear fit", result.linear, "linear"),
      ...line("mean", result.mean, "mean"),
      ...line("all features free", result.free, "free"),
    ],
  );
}
