// Cross-validation: how good models of these rows and options are on rows they were not trained on, beside the mean, beside a sign-constrained
// linear fit, and beside the same fit without constraints. In: rows and options as for fit; out: scores and plain sentences.
// Every choice (scaling, stopping, ridge strength) is made on the training part of a fold.

import { numberError, onlyOptions, rangeError, typeError } from "./errors.js";
import { inWords } from "./findings.js";
import { addIntervals, addSlopes, directionsOf } from "./foldchecks.js";
import { type ByContender, type Contender, partOf, predictPart, trainer } from "./foldparts.js";
import { average, type CvScores, criterionOf, score } from "./foldscores.js";
import { middleOf } from "./metrics.js";
import { shuffled } from "./random.js";
import { encodeRows, type Rows } from "./rows.js";
import { checkOptions, type FitOptions, OPTIONS, readOptions, readTarget, readWeights } from "./schema.js";
import { readTable } from "./table.js";
import { checkModule } from "./wasm.compile.js";
import { wasmModule } from "./wasm.inline.js";
import { createTrainer } from "./wasm.js";

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
  /** How often the intervals held, and how wide they were on average; where models have none of a coverage, a statement says why. */
  coverage: { coverage: number; held: number; width: number }[];
  /** Constrained features, the most contradicted first; only with `free`. */
  directions: Direction[];
  /** The findings in plain words. */
  statements: string[];
  perFold: FoldScores[];
  /** Out-of-fold prediction of every row, from the first split. */
  predictions: Float64Array;
}

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
  const { module } = options;
  const t = createTrainer(module === undefined ? wasmModule : () => checkModule(module, "module"));
  const train = trainer(schema, fitOptions, folds * repeats * (both ? 2 : 1));

  const perFold: FoldScores[] = [];
  const perSplit: ByContender<CvScores>[] = [];
  const intervals = coverage.map((share) => ({ coverage: share, held: 0, width: 0, weight: 0, without: 0, why: "" }));
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
      const predicted = await predictPart(t, model, free, own, others, schema);
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
  // without rows left out, or of probabilities, there are none to check where nobody asks
  if (options.coverage || (schema.hyper.validation !== 0 && loss.name !== "logistic"))
    for (const { coverage, without, why } of intervals)
      if (without > 0) {
        const where = `in ${without} of ${perFold.length} folds`;
        result.statements.push(`Intervals that cover ${coverage} of the rows are not checked ${where}: ${why}.`);
      }
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
