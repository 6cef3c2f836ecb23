// What accuracy.mjs, choices.mjs and shards.mjs do with rows and scores.

/** The values of a column in `rows`. */
export const take = (column, rows) =>
  Array.isArray(column) ? rows.map((r) => column[r]) : Float64Array.from(rows, (r) => column[r]);

/** The features of a set in `rows`, as columns. */
export const featuresOf = (set, rows) =>
  Object.fromEntries(Object.keys(set.features).map((name) => [name, take(set.columns[name], rows)]));

export const mean = (v) => v.reduce((a, b) => a + b, 0) / v.length;
/** Sample standard deviation; 0 of a single value. */
export const deviation = (v) =>
  v.length < 2 ? 0 : Math.sqrt(v.reduce((sum, x) => sum + (x - mean(v)) ** 2, 0) / (v.length - 1));
export const geometricMean = (v) => Math.exp(mean(v.map(Math.log)));
