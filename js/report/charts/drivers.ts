// What drives the prediction. In: drivers and swarms of a study, and a canvas; out: one SVG element each.

import * as Plot from "@observablehq/plot";
import {
  type Canvas,
  type Chart,
  COLOUR,
  directed,
  drawList,
  extent,
  FREE,
  GRID,
  LEVELS,
  packed,
  padded,
  SIZE,
  SOFT,
} from "../drawing.js";
import { fitted, shownName } from "../labels.js";
import type { Driver } from "../study/drivers.js";
import type { Swarm } from "../study/swarms.js";
import { aligned } from "../text.js";

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
