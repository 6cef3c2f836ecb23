// Text files as streams. In: a path or "-" (stdin), plain or gzipped; out: pieces of checked UTF-8, none of which cuts a character in two.

import { isUtf8 } from "node:buffer";
import { createReadStream, open } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { promisify } from "node:util";
import { createGunzip } from "node:zlib";
import { checkStart, holdsNul, notText } from "../cells.js";
import { fileError, InputError } from "./errors.js";
import { say } from "./output.js";

/** The text of a file; `name` is what messages call it. */
export function openText(path: string, name: string): AsyncGenerator<Uint8Array> {
  return checkedText(name, bytes(path));
}

/** The first character of a text that is no white space, where it has one, and the text with nothing taken from it. */
export async function startOf(
  text: AsyncGenerator<Uint8Array>,
): Promise<{ first: string | undefined; text: AsyncGenerator<Uint8Array> }> {
  const read: Uint8Array[] = [];
  const decoder = new TextDecoder();
  let first: string | undefined;
  while (first === undefined) {
    const { done, value } = await text.next();
    if (done) break;
    read.push(value);
    first = decoder.decode(value, { stream: true }).trimStart()[0];
  }
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield* read;
    yield* text;
  }
  return { first, text: whole() };
}

/** What a pipe gives as it comes; a read of a file would hold a thread, and with it the process, until the pipe gives more. */
async function openPipe(path: string): Promise<AsyncIterable<Uint8Array>> {
  const { Socket } = await import("node:net");
  const fd = await promisify(open)(path, "r");
  return new Socket({ fd, readable: true, writable: false });
}

/** The bytes of a file or a pipe ("-": stdin). */
async function* bytes(path: string): AsyncGenerator<Uint8Array> {
  if (path === "-" && process.stdin.isTTY) say("reading from the terminal; end with Ctrl-D");
  try {
    const piped = path !== "-" && (await stat(path)).isFIFO();
    const source =
      path === "-" ? process.stdin : piped ? await openPipe(path) : createReadStream(path, { highWaterMark: 1 << 15 });
    for await (const chunk of source) yield chunk as Uint8Array;
  } catch (error) {
    throw fileError("read", path === "-" ? "stdin" : path, error);
  }
}

/** Unpacks gzip and refuses what is not UTF-8. */
async function* checkedText(name: string, source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  const first = await source.next();
  if (first.done) return;
  const start = first.value;
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield start;
    yield* source;
  }
  checkStart(name, start);
  const packed = start[0] === 0x1f && start[1] === 0x8b;
  let text: AsyncIterable<Uint8Array> = whole();
  if (packed) {
    const gunzip = createGunzip();
    pipeline(Readable.from(whole()), gunzip, () => {});
    text = gunzip;
  }
  let rest: Uint8Array = new Uint8Array(0);
  try {
    for await (const chunk of text) {
      const joined = rest.length > 0 ? join(rest, chunk) : chunk;
      const end = completeEnd(joined);
      const part = joined.subarray(0, end);
      if (!isUtf8(part)) throw notText(name);
      if (part.includes(0)) throw holdsNul(name);
      rest = joined.subarray(end);
      yield part;
    }
  } catch (error) {
    if (error instanceof InputError || !packed) throw error;
    throw new InputError(`cannot unpack ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (rest.length > 0) throw notText(name);
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Where the last complete UTF-8 character ends. */
function completeEnd(chunk: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? chunk.length - back : chunk.length;
    }
  }
  return chunk.length;
}
