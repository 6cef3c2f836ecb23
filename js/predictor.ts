// Prediction and derivatives of a loaded model. In: rows as objects, arrays or typed arrays; out: numbers in target units.
// Shared by `isotone` and `isotone/predict`; nothing here knows how to train.

import { rangeError, typeError } from "./errors.js";
import { type AnyRows, encodeRow, type Row, rowReader } from "./rows.js";
import type { Feature, ModelData, TrainingReport } from "./types.js";
import type { Engine } from "./wasm.js";

/** What a model can do without the trainer: `isotone/predict` gives this. */
export interface Predictor {
  /** Names, constraints, categories and training ranges, in order. */
  readonly features: readonly Feature[];
  /** How the model came to be: seed, loss curve, held-out scores, warnings. */
  readonly training: TrainingReport;
  /** The prediction for one row (an object, or values in feature order), in target units. Quantile models: the median. */
  predict(row: Row): number;
  /** Predictions for n rows: objects, columns, arrays, or a row-major Float32Array or Float64Array (a category is its index). */
  predictMany(rows: AnyRows): Float32Array;
  /** Partial derivative of the prediction by each feature, in target units per feature unit; 0 for categories, which have none. */
  sensitivity(row: Row): Record<string, number>;
  /** Partial derivatives of n rows, n × features, row-major. */
  sensitivityMany(rows: AnyRows): Float32Array;
  /** Quantile models: the prediction at level p in (0, 1). Never falls as p rises. */
  quantile(row: Row, p: number): number;
}

/** The level to feed in for an asked level: piecewise linear through the calibration points, straight to (0, 0) and (1, 1) beyond them. */
function calibrated(points: [number, number][] | undefined, p: number): number {
  if (!points?.length) return p;
  let [x0, y0] = [0, 0];
  for (const [x1, y1] of points) {
    // held to y1: each piece is non-decreasing by rounding, and so is their chain
    if (p <= x1) return Math.min(y1, y0 + ((p - x0) / (x1 - x0)) * (y1 - y0));
    [x0, y0] = [x1, y1];
  }
  return Math.min(1, y0 + ((p - x0) / (1 - x0)) * (1 - y0));
}

/** Numbers encoded at a time. */
const PIECE = 1 << 16;

const LOWEST_LEVEL = 2 ** -24;

/** The level that goes into the network for an asked level p. */
export function fedLevel(data: Pick<ModelData, "calibration">, p: number): number {
  return Math.min(1 - LOWEST_LEVEL, Math.max(LOWEST_LEVEL, Math.fround(calibrated(data.calibration, p))));
}

export function makePredictor(data: ModelData, engine: Engine): Predictor {
  const { features } = data;
  const width = features.length;
  const slot = engine.add(data);
  const leveled = slot.row > width;
  const row = new Float32Array(slot.row);
  const level = (p: number) => fedLevel(data, p);
  const median = leveled ? level(0.5) : 0;

  const numbers = !leveled && features.every((f) => f.kind === "number");

  /** Runs a kernel over rows in pieces, so that beside the result no copy of all rows exists. `results` numbers a row at `stride`. */
  function byPieces(rows: AnyRows, results: number, run: "predictMany" | "sensitivityMany"): Float32Array {
    const { n, read } = rowReader(rows, features);
    const out = new Float32Array(n * results);
    // numbers in order: the kernels check them on the way, and only a row at fault is read again, to say which
    if (slot.plain && (rows instanceof Float32Array || rows instanceof Float64Array) && engine[run](slot, rows, n, out))
      return out;
    const most = Math.max(1, Math.min(n, Math.floor(PIECE / slot.row)));
    const narrow = new Float32Array(most * width);
    const wide = leveled ? new Float32Array(most * slot.row).fill(median) : narrow;
    const given = run === "predictMany" ? 1 : slot.row;
    const result = given === results ? undefined : new Float32Array(most * given);
    for (let from = 0; from < n; from += most) {
      const count = Math.min(most, n - from);
      read(from, from + count, narrow);
      if (leveled) for (let r = 0; r < count; r++) wide.set(narrow.subarray(r * width, (r + 1) * width), r * slot.row);
      engine[run](slot, wide, count, result ?? out.subarray(from * results, (from + count) * results));
      if (result)
        for (let r = 0; r < count; r++) out.set(result.subarray(r * given, r * given + results), (from + r) * results);
    }
    return out;
  }

  return {
    features,
    training: data.training,
    predict(one) {
      // numbers alone: whatever is not one, or not finite, comes to encodeRow, which says so
      if (numbers && one.length === width) {
        if (Array.isArray(one)) {
          const value = engine.predictNumbers(slot, one);
          if (value !== undefined) return value;
        } else if (slot.plain && (one instanceof Float32Array || one instanceof Float64Array)) {
          const value = engine.predictOne(slot, one);
          if (value === value) return value;
        }
      }
      encodeRow(one, features, row);
      if (leveled) row[width] = median;
      return engine.predictOne(slot, row);
    },
    predictMany: (rows) => byPieces(rows, 1, "predictMany"),
    sensitivity(one) {
      encodeRow(one, features, row);
      if (leveled) row[width] = median;
      const out = new Float32Array(slot.row);
      engine.sensitivityMany(slot, row, 1, out);
      // defineProperty by fromEntries: a feature may be called "__proto__"
      return Object.fromEntries(features.map((f, i) => [f.name, out[i]]));
    },
    sensitivityMany: (rows) => byPieces(rows, width, "sensitivityMany"),
    quantile(one, p) {
      if (!leveled)
        throw typeError("quantile", "a model fitted with loss: { quantiles: [...] }", `loss "${data.loss.name}"`);
      if (typeof p !== "number") throw typeError("p", "a number in (0, 1)", p);
      if (!(p > 0 && p < 1)) throw rangeError("p", "a number in (0, 1)", p);
      encodeRow(one, features, row);
      row[width] = level(p);
      return engine.predictOne(slot, row);
    },
  };
}
