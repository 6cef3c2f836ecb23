// What other models say about signs: the audit of docs/audit.md. An MLP of TensorFlow.js by its exact derivatives, boosted trees by the grid that
// `isotone audit` writes and reads back, isotone itself; each with several seeds, on rows that none of them was trained on.
// Then falls in floating point: pairs of rows of which the second is larger in one constrained column, strictly compared, not beyond rounding.
//   node bench/audit.mjs [--seeds 5] [--models isotone,lightgbm-monotone,…] [--sets jobs]     after npm run build; BENCH_PYTHON names a Python with
//   numpy, scikit-learn, xgboost, lightgbm and tensorflow-lattice, or as many of them as the models need
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { fitMlp } from "../examples/jobs/mlp.mjs";
import { generator } from "../examples/jobs/random.mjs";
import { scoresOf } from "../examples/jobs/study.mjs";

const { values: options } = parseArgs({
  options: { seeds: { type: "string", default: "5" }, models: { type: "string" }, sets: { type: "string" } },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, k) => k + 1);
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = `${root}build/audit/`;
const python = process.env.BENCH_PYTHON ?? "python3";
const { audit, fit } = await import("../dist/index.js");

/** Numbers of a CSV file by column. */
function tableOf(path, text = readFileSync(path)) {
  const [header, ...lines] = (path.endsWith(".gz") ? gunzipSync(text) : text).toString().trim().split("\n");
  const names = header.split(",");
  const cells = lines.map((line) => line.split(","));
  return (name) => cells.map((row) => Number(row[names.indexOf(name)]));
}

const counts = (prefix, n) => Array.from({ length: n }, (_, k) => `${prefix}${String(k + 1).padStart(2, "0")}`);
const sets = [
  {
    name: "jobs",
    what: "measured jobs, 7 counts",
    path: `${root}examples/jobs/jobs.csv`,
    target: "ms",
    increasing: ["documents", "rows", "lookups", "reports", "blocks", "lines", "messages"],
    free: [],
  },
  {
    name: "deliveries",
    what: "food deliveries, distance and 27 item counts, hour free",
    path: `${root}../shared/data/food-deliveries/food-deliveries.csv.gz`,
    target: "time_to_delivery",
    increasing: ["distance", ...counts("item_", 27)],
    free: ["hour"],
  },
];

/** Reads a set and splits it: one row in five is held out. */
function readSet(set) {
  const column = tableOf(set.path);
  const names = [...set.increasing, ...set.free];
  const [x, y] = [names.map(column), column(set.target)];
  const order = generator(1).order(y.length);
  const held = Math.round(y.length / 5);
  const part = (list) => ({ rows: list.map((i) => x.map((values) => values[i])), y: list.map((i) => y[i]) });
  return { ...set, names, test: part(order.slice(0, held)), train: part(order.slice(held)) };
}

const csvOf = (header, rows) => `${[header, ...rows].map((row) => row.join(",")).join("\n")}\n`;
const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

function run(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28, cwd: folder });
  if (status !== 0) throw new Error(`${command} ${args[0]}: ${stderr}`);
  return stdout;
}

/** Share of (row, input) pairs whose derivative is negative with one seed and positive with another. */
function flips(derivatives, isTested) {
  let [pairs, both] = [0, 0];
  for (let k = 0; k < derivatives[0].length; k++) {
    if (!isTested(k)) continue;
    pairs++;
    if (derivatives.some((d) => d[k] < 0) && derivatives.some((d) => d[k] > 0)) both++;
  }
  return both / pairs;
}

const MLP = "MLP 64-32 (TensorFlow.js)";
const LATTICE = "TensorFlow Lattice, monotone";
const asked = options.models?.split(",");
const isAsked = (key) => !asked || asked.includes(key);
/** Models of audit-rivals.py: the end of their files' names, and what the tables call them. */
const RIVALS = [
  ["xgboost", "XGBoost"],
  ["sklearn", "scikit-learn HGB"],
  ["xgboost-monotone", "XGBoost, monotone"],
  ["sklearn-monotone", "scikit-learn HGB, monotone"],
  ["lightgbm-monotone", "LightGBM, monotone"],
  ["tf-lattice", LATTICE],
].filter(([key]) => isAsked(key));
const cli = `${root}dist/cli.js`;

/** Writes the set's rows for Python, and the grid made of the held-out ones: its name, and of each of its lines the number of the row it is (else none). */
function writeGrid({ name, names, target, increasing, train, test }) {
  for (const [part, { rows, y }] of Object.entries({ train, test })) {
    const lines = rows.map((row, i) => [...row, y[i]]);
    writeFileSync(`${folder}${name}-${part}.csv`, csvOf([...names, target], lines));
  }
  const grid = `${name}-grid.csv`;
  const options = ["--increasing", increasing.join(","), "--rows", "2000", "--pairs", "2000", "-o", grid, "-q"];
  run(process.execPath, [cli, "audit", "--grid", `${name}-test.csv`, ...options]);
  const lines = readFileSync(`${folder}${grid}`, "utf8").split("\n").slice(1);
  const rowOf = lines.map((line) => {
    const [number, test] = line.split(",");
    return test === "row" ? Number(number) - 1 : undefined;
  });
  return { grid, rowOf };
}

