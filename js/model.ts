// A model: the predictor, and the questions one may ask of it. In: model data; out: an object with methods, no state of its own.

import { createEngine } from "./wasm.js";
import { wasmModule } from "./wasm.inline.js";
import { makePredictor, type Predictor } from "./predictor.js";
import type { ModelData } from "./types.js";
import { parseModel } from "./format.js";

export interface Model extends Predictor {}

const engine = createEngine(wasmModule);

/** A model from checked data. */
export function makeModel(data: ModelData): Model {
  return makePredictor(data, engine);
}

/**
 * A saved model, from JSON text or the parsed object.
 *
 * @throws ModelFormatError naming the field that is missing, of the wrong kind, or breaks a declared constraint
 * @example
 * const model = load(await readFile("model.json", "utf8"));
 */
export function load(saved: string | object): Model {
  return makeModel(parseModel(saved));
}
