// The page: one HTML file with its style and its charts inside, no script, nothing fetched. In: a study and a document to draw with; out: text.

import type { Constraint } from "../types.js";
import { VERSION } from "../version.js";
import * as charts from "./charts.js";
import { shownName } from "./labels.js";
import type { Quality } from "./quality.js";
import type { Curve, Driver, Explained, Slopes, Study } from "./study.js";
import { STYLE } from "./style.js";
import { aligned, count, html, Markup, percent, plural, rSquared, short } from "./text.js";
import { commands, javascript } from "./usage.js";
import * as say from "./words.js";

/** Widths of charts, pixels: beside a column of text, on a phone, and one of several side by side. */
const LARGE = 700;
const SMALL = 346;
const PANEL = 340;

/** Rows in the ranking chart; the table behind it has all. */
const RANKED = 24;

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

/** A sentence with its names as elements of their own, isolated from the direction of the text around them. */
function rich(text: string): Markup[] {
  return text
    .split(/(\u2068[^\u2069]*\u2069)/)
    .map((part) => (part.startsWith("\u2068") ? html`<bdi class="name">${say.plain(part)}</bdi>` : html`${part}`));
}

/** Text in which the ends of lines count. */
const lined = (text: string) =>
  new Markup(
    text
      .split("\n")
      .map((line) => html`${line}`.text)
      .join("\n"),
  );

type Cell = string | number;

/** Text of a table's cell that is read as a number. */
const NUMERIC = /^(under |over |> )?[+−±]?\s?[\d,.]+(×10[⁻⁰¹²³⁴-⁹]+)?( %)?$/;

interface Table {
  caption: string;
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** Index of the row that counts most. */
  main?: number;
  /** Rows that begin a group: its name over all columns. */
  groups?: Readonly<Record<number, string>>;
}

/** A table that opens under its chart. */
function details(caption: string, head: readonly string[], rows: Table["rows"]): Markup {
  return html`<details><summary>Table: ${caption}</summary>${table({ caption, head, rows })}</details>`;
}

