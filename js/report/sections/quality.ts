// How good the model is: scores beside two baselines, calibration, residuals, coverage. In: a study; out: the section.

import * as charts from "../charts/quality.js";
import { type Cell, details, figure, type Pen, rich, section, sentence, table } from "../parts.js";
import type { Quality } from "../quality.js";
import { hasRelativeError } from "../scores.js";
import type { Study } from "../study.js";
import { count, html, type Markup, percent, plural, rSquared, short } from "../text.js";
import * as say from "../words.js";

export function qualitySection(study: Study, panel: Pen): Markup {
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
  const relative = hasRelativeError(study.link);
  const add = (label: string, s: { rmse: number; mae: number; r2: number; medianRelativeError: number }) =>
    rows.push([label, s.rmse, s.mae, rSquared(s.r2), ...(relative ? [percentOrDash(s.medianRelativeError)] : [])]);
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
    const weighted = study.weight === undefined ? "" : `, by weight${relative ? " (the median counts rows)" : ""}`;
    groups[rows.length] = `On the ${plural(quality.rows, "row")} of this file, ${seen}${weighted}`;
    add("this model", quality.scores);
    add("their mean", quality.mean);
  }
  if (rows.length === 0) return undefined;
  const caption = study.link === "logistic" ? "Scores" : `Scores, ${say.plain(say.unitOf(study))}`;
  const head = ["", "RMSE", "mean error", "R²", ...(relative ? ["median relative error"] : [])];
  return html`<div class="scores">${table({ caption, head, rows, main: 0, groups })}${
    quality?.logLoss !== undefined && html`<p class="note">Log loss on this file: ${short(quality.logLoss)}.</p>`
  }</div>`;
}

function qualityFigures(study: Study, quality: Quality, panel: Pen): Markup[] {
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
        ? "Share of rows inside prediction intervals (dot, with the 95 % margin of chance) beside the share asked for (line)."
        : "Share of rows below predicted quantiles (dot, with the 95 % margin of chance) beside the level asked for (line).",
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
