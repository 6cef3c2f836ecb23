// Scores of a cross-validation. In: predictions of left-out rows, [levels][rows], their targets and weights, the loss; out: the scores of `Scores` and
// those of the loss, and averages over folds. Statistics for people to read: log is the engine's own.

import { meanOf, middleOf, scoresOf } from "./metrics.js";
import type { Loss, Scores } from "./types.js";

/** Scores on rows not trained on. */
export interface CvScores extends Scores {
  /** Mean pinball loss over the levels; quantile models. */
  pinball?: number;
  /** Mean of -log of the probability given to what happened, in nats; logistic models. */
  logLoss?: number;
  /** Share of rows where the likelier outcome happened; logistic models. */
  accuracy?: number;
}

/** The score that the loss is about. */
export const criterionOf = ({ name }: Loss): "rmse" | "mae" | "pinball" | "logLoss" =>
  name === "quantiles" ? "pinball" : name === "logistic" ? "logLoss" : name === "absolute" ? "mae" : "rmse";

/** Scores of one predictor on some rows; those that every model has are of the level nearest the median. */
export function score(
  predicted: readonly ArrayLike<number>[],
  y: ArrayLike<number>,
  weight: ArrayLike<number> | undefined,
  { name, levels }: Loss,
): CvScores {
  const middle = predicted[middleOf(levels)];
  const scores: CvScores = scoresOf(middle, y, weight);
  const mean = (of: (r: number) => number) =>
    meanOf(
      Array.from(y, (_, r) => of(r)),
      weight,
    );
  if (levels) {
    const pinball = levels.map((level, k) =>
      mean((r) => {
        const e = y[r] - predicted[k][r];
        return e >= 0 ? level * e : (level - 1) * e;
      }),
    );
    scores.pinball = meanOf(pinball);
  }
  if (name === "logistic") {
    scores.logLoss = mean((r) => {
      const p = Math.min(1 - 1e-7, Math.max(1e-7, middle[r]));
      return -(y[r] * Math.log(p) + (1 - y[r]) * Math.log(1 - p));
    });
    scores.accuracy = mean((r) => (middle[r] >= 0.5 ? y[r] : 1 - y[r]));
  }
  return scores;
}

/** Each score averaged. */
export function average(scores: readonly CvScores[]): CvScores {
  const names = Object.keys(scores[0]) as (keyof CvScores)[];
  return Object.fromEntries(
    names.map((name) => [name, meanOf(scores.map((s) => s[name] as number))]),
  ) as unknown as CvScores;
}

/** The least value with at least a share `level` of the weight at or below it. */
export function quantileOf(values: Float64Array, weight: Float64Array | undefined, level: number): number {
  const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a] - values[b]);
  const total = weight ? weight.reduce((a, b) => a + b, 0) : values.length;
  let sum = 0;
  for (const i of order) {
    sum += weight ? weight[i] : 1;
    if (sum >= level * total) return values[i];
  }
  return values[order[order.length - 1]];
}
