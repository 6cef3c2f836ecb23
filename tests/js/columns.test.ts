// Raw columns and what the kernels make of them: each kernel against a plain loop, bit for bit.

import { describe, expect, test } from "vitest";
import { CHUNK, rawColumns, roomForColumns, STRIDE } from "../../js/columns.js";
import { logf } from "../../js/math.js";
import { type Encoded, encodeRows } from "../../js/rows.js";
import { readTable } from "../../js/table.js";
import type { Feature, Input } from "../../js/types.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer, putImage, SORTING } from "../../js/wasm.js";
import { generator } from "./oracle.js";

const features: Encoded[] = [
  { name: "a", kind: "number", missing: "error" },
  { name: "b", kind: "number", missing: "median" },
  { name: "city", kind: "category", missing: "indicator", categories: ["Bergen", "Oslo"] },
];

function columns(n: number) {
  const random = generator(3);
  return {
    a: Array.from({ length: n }, () => random() * 100 - 50),
    b: Array.from({ length: n }, () => (random() < 0.1 ? Number.NaN : random())),
    city: Array.from({ length: n }, () => (random() < 0.1 ? null : random() < 0.5 ? "Oslo" : "Bergen")),
  };
}

/** All rows as raw columns, one after the other. */
function read(rows: Parameters<typeof readTable>[0], list?: number[]): number[][] {
  const t = createTrainer(wasmModule);
  const table = readTable(rows);
  const raw = rawColumns(t, table, features, roomForColumns(t, features.length));
  const n = list ? list.length : table.n;
  const out = features.map((): number[] => []);
  for (let from = 0; from < n; from += CHUNK) {
    const to = Math.min(n, from + CHUNK);
    raw.read(from, to, list);
    features.forEach((_, f) => {
      out[f].push(...t.f32({ at: raw.at + f * STRIDE, length: to - from }));
    });
  }
  return out;
}

describe("raw columns", () => {
  const given = columns(2500);
  const { a, b, city } = given;
  const encoded = encodeRows(given, features);
  const want = features.map((_, f) => Array.from({ length: 2500 }, (_, r) => encoded[r * 3 + f]));

  test.each<[string, Parameters<typeof readTable>[0]]>([
    ["arrays", given],
    ["Float64Arrays", { a: Float64Array.from(a), b: Float64Array.from(b), city }],
    ["Float32Arrays", { a: Float32Array.from(a), b: Float32Array.from(b), city }],
    ["objects", a.map((_, r) => ({ a: a[r], b: b[r], city: city[r] }))],
  ])("are what rows.ts makes of them, from %s, in order or by a list", (_, rows) => {
    expect(read(rows)).toEqual(want);
    const list = Array.from({ length: 1500 }, (_, k) => (k * 577) % 2500);
    expect(read(rows, list)).toEqual(want.map((column) => list.map((r) => column[r])));
  });

  test.each<[unknown, string]>([
    [Number.NaN, 'row 2100: "a" is NaN'],
    [1e39, 'row 2100: "a" is 1e+39, beyond float32 (largest 3.4e38)'],
    ["7", 'row 2100: "a" expected a number, or { categories: "auto" } declared for it, got "7"'],
    [undefined, 'row 2100: "a" is missing'],
  ])("name the row of %s", (value, message) => {
    const bad: unknown[] = a.slice();
    bad[2100] = value;
    expect(() => read({ ...given, a: bad })).toThrow(message);
    expect(() => read(bad.map((v, r) => ({ a: v, b: b[r], city: city[r] })))).toThrow(message);
    if (typeof value !== "number") return;
    expect(() => read({ ...given, a: Float64Array.from(bad as number[]) })).toThrow(message);
    expect(() => read({ ...given, b: Float64Array.of(...b.slice(0, 2499), Number.POSITIVE_INFINITY) })).toThrow(
      'row 2499: "b" is Infinity',
    );
  });
});

