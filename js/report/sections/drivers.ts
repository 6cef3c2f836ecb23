// What drives the predictions: the ranking, the swarms, the table of partial derivatives. In: a study; out: the section.

import type { Constraint } from "../../types.js";
import * as charts from "../charts/drivers.js";
import { shownName } from "../labels.js";
import { details, figure, name, type Pen, rich, section } from "../parts.js";
import type { Driver } from "../study/drivers.js";
import type { Study } from "../study.js";
import { aligned, html, type Markup, percent, plural, short } from "../text.js";
import * as say from "../words.js";

/** Rows in the ranking chart; the table behind it has all. */
const RANKED = 24;

export function driversSection(study: Study, both: Pen): Markup {
  const ranked = study.drivers.slice(0, RANKED);
  const unit = say.unitLabel(study, "effect of the usual variation");
  const more = study.drivers.length - ranked.length;
  const categories = study.features.some(({ kind }) => kind === "category");
  const missing = study.features.some(({ missing, kind }) => missing !== "error" && kind === "number");
  const firsts = ranked.slice(0, 3).map((driver) => `${shownName(driver.name, 30)} ${short(driver.strength)}`);
  const keys: [Constraint, string][] = [
    ["increasing", "↑ never lowers the prediction"],
    ["decreasing", "↓ never raises it"],
    ["free", "no constraint"],
  ];
  const present = keys.filter(([constraint]) => ranked.some((driver) => driver.constraint === constraint));
  return section(
    "drivers",
    "What drives it",
    say.rankingFinding(study),
    html`<div class="split"><div>
<p>The strength of a driver is what its usual variation does to the prediction, in ${rich(say.unitOf(study))}: the partial derivative times the standard deviation of the column, as root mean square over the rows.</p>
${categories && html`<p>A category has no derivative: there it is the spread of the predictions with each category put in, by how often it occurs.</p>`}
<p>Bars around the dots are 95 % bootstrap intervals: what other rows like these would give. They do not include the chance in training.</p>
<p class="note">${say.sampleNote(study)} ${study.weight !== undefined && `Scores, ranking and means count each row by its weight (${shownName(study.weight, 40)}); dots and thin lines show single rows.`}</p>
</div>${figure({
      charts: both((c) =>
        charts.rankingChart(
          ranked,
          unit,
          `Ranking of ${plural(study.drivers.length, "driver")} by strength: ${firsts.join(", ")}.`,
          c,
        ),
      ),
      key: html`<ul class="key">${present.map(([constraint, text]) => html`<li><i class="${constraint}"></i>${text}</li>`)}</ul>${
        more > 0 && html`<p class="note">${plural(more, "weaker driver")} in the table.</p>`
      }`,
      table: details(
        "ranking of all drivers",
        ["driver", "rank", "95 % of ranks", "strength", "95 % from", "to", "constraint"],
        study.drivers.map((driver) => [
          name(driver.name),
          String(driver.rank),
          driver.rankInterval[0] === driver.rankInterval[1]
            ? String(driver.rank)
            : `${driver.rankInterval[0]}–${driver.rankInterval[1]}`,
          driver.strength,
          driver.strengthInterval[0],
          driver.strengthInterval[1],
          driver.constraint,
        ]),
      ),
    })}</div>
<div class="split"><div><h3>How it differs from row to row</h3>
<p>One dot a row (${say.ofThem(study.swarms[0]?.effects.length ?? 0, study.rows.total)}): partial derivative times standard deviation. A wide swarm belongs to a driver that matters in some rows more than in others. ${categories && "Categories: the row's own category instead of an average one."}</p></div>
${figure({
  charts: both((c) =>
    charts.swarmChart(
      study.swarms,
      unit,
      `Distribution of the effect over ${plural(study.swarms[0]?.effects.length ?? 0, "row")} for ${plural(study.swarms.length, "driver")}; the table behind it has quantiles of the partial derivatives.`,
      c,
    ),
  ),
  key: html`<ul class="key"><li>value of the driver: low <i class="ramp"></i> high</li>${
    (categories || missing) &&
    html`<li><i></i>${categories && "category"}${categories && missing && " or "}${missing && "missing value"}</li>`
  }</ul>`,
  table: slopesTable(study),
})}</div>`,
  );
}

function slopesTable(study: Study): Markup {
  const numbers = study.drivers.filter(({ slopes }) => slopes !== undefined);
  if (numbers.length === 0) return html`<p class="note">Categories have no partial derivatives.</p>`;
  return details(
    `partial derivatives, ${study.unit ? shownName(study.unit, 24) : shownName(study.target, 40)} per unit, over ${plural(study.rows.sampled, "row")}`,
    [
      "driver",
      "mean",
      "sd",
      "5 %",
      "median",
      "95 %",
      "least",
      "greatest",
      "below 0",
      "wrong sign",
      "largest driver in",
    ],
    numbers.map(({ name: own, slopes }) => {
      const s = slopes as NonNullable<Driver["slopes"]>;
      const { p5, p50, p95 } = s.quantiles;
      // each row has its own size: a column of them would have too many decimals or too few
      return [
        name(own),
        ...aligned([s.mean, s.sd, p5, p50, p95, s.min, s.max]),
        percent(s.negative),
        percent(s.wrongSign),
        percent(s.largest),
      ];
    }),
  );
}
