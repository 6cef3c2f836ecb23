// A model: the predictor, and the questions one may ask of it. In: model data; out: an object with methods, no state of its own.

import { type Certificate, certifyData } from "./certify.js";
import { isPlain, list, numberError, onlyOptions, rangeError, typeError, wordError } from "./errors.js";
import { baselineRow, explainer } from "./explain.js";
import { parseModel, shortenModel } from "./format.js";
import type { WasmModule } from "./host.js";
import { filled } from "./image.js";
import { intervalAround } from "./interval.js";
import { type MergeOptions, mergeData } from "./merge.js";
import { fedLevel, makePredictor, type Predictor } from "./predictor.js";
import { type AnyRows, checkRow, encodeRow, own, type Row, rowReader } from "./rows.js";
import type { Feature, ModelData } from "./types.js";
import { wasmModule } from "./wasm.inline.js";
import { createEngines } from "./wasm.js";

/** A trained model. */
export interface Model extends Predictor {
  /** Proof of monotonicity from the weights alone, or what breaks it. */
  certify(): Certificate;
  /** The model file as plain data: `JSON.stringify(model)` writes it, `load` reads the same bits back. */
  toJSON(): ModelData;
  /**
   * [low, high] around the prediction that covers a share `coverage` of rows like the training rows, in target units; both ends are monotone.
   * @throws RangeError when the model has too few out-of-fold residuals for that coverage, or none
   */
  predictInterval(row: Row, coverage?: number): [number, number];
  /**
   * What each feature adds to the prediction on the way from a baseline to the row: partial derivatives integrated exactly along the straight
   * path (js/explain.ts), in target units. They sum to prediction - baseline, to float32 rounding, and have the constraint's sign.
   * @param baseline "median" (default: medians of training, the commonest categories), "zero" (all counts 0, the first categories), or a row
   */
  explain(row: Row, baseline?: Row | "median" | "zero"): Explanation;
  /** `explain` for many rows against one baseline: contributions are rows × features, row-major. */
  explainMany(rows: AnyRows, baseline?: Row | "median" | "zero"): ExplanationOfMany;
  /** f(row + change) - f(row): numbers are added, a category is put in the place of the row's. */
  effect(row: object, change: Readonly<Record<string, number | string>>): number;
  /** Relative change of the prediction per relative change of each numeric feature: derivative × value / prediction. */
  elasticity(row: Row): Record<string, number>;
}

/** What each feature adds to a prediction. */
export interface Explanation {
  /** The prediction at the baseline. */
  baseline: number;
  contributions: Record<string, number>;
  prediction: number;
}

export interface ExplanationOfMany {
  baseline: number;
  /** [rows][features], row-major. */
  contributions: Float64Array;
  predictions: Float64Array;
}

const engineOf = createEngines(wasmModule);

