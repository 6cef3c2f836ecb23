// From rows to a fitted model: seconds of a default fit on one thread, its error beside; prediction and size. isotone, monotone boosting, TF Lattice.
//   npm run build && taskset -c 0 node bench/fits.mjs FOLDER [--sets auto-mpg,generated] [--rounds 3] [--models isotone,hgb] [--out bench/FITS.md]
// FOLDER as for accuracy.mjs; $PYTHON has scikit-learn, xgboost, lightgbm, tensorflow-lattice, or some of them: what is missing is named and left out.
// Everyone is a process of its own that stays; they fit in turn, round after round. Figures of a set are kept in build/fits.json, so that sets may be run
// one at a time; the page is written from all that are there. Seconds are those of the CPU, as one thread takes them, also where a machine is busy.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { generator } from "../examples/jobs/random.mjs";
import { fixedSets } from "./accuracy-sets.mjs";
import { asNumbers } from "./lib/rivals.mjs";
import { featuresOf, mean, take } from "./lib/scores.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: { type: "string", default: "auto-mpg,food-deliveries,log-bpic2012,generated" },
    rounds: { type: "string", default: "3" },
    models: { type: "string" },
    out: { type: "string" },
    child: { type: "boolean" },
  },
});
const python = process.env.PYTHON ?? "python3";
const NAMES = {
  isotone: "isotone",
  hgb: "scikit-learn HGB, monotone",
  xgboost: "XGBoost, monotone",
  lightgbm: "LightGBM, monotone",
  "tf-lattice": "TF Lattice",
};
const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1];
const timed = (run, times) =>
  median(
    Array.from({ length: times }, () => {
      const began = process.hrtime.bigint();
      run();
      return Number(process.hrtime.bigint() - began) / 1e9;
    }),
  );

/** isotone in a process of its own: as fits.py, over the same lines. */
async function child(folder) {
  const { fit, version } = await import("../dist/index.js");
  const { features, targetName, columns, test } = JSON.parse(readFileSync(join(folder, "isotone.json"), "utf8"));
  console.log(JSON.stringify({ version }));
  for await (const _ of createInterface({ input: process.stdin })) {
    const before = process.cpuUsage();
    const model = await fit(columns, { target: targetName, features });
    const { user, system } = process.cpuUsage(before);
    const { [targetName]: actual, ...rows } = test;
    const error = Math.sqrt(mean(Array.from(model.predictMany(rows), (p, i) => (p - actual[i]) ** 2))) / sdOf(actual);
    const row = Object.fromEntries(Object.entries(rows).map(([name, values]) => [name, values[0]]));
    const one = timed(() => model.predict(row), 2000);
    const batch = timed(() => model.predictMany(rows), 21);
    const bytes = JSON.stringify(model).length;
    console.log(JSON.stringify({ seconds: (user + system) / 1e6, error, batch, one, bytes }));
  }
}

function sdOf(values) {
  const centre = mean(values);
  return Math.sqrt(mean(Array.from(values, (v) => (v - centre) ** 2)));
}

/** 125,000 rows of 20 inputs, a fifth of them held out: ten increasing, five decreasing, five free; sums, products, kinks, noise of a third of the deviation. */
function generated() {
  const n = 125_000;
  const random = generator(20);
  const names = Array.from({ length: 20 }, (_, j) => `x${j}`);
  const columns = Object.fromEntries(names.map((name) => [name, new Float64Array(n)]));
  const target = new Float64Array(n);
  for (let r = 0; r < n; r++) {
    const x = names.map((name) => {
      columns[name][r] = random.uniform();
      return columns[name][r];
    });
    let y = 0;
    for (let j = 0; j < 10; j++) y += (j % 3 === 0 ? x[j] : x[j] ** 2) / (1 + j / 4);
    y += 2 * x[0] * x[1] + 2 * Math.max(0, x[2] + x[3] - 1) + 1.5 * x[4] * x[5] * x[6];
    for (let j = 10; j < 15; j++) y -= Math.sqrt(x[j]) / (1 + (j - 10) / 2);
    y += 0.5 * Math.sin(6 * x[15]) + 0.5 * x[16] * x[17];
    target[r] = y + 0.35 * random.normal();
  }
  const sign = (j) => (j < 10 ? "increasing" : j < 15 ? "decreasing" : "free");
  const tests = [Array.from({ length: n / 5 }, (_, r) => 5 * r)];
  return {
    name: "generated",
    features: Object.fromEntries(names.map((name, j) => [name, sign(j)])),
    columns,
    target,
    targetName: "y",
    tests,
  };
}

