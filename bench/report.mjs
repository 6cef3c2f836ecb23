// results.json to RESULTS.md and charts/*.svg. Charts: Observable Plot on a DOM without a browser.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { growth } from "./lib/growth.mjs";
import { short } from "./lib/rounds.mjs";

const here = (name) => new URL(name, import.meta.url);
const { document } = parseHTML("<!doctype html><html><body></body></html>");

function save(name, title, plot) {
  const svg = plot.tagName.toLowerCase() === "svg" ? plot : plot.querySelector("svg");
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("role", "img");
  const about = document.createElementNS("http://www.w3.org/2000/svg", "title");
  about.textContent = title;
  svg.prepend(about);
  svg.setAttribute("style", "background: white; font-family: system-ui, sans-serif;");
  mkdirSync(here("charts/"), { recursive: true });
  // colours that a page would inherit: a picture has no page around it
  writeFileSync(here(`charts/${name}.svg`), `${svg.outerHTML.replaceAll("currentColor", "#222")}\n`);
}

/** Draws how many times as long as the library each contender takes, log axis. */
function ratioChart(name, cases, title) {
  const data = cases.flatMap(({ label, times }) => {
    const own = times.find((t) => t.name === "isotone")?.median;
    return times
      .filter((t) => !t.name.startsWith("isotone"))
      .map((t) => ({ case: label, who: t.label, ratio: t.median / own }));
  });
  if (!data.length) return;
  const most = Math.max(...data.map((d) => d.ratio));
  save(
    name,
    `${title}: how many times as long as isotone others take`,
    Plot.plot({
      document,
      width: 860,
      marginLeft: 165,
      marginRight: 110,
      title,
      x: { type: "log", domain: [1, most * 1.3], label: "times as long as isotone", grid: true },
      y: { label: null, domain: [...new Set(data.map((d) => d.who))] },
      fy: { label: null, domain: cases.map((c) => c.label) },
      color: { scheme: "observable10", domain: [...new Set(data.map((d) => d.who))] },
      height: 60 + cases.length * (18 * new Set(data.map((d) => d.who)).size + 22),
      marks: [
        Plot.ruleX([1], { stroke: "#222" }),
        Plot.barX(data, { x1: 1, x2: "ratio", y: "who", fy: "case", fill: "who" }),
        Plot.text(data, {
          x: "ratio",
          y: "who",
          fy: "case",
          text: (d) => `${short(d.ratio)}x`,
          textAnchor: "start",
          dx: 4,
        }),
      ],
    }),
  );
}

function lineChart(name, data, x, label) {
  save(
    name,
    `Milliseconds of one training epoch and of prediction against ${label}`,
    Plot.plot({
      document,
      width: 560,
      height: 320,
      marginLeft: 60,
      x: { type: "log", label, grid: true },
      y: { type: "log", label: "milliseconds", grid: true },
      color: { legend: false, domain: ["training, one epoch", "prediction"], range: ["#4269d0", "#ff725c"] },
      marks: [
        Plot.line(data, { x, y: "ms", stroke: "what" }),
        Plot.dot(data, { x, y: "ms", fill: "what" }),
        Plot.text(
          data,
          Plot.selectLast({ x, y: "ms", z: "what", text: "what", dy: -10, textAnchor: "end", fill: "what" }),
        ),
      ],
    }),
  );
}

function table(times, unit, name = "isotone") {
  const own = times.find((t) => t.name === name)?.median;
  return [
    `| | median ${unit} | least to greatest | times isotone's |`,
    "|---|---:|---:|---:|",
    ...times.map(
      (t) =>
        `| ${t.label} | ${short(t.median)} | ${short(t.least)} to ${short(t.greatest)} | ${t.name === name ? "" : `${short(t.median / own)}x`} |`,
    ),
    "",
  ].join("\n");
}

/** The sections of the page in order, each an array of lines; none where that part was not measured. */
const sections = [
  opening,
  trainingSection,
  predictionSection,
  sensitivitySection,
  contributionsSection,
  peakSection,
  startSection,
  threadsSection,
  growthSection,
  memorySection,
];

function opening({ machine, train = [] }) {
  const versions = Object.entries(Object.assign({}, ...train.map((t) => t.versions)));
  return [
    "# Benchmarks",
    "",
    "Written by `npm run bench`; `npm run bench:quick` prints the key ratios within a minute.",
    "[README.md](README.md) says what each part measures and how to read it. Accuracy has a page of its own: `bench/accuracy.mjs`.",
    "Another processor, with an earlier version: [RESULTS-xeon.md](RESULTS-xeon.md).",
    "",
    `${machine.processor}, ${machine.cores} cores, ${machine.gigabytes} GB, ${machine.system}, Node ${machine.node} (V8 ${machine.v8}). Everyone runs on one thread, each in a process of its own, in`,
    "interleaved rounds after a warm-up; figures are medians. The library is timed through its public functions.",
    "",
    ...(versions.length ? [`Versions: ${versions.map((version) => version.join(" ")).join(", ")}.`, ""] : []),
    "Workloads: **A** 10,000 rows x 10 inputs, one network of 6 groups x 6 hyperplanes; **B** 100,000 x 20, 16 x 16; **C** 100,000 x 50, 32 x 32; **D** 100,000 x 20, the default",
    "sum of a plane and sixteen 4 x 4 networks. Same rows, starting weights, order of batches and optimiser (Adam) for everyone.",
  ];
}

