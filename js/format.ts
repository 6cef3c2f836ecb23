// Model files. In: JSON text or a parsed object; out: ModelData with every field checked, or a ModelFormatError that names the field; and the
// way back, text with the fewest digits that read back to the same float32. Fields: docs/model-format.md.

import { list, ModelFormatError, quote, show } from "./errors.js";
import type { Constraint, Feature, Input, Link, Loss, ModelData, TrainingReport } from "./types.js";

/** Versions of the model file that this library reads. */
export const VERSIONS: readonly number[] = [1];

const LARGEST = 3.4028234663852886e38;
const { isArray } = Array;

type Fields = Record<string, unknown>;

/** Gives the checked value, or throws; `self` is the object that the value is a field of. Undefined: an optional field that is not there. */
type Check<T> = (value: unknown, where: string, self: Fields) => T;

function wrong(where: string, expected: string, got: unknown): never {
  throw new ModelFormatError(`${quote(where)} expected ${expected}, got ${show(got)}`);
}

const object = (value: unknown, where: string): Fields =>
  typeof value !== "object" || value === null || isArray(value) ? wrong(where, "an object", value) : (value as Fields);

const string: Check<string> = (value, where) => (typeof value === "string" ? value : wrong(where, "a string", value));

const number: Check<number> = (value, where) =>
  Number.isFinite(value) ? (value as number) : wrong(where, "a finite number", value);

/** A finite number, rounded to float32; -0 becomes 0, so that text and memory agree. */
const float32: Check<number> = (value, where) => {
  const x = typeof value === "number" ? Math.fround(value) : Number.NaN;
  return x - x === 0 ? x + 0 : wrong(where, "a finite number within float32", value);
};

const positive32: Check<number> = (value, where, self) => {
  const x = float32(value, where, self);
  return x > 0 ? x : wrong(where, "a number above 0", value);
};

/** A level between 0 and 1. */
const level: Check<number> = (value, where, self) => {
  const x = number(value, where, self);
  return x > 0 && x < 1 ? x : wrong(where, "a level between 0 and 1", value);
};

const word =
  <T>(...words: T[]): Check<T> =>
  (value, where) =>
    words.includes(value as T) ? (value as T) : wrong(where, words.map((one) => JSON.stringify(one)).join(", "), value);

/** An array of at least one item; `what` names it. Further rules on the whole may follow. */
const array =
  <T>(item: Check<T>, what: string, rule?: (items: T[], where: string) => void): Check<T[]> =>
  (value, where, self) => {
    if (!isArray(value)) return wrong(where, "an array", value);
    if (value.length === 0) wrong(where, `at least one ${what}`, value);
    const items = value.map((one, i) => item(one, `${where}[${i}]`, self));
    rule?.(items, where);
    return items;
  };

const distinct = (names: string[], where: string): void => {
  names.forEach((name, i) => {
    if (names.indexOf(name) < i)
      throw new ModelFormatError(`${quote(where)} expected distinct names, got ${quote(name)} twice`);
  });
};

/** Ascending numbers, `strictly` without equal ones. */
const ascending =
  (strictly: boolean) =>
  (values: number[], where: string): void => {
    values.forEach((b, i) => {
      const a = values[i - 1];
      if (strictly ? a >= b : a > b)
        throw new ModelFormatError(`${quote(`${where}[${i}]`)} expected ascending numbers, got ${b} after ${a}`);
    });
  };

const maybe =
  <T>(check: Check<T>): Check<T | undefined> =>
  (value, where, self) =>
    value === undefined ? undefined : check(value, where, self);

/** A field that only some objects have. */
const where =
  <T>(has: (self: Fields) => boolean, check: Check<T>, otherwise: string): Check<T | undefined> =>
  (value, at, self) =>
    has(self) ? check(value, at, self) : value === undefined ? undefined : wrong(at, otherwise, value);

