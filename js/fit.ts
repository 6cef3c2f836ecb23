// rows -> schema -> inputs -> centre -> committee -> blend -> model. In: the user's rows and options; out: a model.
// The recipe and its constants: docs/defaults.md. Every choice is made on training rows; all arithmetic is + - * / and sqrt, or the kernels'.

import { foldMembers } from "./assemble.js";
import { fitCentre } from "./centre.js";
import { directionsAgainst } from "./directions.js";
import { abortError } from "./errors.js";
import { createFeed, keyOf, RESIDENT } from "./feed.js";
import { parseModel } from "./format.js";
import { type Look, type MemberResult, type Plan, trainMember } from "./member.js";
import { scoresOf } from "./metrics.js";
import { type Model, makeModel } from "./model.js";
import { describe } from "./normalise.js";
import { comesAgain, createReadings, READ } from "./readings.js";
import { relevanceOf, WIDE } from "./relevance.js";
import type { Rows } from "./rows.js";
import { type Batches, isBatches, type Sample, sampleFor } from "./sample.js";
import { describeScaling, readScaling, withCategories } from "./scan.js";
import {
  checkTarget,
  checkWeight,
  type FitOptions,
  readOptions,
  readTarget,
  readWeights,
  type Schema,
} from "./schema.js";
import { encodeTable, type Floats, readTable } from "./table.js";
import { createSeat, startHelpers } from "./threads.js";
import type { Input, Link, ModelData, TrainingReport } from "./types.js";
import { VERSION } from "./version.js";
import { checkModule } from "./wasm.compile.js";
import { wasmModule } from "./wasm.inline.js";
import { createTrainer, LOSSES, putImage, type Trainer } from "./wasm.js";

/** What `auto` stands for: from the numbers of rows and inputs and the effort asked for (docs/defaults.md). */
export function defaultsFor(n: number, d: number, effort: Schema["effort"] = "default") {
  const steps = n < 250 ? 500 : n < 20000 ? 4000 : d > WIDE ? 5000 : 10000;
  return {
    members: effort === "best" || n < 250 ? 8 : effort === "fast" ? 2 : n < 5000 ? 8 : 4,
    steps: effort === "fast" ? steps / 4 : effort === "best" ? steps * 2 : steps,
    batch: n < 20000 ? 64 : 128,
    learningRate: (n < 250 ? 0.04 : 0.06) * Math.min(1, WIDE / d),
    /** Ridge on the hyperplanes' weights; none where it is too small to matter, since then planes at rest cost nothing; wide tables need it. */
    lambda: 50 / (n * n) > 1e-7 ? Math.min(1 / n, 50 / (n * n)) : d > WIDE ? 20 / n : 0,
    /** Multiples of it that are tried; the least out-of-fold loss decides. Noiseless tables want a tenth, noisy ones all of it. */
    decays: effort === "fast" || n >= (effort === "best" ? 20000 : 2000) ? [1] : [1, 0.1],
  };
}

/** Share of rows that each member leaves out. */
const DEFAULT_VALIDATION = 0.125;
const LOOKS = 40;
/** A lighter decay must lower the out-of-fold loss by 2 %: below that the choice is mostly noise. */
const CLEARLY = 0.98;
/** Left-out rows looked at, at most: enough for a loss to three digits. Half of them where rows come in pieces: the kernels keep them. */
const MOST_LEFT_OUT = 16384;
/** Rows looked at for relevance and for wrong directions where rows come in pieces. */
const SAMPLE = 32768;
/** Parts of a longer source that train in an epoch, at most: each costs a reading of all of it. */
const MOST_PARTS = 16;
const BLENDS = [1, 0.75, 0.5, 0.25, 0];
/** Standard errors from which the networks' gain on the linear fit counts in full. */
const CERTAIN = 2;
/** Share of the rows, at either end, that the gain is judged without. */
const TRIMMED = 0.02;
/** Multiply-adds between turns of the event loop: 10 to 30 ms. No clock decides, so that hosts whose clock stands still behave the same. */
const SLICE = 6e7;
const CHUNK = 1024;
/** Logistic quantile scores to unit variance: sqrt(3) / pi. */
const LEVEL_SCALE = Math.fround(0.5513289);

