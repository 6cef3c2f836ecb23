// The options of fit, checked and completed. In: rows and what the user wrote; out: the target, one FeatureSpec a feature, in order, with
// categories found and defaults filled in. "auto" stays "auto": fit decides from the number of rows and inputs.

import {
  choiceError,
  isPlain,
  list,
  numberError,
  onlyOptions,
  quote,
  rangeError,
  typeError,
  wordError,
} from "./errors.js";
import type { Signal, WasmModule } from "./host.js";
import type { Rows } from "./rows.js";
import type { ScalingFile } from "./scan.js";
import { entriesOf, type Floats, noColumn, numericColumn, readTable, type Table } from "./table.js";
import type { Constraint, Loss } from "./types.js";

/** What a user may say of a feature: a word, the sign as in XGBoost, LightGBM and sklearn, or the long form. */
export type FeatureOption =
  | Constraint
  | 1
  | -1
  | 0
  | {
      /** Direction; "increasing" when left out, always "free" for categories. */
      constraint?: Constraint | 1 | -1 | 0;
      /** Makes the column a set of categories: found in the rows ("auto", in code-unit order) or listed. */
      categories?: "auto" | readonly string[];
      /** The category that stands in for ones not seen in training; without it an unknown category is an error. */
      unknown?: string;
      /**
       * What null, undefined and NaN mean: an error (default), the training median (the order of everything else is kept), or an input of
       * its own that is learned ("indicator": free features and categories only).
       */
      missing?: "error" | "median" | "indicator";
      /**
       * "auto" (default) takes log(1 + x / c) for skewed non-negative columns where that fits better. "ramps" does so too, and lets the model bend and
       * step at the quartiles of the column: up to four more inputs, none of a column of eight values or fewer.
       */
      transform?: Transform;
    };

/** How the numbers of a feature become inputs. */
export type Transform = "auto" | "linear" | "log1p" | "ramps";

/** A look at a running fit. */
export interface Progress {
  /** Passes over the rows that are done, and that there will be at most; at the last call all are, also those that members did without. */
  epoch: number;
  epochs: number;
  /** Mean loss on the training rows since the look before, of the scaled target. */
  loss: number;
  /** Mean loss on the rows left out; null with `validation: 0`. */
  validationLoss: number | null;
  /** Seconds since the start. */
  seconds: number;
  /** Threads at work: 1 while workers start, and where the host has none. */
  threads: number;
}

/** Options of `fit`. Only `target` is needed; the defaults need no tuning. */
export interface FitOptions {
  /** The column to predict. */
  target: string;
  /** Features by name, in this order; omitted: every other column, increasing. A Map keeps the order of names such as "2", "1". */
  features?: Readonly<Record<string, FeatureOption>> | ReadonlyMap<string, FeatureOption>;
  /** Networks in the sum (16); 1 is Sill's network as published. */
  networks?: number | "auto";
  /** Groups in a network (4). */
  groups?: number | "auto";
  /** Hyperplanes in a group (4). */
  hyperplanes?: number | "auto";
  /** What is minimised; "squared" when left out. `{ huber: 1.5 }`: turns linear at 1.5 standard deviations of the target. */
  loss?:
    | "squared"
    | "absolute"
    | "huber"
    | "poisson"
    | "gamma"
    | "logistic"
    | { quantiles: readonly number[] }
    | { huber: number };
  /** A column of case weights. */
  weight?: string;
  /** 0 to 4294967295; the same seed gives the same bytes everywhere. Default 1. */
  seed?: number;
  /** Passes over the rows. */
  epochs?: number | "auto";
  /** Rows a step. */
  batch?: number | "auto";
  /** Adam's greatest step size. */
  learningRate?: number | "auto";
  /** Share of the rows kept back to choose when to stop, 0 to 0.9; 0 keeps none back. */
  validation?: number | "auto";
  /** Models averaged, each trained without another part of the rows. */
  members?: number | "auto";
  /** Workers; the result has the same bytes with any number. Default 1. */
  threads?: number;
  /** How long to search: "fast", "default" or "best". */
  effort?: "fast" | "default" | "best";
  /** Called at each look at the rows left out, about forty times a member. What it throws, or its promise rejects with, the fit rejects with; a promise is waited for at the end. */
  onProgress?: (progress: Progress) => void;
  /** Aborts the fit: it rejects with an AbortError and frees everything. */
  signal?: Signal;
  /** Scaling shared with other shards (`scan`, `mergeScalings`), as an object or JSON text. */
  scaling?: ScalingFile | string;
  /** Only for hosts that refuse to compile bytes and know no export conditions: isotone/kernels.wasm, compiled. */
  module?: WasmModule;
}

