import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Encoded, encodeRow, encodeRows, rowReader } from "../../js/rows.js";
import { numericColumn, readTable } from "../../js/table.js";

const scan: Encoded = { name: "scan", kind: "number", missing: "error" };
const load: Encoded = { name: "load", kind: "number", missing: "median" };
const city: Encoded = { name: "city", kind: "category", categories: ["Bergen", "Oslo"], missing: "error" };
const place: Encoded = {
  name: "city",
  kind: "category",
  categories: ["Bergen", "Oslo"],
  missing: "indicator",
  unknown: "Oslo",
};

function failure(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return "no error";
}

describe("rows", () => {
  it("become the same numbers as objects, columns, arrays and a row-major typed array", () => {
    const features = [scan, city, load];
    const expected = Float32Array.of(1, 1, Number.NaN, 2.5, 0, 7);
    const objects = [
      { scan: 1, city: "Oslo", load: null },
      { load: 7, city: "Bergen", scan: 2.5, other: "ignored" },
    ];
    expect(encodeRows(objects, features)).toEqual(expected);
    expect(
      encodeRows(
        { scan: Float64Array.of(1, 2.5), city: ["Oslo", "Bergen"], load: Float32Array.of(Number.NaN, 7) },
        features,
      ),
    ).toEqual(expected);
    expect(
      encodeRows(
        [
          [1, "Oslo", undefined],
          [2.5, 0, 7],
        ],
        features,
      ),
    ).toEqual(expected);
    expect(encodeRows(Float64Array.of(1, 1, Number.NaN, 2.5, 0, 7), features)).toEqual(expected);
  });

  it.each([
    ["a Map", new Map([["load", 1]])],
    ["a promise", Promise.resolve({ load: 1 })],
    ["a date", new Date(0)],
    ["a set", new Set([1])],
  ])("are no rows in %s, though every column may be missing", (_, row) => {
    const message = /^TypeError: "(row|rows\[1\])" expected an object of values by column name, got a value of type /;
    expect(failure(() => encodeRow(row, [load], new Float32Array(1)))).toMatch(message);
    expect(failure(() => encodeRows([{}, row], [load]))).toMatch(message);
    // nor a table without columns
    for (const read of [() => encodeRows(row as object as [], [load]), () => readTable(row as object as [])])
      expect(failure(read)).toMatch(
        /^TypeError: "rows" expected an array of objects or an object of columns, got a value of type /,
      );
    class Job {
      get load() {
        return undefined;
      }
    }
    expect(encodeRows([{}, new Job(), Object.create(null), { load: undefined }], [load])).toEqual(
      new Float32Array(4).fill(Number.NaN),
    );
  });

  it("pass a row-major Float32Array through without a copy", () => {
    const data = Float32Array.of(1, 2, 3, 4);
    expect(encodeRows(data, [scan, load])).toBe(data);
  });

  it("are never copied when they are Float64Array columns", () => {
    const y = Float64Array.of(1, 2, 3);
    expect(readTable({ y }).column("y")).toBe(y);
    expect(numericColumn(readTable({ y }), "y")).toBe(y);
  });

  it("are rounded to the nearest float32 whichever way they come", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, min: -3.4e38, max: 3.4e38 }), { minLength: 1 }), (values) => {
        const expected = Float32Array.from(values);
        expect(
          encodeRows(
            values.map((v) => ({ scan: v })),
            [scan],
          ),
        ).toEqual(expected);
        expect(encodeRows({ scan: values }, [scan])).toEqual(expected);
        expect(encodeRows({ scan: Float64Array.from(values) }, [scan])).toEqual(expected);
        expect(encodeRows(Float64Array.from(values), [scan])).toEqual(expected);
      }),
    );
  });

  it("can be read in any pieces", () => {
    const n = 5000;
    const columns = {
      scan: Float64Array.from({ length: n }, (_, i) => i),
      load: Int32Array.from({ length: n }, (_, i) => -i),
    };
    const whole = encodeRows(columns, [scan, load]);
    const reader = rowReader(columns, [scan, load]);
    const pieces = new Float32Array(2 * n);
    for (let from = 0; from < n; from += 777) reader.read(from, Math.min(n, from + 777), pieces.subarray(2 * from));
    expect(pieces).toEqual(whole);
    expect(whole[2 * n - 1]).toBe(1 - n);
  });

  it("may have columns called like what every object inherits", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const features = names.map((name): Encoded => ({ name, kind: "number", missing: "error" }));
    const row = Object.fromEntries(names.map((name, i) => [name, i]));
    expect(encodeRows([row], features)).toEqual(Float32Array.of(0, 1, 2, 3));
    expect(encodeRows(Object.fromEntries(names.map((name, i) => [name, [i]])), features)).toEqual(
      Float32Array.of(0, 1, 2, 3),
    );
    for (const feature of features)
      expect(failure(() => encodeRows([{}], [feature]))).toBe(`TypeError: row 0: "${feature.name}" is missing`);
  });

  it("may have any column name", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 5 }), (names) => {
        const features = names.map((name): Encoded => ({ name, kind: "number", missing: "error" }));
        const row = Object.fromEntries(names.map((name, i) => [name, i]));
        expect(encodeRows([row], features)).toEqual(Float32Array.from(names, (_, i) => i));
      }),
    );
  });

  it("take the named fallback for an unknown category", () => {
    expect(encodeRows([{ city: "Rome" }, { city: null }], [place])).toEqual(Float32Array.of(1, Number.NaN));
  });

  it("match categories that are numbers or booleans by their text", () => {
    const size: Encoded = { name: "size", kind: "category", categories: ["10", "9", "true"], missing: "error" };
    expect(encodeRows([{ size: 9 }, { size: "10" }, { size: true }], [size])).toEqual(Float32Array.of(1, 0, 2));
  });

  const wrong: [string, unknown, Encoded, string][] = [
    ["NaN", [{ scan: 1 }, { scan: Number.NaN }], scan, `RangeError: row 1: "scan" is NaN`],
    ["NaN in a Float64Array", { scan: Float64Array.of(1, Number.NaN) }, scan, `RangeError: row 1: "scan" is NaN`],
    ["NaN in a Float32Array", { scan: Float32Array.of(1, Number.NaN) }, scan, `RangeError: row 1: "scan" is NaN`],
    ["NaN in a row-major array", Float32Array.of(1, 2, Number.NaN), scan, `RangeError: row 2: "scan" is NaN`],
    [
      "Infinity, even where missing values are allowed",
      [{ load: Number.POSITIVE_INFINITY }],
      load,
      `RangeError: row 0: "load" is Infinity`,
    ],
    ["-Infinity", { scan: [Number.NEGATIVE_INFINITY] }, scan, `RangeError: row 0: "scan" is -Infinity`],
    [
      "a number beyond float32",
      [{ scan: 1e39 }],
      scan,
      `RangeError: row 0: "scan" is 1e+39, beyond float32 (largest 3.4e38)`,
    ],
    [
      "a string that looks like a number",
      [{ scan: "12" }],
      scan,
      'TypeError: row 0: "scan" expected a number, or { categories: "auto" } declared for it, got "12"',
    ],
    ["null", [{ scan: null }], scan, `TypeError: row 0: "scan" is missing (null)`],
    ["an absent value", [{}], scan, `TypeError: row 0: "scan" is missing`],
    ["an absent column", { other: [1] }, scan, 'RangeError: no column "scan" in the rows; columns: other'],
    [
      "a boolean",
      [{ scan: true }],
      scan,
      `TypeError: row 0: "scan" expected a number, or { categories: "auto" } declared for it, got true`,
    ],
    [
      "a big integer",
      [{ scan: 5n }],
      scan,
      `TypeError: row 0: "scan" expected a number, or { categories: "auto" } declared for it, got 5n`,
    ],
    [
      "a date",
      [{ scan: new Date(0) }],
      scan,
      `TypeError: row 0: "scan" expected a number, or { categories: "auto" } declared for it, got a value of type Date`,
    ],
    [
      "an unknown category",
      [{ city: "Oslo" }, { city: "Rome" }],
      city,
      'RangeError: unknown category "Rome" for "city" (row 1); known: Bergen, Oslo',
    ],
    ["a missing category", [{ city: null }], city, 'TypeError: row 0: "city" is missing (null)'],
    [
      "a category that is an object",
      [{ city: {} }],
      city,
      'TypeError: row 0: "city" expected a category (Bergen, Oslo), got an object',
    ],
    [
      "a category index that does not exist",
      Float32Array.of(2),
      city,
      'RangeError: row 0: "city" expected a category or its index (Bergen, Oslo), got 2',
    ],
    [
      "a category index that is not whole",
      Float32Array.of(0.5),
      city,
      'RangeError: row 0: "city" expected a category or its index',
    ],
    ["a row that is no object", [1], scan, 'TypeError: "rows[0]" expected an object of values by column name, got 1'],
    ["a row that is null", [{ scan: 1 }, null], scan, 'TypeError: "rows[1]" expected an object'],
    ["an array row that is too short", [[]], scan, 'RangeError: "rows[0]" expected 1 values (scan), got 0'],
    [
      "columns of unequal length",
      { scan: [1, 2], load: [1] },
      scan,
      'RangeError: "load" expected 2 values, as in "scan", got 1',
    ],
    [
      "a column that is no array",
      { scan: 1 },
      scan,
      'TypeError: "scan" expected an array or a typed array as column, got 1',
    ],
    [
      "a column of big integers",
      { scan: BigInt64Array.of(1n) },
      scan,
      'TypeError: "scan" expected an array or a typed array',
    ],
    [
      "nothing",
      undefined,
      scan,
      'TypeError: "rows" expected an array of objects or an object of columns, got undefined',
    ],
    ["a string", "scan", scan, 'TypeError: "rows" expected'],
    ["a typed array of integers without names", Int32Array.of(1), scan, 'TypeError: "rows" expected'],
  ];
  it.each(wrong)("refuse %s", (_, rows, feature, message) => {
    expect(failure(() => encodeRows(rows as never, [feature]))).toContain(message);
  });

  it("refuse a row-major array that is not a whole number of rows", () => {
    expect(failure(() => encodeRows(new Float32Array(3), [scan, load]))).toBe(
      'RangeError: "rows" expected a multiple of 2 values (scan, load), got 3',
    );
  });

  it("name no row number when there is only one row", () => {
    expect(failure(() => encodeRow({ scan: Number.NaN }, [scan], new Float32Array(1)))).toBe(
      `RangeError: "scan" is NaN`,
    );
    expect(failure(() => encodeRow({ city: "Rome" }, [city], new Float32Array(1)))).toBe(
      'RangeError: unknown category "Rome" for "city"; known: Bergen, Oslo',
    );
  });

  it("of a million by ten Float64Arrays are encoded in pieces, every cell in its place", () => {
    const n = 1e6;
    const columns = Object.fromEntries(
      Array.from({ length: 10 }, (_, f) => [`f${f}`, Float64Array.from({ length: n }, (_, r) => (r % 1000) * 10 + f)]),
    );
    const features = Object.keys(columns).map((name): Encoded => ({ name, kind: "number", missing: "error" }));
    const out = new Float32Array(4096 * 10);
    const reader = rowReader(columns, features);
    for (let from = 0; from < n; from += 4096) {
      const to = Math.min(n, from + 4096);
      reader.read(from, to, out);
      let wrong = 0;
      for (let i = 0; i < (to - from) * 10; i++)
        if (out[i] !== ((from + Math.floor(i / 10)) % 1000) * 10 + (i % 10)) wrong++;
      expect(wrong, `rows ${from} to ${to}`).toBe(0);
    }
  });
});
