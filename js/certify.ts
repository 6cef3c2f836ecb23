// The certificate of monotonicity, from the weights alone. In: model data; out: true, or every place that breaks a declared constraint.
// With round-to-nearest, fixed order of operations and weights of the right sign, every step of prediction is non-decreasing in float32
// (docs/exactness.md), so the signs are the whole proof.

import { inputConstraint, signsOf } from "./format.js";
import type { Constraint, ModelData } from "./types.js";

export interface Violation {
  feature: string;
  constraint: Constraint;
  network: number;
  group: number;
  plane: number;
  weight: number;
}

export interface Certificate {
  /** No weight has the wrong sign and every scaling factor is positive. */
  monotone: boolean;
  /** Weights checked: planes × inputs of constrained features. */
  checked: number;
  violations: Violation[];
  /** Plain words. */
  statement: string;
}

/** Checks every weight of every plane against the constraint of its feature; O(planes × inputs). */
export function certifyData(data: Pick<ModelData, "features" | "inputs" | "networks" | "scale">): Certificate {
  const { features, inputs, networks } = data;
  const violations: Violation[] = [];
  let checked = 0;
  const signs = signsOf(inputs, features);
  networks.forEach((groups, network) => {
    groups.forEach((planes, group) => {
      planes.forEach((weights, plane) => {
        signs.forEach((sign, i) => {
          if (!sign) return;
          checked++;
          const weight = weights[i];
          if (weight * sign >= 0) return;
          const feature = features[inputs[i].feature]?.name ?? "quantile level";
          const constraint = inputConstraint(inputs[i], features);
          violations.push({ feature, constraint, network, group, plane, weight });
        });
      });
    });
  });
  const scales = data.scale > 0 && inputs.every((i) => i.scale > 0 && (i.divisor === undefined || i.divisor > 0));
  const monotone = violations.length === 0 && scales;
  const first = violations[0];
  return {
    monotone,
    checked,
    violations,
    statement: monotone
      ? `monotone in every constrained feature, in exact float32: ${checked} weights checked, none of the wrong sign`
      : first
        ? `not monotone: "${first.feature}" must be ${first.constraint}, but network ${first.network}, group ${first.group}, plane ${first.plane} has weight ${first.weight}` +
          (violations.length > 1 ? ` (and ${violations.length - 1} more)` : "")
        : "not monotone: a scaling factor is not positive",
  };
}