/** Lets the event loop take a turn. */
function turn(): Promise<void> {
  const immediate = (globalThis as { setImmediate?: (f: () => void) => void }).setImmediate;
  return new Promise((resolve) => (immediate ? immediate(resolve) : setTimeout(resolve, 0)));
}

/**
 * Trains a model.
 *
 * @param rows objects, or columns `{ name: numbers | strings }`, n rows; or batches of them, as many as there are: read again and again where the
 *   iterable starts anew each time, else a sample of them trains
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
  const began = Date.now();
  const signal = options?.signal;
  const pause = async () => {
    await turn();
    if (signal?.aborted) throw abortError();
  };
  const sampled = isBatches(rows) ? await sampleFor(rows, options, resident / 2, pause) : undefined;
  // more rows than the sample holds: all of them train if the source gives them again
  const longer = sampled !== undefined && sampled.seen > sampled.kept;
  const again = longer && (await comesAgain(rows as Batches));
  const table = readTable(sampled ? sampled.columns : (rows as Rows));
  const scales = options?.scaling === undefined ? undefined : readScaling(options.scaling);
  const known =
    scales?.columns ?? (longer ? sampled.names.map((name, c) => ({ name, categories: sampled.categories[c] })) : []);
  const schema = readOptions(table, withCategories(options, known));
  await pause();
  const n = table.n;
  const actual = readTarget(table, schema, sampled?.rows);
  const weights = readWeights(table, schema, sampled?.rows);
  const toMeanOne = weights && meanOne(weights);
  const caseWeight = toMeanOne && toFloat32(weights, toMeanOne);
  const { module } = options;
  const t = createTrainer(module === undefined ? wasmModule : () => checkModule(module, '"module"'));
  const target = scaleTarget(actual, caseWeight, schema, t.wasm.logf);

  // inputs: z-scores, or z-scores after log1p of skewed counts, whichever has the better centre
  const width = schema.features.length;
  const raw = new Float32Array(CHUNK * 4 * width);
  const chunk = (from: number, to: number) => {
    const view = raw.subarray(0, (to - from) * width);
    encodeTable(table, schema.features, from, to, view);
    return view;
  };
  const specs = schema.features.map(({ transform, ...feature }) => feature);
  const transforms = schema.features.map((f) => f.transform);
  const scaling = scales
    ? describeScaling(scales, specs, transforms, t.wasm.logf)
    : describe(chunk, n, specs, transforms, t.wasm.logf);
  if (sampled) {
    for (const f of scaling.features) {
      if (f.range) f.range = sampled.ranges[sampled.names.indexOf(f.name)].map(Math.fround) as [number, number];
    }
  }
  const features = scaling.features;
  const columns = scaling.linear.length;
  // folds
  const allRows = again ? (sampled as Sample).seen : n;
  const auto = defaultsFor(allRows, columns, schema.effort);
  const { hyper } = schema;
  const left = given(hyper.validation, DEFAULT_VALIDATION);
  const folds = left > 0 ? Math.max(2, Math.min(n, 255, Math.round(1 / left))) : 0;
  const inner = folds > 0 ? folds : Math.min(n, 8);
  const foldOf = new Uint8Array(n);
  const foldSeed = keyOf(schema.seed, 0x666f6c64);
  const foldBy = (row: number) => keyOf(foldSeed, row) % inner;
  if (again) for (let r = 0; r < n; r++) foldOf[r] = foldBy((sampled as Sample).rows[r]);
  else {
    const before = t.wasm.mark();
    const order = t.floats(n);
    const shuffled = t.u32(order);
    for (let r = 0; r < n; r++) shuffled[r] = r;
    t.wasm.seed(schema.seed, 0x666f6c64);
    t.wasm.shuffle(order.at, n);
    for (let r = 0; r < n; r++) foldOf[shuffled[r]] = r % inner;
    t.wasm.reset(before);
  }
  const wanted = given(hyper.members, auto.members);
  const members = folds > 0 ? Math.min(folds, wanted) : wanted;
  const threads = Math.min(schema.threads, members);

  // rows as the kernels see them
  const enough = n * columns > resident ? MOST_LEFT_OUT / 2 : MOST_LEFT_OUT;
  const most = folds > 0 ? Math.min(enough, Math.ceil(n / folds)) : 0;
  const feed = createFeed(
    t,
    {
      n,
      width,
      columns,
      read: (from, to, out) => encodeTable(table, schema.features, from, to, out),
      y: target.y,
      weight: caseWeight,
    },
    resident,
    members * most,
    threads > 1,
  );
  let model = 0;
  const fill = (inputs: Input[]) => {
    model = putImage(t, { features, inputs, networks: [], scale: 1, offset: 0, link: { name: "identity" } });
    return feed.use(model, pause);
  };

  const kind = LOSSES[schema.loss.name];
  const withLevel = schema.loss.name === "quantiles" ? 1 : 0;
  const signsOf = (inputs: Input[]) =>
    inputs.map((i) => {
      const c = features[i.feature].constraint;
      return i.transform === "equals" || i.transform === "missing" || c === "free" ? 0 : c === "increasing" ? 1 : -1;
    });
  const signs = signsOf(scaling.linear);
  const problem = {
    feed,
    n,
    d: columns,
    signs: t.put(signs),
    loss: withLevel ? 0 : kind,
    parameter: target.parameter,
  };
  let inputs = scaling.linear;
  const logTarget = schema.loss.name === "poisson" || schema.loss.name === "gamma";
  let centre: Awaited<ReturnType<typeof fitCentre>>;
  if (scaling.autolog === scaling.linear) {
    await fill(inputs);
    centre = await fitCentre(t, problem, foldOf, inner, pause);
  } else {
    await fill(scaling.autolog);
    centre = await fitCentre(t, problem, foldOf, inner, pause);
    inputs = scaling.autolog;
    if (!logTarget && !scales) {
      await fill(scaling.linear);
      const other = await fitCentre(t, problem, foldOf, inner, pause);
      if (other.error <= centre.error) {
        centre = other;
        inputs = scaling.linear;
      } else {
        await fill(inputs);
      }
    }
  }
  // evenly spaced rows tell enough where rows come in pieces; a whole table is given whole
  const step = Math.max(Math.ceil(n / SAMPLE), Math.ceil((4 * n * columns) / resident));
  const some = feed.every(step);
  const against = directionsAgainst(some.x, some.y, signs, centre.all).map(({ input, correlation }) => {
    const { name, constraint } = features[inputs[input].feature];
    return (
      `"${name}" is declared ${constraint}, but "${schema.target}" ${correlation < 0 ? "falls" : "rises"} with it in these rows ` +
      `(correlation ${correlation.toFixed(2)}): the model cannot follow that; isotone cv tells what the direction costs`
    );
  });
  if (columns > WIDE && !scales) {
    const factor = relevanceOf(some.x, some.y, centre.all, some.y.length, columns);
    inputs = inputs.map((input, i) => ({ ...input, scale: Math.fround(input.scale * factor[i]) }));
    const rescaled = (b: Float64Array) => b.map((v, i) => (i < columns ? v / factor[i] : v));
    centre = { ...centre, all: rescaled(centre.all), without: centre.without.map(rescaled) };
    await fill(inputs);
  }
  const d = columns + withLevel;
  if (withLevel) {
    // the level starts with the spread of the centre's residuals: quantiles of a normal around it
    const spread = Math.sqrt(Math.max(1e-6, centre.error));
    const widen = (b: Float64Array) => Float64Array.from([...b.subarray(0, columns), spread, b[columns]]);
    centre = { ...centre, all: widen(centre.all), without: centre.without.map(widen) };
  }

  // all rows of a source that gives them again
  const few = t.floats(again ? READ * width : 0);
  const fewInputs = t.floats(again ? READ * columns + 16 : 0);
  const readings = again
    ? createReadings({
        batches: rows as Batches,
        rows: allRows,
        columns,
        names: (sampled as Sample).names,
        most: resident,
        seed: keyOf(schema.seed, 0x70617274),
        put(part, out, rowOf) {
          encodeTable(part, schema.features, 0, part.n, t.f32(few));
          t.wasm.prepareRows(model, few.at, part.n, fewInputs.at);
          out.x.set(t.f32({ at: fewInputs.at, length: part.n * columns }));
          const values = part.column(schema.target) as ArrayLike<number>;
          const cases = schema.weight === undefined ? undefined : (part.column(schema.weight) as ArrayLike<number>);
          for (let i = 0; i < part.n; i++) {
            checkTarget(schema, values[i], rowOf(i));
            out.y[i] = target.unit(values[i]);
            if (cases && toMeanOne) {
              checkWeight(schema.weight as string, cases[i], rowOf(i));
              (out.weight as Float32Array)[i] = toMeanOne(cases[i]);
            }
          }
        },
        weighted: caseWeight !== undefined,
        foldOf: foldBy,
        members,
        pause,
      })
    : undefined;

  // networks
  const count = given(hyper.networks, 16);
  const single = count === 1;
  const shapes: [number, number][] = Array.from({ length: count }, () => [
    given(hyper.groups, 4),
    given(hyper.hyperplanes, 4),
  ]);
  const factors = new Array<number>(count).fill(1 / count);
  const lambdas = new Array<number>(count).fill(auto.lambda / count);
  if (!single) {
    shapes.unshift([1, 1]);
    factors.unshift(1);
    lambdas.unshift(0);
  }
  const trainRows = folds > 0 ? allRows - Math.ceil(allRows / folds) : n;
  const batch = Math.max(1, Math.min(given(hyper.batch, auto.batch), trainRows));
  const own = hyper.epochs === "auto" ? auto.steps : hyper.epochs * Math.ceil(trainRows / batch);
  // rows that are read again all train, and as often as it takes; the parts of a very long source train longer, not all
  const { parts, pieces, stepsOf } = readings ?? { parts: 0, pieces: 0, stepsOf: () => own };
  const through = Math.max(1, hyper.epochs === "auto" ? Math.ceil((own * batch) / trainRows) : hyper.epochs);
  const bound = hyper.epochs === "auto" ? (schema.effort === "fast" ? 1 : MOST_PARTS) : parts;
  const reads = Math.min(parts, bound) * through;
  const fed = stepsOf(reads, trainRows / allRows, batch);
  const steps = hyper.epochs === "auto" ? Math.max(own, fed) : fed;
  const quota = Math.max(pieces, Math.ceil((pieces * steps) / fed));
  const trainedOn = readings ? Math.round((allRows * Math.min(reads, parts)) / parts) : n;
  if (trainedOn < allRows || (longer && !again)) {
    scaling.warnings.push(
      `trained on ${trainedOn} rows drawn at random from ${(sampled as Sample).seen}: more would not fit in memory at once`,
    );
  }
  // shards share their inputs' scales, so relevance must not change them: wide tables learn more slowly instead
  const rate = given(hyper.learningRate, auto.learningRate * (scales ? Math.min(1, WIDE / columns) : 1));
  const levels = withLevel ? (schema.loss.levels as number[]) : [0.5];
  const places = feed.places;
  t.wasm.setData(places.x, places.y, places.weight, columns, withLevel, LEVEL_SCALE);
  const ridge = t.put(lambdas);
  const planes = t.wasm.setNetworks(
    shapes.length,
    t.put(shapes.flat(), "i32").at,
    t.put(factors).at,
    ridge.at,
    t.put([...signs, 1]).at,
    Math.max(8, batch),
  );
  if (planes === 0) throw new RangeError("networks: the host refused the WebAssembly memory for them");
  const dp = (d + 4) & ~3;
  const keepAll = n < 250 && folds > 0;
  const looks = keepAll && planes * dp * 4 * LOOKS * members > 2 ** 28 ? 10 : LOOKS;
  const plan: Plan = {
    seed: schema.seed,
    loss: kind,
    parameter: target.parameter,
    levels,
    steps,
    batch,
    rate,
    looks,
    keepAll,
    planes,
    dp,
    withPlane: !single,
    spread: 0.25,
    slice: SLICE,
    room: readings?.room ?? (feed.whole ? 0 : feed.room),
  };

  // committees, one a decay; the one with the least out-of-fold loss stays
  const rowsOf = (e: number) => {
    const rest = new Uint32Array(n);
    let count = 0;
    for (let r = 0; r < n; r++) if (folds === 0 || foldOf[r] !== e) rest[count++] = r;
    return rest.slice(0, count);
  };
  // left-out rows: their numbers, evenly spaced where there are more than enough, and their places among the kernels' rows
  const held: Uint32Array[] = [];
  const leftOut: Uint32Array[] = [];
  for (let e = 0; e < members; e++) {
    let size = 0;
    for (let r = 0; r < n && folds > 0; r++) if (foldOf[r] === e) size++;
    const own = new Uint32Array(Math.min(size, most));
    for (let r = 0, seen = 0, count = 0; count < own.length; r++) {
      if (foldOf[r] === e && Math.floor((++seen * own.length) / size) > count) own[count++] = r;
    }
    held.push(own);
    leftOut.push(feed.keep(own, e * most));
  }
  const ownFold = (e: number) => (folds > 0 ? e : 255);
  const epochs = (steps * batch) / trainRows;
  const decays = folds > 0 && hyper.epochs === "auto" ? auto.decays : [1];
  const centreOf = (e: number) => (folds > 0 ? centre.without[e] : centre.all);
  const setup = () => ({
    module: t.module,
    all: feed.whole && !readings ? feed.copy(0, n) : feed.copy(0, 0),
    places: plan.room > 0 ? plan.room + most : n,
    columns,
    withLevel,
    levelScale: LEVEL_SCALE,
    shapes: shapes.flat(),
    factors,
    lambdas,
    signs: [...signs, 1],
    batch: Math.max(8, batch),
  });
  // members that share readings train side by side, here
  const { helpers, close } =
    threads > 1 && !readings ? startHelpers(threads - 1, setup, signal) : { helpers: [], close: () => {} };
  let results: MemberResult[] = [];
  try {
    for (const [round, decay] of decays.entries()) {
      const decayed = lambdas.map((lambda) => lambda * decay);
      t.f32(ridge).set(decayed);
      const committee: MemberResult[] = [];
      const done = new Array<number>(members).fill(0);
      const report = (e: number) => (look: Look) => {
        done[e] = look.step / steps;
        schema.onProgress?.({
          epoch: (epochs * (round * members + done.reduce((a, b) => a + b, 0))) / members / decays.length,
          epochs,
          loss: look.loss,
          validationLoss: look.validationLoss,
          seconds: (Date.now() - began) / 1000,
          threads: 1 + helpers.filter((helper) => helper.alive()).length,
        });
      };
      /** Pieces of member e, one after the other, in the places from `base` on. */
      const piecesOf = (e: number, base: number) => {
        let k = 0;
        return () => feed.piece(schema.seed, e, k++, foldOf, ownFold(e), base);
      };
      const here = async (e: number) => {
        if (readings) {
          const { t: own, put } = createSeat(createTrainer, setup());
          put(feed.pick(leftOut[e]), plan.room);
          const piece = readings.piecesOf(e, ownFold(e), reads, quota);
          const next = async () => {
            const { rows: given, list } = await piece();
            put(given, 0);
            return list;
          };
          const places = leftOut[e].map((_, i) => plan.room + i);
          const result = await trainMember(own, plan, e, await next(), places, centreOf(e), report(e), pause, next);
          readings.done();
          return result;
        }
        const next = feed.whole ? undefined : piecesOf(e, 0);
        return trainMember(t, plan, e, next ? next() : rowsOf(e), leftOut[e], centreOf(e), report(e), pause, next);
      };
      let next = 0;
      const failed: number[] = [];
      const own = (async () => {
        if (readings) await Promise.all(held.map(async (_, e) => void (committee[e] = await here(e))));
        else {
          while (next < members) {
            const e = next++;
            committee[e] = await here(e);
          }
        }
      })();
      await Promise.all([
        own,
        ...helpers.map(async (helper) => {
          // one that is not ready yet when all members are given out is not waited for
          await Promise.race([helper.ready, own]);
          while (helper.alive() && next < members) {
            const e = next++;
            const job = { plan, stream: e, lambdas: decayed, centre: centreOf(e) };
            let result: MemberResult | undefined;
            if (feed.whole) result = await helper.train({ ...job, rows: rowsOf(e), leftOut: leftOut[e] }, report(e));
            else {
              const { room, spare } = feed;
              const next = piecesOf(e, spare);
              const sent = (memory?: Float32Array<ArrayBuffer>) => ({
                list: next(),
                rows: feed.copy(spare, spare + room, memory),
              });
              const first = sent();
              result = await helper.train(
                {
                  ...job,
                  rows: first.list,
                  first: first.rows,
                  leftOut: leftOut[e].map((_, i) => room + i),
                  held: feed.pick(leftOut[e]),
                },
                report(e),
                sent,
              );
            }
            if (result) committee[e] = result;
            else failed.push(e);
          }
        }),
      ]);
      for (const e of failed) committee[e] = await here(e);
      if (keepAll) chooseStep(committee, leftOut);
      if (round === 0 || lossOf(committee, leftOut) < CLEARLY * lossOf(results, leftOut)) results = committee;
    }
  } finally {
    close();
  }

  const outOfFold = folds > 0 ? collect(t, plan, results, held, leftOut, centre.without) : undefined;
  const a = outOfFold ? chooseBlend(t, plan, outOfFold) : 1;
  const networks = foldMembers(
    results.map((m, e) => ({
      weights: m.weights[m.best] as Float32Array,
      centre: folds > 0 ? centre.without[e] : centre.all,
    })),
    shapes,
    factors,
    d,
    dp,
    a,
  );
  if (withLevel) inputs = [...inputs, { feature: -1, transform: "level", center: 0, scale: LEVEL_SCALE }];
  const warnings = [...scaling.warnings, ...against];
  const training: TrainingReport = {
    seed: schema.seed,
    rows: trainedOn,
    isotone: VERSION,
    members,
    steps,
    batch,
    learningRate: rate,
    curve: results[0].looks.map((look, k) => ({
      step: look.step,
      epoch: (look.step * batch) / trainRows,
      loss: finite(mean(results.map((m) => m.looks[k].loss))) ?? 0,
      validationLoss: finite(mean(results.map((m) => m.looks[k].validationLoss))),
    })),
    blend: a,
    warnings,
  };
  const data: ModelData = {
    format: "isotone",
    version: 1,
    target: { name: schema.target },
    loss: schema.loss,
    features,
    inputs,
    networks,
    scale: Math.fround(target.scale),
    offset: Math.fround(target.offset),
    link: target.link,
    training,
  };
  if (outOfFold) finish(t, data, outOfFold, a, actual, caseWeight, plan, results, held, leftOut, centre.without);
  // through the reader, so that what is in memory is what a file would hold
  return parseModel(data);
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
  let best = 0;
  for (let k = 1; k < losses.length; k++) if (losses[k] < losses[best]) best = k;
  for (const m of members) m.best = best;
}

