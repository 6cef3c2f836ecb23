// A model as one JavaScript module without imports, and its types. In: model data; out: text.
// The module gives the library's float32 bits. How it is fast without SIMD: planes are computed in float64, where V8 needs no rounding
// instructions, and only the one that decides each network again, float32 step by step; where others come within the rounding error, all are.
// The group that won the last row goes first; another is left out as soon as its plane that was highest lies above. Maxima are taken of integers,
// by shifts, because every branch on a row's values is mispredicted half the time (measured: 2.3 times as fast as all planes with Math.max).

import { shortest } from "../format.js";
import type { ModelData } from "../types.js";
import { type Exportable, type ExportOptions, harmless, literal, modelData } from "./data.js";
import { pruneModel, rounding } from "./prune.js";

const KINDS = ["linear", "log1p", "equals", "missing", "level"];

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
  const whole = modelData(model);
  const data = options.prune ? pruneModel(whole) : whole;
  const { features, inputs, networks, link } = data;
  const N = features.length;
  const D = inputs.length;
  const uses = (kind: string) => inputs.some((input) => input.transform === kind);
  const level = uses("level");
  const categories = features.some((feature) => feature.kind === "category");
  const optional = features.some((feature) => feature.missing !== "error");
  const fills = features.some((feature) => feature.fill !== undefined);
  // fit gives residuals to neither quantile models nor models of probabilities
  const residuals = !level && link.name !== "logistic" && data.residuals?.length ? data.residuals : undefined;
  // what the residuals were thinned from: docs/model-format.md, Intervals
  const held = data.training.heldOut?.model.rows ?? residuals?.length ?? 0;
  const log = uses("log1p") || level || (residuals && link.name === "exp");
  const exp = link.name !== "identity";
  const inherited = features.some((feature) => feature.name in Object.prototype);
  const identity = link.name === "identity";
  const linked = (e: string) => (identity ? e : `link(${e})`);
  const list = (values: unknown[]) => `[${values.join(",")}]`;
  const number = (x: number) => String(shortest(x)).replace(/^(-?)0\./, "$1.");

  const table = inputs.map((input) =>
    [
      input.feature < 0 ? N : input.feature,
      KINDS.indexOf(input.transform),
      input.transform === "log1p" ? number(input.divisor as number) : (input.category ?? 0),
      number(input.center),
      number(input.scale),
    ].join(),
  );
  const median = level ? ", middle" : "";
  const scale = `F(${number(data.scale)})`;
  const offset = `F(${number(data.offset)})`;
  const { stride, unrolled } = product(D);
  const { unit, margin } = integers(networks, D);
  // in the order of the tests below, which stops at the last kind in use
  const transforms: string[] = [];
  if (uses("log1p")) transforms.push("I[k + 1] == 1 ? ((q = F(v / I[k + 2])) < 0 ? q : log(F(1 + q)))");
  if (uses("equals")) transforms.push("I[k + 1] == 2 ? x == I[k + 2]");
  if (uses("missing")) transforms.push("I[k + 1] == 3 ? x != x");
  if (level) transforms.push("I[k + 1] == 4 ? F(log(x) - log(F(1 - x)))");

  const lines = [
    `// Predicts ${harmless(data.target.name) || "the target"}. Made by isotone: the model's own bits.`,
    options.prune && "// Pruned: planes that never decide inside the training ranges are left out.",
    `export const features = ${list(features.map((feature) => literal(feature.name)))};`,
    categories &&
      `const C = ${list(
        features.map((feature) =>
          feature.categories
            ? `new Map(${list(feature.categories.map(literal))}.flatMap((c, i) => [[c, i], [i, i]]))`
            : 0,
        ),
      )};`,
    categories &&
      `const other = ${list(features.map((feature) => (feature.unknown === undefined ? "" : feature.categories?.indexOf(feature.unknown))))};`,
    optional && `const optional = ${list(features.map((feature) => (feature.missing === "error" ? 0 : 1)))};`,
    fills &&
      `const fill = new Float32Array(${list(features.map((feature) => (feature.fill === undefined ? 0 : number(feature.fill))))});`,
    link.name === "exp" && `const M = Math.fround(${number(link.maximum)});`,
    residuals && `const $ = ${JSON.stringify(residuals)};`,
    data.calibration && `const K = ${JSON.stringify([...data.calibration, [1, 1]])};`,
    // inputs: feature, transform, argument, center, scale; planes of every group; weights
    `const I = new Float32Array(${list(table)});`,
    `const G = ${shape(networks, stride)};`,
    `const B = atob("${base64(networks, D, stride)}");`,
    `const { fround: F, max, min } = Math, N = ${N}, D = ${D}, E = ${margin}, X = new Float32Array(N + 1), Z = new Float64Array(${stride}), at = [];`,
    // T: weights; A: the same times a power of two, so that planes are integers; Q: by network, a high plane of each group, and the group that won
    `const T = new Float64Array(new Float32Array(Uint8Array.from(B, (c) => c.charCodeAt()).buffer)), A = T.map((c) => c * ${unit}), Q = G.map((g) => [...g.slice(0, -1), 0]);
const dot = (p) => ${unrolled};
function exact(p) {
  let a = T[p];
  for (let i = 0; i < D;) a = F(a + F(T[++p] * Z[i++]));
  return a;
}`,
    log &&
      `function log(x) {
  let e = 0, p = 1 / 17, k = 15;
  for (; x / 2 >= Math.SQRT1_2; e++) x /= 2;
  for (; x < Math.SQRT1_2; e--) x *= 2;
  const s = (x - 1) / (x + 1), q = s * s;
  for (; k > 0; k -= 2) p = p * q + 1 / k;
  return F(e * Math.LN2 + 2 * s * p);
}`,
    exp &&
      `function exp(x) {
  x = max(-87.3, min(88.7, x));
  let e = x * Math.LOG2E + 6755399441055744 - 6755399441055744, c = 6227020800, p = 1 / c, k = 13;
  for (x -= e * Math.LN2; k > 0; c /= k--) p = p * x + k / c;
  for (; e > 0; e--) p *= 2;
  for (; e < 0; e++) p /= 2;
  return F(p);
}`,
    link.name === "exp" && "const link = (e) => exp(e < M ? e : M);",
    link.name === "logistic" && "const link = (e) => F(1 / F(1 + exp(-e)));",
    // o: where the row starts in a row-major array, -1 for a row on its own; r: its number in messages
    `function eta(row, r, o${level ? ", level" : ""}) {
  const list = Array.isArray(row) || ArrayBuffer.isView(row);
  if (list ? o < 0 && row.length !== N : Object(row) !== row) throw TypeError("row: expected " + N + " values");
  for (let f = 0; f < N; f++) {
    const y = list ? row[o < 0 ? f : o + f] : ${inherited ? "features[f] in Object.prototype && !Object.hasOwn(row, features[f]) ? void 0 : " : ""}row[features[f]];
    const v = y == null || y != y ? ${optional ? "optional[f] ? NaN : null" : "null"} : ${
      categories
        ? 'C[f] ? (Object(y) === y ? null : C[f].get(list ? y : y + "") ?? (list && y === +y ? null : other[f])) : '
        : ""
    }typeof y == "number" && F(y) - F(y) === 0 ? y : null;
    if (v == null) throw TypeError((r < 0 ? "" : "row " + r + ": ") + features[f] + " is " + y);
    X[f] = v;
  }${level ? "\n  X[N] = level;" : ""}
  for (let i = 0, k = 0${uses("log1p") ? ", q" : ""}; i < D; i++, k += 5) {
    const x = X[I[k]]${fills ? ", v = x != x ? fill[I[k]] : x" : ", v = x"};
    Z[i] = max(-50, min(50, F(F((${[...transforms, "v"].join(" : ")}) - I[k + 3]) * I[k + 4])));
  }
  let s = 0, m = 0;
  for (const g of G) {
    const H = Q[m], c = H.length - 1, first = H[c];
    let w = first, low = 1e9, tie = 0, b;
    for (let i = -1; i < c; i++) {
      let k = i;
      if (i < 0) k = first;
      else if (i == first || dot(H[i]) > low + E) continue;
      let h = -1e9, l = h, q = 0;
      for (let p = g[k]; p < g[k + 1]; p += ${stride}) {
        const x = dot(p), t = h - x >> 31, y = x - (x - h & t) | 0;
        q = q + (p - q & t) | 0;
        l = l - (l - y & l - y >> 31) | 0;
        h = h - (h - x & t) | 0;
      }
      H[k] = q;
      if (h < low - E) low = h, b = q, w = k, tie = h - l <= E;
      else if (h <= low + E) tie = 1;
    }
    if (tie) {
      let least = Infinity;
      for (let k = 0; k < c; k++) {
        let most = -Infinity, q;
        for (let p = g[k]; p < g[k + 1]; p += ${stride}) if (exact(p) > most) most = exact(q = p);
        if (most < least) least = most, b = q, w = k;
      }
    }
    H[c] = w;
    at[m++] = b;
  }
  for (const p of at) s = F(s + exact(p));
  return F(F(s * ${scale}) + ${offset});
}`,
    level &&
      `const level = (p) => {${
        data.calibration
          ? `
  let a = 0, b = 0, q = p;
  for (const [x, y] of K) {
    if (p > a && p <= x) q = min(y, b + (p - a) / (x - a) * (y - b));
    a = x, b = y;
  }`
          : ""
      }
  return max(2 ** -24, min(1 - 2 ** -24, F(${data.calibration ? "q" : "p"})));
}, middle = level(.5);
export function quantile(row, p) {
  if (!(p > 0 && p < 1)) throw RangeError("p is " + p);
  return ${linked("eta(row, -1, -1, level(p))")};
}`,
    `export const predict = (row) => ${linked(`eta(row, -1, -1${median})`)};`,
    residuals &&
      `export function interval(row, c) {
  const k = ${held + 1} * (1 - c) / 2 | 0, i = ${held > 1 ? `(k - 1) / ${held - 1} * ${residuals.length - 1} | 0` : 0}, y = ${link.name === "exp" ? "log(predict(row))" : "predict(row)"};
  if (!(k > 0 && c > 0)) throw RangeError("share is " + c);
  return [i, ${residuals.length - 1} - i].map((i) => ${link.name === "exp" ? "exp(F(y + $[i]))" : "F(y + $[i])"});
}`,
    `export function predictMany(rows) {
  const flat = ArrayBuffer.isView(rows), n = flat ? rows.length / N : rows.length;
  if (n % 1 !== 0) throw TypeError("rows: expected " + N + " values");
  const out = new Float32Array(n);
  for (let r = 0; r < n; r++) out[r] = ${linked(`eta(flat ? rows : rows[r], r, flat ? r * N : -1${median})`)};
  return out;
}`,
    `export function sensitivity(row) {
  const e = eta(row, -1, -1${median}), ${
    link.name === "exp"
      ? `f = e < M ? F(link(e) * ${scale}) : 0`
      : link.name === "logistic"
        ? `y = link(e), f = F(F(y * F(1 - y)) * ${scale})`
        : `f = ${scale}`
  }, out = new Float32Array(N + 1);
  for (let i = 0, k = 0; i < D; i++, k += 5) if (I[k + 1] < ${uses("log1p") ? 2 : 1} && Z[i] > -50 && Z[i] < 50) {
    const c = I[k]${uses("log1p") ? `, x = ${fills ? "X[c] != X[c] ? fill[c] : X[c]" : "X[c]"}` : ""};
    let g = 0;
    for (const p of at) g = F(g + T[p + i + 1]);
    out[c] = F(out[c] + F(F(g * f) * ${uses("log1p") ? "(I[k + 1] ? F(I[k + 4] / F(I[k + 2] + max(x, 0))) : I[k + 4])" : "I[k + 4]"}));
  }
  return Object.fromEntries(features.map((c, i) => [c, out[i]]));
}
`,
  ];
  return lines
    .filter((line) => typeof line === "string")
    .map(tight)
    .join("\n");
}

