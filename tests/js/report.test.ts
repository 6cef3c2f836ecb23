// The report without a browser: text that cannot be broken out of, numbers against independent oracles, words that say no more than the numbers,
// and pages for every kind of model. How pages look is tested in tests/browser.

import { execFileSync } from "node:child_process";
import * as Plot from "@observablehq/plot";
import fc from "fast-check";
import { parseHTML } from "linkedom";
import { describe, expect, it } from "vitest";
import { fit, load, type Model } from "../../js/index.js";
import { makeModel } from "../../js/model.js";
import { stacked } from "../../js/report/charts/drivers.js";
import { draw, extent, packed, ticksWithin } from "../../js/report/drawing.js";
import { gatherer, type ReportModel } from "../../js/report/gather.js";
import { apart, fitted, roundTicks, shownName, tickLabels, widthOf } from "../../js/report/labels.js";
import { calibrationOf, qualityOf, quantile } from "../../js/report/quality.js";
import { renderReport } from "../../js/report/render.js";
import { makeStudy, type Study } from "../../js/report/study.js";
import {
  aligned,
  clip,
  escapeHtml,
  html,
  Markup,
  percent,
  placed,
  rSquared,
  short,
  tick,
  visible,
} from "../../js/report/text.js";
import { commands, javascript } from "../../js/report/usage.js";
import * as words from "../../js/report/words.js";
import { sensitivitySummary } from "../../js/sensitivity.js";
import { shellWord } from "../../js/shell.js";
import type { ModelData } from "../../js/types.js";
import { everyKind, generator, HOSTILE, makeModel as made, makeRows } from "./oracle.js";

/** What a browser makes of text between tags. */
const unescaped = (text: string) =>
  text.replace(
    /&(amp|lt|gt|quot|#39);/g,
    (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "?",
  );

const gathered = (
  model: ReportModel,
  rows: Float32Array,
  actual?: ArrayLike<number>,
  options: Parameters<typeof gatherer>[1] & { weights?: ArrayLike<number> } = {},
) => {
  const { weights, ...rest } = options;
  const all = gatherer(model, rest);
  all.add(rows, actual, weights);
  return all.done();
};

/** A plane: y = 2 a - 3 b + 1 with residuals of out-of-fold rows from -1 to 1. */
function plane(): ModelData {
  const data = made({ numbers: 3, categories: 0, missing: false, log1p: false, networks: 1, groups: 1, planes: 1 });
  data.features = data.features.map((feature, i) => ({
    ...feature,
    name: ["a", "b", "c"][i],
    range: [0, 10] as [number, number],
    median: 5,
  }));
  data.inputs = data.inputs.map((input) => ({ ...input, center: 0, scale: 1 }));
  data.networks = [[[[2, -3, 0, 1]]]];
  data.scale = 1;
  data.offset = 0;
  data.target = { name: "ms" };
  data.residuals = Array.from({ length: 201 }, (_, k) => (k - 100) / 100);
  return data;
}

const planeRows = (n: number, seed = 1) => {
  const random = generator(seed);
  return Float32Array.from({ length: 3 * n }, () => Math.fround(10 * random()));
};

describe("text", () => {
  it("escapes names so that HTML reads back what is visible of them", () => {
    const check = (name: string) => {
      const escaped = escapeHtml(name);
      expect(escaped).not.toMatch(/[<>"']/);
      expect(unescaped(escaped)).toBe(visible(name));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
      expect(escaped).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u200b\ufeff]/);
      expect(escaped.isWellFormed()).toBe(true);
    };
    for (const name of HOSTILE) check(name);
    fc.assert(fc.property(fc.string({ unit: "binary" }), check));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 9 }), (codes) =>
        check(String.fromCharCode(...codes)),
      ),
    );
  });

  it("lets only Markup into HTML as it is", () => {
    expect(
      html`<p>${"<b>"} ${new Markup("<i>")} ${["&", html`<u>${"'"}</u>`]} ${false}${undefined}${null}${0}</p>`.text,
    ).toBe("<p>&lt;b&gt; <i> &amp;<u>&#39;</u> 0</p>");
  });

  it("shows marks that would turn text round or vanish, and leaves emoji joined", () => {
    expect(visible("a\u202eb\u0000c\u00ad")).toBe("a\\u202eb\\u0000c\\u00ad");
    expect(visible("👩‍👩‍👧 a\u200db")).toBe("👩‍👩‍👧 a\\u200db");
    expect(shownName("")).toBe("(no name)");
    expect(shownName(" \t")).toBe("(blank)");
    expect([...clip("🙂".repeat(50), 10)].length).toBe(10);
  });

  it.each([
    [0, "0"],
    [-0, "0"],
    [0.1234, "0.123"],
    [-12.345, "−12.3"],
    [999.96, "1,000"],
    [-999.96, "−1,000"],
    [1234567.8, "1,234,568"],
    [0.0000878, "8.78×10⁻⁵"],
    [-2e15, "−2×10¹⁵"],
    [Number.NaN, "–"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("writes %d in short as %s", (value, text) => {
    expect(short(value)).toBe(text);
  });

  it("lines numbers of a column up, with a true minus, and reads back to them", () => {
    expect(aligned([1.7551, 0.117, -0.4051])).toEqual(["1.755", "0.117", "−0.405"]);
    expect(aligned([12345.6, 2])).toEqual(["12,346", "2"]);
    expect(aligned([3, -0.0001])).toEqual(["3", "−0.0001"]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 }),
        (values) => {
          const texts = aligned(values);
          const most = Math.max(...values.map(Math.abs));
          texts.forEach((text, i) => {
            if (text.includes("×")) return;
            const back = Number(text.replace("−", "-").replace(/,/g, ""));
            expect(Math.abs(back - values[i])).toBeLessThanOrEqual(0.006 * Math.max(Math.abs(values[i]), most) + 1e-12);
          });
          const decimals = texts.map((text) => text.split(".")[1]?.length ?? 0);
          const apart = values.map((v) => short(v));
          expect(new Set(decimals).size === 1 || texts.every((text, k) => text === apart[k])).toBe(true);
        },
      ),
    );
  });

  it("never calls a share 0 % or 100 % that is not", () => {
    expect([0, 0.0004, 0.034, 0.5, 0.9995, 1].map(percent)).toEqual([
      "0 %",
      "under 0.1 %",
      "3.4 %",
      "50 %",
      "over 99.9 %",
      "100 %",
    ]);
    expect([1, 0.99996, 0.5, -0.00002, -0.123].map(rSquared)).toEqual(["1.000", "> 0.999", "0.500", "0.000", "−0.123"]);
  });

  it("places a value to a hundredth of the span around it", () => {
    expect([placed(0.000756, 5), placed(4.9876, 5), placed(-1234.5, 4000), placed(1e15 + 1e12, 1e12)]).toEqual([
      "0",
      "4.99",
      "−1,230",
      "1.001×10¹⁵",
    ]);
  });
});

