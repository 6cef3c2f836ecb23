// The pages that the browser looks at: every kind of model, hostile names, few and many rows and features. In: the built library and report;
// out: a page's HTML by name. All numbers come from a seeded generator.

import { readJobs } from "../../examples/jobs/study.mjs";

function generator(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const QUICK = { epochs: 12, members: 2 };

/** Names as a table from anywhere may have them. */
export const HOSTILE = [
  "</script><script>document.title='broken'</script>",
  '"><img src=x onerror=alert(1)>',
  'it\'s a "quote" & <b>bold</b>',
  "two\nlines\tand a tab",
  "👩‍👩‍👧 family 🇳🇴",
  "\u202eright to left\u202c \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
  "漢字".repeat(30),
  "x".repeat(1000),
  "",
  "__proto__",
  "$&{{curly}}%s",
];

/** Columns of n numbers: names by features, values around `size`. */
function table(names, n, seed, make) {
  const random = generator(seed);
  const columns = new Map(names.map((name) => [name, []]));
  const target = [];
  for (let r = 0; r < n; r++) {
    const row = names.map(() => random());
    names.forEach((name, f) => {
      columns.get(name).push(row[f]);
    });
    target.push(make(row, random));
  }
  return { columns, target };
}

const rowsOf = (columns, n) =>
  Array.from({ length: n }, (_, r) => Object.fromEntries([...columns].map(([name, values]) => [name, values[r]])));

/** Values as the model reads them: a category is its index, a missing value NaN. */
function encoded(model, rows) {
  const { features } = model;
  return Float32Array.from(
    rows.flatMap((row) =>
      features.map(({ name, kind, categories }) => {
        const value = Object.hasOwn(row, name) ? row[name] : undefined;
        if (value === null || value === undefined) return Number.NaN;
        return kind === "category" ? categories.indexOf(value) : value;
      }),
    ),
  );
}

/** Draws the page of a model and rows. */
export function pageOf({ makeStudy, gatherer, renderReport }, model, rows, options = {}) {
  const { target, weights, row, heldOut, ...rest } = options;
  const gathered = gatherer(model, { ...(row && { explain: row }), ...(heldOut && { heldOut }) });
  gathered.add(encoded(model, rows), target, weights);
  return renderReport(makeStudy(model, gathered.done(), { file: "rows.csv", ...rest }));
}

/** [name, () => page]; `report` is dist/report.js, `isotone` dist/index.js. */
export function cases(isotone, report) {
  const { fit } = isotone;
  return {
    async jobs() {
      const { train, test } = readJobs();
      const model = await fit(train.objects, { target: "ms", members: 2 });
      const rows = test.objects.map(({ ms, ...row }) => row);
      return pageOf(report, model, rows, { target: test.ms, heldOut: true, row: 17, file: "held-out.csv" });
    },
    async "hostile names"() {
      const { columns, target } = table(HOSTILE, 300, 1, (row) => 3 + row.reduce((sum, v, f) => sum + (f % 3) * v, 0));
      const words = ["<i>a</i>", 'b"c', "d\ne", "🙂", "z".repeat(400), "\u202eabc", ""];
      const random = generator(5);
      columns.set(
        "<category>",
        target.map(() => words[Math.floor(words.length * random())]),
      );
      const name = "</title><h1>target</h1>";
      const rows = rowsOf(columns, 300).map((row, r) => {
        Object.defineProperty(row, "__proto__", { value: columns.get("__proto__")[r], enumerable: true });
        return row;
      });
      const all = rows.map((row, r) =>
        Object.defineProperty({ ...row, [name]: target[r] }, "__proto__", {
          value: columns.get("__proto__")[r],
          enumerable: true,
        }),
      );
      const features = new Map(HOSTILE.map((own) => [own, "increasing"]));
      features.set("<category>", { categories: "auto" });
      const model = await fit(all, { target: name, features, ...QUICK });
      const file = "</style>'\";&.csv";
      return pageOf(report, model, rows, {
        target,
        row: 3,
        file,
        model: "a b'c.json",
        unit: "<ms>",
        weights: target,
        weight: "<w>",
      });
    },
    async "categories, missing values, logistic"() {
      const random = generator(2);
      const cities = [
        "Bergen",
        "Oslo",
        "Tromsø",
        "Ålesund",
        "a city whose name is longer than any label may be",
        "Bodø",
      ];
      const rows = Array.from({ length: 400 }, () => ({
        age: random() < 0.2 ? null : Math.floor(80 * random()),
        dose: random() < 0.1 ? null : 5 * random(),
        city: random() < 0.1 ? null : cities[Math.floor(cities.length * random() * random())],
        rest: 10 * random(),
      }));
      const target = rows.map(({ age, dose, city, rest }) => {
        const eta = (age ?? 40) / 20 - (dose ?? 2) + (city === "Oslo" ? 1 : 0) + Math.sin(rest) - 1;
        return random() < 1 / (1 + Math.exp(-eta)) ? 1 : 0;
      });
      const model = await fit(
        rows.map((row, r) => ({ ...row, ill: target[r] })),
        {
          target: "ill",
          loss: "logistic",
          features: {
            age: { constraint: "increasing", missing: "median" },
            dose: { constraint: "decreasing", missing: "median" },
            city: { categories: "auto", missing: "indicator" },
            rest: { constraint: "free", missing: "indicator" },
          },
          ...QUICK,
        },
      );
      return pageOf(report, model, rows, { target, row: 5 });
    },
    async quantiles() {
      const { columns, target } = table(["distance", "weight"], 400, 3, ([a, b], random) => 2 * a + b + a * random());
      const rows = rowsOf(columns, 400);
      const model = await fit(
        rows.map((row, r) => ({ ...row, hours: target[r] })),
        { target: "hours", loss: { quantiles: [0.1, 0.5, 0.9] }, ...QUICK },
      );
      return pageOf(report, model, rows, { target });
    },
    async "counts with weights"() {
      const names = ["exposure", "risk", "help"];
      const { columns, target } = table(names, 300, 4, ([a, b, c], random) =>
        Math.floor(8 * a * b * (2 - c) * random()),
      );
      const rows = rowsOf(columns, 300);
      const model = await fit(
        rows.map((row, r) => ({ ...row, claims: target[r], n: 1 + (r % 4) })),
        {
          target: "claims",
          loss: "poisson",
          weight: "n",
          features: { exposure: 1, risk: 1, help: -1 },
          ...QUICK,
        },
      );
      const weights = rows.map((_, r) => 1 + (r % 4));
      return pageOf(report, model, rows, { target, weights, weight: "n" });
    },
    async "one feature, three rows, no target"() {
      const rows = Array.from({ length: 40 }, (_, r) => ({ only: r % 7 }));
      const model = await fit(
        rows.map((row) => ({ ...row, y: 2 * row.only + 1 })),
        { target: "y", validation: 0, ...QUICK },
      );
      return pageOf(report, model, rows.slice(0, 3));
    },
    async "one row"() {
      const { columns, target } = table(["a", "b"], 60, 8, ([a, b]) => a - b);
      const rows = rowsOf(columns, 60);
      const model = await fit(
        rows.map((row, r) => ({ ...row, y: target[r] })),
        { target: "y", features: { a: 1, b: -1 }, ...QUICK },
      );
      return pageOf(report, model, rows.slice(0, 1), { target: target.slice(0, 1), row: 1 });
    },
    async "sixty features"() {
      const names = Array.from({ length: 60 }, (_, f) => (f % 5 === 0 ? `a rather long activity name ${f}` : `x${f}`));
      const { columns, target } = table(names, 500, 6, (row) => 1e6 * row.reduce((sum, v, f) => sum + v / (1 + f), 0));
      const rows = rowsOf(columns, 500);
      const model = await fit(
        rows.map((row, r) => ({ ...row, cost: target[r] })),
        { target: "cost", ...QUICK },
      );
      return pageOf(report, model, rows, { target, unit: "EUR", row: 500 });
    },
    async "constants and extremes"() {
      const random = generator(7);
      const rows = Array.from({ length: 200 }, (_, r) => ({
        same: 5,
        huge: 1e15 * (1 + random() / 1000),
        tiny: 1e-9 * random(),
        below: -1e6 - r,
        step: r < 198 ? 0 : 1000,
      }));
      const target = rows.map(({ huge, tiny, step }) => 1e-7 * (huge / 1e15 + 1e9 * tiny + step / 1000));
      const model = await fit(
        rows.map((row, r) => ({ ...row, y: target[r] })),
        { target: "y", features: { same: 1, huge: 1, tiny: 1, below: 0, step: 1 }, ...QUICK },
      );
      return pageOf(report, model, rows, { target });
    },
  };
}
