// Model files. In: JSON text or a parsed object; out: ModelData with every field checked, or a ModelFormatError that names the field; and the
// way back, text with the fewest digits that read back to the same float32. Fields: docs/model-format.md.
// A table reads each field by itself; then come the rules between fields, and the weights.

import { list, ModelFormatError, quote, show } from "./errors.js";
import type { Constraint, Feature, Input, ModelData } from "./types.js";

/** The version of the model file that this library reads and writes. */
const VERSION = 1;

const LARGEST = 3.4028234663852886e38;
const SIGNS = { decreasing: -1, free: 0, increasing: 1 };

type Fields = Record<string, unknown>;

/**
 * The objects of a file, their fields in the order in which they are written: a kind, then conditions without which the field must not be there
 * ("transform=log1p": that field, read before, is that word). A kind is one of KINDS, words ("a|b") or another name of this table; then + for an
 * array of at least one, * for any array, ? for what may be left out.
 */
const TABLE: Record<string, string | Record<string, string>> = {
  model: {
    format: "any",
    version: "any",
    target: "target",
    loss: "loss",
    features: "feature+",
    inputs: "input+",
    networks: "network+",
    scale: "positive32",
    offset: "number32",
    link: "link",
    calibration: "pair+?",
    residuals: "number+?",
    training: "training",
  },
  target: { name: "string" },
  loss: {
    name: "squared|absolute|huber|poisson|gamma|logistic|quantiles",
    levels: "level+ name=quantiles",
    delta: "positive? name=huber",
  },
  feature: {
    name: "string",
    constraint: "increasing|decreasing|free",
    kind: "number|category",
    missing: "error|median|indicator",
    categories: "category+ kind=category",
    unknown: "string? kind=category",
    fill: "number32? kind=number missing=median|indicator",
    range: "number+? kind=number",
    median: "number? kind=number",
  },
  category: "string",
  input: {
    feature: "integer",
    transform: "linear|log1p|equals|missing|level",
    center: "number32",
    scale: "positive32",
    divisor: "positive32 transform=log1p",
    category: "integer transform=equals",
  },
  network: "group+",
  group: "hyperplane+",
  hyperplane: "any",
  link: { name: "identity|exp|logistic", maximum: "number32 name=exp" },
  pair: "level+",
  training: {
    seed: "number?",
    rows: "number?",
    isotone: "string?",
    members: "number?",
    steps: "number?",
    batch: "number?",
    learningRate: "number?",
    curve: "point*?",
    blend: "number?",
    warnings: "string*?",
    merged: "number?",
    parts: "training*?",
  },
  point: { step: "number", epoch: "number", loss: "number", validationLoss: "score" },
};

/** What a value of a kind is called, and which values are. A kind with 32 after it is rounded to float32. */
const KINDS: Record<string, [called: string, is: (value: unknown) => boolean]> = {
  any: ["", () => true],
  string: ["a string", (value) => typeof value === "string"],
  number: ["a finite number", Number.isFinite],
  integer: ["a whole number", Number.isInteger],
  positive: ["a number above 0", (value) => Number.isFinite(value) && (value as number) > 0],
  score: ["a finite number or null", (value) => value === null || Number.isFinite(value)],
  level: ["a level between 0 and 1", (value) => typeof value === "number" && value > 0 && value < 1],
};

function wrong(where: string, expected: string, got: unknown): never {
  throw new ModelFormatError(`${quote(where)} expected ${expected}, got ${show(got)}`);
}

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** As a float32, with 0 for -0, so that text and memory agree; NaN for what is no number. */
const float32 = (value: unknown) => (typeof value === "number" ? Math.fround(value) + 0 : Number.NaN);

const choices = (words: string) =>
  words
    .split("|")
    .map((word) => `"${word}"`)
    .join(", ");

