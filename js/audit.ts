// How often any predictor moves the wrong way. In: a function from rows to predictions, rows, constraints; out: counts, sizes, worst rows.
// Nothing here knows what the predictor is: a network of tfjs, an ONNX session, trees, a remote service. Float64 throughout.
//
// Two questions are asked. Slopes: a small step to either side of every row, the others fixed; right for smooth predictors. Moves: a feature goes to
// the value it has in another row, a step that trees notice too; alone, and all constrained features together (an ordered pair). Only moves the
// way of the constraint are made, so that a prediction that goes against it is wrong.

import { judge, type Moves } from "./auditcount.js";
import { around, drawMoves, roundingOf, type Scale, scaleOf, slopeOf } from "./auditprobe.js";
import { choiceError, numberError, onlyOptions, rangeError, typeError, wordError } from "./errors.js";
import { uniform } from "./random.js";
import { type AnyRows, badNumber, isFloats, type Rows } from "./rows.js";
import { countOf, someRows } from "./statistics.js";
import { entriesOf, noColumn, readTable } from "./table.js";
import type { Constraint } from "./types.js";

/** Predictions for n rows of d numbers, row-major. */
export type AnyPredictor = (rows: Float64Array, n: number, d: number) => ArrayLike<number> | Promise<ArrayLike<number>>;

/** By feature name, in the predictor's order of inputs. A Map keeps that order for names like "7", too, which an object puts first. */
export type Constraints =
  | Readonly<Record<string, Constraint | 1 | -1 | 0>>
  | ReadonlyMap<string, Constraint | 1 | -1 | 0>;

export interface AuditOptions {
  /** Step of the finite difference to either side, as a share of the feature's standard deviation over the rows. Default 0.01. */
  step?: number;
  /** Supplied derivatives instead: rows × features, row-major. */
  derivatives?: (rows: Float64Array, n: number, d: number) => ArrayLike<number> | Promise<ArrayLike<number>>;
  /** Pairs to test, for each feature and for all together: default 2,000; 0 for none. */
  pairs?: number;
  /**
   * Differences up to this share of the predictions' standard deviation are taken for rounding. Default 1e-6, and no less than what rounding
   * does to predictions of that size: 2^-21 of the largest where all are float32, else 2^-48.
   */
  tolerance?: number;
  /** What a missing number (NaN, null, undefined) is: an error (default), or NaN, passed on and not tested. */
  missing?: "error" | "pass";
  /** Seed of the pairs. Default 1. */
  seed?: number;
  /** Worst rows to list. Default 5. */
  worst?: number;
}

/** Moves of the prediction against a constraint. */
export interface PairAudit {
  checked: number;
  outOfOrder: number;
  /** The largest move against it, in target units. */
  largest: number;
}

export interface FeatureAudit {
  name: string;
  constraint: Constraint;
  /** Rows whose derivative was looked at: none for free features, unless derivatives are supplied. */
  checked: number;
  /** Share of them whose derivative has the wrong sign; 0 for free features. */
  wrong: number;
  /** Mean size of a wrong derivative, in target units per feature unit; 0 without any. */
  size: number;
  /** Mean derivative over the rows. */
  mean: number;
  /** The mean derivative itself has the wrong sign. */
  wrongOnAverage: boolean;
  /** This feature alone moved to another row's value. */
  pairs: PairAudit;
}

export interface Audit {
  rows: number;
  features: FeatureAudit[];
  /** Share of all derivatives by constrained features that have the wrong sign. */
  wrong: number;
  /** How many were looked at. */
  checked: number;
  /** The largest wrong derivatives; standardised: in standard deviations of the prediction per standard deviation of the feature. */
  worst: { row: number; feature: string; derivative: number; standardised: number }[];
  /** Ordered pairs (one row at least the other in every constrained feature's direction, equal in the others) predicted out of order. */
  pairs: PairAudit;
  /** Plain words. */
  statement: string;
}

