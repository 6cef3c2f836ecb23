import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelFormatError } from "../../js/errors.js";
import { parseModel, shortest, stringifyModel } from "../../js/format.js";
import { mergeData } from "../../js/merge.js";
import { load } from "../../js/model.js";
import { everyKind, makeRows, rowObject } from "./oracle.js";
import { generator, randomModel, randomRow } from "./random-model.js";

const minimal = () => ({
  format: "isotone",
  version: 1,
  target: { name: "minutes" },
  loss: { name: "squared" },
  features: [{ name: "scan", constraint: "increasing", kind: "number", missing: "error" }],
  inputs: [{ feature: 0, transform: "linear", center: 0, scale: 1 }],
  networks: [
    [
      [
        [2.5, 0],
        [0, 4],
      ],
    ],
  ],
  scale: 1,
  offset: 0,
  link: { name: "identity" },
  training: {},
});

/** The minimal model with one field replaced: a path such as "features.0.name". */
function changed(path: string, value: unknown): unknown {
  const model: Record<string, unknown> = minimal();
  const keys = path.split(".");
  let at = model;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, unknown>;
  if (value === undefined) delete at[keys.at(-1) as string];
  else at[keys.at(-1) as string] = value;
  return model;
}

function refusal(model: unknown): string {
  try {
    parseModel(model);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    return (error as Error).message;
  }
  return "accepted";
}

