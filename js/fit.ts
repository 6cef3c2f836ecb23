// rows -> schema -> inputs -> centre -> committee -> blend -> model. In: the user's rows and options; out: a model. Each stage is a file.
// The recipe and its constants: docs/defaults.md. Every choice is made on training rows; all arithmetic is + - * / and sqrt, or the kernels'.

import { assemble } from "./assemble.js";
import { judge } from "./bounds.js";
import { roomForColumns } from "./columns.js";
import { CLEARLY, startWorkers, trainCommittee } from "./committee.js";
import { defaultsFor, rampsFor } from "./defaults.js";
import { abortError } from "./errors.js";
import { createFeed, RESIDENT } from "./feed.js";
import { dealFolds, mostLeftOut } from "./folds.js";
import { chooseInputs, describeSource } from "./inputs.js";
import type { Look } from "./member.js";
import { sumOf } from "./metrics.js";
import { type Model, makeModel } from "./model.js";
import { fewDigits } from "./normalise.js";
import { certaintyOf } from "./outoffold.js";
import { type FitPlan, planNetworks, planTraining } from "./plan.js";
import { AS_IS } from "./ramps.js";
import { readAgain } from "./readings.js";
import type { Rows } from "./rows.js";
import type { Batches } from "./sample.js";
import type { FitOptions, Progress, Schema } from "./schema.js";
import { readSource, type Source } from "./source.js";
import { scaleTarget } from "./target.js";
import { type Helper, layNetworks } from "./threads.js";
import { turn } from "./turn.js";
import type { ModelData } from "./types.js";
import { checkModule } from "./wasm.compile.js";
import { wasmModule } from "./wasm.inline.js";
import { createTrainer } from "./wasm.js";

/**
 * Trains a model.
 *
 * @param rows objects, or columns `{ name: numbers | strings }`, n rows; or batches of them, as many as there are: read again and again where the
 *   iterable starts anew each time, else a sample of them trains. They are read while training goes on: leave them as they are until it is done
 * @param options target, features and their constraints; the rest has defaults that need no tuning
 * @returns the model; the same rows, options and seed give the same bytes in every engine
 * @throws TypeError, RangeError naming the argument, the row and the column; AbortError when `signal` aborts
 * @example
 * const model = await fit([{ scan: 1, minutes: 3 }, { scan: 2, minutes: 5 }, { scan: 4, minutes: 8 }], { target: "minutes" });
 * model.predict({ scan: 3 });
 */
export async function fit(rows: Rows | Batches, options: FitOptions): Promise<Model> {
  return makeModel(await fitData(rows, options), options.module);
}

/** `fit`, as plain data. More than `resident` numbers are trained on piece by piece (feed.ts). */
export async function fitData(rows: Rows | Batches, options: FitOptions, resident = RESIDENT): Promise<ModelData> {
  const ends: (() => void)[] = [];
  const signal = options?.signal;
  let stop = () => {};
  try {
    // an abort ends it at once: batches that never come would keep the caller waiting
    return await new Promise((resolve, reject) => {
      stop = () => reject(abortError());
      if (signal?.aborted) stop();
      signal?.addEventListener?.("abort", stop);
      build(rows, options, resident, ends).then(resolve, reject);
    });
  } finally {
    signal?.removeEventListener?.("abort", stop);
    for (const end of ends) end();
  }
}

/** The work of fitData: one committee, or the better one with ramps and without; what must end with it, however it goes, is put to `ends`. */
async function build(
  given: Rows | Batches,
  options: FitOptions,
  resident: number,
  ends: (() => void)[],
): Promise<ModelData> {
  const began = Date.now();
  const signal = options?.signal;
  let fault: { error: unknown } | undefined;
  const heed = () => {
    if (signal?.aborted) throw abortError();
    if (fault) throw fault.error;
  };
  const pause = () => turn().then(heed);

  const source = await readSource(given, options, resident / 2, pause);
  const { schema, rows, shared } = source;
  const { onProgress } = schema;
  /** What calls of the caller's own come to: one that throws, sooner or later, ends the fit. A worker's look would throw where nobody hears it. */
  let told: Promise<unknown> = Promise.resolve();
  const tell = async (progress: Progress) => {
    try {
      if (!fault) await onProgress?.(progress);
    } catch (error) {
      fault ??= { error };
      for (const end of ends) end();
    }
  };
  if (onProgress)
    schema.onProgress = (progress) => {
      told = Promise.all([told, tell(progress)]);
    };
  const rounds = rampsFor(rows, schema, shared !== undefined);
  let best: Made | undefined;
  for (let k = 0; k < rounds.length; k++) {
    // what has ended by an abort starts no workers
    heed();
    const made = await train(source, rounds, k, options, resident, ends, pause, began);
    if (!best || !isClearlyBetter(best.losses, made.losses)) best = made;
  }
  // a fit may be over before it next lets the event loop run
  heed();
  await told;
  heed();
  return (best as Made).data;
}

