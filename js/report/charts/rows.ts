// Where one prediction comes from. In: an explained row and a canvas; out: one SVG element.

import * as Plot from "@observablehq/plot";
import { type Canvas, type Chart, DOWN, drawList, extent, INK, padded, SIZE, SOFT, UP } from "../drawing.js";
import { fitted, shownName, widthOf } from "../labels.js";
import type { Explained } from "../study/explained.js";
import { aligned } from "../text.js";

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
