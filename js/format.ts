// Model files. In: JSON text or a parsed object; out: ModelData with every field checked, or a ModelFormatError that names the field; and the
// way back, text with the fewest digits that read back to the same float32. Fields: docs/model-format.md.
// A reader takes what holds a value and the value's key, and gives a checked copy; where that lies in the file is looked up only for a message.

import { complaint, FINITE, ModelFormatError, quote } from "./errors.js";
import type { Constraint, Feature, Input, Link, Loss, ModelData, TrainingReport } from "./types.js";

/** The version of the model file that this library reads and writes. */
const VERSION = 1;
export const LARGEST = 3.4028234663852886e38;
/** Inputs are held to -CLIP .. CLIP (assembly/inputs.ts). */
export const CLIP = 50;

/** A weight up to here counts for nothing beside LARGEST: inputs are held to -50 .. 50, and no file holds 1e9 numbers. */
const SMALL = 1e20;
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
  (called: string, round = Math.fround, low = -Infinity, high = Infinity): Read<number> =>
  (self, key) => {
    const value = self[key];
    const x = typeof value === "number" ? round(value) + 0 : low;
    return x > low && x < high ? x : wrong(self, key, called);
  };

const string = kind<string>("a string", (value) => typeof value === "string");
const object = kind<Fields>(
  "an object",
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);
const array = kind<Fields & unknown[]>("an array", Array.isArray);
const number = between("a finite number", Number);
const level = between("a level between 0 and 1", Number, 0, 1);
const float = between(FINITE);
const positive = between("a number above 0 within float32", Math.fround, 0);

const maybe = <T>(self: Fields, key: Key, read: Read<T>): T | undefined =>
  self[key] === undefined ? undefined : read(self, key);

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

