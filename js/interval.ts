// Prediction intervals from out-of-fold residuals. In: a prediction and the model's residuals; out: [low, high] in target units.
// Method: cross-conformal residuals, CV+ (Barber, Candès, Ramdas & Tibshirani 2021) with the committee's average in the place of each row's own
// fold model. CV+ proper guarantees 1 - 2 alpha for exchangeable rows; the average has no proof of its own and covers as asked in practice
// (bench/ACCURACY.md). Both ends are the prediction moved by a constant (on the log scale under a log link), so both are as monotone as it is.

import { numberError, rangeError } from "./errors.js";
import { expf, logf } from "./math.js";
import type { ModelData } from "./types.js";

/** The interval around `prediction` that covers a share `coverage` of rows like the training rows. */
export function intervalAround(data: ModelData, prediction: number, coverage: number): [number, number] {
  if (typeof coverage !== "number" || !(coverage > 0 && coverage < 1))
    throw numberError("coverage", "a number in (0, 1)", coverage);
  const { residuals } = data;
  if (!residuals?.length) {
    throw new RangeError(
      data.loss.name === "quantiles"
        ? "this model was fitted with quantiles: ask model.quantile(row, p) for the ends"
        : data.link.name === "logistic"
          ? "a model of probabilities has no interval: its outcome is 0 or 1"
          : "this model has no out-of-fold residuals (it was fitted with validation: 0): fit with validation above 0",
    );
  }
  const n = data.training.heldOut?.model.rows ?? residuals.length;
  // 1 - 0.9 is less than a tenth, and 0.9 of 19 rows the first rank
  const rank = Math.floor(((n + 1) * (1 - coverage)) / 2 + 1e-9);
  if (rank < 1) {
    throw rangeError(
      "coverage",
      `at most ${Math.floor((1 - 2 / (n + 1)) * 1000) / 1000} for a model with ${n} out-of-fold rows`,
      coverage,
    );
  }
  // the file holds at most 1001 of the n sorted residuals, evenly spaced: the next one outwards is taken
  const last = residuals.length - 1;
  const place = n > 1 ? ((rank - 1) / (n - 1)) * last : 0;
  const low = residuals[Math.floor(place)];
  const high = residuals[last - Math.floor(place)];
  if (data.link.name === "exp") {
    const eta = logf(prediction);
    const [from, to] = [low, high].map((residual) => expf(Math.fround(eta + residual)));
    // what holds the number that stands for targets of 0 holds 0
    return [from <= (data.training.zero ?? 0) ? 0 : from, to];
  }
  return [Math.fround(prediction + low), Math.fround(prediction + high)];
}
