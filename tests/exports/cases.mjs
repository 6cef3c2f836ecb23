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

/** `all`: as many rows for every kind of model; otherwise the kinds that say little new get a twentieth. */
export function makeCases(subject, { full, all = false }) {
  const kinds = Object.entries(subject.everyKind());
  // the shapes that fit gives by default: 4 members of 16 networks of 4 x 4 and one plane, with 10 inputs and with 30
  const shape = { networks: 64, ragged: false, categories: 0, missing: false };
  kinds.push([
    "default fit: 1,025 planes of 10 inputs",
    subject.withPlane(subject.makeModel({ ...shape, seed: 41, numbers: 10 })),
  ]);
  kinds.push([
    "default fit: 1,025 planes of 30 inputs",
    subject.withPlane(subject.makeModel({ ...shape, seed: 42, numbers: 30 })),
  ]);
  return kinds.map(([name, data], k) => {
    const n =
      all || name.startsWith("signs") || name.startsWith("a plane and 16")
        ? full
        : name.startsWith("default")
          ? full / 50
          : full / 20;
    const rows = orderedRows(subject, data, n, 100 + k);
    const model = subject.load(data);
    const expected = model.predictMany(rows);
    return { name, data, model, n, rows, expected, size: sizes(data, rows, n) };
  });
}

/**
 * What a difference is measured against: the prediction, or the model's scale times the largest |input|, which is what the float32 sums of a
 * row far outside the ranges are made of.
 */
function sizes(data, rows, n) {
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
    out[r] = data.scale * most;
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
