// Derivatives beside the values they belong to. In: a driver and sampled rows; out: dots, and bins of rows of similar value.

import type { Constraint } from "../../types.js";
import { quantile } from "../quality.js";
import type { Driver } from "./drivers.js";
import { columnOf, type Sampled } from "./sampled.js";

/** Derivatives beside the values they belong to. */
export interface Slopes {
  name: string;
  constraint: Constraint;
  x: number[];
  y: number[];
  /** Rows of similar value. */
  bins: { from: number; to: number; rows: number; p5: number; median: number; p95: number }[];
  /** Sampled rows without a value. */
  missing: number;
}

/** The derivatives by a driver. */
export function slopesOf({ index: f, name, constraint }: Driver, { model, values, slopes, dots }: Sampled): Slopes {
  const width = model.features.length;
  const column = columnOf(values, f, width);
  const slope = columnOf(slopes, f, width);
  const at = dots.filter((r) => column[r] === column[r]);
  return {
    name,
    constraint,
    x: at.map((r) => column[r]),
    y: at.map((r) => slope[r]),
    bins: binsOf(column, slope),
    missing: column.reduce((sum, v) => sum + (v === v ? 0 : 1), 0),
  };
}

/** Ten bins of about equally many rows by value; equal values stay together. */
function binsOf(column: Float32Array, slope: Float32Array): Slopes["bins"] {
  const order = Array.from(column.keys())
    .filter((r) => column[r] === column[r])
    .sort((a, b) => column[a] - column[b]);
  const out: Slopes["bins"] = [];
  let from = 0;
  for (let b = 1; b <= 10 && from < order.length; b++) {
    let to = Math.round((b * order.length) / 10);
    if (to <= from) continue;
    while (to < order.length && column[order[to]] === column[order[to - 1]]) to++;
    const values = Float64Array.from(order.slice(from, to), (r) => slope[r]).sort();
    out.push({
      from: column[order[from]],
      to: column[order[to - 1]],
      rows: to - from,
      p5: quantile(values, 0.05),
      median: quantile(values, 0.5),
      p95: quantile(values, 0.95),
    });
    from = to;
  }
  return out;
}