/** Refuses numbers that fall, or do not rise where they must `strictly`. */
function ascending(self: Fields, key: Key, items: number[], strictly = false): number[] {
  for (let i = 1; i < items.length; i++) {
    if (strictly ? items[i] <= items[i - 1] : items[i] < items[i - 1])
      wrong(self[key] as Fields, i, "ascending numbers");
  }
  return items;
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

const readRange: Read<[number, number]> = (self, key) => {
  const range = each(self, key, number) as [number, number];
  return range.length === 2 && range[0] <= range[1] ? range : wrong(self, key, "[least, greatest]");
};

/** `names`: those of the features before. */
const featureReader =
  (names: Set<string>): Read<Feature> =>
  (features, i) => {
    const self = object(features, i);
    const name = string(self, "name");
    if (names.has(name)) wrong(self, "name", "distinct names");
    names.add(name);
    const kind = word(self, "kind", ["number", "category"]);
    const category = kind === "category";
    const constraint = word(self, "constraint", category ? ["free"] : ["increasing", "decreasing", "free"]);
    const missing = word(
      self,
      "missing",
      category
        ? ["error", "indicator"]
        : constraint === "free"
          ? ["error", "median", "indicator"]
          : ["error", "median"],
      ` for ${constraint} ${kind}`,
    );
    const feature: Feature = { name, constraint, kind, missing };
    if (category) {
      const categories = each(self, "categories", distinct, "category");
      feature.categories = categories;
      feature.unknown = maybe(self, "unknown", (self, key) =>
        categories.includes(self[key] as string) ? (self[key] as string) : wrong(self, key, "one of the categories"),
      );
    } else {
      if (missing !== "error") feature.fill = float(self, "fill");
      feature.range = maybe(self, "range", readRange);
      feature.median = maybe(self, "median", between(FINITE, Number, -3.4028235e38, 3.4028235e38));
    }
    return only(self, feature);
  };

const readLoss = (file: Fields): Loss => {
  const self = object(file, "loss");
  const name = word(self, "name", ["squared", "absolute", "huber", "poisson", "gamma", "logistic", "quantiles"]);
  const loss: Loss = { name };
  if (name === "huber") loss.delta = maybe(self, "delta", between("a number above 0", Number, 0));
  if (name === "quantiles") loss.levels = ascending(self, "levels", each(self, "levels", level, "level"), true);
  return only(self, loss);
};

/** Where `self[key]` points to in `all`. */
function indexOf(self: Fields, key: Key, all: readonly unknown[]): number {
  const i = self[key];
  return typeof i === "number" && all[i] !== undefined
    ? i
    : wrong(self, key, `the index of a ${key}, 0 to ${all.length - 1}`);
}

/** An input refers to a feature, or a category of it, that there is, and its transform suits the feature. */
const inputOf =
  (features: readonly Feature[]): Read<Input> =>
  (inputs, i) => {
    const self = object(inputs, i);
    const level = self.feature === -1;
    const feature = level ? -1 : indexOf(self, "feature", features);
    const { categories, missing } = level ? ({} as Feature) : features[feature];
    const suit: Input["transform"][] = level ? ["level"] : categories ? ["equals"] : ["linear", "log1p"];
    if (missing === "indicator") suit.push("missing");
    const transform = word(self, "transform", suit, ` for feature ${feature}`);
    const input: Input = { feature, transform, center: float(self, "center"), scale: positive(self, "scale") };
    // not below the slope at 0 that float32 can hold: derivatives would be infinite, and NaN where a weight is 0
    if (transform === "log1p")
      input.divisor = between(
        'a number above 0, "scale" over it within float32',
        Math.fround,
        input.scale / LARGEST,
      )(self, "divisor");
    if (transform === "equals") input.category = indexOf(self, "category", categories ?? []);
    return only(self, input);
  };

/** The constraint of an input: its feature's for numbers, none for indicators, increasing for the quantile level. */
export function inputConstraint({ feature, transform }: Input, features: readonly Feature[]): Constraint {
  if (feature < 0) return "increasing";
  return transform === "equals" || transform === "missing" ? "free" : features[feature].constraint;
}

/** The signs that the weights of inputs must have, 0: any. */
export const signsOf = (inputs: readonly Input[], features: readonly Feature[]): number[] =>
  inputs.map((input) => SIGNS[inputConstraint(input, features)]);

/**
 * A reader of networks, [group][plane][inputs + 1] each, copied: each weight a float32 with its constraint's sign, and no weights so large that a sum of
 * them in all networks that were read can overflow.
 */
export function networkReader(features: readonly Feature[], inputs: readonly Input[]) {
  const d = inputs.length;
  const whose: Constraint[] = [...inputs.map((input) => inputConstraint(input, features)), "free"];
  const least = whose.map((constraint) => (constraint === "increasing" ? 0 : -SMALL));
  const most = whose.map((constraint) => (constraint === "decreasing" ? 0 : SMALL));
  /** The greatest that a plane of this network with large weights can come to, and the sum of those of all networks. */
  let bound = 0;
  let sum = 0;
  let given: Fields & unknown[];
  let large = false;
  /** A weight that is not what most are: refused, unless it is only large. */
  const secondLook = (i: number) => {
    const w = float(given, i);
    if (w * (least[i] + most[i]) < 0) {
      const { feature } = inputs[i];
      const name = feature < 0 ? "the quantile level" : quote(features[feature].name);
      wrong(given, i, `a weight [network][group][plane][input] within the constraint of ${name}, ${whose[i]}`);
    }
    large = true;
    return w;
  };
  const weight = (value: unknown, i: number) => {
    const w = typeof value === "number" ? Math.fround(value) + 0 : Number.NaN;
    return w >= least[i] && w <= most[i] ? w : secondLook(i);
  };
  const readPlane: Read<number[]> = (planes, j) => {
    given = array(planes, j);
    if (given.length !== d + 1) wrong(planes, j, `${d + 1} numbers (a weight for each of ${d} inputs, then the bias)`);
    // one function, called by a built-in one, is compiled soonest: a loop that runs once a plane takes twice as long for all of them
    const plane = given.map(weight);
    // map passes by holes
    if (plane.includes(undefined as never)) each(planes, j, float);
    if (large) {
      bound = Math.max(
        bound,
        plane.reduce((sum, w, i) => sum + Math.abs(w) * (i < d ? CLIP : 1), 0),
      );
      large = false;
    }
    return plane;
  };
  const readGroup: Read<number[][]> = (groups, k) => each(groups, k, readPlane, "hyperplane");
  return (networks: unknown, m: Key): number[][][] => {
    const network = each(networks as Fields, m, readGroup, "group");
    sum += bound;
    bound = 0;
    return sum <= LARGEST ? network : wrong(networks as Fields, m, "weights of which no sum can overflow float32");
  };
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
  for (const name of ["seed", "rows", "members", "steps", "batch", "learningRate", "blend", "merged", "zero"])
    maybe(self, name, number);
  maybe(self, "isotone", string);
  // intervals count these rows
  maybe(self, "heldOut", (self, key) => number(object(object(self, key), "model"), "rows"));
  const lists: Record<string, Read<unknown>> = { curve: readPoint, warnings: string, parts: readTraining };
  for (const name in lists) if (self[name] !== undefined) each(self, name, lists[name]);
  try {
    return JSON.parse(JSON.stringify({ ...self, curve: self.curve ?? [], warnings: self.warnings ?? [] }));
  } catch {
    return wrong(given, key, "JSON");
  }
};

const readCalibration: Read<[number, number]> = (pairs, i) => {
  const pair = each(pairs, i, level) as [number, number];
  const before = (pairs[+i - 1] ?? [0, 0]) as number[];
  return pair.length === 2 && before[0] < pair[0] && before[1] <= pair[1]
    ? pair
    : wrong(pairs, i, "[requested level, level fed in], not below the pair before");
};

function readModel(holder: Fields, networks?: number[][][][]): ModelData {
  const self = object(holder, "model");
  word(self, "format", ["isotone"]);
  if (self.version !== VERSION) wrong(self, "version", `${VERSION} (to read a later one, update isotone)`);
  const loss = readLoss(self);
  const features = each(self, "features", featureReader(new Set()), "feature");
  const inputs = each(self, "inputs", inputOf(features), "input");
  const quantiles = loss.name === "quantiles";
  if (quantiles !== inputs.some(({ feature }) => feature < 0))
    wrong(self, "inputs", `${quantiles ? "one" : "none"} with the transform "level", because "loss" is "${loss.name}"`);
  const target = object(self, "target");
  const model: ModelData = {
    format: "isotone",
    version: VERSION,
    target: only(target, { name: string(target, "name") }),
    loss,
    features,
    inputs,
    networks: networks ?? each(self, "networks", networkReader(features, inputs), "network"),
    scale: positive(self, "scale"),
    offset: float(self, "offset"),
    link: readLink(self),
    calibration: quantiles
      ? maybe(self, "calibration", (self, key) => each(self, key, readCalibration, "pair"))
      : undefined,
    residuals: maybe(self, "residuals", (self, key) => {
      const residuals = ascending(self, key, each(self, key, number));
      return residuals.length > 0 && residuals.length < 1002 ? residuals : wrong(self, key, "1 to 1001 numbers");
    }),
    training: readTraining(self, "training"),
  };
  return only(self, model);
}

/**
 * Reads a model file. Every number that takes part in a prediction is rounded to float32; a weight whose sign breaks the constraint of its
 * feature is refused.
 *
 * @param source JSON text, or what JSON.parse made of it (never changed, never kept)
 * @param networks what networkReader gave already, in the place of the source's own
 * @throws ModelFormatError naming the field that is wrong
 */
export function parseModel(source: unknown, networks?: number[][][][]): ModelData {
  let model = source;
  if (typeof source === "string") {
    try {
      // trimmed of a byte order mark
      model = JSON.parse(source.trim());
    } catch (error) {
      throw new ModelFormatError(`not a model file: ${(error as Error).message}`);
    }
  }
  // a model, or anything else that knows how to write itself as one
  if (typeof (model as { toJSON?: unknown })?.toJSON === "function") model = (model as { toJSON(): unknown }).toJSON();
  file = model as Fields;
  try {
    return readModel({ model }, networks);
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
  const { networks, ...others } = data;
  // nothing is shared: what the caller makes of it must not reach the model
  const short: ModelData = { ...data, ...JSON.parse(JSON.stringify(others)) };
  for (const feature of short.features) if (feature.fill !== undefined) feature.fill = shortest(feature.fill);
  for (const input of short.inputs) {
    input.center = shortest(input.center);
    input.scale = shortest(input.scale);
    if (input.divisor !== undefined) input.divisor = shortest(input.divisor);
  }
  short.networks = networks.map((groups) => groups.map((planes) => planes.map((plane) => plane.map(shortest))));
  short.scale = shortest(short.scale);
  short.offset = shortest(short.offset);
  if (short.link.name === "exp") short.link.maximum = shortest(short.link.maximum);
  return short;
}

/** The powers of ten that are float64 numbers. */
const POWERS = /* @__PURE__ */ Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));