/** A model from checked data; `module` as in `load`. */
export function makeModel(data: ModelData, module?: WasmModule): Model {
  const predictor = makePredictor(data, engineOf(module), filled(data.networks));
  const { features } = data;
  const raw = (row: Row, index?: number) => {
    const out = new Float32Array(features.length);
    encodeRow(row, features, out, 0, index);
    return out;
  };
  let prepared: ReturnType<typeof explainer> | undefined;
  const explain = () => {
    prepared ??= explainer(data, fedLevel(data, 0.5));
    return prepared;
  };
  const baselineOf = (given: Row | "median" | "zero") => {
    if (typeof given === "object" && given !== null) return raw(given, -2);
    if (given === "median" || given === "zero") return baselineRow(data, given);
    throw wordError("baseline", '"median", "zero" or a row', given);
  };
  return {
    ...predictor,
    certify: () => certifyData(data),
    toJSON: () => shortenModel(data),
    predictInterval: (row, coverage = 0.9) => intervalAround(data, predictor.predict(row), coverage),
    explain(row, baseline = "median") {
      const { contributions, ...ends } = explain()(baselineOf(baseline), raw(row));
      return { ...ends, contributions: Object.fromEntries(features.map((f, i) => [f.name, contributions[i]])) };
    },
    explainMany(rows, baseline = "median") {
      const base = baselineOf(baseline);
      const { n, read } = rowReader(rows, features);
      const width = features.length;
      const row = new Float32Array(width);
      const out = {
        baseline: predictor.predict(base),
        contributions: new Float64Array(n * width),
        predictions: new Float64Array(n),
      };
      for (let r = 0; r < n; r++) {
        read(r, r + 1, row);
        const one = explain()(base, row);
        out.contributions.set(one.contributions, r * width);
        out.predictions[r] = one.prediction;
        out.baseline = one.baseline;
      }
      return out;
    },
    effect: (row, change) => predictor.predict(changed(row, change, features)) - predictor.predict(row),
    elasticity(row) {
      const values = raw(row);
      const prediction = predictor.predict(row);
      const slopes = predictor.sensitivity(row);
      const numeric = features.map((f, i) => [f, i] as const).filter(([f]) => f.kind === "number");
      return Object.fromEntries(
        numeric.map(([f, i]) => [
          f.name,
          (slopes[f.name] * (values[i] === values[i] ? values[i] : (f.fill ?? 0))) / prediction,
        ]),
      );
    },
  };
}

/** The row after a change: numbers added, categories replaced. */
function changed(row: object, change: Readonly<Record<string, number | string>>, features: readonly Feature[]) {
  const names = features.map(({ name }) => name);
  const values = checkRow(row, -1);
  const out = new Map(names.map((name) => [name, own(values, name)]));
  if (!isPlain(change)) throw typeError("change", "an object of changes by feature", change);
  for (const [name, by] of Object.entries(change)) {
    const feature = features.find((f) => f.name === name);
    if (!feature) throw rangeError("change", `features of the model (${list(names)})`, name);
    if (feature.kind === "category") {
      if (typeof by !== "string") throw typeError(`change.${name}`, "a category", by);
      out.set(name, by);
      continue;
    }
    const from = out.get(name);
    if (!Number.isFinite(by)) throw numberError(`change.${name}`, "a number to add", by);
    if (typeof from !== "number" || from !== from) throw typeError(name, "a number that can change", from);
    out.set(name, from + (by as number));
  }
  return Object.fromEntries(out);
}

/**
 * A saved model, from JSON text or the parsed object.
 *
 * @param options.module only for hosts that refuse to compile bytes and know no export conditions: isotone/kernels.wasm, compiled
 * @throws ModelFormatError naming the field that is missing, of the wrong kind, or breaks a declared constraint
 * @example
 * const model = load(await readFile("model.json", "utf8"));
 */
export function load(saved: string | object, options: { module?: WasmModule } = {}): Model {
  onlyOptions(options, "module", "load");
  return makeModel(parseModel(saved), options.module);
}

/**
 * The average of models of the same target, features and loss: how models trained on shards of a larger set come together. The result is a
 * model like any other, exactly as monotone: its networks are theirs, side by side. What is averaged is the sum before the link: predictions
 * themselves for the losses of durations and amounts, their logarithms under a log link, log odds for probabilities.
 *
 * Shards fitted with one scaling (`scan`, `mergeScalings`) share their inputs. Without it inputs are rewritten where that is exact and stand side by
 * side where it is not, which costs time at prediction (docs/shards.md). Intervals use the residuals of all shards, scores stay with the parts.
 *
 * @param models models, their data, or texts of model files
 * @param options.weights "equal" (default), "rows" (by training rows), or a number for each model
 * @throws ModelFormatError when targets, features, losses or links differ, or a model does not know a category of another
 * @example
 * const model = merge([await fit(north, { ...options, scaling }), await fit(south, { ...options, scaling })]);
 */
export function merge(
  models: Iterable<Model | ModelData | string>,
  options: MergeOptions & { module?: WasmModule } = {},
): Model {
  return makeModel(mergeData(models, options), options.module);
}
