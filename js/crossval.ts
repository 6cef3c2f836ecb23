// Cross-validation: how good models of these rows and options are on rows they were not trained on, beside the mean, beside a sign-constrained
// linear fit, and beside the same fit without constraints. In: rows and options as for fit; out: scores and plain sentences.
// Every choice (scaling, stopping, ridge strength) is made on the training part of a fold.

import { abortError, numberError, onlyOptions, rangeError, typeError } from "./errors.js";
import { inWords } from "./findings.js";
import { fit } from "./fit.js";
import { average, type CvScores, criterionOf, quantileOf, score } from "./foldscores.js";
import { linearFit } from "./linear.js";
import { meanOf, middleOf } from "./metrics.js";
import type { Model } from "./model.js";
import { shuffled } from "./random.js";
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

/** One fold; scores are NaN where every left-out row has the weight 0. */
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

/** What is compared: the model, the linear fit, the mean, and the model without constraints. */
type Contender = "model" | "linear" | "mean" | "free";

/** Something of each contender; of `free` only where it takes part. */
type ByContender<T> = Record<Contender, T>;

/** Predictions of one contender: [levels][rows], one level but for quantile models. */
type Predictions = ArrayLike<number>[];

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
  const { n } = table;
  if (n < 4) throw new RangeError(`"rows" expected at least 4 rows to cross-validate, got ${n}`);
  const folds = wanted ?? Math.min(5, n);
  if (folds > n) throw rangeError("folds", `at most the number of rows (${n})`, folds);
  const { features, loss } = schema;
  // all rows now: a fold has other numbers for them
  encodeRows(rows, features);
  const levels = loss.levels ?? [0.5];
  const constrained = features.filter((feature) => feature.constraint !== "free");
  const both = compare && constrained.length > 0;
  const names: Contender[] = both ? ["model", "linear", "mean", "free"] : ["model", "linear", "mean"];
  const each = <T>(of: (name: Contender) => T) =>
    Object.fromEntries(names.map((name) => [name, of(name)])) as unknown as ByContender<T>;
  const train = trainer(schema, fitOptions, folds * repeats * (both ? 2 : 1));

  const perFold: FoldScores[] = [];
  const perSplit: ByContender<CvScores>[] = [];
  const intervals = coverage.map((share) => ({ coverage: share, held: 0, width: 0, weight: 0 }));
  const against = constrained.map(() => ({ rows: 0, wrong: 0, slope: 0 }));
  let predictions: Float64Array = new Float64Array(0);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const foldOf = split(n, folds, schema.seed, repeat);
    const all = each(() => levels.map(() => new Float64Array(n)));
    for (let fold = 0; fold < folds; fold++) {
      const own = partOf(table, schema, y, weight, (r) => foldOf[r] !== fold);
      const others = partOf(table, schema, y, weight, (r) => foldOf[r] === fold);
      const parts = `without fold ${fold + 1} of ${folds}: `;
      const model = await train(own.columns, false, parts);
      const free = both ? await train(own.columns, true, parts) : undefined;
      const predicted = predictPart(model, free, own, others, schema);
      each((name) =>
        all[name].forEach((values, k) => {
          others.rows.forEach((r, i) => {
            values[r] = predicted[name][k][i];
          });
        }),
      );
      const scores = each((name) => score(predicted[name], others.y, others.weight, loss));
      perFold.push({ repeat, fold, ...scores });
      addIntervals(model, others, intervals, schema);
      if (free) addSlopes(free.sensitivityMany(others.columns), constrained, schema, against);
    }
    perSplit.push(each((name) => score(all[name], y, weight, loss)));
    if (repeat === 0) predictions = all.model[middleOf(levels)];
  }

  const { free, ...scores } = each((name) => average(perSplit.map((one) => one[name])));
  const result: CrossValidation = {
    rows: n,
    folds,
    repeats,
    criterion: criterionOf(loss),
    ...scores,
    coverage: intervals
      .filter((sums) => sums.weight > 0)
      .map(({ coverage, held, width, weight: w }) => ({ coverage, held: held / w, width: width / w })),
    directions: both ? directionsOf(constrained, against) : [],
    statements: [],
    perFold,
    predictions,
  };
  if (free) result.free = free;
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
  if (!Number.isInteger(repeats) || repeats < 1) throw numberError("repeats", "a whole number from 1", repeats);
  if (typeof compare !== "boolean") throw typeError("free", "true or false", compare);
  if (!Array.isArray(coverage)) throw typeError("coverage", "an array of numbers between 0 and 1", coverage);
  for (const share of coverage) {
    if (!(typeof share === "number" && share > 0 && share < 1))
      throw numberError("coverage", "numbers between 0 and 1", share);
  }
  return { wanted, repeats, coverage, compare, fitOptions };
}

