// Where a prediction comes from. In: a model and a row; out: what each feature adds, the largest first.

import type { Constraint, Feature, ModelData } from "../../types.js";
import type { Gathered, KeptRow, ReportModel } from "../gather.js";
import { short } from "../text.js";

/** Bars in one explanation, without the sum of the others. */
const PARTS = 9;

/** A row and where its prediction comes from. */
export interface Explained {
  title: string;
  number: number;
  baseline: number;
  prediction: number;
  actual?: number;
  /** Largest first; what did not fit is summed up in `others`. */
  parts: { name: string; value: string; constraint: Constraint; contribution: number }[];
  others?: { features: number; contribution: number };
}

/** The rows that are explained, with their titles. */
export function explainedRows({ actual, largest, median, chosen }: Gathered, { link }: ModelData): [string, KeptRow][] {
  const byTarget = actual && link.name !== "logistic";
  const rows: [string, KeptRow][] = [
    [byTarget ? "The largest" : "The largest prediction", largest],
    [byTarget ? "In the middle" : "A prediction in the middle", median],
  ];
  return chosen ? [...rows, ["The one asked for", chosen]] : rows;
}

/** Value of a feature in an encoded row, for people. */
function shownValue(feature: Feature, code: number): string {
  if (code !== code) return "missing";
  if (feature.kind === "category") return feature.categories?.[code] ?? "?";
  return short(code, 5);
}

/** A row against the median row of training. */
export function explainRow(
  model: Pick<ReportModel, "features" | "explainMany">,
  title: string,
  row: KeptRow,
): Explained {
  const { features } = model;
  const { baseline, contributions, predictions } = model.explainMany(row.values, "median");
  const parts = features
    .map((feature, f) => ({
      name: feature.name,
      value: shownValue(feature, row.values[f]),
      constraint: feature.constraint,
      contribution: contributions[f],
    }))
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const rest = parts.length > PARTS + 1 ? parts.splice(PARTS) : [];
  return {
    title,
    number: row.number,
    baseline,
    prediction: predictions[0],
    ...(row.actual !== undefined && { actual: row.actual }),
    parts,
    ...(rest.length > 0 && {
      others: { features: rest.length, contribution: rest.reduce((sum, part) => sum + part.contribution, 0) },
    }),
  };
}
