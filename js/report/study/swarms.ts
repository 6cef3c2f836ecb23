// What the usual variation of a driver does, row by row. In: a driver and sampled rows; out: an effect and a place for each dot.

import type { Feature } from "../../types.js";
import type { Driver } from "./drivers.js";
import { columnOf, type Sampled } from "./sampled.js";

/** What the usual variation of a driver does, row by row. */
export interface Swarm {
  name: string;
  kind: Feature["kind"];
  /** Numbers: derivative × standard deviation; categories: own category instead of an average one. Target units. */
  effects: number[];
  /** Place of the row's value among the sampled values, 0 to 1; NaN for missing ones and categories. */
  places: number[];
}

/** The swarm of a driver. */
export function swarmOf(driver: Driver, sampled: Sampled): Swarm {
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
