// The plainest monotone rival: a linear fit whose slopes may not be negative.

/**
 * Least squares with slopes >= 0 and a free intercept, by coordinate descent on the normal equations.
 * In: rows (n arrays of d numbers), targets (n). Out: { slopes (d), intercept, predict(row) }.
 */
export function fitLinear(rows, targets) {
  const n = rows.length;
  const d = rows[0].length;
  const mean = (f) => rows.reduce((sum, _, i) => sum + f(i), 0) / n;
  const centre = Array.from({ length: d }, (_, j) => mean((i) => rows[i][j]));
  const target = mean((i) => targets[i]);
  const scale = centre.map((c, j) => Math.sqrt(mean((i) => (rows[i][j] - c) ** 2)) || 1);
  const z = rows.map((row) => row.map((value, j) => (value - centre[j]) / scale[j]));
  const gram = centre.map((_, j) => centre.map((_, k) => mean((i) => z[i][j] * z[i][k])));
  const moment = centre.map((_, j) => mean((i) => z[i][j] * (targets[i] - target)));
  const w = new Array(d).fill(0);
  for (let sweep = 0; sweep < 1000; sweep++) {
    for (let j = 0; j < d; j++) {
      if (gram[j][j] === 0) continue;
      let rest = moment[j];
      for (let k = 0; k < d; k++) if (k !== j) rest -= gram[j][k] * w[k];
      w[j] = Math.max(0, rest / gram[j][j]);
    }
  }
  const slopes = w.map((value, j) => value / scale[j]);
  const intercept = slopes.reduce((sum, slope, j) => sum - slope * centre[j], target);
  return { slopes, intercept, predict: (row) => row.reduce((sum, value, j) => sum + value * slopes[j], intercept) };
}
