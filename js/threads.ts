// Members in workers. In: what a trainer of this run was made from; out: a pool that trains members elsewhere, or nothing where the host has
// no workers. Members are independent and have seeds of their own, so who trains which cannot change a bit. No shared memory: each worker
// gets its own copy of the inputs, or pieces of them as it goes (feed.ts), so no page needs cross-origin isolation.
//
// A worker is started from text: the functions `serve`, `createTrainer`, `trainMember`, `layNetworks` and `createSeat`, which use nothing outside themselves.
// Where a policy forbids that, or compiled modules cannot be sent, there is no helper and the caller trains alone: a worker gets members only
// after it has said that it is ready, so that one that never starts holds nobody up.

import { abortError } from "./errors.js";
import type { Place, SentRows } from "./feed.js";
import type { WasmModule } from "./host.js";
import { type Look, type MemberResult, type Plan, trainMember } from "./member.js";
import { type Block, createTrainer, type Trainer } from "./wasm.js";

/** What the rows and the networks of a trainer are like. */
export interface Layout {
  /** Inputs of a row, and 1 where the quantile level comes after them, times `levelScale`. */
  columns: number;
  withLevel: number;
  levelScale: number;
  /** Groups and hyperplanes of each network, one after the other; its share in the sum, and its ridge. */
  shapes: number[];
  factors: number[];
  lambdas: number[];
  /** [columns + withLevel] */
  signs: number[];
}

/** What a trainer is made from, once a worker. */
export interface Setup extends Layout {
  /** Rows a step, at most. */
  batch: number;
  module: WasmModule;
  /** All rows; none where they come in pieces. */
  all: SentRows;
  /** Rows to make room for. */
  places: number;
}

/** One member. */
export interface Job {
  plan: Plan;
  stream: number;
  lambdas: number[];
  rows: Uint32Array;
  leftOut: Uint32Array;
  centre: Float64Array;
  /** Where rows come in pieces: the first one, whose rows to train on are `rows`, and the left-out rows, which follow a whole piece. */
  first?: SentRows;
  held?: SentRows;
}

/** Rows of a piece, and the places of those to train on. */
export interface SentPiece {
  rows: SentRows;
  list: Uint32Array;
}

/** One worker. */
export interface Helper {
  /** Resolves when it can take members; not at all where the host starts no worker or never says so: nobody may wait for this alone. */
  ready: Promise<void>;
  /** Whether it can take members now. */
  alive(): boolean;
  /** A member; undefined when the worker cannot, and it can no more after that. `next` gives the pieces after the first, in the memory of an old one. */
  train(
    job: Job,
    report: (look: Look) => void,
    next?: (room?: Float32Array<ArrayBuffer>) => SentPiece,
  ): Promise<MemberResult | undefined>;
}

/** A trainer of a member, or of one after the other. */
export interface Seat {
  t: Trainer;
  /** [networks], the ridge of each. */
  ridge: Block;
  /** Rows to the places from `at` on. */
  put(rows: SentRows, at: number): void;
}

/**
 * Tells a trainer where its rows are, and its networks; gives the place of their ridges. Becomes text for workers: no names from outside.
 *
 * @throws RangeError where the host refuses the memory
 */
export function layNetworks(t: Trainer, layout: Layout, batch: number, rows: Place): Block {
  // large networks: what the kernels take for them, at most, at once. They take it piece by piece, and do not ask after each
  const dp = layout.columns + layout.withLevel + 4;
  let room = layout.factors.length * (dp + batch) * 8;
  for (let k = 0; k < layout.shapes.length; k += 2)
    room += layout.shapes[k] * (layout.shapes[k + 1] * (20 * dp + 72) + 8 * dp + 512);
  const before = t.wasm.mark();
  if (room > 2 ** 28) t.bytes(room, "networks");
  t.wasm.reset(before);
  t.wasm.setData(rows.x, rows.y, rows.weight, layout.columns, layout.withLevel, layout.levelScale);
  const ridge = t.put(layout.lambdas);
  const shapes = t.put(layout.shapes, "i32").at;
  const factors = t.put(layout.factors).at;
  const signs = t.put(layout.signs).at;
  if (!t.wasm.setNetworks(layout.factors.length, shapes, factors, ridge.at, signs, batch))
    throw new RangeError("networks: the host refused the WebAssembly memory for them");
  return ridge;
}

/** A trainer with room for rows and with the networks of `setup`. Becomes text for workers: no names from outside. */
export function createSeat(create: typeof createTrainer, lay: typeof layNetworks, setup: Setup): Seat {
  const t = create(() => setup.module);
  const { places, columns, all } = setup;
  // the kernels read whole vectors: room after the last row
  const x = t.floats(places * columns + 16);
  const y = t.floats(places);
  const weight = all.weight && t.floats(places);
  const put = (rows: SentRows, at: number): void => {
    t.f32(x).set(rows.x, at * columns);
    t.f32(y).set(rows.y, at);
    if (weight) t.f32(weight).set(rows.weight as Float32Array, at);
  };
  put(all, 0);
  return { t, put, ridge: lay(t, setup, setup.batch, { x: x.at, y: y.at, weight: weight?.at ?? 0 }) };
}

