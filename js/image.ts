// A model as one block of bytes for the kernels. In: model data; out: the image that assembly/image.ts describes, word for word.

import { rangeError } from "./errors.js";
import type { ModelData } from "./types.js";

/** Bytes of the header; each part begins at a multiple of 16. */
const HEADER = 112;
/** In the order of their numbers in an image, and in an exported module. */
export const TRANSFORMS = ["linear", "log1p", "equals", "missing", "level"];
const LINKS = ["identity", "exp", "logistic"];
const END_GROUP = 8;
const END_NETWORK = 16;

type Packable = Pick<ModelData, "features" | "inputs" | "networks" | "scale" | "offset" | "link">;

/**
 * Networks as the kernels want them: where pruning may pay (assembly/prune.ts decides), groups are filled up to whole tiles of four by
 * repeating a plane, which changes no max.
 */
export function filled(networks: number[][][][]): number[][][][] {
  const planes = networks.map((groups) => groups.reduce((sum, group) => sum + ((group.length + 3) & ~3), 0));
  const single = networks.map((groups) => groups.length === 1 && groups[0].length === 1);
  const pays = networks.every((groups, m) => single[m] || (groups.length >= 4 && planes[m] >= 64));
  if (!pays || !planes.some((count, m) => !single[m] && count >= 128)) return networks;
  return networks.map((groups, m) =>
    single[m]
      ? groups
      : groups.map((group) => [...group, ...new Array(-group.length & 3).fill(group[group.length - 1])]),
  );
}

/** Refuses more hyperplanes than a meta word can number. */
export function checkPlanes(planes: number): void {
  if (planes >= 2 ** 24) throw rangeError("networks", "fewer than 2^24 hyperplanes together", planes);
}

/**
 * Packs a model. `size` is what the block needs in wasm memory, scratch included; `row` the numbers in a raw row: one a feature, and the quantile
 * level when the model has one.
 */
export function packImage(data: Packable): { bytes: Uint8Array; size: number; row: number } {
  const { features, inputs, networks, link } = data;
  const row = features.length + (inputs.some((input) => input.feature < 0) ? 1 : 0);
  const d = inputs.length;
  const dp = (d + 4) & ~3;
  // the meta words of the tiles (assembly/layout.ts)
  const metas: number[] = [];
  let planes = 0;
  let lanes = 0;
  for (const groups of networks) {
    groups.forEach((group, k) => {
      // for one row: blocks of four groups, as many chains as the largest has planes
      if (k % 4 === 0) lanes += 4 * Math.max(...groups.slice(k, k + 4).map((g) => g.length));
      for (let left = group.length; left > 0; ) {
        // nearly equal: 6 are 3 + 3
        const width = Math.ceil(left / ((left + 3) >> 2));
        left -= width;
        metas.push(width | (left ? 0 : k < groups.length - 1 ? END_GROUP : END_GROUP | END_NETWORK) | (planes << 8));
        planes += width;
      }
    });
  }
  // feature, transform, argument, fill, center and scale of each input, dp words each
  let end = HEADER;
  const take = (words: number) => {
    const at = end;
    end += (words * 4 + 15) & ~15;
    return at;
  };
  const vectors = [0, 0, 0, 0, 0, 0].map(() => take(dp));
  const meta = take(metas.length);
  const rows = take(planes * dp);
  checkPlanes(planes);
  const bytes = new Uint8Array(rows + planes * (d + 1) * 4);
  // the same planes in tiles, and for one row: the kernels lay all of them out at first use
  const tiles = take(planes * (d + 1) + 4);
  const onesMeta = take(metas.length + 1);
  const ones = take(lanes * (d + 1));
  const i32 = new Int32Array(bytes.buffer);
  const f32 = new Float32Array(bytes.buffer);
  let plain = features.length === d ? 1 : 0;
  inputs.forEach(({ feature, transform, divisor, category, center, scale }, i) => {
    const { fill, missing } = features[feature] ?? {};
    if (transform !== "linear" || feature !== i || missing !== "error") plain = 0;
    const at = HEADER / 4 + i;
    i32[at] = feature < 0 ? features.length : feature;
    i32[at + dp] = TRANSFORMS.indexOf(transform);
    f32[at + dp * 2] = divisor ?? category ?? 0;
    // without a fill a missing number is found by the kernels: it stays NaN
    f32[at + dp * 3] = fill ?? Number.NaN;
    f32[at + dp * 4] = center;
    f32[at + dp * 5] = scale;
  });
  i32.set([row, d, dp, metas.length, networks.length, planes, LINKS.indexOf(link.name), plain]);
  f32.set([data.scale, data.offset, link.name === "exp" ? link.maximum : 0], 8);
  i32.set([...vectors, meta, tiles, rows, end, 0, onesMeta, ones, 0, 0, features.length], 11);
  i32.set(metas, meta / 4);
  // as many calls as planes: flattened to numbers first, the default sum takes ten times as long
  let at = rows / 4;
  for (const plane of networks.flat(2)) {
    f32.set(plane, at);
    at += d + 1;
  }
  // scratch: z and its transpose, sums, dz, active planes (assembly/predict.ts)
  return { bytes, row, size: end + dp * 68 + networks.length * 32 + 96 };
}
