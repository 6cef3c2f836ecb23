// What the rows tell that a member did not train on: how much of the networks the model takes, scores, residuals for intervals, levels for
// quantiles. In: a trained committee and its left-out rows; out: the blend, and the fields of the model that come from these rows.

import { linkOf } from "./link.js";
import type { MemberResult, Plan } from "./member.js";
import { indexOfLeast, meanOf, middleOf, scoresOf, sumOf } from "./metrics.js";
import type { FitPlan } from "./plan.js";
import type { Floats } from "./table.js";
import { paced } from "./turn.js";
import type { ModelData } from "./types.js";
import type { Trainer } from "./wasm.js";

const BLENDS = [1, 0.75, 0.5, 0.25, 0];
/** Standard errors from which the networks' gain on the linear fit counts in full. */
const CERTAIN = 2;
/** Share of the rows, at either end, that the gain is judged without. */
const TRIMMED = 0.02;

/** A trained committee and the rows that its members left out. */
export interface Committee {
  plan: FitPlan;
  results: MemberResult[];
  /** By member, the numbers of its left-out rows in the table, */
  held: Uint32Array[];
  /** and their places among the kernels' rows. */
  leftOut: Uint32Array[];
  /** By member, the linear centre without these rows. */
  centres: Float64Array[];
}

/** Left-out rows of all members, in order, with what the networks and the linear fit say of them (sums), [levels][rows]. */
export interface OutOfFold {
  rows: Uint32Array;
  places: Uint32Array;
  networks: Float32Array;
  linear: Float32Array;
}

/** Rows that a member's networks may look at between turns of the event loop: eights. */
export function rowsASlice({ slice, planes, dp }: Plan): number {
  return Math.max(8, Math.floor(slice / planes / dp) & ~7);
}

/** What networks and centre say of the rows that they were not trained on. `pause` is awaited between blocks of work. */
export async function collect(
  t: Trainer,
  { plan, results, held, leftOut, centres }: Committee,
  pause: () => Promise<void>,
): Promise<OutOfFold> {
  const total = leftOut.reduce((s, rows) => s + rows.length, 0);
  const rows = new Uint32Array(total);
  const places = new Uint32Array(total);
  const networks = new Float32Array(total * plan.levels.length);
  let at = 0;
  results.forEach((m, e) => {
    const own = leftOut[e];
    rows.set(held[e], at);
    places.set(own, at);
    const sums = m.sums[m.best] as Float32Array;
    plan.levels.forEach((_, k) => {
      networks.set(sums.subarray(k * own.length, (k + 1) * own.length), k * total + at);
    });
    at += own.length;
  });
  return { rows, places, networks, linear: await linearSums(t, leftOut, centres, plan.levels, pause) };
}

/** What linear fits, one a member, say of the rows at their places: sums, [levels][rows]. */
async function linearSums(
  t: Trainer,
  places: Uint32Array[],
  fits: Float64Array[],
  levels: readonly number[],
  pause: () => Promise<void>,
): Promise<Float32Array> {
  const total = places.reduce((s, rows) => s + rows.length, 0);
  const sums = new Float32Array(total * levels.length);
  let at = 0;
  for (const [e, own] of places.entries()) {
    const mark = t.wasm.mark();
    const list = t.put(own, "u32");
    const fit = t.put(fits[e]);
    const f = t.floats(own.length);
    for (const [k, level] of levels.entries()) {
      t.wasm.evaluateCentre(list.at, own.length, fit.at, level, f.at);
      sums.set(t.f32(f), k * total + at);
      await pause();
    }
    t.wasm.reset(mark);
    at += own.length;
  }
  return sums;
}

function blended({ networks, linear }: OutOfFold, a: number): Float32Array {
  const out = new Float32Array(networks.length);
  for (let i = 0; i < out.length; i++) out[i] = a * networks[i] + (1 - a) * linear[i];
  return out;
}

/** `n` numbers by their place: typed arrays' own `from` takes ten times as long. */
function listOf(n: number, f: (r: number) => number): Float64Array {
  const out = new Float64Array(n);
  for (let r = 0; r < n; r++) out[r] = f(r);
  return out;
}

