// Networks that stop where the training rows stop: constant hyperplanes in an ordinary model, where left-out rows speak for them.

import { describe, expect, test } from "vitest";
import { fit, load, stringifyModel } from "../../js/index.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";
import { generator } from "./oracle.js";

/** `n` rows with long upper tails in both inputs; `shape` is what a long row means for the target. */
function tailed(n: number, shape: (a: number, b: number) => number, noise = 1, seed = 1) {
  const random = generator(seed);
  return Array.from({ length: n }, () => {
    const [a, b] = [1 / (random() + 1e-4), 1 / (random() + 1e-4)];
    return { a, b, y: shape(a, b) + noise * (random() + random() - 1) };
  });
}
/** Levels off at twenty. */
const levels = (a: number, b: number) => Math.min(a, 20) + Math.min(b, 20) / 2;
const column = { constraint: "increasing", transform: "linear" } as const;
const options = { target: "y", features: { a: column, b: column }, epochs: 150 } as const;
const isConstant = (plane: number[]) => plane.slice(0, -1).every((w) => w === 0);

describe("networks of a table with long tails", () => {
  const rows = tailed(400, levels);
  const fitted = fit(rows, options);

  test("are capped by a group of one constant plane, at the greatest value that they take on training rows", async () => {
    const { networks, inputs } = (await fitted).toJSON();
    expect(networks.length).toBeGreaterThan(16);
    for (const network of networks.slice(1)) {
      const cap = network.at(-1)?.[0] as number[];
      expect(network.at(-1)).toHaveLength(1);
      expect(isConstant(cap)).toBe(true);
      let greatest = Number.NEGATIVE_INFINITY;
      for (const row of rows) {
        const z = [row.a, row.b].map((v, i) => (v - inputs[i].center) * inputs[i].scale);
        const values = network
          .slice(0, -1)
          .map((group) => Math.max(...group.map((w) => w[0] * z[0] + w[1] * z[1] + w[2])));
        greatest = Math.max(greatest, Math.min(...values));
      }
      expect(Math.abs(greatest - cap[2])).toBeLessThan(1e-5 * Math.max(0.01, Math.abs(greatest)));
    }
  });

  test("leave the plane alone to carry what lies beyond: its slope is the derivative there", async () => {
    const model = await fitted;
    const { networks, inputs, scale } = model.toJSON();
    const far = Object.fromEntries(["a", "b"].map((name, i) => [name, inputs[i].center + 45 / inputs[i].scale]));
    const slopes = model.sensitivity(far);
    ["a", "b"].forEach((name, i) => {
      expect(slopes[name] / (networks[0][0][0][i] * scale * inputs[i].scale)).toBeCloseTo(1, 5);
    });
  });

  test("are monotone bit for bit up to the largest float32 numbers", async () => {
    const model = await fitted;
    const steps = Array.from({ length: 2000 }, (_, k) => Math.min(3.4e38, 0.5 * 1.046 ** k));
    for (const b of [-3.4e38, 0, 7, 101, 1e4, 3.4e38]) {
      const predicted = model.predictMany(steps.map((a) => ({ a, b })));
      for (let k = 1; k < steps.length; k++) expect(predicted[k]).toBeGreaterThanOrEqual(predicted[k - 1]);
    }
    expect(model.certify().monotone).toBe(true);
  });

  test("come back from the model file with the same bytes and bits", async () => {
    const model = await fitted;
    const text = stringifyModel(model);
    const again = load(text);
    expect(stringifyModel(again)).toBe(text);
    expect(again.predictMany(rows)).toEqual(model.predictMany(rows));
  });

  test("err less far out than the same networks without their bounds, and predict the rows themselves alike", async () => {
    const model = await fitted;
    const data = model.toJSON();
    const networks = data.networks.map((network, m) =>
      m === 0
        ? network
        : network.map((group) => group.filter((plane) => !isConstant(plane))).filter((group) => group.length > 0),
    );
    const loose = load({ ...data, networks });
    const [held, free] = [model.predictMany(rows), loose.predictMany(rows)];
    for (let r = 0; r < rows.length; r++) expect(Math.abs(held[r] - free[r])).toBeLessThan(1e-3);
    const far = Array.from({ length: 20 }, (_, k) => ({ a: 150 + 20 * k, b: 150 + 20 * k }));
    const worst = (predicted: Float32Array) => Math.max(...predicted.map((v) => Math.abs(v - 30)));
    expect(worst(model.predictMany(far))).toBeLessThan(0.8 * worst(loose.predictMany(far)));
  });
});

