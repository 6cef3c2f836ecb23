// Derivatives against finite differences; summaries, curves, interactions and importances of functions whose answers are known in closed form.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interactions, partialDependence, surface } from "../../js/dependence.js";
import { alphaCurves, permutationImportance } from "../../js/importance.js";
import { makeModel } from "../../js/model.js";
import { type Sensitive, sensitivitySummary } from "../../js/sensitivity.js";
import { quantileOf, weightedQuantiles } from "../../js/statistics.js";
import type { Constraint, Feature, ModelData } from "../../js/types.js";
import { evaluate, evaluate64, everyKind, generator, makeModel as made, makeRows } from "./oracle.js";
import { randomModel } from "./random-model.js";

describe("partial derivatives", () => {
  /** Compares at rows inside the ranges; the number of derivatives compared and of those left out beside a kink. */
  function compare(data: ModelData, n: number, seed: number): { compared: number; kinks: number; worst: number } {
    const model = makeModel(data);
    const { features } = data;
    const d = features.length;
    const random = generator(seed);
    const rows = Float32Array.from(
      makeRows({ ...data, features: features.map((f) => ({ range: [-1, 20], ...f })) }, n, seed),
    );
    for (let k = 0; k < rows.length; k++) {
      const { range, kind } = features[k % d];
      if (kind === "number" && range && !Number.isNaN(rows[k])) rows[k] = range[0] + random() * (range[1] - range[0]);
    }
    const slopes = model.sensitivityMany(rows);
    let [compared, kinks, worst] = [0, 0, 0];
    for (let r = 0; r < n; r++) {
      const row = Array.from(rows.subarray(r * d, (r + 1) * d));
      const at = evaluate64(data, row);
      const { active } = evaluate(data, row);
      const same = at.active.replace(/[-+<>]|true|false/g, "") === active.map((a) => `${a.join(",")};`).join("");
      features.forEach((feature, f) => {
        const slope = slopes[r * d + f];
        if (feature.kind === "category") {
          expect(slope).toBe(0);
          return;
        }
        const [low, high] = feature.range as [number, number];
        const h = 1e-5 * (high - low);
        const [down, up] = [-h, h].map((by) => evaluate64(data, row.with(f, row[f] + by)));
        if (Number.isNaN(row[f])) return;
        if (!same || down.active !== at.active || up.active !== at.active) {
          kinks++;
          return;
        }
        const want = (up.prediction - down.prediction) / (2 * h);
        const p = at.prediction;
        // float32 leaves few digits of 1 - p where p is almost 1: there the derivative is exact against that of the logit
        const logit = data.link.name === "logistic" ? Math.abs(want / (p * (1 - p))) : 0;
        const size = Math.abs(want) + 1e-3 * (logit + (Math.abs(p) + data.scale) / (high - low));
        worst = Math.max(worst, Math.abs(slope - want) / size);
        compared++;
      });
    }
    return { compared, kinks, worst };
  }

  test.each(Object.entries(everyKind()))("%s: are finite differences in float64, away from kinks", (_, data) => {
    const { compared, kinks, worst } = compare(data, 40, 7);
    expect(worst).toBeLessThan(1e-4);
    expect(compared).toBeGreaterThan(5 * kinks);
  });

  test("of random models with every loss, link and transform are finite differences too", () => {
    let all = 0;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const { compared, worst } = compare(randomModel(seed), 10, seed);
        expect(worst).toBeLessThan(1e-4);
        all += compared;
      }),
      { numRuns: 60, seed: 5 },
    );
    expect(all).toBeGreaterThan(1500);
  });

  test("of a quantile model are those of its median", () => {
    const data = everyKind().quantiles;
    const model = makeModel(data);
    const d = data.features.length;
    const rows = makeRows(data, 20, 3);
    for (let r = 0; r < 20; r++) {
      const row = rows.subarray(r * d, (r + 1) * d);
      expect(Object.values(model.sensitivity(row))).toEqual(evaluate(data, row, 0.5).sensitivity.map((s) => s + 0));
    }
  });
});

