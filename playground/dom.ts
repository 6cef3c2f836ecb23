// The page's elements. In: names of elements, texts and children; out: nodes. Text from data becomes text nodes and attributes, never HTML; the one
// place that takes HTML takes what js/report has escaped (Markup).

import type { Markup } from "../js/report/text.js";

type Child = Node | string | undefined | false;

/** An element with properties and children; strings become text. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element: HTMLElement = Object.assign(document.createElement(tag), properties);
  for (const child of children) if (child !== undefined && child !== false) element.append(child);
  return element as HTMLElementTagNameMap[K];
}

/** The element of an id that stands in index.html. */
export function by<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** The nodes of escaped HTML. */
export function nodesOf(markup: Markup): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = markup.text;
  return template.content;
}

/** Shows a text in an element made for it, or hides the element. */
export function tell(element: HTMLElement, text = ""): void {
  element.textContent = text;
  element.hidden = text === "";
}

/** What an error says, in a sentence. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** What shows that work goes on, or is over: a button that starts it, one that cancels it, a bar. The focus goes from the one to the other and back. */
export function busyWith(start: HTMLButtonElement, cancel: HTMLButtonElement, progress: HTMLProgressElement) {
  return (on: boolean): void => {
    // the button that had the focus goes
    const left = !on && document.activeElement === cancel;
    start.disabled = on;
    cancel.hidden = !on;
    progress.hidden = !on;
    progress.value = 0;
    if (on) cancel.focus();
    if (left) start.focus();
  };
}
