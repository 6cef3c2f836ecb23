// A model as one JavaScript module without imports, and its types. In: model data; out: text.
// The module gives the library's float32 bits. It computes in a WebAssembly kernel of 236 bytes (assembly/planes.ts), since scalar JavaScript cannot
// be fast here: with 257 planes of 10 inputs, where the library takes 0.31 us a row, the 17 deciding planes alone take 0.43 us in V8 (two conversions
// for every rounding), products of all in float64 2.0. Where WebAssembly is missing or refused, a loop in JavaScript gives the same bits, slower.

import { PLANES } from "../../build/planes.text.js";
import { shortest } from "../format.js";
import type { ModelData } from "../types.js";
import { toBytes } from "../wasm.text.js";
import { type Exportable, type ExportOptions, harmless, literal, modelData, modelFor } from "./data.js";

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
  const data = modelFor(model, options, "toModule");
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
  const scale = `F(${number(data.scale)})`;
  const offset = `F(${number(data.offset)})`;
  const image = imageOf(networks, D);
  const pages = Math.ceil(image.bytes.length / 65536);
  // in the order of the tests below, which stops at the last kind in use
  const transforms: string[] = [];
  if (uses("log1p")) transforms.push("I[k + 1] == 1 ? (q = F(v / I[k + 2])) < 0 ? q : log(F(1 + q))");
  if (uses("equals")) transforms.push("I[k + 1] == 2 ? x == I[k + 2]");
  if (uses("missing")) transforms.push("I[k + 1] == 3 ? x != x");
  if (level) transforms.push("I[k + 1] == 4 ? F(log(x) - log(F(1 - x)))");

  const lines = [
    `// Predicts ${harmless(data.target.name) || "the target"}. Made by isotone: the model's own bits.`,
    options.prune && "// Pruned: planes that never decide inside the training ranges are left out.",
    // the columns: names, categories, what stands in for a missing value
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
    // numbers: the bound of the link, residuals, levels of quantiles
    link.name === "exp" && `const M = Math.fround(${number(link.maximum)});`,
    residuals && `const $ = ${JSON.stringify(residuals)};`,
    data.calibration && `const K = ${JSON.stringify([...data.calibration, [1, 1]])};`,
    // inputs: feature, transform, argument, center, scale; the memory of assembly/planes.ts
    `const I = new Float32Array(${list(table)});`,
    `const B = "${base64(image.bytes)}";`,
    // the sum of the networks: in WebAssembly, or by a loop that also finds the deciding planes
    `const { fround: F, max, min } = Math, W = new Float32Array(Uint8Array.from(atob(B), (c) => c.charCodeAt()).buffer), G = new Int32Array(W.buffer), X = new Float32Array(${N + 1}), at = []${uses("log1p") ? ", V = []" : ""};
let T = W, sum = all;
try {
  const e = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from("${hex(toBytes(PLANES))}".match(/../g), (c) => "0x" + c))).exports;${
    pages > 2
      ? `
  e.memory.grow(${pages - 2});`
      : ""
  }
  (T = new Float32Array(e.memory.buffer)).set(W);
  sum = e.sum;
} catch {}
function all() {
  let s = 0, p = ${image.tiles}, least = Infinity, most = -least, m = 0, b, q;
  for (let g = ${image.ends}; g < ${image.tiles}; g++, p += ${4 * D + 4}) {
    for (let l = p; l < p + 4 && most < least; l++) {
      let a = T[l], k = l;
      for (let i = 0; i < ${D};) a = F(a + F(T[k += 4] * T[i++]));
      if (a > most) most = a, q = l;
    }
    if (G[g]) {
      if (most < least) least = most, b = q;
      most = -Infinity;
      if (G[g] > 1) s = F(s + least), least = Infinity, at[m++] = b;
    }
  }
  return s;
}`,
    // logarithm, exponential, link
    log &&
      `function log(x) {
  let e = x < 1 / 0 ? 0 : (x = 1, 1024), p = 1 / 17, k = 15;
  for (; x / 2 >= Math.SQRT1_2; e++) x /= 2;
  for (; x < Math.SQRT1_2; e--) x *= 2;
  const s = (x - 1) / (x + 1), q = s * s;
  for (; k > 0; k -= 2) p = p * q + 1 / k;
  return F(e * Math.LN2 + 2 * s * p);
}`,
    // Math.round takes halves up and the library to even: for no float32 is x * LOG2E halfway between integers (all 260 halves were tried)
    exp &&
      `function exp(x) {
  x = max(-87.3, min(88.7, x));
  let e = Math.round(x * Math.LOG2E), c = 6227020800, p = 1 / c, k = 13;
  for (x -= e * Math.LN2; k > 0; c /= k--) p = p * x + k / c;
  for (; e > 0; e--) p *= 2;
  for (; e < 0; e++) p /= 2;
  return F(p);
}`,
    link.name === "exp" && "const link = (e) => exp(e < M ? e : M);",
    link.name === "logistic" && "const link = (e) => F(1 / F(1 + exp(-e)));",
    // a row to the sum before the link; r: its number in messages
    `function eta(row, r${level ? ", level = middle" : ""}) {
  const list = row?.[Symbol.iterator];
  if (list ? row.length != ${N} : Object(row) !== row) throw TypeError("row: expected ${N} values");
  for (let f = 0; f < ${N}; f++) {
    const y = row[list ? f : features[f]], v = y == null || y != y${inherited ? " || y == {}[features[f]]" : ""} ? ${optional ? "optional[f] ? NaN : null" : "null"} : ${
      categories
        ? 'C[f] ? (Object(y) === y ? null : C[f].get(list ? y : y + "") ?? (list && y === +y ? null : other[f])) : '
        : ""
    }typeof y == "number" && F(y) * 0 == 0 ? y : null;
    if (v == null) throw TypeError((r >= 0 ? "row " + r + ": " : "") + features[f] + " is " + y);
    X[f] = v;
  }${level ? `\n  X[${N}] = level;` : ""}
  for (let i = 0, k = 0${uses("log1p") ? ", q" : ""}; i < ${D}; i++, k += 5) {
    const x = X[I[k]]${fills ? `, v = ${uses("log1p") ? "V[i] = " : ""}x != x ? fill[I[k]] : x` : `, v = ${uses("log1p") ? "V[i] = " : ""}x`};
    T[i] = max(-50, min(50, F(F((${[...transforms, "v"].join(" : ")}) - I[k + 3]) * I[k + 4])));
  }
  return F(F(sum(${4 * D}, ${4 * image.ends}, ${4 * image.tiles}, Infinity) * ${scale}) + ${offset});
}`,
    // quantiles
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
  return ${linked("eta(row, -1, level(p))")};
}`,
    // predictions
    `export const predict = ${identity && !level ? "eta" : `(row, r) => ${linked("eta(row, r)")}`};`,
    residuals &&
      `export function interval(row, c) {
  const k = ${held + 1} * (1 - c) / 2 | 0, i = ${held > 1 ? `(k - 1) / ${held - 1} * ${residuals.length - 1} | 0` : 0}, y = ${link.name === "exp" ? "log(predict(row))" : "predict(row)"};
  if (!(k > 0 && c > 0)) throw RangeError("share is " + c);
  return [i, ${residuals.length - 1} - i].map((i) => ${link.name === "exp" ? "exp(F(y + $[i]))" : "F(y + $[i])"});
}`,
    `export function predictMany(rows) {
  const flat = ArrayBuffer.isView(rows), n = flat ? rows.length / ${N} : rows.length;
  if (n % 1 != 0) eta();
  return Float32Array.from({ length: n }, (_, r) => predict(flat ? rows.subarray(r * ${N}, r * ${N} + ${N}) : rows[r], r));
}`,
    // partial derivatives
    `export function sensitivity(row) {
  const e = eta(row), ${
    link.name === "exp"
      ? `f = e < M ? F(link(e) * ${scale}) : 0`
      : link.name === "logistic"
        ? `y = link(e), f = F(F(y * F(1 - y)) * ${scale})`
        : `f = ${scale}`
  }, out = new Float32Array(${N + 1});
  all();
  for (let i = 0, k = 0; i < ${D}; i++, k += 5) if (I[k + 1] < ${uses("log1p") ? 2 : 1} && T[i] * T[i] < 2500) {
    const c = I[k];
    let g = 0;
    for (const p of at) g = F(g + T[p + 4 * i + 4]);
    out[c] = F(out[c] + F(F(g * f) * ${uses("log1p") ? "(I[k + 1] ? F(I[k + 4] / F(I[k + 2] + max(V[i], 0))) : I[k + 4])" : "I[k + 4]"}));
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

/** Long local names of toModule's text, and what the module calls them. */
const SHORT: Record<string, string> = {
  optional: "P",
  other: "E",
  fill: "Q",
  row: "_",
  rows: "h",
  out: "o",
  exp: "v",
  list: "L",
  all: "w",
  most: "O",
  least: "R",
  level: "z",
  middle: "q",
  flat: "Y",
  link: "j",
  eta: "H",
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
            .replace(/([{},;])\n/g, "$1"),
    )
    .join("");
}

/**
 * The memory of assembly/planes.ts, and where in it, in floats, its parts begin: a row [d]; `ends`, an int32 a tile (1: last of its group, 2: of its
 * network as well); `tiles`, four planes each, [1 + d][4] float32, biases first. Planes that fill up a tile are -Infinity: never the greatest.
 */
function imageOf(networks: ModelData["networks"], d: number): { bytes: Uint8Array; ends: number; tiles: number } {
  const ofGroups = networks.map((groups) => groups.map((planes) => Math.ceil(planes.length / 4)));
  const count = ofGroups.flat().reduce((sum, n) => sum + n, 0);
  // loads of tiles are aligned to 16 bytes
  const tiles = 4 * Math.ceil((d + count) / 4);
  const ends = tiles - count;
  const view = new DataView(new ArrayBuffer((tiles + count * 4 * (d + 1)) * 4));
  let tile = 0;
  networks.forEach((groups) => {
    groups.forEach((planes, g) => {
      for (let j = 0; j < planes.length; j += 4, tile++) {
        if (j + 4 >= planes.length) view.setInt32((ends + tile) * 4, g === groups.length - 1 ? 2 : 1, true);
        for (let i = -1; i < d; i++) {
          for (let k = 0; k < 4; k++) {
            const none = i < 0 ? Number.NEGATIVE_INFINITY : 0;
            const value = planes[j + k]?.[i < 0 ? d : i] ?? none;
            view.setFloat32((tiles + 4 * (tile * (d + 1) + i + 1) + k) * 4, value, true);
          }
        }
      }
    });
  });
  return { bytes: new Uint8Array(view.buffer), ends, tiles };
}

const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
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
