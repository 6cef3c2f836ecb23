// Members in workers: the bytes of one thread; workers that fail, never start or are aborted. Other hosts: tests/runtimes.

import { afterEach, describe, expect, test, vi } from "vitest";
import type { SentRows } from "../../js/feed.js";
import { fitData } from "../../js/fit.js";
import { type FitOptions, fit } from "../../js/index.js";
import { type Plan, trainMember } from "../../js/member.js";
import { type SentPiece, type Setup, startHelpers } from "../../js/threads.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer } from "../../js/wasm.js";

/** Rows with a bend, a saturation and a category. */
function columns(n: number) {
  const a = Array.from({ length: n }, (_, r) => (r * 37) % 53);
  const b = Array.from({ length: n }, (_, r) => (r * 11) % 29);
  const c = Array.from({ length: n }, (_, r) => ["x", "y", "z"][r % 3]);
  const y = a.map((v, r) => Math.min(v, 30) + b[r] / 3 + (c[r] === "y" ? 5 : 0) + ((r * 7) % 5));
  return { a, b, c, y };
}

const options: FitOptions = {
  target: "y",
  features: { a: "increasing", b: 1, c: { categories: "auto" } },
  members: 5,
  epochs: 40,
  batch: 32,
  seed: 9,
};

const setup = (change: Partial<Setup> = {}): Setup => ({
  module: wasmModule(),
  all: {
    x: Float32Array.from({ length: 64 }, (_, i) => (i % 13) / 6 - 1),
    y: Float32Array.from({ length: 32 }, (_, i) => (i % 7) / 3 - 1),
    weight: undefined,
  },
  places: 32,
  columns: 2,
  withLevel: 0,
  levelScale: 1,
  shapes: [1, 1, 2, 2],
  factors: [1, 1],
  lambdas: [0, 0],
  signs: [1, 0, 1],
  batch: 8,
  ...change,
});

const plan: Plan = {
  seed: 1,
  loss: 0,
  parameter: 0,
  levels: [0.5],
  steps: 20,
  batch: 8,
  rate: 0.02,
  looks: 4,
  patience: 4,
  keepAll: false,
  planes: 5,
  dp: 4,
  withPlane: true,
  spread: 0.25,
  slice: 6e7,
  room: 0,
};

