// The parts of a module that toModule writes, in readable source (esm-tight.ts shortens it). In: what the module needs to know of a model; out: text.
// A part that a model does not need is left out, down to single terms: modules are read by browsers.

import { PLANES } from "../../build/planes.text.js";
import { shortest } from "../format.js";
import { TRANSFORMS } from "../image.js";
import type { Input, ModelData } from "../types.js";
import { toBytes } from "../wasm.text.js";
import { harmless, literal, residualsOf } from "./data.js";
import { base64, imageOf, type PlanesImage } from "./esm-memory.js";

/** A model, and which parts of a module it needs. */
export interface Needs extends ModelData {
  /** Features, and inputs. */
  N: number;
  D: number;
  /** Transforms in use. */
  kinds: Set<Input["transform"]>;
  log1p: boolean;
  level: boolean;
  residuals: number[];
  /** A feature has a value for missing ones. */
  fills: boolean;
  /** The link is none: predictions are sums. */
  identity: boolean;
  image: PlanesImage;
}

/** What a module of the model needs. */
export function needsOf(data: ModelData): Needs {
  const { features, inputs, networks, link } = data;
  const kinds = new Set(inputs.map((input) => input.transform));
  const level = kinds.has("level");
  return {
    ...data,
    N: features.length,
    D: inputs.length,
    kinds,
    log1p: kinds.has("log1p"),
    level,
    fills: features.some((feature) => feature.fill !== undefined),
    identity: link.name === "identity",
    image: imageOf(networks, inputs.length),
    residuals: residualsOf(data),
  };
}

const list = (values: unknown[]) => `[${values.join(",")}]`;
const number = (x: number) => String(shortest(x)).replace(/^(-?)0\./, "$1.");
const single = (x: number) => `F(${number(x)})`;
const linked = ({ identity }: Needs, e: string) => (identity ? e : `link(${e})`);

/** What the module is of. */
export function titleOf({ target }: Needs, pruned: boolean | undefined): string[] {
  const title = `// Predicts ${harmless(target.name) || "the target"}. Made by isotone: the model's own bits.`;
  return pruned ? [title, "// Pruned: planes that never decide inside the training ranges are left out."] : [title];
}

/** The columns: names, categories, what stands in for a missing value. */
export function columnsOf({ features, fills }: Needs): string[] {
  const lines = [`export const features = ${list(features.map((feature) => literal(feature.name)))};`];
  if (features.some((feature) => feature.kind === "category")) {
    const maps = features.map(({ categories }) =>
      categories ? `new Map(${list(categories.map(literal))}.flatMap((c, i) => [[c, i], [i, i]]))` : 0,
    );
    const others = features.map(({ categories, unknown }) =>
      unknown === undefined ? "" : categories?.indexOf(unknown),
    );
    lines.push(`const C = ${list(maps)};`, `const other = ${list(others)};`);
  }
  if (isOptional(features)) {
    lines.push(`const optional = ${list(features.map((feature) => (feature.missing === "error" ? 0 : 1)))};`);
  }
  if (fills) {
    const values = features.map(({ fill }) => (fill === undefined ? 0 : number(fill)));
    lines.push(`const fill = new Float32Array(${list(values)});`);
  }
  return lines;
}

const isOptional = (features: Needs["features"]) => features.some((feature) => feature.missing !== "error");

/** Numbers: the bound of the link, residuals, levels of quantiles; of every input its feature, transform, argument, center and scale. */
export function numbersOf({ N, inputs, link, residuals, calibration, image }: Needs): string[] {
  const lines: string[] = [];
  if (link.name === "exp") lines.push(`const M = Math.fround(${number(link.maximum)});`);
  if (residuals.length > 0) lines.push(`const $ = ${JSON.stringify(residuals)};`);
  if (calibration) lines.push(`const K = ${JSON.stringify([...calibration, [1, 1]])};`);
  const table = inputs.map(({ feature, transform, divisor, category, center, scale }) =>
    [
      feature < 0 ? N : feature,
      TRANSFORMS.indexOf(transform),
      transform === "log1p" ? number(divisor as number) : (category ?? 0),
      number(center),
      number(scale),
    ].join(),
  );
  lines.push(`const I = new Float32Array(${list(table)});`, `const B = "${base64(image.bytes)}";`);
  return lines;
}

