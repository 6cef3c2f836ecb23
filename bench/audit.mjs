// What other models say about signs: the audit of docs/audit.md. An MLP of TensorFlow.js by its exact derivatives, boosted trees by the grid that
// `isotone audit` writes and reads back, isotone itself; each with several seeds, on rows that none of them was trained on.
//   node bench/audit.mjs [--seeds 5]     after npm run build; BENCH_PYTHON names a Python with numpy, scikit-learn and xgboost
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { fitMlp } from "../examples/jobs/mlp.mjs";
import { generator } from "../examples/jobs/random.mjs";
import { scoresOf } from "../examples/jobs/study.mjs";

const { values: options } = parseArgs({ options: { seeds: { type: "string", default: "5" } } });
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

async function study(set) {
  const { names, increasing, train, test } = set;
  const d = names.length;
  const constraints = new Map(names.map((name) => [name, increasing.includes(name) ? 1 : 0]));
  const results = new Map();
  const add = (model, report, rmse) => {
    if (!results.has(model)) results.set(model, []);
    results.get(model).push({ report, rmse });
  };
  const flat = Float64Array.from(test.rows.flat());
  const rowsIn = (x, n) => Array.from({ length: n }, (_, r) => Array.from(x.subarray(r * d, (r + 1) * d)));

  // the grid is made of held-out rows: all of the first row kind are the rows themselves, so that scores come from the same predictions
  writeFileSync(
    `${folder}${set.name}-train.csv`,
    csvOf(
      [...names, set.target],
      train.rows.map((row, i) => [...row, train.y[i]]),
    ),
  );
  writeFileSync(
    `${folder}${set.name}-test.csv`,
    csvOf(
      [...names, set.target],
      test.rows.map((row, i) => [...row, test.y[i]]),
    ),
  );
  const cli = `${root}dist/cli.js`;
  const grid = `${set.name}-grid.csv`;
  run(process.execPath, [
    cli,
    "audit",
    "--grid",
    `${set.name}-test.csv`,
    "--increasing",
    increasing.join(","),
    "--rows",
    "2000",
    "--pairs",
    "2000",
    "-o",
    grid,
    "-q",
  ]);
  const tests = readFileSync(`${folder}${grid}`, "utf8").split("\n").slice(1);

  const mlps = [];
  for (const seed of seeds) {
    const net = await fitMlp(train.rows, train.y, { seed });
    const own = net.derivatives(test.rows);
    mlps.push(own);
    const report = await audit((x, n) => net.predict(rowsIn(x, n)), flat, constraints, {
      pairs: 2000,
      derivatives: () => own,
    });
    add("MLP 64-32 (TensorFlow.js)", report, scoresOf(net.predict(test.rows), test.y).rmse);
    net.dispose();
    const model = await fit(
      Object.fromEntries([...names.map((name, f) => [name, train.rows.map((row) => row[f])]), ["target", train.y]]),
      { target: "target", features: Object.fromEntries([...constraints].map(([name, sign]) => [name, sign])), seed },
    );
    add(
      "isotone",
      await audit((x) => model.predictMany(x), flat, constraints, {
        pairs: 2000,
        derivatives: (x) => model.sensitivityMany(x),
      }),
      scoresOf(model.predictMany(test.rows), test.y).rmse,
    );
    const signs = [...constraints].map(([name, sign]) => `${name}=${sign}`);
    run(python, [
      `${root}bench/audit-rivals.py`,
      `${set.name}-train.csv`,
      grid,
      set.target,
      String(seed),
      `${set.name}-${seed}`,
      ...signs,
    ]);
    for (const [key, label] of [
      ["xgboost", "XGBoost"],
      ["sklearn", "scikit-learn HGB"],
      ["xgboost-monotone", "XGBoost, monotone"],
      ["sklearn-monotone", "scikit-learn HGB, monotone"],
    ]) {
      const file = `${set.name}-${seed}-${key}.csv`;
      const report = JSON.parse(run(process.execPath, [cli, "audit", grid, file, "--json", "-q"]));
      const predictions = readFileSync(`${folder}${file}`, "utf8").split("\n").slice(1);
      const asked = tests.flatMap((line, k) =>
        line.split(",")[1] === "row" ? [[Number(line.split(",")[0]) - 1, Number(predictions[k])]] : [],
      );
      add(
        label,
        report,
        scoresOf(
          asked.map(([, p]) => p),
          asked.map(([r]) => test.y[r]),
        ).rmse,
      );
    }
    console.error(`${set.name}, seed ${seed}`);
  }

  console.log(`\n### ${set.name}: ${set.what} (${train.y.length} rows to train on, ${test.y.length} held out)\n`);
  console.log(
    "| | RMSE | wrong-signed slopes | one column up, prediction down | ordered pairs out of order | columns wrong on average |",
  );
  console.log("|---|---|---|---|---|---|");
  const percent = (v) => `${(100 * v).toFixed(v > 0 && v < 0.001 ? 3 : 1)} %`;
  const spread = (values) =>
    Math.max(...values) === 0
      ? "0"
      : `${percent(mean(values))} (${percent(Math.min(...values))} to ${percent(Math.max(...values))})`;
  for (const [label, runs] of results) {
    const tested = (report) => report.features.filter((f) => f.constraint !== "free");
    const alone = runs.map(({ report }) => {
      const all = tested(report);
      return all.reduce((sum, f) => sum + f.pairs.outOfOrder, 0) / all.reduce((sum, f) => sum + f.pairs.checked, 0);
    });
    const trees = !/MLP|isotone/.test(label);
    console.log(
      `| ${label} | ${mean(runs.map((r) => r.rmse)).toFixed(3)} | ${spread(runs.map((r) => r.report.wrong))}${trees ? " \\*" : ""} | ${spread(alone)} | ${spread(
        runs.map(({ report }) => report.pairs.outOfOrder / report.pairs.checked),
      )} | ${mean(runs.map(({ report }) => tested(report).filter((f) => f.wrongOnAverage).length)).toFixed(1)} of ${increasing.length} |`,
    );
  }
  console.log(
    `\nThe sign of the MLP's derivative changes with the seed for ${percent(flips(mlps, (k) => k % d < increasing.length))} of the ${test.y.length * increasing.length} pairs of a row and a column.`,
  );
  const last = results.get("MLP 64-32 (TensorFlow.js)");
  const byColumn = increasing.map((name) => [
    name,
    mean(last.map(({ report }) => report.features.find((f) => f.name === name).wrong)),
  ]);
  byColumn.sort((a, b) => b[1] - a[1]);
  console.log(
    `By column: ${byColumn
      .slice(0, 8)
      .map(([name, share]) => `${name} ${percent(share)}`)
      .join(", ")}${byColumn.length > 8 ? ", …" : ""}.`,
  );
}

mkdirSync(folder, { recursive: true });
for (const set of sets) {
  if (existsSync(set.path)) await study(readSet(set));
  else console.error(`${set.name}: left out, there is no ${set.path}`);
}