/** A copy of `value`, which must be of `kind` (see TABLE). */
function read(kind: string, value: unknown, at: string): unknown {
  const item = kind.slice(0, -1);
  if (kind.endsWith("+") || kind.endsWith("*")) {
    if (!Array.isArray(value)) return wrong(at, "an array", value);
    if (!value.length && kind.endsWith("+")) wrong(at, `at least one ${item}`, value);
    return Array.from(value, (one, i) => read(item, one, `${at}[${i}]`));
  }
  const entry = TABLE[kind];
  if (typeof entry === "string") return read(entry, value, at);
  if (entry) return readObject(entry, value, at);
  if (kind.includes("|")) return kind.split("|").includes(value as string) ? value : wrong(at, choices(kind), value);
  const single = kind.endsWith("32");
  const [called, is] = KINDS[single ? kind.slice(0, -2) : kind];
  const own = single ? float32(value) : value;
  return is(own) ? own : wrong(at, called + (single ? " within float32" : ""), value);
}

function readObject(table: Record<string, string>, value: unknown, at: string): Fields {
  if (!isObject(value)) return wrong(at, "an object", value);
  const prefix = at && `${at}.`;
  // what is said of the training is never needed to predict: fields that are not listed are kept as they are
  const open = at.startsWith("training");
  for (const name in value) {
    if (!open && !Object.hasOwn(table, name) && value[name] !== undefined) {
      throw new ModelFormatError(
        `${quote(prefix + name)} is not a field of version ${VERSION} (fields: ${list(Object.keys(table), 20)})`,
      );
    }
  }
  const out: Fields = {};
  for (const name in table) {
    const [kind, ...conditions] = table[name].split(" ");
    const optional = kind.endsWith("?");
    const given = value[name];
    let absent = given === undefined && optional;
    for (const condition of conditions) {
      const [field, words] = condition.split("=");
      if (words.split("|").includes(out[field] as string)) continue;
      if (given !== undefined) wrong(prefix + name, `nothing unless "${field}" is ${choices(words)}`, given);
      absent = true;
    }
    if (!absent) out[name] = read(optional ? kind.slice(0, -1) : kind, given, prefix + name);
  }
  if (at !== "training") return out;
  const copy = JSON.parse(JSON.stringify(value));
  return { ...copy, curve: copy.curve ?? [], warnings: copy.warnings ?? [] };
}

/** Ascending numbers, `strictly` without equal ones. */
function ascending(values: readonly number[] | undefined, at: string, strictly: boolean): void {
  values?.forEach((b, i) => {
    const a = values[i - 1];
    if (strictly ? a >= b : a > b) wrong(`${at}[${i}]`, `ascending numbers, above ${a}`, b);
  });
}

function distinct(names: readonly string[] | undefined, at: string): void {
  names?.forEach((name, i) => {
    if (names.indexOf(name) < i) wrong(`${at}[${i}]`, "distinct names", name);
  });
}

function checkFeature(feature: Feature, at: string): void {
  const { constraint, missing, categories, unknown, fill, range } = feature;
  if (categories && constraint !== "free") wrong(`${at}.constraint`, '"free" for a category', constraint);
  if (categories && missing === "median") wrong(`${at}.missing`, '"error" or "indicator" for a category', missing);
  if (constraint !== "free" && missing === "indicator")
    wrong(`${at}.missing`, '"error" or "median", as only a free feature may have an indicator', missing);
  if (!categories && missing !== "error" && fill === undefined)
    wrong(`${at}.fill`, "a finite number, because values may be missing", fill);
  distinct(categories, `${at}.categories`);
  if (unknown !== undefined && !categories?.includes(unknown)) wrong(`${at}.unknown`, "one of the categories", unknown);
  if (range && !(range.length === 2 && range[0] <= range[1])) wrong(`${at}.range`, "[least, greatest]", range);
}