// Weights are base64, a seventh smaller than numbers once compressed. Hosts since 2025 read it by themselves; elsewhere a typed array's map takes a
// quarter of the time of Uint8Array.from on a string, and two thirds of a loop's, which is compiled later (measured once, Node 20: 33 networks of 10
// inputs start in 3.0 ms instead of 8.0). The last group ends a network (2): more is read on a processor that counts bytes the other way, whose bytes
// are turned round; WebAssembly, which always counts like most processors, has no part there.
/** The sum of the networks: in WebAssembly, or by a loop that also finds the deciding planes. */
export function sumOf({ N, D, log1p, image }: Needs): string {
  const pages = Math.ceil(image.bytes.length / 65536);
  const grown = pages > 2 ? `\n  e.memory.grow(${pages - 2});` : "";
  return `const { fround: F, max, min } = Math, bytes = (s) => Uint8Array.fromBase64?.(s) ?? (s = atob(s), new Uint8Array(s.length).map((_, i) => s.charCodeAt(i))), S = new Uint8Array(bytes(B)), W = new Float32Array(S.buffer), G = new Int32Array(W.buffer), X = new Float32Array(${N + 1}), at = []${log1p ? ", V = []" : ""};
let T = W, sum = all;
if (G[${image.tiles - 1}] > 2) S.set(S.map((_, i) => S[i ^ 3]));
else try {
  const e = new WebAssembly.Instance(new WebAssembly.Module(bytes("${base64(toBytes(PLANES))}"))).exports;${grown}
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
}`;
}

const LOG = `function log(x) {
  let e = x < 1 / 0 ? 0 : (x = 1, 1024), p = 1 / 17, k = 15;
  for (; x / 2 >= Math.SQRT1_2; e++) x /= 2;
  for (; x < Math.SQRT1_2; e--) x *= 2;
  const s = (x - 1) / (x + 1), q = s * s;
  for (; k > 0; k -= 2) p = p * q + 1 / k;
  return F(e * Math.LN2 + 2 * s * p);
}`;

// Math.round takes halves up and the library to even: for no float32 is x * LOG2E halfway between integers (all 260 halves were tried)
const EXP = `function exp(x) {
  x = max(-87.3, min(88.7, x));
  let e = Math.round(x * Math.LOG2E), c = 6227020800, p = 1 / c, k = 13;
  for (x -= e * Math.LN2; k > 0; c /= k--) p = p * x + k / c;
  for (; e > 0; e--) p *= 2;
  for (; e < 0; e++) p /= 2;
  return F(p);
}`;

/** Logarithm, exponential and link. */
export function linkOf({ log1p, level, link, residuals, identity }: Needs): string[] {
  const lines: string[] = [];
  if (log1p || level || (residuals.length > 0 && link.name === "exp")) lines.push(LOG);
  if (!identity) lines.push(EXP);
  if (link.name === "exp") lines.push("const link = (e) => exp(e < M ? e : M);");
  if (link.name === "logistic") lines.push("const link = (e) => F(1 / F(1 + exp(-e)));");
  return lines;
}

/** A row to the sum before the link; `r`: its number in messages. */
export function etaOf({ features, N, D, kinds, log1p, level, fills, image, scale, offset }: Needs): string {
  const inherited = features.some((feature) => feature.name in Object.prototype);
  const categories = features.some((feature) => feature.kind === "category");
  // in the order of the tests below, which stops at the last kind in use
  const transforms: string[] = [];
  if (log1p) transforms.push("I[k + 1] == 1 ? (q = F(v / I[k + 2])) < 0 ? q : log(F(1 + q))");
  if (kinds.has("equals")) transforms.push("I[k + 1] == 2 ? x == I[k + 2]");
  if (kinds.has("missing")) transforms.push("I[k + 1] == 3 ? x != x");
  if (level) transforms.push("I[k + 1] == 4 ? F(log(x) - log(F(1 - x)))");
  return `function eta(row, r${level ? ", level = middle" : ""}) {
  const list = row?.[Symbol.iterator];
  if (list ? row.length != ${N} : Object(row) !== row) throw TypeError("row: expected ${N} values");
  for (let f = 0; f < ${N}; f++) {
    const y = row[list ? f : features[f]], v = y == null || y != y${inherited ? " || y == {}[features[f]]" : ""} ? ${isOptional(features) ? "optional[f] ? NaN : null" : "null"} : ${
      categories
        ? 'C[f] ? (Object(y) === y ? null : C[f].get(list ? y : y + "") ?? (list && y === +y ? null : other[f])) : '
        : ""
    }typeof y == "number" && F(y) * 0 == 0 ? y : null;
    if (v == null) throw TypeError((r >= 0 ? "row " + r + ": " : "") + features[f] + " is " + y);
    X[f] = v;
  }${level ? `\n  X[${N}] = level;` : ""}
  for (let i = 0, k = 0${log1p ? ", q" : ""}; i < ${D}; i++, k += 5) {
    const x = X[I[k]], v = ${log1p ? "V[i] = " : ""}${fills ? "x != x ? fill[I[k]] : x" : "x"};
    T[i] = max(-50, min(50, F(F((${[...transforms, "v"].join(" : ")}) - I[k + 3]) * I[k + 4])));
  }
  return F(F(sum(${4 * D}, ${4 * image.ends}, ${4 * image.tiles}, Infinity) * ${single(scale)}) + ${single(offset)});
}`;
}

