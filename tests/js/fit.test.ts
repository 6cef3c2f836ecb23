// Training: repeatable to the byte, better than its baselines, stoppable, and honest about bad input.

import { describe, expect, test } from "vitest";
import { crossValidate, type FitOptions, fit, load, type Progress } from "../../js/index.js";
import { linearFit } from "../../js/linear.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";
import { generator } from "./oracle.js";

/** Jobs with a known, monotone, non-linear duration: n rows. */
function jobs(n: number, seed = 1) {
  const random = generator(seed);
  return Array.from({ length: n }, () => {
    const scan = Math.floor(random() ** 2 * 12);
    const repair = Math.floor(random() ** 3 * 8);
    const staff = 1 + Math.floor(random() * 4);
    const hour = Math.floor(random() * 24);
    const minutes =
      3 + 2 * scan + Math.max(4 * repair, 12) / staff + 0.3 * scan * repair + Math.abs(hour - 12) / 4 + random();
    return { scan, repair, staff, hour, minutes };
  });
}
const features = { scan: "increasing", repair: 1, staff: "decreasing", hour: "free" } as const;
const quick = { networks: 4, members: 2, epochs: 4 } as const;
const text = JSON.stringify;

describe("fit", () => {
  test("halves the error of the sign-constrained linear fit on jobs that interact", async () => {
    const model = await fit(jobs(1200), { target: "minutes", features });
    const { heldOut, curve, blend } = model.training;
    expect(heldOut?.model.rmse).toBeLessThan((heldOut?.linear.rmse ?? 0) / 2);
    expect(heldOut?.linear.rmse).toBeLessThan(heldOut?.mean.rmse ?? 0);
    // the same on rows that played no part at all
    const fresh = jobs(400, 99);
    const predicted = model.predictMany(fresh);
    const rmse = Math.sqrt(fresh.reduce((s, row, r) => s + (predicted[r] - row.minutes) ** 2, 0) / fresh.length);
    expect(rmse).toBeLessThan(1.3 * (heldOut?.model.rmse ?? 0));
    expect(curve.length).toBeGreaterThan(10);
    expect(blend).toBeGreaterThan(0);
    expect(model.certify().monotone).toBe(true);
  });

  test("where few noisy rows come from a plane, networks hardly count and the error is within 3 % of the linear fit's", async () => {
    let own = 0;
    let linear = 0;
    let share = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const random = generator(seed);
      const draw = (n: number) =>
        Array.from({ length: n }, () => {
          const [a, b, c] = [random(), random(), random()];
          return { a, b, c, y: 3 * a + 2 * b - c + 2 * (random() + random() + random() + random() - 2) };
        });
      const raw = (rows: ReturnType<typeof draw>) => Float32Array.from(rows.flatMap((row) => [row.a, row.b, row.c]));
      const rows = draw(40);
      const model = await fit(rows, { target: "y", features: { a: 1, b: 1, c: -1 }, seed });
      share += model.training.blend / 12;
      const { inputs, features } = model.toJSON();
      const y = Float64Array.from(rows, (row) => row.y);
      const fresh = draw(200);
      const predicted = model.predictMany(fresh);
      const t = createTrainer(wasmModule);
      const baseline = await (await linearFit(t, raw(rows), inputs, features, y, undefined, async () => {}))(
        raw(fresh),
      );
      fresh.forEach((row, r) => {
        own += (predicted[r] - row.y) ** 2;
        linear += (baseline[r] - row.y) ** 2;
      });
    }
    expect(Math.sqrt(own / linear)).toBeLessThan(1.03);
    // what the networks gain there is chance, so they hardly count; where they gain for sure they count in full
    expect(share).toBeLessThan(0.3);
    expect((await fit(jobs(300), { target: "minutes", features })).training.blend).toBe(1);
  });

  test("two runs give the same bytes, another seed gives others", async () => {
    const rows = jobs(300);
    const a = await fit(rows, { target: "minutes", features, ...quick });
    const b = await fit(rows, { target: "minutes", features, ...quick });
    const c = await fit(rows, { target: "minutes", features, ...quick, seed: 2 });
    expect(text(a)).toBe(text(b));
    expect(text(a)).not.toBe(text(c));
  });

  test("columns and rows, typed or not, give the same model", async () => {
    const rows = jobs(200);
    const names = ["scan", "repair", "staff", "hour", "minutes"] as const;
    const plain = Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name])]));
    const typed = Object.fromEntries(names.map((name) => [name, Float64Array.from(rows, (row) => row[name])]));
    const options = { target: "minutes", features, ...quick };
    const want = text(await fit(rows, options));
    expect(text(await fit(plain, options))).toBe(want);
    expect(text(await fit(typed, options))).toBe(want);
  });

  test("a saved and loaded model predicts the same bits", async () => {
    const rows = jobs(250);
    const model = await fit(rows, { target: "minutes", features, ...quick });
    const again = load(text(model));
    expect(again.predictMany(rows)).toEqual(model.predictMany(rows));
    expect(again.sensitivityMany(rows)).toEqual(model.sensitivityMany(rows));
    expect(text(again)).toBe(text(model));
  });

  test("omitted features are every other column, increasing", async () => {
    const model = await fit(
      jobs(60).map(({ scan, repair, minutes }) => ({ scan, repair, minutes })),
      { target: "minutes", ...quick },
    );
    expect(model.features.map((f) => [f.name, f.constraint])).toEqual([
      ["scan", "increasing"],
      ["repair", "increasing"],
    ]);
  });

  test("networks: 1 is one network of groups x hyperplanes and nothing else", async () => {
    const model = await fit(jobs(100), {
      target: "minutes",
      features,
      networks: 1,
      groups: 3,
      hyperplanes: 5,
      members: 1,
      validation: 0,
      epochs: 7,
      batch: 10,
    });
    const data = model.toJSON();
    expect(data.networks).toHaveLength(1);
    expect(data.networks[0].map((group) => group.length)).toEqual([5, 5, 5]);
    expect(data.training).toMatchObject({ steps: 70, batch: 10, members: 1, rows: 100, blend: 1 });
    expect(data.training.heldOut).toBeUndefined();
  });

  test("progress climbs to the last epoch and the event loop gets turns", async () => {
    const seen: number[] = [];
    let turns = 0;
    let running = true;
    const count = () => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    await fit(jobs(2000), { target: "minutes", features, onProgress: (p) => seen.push(p.epoch / p.epochs) });
    running = false;
    expect(seen.length).toBeGreaterThan(40);
    expect(seen.every((v, i) => i === 0 || v >= seen[i - 1])).toBe(true);
    expect(seen.at(-1)).toBeCloseTo(1, 5);
    expect(turns).toBeGreaterThan(10);
  });

  test("members stop long after their best look, and progress ends at the last epoch nevertheless", async () => {
    const random = generator(5);
    const rows = Array.from({ length: 300 }, () => ({ a: random(), b: random(), y: random() }));
    const options = { target: "y", features: { a: "increasing", b: "free" }, members: 2 } as const;
    const seen: number[] = [];
    const model = await fit(rows, { ...options, onProgress: (p) => seen.push(p.epoch / p.epochs) });
    const { curve, steps } = model.training;
    // nothing can be learned: one ridge, and fewer than 40 looks of each member
    expect(curve.length).toBeLessThan(40);
    expect(curve.at(-1)?.step).toBeLessThan(steps);
    expect(seen.length).toBeLessThan(2 * 40);
    expect(seen.every((v, i) => i === 0 || v >= seen[i - 1])).toBe(true);
    expect(seen.at(-1)).toBe(1);
    expect(text(await fit(rows, { ...options, threads: 2 }))).toBe(text(model));
    // passes that were asked for are made
    expect((await fit(rows, { ...options, epochs: 40 })).training.curve).toHaveLength(41);
  });

  /** a b and a hinge in c, 0 to 10 each: few steps do not do. */
  function bent(n: number, seed = 2) {
    const random = generator(seed);
    return Array.from({ length: n }, () => {
      const [a, b, c] = [10 * random(), 10 * random(), 10 * random()];
      return { a, b, c, y: a * b + Math.max(0, c - 5) ** 2 };
    });
  }
  const smooth = { target: "y", features: { a: 1, b: 1, c: 1 } } as const;

  test.each([
    [150, {}, 4000, 0.06],
    [150, { learningRate: 0.05 }, 4000, 0.05],
    [150, { effort: "best" }, 8000, 0.06],
    [300, {}, 8000, 0.06],
    // fewer rows, or not asked of left-out rows
    [127, {}, 500, 0.04],
    [150, { effort: "fast" }, 125, 0.04],
    [150, { validation: 0 }, 500, 0.04],
    [150, { epochs: 250 }, 750, 0.04],
  ] as const)(
    "members that are late train longer: %i rows with %j take %i steps at %f",
    async (n, more, steps, rate) => {
      const { training } = await fit(bent(n), { ...smooth, networks: 8, ...more });
      expect(training).toMatchObject({ steps, learningRate: rate });
      expect(training.curve.at(-1)?.step).toBeLessThanOrEqual(steps);
      // a step is a batch of 64: of 131 rows, the third of an epoch
      if (n === 150 && !("validation" in more))
        expect(training.curve.at(-1)).toMatchObject({ step: steps, epoch: steps / 3 });
    },
  );

  test("members that train longer do so alike on any threads, with half the error, and progress climbs to the end", async () => {
    const seen: Progress[] = [];
    const model = await fit(bent(200), { ...smooth, onProgress: (p) => seen.push(p) });
    expect(text(await fit(bent(200), { ...smooth, threads: 2 }))).toBe(text(model));
    expect(seen.every((p, i) => i === 0 || p.epoch >= seen[i - 1].epoch)).toBe(true);
    const { curve } = model.training;
    expect(seen.at(-1)).toMatchObject({ epoch: curve.at(-1)?.epoch, epochs: curve.at(-1)?.epoch });
    // 40 looks of eight members and three rounds: two ridges, and more steps
    expect(seen).toHaveLength(40 * 8 * 3);
    const fresh = bent(500, 3);
    const rmse = (m: typeof model) =>
      Math.sqrt(fresh.reduce((sum, row) => sum + (m.predict(row) - row.y) ** 2, 0) / fresh.length);
    // as many steps as there were, from the same start
    const few = await fit(bent(200), { ...smooth, epochs: 167 });
    expect(rmse(model)).toBeLessThan(rmse(few) / 2);
  });

  test.each([
    ["late enough for the second ridge, but not for more steps", 3, 2 * 320 + 1],
    ["late, but no better for more steps, stay as they were", 4, 3 * 320],
  ])("members that are %s: seed %i", async (_, seed, looks) => {
    const random = generator(seed);
    const rows = Array.from({ length: 200 }, () => {
      const [a, b, c] = [10 * random(), 10 * random(), 10 * random()];
      return { a, b, c, y: (a * a) / 10 + b + random() + random() };
    });
    const seen: Progress[] = [];
    const tiny = { networks: 4, groups: 2, hyperplanes: 2 } as const;
    const { training } = await fit(rows, { ...smooth, ...tiny, onProgress: (p) => seen.push(p) });
    expect(training).toMatchObject({ steps: 500, learningRate: 0.04 });
    expect(seen).toHaveLength(looks);
    // a round counts by its steps: 500, 500, 4,000
    expect(seen[319].epoch / seen[319].epochs).toBeCloseTo(1 / 10, 10);
    expect(seen.at(-1)?.epoch).toBe(seen.at(-1)?.epochs);
  });

  test("members that are at their best early do not train longer", async () => {
    const random = generator(5);
    const rows = Array.from({ length: 200 }, () => ({ a: random(), b: random(), y: random() }));
    const seen: Progress[] = [];
    const { training } = await fit(rows, { ...smooth, features: { a: 1, b: 1 }, onProgress: (p) => seen.push(p) });
    expect(training).toMatchObject({ steps: 500, learningRate: 0.04 });
    // one round, and word of the end
    expect(seen).toHaveLength(40 * 8 + 1);
    expect(seen.at(-1)?.epoch).toBe(seen.at(-1)?.epochs);
  });

  test.each([
    [0, null],
    [0.1, expect.any(Number)],
  ])(
    "progress and curve count the epochs asked for, with a loss at each look; validation: %f",
    async (validation, left) => {
      const seen: Progress[] = [];
      // 90 or 100 rows, two steps of 64 at most an epoch
      const model = await fit(jobs(100), {
        ...quick,
        target: "minutes",
        epochs: 60,
        members: 1,
        validation,
        onProgress: (p) => seen.push(p),
      });
      expect(seen).toHaveLength(40);
      expect(seen.at(-1)).toMatchObject({ epoch: 60, epochs: 60, threads: 1 });
      for (const p of seen) {
        expect(Number.isFinite(p.loss)).toBe(true);
        expect(p).toMatchObject({ epochs: 60, validationLoss: left });
      }
      expect(seen[0].epoch).toBeCloseTo(1.5, 10);
      expect(model.training.curve.at(-1)).toMatchObject({ step: 120, epoch: 60 });
    },
  );

  test("an aborted signal rejects with AbortError, before and during training", async () => {
    const before = AbortSignal.abort();
    await expect(fit(jobs(50), { target: "minutes", features, signal: before })).rejects.toMatchObject({
      name: "AbortError",
    });
    const controller = new AbortController();
    const running = fit(jobs(3000), {
      target: "minutes",
      features,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
  });

  test.each<[string, FitOptions["onProgress"]]>([
    [
      "throws",
      () => {
        throw new Error("enough");
      },
    ],
    ["rejects", () => Promise.reject(new Error("enough"))],
    [
      "rejects when the fit is otherwise done",
      async ({ epoch, epochs }) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (epoch === epochs) throw new Error("enough");
      },
    ],
  ])("an onProgress that %s ends the fit with its error, and nothing is left unhandled", async (_, onProgress) => {
    const unhandled: unknown[] = [];
    const hear = (error: unknown) => unhandled.push(error);
    process.on("unhandledRejection", hear);
    for (const run of [fit, crossValidate]) {
      const options = { ...quick, target: "minutes", features, members: 2, epochs: 10, onProgress };
      await expect(run(jobs(300), options)).rejects.toThrow("enough");
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off("unhandledRejection", hear);
    expect(unhandled).toEqual([]);
  });

  test("an abort rejects with AbortError at whatever turn of a fit it comes", async () => {
    const wide = Array.from({ length: 30 }, (_, r) => {
      const columns = Array.from({ length: 70 }, (_, i) => [`x${i}`, (r * (i + 3) * 7919) % 101]);
      return { ...Object.fromEntries(columns), y: r + ((r * 7) % 5) };
    });
    const short = { target: "y", networks: 2, groups: 2, hyperplanes: 2, members: 1, epochs: 2 };
    let turns = 0;
    const endingAfter = (last: number) => ({
      get aborted() {
        return ++turns > last;
      },
    });
    await fit(wide, { ...short, signal: endingAfter(Number.POSITIVE_INFINITY) as AbortSignal });
    const all = turns;
    expect(all).toBeGreaterThan(20);
    for (let last = 0; last < all; last++) {
      turns = 0;
      const running = fit(wide, { ...short, signal: endingAfter(last) as AbortSignal });
      await expect(running, `turn ${last}`).rejects.toMatchObject({ name: "AbortError" });
    }
  });

  test("an onProgress whose promise does not come to an end holds the fit, until that is aborted", async () => {
    const controller = new AbortController();
    const options = { ...quick, target: "minutes", features, members: 1, epochs: 2, signal: controller.signal };
    let done = false;
    const running = fit(jobs(100), { ...options, onProgress: () => new Promise<void>(() => {}) });
    running
      .catch(() => {})
      .finally(() => {
        done = true;
      });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(done).toBe(false);
    controller.abort();
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
  });

  test("targets that only rows of weight 0 make differ, and training beyond float32, are refused in words", async () => {
    const rows = jobs(30).map((row, i) => ({ ...row, minutes: i % 3, n: i % 3 === 1 ? 1 : 0 }));
    await expect(fit(rows, { ...quick, target: "minutes", features, weight: "n" })).rejects.toThrow(
      new RangeError('target "minutes" is 1 in every row of weight above 0: there is nothing to learn from it'),
    );
    const far = { ...quick, target: "minutes", features, loss: "gamma", learningRate: 10, epochs: 60 } as const;
    const given = jobs(60).map((row, i) => ({ ...row, minutes: i % 2 ? 1e-30 : 1e30 }));
    await expect(fit(given, { ...far, validation: 0 })).rejects.toThrow('lower "learningRate"');
  });

  test("intervals and quantiles are of the rows by their weight, and not of rows of weight 0", async () => {
    const random = generator(8);
    // half of the rows are far more spread out, and count little or not at all
    const rows = Array.from({ length: 1200 }, (_, r) => {
      const a = 10 * random();
      return { a, y: a + (r % 2 ? 40 : 1) * (random() - 0.5), n: r % 2 };
    });
    const options = { target: "y", networks: 4, epochs: 20 } as const;
    const kept = rows.filter(({ n }) => n === 0).map(({ a, y }) => ({ a, y }));
    const held = (low: number, high: number, share: (n: number) => number) => {
      const inside = rows.filter(({ a, y }) => low <= y - a && y - a <= high);
      const sum = (of: typeof rows) => of.reduce((total, { n }) => total + share(n), 0);
      return sum(inside) / sum(rows);
    };
    for (const [weight, width] of [
      [0, 0.8],
      [1 / 9, 6],
    ]) {
      const weighted = rows.map((row) => ({ ...row, n: row.n ? weight : 1 }));
      const model = await fit(weighted, { ...options, weight: "n" });
      const [low, high] = model.predictInterval({ a: 5 }, 0.8).map((end) => end - model.predict({ a: 5 }));
      expect(high - low).toBeLessThan(1.2 * width);
      expect(held(low, high, (n) => (n ? weight : 1))).toBeGreaterThan(0.75);
      expect(held(low, high, (n) => (n ? weight : 1))).toBeLessThan(0.9);
      expect(model.training.heldOut?.model.rows).toBe(weight ? 1200 : 600);
      const levels = { quantiles: [0.1, 0.5, 0.9] };
      const quantiles = await fit(weighted, { ...options, weight: "n", loss: levels });
      const [least, most] = [0.1, 0.9].map((p) => quantiles.quantile({ a: 5 }, p) - 5);
      expect(held(least, most, (n) => (n ? weight : 1))).toBeGreaterThan(0.72);
      expect(held(least, most, (n) => (n ? weight : 1))).toBeLessThan(0.88);
    }
    // the same shares of the same rows
    const without = (await fit(kept, options)).predictInterval({ a: 5 }, 0.8);
    expect(without[1] - without[0]).toBeLessThan(1);
  });

  test.each(["squared", "absolute", "huber", "poisson", "gamma", "logistic", { quantiles: [0.1, 0.9] }] as const)(
    "targets of rows of weight 0 change no byte of a model, of narrow and of wide tables: loss %j",
    async (loss) => {
      const random = generator(6);
      for (const width of [5, 45]) {
        const share = loss === "logistic";
        const rows = Array.from({ length: 300 }, (_, r) => {
          const row: Record<string, number> = { n: Number(r % 4 !== 1) };
          for (let i = 0; i < width; i++) row[`x${i}`] = random() + random() - 1;
          row.y = share ? Number(row.x0 + row.x1 > 0) : 1 + (row.x0 + 1) * (row.x1 + 1) + random();
          return row;
        });
        const given = { ...quick, members: 3, target: "y", weight: "n", loss };
        // beyond the largest target, beyond what can be squared in float32, and against a direction
        const others = share
          ? [(row: { y: number }) => 1 - row.y]
          : [() => 3e30, (row: { x4?: number }) => 9 - 8 * (row.x4 ?? 0)];
        const [first, ...rest] = await Promise.all(
          [({ y }: { y: number }) => y, ...others].map((y) =>
            fit(
              rows.map((row) => ({ ...row, y: row.n ? row.y : y(row as { y: number }) })),
              given,
            ),
          ),
        );
        for (const model of rest) expect(text(model)).toBe(text(first));
      }
    },
  );

  test("left-out rows of no weight leave a model without intervals, and quantiles uncalibrated", async () => {
    // members: 1 leaves one fold of eight out; two rows of weight are seldom both in it, and seldom is one
    const rows = jobs(64).map((row, r) => ({ ...row, n: Number(r < 3) }));
    const given = { ...quick, target: "minutes", features, weight: "n", members: 1, epochs: 1 } as const;
    let without = 0;
    for (let seed = 1; seed < 6; seed++) {
      const data = (await fit(rows, { ...given, seed })).toJSON();
      const { calibration } = (await fit(rows, { ...given, seed, loss: { quantiles: [0.1, 0.9] } })).toJSON();
      const told = data.training.heldOut?.model.rows ?? 0;
      expect(data.residuals?.length ?? 0).toBe(told);
      // nor scores: they would be of nothing
      expect(data.training.heldOut === undefined).toBe(told === 0);
      expect(calibration === undefined).toBe(told === 0);
      without += Number(told === 0);
    }
    expect(without).toBeGreaterThan(0);
  });

  test.each([
    [
      { networks: 1024, groups: 256, hyperplanes: 64 },
      '"networks" expected fewer than 2^24 hyperplanes together, got 16777217',
    ],
    [
      { networks: 1024, groups: 64, hyperplanes: 64, members: 4 },
      '"networks" expected fewer than 2^24 hyperplanes together',
    ],
    [
      { networks: 1024, groups: 128, hyperplanes: 64 },
      /^networks: the host refused \d{10} bytes of WebAssembly memory/,
    ],
  ])("networks too large for the kernels are refused by name, at once: %o", async (size, message) => {
    const wide = jobs(40).map((row) => ({
      ...row,
      ...Object.fromEntries(Array.from("abcdefghijklmnopqrst", (k) => [k, 1])),
    }));
    const options = { target: "minutes", members: 1, epochs: 1, ...size };
    await expect(fit(wide, options)).rejects.toThrow(RangeError);
    await expect(fit(wide, options)).rejects.toThrow(message);
  });

  test("rows of nine times the weight are fitted at least as closely", async () => {
    const rows = jobs(80);
    const weighted = await fit(
      rows.map((row, r) => ({ ...row, n: r < 40 ? 9 : 1 })),
      { target: "minutes", features, weight: "n" },
    );
    const plain = await fit(rows, { target: "minutes", features });
    const error = (m: typeof plain) => rows.slice(0, 40).reduce((s, row) => s + (m.predict(row) - row.minutes) ** 2, 0);
    expect(text(weighted)).not.toBe(text(plain));
    expect(error(weighted)).toBeLessThan(error(plain) * 1.05);
  });

  test("two rows are enough, and twenty are fine", async () => {
    const two = await fit(
      [
        { a: 1, t: 3 },
        { a: 2, t: 5 },
      ],
      { target: "t" },
    );
    expect(Number.isFinite(two.predict({ a: 1.5 }))).toBe(true);
    const twenty = await fit(jobs(20), { target: "minutes", features });
    expect(twenty.certify().monotone).toBe(true);
    expect(Number.isFinite(twenty.predict(jobs(1, 5)[0]))).toBe(true);
  });

  test("a constant column and huge magnitudes do no harm, and the warning names them", async () => {
    const rows = jobs(120).map((row) => ({ ...row, constant: 7, huge: 1e30 * row.scan }));
    const model = await fit(rows, { target: "minutes", features: { ...features, constant: 1, huge: 1 }, ...quick });
    expect(model.training.warnings.join()).toMatch(/"constant" is 7 in every row/);
    expect(model.predictMany(rows).every(Number.isFinite)).toBe(true);
  });

  test("a column of small numbers that float32 can scale is learned from, without a warning", async () => {
    const column = (unit: number) => Array.from({ length: 60 }, (_, r) => ({ a: r * unit, t: r + (r % 3) }));
    const options = { target: "t", features: { a: 1 }, ...quick } as const;
    const model = await fit(column(1e-37), options);
    expect(model.training.warnings).toEqual([]);
    const large = await fit(column(1), options);
    expect(model.predict({ a: 30e-37 })).toBeCloseTo(large.predict({ a: 30 }), 3);
  });

  test("a target, or a column, that float32 can hold but not tell apart is named", async () => {
    const rows = jobs(120);
    const given = { target: "minutes", features, ...quick } as const;
    const moved = rows.map((row) => ({ ...row, minutes: row.minutes + 1.7e12 }));
    expect((await fit(moved, given)).training.warnings).toEqual([
      '"minutes" varies by less than 1e-5 of its size: float32 keeps few of its digits; subtract a constant first',
    ]);
    expect((await fit(rows, given)).training.warnings).toEqual([]);
    const most = Math.max(...rows.map(({ scan }) => scan));
    const wide = rows.map((row) => ({ ...row, scan: (row.scan / most) * 3e38 - 1.5e38 }));
    expect((await fit(wide, given)).training.warnings).toEqual([]);
    const wider = wide.map((row, r) => ({ ...row, scan: r === 5 ? -3e38 : row.scan }));
    expect((await fit(wider, given)).training.warnings).toEqual([
      '"scan" runs wider than float32, so values at its ends fall together: give it in a larger unit',
    ]);
    const tiny = rows.map((row) => ({ ...row, minutes: row.minutes * 1e-48 }));
    await expect(fit(tiny, given)).rejects.toThrow(
      /^target "minutes" has a standard deviation of \d\S+e-4\d, too small for float32: give it in a smaller unit/,
    );
  });

  test.each(["auto", "linear", "log1p"] as const)(
    "a column of numbers too small to scale is named, and its derivatives are numbers (%s)",
    async (transform) => {
      const rows = Array.from({ length: 60 }, (_, r) => ({ a: Math.exp(r / 10) * 1e-44, t: r + (r % 3) }));
      const model = await fit(rows, { target: "t", features: { a: { transform } }, ...quick });
      expect(model.training.warnings).toEqual([
        '"a" holds numbers too small for float32 to scale: give it in a smaller unit',
      ]);
      expect(model.sensitivityMany(rows).every(Number.isFinite)).toBe(true);
      const larger = rows.map(({ a, t }) => ({ a: 1e44 * a, t }));
      const again = await fit(larger, { target: "t", features: { a: { transform } }, ...quick });
      expect(again.training.warnings).toEqual([]);
    },
  );
});

