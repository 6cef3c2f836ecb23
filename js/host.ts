// Types that the host declares, or not: a TypeScript project may have neither the DOM's types nor others that know WebAssembly.

type Global = typeof globalThis;

/** A compiled `WebAssembly.Module`. */
export type WasmModule = Global extends { WebAssembly: { Module: { prototype: infer M } } } ? M : object;

/** A `WebAssembly.Memory`. */
export type WasmMemory = Global extends { WebAssembly: { Memory: { prototype: infer M } } }
  ? M
  : { buffer: ArrayBuffer };

/** An `AbortSignal`. */
export type Signal = Global extends { AbortSignal: { prototype: infer S } } ? S : { readonly aborted: boolean };
