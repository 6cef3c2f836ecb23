// Options that several commands share: how CSV is read, and what is to be trained. In: commander's options; out: checked values, or a
// UsageError that names the option.

import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { numberIn } from "../cells.js";
import { list, quote } from "../errors.js";
import { checkTarget, checkWeight, type FeatureOption, type FitOptions } from "../schema.js";
import type { Loss } from "../types.js";
import type { ColumnKind } from "./cells.js";
import { type CsvFile, type CsvOptions, columnIndex, parseList } from "./csv.js";
import { UsageError } from "./errors.js";

/** A whole number in a range. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    return value;
  };
}

/** A number in a range. */
export function real(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = numberIn(text);
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
    return value;
  };
}

/** One of some words. */
export function oneOf(words: readonly string[]): (text: string) => string {
  return (text) => {
    if (!words.includes(text)) throw new InvalidArgumentError(`Expected one of: ${words.join(", ")}.`);
    return text;
  };
}

/** Names separated by commas; the option may be repeated. */
export function names(text: string, before: string[] = []): string[] {
  return [...before, ...parseList(text)];
}

/** Distinct numbers between 0 and 1, separated by commas. */
export function levels(text: string): number[] {
  const found = text.split(",").map((part) => {
    const level = numberIn(part);
    if (!(level > 0 && level < 1))
      throw new InvalidArgumentError(`Expected numbers between 0 and 1, got ${quote(part)}.`);
    return level;
  });
  const twice = found.find((level, i) => found.indexOf(level) < i);
  if (twice !== undefined) throw new InvalidArgumentError(`Expected distinct numbers, got ${twice} twice.`);
  return found;
}

