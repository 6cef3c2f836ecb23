// A trainer of the kernels with rows and networks, for tests that step it by hand.

import { layNetworks } from "../../js/threads.js";
import { wasmModule } from "../../js/wasm.inline.js";
import { createTrainer, type Trainer } from "../../js/wasm.js";

/** Floats by their bits, so that 0 and -0 differ. */
export const bits = (values: Float32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** Active planes as the last forward pass left them. */
export const activePlanes = ({ wasm }: Trainer, length: number) =>
  new Int32Array(wasm.memory.buffer, wasm.activePlanes() >>> 0, length);

interface Networks {
  /** Groups and hyperplanes of each network. */
  shapes: number[];
  factors: number[];
  lambdas: number[];
  /** [d]: 1, -1 or 0. */
  signs: number[];
}

/** Rows `x` [n][d] with targets `y` [n], and networks without weights yet. */
export function makeTrainer(x: Float32Array, y: Float32Array, networks: Networks) {
  const n = y.length;
  const d = x.length / n;
  const t = createTrainer(wasmModule);
  // the kernels read whole vectors: room after the last row
  const rows = t.floats(n * d + 16);
  t.f32(rows).set(x);
  const layout = { columns: d, withLevel: 0, levelScale: 1, ...networks };
  layNetworks(t, layout, 96, { x: rows.at, y: t.put(y).at, weight: 0 });
  const all = Uint32Array.from({ length: n }, (_, r) => r);
  const list = t.put(all, "u32").at;
  const f = t.floats(n + 8);
  const dp = (d + 4) & ~3;
  const planes = networks.factors.reduce((sum, _, m) => sum + networks.shapes[2 * m] * networks.shapes[2 * m + 1], 0);
  return {
    t,
    dp,
    /** [planes][dp], a copy. */
    weights: () => t.slabW(planes * dp).slice(),
    /** Starts near a linear fit of equal coefficients; `withPlane`: network 0 is the plane of the sum. */
    start(withPlane: boolean, batch: number, steps: number): void {
      t.wasm.start(3, 1, t.put(new Array<number>(d + 1).fill(0.3)).at, withPlane ? 1 : 0, 0.25, list, n, 0, planes);
      // room for the targets that go beside the rows' numbers
      const schedule = t.floats(2 * n);
      t.u32(schedule).set(all);
      t.wasm.begin(schedule.at, n, batch, steps, 0.02, 0, 0);
    },
    /** [n], the sums of the networks. */
    sums(): Float32Array {
      t.wasm.evaluate(list, n, 0.5, f.at);
      return t.f32(f).slice(0, n);
    },
  };
}
