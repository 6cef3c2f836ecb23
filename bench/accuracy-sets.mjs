// The tables that bench/accuracy.mjs compares on. In: a folder of data sets (its splits.json lists files, columns, constraints and fixed splits).
// Out: tasks { name, group, task, columns, features, target, tests, sd, measure, stored } with every split written out as row numbers.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";

const text = (path) => (path.endsWith(".gz") ? gunzipSync(readFileSync(path)) : readFileSync(path));
const rowsOf = (path) => parse(text(path), { columns: true, skip_empty_lines: true });

/** mulberry32: the seeded splits of the sets that have none of their own. */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `count` test sets of a fifth of n rows each. */
function splits(n, count, seed) {
  const next = random(seed);
  return Array.from({ length: count }, () => {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const k = Math.floor(next() * (i + 1));
      [order[i], order[k]] = [order[k], order[i]];
    }
    return [...order.subarray(0, Math.round(n / 5))];
  });
}

const numbers = (rows, name) => Float64Array.from(rows, (row) => Number(row[name]));
const deviation = (y) => {
  const mean = y.reduce((a, b) => a + b, 0) / y.length;
  return Math.sqrt(y.reduce((a, b) => a + (b - mean) ** 2, 0) / y.length);
};
const table = (rows, features) =>
  Object.fromEntries(
    Object.entries(features).map(([name, f]) => [
      name,
      typeof f === "object" ? rows.map((row) => row[name]) : numbers(rows, name),
    ]),
  );

/** The sets with fixed splits and stored rivals. */
export function fixedSets(folder) {
  const { sets } = JSON.parse(readFileSync(join(folder, "splits.json"), "utf8"));
  return Object.entries(sets).map(([name, set]) => {
    const all = rowsOf(join(folder, set.file));
    const dropped = new Set(set.dropped);
    const used = all.map((_, i) => i).filter((i) => !dropped.has(i));
    const place = new Map(used.map((row, i) => [row, i]));
    const rows = used.map((i) => all[i]);
    const features = Object.fromEntries(
      Object.entries(set.columns).map(([c, k]) => [c, k === "category" ? { categories: "auto" } : k]),
    );
    return {
      name,
      group: "fixed",
      task: "regression",
      features,
      columns: table(rows, features),
      target: numbers(rows, set.target),
      targetName: set.target,
      tests: set.test.map((rowNumbers) => rowNumbers.map((r) => place.get(r))),
      sd: set.sd,
      measure: "rmse/sd",
      stored: set.rivals,
    };
  });
}

const free = (names) => Object.fromEntries(names.map((name) => [name, "free"]));
const increasing = (names) => Object.fromEntries(names.map((name) => [name, "increasing"]));
const decreasing = (names) => Object.fromEntries(names.map((name) => [name, "decreasing"]));
const grades = "ABCDEFG";

