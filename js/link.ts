// From the sum of the networks to the prediction. In: the link of a model file, the sum scaled and moved; out: the prediction. docs/model-format.md, step 7.

import type { Link } from "./types.js";

/** The prediction of the sum `eta`, by an exponential of the caller's: float32 where the kernels' bits are wanted, else float64. */
export function linkOf(link: Link, eta: number, exp: (x: number) => number): number {
  if (link.name === "identity") return eta;
  if (link.name === "exp") return exp(Math.min(eta, link.maximum));
  return 1 / (1 + exp(-eta));
}
