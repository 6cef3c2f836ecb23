// The linear centre, by moments of the inputs and by the rows themselves: the conditions of an optimum, an oracle, slices. And which of two centres.

import { describe, expect, test } from "vitest";
import { type Centre, clearlyBetter, fitCentre, RIDGES } from "../../js/centre.js";
import type { Feed } from "../../js/feed.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer, LOSSES } from "../../js/wasm.js";
import { generator } from "./oracle.js";

test("a centre is clearly better only where it wins by a standard error of the difference", () => {
  const centre = (errors: number[]) => ({
    all: new Float64Array(1),
    without: [],
    ridge: 1,
    error: errors.reduce((a, b) => a + b, 0),
    errors: Float64Array.from(errors),
  });
  const even = centre([5, 5, 5, 5]);
  expect(clearlyBetter(centre([4, 4.5, 4, 4.5]), even)).toBe(true);
  expect(clearlyBetter(even, centre([4, 4.5, 4, 4.5]))).toBe(false);
  // less in all, by one huge part
  expect(clearlyBetter(centre([6, 6, 6, 1]), even)).toBe(false);
  expect(clearlyBetter(even, even)).toBe(false);
  // gains of m - 1, m + 1, m - 1, m + 1: their sum 4 m has a standard error of sqrt(4 * 4 / 3), 2.31
  const ahead = (m: number) => clearlyBetter(even, centre([4 + m, 6 + m, 4 + m, 6 + m]));
  expect([ahead(0.57), ahead(0.58)]).toEqual([false, true]);
});

/** Rows [n][d] of which input i, modulo 10, is: 3 rare, 4 a copy of the one before 3, 5 constant; all others of mean 0 and variance 1, three in common. */
function made(n: number, d: number, weighted = false) {
  const random = generator(n * 1000 + d);
  const normal = () => random() + random() + random() + random() + random() + random() - 3;
  const shared = Array.from({ length: n }, () => [normal(), normal(), normal()]);
  const x = new Float32Array(n * d);
  for (let r = 0; r < n; r++) {
    for (let i = 0; i < d; i++) {
      const kind = i % 10;
      const v = kind === 3 ? (random() < 0.1 ? 3 : -0.3) : kind === 5 ? 0.5 : normal() + shared[r][i % 3];
      x[r * d + i] = kind === 4 ? x[r * d + i - 2] : v;
    }
  }
  const y = Float32Array.from({ length: n }, (_, r) => x[r * d] - x[r * d + 1] + 2 * shared[r][2] + normal());
  const weight = weighted
    ? Float32Array.from({ length: n }, (_, r) => (r % 7 === 6 ? 0 : 0.1 + 3 * random()))
    : undefined;
  return { n, d, x, y, weight, signs: Array.from({ length: d }, (_, i) => [1, 0, -1, 1, -1, 1, 0][i % 7]) };
}
type Made = ReturnType<typeof made>;

/** The centre; `room`: rows of a piece where they do not all lie in memory at once. */
function centreOf(
  { n, d, x, y, weight, signs }: Made,
  folds: number,
  { loss = 0, parameter = 0, room = n, pause = async () => {} } = {},
): Promise<Centre> {
  const t = createTrainer(wasmModule);
  // the kernels read whole vectors: room after the last row
  const [xs, ys, ws] = [t.floats(room * d + 16), t.floats(room), t.floats(room)];
  const feed = {
    room,
    range(from: number, to: number) {
      t.f32(xs).set(x.subarray(from * d, to * d));
      t.f32(ys).set(y.subarray(from, to));
      if (weight) t.f32(ws).set(weight.subarray(from, to));
      return { x: xs.at, y: ys.at, weight: weight ? ws.at : 0 };
    },
  } as Feed;
  const of = Uint8Array.from({ length: n }, (_, r) => r % folds);
  return fitCentre(t, { feed, n, d, signs: t.put(signs), loss, parameter }, of, folds, pause);
}

/** The rows to fit: all that have a weight, but not every `folds`-th from `part` on. */
const keptRows = ({ n, weight }: Made, folds = 1, part = -1) =>
  Array.from({ length: n }, (_, r) => r).filter((r) => weight?.[r] !== 0 && r % folds !== part);