/** A predictor in closed form: f and its gradient. */
function analytic(
  constraints: Record<string, Constraint>,
  f: (x: ArrayLike<number>) => number,
  gradient: (x: ArrayLike<number>) => number[],
  categories: Record<string, string[]> = {},
): Sensitive {
  const features = Object.entries(constraints).map(
    ([name, constraint]): Feature =>
      name in categories
        ? { name, constraint: "free", kind: "category", categories: categories[name], missing: "error" }
        : { name, constraint, kind: "number", missing: "error" },
  );
  const d = features.length;
  const each = (rows: unknown, work: (x: Float32Array) => number[]) => {
    const x = rows as Float32Array;
    return Float32Array.from(
      Array.from({ length: x.length / d }, (_, r) => work(x.subarray(r * d, (r + 1) * d))).flat(),
    );
  };
  return {
    features,
    predictMany: (rows) => each(rows, (x) => [f(x)]),
    sensitivityMany: (rows) => each(rows, gradient),
  };
}

const NUMBERS = { a: "increasing", b: "decreasing", c: "free" } as const;
/** f = a^2 - 3 b: derivatives 2a, -3, 0. */
const square = analytic(
  NUMBERS,
  (x) => x[0] * x[0] - 3 * x[1],
  (x) => [2 * x[0], -3, 0],
);
const rowsOf = (n: number, seed: number, width = 3) => {
  const random = generator(seed);
  return Float32Array.from({ length: n * width }, () => Math.round(16 * random()) / 4);
};
const column = (rows: Float32Array, f: number, width = 3) =>
  Array.from({ length: rows.length / width }, (_, r) => rows[r * width + f]);
const mean = (values: number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;
const sd = (values: number[]) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));

