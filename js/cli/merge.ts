// isotone merge: models trained on shards become one model. In: model files, or files with one model a line; out: a model file.

import { type Command, InvalidArgumentError } from "commander";
import { ModelFormatError } from "../errors.js";
import { parseModel, stringifyModel } from "../format.js";
import { type MergeOptions, mergeData } from "../merge.js";
import type { ModelData } from "../types.js";
import { InputError, UsageError } from "./errors.js";
import { readText } from "./model-file.js";
import { withOutputOptions } from "./options.js";
import { digits, plural, say, setQuiet, withOutput } from "./output.js";

interface Flags {
  weights: MergeOptions["weights"];
  output?: string;
  quiet?: boolean;
}

function weights(text: string): MergeOptions["weights"] {
  if (text === "equal" || text === "rows") return text;
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!numbers.every((w) => w > 0 && w < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('Expected "equal", "rows", or a number above 0 for each model, e.g. 2,1,1.');
  return numbers;
}

export function addMerge(program: Command): void {
  const command = program
    .command("merge <models...>")
    .description("average the models of shards into one model, again exactly monotone; - reads stdin")
    .option(
      "--weights <how>",
      "equal, rows (by the training rows of each), or a number for each model",
      weights,
      "equal",
    );
  withOutputOptions(command, undefined)
    .addHelpText(
      "after",
      `
The models need the same target, features, constraints and loss. Fit them with one --scaling (isotone scan), so that they share their inputs.
A file may hold several models, one a line, as distributed engines write them.

Examples:
  isotone merge m1.json m2.json -o model.json
  isotone merge shards/*.json --weights rows -o model.json
  cat part-* | isotone merge - -o model.json`,
    )
    .action(run);
}

/** The models of a file: one, or one a line. */
async function readModels(path: string): Promise<{ name: string; data: ModelData }[]> {
  const text = await readText(path);
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const many = lines.length > 1 && lines.every((line) => line.startsWith("{") && line.trimEnd().endsWith("}"));
  return (many ? lines : [text]).map((part, k) => {
    const name = many ? `${path} line ${k + 1}` : path;
    try {
      return { name, data: parseModel(part) };
    } catch (error) {
      if (error instanceof ModelFormatError) throw new InputError(`${name}: ${error.message}`);
      throw error;
    }
  });
}

async function run(paths: string[], flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  await withOutput(flags.output, async (output) => {
    const models: { name: string; data: ModelData }[] = [];
    for (const path of paths) models.push(...(await readModels(path)));
    if (Array.isArray(flags.weights) && flags.weights.length !== models.length)
      throw new UsageError(
        `--weights has ${plural(flags.weights.length, "number")} for ${plural(models.length, "model")}`,
      );
    let merged: ModelData;
    try {
      merged = mergeData(
        models.map(({ data }) => data),
        { weights: flags.weights },
      );
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // models are numbered from 0 in the library; here they have names
      throw new InputError(error.message.replace(/\bmodel (\d+)\b/g, (text, k) => models[Number(k)]?.name ?? text));
    }
    await output.write(`${stringifyModel(merged)}\n`);
    const rows = models.map(({ data }) => data.training.rows);
    if (flags.weights === "equal" && Math.max(...rows) > 1.5 * Math.min(...rows))
      say(
        `the models were trained on ${digits(Math.min(...rows))} to ${digits(Math.max(...rows))} rows and count the same; --weights rows counts each by its rows`,
      );
    const own = Math.max(...models.map(({ data }) => data.inputs.length));
    if (merged.inputs.length > own)
      say(
        `the models' scalings differ: ${merged.inputs.length} inputs in place of ${own}, which slows prediction; fit shards with one --scaling`,
      );
    const before = new Set(models.flatMap(({ data }) => data.training.warnings));
    for (const warning of merged.training.warnings) if (!before.has(warning)) say(`warning: ${warning}`);
    say(
      [
        `${plural(models.length, "model")}, ${digits(merged.training.rows)} rows`,
        `${plural(merged.networks.flat(2).length, "plane")} of ${plural(merged.inputs.length, "input")}`,
      ].join(", "),
    );
  });
}
