// Everything a report shows, as plain numbers. In: a model and the rows gathered from a file; out: one object for the charts and the page.

import { type PartialDependence, partialDependence } from "../dependence.js";
import { type FeatureSensitivity, sensitivitySummary } from "../sensitivity.js";
import type { Constraint, Feature, ModelData, TrainingReport } from "../types.js";
import type { Gathered, KeptRow, Origin, ReportModel } from "./gather.js";
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

/** The sampled rows as the parts of a study take them. */
interface Sampled {
  model: ReportModel;
  /** [n][features], encoded, and the partial derivatives there. */
  values: Float32Array;
  slopes: Float32Array;
  /** [n] case weights; all 1 where no sampled row weighs anything. */
  weights: Float64Array;
  /** Numbers of the rows that become dots. */
  dots: number[];
}

/** Computes a report. */
export function makeStudy(model: ReportModel, rows: Gathered, options: StudyOptions): Study {
  const steps = studySteps(model, rows, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** The same step by step, for a page that must stay alive meanwhile. */
export function* studySteps(model: ReportModel, rows: Gathered, options: StudyOptions): Generator<void, Study> {
  const data = model.toJSON();
  const { features } = model;
  const n = rows.sampledRows.length;
  const sampled: Sampled = {
    model,
    values: rows.sample,
    slopes: model.sensitivityMany(rows.sample),
    weights: someWeight(Float64Array.from(rows.sampledRows, (r) => rows.weights?.[r] ?? 1)),
    dots: every(n, DOTS),
  };
  yield;
  const drivers = driversOf(model, rows.sample, sampled.weights);
  yield;
  const shown = Math.min(drivers.length, options.top ?? 12);
  const top = drivers.slice(0, shown);
  const quality = qualityOf(model, data, rows);
  yield;
  const swarms: Swarm[] = [];
  for (const driver of top) {
    swarms.push(swarmOf(driver, sampled));
    yield;
  }
  const curves: Curve[] = [];
  const curveOf = curvesOver(sampled);
  for (const driver of top) {
    curves.push(curveOf(driver));
    yield;
  }
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
    slopes: top.filter(({ kind }) => kind === "number").map((driver) => slopesOf(driver, sampled)),
    curves,
    explained: explainedRows(rows, data).map(([title, row]) => explainRow(model, title, row)),
    certificate: pick(model.certify()),
    signs: countSigns(sampled),
    example: exampleOf(features, rows.median.values),
    exampleAnswer: Number(rows.median.prediction.toPrecision(7)),
  };
}

/** The weights, or all 1 where none of these rows weighs anything. */
const someWeight = (weights: Float64Array) => (weights.some((w) => w > 0) ? weights : weights.fill(1));

/** Derivatives of constrained numbers, and how many have the wrong sign. */
function countSigns({ model, slopes }: Sampled): Study["signs"] {
  const width = model.features.length;
  let [checked, wrong] = [0, 0];
  model.features.forEach(({ constraint, kind }, f) => {
    if (constraint === "free" || kind !== "number") return;
    for (let at = f; at < slopes.length; at += width) {
      checked++;
      if (constraint === "increasing" ? slopes[at] < 0 : slopes[at] > 0) wrong++;
    }
  });
  return { checked, wrong };
}

function swarmOf(driver: Driver, sampled: Sampled): Swarm {
  const { index: f, name, kind } = driver;
  const { model, values, dots } = sampled;
  const width = model.features.length;
  const sorted = columnOf(values, f, width)
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
    effects: effectsOf(driver, sampled),
    places: dots.map((r) => place(values[r * width + f])),
  };
}

function slopesOf({ index: f, name, constraint }: Driver, { model, values, slopes, dots }: Sampled): Slopes {
  const width = model.features.length;
  const column = columnOf(values, f, width);
  const slope = columnOf(slopes, f, width);
  const at = dots.filter((r) => column[r] === column[r]);
  return {
    name,
    constraint,
    x: at.map((r) => column[r]),
    y: at.map((r) => slope[r]),
    bins: binsOf(column, slope),
    missing: column.reduce((sum, v) => sum + (v === v ? 0 : 1), 0),
  };
}

/** What makes the curve of a driver, over CURVE_ROWS of the sampled rows at most. */
function curvesOver({ model, values, weights }: Sampled): (driver: Driver) => Curve {
  const { features } = model;
  const width = features.length;
  const behind = every(values.length / width, CURVE_ROWS);
  const fewer = new Float32Array(behind.length * width);
  behind.forEach((r, k) => {
    fewer.set(values.subarray(r * width, (r + 1) * width), k * width);
  });
  const fewerWeights = someWeight(Float64Array.from(behind, (r) => weights[r]));
  return ({ index: f, name, kind, constraint }) => {
    const column = columnOf(values, f, width);
    const known = column.filter((v) => v === v).sort();
    const rowsIn = (c: number) => column.reduce((sum, v) => sum + (v === c ? 1 : 0), 0);
    return {
      ...partialDependence(model, fewer, name, { grid: 20, ice: 24, weights: fewerWeights }),
      kind,
      constraint,
      rows: kind === "category" ? (features[f].categories ?? []).map((_, c) => rowsIn(c)) : [],
      deciles:
        kind === "number" && known.length > 0
          ? [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((p) => quantile(known, p))
          : [],
    };
  };
}

/** The rows that are explained, with their titles. */
function explainedRows({ actual, largest, median, chosen }: Gathered, { link }: ModelData): [string, KeptRow][] {
  const byTarget = actual && link.name !== "logistic";
  const rows: [string, KeptRow][] = [
    [byTarget ? "The largest" : "The largest prediction", largest],
    [byTarget ? "In the middle" : "A prediction in the middle", median],
  ];
  return chosen ? [...rows, ["The one asked for", chosen]] : rows;
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

/** What a driver does in the rows of the dots, signed, as the swarm shows it. Target units. */
function effectsOf({ index: f, slopes: summary }: Driver, { model, values, slopes, weights, dots }: Sampled): number[] {
  const width = model.features.length;
  if (summary) return dots.map((r) => slopes[r * width + f] * summary.spread);
  const share = new Float64Array(model.features[f].categories?.length ?? 0);
  let known = 0;
  weights.forEach((w, r) => {
    const c = values[r * width + f];
    if (c !== c) return;
    share[c] += w;
    known += w;
  });
  const rows = new Float32Array(dots.length * width);
  dots.forEach((r, k) => {
    rows.set(values.subarray(r * width, (r + 1) * width), k * width);
  });
  const effects = new Array<number>(dots.length).fill(0);
  if (known === 0) return effects;
  const own = model.predictMany(rows);
  share.forEach((part, c) => {
    if (part === 0) return;
    for (let k = 0; k < dots.length; k++) rows[k * width + f] = c;
    const p = model.predictMany(rows);
    for (let k = 0; k < dots.length; k++) effects[k] += (part / known) * (own[k] - p[k]);
  });
  return effects;
}

/** The drivers, the strongest first. */
function driversOf(model: ReportModel, sample: Float32Array, weights: Float64Array): Driver[] {
  const summary = sensitivitySummary(model, sample, { weights });
  return summary.features
    .map((one, index): Driver => {
      const { kind } = model.features[index];
      const { name, constraint, strength, strengthInterval, rank, rankInterval } = one;
      return {
        index,
        name,
        kind,
        constraint,
        strength,
        strengthInterval,
        rank,
        rankInterval,
        ...(kind === "number" && { slopes: one }),
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
