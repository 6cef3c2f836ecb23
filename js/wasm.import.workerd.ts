// Where the module comes from under the `workerd` condition: Cloudflare's runtime refuses to compile bytes and imports modules instead.

// @ts-expect-error: the host (or wrangler) turns this import into a WebAssembly.Module
import module from "./kernels.wasm";
import { checkModule } from "./wasm.compile.js";

/** The module the host compiled. */
export const wasmModule = (): WebAssembly.Module => checkModule(module, "isotone/kernels.wasm");
