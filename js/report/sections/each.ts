// Each driver by itself: its partial derivative against its value, and the curves over its whole range. In: a study; out: the section.

import * as charts from "../charts/each.js";
import { shownName } from "../labels.js";
import { details, figure, name, type Pen, rich, section } from "../parts.js";
import type { Curve } from "../study/curves.js";
import type { Driver } from "../study/drivers.js";
import type { Slopes } from "../study/slopes.js";
import type { Study } from "../study.js";
import { count, html, type Markup, plural, short } from "../text.js";
import * as say from "../words.js";

export function eachSection(study: Study, panel: Pen): Markup {
  const shown = study.drivers.slice(0, study.shown);
  return section(
    "each",
    "Each driver",
    study.shown < study.drivers.length
      ? `One more unit, and the whole range: the ${study.shown} strongest of ${study.drivers.length}`
      : "One more unit, and the whole range",
    html`<p>First the partial derivative at single rows (${say.ofThem(study.swarms[0]?.effects.length ?? 0, study.rows.total)}), against the value there: the line is the median, the band holds nine rows of ten. Then how the prediction changes from the least value on: PDP is the mean over rows with the driver set to each value, thin lines are single rows (ICE). ALE only compares neighbouring values in rows that have them: where columns move together and the two disagree, trust ALE.</p>
<ul class="key lead"><li><i class="line"></i>median or mean (PDP)</li><li><i class="dash"></i>ALE</li><li><i class="thin"></i>single rows (ICE)</li><li>short marks: tenths of the rows</li></ul>`,
    ...shown.map((driver, k) => driverCard(study, driver, study.curves[k], panel)),
  );
}

function driverCard(study: Study, driver: Driver, curve: Curve, panel: Pen): Markup {
  const slopes = study.slopes.find((one) => one.name === driver.name);
  const category = driver.kind === "category";
  return html`<div class="driver"><div><h3><bdi>${shownName(driver.name, 80)}</bdi></h3>
<p class="promise"><span class="tag ${driver.constraint}">${category ? "category" : say.PROMISE[driver.constraint]}</span></p>
<p class="finding">${rich(say.slopeFinding(study, driver))}.</p>
<p class="note">${slopes && say.bendFinding(slopes)} ${rich(say.curveFinding(study, curve))} ${
    slopes && slopes.missing > 0 && `Missing in ${plural(slopes.missing, "row")} of the sample; not shown here.`
  }</p></div>
${
  slopes && slopes.x.length > 0
    ? slopesFigure(study, driver, slopes, panel)
    : html`<p class="none">${category ? "A category has no partial derivative." : "No row has a value here."}</p>`
}
${curveFigure(study, curve, panel)}</div>
`;
}

function slopesFigure(study: Study, driver: Driver, slopes: Slopes, panel: Pen): Markup {
  const units = say.unitsOf(driver);
  const label = `${say.unitLabel(study, "derivative")} ${say.perUnits(driver)}`;
  return figure({
    charts: panel((c) =>
      charts.slopesChart(
        slopes,
        units,
        label,
        `Partial derivative by ${shownName(driver.name, 80)} against its value, ${plural(slopes.x.length, "row")}. ${say.bendFinding(slopes)}`,
        c,
      ),
    ),
    table: details(
      label,
      ["from", "to", "rows", "5 %", "median", "95 %"],
      slopes.bins.map((bin) => [
        short(bin.from),
        short(bin.to),
        count(bin.rows),
        bin.p5 * units,
        bin.median * units,
        bin.p95 * units,
      ]),
    ),
  });
}

function curveFigure(study: Study, curve: Curve, panel: Pen): Markup {
  const shown = shownName(curve.feature, 80);
  const finding = say.plain(say.curveFinding(study, curve));
  if (curve.kind === "category") {
    const hidden = curve.grid.length - charts.CATEGORIES;
    const unit = say.unitLabel(study, "mean prediction");
    return figure({
      charts: panel((c) =>
        charts.categoryChart(curve, unit, `Mean prediction with each category of ${shown} put in. ${finding}`, c),
      ),
      key:
        hidden > 0 && html`<p class="note">${plural(hidden, "rarer category", "rarer categories")} in the table.</p>`,
      table: details(
        unit,
        ["category", "rows in the sample", "mean prediction"],
        curve.grid.map((category, c) => [name(String(category)), count(curve.rows[c]), curve.pdp[c]]),
      ),
    });
  }
  if (curve.grid.length < 2) return html`<p class="none">One value in all of these rows: nothing to draw.</p>`;
  const change = say.unitLabel(study, "change");
  const hasAle = curve.ale.length > 0;
  return figure({
    charts: panel((c) =>
      charts.curveChart(
        curve,
        change,
        `Change of the prediction with ${shown}: partial dependence, accumulated local effects, and ${plural(curve.ice.length, "single row")}. ${finding}`,
        c,
      ),
    ),
    table: details(
      `${change}, by value`,
      hasAle ? ["value", "PDP", "ALE"] : ["value", "PDP"],
      curve.grid.map((value, k) => [
        short(Number(value), 5),
        curve.pdp[k] - curve.pdp[0],
        ...(hasAle ? [curve.ale[k] - curve.ale[0]] : []),
      ]),
    ),
  });
}
