// The declarations of a module that toModule writes. In: model data; out: the text of its .d.ts.

import { type Exportable, literal, modelData, residualsOf } from "./data.js";

/**
 * The types of the module that `toModule` writes, as the text of its `.d.ts`: a row's columns by name, the categories it knows.
 *
 * @param model a model, its data, or the text of a model file
 * @throws ModelFormatError when it is none of these
 * @example
 * ```ts
 * await writeFile("model.d.mts", toModuleTypes(model));
 * ```
 */
export function toModuleTypes(model: Exportable): string {
  const data = modelData(model);
  const columns = data.features.map((feature) => {
    const missing = feature.missing === "error" ? "" : " | null | undefined";
    const type =
      feature.kind === "number"
        ? "number"
        : `${(feature.categories as string[]).map(literal).join(" | ")}${feature.unknown === undefined ? "" : " | (string & {})"}`;
    return `  ${literal(feature.name)}${missing && "?"}: ${type}${missing};`;
  });
  const level = data.inputs.some((input) => input.transform === "level");
  const more = [
    level &&
      "/** The prediction at level p in (0, 1). */\nexport declare function quantile(row: AnyRow, p: number): number;\n",
    residualsOf(data).length > 0 &&
      "/** [low, high] around the prediction that covers a share of rows like the training rows. */\nexport declare function interval(row: AnyRow, coverage: number): [number, number];\n",
  ];
  return `/** One row by column name. */
export interface Row {
${columns.join("\n")}
}
/** A row, or its values in the order of \`features\` (a category by name or index). */
export type AnyRow = Row | ArrayLike<number | string | null | undefined>;
export declare const features: readonly string[];
/** The prediction${level ? " at the median" : ""}, in target units. */
export declare function predict(row: AnyRow): number;
/** Predictions for an array of rows, or for a row-major typed array. */
export declare function predictMany(rows: readonly AnyRow[] | Float32Array | Float64Array): Float32Array;
/** Partial derivative of the prediction by each feature; 0 for categories. */
export declare function sensitivity(row: AnyRow): { [feature: string]: number };
${more.filter(Boolean).join("")}`;
}
