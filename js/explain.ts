// Contributions: partial derivatives integrated along the straight path from a baseline row to a row. In: model data, two raw rows;
// out: one number a feature, in target units, that add up to the difference of the predictions.
// Source: Aumann & Shapley 1974; as integrated gradients: Sundararajan, Taly & Yan 2017. A sum of min-max networks is piecewise linear in its
// inputs, so the integral is exact here: the breakpoints are found, not sampled.
//
// The path is straight in the features; log1p bends it in the inputs. Each network is followed on its own. On an interval of the path a plane lies
// within known bounds: its chord, plus what the bend of each input (concave, so on one side of its chord) can add. Planes that these
// bounds exclude are dropped; when one is left it decides the whole interval, else the interval is halved. On an interval that is straight, or
// too short to bend, events (another plane becomes active) are found on the chord and then moved to the bent path.
// While one plane is active an input's integral is its weight times its step, whatever the path between. Under a link the networks' events are
// merged, and each piece weighs the steps by the link's slope: in closed form where it is straight, by Gauss' rule where it bends.
// Every piece of a constrained feature has the sign of weight times step, so the sum has the constraint's sign wherever the row lies on that
// side of the baseline. Float64 throughout; no engine's Math library.

import { exp, log } from "./math.js";
import type { ModelData } from "./types.js";

export interface RawExplanation {
  baseline: number;
  prediction: number;
  /** One a feature. */
  contributions: Float64Array;
}

const CLIP = 50;
/** Change of log(1 + v / divisor) along an interval that is not halved again: its logarithm is then within 1.3e-4 of the chord. */
const SHORT = 1 / 32;
/** Under a link, the same for a piece that is taken for straight, and for one that goes to Gauss' rule whole (the link's argument changes no more). */
const STRAIGHT = 1 / 128;
const GAUSS = 1 / 2;
const GAUSS_NODES = [0.5 - Math.sqrt(0.15), 0.5, 0.5 + Math.sqrt(0.15)];
const GAUSS_WEIGHTS = [5 / 18, 8 / 18, 5 / 18];
/** Halvings of an interval; float64 has no room for more. */
const DEEPEST = 40;

/** Planes of one network that may still decide an interval, and their values at its ends. */
interface Candidates {
  plane: Int32Array;
  atStart: Float64Array;
  atEnd: Float64Array;
  middle: Float64Array;
}

/** A stretch of the path; its halves are made when first asked for, and shared by all networks. */
interface Interval {
  start: Point;
  end: Point;
  /** By moving input: how far the path rises above its chord, at most, in units of z. */
  bend: Float64Array;
  /** Too short to bend, or straight. */
  flat: boolean;
  halves?: [Interval, Interval];
}

/** Where a network's active plane changes; -1: an input has a corner there. */
interface Change {
  point: Point;
  from: number;
  to: number;
}

/** A place on the path: the share of the way, and the moving inputs there. */
interface Point {
  t: number;
  z: Float64Array;
}