/** A feature, completed. */
export interface FeatureSpec {
  name: string;
  constraint: Constraint;
  kind: "number" | "category";
  /** Only for kind "category": code-unit order when found, the user's order when listed. */
  categories?: string[];
  unknown?: string;
  missing: "error" | "median" | "indicator";
  transform: Transform;
}

/** Numbers the user may set; "auto" leaves them to fit. */
export interface Hyper {
  networks: number | "auto";
  groups: number | "auto";
  hyperplanes: number | "auto";
  epochs: number | "auto";
  batch: number | "auto";
  learningRate: number | "auto";
  validation: number | "auto";
  members: number | "auto";
}

/** Options, checked and completed. */
export interface Schema {
  target: string;
  weight?: string;
  features: FeatureSpec[];
  /** Names of the features, in order. */
  names: string[];
  loss: Loss;
  hyper: Hyper;
  seed: number;
  threads: number;
  effort: "fast" | "default" | "best";
  onProgress?: (progress: Progress) => void;
  signal?: Signal;
}

/** Names of the options of fit. */
export const OPTIONS =
  "target features networks groups hyperplanes loss weight seed epochs batch learningRate validation members threads " +
  "effort onProgress signal module scaling";
const FEATURE_OPTIONS = "constraint categories unknown missing transform";
const WORDS = '"increasing", "decreasing", "free", 1, -1, 0 or { categories }';
const LOSSES = ["squared", "absolute", "huber", "poisson", "gamma", "logistic"];
const MOST_CATEGORIES = 1000;

/** Refuses options that are no object. */
export function checkOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) throw typeError("options", "an object with a target", options);
}

/** Checks the options against the rows, at least `least` of them. */
export function readOptions(rows: Rows | Table, options: FitOptions, least = 2): Schema {
  const table = readTable(rows);
  checkOptions(options);
  onlyOptions(options, OPTIONS, "fit");
  const { target, weight } = options;
  for (const where of ["target", "weight"] as const) {
    const name = options[where];
    if (where === "weight" && name === undefined) continue;
    if (typeof name !== "string") throw typeError(where, "the name of a column", name);
    if (table.n < least) throw rangeError("rows", "at least 2 rows", table.n);
    if (!table.has(name)) throw noColumn(name, table.names, `${where} column`);
  }
  if (weight === target) throw rangeError("weight", "a column other than the target", weight);

  const features = readFeatures(table, options, target, weight);
  const schema: Schema = {
    target,
    features,
    names: features.map((feature) => feature.name),
    loss: readLoss(options.loss),
    hyper: {
      networks: whole(options, "networks", 1, 1024),
      groups: whole(options, "groups", 1, 256),
      hyperplanes: whole(options, "hyperplanes", 1, 256),
      epochs: whole(options, "epochs", 1, 1e9),
      batch: whole(options, "batch", 1, 1e6),
      learningRate: real(options, "learningRate", "a number above 0, up to 10", (v) => v > 0 && v <= 10),
      validation: real(options, "validation", "a share from 0 to 0.9", (v) => v >= 0 && v <= 0.9),
      members: whole(options, "members", 1, 64),
    },
    seed: whole(options, "seed", 0, 4294967295, 1),
    threads: whole(options, "threads", 1, 256, 1),
    effort: oneOf("effort", options.effort, ["default", "fast", "best"]),
  };
  if (weight !== undefined) schema.weight = weight;
  if (options.onProgress !== undefined) {
    if (typeof options.onProgress !== "function") throw typeError("onProgress", "a function", options.onProgress);
    schema.onProgress = options.onProgress;
  }
  if (options.signal !== undefined) {
    if (typeof options.signal !== "object" || typeof options.signal?.aborted !== "boolean") {
      throw typeError("signal", "an AbortSignal", options.signal);
    }
    schema.signal = options.signal;
  }
  return schema;
}

