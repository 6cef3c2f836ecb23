// What a report says in words. In: a study; out: plain sentences, which state the finding and nothing beyond the numbers.

import type { Constraint } from "../types.js";
import { shownName } from "./labels.js";
import type { Curve } from "./study/curves.js";
import type { Driver } from "./study/drivers.js";
import type { Explained } from "./study/explained.js";
import type { Slopes } from "./study/slopes.js";
import type { Study } from "./study.js";
import { clip, count, percent, placed, plural, short, signed } from "./text.js";

/**
 * A name within a sentence, isolated as Unicode does it, so that text of another direction stays in its place; the page makes elements of the
 * marks. Names cannot hold such marks themselves: js/report/text.ts shows them as code points.
 */
export function named(name: string, most = 40): string {
  return `\u2068${shownName(name, most)}\u2069`;
}

/** A sentence without the marks of its names, for attributes. */
export function plain(text: string): string {
  return text.replace(/[\u2068\u2069]/g, "");
}

/** A number of target units: 0.21 ms. The unit is short or left out. */
export function amount(study: Pick<Study, "unit">, value: number): string {
  return withUnit(study, short(value));
}

/** The same with its sign. */
export function signedAmount(study: Pick<Study, "unit">, value: number): string {
  return withUnit(study, signed(value));
}

function withUnit({ unit }: Pick<Study, "unit">, text: string): string {
  return unit ? `${text}\u00a0${clip(unit, 12)}` : text;
}

/** What is predicted, in a sentence. */
export function targetName(study: Pick<Study, "target" | "link">): string {
  const name = named(study.target);
  return study.link === "logistic" ? `the probability of ${name}` : name;
}

/** Target units on an axis. */
export function unitLabel(study: Pick<Study, "target" | "unit" | "link">, what: string): string {
  const unit = study.link === "logistic" ? "probability" : study.unit || shownName(study.target, 24);
  return `${what}, ${unit}`;
}

/** What target units are called in a sentence. */
export function unitOf(study: Pick<Study, "target" | "unit" | "link">): string {
  if (study.link === "logistic") return "probability";
  return study.unit ? shownName(study.unit, 24) : `units of ${named(study.target)}`;
}

/** Rows on which the model has to extrapolate. */
export function outsideNote(study: Study): string {
  const { outside, total } = study.rows;
  return `${plural(outside, "row")} of the file (${percent(outside / total)}) ${outside === 1 ? "has" : "have"} a number beyond the range of the training rows; there the model continues in a straight line.`;
}

/** The name of the model's kind of prediction. */
export function kindOf(study: Pick<Study, "loss" | "link">): string {
  const words: Record<Study["loss"]["name"], string> = {
    squared: "the mean (squared loss)",
    absolute: "the median (absolute loss)",
    huber: "the mean, outliers dampened (Huber loss)",
    poisson: "the mean of counts (Poisson loss, log link)",
    gamma: "the mean of positive numbers (gamma loss, log link)",
    logistic: "the probability of 1 (logistic loss)",
    quantiles: `quantiles (${(study.loss.levels ?? []).map((level) => short(level)).join(", ")}); shown here: the median`,
  };
  return words[study.loss.name];
}

/** Drivers that do anything, the largest first. */
const moving = (study: Study) => study.drivers.filter(({ strength }) => strength > 0);

/** The first thing a reader learns. */
export function mainFinding(study: Study): string {
  const [first, second] = moving(study);
  const target = targetName(study);
  if (first === undefined) return `Nothing moves ${target}: every row gets the same prediction`;
  if (second === undefined) return `${named(first.name)} alone moves ${target}`;
  if (tied(first, second)) return `${named(first.name)} and ${named(second.name)} move ${target} most`;
  const times = first.strength / second.strength;
  return times >= 1.5
    ? `${named(first.name)} moves ${target} most, ${short(times, 2)} times as much as ${named(second.name)}`
    : `${named(first.name)} moves ${target} most, then ${named(second.name)}`;
}

/** Whether resampling the rows turns two neighbours round. */
function tied(a: Driver, b: Driver): boolean {
  return a.rankInterval[1] >= b.rank || b.rankInterval[0] <= a.rank;
}

export function mainDetail(study: Study): string {
  const [first, second, third] = moving(study);
  if (first === undefined) return "";
  const own = `The usual variation of ${named(first.name)} moves the prediction by ${amount(study, first.strength)}`;
  if (second === undefined) return `${own}.`;
  const next = `${own}, that of ${named(second.name)} by ${amount(study, second.strength)}`;
  if (tied(first, second)) return `${next}; other rows might well turn their order round.`;
  return third === undefined
    ? `${next}.`
    : `${next}, that of ${named(third.name)} by ${amount(study, third.strength)}.`;
}

/** The order of the first drivers. */
export function rankingFinding(study: Study): string {
  const names = moving(study)
    .slice(0, 3)
    .map(({ name }) => named(name, 30));
  if (names.length === 0) return "Nothing moves the prediction";
  return names.length === 1 ? `Only ${names[0]} moves the prediction` : names.join(", then ");
}

