// A model packed for prediction: one block of memory, written by the host (js/image.ts), read here. All places are byte offsets in the block.
//
//   word  0 row length (features, + 1 with a quantile level)   1 inputs d   2 padded size dp   3 tiles   4 networks   5 planes
//         6 link (0 identity, 1 exp, 2 logistic)   7 1 when input i is feature i, linear and never missing
//         8 scale   9 offset   10 maximum of the exp link (float32)
//        11 feature of each input (i32)   12 transform (i32)   13 argument (f32)   14 fill (f32)   15 center (f32)   16 scale (f32)
//        17 meta words of the tiles   18 tiles   19 planes in rows [planes][dp] (only used for derivatives)   20 scratch
//        21 plan for pruning (prune.ts), an address; 0 where it does not pay. Written by `planModel`
//        22 meta words for one row   23 the planes once more for one row: blocks of four groups side by side (forward1)

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
/** Where part `word` of the image begins. */
export function part(model: usize, word: i32): usize {
  return model + load<u32>(model + ((<usize>word) << 2));
}
