// Scalar twin of the kernels, in test builds only, written to be read beside Sill 1998 (eq. 1-3). One row, one plane, one number at a time.
// Arrays: w [planes][dp] float32, weights then bias; shapes (groups, hyperplanes) a network; x [d].

/** b + w.x, the bias first, then the inputs in order: the order of operations that every kernel keeps. */
export function hyperplane(w: usize, x: usize, d: i32, factor: f32): f32 {
  let a = load<f32>(w + ((<usize>d) << 2)) * factor;
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) a = a + load<f32>(w + i) * factor * load<f32>(x + i);
  return a;
}

/** sum_m min_k max_j (w_mkj . x + b_mkj); the active plane of network m goes to `active` + 4 m. First plane and first group win ties. */
export function sumOfNetworks(
  w: usize,
  dp: i32,
  d: i32,
  shapes: usize,
  factors: usize,
  networks: i32,
  x: usize,
  active: usize,
): f32 {
  let sum: f32 = 0;
  let plane = 0;
  for (let m = 0; m < networks; m++) {
    const groups = load<i32>(shapes + ((<usize>m) << 3));
    const hyperplanes = load<i32>(shapes + ((<usize>m) << 3), 4);
    const factor = load<f32>(factors + ((<usize>m) << 2));
    let net: f32 = Infinity;
    for (let k = 0; k < groups; k++) {
      let group: f32 = -Infinity;
      let best = 0;
      for (let j = 0; j < hyperplanes; j++) {
        const a = hyperplane(w + ((<usize>(plane * dp)) << 2), x, d, factor);
        if (a > group) {
          group = a;
          best = plane;
        }
        plane++;
      }
      if (group < net) {
        net = group;
        store<i32>(active + ((<usize>m) << 2), best);
      }
    }
    sum = sum + net;
  }
  return sum;
}

/** d loss / dw of one row with d loss / d sum = `residual`: only the active planes move. */
export function sumOfNetworksBackward(
  g: usize,
  dp: i32,
  d: i32,
  factors: usize,
  networks: i32,
  x: usize,
  active: usize,
  residual: f32,
): void {
  for (let m = 0; m < networks; m++) {
    const s = residual * load<f32>(factors + ((<usize>m) << 2));
    const row = g + ((<usize>(load<i32>(active + ((<usize>m) << 2)) * dp)) << 2);
    for (let i: usize = 0; i < (<usize>d) << 2; i += 4) store<f32>(row + i, load<f32>(row + i) + s * load<f32>(x + i));
    store<f32>(row + ((<usize>d) << 2), load<f32>(row + ((<usize>d) << 2)) + s);
  }
}

/** One Adam step of one number (Kingma & Ba 2015, alg. 1); gives the step to subtract. Moments at `m`, `v`. */
export function adamStep(m: usize, v: usize, gradient: f32, rate: f32, epsilon: f32): f32 {
  const mean = load<f32>(m) * <f32>0.9 + gradient * <f32>0.1;
  const square = load<f32>(v) * <f32>0.999 + gradient * gradient * <f32>0.001;
  store<f32>(m, mean);
  store<f32>(v, square);
  return (rate * mean) / (sqrt<f32>(square) + epsilon);
}
