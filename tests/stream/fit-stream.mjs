// One fit on a source longer than memory should hold: node fit-stream.mjs <once|again> <rows>; prints { trained, warnings, peak, unexplained } as
// JSON: rows trained on, megabytes of the process at its peak, and the share of the variance of fresh rows that the model misses.
import { uniform } from "../../bench/lib/random.mjs";
import { fit } from "../../dist/index.js";

const COLUMNS = 10;
const BATCH = 10_000;

/** Rows as columns: counts, and a target that two of them make together. */
function batch(next, count) {
  const columns = Object.fromEntries(Array.from({ length: COLUMNS }, (_, c) => [`c${c}`, new Float64Array(count)]));
  const y = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < COLUMNS; c++) {
      columns[`c${c}`][r] = Math.floor(10 * next() ** 2);
      y[r] += c * columns[`c${c}`][r];
    }
    y[r] += 10 * columns.c0[r] * columns.c1[r];
  }
  return { ...columns, y };
}

const [how, count] = process.argv.slice(2);
const rows = Number(count);
async function* stream() {
  const next = uniform(1);
  for (let from = 0; from < rows; from += BATCH) yield batch(next, Math.min(BATCH, rows - from));
}
const model = await fit(how === "again" ? { [Symbol.asyncIterator]: stream } : stream(), {
  target: "y",
  networks: 4,
  members: 2,
  epochs: 1,
});
const peak = process.resourceUsage().maxRSS / 1024;
const fresh = batch(uniform(2), 20_000);
const predicted = model.predictMany(fresh);
const mean = fresh.y.reduce((sum, v) => sum + v, 0) / fresh.y.length;
const square = (of) => fresh.y.reduce((sum, v, r) => sum + (v - of(r)) ** 2, 0);
console.log(
  JSON.stringify({
    trained: model.training.rows,
    warnings: model.training.warnings,
    peak,
    unexplained: square((r) => predicted[r]) / square(() => mean),
  }),
);
