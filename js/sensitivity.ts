// What drives the prediction, over many rows. In: a model and rows; out: moments of the partial derivatives, strengths and ranks with intervals.
// Source: NeuralSens' three measures (Pizarroso, Portela & Muñoz 2022). docs/sensitivity.md has the formulas.

import { onlyOptions, typeError } from "./errors.js";
import { uniform } from "./random.js";
import { type AnyRows, encodeRows } from "./rows.js";
import { countOf, filled, quantileOf, squareOf, weightedQuantiles, weightsOf } from "./statistics.js";
import type { Constraint, Feature } from "./types.js";

/** What these functions need of a model. */
export interface Sensitive {
  readonly features: readonly Feature[];
  predictMany(rows: AnyRows): Float32Array;
  sensitivityMany(rows: AnyRows): Float32Array;
}

/** The features of a model; refuses what is none. */
export function featuresOf(model: Sensitive): readonly Feature[] {
  if (typeof model?.sensitivityMany !== "function") throw typeError("model", "a model, of fit or load", model);
  return model.features;
}

export interface FeatureSensitivity {
  name: string;
  constraint: Constraint;
  /** Of the partial derivative over the rows, in target units per feature unit: mean, standard deviation, mean of the squares and its root. */
  mean: number;
  sd: number;
  meanSquare: number;
  rootMeanSquare: number;
  min: number;
  max: number;
  quantiles: { p5: number; p25: number; p50: number; p75: number; p95: number };
  /** Share of rows with a derivative below 0. */
  negative: number;
  /** Share of rows whose derivative breaks the constraint; counted, though it is 0 by construction. */
  wrongSign: number;
  /** Standard deviation of the feature over the rows; 0 for categories. */
  spread: number;
  /**
   * What the usual variation of the feature does to the prediction, in target units: rootMeanSquare × spread. A category has no derivative:
   * there it is the standard deviation of the prediction with each category put in as often as it occurs, root mean square over the rows.
   */
  strength: number;
  /** Share of rows where this feature is the largest driver: |derivative| × spread, or the category's standard deviation, above all others'. */
  largest: number;
  /** 1 is the largest strength. */
  rank: number;
  /** 95 % bootstrap intervals: rows drawn again with replacement, the model and the spreads as they are. */
  strengthInterval: [number, number];
  rankInterval: [number, number];
}

export interface SensitivitySummary {
  rows: number;
  features: FeatureSensitivity[];
}

/**
 * By row and feature: what the feature's usual variation does to the prediction there, at least 0, in target units. [n][features]
 */
function movesOf(
  model: Sensitive,
  values: Float32Array,
  slopes: Float32Array,
  spread: readonly number[],
  weight: ArrayLike<number>,
): Float64Array {
  const { features } = model;
  const width = features.length;
  const n = values.length / width;
  const moves = new Float64Array(n * width);
  features.forEach((feature, f) => {
    if (feature.kind === "number") {
      for (let at = f; at < moves.length; at += width) moves[at] = Math.abs(slopes[at]) * spread[f];
      return;
    }
    const share = new Float64Array(feature.categories?.length ?? 0);
    let known = 0;
    for (let r = 0; r < n; r++) {
      const c = values[r * width + f];
      if (c !== c) continue;
      share[c] += weight[r];
      known += weight[r];
    }
    if (known === 0) return;
    const own = model.predictMany(values);
    const copy = values.slice();
    const mean = new Float64Array(n);
    const square = new Float64Array(n);
    share.forEach((part, c) => {
      if (part === 0) return;
      for (let r = 0; r < n; r++) copy[r * width + f] = c;
      const p = model.predictMany(copy);
      // around the row's own prediction, so that the squares keep their digits
      for (let r = 0; r < n; r++) {
        const apart = p[r] - own[r];
        mean[r] += (part / known) * apart;
        square[r] += (part / known) * apart * apart;
      }
    });
    for (let r = 0; r < n; r++) moves[r * width + f] = Math.sqrt(Math.max(0, square[r] - mean[r] * mean[r]));
  });
  return moves;
}

/**
 * Partial derivatives of `rows`, summed up per feature.
 *
 * @param options.weights case weights, one a row; options.bootstrap draws for the intervals (default 200, 0 for none); options.seed of these
 * @throws RangeError naming the option or the row
 * @example
 * const { features } = sensitivitySummary(model, rows);
 * features.sort((a, b) => a.rank - b.rank)[0].name; // the largest driver
 */
