// Universal approximation, shown: error of one network and of sums on known monotone functions, against groups x hyperplanes.
// `npm run bench:approximation` writes docs/approximation.md and docs/approximation.svg. Rows are noiseless, test rows fresh, three seeds each.
import { writeFileSync } from "node:fs";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { fit } from "../dist/index.js";
import { uniform } from "./lib/random.mjs";

const ROWS = 5000;
const SEEDS = [1, 2, 3];
const SIZES = [1, 2, 4, 8, 16];
const NETWORKS = [1, 4, 16];

/** Increasing on the unit cube; none is piecewise linear, none is a sum of functions of one input but the first. */
const FUNCTIONS = [
  {
    name: "1 input",
    text: "x + sin(6πx) / 6π: three steps",
    f: ([x]) => x + Math.sin(6 * Math.PI * x) / (6 * Math.PI),
  },
  {
    name: "2 inputs",
    text: "xy + 1 / (1 + e^(10 - 10x - 10y)): a slope and a cliff",
    f: ([x, y]) => x * y + 1 / (1 + Math.exp(10 - 10 * x - 10 * y)),
  },
  {
    name: "5 inputs",
    text: "√(ab) + max(c, d)² + be² / 2",
    f: ([a, b, c, d, e]) => Math.sqrt(a * b) + Math.max(c, d) ** 2 + (b * e * e) / 2,
  },
];
const inputs = [1, 2, 5];

const sample = (of, d, n, seed) => {
  const random = uniform(seed);
  const columns = Array.from({ length: d }, () => new Float64Array(n));
  const y = new Float64Array(n);
  for (let r = 0; r < n; r++) {
    for (const column of columns) column[r] = random();
    y[r] = of(columns.map((column) => column[r]));
  }
  return { columns: Object.fromEntries(columns.map((column, i) => [`x${i + 1}`, column])), y };
};
const rmse = (p, y) => Math.sqrt(y.reduce((sum, v, r) => sum + (p[r] - v) ** 2, 0) / y.length);
const sd = (y) => {
  const mean = y.reduce((a, b) => a + b, 0) / y.length;
  return Math.sqrt(y.reduce((a, v) => a + (v - mean) ** 2, 0) / y.length);
};
const median = (v) => [...v].sort((a, b) => a - b)[v.length >> 1];

const results = [];
for (const [k, { name, f }] of FUNCTIONS.entries()) {
  const train = sample(f, inputs[k], ROWS, 1 + k);
  const test = sample(f, inputs[k], ROWS, 101 + k);
  const spread = sd(test.y);
  for (const networks of NETWORKS) {
    for (const size of SIZES) {
      if (networks * size * size > 1100) continue;
      const errors = [];
      for (const seed of SEEDS) {
        const model = await fit(
          { ...train.columns, y: train.y },
          { target: "y", networks, groups: size, hyperplanes: size, members: 1, seed },
        );
        errors.push(rmse(model.predictMany(test.columns), test.y) / spread);
      }
      results.push({ name, networks, size, error: median(errors) });
      console.error(`${name}, ${networks} of ${size} x ${size}: ${median(errors).toFixed(4)}`);
    }
  }
}

const { document } = parseHTML("<!doctype html><html><body></body></html>");
const label = (n) => (n === 1 ? "one network" : `sum of ${n}`);
const data = results.map((r) => ({ ...r, who: label(r.networks) }));
const plot = Plot.plot({
  document,
  width: 860,
  height: 300,
  marginLeft: 60,
  marginTop: 40,
  marginRight: 70,
  x: { type: "log", label: "groups = hyperplanes in a group", ticks: SIZES, tickFormat: "d" },
  y: { type: "log", label: "RMSE / sd on fresh rows", grid: true, ticks: 5, tickFormat: "~g" },
  fx: { label: null, domain: FUNCTIONS.map((f) => f.name) },
  color: { domain: NETWORKS.map(label), range: ["#4269d0", "#efb118", "#ff725c"] },
  marks: [
    Plot.frame({ stroke: "#ccc" }),
    Plot.line(data, { x: "size", y: "error", fx: "name", stroke: "who" }),
    Plot.dot(data, { x: "size", y: "error", fx: "name", fill: "who" }),
    Plot.text(
      data.filter((r) => r.name === FUNCTIONS.at(-1).name),
      Plot.selectLast({
        x: "size",
        y: "error",
        fx: "name",
        z: "who",
        text: "who",
        fill: "who",
        dx: 6,
        textAnchor: "start",
      }),
    ),
  ],
});
const svg = plot.tagName.toLowerCase() === "svg" ? plot : plot.querySelector("svg");
svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
svg.setAttribute("style", "background: white; font-family: system-ui, sans-serif;");
writeFileSync(
  new URL("../docs/approximation.svg", import.meta.url),
  `${svg.outerHTML.replaceAll("currentColor", "#222")}\n`,
);

const lines = [
  "# Universal approximation, shown",
  "",
  "Sill (1998) proves that one network of enough groups and hyperplanes comes as near as wanted to any continuous monotone function on a bounded",
  "region. A theorem says nothing of training, so here is what training reaches: known functions, increasing in every input,",
  `${ROWS.toLocaleString("en")} noiseless rows drawn evenly from the unit cube, error on as many fresh rows, the median of ${SEEDS.length} seeds, one member, everything else as by default.`,
  "Written by `npm run bench:approximation`; do not edit.",
  "",
  "![Error against groups and hyperplanes, for one network and for sums of 4 and 16](approximation.svg)",
  "",
  ...FUNCTIONS.map((f) => `- **${f.name}**: ${f.text}`),
  "",
  "RMSE over the sd of the target:",
  "",
  `| | networks | ${SIZES.map((s) => `${s} × ${s}`).join(" | ")} |`,
  `|---|---:|${SIZES.map(() => "---:").join("|")}|`,
  ...FUNCTIONS.flatMap((f) =>
    NETWORKS.map((networks) => {
      const cells = SIZES.map((size) => {
        const found = results.find((r) => r.name === f.name && r.networks === networks && r.size === size);
        return found ? found.error.toFixed(4) : "";
      });
      return `| ${f.name} | ${networks} | ${cells.join(" | ")} |`;
    }),
  ),
  "",
];
writeFileSync(new URL("../docs/approximation.md", import.meta.url), `${lines.join("\n")}\n`);