/** How far coefficients are from the conditions of an optimum (Karush, Kuhn & Tucker), beside the size of what is compared. */
function violation({ d, x, y, weight, signs }: Made, rows: number[], beta: Float64Array, ridge: number): number {
  const w = (r: number) => weight?.[r] ?? 1;
  const total = rows.reduce((sum, r) => sum + w(r), 0);
  const mean = rows.reduce((sum, r) => sum + w(r) * y[r], 0) / total;
  const size = Math.sqrt(rows.reduce((sum, r) => sum + w(r) * (y[r] - mean) ** 2, 0)) || 1;
  const rest = rows.map((r) => beta.subarray(0, d).reduce((e, b, i) => e - b * x[r * d + i], y[r] - beta[d]));
  let worst = Math.abs(rest.reduce((sum, e, k) => sum + w(rows[k]) * e, 0)) / (size * Math.sqrt(total));
  for (let i = 0; i < d; i++) {
    const length = Math.sqrt(rows.reduce((sum, r) => sum + w(r) * x[r * d + i] ** 2, 0));
    const pull = rest.reduce((sum, e, k) => sum + w(rows[k]) * x[rows[k] * d + i] * e, 0) - ridge * total * beta[i];
    if (beta[i] * signs[i] < 0) return Number.POSITIVE_INFINITY;
    // at rest at 0: it may be pulled to where it may not go
    const off = beta[i] === 0 && signs[i] !== 0 ? Math.max(0, pull * signs[i]) : Math.abs(pull);
    if (length > 0) worst = Math.max(worst, off / (length * size));
  }
  return worst;
}

/** The optimum by coordinate descent on residuals, to rounding. */
function oracle({ d, x, y, weight, signs }: Made, rows: number[], ridge: number): Float64Array {
  const w = rows.map((r) => weight?.[r] ?? 1);
  const total = w.reduce((a, b) => a + b, 0);
  const meanOf = (v: (r: number) => number) => rows.reduce((sum, r, k) => sum + w[k] * v(r), 0) / total;
  const means = Array.from({ length: d }, (_, i) => meanOf((r) => x[r * d + i]));
  const meanY = meanOf((r) => y[r]);
  const rest = rows.map((r) => y[r] - meanY);
  const beta = new Float64Array(d + 1);
  for (let sweep = 0, moved = 1; sweep < 1e6 && moved > 1e-12; sweep++) {
    moved = 0;
    for (let i = 0; i < d; i++) {
      let [xx, xe] = [ridge * total, 0];
      for (const [k, r] of rows.entries()) {
        const v = x[r * d + i] - means[i];
        xx += w[k] * v * v;
        xe += w[k] * v * (rest[k] + beta[i] * v);
      }
      const next = (xe / xx) * signs[i] < 0 ? 0 : xe / xx;
      for (const [k, r] of rows.entries()) rest[k] -= (next - beta[i]) * (x[r * d + i] - means[i]);
      moved = Math.max(moved, Math.abs(next - beta[i]));
      beta[i] = next;
    }
  }
  beta[d] = means.reduce((b, m, i) => b - m * beta[i], meanY);
  return beta;
}

