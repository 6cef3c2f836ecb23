// One fit on a source longer than memory should hold: node fit-stream.mjs <once|again> <rows>; prints { trained, warnings, peak, unexplained } as
// JSON: rows trained on, megabytes of the process at its peak, and the share of the variance of fresh rows that the model misses.
import { uniform } from "../../bench/lib/random.mjs";
import { batchOf, peakMemory, streamOf } from "../../bench/lib/stream.mjs";
import { fit } from "../../dist/index.js";

const [how, rows] = process.argv.slice(2);
const stream = streamOf(Number(rows), { again: how === "again", noise: 0 });
const { training, ...model } = await fit(stream, { target: "y", networks: 4, members: 2, epochs: 1 });
const peak = peakMemory();
const fresh = batchOf(uniform(2), 20_000, 0);
const predicted = model.predictMany(fresh);
const mean = fresh.y.reduce((sum, v) => sum + v, 0) / fresh.y.length;
const square = (of) => fresh.y.reduce((sum, v, r) => sum + (v - of(r)) ** 2, 0);
const unexplained = square((r) => predicted[r]) / square(() => mean);
console.log(JSON.stringify({ trained: training.rows, warnings: training.warnings, peak, unexplained }));
