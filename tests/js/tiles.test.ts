// Planes lie twice in a trainer: as rows, which the optimiser moves, and in tiles, which forward reads (assembly/layout.ts). They must agree to the bit.

import { describe, expect, test } from "vitest";
import { generator } from "./oracle.js";
import { bits, makeTrainer } from "./trainer.js";

/** Networks of one to four planes a tile, more planes than are looked at together, some with a ridge, those that no row chooses at rest. */
const SHAPES = [1, 1, 4, 4, 3, 6, 20, 2, 2, 1, 5, 5];
const LAMBDAS = [0, 0.001, 0, 0, 0.01, 0];

describe("planes in tiles", () => {
  test.each([1, 4, 10, 15])(
    "after training on %i inputs they are the planes in rows, moved, at rest or with a ridge",
    (d) => {
      const n = 300;
      const random = generator(d);
      const x = Float32Array.from({ length: n * d }, () => random() * 2 - 1);
      const y = Float32Array.from({ length: n }, (_, r) => Math.max(x[r * d], 0) + x[r * d + d - 1]);
      const signs = Array.from({ length: d }, (_, i) => (i % 3) - 1);
      const trainer = makeTrainer(x, y, {
        shapes: SHAPES,
        factors: [1, 0.5, 0.25, 0.5, 1, 2],
        lambdas: LAMBDAS,
        signs,
      });
      trainer.start(true, 30, 900);
      const before = trainer.weights();
      trainer.t.wasm.advance(900);
      const own = trainer.sums();
      trainer.t.wasm.refreshTiles();
      expect(bits(own)).toEqual(bits(trainer.sums()));
      const after = trainer.weights();
      const moved = Array.from({ length: after.length / trainer.dp }, (_, p) => {
        const at = p * trainer.dp;
        return after.subarray(at, at + d + 1).some((v, i) => v !== before[at + i]);
      });
      // the plane of network 0, and all of the networks with a ridge
      expect(moved.slice(0, 17)).not.toContain(false);
      expect(moved.slice(75, 77)).not.toContain(false);
    },
  );

  test.each([1, 4, 10, 15])("after training on %i inputs, where groups of six planes share tiles, so they are", (d) => {
    const n = 300;
    const random = generator(d);
    const x = Float32Array.from({ length: n * d }, () => random() * 2 - 1);
    const y = Float32Array.from({ length: n }, (_, r) => Math.max(x[r * d], 0) + x[r * d + d - 1]);
    const trainer = makeTrainer(x, y, {
      shapes: [1, 1, 6, 6, 2, 6],
      factors: [1, 0.5, 0.25],
      lambdas: [0, 0.001, 0],
      signs: new Array<number>(d).fill(1),
    });
    trainer.start(true, 30, 300);
    const before = trainer.sums();
    trainer.t.wasm.advance(300);
    const own = trainer.sums();
    trainer.t.wasm.refreshTiles();
    expect(bits(own)).toEqual(bits(trainer.sums()));
    expect(bits(own)).not.toEqual(bits(before));
  });
});
