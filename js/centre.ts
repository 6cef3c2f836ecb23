// The linear centre: sign-constrained ridge regression, its strength chosen by cross-validation. In: inputs, targets and folds in a trainer's
// memory. Out: coefficients (bias last, float64) for all rows and without each fold. Other losses: iteratively reweighted (Green 1984).
// Up to one and a half times as many inputs as rows it works on moments of the inputs (assembly/linear.ts), of more inputs on the rows (assembly/dual.ts):
// there the two take the same time (docs/measurements.md, Wide tables).

import type { Feed } from "./feed.js";
import { indexOfLeast, sumOf } from "./metrics.js";
import type { Block, Trainer } from "./wasm.js";

/** Ridge strengths tried, largest first so that each fit starts from the stiffer one. */
export const RIDGES = [1, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001];
const ROUNDS = 8;
/** Rounds of coordinate descent, at most. */
const SWEEPS = 300;
/** Up to this many rows the strength is chosen by leaving out one row at a time. */
const LEAVE_ONE_OUT = 60;
/** Multiply-adds between turns of the event loop: 5 to 10 ms. */
const SLICE = 1e7;

export interface CentreProblem {
  /** Gives the rows, all at once or in pieces. */
  feed: Pick<Feed, "room" | "range">;
  n: number;
  /** Inputs a row. */
  d: number;
  /** [d] float32: 1, -1, 0; NaN where an input's coefficient stays 0. */
  signs: Block;
  loss: number;
  parameter: number;
}

export interface Centre {
  /** [d + 1] for all rows. */
  all: Float64Array;
  /** [d + 1] without each fold. */
  without: Float64Array[];
  ridge: number;
  /** Cross-validated squared error over the rows' weight, on (working) targets. */
  error: number;
  /** The same error by part left out (a fold, or a row), summed over its rows. */
  errors: Float64Array;
}

/**
 * Whether `a` has the lower cross-validated error by more than one standard error of the difference over the parts left out. Of few rows
 * or a few huge ones the plain comparison is a coin toss, and the loser costs more than the winner gains.
 */
export function clearlyBetter(a: Centre, b: Centre): boolean {
  const k = a.errors.length;
  const gains = a.errors.map((v, i) => b.errors[i] - v);
  const gain = gains.reduce((s, v) => s + v, 0);
  const square = gains.reduce((s, v) => s + (v - gain / k) * (v - gain / k), 0);
  return gain > Math.sqrt((square * k) / (k - 1));
}

/** Ridge regressions on the rows, all of them or those outside one part. */
interface Regressions {
  /** Deals the rows into parts: row r is in part id[r], below `parts`. */
  deal(id: Block, parts: number): Promise<void>;
  /** From now on rows of `part` (-1: none) are left out; the weight of the others. */
  leave(part: number): number;
  /** Coefficients to `beta`, whose values may be where it starts. */
  solve(ridge: number): Promise<void>;
  /** Squared error, by weight, of the rows of a part. */
  error(part: number): number;
  /** Losses other than squared: working targets and weights from the fit there is; at first that is 0. */
  rework(): void;
}

/**
 * `folds[r]` is the fold of row r, below `count`; `pause` is awaited between blocks of work. `single`: the strength is chosen by leaving out one row
 * at a time.
 */
export async function fitCentre(
  t: Trainer,
  p: CentreProblem,
  folds: Uint8Array,
  count: number,
  pause: () => Promise<void>,
  single = p.n <= LEAVE_ONE_OUT,
): Promise<Centre> {
  const { n, d } = p;
  const start = t.wasm.mark();
  const beta = t.put(new Float64Array(d + 1), "f64");
  const sliced = async (work: (budget: number) => number) => {
    while (work(SLICE)) await pause();
  };
  const wide = 2 * d > 3 * n;
  const by = wide ? await byRows(t, p, beta, sliced, pause) : byMoments(t, p, beta, sliced, pause);

  if (p.loss !== 0) {
    // rounds of working targets and weights, a light ridge, all rows
    const every = t.put(new Uint8Array(n), "u8");
    for (let round = 0; round < ROUNDS; round++) {
      by.rework();
      const inner = t.wasm.mark();
      await by.deal(every, 1);
      t.wasm.reset(inner);
      by.leave(-1);
      await by.solve(0.01);
    }
  }

  // strength: leave one out for few rows, the folds otherwise
  const fold = t.put(folds, "u8");
  const parts = single ? n : count;
  await by.deal(single ? t.put(Uint8Array.from(folds.keys()), "u8") : fold, parts);
  const errors = RIDGES.map(() => new Float64Array(parts));
  for (let k = 0; k < parts; k++) {
    if (!(by.leave(k) > 0)) continue;
    t.f64(beta).fill(0);
    for (let r = 0; r < RIDGES.length; r++) {
      await by.solve(RIDGES[r]);
      errors[r][k] = by.error(k);
    }
    await pause();
  }
  const sums = errors.map(sumOf);
  const best = indexOfLeast(sums);
  const ridge = RIDGES[best];
  const weightSum = by.leave(-1);
  t.f64(beta).fill(0);
  await by.solve(ridge);
  const all = t.f64(beta).slice();
  const without: Float64Array[] = [];
  if (single && count > 0) await by.deal(fold, count);
  for (let k = 0; k < count; k++) {
    t.f64(beta).set(all);
    // without any weight left they stay those of all rows
    if (by.leave(k) > 0) await by.solve(ridge);
    without.push(t.f64(beta).slice());
    await pause();
  }
  t.wasm.reset(start);
  return { all, without, ridge, error: sums[best] / weightSum, errors: errors[best] };
}

