// How often any predictor moves the wrong way. In: a function from rows to predictions, rows, constraints; out: counts, sizes, worst rows.
// Nothing here knows what the predictor is: a network of tfjs, an ONNX session, trees, a remote service.

import { rangeError, typeError } from "./errors.js";
import { type AnyRows, type Encoded, encodeRows, type Rows, readTable } from "./rows.js";
import type { Constraint } from "./types.js";

/** Predictions for n rows of d numbers, row-major. */
export type AnyPredictor = (rows: Float64Array, n: number, d: number) => ArrayLike<number> | Promise<ArrayLike<number>>;

export interface AuditOptions {
  /** Step of the finite difference, as a share of the feature's standard deviation over the rows. Default 0.01. */
  step?: number;
  /** Supplied derivatives instead: rows × features, row-major. */
  derivatives?: (rows: Float64Array, n: number, d: number) => ArrayLike<number> | Promise<ArrayLike<number>>;
  /** Ordered pairs to test: default 2,000; 0 for none. */
  pairs?: number;
  /** Differences up to this share of the predictions' standard deviation are taken for rounding. Default 1e-6. */
  tolerance?: number;
  seed?: number;
  /** Worst rows to list. Default 5. */
  worst?: number;
}

export interface FeatureAudit {
  name: string;
  constraint: Constraint;
  /** Share of rows whose derivative has the wrong sign. */
  wrong: number;
  /** Mean size of a wrong derivative, in target units per feature unit; 0 without any. */
  size: number;
  /** Mean derivative over all rows. */
  mean: number;
  /** The mean derivative itself has the wrong sign. */
  wrongOnAverage: boolean;
}

export interface Audit {
  rows: number;
  features: FeatureAudit[];
  /** Share of all derivatives by constrained features that have the wrong sign. */
  wrong: number;
  /** How many were looked at. */
  checked: number;
  /** The largest wrong derivatives, in standard deviations of the prediction per standard deviation of the feature. */
  worst: { row: number; feature: string; derivative: number; standardised: number }[];
  /** Ordered pairs (one row at least the other in every constrained feature's direction, equal in the others) predicted out of order. */
  pairs: { checked: number; outOfOrder: number; largest: number };
  /** Plain words. */
  statement: string;
}

/**
 * Audits a predictor for monotonicity.
 *
 * @param predict predictions for n rows of d numbers in the order of the constraints' names
 * @param rows objects, columns, or a row-major typed array
 * @param constraints by feature name, in the predictor's order of inputs; "free" features are passed on and not tested
 * @example
 * const report = await audit((x, n, d) => mlp.predict(tf.tensor2d(x, [n, d])).dataSync(), rows, { scan: "increasing", staff: "decreasing" });
 * report.wrong; // 0.19
 */
