// Raw rows to network inputs. In: rows of features, float32, row-major (a category is its number, a missing value NaN).
// Out: z = clamp((t - center) * scale, -50, 50), t the transformed feature; every step non-decreasing in the feature, float32 included.

import { EQUALS, featureCount, inputs, LINEAR, LOG1P, MISSING, part, rowLength } from "./image";
import { logf, logit } from "./math";

export const CLIP: f32 = 50;

/** Whether input i is feature i, linear and never missing: the rows then need no look at each feature. */
export function isPlain(model: usize): bool {
  return load<i32>(model, 28) != 0;
}

/**
 * One raw row at `raw` to dp floats at `z`. False for a row with an infinite number, or with a missing one whose feature does not allow that: its
 * fill is NaN.
 */
export function prepareRow(model: usize, raw: usize, z: usize): bool {
  const d = inputs(model);
  const center = part(model, 15);
  const scale = part(model, 16);
  if (isPlain(model)) {
    const high = f32x4.splat(CLIP);
    const low = f32x4.splat(-CLIP);
    const zero = f32x4.splat(0);
    let strange = zero;
    for (let i: usize = 0; i < (<usize>d) << 2; i += 16) {
      const given = v128.load(raw + i);
      const factor = v128.load(scale + i);
      const v = f32x4.mul(f32x4.sub(given, v128.load(center + i)), factor);
      v128.store(z + i, f32x4.pmin(f32x4.pmax(v, low), high));
      // beyond the last input lies anything; its scale is 0
      strange = v128.or(strange, v128.and(f32x4.ne(f32x4.sub(given, given), zero), f32x4.ne(factor, zero)));
    }
    return !v128.any_true(strange);
  }
  const feature = part(model, 11);
  const kind = part(model, 12);
  const argument = part(model, 13);
  const fill = part(model, 14);
  let fine = true;
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
    const v = load<f32>(raw + ((<usize>load<i32>(feature + i)) << 2));
    fine = fine && abs(v) != Infinity;
    let t = inputOf(load<i32>(kind + i), v, load<f32>(argument + i), load<f32>(fill + i));
    t = (t - load<f32>(center + i)) * load<f32>(scale + i);
    fine = fine && t == t;
    t = t < -CLIP ? -CLIP : t;
    store<f32>(z + i, t > CLIP ? CLIP : t);
  }
  return fine;
}

/** A raw value by its transform, neither centred nor scaled. */
export function inputOf(transform: i32, v: f32, argument: f32, fill: f32): f32 {
  const missing = v != v;
  if (transform == LINEAR) return missing ? fill : v;
  if (transform == LOG1P) {
    const q = (missing ? fill : v) / argument;
    // NaN passes: the logarithm's bit tricks would make a number of it
    return q >= 0 ? logf(<f32>1 + q) : q;
  }
  if (transform == EQUALS) return v == argument ? 1 : 0;
  if (transform == MISSING) return missing ? 1 : 0;
  return logit(v);
}

/**
 * Eight raw rows of a plain model to z, transposed to [d][8] at `xt` on the way (the picture is at `transpose8`): prepareRow's bits. False
 * where a number is not finite, and where some add up to more than float32 holds: one addition a vector tells. prepareRow looks at each then.
 */
export function preparePlain8(model: usize, raw: usize, xt: usize): bool {
  const d = inputs(model);
  const step = (<usize>d) << 2;
  const centers = part(model, 15);
  const scales = part(model, 16);
  let sum = f32x4.splat(0);
  for (let half: usize = 0; half < 2; half++) {
    const r0 = raw + half * 4 * step;
    const r1 = r0 + step;
    const r2 = r1 + step;
    const r3 = r2 + step;
    let to = xt + (half << 4);
    for (let i: usize = 0; i < step; i += 16) {
      const a = v128.load(r0 + i);
      const b = v128.load(r1 + i);
      const c = v128.load(r2 + i);
      const e = v128.load(r3 + i);
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
      const ce0 = v128.shuffle<i32>(c, e, 0, 4, 1, 5);
      const ce1 = v128.shuffle<i32>(c, e, 2, 6, 3, 7);
      // with offsets that are constants, V8 computes no address
      const center = centers + i;
      const scale = scales + i;
      let t = v128.shuffle<i64>(ab0, ce0, 0, 2);
      sum = f32x4.add(sum, t);
      v128.store(to, scaled(t, v128.load32_splat(center), v128.load32_splat(scale)));
      if (i + 4 < step) {
        t = v128.shuffle<i64>(ab0, ce0, 1, 3);
        sum = f32x4.add(sum, t);
        v128.store(to, scaled(t, v128.load32_splat(center, 4), v128.load32_splat(scale, 4)), 32);
      }
      if (i + 8 < step) {
        t = v128.shuffle<i64>(ab1, ce1, 0, 2);
        sum = f32x4.add(sum, t);
        v128.store(to, scaled(t, v128.load32_splat(center, 8), v128.load32_splat(scale, 8)), 64);
      }
      if (i + 12 < step) {
        t = v128.shuffle<i64>(ab1, ce1, 1, 3);
        sum = f32x4.add(sum, t);
        v128.store(to, scaled(t, v128.load32_splat(center, 12), v128.load32_splat(scale, 12)), 96);
      }
      to += 128;
    }
  }
  const zero = f32x4.sub(sum, sum);
  return !v128.any_true(f32x4.ne(zero, zero));
}

function scaled(t: v128, center: v128, scale: v128): v128 {
  const v = f32x4.mul(f32x4.sub(t, center), scale);
  return f32x4.pmin(f32x4.pmax(v, f32x4.splat(-CLIP)), f32x4.splat(CLIP));
}

/**
 * Derivatives by the inputs at `dz` (d floats) to derivatives by the features at `out` (one a feature, zeroed here): chain rule through
 * clip and transform, times `factor` (model scale * link'). No negative factor anywhere, so a sign passes through unchanged.
 */
export function prepareRowBackward(model: usize, raw: usize, z: usize, dz: usize, factor: f32, out: usize): void {
  const d = inputs(model);
  const scale = part(model, 16);
  if (isPlain(model)) {
    const factors = f32x4.splat(factor);
    const high = f32x4.splat(CLIP);
    // whole vectors: the next row is written later, and the host leaves room after the last
    for (let i: usize = 0; i < (<usize>d) << 2; i += 16) {
      const inside = f32x4.lt(f32x4.abs(v128.load(z + i)), high);
      const slope = f32x4.mul(f32x4.mul(v128.load(dz + i), factors), v128.load(scale + i));
      // + 0 as below: no -0
      v128.store(out + i, v128.and(f32x4.add(f32x4.splat(0), slope), inside));
    }
    return;
  }
  memory.fill(out, 0, (<usize>featureCount(model)) << 2);
  const feature = part(model, 11);
  const kind = part(model, 12);
  const argument = part(model, 13);
  const fill = part(model, 14);
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
    const transform = load<i32>(kind + i);
    if (transform != LINEAR && transform != LOG1P) continue;
    const at = (<usize>load<i32>(feature + i)) << 2;
    const inside = load<f32>(z + i);
    if (inside <= -CLIP || inside >= CLIP) continue;
    let slope = load<f32>(scale + i);
    if (transform == LOG1P) {
      let v = load<f32>(raw + at);
      if (v != v) v = load<f32>(fill + i);
      slope = slope / (load<f32>(argument + i) + (v < 0 ? 0 : v));
    }
    store<f32>(out + at, load<f32>(out + at) + load<f32>(dz + i) * factor * slope);
  }
}
