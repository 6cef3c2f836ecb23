// Model files. In: JSON text or a parsed object; out: ModelData with every field checked, or a ModelFormatError that names the field; and the
// way back, text with the fewest digits that read back to the same float32. Fields: docs/model-format.md.
// One function an object: it copies the fields that belong there, each checked; what it did not copy does not belong there.

import { list, ModelFormatError, quote, show } from "./errors.js";
import type { Constraint, Feature, Input, Link, Loss, ModelData, TrainingReport } from "./types.js";

/** The version of the model file that this library reads and writes. */
const VERSION = 1;
const LARGEST = 3.4028234663852886e38;
const SIGNS = { decreasing: -1, free: 0, increasing: 1 };

type Key = string | number;
type Fields = Record<Key, unknown>;
/** Reads `self[key]`, `at` being the path of `self`. */
type Read<T> = (self: Fields, at: string, key: Key) => T;
/** What a value is called, and whether it is one. */
type Kind<T> = readonly [called: string, is: (value: unknown) => value is T];

const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const STRING: Kind<string> = ["a string", (value) => typeof value === "string"];
const NUMBER: Kind<number> = ["a finite number", isNumber];
const POSITIVE: Kind<number> = ["a number above 0", (value): value is number => isNumber(value) && value > 0];
const LEVEL: Kind<number> = [
  "a level between 0 and 1",
  (value): value is number => isNumber(value) && value > 0 && value < 1,
];
const OBJECT: Kind<Fields> = ["an object", isObject];

function wrong(where: string, expected: string, got: unknown): never {
  throw new ModelFormatError(`${quote(where)} expected ${expected}, got ${show(got)}`);
}

const path = (at: string, key: Key) => (typeof key === "number" ? `${at}[${key}]` : at ? `${at}.${key}` : key);

function get<T>(self: Fields, at: string, key: Key, [called, is]: Kind<T>): T {
  const value = self[key];
  return is(value) ? value : wrong(path(at, key), called, value);
}

const maybe = <T>(self: Fields, at: string, key: Key, kind: Kind<T>): T | undefined =>
  self[key] === undefined ? undefined : get(self, at, key, kind);

/** As a float32, with 0 for -0, so that text and memory agree; NaN for what is no number. */
const float32 = (value: unknown) => (typeof value === "number" ? Math.fround(value) + 0 : Number.NaN);

function get32(self: Fields, at: string, key: Key, [called, is] = NUMBER): number {
  const x = float32(self[key]);
  return is(x) ? x : wrong(path(at, key), `${called} within float32`, self[key]);
}

/** One of `words`; `why` is said of them when it is another. */
function word<T extends string>(self: Fields, at: string, key: Key, words: readonly T[], why = ""): T {
  const value = self[key] as T;
  if (words.includes(value)) return value;
  return wrong(path(at, key), words.map((one) => `"${one}"`).join(", ") + why, value);
}

/** Every item of an array; of at least one where `what` names them. */
function each<T>(self: Fields, at: string, key: Key, read: Read<T>, what?: string): T[] {
  const items = self[key];
  const place = path(at, key);
  if (!Array.isArray(items)) return wrong(place, "an array", items);
  if (what && !items.length) wrong(place, `at least one ${what}`, items);
  return Array.from(items, (_, i) => read(items as unknown as Fields, place, i));
}

const of =
  <T>(kind: Kind<T>): Read<T> =>
  (self, at, key) =>
    get(self, at, key, kind);

/** `read` without what is undefined, once `self` has no fields besides. */
function only<T extends object>(self: Fields, at: string, read: T): T {
  const out = {} as T;
  for (const key in read) if (read[key] !== undefined) out[key] = read[key];
  for (const key in self) {
    if (!Object.hasOwn(out, key) && self[key] !== undefined) {
      throw new ModelFormatError(
        `${quote(path(at, key))} is not a field of version ${VERSION}, or not beside what is there: ${list(Object.keys(out), 20)}`,
      );
    }
  }
  return out;
}

/** Numbers that do not fall, or `strictly` rise. */
function ascending(values: readonly number[], at: string, strictly: boolean): void {
  values.forEach((b, i) => {
    const a = values[i - 1];
    if (strictly ? a >= b : a > b) wrong(path(at, i), `ascending numbers, above ${a}`, b);
  });
}

function distinct(names: readonly string[], at: string): void {
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) wrong(path(at, i), "distinct names", name);
  });
}

