// One member of the committee: networks trained on the rows of all folds but its own, looked at on the rows left out.
// In: a trainer with data and networks set, the linear centre without those rows. Out: weights at the looks that may still be chosen.

import type { Block, Trainer } from "./wasm.js";

export interface Plan {
  seed: number;
  loss: number;
  parameter: number;
  /** Levels at which left-out rows are looked at; [0.5] where there is no level. */
  levels: number[];
  steps: number;
  batch: number;
  rate: number;
  /** Looks at the left-out rows, step 0 not counted. */
  looks: number;
  /** Looks after its best one at which a member stops. */
  patience: number;
  /** Keep every look, not only the best: few rows choose one step for all members. */
  keepAll: boolean;
  planes: number;
  /** Planes' stride. */
  dp: number;
  /** Network 0 is a single plane. */
  withPlane: boolean;
  spread: number;
  /** Multiply-adds after which the event loop gets a turn. */
  slice: number;
  /** Rows of a piece where rows come in pieces (feed.ts), else 0. */
  room: number;
}

export interface Look {
  step: number;
  loss: number;
  /** Mean loss on the left-out rows, weighted; NaN without any. */
  validationLoss: number;
}

export interface MemberResult {
  looks: Look[];
  /** By look: weights [planes][dp], where kept. */
  weights: (Float32Array | undefined)[];
  /** By look: sums for the left-out rows, [levels][rows], where kept. */
  sums: (Float32Array | undefined)[];
  /** The look with the lowest loss on the left-out rows; the last without any. */
  best: number;
}

/**
 * Trains member `stream`. `report` hears of each look; `pause` lets the event loop run and rejects when the caller aborts. Where rows come in
 * pieces, `rows` are the places of the first piece and `next` loads another: each is gone through once, in an order of the kernels' own.
 */
export async function trainMember(
  t: Trainer,
  plan: Plan,
  stream: number,
  rows: Uint32Array,
  leftOut: Uint32Array,
  centre: Float64Array,
  report: (look: Look) => void,
  pause: () => Promise<void>,
  next?: () => Uint32Array | Promise<Uint32Array>,
): Promise<MemberResult> {
  const { wasm } = t;
  const mark = wasm.mark();
  // the kernels put each row's target beside its number
  const own = t.floats(2 * Math.max(rows.length, plan.room));
  t.u32(own).set(rows);
  const others = t.put(leftOut, "u32");
  const start: Block = t.put(centre);
  const f = t.floats(Math.max(8, leftOut.length));
  // a weight drawn at random takes the time of some hundred multiply-adds
  const portion = Math.ceil(plan.slice / 200 / plan.dp);
  for (let p = 0; p < plan.planes; p += portion) {
    const to = Math.min(plan.planes, p + portion);
    wasm.start(plan.seed, stream, start.at, plan.withPlane ? 1 : 0, plan.spread, own.at, rows.length, p, to);
    if (to < plan.planes) await pause();
  }
  wasm.begin(own.at, rows.length, plan.batch, plan.steps, plan.rate, plan.loss, plan.parameter);
  const result: MemberResult = { looks: [], weights: [], sums: [], best: 0 };
  const size = plan.planes * plan.dp;
  const perStep = size * (plan.batch + 24);
  const most = Math.max(1, Math.floor(plan.slice / perStep));
  let since = 0;
  /** Steps left in the piece. */
  let left = next ? Math.ceil(rows.length / plan.batch) : Number.POSITIVE_INFINITY;

  async function look(step: number, loss: number) {
    let validationLoss = Number.NaN;
    let sums: Float32Array | undefined;
    if (leftOut.length > 0) {
      sums = new Float32Array(plan.levels.length * leftOut.length);
      validationLoss = 0;
      const rowsASlice = Math.max(8, Math.floor(plan.slice / size) & ~7);
      for (let k = 0; k < plan.levels.length; k++) {
        for (let from = 0; from < leftOut.length; from += rowsASlice) {
          const count = Math.min(rowsASlice, leftOut.length - from);
          wasm.evaluate(others.at + from * 4, count, plan.levels[k], f.at + from * 4);
          since += count * size;
          if (since > plan.slice) {
            since = 0;
            await pause();
          }
        }
        validationLoss +=
          wasm.lossOf(others.at, leftOut.length, f.at, plan.loss, plan.levels[k], plan.parameter) / plan.levels.length;
        sums.set(t.f32({ at: f.at, length: leftOut.length }), k * leftOut.length);
      }
    }
    const index = result.looks.length;
    result.looks.push({ step, loss, validationLoss });
    const better = index === 0 || leftOut.length === 0 || validationLoss < result.looks[result.best].validationLoss;
    if (better || plan.keepAll) {
      if (better && !plan.keepAll) {
        result.weights[result.best] = undefined;
        result.sums[result.best] = undefined;
      }
      result.weights[index] = t.slabW(size).slice();
      result.sums[index] = sums;
      if (better) result.best = index;
    }
    report(result.looks[index]);
  }

  await look(0, Number.NaN);
  let step = 0;
  for (let k = 1; k <= Math.min(plan.looks, result.best + plan.patience); k++) {
    const until = Math.round((plan.steps * k) / plan.looks);
    while (step < until) {
      if (next && left === 0) {
        const list = await next();
        t.u32(own).set(list);
        wasm.feed(own.at, list.length);
        left = Math.ceil(list.length / plan.batch);
      }
      const count = Math.min(most, until - step, left);
      wasm.advance(count);
      step += count;
      left -= count;
      since += count * perStep;
      if (since > plan.slice) {
        since = 0;
        await pause();
      }
    }
    const loss = wasm.meanLoss();
    // without left-out rows only the end counts
    if (leftOut.length > 0 || k === plan.looks) await look(step, loss);
    else report({ step, loss, validationLoss: Number.NaN });
  }
  wasm.reset(mark);
  return result;
}
