// The findings of an audit. In: slopes of n rows by d features (NaN: not looked at), changes of the prediction by moves the way of the constraints,
// signs and spreads by feature; out: counts, sizes, the worst rows and the words for them.

import type { Audit, FeatureAudit, PairAudit } from "./audit.js";
import { scaleOf } from "./auditprobe.js";

/** Changes of the prediction, each turned so that one below 0 is against the constraint. */
export type Moves = ArrayLike<number>;

/** What was found of `names.length` features; the `most` largest wrong derivatives are listed. */
export function judge(found: {
  names: readonly string[];
  signs: readonly number[];
  spreads: readonly number[];
  /** Predictions of the rows as they are. */
  base: ArrayLike<number>;
  /** Differences up to here are rounding. */
  rounding: number;
  /** Of each feature, a row each; NaN: not looked at. */
  slopes: readonly Float64Array[];
  /** Of each feature moved alone, and of all that are constrained at once. */
  alone: readonly Moves[];
  together: Moves;
  most: number;
}): Audit {
  const { names, signs, spreads, base, rounding, slopes, alone, together, most } = found;
  const spreadY = scaleOf(base, 0, 1).spread || 1;
  const worst: Audit["worst"] = [];
  let wrongTotal = 0;
  let checkedTotal = 0;
  const features = names.map((name, f): FeatureAudit => {
    const slope = slopes[f];
    let [wrong, checked, size, sum] = [0, 0, 0, 0];
    for (let r = 0; r < slope.length; r++) {
      const s = slope[r];
      if (s !== s) continue;
      checked++;
      sum += s;
      if (!(s * signs[f] < 0)) continue;
      wrong++;
      size += Math.abs(s);
      worst.push({ row: r, feature: name, derivative: s, standardised: (s * spreads[f]) / spreadY });
    }
    if (worst.length > 10000) keepWorst(worst, most);
    if (signs[f] !== 0) {
      wrongTotal += wrong;
      checkedTotal += checked;
    }
    const mean = checked ? sum / checked : 0;
    return {
      name,
      constraint: signs[f] === 0 ? "free" : signs[f] > 0 ? "increasing" : "decreasing",
      checked,
      wrong: checked ? wrong / checked : 0,
      size: wrong ? size / wrong : 0,
      mean,
      wrongOnAverage: mean * signs[f] < 0,
      pairs: orderOf(alone[f], rounding),
    };
  });
  keepWorst(worst, most);
  const pairs = orderOf(together, rounding);
  return {
    rows: base.length,
    features,
    wrong: checkedTotal ? wrongTotal / checkedTotal : 0,
    checked: checkedTotal,
    worst,
    pairs,
    statement: [
      `${partOf(wrongTotal, checkedTotal)} partial derivatives have the wrong sign`,
      ...(pairs.checked ? [`${partOf(pairs.outOfOrder, pairs.checked)} ordered pairs are predicted out of order`] : []),
    ].join("; "),
  };
}

/** How many of some moves go against the constraint by more than rounding, and how far the worst does. */
function orderOf(moves: Moves, rounding: number): PairAudit {
  let outOfOrder = 0;
  let largest = 0;
  for (let k = 0; k < moves.length; k++) {
    if (moves[k] >= -rounding) continue;
    outOfOrder++;
    largest = Math.max(largest, -moves[k]);
  }
  return { checked: moves.length, outOfOrder, largest };
}

/** "3 of 200 (1.5 %)". */
function partOf(part: number, of: number): string {
  const share = of ? (100 * part) / of : 0;
  return `${part} of ${of} (${share.toFixed(share > 0 && share < 0.1 ? 3 : 1)} %)`;
}

/** Keeps the `most` largest; of equal ones the first row's. */
function keepWorst(worst: Audit["worst"], most: number): void {
  worst.sort((a, b) => Math.abs(b.standardised) - Math.abs(a.standardised) || a.row - b.row);
  worst.length = Math.min(worst.length, most);
}
