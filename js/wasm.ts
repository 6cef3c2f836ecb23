// The border: the only file that sees WebAssembly, pointers and memory. In and out: typed arrays and numbers.
// Prediction shares one instance per module; models are copied in on first use and dropped together when the arena is full, so there is nothing
// for anyone to free. Training owns an instance that dies with it. A view is never kept across a call that may grow memory.

import type { WasmMemory, WasmModule } from "./host.js";
import { packImage } from "./image.js";
import type { ModelData } from "./types.js";
import { checkModule, type ModuleSource } from "./wasm.compile.js";

interface PredictExports {
  memory: WasmMemory;
  alloc(bytes: number): number;
  mark(): number;
  reset(to: number): void;
  /** Not in the small module behind `isotone/predict`, which reads every plane. */
  planModel?(model: number): number;
  predictOne(model: number, raw: number): number;
  predictMany(model: number, raw: number, n: number, out: number): number;
  sensitivityMany(model: number, raw: number, n: number, out: number): number;
}

/** dropPlan, activePlanes, refresh and gradients are for tests: the modules that users get have none (scripts/build.mjs). */
interface TrainExports extends PredictExports {
  expf(x: number): number;
  logf(x: number): number;
  allFinite(values: number, n: number): number;
  narrow(values: number, n: number, out: number): number;
  addValues(values: number, n: number, record: number): void;
  addPowers(values: number, n: number, fill: number, mean: number, sums: number): void;
  addLogs(values: number, n: number, fill: number, divisor: number, mean: number, sums: number): void;
  prepareColumns(model: number, units: number, columns: number, stride: number, n: number, out: number): void;
  residuals(
    x: number,
    y: number,
    n: number,
    d: number,
    step: number,
    centre: number,
    target: number,
    rest: number,
  ): void;
  takeColumn(x: number, n: number, step: number, out: number): void;
  addBins(values: number, n: number, edges: number, a: number, b: number, out: number): void;
  farthest(x: number, n: number, d: number, out: number): void;
  sortFloats(values: number, n: number, scratch: number): void;
  beginMoments(
    x: number,
    y: number,
    weight: number,
    fold: number,
    from: number,
    to: number,
    d: number,
    moments: number,
    scratch: number,
  ): void;
  addMoments(budget: number): number;
  momentSize(d: number): number;
  momentScratch(d: number): number;
  sumMoments(moments: number, parts: number, q: number, from: number, to: number, total: number): void;
  ridgeSize(d: number): number;
  beginPart(total: number, part: number, d: number, signs: number, beta: number, work: number): number;
  beginRidge(ridge: number, sweeps: number): void;
  solveRidge(budget: number): number;
  squaredError(moments: number, d: number, beta: number): number;
  dualSize(n: number, d: number): number;
  beginDual(n: number, d: number, signs: number, beta: number, room: number): void;
  takeRows(x: number, first: number, count: number): void;
  leaveOut(target: number, weight: number, id: number, part: number): number;
  beginSolution(ridge: number): void;
  solveDual(budget: number): number;
  dualError(id: number, part: number): number;
  dualFit(out: number): void;
  workingResponse(
    kind: number,
    f: number,
    y: number,
    weight: number,
    n: number,
    parameter: number,
    target: number,
    working: number,
  ): void;
  setData(x: number, y: number, weight: number, columns: number, level: number, levelScale: number): void;
  setNetworks(count: number, shapes: number, factors: number, lambdas: number, signs: number, batch: number): number;
  dropPlan(): number;
  slabW(): number;
  activePlanes(): number;
  refresh(): void;
  refreshTiles(): void;
  start(
    seed: number,
    stream: number,
    centre: number,
    plane: number,
    spread: number,
    rows: number,
    count: number,
    first: number,
    last: number,
  ): void;
  begin(rows: number, count: number, batch: number, steps: number, rate: number, kind: number, parameter: number): void;
  feed(rows: number, count: number): void;
  advance(steps: number): number;
  meanLoss(): number;
  evaluate(rows: number, count: number, tau: number, out: number): void;
  evaluateNetworks(rows: number, count: number, tau: number, out: number): void;
  evaluateCentre(rows: number, count: number, centre: number, tau: number, out: number): void;
  lossOf(rows: number, count: number, f: number, kind: number, tau: number, parameter: number): number;
  lossRowsOf(rows: number, count: number, f: number, kind: number, tau: number, parameter: number, out: number): void;
  gradients(rows: number, count: number, kind: number, tau: number, parameter: number, f: number, dz: number): number;
  seed(seed: number, stream: number): void;
  shuffle(at: number, count: number): void;
}

