// The straight lines of the benchmark page: bench/lib/growth.mjs.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
// @ts-expect-error: a script without types
import { growth, straightLine } from "../../bench/lib/growth.mjs";

describe("straight lines of growth", () => {
  test("are found exactly where there are some", () => {
    const { fixed, each, worst } = straightLine([8, 16, 64], [70 + 8 * 21, 70 + 16 * 21, 70 + 64 * 21]);
    expect(fixed).toBeCloseTo(70, 9);
    expect(each).toBeCloseTo(21, 9);
    expect(worst).toBeLessThan(1e-12);
  });

  test("have the least relative squares, and say how far a time is from them", () => {
    const sizes = [1, 10, 100, 1000];
    const times = [3, 14, 90, 1400];
    const line = straightLine(sizes, times);
    const squares = (fixed: number, each: number) =>
      sizes.reduce((sum, size, k) => sum + ((fixed + each * size) / times[k] - 1) ** 2, 0);
    const least = squares(line.fixed, line.each);
    for (const [a, b] of [
      [1.01, 1],
      [0.99, 1],
      [1, 1.01],
      [1, 0.99],
    ])
      expect(squares(line.fixed * a, line.each * b)).toBeGreaterThan(least);
    expect(line.worst).toBe(
      Math.max(...sizes.map((size, k) => Math.abs((line.fixed + line.each * size) / times[k] - 1))),
    );
  });

  test("on the page are those of the stored measurements, and no figure is 10 % off", () => {
    const { scale } = JSON.parse(readFileSync(new URL("../../bench/results.json", import.meta.url), "utf8"));
    const page = readFileSync(new URL("../../bench/RESULTS.md", import.meta.url), "utf8");
    for (const { grows, timed, unit, worst } of growth(scale)) {
      expect(worst, `${timed} against ${grows}`).toBeLessThan(0.1);
      expect(page).toMatch(new RegExp(`\\| ${timed}, ${unit} \\| ${grows} \\|.*\\| ${(100 * worst).toFixed(1)} % \\|`));
    }
  });
});
