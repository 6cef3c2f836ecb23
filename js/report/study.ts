// Everything a report shows, as plain numbers. In: a model and the rows gathered from a file; out: one object for the charts and the page.

import type { Constraint, Feature, ModelData, TrainingReport } from "../types.js";
import type { Gathered, Origin, ReportModel } from "./gather.js";
import { type Quality, qualityOf } from "./quality.js";
import { type Curve, curvesOver } from "./study/curves.js";
import { type Driver, driversOf } from "./study/drivers.js";
import { type Explained, explainedRows, explainRow } from "./study/explained.js";
import { every, type Sampled, someWeight } from "./study/sampled.js";
import { type Slopes, slopesOf } from "./study/slopes.js";
import { type Swarm, swarmOf } from "./study/swarms.js";

export interface Study {
  target: string;
  file: string;
  /** Name of the model file, for commands. */
  modelFile: string;
  /** What the report was asked for, for commands that ask again. */
  asked?: Partial<StudyOptions>;
  loss: ModelData["loss"];
  link: ModelData["link"]["name"];
  features: {
    name: string;
    kind: Feature["kind"];
    constraint: Constraint;
    range?: readonly [number, number];
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
  /** For commands: the files as they are found from the user's folder, and how CSV is read. */
  paths?: { file: string; model: string };
  delimiter?: string;
  na?: readonly string[];
}

/** Names of targets that say what they are counted in. */
const UNIT =
  /^(ns|us|µs|μs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hrs?|hours?|days?|weeks?|months?|years?|milliseconds?|microseconds?)$/i;

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
    asked: options,
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

function pick({ monotone, checked, statement }: Study["certificate"]): Study["certificate"] {
  return { monotone, checked, statement };
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
