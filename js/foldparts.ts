// One fold of a cross-validation: its rows, the models trained on them, and what each contender predicts for the rows left out.

import { abortError } from "./errors.js";
import { fit } from "./fit.js";
import { quantileOf } from "./foldscores.js";
import { linearFit } from "./linear.js";
import { meanOf } from "./metrics.js";
import type { Model } from "./model.js";
import { type Columns, encodeRows } from "./rows.js";
import type { FeatureOption, FeatureSpec, FitOptions, Schema } from "./schema.js";
import type { Floats, Table } from "./table.js";
import { turn } from "./turn.js";
import type { Trainer } from "./wasm.js";

/** What is compared: the model, the linear fit, the mean, and the model without constraints. */
export type Contender = "model" | "linear" | "mean" | "free";

/** Something of each contender; of `free` only where it takes part. */
export type ByContender<T> = Record<Contender, T>;

/** Predictions of one contender: [levels][rows], one level but for quantile models. */
type Predictions = ArrayLike<number>[];

/** Fits the rows of a fold, as the options say or with every feature free. Progress counts on through all of the `fits`. */
export function trainer(schema: Schema, options: FitOptions, fits: number) {
  let done = 0;
  return async (rows: Columns, free: boolean, lead: string): Promise<Model> => {
    if (schema.signal?.aborted) throw abortError();
    const before = done++;
    const { onProgress } = schema;
    const model = fit(rows, {
      ...options,
      features: featureOptions(schema.features, free),
      ...(onProgress && {
        onProgress: (p) => onProgress({ ...p, epoch: p.epoch + before * p.epochs, epochs: p.epochs * fits }),
      }),
    });
    return model.catch((error) => {
      // rows that are fine together may not do in part: all of one target
      if (error instanceof RangeError) error.message = lead + error.message;
      throw error;
    });
  };
}

/** Features as options again: categories as found in all rows, so that every fold knows them. */
function featureOptions(features: readonly FeatureSpec[], free: boolean): NonNullable<FitOptions["features"]> {
  return new Map(
    features.map((feature): [string, FeatureOption] => {
      const { name, kind, constraint, categories, unknown, missing, transform } = feature;
      if (kind === "category") {
        return [name, { categories: categories ?? [], missing, ...(unknown !== undefined && { unknown }) }];
      }
      return [name, { constraint: free ? "free" : constraint, missing, transform }];
    }),
  );
}

/** Rows of a fold: those that train, or those left out. */
export interface Part {
  /** Their numbers in the table. */
  rows: number[];
  columns: Columns;
  /** [rows], as the weights. */
  y: Float64Array;
  weight: Float64Array | undefined;
}

/** The rows of the table that `takes` part. */
export function partOf(
  table: Table,
  schema: Schema,
  y: Floats,
  weight: Floats | undefined,
  takes: (r: number) => boolean,
): Part {
  const rows: number[] = [];
  for (let r = 0; r < table.n; r++) if (takes(r)) rows.push(r);
  const pick = (values: Floats) => Float64Array.from(rows, (r) => values[r]);
  const names = [...schema.names, schema.target, ...(schema.weight === undefined ? [] : [schema.weight])];
  const columns = names.map((name) => {
    const column = table.column(name);
    const numbers = column instanceof Float64Array || column instanceof Float32Array;
    return [name, numbers ? pick(column) : rows.map((r) => column[r])];
  });
  return { rows, columns: Object.fromEntries(columns), y: pick(y), weight: weight && pick(weight) };
}

/** What every contender predicts for `others`, from the rows `own`: [levels][others]. */
export async function predictPart(
  t: Trainer,
  model: Model,
  free: Model | undefined,
  own: Part,
  others: Part,
  schema: Schema,
): Promise<ByContender<Predictions>> {
  const { levels } = schema.loss;
  const rows = levels && rowsOf(others.columns, schema);
  const ask = (one: Model): Predictions =>
    rows ? levels.map((level) => rows.map((row) => one.quantile(row, level))) : [one.predictMany(others.columns)];
  return { model: ask(model), ...(await predictBaselines(t, model, own, others, schema)), free: free ? ask(free) : [] };
}

/** What a sign-constrained linear fit of the rows `own` predicts for `others`, and what their mean (or quantiles) does. */
async function predictBaselines(
  t: Trainer,
  model: Model,
  own: Part,
  others: Part,
  { features: specs, loss: { levels }, signal }: Schema,
): Promise<{ linear: Predictions; mean: Predictions }> {
  const { inputs, features } = model.toJSON();
  const { y, weight } = own;
  const rows = encodeRows(own.columns, specs);
  const heed = () => {
    if (signal?.aborted) throw abortError();
  };
  const line = await linearFit(t, rows, inputs, features, y, weight, () => turn().then(heed));
  const predicted = await line(encodeRows(others.columns, specs));
  const constant = (value: number) => new Float64Array(predicted.length).fill(value);
  if (!levels) return { linear: [predicted], mean: [constant(meanOf(y, weight))] };
  const fitted = await line(rows);
  const residuals = y.map((value, i) => value - fitted[i]);
  return {
    linear: levels.map((level) => {
      const shift = quantileOf(residuals, weight, level);
      return predicted.map((value) => value + shift);
    }),
    mean: levels.map((level) => constant(quantileOf(y, weight, level))),
  };
}

/** Rows one by one, encoded: of 1,000 columns an object takes ten times the memory. */
export function rowsOf(columns: Columns, { features }: Schema): Float32Array[] {
  const all = encodeRows(columns, features);
  const width = features.length;
  return Array.from({ length: all.length / width }, (_, r) => all.subarray(r * width, (r + 1) * width));
}
