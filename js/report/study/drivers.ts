// What drives the prediction. In: a model and sampled rows; out: its features by strength.

import { type FeatureSensitivity, sensitivitySummary } from "../../sensitivity.js";
import type { Constraint, Feature } from "../../types.js";
import type { ReportModel } from "../gather.js";

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

/** The drivers, the strongest first. */
export function driversOf(model: ReportModel, sample: Float32Array, weights: Float64Array): Driver[] {
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
