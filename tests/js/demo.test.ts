// The pieces of the demo: measured rows, the linear and the MLP rival, the tables, and what it claims of isotone.

import { describe, expect, it } from "vitest";
import { auditTable, rankActivities, reportOf, scoreTable, sensitivityTable } from "../../examples/jobs/demo.mjs";
import { fitLinear } from "../../examples/jobs/linear.mjs";
import { ACTIVITIES, drawJobs } from "../../examples/jobs/measure.mjs";
import { fitMlp } from "../../examples/jobs/mlp.mjs";
import { barsOf, drawDerivatives } from "../../examples/jobs/picture.mjs";
import { generator } from "../../examples/jobs/random.mjs";
import { baselines, columnOf, negatives, readJobs, studyIsotone } from "../../examples/jobs/study.mjs";
import * as isotone from "../../js/index.js";
import * as report from "../../js/report/index.js";

const jobs = readJobs();

describe("the measured jobs", () => {
  it("are at least 2,000 rows of counts and a positive duration", () => {
    const rows = [...jobs.train.rows, ...jobs.test.rows];
    expect(rows.length).toBeGreaterThanOrEqual(2000);
    expect(jobs.names).toEqual(ACTIVITIES.map((a) => a.name));
    expect(rows.every((row) => row.length === 7 && row.every((v: number) => Number.isInteger(v) && v >= 0))).toBe(true);
    expect([...jobs.train.ms, ...jobs.test.ms].every((ms) => ms > 0)).toBe(true);
  });

  it("have the counts that the program draws from its seed", () => {
    const drawn = drawJobs(2400, 1);
    const sum = (rows: number[][], j: number) => rows.reduce((total, row) => total + row[j], 0);
    const rows = [...jobs.train.rows, ...jobs.test.rows];
    // engines differ in the last bit of exp and log: a rare count may be one off
    for (let j = 0; j < 7; j++) expect(Math.abs(sum(drawn, j) - sum(rows, j))).toBeLessThanOrEqual(3);
  });

  it("are split the same way every time", () => {
    expect(readJobs().test.ms).toEqual(jobs.test.ms);
    expect(readJobs(2).test.ms).not.toEqual(jobs.test.ms);
  });
});

describe("the rivals", () => {
  const random = generator(5);
  const rows = Array.from({ length: 120 }, () => [random.below(20), random.below(50), random.below(9)]);

  it("a linear fit recovers slopes, and holds at 0 those that would be negative", () => {
    const exact = fitLinear(
      rows,
      rows.map(([a, b]) => 3 + 2 * a + 0.5 * b),
    );
    expect(exact.intercept).toBeCloseTo(3, 6);
    [2, 0.5, 0].forEach((slope, j) => {
      expect(exact.slopes[j]).toBeCloseTo(slope, 6);
    });
    const held = fitLinear(
      rows,
      rows.map(([a, b, c]) => 3 + 2 * a + 0.5 * b - c),
    );
    expect(held.slopes[2]).toBe(0);
  });

  it("an MLP repeats its training and has the derivatives of finite differences", async () => {
    const targets = rows.map(([a, b, c]) => 3 + 2 * a + 0.1 * b * c);
    const net = await fitMlp(rows, targets, { seed: 3, epochs: 8 });
    const again = await fitMlp(rows, targets, { seed: 3, epochs: 8 });
    expect(Array.from(again.predict(rows))).toEqual(Array.from(net.predict(rows)));
    const derivatives = net.derivatives(rows);
    const step = 0.01;
    let agreeing = 0;
    rows.forEach((row, i) => {
      row.forEach((_, j) => {
        const moved = (by: number) => row.map((v, k) => (k === j ? v + by : v));
        const [high, low] = net.predict([moved(step), moved(-step)]);
        const slope = (high - low) / (2 * step);
        if (Math.abs(slope - derivatives[i * 3 + j]) <= 0.02 * Math.abs(slope) + 0.005) agreeing++;
      });
    });
    // differences across a kink of a ReLU are another number
    expect(agreeing / (rows.length * 3)).toBeGreaterThan(0.95);
  });
});

describe("the demo", () => {
  it("has a better model than the linear fit, and no negative derivative", async () => {
    const own = await studyIsotone(isotone, jobs, { members: 2 });
    const { mean, linear } = baselines(jobs);
    expect(linear.rmse).toBeLessThan(mean.rmse);
    expect(own.rmse).toBeLessThan(0.6 * linear.rmse);
    expect(own.derivatives.length).toBe(jobs.test.rows.length * 7);
    expect(negatives(own.derivatives)).toBe(0);
    expect(own.audit).toMatchObject({ wrong: 0, checked: own.derivatives.length, pairs: { outOfOrder: 0 } });
    const [, line] = auditTable([["isotone", own.audit]]).split("\n");
    expect(line).toMatch(/^ {2}isotone +0 of 3360, 0.0 % +0 of \d+, 0.0 % +0 of 2000, 0.0 %$/);
    expect(own.model.certify().monotone).toBe(true);
    const page = reportOf(report, own.model, jobs.test);
    expect(page).toContain(`On the ${jobs.test.rows.length} rows of this file, held out`);
    expect(page).toContain(`of ${(jobs.test.rows.length * 7).toLocaleString("en")} constrained partial derivatives`);
  });

  it("prints tables that fit into 80 columns", () => {
    const n = jobs.test.rows.length;
    const derivatives = Float32Array.from({ length: n * 7 }, (_, i) => ((i % 13) - 3) / 1700);
    const ranked = rankActivities(jobs.names, jobs.test.rows, derivatives, derivatives);
    const score = { rmse: 0.5, r2: 0.9, median: 0.1 };
    const text = `${scoreTable([["MLP 64-32, ReLU (TensorFlow.js)", score]])}\n${sensitivityTable(ranked, n)}`;
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    for (let i = 1; i < ranked.length; i++) expect(ranked[i].perSd).toBeLessThanOrEqual(ranked[i - 1].perSd);
  });

  it("counts negative derivatives by column", () => {
    const derivatives = Float32Array.of(1, -2, 3, 4, -5, -6);
    expect(negatives(derivatives)).toBe(3);
    expect(columnOf(derivatives, 2, 1).negative).toBe(2);
    expect(columnOf(derivatives, 2, 0).mean).toBeCloseTo(-1 / 3, 6);
  });

  it("draws bars that part at 0 and a picture that says its numbers", () => {
    const bars = barsOf([-0.3, -0.1, 0.1, 0.2, 0.7], -0.5, 1, "MLP");
    expect(bars.every((bar) => bar.x2 <= 1e-12 || bar.x1 >= -1e-12)).toBe(true);
    expect(bars.filter((bar) => bar.negative).length).toBe(2);
    const own = Float32Array.from({ length: 40 }, (_, i) => 1 + (i % 7));
    const other = own.map((v, i) => (i % 4 === 1 ? -v : v));
    const svg = drawDerivatives(["one", "two"], own, other);
    expect(svg).toContain(
      "Of 40 partial derivatives on 20 held-out jobs, 10 of the MLP's are negative and 0 of isotone's.",
    );
    expect(svg).not.toContain("NaN");
  });
});
