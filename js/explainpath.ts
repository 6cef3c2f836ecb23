// The way from a baseline row to a row, for contributions (explain.ts). In: model data, two raw rows (a category is its index, a missing value NaN); out:
// the inputs that move, their values z at any share of the way, and intervals of it with how far each input leaves its chord there.
//
// The path is straight in the features; log1p bends it in the inputs, upwards of the chord only (it is concave). An input has a corner where its
// feature passes 0 and where it is clipped: between corners it is smooth.

import { CLIP } from "./format.js";
import { exp, log } from "./math.js";
import type { ModelData } from "./types.js";

/** Change of log(1 + v / divisor) along an interval that is not halved again: its logarithm is then within 1.3e-4 of the chord. */
const SHORT = 1 / 32;

/** A place on the path: the share of the way, and the moving inputs there. */
export interface Point {
  t: number;
  z: Float64Array;
}

/** A stretch of the path; its halves are made when first asked for, and shared by all networks. */
export interface Interval {
  start: Point;
  end: Point;
  /** By moving input: how far the path rises above its chord, at most, in units of z; empty where no input bends. */
  bend: Float64Array;
  /** Too short to bend, or straight. */
  flat: boolean;
  halves?: [Interval, Interval];
}

/** The path of one pair of rows after the other; all that is read of it is that of the last `setEnds`. */
export type Path = ReturnType<typeof createPath>;

const held = (z: number) => (z < -CLIP ? -CLIP : z > CLIP ? CLIP : z);

/** Paths through the inputs of a model; quantile models at the `level` fed in. */
export function createPath({ features, inputs }: ModelData, level: number) {
  const d = inputs.length;
  const isLog = Uint8Array.from(inputs, (input) => Number(input.transform === "log1p"));
  const divisors = Float64Array.from(inputs, (input) => input.divisor ?? 1);
  const centers = Float64Array.from(inputs, (input) => input.center);
  const scales = Float64Array.from(inputs, (input) => input.scale);
  const levelInput = inputs.findIndex((input) => input.transform === "level");
  // raw ends (numbers, or 0 and 1 for indicators) and z at both, of every input; the numbers of those that move
  const from = new Float64Array(d);
  const to = new Float64Array(d);
  const zFrom = new Float64Array(d);
  const zTo = new Float64Array(d);
  const moving = new Int32Array(d);
  let curved = false;
  let base: Float64Array | undefined;

  /** z of input i for the value t, neither centred nor scaled. */
  const scaled = (i: number, t: number) => held((t - centers[i]) * scales[i]);

  if (levelInput >= 0) zFrom[levelInput] = scaled(levelInput, log(level) - log(1 - level));

  /** z of input i for the raw value v. */
  function zOf(i: number, v: number): number {
    if (!isLog[i]) return scaled(i, v);
    const q = v / divisors[i];
    return scaled(i, q < 0 ? q : log(1 + q));
  }

  /** The raw value of input i in a row. */
  function rawOf(i: number, row: ArrayLike<number>): number {
    const input = inputs[i];
    const v = row[input.feature];
    if (input.transform === "equals") return v === input.category ? 1 : 0;
    if (input.transform === "missing") return v !== v ? 1 : 0;
    return v !== v ? (features[input.feature].fill ?? 0) : v;
  }

  /** Shares of the way where an input has a corner: 0 of log1p, the clip of any. */
  function corners(): number[] {
    const list = [0, 1];
    for (let k = 0; k < path.moves; k++) {
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

  function intervalOf(start: Point, end: Point): Interval {
    const bend = new Float64Array(curved ? path.moves : 0);
    let longest = 0;
    for (let k = 0; k < bend.length; k++) {
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
    return { start, end, bend, flat: longest <= SHORT };
  }

  /** Sets both ends; true where the baseline is another than before. */
  function setEnds(baseRow: ArrayLike<number>, row: ArrayLike<number>): boolean {
    const other = !base?.every((v, f) => Object.is(v, baseRow[f]));
    if (other) base = Float64Array.from(features, (_, f) => baseRow[f]);
    path.moves = 0;
    curved = false;
    for (let i = 0; i < d; i++) {
      if (i === levelInput) continue;
      if (other) zFrom[i] = zOf(i, rawOf(i, baseRow));
      from[i] = rawOf(i, baseRow);
      to[i] = rawOf(i, row);
      if (from[i] === to[i]) continue;
      const z = zOf(i, to[i]);
      // in the order of the values, to the last bit
      zTo[i] = (to[i] > from[i] ? z < zFrom[i] : z > zFrom[i]) ? zFrom[i] : z;
      moving[path.moves++] = i;
      curved ||= isLog[i] === 1 && Math.max(from[i], to[i]) > 0;
    }
    return other;
  }

  /** The moving inputs at share t of the way, held between their ends: the last bit of a logarithm may go back where its argument goes on. */
  function inputsAt(t: number, z: Float64Array): void {
    for (let k = 0; k < path.moves; k++) {
      const i = moving[k];
      const at = zOf(i, from[i] + t * (to[i] - from[i]));
      const least = Math.min(zFrom[i], zTo[i]);
      const most = Math.max(zFrom[i], zTo[i]);
      z[k] = at < least ? least : at > most ? most : at;
    }
  }

  function pointAt(t: number): Point {
    const z = new Float64Array(path.moves);
    if (t < 1) inputsAt(t, z);
    else for (let k = 0; k < z.length; k++) z[k] = zTo[moving[k]];
    return { t, z };
  }

  /** A point between two others: where the logarithm of moving input k is halved. */
  function between(start: Point, end: Point, k: number): Point {
    const i = moving[k];
    const zero = divisors[i] + from[i];
    const step = to[i] - from[i];
    const t = (Math.sqrt(zero + start.t * step) * Math.sqrt(zero + end.t * step) - zero) / step;
    return pointAt(t > start.t && t < end.t ? t : (start.t + end.t) / 2);
  }

  /** What the speed of input i is divided by at share t of the way: the slope of a logarithm falls as its argument grows. */
  const slowing = (i: number, t: number) => (isLog[i] ? divisors[i] + Math.max(0, from[i] + t * (to[i] - from[i])) : 1);

  /** The intervals between corners, in order: the whole path. */
  function intervals(): Interval[] {
    const points = corners().map(pointAt);
    return points.slice(1).map((end, k) => intervalOf(points[k], end));
  }

  /** Halves an interval where the input that bends most is halved. */
  function halvesOf(interval: Interval): [Interval, Interval] {
    const { start, end, bend } = interval;
    if (!interval.halves) {
      let most = 0;
      for (let k = 1; k < bend.length; k++) if (bend[k] > bend[most]) most = k;
      const middle = between(start, end, most);
      interval.halves = [intervalOf(start, middle), intervalOf(middle, end)];
    }
    return interval.halves;
  }

  /** `moving`: numbers of the inputs that move, of which the first `moves` count. */
  const path = {
    moves: 0,
    moving,
    isLog,
    scales,
    from,
    to,
    zFrom,
    setEnds,
    intervals,
    halvesOf,
    between,
    pointAt,
    inputsAt,
    slowing,
  };
  return path;
}