test("an abort at a look is heard, though the fit is over within a turn of the event loop", async () => {
  const controller = new AbortController();
  const short = { target: "minutes", features, ...quick, signal: controller.signal };
  const aborted = fit(jobs(40), { ...short, onProgress: () => controller.abort() });
  await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
});

describe("losses", () => {
  const rows = jobs(400);
  const options = { target: "minutes", features, networks: 8, members: 2, epochs: 40 };
  test.each(["absolute", "huber", "poisson", "gamma"] as const)(
    "%s beats the mean on its own rows and stays monotone",
    async (loss) => {
      const model = await fit(rows, { ...options, loss });
      expect(model.training.heldOut?.model.mae).toBeLessThan((model.training.heldOut?.mean.mae ?? 0) / 3);
      expect(model.certify().monotone).toBe(true);
      if (loss === "poisson" || loss === "gamma") {
        const far = model.predict({ scan: 1e6, repair: 1e6, staff: 1, hour: 0 });
        expect(far).toBeLessThanOrEqual(2.001 * Math.max(...rows.map((row) => row.minutes)));
      }
    },
  );

  test.each(["poisson", "gamma"] as const)("%s refuses targets smaller than an exponential can be", async (loss) => {
    const scaled = (unit: number) => rows.map((row) => ({ ...row, minutes: row.minutes * unit }));
    await expect(fit(scaled(1e-41), { ...options, loss })).rejects.toThrow(
      /^"minutes" expected a mean from 1.3e-38 on for the loss "\w+", got [\d.]+e-40$/,
    );
    const model = await fit(scaled(1e-36), { ...options, loss, epochs: 1 });
    expect(model.predict(rows[0])).toBeGreaterThan(1.3e-38);
  });

  test("logistic gives probabilities that rank the outcomes", async () => {
    const yes = rows.map((row) => ({ ...row, minutes: row.minutes > 12 ? 1 : 0 }));
    const model = await fit(yes, { ...options, loss: "logistic" });
    const p = model.predictMany(yes);
    expect(p.every((v) => v >= 0 && v <= 1)).toBe(true);
    const right = yes.filter((row, r) => (p[r] > 0.5 ? 1 : 0) === row.minutes).length / yes.length;
    expect(right).toBeGreaterThan(0.93);
  });

  test("the median that predict gives is calibrated, too, where other levels were asked for", async () => {
    const random = generator(7);
    const skewed = (n: number) =>
      Array.from({ length: n }, () => {
        const a = 10 * random();
        return { a, y: 3 * a - (1 + a) * Math.log(1 - random()) };
      });
    const rows = skewed(2000);
    const fresh = skewed(4000);
    const given = { target: "y", features: { a: "increasing" } } as const;
    const [other, asked] = await Promise.all(
      [
        [0.01, 0.99],
        [0.01, 0.5, 0.99],
      ].map((quantiles) => fit(rows, { ...given, loss: { quantiles } })),
    );
    for (const model of [other, asked]) {
      expect(model.toJSON().calibration?.map(([level]) => level)).toEqual([0.01, 0.5, 0.99]);
      const below = fresh.filter((row) => row.y <= model.predict(row)).length / fresh.length;
      expect(below).toBeGreaterThan(0.46);
      expect(below).toBeLessThan(0.54);
    }
  });

  test("quantiles cover their share of fresh rows and never cross", async () => {
    const noisy = (n: number, seed: number) => {
      const random = generator(seed);
      return jobs(n, seed).map((row) => ({ ...row, minutes: row.minutes * (0.6 + random() * 0.8) }));
    };
    const model = await fit(noisy(1500, 3), { target: "minutes", features, loss: { quantiles: [0.1, 0.5, 0.9] } });
    const fresh = noisy(800, 4);
    for (const p of [0.1, 0.5, 0.9]) {
      const below = fresh.filter((row) => row.minutes <= model.quantile(row, p)).length / fresh.length;
      expect(Math.abs(below - p)).toBeLessThan(0.06);
    }
    for (const row of fresh.slice(0, 50)) {
      let last = Number.NEGATIVE_INFINITY;
      for (let p = 0.01; p < 1; p += 0.01) {
        const q = model.quantile(row, p);
        expect(q).toBeGreaterThanOrEqual(last);
        last = q;
      }
    }
    expect(model.predict(fresh[0])).toBe(model.quantile(fresh[0], 0.5));
  });
});

