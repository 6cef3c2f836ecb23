// A model as SQL: one expression, or with a table one SELECT. In: model data; out: text in the dialect of an engine.
// Double precision throughout, so predictions differ from the library's float32 by about 1e-6 relative; every step is monotone there too.
// What the library would throw on (a value missing where none may be, an unknown category, infinity) becomes NULL.

import { isPlain, list, quote, rangeError, typeError, wordError } from "../errors.js";
import type { Feature, Input, ModelData } from "../types.js";
import { type Exportable, type ExportOptions, modelFor } from "./data.js";

/** The engines that `toSQL` writes for. MariaDB takes "mysql". */
export type Dialect = "postgresql" | "mysql" | "sqlite" | "duckdb" | "clickhouse" | "spark" | "bigquery";

const ALIASES: Record<string, Dialect> = {
  postgresql: "postgresql",
  postgres: "postgresql",
  mysql: "mysql",
  mariadb: "mysql",
  sqlite: "sqlite",
  duckdb: "duckdb",
  clickhouse: "clickhouse",
  spark: "spark",
  bigquery: "bigquery",
};

export interface SQLOptions extends ExportOptions {
  dialect: Dialect | "postgres" | "mariadb";
  /** The table or view to read; parts of a qualified name as a list. Without it the result is an expression. */
  table?: string | readonly string[];
  /** Columns of the table to hand through, before the prediction. With them the engine may scan in parallel, in any order. */
  keep?: readonly string[];
  /** The column that holds a feature, where its name is not the feature's. */
  columns?: Readonly<Record<string, string>>;
  /** Quantile models: the level to predict, 0.5 by default. */
  level?: number;
  /** Name of the prediction's column; "prediction" by default. */
  as?: string;
}

interface Words {
  /** A double from any number. */
  double(x: string): string;
  /** Text from any value, compared byte by byte. */
  text(x: string): string;
  name(name: string): string;
  string(text: string): string;
  greatest: string;
  least: string;
  ln: string;
  /** True for NaN; null where columns hold none. */
  isNaN: ((x: string) => string) | null;
  /** Whether names that differ only in case are one column. */
  folds: boolean;
  /** Longest name, in UTF-8 bytes or characters. */
  longest: number;
  /** Where the engine has dot products of arrays: it plans and runs those far faster than sums of products. */
  dot?: {
    /** An array of `n` doubles; none may be NULL. */
    array(values: string[]): string;
    product?(weights: readonly number[], z: string, large: boolean): string;
    /** An expression of `name`, which stands for z and is computed once. */
    bind(z: string, body: string, name: string): string;
    /** The sum of the networks at once. */
    total?(networks: number[][][][], z: string): string;
    /** Only for models of more weights than this. */
    above?: number;
  };
}

