// What an exported model costs beside the library: one row a call and many, as an ES module, as a WebAssembly module and as ONNX graphs.
// Rows and models are made up here; predictions are compared bit for bit before anything is timed (the graph that is not exact: to 1e-5).
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { toModule, toONNX, toWasm } from "../../dist/export.js";
import { fit } from "../../dist/index.js";
import { normal } from "../lib/random.mjs";
import { print, rounds } from "../lib/rounds.mjs";

const D = 10;
const TRAIN = 2000;
const ROWS = 512;
/** Rows of one sample of single calls: short, so that most samples fall between two turns of other programs. */
const SLICE = 64;

function normals(count, seed) {
  const next = normal(seed);
  return Float32Array.from({ length: count }, next);
}

async function train(members) {
  const x = normals(TRAIN * D, 5);
  const columns = { y: new Float64Array(TRAIN) };
  for (let i = 0; i < D; i++) columns[`x${i}`] = Float64Array.from({ length: TRAIN }, (_, r) => x[r * D + i]);
  for (let r = 0; r < TRAIN; r++)
    for (let i = 0; i < D; i++) columns.y[r] += Math.max(x[r * D + i], (i - 5) / 5) * (1 + (i % 3));
  return fit(columns, { target: "y", members, epochs: 20 });
}

/** onnxruntime-node of tests/exports, when it is installed there. */
function runtime() {
  try {
    return createRequire(new URL("../../tests/exports/package.json", import.meta.url))("onnxruntime-node");
  } catch {
    console.error("onnxruntime-node is not installed (node tests/exports/run.mjs --install): left out");
    return undefined;
  }
}

function same(name, got, expected, tolerance = 0) {
  for (let r = 0; r < expected.length; r++) {
    const ok = tolerance
      ? Math.abs(got[r] - expected[r]) <= tolerance * Math.abs(expected[r]) + tolerance
      : got[r] === expected[r];
    if (!ok) throw new Error(`${name}: row ${r} is ${got[r]}, not ${expected[r]}`);
  }
}

async function one(title, model, ort) {
  const flat = normals(ROWS * D, 6);
  const arrays = Array.from({ length: ROWS }, (_, r) => flat.subarray(r * D, (r + 1) * D));
  const objects = arrays.map((row) => Object.fromEntries(model.features.map(({ name }, f) => [name, row[f]])));
  const expected = model.predictMany(flat);

  const text = toModule(model);
  const file = join(tmpdir(), `isotone-bench-${process.pid}-${model.toJSON().networks.length}.mjs`);
  await writeFile(file, text);
  const module = await import(pathToFileURL(file).href);
  same("module", module.predictMany(flat), expected);

  const bytes = toWasm(model);
  const wasm = (await WebAssembly.instantiate(bytes)).instance.exports;
  const at = wasm.buffer();
  const out = at + flat.byteLength;
  const missing = out + ROWS * 4 - wasm.memory.buffer.byteLength;
  if (missing > 0) wasm.memory.grow(Math.ceil(missing / 65536));
  const memory = new Float32Array(wasm.memory.buffer);
  memory.set(flat, at / 4);
  wasm.predict_many(at, ROWS, out);
  same("wasm", memory.subarray(out / 4, out / 4 + ROWS), expected);

  // the sum is used, so that no call can be dropped
  let sum = 0;
  let from = 0;
  const each = (name, label, call) => ({
    name,
    label,
    warm: 400,
    async run() {
      from = (from + SLICE) % ROWS;
      const begin = performance.now();
      for (let r = from; r < from + SLICE; r++) sum += call(r);
      return ((performance.now() - begin) * 1e6) / SLICE;
    },
  });
  const row = await rounds(
    [
      each("library", "library, row as array", (r) => model.predict(arrays[r])),
      each("module", "ES module, row as array", (r) => module.predict(arrays[r])),
      each("library objects", "library, row as object", (r) => model.predict(objects[r])),
      each("module objects", "ES module, row as object", (r) => module.predict(objects[r])),
      each("wasm", "wasm module, row in memory", (r) => wasm.predict(at + r * D * 4)),
    ],
    501,
  );
  print(`${title}: ns a row, one a call`, row, "ns");

  const whole = (name, label, call) => ({
    name,
    label,
    warm: 400,
    async run() {
      const begin = performance.now();
      sum += (await call()) ?? 0;
      return ((performance.now() - begin) * 1e6) / ROWS;
    },
  });
  const jobs = [
    whole("library", "library", () => model.predictMany(flat)[0]),
    whole("module", "ES module", () => module.predictMany(flat)[0]),
    whole("wasm", "wasm module, rows in memory", () => wasm.predict_many(at, ROWS, out)),
  ];
  if (ort) {
    for (const exact of [true, false]) {
      const options = { intraOpNumThreads: 1, logSeverityLevel: 3 };
      const session = await ort.InferenceSession.create(toONNX(model, { exact }), options);
      const run = async () => (await session.run({ rows: new ort.Tensor("float32", flat, [ROWS, D]) })).prediction.data;
      same("onnx", await run(), expected, exact ? 0 : 1e-5);
      jobs.push(whole(`onnx ${exact}`, `onnxruntime-node${exact ? "" : ", not exact"}`, async () => (await run())[0]));
    }
  }
  const many = await rounds(jobs, 101);
  print(`${title}: ns a row, ${ROWS} at once`, many, "ns");
  if (!Number.isFinite(sum)) throw new Error("no sum");
  const kB = (data) =>
    `${(data.length / 1000).toFixed(1)} kB (${(gzipSync(data, { level: 9 }).length / 1000).toFixed(1)} gz)`;
  console.log(`  ES module ${kB(Buffer.from(text))}, wasm ${kB(bytes)}, ONNX ${kB(toONNX(model))}`);
  return { title, row, many };
}

export async function benchModule() {
  const ort = runtime();
  return [
    await one("A plane and 16 networks of 4 x 4, 10 inputs", await train(1), ort),
    await one("Default fit (4 members: 1,025 planes), 10 inputs", await train(4), ort),
  ];
}