describe("inputs as they come", () => {
  test("a category gets its own level, an unknown one is an error that lists the known", async () => {
    const random = generator(8);
    const rows = Array.from({ length: 200 }, () => {
      const city = ["Bergen", "Oslo", "Tromsø"][Math.floor(random() * 3)];
      const scan = Math.floor(random() * 9);
      return { city, scan, t: scan + (city === "Oslo" ? 10 : 0) + random() * 0.1 };
    });
    const model = await fit(rows, { target: "t", features: { scan: 1, city: { categories: "auto" } } });
    expect(model.predict({ city: "Oslo", scan: 3 }) - model.predict({ city: "Bergen", scan: 3 })).toBeCloseTo(10, 0);
    expect(() => model.predict({ city: "Rome", scan: 3 })).toThrow(/unknown category "Rome" for "city".*Bergen, Oslo/);
  });

  test.each([
    [249, 1, 1],
    [250, 1 / Math.sqrt(0.1 * 0.9), 1 / Math.sqrt(0.02 * 0.98)],
  ])("of %i rows a category is scaled by %d, and what is missing by %d", async (n, city, missing) => {
    const rows = Array.from({ length: n }, (_, r) => ({
      city: r % 10 === 0 ? "Bergen" : "Oslo",
      scan: r % 50 === 0 ? Number.NaN : r % 7,
      t: r % 7,
    }));
    const features = { city: { categories: "auto" }, scan: { constraint: 0, missing: "indicator" } } as const;
    const { inputs } = (await fit(rows, { target: "t", features, epochs: 1 })).toJSON();
    const of = (transform: string) =>
      inputs.filter((input) => input.transform === transform).map(({ scale }) => Math.fround(scale));
    expect(of("equals")).toEqual([Math.fround(city), Math.fround(city)]);
    expect(of("missing")).toEqual([Math.fround(missing)]);
  });

  test("missing values: an error by default, the median on request, a learned indicator on free features", async () => {
    const random = generator(4);
    const rows = Array.from({ length: 300 }, () => {
      const a = random() < 0.2 ? Number.NaN : random() * 10;
      const b = random() < 0.2 ? Number.NaN : random() * 10;
      return { a, b, t: (Number.isNaN(a) ? 5 : a) + (Number.isNaN(b) ? 20 : b) };
    });
    await expect(fit(rows, { target: "t", features: { a: 1, b: 0 } })).rejects.toThrow(/row \d+: "[ab]" is NaN/);
    const model = await fit(rows, {
      target: "t",
      features: { a: { constraint: 1, missing: "median" }, b: { constraint: 0, missing: "indicator" } },
    });
    const median = model.features[0].fill as number;
    expect(model.predict({ a: Number.NaN, b: 3 })).toBe(model.predict({ a: median, b: 3 }));
    expect(model.predict({ a: 5, b: Number.NaN })).toBeGreaterThan(model.predict({ a: 5, b: 9 }) + 5);
  });
});
