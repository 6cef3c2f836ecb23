// Rows in batches: the same model as rows at once while they fit, a uniform sample beyond; scalings of shards merge.

import { describe, expect, test } from "vitest";
import { fitData } from "../../js/fit.js";
import { type FitOptions, fit, load, type Model, mergeScalings, scan } from "../../js/index.js";
import { createReadings } from "../../js/readings.js";
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

describe("a column without a number in batches", () => {
  test("is as good as none, as in rows at once", async () => {
    const all = rows(60).map((row) => ({ ...row, none: null }));
    const given = { ...options, features: { ...options.features, none: { missing: "median" } } } as const;
    expect(JSON.stringify(await fit(inBatches(all, 7), given))).toBe(JSON.stringify(await fit(all, given)));
  });
});

describe("fit from a source that can be read again", () => {
  /** Of fitData: small tables are large. */
  const RESIDENT = 8192;
  const N = 9000;
  const many = rows(N, 4);
  const more = { ...options, networks: 4, epochs: 4, batch: 32 } as const;

  /** Counts how often it is read. */
  function source<T>(all: T[], size = 500) {
    const given = {
      times: 0,
      [Symbol.asyncIterator]() {
        given.times++;
        return inBatches(all, size);
      },
    };
    return given;
  }

  test("trains on all rows, where a generator trains on a sample", async () => {
    const given = source(many);
    const { training } = await fitData(given, more, RESIDENT);
    expect(training.rows).toBe(N);
    expect(training.warnings).toEqual([]);
    // the sample, a look whether rows come again, and five parts in each of four epochs
    expect(given.times).toBe(2 + 4 * 6);
    const once = await fitData(inBatches(many, 500), more, RESIDENT);
    expect(once.training.rows).toBe(4096);
    expect(once.training.warnings.join()).toContain("trained on 4096 rows drawn at random from 9000");
  });

  test("goes through every row as often as asked, whether or not some are left out", async () => {
    for (const [validation, share] of [
      [0.125, 0.875],
      [0, 1],
    ]) {
      const { training } = await fitData(source(many), { ...more, validation }, RESIDENT);
      const least = (share * N * more.epochs) / more.batch;
      expect(training.steps).toBeGreaterThanOrEqual(Math.floor(least));
      // the last batch of a piece is a short one
      expect(training.steps).toBeLessThan(1.3 * least);
    }
  });

  test.each<[string, Partial<FitOptions>]>([
    ["squared loss", {}],
    ["case weights", { weight: "w" }],
    ["an exponential link", { loss: "poisson" }],
    ["quantiles", { loss: { quantiles: [0.2, 0.8] } }],
    ["no left-out rows", { validation: 0 }],
    ["a given learning rate, and threads", { learningRate: 0.03, threads: 2 }],
  ])("gives the same bytes however the rows are batched: %s", async (_, other) => {
    const all = many.map((r, k) => ({ ...r, w: 1 + (k % 3) }));
    const want = JSON.stringify(await fitData(source(all), { ...more, ...other }, RESIDENT));
    expect(JSON.stringify(await fitData(source(all, 37), { ...more, ...other }, RESIDENT))).toBe(want);
    const columns = {
      *[Symbol.iterator]() {
        for (let from = 0; from < N; from += 2000) {
          const part = all.slice(from, from + 2000);
          yield {
            t: Float64Array.from(part, (r) => r.t),
            a: Int32Array.from(part, (r) => r.a),
            b: Float64Array.from(part, (r) => r.b),
            city: part.map((r) => r.city),
            w: Uint8Array.from(part, (r) => r.w),
          };
        }
      },
    };
    expect(JSON.stringify(await fitData(columns, { ...more, ...other }, RESIDENT))).toBe(want);
    // of one batch a part takes more rows than the kernels are given at once
    expect(JSON.stringify(await fitData(source(all, N), { ...more, ...other }, RESIDENT))).toBe(want);
  });

  test.each([4, "auto"] as const)(
    "is as good as rows at once, with rows sorted by the target: epochs %s",
    async (epochs) => {
      const noise = generator(8);
      const noisy = (all: typeof many) => all.map((r) => ({ ...r, t: r.t + 4 * noise() }));
      const sorted = noisy(many).sort((p, q) => p.t - q.t);
      const fresh = noisy(rows(2000, 9));
      const rmse = (model: Model) =>
        Math.sqrt(fresh.reduce((sum, row) => sum + (model.predict(row) - row.t) ** 2, 0) / fresh.length);
      const at = rmse(await fit(sorted, { ...more, epochs }));
      expect(rmse(load(await fitData(source(sorted), { ...more, epochs }, 20000)))).toBeLessThan(1.02 * at);
    },
  );

  test("knows a category that no row of the sample has, and checks every row again", async () => {
    const rare = many.map((r, k) => (k === 4321 ? { ...r, city: "Voss" } : r));
    // at least one of these rows is outside the sample, which holds fewer than half of them
    for (const at of [4321, 4322, 4323, 4324]) {
      const given = many.map((r, i) => (i === at ? { ...r, t: -1 } : r));
      await expect(fitData(source(given), { ...more, epochs: 1, loss: "poisson" }, RESIDENT)).rejects.toThrow(
        `row ${at}: "t" is -1; the loss "poisson" expected 0 or more`,
      );
    }
    const model = await fitData(source(rare), { ...more, epochs: 1 }, RESIDENT);
    expect(model.features.find((f) => f.name === "city")?.categories).toEqual(["Bergen", "Oslo", "Voss"]);
  });

  test("refuses rows that change in number, and takes the sample where they do not come again", async () => {
    let times = 0;
    const changing = { [Symbol.asyncIterator]: () => inBatches(many.slice(0, ++times < 4 ? N : N - 1), 500) };
    await expect(fitData(changing, more, RESIDENT)).rejects.toThrow(
      '"rows" gave 9000 rows when read first and 8999 when read again',
    );
    const locked = () => {
      throw new TypeError("locked");
    };
    for (const second of [() => inBatches([] as typeof many, 1), locked]) {
      let first = true;
      const stream = {
        [Symbol.asyncIterator]() {
          if (!first) return second();
          first = false;
          return inBatches(many, 500);
        },
      };
      expect((await fitData(stream, more, RESIDENT)).training.rows).toBe(4096);
    }
  });

  test("stops when it is aborted between readings", async () => {
    const controller = new AbortController();
    const given = source(many);
    const onProgress = () => controller.abort();
    await expect(fitData(given, { ...more, signal: controller.signal, onProgress }, RESIDENT)).rejects.toMatchObject({
      name: "AbortError",
    });
  });

  test.each([1, 2, 3])("stops when it is aborted while reading %i gives no more", async (stalls) => {
    const controller = new AbortController();
    let reading = 0;
    const stream = {
      async *[Symbol.asyncIterator]() {
        const now = reading++;
        for await (const batch of inBatches(many, 500)) {
          yield batch;
          if (now < stalls) continue;
          setTimeout(() => controller.abort(), 10);
          await new Promise(() => {});
        }
      },
    };
    await expect(fitData(stream, { ...more, signal: controller.signal }, RESIDENT)).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});

describe("readings", () => {
  test.each([
    [5000, 3],
    [700, 1],
    [65, 4],
  ])("give every row of %i to each of %i members once an epoch, but for their own fold", async (n, members) => {
    const y = Float64Array.from({ length: n }, (_, r) => r);
    let reads = 0;
    const batches = {
      *[Symbol.iterator]() {
        reads++;
        for (let from = 0; from < n; from += 90) yield { y: y.subarray(from, from + 90) };
      },
    };
    const readings = createReadings({
      batches,
      rows: n,
      columns: 1,
      names: ["y"],
      most: 1024,
      seed: 7,
      put(table, out, rowOf) {
        const values = table.column("y") as ArrayLike<number>;
        for (let i = 0; i < table.n; i++) {
          expect(values[i]).toBe(rowOf(i));
          out.x[i] = values[i] / 2;
          out.y[i] = values[i];
        }
      },
      weighted: false,
      foldOf: (row) => row % 8,
      members,
      pause: none,
    });
    const epochs = 2;
    await Promise.all(
      Array.from({ length: members }, async (_, e) => {
        const next = readings.piecesOf(e, e, epochs * readings.parts);
        const orders = new Set<string>();
        for (let epoch = 0; epoch < epochs; epoch++) {
          const seen: number[] = [];
          while (seen.length < n - Math.ceil((n - e) / 8)) {
            const { rows: piece, list } = await next();
            for (const at of list) {
              expect(piece.x[at]).toBe(piece.y[at] / 2);
              seen.push(piece.y[at]);
            }
          }
          orders.add(seen.join());
          expect(seen.sort((a, b) => a - b)).toEqual(Array.from(y).filter((row) => row % 8 !== e));
        }
        if (n > 1000) expect(orders.size).toBe(epochs);
        readings.done();
      }),
    );
    expect(reads).toBe(epochs * readings.parts);
  });
});

describe("every cell of batches is checked", () => {
  const all = rows(30).map(({ a, b, t }) => ({ a, b, t }));
  const late = (more: object) => [all.slice(0, 20), all.slice(20).map((row) => ({ ...row, ...more }))].values();

  test("a column that comes late is refused where no features are named, as in rows at once", async () => {
    const given = { target: "t", epochs: 1 };
    const text = '"rows" expected the columns of the first batch (a, b, t), got "c"';
    await expect(fit(late({ c: 1 }), given)).rejects.toThrow(new RangeError(text));
    await expect(scan(late({ c: 1 }), given)).rejects.toThrow(new RangeError(text));
    await expect(fit(late({ c: 1 }), { ...given, features: { a: 1, b: 1 } })).resolves.toBeDefined();
  });

  test.each<[string, unknown, "auto" | string[], string]>([
    ["an object", { x: 1 }, "auto", 'row 4100: "c" expected a category (a string), got an object'],
    ["a bigint", 1n, "auto", 'row 4100: "c" expected a category (a string), got 1n'],
    ["a missing one", null, "auto", 'row 4100: "c" expected a category (a string), got null'],
    ["one that is not listed", "w", ["u", "v"], 'unknown category "w" for "c" (row 4100); known: u, v'],
    ["a missing one of a list", undefined, ["u", "v"], 'row 4100: "c" is missing'],
  ])("a category that is %s is refused even in a row outside the sample", async (_, value, categories, text) => {
    const batches = function* () {
      for (let r = 0; r < 5000; r++) yield { c: r === 4100 ? value : "uv"[r % 2], t: r % 7 };
    };
    const features = { c: { categories } };
    await expect(fitData(batches(), { target: "t", features, epochs: 1 }, 1024)).rejects.toThrow(text);
    await expect(scan(batches(), { target: "t", features })).rejects.toThrow(text);
  });
});

describe("batches that are none", () => {
  test.each([[[1]], [["a"]], [[null]], [[undefined]]])("%j are refused as such", async (given) => {
    for (const run of [fit, scan])
      await expect(run(given.values() as never, { target: "t" })).rejects.toThrow(
        '"rows" expected batches of rows: arrays of objects, or columns, got ',
      );
  });

  test("of a column that one of them lacks name it, with those that it has", async () => {
    const given = [rows(5), rows(5).map(({ a, b, t }) => ({ a, b, t }))];
    await expect(fit(given.values(), options)).rejects.toThrow('no column "city" in the rows; columns: a, b, t');
    const columns = rows(5).map(({ a, b, t }) => ({ a: [a], b: [b], t: [t] }));
    await expect(fit([rows(5), ...columns].values(), options)).rejects.toThrow(
      'no column "city" in the rows; columns: a, b, t',
    );
  });

  test("of no rows, among others, change nothing, nor does what a row is that is no batch", async () => {
    const all = rows(40);
    const want = JSON.stringify(await fit(all, options));
    const some = [[], all.slice(0, 10), [], { a: [], b: [], city: [], t: [] }, ...all.slice(10, 12), all.slice(12), []];
    expect(JSON.stringify(await fit(some.values() as never, options))).toBe(want);
    const again = { [Symbol.asyncIterator]: () => inBatches([...all], 7) };
    expect(JSON.stringify(await fit(again, options))).toBe(want);
  });

  test("that come again may hold none as well", async () => {
    const all = rows(5000, 6);
    const plain = { [Symbol.asyncIterator]: () => inBatches(all, 500) };
    const holed = {
      async *[Symbol.asyncIterator]() {
        for await (const batch of inBatches(all, 500)) yield* [[], batch, []];
      },
    };
    const small = { ...options, networks: 1, epochs: 1 } as const;
    expect(JSON.stringify(await fitData(holed, small, 8192))).toBe(JSON.stringify(await fitData(plain, small, 8192)));
  });
});

test("which rows of a longer source are the sample is a matter of the seed", async () => {
  const all = rows(9000, 2);
  const small = { ...options, networks: 1, members: 1, epochs: 1 } as const;
  const medians = async (seed?: number) => {
    const { features } = await fitData(inBatches(all, 500), { ...small, ...(seed && { seed }) }, 1);
    return features.map(({ median }) => median);
  };
  expect(await medians(1)).toEqual(await medians());
  expect(await medians(2)).not.toEqual(await medians(1));
});

test("an abort is heard while the next batch does not come", async () => {
  const controller = new AbortController();
  const batches = async function* () {
    yield rows(20);
    setTimeout(() => controller.abort(), 10);
    await new Promise(() => {});
  };
  await expect(fit(batches(), { ...options, signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
  const none = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
  // before anything was asked for, too
  await expect(fit(none, { ...options, signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
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

describe("scalings of shards", () => {
  test("are refused where there is none, or where they are of different columns", async () => {
    expect(() => mergeScalings([])).toThrow('"scalings" expected at least one, got none');
    expect(() => mergeScalings("x" as never)).toThrow('"scalings" expected an array of scalings, got "x"');
    const one = await scan(rows(10), options);
    const bare = rows(10).map(({ a, t }) => ({ a, t }));
    const fewer = await scan(bare, { target: "t", features: { a: 1 } });
    const other = await scan(
      bare.map(({ a, t }) => ({ c: a, t })),
      { target: "t", features: { c: 1 } },
    );
    const words = await scan(bare, { target: "t", features: { a: { categories: "auto" } } });
    expect(() => mergeScalings([one, fewer])).toThrow('scalings of different features: "a, b, city" and "a"');
    expect(() => mergeScalings([fewer, other])).toThrow('scalings of different features: "a" and "c"');
    expect(() => mergeScalings([fewer, words])).toThrow("scalings of different features");
  });

  test("hold what is missing, and no range where there is no number", async () => {
    const given = rows(40).map((row, r) => ({
      ...row,
      a: r % 4 ? row.a : null,
      none: null,
      city: r % 5 ? row.city : undefined,
    }));
    const asked = {
      ...options,
      features: {
        a: { missing: "median" },
        none: { missing: "median" },
        city: { categories: "auto", missing: "indicator" },
      },
    } as const;
    const { columns } = await scan(given, asked);
    expect(columns.map(({ name, range }) => [name, range])).toEqual([
      ["a", [0, Math.max(...given.map(({ a }) => a ?? 0))]],
      ["none", null],
      ["city", null],
    ]);
    expect(columns[0].sample).toEqual(given.map(({ a }) => a));
    expect(columns[1].sample).toEqual(new Array(40).fill(null));
    expect(columns[2].sample).toEqual(given.map(({ city }) => city ?? null));
    const merged = mergeScalings([await scan(given.slice(0, 15), asked), await scan(given.slice(15), asked)]);
    expect(merged.columns[1]).toMatchObject({ range: null, numeric: true });
    const shard = (scaling: typeof merged) => fit(given, { ...asked, epochs: 1, networks: 1, scaling });
    expect((await shard(merged)).features.map(({ range }) => range)).toEqual(
      (await shard(await scan(given, asked))).features.map(({ range }) => range),
    );
  });

  test("are a sample of all their rows, each with the same chance, and the same in whatever order they are merged", async () => {
    const shards = [3, 4, 5].map((seed, k) => rows(20_000 * (k + 1), seed).map((row) => ({ ...row, b: k })));
    const scans = await Promise.all(shards.map((shard) => scan(shard, options)));
    const merged = mergeScalings(scans);
    const sample = merged.columns.find(({ name }) => name === "b")?.sample as number[];
    // a third of all rows of a table, and half of them, are in two of the shards
    expect(sample.length).toBe(merged.keys.length);
    [1, 2, 3].forEach((part, k) => {
      const share = sample.filter((v) => v === k).length / sample.length;
      expect(Math.abs(share - part / 6)).toBeLessThan(0.02);
    });
    const turned = mergeScalings([scans[2], scans[0], scans[1]]);
    expect(turned.keys.slice().sort()).toEqual(merged.keys.slice().sort());
    expect(mergeScalings([mergeScalings(scans.slice(0, 2)), scans[2]])).toEqual(merged);
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
    const good = await scan(rows(10), options);
    const [first, ...others] = good.columns;
    for (const column of [
      { numeric: 1 },
      { range: ["a", "b"] },
      { range: [2, 1] },
      { categories: [1] },
      { sample: first.sample.map(() => "1") },
      null,
    ])
      expect(() =>
        mergeScalings([
          { ...good, columns: [column && { ...first, ...column }, ...others] as typeof good.columns },
          good,
        ]),
      ).toThrow(/not a scaling file/);
    for (const wrong of [
      { rows: "10" },
      { rows: 9 },
      { keys: good.keys.map(String) },
      { keys: null },
      { columns: [first, first, ...others] },
    ])
      expect(() => mergeScalings([good, { ...good, ...wrong } as typeof good])).toThrow(/not a scaling file/);
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
