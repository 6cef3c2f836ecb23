// Prediction from a packed model (image.ts). In: raw rows; out: predictions in target units, or derivatives in target units per feature unit.
// This file is also the whole interface of the small module behind `isotone/predict`: every plane of every row. The whole library prunes
// (predict-pruned.ts): same bits, type parameter Prune = i32 (resolved when compiling).

import { forward1, forward8, planesOfTiles, transpose8 } from "./forward";
import { EXP, featureCount, IDENTITY, inputs, layOut, networkCount, padded, part, rowLength, tileCount } from "./image";
import { isPlain, preparePlain8, prepareRow, prepareRowBackward } from "./inputs";
import { expf, logistic } from "./math";
import { forwardPruned1, HEAD, ONE_ROW, shouldPrune } from "./prune";
import { forwardFours1, forwardFours8 } from "./prune-fours";
import { forwardPruned8 } from "./prune-rows";

export { alloc, mark, reset } from "./arena";

/** The sum of the networks to the prediction. */
function link(model: usize, sum: f32): f32 {
  const eta = sum * load<f32>(model, 32) + load<f32>(model, 36);
  const kind = load<i32>(model, 24);
  if (kind == IDENTITY) return eta;
  if (kind == EXP) {
    const maximum = load<f32>(model, 40);
    return expf(eta < maximum ? eta : maximum);
  }
  return logistic(eta);
}

/** d prediction / d sum, from the sum. */
function linkBackward(model: usize, sum: f32): f32 {
  const scale = load<f32>(model, 32);
  const kind = load<i32>(model, 24);
  if (kind == IDENTITY) return scale;
  const p = link(model, sum);
  if (kind == EXP) return sum * scale + load<f32>(model, 36) < load<f32>(model, 40) ? p * scale : 0;
  return p * (<f32>1 - p) * scale;
}

// Scratch of the image: z [8][dp], transposed [dp][8], sums [8], dz [dp], active planes [networks][8]
function scratchSums(model: usize): usize {
  return part(model, 20) + ((<usize>padded(model)) << 6);
}

function activeAt(model: usize): usize {
  return scratchSums(model) + 32 + ((<usize>padded(model)) << 2);
}

/** One raw row; NaN where prepareRow says that it is not fit. With Prune = i32 after `planModel`. */
export function one<Prune>(model: usize, raw: usize): f32 {
  const state = load<i32>(model, 96);
  if (!isInteger<Prune>() && !state) layOut(model);
  const z = part(model, 20);
  if (!prepareRow(model, raw, z)) return NaN;
  if (isInteger<Prune>() && state == 2) {
    const plan = <usize>load<u32>(model, 84);
    const fours = <usize>load<u32>(model, 108);
    if (plan && load<i32>(plan, ONE_ROW)) {
      if (shouldPrune(plan, 1)) return link(model, forwardPruned1(plan, inputs(model), z, 0, 0));
    } else if (shouldPrune(fours + HEAD, 1)) return link(model, forwardFours1(fours, inputs(model), z));
  }
  return link(model, forward1(part(model, 23), part(model, 22), inputs(model), z));
}

/**
 * `rows` (at most eight) raw rows at `raw` to `sums`; with Track = i32 also z in the scratch and the active planes at `active`,
 * [networks][8]. False where prepareRow says so of a row.
 */
