// The charts, by Observable Plot. In: parts of a study and a canvas (a document, a width in pixels); out: one SVG element each, with a sentence
// for those who cannot see it. Colours are CSS variables (js/report/style.ts), so that one chart serves light, dark and paper.
// Nothing here needs a server or a page of its own: any document will do.

import * as Plot from "@observablehq/plot";
import type { Constraint } from "../types.js";
import { fitted, roundTicks, shownName, tickLabels, widthOf } from "./labels.js";
import type { CalibrationBin, Coverage, Quality } from "./quality.js";
import type { Curve, Driver, Explained, Slopes, Swarm } from "./study.js";
import { aligned, percent } from "./text.js";

/** Where a chart is drawn. */
export interface Canvas {
  /** Default: the page's own. */
  document?: Document;
  width: number;
}

type Chart = SVGSVGElement;

const SIZE = 12;

/** Categories in one chart. */
export const CATEGORIES = 12;
const INK = "var(--ink)";
const SOFT = "var(--soft)";
const GRID = "var(--grid)";
const UP = "var(--up)";
const DOWN = "var(--down)";
const FREE = "var(--free)";

/** Colours of values from low to high; the page explains them. */
export const LEVELS = ["var(--v1)", "var(--v2)", "var(--v3)", "var(--v4)", "var(--v5)"];

const ARROW: Record<Constraint, string> = { increasing: "↑", decreasing: "↓", free: "" };
const COLOUR: Record<Constraint, string> = { increasing: UP, decreasing: DOWN, free: FREE };

/** A feature's name with the direction in which it moves the prediction. */
const directed = (name: string, constraint: Constraint, width: number) => {
  const arrow = ARROW[constraint];
  const own = fitted(shownName(name), width - (arrow ? 16 : 0), SIZE);
  return arrow ? `${own} ${arrow}` : own;
};

/** What Plot returns, without its style sheet (the page has one) and with a role and a label. */
function finished(chart: Element, label: string): Chart {
  const svg = chart as Chart;
  for (const style of Array.from(svg.querySelectorAll("style"))) style.remove();
  for (const part of Array.from(svg.querySelectorAll("[aria-label]"))) part.removeAttribute("aria-label");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  return svg;
}

function draw(canvas: Canvas, label: string, options: Plot.PlotOptions): Chart {
  const document = canvas.document;
  return finished(
    Plot.plot({
      ...(document && { document }),
      className: "plot",
      width: canvas.width,
      style: { fontSize: `${SIZE}px` },
      ...options,
    }),
    label,
  );
}

/** Least and greatest of some numbers, a little apart when they are equal. */
export function extent(values: Iterable<number>, ...also: number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const list of [values, also]) {
    for (const v of list) {
      if (!Number.isFinite(v)) continue;
      if (v < low) low = v;
      if (v > high) high = v;
    }
  }
  if (!(low <= high)) return [0, 1];
  if (low === high) return low === 0 ? [-1, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  return [low, high];
}

function padded([low, high]: [number, number], share = 0.04): [number, number] {
  const by = share * (high - low);
  // an end at 0 stays there
  return [low === 0 ? 0 : low - by, high === 0 ? 0 : high + by];
}

/** Round ticks whose labels have room within `inner` pixels and the space `beside` that, and those labels. */
export function ticksWithin(
  [low, high]: [number, number],
  inner: number,
  beside: [number, number],
  format: (ticks: readonly number[]) => string[] = tickLabels,
): { ticks: number[]; labels: string[] } {
  const at = (v: number) => ((v - low) / (high - low)) * inner;
  let ticks: number[] = [];
  let labels: string[] = [];
  for (let count = Math.max(3, Math.floor(inner / 70)); count >= 1; count--) {
    ticks = roundTicks(low, high, count);
    labels = format(ticks);
    const widest = Math.max(0, ...labels.map((text) => widthOf(text, SIZE)));
    if (ticks.length < 2 || at(ticks[1]) - at(ticks[0]) >= widest + 8) break;
  }
  // a label at the very edge would be cut off
  const kept = ticks.map((v, k) => {
    const half = widthOf(labels[k], SIZE) / 2;
    return at(v) - half >= -beside[0] && at(v) + half <= inner + beside[1];
  });
  return { ticks: ticks.filter((_, k) => kept[k]), labels: labels.filter((_, k) => kept[k]) };
}

