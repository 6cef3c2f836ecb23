// The models and rows that every engine gets. In: the bundled subject; out: cases { name, data, rows, expected }, rows in ordered pairs.

/** Rows in pairs: the second of each has increasing features raised and decreasing ones lowered, by a lot, a little or one float32 step. */
export function orderedRows(subject, data, n, seed) {
  const rows = subject.makeRows(data, n, seed);
  const random = subject.generator(seed + 77);
  const width = data.features.length;
  const bits = new Int32Array(1);
  const float = new Float32Array(bits.buffer);
  for (let r = 0; r + 1 < n; r += 2) {
    data.features.forEach((feature, f) => {
      const a = rows[r * width + f];
      let b = a;
      const direction = feature.constraint === "increasing" ? 1 : feature.constraint === "decreasing" ? -1 : 0;
      if (direction !== 0 && !Number.isNaN(a) && random() < 0.7) {
        const [low, high] = feature.range;
        if (random() < 0.3) {
          float[0] = a;
          if (a !== 0) bits[0] += a > 0 === direction > 0 ? 1 : -1;
          b = float[0];
        } else b = Math.fround(a + direction * (high - low) * (random() < 0.5 ? random() : random() * 1e-5));
      }
      rows[(r + 1) * width + f] = b;
    });
  }
  return rows;
}

/** A fit with every default but the number of passes, which shapes no plane: 8 members below 5,000 rows, 4 above, of 257 planes each. */
async function fitted(subject, numbers, n, seed) {
  const like = subject.makeModel({ seed, numbers, categories: 0, missing: false });
  const rows = orderedRows(subject, like, n, seed).map((v, i) => {
    const [low, high] = like.features[i % numbers].range;
    return Math.min(high, Math.max(low, v));
  });
  const random = subject.generator(seed);
  const noise = 0.1 * like.scale;
  const minutes = subject
    .load(like)
    .predictMany(rows)
    .map((p) => p + noise * (random() - 0.5));
  const columns = Object.fromEntries(
    like.features.map(({ name }, f) => [name, Float64Array.from({ length: n }, (_, r) => rows[r * numbers + f])]),
  );
  const features = Object.fromEntries(like.features.map(({ name, constraint }) => [name, constraint]));
  const model = await subject.fit({ ...columns, minutes }, { target: "minutes", features, epochs: 2 });
  return JSON.parse(JSON.stringify(model));
}

/** Fewer rows where an engine takes long: a twentieth for models of a thousand planes and more, a tenth for very many columns. */
export function fewer(one) {
  const n = one.name.startsWith("default") ? one.n / 20 : one.name.startsWith("hostile") ? one.n / 10 : one.n;
  const rows = one.rows.subarray(0, n * one.data.features.length);
  const some = { ...one, n, rows, expected: one.expected.subarray(0, n) };
  return one.name.startsWith("default") ? { ...some, size: summed(some) } : some;
}

/** Of sums of a hundred networks and more: the scale times the sum of their sizes, which is what float32 rounds on the way. All inputs are linear. */
function summed({ data, rows, n }) {
  const { inputs, networks } = data;
  const width = data.features.length;
  const d = inputs.length;
  if (inputs.some(({ transform }) => transform !== "linear"))
    throw new Error("a default case has inputs that are not linear");
  return Float64Array.from({ length: n }, (_, r) => {
    const z = inputs.map((i) => Math.min(50, Math.max(-50, (rows[r * width + i.feature] - i.center) * i.scale)));
    const plane = (w) => z.reduce((sum, v, i) => sum + w[i] * v, w[d]);
    const network = (groups) => Math.min(...groups.map((planes) => Math.max(...planes.map(plane))));
    return data.scale * networks.reduce((sum, groups) => sum + Math.abs(network(groups)), 1);
  });
}

/** `n` rows, an even number, for every kind of model. */
export async function makeCases(subject, n) {
  const kinds = Object.entries(subject.everyKind());
  for (const [numbers, rows] of [
    [10, 1500],
    [30, 6000],
  ]) {
    const data = await fitted(subject, numbers, rows, 40 + numbers);
    const planes = data.networks.flat(2).length.toLocaleString("en");
    kinds.push([`default fit: ${planes} planes of ${numbers} inputs`, data]);
  }
  return kinds.map(([name, data], k) => {
    const rows = orderedRows(subject, data, n, 100 + k);
    const model = subject.load(data);
    const expected = model.predictMany(rows);
    return { name, data, model, n, rows, expected, size: sizes(data, rows, n, expected) };
  });
}

/**
 * What a difference is measured against: the prediction, or the model's scale times the largest |input|, which is what the float32 sums of a
 * row far outside the ranges are made of.
 */
function sizes(data, rows, n, expected) {
  const width = data.features.length;
  const out = new Float64Array(n);
  for (let r = 0; r < n; r++) {
    let most = 1;
    for (const input of data.inputs) {
      if (input.transform !== "linear" && input.transform !== "log1p") continue;
      const v = rows[r * width + input.feature];
      const t = input.divisor === undefined || v < 0 ? v / (input.divisor ?? 1) : Math.log1p(v / input.divisor);
      const z = Math.abs((t - input.center) * input.scale);
      if (z > most) most = Math.min(50, z);
    }
    // an exponential turns the error of its argument into a relative one
    out[r] = data.scale * most * (data.link.name === "exp" ? expected[r] : 1);
  }
  return out;
}

/** Largest relative difference, and the ordered pairs that changed their order. */
export function compare({ expected, size, n }, got) {
  if (got.length !== n)
    return { worst: Number.POSITIVE_INFINITY, disordered: n, problem: `${got.length} rows for ${n}` };
  let worst = 0;
  let disordered = 0;
  for (let r = 0; r < n; r++) {
    const e = Math.abs(got[r] - expected[r]) / Math.max(Math.abs(expected[r]), size[r]);
    if (!(e <= worst)) worst = Number.isNaN(e) ? Number.POSITIVE_INFINITY : e;
    if (r % 2 === 1 && !(got[r] >= got[r - 1])) disordered++;
  }
  return { worst, disordered };
}
