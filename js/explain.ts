// Contributions: partial derivatives integrated along the straight path from a baseline row to a row. In: model data, two raw rows;
// out: one number a feature, in target units, that add up to the difference of the predictions.
// Source: Aumann & Shapley 1974; as integrated gradients: Sundararajan, Taly & Yan 2017. A sum of min-max networks is piecewise linear in its
// inputs, so the integral is exact here: the breakpoints are found (explainwalk.ts), not sampled.
//
// While one plane is active an input's integral is its weight times its step, whatever the path between. Under a link the networks' events are
// merged, and each piece weighs the steps by the link's slope: in closed form where it is straight, by Gauss' rule where it bends.
// Every piece of a constrained feature has the sign of weight times step, so the sum has the constraint's sign wherever the row lies on that
// side of the baseline. Float64 throughout; no engine's Math library.

import { createPath, type Point } from "./explainpath.js";
import { createWalk, type Piece } from "./explainwalk.js";
import { linkOf } from "./link.js";
import { exp } from "./math.js";
import type { ModelData } from "./types.js";

export interface RawExplanation {
  baseline: number;
  prediction: number;
  /** One a feature. */
  contributions: Float64Array;
}

/** Under a link: change of a logarithm along a piece that is taken for straight, and along one that goes to Gauss' rule whole (as does the link's argument). */
const STRAIGHT = 1 / 128;
const GAUSS = 1 / 2;
const GAUSS_NODES = [0.5 - Math.sqrt(0.15), 0.5, 0.5 + Math.sqrt(0.15)];
const GAUSS_WEIGHTS = [5 / 18, 8 / 18, 5 / 18];

/** Where a network's active plane changes, `plane` coming after `before`; where an input has a corner there are none. */
interface Change {
  point: Point;
  before?: number;
  plane?: number;
}

