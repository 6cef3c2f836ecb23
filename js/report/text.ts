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
    .replace(/\u200d/g, (c, at: number, all: string) => (joins(all, at) ? c : "\\u200d"))
    .replace(/(?!\u200d)[\p{Cc}\p{Cf}\u2028\u2029]/gu, (c) => {
      return `\\u${(c.codePointAt(0) as number).toString(16).padStart(4, "0")}`;
    })
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

/** Whether a zero-width joiner stands where emoji are joined. */
function joins(text: string, at: number): boolean {
  return (
    /(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|\ufe0f)$/u.test(text.slice(0, at)) &&
    /^\p{Extended_Pictographic}/u.test(text.slice(at + 1))
  );
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

/** A number to three significant digits, whole from 1,000 on, with a true minus sign. */
export function short(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size === 0) return "0";
  let text: string;
  if (size >= 1e9 || size < 1e-4) text = powered(value, digits);
  else if (size >= 1000) text = grouped(Math.round(value));
  else if (Number(size.toPrecision(digits)) >= 1000) text = grouped(Math.round(value));
  else text = String(Number(value.toPrecision(digits)));
  return text.replace(/-/g, "−");
}

/** A number as a multiple of a power of ten: 8.78×10⁻⁵. */
function powered(value: number, digits: number): string {
  const [factor, exponent] = value.toExponential(digits - 1).split("e");
  const raised = [...String(Number(exponent))].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("");
  return `${Number(factor)}×10${raised}`;
}

/** A share of variance: three decimals, and not 1 unless it is that. */
export function rSquared(value: number): string {
  const text = value.toFixed(3).replace("-", "−");
  if (text === "−0.000") return "0.000";
  return text === "1.000" && value < 1 ? "> 0.999" : text;
}

/** A value among others that span `span`: to a hundredth of that, or as short as it is. */
export function placed(value: number, span: number): string {
  if (!(span > 0) || !Number.isFinite(span)) return short(value);
  const unit = 10 ** (Math.floor(Math.log10(span)) - 2);
  const rounded = Math.round(value / unit) * unit;
  return Math.abs(rounded) < unit / 2 ? "0" : short(Number(rounded.toPrecision(6)), 6);
}

/** A whole number with thousands separators. */
export function count(value: number): string {
  return grouped(value).replace("-", "−");
}

function grouped(value: number | string): string {
  return String(value).replace(/(\d)(?=(\d{3})+$)/g, "$1,");
}

/** Numbers of one column with the same decimals, so that they line up; each by itself where they are too far apart for that. */
export function aligned(values: readonly number[], digits = 3): string[] {
  const sizes = values.filter((v) => v !== 0 && Number.isFinite(v)).map(Math.abs);
  if (sizes.length === 0) return values.map((v) => short(v));
  const exponent = (v: number) => Math.floor(Math.log10(v));
  const most = exponent(Math.max(...sizes));
  const least = exponent(Math.min(...sizes));
  // three digits of the least number, but no more than four of the greatest
  const decimals = Math.max(0, digits - 1 - most, Math.min(digits - 1 - least, digits - most));
  if (most > 8 || decimals > 8 || decimals < -least) return values.map((v) => short(v, digits));
  return values.map((v) => {
    if (!Number.isFinite(v)) return short(v);
    const [whole, part] = Math.abs(v).toFixed(decimals).split(".");
    const text = part === undefined ? grouped(whole) : `${grouped(whole)}.${part}`;
    return v < 0 && Number(text.replace(/,/g, "")) !== 0 ? `−${text}` : text;
  });
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
export function tick(value: number, digits = 4): string {
  const size = Math.abs(value);
  const by = (unit: number, letter: string) => `${Number((value / unit).toPrecision(digits))}${letter}`;
  const text =
    size >= 1e15 || (size < 1e-4 && size > 0)
      ? powered(value, digits)
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

/** 1 row, 2 rows. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