/**
 * Audits a predictor for monotonicity.
 *
 * Finite differences stay within the range of the rows: at its ends they are one-sided. A difference within rounding counts as 0; so does a supplied
 * derivative that changes the prediction by no more than that over one standard deviation of the feature. Predictions are copied, so a predictor
 * may hand out the same array again.
 *
 * @param predict predictions for n rows of d numbers in the order of the constraints' names
 * @param rows objects, columns, arrays in that order, or a row-major typed array
 * @param constraints by feature name, in the predictor's order of inputs; "free" features are passed on and not tested
 * @throws TypeError, RangeError naming the argument, or the row and column, or what the predictor gave instead of predictions
 * @example
 * const report = await audit((x, n, d) => mlp.predict(tf.tensor2d(x, [n, d])).dataSync(), rows, { scan: "increasing", staff: "decreasing" });
 * report.wrong; // 0.19
 */
export async function audit(
  predict: AnyPredictor,
  rows: AnyRows,
  constraints: Constraints,
  options: AuditOptions = {},
): Promise<Audit> {
  if (typeof predict !== "function") throw typeError("predict", "a function (rows, n, d) => predictions", predict);
  const entries = entriesOf<unknown>(constraints, "constraints");
  const names = entries.map(([name]) => name);
  const d = names.length;
  if (d === 0) throw rangeError("constraints", "at least one feature", constraints);
  const signs = entries.map(([name, constraint]) => signOf(name, constraint));
  onlyOptions(options, "step derivatives pairs tolerance missing seed worst", "audit");
  const { step = 0.01, missing = "error" } = options;
  if (!(Number.isFinite(step) && step > 0 && step <= 10))
    throw numberError("options.step", "a share of the standard deviation above 0, up to 10", step);
  const wanted = countOf("pairs", 0, options.pairs, 2000);
  const most = countOf("worst", 0, options.worst, 5);
  const random = uniform(countOf("seed", 0, options.seed, 1));
  const x = matrixOf(rows, names, missing);
  const n = x.length / d;
  someRows(n);

  const call = checkedPredictor(predict, d);
  const base = await call(x.slice());
  const rounding = roundingOf(base, options.tolerance);
  const scales = names.map((_, f) => scaleOf(x, f, d));
  const { derivatives } = options;
  if (derivatives !== undefined && typeof derivatives !== "function")
    throw typeError("options.derivatives", "a function (rows, n, d) => derivatives", derivatives);
  const slopes = derivatives
    ? suppliedSlopes(await derivatives(x.slice(), n, d), x, names, scales, rounding)
    : await measuredSlopes(call, x, signs, scales, step, rounding);

  const moved = async (which: number[]): Promise<Moves> => {
    const { from, values } = drawMoves(x, signs, which, wanted, random);
    if (from.length === 0) return [];
    const after = await call(values);
    return from.map((a, k) => after[k] - base[a]);
  };
  const constrained = [...names.keys()].filter((f) => signs[f] !== 0);
  const alone: Moves[] = [];
  for (let f = 0; f < d; f++) alone.push(await moved(signs[f] === 0 ? [] : [f]));
  const together = await moved(constrained);
  return judge({ names, signs, spreads: scales.map((s) => s.spread), base, rounding, slopes, alone, together, most });
}

/** Predictions for row-major rows [n][d]: as many as rows, finite, the audit's own copy. */
type Call = (values: Float64Array) => Promise<Float64Array>;

function checkedPredictor(predict: AnyPredictor, d: number): Call {
  return async (values) => {
    const count = values.length / d;
    const out = await predict(values, count, d);
    if (typeof out?.length !== "number") throw typeError("predict", `${count} predictions`, out);
    if (out.length !== count) throw rangeError("predict", `${count} predictions`, out.length);
    for (let r = 0; r < count; r++)
      if (!Number.isFinite(out[r])) throw numberError(`predict: prediction ${r}`, "a finite number", out[r]);
    return Float64Array.from(out);
  };
}