/** Sill's comparison (ratings): linear, MLP, one network; and the five sets that papers on monotone networks report. `wants(name, group)` says which are read. */
export function extraSets(folder, wants = () => true) {
  const out = [];
  const add = (name, group, rows, features, target, targetName, tests, more = {}) =>
    out.push({
      name,
      group,
      task: "regression",
      features,
      columns: table(rows, features),
      target,
      targetName,
      tests,
      sd: deviation(target),
      measure: "rmse/sd",
      ...more,
    });
  const has = (file) => existsSync(join(folder, file));

  for (const name of ["esl", "era"]) {
    const file = `${name}/${name}.csv`;
    if (!has(file) || !wants(`${name} rating`, "ratings")) continue;
    const rows = rowsOf(join(folder, file));
    const features = increasing(["in1", "in2", "in3", "in4"]);
    add(`${name} rating`, "ratings", rows, features, numbers(rows, "out1"), "out1", splits(rows.length, 10, 1998));
  }
  if (has("loans-openintro/loans-openintro.csv.gz") && wants("loans grade", "ratings")) {
    // worse grades are larger; the rate, the instalment and what came after the grade are left out
    const wanted = {
      ...decreasing(["annual_income", "account_never_delinq_percent", "total_credit_limit"]),
      ...increasing([
        "debt_to_income",
        "delinq_2y",
        "inquiries_last_12m",
        "total_credit_utilized",
        "accounts_opened_24m",
      ]),
      ...increasing(["public_record_bankrupt", "num_historical_failed_to_pay", "term", "loan_amount"]),
      ...free(["total_credit_lines", "open_credit_lines", "num_mort_accounts"]),
    };
    const rows = rowsOf(join(folder, "loans-openintro/loans-openintro.csv.gz")).filter((row) =>
      Object.keys(wanted).every((c) => row[c] !== "" && row[c] !== "NA"),
    );
    const grade = Float64Array.from(rows, (row) => grades.indexOf(row.grade) + 1);
    add("loans grade", "ratings", rows, wanted, grade, "grade", splits(rows.length, 5, 1998));
  }

  if (has("auto-mpg/auto-mpg-392.csv") && wants("auto-mpg", "classic")) {
    const features = {
      ...decreasing(["weight", "displacement", "horsepower"]),
      ...free(["cylinders", "acceleration", "model year", "origin"]),
    };
    const rows = rowsOf(join(folder, "auto-mpg/auto-mpg-392.csv"));
    const more = { measure: "mse" };
    add("auto-mpg", "classic", rows, features, numbers(rows, "mpg"), "mpg", splits(rows.length, 20, 7), more);
  }
  if (has("boston-housing/boston.csv") && wants("boston", "classic")) {
    const rows = rowsOf(join(folder, "boston-housing/boston.csv"));
    const others = "zn indus chas nox age dis rad tax ptratio black lstat".split(" ");
    const features = { rm: "increasing", crim: "decreasing", ...free(others) };
    add("boston", "classic", rows, features, numbers(rows, "medv"), "medv", splits(rows.length, 20, 7), {
      measure: "mse",
    });
  }
  if (has("heart/heart-303.csv") && wants("heart", "classic")) {
    const rows = rowsOf(join(folder, "heart/heart-303.csv"));
    const features = {
      ...increasing(["trestbps", "chol"]),
      ...free(["age", "sex", "fbs", "restecg", "thalach", "exang", "oldpeak", "slope", "ca"]),
      cp: { categories: "auto" },
      thal: { categories: "auto", unknown: "2" },
    };
    const more = { task: "classification", measure: "accuracy" };
    add("heart", "classic", rows, features, numbers(rows, "target"), "target", splits(rows.length, 20, 7), more);
  }
  if (has("compas/train_raw.csv") && (wants("compas", "classic") || wants("compas, split of the papers", "classic"))) {
    const train = rowsOf(join(folder, "compas/train_raw.csv"));
    const test = rowsOf(join(folder, "compas/test_raw.csv"));
    const rows = [...train, ...test];
    const features = {
      ...increasing(["priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count"]),
      age: "free",
      race: { categories: "auto" },
      sex: "free",
    };
    const more = { task: "classification", measure: "accuracy" };
    const target = numbers(rows, "two_year_recid");
    const own = [test.map((_, i) => train.length + i)];
    add("compas, split of the papers", "classic", rows, features, target, "two_year_recid", own, more);
    add("compas", "classic", rows, features, target, "two_year_recid", splits(rows.length, 5, 7), more);
  }
  if (has("blogfeedback/train.csv.gz") && wants("blogfeedback", "classic")) {
    const train = rowsOf(join(folder, "blogfeedback/train.csv.gz"));
    const test = rowsOf(join(folder, "blogfeedback/test.csv.gz"));
    const rows = [...train, ...test];
    const rising = new Set([51, 52, 53, 54, 56, 57, 58, 59].map((i) => `A${i}`));
    const features = {};
    for (const name of Object.keys(rows[0])) {
      if (!name.startsWith("A")) continue;
      const first = rows[0][name];
      if (rows.every((row) => row[name] === first)) continue;
      features[name] = rising.has(name) ? "increasing" : "free";
    }
    const target = numbers(rows, "y_paper").map((v) => v / 8);
    const own = [test.map((_, i) => train.length + i)];
    add("blogfeedback", "classic", rows, features, target, "y", own, { measure: "rmse" });
  }
  return out;
}

/**
 * The sets of a description (`accuracy-others.json` is one): `{ sets: { name: { file, target, increasing?, decreasing?, free?, category?, splits? } } }`,
 * columns as words of one string, files below `folder`. Rows with an empty or "NA" cell in a used column are left out. Seeded splits of 80/20:
 * twenty below 150 rows, five from there on. `missing(name, path)` hears of files that are not there.
 */
export function describedSets(folder, description, wants = () => true, missing = () => {}) {
  const words = (text) => text?.split(" ") ?? [];
  return Object.entries(description.sets).flatMap(([name, set]) => {
    if (!wants(name, "described")) return [];
    const path = join(folder, set.file);
    if (!existsSync(path)) {
      missing(name, path);
      return [];
    }
    const features = {
      ...increasing(words(set.increasing)),
      ...decreasing(words(set.decreasing)),
      ...free(words(set.free)),
      ...Object.fromEntries(words(set.category).map((c) => [c, {}])),
    };
    const used = [...Object.keys(features), set.target];
    const all = rowsOf(path);
    const absent = used.filter((c) => !(c in all[0]));
    if (absent.length) throw new RangeError(`${name}: ${set.file} has no column ${absent.join(", ")}`);
    const rows = all.filter((row) => used.every((c) => row[c] !== "" && row[c] !== "NA"));
    for (const c of words(set.category)) features[c] = { categories: [...new Set(rows.map((row) => row[c]))].sort() };
    const target = numbers(rows, set.target);
    return [
      {
        name,
        group: "described",
        task: "regression",
        features,
        columns: table(rows, features),
        target,
        targetName: set.target,
        tests: splits(rows.length, set.splits ?? (rows.length < 150 ? 20 : 5), 2024),
        sd: deviation(target),
        measure: "rmse/sd",
      },
    ];
  });
}
