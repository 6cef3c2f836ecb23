// How long and with what a member is trained. In: what the user set, the defaults for so many rows and inputs, the pieces that rows come in; out: the
// networks of a member, and the schedule of steps. The table of docs/defaults.md. Nothing here looks at a row.

import { type defaultsFor, given } from "./defaults.js";
import type { Folds } from "./folds.js";
import { checkPlanes } from "./image.js";
import { LEVEL_SCALE } from "./inputs.js";
import type { Plan } from "./member.js";
import type { Readings } from "./readings.js";
import type { Schema } from "./schema.js";
import type { Source } from "./source.js";
import type { Layout } from "./threads.js";
import { LOSSES } from "./wasm.js";

const LOOKS = 40;
/** Parts of a longer source that train in an epoch, at most: each costs a reading of all of it. */
const MOST_PARTS = 16;
/** Multiply-adds between turns of the event loop: 10 to 30 ms. No clock decides, so that hosts whose clock stands still behave the same. */
const SLICE = 6e7;

/** The plan of a fit: what a member needs, and how many rows train. */
export interface FitPlan extends Plan {
  /** Passes over the rows. */
  epochs: number;
  /** Rows that train, of all members together. */
  trainedOn: number;
  /** Multiples of the ridge to try. */
  decays: number[];
  /** What is other in one more round, with the better ridge. */
  longer?: Pick<FitPlan, "steps" | "rate" | "epochs">;
  /** Where rows are read again: parts that a member goes through, and pieces that it takes of each. */
  reads: number;
  quota: number;
}

/** Inputs and networks of a member: a plane, unless there is one network alone, and networks of one size that share the `ridge`. */
export function planNetworks({ hyper }: Schema, ridge: number, columns: number, signs: number[]): Layout {
  const count = given(hyper.networks, 16);
  const shape = [given(hyper.groups, 4), given(hyper.hyperplanes, 4)];
  const all = <T>(plane: T, network: T): T[] => [...(count > 1 ? [plane] : []), ...new Array<T>(count).fill(network)];
  return {
    columns,
    withLevel: signs.length - columns,
    levelScale: LEVEL_SCALE,
    shapes: all([1, 1], shape).flat(),
    factors: all(1, 1 / count),
    lambdas: all(0, ridge / count),
    signs,
  };
}

/**
 * How a member is trained. Rows that are read again all train, and as often as it takes; the parts of a very long source train longer, not all.
 *
 * @throws RangeError where the networks have more hyperplanes than the kernels can count
 * @param parameter of the loss
 * @param room for a piece of rows, 0 where they come whole
 * @param threads at work, this one included
 */
export function planTraining(
  { rows, schema }: Source,
  auto: ReturnType<typeof defaultsFor>,
  { members, out, count, of }: Folds,
  { factors, shapes, signs }: Layout,
  parameter: number,
  readings: Readings | undefined,
  room: number,
  threads: number,
): FitPlan {
  const { hyper, loss } = schema;
  const epochs = hyper.epochs === "auto" ? undefined : hyper.epochs;
  const each = out ? rows - Math.ceil(rows / count) : rows;
  const batch = Math.max(1, Math.min(given(hyper.batch, auto.batch), each));
  let steps = epochs ? epochs * Math.ceil(each / batch) : auto.steps;
  let [trainedOn, reads, quota] = [rows, 0, 0];
  if (readings) {
    const { parts, pieces, stepsOf } = readings;
    const used = Math.min(parts, epochs ? parts : schema.effort === "fast" ? 1 : MOST_PARTS);
    reads = used * (epochs ?? Math.max(1, Math.ceil((steps * batch) / each)));
    const fed = stepsOf(reads, each / rows, batch);
    steps = epochs ? fed : Math.max(steps, fed);
    quota = Math.max(pieces, Math.ceil((pieces * steps) / fed));
    trainedOn = Math.round((rows * Math.min(reads, parts)) / parts);
  }
  const planes = factors.reduce((sum, _, m) => sum + shapes[2 * m] * shapes[2 * m + 1], 0);
  checkPlanes(planes * members);
  const dp = (signs.length + 4) & ~3;
  // few rows: looks are kept, to choose one step for all members
  const keepAll = of.length < 250 && out;
  const passes = epochs ?? steps / Math.ceil(each / batch);
  const { longer } = auto;
  return {
    seed: schema.seed,
    loss: LOSSES[loss.name],
    parameter,
    levels: loss.levels ?? [0.5],
    steps,
    batch,
    rate: given(hyper.learningRate, auto.learningRate),
    looks: keepAll && planes * dp * 4 * LOOKS * members > 2 ** 28 ? 10 : LOOKS,
    patience: out && !keepAll && !epochs && !readings ? auto.patience : LOOKS,
    keepAll,
    planes,
    dp,
    withPlane: factors.length > 1,
    spread: 0.25,
    // a worker that is done gets the next member at a turn of the event loop
    slice: threads > 1 ? SLICE / 4 : SLICE,
    room,
    // the last step of an epoch takes the rows that are left
    epochs: passes,
    trainedOn,
    decays: out && !epochs ? auto.decays : [1],
    longer:
      longer && out && !epochs && !readings
        ? { steps: longer * steps, rate: given(hyper.learningRate, auto.longerRate), epochs: longer * passes }
        : undefined,
    reads,
    quota,
  };
}
