// One row to play with. In: a result; out: a section with a field for each feature (rowtable.ts), the prediction with its interval, and where it comes
// from. Numbers come from the model as `predict`, `explain` and `sensitivity` give them.

import type { Model } from "../js/index.js";
import { waterfallChart } from "../js/report/charts/rows.js";
import type { KeptRow } from "../js/report/gather.js";
import { shownName } from "../js/report/labels.js";
import { rich } from "../js/report/parts.js";
import { explainedTable } from "../js/report/sections/rows.js";
import { explainRow } from "../js/report/study/explained.js";
import type { Study } from "../js/report/study.js";
import { count, html, percent, short } from "../js/report/text.js";
import * as say from "../js/report/words.js";
import { el, messageOf, nodesOf, tell } from "./dom.js";
import type { Result } from "./results.js";
import { rowTable, shortest } from "./rowtable.js";

/** Share of rows like these that the interval shall hold; of few training rows the most that they can. */
const COVERAGE = 0.9;

/** The section; it follows what is typed. */
export function rowEditor({ model, study, encoded, actual, middle }: Result): HTMLElement {
  const { features } = model;
  const width = features.length;
  const table = rowTable(features, study);
  const answer = answerOf(model, study);
  const behind = behindOf(model, study);
  const trouble = el("p", { className: "trouble", hidden: true });
  trouble.setAttribute("role", "alert");
  const total = actual.length;
  const start = el("input", {
    type: "number",
    id: "start",
    min: "1",
    max: String(total),
    step: "1",
    value: String(middle),
  });
  const rowOf = (number: number) => encoded.subarray((number - 1) * width, number * width);

  function show(): void {
    try {
      const values = table.read();
      tell(trouble);
      const prediction = model.predict(values);
      const number = Number(start.value);
      const own = rowOf(number);
      const same = values.every((v, f) => Object.is(v, own[f]));
      table.show(values, model.explainMany(values).contributions, model.sensitivityMany(values));
      answer.show(
        values,
        prediction,
        same
          ? `Row ${count(number)} of the file as it is. Actual: ${short(actual[number - 1], 5)}${unitOf(study)}.`
          : `Row ${count(number)} of the file, changed.`,
      );
      behind.show({ number, values, prediction, ...(same && { actual: actual[number - 1] }) });
    } catch (error) {
      tell(trouble, messageOf(error));
      answer.clear();
    }
  }

  /** Fills the fields from a row of the file. */
  function load(number: number): void {
    table.load(rowOf(number));
    show();
  }

  start.addEventListener("input", () => {
    if (start.value !== "" && start.checkValidity()) load(Number(start.value));
  });
  table.element.addEventListener("input", show);
  const scroll = el("div", { className: "scroll tall", tabIndex: 0 }, table.element);
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "The row");
  const editor = el(
    "section",
    { id: "try" },
    el("p", { className: "eyebrow" }, "Try a row"),
    el("h2", { id: "try-title" }, "Change a value and see what the model makes of it"),
    el("p", {}, el("label", { htmlFor: "start" }, "Start from row "), start, ` of ${count(total)}`),
    el(
      "p",
      { className: "note" },
      "“Adds” is what sets the row apart from the median row of training; the parts sum to the difference. “One more unit” is the partial derivative at this row.",
    ),
    trouble,
    el("div", { className: "editor" }, answer.element, scroll, behind.element),
  );
  editor.setAttribute("aria-labelledby", "try-title");
  load(middle);
  return editor;
}

const unitOf = ({ unit }: Study) => (unit ? ` ${unit}` : "");

/** The prediction with all its digits, its interval, and which row it is of. */
function answerOf(model: Model, study: Study) {
  const prediction = el("data", { id: "prediction" });
  const interval = el("p", { id: "interval" });
  const where = el("p", { className: "note" });
  const element = el(
    "div",
    { className: "answer" },
    el("p", { className: "eyebrow" }, el("bdi", {}, shownName(study.target, 60))),
    el("p", { className: "big" }, prediction),
    interval,
    where,
  );
  element.setAttribute("aria-live", "polite");
  const put = (value: string, shown: string, between: string) => {
    prediction.value = value;
    prediction.textContent = shown;
    interval.textContent = between;
  };
  return {
    element,
    clear: () => put("", "–", ""),
    show(values: Float32Array, value: number, text: string) {
      put(shortest(value), `${shortest(value)}${unitOf(study)}`, intervalOf(model, study, values));
      where.textContent = text;
    },
  };
}

function intervalOf(model: Model, study: Study, values: Float32Array): string {
  const between = (share: number, low: number, high: number) =>
    `${percent(share)} of rows like this lie between ${short(low, 4)} and ${short(high, 4)}${unitOf(study)}.`;
  const { levels } = study.loss;
  if (levels) {
    const [low, high] = [levels[0], levels[levels.length - 1]];
    return between(high - low, model.quantile(values, low), model.quantile(values, high));
  }
  const leftOut = model.training.heldOut?.model.rows ?? Number.POSITIVE_INFINITY;
  const share = Math.min(COVERAGE, Math.floor(100 * (1 - 2 / (leftOut + 1))) / 100);
  try {
    return between(share, ...model.predictInterval(values, share));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `No interval: ${messageOf(error)}`;
  }
}

/** Where the prediction comes from: a sentence, a waterfall and its table. */
function behindOf(model: Model, study: Study) {
  const finding = el("p");
  const chart = el("div", { className: "chart" });
  const numbers = el("div");
  return {
    element: el("figure", {}, el("figcaption", {}, finding), chart, numbers),
    show(row: KeptRow) {
      const explained = explainRow(model, "", row);
      const parts = explained.parts.filter(({ contribution }) => contribution !== 0);
      finding.replaceChildren(
        nodesOf(
          html`${rich(`The median row of training is predicted as ${say.amount(study, explained.baseline)}; this row as ${say.amount(study, explained.prediction)}${parts.length > 0 ? `, above all by ${say.named(parts[0].name)} (${say.signedAmount(study, parts[0].contribution)})` : ""}.`)}`,
        ),
      );
      chart.replaceChildren(
        waterfallChart(explained, `Waterfall. ${say.plain(say.explainedFinding(study, explained))}.`, { width: 400 }),
      );
      const open = numbers.querySelector("details")?.open ?? false;
      numbers.replaceChildren(nodesOf(explainedTable(study, explained)));
      (numbers.firstElementChild as HTMLDetailsElement).open = open;
    },
  };
}