describe("the centre", () => {
  test.each([
    [30, 90, false],
    [40, 61, true],
    [61, 200, true],
    [130, 400, false],
    [90, 1500, true],
    [12, 19, false],
    [2, 5, false],
  ])(
    "of %i rows and %i inputs, weighted: %s, is an optimum under its signs, of all rows and without each fold",
    async (n, d, weighted) => {
      const problem = made(n, d, weighted);
      const folds = Math.min(n, 8);
      const { all, without, ridge } = await centreOf(problem, folds);
      expect(violation(problem, keptRows(problem), all, ridge)).toBeLessThan(1e-7);
      expect(without).toHaveLength(folds);
      without.forEach((beta, k) => {
        const rows = keptRows(problem, folds, k);
        expect(violation(problem, rows, beta, ridge)).toBeLessThan(1e-7);
      });
    },
  );

  test("is an optimum whatever the inputs' sizes, where whole steps of Newton's method go too far", async () => {
    for (let n = 8; n < 40; n += 5) {
      const problem = made(n, 2 * n + 1, n % 2 === 0);
      // weights, too, may lie magnitudes apart
      if (n % 3 === 0) problem.weight = Float32Array.from({ length: n }, (_, r) => 10 ** ((r % 9) - 6));
      problem.x = problem.x.map((v, i) => v * [0.1, 0.5, 1, 3, 10][(i % problem.d) % 5]);
      const { all, without, ridge } = await centreOf(problem, 3);
      expect(violation(problem, keptRows(problem), all, ridge)).toBeLessThan(1e-7);
      without.forEach((beta, k) => {
        expect(violation(problem, keptRows(problem, 3, k), beta, ridge)).toBeLessThan(1e-7);
      });
    }
  });

  test.each([
    [600, 400],
    [300, 700],
  ])(
    "of %i rows and %i inputs lets the event loop run between blocks of work, and ends with what that throws",
    async (n, d) => {
      const problem = made(n, d);
      let pauses = 0;
      const pause = async () => {
        if (++pauses === 9) throw new Error("enough");
      };
      await expect(centreOf(problem, 4, { pause })).rejects.toThrow("enough");
      await expect(centreOf(problem, 4, { pause })).resolves.toBeDefined();
      expect(pauses).toBeGreaterThan(25);
    },
  );

  test.each([
    [9, 14, 9, false],
    [9, 8, 9, true],
    [70, 106, 5, true],
    [70, 40, 5, true],
    [50, 120, 50, true],
  ])("of %i rows and %i inputs has the errors of the rows left out", async (n, d, folds, weighted) => {
    const problem = made(n, d, weighted);
    const { x, y, weight } = problem;
    const { ridge, without, errors, error } = await centreOf(problem, folds);
    const errorOf = (beta: Float64Array, part: number) => {
      let sum = 0;
      for (let r = part; r < n; r += folds) {
        const e = x.subarray(r * d, (r + 1) * d).reduce((rest, v, i) => rest - v * beta[i], y[r] - beta[d]);
        sum += (weight?.[r] ?? 1) * e * e;
      }
      return sum;
    };
    const sumOf = (v: Iterable<number>) => [...v].reduce((a, b) => a + b, 0);
    const wanted = without.map(errorOf);
    for (let k = 0; k < folds; k++) expect(errors[k]).toBeCloseTo(wanted[k], 4);
    expect(error).toBeCloseTo(sumOf(wanted) / sumOf(weight ?? new Array(n).fill(1)), 5);
    if (n > 9) return;
    const sums = RIDGES.map((strength) =>
      sumOf(without.map((_, k) => errorOf(oracle(problem, keptRows(problem, folds, k), strength), k))),
    );
    expect(ridge).toBe(RIDGES[sums.indexOf(Math.min(...sums))]);
    expect(sumOf(errors)).toBeCloseTo(Math.min(...sums), 4);
  });

  test("is the same whether the rows come at once or in pieces", async () => {
    for (const d of [20, 300]) {
      const problem = made(100, d, true);
      for (const loss of [LOSSES.squared, LOSSES.huber]) {
        const whole = await centreOf(problem, 4, { loss, parameter: 1 });
        expect(await centreOf(problem, 4, { loss, parameter: 1, room: 32 })).toEqual(whole);
      }
    }
  });

  test.each(["logistic", "poisson", "absolute"] as const)(
    "of more inputs than rows takes as many rounds of %s as of fewer",
    async (loss) => {
      // the same function of few inputs beside many that are constant: those say nothing, whichever way is taken
      const few = made(50, 8, true);
      few.y = few.y.map((v) =>
        loss === "absolute" ? v : loss === "poisson" ? Math.floor(Math.abs(v)) : Number(v > 0),
      );
      const d = 80;
      const many = {
        ...few,
        d,
        x: new Float32Array(few.n * d).fill(0),
        signs: [...few.signs, ...new Array(d - 8).fill(1)],
      };
      for (let r = 0; r < few.n; r++) many.x.set(few.x.subarray(r * 8, r * 8 + 8), r * d);
      const given = { loss: LOSSES[loss], parameter: 5 };
      const [a, b] = [await centreOf(few, 5, given), await centreOf(many, 5, given)];
      expect(b.ridge).toBe(a.ridge);
      for (let i = 0; i < 8; i++) expect(b.all[i]).toBeCloseTo(a.all[i], 3);
      expect(b.all[d]).toBeCloseTo(a.all[8], 3);
      expect(b.error / a.error).toBeCloseTo(1, 3);
    },
  );

  test.each([20, 200])("of %i inputs keeps those at 0 whose sign is NaN, as if they were not there", async (d) => {
    const problem = made(100, d);
    const without = { ...problem, signs: problem.signs.map((sign, i) => (i % 4 === 1 ? Number.NaN : sign)) };
    const zeroed = { ...problem, x: problem.x.map((v, i) => ((i % d) % 4 === 1 ? 0 : v)) };
    const [a, b] = [await centreOf(without, 5), await centreOf(zeroed, 5)];
    expect(a).toEqual(b);
    expect(a.all.every((v, i) => i === d || i % 4 !== 1 || v === 0)).toBe(true);
  });

  test("of a target that does not vary, or rows of which only one part has a weight, has numbers", async () => {
    for (const d of [5, 50]) {
      const flat = { ...made(20, d), y: new Float32Array(20).fill(3) };
      const { all, error } = await centreOf(flat, 4);
      expect(all[d]).toBeCloseTo(3, 6);
      expect(error).toBeLessThan(1e-9);
      expect(all.subarray(0, d).every((v) => Math.abs(v) < 1e-9)).toBe(true);
    }
    const part = { ...made(20, 50), weight: Float32Array.from({ length: 20 }, (_, r) => Number(r % 4 === 1)) };
    const { all, without } = await centreOf(part, 4);
    expect([...all, ...without.flatMap((v) => [...v])].every(Number.isFinite)).toBe(true);
  });

  test("a golden value: the bits of both ways stay", async () => {
    const bits = async (n: number, d: number) => {
      const { all, error } = await centreOf(made(n, d, true), 8);
      return [all[0], all[d], error];
    };
    expect(await bits(120, 30)).toEqual([0.9780609575255734, -0.15822969478717053, 0.9181529034201542]);
    expect(await bits(30, 120)).toEqual([0.09773512454896631, -0.1774541503537967, 2.1876642410843217]);
  });
});

