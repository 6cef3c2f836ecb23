// What drives the prediction, over many rows. In: a model and rows; out: summaries, curves and rankings as plain numbers.
// Sources: NeuralSens' three measures and alpha-curves (Pizarroso, Portela & Muñoz 2022); partial dependence (Friedman 2001); ICE (Goldstein
// et al. 2015); accumulated local effects (Apley & Zhu 2020); permutation importance (Breiman 2001). docs/sensitivity.md has the formulas.

import { rangeError, typeError } from "./errors.js";
import { exp, log } from "./math.js";
import { uniform } from "./random.js";
import { type AnyRows, type Encoded, encodeRows, type Rows } from "./rows.js";
import { numericColumn, readTable } from "./table.js";
import type { Constraint, Feature } from "./types.js";

/** What these functions need of a model. */
export interface Sensitive {
  readonly features: readonly Feature[];
  predictMany(rows: AnyRows): Float32Array;
  sensitivityMany(rows: AnyRows): Float32Array;
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

/** The value below which a share `p` of sorted numbers lies, linear between them. */
function quantileOf(sorted: ArrayLike<number>, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = p * (sorted.length - 1);
  const k = Math.floor(at);
  const next = Math.min(sorted.length - 1, k + 1);
  return sorted[k] + (at - k) * (sorted[next] - sorted[k]);
}

/**
 * The same with weights: the i-th of the sorted values stands at the weight before it plus half its own, the first at 0 and the last at 1, and
 * the quantile is linear between them. Equal weights give quantileOf; only the weights' ratios count.
 */
function weightedQuantiles(values: ArrayLike<number>, weight: ArrayLike<number>, shares: readonly number[]): number[] {
  const order = Array.from({ length: values.length }, (_, r) => r)
    .filter((r) => weight[r] > 0)
    .sort((a, b) => values[a] - values[b]);
  const places: number[] = [];
  let before = 0;
  for (const r of order) {
    places.push(before + weight[r] / 2);
    before += weight[r];
  }
  const last = order.length - 1;
  let k = 0;
  return shares.map((p) => {
    const at = places[0] + p * (places[last] - places[0]);
    while (k < last && places[k + 1] <= at) k++;
    if (k === last) return values[order[last]];
    const share = (at - places[k]) / (places[k + 1] - places[k]);
    return values[order[k]] + share * (values[order[k + 1]] - values[order[k]]);
  });
}

/** Checked case weights; all 1 where none are given. */
function weightsOf(given: ArrayLike<number> | undefined, n: number): { weight: ArrayLike<number>; total: number } {
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const weight = given ?? new Float64Array(n).fill(1);
  if (weight.length !== n) throw rangeError("options.weights", `${n} numbers, one a row`, weight.length);
  let total = 0;
  for (let r = 0; r < n; r++) {
    if (!(weight[r] >= 0 && weight[r] < Number.POSITIVE_INFINITY))
      throw rangeError(`options.weights[${r}]`, "a finite number of at least 0", weight[r]);
    total += weight[r];
  }
  if (!(total > 0)) throw rangeError("options.weights", "at least one above 0", "none");
  return { weight, total };
}

/** A whole number among the options. */
function countOf(name: string, value: number | undefined, otherwise: number, least: number): number {
  const v = value ?? otherwise;
  if (!(Number.isInteger(v) && v >= least && v <= 1e9))
    throw rangeError(`options.${name}`, `a whole number of at least ${least}`, v);
  return v;
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
  const { features } = model;
  const width = features.length;
  const values = encodeRows(rows, features);
  const n = values.length / width;
  const { weight, total } = weightsOf(options.weights, n);
  const repeats = countOf("bootstrap", options.bootstrap, 200, 0);
  const random = uniform(countOf("seed", options.seed, 1, 0));
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

  const largest = new Float64Array(width);
  for (let r = 0; r < n; r++) {
    let best = -1;
    let most = 0;
    for (let f = 0; f < width; f++) {
      if (moves[r * width + f] <= most) continue;
      most = moves[r * width + f];
      best = f;
    }
    if (best >= 0) largest[best] += weight[r];
  }

  return {
    rows: n,
    features: features.map((feature, f): FeatureSensitivity => {
      const column = Float64Array.from({ length: n }, (_, r) => slopes[r * width + f]);
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
        if ((feature.constraint === "increasing" && s < 0) || (feature.constraint === "decreasing" && s > 0))
          wrong += weight[r];
      }
      for (let r = 0; r < n; r++) square += (weight[r] / total) * squareOf(column[r] - mean);
      const [p5, p25, p50, p75, p95] = weightedQuantiles(column, weight, [0.05, 0.25, 0.5, 0.75, 0.95]);
      const meanSquare = square + mean * mean;
      const [firstRank, lastRank] = middle(again.rank[f], ranks[f]);
      return {
        name: feature.name,
        constraint: feature.constraint,
        mean,
        sd: Math.sqrt(square),
        meanSquare,
        rootMeanSquare: Math.sqrt(meanSquare),
        min,
        max,
        quantiles: { p5, p25, p50, p75, p95 },
        negative: negative / total,
        wrongSign: wrong / total,
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
  let mean = 0;
  for (let r = 0; r < n; r++) mean += (weight[r] / total) * filled(values[r * width + f], fill);
  let square = 0;
  for (let r = 0; r < n; r++) square += (weight[r] / total) * squareOf(filled(values[r * width + f], fill) - mean);
  return Math.sqrt(square);
}

const filled = (v: number, fill: number) => (v === v ? v : fill);

/** `**` is Math.pow, which engines may round differently. */
const squareOf = (v: number) => v * v;
const power = (v: number, by: number) => (v > 0 ? exp(by * log(v)) : 0);

export interface PartialDependence {
  feature: string;
  /** Values of the feature: evenly spaced in rank for numbers, the categories for categories. */
  grid: (number | string)[];
  /** Mean prediction with the feature set to each grid value in every row. Misleads where the feature is correlated with others: then read `ale`. */
  pdp: number[];
  /** A few rows' own curves, each minus its value at the first grid point. */
  ice: number[][];
  /** Accumulated local effects, mean 0 over the rows: only differences between neighbouring values in rows that lie there. Empty for categories. */
  ale: number[];
}

/**
 * How the prediction depends on one feature over the rows: averages of the whole model, whose shape keeps the constraint.
 *
 * @param options.grid points (default 20); options.ice rows with curves of their own (default 30); options.weights case weights, one a row
 * @throws RangeError for a feature that the model does not have, or an option
 * @example
 * const { grid, pdp, ale } = partialDependence(model, rows, "scan");
 */
export function partialDependence(
  model: Sensitive,
  rows: AnyRows,
  feature: string,
  options: { grid?: number; ice?: number; weights?: ArrayLike<number> } = {},
): PartialDependence {
  const { features } = model;
  const f = indexOf(features, feature);
  const width = features.length;
  const values = encodeRows(rows, features).slice();
  const n = values.length / width;
  const { weight, total } = weightsOf(options.weights, n);
  const points = countOf("grid", options.grid, 20, 2);
  const category = features[f].kind === "category";
  const grid = category
    ? (features[f].categories as string[]).map((_, k) => k)
    : gridOf(values, f, width, n, points, features[f].fill ?? 0);
  const own = Float32Array.from({ length: n }, (_, r) => values[r * width + f]);
  const shown = Math.min(n, countOf("ice", options.ice, 30, 0));
  const picked = Array.from({ length: shown }, (_, k) => Math.floor((k * n) / shown));
  const curves: number[][] = picked.map(() => []);
  const pdp = grid.map((v) => {
    for (let r = 0; r < n; r++) values[r * width + f] = v;
    const p = model.predictMany(values);
    picked.forEach((r, k) => {
      curves[k].push(p[r]);
    });
    let mean = 0;
    for (let r = 0; r < n; r++) mean += (weight[r] / total) * p[r];
    return mean;
  });
  const ice = curves.map((curve) => curve.map((v) => v - curve[0]));
  let ale: number[] = [];
  if (!category && grid.length > 1) {
    // rows in each interval of the grid, moved to its two ends
    const low = values.slice();
    const high = values.slice();
    const cell = new Int32Array(n);
    for (let r = 0; r < n; r++) {
      const v = filled(own[r], features[f].fill ?? 0);
      let k = 0;
      while (k < grid.length - 2 && v > grid[k + 1]) k++;
      cell[r] = k;
      low[r * width + f] = grid[k];
      high[r * width + f] = grid[k + 1];
    }
    const a = model.predictMany(low);
    const b = model.predictMany(high);
    const sum = new Float64Array(grid.length - 1);
    const count = new Float64Array(grid.length - 1);
    for (let r = 0; r < n; r++) {
      sum[cell[r]] += weight[r] * (b[r] - a[r]);
      count[cell[r]] += weight[r];
    }
    ale = [0];
    for (let k = 0; k < sum.length; k++) ale.push(ale[k] + (count[k] ? sum[k] / count[k] : 0));
    let centre = 0;
    for (let k = 0; k < sum.length; k++) centre += (count[k] / total) * ((ale[k] + ale[k + 1]) / 2);
    ale = ale.map((v) => v - centre);
  }
  return { feature, grid: category ? (features[f].categories as string[]) : grid, pdp, ice, ale };
}

/**
 * Two-way partial dependence: the mean prediction over the rows with two numeric features set to each pair of grid values.
 *
 * @returns values[i][j] at a[i], b[j]
 * @example
 * const { a, b, values } = surface(model, rows, "scan", "staff", { grid: 12 });
 */
export function surface(
  model: Sensitive,
  rows: AnyRows,
  first: string,
  second: string,
  options: { grid?: number } = {},
): { a: number[]; b: number[]; values: number[][] } {
  const { features } = model;
  const [f, g] = [indexOf(features, first, "number"), indexOf(features, second, "number")];
  if (f === g) throw rangeError("second", `a feature other than "${first}"`, second);
  const width = features.length;
  const values = encodeRows(rows, features).slice();
  const n = values.length / width;
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const points = countOf("grid", options.grid, 12, 2);
  const a = gridOf(values, f, width, n, points, features[f].fill ?? 0);
  const b = gridOf(values, g, width, n, points, features[g].fill ?? 0);
  const out = a.map((v) =>
    b.map((w) => {
      for (let r = 0; r < n; r++) {
        values[r * width + f] = v;
        values[r * width + g] = w;
      }
      return meanOf(model.predictMany(values));
    }),
  );
  return { a, b, values: out };
}

/**
 * Strength of each pair of numeric features' interaction: root mean square over rows of the mixed difference f(++) - f(+-) - f(-+) + f(--), each
 * feature moved from its lower to its upper quartile (its whole range where these are equal), the others as they are in the row; 0 where the
 * pair only adds up. In target units, strongest first.
 *
 * @param options.most rows that are looked at, evenly spaced (default 500)
 * @example
 * interactions(model, rows)[0]; // { a: "scan", b: "staff", strength: 3.1 }
 */
export function interactions(
  model: Sensitive,
  rows: AnyRows,
  options: { most?: number } = {},
): { a: string; b: string; strength: number }[] {
  const { features } = model;
  const width = features.length;
  const all = encodeRows(rows, features);
  const n = all.length / width;
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const most = Math.min(n, countOf("most", options.most, 500, 1));
  const values = new Float32Array(most * width);
  for (let k = 0; k < most; k++) {
    const r = Math.floor((k * n) / most);
    values.set(all.subarray(r * width, (r + 1) * width), k * width);
  }
  const ends = features.map((feature, f) => {
    if (feature.kind !== "number") return undefined;
    const sorted = Float64Array.from({ length: n }, (_, r) => filled(all[r * width + f], feature.fill ?? 0)).sort();
    const low = quantileOf(sorted, 0.25);
    const high = quantileOf(sorted, 0.75);
    // counts are often 0 in three quarters of the rows: then the range
    return high > low ? [low, high] : [sorted[0], sorted[n - 1]];
  });
  const corner = (f: number, u: number, g: number, v: number) => {
    const copy = values.slice();
    for (let r = 0; r < most; r++) {
      copy[r * width + f] = u;
      copy[r * width + g] = v;
    }
    return model.predictMany(copy);
  };
  const out: { a: string; b: string; strength: number }[] = [];
  for (let f = 0; f < width; f++) {
    for (let g = f + 1; g < width; g++) {
      const [s, t] = [ends[f], ends[g]];
      if (!s || !t || s[0] === s[1] || t[0] === t[1]) continue;
      const [hh, hl, lh, ll] = [
        corner(f, s[1], g, t[1]),
        corner(f, s[1], g, t[0]),
        corner(f, s[0], g, t[1]),
        corner(f, s[0], g, t[0]),
      ];
      let square = 0;
      for (let r = 0; r < most; r++) square += squareOf(hh[r] - hl[r] - lh[r] + ll[r]) / most;
      out.push({ a: features[f].name, b: features[g].name, strength: Math.sqrt(square) });
    }
  }
  return out.sort((x, y) => y.strength - x.strength);
}

/**
 * How much the root mean square error on `rows` grows when a feature's values are shuffled among them: mean and standard deviation over repeats,
 * in target units. For rows that the model was not trained on.
 *
 * @param options.repeats shuffles a feature (default 5); options.seed of them
 * @example
 * permutationImportance(model, heldOut, "minutes"); // [{ name: "scan", increase: 4.2, sd: 0.1 }, …]
 */
export function permutationImportance(
  model: Sensitive,
  rows: Rows,
  target: string,
  options: { seed?: number; repeats?: number } = {},
): { name: string; increase: number; sd: number }[] {
  const { features } = model;
  const width = features.length;
  const actual = numericColumn(readTable(rows), target);
  const values = encodeRows(rows, features);
  const n = actual.length;
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const rmse = (x: Float32Array) => {
    const p = model.predictMany(x);
    let square = 0;
    for (let r = 0; r < n; r++) square += squareOf(p[r] - actual[r]) / n;
    return Math.sqrt(square);
  };
  const base = rmse(values);
  const random = uniform(countOf("seed", options.seed, 1, 0));
  const repeats = countOf("repeats", options.repeats, 5, 1);
  const copy = values.slice();
  return features.map(({ name }, f) => {
    const increases: number[] = [];
    for (let k = 0; k < repeats; k++) {
      const order = Array.from({ length: n }, (_, r) => r);
      for (let r = n - 1; r > 0; r--) {
        const s = Math.floor(random() * (r + 1));
        [order[r], order[s]] = [order[s], order[r]];
      }
      for (let r = 0; r < n; r++) copy[r * width + f] = values[order[r] * width + f];
      increases.push(rmse(copy) - base);
    }
    for (let r = 0; r < n; r++) copy[r * width + f] = values[r * width + f];
    const mean = meanOf(increases);
    return { name, increase: mean, sd: Math.sqrt(meanOf(increases.map((v) => squareOf(v - mean)))) };
  });
}

/**
 * Alpha-curves: for each feature the generalised mean of |derivative| of order alpha, from the mean (alpha 1) towards the maximum. A curve that
 * climbs steeply belongs to a feature that matters only in a region. In target units per feature unit.
 *
 * @example
 * alphaCurves(model, rows).features[0]; // { name: "scan", means: [0.8, 0.9, 1.1, 1.3, 1.5], max: 1.8 }
 */
export function alphaCurves(
  model: Sensitive,
  rows: AnyRows,
  alphas: readonly number[] = [1, 2, 4, 8, 16],
): { alphas: number[]; features: { name: string; means: number[]; max: number }[] } {
  for (const alpha of alphas)
    if (!(alpha >= 1 && Number.isFinite(alpha))) throw rangeError("alphas", "numbers of at least 1", alpha);
  const { features } = model;
  const width = features.length;
  const slopes = model.sensitivityMany(rows);
  const n = slopes.length / width;
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  return {
    alphas: [...alphas],
    features: features.map(({ name }, f) => {
      let max = 0;
      for (let r = 0; r < n; r++) max = Math.max(max, Math.abs(slopes[r * width + f]));
      // over the maximum, so that high powers neither overflow nor vanish
      const means = alphas.map((alpha) => {
        let sum = 0;
        for (let r = 0; r < n; r++) sum += max > 0 ? power(Math.abs(slopes[r * width + f]) / max, alpha) / n : 0;
        return max * power(sum, 1 / alpha);
      });
      return { name, means, max };
    }),
  };
}

function indexOf(features: readonly Encoded[], name: string, kind?: "number"): number {
  if (typeof name !== "string") throw typeError("feature", "a feature's name", name);
  const f = features.findIndex((feature) => feature.name === name);
  if (f < 0)
    throw rangeError(
      "feature",
      `one of ${features
        .slice(0, 12)
        .map((feature) => feature.name)
        .join(", ")}`,
      name,
    );
  if (kind && features[f].kind !== kind) throw rangeError("feature", "a numeric feature", name);
  return f;
}

/** Grid points evenly spaced in rank, each value once. */
function gridOf(values: Float32Array, f: number, width: number, n: number, points: number, fill: number): number[] {
  const sorted = Float32Array.from({ length: n }, (_, r) => filled(values[r * width + f], fill)).sort();
  const grid = Array.from({ length: points }, (_, k) => sorted[Math.round((k * (n - 1)) / Math.max(1, points - 1))]);
  return [...new Set(grid)];
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}
