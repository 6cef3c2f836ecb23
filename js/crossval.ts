// Cross-validation: how good models of these rows and options are on rows they were not trained on, beside the mean, beside a sign-constrained
// linear fit, and beside the same fit without constraints. In: rows and options as for fit; out: scores and plain sentences.
// Every choice (scaling, stopping, ridge strength) is made on the training part of a fold.

import { abortError, numberError, onlyOptions, rangeError, typeError } from "./errors.js";
import { inWords } from "./findings.js";
import { fit } from "./fit.js";
import { linearFit } from "./linear.js";
import { scoresOf } from "./metrics.js";
import type { Model } from "./model.js";
import { type Columns, encodeRows, type Rows } from "./rows.js";
import {
  checkOptions,
  type FeatureOption,
  type FeatureSpec,
  type FitOptions,
  OPTIONS,
  readOptions,
  readTarget,
  readWeights,
  type Schema,
} from "./schema.js";
import { type Floats, readTable, type Table } from "./table.js";
import type { Scores } from "./types.js";

/** Options of `crossValidate`: those of `fit`, and how to split. */
export interface CrossValidateOptions extends FitOptions {
  /** Parts the rows are split into, 2 to the number of rows; each is predicted by a model of the others. Default 5, or fewer where there are fewer rows. */
  folds?: number;
  /** How many times to split anew. Default 1. */
  repeats?: number;
  /** Coverages of the intervals to check. Default [0.8, 0.9]. */
  coverage?: readonly number[];
  /** Also fit with every feature free, to see what the constraints cost. Default true; doubles the time. */
  free?: boolean;
}

/** Scores on rows not trained on. */
export interface CvScores extends Scores {
  /** Mean pinball loss over the levels; quantile models. */
  pinball?: number;
  /** Mean of -log of the probability given to what happened, in nats; logistic models. */
  logLoss?: number;
  /** Share of rows where the likelier outcome happened; logistic models. */
  accuracy?: number;
}

/** One fold. */
export interface FoldScores {
  repeat: number;
  fold: number;
  model: CvScores;
  linear: CvScores;
  mean: CvScores;
  free?: CvScores;
}

/** What a free fit says about a constraint. */
export interface Direction {
  feature: string;
  constraint: "increasing" | "decreasing";
  /** Share of left-out rows where the free fit moves against the constraint. */
  against: number;
  /** Mean partial derivative of the free fit. */
  slope: number;
}

/** What `crossValidate` found. */
export interface CrossValidation {
  rows: number;
  folds: number;
  repeats: number;
  /** The score that the sentences go by: the one the loss is about. */
  criterion: "rmse" | "mae" | "pinball" | "logLoss";
  /** Scores over all left-out rows of a split, averaged over splits. */
  model: CvScores;
  linear: CvScores;
  mean: CvScores;
  free?: CvScores;
  /** How often the intervals held, and how wide they were on average. */
  coverage: { coverage: number; held: number; width: number }[];
  /** Constrained features, the most contradicted first; only with `free`. */
  directions: Direction[];
  /** The findings in plain words. */
  statements: string[];
  perFold: FoldScores[];
  /** Out-of-fold prediction of every row, from the first split. */
  predictions: Float64Array;
}

/** Out-of-fold predictions of one contender: [levels][rows], one level but for quantile models. */
type Predictions = Float64Array[];

/**
 * Scores of `fit` on left-out rows, k folds, seeded by `options.seed`.
 *
 * @param rows objects or columns, n rows
 * @param options those of `fit`, and `folds`, `repeats`, `coverage`, `free`
 * @throws TypeError, RangeError as `fit` does; AbortError when `signal` aborts
 * @example
 * const { model, linear, statements } = await crossValidate(rows, { target: "minutes", folds: 5 });
 * console.log(model.rmse, linear.rmse, statements.join("\n"));
 */
