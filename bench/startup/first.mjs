// One start: import, load a model, predict one row. node first.mjs <contender> <folder> [model]; prints { import, first, value } as JSON.
// Everyone gets what its user would have at hand: isotone the model file's text, tfjs the weights, onnxruntime the bytes of a graph.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [name, folder, model = "model"] = process.argv.slice(2);
const require = createRequire(new URL("../rivals/package.json", import.meta.url));
const bytes = (file) => {
  const buffer = readFileSync(join(folder, file));
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
};
const sizes = JSON.parse(readFileSync(join(folder, "sizes.json"), "utf8"));
const { inputs, groups, hyperplanes } = sizes;
const row = new Float32Array(bytes("x"), 0, inputs);
const planes = groups * hyperplanes;

const ways = {
  async empty() {
    const begin = performance.now();
    await import("./empty.mjs");
    return { begin, imported: performance.now(), value: 0 };
  },
  async module() {
    const values = [...row];
    const begin = performance.now();
    const { predict } = await import(pathToFileURL(join(folder, `${model}.mjs`)).href);
    const imported = performance.now();
    return { begin, imported, value: predict(values) };
  },
  predict: () => own("predict.js"),
  isotone: () => own("index.js"),
  async tfjs() {
    const w = new Float32Array(bytes("model.w"));
    const b = new Float32Array(bytes("model.b"));
    const paths = [require.resolve("@tensorflow/tfjs-core"), require.resolve("@tensorflow/tfjs-backend-wasm")];
    const begin = performance.now();
    const tf = await import(pathToFileURL(paths[0]).href);
    const wasm = await import(pathToFileURL(paths[1]).href);
    const imported = performance.now();
    const { setWasmPaths } = wasm.default ?? wasm;
    setWasmPaths(`${dirname(paths[1])}/`);
    const { matMul, max, min, add, reshape, tensor1d, tensor2d, setBackend, ready } = tf.default ?? tf;
    await setBackend("wasm");
    await ready();
    const a = add(matMul(tensor2d(row, [1, inputs]), tensor2d(w, [planes, inputs]), false, true), tensor1d(b));
    const value = min(max(reshape(a, [groups, hyperplanes]), 1)).dataSync()[0];
    return { begin, imported, value };
  },
  async ort() {
    const { minMaxOnnx } = await import("../lib/onnx.mjs");
    const w = new Float32Array(bytes("model.w"));
    const b = new Float32Array(bytes("model.b"));
    const graph = minMaxOnnx({ ...sizes, w, b });
    const path = require.resolve("onnxruntime-web");
    const begin = performance.now();
    const module = await import(pathToFileURL(path).href);
    const imported = performance.now();
    const ort = module.default ?? module;
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = pathToFileURL(`${dirname(path)}/`).href;
    const session = await ort.InferenceSession.create(graph, { executionProviders: ["wasm"] });
    const { y } = await session.run({ x: new ort.Tensor("float32", row, [1, inputs]) });
    return { begin, imported, value: y.data[0] };
  },
};

async function own(entry) {
  const text = readFileSync(join(folder, `${model}.json`), "utf8");
  const values = [...row];
  const begin = performance.now();
  const { load } = await import(`../../dist/${entry}`);
  const imported = performance.now();
  return { begin, imported, value: load(text).predict(values) };
}

const { begin, imported, value } = await ways[name]();
const end = performance.now();
console.log(JSON.stringify({ import: imported - begin, first: end - begin, value }));
process.exit(0);
