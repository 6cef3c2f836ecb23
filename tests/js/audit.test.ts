// The audit of predictors whose derivatives are known: what share of signs is wrong, where, by how much; and of trees, which have none.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnyPredictor, audit } from "../../js/audit.js";
import { drawMoves } from "../../js/auditprobe.js";
import { makeModel } from "../../js/model.js";
import { uniform } from "../../js/random.js";
import { everyKind, generator, makeRows } from "./oracle.js";

/** A predictor from a function of one row. */
const of =
  (f: (x: number[]) => number): AnyPredictor =>
  (rows, n, d) =>
    Float64Array.from({ length: n }, (_, r) => f([...rows.subarray(r * d, (r + 1) * d)]));

/** n rows of d numbers in [0, 4]. */
const rowsOf = (n: number, d: number, seed: number) => {
  const random = generator(seed);
  return Float64Array.from({ length: n * d }, () => 4 * random());
};
const column = (rows: Float64Array, f: number, d: number) =>
  Array.from({ length: rows.length / d }, (_, r) => rows[r * d + f]);

test("a step that vanishes beside its value counts as not asked, rather than as right", async () => {
  const falls = (x: Float64Array, n: number, d: number) => Float64Array.from({ length: n }, (_, r) => -x[r * d]);
  const given = Array.from({ length: 20 }, (_, r) => ({ a: 1 + (r % 5) }));
  const { checked, wrong, pairs } = await audit(falls, given, { a: 1 }, { step: 1e-20 });
  expect([checked, wrong, pairs.outOfOrder]).toEqual([0, 0, pairs.checked]);
});

test("predictions whose squares overflow are judged like others", async () => {
  const falls = (x: Float64Array, n: number, d: number) =>
    Float64Array.from({ length: n }, (_, r) => -1e160 * x[r * d]);
  const given = Array.from({ length: 20 }, (_, r) => ({ a: 1 + (r % 5) }));
  const { checked, wrong, pairs } = await audit(falls, given, { a: 1 });
  expect([checked, wrong, pairs.outOfOrder]).toEqual([20, 1, pairs.checked]);
});

describe("drawMoves", () => {
  test("moves the features asked for, where that is their way, and nothing else", () => {
    const row = fc.array(fc.constantFrom(0, 1, 2, Number.NaN), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 6 }),
        fc.subarray([0, 1, 2, 3]),
        fc.integer({ min: 1, max: 99 }),
        (rows, which, seed) => {
          const signs = [1, -1, 1, -1];
          const { from, values } = drawMoves(Float64Array.from(rows.flat()), signs, which, 20, uniform(seed));
          expect(values.length).toBe(4 * from.length);
          expect(from.length).toBeLessThanOrEqual(20);
          from.forEach((a, k) => {
            const moved = [0, 1, 2, 3].filter((f) => !Object.is(values[4 * k + f], rows[a][f]));
            expect(moved.length).toBeGreaterThan(0);
            for (const f of moved) {
              expect(which).toContain(f);
              expect((values[4 * k + f] - rows[a][f]) * signs[f]).toBeGreaterThan(0);
            }
            // all at once to the values of one other row
            const as = (b: number[]) =>
              which.every((f) => values[4 * k + f] === b[f] || !((b[f] - rows[a][f]) * signs[f] > 0));
            expect(rows.some((b) => as(b) && moved.every((f) => values[4 * k + f] === b[f]))).toBe(true);
          });
        },
      ),
    );
  });
});