function trainingSection({ train = [] }) {
  if (!train.length) return [];
  ratioChart(
    "train",
    train.map((t) => ({ label: `${t.workload}, batch ${t.batch}`, times: t.times })),
    "Training time per epoch",
  );
  return [
    "## Training",
    "",
    "![times as long as isotone, training](charts/train.svg)",
    "",
    "Milliseconds per epoch. Before anything is timed, loss and weights after 20 steps are compared with a float64 reference (`bench/reference.mjs`): tolerance 1e-4.",
    "isotone: the difference of a long and a short `fit`, per epoch (later epochs, then; the first two or three of B and C take longer, since pruning has nothing to go by yet); what `fit` does besides (checking, scaling, the linear centre, the model) is in the line below each table.",
    "",
    ...train.flatMap(({ workload, batch, times, checks, setup }) => {
      const took = setup > 0 ? `${short(setup)} ms` : "less than the spread of the times above";
      const differences = checks.map((c) => `${c.label} ${c.difference.toExponential(0)}`).join(", ");
      return [
        `### ${workload}, batch ${batch}`,
        "",
        table(times, "ms"),
        `Set-up of \`fit\`: ${took}. Largest difference from the reference after 20 steps: ${differences}.`,
        "",
      ];
    }),
  ];
}

function predictionSection({ predict = [] }) {
  if (!predict.length) return [];
  ratioChart(
    "predict",
    predict.map((p) => ({ label: `${p.workload}, ${p.rows} rows`, times: p.batch })),
    "Prediction of a batch",
  );
  ratioChart(
    "row",
    predict.map((p) => ({ label: `${p.workload}, one row`, times: p.row })),
    "Prediction of one row, call included",
  );
  return [
    "## Prediction",
    "",
    "![times as long as isotone, batch](charts/predict.svg)",
    "",
    "![times as long as isotone, one row](charts/row.svg)",
    "",
    "Trained models; everyone's values agree with the library's to 1e-4. Rivals get the model with scaling folded into its weights; the library scales, clips and checks each value.",
    "",
    ...predict.flatMap(({ workload, rows, batch, row }) => [
      `### ${workload}, ${rows} rows at once`,
      "",
      table(batch, "ms"),
      `### ${workload}, one row a call`,
      "",
      table(row, "us"),
    ]),
  ];
}

function sensitivitySection({ sensitivity = [] }) {
  if (!sensitivity.length) return [];
  ratioChart(
    "sensitivity",
    sensitivity.map((s) => ({ label: `${s.workload}, ${s.rows} rows`, times: s.times })),
    "All partial derivatives of a batch",
  );
  return [
    "## Sensitivity",
    "",
    "![times as long as isotone, derivatives](charts/sensitivity.svg)",
    "",
    "Every partial derivative of every row.",
    "",
    ...sensitivity.flatMap(({ workload, rows, times }) => [`### ${workload}, ${rows} rows`, "", table(times, "ms")]),
  ];
}

function contributionsSection({ explain }) {
  if (!explain) return [];
  const { inputs, planes, rows, apart, times } = explain;
  const own = times[0].median;
  return [
    "## Contributions",
    "",
    `One row of ${inputs} inputs, ${planes} planes; mean of ${rows} rows a round. Error: of the worst part, relative to the sum of all parts' sizes,`,
    "median and greatest over rows, each method by its own exact answer (bench/explain.mjs).",
    `The two exact answers, along the path and Shapley's, are ${short(100 * apart)} % apart.`,
    "",
    "| | median us | least to greatest | times explain's | error | greatest |",
    "|---|---:|---:|---:|---:|---:|",
    ...times.map(({ label, median, least, greatest, error }) => {
      const ratio = median === own ? "" : `${short(median / own)}x`;
      return `| ${label} | ${short(median)} | ${short(least)} to ${short(greatest)} | ${ratio} | ${error.median.toExponential(1)} | ${error.greatest.toExponential(1)} |`;
    }),
  ];
}

function peakSection({ peak = [] }) {
  if (!peak.length) return [];
  return [
    "## Share of the processor's peak",
    "",
    "Dense forward kernel, rows transposed on the fly, against the rate of f32x4 multiply and add without memory, in turn in one run: of chains s = s x + c, and of",
    "products and sums that do not wait for each other. [What bounds it](README.md#what-bounds-the-forward-pass).",
    "",
    "| inputs | planes | GFLOP/s | chains | share | apart | share | with active planes |",
    "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ...peak.map(
      (p) =>
        `| ${p.d} | ${p.planes} | ${short(p.forward)} | ${short(p.chains)} | ${Math.round(100 * p.ofChains)} % | ${short(p.apart)} | ${Math.round(100 * p.ofApart)} % | time x ${p.gradient.toFixed(2)} |`,
    ),
  ];
}

