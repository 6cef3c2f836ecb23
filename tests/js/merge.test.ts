// merge: the average of models against the average of their evaluations, computed row by row by the oracle of the format.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../js/errors.js";
import { fit } from "../../js/fit.js";
import { parseModel, stringifyModel } from "../../js/format.js";
import { mergeData } from "../../js/merge.js";
import { load, merge } from "../../js/model.js";
import { mergeScalings, scan } from "../../js/scan.js";
import type { ModelData } from "../../js/types.js";
import { evaluate, everyKind, generator, makeModel, makeRows } from "./oracle.js";

const f = Math.fround;

/** Other weights, of the same signs. */
function reweighted(data: ModelData, seed: number): ModelData {
  const random = generator(seed);
  const networks = data.networks.map((groups) =>
    groups.map((planes) => planes.map((plane) => plane.map((w) => f(w * (0.2 + 1.6 * random())) + 0))),
  );
  return { ...data, networks, scale: f(data.scale * (0.5 + random())), offset: f(data.offset * (0.5 + random())) };
}

/** Another scaling of every input: centres moved and scales changed, as other rows would give. */
function rescaled(data: ModelData, seed: number): ModelData {
  const random = generator(seed);
  const inputs = data.inputs.map((input) =>
    input.transform === "level"
      ? input
      : {
          ...input,
          center: f(input.center + (random() - 0.5) / input.scale),
          scale: f(input.scale * (0.6 + 0.8 * random())),
        },
  );
  return { ...data, inputs };
}

/** The weighted average of the sums before the link, by the oracle; `row` in the order of the first model. */
function average(models: ModelData[], shares: number[], row: Float32Array): number {
  return models.reduce((sum, data, k) => sum + shares[k] * evaluate(data, row).eta, 0);
}

const thirds = (n: number) => new Array<number>(n).fill(1 / n);

/** Largest difference of merged and averaged sums, relative to the scale of the models. */
function apart(merged: ModelData, models: ModelData[], shares: number[], rows: Float32Array): number {
  const width = merged.features.length;
  const size = Math.max(...models.map((m) => m.scale));
  let worst = 0;
  for (let at = 0; at < rows.length; at += width) {
    const row = rows.subarray(at, at + width);
    const want = average(models, shares, row);
    worst = Math.max(worst, Math.abs(evaluate(merged, row).eta - want) / Math.max(size, Math.abs(want)));
  }
  return worst;
}

/** Rows inside the ranges, missing where that is allowed. */
function inside(data: ModelData, n: number, seed = 1): Float32Array {
  const rows = makeRows(data, n, seed);
  data.features.forEach((feature, i) => {
    if (!feature.range) return;
    const [low, high] = feature.range;
    for (let at = i; at < rows.length; at += data.features.length)
      if (rows[at] === rows[at]) rows[at] = Math.min(high, Math.max(low, rows[at]));
  });
  return rows;
}

describe("merge of models with one scaling", () => {
  for (const [name, data] of Object.entries(everyKind())) {
    it(`is their average on every row, however far outside the ranges: ${name}`, () => {
      const models = [data, reweighted(data, 2), reweighted(data, 3)];
      const merged = mergeData(models);
      expect(merged.inputs).toEqual(parseModel(data).inputs);
      expect(apart(merged, models, thirds(3), makeRows(data, 300))).toBeLessThan(1e-5);
      expect(load(merged).certify().monotone).toBe(true);
      expect(merged.training.merged).toBe(3);
      expect(merged.training.rows).toBe(3000);
      expect(merged.training.parts).toEqual(models.map((m) => parseModel(m).training));
    });
  }

  it("of one model is that model, bit for bit", () => {
    for (const data of Object.values(everyKind())) {
      const { training, ...rest } = mergeData([data]);
      const { training: _, ...same } = parseModel(data);
      expect(rest).toEqual(same);
      expect(training.merged).toBe(1);
    }
  });

  it("adds planes up to one plane", () => {
    const data = makeModel({ networks: 1, groups: 1, planes: 1 });
    const merged = mergeData([data, reweighted(data, 1), reweighted(data, 2)]);
    expect(merged.networks.map((groups) => groups.flat().length)).toEqual([1]);
  });

  it("of merged models counts every part once", () => {
    const data = everyKind()["numbers only, linear"];
    const [a, b, c] = [data, reweighted(data, 1), reweighted(data, 2)];
    const merged = mergeData([mergeData([a, b]), c], { weights: [2, 1] });
    expect(merged.training.merged).toBe(3);
    expect(merged.training.parts?.length).toBe(3);
    expect(apart(merged, [a, b, c], thirds(3), makeRows(data, 200))).toBeLessThan(1e-5);
  });

  it("takes models, data and texts, and gives a model that saves and loads", () => {
    const data = everyKind()["log link"];
    const merged = merge([load(data), data, stringifyModel(data)]);
    expect(stringifyModel(load(stringifyModel(merged)))).toBe(stringifyModel(merged));
    const rows = makeRows(data, 50);
    const one = load(data).predictMany(rows);
    merged.predictMany(rows).forEach((value, r) => {
      expect(Math.abs(value / one[r] - 1)).toBeLessThan(1e-5);
    });
  });
});

