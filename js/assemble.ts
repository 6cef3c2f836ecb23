// From trained members to one model. In: weights [planes][dp] a member, the linear centres, what left-out rows decided. Out: the model as plain numbers.
// The average of members is again a sum of networks; their planes (1x1 networks) and the linear part of the blend add up to one plane.
// A network's bounds are constant hyperplanes: of a group by itself, which caps the least of the groups, and of every other group.
// Folded in float64 and rounded once: every term of a weight has the sign of its constraint, so the sum has it too.

import type { Bounds, Judged } from "./bounds.js";
import { ModelFormatError } from "./errors.js";
import { networkReader, parseModel } from "./format.js";
import type { Inputs } from "./inputs.js";
import type { MemberResult } from "./member.js";
import { type Committee, finish } from "./outoffold.js";
import type { FitPlan } from "./plan.js";
import type { Unit } from "./ramps.js";
import type { Source } from "./source.js";
import type { Target } from "./target.js";
import type { Layout } from "./threads.js";
import { paced } from "./turn.js";
import type { Feature, ModelData, TrainingReport } from "./types.js";
import { VERSION } from "./version.js";
import type { Trainer } from "./wasm.js";

/** Weights of a model between turns of the event loop: 10 to 20 ms. */
const SLICE = 1e5;

/** The model, with scores, residuals and levels from the left-out rows that were `judged`, if any. `pause` is awaited between blocks of work. */
export async function assemble(
  t: Trainer,
  source: Source,
  features: Feature[],
  { inputs, units, linear }: Inputs,
  target: Target,
  layout: Layout,
  committee: Committee,
  judged: Judged | undefined,
  warnings: string[],
  pause: () => Promise<void>,
): Promise<ModelData> {
  const { schema, actual, weight } = source;
  const { plan, results, centres } = committee;
  const blend = judged?.blend ?? 1;
  const members = results.map((m, e) => ({
    weights: m.weights[m.best] as Float32Array,
    centre: centres[e],
    bounds: judged?.bounds?.[e],
  }));
  const data: ModelData = {
    format: "isotone",
    version: 1,
    target: { name: schema.target },
    loss: schema.loss,
    features,
    inputs,
    networks: [],
    scale: Math.fround(target.scale),
    offset: Math.fround(target.offset),
    link: target.link,
    training: {
      seed: schema.seed,
      rows: plan.trainedOn,
      isotone: VERSION,
      members: results.length,
      steps: plan.steps,
      batch: plan.batch,
      learningRate: plan.rate,
      curve: curveOf(results, plan),
      blend,
      warnings,
    },
  };
  if (judged) await finish(t, data, committee, judged.outOfFold, blend, actual, weight, linear.without, pause);
  // through the reader, so that what is in memory is what a file would hold
  try {
    return parseModel(
      data,
      await foldMembers(members, layout, units, plan.dp, blend, networkReader(features, inputs), pause),
    );
  } catch (cause) {
    // an abort, and what onProgress throws, comes by way of `pause`
    if (!(cause instanceof ModelFormatError)) throw cause;
    throw new RangeError(
      'training went beyond the numbers of float32: lower "learningRate", or give weights that are less far apart',
      { cause },
    );
  }
}

/** Looks, averaged over members; of one that has stopped, its last. */
function curveOf(results: MemberResult[], { steps, epochs }: FitPlan): TrainingReport["curve"] {
  const mean = (values: number[]) => {
    const sum = values.reduce((s, v) => s + v, 0);
    return Number.isFinite(sum) ? sum / values.length : null;
  };
  const longest = results.reduce((a, b) => (b.looks.length > a.looks.length ? b : a));
  const at = (k: number) => results.map(({ looks }) => looks[Math.min(k, looks.length - 1)]);
  return longest.looks.map(({ step }, k) => ({
    step,
    epoch: (step * epochs) / steps,
    loss: mean(at(k).map((look) => look.loss)) ?? 0,
    validationLoss: mean(at(k).map((look) => look.validationLoss)),
  }));
}

/** `a` in [0, 1]: weight of the networks, 1 - a the weight of the linear fit. Each network goes through `read`. */
async function foldMembers(
  members: { weights: Float32Array; centre: Float64Array; bounds?: Bounds }[],
  { shapes, factors }: Layout,
  units: Unit[],
  dp: number,
  a: number,
  read: ReturnType<typeof networkReader>,
  pause: () => Promise<void>,
): Promise<number[][][][]> {
  const breathe = paced(pause, SLICE);
  const share = 1 / members.length;
  const d = units.length;
  const plane = new Float64Array(d + 1);
  /** Weights and bias in the units of training, at `at`, for the inputs themselves. */
  const unfolded = (weights: ArrayLike<number>, at: number): Float64Array => {
    const out = new Float64Array(d + 1);
    out[d] = weights[at + d];
    units.forEach(({ shift, factor }, i) => {
      out[i] = weights[at + i] * factor;
      out[d] -= out[i] * shift;
    });
    return out;
  };
  let anyPlane = false;
  const networks: number[][][][] = [];
  const constant = (value: number) => [...new Array<number>(d).fill(0), Math.fround(value)];
  for (const { weights, centre, bounds } of members) {
    if (a < 1) {
      anyPlane = true;
      unfolded(centre, 0).forEach((v, i) => {
        plane[i] += (1 - a) * share * v;
      });
    }
    if (a === 0) continue;
    let at = 0;
    for (const [m, factor] of factors.entries()) {
      const [groups, hyperplanes] = shapes.slice(2 * m);
      const c = a * share * factor;
      if (groups === 1 && hyperplanes === 1) {
        anyPlane = true;
        unfolded(weights, at).forEach((v, i) => {
          plane[i] += c * v;
        });
        at += dp;
        continue;
      }
      const network: number[][][] = [];
      for (let k = 0; k < groups; k++) {
        const group: number[][] = [];
        for (let j = 0; j < hyperplanes; j++) {
          group.push(Array.from(unfolded(weights, at), (v) => Math.fround(c * v)));
          at += dp;
          await breathe(d);
        }
        if (bounds && bounds.low[m] > Number.NEGATIVE_INFINITY) group.push(constant(a * share * bounds.low[m]));
        network.push(group);
      }
      if (bounds && bounds.high[m] < Number.POSITIVE_INFINITY) network.push([constant(a * share * bounds.high[m])]);
      networks.push(read([network], 0));
    }
  }
  if (anyPlane) networks.unshift(read([[[Array.from(plane, Math.fround)]]], 0));
  return networks;
}
