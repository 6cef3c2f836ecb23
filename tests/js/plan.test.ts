// How long and with what members train: what the user set, what auto stands for, and sources that are read again, part by part.

import { describe, expect, it } from "vitest";
import { defaultsFor } from "../../js/defaults.js";
import type { Folds } from "../../js/folds.js";
import { planNetworks, planTraining } from "../../js/plan.js";
import type { Readings } from "../../js/readings.js";
import type { Hyper, Schema } from "../../js/schema.js";
import type { Source } from "../../js/source.js";
import { LOSSES } from "../../js/wasm.js";

const auto: Hyper = {
  networks: "auto",
  groups: "auto",
  hyperplanes: "auto",
  epochs: "auto",
  batch: "auto",
  learningRate: "auto",
  validation: "auto",
  members: "auto",
};

interface Asked {
  n?: number;
  d?: number;
  hyper?: Partial<Hyper>;
  effort?: Schema["effort"];
  folds?: Partial<Folds>;
  readings?: Partial<Readings>;
  room?: number;
  threads?: number;
  level?: boolean;
}

function planned({ n = 1000, d = 5, hyper, effort = "default", folds, readings, room = 0, threads = 1, level }: Asked) {
  const schema = { hyper: { ...auto, ...hyper }, loss: { name: "squared" }, seed: 7, effort } as Schema;
  const defaults = defaultsFor(n, d, effort);
  const signs = new Array<number>(d + Number(level ?? false)).fill(1);
  const layout = planNetworks(schema, defaults.lambda, d, signs);
  const source = { rows: n, schema } as Source;
  const dealt = { members: defaults.members, out: true, count: 8, of: new Uint8Array(n), ...folds } as Folds;
  return { layout, plan: planTraining(source, defaults, dealt, layout, 0.5, readings as Readings, room, threads) };
}

describe("networks", () => {
  it("are a plane and sixteen of four groups of four, which share the ridge and the sum", () => {
    const { layout, plan } = planned({ n: 300 });
    expect(layout.shapes).toEqual([1, 1, ...new Array<number>(32).fill(4)]);
    expect(layout.factors).toEqual([1, ...new Array<number>(16).fill(1 / 16)]);
    expect(layout.lambdas).toEqual([0, ...new Array<number>(16).fill(50 / 300 ** 2 / 16)]);
    expect(plan).toMatchObject({ planes: 257, withPlane: true, dp: 8 });
    expect(planned({ d: 3 }).plan.dp).toBe(4);
    expect(planned({ d: 4 }).plan.dp).toBe(8);
  });

  it("are one alone, without a plane, where one is asked for; a level is an input more", () => {
    const { layout, plan } = planned({ hyper: { networks: 1, groups: 3, hyperplanes: 5 }, level: true });
    expect(layout).toMatchObject({ columns: 5, withLevel: 1, shapes: [3, 5], factors: [1] });
    expect(plan).toMatchObject({ planes: 15, withPlane: false });
  });

  it("of more planes than the kernels count are refused, those of all members together", () => {
    const asked = { hyper: { networks: 1024, groups: 64, hyperplanes: 32 } } as const;
    expect(planned({ ...asked, folds: { members: 7 } }).plan.planes).toBe(2 ** 21 + 1);
    expect(() => planned({ ...asked, folds: { members: 8 } })).toThrow("fewer than 2^24 hyperplanes");
  });
});

