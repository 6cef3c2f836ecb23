// Peak resident memory at a million rows of fifty inputs, given as Float32Array columns: each task in a process of its own.
//   node bench/memory.mjs            all tasks; node bench/memory.mjs TASK runs one and prints its numbers as JSON
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROWS = 1_000_000;
const INPUTS = 50;

/** Columns without the row-major copy that makeRows would need. */
function columns() {
  const all = { y: new Float32Array(ROWS) };
  let state = 1;
  for (let i = 0; i < INPUTS; i++) {
    const column = new Float32Array(ROWS);
    for (let r = 0; r < ROWS; r++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      column[r] = state / 4294967296 - 0.5;
      all.y[r] += column[r];
    }
    all[`x${i}`] = column;
  }
  return all;
}

const peak = () => process.resourceUsage().maxRSS * 1024;

async function task(name) {
  const { fit } = await import("../dist/index.js");
  const given = columns();
  if (name === "rows alone") return peak();
  const one = { target: "y", members: 1, validation: 0, epochs: 1, batch: 1024, seed: 1 };
  if (name.startsWith("fit")) {
    await fit(given, name === "fit" ? one : { target: "y" });
    return peak();
  }
  const few = Object.fromEntries(Object.entries(given).map(([key, column]) => [key, column.slice(0, 2000)]));
  const model = await fit(few, one);
  const before = peak();
  const { y, ...rows } = given;
  if (model.predictMany(rows).length !== ROWS || y.length !== ROWS) throw new Error("rows are missing");
  return Math.max(before, peak());
}

export function memory() {
  const data = ROWS * (INPUTS + 1) * 4;
  const results = ["rows alone", "predictMany", "fit", "fit, defaults"].map((name) => {
    const { stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], {
      encoding: "utf8",
    });
    if (!stdout) throw new Error(stderr);
    return { name, bytes: JSON.parse(stdout) };
  });
  const floor = results[0].bytes - data;
  console.log(
    `\nPeak memory, ${ROWS} rows x ${INPUTS} inputs: the rows are ${(data / 1e6).toFixed(0)} MB, Node and generator ${(floor / 1e6).toFixed(0)} MB`,
  );
  for (const r of results)
    console.log(
      `  ${r.name.padEnd(14)} ${(r.bytes / 1e6).toFixed(0)} MB   rows x ${((r.bytes - floor) / data).toFixed(2)}`,
    );
  return { data, floor, results };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2]) console.log(await task(process.argv[2]));
  else memory();
}
