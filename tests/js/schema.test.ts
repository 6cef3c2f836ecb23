import { describe, expect, it } from "vitest";
import { type FitOptions, readOptions, readTarget, readWeights } from "../../js/schema.js";
import { numericColumn, readTable } from "../../js/table.js";

const rows = [
  { scan: 1, staff: 3, city: "Oslo", n: 1, minutes: 5 },
  { scan: 2, staff: 2, city: "Bergen", n: 2, minutes: 9 },
  { scan: 4, staff: 1, city: "Oslo", n: 1, minutes: 14 },
];
const numeric = rows.map(({ scan, staff, minutes }) => ({ scan, staff, minutes }));
const read = (options: unknown, from: object = rows) => readOptions(from as never, options as FitOptions);

/** The error of a call, as "Type: message". */
function failure(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return "no error";
}

/** [first, a hole, last] */
function holed<T>(first: T, last: T): T[] {
  const list: T[] = [];
  list[0] = first;
  list[2] = last;
  return list;
}

describe("options of fit", () => {
  it("take every column but the target as increasing when no feature is named", () => {
    const schema = read({ target: "minutes" }, numeric);
    expect(schema.features.map((f) => [f.name, f.constraint, f.kind])).toEqual([
      ["scan", "increasing", "number"],
      ["staff", "increasing", "number"],
    ]);
    expect(schema.seed).toBe(1);
    expect(Object.values(schema.hyper).every((value) => value === "auto")).toBe(true);
  });

  it("leave the weight column out of the features", () => {
    expect(read({ target: "minutes", weight: "staff" }, numeric).names).toEqual(["scan"]);
  });

  it("read constraints as words and as signs", () => {
    const schema = read({ target: "minutes", features: { scan: 1, staff: -1, n: 0, city: { categories: "auto" } } });
    expect(schema.features.map((f) => f.constraint)).toEqual(["increasing", "decreasing", "free", "free"]);
  });

  it("keep the order in which features are named, with a Map even for names that are numbers", () => {
    const wide = [
      { 2: 1, 1: 5, y: 1 },
      { 2: 3, 1: 4, y: 2 },
    ];
    const features = new Map([
      ["2", 1],
      ["1", -1],
    ] as const);
    expect(read({ target: "y", features }, wide).names).toEqual(["2", "1"]);
  });

  it("find categories in code-unit order, whatever the order of the rows", () => {
    const options = { target: "minutes", features: { city: { categories: "auto" } } };
    const found = read(options).features[0]?.categories;
    expect(found).toEqual(["Bergen", "Oslo"]);
    expect(read(options, [...rows].reverse()).features[0]?.categories).toEqual(found);
  });

  it("accept features called like what every object inherits", () => {
    const hostile = JSON.parse('[{"__proto__":1,"constructor":2,"y":3},{"__proto__":4,"constructor":5,"y":6}]');
    const features = JSON.parse('{"__proto__":"increasing","constructor":-1}');
    expect(read({ target: "y", features }, hostile).names).toEqual(["__proto__", "constructor"]);
    expect(failure(() => read({ target: "minutes", features: { constructor: 1 } }))).toContain(
      'no feature "constructor"',
    );
  });

  it("read the losses, Huber's with the place where it turns linear", () => {
    const loss = (given?: unknown) => read({ target: "minutes", features: { scan: 1 }, loss: given }).loss;
    expect(loss()).toEqual({ name: "squared" });
    expect(loss("huber")).toEqual({ name: "huber", delta: 1 });
    expect(loss({ huber: 1.5 })).toEqual({ name: "huber", delta: 1.5 });
    expect(loss({ huber: 1000 })).toEqual({ name: "huber", delta: 1000 });
    expect(loss({ quantiles: [0.9, 1e-6, 0.5, 1 - 1e-6] })).toEqual({
      name: "quantiles",
      levels: [1e-6, 0.5, 0.9, 1 - 1e-6],
    });
    expect(loss({ quantiles: Array.from({ length: 99 }, (_, k) => (k + 1) / 100) }).levels).toHaveLength(99);
  });

  it("take what is true, false or a number for a category, in words", () => {
    const mixed = [true, false, 3, 1.5, "x"].map((id, y) => ({ id, y }));
    const features = { id: { categories: "auto" } };
    expect(read({ target: "y", features }, mixed).features[0]?.categories).toEqual(["1.5", "3", "false", "true", "x"]);
    const some = [...mixed, { id: Number.NaN, y: 7 }, { id: null, y: 8 }];
    expect(failure(() => read({ target: "y", features }, some))).toContain(
      'row 5: "id" expected a category (a string), got NaN',
    );
    const allowed = { id: { categories: "auto", missing: "indicator" } };
    expect(read({ target: "y", features: allowed }, some).features[0]?.categories).toHaveLength(5);
  });

  const wrong: [string, unknown, string][] = [
    [
      "a loss of two",
      { target: "minutes", features: { scan: 1 }, loss: { huber: 1, quantiles: [0.5] } },
      'RangeError: "loss" expected "squared"',
    ],
    [
      "a loss of another name",
      { target: "minutes", features: { scan: 1 }, loss: { pinball: 0.5 } },
      'RangeError: "loss" expected "squared"',
    ],
    [
      "a loss of nothing",
      { target: "minutes", features: { scan: 1 }, loss: {} },
      'RangeError: "loss" expected "squared"',
    ],
    [
      "a Huber loss that is nowhere linear",
      { target: "minutes", features: { scan: 1 }, loss: { huber: 1001 } },
      'RangeError: "loss.huber" expected a number above 0, up to 1000, got 1001',
    ],
    [
      "a Huber loss of 0",
      { target: "minutes", features: { scan: 1 }, loss: { huber: 0 } },
      'RangeError: "loss.huber" expected a number above 0',
    ],
    [
      "a Huber loss of a word",
      { target: "minutes", features: { scan: 1 }, loss: { huber: "1" } },
      'TypeError: "loss.huber" expected a number above 0',
    ],
    [
      "a quantile that is no list",
      { target: "minutes", features: { scan: 1 }, loss: { quantiles: 0.5 } },
      'TypeError: "loss.quantiles" expected an array of levels between 0 and 1, got 0.5',
    ],
    [
      "no quantile level",
      { target: "minutes", features: { scan: 1 }, loss: { quantiles: [] } },
      'RangeError: "loss.quantiles" expected 1 to 99 levels',
    ],
    [
      "a hundred quantile levels",
      {
        target: "minutes",
        features: { scan: 1 },
        loss: { quantiles: Array.from({ length: 100 }, (_, k) => (k + 1) / 102) },
      },
      'RangeError: "loss.quantiles" expected 1 to 99 levels',
    ],
    [
      "a feature that is no name",
      { target: "minutes", features: new Map([[1, 1]]) },
      'TypeError: "features" expected column names as keys, got 1',
    ],
    [
      "the weight as a feature",
      { target: "minutes", weight: "n", features: { n: 1 } },
      'RangeError: "features.n" is the weight: it cannot be a feature too',
    ],
    [
      "a transform of categories",
      { target: "minutes", features: { city: { categories: "auto", transform: "log1p" } } },
      'RangeError: "features.city.transform" expected nothing beside categories, got "log1p"',
    ],
    [
      "categories that are no list",
      { target: "minutes", features: { city: { categories: "all" } } },
      'RangeError: "features.city.categories" expected "auto" or an array of strings, got "all"',
    ],
    [
      "categories that are a number",
      { target: "minutes", features: { city: { categories: 3 } } },
      'TypeError: "features.city.categories" expected "auto" or an array of strings, got 3',
    ],
    [
      "more than a thousand categories in a list",
      { target: "minutes", features: { city: { categories: Array.from({ length: 1001 }, (_, k) => `${k}`) } } },
      "expected 1 to 1000 categories, got 1001",
    ],
    [
      "an unknown word",
      { target: "minutes", features: { staff: "up" } },
      'RangeError: "features.staff" expected "increasing", "decreasing", "free", 1, -1, 0 or { categories }, got "up"',
    ],
    [
      "a sign other than 1, -1, 0",
      { target: "minutes", features: { staff: 2 } },
      'RangeError: "features.staff" expected',
    ],
    [
      "a constraint of the wrong kind",
      { target: "minutes", features: { staff: true } },
      'TypeError: "features.staff" expected',
    ],
    ["a list of features", { target: "minutes", features: ["staff"] }, 'TypeError: "features" expected an object'],
    ["no features", { target: "minutes", features: {} }, 'RangeError: "features" expected at least one feature'],
    [
      "an unknown feature, with the nearest name",
      { target: "minutes", features: { scam: 1 } },
      'RangeError: no feature "scam" in the rows; did you mean "scan"?',
    ],
    [
      "the target as a feature",
      { target: "minutes", features: { minutes: 1 } },
      'RangeError: "features.minutes" is the target',
    ],
    ["no target", {}, 'TypeError: "target" expected the name of a column, got undefined'],
    [
      "a target that is not there",
      { target: "hours" },
      'RangeError: no target column "hours" in the rows; columns: scan, staff, city, n, minutes',
    ],
    ["a weight that is not there", { target: "minutes", weight: "w" }, 'RangeError: no weight column "w"'],
    [
      "the target as weight",
      { target: "minutes", weight: "minutes" },
      'RangeError: "weight" expected a column other than the target',
    ],
    [
      "an unknown option",
      { target: "minutes", epoch: 3 },
      'RangeError: "epoch" is not an option of fit; did you mean "epochs"?',
    ],
    [
      "an unknown option of a feature",
      { target: "minutes", features: { city: { category: "auto" } } },
      'RangeError: "features.city.category" is not an option of a feature',
    ],
    ["an unknown loss", { target: "minutes", loss: "mse" }, 'RangeError: "loss" expected "squared"'],
    ["a loss of the wrong kind", { target: "minutes", loss: 3n }, 'TypeError: "loss" expected'],
    [
      "quantile levels out of range",
      { target: "minutes", features: { scan: 1 }, loss: { quantiles: [0.5, 1] } },
      'RangeError: "loss.quantiles[1]" expected a number from 0.000001 to 0.999999, got 1',
    ],
    [
      "a hole among quantile levels",
      { target: "minutes", features: { scan: 1 }, loss: { quantiles: holed(0.1, 0.9) } },
      'TypeError: "loss.quantiles[1]" expected a number',
    ],
    [
      "quantile levels as text",
      { target: "minutes", features: { scan: 1 }, loss: { quantiles: ["0.5"] } },
      'TypeError: "loss.quantiles[0]" expected a number from 0.000001 to 0.999999, got "0.5"',
    ],
    [
      "a hole among categories",
      { target: "minutes", features: { city: { categories: holed("Oslo", "Bergen") } } },
      'TypeError: "features.city.categories[1]" expected a string, got undefined',
    ],
    [
      "a feature in a Map, whose entries nobody would read",
      { target: "minutes", features: { scan: new Map([["constraint", "decreasing"]]) } },
      'TypeError: "features.scan" expected "increasing"',
    ],
    [
      "features in a Set",
      { target: "minutes", features: new Set(["scan"]) },
      'TypeError: "features" expected an object or a Map of constraints by column name, got a value of type Set',
    ],
    [
      "a number for a word",
      { target: "minutes", features: { scan: { missing: 1 } } },
      'TypeError: "features.scan.missing" expected',
    ],
    [
      "quantile levels twice",
      { target: "minutes", features: { scan: 1 }, loss: { quantiles: [0.5, 0.5] } },
      'RangeError: "loss.quantiles" expected distinct levels',
    ],
    ["no options", undefined, 'TypeError: "options" expected an object'],
    [
      "a number of networks that is not whole",
      { target: "minutes", features: { scan: 1 }, networks: 1.5 },
      'RangeError: "networks" expected a whole number from 1 to 1024 or "auto", got 1.5',
    ],
    ["no network", { target: "minutes", features: { scan: 1 }, networks: 0 }, 'RangeError: "networks"'],
    ["epochs as a string", { target: "minutes", features: { scan: 1 }, epochs: "60" }, 'RangeError: "epochs"'],
    [
      "a negative learning rate",
      { target: "minutes", features: { scan: 1 }, learningRate: -1 },
      'RangeError: "learningRate"',
    ],
    ["all rows kept back", { target: "minutes", features: { scan: 1 }, validation: 1 }, 'RangeError: "validation"'],
    ["a seed as text", { target: "minutes", features: { scan: 1 }, seed: "1" }, 'TypeError: "seed"'],
    ["a negative seed", { target: "minutes", features: { scan: 1 }, seed: -1 }, 'RangeError: "seed"'],
    ["an unknown effort", { target: "minutes", features: { scan: 1 }, effort: "most" }, 'RangeError: "effort"'],
    [
      "a progress callback that is none",
      { target: "minutes", features: { scan: 1 }, onProgress: 1 },
      'TypeError: "onProgress" expected a function',
    ],
    [
      "a signal that is none",
      { target: "minutes", features: { scan: 1 }, signal: {} },
      'TypeError: "signal" expected an AbortSignal',
    ],
    [
      "an order on categories",
      { target: "minutes", features: { city: { categories: "auto", constraint: 1 } } },
      'RangeError: "features.city.constraint" expected "free"',
    ],
    [
      "an indicator on a constrained feature",
      { target: "minutes", features: { scan: { missing: "indicator" } } },
      'RangeError: "features.scan.missing" expected "error" or "median"',
    ],
    [
      "a median of categories",
      { target: "minutes", features: { city: { categories: "auto", missing: "median" } } },
      'RangeError: "features.city.missing"',
    ],
    [
      "a fallback that is no category",
      { target: "minutes", features: { city: { categories: "auto", unknown: "Rome" } } },
      'RangeError: "features.city.unknown" expected one of the categories (Bergen, Oslo), got "Rome"',
    ],
    [
      "a fallback without categories",
      { target: "minutes", features: { scan: { unknown: "Rome" } } },
      'RangeError: "features.scan.unknown" needs categories',
    ],
    [
      "a category listed twice",
      { target: "minutes", features: { city: { categories: ["a", "a"] } } },
      'RangeError: "features.city.categories" expected distinct',
    ],
    [
      "no category",
      { target: "minutes", features: { city: { categories: [] } } },
      'RangeError: "features.city.categories" expected 1 to 1000',
    ],
  ];
  it.each(wrong)("refuse %s", (_, options, message) => {
    expect(failure(() => read(options))).toContain(message);
  });

  it.each<[string, number, number]>([
    ["networks", 1, 1024],
    ["groups", 1, 256],
    ["hyperplanes", 1, 256],
    ["epochs", 1, 1e9],
    ["batch", 1, 1e6],
    ["members", 1, 64],
    ["threads", 1, 256],
    ["seed", 0, 4294967295],
  ])("take whole numbers for %s, from %i to %i, and no others", (name, least, most) => {
    const given = (value: unknown) => read({ target: "minutes", features: { scan: 1 }, [name]: value });
    const taken = (schema: ReturnType<typeof read>) => ({ ...schema, ...schema.hyper })[name as "seed"];
    for (const value of [least, most]) expect(taken(given(value))).toBe(value);
    for (const value of [least - 1, most + 1, least + 0.5, Number.NaN])
      expect(failure(() => given(value))).toContain(
        `RangeError: "${name}" expected a whole number from ${least} to ${most}`,
      );
    expect(taken(given(undefined))).toBe(["threads", "seed"].includes(name) ? 1 : "auto");
  });

  it.each<[string, number[], number[]]>([
    ["learningRate", [1e-9, 10], [0, 10.001, -1]],
    ["validation", [0, 0.9], [-0.001, 0.901]],
  ])("take shares and rates for %s: %j, not %j", (name, good, bad) => {
    const given = (value: unknown) => read({ target: "minutes", features: { scan: 1 }, [name]: value });
    for (const value of good) expect(given(value).hyper[name as "validation"]).toBe(value);
    for (const value of bad) expect(failure(() => given(value))).toContain(`RangeError: "${name}" expected`);
  });

  it("refuse fewer than two rows", () => {
    expect(failure(() => read({ target: "minutes" }, numeric.slice(0, 1)))).toBe(
      'RangeError: "rows" expected at least 2 rows, got 1',
    );
    expect(failure(() => read({ target: "minutes" }, []))).toBe('RangeError: "rows" expected at least 2 rows, got 0');
  });

  it("refuse rows without a column besides the target, and columns of categories without one", () => {
    const bare = rows.map(({ minutes }) => ({ minutes }));
    expect(failure(() => read({ target: "minutes" }, bare))).toBe(
      'RangeError: "rows" expected at least one column besides the target "minutes", got 0',
    );
    const empty = rows.map(({ minutes }) => ({ minutes, city: null }));
    const features = { city: { categories: "auto", missing: "indicator" } };
    expect(failure(() => read({ target: "minutes", features }, empty))).toBe(
      'RangeError: "features.city.categories" found no category: every value of "city" is missing',
    );
  });

  it("take a thousand categories, found or listed", () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ id: `id${i}`, y: i }));
    for (const categories of ["auto", many.map(({ id }) => id)])
      expect(read({ target: "y", features: { id: { categories } } }, many).features[0]?.categories).toHaveLength(1000);
  });

  it("refuse more than a thousand categories and say what to do", () => {
    const many = Array.from({ length: 1500 }, (_, i) => ({ id: `id${i}`, y: i }));
    expect(failure(() => read({ target: "y", features: { id: { categories: "auto" } } }, many))).toContain(
      "list those that matter",
    );
  });
});