/** A frame with round ticks: margins that fit the labels, and the marks of both axes. */
function frame(
  canvas: Canvas,
  x: { domain: [number, number]; label: string },
  y: { domain: [number, number]; label: string },
  size: { height: number; right?: number },
) {
  const right = size.right ?? 14;
  const yTicks = roundTicks(y.domain[0], y.domain[1], Math.max(2, Math.floor(size.height / 56)));
  const yLabels = tickLabels(yTicks);
  const left = Math.ceil(Math.max(18, ...yLabels.map((text) => widthOf(text, SIZE) + 9)));
  const inner = canvas.width - left - right;
  const { ticks: xTicks, labels: xLabels } = ticksWithin(x.domain, inner, [left, right]);
  return {
    left,
    right,
    inner,
    options: {
      height: size.height,
      marginLeft: left,
      marginRight: right,
      marginTop: 26,
      marginBottom: 38,
      x: { domain: x.domain, label: null, axis: null },
      y: { domain: y.domain, label: null, axis: null },
    } as const,
    back: [
      Plot.gridY(yTicks, { stroke: GRID, strokeOpacity: 1 }),
      Plot.axisY(yTicks, {
        tickSize: 0,
        tickPadding: 7,
        label: null,
        fill: SOFT,
        tickFormat: (_: unknown, k: number) => yLabels[k],
      }),
      Plot.axisX(xTicks, {
        tickSize: 4,
        stroke: SOFT,
        fill: SOFT,
        label: null,
        tickFormat: (_: unknown, k: number) => xLabels[k],
      }),
      Plot.text([fitted(y.label, canvas.width - 8, SIZE)], {
        frameAnchor: "top-left",
        dx: -left,
        dy: -22,
        fill: SOFT,
        textAnchor: "start",
      }),
      Plot.text([fitted(x.label, inner + right, SIZE)], {
        frameAnchor: "bottom-right",
        dx: right,
        dy: 34,
        fill: SOFT,
        textAnchor: "end",
      }),
    ],
  };
}

/** Many dots as one path each colour: a tenth of the bytes of circles. */
const packed: Plot.RenderFunction = (index, _scales, values, _dimensions, context) => {
  const doc = context.ownerSVGElement.ownerDocument;
  const group = doc.createElementNS("http://www.w3.org/2000/svg", "g");
  const { x = [], y = [], fill } = values as { x?: number[]; y?: number[]; fill?: string[] };
  const paths = new Map<string, string[]>();
  for (const i of index) {
    const colour = fill ? fill[i] : "";
    const list = paths.get(colour) ?? [];
    list.push(`M${Math.round(10 * x[i]) / 10},${Math.round(10 * y[i]) / 10}h0`);
    paths.set(colour, list);
  }
  group.setAttribute("class", "dots");
  for (const [colour, list] of paths) {
    const path = doc.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", list.join(""));
    if (colour) path.setAttribute("stroke", colour);
    group.appendChild(path);
  }
  return group as SVGElement;
};

/** One line of a list chart. */
interface Line {
  name: string;
  /** At the right. */
  text?: string;
}