const wrong: [string, unknown, string][] = [
  ["what is not JSON", "{", "not a model file"],
  ["what is not an object", "[]", '"model" expected an object, got an array of 0'],
  [
    "a weight against the quantile level",
    {
      ...(changed("loss", { name: "quantiles", levels: [0.5] }) as object),
      inputs: [...minimal().inputs, { feature: -1, transform: "level", center: 0, scale: 1 }],
      networks: [[[[1, -1, 0]]]],
    },
    '"networks[0][0][0][1]" expected a weight [network][group][plane][input] within the constraint of the quantile level, increasing, got -1',
  ],
  ["another format", changed("format", "onnx"), '"format" expected "isotone", got "onnx"'],
  ["a later version", changed("version", 2), '"version" expected 1 (to read a later one, update isotone), got 2'],
  [
    "a version that is a string",
    changed("version", "1"),
    '"version" expected 1 (to read a later one, update isotone), got "1"',
  ],
  [
    "an unknown field",
    changed("extra", 1),
    '"extra" expected nothing (version 1 has no such field beside format, version, target',
  ],
  [
    "an unknown field of a feature",
    changed("features.0.extra", 1),
    '"features[0].extra" expected nothing (version 1 has no such field beside name, constraint, kind, missing), got 1',
  ],
  ["no target", changed("target", undefined), '"target" expected an object, got undefined'],
  ["a target name that is no string", changed("target.name", 1), '"target.name" expected a string, got 1'],
  ["an unknown loss", changed("loss.name", "mse"), '"loss.name" expected "squared"'],
  ["levels without quantiles", changed("loss.levels", [0.5]), '"loss.levels"'],
  ["no features", changed("features", []), '"features" expected at least one feature'],
  [
    "features twice",
    changed("features", [minimal().features[0], minimal().features[0]]),
    '"features[1].name" expected distinct names, got "scan"',
  ],
  [
    "a category twice",
    changed("features.0", {
      name: "c",
      kind: "category",
      constraint: "free",
      missing: "error",
      categories: ["a", "b", "a"],
    }),
    '"features[0].categories[2]" expected distinct names, got "a"',
  ],
  ["no residual", changed("residuals", []), '"residuals" expected 1 to 1001 numbers, got an array of 0'],
  [
    "too many residuals",
    changed(
      "residuals",
      Array.from({ length: 1002 }, (_, k) => k),
    ),
    '"residuals" expected 1 to 1001 numbers, got an array of 1002',
  ],
  ["an unknown constraint", changed("features.0.constraint", "up"), '"features[0].constraint" expected "increasing"'],
  ["an unknown kind", changed("features.0.kind", "text"), '"features[0].kind"'],
  ["a median without its number", changed("features.0.missing", "median"), '"features[0].fill"'],
  [
    "an indicator on a constrained feature",
    changed("features.0.missing", "indicator"),
    '"features[0].missing" expected "error", "median" for increasing number, got "indicator"',
  ],
  ["categories of a number", changed("features.0.categories", ["a"]), '"features[0].categories"'],
  ["a range upside down", changed("features.0.range", [2, 1]), '"features[0].range"'],
  ["no inputs", changed("inputs", []), '"inputs" expected at least one input'],
  [
    "an input of no feature",
    changed("inputs.0.feature", 1),
    '"inputs[0].feature" expected the index of a feature, 0 to 0, got 1',
  ],
  ["an unknown transform", changed("inputs.0.transform", "square"), '"inputs[0].transform"'],
  [
    "a level in a model without quantiles",
    changed("inputs.0", { feature: -1, transform: "level", center: 0, scale: 1 }),
    '"inputs" expected none with the transform "level", because "loss" is "squared"',
  ],
  [
    "quantiles without a level",
    changed("loss", { name: "quantiles", levels: [0.5] }),
    '"inputs" expected one with the transform "level", because "loss" is "quantiles"',
  ],
  ["log1p without a divisor", changed("inputs.0.transform", "log1p"), '"inputs[0].divisor"'],
  ["a divisor without log1p", changed("inputs.0.divisor", 1), '"inputs[0].divisor"'],
  [
    "a logarithm of infinite slope",
    changed("inputs.0", { feature: 0, transform: "log1p", divisor: 2e-39, center: 0, scale: 1 }),
    '"inputs[0].divisor" expected a number above 0, "scale" over it within float32, got 2e-39',
  ],
  [
    "an input scale of 0",
    changed("inputs.0.scale", 0),
    '"inputs[0].scale" expected a number above 0 within float32, got 0',
  ],
  ["an input scale that is 0 in float32", changed("inputs.0.scale", 1e-60), '"inputs[0].scale"'],
  ["no networks", changed("networks", []), '"networks" expected at least one network'],
  ["an empty network", changed("networks.0", []), '"networks[0]" expected at least one group'],
  ["an empty group", changed("networks.0.0", []), '"networks[0][0]" expected at least one hyperplane'],
  ["a plane that is too short", changed("networks.0.0.1", [1]), '"networks[0][0][1]" expected 2 numbers'],
  [
    "a weight that is no number",
    changed("networks.0.0.1.0", "1"),
    '"networks[0][0][1][0]" expected a finite number within float32, got "1"',
  ],
  [
    "a weight that is null, as NaN is in JSON",
    changed("networks.0.0.1.0", null),
    '"networks[0][0][1][0]" expected a finite number within float32, got null',
  ],
  [
    "a plane with holes",
    changed("networks.0.0.1", new Array(2)),
    '"networks[0][0][1][0]" expected a finite number within float32, got undefined',
  ],
  ["a group with holes", changed("networks.0.0", new Array(1)), '"networks[0][0][0]" expected an array, got undefined'],
  ["a weight beyond float32", changed("networks.0.0.1.0", 1e39), '"networks[0][0][1][0]"'],
  ["weights that overflow", changed("networks.0.0.1.0", 3e38), "can overflow float32"],
  [
    "networks that overflow together",
    changed("networks", [[[[3e36, 0]]], [[[4e36, 0]]]]),
    '"networks[1]" expected weights of which no sum can overflow float32',
  ],
  ["a scale below 0", changed("scale", -1), '"scale" expected a number above 0 within float32, got -1'],
  [
    "an offset that is no number",
    changed("offset", Number.NaN),
    '"offset" expected a finite number within float32, got NaN',
  ],
  ["an unknown link", changed("link.name", "probit"), '"link.name"'],
  ["exp without a maximum", changed("link", { name: "exp" }), '"link.maximum"'],
  ["calibration of a model without quantiles", changed("calibration", [[0.5, 0.5]]), '"calibration"'],
  ["residuals that are not sorted", changed("residuals", [1, 0]), '"residuals[1]" expected ascending numbers'],
  ["a training that is no object", changed("training", []), '"training" expected an object'],
  [
    "a median beyond float32",
    changed("features.0.median", 1e39),
    '"features[0].median" expected a finite number within',
  ],
  ["scores that are no object", changed("training.heldOut", 1), '"training.heldOut" expected an object, got 1'],
  ["scores of no model", changed("training.heldOut", {}), '"training.heldOut.model" expected an object'],
  [
    "scores on rows that are no number",
    changed("training.heldOut", { model: { rows: "40" } }),
    '"training.heldOut.model.rows" expected a finite number, got "40"',
  ],
  ["a seed that is no number", changed("training.seed", "1"), '"training.seed"'],
];

