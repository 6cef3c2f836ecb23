// TensorFlow.js, wasm and cpu backends, as a skilled user writes it. Variants: "wasm" and "cpu" train with
// optimizer.minimize (autograd under tf.tidy); "wasm-sparse" and "cpu-sparse" derive the gradients by hand, scatter them to the
// active planes only, and call optimizer.applyGradients. Every batch is a tensor made beforehand (a slice of a long one takes longer).
// Weights are (inputs, planes): the wasm backend's fast matMul takes no transposed operand. Rows are repeated for several
// networks with gather: tile takes forty times as long there.
import { createRequire } from "node:module";
import { dirname } from "node:path";

const require = createRequire(new URL("../rivals/package.json", import.meta.url));

export async function create(variant = "wasm") {
  const [backend, sparse] = variant.split("-");
  const tf = require("@tensorflow/tfjs");
  if (backend === "wasm") {
    const wasm = require("@tensorflow/tfjs-backend-wasm");
    wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  }
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs has no backend ${backend}`);
  await tf.ready();
  tf.enableProdMode();

  let task;
  let ordered; // rows in training order
  let targets;
  let batches; // { x, y } of each step of an epoch
  let variables; // z (inputs, planes) and b (planes) of the networks; zl (inputs, 1) and bl (1) of the linear plane
  let optimizer;
  let step;
  let constants; // index tensors for the current number of rows
  let model;

  const hinges = (w) => w.networks * w.groups * w.hyperplanes;
  /** (planes, inputs) to (inputs, planes). */
  const transposed = (values, inputs) =>
    tf.tidy(() => tf.tensor2d(values, [values.length / inputs, inputs]).transpose());

  /** Rows (n, inputs) to predictions (n). */
  function forward(w, p, x) {
    const n = x.shape[0];
    const a = x.matMul(p.weight).add(p.b);
    let f = a
      .reshape([n * w.networks, w.groups, w.hyperplanes])
      .max(2)
      .min(1);
    if (w.networks > 1) f = f.reshape([n, w.networks]).sum(1);
    return w.linear ? f.add(x.matMul(p.linear).add(p.bl).reshape([n])) : f;
  }

  /** For n rows: the first group of each (row, network), the first plane of each network, the row of each (row, network). */
  function indices(w, n) {
    if (constants?.n !== n || constants.w !== w) {
      const int = (f) =>
        tf.keep(
          tf.tensor1d(
            Int32Array.from({ length: n * w.networks }, (_, i) => f(i)),
            "int32",
          ),
        );
      const { networks, groups, hyperplanes } = w;
      constants = {
        n,
        w,
        firstGroup: int((i) => i * groups),
        firstPlane: int((i) => (i % networks) * groups * hyperplanes),
        row: int((i) => Math.floor(i / networks)),
        hyperplanes: tf.keep(tf.scalar(hyperplanes, "int32")),
      };
    }
    return constants;
  }

  /** Rows (n, inputs) to predictions (n) and the active planes (n * networks), int32. */
  function forwardActive(w, p, x) {
    const n = x.shape[0];
    const { networks, groups, hyperplanes } = w;
    const at = indices(w, n);
    const a = x
      .matMul(p.weight)
      .add(p.b)
      .reshape([n * networks * groups, hyperplanes]);
    const tops = a.max(1).reshape([n * networks, groups]);
    const k = tops.argMin(1);
    const j = a.gather(at.firstGroup.add(k)).argMax(1);
    let planes = k.mul(at.hyperplanes).add(j);
    let f = tops.min(1);
    if (networks > 1) {
      planes = planes.add(at.firstPlane);
      f = f.reshape([n, networks]).sum(1);
    }
    if (w.linear) f = f.add(x.matMul(p.linear).add(p.bl).reshape([n]));
    return { f, planes };
  }

  function gradients(w, x, y) {
    const n = x.shape[0];
    const weight = variables.z.exp();
    const linear = w.linear ? variables.zl.exp() : undefined;
    const { f, planes } = forwardActive(w, { weight, b: variables.b, linear, bl: variables.bl }, x);
    const residual = f.sub(y);
    const d = residual.mul(2 / n).reshape([n, 1]);
    const perRow = x.mul(d);
    const index = planes.reshape([n * w.networks, 1]);
    const repeat = (rows) => (w.networks > 1 ? rows.gather(indices(w, n).row) : rows);
    const dw = tf.scatterND(index, repeat(perRow), [hinges(w), w.inputs]);
    const db = tf.scatterND(index, repeat(d), [hinges(w), 1]);
    const all = { [variables.z.name]: dw.transpose().mul(weight), [variables.b.name]: db.reshape([hinges(w)]) };
    if (w.linear) {
      all[variables.zl.name] = perRow.sum(0).reshape([w.inputs, 1]).mul(linear);
      all[variables.bl.name] = d.sum(0);
    }
    return { loss: residual.square().mean(), all };
  }

  function makeBatches(size) {
    for (const { x, y } of batches ?? []) {
      x.dispose();
      y.dispose();
    }
    const { inputs, rows } = task;
    batches = [];
    batches.size = size;
    for (let from = 0; from + size <= rows; from += size) {
      const x = tf.tensor2d(ordered.slice(from * inputs, (from + size) * inputs), [size, inputs]);
      batches.push({ x, y: tf.tensor1d(targets.slice(from, from + size)) });
    }
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
      return { tfjs: tf.version_core };
    },
    start() {
      for (const variable of Object.values(variables ?? {})) variable.dispose();
      optimizer?.dispose();
      const own = hinges(task);
      variables = {
        z: tf.variable(transposed(task.z.slice(0, own * task.inputs), task.inputs)),
        b: tf.variable(tf.tensor1d(task.b.slice(0, own))),
      };
      if (task.linear) {
        variables.zl = tf.variable(transposed(task.z.slice(own * task.inputs), task.inputs));
        variables.bl = tf.variable(tf.tensor1d(task.b.slice(own)));
      }
      optimizer = tf.train.adam(0.01, 0.9, 0.999, 2e-8); // twice 1e-8: the library halves its squares, and so its gradient
      step = 0;
    },
    train({ steps, batch, rate }) {
      if (batches?.size !== batch) makeBatches(batch);
      const list = Object.values(variables);
      const { z, b, zl, bl } = variables;
      optimizer.learningRate = rate;
      let loss = 0;
      const begin = performance.now();
      for (let t = 0; t < steps; t++, step++) {
        const { x, y } = batches[step % batches.length];
        const last = t === steps - 1;
        tf.tidy(() => {
          let value;
          if (sparse) {
            const g = gradients(task, x, y);
            optimizer.applyGradients(g.all);
            value = g.loss;
          } else {
            const parameters = () => ({ weight: z.exp(), b, linear: zl?.exp(), bl });
            value = optimizer.minimize(() => forward(task, parameters(), x).sub(y).square().mean(), true, list);
          }
          if (last) loss = value.dataSync()[0];
        });
      }
      return { ms: performance.now() - begin, loss };
    },
    parameters() {
      const { z, b, zl, bl } = variables;
      const values = (v) => [...tf.tidy(() => (v.rank === 2 ? v.transpose() : v).dataSync())];
      return { z: values(z).concat(zl ? values(zl) : []), b: values(b).concat(bl ? values(bl) : []) };
    },
    model(m) {
      const own = hinges(m);
      model = {
        ...m,
        weight: transposed(m.w.slice(0, own * m.inputs), m.inputs),
        byPlane: tf.tensor2d(m.w.slice(0, own * m.inputs), [own, m.inputs]),
        b: tf.tensor1d(m.b.slice(0, own)),
      };
      if (m.linear) {
        model.linear = transposed(m.w.slice(own * m.inputs), m.inputs);
        model.bl = tf.tensor1d(m.b.slice(own));
      }
    },
    predict() {
      const begin = performance.now();
      const values = tf.tidy(() => forward(model, model, tf.tensor2d(model.x, [model.rows, model.inputs])).dataSync());
      return { ms: performance.now() - begin, values };
    },
    row({ count }) {
      let sum = 0;
      const begin = performance.now();
      for (let r = 0; r < count; r++) {
        const at = (r % model.rows) * model.inputs;
        sum += tf.tidy(() => {
          const x = tf.tensor2d(model.x.subarray(at, at + model.inputs), [1, model.inputs]);
          return forward(model, model, x).dataSync()[0];
        });
      }
      return { ns: ((performance.now() - begin) * 1e6) / count, sum };
    },
    /** "sparse": gather the active planes' weights; otherwise autograd of the summed predictions. */
    sensitivity() {
      const begin = performance.now();
      const values = tf.tidy(() => {
        const x = tf.tensor2d(model.x, [model.rows, model.inputs]);
        if (!sparse)
          return tf
            .grad((v) => forward(model, model, v).sum())(x)
            .dataSync();
        let g = model.byPlane.gather(forwardActive(model, model, x).planes);
        if (model.networks > 1) g = g.reshape([model.rows, model.networks, model.inputs]).sum(1);
        return (model.linear ? g.add(model.linear.reshape([1, model.inputs])) : g).dataSync();
      });
      return { ms: performance.now() - begin, values };
    },
  };
}