/** A list chart: names at the left, numbers at the right, the axis on top, and between them what `marks` draws at k + 0.5. */
function drawList(
  canvas: Canvas,
  label: string,
  lines: readonly Line[],
  x: {
    domain: [number, number];
    /** Above the axis. */
    unit?: string;
    /** No axis at all. */
    bare?: boolean;
    /** Above the numbers at the right. */
    head?: string;
    format?: (ticks: readonly number[]) => string[];
  },
  look: { row: number; share?: number; bold?: boolean },
  marks: (inner: number) => Plot.Markish[],
): Chart {
  const texts = lines.map(({ text }) => text ?? "");
  const most = (look.share ?? 0.36) * canvas.width;
  const names = lines.map(({ name }) => name);
  const left = Math.max(...names.map((name) => Math.min(most, widthOf(name, SIZE))), 20) + 12;
  const right = Math.max(...texts.map((text) => widthOf(text, SIZE)), widthOf(x.head ?? "", SIZE)) + 14;
  const inner = canvas.width - left - right;
  const { ticks, labels } = x.bare ? { ticks: [], labels: [] } : ticksWithin(x.domain, inner, [left, right], x.format);
  const top = (x.unit || x.head ? 22 : 2) + (x.bare ? 2 : 22);
  const bottom = top + lines.length * look.row;
  const at = (_: unknown, k: number) => k + 0.5;
  return draw(canvas, label, {
    height: bottom + 4,
    marginLeft: left,
    marginRight: right,
    marginTop: top,
    marginBottom: 4,
    x: { domain: x.domain, axis: null },
    y: { domain: [0, lines.length], axis: null, range: [top, bottom] },
    color: { type: "identity" },
    marks: [
      Plot.gridX(ticks, { stroke: GRID, strokeOpacity: 1 }),
      Plot.axisX(ticks, {
        anchor: "top",
        tickSize: 0,
        fill: SOFT,
        label: null,
        tickFormat: (_: unknown, k: number) => labels[k],
      }),
      x.unit === undefined
        ? null
        : Plot.text([fitted(x.unit, canvas.width - 8, SIZE)], {
            frameAnchor: "top-left",
            dx: -left,
            dy: 2 - top,
            fill: SOFT,
            textAnchor: "start",
          }),
      x.head === undefined
        ? null
        : Plot.text([x.head], { frameAnchor: "top-right", dx: right, dy: 2 - top, fill: SOFT, textAnchor: "end" }),
      ...marks(inner),
      Plot.text(names, {
        y: at,
        text: (text: string) => text,
        frameAnchor: "left",
        dx: -left,
        textAnchor: "start",
        fill: INK,
      }),
      Plot.text(texts, {
        y: at,
        text: (text: string) => text,
        frameAnchor: "right",
        dx: right,
        textAnchor: "end",
        fill: INK,
        ...(look.bold && { fontWeight: 600 }),
      }),
    ],
  });
}

/** Strength of the drivers with bootstrap intervals, the largest first. */
export function rankingChart(drivers: readonly Driver[], unit: string, label: string, canvas: Canvas): Chart {
  const most = Math.max(...drivers.map((d) => d.strengthInterval[1]), ...drivers.map((d) => d.strength));
  const texts = aligned(drivers.map(({ strength }) => strength));
  const lines = drivers.map(({ name, constraint }, k) => ({
    name: directed(name, constraint, 0.36 * canvas.width),
    text: texts[k],
  }));
  const rows = drivers.map((driver, k) => ({ ...driver, k: k + 0.5, colour: COLOUR[driver.constraint] }));
  return drawList(canvas, label, lines, { domain: [0, most > 0 ? most : 1], unit }, { row: 26 }, () => [
    Plot.ruleY(rows, { x1: 0, x2: "strength", y: "k", stroke: "colour", strokeWidth: 2, strokeOpacity: 0.35 }),
    Plot.ruleY(rows, {
      x1: (d: Driver) => d.strengthInterval[0],
      x2: (d: Driver) => d.strengthInterval[1],
      y: "k",
      stroke: "colour",
      strokeWidth: 8,
      strokeOpacity: 0.3,
      strokeLinecap: "round",
    }),
    Plot.dot(rows, { x: "strength", y: "k", r: 4.5, fill: "colour" }),
  ]);
}

/** Offsets that stack dots of about the same place around a middle line, in the order of `order`, within `room` pixels. */
export function stacked(places: readonly number[], order: readonly number[], room: number, step = 3.6): number[] {
  const bins = new Map<number, number[]>();
  for (const i of order) {
    const bin = Math.round(places[i] / step);
    const list = bins.get(bin);
    if (list) list.push(i);
    else bins.set(bin, [i]);
  }
  const most = Math.max(1, ...[...bins.values()].map((list) => list.length));
  const by = Math.min(step, room / most);
  const out = new Array<number>(places.length).fill(0);
  for (const list of bins.values()) {
    list.forEach((i, k) => {
      out[i] = by * ((list.length - 1) / 2 - k);
    });
  }
  return out;
}

