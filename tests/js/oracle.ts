// What every test may compare with: prediction as docs/model-format.md says it, one plain loop after the other, each float32 operation rounded
// by Math.fround; and made-up models that use every feature of the format. Shares no code with the library, only its types.

import type { Feature, Input, Link, ModelData } from "../../js/types.js";

const f = Math.fround;

/** A seeded generator (mulberry32): uniform numbers in [0, 1). */
export function generator(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const doubles = new Float64Array(1);
const words = new Int32Array(doubles.buffer);

/** Natural logarithm of a positive float32: computed in float64 with + - * / alone, rounded once. */
export function logf(x: number): number {
  doubles[0] = x;
  let e = (words[1] >> 20) - 1023;
  words[1] = (words[1] & 0xfffff) | (1023 << 20);
  let m = doubles[0];
  if (m * 0.5 >= Math.SQRT1_2) {
    m *= 0.5;
    e += 1;
  }
  const s = (m - 1) / (m + 1);
  const q = s * s;
  let p = 1 / 17;
  for (let k = 15; k >= 1; k -= 2) p = p * q + 1 / k;
  return f(e * Math.LN2 + 2 * s * p);
}

/** e^x, the argument held to [-87.3, 88.7]. */
export function expf(x: number): number {
  const a = x < -87.3 ? -87.3 : x > 88.7 ? 88.7 : x;
  const y = a * Math.LOG2E;
  let n = Math.round(y);
  if (Math.abs(y - Math.trunc(y)) === 0.5) n = 2 * Math.round(y / 2); // ties to even
  const r = a - n * Math.LN2;
  let factorial = 6227020800;
  let p = 1 / factorial;
  for (let k = 13; k >= 1; k--) {
    factorial /= k;
    p = p * r + 1 / factorial;
  }
  doubles[0] = 0;
  words[1] = (n + 1023) << 20;
  return f(p * doubles[0]);
}

/** The level fed in for a requested level. */
export function levelOf(data: ModelData, p: number): number {
  let level = p;
  if (data.calibration) {
    const points = [[0, 0], ...data.calibration, [1, 1]];
    let k = 1;
    while (p > points[k][0]) k++;
    const [[x0, y0], [x1, y1]] = [points[k - 1], points[k]];
    level = y0 + ((p - x0) / (x1 - x0)) * (y1 - y0);
    if (level > y1) level = y1;
  }
  return Math.min(1 - 2 ** -24, Math.max(2 ** -24, f(level)));
}

export interface Evaluation {
  prediction: number;
  /** Partial derivatives by feature. */
  sensitivity: number[];
  eta: number;
  z: number[];
  /** [group, plane] that decides, for every network. */
  active: [number, number][];
}

/** One row, float32: a category is its code, a missing value NaN. `p`: the requested level of a quantile model. */
export function evaluate(data: ModelData, row: ArrayLike<number>, p = 0.5): Evaluation {
  const { features, inputs, networks, link } = data;
  const level = levelOf(data, p);
  const slope: number[] = [];
  const z = inputs.map((input, i) => {
    const raw = input.feature < 0 ? level : f(row[input.feature]);
    const v = Number.isNaN(raw) ? f(features[input.feature].fill ?? Number.NaN) : raw;
    let t = 0;
    slope[i] = 0;
    if (input.transform === "linear") {
      t = v;
      slope[i] = f(input.scale);
    } else if (input.transform === "log1p") {
      const c = f(input.divisor as number);
      const q = f(v / c);
      t = q < 0 ? q : logf(f(1 + q));
      slope[i] = f(f(input.scale) / f(c + (v < 0 ? 0 : v)));
    } else if (input.transform === "equals") {
      t = raw === input.category ? 1 : 0;
    } else if (input.transform === "missing") {
      t = Number.isNaN(raw) ? 1 : 0;
    } else {
      t = f(logf(level) - logf(f(1 - level)));
    }
    t = f(f(t - f(input.center)) * f(input.scale));
    if (t <= -50 || t >= 50) slope[i] = 0;
    return t < -50 ? -50 : t > 50 ? 50 : t;
  });
  let sum = 0;
  const active: [number, number][] = [];
  const gradient = inputs.map(() => 0);
  networks.forEach((groups, m) => {
    let least = Number.POSITIVE_INFINITY;
    groups.forEach((planes, k) => {
      let most = Number.NEGATIVE_INFINITY;
      let first = 0;
      planes.forEach((plane, j) => {
        let a = f(plane[inputs.length]);
        for (let i = 0; i < inputs.length; i++) a = f(a + f(f(plane[i]) * z[i]));
        if (a > most) {
          most = a;
          first = j;
        }
      });
      if (most < least) {
        least = most;
        active[m] = [k, first];
      }
    });
    sum = m === 0 ? least : f(sum + least);
    const [k, j] = active[m];
    for (let i = 0; i < inputs.length; i++) gradient[i] = f(gradient[i] + f(groups[k][j][i]));
  });
  const scale = f(data.scale);
  const eta = f(f(sum * scale) + f(data.offset));
  let prediction = eta;
  let factor = scale;
  if (link.name === "exp") {
    const maximum = f(link.maximum);
    prediction = expf(eta < maximum ? eta : maximum);
    factor = eta < maximum ? f(prediction * scale) : 0;
  } else if (link.name === "logistic") {
    prediction = f(1 / f(1 + expf(-eta)));
    factor = f(f(prediction * f(1 - prediction)) * scale);
  }
  const sensitivity = features.map(() => 0);
  inputs.forEach((input, i) => {
    if ((input.transform === "linear" || input.transform === "log1p") && slope[i] !== 0) {
      sensitivity[input.feature] = f(sensitivity[input.feature] + f(f(gradient[i] * factor) * slope[i]));
    }
  });
  return { prediction, sensitivity, eta, z, active };
}

/** The same without rounding: float64 and the engine's own logarithm and exponential. `active` names what decides, clips and caps included. */
export function evaluate64(data: ModelData, row: ArrayLike<number>, p = 0.5): { prediction: number; active: string } {
  const { features, inputs, networks, link } = data;
  const level = levelOf(data, p);
  const z: number[] = [];
  let active = "";
  for (const input of inputs) {
    const raw = input.feature < 0 ? level : row[input.feature];
    const v = Number.isNaN(raw) ? (features[input.feature].fill ?? Number.NaN) : raw;
    let t = v;
    if (input.transform === "log1p") {
      const q = v / (input.divisor as number);
      t = q < 0 ? q : Math.log1p(q);
      active += q < 0 ? "-" : "+";
    } else if (input.transform === "equals") t = Number(raw === input.category);
    else if (input.transform === "missing") t = Number(Number.isNaN(raw));
    else if (input.transform === "level") t = Math.log(level) - Math.log1p(-level);
    const at = (t - input.center) * input.scale;
    active += at < -50 ? "<" : at > 50 ? ">" : "";
    z.push(Math.min(50, Math.max(-50, at)));
  }
  let sum = 0;
  for (const groups of networks) {
    const tops = groups.map((planes) => {
      const values = planes.map((plane) => z.reduce((total, v, i) => total + v * plane[i], plane[z.length]));
      const top = Math.max(...values);
      return { top, plane: values.indexOf(top) };
    });
    const least = Math.min(...tops.map(({ top }) => top));
    const group = tops.findIndex(({ top }) => top === least);
    sum += least;
    active += `${group},${tops[group].plane};`;
  }
  const eta = sum * data.scale + data.offset;
  if (link.name === "logistic") return { prediction: 1 / (1 + Math.exp(-eta)), active };
  if (link.name === "identity") return { prediction: eta, active };
  return { prediction: Math.exp(Math.min(eta, link.maximum)), active: active + (eta < link.maximum) };
}

/** Names that break careless quoting, in every language that a model is exported to. */
export const HOSTILE: readonly string[] = [
  "",
  " ",
  "it's",
  "'; DROP TABLE jobs; --",
  'say "hi"',
  "back\\slash",
  "ends in backslash\\",
  "\\'",
  "two\nlines",
  "carriage\r\nreturn",
  "tab\there",
  "*/ comment /*",
  "-- dashes",
  "# hash",
  "</script><script>alert(1)</script>",
  "<!-- html",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a hostile name
  "${process.exit(1)}",
  "`backtick`",
  "``",
  "%s %d %",
  "_",
  "select",
  "SELECT",
  "FROM",
  "__proto__",
  "constructor",
  "toString",
  "length",
  "0",
  "-1",
  "null",
  "NaN",
  "日本語",
  "🦄🧮",
  "é (composed) e\u0301 (not)",
  "\u2028line\u2029paragraph",
  "\u202eright to left",
  "[brackets]",
  "{braces}",
  "a.b",
  "a,b;c",
  "?1 $1 :x @y",
  "x".repeat(1000),
];

export interface MakeModel {
  seed?: number;
  numbers?: number;
  categories?: number;
  /** How values may be missing: some features of every kind, or none. */
  missing?: boolean;
  log1p?: boolean;
  link?: Link["name"];
  quantiles?: boolean;
  networks?: number;
  groups?: number;
  planes?: number;
  /** Networks of differing sizes, the first a plane. */
  ragged?: boolean;
  names?: readonly string[];
  categoryNames?: readonly string[];
  target?: string;
  /** Several inputs from one feature, as a merged model has them. */
  doubled?: boolean;
}

/** A made-up model, with weights whose signs keep their constraints. */
export function makeModel(options: MakeModel = {}): ModelData {
  const {
    seed = 1,
    numbers = 6,
    categories = 1,
    missing = true,
    log1p = true,
    link = "identity",
    quantiles = false,
    networks = 4,
    groups = 4,
    planes = 4,
    ragged = true,
    doubled = false,
  } = options;
  const random = generator(seed);
  const normal = () => (random() + random() + random() + random() - 2) * Math.sqrt(3);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)];
  const used = new Set<string>();
  const name = (otherwise: string) => {
    const given = options.names?.find((n) => !used.has(n)) ?? otherwise;
    used.add(given);
    return given;
  };
  const features: Feature[] = [];
  const inputs: Input[] = [];
  const near = (center: number, scale: number) => ({ center: f(center), scale: f(scale) });
  for (let i = 0; i < numbers; i++) {
    const constraint = (["increasing", "decreasing", "free"] as const)[i % 3];
    const logged = log1p && random() < 0.4;
    const size = 10 ** Math.floor(random() * 4 - 1);
    const low = logged ? 0 : -size * random();
    const high = size * (1 + 2 * random());
    const median = f(logged ? low + 0.1 * (high - low) : (low + high) / 2);
    const feature: Feature = {
      name: name(`x${i}`),
      constraint,
      kind: "number",
      missing: "error",
      range: [f(low), f(high)],
      median,
    };
    if (missing && i % 4 === 1) feature.missing = "median";
    if (missing && constraint === "free" && random() < 0.7) feature.missing = "indicator";
    if (feature.missing !== "error") feature.fill = median;
    features.push(feature);
    const index = features.length - 1;
    for (let copy = 0; copy < (doubled && i % 2 === 0 ? 2 : 1); copy++) {
      if (logged && copy === 0) {
        inputs.push({
          feature: index,
          transform: "log1p",
          divisor: f(size * 0.1 * (0.5 + random())),
          ...near(1.5, 0.5 + random()),
        });
      } else {
        inputs.push({
          feature: index,
          transform: "linear",
          ...near((low + high) / 2, (3 * (0.5 + random())) / (high - low)),
        });
      }
    }
    if (feature.missing === "indicator") inputs.push({ feature: index, transform: "missing", ...near(0.1, 3.3) });
  }
  for (let i = 0; i < categories; i++) {
    const names = options.categoryNames ?? ["Bergen", "Oslo", "Tromsø", "Bodø"].slice(0, 3 + (i % 2));
    const feature: Feature = {
      name: name(`c${i}`),
      constraint: "free",
      kind: "category",
      categories: [...names],
      missing: "error",
    };
    if (i % 2 === 0) feature.unknown = names[names.length - 1];
    if (missing && i % 2 === 0) feature.missing = "indicator";
    features.push(feature);
    for (let c = 0; c < names.length; c++) {
      inputs.push({
        feature: features.length - 1,
        transform: "equals",
        category: c,
        ...near(1 / names.length, 2 + random()),
      });
    }
    if (feature.missing === "indicator")
      inputs.push({ feature: features.length - 1, transform: "missing", ...near(0.05, 4.5) });
  }
  if (quantiles) inputs.push({ feature: -1, transform: "level", ...near(0, 0.55) });
  const signs = inputs.map((input) => {
    if (input.transform === "level") return 1;
    if (input.transform === "equals" || input.transform === "missing") return 0;
    return { increasing: 1, decreasing: -1, free: 0 }[features[input.feature].constraint];
  });
  const plane = (size: number) => [
    ...signs.map((s) => {
      const w = (normal() * size) / Math.sqrt(inputs.length);
      return f(s === 0 ? w : random() < 0.1 ? 0 : s * Math.abs(w)) + 0;
    }),
    f(normal() * size),
  ];
  const list: number[][][][] = [];
  for (let m = 0; m < networks; m++) {
    const k = ragged ? (m === 0 ? 1 : 1 + Math.floor(random() * groups)) : groups;
    list.push(
      Array.from({ length: k }, () => {
        const j = ragged ? (m === 0 ? 1 : 1 + Math.floor(random() * planes)) : planes;
        return Array.from({ length: j }, () => plane(m === 0 ? 0.7 : 2 / Math.sqrt(networks)));
      }),
    );
  }
  const data: ModelData = {
    format: "isotone",
    version: 1,
    target: { name: options.target ?? "minutes" },
    loss: quantiles
      ? { name: "quantiles", levels: [0.1, 0.5, 0.9] }
      : { name: link === "exp" ? "poisson" : link === "logistic" ? "logistic" : "squared" },
    features,
    inputs,
    networks: list,
    scale: link === "identity" ? f(12.5) : 1,
    offset: link === "identity" ? f(61.3) : f(0.37),
    link: link === "exp" ? { name: "exp", maximum: f(2.75) } : { name: link },
    training: {
      seed,
      rows: 1000,
      isotone: "0.0.0",
      members: 1,
      steps: 1,
      batch: 64,
      learningRate: f(0.03),
      curve: [{ step: 0, epoch: 0, loss: 1, validationLoss: pick([1, null]) }],
      blend: 1,
      warnings: [],
    },
  };
  if (quantiles) {
    data.calibration = [
      [0.1, 0.07],
      [0.5, 0.52],
      [0.9, 0.94],
    ];
  }
  if (link === "identity") data.residuals = Array.from({ length: 101 }, (_, i) => (i - 50) / 10);
  return data;
}

