// How the model was trained: sizes, the loss epoch by epoch, warnings. In: a study; out: the section.

import * as charts from "../charts/training.js";
import { type Cell, details, figure, type Pen, section, table } from "../parts.js";
import type { Study } from "../study.js";
import { count, html, type Markup, percent, plural, short } from "../text.js";
import * as say from "../words.js";

export function trainingSection(study: Study, panel: Pen): Markup {
  const { training, size } = study;
  const facts: Cell[][] = [
    ["rows", count(training.rows)],
    ["members averaged", count(training.members)],
    ["networks", count(size.networks)],
    ["hyperplanes", count(size.planes)],
    ["steps", count(training.steps)],
    ["rows a step", count(training.batch)],
    ["greatest step size", short(training.learningRate)],
    ["weight of the networks beside the linear fit", percent(training.blend)],
    ["seed", String(training.seed)],
    ["isotone", training.isotone],
    ...(training.merged === undefined ? [] : [["models merged", count(training.merged)]]),
  ];
  return section(
    "training",
    "Training",
    say.trainingFinding(study),
    training.warnings.length > 0 &&
      html`<ul class="plain">${training.warnings.map((text) => html`<li>${text}</li>`)}</ul>`,
    html`<p>The same rows, options and seed give the same model, byte for byte, in every runtime.</p>`,
    html`<div class="beside">${
      training.curve.length > 0
        ? figure({
            title: "Loss, epoch by epoch",
            text: "Averaged over members, in the scaled units of training.",
            charts: panel((c) =>
              charts.trainingChart(
                training.curve,
                `Training curve, ${plural(training.curve.length, "look")} at the loss. ${say.trainingFinding(study)}.`,
                c,
              ),
            ),
            table: details(
              "training curve",
              ["epoch", "step", "loss on rows trained on", "on rows left out"],
              thinned(training.curve, 40).map(({ epoch, step, loss, validationLoss }) => [
                short(epoch),
                count(step),
                step > 0 ? loss : "–",
                validationLoss ?? "–",
              ]),
            ),
          })
        : html`<p class="note">The model file holds no training curve.</p>`
    }<div>${table({ caption: "How it was trained", head: ["", "value"], rows: facts })}</div></div>`,
  );
}

/** About `most` of some entries, the last one among them. */
function thinned<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, Math.ceil(list.length / most));
  return list.filter((_, k) => (list.length - 1 - k) % step === 0);
}