/** One dot a row: what the usual variation of a driver does there. */
export function swarmChart(swarms: readonly Swarm[], unit: string, label: string, canvas: Canvas): Chart {
  const row = 42;
  const domain = padded(
    extent(
      swarms.flatMap(({ effects }) => effects),
      0,
    ),
    0.02,
  );
  const lines = swarms.map(({ name }) => ({ name: fitted(shownName(name), 0.36 * canvas.width, SIZE) }));
  return drawList(canvas, label, lines, { domain, unit }, { row }, (inner) => {
    const to = (v: number) => ((v - domain[0]) / (domain[1] - domain[0])) * inner;
    const dots = swarms.flatMap(({ effects, places, kind }, k) => {
      // low values at the bottom of a stack, missing ones first
      const order = effects.map((_, i) => i).sort((a, b) => (places[a] || 0) - (places[b] || 0));
      const offsets = stacked(effects.map(to), order, row - 10);
      return effects.map((x, i) => ({
        x,
        y: k + 0.5 + offsets[i] / row,
        colour: kind === "category" || !(places[i] >= 0) ? FREE : LEVELS[Math.min(4, Math.floor(5 * places[i]))],
      }));
    });
    return [
      Plot.ruleY(
        swarms.map((_, k) => k + 0.5),
        { stroke: GRID },
      ),
      Plot.ruleX([0], { stroke: SOFT }),
      Plot.dot(dots, { x: "x", y: "y", fill: "colour", render: packed }),
    ];
  });
}

/**
 * Derivatives, for `per` units, beside the values they belong to: rows as dots, the median and the middle 90 % as line and band.
 */
export function slopesChart(slopes: Slopes, per: number, unit: string, label: string, canvas: Canvas): Chart {
  const x = padded(extent(slopes.x), 0.02);
  const high = slopes.y.map((v) => v * per);
  const y = padded(extent(high, 0));
  const base = frame(canvas, { domain: x, label: shownName(slopes.name) }, { domain: y, label: unit }, { height: 236 });
  const colour = COLOUR[slopes.constraint];
  const bins = slopes.bins.map(({ from, to, p5, median, p95 }) => {
    return { middle: (from + to) / 2, p5: p5 * per, median: median * per, p95: p95 * per };
  });
  const dots = slopes.x.map((value, i) => ({ x: value, y: high[i] }));
  return draw(canvas, label, {
    ...base.options,
    color: { type: "identity" },
    marks: [
      ...base.back,
      Plot.ruleY([0], { stroke: SOFT }),
      Plot.areaY(bins, { x: "middle", y1: "p5", y2: "p95", fill: colour, fillOpacity: 0.16 }),
      Plot.dot(dots, { x: "x", y: "y", fill: colour, render: packed }),
      Plot.lineY(bins, { x: "middle", y: "median", stroke: colour, strokeWidth: 2.5 }),
      ...(bins.length === 1
        ? [
            Plot.ruleX(bins, { x: "middle", y1: "p5", y2: "p95", stroke: colour, strokeWidth: 2 }),
            Plot.dot(bins, { x: "middle", y: "median", fill: colour, r: 4 }),
          ]
        : []),
    ],
  });
}

/** Labels at the ends of lines, moved apart where they would touch. In: places in pixels from the top. */
export function apart(places: readonly number[], gap: number, least: number, most: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const out = [...places];
  for (let k = 0; k < order.length; k++) {
    const above = k > 0 ? out[order[k - 1]] + gap : least;
    out[order[k]] = Math.max(above, Math.min(places[order[k]], most));
  }
  for (let k = order.length - 1; k >= 0; k--) {
    const below = k < order.length - 1 ? out[order[k + 1]] - gap : most;
    out[order[k]] = Math.min(out[order[k]], below);
  }
  return out;
}

