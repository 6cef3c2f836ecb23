// Pieces of the page that its sections share: tables, figures, sentences with names in them. In: text, cells and charts; out: HTML.

import type { Canvas } from "./drawing.js";
import { shownName } from "./labels.js";
import { aligned, html, Markup } from "./text.js";
import * as say from "./words.js";

/** Widths of charts, pixels: beside a column of text, on a phone, and one of several side by side. */
const LARGE = 700;
const SMALL = 346;
const PANEL = 340;

export type Draw = (canvas: Canvas) => SVGSVGElement;

/** What puts a chart into a section. */
export type Pen = (draw: Draw) => Markup;

/**
 * Pens from what puts one chart of a width in its place. `panel`: one of several side by side; `both`: the same chart for a wide and a narrow
 * screen, of which only one is shown, also to screen readers.
 */
export function pensOf(put: (draw: Draw, width: number) => Markup): { panel: Pen; both: Pen } {
  return {
    panel: (draw) => put(draw, PANEL),
    both: (draw) => html`<div class="large">${put(draw, LARGE)}</div><div class="small">${put(draw, SMALL)}</div>`,
  };
}

/** A sentence with its names as elements of their own, isolated from the direction of the text around them. */
export function rich(text: string): Markup[] {
  return text
    .split(/(\u2068[^\u2069]*\u2069)/)
    .map((part) => (part.startsWith("\u2068") ? html`<bdi class="name">${say.plain(part)}</bdi>` : html`${part}`));
}

/** Text in which the ends of lines count. */
export const lined = (text: string) =>
  new Markup(
    text
      .split("\n")
      .map((line) => html`${line}`.text)
      .join("\n"),
  );

export type Cell = string | number;

/** Text of a table's cell that is read as a number. */
const NUMERIC = /^(under |over |> )?[+−±]?\s?[\d,.]+(×10[⁻⁰¹²³⁴-⁹]+)?( %)?$/;

interface Table {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** Index of the row that counts most. */
  main?: number;
  /** Rows that begin a group: its name over all columns. */
  groups?: Readonly<Record<number, string>>;
}

/** A table that opens under its chart. */
export function details(caption: string, head: readonly string[], rows: Table["rows"]): Markup {
  return html`<details><summary>Table: ${caption}</summary>${table({ caption, head, rows })}</details>`;
}

/** Numbers stand to the right, with as many decimals as their column needs; the first cell of a row is its header. */
export function table({ caption, head, rows, main, groups }: Table): Markup {
  const columns = head.map((_, c) => {
    const cells = rows.map((row) => row[c] ?? "");
    const numbers = aligned(cells.filter((cell) => typeof cell === "number"));
    let next = 0;
    const texts = cells.map((cell) => (typeof cell === "number" ? numbers[next++] : cell));
    const shown = texts.filter((text) => text !== "" && text !== "–");
    return { texts, right: c > 0 && shown.length > 0 && shown.every((text) => NUMERIC.test(text)) };
  });
  const side = (c: number) => columns[c].right && html` class="n"`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head.map((name, c) => html`<th scope="col"${side(c)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (_, r) =>
      html`${groups?.[r] !== undefined && html`<tr class="group"><th scope="rowgroup" colspan="${head.length}">${groups[r]}</th></tr>`}
<tr${r === main && html` class="main"`}>${columns.map(({ texts }, c) =>
        c === 0 ? html`<th scope="row">${texts[r]}</th>` : html`<td${side(c)}>${texts[r]}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

interface Figure {
  title?: string;
  text?: string;
  charts: Markup;
  /** What colours and lines mean. */
  key?: Markup | false;
  table: Markup;
}

export function figure({ title, text, charts, key, table }: Figure): Markup {
  const head = title !== undefined && html`<h3>${rich(title)}</h3>`;
  return html`<figure><figcaption>${head}${text !== undefined && html`<p>${rich(text)}</p>`}</figcaption>
<div>${charts}${key}</div>
${table}</figure>
`;
}

export const name = (text: string) => shownName(text, 120);

export function section(
  id: string,
  eyebrow: string,
  title: string,
  ...body: (Markup | string | undefined | false)[]
): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<p class="eyebrow">${eyebrow}</p>
<h2 id="${id}-title">${rich(title)}</h2>
${body}
</section>
`;
}

export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
