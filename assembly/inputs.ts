// Raw rows to network inputs. In: rows of features, float32, row-major (a category is its number, a missing value NaN).
// Out: z = clamp((t - center) * scale, -50, 50), t the transformed feature; every step non-decreasing in the feature, float32 included.

import { EQUALS, inputs, LINEAR, LOG1P, MISSING, part, rowLength } from "./image";
import { logf, logit } from "./math";

const CLIP: f32 = 50;

/** One raw row at `raw` to dp floats at `z`. */
export function prepareRow(model: usize, raw: usize, z: usize): void {
  const d = inputs(model);
  const center = part(model, 15);
  const scale = part(model, 16);
  if (load<i32>(model, 28)) {
    const high = f32x4.splat(CLIP);
    const low = f32x4.splat(-CLIP);
    for (let i: usize = 0; i < (<usize>d) << 2; i += 16) {
      const v = f32x4.mul(f32x4.sub(v128.load(raw + i), v128.load(center + i)), v128.load(scale + i));
      v128.store(z + i, f32x4.pmin(f32x4.pmax(v, low), high));
    }
    return;
  }
  const feature = part(model, 11);
  const kind = part(model, 12);
  const argument = part(model, 13);
  const fill = part(model, 14);
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
    const transform = load<i32>(kind + i);
    let v = load<f32>(raw + ((<usize>load<i32>(feature + i)) << 2));
    const missing = v != v;
    let t: f32 = 0;
    if (transform == LINEAR) {
      t = missing ? load<f32>(fill + i) : v;
    } else if (transform == LOG1P) {
      if (missing) v = load<f32>(fill + i);
      const q = v / load<f32>(argument + i);
      t = q < 0 ? q : logf(<f32>1 + q);
    } else if (transform == EQUALS) {
      t = v == load<f32>(argument + i) ? 1 : 0;
    } else if (transform == MISSING) {
      t = missing ? 1 : 0;
    } else {
      t = logit(v);
    }
    t = (t - load<f32>(center + i)) * load<f32>(scale + i);
    t = t < -CLIP ? -CLIP : t;
    store<f32>(z + i, t > CLIP ? CLIP : t);
  }
}

/** `n` raw rows to inputs of `stride` floats a row: how training gets the same bits as prediction. */
export function prepareRows(model: usize, raw: usize, n: i32, out: usize): void {
  const d = inputs(model);
  const length = (<usize>rowLength(model)) << 2;
  const scratch = part(model, 20);
  for (let r = 0; r < n; r++) {
    prepareRow(model, raw, scratch);
    memory.copy(out, scratch, (<usize>d) << 2);
    raw += length;
    out += (<usize>d) << 2;
  }
}

/**
 * Derivatives by the inputs at `dz` (d floats) to derivatives by the features at `out` (row length floats, zeroed here): chain rule through
 * clip and transform, times `factor` (model scale * link'). No negative factor anywhere, so a sign passes through unchanged.
 */
export function prepareRowBackward(model: usize, raw: usize, z: usize, dz: usize, factor: f32, out: usize): void {
  memory.fill(out, 0, (<usize>rowLength(model)) << 2);
  const d = inputs(model);
  const scale = part(model, 16);
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