export async function crossValidate(rows: Rows, options: CrossValidateOptions): Promise<CrossValidation> {
  const { wanted, repeats, coverage, compare, fitOptions } = readSplits(options);
  const table = readTable(rows);
  const schema = readOptions(table, fitOptions);
  const y = readTarget(table, schema);
  const weight = readWeights(table, schema);
  const n = table.n;
  if (n < 4) throw new RangeError(`"rows" expected at least 4 rows to cross-validate, got ${n}`);
  const folds = wanted ?? Math.min(5, n);
  if (folds > n) throw rangeError("folds", `at most the number of rows (${n})`, folds);
  const constrained = schema.features.filter((feature) => feature.constraint !== "free");
  const both = compare && constrained.length > 0;
  const levels = schema.loss.name === "quantiles" ? (schema.loss.levels as number[]) : [0.5];
  const contenders = both ? (["model", "linear", "mean", "free"] as const) : (["model", "linear", "mean"] as const);

  const perFold: FoldScores[] = [];
  const bySplit: Record<string, CvScores[]> = {};
  const intervals = coverage.map((share) => ({ coverage: share, held: 0, width: 0, weight: 0 }));
  const against = constrained.map(() => ({ rows: 0, wrong: 0, slope: 0 }));
  let first: Float64Array = new Float64Array(0);
  let done = 0;
  const fits = folds * repeats * (both ? 2 : 1);

  for (let repeat = 0; repeat < repeats; repeat++) {
    const foldOf = split(n, folds, schema.seed, repeat);
    const all: Record<string, Predictions> = Object.fromEntries(
      contenders.map((name) => [name, levels.map(() => new Float64Array(n))]),
    );
    for (let fold = 0; fold < folds; fold++) {
      const training: number[] = [];
      const test: number[] = [];
      for (let r = 0; r < n; r++) (foldOf[r] === fold ? test : training).push(r);
      const own = subset(table, schema, training);
      const others = subset(table, schema, test);
      const run = async (everythingFree: boolean): Promise<Model> => {
        if (schema.signal?.aborted) throw abortError();
        const before = done++;
        return fit(own, {
          ...fitOptions,
          features: featureOptions(schema.features, everythingFree),
          ...(schema.onProgress && {
            onProgress: (p) =>
              schema.onProgress?.({ ...p, epoch: p.epoch + before * p.epochs, epochs: p.epochs * fits }),
          }),
        });
      };
      const model = await run(false);
      const place = (name: string, predicted: ArrayLike<number>[]) => {
        predicted.forEach((values, k) => {
          for (let i = 0; i < test.length; i++) all[name][k][test[i]] = values[i];
        });
      };
      const asRows = rowsOf(others, schema);
      const ask = (m: Model): ArrayLike<number>[] =>
        schema.loss.name === "quantiles"
          ? levels.map((level) => asRows.map((row) => m.quantile(row, level)))
          : [m.predictMany(others)];
      place("model", ask(model));

      const trainingWeight = weight && Float64Array.from(training, (r) => weight[r]);
      const trainingY = Float64Array.from(training, (r) => y[r]);
      const baselines = predictBaselines(model, own, others, trainingY, trainingWeight, schema);
      place("linear", baselines.linear);
      place("mean", baselines.mean);

      if (both) {
        const unbound = await run(true);
        place("free", ask(unbound));
        addSlopes(unbound.sensitivityMany(others), constrained, schema, against);
      }

      const testY = Float64Array.from(test, (r) => y[r]);
      const testWeight = weight && Float64Array.from(test, (r) => weight[r]);
      for (const sums of intervals)
        addIntervals(model, asRows, testY, testWeight, sums, schema.loss.name === "quantiles");

      const scores = (name: string) =>
        score(
          all[name].map((values) => Float64Array.from(test, (r) => values[r])),
          testY,
          testWeight,
          schema,
        );
      const entry: FoldScores = {
        repeat,
        fold,
        model: scores("model"),
        linear: scores("linear"),
        mean: scores("mean"),
      };
      if (both) entry.free = scores("free");
      perFold.push(entry);
    }
    for (const name of contenders) {
      bySplit[name] ??= [];
      bySplit[name].push(score(all[name], y, weight, schema));
    }
    if (repeat === 0) first = all.model[levels.indexOf(nearestMedian(levels))];
  }

  const result: CrossValidation = {
    rows: n,
    folds,
    repeats,
    criterion: criterionOf(schema),
    model: average(bySplit.model),
    linear: average(bySplit.linear),
    mean: average(bySplit.mean),
    coverage: intervals
      .filter((interval) => interval.weight > 0)
      .map(({ coverage: share, held, width, weight: w }) => ({ coverage: share, held: held / w, width: width / w })),
    directions: both
      ? constrained
          .map((feature, c) => ({
            feature: feature.name,
            constraint: feature.constraint as "increasing" | "decreasing",
            against: against[c].wrong / against[c].rows,
            slope: against[c].slope / against[c].rows,
          }))
          .sort((a, b) => b.against - a.against)
      : [],
    statements: [],
    perFold,
    predictions: first,
  };
  if (both) result.free = average(bySplit.free);
  result.statements = inWords(result);
  return result;
}

