// What a fold's models say beside their scores: how often intervals hold, and where a fit without constraints goes against them. Sums over rows,
// fold by fold.

import type { Direction } from "./crossval.js";
import { type Part, rowsOf } from "./foldparts.js";
import type { Model } from "./model.js";
import type { FeatureSpec, Schema } from "./schema.js";

/** How often intervals of one coverage held, and how wide they were: sums over rows by their weight. */
interface Held {
  coverage: number;
  held: number;
  width: number;
  weight: number;
  /** How many folds' models have none, and what the last of them says of it. */
  without: number;
  why: string;
}

/** Adds the intervals of the left-out rows; of a coverage that the model has none for, why. */
export function addIntervals(model: Model, { columns, y, weight }: Part, intervals: Held[], schema: Schema): void {
  const rows = rowsOf(columns, schema);
  for (const sums of intervals) {
    const { coverage } = sums;
    let ends: [number, number][];
    try {
      ends = rows.map((row) =>
        schema.loss.levels
          ? [model.quantile(row, (1 - coverage) / 2), model.quantile(row, (1 + coverage) / 2)]
          : model.predictInterval(row, coverage),
      );
    } catch (error) {
      // too few rows for this coverage, no rows left out, or probabilities: no interval to check
      if (!(error instanceof RangeError)) throw error;
      sums.without++;
      sums.why = error.message;
      continue;
    }
    ends.forEach(([low, high], i) => {
      const w = weight ? weight[i] : 1;
      sums.weight += w;
      if (low <= y[i] && y[i] <= high) sums.held += w;
      sums.width += w * (high - low);
    });
  }
}

/** What a free fit says of the constraints: sums over rows. */
interface Against {
  rows: number;
  wrong: number;
  slope: number;
}

/** Adds the derivatives of a free fit, [rows][features]. */
export function addSlopes(
  slopes: Float32Array,
  constrained: readonly FeatureSpec[],
  schema: Schema,
  against: Against[],
): void {
  const width = schema.features.length;
  constrained.forEach((feature, c) => {
    const sign = feature.constraint === "increasing" ? 1 : -1;
    for (let at = schema.features.indexOf(feature); at < slopes.length; at += width) {
      if (slopes[at] * sign < 0) against[c].wrong++;
      against[c].slope += slopes[at];
      against[c].rows++;
    }
  });
}

/** Constrained features, the most contradicted first. */
export function directionsOf(constrained: readonly FeatureSpec[], against: Against[]): Direction[] {
  return constrained
    .map(({ name, constraint }, c) => {
      const { rows, wrong, slope } = against[c];
      return {
        feature: name,
        constraint: constraint as "increasing" | "decreasing",
        against: wrong / rows,
        slope: slope / rows,
      };
    })
    .sort((a, b) => b.against - a.against);
}