const readFeature: Read<Feature> = (features, place, i) => {
  const self = get(features, place, i, OBJECT);
  const at = path(place, i);
  const kind = word(self, at, "kind", ["number", "category"]);
  const category = kind === "category";
  const constraint = category
    ? word(self, at, "constraint", ["free"], " for a category")
    : word(self, at, "constraint", ["increasing", "decreasing", "free"]);
  const missing =
    constraint !== "free"
      ? word(self, at, "missing", ["error", "median"], ' ("indicator" is what only a free feature may have)')
      : category
        ? word(self, at, "missing", ["error", "indicator"], " for a category")
        : word(self, at, "missing", ["error", "median", "indicator"]);
  const feature: Feature = { name: get(self, at, "name", STRING), constraint, kind, missing };
  if (category) {
    const categories = each(self, at, "categories", of(STRING), "category");
    distinct(categories, path(at, "categories"));
    feature.categories = categories;
    feature.unknown = maybe(self, at, "unknown", [
      "one of the categories",
      (value): value is string => categories.includes(value as string),
    ]);
  } else {
    if (missing !== "error") feature.fill = get32(self, at, "fill");
    feature.range = maybe(self, at, "range", [
      "[least, greatest]",
      (value): value is [number, number] =>
        Array.isArray(value) && value.length === 2 && value.every(isNumber) && value[0] <= value[1],
    ]);
    feature.median = maybe(self, at, "median", NUMBER);
  }
  return only(self, at, feature);
};

const readLoss = (self: Fields, at: string): Loss => {
  const name = word(self, at, "name", ["squared", "absolute", "huber", "poisson", "gamma", "logistic", "quantiles"]);
  const loss: Loss = { name };
  if (name === "huber") loss.delta = maybe(self, at, "delta", POSITIVE);
  if (name === "quantiles") {
    loss.levels = each(self, at, "levels", of(LEVEL), "level");
    ascending(loss.levels, path(at, "levels"), true);
  }
  return only(self, at, loss);
};

/** An input refers to a feature, or a category of it, that there is, and its transform suits the feature. */
const inputOf =
  (features: readonly Feature[]): Read<Input> =>
  (inputs, place, i) => {
    const self = get(inputs, place, i, OBJECT);
    const at = path(place, i);
    const index = <T>(key: Key, all: readonly T[]): number =>
      get(self, at, key, [
        `the index of a ${key}, 0 to ${all.length - 1}`,
        (value): value is number => Number.isInteger(value) && all[value as number] !== undefined,
      ]);
    const level = self.transform === "level";
    const feature = level
      ? get(self, at, "feature", [
          "-1, because the quantile level is no feature",
          (value): value is number => value === -1,
        ])
      : index("feature", features);
    const { categories, missing } = level ? ({} as Feature) : features[feature];
    const suit: Input["transform"][] = level ? ["level"] : categories ? ["equals"] : ["linear", "log1p"];
    if (missing === "indicator") suit.push("missing");
    const transform = word(self, at, "transform", suit, level ? "" : ` for feature ${feature}`);
    const input: Input = {
      feature,
      transform,
      center: get32(self, at, "center"),
      scale: get32(self, at, "scale", POSITIVE),
    };
    if (transform === "log1p") input.divisor = get32(self, at, "divisor", POSITIVE);
    if (transform === "equals") input.category = index("category", categories ?? []);
    return only(self, at, input);
  };

/** The constraint of an input: its feature's for numbers, none for indicators, increasing for the quantile level. */
export function inputConstraint(input: Input, features: readonly Feature[]): Constraint {
  if (input.transform === "level") return "increasing";
  if (input.transform === "equals" || input.transform === "missing") return "free";
  return features[input.feature]?.constraint ?? "free";
}

