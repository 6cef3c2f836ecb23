// Features and inputs of a merged model. In: models of the same features; out: those features with the ranges and categories of all, the inputs of the
// merged model, and how each model's planes are written over them. In float64, so that a sign is kept whatever a scaling does.

import { ModelFormatError, quote } from "./errors.js";
import { CLIP } from "./format.js";
import { logf } from "./math.js";
import type { Feature, Input, ModelData } from "./types.js";

/** What merging needs to know of one model. */
export interface Part {
  data: ModelData;
  /** Share in the average; all add up to 1. */
  share: number;
  /** Index in this model of each of the first model's features. */
  place: number[];
}

const MEND = "scan the shards first and fit each with the same scaling (isotone scan, isotone fit --scaling)";

/** Feature f of all models: ranges and categories of all of them. */
export function mergeFeature(parts: Part[], f: number, warnings: string[]): Feature {
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
  return Math.min(CLIP, Math.max(-CLIP, Math.fround(Math.fround(t - input.center) * input.scale)));
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
export function mergeInputs(parts: Part[], features: Feature[]): { inputs: Input[]; encoders: Encoder[] } {
  const inputs: Input[] = [];
  const steps: Merging["steps"] = parts.map(() => []);
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
    } else {
      const merging = { feature, f, own, described, steps, push };
      if (feature.kind === "category") mergeCategory(merging);
      else mergeNumber(merging, parts);
    }
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

/** A feature whose inputs differ. */
interface Merging {
  feature: Feature;
  /** Its index. */
  f: number;
  /** By model: its inputs of the feature, and the feature as it knows it. */
  own: Own[][];
  described: Feature[];
  /** By model: what adds the weights of each feature to a plane. */
  steps: ((from: readonly number[], to: number[]) => void)[][];
  push(input: Input): number;
}

/** The merged input of a missing value; -1: none. */
const missingOf = ({ feature, f, push }: Merging): number =>
  feature.missing === "indicator" ? push({ feature: f, transform: "missing", center: 0, scale: 1 }) : -1;

/** Categories as inputs of 0 and 1: any function of the category can be written over them, so each model's is, whatever its own scalings. */
function mergeCategory(merging: Merging): void {
  const { feature, f, own, described, steps, push } = merging;
  const categories = feature.categories as string[];
  const at = categories.map((_, category) => push({ feature: f, transform: "equals", category, center: 0, scale: 1 }));
  const missing = missingOf(merging);
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
function mergeNumber(merging: Merging, parts: Part[]): void {
  const { feature, own, described, steps, push } = merging;
  const fill = feature.fill ?? 0;
  const missing = missingOf(merging);
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
    (input) => !values.every((t) => Math.abs((t - input.center) * input.scale) < CLIP),
  );
  return clips ? undefined : pooled;
}
