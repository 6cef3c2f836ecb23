// Prediction and derivatives of a loaded model. In: rows as objects, arrays or typed arrays; out: numbers in target units.
// Shared by `isotone` and `isotone/predict`; nothing here knows how to train.

import { numberError, typeError } from "./errors.js";
import { type AnyRows, encodeRow, isFloats, type Row, rowReader } from "./rows.js";
import type { Feature, ModelData, TrainingReport } from "./types.js";
import type { Engine, Kernel } from "./wasm.js";

/** What a model can do without the trainer: `isotone/predict` gives this. */
export interface Predictor {
  /** Names, constraints, categories and training ranges, in order. Frozen: rows are read by them. */
  readonly features: readonly Readonly<Feature>[];
  /** How the model came to be: seed, loss curve, held-out scores, warnings. Frozen: intervals read it. */
  readonly training: Readonly<TrainingReport>;
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
function calibrated(points: [number, number][], p: number): number {
  let [x0, y0] = [0, 0];
  for (const [x1, y1] of [...points, [1, 1]]) {
    // held to y1: each piece is non-decreasing by rounding, and so is their chain
    if (p <= x1) return Math.min(y1, y0 + ((p - x0) / (x1 - x0)) * (y1 - y0));
    [x0, y0] = [x1, y1];
  }
  return 1;
}

const LOWEST_LEVEL = 2 ** -24;

/** The level that goes into the network for an asked level p. */
export function fedLevel(data: Pick<ModelData, "calibration">, p: number): number {
  return Math.min(1 - LOWEST_LEVEL, Math.max(LOWEST_LEVEL, Math.fround(calibrated(data.calibration ?? [], p))));
}

/** `networks`: those of the model, as its kernels want them. */
export function makePredictor(data: ModelData, engine: Engine, networks = data.networks): Predictor {
  const { features } = data;
  const width = features.length;
  const slot = engine.add({ ...data, networks });
  const leveled = slot.row > width;
  const buffer = new Float32Array(slot.row);
  const level = (p: number) => fedLevel(data, p);
  const median = leveled ? level(0.5) : 0;
  // such rows go to the kernels as they are: what is not finite is found there. A feature without an input is not looked at by them
  const fed = new Set(data.inputs.map((input) => input.feature));
  const numbers = !leveled && features.every((f, i) => f.kind === "number" && fed.has(i));

  let busy = false;
  const encode = (one: Row, fed: number): Float32Array => {
    // a row may have getters that predict, too
    const out = busy ? new Float32Array(slot.row) : buffer;
    const before = busy;
    busy = true;
    try {
      encodeRow(one, features, out);
    } finally {
      busy = before;
    }
    if (leveled) out[width] = fed;
    return out;
  };

  /** `results` numbers a row. */
  function many(kernel: Kernel, rows: AnyRows, results: number): Float32Array {
    const { n, read } = rowReader(rows, features);
    const out = new Float32Array(n * results);
    // where one is not fit, all are read again, to say which
    if (
      numbers &&
      isFloats(rows) &&
      engine.run(kernel, slot, n, (from, to) => rows.subarray(from * width, to * width), out)
    )
      return out;
    let encoded: Float32Array | undefined;
    engine.run(
      kernel,
      slot,
      n,
      (from, to) => {
        // the first piece is the longest
        encoded ??= new Float32Array((to - from) * slot.row).fill(median);
        read(from, to, encoded, slot.row);
        return encoded;
      },
      out,
    );
    return out;
  }

  return {
    // copies: rows are read by the features themselves, by frozen ones more slowly, and intervals read the training
    ...JSON.parse(JSON.stringify({ features, training: data.training }), (_, part) => Object.freeze(part)),
    predict(one) {
      // what is no number, or not finite, comes to encodeRow, which says so
      if (numbers && (one as ArrayLike<unknown>)?.length === width) {
        const value = Array.isArray(one)
          ? engine.predictArray(slot, one)
          : isFloats(one)
            ? engine.predictOne(slot, one)
            : Number.NaN;
        if (value === value) return value;
      }
      return engine.predictOne(slot, encode(one, median));
    },
    predictMany: (rows) => many("predictMany", rows, 1),
    sensitivity(one) {
      const out = new Float32Array(width);
      engine.run("sensitivityMany", slot, 1, () => encode(one, median), out);
      // defineProperty by fromEntries: a feature may be called "__proto__"
      return Object.fromEntries(features.map((f, i) => [f.name, out[i]]));
    },
    sensitivityMany: (rows) => many("sensitivityMany", rows, width),
    quantile(one, p) {
      if (!leveled) throw typeError("quantile", "a model fitted with loss: { quantiles: [...] }", data.loss.name);
      if (typeof p !== "number" || !(p > 0 && p < 1)) throw numberError("p", "a number in (0, 1)", p);
      return engine.predictOne(slot, encode(one, level(p)));
    },
  };
}
