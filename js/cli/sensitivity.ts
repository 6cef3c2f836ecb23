// isotone sensitivity: how much the prediction moves with each feature, over the rows of a CSV file. Rows stream through.

import type { Command } from "commander";
import { shortest } from "../format.js";
import { batches, csvLines, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { featureColumns, openModel } from "./model-file.js";
import { withCsv, withOutputOptions } from "./options.js";
import { digits, say, setQuiet, textTable, withOutput } from "./output.js";

interface Flags {
  output?: string;
  json?: boolean;
  csv?: boolean;
  quiet?: boolean;
  delimiter?: string;
  na?: string[];
}

export function addSensitivity(program: Command): void {
  const command = program
    .command("sensitivity <model> <file>")
    .description("partial derivatives of the prediction over the rows of a CSV file: a summary, or all of them")
    .option("--csv", "every partial derivative: one row a row, one column a feature");
  withOutputOptions(withCsv(command), "the summary as JSON")
    .addHelpText(
      "after",
      `
A partial derivative says how much the prediction rises when one feature rises by one unit and the others stay: in units of the
target per unit of the feature. Categories have none.

Examples:
  isotone sensitivity model.json jobs.csv
  isotone sensitivity model.json jobs.csv --csv -o derivatives.csv
  isotone sensitivity model.json jobs.csv --json | jq '.features[] | {name, mean}'`,
    )
    .action(run);
}

/** Moments of one feature's partial derivatives, added row by row (Welford). */
class Moments {
  n = 0;
  mean = 0;
  #squares = 0;
  least = Number.POSITIVE_INFINITY;
  greatest = Number.NEGATIVE_INFINITY;
  negative = 0;
  positive = 0;
  add(value: number): void {
    this.n++;
    const before = value - this.mean;
    this.mean += before / this.n;
    this.#squares += before * (value - this.mean);
    if (value < this.least) this.least = value;
    if (value > this.greatest) this.greatest = value;
    if (value < 0) this.negative++;
    if (value > 0) this.positive++;
  }
  get sd(): number {
    return this.n > 1 ? Math.sqrt(this.#squares / (this.n - 1)) : 0;
  }
  get meanSquare(): number {
    return this.#squares / this.n + this.mean * this.mean;
  }
}

async function run(modelPath: string, path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  if (flags.csv && flags.json) throw new UsageError("--csv and --json exclude each other");
  const model = await openModel(modelPath);
  await withOutput(flags.output, async (output) => {
    const file = await openCsv(path, flags);
    const kinds = featureColumns(model.features, file);
    const width = model.features.length;
    const numbers = model.features.flatMap((feature, f) => (feature.kind === "number" ? [f] : []));
    const moments = numbers.map(() => new Moments());
    if (flags.csv) await output.write(csvLines([numbers.map((f) => model.features[f].name)], flags.delimiter));
    let n = 0;
    for await (const { records, columns } of batches(file, kinds)) {
      const slopes = model.sensitivityMany(columns);
      if (flags.csv) {
        const rows = records.map((_, r) => numbers.map((f) => shortest(slopes[r * width + f])));
        await output.write(csvLines(rows, flags.delimiter));
      }
      numbers.forEach((f, k) => {
        for (let r = 0; r < records.length; r++) moments[k].add(slopes[r * width + f]);
      });
      n += records.length;
    }
    if (n === 0) throw new InputError(`${file.name} has a header but no rows`);
    const summary = numbers.map((f, k) => {
      const { name, constraint } = model.features[f];
      const { mean, sd, meanSquare, least, greatest, negative, positive } = moments[k];
      const wrong = constraint === "increasing" ? negative : constraint === "decreasing" ? positive : 0;
      return { name, constraint, mean, sd, meanSquare, min: least, max: greatest, negative: negative / n, wrong };
    });
    if (flags.json) await output.write(`${JSON.stringify({ rows: n, features: summary })}\n`);
    else if (!flags.csv) {
      const header = ["feature", "constraint", "mean", "sd", "root mean square", "least", "greatest", "below 0"];
      const lines = summary.map((s) => [
        s.name,
        s.constraint,
        s.mean,
        s.sd,
        Math.sqrt(s.meanSquare),
        s.min,
        s.max,
        `${digits(100 * s.negative)} %`,
      ]);
      await output.write(textTable(header, lines));
    }
    const constrained = summary.filter((s) => s.constraint !== "free");
    const wrong = constrained.reduce((sum, s) => sum + s.wrong, 0);
    say(`${n} rows; partial derivatives of the wrong sign: ${wrong} of ${n * constrained.length}`);
  });
}
