// Rows in batches: the same model as rows at once while they fit, a uniform sample beyond; scalings of shards merge.

import { describe, expect, test } from "vitest";
import { fit, mergeScalings, scan } from "../../js/index.js";
import { sampleRows } from "../../js/sample.js";
import { generator } from "./oracle.js";

function rows(n: number, seed = 1) {
  const random = generator(seed);
  return Array.from({ length: n }, () => {
    const a = Math.floor(random() ** 3 * 40);
    const b = random() * 4;
    const city = random() < 0.3 ? "Oslo" : "Bergen";
    return { a, b, city, t: a + b * b + (city === "Oslo" ? 3 : 0) };
  });
}
const options = {
  target: "t",
  features: { a: 1, b: 1, city: { categories: "auto" } },
  networks: 2,
  members: 2,
  epochs: 3,
} as const;
const none = async () => {};

async function* inBatches<T>(all: T[], size: number) {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

describe("fit from batches", () => {
  test("batches of any size, columns or single rows give the bytes of rows at once", async () => {
    const all = rows(500);
    const want = JSON.stringify(await fit(all, options));
    expect(JSON.stringify(await fit(inBatches(all, 64), options))).toBe(want);
    expect(JSON.stringify(await fit(all.values(), options))).toBe(want);
    const columns = function* () {
      for (let from = 0; from < 500; from += 100) {
        const part = all.slice(from, from + 100);
        yield {
          t: part.map((r) => r.t),
          a: part.map((r) => r.a),
          b: part.map((r) => r.b),
          city: part.map((r) => r.city),
        };
      }
    };
    expect(JSON.stringify(await fit(columns(), options))).toBe(want);
  });

  test("a bad number is named by its row in the whole stream", async () => {
    const all = rows(300);
    all[222].b = Number.NaN;
    await expect(fit(inBatches(all, 50), options)).rejects.toThrow('row 222: "b" is NaN');
  });

  test("an empty stream is an error", async () => {
    await expect(fit(inBatches([], 50), options)).rejects.toThrow(/at least 2 rows, got 0/);
  });
});

describe("the sample", () => {
  test("keeps the asked number of rows, in order, uniformly over the stream", async () => {
    const batches = function* () {
      for (let b = 0; b < 200; b++) yield { x: Float64Array.from({ length: 500 }, (_, i) => b * 500 + i) };
    };
    const sample = await sampleRows(
      batches(),
      () => [{ name: "x", numeric: true, missing: false }],
      () => 5000,
      1,
      none,
    );
    const x = sample.columns.x as Float64Array;
    expect(sample.seen).toBe(100000);
    expect(sample.kept).toBe(5000);
    expect(sample.ranges).toEqual([[0, 99999]]);
    expect(x.every((v, i) => i === 0 || v > x[i - 1])).toBe(true);
    // ten equal parts of the stream: each holds 500 rows, give or take five standard deviations
    for (let part = 0; part < 10; part++) {
      const inside = x.filter((v) => v >= part * 10000 && v < (part + 1) * 10000).length;
      expect(Math.abs(inside - 500)).toBeLessThan(110);
    }
  });
});

describe("scalings", () => {
  test("shards with one scaling have the same inputs, merged in any order", async () => {
    const north = rows(400, 2);
    const south = rows(300, 3).map((r) => ({ ...r, city: "Bodø", a: r.a * 3 }));
    const parts = [await scan(north, options), await scan(inBatches(south, 70), options)];
    const scaling = mergeScalings(parts);
    expect(scaling.rows).toBe(700);
    expect(scaling.columns.find((c) => c.name === "city")?.categories).toEqual(["Bergen", "Bodø", "Oslo"]);
    const a = (await fit(north, { ...options, scaling })).toJSON();
    const b = (await fit(south, { ...options, scaling: JSON.stringify(scaling) })).toJSON();
    expect(b.inputs).toEqual(a.inputs);
    expect(a.features[0].range?.[1]).toBe(Math.max(...south.map((r) => r.a)));
    expect(a.inputs[0].transform).toBe("log1p");
  });

  test("something else is refused by name", async () => {
    await expect(fit(rows(10), { ...options, scaling: "{}" })).rejects.toThrow(/not a scaling file/);
    await expect(
      fit(rows(10), {
        ...options,
        scaling: await scan(
          rows(10).map(({ a, t }) => ({ a, t })),
          { target: "t" },
        ),
      }),
    ).rejects.toThrow(/no column "b"/);
  });
});
