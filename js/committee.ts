// The committee, trained. In: a plan, rows by the feed or by readings, the centre that members start at, and workers; out: members, each with the rows that it
// left out. Who trains which member, in what order and where its rows come from cannot change a bit: each has a seed of its own.

import type { Centre } from "./centre.js";
import type { Feed } from "./feed.js";
import { type Folds, leftOutRows, trainingRows } from "./folds.js";
import { type Look, type MemberResult, trainMember } from "./member.js";
import { indexOfLeast, sumOf } from "./metrics.js";
import type { Committee } from "./outoffold.js";
import type { FitPlan } from "./plan.js";
import type { Readings } from "./readings.js";
import { createSeat, type Helper, type Layout, layNetworks, type Setup, startHelpers } from "./threads.js";
import { type Block, createTrainer, type Trainer } from "./wasm.js";

/** A lighter decay, or more steps, must lower the out-of-fold loss by 2 %: below that the choice is mostly noise. */
export const CLEARLY = 0.98;

/**
 * From what share of the steps on the members' best looks must lie, in the mean, for a round: the first, a lighter decay, more steps. Networks that
 * are at their best before that are not held back.
 */
const LATE = [0, 1 / 3, 1 / 2];

/** Workers, which begin with the setup as soon as that is known. */
export interface Workers {
  helpers: Helper[];
  begin: (setup: () => Setup) => void;
  close: () => void;
}

/** `count` workers, fewer where the host refuses; as for startHelpers. */
export function startWorkers(count: number, signal?: AbortSignal): Workers {
  let begin: Workers["begin"] = () => {};
  const begun = new Promise<() => Setup>((resolve) => {
    begin = resolve;
  });
  return { begin, ...startHelpers(count, async () => (await begun)(), signal) };
}

/** Where rows come from. */
export interface Supply {
  folds: Folds;
  feed: Feed;
  /** Left-out rows of a member, at most. */
  most: number;
  /** Of a source that is read again. */
  readings: Readings | undefined;
}

type Report = (look: Look) => void;

/**
 * Committees, one a decay of the ridge, and one for longer; the one with the least out-of-fold loss stays, with its plan. Leaves the trainer with the
 * weights and the ridge of the last one.
 *
 * @param ridge [networks], where the trainer has the ridge of each
 * @param progress hears of each look, and what share of all training is done
 */
export async function trainCommittee(
  t: Trainer,
  plan: FitPlan,
  layout: Layout,
  ridge: Block,
  supply: Supply,
  centre: Centre,
  workers: Workers,
  progress: (look: Look, done: number) => void,
  pause: () => Promise<void>,
): Promise<Committee> {
  const { folds, feed, most } = supply;
  const held = leftOutRows(folds, most);
  const leftOut = held.map((own, e) => feed.keep(own, e * most));
  const centres = held.map((_, e) => (folds.out ? centre.without[e] : centre.all));
  const setup = () => {
    const n = plan.room > 0 ? 0 : folds.of.length;
    return { ...layout, batch: plan.batch, module: t.module, all: feed.copy(0, n), places: n || plan.room + most };
  };
  workers.begin(setup);
  await pause();
  const { decays, longer } = plan;
  const rounds = decays.length + Number(longer !== undefined);
  /** Steps of all rounds, and of those before the one at hand. */
  const total = decays.length * plan.steps + (longer?.steps ?? 0);
  let before = 0;
  let kept = { plan, decay: 1, results: [] as MemberResult[] };
  let told = 0;
  for (let round = 0; round < rounds; round++) {
    if (kept.results.reduce((sum, m) => sum + m.best, 0) < LATE[round] * plan.looks * held.length) break;
    const decay = decays[round] ?? kept.decay;
    const tried = round < decays.length ? plan : { ...plan, ...longer };
    const lambdas = layout.lambdas.map((lambda) => lambda * decay);
    t.f32(ridge).set(lambdas);
    const done = new Float64Array(held.length);
    const report = (e: number) => (look: Look) => {
      done[e] = look.step / tried.steps;
      told = (before + (sumOf(done) / done.length) * tried.steps) / total;
      progress(look, told);
    };
    const train = createTraining(t, tried, setup, supply, leftOut, centres, workers.helpers, pause);
    const results = await train(lambdas, report, (e) => {
      done[e] = 1;
    });
    if (plan.keepAll) chooseStep(results, leftOut);
    if (round === 0 || lossOf(results, leftOut) < CLEARLY * lossOf(kept.results, leftOut))
      kept = { plan: tried, decay, results };
    before += tried.steps;
  }
  // steps that stopping saved, and rounds, count as done
  if (told < 1) progress(kept.results[0].looks.at(-1) as Look, 1);
  return { plan: kept.plan, results: kept.results, held, leftOut, centres };
}