/** `--delimiter` and `--na`. */
export function withCsv(command: Command): Command {
  return command
    .option("--delimiter <character>", 'what separates cells: "," (default), ";", tab, "|" …', (text) => {
      const delimiter = text === "tab" || text === "\\t" ? "\t" : text;
      if (delimiter.length !== 1 || /["\r\n]/.test(delimiter))
        throw new InvalidArgumentError('Expected one character, or "tab".');
      return delimiter;
    })
    .option("--na <words>", "words that mean a missing value, beside the empty cell, e.g. NA,null", names);
}

/** `--quiet`, `--json` and `-o`. */
export function withOutputOptions(command: Command, json: string | undefined): Command {
  command.option("-o, --output <file>", "write here instead of to stdout (complete or not at all)");
  if (json !== undefined) command.option("--json", json);
  return command.option("-q, --quiet", "nothing on stderr but errors");
}

/** What commander made of the options of withCsv and withTraining. */
export interface TrainingFlags extends CsvOptions {
  target: string;
  increasing?: string[];
  decreasing?: string[];
  free?: string[];
  category?: string[];
  unknown?: string[];
  missing?: string[];
  weight?: string;
  loss?: string;
  quantiles?: number[];
  networks?: number;
  groups?: number;
  hyperplanes?: number;
  seed?: number;
  epochs?: number;
  batch?: number;
  learningRate?: number;
  validation?: number;
  members?: number;
  threads?: number;
  effort?: string;
}

const LOSSES = ["squared", "absolute", "huber", "poisson", "gamma", "logistic"];

/** The options of fit. */
export function withTraining(command: Command, needsTarget = true): Command {
  if (needsTarget) command.requiredOption("-t, --target <column>", "the column to predict");
  else command.option("-t, --target <column>", "the column to predict");
  return command
    .option("-i, --increasing <columns>", "the prediction never falls when these rise, e.g. scan,repair", names)
    .option("-d, --decreasing <columns>", "the prediction never rises when these rise", names)
    .option("-f, --free <columns>", "numbers without a direction", names)
    .option("-c, --category <columns>", "words: one input for each one found", names)
    .option("--unknown <column=word>", "the category that stands in for ones not seen in training (repeatable)", names)
    .option(
      "--missing <columns>",
      "allow missing values here: the median stands in, and free columns and categories learn what missing means",
      names,
    )
    .option("--weight <column>", "how much each row counts")
    .option("--loss <name>", `what is minimised: ${LOSSES.join(", ")}`, oneOf(LOSSES))
    .option("--quantiles <levels>", "learn these quantiles instead of the mean, e.g. 0.1,0.5,0.9", levels)
    .option("--networks <n>", "networks in the sum; 1 is Sill's network (default: 16)", whole(1, 1024))
    .option("--groups <n>", "groups in a network (default: 4)", whole(1, 256))
    .option("--hyperplanes <n>", "hyperplanes in a group (default: 4)", whole(1, 256))
    .option("--seed <n>", "same seed, same bytes (default: 1)", whole(0, 4294967295))
    .option("--epochs <n>", "passes over the rows (default: by the number of rows)", whole(1, 1e9))
    .option("--batch <n>", "rows a step (default: by the number of rows)", whole(1, 1e6))
    .option("--learning-rate <x>", "greatest step size (default: by rows and inputs)", real(1e-9, 10))
    .option("--validation <share>", "share of rows each member keeps back, 0 to 0.9", real(0, 0.9))
    .option("--members <n>", "models that are averaged (default: by the number of rows)", whole(1, 64))
    .option(
      "--threads <n>",
      "that train; the model has the same bytes with any number (default: by rows and processors, at most 8)",
      whole(1, 256),
    )
    .option("--effort <word>", "fast, default or best", oneOf(["fast", "default", "best"]));
}

/**
 * Threads where none are asked for. On two processors a fit of 400 to 20,000 rows takes 0.63 to 0.85 of the time; of 200 rows or fewer a worker
 * is hardly there before the members are trained. Each thread has its own rows, up to 64 MB.
 */
export const threadsFor = (rows: number): number => (rows < 250 ? 1 : Math.min(availableParallelism(), 8));

type Word = "increasing" | "decreasing" | "free" | "category";

/** What is said of each column that is named: its direction, or that it holds words. */
function readWords(flags: TrainingFlags, file: CsvFile): Map<string, Word> {
  const words = new Map<string, Word>();
  for (const word of ["increasing", "decreasing", "free", "category"] as const) {
    for (const name of flags[word] ?? []) {
      columnIndex(file, name, `--${word}`);
      const before = words.get(name);
      if (before !== undefined && before !== word)
        throw new UsageError(`${quote(name)} is both --${before} and --${word}: choose one`);
      if (name === flags.target) throw new UsageError(`--${word}: ${quote(name)} is the target`);
      if (name === flags.weight) throw new UsageError(`--${word}: ${quote(name)} is the weight`);
      words.set(name, word);
    }
  }
  return words;
}

/** The features among the columns where missing values are allowed. */
function readMissing(flags: TrainingFlags, file: CsvFile, features: readonly string[]): Set<string> {
  const missing = new Set(flags.missing);
  for (const name of missing) {
    if (features.includes(name)) continue;
    columnIndex(file, name, "--missing");
    throw new UsageError(`--missing: ${quote(name)} is not a feature; features: ${list(features)}`);
  }
  return missing;
}

/** Categories that stand in for unknown ones, by column. */
function readUnknown(flags: TrainingFlags, words: ReadonlyMap<string, Word>): Map<string, string> {
  const unknown = new Map<string, string>();
  for (const pair of flags.unknown ?? []) {
    const at = pair.lastIndexOf("=");
    const name = pair.slice(0, at);
    if (at < 0 || words.get(name) !== "category")
      throw new UsageError(`--unknown expected column=word for a --category, got ${quote(pair)}`);
    unknown.set(name, pair.slice(at + 1));
  }
  return unknown;
}

/** Flags that are options of fit, under the same name and as they are. */
const PLAIN = [
  "networks",
  "groups",
  "hyperplanes",
  "seed",
  "epochs",
  "batch",
  "learningRate",
  "validation",
  "members",
  "threads",
] as const;

/** From flags and the header: the options of fit, the columns to read, and those that are not used. */
export function readTraining(
  flags: TrainingFlags,
  file: CsvFile,
): { options: FitOptions; kinds: ColumnKind[]; unused: string[] } {
  const { target, weight } = flags;
  columnIndex(file, target, "--target");
  if (weight !== undefined) columnIndex(file, weight, "--weight");
  if (weight === target) throw new UsageError(`--weight: ${quote(target)} is the target`);
  if (flags.loss !== undefined && flags.quantiles !== undefined)
    throw new UsageError("--loss and --quantiles exclude each other");
  const words = readWords(flags, file);
  const chosen = file.header.filter((name) =>
    words.size === 0 ? name !== target && name !== weight : words.has(name),
  );
  if (chosen.length === 0) throw new UsageError(`${file.name} has no column besides the target ${quote(target)}`);
  const missing = readMissing(flags, file, chosen);
  const unknown = readUnknown(flags, words);

  const features = new Map<string, FeatureOption>();
  const kinds: ColumnKind[] = [];
  for (const name of chosen) {
    const word = words.get(name) ?? "increasing";
    const allowed = missing.has(name);
    if (word === "category") {
      const option: FeatureOption = { categories: "auto" };
      if (allowed) option.missing = "indicator";
      const fallback = unknown.get(name);
      if (fallback !== undefined) option.unknown = fallback;
      features.set(name, option);
      kinds.push({ name, kind: "category", missing: allowed });
    } else {
      features.set(name, allowed ? { constraint: word, missing: word === "free" ? "indicator" : "median" } : word);
      kinds.push({ name, kind: "number", missing: allowed });
    }
  }
  const loss = { name: flags.quantiles ? "quantiles" : ((flags.loss ?? "squared") as Loss["name"]) };
  kinds.push({
    name: target,
    kind: "number",
    missing: false,
    check: (value, where) => checkTarget({ target, loss }, value, where),
  });
  if (weight !== undefined)
    kinds.push({
      name: weight,
      kind: "number",
      missing: false,
      check: (value, where) => checkWeight(weight, value, where),
    });

  const options: FitOptions = { target, features };
  if (weight !== undefined) options.weight = weight;
  if (flags.quantiles !== undefined) options.loss = { quantiles: flags.quantiles };
  else if (flags.loss !== undefined) options.loss = flags.loss as "squared";
  for (const name of PLAIN) {
    const value = flags[name];
    if (value !== undefined) options[name] = value;
  }
  if (flags.effort !== undefined) options.effort = flags.effort as "default";
  const used = new Set(kinds.map((kind) => kind.name));
  return { options, kinds, unused: file.header.filter((name) => !used.has(name)) };
}
