// Which hyperplane of a network decides where on a path (explainpath.ts). In: networks, a path; out: pieces of the path, each with the one plane that is
// the network there.
//
// Each network is followed on its own. On an interval of the path a plane lies within known bounds: its chord, plus what the bend of each input can
// add. Planes that these bounds exclude are dropped; when one is left it decides the whole interval, else the interval is halved. On an interval
// that is straight, or too short to bend, events (another plane becomes active) are found on the chord and then moved to the bent path.

import type { Interval, Path, Point } from "./explainpath.js";
import type { ModelData } from "./types.js";

/** Halvings of an interval; float64 has no room for more. */
const DEEPEST = 40;

/** Planes of one network that may still decide an interval, and their values at its ends. */
interface Candidates {
  plane: Int32Array;
  atStart: Float64Array;
  atEnd: Float64Array;
  middle: Float64Array;
}

/** Where a stretch of the path begins on which one plane of a network decides. */
export interface Piece extends Point {
  plane: number;
}

/** Follows the networks of a model along `path`, which has to have its ends. */
export function createWalk(networks: ModelData["networks"], path: Path) {
  const { scales, from, to, zFrom, moving, halvesOf, inputsAt, slowing } = path;
  const d = scales.length;
  const stride = d + 1;
  const planes = networks.flat(2);
  /** [planes][inputs + 1] */
  const weights = new Float32Array(planes.length * stride);
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
  /** Values of all planes at the baseline. */
  const baseValue = new Float64Array(planes.length);
  const levels: Candidates[] = [];
  // of each candidate: the least and the greatest value at the ends, given how far the path may leave the chord
  const [lowStart, lowEnd, highStart, highEnd] = [0, 0, 0, 0].map(() => new Float64Array(widest));
  // the active planes of the network at hand, in order, and from where on; `bent`: the interval in which the event has to be moved to the path
  let pieces: { t: number; plane: number; bent?: Interval }[] = [];

  /** Value of a plane at a point. */
  function valueAt(p: number, z: Float64Array): number {
    const w = p * stride;
    let a = baseValue[p];
    for (let k = 0; k < path.moves; k++) {
      const i = moving[k];
      a += weights[w + i] * (z[k] - zFrom[i]);
    }
    return a;
  }

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
      for (let k = 0; k < bend.length; k++) {
        const by = weights[plane[c] * stride + moving[k]] * bend[k];
        sum += by;
        size += Math.abs(by);
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

  /** True if two planes can be equal at one place of the interval at most: the slope of their difference keeps its sign. */
  function meetOnce({ start, end }: Interval, one: number, other: number): boolean {
    let least = 0;
    let most = 0;
    for (let k = 0; k < path.moves; k++) {
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
    const bent = interval.bend.length ? interval : undefined;
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
      for (let k = 0; k < path.moves; k++) {
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

  return {
    weights,
    valueAt,

    /** Values of all planes at a new baseline. */
    setBase(): void {
      for (let p = 0, w = 0; p < planes.length; p++, w += stride) {
        let a = weights[w + d];
        for (let i = 0; i < d; i++) a += weights[w + i] * zFrom[i];
        baseValue[p] = a;
      }
    },

    /** Pieces of network m, of a path that consists of `intervals`. */
    piecesOf(m: number, intervals: Interval[]): Piece[] {
      pieces = [];
      for (const interval of intervals) {
        const { start, end } = interval;
        const top = candidatesAt(0);
        const n = first[m + 1] - first[m];
        for (let c = 0; c < n; c++) {
          const p = first[m] + c;
          top.plane[c] = p;
          top.atStart[c] = start.t === 0 ? baseValue[p] : valueAt(p, start.z);
          top.atEnd[c] = valueAt(p, end.z);
        }
        walk(interval, 0, n);
      }
      let { t, z } = intervals[0].start;
      return pieces.map(({ t: onChord, plane, bent }, e) => {
        if (e > 0) {
          z = new Float64Array(path.moves);
          t = bent ? Math.max(t, onPath(onChord, bent, pieces[e - 1].plane, plane, z)) : onChord;
          inputsAt(t, z);
        }
        return { t, z, plane };
      });
    },
  };
}
