// The form of the columns: the target, the case weight, and a row of the table for each column. In: described columns; the choices are written into them.

import { shownName } from "../js/report/labels.js";
import { count, plural } from "../js/report/text.js";
import type { Chosen, Column, Role } from "./columns.js";
import { by, el } from "./dom.js";

const ROLES: [Role, string][] = [
  ["increasing", "↑ increasing (never falls)"],
  ["decreasing", "↓ decreasing (never rises)"],
  ["free", "free (either way)"],
  ["category", "category (words)"],
  ["left out", "left out"],
];

const target = by<HTMLSelectElement>("target");
const weight = by<HTMLSelectElement>("weight");

const nameIn = (select: HTMLSelectElement, columns: readonly Column[]): string | undefined =>
  select.value === "" ? undefined : columns[Number(select.value)].name;

/** What is chosen; undefined: no target yet, no weight. */
export const chosen = (columns: readonly Column[]): Partial<Chosen> => ({
  target: nameIn(target, columns),
  weight: nameIn(weight, columns),
});

/** Draws the form, with what is chosen already. */
export function showColumns(columns: readonly Column[], before: Partial<Chosen>): void {
  const offer = (select: HTMLSelectElement, none: string, name: string | undefined) =>
    select.replaceChildren(
      el("option", { value: "" }, none),
      ...columns.map((column, c) =>
        el("option", { value: String(c), selected: column.name === name }, shownName(column.name, 60)),
      ),
    );
  offer(target, "choose a column", before.target);
  offer(weight, "all rows count alike", before.weight);
  const rows = columns.map(rowOf);
  by("roles").replaceChildren(...rows.map(({ row }) => row));
  const show = () => {
    const taken = (c: number) =>
      String(c) === target.value ? "target" : String(c) === weight.value ? "case weight" : "";
    for (let c = 0; c < rows.length; c++) rows[c].show(taken(c));
    const outcome = columns[Number(target.value)];
    by("outcome").textContent =
      target.value !== "" && outcome.outcome
        ? `${shownName(outcome.name, 40)} is 0 or 1: its probability is learned with “the probability of 1 (logistic)”, among the options of training.`
        : "";
    const used = columns.filter(({ role }, c) => role !== "left out" && taken(c) === "");
    const free = used.filter(({ role }) => role === "free").length;
    by("count").textContent =
      `${plural(used.length, "column")} to predict from${free > 0 ? `, ${count(free)} of them free` : ""}, of ${count(columns.length)}`;
  };
  by("columns").onchange = show;
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-all]")) {
    button.onclick = () => {
      for (const column of columns)
        if (column.numeric && column.role !== "left out") column.role = button.dataset.all as Role;
      by("columns").dispatchEvent(new Event("change"));
    };
  }
  show();
}

/** One column's row, and what shows its choices. */
function rowOf(column: Column, c: number): { row: HTMLElement; show: (taken: string) => void } {
  const head = el("th", { scope: "row", id: `column-${c}` }, el("bdi", {}, shownName(column.name, 60)));
  const role = el("select", {}, ...ROLES.map(([value, text]) => el("option", { value }, text)));
  role.setAttribute("aria-labelledby", `column-${c}`);
  role.addEventListener("change", () => {
    column.role = role.value as Role;
  });
  const choice = el("td", {}, role);
  const holds = el("td", {}, column.holds);
  const { suspect } = column;
  if (suspect !== undefined) {
    const missing = el("button", { type: "button", className: "means" }, `“${shownName(suspect, 24)}” means missing`);
    missing.addEventListener("click", () => {
      const words = by<HTMLInputElement>("na");
      words.value += `${words.value.trim() === "" ? "" : ", "}${suspect}`;
      // the button goes with the table that is drawn anew
      missing.closest<HTMLElement>(".scroll")?.focus({ preventScroll: true });
      words.dispatchEvent(new Event("change"));
    });
    holds.append(" ", missing);
  }
  const note = el("span", { className: "note" });
  if (column.empty > 0) {
    const allowed = el("input", { type: "checkbox", checked: column.missing });
    allowed.addEventListener("change", () => {
      column.missing = allowed.checked;
    });
    holds.append(el("div", {}, el("label", {}, allowed, ` ${plural(column.empty, "empty cell")}: allowed`), note));
  }
  return {
    row: el("tr", {}, head, holds, choice),
    show(taken) {
      role.value = column.role;
      choice.replaceChildren(taken === "" ? role : el("strong", {}, `is the ${taken}`));
      const learned = column.role === "free" || column.role === "category";
      note.textContent =
        taken !== "" || !column.missing || column.role === "left out"
          ? ""
          : learned
            ? "; their own effect is learned"
            : "; the median stands in";
    },
  };
}
