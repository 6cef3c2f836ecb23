// Forward, loss, active planes and gradients against ../shared/golden/minmax.json: float64, PyTorch's automatic differentiation.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer, LOSSES } from "../../js/wasm.js";
import { activePlanes } from "./trainer.js";

const PATH = new URL("../../../shared/golden/minmax.json", import.meta.url);

interface Golden {
  name: string;
  d: number;
  K: number;
  J: number;
  n: number;
  signs: number[];
  x: number[][];
  t: number[];
  z: number[][][];
  b: number[][];
  hard: {
    y: number[];
    w: number[][][];
    group: number[];
    plane: number[];
    dX: number[][];
    squared: { loss: number; dz: number[][][]; db: number[][]; dw: number[][][] };
    "pinball_0.9": { loss: number; dz: number[][][]; db: number[][]; dw: number[][][] };
  };
}

/** Largest difference over the largest magnitude: the relative error of an array. */
function relative(ours: ArrayLike<number>, theirs: number[]): number {
  const size = Math.max(1e-12, ...theirs.map(Math.abs));
  return theirs.reduce((worst, v, i) => Math.max(worst, Math.abs(ours[i] - v)), 0) / size;
}

describe.skipIf(!existsSync(PATH))("the float64 oracle (skipped where ../shared/golden is absent)", () => {
  // one where there are none, so that what is skipped has a name
  const cases: Golden[] = existsSync(PATH) ? JSON.parse(readFileSync(PATH, "utf8")).cases : [{ name: "all cases" }];
  test.each(cases.map((c) => [c.name, c] as const))(
    "%s: sums, active planes, loss and gradients agree to 1e-5",
    (_, c) => {
      const { d, K, J, n } = c;
      const dp = (d + 4) & ~3;
      const t = createTrainer(wasmModule);
      const x = t.floats(n * d + 16);
      t.f32(x).set(c.x.flat());
      const y = t.put(c.t);
      t.wasm.setData(x.at, y.at, 0, d, 0, 1);
      const planes = t.wasm.setNetworks(1, t.put([K, J], "i32").at, t.put([1]).at, t.put([0]).at, t.put(c.signs).at, n);
      expect(planes).toBe(K * J);
      const slab = t.slabW(planes * dp);
      c.z.flat().forEach((z, p) => {
        slab.set(z, p * dp);
        slab[p * dp + d] = c.b.flat()[p];
      });
      t.wasm.refresh();
      const rows = t.put(
        Uint32Array.from({ length: n }, (_, r) => r),
        "u32",
      );
      const f = t.floats((n + 8) & ~7);
      const dz = t.floats(planes * dp);
      for (const [name, kind] of [
        ["squared", LOSSES.squared],
        ["pinball_0.9", LOSSES.quantiles],
      ] as const) {
        const want = c.hard[name];
        // no level among the inputs here, so tau only enters the loss
        const loss = t.wasm.gradients(rows.at, n, kind, 0.9, 0, f.at, dz.at);
        expect(Math.abs(loss - want.loss) / want.loss).toBeLessThan(1e-5);
        expect(relative(t.f32(f), c.hard.y)).toBeLessThan(1e-5);
        // no ties in these files: every active plane is compared
        const active = activePlanes(t, n);
        c.hard.group.forEach((k, r) => {
          expect(active[r]).toBe(k * J + c.hard.plane[r]);
        });
        const g = new Float32Array(t.wasm.memory.buffer, t.wasm.slabG() >>> 0, planes * dp);
        const pick = (slab: Float32Array, i: number) => Array.from({ length: planes }, (_, p) => slab[p * dp + i]);
        const dzs = t.f32(dz);
        expect(relative(pick(dzs, d), want.db.flat())).toBeLessThan(1e-5);
        for (let i = 0; i < d; i++) {
          expect(
            relative(
              pick(dzs, i),
              want.dz.flat().map((v) => v[i]),
            ),
          ).toBeLessThan(1e-4);
          expect(
            relative(
              pick(g, i),
              want.dw.flat().map((v) => v[i]),
            ),
          ).toBeLessThan(1e-4);
        }
        expect(
          relative(
            dzs.filter((_, i) => i % dp < d),
            want.dz.flat(2),
          ),
        ).toBeLessThan(1e-5);
        expect(
          relative(
            g.filter((_, i) => i % dp < d),
            want.dw.flat(2),
          ),
        ).toBeLessThan(1e-5);
        // dy/dx of a row is the active plane's w
        const w = t.slabW(planes * dp);
        c.hard.dX.forEach((want, r) => {
          expect(relative(w.subarray(active[r] * dp, active[r] * dp + d), want)).toBeLessThan(1e-5);
        });
      }
    },
  );
});
