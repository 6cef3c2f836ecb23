// How the prediction depends on one driver. In: sampled rows; out: what makes the curve of a driver, with where the values lie.

import { type PartialDependence, partialDependence } from "../../dependence.js";
import type { Constraint, Feature } from "../../types.js";
import { quantile } from "../quality.js";
import type { Driver } from "./drivers.js";
import { columnOf, every, type Sampled, someWeight } from "./sampled.js";

/** Rows that stand behind the curves. */
const CURVE_ROWS = 1000;

/** The dependence of the prediction on one driver, with where the values lie. */
export interface Curve extends PartialDependence {
  kind: Feature["kind"];
  constraint: Constraint;
  /** Categories: rows of the sample in each. */
  rows: number[];
  /** Numbers: deciles of the values. */
  deciles: number[];
}

/** What makes the curve of a driver, over CURVE_ROWS of the sampled rows at most. */
export function curvesOver({ model, values, weights }: Sampled): (driver: Driver) => Curve {
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
