// A random valid model with every feature of the format: signs, categories, missing values, transforms, links, quantiles. In: a seed; out: ModelData.

import type { Constraint, Feature, Input, Link, Loss, ModelData } from "../../js/types.js";

/** A small seeded generator: uniform in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function randomModel(seed: number, names = ["scan", "staff", "hour", "city", "load", "age"]): ModelData {
  const random = generator(seed);
  const normal = () => random() + random() + random() + random() - 2;
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const features: Feature[] = [];
  const inputs: Input[] = [];
  names.forEach((name, f) => {
    if (f === 3) {
      const indicator = random() < 0.5;
      const categories = ["Bergen", "Oslo", 'O"Hare\n', ""];
      const feature: Feature = {
        name,
        constraint: "free",
        kind: "category",
        missing: indicator ? "indicator" : "error",
        categories,
      };
      if (random() < 0.5) feature.unknown = "Oslo";
      features.push(feature);
      categories.forEach((_, category) => {
        inputs.push({
          feature: f,
          transform: "equals",
          center: Math.fround(0.25),
          scale: Math.fround(1 + random()),
          category,
        });
      });
      if (indicator) inputs.push({ feature: f, transform: "missing", center: Math.fround(0.1), scale: 2 });
      return;
    }
    const constraint: Constraint =
      f === 0 ? "increasing" : f === 1 ? "decreasing" : f === 2 ? "free" : pick(["increasing", "decreasing", "free"]);
    const missing =
      random() < 0.5 ? "error" : constraint === "free" ? pick(["median", "indicator"] as const) : "median";
    const feature: Feature = { name, constraint, kind: "number", missing, range: [-1, 20 + f], median: 3.5 };
    if (missing !== "error") feature.fill = Math.fround(3.3);
    features.push(feature);
    const log = random() < 0.4;
    const input: Input = {
      feature: f,
      transform: log ? "log1p" : "linear",
      center: Math.fround(log ? 1 : 5 * normal()),
      scale: Math.fround(0.05 + random()),
    };
    if (log) input.divisor = Math.fround(0.5 + 3 * random());
    inputs.push(input);
    if (missing === "indicator") inputs.push({ feature: f, transform: "missing", center: 0, scale: 1 });
  });
  const losses = ["squared", "absolute", "huber", "poisson", "gamma", "logistic", "quantiles"] as const;
  const loss: Loss = { name: losses[seed % losses.length] as Loss["name"] };
  if (loss.name === "quantiles") {
    loss.levels = [0.1, 0.5, 0.9];
    inputs.push({ feature: -1, transform: "level", center: 0, scale: Math.fround(0.55) });
  }
  if (loss.name === "huber") loss.delta = 1.5;
  const link: Link =
    loss.name === "poisson" || loss.name === "gamma"
      ? { name: "exp", maximum: Math.fround(3.2) }
      : { name: loss.name === "logistic" ? "logistic" : "identity" };
  const weight = (input: Input) => {
    const w = Math.fround(Math.exp(2 * normal()) * 0.2);
    if (random() < 0.1) return 0;
    if (input.transform === "level") return w;
    const constraint = features[input.feature]?.constraint;
    return constraint === "increasing" ? w : constraint === "decreasing" ? -w : Math.fround(normal());
  };
  const plane = () => [...inputs.map(weight), Math.fround(normal())];
  const times = <T>(n: number, make: () => T) => Array.from({ length: n }, make);
  const small = () => 1 + Math.floor(random() * 4);
  const data: ModelData = {
    format: "isotone",
    version: 1,
    target: { name: "minutes" },
    loss,
    features,
    inputs,
    networks: [[[plane()]], ...times(1 + Math.floor(random() * 5), () => times(small(), () => times(small(), plane)))],
    scale: Math.fround(0.3 + random()),
    offset: Math.fround(normal()),
    link,
    training: {
      seed,
      rows: 100,
      isotone: "0.1.0",
      members: 4,
      steps: 500,
      batch: 64,
      learningRate: 0.03,
      curve: [{ step: 0, epoch: 0, loss: 1.25, validationLoss: null }],
      blend: 1,
      warnings: [],
    },
  };
  if (loss.name === "quantiles") {
    data.calibration = [
      [0.1, 0.05],
      [0.5, 0.5],
      [0.9, 0.96],
    ];
  } else if (loss.name !== "logistic") data.residuals = [-2, -0.5, 0.1, 0.4, 3];
  return data;
}

/** A row for such a model; numbers of both signs, sometimes missing where that is allowed. */
export function randomRow(data: ModelData, random: () => number): Record<string, unknown> {
  return Object.fromEntries(
    data.features.map((feature) => {
      if (feature.missing !== "error" && random() < 0.3) return [feature.name, null];
      if (feature.kind === "number") return [feature.name, Math.fround(30 * random() - 5)];
      const known = feature.categories as string[];
      if (feature.unknown !== undefined && random() < 0.2) return [feature.name, "elsewhere"];
      return [feature.name, known[Math.floor(random() * known.length)]];
    }),
  );
}