describe("merge of models whose scalings differ", () => {
  for (const [name, data] of Object.entries(everyKind())) {
    it(`is their average within the ranges, missing values included: ${name}`, () => {
      const models = [data, rescaled(reweighted(data, 2), 4), rescaled(reweighted(data, 3), 5)];
      const merged = mergeData(models);
      const several = data.inputs.some(
        (input, i) => data.inputs.findIndex((o) => o.feature === input.feature && o.transform === input.transform) < i,
      );
      // inputs of one feature and transform are pooled into one
      if (!several) expect(merged.inputs.length).toBe(data.inputs.length);
      expect(apart(merged, models, thirds(3), inside(data, 300))).toBeLessThan(2e-5);
      expect(load(merged).certify().monotone).toBe(true);
    });
  }

  it.each([1, -1])(
    "keeps inputs side by side, and the average everywhere, where one model clips within the ranges of another: %i",
    (side) => {
      const near = makeModel({ numbers: 3, categories: 0, missing: false, log1p: false });
      const far: ModelData = {
        ...near,
        features: near.features.map((feature) => ({
          ...feature,
          range: [1e6 * side, 2e6 * side].sort((a, b) => a - b) as [number, number],
        })),
        inputs: near.inputs.map((input) => ({ ...input, center: 1500000 * side, scale: f(3e-6) })),
      };
      const merged = mergeData([near, far]);
      expect(merged.inputs.length).toBe(6);
      const width = 3;
      const rows = new Float32Array(300 * width);
      rows.set(makeRows(near, 100));
      rows.set(makeRows(far, 200), 100 * width);
      expect(apart(merged, [near, far], [0.5, 0.5], rows)).toBeLessThan(1e-5);
    },
  );

  it("keeps log1p beside linear", () => {
    const a = makeModel({ numbers: 3, categories: 0, missing: false, log1p: false });
    const b: ModelData = {
      ...a,
      inputs: a.inputs.map((input, i) => (i === 0 ? { ...input, transform: "log1p", divisor: 2 } : input)),
    };
    const merged = mergeData([a, b]);
    expect(merged.inputs.map(({ transform }) => transform)).toEqual(["linear", "log1p", "linear", "linear"]);
    const rows = makeRows(a, 200).map((v, i) => (i % 3 === 0 ? Math.abs(v) : v));
    expect(apart(merged, [a, b], [0.5, 0.5], rows)).toBeLessThan(1e-5);
  });

  it("gives each model its own meaning of a category that only others know", () => {
    const base = makeModel({ numbers: 1, categories: 1, missing: true });
    const city = base.features.find((feature) => feature.kind === "category");
    expect(city?.unknown).toBe("Tromsø");
    const with_ = (categories: string[]): ModelData => {
      const features = base.features.map((feature) => (feature === city ? { ...feature, categories } : feature));
      const keep = base.inputs.filter(({ transform }) => transform !== "equals");
      const inputs = [
        ...keep,
        ...categories.map((_, category) => ({
          feature: 1,
          transform: "equals" as const,
          category,
          center: f(0.3),
          scale: f(1.7 + category),
        })),
      ];
      const random = generator(categories.length);
      const networks = [[[inputs.map(() => f(random())), inputs.map(() => f(random()))].map((w) => [...w, 0.5])]];
      return { ...base, features, inputs, networks };
    };
    const a = with_(["Tromsø", "Oslo"]);
    const b = with_(["Rome", "Bergen", "Tromsø"]);
    const merged = mergeData([a, b]);
    expect(merged.features[1].categories).toEqual(["Bergen", "Oslo", "Rome", "Tromsø"]);
    const parts = [load(a), load(b)];
    for (const city of ["Bergen", "Oslo", "Rome", "Tromsø", "Paris", null]) {
      const row = { x0: 0.1, c0: city };
      const want = (parts[0].predict(row) + parts[1].predict(row)) / 2;
      expect(Math.abs(load(merged).predict(row) - want)).toBeLessThan(1e-5 * Math.abs(want));
    }
  });

  it("puts the models' own fills into the indicator of a missing value, and says when a median must be averaged", () => {
    const a = makeModel({ numbers: 3, categories: 0 });
    const b: ModelData = {
      ...reweighted(a, 3),
      features: a.features.map((feature) =>
        feature.fill === undefined ? feature : { ...feature, fill: f(feature.fill * 0.7 + 0.1) },
      ),
    };
    expect(a.features.map(({ missing }) => missing)).toContain("median");
    const merged = mergeData([a, b]);
    expect(merged.training.warnings.join()).toContain('missing "x1"');
    const free = a.features.findIndex(({ missing }) => missing === "indicator");
    expect(a.features[free].fill).not.toBe(b.features[free].fill);
    const row = Float32Array.from(a.features, (feature, i) => (i === free ? Number.NaN : (feature.median as number)));
    expect(apart(merged, [a, b], [0.5, 0.5], row)).toBeLessThan(1e-5);
  });

  it("averages what a missing value gives, by fills of their own, of inputs on a logarithm, of one scaling or several", () => {
    const base = makeModel({ numbers: 1, categories: 0, missing: false });
    const model = (fill: number, center: number, seed: number): ModelData => ({
      ...reweighted(base, seed),
      features: [
        { name: "a", constraint: "free", kind: "number", missing: "indicator", fill, range: [-3, 40], median: fill },
      ],
      inputs: [
        { feature: 0, transform: "log1p", divisor: 2, center, scale: f(0.7) },
        { feature: 0, transform: "missing", center: f(0.25), scale: 2 },
      ],
      networks: base.networks.map((groups) =>
        groups.map((planes) => planes.map((plane, k) => [f(0.3 + k / 7), f(k - 1.5), plane[plane.length - 1]])),
      ),
    });
    for (const center of [1, 1.5]) {
      const models = [model(3, 1, 1), model(9, center, 2), model(-2, center, 3)];
      const merged = mergeData(models);
      expect(merged.inputs.map(({ transform }) => transform).sort()).toEqual(["log1p", "missing"]);
      expect(apart(merged, models, thirds(3), Float32Array.of(Number.NaN, 0, 5, -1, 39, Number.NaN))).toBeLessThan(
        1e-5,
      );
    }
  });

  it("takes the features of the first model, in its order", () => {
    const a = makeModel({ numbers: 3, categories: 0, missing: false });
    const turned: ModelData = {
      ...a,
      features: [a.features[2], a.features[0], a.features[1]],
      inputs: a.inputs.map((input) => ({ ...input, feature: [1, 2, 0][input.feature] })),
    };
    const merged = mergeData([a, turned]);
    expect(merged.inputs).toEqual(parseModel(a).inputs);
    expect(apart(merged, [a], [1], makeRows(a, 100))).toBeLessThan(1e-5);
  });
});

