// Rows and options as fit is given them, read and checked. In: rows, or batches of them, and the user's options; out: a table, the completed options,
// targets and case weights. Of batches the first reading keeps a sample, and asks whether the source gives its rows again.

import { comesAgain } from "./readings.js";
import type { Rows } from "./rows.js";
import { type Batches, isBatches, type Sample, sampleFor } from "./sample.js";
import { readScaling, type ScalingFile, withCategories } from "./scan.js";
import {
  checkOptions,
  checkWeighted,
  type FitOptions,
  readOptions,
  readTarget,
  readWeights,
  type Schema,
} from "./schema.js";
import { type Floats, readTable, type Table } from "./table.js";
import { meanOne, toFloat32 } from "./target.js";

/** What is learned from. */
export interface Source {
  /** The n rows at hand: all of them, or the sample. */
  table: Table;
  schema: Schema;
  /** The scaling that shards share. */
  shared: ScalingFile | undefined;
  /** What the first reading of batches kept, and counted. */
  sample: Sample | undefined;
  /** The batches, where they are more rows than the sample and come again: then all of them train. */
  again: Batches | undefined;
  /** Rows that train: of all batches that come again, else those at hand. */
  rows: number;
  /** [n] targets as given. */
  actual: Floats;
  /** [n] case weights of mean one. */
  weight: Float32Array | undefined;
  /** What made them so. */
  toMeanOne: ((weight: number) => number) | undefined;
}

/**
 * Reads and checks rows and options; changes neither. `most`: numbers in a sample of batches, at most. `pause` lets the event loop run, and rejects
 * when the caller aborts.
 */
export async function readSource(
  rows: Rows | Batches,
  options: FitOptions,
  most: number,
  pause: () => Promise<void>,
): Promise<Source> {
  checkOptions(options);
  const sample = isBatches(rows) ? await sampleFor(rows, options, most, pause) : undefined;
  const longer = sample !== undefined && sample.seen > sample.kept;
  const again = longer && (await comesAgain(rows as Batches)) ? (rows as Batches) : undefined;
  const table = readTable(sample ? sample.columns : (rows as Rows));
  const shared = options.scaling === undefined ? undefined : readScaling(options.scaling);
  const known =
    shared?.columns ?? (longer ? sample.names.map((name, c) => ({ name, categories: sample.categories[c] })) : []);
  const schema = readOptions(table, withCategories(options, known));
  await pause();
  const actual = readTarget(table, schema, sample?.rows);
  const weights = readWeights(table, schema, sample?.rows);
  if (weights) checkWeighted(schema.target, actual, weights);
  const toMeanOne = weights && meanOne(weights);
  const weight = toMeanOne && toFloat32(weights, toMeanOne);
  return {
    table,
    schema,
    shared,
    sample,
    again,
    rows: again ? (sample as Sample).seen : table.n,
    actual,
    weight,
    toMeanOne,
  };
}
