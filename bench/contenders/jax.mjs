// jax-js on its WebAssembly device, one thread: the step (forward, gradient, Adam) compiled as one by jit, as its users write it.
// Every array is consumed by the function it is passed to; `.ref` keeps it for another use.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../rivals/package.json", import.meta.url));

export async function create() {
  // its worker threads need SharedArrayBuffer: without it everything stays on this thread
  globalThis.SharedArrayBuffer = undefined;
  const entry = require.resolve("@jax-js/jax").replace(/\.cjs$/, ".js");
  const { defaultDevice, init, jit, numpy: np, valueAndGrad } = await import(pathToFileURL(entry).href);
  await init("wasm");
  defaultDevice("wasm");

  /** Rows (n, inputs), weights (inputs, planes) and biases to predictions (n). */
  const apply = (w, weight, bias, x) => {
    const own = w.networks * w.groups * w.hyperplanes;
    const a = np.matmul(x, weight).add(bias);
    const part = (from, to) => a.ref.slice([], [from, to]);
    const shape = [-1, w.networks, w.groups, w.hyperplanes];
    const f = np.sum(np.min(np.max((w.linear ? part(0, own) : a.ref).reshape(shape), 3), 2), 1);
    const all = w.linear ? f.add(part(own, own + 1).reshape([-1])) : f;
    a.dispose();
    return all;
  };

  const transposed = (values, inputs) => {
    const planes = values.length / inputs;
    const out = new Float32Array(values.length);
    for (let p = 0; p < planes; p++) for (let i = 0; i < inputs; i++) out[i * planes + p] = values[p * inputs + i];
    return out;
  };
  const matrix = (values, rows) => np.array(values).reshape([rows, values.length / rows]);

  let task;
  let ordered;
  let targets;
  let state;
  let step;
  let count;
  let batches;
  let model;

  /** z, b and their moments after one step; rates with Adam's corrections come in, so that jit compiles once. */
  function makeStep(w) {
    const loss = ({ z, b }, x, y) => np.mean(np.square(apply(w, np.exp(z), b, x).sub(y)));
    return jit((p, m, v, x, y, rate, unbias) => {
      const [value, g] = valueAndGrad(loss)({ z: p.z.ref, b: p.b.ref }, x, y);
      const next = { p: {}, m: {}, v: {} };
      for (const k of ["z", "b"]) {
        next.m[k] = m[k].mul(0.9).add(g[k].ref.mul(0.1));
        next.v[k] = v[k].mul(0.999).add(np.square(g[k]).mul(0.001));
        const move = next.m[k].ref.mul(rate.ref).div(np.sqrt(next.v[k].ref.mul(unbias.ref)).add(2e-8));
        next.p[k] = p[k].sub(move);
      }
      rate.dispose();
      unbias.dispose();
      return { value, ...next };
    });
  }

  return {
    load(w) {
      task = w;
      ordered = new Float32Array(w.rows * w.inputs);
      targets = new Float32Array(w.rows);
      for (let s = 0; s < w.rows; s++) {
        ordered.set(w.x.subarray(w.order[s] * w.inputs, (w.order[s] + 1) * w.inputs), s * w.inputs);
        targets[s] = w.y[w.order[s]];
      }
      batches = undefined;
      step = makeStep(w);
      return { "jax-js": JSON.parse(readFileSync(join(dirname(entry), "../package.json"), "utf8")).version };
    },
    start() {
      const z = transposed(task.z, task.inputs);
      const zeros = () => ({
        z: matrix(new Float32Array(z.length), task.inputs),
        b: np.array(new Float32Array(task.planes)),
      });
      state = { p: { z: matrix(z, task.inputs), b: np.array(task.b.slice()) }, m: zeros(), v: zeros() };
      count = 0;
    },
    async train({ steps, batch, rate }) {
      if (batches?.size !== batch) {
        batches = [];
        batches.size = batch;
        for (let from = 0; from + batch <= task.rows; from += batch) {
          batches.push({
            x: matrix(ordered.slice(from * task.inputs, (from + batch) * task.inputs), batch),
            y: np.array(targets.slice(from, from + batch)),
          });
        }
      }
      let loss = 0;
      const begin = performance.now();
      for (let t = 0; t < steps; t++) {
        const { x, y } = batches[count % batches.length];
        count++;
        const scaled = np.array(rate / (1 - 0.9 ** count));
        const unbias = np.array(1 / (1 - 0.999 ** count));
        const { value, ...next } = step(state.p, state.m, state.v, x.ref, y.ref, scaled, unbias);
        state = next;
        if (t === steps - 1) loss = (await value.data())[0];
        else value.dispose();
      }
      return { ms: performance.now() - begin, loss };
    },
    async parameters() {
      const z = await state.p.z.ref.data();
      return { z: transposed(z, task.planes), b: await state.p.b.ref.data() };
    },
    model(m) {
      model = { ...m, weight: matrix(transposed(m.w, m.inputs), m.inputs), bias: np.array(m.b.slice()) };
      model.apply = jit((weight, bias, x) => apply(m, weight, bias, x));
    },
    async predict() {
      const { weight, bias, rows } = model;
      const begin = performance.now();
      const values = await model.apply(weight.ref, bias.ref, matrix(model.x, rows)).data();
      return { ms: performance.now() - begin, values };
    },
    async row({ count: calls }) {
      const { weight, bias, inputs, rows } = model;
      let sum = 0;
      const begin = performance.now();
      for (let r = 0; r < calls; r++) {
        const at = (r % rows) * inputs;
        const x = matrix(model.x.slice(at, at + inputs), 1);
        sum += (await model.apply(weight.ref, bias.ref, x).data())[0];
      }
      return { ns: ((performance.now() - begin) * 1e6) / calls, sum };
    },
  };
}