function startSection({ startup = [] }) {
  if (!startup.length) return [];
  const of = (model) => startup.filter((r) => r.model === model);
  return [
    "## Start",
    "",
    "From just before the import to the first prediction of workload A's model, a fresh process each (the process' own start left out). `toModule` writes modules that hold the model and what predicts it, with the same bits.",
    "",
    table(of(undefined), "ms", "predict"),
    "",
    "A model of more weights, a default fit of 1,000 rows:",
    "",
    table(of("default"), "ms", "predict"),
  ];
}

function threadsSection({ threads = [] }) {
  if (!threads.length) return [];
  return [
    "## Threads",
    "",
    "`fit` of a committee with `threads: 2` (members in workers) against one thread; model files are compared byte by byte.",
    "",
    "| rows x inputs, members | one thread, ms | two, ms | times as fast |",
    "|---|---:|---:|---:|",
    ...threads.map(
      (t) => `| ${t.rows} x ${t.inputs}, ${t.members} | ${short(t.one)} | ${short(t.two)} | ${t.ratio.toFixed(2)} |`,
    ),
  ];
}

function growthSection({ scale }) {
  if (!scale) return [];
  const planesOf = (r) => r.networks * 16 + 1;
  const chart = (name, rows, size, label) => {
    const points = rows.flatMap((r) => [
      { size: size(r), ms: (r.train * r.n) / 1e3, what: "training, one epoch" },
      { size: size(r), ms: (r.predict * r.n) / 1e6, what: "prediction" },
    ]);
    lineChart(name, points, "size", label);
  };
  chart("scale-rows", scale.n, (r) => r.n, "rows (20 inputs, 257 planes)");
  chart("scale-inputs", scale.d, (r) => r.d, "inputs (20,000 rows)");
  chart("scale-planes", scale.planes, planesOf, "planes (20,000 rows, 20 inputs)");
  const line = (label, r) => `| ${label} | ${short(r.train)} | ${short(r.predict)} |`;
  return [
    "## Growth",
    "",
    "![growth with rows](charts/scale-rows.svg) ![growth with inputs](charts/scale-inputs.svg) ![growth with planes](charts/scale-planes.svg)",
    "",
    "Default networks (4 x 4), batch 128. Training: microseconds per row and epoch; prediction: nanoseconds per row.",
    "",
    "| | training us | prediction ns |",
    "|---|---:|---:|",
    ...scale.n.map((r) => line(`${r.n} rows x ${r.d}`, r)),
    ...scale.d.map((r) => line(`${r.d} inputs, ${r.n} rows`, r)),
    ...scale.planes.map((r) => line(`${planesOf(r)} planes, ${r.n} rows x ${r.d}`, r)),
    "",
    "Straight lines through these, time = fixed + each x size, by least squares of the relative errors; how far a figure is from its line, at most. Against rows the time is",
    "that of an epoch or of the whole batch.",
    "",
    "| time of | against | fixed | each | at most |",
    "|---|---|---:|---:|---:|",
    ...growth(scale).map(
      ({ grows, timed, unit, fixed, each, worst }) =>
        `| ${timed}, ${unit} | ${grows} | ${short(fixed)} | ${short(each)} | ${(100 * worst).toFixed(1)} % |`,
    ),
  ];
}

function memorySection({ memory }) {
  if (!memory) return [];
  const { data, floor, results } = memory;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(0);
  return [
    "## Memory",
    "",
    `A million rows of fifty inputs as Float32Array columns, ${megabytes(data)} MB. Peak resident memory, less Node and the generator (${megabytes(floor)} MB):`,
    "",
    "| | MB | times the rows |",
    "|---|---:|---:|",
    ...results.map(
      ({ name, bytes }) => `| ${name} | ${megabytes(bytes - floor)} | ${((bytes - floor) / data).toFixed(2)} |`,
    ),
    "",
    "`predictMany` reads the caller's columns piece by piece. Above 2^24 numbers so does `fit`, a piece of some two million at a time; below, it keeps a row-major copy of its own.",
  ];
}

/** Writes the page and its charts. */
export function report(results) {
  const text = sections.flatMap((section) => [...section(results), ""]).join("\n");
  writeFileSync(here("RESULTS.md"), `${text.replace(/\n{3,}/g, "\n\n").trim()}\n`);
  console.log("\nwrote bench/RESULTS.md and bench/charts");
}

if (process.argv[1]?.endsWith("bench/report.mjs")) report(JSON.parse(readFileSync(here("results.json"), "utf8")));
