// Bytes to a compiled module, once, at first use. In: a function that gives the bytes; out: a function that gives the module.
// Synchronous, so that no host has to wait on a promise to predict: 20 kB compile in about a millisecond.

import { checkByteOrder } from "./byteorder.js";
import { tagOf, typeError } from "./errors.js";
import type { WasmModule } from "./host.js";

/** Where a module comes from; called at first use. */
export type ModuleSource = () => WasmModule;

/** Compiles what `bytes` gives at the first call. */
export function lazyModule(bytes: () => Uint8Array<ArrayBuffer>): ModuleSource {
  let module: WebAssembly.Module | undefined;
  return () => {
    module ??= compile(bytes());
    return module;
  };
}

function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  checkByteOrder();
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw new Error(reason(cause), { cause });
  }
}

/** `(module (func v128.const 0 drop))`: valid where there is SIMD. */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 26, 11,
];

/** What to say when compiling failed; looked into only then. */
function reason(cause: unknown): string {
  const needs = "Chrome 91, Firefox 89, Safari 16.4, Node 16.4, Deno 1.9, Bun 1.0 and later have it";
  if (typeof WebAssembly === "undefined") {
    return `isotone needs WebAssembly with SIMD (${needs}); this host has no WebAssembly, or has it switched off`;
  }
  let simd = true;
  try {
    simd = WebAssembly.validate(Uint8Array.from(SIMD));
  } catch {
    // a host that refuses even to validate
  }
  if (!simd) return `isotone needs WebAssembly SIMD (${needs}); this host has WebAssembly without it`;
  return (
    `this host refuses to compile WebAssembly from bytes (${(cause as Error)?.message ?? cause}). In a page: add 'wasm-unsafe-eval' to ` +
    'script-src of the Content-Security-Policy. In workerd or an edge runtime: bundle with the export condition "workerd" or "edge-light". ' +
    "Elsewhere: compile isotone/kernels.wasm (isotone/predict.wasm for isotone/predict) as the host allows and pass it as the option { module }"
  );
}

/** Checks what came from the host: an import of a .wasm file may give anything, depending on the bundler. */
export function checkModule(module: unknown, where: string): WasmModule {
  checkByteOrder();
  // by tag, not instanceof: the module may have been compiled in another realm
  if (tagOf(module) !== "WebAssembly.Module") throw typeError(where, "a WebAssembly.Module", module);
  return module as WasmModule;
}
