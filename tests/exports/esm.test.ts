// The exported module against the plain evaluator of the format: every bit, every kind of model.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tight } from "../../js/export/esm-tight.js";
import { toModule, toModuleTypes } from "../../js/export/index.js";
import { bounds, pruneModel } from "../../js/export/prune.js";
import { inputConstraint } from "../../js/format.js";
import { load as loadModel } from "../../js/model.js";
import type { ModelData } from "../../js/types.js";
import { evaluate, everyKind, logf, makeModel, makeRows, rowObject } from "../js/oracle.js";

interface Exported {
  features: string[];
  predict(row: unknown): number;
  predictMany(rows: unknown): Float32Array;
  sensitivity(row: unknown): Record<string, number>;
  quantile(row: unknown, p: number): number;
  interval(row: unknown, coverage: number): [number, number];
}

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isotone-esm-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(text: string): Promise<Exported> {
  const file = join(folder, `model${count++}.mjs`);
  await writeFile(file, text);
  return import(/* @vite-ignore */ pathToFileURL(file).href);
}

const load = (data: ModelData, options?: { prune: boolean }) => run(toModule(data, options));

/** The module as it is where WebAssembly is refused. */
function refused(data: ModelData): Promise<Exported> {
  const text = toModule(data).replace("WebAssembly.Module(", "WebAssembly.Refused(");
  expect(text).toContain("WebAssembly.Refused(");
  return run(text);
}

const ROWS = 2000;

it("ends, with the library's bits, where the number over the divisor of a logarithm is beyond float32", async () => {
  const data = structuredClone(everyKind()["signs, categories, missing values, log1p"]);
  const input = data.inputs.find((one) => one.transform === "log1p") as ModelData["inputs"][0];
  Object.assign(input, { divisor: 0.00390625, center: 2.459154367446899, scale: 0.03125 });
  const model = loadModel(data);
  const mod = await load(data);
  const row = rowObject(data, makeRows(data, 1, 3));
  for (const x of [1e35, 1.2e36, 1.3e36, 1e38, 3.4028234663852886e38]) {
    const one = { ...row, [data.features[input.feature].name]: x };
    expect(mod.predict(one)).toBe(model.predict(one));
    expect(mod.sensitivity(one)).toEqual(model.sensitivity(one));
  }
});

