// Both ends of an interval are as monotone as the prediction, on any pair of ordered rows; wider coverage holds narrower.

import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fit, type Model } from "../../js/index.js";
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
