// Bytes to a compiled module, once, at first use. In: base64 text; out: a function that gives the module.
// Synchronous, so that no host has to wait on a promise to predict: 20 kB compile in about a millisecond.

/** Compiles `base64` at the first call. */
export function lazyModule(base64: string): () => WebAssembly.Module {
  let module: WebAssembly.Module | undefined;
  return () => {
    if (module === undefined) {
      const text = atob(base64);
      const bytes = new Uint8Array(text.length);
      for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
      module = new WebAssembly.Module(bytes);
    }
    return module;
  };
}
