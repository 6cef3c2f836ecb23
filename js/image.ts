// A model as one block of bytes for the kernels. In: model data; out: the image that assembly/image.ts describes, word for word.

import type { ModelData } from "./types.js";

/** Words of the header; offsets are rounded up to 16 bytes. */
const HEADER = 112;
const TRANSFORMS = { linear: 0, log1p: 1, equals: 2, missing: 3, level: 4 } as const;
const LINKS = { identity: 0, exp: 1, logistic: 2 } as const;
const END_GROUP = 8;
const END_NETWORK = 16;

type Packable = Pick<ModelData, "features" | "inputs" | "networks" | "scale" | "offset" | "link">;

/** Numbers in a raw row: one a feature, and the quantile level when the model has one. */
export function rowLengthOf(data: Pick<ModelData, "features" | "inputs">): number {
  return data.features.length + (data.inputs.some((i) => i.transform === "level") ? 1 : 0);
}

/**
 * Networks as the kernels want them: where pruning may pay (assembly/prune.ts decides), groups are filled up to whole tiles of four by
 * repeating a plane, which changes no max.
 */
function filled(networks: number[][][][]): number[][][][] {
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

/** Packs a model; `size` is what the block needs in wasm memory, scratch included; `plain`: every input is a feature as it is. */
export function packImage(data: Packable): { bytes: Uint8Array; size: number; plain: boolean } {
  const { features, inputs } = data;
  const networks = filled(data.networks);
  const d = inputs.length;
  const dp = (d + 4) & ~3;
  let planes = 0;
  let tiles = 0;
  let plain = features.length === d;
  let lanes = 0;
  for (const groups of networks) {
    groups.forEach((group, k) => {
      planes += group.length;
      tiles += (group.length + 3) >> 2;
      // blocks of four groups, as many chains as the largest has planes
      if (k % 4 === 0) lanes += 4 * Math.max(...groups.slice(k, k + 4).map((g) => g.length));
    });
  }
  for (let i = 0; i < d; i++) {
    if (inputs[i].transform !== "linear" || inputs[i].feature !== i || features[i].missing !== "error") plain = false;
  }
  const align = (n: number) => (n + 15) & ~15;
  const vector = align(dp * 4);
  let end = HEADER;
  const take = (bytes: number) => {
    const at = end;
    end += align(bytes);
    return at;
  };
  const feature = take(vector);
  const kind = take(vector);
  const argument = take(vector);
  const fill = take(vector);
  const center = take(vector);
  const scale = take(vector);
  const meta = take(tiles * 4);
  const tile = take(planes * (d + 1) * 4 + 16);
  const length = end;
  // the same planes in rows, and for one row: the kernels lay them out from the tiles at first use
  const rows = take(planes * dp * 4);
  const onesMeta = take((tiles + 1) * 4);
  const ones = take(lanes * (d + 1) * 4);
  const scratch = end;
  const bytes = new Uint8Array(length);
  const i32 = new Int32Array(bytes.buffer);
  const f32 = new Float32Array(bytes.buffer);
  i32.set([rowLengthOf(data), d, dp, tiles, networks.length, planes, LINKS[data.link.name], plain ? 1 : 0]);
  f32.set([data.scale, data.offset, data.link.name === "exp" ? data.link.maximum : 0], 8);
  i32.set([feature, kind, argument, fill, center, scale, meta, tile, rows, scratch, 0, onesMeta, ones], 11);
  for (let i = 0; i < d; i++) {
    const input = inputs[i];
    i32[feature / 4 + i] = input.feature < 0 ? features.length : input.feature;
    i32[kind / 4 + i] = TRANSFORMS[input.transform];
    f32[argument / 4 + i] = input.divisor ?? input.category ?? 0;
    f32[fill / 4 + i] = input.feature < 0 ? 0 : (features[input.feature].fill ?? 0);
    f32[center / 4 + i] = input.center;
    f32[scale / 4 + i] = input.scale;
  }
  let plane = 0;
  let metaAt = meta / 4;
  let tileAt = tile / 4;
  for (const groups of networks) {
    groups.forEach((group, k) => {
      const parts = (group.length + 3) >> 2;
      let from = 0;
      for (let t = 0; t < parts; t++) {
        const width = Math.ceil((group.length - from) / (parts - t));
        let word = width | (plane << 8);
        if (t === parts - 1) word |= END_GROUP | (k === groups.length - 1 ? END_NETWORK : 0);
        i32[metaAt++] = word;
        for (let j = 0; j < width; j++, plane++, from++) {
          const weights = group[from];
          f32[tileAt + j] = weights[d];
          for (let i = 0; i < d; i++) f32[tileAt + (i + 1) * width + j] = weights[i];
        }
        tileAt += width * (d + 1);
      }
    });
  }
  // scratch: z and its transpose, sums, dz, active planes (assembly/predict.ts)
  return { bytes, plain, size: end + dp * 64 + 32 + dp * 4 + networks.length * 32 + 64 };
}
