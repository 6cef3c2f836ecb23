// How accurate fit() is with its defaults, beside monotone boosting, free boosting, a sign-constrained linear fit and an MLP, on fixed splits.
// `npm run bench:accuracy -- FOLDER [--sets a,b] [--splits 2] [--no-rivals] [--effort best] [--out bench/ACCURACY.md]`.
// FOLDER holds the data sets and splits.json (bench/README.md says where they come from). Rivals are fitted again by accuracy-rivals.py when
// python3 (or $PYTHON) has scikit-learn and xgboost; otherwise the stored figures stand in, and the report says so.
// `npm run bench:accuracy -- [FOLDER] --describe SETS.json`: any folder of CSV files instead, as the description says (accuracy-sets.mjs,
// describedSets); without FOLDER the package that the description names is fetched, and if that fails nothing is measured, with the reason.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fit, version } from "../dist/index.js";
import { describedSets, extraSets, fixedSets } from "./accuracy-sets.mjs";
import { deviation, featuresOf, geometricMean, mean, take } from "./lib/scores.mjs";

const COVERAGES = [0.8, 0.9, 0.95];
const MONOTONE = ["linear, signs", "HGB monotone", "XGB monotone"];
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: { type: "string" },
    splits: { type: "string" },
    effort: { type: "string", default: "default" },
    out: { type: "string" },
    describe: { type: "string" },
    "no-rivals": { type: "boolean" },
    "store-rivals": { type: "boolean" },
  },
});
const python = process.env.PYTHON ?? "python3";
const described = values.describe && JSON.parse(readFileSync(values.describe, "utf8"));
if (positionals.length > 1 || !(described || (positionals[0] && existsSync(join(positionals[0], "splits.json"))))) {
  console.error("usage: npm run bench:accuracy -- FOLDER   (a folder with splits.json and the data sets it lists)");
  console.error(
    "       npm run bench:accuracy -- [FOLDER] --describe SETS.json   (any folder of CSV files, described)",
  );
  process.exit(2);
}

/** The Python package that a description names, installed for this call alone; the folder of its files. */
function fetchPackage({ package: name, version: wanted, archive, folder }) {
  const into = mkdtempSync(join(tmpdir(), "isotone-sets-"));
  process.on("exit", () => rmSync(into, { recursive: true, force: true }));
  const steps = [
    [python, ["-m", "pip", "install", "--quiet", "--no-deps", "--target", into, `${name}==${wanted}`]],
    ["tar", ["-xzf", join(into, archive), "-C", into]],
  ];
  for (const [command, args] of steps) {
    const child = spawnSync(command, args, { encoding: "utf8" });
    if (child.status === 0) continue;
    const reason = (child.error?.message ?? child.stderr).trim().split("\n").at(-1);
    console.error(`skipped: ${name} ${wanted} could not be fetched (${command}: ${reason}).`);
    console.error(`Unpack ${archive} of that package yourself and give the folder ${folder} in it.`);
    process.exit(0);
  }
  return join(into, folder);
}

const wanted = values.sets?.split(",");
const most = values.splits ? Number(values.splits) : Number.POSITIVE_INFINITY;
const wants = (name, group) => !wanted || wanted.some((w) => name === w || group === w);
const folder = positionals[0] ?? fetchPackage(described.from);
const absent = (name, path) => console.error(`${name}: skipped, there is no ${path}`);
const sets = (
  described ? describedSets(folder, described, wants, absent) : [...fixedSets(folder), ...extraSets(folder, wants)]
)
  .filter((s) => wants(s.name, s.group))
  .map((s) => ({ ...s, tests: s.tests.slice(0, most) }));

/** One fit a split: scores, coverages, seconds. `extra` are options of fit beside the defaults. */
async function measure(set, extra = {}) {
  const scores = [];
  const held = COVERAGES.map(() => []);
  const seconds = [];
  for (const [k, test] of set.tests.entries()) {
    const testing = new Set(test);
    const training = [];
    for (let r = 0; r < set.target.length; r++) if (!testing.has(r)) training.push(r);
    const columns = { ...featuresOf(set, training), [set.targetName]: take(set.target, training) };
    const before = process.cpuUsage();
    const model = await fit(columns, {
      target: set.targetName,
      features: set.features,
      loss: set.task === "classification" ? "logistic" : "squared",
      effort: values.effort,
      seed: k + 1,
      ...extra,
    });
    const { user, system } = process.cpuUsage(before);
    seconds.push((user + system) / 1e6); // one thread: what a quiet core would take, also on a busy machine
    const predicted = model.predictMany(featuresOf(set, test));
    const actual = take(set.target, test);
    if (set.task === "classification") {
      scores.push(mean(Array.from(predicted, (p, i) => (p > 0.5 ? 1 : 0) === actual[i])));
      continue;
    }
    const squared = mean(Array.from(predicted, (p, i) => (p - actual[i]) ** 2));
    scores.push(set.measure === "mse" ? squared : Math.sqrt(squared) / (set.measure === "rmse/sd" ? set.sd : 1));
    const rows = test.map((r) => Object.fromEntries(Object.keys(set.features).map((c) => [c, set.columns[c][r]])));
    for (const [c, coverage] of COVERAGES.entries()) {
      try {
        const inside = rows.map((row, i) => {
          const [low, high] = model.predictInterval(row, coverage);
          return low <= actual[i] && actual[i] <= high;
        });
        held[c].push(mean(inside));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error; // too few rows for this coverage: said so, and left out
      }
    }
  }
  return { scores, held: held.map((h) => (h.length ? mean(h) : Number.NaN)), seconds: mean(seconds) };
}

