// A saved model, and the columns it needs from a CSV file.

import { list, ModelFormatError } from "../errors.js";
import { load, type Model } from "../model.js";
import { mergeScalings } from "../scan.js";
import type { Feature } from "../types.js";
import type { ColumnKind } from "./cells.js";
import type { CsvFile } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { keep } from "./output.js";
import { openText } from "./text.js";

/** The text of a file ("-": stdin), plain or gzipped. */
export async function readText(path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of openText(path, path === "-" ? "stdin" : path)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** Reads a scaling file, checked, as text. */
export async function readScaling(path: string): Promise<string> {
  const text = await readText(path);
  try {
    mergeScalings([text]);
  } catch (error) {
    throw error instanceof ModelFormatError ? new InputError(`${path}: ${error.message}`) : error;
  }
  return text;
}

/** Reads a model file ("-": stdin, unless the rows come from there), which results must not replace. */
export async function openModel(path: string, rows?: string, output?: string): Promise<Model> {
  if (path === "-" && rows === "-")
    throw new UsageError("the model and the rows cannot both come from stdin: name a file for one of them");
  await keep(path, output, "the model itself");
  const text = await readText(path);
  try {
    return load(text);
  } catch (error) {
    if (error instanceof ModelFormatError) throw new InputError(`${path}: ${error.message}`);
    throw error;
  }
}

/** The features as columns of a file; those that are not there are named all at once. */
export function featureColumns(features: readonly Feature[], file: CsvFile): ColumnKind[] {
  const absent = features.filter((feature) => !file.header.includes(feature.name)).map((feature) => feature.name);
  if (absent.length > 0) {
    throw new InputError(
      `${file.name} lacks ${absent.length === 1 ? "a column" : `${absent.length} columns`} that the model needs: ${list(absent)}; it has: ${list(file.header)}`,
    );
  }
  return features.map((feature) => {
    const { name, kind: words, missing } = feature;
    const kind: ColumnKind = { name, kind: words, missing: missing !== "error", fitted: true };
    if (feature.kind === "category" && feature.unknown === undefined) kind.known = new Set(feature.categories);
    return kind;
  });
}