describe("the kernels on columns", () => {
  test.each([1, 63, 64, 67, 1024])("make prediction's inputs of %i rows in units, and touch none after", (n) => {
    const t = createTrainer(wasmModule);
    const random = generator(n);
    const table = Array.from({ length: 3 }, (_, f) =>
      Float32Array.from({ length: n }, () =>
        f === 2 ? Math.floor(random() * 3) : random() < 0.1 ? Number.NaN : random() * 120 - 20,
      ),
    );
    const room = roomForColumns(t, 3);
    table.forEach((column, f) => {
      t.f32(room).set(column, (f * STRIDE) / 4);
    });
    const own: Feature[] = [0, 1, 2].map((f) => ({
      name: `x${f}`,
      kind: "number",
      constraint: "free",
      missing: "indicator",
      range: [0, 1],
      median: 0,
      fill: 0.75,
    }));
    const inputs: Input[] = [
      { feature: 0, transform: "linear", center: 1.5, scale: 0.7 },
      { feature: 0, transform: "missing", center: 0.1, scale: 3 },
      { feature: 1, transform: "log1p", divisor: 1.25, center: 0.3, scale: 9 },
      { feature: 2, transform: "equals", category: 1, center: 0.5, scale: 2 },
      { feature: 2, transform: "linear", center: -3, scale: 40 },
    ];
    const image = putImage(t, {
      features: own,
      inputs,
      networks: [],
      scale: 1,
      offset: 0,
      link: { name: "identity" },
    });
    const shifts = Float32Array.of(0, 0, 0, 0.25, -12.3);
    const factors = Float32Array.of(1, 1, 1, 0.5, 0.07);
    const units = t.put([...shifts, ...factors]);
    const out = t.floats((n + 1) * inputs.length);
    t.f32(out).fill(7);
    t.wasm.prepareColumns(image, units.at, room.at, STRIDE, n, out.at);
    const want = new Float32Array((n + 1) * inputs.length).fill(7);
    for (let r = 0; r < n; r++) {
      inputs.forEach((input, i) => {
        const given = table[input.feature][r];
        const v = Number.isNaN(given) ? Math.fround(0.75) : given;
        const q = Math.fround(v / 1.25);
        const value = {
          linear: v,
          missing: Number.isNaN(given) ? 1 : 0,
          log1p: q < 0 ? q : logf(Math.fround(1 + q)),
          equals: given === 1 ? 1 : 0,
          level: 0,
        }[input.transform];
        const z = Math.fround(Math.fround(value - Math.fround(input.center)) * Math.fround(input.scale));
        const held = Math.max(-50, Math.min(50, z));
        want[r * inputs.length + i] = Math.fround(Math.fround(held - shifts[i]) * factors[i]);
      });
    }
    expect(t.f32(out)).toEqual(want);
  });

  test.each([1, 6, 1023, 1024])("add up %i values, their powers and their logarithms, one after the other", (n) => {
    const t = createTrainer(wasmModule);
    const random = generator(n);
    const values = Float32Array.from({ length: n }, (_, r) =>
      r % 5 === 4 ? Number.NaN : r % 7 === 3 ? -random() : random() * 10 ** (r % 30),
    );
    const room = t.floats(CHUNK + 3);
    t.f32(room).set(values);
    const record = t.put([0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, NaN, NaN, 1, 0], "f64");
    t.wasm.addValues(room.at, n, record.at);
    const present = values.filter((v) => v === v);
    const two = [present[0], present.length > 1 ? present[1] : Number.NaN];
    const sum = present.reduce((s, v) => s + v, 0);
    const whole = present.every((v) => v === Math.floor(v)) ? 1 : 0;
    const many = present.length > 2 ? 1 : 0;
    expect(Array.from(t.f64(record))).toEqual([
      present.length,
      sum,
      Math.min(...present),
      Math.max(...present),
      ...two,
      whole,
      many,
    ]);
    const [fill, mean, divisor] = [0.5, 3.7, Math.fround(1.3)];
    const sums = t.put([1, 2, 3, 4], "f64");
    t.wasm.addPowers(room.at, n, fill, mean, sums.at);
    t.wasm.addLogs(room.at, n, fill, divisor, mean, sums.at + 16);
    const want = [1, 2, 3, 4];
    for (const given of values) {
      const v = given === given ? given : fill;
      want[0] += (v - mean) * (v - mean);
      want[1] += (v - mean) * (v - mean) * (v - mean);
      const q = Math.fround(v / divisor);
      const log = q < 0 ? q : logf(Math.fround(1 + q));
      want[2] += log;
      want[3] += (log - mean) * (log - mean);
    }
    expect(Array.from(t.f64(sums))).toEqual(want);
  });

  test.each([0, 1, 2, 1000, 5000])("sort %i floats as typed arrays do, zeros by their sign", (n) => {
    const t = createTrainer(wasmModule);
    const random = generator(n + 1);
    const special = [0, -0, 3.4e38, -3.4e38, 1e-45, -1e-45];
    const values = Float32Array.from({ length: n }, (_, k) => (k % 9 === 0 ? special[(k / 9) % 6] : random() - 0.5));
    const block = t.put(values);
    t.wasm.sortFloats(block.at, n, t.floats(n + SORTING).at);
    expect(t.f32(block)).toEqual(values.sort());
  });

  test.each([
    [5, 8, false],
    [6, 1, true],
    [21, 3, true],
    [11, 200, false],
  ])("sum the moments of %i inputs in %i folds row by row", (d, folds, weighted) => {
    const t = createTrainer(wasmModule);
    const n = 1300;
    const random = generator(d);
    const x = Float32Array.from({ length: n * d }, () => random() - 0.5);
    const y = Float32Array.from({ length: n }, () => random());
    const w = Float32Array.from({ length: n }, (_, r) => (r % 5 === 0 ? 0 : random()));
    const fold = Uint8Array.from({ length: n }, () => Math.floor(random() * folds));
    const q = t.wasm.momentSize(d);
    const moments = t.doubles(folds * q * q);
    t.f64(moments).fill(0);
    const scratch = t.bytes(t.wasm.momentScratch(d));
    const given = [t.put(x).at, t.put(y).at, weighted ? t.put(w).at : 0, t.put(fold, "u8").at] as const;
    for (const [from, to] of [
      [0, 700],
      [700, n],
    ]) {
      t.wasm.beginMoments(...given, from, to, d, moments.at, scratch.at);
      while (t.wasm.addMoments(5000));
    }
    const want = new Float64Array(folds * q * q);
    for (let r = 0; r < n; r++) {
      const row = [...x.subarray(r * d, (r + 1) * d), 1, y[r]];
      for (let i = 0; i < d + 2; i++)
        for (let j = i; j < d + 2; j++) want[(fold[r] * q + i) * q + j] += (weighted ? w[r] : 1) * row[i] * row[j];
    }
    const got = t.f64(moments);
    let wrong = 0;
    for (let k = 0; k < folds; k++)
      for (let i = 0; i < d + 2; i++)
        for (let j = i; j < d + 2; j++) if (got[(k * q + i) * q + j] !== want[(k * q + i) * q + j]) wrong++;
    expect(wrong).toBe(0);
  });

  test("sum two targets by bins", () => {
    const t = createTrainer(wasmModule);
    const random = generator(4);
    const n = 3000;
    const edges = [0.05, 0.1, 0.25, 0.5, 0.75].map(Math.fround);
    const values = Float32Array.from({ length: n }, (_, r) => (r % 7 === 0 ? edges[r % 5] : random()));
    const [a, b] = [0, 1].map(() => Float64Array.from({ length: n }, () => random()));
    const want = new Float64Array(48);
    for (let r = 0; r < n; r++) {
      let k = 0;
      while (k < edges.length && values[r] >= edges[k]) k++;
      want[k * 3]++;
      want[k * 3 + 1] += a[r];
      want[k * 3 + 2] += b[r];
    }
    const at = t.put(new Float32Array(16).fill(Number.POSITIVE_INFINITY));
    t.f32(at).set(edges);
    const out = t.put(new Float64Array(48), "f64");
    t.wasm.addBins(t.put(values).at, n, at.at, t.put(a, "f64").at, t.put(b, "f64").at, out.at);
    expect(t.f64(out)).toEqual(want);
  });
});

test("blocks that 32 bits cannot count are refused by name, and leave the memory as it was", () => {
  const t = createTrainer(wasmModule);
  const before = t.wasm.mark();
  // 2^29 float64 and a few come round to the few
  for (const length of [2 ** 29 + 4, 2 ** 29 - 16, 2 ** 40])
    expect(() => t.doubles(length, "moments")).toThrow(
      `moments: the host refused ${length * 8} bytes of WebAssembly memory`,
    );
  expect(t.wasm.mark()).toBe(before);
});
