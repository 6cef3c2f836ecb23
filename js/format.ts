// Model files. In: JSON text or a parsed object; out: ModelData with every field checked, or a ModelFormatError that names the field; and the
// way back, text with the fewest digits that read back to the same float32. Fields: docs/model-format.md.

import { list, ModelFormatError, quote, show } from "./errors.js";
import type { Constraint, Feature, Input, Link, Loss, ModelData, TrainingReport } from "./types.js";

/** Versions of the model file that this library reads. */
export const VERSIONS: readonly number[] = [1];

const LARGEST = 3.4028234663852886e38;
const FIELDS = [
  "format",
  "version",
  "target",
  "loss",
  "features",
  "inputs",
  "networks",
  "scale",
  "offset",
  "link",
  "calibration",
  "residuals",
  "training",
];
const CONSTRAINTS: readonly unknown[] = ["increasing", "decreasing", "free"];
const LOSSES: readonly unknown[] = ["squared", "absolute", "huber", "poisson", "gamma", "logistic", "quantiles"];

type Fields = Record<string, unknown>;

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
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new ModelFormatError(`not a model file: expected a JSON object, got ${show(given)}`);
  }
  // a model, or anything else that knows how to write itself as one
  const toJSON = (given as { toJSON?: unknown }).toJSON;
  const file = (typeof toJSON === "function" ? toJSON.call(given) : given) as Fields;
  if (file.format !== "isotone") {
    throw new ModelFormatError(`not a model file: "format" expected "isotone", got ${show(file.format)}`);
  }
  if (!VERSIONS.includes(file.version as number)) {
    const newer = typeof file.version === "number" && file.version > Math.max(...VERSIONS);
    throw new ModelFormatError(
      `"version" is ${show(file.version)}; this library reads version ${VERSIONS.join(", ")}${newer ? ": update isotone to read this model" : ""}`,
    );
  }
  only(file, "", FIELDS);

  const target = object(file.target, "target");
  only(target, "target", ["name"]);
  const loss = parseLoss(file.loss);
  const features = array(file.features, "features").map((feature, f) => parseFeature(feature, `features[${f}]`));
  if (features.length === 0) throw wrong("features", "at least one feature", file.features);
  const names = new Set<string>();
  for (const { name } of features) {
    if (names.has(name)) throw new ModelFormatError(`"features" expected distinct names, got ${quote(name)} twice`);
    names.add(name);
  }
  const inputs = array(file.inputs, "inputs").map((input, i) => parseInput(input, `inputs[${i}]`, features));
  if (inputs.length === 0) throw wrong("inputs", "at least one input", file.inputs);
  const levels = inputs.some((input) => input.transform === "level");
  if (levels !== (loss.name === "quantiles")) {
    throw new ModelFormatError(
      levels
        ? `"inputs" has a quantile level, but "loss" is ${quote(loss.name)}`
        : '"inputs" expected an input with the transform "level", because "loss" is "quantiles"',
    );
  }
  const data: ModelData = {
    format: "isotone",
    version: 1,
    target: { name: string(target.name, "target.name") },
    loss,
    features,
    inputs,
    networks: parseNetworks(file.networks, inputs, features),
    scale: positive32(file.scale, "scale"),
    offset: float32(file.offset, "offset"),
    link: parseLink(file.link),
    training: parseTraining(file.training),
  };
  if (file.calibration !== undefined) {
    if (loss.name !== "quantiles") throw wrong("calibration", 'nothing unless "loss" is "quantiles"', file.calibration);
    data.calibration = parseCalibration(file.calibration);
  }
  if (file.residuals !== undefined) data.residuals = parseResiduals(file.residuals);
  // one order of fields in every file
  const { training, ...rest } = data;
  return { ...rest, training };
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

function parseLoss(given: unknown): Loss {
  const fields = object(given, "loss");
  only(fields, "loss", ["name", "levels", "delta"]);
  if (!LOSSES.includes(fields.name)) throw wrong("loss.name", words(LOSSES), fields.name);
  const loss: Loss = { name: fields.name as Loss["name"] };
  if (loss.name === "quantiles") {
    loss.levels = ascending(fields.levels, "loss.levels", true);
    if (loss.levels.length === 0) throw wrong("loss.levels", "at least one level", fields.levels);
    for (const level of loss.levels)
      if (!(level > 0 && level < 1)) throw wrong("loss.levels", "levels between 0 and 1", level);
  } else if (fields.levels !== undefined)
    throw wrong("loss.levels", 'nothing unless the loss is "quantiles"', fields.levels);
  if (fields.delta !== undefined) {
    if (loss.name !== "huber") throw wrong("loss.delta", 'nothing unless the loss is "huber"', fields.delta);
    loss.delta = number(fields.delta, "loss.delta");
    if (loss.delta <= 0) throw wrong("loss.delta", "a number above 0", loss.delta);
  }
  return loss;
}

