// Cross-validation: how good models of these rows and options are on rows they were not trained on, beside the mean, beside a sign-constrained
// linear fit, and beside the same fit without constraints. In: rows and options as for fit; out: scores and plain sentences.
// Every choice (scaling, stopping, ridge strength) is made on the training part of a fold.

import { abortError, rangeError, typeError } from "./errors.js";
import { fit } from "./fit.js";
import { linearFit } from "./linear.js";
import { scoresOf } from "./metrics.js";
import type { Model } from "./model.js";
import type { Columns, Rows } from "./rows.js";
import {
  type FeatureOption,
  type FeatureSpec,
  type FitOptions,
  readOptions,
  readTarget,
  readWeights,
  type Schema,
} from "./schema.js";
import { encodeTable, type Floats, readTable, type Table } from "./table.js";
import type { Scores } from "./types.js";

/** Options of `crossValidate`: those of `fit`, and how to split. */
export interface CrossValidateOptions extends FitOptions {
  /** Parts the rows are split into; each is predicted by a model of the others. Default 5, at most the number of rows. */
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
  if (typeof options !== "object" || options === null) throw typeError("options", "an object with a target", options);
  const { folds: wanted = 5, repeats = 1, coverage = [0.8, 0.9], free: compare = true, ...fitOptions } = options;
  if (!Number.isInteger(wanted) || wanted < 2) throw rangeError("folds", "a whole number from 2", wanted);
  if (!Number.isInteger(repeats) || repeats < 1) throw rangeError("repeats", "a whole number from 1", repeats);
  if (typeof compare !== "boolean") throw typeError("free", "true or false", compare);
  if (!Array.isArray(coverage)) throw typeError("coverage", "an array of numbers between 0 and 1", coverage);
  for (const share of coverage) {
    if (!(share > 0 && share < 1)) throw rangeError("coverage", "numbers between 0 and 1", share);
  }
  const table = readTable(rows);
  const schema = readOptions(table, fitOptions);
  const y = readTarget(table, schema);
  const weight = readWeights(table, schema);
  const n = table.n;
  if (n < 4) throw new RangeError(`"rows" expected at least 4 rows to cross-validate, got ${n}`);
  const folds = Math.min(wanted, n);
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

      const trainingY = Float64Array.from(training, (r) => y[r]);
      const trainingWeight = weight && Float64Array.from(training, (r) => weight[r]);
      const { inputs, features } = model.toJSON();
      const line = linearFit(encode(own, schema), inputs, features, trainingY, trainingWeight);
      const fitted = line(encode(own, schema));
      const predicted = line(encode(others, schema));
      if (schema.loss.name === "quantiles") {
        const residuals = trainingY.map((value, i) => value - fitted[i]);
        place(
          "linear",
          levels.map((level) => predicted.map((value) => value + quantileOf(residuals, trainingWeight, level))),
        );
        place(
          "mean",
          levels.map((level) => new Float64Array(test.length).fill(quantileOf(trainingY, trainingWeight, level))),
        );
      } else {
        place("linear", [predicted]);
        place("mean", [new Float64Array(test.length).fill(meanOf(trainingY, trainingWeight))]);
      }

      if (both) {
        const unbound = await run(true);
        place("free", ask(unbound));
        const slopes = unbound.sensitivityMany(others);
        constrained.forEach((feature, c) => {
          const f = schema.features.indexOf(feature);
          const sign = feature.constraint === "increasing" ? 1 : -1;
          for (let i = 0; i < test.length; i++) {
            const slope = slopes[i * schema.features.length + f];
            if (slope * sign < 0) against[c].wrong++;
            against[c].slope += slope;
            against[c].rows++;
          }
        });
      }

      for (const interval of intervals) {
        let ends: [number, number][];
        try {
          ends =
            schema.loss.name === "quantiles"
              ? asRows.map((row) => [
                  model.quantile(row, (1 - interval.coverage) / 2),
                  model.quantile(row, (1 + interval.coverage) / 2),
                ])
              : asRows.map((row) => model.predictInterval(row, interval.coverage));
        } catch (error) {
          // too few rows for this coverage, no rows left out, or probabilities: no interval to check
          if (error instanceof RangeError) continue;
          throw error;
        }
        ends.forEach(([low, high], i) => {
          const w = weight ? weight[test[i]] : 1;
          interval.weight += w;
          if (low <= y[test[i]] && y[test[i]] <= high) interval.held += w;
          interval.width += w * (high - low);
        });
      }