/** How the prediction changes with a number: rows' own curves (ICE), their mean (PDP), and the accumulated local effects (ALE). */
export function curveChart(curve: Curve, unit: string, label: string, canvas: Canvas): Chart {
  const grid = curve.grid as number[];
  const pdp = curve.pdp.map((v) => v - curve.pdp[0]);
  const ale = curve.ale.map((v) => v - curve.ale[0]);
  const lines = curve.ice.flatMap((ice, z) => ice.map((y, i) => ({ x: grid[i], y, z })));
  const y = padded(
    extent(
      lines.map((d) => d.y),
      0,
      ...pdp,
      ...ale,
    ),
  );
  const height = 236;
  const base = frame(
    canvas,
    { domain: padded(extent(grid), 0.02), label: shownName(curve.feature) },
    { domain: y, label: unit },
    { height, right: 38 },
  );
  const place = (v: number) => 26 + (1 - (v - y[0]) / (y[1] - y[0])) * (height - 26 - 38);
  const ends = apart([place(pdp[pdp.length - 1]), place(ale[ale.length - 1] ?? 0)], 14, 30, height - 42);
  const mean = grid.map((x, i) => ({ x, y: pdp[i] }));
  const local = grid.map((x, i) => ({ x, y: ale[i] }));
  const colour = COLOUR[curve.constraint];
  const tag = (text: string, at: number, fill: string) =>
    Plot.text([text], {
      frameAnchor: "top-right",
      dx: 6,
      dy: at - 26,
      lineAnchor: "middle",
      textAnchor: "start",
      fill,
      fontWeight: 600,
    });
  return draw(canvas, label, {
    ...base.options,
    marks: [
      ...base.back,
      Plot.ruleY([0], { stroke: SOFT }),
      Plot.lineY(lines, { x: "x", y: "y", z: "z", stroke: FREE, strokeWidth: 1, strokeOpacity: 0.4 }),
      Plot.lineY(mean, { x: "x", y: "y", stroke: colour, strokeWidth: 3 }),
      ...(ale.length > 0
        ? [
            Plot.lineY(local, { x: "x", y: "y", stroke: INK, strokeWidth: 1.75, strokeDasharray: "5,3" }),
            tag("ALE", ends[1], INK),
          ]
        : []),
      tag("PDP", ends[0], colour),
      Plot.ruleX(curve.deciles, { y1: y[0], y2: y[0] + 0.03 * (y[1] - y[0]), stroke: SOFT }),
    ],
  });
}

/** The mean prediction with each category put in, the largest first; at most `most` of them, the commonest. */
export function categoryChart(curve: Curve, unit: string, label: string, canvas: Canvas, most = CATEGORIES): Chart {
  const rows = curve.grid
    .map((category, c) => ({ category: String(category), mean: curve.pdp[c], rows: curve.rows[c] }))
    .sort((a, b) => b.rows - a.rows)
    .slice(0, most)
    .sort((a, b) => b.mean - a.mean)
    .map((row, k) => ({ ...row, k: k + 0.5 }));
  const texts = aligned(rows.map(({ mean }) => mean));
  const lines = rows.map(({ category }, k) => ({
    name: fitted(shownName(category), 0.36 * canvas.width, SIZE),
    text: texts[k],
  }));
  const domain = padded(extent(rows.map(({ mean }) => mean)), 0.06);
  return drawList(canvas, label, lines, { domain, unit }, { row: 26 }, () => [
    Plot.ruleY(rows, { y: "k", stroke: GRID }),
    Plot.dot(rows, { x: "mean", y: "k", r: 4.5, fill: FREE }),
  ]);
}

