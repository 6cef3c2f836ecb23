// What a report says of numbers that are known: each sentence, and where one gives way to the next.

import { describe, expect, it } from "vitest";
import type { Study } from "../../js/report/study.js";
import * as words from "../../js/report/words.js";

type Parts = { [K in keyof Study]?: unknown };
const study = (parts: Parts) => ({ target: "ms", unit: "", link: "identity", ...parts }) as Study;
/** Sentences as they are read: names without their marks, plain spaces. */
const read = (text: string) => words.plain(text).replaceAll("\u00a0", " ");

/** A driver of this strength at this rank, which resampling moves as far as `interval` says. */
const driver = (name: string, strength: number, rank: number, interval = [rank, rank]) => ({
  name,
  strength,
  rank,
  rankInterval: interval,
});
const slopes = (p5: number, p50: number, p95: number, more: object = {}) => ({
  name: "a",
  strength: 1,
  slopes: { min: Math.min(p5, p50), max: Math.max(p50, p95), spread: 1, quantiles: { p5, p50, p95 }, ...more },
});

describe("a report says", () => {
  it.each<[string, object[], string, string, string]>([
    [
      "nothing moves",
      [driver("a", 0, 1)],
      "Nothing moves ms: every row gets the same prediction",
      "",
      "Nothing moves the prediction",
    ],
    [
      "one moves",
      [driver("a", 2, 1), driver("b", 0, 2)],
      "a alone moves ms",
      "The usual variation of a moves the prediction by 2.",
      "Only a moves the prediction",
    ],
    [
      "two move, one far more",
      [driver("a", 3, 1), driver("b", 2, 2)],
      "a moves ms most, 1.5 times as much as b",
      "The usual variation of a moves the prediction by 3, that of b by 2.",
      "a, then b",
    ],
    [
      "three move, the first a little more",
      [driver("a", 2.99, 1), driver("b", 2, 2), driver("c", 1, 3), driver("d", 0.5, 4)],
      "a moves ms most, then b",
      "The usual variation of a moves the prediction by 2.99, that of b by 2, that of c by 1.",
      "a, then b, then c",
    ],
    [
      "two might change places, by the interval of the first",
      [driver("a", 9, 1, [1, 2]), driver("b", 2, 2), driver("c", 1, 3)],
      "a and b move ms most",
      "The usual variation of a moves the prediction by 9, that of b by 2; other rows might well turn their order round.",
      "a, then b, then c",
    ],
    [
      "two might change places, by that of the second",
      [driver("a", 9, 1), driver("b", 2, 2, [1, 2])],
      "a and b move ms most",
      "The usual variation of a moves the prediction by 9, that of b by 2; other rows might well turn their order round.",
      "a, then b",
    ],
  ])("what drives: %s", (_, drivers, main, detail, ranking) => {
    const given = study({ drivers });
    expect([words.mainFinding(given), words.mainDetail(given), words.rankingFinding(given)].map(read)).toEqual([
      main,
      detail,
      ranking,
    ]);
  });

  it.each<[string, Parts, string]>([
    [
      "",
      { training: { heldOut: { model: { mae: 2 }, linear: { mae: 4 }, mean: { mae: 5 } } } },
      "Predictions of left-out rows are 2 off on average, 50 % less than those of the linear fit",
    ],
    [
      "",
      { unit: "min", training: { heldOut: { model: { mae: 4 }, linear: { mae: 6 }, mean: { mae: 5 } } } },
      "Predictions of left-out rows are 4 min off on average, 20 % less than those of the mean",
    ],
    [
      "",
      { training: { heldOut: { model: { mae: 4 }, linear: { mae: 4 }, mean: { mae: 4 } } } },
      "Predictions of left-out rows are 4 off on average: no better than the linear fit (4)",
    ],
    [
      "",
      { link: "logistic", training: { heldOut: { model: { mae: 0.1 }, linear: { mae: 0.2 }, mean: { mae: 0.4 } } } },
      "Probabilities of left-out rows are 0.1 from the outcome on average, 50 % less than those of the linear fit",
    ],
    ["", { training: {}, quality: { scores: { mae: 3 } } }, "Predictions of these rows are 3 off on average"],
    ["", { training: {} }, "Nothing here says how good the model is"],
  ])("how good a model is%s: %j", (_, parts, want) => {
    expect(read(words.qualityFinding(study(parts)))).toBe(want);
  });

  it("which rows it stands on", () => {
    const rows = (origin: string, total = 5) => ({ rows: { origin, total } });
    expect(words.originNote(study({ ...rows("heldOut"), training: {} }))).toMatch(
      /^The 5 rows of the file were held out: the model has not seen them/,
    );
    expect(words.originNote(study({ ...rows("training"), training: { heldOut: {} } }))).toMatch(
      /smaller than on new rows\. Judge by the left-out rows\.$/,
    );
    expect(words.originNote(study({ ...rows("training", 1), training: {} }))).toMatch(
      /^The 1 row of the file look.*Nothing here tells by how much\.$/,
    );
    expect(words.originNote(study({ ...rows("maybe"), training: {} }))).toMatch(
      /^Nothing tells whether the model was trained on the 5 rows of the file\..*--held-out\.$/,
    );
    expect(words.outsideNote(study({ rows: { outside: 1, total: 8 } }))).toMatch(
      /^1 row of the file \(13 %\) has a number beyond/,
    );
    expect(words.outsideNote(study({ rows: { outside: 2, total: 8 } }))).toMatch(
      /^2 rows of the file \(25 %\) have a number beyond/,
    );
    expect(words.sampleNote(study({ rows: { total: 9, sampled: 9 } }))).toBe("The charts stand on all 9 rows.");
    expect(words.sampleNote(study({ rows: { total: 9000, sampled: 2000 } }))).toBe(
      "The charts stand on a random sample of 2,000 of the 9,000 rows (every row had the same chance).",
    );
    expect([words.ofThem(3, 3), words.ofThem(3, 4000)]).toEqual(["all 3", "3 of 4,000"]);
  });

  it("what the target is, and what it is counted in", () => {
    const named = (parts: Parts) =>
      [words.targetName(study(parts)), words.unitLabel(study(parts), "error"), words.unitOf(study(parts))].map(read);
    expect(named({})).toEqual(["ms", "error, ms", "units of ms"]);
    expect(named({ unit: "seconds and more of them" })).toEqual([
      "ms",
      "error, seconds and more of them",
      "seconds and more of them",
    ]);
    expect(named({ link: "logistic", unit: "x" })).toEqual([
      "the probability of ms",
      "error, probability",
      "probability",
    ]);
    expect(words.kindOf({ loss: { name: "quantiles", levels: [0.1, 0.9] }, link: "identity" })).toBe(
      "quantiles (0.1, 0.9); shown here: the median",
    );
    expect(words.kindOf({ loss: { name: "absolute" }, link: "identity" })).toBe("the median (absolute loss)");
    expect(
      [words.amount({ unit: "a long unit of something" }, 2), words.signedAmount({ unit: "" }, 2)].map(read),
    ).toEqual(["2 a long unit…", "+2"]);
  });

  it.each<[string, number[][], string]>([
    ["one group", [[1, 9, 0.1]], "Too few rows, or different predictions, to compare groups of them"],
    [
      "groups within three standard errors",
      [
        [1, 1.3, 0.1],
        [2, 2, 0.1],
      ],
      "Groups of rows get what was predicted for them",
    ],
    [
      "one beyond",
      [
        [1, 1.31, 0.1],
        [2, 2, 0.1],
      ],
      "1 of 2 groups of rows is off by more than three standard errors",
    ],
    [
      "two, below and above",
      [
        [1, 0.6, 0.1],
        [2, 2.4, 0.1],
        [3, 3, 0.1],
      ],
      "2 of 3 groups of rows are off by more than three standard errors",
    ],
    [
      "a group without spread, which cannot tell",
      [
        [1, 5, 0],
        [2, 2, 0.1],
      ],
      "Groups of rows get what was predicted for them",
    ],
  ])("whether predictions are right on average: %s", (_, bins, want) => {
    const calibration = bins.map(([predicted, actual, error]) => ({ predicted, actual, error }));
    expect(words.calibrationFinding(study({ quality: { calibration } }))).toBe(want);
  });

  it.each<[string, "intervals" | "quantiles", [number, number, number][], string]>([
    ["none", "intervals", [], "No intervals"],
    [
      "as often as asked, to half a percent and chance",
      "intervals",
      [[0.9, 0.876, 0.02]],
      "Intervals hold as often as they promise",
    ],
    [
      "too seldom",
      "intervals",
      [
        [0.9, 0.874, 0.02],
        [0.8, 0.8, 0.02],
      ],
      "Intervals hold less often than they promise",
    ],
    ["too often", "intervals", [[0.9, 0.99, 0.02]], "Intervals hold more often than they promise"],
    [
      "one too often, one too seldom",
      "intervals",
      [
        [0.9, 0.99, 0.02],
        [0.8, 0.7, 0.02],
      ],
      "Intervals hold more or less often than they promise",
    ],
    ["quantiles that are off", "quantiles", [[0.9, 0.99, 0.02]], "Quantiles hold more or less often than they promise"],
    ["quantiles that hold", "quantiles", [[0.9, 0.9, 0]], "Quantiles hold as often as they promise"],
  ])("whether intervals hold: %s", (_, covers, all, want) => {
    const coverage = all.map(([asked, held, error]) => ({ asked, held, error }));
    expect(words.coverageFinding(study({ quality: { covers, coverage } }))).toBe(want);
  });

  it("how far off most rows are", () => {
    expect(words.residualsFinding(study({}))).toBe("");
    expect(words.residualsFinding(study({ quality: {} }))).toBe("");
    expect(words.residualsFinding(study({ quality: { spread: [-2, -1, 0, 1, 3] } }))).toBe(
      "Nine of ten rows are between −2 and +3 off",
    );
    expect(words.coverageFinding(study({}))).toBe("No intervals");
  });

  it.each<[string, object, string]>([
    ["a category", { name: "a", strength: 2 }, "Putting a at random moves the prediction by 2"],
    ["a category that does nothing", { name: "a", strength: 0 }, "a moves nothing in these rows"],
    ["a number that does nothing", slopes(0, 0, 0), "a moves nothing in these rows"],
    ["the same everywhere", slopes(2, 2, 2), "One more unit of a adds 2 in the median row"],
    [
      "nothing in the median row",
      slopes(0, 0, 3),
      "One more unit of a adds nothing in the median row; 0 to 3 in nine rows of ten",
    ],
    ["more in some rows", slopes(1, 2, 3), "One more unit of a adds 2 in the median row; 1 to 3 in nine rows of ten"],
    ["downwards", slopes(-3, -2, -1), "One more unit of a takes off 2 in the median row; 1 to 3 in nine rows of ten"],
    [
      "downwards, and upwards in some",
      slopes(-3, -2, 1),
      "One more unit of a takes off 2 in the median row; −3 to 1 in nine rows of ten",
    ],
    [
      "little a unit, of a column that runs far",
      slopes(0.001, 0.002, 0.005, { spread: 5000 }),
      "100 more units of a add 0.2 in the median row; 0.1 to 0.5 in nine rows of ten",
    ],
    [
      "little a unit, of a column that does not",
      slopes(-0.005, -0.002, -0.001, { spread: 5 }),
      "One more unit of a takes off 0.002 in the median row; 0.001 to 0.005 in nine rows of ten",
    ],
    [
      "downwards, by many units",
      slopes(-0.0005, -0.0002, 0, { spread: 200 }),
      "100 more units of a take off 0.02 in the median row; 0 to 0.05 in nine rows of ten",
    ],
    [
      "nothing in the median row, of many units",
      slopes(0, 0, 0.005, { spread: 200 }),
      "100 more units of a add nothing in the median row; 0 to 0.5 in nine rows of ten",
    ],
  ])("what one more unit does: %s", (_, given, want) => {
    expect(read(words.slopeFinding(study({}), given as never))).toBe(want);
  });

  it("for how many units a derivative is told: a power of ten that does a tenth, within the column's spread", () => {
    const of = (size: number, spread: number) => words.unitsOf(slopes(0, size, 0, { spread }) as never);
    expect([
      of(0.01, 1e6),
      of(0.0099, 1e6),
      of(0.001, 1e6),
      of(0.00099, 1e6),
      of(0.0099, 99),
      of(0.0099, 0.5),
      of(0, 1e6),
    ]).toEqual([1, 100, 100, 1000, 10, 1, 1]);
    expect(words.unitsOf({} as never)).toBe(1);
    expect([
      words.perUnits(slopes(0, 1, 0) as never),
      words.perUnits(slopes(0, 1e-4, 0, { spread: 1e4 }) as never),
    ]).toEqual(["per unit", "per 1,000 units"]);
    expect(words.unitsOf(slopes(-0.004, 0, 0, { spread: 1e6 }) as never)).toBe(100);
    expect(words.unitsOf(slopes(0, 0, 0.004, { spread: 1e6 }) as never)).toBe(100);
  });

  it.each<[string, number[][], string]>([
    [
      "nothing of two stretches",
      [
        [0, 1, 9],
        [1, 2, 1],
      ],
      "",
    ],
    [
      "nothing of stretches of a row",
      [
        [0, 1, 9],
        [1, 2, 1],
        [2, 3, 1, 1],
      ],
      "",
    ],
    [
      "about the same",
      [
        [0, 1, 1.49],
        [1, 2, 1],
        [2, 3, 1.2],
      ],
      "About the same wherever it lies.",
    ],
    [
      "most and least",
      [
        [0, 1, 1.5],
        [1, 2, 1],
        [2, 4, 1.2],
      ],
      "It matters most from 0 to 1, least from 1 to 2.",
    ],
    [
      "downwards as upwards",
      [
        [0, 0, -3],
        [1, 2, 1],
        [2, 4, 1.2],
      ],
      "It matters most at 0, least from 1 to 2.",
    ],
  ])("where a driver matters: %s", (_, given, want) => {
    const bins = given.map(([from, to, median, rows = 5]) => ({ from, to, median, rows }));
    expect(words.bendFinding({ bins } as never)).toBe(want);
  });

  it.each<[string, object, string]>([
    ["one category", { kind: "category", grid: ["x"], pdp: [1] }, ""],
    [
      "categories that are all the same",
      { kind: "category", grid: ["x", "y"], pdp: [1, 1] },
      "Every category gets the same.",
    ],
    [
      "categories",
      { kind: "category", grid: ["x", "y", "z"], pdp: [2, 5, 1] },
      "Highest with y, lowest with z: 4 apart.",
    ],
    ["one number", { kind: "number", grid: [3], pdp: [1] }, "One value in all of these rows."],
    [
      "numbers",
      { kind: "number", grid: [0, 5, 20], pdp: [1, 9, 4] },
      "From 0 to 20 the mean prediction changes by +3.",
    ],
  ])("how far averages move: %s", (_, curve, want) => {
    expect(read(words.curveFinding(study({}), curve as never))).toBe(want);
  });

  it.each<[string, number, number[], string]>([
    ["nothing", 5, [0, 0], "Row 1,200 is predicted like the median row"],
    ["one part", 7, [2, 0], "Row 1,200: 7, 2 above the median row: +2 by x0"],
    ["two parts, and more", 3, [-3, 1, 0.5], "Row 1,200: 3, 2 below the median row: −3 by x0, +1 by x1"],
    ["parts that cancel", 5, [1, -1], "Row 1,200: 5, 0 above the median row: +1 by x0, −1 by x1"],
  ])("where a prediction comes from: %s", (_, prediction, parts, want) => {
    const explained = {
      number: 1200,
      baseline: 5,
      prediction,
      parts: parts.map((contribution, i) => ({ name: `x${i}`, contribution })),
    };
    expect(read(words.explainedFinding(study({}), explained as never))).toBe(want);
  });

  it("what the weights prove, and what was counted beside that", () => {
    const proof = (monotone: boolean, checked: number) =>
      words.certificateFinding(study({ certificate: { monotone, checked } }));
    expect([proof(false, 9), proof(true, 0), proof(true, 1), proof(true, 1200)]).toEqual([
      "The model breaks a constraint",
      "No feature has a constraint, so there is nothing to prove",
      "No prediction can move the wrong way: 1 weight checked",
      "No prediction can move the wrong way: 1,200 weights checked",
    ]);
    const counted = (checked: number, wrong: number) =>
      words.signsNote(study({ signs: { checked, wrong }, rows: { sampled: 20 } }));
    expect([counted(0, 0), counted(60, 0), counted(60, 1)]).toEqual([
      "",
      "Beside the proof, a count: of 60 partial derivatives on 20 rows, 0 have the wrong sign.",
      "Beside the proof, a count: of 60 partial derivatives on 20 rows, 1 has the wrong sign.",
    ]);
  });

  it.each<[string, (number | null)[], object, string]>([
    ["warnings first", [1, 0.5], { warnings: ["a", "b"] }, "Training left 2 warnings"],
    [
      "a loss that ended at its least",
      [1, 0.7, 0.5],
      {},
      "The loss on left-out rows fell by 50 % and ended at its least",
    ],
    ["one near it", [1, 0.5, 0.51], {}, "The loss on left-out rows fell by 49 % and ended within 2 % of its least"],
    ["one that rose again", [1, 0.5, 0.511], {}, "3 members, averaged"],
    ["one that never fell", [1, 1], {}, "The loss on left-out rows fell by 0 % and ended at its least"],
    ["a loss of 0 from the start", [0, 0], {}, "3 members, averaged"],
    ["no rows left out", [null, null, null], {}, "3 members, averaged"],
    ["one look", [1], { members: 1 }, "How it was trained"],
  ])("how training went: %s", (_, losses, more, want) => {
    const training = { members: 3, warnings: [], curve: losses.map((validationLoss) => ({ validationLoss })), ...more };
    expect(words.trainingFinding(study({ training }))).toBe(want);
  });
});
