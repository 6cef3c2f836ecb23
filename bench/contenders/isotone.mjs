// The library itself. Timings go through its public functions (fit, predict, predictMany, sensitivityMany), all work included. Only the check
// against the reference steps the kernels by hand, because a user of the library cannot set starting weights or the order of rows.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fit, load } from "../../dist/index.js";

export async function create(variant) {
  const threads = variant === "threads" ? 2 : 1;
  let task;
  let columns;
  let check;
  let model;

  /** The kernels with the workload's rows, starting weights and order of rows. `total`: steps of the schedule. */
  function startKernels(batch, total, rate) {
    const module = new WebAssembly.Module(readFileSync(new URL("../../build/kernels.wasm", import.meta.url)));
    const wasm = new WebAssembly.Instance(module, {}).exports;
    const put = (values) => {
      const at = wasm.alloc(values.byteLength) >>> 0;
      new values.constructor(wasm.memory.buffer, at, values.length).set(values);
      return at;
    };
    const { inputs: d, rows, networks, groups, hyperplanes, linear, planes } = task;
    const shapes = [...(linear ? [1, 1] : []), ...Array.from({ length: networks }, () => [groups, hyperplanes]).flat()];
    const count = shapes.length / 2;
    // a shuffle moves before[shuffled[i]] to place i: start from the order that it turns into the wanted one
    const identity = put(Uint32Array.from({ length: rows }, (_, i) => i));
    wasm.seed(1, 1);
    wasm.shuffle(identity, rows);
    const shuffled = new Uint32Array(wasm.memory.buffer, identity, rows);
    // the kernels put each row's target beside its number
    const before = new Uint32Array(2 * rows);
    for (let i = 0; i < rows; i++) before[shuffled[i]] = task.order[i];
    const list = put(before);
    wasm.setData(put(task.x), put(task.y), 0, d, 0, 1);
    wasm.setNetworks(
      count,
      put(Int32Array.from(shapes)),
      put(new Float32Array(count).fill(1)),
      put(new Float32Array(count)),
      put(new Float32Array(d + 1).fill(1)),
      batch,
    );
    wasm.start(1, 1, put(new Float32Array(d + 1)), 0, 0.25, list, rows, 0, planes);
    const stride = (d + 4) & ~3;
    // `refresh` turns z into weights in place
    const z = new Float32Array(wasm.memory.buffer, wasm.slabW() >>> 0, planes * stride);
    // the workload keeps the plane of the sum last, the kernels first
    const place = (p) => (linear ? (p + 1) % planes : p) * stride;
    for (let p = 0; p < planes; p++) {
      z.set(task.z.subarray(p * d, (p + 1) * d), place(p));
      z[place(p) + d] = task.b[p];
    }
    wasm.refresh();
    wasm.begin(list, rows, batch, total, rate, 0, 0);
    wasm.seed(1, 1);
    return { wasm, place };
  }

  const options = () => ({
    target: "y",
    networks: task.networks,
    groups: task.groups,
    hyperplanes: task.hyperplanes,
    members: 1,
    validation: 0,
    learningRate: 0.01,
    seed: 1,
    threads,
  });

  return {
    load(w) {
      task = w;
      columns = { y: w.y };
      for (let i = 0; i < w.inputs; i++) {
        const column = new Float32Array(w.rows);
        for (let r = 0; r < w.rows; r++) column[r] = w.x[r * w.inputs + i];
        columns[`x${i}`] = column;
      }
      return { isotone: JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version };
    },
    start: () => {},
    /** Check: `steps` steps of the library's own schedule; gives the rates that it used, for the others to follow. */
    extra({ batch, steps, rate }) {
      const { wasm, place } = startKernels(batch, steps, rate);
      const rates = Array.from({ length: steps }, (_, t) => wasm.rateAt(t, steps, rate));
      let loss = 0;
      for (let t = 0; t < steps; t++) {
        wasm.advance(1);
        loss = 2 * wasm.meanLoss();
      }
      const { planes, inputs: d } = task;
      const slab = new Float32Array(wasm.memory.buffer, wasm.slabW() >>> 0, planes * ((d + 4) & ~3));
      check = { z: new Float32Array(planes * d), b: new Float32Array(planes) };
      for (let p = 0; p < planes; p++) {
        check.z.set(slab.subarray(place(p), place(p) + d).map(Math.log), p * d);
        check.b[p] = slab[place(p) + d];
      }
      return { rates, loss };
    },
    parameters: () => check,
    /** A whole `fit` of `epochs` passes. */
    async train({ epochs, batch }) {
      const begin = performance.now();
      await fit(columns, { ...options(), epochs, batch });
      return { ms: performance.now() - begin };
    },
    model(m) {
      model = load(readFileSync(join(m.folder, "model.json"), "utf8"));
      const rows = [];
      // as the others have them, or as a program that does not think of typed arrays would
      const kind = variant === "arrays" ? Array : Float32Array;
      for (let r = 0; r < Math.min(m.rows, 4096); r++)
        rows.push(kind.from(m.x.subarray(r * m.inputs, (r + 1) * m.inputs)));
      model = { ...model, rows, x: m.x };
    },
    predict() {
      const begin = performance.now();
      const values = model.predictMany(model.x);
      return { ms: performance.now() - begin, values };
    },
    row({ count }) {
      const { rows, predict } = model;
      let sum = 0;
      const begin = performance.now();
      for (let r = 0, k = 0; r < count; r++, k = k + 1 < rows.length ? k + 1 : 0) sum += predict(rows[k]);
      return { ns: ((performance.now() - begin) * 1e6) / count, sum };
    },
    sensitivity() {
      const begin = performance.now();
      const values = model.sensitivityMany(model.x);
      return { ms: performance.now() - begin, values };
    },
  };
}
