// How good the model is. In: scores, errors and shares that held, and a canvas; out: one SVG element each.

import * as Plot from "@observablehq/plot";
import {
  type Canvas,
  type Chart,
  draw,
  drawList,
  extent,
  FREE,
  frame,
  GRID,
  INK,
  packed,
  padded,
  SIZE,
  SOFT,
  UP,
} from "../drawing.js";
import { fitted } from "../labels.js";
import type { CalibrationBin, Coverage, Quality } from "../quality.js";
import { aligned, percent } from "../text.js";

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