export function sensitivitySummary(
  model: Sensitive,
  rows: AnyRows,
  options: { weights?: ArrayLike<number>; bootstrap?: number; seed?: number } = {},
): SensitivitySummary {
  const features = featuresOf(model);
  const width = features.length;
  const values = encodeRows(rows, features);
  const n = values.length / width;
  onlyOptions(options, "weights bootstrap seed", "sensitivitySummary");
  const { weight, total } = weightsOf(n, options.weights);
  const repeats = countOf("bootstrap", 0, options.bootstrap, 200);
  const random = uniform(countOf("seed", 0, options.seed, 1));
  const slopes = model.sensitivityMany(values);
  const spread = features.map((feature, f) =>
    feature.kind === "number" ? spreadOf(values, f, width, weight, total, feature.fill ?? 0) : 0,
  );
  const moves = movesOf(model, values, slopes, spread, weight);

  // root mean square of the moves, for the rows counted `times` each
  const strengthsOf = (times: ArrayLike<number>) => {
    const sums = new Float64Array(width);
    let all = 0;
    for (let r = 0, at = 0; r < n; r++, at += width) {
      const t = times[r];
      if (t === 0) continue;
      all += t;
      for (let f = 0; f < width; f++) sums[f] += t * moves[at + f] * moves[at + f];
    }
    return sums.map((v) => (all > 0 ? Math.sqrt(v / all) : 0));
  };
  const strengths = strengthsOf(weight);
  const ranks = ranksOf(strengths);
  const again = { strength: features.map(() => [] as number[]), rank: features.map(() => [] as number[]) };
  const times = new Float64Array(n);
  for (let b = 0; b < repeats; b++) {
    times.fill(0);
    for (let r = 0; r < n; r++) {
      const k = Math.floor(random() * n);
      times[k] += weight[k];
    }
    const drawn = strengthsOf(times);
    ranksOf(drawn).forEach((rank, f) => {
      again.rank[f].push(rank);
      again.strength[f].push(drawn[f]);
    });
  }
  const middle = (drawn: number[], otherwise: number): [number, number] => {
    if (repeats === 0) return [otherwise, otherwise];
    drawn.sort((a, b) => a - b);
    return [quantileOf(drawn, 0.025), quantileOf(drawn, 0.975)];
  };

  const largest = largestOf(moves, width, weight);
  return {
    rows: n,
    features: features.map((feature, f): FeatureSensitivity => {
      const column = Float64Array.from({ length: n }, (_, r) => slopes[r * width + f]);
      const [firstRank, lastRank] = middle(again.rank[f], ranks[f]);
      return {
        name: feature.name,
        constraint: feature.constraint,
        ...momentsOf(column, feature.constraint, weight, total),
        spread: spread[f],
        strength: strengths[f],
        largest: largest[f] / total,
        rank: ranks[f],
        strengthInterval: middle(again.strength[f], strengths[f]),
        rankInterval: [Math.floor(firstRank), Math.ceil(lastRank)],
      };
    }),
  };
}

/** Weight of the rows where each feature moves the prediction most; `moves` is [n][width]. */
function largestOf(moves: Float64Array, width: number, weight: ArrayLike<number>): Float64Array {
  const largest = new Float64Array(width);
  for (let r = 0; r < weight.length; r++) {
    let best = -1;
    let most = 0;
    for (let f = 0; f < width; f++) {
      if (moves[r * width + f] <= most) continue;
      most = moves[r * width + f];
      best = f;
    }
    if (best >= 0) largest[best] += weight[r];
  }
  return largest;
}

/** Moments, quantiles and signs of one feature's derivatives, [n]. */
function momentsOf(column: Float64Array, constraint: Constraint, weight: ArrayLike<number>, total: number) {
  const n = column.length;
  let [mean, square, negative, wrong] = [0, 0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let counted = 0;
  for (let r = 0; r < n; r++) {
    const s = column[r];
    if (weight[r] === 0) continue;
    counted += weight[r];
    mean += (weight[r] / counted) * (s - mean);
    min = Math.min(min, s);
    max = Math.max(max, s);
    if (s < 0) negative += weight[r];
    if ((constraint === "increasing" && s < 0) || (constraint === "decreasing" && s > 0)) wrong += weight[r];
  }
  for (let r = 0; r < n; r++) square += (weight[r] / total) * squareOf(column[r] - mean);
  const [p5, p25, p50, p75, p95] = weightedQuantiles(column, weight, [0.05, 0.25, 0.5, 0.75, 0.95]);
  const meanSquare = square + mean * mean;
  return {
    mean,
    sd: Math.sqrt(square),
    meanSquare,
    rootMeanSquare: Math.sqrt(meanSquare),
    min,
    max,
    quantiles: { p5, p25, p50, p75, p95 },
    negative: negative / total,
    wrongSign: wrong / total,
  };
}

/** Ranks from 1, the largest first; equal ones in order. */
function ranksOf(strengths: Float64Array): number[] {
  const ranks = new Array<number>(strengths.length);
  Array.from(strengths.keys())
    .sort((a, b) => strengths[b] - strengths[a] || a - b)
    .forEach((f, k) => {
      ranks[f] = k + 1;
    });
  return ranks;
}

function spreadOf(
  values: Float32Array,
  f: number,
  width: number,
  weight: ArrayLike<number>,
  total: number,
  fill: number,
): number {
  const n = weight.length;
  // from the first row on: a column of one value has no spread, not one of rounding
  const first = filled(values[f], fill);
  const at = (r: number) => filled(values[r * width + f], fill) - first;
  let mean = 0;
  for (let r = 0; r < n; r++) mean += (weight[r] / total) * at(r);
  let square = 0;
  for (let r = 0; r < n; r++) square += (weight[r] / total) * squareOf(at(r) - mean);
  return Math.sqrt(square);
}
