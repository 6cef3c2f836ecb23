// The bytes of the ONNX export: what a reader of the file finds, and what its operators come to. What engines make of them: npm run test:exports.

import { describe, expect, it } from "vitest";
import { toONNX } from "../../js/export/index.js";
import type { ModelData } from "../../js/types.js";
import { evaluate, everyKind, makeModel, makeRows } from "../js/oracle.js";
import { all, evaluateGraph, fields, floats, text } from "./graph.js";

function read(data: ModelData, options?: { exact: boolean }) {
  const model = fields(toONNX(data, options));
  const graph = fields(all(model, 7)[0]);
  return {
    model,
    metadata: Object.fromEntries(
      all(model, 14)
        .map(fields)
        .map((entry) => [text(entry, 1), JSON.parse(text(entry, 2))]),
    ),
    nodes: all(graph, 1).map(fields),
    constants: all(graph, 5).map(fields),
    inputs: all(graph, 11).map((value) => text(fields(value), 1)),
    outputs: all(graph, 12).map((value) => text(fields(value), 1)),
  };
}

describe("toONNX", () => {
  for (const [name, data] of Object.entries(everyKind())) {
    for (const exact of [true, false]) {
      it(`uses what is defined before, once, in operators of one set: ${name}${exact ? "" : ", not exact"}`, () => {
        const { model, nodes, constants, inputs, outputs } = read(data, { exact });
        expect(model.get(1)).toEqual([7]);
        expect(all(model, 8).map((set) => [...fields(set)])).toEqual([[[2, [13]]]]);
        expect(inputs).toEqual(data.loss.name === "quantiles" ? ["rows", "level"] : ["rows"]);
        expect(outputs).toEqual(["prediction"]);
        const defined = new Set([...inputs, ...constants.map((tensor) => text(tensor, 8))]);
        expect(defined.size).toBe(inputs.length + constants.length);
        for (const node of nodes) {
          expect(node.has(7)).toBe(false);
          for (let i = 0; i < all(node, 1).length; i++) expect(defined).toContain(text(node, 1, i));
          for (let i = 0; i < all(node, 2).length; i++) {
            expect(defined).not.toContain(text(node, 2, i));
            defined.add(text(node, 2, i));
          }
        }
        expect(defined).toContain("prediction");
        expect(nodes.some((node) => text(node, 4) === "Gemm")).toBe(!exact);
      });
    }

    it(`says names, constraints and categories as they are: ${name}`, () => {
      const { metadata } = read(data);
      expect(metadata.features).toEqual(data.features);
      expect(metadata.target).toBe(data.target.name);
      expect(metadata.loss).toEqual(data.loss);
    });
  }

  /** Predictions of row-major rows, at a level where there is one, or one a row. */
  const predicted = (
    data: ModelData,
    rows: Float32Array,
    levels: number[],
    options?: { exact?: boolean; prune?: boolean },
  ) => {
    const width = data.features.length;
    const level = data.loss.name === "quantiles" ? { level: floats([levels.length], levels.map(Math.fround)) } : {};
    const feeds = { rows: floats([rows.length / width, width], rows), ...level };
    const { type, dims, data: got } = evaluateGraph(toONNX(data, options), feeds).get("prediction") ?? floats([0], []);
    expect([type, dims]).toEqual([1, [rows.length / width]]);
    return got;
  };

  it.each(Object.entries(everyKind()))(
    "computes what the library does, bit for bit, or nearly where that was asked for: %s",
    (_, data) => {
      const n = 24;
      const width = data.features.length;
      const rows = makeRows(data, n, 3);
      const want = (level: (r: number) => number) =>
        Array.from(
          { length: n },
          (_, r) => evaluate(data, rows.subarray(r * width, (r + 1) * width), level(r)).prediction,
        );
      const own = Array.from({ length: n }, (_, r) => Math.fround((r + 1) / (n + 2)));
      expect(predicted(data, rows, [0.5])).toEqual(want(() => 0.5));
      expect(predicted(data, rows, own)).toEqual(want((r) => own[r]));
      const near = want(() => 0.25);
      const size = Math.max(...near.map(Math.abs), data.link.name === "identity" ? 50 * data.scale : 0);
      predicted(data, rows, [0.25], { exact: false }).forEach((value, r) => {
        expect(Math.abs(value - near[r])).toBeLessThanOrEqual(1e-5 * size);
      });
    },
  );

  it("gives NaN for what the library refuses: numbers that are none, codes of no category, what may not be missing, levels that are none", () => {
    const data = makeModel({ numbers: 2, categories: 1, missing: false, quantiles: true });
    const city = data.features.findIndex(({ kind }) => kind === "category");
    const good = data.features.map(({ kind }) => (kind === "category" ? 1 : 0.5));
    const other = (f: number, value: number) => good.map((v, k) => (k === f ? value : v));
    const count = data.features[city].categories?.length as number;
    const rows = [
      good,
      other(0, Number.NaN),
      other(0, Number.POSITIVE_INFINITY),
      other(1, Number.NEGATIVE_INFINITY),
      other(city, count),
      other(city, -1),
      other(city, 0.5),
      other(city, Number.NaN),
      other(city, count - 1),
      other(city, 0),
    ];
    const given = Float32Array.from(rows.flat());
    const taken = (values: ArrayLike<number>) => Array.from(values).flatMap((v, r) => (Number.isNaN(v) ? [] : [r]));
    expect(taken(predicted(data, given, [0.5]))).toEqual([0, 8, 9]);
    const levels = [0, 1, -0.5, 1.5, Number.NaN, 0.5, 1e-7, 1 - 2 ** -24, 0.1, 0.9];
    const same = Float32Array.from(levels.flatMap(() => good));
    expect(taken(predicted(data, same, levels))).toEqual([5, 6, 7, 8, 9]);
  });

  it("keeps the bits inside the training ranges when pruned", () => {
    const data = makeModel({ seed: 21, numbers: 5, networks: 4, ragged: false, categories: 0, missing: false });
    const width = data.features.length;
    const rows = makeRows(data, 30, 2).map((v, i) => {
      const [low, high] = data.features[i % width].range as [number, number];
      return Math.min(high, Math.max(low, v));
    });
    expect(predicted(data, rows, [], { prune: true })).toEqual(predicted(data, rows, []));
  });

  it("holds the argument of an exact exponential to the library's bounds, which are no float32 numbers", () => {
    const { nodes, constants } = read(everyKind()["logistic link"]);
    const doubles = new Map(
      constants.filter((tensor) => tensor.get(2)?.[0] === 11).map((tensor) => [text(tensor, 8), all(tensor, 9)[0]]),
    );
    const bounds = ["Max", "Min"].flatMap((type) =>
      nodes
        .filter((node) => text(node, 4) === type && doubles.has(text(node, 1, 1)))
        .map((node) => {
          const bytes = doubles.get(text(node, 1, 1)) as Uint8Array;
          return [type, new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true)];
        }),
    );
    expect(bounds).toContainEqual(["Max", -87.3]);
    expect(bounds).toContainEqual(["Min", 88.7]);
  });

  it("keeps names out of everything but its metadata, which is ASCII", () => {
    const data = everyKind()["hostile names"];
    data.features[0].name = "a lone surrogate \ud800";
    data.target.name = "\udc00 marker-of-this-test";
    const { model, metadata } = read(data);
    expect(metadata.features[0].name).toBe(data.features[0].name);
    expect(metadata.target).toBe(data.target.name);
    const graph = new TextDecoder("latin1").decode(all(model, 7)[0]);
    for (const feature of data.features) if (feature.name.length > 6) expect(graph).not.toContain(feature.name);
    for (const entry of all(model, 14)) expect(text(fields(entry), 2)).toMatch(/^[\x20-\x7e]*$/);
  });

  it("is the same bytes for the same model", () => {
    expect(toONNX(makeModel({ seed: 3 }))).toEqual(toONNX(JSON.stringify(makeModel({ seed: 3 }))));
  });
});
