// Options of fit against the defaults, on training rows alone: how a default is chosen without a look at the test rows.
//   node bench/choices.mjs FOLDER '{"members":1}' '{"networks":8}' [--sets a,b] [--splits 2] [--most 20000]
// Of each fixed split of the folder (accuracy.mjs says what lies there) a fifth of the *training* rows is left out and predicted. Prints, for each object of
// options, the error to that of the defaults: geometric mean over the sets, the best and the worst set. Build first.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fit } from "../dist/index.js";
import { fixedSets } from "./accuracy-sets.mjs";
import { featuresOf, geometricMean, take } from "./lib/scores.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sets: { type: "string" }, splits: { type: "string" }, most: { type: "string" } },
});
const [folder, ...given] = positionals;
if (!folder || given.length === 0 || !existsSync(join(folder, "splits.json"))) {
  console.error(
    `usage: node bench/choices.mjs FOLDER '{"members":1}' …   (a folder with splits.json and its data sets)`,
  );
  process.exit(2);
}
const choices = [{}, ...given.map((text) => JSON.parse(text))];
const wanted = values.sets?.split(",");
const most = Number(values.most ?? Number.POSITIVE_INFINITY);
const splits = Number(values.splits ?? Number.POSITIVE_INFINITY);

/** Mean over the splits of the RMSE on left-out training rows, one figure for each choice. */
async function errorsOn(set) {
  const sums = choices.map(() => 0);
  const tests = set.tests.slice(0, splits);
  for (const [k, test] of tests.entries()) {
    const testing = new Set(test);
    const known = [...set.target.keys()].filter((r) => !testing.has(r));
    // every fifth of the rows in an order by a hash, so that no order of the file matters
    const order = known.sort((a, b) => (Math.imul(a + 1, 0x9e3779b1) >>> 0) - (Math.imul(b + 1, 0x9e3779b1) >>> 0));
    const left = order.filter((_, i) => i % 5 === 0);
    const rest = order.filter((_, i) => i % 5 !== 0);
    const rows = { ...featuresOf(set, rest), [set.targetName]: take(set.target, rest) };
    const actual = take(set.target, left);
    for (const [c, choice] of choices.entries()) {
      const model = await fit(rows, { target: set.targetName, features: set.features, seed: k + 1, ...choice });
      const predicted = model.predictMany(featuresOf(set, left));
      const square = actual.reduce((sum, y, i) => sum + (predicted[i] - y) ** 2, 0) / actual.length;
      sums[c] += Math.sqrt(square) / tests.length;
    }
  }
  return sums;
}

const ratios = choices.map(() => []);
const names = [];
for (const set of fixedSets(folder)) {
  if ((wanted && !wanted.includes(set.name)) || set.target.length > most) continue;
  const errors = await errorsOn(set);
  names.push(set.name);
  errors.forEach((error, c) => {
    ratios[c].push(error / errors[0]);
  });
  console.error(`${set.name}: ${errors.map((error) => (error / errors[0]).toFixed(3)).join(" ")}`);
}
console.log(`\nRMSE to that of the defaults, ${names.length} sets, a fifth of the training rows left out\n`);
console.log("| options | geometric mean | best | worst |\n|---|---:|---:|---:|");
for (const [c, list] of ratios.entries()) {
  if (c === 0) continue;
  const at = (value) => `${value.toFixed(3)} (${names[list.indexOf(value)]})`;
  const text = JSON.stringify(choices[c]);
  console.log(
    `| \`${text}\` | ${geometricMean(list).toFixed(3)} | ${at(Math.min(...list))} | ${at(Math.max(...list))} |`,
  );
}
