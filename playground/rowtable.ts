// The table of the row that is played with. In: features; out: a field for each, which give and take an encoded row, and cells for what each adds and
// what one more unit would do.

import type { Model } from "../js/index.js";
import { encodeRows } from "../js/report/gather.js";
import { shownName } from "../js/report/labels.js";
import type { Study } from "../js/report/study.js";
import { aligned, short } from "../js/report/text.js";
import { el } from "./dom.js";

type Features = Model["features"];
type Field = HTMLInputElement | HTMLSelectElement;

/** A float32 as the shortest number that reads back to it. */
export function shortest(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === value) return text;
  }
  return String(Number(value.toPrecision(9)));
}

/** The table; its fields are empty until a row is loaded. */
export function rowTable(features: Features, study: Study) {
  const fields = features.map(fieldOf);
  const adds = features.map(() => el("td", { className: "n" }));
  const slopes = features.map(() => el("td", { className: "n" }));
  const beyond = features.map(() => el("span", { className: "note" }));
  const body = features.map(({ name, constraint, kind }, f) => {
    const arrow = kind === "category" ? "" : { increasing: " ↑", decreasing: " ↓", free: "" }[constraint];
    const head = el("th", { scope: "row", id: `feature-${f}` }, el("bdi", {}, shownName(name, 60)), arrow);
    return el("tr", {}, head, el("td", {}, fields[f], beyond[f]), adds[f], slopes[f]);
  });
  const heads = ["", "value", "adds", "one more unit"].map((text, c) =>
    el("th", { scope: "col", className: c > 1 ? "n" : "" }, text),
  );
  const unit = study.link === "logistic" ? "probability" : study.unit || shownName(study.target, 24);
  return {
    element: el(
      "table",
      {},
      el("caption", {}, `Contributions and partial derivatives, ${unit}`),
      el("thead", {}, el("tr", {}, ...heads)),
      el("tbody", {}, ...body),
    ),

    /** The row in the fields, as the model takes it. */
    read(): Float32Array {
      const row = features.map(({ name, kind, categories }, f): [string, number | string | null] => {
        const { value } = fields[f];
        if (value.trim() === "") return [name, null];
        return [name, kind === "category" ? (categories as string[])[Number(value)] : Number(value)];
      });
      return encodeRows([Object.fromEntries(row)], features);
    },

    /** Fills the fields. */
    load(values: Float32Array): void {
      fields.forEach((field, f) => {
        const v = values[f];
        field.value = Number.isNaN(v) ? "" : features[f].kind === "category" ? String(v) : shortest(v);
      });
    },

    /** What belongs to the row in the fields. */
    show(values: Float32Array, contributions: Float64Array | Float32Array, derivatives: Float32Array): void {
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
    },
  };
}

/** What is typed into, or chosen from. */
function fieldOf({ kind, missing, categories }: Features[number], f: number): Field {
  const field =
    kind === "category"
      ? el(
          "select",
          {},
          ...(missing === "error" ? [] : [el("option", { value: "" }, "(missing)")]),
          ...(categories ?? []).map((word, c) => el("option", { value: String(c) }, shownName(word, 40))),
        )
      : el("input", { type: "number", step: "any", autocomplete: "off" });
  field.setAttribute("aria-labelledby", `feature-${f}`);
  field.dataset.feature = String(f);
  return field;
}
