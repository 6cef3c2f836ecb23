// What the hardware gives, and the library's dense forward kernel, in one module, so that both are measured in the same minute.

import { alloc } from "../../../assembly/arena";
import { forward8, planesOfTiles, tracksTiles, transpose8 } from "../../../assembly/forward";
import { forwardSixes, putSixes } from "../../../assembly/forward-sixes";
import { putGroup, tilesOf } from "../../../assembly/layout";

/** In memory: V8 would build the splat of a parameter anew at every turn. */
const MINUS_ONE: usize = memory.data<f32>([-1, -1, -1, -1], 16);

/**
 * Products and sums apart: six products t = -t and six sums s = s + t, each of which waits for itself alone, all operands in registers; 48 floating-point
 * operations a turn.
 */
export function apart(turns: i32): f32 {
  const factor = v128.load(MINUS_ONE);
  let t0 = f32x4.splat(1);
  let t1 = f32x4.splat(2);
  let t2 = f32x4.splat(3);
  let t3 = f32x4.splat(4);
  let t4 = f32x4.splat(5);
  let t5 = f32x4.splat(6);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(1);
  let s2 = f32x4.splat(2);
  let s3 = f32x4.splat(3);
  let s4 = f32x4.splat(4);
  let s5 = f32x4.splat(5);
  for (; turns > 0; turns--) {
    t0 = f32x4.mul(t0, factor);
    s0 = f32x4.add(s0, t0);
    t1 = f32x4.mul(t1, factor);
    s1 = f32x4.add(s1, t1);
    t2 = f32x4.mul(t2, factor);
    s2 = f32x4.add(s2, t2);
    t3 = f32x4.mul(t3, factor);
    s3 = f32x4.add(s3, t3);
    t4 = f32x4.mul(t4, factor);
    s4 = f32x4.add(s4, t4);
    t5 = f32x4.mul(t5, factor);
    s5 = f32x4.add(s5, t5);
  }
  s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  return f32x4.extract_lane(f32x4.add(s0, f32x4.add(s4, s5)), 0);
}

/** Products added up, as kernels do it: twelve chains s = s * x + c, all operands in registers; 96 floating-point operations a turn. */
export function chains(turns: i32, x: f32, c: f32): f32 {
  const factor = f32x4.splat(x);
  const term = f32x4.splat(c);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  let s4 = f32x4.splat(0);
  let s5 = f32x4.splat(0);
  let s6 = f32x4.splat(0);
  let s7 = f32x4.splat(0);
  let s8 = f32x4.splat(0);
  let s9 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  for (; turns > 0; turns--) {
    s0 = f32x4.add(f32x4.mul(s0, factor), term);
    s1 = f32x4.add(f32x4.mul(s1, factor), term);
    s2 = f32x4.add(f32x4.mul(s2, factor), term);
    s3 = f32x4.add(f32x4.mul(s3, factor), term);
    s4 = f32x4.add(f32x4.mul(s4, factor), term);
    s5 = f32x4.add(f32x4.mul(s5, factor), term);
    s6 = f32x4.add(f32x4.mul(s6, factor), term);
    s7 = f32x4.add(f32x4.mul(s7, factor), term);
    s8 = f32x4.add(f32x4.mul(s8, factor), term);
    s9 = f32x4.add(f32x4.mul(s9, factor), term);
    s10 = f32x4.add(f32x4.mul(s10, factor), term);
    s11 = f32x4.add(f32x4.mul(s11, factor), term);
  }
  s0 = f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
  s4 = f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7));
  s8 = f32x4.add(f32x4.add(s8, s9), f32x4.add(s10, s11));
  return f32x4.extract_lane(f32x4.add(f32x4.add(s0, s4), s8), 0);
}

let d: i32 = 0;
let count: i32 = 0;
let metas: usize = 0;
let sixes: usize = 0; // meta words where groups of six planes share tiles, as in training; 0 elsewhere
let shared: i32 = 0;
let tiles: usize = 0;
let rows: usize = 0;
let xt: usize = 0;
let out: usize = 0;
let active: usize = 0;

/** A network of `groups` x `hyperplanes` with some weights, and eight rows. */
export function prepare(inputs: i32, groups: i32, hyperplanes: i32): void {
  d = inputs;
  count = groups * tilesOf(hyperplanes);
  const numbers = groups * hyperplanes * (d + 1) + 4;
  metas = alloc((<usize>count) << 2);
  tiles = alloc((<usize>numbers) << 2);
  rows = alloc(<usize>d * 8 * 4 + 64);
  xt = alloc(<usize>(d + 4) * 8 * 4);
  out = alloc(32);
  active = alloc(64);
  let meta = metas;
  for (let k = 0; k < groups; k++) meta = putGroup(meta, hyperplanes, k * hyperplanes, k > groups - 2);
  if (hyperplanes === 6) {
    sixes = alloc((<usize>count) << 2);
    shared = <i32>((putSixes(sixes, groups, 0) - sixes) >> 2);
  }
  for (let i = 0; i < numbers; i++) store<f32>(tiles + ((<usize>i) << 2), <f32>((i * 7919) % 1000) / 1000 - 0.5);
  for (let i = 0; i < d * 8; i++) store<f32>(rows + ((<usize>i) << 2), <f32>((i * 104729) % 1000) / 500 - 1);
}

/** The dense kernel on eight rows, `turns` times; `track` 1 also finds the active planes, which is all that a derivative costs beyond. */
export function forward(turns: i32, track: i32): f32 {
  const byTiles = tracksTiles(metas, count);
  for (; turns > 0; turns--) {
    transpose8(rows, d, d, xt);
    if (track && sixes) forwardSixes(tiles, sixes, shared, d, xt, out, active, 32);
    else if (track && byTiles) {
      forward8<i64>(tiles, metas, count, d, xt, out, active, 32);
      planesOfTiles(tiles, 1, d, xt, active, 32);
    } else if (track) forward8<i32>(tiles, metas, count, d, xt, out, active, 32);
    else forward8<f32>(tiles, metas, count, d, xt, out, active, 32);
  }
  return load<f32>(out);
}