function parseFeature(given: unknown, where: string): Feature {
  const fields = object(given, where);
  only(fields, where, ["name", "constraint", "kind", "categories", "unknown", "missing", "fill", "range", "median"]);
  const { constraint, kind, missing } = fields;
  if (!CONSTRAINTS.includes(constraint)) throw wrong(`${where}.constraint`, words(CONSTRAINTS), constraint);
  if (kind !== "number" && kind !== "category") throw wrong(`${where}.kind`, '"number" or "category"', kind);
  if (missing !== "error" && missing !== "median" && missing !== "indicator") {
    throw wrong(`${where}.missing`, '"error", "median" or "indicator"', missing);
  }
  const feature: Feature = {
    name: string(fields.name, `${where}.name`),
    constraint: constraint as Constraint,
    kind,
    missing,
  };
  if (missing === "indicator" && constraint !== "free") {
    throw new ModelFormatError(`${quote(`${where}.missing`)} is "indicator", which only a free feature may have`);
  }
  if (kind === "category") {
    if (constraint !== "free") throw wrong(`${where}.constraint`, '"free" for a category', constraint);
    if (missing === "median") throw wrong(`${where}.missing`, '"error" or "indicator" for a category', missing);
    for (const name of ["fill", "range", "median"]) {
      if (fields[name] !== undefined) throw wrong(`${where}.${name}`, "nothing for a category", fields[name]);
    }
    const categories = array(fields.categories, `${where}.categories`).map((c, i) =>
      string(c, `${where}.categories[${i}]`),
    );
    if (categories.length === 0) throw wrong(`${where}.categories`, "at least one category", categories);
    if (new Set(categories).size !== categories.length)
      throw wrong(`${where}.categories`, "distinct categories", categories);
    feature.categories = categories;
    if (fields.unknown !== undefined) {
      feature.unknown = string(fields.unknown, `${where}.unknown`);
      if (!categories.includes(feature.unknown))
        throw wrong(`${where}.unknown`, "one of the categories", feature.unknown);
    }
    return feature;
  }
  for (const name of ["categories", "unknown"]) {
    if (fields[name] !== undefined) throw wrong(`${where}.${name}`, "nothing for a number", fields[name]);
  }
  if (fields.fill !== undefined) {
    if (missing === "error")
      throw wrong(`${where}.fill`, 'nothing, because missing values are an "error"', fields.fill);
    feature.fill = float32(fields.fill, `${where}.fill`);
  } else if (missing !== "error") throw wrong(`${where}.fill`, "a number in place of a missing one", fields.fill);
  if (fields.range !== undefined) {
    const range = array(fields.range, `${where}.range`);
    const [least, most] = [number(range[0], `${where}.range[0]`), number(range[1], `${where}.range[1]`)];
    if (range.length !== 2 || least > most) throw wrong(`${where}.range`, "[least, greatest]", fields.range);
    feature.range = [least, most];
  }
  if (fields.median !== undefined) feature.median = number(fields.median, `${where}.median`);
  return feature;
}

