// ONNX Runtime, one thread, the graph of lib/onnx.mjs. Variants: "web" (its WebAssembly build with SIMD), "node" (native).
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { minMaxOnnx } from "../lib/onnx.mjs";

const require = createRequire(new URL("../rivals/package.json", import.meta.url));

export async function create(variant = "web") {
  const ort = require(variant === "web" ? "onnxruntime-web" : "onnxruntime-node");
  if (variant === "web") {
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = pathToFileURL(`${dirname(require.resolve("onnxruntime-web"))}/`).href;
  }
  let model;
  let session;
  return {
    load: () => ({ [`onnxruntime-${variant}`]: ort.env.versions?.[variant] ?? ort.env.versions?.common ?? "" }),
    async model(m) {
      model = m;
      await session?.release();
      session = await ort.InferenceSession.create(minMaxOnnx(m), {
        executionProviders: [variant === "web" ? "wasm" : "cpu"],
        graphOptimizationLevel: "all",
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
      });
    },
    async predict() {
      const begin = performance.now();
      const { y } = await session.run({ x: new ort.Tensor("float32", model.x, [model.rows, model.inputs]) });
      const values = y.data;
      return { ms: performance.now() - begin, values };
    },
    async row({ count }) {
      let sum = 0;
      const begin = performance.now();
      for (let r = 0; r < count; r++) {
        const at = (r % model.rows) * model.inputs;
        const x = new ort.Tensor("float32", model.x.subarray(at, at + model.inputs), [1, model.inputs]);
        sum += (await session.run({ x })).y.data[0];
      }
      return { ns: ((performance.now() - begin) * 1e6) / count, sum };
    },
  };
}
