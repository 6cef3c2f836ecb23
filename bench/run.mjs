// npm run bench: everything, then RESULTS.md and its charts. npm run bench:quick: the key ratios within a minute.
//   node bench/run.mjs [--quick] [peak train predict sensitivity explain startup threads scale memory]
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

const quick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((a) => !a.startsWith("-"));
const parts = wanted.length
  ? wanted
  : quick
    ? ["peak", "train", "predict", "sensitivity", "startup"]
    : ["peak", "train", "predict", "sensitivity", "explain", "startup", "threads", "scale", "memory"];

const run = {
  train: async () => (await import("./train.mjs")).train({ quick }),
  predict: async () => (await import("./predict.mjs")).predict({ quick }),
  sensitivity: async () => (await import("./predict.mjs")).sensitivity({ quick }),
  explain: async () => (await import("./explain.mjs")).explain({ quick }),
  scale: async () => (await import("./scale.mjs")).scale({}),
  memory: async () => (await import("./memory.mjs")).memory(),
  peak: async () => (await import("./peak.mjs")).peak(),
  startup: async () => (await import("./startup/run.mjs")).startup({ rounds: quick ? 3 : 15 }),
  threads: async () => (await import("./threads.mjs")).threads(),
};

const file = new URL("results.json", import.meta.url);
const results = !quick && existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
results.machine = {
  processor: cpus()[0]?.model ?? "",
  cores: cpus().length,
  gigabytes: Math.round(totalmem() / 2 ** 30),
  node: process.versions.node,
  v8: process.versions.v8,
  system: `${process.platform} ${process.arch}`,
};
for (const part of parts) {
  const began = performance.now();
  results[part] = await run[part]();
  console.log(`  (${part}: ${((performance.now() - began) / 1000).toFixed(0)} s)`);
  if (!quick) writeFileSync(file, `${JSON.stringify(results, null, 1)}\n`);
}
if (!quick) (await import("./report.mjs")).report(results);
