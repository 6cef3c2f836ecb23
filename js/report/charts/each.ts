// What one driver does. In: derivatives and curves of a study, and a canvas; out: one SVG element each.

import * as Plot from "@observablehq/plot";
import {
  type Canvas,
  type Chart,
  COLOUR,
  draw,
  drawList,
  endLabel,
  extent,
  FREE,
  frame,
  GRID,
  INK,
  packed,
  padded,
  placeIn,
  SIZE,
  SOFT,
} from "../drawing.js";
import { apart, fitted, shownName } from "../labels.js";
import type { Curve } from "../study/curves.js";
import type { Slopes } from "../study/slopes.js";
import { aligned } from "../text.js";

/** Categories in one chart. */
export const CATEGORIES = 12;

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
  const place = placeIn(y, height);
  const ends = apart([place(pdp[pdp.length - 1]), place(ale[ale.length - 1] ?? 0)], 14, 30, height - 42);
  const mean = grid.map((x, i) => ({ x, y: pdp[i] }));
  const local = grid.map((x, i) => ({ x, y: ale[i] }));
  const colour = COLOUR[curve.constraint];
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
            endLabel("ALE", ends[1], INK),
          ]
        : []),
      endLabel("PDP", ends[0], colour),
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