/** Derivatives [n][d] as they were supplied, by feature: 0 where a standard deviation of the feature would change no more than rounding does. */
function suppliedSlopes(
  supplied: ArrayLike<number>,
  x: Float64Array,
  names: readonly string[],
  scales: readonly Scale[],
  rounding: number,
): Float64Array[] {
  const d = names.length;
  if (supplied?.length !== x.length)
    throw numberError("options.derivatives", `${x.length} numbers`, supplied?.length ?? supplied);
  return names.map((name, f) => {
    const slope = new Float64Array(x.length / d);
    for (let r = 0; r < slope.length; r++) {
      const s = supplied[r * d + f];
      if (!Number.isFinite(s)) throw rangeError(`options.derivatives: row ${r}, ${name}`, "a finite number", s);
      slope[r] = Number.isNaN(x[r * d + f]) ? Number.NaN : Math.abs(s) * (scales[f].spread || 1) <= rounding ? 0 : s;
    }
    return slope;
  });
}

/** Finite differences of the rows [n][d], by feature; NaN for free features and missing values. */
async function measuredSlopes(
  call: Call,
  x: Float64Array,
  signs: readonly number[],
  scales: readonly Scale[],
  step: number,
  rounding: number,
): Promise<Float64Array[]> {
  const d = signs.length;
  const slopes: Float64Array[] = [];
  for (let f = 0; f < d; f++) {
    const slope = new Float64Array(x.length / d).fill(Number.NaN);
    slopes.push(slope);
    if (signs[f] === 0) continue;
    const [down, up] = [x.slice(), x.slice()];
    for (let at = f; at < x.length; at += d) [down[at], up[at]] = around(x[at], scales[f], step);
    const below = await call(down);
    const above = await call(up);
    for (let r = 0; r < slope.length; r++)
      slope[r] = slopeOf(above[r] - below[r], up[r * d + f] - down[r * d + f], rounding);
  }
  return slopes;
}

function signOf(name: string, constraint: unknown): number {
  if (constraint === "increasing" || constraint === 1) return 1;
  if (constraint === "decreasing" || constraint === -1) return -1;
  if (constraint === "free" || constraint === 0) return 0;
  throw choiceError(`constraints.${name}`, '"increasing", "decreasing", "free", 1, -1 or 0', constraint);
}

/** Rows as float64, row-major: a predictor that computes in float64 is asked about the very values. */
function matrixOf(rows: AnyRows, names: readonly string[], missing: unknown): Float64Array {
  const d = names.length;
  if (missing !== "error" && missing !== "pass") throw wordError("options.missing", '"error" or "pass"', missing);
  const read = (value: unknown, f: number, r: number): number => {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    const none = value === undefined || value === null || Number.isNaN(value);
    if (none && missing === "pass") return Number.NaN;
    throw badNumber(names[f], value, r);
  };
  if (isFloats(rows)) {
    if (rows.length % d !== 0) throw rangeError("rows", `a length that is a multiple of ${d}`, rows.length);
    return Float64Array.from(rows, (value: number, i: number) => read(value, i % d, Math.floor(i / d)));
  }
  if (Array.isArray(rows) && (Array.isArray(rows[0]) || ArrayBuffer.isView(rows[0]))) {
    const out = new Float64Array(rows.length * d);
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r] as ArrayLike<unknown>;
      if (row?.length !== d) throw rangeError(`rows[${r}]`, `${d} values`, row?.length ?? row);
      for (let f = 0; f < d; f++) out[r * d + f] = read(row[f], f, r);
    }
    return out;
  }
  const table = readTable(rows as Rows);
  if (table.n === 0) return new Float64Array(0);
  const out = new Float64Array(table.n * d);
  for (let f = 0; f < d; f++) {
    if (!table.has(names[f])) throw noColumn(names[f], table.names);
    const column = table.column(names[f]);
    for (let r = 0; r < table.n; r++) out[r * d + f] = read(column[r], f, r);
  }
  return out;
}
