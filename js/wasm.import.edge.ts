// Where the module comes from under the `edge-light` condition: such hosts refuse to compile bytes and import modules with `?module`.

// @ts-expect-error: the bundler turns this import into a WebAssembly.Module
import module from "./kernels.wasm?module";
import { checkModule } from "./wasm.compile.js";

/** The module the host compiled. */
export const wasmModule = (): WebAssembly.Module => checkModule(module, "isotone/kernels.wasm?module");