/** Loss of each row, averaged over levels, of sums [levels][rows]. */
function lossRows(t: Trainer, plan: Plan, rows: Uint32Array, sums: Float32Array): Float64Array {
  const mark = t.wasm.mark();
  const list = t.put(rows, "u32");
  const f = t.floats(rows.length);
  const out = t.floats(rows.length);
  const total = new Float64Array(rows.length);
  plan.levels.forEach((level, k) => {
    t.f32(f).set(sums.subarray(k * rows.length, (k + 1) * rows.length));
    t.wasm.lossRowsOf(list.at, rows.length, f.at, plan.loss, level, plan.parameter, out.at);
    const v = t.f32(out);
    for (let r = 0; r < rows.length; r++) total[r] += v[r] / plan.levels.length;
  });
  t.wasm.reset(mark);
  return total;
}

/**
 * How much of the networks, how much of the linear fit: the share with the least out-of-fold loss, and of it only the part that the gain
 * on the linear fit vouches for: all of it from CERTAIN standard errors of that gain on, in proportion below. Rows of greatest gain and of
 * greatest loss do not vote there: of a few huge targets one decides the mean gain, and the next one may lie on the other side. `losses` are those
 * of the rows at that share.
 */
export function chooseBlend(t: Trainer, plan: Plan, o: OutOfFold): { a: number; losses: Float64Array } {
  const losses = BLENDS.map((a) => lossRows(t, plan, o.places, blended(o, a)));
  const sums = losses.map(sumOf);
  const best = indexOfLeast(sums);
  const linear = losses[BLENDS.length - 1];
  const a = BLENDS[best] * certaintyOf(losses[best], linear);
  return { a, losses: a === BLENDS[best] ? losses[best] : lossRows(t, plan, o.places, blended(o, a)) };
}

/** How sure it is, by left-out rows, that `losses` are less than `others`: 1 from CERTAIN standard errors of the trimmed mean gain on, 0 without any. */
export function certaintyOf(losses: Float64Array, others: Float64Array): number {
  const gains = listOf(losses.length, (r) => others[r] - losses[r]).sort();
  const off = Math.min(Math.ceil(TRIMMED * gains.length), (gains.length - 1) >> 1);
  const kept = gains.subarray(off, gains.length - off);
  const gain = sumOf(kept) / kept.length;
  const square = sumOf(listOf(kept.length, (r) => (kept[r] - gain) * (kept[r] - gain)));
  const certain = CERTAIN * (Math.sqrt(square) / kept.length);
  return gain < certain ? Math.max(0, gain / certain) : 1;
}

/**
 * Residuals, calibration and held-out scores, from rows that the predicting member did not train on. `fits`: by member, the linear fit to compare
 * with. `pause` is awaited between blocks of work.
 */
export async function finish(
  t: Trainer,
  data: ModelData,
  committee: Committee,
  o: OutOfFold,
  a: number,
  actual: Floats,
  weight: Float32Array | undefined,
  fits: Float64Array[],
  pause: () => Promise<void>,
): Promise<void> {
  const n = o.rows.length;
  const { wasm } = t;
  const y = listOf(n, (r) => actual[o.rows[r]]);
  const w = weight && listOf(n, (r) => weight[o.rows[r]]);
  const predict = (sum: number) =>
    linkOf(data.link, Math.fround(Math.fround(sum * data.scale) + data.offset), wasm.expf);
  const { levels } = committee.plan;
  const middle = middleOf(levels);
  const sums = blended(o, a);
  const model = listOf(n, (r) => predict(sums[middle * n + r]));
  const straight = await linearSums(t, committee.leftOut, fits, [levels[middle]], pause);
  const linear = listOf(n, (r) => predict(straight[r]));
  const scores = scoresOf(model, y, w);
  const { rows } = scores;
  // of no weight, they tell nothing
  if (rows === 0) return;
  data.training.heldOut = {
    model: scores,
    mean: scoresOf(new Float64Array(n).fill(meanOf(actual, weight)), y, w),
    linear: scoresOf(linear, y, w),
  };
  if (data.loss.name === "quantiles") data.calibration = await calibrate(t, committee, a, actual, weight, data, pause);
  if (data.link.name === "logistic" || data.loss.name === "quantiles") return;
  let residuals: Float64Array;
  if (data.link.name === "exp") {
    const low = leastAbove0(y, w);
    // of all rows, where none left out is above 0
    const zero = Math.fround((low < Number.POSITIVE_INFINITY ? low : leastAbove0(actual, weight)) / 2);
    residuals = listOf(n, (r) => wasm.logf(y[r] || zero) - wasm.logf(model[r]));
    if (y.some((v, r) => v === 0 && w?.[r] !== 0)) data.training.zero = zero;
  } else {
    residuals = listOf(n, (r) => y[r] - model[r]);
  }
  const rankOf = w ? weightedRanks(residuals, w) : rankedBy(residuals.sort());
  const keep = Math.min(rows, 1001);
  data.residuals = Array.from({ length: keep }, (_, k) =>
    Math.fround(rankOf(keep === 1 ? 0 : (k * (rows - 1)) / (keep - 1))),
  );
}

