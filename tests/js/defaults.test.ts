// What `auto` stands for: docs/defaults.md has the table.
import { describe, expect, it } from "vitest";
import { defaultsFor } from "../../js/defaults.js";
import { WIDE } from "../../js/relevance.js";

describe("steps of wide tables", () => {
  const narrow = defaultsFor(50000, WIDE);
  const wide = defaultsFor(50000, 4 * WIDE);

  it("are of 512 rows from 20,000 rows on, at a rate that falls with the root of the inputs", () => {
    expect([narrow.batch, wide.batch]).toEqual([128, 512]);
    expect([narrow.learningRate, wide.learningRate]).toEqual([0.06, 0.03]);
  });

  it("are of as many rows as in narrow tables below, at a rate that falls with the inputs", () => {
    const few = defaultsFor(19999, 4 * WIDE);
    expect([few.batch, few.learningRate]).toEqual([64, 0.015]);
  });

  it("are short where shards share their scales, since relevance does not hold the inputs there", () => {
    const shard = defaultsFor(50000, 4 * WIDE, "default", true);
    expect([shard.batch, shard.learningRate]).toEqual([128, 0.06 / 16]);
  });
});

describe("training longer", () => {
  it.each([
    [127, "default", 0],
    [128, "default", 8],
    [249, "best", 8],
    [250, "default", 2],
    [1999, "best", 2],
    [1999, "fast", 0],
    [2000, "best", 0],
  ] as const)("of %i rows, effort %s, takes %i times the steps, or is not tried", (n, effort, times) => {
    expect(defaultsFor(n, 3, effort).longer).toBe(times);
  });

  it("has the rate of larger tables, which falls with the inputs of wide ones", () => {
    expect(defaultsFor(200, 4 * WIDE)).toMatchObject({ learningRate: 0.01, longerRate: 0.015 });
  });
});
