// A model as one JavaScript module without imports, and its types. In: model data; out: text.
// The module gives the library's float32 bits. How it is fast without SIMD: planes are first computed in float64, four at a time, where V8 needs
// no rounding instructions (2.5 times faster); only planes within the rounding error of the decision are computed again, float32 step by step.

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
    // inputs: feature, transform, argument, center, scale; groups: tiles of four planes; weights
    `const I = new Float32Array(${list(table)});`,
    `const G = ${shape(networks)};`,
    `const B = atob("${base64(networks, D)}");`,
    `const { fround: F, max, min } = Math, N = ${N}, D = ${D}, E = ${number(Number((2.01 * rounding(networks.flat(2), D)).toPrecision(3)))}, X = new Float32Array(N + 1), Z = new Float64Array(D), A = [], H = [], at = [];`,
    "const T = new Float64Array(new Float32Array(Uint8Array.from(B, (c) => c.charCodeAt()).buffer));",
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
    `function bad(f, v, r) {
  throw TypeError((r < 0 ? "" : "row " + r + ": ") + features[f] + " is " + v);
}`,
    // o: where the row starts in a row-major array, -1 for a row on its own; r: its number in messages
    `function eta(row, r, o${level ? ", level" : ""}) {
  const list = Array.isArray(row) || ArrayBuffer.isView(row);
  if (list ? o < 0 && row.length !== N : Object(row) !== row) throw TypeError("row: expected " + N + " values");
  for (let f = 0; f < N; f++) {
    let v = list ? row[o < 0 ? f : o + f] : ${inherited ? "features[f] in Object.prototype && !Object.hasOwn(row, features[f]) ? void 0 : " : ""}row[features[f]];
    if (v == null || v != v) ${optional ? "v = optional[f] ? NaN : bad(f, v, r);" : "bad(f, v, r);"}${
      categories
        ? `
    else if (C[f]) v = (Object(v) === v ? null : C[f].get(list ? v : v + "") ?? (list && v === +v ? null : other[f])) ?? bad(f, v, r);`
        : ""
    }
    else if (typeof v != "number" || F(v) - F(v) !== 0) bad(f, v, r);
    X[f] = v;
  }${level ? "\n  X[N] = level;" : ""}
  for (let i = 0, k = 0${uses("log1p") ? ", q" : ""}; i < D; i++, k += 5) {
    const x = X[I[k]]${fills ? ", v = x != x ? fill[I[k]] : x" : ", v = x"};
    Z[i] = max(-50, min(50, F(F((${[...transforms, "v"].join(" : ")}) - I[k + 3]) * I[k + 4])));
  }
  let s = 0, w = 0, m = 0;
  for (const g of G) {
    let low = Infinity, least = low, n = 0, p = w, k = 0;
    for (; k < g.length; k++) {
      let high = -Infinity;
      for (let t = g[k]; t--;) {
        let a = T[w++], b = T[w++], c = T[w++], d = T[w++];
        for (let i = 0; i < D; i++, w += 4) {
          const z = Z[i];
          a += T[w] * z;
          b += T[w + 1] * z;
          c += T[w + 2] * z;
          d += T[w + 3] * z;
        }
        A[n++] = a;
        A[n++] = b;
        A[n++] = c;
        A[n++] = d;
        high = max(high, a, b, c, d);
      }
      H[k] = high;
      low = min(low, high);
    }
    for (n = k = 0; k < g.length; k++) {
      let most = -Infinity, best;
      for (let t = g[k]; t--; p += 4 * D) for (let j = 0; j < 4; j++, n++, p++)
        if (H[k] <= low + E && A[n] >= H[k] - E) {
          let a = T[p];
          for (let i = 0; i < D; i++) a = F(a + F(T[p + 4 + 4 * i] * Z[i]));
          if (a > most) most = a, best = p;
        }
      if (best >= 0 && most < least) least = most, at[m] = best;
    }
    m++;
    s = F(s + least);
  }
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
    for (const p of at) g = F(g + T[p + 4 * i + 4]);
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
  bad: "u",
  exp: "v",
  list: "L",
  high: "U",
  low: "W",
  most: "O",
  best: "Q",
  least: "J",
  level: "P",
  middle: "R",
  flat: "Y",
  link: "S",
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

/** The tiles of every group, by network, as source text; a run of equal networks is written once. */
function shape(networks: ModelData["networks"]): string {
  const each = networks.map((groups) => JSON.stringify(groups.map((planes) => Math.ceil(planes.length / 4))));
  const runs: string[] = [];
  for (let from = 0, to = 0; from < each.length; from = to) {
    while (to < each.length && each[to] === each[from]) to++;
    runs.push(to - from > 2 ? `...Array(${to - from}).fill(${each[from]})` : each.slice(from, to).join());
  }
  return `[${runs.join(", ")}]`;
}

/** Tiles of four planes as base64, float32, little-endian: four biases, then four weights of each input; a short tile repeats its last plane. */
function base64(networks: ModelData["networks"], d: number): string {
  const values: number[] = [];
  for (const planes of networks.flat()) {
    for (let p = 0; p < planes.length; p += 4) {
      for (let i = -1; i < d; i++) {
        for (let j = p; j < p + 4; j++) values.push((planes[j] ?? (planes.at(-1) as number[]))[i < 0 ? d : i]);
      }
    }
  }
  const bytes = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((value, at) => {
    bytes.setFloat32(at * 4, value, true);
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