function parseInput(given: unknown, where: string, features: readonly Feature[]): Input {
  const fields = object(given, where);
  only(fields, where, ["feature", "transform", "divisor", "category", "center", "scale"]);
  const index = fields.feature;
  const transform = fields.transform;
  if (transform === "level") {
    if (index !== -1) throw wrong(`${where}.feature`, "-1, because the quantile level is no feature", index);
  } else if (!Number.isInteger(index) || (index as number) < 0 || (index as number) >= features.length) {
    throw wrong(`${where}.feature`, `the index of a feature, 0 to ${features.length - 1}`, index);
  }
  const input: Input = {
    feature: index as number,
    transform: transform as Input["transform"],
    center: float32(fields.center, `${where}.center`),
    scale: positive32(fields.scale, `${where}.scale`),
  };
  const feature = features[input.feature];
  switch (transform) {
    case "linear":
    case "log1p":
      if (feature?.kind !== "number")
        throw wrong(`${where}.transform`, '"equals" or "missing" for a category', transform);
      break;
    case "equals":
      if (feature?.kind !== "category")
        throw wrong(`${where}.transform`, '"linear", "log1p" or "missing" for a number', transform);
      break;
    case "missing":
      if (feature?.missing !== "indicator") {
        throw wrong(
          `${where}.transform`,
          '"missing" only for a feature whose missing values are an "indicator"',
          transform,
        );
      }
      break;
    case "level":
      break;
    default:
      throw wrong(`${where}.transform`, '"linear", "log1p", "equals", "missing" or "level"', transform);
  }
  if (transform === "log1p") input.divisor = positive32(fields.divisor, `${where}.divisor`);
  else if (fields.divisor !== undefined)
    throw wrong(`${where}.divisor`, 'nothing unless the transform is "log1p"', fields.divisor);
  if (transform === "equals") {
    const count = feature?.categories?.length ?? 0;
    const category = fields.category;
    if (!Number.isInteger(category) || (category as number) < 0 || (category as number) >= count) {
      throw wrong(`${where}.category`, `the index of a category, 0 to ${count - 1}`, category);
    }
    input.category = category as number;
  } else if (fields.category !== undefined) {
    throw wrong(`${where}.category`, 'nothing unless the transform is "equals"', fields.category);
  }
  return input;
}

/** The constraint of an input: its feature's for numbers, none for indicators, increasing for the quantile level. */
export function inputConstraint(input: Input, features: readonly Feature[]): Constraint {
  if (input.transform === "level") return "increasing";
  if (input.transform === "equals" || input.transform === "missing") return "free";
  return features[input.feature]?.constraint ?? "free";
}

function parseNetworks(given: unknown, inputs: readonly Input[], features: readonly Feature[]): number[][][][] {
  const constraints = inputs.map((input) => inputConstraint(input, features));
  const width = inputs.length + 1;
  const networks = array(given, "networks");
  if (networks.length === 0) throw wrong("networks", "at least one network", given);
  let sum = 0;
  const parsed = networks.map((network, m) => {
    let largest = 0;
    const groups = array(network, `networks[${m}]`);
    if (groups.length === 0) throw wrong(`networks[${m}]`, "at least one group", network);
    const copy = groups.map((group, k) => {
      const planes = array(group, `networks[${m}][${k}]`);
      if (planes.length === 0) throw wrong(`networks[${m}][${k}]`, "at least one hyperplane", group);
      return planes.map((plane, j) => {
        const where = `networks[${m}][${k}][${j}]`;
        const values = array(plane, where);
        if (values.length !== width) {
          throw wrong(where, `${width} numbers (a weight for each of ${inputs.length} inputs, then the bias)`, plane);
        }
        let bound = 0;
        const out = new Array<number>(width);
        for (let i = 0; i < width; i++) {
          const w = float32(values[i], where, i);
          const constraint = constraints[i];
          if ((constraint === "increasing" && w < 0) || (constraint === "decreasing" && w > 0)) {
            const input = inputs[i] as Input;
            const name =
              input.transform === "level" ? "the quantile level" : quote((features[input.feature] as Feature).name);
            throw new ModelFormatError(
              `a weight breaks the constraint of ${name}, ${constraint}: ${w} in network ${m}, group ${k}, plane ${j} (networks[${m}][${k}][${j}][${i}])`,
            );
          }
          out[i] = w;
          bound += Math.abs(w) * (i < inputs.length ? 50 : 1);
        }
        if (!(bound <= LARGEST))
          throw new ModelFormatError(`${quote(where)} has weights so large that a prediction can overflow float32`);
        largest = Math.max(largest, bound);
        return out;
      });
    });
    sum += largest;
    return copy;
  });
  if (!(sum <= LARGEST))
    throw new ModelFormatError('"networks" has weights so large that a prediction can overflow float32');
  return parsed;
}

function parseLink(given: unknown): Link {
  const fields = object(given, "link");
  only(fields, "link", fields.name === "exp" ? ["name", "maximum"] : ["name"]);
  if (fields.name === "exp") return { name: "exp", maximum: float32(fields.maximum, "link.maximum") };
  if (fields.name !== "identity" && fields.name !== "logistic")
    throw wrong("link.name", '"identity", "exp" or "logistic"', fields.name);
  return { name: fields.name };
}

