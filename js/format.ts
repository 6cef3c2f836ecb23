// Model files. In: JSON text or a parsed object; out: ModelData with every field checked, or a ModelFormatError that names the field; and the
// way back, text with the fewest digits that read back to the same float32. Fields: docs/model-format.md.
// A reader takes what holds a value and the value's key, and gives a checked copy; where that lies in the file is looked up only for a message.

import { complaint, FINITE, ModelFormatError, quote, show } from "./errors.js";
import type { Constraint, Feature, Input, Link, Loss, ModelData, TrainingReport } from "./types.js";

/** The version of the model file that this library reads and writes. */
const VERSION = 1;
const LARGEST = 3.4028234663852886e38;
const SIGNS = { decreasing: -1, free: 0, increasing: 1 };

type Key = string | number;
type Fields = Record<Key, unknown>;
/** A checked copy of `self[key]`. */
type Read<T> = (self: Fields, key: Key) => T;

/** What is being read. */
let file: Fields | undefined;

/** How deep a model file is, at most; an object of the caller's may hold itself. */
const DEPTH = 8;

/** Where `self[key]` lies: the way from `within`, which lies at `at`, to `self`. */
function pathOf(self: Fields, key: Key, within = file, at = "", depth = DEPTH): Key | undefined {
  const path = (to: Key) => (Array.isArray(within) ? `${at}[${to}]` : at ? `${at}.${to}` : to);
  if (self === within) return path(key);
  for (const to in within) {
    const inner = within[to];
    const found =
      depth > 0 && typeof inner === "object" && pathOf(self, key, inner as Fields, path(to) as string, depth - 1);
    if (found) return found;
  }
}

function wrong(self: Fields, key: Key, expected: string): never {
  throw new ModelFormatError(complaint(`${pathOf(self, key) ?? key}`, expected, self[key]));
}

const kind =
  <T>(called: string, is: (value: unknown) => boolean): Read<T> =>
  (self, key) =>
    is(self[key]) ? (self[key] as T) : wrong(self, key, called);

/** A number between two others, rounded first: to float32, where it takes part in predictions; 0 for -0, so that text and memory agree. */
const between =
  (called: string, low: number, high: number, round: (x: number) => number): Read<number> =>
  (self, key) => {
    const value = self[key];
    const x = typeof value === "number" ? round(value) + 0 : low;
    return x > low && x < high ? x : wrong(self, key, called);
  };

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const string = kind<string>("a string", (value) => typeof value === "string");
const object = kind<Fields>("an object", isObject);
const array = kind<Fields & unknown[]>("an array", Array.isArray);
const number = between("a finite number", -Infinity, Infinity, Number);
const level = between("a level between 0 and 1", 0, 1, Number);
const positive = between("a number above 0", 0, Infinity, Number);
const float = between(FINITE, -Infinity, Infinity, Math.fround);
const positiveFloat = between("a number above 0 within float32", 0, Infinity, Math.fround);

const maybe = <T>(self: Fields, key: Key, read: Read<T>): T | undefined =>
  self[key] === undefined ? undefined : read(self, key);

/** One of `words`; `why` is said of them when it is another. */
function word<T extends string>(self: Fields, key: Key, words: readonly T[], why = ""): T {
  const value = self[key] as T;
  return words.includes(value) ? value : wrong(self, key, words.map((one) => `"${one}"`).join(", ") + why);
}

/** Every item of an array; of at least one where `what` names them. */
function each<T>(self: Fields, key: Key, read: Read<T>, what?: string): T[] {
  const items = array(self, key);
  if (what && !items.length) wrong(self, key, `at least one ${what}`);
  return Array.from(items, (_, i) => read(items, i));
}

/** `read` without what is undefined, once `self` has no fields besides. */
function only<T extends object>(self: Fields, read: T): T {
  const out = {} as T;
  for (const key in read) if (read[key] !== undefined) out[key] = read[key];
  for (const key in self) {
    if (!Object.hasOwn(out, key) && self[key] !== undefined)
      wrong(self, key, `nothing (version ${VERSION} has no such field beside ${Object.keys(out).join(", ")})`);
  }
  return out;
}

const distinct: Read<string> = (names, i) =>
  (names as unknown as unknown[]).indexOf(names[i]) < +i ? wrong(names, i, "distinct names") : string(names, i);

/** Numbers that do not fall, or `strictly` rise. */
const ascending =
  (read: Read<number>, strictly: boolean): Read<number> =>
  (numbers, i) => {
    const before = numbers[+i - 1] as number;
    const x = read(numbers, i);
    return before > x || (strictly && before === x) ? wrong(numbers, i, `ascending numbers, above ${before}`) : x;
  };

