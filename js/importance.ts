// Rankings of features that look at errors or at extreme derivatives. In: a model and rows; out: plain numbers a feature.
// Sources: permutation importance (Breiman 2001); alpha-curves (Pizarroso, Portela & Muñoz 2022). docs/sensitivity.md has the formulas.

import { numberError, onlyOptions, typeError } from "./errors.js";
import { exp, log } from "./math.js";
import { meanOf } from "./metrics.js";
import { shuffled, uniform } from "./random.js";
import { type AnyRows, encodeRows, type Rows } from "./rows.js";
import { featuresOf, type Sensitive } from "./sensitivity.js";
import { countOf, someRows, squareOf } from "./statistics.js";
import { numericColumn, readTable } from "./table.js";

const power = (v: number, by: number) => (v > 0 ? exp(by * log(v)) : 0);

/**
 * How much the root mean square error on `rows` grows when a feature's values are shuffled among them: mean and standard deviation over repeats,
 * in target units. For rows that the model was not trained on.
 *
 * @param options.repeats shuffles a feature (default 5); options.seed of them
 * @example
 * permutationImportance(model, heldOut, "minutes"); // [{ name: "scan", increase: 4.2, sd: 0.1 }, …]
 */
export function permutationImportance(
  model: Sensitive,
  rows: Rows,
  target: string,
  options: { seed?: number; repeats?: number } = {},
): { name: string; increase: number; sd: number }[] {
  if (typeof target !== "string") throw typeError("target", "the name of a column", target);
  const features = featuresOf(model);
  const width = features.length;
  const actual = numericColumn(readTable(rows), target);
  const values = encodeRows(rows, features);
  const n = actual.length;
  someRows(n);
  const rmse = (x: Float32Array) => {
    const p = model.predictMany(x);
    let square = 0;
    for (let r = 0; r < n; r++) square += squareOf(p[r] - actual[r]) / n;
    return Math.sqrt(square);
  };
  const base = rmse(values);
  onlyOptions(options, "seed repeats", "permutationImportance");
  const random = uniform(countOf("seed", 0, options.seed, 1));
  const repeats = countOf("repeats", 1, options.repeats, 5);
  const copy = values.slice();
  return features.map(({ name }, f) => {
    const increases: number[] = [];
    for (let k = 0; k < repeats; k++) {
      const order = shuffled(n, (limit) => Math.floor(random() * limit));
      for (let r = 0; r < n; r++) copy[r * width + f] = values[order[r] * width + f];
      increases.push(rmse(copy) - base);
    }
    for (let r = 0; r < n; r++) copy[r * width + f] = values[r * width + f];
    const mean = meanOf(increases);
    return { name, increase: mean, sd: Math.sqrt(meanOf(increases.map((v) => squareOf(v - mean)))) };
  });
}

/**
 * Alpha-curves: for each feature the generalised mean of |derivative| of order alpha, from the mean (alpha 1) towards the maximum. A curve that
 * climbs steeply belongs to a feature that matters only in a region. In target units per feature unit.
 *
 * @example
 * alphaCurves(model, rows).features[0]; // { name: "scan", means: [0.8, 0.9, 1.1, 1.3, 1.5], max: 1.8 }
 */
export function alphaCurves(
  model: Sensitive,
  rows: AnyRows,
  alphas: readonly number[] = [1, 2, 4, 8, 16],
): { alphas: number[]; features: { name: string; means: number[]; max: number }[] } {
  if (!Array.isArray(alphas)) throw typeError("alphas", "an array of numbers", alphas);
  for (const alpha of alphas)
    if (!(Number.isFinite(alpha) && alpha >= 1)) throw numberError("alphas", "numbers of at least 1", alpha);
  const features = featuresOf(model);
  const width = features.length;
  const slopes = model.sensitivityMany(rows);
  const n = slopes.length / width;
  someRows(n);
  return {
    alphas: [...alphas],
    features: features.map(({ name }, f) => {
      let max = 0;
      for (let r = 0; r < n; r++) max = Math.max(max, Math.abs(slopes[r * width + f]));
      // over the maximum, so that high powers neither overflow nor vanish
      const means = alphas.map((alpha) => {
        let sum = 0;
        for (let r = 0; r < n; r++) sum += max > 0 ? power(Math.abs(slopes[r * width + f]) / max, alpha) / n : 0;
        return max * power(sum, 1 / alpha);
      });
      return { name, means, max };
    }),
  };
}