/** One prediction, from that of the baseline bar by bar. */
export function waterfallChart(explained: Explained, label: string, canvas: Canvas): Chart {
  const room = 0.42 * canvas.width;
  const named = (name: string, value: string) => {
    const own = fitted(value, 0.4 * room, SIZE);
    return `${fitted(shownName(name), room - widthOf(` = ${own}`, SIZE), SIZE)} = ${own}`;
  };
  const steps = explained.parts.map((part) => ({ name: named(part.name, part.value), by: part.contribution }));
  if (explained.others) {
    steps.push({ name: `${explained.others.features} others`, by: explained.others.contribution });
  }
  let at = explained.baseline;
  const moves = steps.map(({ by }, k) => {
    const from = at;
    at += by;
    return { from, to: at, k: k + 1.5, colour: by < 0 ? DOWN : UP };
  });
  // the ends as the model says them, not as the rounded parts add up
  const ends = [
    { value: explained.baseline, k: 0.5 },
    { value: explained.prediction, k: steps.length + 1.5 },
  ];
  const texts = aligned([explained.baseline, ...steps.map(({ by }) => by), explained.prediction]);
  const sign = (text: string, by: number) => (by > 0 ? `+${text}` : text);
  const lines = [
    { name: "median row", text: texts[0] },
    ...steps.map(({ name, by }, k) => ({ name, text: sign(texts[k + 1], by) })),
    { name: "prediction", text: texts[steps.length + 1] },
  ];
  const actual = explained.actual === undefined ? [] : [explained.actual];
  const domain = padded(extent([...moves.flatMap((m) => [m.from, m.to]), ...ends.map((e) => e.value), ...actual]));
  const below = { y1: (d: { k: number }) => d.k, y2: (d: { k: number }) => d.k + 1, stroke: SOFT };
  return drawList(canvas, label, lines, { domain }, { row: 24, share: 0.44 }, () => [
    Plot.ruleX(ends.slice(0, 1), { x: "value", ...below }),
    Plot.ruleX(moves, { x: "to", ...below }),
    Plot.ruleY(moves, { x1: "from", x2: "to", y: "k", stroke: "colour", strokeWidth: 13 }),
    Plot.dot(ends, { x: "value", y: "k", r: 4.5, fill: INK }),
    Plot.dot(actual, {
      x: (v: number) => v,
      y: () => steps.length + 1.5,
      r: 6,
      stroke: INK,
      strokeWidth: 1.5,
      symbol: "diamond",
    }),
  ]);
}

/** Bars from 0 with their names and numbers: errors, where less is better. The first is emphasised. */
export function barsChart(
  bars: readonly { name: string; value: number }[],
  unit: string,
  label: string,
  canvas: Canvas,
): Chart {
  const rows = bars.map((bar, k) => ({ ...bar, k: k + 0.5, colour: k === 0 ? UP : FREE }));
  const texts = aligned(bars.map(({ value }) => value));
  const lines = bars.map(({ name }, k) => ({ name: fitted(name, 0.4 * canvas.width, SIZE), text: texts[k] }));
  const domain: [number, number] = [0, Math.max(...bars.map(({ value }) => value)) || 1];
  return drawList(canvas, label, lines, { domain, unit, bare: true }, { row: 32, share: 0.4, bold: true }, () => [
    Plot.ruleY(rows, { x1: 0, x2: "value", y: "k", stroke: "colour", strokeWidth: 18 }),
    Plot.ruleX([0], { stroke: SOFT }),
  ]);
}

/** Mean target against mean prediction, bin by bin, with twice the standard error. */
export function calibrationChart(
  bins: readonly CalibrationBin[],
  units: { x: string; y: string },
  label: string,
  canvas: Canvas,
): Chart {
  const domain = padded(
    extent(bins.flatMap(({ predicted, actual, error }) => [predicted, actual - 2 * error, actual + 2 * error])),
  );
  const base = frame(canvas, { domain, label: units.x }, { domain, label: units.y }, { height: 260 });
  return draw(canvas, label, {
    ...base.options,
    marks: [
      ...base.back,
      Plot.line(
        [
          [domain[0], domain[0]],
          [domain[1], domain[1]],
        ],
        { stroke: SOFT, strokeDasharray: "4,3" },
      ),
      Plot.ruleX(bins, {
        x: "predicted",
        y1: (d: CalibrationBin) => d.actual - 2 * d.error,
        y2: (d: CalibrationBin) => d.actual + 2 * d.error,
        stroke: UP,
        strokeWidth: 2,
        strokeOpacity: 0.5,
      }),
      Plot.dot(bins, { x: "predicted", y: "actual", r: 4.5, fill: UP }),
    ],
  });
}

/** Errors of single rows beside their predictions, with the middle 90 % marked. */
export function residualsChart(
  { residuals, spread }: Pick<Quality, "residuals" | "spread">,
  units: { x: string; y: string },
  label: string,
  canvas: Canvas,
): Chart {
  const x = padded(extent(residuals.map((d) => d.predicted)), 0.03);
  const y = padded(
    extent(
      residuals.map((d) => d.residual),
      0,
      spread[0],
      spread[4],
    ),
  );
  const base = frame(canvas, { domain: x, label: units.x }, { domain: y, label: units.y }, { height: 260 });
  return draw(canvas, label, {
    ...base.options,
    marks: [
      ...base.back,
      Plot.rect([0], { x1: x[0], x2: x[1], y1: spread[0], y2: spread[4], fill: UP, fillOpacity: 0.12 }),
      Plot.ruleY([0], { stroke: SOFT }),
      Plot.dot(residuals, { x: "predicted", y: "residual", render: packed }),
    ],
  });
}

