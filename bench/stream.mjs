// fit on a stream longer than memory should hold: `npm run bench:stream [-- ROWS]`, 10,000,000 rows x 10 columns from a generator by default, once as a
// generator, which can be read once, and once as a source that can be read again. Each runs in a process of its own; prints seconds, peak
// memory, and the error on fresh rows over the noise that nobody can predict.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { uniform } from "./lib/random.mjs";
import { batchOf, COLUMNS, peakMemory, streamOf } from "./lib/stream.mjs";

const NOISE = 1;

async function run(rows, again) {
  const { fit } = await import("../dist/index.js");
  let read = 0;
  const stream = streamOf(rows, {
    again,
    noise: NOISE,
    onBatch: (count) => {
      read += count;
    },
  });
  const began = performance.now();
  const model = await fit(stream, { target: "y" });
  const seconds = (performance.now() - began) / 1000;
  const peak = peakMemory();
  const fresh = batchOf(uniform(2), 20_000, NOISE);
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
