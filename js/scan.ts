// One scaling for many shards. In: a shard's rows, in batches or at once; out: a small, mergeable description: a uniform sample of rows, exact ranges
// and categories. `fit` with the same merged scaling gives every shard the same inputs, so that the average of the shards' models is one
// sum of networks over those inputs (merge).

import { rawColumns, roomForColumns } from "./columns.js";
import { ModelFormatError, show, typeError } from "./errors.js";
import { describe, type Scaling } from "./normalise.js";
import type { Rows } from "./rows.js";
import { type Batches, columnsFor, isBatches, sampleRows } from "./sample.js";
import { checkOptions, type FeatureOption, type FitOptions, type Transform } from "./schema.js";
import { entriesOf, readTable } from "./table.js";
import { turn } from "./turn.js";
import type { Feature } from "./types.js";
import type { Trainer } from "./wasm.js";

/** What `scan` gives and `fit({ scaling })` takes; plain JSON. */
export interface ScalingFile {
  format: "isotone-scaling";
  version: 1;
  /** Rows scanned. */
  rows: number;
  columns: ScalingColumn[];
  /** Sampling keys of the sample's rows, the smallest of all rows. */
  keys: number[];
}

export interface ScalingColumn {
  name: string;
  numeric: boolean;
  /** Least and greatest number of all rows; null without any. */
  range: [number, number] | null;
  /** Categories of all rows, in code-unit order; empty for numbers. */
  categories: string[];
  /** The column's part of the sample; null is a missing value. */
  sample: (number | string | boolean | null)[];
}

/** Rows in a sample: enough for a standard deviation to 1 % and a median to 1 % of ranks. */
const SAMPLE = 8192;

/**
 * Describes the rows of a shard for `fit({ scaling })`, in one pass and constant memory.
 *
 * @param rows objects, columns, or batches of them
 * @param options as for `fit`; only target, weight and features are read
 * @throws TypeError, RangeError naming row and column
 * @example
 * const scaling = mergeScalings([await scan(north, options), await scan(south, options)]);
 * const model = merge([await fit(north, { ...options, scaling }), await fit(south, { ...options, scaling })]);
 */
export async function scan(rows: Rows | Batches, options: FitOptions): Promise<ScalingFile> {
  checkOptions(options);
  const { target, weight } = options;
  const sample = await sampleRows(
    isBatches(rows) ? rows : [rows],
    (first) => columnsFor(first, options).filter(({ name }) => name !== target && name !== weight),
    () => SAMPLE,
    1,
    turn,
    options.features === undefined,
  );
  return {
    format: "isotone-scaling",
    version: 1,
    rows: sample.seen,
    columns: sample.names.map((name, c) => {
      const values = sample.columns[name];
      const numeric = values instanceof Float64Array;
      const [low, high] = sample.ranges[c];
      return {
        name,
        numeric,
        range: low <= high ? [low, high] : null,
        categories: numeric ? [] : sample.categories[c],
        sample: Array.from(values as ArrayLike<unknown>, (v) =>
          v === undefined || v !== v ? null : (v as number | string),
        ),
      };
    }),
    keys: Array.from(sample.keys),
  };
}

/** Scalings of shards to one for all: the smallest keys of all samples, so every row of every shard had the same chance. */
export function mergeScalings(scalings: readonly (ScalingFile | string)[]): ScalingFile {
  if (!Array.isArray(scalings)) throw typeError("scalings", "an array of scalings", scalings);
  const files = scalings.map(readScaling);
  if (files.length === 0) throw new RangeError('"scalings" expected at least one, got none');
  const [first] = files;
  const names = first.columns.map(({ name }) => name);
  for (const file of files) {
    if (
      file.columns.length !== names.length ||
      file.columns.some(({ name, numeric }, c) => name !== names[c] || numeric !== first.columns[c].numeric)
    ) {
      throw new ModelFormatError(
        `scalings of different features: ${show(names.join(", "))} and ${show(file.columns.map(({ name }) => name).join(", "))}`,
      );
    }
  }
  const rows = files.flatMap((file, part) => file.keys.map((key, row) => ({ key, part, row })));
  rows.sort((a, b) => a.key - b.key || a.part - b.part || a.row - b.row);
  const kept = rows.slice(0, SAMPLE).sort((a, b) => a.part - b.part || a.row - b.row);
  return {
    format: "isotone-scaling",
    version: 1,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    columns: first.columns.map(({ name, numeric }, c) => {
      const parts = files.map((file) => file.columns[c]);
      const ranges = parts.flatMap(({ range }) => (range ? [range] : []));
      return {
        name,
        numeric,
        range: ranges.length ? [Math.min(...ranges.map((r) => r[0])), Math.max(...ranges.map((r) => r[1]))] : null,
        categories: [...new Set(parts.flatMap(({ categories }) => categories))].sort(),
        sample: kept.map(({ part, row }) => parts[part].sample[row]),
      };
    }),
    keys: kept.map(({ key }) => key),
  };
}