/** Writes the rows for Python and for isotone's process: of the first fixed split. */
function writeSet(set, folder) {
  const testing = new Set(set.tests[0]);
  const training = [...set.target.keys()].filter((r) => !testing.has(r));
  const { columns, signs, categories } = asNumbers(set);
  for (const [part, rows] of Object.entries({ train: training, test: set.tests[0] })) {
    const flat = new Float64Array(rows.length * (columns.length + 1));
    rows.forEach((r, k) => {
      for (const [j, column] of columns.entries()) flat[k * (columns.length + 1) + j] = column[r];
      flat[k * (columns.length + 1) + columns.length] = set.target[r];
    });
    writeFileSync(join(folder, `${part}.bin`), Buffer.from(flat.buffer));
  }
  writeFileSync(join(folder, "task.json"), JSON.stringify({ signs, categories }));
  const table = (rows) => {
    const all = { ...featuresOf(set, rows), [set.targetName]: take(set.target, rows) };
    return Object.fromEntries(Object.entries(all).map(([name, values]) => [name, [...values]]));
  };
  const own = {
    features: set.features,
    targetName: set.targetName,
    columns: table(training),
    test: table(set.tests[0]),
  };
  writeFileSync(join(folder, "isotone.json"), JSON.stringify(own));
  return { rows: training.length, tested: testing.size, inputs: Object.keys(set.features).length };
}

/** Starts a model's process; { about, ask }, or undefined where its library is missing. */
async function start(key, folder) {
  const command =
    key === "isotone"
      ? [process.execPath, [here("fits.mjs"), folder, "--child"]]
      : [python, [here("fits.py"), folder, key]];
  const running = spawn(...command, { stdio: ["pipe", "pipe", "ignore"] });
  running.on("error", () => {});
  const lines = createInterface({ input: running.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    return done ? undefined : JSON.parse(value);
  };
  const about = await next();
  if (!about) return undefined;
  const ask = () => {
    running.stdin.write("\n");
    return next();
  };
  return { about, ask, stop: () => running.stdin.end() };
}

/** Fits in turn; the medians over the rounds, by model. */
async function measure(set) {
  const folder = mkdtempSync(join(tmpdir(), "isotone-fits-"));
  const sizes = writeSet(set, folder);
  const asked =
    options.models?.split(",") ?? Object.keys(NAMES).filter((key) => set.name !== "generated" || key !== "tf-lattice");
  const started = [];
  for (const key of asked) {
    const model = await start(key, folder);
    if (model) started.push([key, model]);
    else console.error(`${set.name}: ${NAMES[key]} left out, it does not run under ${python}`);
  }
  const answers = new Map(started.map(([key]) => [key, []]));
  // who was fitted in turn with whom
  const call = Date.now();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [key, model] of started) {
      const answer = await model.ask();
      if (answer) answers.get(key).push(answer);
      else console.error(`${set.name}: ${NAMES[key]} failed`);
    }
  }
  for (const [, model] of started) model.stop();
  rmSync(folder, { recursive: true });
  const models = {};
  for (const [key, { about }] of started) {
    const all = answers.get(key);
    if (!all.length) continue;
    const of = (name) => median(all.map((answer) => answer[name]));
    const spread = all.map(({ seconds }) => seconds);
    models[key] = { ...about, call, fits: all.length, least: Math.min(...spread), greatest: Math.max(...spread) };
    for (const name of ["seconds", "error", "batch", "one", "bytes"]) models[key][name] = of(name);
    console.error(`${set.name}: ${NAMES[key]} ${of("seconds").toFixed(2)} s, error ${of("error").toFixed(4)}`);
  }
  return { ...sizes, models };
}

const row = (cells) => `| ${cells.join(" | ")} |`;
const three = (v) => (v >= 100 ? v.toFixed(0) : v.toPrecision(3));
const kB = (bytes) => `${three(bytes / 1000)} kB`;

