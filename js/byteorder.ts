// Whether the host counts bytes as the kernels do. In: nothing; out: an error where it does not.

/**
 * Memory of WebAssembly and the files of exports are little-endian everywhere, typed arrays as the processor is. IBM Z
 * (s390x), for one, is big-endian: every number would be read backwards. Modules by toModule have a way of their own there.
 */
export function checkByteOrder(): void {
  if (new Uint8Array(Float32Array.of(1).buffer)[0] > 0) throw new Error("isotone needs a little-endian host");
}
