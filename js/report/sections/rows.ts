// Single rows explained: a waterfall each, from the median row of training. In: a study; out: the section.

import * as charts from "../charts/rows.js";
import { type Cell, details, figure, name, type Pen, section } from "../parts.js";
import type { Explained } from "../study/explained.js";
import type { Study } from "../study.js";
import { count, html, type Markup } from "../text.js";
import * as say from "../words.js";

export function rowsSection(study: Study, panel: Pen): Markup {
  return section(
    "rows",
    "Rows explained",
    "Where single predictions come from",
    html`<p>From the prediction for the median row of training to that of a row: partial derivatives added up exactly along the straight way between the two, so the bars sum to the difference, and a driver that must increase adds where it is above the median. ${
      study.quality && "The diamond is the actual value."
    }</p>
<div class="panels">${study.explained.map((one) => {
      const finding = say.explainedFinding(study, one);
      const actual = one.actual === undefined ? "" : ` Actual: ${say.amount(study, one.actual)}.`;
      return figure({
        title: one.title,
        text: `${finding}.${actual}`,
        charts: panel((c) => charts.waterfallChart(one, `Waterfall. ${say.plain(finding)}.`, c)),
        table: explainedTable(study, one),
      });
    })}</div>`,
  );
}

/** What a waterfall shows, as a table. */
export function explainedTable(study: Study, one: Explained): Markup {
  const rows: Cell[][] = [
    ["median row", "", one.baseline],
    ...one.parts.map((part): Cell[] => [name(part.name), name(part.value), part.contribution]),
  ];
  if (one.others) rows.push([`${one.others.features} others`, "", one.others.contribution]);
  rows.push(["prediction", "", one.prediction]);
  if (one.actual !== undefined) rows.push(["actual", "", one.actual]);
  return details(`row ${count(one.number)}`, ["", "value", say.unitLabel(study, "contribution")], rows);
}