describe("labels", () => {
  it("cuts text to a width and marks the cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.integer({ min: 40, max: 300 }), (text, width) => {
        const out = fitted(text, width, 12);
        expect(widthOf(out, 12)).toBeLessThanOrEqual(Math.max(width, widthOf(`${[...visible(text)][0] ?? ""}…`, 12)));
        if (out !== visible(text)) expect(out).toContain("…");
      }),
    );
  });

  it("finds round ticks within a range, evenly spaced, and labels that tell them apart", () => {
    // what charts show are float32: no closer together than that
    const range = fc
      .tuple(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.double({ min: 1e-3, max: 1e9, noNaN: true }))
      .map(([low, span]): [number, number] => [low, low + Math.max(span, Math.abs(low) * 2 ** -24)]);
    fc.assert(
      fc.property(range, fc.integer({ min: 1, max: 12 }), ([low, high], count) => {
        const ticks = roundTicks(low, high, count);
        const span = high - low;
        expect(ticks.length).toBeLessThanOrEqual(2 * count + 2);
        for (const tick of ticks) {
          expect(tick).toBeGreaterThanOrEqual(low - 1e-6 * span);
          expect(tick).toBeLessThanOrEqual(high + 1e-6 * span);
        }
        // the ends are doubles: so close together far from 0, their steps are as exact as those
        const exact = 1e-9 * span + 4 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high));
        for (let k = 2; k < ticks.length; k++) {
          expect(Math.abs(ticks[k] - 2 * ticks[k - 1] + ticks[k - 2])).toBeLessThanOrEqual(4 * exact);
        }
        expect(new Set(tickLabels(ticks)).size).toBe(new Set(ticks).size);
      }),
    );
    expect(roundTicks(0, 0.3, 3)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(tickLabels([1000000, 1000001])).toEqual(["1M", "1.000001M"]);
  });

  it.each<[number, string]>([
    [0, "0"],
    [1e-5, "1×10⁻⁵"],
    [1e-4, "0.0001"],
    [-1234, "−1234"],
    [9999, "9999"],
    [10_000, "10k"],
    [-12_345_678, "−12.35M"],
    [2e9, "2G"],
    [1.5e12, "1.5T"],
    [1e15, "1×10¹⁵"],
  ])("writes %d beside an axis as %s", (value, text) => {
    expect(tick(value)).toBe(text);
  });

  it("leaves room between the labels of an axis", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-2, max: 1e6, noNaN: true }),
        fc.integer({ min: 120, max: 700 }),
        (low, span, inner) => {
          const { ticks, labels } = ticksWithin([low, low + span], inner, [20, 10]);
          const ends = ticks.map((v, k) => {
            const at = ((v - low) / span) * inner;
            return [at - widthOf(labels[k], 12) / 2, at + widthOf(labels[k], 12) / 2];
          });
          for (let k = 1; k < ends.length; k++) expect(ends[k][0]).toBeGreaterThanOrEqual(ends[k - 1][1]);
          if (ends.length > 0) expect(ends[ends.length - 1][1]).toBeLessThanOrEqual(inner + 10.001);
        },
      ),
    );
  });

  it("moves labels apart and keeps them in their place where there is room", () => {
    expect(apart([50, 100], 14, 0, 200)).toEqual([50, 100]);
    expect(apart([100, 100], 14, 0, 200)).toEqual([100, 114]);
    expect(apart([200, 199], 14, 0, 200)).toEqual([200, 186]);
  });

  it("stacks the dots of a swarm within their band, none on another unless the band is full", () => {
    const offsets = stacked([10, 10, 10, 10, 200], [3, 2, 1, 0, 4], 30);
    expect(offsets[4]).toBe(0);
    // in the order asked for, from the bottom of the page up
    expect(offsets[3]).toBeGreaterThan(offsets[2]);
    expect(offsets[1]).toBeGreaterThan(offsets[0]);
    const many = stacked(new Array(300).fill(5), [...new Array(300).keys()], 30);
    expect(Math.max(...many) - Math.min(...many)).toBeLessThanOrEqual(30);
  });

  it("makes a range of anything", () => {
    expect(extent([])).toEqual([0, 1]);
    expect(extent([0, 0])).toEqual([-1, 1]);
    expect(extent([4])).toEqual([2, 6]);
    expect(extent([Number.NaN, 3, -1], 5)).toEqual([-1, 5]);
  });
});