const readFeature: Read<Feature> = (features, i) => {
  const self = object(features, i);
  const name = string(self, "name");
  if ((features as unknown as Feature[]).findIndex((feature) => feature.name === name) < +i)
    wrong(self, "name", "distinct names");
  const kind = word(self, "kind", ["number", "category"]);
  const category = kind === "category";
  const why = category ? " for a category" : "";
  const constraint = word(self, "constraint", category ? ["free"] : ["increasing", "decreasing", "free"], why);
  const free = constraint === "free";
  const missing = word(
    self,
    "missing",
    category ? ["error", "indicator"] : free ? ["error", "median", "indicator"] : ["error", "median"],
    free ? why : ' ("indicator" is what only a free feature may have)',
  );
  const feature: Feature = { name, constraint, kind, missing };
  if (category) {
    feature.categories = each(self, "categories", distinct, "category");
    feature.unknown = maybe(self, "unknown", (self, key) => {
      const value = self[key] as string;
      return feature.categories?.includes(value) ? value : wrong(self, key, "one of the categories");
    });
  } else {
    if (missing !== "error") feature.fill = float(self, "fill");
    feature.range = maybe(self, "range", (self, key) => {
      const range = each(self, key, number) as [number, number];
      return range.length === 2 && range[0] <= range[1] ? range : wrong(self, key, "[least, greatest]");
    });
    feature.median = maybe(self, "median", number);
  }
  return only(self, feature);
};

const readLoss = (file: Fields): Loss => {
  const self = object(file, "loss");
  const name = word(self, "name", ["squared", "absolute", "huber", "poisson", "gamma", "logistic", "quantiles"]);
  const loss: Loss = { name };
  if (name === "huber") loss.delta = maybe(self, "delta", positive);
  if (name === "quantiles") loss.levels = each(self, "levels", ascending(level, true), "level");
  return only(self, loss);
};

/** An input refers to a feature, or a category of it, that there is, and its transform suits the feature. */
const inputOf =
  (features: readonly Feature[]): Read<Input> =>
  (inputs, i) => {
    const self = object(inputs, i);
    const index = (key: string, all: readonly unknown[]): number => {
      const value = self[key];
      if (typeof value === "number" && all[value] !== undefined) return value;
      return wrong(self, key, `the index of a ${key}, 0 to ${all.length - 1}`);
    };
    const level = self.transform === "level";
    if (level && self.feature !== -1) wrong(self, "feature", "-1, because the quantile level is no feature");
    const feature = level ? -1 : index("feature", features);
    const { categories, missing } = level ? ({} as Feature) : features[feature];
    const suit: Input["transform"][] = level ? ["level"] : categories ? ["equals"] : ["linear", "log1p"];
    if (missing === "indicator") suit.push("missing");
    const transform = word(self, "transform", suit, ` for feature ${feature}`);
    const input: Input = {
      feature,
      transform,
      center: float(self, "center"),
      scale: positiveFloat(self, "scale"),
    };
    if (transform === "log1p") input.divisor = positiveFloat(self, "divisor");
    if (transform === "equals") input.category = index("category", categories ?? []);
    return only(self, input);
  };

/** The constraint of an input: its feature's for numbers, none for indicators, increasing for the quantile level. */
export function inputConstraint(input: Input, features: readonly Feature[]): Constraint {
  if (input.transform === "level") return "increasing";
  if (input.transform === "equals" || input.transform === "missing") return "free";
  return features[input.feature]?.constraint ?? "free";
}

/**
 * [network][group][plane][inputs + 1], copied: each weight a float32 with its constraint's sign, and no weights so large that a sum of them can
 * overflow.
 */
