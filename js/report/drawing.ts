// What the charts are drawn with, by Observable Plot: domains, ticks, a frame with two axes, a list with one. In: a canvas (a document, a width in
// pixels), marks and texts; out: one SVG element, with a sentence for those who cannot see it. Colours are CSS variables (js/report/style.ts), so
// that one chart serves light, dark and paper. Nothing here needs a server or a page of its own: any document will do.

import * as Plot from "@observablehq/plot";
import type { Constraint } from "../types.js";
import { fitted, roundTicks, shownName, tickLabels, widthOf } from "./labels.js";

/** Where a chart is drawn. */
export interface Canvas {
  /** Default: the page's own. */
  document?: Document;
  width: number;
}

export type Chart = SVGSVGElement;

export const SIZE = 12;
export const INK = "var(--ink)";
export const SOFT = "var(--soft)";
export const GRID = "var(--grid)";
export const UP = "var(--up)";
export const DOWN = "var(--down)";
export const FREE = "var(--free)";

/** Colours of values from low to high; the page explains them. */
export const LEVELS = ["var(--v1)", "var(--v2)", "var(--v3)", "var(--v4)", "var(--v5)"];

const ARROW: Record<Constraint, string> = { increasing: "↑", decreasing: "↓", free: "" };
export const COLOUR: Record<Constraint, string> = { increasing: UP, decreasing: DOWN, free: FREE };

/** A feature's name with the direction in which it moves the prediction. */
export const directed = (name: string, constraint: Constraint, width: number) => {
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

export function draw(canvas: Canvas, label: string, options: Plot.PlotOptions): Chart {
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

export function padded([low, high]: [number, number], share = 0.04): [number, number] {
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
export function frame(
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
export const packed: Plot.RenderFunction = (index, _scales, values, _dimensions, context) => {
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
export function drawList(
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

/** Where a value stands in a chart of `frame`'s, in pixels from the top. */
export const placeIn = (domain: readonly [number, number], height: number) => (v: number) =>
  26 + (1 - (v - domain[0]) / (domain[1] - domain[0])) * (height - 26 - 38);

/** What a line is, at its right end, `at` pixels from the top. */
export const endLabel = (text: string, at: number, fill: string): Plot.Markish =>
  Plot.text([text], {
    frameAnchor: "top-right",
    dx: 6,
    dy: at - 26,
    lineAnchor: "middle",
    textAnchor: "start",
    fill,
    fontWeight: 600,
  });
