// Prediction and derivatives: the bits of the plain evaluator, monotone in every float, one row like many.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { certifyData } from "../../js/certify.js";
import { parseModel } from "../../js/format.js";
import { makeModel } from "../../js/model.js";
import { load as loadPredictor } from "../../js/predict.js";
import type { Feature, ModelData } from "../../js/types.js";
import { evaluate, everyKind, generator, makeModel as made, makeRows, rowObject } from "./oracle.js";

const bits = (v: number) => new Uint32Array(Float32Array.of(v).buffer)[0];
const width = (data: ModelData) => data.features.length;

describe("the kernels and the plain evaluator", () => {
  test.each(Object.entries(everyKind()))("%s: the same float32 bits for predictions and derivatives", (_, data) => {
    const model = makeModel(data);
    const n = 203;
    const rows = makeRows(data, n, 5);
    const many = model.predictMany(rows);
    const slopes = model.sensitivityMany(rows);
    for (let r = 0; r < n; r++) {
      const row = rows.subarray(r * width(data), (r + 1) * width(data));
      const want = evaluate(data, row);
      expect(bits(many[r])).toBe(bits(want.prediction));
      expect(bits(model.predict(row))).toBe(bits(want.prediction));
      expect(bits(model.predict(rowObject(data, row)))).toBe(bits(want.prediction));
      const one = model.sensitivity(row);
      data.features.forEach((feature, f) => {
        // + 0: a derivative of -0 is 0
        expect(bits(slopes[r * width(data) + f] + 0)).toBe(bits(want.sensitivity[f] + 0));
        expect(one[feature.name]).toBe(slopes[r * width(data) + f]);
      });
    }
  });
});

