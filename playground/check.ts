// Cross-validation, when it is asked for: five more models, each scored on a fifth of the rows that it has not seen, and what the directions cost. In:
// the rows and options that the model was trained with; out: a section with a button, and what ends the work.

import { crossValidate, type FeatureOption, type FitOptions } from "../js/index.js";
import { table } from "../js/report/parts.js";
import { scoreRows } from "../js/report/scores.js";
import { html, type Markup, percent, rSquared, short } from "../js/report/text.js";
import type { Rows } from "./columns.js";
import { busyWith, el, messageOf, nodesOf, tell } from "./dom.js";

export function checkSection(rows: Rows, options: FitOptions): { section: HTMLElement; stop: () => void } {
  let running: AbortController | undefined;
  const start = el("button", { type: "button", id: "cross-validate" }, "Cross-validate");
  const cancel = el("button", { type: "button", hidden: true }, "Cancel");
  const progress = el("progress", { max: 1, value: 0, hidden: true });
  progress.setAttribute("aria-label", "Cross-validation");
  const said = el("p", { id: "checked" });
  said.setAttribute("role", "status");
  const trouble = el("p", { className: "trouble", hidden: true });
  trouble.setAttribute("role", "alert");
  const found = el("div");

  const busy = busyWith(start, cancel, progress);

  async function run(): Promise<void> {
    const controller = new AbortController();
    running = controller;
    found.replaceChildren();
    tell(trouble);
    said.textContent = "Cross-validating …";
    busy(true);
    const began = performance.now();
    try {
      const result = await crossValidate(rows, {
        ...options,
        signal: controller.signal,
        onProgress({ epoch, epochs }) {
          progress.value = epoch / epochs;
        },
      });
      found.replaceChildren(nodesOf(resultOf(result)));
      said.textContent = `Done in ${short((performance.now() - began) / 1000, 2)} s.`;
    } catch (error) {
      said.textContent = controller.signal.aborted ? "Cancelled: nothing was kept." : "";
      if (!controller.signal.aborted) tell(trouble, messageOf(error));
    } finally {
      running = undefined;
      busy(false);
    }
  }
  start.addEventListener("click", () => void run());
  cancel.addEventListener("click", () => running?.abort());

  const free = [...(options.features as Map<string, FeatureOption>).values()].every(isFree);
  const section = el(
    "section",
    { id: "check" },
    el("p", { className: "eyebrow" }, "Cross-validate"),
    el("h2", { id: "check-title" }, "More models, each judged on rows that it has not seen"),
    el(
      "p",
      {},
      `The rows are split into five parts, and each is predicted by a model of the other four${free ? "" : ", and by one that may go either way in every column: what the directions cost, or gain"}. That takes some ${free ? "five" : "ten"} times as long as the training did.`,
    ),
    el("p", { className: "run" }, start, cancel, progress),
    said,
    trouble,
    found,
  );
  section.setAttribute("aria-labelledby", "check-title");
  return { section, stop: () => running?.abort() };
}

const isFree = (option: FeatureOption) =>
  typeof option === "object" ? option.categories !== undefined || option.constraint === "free" : option === "free";

function resultOf(result: Awaited<ReturnType<typeof crossValidate>>): Markup {
  const { head, rows } = scoreRows(result, percent, rSquared);
  return html`${result.statements.map((text) => html`<p>${text}</p>`)}${result.coverage.map(
    ({ coverage, held, width }) =>
      html`<p>Of left-out rows, ${percent(held)} lie in their ${percent(coverage)} interval, ${short(width)} wide on average.</p>`,
  )}
${table({ caption: "Scores on left-out rows", head: head.map((name) => name.replace("R2", "R²")), rows, main: 0 })}`;
}