function parseCalibration(given: unknown): [number, number][] {
  const pairs = array(given, "calibration").map((pair, i): [number, number] => {
    const values = array(pair, `calibration[${i}]`);
    if (values.length !== 2) throw wrong(`calibration[${i}]`, "[requested level, level fed in]", pair);
    const read = (j: number): number => {
      const level = number(values[j], `calibration[${i}][${j}]`);
      if (!(level > 0 && level < 1)) throw wrong(`calibration[${i}][${j}]`, "a level between 0 and 1", level);
      return level;
    };
    return [read(0), read(1)];
  });
  if (pairs.length === 0) throw wrong("calibration", "at least one pair", given);
  pairs.forEach((pair, i) => {
    const before = pairs[i - 1];
    if (before !== undefined && !(before[0] < pair[0] && before[1] <= pair[1])) {
      throw new ModelFormatError(`"calibration" expected ascending levels, but pair ${i} is not above pair ${i - 1}`);
    }
  });
  return pairs;
}

function parseResiduals(given: unknown): number[] {
  const residuals = ascending(given, "residuals", false);
  if (residuals.length === 0 || residuals.length > 1001) throw wrong("residuals", "1 to 1001 numbers", given);
  return residuals;
}

/** What is said of the training is never needed to predict: known fields are checked, others kept as they are. */
function parseTraining(given: unknown): TrainingReport {
  const fields = object(given, "training");
  for (const name of ["seed", "rows", "members", "steps", "batch", "learningRate", "blend", "merged"]) {
    if (fields[name] !== undefined) number(fields[name], `training.${name}`);
  }
  if (fields.isotone !== undefined) string(fields.isotone, "training.isotone");
  for (const name of ["curve", "warnings"]) if (fields[name] !== undefined) array(fields[name], `training.${name}`);
  array(fields.warnings ?? [], "training.warnings").forEach((warning, i) => {
    string(warning, `training.warnings[${i}]`);
  });
  array(fields.curve ?? [], "training.curve").forEach((point, i) => {
    const entry = object(point, `training.curve[${i}]`);
    for (const name of ["step", "epoch", "loss"]) number(entry[name], `training.curve[${i}].${name}`);
    if (entry.validationLoss !== null) number(entry.validationLoss, `training.curve[${i}].validationLoss`);
  });
  const copy = JSON.parse(JSON.stringify(fields)) as TrainingReport;
  return { ...copy, curve: copy.curve ?? [], warnings: copy.warnings ?? [] };
}

function only(fields: Fields, where: string, names: readonly string[]): void {
  for (const name of Object.keys(fields)) {
    if (!names.includes(name) && fields[name] !== undefined) {
      throw new ModelFormatError(
        `${quote(where === "" ? name : `${where}.${name}`)} is not a field of version 1 (fields: ${list(names, 20)})`,
      );
    }
  }
}

function object(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(where, "an object", value);
  return value as Fields;
}

function array(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(where, "an array", value);
  return value;
}

function string(value: unknown, where: string): string {
  if (typeof value !== "string") throw wrong(where, "a string", value);
  return value;
}

function number(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrong(where, "a finite number", value);
  return value;
}

/** A finite number, rounded to float32; -0 becomes 0, so that text and memory agree. The place in an array is named when it is wrong. */
function float32(value: unknown, where: string, index = -1): number {
  const x = typeof value === "number" ? Math.fround(value) : Number.NaN;
  if (x - x !== 0) throw wrong(index < 0 ? where : `${where}[${index}]`, "a finite number within float32", value);
  return x + 0;
}

function positive32(value: unknown, where: string): number {
  const x = float32(value, where);
  if (!(x > 0)) throw wrong(where, "a number above 0", value);
  return x;
}

function ascending(value: unknown, where: string, strictly: boolean): number[] {
  const values = array(value, where).map((v, i) => number(v, `${where}[${i}]`));
  for (let i = 1; i < values.length; i++) {
    const [a, b] = [values[i - 1] as number, values[i] as number];
    if (strictly ? a >= b : a > b)
      throw new ModelFormatError(`${quote(`${where}[${i}]`)} expected ascending numbers, got ${b} after ${a}`);
  }
  return values;
}

function words(names: readonly unknown[]): string {
  return names.map((name) => JSON.stringify(name)).join(", ");
}

function wrong(where: string, expected: string, got: unknown): ModelFormatError {
  return new ModelFormatError(`${quote(where)} expected ${expected}, got ${show(got)}`);
}
