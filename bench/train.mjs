// Training time per epoch, everyone on the same rows, start, order of batches and optimiser. Before anything is timed, each contender's loss and
// weights after 20 steps are compared with a float64 reference; who differs by more than 1e-4 is not timed.
import { floatsOf, largestDifference, startAll } from "./lib/contenders.mjs";
import { print, rounds } from "./lib/rounds.mjs";
import { makeReference } from "./reference.mjs";
import { makeWorkload, writeWorkload } from "./workloads.mjs";

const STEPS = 20;
const RATE = 0.01;
const TOLERANCE = 1e-4;

const all = [
  "isotone",
  "tfjs-wasm",
  "tfjs-wasm-sparse",
  "tfjs-cpu",
  "tfjs-cpu-sparse",
  "plain",
  "torch",
  "torch-sparse",
  "numpy",
  "jax",
];
const few = ["isotone", "tfjs-wasm", "tfjs-wasm-sparse"];

/**
 * [workload, batch, epochs of the short and the long fit, steps that a rival is timed over at once]. The difference of the two fits is the time
 * of later epochs, when most groups of B and C can be left unread; the first two or three take up to four times as long (all planes are read).
 */
const cases = [
  ["A", 32, 20, 120, 300],
  ["A", 256, 20, 320, 100],
  ["B", 256, 4, 20, 16],
  ["C", 1024, 4, 10, 4],
  ["D", 128, 1, 6, 25],
];

/** Loss and parameters of every contender after 20 steps against the reference; gives those that agree. */
async function verify(w, batch, contenders) {
  const own = contenders.find((c) => c.name === "isotone");
  const { rates, loss: ownLoss } = await own.ask("extra", { batch, steps: STEPS, rate: RATE });
  const reference = makeReference(w);
  let loss = 0;
  for (const rate of rates) loss = reference.train(batch, rate);
  const agreeing = [];
  const checks = [];
  for (const contender of contenders) {
    try {
      let answer = { loss: ownLoss };
      if (contender !== own) {
        await contender.ask("start");
        for (const rate of rates) answer = await contender.ask("train", { steps: 1, batch, rate });
      }
      const { z, b } = await contender.ask("parameters");
      const difference = Math.max(
        Math.abs(answer.loss - loss) / (1 + loss),
        largestDifference(floatsOf(z), reference.z),
        largestDifference(floatsOf(b), reference.b),
      );
      checks.push({ name: contender.name, label: contender.label, difference });
      if (difference <= TOLERANCE) agreeing.push(contender);
      else console.error(`${contender.label}: differs from the reference by ${difference.toExponential(1)}: not timed`);
    } catch (error) {
      console.error(`${contender.label}: left out (${String(error.message).split("\n")[0]})`);
    }
  }
  return { agreeing, checks };
}

export async function train({ quick = false, only } = {}) {
  const results = [];
  const names = quick ? few : all;
  for (const [name, batch, from, to, steps] of cases) {
    const label = `${name}, batch ${batch}`;
    if (only ? !only.includes(`${name}${batch}`) : quick && (name === "C" || name === "D" || batch === 32)) continue;
    const w = makeWorkload(name);
    const folder = writeWorkload(w);
    const started = await startAll(names);
    const versions = {};
    for (const contender of started) Object.assign(versions, (await contender.ask("load", { folder })).versions);
    const { agreeing, checks } = await verify(w, batch, started);
    const perEpoch = Math.ceil(w.rows / batch);
    let setup = 0;
    const jobs = agreeing.map((contender) => ({
      name: contender.name,
      label: contender.label,
      warm: quick ? 800 : 2500,
      async run() {
        if (contender.name !== "isotone") {
          const { ms } = await contender.ask("train", { steps, batch, rate: RATE });
          return (ms / steps) * perEpoch;
        }
        const long = (await contender.ask("train", { epochs: to, batch })).ms;
        const short = (await contender.ask("train", { epochs: from, batch })).ms;
        const each = (long - short) / (to - from);
        setup = short - from * each;
        return each;
      },
    }));
    const times = await rounds(jobs, quick ? 3 : 5);
    for (const contender of started) contender.stop();
    print(`Training ${label}: ms per epoch`, times, "ms");
    results.push({ workload: name, batch, times, checks, setup, versions });
  }
  return results;
}

if (process.argv[1]?.endsWith("bench/train.mjs")) {
  await train({
    quick: process.argv.includes("--quick"),
    only: process.argv[2]?.match(/^[A-D]\d/) ? process.argv[2].split(",") : undefined,
  });
}