describe("one row", () => {
  /** Every input is a feature as it is: such rows go to the kernel unread. */
  const plain = { seed: 8, networks: 3, groups: 3, planes: 4, categories: 0, missing: false, log1p: false };
  // fewer numbers and more than are copied one by one
  test.each([5, 30])("%i numbers as array, Float32Array, Float64Array or object: the same bits", (numbers) => {
    const data = made({ ...plain, numbers });
    const model = makeModel(data);
    const rows = makeRows(data, 20, 4);
    const many = model.predictMany(rows);
    for (let r = 0; r < 20; r++) {
      const row = rows.slice(r * numbers, (r + 1) * numbers);
      expect(model.predict(row)).toBe(many[r]);
      expect(model.predict([...row])).toBe(many[r]);
      expect(model.predict(Float64Array.from(row))).toBe(many[r]);
      expect(model.predict(rowObject(data, row))).toBe(many[r]);
    }
  });

  test.each([5, 30])("%i numbers, one of them not finite: an error that names it, however the row comes", (numbers) => {
    const data = made({ ...plain, numbers });
    const model = makeModel(data);
    const name = data.features[numbers - 1].name;
    for (const [wrong, message] of [
      [Number.NaN, `"${name}" is NaN`],
      [Number.NEGATIVE_INFINITY, `"${name}" is -Infinity`],
      [1e39, "beyond float32 (largest 3.4e38)"],
    ] as const) {
      const row = [...makeRows(data, 1, 4)];
      row[numbers - 1] = wrong;
      expect(() => model.predict(row)).toThrow(message);
      expect(() => model.predict(Float64Array.from(row))).toThrow(message);
      // 1e39 is Infinity there
      expect(() => model.predict(Float32Array.from(row))).toThrow(`"${name}" is ${Math.fround(wrong)}`);
      expect(() => model.predict(row.slice(1))).toThrow(`expected ${numbers} values`);
      expect(() => model.predict(Float32Array.from(row.slice(1)))).toThrow(`expected ${numbers} values`);
    }
    // and what was refused leaves nothing behind
    const rows = makeRows(data, 1, 5);
    expect(model.predict(rows)).toBe(model.predictMany(rows)[0]);
  });

  describe("of numbers that may be missing, or have a logarithm taken", () => {
    const data: ModelData = {
      format: "isotone",
      version: 1,
      target: { name: "y" },
      loss: { name: "squared" },
      features: [
        { name: "a", constraint: "increasing", kind: "number", missing: "median", fill: 2 },
        { name: "b", constraint: "free", kind: "number", missing: "error" },
      ],
      inputs: [
        { feature: 0, transform: "log1p", divisor: 1, center: 0, scale: 1 },
        { feature: 1, transform: "linear", center: 1, scale: 2 },
      ],
      networks: [[[[1, -0.5, 0.25]]]],
      scale: 1,
      offset: 0,
      link: { name: "identity" },
      training: parseModel(made({ ...plain, numbers: 1 })).training,
    };

    test("the same bits as array, typed array or object, whether a value is missing or not", () => {
      const model = makeModel(data);
      const objects = [
        { a: 3, b: 2 },
        { a: null, b: 1.5 },
        { a: 0, b: -4 },
      ];
      const rows = Float32Array.from(objects.flatMap(({ a, b }) => [a ?? Number.NaN, b]));
      const want = objects.map((row) => model.predict(row));
      expect([...model.predictMany(objects)]).toEqual(want);
      expect([...model.predictMany(rows)]).toEqual(want);
      expect([...model.sensitivityMany(Float64Array.from(rows))]).toEqual([...model.sensitivityMany(objects)]);
      objects.forEach((row, r) => {
        expect(model.predict(rows.subarray(2 * r, 2 * r + 2))).toBe(want[r]);
        expect(model.predict([row.a, row.b])).toBe(want[r]);
        expect(model.predict([row.a ?? Number.NaN, row.b])).toBe(want[r]);
      });
    });

    test.each([
      ["a", [Number.POSITIVE_INFINITY, 1]],
      ["a", [1e39, 1]],
      ["b", [1, Number.NaN]],
      ["b", [Number.NaN, Number.NEGATIVE_INFINITY]],
    ])("%s is named where it is not fit: %o", (name, wrong) => {
      const model = makeModel(data);
      for (const row of [wrong, Float32Array.from(wrong), Float64Array.from(wrong)])
        expect(() => model.predict(row)).toThrow(new RegExp(`^"${name}" is `));
      const many = Float64Array.of(1, 1, ...wrong, 1, 1);
      expect(() => model.predictMany(many)).toThrow(`row 1: "${name}" is `);
      expect(() => model.sensitivityMany(many)).toThrow(`row 1: "${name}" is `);
    });

    test("NaN is refused where a logarithm is taken and no value may be missing", () => {
      const model = makeModel(everyKind()["a plane and 16 networks of 4 x 4"]);
      expect(everyKind()["a plane and 16 networks of 4 x 4"].inputs.some((input) => input.transform === "log1p")).toBe(
        true,
      );
      model.features.forEach(({ name }, f) => {
        const row = Float32Array.from(model.features, (_, i) => (i === f ? Number.NaN : 1));
        expect(() => model.predict(row)).toThrow(`"${name}" is NaN`);
        expect(() => model.predictMany(row)).toThrow(`row 0: "${name}" is NaN`);
      });
    });

    test("a feature that no input is made from is looked at as well", () => {
      const unused = { name: "c", constraint: "free", kind: "number", missing: "error" } as const;
      const model = makeModel({ ...data, features: [...data.features, unused] });
      expect(model.predict([1, 1, 7])).toBe(makeModel(data).predict([1, 1]));
      expect(() => model.predict([1, 1, Number.NaN])).toThrow('"c" is NaN');
      expect(() => model.predictMany(Float32Array.of(1, 1, Number.POSITIVE_INFINITY))).toThrow(
        'row 0: "c" is Infinity',
      );
    });
  });
});

