// Members in workers. In: what a trainer of this run was made from; out: a pool that trains members elsewhere, or nothing where the host has
// no workers. Members are independent and have seeds of their own, so who trains which cannot change a bit. No shared memory: each worker
// gets its own copy of the inputs, so no page needs cross-origin isolation.
//
// A worker is started from text: the functions `serve`, `createTrainer` and `trainMember`, which therefore use nothing outside themselves.
// Where a policy forbids that, or compiled modules cannot be sent, there is no helper and the caller trains alone: a worker gets members only
// after it has said that it is ready, so that one that never starts holds nobody up.

import { abortError } from "./errors.js";
import { type Look, type MemberResult, type Plan, trainMember } from "./member.js";
import { type Block, createTrainer, type Trainer } from "./wasm.js";

/** What a trainer is made from, once a worker. */
export interface Setup {
  module: WebAssembly.Module;
  x: Float32Array;
  y: Float32Array;
  weight?: Float32Array;
  columns: number;
  withLevel: number;
  levelScale: number;
  shapes: number[];
  factors: number[];
  signs: number[];
  batch: number;
}

/** One member. */
export interface Job {
  plan: Plan;
  stream: number;
  lambdas: number[];
  rows: Uint32Array;
  leftOut: Uint32Array;
  centre: Float64Array;
}

/** One worker. */
export interface Helper {
  /** Resolves when it can take members; not at all where the host starts no worker or never says so: nobody may wait for this alone. */
  ready: Promise<void>;
  /** Whether it can take members now. */
  alive(): boolean;
  /** A member; undefined when the worker cannot, and it can no more after that. */
  train(job: Job, report: (look: Look) => void): Promise<MemberResult | undefined>;
}

/** The worker's side. Becomes text: no names from outside. */
function serve(create: typeof createTrainer, train: typeof trainMember): void {
  // biome-ignore lint/suspicious/noExplicitAny: hosts differ in every type here
  const host = globalThis as any;
  const port = host.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? host;
  let t: Trainer;
  let ridge: Block;
  function begin(setup: Setup): void {
    t = create(() => setup.module);
    // the kernels read whole vectors: room after the last row
    const x = t.floats(setup.x.length + 16);
    t.f32(x).set(setup.x);
    const y = t.put(setup.y).at;
    const weight = setup.weight ? t.put(setup.weight).at : 0;
    t.wasm.setData(x.at, y, weight, setup.columns, setup.withLevel, setup.levelScale);
    ridge = t.put(setup.factors);
    const shapes = t.put(setup.shapes, "i32").at;
    const factors = t.put(setup.factors).at;
    t.wasm.setNetworks(setup.factors.length, shapes, factors, ridge.at, t.put(setup.signs).at, setup.batch);
  }
  async function hear(message: { setup?: Setup; job?: Job }): Promise<void> {
    try {
      if (message.setup) {
        begin(message.setup);
        port.postMessage({ ready: true });
      }
      if (message.job) {
        const { plan, stream, lambdas, rows, leftOut, centre } = message.job;
        t.f32(ridge).set(lambdas);
        const report = (look: Look) => port.postMessage({ look });
        port.postMessage({ result: await train(t, plan, stream, rows, leftOut, centre, report, async () => {}) });
      }
    } catch (error) {
      port.postMessage({ failed: String(error) });
    }
  }
  if (port.on) port.on("message", hear);
  else port.onmessage = (event: { data: { setup?: Setup; job?: Job } }) => hear(event.data);
}

interface Port {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  terminate(): unknown;
}

interface Answer {
  ready?: true;
  look?: Look;
  result?: MemberResult;
  failed?: string;
}

/** Starts a worker from text on whatever this host has; throws where it has none. */
function startWorker(text: string, hear: (answer: Answer) => void): Port {
  // biome-ignore lint/suspicious/noExplicitAny: hosts differ in every type here
  const host = globalThis as any;
  const fail = (error?: { preventDefault?: () => void; message?: string }) => {
    error?.preventDefault?.();
    hear({ failed: String(error?.message ?? error) });
  };
  // Node first: some of its versions have a Worker among their globals that takes no text
  const threads = host.process?.versions?.node && host.process.getBuiltinModule?.("node:worker_threads");
  if (threads && typeof host.Deno === "undefined" && typeof host.Bun === "undefined") {
    const worker = new threads.Worker(text, { eval: true });
    worker.on("message", hear);
    worker.on("error", fail);
    worker.on("exit", fail);
    return worker;
  }
  const url = host.URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new host.Worker(url, { type: "module" });
  worker.onmessage = (event: { data: Answer }) => hear(event.data);
  worker.onerror = fail;
  worker.onmessageerror = fail;
  return {
    postMessage: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate() {
      worker.terminate();
      host.URL.revokeObjectURL(url);
    },
  };
}

/**
 * `count` workers with the same data; fewer, or none, where the host refuses. `setup` is asked once a worker, and its rows are handed over.
 * `close` ends them, whatever they do; members in hand reject with AbortError then if `signal` has aborted, else count as failed.
 */
export function startHelpers(
  count: number,
  setup: () => Setup,
  signal?: AbortSignal,
): { helpers: Helper[]; close: () => void } {
  // a compiler that keeps the names of functions calls a helper of its own inside them
  const text = `var __name=f=>f;(${serve})((${createTrainer}),(${trainMember}))`;
  const helpers: Helper[] = [];
  const ends: (() => void)[] = [];
  for (let k = 0; k < count; k++) {
    let settle: ((result: MemberResult | undefined) => void) | undefined;
    let refuse: ((error: unknown) => void) | undefined;
    let report: ((look: Look) => void) | undefined;
    let begun = () => {};
    let alive = false;
    let ended = false;
    let port: Port | undefined;
    const ready = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const end = () => {
      if (ended) return;
      ended = true;
      alive = false;
      port?.terminate();
      begun();
      if (signal?.aborted) refuse?.(abortError());
      else settle?.(undefined);
    };
    try {
      port = startWorker(text, (answer) => {
        if (ended) return;
        if (answer.look) report?.(answer.look);
        else if (answer.result) settle?.(answer.result);
        else if (answer.ready) {
          alive = true;
          begun();
        } else end();
      });
      const data = setup();
      port.postMessage({ setup: data }, [data.x.buffer as ArrayBuffer]);
    } catch {
      end();
      break;
    }
    ends.push(end);
    helpers.push({
      ready,
      alive: () => alive,
      train: (job, hear) =>
        new Promise((resolve, reject) => {
          settle = resolve;
          refuse = reject;
          report = hear;
          try {
            port?.postMessage({ job });
          } catch {
            end();
          }
        }),
    });
  }
  const close = () => {
    signal?.removeEventListener("abort", close);
    for (const end of ends) end();
  };
  signal?.addEventListener("abort", close);
  return { helpers, close };
}