describe("audit", () => {
  test("finds the share, size and place of wrong derivatives that are known", async () => {
    // derivatives 2a - 2 (wrong below 1), -1 - b (never), 5 - 2c (of a free feature)
    const rows = rowsOf(1000, 3, 1);
    const report = await audit(
      of(([a, b, c]) => a * a - 2 * a - b - (b * b) / 2 + 5 * c - c * c),
      rows,
      {
        a: "increasing",
        b: -1,
        c: "free",
      },
    );
    const a = column(rows, 0, 3);
    const wrong = a.filter((v) => v < 1);
    const [first, second, third] = report.features;
    // the finite difference is centred, so exact for squares; but at the ends of the range one-sided, by a step of 0.01 sd
    expect(Math.abs(first.wrong - wrong.length / 1000)).toBeLessThanOrEqual(0.002);
    expect(first.size).toBeCloseTo(wrong.reduce((sum, v) => sum + 2 - 2 * v, 0) / wrong.length, 1);
    expect(first.mean).toBeCloseTo(a.reduce((sum, v) => sum + 2 * v - 2, 0) / 1000, 3);
    expect(second).toMatchObject({ constraint: "decreasing", wrong: 0, size: 0, wrongOnAverage: false, checked: 1000 });
    expect(second.pairs).toMatchObject({ outOfOrder: 0, largest: 0 });
    expect(third).toMatchObject({ constraint: "free", wrong: 0, wrongOnAverage: false });
    expect(third.pairs.checked).toBe(0);
    expect(report.checked).toBe(2000);
    expect(report.wrong).toBeCloseTo(first.wrong / 2, 12);
    const order = [...a.keys()].sort((x, y) => a[x] - a[y]);
    expect(report.worst.map(({ row }) => row)).toEqual(order.slice(0, 5));
    expect(report.worst[0]).toMatchObject({ feature: "a" });
    expect(report.worst[0].derivative).toBeCloseTo(2 * a[order[0]] - 2, 1);
    expect(report.statement).toMatch(
      /^\d+ of 2000 \(\d+\.\d %\) partial derivatives have the wrong sign; \d+ of 2000 /,
    );
  });

  test("says which features are wrong on average", async () => {
    const { features } = await audit(
      of(([a, b]) => -0.1 * a + b),
      rowsOf(50, 2, 2),
      { a: 1, b: 1 },
    );
    expect(features.map((f) => f.wrongOnAverage)).toEqual([true, false]);
    expect(features.map((f) => f.wrong)).toEqual([1, 0]);
  });

  test("moves find what trees do, whose slopes are 0", async () => {
    // one step, down at 2: every move of a from below 2 to above it is out of order, by 3
    const rows = rowsOf(400, 2, 3);
    const report = await audit(
      of(([a, b]) => (a < 2 ? 3 : 0) + (b > 1 ? 1 : 0)),
      rows,
      { a: 1, b: 1 },
      { pairs: 5000 },
    );
    const [a, b] = report.features;
    // two values drawn at random and put in order straddle 2 in half of the cases
    const below = column(rows, 0, 2).filter((v) => v < 2).length / 400;
    expect(a.pairs.outOfOrder / a.pairs.checked).toBeCloseTo(2 * below * (1 - below), 1);
    expect(a.pairs.largest).toBeCloseTo(3, 12);
    expect(a.wrong).toBeLessThan(0.02);
    expect(b.pairs).toMatchObject({ checked: 5000, outOfOrder: 0 });
    expect(report.pairs.outOfOrder).toBeGreaterThan(500);
    expect(report.pairs.largest).toBeLessThanOrEqual(3);
  });

  test("moves together are ordered pairs: one row at least the other in every constrained feature, equal in the others", async () => {
    const signs = [1, -1, 0];
    const seen: Float64Array[] = [];
    const rows = rowsOf(60, 3, 4);
    await audit(
      (x, n) => {
        seen.push(x.slice());
        return new Float64Array(n);
      },
      rows,
      { a: 1, b: -1, c: 0 },
      { pairs: 300 },
    );
    const pairs = seen[seen.length - 1];
    expect(pairs.length).toBe(3 * 300);
    const sources = Array.from({ length: 60 }, (_, r) => [...rows.subarray(3 * r, 3 * r + 3)]);
    for (let k = 0; k < 300; k++) {
      const row = [...pairs.subarray(3 * k, 3 * k + 3)];
      // the free feature is continuous, so it names the row that the pair began with
      const from = sources.find((source) => source[2] === row[2]) as number[];
      expect(row).not.toEqual(from);
      row.forEach((v, f) => {
        expect((v - from[f]) * (signs[f] || 0)).toBeGreaterThanOrEqual(0);
      });
    }
  });

  test("takes supplied derivatives instead of differences", async () => {
    const rows = rowsOf(100, 2, 5);
    let calls = 0;
    const report = await audit(
      (x, n, d) => {
        calls++;
        return of(([a, b]) => Math.sin(3 * a) + b)(x, n, d);
      },
      rows,
      { a: 1, b: 1 },
      {
        pairs: 0,
        derivatives: (x, n, d) =>
          Float64Array.from({ length: n * d }, (_, k) => (k % 2 === 0 ? 3 * Math.cos(3 * x[k]) : 1)),
      },
    );
    expect(calls).toBe(1);
    expect(report.features[0].wrong).toBe(column(rows, 0, 2).filter((a) => Math.cos(3 * a) < 0).length / 100);
    expect(report.pairs).toEqual({ checked: 0, outOfOrder: 0, largest: 0 });
    expect(report.statement).not.toContain("pairs");
  });

  test("differences of analytic functions agree with supplied derivatives, whatever the function", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0.2, max: 3, noNaN: true }),
        async (seed, w) => {
          const rows = rowsOf(150, 2, seed);
          const f = of(([a, b]) => Math.sin(w * a) + a * b - b);
          const derivatives = (x: Float64Array, n: number, d: number) =>
            Float64Array.from({ length: n * d }, (_, k) =>
              k % 2 === 0 ? w * Math.cos(w * x[k]) + x[k + 1] : x[k - 1] - 1,
            );
          const constraints = { a: "decreasing", b: "increasing" } as const;
          const one = await audit(f, rows, constraints, { pairs: 0, step: 0.001 });
          const other = await audit(f, rows, constraints, { pairs: 0, derivatives });
          one.features.forEach((feature, k) => {
            expect(Math.abs(feature.wrong - other.features[k].wrong)).toBeLessThanOrEqual(2 / 150);
            expect(feature.mean).toBeCloseTo(other.features[k].mean, 2);
          });
        },
      ),
      { numRuns: 25, seed: 6 },
    );
  });

  test("finds nothing in any model of isotone: not a derivative, not a pair", async () => {
    for (const data of Object.values(everyKind())) {
      const model = makeModel(data);
      const rows = Float64Array.from(makeRows(data, 120, 6));
      const report = await audit(
        (x) => model.predictMany(Float64Array.from(x, Math.fround)),
        rows,
        new Map(data.features.map(({ name, constraint }) => [name, constraint])),
        { pairs: 200, tolerance: 0, missing: "pass" },
      );
      expect(report.wrong).toBe(0);
      expect(report.pairs.outOfOrder).toBe(0);
      expect(report.features.every((f) => f.pairs.outOfOrder === 0)).toBe(true);
      expect(report.checked).toBeGreaterThan(0);
    }
  });

  test("takes rounding for nothing: float32 predictions of a flat function are not out of order", async () => {
    const noisy = of(([a]) => Math.fround(1e6 + a * 1e-3));
    const flat = of(([a]) => Math.fround(1e6) + (Math.sin(1e7 * a) > 0 ? 0.0625 : 0));
    const rows = rowsOf(200, 1, 7);
    expect((await audit(noisy, rows, { a: -1 })).wrong).toBe(0);
    expect((await audit(flat, rows, { a: 1 })).pairs.outOfOrder).toBe(0);
    expect((await audit(flat, rows, { a: 1 }, { tolerance: 0 })).pairs.outOfOrder).toBeGreaterThan(0);
  });

  test("stays within the range of the rows, so that nobody is asked about what does not occur", async () => {
    const rows = rowsOf(100, 2, 8);
    const [low, high] = [Math.min(...column(rows, 0, 2)), Math.max(...column(rows, 0, 2))];
    await audit(
      (x, n) => {
        for (let k = 0; k < x.length; k += 2) {
          expect(x[k]).toBeGreaterThanOrEqual(low);
          expect(x[k]).toBeLessThanOrEqual(high);
        }
        return new Float64Array(n);
      },
      rows,
      { a: 1, b: 1 },
    );
  });

  test("passes missing numbers on where told to, and does not test them", async () => {
    const rows = [
      { a: 1, b: 2 },
      { a: null, b: 3 },
      { a: 4, b: Number.NaN },
    ];
    await expect(
      audit(
        of(() => 0),
        rows,
        { a: 1, b: 1 },
      ),
    ).rejects.toThrow('row 1: "a" is missing (null)');
    const report = await audit(
      of(([a, b]) => (Number.isNaN(a) ? 0 : -a) + (Number.isNaN(b) ? 0 : b)),
      rows,
      { a: 1, b: 1 },
      { missing: "pass" },
    );
    expect(report.features.map((f) => [f.checked, f.wrong])).toEqual([
      [2, 1],
      [2, 0],
    ]);
  });

  test("supplied derivatives of missing values are not looked at, and those that change no prediction count as 0", async () => {
    // a varies by about 1 and pushes the prediction by 1e-9 of it; c is constant, so a step of one is what its slope is judged by
    const rows = Array.from({ length: 40 }, (_, r) => ({ a: r % 4 === 3 ? null : r % 3, b: r % 5, c: 7 }));
    const slopes = [-1e-9, 1, -1];
    const asked = { missing: "pass", derivatives: (x: Float64Array) => x.map((_, k) => slopes[k % 3]) } as const;
    const { features, checked } = await audit(
      of(([, b, c]) => b + c),
      rows,
      { a: 1, b: 1, c: 1 },
      asked,
    );
    expect(features.map((f) => [f.checked, f.wrong, f.mean])).toEqual([
      [30, 0, 0],
      [40, 0, 1],
      [40, 1, -1],
    ]);
    expect(checked).toBe(110);
  });

  test("a column without a single value has nothing to look at, and leaves the others as they are", async () => {
    const rows = Array.from({ length: 30 }, (_, r) => ({ a: null, b: r % 7 }));
    const { features, pairs } = await audit(
      of(([, b]) => -b),
      rows,
      { a: 1, b: 1 },
      { missing: "pass" },
    );
    expect(features.map((f) => [f.checked, f.wrong, f.pairs.checked > 0])).toEqual([
      [0, 0, false],
      [30, 1, true],
    ]);
    expect(pairs.outOfOrder).toBe(pairs.checked);
  });

  test("shares below a tenth of a percent have three decimals", async () => {
    const rows = Float64Array.from({ length: 2000 }, (_, r) => r);
    const derivatives = (x: Float64Array) => x.map((v) => (v === 7 ? -1 : 1));
    const { statement } = await audit(
      of(([a]) => a),
      rows,
      { a: 1 },
      { pairs: 0, derivatives },
    );
    expect(statement).toBe("1 of 2000 (0.050 %) partial derivatives have the wrong sign");
  });

  test("is the same from objects, columns, arrays and typed arrays, and twice", async () => {
    const flat = rowsOf(40, 2, 9);
    const arrays = Array.from({ length: 40 }, (_, r) => [flat[2 * r], flat[2 * r + 1]]);
    const objects = arrays.map(([a, b]) => ({ b, a }));
    const columns = { a: column(flat, 0, 2), b: column(flat, 1, 2) };
    const f = of(([a, b]) => Math.sin(2 * a) * b);
    const want = await audit(f, flat, { a: 1, b: 1 });
    for (const rows of [objects, columns, arrays, flat]) expect(await audit(f, rows, { a: 1, b: 1 })).toEqual(want);
    expect(await audit(f, flat, { a: 1, b: 1 }, { seed: 1 })).toEqual(want);
    for (const seed of [0, 2]) expect(await audit(f, flat, { a: 1, b: 1 }, { seed })).not.toEqual(want);
  });

  test("hands rows over in the order of a Map, even for names that objects put first", async () => {
    let first: number[] = [];
    await audit(
      (x, n) => {
        first = first.length > 0 ? first : [...x.subarray(0, 2)];
        return new Float64Array(n);
      },
      [{ 7: 70, b: 1 }],
      new Map([
        ["b", 1],
        ["7", 1],
      ] as const),
    );
    expect(first).toEqual([1, 70]);
  });

  const one = [{ a: 1 }];
  test.each([
    [5, one, { a: 1 }, {}, TypeError, '"predict" expected a function'],
    [of(() => 0), one, {}, {}, RangeError, "at least one feature"],
    [of(() => 0), one, null, {}, TypeError, '"constraints" expected an object or a Map'],
    [of(() => 0), one, { a: "up" }, {}, RangeError, '"constraints.a" expected "increasing", "decreasing"'],
    [of(() => 0), [], { a: 1 }, {}, RangeError, '"rows" expected at least one row'],
    [of(() => 0), one, { b: 1 }, {}, RangeError, 'no column "b"'],
    [of(() => 0), [{ a: "x" }], { a: 1 }, {}, TypeError, 'row 0: "a" expected a number'],
    [
      of(() => 0),
      Float64Array.of(1, 2, 3, 4, 5, Number.NaN, 7, 8),
      { a: 1, b: 1 },
      {},
      RangeError,
      'row 2: "b" is NaN',
    ],
    [of(() => 0), new Float32Array(3), { a: 1, b: 1 }, {}, RangeError, "a multiple of 2"],
    [of(() => Number.NaN), one, { a: 1 }, {}, RangeError, '"predict: prediction 0" expected a finite number, got NaN'],
    [() => [1, 2], one, { a: 1 }, {}, RangeError, '"predict" expected 1 predictions, got 2'],
    [() => undefined, one, { a: 1 }, {}, TypeError, '"predict" expected 1 predictions, got undefined'],
    [of(() => 0), one, { a: 1 }, { step: 0 }, RangeError, "options.step"],
    [of(() => 0), one, { a: 1 }, { pairs: -1 }, RangeError, "options.pairs"],
    [of(() => 0), one, { a: 1 }, { tolerance: -1 }, RangeError, "options.tolerance"],
    [of(() => 0), one, { a: 1 }, { derivatives: () => [1, 2] }, RangeError, "options.derivatives"],
    [
      of(() => 0),
      one,
      { a: 1 },
      { derivatives: () => [Infinity] },
      RangeError,
      '"options.derivatives: row 0, a" expected a finite number',
    ],
    [of(() => 0), [[1, 2], [3]], { a: 1, b: 1 }, {}, RangeError, '"rows[1]" expected 2 values, got 1'],
    [of(() => 0), [[1, 2], null], { a: 1, b: 1 }, {}, RangeError, '"rows[1]" expected 2 values, got null'],
    [of(() => 0), one, { a: 1 }, { missing: "skip" }, RangeError, "options.missing"],
  ])("refuses %#", async (predict, rows, constraints, options, kind, text) => {
    const call = () => audit(predict as AnyPredictor, rows as never, constraints as never, options as never);
    await expect(call()).rejects.toThrow(kind);
    await expect(call()).rejects.toThrow(text);
  });
});