/** The share that was asked for beside the share that held. */
export function coverageChart(
  coverage: readonly Coverage[],
  words: { asked: string; held: string },
  label: string,
  canvas: Canvas,
): Chart {
  const rows = coverage.map((one, k) => ({
    ...one,
    k: k + 0.5,
    low: Math.max(0, one.held - one.error),
    high: Math.min(1, one.held + one.error),
  }));
  const lines = coverage.map(({ asked, held }) => ({ name: `${words.asked} ${percent(asked)}`, text: percent(held) }));
  const domain: [number, number] = [0, 1];
  const format = (ticks: readonly number[]) => ticks.map((v) => `${Math.round(100 * v)} %`);
  return drawList(canvas, label, lines, { domain, head: words.held, format }, { row: 34, bold: true }, () => [
    Plot.ruleY(rows, { y: "k", stroke: GRID }),
    Plot.ruleY(rows, {
      x1: "low",
      x2: "high",
      y: "k",
      stroke: UP,
      strokeWidth: 8,
      strokeOpacity: 0.3,
      strokeLinecap: "round",
    }),
    Plot.ruleX(rows, {
      x: "asked",
      y1: (d: { k: number }) => d.k - 0.27,
      y2: (d: { k: number }) => d.k + 0.27,
      stroke: INK,
      strokeWidth: 2,
    }),
    Plot.dot(rows, { x: "held", y: "k", r: 4.5, fill: UP }),
  ]);
}

/** Loss on the rows trained on and on the rows left out, epoch by epoch. */
export function trainingChart(
  curve: readonly { epoch: number; loss: number; validationLoss: number | null }[],
  label: string,
  canvas: Canvas,
): Chart {
  const own = curve.filter(({ loss, epoch }) => Number.isFinite(loss) && epoch > 0);
  const left = curve.filter(({ validationLoss }) => validationLoss !== null && Number.isFinite(validationLoss));
  const y = padded(
    extent([...own.map(({ loss }) => loss), ...left.map(({ validationLoss }) => validationLoss as number)], 0),
  );
  const height = 236;
  const right = Math.ceil(Math.max(widthOf("left out", SIZE), widthOf("trained on", SIZE))) + 10;
  const base = frame(
    canvas,
    { domain: extent(curve.map(({ epoch }) => epoch)), label: "epoch (pass over the rows)" },
    { domain: y, label: "loss" },
    { height, right },
  );
  const place = (v: number) => 26 + (1 - (v - y[0]) / (y[1] - y[0])) * (height - 26 - 38);
  const lines = [
    ...(own.length > 0 ? [{ text: "trained on", value: own[own.length - 1].loss, fill: FREE }] : []),
    ...(left.length > 0 ? [{ text: "left out", value: left[left.length - 1].validationLoss as number, fill: UP }] : []),
  ];
  const places = apart(
    lines.map(({ value }) => place(value)),
    14,
    32,
    height - 44,
  );
  return draw(canvas, label, {
    ...base.options,
    marks: [
      ...base.back,
      Plot.lineY(own, { x: "epoch", y: "loss", stroke: FREE, strokeWidth: 1.75 }),
      Plot.lineY(left, { x: "epoch", y: "validationLoss", stroke: UP, strokeWidth: 2.5 }),
      ...(curve.length === 1
        ? [
            Plot.dot(own, { x: "epoch", y: "loss", fill: FREE }),
            Plot.dot(left, { x: "epoch", y: "validationLoss", fill: UP }),
          ]
        : []),
      ...lines.map(({ text, fill }, k) =>
        Plot.text([text], {
          frameAnchor: "top-right",
          dx: 6,
          dy: places[k] - 26,
          lineAnchor: "middle",
          textAnchor: "start",
          fill,
          fontWeight: 600,
        }),
      ),
    ],
  });
}
