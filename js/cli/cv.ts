// isotone cv: cross-validated scores of what `isotone fit` with the same options would do.

import type { Command } from "commander";
import { type CrossValidation, crossValidate } from "../crossval.js";
import { scoreRows } from "../report/scores.js";
import { openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { readColumns } from "./gather.js";
import {
  levels,
  readTraining,
  type TrainingFlags,
  threadsFor,
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
    if (flags.folds !== undefined && flags.folds > n)
      throw new UsageError(`--folds expected at most the number of rows (${n}), got ${flags.folds}`);
    options.threads ??= threadsFor(n);
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
      const { head, rows } = scoreRows(result, (share) => `${digits(100 * share)} %`);
      await output.write(textTable(head, rows));
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
