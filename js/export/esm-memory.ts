// The memory that a module of toModule computes in, laid out for assembly/planes.ts. In: networks; out: bytes, and where in them what begins.

import type { ModelData } from "../types.js";

/** Bytes, and where in them, in floats, the ends of groups and the tiles begin. */
export interface PlanesImage {
  bytes: Uint8Array;
  ends: number;
  tiles: number;
}

/**
 * The memory of assembly/planes.ts, and where in it, in floats, its parts begin: a row [d]; `ends`, an int32 a tile (1: last of its group, 2: of its
 * network as well); `tiles`, four planes each, [1 + d][4] float32, biases first. Planes that fill up a tile are -Infinity: never the greatest.
 */
export function imageOf(networks: ModelData["networks"], d: number): PlanesImage {
  const ofGroups = networks.map((groups) => groups.map((planes) => Math.ceil(planes.length / 4)));
  const count = ofGroups.flat().reduce((sum, n) => sum + n, 0);
  // loads of tiles are aligned to 16 bytes
  const tiles = 4 * Math.ceil((d + count) / 4);
  const ends = tiles - count;
  const view = new DataView(new ArrayBuffer((tiles + count * 4 * (d + 1)) * 4));
  let tile = 0;
  networks.forEach((groups) => {
    groups.forEach((planes, g) => {
      for (let j = 0; j < planes.length; j += 4, tile++) {
        if (j + 4 >= planes.length) view.setInt32((ends + tile) * 4, g === groups.length - 1 ? 2 : 1, true);
        for (let i = -1; i < d; i++) {
          for (let k = 0; k < 4; k++) {
            const none = i < 0 ? Number.NEGATIVE_INFINITY : 0;
            const value = planes[j + k]?.[i < 0 ? d : i] ?? none;
            view.setFloat32((tiles + 4 * (tile * (d + 1) + i + 1) + k) * 4, value, true);
          }
        }
      }
    });
  });
  return { bytes: new Uint8Array(view.buffer), ends, tiles };
}

/** Bytes in base64. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
