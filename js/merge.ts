// From models of shards to one model. In: models of the same features; out: model data whose sum before the link is the weighted average of theirs.
// Networks are never mixed: each is scaled and stands beside the others (method: an average of sums of networks is a sum of networks), and what
// the models' inputs have in common is shared. All folding is done in float64 and rounded once, so every weight keeps its sign.

import { list, ModelFormatError, quote, rangeError, show, typeError } from "./errors.js";
import { parseModel } from "./format.js";
import { logf } from "./math.js";
import type { Feature, Input, ModelData, TrainingReport } from "./types.js";
import { VERSION } from "./version.js";

/** Options of `merge`. */
export interface MergeOptions {
  /** How much each model counts: the same (default), by its training rows, or a number above 0 each. */
  weights?: "equal" | "rows" | readonly number[];
}

/** What merging needs to know of one model. */
interface Part {
  data: ModelData;
  /** Share in the average; all add up to 1. */
  share: number;
  /** Index in this model of each of the first model's features. */
  place: number[];
}

/** `merge`, as plain data. */
export function mergeData(models: Iterable<unknown>, options: MergeOptions = {}): ModelData {
  if (typeof models !== "object" || models === null || !(Symbol.iterator in models))
    throw typeError("models", "a list of models", models);
  const all = [...models].map((model, k) => {
    try {
      return parseModel(model);
    } catch (error) {
      if (error instanceof ModelFormatError) throw new ModelFormatError(`model ${k}: ${error.message}`);
      throw error;
    }
  });
  if (all.length === 0) throw rangeError("models", "at least one model", []);
  const shares = sharesOf(all, options?.weights ?? "equal");
  const [first] = all;
  if (all.length === 1) return { ...first, training: { ...first.training, merged: first.training.merged ?? 1 } };
  const parts = all.map((data, k): Part => ({ data, share: shares[k], place: placesOf(data, first, k) }));
  const warnings: string[] = [];

  const features = first.features.map((_, f) => mergeFeature(parts, f, warnings));
  const { inputs, encoders } = mergeInputs(parts, features);
  const scale = Math.fround(parts.reduce((sum, { data, share }) => sum + share * data.scale, 0));
  const d = inputs.length;
  const networks: number[][][][] = [];
  const plane = new Float64Array(d + 1);
  let anyPlane = false;
  parts.forEach(({ data, share }, k) => {
    const factor = (share * data.scale) / scale;
    for (const groups of data.networks) {
      // planes add up to one plane
      if (groups.length === 1 && groups[0].length === 1) {
        anyPlane = true;
        encoders[k](groups[0][0]).forEach((w, i) => {
          plane[i] += factor * w;
        });
        continue;
      }
      networks.push(
        groups.map((planes) => planes.map((weights) => encoders[k](weights).map((w) => Math.fround(factor * w)))),
      );
    }
  });
  if (anyPlane) networks.unshift([[Array.from(plane, Math.fround)]]);

  const { target, loss } = first;
  const merged: ModelData = {
    format: "isotone",
    version: 1,
    target,
    loss,
    features,
    inputs,
    networks,
    scale,
    offset: Math.fround(parts.reduce((sum, { data, share }) => sum + share * data.offset, 0)),
    link: mergeLinks(parts, warnings),
    training: mergeTraining(all, shares, warnings),
  };
  const calibration = mergeCalibrations(parts);
  if (calibration) merged.calibration = calibration;
  const residuals = mergeResiduals(all);
  if (residuals) merged.residuals = residuals;
  return parseModel(merged);
}

function sharesOf(all: ModelData[], weights: MergeOptions["weights"]): number[] {
  let given: number[];
  if (weights === "equal") given = all.map(() => 1);
  else if (weights === "rows") {
    given = all.map(({ training }, k) => {
      if (!(training.rows > 0)) throw rangeError("weights", '"equal" or numbers', `"rows", but model ${k} says none`);
      return training.rows;
    });
  } else {
    if (!Array.isArray(weights)) throw typeError("weights", '"equal", "rows" or a number for each model', weights);
    if (weights.length !== all.length)
      throw rangeError("weights", `${all.length} numbers, one for each model`, weights);
    given = weights.map((w, k) => {
      if (typeof w !== "number") throw typeError(`weights[${k}]`, "a number above 0", w);
      if (!(w > 0 && w < Number.POSITIVE_INFINITY)) throw rangeError(`weights[${k}]`, "a number above 0", w);
      return w;
    });
  }
  const most = Math.max(...given);
  const total = given.reduce((sum, w) => sum + w / most, 0);
  return given.map((w) => w / most / total);
}

