// From models of shards to one model. In: models of the same features; out: model data whose sum before the link is the weighted average of theirs.
// Networks are never mixed: each is scaled and stands beside the others (method: an average of sums of networks is a sum of networks), and what
// the models' inputs have in common is shared. All folding is done in float64 and rounded once, so every weight keeps its sign.

import {
  list,
  ModelFormatError,
  numberError,
  onlyOptions,
  quote,
  rangeError,
  show,
  typeError,
  wordError,
} from "./errors.js";
import { parseModel } from "./format.js";
import { mergeFeature, mergeInputs, type Part } from "./mergeinputs.js";
import type { Feature, ModelData, TrainingReport } from "./types.js";
import { VERSION } from "./version.js";

/** Options of `merge`. */
export interface MergeOptions {
  /** How much each model counts: the same (default), by its training rows, or a number above 0 each. */
  weights?: "equal" | "rows" | readonly number[];
}

/** `merge`, as plain data. */
export function mergeData(models: Iterable<unknown>, options: MergeOptions = {}): ModelData {
  if (typeof models !== "object" || models === null || !(Symbol.iterator in models))
    throw typeError("models", "a list of models", models);
  const all = [...models].map((model, k) => {
    try {
      return parseModel(model);
    } catch (error) {
      if (error instanceof ModelFormatError) throw new ModelFormatError(`model ${k}: ${error.message}`);
      throw error;
    }
  });
  if (all.length === 0) throw rangeError("models", "at least one model", []);
  onlyOptions(options, "weights module", "merge");
  const { weights = "equal" } = options;
  const shares = sharesOf(all, weights);
  const [first] = all;
  if (all.length === 1) return { ...first, training: { ...first.training, merged: first.training.merged ?? 1 } };
  const parts = all.map((data, k): Part => ({ data, share: shares[k], place: placesOf(data, first, k) }));
  const warnings: string[] = [];

  const features = first.features.map((_, f) => mergeFeature(parts, f, warnings));
  const { inputs, encoders } = mergeInputs(parts, features);
  const scale = Math.fround(parts.reduce((sum, { data, share }) => sum + share * data.scale, 0));
  const d = inputs.length;
  const networks: number[][][][] = [];
  const plane = new Float64Array(d + 1);
  let anyPlane = false;
  parts.forEach(({ data, share }, k) => {
    const factor = (share * data.scale) / scale;
    for (const groups of data.networks) {
      // planes add up to one plane
      if (groups.length === 1 && groups[0].length === 1) {
        anyPlane = true;
        encoders[k](groups[0][0]).forEach((w, i) => {
          plane[i] += factor * w;
        });
        continue;
      }
      networks.push(
        groups.map((planes) => planes.map((weights) => encoders[k](weights).map((w) => Math.fround(factor * w)))),
      );
    }
  });
  if (anyPlane) networks.unshift([[Array.from(plane, Math.fround)]]);

  const { target, loss } = first;
  const merged: ModelData = {
    format: "isotone",
    version: 1,
    target,
    loss,
    features,
    inputs,
    networks,
    scale,
    offset: Math.fround(parts.reduce((sum, { data, share }) => sum + share * data.offset, 0)),
    link: mergeLinks(parts, warnings),
    training: mergeTraining(all, shares, warnings),
  };
  const calibration = mergeCalibrations(parts);
  if (calibration) merged.calibration = calibration;
  const residuals = mergeResiduals(all);
  if (residuals) merged.residuals = residuals;
  return parseModel(merged);
}

function sharesOf(all: ModelData[], weights: MergeOptions["weights"]): number[] {
  let given: number[];
  if (weights === "equal") given = all.map(() => 1);
  else if (weights === "rows") {
    given = all.map(({ training }, k) => {
      if (!(training.rows > 0))
        throw new RangeError(`"weights" expected "equal" or numbers: model ${k} does not say how many rows trained it`);
      return training.rows;
    });
  } else {
    if (!Array.isArray(weights)) throw wordError("weights", '"equal", "rows" or a number for each model', weights);
    if (weights.length !== all.length)
      throw rangeError("weights", `${all.length} numbers, one for each model`, weights);
    given = weights.map((w, k) => {
      if (!(Number.isFinite(w) && w > 0)) throw numberError(`weights[${k}]`, "a number above 0", w);
      return w;
    });
  }
  const most = Math.max(...given);
  const total = given.reduce((sum, w) => sum + w / most, 0);
  return given.map((w) => w / most / total);
}

