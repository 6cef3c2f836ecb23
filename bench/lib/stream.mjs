// A stream of rows longer than memory should hold, for bench/stream.mjs and tests/stream/: ten counts with effects that bend and meet, and noise.

import { uniform } from "./random.mjs";

export const COLUMNS = 10;
const BATCH = 10_000;

/** `count` rows as columns c0 … c9 and y; `noise` is the standard deviation of what nobody can predict, uniform. */
export function batchOf(next, count, noise) {
  const columns = Object.fromEntries(Array.from({ length: COLUMNS }, (_, c) => [`c${c}`, new Float64Array(count)]));
  const y = new Float64Array(count);
  for (let r = 0; r < count; r++) {
    for (let c = 0; c < COLUMNS; c++) columns[`c${c}`][r] = Math.floor(10 * next() ** 2);
    const v = (c) => columns[`c${c}`][r];
    y[r] =
      v(0) * v(1) * 0.3 +
      4 * Math.sqrt(v(2)) +
      Math.max(v(3), v(4)) +
      0.5 * v(5) +
      noise * Math.sqrt(12) * (next() - 0.5);
  }
  return { ...columns, y };
}

/** What `fit` gets: batches that can be read once, or with `again` as often as it likes. */
export function streamOf(rows, { again, noise, onBatch }) {
  async function* read() {
    const next = uniform(1);
    for (let from = 0; from < rows; from += BATCH) {
      const count = Math.min(BATCH, rows - from);
      onBatch?.(count);
      yield batchOf(next, count, noise);
    }
  }
  return again ? { [Symbol.asyncIterator]: read } : read();
}

/** Megabytes of this process at its peak. */
export const peakMemory = () => process.resourceUsage().maxRSS / 1024;
