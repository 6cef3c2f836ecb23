// Planes lie twice in a trainer: as rows, which the optimiser moves, and in tiles, which forward reads (assembly/layout.ts). They must agree to the bit.

import { describe, expect, test } from "vitest";
import { LOSSES } from "../../js/wasm.js";
import { generator } from "./oracle.js";
import { activePlanes, bits, makeTrainer } from "./trainer.js";

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

  /** Groups and planes of each network, where groups of six may share tiles (an even number of them, beside single planes) or may not. */
  const shapes = [
    [1, 6],
    [2, 6],
    [3, 6],
    [6, 6],
    [2, 12],
    [1, 1],
    [1, 1, 1, 1],
    [1, 1, 2, 6, 1, 1, 4, 6],
    [2, 6, 3, 6],
    [1, 1, 2, 6, 2, 12],
    [4, 6, 6, 4],
  ];

  test.each(shapes.flatMap((shape) => [1, 3, 10].map((d) => ({ shape, d }))))(
    "give what a loop over the rows gives: networks $shape, $d inputs",
    ({ shape, d }) => {
      const n = 61;
      const random = generator(d);
      const x = Float32Array.from({ length: n * d }, () => random() * 2 - 1);
      const y = Float32Array.from({ length: n }, () => random() * 2 - 1);
      const factors = Array.from({ length: shape.length / 2 }, (_, m) => 1 / (m + 2));
      const lambdas = factors.map(() => 0);
      const trainer = makeTrainer(x, y, { shapes: shape, factors, lambdas, signs: new Array<number>(d).fill(1) });
      const { t, dp } = trainer;
      trainer.start(false, 30, 40);
      t.wasm.advance(40);
      const w = trainer.weights();
      const places = t.floats(factors.length * 64);
      const list = t.put(
        Uint32Array.from({ length: n }, (_, r) => r),
        "u32",
      ).at;
      t.wasm.evaluateNetworks(list, n, 0.5, places.at);
      const each = t.f32(places).slice();
      const sums = trainer.sums();
      t.wasm.gradients(list, n, LOSSES.squared, 0.5, 0, t.floats(96).at, t.floats(w.length).at);
      const active = activePlanes(t, factors.length * 96);
      for (let r = 0; r < n; r++) {
        let sum = 0;
        let plane = 0;
        factors.forEach((factor, m) => {
          let least = Number.POSITIVE_INFINITY;
          let chosen = -1;
          for (let group = 0; group < shape[2 * m]; group++) {
            let most = Number.NEGATIVE_INFINITY;
            let own = -1;
            for (let j = 0; j < shape[2 * m + 1]; j++, plane++) {
              const weight = (i: number) => Math.fround(w[plane * dp + i] * Math.fround(factor));
              let z = weight(d);
              for (let i = 0; i < d; i++) z = Math.fround(z + Math.fround(weight(i) * x[r * d + i]));
              if (z > most) [most, own] = [z, plane];
            }
            if (most < least) [least, chosen] = [most, own];
          }
          expect([each[m * 64 + r], active[m * 96 + r]]).toEqual([least, chosen]);
          sum = Math.fround(sum + least);
        });
        expect(sums[r]).toBe(sum);
      }
    },
  );
});