/** Where a model lies in an engine's memory, and of which filling of it. */
interface Slot {
  bytes: Uint8Array;
  size: number;
  at: number;
  filling: number;
  row: number;
}

/** The kernels that take many rows. */
export type Kernel = "predictMany" | "sensitivityMany";

/** Runs packed models. */
export interface Engine {
  /** Packs a model; its bytes enter wasm memory at the first prediction. */
  add(data: ModelData): Slot;
  /**
   * One raw row (a category is its number, a missing value NaN, then the level). NaN where a value is not finite in float32, or missing though its
   * feature does not allow that.
   */
  predictOne(slot: Slot, row: Float32Array | Float64Array): number;
  /** The same for an array of the caller's: NaN where a value is no number, or a getter that predicts, too. */
  predictArray(slot: Slot, row: readonly unknown[]): number;
  /**
   * `n` raw rows to `out`, a number or one a feature each. `piece` gives rows [from, to), row-major, the first piece the longest. False where
   * `predictOne` would give NaN: `out` is no use then.
   */
  run(
    kernel: Kernel,
    slot: Slot,
    n: number,
    piece: (from: number, to: number) => Float32Array | Float64Array,
    out: Float32Array,
  ): boolean;
}

export type { Slot };

/** Rows are copied in by blocks of this many bytes, so memory does not grow with their number. */
const BLOCK = 1 << 18;
/** Models together may take this much before all are dropped and come back one by one; a larger model still fits alone. */
const FULL = 1 << 26;

/** An engine on `module`, or the one that `source` gives, compiled and instantiated at first use. */
function createEngine(source: ModuleSource, module: WasmModule | undefined): Engine {
  let wasm: PredictExports | undefined;
  /** The memory where rows go in; a fresh view after memory may have grown. */
  let room = new Float32Array(0);
  let input = 0;
  let output = 0;
  let floor = 0;
  let filling = 1;
  /** Rows that came in, modulo 2^32: getters of a row may bring in others. */
  let entered = 0;

  /** The model's address, after copying it in where needed. */
  const place = (slot: Slot): number => {
    if (slot.filling === filling) return slot.at;
    if (!wasm) {
      // first: where there is no WebAssembly, the source says so
      const compiled = module ?? source();
      const { exports } = new WebAssembly.Instance(compiled, {});
      if (!exports.mark)
        throw new TypeError('"module" expected the module of isotone/kernels.wasm of this version, got another');
      wasm = exports as unknown as PredictExports;
      input = wasm.alloc(BLOCK);
      // the kernels write whole vectors: room after the last row
      output = wasm.alloc(BLOCK + 16);
      floor = wasm.mark();
    }
    const top = wasm.mark() >>> 0;
    if (top > floor && top + slot.size > FULL) {
      wasm.reset(floor);
      filling++;
    }
    // the kernels count in 32 bits, and take more for their plan
    const at = slot.size < 2 ** 31 ? wasm.alloc(slot.size) >>> 0 : 0;
    if (at === 0) throw new RangeError(`model: the host refused ${slot.size} bytes of WebAssembly memory`);
    new Uint8Array(wasm.memory.buffer).set(slot.bytes, at);
    const planned = wasm.planModel?.(at) !== 0;
    // before the throw: other models go on
    room = new Float32Array(wasm.memory.buffer, input, BLOCK / 4);
    if (!planned) throw new RangeError("model: the host refused WebAssembly memory for its pruning plan");
    slot.at = at;
    slot.filling = filling;
    return at;
  };

  return {
    add: (data) => ({ ...packImage(data), at: 0, filling: 0 }),
    predictOne(slot, row) {
      const model = slot.filling === filling ? slot.at : place(slot);
      const to = room;
      const length = slot.row;
      entered = (entered + 1) | 0;
      // a call of `set` costs as much as thirty numbers, four at a time (two: twenty-three; one: sixteen), and converts a Float64Array slowly
      if (length > 30 && row instanceof Float32Array) to.set(row);
      else {
        let i = length & 3;
        if (i & 1) to[0] = row[0];
        if (i & 2) {
          to[i - 2] = row[i - 2];
          to[i - 1] = row[i - 1];
        }
        for (; i < length; i += 4) {
          to[i] = row[i];
          to[i + 1] = row[i + 1];
          to[i + 2] = row[i + 2];
          to[i + 3] = row[i + 3];
        }
      }
      return (wasm as PredictExports).predictOne(model, input);
    },
    predictArray(slot, row) {
      const model = slot.filling === filling ? slot.at : place(slot);
      const to = room;
      const length = slot.row;
      entered = (entered + 1) | 0;
      const now = entered;
      for (let i = 0; i < length; i++) {
        const value = row[i];
        if (typeof value !== "number") return Number.NaN;
        to[i] = value;
      }
      if (entered !== now) return Number.NaN;
      return (wasm as PredictExports).predictOne(model, input);
    },
    run(kernel, slot, n, piece, out) {
      const width = out.length / n;
      // a row longer than a block (over 65,000 features) does not occur: addFeatures refuses it
      const most = Math.floor(BLOCK / 4 / slot.row) & ~7 || 1;
      for (let from = 0; from < n; from += most) {
        const count = Math.min(most, n - from);
        const rows = piece(from, from + count);
        // only now: a row may have getters that predict, too
        const model = place(slot);
        entered = (entered + 1) | 0;
        room.set(rows);
        const { memory, [kernel]: compute } = wasm as PredictExports;
        if (!compute(model, input, count, output)) return false;
        out.set(new Float32Array(memory.buffer, output, count * width), from * width);
      }
      return true;
    },
  };
}