const mean = (values: number[]) => values.reduce((s, v) => s + v, 0) / values.length;
const finite = (v: number) => (Number.isFinite(v) ? v : null);

const given = (value: number | "auto", otherwise: number) => (value === "auto" ? otherwise : value);

/** Numbers through `f`, rounded; typed arrays' own `from` goes through an iterator and keeps every number twice. */
function toFloat32(values: Floats, f: (v: number) => number): Float32Array {
  const out = new Float32Array(values.length);
  for (let r = 0; r < values.length; r++) out[r] = f(values[r]);
  return out;
}

/** What makes case weights have mean one. */
function meanOne(values: Floats): (v: number) => number {
  let sum = 0;
  for (let r = 0; r < values.length; r++) sum += values[r];
  return (v) => (v * values.length) / sum;
}

interface Target {
  y: Float32Array;
  /** One target in the units of the loss. */
  unit(v: number): number;
  scale: number;
  offset: number;
  link: Link;
  /** Huber's delta, or the bound of the log link, in the units of the loss. */
  parameter: number;
}

/** The target in the units of its loss (assembly/loss.ts), and the way back. */
function scaleTarget(
  actual: Floats,
  weight: Float32Array | undefined,
  schema: Schema,
  log: (x: number) => number,
): Target {
  const n = actual.length;
  let sum = 0;
  let total = 0;
  let high = Number.NEGATIVE_INFINITY;
  for (let r = 0; r < n; r++) {
    const w = weight ? weight[r] : 1;
    sum += w * actual[r];
    total += w;
    if (actual[r] > high) high = actual[r];
  }
  const m = sum / total;
  const name = schema.loss.name;
  if (name === "poisson" || name === "gamma") {
    const offset = log(Math.fround(m));
    // predictions are held to twice the largest target: an exponential beyond the data explodes
    const maximum = log(Math.fround(2 * high));
    const unit = (v: number) => v / m;
    return {
      y: toFloat32(actual, unit),
      unit,
      scale: 1,
      offset,
      link: { name: "exp", maximum },
      parameter: maximum - offset,
    };
  }
  if (name === "logistic") {
    const unit = (v: number) => v;
    return { y: Float32Array.from(actual), unit, scale: 1, offset: 0, link: { name: "logistic" }, parameter: 0 };
  }
  let square = 0;
  for (let r = 0; r < n; r++) square += (weight ? weight[r] : 1) * (actual[r] - m) * (actual[r] - m);
  const sd = Math.sqrt(square / total);
  const unit = (v: number) => (v - m) / sd;
  return {
    y: toFloat32(actual, unit),
    unit,
    scale: sd,
    offset: m,
    link: { name: "identity" },
    parameter: name === "huber" ? (schema.loss.delta as number) : 0,
  };
}

