// Import to first prediction, each start in a fresh process, everyone in turn: what a serverless function or a page pays before its first answer.
//   node bench/startup/run.mjs [rounds]        as `npm run bench:startup`
// Timed inside the process (first.mjs): from just before the import to the first number; the model (workload A) is in memory already, but for the
// exported module, which holds it. The start of the process itself and the import of an empty module are shown beside, so that
// nobody takes them for anyone's work.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, notInstalled } from "../lib/contenders.mjs";
import { columnsOf, modelFolder } from "../lib/models.mjs";
import { short } from "../lib/rounds.mjs";

const first = fileURLToPath(new URL("first.mjs", import.meta.url));
const TOLERANCE = 1e-4;

// name, label, file of the model where it is not workload A's
const CONTENDERS = [
  ["predict", "isotone/predict"],
  ["isotone", "isotone"],
  ["module", "a module made by toModule"],
  ["tfjs", "tfjs-core, wasm backend"],
  ["ort", "onnxruntime-web"],
  ["predict", "isotone/predict, a default model", "default"],
  ["module", "toModule, a default model", "default"],
  ["empty", "(an empty module)"],
];

/** One start: { import, first, value } in milliseconds, or the reason why not. */
function start(folder, name, model = "model") {
  const { stdout, stderr, status } = spawnSync(process.execPath, [first, name, folder, model], { encoding: "utf8" });
  if (status === 0) return JSON.parse(stdout.trim().split("\n").at(-1));
  const lines = stderr.trim().split("\n");
  throw new Error(notInstalled(stderr) ?? lines.find((line) => /^\w*Error/.test(line)) ?? `ended with ${status}`);
}

/** Files of workload A's model, and of a default fit to 1,000 of its rows: eight members of 16 networks each; each as a module, too. */
async function writeModels() {
  const { folder, w } = await modelFolder("A");
  const { toModule } = await import("../../dist/export.js");
  const { fit } = await import("../../dist/index.js");
  const columns = Object.entries(columnsOf(w)).map(([name, column]) => [name, column.subarray(0, 1000)]);
  writeFileSync(join(folder, "default.json"), JSON.stringify(await fit(Object.fromEntries(columns), { target: "y" })));
  for (const name of ["model", "default"])
    writeFileSync(join(folder, `${name}.mjs`), toModule(readFileSync(join(folder, `${name}.json`), "utf8")));
  return folder;
}

export async function startup({ rounds = 15 } = {}) {
  const folder = await writeModels();
  const alive = [];
  /** By model: what the library predicts. */
  const expected = {};
  for (const [name, label, model] of CONTENDERS) {
    try {
      const { value } = start(folder, name, model);
      expected[model] ??= value;
      const own = expected[model];
      if (name !== "empty" && !(Math.abs(value - own) <= TOLERANCE * (1 + Math.abs(own)))) {
        console.error(`${label}: predicts ${value}, isotone ${own}: not timed`);
        continue;
      }
      alive.push({ name, label, model, samples: [] });
    } catch (error) {
      console.error(`${label}: left out (${error.message})`);
    }
  }
  for (let k = 0; k < rounds; k++) for (const c of alive) c.samples.push(start(folder, c.name, c.model));
  const results = alive.map(({ name, label, model, samples }) => {
    const total = samples.map((s) => s.first).sort((a, b) => a - b);
    return {
      name,
      label,
      model,
      import: median(samples.map((s) => s.import)),
      median: median(total),
      least: total[0],
      greatest: total.at(-1),
    };
  });
  const mine = results[0]?.median;
  console.log("\nImport to first prediction, a fresh process each: ms");
  for (const r of results) {
    const spread = `${short(r.least)} to ${short(r.greatest)}`;
    console.log(
      `  ${r.label.padEnd(33)} ${short(r.median).padStart(9)} ms   (${spread})   of it import ${short(r.import)}   ${short(r.median / mine)}x`,
    );
  }
  return results;
}

if (process.argv[1] && join(process.argv[1]) === fileURLToPath(import.meta.url))
  await startup({ rounds: Number(process.argv[2] ?? 15) });