describe("steps", () => {
  it("are those of the defaults, and their epochs what they come to on the rows that a member trains on", () => {
    const { plan } = planned({ n: 1000 });
    // 125 rows are left out: fourteen steps of 64 an epoch
    expect(plan).toMatchObject({ steps: 4000, batch: 64, rate: 0.06, epochs: 4000 / 14, looks: 40, patience: 20 });
    expect(plan).toMatchObject({
      keepAll: false,
      decays: [1, 0.1],
      trainedOn: 1000,
      reads: 0,
      quota: 0,
      seed: 7,
      loss: LOSSES.squared,
      parameter: 0.5,
      levels: [0.5],
      spread: 0.25,
      room: 0,
    });
  });

  it("make the epochs that are asked for, without stopping, with one ridge", () => {
    const { plan } = planned({ n: 1000, hyper: { epochs: 3, batch: 100, learningRate: 0.01 } });
    expect(plan).toMatchObject({ steps: 27, batch: 100, rate: 0.01, epochs: 3, patience: 40, decays: [1] });
    expect(planned({ n: 1000, folds: { out: false } }).plan).toMatchObject({
      patience: 40,
      decays: [1],
      epochs: 4000 / 16,
    });
  });

  it("are of no more rows than there are", () => {
    expect(planned({ n: 20 }).plan.batch).toBe(17);
    expect(planned({ n: 20, folds: { out: false } }).plan.batch).toBe(20);
    expect(planned({ n: 2, folds: { count: 2 } }).plan.batch).toBe(1);
  });

  it("of few rows are chosen for all members: every look is kept, fewer of them where they would take a quarter of a gigabyte", () => {
    expect(planned({ n: 249 }).plan).toMatchObject({ keepAll: true, looks: 40, patience: 40 });
    expect(planned({ n: 250 }).plan.keepAll).toBe(false);
    expect(planned({ n: 249, folds: { out: false } }).plan.keepAll).toBe(false);
    // planes times stride times four bytes, for each look of each of eight members
    const of = (networks: number) => planned({ n: 249, d: 27, hyper: { networks, groups: 16, hyperplanes: 16 } }).plan;
    expect([
      of(29).planes * of(29).dp * 4 * 40 * 8 <= 2 ** 28,
      of(30).planes * of(30).dp * 4 * 40 * 8 <= 2 ** 28,
    ]).toEqual([true, false]);
    expect([of(29).looks, of(30).looks]).toEqual([40, 10]);
    expect(planned({ n: 250, d: 27, hyper: { networks: 30, groups: 16, hyperplanes: 16 } }).plan.looks).toBe(40);
  });

  it("of a thread that has helpers are cut shorter, so that it hears them", () => {
    expect(planned({}).plan.slice).toBe(6e7);
    expect(planned({ threads: 2 }).plan.slice).toBe(1.5e7);
  });
});

describe("parts of a source that is read again", () => {
  /** `stepsOf` as readings have it, for parts of as many pieces. */
  const readings = (n: number, parts: number, pieces: number) => ({
    parts,
    pieces,
    stepsOf: (reads: number, share: number, batch: number) =>
      Math.ceil(reads * pieces * ((share * n) / (parts * pieces * batch) + 1)),
  });

  it("are all gone through, as often as the epochs asked for", () => {
    const n = 100_000;
    const { plan } = planned({ n, hyper: { epochs: 3 }, readings: readings(n, 5, 8), room: 640 });
    expect(plan).toMatchObject({ reads: 15, quota: 8, trainedOn: n, room: 640, patience: 40, epochs: 3 });
    expect(plan.steps).toBe(readings(n, 5, 8).stepsOf(15, 0.875, 128));
  });

  it("are gone through as often as the steps take, at least once; sixteen of them at most, one in a short search", () => {
    const n = 100_000;
    // 10,000 steps of 128 of 87,500 rows: fifteen times
    expect(planned({ n, readings: readings(n, 5, 8) }).plan).toMatchObject({ reads: 75, trainedOn: n });
    expect(planned({ n, readings: readings(n, 5, 8) }).plan.steps).toBe(readings(n, 5, 8).stepsOf(75, 0.875, 128));
    const many = 100_000_000;
    const long = planned({ n: many, readings: readings(many, 50, 8) }).plan;
    expect(long).toMatchObject({ reads: 16, trainedOn: (many * 16) / 50, quota: 8 });
    expect(long.steps).toBe(readings(many, 50, 8).stepsOf(16, 0.875, 128));
    const short = planned({ n: many, effort: "fast", readings: readings(many, 50, 8) }).plan;
    expect(short).toMatchObject({ reads: 1, trainedOn: many / 50 });
    // all of them where epochs are asked for
    expect(
      planned({ n: many, hyper: { epochs: 1 }, effort: "fast", readings: readings(many, 50, 8) }).plan,
    ).toMatchObject({ reads: 50, trainedOn: many });
  });

  it("give more pieces than they have where the steps take longer than they last", () => {
    const n = 100_000_000;
    const given = { ...readings(n, 50, 8), stepsOf: () => 1000 };
    expect(planned({ n, readings: given }).plan).toMatchObject({ steps: 10000, quota: 80 });
    expect(planned({ n, hyper: { epochs: 1 }, readings: given }).plan).toMatchObject({ steps: 1000, quota: 8 });
  });
});
