// Which of two centres: scaling by their cross-validated errors.

import { expect, test } from "vitest";
import { clearlyBetter } from "../../js/centre.js";

test("a centre is clearly better only where it wins by a standard error of the difference", () => {
  const centre = (errors: number[]) => ({
    all: new Float64Array(1),
    without: [],
    ridge: 1,
    error: errors.reduce((a, b) => a + b, 0),
    errors: Float64Array.from(errors),
  });
  const even = centre([5, 5, 5, 5]);
  expect(clearlyBetter(centre([4, 4.5, 4, 4.5]), even)).toBe(true);
  expect(clearlyBetter(even, centre([4, 4.5, 4, 4.5]))).toBe(false);
  // less in all, by one huge part
  expect(clearlyBetter(centre([6, 6, 6, 1]), even)).toBe(false);
  expect(clearlyBetter(even, even)).toBe(false);
  // gains of m - 1, m + 1, m - 1, m + 1: their sum 4 m has a standard error of sqrt(4 * 4 / 3), 2.31
  const ahead = (m: number) => clearlyBetter(even, centre([4 + m, 6 + m, 4 + m, 6 + m]));
  expect([ahead(0.57), ahead(0.58)]).toEqual([false, true]);
});
