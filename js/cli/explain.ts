// isotone explain: what each feature adds to each prediction, against a baseline. Rows stream through.

import type { Command } from "commander";
import { list, quote } from "../errors.js";
import type { Model } from "../model.js";
import type { ColumnKind } from "./cells.js";
import { type CsvFile, type CsvOptions, columnIndex, csvLines, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { batches } from "./gather.js";
import { featureColumns, openModel } from "./model-file.js";
import { names, whole, withCsv, withOutputOptions } from "./options.js";
import { digits, plural, say, setQuiet, textTable, withOutput } from "./output.js";

interface Flags extends CsvOptions {
  output?: string;
  json?: boolean;
  quiet?: boolean;
  baseline: string;
  keep?: string[];
  row?: number;
}

export function addExplain(program: Command): void {
  const command = program
    .command("explain <model> <file>")
    .description("what each feature adds to each prediction, in units of the target")
    .option("--baseline <row>", "median (of training), zero, or a CSV file with one row", "median")
    .option("--keep <columns>", "columns of the file to put in front, e.g. an id", names)
    .option("--row <n>", "only this row, from 1, as a table to read: largest first", whole(1, 1e15));
  withOutputOptions(withCsv(command), "a JSON array of { baseline, contributions, prediction }, one a line")
    .addHelpText(
      "after",
      `
The contributions of a row add up to its prediction minus the prediction of the
baseline. They are the partial derivatives integrated on the way from the
baseline to the row, so a constrained feature never gets the wrong sign.

Examples:
  isotone explain model.json new.csv --row 17
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
  if (rows.length !== 1) throw new InputError(`--baseline: ${text} has ${plural(rows.length, "row")}, expected one`);
  return rows[0];
}

/** A baseline that no training row was like is an extrapolation, and so is every contribution against it. */
function noteOutside(model: Model, baseline: "median" | "zero" | Record<string, unknown>): void {
  if (baseline === "median") return;
  const outside = model.features.filter(({ name, kind, range }) => {
    const value = baseline === "zero" ? 0 : baseline[name];
    return kind === "number" && range && typeof value === "number" && (value < range[0] || value > range[1]);
  });
  if (outside.length === 0) return;
  const names = list(
    outside.map(({ name }) => name),
    6,
  );
  say(`note: the baseline lies outside the training rows' range of ${names}: its prediction is a guess`);
}

/** One row of the file as a table. */
async function oneRow(
  model: Model,
  file: CsvFile,
  kinds: readonly ColumnKind[],
  baseline: "median" | "zero" | Record<string, unknown>,
  wanted: number,
): Promise<string> {
  let before = 0;
  for await (const { records, columns } of batches(file, kinds)) {
    const r = wanted - 1 - before;
    before += records.length;
    if (r >= records.length) continue;
    const row = Object.fromEntries(kinds.map(({ name }) => [name, columns[name][r]]));
    const explained = model.explain(row, baseline);
    const short = (value: number) => Number(value.toPrecision(4));
    const parts = Object.entries(explained.contributions).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    const silent = parts.filter(([, part]) => part === 0);
    const shown = silent.length > 3 ? parts.filter(([, part]) => part !== 0) : parts;
    const lines = shown.map(([name, part]) => {
      const value = row[name];
      const word = typeof value === "number" ? (Number.isNaN(value) ? "missing" : digits(value)) : (value ?? "missing");
      return [name.length > 30 ? `${name.slice(0, 29)}…` : name, word, short(part)];
    });
    if (shown.length < parts.length) lines.push([`the other ${silent.length}`, "", 0]);
    const ends = (name: string, value: number) => [name, "", short(value)];
    return textTable(
      ["feature", "value", model.toJSON().target.name],
      [ends("the baseline", explained.baseline), ...lines, ends(`row ${wanted}`, explained.prediction)],
    );
  }
  throw new InputError(`${file.name} has ${plural(before, "row")}: there is no row ${wanted}`);
}

async function run(modelPath: string, path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  const model = await openModel(modelPath, path, flags.output);
  await withOutput(flags.output, async (output) => {
    const file = await openCsv(path, flags);
    const kinds = featureColumns(model.features, file);
    const keep = flags.keep ?? [];
    const places = keep.map((name) => columnIndex(file, name, "--keep"));
    const baseline = await readBaseline(model, flags.baseline, flags);
    noteOutside(model, baseline);
    if (flags.row !== undefined) {
      if (flags.json || flags.keep)
        throw new UsageError(`--row and --${flags.json ? "json" : "keep"} exclude each other`);
      await output.write(await oneRow(model, file, kinds, baseline, flags.row));
      return;
    }
    const features = model.features.map((feature) => feature.name);
    const header = [...keep, "baseline", ...features, "prediction"];
    const keys = flags.json ? [...keep, "baseline", "contributions", "prediction"] : header;
    const twice = keys.find((name, i) => keys.indexOf(name) !== i);
    if (twice !== undefined) {
      const mends = [
        ...(flags.json ? [] : ["use --json"]),
        ...(keep.includes(twice) ? ["leave it out of --keep"] : []),
      ];
      throw new UsageError(
        `two ${flags.json ? "keys" : "columns"} of the output would be called ${quote(twice)}: ${mends.join(", or ")}`,
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