/** Left-out rows of all members, in order, with what the networks and the linear fit say of them (sums), [levels][rows]. */
interface OutOfFold {
  rows: Uint32Array;
  places: Uint32Array;
  networks: Float32Array;
  linear: Float32Array;
}

function collect(
  t: Trainer,
  plan: Plan,
  results: MemberResult[],
  held: Uint32Array[],
  leftOut: Uint32Array[],
  centres: Float64Array[],
): OutOfFold {
  const total = leftOut.reduce((s, rows) => s + rows.length, 0);
  const rows = new Uint32Array(total);
  const places = new Uint32Array(total);
  const networks = new Float32Array(total * plan.levels.length);
  const linear = new Float32Array(total * plan.levels.length);
  let at = 0;
  results.forEach((m, e) => {
    const own = leftOut[e];
    rows.set(held[e], at);
    places.set(own, at);
    const sums = m.sums[m.best] as Float32Array;
    const mark = t.wasm.mark();
    const list = t.put(own, "u32");
    const centre = t.put(centres[e]);
    const f = t.floats(own.length);
    plan.levels.forEach((level, k) => {
      networks.set(sums.subarray(k * own.length, (k + 1) * own.length), k * total + at);
      t.wasm.evaluateCentre(list.at, own.length, centre.at, level, f.at);
      linear.set(t.f32(f), k * total + at);
    });
    t.wasm.reset(mark);
    at += own.length;
  });
  return { rows, places, networks, linear };
}

