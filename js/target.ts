// The target in the units of its loss (assembly/loss.ts), and the way back. In: n targets as given, case weights of mean one; out: y for the
// kernels, and scale, offset and link for the model file.

import { quote, rangeError } from "./errors.js";
import { meanOf } from "./metrics.js";
import type { Schema } from "./schema.js";
import type { Floats } from "./table.js";
import type { Link } from "./types.js";

/** The least prediction of a log link: assembly/math.ts holds exponents to -87.3. */
const LEAST = 1.3e-38;

/** Numbers through `f`, rounded; typed arrays' own `from` goes through an iterator and keeps every number twice. */
export function toFloat32(values: Floats, f: (v: number) => number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < values.length; r++) out[r] = f(values[r]);
  return out;
}

/** What makes case weights have mean one. */
export function meanOne(values: Floats): (v: number) => number {
  let sum = 0;
  for (let r = 0; r < values.length; r++) sum += values[r];
  return (v) => (v * values.length) / sum;
}

export interface Target {
  y: Float32Array;
  /** One target in the units of the loss. */
  unit(v: number): number;
  scale: number;
  offset: number;
  link: Link;
  /** Huber's delta, or the bound of the log link, in the units of the loss. */
  parameter: number;
}

/**
 * The target in the units of its loss (assembly/loss.ts), and the way back.
 *
 * @throws RangeError where a log link cannot reach its mean, or float32 not the spread
 */
export function scaleTarget(
  actual: Floats,
  weight: Float32Array | undefined,
  schema: Schema,
  log: (x: number) => number,
): Target {
  const n = actual.length;
  const m = meanOf(actual, weight);
  // a target that has no weight says nothing: it stands at the mean, and no bound is made for it
  const values: Floats = weight?.includes(0) ? actual.map((v, r) => (weight[r] === 0 ? m : v)) : actual;
  const name = schema.loss.name;
  if (name === "poisson" || name === "gamma") {
    if (m < LEAST) throw rangeError(schema.target, `a mean from ${LEAST} on for the loss "${name}"`, m);
    const offset = log(Math.fround(m));
    let high = 0;
    for (let r = 0; r < n; r++) if (values[r] > high) high = values[r];
    // predictions are held to twice the largest target: an exponential beyond the data explodes
    const maximum = log(Math.fround(2 * high));
    const unit = (v: number) => v / m;
    return {
      y: toFloat32(values, unit),
      unit,
      scale: 1,
      offset,
      link: { name: "exp", maximum },
      parameter: maximum - offset,
    };
  }
  if (name === "logistic") {
    const unit = (v: number) => v;
    return { y: Float32Array.from(values), unit, scale: 1, offset: 0, link: { name: "logistic" }, parameter: 0 };
  }
  let total = 0;
  let square = 0;
  for (let r = 0; r < n; r++) {
    const w = weight ? weight[r] : 1;
    total += w;
    square += w * (actual[r] - m) * (actual[r] - m);
  }
  const sd = Math.sqrt(square / total);
  if (Math.fround(sd) === 0)
    throw new RangeError(
      `target ${quote(schema.target)} has a standard deviation of ${sd}, too small for float32: give it in a smaller unit, or weights that are less far apart`,
    );
  const unit = (v: number) => (v - m) / sd;
  return {
    y: toFloat32(values, unit),
    unit,
    scale: sd,
    offset: m,
    link: { name: "identity" },
    parameter: name === "huber" ? (schema.loss.delta as number) : 0,
  };
}
