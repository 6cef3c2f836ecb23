// Interleaved rounds: every contender does its share once a round, so that a busy minute of the machine falls on all of them.
import { summary } from "./contenders.mjs";

/**
 * `jobs`: { name, label, run: () => Promise<number>, warm: ms }. Runs each for at least `warm` ms first, then `rounds` rounds.
 * Gives [{ name, label, median, least, greatest }]; a job that fails is left out with a note on stderr.
 */
export async function rounds(jobs, count) {
  const alive = [];
  for (const job of jobs) {
    try {
      const begin = performance.now();
      do await job.run();
      while (performance.now() - begin < job.warm);
      alive.push({ ...job, samples: [] });
    } catch (error) {
      console.error(`${job.label}: left out (${String(error.message).split("\n")[0]})`);
    }
  }
  // no more than a minute, but three rounds in any case
  const begin = performance.now();
  for (let k = 0; k < count && (k < 3 || performance.now() - begin < 60_000); k++) {
    for (const job of alive) job.samples.push(await job.run());
  }
  return alive.map(({ name, label, samples }) => ({ name, label, ...summary(samples) }));
}

/** Prints times and how many times as long as the first each one takes. */
export function print(title, results, unit) {
  console.log(`\n${title}`);
  const own = results[0]?.median ?? Number.NaN;
  for (const r of results) {
    const spread = `${short(r.least)} to ${short(r.greatest)}`;
    console.log(
      `  ${r.label.padEnd(28)} ${short(r.median).padStart(9)} ${unit}   (${spread})   ${short(r.median / own)}x`,
    );
  }
}

/** Three significant digits. */
export function short(value) {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