/**
 * Pairs of rows for falls in floating point, written for Python: of 480 held-out rows each constrained column goes up by 1e-5, by 1e-3 standard
 * deviations, and to another row's value where that is larger. Row 2k and row 2k + 1 are a pair; float32 numbers, which every model takes as they are.
 */
function writePairs({ name, names, increasing, test }) {
  const rows = test.rows.slice(0, 480).map((row) => row.map(Math.fround));
  const pairs = [];
  for (const [c, column] of names.entries()) {
    if (!increasing.includes(column)) continue;
    const values = rows.map((row) => row[c]);
    const centre = mean(values);
    const sd = Math.sqrt(mean(values.map((v) => (v - centre) ** 2)));
    for (const [r, row] of rows.entries()) {
      const higher = [row[c] + 1e-5 * sd, row[c] + 1e-3 * sd, values[(r + 1) % rows.length]].map(Math.fround);
      for (const value of higher) if (value > row[c]) pairs.push(row, row.with(c, value));
    }
  }
  const file = `${name}-pairs.csv`;
  writeFileSync(`${folder}${file}`, csvOf(names, pairs));
  return { file, rows: pairs };
}

/** Pairs of predictions that fall, and the deepest fall; of how many rows the prediction alone (`alone`, of the first rows) is another than in the batch. */
function fallsOf(predictions, alone) {
  let [falls, deepest] = [0, 0];
  for (let k = 0; k < predictions.length; k += 2) {
    const fall = predictions[k] - predictions[k + 1];
    if (fall > 0) falls++;
    deepest = Math.max(deepest, fall);
  }
  const differ = alone.filter((p, k) => p !== predictions[k]).length / alone.length;
  return { pairs: predictions.length / 2, falls, deepest, differ };
}

/** The MLP of a seed, judged by its exact derivatives, which come back, too. */
async function auditMlp({ train, test }, constraints, pairs, seed) {
  const net = await fitMlp(train.rows, train.y, { seed });
  const derivatives = net.derivatives(test.rows);
  const d = constraints.size;
  const rowsIn = (x, n) => Array.from({ length: n }, (_, r) => Array.from(x.subarray(r * d, (r + 1) * d)));
  const flat = Float64Array.from(test.rows.flat());
  const options = { pairs: 2000, derivatives: () => derivatives };
  const report = await audit((x, n) => net.predict(rowsIn(x, n)), flat, constraints, options);
  const { rmse } = scoresOf(net.predict(test.rows), test.y);
  const alone = pairs.rows.slice(0, 1000).map((row) => net.predict([row])[0]);
  const falls = fallsOf(net.predict(pairs.rows), alone);
  net.dispose();
  return { report, rmse, derivatives, falls };
}

async function auditIsotone({ names, train, test }, constraints, pairs, seed) {
  const columns = names.map((name, f) => [name, train.rows.map((row) => row[f])]);
  const rows = Object.fromEntries([...columns, ["target", train.y]]);
  const model = await fit(rows, { target: "target", features: Object.fromEntries(constraints), seed });
  const options = { pairs: 2000, derivatives: (x) => model.sensitivityMany(x) };
  const flat = Float64Array.from(test.rows.flat());
  const report = await audit((x) => model.predictMany(x), flat, constraints, options);
  const alone = pairs.rows.slice(0, 1000).map((row) => model.predict(row));
  const falls = fallsOf(model.predictMany(pairs.rows), alone);
  return { report, rmse: scoresOf(model.predictMany(test.rows), test.y).rmse, falls };
}

/** Python's models of a seed, asked about the grid: [label, { report, rmse, falls }] each. Scores come from the predictions of the grid's own rows. */
function auditRivals({ name, target, test }, constraints, { grid, rowOf }, pairs, seed) {
  if (!RIVALS.length) return [];
  const signs = [...constraints].map(([column, sign]) => `${column}=${sign}`);
  const prefix = `${name}-${seed}`;
  const keys = RIVALS.map(([key]) => key).join(",");
  const files = [`${name}-train.csv`, grid, pairs.file];
  run(python, [`${root}bench/audit-rivals.py`, keys, ...files, target, String(seed), prefix, ...signs]);
  return RIVALS.map(([key, label]) => {
    const file = `${prefix}-${key}.csv`;
    const report = JSON.parse(run(process.execPath, [cli, "audit", grid, file, "--json", "-q"]));
    const predictions = readFileSync(`${folder}${file}`, "utf8").split("\n").slice(1);
    const own = [...rowOf.keys()].filter((k) => rowOf[k] !== undefined);
    const predicted = own.map((k) => Number(predictions[k]));
    const actual = own.map((k) => test.y[rowOf[k]]);
    const answers = (part) => tableOf(`${folder}${prefix}-${key}-${part}.csv`)("prediction");
    const falls = fallsOf(answers("pairs"), answers("alone"));
    return [label, { report, rmse: scoresOf(predicted, actual).rmse, falls }];
  });
}

