// A model as one JavaScript module without imports, and its types. In: model data; out: text.
// The module gives the library's float32 bits. It computes in a WebAssembly kernel of 236 bytes (assembly/planes.ts), since scalar JavaScript cannot
// be fast here: with 257 planes of 10 inputs, where the library takes 0.31 us a row, the 17 deciding planes alone take 0.43 us in V8 (two conversions
// for every rounding), products of all in float64 2.0. Where WebAssembly is missing or refused, a loop in JavaScript gives the same bits, slower.

import { type Exportable, type ExportOptions, modelFor } from "./data.js";
import {
  columnsOf,
  etaOf,
  linkOf,
  needsOf,
  numbersOf,
  predictManyOf,
  predictOf,
  quantileOf,
  sensitivityOf,
  sumOf,
  titleOf,
} from "./esm-parts.js";
import { tight } from "./esm-tight.js";

/**
 * A standalone ES module: `predict(row)`, `predictMany(rows)`, `sensitivity(row)`, for quantile models `quantile(row, p)`, for models with
 * out-of-fold residuals `interval(row, coverage)`, and `features`, the column names in order. No imports; runs wherever ES2022 does. Every
 * prediction has the bits of the library.
 *
 * A row is an object by column name or the values in feature order (a category then by name or index). `predictMany` takes an array of rows
 * or a row-major typed array. A value that the model cannot take throws, as the library does.
 *
 * @param model a model, its data, or the text of a model file
 * @throws ModelFormatError when it is none of these
 * @example
 * ```ts
 * import { toModule } from "isotone/export";
 * await writeFile("model.mjs", toModule(model));
 * // elsewhere: import { predict } from "./model.mjs";
 * ```
 */
export function toModule(model: Exportable, options: ExportOptions = {}): string {
  const needs = needsOf(modelFor(model, options, "toModule"));
  return [
    ...titleOf(needs, options.prune),
    ...columnsOf(needs),
    ...numbersOf(needs),
    sumOf(needs),
    ...linkOf(needs),
    etaOf(needs),
    ...quantileOf(needs),
    ...predictOf(needs),
    predictManyOf(needs),
    sensitivityOf(needs),
  ]
    .map(tight)
    .join("\n");
}
