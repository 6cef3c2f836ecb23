// The form of the columns: the target, and a row of the table for each column. In: described columns; the choices are written into them.

import { shownName } from "../js/report/labels.js";
import { count, plural } from "../js/report/text.js";
import type { Column, Role } from "./columns.js";
import { by, el } from "./dom.js";

const ROLES: [Role, string][] = [
  ["increasing", "↑ increasing (never falls)"],
  ["decreasing", "↓ decreasing (never rises)"],
  ["free", "free (either way)"],
  ["category", "category (words)"],
  ["left out", "left out"],
];

const target = by<HTMLSelectElement>("target");

/** The chosen target's name; undefined: none yet. */
export function chosenTarget(columns: readonly Column[]): string | undefined {
  return target.value === "" ? undefined : columns[Number(target.value)].name;
}

/** Draws the form. `proposed`: a target that is chosen already. */
export function showColumns(columns: readonly Column[], proposed: string | undefined): void {
  target.replaceChildren(
    el("option", { value: "" }, "choose a column"),
    ...columns.map(({ name }, c) =>
      el("option", { value: String(c), selected: name === proposed }, shownName(name, 60)),
    ),
  );
  const rows = columns.map(rowOf);
  by("roles").replaceChildren(...rows.map(({ row }) => row));
  const show = () => {
    for (let c = 0; c < rows.length; c++) rows[c].show(String(c) === target.value);
    const used = columns.filter(({ role }, c) => role !== "left out" && String(c) !== target.value);
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
function rowOf(column: Column, c: number): { row: HTMLElement; show: (isTarget: boolean) => void } {
  const head = el("th", { scope: "row", id: `column-${c}` }, el("bdi", {}, shownName(column.name, 60)));
  const role = el("select", {}, ...ROLES.map(([value, text]) => el("option", { value }, text)));
  role.setAttribute("aria-labelledby", `column-${c}`);
  role.addEventListener("change", () => {
    column.role = role.value as Role;
  });
  const choice = el("td", {}, role);
  const holds = el("td", {}, column.holds);
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
    show(isTarget) {
      role.value = column.role;
      choice.replaceChildren(isTarget ? el("strong", {}, "is the target") : role);
      const learned = column.role === "free" || column.role === "category";
      note.textContent =
        isTarget || !column.missing || column.role === "left out"
          ? ""
          : learned
            ? "; their own effect is learned"
            : "; the median stands in";
    },
  };
}
