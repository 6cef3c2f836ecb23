// Growth: time per row as rows, inputs and planes grow, through the public functions, and how far from a straight line each is.
import { fit } from "../dist/index.js";
import { median } from "./lib/contenders.mjs";
import { growth } from "./lib/growth.mjs";
import { columnsOf } from "./lib/models.mjs";
import { makeRows } from "./workloads.mjs";

const base = { n: 20000, d: 20, networks: 16 };

function rowsOf(n, d) {
  const { x, y } = makeRows(n, d);
  return { x, columns: columnsOf({ rows: n, inputs: d, x, y }) };
}

const options = (networks, epochs) => ({
  target: "y",
  networks,
  members: 1,
  validation: 0,
  batch: 128,
  learningRate: 0.01,
  seed: 1,
  epochs,
});

/** Microseconds per row and epoch (the difference of two fits), nanoseconds per row predicted. */
async function measure({ n, d, networks }, rounds) {
  const { x, columns } = rowsOf(n, d);
  const short = Math.max(1, Math.round(40000 / n));
  const long = short * 3;
  const times = [];
  let model;
  for (let k = 0; k < rounds; k++) {
    let begin = performance.now();
    await fit(columns, options(networks, short));
    const first = performance.now() - begin;
    begin = performance.now();
    model = await fit(columns, options(networks, long));
    times.push(((performance.now() - begin - first) * 1000) / (n * (long - short)));
  }
  const predictions = [];
  const repeats = Math.max(1, Math.round(20000 / n));
  for (let k = 0; k < 30; k++) {
    const begin = performance.now();
    for (let r = 0; r < repeats; r++) model.predictMany(x);
    if (k > 2) predictions.push(((performance.now() - begin) * 1e6) / (n * repeats));
  }
  return { n, d, networks, train: median(times), predict: median(predictions) };
}

export async function scale({ most = 1_000_000, rounds = 9 } = {}) {
  const results = { n: [], d: [], planes: [] };
  for (const n of [1000, 10_000, 100_000, 1_000_000].filter((n) => n <= most)) {
    results.n.push(await measure({ ...base, n }, n >= 1e6 ? 3 : rounds));
  }
  for (const d of [8, 16, 32, 64, 128]) results.d.push(await measure({ ...base, d }, rounds));
  for (const networks of [8, 16, 32, 64]) results.planes.push(await measure({ ...base, networks }, rounds));
  console.log("\nGrowth (default networks of 4 x 4): training us per row and epoch, prediction ns per row");
  for (const [key, rows] of Object.entries(results)) {
    for (const r of rows) {
      const size = key === "planes" ? `${r.networks * 16 + 1} planes` : `${key} = ${r[key]}`;
      console.log(`  ${size.padEnd(14)} ${r.train.toFixed(3)} us   ${r.predict.toFixed(0)} ns`);
    }
  }
  for (const { grows, timed, unit, fixed, each, worst } of growth(results)) {
    console.log(
      `  ${timed} against ${grows}: ${fixed.toPrecision(3)} + ${each.toPrecision(3)} each ${unit}, within ${(100 * worst).toFixed(1)} %`,
    );
  }
  return results;
}

if (process.argv[1]?.endsWith("bench/scale.mjs")) await scale({ most: Number(process.argv[2] ?? 1e6) });