/** Long local names of the template below, and what the module calls them. */
const SHORT: Record<string, string> = {
  row: "_",
  rows: "h",
  out: "o",
  exp: "v",
  list: "L",
  low: "U",
  first: "r",
  end: "e",
  tie: "J",
  most: "O",
  least: "R",
  dot: "d",
  exact: "n",
  level: "z",
  middle: "q",
  flat: "Y",
  link: "j",
  eta: "V",
  log: "l",
  Infinity: "1 / 0",
};
const WORDS = new RegExp(`\\b(${Object.keys(SHORT).join("|")})\\b`, "g");

/** Source text without the spaces and long names that only people need; strings and comments keep theirs. */
function tight(code: string): string {
  if (code.startsWith("//")) return code;
  return code
    .split(/("(?:[^"\\]|\\.)*")/)
    .map((part, i) =>
      i % 2
        ? part
        : part
            .replace(WORDS, (word) => SHORT[word])
            .replace(/\n\s*/g, "\n")
            .replace(/ ?([-+*/%=<>?:;,{}()[\]&|!]+) ?/g, "$1")
            .replace(/\((\w+)\)=>/g, "$1=>")
            .replace(/;?\n(?=})/g, "")
            .replace(/([{,;])\n/g, "$1"),
    )
    .join("");
}

