// Warnings of directions that the rows speak against.

import { describe, expect, it } from "vitest";
import { directionsAgainst } from "../../js/directions.js";
import { fit } from "../../js/fit.js";
import { generator } from "./random-model.js";

const options = { epochs: 3, members: 2, networks: 2 } as const;

function rows(n: number, minutes: (scan: number, staff: number, noise: number) => number, seed = 3) {
  const random = generator(seed);
  return Array.from({ length: n }, () => {
    const scan = Math.floor(random() * 20);
    const staff = Math.floor(random() * 6);
    return { scan, staff, minutes: minutes(scan, staff, random() - 0.5) };
  });
}

async function warned(table: ReturnType<typeof rows>, staff: "increasing" | "decreasing" | "free") {
  const model = await fit(table, { target: "minutes", features: { scan: "increasing", staff }, ...options });
  return model.training.warnings;
}

describe("a fit", () => {
  it("says which direction the rows speak against", async () => {
    const table = rows(300, (scan, staff, noise) => scan - 4 * staff + noise);
    const [warning, ...others] = await warned(table, "increasing");
    expect(others).toEqual([]);
    expect(warning).toMatch(
      /^"staff" is declared increasing, but "minutes" falls with it in these rows \(correlation -0\.7/,
    );
    expect(await warned(table, "decreasing")).toEqual([]);
    expect(await warned(table, "free")).toEqual([]);
  });

  it("says so of a target that rises with what is declared to let it fall", async () => {
    const [warning] = await warned(
      rows(300, (scan, staff, noise) => 4 * staff - scan / 9 + noise),
      "decreasing",
    );
    expect(warning).toMatch(
      /^"staff" is declared decreasing, but "minutes" rises with it in these rows \(correlation 0\.9/,
    );
  });

  it("is judged from a tenth of a correlation on, and from four of its standard errors", async () => {
    const none = Float64Array.of(0, 0);
    const pause = async () => {};
    // x and y of m rows, whose correlation is that of the share of rows that agree
    const found = async (n: number, agree: number) => {
      const x = Float32Array.from({ length: n }, (_, r) => (r % 2 ? 1 : -1));
      const y = Float64Array.from(x, (v, r) => (r < agree ? v : -v));
      const all = await directionsAgainst(x, y, [-1], none, pause);
      return all.map(({ correlation }) => Math.round(1000 * correlation) / 1000);
    };
    expect(await found(10_000, 5_500)).toEqual([]);
    expect(await found(10_000, 5_502)).toEqual([0.1]);
    expect(await found(400, 240)).toEqual([]);
    expect(await found(400, 242)).toEqual([0.21]);
    // of many rows every so many are looked at
    const random = generator(2);
    const long = Float32Array.from({ length: 200_000 }, () => random());
    const turned = long.map((v, r) => v * (r % 4 ? -1 : 1));
    expect((await directionsAgainst(long, turned, [-1], none, pause))[0].correlation).toBeCloseTo(1, 9);
    // a column, or a target, of one value tells nothing; nor does a free one, nor one that the fit uses
    expect(await directionsAgainst(Float32Array.of(1, 1, 1, 1), [1, 2, 3, 4], [-1], none, pause)).toEqual([]);
    const rising = Float32Array.from({ length: 100 }, (_, r) => r);
    const against = async (sign: number, used: number) =>
      (await directionsAgainst(rising, rising, [sign], Float64Array.of(used, 0), pause)).length;
    expect([await against(-1, 0), await against(0, 0), await against(-1, 0.1), await against(1, 0)]).toEqual([
      1, 0, 0, 0,
    ]);
  });

  it("says nothing where a feature has no effect", async () => {
    for (let seed = 1; seed <= 20; seed++)
      expect(
        await warned(
          rows(60, (scan, _, noise) => scan + noise, seed),
          "increasing",
        ),
      ).toEqual([]);
  });

  it("says nothing where the other columns explain why the target falls", async () => {
    // y = 3a + b, and b falls as a rises
    const random = generator(5);
    const [n, d] = [500, 2];
    const x = new Float32Array(n * d);
    const y = new Float64Array(n);
    for (let r = 0; r < n; r++) {
      x[r * d] = random() * 4 - 2;
      x[r * d + 1] = -x[r * d] + 0.2 * (random() - 0.5);
      y[r] = 3 * x[r * d] + x[r * d + 1];
    }
    // alone, input 1 falls with the target; the fit of both gives it its coefficient of 1
    const pause = async () => {};
    expect(await directionsAgainst(x, y, [1, 1], Float64Array.of(3, 1, 0), pause)).toEqual([]);
    const [found] = await directionsAgainst(x, y, [1, 1], Float64Array.of(2, 0, 0), pause);
    expect(found.input).toBe(1);
    expect(found.correlation).toBeLessThan(-0.9);
  });
});
