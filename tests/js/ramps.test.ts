// Ramps: inputs that rise over one stretch of a column each, where large wide tables, or the user, want them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { rampsFor } from "../../js/defaults.js";
import { type FitOptions, fit, load, merge, type Progress, stringifyModel } from "../../js/index.js";
import { rampsOf } from "../../js/ramps.js";
import { WIDE } from "../../js/relevance.js";
import type { Schema } from "../../js/schema.js";
import { generator } from "./oracle.js";

const f = Math.fround;
const ascending = (values: number[]) => Float32Array.from(values).sort();
/** A ramp's input at v, in float32 as the model computes it. */
const at = ({ input }: ReturnType<typeof rampsOf>[number], v: number) =>
  Math.max(-50, Math.min(50, f(f(f(v) - input.center) * input.scale)));

describe("the ramps of a column", () => {
  const counts = (n: number, of: (k: number) => number) => ascending(Array.from({ length: n }, (_, k) => of(k)));
  test.each<[string, Float32Array, number]>([
    ["are four, one a quarter of the rows but for the last twentieth", counts(400, (k) => k), 4],
    ["are none where all values are one", counts(50, () => 3), 0],
    ["are none of eight values", counts(800, (k) => k % 8), 0],
    ["are four of nine", counts(900, (k) => k % 9), 4],
    ["are fewer where quartiles meet", counts(400, (k) => (k < 250 ? 0 : k)), 2],
    ["are none between values too close for float32", counts(64, (k) => k * 1e-42), 0],
    ["span what float32 spans", counts(64, (k) => (k - 31.5) * 1e37), 4],
  ])("%s", (_, values, expected) => {
    const ramps = rampsOf(3, values);
    expect(ramps).toHaveLength(expected);
    for (const { input, shift, factor } of ramps) {
      expect(input).toMatchObject({ feature: 3, transform: "linear", center: f(input.center), scale: f(input.scale) });
      expect([shift, factor].every(Number.isFinite) && factor > 0).toBe(true);
    }
  });

  test("rise from -50 to 50 over their own stretch and stand still elsewhere; in their unit they have mean 0 and variance 1", () => {
    const random = generator(4);
    const values = ascending(Array.from({ length: 1001 }, () => random() ** 3 * 70));
    const ends = [0, 250, 500, 750, 950].map((k) => values[k]);
    const ramps = rampsOf(0, values);
    ramps.forEach((ramp, k) => {
      for (const [end, value] of ends.entries()) expect(at(ramp, value)).toBeCloseTo(end <= k ? -50 : 50, 4);
      const seen = Array.from(values, (v) => (at(ramp, v) - ramp.shift) * ramp.factor);
      const mean = seen.reduce((a, b) => a + b) / seen.length;
      expect(mean).toBeCloseTo(0, 5);
      expect(seen.reduce((a, b) => a + (b - mean) ** 2, 0) / seen.length).toBeCloseTo(1, 5);
    });
  });

  test("never fall, on any two float32 numbers", () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(float, { minLength: 9, maxLength: 60 }), float, float, (values, a, b) => {
        for (const ramp of rampsOf(0, ascending(values)))
          expect(at(ramp, Math.min(a, b))).toBeLessThanOrEqual(at(ramp, Math.max(a, b)));
      }),
    );
  });
});

describe("ramps by themselves", () => {
  const hyper = { epochs: "auto", validation: "auto" };
  const schema = (d: number, more: object = {}) =>
    ({
      features: new Array(d).fill({ kind: "number", missing: "error", transform: "auto" }),
      effort: "default",
      hyper,
      ...more,
    }) as unknown as Schema;
  const best = { effort: "best" };
  const all = Number.POSITIVE_INFINITY;
  test.each<[string, number, Schema, boolean, number[]]>([
    ["come with large wide tables", 20000, schema(WIDE + 1), false, [WIDE + 1]],
    ["do not with narrow ones", 20000, schema(WIDE), false, [0]],
    ["nor with fewer rows", 19999, schema(WIDE + 1), false, [0]],
    ["nor where shards share a scaling", 20000, schema(WIDE + 1), true, [0]],
    [
      "count categories and indicators as inputs",
      20000,
      schema(1, { features: [{ categories: new Array(WIDE), missing: "indicator" }] }),
      false,
      [WIDE + 1],
    ],
    ["nor with Sill's network alone", 20000, schema(WIDE + 1, { hyper: { ...hyper, networks: 1 } }), false, [0]],
    ["are tried where the search may take long", 250, schema(3, best), false, [all, 0]],
    [
      "are not where no column may have any",
      250,
      schema(3, { ...best, features: [{ kind: "category", categories: ["a"] }] }),
      false,
      [0],
    ],
    ["are not where rows are few", 249, schema(3, best), false, [0]],
    ["are not where epochs are given", 250, schema(3, { ...best, hyper: { ...hyper, epochs: 5 } }), false, [0]],
    [
      "are not where no row is left out to tell",
      250,
      schema(3, { ...best, hyper: { ...hyper, validation: 0 } }),
      false,
      [0],
    ],
  ])("%s", (_, n, options, shared, expected) => {
    expect(rampsFor(n, options, shared)).toEqual(expected);
  });
});

