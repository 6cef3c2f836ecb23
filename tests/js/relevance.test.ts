// Wide tables: what says little is scaled down, what matters is not, whatever the shape of its effect.

import { describe, expect, test } from "vitest";
import { fit } from "../../js/index.js";
import * as relevance from "../../js/relevance.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";
import { generator } from "./oracle.js";

const { WIDE } = relevance;

function relevanceOf(x: Float32Array, y: Float32Array, centre: Float64Array, n: number, d: number) {
  const t = createTrainer(wasmModule);
  // the kernels read whole vectors: room after the last row
  const given = t.floats(n * d + 16);
  t.f32(given).set(x);
  return relevance.relevanceOf(t, given.at, t.put(y).at, centre, n, d, 0, async () => {});
}

/** n rows of d inputs of mean 0 and variance 1, and a target made of the first ones. */
function made(n: number, d: number, of: (row: Float32Array) => number, seed = 5) {
  const random = generator(seed);
  const x = Float32Array.from({ length: n * d }, () => Math.sqrt(12) * (random() - 0.5));
  const y = Float32Array.from({ length: n }, (_, r) => of(x.subarray(r * d, (r + 1) * d)));
  return { x, y };
}

describe("what the kernels tell of inputs", () => {
  const random = generator(8);
  const t = createTrainer(wasmModule);
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 20 * (random() - 0.5) ** 3);

  test.each([1, 2, 3, 4, 5, 7, 8, 9, 30])("the greatest size of each of %i", (d) => {
    const n = 57;
    const x = numbers(n * d);
    const at = t.floats(n * d + 16);
    t.f32(at).set(x);
    const out = t.floats(d + 3);
    t.wasm.farthest(at.at, n, d, out.at);
    const want = Array.from({ length: d }, (_, i) => Math.max(...x.filter((_, k) => k % d === i).map(Math.abs)));
    expect(Array.from(t.f32(out).slice(0, d))).toEqual(want);
  });

  test("targets, and what a linear fit leaves of them, every so many rows; a column of them", () => {
    const [n, d, step] = [50, 5, 3];
    const [x, y] = [numbers(n * d), numbers(n)];
    const centre = Float64Array.from({ length: d + 1 }, () => random() - 0.5);
    const picked = Array.from({ length: Math.ceil(n / step) }, (_, k) => k * step);
    const [target, rest] = [t.doubles(picked.length), t.doubles(picked.length)];
    const at = t.put(x);
    t.wasm.residuals(at.at, t.put(y).at, n, d, step, t.put(centre, "f64").at, target.at, rest.at);
    expect(Array.from(t.f64(target))).toEqual(picked.map((r) => y[r]));
    picked.forEach((r, k) => {
      let fit = centre[d];
      for (let i = 0; i < d; i++) fit += centre[i] * x[r * d + i];
      expect(t.f64(rest)[k]).toBeCloseTo(y[r] - fit, 12);
    });
    const column = t.floats(picked.length);
    t.wasm.takeColumn(at.at + 2 * 4, picked.length, step * d * 4, column.at);
    expect(Array.from(t.f32(column))).toEqual(picked.map((r) => x[r * d + 2]));
  });

  test.each([1, 2, 7, 15])("sums by the bins between %i edges, the edge itself in the upper one", (count) => {
    const n = 400;
    const edges = Array.from({ length: count }, (_, k) => Math.fround(k / 3));
    const values = Float32Array.from({ length: n }, (_, r) => (r % 5 ? 6 * random() - 1 : edges[r % count]));
    const [a, b] = [1, 2].map(() => Float64Array.from({ length: n }, () => random()));
    const out = t.doubles(48);
    t.f64(out).fill(0);
    const all = t.put(Float32Array.from({ length: 16 }, (_, k) => edges[k] ?? Number.POSITIVE_INFINITY));
    t.wasm.addBins(t.put(values).at, n, all.at, t.put(a, "f64").at, t.put(b, "f64").at, out.at);
    const want = new Float64Array(48);
    values.forEach((v, r) => {
      const bin = 3 * edges.filter((edge) => v >= edge).length;
      want[bin]++;
      want[bin + 1] += a[r];
      want[bin + 2] += b[r];
    });
    expect(Array.from(t.f64(out))).toEqual(Array.from(want));
  });
});

