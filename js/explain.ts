// Contributions: partial derivatives integrated along the straight path from a baseline row to a row. In: model data, two raw rows;
// out: one number a feature, in target units, that add up to the difference of the predictions.
// Source: Aumann & Shapley 1974; as integrated gradients: Sundararajan, Taly & Yan 2017. A sum of min-max networks is piecewise linear in its
// inputs, so the integral is exact here: the breakpoints are found, not sampled.
//
// The path is straight in the features. log1p bends it in the inputs: there it is followed by chords along which 1 + v / divisor changes by
// at most a sixteenth; with linear inputs there is one chord. On a chord every plane is affine in s, a = A + s B, and the active plane of each
// network is followed from event to event; where the path is bent, each event is then moved to where it happens on the path. Between two events eta = scale * sum + offset is affine, so a link only scales the piece:
// the contribution of input i is its share of the change of eta times (link(eta1) - link(eta0)) / (eta1 - eta0).
// Every piece of a constrained feature has the sign of weight times step, so the sum has the constraint's sign wherever the row lies on that
// side of the baseline. Float64 throughout; no engine's Math library.

import { exp, log } from "./math.js";
import type { ModelData } from "./types.js";

/** A network's active plane changes; `chord`, `path`: the share of the chord where, along the chord and along the bent path. */
interface Event {
  network: number;
  chord: number;
  path: number;
  from: number;
  to: number;
}

export interface RawExplanation {
  baseline: number;
  prediction: number;
  /** One a feature. */
  contributions: Float64Array;
}

/**
 * Largest relative change of 1 + v / divisor along a chord. With the events moved to the path the parts agree with numerical integration to
 * 1e-9; a logistic link bends along a chord as well: 2.7e-4 at 1/8, 7e-5 at 1/16, 2e-5 at 1/32.
 */
const BEND = { identity: 1 / 16, exp: 1 / 32, logistic: 1 / 32 };
const CLIP = 50;

