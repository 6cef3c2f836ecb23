// Prediction that prunes large networks (prune.ts): what the whole library uses. Same interface and bits as predict.ts.

import { alloc, reset } from "./arena";
import { tracksTiles } from "./forward";
import { inputs, layOut, part, tileCount } from "./image";
import { many, one, sensitivities } from "./predict";
import { HEAD, makePlan, ONE_ROW, planSize } from "./prune";
import { foursSize, makeFours } from "./prune-fours";

/** Percent of forward8's time above which pruning does not pay: here forward8 keeps no active planes. */
const MOST: i32 = 83;

/** Once a model lies in memory: its plans for pruning, where that pays. False when memory is refused. */
export function planModel(model: usize): bool {
  layOut(model);
  const metas = part(model, 17);
  store<i32>(model, tracksTiles(metas, tileCount(model)) ? 1 : 0, 100);
  const plan = alloc(planSize(metas, tileCount(model), inputs(model)));
  if (!plan) return false;
  if (makePlan(plan, metas, part(model, 18), tileCount(model), inputs(model), MOST)) {
    store<u32>(model, <u32>plan, 84);
    if (load<i32>(plan, ONE_ROW)) store<i32>(model, 2, 96);
  } else reset(plan);
  const fours = alloc(foursSize(tileCount(model), inputs(model)));
  if (!fours) return false;
  if (makeFours(fours, metas, part(model, 18), tileCount(model), inputs(model))) {
    store<u32>(model, <u32>fours, 108);
    if (load<i32>(fours, HEAD)) store<i32>(model, 2, 96);
  } else reset(fours);
  return true;
}

export function predictOne(model: usize, raw: usize): f32 {
  return one<i32>(model, raw);
}
export function predictMany(model: usize, raw: usize, n: i32, out: usize): bool {
  return many<i32>(model, raw, n, out);
}
export function sensitivityMany(model: usize, raw: usize, n: i32, out: usize): bool {
  return sensitivities<i32>(model, raw, n, out);
}
