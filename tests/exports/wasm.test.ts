// The exported WebAssembly module against the plain evaluator of the format: every bit, every kind of model; and what it refuses.

import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toWasm } from "../../js/export/index.js";
import { load as loadModel } from "../../js/model.js";
import type { ModelData } from "../../js/types.js";
import { evaluate, everyKind, makeModel, makeRows, rowObject } from "../js/oracle.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

interface Exports {
  memory: WebAssembly.Memory;
  buffer(): number;
  features(): number;
  predict(row: number): number;
  predict_many(rows: number, n: number, out: number): void;
  sensitivity(row: number, out: number): void;
  sensitivity_many(rows: number, n: number, out: number): void;
  quantile?(row: number, p: number): number;
  interval?(row: number, coverage: number, out: number): void;
}

function instance(data: ModelData, options?: { prune: boolean }): Exports {
  const module = new WebAssembly.Module(toWasm(data, options));
  expect(WebAssembly.Module.imports(module)).toEqual([]);
  return new WebAssembly.Instance(module).exports as unknown as Exports;
}

/** Room for `rows` at the buffer and for `results` floats behind them. */
function room(wasm: Exports, rows: Float32Array, results: number): { at: number; out: number; view: Float32Array } {
  const at = wasm.buffer();
  const out = at + rows.byteLength;
  const missing = out + results * 4 - wasm.memory.buffer.byteLength;
  if (missing > 0) wasm.memory.grow(Math.ceil(missing / 65536));
  new Float32Array(wasm.memory.buffer, at, rows.length).set(rows);
  return { at, out, view: new Float32Array(wasm.memory.buffer, out, results) };
}

const ROWS = 1501;

