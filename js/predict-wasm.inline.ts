// Where the small module of `isotone/predict` comes from, default: numbers inside the bundle, compiled synchronously at first use.
// The build swaps this file for predict-wasm.import.workerd.ts or predict-wasm.import.edge.ts under those export conditions.

import { PREDICT } from "../build/predict.text.js";
import { lazyModule } from "./wasm.compile.js";

/** The compiled module of prediction alone. */
export const wasmModule: () => WebAssembly.Module = lazyModule(() => Uint8Array.from(JSON.parse(`[${PREDICT}]`)));
