// isotone predict: the rows of a CSV file, with a prediction each. Rows stream through: memory does not grow with the file.

import { type Command, InvalidArgumentError } from "commander";
import { quote } from "../errors.js";
import { shortest } from "../format.js";
import { intervalAround } from "../interval.js";
import type { Model } from "../model.js";
import { csvLines, openCsv } from "./csv.js";
import { UsageError } from "./errors.js";
import { batches } from "./gather.js";
import { featureColumns, openModel } from "./model-file.js";
import { levels, withCsv, withOutputOptions } from "./options.js";
import { say, setQuiet, withOutput } from "./output.js";

interface Flags {
  output?: string;
  json?: boolean;
  quiet?: boolean;
  delimiter?: string;
  na?: string[];
  column: string;
  only?: boolean;
  quantiles?: number[];
  interval?: number;
}

export function addPredict(program: Command): void {
  const command = program
    .command("predict <model> <file>")
    .description("predict the rows of a CSV file; - reads stdin, gzip is unpacked")
    .option("--column <name>", "name of the new column", "prediction")
    .option("--only", "only the new columns, not those of the file")
    .option(
      "--quantiles <levels>",
      "models fitted with --quantiles: these quantiles beside the median, e.g. 0.1,0.9",
      levels,
    )
    .option("--interval <coverage>", "also an interval that covers this share of new rows, e.g. 0.9", (text) => {
      const [coverage, ...more] = levels(text);
      if (coverage === undefined || more.length > 0)
        throw new InvalidArgumentError("Expected one number between 0 and 1.");
      return coverage;
    });
  withOutputOptions(withCsv(command), "a JSON array of objects with the new columns, one a line")
    .addHelpText(
      "after",
      `
The file needs the columns of the model, in any order; others are kept. The output has the columns of the file and "prediction".

Examples:
  isotone predict model.json new.csv -o predictions.csv
  isotone predict model.json new.csv --interval 0.9
  cat new.csv | isotone predict model.json - --only | tail -n +2 | sort -n`,
    )
    .action(run);
}

/** Refuses quantiles and intervals that the model cannot give, before a line is written. */
function checkAsked(model: Model, { quantiles, interval }: Flags): void {
  if (quantiles === undefined && interval === undefined) return;
  const data = model.toJSON();
  const fitted = data.loss.name === "quantiles";
  if (quantiles && !fitted)
    throw new UsageError(
      `--quantiles needs a model fitted with --quantiles; the loss of this one is ${data.loss.name}`,
    );
  if (interval === undefined) return;
  if (fitted)
    throw new UsageError(
      "--interval: this model was fitted with --quantiles; ask for both ends, --quantiles 0.05,0.95",
    );
  try {
    intervalAround(data, 1, interval);
  } catch (error) {
    throw new UsageError(`--interval: ${(error as Error).message}`);
  }
}

async function run(modelPath: string, path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  const model = await openModel(modelPath, path, flags.output);
  checkAsked(model, flags);
  await withOutput(flags.output, async (output) => {
    // columns may be added to the file itself
    const { output: _, ...reading } = flags;
    const file = await openCsv(path, reading);
    const kinds = featureColumns(model.features, file);
    const added = [flags.column];
    for (const level of flags.quantiles ?? []) added.push(`${flags.column}_q${level}`);
    if (flags.interval !== undefined) added.push(`${flags.column}_low`, `${flags.column}_high`);
    const clash = flags.only || flags.json ? undefined : added.find((name) => file.header.includes(name));
    if (clash !== undefined)
      throw new UsageError(`${file.name} already has a column ${quote(clash)}: name the new one with --column`);
    const extra = (row: Record<string, unknown>): number[] => {
      const values = (flags.quantiles ?? []).map((level) => model.quantile(row, level));
      if (flags.interval === undefined) return values;
      return [...values, ...model.predictInterval(row, flags.interval)];
    };
    let n = 0;
    if (flags.json) await output.write("[");
    else await output.write(csvLines([flags.only ? added : [...file.header, ...added]], flags.delimiter));
    for await (const { records, columns } of batches(file, kinds)) {
      const predictions = model.predictMany(columns);
      const rows = records.map((_, r) => {
        const values = [predictions[r] as number];
        if (added.length > 1) {
          values.push(...extra(Object.fromEntries(kinds.map(({ name }) => [name, columns[name]?.[r]]))));
        }
        return values.map(shortest);
      });
      if (flags.json) {
        const objects = rows.map((values) =>
          JSON.stringify(Object.fromEntries(values.map((value, i) => [added[i], value]))),
        );
        await output.write(`${n === 0 ? "\n" : ",\n"}${objects.join(",\n")}`);
      } else {
        const lines = flags.only ? rows : rows.map((values, r) => [...(records[r]?.cells ?? []), ...values]);
        await output.write(csvLines(lines, flags.delimiter));
      }
      n += records.length;
    }
    if (flags.json) await output.write("\n]\n");
    if (n === 0) say(`note: ${file.name} has a header but no rows`);
  });
}