describe("merge", () => {
  it("weighs models equally, by rows, or as told", () => {
    const a = makeModel({ numbers: 3 });
    const b = reweighted(a, 9);
    const sized = [
      { ...a, training: { ...a.training, rows: 300 } },
      { ...b, training: { ...b.training, rows: 100 } },
    ];
    const rows = makeRows(a, 100);
    expect(apart(mergeData(sized), [a, b], [0.5, 0.5], rows)).toBeLessThan(1e-5);
    expect(apart(mergeData(sized, { weights: "rows" }), [a, b], [0.75, 0.25], rows)).toBeLessThan(1e-5);
    expect(apart(mergeData(sized, { weights: [1, 9] }), [a, b], [0.1, 0.9], rows)).toBeLessThan(1e-5);
  });

  it("is monotone bit for bit, whatever the weights and scalings", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0.01, max: 100, noNaN: true }), (seed, weight) => {
        const data = makeModel({ seed, numbers: 4, categories: 1, quantiles: seed % 2 === 0 });
        const merged = load(mergeData([data, rescaled(reweighted(data, seed), seed)], { weights: [1, weight] }));
        const rows = makeRows(data, 40, seed);
        const width = data.features.length;
        const random = generator(seed);
        const raised = rows.slice();
        data.features.forEach((feature, i) => {
          if (feature.constraint === "free") return;
          for (let at = i; at < raised.length; at += width) {
            const step = f((feature.constraint === "increasing" ? 1 : -1) * Math.abs(raised[at]) * 1e-6 * random());
            raised[at] += step;
          }
        });
        const [low, high] = [merged.predictMany(rows), merged.predictMany(raised)];
        return low.every((value, r) => value <= high[r]);
      }),
      { numRuns: 200 },
    );
  });

  it("of models that say next to nothing of their training is a model all the same", () => {
    const bare = { ...makeModel({ numbers: 2, categories: 0 }), training: { warnings: [] } as never };
    const { training } = mergeData([bare, bare]);
    expect(training).toMatchObject({
      seed: 0,
      rows: 0,
      members: 0,
      steps: 0,
      batch: 0,
      learningRate: 0,
      blend: 0,
      merged: 2,
    });
    expect(() => mergeData([bare, bare], { weights: "rows" })).toThrow(
      '"weights" expected "equal" or numbers: model 0 does not say how many rows trained it',
    );
  });

  it("keeps one Huber loss apart from another, and the higher bound of two exponentials, with a warning", () => {
    const one = makeModel({ numbers: 2, categories: 0 });
    const huber = (delta: number): ModelData => ({ ...one, loss: { name: "huber", delta } });
    expect(mergeData([huber(2), huber(2)]).loss).toEqual({ name: "huber", delta: 2 });
    expect(() => mergeData([huber(1), huber(2)])).toThrow(
      'different losses: model 0 has "huber 1", model 1 has "huber 2"',
    );
    const log = everyKind()["log link"];
    const lower: ModelData = { ...log, link: { name: "exp", maximum: 1 } };
    const merged = mergeData([lower, log, lower]);
    expect(merged.link).toEqual(log.link);
    expect(merged.training.warnings).toEqual([
      "merged models held their predictions below different bounds: the highest is used",
    ]);
    expect(mergeData([log, log]).training.warnings).toEqual([]);
  });

  it("hands on what reading a model throws, where that is no fault of the format", () => {
    const hostile = new Proxy(a, {
      get() {
        throw new Error("not now");
      },
    });
    expect(() => mergeData([a, hostile])).toThrow(/^not now$/);
  });

  it("pools residuals by held-out rows, and averages calibrations without letting quantiles cross", () => {
    const one = makeModel({ categories: 0 });
    const part = (residuals: number[], rows: number): ModelData => ({
      ...one,
      residuals,
      training: { ...one.training, heldOut: { model: { rows }, mean: {}, linear: {} } as never },
    });
    expect(mergeData([part([-4, 0, 4], 3), part([-1, 1], 2)]).residuals).toEqual([-4, -1, 0, 1, 4]);
    // a hundred times as many rows: their residuals are nearly all that is left between the ends
    const many = mergeData([
      part([-4, 0, 4], 3),
      part(
        Array.from({ length: 1001 }, (_, k) => k / 1000),
        100_000,
      ),
    ]);
    expect(many.residuals?.length).toBe(1001);
    expect([many.residuals?.[0], many.residuals?.[1000]]).toEqual([-4, 4]);
    expect(Math.abs((many.residuals?.[500] as number) - 0.5)).toBeLessThan(0.01);
    expect(mergeData([one, { ...one, residuals: undefined }]).residuals).toBeUndefined();

    const quantiles = everyKind().quantiles;
    const other: ModelData = {
      ...quantiles,
      calibration: [
        [0.2, 0.1],
        [0.9, 0.8],
      ],
    };
    const merged = load(mergeData([quantiles, other]));
    expect(merged.toJSON().calibration?.map(([p]) => p)).toEqual([0.1, 0.2, 0.5, 0.9]);
    expect(merged.toJSON().calibration?.[3][1]).toBeCloseTo(0.87, 10);
    // a model without a calibration feeds in what is asked for
    const plain = load(mergeData([{ ...quantiles, calibration: undefined }, other])).toJSON();
    expect(plain.calibration?.map(([p]) => p)).toEqual([0.2, 0.9]);
    expect(plain.calibration?.[0][1]).toBeCloseTo(0.15, 10);
    expect(plain.calibration?.[1][1]).toBeCloseTo(0.85, 10);
    // beyond the last point, and before the first, straight to (1, 1) and (0, 0)
    const far: ModelData = { ...quantiles, calibration: [[0.96, 0.94]] };
    const ends = load(mergeData([other, far])).toJSON().calibration ?? [];
    expect(ends.map(([p]) => p)).toEqual([0.2, 0.9, 0.96]);
    expect(ends[0][1]).toBeCloseTo((0.1 + (0.2 / 0.96) * 0.94) / 2, 10);
    expect(ends[2][1]).toBeCloseTo((0.8 + (0.06 / 0.1) * 0.2 + 0.94) / 2, 10);
    const none = { ...quantiles, calibration: undefined };
    expect(mergeData([none, none]).calibration).toBeUndefined();
    const row = [...makeRows(quantiles, 1)];
    const levels = Array.from({ length: 99 }, (_, k) => merged.quantile(row, (k + 1) / 100));
    expect(levels).toEqual([...levels].sort((a, b) => a - b));
  });

  const a = makeModel({ numbers: 3, categories: 2 });
  const change = (index: number, fields: object): ModelData => ({
    ...a,
    features: a.features.map((feature, i) => (i === index ? { ...feature, ...fields } : feature)),
  });
  it.each<[string, unknown[], object, string]>([
    ["nothing", [], {}, '"models" expected at least one model, got an array of 0'],
    ["something else than a list", 3 as never, {}, '"models" expected a list of models, got 3'],
    ["something else than models", [a, {}], {}, 'model 1: "format" expected "isotone"'],
    [
      "another target",
      [a, { ...a, target: { name: "cost" } }],
      {},
      'different targets: model 0 has "minutes", model 1 has "cost"',
    ],
    [
      "another loss",
      [a, { ...a, loss: { name: "absolute" } }],
      {},
      'different losses: model 0 has "squared", model 1 has "absolute"',
    ],
    ["another link", [a, { ...a, link: { name: "logistic" } }], {}, "different links"],
    ["fewer features", [a, makeModel({ numbers: 3, categories: 1 })], {}, "different features"],
    ["another name", [a, change(0, { name: "y" })], {}, "different features"],
    ["another constraint", [a, change(0, { constraint: "free" })], {}, 'different "constraint" of "x0"'],
    [
      "other rules for missing values",
      [a, change(0, { missing: "median", fill: 1 })],
      {},
      'different "missing" of "x0"',
    ],
    ["another stand-in", [a, change(3, { unknown: "Oslo" })], {}, 'different "unknown" of "c0"'],
    [
      "categories that it cannot place",
      [a, change(4, { categories: ["Bergen", "Oslo", "Rome", "Bodø"] })],
      {},
      'model 0 does not know the category "Rome" of "c1", which another model does: scan the shards first',
    ],
    [
      "weights of another kind",
      [a],
      { weights: "size" },
      '"weights" expected "equal", "rows" or a number for each model, got "size"',
    ],
    ["too few weights", [a, a], { weights: [1] }, '"weights" expected 2 numbers'],
    ["a weight of 0", [a, a], { weights: [1, 0] }, '"weights[1]" expected a number above 0, got 0'],
  ])("refuses %s", (_, models, options, message) => {
    expect(() => mergeData(models, options)).toThrow(message);
  });

  it("refuses with ModelFormatError what no option can mend", () => {
    expect(() => mergeData([a, change(0, { name: "y" })])).toThrow(ModelFormatError);
  });

  it("of shards fitted with one scaling shares their inputs, and predicts no worse than any of them", async () => {
    const random = generator(5);
    const rows = Array.from({ length: 800 }, () => {
      const [x, y] = [10 * random(), Math.floor(5 * random())];
      const city = random() < 0.02 ? "rare" : random() < 0.5 ? "north" : "south";
      const minutes = x * (city === "north" ? 2 : 1) + Math.max(0, x - 5) * y + 5 * (random() + random() - 1);
      return { x, y, city, minutes };
    });
    const options = {
      target: "minutes",
      features: { x: "increasing", y: "increasing", city: { categories: "auto" } },
      members: 2,
      epochs: 40,
    } as const;
    const shards = [0, 1, 2, 3].map((k) => rows.filter((_, r) => r % 4 === k).slice(0, 150));
    const scaling = mergeScalings(await Promise.all(shards.map((shard) => scan(shard, options))));
    const models = [];
    for (const shard of shards) models.push(await fit(shard, { ...options, scaling }));
    const merged = merge(models);
    expect(merged.toJSON().inputs).toEqual(models[0].toJSON().inputs);
    expect(merged.features[2].categories).toEqual(["north", "rare", "south"]);
    const test = rows.filter((_, r) => r % 4 === 0 || r % 4 === 3).slice(0, 400);
    const rmse = (model: typeof merged) =>
      Math.sqrt(model.predictMany(test).reduce((s, p, r) => s + (p - test[r].minutes) ** 2, 0) / test.length);
    for (const model of models) expect(rmse(merged)).toBeLessThan(rmse(model) * 1.02);
    const [low, high] = merged.predictInterval(test[0], 0.9);
    expect(low).toBeLessThan(high);
  });
});
