// The certificate of monotonicity, from the weights alone. In: model data; out: true, or every place that breaks a declared constraint.
// With round-to-nearest, fixed order of operations and weights of the right sign, every step of prediction is non-decreasing in float32
// (docs/exactness.md), so the signs are the whole proof.

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
  const violations: Violation[] = [];
  let checked = 0;
  const signs = data.inputs.map(({ feature, transform }) => {
    if (transform === "equals" || transform === "missing") return 0;
    const constraint = feature < 0 ? "increasing" : data.features[feature].constraint;
    return constraint === "free" ? 0 : constraint === "increasing" ? 1 : -1;
  });
  const named = (i: number) =>
    data.inputs[i].feature < 0 ? "quantile level" : data.features[data.inputs[i].feature].name;
  data.networks.forEach((groups, network) => {
    groups.forEach((planes, group) => {
      planes.forEach((weights, plane) => {
        for (let i = 0; i < signs.length; i++) {
          if (signs[i] === 0) continue;
          checked++;
          if (!(weights[i] * signs[i] >= 0)) {
            violations.push({
              feature: named(i),
              constraint: signs[i] > 0 ? "increasing" : "decreasing",
              network,
              group,
              plane,
              weight: weights[i],
            });
          }
        }
      });
    });
  });
  const scales = data.scale > 0 && data.inputs.every((i) => i.scale > 0 && (i.divisor === undefined || i.divisor > 0));
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