describe("a fit with ramps", () => {
  const random = generator(11);
  /** Steps at 3 and 7 of a column, a slope in another. */
  const rows = Array.from({ length: 600 }, () => {
    const [a, b, c] = [10 * random(), 10 * random(), Math.floor(4 * random())];
    return { a, b, c, y: (a > 3 ? 4 : 0) + (a > 7 ? 6 : 0) - b + c + 0.2 * random() };
  });
  const options = (transform: "ramps" | "auto", more: object = {}): FitOptions => ({
    target: "y",
    features: {
      a: { constraint: "increasing", transform },
      b: { constraint: "decreasing", transform },
      c: { constraint: "increasing", transform },
    },
    epochs: 40,
    members: 2,
    ...more,
  });
  const fitted = fit(rows, options("ramps"));

  test("has the feature's own input and one a stretch, none of a column of few values", async () => {
    const { inputs } = (await fitted).toJSON();
    const of = (feature: number) => inputs.filter((input) => input.feature === feature).length;
    expect([of(0), of(1), of(2)]).toEqual([5, 5, 1]);
  });

  test("bends where the rows do, and keeps every promise: certified, bits, derivatives, contributions", async () => {
    const model = await fitted;
    expect(model.certify().monotone).toBe(true);
    const again = load(stringifyModel(model));
    expect(again.predictMany(rows)).toEqual(model.predictMany(rows));
    for (const row of rows.slice(0, 100)) {
      const { baseline, contributions, prediction } = model.explain(row);
      const sum = Object.values(contributions).reduce((a, b) => a + b, baseline);
      expect(sum).toBeCloseTo(prediction, 4);
      const slopes = model.sensitivity(row);
      expect(slopes.a >= 0 && slopes.b <= 0 && slopes.c >= 0).toBe(true);
    }
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 599 }), fc.float({ min: -20, max: 30, noNaN: true }), (r, a) => {
        const [low, high] = [Math.min(a, rows[r].a), Math.max(a, rows[r].a)];
        expect(model.predict({ ...rows[r], a: low })).toBeLessThanOrEqual(model.predict({ ...rows[r], a: high }));
      }),
    );
  });

  test.each([
    [3, 3],
    [WIDE + 1, 0],
  ])(
    "of a large wide table has them where they do not double the inputs: %i columns of many values",
    async (many, ramped) => {
      const names = Array.from({ length: WIDE + 1 }, (_, f) => `x${f}`);
      const column = (f: number) =>
        Float32Array.from({ length: 20000 }, () => (f < many ? random() : Math.round(random())));
      const columns = Object.fromEntries([...names.map((name, f) => [name, column(f)]), ["y", column(0)]]);
      const { inputs } = (await fit(columns, { target: "y", epochs: 1, members: 1 })).toJSON();
      expect(inputs).toHaveLength(names.length + 4 * ramped);
    },
  );

  test("lowers the error on left-out rows where the target has steps, and predicts as well as it says", async () => {
    // one member that leaves rows out, so the held-out score is of the model itself
    const { heldOut } = (await fit(rows, options("ramps", { members: 1 }))).training;
    const without = (await fit(rows, options("auto", { members: 1 }))).training.heldOut;
    expect(heldOut?.model.rmse).toBeLessThan(0.9 * (without?.model.rmse ?? 0));
    // and on the training rows the model is as good as its held-out score promises
    const predicted = (await fitted).predictMany(rows);
    const rmse = Math.sqrt(rows.reduce((sum, { y }, r) => sum + (predicted[r] - y) ** 2, 0) / rows.length);
    expect(rmse).toBeLessThan(1.2 * (heldOut?.model.rmse ?? 0));
  });

  test("works beside logarithms, missing values, quantiles, and merges with a fit without", async () => {
    const skewed = rows.map((row, r) => ({ ...row, a: r % 9 ? Math.exp(row.a) : null, b: r % 7 ? row.b : null }));
    const model = await fit(skewed, {
      target: "y",
      features: {
        a: { constraint: "increasing", transform: "ramps", missing: "median" },
        b: { constraint: "free", transform: "ramps", missing: "indicator" },
      },
      loss: { quantiles: [0.1, 0.9] },
      epochs: 5,
      members: 2,
    });
    const { inputs } = model.toJSON();
    expect(inputs.map((input) => input.transform)).toContain("missing");
    expect(inputs.at(-1)?.transform).toBe("level");
    expect(model.quantile({ a: null, b: 3 }, 0.9)).toBeGreaterThan(model.quantile({ a: null, b: 3 }, 0.1));
    const plain = await fit(rows, options("auto"));
    const both = merge([await fitted, plain]);
    const [one, other] = [(await fitted).predictMany(rows), plain.predictMany(rows)];
    both.predictMany(rows).forEach((v, r) => {
      expect(v).toBeCloseTo((one[r] + other[r]) / 2, 3);
    });
  });

  test("has the same bytes from rows or columns, by one thread or two", async () => {
    const columns = Object.fromEntries((["a", "b", "c", "y"] as const).map((k) => [k, rows.map((row) => row[k])]));
    const text = stringifyModel(await fitted);
    expect(stringifyModel(await fit(columns, options("ramps")))).toBe(text);
    expect(stringifyModel(await fit(rows, options("ramps", { threads: 2 })))).toBe(text);
  });

  test.each(["squared", "absolute", "poisson", { quantiles: [0.2, 0.7] }] as const)(
    "is compared with the linear fit of the columns themselves, to the last bit: %j",
    async (loss) => {
      const score = async (transform: "ramps" | "linear") => {
        const given = { constraint: "increasing", transform } as const;
        const features = { a: given, b: { ...given, constraint: "free" }, c: given } as const;
        const above = rows.map((row) => ({ ...row, y: row.y + 20 }));
        return (await fit(above, { target: "y", features, loss, members: 2, epochs: 2 })).training.heldOut?.linear;
      };
      expect(await score("ramps")).toEqual(await score("linear"));
    },
  );

  test("is not tried by the longer search where no column may have some: one fit, not two", async () => {
    const few = rows.slice(0, 260).map((row) => ({ ...row, a: Math.floor(row.a / 2) }));
    for (const [b, fits] of [
      [{ constraint: "decreasing", transform: "ramps" }, 1],
      [{ constraint: "decreasing", transform: "linear" }, 1],
      ["decreasing", 2],
    ] as const) {
      const shares: number[] = [];
      const onProgress = (p: Progress) => void shares.push(p.epoch / p.epochs);
      await fit(few, { target: "y", features: { a: "increasing", b }, effort: "best", members: 1, onProgress });
      // the first of 40 looks; two ridges, and twice the steps, may be tried each time
      expect(shares[0]).toBeCloseTo(1 / (fits * 4 * 40), 10);
      expect(shares.at(-1)).toBe(1);
    }
  });

  test("is taken by the longer search where left-out rows gain by it, and not where they do not", async () => {
    const features = { a: "increasing", b: "decreasing", c: "increasing" } as const;
    const search = { target: "y", features, effort: "best", members: 2 } as const;
    const events: number[] = [];
    const few = rows.slice(0, 300);
    const stepped = await fit(
      few.map((row) => ({ ...row, y: Math.floor(row.a / 2.5) - Math.floor(row.b / 2.5) + row.c })),
      {
        ...search,
        onProgress: ({ epoch, epochs }) => {
          events.push(epoch / epochs);
        },
      },
    );
    expect(stepped.toJSON().inputs.length).toBeGreaterThan(3);
    expect(events).toEqual(events.slice().sort((p, q) => p - q));
    expect(events.at(-1)).toBeCloseTo(1, 6);
    const straight = few.map((row) => ({ ...row, y: row.a - row.b + row.c + random() }));
    expect((await fit(straight, search)).toJSON().inputs).toHaveLength(3);
  });
});
