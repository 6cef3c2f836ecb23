// Where the kernels come from, default: bytes inside the bundle, compiled synchronously at first use.
// The build swaps this file for wasm.import.workerd.ts or wasm.import.edge.ts under those export conditions.

import { KERNELS } from "../build/kernels.base64.js";
import { lazyModule } from "./wasm.compile.js";

/** The compiled module of training and prediction. */
export const wasmModule: () => WebAssembly.Module = lazyModule(KERNELS);
