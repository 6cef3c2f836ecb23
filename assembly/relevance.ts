// What an input says of the target (js/relevance.ts). In: inputs [n][d] float32, targets; out: residuals of the linear fit, sums by bins, greatest sizes.
// Float64 throughout, every sum in the order of the rows.

/** Targets of every `step`-th of `n` rows at `target`, what the linear fit `centre` ([d + 1] float64) leaves of them at `rest`, both float64. */
export function residuals(
  x: usize,
  y: usize,
  n: i32,
  d: i32,
  step: i32,
  centre: usize,
  target: usize,
  rest: usize,
): void {
  const size = (<usize>d) << 2;
  for (let r = 0; r < n; r += step) {
    const values = x + <usize>r * size;
    let f = load<f64>(centre + (size << 1));
    for (let i: usize = 0; i < size; i += 4) f += load<f64>(centre + (i << 1)) * <f64>load<f32>(values + i);
    const v = <f64>load<f32>(y + ((<usize>r) << 2));
    store<f64>(target, v);
    store<f64>(rest, v - f);
    target += 8;
    rest += 8;
  }
}

/** Takes `n` numbers that lie `step` bytes apart to `out`. */
export function takeColumn(x: usize, n: i32, step: usize, out: usize): void {
  for (const end = out + ((<usize>n) << 2); out < end; out += 4) {
    store<f32>(out, load<f32>(x));
    x += step;
  }
}

/**
 * Sums of `n` values by bins: edge k, of 16 ascending float32 (Infinity where there are fewer), parts bin k from bin k + 1 and belongs to the latter. Adds
 * 1 and the numbers of `a` and `b` ([n] float64) to three float64 a bin at `out`. Four comparisons without a branch: no branch could be foreseen.
 */
export function addBins(values: usize, n: i32, edges: usize, a: usize, b: usize, out: usize): void {
  for (const end = values + ((<usize>n) << 2); values < end; values += 4) {
    const v = load<f32>(values);
    let k: usize = (<usize>(v >= load<f32>(edges, 28))) << 5;
    k += (<usize>(v >= load<f32>(edges + k, 12))) << 4;
    k += (<usize>(v >= load<f32>(edges + k, 4))) << 3;
    k += (<usize>(v >= load<f32>(edges + k))) << 2;
    const to = out + k * 6;
    store<f64>(to, load<f64>(to) + 1);
    store<f64>(to, load<f64>(to, 8) + load<f64>(a), 8);
    store<f64>(to, load<f64>(to, 16) + load<f64>(b), 16);
    a += 8;
    b += 8;
  }
}

/** The greatest size of each input, over `n` rows, to `out`. Whole vectors: what follows the last input is no use, and `x` and `out` have room for it. */
export function farthest(x: usize, n: i32, d: i32, out: usize): void {
  const size = (<usize>d) << 2;
  memory.fill(out, 0, size + 12);
  for (const end = x + <usize>n * size; x < end; x += size) {
    for (let i: usize = 0; i < size; i += 16)
      v128.store(out + i, f32x4.pmax(v128.load(out + i), f32x4.abs(v128.load(x + i))));
  }
}
