// Tables larger than the kernels keep whole: training takes samples of them, piece by piece. `resident` of fitData makes small tables large.

import { describe, expect, test } from "vitest";
import { rawColumns, roomForColumns } from "../../js/columns.js";
import { createFeed } from "../../js/feed.js";
import { fitData } from "../../js/fit.js";
import { type FitOptions, load } from "../../js/index.js";
import type { Encoded } from "../../js/rows.js";
import { readTable } from "../../js/table.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer, putImage } from "../../js/wasm.js";
import { generator } from "./oracle.js";

const N = 6000;
const LARGE = 8192;

/** Float32 columns with a bend and a category, in the order that `by` sorts them in. */
function columns(by: (row: { a: number; y: number }) => number = () => 0) {
  const random = generator(5);
  const rows = Array.from({ length: N }, () => {
    const a = Math.fround(Math.floor(random() ** 3 * 40));
    const b = Math.fround(random() * 4);
    const city = random() < 0.3 ? "Oslo" : "Bergen";
    return { a, b, city, w: 1 + Math.floor(random() * 3), y: a + b * b + (city === "Oslo" ? 3 : 0) + random() };
  }).sort((p, q) => by(p) - by(q));
  return {
    a: Float32Array.from(rows, (r) => r.a),
    b: Float32Array.from(rows, (r) => r.b),
    city: rows.map((r) => r.city),
    w: Float32Array.from(rows, (r) => r.w),
    y: Float32Array.from(rows, (r) => r.y),
  };
}

const options: FitOptions = {
  target: "y",
  features: { a: "increasing", b: 1, city: { categories: "auto" } },
  networks: 4,
  members: 3,
  epochs: 6,
  batch: 32,
};

describe("a fit from pieces", () => {
  test.each<[string, Partial<FitOptions>]>([
    ["squared loss", {}],
    ["case weights", { weight: "w" }],
    ["an exponential link", { loss: "gamma" }],
    ["quantiles", { loss: { quantiles: [0.2, 0.8] } }],
    ["no left-out rows", { validation: 0 }],
  ])("gives the bytes of one thread with two, whatever arrays hold the numbers: %s", async (_, more) => {
    const given = columns();
    const all = { ...options, ...more };
    const want = JSON.stringify(await fitData(given, all, LARGE));
    expect(want).not.toBe(JSON.stringify(await fitData(given, all)));
    expect(JSON.stringify(await fitData(given, { ...all, threads: 2 }, LARGE))).toBe(want);
    const doubles = { ...given, a: Float64Array.from(given.a), y: Float64Array.from(given.y) };
    expect(JSON.stringify(await fitData(doubles, all, LARGE))).toBe(want);
    const { a, b, city, w, y } = given;
    const rows = city.map((name, r) => ({ a: a[r], b: b[r], city: name, w: w[r], y: y[r] }));
    expect(JSON.stringify(await fitData(rows, all, LARGE))).toBe(want);
  });

  test.each<[string, (row: { a: number; y: number }) => number]>([
    ["as they come", () => 0],
    ["by the target", (row) => row.y],
    ["by an input, downwards", (row) => -row.a],
  ])("is as good as one of the whole table, with rows sorted %s", async (_, by) => {
    const given = columns(by);
    // of one seed the ratio of errors is anything from 0.95 to 1.11
    const ratios: number[] = [];
    for (let seed = 1; seed <= 3; seed++) {
      const whole = (await fitData(given, { ...options, seed })).training.heldOut;
      const pieces = (await fitData(given, { ...options, seed }, LARGE)).training.heldOut;
      ratios.push((pieces?.model.rmse ?? 1) / (whole?.model.rmse ?? 0));
      expect(pieces?.model.rmse).toBeLessThan(0.4 * (pieces?.linear.rmse ?? 0));
      // left-out rows are evenly spaced: their mean is that of all
      expect(pieces?.mean.rmse).toBeCloseTo(whole?.mean.rmse ?? 0, 0);
    }
    expect(ratios.reduce((a, b) => a + b) / 3).toBeLessThan(1.08);
  });

  test("starts from the centre and the scaling of a whole table", async () => {
    const given = columns((row) => row.y);
    const none = { ...options, epochs: 1, learningRate: 1e-9 };
    const [pieces, whole] = [await fitData(given, none, LARGE), await fitData(given, none)];
    expect(pieces.inputs).toEqual(whole.inputs);
    expect(pieces.features).toEqual(whole.features);
    const at = { a: 7, b: 2, city: "Oslo" };
    expect(load(pieces).predict(at)).toBeCloseTo(load(whole).predict(at), 1);
  });
});

