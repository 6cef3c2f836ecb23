// Adam for the planes that move: which do, their step, and their weights in the tiles.

import { END_NETWORK, putPlane, putTile } from "./layout";
import { adam, fade } from "./optimiser";
import { refreshKillers } from "./prune";
import {
  awake,
  d,
  dp,
  FACTOR,
  factors,
  g,
  inputs,
  lambdas,
  mayRest,
  metas,
  moments,
  plan,
  planes,
  restedFrom,
  ridges,
  STRIDE,
  TILE_PLACE,
  tileCount,
  tilePlaces,
  tiles,
  touched,
  w,
} from "./trainer";

let ridged: bool = false; // some network has a ridge

/** All planes are awake, and known by their ridges and places in the tiles. */
export function wakeAll(): void {
  ridged = false;
  memory.fill(touched, 0, <usize>planes);
  let place = tilePlaces;
  let tile = tiles;
  let network: usize = 0;
  let plane: usize = 0;
  for (let t: usize = 0; t < (<usize>tileCount) << 2; t += 4) {
    const meta = load<i32>(metas + t);
    const width = meta & 7;
    const ridge = load<f32>(lambdas + network) != 0;
    if (ridge) ridged = true;
    for (let j: usize = 0; j < <usize>width; j++) {
      store<u32>(place, <u32>(tile + (j << 2)));
      store<u32>(place, width << 2, STRIDE);
      store<f32>(place, load<f32>(factors + network), FACTOR);
      store<u8>(awake + plane, ridge ? 0 : 255);
      store<u8>(mayRest + plane, ridge ? 0 : 255);
      place += TILE_PLACE;
      plane++;
    }
    tile += (<usize>((d + 1) * width)) << 2;
    if (meta & END_NETWORK) network += 4;
  }
}

/**
 * One Adam step of every plane that is awake, and its place in the tiles. A plane without gradient that hardly moves rests (it could only move less:
 * m fades faster than the root of v) until a row makes it active again; then its moments fade by the steps missed. Sixteen planes' marks are
 * looked at together, so that those at rest, most of a large network and half of a small one, cost nothing. Planes with a ridge never rest.
 */
export function update(step: i32, now: f32, epsilon: f32): void {
  const bytes = (<usize>dp) << 2;
  const last = <usize>planes;
  for (let first: usize = 0; first < last; first += 16) {
    const wake = v128.and(v128.load(touched + first), v128.load(mayRest + first));
    for (let left = i8x16.bitmask(v128.or(v128.load(awake + first), wake)); left; left &= left - 1) {
      const plane = first + <usize>ctz(left);
      const place = plane * bytes;
      const own = moments + (place << 1);
      if (!load<u8>(awake + plane)) fade(own, dp, step - load<i32>(restedFrom + (plane << 2)) - 1);
      const moves = adam<f32>(w + place, g + place, own, inputs, 0, dp, 1, now, epsilon);
      if (moves || load<u8>(touched + plane)) store<u8>(awake + plane, 255);
      else {
        store<u8>(awake + plane, 0);
        store<i32>(restedFrom + (plane << 2), step);
      }
      const tile = tilePlaces + plane * TILE_PLACE;
      putPlane(w + place, d, load<f32>(tile, FACTOR), <usize>load<u32>(tile), <usize>load<u32>(tile, STRIDE));
    }
    v128.store(touched + first, i32x4.splat(0));
  }
  if (ridged) updateRidged(now, epsilon);
  if (plan) refreshKillers(plan, d, w, dp, factors);
}

/** The same of all planes with a ridge, a tile at a time: 0.93 of the time of a step of few rows, since all of them move. */
function updateRidged(now: f32, epsilon: f32): void {
  const bytes = (<usize>dp) << 2;
  const end = metas + ((<usize>tileCount) << 2);
  let place: usize = 0;
  let tile = tiles;
  let ridge = ridges;
  let network: usize = 0;
  for (let t = metas; t < end; t += 4) {
    const meta = load<i32>(t);
    const width = meta & 7;
    if (load<f32>(lambdas + network) != 0) {
      adam<i32>(w + place, g + place, moments + (place << 1), inputs, ridge, dp, width, now, epsilon);
      putTile(w + place, dp, d, width, load<f32>(factors + network), tile);
    }
    place += bytes * <usize>width;
    tile += (<usize>((d + 1) * width)) << 2;
    if (meta & END_NETWORK) {
      ridge += bytes;
      network += 4;
    }
  }
}