describe("toModule", () => {
  for (const [name, data] of Object.entries(everyKind())) {
    for (const [host, make] of [
      ["", load],
      [" without WebAssembly", refused],
    ] as const) {
      it(`gives the bits of the model${host}: ${name}`, async () => {
        const module = await make(data);
        const width = data.features.length;
        const rows = makeRows(data, ROWS);
        const many = module.predictMany(rows);
        expect(module.features).toEqual(data.features.map((f) => f.name));
        for (let r = 0; r < ROWS; r++) {
          const row = rows.subarray(r * width, (r + 1) * width);
          const expected = evaluate(data, row);
          if (many[r] !== expected.prediction) expect([r, many[r]]).toEqual([r, expected.prediction]);
          if (r > 500) continue;
          const object = rowObject(data, row);
          expect(module.predict(object)).toBe(expected.prediction);
          expect(module.predict([...row])).toBe(expected.prediction);
          const derivatives = module.sensitivity(object);
          expect(Object.keys(derivatives).length).toBe(width);
          data.features.forEach((feature, f) => {
            if (derivatives[feature.name] !== expected.sensitivity[f] + 0) {
              expect([r, feature.name, derivatives[feature.name]]).toEqual([r, feature.name, expected.sensitivity[f]]);
            }
          });
          if (data.loss.name === "quantiles") {
            for (const p of [1e-9, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99, 1 - 1e-12]) {
              expect(module.quantile(object, p)).toBe(evaluate(data, row, p).prediction);
            }
            expect(module.predict(object)).toBe(expected.prediction);
          }
        }
      });
    }

    it(`keeps the bits inside the ranges when pruned: ${name}`, async () => {
      const module = await load(data, { prune: true });
      const width = data.features.length;
      const rows = makeRows(data, ROWS, 2);
      for (let r = 0; r < ROWS; r++) {
        const row = rows.subarray(r * width, (r + 1) * width);
        data.features.forEach((feature, f) => {
          const [low, high] = feature.range ?? [0, 1e9];
          row[f] = row[f] < low ? low : row[f] > high ? high : row[f];
        });
        const expected = evaluate(data, row).prediction;
        const got = module.predict(row);
        if (got !== expected) expect([r, got]).toEqual([r, expected]);
      }
    });
  }

  it("gives the intervals of the model where it has residuals", async () => {
    const kinds = everyKind();
    const logged = makeModel({ seed: 4, link: "exp" });
    logged.residuals = Array.from({ length: 1001 }, (_, i) => (i - 480) / 700);
    logged.training.heldOut = { model: { rows: 5210 } } as ModelData["training"]["heldOut"];
    const zeros = { ...logged, training: { ...logged.training, zero: Math.fround(0.8) } };
    // 1 - 0.9 is less than a tenth
    const few = { ...logged, training: { ...logged.training, heldOut: { model: { rows: 19 } } } } as ModelData;
    const others = [logged, zeros, few, { ...logged, residuals: [0.25] }];
    for (const data of [kinds["signs, categories, missing values, log1p"], ...others]) {
      const module = await load(data);
      const model = loadModel(data);
      const width = data.features.length;
      const rows = makeRows(data, 300);
      for (const coverage of [0.01, 0.5, 0.8, 0.9, 0.98, 1, 0, -1, Number.NaN]) {
        for (let r = 0; r < (coverage > 0.001 && coverage < 1 ? 300 : 1); r++) {
          const row = rows.subarray(r * width, (r + 1) * width);
          const answer = (make: () => [number, number]) => {
            try {
              return make();
            } catch (error) {
              return (error as Error).constructor;
            }
          };
          const expected = answer(() => model.predictInterval(row, coverage));
          expect(
            answer(() => module.interval(row, coverage)),
            `${coverage}`,
          ).toEqual(expected);
        }
      }
    }
    for (const name of ["quantiles", "logistic link"]) {
      expect((await load({ ...kinds[name], residuals: [1] })).interval).toBeUndefined();
    }
  });

  it("agrees when planes are nearer to each other than their rounding", async () => {
    const data = makeModel({ seed: 21, numbers: 8, networks: 6, ragged: false });
    for (const groups of data.networks) {
      for (const planes of groups) {
        for (let j = 1; j < planes.length; j++) planes[j] = planes[0].map((w) => Math.fround(w * (1 + j * 3e-8)));
      }
    }
    for (const module of [await load(data), await refused(data)]) {
      const width = data.features.length;
      const rows = makeRows(data, ROWS);
      const many = module.predictMany(rows);
      for (let r = 0; r < ROWS; r++) {
        const row = rows.subarray(r * width, (r + 1) * width);
        expect(many[r]).toBe(evaluate(data, row).prediction);
        if (r < 300)
          expect(Object.values(module.sensitivity(row))).toEqual(evaluate(data, row).sensitivity.map((s) => s + 0));
      }
    }
  });

  it("agrees for networks of any shape, with many planes that are equal", async () => {
    const base = makeModel({ seed: 22, numbers: 3, categories: 0, missing: false });
    const width = base.features.length;
    const d = base.inputs.length;
    const weight = fc.integer({ min: -2, max: 2 });
    const allowed = (w: number, i: number) => {
      const constraint = i < d ? inputConstraint(base.inputs[i], base.features) : "free";
      return constraint === "free" ? w : constraint === "increasing" ? Math.abs(w) : 0 - Math.abs(w);
    };
    const networks = fc.array(
      fc.array(fc.array(fc.array(weight, { minLength: d + 1, maxLength: d + 1 }), { minLength: 1, maxLength: 9 }), {
        minLength: 1,
        maxLength: 6,
      }),
      { minLength: 1, maxLength: 4 },
    );
    const rows = makeRows(base, 8);
    await fc.assert(
      fc.asyncProperty(networks, async (shape) => {
        const data = { ...base, networks: shape.map((n) => n.map((g) => g.map((plane) => plane.map(allowed)))) };
        for (const module of [await load(data), await refused(data)]) {
          for (let r = 0; r < 8; r++) {
            const row = rows.subarray(r * width, (r + 1) * width);
            const expected = evaluate(data, row);
            expect(module.predict(row)).toBe(expected.prediction);
            expect(Object.values(module.sensitivity(row))).toEqual(expected.sensitivity.map((s) => s + 0));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("leaves weights of 16 MB as they are: a model of 1,000 columns has 11", () => {
    const weights = "b64+/all".repeat(2 ** 21);
    expect(tight(`const B = "${weights}";`) === `const B="${weights}";`).toBe(true);
    // what is quoted stays: escaped quotes, spaces and names
    const text = String.raw`"a \"row\" = 1", "\\"`;
    expect(tight(`f(${text}, row)`)).toBe(`f(${text},_)`.replace('", "', '","'));
  });

  it("asks for the memory that a large model needs", async () => {
    const data = makeModel({ seed: 23, numbers: 30, networks: 200, groups: 4, planes: 4, ragged: false });
    expect(toModule(data)).toContain("memory.grow");
    const module = await load(data);
    const width = data.features.length;
    const rows = makeRows(data, 50);
    const many = module.predictMany(rows);
    for (let r = 0; r < 50; r++)
      expect(many[r]).toBe(evaluate(data, rows.subarray(r * width, (r + 1) * width)).prediction);
  });

  it("agrees for 1, 16 and 17 inputs, and for weights of 0, near the least and near the greatest float32", async () => {
    for (const numbers of [1, 16, 17]) {
      for (const size of [0, 1e-44, 1e-30, 1, 1e34]) {
        const data = makeModel({ seed: 5 + numbers, numbers, categories: 0, missing: false, networks: 3 });
        const scaled = (w: number) => Math.fround(w * size) + 0;
        data.networks = data.networks.map((n) => n.map((g) => g.map((plane) => plane.map(scaled))));
        const module = await load(data);
        const rows = makeRows(data, 200);
        const many = module.predictMany(rows);
        for (let r = 0; r < 200; r++) {
          const expected = evaluate(data, rows.subarray(r * numbers, (r + 1) * numbers)).prediction;
          if (many[r] !== expected) expect([numbers, size, r, many[r]]).toEqual([numbers, size, r, expected]);
        }
      }
    }
  });

  it("refuses what the library refuses", async () => {
    const data = makeModel({ seed: 3, numbers: 9, categories: 2 });
    const module = await load(data);
    const row = rowObject(
      data,
      makeRows({ ...data, features: data.features.map((f) => ({ ...f, missing: "error" })) }, 1),
    );
    expect(module.predict(row)).toBeTypeOf("number");
    const strict = data.features.find((f) => f.kind === "number" && f.missing === "error")?.name as string;
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY, 1e39, "1", {}, 1n, [1]]) {
      expect(() => module.predict({ ...row, [strict]: value })).toThrow(strict);
    }
    const closed = data.features.find((f) => f.kind === "category" && f.unknown === undefined)?.name as string;
    for (const value of [null, "Rome", {}, 7])
      expect(() => module.predict({ ...row, [closed]: value })).toThrow(closed);
    const open = data.features.find((f) => f.unknown !== undefined);
    expect(module.predict({ ...row, [open?.name as string]: "Rome" })).toBe(
      module.predict({ ...row, [open?.name as string]: open?.unknown }),
    );
    for (const value of [null, 3, "row", [1], new Float32Array(2)]) expect(() => module.predict(value)).toThrow("row");
    expect(() => module.predictMany(new Float32Array(data.features.length + 1))).toThrow("row");
    expect(() => module.predictMany([row, { ...row, [strict]: null }])).toThrow("row 1");
  });

  it("has the same bits where the host reads base64 itself and where it does not", async () => {
    const data = everyKind()["a plane and 16 networks of 4 x 4"];
    const row = makeRows(data, 1);
    const host = Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array };
    const own = host.fromBase64;
    try {
      host.fromBase64 = undefined;
      const without = (await load(data)).predict(row);
      let texts = 0;
      host.fromBase64 = (text) => {
        texts++;
        // within a longer buffer, as a careless stand-in may give it
        return Buffer.from(text, "base64");
      };
      expect((await load(data)).predict(row)).toBe(without);
      // the weights and the kernel
      expect(texts).toBe(2);
      expect(without).toBe(evaluate(data, row).prediction);
    } finally {
      host.fromBase64 = own;
    }
  });

  it("keeps names that are no Unicode text", async () => {
    const data = makeModel({
      seed: 3,
      names: ["\ud800", "\udc00x"],
      categoryNames: ["\udfff", "b"],
      target: "\ud800\n*/",
    });
    const module = await load(data);
    expect(module.features.slice(0, 2)).toEqual(["\ud800", "\udc00x"]);
    const row = makeRows(data, 1);
    expect(module.predict(rowObject(data, row))).toBe(evaluate(data, row).prediction);
  });

  it("is plain ASCII without any of the names' code, and inert in a page", () => {
    const text = toModule(everyKind()["hostile names"]);
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(text).not.toContain("</script");
    expect(text).not.toContain("<!--");
    expect(text).not.toMatch(/^import|[^.]\bimport\(|require/m);
  });

  it("has at most 1.6 kB of compressed code beside the weights and names, 1.71 kB with a link or quantiles", () => {
    const most = { seed: 3, numbers: 9, categories: 2, doubled: true, names: ["constructor"] };
    const kinds = {
      ...everyKind(),
      everything: makeModel(most),
      "log link, intervals": { ...makeModel({ ...most, link: "exp" }), residuals: [-1, 0, 1] },
      "quantiles, everything": makeModel({ ...most, quantiles: true }),
      "logistic, everything": makeModel({ ...most, link: "logistic" }),
    };
    for (const [name, data] of Object.entries(kinds)) {
      const code = toModule(data).replace(/^export const features=.*$|^const [BCEIKMPQ$]=.*$|^\/\/.*$/gm, "");
      const more = data.link.name !== "identity" || data.loss.name === "quantiles";
      expect.soft(gzipSync(code, { level: 9 }).length, name).toBeLessThanOrEqual(more ? 1710 : 1600);
    }
  });
});

describe("toModuleTypes", () => {
  it("describes the rows of every kind of model in TypeScript that compiles", async () => {
    const ts = (await import("typescript")).default;
    for (const [name, data] of Object.entries(everyKind())) {
      const text = toModuleTypes(data);
      const file = ts.createSourceFile("model.d.mts", text, ts.ScriptTarget.ES2022, true) as unknown as {
        parseDiagnostics: unknown[];
      };
      expect(file.parseDiagnostics, name).toEqual([]);
      expect(text.includes("quantile")).toBe(data.loss.name === "quantiles");
      expect(text.includes("interval")).toBe(toModule(data).includes("function interval"));
    }
  });

  it("asks for what the model asks for: numbers, known words, and what may be missing", () => {
    const base = makeModel({ numbers: 2, categories: 2 });
    const features = [
      { ...base.features[0], name: "a", missing: "error", fill: undefined },
      { ...base.features[1], name: "b c", missing: "median", fill: 1 },
      { ...base.features[2], name: "city", categories: ["Oslo", 'x"y'], unknown: undefined, missing: "error" },
      { ...base.features[3], name: "team", categories: ["u", "v"], unknown: "u", missing: "error" },
    ];
    const inputs = [0, 1].map((feature) => ({ feature, transform: "linear", center: 0, scale: 1 }));
    const text = toModuleTypes({ ...base, features, inputs, networks: [[[[0, 0, 1]]]] } as never);
    const rows = text.slice(text.indexOf("export interface Row {"), text.indexOf("\n}")).split("\n").slice(1);
    expect(rows).toEqual([
      '  "a": number;',
      '  "b c"?: number | null | undefined;',
      '  "city": "Oslo" | "x\\"y";',
      '  "team": "u" | "v" | (string & {});',
    ]);
  });
});

it.each([
  "signs, categories, missing values, log1p",
  "log link",
  "several inputs of one feature, networks with bounds",
  "quantiles",
])("pruning looks between the least and the greatest of each input inside the training ranges: %s", (kind) => {
  const data = everyKind()[kind];
  for (const input of data.inputs) {
    const feature = data.features[input.feature];
    const z = (t: number) => Math.min(50, Math.max(-50, Math.fround(Math.fround(t - input.center) * input.scale)));
    const of = (v: number) => {
      const q = Math.fround(v / (input.divisor ?? 1));
      return z(input.transform === "log1p" && q >= 0 ? logf(Math.fround(1 + q)) : q);
    };
    const ends =
      input.transform === "level" || (!feature.range && feature.kind === "number")
        ? [-50, 50]
        : input.transform === "equals" || input.transform === "missing"
          ? [z(0), z(1)]
          : [...(feature.range as [number, number]), ...(feature.fill === undefined ? [] : [feature.fill])]
              .map(Math.fround)
              .map(of);
    expect(bounds(data, input)).toEqual([Math.min(...ends), Math.max(...ends)]);
  }
});

it("a module says of what model it is, and whether it was pruned", () => {
  const data = makeModel({ numbers: 2 });
  const title = (target: string, options?: { prune: boolean }) =>
    toModule({ ...data, target: { name: target } }, options)
      .split("\n")
      .slice(0, 2);
  expect(title("minutes")[0]).toBe("// Predicts minutes. Made by isotone: the model's own bits.");
  expect(title("")[0]).toBe("// Predicts the target. Made by isotone: the model's own bits.");
  expect(title("minutes")[1]).not.toContain("Pruned");
  expect(title("minutes", { prune: true })[1]).toBe(
    "// Pruned: planes that never decide inside the training ranges are left out.",
  );
});

describe("pruneModel", () => {
  it("drops planes and groups that an interval proof excludes, and never all of a network", () => {
    const data = makeModel({
      seed: 30,
      numbers: 3,
      categories: 0,
      missing: false,
      networks: 8,
      groups: 6,
      planes: 6,
      ragged: false,
    });
    const pruned = pruneModel(data);
    const count = (d: ModelData) => d.networks.flat(2).length;
    expect(count(pruned)).toBeLessThan(count(data));
    for (const groups of pruned.networks) {
      expect(groups.length).toBeGreaterThan(0);
      for (const planes of groups) expect(planes.length).toBeGreaterThan(0);
    }
  });
});