/** An object of these fields and no others, read and written in this order. */
const record =
  <T>(fields: Record<string, Check<unknown>>, rule?: (self: T, where: string) => void): Check<T> =>
  (value, at) => {
    const self = object(value, at);
    const prefix = at && `${at}.`;
    for (const name in self) {
      if (!Object.hasOwn(fields, name) && self[name] !== undefined) {
        throw new ModelFormatError(
          `${quote(prefix + name)} is not a field of version 1 (fields: ${list(Object.keys(fields), 20)})`,
        );
      }
    }
    const out: Fields = {};
    for (const name in fields) {
      const read = fields[name](self[name], prefix + name, self);
      if (read !== undefined) out[name] = read;
    }
    rule?.(out as T, at);
    return out as T;
  };

const isCategory = (self: Fields) => self.kind === "category";
const isNumber = (self: Fields) => self.kind === "number";

const readFeature = record<Feature>(
  {
    name: string,
    constraint: word("increasing", "decreasing", "free"),
    kind: word("number", "category"),
    missing: (value, at, self) => {
      if (value === "indicator" && self.constraint !== "free")
        throw new ModelFormatError(`${quote(at)} is "indicator", which only a free feature may have`);
      return word("error", "median", "indicator")(value, at, self);
    },
    categories: where(isCategory, array(string, "category", distinct), "nothing for a number"),
    unknown: where(isCategory, maybe(string), "nothing for a number"),
    fill: where(
      (self) => isNumber(self) && self.missing !== "error",
      float32,
      'nothing for a category, or where missing values are an "error"',
    ),
    range: where(
      isNumber,
      maybe(
        array(number, "number", (range, at) => {
          if (range.length !== 2 || range[0] > range[1]) wrong(at, "[least, greatest]", range);
        }),
      ),
      "nothing for a category",
    ),
    median: where(isNumber, maybe(number), "nothing for a category"),
  },
  ({ constraint, kind, missing, categories, unknown }, at) => {
    if (kind === "category" && constraint !== "free") wrong(`${at}.constraint`, '"free" for a category', constraint);
    if (kind === "category" && missing === "median")
      wrong(`${at}.missing`, '"error" or "indicator" for a category', missing);
    if (unknown !== undefined && !categories?.includes(unknown))
      wrong(`${at}.unknown`, "one of the categories", unknown);
  },
);

const readLoss = record<Loss>({
  name: word("squared", "absolute", "huber", "poisson", "gamma", "logistic", "quantiles"),
  levels: where(
    (self) => self.name === "quantiles",
    array(level, "level", ascending(true)),
    'nothing unless the loss is "quantiles"',
  ),
  delta: where(
    (self) => self.name === "huber",
    maybe((value, at, self) => {
      const delta = number(value, at, self);
      return delta > 0 ? delta : wrong(at, "a number above 0", value);
    }),
    'nothing unless the loss is "huber"',
  ),
});

/** An index below `count`. */
const indexOf = (value: unknown, at: string, what: string, count: number): number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < count
    ? (value as number)
    : wrong(at, `the index of a ${what}, 0 to ${count - 1}`, value);

/** Which kinds of feature a transform takes. */
const TAKES: Record<Input["transform"], (feature: Feature) => boolean> = {
  linear: ({ kind }) => kind === "number",
  log1p: ({ kind }) => kind === "number",
  equals: ({ kind }) => kind === "category",
  missing: ({ missing }) => missing === "indicator",
  level: () => true,
};