/** Models with every feature of the format, by what is particular about them. */
export function everyKind(): Record<string, ModelData> {
  return {
    "numbers only, linear": makeModel({ seed: 2, categories: 0, missing: false, log1p: false }),
    "signs, categories, missing values, log1p": makeModel({ seed: 3, numbers: 9, categories: 2 }),
    "log link": makeModel({ seed: 4, link: "exp" }),
    "logistic link": makeModel({ seed: 5, link: "logistic" }),
    quantiles: makeModel({ seed: 6, quantiles: true }),
    "one network of one plane": makeModel({ seed: 7, networks: 1, groups: 1, planes: 1 }),
    "one network of 4 x 4": makeModel({ seed: 8, networks: 1, ragged: false }),
    "a plane and 16 networks of 4 x 4": withPlane(
      makeModel({ seed: 9, networks: 16, ragged: false, numbers: 10, categories: 0, missing: false }),
    ),
    "several inputs of one feature, networks with bounds": withBounds(makeModel({ seed: 10, doubled: true })),
    "hostile names": makeModel({
      seed: 11,
      numbers: HOSTILE.length,
      names: HOSTILE,
      categories: 1,
      categoryNames: HOSTILE,
      networks: 3,
      target: HOSTILE.join(" "),
    }),
  };
}

