// fit on a stream longer than memory should hold: `npm run bench:stream [-- ROWS]`, 10,000,000 rows x 10 columns from a generator by default, once as a
// generator, which can be read once, and once as a source that can be read again. Each runs in a process of its own; prints seconds, peak
// memory, and the error on fresh rows over the noise that nobody can predict.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const COLUMNS = 10;
const BATCH = 10_000;
const NOISE = 1;

/** Rows [from, to) as columns: counts with effects that bend and meet. */
function batch(uniform, count) {
  const columns = Object.fromEntries(Array.from({ length: COLUMNS }, (_, c) => [`c${c}`, new Float64Array(count)]));
  const y = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < COLUMNS; c++) columns[`c${c}`][r] = Math.floor(10 * uniform() ** 2);
    const v = (c) => columns[`c${c}`][r];
    y[r] =
      v(0) * v(1) * 0.3 +
      4 * Math.sqrt(v(2)) +
      Math.max(v(3), v(4)) +
      0.5 * v(5) +
      NOISE * Math.sqrt(12) * (uniform() - 0.5);
  }
  return { ...columns, y };
}

async function run(rows, again) {
  const { fit } = await import("../dist/index.js");
  const { uniform } = await import("./lib/random.mjs");
  let read = 0;
  async function* stream() {
    const next = uniform(1);
    for (let from = 0; from < rows; from += BATCH) {
      const count = Math.min(BATCH, rows - from);
      read += count;
      yield batch(next, count);
    }
  }
  const began = performance.now();
  const model = await fit(again ? { [Symbol.asyncIterator]: stream } : stream(), { target: "y" });
  const seconds = (performance.now() - began) / 1000;
  const peak = process.resourceUsage().maxRSS / 1024;
  const fresh = batch(uniform(2), 20_000);
  const predicted = model.predictMany(fresh);
  const rmse = Math.sqrt(fresh.y.reduce((sum, v, r) => sum + (predicted[r] - v) ** 2, 0) / fresh.y.length);
  if (again) console.log("a source that can be read again:");
  console.log(
    `${rows.toLocaleString("en")} rows x ${COLUMNS} (${Math.round((rows * (COLUMNS + 1) * 8) / 1e6).toLocaleString("en")} MB as float64), read ${read.toLocaleString("en")}, trained on ${model.training.rows.toLocaleString("en")}: ` +
      `${seconds.toFixed(1)} s, peak memory ${peak.toFixed(0)} MB, RMSE on fresh rows ${rmse.toFixed(3)} (noise ${NOISE})`,
  );
  for (const warning of model.training.warnings) console.log(`  ${warning}`);
}

if (process.argv[2] === "--one") await run(Number(process.argv[4]), process.argv[3] === "again");
else {
  const rows = Number(process.argv[2] ?? 10_000_000);
  if (!(rows >= 1000)) {
    console.error("usage: npm run bench:stream [-- ROWS]   (1000 or more)");
    process.exit(2);
  }
  for (const how of ["once", "again"]) {
    for (const n of [Math.floor(rows / 5), rows]) {
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), "--one", how, String(n)], { stdio: "inherit" });
    }
  }
}
