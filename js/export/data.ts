// What every exporter starts from. In: a model, model data or the text of a model file; out: checked data, and names written so that no
// target can mistake them for code.

import { checkByteOrder } from "../byteorder.js";
import { onlyOptions, typeError } from "../errors.js";
import { parseModel } from "../format.js";
import type { ModelData } from "../types.js";
import { pruneModel } from "./prune.js";

/** A model (anything with toJSON), its data, or the text of a model file. */
export type Exportable = ModelData | { toJSON(): unknown } | string;

/** Options of every exporter. */
export interface ExportOptions {
  /**
   * Leave out planes and groups that can never decide while every feature stays inside its declared range. Inside, the prediction keeps
   * its bits; outside, it is still monotone, but may differ from the model's. Default false.
   */
  prune?: boolean;
}

/** Checked model data from whatever holds a model; never the object that was given. */
export function modelData(model: Exportable): ModelData {
  return parseModel(model);
}

/** The same, pruned if the options say so; `names`: the options that there are, `of`: whose they are. */
export function modelFor(model: Exportable, options: ExportOptions, of: string, names = "prune"): ModelData {
  onlyOptions(options, names, of);
  flag(options, "prune");
  checkByteOrder();
  const data = modelData(model);
  return options.prune ? pruneModel(data) : data;
}

/** Refuses an option that is not true or false: "no" and 0 would be taken for one of them. */
export function flag<T extends object>(options: T, name: keyof T & string): void {
  const value = options[name];
  if (value !== undefined && typeof value !== "boolean") throw typeError(name, "true or false", value);
}

/** Residuals for intervals; none of quantile models and models of probabilities, to which fit gives none. */
export function residualsOf({ loss, link, residuals = [] }: ModelData): number[] {
  return loss.name === "quantiles" || link.name === "logistic" ? [] : residuals;
}

/** A string as a JavaScript, TypeScript or JSON literal, in ASCII, that also cannot end a script element, a comment or a template. */
export function literal(value: string): string {
  return JSON.stringify(value).replace(
    /[<>*/`$\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What a name may show in a comment of any language: letters, digits and a few marks; others become a dot. */
export function harmless(name: string): string {
  const shown = name.replace(/[^A-Za-z0-9 _.-]/g, ".").replace(/--+/g, "-");
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