/** The least number above 0 of those that have a weight. */
function leastAbove0(values: Floats, weight?: Floats): number {
  let low = Number.POSITIVE_INFINITY;
  for (let r = 0; r < values.length; r++) if (values[r] > 0 && values[r] < low && weight?.[r] !== 0) low = values[r];
  return low;
}

/** What stands at a rank, from 0, of numbers that are sorted. */
const rankedBy = (sorted: Float64Array) => (rank: number) => sorted[Math.round(rank)];

/**
 * The same where each of the numbers counts by its weight, and not at all where that is 0: ranks, which may not fall from call to call, go up to
 * how many count.
 */
function weightedRanks(values: Float64Array, weight: Float64Array): (rank: number) => number {
  const order = Uint32Array.from(values.keys())
    .filter((r) => weight[r] > 0)
    .sort((a, b) => values[a] - values[b]);
  const unit = order.reduce((sum, r) => sum + weight[r], 0) / order.length;
  let k = 0;
  let end = weight[order[0]];
  return (rank) => {
    while (k < order.length - 1 && end <= (rank + 0.5) * unit) end += weight[order[++k]];
    return values[order[k]];
  };
}

/**
 * Levels to feed in so that, out of fold, the asked share of rows (by their weight) lies below: piecewise linear, non-decreasing, so quantiles
 * still never cross.
 */
async function calibrate(
  t: Trainer,
  { plan, results, held, leftOut, centres }: Committee,
  a: number,
  actual: Floats,
  weight: Float32Array | undefined,
  data: ModelData,
  pause: () => Promise<void>,
): Promise<[number, number][]> {
  const grid = Array.from({ length: 49 }, (_, k) => (k + 1) / 50);
  grid.unshift(0.002, 0.005, 0.01);
  grid.push(0.99, 0.995, 0.998);
  const below = new Float64Array(grid.length);
  let total = 0;
  const most = rowsASlice(plan);
  const breathe = paced(pause, most);
  for (const [e, m] of results.entries()) {
    const own = leftOut[e];
    t.slabW(plan.planes * plan.dp).set(m.weights[m.best] as Float32Array);
    t.wasm.refreshTiles();
    const mark = t.wasm.mark();
    const list = t.put(own, "u32");
    const centre = t.put(centres[e]);
    const f = t.floats(Math.max(8, own.length));
    const g = t.floats(own.length);
    for (const [k, level] of grid.entries()) {
      for (let from = 0; from < own.length; from += most) {
        t.wasm.evaluate(list.at + from * 4, Math.min(most, own.length - from), level, f.at + from * 4);
        await breathe(Math.min(most, own.length - from));
      }
      t.wasm.evaluateCentre(list.at, own.length, centre.at, level, g.at);
      const net = t.f32(f);
      const lin = t.f32(g);
      for (let r = 0; r < own.length; r++) {
        const row = held[e][r];
        if (actual[row] <= (a * net[r] + (1 - a) * lin[r]) * data.scale + data.offset)
          below[k] += weight ? weight[row] : 1;
      }
    }
    t.wasm.reset(mark);
    total += weight ? held[e].reduce((sum, row) => sum + weight[row], 0) : own.length;
  }
  // the median, too: it is what predict gives
  const asked = [...new Set([...(data.loss.levels as number[]), 0.5])].sort((p, q) => p - q);
  return asked.map((level): [number, number] => {
    // share below is non-decreasing in the level fed in: find where it passes the level asked for
    let k = 0;
    while (k < grid.length && below[k] / total < level) k++;
    if (k === 0) return [level, Math.fround(grid[0])];
    if (k === grid.length) return [level, Math.fround(grid[grid.length - 1])];
    const low = below[k - 1] / total;
    const high = below[k] / total;
    const share = high > low ? (level - low) / (high - low) : 0;
    return [level, Math.fround(grid[k - 1] + share * (grid[k] - grid[k - 1]))];
  });
}
