// isotone fit: a CSV file to a model file.

import type { Command } from "commander";
import { list, quote } from "../errors.js";
import { fit } from "../fit.js";
import { stringifyModel } from "../format.js";
import type { Model } from "../model.js";
import { hasRelativeError } from "../report/scores.js";
import type { FitOptions } from "../schema.js";
import { csvOptions, shellWord } from "../shell.js";
import type { Scores } from "../types.js";
import { openCsv } from "./csv.js";
import { InputError } from "./errors.js";
import { type ReadRows, readRows } from "./gather.js";
import { readScaling } from "./model-file.js";
import { readTraining, type TrainingFlags, threadsFor, withCsv, withOutputOptions, withTraining } from "./options.js";
import { digits, keep, plural, progressBar, say, setQuiet, textTable, withOutput } from "./output.js";

interface Flags extends TrainingFlags {
  scaling?: string;
  output?: string;
  json?: boolean;
  quiet?: boolean;
}

export function addFit(program: Command): void {
  const command = program
    .command("fit <file>")
    .description("train a model on a CSV file; - reads stdin, gzip is unpacked")
    .option("--scaling <file>", "shards of a larger set: the common scaling that isotone scan made");
  withOutputOptions(withCsv(withTraining(command)), "with -o: a summary of the training on stdout");
  command
    .addHelpText(
      "after",
      `
Without --increasing, --decreasing, --free and --category every other column is increasing. Names that hold a comma: '"a,b",c'.
Without -o the model goes to stdout.

Examples:
  isotone fit jobs.csv --target minutes --increasing scan,repair --decreasing staff --free hour -o model.json
  isotone fit jobs.csv --target minutes --category city --unknown city=other --missing city -o model.json
  isotone fit jobs.csv --target minutes --quantiles 0.1,0.5,0.9 -o model.json
  zcat jobs.csv.gz | isotone fit - --target minutes > model.json`,
    )
    .action(run);
}

/** Trains with a progress bar; what readOptions refuses names the option of the library, which the flags mirror. */
export async function trainWithBar(rows: ReadRows["rows"], options: FitOptions, text = "training"): Promise<Model> {
  const bar = progressBar();
  try {
    return await fit(rows, {
      ...options,
      onProgress: ({ epoch, epochs, loss, validationLoss, seconds }) => {
        const share = epoch / epochs;
        const left = share > 0.02 ? `, ${Math.ceil(seconds / share - seconds)} s left` : "";
        bar.draw(share, `${text}, loss ${digits(validationLoss ?? loss)}${left}`);
      },
    });
  } finally {
    bar.clear();
  }
}

async function run(path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  const summary = await withOutput(flags.output, async (output) => {
    const start = performance.now();
    const file = await openCsv(path, flags);
    const { options, kinds, unused } = readTraining(flags, file);
    if (flags.scaling !== undefined) {
      await keep(flags.scaling, flags.output);
      options.scaling = await readScaling(flags.scaling);
    }
    const { rows, n: seen } = await readRows(file, kinds);
    let n = seen();
    if (n < 2)
      throw new InputError(
        `${file.name} has ${n === 0 ? "a header but no rows" : "one row"}: fit needs at least 2 rows`,
      );
    if (unused.length > 0) say(`not used: ${list(unused)}`);
    const read = performance.now();
    if (Symbol.asyncIterator in rows) {
      say(
        file.reopen
          ? "more rows than memory should hold: the file is read again for every part of them"
          : "more rows than memory should hold: training on a random sample of them (a file, read again, would train on all)",
      );
    }
    options.threads ??= threadsFor(n);
    const model = await trainWithBar(rows, options);
    n = seen();
    const trained = performance.now();
    await output.write(`${stringifyModel(model)}\n`);
    const { training } = model;
    const certificate = model.certify();
    const seconds = { read: (read - start) / 1000, train: (trained - read) / 1000 };
    say(`${plural(n, "row")} read in ${digits(seconds.read)} s, trained in ${digits(seconds.train)} s`);
    sayFeatures(model);
    sayScores(model, options.target);
    for (const warning of training.warnings) say(`warning: ${warning}`);
    say(certificate.statement);
    if (flags.output !== undefined && flags.output !== "-") {
      say(`wrote ${flags.output}; next: isotone predict ${shellWord(flags.output)} new.csv${csvOptions(flags)}`);
      if (flags.json === true)
        return { model: flags.output, rows: n, seconds, features: model.features, training, certificate };
    }
    return undefined;
  });
  // once the model is in its place, whoever reads this
  if (summary) await withOutput(undefined, (output) => output.write(`${JSON.stringify(summary)}\n`));
}

/** The features as a table, the first twenty. */
function sayFeatures({ features }: Model): void {
  const shown = features.slice(0, 20);
  const lines = shown.map(({ name, kind, constraint, categories, range, median }) => [
    name,
    kind === "category" ? plural(categories?.length ?? 0, "category", "categories") : constraint,
    range?.[0] ?? "",
    median ?? "",
    range?.[1] ?? "",
  ]);
  say(textTable(["feature", "constraint", "least", "median", "greatest"], lines).trimEnd());
  if (shown.length < features.length) say(`… and ${features.length - shown.length} more`);
}

/** How good the model is on rows left out of training, where some were. */
function sayScores(model: Model, target: string): void {
  const { heldOut } = model.training;
  if (heldOut === undefined) return;
  const relative = hasRelativeError(model.toJSON().link.name);
  say(`on rows left out of training (target ${quote(target)}):`);
  const line = (name: string, { rmse, mae, r2, medianRelativeError }: Scores) => [
    name,
    rmse,
    mae,
    r2.toFixed(3),
    ...(relative ? [`${digits(100 * medianRelativeError)} %`] : []),
  ];
  const { model: own, linear, mean } = heldOut;
  const lines = [line("this model", own), line("sign-constrained linear fit", linear), line("mean", mean)];
  say(textTable(["", "RMSE", "MAE", "R2", ...(relative ? ["median relative error"] : [])], lines).trimEnd());
  if (own.rmse >= mean.rmse) say("the model does not beat the mean: these features say little about the target");
}
