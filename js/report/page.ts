// The page: one HTML file with its style and its charts inside, no script, nothing fetched. In: a study and a document to draw with; out: text.

import { VERSION } from "../version.js";
import { shownName } from "./labels.js";
import { pensOf, rich } from "./parts.js";
import { certificateSection } from "./sections/certificate.js";
import { driversSection } from "./sections/drivers.js";
import { eachSection } from "./sections/each.js";
import { qualitySection } from "./sections/quality.js";
import { rowsSection } from "./sections/rows.js";
import { trainingSection } from "./sections/training.js";
import { usageSection } from "./sections/use.js";
import type { Study } from "./study.js";
import { STYLE } from "./style.js";
import { count, html, Markup, rSquared, short } from "./text.js";
import * as say from "./words.js";

/** Attributes whose numbers need no more than a tenth of a pixel. */
const COORDINATES = /\b(d|x|y|x1|x2|y1|y2|cx|cy|width|height|transform)="([^"]*)"/g;

function svgText(chart: SVGSVGElement): Markup {
  const text = chart.outerHTML.replace(
    COORDINATES,
    (_, name: string, value: string) =>
      `${name}="${value.replace(/\d+\.\d{2,}(?:e-?\d+)?/g, (v) => String(Math.round(10 * Number(v)) / 10))}"`,
  );
  return new Markup(text);
}

/** Draws one page. */
export function makePage(study: Study, document?: Document): string {
  const { panel, both } = pensOf((draw, width) => svgText(draw({ ...(document && { document }), width })));
  const sections = [
    qualitySection(study, panel),
    driversSection(study, both),
    eachSection(study, panel),
    rowsSection(study, panel),
    certificateSection(study),
    trainingSection(study, panel),
    usageSection(study),
  ];
  const target = shownName(study.target, 60);
  const nav = [
    ["quality", "How good it is"],
    ["drivers", "What drives it"],
    ["each", "Each driver"],
    ["rows", "Rows explained"],
    ["certificate", "Certificate"],
    ["training", "Training"],
    ["use", "Use it"],
  ];
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="isotone ${VERSION}">
<title>What drives ${target}: ${shownName(study.file, 60)}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<a class="skip" href="#quality">Skip to the findings</a>
<header class="top">
<p class="eyebrow">What drives ${target}</p>
<h1>${rich(say.mainFinding(study))}</h1>
<p class="lede">${rich(say.mainDetail(study))}</p>
${factsOf(study)}
<nav aria-label="Sections"><ul>${nav.map(([id, text]) => html`<li><a href="#${id}">${text}</a></li>`)}</ul></nav>
</header>
<main>
${sections}
</main>
<footer>
<p>Made by isotone ${VERSION} from ${shownName(study.modelFile, 60)} and ${shownName(study.file, 60)}. The page is one file: it fetches nothing and runs nothing.</p>
<p>A partial derivative says what the model expects of one more unit with everything else fixed. It is not a causal effect. Where columns move together, no data can tell their shares apart: a constrained sign is certain, a size is an estimate.</p>
</footer>
</body>
</html>
`.text;
}

function factsOf(study: Study): Markup {
  const { heldOut } = study.training;
  const scores = heldOut?.model ?? study.quality?.scores;
  const where = heldOut ? "on rows left out in training" : "on the rows of this file";
  const facts: [Markup | string, string][] = [];
  if (scores) {
    facts.push([rSquared(scores.r2), `R², share of the variance that is predicted, ${where}`]);
    facts.push([quantity(study, scores.mae), `mean absolute error, ${where}`]);
  } else {
    facts.push([count(study.features.length), study.features.length === 1 ? "feature" : "features"]);
    facts.push([count(study.size.planes), "hyperplanes"]);
  }
  facts.push([
    count(study.rows.total),
    `${study.rows.total === 1 ? "row" : "rows"} in this file; the model learned from ${count(study.training.rows)}`,
  ]);
  facts.push(
    study.signs.checked > 0
      ? [
          count(study.signs.wrong),
          `of ${count(study.signs.checked)} constrained partial derivatives with the wrong sign`,
        ]
      : ["–", "no feature has a constraint"],
  );
  return html`<dl class="facts">${facts.map(([value, text]) => html`<div><dt>${text}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function quantity(study: Study, value: number): Markup {
  return html`${short(value)}${study.unit && html` <small>${shownName(study.unit, 12)}</small>`}`;
}