describe("sensitivitySummary", () => {
  test("has the moments, shares and strengths of derivatives that are known", () => {
    const rows = rowsOf(200, 1);
    const [a, b, c] = sensitivitySummary(square, rows).features;
    const values = column(rows, 0);
    const slopes = values.map((v) => 2 * v);
    expect(a.mean).toBeCloseTo(mean(slopes), 9);
    expect(a.sd).toBeCloseTo(sd(slopes), 9);
    expect(a.meanSquare).toBeCloseTo(mean(slopes.map((s) => s * s)), 9);
    expect(a.rootMeanSquare).toBeCloseTo(Math.sqrt(mean(slopes.map((s) => s * s))), 9);
    expect([a.min, a.max]).toEqual([Math.min(...slopes), Math.max(...slopes)]);
    expect(a.spread).toBeCloseTo(sd(values), 9);
    expect(a.strength).toBeCloseTo(a.rootMeanSquare * a.spread, 9);
    expect([a.negative, a.wrongSign]).toEqual([0, 0]);
    expect(b).toMatchObject({ mean: -3, min: -3, max: -3, negative: 1, wrongSign: 0 });
    expect(b.strength).toBeCloseTo(3 * sd(column(rows, 1)), 9);
    expect(c).toMatchObject({ mean: 0, sd: 0, strength: 0, largest: 0, rank: 3, rankInterval: [3, 3] });
    const wins = values.filter((v) => 2 * v * a.spread > 3 * b.spread).length;
    expect(a.largest).toBe(wins / 200);
    expect(a.largest + b.largest).toBeCloseTo(1, 12);
  });

  test("counts derivatives against the constraint, though a model of isotone has none", () => {
    const wrong = analytic(
      { a: "increasing", b: "decreasing", c: "free" },
      (x) => x[0],
      (x) => [x[0] - 2, x[1] - 2, x[2] - 2],
    );
    const rows = rowsOf(300, 2);
    const [a, b, c] = sensitivitySummary(wrong, rows).features;
    expect(a.wrongSign).toBeCloseTo(column(rows, 0).filter((v) => v < 2).length / 300, 12);
    expect(b.wrongSign).toBeCloseTo(column(rows, 1).filter((v) => v > 2).length / 300, 12);
    expect(c.wrongSign).toBe(0);
    expect(c.negative).toBeCloseTo(column(rows, 2).filter((v) => v < 2).length / 300, 12);
  });

  test.each([
    [
      [1, 2, 3, 4, 5],
      [1.2, 2, 3, 4, 4.8],
    ],
    [[7], [7, 7, 7, 7, 7]],
    [
      [0, 10],
      [0.5, 2.5, 5, 7.5, 9.5],
    ],
  ])("quantiles of %j are %j", (values, want) => {
    const own = analytic(
      { a: "free" },
      (x) => x[0],
      (x) => [x[0]],
    );
    const { quantiles } = sensitivitySummary(own, Float32Array.from(values), { bootstrap: 0 }).features[0];
    Object.values(quantiles).forEach((q, k) => {
      expect(q).toBeCloseTo(want[k], 6);
    });
  });

  test("a weight of 3 is the row three times, and only the ratios of weights count", () => {
    const rows = rowsOf(60, 3);
    const weights = Array.from({ length: 60 }, (_, r) => r % 4);
    const repeated = Float32Array.from(
      weights.flatMap((w, r) => Array.from({ length: w }, () => [...rows.subarray(3 * r, 3 * r + 3)]).flat()),
    );
    const weighted = sensitivitySummary(square, rows, { weights }).features;
    const scaled = sensitivitySummary(square, rows, { weights: weights.map((w) => w / 8) }).features;
    sensitivitySummary(square, repeated).features.forEach((want, f) => {
      for (const key of [
        "mean",
        "sd",
        "meanSquare",
        "min",
        "max",
        "negative",
        "spread",
        "strength",
        "largest",
      ] as const)
        expect(weighted[f][key], key).toBeCloseTo(want[key], 9);
      expect(weighted[f].rank).toBe(want.rank);
      // quantiles lie between the neighbours of the repeated rows
      for (const key of ["p5", "p25", "p50", "p75", "p95"] as const)
        expect(Math.abs(weighted[f].quantiles[key] - want.quantiles[key]), key).toBeLessThanOrEqual(0.5);
      expect(scaled[f].mean).toBeCloseTo(weighted[f].mean, 12);
      expect(scaled[f].quantiles).toEqual(weighted[f].quantiles);
      expect(scaled[f].rankInterval).toEqual(weighted[f].rankInterval);
    });
  });

  test("quantiles by weight lie at the middles of the weights, the first at 0 and the last at 1, linear between", () => {
    const random = generator(31);
    for (let round = 1; round < 40; round++) {
      const values = Array.from({ length: round }, () => Math.floor(30 * random()));
      const weight = values.map((_, i) => (i === 0 ? 1 : Math.floor(4 * random())));
      const all = values
        .map((v, i) => [v, weight[i]])
        .filter(([, w]) => w > 0)
        .sort((a, b) => a[0] - b[0]);
      const middles = all.map(([, w], k) => all.slice(0, k).reduce((sum, [, own]) => sum + own, 0) + w / 2);
      const [first, last] = [middles[0], middles[middles.length - 1]];
      const shares = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1];
      const want = shares.map((p) => {
        const at = first + p * (last - first);
        const k = middles.findLastIndex((middle) => middle <= at);
        if (k >= all.length - 1) return all[all.length - 1][0];
        return all[k][0] + ((at - middles[k]) / (middles[k + 1] - middles[k])) * (all[k + 1][0] - all[k][0]);
      });
      weightedQuantiles(values, weight, shares).forEach((value, k) => {
        expect(value).toBeCloseTo(want[k], 9);
      });
      // of equal weights, those without
      const sorted = [...values].sort((a, b) => a - b);
      weightedQuantiles(
        values,
        values.map(() => 3),
        shares,
      ).forEach((value, k) => {
        expect(value).toBeCloseTo(quantileOf(sorted, shares[k]), 9);
      });
    }
    expect(quantileOf([], 0.5)).toBeNaN();
    expect(quantileOf([1, 2, 4], 0.75)).toBe(3);
  });

  test("a column of one value has no strength at all, whatever its derivative, the value and the weights", () => {
    for (const value of [2, 0.1, -3.7, 1e-30, 16777215]) {
      const rows = rowsOf(3512, 5).map((v, at) => (at % 3 === 1 ? value : v));
      const weights = rowsOf(3512, 6, 1).map((w) => w + 1);
      for (const given of [undefined, weights]) {
        const options = given === undefined ? { bootstrap: 20 } : { bootstrap: 20, weights: given };
        const b = sensitivitySummary(square, rows, options).features[1];
        expect(b).toMatchObject({ mean: expect.closeTo(-3, 9), spread: 0, strength: 0, strengthInterval: [0, 0] });
      }
    }
  });

  test("a category's strength is the standard deviation that its words bring, by how often they occur", () => {
    const effect = [0, 4, 10];
    const towns = analytic(
      { a: "increasing", town: "free" },
      (x) => 2 * x[0] + effect[x[1]],
      () => [2, 0],
      { town: ["Bergen", "Oslo", "Bodø"] },
    );
    // 6 rows in Bergen, 3 in Oslo, 1 in Bodø
    const rows = Float32Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1, 2].flatMap((town, r) => [r, town]));
    const [a, town] = sensitivitySummary(towns, rows).features;
    const average = (6 * 0 + 3 * 4 + 10) / 10;
    const variance = (6 * average ** 2 + 3 * (4 - average) ** 2 + (10 - average) ** 2) / 10;
    expect(town.strength).toBeCloseTo(Math.sqrt(variance), 5);
    expect(a.strength).toBeCloseTo(2 * Math.sqrt(8.25), 5);
    expect([a.rank, town.rank]).toEqual([1, 2]);
    expect([a.largest, town.largest]).toEqual([1, 0]);
  });

  test("ranks have bootstrap intervals: certain where strengths are far apart, wide where they are alike", () => {
    const alike = analytic(
      { a: "free", b: "free", c: "free" },
      (x) => x[0] * x[0] + x[1] * x[1] + 0.01 * x[2],
      (x) => [2 * x[0], 2 * x[1], 0.01],
    );
    const rows = rowsOf(100, 8);
    const [a, b, c] = sensitivitySummary(alike, rows).features;
    expect(c.rankInterval).toEqual([3, 3]);
    expect([a.rankInterval, b.rankInterval]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    for (const one of [a, b]) {
      expect(one.strengthInterval[0]).toBeLessThan(one.strength);
      expect(one.strengthInterval[1]).toBeGreaterThan(one.strength);
    }
    expect(sensitivitySummary(alike, rows)).toEqual(sensitivitySummary(alike, rows, { seed: 1 }));
    expect(sensitivitySummary(alike, rows, { seed: 2 }).features[0].strengthInterval).not.toEqual(a.strengthInterval);
  });

  test("strength intervals cover the strength of the whole population about as often as they say", () => {
    // 2a with a uniform in quarters from 0 to 4: mean square of 2a is 4 E a^2; the spread is that of each sample
    let covered = 0;
    const repeats = 200;
    const whole = rowsOf(20000, 99, 1);
    const one = analytic(
      { a: "free" },
      (x) => x[0] * x[0],
      (x) => [2 * x[0]],
    );
    const population = sensitivitySummary(one, whole, { bootstrap: 0 }).features[0];
    for (let k = 0; k < repeats; k++) {
      const { strengthInterval, spread } = sensitivitySummary(one, rowsOf(80, 1000 + k, 1), { seed: k }).features[0];
      const want = population.rootMeanSquare * spread;
      if (strengthInterval[0] <= want && want <= strengthInterval[1]) covered++;
    }
    expect(covered / repeats).toBeGreaterThan(0.88);
    expect(covered / repeats).toBeLessThan(0.99);
  });

  test("of a trained kind of model: no wrong sign, shares sum to at most 1, ranks are a permutation", () => {
    for (const data of Object.values(everyKind())) {
      const model = makeModel(data);
      const { features } = sensitivitySummary(model, makeRows(data, 100, 4), { bootstrap: 20 });
      expect(features.every((f) => f.wrongSign === 0)).toBe(true);
      expect(features.reduce((sum, f) => sum + f.largest, 0)).toBeLessThanOrEqual(1 + 1e-9);
      expect(features.map((f) => f.rank).sort((a, b) => a - b)).toEqual(features.map((_, k) => k + 1));
      for (const { rank, rankInterval } of features) {
        expect(rankInterval[0]).toBeLessThanOrEqual(rankInterval[1]);
        expect(rankInterval[0]).toBeGreaterThanOrEqual(1);
        expect(rankInterval[1]).toBeLessThanOrEqual(features.length);
        expect(rank).toBeGreaterThanOrEqual(1);
      }
    }
  });

  test.each([
    [new Float32Array(0), {}, 'rows" expected at least one row'],
    [rowsOf(4, 1), { weights: [1, 2] }, "options.weights"],
    [rowsOf(4, 1), { weights: [1, 1, 1, -1] }, "options.weights[3]"],
    [rowsOf(4, 1), { weights: [0, 0, 0, 0] }, "at least one above 0"],
    [rowsOf(4, 1), { bootstrap: 1.5 }, "options.bootstrap"],
  ])("refuses %#", (rows, options, text) => {
    expect(() => sensitivitySummary(square, rows, options)).toThrow(RangeError);
    expect(() => sensitivitySummary(square, rows, options)).toThrow(text);
  });
});

