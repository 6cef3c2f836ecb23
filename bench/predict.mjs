// Prediction times on trained models: all rows at once, one row a call, and every partial derivative. Everyone's values are compared first; who
// differs from the library by more than 1e-4 (derivatives: in more than one row in a hundred, ties at kinks) is not timed.
import { floatsOf, largestDifference, startAll } from "./lib/contenders.mjs";
import { modelFolder } from "./lib/models.mjs";
import { print, rounds } from "./lib/rounds.mjs";

const TOLERANCE = 1e-4;
const all = [
  "isotone",
  "isotone-arrays",
  "ort-web",
  "ort-node",
  "tfjs-wasm",
  "tfjs-cpu",
  "plain",
  "jax",
  "torch-sparse",
  "numpy",
];
const few = ["isotone", "ort-web", "ort-node", "plain"];
const derivatives = ["isotone", "tfjs-wasm", "tfjs-wasm-sparse", "plain", "torch", "torch-sparse", "numpy"];
/** Calls of one row at a time in a round. */
const calls = { isotone: 20000, "isotone-arrays": 20000, plain: 2000 };

async function ready(names, folder) {
  const alive = [];
  for (const contender of await startAll(names)) {
    try {
      await contender.ask("model", { folder });
      alive.push(contender);
    } catch (error) {
      console.error(`${contender.label}: left out (${String(error.message).split("\n")[0]})`);
      contender.stop();
    }
  }
  return alive;
}

/** Share of values that differ. */
function shareWrong(values, own, width) {
  let wrong = 0;
  for (let from = 0; from < own.length; from += width) {
    if (!(largestDifference(values.slice(from, from + width), own.slice(from, from + width)) <= TOLERANCE)) wrong++;
  }
  return (wrong * width) / own.length;
}

export async function predict({ quick = false, only } = {}) {
  const results = [];
  for (const name of only ?? (quick ? ["A", "B"] : ["A", "B", "C", "D"])) {
    const { folder, w } = await modelFolder(name);
    const alive = await ready(quick ? few : all, folder);
    const own = floatsOf((await alive[0].ask("predict")).values);
    const agreeing = [];
    for (const contender of alive) {
      const difference = largestDifference(floatsOf((await contender.ask("predict")).values), own);
      if (difference <= TOLERANCE) agreeing.push(contender);
      else console.error(`${contender.label}: predictions differ by ${difference.toExponential(1)}: not timed`);
    }
    const job = (warm, run) => (contender) => ({
      name: contender.name,
      label: contender.label,
      warm,
      run: () => run(contender),
    });
    const warm = quick ? 300 : 1000;
    const batch = await rounds(
      agreeing.filter((c) => c.name !== "isotone-arrays").map(job(warm, async (c) => (await c.ask("predict")).ms)),
      quick ? 9 : 15,
    );
    print(`Prediction ${name}, ${w.predictRows} rows at once: ms`, batch, "ms");
    const row = await rounds(
      agreeing.map(job(warm, async (c) => (await c.ask("row", { count: calls[c.name] ?? 500 })).ns / 1000)),
      quick ? 9 : 15,
    );
    print(`Prediction ${name}, one row a call: us`, row, "us");
    for (const contender of alive) contender.stop();
    results.push({ workload: name, rows: w.predictRows, batch, row });
  }
  return results;
}

export async function sensitivity({ quick = false, only } = {}) {
  const results = [];
  for (const name of only ?? (quick ? ["A"] : ["A", "B", "C", "D"])) {
    const { folder, w } = await modelFolder(name);
    const alive = await ready(derivatives, folder);
    const own = floatsOf((await alive[0].ask("sensitivity")).values);
    const whole = own.length - (own.length % w.inputs);
    const agreeing = [];
    for (const contender of alive) {
      try {
        const values = floatsOf((await contender.ask("sensitivity")).values);
        const share = shareWrong(values.slice(0, whole), own.slice(0, whole), w.inputs);
        if (share <= 0.01) agreeing.push(contender);
        else
          console.error(`${contender.label}: derivatives differ in ${(100 * share).toFixed(0)} % of rows: not timed`);
      } catch (error) {
        console.error(`${contender.label}: left out (${String(error.message).split("\n")[0]})`);
      }
    }
    const times = await rounds(
      agreeing.map((c) => ({
        name: c.name,
        label: c.label,
        warm: quick ? 200 : 600,
        run: async () => (await c.ask("sensitivity")).ms,
      })),
      quick ? 5 : 7,
    );
    print(`Sensitivity ${name}, ${w.predictRows} rows, every partial derivative: ms`, times, "ms");
    for (const contender of alive) contender.stop();
    results.push({ workload: name, rows: w.predictRows, times });
  }
  return results;
}

if (process.argv[1]?.endsWith("bench/predict.mjs")) {
  const only = process.argv.slice(2).filter((a) => /^[A-D]$/.test(a));
  await predict({ quick: process.argv.includes("--quick"), only: only.length ? only : undefined });
}