/** Inputs up to which a plane is one expression; beyond, a loop of four at a time. */
const UNROLLED = 16;

/** How far planes lie apart in A, and the value of the plane at p as an integer. */
function product(d: number): { stride: number; unrolled: string } {
  const terms = (count: number, z: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => ` + A[p + ${i + 1} | 0] * Z[${z(i)}]`).join("");
  if (d <= UNROLLED) return { stride: d + 1, unrolled: `A[p]${terms(d, String)} | 0` };
  const some = terms(4, (i) => (i === 0 ? "i" : `i + ${i}`)).slice(3);
  return {
    stride: 4 * Math.ceil(d / 4) + 1,
    unrolled: `{
  let a = A[p];
  for (let i = 0; i < D; i += 4, p += 4) a += ${some};
  return a | 0;
}`,
  };
}

/**
 * Planes as integers: times `unit`, a power of two, they stay within 2^29; two that differ by more than `margin` are in the same order in
 * float32, both sides' rounding and the truncation included.
 */
function integers(networks: ModelData["networks"], d: number): { unit: number; margin: number } {
  const error = rounding(networks.flat(2), d);
  // rounding() is (d + 3) half units of the greatest |value|
  const most = error / (d + 3) / 2 ** -24;
  let unit = 1;
  while (most * unit < 2 ** 28) unit *= 2;
  while (most * unit >= 2 ** 29) unit /= 2;
  return { unit, margin: Math.ceil(2 * error * unit) + 2 };
}

/** Where the planes of every group begin, by network, and where the last group's end, as source text. */
function shape(networks: ModelData["networks"], stride: number): string {
  let at = 0;
  const starts = networks.map((groups) => {
    const own = [at];
    for (const planes of groups) own.push((at += planes.length * stride));
    return own;
  });
  return JSON.stringify(starts);
}

/** Planes as base64, float32, little-endian: the bias, then the weights, zeros up to the stride. */
function base64(networks: ModelData["networks"], d: number, stride: number): string {
  const planes = networks.flat(2);
  const bytes = new DataView(new ArrayBuffer(planes.length * stride * 4));
  planes.forEach((plane, p) => {
    for (let i = -1; i < d; i++) bytes.setFloat32((p * stride + i + 1) * 4, plane[i < 0 ? d : i], true);
  });
  let text = "";
  for (let i = 0; i < bytes.byteLength; i++) text += String.fromCharCode(bytes.getUint8(i));
  return btoa(text);
}

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
    data.residuals?.length &&
      !level &&
      data.link.name !== "logistic" &&
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