/** A scaling from JSON text or the parsed object, checked. */
export function readScaling(given: unknown): ScalingFile {
  let file = given as ScalingFile;
  if (typeof given === "string") {
    try {
      file = JSON.parse(given);
    } catch {
      throw new ModelFormatError("not a scaling file: not JSON");
    }
  }
  if (typeof file !== "object" || file === null || file.format !== "isotone-scaling" || file.version !== 1) {
    throw new ModelFormatError(
      `not a scaling file: "format" expected "isotone-scaling" of version 1, got ${show(file?.format)}`,
    );
  }
  const { rows, keys, columns } = file;
  const isList = (list: unknown, good: (v: unknown) => boolean) => Array.isArray(list) && list.every(good);
  const good =
    Number.isInteger(rows) &&
    isList(keys, (key) => Number.isInteger(key)) &&
    rows >= keys.length &&
    isList(columns, (column) => {
      const { name, numeric, range, categories, sample } = Object(column) as ScalingColumn;
      return (
        typeof name === "string" &&
        typeof numeric === "boolean" &&
        (range === null || (isList(range, Number.isFinite) && range[0] <= range[1])) &&
        isList(categories, (word) => typeof word === "string") &&
        isList(sample, (v) => v === null || (numeric ? Number.isFinite(v) : typeof v !== "object")) &&
        sample.length === keys.length
      );
    }) &&
    new Set(columns.map(({ name }) => name)).size === columns.length;
  if (!good)
    throw new ModelFormatError(
      'not a scaling file: "columns" expected a name of its own, a range, categories and as many sampled values as "keys" each',
    );
  return file;
}

/** Options whose categories are those of the scaling, so that every shard has the same inputs, or of all rows that went by. */
export function withCategories(
  options: FitOptions,
  columns: readonly Pick<ScalingColumn, "name" | "categories">[],
): FitOptions {
  const { features } = options;
  if (columns.length === 0 || !features) return options;
  const resolved = entriesOf<FeatureOption>(features, "features").map(([name, option]): [string, FeatureOption] => {
    const column = columns.find((c) => c.name === name);
    const auto = typeof option === "object" && option !== null && option.categories === "auto";
    return auto && column ? [name, { ...option, categories: column.categories }] : [name, option];
  });
  return { ...options, features: new Map(resolved) };
}

/**
 * The inputs that a scaling stands for. Skewed counts always get log1p: shards must agree, so none may choose by its own rows.
 *
 * @internal
 */
export async function describeScaling(
  file: ScalingFile,
  features: Feature[],
  transforms: Transform[],
  t: Trainer,
  pause: () => Promise<void>,
): Promise<Scaling> {
  const byName = new Map(file.columns.map((column) => [column.name, column]));
  const columns = features.map(({ name }) => {
    const column = byName.get(name);
    if (!column)
      throw new ModelFormatError(
        `the scaling has no column ${show(name)}; it has ${file.columns.map((c) => show(c.name)).join(", ")}`,
      );
    return column;
  });
  const table = readTable(Object.fromEntries(columns.map(({ name, sample }) => [name, sample])));
  const before = t.wasm.mark();
  const raw = rawColumns(t, table, features, roomForColumns(t, features.length));
  const scaling = await describe(t, raw, table.n, features, transforms, 0, pause);
  t.wasm.reset(before);
  scaling.features.forEach((feature, f) => {
    const range = columns[f].range;
    if (feature.range && range) feature.range = [Math.fround(range[0]), Math.fround(range[1])];
  });
  return scaling;
}
