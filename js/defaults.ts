// What `auto` stands for. The table and what was measured: docs/defaults.md.

import { WIDE } from "./relevance.js";
import type { Schema } from "./schema.js";

/** From the numbers of rows and inputs and the effort asked for. `shared`: the inputs' scales are those of other shards, so relevance must not change them. */
export function defaultsFor(n: number, d: number, effort: Schema["effort"] = "default", shared = false) {
  const narrow = Math.min(1, WIDE / d);
  /** Wide and many rows: relevance keeps hundreds of inputs in check, so that they bear larger steps, but of more rows: the gradient of few is mostly noise. */
  const large = n >= 20000 && narrow < 1 && !shared;
  const steps = n < 250 ? 500 : n < 20000 ? 4000 : d > WIDE ? 5000 : 10000;
  const share = large ? Math.sqrt(narrow) : shared ? narrow * narrow : narrow;
  /** Ridge on the hyperplanes' weights; none where it is too small to matter, since then planes at rest cost nothing; wide tables need it. */
  const lambda = 50 / (n * n) > (d > WIDE ? 1e-7 : 1e-5) ? Math.min(1 / n, 50 / (n * n)) : d > WIDE ? 20 / n : 0;
  return {
    members: effort === "best" || n < 250 ? 8 : effort === "fast" ? 2 : n < 5000 ? 8 : 4,
    steps: effort === "fast" ? steps / 4 : effort === "best" ? steps * 2 : steps,
    batch: large ? 512 : n < 20000 ? 64 : 128,
    learningRate: (n < 250 ? 0.04 : 0.06) * share,
    lambda,
    /** Multiples of it that are tried; the least out-of-fold loss decides. Noiseless tables want a tenth, noisy ones all of it. */
    decays: lambda === 0 || effort === "fast" || n >= (effort === "best" ? 20000 : 2000) ? [1] : [1, 0.1],
    /** Members that are late with both ridges train once more, at the rate of larger tables, for so many times the steps; 0: they do not. */
    longer: n < 128 || n >= 2000 || effort === "fast" ? 0 : n < 250 ? 8 : 2,
    longerRate: 0.06 * share,
    /** A member stops so many looks, of forty, after its best: in most tables of some hundred rows that is among the first ten. */
    patience: n < 20000 && effort !== "fast" ? 20 : 40,
    /** Whether networks may be held to their training range: below, left-out rows are too few to tell; above, it changed nothing. */
    bounds: n >= 250 && n < 5000,
  };
}

/**
 * How many ramps (ramps.ts) columns may have together without being asked to, by committee. Time grows with the inputs: those of a large wide table are
 * not doubled by them; the longer search fits with all of them and without, which takes three times as long, and left-out rows choose. Sill's network as
 * published has none.
 */
export function rampsFor(n: number, { features, effort, hyper }: Schema, shared: boolean): number[] {
  const d = features.reduce((sum, f) => sum + (f.categories?.length ?? 1) + Number(f.missing === "indicator"), 0);
  if (shared || n < 250 || hyper.networks === 1) return [0];
  if (n >= 20000 && d > WIDE) return [d];
  const searched = effort === "best" && hyper.epochs === "auto" && hyper.validation !== 0;
  return searched && features.some((f) => f.kind === "number" && f.transform === "auto")
    ? [Number.POSITIVE_INFINITY, 0]
    : [0];
}

/** What the user set, or what `auto` stands for. */
export const given = (value: number | "auto", otherwise: number): number => (value === "auto" ? otherwise : value);
