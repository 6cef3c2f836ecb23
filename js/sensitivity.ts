// What drives the prediction, over many rows. In: a model and rows; out: summaries, curves and rankings as plain numbers.
// Sources: NeuralSens' three measures and alpha-curves (Pizarroso, Portela & Muñoz 2022); partial dependence (Friedman 2001); ICE (Goldstein
// et al. 2015); accumulated local effects (Apley & Zhu 2020); permutation importance (Breiman 2001).

import { rangeError, typeError } from "./errors.js";
import { exp, log } from "./math.js";
import { type AnyRows, type Encoded, encodeRows, numericColumn, type Rows, readTable } from "./rows.js";
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
  /** Mean, standard deviation and root of the mean square of the partial derivative, in target units per feature unit. */
  mean: number;
  sd: number;
  meanSquare: number;
  min: number;
  max: number;
  quantiles: { p5: number; p25: number; p50: number; p75: number; p95: number };
  /** Share of rows with a derivative below 0. */
  negative: number;
  /** Share of rows whose derivative breaks the constraint; counted, though it is 0 by construction. */
  wrongSign: number;
  /** Share of rows where this feature moves the prediction most: largest |derivative| × the feature's standard deviation. */
  largest: number;
  /** Standard deviation of the feature over the rows. */
  spread: number;
  /** Rank by root mean square × spread, 1 the largest driver, and its 95 % bootstrap interval over rows. */
  rank: number;
  rankInterval: [number, number];
}

export interface SensitivitySummary {
  rows: number;
  features: FeatureSensitivity[];
}

