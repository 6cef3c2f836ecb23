// What `auto` stands for: docs/defaults.md has the table.
import { describe, expect, it } from "vitest";
import { defaultsFor } from "../../js/defaults.js";
import { WIDE } from "../../js/relevance.js";

describe("what auto stands for", () => {
  const narrow = WIDE;
  const wide = WIDE + 1;
  const none = 0;
  it.each<
    [
      number,
      number,
      {
        members: number;
        steps: number;
        batch: number;
        rate: number;
        ridge: number;
        decays: number;
        patience: number;
        bounds: boolean;
      },
    ]
  >([
    [
      2,
      narrow,
      { members: 8, steps: 500, batch: 64, rate: 0.04, ridge: 1 / 2, decays: 2, patience: 20, bounds: false },
    ],
    [
      49,
      narrow,
      { members: 8, steps: 500, batch: 64, rate: 0.04, ridge: 1 / 49, decays: 2, patience: 20, bounds: false },
    ],
    [
      51,
      narrow,
      { members: 8, steps: 500, batch: 64, rate: 0.04, ridge: 50 / 51 ** 2, decays: 2, patience: 20, bounds: false },
    ],
    [
      249,
      narrow,
      { members: 8, steps: 500, batch: 64, rate: 0.04, ridge: 50 / 249 ** 2, decays: 2, patience: 20, bounds: false },
    ],
    [
      250,
      narrow,
      { members: 8, steps: 4000, batch: 64, rate: 0.06, ridge: 50 / 250 ** 2, decays: 2, patience: 20, bounds: true },
    ],
    [
      1999,
      narrow,
      { members: 8, steps: 4000, batch: 64, rate: 0.06, ridge: 50 / 1999 ** 2, decays: 2, patience: 20, bounds: true },
    ],
    [
      2000,
      narrow,
      { members: 8, steps: 4000, batch: 64, rate: 0.06, ridge: 50 / 2000 ** 2, decays: 1, patience: 20, bounds: true },
    ],
    [
      2236,
      narrow,
      { members: 8, steps: 4000, batch: 64, rate: 0.06, ridge: 50 / 2236 ** 2, decays: 1, patience: 20, bounds: true },
    ],
    [
      2237,
      narrow,
      { members: 8, steps: 4000, batch: 64, rate: 0.06, ridge: none, decays: 1, patience: 20, bounds: true },
    ],
    [
      4999,
      wide,
      {
        members: 8,
        steps: 4000,
        batch: 64,
        rate: (0.06 * 40) / 41,
        ridge: 50 / 4999 ** 2,
        decays: 1,
        patience: 20,
        bounds: true,
      },
    ],
    [
      5000,
      narrow,
      { members: 4, steps: 4000, batch: 64, rate: 0.06, ridge: none, decays: 1, patience: 20, bounds: false },
    ],
    [
      19999,
      wide,
      {
        members: 4,
        steps: 4000,
        batch: 64,
        rate: (0.06 * 40) / 41,
        ridge: 50 / 19999 ** 2,
        decays: 1,
        patience: 20,
        bounds: false,
      },
    ],
    [
      20000,
      narrow,
      { members: 4, steps: 10000, batch: 128, rate: 0.06, ridge: none, decays: 1, patience: 40, bounds: false },
    ],
    [
      20000,
      wide,
      {
        members: 4,
        steps: 5000,
        batch: 512,
        rate: 0.06 * Math.sqrt(40 / 41),
        ridge: 50 / 20000 ** 2,
        decays: 1,
        patience: 40,
        bounds: false,
      },
    ],
    [
      22360,
      wide,
      {
        members: 4,
        steps: 5000,
        batch: 512,
        rate: 0.06 * Math.sqrt(40 / 41),
        ridge: 50 / 22360 ** 2,
        decays: 1,
        patience: 40,
        bounds: false,
      },
    ],
    [
      22361,
      wide,
      {
        members: 4,
        steps: 5000,
        batch: 512,
        rate: 0.06 * Math.sqrt(40 / 41),
        ridge: 20 / 22361,
        decays: 1,
        patience: 40,
        bounds: false,
      },
    ],
  ])("of %i rows and %i inputs", (n, d, { rate, ridge, decays, ...same }) => {
    const auto = defaultsFor(n, d);
    expect(auto).toMatchObject(same);
    expect(auto.learningRate).toBeCloseTo(rate, 12);
    expect(auto.lambda).toBeCloseTo(ridge, 15);
    expect(auto.decays).toEqual(decays === 2 ? [1, 0.1] : [1]);
  });

  it("is less for a short search and more for a long one", () => {
    const of = (n: number, effort: "fast" | "best") => {
      const { members, steps, decays, patience } = defaultsFor(n, 5, effort);
      return [members, steps, decays.length, patience];
    };
    expect([100, 250, 5000, 20000].map((n) => of(n, "fast"))).toEqual([
      [8, 125, 1, 40],
      [2, 1000, 1, 40],
      [2, 1000, 1, 40],
      [2, 2500, 1, 40],
    ]);
    expect([100, 250, 2000, 5000, 20000].map((n) => of(n, "best"))).toEqual([
      [8, 1000, 2, 20],
      [8, 8000, 2, 20],
      [8, 8000, 2, 20],
      [8, 8000, 1, 20],
      [8, 20000, 1, 40],
    ]);
  });
});

describe("steps of wide tables", () => {
  const narrow = defaultsFor(50000, WIDE);
  const wide = defaultsFor(50000, 4 * WIDE);

  it("are of 512 rows from 20,000 rows on, at a rate that falls with the root of the inputs", () => {
    expect([narrow.batch, wide.batch]).toEqual([128, 512]);
    expect([narrow.learningRate, wide.learningRate]).toEqual([0.06, 0.03]);
  });

  it("are of as many rows as in narrow tables below, at a rate that falls with the inputs", () => {
    const few = defaultsFor(19999, 4 * WIDE);
    expect([few.batch, few.learningRate]).toEqual([64, 0.015]);
  });

  it("are short where shards share their scales, since relevance does not hold the inputs there", () => {
    const shard = defaultsFor(50000, 4 * WIDE, "default", true);
    expect([shard.batch, shard.learningRate]).toEqual([128, 0.06 / 16]);
  });
});

describe("training longer", () => {
  it.each([
    [127, "default", 0],
    [128, "default", 8],
    [249, "best", 8],
    [250, "default", 2],
    [1999, "best", 2],
    [1999, "fast", 0],
    [2000, "best", 0],
  ] as const)("of %i rows, effort %s, takes %i times the steps, or is not tried", (n, effort, times) => {
    expect(defaultsFor(n, 3, effort).longer).toBe(times);
  });

  it("has the rate of larger tables, which falls with the inputs of wide ones", () => {
    expect(defaultsFor(200, 4 * WIDE)).toMatchObject({ learningRate: 0.01, longerRate: 0.015 });
  });
});