/** The target's values, checked for the loss; the rows must differ in them. `numbers`: what rows are called in messages, where not by their place. */
export function readTarget(table: Table, schema: Pick<Schema, "target" | "loss">, numbers?: ArrayLike<number>): Floats {
  const y = numericColumn(table, schema.target);
  let differ = false;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let r = 0; r < y.length; r++) {
    const value = y[r] as number;
    checkTarget(schema, value, numbers ? numbers[r] : r);
    if (value !== y[0]) differ = true;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high - low > 3.4e38) {
    throw new RangeError(
      `target ${quote(schema.target)} runs from ${low} to ${high}, wider than float32: give it in a larger unit`,
    );
  }
  if (!differ) {
    throw new RangeError(`target ${quote(schema.target)} is ${y[0]} in every row: there is nothing to learn from it`);
  }
  return y;
}

const placeOf = (row: number | string) => (typeof row === "number" ? `row ${row}` : row);

/** Refuses a target that its loss does not take; `row`: its number, or where it is. */
export function checkTarget(
  { target, loss: { name } }: Pick<Schema, "target" | "loss">,
  value: number,
  row: number | string,
): void {
  const expected =
    name === "poisson" && value < 0
      ? "0 or more"
      : name === "gamma" && value <= 0
        ? "more than 0"
        : name === "logistic" && (value < 0 || value > 1)
          ? "0 or 1 (or a share)"
          : undefined;
  if (expected)
    throw new RangeError(`${placeOf(row)}: ${quote(target)} is ${value}; the loss "${name}" expected ${expected}`);
}

/** Refuses a weight below 0; `row` as for checkTarget. */
export function checkWeight(name: string, value: number, row: number | string): void {
  if (value < 0) throw new RangeError(`${placeOf(row)}: ${quote(name)} is ${value}; a weight expected 0 or more`);
}

/** Refuses targets that are one number wherever the weight is above 0. */
export function checkWeighted(target: string, y: Floats, weights: Floats): void {
  let first = Number.NaN;
  for (let r = 0; r < y.length; r++) {
    if (weights[r] === 0 || y[r] === first) continue;
    if (first === first) return;
    first = y[r];
  }
  throw new RangeError(
    `target ${quote(target)} is ${first} in every row of weight above 0: there is nothing to learn from it`,
  );
}

/** Case weights: 0 or more, above 0 in at least two rows. Undefined without a weight column. `numbers` as for readTarget. */
export function readWeights(
  table: Table,
  schema: Pick<Schema, "weight">,
  numbers?: ArrayLike<number>,
): Floats | undefined {
  if (schema.weight === undefined) return undefined;
  const weights = numericColumn(table, schema.weight);
  let positive = 0;
  for (let r = 0; r < weights.length; r++) {
    checkWeight(schema.weight, weights[r] as number, numbers ? numbers[r] : r);
    if ((weights[r] as number) > 0) positive++;
  }
  if (positive < 2) throw rangeError(schema.weight, "at least 2 rows above 0", positive);
  return weights;
}