/** The error for a weight that is no float32 or has the wrong sign. */
function badWeight(
  value: unknown,
  at: string,
  i: number,
  features: readonly Feature[],
  inputs: readonly Input[],
): ModelFormatError {
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
 * [network][group][plane][inputs + 1], copied: each weight a float32 with its constraint's sign, and no weights so large that a sum of them can
 * overflow.
 */
function networksOf(model: Fields, features: readonly Feature[], inputs: readonly Input[]): number[][][][] {
  // the bias is free
  const signs = [...inputs.map((input) => SIGNS[inputConstraint(input, features)]), 0];
  const d = inputs.length;
  const hold = (bound: number, at: string): void => {
    if (!(bound <= LARGEST)) wrong(at, "weights of which no sum can overflow float32", bound);
  };
  let sum = 0;
  let largest = 0;
  const readPlane: Read<number[]> = (planes, place, j) => {
    const given = planes[j];
    const at = path(place, j);
    if (!Array.isArray(given)) return wrong(at, "an array", given);
    if (given.length !== d + 1) wrong(at, `${d + 1} numbers (a weight for each of ${d} inputs, then the bias)`, given);
    const plane: number[] = [];
    let bound = 0;
    for (let i = 0; i <= d; i++) {
      const value = given[i];
      const w = typeof value === "number" ? Math.fround(value) + 0 : Number.NaN;
      // NaN where w is not finite, so this refuses it too
      if (!(w - w + w * signs[i] >= 0)) throw badWeight(value, at, i, features, inputs);
      // inputs are held to -50 .. 50
      bound += Math.abs(w) * (i < d ? 50 : 1);
      plane[i] = w;
    }
    hold(bound, at);
    if (bound > largest) largest = bound;
    return plane;
  };
  return each(
    model,
    "",
    "networks",
    (networks, place, m) => {
      largest = 0;
      const network = each(
        networks,
        place,
        m,
        (groups, at, k) => each(groups, at, k, readPlane, "hyperplane"),
        "group",
      );
      sum += largest;
      hold(sum, path(place, m));
      return network;
    },
    "network",
  );
}

const readLink = (self: Fields, at: string): Link => {
  const name = word(self, at, "name", ["identity", "exp", "logistic"]);
  return only(self, at, name === "exp" ? { name, maximum: get32(self, at, "maximum") } : { name });
};

/** What is said of the training is never needed to predict: known fields are checked, others kept as they are. */
const readTraining: Read<TrainingReport> = (given, place, key) => {
  const self = get(given, place, key, OBJECT);
  const at = path(place, key);
  for (const name of ["seed", "rows", "members", "steps", "batch", "learningRate", "blend", "merged"])
    maybe(self, at, name, NUMBER);
  maybe(self, at, "isotone", STRING);
  const curve: Read<void> = (points, at, i) => {
    const point = get(points, at, i, OBJECT);
    for (const name of ["step", "epoch", "loss"]) get(point, path(at, i), name, NUMBER);
    if (point.validationLoss !== null) get(point, path(at, i), "validationLoss", NUMBER);
  };
  for (const [name, read] of Object.entries<Read<unknown>>({ curve, warnings: of(STRING), parts: readTraining }))
    if (self[name] !== undefined && self[name] !== null) each(self, at, name, read);
  return key === "training"
    ? JSON.parse(JSON.stringify({ ...self, curve: self.curve ?? [], warnings: self.warnings ?? [] }))
    : self;
};

const readCalibration: Read<[number, number]> = (pairs, at, i) => {
  const pair = each(pairs, at, i, of(LEVEL));
  const before = (pairs[(i as number) - 1] ?? [0, 0]) as number[];
  if (!(pair.length === 2 && before[0] < pair[0] && before[1] <= pair[1]))
    wrong(path(at, i), "[requested level, level fed in], not below the pair before", pair);
  return pair as [number, number];
};

function readModel(file: Fields): ModelData {
  const loss = readLoss(get(file, "", "loss", OBJECT), "loss");
  const features = each(file, "", "features", readFeature, "feature");
  distinct(
    features.map(({ name }) => name),
    "features",
  );
  const inputs = each(file, "", "inputs", inputOf(features), "input");
  const quantiles = loss.name === "quantiles";
  if (quantiles !== inputs.some(({ transform }) => transform === "level"))
    wrong(
      "inputs",
      `${quantiles ? "one" : "none"} with the transform "level", because "loss" is "${loss.name}"`,
      inputs,
    );
  const target = get(file, "", "target", OBJECT);
  const model: ModelData = {
    format: "isotone",
    version: VERSION,
    target: only(target, "target", { name: get(target, "target", "name", STRING) }),
    loss,
    features,
    inputs,
    networks: networksOf(file, features, inputs),
    scale: get32(file, "", "scale", POSITIVE),
    offset: get32(file, "", "offset"),
    link: readLink(get(file, "", "link", OBJECT), "link"),
    calibration:
      quantiles && file.calibration !== undefined ? each(file, "", "calibration", readCalibration, "pair") : undefined,
    residuals: file.residuals === undefined ? undefined : each(file, "", "residuals", of(NUMBER), "number"),
    training: readTraining(file, "", "training"),
  };
  const { residuals } = model;
  if (residuals) ascending(residuals, "residuals", false);
  if (residuals && residuals.length > 1001) wrong("residuals", "1 to 1001 numbers", residuals);
  return only(file, "", model);
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
  return readModel(file as Fields);
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