const inputOf = (features: readonly Feature[]) =>
  record<Input>({
    feature: (value, at, { transform }) =>
      transform !== "level"
        ? indexOf(value, at, "feature", features.length)
        : value === -1
          ? -1
          : wrong(at, "-1, because the quantile level is no feature", value),
    transform: (value, at, self) => {
      const transform = word(...(Object.keys(TAKES) as Input["transform"][]))(value, at, self);
      const feature = features[self.feature as number];
      if (feature && !TAKES[transform](feature))
        wrong(
          at,
          feature.kind === "number"
            ? '"linear", "log1p", or "missing" where missing values are an "indicator", for a number'
            : '"equals", or "missing" where missing values are an "indicator", for a category',
          value,
        );
      return transform;
    },
    center: float32,
    scale: positive32,
    divisor: where(({ transform }) => transform === "log1p", positive32, 'nothing unless the transform is "log1p"'),
    category: where(
      ({ transform }) => transform === "equals",
      (value, at, self) => indexOf(value, at, "category", features[self.feature as number]?.categories?.length ?? 0),
      'nothing unless the transform is "equals"',
    ),
  });

/** The constraint of an input: its feature's for numbers, none for indicators, increasing for the quantile level. */
export function inputConstraint(input: Input, features: readonly Feature[]): Constraint {
  if (input.transform === "level") return "increasing";
  if (input.transform === "equals" || input.transform === "missing") return "free";
  return features[input.feature]?.constraint ?? "free";
}

/** [network][group][plane][inputs + 1]; each weight within float32 and of its constraint's sign, and no sum that can overflow. */
const networksOf = (inputs: readonly Input[], features: readonly Feature[]): Check<number[][][][]> => {
  const constraints = inputs.map((input) => inputConstraint(input, features));
  const d = inputs.length;
  const overflow = (at: string): never => {
    throw new ModelFormatError(`${quote(at)} has weights so large that a prediction can overflow float32`);
  };
  let largest = 0;
  let sum = 0;
  const plane: Check<number[]> = (values, at, self) => {
    if (!isArray(values)) return wrong(at, "an array", values);
    if (values.length !== d + 1)
      wrong(at, `${d + 1} numbers (a weight for each of ${d} inputs, then the bias)`, values);
    let bound = 0;
    const out = values.map((value: unknown, i) => {
      // the name of the place is built only for a number that is wrong
      const w = typeof value === "number" ? Math.fround(value) + 0 : Number.NaN;
      if (w - w !== 0) float32(value, `${at}[${i}]`, self);
      const constraint = constraints[i];
      if ((constraint === "increasing" && w < 0) || (constraint === "decreasing" && w > 0)) {
        const [m, k, j] = at.match(/\d+/g) ?? [];
        const name = inputs[i].feature < 0 ? "the quantile level" : quote(features[inputs[i].feature].name);
        throw new ModelFormatError(
          `a weight breaks the constraint of ${name}, ${constraint}: ${w} in network ${m}, group ${k}, plane ${j} (${at}[${i}])`,
        );
      }
      bound += Math.abs(w) * (i < d ? 50 : 1);
      return w;
    });
    if (!(bound <= LARGEST)) overflow(at);
    largest = Math.max(largest, bound);
    return out;
  };
  return array(
    array(array(plane, "hyperplane"), "group", (_, at) => {
      sum += largest;
      largest = 0;
      if (!(sum <= LARGEST)) overflow(at);
    }),
    "network",
  );
};

const readLink = record<Link>({
  name: word("identity", "exp", "logistic"),
  maximum: where(({ name }) => name === "exp", float32, 'nothing unless the link is "exp"'),
});

const readCalibration = array(
  array(level, "level", (pair, at) => {
    if (pair.length !== 2) wrong(at, "[requested level, level fed in]", pair);
  }),
  "pair",
  (pairs) => {
    pairs.forEach((pair, i) => {
      const before = pairs[i - 1];
      if (before && !(before[0] < pair[0] && before[1] <= pair[1]))
        throw new ModelFormatError(`"calibration" expected ascending levels, but pair ${i} is not above pair ${i - 1}`);
    });
  },
);