describe("toWasm", () => {
  for (const [name, data] of Object.entries(everyKind())) {
    it(`gives the bits of the model: ${name}`, () => {
      const wasm = instance(data);
      const width = data.features.length;
      expect(wasm.features()).toBe(width);
      expect(wasm.buffer() % 16).toBe(0);
      expect(wasm.memory.buffer.byteLength - wasm.buffer()).toBeGreaterThanOrEqual(65536);
      const rows = makeRows(data, ROWS);
      const { at, out, view } = room(wasm, rows, ROWS * width);
      wasm.sensitivity_many(at, ROWS, out);
      const slopes = view.slice();
      wasm.predict_many(at, ROWS, out);
      const many = view.slice(0, ROWS);
      for (let r = 0; r < ROWS; r++) {
        const row = rows.subarray(r * width, (r + 1) * width);
        const expected = evaluate(data, row);
        const address = at + r * width * 4;
        if (many[r] !== expected.prediction) expect([r, many[r]]).toEqual([r, expected.prediction]);
        if (wasm.predict(address) !== many[r]) expect([r, wasm.predict(address)]).toEqual([r, many[r]]);
        if (r % 5 === 0) {
          expect(Array.from(slopes.subarray(r * width, (r + 1) * width), (s) => s + 0)).toEqual(
            expected.sensitivity.map((s) => s + 0),
          );
          wasm.sensitivity(address, out);
          expect(view.subarray(0, width)).toEqual(slopes.subarray(r * width, (r + 1) * width));
        }
        if (data.loss.name === "quantiles") {
          for (const p of [1e-9, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99, 1 - 1e-12]) {
            expect(wasm.quantile?.(address, p)).toBe(evaluate(data, row, p).prediction);
          }
        }
      }
    });

    it(`keeps the bits inside the ranges when pruned: ${name}`, () => {
      const wasm = instance(data, { prune: true });
      const width = data.features.length;
      const rows = makeRows(data, ROWS, 2);
      for (let at = 0; at < rows.length; at++) {
        const [low, high] = data.features[at % width].range ?? [0, 1e9];
        rows[at] = rows[at] < low ? low : rows[at] > high ? high : rows[at];
      }
      const { at, out, view } = room(wasm, rows, ROWS);
      wasm.predict_many(at, ROWS, out);
      for (let r = 0; r < ROWS; r++) {
        const expected = evaluate(data, rows.subarray(r * width, (r + 1) * width)).prediction;
        if (view[r] !== expected) expect([r, view[r]]).toEqual([r, expected]);
      }
    });
  }

  it("has quantile and interval where the model has them, the same as the library's", () => {
    const logged = makeModel({ seed: 4, link: "exp" });
    logged.residuals = Array.from({ length: 1001 }, (_, i) => (i - 480) / 700);
    logged.training.heldOut = { model: { rows: 5210 } } as ModelData["training"]["heldOut"];
    const zeros = { ...logged, training: { ...logged.training, zero: Math.fround(0.8) } };
    // 1 - 0.9 is less than a tenth
    const few = { ...logged, training: { ...logged.training, heldOut: { model: { rows: 19 } } } } as ModelData;
    for (const data of [makeModel({ seed: 3 }), logged, zeros, few, { ...logged, residuals: [0.25] }]) {
      const wasm = instance(data);
      const model = loadModel(data);
      const width = data.features.length;
      const rows = makeRows(data, 200);
      const { at, out, view } = room(wasm, rows, 2);
      expect(wasm.quantile).toBeUndefined();
      for (const coverage of [0.01, 0.5, 0.8, 0.9, 0.98, 1, 0, -1, Number.NaN]) {
        for (let r = 0; r < 200; r++) {
          let expected = [Number.NaN, Number.NaN];
          try {
            expected = model.predictInterval(rows.subarray(r * width, (r + 1) * width), coverage);
          } catch {
            // what throws there is NaN here
          }
          wasm.interval?.(at + r * width * 4, coverage, out);
          if (!Object.is(view[0], expected[0]) || !Object.is(view[1], expected[1])) {
            expect([coverage, r, ...view]).toEqual([coverage, r, ...expected]);
          }
        }
      }
    }
    const { quantiles, "logistic link": logistic } = everyKind();
    const leveled = instance({ ...quantiles, residuals: [1] });
    expect(leveled.interval).toBeUndefined();
    expect(instance({ ...logistic, residuals: [1] }).interval).toBeUndefined();
    const { at } = room(leveled, makeRows(quantiles, 1), 1);
    for (const p of [0, 1, -1, 2, Number.NaN]) expect(leveled.quantile?.(at, p)).toBeNaN();
  });

  it("gives NaN for a row that the library refuses, and for no other", () => {
    const data = makeModel({ seed: 3, numbers: 9, categories: 2 });
    const wasm = instance(data);
    const model = loadModel(data);
    const width = data.features.length;
    const good = makeRows({ ...data, features: data.features.map((f) => ({ ...f, missing: "error" })) }, 1);
    const tries: number[][] = [];
    for (let f = 0; f < width; f++) {
      for (const v of [
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        -1,
        0,
        1,
        2,
        3,
        4,
        0.5,
        1e38,
        -0,
      ]) {
        const row = [...good];
        row[f] = v;
        tries.push(row);
      }
    }
    // refused rows beside good ones, in every place of a block of eight
    const rows = Float32Array.from(tries.flat());
    const { at, out, view } = room(wasm, rows, tries.length * width);
    wasm.predict_many(at, tries.length, out);
    const many = view.slice(0, tries.length);
    wasm.sensitivity_many(at, tries.length, out);
    let refused = 0;
    tries.forEach((row, r) => {
      let expected = Number.NaN;
      try {
        expected = model.predict(row);
      } catch {
        refused++;
      }
      expect([row, many[r]]).toEqual([row, expected]);
      expect([row, wasm.predict(at + r * width * 4)]).toEqual([row, expected]);
      const slopes = view.subarray(r * width, (r + 1) * width);
      expect(slopes.every(Number.isNaN), `${row}`).toBe(Number.isNaN(expected));
      expect(slopes.some(Number.isNaN), `${row}`).toBe(Number.isNaN(expected));
    });
    expect(refused).toBeGreaterThan(20);
  });

  it("carries names, categories and constraints as JSON in a section of its own", () => {
    const data = everyKind()["hostile names"];
    data.features[0].name = "a lone surrogate \ud800";
    const module = new WebAssembly.Module(toWasm(data));
    const sections = WebAssembly.Module.customSections(module, "isotone");
    expect(sections.length).toBe(1);
    const about = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(sections[0]));
    expect(about).toEqual({ target: data.target, loss: data.loss, features: data.features });
  });

  it("predicts rows by name with the loader of docs/export.md", async () => {
    const page = await readFile(join(root, "docs/export.md"), "utf8");
    const loader = /```js loader\n([\s\S]*?)```/.exec(page)?.[1] as string;
    expect(loader.trim().split("\n").length).toBeLessThanOrEqual(11);
    const AsyncFunction = (async () => {}).constructor as new (
      ...args: string[]
    ) => (bytes: Uint8Array) => Promise<unknown>;
    for (const name of ["signs, categories, missing values, log1p", "hostile names"]) {
      const data = everyKind()[name];
      const make = new AsyncFunction("bytes", `${loader.replace("export ", "")}return predict;`);
      const predict = (await make(toWasm(data))) as (row: unknown) => number;
      const width = data.features.length;
      const rows = makeRows(data, 200);
      for (let r = 0; r < 200; r++) {
        const row = rows.subarray(r * width, (r + 1) * width);
        expect(predict(rowObject(data, row))).toBe(evaluate(data, row).prediction);
      }
      expect(predict({})).toBeNaN();
    }
  });

  it("is a few kB beside the weights, which it holds once", () => {
    const data = makeModel({ seed: 41, networks: 64, ragged: false, categories: 0, missing: false, numbers: 10 });
    const weights = 4 * data.networks.flat(3).length;
    expect(toWasm(data).length).toBeLessThan(weights + 14000);
  });

  it("leaves the memory below its words to the static data of the code", async () => {
    const module = new WebAssembly.Module(await readFile(join(root, "build/embedded.wasm")));
    const { memory } = new WebAssembly.Instance(module).exports as unknown as Exports;
    const bytes = new Uint8Array(memory.buffer);
    expect(bytes.subarray(2048).every((byte) => byte === 0)).toBe(true);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
  });
});
