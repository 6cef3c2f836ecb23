// A plain JavaScript loop, as a careful programmer writes it: float64 typed arrays, one pass, gradient only to the active planes.

export async function create() {
  let task;
  let z;
  let weight;
  let b;
  let dz;
  let db;
  let mz;
  let vz;
  let mb;
  let vb;
  let step;
  let active;
  let xs; // rows in training order
  let ys;
  let model;

  function forward(w, weights, bias, x, at, out) {
    const d = w.inputs;
    let total = 0;
    let p = 0;
    for (let m = 0; m < w.networks; m++) {
      let least = Infinity;
      for (let k = 0; k < w.groups; k++) {
        let most = -Infinity;
        let best = 0;
        for (let j = 0; j < w.hyperplanes; j++, p++) {
          let a = bias[p];
          for (let i = 0, q = p * d; i < d; i++, q++) a += weights[q] * x[at + i];
          if (a > most) {
            most = a;
            best = p;
          }
        }
        if (most < least) {
          least = most;
          out[m] = best;
        }
      }
      total += least;
    }
    if (w.linear) {
      let a = bias[p];
      for (let i = 0; i < d; i++) a += weights[p * d + i] * x[at + i];
      out[w.networks] = p;
      total += a;
    }
    return total;
  }

  function adam(values, gradient, m, v, rate) {
    const unbias1 = 1 / (1 - 0.9 ** step);
    const unbias2 = 1 / (1 - 0.999 ** step);
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i];
      m[i] += 0.1 * (g - m[i]);
      v[i] += 0.001 * (g * g - v[i]);
      values[i] -= (rate * m[i] * unbias1) / (Math.sqrt(v[i] * unbias2) + 2e-8);
    }
  }

  return {
    load(w) {
      task = w;
      const d = w.inputs;
      xs = new Float64Array(w.rows * d);
      ys = new Float64Array(w.rows);
      for (let s = 0; s < w.rows; s++) {
        ys[s] = w.y[w.order[s]];
        for (let i = 0; i < d; i++) xs[s * d + i] = w.x[w.order[s] * d + i];
      }
      return { node: process.versions.node };
    },
    start() {
      z = Float64Array.from(task.z);
      b = Float64Array.from(task.b);
      weight = z.map(Math.exp);
      [dz, mz, vz] = [0, 0, 0].map(() => new Float64Array(z.length));
      [db, mb, vb] = [0, 0, 0].map(() => new Float64Array(b.length));
      active = new Int32Array(task.networks + 1);
      step = 0;
    },
    train({ steps, batch, rate }) {
      const d = task.inputs;
      const used = task.networks + (task.linear ? 1 : 0);
      const perEpoch = Math.floor(task.rows / batch);
      let loss = 0;
      const begin = performance.now();
      for (let t = 0; t < steps; t++) {
        const from = (step % perEpoch) * batch;
        dz.fill(0);
        db.fill(0);
        loss = 0;
        for (let s = from; s < from + batch; s++) {
          const residual = forward(task, weight, b, xs, s * d, active) - ys[s];
          loss += (residual * residual) / batch;
          const g = (2 * residual) / batch;
          for (let u = 0; u < used; u++) {
            const p = active[u];
            db[p] += g;
            for (let i = 0; i < d; i++) dz[p * d + i] += g * xs[s * d + i];
          }
        }
        for (let i = 0; i < dz.length; i++) dz[i] *= weight[i];
        step++;
        adam(z, dz, mz, vz, rate);
        adam(b, db, mb, vb, rate);
        for (let i = 0; i < z.length; i++) weight[i] = Math.exp(z[i]);
      }
      return { ms: performance.now() - begin, loss };
    },
    parameters: () => ({ z, b }),
    model(m) {
      model = { ...m, w: Float64Array.from(m.w), b: Float64Array.from(m.b) };
      active = new Int32Array(m.networks + 1);
    },
    predict() {
      const values = new Float32Array(model.rows);
      const begin = performance.now();
      for (let r = 0; r < model.rows; r++)
        values[r] = forward(model, model.w, model.b, model.x, r * model.inputs, active);
      return { ms: performance.now() - begin, values };
    },
    row({ count }) {
      let sum = 0;
      const begin = performance.now();
      for (let r = 0; r < count; r++) {
        sum += forward(model, model.w, model.b, model.x, (r % model.rows) * model.inputs, active);
      }
      return { ns: ((performance.now() - begin) * 1e6) / count, sum };
    },
    sensitivity() {
      const d = model.inputs;
      const values = new Float32Array(model.rows * d);
      const used = model.networks + (model.linear ? 1 : 0);
      const begin = performance.now();
      for (let r = 0; r < model.rows; r++) {
        forward(model, model.w, model.b, model.x, r * d, active);
        for (let u = 0; u < used; u++) {
          const p = active[u] * d;
          for (let i = 0; i < d; i++) values[r * d + i] += model.w[p + i];
        }
      }
      return { ms: performance.now() - begin, values };
    },
  };
}