/** What gives quantiles: none but for models of a level. */
export function quantileOf(needs: Needs): string[] {
  const { level, calibration } = needs;
  if (!level) return [];
  const mended = calibration
    ? `
  let a = 0, b = 0, q = p;
  for (const [x, y] of K) {
    if (p > a && p <= x) q = min(y, b + (p - a) / (x - a) * (y - b));
    a = x, b = y;
  }`
    : "";
  return [
    `const level = (p) => {${mended}
  return max(2 ** -24, min(1 - 2 ** -24, F(${calibration ? "q" : "p"})));
}, middle = level(.5);
export function quantile(row, p) {
  if (!(p > 0 && p < 1)) throw RangeError("p is " + p);
  return ${linked(needs, "eta(row, -1, level(p))")};
}`,
  ];
}

/** A prediction, and with residuals its interval. */
export function predictOf(needs: Needs): string[] {
  const { identity, level, link, residuals, training } = needs;
  const predict = `export const predict = ${identity && !level ? "eta" : `(row, r) => ${linked(needs, "eta(row, r)")}`};`;
  if (residuals.length === 0) return [predict];
  const exp = link.name === "exp";
  const last = residuals.length - 1;
  // what the residuals were thinned from: docs/model-format.md, Intervals
  const held = training.heldOut?.model.rows ?? residuals.length;
  const end = exp ? "exp(F(y + $[i]))" : "F(y + $[i])";
  const ends = exp && training.zero ? `(i, e) => (i = ${end}, e || i > ${training.zero} ? i : 0)` : `(i) => ${end}`;
  return [
    predict,
    `export function interval(row, c) {
  const k = 1e-9 + ${held + 1} * (1 - c) / 2 | 0, i = ${held > 1 ? `(k - 1) / ${held - 1} * ${last} | 0` : 0}, y = ${exp ? "log(predict(row))" : "predict(row)"};
  if (!(k > 0 && c > 0)) throw RangeError("share is " + c);
  return [i, ${last} - i].map(${ends});
}`,
  ];
}

/** Predictions of many rows. */
export function predictManyOf({ N }: Needs): string {
  return `export function predictMany(rows) {
  const flat = ArrayBuffer.isView(rows), n = flat ? rows.length / ${N} : rows.length;
  if (n % 1 != 0) eta();
  return Float32Array.from({ length: n }, (_, r) => predict(flat ? rows.subarray(r * ${N}, r * ${N} + ${N}) : rows[r], r));
}`;
}

/** Partial derivatives. */
export function sensitivityOf({ N, D, log1p, link, scale }: Needs): string {
  const factor = {
    identity: `f = ${single(scale)}`,
    exp: `f = e < M ? F(link(e) * ${single(scale)}) : 0`,
    logistic: `y = link(e), f = F(F(y * F(1 - y)) * ${single(scale)})`,
  }[link.name];
  return `export function sensitivity(row) {
  const e = eta(row), ${factor}, out = new Float32Array(${N + 1});
  all();
  for (let i = 0, k = 0; i < ${D}; i++, k += 5) if (I[k + 1] < ${log1p ? 2 : 1} && T[i] * T[i] < 2500) {
    const c = I[k];
    let g = 0;
    for (const p of at) g = F(g + T[p + 4 * i + 4]);
    out[c] = F(out[c] + F(F(g * f) * ${log1p ? "(I[k + 1] ? F(I[k + 4] / F(I[k + 2] + max(V[i], 0))) : I[k + 4])" : "I[k + 4]"}));
  }
  return Object.fromEntries(features.map((c, i) => [c, out[i]]));
}
`;
}
