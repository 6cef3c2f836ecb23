// Wide tables: inputs that say little of the target are scaled down, so that hundreds of them cannot drown the rest. In: a trainer's inputs
// [n][d], targets and the linear centre; out: a factor in (0, 1] an input. Adam moves every weight by about its rate, however little its input
// says: of 276 inputs of which 200 say next to nothing, networks learn those 200 by heart (docs/measurements.md has the figures). An input
// scaled down by c moves the sum c times as slowly and pays 1 / c^2 times the ridge for what it says; it can still say it.
// Relevance is the correlation ratio (Pearson 1905) over 16 bins of equal count, so no shape is assumed. Only + - * / and sqrt.

import { paced } from "./turn.js";
import { type Block, SORTING, type Trainer } from "./wasm.js";

/** Tables of more inputs than this are wide, and their inputs' factors sum to it at most: as many count in full, or more of them in part. */
export const WIDE = 40;
/** No input of a wide table lies further out than this: a rare word is 1 in one row of a thousand, and 30 standard deviations from its mean there. */
const FARTHEST = 6;
const LEAST = 0.01;
const BINS = 16;
/** Standard deviations above its mean from which a ratio counts. */
const CHANCE = 2;
/** Rows looked at for relevance, at most, evenly spaced. */
const SAMPLE = 65536;
/** Numbers looked at between turns of the event loop: some 20 ms. */
const SLICE = 2 ** 20;

/**
 * Factors of the inputs at `x` ([n][d] in the trainer's memory, z-scores), by what each says of the targets at `y` ([n]) and of what the linear fit
 * `centre` ([d + 1]) leaves of them. `weight` ([n]; 0: none): rows of weight 0 have no say. `pause` is awaited between blocks of work.
 */
export async function relevanceOf(
  t: Trainer,
  x: number,
  y: number,
  centre: Float64Array,
  n: number,
  d: number,
  weight: number,
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const { wasm } = t;
  const start = wasm.mark();
  const step = Math.max(1, Math.ceil(n / SAMPLE));
  const m = Math.ceil(n / step);
  const targets = [t.doubles(m), t.doubles(m)];
  wasm.residuals(x, y, n, d, step, t.put(centre, "f64").at, targets[0].at, targets[1].at);
  const weights = weight ? t.f32({ at: weight, length: n }) : undefined;
  const spreads = targets.map((target) => centred(t.f64(target), (k) => weights?.[k * step] !== 0));
  await pause();
  const ratio = await ratiosOf(t, x, step, d, targets, spreads, pause);
  // the ratio that counts in full: the least at which the factors sum to WIDE
  let low = 0;
  let high = d / WIDE;
  for (let k = 0; k < 40; k++) {
    const middle = (low + high) / 2;
    let total = 0;
    for (let i = 0; i < d; i++) total += Math.min(1, ratio[i] / middle);
    if (total > WIDE) low = middle;
    else high = middle;
  }
  const out = t.floats(d + 3);
  wasm.farthest(x, n, d, out.at);
  const farthest = t.f32(out);
  wasm.reset(start);
  return ratio.map((v, i) => Math.max(LEAST, Math.min(1, v / high)) * Math.min(1, FARTHEST / Math.max(1, farthest[i])));
}

/** Takes the mean of those that count off; the others become 0, as the mean does. Gives the sum of squares left. */
function centred(values: Float64Array, counts: (k: number) => boolean): number {
  let m = 0;
  for (let k = 0; k < values.length; k++) if (counts(k)) m++;
  let mean = 0;
  for (let k = 0; k < values.length; k++) if (counts(k)) mean += values[k] / m;
  let spread = 0;
  for (let k = 0; k < values.length; k++) {
    values[k] = counts(k) ? values[k] - mean : 0;
    spread += values[k] * values[k];
  }
  return spread;
}

/**
 * Correlation ratios of two centred targets (every `step`-th row, with these sums of squares) on each input, less what chance gives, over the greatest;
 * the greater of the two.
 */
async function ratiosOf(
  t: Trainer,
  x: number,
  step: number,
  d: number,
  targets: Block[],
  spreads: number[],
  pause: () => Promise<void>,
): Promise<Float64Array> {
  const { wasm } = t;
  const breathe = paced(pause, SLICE);
  const m = targets[0].length;
  const column = t.floats(m);
  const sorting = t.floats(m);
  const scratch = t.floats(m + SORTING);
  const edgesAt = t.floats(BINS);
  const bins = t.doubles(3 * BINS);
  const out = targets.map(() => new Float64Array(d));
  for (let i = 0; i < d; i++) {
    wasm.takeColumn(x + i * 4, m, step * d * 4, column.at);
    const sorted = t.f32(sorting);
    sorted.set(t.f32(column));
    wasm.sortFloats(sorting.at, m, scratch.at);
    const edges: number[] = [];
    for (let b = 1; b < BINS; b++) {
      const edge = sorted[Math.floor((b * m) / BINS)];
      if (edge > (edges.at(-1) ?? sorted[0])) edges.push(edge);
    }
    // rarer than one row in 16: the greatest value makes a bin
    if (edges.length === 0) edges.push(sorted[m - 1]);
    t.f32(edgesAt).fill(Number.POSITIVE_INFINITY).set(edges);
    const sums = t.f64(bins).fill(0);
    wasm.addBins(column.at, m, edgesAt.at, targets[0].at, targets[1].at, bins.at);
    out.forEach((ratios, k) => {
      let between = 0;
      let filled = 0;
      for (let b = 0; b < 3 * BINS; b += 3) {
        if (sums[b] === 0) continue;
        between += (sums[b + 1 + k] * sums[b + 1 + k]) / sums[b];
        filled++;
      }
      // bins explain (filled - 1) / m of noise on average, with this standard deviation
      const chance = (filled - 1) / m + (CHANCE * Math.sqrt(2 * (filled - 1))) / m;
      ratios[i] = spreads[k] > 0 ? Math.sqrt(Math.max(0, between / spreads[k] - chance)) : 0;
    });
    await breathe(m + SORTING);
  }
  const [whole, left] = out.map((ratios) => {
    const most = ratios.reduce((a, b) => Math.max(a, b), 0);
    return most > 0 ? ratios.map((v) => v / most) : ratios;
  });
  return whole.map((v, i) => Math.max(v, left[i]));
}
