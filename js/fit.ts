// rows -> schema -> inputs -> centre -> committee -> blend -> model. In: the user's rows and options; out: a model.
// The recipe and its constants: docs/defaults.md. Every choice is made on training rows; all arithmetic is + - * / and sqrt, or the kernels'.

import { foldMembers } from "./assemble.js";
import { boundNetworks, unbounded } from "./bounds.js";
import { clearlyBetter, fitCentre } from "./centre.js";
import { CHUNK, rawColumns, roomForColumns, STRIDE } from "./columns.js";
import { defaultsFor } from "./defaults.js";
import { directionsAgainst } from "./directions.js";
import { abortError } from "./errors.js";
import { createFeed, keyOf, RESIDENT } from "./feed.js";
import { parseModel } from "./format.js";
import { type Look, type MemberResult, type Plan, trainMember } from "./member.js";
import { type Model, makeModel } from "./model.js";
import { describe } from "./normalise.js";
import { collect, finish } from "./outoffold.js";
import { comesAgain, createReadings } from "./readings.js";
import { relevanceOf, WIDE } from "./relevance.js";
import type { Rows } from "./rows.js";
import { type Batches, isBatches, type Sample, sampleFor } from "./sample.js";
import { describeScaling, readScaling, withCategories } from "./scan.js";
import { checkTarget, checkWeight, type FitOptions, readOptions, readTarget, readWeights } from "./schema.js";
import { readTable } from "./table.js";
import { meanOne, scaleTarget, toFloat32 } from "./target.js";
import { createSeat, type Setup, startHelpers } from "./threads.js";
import type { Input, ModelData, TrainingReport } from "./types.js";
import { VERSION } from "./version.js";
import { checkModule } from "./wasm.compile.js";
import { wasmModule } from "./wasm.inline.js";
import { createTrainer, LOSSES, putImage } from "./wasm.js";

/** Share of rows that each member leaves out. */
const DEFAULT_VALIDATION = 0.125;
const LOOKS = 40;
/** A lighter decay must lower the out-of-fold loss by 2 %: below that the choice is mostly noise. */
const CLEARLY = 0.98;
/** Left-out rows looked at, at most: enough for a loss to three digits. Half of them where rows come in pieces: the kernels keep them. */
const MOST_LEFT_OUT = 16384;
/** Parts of a longer source that train in an epoch, at most: each costs a reading of all of it. */
const MOST_PARTS = 16;
/** Multiply-adds between turns of the event loop: 10 to 30 ms. No clock decides, so that hosts whose clock stands still behave the same. */
const SLICE = 6e7;
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
  const ends: (() => void)[] = [];
  try {
    return await build(rows, options, resident, ends);
  } finally {
    for (const end of ends) end();
  }
}

