// The benchmark workloads: seeded data, starting weights and batch order, the same for every contender.
// A, B, C are single min-max networks (Sill 1998) of growing size; D is the default model, a plane plus sixteen small networks.
//
// In: a workload's name. Out: x (rows, inputs; float32, row-major), y (rows), z (planes, inputs) and b (planes): starting
// parameters with w = exp(z) (every input increases), the plane of D last, and order: the rows in training order.
// Everything is also written to a folder as raw little-endian files, so that contenders in other languages read the same bytes.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { normal, permutation, uniform } from "./lib/random.mjs";

export const workloads = {
  A: {
    name: "A",
    rows: 10_000,
    inputs: 10,
    networks: 1,
    groups: 6,
    hyperplanes: 6,
    linear: false,
    batches: [32, 256],
    predictRows: 10_000,
  },
  B: {
    name: "B",
    rows: 100_000,
    inputs: 20,
    networks: 1,
    groups: 16,
    hyperplanes: 16,
    linear: false,
    batches: [256],
    predictRows: 20_000,
  },
  C: {
    name: "C",
    rows: 100_000,
    inputs: 50,
    networks: 1,
    groups: 32,
    hyperplanes: 32,
    linear: false,
    batches: [1024],
    predictRows: 20_000,
  },
  D: {
    name: "D",
    rows: 100_000,
    inputs: 20,
    networks: 16,
    groups: 4,
    hyperplanes: 4,
    linear: true,
    batches: [128],
    predictRows: 20_000,
  },
};

/** Number of hyperplanes, the linear one included. */
export const planesOf = (w) => w.networks * w.groups * w.hyperplanes + (w.linear ? 1 : 0);

/**
 * Rows with standard normal inputs and a target that increases with every one of them: saturating single effects, a few
 * bottlenecks (the smaller of two inputs counts) and a tenth of noise; then centred and scaled to variance one.
 */
export function makeRows(rows, inputs, seed = 1) {
  const next = normal(seed);
  const pick = uniform(seed + 1);
  const effects = Array.from({ length: inputs }, () => ({ size: 0.2 + pick(), bend: 0.5 + 1.5 * pick() }));
  const x = new Float32Array(rows * inputs);
  const target = new Float64Array(rows);
  let sum = 0;
  let squares = 0;
  for (let r = 0; r < rows; r++) {
    const at = r * inputs;
    for (let i = 0; i < inputs; i++) x[at + i] = next();
    let value = 0;
    for (let i = 0; i < inputs; i++) value += effects[i].size * Math.tanh(effects[i].bend * x[at + i]);
    for (let i = 0; i + 1 < inputs; i += 3) value += 1.5 * Math.min(x[at + i], x[at + i + 1]);
    target[r] = value;
    sum += value;
    squares += value * value;
  }
  const mean = sum / rows;
  const sd = Math.sqrt(squares / rows - mean * mean);
  const y = new Float32Array(rows);
  for (let r = 0; r < rows; r++) y[r] = (target[r] - mean) / sd + 0.1 * next();
  return { x, y };
}

/** Starting parameters near half of the linear fit, each hyperplane meeting it at a random row. */
export function makeStart(w, x, y, seed = 7) {
  const { rows, inputs } = w;
  const next = normal(seed);
  const pick = uniform(seed + 1);
  const centre = new Float64Array(inputs); // inputs are independent with variance one: the slope is the covariance
  for (let r = 0; r < rows; r++) for (let i = 0; i < inputs; i++) centre[i] += (x[r * inputs + i] * y[r]) / rows;
  const planes = planesOf(w);
  const z = new Float32Array(planes * inputs);
  const b = new Float32Array(planes);
  const share = w.linear ? 0.5 : 1;
  for (let p = 0; p < planes; p++) {
    const isLinear = w.linear && p === planes - 1;
    const row = Math.floor(pick() * rows);
    let meets = 0;
    let has = 0;
    for (let i = 0; i < inputs; i++) {
      const slope = share * Math.max(Math.abs(centre[i]), 0.02);
      const weight = isLinear ? slope : (slope * Math.exp(0.25 * next())) / w.networks;
      z[p * inputs + i] = Math.log(weight);
      meets += ((share * centre[i]) / w.networks) * x[row * inputs + i];
      has += weight * x[row * inputs + i];
    }
    b[p] = isLinear ? 0 : meets - has + (0.1 * next()) / w.networks;
  }
  return { z, b };
}

/** A workload with its arrays. `rows` overrides the number of rows (for quick runs and growth curves). */
export function makeWorkload(name, overrides = {}) {
  const w = { ...workloads[name], ...overrides };
  w.predictRows = Math.min(w.predictRows, w.rows);
  const { x, y } = makeRows(w.rows, w.inputs);
  const { z, b } = makeStart(w, x, y);
  return { ...w, planes: planesOf(w), x, y, z, b, order: permutation(w.rows, 3) };
}

const arrays = ["x", "y", "z", "b", "order"];

/** Writes a workload's arrays below the temporary folder and returns the folder; what is there already is kept. */
export function writeWorkload(w, extra = {}) {
  const folder = join(tmpdir(), "isotone-bench", `${w.name}-${w.rows}x${w.inputs}`);
  mkdirSync(folder, { recursive: true });
  const { x, y, z, b, order, ...sizes } = w;
  for (const key of arrays)
    if (!existsSync(join(folder, key)) || key !== "x") writeFileSync(join(folder, key), bytes(w[key]));
  writeFileSync(join(folder, "sizes.json"), JSON.stringify({ ...sizes, ...extra }));
  return folder;
}

export const bytes = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
