// Everything a report shows, as plain numbers. In: a model and the rows gathered from a file; out: one object for the charts and the page.
//
// The strength of a driver is what its usual variation does to the prediction: root mean square over rows of |derivative| × the column's
// standard deviation, in target units; for a category, which has no derivative, root mean square of the standard deviation of the
// predictions with each category put in, by how often it occurs. With numbers alone the ranks are those of sensitivitySummary.

import {
  type FeatureSensitivity,
  type PartialDependence,
  partialDependence,
  sensitivitySummary,
} from "../sensitivity.js";
import type { Constraint, Feature, ModelData, TrainingReport } from "../types.js";
import { type Gathered, type KeptRow, type Origin, type ReportModel, uniform } from "./gather.js";
import { type Quality, qualityOf, quantile } from "./quality.js";
import { short } from "./text.js";

export interface Driver {
  /** Index among the features. */
  index: number;
  name: string;
  kind: Feature["kind"];
  constraint: Constraint;
  strength: number;
  /** 95 % bootstrap intervals over rows. */
  strengthInterval: [number, number];
  rank: number;
  rankInterval: [number, number];
  /** Partial derivatives, target units per unit; absent for categories. */
  slopes?: FeatureSensitivity;
}

/** What the usual variation of a driver does, row by row. */
export interface Swarm {
  name: string;
  kind: Feature["kind"];
  /** Numbers: derivative × standard deviation; categories: own category instead of an average one. Target units. */
  effects: number[];
  /** Place of the row's value among the sampled values, 0 to 1; NaN for missing ones and categories. */
  places: number[];
}

/** Derivatives beside the values they belong to. */
export interface Slopes {
  name: string;
  constraint: Constraint;
  x: number[];
  y: number[];
  /** Rows of similar value. */
  bins: { from: number; to: number; rows: number; p5: number; median: number; p95: number }[];
  /** Sampled rows without a value. */
  missing: number;
}

/** The dependence of the prediction on one driver, with where the values lie. */
export interface Curve extends PartialDependence {
  kind: Feature["kind"];
  constraint: Constraint;
  /** Categories: rows of the sample in each. */
  rows: number[];
  /** Numbers: deciles of the values. */
  deciles: number[];
}

/** A row and where its prediction comes from. */
export interface Explained {
  title: string;
  number: number;
  baseline: number;
  prediction: number;
  actual?: number;
  /** Largest first; what did not fit is summed up in `others`. */
  parts: { name: string; value: string; constraint: Constraint; contribution: number }[];
  others?: { features: number; contribution: number };
}

export interface Study {
  target: string;
  file: string;
  /** Name of the model file, for commands. */
  modelFile: string;
  loss: ModelData["loss"];
  link: ModelData["link"]["name"];
  features: {
    name: string;
    kind: Feature["kind"];
    constraint: Constraint;
    range?: [number, number];
    missing: Feature["missing"];
  }[];
  size: { networks: number; planes: number };
  training: TrainingReport;
  rows: { total: number; sampled: number; outside: number; origin: Origin };
  /** Name of the column of case weights. */
  weight?: string;
  /** What the target is counted in, e.g. "ms". */
  unit: string;
  /** Over all rows. */
  predictions: { least: number; greatest: number };
  quality?: Quality;
  /** All of them, the largest first. */
  drivers: Driver[];
  /** Drivers that have charts of their own: the first so many. */
  shown: number;
  swarms: Swarm[];
  slopes: Slopes[];
  curves: Curve[];
  explained: Explained[];
  certificate: { monotone: boolean; checked: number; statement: string };
  /** Derivatives of constrained numbers over the sample, and how many of them broke their constraint. */
  signs: { checked: number; wrong: number };
  /** The median row, as `predict` takes it. */
  example: Record<string, number | string>;
  /** Its prediction. */
  exampleAnswer: number;
}

/** Dots in one chart. */
const DOTS = 300;
/** Bars in one explanation, without the sum of the others. */
const PARTS = 9;
/** Rows that stand behind the curves. */
const CURVE_ROWS = 1000;
const REPEATS = 200;

export interface StudyOptions {
  /** Names of the files, for people and for the commands on the page. */
  file: string;
  model?: string;
  /** What the target is counted in; default: the target's name where that is a unit of time. */
  unit?: string;
  /** Name of the column of case weights. */
  weight?: string;
  /** How many drivers get charts of their own (default 12). */
  top?: number;
}

