// `isotone/predict`: load a model, predict, take derivatives. No trainer, a module of a fifth of the size.
import { parseModel } from "./format.js";
import type { WasmModule } from "./host.js";
import { wasmModule } from "./predict-wasm.inline.js";
import { makePredictor, type Predictor } from "./predictor.js";
import { createEngines } from "./wasm.js";

export { ModelFormatError } from "./errors.js";
export type { Predictor } from "./predictor.js";

const engineOf = createEngines(wasmModule);

/**
 * A saved model, from JSON text or the parsed object.
 *
 * @param options.module only for hosts that refuse to compile bytes and know no export conditions: isotone/predict.wasm, compiled
 * @throws ModelFormatError naming the field that is missing, of the wrong kind, or breaks a declared constraint
 * @example
 * import { load } from "isotone/predict";
 * const model = load(await (await fetch("model.json")).text());
 * model.predict({ scan: 3, repair: 1 });
 */
export function load(saved: string | object, options: { module?: WasmModule } = {}): Predictor {
  return makePredictor(parseModel(saved), engineOf(options.module));
}