/** f = 2a + ab - c, and b = a in every row: correlated inputs that interact. */
const product = analytic(
  NUMBERS,
  (x) => 2 * x[0] + x[0] * x[1] - x[2],
  (x) => [2 + x[1], x[0], -1],
);
const correlated = (n: number, seed: number) => {
  const random = generator(seed);
  return Float32Array.from(
    Array.from({ length: n }, () => {
      const a = Math.round(16 * random()) / 4;
      return [a, a, Math.round(16 * random()) / 4];
    }).flat(),
  );
};

describe("curves", () => {
  test("partial dependence is the mean prediction at each value, and centred ICE starts at 0", () => {
    const rows = rowsOf(120, 5);
    const { grid, pdp, ice } = partialDependence(product, rows, "a", { grid: 8, ice: 10 });
    const [b, c] = [column(rows, 1), column(rows, 2)];
    grid.forEach((v, k) => {
      expect(pdp[k]).toBeCloseTo((v as number) * (2 + mean(b)) - mean(c), 4);
    });
    expect(ice.length).toBe(10);
    ice.forEach((curve, k) => {
      const r = Math.floor((k * 120) / 10);
      curve.forEach((y, j) => {
        expect(y).toBeCloseTo(((grid[j] as number) - (grid[0] as number)) * (2 + b[r]), 4);
      });
    });
  });

  test("ALE sees only values that occur: with b = a it rises as a^2 / 2, where partial dependence is a line", () => {
    const rows = correlated(4000, 6);
    const { grid, ale, pdp } = partialDependence(product, rows, "a", { grid: 17 });
    const a = column(rows, 0);
    const x = grid as number[];
    // in each cell the mean of b = a is that of the cell's own rows, (low, high], the first cell with its lower end
    for (let k = 0; k + 1 < x.length; k++) {
      const inside = a.filter((v) => v <= x[k + 1] && (v > x[k] || (k === 0 && v === x[0])));
      expect(ale[k + 1] - ale[k]).toBeCloseTo((x[k + 1] - x[k]) * (2 + mean(inside)), 4);
      expect((pdp[k + 1] - pdp[k]) / (x[k + 1] - x[k])).toBeCloseTo(2 + mean(a), 3);
    }
    // mean 0 over the rows, each cell by the middle of its ends
    const centre = a.map((v) => {
      const k = Math.max(0, x.findIndex((edge) => edge >= v) - 1);
      return (ale[k] + ale[k + 1]) / 2;
    });
    expect(mean(centre)).toBeCloseTo(0, 6);
  });

  test("of categories are the mean prediction with each word", () => {
    const towns = analytic(
      { a: "free", town: "free" },
      (x) => x[0] + 5 * x[1],
      () => [1, 0],
      { town: ["B", "A"] },
    );
    const { grid, pdp, ale } = partialDependence(towns, Float32Array.from([1, 0, 3, 1]), "town");
    expect(grid).toEqual(["B", "A"]);
    expect(pdp).toEqual([2, 7]);
    expect(ale).toEqual([]);
  });

  test("keep the constraint, whatever the rows", () => {
    const data = made({ seed: 21, numbers: 6, categories: 1 });
    const model = makeModel(data);
    const rows = makeRows(data, 200, 9);
    for (const { name, constraint } of data.features) {
      if (constraint === "free") continue;
      const sign = constraint === "increasing" ? 1 : -1;
      const { pdp, ale, ice } = partialDependence(model, rows, name, { ice: 20 });
      for (const curve of [pdp, ale, ...ice])
        for (let k = 1; k < curve.length; k++) expect((curve[k] - curve[k - 1]) * sign).toBeGreaterThanOrEqual(-1e-9);
    }
  });

  test("respect case weights", () => {
    const rows = Float32Array.from([0, 1, 0, 4, 3, 0]);
    const { pdp } = partialDependence(product, rows, "a", { grid: 2, weights: [3, 1] });
    expect(pdp).toEqual([0, 4 * (2 + (3 * 1 + 3) / 4)]);
  });

  test("a surface is the mean prediction at each pair of values", () => {
    const rows = rowsOf(50, 7);
    const { a, b, values } = surface(product, rows, "a", "b", { grid: 5 });
    const c = mean(column(rows, 2));
    a.forEach((u, i) => {
      b.forEach((v, j) => {
        expect(values[i][j]).toBeCloseTo(2 * u + u * v - c, 4);
      });
    });
    expect(values.length).toBe(a.length);
  });

  test("a category's name, and what is no name, are refused", () => {
    const towns = analytic(
      { a: "free", town: "free" },
      (x) => x[0] + x[1],
      () => [1, 0],
      { town: ["B", "A"] },
    );
    const rows = Float32Array.of(1, 0, 2, 1);
    expect(() => surface(towns, rows, "a", "town")).toThrow('"feature" expected a numeric feature, got "town"');
    expect(() => partialDependence(towns, rows, 0 as never)).toThrow(
      new TypeError('"feature" expected a feature\'s name, got 0'),
    );
    // and a category has no part in an interaction of numbers
    expect(interactions(towns, rows)).toEqual([]);
  });

  test("ALE leaves cells without weight flat, and a column of one value has none", () => {
    const rows = Float32Array.from([0, 1, 0, 1, 1, 0, 2, 1, 0, 3, 1, 0]);
    const line = analytic(
      NUMBERS,
      (x) => x[0] ** 2,
      (x) => [2 * x[0], 0, 0],
    );
    // the two rows of the middle cell do not count
    const { ale } = partialDependence(line, rows, "a", { grid: 4, weights: [1, 1, 0, 1] });
    expect(ale.map((v) => v - ale[0])).toEqual([0, 1, 1, 6]);
    expect(partialDependence(line, Float32Array.of(3, 1, 1, 3, 2, 2), "a")).toMatchObject({
      grid: [3],
      pdp: [9],
      ale: [],
    });
  });

  test("missing values lie at the feature's fill, in curves, surfaces and interactions", () => {
    const filled = {
      ...product,
      features: product.features.map((feature) => ({ ...feature, missing: "median" as const, fill: 2 })),
    };
    const bare = {
      ...product,
      features: product.features.map((feature) => ({ ...feature, missing: "median" as const })),
    };
    const rows = rowsOf(60, 3);
    const holed = rows.map((v, i) => (i % 7 === 3 ? Number.NaN : v));
    const at = (value: number) => holed.map((v) => (v === v ? v : value));
    const grids = (model: typeof filled, given: Float32Array) => {
      const { a, b } = surface(model, given, "a", "b", { grid: 9 });
      return [a, b, partialDependence(model, given, "c", { grid: 9 }).grid];
    };
    expect(grids(filled, holed)).toEqual(grids(filled, at(2)));
    // 0 where there is none
    expect(grids(bare as never, holed)).toEqual(grids(filled, at(0)));
  });

  test("an interaction of a count that is mostly 0 is over its range, and there is none of a constant", () => {
    const rows = Float32Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0 ? (i % 30 === 0 ? 3 : 0) : i % 3 === 1 ? (i % 5) / 2 : 7,
    );
    const all = interactions(product, rows);
    expect(all.map(({ a, b }) => [a, b])).toEqual([["a", "b"]]);
    const b = [...rows].filter((_, i) => i % 3 === 1).sort((p, q) => p - q);
    expect(all[0].strength).toBeCloseTo(3 * (b[74] - b[24]), 4);
  });

  test.each([
    [() => partialDependence(product, rowsOf(5, 1), "d"), 'one of a, b, c, got "d"'],
    [() => partialDependence(product, rowsOf(5, 1), "a", { grid: 1 }), "options.grid"],
    [() => partialDependence(product, new Float32Array(0), "a"), "at least one row"],
    [() => surface(product, rowsOf(5, 1), "a", "a"), 'a feature other than "a"'],
    [() => surface(product, rowsOf(5, 1), "a", "b", { grid: 0 }), "options.grid"],
    [() => alphaCurves(product, rowsOf(5, 1), [0.5]), "alphas"],
    [() => interactions(product, rowsOf(5, 1), { most: 0 }), "options.most"],
  ])("refuse %#", (call, text) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(text);
  });
});

