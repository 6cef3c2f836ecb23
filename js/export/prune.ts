// Planes and groups that never decide inside the declared ranges. In: model data; out: model data with fewer planes, the same bits in the box.
// A plane goes when another of its group lies above it in the whole box; a group goes when one of its planes lies above another whole group.
// "Above" holds for the float32 results: by more than the rounding of both can make up.

import type { Input, ModelData } from "../types.js";

const f = Math.fround;
/** Half a float32 unit in the last place. */
const UNIT = 2 ** -24;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** Natural logarithm of a positive float32, as assembly/math.ts computes it. */
function logf(x: number): number {
  double[0] = x;
  let e = (words[1] >> 20) - 1023;
  words[1] = (words[1] & 0xfffff) | 0x3ff00000;
  let m = double[0];
  if (m * 0.5 >= Math.SQRT1_2) {
    m *= 0.5;
    e++;
  }
  const s = (m - 1) / (m + 1);
  let p = 1 / 17;
  for (let k = 15; k > 0; k -= 2) p = p * s * s + 1 / k;
  return f(e * Math.LN2 + 2 * s * p);
}

/** Least and greatest z of an input while its feature is inside its range, [-50, 50] at most. */
export function bounds(data: ModelData, input: Input): [number, number] {
  const z = (t: number) => Math.min(50, Math.max(-50, f(f(t - input.center) * input.scale)));
  if (input.transform === "equals" || input.transform === "missing") return [z(0), z(1)];
  const feature = data.features[input.feature];
  if (input.transform === "level" || !feature?.range) return [-50, 50];
  const at = (value: number) => {
    const v = f(value);
    if (input.transform === "linear") return z(v);
    const q = f(v / (input.divisor as number));
    return z(q < 0 ? q : logf(f(1 + q)));
  };
  const values = [at(feature.range[0]), at(feature.range[1])];
  if (feature.fill !== undefined) values.push(at(feature.fill));
  return [Math.min(...values), Math.max(...values)];
}

/** Groups of a network that remain, each with its planes that remain. */
export function pruneModel(data: ModelData): ModelData {
  const d = data.inputs.length;
  const box = data.inputs.map((input) => bounds(data, input));
  const margin = (plane: number[]) => {
    let size = Math.abs(plane[d]);
    for (let i = 0; i < d; i++) size += Math.abs(plane[i]) * Math.max(Math.abs(box[i][0]), Math.abs(box[i][1]));
    return (d + 3) * UNIT * size + 1e-40;
  };
  // p below q in the whole box, float32 results included
  const below = (p: number[], q: number[]) => {
    let gap = p[d] - q[d] + margin(p) + margin(q);
    for (let i = 0; i < d; i++) {
      const w = p[i] - q[i];
      gap += Math.max(w * box[i][0], w * box[i][1]);
    }
    return gap < 0;
  };
  const networks = data.networks.map((network) => {
    const groups = network.map((planes) => planes.filter((p) => !planes.some((q) => q !== p && below(p, q))));
    // "below" is strict and transitive, so what stands above a dropped plane or group is itself above one that stays
    return groups.filter((g) => !groups.some((h) => h !== g && g.some((q) => h.every((p) => below(p, q)))));
  });
  return { ...data, networks };
}
