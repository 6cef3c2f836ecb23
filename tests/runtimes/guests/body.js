// The shared body: what every runtime does. Trains one model a loss on rows with mixed constraints, predicts, takes derivatives, saves, loads,
// and gives SHA-256 digests of the model file and of all float32 results. In: the two entry points of the package; out: { name: digest }.
// Web standards only, and no Math.exp and the like: the rows themselves must have the same bits everywhere.

import { sha256 } from "./sha256.js";

const ROWS = 400;

/** Jobs with counts, a team, an hour, a city, and targets for each kind of loss. */
export function makeRows(n = ROWS, seed = 7) {
  let state = seed >>> 0;
  // linear congruential generator (Numerical Recipes); the upper 16 bits only
  const next = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(((state >>> 16) * below) / 65536);
  };
  const cities = ["Bergen", "Oslo", "Tromsø"];
  const rows = [];
  for (let i = 0; i < n; i++) {
    const scan = next(40);
    const repair = Math.floor((next(10) * next(10) * next(12)) / 40);
    const staff = 1 + next(8);
    const hour = next(24);
    const city = cities[next(3)];
    const rush = (hour - 12) * (hour - 12) < 20 ? 9 : 0;
    // a few rows are far off, so that the robust losses have work to do
    const stray = next(30) === 0 ? 150 : 0;
    const minutes =
      (12 + 3 * scan + (repair * repair) / 4 + rush + (city === "Oslo" ? 15 : 0)) / (1 + staff / 4) +
      next(100) / 20 +
      stray;
    rows.push({ scan, repair, staff, hour, city, minutes, late: minutes > 40 ? 1 : 0, calls: Math.floor(minutes / 9) });
  }
  return rows;
}

export const FEATURES = {
  scan: "increasing",
  repair: 1,
  staff: "decreasing",
  hour: "free",
  city: { categories: "auto", unknown: "Oslo" },
};

const LOSSES = [
  ["squared", "minutes", "squared"],
  ["absolute", "minutes", "absolute"],
  ["huber", "minutes", { huber: 1.5 }],
  ["poisson", "calls", "poisson"],
  ["gamma", "minutes", "gamma"],
  ["logistic", "late", "logistic"],
  ["quantiles", "minutes", { quantiles: [0.1, 0.5, 0.9] }],
];

const digestText = (text) => sha256(new TextEncoder().encode(text));
const digestFloats = (numbers) => sha256(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));

function same(a, b, what) {
  if (a.length !== b.length) throw new Error(`${what}: ${a.length} values and ${b.length}`);
  const x = new Uint32Array(a.buffer, a.byteOffset, a.length);
  const y = new Uint32Array(b.buffer, b.byteOffset, b.length);
  for (let i = 0; i < x.length; i++) {
    if (x[i] !== y[i]) throw new Error(`${what}: value ${i} is ${a[i]} here and ${b[i]} there`);
  }
}

/**
 * @param {typeof import("isotone")} isotone
 * @param {typeof import("isotone/predict")} small
 * @param {{ fit?: object, load?: object, smallLoad?: object, losses?: string[] }} [extra] further options, as a module of the host's own
 */
export async function conformance(isotone, small, extra = {}) {
  const rows = makeRows();
  const fresh = makeRows(150, 99);
  const digests = {};
  let first;
  for (const [name, target, loss] of LOSSES) {
    if (extra.losses && !extra.losses.includes(name)) continue;
    const model = await isotone.fit(rows, {
      target,
      loss,
      features: FEATURES,
      members: 2,
      epochs: 40,
      batch: 48,
      seed: 11,
      ...extra.fit,
    });
    if (!model.certify().monotone) throw new Error(`${name}: not monotone`);
    const text = JSON.stringify(model);
    const predictions = model.predictMany(fresh);
    const derivatives = model.sensitivityMany(fresh);
    digests[`${name} model`] = digestText(text);
    digests[`${name} predictions`] = digestFloats(predictions);
    digests[`${name} derivatives`] = digestFloats(derivatives);
    // single rows and saved models have the bits of the batch
    const singles = Float32Array.from(fresh, (row) => model.predict(row));
    same(predictions, singles, `${name}: predict against predictMany`);
    for (const [how, other] of [
      ["load", isotone.load(text, extra.load)],
      ["isotone/predict", small.load(JSON.parse(text), extra.smallLoad)],
    ]) {
      same(predictions, other.predictMany(fresh), `${name}: predictMany after ${how}`);
      same(derivatives, other.sensitivityMany(fresh), `${name}: sensitivityMany after ${how}`);
    }
    if (JSON.stringify(isotone.load(text, extra.load)) !== text)
      throw new Error(`${name}: saved again, the file differs`);
    if (name === "quantiles") {
      const levels = Float32Array.from({ length: 99 }, (_, i) => model.quantile(fresh[0], (i + 1) / 100));
      digests[`${name} levels`] = digestFloats(levels);
      if (levels.some((v, i) => i > 0 && v < levels[i - 1])) throw new Error("quantiles cross");
    }
    first ??= { model, predictions };
  }
  // models loaded, used and dropped in numbers do not disturb the first
  const text = JSON.stringify(first.model);
  for (let i = 0; i < 20; i++) isotone.load(text, extra.load).predict(fresh[i]);
  same(first.predictions, first.model.predictMany(fresh), "the first model after others came and went");
  return digests;
}

/** Names of the digests that differ from the golden ones, or are missing. */
export function differences(digests, golden) {
  return Object.keys({ ...golden, ...digests }).filter((name) => digests[name] !== golden[name]);
}