      const scores = (name: string) =>
        score(
          all[name].map((values) => Float64Array.from(test, (r) => values[r])),
          Float64Array.from(test, (r) => y[r]),
          weight && Float64Array.from(test, (r) => weight[r]),
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

  const criterion =
    schema.loss.name === "quantiles"
      ? "pinball"
      : schema.loss.name === "logistic"
        ? "logLoss"
        : schema.loss.name === "absolute"
          ? "mae"
          : "rmse";
  const result: CrossValidation = {
    rows: n,
    folds,
    repeats,
    criterion,
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

/** What the scores say, in plain sentences. */
function inWords(result: CrossValidation): string[] {
  const { model, linear, mean, free, criterion, perFold } = result;
  const name = { rmse: "RMSE", mae: "MAE", pinball: "pinball loss", logLoss: "log loss" }[criterion];
  const of = (scores: CvScores) => scores[criterion] as number;
  const wins = (a: "model" | "free", b: "model" | "linear" | "mean") =>
    perFold.filter((fold) => of(fold[a] as CvScores) < of(fold[b])).length;
  const number = (value: number) => String(Number(value.toPrecision(4)));
  const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
  const splits = perFold.length;
  const out: string[] = [];
  const simple = mean === linear || of(mean) <= of(linear) ? "mean" : "linear";
  if (of(model) >= of(mean)) {
    out.push(
      `The model does not beat the mean of the target (${name} ${number(of(model))} against ${number(of(mean))}): ${free !== undefined && of(free) < 0.95 * of(mean) ? "under these constraints " : ""}the features say little about it.`,
    );
  } else if (of(model) > 0.99 * of(linear) || wins("model", "linear") <= (2 / 3) * splits) {
    out.push(
      `The model does not clearly beat the sign-constrained linear fit (${name} ${number(of(model))} against ${number(of(linear))}; better in ${wins("model", "linear")} of ${splits} folds): a linear model does as well here.`,
    );
  } else {
    const baseline = simple === "mean" ? mean : linear;
    out.push(
      `The model's ${name} is ${percent(1 - of(model) / of(baseline))} below that of the ${simple === "mean" ? "mean" : "sign-constrained linear fit"} (${number(of(model))} against ${number(of(baseline))}; better in ${wins("model", simple)} of ${splits} folds).`,
    );
  }
  if (free === undefined) return out;
  const gain = 1 - of(free) / of(model);
  const often = wins("free", "model");
  // a score near zero can differ by half and matter to nobody: the cost must show on the scale of the mean, too
  if (gain > 0.02 && of(model) - of(free) > 0.01 * of(mean) && often > splits / 2) {
    out.push(
      `The constraints cost accuracy: with every feature free the ${name} falls by ${percent(gain)}, from ${number(of(model))} to ${number(of(free))} (better in ${often} of ${splits} folds).`,
    );
    const suspects = result.directions.filter((d) => d.against > 0.5);
    if (suspects.length > 0) {
      const named = suspects
        .slice(0, 5)
        .map(
          (d) => `"${d.feature}" (${d.constraint}, but the free fit moves against it in ${percent(d.against)} of rows)`,
        );
      out.push(`Check the direction of ${named.join(", ")}.`);
    }
  } else if (gain < -0.01) {
    out.push(
      `The constraints help: with every feature free the ${name} rises by ${percent(-gain)}, from ${number(of(model))} to ${number(of(free))}.`,
    );
  } else {
    out.push(
      `The constraints cost ${gain > 0.01 ? "little" : "nothing"}: with every feature free the ${name} is ${number(of(free))}.`,
    );
  }
  return out;
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

function encode(columns: Columns, schema: Schema): Float32Array {
  const table = readTable(columns);
  const out = new Float32Array(table.n * schema.features.length);
  encodeTable(table, schema.features, 0, table.n, out);
  return out;
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