/** The work of fitData; what must end with it, however it goes, is put to `ends`. */
async function build(
  rows: Rows | Batches,
  options: FitOptions,
  resident: number,
  ends: (() => void)[],
): Promise<ModelData> {
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
  // committee; workers start now, so that they are there when the rows are
  const allRows = again ? (sampled as Sample).seen : n;
  const { hyper } = schema;
  const left = given(hyper.validation, DEFAULT_VALIDATION);
  const folds = left > 0 ? Math.max(2, Math.min(n, 255, Math.round(1 / left))) : 0;
  const wanted = given(hyper.members, defaultsFor(allRows, schema.features.length, schema.effort).members);
  const members = folds > 0 ? Math.min(folds, wanted) : wanted;
  // members that share readings train side by side, here
  const threads = again ? 1 : Math.min(schema.threads, members);
  let begin: (setup: () => Setup) => void = () => {};
  const begun = new Promise<() => Setup>((resolve) => {
    begin = resolve;
  });
  const { helpers, close } = startHelpers(threads - 1, async () => (await begun)(), signal);
  ends.push(close);
  const target = scaleTarget(actual, caseWeight, schema, t.wasm.logf);

  // inputs: z-scores, or z-scores after log1p of skewed counts, whichever has the better centre
  const width = schema.features.length;
  const room = roomForColumns(t, width);
  const raw = rawColumns(t, table, schema.features, room);
  const specs = schema.features.map(({ transform, ...feature }) => feature);
  const transforms = schema.features.map((f) => f.transform);
  const scaling = scales ? describeScaling(scales, specs, transforms, t) : describe(t, raw, n, specs, transforms);
  if (sampled) {
    for (const f of scaling.features) {
      if (f.range) f.range = sampled.ranges[sampled.names.indexOf(f.name)].map(Math.fround) as [number, number];
    }
  }
  const features = scaling.features;
  const columns = scaling.linear.length;
  // folds
  const auto = defaultsFor(allRows, columns, schema.effort, scales !== undefined);
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

  // rows as the kernels see them
  const enough = n * columns > resident ? MOST_LEFT_OUT / 2 : MOST_LEFT_OUT;
  const most = folds > 0 ? Math.min(enough, Math.ceil(n / folds)) : 0;
  const feed = createFeed(
    t,
    {
      n,
      columns,
      raw,
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
  const logTarget = schema.loss.name === "poisson" || schema.loss.name === "gamma";
  // the one with logarithms last: it mostly stays, and then lies there already
  const choice = scaling.autolog !== scaling.linear && !logTarget && !scales;
  const tries = choice ? [scaling.linear, scaling.autolog] : [scaling.autolog];
  let inputs = tries[0];
  await fill(inputs);
  let centre = await fitCentre(t, problem, foldOf, inner, pause);
  for (const other of tries.slice(1)) {
    await fill(other);
    const own = await fitCentre(t, problem, foldOf, inner, pause);
    // of few rows a plain comparison is a coin toss; from 250 on the margin changed nothing for the better
    if (n < 250 ? clearlyBetter(own, centre) : own.error < centre.error) {
      centre = own;
      inputs = other;
    } else await fill(inputs);
  }
  const some = feed.some();
  const someInputs = t.f32({ at: some.x, length: some.rows * columns });
  const someTargets = t.f32({ at: some.y, length: some.rows });
  const against = directionsAgainst(someInputs, someTargets, signs, centre.all).map(({ input, correlation }) => {
    const { name, constraint } = features[inputs[input].feature];
    return (
      `"${name}" is declared ${constraint}, but "${schema.target}" ${correlation < 0 ? "falls" : "rises"} with it in these rows ` +
      `(correlation ${correlation.toFixed(2)}): the model cannot follow that; isotone cv tells what the direction costs`
    );
  });
  if (columns > WIDE && !scales) {
    const factor = relevanceOf(t, some.x, some.y, centre.all, some.rows, columns);
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
  const fewInputs = t.floats(again ? CHUNK * columns + 16 : 0);
  const readings = again
    ? createReadings({
        batches: rows as Batches,
        rows: allRows,
        columns,
        names: (sampled as Sample).names,
        most: resident,
        seed: keyOf(schema.seed, 0x70617274),
        put(part, out, rowOf) {
          rawColumns(t, part, schema.features, room).read(0, part.n);
          t.wasm.prepareColumns(model, room.at, STRIDE, part.n, fewInputs.at);
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
  const rate = given(hyper.learningRate, auto.learningRate);
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
    // a worker that is done gets the next member at a turn of the event loop
    slice: threads > 1 ? SLICE / 4 : SLICE,
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
  const sizes = new Uint32Array(256);
  for (let r = 0; r < n && folds > 0; r++) sizes[foldOf[r]]++;
  const held = Array.from({ length: members }, (_, e) => new Uint32Array(Math.min(sizes[e], most)));
  const seen = new Uint32Array(members);
  const taken = new Uint32Array(members);
  for (let r = 0; r < n && folds > 0; r++) {
    const e = foldOf[r];
    if (e < members && Math.floor((++seen[e] * held[e].length) / sizes[e]) > taken[e]) held[e][taken[e]++] = r;
  }
  const leftOut = held.map((own, e) => feed.keep(own, e * most));
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
  begin(setup);
  await pause();
  let results: MemberResult[] = [];
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

  const committee = { plan, results, held, leftOut, centres: centre.without };
  const collected = folds > 0 ? collect(t, committee) : undefined;
  const bounded = auto.bounds && !single && !withLevel && target.link.name === "identity" && feed.whole && !readings;
  const flat = shapes.map(([groups, hyperplanes]) => groups * hyperplanes === 1);
  const judged =
    collected && (bounded ? boundNetworks(t, committee, collected, flat, foldOf) : unbounded(t, committee, collected));
  const a = judged?.blend ?? 1;
  const networks = foldMembers(
    results.map((m, e) => ({
      weights: m.weights[m.best] as Float32Array,
      centre: folds > 0 ? centre.without[e] : centre.all,
      bounds: judged?.bounds?.[e],
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
  if (judged) finish(t, data, committee, judged.outOfFold, a, actual, caseWeight);
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
