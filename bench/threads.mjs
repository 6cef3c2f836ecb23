// What a second thread gives: the committee of fit, members in workers, against one thread; the same bytes are checked first.
import { fit } from "../dist/index.js";
import { median } from "./lib/contenders.mjs";
import { columnsOf } from "./lib/models.mjs";
import { makeRows } from "./workloads.mjs";

/** [rows, inputs, members, epochs]: the default networks. */
const cases = [
  [2000, 10, 8, 300],
  [20000, 20, 4, 40],
  [100000, 20, 4, 10],
];

export async function threads({ rounds = 3 } = {}) {
  const results = [];
  for (const [rows, inputs, members, epochs] of cases) {
    const { x, y } = makeRows(rows, inputs);
    const columns = columnsOf({ rows, inputs, x, y });
    const options = { target: "y", members, epochs, batch: 64, seed: 1 };
    const time = async (threads) => {
      const begin = performance.now();
      const model = await fit(columns, { ...options, threads });
      return { ms: performance.now() - begin, text: JSON.stringify(model) };
    };
    const samples = { 1: [], 2: [] };
    for (let k = 0; k <= rounds; k++) {
      const one = await time(1);
      const two = await time(2);
      if (one.text !== two.text) throw new Error("threads: 2 gave other bytes than one thread");
      if (k === 0) continue;
      samples[1].push(one.ms);
      samples[2].push(two.ms);
    }
    const ratio = median(samples[1].map((ms, k) => ms / samples[2][k]));
    results.push({ rows, inputs, members, one: median(samples[1]), two: median(samples[2]), ratio });
  }
  console.log("\nThreads: fit of a committee, one thread and two (the same bytes)");
  for (const r of results) {
    const size = `${r.rows} x ${r.inputs}, ${r.members} members`;
    console.log(
      `  ${size.padEnd(30)} ${r.one.toFixed(0).padStart(6)} ms   ${r.two.toFixed(0).padStart(6)} ms   ${r.ratio.toFixed(2)}x`,
    );
  }
  return results;
}

if (process.argv[1]?.endsWith("bench/threads.mjs")) await threads();