/** Prepares a model; the function that comes back explains `row` against `base` (raw rows; a category is its index, a missing value NaN). */
export function explainer(
  data: ModelData,
  level: number,
): (base: ArrayLike<number>, row: ArrayLike<number>) => RawExplanation {
  const { features, inputs, networks, link, scale, offset } = data;
  const d = inputs.length;
  const planes = networks.flat(2);
  const weights = new Float64Array(planes.length * (d + 1));
  planes.forEach((plane, p) => {
    weights.set(plane, p * (d + 1));
  });
  /** First plane of each group, group by group, network by network; and where each network's groups begin. */
  const groupStart: number[] = [0];
  const networkStart: number[] = [0];
  for (const groups of networks) {
    for (const group of groups) groupStart.push(groupStart[groupStart.length - 1] + group.length);
    networkStart.push(groupStart.length - 1);
  }
  const A = new Float64Array(planes.length);
  const B = new Float64Array(planes.length);
  const slope = new Float64Array(d);
  const z = new Float64Array(d);
  const before = new Float64Array(d);

  const linkOf = (eta: number) => {
    if (link.name === "identity") return eta;
    if (link.name === "exp") return exp(Math.min(eta, link.maximum));
    return 1 / (1 + exp(-eta));
  };
  const linkSlope = (eta: number) => {
    if (link.name === "identity") return 1;
    const p = linkOf(eta);
    if (link.name === "exp") return eta < link.maximum ? p : 0;
    return p * (1 - p);
  };

  /** Inputs at share t of the way. */
  function inputsAt(base: ArrayLike<number>, row: ArrayLike<number>, t: number, z: Float64Array): void {
    for (let i = 0; i < d; i++) {
      const input = inputs[i];
      if (input.transform === "level") {
        z[i] = held((log(level) - log(1 - level) - input.center) * input.scale);
        continue;
      }
      const a = base[input.feature];
      const b = row[input.feature];
      let x: number;
      if (input.transform === "linear" || input.transform === "log1p") {
        const fill = features[input.feature].fill ?? 0;
        const from = a !== a ? fill : a;
        const to = b !== b ? fill : b;
        x = t === 1 ? to : from + t * (to - from);
        if (input.transform === "log1p") {
          const q = x / (input.divisor as number);
          x = q < 0 ? q : log(1 + q);
        }
      } else {
        const from = is(input.transform, input.category, a);
        const to = is(input.transform, input.category, b);
        x = from + t * (to - from);
      }
      z[i] = held((x - input.center) * input.scale);
    }
  }

  /** Shares of the way where the path is bent enough to begin a new chord, or has a corner: 0 of a log1p input, the clip of any. */
  function nodes(base: ArrayLike<number>, row: ArrayLike<number>): { t: number[]; curved: boolean } {
    const list = [0, 1];
    let curved = false;
    for (const { feature, transform, divisor, center, scale: s } of inputs) {
      if (transform !== "linear" && transform !== "log1p") continue;
      const fill = features[feature].fill ?? 0;
      const from = base[feature] !== base[feature] ? fill : base[feature];
      const to = row[feature] !== row[feature] ? fill : row[feature];
      if (from === to) continue;
      const corner = (value: number) => {
        const t = (value - from) / (to - from);
        if (t > 0 && t < 1) list.push(t);
      };
      if (transform === "log1p") {
        curved ||= Math.max(from, to) > 0;
        corner(0);
      }
      for (const edge of [-CLIP, CLIP]) {
        const t = center + edge / s;
        if (transform === "linear") corner(t);
        else if (t < 0) corner(t * (divisor as number));
        else if (t < 80) corner((exp(t) - 1) * (divisor as number));
      }
    }
    list.sort((x, y) => x - y);
    if (!curved) return { t: list, curved };
    const chords = [0];
    for (let k = 1; k < list.length; k++) {
      let t = list[k - 1];
      while (t < list[k]) {
        let step = 1;
        for (const { feature, transform, divisor } of inputs) {
          if (transform !== "log1p") continue;
          const fill = features[feature].fill ?? 0;
          const from = base[feature] !== base[feature] ? fill : base[feature];
          const to = row[feature] !== row[feature] ? fill : row[feature];
          if (from === to) continue;
          const v = Math.max(0, from + t * (to - from));
          step = Math.min(step, (BEND[link.name] * ((divisor as number) + v)) / Math.abs(to - from));
        }
        t = Math.min(list[k], t + Math.max(step, 1e-6));
        if (t > chords[chords.length - 1]) chords.push(t);
      }
    }
    return { t: chords, curved };
  }

  /** Follows network m over a chord; `found` gets [s, plane] from each event on, in order. */
  function follow(m: number, found: [number, number][]): void {
    const first = networkStart[m];
    const last = networkStart[m + 1];
    let s = 0;
    for (let guard = 0; guard < 10000; guard++) {
      // the active plane just after s: value first, slope at a tie
      let group = -1;
      let plane = -1;
      let least = 0;
      for (let k = first; k < last; k++) {
        let top = groupStart[k];
        let most = A[top] + s * B[top];
        for (let p = top + 1; p < groupStart[k + 1]; p++) {
          const a = A[p] + s * B[p];
          const tie = Math.abs(a - most) <= 1e-13 * (1 + Math.abs(most));
          if (tie ? B[p] > B[top] : a > most) {
            top = p;
            most = a;
          }
        }
        const tie = plane >= 0 && Math.abs(most - least) <= 1e-13 * (1 + Math.abs(least));
        if (plane < 0 || (tie ? B[top] < B[plane] : most < least)) {
          group = k;
          plane = top;
          least = most;
        }
      }
      if (found.length === 0 || found[found.length - 1][1] !== plane) found.push([s, plane]);
      // the next place where it can change: a plane of its group rises above it, or the last of another group's planes sinks below it
      let next = 1;
      const a = A[plane];
      const b = B[plane];
      for (let k = first; k < last; k++) {
        let sinks = k === group ? Number.POSITIVE_INFINITY : -1;
        for (let p = groupStart[k]; p < groupStart[k + 1]; p++) {
          if (p === plane) continue;
          const apart = A[p] - a + s * (B[p] - b);
          const closing = b - B[p];
          const crossing = closing === 0 ? Number.POSITIVE_INFINITY : s + apart / closing;
          if (k === group) {
            if (closing < 0 && crossing > s + 1e-12 && crossing < next) next = crossing;
          } else if (
            apart > 1e-13 * (1 + Math.abs(a + s * b)) ||
            (apart >= -1e-13 * (1 + Math.abs(a + s * b)) && closing < 0)
          ) {
            sinks = Math.max(sinks, closing > 0 ? crossing : Number.POSITIVE_INFINITY);
          }
        }
        // a group that is wholly below would have been the active one; a tie that stays a tie changes nothing
        if (k !== group && sinks > s + 1e-12 && sinks < next) next = sinks;
        // planes of another group that are below now may rise before the others sink: then this event is a false one and the walk goes on
      }
      if (next >= 1) return;
      s = next;
    }
  }

  /**
   * Moves events from the chord to the path, where the two planes are equal in the bent inputs too: a few secant steps each. False, and the
   * chord's events stand, where that fails or would change their order within a network; so the parts add up in either case.
   */
  function onPath(events: Event[], at: (s: number) => void): boolean {
    let previous: Event | undefined;
    for (const event of events) {
      const from = event.from * (d + 1);
      const to = event.to * (d + 1);
      const gap = (s: number) => {
        at(s);
        let g = weights[from + d] - weights[to + d];
        for (let i = 0; i < d; i++) g += (weights[from + i] - weights[to + i]) * z[i];
        return g;
      };
      let s = event.chord;
      let g = gap(s);
      let slant = B[event.from] - B[event.to];
      for (let step = 0; step < 6 && Math.abs(g) > 1e-13; step++) {
        const next = s - g / slant;
        if (!(next >= 0 && next <= 1) || next === s) break;
        const h = gap(next);
        slant = (h - g) / (next - s);
        s = next;
        g = h;
      }
      event.path = s;
      const first = previous?.network === event.network ? (previous as Event).path : 0;
      if (!(Math.abs(g) <= 1e-11) || s < first) return false;
      previous = event;
    }
    return true;
  }

  return (base, row) => {
    const contributions = new Float64Array(features.length);
    const { t, curved } = nodes(base, row);
    let z0 = new Float64Array(d);
    let z1 = new Float64Array(d);
    inputsAt(base, row, 0, z0);
    let eta = 0;
    let baseline = 0;
    for (let k = 1; k < t.length; k++) {
      inputsAt(base, row, t[k], z1);
      for (let p = 0, w = 0; p < planes.length; p++, w += d + 1) {
        let a = weights[w + d];
        let b = 0;
        for (let i = 0; i < d; i++) {
          a += weights[w + i] * z0[i];
          b += weights[w + i] * (z1[i] - z0[i]);
        }
        A[p] = a;
        B[p] = b;
      }
      // where each network's active plane changes along the chord; where the path is bent, moved to where it changes on the path itself
      const events: Event[] = [];
      slope.fill(0);
      let sum = 0;
      for (let m = 0; m < networks.length; m++) {
        const found: [number, number][] = [];
        follow(m, found);
        const w = found[0][1] * (d + 1);
        sum += A[found[0][1]];
        for (let i = 0; i < d; i++) slope[i] += weights[w + i];
        for (let e = 1; e < found.length; e++)
          events.push({ network: m, chord: found[e][0], path: 0, from: found[e - 1][1], to: found[e][1] });
      }
      if (k === 1) {
        eta = sum * scale + offset;
        baseline = linkOf(eta);
      }
      const at = (s: number) => inputsAt(base, row, t[k - 1] + s * (t[k] - t[k - 1]), z);
      const moved = curved && onPath(events, at);
      const when = moved ? "path" : "chord";
      events.sort((x, y) => x[when] - y[when]);
      before.set(z0);
      for (let e = 0; e <= events.length; e++) {
        if (e === events.length) z.set(z1);
        else if (moved) at(events[e].path);
        else for (let i = 0; i < d; i++) z[i] = z0[i] + events[e].chord * (z1[i] - z0[i]);
        let change = 0;
        for (let i = 0; i < d; i++) change += slope[i] * (z[i] - before[i]);
        change *= scale;
        const after = eta + change;
        const factor =
          link.name === "identity"
            ? 1
            : Math.abs(change) > 1e-9
              ? (linkOf(after) - linkOf(eta)) / change
              : linkSlope(eta);
        for (let i = 0; i < d; i++) {
          const f = inputs[i].feature;
          if (f >= 0) contributions[f] += slope[i] * (z[i] - before[i]) * scale * factor;
        }
        eta = after;
        before.set(z);
        if (e < events.length) {
          const from = events[e].from * (d + 1);
          const to = events[e].to * (d + 1);
          for (let i = 0; i < d; i++) slope[i] += weights[to + i] - weights[from + i];
        }
      }
      [z0, z1] = [z1, z0];
    }
    return { baseline, prediction: linkOf(eta), contributions };
  };
}

function held(z: number): number {
  return z < -CLIP ? -CLIP : z > CLIP ? CLIP : z;
}

/** 1 where an "equals" or "missing" input is on. */
function is(
  transform: "equals" | "missing" | "level" | "linear" | "log1p",
  category: number | undefined,
  value: number,
): number {
  return transform === "missing" ? (value !== value ? 1 : 0) : value === category ? 1 : 0;
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
