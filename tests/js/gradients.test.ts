// Gradients of the weights against a loop in float32, bit for bit: rows one after the other, each to the active plane of every network.

import { describe, expect, test } from "vitest";
import { LOSSES } from "../../js/wasm.js";
import { generator } from "./oracle.js";
import { activePlanes, bits, makeTrainer } from "./trainer.js";

const ROWS = 90;
/** Rows that makeTrainer has room for. */
const BATCH = 96;

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  "a step against a target of %d leaves weights that are no numbers, not some at their bounds",
  (target) => {
    const random = generator(1);
    const x = Float32Array.from({ length: ROWS * 3 }, () => random() * 2 - 1);
    for (const [signs, shapes] of [
      [
        [1, -1, 0],
        [1, 1, 4, 4],
      ],
      [
        [1, 1, 1],
        [4, 4, 6, 6],
      ],
    ]) {
      const y = Float32Array.from({ length: ROWS }, (_, r) => (r === 4 ? target : 0));
      const trainer = makeTrainer(x, y, { shapes, factors: [1, 1], lambdas: [0, 0], signs });
      trainer.start(false, BATCH, 8);
      expect(trainer.weights().every(Number.isFinite)).toBe(true);
      trainer.t.wasm.advance(8);
      expect(trainer.weights().some(Number.isNaN)).toBe(true);
      expect(trainer.sums().every(Number.isFinite)).toBe(false);
    }
  },
);

describe("gradients", () => {
  // one vector a row, and up to one more than the kernel takes at once, twice
  test.each([2, 5, 10, 13, 18, 20, 27, 33, 46, 50])(
    "of %i inputs are those of a loop, for one network and for five",
    (d) => {
      const random = generator(d);
      const x = Float32Array.from({ length: ROWS * d }, () => random() * 2 - 1);
      const y = Float32Array.from({ length: ROWS }, () => random() * 2 - 1);
      for (const [shapes, factors] of [
        [[6, 6], [1]],
        [[5, 3], [0.3]],
        [
          [1, 1, 4, 4, 6, 6, 2, 3, 3, 4],
          [1, 0.25, 0.3, 0.7, 0.1],
        ],
      ]) {
        const trainer = makeTrainer(x, y, {
          shapes,
          factors,
          lambdas: factors.map(() => 0),
          signs: new Array<number>(d).fill(1),
        });
        const { t, dp } = trainer;
        trainer.start(shapes[0] === 1, 30, 60);
        t.wasm.advance(30);
        const rows = Uint32Array.from({ length: ROWS }, (_, r) => r);
        const planes = trainer.weights().length / dp;
        const f = t.floats(BATCH);
        t.wasm.gradients(t.put(rows, "u32").at, ROWS, LOSSES.squared, 0.5, 0, f.at, t.floats(planes * dp).at);
        const sums = t.f32(f);
        const active = activePlanes(t, factors.length * BATCH);
        const expected = new Float32Array(planes * dp);
        for (let r = 0; r < ROWS; r++) {
          const residual = Math.fround(Math.fround(sums[r] - y[r]) / ROWS);
          factors.forEach((factor, k) => {
            const s = Math.fround(residual * Math.fround(factor));
            const at = active[k * BATCH + r] * dp;
            for (let i = 0; i < d; i++) expected[at + i] += Math.fround(s * x[r * d + i]);
            expected[at + d] += s;
          });
        }
        const g = new Float32Array(t.wasm.memory.buffer, t.wasm.slabG() >>> 0, planes * dp);
        expect(new Set(active).size).toBeGreaterThan(factors.length);
        // + 0: what no row adds to may be -0
        expect(bits(g.map((v) => v + 0))).toEqual(bits(expected));
      }
    },
  );
});