const blended = (o: OutOfFold, a: number) => o.networks.map((v, i) => a * v + (1 - a) * o.linear[i]);

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
 * greatest loss do not vote there: of a few huge targets one decides the mean gain, and the next one may lie on the other side.
 */
function chooseBlend(t: Trainer, plan: Plan, o: OutOfFold): number {
  const losses = BLENDS.map((a) => lossRows(t, plan, o.places, blended(o, a)));
  const sum = (v: Float64Array) => v.reduce((s, w) => s + w, 0);
  let best = 0;
  for (let k = 1; k < BLENDS.length; k++) if (sum(losses[k]) < sum(losses[best])) best = k;
  const linear = losses[BLENDS.length - 1];
  const gains = losses[best].map((v, r) => linear[r] - v).sort();
  const off = Math.min(Math.ceil(TRIMMED * gains.length), (gains.length - 1) >> 1);
  const kept = gains.subarray(off, gains.length - off);
  const gain = sum(kept) / kept.length;
  const square = sum(kept.map((v) => (v - gain) * (v - gain)));
  const certain = CERTAIN * (Math.sqrt(square) / kept.length);
  return BLENDS[best] * (gain < certain ? Math.max(0, gain / certain) : 1);
}

/** Residuals, calibration and held-out scores, from rows that the predicting member did not train on. */
function finish(
  t: Trainer,
  data: ModelData,
  o: OutOfFold,
  a: number,
  actual: Floats,
  weight: Float32Array | undefined,
  plan: Plan,
  results: MemberResult[],
  held: Uint32Array[],
  leftOut: Uint32Array[],
  centres: Float64Array[],
): void {
  const n = o.rows.length;
  const { wasm } = t;
  const y = Float64Array.from(o.rows, (r) => actual[r]);
  const w = weight && Float32Array.from(o.rows, (r) => weight[r]);
  const predict = (sum: number) => {
    const eta = Math.fround(Math.fround(sum * data.scale) + data.offset);
    if (data.link.name === "identity") return eta;
    if (data.link.name === "exp") return wasm.expf(Math.min(eta, data.link.maximum));
    return 1 / (1 + wasm.expf(-eta));
  };
  if (data.loss.name === "quantiles")
    data.calibration = calibrate(t, plan, results, held, leftOut, centres, a, actual, data);
  // the level nearest the median stands for the model in the scores
  let middle = 0;
  plan.levels.forEach((level, k) => {
    if (Math.abs(level - 0.5) < Math.abs(plan.levels[middle] - 0.5)) middle = k;
  });
  const sums = blended(o, a).subarray(middle * n, (middle + 1) * n);
  const model = Array.from(sums, predict);
  const linear = Array.from(o.linear.subarray(middle * n, (middle + 1) * n), predict);
  let total = 0;
  let sum = 0;
  for (let r = 0; r < actual.length; r++) {
    total += weight ? weight[r] : 1;
    sum += (weight ? weight[r] : 1) * actual[r];
  }
  data.training.heldOut = {
    model: scoresOf(model, y, w),
    mean: scoresOf(new Float64Array(n).fill(sum / total), y, w),
    linear: scoresOf(linear, y, w),
  };
  if (data.link.name === "logistic" || data.loss.name === "quantiles") return;
  let residuals: Float64Array;
  if (data.link.name === "exp") {
    const low = y.reduce((s, v) => (v > 0 && v < s ? v : s), Number.POSITIVE_INFINITY);
    residuals = Float64Array.from(
      y,
      (v, r) => wasm.logf(Math.fround(v > 0 ? v : low / 2)) - wasm.logf(Math.fround(model[r])),
    );
  } else {
    residuals = Float64Array.from(y, (v, r) => v - model[r]);
  }
  residuals.sort();
  const keep = Math.min(n, 1001);
  data.residuals = Array.from({ length: keep }, (_, k) =>
    Math.fround(residuals[keep === 1 ? 0 : Math.round((k * (n - 1)) / (keep - 1))]),
  );
}