describe("the target and the weights", () => {
  const target = (values: number[], loss: string) => () =>
    readTarget(readTable({ y: values }), { target: "y", loss: { name: loss as "squared" } });

  it("refuse a target that is the same in every row", () => {
    expect(failure(target([2, 2, 2], "squared"))).toBe(
      'RangeError: target "y" is 2 in every row: there is nothing to learn from it',
    );
  });

  it("refuse a target, and a weight, that is no finite number of float32, by its row", () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 3.5e38, null, "3", undefined]) {
      const table = readTable([
        { y: 1, n: 1 },
        { y: 2, n: 2 },
        { y: value, n: value },
      ] as never);
      const said = [
        () => readTarget(table, { target: "y", loss: { name: "squared" } }),
        () => readWeights(table, { weight: "n" }),
      ].map(failure);
      for (const [k, name] of ["y", "n"].entries())
        expect(said[k]).toMatch(new RegExp(`^(Type|Range)Error: row 2: "${name}" `));
    }
    expect(failure(() => numericColumn(readTable({ y: [1, 2] }), "x"))).toBe(
      'RangeError: no column "x" in the rows; columns: y',
    );
    expect(failure(() => readTable({ y: [1, 2] }).column("x"))).toBe(
      'RangeError: no column "x" in the rows; columns: y',
    );
  });

  it("refuse a target that spans more than float32 can", () => {
    expect(failure(target([-3e38, 3e38], "squared"))).toContain("wider than float32: give it in a larger unit");
  });

  it("refuse a target that the loss cannot have", () => {
    expect(failure(target([1, -1], "poisson"))).toBe(
      'RangeError: row 1: "y" is -1; the loss "poisson" expected 0 or more',
    );
    expect(failure(target([1, 0], "gamma"))).toContain("expected more than 0");
    expect(failure(target([1, 2], "logistic"))).toContain("expected 0 or 1");
    expect(target([0, 1], "logistic")()).toEqual(Float64Array.of(0, 1));
  });

  it("refuse weights below 0 and weights that leave fewer than two rows", () => {
    const weights = (values: number[]) => () => readWeights(readTable({ n: values }), { weight: "n" });
    expect(failure(weights([1, -1]))).toContain('row 1: "n" is -1');
    expect(failure(weights([1, 0, 0]))).toContain("at least 2 rows above 0, got 1");
    expect(weights([1, 0, 2])()).toEqual(Float64Array.of(1, 0, 2));
  });
});