function readFeatures(table: Table, options: FitOptions, target: string, weight: string | undefined): FeatureSpec[] {
  const given: unknown =
    options.features === undefined
      ? new Map(others(table, target, weight).map((name) => [name, {}]))
      : options.features;
  const entries = entriesOf<FeatureOption>(given, "features");
  if (entries.length === 0) throw rangeError("features", "at least one feature", given);
  return entries.map(([name, option]) => {
    if (typeof name !== "string") throw typeError("features", "column names as keys", name);
    const role = name === target ? "target" : name === weight ? "weight" : "";
    if (role) throw new RangeError(`${quote(`features.${name}`)} is the ${role}: it cannot be a feature too`);
    if (!table.has(name)) throw noColumn(name, table.names, "feature");
    return readFeature(table, name, option);
  });
}

/** The columns that are features when none are named: at least one. */
function others(table: Table, target: string, weight: string | undefined): string[] {
  const names = table.names.filter((name) => name !== target && name !== weight);
  if (names.length === 0) throw rangeError("rows", `at least one column besides the target ${quote(target)}`, 0);
  return names;
}

function readFeature(table: Table, name: string, option: FeatureOption): FeatureSpec {
  const where = `features.${name}`;
  const spec: FeatureSpec = { name, constraint: "increasing", kind: "number", missing: "error", transform: "auto" };
  if (typeof option !== "object" || option === null) {
    spec.constraint = readConstraint(where, option);
    return spec;
  }
  if (!isPlain(option)) throw typeError(where, WORDS, option);
  onlyOptions(option, FEATURE_OPTIONS, "a feature", `${where}.`);
  const { constraint, categories, unknown, missing, transform } = option;
  /** Refuses what was given for `key`. */
  const refuse = (key: keyof typeof option, expected: string): never => {
    throw rangeError(`${where}.${key}`, expected, option[key]);
  };
  spec.missing = oneOf(`${where}.missing`, missing, ["error", "median", "indicator"]);
  spec.transform = oneOf(`${where}.transform`, transform, ["auto", "linear", "log1p", "ramps"]);
  if (constraint !== undefined) spec.constraint = readConstraint(`${where}.constraint`, constraint);
  if (categories === undefined) {
    if (unknown !== undefined) throw new RangeError(`${quote(`${where}.unknown`)} needs categories beside it`);
    if (missing === "indicator" && spec.constraint !== "free")
      refuse("missing", `"error" or "median" on a feature that is ${spec.constraint} ("indicator" keeps no order)`);
    return spec;
  }
  if (constraint !== undefined && spec.constraint !== "free")
    refuse("constraint", '"free" beside categories (give ordered categories as numbers)');
  if (spec.transform !== "auto") refuse("transform", "nothing beside categories");
  if (missing === "median") refuse("missing", '"error" or "indicator" beside categories');
  spec.kind = "category";
  spec.transform = "linear";
  spec.constraint = "free";
  spec.categories = readCategories(table, name, categories, spec.missing);
  if (unknown !== undefined) {
    if (!spec.categories.includes(unknown))
      throw wordError(`${where}.unknown`, `one of the categories (${list(spec.categories)})`, unknown);
    spec.unknown = unknown;
  }
  return spec;
}

function readConstraint(where: string, option: unknown): Constraint {
  if (option === "increasing" || option === 1) return "increasing";
  if (option === "decreasing" || option === -1) return "decreasing";
  if (option === "free" || option === 0) return "free";
  throw choiceError(where, WORDS, option);
}

