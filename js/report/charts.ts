// The charts. In: parts of a study and a canvas; out: one SVG element each (drawing.ts).

import * as Plot from "@observablehq/plot";
import {
  type Canvas,
  type Chart,
  COLOUR,
  DOWN,
  directed,
  draw,
  drawList,
  extent,
  FREE,
  frame,
  GRID,
  INK,
  LEVELS,
  packed,
  padded,
  SIZE,
  SOFT,
  UP,
} from "./drawing.js";
import { fitted, shownName, widthOf } from "./labels.js";
import type { CalibrationBin, Coverage, Quality } from "./quality.js";
import type { Curve, Driver, Explained, Slopes, Swarm } from "./study.js";
import { aligned, percent } from "./text.js";

/** Categories in one chart. */
export const CATEGORIES = 12;

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