const doubled = (mark: string) => (text: string) => mark + text.replaceAll(mark, mark + mark) + mark;
const escapes: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0" };
const escaped = (mark: string) => (text: string) =>
  mark + text.replace(/[\\'"`]/g, "\\$&").replace(/[\n\r\t\0]/g, (c) => escapes[c]) + mark;
const unicode = (text: string) =>
  text.replace(/[^\x20-\x7e]|\$/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
const hex = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, "0")).join("");

const DIALECTS: Record<Dialect, Words> = {
  postgresql: {
    double: (x) => `CAST(${x} AS double precision)`,
    text: (x) => `CAST(${x} AS text) COLLATE "C"`,
    name: doubled('"'),
    // E'...' reads the same whatever standard_conforming_strings says
    string: (text) => (text.includes("\\") ? `E${doubled("'")(text.replaceAll("\\", "\\\\"))}` : doubled("'")(text)),
    greatest: "GREATEST",
    least: "LEAST",
    ln: "LN",
    isNaN: (x) => `${x} = 'NaN'`,
    folds: false,
    longest: 63,
  },
  mysql: {
    double: (x) => `CAST(${x} AS DOUBLE)`,
    // collations of MySQL hold "a", "A", "ä" and "a " for equal
    text: (x) => `CAST(CONVERT(${x} USING utf8mb4) AS BINARY)`,
    name: doubled("`"),
    // hexadecimal: independent of NO_BACKSLASH_ESCAPES and of the connection's character set
    string: (text) => (/^[ -&(-[\]-~]*$/.test(text) ? `'${text}'` : `x'${hex(text)}'`),
    greatest: "GREATEST",
    least: "LEAST",
    ln: "LN",
    isNaN: null,
    folds: true,
    longest: 64,
  },
  sqlite: {
    double: (x) => `CAST(${x} AS REAL)`,
    text: (x) => `CAST(${x} AS TEXT) COLLATE BINARY`,
    // not double quotes: SQLite takes an unknown name in those for a string
    name: doubled("`"),
    string: doubled("'"),
    greatest: "MAX",
    least: "MIN",
    ln: "LN",
    isNaN: null,
    folds: true,
    longest: Number.POSITIVE_INFINITY,
  },
  duckdb: {
    double: (x) => `CAST(${x} AS DOUBLE)`,
    text: (x) => `CAST(${x} AS VARCHAR)`,
    name: doubled('"'),
    string: doubled("'"),
    greatest: "GREATEST",
    least: "LEAST",
    ln: "LN",
    isNaN: (x) => `isnan(${x})`,
    folds: true,
    longest: Number.POSITIVE_INFINITY,
    dot: {
      array: (values) => `CAST([${values.map((x) => `COALESCE(${x}, 0e0)`).join(", ")}] AS DOUBLE[${values.length}])`,
      // with exponents: an array of decimals would be cut to their common type
      product: (weights, z) =>
        `array_inner_product(CAST([${weights.map(number).join(", ")}] AS DOUBLE[${weights.length}]), ${z})`,
      bind: (z, body, name) => `(SELECT ${body} FROM (SELECT ${z} AS ${name}) AS ${name})`,
    },
  },
  clickhouse: {
    double: (x) => `CAST(${x} AS Nullable(Float64))`,
    text: (x) => `CAST(${x} AS Nullable(String))`,
    name: escaped("`"),
    string: escaped("'"),
    greatest: "greatest",
    least: "least",
    ln: "log",
    isNaN: (x) => `isNaN(${x})`,
    folds: false,
    longest: Number.POSITIVE_INFINITY,
    dot: {
      array: (values) => `[${values.map((x) => `ifNull(${x}, 0e0)`).join(", ")}]`,
      product: (weights, z, large) => `dotProduct([${weights.map((w) => literal(w, large ? 8 : 9))}], ${z})`,
      bind: (z, body, name) => `arrayMap(${name} -> ${body}, [${z}])[1]`,
    },
  },
  spark: {
    double: (x) => `CAST(${x} AS DOUBLE)`,
    text: (x) => `CAST(${x} AS STRING)`,
    name: doubled("`"),
    string: (text) => `'${unicode(text.replace(/[\\']/g, "\\$&"))}'`,
    greatest: "GREATEST",
    least: "LEAST",
    ln: "LN",
    isNaN: (x) => `isnan(${x})`,
    folds: true,
    longest: Number.POSITIVE_INFINITY,
    // Spark compiles sums to Java: fast, but beyond some thousand terms it takes minutes and gigabytes. Arrays are interpreted, and planned at once
    dot: {
      above: 5000,
      array: (values) => `array(${values.join(", ")})`,
      bind: (z, body, name) => `element_at(transform(array(${z}), ${name} -> ${body}), 1)`,
      total: (networks, z) =>
        `aggregate(from_json('${JSON.stringify(networks, (_, v) => (typeof v === "number" ? Number(v.toPrecision(9)) : v))}', 'array<array<array<array<double>>>>'), 0e0, ` +
        `(s, n) -> s + array_min(transform(n, g -> array_max(transform(g, w -> aggregate(zip_with(w, ${z}, (a, b) -> a * b), 0e0, (t, x) -> t + x))))))`,
    },
  },
  bigquery: {
    double: (x) => `CAST(${x} AS FLOAT64)`,
    text: (x) => `CAST(${x} AS STRING)`,
    name: escaped("`"),
    string: (text) => `'${unicode(text.replace(/[\\']/g, "\\$&"))}'`,
    greatest: "GREATEST",
    least: "LEAST",
    ln: "LN",
    isNaN: (x) => `IS_NAN(${x})`,
    folds: true,
    longest: 300,
  },
};

/** A double literal in every dialect: nine digits (a float32 has no more), always with an exponent, since 0.5 is a decimal in most. */
function number(x: number): string {
  const text = String(Number(x.toPrecision(9)));
  return text.includes("e") ? text : `${text}e0`;
}

/**
 * A double in an array for ClickHouse, which takes anything with a point for one: nothing to spare, since its queries may have 262,144 bytes
 * unless max_query_size says otherwise.
 */
function literal(x: number, digits: number): string {
  const text = String(Number(x.toPrecision(digits))).replace(/^(-?)0\./, "$1.");
  return /[.e]/.test(text) ? text : `${text}.`;
}

/** `a + w * z`, the sign of w drawn out. */
const term = (w: number, z: string) => `${w < 0 ? " - " : " + "}${number(Math.abs(w))}*${z}`;

/** Terms joined by plus; long sums in parts, since an engine's parser may descend one level a term. */
function sum(terms: string[]): string {
  if (terms.length <= 32) return terms.join(" + ");
  const parts: string[] = [];
  for (let i = 0; i < terms.length; i += 32) parts.push(`(${terms.slice(i, i + 32).join(" + ")})`);
  return sum(parts);
}

/** `GREATEST(a, b, ...)`; a single value as it is (SQLite's MAX of one is an aggregate), many in parts of at most 100 (SQLite takes 127). */
function extreme(word: string, values: string[]): string {
  if (values.length === 1) return values[0];
  if (values.length <= 100) return `${word}(${values.join(", ")})`;
  const parts: string[] = [];
  for (let i = 0; i < values.length; i += 100) parts.push(extreme(word, values.slice(i, i + 100)));
  return extreme(word, parts);
}

/**
 * SQL that predicts. Without `table` one expression over the columns of the model's features; with it a SELECT that yields one prediction a
 * row, in the table's order (of engines that keep one: DuckDB, SQLite, MySQL and MariaDB by primary key, Spark within its partitions,
 * PostgreSQL and ClickHouse in a single scan). Prefer `table`: inputs are then computed once a row, not once a plane, and the text is a tenth.
 *
 * A value that the library would throw on gives NULL: NULL or NaN in a feature whose missing values are an error, a category that is not
 * known, an infinite number. Missing values that the model allows are NULL or NaN. SQLite needs its math functions (ln, exp) for models with
 * log1p inputs or a link.
 *
 * @param model a model, its data, or the text of a model file
 * @throws RangeError for an unknown dialect, or a feature whose name cannot be a column there (say which column holds it with `columns`)
 * @example
 * ```ts
 * import { toSQL } from "isotone/export";
 * const rows = await connection.query(toSQL(model, { dialect: "postgresql", table: "jobs" }));
 * ```
 */
export function toSQL(model: Exportable, options: SQLOptions): string {
  const dialect = ALIASES[options?.dialect];
  if (!Object.hasOwn(ALIASES, options?.dialect ?? ""))
    throw wordError("dialect", Object.keys(ALIASES).join(", "), options?.dialect);
  const data = modelFor(model, options, "toSQL", "prune dialect table keep columns level as");
  const words = { ...DIALECTS[dialect] };
  const weights = data.networks.flat(2).length * (data.inputs.length + 1);
  if (words.dot && weights <= (words.dot.above ?? 0)) delete words.dot;
  const columns = columnNames(data, options, dialect, words);
  const { as = "prediction", level: p = 0.5 } = options;
  const level = fedLevel(data, p);
  if (options.level !== undefined && data.loss.name !== "quantiles")
    throw rangeError("level", "none for a model without quantiles", options.level);

  const values = data.features.map((feature, f) => value(feature, columns[f], dialect, words));
  const missing = data.features.map((feature, f) => isMissing(feature, columns[f], words));
  const valid = (v: string[]) => v.map((x) => `${x} IS NOT NULL`).join(" AND ");
  const { dot } = words;
  if (options.table === undefined) {
    for (const name of ["keep", "as"] as const)
      if (options[name] !== undefined) throw new RangeError(`"${name}" needs "table" beside it`);
    const z = data.inputs.map((input) => prepared(input, values[input.feature], missing[input.feature], level, words));
    return `CASE WHEN ${valid(values)} THEN ${bound(data, z, dialect, words, tailBeside(columns))} END`;
  }

  const named = (where: string, name: unknown): string => {
    if (typeof name !== "string") throw typeError(where, "a name", name);
    if (impossible(name, dialect, words)) throw rangeError(where, `a name that ${dialect} can have`, name);
    return words.name(name);
  };
  const table = typeof options.table === "string" ? [options.table] : options.table;
  if (!Array.isArray(table) || table.length === 0)
    throw typeError("table", "a name, or the parts of a qualified name", options.table);
  const from = table.map((part) => named("table", part)).join(".");
  if (options.keep !== undefined && !Array.isArray(options.keep))
    throw typeError("keep", "an array of names", options.keep);
  const keep = (options.keep ?? []).map((name) => named("keep", name));
  const result = named("as", as);
  const tail = tailBeside([...columns, from, ...keep, result]);
  const v = data.features.map((_, f) => `v${f}${tail}`);
  const m = data.features.map((_, f) => `m${f}${tail}`);
  const z = data.inputs.map((_, i) => `z${i}${tail}`);
  const [rows, ok] = [`z${tail}`, `ok${tail}`];
  const k = keep.map((_, i) => `k${i}${tail}`);
  const asked = data.inputs.filter((input) => input.transform === "missing").map((input) => input.feature);
  const first = [
    ...keep.map((name, i) => `${name} AS ${k[i]}`),
    ...values.map((x, f) => `${x} AS ${v[f]}`),
    ...[...new Set(asked)].map((f) => `CASE WHEN ${missing[f]} THEN 1e0 ELSE 0e0 END AS ${m[f]}`),
  ];
  const inputs = data.inputs.map((input) =>
    prepared(input, v[input.feature], `${m[input.feature]} = 1e0`, level, words),
  );
  const second = [
    ...k,
    `CASE WHEN ${valid(v)} THEN 1 ELSE 0 END AS ${ok}`,
    ...(dot ? [`${dot.array([...inputs, "1e0"])} AS ${rows}`] : inputs.map((input, i) => `${input} AS ${z[i]}`)),
  ];
  const third = [
    ...keep.map((name, i) => `${k[i]} AS ${name}`),
    `CASE WHEN ${ok} = 1 THEN ${linked(data, dot ? rows : z, words)} END AS ${result}`,
  ];
  const inner = `SELECT ${second.join(",\n    ")}\n  FROM (SELECT ${first.join(",\n      ")}\n    FROM ${from}) AS v${tail}`;
  const outer = `SELECT ${third.join(",\n  ")}\nFROM `;
  // the inputs must not be computed anew for every plane: what keeps each engine from merging the two SELECTs
  switch (dialect) {
    case "sqlite":
      return `WITH ${rows} AS MATERIALIZED (${inner})\n${outer}${rows}`;
    case "postgresql":
      return `${outer}(${inner}\n  OFFSET 0) AS ${rows}`;
    case "mysql":
      return `${outer}(${inner}\n  LIMIT 18446744073709551615) AS ${rows}`;
    case "clickhouse": {
      const elements = (z.length + 20) * data.networks.flat(2).length + 100 * z.length + 50000;
      const settings = [`max_ast_elements = ${elements}`, `max_expanded_ast_elements = ${elements}`];
      // several threads hand rows over in any order
      if (keep.length === 0) settings.unshift("max_threads = 1");
      return `${outer}(${inner}) AS ${rows}\nSETTINGS ${settings.join(", ")}`;
    }
    default:
      return `${outer}(${inner}) AS ${rows}`;
  }
}

/** What the query's own names (v0, k1, ok, z) end with, so that none is a name among those given: ClickHouse would take it for the column. */
function tailBeside(given: string[]): string {
  let tail = "";
  while (new RegExp(`\\b(ok|[kmvz]\\d*)${tail}\\b`, "i").test(String(given))) tail += "_";
  return tail;
}

/** Whether an engine cannot have a name. */
function impossible(name: string, dialect: Dialect, words: Words): boolean {
  const size = dialect === "postgresql" ? new TextEncoder().encode(name).length : name.length;
  return (
    name === "" ||
    size > words.longest ||
    name.includes("\0") ||
    (dialect === "mysql" && (/[\u{10000}-\u{10ffff}]/u.test(name) || name.endsWith(" "))) ||
    // Spark puts the values of its settings in the place of ${...}, in names too
    (dialect === "spark" && /\$\{\S+\}/.test(name))
  );
}

/** The quoted column of every feature, refused where the engine cannot have it. */
function columnNames(data: ModelData, options: SQLOptions, dialect: Dialect, words: Words): string[] {
  const seen = new Map<string, string>();
  const { columns = {} } = options;
  if (!isPlain(columns)) throw typeError("columns", "an object of columns by feature", columns);
  for (const name of Object.keys(columns))
    if (!data.features.some((feature) => feature.name === name))
      throw rangeError("columns", `features of the model (${list(data.features.map((f) => f.name))})`, name);
  return data.features.map(({ name }) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : name;
    if (typeof column !== "string") throw typeError(`columns.${name}`, "the name of a column", column);
    const mend = `; name its column with { columns: { ${quote(name)}: "..." } }`;
    if (impossible(column, dialect, words))
      throw new RangeError(`${dialect} cannot have a column ${quote(column)}${mend}`);
    const key = words.folds ? column.toLowerCase() : column;
    const other = seen.get(key);
    if (other !== undefined) {
      throw new RangeError(`${dialect} takes the columns of ${quote(other)} and ${quote(name)} for one${mend}`);
    }
    seen.set(key, name);
    return words.name(column);
  });
}

/** A finite float32, as both sides of BETWEEN: false for NaN and infinity in every engine, whatever it makes of NaN. */
const FINITE = "BETWEEN -3.4028235e38 AND 3.4028235e38";

function isMissing(feature: Feature, column: string, words: Words): string {
  if (feature.kind === "category" || words.isNaN === null) return `${column} IS NULL`;
  return `(${column} IS NULL OR ${words.isNaN(words.double(column))})`;
}

/** The value of a feature: a number, the code of a category (-1 when missing), or NULL for what the model refuses. */
function value(feature: Feature, column: string, dialect: Dialect, words: Words): string {
  const missing = isMissing(feature, column, words);
  if (feature.kind === "category") {
    const categories = feature.categories as string[];
    const text = words.text(column);
    const cases = categories.map((category, code) => ` WHEN ${text} = ${words.string(category)} THEN ${code}`);
    const unknown = feature.unknown === undefined ? "NULL" : String(categories.indexOf(feature.unknown));
    return `CASE WHEN ${missing} THEN ${feature.missing === "error" ? "NULL" : "-1"}${cases.join("")} ELSE ${unknown} END`;
  }
  // SQLite's CAST reads any text as a number
  const is = dialect === "sqlite" ? `typeof(${column}) IN ('integer', 'real') AND ${column}` : words.double(column);
  const fill = feature.fill === undefined ? "" : ` WHEN ${missing} THEN ${number(feature.fill)}`;
  return `CASE WHEN ${is} ${FINITE} THEN ${words.double(column)}${fill} END`;
}

/** z of an input, from the value of its feature. */
function prepared(input: Input, v: string, missing: string, level: number, words: Words): string {
  const scaled = (t: string) =>
    clamp(
      `(${t} ${input.center < 0 ? "+" : "-"} ${number(Math.abs(input.center))}) * ${number(input.scale)}`,
      -50,
      50,
      words,
    );
  switch (input.transform) {
    case "linear":
      return scaled(v);
    case "log1p": {
      const q = `${v} / ${number(input.divisor as number)}`;
      return scaled(`CASE WHEN ${v} < 0e0 THEN ${q} ELSE ${words.ln}(1e0 + ABS(${q})) END`);
    }
    case "equals":
      return `CASE WHEN ${v} = ${input.category} THEN ${number(at(input, 1))} ELSE ${number(at(input, 0))} END`;
    case "missing":
      return `CASE WHEN ${missing} THEN ${number(at(input, 1))} ELSE ${number(at(input, 0))} END`;
    default:
      return number(at(input, level));
  }
}

const at = (input: Input, t: number) => Math.min(50, Math.max(-50, (t - input.center) * input.scale));

const clamp = (x: string, low: number, high: number, words: Words) =>
  `${words.least}(${words.greatest}(${x}, ${number(low)}), ${number(high)})`;

/** The prediction as one expression, the inputs computed once a row and not once a plane wherever the engine can be told so. */
function bound(data: ModelData, inputs: string[], dialect: Dialect, words: Words, tail: string): string {
  const { dot } = words;
  const row = `z${tail}`;
  if (dot) return dot.bind(dot.array([...inputs, "1e0"]), linked(data, row, words), row);
  const names = inputs.map((_, i) => `z${i}${tail}`);
  const columns = inputs.map((input, i) => `${input} AS ${names[i]}`).join(", ");
  switch (dialect) {
    case "spark": {
      const z = names.map((name) => `${row}.${name}`);
      return `element_at(transform(array(struct(${columns})), ${row} -> ${linked(data, z, words)}), 1)`;
    }
    // a subquery without FROM reads the row around it; OFFSET and LIMIT keep it from being merged
    case "postgresql":
      return `(SELECT ${linked(data, names, words)} FROM (SELECT ${columns} OFFSET 0) AS ${row})`;
    case "sqlite":
      return `(SELECT ${linked(data, names, words)} FROM (SELECT ${columns} LIMIT 1))`;
    default:
      return linked(data, inputs, words);
  }
}

/** The prediction from the inputs: an expression each, or one array of them and 1. */
function linked(data: ModelData, z: string[] | string, words: Words): string {
  const d = data.inputs.length;
  const { dot, least, greatest } = words;
  // from here on nine digits would not fit in ClickHouse's queries, and eight may
  const large = data.networks.flat(2).length * (d + 1) > 15000;
  const plane = (weights: number[]) => {
    if (typeof z === "string") return dot?.product?.(weights, z, large) as string;
    let text = number(weights[d]);
    for (let i = 0; i < d; i++) if (weights[i] !== 0) text += term(weights[i], z[i]);
    return text;
  };
  const network = (groups: number[][][]) => {
    const text = extreme(
      least,
      groups.map((planes) => extreme(greatest, planes.map(plane))),
    );
    return text.includes("(") ? text : `(${text})`;
  };
  const total = typeof z === "string" && dot?.total ? dot.total(data.networks, z) : sum(data.networks.map(network));
  const eta = `(${total}) * ${number(data.scale)} ${data.offset < 0 ? "-" : "+"} ${number(Math.abs(data.offset))}`;
  const { link } = data;
  // engines raise errors where exp overflows or vanishes
  if (link.name === "exp") return `EXP(${clamp(eta, -87.3, Math.min(88.7, link.maximum), words)})`;
  if (link.name === "logistic") return `1e0 / (1e0 + EXP(${clamp(`0e0 - (${eta})`, -87.3, 88.7, words)}))`;
  return eta;
}

/** The log odds of the level fed in for a requested level: docs/model-format.md. */
function fedLevel(data: ModelData, p: number): number {
  if (typeof p !== "number") throw typeError("level", "a number in (0, 1)", p);
  if (!(p > 0 && p < 1)) throw rangeError("level", "a number in (0, 1)", p);
  let level = p;
  let [x0, y0] = [0, 0];
  for (const [x1, y1] of [...(data.calibration ?? []), [1, 1]]) {
    if (p > x0 && p <= x1) level = Math.min(y1, y0 + ((p - x0) / (x1 - x0)) * (y1 - y0));
    [x0, y0] = [x1, y1];
  }
  level = Math.min(1 - 2 ** -24, Math.max(2 ** -24, Math.fround(level)));
  return logarithm(level) - logarithm(1 - level);
}

/** Natural logarithm in double precision, without the host's (which differs between engines). */
function logarithm(x: number): number {
  let e = 0;
  let m = x;
  for (; m >= Math.SQRT2; e++) m /= 2;
  for (; m < Math.SQRT1_2; e--) m *= 2;
  const s = (m - 1) / (m + 1);
  let p = 0;
  for (let k = 25; k > 0; k -= 2) p = p * s * s + 1 / k;
  return e * Math.LN2 + 2 * s * p;
}