/** Prepares a model; the function that comes back explains `row` against `base` (raw rows; a category is its index, a missing value NaN). */
export function explainer(
  data: ModelData,
  level: number,
): (base: ArrayLike<number>, row: ArrayLike<number>) => RawExplanation {
  const { features, inputs, networks, link, scale, offset } = data;
  const d = inputs.length;
  const stride = d + 1;
  const planes = networks.flat(2);
  /** [planes][inputs + 1] */
  const weights = new Float64Array(planes.length * stride);
  planes.forEach((plane, p) => {
    weights.set(plane, p * stride);
  });
  const groupOf = new Int32Array(planes.length);
  /** Where each network's planes begin. */
  const first = [0];
  let widest = 0;
  for (let m = 0, p = 0, k = 0; m < networks.length; m++) {
    for (const group of networks[m]) {
      groupOf.fill(k++, p, p + group.length);
      p += group.length;
    }
    first.push(p);
    widest = Math.max(widest, p - first[m]);
  }
  const isLog = Uint8Array.from(inputs, (input) => Number(input.transform === "log1p"));
  const divisors = Float64Array.from(inputs, (input) => input.divisor ?? 1);
  const centers = Float64Array.from(inputs, (input) => input.center);
  const scales = Float64Array.from(inputs, (input) => input.scale);
  const levelInput = inputs.findIndex((input) => input.transform === "level");
  const levelAt =
    levelInput < 0 ? 0 : held((log(level) - log(1 - level) - inputs[levelInput].center) * inputs[levelInput].scale);

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

  // the path of the row at hand: raw ends (numbers, or 0 and 1 for indicators) and z at both, of every input; which inputs move
  const from = new Float64Array(d);
  const to = new Float64Array(d);
  const zFrom = new Float64Array(d);
  const zTo = new Float64Array(d);
  const moving = new Int32Array(d);
  let moves = 0;
  let curved = false;

  /** z of input i for the raw value v. */
  function zOf(i: number, v: number): number {
    let x = v;
    if (isLog[i]) {
      const q = v / divisors[i];
      x = q < 0 ? q : log(1 + q);
    }
    return held((x - centers[i]) * scales[i]);
  }

  /** The raw value of input i in a row. */
  function rawOf(i: number, row: ArrayLike<number>): number {
    const input = inputs[i];
    const v = row[input.feature];
    if (input.transform === "equals") return v === input.category ? 1 : 0;
    if (input.transform === "missing") return v !== v ? 1 : 0;
    return v !== v ? (features[input.feature].fill ?? 0) : v;
  }

  /** The moving inputs at share t of the way, held between their ends: the last bit of a logarithm may go back where its argument goes on. */
  function inputsAt(t: number, z: Float64Array): void {
    for (let k = 0; k < moves; k++) {
      const i = moving[k];
      const at = zOf(i, from[i] + t * (to[i] - from[i]));
      const least = Math.min(zFrom[i], zTo[i]);
      const most = Math.max(zFrom[i], zTo[i]);
      z[k] = at < least ? least : at > most ? most : at;
    }
  }

  function pointAt(t: number): Point {
    const z = new Float64Array(moves);
    if (t === 0 || t === 1) {
      const end = t === 0 ? zFrom : zTo;
      for (let k = 0; k < moves; k++) z[k] = end[moving[k]];
    } else inputsAt(t, z);
    return { t, z };
  }

  function intervalOf(start: Point, end: Point): Interval {
    const bend = new Float64Array(moves);
    let longest = 0;
    if (curved) {
      for (let k = 0; k < moves; k++) {
        const i = moving[k];
        const way = (end.z[k] - start.z[k]) / scales[i];
        if (!isLog[i] || way === 0) continue;
        const step = to[i] - from[i];
        const low = from[i] + start.t * step;
        const high = from[i] + end.t * step;
        if (low < 0 || high < 0) continue;
        // the logarithm is furthest above its chord where its slope is the chord's
        const size = Math.abs(way);
        if (size > longest) longest = size;
        const ratio = (high - low) / (divisors[i] + low) / way;
        bend[k] = scales[i] * (size < 1e-3 ? (way * way) / 7 : Math.max(0, log(ratio) - 1 + 1 / ratio));
      }
    }
    return { start, end, bend, flat: longest <= SHORT };
  }

  /** A share of the way between two others: where the logarithm of moving input k is halved. */
  function between(start: number, end: number, k: number): number {
    const i = moving[k];
    const zero = divisors[i] + from[i];
    const step = to[i] - from[i];
    const t = (Math.sqrt(zero + start * step) * Math.sqrt(zero + end * step) - zero) / step;
    return t > start && t < end ? t : (start + end) / 2;
  }

  /** Halves an interval where the input that bends most is halved. */
  function halvesOf(interval: Interval): [Interval, Interval] {
    if (interval.halves) return interval.halves;
    const { start, end, bend } = interval;
    let most = 0;
    for (let k = 1; k < moves; k++) if (bend[k] > bend[most]) most = k;
    const middle = pointAt(between(start.t, end.t, most));
    interval.halves = [intervalOf(start, middle), intervalOf(middle, end)];
    return interval.halves;
  }

  /** Shares of the way where an input has a corner: 0 of log1p, the clip of any. */
  function corners(): number[] {
    const list = [0, 1];
    for (let k = 0; k < moves; k++) {
      const i = moving[k];
      const corner = (value: number) => {
        const t = (value - from[i]) / (to[i] - from[i]);
        if (t > 0 && t < 1) list.push(t);
      };
      if (isLog[i] && from[i] < 0 !== to[i] < 0) corner(0);
      for (const edge of [-CLIP, CLIP]) {
        if (Math.abs(zFrom[i]) < CLIP && Math.abs(zTo[i]) < CLIP) continue;
        const x = centers[i] + edge / scales[i];
        if (!isLog[i]) corner(x);
        else if (x < 0) corner(x * divisors[i]);
        else if (x < 80) corner((exp(x) - 1) * divisors[i]);
      }
    }
    return list.length === 2 ? list : list.sort((x, y) => x - y);
  }

  // values of all planes at the baseline, kept while the baseline stays the same
  let base: Float64Array | undefined;
  const baseZ = new Float64Array(d);
  const baseValue = new Float64Array(planes.length);
  function setBase(row: ArrayLike<number>): void {
    if (base?.every((v, f) => Object.is(v, row[f]))) return;
    base = Float64Array.from(features, (_, f) => row[f]);
    for (let i = 0; i < d; i++) baseZ[i] = i === levelInput ? levelAt : zOf(i, rawOf(i, row));
    for (let p = 0, w = 0; p < planes.length; p++, w += stride) {
      let a = weights[w + d];
      for (let i = 0; i < d; i++) a += weights[w + i] * baseZ[i];
      baseValue[p] = a;
    }
  }

  /** Value of a plane at a point. */
  function valueAt(p: number, z: Float64Array): number {
    const w = p * stride;
    let a = baseValue[p];
    for (let k = 0; k < moves; k++) {
      const i = moving[k];
      a += weights[w + i] * (z[k] - zFrom[i]);
    }
    return a;
  }

  const levels: Candidates[] = [];
  // of each candidate: the least and the greatest value at the ends, given how far the path may leave the chord
  const [lowStart, lowEnd, highStart, highEnd] = [0, 0, 0, 0].map(() => new Float64Array(widest));
  // the active planes of the network at hand, in order, and from where on; `bent`: the interval in which the event has to be moved to the path
  let pieces: { t: number; plane: number; bent?: Interval }[] = [];

  function found(t: number, plane: number, bent?: Interval): void {
    if (pieces.at(-1)?.plane !== plane) pieces.push({ t, plane, bent });
  }

  function candidatesAt(depth: number): Candidates {
    levels[depth] ??= {
      plane: new Int32Array(widest),
      atStart: new Float64Array(widest),
      atEnd: new Float64Array(widest),
      middle: new Float64Array(widest),
    };
    return levels[depth];
  }

  /** Drops what cannot decide the interval; the number of candidates left. */
  function prune({ plane, atStart, atEnd }: Candidates, n: number, { bend }: Interval): number {
    for (let c = 0; c < n; c++) {
      let sum = 0;
      let size = 0;
      if (curved) {
        const w = plane[c] * stride;
        for (let k = 0; k < moves; k++) {
          const by = weights[w + moving[k]] * bend[k];
          sum += by;
          size += Math.abs(by);
        }
      }
      // rounding must not let the bounds in: far more than it can be
      const above = (sum + size) / 2 + 1e-12 * size;
      const below = (sum - size) / 2 - 1e-12 * size;
      lowStart[c] = atStart[c] + below;
      lowEnd[c] = atEnd[c] + below;
      highStart[c] = atStart[c] + above;
      highEnd[c] = atEnd[c] + above;
    }
    // the group with the lowest ceiling, and the ceiling's ends
    let lowest = -1;
    let lowestStart = 0;
    let lowestEnd = 0;
    for (let c = 0; c < n; ) {
      const group = groupOf[plane[c]];
      let ceilingStart = Number.NEGATIVE_INFINITY;
      let ceilingEnd = Number.NEGATIVE_INFINITY;
      for (; c < n && groupOf[plane[c]] === group; c++) {
        ceilingStart = Math.max(ceilingStart, highStart[c]);
        ceilingEnd = Math.max(ceilingEnd, highEnd[c]);
      }
      if (lowest < 0 || ceilingStart + ceilingEnd < lowestStart + lowestEnd) {
        lowest = group;
        lowestStart = ceilingStart;
        lowestEnd = ceilingEnd;
      }
    }
    const under = (c: number, other: number) => highStart[c] < lowStart[other] && highEnd[c] < lowEnd[other];
    let kept = 0;
    for (let c = 0; c < n; ) {
      const group = groupOf[plane[c]];
      const begin = c;
      let high = false;
      // the planes of the group that are highest at the start, at the end, and in sum
      let s = c;
      let e = c;
      let both = c;
      for (; c < n && groupOf[plane[c]] === group; c++) {
        if (group !== lowest && lowStart[c] > lowestStart && lowEnd[c] > lowestEnd) high = true;
        if (lowStart[c] > lowStart[s]) s = c;
        if (lowEnd[c] > lowEnd[e]) e = c;
        if (lowStart[c] + lowEnd[c] > lowStart[both] + lowEnd[both]) both = c;
      }
      for (let q = begin; q < c; q++) {
        if (high || under(q, both) || under(q, s) || under(q, e)) continue;
        plane[kept] = plane[q];
        atStart[kept] = atStart[q];
        atEnd[kept] = atEnd[q];
        kept++;
      }
    }
    return kept;
  }

  /** What the speed of input i is divided by at share t of the way: the slope of a logarithm falls as its argument grows. */
  const slowing = (i: number, t: number) => (isLog[i] ? divisors[i] + Math.max(0, from[i] + t * (to[i] - from[i])) : 1);

  /** True if two planes can be equal at one place of the interval at most: the slope of their difference keeps its sign. */
  function meetOnce({ start, end }: Interval, one: number, other: number): boolean {
    let least = 0;
    let most = 0;
    for (let k = 0; k < moves; k++) {
      const i = moving[k];
      if (start.z[k] === end.z[k]) continue;
      const by = (weights[one * stride + i] - weights[other * stride + i]) * scales[i] * (to[i] - from[i]);
      // the slope of a logarithm lies between those at the ends
      const a = by / slowing(i, start.t);
      const b = by / slowing(i, end.t);
      least += Math.min(a, b);
      most += Math.max(a, b);
    }
    return least > 0 || most < 0;
  }

  /** Follows a network over an interval: `n` candidates lie at `depth`. */
  function walk(interval: Interval, depth: number, n: number): void {
    const candidates = levels[depth];
    const left = prune(candidates, n, interval);
    const { plane, atStart, atEnd, middle } = candidates;
    if (left === 1) {
      found(interval.start.t, plane[0]);
      return;
    }
    if (interval.flat || depth === DEEPEST) {
      follow(interval, candidates, left);
      return;
    }
    if (left === 2 && meetOnce(interval, plane[0], plane[1])) {
      const highest = groupOf[plane[0]] === groupOf[plane[1]];
      const [start, end] = [atStart[0] - atStart[1], atEnd[0] - atEnd[1]];
      const before = start > 0 === highest ? 0 : 1;
      const after = end > 0 === highest ? 0 : 1;
      found(interval.start.t, plane[before]);
      const t = interval.start.t + (start / (start - end)) * (interval.end.t - interval.start.t);
      if (after !== before) found(t, plane[after], interval);
      return;
    }
    const [one, two] = halvesOf(interval);
    for (let c = 0; c < left; c++) middle[c] = valueAt(plane[c], one.end.z);
    const next = candidatesAt(depth + 1);
    for (let half = 0; half < 2; half++) {
      const start = half === 0 ? atStart : middle;
      const end = half === 0 ? middle : atEnd;
      for (let c = 0; c < left; c++) {
        next.plane[c] = plane[c];
        next.atStart[c] = start[c];
        next.atEnd[c] = end[c];
      }
      walk(half === 0 ? one : two, depth + 1, left);
    }
  }

  /** Follows a network along a chord, from event to event. */
  function follow(interval: Interval, { plane, atStart, atEnd }: Candidates, n: number): void {
    const { start, end } = interval;
    const bent = curved ? interval : undefined;
    let s = 0;
    const slopeOf = (c: number) => atEnd[c] - atStart[c];
    const heightOf = (c: number) => atStart[c] + s * slopeOf(c);
    const ties = (a: number, b: number) => Math.abs(a - b) <= 1e-13 * (1 + Math.abs(b));
    for (let guard = 0; guard < 10000; guard++) {
      // the active plane just after s: value first, slope at a tie
      let active = -1;
      let least = 0;
      for (let c = 0; c < n; ) {
        const group = groupOf[plane[c]];
        let top = c;
        let most = heightOf(c);
        for (c++; c < n && groupOf[plane[c]] === group; c++) {
          const a = heightOf(c);
          if (ties(a, most) ? slopeOf(c) > slopeOf(top) : a > most) {
            top = c;
            most = a;
          }
        }
        if (active < 0 || (ties(most, least) ? slopeOf(top) < slopeOf(active) : most < least)) {
          active = top;
          least = most;
        }
      }
      found(start.t + s * (end.t - start.t), plane[active], bent);
      // the next place where it can change: a plane of its group rises above it, or the last of another group's planes sinks below it
      let next = 1;
      const own = groupOf[plane[active]];
      const slope = slopeOf(active);
      const value = heightOf(active);
      const rounding = 1e-13 * (1 + Math.abs(value));
      for (let c = 0; c < n; ) {
        const group = groupOf[plane[c]];
        let sinks = -1;
        for (; c < n && groupOf[plane[c]] === group; c++) {
          if (c === active) continue;
          const closing = slope - slopeOf(c);
          const apart = heightOf(c) - value;
          const crossing = closing === 0 ? Number.POSITIVE_INFINITY : s + apart / closing;
          if (group === own) {
            if (closing < 0 && crossing > s + 1e-12 && crossing < next) next = crossing;
          } else if (apart > rounding || (apart >= -rounding && closing < 0))
            sinks = Math.max(sinks, closing > 0 ? crossing : Number.POSITIVE_INFINITY);
        }
        // a group that is wholly below would have been the active one; a tie that stays a tie changes nothing; planes that are below now may
        // rise before the others sink: then this event is a false one and the walk goes on
        if (group !== own && sinks > s + 1e-12 && sinks < next) next = sinks;
      }
      if (next >= 1) return;
      s = next;
    }
  }

  /** Where two planes are equal on the path: Newton's steps from where they are equal on the chord, kept within the interval. */
  function onPath(t: number, interval: Interval, one: number, other: number, z: Float64Array): number {
    let [low, high] = [interval.start.t, interval.end.t];
    const above = (point: Point) => valueAt(one, point.z) > valueAt(other, point.z);
    const begins = above(interval.start);
    if (begins === above(interval.end)) return t;
    let at = t;
    for (let step = 0; step < 30; step++) {
      inputsAt(at, z);
      const gap = valueAt(one, z) - valueAt(other, z);
      if (Math.abs(gap) <= 1e-12) break;
      if (gap > 0 === begins) low = at;
      else high = at;
      let slant = 0;
      for (let k = 0; k < moves; k++) {
        const i = moving[k];
        if (interval.start.z[k] === interval.end.z[k]) continue;
        const speed = (scales[i] * (to[i] - from[i])) / slowing(i, at);
        slant += (weights[one * stride + i] - weights[other * stride + i]) * speed;
      }
      let next = at - gap / slant;
      if (!(next > low && next < high)) next = (low + high) / 2;
      if (next === at) break;
      at = next;
    }
    return at;
  }

  /** Sum of the networks' first planes' weights, by moving input; then as the events change it. */
  const slope = new Float64Array(d);
  const parts = new Float64Array(d);

  /** Adds to `parts` what the piece from a to b contributes under the link; eta at b. */
  function throughLink(a: Point, b: Point, eta: number, depth: number): number {
    let change = 0;
    let longest = 0;
    let most = 0;
    for (let k = 0; k < moves; k++) {
      const step = b.z[k] - a.z[k];
      change += slope[k] * step;
      const s = scales[moving[k]];
      if (!isLog[moving[k]] || Math.abs(step) <= longest * s) continue;
      longest = Math.abs(step) / s;
      most = k;
    }
    change *= scale;
    const end = eta + change;
    const crosses = link.name === "exp" && eta < link.maximum !== end < link.maximum;
    if (longest <= STRAIGHT || moves === 1 || depth > 30) {
      const factor = Math.abs(change) > 1e-9 ? (linkOf(end) - linkOf(eta)) / change : linkSlope(eta);
      for (let k = 0; k < moves; k++) parts[k] += slope[k] * (b.z[k] - a.z[k]) * scale * factor;
      return end;
    }
    if (longest > GAUSS || Math.abs(change) > GAUSS || crosses) {
      const middle = pointAt(between(a.t, b.t, most));
      return throughLink(middle, b, throughLink(a, middle, eta, depth + 1), depth + 1);
    }
    for (let g = 0; g < 3; g++) {
      const { t, z } = pointAt(a.t + GAUSS_NODES[g] * (b.t - a.t));
      let at = 0;
      for (let k = 0; k < moves; k++) at += slope[k] * (z[k] - a.z[k]);
      const factor = linkSlope(eta + at * scale) * scale * GAUSS_WEIGHTS[g] * (b.t - a.t);
      for (let k = 0; k < moves; k++) {
        const i = moving[k];
        // held at the clip, or on its way
        if (a.z[k] !== b.z[k]) parts[k] += slope[k] * ((to[i] - from[i]) / slowing(i, t)) * scales[i] * factor;
      }
    }
    return end;
  }

  /** Sets both ends of the path, and the inputs that move on it. */
  function setEnds(baseRow: ArrayLike<number>, row: ArrayLike<number>): void {
    setBase(baseRow);
    moves = 0;
    curved = false;
    for (let i = 0; i < d; i++) {
      zFrom[i] = baseZ[i];
      if (i === levelInput) continue;
      from[i] = rawOf(i, baseRow);
      to[i] = rawOf(i, row);
      if (from[i] === to[i]) continue;
      let z = zOf(i, to[i]);
      // in the order of the values, to the last bit
      if (to[i] > from[i] ? z < zFrom[i] : z > zFrom[i]) z = zFrom[i];
      zTo[i] = z;
      moving[moves++] = i;
      curved ||= isLog[i] === 1 && Math.max(from[i], to[i]) > 0;
    }
  }

  /** Finds the pieces of network m on the path, which `roots` cover from end to end. */
  function findPieces(m: number, roots: Interval[]): void {
    const n = first[m + 1] - first[m];
    pieces = [];
    for (const root of roots) {
      const top = candidatesAt(0);
      for (let c = 0; c < n; c++) {
        const p = first[m] + c;
        top.plane[c] = p;
        top.atStart[c] = root.start.t === 0 ? baseValue[p] : valueAt(p, root.start.z);
        top.atEnd[c] = valueAt(p, root.end.z);
      }
      walk(root, 0, n);
    }
  }

  /** Of the network at hand: adds its pieces to `parts`, or under a link its first plane to `slope` and its changes to `events`. */
  function addPieces(begin: Point, end: Point, events: Change[]): void {
    const last = pieces.length - 1;
    let before = begin.z;
    for (const [e, { t: start, plane }] of pieces.entries()) {
      const w = plane * stride;
      if (link.name !== "identity") {
        if (e === 0) for (let k = 0; k < moves; k++) slope[k] += weights[w + moving[k]];
        if (e === last) break;
      }
      let z = end.z;
      if (e < last) {
        z = new Float64Array(moves);
        const next = pieces[e + 1];
        if (next.bent) next.t = Math.max(start, onPath(next.t, next.bent, plane, next.plane, z));
        inputsAt(next.t, z);
        if (link.name !== "identity") events.push({ point: { t: next.t, z }, from: plane, to: next.plane });
      }
      if (link.name === "identity")
        for (let k = 0; k < moves; k++) parts[k] += weights[w + moving[k]] * (z[k] - before[k]) * scale;
      before = z;
    }
  }

  /** Adds to `parts` under the link, from event to event and corner to corner. `eta` at the first point. */
  function addThroughLink(points: Point[], events: Change[], eta: number): void {
    for (let k = 1; k < points.length - 1; k++) events.push({ point: points[k], from: -1, to: -1 });
    events.sort((x, y) => x.point.t - y.point.t);
    let at = points[0];
    let running = eta;
    for (const event of events) {
      running = throughLink(at, event.point, running, 0);
      at = event.point;
      if (event.from < 0) continue;
      for (let k = 0; k < moves; k++)
        slope[k] += weights[event.to * stride + moving[k]] - weights[event.from * stride + moving[k]];
    }
    throughLink(at, points[points.length - 1], running, 0);
  }

  /**
   * The parts by feature, summing to `difference`: what rounding, Gauss' rule and events that could not be moved leave over goes to the parts by their
   * size, and cannot turn one.
   */
  function shareOut(difference: number): Float64Array {
    const contributions = new Float64Array(features.length);
    let [total, size] = [0, 0];
    for (let k = 0; k < moves; k++) {
      total += parts[k];
      size += Math.abs(parts[k]);
    }
    const over = size > 0 ? (difference - total) / size : 0;
    for (let k = 0; k < moves; k++) {
      const f = inputs[moving[k]].feature;
      contributions[f] += parts[k] + Math.abs(parts[k]) * Math.max(-1, over);
    }
    return contributions;
  }

  return (baseRow, row) => {
    setEnds(baseRow, row);
    const points = corners().map(pointAt);
    const roots: Interval[] = [];
    for (let k = 1; k < points.length; k++) roots.push(intervalOf(points[k - 1], points[k]));
    const end = points[points.length - 1];
    parts.fill(0);
    slope.fill(0);
    const events: Change[] = [];
    let sum = 0;
    let sumEnd = 0;
    for (let m = 0; m < networks.length; m++) {
      findPieces(m, roots);
      sum += baseValue[pieces[0].plane];
      sumEnd += valueAt(pieces[pieces.length - 1].plane, end.z);
      addPieces(points[0], end, events);
    }
    const eta = sum * scale + offset;
    if (link.name !== "identity") addThroughLink(points, events, eta);
    const baseline = linkOf(eta);
    const prediction = linkOf(sumEnd * scale + offset);
    return { baseline, prediction, contributions: shareOut(prediction - baseline) };
  };
}

function held(z: number): number {
  return z < -CLIP ? -CLIP : z > CLIP ? CLIP : z;
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
