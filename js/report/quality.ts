// How good predictions are on rows whose target is known. In: predictions, targets and the model's data; out: scores, calibration, residuals
// and how often intervals hold, as plain numbers.

import { intervalAround } from "../interval.js";
import { meanOf, scoresOf } from "../metrics.js";
import type { ModelData, Scores } from "../types.js";
import type { Gathered, ReportModel } from "./gather.js";

/** Rows of similar prediction: their mean prediction and mean target, with the standard error of the latter. */
export interface CalibrationBin {
  rows: number;
  predicted: number;
  actual: number;
  error: number;
}

/** An interval or quantile that was asked for, and how often it held. Shares and means are weighted where rows have weights. */
export interface Coverage {
  /** Share of rows that ought to be inside (intervals) or below (quantiles). */
  asked: number;
  held: number;
  /** How far chance alone takes `held` from `asked` in 95 of 100 files of as many rows. */
  error: number;
  /** Mean width of the intervals, target units; absent for quantiles. */
  width?: number;
}

export interface Quality {
  rows: number;
  scores: Scores;
  /** Of the file's own mean, as a baseline. */
  mean: Scores;
  /** Classification only. */
  logLoss?: number;
  calibration: CalibrationBin[];
  /** Sampled rows: prediction and target - prediction. */
  residuals: { predicted: number; residual: number }[];
  /** Of all residuals: 5, 25, 50, 75 and 95 % points. */
  spread: number[];
  coverage: Coverage[];
  /** What `coverage` counts. */
  covers: "intervals" | "quantiles";
  /** Rows that coverage was counted on. */
  coveredRows: number;
  /** Why there is no coverage. */
  uncovered?: string;
}

const LEVELS = [0.5, 0.8, 0.9, 0.95];
const DOTS = 400;
/** Groups of a calibration at most, and rows of each at least: the spread of fewer says little about their mean. */
const GROUPS = 10;
const ROWS_OF_GROUP = 10;

/** The value below which a share `p` of sorted numbers lies. */
export function quantile(sorted: ArrayLike<number>, p: number): number {
  const at = p * (sorted.length - 1);
  const k = Math.floor(at);
  return sorted[k] + (at - k) * (sorted[Math.min(k + 1, sorted.length - 1)] - sorted[k]);
}

/** Judges the predictions of the gathered rows; undefined when the file has no targets. */
export function qualityOf(model: ReportModel, data: ModelData, rows: Gathered): Quality | undefined {
  const { actual, predictions, total } = rows;
  if (!actual) return undefined;
  const weights = rows.weights ?? new Float64Array(total).fill(1);
  const average = new Float64Array(total).fill(meanOf(actual, weights));
  const residuals = Float64Array.from(actual, (y, r) => y - predictions[r]);
  const step = Math.max(1, rows.sampledRows.length / DOTS);
  const dots: Quality["residuals"] = [];
  for (let k = 0; k < rows.sampledRows.length; k += step) {
    const r = rows.sampledRows[Math.floor(k)];
    dots.push({ predicted: predictions[r], residual: residuals[r] });
  }
  const sorted = residuals.slice().sort();
  const covered = coverageOf(model, data, rows, actual, weights);
  let logLoss: number | undefined;
  if (data.link.name === "logistic") {
    logLoss = 0;
    const weight = weights.reduce((a, b) => a + b, 0);
    for (let r = 0; r < total; r++) {
      const p = Math.min(1 - 1e-7, Math.max(1e-7, predictions[r]));
      logLoss -= (weights[r] * (actual[r] * Math.log(p) + (1 - actual[r]) * Math.log(1 - p))) / weight;
    }
  }
  return {
    rows: total,
    scores: scoresOf(predictions, actual, rows.weights),
    mean: scoresOf(average, actual, rows.weights),
    ...(logLoss !== undefined && { logLoss }),
    calibration: calibrationOf(
      predictions,
      actual,
      rows.weights,
      Math.max(1, Math.min(GROUPS, Math.floor(weights.reduce((n, w) => n + (w > 0 ? 1 : 0), 0) / ROWS_OF_GROUP))),
      data.link.name === "logistic" ? (p) => p * (1 - p) : undefined,
    ),
    residuals: dots,
    spread: [0.05, 0.25, 0.5, 0.75, 0.95].map((p) => quantile(sorted, p)),
    ...covered,
  };
}