describe("interactions and importance", () => {
  test("mixed differences find the product, and nothing where inputs only add up", () => {
    const rows = rowsOf(400, 11);
    const quartile = (values: number[], p: number) => values.sort((a, b) => a - b)[Math.round(p * (values.length - 1))];
    const range = (f: number) => quartile(column(rows, f), 0.75) - quartile(column(rows, f), 0.25);
    const [first, ...rest] = interactions(product, rows);
    expect([first.a, first.b]).toEqual(["a", "b"]);
    expect(first.strength).toBeCloseTo(range(0) * range(1), 4);
    expect(rest.length).toBe(2);
    for (const { strength } of rest) expect(strength).toBeLessThan(1e-5);
  });

  test("mixed differences are of rows evenly spaced, as many as asked for: five hundred, unless told otherwise", () => {
    // a b c: what a and b do together is as much as the row's c
    const triple = analytic(
      NUMBERS,
      (x) => x[0] * x[1] * x[2],
      (x) => [x[1] * x[2], x[0] * x[2], x[0] * x[1]],
    );
    const rows = Float32Array.from({ length: 3 * 1200 }, (_, i) => (i % 3 === 2 ? (i - 2) / 3 : Math.floor(i / 3) % 2));
    const of = (most?: number) =>
      interactions(triple, rows, most ? { most } : {}).find(({ a, b }) => a + b === "ab")?.strength as number;
    const size = (picked: number[]) => Math.sqrt(picked.reduce((sum, c) => sum + c * c, 0) / picked.length);
    expect(of(1)).toBe(0);
    expect(of(2)).toBeCloseTo(size([0, 600]), 3);
    expect(of()).toBeCloseTo(size(Array.from({ length: 500 }, (_, k) => Math.floor((k * 1200) / 500))), 1);
    expect(of(5000)).toBeCloseTo(size(Array.from({ length: 1200 }, (_, k) => k)), 1);
  });

  test("permutation importance is what shuffling costs: of b in -3b, sqrt(2) 3 sd; of an unused input, nothing", () => {
    const rows = rowsOf(4000, 12);
    const named = {
      a: column(rows, 0),
      b: column(rows, 1),
      c: column(rows, 2),
      y: column(rows, 0).map((a, r) => a * a - 3 * rows[3 * r + 1]),
    };
    const [a, b, c] = permutationImportance(square, named, "y", { repeats: 10 });
    const squares = column(rows, 0).map((v) => v * v);
    expect(a.increase / (Math.SQRT2 * sd(squares))).toBeCloseTo(1, 1);
    expect(b.increase / (Math.SQRT2 * 3 * sd(column(rows, 1)))).toBeCloseTo(1, 1);
    expect(c).toEqual({ name: "c", increase: 0, sd: 0 });
    expect(b.sd).toBeGreaterThan(0);
    expect(b.sd).toBeLessThan(0.05 * b.increase);
  });

  test("alpha-curves are generalised means, rising from the mean towards the maximum", () => {
    const rows = rowsOf(300, 13);
    const { features } = alphaCurves(square, rows, [1, 2, 4, 16]);
    const slopes = column(rows, 0).map((v) => 2 * v);
    [1, 2, 4, 16].forEach((alpha, k) => {
      expect(features[0].means[k]).toBeCloseTo(mean(slopes.map((s) => s ** alpha)) ** (1 / alpha), 6);
      expect(features[1].means[k]).toBeCloseTo(3, 6);
      expect(features[2].means[k]).toBe(0);
      if (k > 0) expect(features[0].means[k]).toBeGreaterThan(features[0].means[k - 1]);
    });
    expect(features[0].max).toBe(Math.max(...slopes));
    expect(features[0].means[3]).toBeLessThan(features[0].max);
  });
});