/** How good the model is, against the linear fit and the mean where they are known. */
export function qualityFinding(study: Study): string {
  const { heldOut } = study.training;
  if (heldOut) {
    const { model, linear, mean } = heldOut;
    const simple = linear.mae <= mean.mae ? linear : mean;
    const other = simple === linear ? "linear fit" : "mean";
    const own =
      study.link === "logistic"
        ? `Probabilities of left-out rows are ${amount(study, model.mae)} from the outcome on average`
        : `Predictions of left-out rows are ${amount(study, model.mae)} off on average`;
    if (model.mae < simple.mae) {
      return `${own}, ${percent(1 - model.mae / simple.mae)} less than those of the ${other}`;
    }
    return `${own}: no better than the ${other} (${amount(study, simple.mae)})`;
  }
  const { quality } = study;
  if (quality) return `Predictions of these rows are ${amount(study, quality.scores.mae)} off on average`;
  return "Nothing here says how good the model is";
}

/** Which rows the scores of the file were counted on, and what that means. */
export function originNote(study: Study): string {
  const rows = plural(study.rows.total, "row");
  switch (study.rows.origin) {
    case "heldOut":
      return `The ${rows} of the file were held out: the model has not seen them, so the errors on them are those to expect on new rows like them.`;
    case "training":
      return `The ${rows} of the file look like those that the model was trained on (as many, and the same ranges), so errors on them are smaller than on new rows. ${study.training.heldOut ? "Judge by the left-out rows." : "Nothing here tells by how much."}`;
    default:
      return `Nothing tells whether the model was trained on the ${rows} of the file. If it was, errors on them are smaller than on new rows. Rows that were surely held out can be reported with --held-out.`;
  }
}

export function calibrationFinding(study: Study): string {
  const bins = study.quality?.calibration ?? [];
  if (bins.length < 2) return "Too few rows, or different predictions, to compare groups of them";
  // of ten groups one is off by two standard errors in two files of five, by chance alone; one that shows no spread cannot tell
  const off = bins.filter(({ predicted, actual, error }) => error > 0 && Math.abs(predicted - actual) > 3 * error);
  if (off.length === 0) return "Groups of rows get what was predicted for them";
  return `${off.length} of ${bins.length} groups of rows ${off.length === 1 ? "is" : "are"} off by more than three standard errors`;
}

export function residualsFinding(study: Study): string {
  const spread = study.quality?.spread;
  if (!spread) return "";
  return `Nine of ten rows are between ${signedAmount(study, spread[0])} and ${signedAmount(study, spread[4])} off`;
}

export function coverageFinding(study: Study): string {
  const { quality } = study;
  if (!quality || quality.coverage.length === 0) return "No intervals";
  const wrong = quality.coverage.filter(({ asked, held, error }) => Math.abs(asked - held) > error + 0.005);
  const what = quality.covers === "intervals" ? "Intervals" : "Quantiles";
  if (wrong.length === 0) return `${what} hold as often as they promise`;
  const over = wrong.every(({ asked, held }) => held > asked);
  if (quality.covers === "intervals") {
    const under = wrong.every(({ asked, held }) => held < asked);
    if (over) return "Intervals hold more often than they promise";
    if (under) return "Intervals hold less often than they promise";
  }
  return `${what} hold more or less often than they promise`;
}

/** For how many more units a derivative is told: 1, or a power of ten within the column's spread where one unit does next to nothing. */
export function unitsOf({ slopes }: Driver): number {
  if (!slopes) return 1;
  const size = Math.max(Math.abs(slopes.quantiles.p50), Math.abs(slopes.quantiles.p95), Math.abs(slopes.quantiles.p5));
  if (!(size > 0 && size < 0.01)) return 1;
  const wanted = Math.ceil(Math.log10(0.1 / size));
  const most = Math.floor(Math.log10(Math.max(1, slopes.spread)));
  return 10 ** Math.max(0, Math.min(wanted, most));
}

/** "per unit", "per 1,000 units". */
export function perUnits(driver: Driver): string {
  const units = unitsOf(driver);
  return units === 1 ? "per unit" : `per ${count(units)} units`;
}

/** What one more unit of a driver does. */
export function slopeFinding(study: Study, driver: Driver): string {
  const { slopes } = driver;
  const name = named(driver.name);
  if (!slopes) {
    return driver.strength > 0
      ? `Putting ${name} at random moves the prediction by ${amount(study, driver.strength)}`
      : `${name} moves nothing in these rows`;
  }
  if (slopes.min === 0 && slopes.max === 0) return `${name} moves nothing in these rows`;
  const units = unitsOf(driver);
  const [p5, p50, p95] = [slopes.quantiles.p5, slopes.quantiles.p50, slopes.quantiles.p95].map((v) => v * units);
  const more = units === 1 ? `One more unit of ${name}` : `${count(units)} more units of ${name}`;
  const verb = (one: string, many: string) => (units === 1 ? one : many);
  const doing = (value: number) =>
    value > 0
      ? `${verb("adds", "add")} ${amount(study, value)}`
      : value < 0
        ? `${verb("takes", "take")} off ${amount(study, -value)}`
        : verb("adds nothing", "add nothing");
  const middle = `${more} ${doing(p50)} in the median row`;
  if (short(p5) === short(p95)) return middle;
  const [low, high] = p50 < 0 && p95 <= 0 ? [-p95, -p5] : [p5, p95];
  return `${middle}; ${short(low)} to ${amount(study, high)} in nine rows of ten`;
}