/** By moments of the inputs, which know nothing of single rows any more. */
function byMoments(
  t: Trainer,
  { feed, n, d, signs, loss, parameter }: CentreProblem,
  beta: Block,
  sliced: (work: (budget: number) => number) => Promise<void>,
  pause: () => Promise<void>,
): Regressions {
  const { wasm } = t;
  const q = wasm.momentSize(d);
  const work = t.doubles(wasm.ridgeSize(d));
  const scratch = t.bytes(wasm.momentScratch(d));
  const total = t.doubles(q * q);
  // working targets and weights are made a chunk at a time, from `centre`
  const chunk = loss === 0 ? feed.room : Math.min(feed.room, Math.max(512, Math.floor(4e7 / (q * q))));
  const centre = t.put(new Float32Array(d + 1));
  const room = loss === 0 ? 0 : chunk;
  const rows = t.put(
    Uint32Array.from({ length: room }, (_, r) => r),
    "u32",
  );
  const [f, working, workingWeight] = [t.floats(room), t.floats(room), t.floats(room)];
  let moments = total;
  const partAt = (part: number) => (part < 0 ? 0 : moments.at + part * q * q * 8);

  return {
    async deal(id, parts) {
      moments = t.doubles(parts * q * q);
      for (let k = 0; k < parts; k++) {
        t.f64({ at: partAt(k), length: q * q }).fill(0);
        if (q > 512) await pause();
      }
      for (let from = 0; from < n; from += chunk) {
        const count = Math.min(n - from, chunk);
        const { x, y, weight } = feed.range(from, from + count);
        let [target, w] = [y, weight];
        if (loss !== 0) {
          wasm.setData(x, y, 0, d, 0, 1);
          wasm.evaluateCentre(rows.at, count, centre.at, 0.5, f.at);
          [target, w] = [working.at, workingWeight.at];
          wasm.workingResponse(loss, f.at, y, weight, count, parameter, target, w);
        }
        wasm.beginMoments(x, target, w, id.at + from, 0, count, d, moments.at, scratch.at);
        await sliced(wasm.addMoments);
        await pause();
      }
      const step = Math.ceil(SLICE / parts);
      for (let k = 0; k < q * q; k += step) {
        wasm.sumMoments(moments.at, parts, q, k, Math.min(q * q, k + step), total.at);
        await pause();
      }
    },
    leave: (part) => wasm.beginPart(total.at, partAt(part), d, signs.at, beta.at, work.at),
    solve(ridge) {
      wasm.beginRidge(ridge, SWEEPS);
      return sliced(wasm.solveRidge);
    },
    error: (part) => wasm.squaredError(partAt(part), d, beta.at),
    rework: () => t.f32(centre).set(t.f64(beta)),
  };
}

/** By the rows themselves, of which the kernels take a copy, column by column. */
async function byRows(
  t: Trainer,
  { feed, n, d, signs, loss, parameter }: CentreProblem,
  beta: Block,
  sliced: (work: (budget: number) => number) => Promise<void>,
  pause: () => Promise<void>,
): Promise<Regressions> {
  const { wasm } = t;
  const [y, weight, f, working, workingWeight] = [0, 0, 0, 0, 0].map(() => t.floats(n));
  wasm.beginDual(n, d, signs.at, beta.at, t.bytes(wasm.dualSize(n, d)).at);
  const chunk = Math.min(feed.room, Math.ceil(SLICE / 8 / d));
  let weighted = false;
  for (let from = 0; from < n; from += chunk) {
    const count = Math.min(n - from, chunk);
    const given = feed.range(from, from + count);
    wasm.takeRows(given.x, from, count);
    const copy = (at: number, to: Block) => t.f32(to).set(t.f32({ at, length: count }), from);
    copy(given.y, y);
    weighted = given.weight !== 0;
    if (weighted) copy(given.weight, weight);
    await pause();
  }
  let [target, w] = [y.at, weighted ? weight.at : 0];
  let id = 0;

  return {
    async deal(parts) {
      id = parts.at;
    },
    leave: (part) => wasm.leaveOut(target, w, id, part),
    solve(ridge) {
      wasm.beginSolution(ridge);
      return sliced(wasm.solveDual);
    },
    error: (part) => wasm.dualError(id, part),
    rework() {
      wasm.dualFit(f.at);
      [target, w] = [working.at, workingWeight.at];
      wasm.workingResponse(loss, f.at, y.at, weighted ? weight.at : 0, n, parameter, target, w);
    },
  };
}
