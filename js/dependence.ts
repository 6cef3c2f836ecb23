// How the prediction moves with one feature or two, over many rows. In: a model and rows; out: curves, surfaces and pairs as plain numbers.
// Sources: partial dependence (Friedman 2001); ICE (Goldstein et al. 2015); accumulated local effects (Apley & Zhu 2020). docs/sensitivity.md has the formulas.

import { list, onlyOptions, rangeError, typeError } from "./errors.js";
import { meanOf } from "./metrics.js";
import { type AnyRows, type Encoded, encodeRows } from "./rows.js";
import { featuresOf, type Sensitive } from "./sensitivity.js";
import { countOf, filled, quantileOf, someRows, squareOf, weightsOf } from "./statistics.js";

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
  const features = featuresOf(model);
  const f = indexOf(features, feature);
  const width = features.length;
  const encoded = encodeRows(rows, features);
  const values = encoded.slice();
  const n = values.length / width;
  onlyOptions(options, "grid ice weights", "partialDependence");
  const { weight, total } = weightsOf(n, options.weights);
  const points = countOf("grid", 2, options.grid, 20);
  const category = features[f].kind === "category";
  const grid = category
    ? (features[f].categories as string[]).map((_, k) => k)
    : gridOf(values, f, width, n, points, features[f].fill ?? 0);
  const shown = Math.min(n, countOf("ice", 0, options.ice, 30));
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
  const ale = category ? [] : effectsOf(model, encoded, f, grid, weight, total);
  return { feature, grid: category ? (features[f].categories as string[]) : grid, pdp, ice, ale };
}

/** Accumulated local effects of number f along the grid; [] where that has one point. `values` is [n][features]. */
function effectsOf(
  model: Sensitive,
  values: Float32Array,
  f: number,
  grid: number[],
  weight: ArrayLike<number>,
  total: number,
): number[] {
  if (grid.length < 2) return [];
  const width = model.features.length;
  const n = weight.length;
  // rows in each interval of the grid, moved to its two ends
  const low = values.slice();
  const high = values.slice();
  const cell = new Int32Array(n);
  for (let r = 0; r < n; r++) {
    const v = filled(values[r * width + f], model.features[f].fill ?? 0);
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
  const ale = [0];
  for (let k = 0; k < sum.length; k++) ale.push(ale[k] + (count[k] ? sum[k] / count[k] : 0));
  let centre = 0;
  for (let k = 0; k < sum.length; k++) centre += (count[k] / total) * ((ale[k] + ale[k + 1]) / 2);
  return ale.map((v) => v - centre);
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
  const features = featuresOf(model);
  const [f, g] = [indexOf(features, first, "number"), indexOf(features, second, "number")];
  if (f === g) throw rangeError("second", `a feature other than "${first}"`, second);
  const width = features.length;
  const values = encodeRows(rows, features).slice();
  const n = values.length / width;
  someRows(n);
  onlyOptions(options, "grid", "surface");
  const points = countOf("grid", 2, options.grid, 12);
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
  const features = featuresOf(model);
  const width = features.length;
  const all = encodeRows(rows, features);
  const n = all.length / width;
  someRows(n);
  onlyOptions(options, "most", "interactions");
  const most = Math.min(n, countOf("most", 1, options.most, 500));
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

function indexOf(features: readonly Encoded[], name: string, kind?: "number"): number {
  if (typeof name !== "string") throw typeError("feature", "a feature's name", name);
  const f = features.findIndex((feature) => feature.name === name);
  if (f < 0) throw rangeError("feature", `one of ${list(features.map((feature) => feature.name))}`, name);
  if (kind && features[f].kind !== kind) throw rangeError("feature", "a numeric feature", name);
  return f;
}

/** Grid points evenly spaced in rank, each value once. */
function gridOf(values: Float32Array, f: number, width: number, n: number, points: number, fill: number): number[] {
  const sorted = Float32Array.from({ length: n }, (_, r) => filled(values[r * width + f], fill)).sort();
  const grid = Array.from({ length: points }, (_, k) => sorted[Math.round((k * (n - 1)) / Math.max(1, points - 1))]);
  return [...new Set(grid)];
}
