// Text for people. In: numbers and names as the data have them; out: short numbers, and HTML that cannot be broken out of.

/** A piece of HTML that is safe to put into a page as it is. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as it may stand in HTML, between tags and in quoted attributes. Control characters become visible, direction marks are isolated. */
export function escapeHtml(text: string): string {
  return visible(text).replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

/** Control characters and marks that reorder text, as pictures or code points: a name cannot hide or turn round what stands beside it. */
export function visible(text: string): string {
  return text
    .replace(/[\n\r\t]/g, " ")
    .replace(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu, (c) => {
      return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
    })
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

type Part = string | number | Markup | undefined | null | false | readonly Part[];

function partText(part: Part): string {
  if (part === undefined || part === null || part === false) return "";
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map(partText).join("");
  return escapeHtml(String(part));
}

/** HTML from a template: every value is escaped unless it is Markup already; lists are joined; undefined, null and false are nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  let text = strings[0];
  for (let i = 0; i < parts.length; i++) text += partText(parts[i]) + strings[i + 1];
  return new Markup(text);
}

/** JSON that may stand inside a script element: no "<" that could end it, no line separators. */
export function jsonForScript(value: unknown): Markup {
  const text = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new Markup(text);
}

/** A number to three significant digits, whole from 1,000 on, with a true minus sign. */
export function short(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  let text: string;
  if (size >= 1e9 || size < 1e-4) text = value.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
  else if (size >= 1000) text = grouped(Math.round(value));
  else text = String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

/** A whole number with thousands separators. */
export function count(value: number): string {
  return grouped(value).replace("-", "−");
}

function grouped(value: number): string {
  return String(value).replace(/(\d)(?=(\d{3})+$)/g, "$1,");
}

/** A number with its sign: +1.2, −3. */
export function signed(value: number): string {
  return value > 0 ? `+${short(value)}` : short(value);
}

/** A share as a percentage; neither 0 % nor 100 % unless it is exactly that. */
export function percent(share: number): string {
  const value = 100 * share;
  if (share > 0 && value < 0.1) return "under 0.1 %";
  if (share < 1 && value > 99.9) return "over 99.9 %";
  return `${Number(value.toFixed(value < 10 || value > 90 ? 1 : 0))} %`;
}

/** A number beside an axis: as few characters as tell it from its neighbours. */
export function tick(value: number): string {
  const size = Math.abs(value);
  const by = (unit: number, letter: string) => `${Number((value / unit).toPrecision(4))}${letter}`;
  const text =
    size >= 1e15 || (size < 1e-4 && size > 0)
      ? Number(value.toPrecision(3)).toExponential().replace("e+", "e")
      : size >= 1e12
        ? by(1e12, "T")
        : size >= 1e9
          ? by(1e9, "G")
          : size >= 1e6
            ? by(1e6, "M")
            : size >= 1e4
              ? by(1e3, "k")
              : String(Number(value.toPrecision(6)));
  return text.replace(/-/g, "−");
}

/** A name cut to a number of characters. */
export function clip(name: string, most: number): string {
  const letters = [...visible(name)];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : letters.join("");
}

/** "a", "a and b", "a, b and c". */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

/** 1 row, 2 rows. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