function readCategories(table: Table, name: string, given: unknown, missing: string): string[] {
  const where = `features.${name}.categories`;
  if (given === "auto") {
    const column = table.column(name);
    const found = new Set<string>();
    for (let r = 0; r < table.n; r++) {
      const category = categoryOf(column[r], name, missing !== "error", r);
      if (category !== undefined) found.add(category);
      if (found.size > MOST_CATEGORIES) {
        throw new RangeError(
          `${quote(where)} found more than ${MOST_CATEGORIES} categories: list those that matter and name the one that stands for the rest in "unknown"`,
        );
      }
    }
    if (found.size === 0)
      throw new RangeError(`${quote(where)} found no category: every value of ${quote(name)} is missing`);
    return [...found].sort();
  }
  if (!Array.isArray(given)) throw wordError(where, '"auto" or an array of strings', given);
  if (given.length === 0 || given.length > MOST_CATEGORIES)
    throw rangeError(where, `1 to ${MOST_CATEGORIES} categories`, given.length);
  const seen = new Set<string>();
  // not forEach, which passes over holes
  for (const category of given) {
    if (typeof category !== "string") throw typeError(`${where}[${seen.size}]`, "a string", category);
    if (seen.has(category)) throw rangeError(where, "distinct categories", category);
    seen.add(category);
  }
  return [...seen];
}

/** A value as a category; undefined for a missing one where that may be. */
export function categoryOf(value: unknown, name: string, missing: boolean, row: number): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || Number.isFinite(value)) return String(value);
  if (missing && (value === undefined || value === null || Number.isNaN(value))) return undefined;
  throw typeError(name, "a category (a string)", value, `row ${row}: `);
}

function readLoss(given: unknown): Loss {
  const expected = `${LOSSES.map((name) => `"${name}"`).join(", ")}, { quantiles: [0.1, 0.5, 0.9] } or { huber: 1 }`;
  if (given === undefined) return { name: "squared" };
  if (typeof given === "string" && LOSSES.includes(given)) {
    return given === "huber" ? { name: "huber", delta: 1 } : { name: given as Loss["name"] };
  }
  if (!isPlain(given)) throw wordError("loss", expected, given);
  const [key, ...others] = Object.keys(given);
  if (others.length || (key !== "quantiles" && key !== "huber")) throw rangeError("loss", expected, given);
  if (key === "huber") {
    const { huber: delta } = given as { huber: unknown };
    if (typeof delta === "number" && delta > 0 && delta <= 1000) return { name: "huber", delta };
    throw numberError("loss.huber", "a number above 0, up to 1000", delta);
  }
  const levels = (given as { quantiles: unknown }).quantiles;
  if (!Array.isArray(levels)) throw typeError("loss.quantiles", "an array of levels between 0 and 1", levels);
  if (levels.length === 0 || levels.length > 99) throw rangeError("loss.quantiles", "1 to 99 levels", levels);
  const seen = new Set<number>();
  for (const level of levels) {
    if (!(typeof level === "number" && level >= 1e-6 && level <= 1 - 1e-6))
      throw numberError(`loss.quantiles[${seen.size}]`, "a number from 0.000001 to 0.999999", level);
    if (seen.has(level)) throw rangeError("loss.quantiles", "distinct levels", level);
    seen.add(level);
  }
  return { name: "quantiles", levels: [...seen].sort((a, b) => a - b) };
}

/** One of these words; the first when left out. */
function oneOf<T extends string>(where: string, value: T | undefined, words: readonly T[]): T {
  if (value === undefined) return words[0];
  if (words.includes(value)) return value;
  throw wordError(where, words.map((word) => `"${word}"`).join(" or "), value);
}

/** A whole number; `otherwise` when left out, and said in so many words where that is "auto". */
function whole<T extends number | "auto" = "auto">(
  from: object,
  name: string,
  least: number,
  most: number,
  otherwise: T = "auto" as T,
): number | T {
  return real(
    from,
    name,
    `a whole number from ${least} to ${most}`,
    (v) => Number.isInteger(v) && v >= least && v <= most,
    otherwise,
  );
}

function real<T extends number | "auto" = "auto">(
  from: object,
  name: string,
  expected: string,
  good: (value: number) => boolean,
  otherwise: T = "auto" as T,
): number | T {
  const value = (from as Record<string, unknown>)[name];
  if (value === undefined || value === otherwise) return otherwise;
  if (typeof value === "number" && good(value)) return value;
  throw otherwise === "auto" ? choiceError(name, `${expected} or "auto"`, value) : numberError(name, expected, value);
}
