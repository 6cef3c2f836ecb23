// Rows of a file on their way into a report. In: batches of encoded rows and their targets; out: predictions of all rows, a seeded sample of
// rows for the charts, the rows to explain, and whether these can be the rows that the model was trained on.

import type { Model } from "../model.js";
import { uniform } from "../random.js";

export { encodeRows } from "../rows.js";

/** What a report asks of a model. */
export type ReportModel = Pick<
  Model,
  "features" | "training" | "predictMany" | "sensitivityMany" | "explainMany" | "quantile" | "certify" | "toJSON"
>;

/** Whether the rows of the file are those the model was trained on. "maybe": nothing tells. */
export type Origin = "training" | "heldOut" | "maybe";

/** One row, kept to be explained. */
export interface KeptRow {
  /** From 1, the first after the header. */
  number: number;
  /** [features], encoded. */
  values: Float32Array;
  prediction: number;
  actual?: number;
}

export interface Gathered {
  /** Rows of the file. */
  total: number;
  /** [rows] */
  predictions: Float32Array;
  /** [rows]; absent without a target column. */
  actual?: Float64Array;
  /** [rows]; absent without case weights. */
  weights?: Float64Array;
  /** The rows of the charts: [n][features], row-major, encoded (a category is its index, a missing value NaN). */
  sample: Float32Array;
  /** [n], from 0. */
  sampledRows: Int32Array;
  /** Rows with a number beyond the training range of its column. */
  outside: number;
  origin: Origin;
  largest: KeptRow;
  median: KeptRow;
  chosen?: KeptRow;
}

/** A list of numbers that grows in place. */
class Numbers<T extends Float32Array | Float64Array> {
  #values: T;
  readonly #make: (length: number) => T;
  length = 0;
  constructor(make: (length: number) => T) {
    this.#make = make;
    this.#values = make(4096);
  }
  add(values: ArrayLike<number>): void {
    if (this.length + values.length > this.#values.length) {
      const more = this.#make(2 * (this.length + values.length));
      more.set(this.#values.subarray(0, this.length));
      this.#values = more;
    }
    this.#values.set(values, this.length);
    this.length += values.length;
  }
  all(): T {
    return this.#values.subarray(0, this.length) as T;
  }
}

/**
 * Takes the rows of a file batch by batch and keeps what a report needs: 20 bytes a row, and `most` rows whole (reservoir sampling: every row
 * has the same chance).
 *
 * @param options.explain number of a row to keep, from 1
 * @param options.heldOut the caller knows that the model has not seen these rows
 */
export function gatherer(
  model: ReportModel,
  options: { most?: number; explain?: number; heldOut?: boolean; seed?: number } = {},
): { add(values: Float32Array, actual?: ArrayLike<number>, weights?: ArrayLike<number>): void; done(): Gathered } {
  const { features, training } = model;
  const width = features.length;
  const most = options.most ?? 2000;
  const random = uniform(options.seed ?? 1);
  const predictions = new Numbers((n) => new Float32Array(n));
  const actuals = new Numbers((n) => new Float64Array(n));
  const weighted = new Numbers((n) => new Float64Array(n));
  const sample = new Float32Array(most * width);
  const numbers = new Int32Array(most);
  const least = new Float32Array(width).fill(Number.POSITIVE_INFINITY);
  const greatest = new Float32Array(width).fill(Number.NEGATIVE_INFINITY);
  let total = 0;
  let outside = 0;
  let targets = true;
  let chosen: KeptRow | undefined;
  let largest: KeptRow | undefined;
  let greatestSize = 0;
  // an outcome of 0 or 1 puts no row above the others
  const outcome = model.toJSON().link.name === "logistic";

  return {
    add(values, actual, weights) {
      const predicted = model.predictMany(values);
      predictions.add(predicted);
      if (actual) actuals.add(actual);
      else targets = false;
      if (weights) weighted.add(weights);
      for (let r = 0; r < predicted.length; r++) {
        const row = values.subarray(r * width, (r + 1) * width);
        const kept = (): KeptRow => ({
          number: total + 1,
          values: row.slice(),
          prediction: predicted[r],
          ...(actual && { actual: actual[r] }),
        });
        let beyond = false;
        for (let f = 0; f < width; f++) {
          const { range, kind } = features[f];
          const v = row[f];
          if (kind !== "number" || v !== v) continue;
          if (v < least[f]) least[f] = v;
          if (v > greatest[f]) greatest[f] = v;
          if (range && (v < Math.fround(range[0]) || v > Math.fround(range[1]))) beyond = true;
        }
        if (beyond) outside++;
        const size = actual && !outcome ? actual[r] : predicted[r];
        if (largest === undefined || size > greatestSize) {
          largest = kept();
          greatestSize = size;
        }
        if (total + 1 === options.explain) chosen = kept();
        const place = total < most ? total : Math.floor(random() * (total + 1));
        if (place < most) {
          sample.set(row, place * width);
          numbers[place] = total;
        }
        total++;
      }
    },
    done() {
      if (largest === undefined) throw new RangeError("a report needs at least one row");
      const n = Math.min(total, most);
      // in the order of the file, so that nothing depends on where the reservoir put a row
      const order = Array.from({ length: n }, (_, k) => k).sort((a, b) => numbers[a] - numbers[b]);
      const sorted = new Float32Array(n * width);
      order.forEach((k, at) => {
        sorted.set(sample.subarray(k * width, (k + 1) * width), at * width);
      });
      const sampledRows = Int32Array.from(order, (k) => numbers[k]);
      const all = predictions.all();
      const actual = targets ? actuals.all() : undefined;
      const by = outcome ? all : (actual ?? all);
      const middle = Float64Array.from(by).sort()[Math.floor((total - 1) / 2)];
      let nearest = 0;
      for (let k = 1; k < n; k++) {
        if (Math.abs(by[sampledRows[k]] - middle) < Math.abs(by[sampledRows[nearest]] - middle)) nearest = k;
      }
      const at = sampledRows[nearest];
      const same =
        total === training.rows &&
        features.every(
          ({ kind, range }, f) =>
            kind !== "number" ||
            range === undefined ||
            (least[f] === Math.fround(range[0]) && greatest[f] === Math.fround(range[1])),
        );
      return {
        total,
        predictions: all,
        ...(actual && { actual }),
        ...(weighted.length > 0 && { weights: weighted.all() }),
        sample: sorted,
        sampledRows,
        outside,
        origin: options.heldOut ? "heldOut" : same ? "training" : "maybe",
        largest,
        median: {
          number: at + 1,
          values: sorted.slice(nearest * width, (nearest + 1) * width),
          prediction: all[at],
          ...(actual && { actual: actual[at] }),
        },
        ...(chosen && { chosen }),
      };
    },
  };
}