test("a target that falls without end is held from below, each group by one constant plane at the least value on training rows", async () => {
  const rows = tailed(400, (a) => -Math.min(a * a, 400));
  const falling = { constraint: "decreasing", transform: "linear" } as const;
  const model = await fit(rows, { ...options, features: { a: falling, b: falling } });
  const { networks, inputs } = model.toJSON();
  for (const network of networks.slice(1)) {
    const floors = network.slice(0, 4).flatMap((group) => group.filter(isConstant).map((plane) => plane[2]));
    expect(floors).toEqual(new Array(4).fill(floors[0]));
    let least = Number.POSITIVE_INFINITY;
    for (const row of rows) {
      const z = [row.a, row.b].map((v, i) => (v - inputs[i].center) * inputs[i].scale);
      const values = network
        .slice(0, 4)
        .map((group) => Math.max(...group.filter((w) => !isConstant(w)).map((w) => w[0] * z[0] + w[1] * z[1] + w[2])));
      least = Math.min(least, ...values);
    }
    expect(Math.abs(least - floors[0])).toBeLessThan(1e-5 * Math.max(0.01, Math.abs(least)));
  }
  expect(model.predict({ a: 3e38, b: 3e38 })).toBeLessThanOrEqual(model.predict({ a: 100, b: 100 }));
});

test("networks go on where left-out rows show that they should", async () => {
  const steeper = (a: number, b: number) => (a * a) / 10 + b;
  const { networks } = (await fit(tailed(400, steeper, 0), options)).toJSON();
  expect(networks.slice(1).flat(2).some(isConstant)).toBe(false);
});

test("without enough rows, one network alone, quantiles and log links have no bounds", async () => {
  const held = async (n: number, more: object) =>
    (await fit(tailed(n, levels), { ...options, ...more })).toJSON().networks.slice(1).flat(2).some(isConstant);
  expect(await held(240, {})).toBe(false);
  expect(await held(400, { networks: 1 })).toBe(false);
  expect(await held(400, { loss: { quantiles: [0.5] } })).toBe(false);
  expect(await held(400, { loss: "poisson" })).toBe(false);
});

test("the kernels' networks, added up in order, are the sums bit for bit, whatever the widths of tiles", () => {
  const [n, d] = [43, 5];
  const random = generator(3);
  const t = createTrainer(wasmModule);
  const x = t.floats(n * d + 16);
  t.f32(x).set(Float32Array.from({ length: n * d }, () => random() * 2 - 1));
  t.wasm.setData(x.at, t.put(new Float32Array(n)).at, 0, d, 0, 1);
  const shapes = [1, 1, 4, 4, 3, 7, 2, 1, 5, 6];
  const factors = [1, 0.25, 0.25, 0.5, 0.125];
  const count = factors.length;
  const planes = t.wasm.setNetworks(
    count,
    t.put(shapes, "i32").at,
    t.put(factors).at,
    t.put(factors).at,
    t.put(new Array<number>(d + 1).fill(0)).at,
    64,
  );
  const list = t.put(
    Uint32Array.from({ length: n }, (_, r) => n - 1 - r),
    "u32",
  );
  t.wasm.start(3, 1, t.put([1, -1, 0.5, 0, 2, 0.3]).at, 1, 0.25, list.at, n, 0, planes);
  const [sums, each] = [t.floats(n + 8), t.floats(count * 48)];
  t.wasm.evaluate(list.at, n, 0.5, sums.at);
  t.wasm.evaluateNetworks(list.at, n, 0.5, each.at);
  const [whole, parts] = [t.f32(sums), t.f32(each)];
  for (let r = 0; r < n; r++) {
    let sum = 0;
    for (let m = 0; m < count; m++) sum = Math.fround(sum + parts[m * 48 + r]);
    expect(sum).toBe(whole[r]);
  }
  expect(new Set(parts).size).toBeGreaterThan(count * n * 0.9);
});