/** Where the first model's features are in `data`; refuses a model that another question was put to. */
function placesOf(data: ModelData, first: ModelData, k: number): number[] {
  const differ = (what: string, a: unknown, b: unknown, mend = "") =>
    new ModelFormatError(
      `models of different ${what}: model 0 has ${show(a)}, model ${k} has ${show(b)}${mend && `; ${mend}`}`,
    );
  if (data.target.name !== first.target.name) throw differ("targets", first.target.name, data.target.name);
  const losses = [first, data].map(({ loss }) =>
    [loss.name, ...(loss.levels ?? []), ...(loss.delta === undefined ? [] : [loss.delta])].join(" "),
  );
  if (losses[0] !== losses[1]) throw differ("losses", losses[0], losses[1], "fit every shard with the same loss");
  if (data.link.name !== first.link.name) throw differ("links", first.link.name, data.link.name);
  const names = (features: Feature[]) => list(features.map(({ name }) => name));
  if (data.features.length !== first.features.length)
    throw differ("features", names(first.features), names(data.features));
  return first.features.map((feature) => {
    const place = data.features.findIndex(({ name }) => name === feature.name);
    if (place < 0) throw differ("features", names(first.features), names(data.features));
    const other = data.features[place];
    for (const field of ["constraint", "kind", "missing"] as const) {
      if (other[field] !== feature[field])
        throw differ(`"${field}" of ${quote(feature.name)}`, feature[field], other[field]);
    }
    if (other.unknown !== feature.unknown)
      throw differ(`"unknown" of ${quote(feature.name)}`, feature.unknown, other.unknown);
    return place;
  });
}

/** The link of all; the bound of an exponential is the highest of them, as the highest target is. */
function mergeLinks(parts: Part[], warnings: string[]): ModelData["link"] {
  const links = parts.map(({ data }) => data.link);
  const [first] = links;
  if (first.name !== "exp") return first;
  const bounds = links.map((link) => (link as typeof first).maximum);
  const maximum = Math.max(...bounds);
  if (bounds.some((bound) => bound !== maximum))
    warnings.push("merged models held their predictions below different bounds: the highest is used");
  return { name: "exp", maximum };
}

/** The level fed in for a requested one: the average of the models', at every level that one of them names. */
function mergeCalibrations(parts: Part[]): [number, number][] | undefined {
  const lists = parts.map(({ data }) => data.calibration);
  if (lists.every((points) => points === undefined)) return undefined;
  const levels = [...new Set(lists.flatMap((points) => points?.map(([level]) => level) ?? []))].sort((a, b) => a - b);
  const fed = (points: [number, number][] | undefined, level: number) => {
    let [x0, y0] = [0, 0];
    for (const [x1, y1] of [...(points ?? []), [1, 1]]) {
      if (level === x1) return y1;
      if (level < x1) return y0 + ((level - x0) / (x1 - x0)) * (y1 - y0);
      [x0, y0] = [x1, y1];
    }
    return level;
  };
  let least = 0;
  return levels.map((level) => {
    const own = lists.map((points) => fed(points, level));
    const average = own.every((v) => v === own[0]) ? own[0] : own.reduce((sum, v, k) => sum + parts[k].share * v, 0);
    least = Math.max(least, average);
    return [level, least];
  });
}

const MOST_RESIDUALS = 1001;

/** Residuals of all held-out rows together: evenly spaced quantiles of the mixture of the models' own. None where a model has none. */
function mergeResiduals(all: ModelData[]): number[] | undefined {
  if (all.some(({ residuals }) => residuals === undefined)) return undefined;
  const rows = all.map(({ residuals = [], training }) =>
    Math.max(residuals.length, training.heldOut?.model.rows ?? residuals.length),
  );
  const total = rows.reduce((sum, n) => sum + n, 0);
  const points = all.flatMap(({ residuals = [] }, k) =>
    residuals.map((value) => ({ value, weight: rows[k] / residuals.length })),
  );
  points.sort((a, b) => a.value - b.value);
  const keep = Math.min(total, MOST_RESIDUALS);
  const out: number[] = [];
  let at = 0;
  let below = 0;
  for (let k = 0; k < keep; k++) {
    // the row of this rank: the first and the last residual always stay
    const rank = keep === 1 ? 0 : (k * (total - 1)) / (keep - 1);
    while (at < points.length - 1 && below + points[at].weight <= rank + 1e-9) below += points[at++].weight;
    out.push(points[k === keep - 1 ? points.length - 1 : at].value);
  }
  return out;
}

/** What is known of the training: sums and averages, and every model's own report, so that nothing is lost. */
function mergeTraining(all: ModelData[], shares: number[], warnings: string[]): TrainingReport {
  const [{ training: first }] = all;
  const sum = (name: "rows" | "members") => all.reduce((total, { training }) => total + (training[name] ?? 0), 0);
  const average = (name: "steps" | "batch" | "learningRate" | "blend") => {
    const values = all.map(({ training }) => training[name] ?? 0);
    return values.every((v) => v === values[0]) ? values[0] : values.reduce((total, v, k) => total + shares[k] * v, 0);
  };
  const parts = all.flatMap(({ training }): TrainingReport[] => training.parts ?? [training]);
  const zeros = all.flatMap(({ training }) => training.zero ?? []);
  return {
    seed: first.seed ?? 0,
    rows: sum("rows"),
    isotone: VERSION,
    members: sum("members"),
    steps: average("steps"),
    batch: average("batch"),
    learningRate: average("learningRate"),
    curve: [],
    blend: average("blend"),
    warnings: [...new Set([...all.flatMap(({ training }) => training.warnings), ...warnings])],
    merged: parts.length,
    parts,
    ...(zeros.length > 0 && { zero: Math.max(...zeros) }),
  };
}
