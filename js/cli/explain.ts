// isotone explain: what each feature adds to each prediction, against a baseline. Rows stream through.

import type { Command } from "commander";
import { quote } from "../errors.js";
import type { Model } from "../model.js";
import { batches, type CsvOptions, columnIndex, csvLines, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { featureColumns, openModel } from "./model-file.js";
import { names, withCsv, withOutputOptions } from "./options.js";
import { say, setQuiet, withOutput } from "./output.js";

interface Flags extends CsvOptions {
  output?: string;
  json?: boolean;
  quiet?: boolean;
  baseline: string;
  keep?: string[];
}

export function addExplain(program: Command): void {
  const command = program
    .command("explain <model> <file>")
    .description("what each feature adds to each prediction, in units of the target")
    .option("--baseline <row>", "median (of training), zero, or a CSV file with one row", "median")
    .option("--keep <columns>", "columns of the file to put in front, e.g. an id", names);
  withOutputOptions(withCsv(command), "a JSON array of { baseline, contributions, prediction }, one a line")
    .addHelpText(
      "after",
      `
The contributions of a row add up to its prediction minus the prediction of the baseline. They are the partial derivatives integrated
on the way from the baseline to the row, so a constrained feature never gets the wrong sign.

Examples:
  isotone explain model.json new.csv --keep job -o contributions.csv
  isotone explain model.json new.csv --baseline zero --json`,
    )
    .action(run);
}

/** The baseline as `Model.explain` takes it. */
async function readBaseline(
  model: Model,
  text: string,
  flags: Flags,
): Promise<"median" | "zero" | Record<string, unknown>> {
  if (text === "median" || text === "zero") return text;
  const file = await openCsv(text, flags);
  const kinds = featureColumns(model.features, file);
  const rows: Record<string, unknown>[] = [];
  for await (const { records, columns } of batches(file, kinds)) {
    records.forEach((_, r) => {
      rows.push(Object.fromEntries(kinds.map(({ name }) => [name, columns[name][r]])));
    });
  }
  if (rows.length !== 1) throw new InputError(`--baseline: ${text} has ${rows.length} rows, expected one`);
  return rows[0];
}

async function run(modelPath: string, path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  const model = await openModel(modelPath);
  await withOutput(flags.output, async (output) => {
    const file = await openCsv(path, flags);
    const kinds = featureColumns(model.features, file);
    const keep = flags.keep ?? [];
    const places = keep.map((name) => columnIndex(file, name, "--keep"));
    const baseline = await readBaseline(model, flags.baseline, flags);
    const features = model.features.map((feature) => feature.name);
    const header = [...keep, "baseline", ...features, "prediction"];
    const twice = header.find((name, i) => header.indexOf(name) !== i);
    if (twice !== undefined && !flags.json) {
      throw new UsageError(
        `two columns of the output would be called ${quote(twice)}: use --json, or leave it out of --keep`,
      );
    }
    const width = features.length;
    const short = (value: number) => Number(value.toPrecision(7));
    let n = 0;
    await output.write(flags.json ? "[" : csvLines([header], flags.delimiter));
    for await (const { records, columns } of batches(file, kinds)) {
      const all = model.explainMany(columns, baseline);
      const rows = records.map(({ cells }, r) => ({
        kept: places.map((at) => cells[at]),
        parts: Array.from(all.contributions.subarray(r * width, (r + 1) * width), short),
        prediction: short(all.predictions[r]),
      }));
      if (flags.json) {
        const objects = rows.map(({ kept, parts, prediction }) => {
          const front = Object.fromEntries(kept.map((cell, k) => [keep[k], cell]));
          const contributions = Object.fromEntries(parts.map((part, f) => [features[f], part]));
          return JSON.stringify({ ...front, baseline: short(all.baseline), contributions, prediction });
        });
        await output.write(`${n === 0 ? "\n" : ",\n"}${objects.join(",\n")}`);
      } else {
        const lines = rows.map(({ kept, parts, prediction }) => [...kept, short(all.baseline), ...parts, prediction]);
        await output.write(csvLines(lines, flags.delimiter));
      }
      n += records.length;
    }
    if (flags.json) await output.write("\n]\n");
    if (n === 0) say(`note: ${file.name} has a header but no rows`);
  });
}
