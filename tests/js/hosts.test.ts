// Hosts that lack WebAssembly or refuse it, and modules of the caller's own. Runs on the sources.

import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeModel as makeData } from "./oracle.js";

const original = globalThis.WebAssembly;
const rows = { a: [1, 2, 3, 4], y: [2, 3, 5, 9] };
const quick = { target: "y", members: 1, epochs: 2 };

/** A fresh copy of the library: the compiled module is kept after first use. */
async function freshCopy() {
  vi.resetModules();
  return { isotone: await import("../../js/index.js"), small: await import("../../js/predict.js") };
}

function withWebAssembly(value: unknown) {
  Object.defineProperty(globalThis, "WebAssembly", { value, configurable: true, writable: true });
}

afterEach(() => withWebAssembly(original));

class Refused extends Error {}

describe("a host without what is needed", () => {
  it("can import the library and load a model, and says what it lacks at first use, when there is no WebAssembly", async () => {
    withWebAssembly(undefined);
    const { isotone, small } = await freshCopy();
    const model = small.load(makeData({ seed: 2, categories: 0, missing: false }));
    expect(() => model.predictMany(new Float32Array(model.features.length))).toThrow(
      /needs WebAssembly with SIMD \(Chrome 91, Firefox 89, Safari 16\.4, Node 16\.4/,
    );
    await expect(isotone.fit(rows, quick)).rejects.toThrow(/this host has no WebAssembly/);
  });

  it("is refused by its byte order, for training, predictions and exports, before a number is read backwards", async () => {
    const { isotone, small } = await freshCopy();
    const { toModule } = await import("../../js/export/esm.js");
    const data = makeData({ seed: 2, categories: 0, missing: false });
    const model = small.load(data);
    const order = vi
      .spyOn(Float32Array, "of")
      .mockImplementation(() => new Float32Array(Uint8Array.of(63, 128, 0, 0).buffer));
    try {
      const refused = /^isotone needs a little-endian host$/;
      expect(() => model.predictMany(new Float32Array(model.features.length))).toThrow(refused);
      await expect(isotone.fit(rows, quick)).rejects.toThrow(refused);
      expect(() => toModule(data)).toThrow(refused);
    } finally {
      order.mockRestore();
    }
    expect(model.predictMany(new Float32Array(model.features.length))[0]).toBeTypeOf("number");
  });

  it("names SIMD and the versions that have it when only that is missing", async () => {
    withWebAssembly({
      Module: class {
        constructor() {
          throw new Refused("invalid value type");
        }
      },
      validate: () => false,
    });
    const { isotone } = await freshCopy();
    await expect(isotone.fit(rows, quick)).rejects.toThrow(/needs WebAssembly SIMD \(Chrome 91.*without it/);
  });

  it("names the policy word, the export conditions and { module } when compiling is refused", async () => {
    withWebAssembly({
      Module: class {
        constructor() {
          throw new Refused("disallowed by embedder");
        }
      },
      validate: () => true,
    });
    const { isotone } = await freshCopy();
    const error = await isotone.fit(rows, quick).catch((reason) => reason);
    expect(error.message).toMatch(/disallowed by embedder/);
    expect(error.message).toMatch(/'wasm-unsafe-eval'/);
    expect(error.message).toMatch(/"workerd" or "edge-light"/);
    expect(error.message).toMatch(/\{ module \}/);
    expect(error.cause).toBeInstanceOf(Refused);
  });
});

describe("a module of the caller's own", () => {
  const kernels = new original.Module(readFileSync(new URL("../../build/kernels.wasm", import.meta.url)));
  const predict = new original.Module(readFileSync(new URL("../../build/predict.wasm", import.meta.url)));

  it("trains and predicts the same bits without anything being compiled", async () => {
    const { isotone, small } = await freshCopy();
    const expected = await isotone.fit(rows, quick);
    withWebAssembly({ ...statics(), Module: undefined, Instance: original.Instance });
    const copy = await freshCopy();
    const model = await copy.isotone.fit(rows, { ...quick, module: kernels });
    expect(JSON.stringify(model)).toBe(JSON.stringify(expected));
    expect(model.predictMany({ a: rows.a })).toEqual(expected.predictMany({ a: rows.a }));
    const text = JSON.stringify(model);
    expect(copy.isotone.load(text, { module: kernels }).predict({ a: 2 })).toBe(expected.predict({ a: 2 }));
    expect(copy.small.load(text, { module: predict }).predict({ a: 2 })).toBe(expected.predict({ a: 2 }));
    withWebAssembly(original);
    expect(small.load(text).predict({ a: 2 })).toBe(expected.predict({ a: 2 }));
  });

  it("is refused when it is something else", async () => {
    const { isotone, small } = await freshCopy();
    const text = JSON.stringify(await isotone.fit(rows, quick));
    const bytes = new Uint8Array(8) as unknown as WebAssembly.Module;
    expect(() => isotone.load(text, { module: bytes })).toThrow(
      '"module" expected a WebAssembly.Module, got a value of type Uint8Array',
    );
    expect(() => small.load(text, { module: bytes })).toThrow(TypeError);
    await expect(isotone.fit(rows, { ...quick, module: bytes })).rejects.toThrow(TypeError);
    await expect(isotone.fit(rows, { ...quick, module: predict })).rejects.toThrow(
      '"module" expected the module of isotone/kernels.wasm',
    );
  });

  function statics() {
    return { validate: original.validate.bind(original), compile: original.compile.bind(original) };
  }
});

describe("many models", () => {
  it("live side by side, more of them than fit in wasm memory at once, and go without being freed", async () => {
    const { isotone } = await freshCopy();
    // about 1.3 MB each: the arena of 64 MB is filled over once
    const big = makeData({ seed: 5, numbers: 60, categories: 0, missing: false, networks: 64, groups: 8, planes: 8 });
    const text = JSON.stringify(big);
    const row = new Float32Array(big.features.length).fill(0.5);
    const models = Array.from({ length: 70 }, () => isotone.load(text));
    const first = models[0].predictMany(row)[0];
    for (const model of models) expect(model.predictMany(row)[0]).toBe(first);
    expect(models[0].predictMany(row)[0]).toBe(first);
    const smallModel = isotone.load(makeData({ seed: 2, categories: 0, missing: false }));
    const before = smallModel.predictMany(new Float32Array(smallModel.features.length).fill(0.25))[0];
    for (const model of models) model.predictMany(row);
    expect(smallModel.predictMany(new Float32Array(smallModel.features.length).fill(0.25))[0]).toBe(before);
  });
});
