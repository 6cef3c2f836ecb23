// isotone sensitivity: how much the prediction moves with each feature, over the rows of a CSV file. Rows stream through: every derivative is
// counted, and written with --csv; the summary is that of js/sensitivity.ts over all rows, or over a sample where there are very many.

import type { Command } from "commander";
import { quote } from "../errors.js";
import { shortest } from "../format.js";
import { uniform } from "../random.js";
import { encodeRows } from "../rows.js";
import { type SensitivitySummary, sensitivitySummary } from "../sensitivity.js";
import { readCell } from "./cells.js";
import { columnIndex, csvLines, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { batches } from "./gather.js";
import { featureColumns, openModel } from "./model-file.js";
import { whole, withCsv, withOutputOptions } from "./options.js";
import { digits, plural, say, setQuiet, textTable, withOutput } from "./output.js";

interface Flags {
  output?: string;
  json?: boolean;
  csv?: boolean;
  quiet?: boolean;
  delimiter?: string;
  na?: string[];
  weight?: string;
  bootstrap: number;
  seed: number;
}

/** Rows that the summary keeps in memory. */
const MOST = 100_000;

export function addSensitivity(program: Command): void {
  const command = program
    .command("sensitivity <model> <file>")
    .description("partial derivatives of the prediction over the rows of a CSV file: a summary, or all of them")
    .option("--csv", "every partial derivative: one row a row, one column a feature of numbers")
    .option("--weight <column>", "how much each row counts in the summary")
    .option("--bootstrap <n>", "draws of rows behind the ranks' intervals, 0 for none", whole(0, 100000), 200)
    .option("--seed <n>", "of these draws", whole(0, 4294967295), 1);
  withOutputOptions(withCsv(command), "the summary as JSON, with quantiles and all intervals")
    .addHelpText(
      "after",
      `
A partial derivative says how much the prediction rises when one feature rises by
one unit and the others stay: in units of the target per unit of the feature.

The summary has its mean, standard deviation, 5 % and 95 % points. The strength
is what the usual variation of a feature does to the prediction, in units of the
target: root mean square of the derivative times the standard deviation of the
feature. Categories have no derivative, but a strength: how far the predictions
for their words lie apart. "leads" is the share of rows where a feature is the
strongest; "rank" has a 95 % bootstrap interval.

Examples:
  isotone sensitivity model.json jobs.csv
  isotone sensitivity model.json jobs.csv --csv -o derivatives.csv
  isotone sensitivity model.json jobs.csv --json | jq '.features[] | {name, mean}'`,
    )
    .action(run);
}

/** Rows that are kept for the summary, each with the same chance (reservoir sampling). */
class Kept {
  total = 0;
  readonly #width: number;
  readonly #random: () => number;
  #values: Float32Array;
  #weights: Float64Array;
  constructor(width: number, seed: number) {
    this.#width = width;
    this.#random = uniform(seed);
    this.#values = new Float32Array(1024 * width);
    this.#weights = new Float64Array(1024);
  }
  get rows(): number {
    return Math.min(this.total, MOST);
  }
  add(row: Float32Array, weight: number): void {
    this.total++;
    const place = this.total <= MOST ? this.total - 1 : Math.floor(this.#random() * this.total);
    if (place >= MOST) return;
    if (place >= this.#weights.length) {
      const more = Math.min(MOST, 2 * this.#weights.length);
      const [values, weights] = [new Float32Array(more * this.#width), new Float64Array(more)];
      values.set(this.#values);
      weights.set(this.#weights);
      [this.#values, this.#weights] = [values, weights];
    }
    this.#values.set(row, place * this.#width);
    this.#weights[place] = weight;
  }
  get values(): Float32Array {
    return this.#values.subarray(0, this.rows * this.#width);
  }
  get weights(): Float64Array {
    return this.#weights.subarray(0, this.rows);
  }
}

async function run(modelPath: string, path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  if (flags.csv && flags.json) throw new UsageError("--csv and --json exclude each other");
  const model = await openModel(modelPath, path, flags.output);
  const { features } = model;
  const width = features.length;
  const numbers = features.flatMap((feature, f) => (feature.kind === "number" ? [f] : []));
  if (flags.csv && numbers.length === 0)
    throw new UsageError("--csv: categories have no derivative, and the model has no other features");
  await withOutput(flags.output, async (output) => {
    const file = await openCsv(path, flags);
    const kinds = featureColumns(features, file);
    const weightAt = flags.weight === undefined ? -1 : columnIndex(file, flags.weight, "--weight");
    const weightKind = { name: flags.weight ?? "", kind: "number", missing: false } as const;
    const constrained = numbers.filter((f) => features[f].constraint !== "free");
    const kept = new Kept(width, flags.seed);
    let wrong = 0;
    if (flags.csv) await output.write(csvLines([numbers.map((f) => features[f].name)], flags.delimiter));
    for await (const { records, columns } of batches(file, kinds)) {
      const values = encodeRows(columns, features);
      const slopes = model.sensitivityMany(values);
      if (flags.csv) {
        const rows = records.map((_, r) => numbers.map((f) => shortest(slopes[r * width + f])));
        await output.write(csvLines(rows, flags.delimiter));
      }
      records.forEach(({ cells, line }, r) => {
        for (const f of constrained) {
          const s = slopes[r * width + f];
          if (features[f].constraint === "increasing" ? s < 0 : s > 0) wrong++;
        }
        const weight = weightAt < 0 ? 1 : (readCell(file, cells[weightAt], line, weightKind) as number);
        if (weight < 0) {
          throw new InputError(`${file.name}, line ${line}: the weight is ${weight}: give numbers of at least 0`);
        }
        kept.add(values.subarray(r * width, (r + 1) * width), weight);
      });
    }
    if (!flags.csv) {
      if (kept.total === 0) throw new InputError(`${file.name} has a header but no rows`);
      if (!kept.weights.some((weight) => weight > 0)) throw new InputError(`${file.name}: every weight is 0`);
      const { bootstrap, seed } = flags;
      const summary = sensitivitySummary(model, kept.values, { weights: kept.weights, bootstrap, seed });
      if (flags.json)
        await output.write(`${JSON.stringify({ ...summary, rows: kept.total, summarised: summary.rows })}\n`);
      else {
        await output.write(summaryTable(summary));
        const target = quote(model.toJSON().target.name);
        say(`mean, sd, 5 % and 95 %: ${target} per unit of the feature; strength: ${target} for its usual variation`);
      }
      if (kept.total > MOST) say(`summary of ${MOST} rows, sampled from ${kept.total}`);
    }
    say(
      `${plural(kept.total, "row")}; partial derivatives of the wrong sign: ${wrong} of ${kept.total * constrained.length}`,
    );
  });
}

/** The strongest first, within 80 columns: names give way. */
function summaryTable({ features }: SensitivitySummary): string {
  const short = (value: number) =>
    Math.abs(value) < 1e-3 && value !== 0 ? value.toExponential(1) : digits(Number(value.toPrecision(3)));
  const sign = { increasing: "+", decreasing: "-", free: "" };
  const header = ["feature", "sign", "mean", "sd", "5 %", "95 %", "strength", "leads", "rank"];
  const ranked = [...features].sort((a, b) => a.rank - b.rank);
  const table = (most: number) => {
    const rows = ranked.map((f) => {
      const none = f.spread === 0 && f.min === 0 && f.max === 0;
      const derivative = none ? ["-", "-", "-", "-"] : [f.mean, f.sd, f.quantiles.p5, f.quantiles.p95].map(short);
      const [first, last] = f.rankInterval;
      const rank = first === last ? `${f.rank}` : `${f.rank} (${first}-${last})`;
      const letters = [...f.name];
      const name = letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : f.name;
      return [name, sign[f.constraint], ...derivative, short(f.strength), `${Math.round(100 * f.largest)} %`, rank];
    });
    return textTable(header, rows);
  };
  const longest = Math.max(7, ...ranked.map(({ name }) => [...name].length));
  const over =
    Math.max(
      ...table(longest)
        .split("\n")
        .map((line) => [...line].length),
    ) - 80;
  return over > 0 ? table(Math.max(8, Math.min(longest, 60) - over)) : table(longest);
}
