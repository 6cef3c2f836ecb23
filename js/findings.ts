// What a cross-validation found, in plain sentences. In: its scores; out: a few sentences, the first on the model itself, the others on its constraints.

import type { CrossValidation } from "./crossval.js";
import type { CvScores } from "./foldscores.js";

/** What the scores say. */
export function inWords(result: CrossValidation): string[] {
  const { model, linear, mean, free, criterion, perFold } = result;
  const name = { rmse: "RMSE", mae: "MAE", pinball: "pinball loss", logLoss: "log loss" }[criterion];
  const of = (scores: CvScores) => scores[criterion] as number;
  const wins = (a: "model" | "free", b: "model" | "linear" | "mean") =>
    perFold.filter((fold) => of(fold[a] as CvScores) < of(fold[b])).length;
  const number = (value: number) => String(Number(value.toPrecision(4)));
  const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
  const splits = perFold.length;
  const out: string[] = [];
  const simple = mean === linear || of(mean) <= of(linear) ? "mean" : "linear";
  if (of(model) >= of(mean)) {
    out.push(
      `The model does not beat the mean of the target (${name} ${number(of(model))} against ${number(of(mean))}): ${free !== undefined && of(free) < 0.95 * of(mean) ? "under these constraints " : ""}the features say little about it.`,
    );
  } else if (of(model) > 0.99 * of(linear) || wins("model", "linear") <= (2 / 3) * splits) {
    out.push(
      `The model does not clearly beat the sign-constrained linear fit (${name} ${number(of(model))} against ${number(of(linear))}; better in ${wins("model", "linear")} of ${splits} folds): a linear model does as well here.`,
    );
  } else {
    const baseline = simple === "mean" ? mean : linear;
    out.push(
      `The model's ${name} is ${percent(1 - of(model) / of(baseline))} below that of the ${simple === "mean" ? "mean" : "sign-constrained linear fit"} (${number(of(model))} against ${number(of(baseline))}; better in ${wins("model", simple)} of ${splits} folds).`,
    );
  }
  if (free === undefined) return out;
  const gain = 1 - of(free) / of(model);
  const often = wins("free", "model");
  // a score near zero can differ by half and matter to nobody: the cost must show on the scale of the mean, too
  if (gain > 0.02 && of(model) - of(free) > 0.01 * of(mean) && often > splits / 2) {
    out.push(
      `The constraints cost accuracy: with every feature free the ${name} falls by ${percent(gain)}, from ${number(of(model))} to ${number(of(free))} (better in ${often} of ${splits} folds).`,
    );
    const suspects = result.directions.filter((d) => d.against > 0.5);
    if (suspects.length > 0) {
      const named = suspects
        .slice(0, 5)
        .map(
          (d) => `"${d.feature}" (${d.constraint}, but the free fit moves against it in ${percent(d.against)} of rows)`,
        );
      out.push(`Check the direction of ${named.join(", ")}.`);
    }
  } else if (gain < -0.01) {
    out.push(
      `The constraints help: with every feature free the ${name} rises by ${percent(-gain)}, from ${number(of(model))} to ${number(of(free))}.`,
    );
  } else {
    out.push(
      `The constraints cost ${gain > 0.01 ? "little" : "nothing"}: with every feature free the ${name} is ${number(of(free))}.`,
    );
  }
  return out;
}
