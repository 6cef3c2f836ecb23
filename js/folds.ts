// Which member of the committee trains without which rows. In: the source and its options; out: a fold for every row, as many members as fit.
// Rows at hand are dealt evenly, in a shuffled order; those of a source that is read again by a hash of their number, so that each reading deals alike.

import { defaultsFor, given } from "./defaults.js";
import { keyOf } from "./feed.js";
import type { Sample } from "./sample.js";
import type { Source } from "./source.js";
import type { Trainer } from "./wasm.js";

/** Share of rows that each member leaves out. */
const DEFAULT_VALIDATION = 0.125;
/** Left-out rows of a member that are looked at, at most: enough for a loss to three digits. Half of them where rows come in pieces: the kernels keep them. */
const MOST_LEFT_OUT = 16384;
const STREAM = 0x666f6c64;

export interface Folds {
  members: number;
  /** Whether member e leaves fold e out; else all train on every row. */
  out: boolean;
  /** Folds, for the centre too where no member leaves one out. */
  count: number;
  /** [n], the fold of each row at hand, below `count`. */
  of: Uint8Array;
  /** The fold of a row that is read again, by its number in the source. */
  by(row: number): number;
  /** The fold that member e leaves out; 255: none. */
  own(e: number): number;
}

/** Deals the rows. */
export function dealFolds(t: Trainer, { table: { n }, schema, sample, again, rows }: Source): Folds {
  const { hyper, seed } = schema;
  const share = given(hyper.validation, DEFAULT_VALIDATION);
  const out = share > 0;
  const count = out ? Math.max(2, Math.min(n, 255, Math.round(1 / share))) : Math.min(n, 8);
  const wanted = given(hyper.members, defaultsFor(rows, schema.features.length, schema.effort).members);
  const of = new Uint8Array(n);
  const key = keyOf(seed, STREAM);
  const by = (row: number) => keyOf(key, row) % count;
  if (again) for (let r = 0; r < n; r++) of[r] = by((sample as Sample).rows[r]);
  else {
    const before = t.wasm.mark();
    const order = t.floats(n);
    const shuffled = t.u32(order);
    for (let r = 0; r < n; r++) shuffled[r] = r;
    t.wasm.seed(seed, STREAM);
    t.wasm.shuffle(order.at, n);
    for (let r = 0; r < n; r++) of[shuffled[r]] = r % count;
    t.wasm.reset(before);
  }
  return { members: out ? Math.min(count, wanted) : wanted, out, count, of, by, own: (e) => (out ? e : 255) };
}

/** Numbers of the rows that member e trains on, ascending. */
export function trainingRows({ of, own }: Folds, e: number): Uint32Array {
  const rows = new Uint32Array(of.length);
  const left = own(e);
  let count = 0;
  for (let r = 0; r < of.length; r++) if (of[r] !== left) rows[count++] = r;
  return rows.slice(0, count);
}

/** Left-out rows of a member, at most. `pieces`: whether rows come in pieces. */
export const mostLeftOut = ({ out, of, count }: Folds, pieces: boolean): number =>
  out ? Math.min(pieces ? MOST_LEFT_OUT / 2 : MOST_LEFT_OUT, Math.ceil(of.length / count)) : 0;

/** By member, numbers of its left-out rows, ascending: `most` of them, evenly spaced, where there are more. */
export function leftOutRows({ members, out, of }: Folds, most: number): Uint32Array[] {
  const sizes = new Uint32Array(256);
  for (let r = 0; r < of.length && out; r++) sizes[of[r]]++;
  const rows = Array.from({ length: members }, (_, e) => new Uint32Array(Math.min(sizes[e], most)));
  const seen = new Uint32Array(members);
  const taken = new Uint32Array(members);
  for (let r = 0; r < of.length && out; r++) {
    const e = of[r];
    if (e < members && Math.floor((++seen[e] * rows[e].length) / sizes[e]) > taken[e]) rows[e][taken[e]++] = r;
  }
  return rows;
}