describe("rows gathered from a file", () => {
  const model = makeModel(plane());

  it("keeps all rows of a small file, in order, however they come", () => {
    const rows = planeRows(50);
    const whole = gathered(model, rows);
    const pieces = gatherer(model);
    for (const [from, to] of [
      [0, 7],
      [7, 8],
      [8, 50],
    ])
      pieces.add(rows.subarray(3 * from, 3 * to));
    expect(pieces.done()).toEqual(whole);
    expect(Array.from(whole.sample)).toEqual(Array.from(rows));
    expect(Array.from(whole.sampledRows)).toEqual(Array.from({ length: 50 }, (_, k) => k));
    expect(Array.from(whole.predictions)).toEqual(Array.from(model.predictMany(rows)));
  });

  it("keeps the predictions, targets and weights of all rows of a large one", () => {
    const n = 10_000;
    const rows = planeRows(n, 3);
    const random = generator(4);
    const [actual, weights] = [1, 2].map(() => Float64Array.from({ length: n }, () => random()));
    const pieces = gatherer(model);
    for (const [from, to] of [
      [0, 3000],
      [3000, 5000],
      [5000, n],
    ])
      pieces.add(rows.subarray(3 * from, 3 * to), actual.subarray(from, to), weights.subarray(from, to));
    const all = pieces.done();
    expect(Array.from(all.predictions)).toEqual(Array.from(model.predictMany(rows)));
    expect(Array.from(all.actual ?? [])).toEqual(Array.from(actual));
    expect(Array.from(all.weights ?? [])).toEqual(Array.from(weights));
  });

  it("samples a large file with equal chances, rows whole and in order", () => {
    const n = 6000;
    const rows = planeRows(n);
    const hits = new Float64Array(10);
    for (let seed = 1; seed <= 20; seed++) {
      const { sample, sampledRows, total } = gathered(model, rows, undefined, { most: 500, seed });
      expect(total).toBe(n);
      expect(sampledRows.length).toBe(500);
      for (let k = 0; k < 500; k++) {
        if (k > 0) expect(sampledRows[k]).toBeGreaterThan(sampledRows[k - 1]);
        hits[Math.floor((10 * sampledRows[k]) / n)]++;
      }
      const last = sampledRows[499];
      expect(Array.from(sample.subarray(3 * 499))).toEqual(Array.from(rows.subarray(3 * last, 3 * last + 3)));
    }
    // 10,000 draws over ten parts of the file: 1,000 each, standard deviation under 30
    for (const count of hits) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it("finds the largest row, one at the median, and the one asked for", () => {
    const rows = planeRows(101);
    const actual = Float64Array.from({ length: 101 }, (_, r) => (37 * r) % 101);
    const { largest, median, chosen } = gathered(model, rows, actual, { explain: 17 });
    expect(actual[largest.number - 1]).toBe(100);
    expect(actual[median.number - 1]).toBe(50);
    expect(chosen).toEqual({
      number: 17,
      values: rows.slice(48, 51),
      prediction: model.predictMany(rows)[16],
      actual: actual[16],
    });
    expect(gathered(model, rows, undefined, { explain: 102 }).chosen).toBeUndefined();
  });

  it("tells training rows by their number and ranges, held-out rows only when told, and otherwise nothing", () => {
    const data = plane();
    const rows = planeRows(60);
    for (let f = 0; f < 3; f++) {
      const column = Array.from({ length: 60 }, (_, r) => rows[3 * r + f]);
      data.features[f].range = [Math.min(...column), Math.max(...column)];
    }
    data.training.rows = 60;
    const own = makeModel(data);
    expect(gathered(own, rows).origin).toBe("training");
    expect(gathered(own, rows.subarray(0, 177)).origin).toBe("maybe");
    expect(gathered(own, rows, undefined, { heldOut: true }).origin).toBe("heldOut");
    const moved = rows.map((v) => v + 20);
    expect(gathered(own, moved)).toMatchObject({ origin: "maybe", outside: 60 });
    expect(gathered(own, rows).outside).toBe(0);
  });

  it("refuses no rows", () => {
    expect(() => gatherer(model).done()).toThrow(new RangeError("a report needs at least one row"));
  });
});

describe("quality", () => {
  const data = plane();
  const model = makeModel(data);
  const n = 400;
  const rows = planeRows(n);
  const random = generator(9);
  const exact = Array.from({ length: n }, (_, r) => 2 * rows[3 * r] - 3 * rows[3 * r + 1] + 1);
  const actual = Float64Array.from(exact, (y) => y + 2 * random() - 1);
  const quality = () => {
    const q = qualityOf(model, data, gathered(model, rows, actual));
    if (!q) throw new Error("no quality");
    return q;
  };

  it("scores predictions as the textbook does", () => {
    const { scores, mean } = quality();
    const error = exact.map((p, r) => p - actual[r]);
    const average = actual.reduce((a, b) => a + b) / n;
    const spread = actual.reduce((sum, y) => sum + (y - average) ** 2, 0);
    expect(scores.mae).toBeCloseTo(error.reduce((sum, e) => sum + Math.abs(e), 0) / n, 5);
    expect(scores.rmse).toBeCloseTo(Math.sqrt(error.reduce((sum, e) => sum + e * e, 0) / n), 5);
    expect(scores.r2).toBeCloseTo(1 - error.reduce((sum, e) => sum + e * e, 0) / spread, 6);
    expect(mean.rmse).toBeCloseTo(Math.sqrt(spread / n), 8);
    expect(mean.r2).toBeCloseTo(0, 10);
  });

  it("puts every row into one group of its neighbours", () => {
    const { calibration } = quality();
    expect(calibration.map((bin) => bin.rows)).toEqual(new Array(10).fill(40));
    const order = exact.map((_, r) => r).sort((a, b) => exact[a] - exact[b]);
    calibration.forEach((bin, b) => {
      const own = order.slice(40 * b, 40 * b + 40).map((r) => actual[r]);
      const mean = own.reduce((x, y) => x + y) / 40;
      const variance = own.reduce((sum, y) => sum + (y - mean) ** 2, 0) / 39;
      expect(bin.actual).toBeCloseTo(mean, 8);
      expect(bin.error).toBeCloseTo(Math.sqrt(variance / 40), 8);
    });
  });

  it("keeps equal predictions in one group", () => {
    const bins = calibrationOf([1, 1, 1, 1, 1, 2], [0, 1, 0, 1, 0, 5], undefined, 3);
    expect(bins.map(({ rows, predicted, actual }) => [rows, predicted, actual])).toEqual([
      [5, 1, 0.4],
      [1, 2, 5],
    ]);
  });

  it("makes fewer groups of fewer rows, of ten or more each", () => {
    const sizes = (m: number, weights?: Float64Array) =>
      qualityOf(
        model,
        data,
        gathered(model, rows.subarray(0, 3 * m), actual.subarray(0, m), weights && { weights }),
      )?.calibration.map((bin) => bin.rows);
    expect(sizes(12)).toEqual([12]);
    expect(sizes(4)).toEqual([4]);
    expect(sizes(19)).toEqual([19]);
    expect(sizes(20)).toEqual([10, 10]);
    expect(sizes(35)).toEqual([12, 11, 12]);
    expect(
      sizes(
        40,
        Float64Array.from({ length: 40 }, (_, r) => r % 2),
      ),
    ).toEqual([10, 10]);
  });

  it("has the spread of a probability where all outcomes of a group are one", () => {
    const [{ error }] = calibrationOf(
      new Array(101).fill(0.98),
      new Array(101).fill(1),
      undefined,
      1,
      (p) => p * (1 - p),
    );
    expect(error).toBeCloseTo(0.014, 12);
  });

  it("has the margin that chance gives the share inside, also where all rows are", () => {
    const few = qualityOf(
      model,
      data,
      gathered(
        model,
        rows.subarray(0, 36),
        new Float64Array(12).map((_, r) => exact[r]),
      ),
    );
    const [half] = few?.coverage ?? [];
    expect(half).toMatchObject({ asked: 0.5, held: 1 });
    expect(half.error).toBeCloseTo(1.96 * Math.sqrt(0.25 / 12), 12);
    const weights = new Float64Array(12).fill(1).map((_, r) => (r < 4 ? 3 : 0));
    const weighted = qualityOf(model, data, gathered(model, rows.subarray(0, 36), actual.subarray(0, 12), { weights }));
    expect(weighted?.coverage[0].error).toBeCloseTo(1.96 * Math.sqrt(0.25 / 4), 12);
  });

  it("counts how often intervals hold as predictInterval gives them", () => {
    const { coverage, coveredRows } = quality();
    expect(coveredRows).toBe(n);
    expect(coverage.map(({ asked }) => asked)).toEqual([0.5, 0.8, 0.9, 0.95]);
    for (const { asked, held, width } of coverage) {
      let inside = 0;
      let sum = 0;
      for (let r = 0; r < n; r++) {
        const [low, high] = model.predictInterval(Array.from(rows.subarray(3 * r, 3 * r + 3)), asked);
        if (low <= actual[r] && actual[r] <= high) inside++;
        sum += high - low;
      }
      expect(held).toBe(inside / n);
      expect(width).toBeCloseTo(sum / n, 8);
    }
  });

  it("a weight of 2 is a row that stands twice, and a weight of 0 is none", () => {
    const weights = Float64Array.from({ length: n }, (_, r) => r % 3);
    const times = Array.from(weights).flatMap((w, r) => new Array(w).fill(r) as number[]);
    const twice = Float32Array.from(times.flatMap((r) => Array.from(rows.subarray(3 * r, 3 * r + 3))));
    const a = qualityOf(model, data, gathered(model, rows, actual, { weights }));
    const b = qualityOf(
      model,
      data,
      gathered(
        model,
        twice,
        times.map((r) => actual[r]),
      ),
    );
    if (!a || !b) throw new Error("no quality");
    for (const score of ["rmse", "mae", "r2"] as const) {
      expect(a.scores[score]).toBeCloseTo(b.scores[score], 10);
      expect(a.mean[score]).toBeCloseTo(b.mean[score], 10);
    }
    a.coverage.forEach((one, k) => {
      expect(one.held).toBeCloseTo(b.coverage[k].held, 12);
    });
  });

  it("has the quantiles of the residuals", () => {
    const residuals = exact.map((p, r) => actual[r] - p).sort((a, b) => a - b);
    quality().spread.forEach((value, k) => {
      const p = [0.05, 0.25, 0.5, 0.75, 0.95][k];
      expect(value).toBeGreaterThanOrEqual(residuals[Math.floor(p * (n - 1))] - 1e-5);
      expect(value).toBeLessThanOrEqual(residuals[Math.ceil(p * (n - 1))] + 1e-5);
    });
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
  });

  it("says why there are no intervals", () => {
    const { residuals: _, ...bare } = data;
    const q = qualityOf(makeModel(bare), bare, gathered(makeModel(bare), rows, actual));
    expect(q?.coverage).toEqual([]);
    expect(q?.uncovered).toContain("no out-of-fold residuals");
  });

  it("counts the rows below each quantile of a model of quantiles", () => {
    const levels = everyKind().quantiles;
    const own = makeModel(levels);
    const some = makeRows(levels, 80, 3);
    const width = levels.features.length;
    const y = Float64Array.from({ length: 80 }, (_, r) => own.predictMany(some)[r] + random() - 0.5);
    const q = qualityOf(own, levels, gathered(own, some, y));
    expect(q?.covers).toBe("quantiles");
    for (const { asked, held } of q?.coverage ?? []) {
      let below = 0;
      for (let r = 0; r < 80; r++) if (y[r] <= own.quantile(some.subarray(r * width, (r + 1) * width), asked)) below++;
      expect(held).toBe(below / 80);
    }
    expect(q?.coverage.length).toBe(levels.loss.levels?.length);
  });
});

describe("the study", () => {
  it("of a plane has its weights times the standard deviations, everywhere the same", () => {
    const model = makeModel(plane());
    const n = 500;
    const rows = planeRows(n);
    const study = makeStudy(model, gathered(model, rows), { file: "rows.csv" });
    const sd = [0, 1].map((f) => {
      const column = Array.from({ length: n }, (_, r) => rows[3 * r + f]);
      const mean = column.reduce((a, b) => a + b) / n;
      return Math.sqrt(column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
    });
    expect(study.drivers.map(({ name, rank }) => [name, rank])).toEqual([
      ["b", 1],
      ["a", 2],
      ["c", 3],
    ]);
    expect(study.drivers[0].strength).toBeCloseTo(3 * sd[1], 4);
    expect(study.drivers[1].strength).toBeCloseTo(2 * sd[0], 4);
    expect(study.drivers[2].strength).toBe(0);
    for (const effect of study.swarms[0].effects) expect(effect).toBeCloseTo(-3 * sd[1], 4);
    for (const bin of study.slopes[1].bins) expect([bin.p5, bin.median, bin.p95]).toEqual([2, 2, 2]);
    expect(study.slopes[1].bins.reduce((sum, bin) => sum + bin.rows, 0)).toBe(n);
    const { grid, pdp, ale, ice } = study.curves[1];
    grid.forEach((value, k) => {
      const change = 2 * (Number(value) - Number(grid[0]));
      expect(pdp[k] - pdp[0]).toBeCloseTo(change, 3);
      expect(ale[k] - ale[0]).toBeCloseTo(change, 3);
      for (const one of ice) expect(one[k]).toBeCloseTo(change, 3);
    });
    expect(study.signs).toEqual({ checked: 2 * n, wrong: 0 });
    expect(words.unitsOf(study.drivers[0])).toBe(1);
  });

  it("explains rows so that parts and others sum to the difference, with at most ten of them", () => {
    for (const [name, data] of Object.entries(everyKind())) {
      const model = makeModel(data);
      const rows = makeRows(data, 30, 2);
      const study = makeStudy(model, gathered(model, rows, undefined, { explain: 2 }), { file: "rows.csv" });
      expect(study.explained.length, name).toBe(3);
      for (const { baseline, prediction, parts, others, number } of study.explained) {
        const sum = parts.reduce((s, part) => s + part.contribution, others?.contribution ?? 0);
        const size = parts.reduce(
          (s, part) => s + Math.abs(part.contribution),
          Math.abs(prediction) + Math.abs(baseline),
        );
        expect(Math.abs(sum - (prediction - baseline)), name).toBeLessThanOrEqual(1e-5 * size + 1e-6);
        expect(parts.length + (others?.features ?? 0), name).toBe(data.features.length);
        expect(parts.length, name).toBeLessThanOrEqual(10);
        const own = model.predictMany(rows)[number - 1];
        expect(Math.abs(prediction - own), name).toBeLessThanOrEqual(1e-4 * (Math.abs(own) + size));
      }
    }
  });

  it("counts derivatives of the wrong sign, of numbers with a constraint alone", () => {
    const data = plane();
    data.networks = [[[[0.5, -0.25, 0.1, 1]]]];
    const model = makeModel(data);
    const rows = planeRows(40);
    expect(makeStudy(model, gathered(model, rows), { file: "f" }).signs).toEqual({ checked: 2 * 40, wrong: 0 });
    // a model from elsewhere, which keeps to nothing
    const turned = {
      ...model,
      sensitivityMany: (given: Float32Array) => model.sensitivityMany(given).map((v, i) => (i % 6 < 2 ? -v : v)),
    };
    expect(makeStudy(turned as never, gathered(model, rows), { file: "f" }).signs).toEqual({
      checked: 2 * 40,
      wrong: 40,
    });
  });

  it("ranks drivers by rows as they weigh, and by rows alike where none weighs anything", () => {
    const data = made({ seed: 31, numbers: 4, networks: 5, categories: 1, missing: false });
    const model = makeModel(data);
    const n = 80;
    const rows = makeRows(data, n, 3);
    const weights = Float64Array.from({ length: n }, (_, r) => (r < 40 ? 0 : 1 + (r % 3)));
    const strengths = (given?: Float64Array) =>
      makeStudy(model, gathered(model, rows, undefined, given ? { weights: given } : {}), { file: "f" }).drivers.map(
        ({ name, strength }) => [name, strength],
      );
    const summary = (given?: Float64Array) =>
      sensitivitySummary(model, rows, given ? { weights: given } : {})
        .features.sort((a, b) => a.rank - b.rank)
        .map(({ name, strength }) => [name, strength]);
    expect(strengths(weights)).toEqual(summary(weights));
    expect(strengths()).toEqual(summary());
    expect(strengths(weights)).not.toEqual(strengths());
    expect(strengths(new Float64Array(n))).toEqual(summary());
  });

  it("says what rows are explained: by the target where that is a size, else by the prediction", () => {
    const titles = (kind: string, withTarget: boolean, explain?: number) => {
      const data = everyKind()[kind];
      const model = makeModel(data);
      const rows = makeRows(data, 20, 2);
      const actual = withTarget ? Float64Array.from({ length: 20 }, (_, r) => r % 2) : undefined;
      return makeStudy(model, gathered(model, rows, actual, explain ? { explain } : {}), { file: "f" }).explained.map(
        ({ title }) => title,
      );
    };
    const [largest, middle] = ["The largest prediction", "A prediction in the middle"];
    expect(titles("numbers only, linear", true)).toEqual(["The largest", "In the middle"]);
    expect(titles("numbers only, linear", false, 3)).toEqual([largest, middle, "The one asked for"]);
    expect(titles("logistic link", true)).toEqual([largest, middle]);
  });

  it("has the deciles of a number's values and the rows in each category behind its curves", () => {
    const data = made({ seed: 12, numbers: 2, categories: 1, missing: false });
    const model = makeModel(data);
    const n = 111;
    const rows = makeRows(data, n, 4);
    const width = data.features.length;
    for (const { feature, kind, deciles, rows: counts } of makeStudy(model, gathered(model, rows), { file: "f" })
      .curves) {
      const f = data.features.findIndex(({ name }) => name === feature);
      const values = Array.from({ length: n }, (_, r) => rows[r * width + f]).sort((a, b) => a - b);
      if (kind === "category")
        expect(counts).toEqual(data.features[f].categories?.map((_, c) => values.filter((v) => v === c).length));
      // of 111 values the eleventh after the first is at a tenth
      else expect(deciles).toEqual([11, 22, 33, 44, 55, 66, 77, 88, 99].map((k) => values[k]));
    }
  });

  it("shows a category's effect as its prediction less the average one", () => {
    const data = made({ seed: 12, numbers: 1, categories: 1, missing: false });
    const model = makeModel(data);
    const f = data.features.findIndex(({ kind }) => kind === "category");
    const count = data.features[f].categories?.length ?? 0;
    const rows = makeRows(data, 60, 4);
    const study = makeStudy(model, gathered(model, rows), { file: "rows.csv" });
    const swarm = study.swarms.find(({ kind }) => kind === "category");
    const width = data.features.length;
    for (let r = 0; r < 60; r += 7) {
      const row = rows.slice(r * width, (r + 1) * width);
      let average = 0;
      for (let c = 0; c < count; c++) {
        let share = 0;
        for (let s = 0; s < 60; s++) share += rows[s * width + f] === c ? 1 / 60 : 0;
        average += share * model.predictMany(row.with(f, c))[0];
      }
      const own = model.predictMany(row)[0];
      expect(swarm?.effects[r]).toBeCloseTo(own - average, 4);
    }
  });
});

describe("words", () => {
  const base = (): Study => {
    const model = makeModel(plane());
    return makeStudy(model, gathered(model, planeRows(200)), { file: "rows.csv" });
  };
  const scores = (mae: number) => ({ rows: 10, rmse: mae, mae, r2: 0.5, medianRelativeError: 0.1 });

  it("say what leads, and that it is not clear when resampling turns the order round", () => {
    const study = base();
    expect(words.plain(words.mainFinding(study))).toMatch(/^b moves ms most(, 1\.\d times as much as a|, then a)$/);
    study.drivers[0].rankInterval = [1, 2];
    expect(words.plain(words.mainFinding(study))).toBe("b and a move ms most");
    expect(words.mainDetail(study)).toContain("other rows might well turn their order round");
    for (const driver of study.drivers) driver.strength = 0;
    expect(words.plain(words.mainFinding(study))).toBe("Nothing moves ms: every row gets the same prediction");
  });

  it("do not praise a model that is no better than a line or the mean", () => {
    const study = base();
    const said = (model: number, linear: number, mean: number) => {
      const heldOut = { model: scores(model), linear: scores(linear), mean: scores(mean) };
      study.training = { ...study.training, heldOut };
      return words.qualityFinding(study).replaceAll("\u00a0", " ");
    };
    expect(said(1, 4, 8)).toBe(
      "Predictions of left-out rows are 1 ms off on average, 75 % less than those of the linear fit",
    );
    expect(said(1, 9, 2)).toBe(
      "Predictions of left-out rows are 1 ms off on average, 50 % less than those of the mean",
    );
    expect(said(4, 4, 8)).toBe(
      "Predictions of left-out rows are 4 ms off on average: no better than the linear fit (4 ms)",
    );
    expect(said(4, 5, 3)).toContain("no better than the mean");
  });

  it("say on which rows scores were counted", () => {
    const study = base();
    const notes = (["heldOut", "training", "maybe"] as const).map((origin) => {
      study.rows.origin = origin;
      return words.originNote(study);
    });
    expect(notes[0]).toContain("were held out");
    expect(notes[1]).toContain("look like those that the model was trained on");
    expect(notes[2]).toContain("Nothing tells");
  });

  it("count one more unit where that does something, and a power of ten where it does not", () => {
    const study = base();
    const driver = study.drivers[1];
    const text = () => words.plain(words.slopeFinding(study, driver)).replaceAll("\u00a0", " ");
    expect(text()).toBe("One more unit of a adds 2 ms in the median row");
    if (!driver.slopes) throw new Error("no slopes");
    driver.slopes = {
      ...driver.slopes,
      quantiles: { p5: 0.0001, p25: 0.0002, p50: 0.0003, p75: 0.0004, p95: 0.0005 },
      spread: 2000,
    };
    expect(text()).toBe("1,000 more units of a add 0.3 ms in the median row; 0.1 to 0.5 ms in nine rows of ten");
    driver.slopes = { ...driver.slopes, quantiles: { p5: -0.5, p25: -0.4, p50: -0.3, p75: -0.2, p95: -0.1 } };
    expect(text()).toBe("One more unit of a takes off 0.3 ms in the median row; 0.1 to 0.5 ms in nine rows of ten");
  });

  it("say that groups are off only where that is three standard errors or more", () => {
    const study = base();
    const about = (...errors: [number, number][]) => {
      const calibration = errors.map(([off, error]) => ({ rows: 20, predicted: 5, actual: 5 + off, error }));
      study.quality = { calibration } as unknown as Study["quality"];
      return words.calibrationFinding(study);
    };
    expect(about([2.5, 1], [-2.9, 1])).toBe("Groups of rows get what was predicted for them");
    expect(about([3.1, 1], [0, 1])).toBe("1 of 2 groups of rows is off by more than three standard errors");
    expect(about([3.1, 1], [-4, 1], [1, 0])).toBe("2 of 3 groups of rows are off by more than three standard errors");
    expect(about([1, 1])).toBe("Too few rows, or different predictions, to compare groups of them");
  });

  it("say where the loss on left-out rows ended, not that it never rose", () => {
    const study = base();
    const about = (...losses: number[]) => {
      study.training = {
        ...study.training,
        warnings: [],
        curve: losses.map((loss, k) => ({ step: k, epoch: k, loss, validationLoss: loss })),
      };
      return words.trainingFinding(study).replaceAll("\u00a0", " ");
    };
    expect(about(1, 0.6, 0.9, 0.5)).toBe("The loss on left-out rows fell by 50 % and ended at its least");
    expect(about(1, 0.495, 0.5)).toBe("The loss on left-out rows fell by 50 % and ended within 2 % of its least");
    expect(about(1, 0.4, 0.5)).not.toContain("fell");
  });

  it("say whether intervals hold, beyond chance only", () => {
    const study = base();
    const about = (held: number, error: number) => {
      study.quality = { covers: "intervals", coverage: [{ asked: 0.9, held, error }] } as Study["quality"];
      return words.coverageFinding(study);
    };
    expect(about(0.88, 0.03)).toBe("Intervals hold as often as they promise");
    expect(about(0.8, 0.03)).toBe("Intervals hold less often than they promise");
    expect(about(0.97, 0.03)).toBe("Intervals hold more often than they promise");
  });
});

describe("how to use the model", () => {
  it("quotes names for JavaScript so that the row reads back", () => {
    for (let from = 0; from < HOSTILE.length; from += 10) {
      const names = HOSTILE.slice(from, from + 10);
      const example = Object.fromEntries(names.map((name, k) => [name, k % 2 ? k : name]));
      const code = javascript({
        modelFile: "m.json",
        example,
        exampleAnswer: 1,
        loss: { name: "squared" },
      } as unknown as Study);
      const literal = /const row = (\{[\s\S]*?\n\});\nmodel\.predict/.exec(code)?.[1] ?? "";
      const back = new Function(`return ${literal}`)() as object;
      expect(Object.entries(back)).toEqual(Object.entries(example));
    }
  });

  it.skipIf(process.platform === "win32")("quotes file names for a shell", () => {
    for (const name of HOSTILE.filter((text) => text.length < 200)) {
      const out = execFileSync("sh", ["-c", `printf %s ${shellWord(name)}`], { encoding: "utf8" });
      expect(out).toBe(name.startsWith("-") ? `./${name}` : name);
    }
    const study = { modelFile: "a b.json", file: "stdin", rows: { total: 40, origin: "maybe" } } as Study;
    expect(commands(study)).toContain("isotone sensitivity 'a b.json' rows.csv");
  });

  it("says how the page is made again: of rows held out, and with a row that the file has", () => {
    const again = (total: number, origin: Study["rows"]["origin"]) =>
      commands({ modelFile: "m.json", file: "f.csv", rows: { total, origin } } as Study).match(
        /isotone report .*/,
      )?.[0];
    expect(again(40, "training")).toBe("isotone report m.json f.csv --row 17 -o report.html");
    expect(again(12, "heldOut")).toBe("isotone report m.json f.csv --held-out --row 12 -o report.html");
  });

  it("shows the median row, some of its columns where there are many, and how to ask for a quantile of a model that has them", () => {
    const code = (columns: number, loss: string) =>
      javascript({
        modelFile: "m.json",
        example: Object.fromEntries(Array.from({ length: columns }, (_, k) => [`x${k}`, k])),
        exampleAnswer: 1.5,
        loss: { name: loss },
      } as unknown as Study).split("\n");
    expect(code(0, "squared")).toContain("const row = {};");
    expect(code(12, "squared").filter((line) => /^ {2}x\d+: \d+,$/.test(line))).toHaveLength(12);
    expect(code(12, "squared").join()).not.toContain("more columns");
    expect(code(15, "squared")).toContain("  // and 3 more columns");
    expect(code(1, "squared")).toContain("model.predict(row); // 1.5");
    expect(code(1, "squared").at(-1)).toBe("model.sensitivity(row); // partial derivatives, by name");
    expect(code(1, "quantiles").at(-1)).toBe("model.quantile(row, 0.9);");
  });

  it("repeats what the files were called and how they were read", () => {
    const asked = {
      paths: { model: "out/m.json", file: "data/f.csv" },
      delimiter: "\t",
      na: ["NA", "a,b"],
      weight: "n",
    };
    const study = {
      modelFile: "m.json",
      file: "f.csv",
      asked,
      rows: { total: 9, origin: "maybe" },
    } as unknown as Study;
    const read = `--delimiter tab --na 'NA,"a,b"'`;
    expect(commands(study).match(/^isotone (?!export).*/gm)).toEqual([
      `isotone predict out/m.json new.csv ${read} -o predictions.csv`,
      `isotone sensitivity out/m.json data/f.csv ${read} --weight n`,
      `isotone explain out/m.json new.csv ${read} -o contributions.csv`,
      `isotone report out/m.json data/f.csv ${read} --weight n --row 9 -o report.html`,
    ]);
  });
});

describe("the page", () => {
  const pageOf = (
    data: ModelData,
    n: number,
    withTarget: boolean,
    options: Partial<Parameters<typeof makeStudy>[2]> = {},
  ) => {
    const model = makeModel(data);
    const rows = makeRows(data, n, 5);
    const random = generator(2);
    const predictions = model.predictMany(rows);
    const actual = Float64Array.from(predictions, (p) =>
      data.link.name === "logistic" ? +(random() < p) : p + random() - 0.5,
    );
    return renderReport(
      makeStudy(model, gathered(model, rows, withTarget ? actual : undefined), { file: "rows.csv", ...options }),
    );
  };

  it.each(Object.entries(everyKind()))(
    "of a model with %s is whole, with words and tables for every chart",
    (_, data) => {
      for (const [n, withTarget] of [
        [120, true],
        [3, false],
        [1, true],
      ] as const) {
        const text = pageOf(data, n, withTarget);
        if (data.link.name === "logistic") expect(text).not.toContain("median relative error");
        const { document } = parseHTML(text);
        expect(document.querySelectorAll("h1").length).toBe(1);
        expect(document.querySelectorAll("section").length).toBe(7);
        // each begins with what the list of sections calls it
        const called = [...document.querySelectorAll("nav a")].map((link) => link.textContent);
        expect([...document.querySelectorAll("section > .eyebrow")].map((eyebrow) => eyebrow.textContent)).toEqual(
          called,
        );
        expect(document.querySelectorAll("script, img, link, iframe, object, form").length).toBe(0);
        const outside = [...text.matchAll(/(?:href|src|url)\s*[=(]\s*["']?([^"')\s>]+)/g)].map((match) => match[1]);
        for (const target of outside) expect(target.startsWith("#"), target).toBe(true);
        expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
        const charts = [...document.querySelectorAll("svg")];
        expect(charts.length).toBeGreaterThan(3);
        for (const svg of charts) {
          expect(svg.getAttribute("role")).toBe("img");
          expect(svg.getAttribute("aria-label")?.length).toBeGreaterThan(10);
          expect(svg.closest("figure")?.querySelector("details table caption")).toBeTruthy();
          expect(svg.outerHTML).not.toMatch(/(NaN|undefined|Infinity)["\s,]/);
        }
        for (const cell of document.querySelectorAll("th")) expect(cell.getAttribute("scope")).toBeTruthy();
      }
    },
  );

  /** Cells of the table of this caption, line by line, names of groups left out; numbers as numbers. */
  const tableOf = (page: string | Document, caption: string | RegExp) => {
    const document = typeof page === "string" ? parseHTML(page).document : page;
    const tables = [...document.querySelectorAll("table")].filter((table) => {
      const own = table.querySelector("caption")?.textContent ?? "";
      return typeof caption === "string" ? own === caption : caption.test(own);
    });
    expect(tables.length).toBe(1);
    const [head, ...rows] = [...tables[0].querySelectorAll("tr")]
      .filter((row) => row.getAttribute("class") !== "group")
      .map((row) => [...row.querySelectorAll("th,td")].map((cell) => cell.textContent ?? ""));
    return { head, rows };
  };
  const powers = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const numberOf = (text: string) => {
    const plain = text.replaceAll("−", "-").replaceAll(",", "").replace("×10", "e").replace("⁻", "-");
    return Number([...plain].map((c) => (powers.includes(c) ? powers.indexOf(c) : c)).join(""));
  };
  /** Whether cells are these numbers, to the digits that a column shows; text must be the same. */
  const matches = (
    cells: string[],
    want: (string | number)[],
    size = Math.max(...want.map((v) => (typeof v === "number" ? Math.abs(v) : 0))),
  ) => {
    expect(cells).toHaveLength(want.length);
    want.forEach((value, k) => {
      if (typeof value === "string") expect(cells[k]).toBe(value);
      else
        expect(Math.abs(numberOf(cells[k]) - value), `${cells.join(" | ")} at ${k}`).toBeLessThanOrEqual(
          0.006 * Math.max(Math.abs(value), size),
        );
    });
  };

  it.each(["signs, categories, missing values, log1p", "log link", "quantiles", "numbers only, linear"])(
    "has the numbers of its study in its tables: %s",
    (kind) => {
      const data = everyKind()[kind];
      const n = 150;
      const model = makeModel(data);
      const rows = makeRows(data, n, 5);
      const random = generator(2);
      const actual = Float64Array.from(model.predictMany(rows), (p) => p * (0.9 + 0.2 * random()) + 0.01);
      const study = makeStudy(model, gathered(model, rows, actual), { file: "rows.csv", unit: "min" });
      const { document } = parseHTML(renderReport(study));
      const quality = study.quality as NonNullable<Study["quality"]>;

      const ranking = tableOf(document, "ranking of all drivers").rows;
      expect(ranking.map(([name]) => name)).toEqual(study.drivers.map(({ name }) => name));
      const strongest = study.drivers[0].strength;
      study.drivers.forEach(({ rank, rankInterval: [from, to], strength, strengthInterval, constraint }, k) => {
        matches(ranking[k].slice(1, 3), [`${rank}`, from === to ? `${from}` : `${from}–${to}`]);
        matches(ranking[k].slice(3, 6), [strength, ...strengthInterval], strongest);
        expect(ranking[k][6]).toBe(constraint);
      });

      const numbers = study.drivers.filter(({ slopes }) => slopes);
      const slopes = tableOf(document, `partial derivatives, min per unit, over ${n} rows`).rows;
      numbers.forEach(({ name, slopes: own }, k) => {
        const s = own as NonNullable<typeof own>;
        expect(slopes[k][0]).toBe(name);
        const { p5, p50, p95 } = s.quantiles;
        matches(slopes[k].slice(1, 8), [s.mean, s.sd, p5, p50, p95, s.min, s.max]);
        expect(slopes[k].slice(8)).toEqual([s.negative, s.wrongSign, s.largest].map(percent));
      });

      const scores = tableOf(document, /^Scores, min$/).rows;
      const lines: [string, { rmse: number; mae: number; r2: number }][] = [
        ...(study.training.heldOut
          ? ([
              ["this model", study.training.heldOut.model],
              ["linear fit", study.training.heldOut.linear],
              ["the mean", study.training.heldOut.mean],
            ] as const)
          : []),
        ["this model", quality.scores],
        ["their mean", quality.mean],
      ].map(([label, own]) => [label, own] as [string, { rmse: number; mae: number; r2: number }]);
      expect(scores).toHaveLength(lines.length);
      lines.forEach(([label, own], k) => {
        matches(scores[k].slice(0, 3), [label, own.rmse, own.mae], Math.max(...lines.map(([, s]) => s.rmse)));
        expect(scores[k][3]).toBe(rSquared(own.r2));
      });

      const groups = tableOf(document, "calibration").rows;
      expect(groups).toHaveLength(quality.calibration.length);
      quality.calibration.forEach((bin, k) => {
        expect(groups[k].slice(0, 2)).toEqual([`${k + 1}`, `${bin.rows}`]);
        matches(
          groups[k].slice(2),
          [bin.predicted, bin.actual, bin.error],
          Math.max(...quality.calibration.map(({ actual }) => Math.abs(actual))),
        );
      });
      const spread = tableOf(document, "residuals of all rows").rows;
      expect(spread.map(([share]) => share)).toEqual(["5 %", "25 %", "50 %", "75 %", "95 %"]);
      matches(
        spread.map(([, value]) => value),
        [...quality.spread],
      );
      if (quality.coverage.length > 0) {
        const coverage = tableOf(document, `coverage on ${quality.coveredRows} rows`).rows;
        quality.coverage.forEach(({ asked, held, error, width }, k) => {
          expect(coverage[k].slice(0, 3)).toEqual([percent(asked), percent(held), `± ${percent(error)}`]);
          if (width !== undefined) matches(coverage[k].slice(3), [width]);
        });
      }

      study.explained.forEach(({ number, baseline, prediction, parts, others, actual: own }) => {
        const want: (string | number)[][] = [
          ["median row", "", baseline],
          ...parts.map((part) => [part.name, part.value, part.contribution]),
          ...(others ? [[`${others.features} others`, "", others.contribution]] : []),
          ["prediction", "", prediction],
          ...(own === undefined ? [] : [["actual", "", own]]),
        ];
        const shown = tableOf(document, `row ${number}`).rows;
        expect(shown).toHaveLength(want.length);
        want.forEach((line, k) => {
          matches(shown[k], line, Math.abs(prediction) + Math.abs(baseline));
        });
      });

      const certificate = tableOf(document, "Features and what is promised of them").rows;
      expect(certificate.map(([name]) => name)).toEqual(data.features.map(({ name }) => name));
      data.features.forEach(({ kind: own, constraint, missing, range }, k) => {
        const promise = {
          increasing: "never falls when it rises",
          decreasing: "never rises when it rises",
          free: "may move either way",
        };
        expect(certificate[k][1]).toBe(own);
        expect(certificate[k][2]).toBe(own === "category" ? "has no direction" : promise[constraint]);
        if (range) matches(certificate[k].slice(3, 5), [...range]);
        else expect(certificate[k].slice(3, 5)).toEqual(["–", "–"]);
        const gone = { error: "is refused", median: "counts as the median", indicator: "has an effect of its own" };
        expect(certificate[k][5]).toBe(gone[missing]);
      });

      for (const { feature, kind: own, grid, pdp, ale, rows: counts } of study.curves) {
        const card = [...document.querySelectorAll(".driver")].find(
          (one) => one.querySelector("h3")?.textContent === feature,
        ) as Element;
        const cells = [...(card.querySelector("figure:last-of-type table")?.querySelectorAll("tbody tr") ?? [])].map(
          (row) => [...row.querySelectorAll("th,td")].map((cell) => cell.textContent ?? ""),
        );
        if (grid.length < 2 && own === "number") continue;
        const size = Math.max(
          ...pdp.map((v) => Math.abs(v - (own === "category" ? 0 : pdp[0]))),
          ...ale.map((v) => Math.abs(v - ale[0])),
        );
        expect(cells).toHaveLength(grid.length);
        grid.forEach((value, k) => {
          if (own === "category") matches(cells[k], [String(value), String((counts as number[])[k]), pdp[k]], size);
          else {
            expect(Math.abs(numberOf(cells[k][0]) - Number(value))).toBeLessThanOrEqual(
              1e-3 * Math.abs(Number(value)) + 1e-9,
            );
            matches(cells[k].slice(1), [pdp[k] - pdp[0], ...(ale.length > 0 ? [ale[k] - ale[0]] : [])], size);
          }
        });
      }

      // derivatives by value, of every number that has a card
      for (const { name, bins } of study.slopes) {
        const card = [...document.querySelectorAll(".driver")].find(
          (one) => one.querySelector("h3")?.textContent === name,
        ) as Element;
        const units = words.unitsOf(study.drivers.find((one) => one.name === name) as Study["drivers"][number]);
        const lines = [...card.querySelectorAll("figure:first-of-type tbody tr")].map((line) =>
          [...line.querySelectorAll("th,td")].map((cell) => cell.textContent ?? ""),
        );
        expect(lines).toHaveLength(bins.length);
        const size = Math.max(...bins.map(({ p5, p95 }) => units * Math.max(Math.abs(p5), Math.abs(p95))));
        bins.forEach(({ from, to, rows: of, p5, median, p95 }, k) => {
          matches(lines[k].slice(0, 2), [from, to], 0);
          expect(lines[k][2]).toBe(`${of}`);
          matches(lines[k].slice(3), [p5 * units, median * units, p95 * units], size);
        });
      }

      // what is drawn: a mark for each
      const marks = (label: string, selector: string) => {
        const svg = [...document.querySelectorAll("svg")].find((one) =>
          one.getAttribute("aria-label")?.startsWith(label),
        ) as Element;
        return svg.querySelectorAll(selector).length;
      };
      expect(marks("Ranking of", "circle")).toBe(study.drivers.length);
      expect(marks("Calibration:", "circle")).toBe(quality.calibration.length);
      for (const { parts, others, actual: own, number } of study.explained) {
        const label = `Waterfall. Row ${number.toLocaleString("en")}`;
        // a bar for each part, and one between it and the next; the two ends are dots, what came a diamond
        const steps = parts.length + Number(others !== undefined);
        expect(marks(label, 'line[stroke-width="13"], [stroke-width="13"] line')).toBe(steps);
        expect(marks(label, "circle")).toBe(2);
        expect(marks(label, "path[transform]")).toBeGreaterThanOrEqual(Number(own !== undefined));
      }

      // labels of charts count the same
      const labels = [...document.querySelectorAll("svg")].map((svg) => svg.getAttribute("aria-label") ?? "");
      const dots = study.swarms[0].effects.length;
      for (const label of [
        `Ranking of ${study.drivers.length} drivers by strength: `,
        `Distribution of the effect over ${dots} rows for ${study.swarms.length} drivers; `,
        `Calibration: mean actual value against mean prediction in ${quality.calibration.length} groups of rows. `,
        `Residuals of ${quality.residuals.length} rows against their predictions. `,
      ])
        expect(labels.filter((own) => own.startsWith(label)).length, label).toBeGreaterThan(0);
    },
  );

  it("draws nothing outside of its charts, and a mark for each category and each end of a curve", () => {
    for (const kind of ["signs, categories, missing values, log1p", "quantiles", "numbers only, linear"]) {
      const { document } = parseHTML(pageOf(everyKind()[kind], 90, true));
      for (const svg of document.querySelectorAll("svg")) {
        const [, , width, height] = (svg.getAttribute("viewBox") ?? "").split(/[ ,]+/).map(Number);
        const label = svg.getAttribute("aria-label")?.slice(0, 60);
        expect(width * height, label).toBeGreaterThan(0);
        const inside = (x: number, y: number) => {
          expect(
            x >= -1 && x <= width + 1 && y >= -1 && y <= height + 1,
            `${label}: ${x}, ${y} of ${width}, ${height}`,
          ).toBe(true);
        };
        const number = (element: Element, name: string) => Number(element.getAttribute(name) ?? 0);
        for (const circle of svg.querySelectorAll("circle")) inside(number(circle, "cx"), number(circle, "cy"));
        for (const line of svg.querySelectorAll("line")) {
          inside(number(line, "x1"), number(line, "y1"));
          inside(number(line, "x2"), number(line, "y2"));
        }
        // of paths the places that lines and dots go to; symbols and ticks are drawn about a place of their own
        for (const path of svg.querySelectorAll("path"))
          if (!path.getAttribute("transform") && !path.parentElement?.getAttribute("transform"))
            for (const [, x, y] of (path.getAttribute("d") ?? "").matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g))
              inside(Number(x), Number(y));
      }
    }
    const data = made({ seed: 12, numbers: 1, categories: 2, missing: false });
    const { document } = parseHTML(pageOf(data, 60, true));
    const charts = [...document.querySelectorAll("svg")].filter((svg) =>
      svg.getAttribute("aria-label")?.startsWith("Mean prediction with each category"),
    );
    expect(charts.map((svg) => svg.querySelectorAll("circle").length).sort()).toEqual(
      data.features.flatMap(({ categories }) => categories?.length ?? []).sort(),
    );
  });

  it("packs dots into paths at the places that circles would have", () => {
    const { document } = parseHTML("<html><body></body></html>");
    const random = generator(8);
    const dots = Array.from({ length: 40 }, (_, k) => ({
      x: 30 * random() - 10,
      y: 5 * random(),
      colour: ["red", "blue"][k % 2],
    }));
    const drawn = (render?: typeof packed) =>
      draw({ document: document as never, width: 300 }, "dots", {
        height: 200,
        color: { type: "identity" },
        marks: [Plot.dot(dots, { x: "x", y: "y", fill: "colour", ...(render && { render }) })],
      });
    const round = (v: string | null) => Math.round(10 * Number(v)) / 10;
    const circles = [...drawn().querySelectorAll("circle")].map((circle) => [
      circle.getAttribute("fill"),
      round(circle.getAttribute("cx")),
      round(circle.getAttribute("cy")),
    ]);
    const paths = [...drawn(packed).querySelectorAll(".dots path")].flatMap((path) =>
      [...(path.getAttribute("d") ?? "").matchAll(/M([^,]+),([^h]+)h0/g)].map(([, x, y]) => [
        path.getAttribute("stroke"),
        Number(x),
        Number(y),
      ]),
    );
    const order = (a: unknown[], b: unknown[]) => String(a).localeCompare(String(b));
    expect(circles).toHaveLength(40);
    expect(paths.sort(order)).toEqual(circles.sort(order));
  });

  it("says what there is of a model that was merged, that left warnings, or that holds no curve", () => {
    const data = plane();
    data.training = { ...data.training, merged: 4, warnings: ["<b> is 7 in every row", "another"], curve: [] };
    const text = pageOf(data, 40, true);
    const facts = tableOf(text, "How it was trained").rows;
    expect(facts).toContainEqual(["models merged", "4"]);
    expect(facts).toContainEqual(["rows", "1,000"]);
    expect(text).toContain("<li>&lt;b&gt; is 7 in every row</li>");
    expect(text).toContain("Training left 2 warnings");
    expect(text).toContain("The model file holds no training curve.");
    const plain = pageOf(plane(), 40, true);
    expect(plain).not.toContain("models merged");
    expect(plain).not.toContain('<ul class="plain">');
  });

  it("says that rows lie beyond the training ranges where some do", () => {
    const data = plane();
    const model = makeModel(data);
    const page = (rows: Float32Array) =>
      renderReport(makeStudy(model, gathered(model, rows, new Float64Array(20)), { file: "f" }));
    expect(page(planeRows(20))).not.toContain("beyond the range of the training rows");
    expect(page(planeRows(20).map((v, i) => (i === 7 ? 11 : v)))).toContain(
      "1 row of the file (5 %) has a number beyond the range of the training rows",
    );
  });

  it("tells derivatives for as many units as do something, in words, table and label alike", () => {
    const data = plane();
    data.features = data.features.map((feature) => ({ ...feature, range: [0, 10_000] }));
    data.inputs = data.inputs.map((input) => ({ ...input, scale: 1e-3 }));
    const model = makeModel(data);
    const rows = planeRows(60).map((v) => 1000 * v);
    const text = renderReport(makeStudy(model, gathered(model, rows), { file: "f", unit: "min" }));
    const captions = [...parseHTML(text).document.querySelectorAll("caption")].filter(
      ({ textContent }) => textContent === "derivative, min per 100 units",
    );
    const cells = captions.map((caption) =>
      [...(caption.parentElement?.querySelectorAll("tbody td") ?? [])].map((cell) => numberOf(cell.textContent ?? "")),
    );
    // to, rows, then 5 %, median and 95 %: of b, which is stronger, and of a
    [-0.3, 0.2].forEach((want, k) => {
      expect(cells[k].length).toBeGreaterThan(10);
      cells[k].forEach((value, at) => {
        if (at % 5 > 1) expect(value).toBe(want);
      });
    });
    const said = text.replaceAll("\u00a0", " ").replace(/<[^>]*>/g, "");
    for (const sentence of ["100 more units of a add 0.2 min", "100 more units of b take off 0.3 min"])
      expect(said).toContain(sentence);
  });

  it("has the training curve by epochs, some forty of its looks, the last one among them", () => {
    const data = plane();
    const curve = Array.from({ length: 95 }, (_, k) => ({
      step: 10 * k,
      epoch: k / 2,
      loss: 1 / (k + 1),
      validationLoss: k % 2 ? 2 / (k + 1) : null,
    }));
    data.training = { ...data.training, curve };
    const { rows } = tableOf(pageOf(data, 30, true), "training curve");
    expect(rows.map(([epoch]) => numberOf(epoch))).toEqual(
      curve.filter((_, k) => (94 - k) % 3 === 0).map(({ epoch }) => epoch),
    );
    expect(rows[0].slice(2)).toEqual([expect.stringMatching(/^0\.\d+$/), expect.stringMatching(/^[\d.]+$|^–$/)]);
    expect(rows[0][0]).toBe("0.5");
    expect(rows.at(-1)?.[3]).toBe("–");
  });

  it("of categories alone has no derivatives to show, and of free features nothing to prove", () => {
    const data = made({ seed: 5, numbers: 0, categories: 2, missing: false });
    const text = pageOf(data, 40, false);
    expect(text).toContain("Categories have no partial derivatives.");
    expect(text).toContain("A category has no partial derivative.");
    expect(text).toContain("No feature has a constraint, so there is nothing to prove");
    expect(text).toContain("<dt>no feature has a constraint</dt><dd>–</dd>");
    expect(text).toContain("<dt>features</dt><dd>2</dd>");
    const one = made({ seed: 5, numbers: 1, categories: 0, missing: false });
    expect(pageOf(one, 40, false)).toContain("<dt>feature</dt><dd>1</dd>");
    expect(pageOf(one, 1, false)).toMatch(/<dt>row in this file; the model learned from [\d,]+<\/dt><dd>1<\/dd>/);
  });

  it("is the same text every time", () => {
    const data = everyKind()["signs, categories, missing values, log1p"];
    expect(pageOf(data, 60, true)).toBe(pageOf(data, 60, true));
  });

  it("states that a large file was sampled, and how many dots there are", () => {
    const data = plane();
    const text = pageOf(data, 2600, true);
    expect(text).toContain("a random sample of 2,000 of the 2,600 rows");
    expect(text).toContain("300 of 2,600");
    expect(text).toContain("2,600 rows of this file");
    expect(pageOf(data, 40, true)).toContain("The charts stand on all 40 rows.");
  });

  it("says that nothing can be compared when the target is missing", () => {
    const text = pageOf(plane(), 20, false);
    expect(text).toContain("The file has no column");
    expect(text).not.toContain("Groups of rows get");
  });

  it("shows names, units and file names from data as text", () => {
    const data = everyKind()["hostile names"];
    const bad = "</style><script>alert(1)</script>";
    const text = pageOf(data, 20, true, { file: bad, model: bad, unit: bad, weight: bad });
    const { document } = parseHTML(text);
    expect(document.querySelectorAll("script").length).toBe(0);
    expect(document.querySelectorAll("style").length).toBe(1);
    const table = document.querySelector("#certificate table")?.textContent ?? "";
    for (const name of HOSTILE.filter((own) => own.trim() !== "")) expect(table).toContain(visible(name));
    for (const element of document.querySelectorAll("*"))
      for (const { name } of element.attributes) expect(name.startsWith("on")).toBe(false);
    // the marks around names became elements
    expect(text).not.toMatch(/[\u2066-\u2069]|\\u206[89]/);
  });

  it("of a trained model reads its held-out scores from the model", async () => {
    const random = generator(4);
    const rows = Array.from({ length: 200 }, () => ({ a: 10 * random(), b: random() }));
    const model: Model = await fit(
      rows.map((row) => ({ ...row, minutes: row.a * row.a + row.b })),
      { target: "minutes", epochs: 10, members: 2 },
    );
    const again = load(JSON.stringify(model));
    const values = Float32Array.from(rows.flatMap(({ a, b }) => [a, b]));
    const actual = rows.map((row) => row.a * row.a + row.b);
    const study = makeStudy(again, gathered(again, values, actual), { file: "rows.csv" });
    expect(study.rows.origin).toBe("training");
    const text = renderReport(study);
    const heldOut = model.training.heldOut?.model;
    expect(text).toContain(`On ${heldOut?.rows} rows left out in training`);
    expect(text).toContain("apparently trained on");
    const [mae] = aligned([
      heldOut?.mae ?? 0,
      model.training.heldOut?.linear.mae ?? 0,
      model.training.heldOut?.mean.mae ?? 0,
    ]);
    expect(text).toContain(mae);
  });
});