describe("slices of a solution", () => {
  test.each([
    [80, 30],
    [30, 80],
  ])("of %i rows and %i inputs end anywhere without a change of bits", (n, d) => {
    const { x, y, weight, signs } = made(n, d, true);
    const solved = (budget: number) => {
      const t = createTrainer(wasmModule);
      const { wasm } = t;
      const beta = t.put(new Float64Array(d + 1), "f64");
      const id = t.put(
        Uint8Array.from({ length: n }, (_, r) => r % 3),
        "u8",
      ).at;
      const [xs, ys, ws] = [t.put(x).at, t.put(y).at, t.put(weight as Float32Array).at];
      const sign = t.put(signs).at;
      let slices = 0;
      const run = (work: (budget: number) => number) => {
        while (work(budget)) slices++;
      };
      if (d > n) {
        wasm.beginDual(n, d, sign, beta.at, t.bytes(wasm.dualSize(n, d)).at);
        wasm.takeRows(xs, 0, n);
        for (const part of [-1, 1]) {
          wasm.leaveOut(ys, ws, id, part);
          for (const ridge of [0.1, 0.001]) {
            wasm.beginSolution(ridge);
            run(wasm.solveDual);
          }
        }
      } else {
        const q = wasm.momentSize(d);
        const moments = t.put(new Float64Array(3 * q * q), "f64").at;
        wasm.beginMoments(xs, ys, ws, id, 0, n, d, moments, t.bytes(wasm.momentScratch(d)).at);
        run(wasm.addMoments);
        const total = t.doubles(q * q).at;
        wasm.sumMoments(moments, 3, q, 0, q * q, total);
        wasm.beginPart(total, moments, d, sign, beta.at, t.doubles(wasm.ridgeSize(d)).at);
        for (const ridge of [0.1, 0.001]) {
          wasm.beginRidge(ridge, 300);
          run(wasm.solveRidge);
        }
      }
      return { beta: t.f64(beta).slice(), slices };
    };
    const once = solved(1e9);
    const often = solved(1);
    expect(once.slices).toBe(0);
    expect(often.slices).toBeGreaterThan(100);
    expect(often.beta).toEqual(once.beta);
    expect(solved(1000).beta).toEqual(once.beta);
  });
});