/**
 * `value`, which has eight digits before the point once multiplied by 10 ** `k`, to so many digits, as toPrecision gives it: the quotient of two exact
 * numbers is rounded as its text is. A fifth of the time, and a model of 1,000 columns has 2 million weights.
 */
function rounded(value: number, k: number, digits: number): number {
  const power = POWERS[k + digits - 8];
  const scaled = value * power;
  const whole = Math.floor(scaled + 0.5);
  // beside a tie, or beyond the powers, the text decides
  return Math.abs(scaled - whole) < 0.4999 ? whole / power : Number(value.toPrecision(digits));
}

/** The decimal number with the fewest digits that rounds to the float32 `value`. */
export function shortest(value: number): number {
  if (value === 0) return 0;
  const size = Math.abs(value);
  let k = size > 1e-14 && size < 1e8 ? 0 : 99;
  while (size * POWERS[k] < 1e7) k++;
  // 9 digits always do; most weights need 8
  const eight = rounded(value, k, 8);
  if (Math.fround(eight) !== value) return rounded(value, k, 9);
  const seven = rounded(value, k, 7);
  if (Math.fround(seven) !== value) return eight;
  for (let digits = 1; digits < 7; digits++) {
    const short = rounded(value, k, digits);
    if (Math.fround(short) === value) return short;
  }
  return seven;
}