/** An input refers to a feature, or a category of it, that there is, and its transform suits the feature. */
function checkInput({ feature, transform, category }: Input, features: readonly Feature[], at: string): void {
  if (transform === "level") {
    if (feature !== -1) wrong(`${at}.feature`, "-1, because the quantile level is no feature", feature);
    return;
  }
  const of = features[feature];
  if (!of) wrong(`${at}.feature`, `the index of a feature, 0 to ${features.length - 1}`, feature);
  const { categories, missing } = of as Feature;
  if (transform === "missing" ? missing !== "indicator" : (transform === "equals") !== !!categories) {
    const own = categories ? '"equals" for a category' : '"linear", "log1p" for a number';
    wrong(`${at}.transform`, `${own}, or "missing" where missing values are an "indicator"`, transform);
  }
  if (category !== undefined && categories?.[category] === undefined)
    wrong(`${at}.category`, `the index of a category, 0 to ${(categories?.length ?? 0) - 1}`, category);
}

/** The rules between fields. */
function checkModel({ loss, features, inputs, calibration, residuals }: ModelData): void {
  ascending(loss.levels, "loss.levels", true);
  distinct(
    features.map(({ name }) => name),
    "features",
  );
  for (const i in features) checkFeature(features[i], `features[${i}]`);
  for (const i in inputs) checkInput(inputs[i], features, `inputs[${i}]`);
  const quantiles = loss.name === "quantiles";
  if (quantiles !== inputs.some(({ transform }) => transform === "level"))
    wrong(
      "inputs",
      `${quantiles ? "one" : "none"} with the transform "level", because "loss" is "${loss.name}"`,
      inputs,
    );
  if (calibration && !quantiles) wrong("calibration", 'nothing unless "loss" is "quantiles"', calibration);
  calibration?.forEach((pair, i) => {
    const before = calibration[i - 1] ?? [0, 0];
    if (!(pair.length === 2 && before[0] < pair[0] && before[1] <= pair[1]))
      wrong(`calibration[${i}]`, "[requested level, level fed in], not below the pair before", pair);
  });
  ascending(residuals, "residuals", false);
  if (residuals && residuals.length > 1001) wrong("residuals", "1 to 1001 numbers", residuals);
}

/** The constraint of an input: its feature's for numbers, none for indicators, increasing for the quantile level. */
export function inputConstraint(input: Input, features: readonly Feature[]): Constraint {
  if (input.transform === "level") return "increasing";
  if (input.transform === "equals" || input.transform === "missing") return "free";
  return features[input.feature]?.constraint ?? "free";
}

/** The error for a weight that is no float32 or has the wrong sign. */
function badWeight(value: unknown, at: string, i: number, { inputs, features }: ModelData): ModelFormatError {
  const w = float32(value);
  if (w - w !== 0) wrong(`${at}[${i}]`, "a finite number within float32", value);
  const { feature } = inputs[i];
  const name = feature < 0 ? "the quantile level" : quote(features[feature].name);
  const [m, k, j] = at.match(/\d+/g) ?? [];
  return new ModelFormatError(
    `a weight breaks the constraint of ${name}, ${inputConstraint(inputs[i], features)}: ${w} in network ${m}, group ${k}, plane ${j} (${at}[${i}])`,
  );
}

/**
 * Replaces the given planes, [network][group][plane][inputs + 1], by copies in which each weight is a float32 with its constraint's sign; refuses
 * weights so large that a sum of them can overflow.
 */
