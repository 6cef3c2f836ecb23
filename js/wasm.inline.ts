// Where the kernels come from, default: text inside the bundle, compiled synchronously at first use.
// The build swaps this file for wasm.import.workerd.ts or wasm.import.edge.ts under those export conditions.

import { KERNELS } from "../build/kernels.text.js";
import { lazyModule } from "./wasm.compile.js";
import { toBytes } from "./wasm.text.js";

/** The compiled module of training and prediction. */
export const wasmModule: () => WebAssembly.Module = lazyModule(() => toBytes(KERNELS));
