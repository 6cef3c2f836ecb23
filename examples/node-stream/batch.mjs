// Batch prediction of a CSV of any length in constant memory: plain cells, one prediction a line.
//   npm run demo
//   node examples/node-stream/batch.mjs build/demo/model.json < examples/jobs/jobs.csv > predictions.csv
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { load } from "isotone/predict";

const CHUNK = 1024;
const model = load(await readFile(process.argv[2], "utf8"));
const names = model.features.map((feature) => feature.name);
let header;
let rows = [];

function flush() {
  if (rows.length === 0) return true;
  const lines = Array.from(model.predictMany(rows), (ms) => `${ms}\n`).join("");
  rows = [];
  return process.stdout.write(lines);
}

// whoever reads may have seen enough (| head)
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.stdout.write("prediction\n");
for await (const line of createInterface({ input: process.stdin })) {
  const cells = line.split(",");
  if (header === undefined) {
    header = names.map((name) => cells.indexOf(name));
    const absent = names.filter((_, i) => header[i] < 0);
    if (absent.length > 0) throw new Error(`the CSV lacks the column ${absent.join(", ")}`);
    continue;
  }
  rows.push(Object.fromEntries(names.map((name, i) => [name, Number(cells[header[i]])])));
  // a full pipe is waited for, so that memory does not grow
  if (rows.length === CHUNK && !flush()) await new Promise((done) => process.stdout.once("drain", done));
}
flush();
