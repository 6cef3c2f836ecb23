// Both ends of an interval are as monotone as the prediction, on any pair of ordered rows; wider coverage holds narrower.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fit, load, type Model, merge } from "../../js/index.js";
import { generator } from "./oracle.js";

const features = { scan: "increasing", staff: "decreasing", hour: "free" } as const;
type Row = { scan: number; staff: number; hour: number };

function jobs(n: number, seed = 1) {
  const random = generator(seed);
  return Array.from({ length: n }, () => {
    const scan = Math.floor(random() ** 2 * 30);
    const staff = 1 + Math.floor(random() * 4);
    const hour = 24 * random();
    return { scan, staff, hour, minutes: ((5 + scan) / staff) * (1 + random()) };
  });
}

describe.each(["squared", "absolute", "huber", "poisson", "gamma"] as const)("intervals under the loss %s", (loss) => {
  let model: Model;
  beforeAll(async () => {
    model = await fit(jobs(300), { target: "minutes", features, loss, epochs: 20, members: 3, networks: 4 });
  });
  const value = fc.float({ min: -50, max: 200, noNaN: true });
  const coverage = fc.constantFrom(0.5, 0.8, 0.9, 0.95);

  test("both ends rise with a rising and fall with a falling feature", () => {
    fc.assert(
      fc.property(value, value, value, value, value, coverage, (scan, more, staff, fewer, hour, share) => {
        const row: Row = { scan: Math.min(scan, more), staff: Math.max(staff, fewer), hour };
        const above: Row = { scan: Math.max(scan, more), staff: Math.min(staff, fewer), hour };
        const [low, high] = model.predictInterval(row, share);
        const [low2, high2] = model.predictInterval(above, share);
        return low <= low2 && high <= high2;
      }),
      { numRuns: 500 },
    );
  });

  test("an interval of more coverage holds that of less", () => {
    fc.assert(
      fc.property(value, value, value, (scan, staff, hour) => {
        const ends = [0.5, 0.8, 0.9, 0.95].map((share) => model.predictInterval({ scan, staff, hour }, share));
        return ends.every(
          ([low, high], k) => low <= high && (k === 0 || (low <= ends[k - 1][0] && high >= ends[k - 1][1])),
        );
      }),
      { numRuns: 200 },
    );
  });

  test("covers fresh rows about as often as asked", () => {
    // residuals of 3 of 8 folds of 300 rows: a standard error of 0.04
    const fresh = jobs(2000, 2);
    for (const share of [0.8, 0.9, 0.95]) {
      const held = fresh.filter((row) => {
        const [low, high] = model.predictInterval(row, share);
        return low <= row.minutes && row.minutes <= high;
      }).length;
      expect(Math.abs(held / fresh.length - share)).toBeLessThan(0.1);
    }
  });
});

test("a model of quantiles has no interval, and says what to ask instead", async () => {
  const model = await fit(jobs(40), {
    target: "minutes",
    features,
    loss: { quantiles: [0.1, 0.9] },
    epochs: 1,
    networks: 1,
  });
  expect(() => model.predictInterval({ scan: 1, staff: 1, hour: 1 })).toThrow(
    new RangeError("this model was fitted with quantiles: ask model.quantile(row, p) for the ends"),
  );
  for (const p of [0, 1, -1, Number.NaN])
    expect(() => model.quantile({ scan: 1, staff: 1, hour: 1 }, p)).toThrow(RangeError);
  expect(() => model.quantile({ scan: 1, staff: 1, hour: 1 }, "0.5" as never)).toThrow(
    '"p" expected a number in (0, 1), got "0.5"',
  );
});