describe("pieces", () => {
  /** A feed of n rows of one input, its number; of `most` numbers, pieces of 128 rows or an eighth of that. */
  function feedOf(n: number, most: number) {
    const t = createTrainer(wasmModule);
    const y = Float32Array.from({ length: n }, (_, r) => r);
    const x: Encoded = { name: "x", kind: "number", missing: "error" };
    const raw = rawColumns(t, readTable({ x: y }), [x], roomForColumns(t, 1));
    const feed = createFeed(t, { n, columns: 1, raw, y, weight: undefined }, most, 8, false);
    const model = putImage(t, {
      features: [{ name: "x", kind: "number", constraint: "increasing", missing: "error", range: [0, n], median: 0 }],
      inputs: [{ feature: 0, transform: "linear", center: 0, scale: 1 / 64 }],
      networks: [],
      scale: 1,
      offset: 0,
      link: { name: "identity" },
    });
    return { feed, model, units: t.put([0, 1]).at };
  }
  const none = async () => {};

  test.each([129, 1000, 1024, 1025])(
    "go through every row of %i once an epoch, in another order in the next",
    async (n) => {
      const { feed, model, units } = feedOf(n, 128);
      await feed.use(model, units, none);
      expect(feed.room).toBe(128);
      const fold = new Uint8Array(n);
      const pieces = Math.ceil(Math.ceil(n / 64) / 2);
      const orders: string[] = [];
      for (let epoch = 0; epoch < 3; epoch++) {
        const seen: number[] = [];
        for (let k = 0; k < pieces; k++) {
          const places = feed.piece(1, 0, epoch * pieces + k, fold, 1);
          const { x, y } = feed.copy(0, 128);
          for (const place of places) {
            seen.push(y[place]);
            expect(x[place]).toBe(Math.min(50, y[place] / 64));
          }
        }
        expect(seen.slice().sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, r) => r));
        orders.push(seen.join());
      }
      if (n > 129) expect(new Set(orders).size).toBe(3);
    },
  );

  test("of many rows are of longer blocks, and go through every row once an epoch all the same", async () => {
    const n = 300000;
    const { feed, model, units } = feedOf(n, 8 * 32768);
    await feed.use(model, units, none);
    expect(feed.room).toBe(32768);
    const fold = new Uint8Array(n);
    const seen = new Uint8Array(n);
    for (let k = 0; k < 10; k++) {
      const places = feed.piece(1, 0, k, fold, 1);
      const { y } = feed.copy(0, 32768);
      for (const place of places) seen[y[place]]++;
      // blocks of 256 rows: the second row is the next one, whichever block the piece begins with
      expect(y[places[1]]).toBe(y[places[0]] + 1);
      expect(y[places[255]]).toBe(y[places[0]] + 255);
      expect(y[places[256]]).not.toBe(y[places[0]] + 256);
    }
    expect(seen.every((count) => count === 1)).toBe(true);
  });

  test("leave the rows of a member's own fold out, and do not touch the rows that are kept", async () => {
    const { feed, model, units } = feedOf(1000, 128);
    await feed.use(model, units, none);
    const fold = Uint8Array.from({ length: 1000 }, (_, r) => r % 8);
    const kept = feed.keep(Uint32Array.of(3, 11, 999), 2);
    for (let k = 0; k < 8; k++) {
      const places = feed.piece(1, 3, k, fold, 3);
      const { y } = feed.copy(0, 128);
      expect(places.length).toBeGreaterThan(90);
      for (const place of places) expect(y[place] % 8).not.toBe(3);
    }
    expect(Array.from(kept)).toEqual([130, 131, 132]);
    expect(Array.from(feed.copy(130, 133).y)).toEqual([3, 11, 999]);
  });
});