/**
 * Bins of equally many rows by prediction; rows of the same prediction stay together. Rows without weight are in none. `variance`: what the target of a
 * row of some prediction varies by at least; of outcomes that are all 1 it is not the 0 that they show.
 */
export function calibrationOf(
  predictions: ArrayLike<number>,
  actual: ArrayLike<number>,
  weights?: ArrayLike<number>,
  bins = GROUPS,
  variance: (prediction: number) => number = () => 0,
): CalibrationBin[] {
  const weightOf = (r: number) => (weights ? weights[r] : 1);
  const order = Int32Array.from({ length: predictions.length }, (_, r) => r)
    .filter((r) => weightOf(r) > 0)
    .sort((a, b) => predictions[a] - predictions[b] || a - b);
  const n = order.length;
  const out: CalibrationBin[] = [];
  let from = 0;
  for (let b = 1; b <= bins && from < n; b++) {
    let to = Math.max(from + 1, Math.round((b * n) / bins));
    while (to < n && predictions[order[to]] === predictions[order[to - 1]]) to++;
    let total = 0;
    let squares = 0;
    let p = 0;
    let y = 0;
    for (let k = from; k < to; k++) {
      const w = weightOf(order[k]);
      total += w;
      squares += w * w;
      p += w * predictions[order[k]];
      y += w * actual[order[k]];
    }
    const mean = y / total;
    let [square, least] = [0, 0];
    for (let k = from; k < to; k++) {
      square += (weightOf(order[k]) / total) * (actual[order[k]] - mean) ** 2;
      least += (weightOf(order[k]) / total) * variance(predictions[order[k]]);
    }
    // as many rows as would be as exact if they weighed the same (Kish)
    const rows = (total * total) / squares;
    const error = rows > 1 ? Math.sqrt(Math.max(square, least) / (rows - 1)) : 0;
    out.push({ rows: to - from, predicted: p / total, actual: mean, error });
    from = to;
  }
  return out;
}

function coverageOf(
  model: ReportModel,
  data: ModelData,
  rows: Gathered,
  actual: Float64Array,
  weights: Float64Array,
): Pick<Quality, "coverage" | "covers" | "coveredRows" | "uncovered"> {
  const none = { coverage: [], coveredRows: 0 };
  const margin = (asked: number, all: number, squares: number) =>
    1.96 * Math.sqrt((asked * (1 - asked) * squares) / (all * all));
  if (data.loss.name === "quantiles") {
    const width = data.features.length;
    const n = rows.sampledRows.length;
    const coverage = (data.loss.levels ?? []).map((asked): Coverage => {
      let below = 0;
      let [all, squares] = [0, 0];
      for (let k = 0; k < n; k++) {
        const r = rows.sampledRows[k];
        const row = rows.sample.subarray(k * width, (k + 1) * width);
        all += weights[r];
        squares += weights[r] ** 2;
        if (actual[r] <= model.quantile(row, asked)) below += weights[r];
      }
      return { asked, held: below / all, error: margin(asked, all, squares) };
    });
    return { coverage, covers: "quantiles", coveredRows: n };
  }
  if (data.link.name === "logistic") {
    return {
      ...none,
      covers: "intervals",
      uncovered: "A model of probabilities has no intervals: its outcome is 0 or 1.",
    };
  }
  const coverage: Coverage[] = [];
  let why: string | undefined;
  for (const asked of LEVELS) {
    try {
      let inside = 0;
      let width = 0;
      let [all, squares] = [0, 0];
      for (let r = 0; r < rows.total; r++) {
        const [low, high] = intervalAround(data, rows.predictions[r], asked);
        all += weights[r];
        squares += weights[r] ** 2;
        if (actual[r] >= low && actual[r] <= high) inside += weights[r];
        width += weights[r] * (high - low);
      }
      const held = inside / all;
      coverage.push({ asked, held, error: margin(asked, all, squares), width: width / all });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      why = error.message;
    }
  }
  if (coverage.length > 0) return { coverage, covers: "intervals", coveredRows: rows.total };
  return { ...none, covers: "intervals", uncovered: `No intervals: ${why}.` };
}
