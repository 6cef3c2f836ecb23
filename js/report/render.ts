// A page without a browser: the charts are drawn into a document of linkedom. In: a study; out: the text of an HTML file.

import { parseHTML } from "linkedom";
import { makePage } from "./page.js";
import type { Study } from "./study.js";

/** The report as one self-contained HTML file. */
export function renderReport(study: Study): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  return makePage(study, document as unknown as Document);
}
