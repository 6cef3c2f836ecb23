// npm run demo: trains on the measured jobs and prints how good the model is, what drives the duration, and how many partial
// derivatives have the wrong sign, beside an MLP without constraints on the same rows. Files go to build/demo/, among them the report: one
// page to open in a browser.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ACTIVITIES } from "./measure.mjs";
import { baselines, columnOf, readJobs, spreadOf, studyIsotone, studyMlp } from "./study.mjs";

const FOLDER = "build/demo";
const root = new URL("../../", import.meta.url);

/** Rows of cells as lines: the first column to the left, the others to the right, two spaces between. */
export function tableOf(rows) {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  return rows
    .map((row) => row.map((cell, j) => (j === 0 ? cell.padEnd(widths[j]) : cell.padStart(widths[j]))).join("  "))
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

const percent = (part, digits = 1) => `${(100 * part).toFixed(digits)} %`;

/** Errors on the held-out rows, worst to best as they are given: [name, { rmse, r2, median }]. */
export function scoreTable(entries) {
  return tableOf([
    ["", "RMSE, ms", "R2", "median error"],
    ...entries.map(([name, s]) => [name, s.rmse.toFixed(3), s.r2.toFixed(3), percent(s.median)]),
  ]);
}

/** Partial derivatives by activity, ranked by their root mean square times the standard deviation of the count, as everywhere in isotone. */
export function rankActivities(names, rows, derivatives, others) {
  const d = names.length;
  return names
    .map((name, j) => {
      const own = columnOf(derivatives, d, j);
      return {
        name,
        ...own,
        perSd: Math.sqrt(own.mean ** 2 + own.sd ** 2) * spreadOf(rows, j),
        others: columnOf(others, d, j).negative,
      };
    })
    .sort((a, b) => b.perSd - a.perSd);
}

export function sensitivityTable(ranked, n) {
  const ms = (value) => value.toFixed(6);
  return tableOf([
    ["", "mean", "sd", "5 %", "95 %", "x sd", "negative", "MLP's"],
    ...ranked.map((a, i) => [
      `${i + 1} ${a.name}`,
      ms(a.mean),
      ms(a.sd),
      ms(a.low),
      ms(a.high),
      a.perSd.toFixed(3),
      String(a.negative),
      percent(a.others / n),
    ]),
  ]);
}

/** The page that `isotone report held-out.csv --held-out` writes; `report` is what the command line loads for it. */
export function reportOf(report, model, { rows, ms }) {
  const gathered = report.gatherer(model, { heldOut: true });
  gathered.add(Float32Array.from(rows.flat()), ms);
  return report.renderReport(report.makeStudy(model, gathered.done(), { file: "held-out.csv" }));
}

/** How this system opens a file. */
const OPENER = { darwin: "open", win32: "start" }[process.platform] ?? "xdg-open";

/** How often models say that more work takes less time: [name, report of audit()]. */
export function auditTable(entries) {
  const share = (part, of) => `${part} of ${of}, ${percent(part / of)}`;
  return tableOf([
    ["", "derivatives", "one activity more", "several more"],
    ...entries.map(([name, { checked, wrong, features, pairs }]) => {
      const sum = (key) => features.reduce((total, f) => total + f.pairs[key], 0);
      return [
        name,
        share(Math.round(wrong * checked), checked),
        share(sum("outOfOrder"), sum("checked")),
        share(pairs.outOfOrder, pairs.checked),
      ];
    }),
  ]);
}

/** Shown while something trains, on terminals only. */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

async function main() {
  const print = (text = "") => console.log(text);
  const isotone = await import("../../dist/index.js");
  const jobs = readJobs();
  const { names, train, test } = jobs;
  const n = test.rows.length;

  print("isotone demo: which sub-activities drive the duration of a job?\n");
  print(
    `${train.rows.length + n} jobs of ${names.length} counted activities, timed for real (examples/jobs/README.md).`,
  );
  print(`${train.rows.length} to train on, ${n} held out. One unit of`);
  for (const { name, unit } of ACTIVITIES) print(`  ${name.padEnd(10)} ${unit}`);
  print();

  const { mean, linear } = baselines(jobs);
  progress("training isotone");
  const own = await studyIsotone(isotone, jobs, {
    onProgress: (p) => progress(`training isotone: epoch ${p.epoch} of ${p.epochs}`),
  });
  const mlp = await studyMlp(jobs, {
    isotone,
    onEpoch: (epoch, loss) => progress(`training the MLP: epoch ${epoch}, held-out loss ${loss.toFixed(4)}`),
  });
  progress("");

  print(`Error on the ${n} held-out jobs`);
  print(
    scoreTable([
      ["the mean", mean],
      ["linear fit, slopes >= 0", linear],
      ["MLP 64-32, ReLU (TensorFlow.js)", mlp],
      ["isotone, defaults", own],
    ]),
  );
  print(
    `  trained in ${own.seconds.toFixed(1)} s (isotone) and ${mlp.seconds.toFixed(1)} s (MLP, ${mlp.epochs} epochs)\n`,
  );

  const ranked = rankActivities(names, test.rows, own.derivatives, mlp.derivatives);
  print("What one more unit costs: partial derivatives on the held-out jobs, ms per unit");
  print(sensitivityTable(ranked, n));
  print("  Ranked by x sd: the root mean square times the standard deviation of the");
  print("  count, in ms: what the usual variation of an activity does to the duration.\n");

  print("Do more, finish earlier? The audit of both on the held-out jobs");
  print(
    auditTable([
      ["MLP 64-32", mlp.audit],
      ["isotone", own.audit],
    ]),
  );
  const certificate = own.model.certify();
  print(`  certify(), from the weights alone: monotone ${certificate.monotone}\n`);

  mkdirSync(new URL(`${FOLDER}/`, root), { recursive: true });
  const put = (name, text) => {
    writeFileSync(new URL(`${FOLDER}/${name}`, root), text);
    return `${FOLDER}/${name}`;
  };
  const model = put("model.json", `${JSON.stringify(own.model)}\n`);
  const csv = [[...names, "ms"].join(","), ...test.rows.map((row, i) => [...row, test.ms[i]].join(","))];
  const held = put("held-out.csv", `${csv.join("\n")}\n`);
  const page = put("report.html", reportOf(await import("../../dist/report.js"), own.model, test));
  print("Written");
  print(`  ${model.padEnd(24)} the model\n  ${held.padEnd(24)} the held-out jobs`);
  print(`  ${page.padEnd(24)} the report: charts, single jobs explained, the proof\n`);
  print("Open the report in a browser; it needs no network");
  print(`  ${OPENER} ${page}\n`);
  print("Next");
  print(`  npx isotone predict ${model} ${held} \\\n    -o ${FOLDER}/predicted.csv`);
  print(`  npx isotone sensitivity ${model} ${held}`);
  print(`  npx isotone explain ${model} ${held} --row 17`);
  print(`  npx isotone audit ${model} ${held} --strict`);
  print(`  npx isotone report ${model} ${held} \\\n    --held-out --row 17 -o ${FOLDER}/report.html`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(fileURLToPath(root));
  await main();
}
