// Rivals of accuracy.mjs, fitted by bench/accuracy-rivals.py. In: sets (accuracy-sets.mjs); out: scores by set and rival, one figure a split, and the
// versions of the libraries; undefined where Python or a library is missing.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../accuracy-rivals.py", import.meta.url));

/** Features as numbers: [column, sign] each, a category as a column of 0 and 1. */
function columnsOf(set) {
  return Object.entries(set.features).flatMap(([name, feature]) => {
    const column = set.columns[name];
    if (typeof feature !== "object")
      return [[column, feature === "increasing" ? 1 : feature === "decreasing" ? -1 : 0]];
    const categories = [...new Set(column)].sort();
    return categories.map((category) => [Float64Array.from(column, (v) => (v === category ? 1 : 0)), 0]);
  });
}

/** Where the columns of each category begin, and how many they are: [first, count] each. */
function categoriesOf(set) {
  let at = 0;
  return Object.entries(set.features).flatMap(([name, feature]) => {
    const count = typeof feature === "object" ? new Set(set.columns[name]).size : 1;
    at += count;
    return typeof feature === "object" ? [[at - count, count]] : [];
  });
}

/** A set as the rivals see it: columns of numbers, their signs, and which of them are a category. */
export function asNumbers(set) {
  const columns = columnsOf(set);
  return {
    columns: columns.map(([column]) => column),
    signs: columns.map(([, sign]) => sign),
    categories: categoriesOf(set),
  };
}

/** Rows of a set side by side: [n][columns]. */
function matrixOf(columns, n) {
  const x = new Float64Array(n * columns.length);
  columns.forEach((column, j) => {
    for (let r = 0; r < n; r++) x[r * columns.length + j] = column[r];
  });
  return x;
}

/** Writes what accuracy-rivals.py reads: task.json, and the matrices of all sets, one after the other, as x.bin. */
function writeTasks(sets, folder) {
  let from = 0;
  const blocks = [];
  const tasks = sets.map((set, number) => {
    const { columns, signs, categories } = asNumbers(set);
    const n = set.target.length;
    const x = matrixOf(columns, n);
    blocks.push(Buffer.from(x.buffer));
    const { task, tests, measure, sd } = set;
    const entry = {
      // its number: a set may be there twice, once with fixed splits and once as papers report it
      name: String(number),
      task,
      measure,
      sd,
      signs,
      categories,
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
  writeFileSync(join(folder, "x.bin"), Buffer.concat(blocks));
  writeFileSync(join(folder, "task.json"), JSON.stringify(tasks));
}

/** TensorFlow Lattice on one set: { versions, scores, seconds, kinds }; undefined where Python or the library is missing. */
export function fitLattice(set, python) {
  const folder = mkdtempSync(join(tmpdir(), "isotone-accuracy-"));
  writeTasks([set], folder);
  const child = spawnSync(python, [script, folder, "lattice"], { maxBuffer: 2 ** 28, encoding: "utf8" });
  rmSync(folder, { recursive: true });
  if (child.status !== 0) {
    console.error(child.stderr?.trim().split("\n").at(-1));
    return undefined;
  }
  const { versions, scores, seconds, kinds } = JSON.parse(child.stdout);
  return { versions, scores: scores["TF Lattice"], seconds, kinds };
}

/** Fits the rivals of all sets: { versions, scores: Map of a set to { rival: [figure a split] } }. */
export function fitRivals(sets, python) {
  if (spawnSync(python, ["-c", "import numpy, sklearn, xgboost"]).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "isotone-accuracy-"));
  writeTasks(sets, folder);
  const child = spawnSync(python, [script, folder], { maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "inherit"] });
  rmSync(folder, { recursive: true });
  if (child.status !== 0) return undefined;
  const lines = child.stdout.toString().trim().split("\n").filter(Boolean);
  const answers = lines.map((line) => JSON.parse(line));
  return {
    versions: answers[0]?.versions ?? {},
    scores: new Map(answers.map((answer) => [sets[Number(answer.name)], answer.scores])),
  };
}
