// Scores of a cross-validation as a table for people. In: what it found; out: a header and a row for each contender.

import type { CrossValidation } from "../crossval.js";
import type { CvScores } from "../foldscores.js";
import type { ModelData } from "../types.js";

/** What the score that the loss is about is called. */
const NAMES = { rmse: "RMSE", mae: "MAE", pinball: "pinball", logLoss: "log loss" };

/** Whether a median relative error tells anything: an outcome of 0 has none, and one of 1 has the error itself. */
export const hasRelativeError = (link: ModelData["link"]["name"]) => link !== "logistic";

/**
 * The last column is how far the score that the loss is about varies over folds.
 *
 * @param percent a share as text
 * @param rSquared the coefficient of determination as text
 */
export function scoreRows(
  { criterion, perFold, ...scores }: CrossValidation,
  percent: (share: number) => string,
  rSquared = (share: number) => share.toFixed(3),
): { head: string[]; rows: (string | number)[][] } {
  const relative = hasRelativeError(criterion === "logLoss" ? "logistic" : "identity");
  const row = (name: string, which: "model" | "linear" | "mean" | "free") => {
    const own = scores[which];
    if (own === undefined) return [];
    const cells: (string | number)[] = [name, own.rmse, own.mae, rSquared(own.r2)];
    if (relative) cells.push(percent(own.medianRelativeError));
    if (own.pinball !== undefined) cells.push(own.pinball);
    if (own.logLoss !== undefined) cells.push(own.logLoss, percent(own.accuracy as number));
    return [[...cells, deviation(perFold.map((fold) => (fold[which] as CvScores)[criterion] as number))]];
  };
  const head = ["", "RMSE", "MAE", "R2"];
  if (relative) head.push("median relative error");
  if (scores.model.pinball !== undefined) head.push("pinball");
  if (scores.model.logLoss !== undefined) head.push("log loss", "accuracy");
  return {
    head: [...head, `sd of ${NAMES[criterion]} over folds`],
    rows: [
      ...row("this model", "model"),
      ...row("sign-constrained linear fit", "linear"),
      ...row("mean", "mean"),
      ...row("all features free", "free"),
    ],
  };
}

/** Sample standard deviation. */
function deviation(values: number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((a, v) => a + (v - mean) ** 2, 0) / Math.max(1, values.length - 1));
}
