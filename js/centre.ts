// The linear centre: sign-constrained ridge regression, its strength chosen by cross-validation. In: inputs, targets and folds in a trainer's
// memory. Out: coefficients (bias last, float64) for all rows and without each fold. Other losses: iteratively reweighted (Green 1984).

import type { Feed } from "./feed.js";
import { indexOfLeast, sumOf } from "./metrics.js";
import type { Block, Trainer } from "./wasm.js";

/** Ridge strengths tried, largest first so that each fit starts from the stiffer one. */
export const RIDGES = [1, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001];
const ROUNDS = 8;
/** Rounds of coordinate descent, at most. */
export const SWEEPS = 300;
/** Up to this many rows the strength is chosen by leaving out one row at a time, where the moments of each take 2 GB at most together. */
const LEAVE_ONE_OUT = 60;

export interface CentreProblem {
  /** Gives the rows, all at once or in pieces. */
  feed: Feed;
  n: number;
  /** Inputs a row. */
  d: number;
  /** [d] float32: 1, -1, 0. */
  signs: Block;
  loss: number;
  parameter: number;
  /** [d] where there are inputs whose coefficients stay 0: which they are. */
  drop?: boolean[];
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

/** `folds[r]` is the fold of row r, below `count`; `pause` is awaited between blocks of work. */
export async function fitCentre(
  t: Trainer,
  p: CentreProblem,
  folds: Uint8Array,
  count: number,
  pause: () => Promise<void>,
): Promise<Centre> {
  const { wasm } = t;
  const { n, d } = p;
  const q = wasm.momentSize(d);
  const start = wasm.mark();
  const beta = t.doubles(d + 1);
  const work = t.doubles(d * d + d);
  const scratch = t.bytes(wasm.momentScratch(d));
  const total = t.doubles(q * q);
  const rest = t.doubles(q * q);
  const fold = t.put(folds, "u8");
  const chunk = Math.min(p.feed.room, Math.max(64, Math.floor(4e7 / (q * q))));
  // losses other than squared: working targets and weights of a chunk, from the linear fit `centre` of the round before
  let working: { rows: Block; centre: Block; f: Block; y: Block; weight: Block } | undefined;

  /** Moments of each part, [parts][q][q], row r being of part id[r]; their sum to `total`. */
  async function momentsBy(id: Block, parts: number): Promise<Block> {
    const moments = t.doubles(parts * q * q);
    t.f64(moments).fill(0);
    for (let from = 0; from < n; from += chunk) {
      const count = Math.min(n - from, chunk);
      const { x, y, weight } = p.feed.range(from, from + count);
      let target = y;
      let w = weight;
      if (working) {
        wasm.setData(x, y, 0, d, 0, 1);
        wasm.evaluateCentre(working.rows.at, count, working.centre.at, 0.5, working.f.at);
        target = working.y.at;
        w = working.weight.at;
        wasm.workingResponse(p.loss, working.f.at, y, weight, count, p.parameter, target, w);
      }
      wasm.addMoments(x, target, w, id.at + from, 0, count, d, moments.at, scratch.at);
      await pause();
    }
    const sum = t.f64(total).fill(0);
    const all = t.f64(moments);
    // an input without moments says nothing
    const { drop } = p;
    if (drop) for (let k = 0; k < all.length; k++) if (drop[k % q] || drop[Math.floor(k / q) % q]) all[k] = 0;
    for (let k = 0; k < parts; k++) for (let i = 0; i < q * q; i++) sum[i] += all[k * q * q + i];
    return moments;
  }
  const solve = (moments: number, ridge: number) =>
    wasm.solveRidge(moments, d, p.signs.at, ridge, beta.at, work.at, SWEEPS);

  if (p.loss !== 0) {
    // rounds of working targets and weights, a light ridge, all rows; the first from a fit of 0
    const room = Math.min(n, chunk);
    working = {
      rows: t.put(
        Uint32Array.from({ length: room }, (_, r) => r),
        "u32",
      ),
      centre: t.put(new Float32Array(d + 1)),
      f: t.floats(room),
      y: t.floats(room),
      weight: t.floats(room),
    };
    const every = t.put(new Uint8Array(n), "u8");
    t.f64(beta).fill(0);
    for (let round = 0; round < ROUNDS; round++) {
      const inner = wasm.mark();
      await momentsBy(every, 1);
      wasm.reset(inner);
      solve(total.at, 0.01);
      if (round < ROUNDS - 1) t.f32(working.centre).set(t.f64(beta));
    }
  }

  // strength: leave one out for few rows, the folds otherwise
  const single = n <= LEAVE_ONE_OUT && n * q * q <= 2 ** 28;
  const parts = single ? n : count;
  const id = single
    ? t.put(
        Uint8Array.from({ length: n }, (_, r) => r),
        "u8",
      )
    : fold;
  const moments = await momentsBy(id, parts);
  const weightSum = t.f64(total)[d * q + d];
  const errors = RIDGES.map(() => new Float64Array(parts));
  for (let k = 0; k < parts; k++) {
    const part = moments.at + k * q * q * 8;
    if (t.f64({ at: part, length: q * q })[d * q + d] === 0) continue;
    wasm.subtractMoments(total.at, part, d, rest.at);
    if (!(t.f64(rest)[d * q + d] > 0)) continue;
    t.f64(beta).fill(0);
    for (let r = 0; r < RIDGES.length; r++) {
      solve(rest.at, RIDGES[r]);
      errors[r][k] = wasm.squaredError(part, d, beta.at);
      // of a thousand inputs a solution takes a tenth of a second
      if (d > 256) await pause();
    }
    await pause();
  }
  const sums = errors.map(sumOf);
  const best = indexOfLeast(sums);
  const ridge = RIDGES[best];
  t.f64(beta).fill(0);
  solve(total.at, ridge);
  const all = t.f64(beta).slice();
  const without: Float64Array[] = [];
  if (count > 0) {
    const byFold = single ? await momentsBy(fold, count) : moments;
    for (let k = 0; k < count; k++) {
      wasm.subtractMoments(total.at, byFold.at + k * q * q * 8, d, rest.at);
      t.f64(beta).set(all);
      solve(rest.at, ridge);
      without.push(t.f64(beta).slice());
      await pause();
    }
  }
  wasm.reset(start);
  return { all, without, ridge, error: sums[best] / weightSum, errors: errors[best] };
}
