// What an exported module says to raw rows, as float32 in one array: predictions of all rows; of the first `few` rows the partial derivatives, the
// quantiles at each level, and the interval, where the model has them. Runs in every host, so web standards only.

export function answers(module, rows, { width, few, levels, coverage }) {
  const n = rows.length / width;
  const many = module.predictMany(rows);
  const intervals = module.interval ? 2 : 0;
  const out = new Float32Array(n + few * (width + levels.length + intervals));
  out.set(many);
  let at = n;
  for (let r = 0; r < few; r++) {
    const row = rows.subarray(r * width, (r + 1) * width);
    const slopes = module.sensitivity(row);
    for (const name of module.features) out[at++] = slopes[name];
    for (const p of levels) out[at++] = module.quantile(row, p);
    if (intervals) for (const end of module.interval(row, coverage)) out[at++] = end;
  }
  return out;
}