/**
 * Engines by module: the usual one of `source`, and one each for modules that the host compiled itself and passed as `{ module }`.
 * They live as long as a model or the module does.
 */
export function createEngines(source: ModuleSource): (module?: WasmModule) => Engine {
  const engines = new WeakMap<object, Engine>();
  return (module) => {
    const key = module === undefined ? source : checkModule(module, "module");
    let engine = engines.get(key);
    if (engine === undefined) {
      engine = createEngine(source, module);
      engines.set(key, engine);
    }
    return engine;
  };
}

/** Floats of scratch that `sortFloats` needs beyond those it sorts. */
export const SORTING = 6144;

export const LOSSES = { squared: 0, absolute: 1, huber: 2, poisson: 3, gamma: 4, logistic: 5, quantiles: 6 } as const;

/** A block of the trainer's memory that holds `length` numbers of one kind; a fresh view at each look. */
export interface Block {
  at: number;
  length: number;
}

/**
 * An instance for one training run: the kernels, and blocks of its memory.
 *
 * @internal
 */
export type Trainer = ReturnType<typeof createTrainer>;

/**
 * Starts a training instance. Becomes text for workers (threads.ts): no names from outside.
 *
 * @internal
 */
export function createTrainer(source: ModuleSource) {
  const module: WasmModule = source();
  const exports = new WebAssembly.Instance(module, {}).exports;
  if (!exports.setNetworks)
    throw new TypeError('"module" expected the module of isotone/kernels.wasm of this version, got another');
  const wasm = exports as unknown as TrainExports;
  function take(bytes: number, what = "training"): number {
    // the kernels count in 32 bits: what does not fit would come round to a few bytes
    const at = (wasm.mark() >>> 0) + bytes < 4294900000 ? wasm.alloc(bytes) >>> 0 : 0;
    if (at === 0)
      throw new RangeError(`${what}: the host refused ${bytes} bytes of WebAssembly memory (at most 4 GiB)`);
    return at;
  }
  return {
    module,
    wasm,
    floats(length: number, what?: string): Block {
      return { at: take(length * 4, what), length };
    },
    doubles(length: number, what?: string): Block {
      return { at: take(length * 8, what), length };
    },
    bytes(length: number, what?: string): Block {
      return { at: take(length, what), length };
    },
    f32: (b: Block) => new Float32Array(wasm.memory.buffer, b.at, b.length),
    f64: (b: Block) => new Float64Array(wasm.memory.buffer, b.at, b.length),
    u32: (b: Block) => new Uint32Array(wasm.memory.buffer, b.at, b.length),
    i32: (b: Block) => new Int32Array(wasm.memory.buffer, b.at, b.length),
    u8: (b: Block) => new Uint8Array(wasm.memory.buffer, b.at, b.length),
    /** Copies numbers in. */
    put(values: ArrayLike<number>, kind: "f32" | "f64" | "u32" | "i32" | "u8" = "f32"): Block {
      const size = kind === "f64" ? 8 : kind === "u8" ? 1 : 4;
      const block = { at: take(values.length * size), length: values.length };
      this[kind](block).set(values);
      return block;
    },
    slabW: (length: number) => new Float32Array(wasm.memory.buffer, wasm.slabW() >>> 0, length),
  };
}

/**
 * A model in a trainer's memory, for its inputs: raw rows to network inputs by the very code of prediction.
 *
 * @internal
 */
export function putImage(t: Trainer, data: Parameters<typeof packImage>[0]): number {
  const { bytes, size } = packImage(data);
  const block = t.bytes(size, "model");
  t.u8({ ...block, length: bytes.length }).set(bytes);
  return block.at;
}