const percent = (v) => `${(100 * v).toFixed(v > 0 && v < 0.001 ? 3 : 1)} %`;
/** Mean, least and greatest over the seeds. */
const spread = (values) =>
  Math.max(...values) === 0
    ? "0"
    : `${percent(mean(values))} (${percent(Math.min(...values))} to ${percent(Math.max(...values))})`;

/** A model's line of the table, from its { report, rmse } of each seed. */
function lineOf(label, runs, columns) {
  const tested = (report) => report.features.filter((f) => f.constraint !== "free");
  const alone = runs.map(({ report }) => {
    const all = tested(report);
    return all.reduce((sum, f) => sum + f.pairs.outOfOrder, 0) / all.reduce((sum, f) => sum + f.pairs.checked, 0);
  });
  const cells = [
    label,
    mean(runs.map((r) => r.rmse)).toFixed(3),
    // of trees only rows within a step of a split have a slope at all
    `${spread(runs.map((r) => r.report.wrong))}${RIVALS.some(([, rival]) => rival === label && rival !== LATTICE) ? " \\*" : ""}`,
    spread(alone),
    spread(runs.map(({ report }) => report.pairs.outOfOrder / report.pairs.checked)),
    `${mean(runs.map(({ report }) => tested(report).filter((f) => f.wrongOnAverage).length)).toFixed(1)} of ${columns}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

async function study(set) {
  const { name, what, names, increasing, train, test } = set;
  const constraints = new Map(names.map((column) => [column, increasing.includes(column) ? 1 : 0]));
  const grid = writeGrid(set);
  const pairs = writePairs(set);
  const results = new Map();
  const add = (model, result) => results.set(model, [...(results.get(model) ?? []), result]);
  for (const seed of seeds) {
    if (isAsked("mlp")) add(MLP, await auditMlp(set, constraints, pairs, seed));
    if (isAsked("isotone")) add("isotone", await auditIsotone(set, constraints, pairs, seed));
    for (const [label, result] of auditRivals(set, constraints, grid, pairs, seed)) add(label, result);
    console.error(`${name}, seed ${seed}`);
  }

  console.log(`\n### ${name}: ${what} (${train.y.length} rows to train on, ${test.y.length} held out)\n`);
  console.log(
    "| | RMSE | wrong-signed slopes | one column up, prediction down | ordered pairs out of order | columns wrong on average |",
  );
  console.log("|---|---|---|---|---|---|");
  for (const [label, runs] of results) console.log(lineOf(label, runs, increasing.length));
  const spreadOfTarget = Math.sqrt(mean(test.y.map((v) => (v - mean(test.y)) ** 2)));
  console.log(
    "\n| | pairs | seeds | fall | deepest fall, sd of the target | rows that alone get another prediction than in a batch |\n|---|---|---|---|---|---|",
  );
  for (const [label, runs] of results) {
    const share = mean(runs.map(({ falls }) => falls.falls / falls.pairs));
    const deepest = Math.max(...runs.map(({ falls }) => falls.deepest)) / spreadOfTarget;
    const differ = mean(runs.map(({ falls }) => falls.differ));
    const figures = [
      share ? percent(share) : "0",
      deepest ? deepest.toPrecision(2) : "0",
      differ ? percent(differ) : "0",
    ];
    const cells = [label, runs[0].falls.pairs, runs.length, ...figures];
    console.log(`| ${cells.join(" | ")} |`);
  }
  const mlps = results.get(MLP);
  if (!mlps) return;
  const turned = flips(
    mlps.map(({ derivatives }) => derivatives),
    (k) => k % names.length < increasing.length,
  );
  console.log(
    `\nThe sign of the MLP's derivative changes with the seed for ${percent(turned)} of the ${test.y.length * increasing.length} pairs of a row and a column.`,
  );
  const wrongOf = (column) => mean(mlps.map(({ report }) => report.features.find((f) => f.name === column).wrong));
  const byColumn = increasing.map((column) => [column, wrongOf(column)]).sort((a, b) => b[1] - a[1]);
  const shown = byColumn.slice(0, 8).map(([column, share]) => `${column} ${percent(share)}`);
  console.log(`By column: ${shown.join(", ")}${byColumn.length > 8 ? ", …" : ""}.`);
}

mkdirSync(folder, { recursive: true });
for (const set of sets) {
  if (options.sets && !options.sets.split(",").includes(set.name)) continue;
  if (existsSync(set.path)) await study(readSet(set));
  else console.error(`${set.name}: left out, there is no ${set.path}`);
}