function readPlanes(model: ModelData): void {
  // the bias is free
  const signs = [...model.inputs.map((input) => SIGNS[inputConstraint(input, model.features)]), 0];
  const d = signs.length - 1;
  const hold = (bound: number, at: string): void => {
    if (!(bound <= LARGEST)) wrong(at, "weights of which no sum can overflow float32", bound);
  };
  let sum = 0;
  model.networks.forEach((groups, m) => {
    let largest = 0;
    groups.forEach((planes, k) => {
      planes.forEach((given, j) => {
        const at = `networks[${m}][${k}][${j}]`;
        if (!Array.isArray(given)) wrong(at, "an array", given);
        if (given.length !== d + 1)
          wrong(at, `${d + 1} numbers (a weight for each of ${d} inputs, then the bias)`, given);
        const plane: number[] = [];
        let bound = 0;
        for (let i = 0; i <= d; i++) {
          const w = float32(given[i]);
          // NaN where w is not finite, so this refuses it too
          if (!(w - w + w * signs[i] >= 0)) throw badWeight(given[i], at, i, model);
          // inputs are held to -50 .. 50
          bound += Math.abs(w) * (i < d ? 50 : 1);
          plane.push(w);
        }
        hold(bound, at);
        if (bound > largest) largest = bound;
        planes[j] = plane;
      });
    });
    sum += largest;
    hold(sum, `networks[${m}]`);
  });
}

/**
 * Reads a model file. Every number that takes part in a prediction is rounded to float32; a weight whose sign breaks the constraint of its
 * feature is refused.
 *
 * @param source JSON text, or what JSON.parse made of it (never changed, never kept)
 * @throws ModelFormatError naming the field that is wrong
 */
export function parseModel(source: unknown): ModelData {
  let file = source;
  if (typeof source === "string") {
    try {
      file = JSON.parse(source.charCodeAt(0) === 0xfeff ? source.slice(1) : source);
    } catch (error) {
      throw new ModelFormatError(`not a model file: ${(error as Error).message}`);
    }
  }
  if (!isObject(file)) throw new ModelFormatError(`not a model file: expected a JSON object, got ${show(file)}`);
  // a model, or anything else that knows how to write itself as one
  if (typeof file.toJSON === "function") file = file.toJSON();
  const { format, version } = file as Fields;
  if (format !== "isotone")
    throw new ModelFormatError(`not a model file: "format" expected "isotone", got ${show(format)}`);
  if (version !== VERSION) {
    const newer = (version as number) > VERSION ? ": update isotone to read this model" : "";
    throw new ModelFormatError(`"version" is ${show(version)}; this library reads version ${VERSION}${newer}`);
  }
  const model = read("model", file, "") as ModelData;
  checkModel(model);
  readPlanes(model);
  return model;
}

/**
 * The model as JSON text: one line, fields in a fixed order, float32 numbers with the fewest digits that read back to the same float32.
 *
 * @param model data, or a model (anything with toJSON)
 */
export function stringifyModel(model: ModelData | { toJSON(): ModelData }): string {
  return JSON.stringify(shortenModel(parseModel(model)));
}

/**
 * The same model with each float32 written as the shortest decimal number that rounds to it (0.1 in place of 0.10000000149011612), which is
 * what belongs in a file.
 */
export function shortenModel(data: ModelData): ModelData {
  const short: ModelData = {
    ...data,
    features: data.features.map((feature) =>
      feature.fill === undefined ? feature : { ...feature, fill: shortest(feature.fill) },
    ),
    inputs: data.inputs.map((input) => {
      const copy = { ...input, center: shortest(input.center), scale: shortest(input.scale) };
      if (copy.divisor !== undefined) copy.divisor = shortest(copy.divisor);
      return copy;
    }),
    networks: data.networks.map((groups) => groups.map((planes) => planes.map((plane) => plane.map(shortest)))),
    scale: shortest(data.scale),
    offset: shortest(data.offset),
  };
  if (data.link.name === "exp") short.link = { name: "exp", maximum: shortest(data.link.maximum) };
  return short;
}

/** The decimal number with the fewest digits that rounds to the float32 `value`. */
export function shortest(value: number): number {
  // 9 digits always do; most weights need 8
  const eight = Number(value.toPrecision(8));
  if (Math.fround(eight) !== value) return Number(value.toPrecision(9));
  const seven = Number(value.toPrecision(7));
  if (Math.fround(seven) !== value) return eight;
  for (let digits = 1; digits < 7; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return seven;
}
