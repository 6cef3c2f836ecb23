// How training went. In: the curve of losses and a canvas; out: one SVG element.

import * as Plot from "@observablehq/plot";
import { type Canvas, type Chart, draw, endLabel, extent, FREE, frame, padded, placeIn, SIZE, UP } from "../drawing.js";
import { apart, widthOf } from "../labels.js";

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
  const place = placeIn(y, height);
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
      ...lines.map(({ text, fill }, k) => endLabel(text, places[k], fill)),
    ],
  });
}
