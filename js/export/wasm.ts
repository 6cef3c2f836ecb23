// A model as one WebAssembly module without imports. In: model data; out: bytes.
// The code is the same for every model (assembly/embedded.ts, compiled when isotone is built); the model becomes a data segment of it. So no
// compiler takes part here, only the sections of the binary format: https://webassembly.github.io/spec/core/binary/modules.html

import { EMBEDDED } from "../../build/embedded.text.js";
import { filled, packImage } from "../image.js";
import type { ModelData } from "../types.js";
import { toBytes } from "../wasm.text.js";
import { type Exportable, type ExportOptions, modelFor, residualsOf } from "./data.js";

/** Where assembly/embedded.ts reads: its own words, then the model. */
const HEAD = 2048;
const MODEL = HEAD + 64;
/** What the host has for rows and results without growing the memory. */
const FREE = 1 << 16;
const PAGE = 1 << 16;

const CUSTOM = 0;
const MEMORY = 5;
const EXPORTS = 7;
const DATA = 11;
const DATA_COUNT = 12;

/**
 * One WebAssembly module with the model inside: no imports, no allocation, the library's bits. Its interface (docs/export.md) is that of a C
 * library: `buffer()` is the first free byte of `memory`; write rows of `features()` float32 there, a category by its index, a missing value as
 * NaN; `predict(row)` gives the prediction, `predict_many(rows, n, out)` writes n of them, `sensitivity(row, out)` and `sensitivity_many` the
 * partial derivatives, `quantile(row, p)` and `interval(row, coverage, out)` are there where the model has them. A row that the library would
 * refuse gives NaN. The custom section `isotone` holds names, categories and constraints as JSON. Needs a host with fixed-width SIMD.
 *
 * @param model a model, its data, or the text of a model file
 * @throws ModelFormatError when it is none of these
 * @example
 * ```ts
 * import { toWasm } from "isotone/export";
 * await writeFile("model.wasm", toWasm(model));
 * ```
 */
export function toWasm(model: Exportable, options: ExportOptions = {}): Uint8Array<ArrayBuffer> {
  const data = modelFor(model, options, "toWasm");
  const { segments, free } = memoryOf(data);
  const absent = new Set<string>();
  if (!data.inputs.some((input) => input.transform === "level")) absent.add("quantile");
  if (residualsOf(data).length === 0) absent.add("interval");

  const code = toBytes(EMBEDDED);
  const out: ArrayLike<number>[] = [code.subarray(0, 8)];
  for (let at = 8; at < code.length; ) {
    const id = code[at];
    const [size, from] = readNumber(code, at + 1);
    at = from + size;
    const body = code.subarray(from, at);
    if (id === MEMORY) out.push(section(id, [[1, 0], number(Math.ceil((free + FREE) / PAGE))]));
    else if (id === EXPORTS) out.push(section(id, [keptExports(body, absent)]));
    else if (id === DATA_COUNT) out.push(section(id, [number(readNumber(body, 0)[0] + segments.length)]));
    else if (id === DATA) {
      const [count, rest] = readNumber(body, 0);
      const own = segments.flatMap(([address, bytes]) => activeSegment(address, bytes));
      out.push(section(id, [number(count + segments.length), body.subarray(rest), ...own]));
    } else out.push(section(id, [body]));
  }
  const utf8 = new TextEncoder();
  const name = utf8.encode("isotone");
  out.push(section(CUSTOM, [number(name.length), name, utf8.encode(description(data))]));
  return joined(out);
}

/** Names and kinds, for hosts that make rows: what a JSON reader needs, without the weights. */
function description(data: ModelData): string {
  const { target, loss, features } = data;
  return JSON.stringify({ target, loss, features });
}

/** The memory from HEAD on as assembly/embedded.ts expects it, as [address, bytes], and the first byte behind all that it uses. */
function memoryOf(data: ModelData): { segments: [number, Uint8Array][]; free: number } {
  const { features } = data;
  const image = packImage({ ...data, networks: filled(data.networks) });
  const residuals = residualsOf(data);
  const points = data.calibration ? [...data.calibration, [1, 1]] : [];
  const row = image.row * 4;
  let end = MODEL + image.size;
  const take = (bytes: number) => {
    const at = (end + 15) & ~15;
    end = at + bytes;
    return at;
  };
  const checks = take(features.length * 4);
  const calibration = take(points.length * 16);
  const errors = take(residuals.length * 8);
  const tablesEnd = take(0);
  // the kernels may read up to four vectors past the last row
  const rows = take(8 * row + 64);
  const slopes = take(8 * row + 64);
  const free = take(0);

  const head = new Uint8Array(MODEL - HEAD + image.bytes.length);
  const words = new DataView(head.buffer);
  const held = data.training.heldOut?.model.rows ?? residuals.length;
  [features.length, checks, calibration, points.length, free, rows, slopes, errors, residuals.length, held].forEach(
    (value, w) => {
      words.setInt32(w * 4, value, true);
    },
  );
  words.setFloat64(40, data.training.zero ?? 0, true);
  head.set(image.bytes, MODEL - HEAD);
  const tables = new Uint8Array(tablesEnd - checks);
  const view = new DataView(tables.buffer);
  features.forEach((feature, f) => {
    const count = feature.categories?.length ?? 0;
    view.setInt32(f * 4, (count << 1) | (feature.missing === "error" ? 0 : 1), true);
  });
  points.flat().forEach((value, k) => {
    view.setFloat64(calibration - checks + k * 8, value, true);
  });
  residuals.forEach((value, k) => {
    view.setFloat64(errors - checks + k * 8, value, true);
  });
  return {
    segments: [
      [HEAD, head],
      [checks, tables],
    ],
    free,
  };
}

/** The entries of an export section, without those named. */
function keptExports(body: Uint8Array, absent: ReadonlySet<string>): number[] {
  let [count, at] = readNumber(body, 0);
  const kept: number[] = [];
  let left = 0;
  for (; count > 0; count--) {
    const from = at;
    const [length, start] = readNumber(body, at);
    const name = new TextDecoder().decode(body.subarray(start, start + length));
    at = readNumber(body, start + length + 1)[1];
    if (absent.has(name)) continue;
    kept.push(...body.subarray(from, at));
    left++;
  }
  return [...number(left), ...kept];
}

function section(id: number, parts: readonly ArrayLike<number>[]): Uint8Array {
  const body = joined(parts);
  return joined([[id], number(body.length), body]);
}

/** Bytes that are in memory from the start: `(data (i32.const address) bytes)`. */
function activeSegment(address: number, bytes: Uint8Array): ArrayLike<number>[] {
  const I32_CONST = 0x41;
  const END = 0x0b;
  return [[0, I32_CONST], signedNumber(address), [END], number(bytes.length), bytes];
}

function joined(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** LEB128, unsigned. */
function number(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...number(value >>> 7)];
}

/** LEB128, signed, of a number that is not negative. */
function signedNumber(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signedNumber(value >>> 7)];
}

/** An unsigned LEB128 number at `at`, and the place behind it. */
function readNumber(bytes: Uint8Array, at: number): [number, number] {
  const low = bytes[at] & 127;
  if (bytes[at] < 128) return [low, at + 1];
  const [high, end] = readNumber(bytes, at + 1);
  return [low + high * 128, end];
}
