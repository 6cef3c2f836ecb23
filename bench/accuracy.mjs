// How accurate fit() is with its defaults, beside monotone boosting, free boosting, a sign-constrained linear fit and an MLP, on fixed splits.
// `npm run bench:accuracy -- FOLDER [--sets a,b] [--splits 2] [--no-rivals] [--effort best] [--out bench/ACCURACY.md]`.
// FOLDER holds the data sets and splits.json (bench/README.md says where they come from). Rivals are fitted again by accuracy-rivals.py when
// python3 (or $PYTHON) has scikit-learn and xgboost; otherwise the stored figures stand in, and the report says so.
// `--lattice` fits TF Lattice instead (with tensorflow-lattice), and keeps its figures in accuracy-rivals.json, from where the report takes them.
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
import { accuracyPage, COVERAGES } from "./lib/accuracy-page.mjs";
import { fitLattice, fitRivals } from "./lib/rivals.mjs";
import { featuresOf, mean, take } from "./lib/scores.mjs";

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
    lattice: { type: "boolean" },
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

/** A set's name in the store of TF Lattice's figures: auto-mpg is there with two families of splits. */
const keyOf = (set) => `${set.group}/${set.name}`;
const storedFile = here("accuracy-rivals.json");
const stored = existsSync(storedFile) ? JSON.parse(readFileSync(storedFile, "utf8")) : { versions: {}, scores: {} };
const roundTo = (digits) => (_, v) => (typeof v === "number" ? Number(v.toPrecision(digits)) : v);
const store = (kept) =>
  writeFileSync(
    storedFile,
    `${JSON.stringify(kept, roundTo(5), 2).replace(/\[\s+([^\]]+?)\s+\]/g, (_, a) => `[${a.replace(/\s+/g, " ")}]`)}\n`,
  );
if (values.lattice) {
  // minutes a set, so fitted by itself and kept after each
  for (const set of sets) {
    const lattice = fitLattice(set, python);
    if (!lattice) process.exit(1);
    const { versions, ...figures } = lattice;
    const { lattice: known, ...rest } = existsSync(storedFile) ? JSON.parse(readFileSync(storedFile, "utf8")) : stored;
    store({ ...rest, lattice: { versions, sets: { ...known?.sets, [keyOf(set)]: figures } } });
    console.error(`${set.name}: ${mean(figures.scores).toFixed(4)} (${mean(figures.seconds).toFixed(1)} s a fit)`);
  }
  process.exit(0);
}
const fitted = values["no-rivals"] ? undefined : fitRivals(sets, python);
if (fitted && values["store-rivals"]) {
  // the fixed sets have theirs in splits.json
  const others = sets.filter((s) => s.group !== "fixed").map((s) => [s.name, fitted.scores.get(s)]);
  store({ ...stored, versions: fitted.versions, scores: { ...stored.scores, ...Object.fromEntries(others) } });
}

const results = new Map();
for (const set of sets) {
  const own = await measure(set);
  if (set.group === "ratings") {
    own.single = (await measure(set, { networks: 1, groups: 8, hyperplanes: 8 })).scores;
  }
  results.set(set, own);
  console.error(`${set.name}: ${mean(own.scores).toFixed(4)} (${own.seconds.toFixed(1)} s a fit)`);
}

const report = accuracyPage({
  sets,
  own: results,
  rivals: (set) => fitted?.scores.get(set) ?? set.stored ?? stored.scores[set.name] ?? {},
  versions: fitted?.versions,
  lattice: stored.lattice && { versions: stored.lattice.versions, of: (set) => stored.lattice.sets[keyOf(set)] },
  about: { from: described?.from, text: described?.about },
  version,
  effort: values.effort,
});
console.log(report);
const out =
  values.out ?? (wanted || described || values.splits || values.effort !== "default" ? undefined : here("ACCURACY.md"));
if (out) writeFileSync(out, report);
