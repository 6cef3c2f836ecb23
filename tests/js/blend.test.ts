// How much of the networks a model takes: by left-out rows, against a plain account of docs/defaults.md in float64.

import { describe, expect, it } from "vitest";
import type { Plan } from "../../js/member.js";
import { certaintyOf, chooseBlend } from "../../js/outoffold.js";
import { LOSSES } from "../../js/wasm.js";
import { generator } from "./oracle.js";
import { makeTrainer } from "./trainer.js";

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** 1 where the mean gain, less a fiftieth of the rows at either end, is two standard errors or more; in proportion below; 0 without any. */
function certainty(gains: readonly number[]): number {
  const off = Math.min(Math.ceil(gains.length / 50), Math.floor((gains.length - 1) / 2));
  const kept = [...gains].sort((a, b) => a - b).slice(off, gains.length - off);
  const mean = sum(kept) / kept.length;
  const deviation = Math.sqrt(sum(kept.map((v) => (v - mean) ** 2)) / kept.length);
  const needed = (2 * deviation) / Math.sqrt(kept.length);
  return mean >= needed ? 1 : Math.max(0, mean / needed);
}

describe("the share of the networks", () => {
  const n = 90;
  const random = generator(4);
  const noise = (size: number) => Float32Array.from({ length: n }, () => size * (random() + random() + random() - 1.5));
  const y = noise(3);
  const t = makeTrainer(noise(1), y, { shapes: [1, 1], factors: [1], lambdas: [0], signs: [0] }).t;
  const [common, small] = [noise(1), noise(0.4)];
  const away = (errors: Float32Array, lean = 0) => y.map((v, r) => v + errors[r] + lean * (r % 3));
  it.each<[string, Float32Array, Float32Array, (a: number) => boolean]>([
    ["is all where they are far better than the line", away(noise(0.1)), away(noise(2)), (a) => a === 1],
    ["is none where they are worse", away(noise(2)), away(noise(0.1)), (a) => a === 0],
    [
      "is a part where both are as good, and wrong in ways of their own",
      away(noise(2)),
      away(noise(2)),
      (a) => a > 0.2 && a < 0.8,
    ],
    [
      "is less than the best part where its gain may be chance",
      away(common.map((v, r) => 0.8 * v + small[r])),
      away(common),
      (a) => a > 0.01 && a < 0.49,
    ],
    ["is that of the line where they are the same", away(noise(0)), away(noise(0)), () => true],
    ["is a part where they lean", away(noise(0.4), 0.5), away(noise(0.9)), () => true],
  ])("%s", (_, networks, linear, isSo) => {
    // the rows in an order of their own, as folds have them
    const places = Uint32Array.from({ length: n }, (_, r) => (r * 7) % n);
    const pick = (values: Float32Array) => Float32Array.from(places, (place) => values[place]);
    const plan = { loss: LOSSES.squared, levels: [0.5], parameter: 0 } as Plan;
    const { a, losses } = chooseBlend(t, plan, {
      rows: places,
      places,
      networks: pick(networks),
      linear: pick(linear),
    });
    const lossesAt = (share: number) =>
      Array.from(places, (r) => (share * networks[r] + (1 - share) * linear[r] - y[r]) ** 2 / 2);
    const shares = [1, 0.75, 0.5, 0.25, 0];
    const totals = shares.map((share) => sum(lossesAt(share)));
    const best = shares[totals.indexOf(Math.min(...totals))];
    const [own, line] = [lossesAt(best), lossesAt(0)];
    const want = best * certainty(own.map((loss, r) => line[r] - loss));
    expect(a).toBeCloseTo(want, 4);
    expect(isSo(a)).toBe(true);
    // the losses of the rows at that share, each row in its place
    lossesAt(a).forEach((loss, r) => {
      expect(losses[r]).toBeCloseTo(loss, 4);
    });
  });

  it("of rows of many levels is by the mean over levels of the pinball loss", () => {
    const levels = [0.2, 0.9];
    const places = Uint32Array.from({ length: n }, (_, r) => r);
    const [networks, linear] = [1, 1.2].map((size) => Float32Array.from([...away(noise(size)), ...away(noise(size))]));
    const plan = { loss: LOSSES.quantiles, levels, parameter: 0 } as Plan;
    const { a, losses } = chooseBlend(t, plan, { rows: places, places, networks, linear });
    expect(a).toBeGreaterThan(0);
    losses.forEach((loss, r) => {
      const want = levels.map((level, k) => {
        const e = y[r] - (a * networks[k * n + r] + (1 - a) * linear[k * n + r]);
        return e > 0 ? level * e : (level - 1) * e;
      });
      expect(loss).toBeCloseTo(sum(want) / 2, 4);
    });
  });
});

describe("how sure a gain is", () => {
  const sure = (gains: readonly number[]) => certaintyOf(new Float64Array(gains.length), Float64Array.from(gains));
  it.each<[string, number[], number]>([
    ["of one row, as sure as can be", [1], 1],
    ["of one row that loses, not at all", [-1], 0],
    ["of two rows, by the two", [1, 3], 1],
    ["of three rows, by the middle one", [-100, 1, 100], 1],
    ["of equal gains, as sure as can be", [1, 1, 1, 1], 1],
    ["of no gain, as sure as can be: nothing speaks against", [0, 0, 0], 1],
    ["of losses, not at all", [-1, -2, -1, -3], 0],
    ["of fifty rows, without the one of each end", [1e9, -1e9, ...new Array<number>(48).fill(1)], 1],
    ["of fifty-one, without two", [1e9, 1e9, -1e9, -1e9, ...new Array<number>(47).fill(1)], 1],
  ])("%s", (_, gains, want) => {
    expect(sure(gains)).toBe(want);
    expect(certainty(gains)).toBe(want);
  });

  it("is in proportion to the standard errors below two", () => {
    const random = generator(9);
    for (let round = 0; round < 40; round++) {
      const gains = Array.from({ length: 5 + 7 * round }, () => random() + random() - 1 + 0.01 * round);
      expect(sure(gains)).toBeCloseTo(certainty(gains), 9);
    }
  });
});