const MEND = "scan the shards first and fit each with the same scaling (isotone scan, isotone fit --scaling)";

/** Where the first model's features are in `data`; refuses a model that another question was put to. */
function placesOf(data: ModelData, first: ModelData, k: number): number[] {
  const differ = (what: string, a: unknown, b: unknown, mend = "") =>
    new ModelFormatError(
      `models of different ${what}: model 0 has ${show(a)}, model ${k} has ${show(b)}${mend && `; ${mend}`}`,
    );
  if (data.target.name !== first.target.name) throw differ("targets", first.target.name, data.target.name);
  const losses = [first, data].map(({ loss }) =>
    [loss.name, ...(loss.levels ?? []), ...(loss.delta === undefined ? [] : [loss.delta])].join(" "),
  );
  if (losses[0] !== losses[1]) throw differ("losses", losses[0], losses[1], "fit every shard with the same loss");
  if (data.link.name !== first.link.name) throw differ("links", first.link.name, data.link.name);
  const names = (features: Feature[]) => list(features.map(({ name }) => name));
  if (data.features.length !== first.features.length)
    throw differ("features", names(first.features), names(data.features));
  return first.features.map((feature) => {
    const place = data.features.findIndex(({ name }) => name === feature.name);
    if (place < 0) throw differ("features", names(first.features), names(data.features));
    const other = data.features[place];
    for (const field of ["constraint", "kind", "missing"] as const) {
      if (other[field] !== feature[field])
        throw differ(`"${field}" of ${quote(feature.name)}`, feature[field], other[field]);
    }
    if (other.unknown !== feature.unknown)
      throw differ(`"unknown" of ${quote(feature.name)}`, feature.unknown, other.unknown);
    return place;
  });
}

/** Feature f of all models: ranges and categories of all of them. */
function mergeFeature(parts: Part[], f: number, warnings: string[]): Feature {
  const own = parts.map(({ data, place }) => data.features[place[f]]);
  const { name, constraint, kind, missing, unknown } = own[0];
  const feature: Feature = { name, constraint, kind, missing };
  if (kind === "category") {
    const lists = own.map(({ categories }) => categories as string[]);
    feature.categories = lists.every((other) => sameList(other, lists[0]))
      ? lists[0]
      : [...new Set(lists.flat())].sort();
    if (unknown !== undefined) feature.unknown = unknown;
    else {
      for (const [k, known] of lists.entries()) {
        const strange = feature.categories.find((category) => !known.includes(category));
        if (strange !== undefined) {
          throw new ModelFormatError(
            `model ${k} does not know the category ${quote(strange)} of ${quote(name)}, which another model does: ${MEND}, or give fit a category for unknown ones`,
          );
        }
      }
    }
    return feature;
  }
  const average = (values: (number | undefined)[]) =>
    values.every((v) => v === values[0])
      ? values[0]
      : values.reduce<number>((sum, v, k) => sum + parts[k].share * (v as number), 0);
  if (missing !== "error") {
    feature.fill = Math.fround(average(own.map(({ fill }) => fill)) as number);
    if (missing === "median" && own.some(({ fill }) => fill !== feature.fill)) {
      warnings.push(
        `merged models put different numbers in the place of a missing ${quote(name)}: their average, ${feature.fill}, is used`,
      );
    }
  }
  const ranges = own.map(({ range }) => range);
  if (ranges.every((range) => range !== undefined))
    feature.range = [Math.min(...ranges.map((r) => r[0])), Math.max(...ranges.map((r) => r[1]))];
  const medians = own.map(({ median }) => median);
  if (medians.every((median) => median !== undefined)) feature.median = average(medians);
  return feature;
}

/** A model's plane over the merged inputs, in float64. */
type Encoder = (weights: readonly number[]) => number[];

const sameList = (a: readonly string[] = [], b: readonly string[] = []) =>
  a.length === b.length && a.every((name, i) => name === b[i]);