/** The same model with a plane (a 1x1 network) as its first network: the default shape. */
export function withPlane(data: ModelData): ModelData {
  const first = data.networks[0][0][0].map((w) => f(w / 3) + 0);
  return { ...data, networks: [[[first]], ...data.networks] };
}

/** The same model with bounds on its networks, as training adds them: a constant plane in each group, and one that is a group of its own. */
export function withBounds(data: ModelData): ModelData {
  const constant = (value: number) => [...data.inputs.map(() => 0), f(value)];
  const bounded = data.networks.map((network) => {
    const biases = network.flat().map((plane) => plane[plane.length - 1]);
    const [low, high] = [Math.min(...biases), Math.max(...biases)];
    return [...network.map((group) => [...group, constant(low)]), [constant(high)]];
  });
  return { ...data, networks: bounded };
}

/** `n` rows of float32, row-major: mostly inside the ranges, some beyond, at the edges, huge or missing where that is allowed. */
export function makeRows(data: ModelData, n: number, seed = 1): Float32Array {
  const random = generator(seed ^ 0x5bd1e995);
  const { features } = data;
  const out = new Float32Array(n * features.length);
  for (let r = 0; r < n; r++) {
    features.forEach((feature, i) => {
      const at = r * features.length + i;
      if (feature.missing !== "error" && random() < 0.08) {
        out[at] = Number.NaN;
      } else if (feature.kind === "category") {
        out[at] = Math.floor(random() * (feature.categories as string[]).length);
      } else {
        const [low, high] = feature.range as [number, number];
        const u = random();
        const width = high - low;
        if (u < 0.9) out[at] = low + random() * width;
        else if (u < 0.95) out[at] = low + (random() * 6 - 2.5) * width;
        else if (u < 0.97) out[at] = random() < 0.5 ? low : high;
        else if (u < 0.98) out[at] = 0;
        else if (u < 0.99) out[at] = Math.round(low + random() * width);
        else out[at] = (random() - 0.5) * width * 1e6;
      }
    });
  }
  return out;
}

/** A row of `makeRows` as an object by column name: strings for categories; what is missing is null, undefined or absent, in turn. */
export function rowObject(data: ModelData, row: ArrayLike<number>): Record<string, unknown> {
  let turn = 0;
  const entries: [string, unknown][] = [];
  data.features.forEach((feature, i) => {
    const v = row[i];
    if (!Number.isNaN(v))
      entries.push([feature.name, feature.kind === "category" ? (feature.categories as string[])[v] : v]);
    else if (turn++ % 3 < 2) entries.push([feature.name, turn % 3 === 1 ? null : undefined]);
  });
  return Object.fromEntries(entries);
}
