// Text in charts, whose width is not known before a browser draws it. In: text and a font size; out: an estimate on the wide side (DejaVu Sans,
// the widest of the usual fonts), names cut to a width, and ticks with labels that differ.

import { clip, tick, visible } from "./text.js";

const NARROW = /[iIjl.,:;'|!()[\]{} ft\-r/\\"]/;
const WIDE = /[mwMW@%—…ŒœÆ&]/;
const CAPITAL = /[A-Z_=+<>~#$?0-9−–↑↓·]/;

/** Width of a text in pixels, at most. */
export function widthOf(text: string, size: number): number {
  let em = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0) as number;
    if (code > 0x2e7f || (code >= 0x2600 && code < 0x2c00) || (code >= 0x1100 && code < 0x1200)) em += 1.3;
    else if (NARROW.test(letter)) em += 0.41;
    else if (WIDE.test(letter)) em += 1;
    else if (CAPITAL.test(letter)) em += 0.72;
    else em += 0.635;
  }
  return em * size;
}

/**
 * A text cut to a width in pixels: an ellipsis stands for what is missing, two thirds on the way, because names often differ at the end.
 */
export function fitted(text: string, width: number, size: number): string {
  const letters = [...visible(text)];
  if (letters.length <= 200 && widthOf(letters.join(""), size) <= width) return letters.join("");
  const cut = (kept: number) => {
    const tail = kept < 9 ? 0 : Math.floor(kept / 3);
    const end = tail > 0 ? letters.slice(-tail).join("").trimStart() : "";
    return `${letters
      .slice(0, kept - tail)
      .join("")
      .trimEnd()}…${end}`;
  };
  let low = 1;
  let high = Math.min(200, letters.length - 1);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(cut(middle), size) <= width) low = middle;
    else high = middle - 1;
  }
  return cut(low);
}

/** A name as people see it: never empty, never longer than `most` characters. */
export function shownName(name: string, most = 48): string {
  if (name === "") return "(no name)";
  return name.trim() === "" ? "(blank)" : clip(name, most);
}

/** About `count` round numbers within [low, high]. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return Number.isFinite(low) ? [low] : [];
  const unit = 10 ** Math.floor(Math.log10(span / Math.max(1, count)));
  const wanted = span / Math.max(1, count);
  const far = (s: number) => Math.abs(Math.log(s / wanted));
  const step = [1, 2, 5, 10].map((m) => m * unit).reduce((a, b) => (far(b) < far(a) ? b : a));
  // steps below 1 have whole reciprocals: dividing by those keeps 0.3 from becoming 0.30000000000000004
  const inverse = Math.round(1 / step);
  const at = (k: number) => (step < 1 && inverse > 0 && Number.isFinite(inverse) ? k / inverse : k * step);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const out: number[] = [];
  // no negative zero
  for (let k = first; k <= last && out.length < 50; k++) out.push(k === 0 ? 0 : at(k));
  return out;
}

/** Labels of ticks, all different where the ticks are. */
export function tickLabels(ticks: readonly number[]): string[] {
  const distinct = new Set(ticks).size;
  for (let digits = 4; digits < 15; digits++) {
    const labels = ticks.map((value) => tick(value, digits));
    if (new Set(labels).size === distinct) return labels;
  }
  return ticks.map((value) => String(value).replace(/-/g, "−"));
}

/** Labels at the ends of lines, moved apart where they would touch. In: places in pixels from the top. */
export function apart(places: readonly number[], gap: number, least: number, most: number): number[] {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const out = [...places];
  for (let k = 0; k < order.length; k++) {
    const above = k > 0 ? out[order[k - 1]] + gap : least;
    out[order[k]] = Math.max(above, Math.min(places[order[k]], most));
  }
  for (let k = order.length - 1; k >= 0; k--) {
    const below = k < order.length - 1 ? out[order[k + 1]] - gap : most;
    out[order[k]] = Math.min(out[order[k]], below);
  }
  return out;
}