/** What trains every member once: by whoever is free, the helpers and this thread, each member on the rows that it does not leave out. */
function createTraining(
  t: Trainer,
  plan: FitPlan,
  setup: () => Setup,
  { folds, feed, readings }: Supply,
  leftOut: Uint32Array[],
  centres: Float64Array[],
  helpers: Helper[],
  pause: () => Promise<void>,
): (lambdas: number[], report: (e: number) => Report, ended: (e: number) => void) => Promise<MemberResult[]> {
  const { room } = plan;
  const heldPlaces = (e: number) => leftOut[e].map((_, i) => room + i);

  /** Pieces of member e, one after the other, in the places from `base` on. */
  function piecesOf(e: number, base: number): () => Uint32Array {
    let k = 0;
    return () => feed.piece(plan.seed, e, k++, folds.of, folds.own(e), base);
  }

  function here(e: number, report: Report): Promise<MemberResult> {
    const next = feed.whole ? undefined : piecesOf(e, 0);
    const rows = next ? next() : trainingRows(folds, e);
    return trainMember(t, plan, e, rows, leftOut[e], centres[e], report, pause, next);
  }

  /** In a trainer of its own: members train side by side on what was read. */
  async function onReadings(from: Readings, e: number, report: Report): Promise<MemberResult> {
    const { t: own, put } = createSeat(createTrainer, layNetworks, setup());
    put(feed.pick(leftOut[e]), room);
    const piece = from.piecesOf(e, folds.own(e), plan.reads, plan.quota);
    const next = async () => {
      const { rows, list } = await piece();
      put(rows, 0);
      return list;
    };
    const result = await trainMember(own, plan, e, await next(), heldPlaces(e), centres[e], report, pause, next);
    from.done();
    return result;
  }

  /** By a helper; undefined where it fails. */
  function there(helper: Helper, lambdas: number[], e: number, report: Report): Promise<MemberResult | undefined> {
    const job = { plan, stream: e, lambdas, centre: centres[e] };
    if (feed.whole) return helper.train({ ...job, rows: trainingRows(folds, e), leftOut: leftOut[e] }, report);
    const next = piecesOf(e, feed.spare);
    const sent = (memory?: Float32Array<ArrayBuffer>) => ({
      list: next(),
      rows: feed.copy(feed.spare, feed.spare + room, memory),
    });
    const { list: rows, rows: first } = sent();
    return helper.train({ ...job, rows, first, leftOut: heldPlaces(e), held: feed.pick(leftOut[e]) }, report, sent);
  }

  return async (lambdas, report, ended) => {
    const members: MemberResult[] = [];
    const failed: number[] = [];
    const keep = (e: number, result: MemberResult) => {
      members[e] = result;
      ended(e);
    };
    const train = async (e: number) => {
      keep(e, await (readings ? onReadings(readings, e, report(e)) : here(e, report(e))));
    };
    let next = 0;
    const own = (async () => {
      if (readings) await Promise.all(leftOut.map((_, e) => train(e)));
      else while (next < leftOut.length) await train(next++);
    })();
    const others = helpers.map(async (helper) => {
      // one that is not ready yet when all members are given out is not waited for
      await Promise.race([helper.ready, own]);
      while (helper.alive() && next < leftOut.length) {
        const e = next++;
        const result = await there(helper, lambdas, e, report(e));
        if (result) keep(e, result);
        else failed.push(e);
      }
    });
    await Promise.all([own, ...others]);
    for (const e of failed) await train(e);
    return members;
  };
}

/** Out-of-fold loss of members at their chosen looks, summed over rows. */
function lossOf(members: MemberResult[], leftOut: Uint32Array[]): number {
  return members.reduce((sum, m, e) => sum + m.looks[m.best].validationLoss * leftOut[e].length, 0);
}

/** Few rows: one step for all members, the one with the least loss over all of their left-out rows. */
function chooseStep(members: MemberResult[], leftOut: Uint32Array[]): void {
  const losses = members[0].looks.map((_, k) => {
    for (const m of members) m.best = k;
    return lossOf(members, leftOut);
  });
  const best = indexOfLeast(losses);
  for (const m of members) m.best = best;
}
