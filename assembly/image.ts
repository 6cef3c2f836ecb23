// A model packed for prediction: one block of memory, written by the host (js/image.ts), read here. All places are byte offsets in the block.
//
//   word  0 row length (features, + 1 with a quantile level)   1 inputs d   2 padded size dp   3 tiles   4 networks   5 planes
//         6 link (0 identity, 1 exp, 2 logistic)   7 1 when input i is feature i, linear and never missing
//         8 scale   9 offset   10 maximum of the exp link (float32)
//        11 feature of each input (i32)   12 transform (i32)   13 argument (f32)   14 fill (f32)   15 center (f32)   16 scale (f32)
//        17 meta words of the tiles   18 tiles   19 planes in rows [planes][dp]   20 scratch
//        The host writes the planes side by side, [planes][d + 1], where the rows begin; the rows and what follows, `layOut` writes at first use
//        21 plan for pruning (prune.ts), an address; 0 where it does not pay. Written by `planModel`
//        22 meta words for one row   23 the planes once more for one row: blocks of four groups side by side (forward1)
//        24 1 once laid out, 2 where one row may be pruned too (`planModel`)   25 1 where active planes are found by their tiles (forward.ts). Written by `planModel`
//        26 features   27 plan for pruning small networks (prune-fours.ts), as 21

import { END_GROUP, END_NETWORK } from "./layout";

export const LINEAR: i32 = 0;
export const LOG1P: i32 = 1;
export const EQUALS: i32 = 2;
export const MISSING: i32 = 3;
export const LEVEL: i32 = 4;

export const IDENTITY: i32 = 0;
export const EXP: i32 = 1;

export function rowLength(model: usize): i32 {
  return load<i32>(model);
}
export function inputs(model: usize): i32 {
  return load<i32>(model, 4);
}
export function padded(model: usize): i32 {
  return load<i32>(model, 8);
}
export function tileCount(model: usize): i32 {
  return load<i32>(model, 12);
}
export function networkCount(model: usize): i32 {
  return load<i32>(model, 16);
}
export function featureCount(model: usize): i32 {
  return load<i32>(model, 104);
}
/** Where part `word` of the image begins. */
export function part(model: usize, word: i32): usize {
  return model + load<u32>(model + ((<usize>word) << 2));
}

/** Planes in rows, in tiles and in the lanes of forward1, from what the host wrote. */
export function layOut(model: usize): void {
  if (load<i32>(model, 96)) return;
  store<i32>(model, 1, 96);
  const d = inputs(model);
  const bytes = (<usize>padded(model)) << 2;
  const rows = part(model, 19);
  const size = (<usize>d + 1) << 2;
  // from the last on, so that none is written over
  for (let j = load<usize>(model, 20); j-- > 0; ) memory.copy(rows + j * bytes, rows + j * size, size);
  const end = part(model, 17) + ((<usize>tileCount(model)) << 2);
  let meta = part(model, 17);
  let to = part(model, 18);
  for (; meta < end; meta += 4) {
    const width = (<usize>load<i32>(meta) & 7) << 2;
    let row = rows + <usize>(load<i32>(meta) >> 8) * bytes;
    for (let lane: usize = 0; lane < width; lane += 4, row += bytes) putPlane(row, d, to + lane, width);
    to += <usize>(d + 1) * width;
  }
  // four groups of a network a block; of each its first plane and their number, at the scratch
  const groups = part(model, 20);
  let word = part(model, 22);
  to = part(model, 23);
  meta = part(model, 17);
  while (meta < end) {
    let most = 0;
    let live = 0;
    let last = false;
    for (let lane: usize = 0; lane < 32; lane += 8) {
      let planes = 0;
      if (!last) {
        store<u32>(groups + lane, <u32>(rows + <usize>(load<i32>(meta) >> 8) * bytes));
        let current = 0;
        do {
          current = load<i32>(meta);
          meta += 4;
          planes += current & 7;
        } while (!(current & END_GROUP));
        last = (current & END_NETWORK) != 0;
        most = max(most, planes);
        live++;
      }
      store<i32>(groups + lane, planes, 4);
    }
    // two groups left take two lanes each, a single one all four; of three, the fourth lane is idle
    if (live == 3) live = 4;
    const share = 4 / live;
    const all = (most + share - 1) / share;
    const ends = END_GROUP | (last ? END_NETWORK : 0) | (share > 1 ? share << 4 : 0);
    for (let j = 0; j < all; ) {
      // nearly equal: 9 are 3 + 3 + 3
      const parts = (all - j + 3) >> 2;
      const chains = all == 6 ? 6 : (all - j + parts - 1) / parts;
      for (let c = 0; c < chains; c++, j++) {
        for (let lane = 0; lane < 4; lane++) {
          const group = groups + ((<usize>(lane & (live - 1))) << 3);
          const planes = load<i32>(group, 4);
          const at = j * share + lane / live;
          const lanes = to + ((<usize>(c * 4 + lane)) << 2);
          // a group's first plane where it has fewer than others, +Infinity where there is no group
          if (planes) putPlane(<usize>load<u32>(group) + <usize>(at < planes ? at : 0) * bytes, d, lanes, chains << 4);
          else putInfinity(d, lanes, chains << 4);
        }
      }
      store<i32>(word, chains | (j == all ? ends : 0));
      word += 4;
      to += (<usize>((d + 1) * chains)) << 4;
    }
  }
  store<i32>(word, 0);
}

/** One plane from its row to a number every `step` bytes, the bias first. */
function putPlane(row: usize, d: i32, to: usize, step: usize): void {
  store<f32>(to, load<f32>(row + ((<usize>d) << 2)));
  for (let i: usize = 0; i < (<usize>d) << 2; i += 4) {
    to += step;
    store<f32>(to, load<f32>(row + i));
  }
}

/** A plane that is +Infinity everywhere, in the same places. */
function putInfinity(d: i32, to: usize, step: usize): void {
  store<f32>(to, Infinity);
  for (; d > 0; d--) {
    to += step;
    store<f32>(to, 0);
  }
}
