// Directions that the rows speak against. In: inputs [n][d], targets, the signs asked for and the sign-constrained linear fit; out: the inputs
// whose sign looks wrong. A model cannot follow data against its constraint, so the user should hear of it. Both must agree: the target moves
// the other way with the input (correlation), and the linear fit, which knows the other inputs, holds its coefficient at 0. One alone
// is common where columns move together. Only + - * / and sqrt: what is said goes into the model file.

import { paced } from "./turn.js";

/** An input that the target moves against. */
export interface Against {
  input: number;
  /** Correlation with the target. */
  correlation: number;
}

/** Rows looked at, at most, evenly spaced. */
const SAMPLE = 65536;
/** Numbers looked at between turns of the event loop. */
const SLICE = 2 ** 20;
/** Below this, or below four standard errors of a correlation by chance, nothing is said. */
const LEAST = 0.1;

/**
 * Inputs of `x` ([n][d]) whose sign (1, -1; 0 free) the targets `y` ([n]) speak against; `centre` is the constrained fit, [d] or longer. `pause` is awaited
 * between blocks of work, in which `x` and `y` must stay.
 */
export async function directionsAgainst(
  x: Float32Array,
  y: ArrayLike<number>,
  signs: readonly number[],
  centre: Float64Array,
  pause: () => Promise<void>,
): Promise<Against[]> {
  const breathe = paced(pause, SLICE);
  const d = signs.length;
  const n = y.length;
  const step = Math.max(1, Math.ceil(n / SAMPLE));
  let m = 0;
  let meanY = 0;
  for (let r = 0; r < n; r += step, m++) meanY += y[r];
  meanY /= m;
  const found: Against[] = [];
  for (let i = 0; i < d; i++) {
    if (signs[i] === 0 || centre[i] !== 0) continue;
    let mean = 0;
    for (let r = 0; r < n; r += step) mean += x[r * d + i];
    mean /= m;
    let [xx, yy, xy] = [0, 0, 0];
    for (let r = 0; r < n; r += step) {
      const dx = x[r * d + i] - mean;
      const dy = y[r] - meanY;
      xx += dx * dx;
      yy += dy * dy;
      xy += dx * dy;
    }
    const correlation = xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : 0;
    if (-correlation * signs[i] > Math.max(LEAST, 4 / Math.sqrt(m))) found.push({ input: i, correlation });
    await breathe(m);
  }
  return found;
}