function forwardRows<Track, Prune>(model: usize, raw: usize, rows: i32, sums: usize, active: usize): bool {
  const d = inputs(model);
  const stride = (<usize>padded(model)) << 2;
  const z = part(model, 20);
  const length = (<usize>rowLength(model)) << 2;
  const xt = z + (stride << 3);
  let plan: usize = 0;
  if (isInteger<Prune>()) {
    plan = <usize>load<u32>(model, 84);
    if (plan && !shouldPrune(plan, rows)) plan = 0;
  }
  let fine = true;
  // where it refuses, each row tells by itself
  if (isInteger<Track>() || rows < 8 || !isPlain(model) || !preparePlain8(model, raw, xt)) {
    for (let k: usize = 0; k < <usize>rows; k++) fine = prepareRow(model, raw + k * length, z + k * stride) && fine;
    if (isInteger<Prune>() && rows == 1 && plan && load<i32>(plan, ONE_ROW)) {
      store<f32>(sums, forwardPruned1(plan, d, z, active, 32));
      return fine;
    }
    // what lies in the lanes of no row may be a pointer: a denormal number, and ten times the time of a row
    if (rows < 8) memory.fill(z + <usize>rows * stride, 0, <usize>(8 - rows) * stride);
    transpose8(z, padded(model), d, xt);
  }
  if (isInteger<Prune>() && !isInteger<Track>()) {
    const fours = <usize>load<u32>(model, 108);
    if (fours && shouldPrune(fours, rows)) {
      forwardFours8(fours, part(model, 17), part(model, 18), tileCount(model), d, xt, sums);
      return fine;
    }
  }
  if (isInteger<Prune>() && plan) {
    forwardPruned8(plan, d, xt, sums, isInteger<Track>() ? active : 0, 32);
    return fine;
  }
  if (isInteger<Track>() && isInteger<Prune>() && load<i32>(model, 100)) {
    forward8<i64>(part(model, 18), part(model, 17), tileCount(model), d, xt, sums, active, 32);
    planesOfTiles(part(model, 18), networkCount(model), d, xt, active, 32);
    return fine;
  }
  forward8<Track>(part(model, 18), part(model, 17), tileCount(model), d, xt, sums, active, 32);
  return fine;
}

/** `n` raw rows at `raw`, `n` predictions at `out`. False where prepareRow says so of a row. */
export function many<Prune>(model: usize, raw: usize, n: i32, out: usize): bool {
  layOut(model);
  const sums = scratchSums(model);
  const active = activeAt(model);
  const length = (<usize>rowLength(model)) << 5;
  let fine = true;
  for (let r = 0; r < n; r += 8) {
    const rows = min(8, n - r);
    fine = forwardRows<f32, Prune>(model, raw, rows, sums, active) && fine;
    if (rows == 8 && load<i32>(model, 24) == IDENTITY) {
      // the bits of `link`; eight calls of it make a batch of a small network (6 x 6 planes of 10 inputs) take 1.13, of the default sum 1.03 of the time
      const scale = v128.load32_splat(model, 32);
      const offset = v128.load32_splat(model, 36);
      v128.store(out, f32x4.add(f32x4.mul(v128.load(sums), scale), offset));
      v128.store(out, f32x4.add(f32x4.mul(v128.load(sums, 16), scale), offset), 16);
    } else {
      for (let k: usize = 0; k < (<usize>rows) << 2; k += 4) store<f32>(out + k, link(model, load<f32>(sums + k)));
    }
    raw += length;
    out += 32;
  }
  return fine;
}

/**
 * `n` raw rows at `raw`; their partial derivatives, [n][features], at `out` (and up to three floats after them). Only active planes take
 * part: O(networks * d) beyond forward. False as `many`.
 */
export function sensitivities<Prune>(model: usize, raw: usize, n: i32, out: usize): bool {
  layOut(model);
  const dp = padded(model);
  const networks = networkCount(model);
  const z = part(model, 20);
  const sums = scratchSums(model);
  const dz = sums + 32;
  const active = activeAt(model);
  const planes = part(model, 19);
  const length = (<usize>rowLength(model)) << 2;
  const width = (<usize>featureCount(model)) << 2;
  let fine = true;
  for (let r = 0; r < n; r += 8) {
    const rows = min(8, n - r);
    fine = forwardRows<i32, Prune>(model, raw, rows, sums, active) && fine;
    for (let k: usize = 0; k < <usize>rows; k++) {
      for (let i: usize = 0; i < (<usize>dp) << 2; i += 16) {
        let sum = f32x4.splat(0);
        let p = active + (k << 2);
        for (let m = 0; m < networks; m++) {
          sum = f32x4.add(sum, v128.load(planes + ((<usize>load<i32>(p) * <usize>dp) << 2) + i));
          p += 32;
        }
        v128.store(dz + i, sum);
      }
      prepareRowBackward(
        model,
        raw + k * length,
        z + ((k * <usize>dp) << 2),
        dz,
        linkBackward(model, load<f32>(sums + (k << 2))),
        out,
      );
      out += width;
    }
    raw += 8 * length;
  }
  return fine;
}

export function predictOne(model: usize, raw: usize): f32 {
  return one<f32>(model, raw);
}
export function predictMany(model: usize, raw: usize, n: i32, out: usize): bool {
  return many<f32>(model, raw, n, out);
}
export function sensitivityMany(model: usize, raw: usize, n: i32, out: usize): bool {
  return sensitivities<f32>(model, raw, n, out);
}
