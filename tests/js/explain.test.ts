// Contributions: they sum, they have the constraint's sign, they agree with numerical integration, they ignore what does not matter.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { makeModel } from "../../js/model.js";
import type { ModelData } from "../../js/types.js";
import { everyKind, generator, levelOf, makeModel as made, makeRows } from "./oracle.js";

const width = (data: ModelData) => data.features.length;
const sizeOf = (list: ArrayLike<number>) => Array.from(list).reduce((sum, v) => sum + Math.abs(v), 0);

/**
 * The gradient integrated along the straight path in float64, with the gradient written down again from docs/model-format.md. At a share t of
 * the way a number is from + t (to - from) and an indicator has that share of being on. Three-point Gauss in cells that are halved until the
 * same planes are active at both ends, or nothing is left of them.
 */
function integrated(data: ModelData, base: ArrayLike<number>, row: ArrayLike<number>): number[] {
  const { features, inputs, networks, link, scale, offset } = data;
  const level = levelOf(data, 0.5);
  const z = inputs.map(() => 0);
  const speed = inputs.map(() => 0);

  /** Derivatives by t, feature by feature, and what is active. */
  function gradient(t: number): { parts: number[]; active: string } {
    inputs.forEach((input, i) => {
      const [a, b] = [base[input.feature], row[input.feature]];
      if (input.transform === "level") {
        z[i] = (Math.log(level) - Math.log1p(-level) - input.center) * input.scale;
        return;
      }
      const on = (v: number) => Number(input.transform === "missing" ? Number.isNaN(v) : v === input.category);
      const number = input.transform === "linear" || input.transform === "log1p";
      const fill = features[input.feature].fill ?? 0;
      const from = number ? (Number.isNaN(a) ? fill : a) : on(a);
      const to = number ? (Number.isNaN(b) ? fill : b) : on(b);
      let v = from + t * (to - from);
      let d = to - from;
      if (input.transform === "log1p") {
        const q = v / (input.divisor as number);
        d = (to - from) / ((input.divisor as number) + Math.max(0, v));
        v = q < 0 ? q : Math.log1p(q);
      }
      z[i] = (v - input.center) * input.scale;
      speed[i] = Math.abs(z[i]) < 50 ? d * input.scale : 0;
      z[i] = Math.min(50, Math.max(-50, z[i]));
    });
    let sum = 0;
    let active = inputs
      .map((input, i) =>
        input.transform === "log1p" && z[i] < -input.center * input.scale ? "-" : speed[i] ? "+" : "0",
      )
      .join("");
    const slope = inputs.map(() => 0);
    for (const groups of networks) {
      let least = Number.POSITIVE_INFINITY;
      let name = "";
      let chosen: number[] = [];
      groups.forEach((planes, k) => {
        let most = Number.NEGATIVE_INFINITY;
        let first = 0;
        planes.forEach((plane, j) => {
          let value = plane[inputs.length];
          for (let i = 0; i < inputs.length; i++) value += plane[i] * z[i];
          if (value > most) [most, first] = [value, j];
        });
        if (most < least) [least, chosen, name] = [most, planes[first], `${k},${first};`];
      });
      sum += least;
      active += name;
      for (let i = 0; i < inputs.length; i++) slope[i] += chosen[i];
    }
    const eta = sum * scale + offset;
    let factor = 1;
    if (link.name === "exp") {
      factor = eta < link.maximum ? Math.exp(eta) : 0;
      active += eta < link.maximum;
    } else if (link.name === "logistic") factor = Math.exp(-eta) / (1 + Math.exp(-eta)) ** 2;
    const parts = features.map(() => 0);
    inputs.forEach((input, i) => {
      if (input.feature >= 0) parts[input.feature] += slope[i] * scale * factor * speed[i];
    });
    return { parts, active };
  }

  const out = features.map(() => 0);
  const nodes = [
    [0.5 - Math.sqrt(0.15), 5 / 18],
    [0.5, 8 / 18],
    [0.5 + Math.sqrt(0.15), 5 / 18],
  ];
  function cell(low: number, high: number, first: string, last: string): void {
    if (first !== last && high - low > 1e-9) {
      const middle = (low + high) / 2;
      const { active } = gradient(middle);
      cell(low, middle, first, active);
      cell(middle, high, active, last);
      return;
    }
    for (const [at, weight] of nodes) {
      const { parts } = gradient(low + at * (high - low));
      parts.forEach((part, f) => {
        out[f] += part * weight * (high - low);
      });
    }
  }
  const cells = 1000;
  for (let k = 0; k < cells; k++)
    cell(k / cells, (k + 1) / cells, gradient(k / cells).active, gradient((k + 1) / cells).active);
  return out;
}