export async function audit(
  predict: AnyPredictor,
  rows: AnyRows,
  constraints: Readonly<Record<string, Constraint | 1 | -1 | 0>>,
  options: AuditOptions = {},
): Promise<Audit> {
  if (typeof predict !== "function") throw typeError("predict", "a function (rows, n, d) => predictions", predict);
  if (typeof constraints !== "object" || constraints === null)
    throw typeError("constraints", "an object of constraints by feature name", constraints);
  const names = Object.keys(constraints);
  const d = names.length;
  if (d === 0) throw rangeError("constraints", "at least one feature", constraints);
  const signs = names.map((name) => signOf(name, constraints[name]));
  const step = options.step ?? 0.01;
  if (!(step > 0 && step <= 10))
    throw rangeError("options.step", "a share of the standard deviation above 0, up to 10", step);
  const features = names.map((name): Encoded => ({ name, kind: "number", missing: "error" }));
  const x = Float64Array.from(
    encodeRows(rows instanceof Float64Array || rows instanceof Float32Array ? rows : readTable(rows as Rows), features),
  );
  const n = x.length / d;
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const call = async (values: Float64Array) => {
    const count = values.length / d;
    const out = await predict(values, count, d);
    if (out === null || typeof out !== "object" || out.length !== count)
      throw rangeError("predict", `${count} predictions`, out?.length ?? out);
    for (let r = 0; r < count; r++)
      if (!Number.isFinite(out[r])) throw rangeError(`predict: prediction ${r}`, "a finite number", out[r]);
    return out;
  };
  const base = await call(x.slice());
  const spreadY = spread(base, 0, 1, n) || 1;
  const spreads = names.map((_, f) => spread(x, f, d, n));
  const supplied = options.derivatives && (await options.derivatives(x.slice(), n, d));
  if (supplied && supplied.length !== n * d)
    throw rangeError("options.derivatives", `${n * d} numbers`, supplied.length);
  const rounding = (options.tolerance ?? 1e-6) * spreadY;

  const worst: Audit["worst"] = [];
  const audited: FeatureAudit[] = [];
  let wrongTotal = 0;
  let checked = 0;
  for (let f = 0; f < d; f++) {
    const h = step * (spreads[f] || 1);
    let derivative = (r: number) => (supplied as ArrayLike<number>)[r * d + f];
    let least = 0;
    if (!supplied) {
      const up = x.slice();
      const down = x.slice();
      for (let r = 0; r < n; r++) {
        up[r * d + f] += h;
        down[r * d + f] -= h;
      }
      const above = await call(up);
      const below = await call(down);
      derivative = (r) => (above[r] - below[r]) / (2 * h);
      least = rounding / h;
    }
    let wrong = 0;
    let size = 0;
    let mean = 0;
    for (let r = 0; r < n; r++) {
      const slope = derivative(r);
      mean += slope / n;
      if (signs[f] === 0 || !(slope * signs[f] < -least)) continue;
      wrong++;
      size += Math.abs(slope);
      worst.push({ row: r, feature: names[f], derivative: slope, standardised: (slope * spreads[f]) / spreadY });
    }
    if (worst.length > 10000) keepWorst(worst, options.worst ?? 5);
    if (signs[f] !== 0) {
      wrongTotal += wrong;
      checked += n;
    }
    const constraint = signs[f] === 0 ? "free" : signs[f] > 0 ? "increasing" : "decreasing";
    audited.push({
      name: names[f],
      constraint,
      wrong: wrong / n,
      size: wrong ? size / wrong : 0,
      mean,
      wrongOnAverage: mean * signs[f] < 0,
    });
  }
  keepWorst(worst, options.worst ?? 5);

  const pairs = await orderedPairs(call, x, base, signs, d, n, options, rounding);
  const share = checked ? wrongTotal / checked : 0;
  const percent = (v: number) => `${(100 * v).toFixed(v > 0 && v < 0.001 ? 3 : 1)} %`;
  return {
    rows: n,
    features: audited,
    wrong: share,
    checked,
    worst,
    pairs,
    statement:
      `${wrongTotal} of ${checked} partial derivatives (${percent(share)}) have the wrong sign` +
      (pairs.checked
        ? `; ${pairs.outOfOrder} of ${pairs.checked} ordered pairs (${percent(pairs.outOfOrder / pairs.checked)}) are predicted out of order`
        : ""),
  };
}

/** Random rows, and the same rows moved the way of their constraints to another row's values: the prediction must not fall. */
async function orderedPairs(
  call: (x: Float64Array) => Promise<ArrayLike<number>>,
  x: Float64Array,
  base: ArrayLike<number>,
  signs: number[],
  d: number,
  n: number,
  options: AuditOptions,
  rounding: number,
): Promise<Audit["pairs"]> {
  const wanted = options.pairs ?? 2000;
  if (wanted === 0 || signs.every((s) => s === 0)) return { checked: 0, outOfOrder: 0, largest: 0 };
  let s = (options.seed ?? 1) >>> 0;
  const random = (below: number) => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return Math.floor((s / 4294967296) * below);
  };
  const upper = new Float64Array(wanted * d);
  const from = new Int32Array(wanted);
  for (let k = 0; k < wanted; k++) {
    const [a, b] = [random(n), random(n)];
    from[k] = a;
    for (let f = 0; f < d; f++) {
      const [u, v] = [x[a * d + f], x[b * d + f]];
      upper[k * d + f] = signs[f] === 0 ? u : signs[f] > 0 ? Math.max(u, v) : Math.min(u, v);
    }
  }
  const above = await call(upper);
  let outOfOrder = 0;
  let largest = 0;
  for (let k = 0; k < wanted; k++) {
    const fall = base[from[k]] - above[k];
    if (fall > rounding) outOfOrder++;
    if (fall > largest) largest = fall;
  }
  return { checked: wanted, outOfOrder, largest };
}

function keepWorst(worst: Audit["worst"], most: number): void {
  worst.sort((a, b) => Math.abs(b.standardised) - Math.abs(a.standardised) || a.row - b.row);
  worst.length = Math.min(worst.length, most);
}

function signOf(name: string, constraint: unknown): number {
  if (constraint === "increasing" || constraint === 1) return 1;
  if (constraint === "decreasing" || constraint === -1) return -1;
  if (constraint === "free" || constraint === 0) return 0;
  throw rangeError(`constraints.${name}`, '"increasing", "decreasing", "free", 1, -1 or 0', constraint);
}

function spread(values: ArrayLike<number>, f: number, d: number, n: number): number {
  let mean = 0;
  for (let r = 0; r < n; r++) mean += values[r * d + f] / n;
  let square = 0;
  for (let r = 0; r < n; r++) square += (values[r * d + f] - mean) ** 2 / n;
  return Math.sqrt(square);
}