/** Levels to feed in so that, out of fold, the asked share of rows lies below: piecewise linear, non-decreasing, so quantiles still never cross. */
function calibrate(
  t: Trainer,
  plan: Plan,
  results: MemberResult[],
  held: Uint32Array[],
  leftOut: Uint32Array[],
  centres: Float64Array[],
  a: number,
  actual: Floats,
  data: ModelData,
): [number, number][] {
  const grid = Array.from({ length: 49 }, (_, k) => (k + 1) / 50);
  grid.unshift(0.002, 0.005, 0.01);
  grid.push(0.99, 0.995, 0.998);
  const below = new Float64Array(grid.length);
  let total = 0;
  results.forEach((m, e) => {
    const own = leftOut[e];
    t.slabW(plan.planes * plan.dp).set(m.weights[m.best] as Float32Array);
    t.wasm.refreshTiles();
    const mark = t.wasm.mark();
    const list = t.put(own, "u32");
    const centre = t.put(centres[e]);
    const f = t.floats(Math.max(8, own.length));
    const g = t.floats(own.length);
    grid.forEach((level, k) => {
      t.wasm.evaluate(list.at, own.length, level, f.at);
      t.wasm.evaluateCentre(list.at, own.length, centre.at, level, g.at);
      const net = t.f32(f);
      const lin = t.f32(g);
      for (let r = 0; r < own.length; r++) {
        if (actual[held[e][r]] <= (a * net[r] + (1 - a) * lin[r]) * data.scale + data.offset) below[k]++;
      }
    });
    t.wasm.reset(mark);
    total += own.length;
  });
  return (data.loss.levels as number[]).map((level): [number, number] => {
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
