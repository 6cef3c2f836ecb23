// The baseline of crossValidate: a sign-constrained ridge regression on the same inputs as the model, by the kernels of the linear centre (centre.ts),
// whose strength is chosen by 5 folds of the training rows here. In: raw rows (float32, row-major), inputs, targets; out: a function from raw rows to
// predictions. A yardstick, never part of a model.

import { fitCentre } from "./centre.js";
import { CLIP, signsOf } from "./format.js";
import { logf } from "./math.js";
import { meanOf } from "./metrics.js";
import { paced } from "./turn.js";
import type { Feature, Input } from "./types.js";
import type { Trainer } from "./wasm.js";

const FOLDS = 5;
/** Inputs made between turns of the event loop: some 20 ms. */
const SLICE = 2 ** 20;

/** Fits; the function that comes back takes raw rows of the same features. `pause` is awaited between blocks of work, in both. */
export async function linearFit(
  t: Trainer,
  raw: Float32Array,
  inputs: readonly Input[],
  features: readonly Feature[],
  y: Float64Array,
  weight: Float64Array | undefined,
  pause: () => Promise<void>,
): Promise<(raw: Float32Array) => Promise<Float64Array>> {
  // ramps come after their feature's own input: with them the fit would not be linear
  const seen = new Set<number>();
  const used = inputs.filter(({ feature, transform }) => {
    const isRamp = transform === "linear" && seen.has(feature);
    seen.add(feature);
    return transform !== "level" && !isRamp;
  });
  const n = y.length;
  const d = used.length;
  const start = t.wasm.mark();
  const room = Math.min(n, Math.ceil(SLICE / d));
  const x = t.floats(room * d + 16);
  const targets = t.floats(room);
  const weights = t.floats(room);
  // float32 has no digits to spare for where targets lie and how far apart
  const middle = meanOf(y, weight);
  const apart = y.map((v, r) => (weight?.[r] === 0 ? 0 : v - middle));
  const squares = apart.map((v) => v * v);
  const spread = Math.sqrt(meanOf(squares, weight)) || 1;
  const usual = weight ? meanOf(weight) : 1;
  const row = new Float64Array(d);
  const feed = {
    room,
    range(from: number, to: number) {
      const rows = t.f32(x);
      for (let r = from; r < to; r++) {
        inputsOf(raw, r, used, features, row);
        rows.set(row, (r - from) * d);
      }
      t.f32(targets).set(apart.subarray(from, to).map((v) => v / spread));
      if (weight) t.f32(weights).set(weight.subarray(from, to).map((w) => w / usual));
      return { x: x.at, y: targets.at, weight: weight ? weights.at : 0 };
    },
  };
  const problem = { feed, n, d, signs: t.put(signsOf(used, features)), loss: 0, parameter: 0 };
  const folds = Uint8Array.from(y, (_, r) => r % FOLDS);
  const { all: beta } = await fitCentre(t, problem, folds, FOLDS, pause, false);
  t.wasm.reset(start);
  return async (rows) => {
    const breathe = paced(pause, SLICE);
    const out = new Float64Array(rows.length / features.length);
    for (let r = 0; r < out.length; r++) {
      inputsOf(rows, r, used, features, row);
      let sum = beta[d];
      for (let i = 0; i < d; i++) sum += beta[i] * row[i];
      out[r] = sum * spread + middle;
      await breathe(d);
    }
    return out;
  };
}

/** The network inputs of a raw row (docs/model-format.md), in float64. */
function inputsOf(
  raw: Float32Array,
  r: number,
  inputs: readonly Input[],
  features: readonly Feature[],
  out: Float64Array,
) {
  inputs.forEach((input, i) => {
    const feature = features[input.feature];
    let v = raw[r * features.length + input.feature];
    let t: number;
    if (input.transform === "missing") t = Number.isNaN(v) ? 1 : 0;
    else if (input.transform === "equals") t = v === input.category ? 1 : 0;
    else {
      if (Number.isNaN(v)) v = feature.fill as number;
      const q = v / (input.divisor ?? 1);
      t = input.transform === "log1p" && q >= 0 ? logf(Math.fround(1 + q)) : q;
    }
    out[i] = Math.max(-CLIP, Math.min(CLIP, (t - input.center) * input.scale));
  });
}