describe("monotonicity", () => {
  /** Rows in ordered pairs: the second is at least the first in every constrained feature's direction, and equal in the others. */
  function pairs(data: ModelData, n: number, seed: number): { low: Float32Array; high: Float32Array } {
    const random = generator(seed);
    const low = makeRows(data, n, seed);
    const high = low.slice();
    const d = width(data);
    for (let r = 0; r < n; r++) {
      const scale = 10 ** (random() * 9 - 7); // steps from a few units in the last place to far outside the training range
      data.features.forEach((feature, f) => {
        if (feature.constraint === "free" || feature.kind === "category" || random() < 0.3) return;
        const at = r * d + f;
        if (Number.isNaN(low[at])) return;
        const step = scale * random() * Math.max(1, Math.abs(low[at]));
        high[at] = low[at] + (feature.constraint === "increasing" ? step : -step);
      });
    }
    return { low, high };
  }

  test("a million ordered pairs over random models stay ordered, bit for bit", () => {
    let checked = 0;
    let moved = 0;
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.integer({ min: 0, max: 1e9 }),
          numbers: fc.integer({ min: 1, max: 24 }),
          categories: fc.integer({ min: 0, max: 2 }),
          networks: fc.integer({ min: 1, max: 9 }),
          groups: fc.integer({ min: 1, max: 7 }),
          planes: fc.integer({ min: 1, max: 9 }),
          link: fc.constantFrom("identity", "exp", "logistic") as fc.Arbitrary<"identity" | "exp" | "logistic">,
          log1p: fc.boolean(),
          missing: fc.boolean(),
          doubled: fc.boolean(),
        }),
        (options) => {
          const data = made(options);
          const model = makeModel(data);
          const n = 10000;
          const { low, high } = pairs(data, n, options.seed);
          const a = model.predictMany(low);
          const b = model.predictMany(high);
          for (let r = 0; r < n; r++) {
            if (!(b[r] >= a[r])) throw new Error(`row ${r}: ${a[r]} fell to ${b[r]}`);
            if (b[r] > a[r]) moved++;
          }
          checked += n;
        },
      ),
      { numRuns: 100, seed: 1 },
    );
    expect(checked).toBeGreaterThanOrEqual(1e6);
    // the pairs must be able to fail: most of them do move the prediction
    expect(moved).toBeGreaterThan(checked / 4);
  }, 240_000);

  test("derivatives of constrained features never have the wrong sign", () => {
    for (const data of Object.values(everyKind())) {
      const slopes = makeModel(data).sensitivityMany(makeRows(data, 500, 3));
      data.features.forEach((feature, f) => {
        for (let r = 0; r < 500; r++) {
          const s = slopes[r * width(data) + f];
          if (feature.constraint === "increasing") expect(s).toBeGreaterThanOrEqual(0);
          if (feature.constraint === "decreasing") expect(s).toBeLessThanOrEqual(0);
        }
      });
    }
  });

  test("quantiles never cross, at any two levels", () => {
    const data = Object.values(everyKind()).find((d) => d.loss.name === "quantiles") as ModelData;
    const model = makeModel(data);
    const rows = makeRows(data, 50, 9);
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
        fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }),
        fc.nat(49),
        (p, q, r) => {
          const row = rows.subarray(r * width(data), (r + 1) * width(data));
          return model.quantile(row, Math.min(p, q)) <= model.quantile(row, Math.max(p, q));
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("the certificate", () => {
  test("names feature, network, group and plane of one flipped weight", () => {
    const data = made({ seed: 3, numbers: 4, networks: 3, groups: 2, planes: 3, ragged: false });
    expect(makeModel(data).certify().monotone).toBe(true);
    const i = data.inputs.findIndex((input) => data.features[input.feature].constraint === "increasing");
    const plane = data.networks[1][1][2 % data.networks[1][1].length];
    plane[i] = -Math.fround(Math.abs(plane[i]) + 0.5);
    const certificate = makeModel(data).certify();
    expect(certificate.monotone).toBe(false);
    expect(certificate.violations).toHaveLength(1);
    expect(certificate.violations[0]).toMatchObject({
      feature: data.features[data.inputs[i].feature].name,
      network: 1,
      group: 1,
    });
    expect(certificate.statement).toMatch(/network 1, group 1, plane \d/);
  });

  test("counts what else is wrong, names the quantile level, and scaling factors that turn an order round", () => {
    const data = everyKind().quantiles;
    const level = data.inputs.findIndex(({ transform }) => transform === "level");
    const plane = data.networks[0][0][0].slice();
    plane[level] = -0.5;
    const one = { ...data, networks: [[[plane, plane]], ...data.networks.slice(1)] };
    const certificate = certifyData(one);
    expect(certificate.violations).toHaveLength(2);
    expect(certificate.statement).toBe(
      'not monotone: "quantile level" must be increasing, but network 0, group 0, plane 0 has weight -0.5 (and 1 more)',
    );
    const turned = (change: object) => certifyData({ ...data, ...change });
    const inputs = (change: object) => ({
      inputs: data.inputs.map((input, i) => (i === 1 ? { ...input, ...change } : input)),
    });
    for (const change of [
      { scale: -1 },
      { scale: 0 },
      inputs({ scale: -1 }),
      inputs({ divisor: 0 }),
      inputs({ scale: 0 }),
    ])
      expect(turned(change)).toMatchObject({
        monotone: false,
        violations: [],
        statement: "not monotone: a scaling factor is not positive",
      });
    expect(turned({}).statement).toBe(
      `monotone in every constrained feature, in exact float32: ${turned({}).checked} weights checked, none of the wrong sign`,
    );
    const constrained = data.inputs.filter(
      ({ feature, transform }) =>
        transform === "level" || (transform !== "missing" && data.features[feature].constraint !== "free"),
    );
    expect(turned({}).checked).toBe(constrained.length * data.networks.flat(2).length);
  });
});

test("rows whose numbers are finite, but not their sums, are predicted like each by itself, with both modules", () => {
  for (const [kind, data] of Object.entries(everyKind())) {
    const n = 67;
    const rows = makeRows(data, n, 3);
    data.features.forEach((feature, f) => {
      if (feature.kind !== "number") return;
      for (let r = f; r < n; r += 3) rows[r * width(data) + f] = (r % 5 ? 3 : -3) * 1e38;
    });
    const each = (r: number) => rows.subarray(r * width(data), (r + 1) * width(data));
    const want = Float32Array.from({ length: n }, (_, r) => evaluate(data, each(r)).prediction);
    for (const model of [makeModel(data), loadPredictor(data)]) {
      expect([kind, model.predictMany(rows)]).toEqual([kind, want]);
      expect([kind, Float32Array.from(want, (_, r) => model.predict(each(r)))]).toEqual([kind, want]);
    }
  }
});

test("a row whose getters predict with the same model is read as if its values stood there, after an error too", () => {
  for (const [kind, data] of Object.entries(everyKind())) {
    const model = makeModel(data);
    const [one, other] = [1, 2].map((seed) => rowObject(data, makeRows(data, 1, seed)) as Record<string, unknown>);
    const asks = [
      () => model.predict(other),
      () => model.predict(Object.values(other)),
      () => model.sensitivity(other),
      () => expect(() => model.predict({})).toThrow(),
    ];
    for (const row of [one, Object.values(one)])
      for (const ask of asks) {
        const lazy = new Proxy(row, {
          get(target, name) {
            ask();
            return Reflect.get(target, name);
          },
        });
        expect([kind, model.predict(lazy)]).toEqual([kind, model.predict(row)]);
        expect([kind, model.sensitivity(lazy)]).toEqual([kind, model.sensitivity(row)]);
      }
  }
});

test("nothing done to a model's features, training or data changes what it predicts: those are frozen, the data are a copy", () => {
  for (const [kind, data] of Object.entries(everyKind())) {
    const rows = makeRows(data, 20, 3);
    for (const model of [makeModel(data), loadPredictor(data)]) {
      const want = model.predictMany(rows);
      expect(() => Object.assign(model.training, { zero: 5 })).toThrow(TypeError);
      expect(() => (model.training.curve as object[]).push({})).toThrow(TypeError);
      expect(model.training).toEqual(JSON.parse(JSON.stringify(data.training)));
      const features = model.features as Feature[];
      expect(() => features.reverse()).toThrow(TypeError);
      for (const feature of features) {
        expect(() => Object.assign(feature, { name: "other" })).toThrow(TypeError);
        const words = feature.categories as string[] | undefined;
        if (words) expect(() => words.reverse()).toThrow(TypeError);
      }
      expect(features).toEqual(data.features);
      if ("toJSON" in model) {
        const copy = model.toJSON();
        copy.inputs.length = 0;
        copy.features.reverse();
        for (const { categories } of copy.features) (categories as string[] | undefined)?.reverse();
      }
      expect([kind, model.predictMany(rows)]).toEqual([kind, want]);
    }
  }
});

describe("many models in one engine", () => {
  test("models evicted from the arena come back with the same predictions", () => {
    // 64 MiB hold a few dozen of these; the first ones are dropped and copied in again
    const models = Array.from({ length: 60 }, (_, k) => {
      const data = made({ seed: k, numbers: 30, networks: 40, groups: 8, planes: 8 });
      const rows = makeRows(data, 3, k);
      const model = makeModel(data);
      return { model, rows, want: Array.from(model.predictMany(rows)) };
    });
    for (const { model, rows, want } of models) expect(Array.from(model.predictMany(rows))).toEqual(want);
    for (const { model, rows, want } of models) expect(model.predict(rows.subarray(0, rows.length / 3))).toBe(want[0]);
  });
});
