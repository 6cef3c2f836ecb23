// Planes lie twice in a trainer: as rows, which the optimiser moves, and in tiles, which forward reads (assembly/layout.ts). They must agree to the bit.

import { describe, expect, test } from "vitest";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";
import { generator } from "./oracle.js";

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
      const t = createTrainer(wasmModule);
      const rows = t.floats(n * d + 16);
      t.f32(rows).set(x);
      t.wasm.setData(rows.at, t.put(y).at, 0, d, 0, 1);
      const shape = t.put(SHAPES, "i32").at;
      const factors = t.put([1, 0.5, 0.25, 0.5, 1, 2]).at;
      const signs = t.put(Array.from({ length: d + 1 }, (_, i) => (i % 3) - 1)).at;
      const planes = t.wasm.setNetworks(6, shape, factors, t.put(LAMBDAS).at, signs, 32);
      const list = t.put(
        Uint32Array.from({ length: n }, (_, r) => r),
        "u32",
      ).at;
      t.wasm.start(3, 1, t.put(new Array<number>(d + 1).fill(0.3)).at, 1, 0.25, list, n);
      t.wasm.begin(list, n, 30, 900, 0.02, 0, 0);
      const before = t.slabW(planes * ((d + 4) & ~3)).slice();
      t.wasm.advance(900);
      const f = t.floats(n + 8);
      const sums = () => {
        t.wasm.evaluate(list, n, 0.5, f.at);
        return t.u32(f).slice(0, n);
      };
      const own = sums();
      t.wasm.refreshTiles();
      expect(own).toEqual(sums());
      const after = t.slabW(planes * ((d + 4) & ~3));
      const moved = Array.from({ length: planes }, (_, p) => {
        const at = p * ((d + 4) & ~3);
        return after.subarray(at, at + d + 1).some((v, i) => v !== before[at + i]);
      });
      // the plane of network 0, and all of the networks with a ridge
      expect(moved.slice(0, 17)).not.toContain(false);
      expect(moved.slice(75, 77)).not.toContain(false);
    },
  );
});