describe("relevance", () => {
  const n = 4000;
  const d = 60;
  const zero = new Float64Array(d + 1);

  test("a steep input, a valley and a step count in full or nearly; noise counts for a hundredth", async () => {
    const { x, y } = made(n, d, (row) => row[0] + row[1] * row[1] + (row[2] > 1 ? 2 : 0));
    const factor = await relevanceOf(x, y, zero, n, d);
    for (const i of [0, 1, 2]) expect(factor[i]).toBeGreaterThan(0.9);
    const noise = factor.slice(3).sort();
    expect(noise[28]).toBe(0.01);
    expect(noise.filter((v) => v < 0.2).length).toBeGreaterThan(50);
  });

  test("an input that only the linear fit's errors depend on counts in full", async () => {
    const { x, y } = made(n, d, (row) => 20 * row[0] + row[1] * row[1]);
    const centre = zero.slice();
    centre[0] = 20;
    centre[d] = 1;
    const factor = await relevanceOf(x, y, centre, n, d);
    expect(factor[1]).toBeGreaterThan(0.9);
    // and noise beside it does not
    expect(factor[5]).toBeLessThan(0.2);
  });

  test("the event loop runs between blocks of columns, and may end it", async () => {
    const { x, y } = made(n, d, (row) => row[0]);
    const t = createTrainer(wasmModule);
    const given = t.floats(n * 4 * d + 16);
    t.f32(given).set(x);
    let pauses = 0;
    await relevance.relevanceOf(t, given.at, t.put(y).at, new Float64Array(4 * d + 1), n, 4 * d, 0, async () => {
      pauses++;
    });
    expect(pauses).toBeGreaterThan(2);
    const stop = async () => {
      throw new Error("enough");
    };
    await expect(relevance.relevanceOf(t, given.at, t.put(y).at, zero, n, d, 0, stop)).rejects.toThrow("enough");
  });

  test("where every input matters alike, the factors sum to the width that counts in full", async () => {
    const { x, y } = made(n, d, (row) => row.reduce((a, b) => a + b, 0));
    const sum = (await relevanceOf(x, y, zero, n, d)).reduce((a, b) => a + b, 0);
    expect(sum).toBeGreaterThan(0.9 * WIDE);
    expect(sum).toBeLessThan(WIDE + 0.1);
  });

  test("a rare word far from its mean, a constant and a target without spread do no harm", async () => {
    const { x, y } = made(n, d, (row) => row[0]);
    for (let r = 0; r < n; r++) {
      x[r * d + 1] = r === 7 ? 40 : -0.01;
      x[r * d + 2] = 0;
    }
    const factor = await relevanceOf(x, y, zero, n, d);
    expect(factor[1] * 40).toBeLessThanOrEqual(6);
    expect(factor[2]).toBe(0.01);
    const none = await relevanceOf(x, new Float32Array(n), zero, n, d);
    expect(none.every((v) => v > 0 && v <= 1)).toBe(true);
  });

  test("with fifty columns of noise a fit still halves the error of the linear fit, and stays monotone", async () => {
    const random = generator(9);
    const rows = Array.from({ length: 1500 }, () => {
      const row: Record<string, number> = { a: 4 * random(), b: 4 * random() };
      for (let i = 0; i < 50; i++) row[`noise${i}`] = random() < 0.5 ? 0 : random();
      row.y = row.a * row.b + random();
      return row;
    });
    const features = Object.fromEntries(Object.keys(rows[0]).map((name) => [name, 0 as 0 | 1]));
    delete features.y;
    const model = await fit(rows, { target: "y", features: { ...features, a: 1, b: 1 }, members: 2 });
    const { model: own, linear } = model.training.heldOut as NonNullable<typeof model.training.heldOut>;
    expect(own.rmse).toBeLessThan(0.5 * linear.rmse);
    expect(model.certify().monotone).toBe(true);
  });
});