function networksOf(model: Fields, features: readonly Feature[], inputs: readonly Input[]): number[][][][] {
  // the bias is free
  const signs = [...inputs.map((input) => SIGNS[inputConstraint(input, features)]), 0];
  const d = inputs.length;
  // inputs are held to -50 .. 50: weights up to here cannot overflow, whatever the others
  const safe = LARGEST / 50 / (d + 1) / array(model, "networks").length;
  const least = signs.map((sign) => (sign > 0 ? 0 : -safe));
  const most = signs.map((sign) => (sign < 0 ? 0 : safe));
  let large = false;
  const readPlane: Read<number[]> = (planes, j) => {
    const given = array(planes, j);
    if (given.length !== d + 1) wrong(planes, j, `${d + 1} numbers (a weight for each of ${d} inputs, then the bias)`);
    // built-in functions and comparisons, because it runs but once: arithmetic takes three times as long before it is compiled
    const plane = given.every(Number.isFinite) ? (given as number[]).map(Math.fround) : each(planes, j, float);
    for (let i = 0; i <= d; i++) {
      const w = plane[i];
      if (w === 0) plane[i] = 0;
      else if (!(w >= least[i] && w <= most[i])) {
        float(given, i);
        if (w * signs[i] < 0) {
          const name = features[inputs[i].feature]?.name;
          const whose = `${name === undefined ? "the quantile level" : quote(name)}, ${inputConstraint(inputs[i], features)}`;
          wrong(given, i, `a weight [network][group][plane][input] within the constraint of ${whose}`);
        }
        large = true;
      }
    }
    return plane;
  };
  const readGroup: Read<number[][]> = (groups, k) => each(groups, k, readPlane, "hyperplane");
  const networks = each(model, "networks", (all, m) => each(all, m, readGroup, "group"), "network");
  if (large) {
    let sum = 0;
    networks.forEach((groups, m) => {
      const bounds = groups.flat().map((plane) => plane.reduce((sum, w, i) => sum + Math.abs(w) * (i < d ? 50 : 1), 0));
      sum += bounds.reduce((a, b) => Math.max(a, b));
      if (!(sum <= LARGEST)) wrong(model.networks as Fields, m, "weights of which no sum can overflow float32");
    });
  }
  return networks;
}

const readLink = (file: Fields): Link => {
  const self = object(file, "link");
  const name = word(self, "name", ["identity", "exp", "logistic"]);
  return only(self, name === "exp" ? { name, maximum: float(self, "maximum") } : { name });
};

const readPoint: Read<void> = (curve, i) => {
  const point = object(curve, i);
  for (const name of ["step", "epoch", "loss"]) number(point, name);
  if (point.validationLoss !== null) number(point, "validationLoss");
};

/** What is said of the training is never needed to predict: known fields are checked, others kept as they are. */
const readTraining: Read<TrainingReport> = (given, key) => {
  const self = object(given, key);
  for (const name of ["seed", "rows", "members", "steps", "batch", "learningRate", "blend", "merged"])
    maybe(self, name, number);
  maybe(self, "isotone", string);
  const lists: Record<string, Read<unknown>> = { curve: readPoint, warnings: string, parts: readTraining };
  for (const name in lists) maybe(self, name, (self, key) => each(self, key, lists[name]));
  return JSON.parse(JSON.stringify({ ...self, curve: self.curve ?? [], warnings: self.warnings ?? [] }));
};

const readCalibration: Read<[number, number]> = (pairs, i) => {
  const pair = each(pairs, i, level) as [number, number];
  const before = (pairs[+i - 1] ?? [0, 0]) as number[];
  return pair.length === 2 && before[0] < pair[0] && before[1] <= pair[1]
    ? pair
    : wrong(pairs, i, "[requested level, level fed in], not below the pair before");
};

function readModel(file: Fields): ModelData {
  word(file, "format", ["isotone"]);
  if (file.version !== VERSION) wrong(file, "version", `${VERSION} (to read a later one, update isotone)`);
  const loss = readLoss(file);
  const features = each(file, "features", readFeature, "feature");
  const inputs = each(file, "inputs", inputOf(features), "input");
  const quantiles = loss.name === "quantiles";
  if (quantiles !== inputs.some(({ transform }) => transform === "level"))
    wrong(file, "inputs", `${quantiles ? "one" : "none"} with the transform "level", because "loss" is "${loss.name}"`);
  const target = object(file, "target");
  return only(file, {
    format: "isotone",
    version: VERSION,
    target: only(target, { name: string(target, "name") }),
    loss,
    features,
    inputs,
    networks: networksOf(file, features, inputs),
    scale: positiveFloat(file, "scale"),
    offset: float(file, "offset"),
    link: readLink(file),
    calibration: quantiles
      ? maybe(file, "calibration", (file, key) => each(file, key, readCalibration, "pair"))
      : undefined,
    residuals: maybe(file, "residuals", (file, key) => {
      const residuals = each(file, key, ascending(number, false), "number");
      return residuals.length > 1001 ? wrong(file, key, "1 to 1001 numbers") : residuals;
    }),
    training: readTraining(file, "training"),
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
  let given = source;
  if (typeof source === "string") {
    try {
      // trimmed of a byte order mark
      given = JSON.parse(source.trim());
    } catch (error) {
      throw new ModelFormatError(`not a model file: ${(error as Error).message}`);
    }
  }
  if (!isObject(given)) throw new ModelFormatError(`not a model file: expected a JSON object, got ${show(given)}`);
  // a model, or anything else that knows how to write itself as one
  file = typeof given.toJSON === "function" ? (given.toJSON() as Fields) : given;
  try {
    return readModel(file);
  } finally {
    file = undefined;
  }
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
