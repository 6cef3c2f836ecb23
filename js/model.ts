// A model: the predictor, and the questions one may ask of it. In: model data; out: an object with methods, no state of its own.

import { parseModel } from "./format.js";
import { intervalAround } from "./interval.js";
import { makePredictor, type Predictor } from "./predictor.js";
import type { Row } from "./rows.js";
import type { ModelData } from "./types.js";
import { wasmModule } from "./wasm.inline.js";
import { createEngines } from "./wasm.js";

/** A trained model. */
export interface Model extends Predictor {
  /**
   * [low, high] around the prediction that covers a share `coverage` of rows like the training rows, in target units; both ends are monotone.
   * @throws RangeError when the model has too few out-of-fold residuals for that coverage, or none
   */
  predictInterval(row: Row, coverage?: number): [number, number];
}

const engineOf = createEngines(wasmModule);

/** A model from checked data; `module` as in `load`. */
export function makeModel(data: ModelData, module?: WebAssembly.Module): Model {
  const predictor = makePredictor(data, engineOf(module));
  return {
    ...predictor,
    predictInterval: (row, coverage = 0.9) => intervalAround(data, predictor.predict(row), coverage),
  };
}

/**
 * A saved model, from JSON text or the parsed object.
 *
 * @param options.module only for hosts that refuse to compile bytes and know no export conditions: isotone/kernels.wasm, compiled
 * @throws ModelFormatError naming the field that is missing, of the wrong kind, or breaks a declared constraint
 * @example
 * const model = load(await readFile("model.json", "utf8"));
 */
export function load(saved: string | object, options: { module?: WebAssembly.Module } = {}): Model {
  return makeModel(parseModel(saved), options.module);
}
