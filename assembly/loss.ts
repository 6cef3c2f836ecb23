// The loss and its derivative by the sum of the networks: the one seam where a new loss goes.
// In: f (sum of the networks), y (target, scaled by the host), tau (quantile level). Squared, absolute, Huber and pinball take y in standard
// deviations; Poisson and gamma are deviances under a log link, y over its mean; logistic takes y in {0, 1} (or between).

import { expf, logf } from "./math";

export const SQUARED: i32 = 0;
export const ABSOLUTE: i32 = 1;
export const HUBER: i32 = 2;
export const POISSON: i32 = 3;
export const GAMMA: i32 = 4;
export const LOGISTIC: i32 = 5;
export const PINBALL: i32 = 6;

/** `parameter`: Huber's delta; the bound of the log link for Poisson and gamma. */
export function loss(kind: i32, f: f32, y: f32, tau: f32, parameter: f32): f32 {
  const r = f - y;
  if (kind == SQUARED) return <f32>0.5 * r * r;
  if (kind == ABSOLUTE) return abs(r);
  if (kind == HUBER) {
    const a = abs(r);
    return a < parameter ? <f32>0.5 * r * r : parameter * (a - <f32>0.5 * parameter);
  }
  if (kind == POISSON) {
    const eta = min(f, parameter);
    return expf(eta) - y * eta;
  }
  if (kind == GAMMA) {
    const eta = min(f, parameter);
    return y * expf(-eta) + eta;
  }
  if (kind == LOGISTIC) {
    // log(1 + e^f) - y f without overflow
    const top = max(f, <f32>0);
    return top - y * f + logf(<f32>1 + expf(-abs(f)));
  }
  return r < 0 ? -tau * r : (<f32>1 - tau) * r;
}

/** d loss / d f. */
export function lossBackward(kind: i32, f: f32, y: f32, tau: f32, parameter: f32): f32 {
  const r = f - y;
  if (kind == SQUARED) return r;
  if (kind == ABSOLUTE) return r > 0 ? 1 : r < 0 ? -1 : 0;
  if (kind == HUBER) return r > parameter ? parameter : r < -parameter ? -parameter : r;
  if (kind == POISSON) return expf(min(f, parameter)) - y;
  if (kind == GAMMA) return <f32>1 - y * expf(-min(f, parameter));
  if (kind == LOGISTIC) return <f32>1 / (<f32>1 + expf(-f)) - y;
  return r < 0 ? -tau : <f32>1 - tau;
}