const job = (change: Partial<Plan> = {}) => ({
  plan: { ...plan, ...change },
  stream: 0,
  lambdas: [0, 0],
  rows: Uint32Array.from({ length: 24 }, (_, i) => i),
  leftOut: Uint32Array.from({ length: 8 }, (_, i) => 24 + i),
  centre: Float64Array.of(0.5, 0.1, 0),
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("fit with threads", () => {
  test.each(["squared", "poisson", { quantiles: [0.2, 0.8] }] as const)(
    "gives the bytes of one thread: %j",
    async (loss) => {
      const rows = columns(600);
      const one = JSON.stringify(await fit(rows, { ...options, loss }));
      for (const threads of [2, 3]) {
        let last = 0;
        const onProgress = (p: { threads: number; epoch: number; epochs: number }) => {
          expect(p.threads).toBeLessThanOrEqual(threads);
          expect(p.epoch).toBeGreaterThanOrEqual(last);
          last = p.epoch;
        };
        expect(JSON.stringify(await fit(rows, { ...options, loss, threads, onProgress }))).toBe(one);
      }
    },
  );

  test("trains alone, and gives the same bytes, where no worker can be started", async () => {
    const rows = columns(300);
    const one = JSON.stringify(await fit(rows, options));
    // neither Node's workers nor a page's
    vi.stubGlobal("process", { ...process, versions: {} });
    vi.stubGlobal("Worker", undefined);
    const threads: number[] = [];
    const model = await fit(rows, { ...options, threads: 4, onProgress: (p) => void threads.push(p.threads) });
    expect(JSON.stringify(model)).toBe(one);
    expect(new Set(threads)).toEqual(new Set([1]));
  });

  test("is not held up by a worker that never says a word", async () => {
    const rows = columns(300);
    const one = JSON.stringify(await fit(rows, options));
    let ended = 0;
    vi.stubGlobal("process", { ...process, versions: {} });
    vi.stubGlobal(
      "Worker",
      class {
        postMessage() {}
        terminate() {
          ended++;
        }
      },
    );
    const revoked = vi.spyOn(URL, "revokeObjectURL");
    expect(JSON.stringify(await fit(rows, { ...options, threads: 3 }))).toBe(one);
    expect(ended).toBe(2);
    // nor is their text kept
    expect(revoked).toHaveBeenCalledTimes(2);
    // workers start before the last row is read
    const bad = { ...rows, b: [...rows.b.slice(0, 299), Number.NaN] };
    await expect(fit(bad, { ...options, threads: 3 })).rejects.toThrow('row 299: "b" is NaN');
    expect(ended).toBe(4);
  });
});

/** A page whose workers are ready at once, and fail at each member; how many members and rows they were given, in messages that can be sent. */
function failingWorkers() {
  const given = { jobs: 0, rows: 0 };
  vi.stubGlobal("process", { ...process, versions: {} });
  vi.stubGlobal(
    "Worker",
    class {
      onmessage = (_: { data: object }) => {};
      postMessage(message: { job?: { plan: Plan }; setup?: Setup }) {
        const { job, setup } = structuredClone({ ...message, setup: message.setup && { ...message.setup, module: 0 } });
        if (job?.plan) given.jobs++;
        given.rows += setup?.all.y.length ?? 0;
        queueMicrotask(() => this.onmessage({ data: job ? { failed: "out of memory" } : { ready: true } }));
      }
      terminate() {}
    },
  );
  return given;
}

test.each([
  ["all rows at hand", undefined, 400],
  ["rows that come in pieces", 900, 0],
])("members that a worker fails at are trained here, with the same bytes: %s", async (_, resident, each) => {
  const rows = columns(400);
  const one = JSON.stringify(await fitData(rows, options, resident));
  const given = failingWorkers();
  expect(JSON.stringify(await fitData(rows, { ...options, threads: 3 }, resident))).toBe(one);
  // as many workers; all rows go to each beforehand, or none
  expect(given).toEqual({ jobs: 2, rows: 2 * each });
});

test("an abort ends a fit that waits for an onProgress without end, though its signal tells nobody of it", async () => {
  const signal = { aborted: false };
  const onProgress = () => {
    signal.aborted = true;
    return new Promise<void>(() => {});
  };
  const short = { ...options, members: 1, epochs: 1, networks: 1, signal: signal as AbortSignal, onProgress };
  await expect(fit(columns(40), short)).rejects.toMatchObject({ name: "AbortError" });
});

test("the event loop gets a turn each time that a slice of the work is done, at looks as between them", async () => {
  const t = createTrainer(wasmModule);
  const { all, shapes, factors, signs } = setup();
  t.wasm.setData(t.put(all.x).at, t.put(all.y).at, 0, 2, 0, 1);
  t.wasm.setNetworks(2, t.put(shapes, "i32").at, t.put(factors).at, t.put([0, 0]).at, t.put(signs).at, 8);
  const { rows, leftOut, centre } = job();
  // planes times their stride, for each row of a batch and what else a step does
  const perStep = plan.planes * plan.dp * (plan.batch + 24);
  const turns = async (slice: number, steps: number) => {
    let count = 0;
    const pause = async () => void count++;
    await trainMember(t, { ...plan, steps, slice }, 0, rows, leftOut, centre, () => {}, pause);
    return count;
  };
  // once there is more than a slice since the last, at each look that there is one
  for (const steps of [1000, 4000]) {
    const count = await turns(perStep * 5, steps);
    expect(count).toBeGreaterThanOrEqual(steps / 10);
    expect(count).toBeLessThan(steps / 5);
  }
  expect(await turns(perStep * 2000, 1000)).toBe(0);
  // a look at 8 rows is 160 multiply-adds: of four looks and the first; the noise of a plane is more, and there is one turn between two of them
  expect(await turns(100, 0)).toBe(5 + plan.planes - 1);
});

test.each([1, 2])("a signal may be no more than whether it has aborted (%i threads)", async (threads) => {
  const signal = { aborted: false };
  const plain = await fit(columns(300), { ...options, threads });
  expect(JSON.stringify(await fit(columns(300), { ...options, threads, signal: signal as AbortSignal }))).toBe(
    JSON.stringify(plain),
  );
  const onProgress = () => {
    signal.aborted = true;
  };
  const aborted = fit(columns(300), { ...options, threads, signal: signal as AbortSignal, onProgress });
  await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
});

test("an onProgress that throws at a worker's look ends the fit, not the process", async () => {
  const uncaught: unknown[] = [];
  const hear = (error: unknown) => uncaught.push(error);
  process.on("uncaughtException", hear);
  let looks = 0;
  const onProgress = () => {
    // this thread's looks are told from within the trainer
    if (!new Error().stack?.includes("trainMember") && looks++ > 0) throw new Error("enough");
  };
  const many = { ...options, members: 8, threads: 2, onProgress };
  await expect(fit(columns(6000), { ...many, epochs: 40 })).rejects.toThrow("enough");
  process.off("uncaughtException", hear);
  expect(uncaught).toEqual([]);
});

describe("helpers", () => {
  test("train a member, and report each look", async () => {
    const { helpers, close } = startHelpers(1, setup);
    await helpers[0].ready;
    expect(helpers[0].alive()).toBe(true);
    const looks: number[] = [];
    const result = await helpers[0].train(job(), (look) => void looks.push(look.step));
    expect(looks).toEqual([0, 5, 10, 15, 20]);
    expect(result?.weights[result.best]).toHaveLength(20);
    close();
    expect(helpers[0].alive()).toBe(false);
  });

  test("train a member that stops where its best look lies `patience` looks back", async () => {
    const { helpers, close } = startHelpers(1, setup);
    await helpers[0].ready;
    const losses: number[] = [];
    const hasty = { ...job(), plan: { ...plan, patience: 1, steps: 400, looks: 40, rate: 0.5 } };
    const result = await helpers[0].train(hasty, (look) => void losses.push(look.validationLoss));
    const first = losses.findIndex((loss, k) => k > 0 && loss >= Math.min(...losses.slice(0, k)));
    expect(first).toBeGreaterThan(0);
    expect(first).toBe(losses.length - 1);
    expect(losses.length).toBeLessThan(41);
    expect(result?.best).toBe(first - 1);
    close();
  });

  test("train a member from pieces as the caller does, and give the memory of each back", async () => {
    const { module, all, columns, withLevel, levelScale, shapes, factors, signs, batch } = setup();
    const t = createTrainer(() => module);
    const x = t.floats(80 + 16);
    const y = t.floats(40);
    const put = (rows: SentRows, at: number) => {
      t.f32(x).set(rows.x, at * columns);
      t.f32(y).set(rows.y, at);
    };
    t.wasm.setData(x.at, y.at, 0, columns, withLevel, levelScale);
    const put4 = (values: number[], kind: "f32" | "i32" = "f32") => t.put(values, kind).at;
    t.wasm.setNetworks(2, put4(shapes, "i32"), put4(factors), put4([0, 0]), put4(signs), batch);
    const piece = (k: number): SentPiece => ({
      rows: { x: all.x.map((v, i) => v + ((i * k) % 5) / 4), y: all.y.slice(), weight: undefined },
      list: Uint32Array.from({ length: 20 + k }, (_, i) => i),
    });
    const held = { x: all.x.slice(0, 16), y: all.y.slice(0, 8), weight: undefined };
    const work = { ...job({ room: 32, steps: 40 }), leftOut: Uint32Array.from({ length: 8 }, (_, i) => 32 + i) };

    put(held, 32);
    put(piece(0).rows, 0);
    let k = 0;
    const next = () => {
      k++;
      put(piece(k).rows, 0);
      return piece(k).list;
    };
    const none = async () => {};
    const want = await trainMember(t, work.plan, 0, piece(0).list, work.leftOut, work.centre, () => {}, none, next);

    const empty = { x: new Float32Array(0), y: new Float32Array(0), weight: undefined };
    const { helpers, close } = startHelpers(1, () => setup({ all: empty, places: 40 }));
    await helpers[0].ready;
    for (let again = 0; again < 2; again++) {
      let sent = 0;
      let back = 0;
      const result = await helpers[0].train(
        { ...work, rows: piece(0).list, first: piece(0).rows, held },
        () => {},
        (memory) => {
          if (memory?.length === 64) back++;
          return piece(++sent);
        },
      );
      // as text: the zeros that pad a plane may have either sign
      expect(JSON.stringify(result)).toBe(JSON.stringify(want));
      expect(sent).toBeGreaterThanOrEqual(k);
      expect(back).toBeGreaterThanOrEqual(k - 1);
    }
    close();
  });

  test("that cannot begin are never alive", async () => {
    const { helpers, close } = startHelpers(1, () => setup({ shapes: [1], factors: [1, 1], module: {} as never }));
    await helpers[0].ready;
    expect(helpers[0].alive()).toBe(false);
    close();
  });

  test("that fail at a member give nothing, and take no more", async () => {
    const { helpers, close } = startHelpers(1, setup);
    await helpers[0].ready;
    expect(await helpers[0].train({ ...job(), rows: null as never }, () => {})).toBeUndefined();
    expect(helpers[0].alive()).toBe(false);
    close();
  });

  test("reject with AbortError when the caller aborts while they train", async () => {
    const controller = new AbortController();
    const { helpers } = startHelpers(1, setup, controller.signal);
    await helpers[0].ready;
    const long = helpers[0].train(job({ steps: 2_000_000_000 }), () => controller.abort());
    await expect(long).rejects.toMatchObject({ name: "AbortError" });
    expect(helpers[0].alive()).toBe(false);
  });

  test("count as failed when they are closed without an abort", async () => {
    const { helpers, close } = startHelpers(1, setup);
    await helpers[0].ready;
    const long = helpers[0].train(job({ steps: 2_000_000_000 }), () => close());
    expect(await long).toBeUndefined();
  });
});
