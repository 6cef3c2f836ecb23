// The bytes of the ONNX export: what a reader of the file finds. That graphs compute what the library does is tested in their engines, by
// npm run test:exports.

import { PbfReader } from "pbf";
import { describe, expect, it } from "vitest";
import { toONNX } from "../../js/export/index.js";
import type { ModelData } from "../../js/types.js";
import { everyKind, makeModel } from "../js/oracle.js";

type Fields = Map<number, unknown[]>;

/** All fields of a message, by number: varints as numbers, everything else as bytes. */
function fields(bytes: Uint8Array): Fields {
  return new PbfReader(bytes).readFields((tag, found: Fields, pbf) => {
    const value = pbf.type === 2 ? pbf.readBytes() : pbf.readVarint();
    found.set(tag, [...(found.get(tag) ?? []), value]);
  }, new Map());
}

const all = (message: Fields, tag: number) => (message.get(tag) ?? []) as Uint8Array[];
const text = (message: Fields, tag: number, at = 0) =>
  new TextDecoder("utf-8", { fatal: true }).decode(all(message, tag)[at]);

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