/** Rows whose numbers lie inside the features' ranges. */
function inRange(data: ModelData, n: number, seed: number): Float32Array {
  const random = generator(seed);
  return makeRows(data, n, seed).map((v, k) => {
    const { range } = data.features[k % width(data)];
    return range && !Number.isNaN(v) ? range[0] + random() * (range[1] - range[0]) : v;
  });
}

describe("contributions", () => {
  test.each(Object.entries(everyKind()))("%s: agree with numerical integration in float64 to 1e-7", (_, data) => {
    const model = makeModel(data);
    const d = width(data);
    const rows = inRange(data, 8, 3);
    for (let r = 0; r < 8; r += 2) {
      const base = rows.subarray(r * d, (r + 1) * d);
      const row = rows.subarray((r + 1) * d, (r + 2) * d);
      const { contributions } = model.explain(row, base);
      const want = integrated(data, base, row);
      const scale = Math.max(sizeOf(want), 1e-3 * data.scale);
      data.features.forEach((feature, f) => {
        expect(Math.abs(contributions[feature.name] - want[f]) / scale, feature.name).toBeLessThan(1e-7);
      });
    }
  });

  test("agree with it under a link where an input reaches its clip on the way, and others are logarithms", () => {
    const random = generator(5);
    for (let k = 0; k < 60; k++) {
      const weights = () => [random() * 0.03, random(), random() * 0.03];
      const input = (feature: number, transform: "linear" | "log1p") => ({
        feature,
        transform,
        center: Math.fround(random() * 3),
        scale: Math.fround(0.2 + random()),
        ...(transform === "log1p" && { divisor: 1 }),
      });
      const data: ModelData = {
        format: "isotone",
        version: 1,
        target: { name: "y" },
        loss: { name: k % 2 ? "poisson" : "logistic" },
        features: ["a", "b", "c"].map((name) => ({
          name,
          constraint: "increasing",
          kind: "number",
          missing: "error",
        })),
        inputs: [input(0, "linear"), input(1, "log1p"), input(2, "linear")],
        networks: [[[[...weights(), 0].map(Math.fround), [...weights(), 0.3].map(Math.fround)]]],
        scale: 1,
        offset: -2,
        link: k % 2 ? { name: "exp", maximum: 30 } : { name: "logistic" },
        training: { curve: [], warnings: [] } as unknown as ModelData["training"],
      };
      const row = [300 + 700 * random(), 60 * random(), 1000 * random()].map(Math.fround);
      const { contributions } = makeModel(data).explain(row, [0, 0, 0]);
      const want = integrated(data, [0, 0, 0], row);
      Object.values(contributions).forEach((part, f) => {
        expect(Math.abs(part - want[f]) / sizeOf(want), `model ${k}, feature ${f}`).toBeLessThan(1e-6);
      });
    }
  });

  const models = fc.record({
    seed: fc.integer({ min: 0, max: 1e9 }),
    numbers: fc.integer({ min: 1, max: 12 }),
    categories: fc.integer({ min: 0, max: 2 }),
    networks: fc.integer({ min: 1, max: 8 }),
    link: fc.constantFrom("identity", "exp", "logistic") as fc.Arbitrary<"identity" | "exp" | "logistic">,
    log1p: fc.boolean(),
    missing: fc.boolean(),
    quantiles: fc.boolean(),
  });
  const settings = (o: { link: "identity" | "exp" | "logistic"; quantiles: boolean }) => ({
    ...o,
    quantiles: o.quantiles && o.link === "identity",
  });

  test("sum to the difference of the predictions, to float32 rounding, and end at the predictions", () => {
    fc.assert(
      fc.property(models, (options) => {
        const data = made(settings(options));
        const model = makeModel(data);
        const d = width(data);
        const rows = makeRows(data, 2, options.seed);
        const [base, row] = [rows.subarray(0, d), rows.subarray(d)];
        const { baseline, prediction, contributions } = model.explain(row, base);
        const parts = Object.values(contributions);
        // float32 rounds where large terms cancel: a unit in the last place of the largest term, summed over planes and inputs
        const rounding = 2e-5 * Math.max(data.scale, sizeOf(parts), Math.abs(baseline), Math.abs(prediction));
        expect(Math.abs(parts.reduce((a, b) => a + b, baseline) - prediction)).toBeLessThanOrEqual(
          1e-9 * (sizeOf(parts) + Math.abs(baseline)),
        );
        const most = data.networks.length * 50 * d;
        expect(Math.abs(model.predict(row) - prediction)).toBeLessThanOrEqual(rounding * (1 + most / 50));
        expect(Math.abs(model.predict(base) - baseline)).toBeLessThanOrEqual(rounding * (1 + most / 50));
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  test("have the constraint's sign times the side of the baseline, without exception", () => {
    let checked = 0;
    let nonzero = 0;
    fc.assert(
      fc.property(models, (options) => {
        const data = made(settings(options));
        const model = makeModel(data);
        const d = width(data);
        const rows = makeRows(data, 20, options.seed);
        const base = rows.subarray(0, d);
        const { contributions } = model.explainMany(rows, base);
        for (let r = 0; r < 20; r++) {
          data.features.forEach((feature, f) => {
            if (feature.constraint === "free") return;
            const value = (x: number) => (Number.isNaN(x) ? (feature.fill as number) : x);
            const step = value(rows[r * d + f]) - value(base[f]);
            const sign = feature.constraint === "increasing" ? 1 : -1;
            expect(contributions[r * d + f] * Math.sign(step) * sign).toBeGreaterThanOrEqual(0);
            if (step === 0) expect(contributions[r * d + f] + 0).toBe(0);
            checked++;
            if (contributions[r * d + f] !== 0) nonzero++;
          });
        }
      }),
      { numRuns: 60, seed: 3 },
    );
    expect(checked).toBeGreaterThan(2000);
    expect(nonzero).toBeGreaterThan(checked / 3);
  });

  test("give nothing to an input without weight, and do not change when one is added", () => {
    fc.assert(
      fc.property(models, (options) => {
        const data = made(settings({ ...options, numbers: Math.max(2, options.numbers) }));
        const f = 1;
        const without: ModelData = {
          ...data,
          networks: data.networks.map((groups) =>
            groups.map((planes) => planes.map((plane) => plane.map((w, i) => (data.inputs[i]?.feature === f ? 0 : w)))),
          ),
        };
        const model = makeModel(without);
        const d = width(data);
        const rows = makeRows(data, 2, options.seed);
        const other = rows.slice();
        other[f] = (data.features[f].range as number[])[0];
        const [a, b] = [rows, other].map((x) => model.explain(x.subarray(d), x.subarray(0, d)).contributions);
        expect(Math.abs(a[data.features[f].name])).toBe(0);
        for (const { name } of data.features)
          expect(Math.abs(b[name] - a[name])).toBeLessThanOrEqual(1e-4 * sizeOf(Object.values(a)));
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  test("split a linear model as weight times step", () => {
    const data = everyKind()["one network of one plane"];
    const plane = makeModel(data);
    const rows = inRange(data, 2, 1);
    const d = width(data);
    const { contributions } = plane.explain(rows.subarray(d), rows.subarray(0, d));
    data.features.forEach((feature, f) => {
      const inputs = data.inputs.map((input, i) => ({ ...input, i })).filter((input) => input.feature === f);
      if (inputs.length > 1 || inputs[0].transform !== "linear") return;
      expect(rows[f] + rows[d + f]).not.toBeNaN();
      const [{ i, scale, center }] = inputs;
      const z = (x: number) => Math.min(50, Math.max(-50, (x - center) * scale));
      const want = data.networks[0][0][0][i] * (z(rows[d + f]) - z(rows[f])) * data.scale;
      expect(contributions[feature.name]).toBeCloseTo(want, 9);
    });
  });

  test("explainMany is explain row by row", () => {
    const data = everyKind()["signs, categories, missing values, log1p"];
    const model = makeModel(data);
    const d = width(data);
    const rows = makeRows(data, 12, 4);
    const many = model.explainMany(rows, "zero");
    for (let r = 0; r < 12; r++) {
      const one = model.explain(rows.subarray(r * d, (r + 1) * d), "zero");
      expect(Array.from(many.contributions.subarray(r * d, (r + 1) * d))).toEqual(Object.values(one.contributions));
      expect(many.predictions[r]).toBe(one.prediction);
      expect(many.baseline).toBe(one.baseline);
    }
  });

  test("of zero are from numbers of 0 and the first category, of the median from the commonest one", () => {
    const data = everyKind()["signs, categories, missing values, log1p"];
    const model = makeModel(data);
    const row = makeRows(data, 1, 8);
    const named = (of: (feature: ModelData["features"][number], f: number) => number | string) =>
      Object.fromEntries(data.features.map((feature, f) => [feature.name, of(feature, f)]));
    const zero = named(({ categories }) => categories?.[0] ?? 0);
    expect(model.explain(row, "zero").baseline).toBeCloseTo(model.predict(zero), 5);
    expect(model.explain(row, "zero").contributions).toEqual(model.explain(row, zero).contributions);
    // an input is centred at the share of its category in training
    const commonest = named(({ categories, median }, f) => {
      const shares = categories?.map(
        (_, category) => data.inputs.find((input) => input.feature === f && input.category === category)?.center ?? -1,
      );
      return shares ? (categories as string[])[shares.indexOf(Math.max(...shares))] : (median as number);
    });
    expect(model.explain(row).contributions).toEqual(model.explain(row, commonest).contributions);
  });

  test("refuse a baseline that is neither a row nor a name", () => {
    const model = makeModel(everyKind()["numbers only, linear"]);
    const row = Object.fromEntries(model.features.map(({ name }) => [name, 1]));
    // @ts-expect-error
    expect(() => model.explain(row, "mean")).toThrow('"baseline" expected "median", "zero" or a row, got "mean"');
    expect(() => model.explain(row, { x0: 1 })).toThrow(/x1/);
  });
});

describe("one more unit", () => {
  const data = everyKind()["signs, categories, missing values, log1p"];
  const model = makeModel(data);
  const random = generator(3);
  const row = Object.fromEntries(
    data.features.map((f) => [f.name, f.kind === "category" ? (f.categories as string[])[0] : random() * 2]),
  );

  test("effect is the difference of two predictions, and has the constraint's sign", () => {
    for (const { name, kind, constraint } of data.features) {
      if (kind === "category") continue;
      const effect = model.effect(row, { [name]: 1 });
      expect(effect).toBe(model.predict({ ...row, [name]: (row[name] as number) + 1 }) - model.predict(row));
      if (constraint !== "free") expect(effect * (constraint === "increasing" ? 1 : -1)).toBeGreaterThanOrEqual(0);
    }
  });

  test("effect puts a category in the place of another", () => {
    const { name, categories } = data.features.find((f) => f.kind === "category") as {
      name: string;
      categories: string[];
    };
    expect(model.effect(row, { [name]: categories[1] })).toBe(
      model.predict({ ...row, [name]: categories[1] }) - model.predict(row),
    );
  });

  test.each([
    [{ nothing: 1 }, RangeError, "nothing"],
    [{ x0: "more" }, TypeError, "change.x0"],
    [{ c0: 1 }, TypeError, "change.c0"],
    [{ x0: Number.NaN }, RangeError, "x0"],
    [{ x0: Number.POSITIVE_INFINITY }, RangeError, "x0"],
    [3, TypeError, '"change" expected an object of changes by feature, got 3'],
  ])("effect refuses the change %o", (change, kind, text) => {
    expect(() => model.effect(row, change as Record<string, number>)).toThrow(kind);
    expect(() => model.effect(row, change as Record<string, number>)).toThrow(text);
  });

  test("a missing value has the elasticity of what stands in for it, and cannot change", () => {
    const given = { ...row };
    const name = data.features.find(
      ({ kind, missing, fill }) => kind === "number" && missing === "median" && fill !== 0,
    )?.name as string;
    const fill = data.features.find((feature) => feature.name === name)?.fill as number;
    given[name] = Number.NaN;
    const { [name]: elasticity } = model.elasticity(given);
    expect(elasticity).toBe((model.sensitivity(given)[name] * fill) / model.predict(given));
    expect(elasticity).not.toBe(0);
    expect(() => model.effect(given, { [name]: 1 })).toThrow(
      new TypeError(`"${name}" expected a number that can change, got NaN`),
    );
  });

  test("elasticity is derivative times value over prediction, for numbers", () => {
    const slopes = model.sensitivity(row);
    const elasticity = model.elasticity(row);
    expect(Object.keys(elasticity)).toEqual(data.features.filter((f) => f.kind === "number").map((f) => f.name));
    for (const name of Object.keys(elasticity))
      expect(elasticity[name]).toBeCloseTo((slopes[name] * (row[name] as number)) / model.predict(row), 6);
  });
});
