// Draws derivatives.svg, the picture of the project's README: how the partial derivatives of an MLP and of isotone are distributed
// over the held-out jobs, by activity. Same study as the demo; drawn with Observable Plot, legible on light and dark pages.
//   npm run build && node examples/jobs/picture.mjs

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { columnOf, negatives, readJobs, studyIsotone, studyMlp } from "./study.mjs";

const WIDTH = 760;
const PANEL = 84;
const TOP = 58;
const BINS = 70;

const STYLE = `
  svg { color: #1f2328; --own: #0969da; --other: #8c959f; --wrong: #cf4a02; --shade: #cf4a0218; font-family: system-ui, sans-serif }
  @media (prefers-color-scheme: dark) {
    svg { color: #e6edf3; --own: #58a6ff; --other: #7d8590; --wrong: #ff8a4c; --shade: #ff8a4c26 }
  }`;

/** Histogram bars of values over [low, high] with an edge at 0, the highest bar of height 1. */
export function barsOf(values, low, high, lane) {
  const width = (high - low) / BINS;
  const first = Math.floor(low / width);
  const counts = new Array(Math.ceil(high / width) - first).fill(0);
  for (const v of values) {
    const at = Math.floor(v / width) - first;
    if (at >= 0 && at < counts.length) counts[at]++;
  }
  const most = Math.max(...counts);
  return counts.flatMap((count, i) =>
    count === 0
      ? []
      : [{ x1: (first + i) * width, x2: (first + i + 1) * width, y: count / most, lane, negative: first + i < 0 }],
  );
}

function panel(document, name, own, other, n) {
  // microseconds
  const lanes = { MLP: other.values.map((v) => v * 1000), isotone: own.values.map((v) => v * 1000) };
  const sorted = Float64Array.from([...lanes.MLP, ...lanes.isotone]).sort();
  const at = (q) => sorted[Math.round(q * (sorted.length - 1))];
  const low = Math.min(at(0.003), 0);
  const high = at(0.997);
  const pad = (high - low) * 0.02;
  const bars = Object.entries(lanes).flatMap(([lane, values]) => barsOf(values, low - pad, high + pad, lane));
  const left = Math.min(low - pad, ...bars.map((bar) => bar.x1));
  const right = Math.max(high + pad, ...bars.map((bar) => bar.x2));
  const share = (column) =>
    column.negative === 0 ? "none negative" : `${((100 * column.negative) / n).toFixed(1)} % negative`;
  const order = ["MLP", "isotone"];
  return Plot.plot({
    document,
    width: WIDTH,
    height: PANEL,
    marginLeft: 142,
    marginRight: 112,
    marginTop: 2,
    marginBottom: 22,
    style: { fontSize: "12px", background: "none", fontFamily: "inherit" },
    x: {
      domain: [left, right],
      nice: false,
      ticks: 6,
      label: null,
      tickFormat: (v) => String(Number(v.toPrecision(4))).replace("-", "−"),
    },
    y: { domain: [0, 1.05], axis: null },
    fy: { domain: order, axis: null, padding: 0.12 },
    marks: [
      low < 0
        ? Plot.rect(
            order.map((lane) => ({ lane })),
            { fy: "lane", x1: left, x2: 0, y1: 0, y2: 1.05, fill: "var(--shade)" },
          )
        : null,
      Plot.rect(bars, {
        fy: "lane",
        x1: "x1",
        x2: "x2",
        y1: 0,
        y2: "y",
        insetLeft: 0.3,
        insetRight: 0.3,
        fill: (b) => (b.negative ? "var(--wrong)" : b.lane === "MLP" ? "var(--other)" : "var(--own)"),
      }),
      Plot.ruleX([0], { stroke: "currentColor" }),
      Plot.text(
        order.map((lane) => ({ lane })),
        { fy: "lane", frameAnchor: "left", dx: -8, textAnchor: "end", text: "lane" },
      ),
      Plot.text([name], {
        fy: () => "MLP",
        frameAnchor: "left",
        dx: -138,
        textAnchor: "start",
        text: (t) => t,
        fontWeight: "bold",
      }),
      Plot.text(
        order.map((lane) => ({
          lane,
          text: share(lane === "MLP" ? other : own),
          wrong: lane === "MLP" && other.negative > 0,
        })),
        {
          fy: "lane",
          frameAnchor: "right",
          dx: 8,
          textAnchor: "start",
          text: "text",
          fill: (t) => (t.wrong ? "var(--wrong)" : "currentColor"),
        },
      ),
    ],
  });
}

/** In: activity names (d), derivatives of both models (n x d, ms per unit). Out: the text of an SVG. */
export function drawDerivatives(names, own, other) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const d = names.length;
  const n = own.length / d;
  const height = TOP + names.length * (PANEL + 6) + 36;
  const total = own.length;
  const panels = names.map((name, j) => {
    const node = panel(document, name, columnOf(own, d, j), columnOf(other, d, j), n);
    const text = node.outerHTML
      .replace(/<style>[\s\S]*?<\/style>/, "")
      .replace("<svg ", `<svg aria-hidden="true" x="0" y="${TOP + j * (PANEL + 6)}" `);
    return text.replace(/(\d+\.\d{2})\d+/g, "$1").replace(/ xmlns(:\w+)?="[^"]*"/g, "");
  });
  const summary = `Of ${total} partial derivatives on ${n} held-out jobs, ${negatives(other)} of the MLP's are negative and ${negatives(own)} of isotone's.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${summary}</title>
<style>${STYLE}
</style>
<text x="4" y="20" font-size="15" font-weight="bold" fill="currentColor">What one more unit of work adds to a job's duration, µs per unit</text>
<text x="4" y="41" font-size="12.5" fill="currentColor">Partial derivatives of two models on ${n} held-out jobs. More work cannot take less time: <tspan fill="var(--wrong)" font-weight="bold">left of 0 is wrong</tspan>.</text>
${panels.join("\n")}
<text x="4" y="${height - 21}" font-size="11.5" fill="currentColor">${summary}</text>
<text x="4" y="${height - 5}" font-size="11.5" fill="currentColor">Bars: number of jobs, each row drawn to its own height; the middle 99.4 % of values is shown.</text>
</svg>
`;
}

async function main() {
  const isotone = await import("../../dist/index.js");
  const jobs = readJobs();
  const own = await studyIsotone(isotone, jobs);
  const mlp = await studyMlp(jobs);
  const out = new URL("derivatives.svg", import.meta.url);
  writeFileSync(out, drawDerivatives(jobs.names, own.derivatives, mlp.derivatives));
  console.log(
    `${fileURLToPath(out)}: negative ${negatives(mlp.derivatives)} of the MLP's, ${negatives(own.derivatives)} of isotone's`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