/** How to split, checked, and what is left for fit. */
function readSplits(options: CrossValidateOptions) {
  checkOptions(options);
  onlyOptions(options, `${OPTIONS} folds repeats coverage free`, "crossValidate");
  const { folds: wanted, repeats = 1, coverage = [0.8, 0.9], free: compare = true, ...fitOptions } = options;
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted > 1))
    throw numberError("folds", "a whole number from 2", wanted);
  if (!Number.isInteger(repeats) || repeats < 1) throw rangeError("repeats", "a whole number from 1", repeats);
  if (typeof compare !== "boolean") throw typeError("free", "true or false", compare);
  if (!Array.isArray(coverage)) throw typeError("coverage", "an array of numbers between 0 and 1", coverage);
  for (const share of coverage) {
    if (!(share > 0 && share < 1)) throw rangeError("coverage", "numbers between 0 and 1", share);
  }
  return { wanted, repeats, coverage, compare, fitOptions };
}

/** A fold for every row, all as large as each other to one row; xorshift on 32-bit integers, so the same everywhere. */
function split(n: number, folds: number, seed: number, repeat: number): Uint32Array {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(repeat + 1, 0x85ebca77)) >>> 0 || 1;
  const below = (limit: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  for (let warm = 0; warm < 16; warm++) below(2);
  const order = Uint32Array.from({ length: n }, (_, r) => r);
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1);
    const kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
  const foldOf = new Uint32Array(n);
  order.forEach((r, i) => {
    foldOf[r] = i % folds;
  });
  return foldOf;
}

/** What a sign-constrained linear fit of the training rows `own` predicts for `others`, and what their mean (or quantiles) does, [levels][others]. */
function predictBaselines(
  model: Model,
  own: Columns,
  others: Columns,
  y: Float64Array,
  weight: Float64Array | undefined,
  schema: Schema,
): { linear: Predictions; mean: Predictions } {
  const { inputs, features } = model.toJSON();
  const rows = encodeRows(own, schema.features);
  const line = linearFit(rows, inputs, features, y, weight);
  const predicted = line(encodeRows(others, schema.features));
  const constant = (value: number) => new Float64Array(predicted.length).fill(value);
  if (schema.loss.name !== "quantiles") return { linear: [predicted], mean: [constant(meanOf(y, weight))] };
  const fitted = line(rows);
  const residuals = y.map((value, i) => value - fitted[i]);
  const levels = schema.loss.levels as number[];
  return {
    linear: levels.map((level) => {
      const shift = quantileOf(residuals, weight, level);
      return predicted.map((value) => value + shift);
    }),
    mean: levels.map((level) => constant(quantileOf(y, weight, level))),
  };
}

/** How often intervals of one coverage held, and how wide they were: sums over rows by their weight. */
interface Held {
  coverage: number;
  held: number;
  width: number;
  weight: number;
}

/** Adds the intervals of the left-out `rows`, whose targets are `y`; nothing where the model has none. */
function addIntervals(
  model: Model,
  rows: Record<string, unknown>[],
  y: Float64Array,
  weight: Float64Array | undefined,
  sums: Held,
  quantiles: boolean,
): void {
  const { coverage } = sums;
  let ends: [number, number][];
  try {
    ends = rows.map((row) =>
      quantiles
        ? [model.quantile(row, (1 - coverage) / 2), model.quantile(row, (1 + coverage) / 2)]
        : model.predictInterval(row, coverage),
    );
  } catch (error) {
    // too few rows for this coverage, no rows left out, or probabilities: no interval to check
    if (error instanceof RangeError) return;
    throw error;
  }
  ends.forEach(([low, high], i) => {
    const w = weight ? weight[i] : 1;
    sums.weight += w;
    if (low <= y[i] && y[i] <= high) sums.held += w;
    sums.width += w * (high - low);
  });
}

/** What a free fit says of the constraints: sums over rows. */
interface Against {
  rows: number;
  wrong: number;
  slope: number;
}

/** Adds the derivatives of a free fit, [rows][features]. */
function addSlopes(
  slopes: Float32Array,
  constrained: readonly FeatureSpec[],
  schema: Schema,
  against: Against[],
): void {
  const width = schema.features.length;
  constrained.forEach((feature, c) => {
    const sign = feature.constraint === "increasing" ? 1 : -1;
    for (let at = schema.features.indexOf(feature); at < slopes.length; at += width) {
      if (slopes[at] * sign < 0) against[c].wrong++;
      against[c].slope += slopes[at];
      against[c].rows++;
    }
  });
}

