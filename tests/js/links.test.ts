// Links and transforms never fall: a sample of the exhaustive check, and the JavaScript twins of exp and log.

import { describe, expect, test } from "vitest";
import { expf, logf } from "../../js/math.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";
import { checker, count, LINKS } from "../exhaustive/links.mjs";
import { generator } from "./oracle.js";

describe("links and transforms", () => {
  const wasm = checker();
  test.each(LINKS.map((name, kind) => [name, kind] as const))(
    "%s never falls between neighbouring floats (sampled; npm run test:exhaustive for all)",
    (_, kind) => {
      const { falls, checked } = count(wasm, kind, 100);
      expect(falls).toBe(0);
      expect(checked).toBe(6553600);
    },
  );

  test("the checker sees every finite float in ascending order, and would see a fall", () => {
    const at = (i: number) => wasm.floatAt(i | 0) as number;
    const all = wasm.FINITE.value >>> 0;
    expect(at(0)).toBe(-3.4028234663852886e38);
    expect(at(all - 1)).toBe(3.4028234663852886e38);
    expect(Object.is(at(all / 2 - 1), -0)).toBe(true);
    expect(at(all / 2)).toBe(0);
    const random = generator(3);
    for (let k = 0; k < 1000; k++) {
      const i = Math.floor(random() * (all - 1));
      expect(at(i + 1)).toBeGreaterThanOrEqual(at(i));
    }
  });
});

describe("exp and log in JavaScript", () => {
  test("have the bits of the kernels'", () => {
    const { wasm } = createTrainer(wasmModule);
    const random = generator(7);
    for (let k = 0; k < 50000; k++) {
      const x = Math.fround((random() - 0.5) * 10 ** (random() * 6 - 3));
      if (expf(x) !== wasm.expf(x)) throw new Error(`exp(${x}): ${expf(x)} and ${wasm.expf(x)}`);
      const p = Math.fround(Math.abs(x) * 10 ** (random() * 60 - 30)) || 1e-45;
      if (logf(p) !== wasm.logf(p)) throw new Error(`log(${p}): ${logf(p)} and ${wasm.logf(p)}`);
    }
    // within one unit in the last place of the true value
    for (const x of [-80, -1, -1e-9, 0, 0.5, 1, 20, 88])
      expect(Math.abs(expf(x) / Math.exp(x) - 1)).toBeLessThan(1.2e-7);
    for (const p of [1e-40, 1e-3, 0.9999, 1.0001, 7, 1e38])
      expect(Math.abs(logf(p) - Math.log(p))).toBeLessThan(1.2e-7 * Math.max(1, Math.abs(Math.log(p))));
  });
});