/** The worker's side. Becomes text: no names from outside. */
function serve(
  create: typeof createTrainer,
  train: typeof trainMember,
  lay: typeof layNetworks,
  sit: typeof createSeat,
): void {
  // biome-ignore lint/suspicious/noExplicitAny: hosts differ in every type here
  const host = globalThis as any;
  const port = host.process?.getBuiltinModule?.("node:worker_threads")?.parentPort ?? host;
  let seat: Seat;
  let pieces: SentPiece[] = [];
  let wake = () => {};
  /** The next piece; asks for the one after it, so that the wait is over when that is needed. Its memory goes back with the question. */
  async function next(): Promise<Uint32Array> {
    while (pieces.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const { rows, list } = pieces.shift() as SentPiece;
    seat.put(rows, 0);
    port.postMessage({ more: rows.x }, [rows.x.buffer]);
    return list;
  }
  async function hear(message: { setup?: Setup; job?: Job; piece?: SentPiece }): Promise<void> {
    try {
      if (message.piece) {
        pieces.push(message.piece);
        wake();
      }
      if (message.setup) {
        seat = sit(create, lay, message.setup);
        port.postMessage({ ready: true });
      }
      if (message.job) {
        const { plan, stream, lambdas, rows, leftOut, centre, first, held } = message.job;
        pieces = [];
        const { t } = seat;
        if (first) seat.put(first, 0);
        if (held) seat.put(held, plan.room);
        t.f32(seat.ridge).set(lambdas);
        const report = (look: Look) => port.postMessage({ look });
        const idle = async () => {};
        const more = first && next;
        port.postMessage({ result: await train(t, plan, stream, rows, leftOut, centre, report, idle, more) });
      }
    } catch (error) {
      port.postMessage({ failed: String(error) });
    }
  }
  if (port.on) port.on("message", hear);
  else port.onmessage = (event: { data: { setup?: Setup; job?: Job; piece?: SentPiece } }) => hear(event.data);
}

interface Port {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  terminate(): unknown;
}

interface Answer {
  ready?: true;
  look?: Look;
  more?: Float32Array<ArrayBuffer>;
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
 * `count` workers with the same data; fewer, or none, where the host refuses. `setup` is asked once a worker, and its rows are handed over; it may
 * be a promise, so that workers start while the rows are made ready.
 * `close` ends them, whatever they do; members in hand reject with AbortError then if `signal` has aborted, else count as failed.
 */
export function startHelpers(
  count: number,
  setup: () => Setup | Promise<Setup>,
  signal?: AbortSignal,
): { helpers: Helper[]; close: () => void } {
  // a compiler that keeps the names of functions calls a helper of its own inside them
  const text = `var __name=f=>f;(${serve})((${createTrainer}),(${trainMember}),(${layNetworks}),(${createSeat}))`;
  const helpers: Helper[] = [];
  const ends: (() => void)[] = [];
  for (let k = 0; k < count; k++) {
    let settle: ((result: MemberResult | undefined) => void) | undefined;
    let refuse: ((error: unknown) => void) | undefined;
    let report: ((look: Look) => void) | undefined;
    let next: ((room?: Float32Array<ArrayBuffer>) => SentPiece) | undefined;
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
    const send = (room?: Float32Array<ArrayBuffer>) => {
      if (!next) return;
      const piece = next(room);
      port?.postMessage({ piece }, [piece.rows.x.buffer as ArrayBuffer]);
    };
    const sendSetup = async () => {
      const data = await setup();
      if (!ended) port?.postMessage({ setup: data }, [data.all.x.buffer as ArrayBuffer]);
    };
    try {
      port = startWorker(text, (answer) => {
        if (ended) return;
        if (answer.look) report?.(answer.look);
        else if (answer.more) send(answer.more);
        else if (answer.result) settle?.(answer.result);
        else if (answer.ready) {
          alive = true;
          begun();
        } else end();
      });
      sendSetup().catch(end);
    } catch {
      end();
      break;
    }
    ends.push(end);
    helpers.push({
      ready,
      alive: () => alive,
      train: (job, hear, pieces) =>
        new Promise((resolve, reject) => {
          settle = resolve;
          refuse = reject;
          report = hear;
          next = pieces;
          try {
            port?.postMessage({ job });
            send();
            send();
          } catch {
            end();
          }
        }),
    });
  }
  const close = () => {
    // a signal may be no more than { aborted }
    signal?.removeEventListener?.("abort", close);
    for (const end of ends) end();
  };
  signal?.addEventListener?.("abort", close);
  return { helpers, close };
}
