// Adam's rate, by the step: warm-up, then a cosine.

/** cos(a) for a in [0, pi], by 1 - 2 sin^2(a / 2) and Taylor's series: engines' own cosines differ in the last bits. */
function cosine(a: f64): f64 {
  const h = a * 0.5;
  const q = h * h;
  let s: f64 = 1.0 / 355687428096000.0;
  s = s * -q + 1.0 / 1307674368000.0;
  s = s * -q + 1.0 / 6227020800.0;
  s = s * -q + 1.0 / 39916800.0;
  s = s * -q + 1.0 / 362880.0;
  s = s * -q + 1.0 / 5040.0;
  s = s * -q + 1.0 / 120.0;
  s = s * -q + 1.0 / 6.0;
  s = h * (s * -q + 1.0);
  return 1.0 - 2.0 * s * s;
}

/** Adam's rate at a step: 3 % linear warm-up, then a cosine down to 1 %. */
export function rateAt(t: i32, total: i32, peak: f32): f32 {
  const warm = max(1, (total * 3) / 100);
  if (t < warm) return <f32>(<f64>peak * (<f64>(t + 1) / <f64>warm));
  const share = <f64>(t - warm) / <f64>max(1, total - warm);
  return <f32>(<f64>peak * (0.01 + 0.99 * 0.5 * (1.0 + cosine(share * 3.141592653589793))));
}