/** What is said of the training is never needed to predict: known fields are checked, others kept as they are. */
const readTraining: Check<TrainingReport> = (given, at) => {
  const fields = object(given, at);
  const numbers = (self: Fields, place: string, names: string) => {
    for (const name of names.split(" ")) maybe(number)(self[name], `${place}.${name}`, self);
  };
  numbers(fields, at, "seed rows members steps batch learningRate blend merged");
  maybe(string)(fields.isotone, `${at}.isotone`, fields);
  for (const name of ["curve", "warnings", "parts"]) {
    const items = fields[name] ?? [];
    if (!isArray(items)) wrong(`${at}.${name}`, "an array", items);
    (items as unknown[]).forEach((item, i) => {
      const place = `${at}.${name}[${i}]`;
      if (name === "warnings") string(item, place, fields);
      else if (name === "parts") readTraining(item, place, fields);
      else {
        const point = object(item, place);
        for (const part of ["step", "epoch", "loss"]) number(point[part], `${place}.${part}`, point);
        if (point.validationLoss !== null) number(point.validationLoss, `${place}.validationLoss`, point);
      }
    });
  }
  const copy = JSON.parse(JSON.stringify(fields)) as TrainingReport;
  return { ...copy, curve: copy.curve ?? [], warnings: copy.warnings ?? [] };
};

/** The whole file; later fields are read by what earlier ones say. */
const readModel: Check<ModelData> = (file, at, self) => {
  let features: Feature[] = [];
  let inputs: Input[] = [];
  const asIs: Check<unknown> = (value) => value;
  const quantiles = ({ loss }: Fields) => (loss as Loss).name === "quantiles";
  return record<ModelData>({
    format: asIs,
    version: asIs,
    target: record({ name: string }),
    loss: readLoss,
    features: (value, place, self) => {
      features = array(readFeature, "feature", (read) =>
        distinct(
          read.map(({ name }) => name),
          place,
        ),
      )(value, place, self);
      return features;
    },
    inputs: (value, place, self) => {
      inputs = array(inputOf(features), "input")(value, place, self);
      const has = inputs.some(({ transform }) => transform === "level");
      if (has !== quantiles(self)) {
        throw new ModelFormatError(
          has
            ? `"inputs" has a quantile level, but "loss" is ${quote((self.loss as Loss).name)}`
            : '"inputs" expected an input with the transform "level", because "loss" is "quantiles"',
        );
      }
      return inputs;
    },
    networks: (value, place, self) => networksOf(inputs, features)(value, place, self),
    scale: positive32,
    offset: float32,
    link: readLink,
    calibration: where(quantiles, maybe(readCalibration), 'nothing unless "loss" is "quantiles"'),
    residuals: maybe(
      array(number, "number", (values, place) => {
        ascending(false)(values, place);
        if (values.length > 1001) wrong(place, "1 to 1001 numbers", values);
      }),
    ),
    training: readTraining,
  })(file, at, self);
};

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
      given = JSON.parse(source.charCodeAt(0) === 0xfeff ? source.slice(1) : source);
    } catch (error) {
      throw new ModelFormatError(`not a model file: ${error instanceof Error ? error.message : "not JSON"}`);
    }
  }
  if (typeof given !== "object" || given === null || isArray(given)) {
    throw new ModelFormatError(`not a model file: expected a JSON object, got ${show(given)}`);
  }
  // a model, or anything else that knows how to write itself as one
  const toJSON = (given as { toJSON?: unknown }).toJSON;
  const file = (typeof toJSON === "function" ? toJSON.call(given) : given) as Fields;
  const { format, version } = file;
  if (format !== "isotone") {
    throw new ModelFormatError(`not a model file: "format" expected "isotone", got ${show(format)}`);
  }
  if (!VERSIONS.includes(version as number)) {
    const newer = typeof version === "number" && version > Math.max(...VERSIONS);
    throw new ModelFormatError(
      `"version" is ${show(version)}; this library reads version ${VERSIONS.join(", ")}${newer ? ": update isotone to read this model" : ""}`,
    );
  }
  return readModel(file, "", file);
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
