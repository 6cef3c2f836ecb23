// Where networks stop. Beyond the training rows the plane of a sum is enough: networks were bent to rows that are there, and far out the steepest
// hyperplane of each decides alone. In: a trained committee and its left-out rows. Out: the blend; the sides on which networks are held to the
// values that they take on training rows; those values, and the left-out rows' sums under them. In a model a bound is a constant hyperplane.

import type { Folds } from "./folds.js";
import { sumOf } from "./metrics.js";
import { type Committee, chooseBlend, collect, type OutOfFold, rowsASlice } from "./outoffold.js";
import type { Layout } from "./threads.js";
import type { Trainer } from "./wasm.js";

/** The bound above stays unless the out-of-fold loss is 5 % lower without it, */
const CLEARLY = 0.95;
/** or changes by less than 0.1 %: then it is not worth its plane. */
const NOTICED = 0.001;
/** The bound below costs a plane in each group, two thirds of a prediction's time, and must lower the loss by 1 %. */
const WORTH = 0.99;

/** Of one member, a number a network, times the network's factor; infinite where there is no bound. */
export interface Bounds {
  low: Float32Array;
  high: Float32Array;
}

/** What left-out rows decide. */
export interface Judged {
  /** Share of the networks. */
  blend: number;
  /** Of the left-out rows. */
  losses: Float64Array;
  /** With the networks' sums as the model will have them. */
  outOfFold: OutOfFold;
  /** By member. */
  bounds?: Bounds[];
}

/** Networks as they are. */
function unbounded(t: Trainer, { plan }: Committee, outOfFold: OutOfFold): Judged {
  const { a, losses } = chooseBlend(t, plan, outOfFold);
  return { blend: a, losses, outOfFold };
}

/**
 * The blend, and the bounds where `may` says that there may be some; nothing where no rows were left out. `pause` is awaited between blocks of work. The
 * rest as for boundNetworks.
 */
export async function judge(
  t: Trainer,
  committee: Committee,
  { out, of }: Folds,
  { shapes, factors }: Layout,
  may: boolean,
  pause: () => Promise<void>,
): Promise<Judged | undefined> {
  if (!out) return undefined;
  const o = await collect(t, committee, pause);
  const flat = factors.map((_, m) => shapes[2 * m] * shapes[2 * m + 1] === 1);
  return may ? boundNetworks(t, committee, o, flat, of, pause) : unbounded(t, committee, o);
}

/**
 * Decides about the bound above and the one below, each by itself. Left-out rows are judged under bounds from the rows that their member
 * trained on; the model's come from all rows.
 *
 * @param flat for each network, whether it is a single plane: those have no bounds
 * @param foldOf the fold of each row; member e left out fold e. The kernels have all rows, in this order
 */
async function boundNetworks(
  t: Trainer,
  committee: Committee,
  o: OutOfFold,
  flat: boolean[],
  foldOf: Uint8Array,
  pause: () => Promise<void>,
): Promise<Judged> {
  const { plan, results, held } = committee;
  const n = foldOf.length;
  const chunk = rowsASlice(plan);
  const mark = t.wasm.mark();
  const list = t.put(
    Uint32Array.from({ length: n }, (_, r) => r),
    "u32",
  );
  const out = t.floats(flat.length * ((Math.min(chunk, n) + 7) & ~7));
  const all = flat.map(() => new Float32Array(n));
  const sums = { above: new Float32Array(o.networks.length), below: new Float32Array(o.networks.length) };
  const both = new Float32Array(o.networks.length);
  let first = 0;
  const bounds: Bounds[] = [];
  for (const [e, member] of results.entries()) {
    t.slabW(plan.planes * plan.dp).set(member.weights[member.best] as Float32Array);
    t.wasm.refreshTiles();
    for (let from = 0; from < n; from += chunk) {
      const count = Math.min(chunk, n - from);
      t.wasm.evaluateNetworks(list.at + from * 4, count, 0.5, out.at);
      const stride = (count + 7) & ~7;
      all.forEach((values, m) => {
        values.set(t.f32({ at: out.at + m * stride * 4, length: count }), from);
      });
      await pause();
    }
    const low = new Float32Array(flat.length);
    const high = new Float32Array(flat.length);
    flat.forEach((single, m) => {
      const values = all[m];
      // over the rows that the member trained on, and over all
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      let [leastOfAll, mostOfAll] = [least, most];
      for (let r = 0; r < n; r++) {
        const v = values[r];
        if (v < leastOfAll) leastOfAll = v;
        if (v > mostOfAll) mostOfAll = v;
        if (foldOf[r] === e) continue;
        if (v < least) least = v;
        if (v > most) most = v;
      }
      if (single) {
        least = leastOfAll = Number.NEGATIVE_INFINITY;
        most = mostOfAll = Number.POSITIVE_INFINITY;
      }
      const rows = held[e];
      for (let k = 0, at = first; k < rows.length; k++, at++) {
        const v = values[rows[k]];
        const capped = v < most ? v : most;
        sums.above[at] += capped;
        sums.below[at] += v > least ? v : least;
        both[at] += capped > least ? capped : least;
      }
      [low[m], high[m]] = [leastOfAll, mostOfAll];
    });
    first += held[e].length;
    bounds.push({ low, high });
  }
  t.wasm.reset(mark);
  const free = chooseBlend(t, plan, o);
  const loss = sumOf(free.losses);
  const lossOf = (networks: Float32Array) => sumOf(chooseBlend(t, plan, { ...o, networks }).losses);
  const capped = lossOf(sums.above);
  const above = loss >= CLEARLY * capped && Math.abs(loss - capped) >= NOTICED * loss;
  const below = lossOf(sums.below) < WORTH * loss;
  if (!above && !below) return { blend: free.a, losses: free.losses, outOfFold: o };
  for (const { low, high } of bounds) {
    if (!above) high.fill(Number.POSITIVE_INFINITY);
    if (!below) low.fill(Number.NEGATIVE_INFINITY);
  }
  const outOfFold = { ...o, networks: above && below ? both : above ? sums.above : sums.below };
  return { ...unbounded(t, committee, outOfFold), bounds };
}
