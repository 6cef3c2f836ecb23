// What training in shards costs in accuracy: RMSE of one fit of all rows, of the shards' models apart, and of the merged model, on the fixed splits.
// `npm run bench:shards -- FOLDER [--sets food-deliveries,log-bpic2012] [--splits 5] [--shards 4,16]`; prints the table of docs/shards.md:
// mean and sample standard deviation over the splits.
// FOLDER holds the data sets and splits.json (bench/README.md says where they come from).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fit, merge, mergeScalings, scan } from "../dist/index.js";
import { fixedSets } from "./accuracy-sets.mjs";
import { deviation, mean } from "./lib/scores.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: { type: "string", default: "food-deliveries,log-bpic2012" },
    splits: { type: "string", default: "5" },
    shards: { type: "string", default: "4,16" },
  },
});
if (positionals.length !== 1 || !existsSync(join(positionals[0], "splits.json"))) {
  console.error("usage: npm run bench:shards -- FOLDER   (a folder with splits.json and the data sets it lists)");
  process.exit(2);
}
const sets = fixedSets(positionals[0]).filter(({ name }) => values.sets.split(",").includes(name));
const cell = (v) => mean(v).toFixed(3) + (v.length > 1 ? ` ± ${deviation(v).toFixed(3)}` : "");

console.log(
  "| set | rows | splits | shards | one fit of all rows | one fit, shared scaling | shards' models, mean | merged, shared scaling | merged, own scalings |",
);
console.log("|---|---|---|---|---|---|---|---|---|");
for (const set of sets) {
  // the fit of all rows, by split: the same for every number of shards
  const whole = [];
  for (const count of values.shards.split(",").map(Number)) {
    const scores = { one: [], oneShared: [], apart: [], shared: [], own: [] };
    let n = 0;
    for (const [split, test] of set.tests.slice(0, Number(values.splits)).entries()) {
      const out = new Set(test);
      const rows = Array.from(set.target, (_, r) => r).filter((r) => !out.has(r));
      n = rows.length;
      const pick = (which) => ({
        ...Object.fromEntries(Object.entries(set.columns).map(([name, column]) => [name, which.map((r) => column[r])])),
        [set.targetName]: which.map((r) => set.target[r]),
      });
      const table = pick(test);
      const rmse = (model) =>
        Math.sqrt(mean(Array.from(model.predictMany(table), (p, i) => (p - table[set.targetName][i]) ** 2))) / set.sd;
      // a category that a shard has not seen would be an error without one that stands in
      const features = Object.fromEntries(
        Object.entries(set.features).map(([name, f]) =>
          typeof f === "object" ? [name, { categories: [...new Set(set.columns[name])].sort() }] : [name, f],
        ),
      );
      const options = { target: set.targetName, features };
      const shards = Array.from({ length: count }, (_, k) => pick(rows.filter((_, i) => i % count === k)));
      const scaling = mergeScalings(await Promise.all(shards.map((shard) => scan(shard, options))));
      whole[split] ??= rmse(await fit(pick(rows), options));
      scores.one.push(whole[split]);
      scores.oneShared.push(rmse(await fit(pick(rows), { ...options, scaling })));
      const shared = [];
      const own = [];
      for (const shard of shards) {
        shared.push(await fit(shard, { ...options, scaling }));
        own.push(await fit(shard, options));
      }
      scores.apart.push(mean(shared.map(rmse)));
      scores.shared.push(rmse(merge(shared)));
      scores.own.push(rmse(merge(own)));
    }
    const { one, oneShared, apart, shared, own } = scores;
    console.log(
      `| ${set.name} | ${n} | ${one.length} | ${count} | ${[one, oneShared, apart, shared, own].map(cell).join(" | ")} |`,
    );
  }
}