const sameInput = (a: Input, b: Input) =>
  a.feature === b.feature &&
  a.transform === b.transform &&
  a.divisor === b.divisor &&
  a.category === b.category &&
  a.center === b.center &&
  a.scale === b.scale;

/** z of an input for t: the kernels' float32 steps. */
function scaled(input: Pick<Input, "center" | "scale">, t: number): number {
  return Math.min(50, Math.max(-50, Math.fround(Math.fround(t - input.center) * input.scale)));
}

/** t of a number: the kernels' float32 steps. */
function transformed(input: Pick<Input, "transform" | "divisor">, v: number): number {
  const x = Math.fround(v);
  if (input.transform !== "log1p") return x;
  const q = Math.fround(x / (input.divisor as number));
  return q < 0 ? q : logf(Math.fround(1 + q));
}

/**
 * The inputs of the merged model, and how each model's planes are written over them. A feature whose inputs are the same in every model keeps
 * them. Else inputs of 0 and 1 (categories, missing) are written anew, exactly; numbers of one transform but different z-scores share
 * a pooled z-score where no model clips within the ranges of all training rows, exact there; any other inputs stand side by side.
 */
function mergeInputs(parts: Part[], features: Feature[]): { inputs: Input[]; encoders: Encoder[] } {
  const inputs: Input[] = [];
  /** By model: what adds the weights of each feature to a plane. */
  const steps: ((from: readonly number[], to: number[]) => void)[][] = parts.map(() => []);
  const push = (input: Input) => inputs.push(input) - 1;

  features.forEach((feature, f) => {
    // each model's inputs of this feature, under the merged feature's index
    const own = parts.map(({ data, place }) =>
      data.inputs.flatMap((input, i) => (input.feature === place[f] ? [{ i, input: { ...input, feature: f } }] : [])),
    );
    const described = parts.map(({ data, place }) => data.features[place[f]]);
    const same =
      own.every(
        (mine) => mine.length === own[0].length && mine.every(({ input }, j) => sameInput(input, own[0][j].input)),
      ) &&
      described.every(
        ({ fill, categories }) => fill === described[0].fill && sameList(categories, described[0].categories),
      );
    if (same) {
      const at = own[0].map(({ input }) => push(input));
      own.forEach((mine, k) => {
        steps[k].push((from, to) => {
          mine.forEach(({ i }, j) => {
            to[at[j]] += from[i];
          });
        });
      });
    } else if (feature.kind === "category") mergeCategory(feature, f, own, described, steps, push);
    else mergeNumber(parts, feature, f, own, described, steps, push);
  });

  // the quantile level: equal scalings share an input
  parts.forEach(({ data }, k) => {
    data.inputs.forEach((input, i) => {
      if (input.transform !== "level") return;
      const shared = inputs.findIndex((other) => sameInput(other, input));
      const at = shared < 0 ? push(input) : shared;
      steps[k].push((from, to) => {
        to[at] += from[i];
      });
    });
  });

  const d = inputs.length;
  const encoders = parts.map(
    ({ data }, k): Encoder =>
      (weights) => {
        const out = new Array<number>(d + 1).fill(0);
        out[d] = weights[data.inputs.length];
        for (const step of steps[k]) step(weights, out);
        return out;
      },
  );
  return { inputs, encoders };
}

interface Own {
  i: number;
  input: Input;
}

type Steps = ((from: readonly number[], to: number[]) => void)[][];

/** Categories as inputs of 0 and 1: any function of the category can be written over them, so each model's is, whatever its own scalings. */
function mergeCategory(
  feature: Feature,
  f: number,
  own: Own[][],
  described: Feature[],
  steps: Steps,
  push: (input: Input) => number,
): void {
  const categories = feature.categories as string[];
  const at = categories.map((_, category) => push({ feature: f, transform: "equals", category, center: 0, scale: 1 }));
  const missing =
    feature.missing === "indicator" ? push({ feature: f, transform: "missing", center: 0, scale: 1 }) : -1;
  own.forEach((mine, k) => {
    const { categories: known = [], unknown } = described[k];
    const codes = categories.map((name) => known.indexOf(known.includes(name) ? name : (unknown as string)));
    steps[k].push((from, to) => {
      const sum = (code: number) =>
        mine.reduce((total, { i, input }) => {
          const t = input.transform === "missing" ? (code < 0 ? 1 : 0) : input.category === code ? 1 : 0;
          return total + from[i] * scaled(input, t);
        }, 0);
      // all inputs 0: what a category without any input of its own would give
      const none = mine.reduce((total, { i, input }) => total + from[i] * scaled(input, 0), 0);
      to[to.length - 1] += none;
      codes.forEach((code, c) => {
        to[at[c]] += sum(code) - none;
      });
      if (missing >= 0) to[missing] += sum(-1) - none;
    });
  });
}