/** The page, from the figures of all sets that were measured. */
function page({ cpu, node, sets }) {
  const known = Object.keys(NAMES).filter((key) => Object.values(sets).some(({ models }) => models[key]));
  const versions = known.map(
    (key) =>
      `${NAMES[key].replace(", monotone", "")} ${Object.values(sets).find(({ models }) => models[key]).models[key].version}`,
  );
  const head = ["set", "rows", "inputs", ...known.map((key) => NAMES[key])];
  const rule = row(head.map((_, i) => (i ? "---:" : "---")));
  const table = (cell, some = sets) => [
    row(head),
    rule,
    ...Object.entries(some).map(([name, set]) =>
      row([name, set.rows, set.inputs, ...known.map((key) => (set.models[key] ? cell(set.models[key], set) : "–"))]),
    ),
  ];
  const timesOf = (model, set, what) => `${three(model[what] / set.models.isotone[what])} x`;
  const own = Object.values(sets)[0].models;
  const apart = known.filter((key) =>
    Object.values(sets).some(({ models }) => models[key] && models[key].call !== models.isotone?.call),
  );
  return [
    "# From rows to a fitted model",
    "",
    `Written by \`node bench/fits.mjs FOLDER\`; do not edit. ${cpu}, Node ${node}, one thread; ${versions.join(", ")}.`,
    "Everyone with library defaults and the same signs (TF Lattice, which has none, by the recipe of tf_lattice.py), on the first fixed split of a set, or on 100,000 of 125,000 generated rows.",
    "Fits in turn, each library in a process of its own that stays; medians, seconds of the CPU, starting and reading rows not counted. Error: RMSE on the test rows over the standard deviation of their target.",
    ...(apart.length
      ? [`Not in turn with the others, but in a run of its own: ${apart.map((key) => NAMES[key]).join(", ")}.`]
      : []),
    "",
    "## Seconds of a fit (error)",
    "",
    ...table((model) => `${three(model.seconds)} (${model.error.toFixed(4)})`),
    "",
    `Fits a model: ${Object.entries(sets)
      .map(([name, { models }]) => `${name} ${known.map((key) => models[key]?.fits ?? 0).join(", ")}`)
      .join("; ")}. TF Lattice fits the generated rows only where \`--models\` asks for it.`,
    "",
    "## A batch, microseconds a row",
    "",
    "All test rows at once, as the library is called in its own language: columns in JavaScript, a matrix in Python; TF Lattice as a compiled function.",
    "",
    ...table((model, set) => (model.batch ? three((1e6 * model.batch) / set.tested) : "–")),
    "",
    "## One row, microseconds",
    "",
    "Most of this is the call of a Python library, not its trees or lattices; a service that answers row by row pays it nevertheless.",
    "",
    ...table((model, set) => (model.one ? `${three(1e6 * model.one)} (${timesOf(model, set, "one")})` : "–")),
    "",
    "## Size of the saved model",
    "",
    "isotone: the JSON text, not compressed; scikit-learn: joblib; XGBoost: UBJSON; LightGBM: its text; TF Lattice: a SavedModel folder.",
    "",
    ...table((model) => kB(model.bytes)),
    "",
    "## What is installed",
    "",
    "To train and predict; the library and all that it requires, as installed on Linux x86-64 (XGBoost's includes NVIDIA's NCCL, which its wheel asks for).",
    "",
    row(known.map((key) => NAMES[key])),
    row(known.map(() => "---:")),
    row(known.map((key) => `${three((key === "isotone" ? packed() : own[key].installed) / 1e6)} MB`)),
    "",
    "To embed isotone in a page takes 54 kB, compressed, and 12 kB for prediction alone (`npm run size`).",
    "",
  ].join("\n");
}

/** Bytes of isotone as npm installs it. */
function packed() {
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: here(".."),
    encoding: "utf8",
  });
  return JSON.parse(stdout)[0].unpackedSize;
}

async function main(folder) {
  const store = here("../build/fits.json");
  const kept = existsSync(store) ? JSON.parse(readFileSync(store, "utf8")) : { sets: {} };
  const wanted = options.sets.split(",");
  const fixed = fixedSets(folder).filter(({ name }) => wanted.includes(name));
  const sets = wanted.includes("generated") ? [...fixed, generated()] : fixed;
  for (const set of sets) {
    const { models, ...sizes } = await measure(set);
    kept.sets[set.name] = { ...sizes, models: { ...kept.sets[set.name]?.models, ...models } };
    mkdirSync(here("../build"), { recursive: true });
    writeFileSync(store, JSON.stringify(kept));
  }
  const text = page({ cpu: cpus()[0].model.trim(), node: process.version.slice(1), sets: kept.sets });
  console.log(text);
  if (options.out) writeFileSync(options.out, text);
}

const [folder] = positionals;
if (options.child) await child(folder);
else if (folder && existsSync(join(folder, "splits.json"))) await main(folder);
else {
  console.error("usage: node bench/fits.mjs FOLDER   (a folder with splits.json and the data sets it lists)");
  process.exit(2);
}