/** More inputs must lower the loss of left-out rows by 2 %, and not by chance. */
const isClearlyBetter = (losses: Float64Array, others: Float64Array) =>
  sumOf(losses) < CLEARLY * sumOf(others) && certaintyOf(losses, others) === 1;

interface Made {
  data: ModelData;
  /** Of the left-out rows; none where all trained. */
  losses: Float64Array;
}

/** The stages from rows to a model: round `k`. Where no column has a ramp that was not asked for, there is no round after one that allows them. */
async function train(
  source: Source,
  rounds: number[],
  k: number,
  { module, signal }: FitOptions,
  resident: number,
  ends: (() => void)[],
  pause: () => Promise<void>,
  began: number,
): Promise<Made> {
  // a fold for each row
  const { schema, table, actual, weight, sample } = source;
  const t = createTrainer(module === undefined ? wasmModule : () => checkModule(module, "module"));
  const folds = dealFolds(t, source);

  // workers start now, so that they are there when the rows are
  const threads = source.again ? 1 : Math.min(schema.threads, folds.members);
  const workers = startWorkers(threads - 1, signal);
  ends.push(workers.close);

  // targets and columns as the kernels see them
  const { n } = table;
  const target = scaleTarget(actual, weight, schema, t.wasm.logf);
  const room = roomForColumns(t, schema.features.length);
  const { raw, scaling } = await describeSource(t, source, room, rounds[k], pause);
  const { linear, units } = scaling;
  const columns = linear.length;
  const isUnasked = (i: number) => units[i] !== AS_IS && schema.features[linear[i].feature].transform === "auto";
  if (rounds[k] > 0 && !linear.some((_, i) => isUnasked(i))) rounds.length = k + 1;
  const most = mostLeftOut(folds, n * columns > resident);
  const feed = createFeed(t, { n, columns, raw, y: target.y, weight }, resident, folds.members * most, threads > 1);

  // inputs, and the linear centre on them
  const chosen = await chooseInputs(t, source, scaling, target, feed, folds, pause);
  const { signs, centre } = chosen;
  const readings = readAgain(t, source, target, chosen, columns, room, folds, resident, pause);

  // networks and steps
  const auto = defaultsFor(source.rows, columns, schema.effort, source.shared !== undefined);
  const layout = planNetworks(schema, auto.lambda, columns, signs);
  const pieces = readings ?? (feed.whole ? undefined : feed);
  const { parameter, link } = target;
  const plan = planTraining(source, auto, folds, layout, parameter, readings, pieces?.room ?? 0, threads);
  const ridge = layNetworks(t, layout, plan.batch, feed.places);

  // the committee
  const progress = progressOf(schema, plan, workers.helpers, began, (done) => (k + done) / rounds.length);
  const supply = { folds, feed, most, readings };
  const committee = await trainCommittee(t, plan, layout, ridge, supply, centre, workers, progress, pause);

  // blend and bounds, the model
  const bounded = auto.bounds && plan.withPlane && !layout.withLevel && !pieces && link.name === "identity";
  const judged = await judge(t, committee, folds, layout, bounded, pause);
  const close = link.name === "identity" ? fewDigits(schema.target, target.scale, target.offset) : [];
  const said = [...scaling.warnings, ...close, ...partly(plan.trainedOn, sample?.seen ?? n), ...chosen.warnings];
  return {
    data: await assemble(t, source, scaling.features, chosen, target, layout, committee, judged, said, pause),
    losses: judged?.losses ?? new Float64Array(0),
  };
}

const partly = (rows: number, seen: number) =>
  rows < seen ? [`trained on ${rows} rows drawn at random from ${seen}: more would not fit in memory at once`] : [];

/** What tells `onProgress` of a look, and of the share of all training that is `done`. */
function progressOf(
  { onProgress }: Schema,
  { epochs: once, longer }: FitPlan,
  helpers: Helper[],
  began: number,
  part: (done: number) => number,
) {
  const epochs = longer?.epochs ?? once;
  return ({ step, loss, validationLoss }: Look, done: number) =>
    // before the first step there is no loss to tell
    step > 0 &&
    onProgress?.({
      epoch: epochs * part(done),
      epochs,
      loss,
      validationLoss: Number.isNaN(validationLoss) ? null : validationLoss,
      seconds: (Date.now() - began) / 1000,
      threads: 1 + helpers.filter((helper) => helper.alive()).length,
    });
}
