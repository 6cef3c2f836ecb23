// What the weights prove, and what is promised of each feature. In: a study; out: the section.

import { shownName } from "../labels.js";
import { section, sentence, table } from "../parts.js";
import type { Study } from "../study.js";
import { html, type Markup, short } from "../text.js";
import * as say from "../words.js";

export function certificateSection(study: Study): Markup {
  return section(
    "certificate",
    "Certificate",
    say.certificateFinding(study),
    html`<p class="statement">${sentence(study.certificate.statement)}.</p>`,
    html`<p>The proof needs no rows: rounding to nearest keeps order, so weights of the right sign make predictions that are ordered in float32, bit for bit, everywhere and not only at the rows of this file. ${say.signsNote(study)}</p>`,
    html`<div class="scores">${table({
      caption: "Features and what is promised of them",
      head: ["feature", "kind", "the prediction", "least in training", "greatest", "a missing value"],
      rows: study.features.map(({ name: own, kind, constraint, range, missing }) => [
        shownName(own, 1200),
        kind,
        kind === "category" ? "has no direction" : say.PROMISE[constraint],
        range ? short(range[0]) : "–",
        range ? short(range[1]) : "–",
        missing === "error" ? "is refused" : missing === "median" ? "counts as the median" : "has an effect of its own",
      ]),
    })}</div>`,
  );
}
