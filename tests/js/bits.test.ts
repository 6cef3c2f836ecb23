// Bits, from sources: what the runtimes' suite compares from host to host, and model files of fits that leave the choices to the library. Whoever changes
// one changes every user's models: where that is meant, `npx vitest run tests/js/bits.test.ts -u` writes the new digests, and CHANGELOG says so.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fitData } from "../../js/fit.js";
import * as isotone from "../../js/index.js";
import * as small from "../../js/predict.js";
import { conformance, FEATURES, makeRows } from "../runtimes/guests/body.js";

const { fit, merge, mergeScalings, scan, stringifyModel } = isotone;
const golden = (name: string) => new URL(`../golden/${name}`, import.meta.url);
type Row = Record<string, number | string | null>;

const rows: Row[] = makeRows(420, 3);
const minutes = { target: "minutes", features: FEATURES } as const;
const numbers = { scan: 1, repair: 1, staff: -1, hour: 0 } as const;
/** Few and small networks, where their schedule is what counts. */
const tiny = { networks: 2, groups: 2, hyperplanes: 2 } as const;
const every = (k: number, name: string, value: null) => (row: Row, r: number) =>
  r % k === 1 ? { ...row, [name]: value } : row;
const weighted = rows.map((row, r) => ({ ...row, n: r % 7 === 3 ? 0 : 1 + (r % 3) }));
/** Noise of a table's own: multiples of 1 up to 100. */
const noise = (r: number) => (r * 7919) % 101;
/** Both columns have long tails. */
const tailed = (shape: (a: number, b: number) => number) =>
  makeRows(420, 3).map((row, r) => {
    const a = 1 / ((8 * row.scan + row.staff) / 330 + 2e-3);
    const b = 1 / ((7 * row.hour + (r % 7)) / 170 + 2e-3);
    return { a, b, y: shape(a, b) + noise(r) / 50 };
  });
const linear = (constraint: "increasing" | "decreasing") => {
  const column = { constraint, transform: "linear" } as const;
  return { target: "y", features: { a: column, b: column }, networks: 4, epochs: 150 } as const;
};
/** More columns than count in full, most of which say nothing. */
const wide = makeRows(270, 5).map(({ scan, hour, minutes }, r) => {
  const more = Array.from({ length: 45 }, (_, i) => [`x${i}`, noise(r * (i + 7)) / 10 + (i < 3 ? scan : 0)]);
  return { ...Object.fromEntries(more), scan, hour, y: minutes };
});
/** More rows than a sample holds. */
const many = makeRows(5000, 13).map((row, r) => ({ ...row, n: r % 7 === 3 ? 0 : 1 + (r % 3) }));
async function* batches() {
  for (let from = 0; from < many.length; from += 700) yield many.slice(from, from + 700);
}

