// The text form of a module back to its bytes. In: the text that scripts/build.mjs made; out: bytes.

/** One byte a character from code 35 on, less 3; codes 125 and 126 add 90 and 180 to the next. See toText in scripts/build.mjs. */
export function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    let value = -38;
    if (code > 124) {
      value += (code - 124) * 90;
      code = text.charCodeAt(++i);
    }
    bytes[n++] = value + (code === 33 ? 92 : code === 32 ? 60 : code);
  }
  return bytes.subarray(0, n);
}