/** Numbers stand to the right, with as many decimals as their column needs; the first cell of a row is its header. */
function table({ caption, head, rows, main, groups }: Table): Markup {
  const columns = head.map((_, c) => {
    const cells = rows.map((row) => row[c] ?? "");
    const numbers = aligned(cells.filter((cell) => typeof cell === "number"));
    let next = 0;
    const texts = cells.map((cell) => (typeof cell === "number" ? numbers[next++] : cell));
    const shown = texts.filter((text) => text !== "" && text !== "–");
    return { texts, right: c > 0 && shown.length > 0 && shown.every((text) => NUMERIC.test(text)) };
  });
  const side = (c: number) => columns[c].right && html` class="n"`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table><caption>${caption}</caption>
<thead><tr>${head.map((name, c) => html`<th scope="col"${side(c)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    (_, r) =>
      html`${groups?.[r] !== undefined && html`<tr class="group"><th scope="rowgroup" colspan="${head.length}">${groups[r]}</th></tr>`}
<tr${r === main && html` class="main"`}>${columns.map(({ texts }, c) =>
        c === 0 ? html`<th scope="row">${texts[r]}</th>` : html`<td${side(c)}>${texts[r]}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

interface Figure {
  title?: string;
  text?: string;
  charts: Markup;
  /** What colours and lines mean. */
  key?: Markup | false;
  table: Markup;
}

function figure({ title, text, charts, key, table }: Figure): Markup {
  const head = title !== undefined && html`<h3>${rich(title)}</h3>`;
  return html`<figure><figcaption>${head}${text !== undefined && html`<p>${rich(text)}</p>`}</figcaption>
<div>${charts}${key}</div>
${table}</figure>
`;
}

const name = (text: string) => shownName(text, 120);

/** Draws one page. */
export function makePage(study: Study, document?: Document): string {
  const canvas = (width: number) => ({ ...(document && { document }), width });
  const panel = (draw: (canvas: charts.Canvas) => SVGSVGElement) => svgText(draw(canvas(PANEL)));
  /** The same chart for a wide and a narrow screen; only one is shown, also to screen readers. */
  const both = (draw: (canvas: charts.Canvas) => SVGSVGElement) =>
    html`<div class="large">${svgText(draw(canvas(LARGE)))}</div><div class="small">${svgText(draw(canvas(SMALL)))}</div>`;

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

function section(id: string, eyebrow: string, title: string, ...body: (Markup | string | undefined | false)[]): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<p class="eyebrow">${eyebrow}</p>
<h2 id="${id}-title">${rich(title)}</h2>
${body}
</section>
`;
}

type Panel = (draw: (canvas: charts.Canvas) => SVGSVGElement) => Markup;

function qualitySection(study: Study, panel: Panel): Markup {
  const { heldOut } = study.training;
  const { quality } = study;
  const target = say.targetName(study);
  const bars = heldOut && [
    { name: "this model", value: heldOut.model.mae },
    { name: "linear fit", value: heldOut.linear.mae },
    { name: "the mean", value: heldOut.mean.mae },
  ];
  const text = html`<div><p>${rich(`The model predicts ${target}: ${say.kindOf(study)}, from ${plural(study.features.length, "feature")}.`)} ${
    heldOut
      ? "While it was trained, every member left rows out; they are what the model is judged by. The linear fit has the same constraints."
      : "It was trained without leaving rows out, so nothing but the rows of this file can say how good it is."
  }</p>
<p>${
    quality
      ? say.originNote(study)
      : rich(`The file has no column ${say.named(study.target)}, so predictions cannot be compared with it here.`)
  }</p>
${study.rows.outside > 0 && html`<p>${say.outsideNote(study)}</p>`}
${scoresTable(study)}</div>`;
  return section(
    "quality",
    "How good it is",
    say.qualityFinding(study),
    bars
      ? html`<div class="split even">${text}${figure({
          title: "Mean absolute error beside two baselines",
          text: "On rows left out in training; less is better.",
          charts: panel((c) =>
            charts.barsChart(
              bars,
              say.unitLabel(study, "error"),
              `Bars of mean absolute error: ${bars.map((bar) => `${bar.name} ${short(bar.value)}`).join(", ")}.`,
              c,
            ),
          ),
          table: details(
            "mean absolute error",
            ["predictor", say.unitLabel(study, "error")],
            bars.map((bar) => [bar.name, bar.value]),
          ),
        })}</div>`
      : text,
    quality && html`<div class="panels">${qualityFigures(study, quality, panel)}</div>`,
    quality?.uncovered && html`<p class="note">${sentence(quality.uncovered)}</p>`,
  );
}

function scoresTable(study: Study): Markup | undefined {
  const { heldOut } = study.training;
  const { quality } = study;
  const rows: Cell[][] = [];
  const groups: Record<number, string> = {};
  const add = (label: string, s: { rmse: number; mae: number; r2: number; medianRelativeError: number }) =>
    rows.push([label, s.rmse, s.mae, rSquared(s.r2), percentOrDash(s.medianRelativeError)]);
  if (heldOut) {
    groups[0] = `On ${plural(heldOut.model.rows, "row")} left out in training`;
    add("this model", heldOut.model);
    add("linear fit", heldOut.linear);
    add("the mean", heldOut.mean);
  }
  if (quality) {
    const seen = { heldOut: "held out", training: "apparently trained on", maybe: "perhaps trained on" }[
      study.rows.origin
    ];
    const weighted = study.weight === undefined ? "" : ", by weight";
    groups[rows.length] = `On the ${plural(quality.rows, "row")} of this file, ${seen}${weighted}`;
    add("this model", quality.scores);
    add("their mean", quality.mean);
  }
  if (rows.length === 0) return undefined;
  const caption = study.link === "logistic" ? "Scores" : `Scores, ${say.plain(say.unitOf(study))}`;
  const head = ["", "RMSE", "mean error", "R²", "median relative error"];
  return html`<div class="scores">${table({ caption, head, rows, main: 0, groups })}${
    quality?.logLoss !== undefined && html`<p class="note">Log loss on this file: ${short(quality.logLoss)}.</p>`
  }</div>`;
}

function qualityFigures(study: Study, quality: Quality, panel: Panel): Markup[] {
  const predicted = say.unitLabel(study, "prediction");
  const figures = [
    figure({
      title: say.calibrationFinding(study),
      text: "Rows of this file in groups of similar prediction: mean prediction against mean actual value, with twice the standard error. On the dashed line both are equal.",
      charts: panel((c) =>
        charts.calibrationChart(
          quality.calibration,
          { x: predicted, y: say.unitLabel(study, "actual") },
          `Calibration: mean actual value against mean prediction in ${plural(quality.calibration.length, "group")} of rows. ${say.calibrationFinding(study)}.`,
          c,
        ),
      ),
      table: details(
        "calibration",
        ["group", "rows", "mean prediction", "mean actual", "standard error"],
        quality.calibration.map((bin, k) => [String(k + 1), count(bin.rows), bin.predicted, bin.actual, bin.error]),
      ),
    }),
    figure({
      title: say.residualsFinding(study),
      text: `Actual value minus prediction, one dot a row (${say.ofThem(quality.residuals.length, quality.rows)}); the band holds nine rows of ten.`,
      charts: panel((c) =>
        charts.residualsChart(
          quality,
          { x: predicted, y: say.unitLabel(study, "residual") },
          `Residuals of ${plural(quality.residuals.length, "row")} against their predictions. ${say.residualsFinding(study)}.`,
          c,
        ),
      ),
      table: details(
        "residuals of all rows",
        ["share of rows below", say.unitLabel(study, "residual")],
        [5, 25, 50, 75, 95].map((p, k) => [`${p} %`, quality.spread[k]]),
      ),
    }),
  ];
  if (quality.coverage.length === 0) return figures;
  const intervals = quality.covers === "intervals";
  figures.push(
    figure({
      title: say.coverageFinding(study),
      text: intervals
        ? "Share of rows inside prediction intervals (dot, with its 95 % margin) beside the share asked for (line)."
        : "Share of rows below predicted quantiles (dot, with its 95 % margin) beside the level asked for (line).",
      charts: panel((c) =>
        charts.coverageChart(
          quality.coverage,
          intervals ? { asked: "interval", held: "inside" } : { asked: "quantile", held: "below" },
          `Coverage: ${quality.coverage.map(({ asked, held }) => `${percent(asked)} asked, ${percent(held)} held`).join("; ")}.`,
          c,
        ),
      ),
      table: details(
        `coverage on ${plural(quality.coveredRows, "row")}`,
        intervals
          ? ["asked for", "rows inside", "margin", say.unitLabel(study, "mean width")]
          : ["level asked for", "rows below", "margin"],
        quality.coverage.map(({ asked, held, error, width }) => [
          percent(asked),
          percent(held),
          `± ${percent(error)}`,
          ...(width === undefined ? [] : [width]),
        ]),
      ),
    }),
  );
  return figures;
}

const percentOrDash = (value: number) => (Number.isFinite(value) ? percent(value) : "–");
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function driversSection(study: Study, both: Panel): Markup {
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

function eachSection(study: Study, panel: Panel): Markup {
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

function driverCard(study: Study, driver: Driver, curve: Curve, panel: Panel): Markup {
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

function slopesFigure(study: Study, driver: Driver, slopes: Slopes, panel: Panel): Markup {
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

function curveFigure(study: Study, curve: Curve, panel: Panel): Markup {
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

function rowsSection(study: Study, panel: Panel): Markup {
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

function explainedTable(study: Study, one: Explained): Markup {
  const rows: Cell[][] = [
    ["median row", "", one.baseline],
    ...one.parts.map((part): Cell[] => [name(part.name), name(part.value), part.contribution]),
  ];
  if (one.others) rows.push([`${one.others.features} others`, "", one.others.contribution]);
  rows.push(["prediction", "", one.prediction]);
  if (one.actual !== undefined) rows.push(["actual", "", one.actual]);
  return details(`row ${count(one.number)}`, ["", "value", say.unitLabel(study, "contribution")], rows);
}

function certificateSection(study: Study): Markup {
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

function trainingSection(study: Study, panel: Panel): Markup {
  const { training, size } = study;
  const facts: Cell[][] = [
    ["rows", count(training.rows)],
    ["members averaged", count(training.members)],
    ["networks", count(size.networks)],
    ["hyperplanes", count(size.planes)],
    ["steps", count(training.steps)],
    ["rows a step", count(training.batch)],
    ["greatest step size", short(training.learningRate)],
    ["weight of the networks beside the linear fit", percent(training.blend)],
    ["seed", String(training.seed)],
    ["isotone", training.isotone],
    ...(training.merged === undefined ? [] : [["models merged", count(training.merged)]]),
  ];
  return section(
    "training",
    "Training",
    say.trainingFinding(study),
    training.warnings.length > 0 &&
      html`<ul class="plain">${training.warnings.map((text) => html`<li>${text}</li>`)}</ul>`,
    html`<p>The same rows, options and seed give the same model, byte for byte, in every runtime.</p>`,
    html`<div class="beside">${
      training.curve.length > 0
        ? figure({
            title: "Loss, epoch by epoch",
            text: "Averaged over members, in the scaled units of training.",
            charts: panel((c) =>
              charts.trainingChart(
                training.curve,
                `Training curve, ${plural(training.curve.length, "look")} at the loss. ${say.trainingFinding(study)}.`,
                c,
              ),
            ),
            table: details(
              "training curve",
              ["epoch", "step", "loss on rows trained on", "on rows left out"],
              thinned(training.curve, 40).map(({ epoch, step, loss, validationLoss }) => [
                short(epoch),
                count(step),
                step > 0 ? loss : "–",
                validationLoss ?? "–",
              ]),
            ),
          })
        : html`<p class="note">The model file holds no training curve.</p>`
    }<div>${table({ caption: "How it was trained", head: ["", "value"], rows: facts })}</div></div>`,
  );
}

/** About `most` of some entries, the last one among them. */
function thinned<T>(list: readonly T[], most: number): T[] {
  const step = Math.max(1, Math.ceil(list.length / most));
  return list.filter((_, k) => (list.length - 1 - k) % step === 0);
}

function usageSection(study: Study): Markup {
  return section(
    "use",
    "Use it",
    "The model is one JSON file",
    html`<p>Node, Deno, Bun, workers and browsers read it and give the same bits. The row below is the one in the middle.</p>`,
    html`<div class="code"><div><h3>JavaScript</h3><pre tabindex="0"><code>${lined(javascript(study))}</code></pre></div>
<div><h3>Command line</h3><pre tabindex="0"><code>${lined(commands(study))}</code></pre></div></div>`,
  );
}