/** A small seeded generator (mulberry32): uniform in [0, 1). */
function generator(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The value below which a share `p` of sorted numbers lies, linear between them. */
function quantileOf(sorted: Float64Array, p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = p * (sorted.length - 1);
  const k = Math.floor(at);
  const next = Math.min(sorted.length - 1, k + 1);
  return sorted[k] + (at - k) * (sorted[next] - sorted[k]);
}

/**
 * Partial derivatives of `rows`, summed up per feature.
 *
 * @param options.weights one weight a row; options.bootstrap resamples for the rank intervals (default 200); options.seed
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
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const weight = options.weights ?? new Float64Array(n).fill(1);
  if (weight.length !== n) throw rangeError("weights", `${n} numbers, one a row`, weight.length);
  let total = 0;
  for (let r = 0; r < n; r++) {
    if (!(weight[r] >= 0)) throw rangeError(`weights[${r}]`, "a number of at least 0", weight[r]);
    total += weight[r];
  }
  if (!(total > 0)) throw rangeError("weights", "at least one above 0", "none");
  const slopes = model.sensitivityMany(values);
  const spread = features.map((feature, f) =>
    feature.kind === "number" ? spreadOf(values, f, width, n, feature.fill ?? 0) : 0,
  );

  // root mean square × spread, for the rows counted `times` each
  const strengths = (times: ArrayLike<number>) => {
    const sums = new Float64Array(width);
    for (let r = 0; r < n; r++) {
      if (times[r] === 0) continue;
      for (let f = 0; f < width; f++) sums[f] += times[r] * slopes[r * width + f] * slopes[r * width + f];
    }
    return sums.map((v, f) => Math.sqrt(v) * spread[f]);
  };
  const ranksOf = (strength: Float64Array) => {
    const order = Array.from(strength.keys()).sort((a, b) => strength[b] - strength[a] || a - b);
    const ranks = new Int32Array(width);
    order.forEach((f, k) => {
      ranks[f] = k + 1;
    });
    return ranks;
  };
  const ranks = ranksOf(strengths(weight));
  const random = generator(options.seed ?? 1);
  const repeats = options.bootstrap ?? 200;
  const resampled = features.map(() => new Float64Array(repeats));
  const times = new Float64Array(n);
  for (let b = 0; b < repeats; b++) {
    times.fill(0);
    for (let r = 0; r < n; r++) {
      const k = Math.floor(random() * n);
      times[k] += weight[k];
    }
    const again = ranksOf(strengths(times));
    for (let f = 0; f < width; f++) resampled[f][b] = again[f];
  }

  const largest = new Float64Array(width);
  for (let r = 0; r < n; r++) {
    let best = -1;
    let most = 0;
    for (let f = 0; f < width; f++) {
      const moves = Math.abs(slopes[r * width + f]) * spread[f];
      if (moves > most) {
        most = moves;
        best = f;
      }
    }
    if (best >= 0) largest[best] += weight[r];
  }

  return {
    rows: n,
    features: features.map((feature, f): FeatureSensitivity => {
      const column = new Float64Array(n);
      let mean = 0;
      let square = 0;
      let negative = 0;
      let wrong = 0;
      for (let r = 0; r < n; r++) {
        const s = slopes[r * width + f];
        column[r] = s;
        mean += weight[r] * s;
        square += weight[r] * s * s;
        if (s < 0) negative += weight[r];
        if ((feature.constraint === "increasing" && s < 0) || (feature.constraint === "decreasing" && s > 0))
          wrong += weight[r];
      }
      mean /= total;
      square /= total;
      column.sort();
      const bootstrap = resampled[f].sort();
      return {
        name: feature.name,
        constraint: feature.constraint,
        mean,
        sd: Math.sqrt(Math.max(0, square - mean * mean)),
        meanSquare: Math.sqrt(square),
        min: column[0],
        max: column[n - 1],
        quantiles: {
          p5: quantileOf(column, 0.05),
          p25: quantileOf(column, 0.25),
          p50: quantileOf(column, 0.5),
          p75: quantileOf(column, 0.75),
          p95: quantileOf(column, 0.95),
        },
        negative: negative / total,
        wrongSign: wrong / total,
        largest: largest[f] / total,
        spread: spread[f],
        rank: ranks[f],
        rankInterval:
          repeats > 0
            ? [Math.round(quantileOf(bootstrap, 0.025)), Math.round(quantileOf(bootstrap, 0.975))]
            : [ranks[f], ranks[f]],
      };
    }),
  };
}

function spreadOf(values: Float32Array, f: number, width: number, n: number, fill: number): number {
  let mean = 0;
  for (let r = 0; r < n; r++) mean += filled(values[r * width + f], fill) / n;
  let square = 0;
  for (let r = 0; r < n; r++) square += squareOf(filled(values[r * width + f], fill) - mean) / n;
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

/** How the prediction depends on one feature over the rows. `options.grid` points (default 20), `options.ice` rows' own curves (default 30). */
export function partialDependence(
  model: Sensitive,
  rows: AnyRows,
  feature: string,
  options: { grid?: number; ice?: number } = {},
): PartialDependence {
  const { features } = model;
  const f = indexOf(features, feature);
  const width = features.length;
  const values = encodeRows(rows, features).slice();
  const n = values.length / width;
  if (n === 0) throw rangeError("rows", "at least one row", "none");
  const category = features[f].kind === "category";
  const grid = category
    ? (features[f].categories as string[]).map((_, k) => k)
    : gridOf(values, f, width, n, options.grid ?? 20, features[f].fill ?? 0);
  const own = Float32Array.from({ length: n }, (_, r) => values[r * width + f]);
  const shown = Math.min(n, options.ice ?? 30);
  const picked = Array.from({ length: shown }, (_, k) => Math.floor((k * n) / shown));
  const curves: number[][] = picked.map(() => []);
  const pdp = grid.map((v) => {
    for (let r = 0; r < n; r++) values[r * width + f] = v;
    const p = model.predictMany(values);
    picked.forEach((r, k) => {
      curves[k].push(p[r]);
    });
    return meanOf(p);
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
      sum[cell[r]] += b[r] - a[r];
      count[cell[r]]++;
    }
    ale = [0];
    for (let k = 0; k < sum.length; k++) ale.push(ale[k] + (count[k] ? sum[k] / count[k] : 0));
    let centre = 0;
    for (let k = 0; k < sum.length; k++) centre += (count[k] / n) * ((ale[k] + ale[k + 1]) / 2);
    ale = ale.map((v) => v - centre);
  }
  return { feature, grid: category ? (features[f].categories as string[]) : grid, pdp, ice, ale };
}

/** Mean prediction over the rows with two numeric features set to each pair of grid values: values[i][j] at a[i], b[j]. */
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
  const points = options.grid ?? 12;
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
 * Strength of each pair's interaction: root mean square over rows of f(++) - f(+-) - f(-+) + f(--), each feature moved from its lower to its
 * upper quartile; 0 where the pair only adds up. In target units, strongest first.
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
  const most = Math.min(n, options.most ?? 500);
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

/** How much the RMSE on `rows` grows when a feature's values are shuffled among them, mean over repeats; use rows the model was not trained on. */
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
  const rmse = (x: Float32Array) => {
    const p = model.predictMany(x);
    let square = 0;
    for (let r = 0; r < n; r++) square += squareOf(p[r] - actual[r]) / n;
    return Math.sqrt(square);
  };
  const base = rmse(values);
  const random = generator(options.seed ?? 1);
  const repeats = options.repeats ?? 5;
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
 * climbs steeply belongs to a feature that matters only in a region.
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