/** A number: a pooled z-score where that is exact, else the models' inputs side by side; a missing value as an input of 0 and 1. */
function mergeNumber(
  parts: Part[],
  feature: Feature,
  f: number,
  own: Own[][],
  described: Feature[],
  steps: Steps,
  push: (input: Input) => number,
): void {
  const fill = feature.fill ?? 0;
  const missing =
    feature.missing === "indicator" ? push({ feature: f, transform: "missing", center: 0, scale: 1 }) : -1;
  /** Merged inputs that stand for given ones. */
  const made: { of: Input[]; input: Input; at: number }[] = [];
  const numeric = own.map((mine) => mine.filter(({ input }) => input.transform !== "missing"));
  const kinds = numeric.flat().map(({ input }) => input);
  for (const kind of kinds) {
    if (made.some(({ of }) => of.some((input) => sameInput(input, kind)))) continue;
    const alike = kinds.filter((input) => input.transform === kind.transform && input.divisor === kind.divisor);
    const distinct = alike.filter((input, j) => alike.findIndex((other) => sameInput(other, input)) === j);
    const pooled = distinct.length > 1 ? pool(parts, feature, numeric, distinct) : undefined;
    if (pooled) made.push({ of: distinct, input: pooled, at: push(pooled) });
    else for (const input of distinct) made.push({ of: [input], input, at: push(input) });
  }
  own.forEach((mine, k) => {
    const ownFill = described[k].fill ?? 0;
    const moves = mine.map(({ i, input }) => {
      if (input.transform === "missing") return { i, missing: input };
      const to = made.find(({ of }) => of.some((one) => sameInput(one, input))) as (typeof made)[number];
      const factor = input.scale / to.input.scale;
      const pooled = to.of.length > 1;
      return {
        i,
        at: to.at,
        factor: pooled ? factor : 1,
        shift: pooled ? (to.input.center - input.center) * input.scale : 0,
        // what a missing value adds beyond what the merged fill adds
        lacking: scaled(input, transformed(input, ownFill)) - scaled(input, transformed(input, fill)),
      };
    });
    steps[k].push((from, to) => {
      const bias = to.length - 1;
      for (const move of moves) {
        const w = from[move.i];
        if (move.missing) {
          const none = w * scaled(move.missing, 0);
          to[bias] += none;
          to[missing] += w * scaled(move.missing, 1) - none;
          continue;
        }
        to[move.at] += w * move.factor;
        to[bias] += w * move.shift;
        if (missing >= 0) to[missing] += w * move.lacking;
      }
    });
  });
}

/** One z-score in the place of several of the same transform, where none of them clips within the merged range; undefined where one does. */
function pool(parts: Part[], feature: Feature, numeric: Own[][], distinct: Input[]): Input | undefined {
  const { range, fill } = feature;
  if (!range) return undefined;
  let total = 0;
  let center = 0;
  const users = distinct.map((input) => {
    const weight = parts.reduce(
      (sum, { share }, k) => sum + (numeric[k].some((mine) => sameInput(mine.input, input)) ? share : 0),
      0,
    );
    total += weight;
    center += weight * input.center;
    return weight;
  });
  center /= total;
  let variance = 0;
  distinct.forEach((input, j) => {
    const off = input.center - center;
    variance += (users[j] / total) * (1 / (input.scale * input.scale) + off * off);
  });
  const pooled = { ...distinct[0], center: Math.fround(center), scale: Math.fround(1 / Math.sqrt(variance)) };
  if (!(pooled.scale > 0 && pooled.scale < Number.POSITIVE_INFINITY)) return undefined;
  const values = [...range, ...(fill === undefined ? [] : [fill])].map((v) => transformed(pooled, v));
  const clips = [pooled, ...distinct].some(
    (input) => !values.every((t) => Math.abs((t - input.center) * input.scale) < 50),
  );
  return clips ? undefined : pooled;
}