/** Where along its values a driver matters most. */
export function bendFinding(slopes: Slopes): string {
  const bins = slopes.bins.filter(({ rows }) => rows > 1);
  if (bins.length < 3) return "";
  const size = (bin: (typeof bins)[number]) => Math.abs(bin.median);
  const most = bins.reduce((a, b) => (size(b) > size(a) ? b : a));
  const least = bins.reduce((a, b) => (size(b) < size(a) ? b : a));
  if (size(most) < 1.5 * size(least)) return "About the same wherever it lies.";
  const span = bins[bins.length - 1].to - bins[0].from;
  const place = (bin: (typeof bins)[number]) =>
    bin.from === bin.to ? `at ${placed(bin.from, span)}` : `from ${placed(bin.from, span)} to ${placed(bin.to, span)}`;
  return `It matters most ${place(most)}, least ${place(least)}.`;
}

/** How far the averages move over the range. */
export function curveFinding(study: Study, curve: Curve): string {
  if (curve.kind === "category") {
    if (curve.grid.length < 2) return "";
    const best = curve.pdp.indexOf(Math.max(...curve.pdp));
    const worst = curve.pdp.indexOf(Math.min(...curve.pdp));
    if (curve.pdp[best] === curve.pdp[worst]) return "Every category gets the same.";
    return `Highest with ${named(String(curve.grid[best]), 30)}, lowest with ${named(String(curve.grid[worst]), 30)}: ${amount(study, curve.pdp[best] - curve.pdp[worst])} apart.`;
  }
  if (curve.grid.length < 2) return "One value in all of these rows.";
  const last = curve.grid.length - 1;
  const [from, to] = [Number(curve.grid[0]), Number(curve.grid[last])];
  return `From ${placed(from, to - from)} to ${placed(to, to - from)} the mean prediction changes by ${signedAmount(study, curve.pdp[last] - curve.pdp[0])}.`;
}

/** Where a prediction comes from. */
export function explainedFinding(study: Study, explained: Explained): string {
  const apart = explained.prediction - explained.baseline;
  const [first, second] = explained.parts.filter(({ contribution }) => contribution !== 0);
  if (first === undefined) return `Row ${count(explained.number)} is predicted like the median row`;
  const than = apart >= 0 ? "above" : "below";
  const part = (one: typeof first) => `${signedAmount(study, one.contribution)} by ${named(one.name, 30)}`;
  const parts = second ? `${part(first)}, ${part(second)}` : part(first);
  return `Row ${count(explained.number)}: ${amount(study, explained.prediction)}, ${amount(study, Math.abs(apart))} ${than} the median row: ${parts}`;
}

/** What the weights prove. */
export function certificateFinding(study: Study): string {
  const { monotone, checked } = study.certificate;
  if (!monotone) return "The model breaks a constraint";
  if (checked === 0) return "No feature has a constraint, so there is nothing to prove";
  return `No prediction can move the wrong way: ${plural(checked, "weight")} checked`;
}

export function signsNote(study: Study): string {
  const { checked, wrong } = study.signs;
  if (checked === 0) return "";
  return `Beside the proof, a count: of ${plural(checked, "partial derivative")} on ${plural(study.rows.sampled, "row")}, ${count(wrong)} ${wrong === 1 ? "has" : "have"} the wrong sign.`;
}

/** What a constraint promises. */
export const PROMISE: Record<Constraint, string> = {
  increasing: "never falls when it rises",
  decreasing: "never rises when it rises",
  free: "may move either way",
};

export function trainingFinding(study: Study): string {
  const { curve, members, warnings } = study.training;
  if (warnings.length > 0) return `Training left ${plural(warnings.length, "warning")}`;
  const left = curve.filter(({ validationLoss }) => validationLoss !== null);
  if (left.length > 1) {
    const first = left[0].validationLoss as number;
    const last = left[left.length - 1].validationLoss as number;
    const least = Math.min(...left.map(({ validationLoss }) => validationLoss as number));
    if (last <= 1.02 * least && first > 0) {
      const end = last === least ? "at its least" : `within ${percent(0.02)} of its least`;
      return `The loss on left-out rows fell by ${percent(Math.max(0, 1 - last / first))} and ended ${end}`;
    }
  }
  return members > 1 ? `${plural(members, "member")}, averaged` : "How it was trained";
}

/** How many of some rows are shown. */
export function ofThem(shown: number, total: number): string {
  return shown < total ? `${count(shown)} of ${count(total)}` : `all ${count(total)}`;
}

/** Rows behind the charts. */
export function sampleNote(study: Study): string {
  const { total, sampled } = study.rows;
  return sampled < total
    ? `The charts stand on a random sample of ${count(sampled)} of the ${count(total)} rows (every row had the same chance).`
    : `The charts stand on all ${plural(total, "row")}.`;
}
