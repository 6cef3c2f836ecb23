// One row to play with. In: a result; out: a section with a field for each feature, the prediction with its interval, and for each feature what it
// adds and what one more unit would do. Numbers come from the model as `predict`, `explain` and `sensitivity` give them.

import { waterfallChart } from "../js/report/charts/rows.js";
import { encodeRows } from "../js/report/gather.js";
import { shownName } from "../js/report/labels.js";
import { rich } from "../js/report/parts.js";
import { explainedTable } from "../js/report/sections/rows.js";
import { explainRow } from "../js/report/study/explained.js";
import { aligned, count, html, percent, short } from "../js/report/text.js";
import * as say from "../js/report/words.js";
import { el, messageOf, nodesOf, tell } from "./dom.js";
import type { Result } from "./results.js";

/** Share of rows like these that the interval shall hold. */
const COVERAGE = 0.9;

/** A float32 as the shortest number that reads back to it. */
export function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(9)));
}

type Field = HTMLInputElement | HTMLSelectElement;

/** The section; it follows what is typed. */
export function rowEditor({ model, study, encoded, actual, middle }: Result): HTMLElement {
  const { features } = model;
  const width = features.length;
  const unit = study.unit ? ` ${study.unit}` : "";

  // fields and the cells beside them
  const fields = features.map((feature, f): Field => {
    const field =
      feature.kind === "category"
        ? el(
            "select",
            {},
            ...(feature.missing === "error" ? [] : [el("option", { value: "" }, "(missing)")]),
            ...(feature.categories ?? []).map((word, c) => el("option", { value: String(c) }, shownName(word, 40))),
          )
        : el("input", { type: "number", step: "any", autocomplete: "off" });
    field.setAttribute("aria-labelledby", `feature-${f}`);
    field.dataset.feature = String(f);
    return field;
  });
  const adds = features.map(() => el("td", { className: "n" }));
  const slopes = features.map(() => el("td", { className: "n" }));
  const beyond = features.map(() => el("span", { className: "note" }));

  // what the model says
  const prediction = el("data", { id: "prediction" });
  const interval = el("p", { id: "interval" });
  const where = el("p", { className: "note" });
  const trouble = el("p", { className: "trouble", hidden: true });
  trouble.setAttribute("role", "alert");
  const chart = el("div", { className: "chart" });
  const behind = el("div");
  const finding = el("p");

  /** The row in the fields, as the model takes it. */
  function read(): Float32Array {
    const row = features.map(({ name, kind, categories }, f): [string, number | string | null] => {
      const { value } = fields[f];
      if (value.trim() === "") return [name, null];
      return [name, kind === "category" ? (categories as string[])[Number(value)] : Number(value)];
    });
    return encodeRows([Object.fromEntries(row)], features);
  }

  function intervalOf(values: Float32Array): string {
    const between = (share: number, low: number, high: number) =>
      `${percent(share)} of rows like this lie between ${short(low, 4)} and ${short(high, 4)}${unit}.`;
    const { levels } = study.loss;
    if (levels)
      return between(
        levels[levels.length - 1] - levels[0],
        model.quantile(values, levels[0]),
        model.quantile(values, levels[levels.length - 1]),
      );
    try {
      return between(COVERAGE, ...model.predictInterval(values, COVERAGE));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return `No interval: ${messageOf(error)}`;
    }
  }

  function show(): void {
    try {
      const values = read();
      tell(trouble);
      const value = model.predict(values);
      prediction.value = shortest(value);
      prediction.textContent = `${shortest(value)}${unit}`;
      interval.textContent = intervalOf(values);
      const { contributions } = model.explainMany(values);
      const derivatives = model.sensitivityMany(values);
      const known = aligned(Array.from(contributions));
      features.forEach(({ kind, range }, f) => {
        adds[f].textContent = contributions[f] === 0 ? "0" : contributions[f] > 0 ? `+${known[f]}` : known[f];
        slopes[f].textContent = kind === "category" ? "–" : short(derivatives[f]);
        const outside =
          kind === "number" &&
          range !== undefined &&
          (values[f] < Math.fround(range[0]) || values[f] > Math.fround(range[1]));
        beyond[f].textContent = outside ? `seen: ${short(range[0], 5)} to ${short(range[1], 5)}` : "";
      });
      const number = Number(start.value);
      const same = values.every((v, f) => Object.is(v, encoded[(number - 1) * width + f]));
      where.textContent = same
        ? `Row ${count(number)} of the file as it is. Actual: ${short(actual[number - 1], 5)}${unit}.`
        : `Row ${count(number)} of the file, changed.`;
      const explained = explainRow(model, "", {
        number,
        values,
        prediction: value,
        ...(same && { actual: actual[number - 1] }),
      });
      const parts = explained.parts.filter(({ contribution }) => contribution !== 0);
      finding.replaceChildren(
        nodesOf(
          html`${rich(`The median row of training is predicted as ${say.amount(study, explained.baseline)}; this row as ${say.amount(study, explained.prediction)}${parts.length > 0 ? `, above all by ${say.named(parts[0].name)} (${say.signedAmount(study, parts[0].contribution)})` : ""}.`)}`,
        ),
      );
      chart.replaceChildren(
        waterfallChart(explained, `Waterfall. ${say.plain(say.explainedFinding(study, explained))}.`, { width: 400 }),
      );
      const open = behind.querySelector("details")?.open ?? false;
      behind.replaceChildren(nodesOf(explainedTable(study, explained)));
      (behind.firstElementChild as HTMLDetailsElement).open = open;
    } catch (error) {
      tell(trouble, messageOf(error));
      prediction.value = "";
      prediction.textContent = "–";
      interval.textContent = "";
    }
  }

  /** Fills the fields from a row of the file. */
  function load(number: number): void {
    fields.forEach((field, f) => {
      const v = encoded[(number - 1) * width + f];
      field.value = Number.isNaN(v) ? "" : features[f].kind === "category" ? String(v) : shortest(v);
    });
    show();
  }

  const total = actual.length;
  const start = el("input", {
    type: "number",
    id: "start",
    min: "1",
    max: String(total),
    step: "1",
    value: String(middle),
  });
  start.addEventListener("input", () => {
    if (start.value !== "" && start.checkValidity()) load(Number(start.value));
  });
  const body = el(
    "tbody",
    {},
    ...features.map(({ name, constraint, kind }, f) => {
      const arrow = kind === "category" ? "" : { increasing: " ↑", decreasing: " ↓", free: "" }[constraint];
      return el(
        "tr",
        {},
        el("th", { scope: "row", id: `feature-${f}` }, el("bdi", {}, shownName(name, 60)), arrow),
        el("td", {}, fields[f], beyond[f]),
        adds[f],
        slopes[f],
      );
    }),
  );
  body.addEventListener("input", show);
  const targetUnit = study.link === "logistic" ? "probability" : study.unit || shownName(study.target, 24);
  const table = el(
    "table",
    {},
    el("caption", {}, `Contributions and partial derivatives, ${targetUnit}`),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        ...["", "value", "adds", "one more unit"].map((text, c) =>
          el("th", { scope: "col", className: c > 1 ? "n" : "" }, text),
        ),
      ),
    ),
    body,
  );
  const scroll = el("div", { className: "scroll tall", tabIndex: 0 }, table);
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", "The row");
  const answer = el(
    "div",
    { className: "answer" },
    el("p", { className: "eyebrow" }, el("bdi", {}, shownName(study.target, 60))),
    el("p", { className: "big" }, prediction),
    interval,
    where,
  );
  answer.setAttribute("aria-live", "polite");
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
    el("div", { className: "editor" }, answer, scroll, el("figure", {}, el("figcaption", {}, finding), chart, behind)),
  );
  editor.setAttribute("aria-labelledby", "try-title");
  load(middle);
  return editor;
}
