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
