// What was learned, with the sections and charts of the report. In: a model and the rows it was trained on; out: a study, and sections in the page,
// whose charts are drawn one by one so that the page stays alive.

import type { Model } from "../js/index.js";
import { encodeRows, gatherer } from "../js/report/gather.js";
import { type Draw, pensOf, rich, section } from "../js/report/parts.js";
import { certificateSection } from "../js/report/sections/certificate.js";
import { driversSection } from "../js/report/sections/drivers.js";
import { eachSection } from "../js/report/sections/each.js";
import { qualitySection } from "../js/report/sections/quality.js";
import { trainingSection } from "../js/report/sections/training.js";
import { type Study, type StudyOptions, studySteps } from "../js/report/study.js";
import { html, plural } from "../js/report/text.js";
import * as say from "../js/report/words.js";
import type { Training } from "./columns.js";
import { by, nodesOf } from "./dom.js";
import { paced } from "./turns.js";

/** A trained model and what is known of its rows. */
export interface Result {
  model: Model;
  study: Study;
  /** [rows][features], encoded: a category is its index, a missing value NaN. */
  encoded: Float32Array;
  actual: Float64Array;
  /** From 1: the row in the middle. */
  middle: number;
}

/** Rows that are predicted at once. */
const BATCH = 2000;

/** Judges the model on its rows; `pause` lets the event loop run, and rejects when the user cancels. */
export async function studyOf(
  model: Model,
  { rows, target, weight }: Training,
  asked: StudyOptions,
  pause: () => Promise<void>,
): Promise<Result> {
  const encoded = encodeRows(rows, model.features);
  const actual = rows[target] as Float64Array;
  const weights = weight === undefined ? undefined : (rows[weight] as Float64Array);
  const width = model.features.length;
  // 40,000 derivatives are summed up in 0.3 s, which is one step
  const all = gatherer(model, { most: Math.max(500, Math.min(2000, Math.round(40_000 / width))) });
  for (let from = 0; from < actual.length; from += BATCH) {
    const of = (values: Float64Array) => values.subarray(from, from + BATCH);
    all.add(encoded.subarray(from * width, (from + BATCH) * width), of(actual), weights && of(weights));
    await pause();
  }
  const gathered = all.done();
  const steps = studySteps(model, gathered, { ...asked, weight });
  for (;;) {
    const step = steps.next();
    if (step.done) return { model, study: step.value, encoded, actual, middle: gathered.median.number };
    await pause();
  }
}

const NAV = [
  ["quality", "How good it is"],
  ["drivers", "What drives it"],
  ["try", "Try a row"],
  ["check", "Cross-validate"],
  ["take", "Take it along"],
  ["each", "Each driver"],
  ["certificate", "Certificate"],
  ["training", "Training"],
];

/** Puts the sections into the page; `own` are the sections of the page itself, by the id of the one they follow. Resolves when all is drawn; `pause` as above. */
export async function showResult({ study }: Result, own: readonly Node[], pause: () => Promise<void>): Promise<void> {
  const drawings: { draw: Draw; width: number }[] = [];
  const { panel, both } = pensOf((draw, width) => {
    drawings.push({ draw, width });
    return html`<span data-chart="${drawings.length - 1}"></span>`;
  });
  const { warnings } = study.training;
  const head = section(
    "result",
    "4. What was learned",
    say.mainFinding(study),
    html`<p class="lede">${rich(say.mainDetail(study))}</p>`,
    warnings.length > 0 &&
      html`<div class="trouble"><strong>${plural(warnings.length, "warning")}</strong><ul class="plain">${warnings.map((text) => html`<li>${text}</li>`)}</ul></div>`,
    html`<nav aria-label="Results"><ul>${NAV.map(([id, text]) => html`<li><a href="#${id}">${text}</a></li>`)}</ul></nav>`,
  );
  const place = by("results");
  place.replaceChildren(
    nodesOf(html`${head}${qualitySection(study, panel)}${driversSection(study, both)}`),
    ...own,
    nodesOf(html`${eachSection(study, panel)}${certificateSection(study)}${trainingSection(study, panel)}`),
  );
  // the table of sensitivities is looked for; a model without numbers has none
  const table = place.querySelector<HTMLDetailsElement>("#drivers .split + .split details");
  if (table) table.open = true;
  table?.querySelector(".scroll")?.classList.add("tall");
  place.hidden = false;
  const now = paced(pause);
  for (const spot of Array.from(place.querySelectorAll<HTMLElement>("[data-chart]"))) {
    const { draw, width } = drawings[Number(spot.dataset.chart)];
    spot.replaceWith(draw({ width }));
    await now();
  }
}
