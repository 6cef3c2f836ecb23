// Wide tables: inputs that say little of the target are scaled down, so that hundreds of them cannot drown the rest. In: a trainer's inputs
// [n][d], targets and the linear centre; out: a factor in (0, 1] an input. Adam moves every weight by about its rate, however little its input
// says: of 276 inputs of which 200 say next to nothing, networks learn those 200 by heart (docs/defaults.md has the measurements). An input
// scaled down by c moves the sum c times as slowly and pays 1 / c^2 times the ridge for what it says; it can still say it.
// Relevance is the correlation ratio (Pearson 1905) over 16 bins of equal count, so no shape is assumed. Only + - * / and sqrt.

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

/** Factors of the inputs of `x` ([n][d], z-scores), by what each says of `y` ([n]) and of what the linear fit `centre` ([d + 1]) leaves of it. */
export function relevanceOf(
  x: Float32Array,
  y: Float32Array,
  centre: Float64Array,
  n: number,
  d: number,
): Float64Array {
  const step = Math.max(1, Math.ceil(n / SAMPLE));
  const m = Math.ceil(n / step);
  const target = new Float64Array(m);
  const rest = new Float64Array(m);
  for (let r = 0; r < m; r++) {
    target[r] = y[r * step];
    let f = centre[d];
    for (let i = 0, at = r * step * d; i < d; i++, at++) f += centre[i] * x[at];
    rest[r] = target[r] - f;
  }
  const whole = ratiosOf(x, step, d, target);
  const left = ratiosOf(x, step, d, rest);
  const ratio = whole.map((v, i) => Math.max(v, left[i]));
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
  const farthest = new Float32Array(d);
  for (let r = 0, at = 0; r < n; r++) {
    for (let i = 0; i < d; i++, at++) {
      const v = x[at] < 0 ? -x[at] : x[at];
      if (v > farthest[i]) farthest[i] = v;
    }
  }
  return ratio.map((v, i) => Math.max(LEAST, Math.min(1, v / high)) * Math.min(1, FARTHEST / Math.max(1, farthest[i])));
}

/** Correlation ratios of `values` (every `step`-th row) on each input, less what chance gives, over the greatest. `values` is centred in place. */
function ratiosOf(x: Float32Array, step: number, d: number, values: Float64Array): Float64Array {
  const m = values.length;
  let mean = 0;
  for (let r = 0; r < m; r++) mean += values[r] / m;
  let spread = 0;
  for (let r = 0; r < m; r++) {
    values[r] -= mean;
    spread += values[r] * values[r];
  }
  const out = new Float64Array(d);
  const column = new Float32Array(m);
  const count = new Float64Array(BINS);
  const sum = new Float64Array(BINS);
  let most = 0;
  for (let i = 0; i < d; i++) {
    for (let r = 0; r < m; r++) column[r] = x[r * step * d + i];
    const sorted = column.slice().sort();
    const edges: number[] = [];
    for (let b = 1; b < BINS; b++) {
      const edge = sorted[Math.floor((b * m) / BINS)];
      if (edge > (edges.at(-1) ?? sorted[0])) edges.push(edge);
    }
    // rarer than one row in 16: the greatest value makes a bin
    if (edges.length === 0) edges.push(sorted[m - 1]);
    count.fill(0);
    sum.fill(0);
    for (let r = 0; r < m; r++) {
      let b = 0;
      while (b < edges.length && column[r] >= edges[b]) b++;
      count[b]++;
      sum[b] += values[r];
    }
    let between = 0;
    let filled = 0;
    for (let b = 0; b < BINS; b++) {
      if (count[b] === 0) continue;
      between += (sum[b] * sum[b]) / count[b];
      filled++;
    }
    // bins explain (filled - 1) / m of noise on average, with this standard deviation
    const chance = (filled - 1) / m + (CHANCE * Math.sqrt(2 * (filled - 1))) / m;
    out[i] = spread > 0 ? Math.sqrt(Math.max(0, between / spread - chance)) : 0;
    most = Math.max(most, out[i]);
  }
  return most > 0 ? out.map((v) => v / most) : out;
}