/** Fits that need no more than a tenth of a second each, where that is enough to come by all choices. */
const FITS: Record<string, () => Promise<isotone.Model | ReturnType<isotone.Model["toJSON"]>>> = {
  "few rows": () => fit(rows.slice(0, 90), minutes),
  "few rows that are mostly noise": () => {
    const noisy = makeRows(40, 3).map(({ scan, repair }, r) => ({ scan, repair, y: scan + 7 * repair + noise(r) / 2 }));
    return fit(noisy, { target: "y" });
  },
  "few rows for which steps run out": () => {
    const smooth = makeRows(150, 3).map(({ scan, hour }) => ({ scan, hour, y: scan * hour }));
    return fit(smooth, { target: "y", ...tiny });
  },
  "some hundred rows": () => fit(rows, minutes),
  "a short search of weighted rows": () => fit(weighted, { ...minutes, weight: "n", effort: "fast", ...tiny }),
  "a long search, in which ramps win": () => {
    const stepped = makeRows(420, 3).map(({ scan, hour }) => ({
      scan,
      hour,
      y: (scan > 29 ? 60 : 0) + (scan > 20 ? 60 : 0) + (scan > 9 ? 40 : 0) + (hour > 12 ? 30 : 0),
    }));
    return fit(stepped, { target: "y", features: { scan: 1, hour: 0 }, effort: "best", ...tiny, members: 2 });
  },
  "a long search, in which they do not": () =>
    fit(rows.slice(0, 260), { target: "minutes", features: numbers, effort: "best", ...tiny, members: 2 }),
  "networks held above": () =>
    fit(
      tailed((a, b) => Math.min(a, 20) + Math.min(b, 20) / 2),
      linear("increasing"),
    ),
  "networks held below": () =>
    fit(
      tailed((a) => -Math.min(a * a, 400)),
      linear("decreasing"),
    ),
  "networks that go on": () =>
    fit(
      tailed((a, b) => (a * a) / 10 + b),
      linear("increasing"),
    ),
  "columns with values missing": () =>
    fit(
      rows
        .map(every(5, "scan", null))
        .map(every(6, "hour", null))
        .map(every(9, "city", null)),
      {
        target: "minutes",
        features: {
          scan: { constraint: "increasing", missing: "median" },
          hour: { constraint: "free", missing: "indicator" },
          city: { categories: ["Oslo", "Bergen"], unknown: "Bergen", missing: "indicator" },
          repair: { transform: "ramps" },
        },
        ...tiny,
        epochs: 9,
      },
    ),
  "networks of a plane each": () => fit(rows, { ...minutes, networks: 3, groups: 1, hyperplanes: 1, effort: "fast" }),
  "a wide table": () => fit(wide, { target: "y", ...tiny, members: 2, epochs: 5 }),
  "quantiles of weighted rows": () =>
    fit(weighted, { ...minutes, loss: { quantiles: [0.05, 0.6] }, weight: "n", ...tiny, effort: "fast" }),
  "quantiles above what left-out rows tell": () =>
    fit(rows, { ...minutes, loss: { quantiles: [0.0001, 0.004, 0.995, 0.9999] }, ...tiny, effort: "fast" }),
  "quantiles below it": () => {
    const turned = makeRows(420, 3).map((row) => ({ ...row, minutes: -row.minutes }));
    const given = { features: { scan: -1, repair: -1, staff: 1 }, loss: { quantiles: [0.001, 0.004, 0.995] } } as const;
    return fit(turned, { ...given, target: "minutes", ...tiny, epochs: 20 });
  },
  "counts, some of them 0": () => fit(rows, { ...minutes, target: "calls", loss: "poisson", ...tiny, effort: "fast" }),
  "Sill's network on all rows": () => fit(rows, { ...minutes, networks: 1, validation: 0, epochs: 4, loss: "huber" }),
  "chances, half of the rows left out": () => {
    const asked = { validation: 0.5, learningRate: 0.02, batch: 40, epochs: 6 };
    return fit(rows, { ...minutes, target: "late", loss: "logistic", ...tiny, ...asked });
  },
  "more rows than a cache holds": () => {
    const many = makeRows(32_000, 9).map(({ scan, repair, staff, hour, minutes }) => ({
      scan,
      repair,
      staff,
      hour,
      late: staff * scan,
      minutes,
    }));
    const asked = {
      features: { ...numbers, late: 0 },
      loss: { quantiles: [0.2, 0.7] },
      members: 1,
      epochs: 1,
    } as const;
    return fit(many, { target: "minutes", ...asked, ...tiny });
  },
  "batches of which a sample trains": () => fitData(batches(), { ...minutes, ...tiny, epochs: 1 }, 8192),
  "batches that are read again": () =>
    fitData({ [Symbol.asyncIterator]: batches }, { ...minutes, ...tiny, members: 3, epochs: 2 }, 8192),
  "batches that are read again, weighted, of chances": () => {
    const again = {
      *[Symbol.iterator]() {
        yield many;
      },
    };
    return fitData(
      again,
      { ...minutes, target: "late", loss: "logistic", weight: "n", ...tiny, members: 2, epochs: 1 },
      8192,
    );
  },
  "rows that train in pieces": () => fitData(rows, { ...minutes, ...tiny, epochs: 3 }, 900),
  "shards of one scaling, merged": async () => {
    const shards = [rows.slice(0, 200), rows.slice(200)];
    const scaling = mergeScalings(await Promise.all(shards.map((part) => scan(part, minutes))));
    const options = { ...minutes, ...tiny, epochs: 4, members: 2, scaling };
    return merge(await Promise.all(shards.map((part) => fit(part, options))), { weights: "rows" });
  },
  "shards of scalings of their own, merged": async () => {
    const positive = makeRows(420, 3).map((row) => ({ ...row, calls: row.calls + 0.5 }));
    const options = { target: "calls", features: numbers, loss: "gamma", ...tiny, epochs: 4, members: 2 } as const;
    return merge([await fit(positive.slice(0, 200), options), await fit(positive.slice(200), options)]);
  },
};

test("models, predictions and derivatives of every loss have the bits that every runtime has to have", async () => {
  expect(await conformance(isotone, small)).toEqual(JSON.parse(readFileSync(golden("bits.json"), "utf8")));
});

test("model files of fits that leave the choices to the library have the bytes that they had", async () => {
  const digests: Record<string, string> = {};
  for (const [name, made] of Object.entries(FITS)) {
    // a release changes no other byte
    const file = stringifyModel(await made()).replace(/"isotone": ?"[^"]*"/, "");
    digests[name] = createHash("sha256").update(file).digest("hex");
  }
  await expect(`${JSON.stringify(digests, null, 2)}\n`).toMatchFileSnapshot(golden("fits.json").pathname);
});
