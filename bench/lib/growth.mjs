// How straight growth is. In: sizes and times; out: the line time = fixed + each * size with the least squares of relative errors, and how far, at most, a
// time is from it. Relative, since the sizes span decades: in absolute squares the largest alone would decide.

/** The line, and `worst`: the greatest |line / time - 1|. */
export function straightLine(sizes, times) {
  // weighted least squares with weights 1 / time^2: the unknowns are fixed and each, the equations (fixed + each * size) / time = 1
  let [ff, fe, ee, f, e] = [0, 0, 0, 0, 0];
  sizes.forEach((size, k) => {
    const one = 1 / times[k];
    const slope = size / times[k];
    ff += one * one;
    fe += one * slope;
    ee += slope * slope;
    f += one;
    e += slope;
  });
  const determinant = ff * ee - fe * fe;
  const fixed = (f * ee - e * fe) / determinant;
  const each = (e * ff - f * fe) / determinant;
  const worst = Math.max(...sizes.map((size, k) => Math.abs((fixed + each * size) / times[k] - 1)));
  return { fixed, each, worst };
}

/**
 * Lines through what scale.mjs measured: [what grows, what is timed, unit, line]. With rows the time of an epoch or of a batch, in microseconds; with
 * inputs and planes that of a row, in nanoseconds.
 */
export function growth({ n, d, planes }) {
  const lines = [];
  const add = (grows, rows, size, unit, factor) => {
    for (const [timed, time] of [
      ["training", (r) => r.train * 1e3],
      ["prediction", (r) => r.predict],
    ]) {
      lines.push({
        grows,
        timed,
        unit,
        ...straightLine(
          rows.map(size),
          rows.map((r) => time(r) * factor(r)),
        ),
      });
    }
  };
  add(
    "rows",
    n,
    (r) => r.n,
    "us",
    (r) => r.n / 1e3,
  );
  add(
    "inputs",
    d,
    (r) => r.d,
    "ns a row",
    () => 1,
  );
  add(
    "planes",
    planes,
    (r) => r.networks * 16 + 1,
    "ns a row",
    () => 1,
  );
  return lines;
}
