// Wide tables: what says little is scaled down, what matters is not, whatever the shape of its effect.

import { describe, expect, test } from "vitest";
import { fit } from "../../js/index.js";
import * as relevance from "../../js/relevance.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";
import { generator } from "./oracle.js";

const { WIDE } = relevance;

function relevanceOf(x: Float32Array, y: Float32Array, centre: Float64Array, n: number, d: number): Float64Array {
  const t = createTrainer(wasmModule);
  // the kernels read whole vectors: room after the last row
  const given = t.floats(n * d + 16);
  t.f32(given).set(x);
  return relevance.relevanceOf(t, given.at, t.put(y).at, centre, n, d);
}

/** n rows of d inputs of mean 0 and variance 1, and a target made of the first ones. */
function made(n: number, d: number, of: (row: Float32Array) => number, seed = 5) {
  const random = generator(seed);
  const x = Float32Array.from({ length: n * d }, () => Math.sqrt(12) * (random() - 0.5));
  const y = Float32Array.from({ length: n }, (_, r) => of(x.subarray(r * d, (r + 1) * d)));
  return { x, y };
}

describe("relevance", () => {
  const n = 4000;
  const d = 60;
  const zero = new Float64Array(d + 1);

  test("a steep input, a valley and a step count in full or nearly; noise counts for a hundredth", () => {
    const { x, y } = made(n, d, (row) => row[0] + row[1] * row[1] + (row[2] > 1 ? 2 : 0));
    const factor = relevanceOf(x, y, zero, n, d);
    for (const i of [0, 1, 2]) expect(factor[i]).toBeGreaterThan(0.9);
    const noise = factor.slice(3).sort();
    expect(noise[28]).toBe(0.01);
    expect(noise.filter((v) => v < 0.2).length).toBeGreaterThan(50);
  });

  test("an input that only the linear fit's errors depend on counts in full", () => {
    const { x, y } = made(n, d, (row) => 20 * row[0] + row[1] * row[1]);
    const centre = zero.slice();
    centre[0] = 20;
    centre[d] = 1;
    expect(relevanceOf(x, y, centre, n, d)[1]).toBeGreaterThan(0.9);
    // and noise beside it does not
    expect(relevanceOf(x, y, centre, n, d)[5]).toBeLessThan(0.2);
  });

  test("where every input matters alike, the factors sum to the width that counts in full", () => {
    const { x, y } = made(n, d, (row) => row.reduce((a, b) => a + b, 0));
    const sum = relevanceOf(x, y, zero, n, d).reduce((a, b) => a + b, 0);
    expect(sum).toBeGreaterThan(0.9 * WIDE);
    expect(sum).toBeLessThan(WIDE + 0.1);
  });

  test("a rare word far from its mean, a constant and a target without spread do no harm", () => {
    const { x, y } = made(n, d, (row) => row[0]);
    for (let r = 0; r < n; r++) {
      x[r * d + 1] = r === 7 ? 40 : -0.01;
      x[r * d + 2] = 0;
    }
    const factor = relevanceOf(x, y, zero, n, d);
    expect(factor[1] * 40).toBeLessThanOrEqual(6);
    expect(factor[2]).toBe(0.01);
    expect(relevanceOf(x, new Float32Array(n), zero, n, d).every((v) => v > 0 && v <= 1)).toBe(true);
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
