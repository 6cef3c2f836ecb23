// The modules and bundles that users get (dist): other names than those that the other tests read, of the same sources. Here that nothing else differs.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as sources from "../../js/index.js";
import { everyKind, makeRows } from "./oracle.js";
import { bits } from "./trainer.js";

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const moduleOf = (path: string) => new WebAssembly.Module(readFileSync(fileOf(path)));
const whole = (await import(fileOf("dist/index.js").href)) as typeof sources;
const small = (await import(fileOf("dist/predict.js").href)) as typeof import("../../js/predict.js");

const rows = Array.from({ length: 300 }, (_, r) => ({ a: r % 23, b: r % 7, y: (r % 23) * (1 + (r % 7)) + (r % 3) }));
const options = { target: "y", features: { a: "increasing", b: "free" }, members: 2, epochs: 4 } as const;

describe("what users get", () => {
  it.each([
    {},
    { loss: "poisson" },
    { loss: { quantiles: [0.1, 0.5, 0.9] } },
    { networks: 1, groups: 16, hyperplanes: 16 },
    { effort: "best" },
  ] as const)("trains the models of the sources to the last byte, with the module beside it too: %j", async (more) => {
    const asked = { ...options, ...more };
    const text = JSON.stringify(await sources.fit(rows, asked));
    expect(JSON.stringify(await whole.fit(rows, asked))).toBe(text);
    expect(JSON.stringify(await whole.fit(rows, { ...asked, module: moduleOf("dist/kernels.wasm") }))).toBe(text);
    expect(JSON.stringify(await whole.fit(rows, { ...asked, threads: 2 }))).toBe(text);
  });

  it.each(Object.entries(everyKind()))("predicts the bits of the sources: %s", (_, data) => {
    const expected = sources.load(data);
    const many = makeRows(data, 67, 4);
    const [kernels, predict] = ["dist/kernels.wasm", "dist/predict.wasm"].map((path) => ({ module: moduleOf(path) }));
    for (const model of [
      whole.load(data),
      whole.load(data, kernels),
      small.load(data),
      small.load(data, predict),
      small.load(data, kernels),
    ]) {
      expect(bits(model.predictMany(many))).toEqual(bits(expected.predictMany(many)));
      expect(bits(model.sensitivityMany(many))).toEqual(bits(expected.sensitivityMany(many)));
      const row = many.subarray(0, data.features.length);
      expect(model.predict(row)).toBe(expected.predict(row));
    }
  });

  it("refuses the module of another build, whose short names may stand for other functions", async () => {
    const model = await whole.fit(rows, options);
    const message = '"module" expected the module of isotone/kernels.wasm of this version, got another';
    for (const path of ["build/kernels.wasm", "build/predict.wasm", "build/embedded.wasm"]) {
      const module = moduleOf(path);
      for (const { load } of [whole, small])
        expect(() => load(model.toJSON(), { module }).predict({ a: 1, b: 2 })).toThrow(message);
      await expect(whole.fit(rows, { ...options, module })).rejects.toThrow(message);
    }
    await expect(whole.fit(rows, { ...options, module: moduleOf("dist/predict.wasm") })).rejects.toThrow(message);
    // two names hold a trace of the modules' bytes
    const names = WebAssembly.Module.exports(moduleOf("dist/kernels.wasm")).map(({ name }) => name);
    const [, trace] = /^m([0-9a-f]{5})$/.exec(names.find((name) => name.length === 6) as string) ?? [];
    expect(names).toContain(`s${trace}`);
  });

  it("has no function in its modules that only tests call", () => {
    for (const path of ["dist/kernels.wasm", "dist/predict.wasm"])
      for (const { name } of WebAssembly.Module.exports(moduleOf(path)))
        expect(name).toMatch(/^(\w{1,2}|[ms][0-9a-f]{5}|memory|predictOne|predictMany|sensitivityMany)$/);
  });
});
