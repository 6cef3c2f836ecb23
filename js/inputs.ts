// What the networks see of the columns, and the linear centre on it. In: the scalings that the columns allow (normalise.ts), rows by the feed; out: the
// model's inputs, the centre over them, and warnings about directions. Step 1 to 3 of the recipe in docs/defaults.md.

import { type Centre, clearlyBetter, fitCentre } from "./centre.js";
import { type RawColumns, rawColumns } from "./columns.js";
import { directionsAgainst } from "./directions.js";
import type { Feed } from "./feed.js";
import type { Folds } from "./folds.js";
import { signsOf } from "./format.js";
import { describe, type Scaling } from "./normalise.js";
import { AS_IS, type Unit } from "./ramps.js";
import { relevanceOf, WIDE } from "./relevance.js";
import { describeScaling } from "./scan.js";
import type { Source } from "./source.js";
import type { Target } from "./target.js";
import type { Input } from "./types.js";
import { type Block, LOSSES, putImage, type Trainer } from "./wasm.js";

/** Logistic quantile scores to unit variance: sqrt(3) / pi. */
export const LEVEL_SCALE = Math.fround(0.5513289);

export interface Inputs {
  /** [d], in the order of the features; the quantile level last. */
  inputs: Input[];
  /** A packed model in the trainer's memory that makes these inputs of raw columns, the level left out. */
  image: number;
  /** [d]: what training sees of each; the centre is in these units too. In the trainer's memory at `unitsAt`, as prepareColumns wants them. */
  units: Unit[];
  unitsAt: number;
  /** [d]: 1, -1, or 0 where the weights are free. */
  signs: number[];
  /** The linear fit, [d + 1] coefficients. */
  centre: Centre;
  /** The same without ramps: of the columns themselves. */
  linear: Centre;
  /** What the rows say against the directions. */
  warnings: string[];
}

/** Raw columns in `room`, and the scalings that they allow, with `ramps` unasked at most. Ranges are those of all rows that a source gave. */
export async function describeSource(
  t: Trainer,
  source: Source,
  room: Block,
  ramps: number,
  pause: () => Promise<void>,
): Promise<{ raw: RawColumns; scaling: Scaling }> {
  const { table, schema, shared, sample } = source;
  const raw = rawColumns(t, table, schema.features, room);
  const specs = schema.features.map(({ transform, ...feature }) => feature);
  const transforms = schema.features.map((f) => f.transform);
  const scaling = shared
    ? await describeScaling(shared, specs, transforms, t, pause)
    : await describe(t, raw, table.n, specs, transforms, ramps, pause);
  if (sample) {
    for (const f of scaling.features) {
      const [low, high] = sample.ranges[sample.names.indexOf(f.name)];
      // of a column without a number there is none
      if (f.range && low <= high) f.range = [Math.fround(low), Math.fround(high)];
    }
  }
  return { raw, scaling };
}

/**
 * Chooses the scaling by the error of the centre on it, then scales the inputs of wide tables by their relevance. The feed gives rows as the chosen
 * inputs from then on. Inputs that shards share stay as they are. `pause` is awaited between blocks of work.
 */
export async function chooseInputs(
  t: Trainer,
  { schema, shared }: Source,
  scaling: Scaling,
  target: Target,
  feed: Feed,
  folds: Folds,
  pause: () => Promise<void>,
): Promise<Inputs> {
  const n = folds.of.length;
  const { name } = schema.loss;
  const { features, linear, autolog } = scaling;
  const d = linear.length;
  let { units } = scaling;
  let [image, unitsAt] = [0, 0];
  const fill = (inputs: Input[]) => {
    image = putImage(t, { features, inputs, networks: [], scale: 1, offset: 0, link: { name: "identity" } });
    unitsAt = t.put([...units.map((unit) => unit.shift), ...units.map((unit) => unit.factor)]).at;
    return feed.use(image, unitsAt, pause);
  };
  const signs = signsOf(linear, features);
  const problem = {
    feed,
    n,
    d,
    signs: t.put(signs),
    loss: name === "quantiles" ? 0 : LOSSES[name],
    parameter: target.parameter,
  };
  const centreOn = async (inputs: Input[]) => {
    await fill(inputs);
    return fitCentre(t, problem, folds.of, folds.count, pause);
  };
  let inputs = autolog;
  let centre: Centre;
  if (autolog !== linear && name !== "poisson" && name !== "gamma" && !shared) {
    const plain = await centreOn(linear);
    // the one with logarithms last: it mostly stays, and then lies there already
    centre = await centreOn(autolog);
    // of few rows a plain comparison is a coin toss; from 250 on the margin changed nothing for the better
    if (!(n < 250 ? clearlyBetter(centre, plain) : centre.error < plain.error)) {
      centre = plain;
      inputs = linear;
      await fill(inputs);
    }
  } else centre = await centreOn(inputs);

  const ramps = units.map((unit) => unit !== AS_IS);
  let straight = ramps.includes(true)
    ? await fitCentre(
        t,
        { ...problem, signs: t.put(signs.map((sign, i) => (ramps[i] ? Number.NaN : sign))) },
        folds.of,
        folds.count,
        pause,
      )
    : centre;
  /** Writes the coefficients for other inputs. */
  const rewrite = (write: (b: Float64Array, error: number) => Float64Array) => {
    const written = (fit: Centre): Centre => ({
      ...fit,
      all: write(fit.all, fit.error),
      without: fit.without.map((b) => write(b, fit.error)),
    });
    centre = written(centre);
    straight = written(straight);
  };

  const some = feed.some();
  const x = t.f32({ at: some.x, length: some.rows * d });
  const y = t.f32({ at: some.y, length: some.rows });
  // of a column as a whole, not of a stretch of it
  const against = (await directionsAgainst(x, y, signs, centre.all, pause)).filter(({ input }) => !ramps[input]);
  const warnings = against.map(({ input, correlation }) => {
    const { name, constraint } = features[inputs[input].feature];
    return (
      `"${name}" is declared ${constraint}, but "${schema.target}" ${correlation < 0 ? "falls" : "rises"} with it in these rows ` +
      `(correlation ${correlation.toFixed(2)}): the model cannot follow that; isotone cv tells what the direction costs`
    );
  });
  if (d > WIDE && !shared) {
    const factor = await relevanceOf(t, some.x, some.y, centre.all, some.rows, d, some.weight, pause);
    // a ramp's scale is that of its ends
    inputs = inputs.map((input, i) => (ramps[i] ? input : { ...input, scale: Math.fround(input.scale * factor[i]) }));
    units = units.map((unit, i) => (ramps[i] ? { ...unit, factor: unit.factor * factor[i] } : unit));
    rewrite((b) => b.map((v, i) => (i < d ? v / factor[i] : v)));
    await fill(inputs);
  }
  if (name === "quantiles") {
    inputs = [...inputs, { feature: -1, transform: "level", center: 0, scale: LEVEL_SCALE }];
    signs.push(1);
    units = [...units, AS_IS];
    // the level starts with the spread of the centre's residuals: quantiles of a normal around it
    rewrite((b, error) => Float64Array.from([...b.subarray(0, d), Math.sqrt(Math.max(1e-6, error)), b[d]]));
  }
  return { inputs, image, units, unitsAt, signs, centre, linear: straight, warnings };
}
