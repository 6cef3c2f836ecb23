// The study behind the demo and the picture: the measured jobs, split once, and three fits of the same training rows.

import { readFileSync } from "node:fs";
import { fitLinear } from "./linear.mjs";
import { fitMlp } from "./mlp.mjs";
import { generator } from "./random.mjs";

export const TARGET = "ms";
export const CSV = new URL("jobs.csv", import.meta.url);
const HELD_OUT = 0.2;

/** The measured jobs, split by a seed. Out: names (d), and train and test, each { rows: n arrays of d counts, ms: n numbers, objects }. */
export function readJobs(seed = 1, url = CSV) {
  const [header, ...lines] = readFileSync(url, "utf8").trim().split("\n");
  const columns = header.split(",");
  const at = columns.indexOf(TARGET);
  const names = columns.filter((_, i) => i !== at);
  const table = lines.map((line) => line.split(",").map(Number));
  const order = generator(seed).order(table.length);
  const tested = Math.round(table.length * HELD_OUT);
  const part = (list) => ({
    rows: list.map((i) => table[i].filter((_, j) => j !== at)),
    ms: list.map((i) => table[i][at]),
    objects: list.map((i) => Object.fromEntries(columns.map((name, j) => [name, table[i][j]]))),
  });
  return { names, test: part(order.slice(0, tested)), train: part(order.slice(tested)) };
}

/** Root mean square error, R2 and median relative error of predictions. */
export function scoresOf(predicted, actual) {
  const n = actual.length;
  const mean = actual.reduce((sum, y) => sum + y, 0) / n;
  const square = actual.reduce((sum, y, i) => sum + (predicted[i] - y) ** 2, 0);
  const spread = actual.reduce((sum, y) => sum + (y - mean) ** 2, 0);
  const relative = actual.map((y, i) => Math.abs(predicted[i] / y - 1)).sort((a, b) => a - b);
  return { rmse: Math.sqrt(square / n), r2: 1 - square / spread, median: relative[n >> 1] };
}

/** Mean, standard deviation, 5 % and 95 % points and number of negative values of column j of n x d derivatives. */
export function columnOf(derivatives, d, j) {
  const values = Float64Array.from({ length: derivatives.length / d }, (_, i) => derivatives[i * d + j]);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  const sorted = values.slice().sort();
  const point = (q) => sorted[Math.round(q * (sorted.length - 1))];
  return { values, mean, sd, low: point(0.05), high: point(0.95), negative: values.filter((v) => v < 0).length };
}

/** Standard deviation of column j of the rows. */
export function spreadOf(rows, j) {
  const mean = rows.reduce((sum, row) => sum + row[j], 0) / rows.length;
  return Math.sqrt(rows.reduce((sum, row) => sum + (row[j] - mean) ** 2, 0) / rows.length);
}

/** How many of all derivatives are negative. */
export function negatives(derivatives) {
  return derivatives.reduce((count, v) => count + (v < 0 ? 1 : 0), 0);
}

/** The mean and the linear fit with slopes >= 0. */
export function baselines({ train, test }) {
  const mean = train.ms.reduce((sum, y) => sum + y, 0) / train.ms.length;
  const linear = fitLinear(train.rows, train.ms);
  return {
    mean: scoresOf(
      test.ms.map(() => mean),
      test.ms,
    ),
    linear: { ...scoresOf(test.rows.map(linear.predict), test.ms), slopes: linear.slopes },
  };
}

/** isotone's audit of any model on the test rows: where does it say that more work takes less time? */
export function auditOf(isotone, { names, test }, predict, derivatives) {
  const rowsOf = (x, n, d) => Array.from({ length: n }, (_, i) => Array.from(x.subarray(i * d, (i + 1) * d)));
  return isotone.audit(
    (x, n, d) => predict(rowsOf(x, n, d)),
    test.rows,
    new Map(names.map((name) => [name, "increasing"])),
    { derivatives: () => derivatives },
  );
}

/** The MLP: its scores and derivatives on the test rows, and with `isotone`, the library, its audit. */
export async function studyMlp(jobs, { isotone, ...options } = {}) {
  const { train, test } = jobs;
  const began = performance.now();
  const net = await fitMlp(train.rows, train.ms, options);
  const seconds = (performance.now() - began) / 1000;
  const derivatives = net.derivatives(test.rows);
  const predictions = net.predict(test.rows);
  const audit = isotone && (await auditOf(isotone, jobs, net.predict, derivatives));
  net.dispose();
  return { ...scoresOf(predictions, test.ms), predictions, derivatives, audit, epochs: net.epochs, seconds };
}

/** isotone with its defaults: the model, its scores, derivatives and audit on the test rows. `isotone` is the library. */
export async function studyIsotone(isotone, jobs, options = {}) {
  const { train, test } = jobs;
  const began = performance.now();
  // no features named: every other column, increasing
  const model = await isotone.fit(train.objects, { target: TARGET, ...options });
  const seconds = (performance.now() - began) / 1000;
  const predictions = model.predictMany(test.objects);
  const derivatives = model.sensitivityMany(test.objects);
  const audit = await auditOf(isotone, jobs, model.predictMany, derivatives);
  return { model, ...scoresOf(Array.from(predictions), test.ms), predictions, derivatives, audit, seconds };
}
