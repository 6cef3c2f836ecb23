// Pruning leaves most groups of large networks unread (assembly/prune.ts). It must not change a bit: of a prediction, a derivative, a model.

import { describe, expect, test } from "vitest";
import { fit, load as loadWhole } from "../../js/index.js";
import { makeModel } from "../../js/model.js";
import { load } from "../../js/predict.js";
import type { ModelData } from "../../js/types.js";
import { generator, makeModel as made, makeRows } from "./oracle.js";
import { bits, makeTrainer } from "./trainer.js";

/** Rows between -1 and 1, and a target with bends that increases with each. */
function table(n: number, d: number) {
  const random = generator(5);
  const x = Float32Array.from({ length: n * d }, () => random() * 2 - 1);
  const y = new Float32Array(n);
  for (let r = 0; r < n; r++) {
    for (let i = 0; i + 1 < d; i += 2) y[r] += Math.min(x[r * d + i], x[r * d + i + 1]) + Math.max(0, x[r * d + i]);
  }
  return { x, y };
}

/** Sill's network: groups x hyperplanes. The first three prune, the last does not. */
const SHAPES = [
  [16, 16],
  [32, 8],
  [12, 30],
  [4, 4],
] as const;

describe("pruning", () => {
  // 90 rows: more than those whose further groups are read together
  test.each(SHAPES.flatMap(([groups, hyperplanes]) => [45, 90].map((batch) => [groups, hyperplanes, batch] as const)))(
    "a trainer of %i groups x %i hyperplanes, batch %i, that reads every plane has the same weights and sums",
    (groups, hyperplanes, batch) => {
      const n = 700;
      const d = 7;
      const { x, y } = table(n, d);
      const run = (every: boolean) => {
        const shape = { shapes: [groups, hyperplanes], factors: [1], lambdas: [0] };
        const trainer = makeTrainer(x, y, { ...shape, signs: new Array<number>(d).fill(1) });
        const pruned = every && trainer.t.wasm.dropPlan() === 1;
        trainer.start(false, batch, 600);
        trainer.t.wasm.advance(600);
        return { pruned, sums: trainer.sums(), w: trainer.weights(), loss: trainer.t.wasm.meanLoss() };
      };
      const pruned = run(false);
      const dense = run(true);
      expect(dense.pruned).toBe(groups * hyperplanes >= 128);
      expect(pruned.loss).toBe(dense.loss);
      expect(bits(pruned.w)).toEqual(bits(dense.w));
      expect(bits(pruned.sums)).toEqual(bits(dense.sums));
    },
  );

  test.each(SHAPES)(
    "a model of %i groups x %i hyperplanes predicts with the bits of isotone/predict, which reads every plane",
    async (groups, hyperplanes) => {
      const n = 900;
      const d = 6;
      const { x, y } = table(n, d);
      const columns: Record<string, Float32Array> = { y };
      for (let i = 0; i < d; i++) columns[`x${i}`] = x.filter((_, k) => k % d === i);
      const options = { target: "y", networks: 1, groups, hyperplanes, members: 2, epochs: 12, batch: 32, seed: 2 };
      const data = JSON.parse(JSON.stringify(await fit(columns, options))) as ModelData;
      const model = loadWhole(data);
      const other = load(data);
      // more rows than the kernels look at before they judge whether pruning pays, and a number that is no multiple of eight
      const many = table(1501, d).x;
      const predictions = other.predictMany(many);
      expect(bits(model.predictMany(many))).toEqual(bits(predictions));
      expect(bits(model.sensitivityMany(many))).toEqual(bits(other.sensitivityMany(many)));
      for (let r = 0; r < 60; r++) expect(model.predict([...many.subarray(r * d, (r + 1) * d)])).toBe(predictions[r]);
    },
  );

  test.each([10, 13, 20])(
    "a sum of small networks of %i inputs predicts with the bits of isotone/predict, trained or not",
    async (d) => {
      const { x, y } = table(900, d);
      const columns: Record<string, Float32Array> = { y };
      for (let i = 0; i < d; i++) columns[`x${i}`] = x.filter((_, k) => k % d === i);
      const trained = await fit(columns, { target: "y", members: 2, epochs: 40, batch: 32, seed: 2 });
      const plain = { numbers: d, categories: 0, missing: false, log1p: false, ragged: false };
      const many = table(1501, d).x;
      for (const data of [
        JSON.parse(JSON.stringify(trained)) as ModelData,
        made({ seed: 3, networks: 8, groups: 4, planes: 4, ...plain }),
      ]) {
        const predictions = load(data).predictMany(many);
        const model = loadWhole(data);
        expect(bits(model.predictMany(many))).toEqual(bits(predictions));
        // one row a call has a kernel of its own
        for (let r = 0; r < 200; r++) expect(model.predict(many.subarray(r * d, (r + 1) * d))).toBe(predictions[r]);
      }
    },
  );

  test.each([...SHAPES, [6, 6], [9, 5]])(
    "a model of %i groups x %i hyperplanes names the number that is not finite, wherever the row stands",
    (groups, planes) => {
      const d = 14;
      const plain = { numbers: d, categories: 0, missing: false, log1p: false, ragged: false };
      const data = made({ seed: 3, networks: 1, groups, planes, ...plain });
      const x = makeRows(data, 300, 2);
      for (const [rows, row] of [
        [1, 0],
        [5, 4],
        [64, 63],
        [300, 17],
      ]) {
        for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
          // a fresh model: pruned from its first row on
          const model = makeModel(data);
          const some = x.slice(0, rows * d);
          some.fill(wrong, row * d, row * d + d);
          expect(() => model.predictMany(some)).toThrow(`row ${row}: "x0" is ${wrong}`);
          expect(() => model.sensitivityMany(some)).toThrow(`row ${row}: "x0" is ${wrong}`);
        }
      }
    },
  );

  test.each([1, 2, 3, 5, 6])(
    "networks of all shapes side by side read the planes of groups of %i as they are",
    (planes) => {
      const d = 11;
      const plain = { numbers: d, categories: 0, missing: false, log1p: false, ragged: false, networks: 1 };
      const all = [
        [16, 16],
        [8, planes],
        [1, 1],
      ].map(([groups, planes], seed) => made({ seed, groups, planes, ...plain }).networks[0]);
      const many = table(203, d).x;
      for (const networks of [all, all.slice().reverse()]) {
        const data = { ...made({ seed: 3, ...plain }), networks };
        const predictions = load(data).predictMany(many);
        expect(bits(loadWhole(data).predictMany(many))).toEqual(bits(predictions));
        expect(bits(loadWhole(data).sensitivityMany(many))).toEqual(bits(load(data).sensitivityMany(many)));
        for (let r = 0; r < 60; r++)
          expect(loadWhole(data).predict(many.subarray(r * d, (r + 1) * d))).toBe(predictions[r]);
      }
    },
  );
});