/** Fits the rows of a fold, as the options say or with every feature free. Progress counts on through all of the `fits`. */
function trainer(schema: Schema, options: FitOptions, fits: number) {
  let done = 0;
  return async (rows: Columns, free: boolean, lead: string): Promise<Model> => {
    if (schema.signal?.aborted) throw abortError();
    const before = done++;
    const { onProgress } = schema;
    const model = fit(rows, {
      ...options,
      features: featureOptions(schema.features, free),
      ...(onProgress && {
        onProgress: (p) => onProgress({ ...p, epoch: p.epoch + before * p.epochs, epochs: p.epochs * fits }),
      }),
    });
    return model.catch((error) => {
      // rows that are fine together may not do in part: all of one target
      if (error instanceof RangeError) error.message = lead + error.message;
      throw error;
    });
  };
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
  const foldOf = new Uint32Array(n);
  shuffled(n, below).forEach((r, i) => {
    foldOf[r] = i % folds;
  });
  return foldOf;
}

/** Rows of a fold: those that train, or those left out. */
interface Part {
  /** Their numbers in the table. */
  rows: number[];
  columns: Columns;
  /** [rows], as the weights. */
  y: Float64Array;
  weight: Float64Array | undefined;
}

/** The rows of the table that `takes` part. */
function partOf(
  table: Table,
  schema: Schema,
  y: Floats,
  weight: Floats | undefined,
  takes: (r: number) => boolean,
): Part {
  const rows: number[] = [];
  for (let r = 0; r < table.n; r++) if (takes(r)) rows.push(r);
  const pick = (values: Floats) => Float64Array.from(rows, (r) => values[r]);
  const names = [...schema.names, schema.target, ...(schema.weight === undefined ? [] : [schema.weight])];
  const columns = names.map((name) => {
    const column = table.column(name);
    const numbers = column instanceof Float64Array || column instanceof Float32Array;
    return [name, numbers ? pick(column) : rows.map((r) => column[r])];
  });
  return { rows, columns: Object.fromEntries(columns), y: pick(y), weight: weight && pick(weight) };
}

/** What every contender predicts for `others`, from the rows `own`: [levels][others]. */
function predictPart(
  model: Model,
  free: Model | undefined,
  own: Part,
  others: Part,
  schema: Schema,
): ByContender<Predictions> {
  const { levels } = schema.loss;
  const rows = levels && rowsOf(others.columns, schema);
  const ask = (one: Model): Predictions =>
    rows ? levels.map((level) => rows.map((row) => one.quantile(row, level))) : [one.predictMany(others.columns)];
  return { model: ask(model), ...predictBaselines(model, own, others, schema), free: free ? ask(free) : [] };
}

/** What a sign-constrained linear fit of the rows `own` predicts for `others`, and what their mean (or quantiles) does. */
function predictBaselines(
  model: Model,
  own: Part,
  others: Part,
  { features: specs, loss: { levels } }: Schema,
): { linear: Predictions; mean: Predictions } {
  const { inputs, features } = model.toJSON();
  const { y, weight } = own;
  const rows = encodeRows(own.columns, specs);
  const line = linearFit(rows, inputs, features, y, weight);
  const predicted = line(encodeRows(others.columns, specs));
  const constant = (value: number) => new Float64Array(predicted.length).fill(value);
  if (!levels) return { linear: [predicted], mean: [constant(meanOf(y, weight))] };
  const fitted = line(rows);
  const residuals = y.map((value, i) => value - fitted[i]);
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

/** Adds the intervals of the left-out rows; none of a coverage that the model has none for. */
function addIntervals(model: Model, { columns, y, weight }: Part, intervals: Held[], schema: Schema): void {
  const rows = rowsOf(columns, schema);
  for (const sums of intervals) {
    const { coverage } = sums;
    let ends: [number, number][];
    try {
      ends = rows.map((row) =>
        schema.loss.levels
          ? [model.quantile(row, (1 - coverage) / 2), model.quantile(row, (1 + coverage) / 2)]
          : model.predictInterval(row, coverage),
      );
    } catch (error) {
      // too few rows for this coverage, no rows left out, or probabilities: no interval to check
      if (error instanceof RangeError) continue;
      throw error;
    }
    ends.forEach(([low, high], i) => {
      const w = weight ? weight[i] : 1;
      sums.weight += w;
      if (low <= y[i] && y[i] <= high) sums.held += w;
      sums.width += w * (high - low);
    });
  }
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

/** Constrained features, the most contradicted first. */
function directionsOf(constrained: readonly FeatureSpec[], against: Against[]): Direction[] {
  return constrained
    .map(({ name, constraint }, c) => {
      const { rows, wrong, slope } = against[c];
      return {
        feature: name,
        constraint: constraint as "increasing" | "decreasing",
        against: wrong / rows,
        slope: slope / rows,
      };
    })
    .sort((a, b) => b.against - a.against);
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