/** Names of targets that say what they are counted in. */
const UNIT =
  /^(ns|us|µs|μs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hrs?|hours?|days?|weeks?|months?|years?|milliseconds?|microseconds?)$/i;

/** Computes a report. */
export function makeStudy(model: ReportModel, rows: Gathered, options: StudyOptions): Study {
  const data = model.toJSON();
  const { features } = model;
  const width = features.length;
  const n = rows.sampledRows.length;
  const { sample } = rows;
  const slopes = model.sensitivityMany(sample);
  const own = ownEffects(model, sample, slopes);
  const weights = rows.weights && Float64Array.from(rows.sampledRows, (r) => (rows.weights as Float64Array)[r]);
  const drivers = rankDrivers(model, sample, own.moves, weights);
  const shown = Math.min(drivers.length, options.top ?? 12);
  const top = drivers.slice(0, shown);
  const picked = every(n, DOTS);
  const quality = qualityOf(model, data, rows);

  let checked = 0;
  let wrong = 0;
  features.forEach(({ constraint, kind }, f) => {
    if (constraint === "free" || kind !== "number") return;
    for (let r = 0; r < n; r++) {
      checked++;
      const s = slopes[r * width + f];
      if (constraint === "increasing" ? s < 0 : s > 0) wrong++;
    }
  });

  const swarms = top.map(({ index: f, name, kind }): Swarm => {
    const sorted = columnOf(sample, f, width)
      .filter((v) => v === v)
      .sort();
    const place = (v: number) => {
      if (kind === "category" || v !== v || sorted.length < 2) return Number.NaN;
      // the middle of equal values
      return (below(sorted, v, false) + below(sorted, v, true)) / 2 / sorted.length;
    };
    return {
      name,
      kind,
      effects: picked.map((r) => own.effects[r * width + f]),
      places: picked.map((r) => place(sample[r * width + f])),
    };
  });

  const besideValues = top
    .filter(({ kind }) => kind === "number")
    .map(({ index: f, name, constraint }): Slopes => {
      const at = picked.filter((r) => sample[r * width + f] === sample[r * width + f]);
      const column = columnOf(sample, f, width);
      const slope = columnOf(slopes, f, width);
      return {
        name,
        constraint,
        x: at.map((r) => column[r]),
        y: at.map((r) => slope[r]),
        bins: binsOf(column, slope),
        missing: column.reduce((sum, v) => sum + (v === v ? 0 : 1), 0),
      };
    });

  const behind = every(n, CURVE_ROWS);
  const fewer = new Float32Array(behind.length * width);
  behind.forEach((r, k) => {
    fewer.set(sample.subarray(r * width, (r + 1) * width), k * width);
  });
  const curves = top.map(({ index: f, name, kind, constraint }): Curve => {
    const dependence = partialDependence(model, fewer, name, { grid: 20, ice: 24 });
    const column = columnOf(sample, f, width);
    const values = column.filter((v) => v === v).sort();
    return {
      ...dependence,
      kind,
      constraint,
      rows:
        kind === "category"
          ? (features[f].categories ?? []).map((_, c) => column.reduce((sum, v) => sum + (v === c ? 1 : 0), 0))
          : [],
      deciles:
        kind === "number" && values.length > 0
          ? [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((p) => quantile(values, p))
          : [],
    };
  });

  const byTarget = rows.actual && data.link.name !== "logistic";
  const explainedRows: [string, KeptRow][] = [
    [byTarget ? "The largest" : "The largest prediction", rows.largest],
    [byTarget ? "In the middle" : "A prediction in the middle", rows.median],
  ];
  if (rows.chosen) explainedRows.push(["The one asked for", rows.chosen]);

  return {
    target: data.target.name,
    file: options.file,
    modelFile: options.model ?? "model.json",
    unit: options.unit ?? (UNIT.test(data.target.name) ? data.target.name : ""),
    ...(options.weight !== undefined && { weight: options.weight }),
    predictions: {
      least: rows.predictions.reduce((a, b) => Math.min(a, b)),
      greatest: rows.predictions.reduce((a, b) => Math.max(a, b)),
    },
    loss: data.loss,
    link: data.link.name,
    features: features.map(({ name, kind, constraint, range, missing }) => ({
      name,
      kind,
      constraint,
      missing,
      ...(range && { range }),
    })),
    size: { networks: data.networks.length, planes: data.networks.flat(2).length },
    training: model.training,
    rows: { total: rows.total, sampled: n, outside: rows.outside, origin: rows.origin },
    ...(quality && { quality }),
    drivers,
    shown,
    swarms,
    slopes: besideValues,
    curves,
    explained: explainedRows.map(([title, row]) => explainRow(model, title, row)),
    certificate: pick(model.certify()),
    signs: { checked, wrong },
    example: exampleOf(features, rows.median.values),
    exampleAnswer: Number(rows.median.prediction.toPrecision(7)),
  };
}

function pick({ monotone, checked, statement }: Study["certificate"]): Study["certificate"] {
  return { monotone, checked, statement };
}

/** Up to `most` of n rows, evenly spaced. */
function every(n: number, most: number): number[] {
  const count = Math.min(n, most);
  return Array.from({ length: count }, (_, k) => Math.floor((k * n) / count));
}

function columnOf(values: Float32Array, f: number, width: number): Float32Array {
  return Float32Array.from({ length: values.length / width }, (_, r) => values[r * width + f]);
}

/** How many of the sorted values are below v, or not above it. */
function below(sorted: Float32Array, v: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orEqual ? sorted[middle] <= v : sorted[middle] < v) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Per row and feature: what the usual variation does (at least 0), and the signed effect that the swarm shows. Target units. */
function ownEffects(model: ReportModel, sample: Float32Array, slopes: Float32Array) {
  const { features } = model;
  const width = features.length;
  const n = sample.length / width;
  const moves = new Float64Array(n * width);
  const effects = new Float64Array(n * width);
  const predictions = model.predictMany(sample);
  features.forEach((feature, f) => {
    if (feature.kind === "number") {
      const fill = feature.fill ?? 0;
      let mean = 0;
      for (let r = 0; r < n; r++) mean += filled(sample[r * width + f], fill) / n;
      let square = 0;
      for (let r = 0; r < n; r++) square += (filled(sample[r * width + f], fill) - mean) ** 2 / n;
      const spread = Math.sqrt(square);
      for (let r = 0; r < n; r++) {
        effects[r * width + f] = slopes[r * width + f] * spread;
        moves[r * width + f] = Math.abs(effects[r * width + f]);
      }
      return;
    }
    const categories = feature.categories?.length ?? 0;
    const share = new Float64Array(categories);
    for (let r = 0; r < n; r++) {
      const c = sample[r * width + f];
      if (c === c) share[c] += 1 / n;
    }
    const known = share.reduce((sum, p) => sum + p, 0);
    if (!(known > 0)) return;
    const copy = sample.slice();
    const mean = new Float64Array(n);
    const square = new Float64Array(n);
    for (let c = 0; c < categories; c++) {
      if (share[c] === 0) continue;
      for (let r = 0; r < n; r++) copy[r * width + f] = c;
      const p = model.predictMany(copy);
      // around the own prediction, so that the squares keep their digits
      for (let r = 0; r < n; r++) {
        const apart = p[r] - predictions[r];
        mean[r] += (share[c] / known) * apart;
        square[r] += (share[c] / known) * apart * apart;
      }
    }
    for (let r = 0; r < n; r++) {
      effects[r * width + f] = mean[r] === 0 ? 0 : -mean[r];
      moves[r * width + f] = Math.sqrt(Math.max(0, square[r] - mean[r] * mean[r]));
    }
  });
  return { moves, effects };
}

const filled = (v: number, fill: number) => (v === v ? v : fill);

/** Strengths, ranks and their bootstrap intervals. */
function rankDrivers(model: ReportModel, sample: Float32Array, moves: Float64Array, weights?: Float64Array): Driver[] {
  const { features } = model;
  const width = features.length;
  const n = sample.length / width;
  const weighted = weights?.some((w) => w > 0) ? weights : new Float64Array(n).fill(1);
  const summary = sensitivitySummary(model, sample, { bootstrap: 0, weights: weighted });
  const strengthsOf = (times: ArrayLike<number>) => {
    const sums = new Float64Array(width);
    let total = 0;
    for (let r = 0; r < n; r++) {
      if (times[r] === 0) continue;
      total += times[r];
      for (let f = 0; f < width; f++) sums[f] += times[r] * moves[r * width + f] * moves[r * width + f];
    }
    return sums.map((v) => (total > 0 ? Math.sqrt(v / total) : 0));
  };
  const ranksOf = (strengths: Float64Array) => {
    const ranks = new Int32Array(width);
    const order = Array.from({ length: width }, (_, f) => f).sort((a, b) => strengths[b] - strengths[a] || a - b);
    order.forEach((f, k) => {
      ranks[f] = k + 1;
    });
    return ranks;
  };
  const strengths = strengthsOf(weighted);
  const ranks = ranksOf(strengths);
  const random = uniform(1);
  const again = Array.from({ length: REPEATS }, () => {
    const times = new Float64Array(n);
    for (let r = 0; r < n; r++) {
      const k = Math.floor(random() * n);
      times[k] += weighted[k];
    }
    const strengths = strengthsOf(times);
    return { strengths, ranks: ranksOf(strengths) };
  });
  const interval = (values: number[]): [number, number] => {
    values.sort((a, b) => a - b);
    return [quantile(values, 0.025), quantile(values, 0.975)];
  };
  return features
    .map(({ name, kind, constraint }, f): Driver => {
      const [first, last] = interval(again.map((one) => one.ranks[f]));
      return {
        index: f,
        name,
        kind,
        constraint,
        strength: strengths[f],
        strengthInterval: interval(again.map((one) => one.strengths[f])),
        rank: ranks[f],
        rankInterval: [Math.round(first), Math.round(last)],
        ...(kind === "number" && { slopes: summary.features[f] }),
      };
    })
    .sort((a, b) => a.rank - b.rank);
}

/** Ten bins of about equally many rows by value; equal values stay together. */
function binsOf(column: Float32Array, slope: Float32Array): Slopes["bins"] {
  const order = Array.from(column.keys())
    .filter((r) => column[r] === column[r])
    .sort((a, b) => column[a] - column[b]);
  const out: Slopes["bins"] = [];
  let from = 0;
  for (let b = 1; b <= 10 && from < order.length; b++) {
    let to = Math.round((b * order.length) / 10);
    if (to <= from) continue;
    while (to < order.length && column[order[to]] === column[order[to - 1]]) to++;
    const values = Float64Array.from(order.slice(from, to), (r) => slope[r]).sort();
    out.push({
      from: column[order[from]],
      to: column[order[to - 1]],
      rows: to - from,
      p5: quantile(values, 0.05),
      median: quantile(values, 0.5),
      p95: quantile(values, 0.95),
    });
    from = to;
  }
  return out;
}

/** Value of a feature in an encoded row, for people. */
function shownValue(feature: Feature, code: number): string {
  if (code !== code) return "missing";
  if (feature.kind === "category") return feature.categories?.[code] ?? "?";
  return short(code, 5);
}

/** A row against the median row of training. */
export function explainRow(
  model: Pick<ReportModel, "features" | "explainMany">,
  title: string,
  row: KeptRow,
): Explained {
  const { features } = model;
  const { baseline, contributions, predictions } = model.explainMany(row.values, "median");
  const parts = features
    .map((feature, f) => ({
      name: feature.name,
      value: shownValue(feature, row.values[f]),
      constraint: feature.constraint,
      contribution: contributions[f],
    }))
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const rest = parts.length > PARTS + 1 ? parts.splice(PARTS) : [];
  return {
    title,
    number: row.number,
    baseline,
    prediction: predictions[0],
    ...(row.actual !== undefined && { actual: row.actual }),
    parts,
    ...(rest.length > 0 && {
      others: { features: rest.length, contribution: rest.reduce((sum, part) => sum + part.contribution, 0) },
    }),
  };
}

function exampleOf(features: readonly Feature[], values: Float32Array): Record<string, number | string> {
  return Object.fromEntries(
    features.flatMap((feature, f): [string, number | string][] => {
      const v = values[f];
      if (v !== v) return [];
      return [[feature.name, feature.kind === "category" ? (feature.categories?.[v] ?? "") : Number(v.toPrecision(7))]];
    }),
  );
}