describe("a model file", () => {
  it("is read from text, from an object, and with a byte order mark", () => {
    const text = JSON.stringify(minimal());
    expect(parseModel(text)).toEqual(parseModel(minimal()));
    expect(parseModel(`\ufeff${text}`)).toEqual(parseModel(minimal()));
    expect(load(text).predict({ scan: 2 })).toBe(5);
    expect(load(text).predict({ scan: 1 })).toBe(4);
  });

  it("of every kind reads back to the same bytes", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const data = parseModel(randomModel(seed));
      const text = stringifyModel(data);
      expect(parseModel(text)).toEqual(data);
      expect(stringifyModel(parseModel(text))).toBe(text);
    }
  });

  it("is the same text whatever the order of its fields", () => {
    const shuffled = Object.fromEntries(Object.entries(minimal()).reverse());
    expect(stringifyModel(shuffled as never)).toBe(stringifyModel(minimal() as never));
  });

  it("has the fewest digits that read back to the same float32", () => {
    expect(shortest(Math.fround(0.1))).toBe(0.1);
    expect(shortest(16777216)).toBe(16777216);
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const short = shortest(value);
        expect(Math.fround(short)).toBe(value + 0); // -0 is written as 0
        const digits = (x: number) =>
          x
            .toExponential()
            .replace(/e.*|[-.]/g, "")
            .replace(/0+$/, "").length;
        if (digits(short) > 1) expect(Math.fround(Number(value.toPrecision(digits(short) - 1)))).not.toBe(value);
      }),
      { numRuns: 2000 },
    );
  });

  it("has the digits of toPrecision: near powers of ten, at ties, at the ends of float32, of float64 too", () => {
    const bits = new Uint32Array(1);
    const beside = (x: number, steps: number) => {
      const float = new Float32Array(bits.buffer);
      float[0] = x;
      bits[0] += steps;
      return float[0];
    };
    const value = fc.oneof(
      fc
        .tuple(fc.integer({ min: -45, max: 38 }), fc.integer({ min: -9, max: 9 }))
        .map(([e, k]) => beside(+`1e${e}`, k)),
      // eight digits and a half, and seven: exactly between two decimals
      fc.tuple(fc.integer({ min: 0, max: 2e8 }), fc.integer({ min: 0, max: 30 })).map(([m, k]) => (m + 0.5) / 2 ** k),
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    fc.assert(
      fc.property(value, fc.boolean(), (size, negative) => {
        const value = negative ? -size : size;
        const texts = [1, 2, 3, 4, 5, 6, 7, 8].map((digits) => Number(value.toPrecision(digits)));
        const exact = texts.find((short) => Math.fround(short) === value);
        expect(shortest(value)).toBe((exact ?? Number(value.toPrecision(9))) + 0);
      }),
      { numRuns: 5000 },
    );
  });

  it("keeps hostile names as they are", () => {
    const hostile = [
      '"',
      "\\",
      "\n",
      "*/",
      "</script>",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that would be code in a template
      "${x}",
      "🦉",
      "select",
      "x".repeat(1000),
      "",
      "__proto__",
      "constructor",
    ];
    const model = minimal();
    model.features = hostile.map((name) => ({ name, constraint: "increasing", kind: "number", missing: "error" }));
    model.target.name = "__proto__";
    const data = parseModel(stringifyModel(model as never));
    expect(data.features.map((f) => f.name)).toEqual(hostile);
    const row = Object.fromEntries(hostile.map((name, i) => [name, i + 2]));
    expect(load(data).predict(row)).toBe(5);
    expect(Object.keys(load(data).sensitivity(row))).toEqual(hostile);
  });

  it("is refused with a bigint after a large weight, as with one alone", () => {
    for (const weight of [0.5, 1e30])
      expect(refusal(changed("networks.0.0.1", [weight, 1n]))).toContain(
        '"networks[0][0][1][1]" expected a finite number within float32, got 1n',
      );
  });

  it.each(wrong)("is refused with %s", (_, model, message) => {
    expect(refusal(model)).toContain(message);
  });

  it("is refused when one weight breaks a declared constraint, naming feature, network, group and plane", () => {
    expect(refusal(changed("networks.0.0.1.0", -0.5))).toBe(
      '"networks[0][0][1][0]" expected a weight [network][group][plane][input] within the constraint of "scan", increasing, got -0.5',
    );
    for (let seed = 1; seed <= 100; seed++) {
      const data = parseModel(randomModel(seed));
      const random = generator(seed + 1000);
      const m = Math.floor(random() * data.networks.length);
      const k = Math.floor(random() * (data.networks[m]?.length ?? 0));
      const plane = data.networks[m]?.[k]?.[0] as number[];
      const i = random() < 0.5 ? 0 : 1; // scan is increasing, staff decreasing
      if (plane[i] === 0) plane[i] = i === 0 ? 1 : -1;
      plane[i] = -(plane[i] as number);
      expect(refusal(data)).toContain(
        `"networks[${m}][${k}][0][${i}]" expected a weight [network][group][plane][input]`,
      );
      expect(refusal(data)).toContain(i === 0 ? '"scan", increasing' : '"staff", decreasing');
      expect(load.bind(null, data)).toThrow(ModelFormatError);
    }
  });

  it("survives or is refused with ModelFormatError, whatever one field is replaced with", () => {
    const replace = (value: unknown, path: number[], by: unknown): unknown => {
      const [step, ...rest] = path;
      if (step === undefined || typeof value !== "object" || value === null) return by;
      const keys = Object.keys(value);
      if (keys.length === 0) return by;
      const key = keys[step % keys.length] as string;
      const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
      copy[key] = replace(copy[key], rest, by);
      return copy;
    };
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.nat(200), { minLength: 1, maxLength: 6 }),
        fc.anything(),
        (seed, path, by) => {
          const model = replace(randomModel(seed), path, by);
          try {
            parseModel(model);
          } catch (error) {
            expect(error).toBeInstanceOf(ModelFormatError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("never changes or keeps the object it is read from", () => {
    const given = randomModel(7);
    const before = structuredClone(given);
    const data = parseModel(given);
    expect(given).toEqual(before);
    (data.networks[0]?.[0]?.[0] as number[])[0] = 99;
    data.training.seed = 99;
    expect(given).toEqual(before);
  });

  it("holds only what JSON can hold", () => {
    const given = randomModel(7) as unknown as { training: Record<string, unknown> };
    given.training.rounds = 3n;
    expect(() => parseModel(given)).toThrow(new ModelFormatError('"training" expected JSON, got an object'));
    given.training.rounds = given;
    expect(() => parseModel(given)).toThrow(ModelFormatError);
  });
});

const folder = join(import.meta.dirname, "../golden/models");
const golden = readdirSync(folder).filter((name) => /^version-\d+-\w+\.json$/.test(name));

describe("files of every version", () => {
  it("are kept: one of each loss in version 1", () => {
    expect(golden.filter((name) => name.startsWith("version-1-")).length).toBe(7);
  });

  it.each(golden)("%s still loads, predicts the same bits and is written back the same", (name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const { rows, predictions } = JSON.parse(
      readFileSync(join(folder, name.replace(".json", ".predictions.json")), "utf8"),
    );
    const model = load(text);
    expect([...model.predictMany(rows)]).toEqual(predictions);
    if (name.startsWith("version-1-")) expect(`${stringifyModel(model)}\n`).toBe(text);
  });
});

const python = spawnSync("python3", ["--version"]);

describe.skipIf(python.status !== 0)(
  "a reader written from docs/model-format.md alone, in Python (skipped where there is no python3)",
  () => {
    const reader = join(import.meta.dirname, "reader.py");
    let place: string;
    beforeAll(() => {
      place = mkdtempSync(join(tmpdir(), "isotone-reader-"));
    });
    afterAll(() => rmSync(place, { recursive: true }));

    /** Largest difference, relative to `sizes`: what each prediction is a sum of. */
    function apart(text: string, rows: unknown[], ours: ArrayLike<number>, size: number): number {
      const file = join(place, "model.json");
      writeFileSync(file, text);
      const output = execFileSync("python3", [reader, file], { input: JSON.stringify(rows), encoding: "utf8" });
      const theirs = JSON.parse(output) as number[];
      expect(theirs.length).toBe(ours.length);
      return theirs.reduce((worst, value, r) => Math.max(worst, Math.abs(value - ours[r]) / size), 0);
    }
    // near 0 a sum of large terms has no relative accuracy in float32: differences are relative to the largest prediction
    const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));

    it("has at most 60 lines", () => {
      expect(readFileSync(reader, "utf8").trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    });

    it("gets the same predictions to 1e-6: random models of every loss, rows with missing and unknown values", () => {
      const kinds = new Set<string>();
      for (let seed = 1; seed <= 14; seed++) {
        const data = parseModel(randomModel(seed));
        kinds.add(data.loss.name);
        const random = generator(seed);
        const rows = Array.from({ length: 200 }, () => randomRow(data, random));
        const ours = load(data).predictMany(rows);
        // the exponential multiplies the rounding of its argument
        const limit = data.link.name === "exp" ? 3e-6 : 1e-6;
        expect(apart(stringifyModel(data), rows, ours, largest(ours))).toBeLessThan(limit);
      }
      expect(kinds.size).toBe(7);
    });

    it.each(Object.entries(everyKind()))("gets the same predictions to 1e-6: %s", (_, data) => {
      for (const model of [data, mergeData([data, { ...data, scale: data.scale / 2 }])]) {
        const rows = makeRows(model, 200);
        const width = model.features.length;
        const objects = Array.from({ length: 200 }, (_, r) =>
          rowObject(model, rows.subarray(r * width, (r + 1) * width)),
        );
        const ours = load(model).predictMany(objects as never);
        expect(apart(stringifyModel(model), objects, ours, Math.max(model.scale, largest(ours)))).toBeLessThan(1e-6);
      }
    });

    it("gets the same quantiles to 1e-6, through the calibration", () => {
      const data = everyKind().quantiles;
      const model = load(data);
      const row = rowObject(data, makeRows(data, 1));
      const levels = [1e-9, 0.01, 0.1, 0.3, 0.5, 0.77, 0.9, 0.99];
      const ours = levels.map((p) => model.quantile(row, p));
      const rows = levels.map((p) => ({ ...row, "": p }));
      expect(apart(stringifyModel(data), rows, ours, largest(ours))).toBeLessThan(1e-6);
    });

    it.each(golden)("gets the stored predictions of %s to 1e-6", (name) => {
      const stored = readFileSync(join(folder, name.replace(".json", ".predictions.json")), "utf8");
      const { rows, predictions } = JSON.parse(stored);
      const limit = /poisson|gamma/.test(name) ? 3e-6 : 1e-6;
      expect(apart(readFileSync(join(folder, name), "utf8"), rows, predictions, largest(predictions))).toBeLessThan(
        limit,
      );
    });
  },
);

describe("the slope of a logarithm at 0", () => {
  const steepest = { feature: 0, transform: "log1p", divisor: 2.938737e-39, center: 0, scale: 1 };
  const steepness = Math.fround(1 / Math.fround(steepest.divisor));

  it("is within float32 for every divisor that is read, so no derivative is NaN where a weight is 0", () => {
    for (const weight of [0, 1, 1e-3]) {
      const model = changed("inputs.0", steepest) as { networks: number[][][][] };
      model.networks = [[[[weight, 0]]]];
      expect(load(model).sensitivity([0])).toEqual({ scan: Math.fround(Math.fround(weight) * steepness) });
    }
    expect(refusal(changed("inputs.0", { ...steepest, divisor: 2.9387e-39 }))).toContain('"inputs[0].divisor"');
    expect(refusal(changed("inputs.0", { ...steepest, scale: 1.01 }))).toContain('"inputs[0].divisor"');
  });
});

describe("docs/model-format.schema.json", () => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/model-format.schema.json"), "utf8");
  const fits = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(JSON.parse(text));
  const complaints = (model: unknown) => (fits(model) ? [] : fits.errors);

  it("accepts every model that the library writes", () => {
    expect(complaints(minimal())).toEqual([]);
    for (let seed = 1; seed <= 200; seed++) {
      expect(complaints(JSON.parse(stringifyModel(randomModel(seed))))).toEqual([]);
    }
    for (const data of Object.values(everyKind())) {
      expect(complaints(JSON.parse(stringifyModel(data)))).toEqual([]);
      expect(complaints(JSON.parse(stringifyModel(mergeData([data, data]))))).toEqual([]);
    }
  });

  it.each(golden)("accepts %s", (name) => {
    expect(complaints(JSON.parse(readFileSync(join(folder, name), "utf8")))).toEqual([]);
  });

  it("accepts the example of docs/model-format.md, which the library reads too", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/model-format.md"), "utf8");
    const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] as string);
    expect(complaints(example)).toEqual([]);
    expect(load(example).predict({ scan: 3 })).toBe(7.5);
  });

  it("names every field that the page names, and the page every field of the schema", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/model-format.md"), "utf8");
    const names = new Set<string>();
    JSON.parse(text, (key, value) => {
      if (key === "properties") for (const name of Object.keys(value)) names.add(name);
      return value;
    });
    for (const name of names) expect(page, name).toMatch(new RegExp(`[\`"]${name}[\`"]`));
    const fields = [...page.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
    const words = ["linear", "log1p", "equals", "missing", "level"];
    for (const name of fields) if (!words.includes(name)) expect([...names], name).toContain(name);
  });

  it("refuses what the library refuses, but for signs, lengths, bounds and references", () => {
    const beyond =
      /a weight \[|overflow|distinct names|ascending|index of a|expected \d+ numbers|because "loss"|"calibration" expected nothing|one of the categories|\[least|for a category|for a number|an "indicator"|1e-60|over it/;
    let refused = 0;
    for (const [, model] of wrong) {
      const message = refusal(model);
      if (typeof model !== "object" || beyond.test(message) || JSON.stringify(model).includes("null")) continue;
      expect([message, fits(model)]).toEqual([message, false]);
      refused++;
    }
    expect(refused).toBeGreaterThan(25);
  });
});
