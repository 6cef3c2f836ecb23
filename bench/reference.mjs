// The ground truth of the training benchmarks: a float64 trainer of sums of min-max networks in plain loops, written to be
// read beside the formulas and sharing nothing with the library. Slow on purpose.
//
//   f(x) = sum_m min_k max_j (w_mkj . x + b_mkj) [+ w_linear . x + b_linear],   w = exp(z)
//   loss = mean over the batch of (f(x) - y)^2; the gradient goes to the active plane of every network only
//   Adam (Kingma & Ba 2015, algorithm 1): m, v, bias correction, then step by rate * mhat / (sqrt(vhat) + 2e-8)

/** Active planes of one row: one index per network, and the linear plane when there is one. `out` receives them; returns f(x). */
export function forward(w, weight, bias, x, at, out) {
  const { inputs, networks, groups, hyperplanes } = w;
  let total = 0;
  for (let m = 0; m < networks; m++) {
    let least = Infinity;
    for (let k = 0; k < groups; k++) {
      let most = -Infinity;
      let best = 0;
      for (let j = 0; j < hyperplanes; j++) {
        const p = (m * groups + k) * hyperplanes + j;
        let a = bias[p];
        for (let i = 0; i < inputs; i++) a += weight[p * inputs + i] * x[at + i];
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
    const p = networks * groups * hyperplanes;
    let a = bias[p];
    for (let i = 0; i < inputs; i++) a += weight[p * inputs + i] * x[at + i];
    out[networks] = p;
    total += a;
  }
  return total;
}

/** A trainer in float64 from the workload's starting parameters. */
export function makeReference(w) {
  const { inputs, rows } = w;
  const planes = w.planes;
  const z = Float64Array.from(w.z);
  const b = Float64Array.from(w.b);
  const weight = z.map(Math.exp);
  const dz = new Float64Array(z.length);
  const db = new Float64Array(planes);
  const moments = [z, b].map((p) => ({ m: new Float64Array(p.length), v: new Float64Array(p.length) }));
  const active = new Int32Array(w.networks + 1);
  const used = w.networks + (w.linear ? 1 : 0);
  let step = 0;

  /** One step on the next `batch` rows of the order; returns the batch's loss before the step. */
  function train(batch, rate) {
    dz.fill(0);
    db.fill(0);
    let loss = 0;
    const perEpoch = Math.floor(rows / batch);
    const from = (step % perEpoch) * batch;
    for (let s = 0; s < batch; s++) {
      const row = w.order[from + s];
      const residual = forward(w, weight, b, w.x, row * inputs, active) - w.y[row];
      loss += (residual * residual) / batch;
      const d = (2 * residual) / batch;
      for (let u = 0; u < used; u++) {
        const p = active[u];
        db[p] += d;
        for (let i = 0; i < inputs; i++) dz[p * inputs + i] += d * w.x[row * inputs + i] * weight[p * inputs + i];
      }
    }
    step++;
    const unbias1 = 1 - 0.9 ** step;
    const unbias2 = 1 - 0.999 ** step;
    for (const [values, gradient, { m, v }] of [
      [z, dz, moments[0]],
      [b, db, moments[1]],
    ]) {
      for (let i = 0; i < values.length; i++) {
        m[i] = 0.9 * m[i] + 0.1 * gradient[i];
        v[i] = 0.999 * v[i] + 0.001 * gradient[i] * gradient[i];
        values[i] -= (rate * (m[i] / unbias1)) / (Math.sqrt(v[i] / unbias2) + 2e-8);
      }
    }
    for (let i = 0; i < z.length; i++) weight[i] = Math.exp(z[i]);
    return loss;
  }
  return { train, z, b };
}