/** Prepares a model; the function that comes back explains `row` against `base` (raw rows; a category is its index, a missing value NaN). */
export function explainer(
  data: ModelData,
  level: number,
): (base: ArrayLike<number>, row: ArrayLike<number>) => RawExplanation {
  const { features, inputs, networks, link, scale, offset } = data;
  const path = createPath(data, level);
  const walk = createWalk(networks, path);
  const { isLog, scales, from, to, moving, between, pointAt, slowing } = path;
  const { weights } = walk;
  const stride = inputs.length + 1;
  const plain = link.name === "identity";
  const predict = (eta: number) => linkOf(link, eta, exp);

  /** Derivative of the link, where there is one. */
  const linkSlope = (eta: number) => {
    const p = predict(eta);
    return link.name !== "exp" ? p * (1 - p) : eta < link.maximum ? p : 0;
  };

  /** By moving input: sum of the networks' active planes' weights, as the events change it, and what the input contributes. */
  const slope = new Float64Array(inputs.length);
  const parts = new Float64Array(inputs.length);

  /** Adds to `parts` what the piece from a to b contributes under the link; eta at b. */
  function throughLink(a: Point, b: Point, eta: number, depth: number): number {
    const [za, zb] = [a.z, b.z];
    let change = 0;
    let longest = 0;
    let most = 0;
    for (let k = 0; k < path.moves; k++) {
      const step = zb[k] - za[k];
      change += slope[k] * step;
      const s = scales[moving[k]];
      if (!isLog[moving[k]] || Math.abs(step) <= longest * s) continue;
      longest = Math.abs(step) / s;
      most = k;
    }
    change *= scale;
    const end = eta + change;
    const crosses = link.name === "exp" && eta < link.maximum !== end < link.maximum;
    if (longest <= STRAIGHT || path.moves === 1 || depth > 30) {
      const factor = Math.abs(change) > 1e-9 ? (predict(end) - predict(eta)) / change : linkSlope(eta);
      for (let k = 0; k < path.moves; k++) parts[k] += slope[k] * (zb[k] - za[k]) * scale * factor;
      return end;
    }
    if (longest > GAUSS || Math.abs(change) > GAUSS || crosses) {
      const middle = between(a, b, most);
      return throughLink(middle, b, throughLink(a, middle, eta, depth + 1), depth + 1);
    }
    for (let g = 0; g < 3; g++) {
      const { t, z } = pointAt(a.t + GAUSS_NODES[g] * (b.t - a.t));
      let at = 0;
      for (let k = 0; k < path.moves; k++) at += slope[k] * (z[k] - za[k]);
      const factor = linkSlope(eta + at * scale) * scale * GAUSS_WEIGHTS[g];
      for (let k = 0; k < path.moves; k++) {
        const i = moving[k];
        const step = zb[k] - za[k];
        const going = ((to[i] - from[i]) / slowing(i, t)) * scales[i] * (b.t - a.t);
        // at half a logarithm's change at most no input goes twice its own pace: one that seems to is held at the clip, but for rounding
        parts[k] += slope[k] * (Math.abs(going) > 2 * Math.abs(step) ? step : going) * factor;
      }
    }
    return end;
  }

  /** Adds the pieces of a network to `parts`; `end` is the end of the path. */
  function addPieces(pieces: Piece[], end: Point): void {
    pieces.forEach(({ z, plane }, e) => {
      const next = pieces[e + 1] ?? end;
      for (let k = 0; k < path.moves; k++) parts[k] += weights[plane * stride + moving[k]] * (next.z[k] - z[k]) * scale;
    });
  }

  /** Under a link: adds the first plane of a network to `slope`, its changes to `events`. */
  function addChanges(pieces: Piece[], events: Change[]): void {
    pieces.forEach(({ t, z, plane }, e) => {
      if (e > 0) events.push({ point: { t, z }, before: pieces[e - 1].plane, plane });
      else for (let k = 0; k < path.moves; k++) slope[k] += weights[plane * stride + moving[k]];
    });
  }

  /** Adds to `parts` under the link, from event to event: the changes of the networks and the corners, the end of the path last. `eta` at the start. */
  function addThroughLink(start: Point, events: Change[], eta: number): void {
    let at = start;
    let running = eta;
    for (const { point, plane, before } of events.sort((x, y) => x.point.t - y.point.t)) {
      running = throughLink(at, point, running, 0);
      at = point;
      if (plane === undefined || before === undefined) continue;
      for (let k = 0; k < path.moves; k++)
        slope[k] += weights[plane * stride + moving[k]] - weights[before * stride + moving[k]];
    }
  }

  /**
   * The parts by feature, summing to `difference`: what rounding, Gauss' rule and events that could not be moved leave over goes to the parts by their
   * size, and cannot turn one.
   */
  function shareOut(difference: number): Float64Array {
    const contributions = new Float64Array(features.length);
    let [total, size] = [0, 0];
    for (let k = 0; k < path.moves; k++) {
      total += parts[k];
      size += Math.abs(parts[k]);
    }
    const over = size > 0 ? (difference - total) / size : 0;
    for (let k = 0; k < path.moves; k++) {
      const f = inputs[moving[k]].feature;
      contributions[f] += parts[k] + Math.abs(parts[k]) * Math.max(-1, over);
    }
    return contributions;
  }

  return (baseRow, row) => {
    if (path.setEnds(baseRow, row)) walk.setBase();
    const intervals = path.intervals();
    const [{ start }] = intervals;
    const { end } = intervals[intervals.length - 1];
    parts.fill(0);
    slope.fill(0);
    const events: Change[] = [];
    let sum = 0;
    let sumEnd = 0;
    for (let m = 0; m < networks.length; m++) {
      const pieces = walk.piecesOf(m, intervals);
      sum += walk.valueAt(pieces[0].plane, start.z);
      sumEnd += walk.valueAt(pieces[pieces.length - 1].plane, end.z);
      if (plain) addPieces(pieces, end);
      else addChanges(pieces, events);
    }
    const eta = sum * scale + offset;
    for (const { end: point } of intervals) events.push({ point });
    if (!plain) addThroughLink(start, events, eta);
    const baseline = predict(eta);
    const prediction = predict(sumEnd * scale + offset);
    return { baseline, prediction, contributions: shareOut(prediction - baseline) };
  };
}

/** The baseline row by name: all zeros (the first category), or the median of the training rows (the most frequent category). */
export function baselineRow(data: ModelData, name: "median" | "zero"): Float32Array {
  return Float32Array.from(data.features, (feature, f) => {
    if (feature.kind === "number") return name === "zero" ? 0 : (feature.median ?? 0);
    if (name === "zero") return 0;
    // an "equals" input is centred at the share of its category
    let best = 0;
    let most = -1;
    for (const input of data.inputs) {
      if (input.feature === f && input.transform === "equals" && input.center > most) {
        most = input.center;
        best = input.category as number;
      }
    }
    return best;
  });
}