/** The score that the loss is about. */
const criterionOf = ({ loss: { name } }: Schema): CrossValidation["criterion"] =>
  name === "quantiles" ? "pinball" : name === "logistic" ? "logLoss" : name === "absolute" ? "mae" : "rmse";

/** The named columns of some rows. */
function subset(table: Table, schema: Schema, rows: readonly number[]): Columns {
  const names = [...schema.names, schema.target, ...(schema.weight === undefined ? [] : [schema.weight])];
  return Object.fromEntries(
    names.map((name) => {
      const column = table.column(name);
      const picked =
        column instanceof Float64Array || column instanceof Float32Array
          ? Float64Array.from(rows, (r) => column[r])
          : rows.map((r) => column[r]);
      return [name, picked];
    }),
  );
}

function rowsOf(columns: Columns, schema: Schema): Record<string, unknown>[] {
  const n = columns[schema.target].length;
  return Array.from({ length: n }, (_, r) => Object.fromEntries(schema.names.map((name) => [name, columns[name][r]])));
}

/** Features as options again: categories as found in all rows, so that every fold knows them. */
function featureOptions(features: readonly FeatureSpec[], free: boolean): NonNullable<FitOptions["features"]> {
  return new Map(
    features.map((feature): [string, FeatureOption] => {
      const { name, kind, constraint, categories, unknown, missing, transform } = feature;
      if (kind === "category") {
        return [name, { categories: categories ?? [], missing, ...(unknown !== undefined && { unknown }) }];
      }
      return [name, { constraint: free ? "free" : constraint, missing, transform }];
    }),
  );
}

function score(predicted: Predictions, y: Floats, weight: Floats | undefined, schema: Schema): CvScores {
  const levels = schema.loss.levels ?? [0.5];
  const middle = predicted[schema.loss.name === "quantiles" ? levels.indexOf(nearestMedian(levels)) : 0];
  const scores: CvScores = scoresOf(middle, y, weight);
  const mean = (of: (r: number) => number) => {
    let sum = 0;
    let total = 0;
    for (let r = 0; r < y.length; r++) {
      const w = weight ? weight[r] : 1;
      total += w;
      if (w > 0) sum += w * of(r);
    }
    return sum / total;
  };
  if (schema.loss.name === "quantiles") {
    const pinball = levels.map((level, k) =>
      mean((r) => {
        const e = y[r] - predicted[k][r];
        return e >= 0 ? level * e : (level - 1) * e;
      }),
    );
    scores.pinball = pinball.reduce((a, b) => a + b, 0) / levels.length;
  }
  if (schema.loss.name === "logistic") {
    scores.logLoss = mean((r) => {
      const p = Math.min(1 - 1e-7, Math.max(1e-7, middle[r]));
      return -(y[r] * Math.log(p) + (1 - y[r]) * Math.log(1 - p));
    });
    scores.accuracy = mean((r) => (middle[r] >= 0.5 ? y[r] : 1 - y[r]));
  }
  return scores;
}

function average(scores: readonly CvScores[]): CvScores {
  const names = Object.keys(scores[0]) as (keyof CvScores)[];
  return Object.fromEntries(
    names.map((name) => [name, scores.reduce((sum, s) => sum + (s[name] as number), 0) / scores.length]),
  ) as unknown as CvScores;
}

function nearestMedian(levels: readonly number[]): number {
  return levels.reduce((best, level) => (Math.abs(level - 0.5) < Math.abs(best - 0.5) ? level : best));
}

function meanOf(values: Float64Array, weight: Float64Array | undefined): number {
  let sum = 0;
  let total = 0;
  values.forEach((value, i) => {
    const w = weight ? weight[i] : 1;
    sum += w * value;
    total += w;
  });
  return sum / total;
}

/** The least value with at least a share `level` of the weight at or below it. */
function quantileOf(values: Float64Array, weight: Float64Array | undefined, level: number): number {
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const total = weight ? weight.reduce((a, b) => a + b, 0) : values.length;
  let sum = 0;
  for (const i of order) {
    sum += weight ? weight[i] : 1;
    if (sum >= level * total) return values[i];
  }
  return values[order[order.length - 1]];
}