test("the most coverage that a message allows is given, to the last row", async () => {
  for (const n of [9, 19, 24, 39, 49, 99, 199]) {
    const model = await fit(jobs(n), { target: "minutes", features, epochs: 1, members: 8, networks: 1 });
    const row = { scan: 3, staff: 2, hour: 5 };
    const most = 1 - 2 / (n + 1);
    const [low, high] = model.predictInterval(row, most);
    const residuals = model.toJSON().residuals as number[];
    expect([low, high]).toEqual(
      [residuals[0], residuals.at(-1) as number].map((r) => Math.fround(model.predict(row) + r)),
    );
    let said = "";
    try {
      model.predictInterval(row, 1 - 1 / (n + 1));
    } catch (error) {
      said = (error as Error).message;
    }
    const allowed = Number(/at most (\S+)/.exec(said)?.[1]);
    expect(allowed).toBeGreaterThan(most - 0.001);
    expect(model.predictInterval(row, allowed)[0]).toBeLessThan(Number.POSITIVE_INFINITY);
  }
});

test("intervals of counts hold zeros, as often as asked, and both ends stay monotone", async () => {
  const random = generator(5);
  const poisson = (mean: number) => {
    let [k, p, u] = [0, Math.exp(-mean), random()];
    for (; u > p && k < 99; u -= p, p *= mean / k) k++;
    return k;
  };
  const draw = (n: number) =>
    Array.from({ length: n }, () => {
      const [a, b] = [4 * random(), 4 * random()];
      return { a, b, y: poisson(2 * Math.sqrt(a) + 0.3 * a * b) };
    });
  const options = { target: "y", features: { a: 1, b: 1 }, loss: "poisson", epochs: 20, networks: 4 } as const;
  const model = await fit(draw(1500), options);
  expect(model.training.zero).toBe(0.5);
  const fresh = draw(4000);
  for (const share of [0.8, 0.9]) {
    const ends = fresh.map((row) => model.predictInterval(row, share));
    const held = fresh.filter(({ y }, r) => ends[r][0] <= y && y <= ends[r][1]).length / fresh.length;
    expect(Math.abs(held - share)).toBeLessThan(0.03);
    expect(ends.every(([low]) => low === 0 || low > 0.5)).toBe(true);
    const order = fresh.map((row, r) => [model.predict(row), ...ends[r]]).sort((p, q) => p[0] - q[0]);
    for (let r = 1; r < order.length; r++)
      expect(order[r][1] >= order[r - 1][1] && order[r][2] >= order[r - 1][2]).toBe(true);
  }
  const file = JSON.stringify(model);
  expect(load(file).predictInterval({ a: 0, b: 0 }, 0.9)).toEqual(model.predictInterval({ a: 0, b: 0 }, 0.9));
  expect(merge([model, load(file)]).training.zero).toBe(0.5);
  const above = draw(300).map((row) => ({ ...row, y: row.y + 1 }));
  expect((await fit(above, options)).training.zero).toBeUndefined();
});

test("what targets of 0 count as is told by rows of a weight, and by all of them where none left out is above 0", async () => {
  const fitted = (y: (r: number) => number, n: (r: number) => number, members?: number) => {
    const rows = jobs(80).map(({ scan, staff }, r) => ({ scan, staff, y: y(r), n: n(r) }));
    const options = { target: "y", weight: "n", loss: "poisson", epochs: 2, networks: 2 } as const;
    return fit(rows, { ...options, ...(members && { members }) });
  };
  // a tiny target, or one of 0, of no weight is not there
  const unweighted = await fitted(
    (r) => [0, 1e-6, 3, 4, 5][r % 5],
    (r) => Number(r % 5 > 1),
  );
  expect(unweighted.training.zero).toBeUndefined();
  const weighted = await fitted(
    (r) => [0, 1e-6, 3, 4, 5][r % 5],
    (r) => Number(r % 5 !== 1),
  );
  expect(weighted.training.zero).toBe(1.5);
  for (let only = 0; only < 16; only++) {
    const model = await fitted(
      (r) => (r === only ? 6 : 0),
      () => 1,
      1,
    );
    expect(model.training.zero).toBe(3);
    expect(load(JSON.stringify(model)).training.zero).toBe(3);
  }
});