/** The link of all; the bound of an exponential is the highest of them, as the highest target is. */
function mergeLinks(parts: Part[], warnings: string[]): ModelData["link"] {
  const links = parts.map(({ data }) => data.link);
  const [first] = links;
  if (first.name !== "exp") return first;
  const bounds = links.map((link) => (link as typeof first).maximum);
  const maximum = Math.max(...bounds);
  if (bounds.some((bound) => bound !== maximum))
    warnings.push("merged models held their predictions below different bounds: the highest is used");
  return { name: "exp", maximum };
}

/** The level fed in for a requested one: the average of the models', at every level that one of them names. */
function mergeCalibrations(parts: Part[]): [number, number][] | undefined {
  const lists = parts.map(({ data }) => data.calibration);
  if (lists.every((points) => points === undefined)) return undefined;
  const levels = [...new Set(lists.flatMap((points) => points?.map(([level]) => level) ?? []))].sort((a, b) => a - b);
  const fed = (points: [number, number][] | undefined, level: number) => {
    let [x0, y0] = [0, 0];
    for (const [x1, y1] of [...(points ?? []), [1, 1]]) {
      if (level === x1) return y1;
      if (level < x1) return y0 + ((level - x0) / (x1 - x0)) * (y1 - y0);
      [x0, y0] = [x1, y1];
    }
    return level;
  };
  let least = 0;
  return levels.map((level) => {
    const own = lists.map((points) => fed(points, level));
    const average = own.every((v) => v === own[0]) ? own[0] : own.reduce((sum, v, k) => sum + parts[k].share * v, 0);
    least = Math.max(least, average);
    return [level, least];
  });
}

const MOST_RESIDUALS = 1001;

/** Residuals of all held-out rows together: evenly spaced quantiles of the mixture of the models' own. None where a model has none. */
function mergeResiduals(all: ModelData[]): number[] | undefined {
  if (all.some(({ residuals }) => residuals === undefined)) return undefined;
  const rows = all.map(({ residuals = [], training }) =>
    Math.max(residuals.length, training.heldOut?.model.rows ?? residuals.length),
  );
  const total = rows.reduce((sum, n) => sum + n, 0);
  const points = all.flatMap(({ residuals = [] }, k) =>
    residuals.map((value) => ({ value, weight: rows[k] / residuals.length })),
  );
  points.sort((a, b) => a.value - b.value);
  const keep = Math.min(total, MOST_RESIDUALS);
  const out: number[] = [];
  let at = 0;
  let below = 0;
  for (let k = 0; k < keep; k++) {
    // the row of this rank: the first and the last residual always stay
    const rank = keep === 1 ? 0 : (k * (total - 1)) / (keep - 1);
    while (at < points.length - 1 && below + points[at].weight <= rank + 1e-9) below += points[at++].weight;
    out.push(points[k === keep - 1 ? points.length - 1 : at].value);
  }
  return out;
}

/** What is known of the training: sums and averages, and every model's own report, so that nothing is lost. */
function mergeTraining(all: ModelData[], shares: number[], warnings: string[]): TrainingReport {
  const [{ training: first }] = all;
  const sum = (name: "rows" | "members") => all.reduce((total, { training }) => total + (training[name] ?? 0), 0);
  const average = (name: "steps" | "batch" | "learningRate" | "blend") => {
    const values = all.map(({ training }) => training[name] ?? 0);
    return values.every((v) => v === values[0]) ? values[0] : values.reduce((total, v, k) => total + shares[k] * v, 0);
  };
  const parts = all.flatMap(({ training }): TrainingReport[] => training.parts ?? [training]);
  return {
    seed: first.seed ?? 0,
    rows: sum("rows"),
    isotone: VERSION,
    members: sum("members"),
    steps: average("steps"),
    batch: average("batch"),
    learningRate: average("learningRate"),
    curve: [],
    blend: average("blend"),
    warnings: [...new Set([...all.flatMap(({ training }) => training.warnings), ...warnings])],
    merged: parts.length,
    parts,
  };
}