/** Rivals of all sets, fitted by python; undefined when it or a library is missing. */
function fitRivals(list) {
  if (spawnSync(python, ["-c", "import numpy, sklearn, xgboost"]).status !== 0) return undefined;
  const into = mkdtempSync(join(tmpdir(), "isotone-accuracy-"));
  let from = 0;
  const blocks = [];
  const tasks = list.map((set, number) => {
    const columns = [];
    const signs = [];
    for (const [name, f] of Object.entries(set.features)) {
      const column = set.columns[name];
      if (typeof f === "object") {
        for (const category of [...new Set(column)].sort()) {
          columns.push(Float64Array.from(column, (v) => (v === category ? 1 : 0)));
          signs.push(0);
        }
      } else {
        columns.push(column);
        signs.push(f === "increasing" ? 1 : f === "decreasing" ? -1 : 0);
      }
    }
    const n = set.target.length;
    const x = new Float64Array(n * columns.length);
    columns.forEach((column, j) => {
      for (let r = 0; r < n; r++) x[r * columns.length + j] = column[r];
    });
    blocks.push(Buffer.from(x.buffer));
    const { task, tests, measure: how, sd: spread } = set;
    const entry = {
      // its number: a set may be there twice, once with fixed splits and once as papers report it
      name: String(number),
      task,
      measure: how,
      sd: spread,
      signs,
      tests,
      from,
      rows: n,
      inputs: columns.length,
      target: [...set.target],
    };
    if (set.name === "blogfeedback" || set.group === "described") entry.skip = ["MLP free"];
    from += x.length;
    return entry;
  });
  writeFileSync(join(into, "x.bin"), Buffer.concat(blocks));
  writeFileSync(join(into, "task.json"), JSON.stringify(tasks));
  const child = spawnSync(python, [here("accuracy-rivals.py"), into], {
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  rmSync(into, { recursive: true });
  if (child.status !== 0) return undefined;
  const answers = child.stdout
    .toString()
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return {
    versions: answers[0]?.versions ?? {},
    scores: new Map(answers.map((a) => [list[Number(a.name)], a.scores])),
  };
}

const storedFile = here("accuracy-rivals.json");
const stored = existsSync(storedFile) ? JSON.parse(readFileSync(storedFile, "utf8")) : { versions: {}, scores: {} };
const fitted = values["no-rivals"] ? undefined : fitRivals(sets);
if (fitted && values["store-rivals"]) {
  // the fixed sets have theirs in splits.json
  const others = sets.filter((s) => s.group !== "fixed").map((s) => [s.name, fitted.scores.get(s)]);
  const round = (_, v) => (typeof v === "number" ? Number(v.toPrecision(5)) : v);
  const kept = { versions: fitted.versions, scores: { ...stored.scores, ...Object.fromEntries(others) } };
  writeFileSync(
    storedFile,
    `${JSON.stringify(kept, round, 2).replace(/\[\s+([^\]]+?)\s+\]/g, (_, a) => `[${a.replace(/\s+/g, " ")}]`)}\n`,
  );
}
const rivalsOf = (set) => fitted?.scores.get(set) ?? set.stored ?? stored.scores[set.name] ?? {};
const firstOf = (set, scores) => scores.slice(0, set.tests.length);

const results = new Map();
for (const set of sets) {
  const own = await measure(set);
  if (set.group === "ratings") {
    own.single = (await measure(set, { networks: 1, groups: 8, hyperplanes: 8 })).scores;
  }
  results.set(set, own);
  console.error(`${set.name}: ${mean(own.scores).toFixed(4)} (${own.seconds.toFixed(1)} s a fit)`);
}

const lines = [];
const say = (line = "") => lines.push(line);
const row = (cells) => say(`| ${cells.join(" | ")} |`);
const head = (cells) => {
  row(cells);
  row(cells.map((_, i) => (i ? "---:" : "---")));
};
const figure = (scores, digits = 4) =>
  scores?.length ? `${mean(scores).toFixed(digits)} ± ${deviation(scores).toFixed(digits)}` : "–";

say("# Accuracy with default settings");
say();
say(`isotone ${version}, effort "${values.effort}". Written by \`npm run bench:accuracy -- FOLDER\`; do not edit.`);
say(
  "Every choice (scaling, ridge, decay, stopping, blend) is made on training rows. Figures are mean ± sd over splits.",
);
say(
  fitted
    ? `Rivals fitted in the same call with library defaults: ${Object.entries(fitted.versions)
        .map((v) => v.join(" "))
        .join(", ")}.`
    : "Rivals: stored figures, not fitted in this call: those of splits.json (sklearn 1.2.1, xgboost 1.7.4), and of accuracy-rivals.json for the sets below it.",
);
say();

const fixed = sets.filter((s) => s.group === "fixed");
if (fixed.length) {
  say("## Fixed splits: RMSE over the sd of the target");
  say();
  const names = ["linear, signs", "HGB monotone", "XGB monotone", "HGB free", "XGB free", "MLP free"];
  if (fitted?.versions.lightgbm) names.splice(3, 0, "LightGBM monotone");
  head(["set", "rows", "isotone", "to best monotone", ...names, "seconds a fit"]);
  const ratios = [];
  const to = Object.fromEntries(names.map((n) => [n, []]));
  for (const set of fixed) {
    const own = results.get(set);
    const rivals = rivalsOf(set);
    const best = Math.min(...MONOTONE.map((n) => mean(firstOf(set, rivals[n]))));
    ratios.push(mean(own.scores) / best);
    for (const n of names) to[n].push(mean(own.scores) / mean(firstOf(set, rivals[n])));
    const cells = names.map((n) => figure(firstOf(set, rivals[n])));
    row([
      set.name,
      set.target.length,
      `**${figure(own.scores)}**`,
      ratios.at(-1).toFixed(3),
      ...cells,
      own.seconds.toFixed(1),
    ]);
  }
  row([
    "geometric mean of isotone to it",
    "",
    "",
    `**${geometricMean(ratios).toFixed(3)}**`,
    ...names.map((n) => geometricMean(to[n]).toFixed(3)),
    "",
  ]);
  say();
  const level = ratios.filter((r) => r <= 1.01).length;
  say(
    `Best monotone: on each set the best of the sign-constrained linear fit, HGB monotone and XGB monotone. Level with it (within 1 %) or better on **${level} of ${ratios.length}** sets, better on ${ratios.filter((r) => r < 1).length}.`,
  );
  say();
  say("## Intervals: share of test rows inside `predictInterval`");
  say();
  head(["set", "rows", ...COVERAGES.map((c) => `${100 * c} %`)]);
  for (const set of fixed) {
    row([
      set.name,
      set.target.length,
      ...results.get(set).held.map((h) => (Number.isNaN(h) ? "too few rows" : (100 * h).toFixed(1))),
    ]);
  }
  const means = COVERAGES.map((_, c) => mean(fixed.map((s) => results.get(s).held[c]).filter((h) => !Number.isNaN(h))));
  row(["mean", "", ...means.map((h) => `**${(100 * h).toFixed(1)}**`)]);
  say();
}

const others = sets.filter((s) => s.group === "described");
if (others.length) {
  const { package: source, version: which } = described.from ?? {};
  say("## Other sets: RMSE over the sd of the target");
  say();
  say(
    [
      `${others.length} tables${source ? ` of the Python package ${source} ${which} (data of R packages, as CSV)` : ""}; targets and directions as in the description. Seeded 80/20 splits, twenty below 150 rows, five from there on. No row of them is in this repository.`,
      described.about,
    ].join(" "),
  );
  say();
  const names = ["linear, signs", "HGB monotone", "XGB monotone", "HGB free", "XGB free"];
  if (fitted?.versions.lightgbm) names.splice(3, 0, "LightGBM monotone");
  const known = others.filter((set) => rivalsOf(set)["HGB monotone"]);
  if (known.length < others.length) say("Without Python's libraries there are no rivals to compare with here.\n");
  head([
    "set",
    "rows",
    "inputs",
    "isotone",
    "to best monotone",
    "to linear",
    ...names,
    "held at 90 %",
    "seconds a fit",
  ]);
  const ratioTo = (set, name) => mean(results.get(set).scores) / mean(firstOf(set, rivalsOf(set)[name]));
  const toBest = (set) => Math.max(...MONOTONE.map((name) => ratioTo(set, name)));
  for (const set of others) {
    const own = results.get(set);
    const rivals = rivalsOf(set);
    const compared = known.includes(set);
    row([
      set.name,
      set.target.length,
      Object.keys(set.features).length,
      `**${figure(own.scores)}**`,
      compared ? toBest(set).toFixed(3) : "–",
      compared ? ratioTo(set, "linear, signs").toFixed(3) : "–",
      ...names.map((name) => figure(firstOf(set, rivals[name] ?? []))),
      Number.isNaN(own.held[1]) ? "too few rows" : (100 * own.held[1]).toFixed(1),
      own.seconds.toFixed(1),
    ]);
  }
  if (known.length) {
    const over = (list, of) => (list.length ? geometricMean(list.map(of)).toFixed(3) : "–");
    const few = known.filter((set) => set.target.length < 150);
    const many = known.filter((set) => set.target.length >= 150);
    for (const [what, list] of [
      ["geometric mean of isotone to it", known],
      ["… below 150 rows", few],
      ["… from 150 rows on", many],
    ]) {
      const cells = names.map((name) => over(list, (set) => ratioTo(set, name)));
      row([
        what,
        "",
        "",
        "",
        `**${over(list, toBest)}**`,
        over(list, (set) => ratioTo(set, "linear, signs")),
        ...cells,
        "",
        "",
      ]);
    }
    say();
    const level = known.filter((set) => toBest(set) <= 1.01).length;
    const worse = few.filter((set) => ratioTo(set, "linear, signs") > 1.03);
    say(
      [
        `Best monotone: on each set the best of the sign-constrained linear fit, HGB monotone and XGB monotone. Level with it (within 1 %) or better on **${level} of ${known.length}** sets.`,
        `Of the ${few.length} sets below 150 rows, ${worse.length ? worse.map((set) => `${set.name} (${ratioTo(set, "linear, signs").toFixed(3)})`).join(", ") : "none"} ${worse.length > 1 ? "are" : "is"} worse than the sign-constrained linear fit by more than 3 %.`,
      ].join(" "),
    );
  }
  say();
}

const ratings = sets.filter((s) => s.group === "ratings");
if (ratings.length) {
  say("## Ratings: Sill's comparison");
  say();
  say(
    "Sill (1998) set a monotonic network beside a linear model and a standard network on rating data. The same here: RMSE over the sd of the rating, one 8x8 network a member (`networks: 1`) and the default sum; 10 seeded splits of 80/20 (5 for the loans).",
  );
  say();
  const names = ["linear, signs", "MLP free", "HGB monotone", "XGB monotone"];
  head(["set", "rows", "default sum", "one network", ...names]);
  for (const set of ratings) {
    const own = results.get(set);
    const rivals = rivalsOf(set);
    row([
      set.name,
      set.target.length,
      `**${figure(own.scores)}**`,
      figure(own.single),
      ...names.map((n) => figure(firstOf(set, rivals[n] ?? []))),
    ]);
  }
  say();
}

const classic = sets.filter((s) => s.group === "classic");
if (classic.length) {
  say("## The five sets that papers on monotone networks report");
  say();
  say(
    "Twenty seeded 80/20 splits (compas: five, and the papers' own split; blogfeedback: the papers' own), nothing chosen on test rows: the threshold is 0.5, the epoch comes from left-out training rows.",
  );
  say();
  const names = ["linear, signs", "logistic", "MLP free", "HGB monotone", "XGB monotone", "HGB free", "XGB free"];
  head(["set", "rows", "measure", "isotone", ...names]);
  const of = { mse: "MSE", accuracy: "accuracy", rmse: "RMSE of y / 8" };
  for (const set of classic) {
    const own = results.get(set);
    const rivals = rivalsOf(set);
    const digits = set.measure === "mse" ? 2 : 4;
    const cells = names.map((n) => figure(firstOf(set, rivals[n] ?? []), digits));
    row([set.name, set.target.length, of[set.measure], `**${figure(own.scores, digits)}**`, ...cells]);
  }
  say();
  say(
    [
      "Why published figures are not beside these: most papers on these sets report the best epoch, and on compas and heart also the best threshold, **on the test set**.",
      "sklearn's monotone HGB goes from 68.8 to 69.4 % on compas by that alone, more than most of the gaps between published methods.",
      "Splits differ, too: three families of splits of auto-mpg are in use, and the MSE of one fixed method over 20 random splits runs from 4.6 to 11.7;",
      "on heart one test row of 61 is 1.6 points. The figures of blogfeedback come from a loader that wraps counts above 255, drops the top tenth by rows of train and test together,",
      "and in several codes constrains other columns than those named; here the documented columns are constrained.",
    ].join(" "),
  );
  say();
}
const report = `${lines.join("\n").trimEnd()}\n`;
console.log(report);
const out =
  values.out ?? (wanted || described || values.splits || values.effort !== "default" ? undefined : here("ACCURACY.md"));
if (out) writeFileSync(out, report);
