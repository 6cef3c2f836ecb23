// Arguments that are wrong, or come from elsewhere: each is named in words of the library's own, and no misspelt option is passed over.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { describe, expect, test } from "vitest";
import { toModule } from "../../js/export/esm.js";
import { toONNX } from "../../js/export/onnx.js";
import { toSQL } from "../../js/export/sql.js";
import { toWasm } from "../../js/export/wasm.js";
import {
  alphaCurves,
  audit,
  crossValidate,
  fit,
  interactions,
  load,
  merge,
  mergeScalings,
  partialDependence,
  permutationImportance,
  scan,
  sensitivitySummary,
  surface,
} from "../../js/index.js";
import { load as loadPredictor } from "../../js/predict.js";

const rows = Array.from({ length: 40 }, (_, i) => ({
  a: i,
  b: (i * 7) % 11,
  city: "uvw"[i % 3],
  y: i + ((i * 7) % 11),
}));
const options = { target: "y", features: { a: 1, b: 1 }, networks: 1, members: 1, epochs: 2 } as const;
const model = await fit(rows, options);
const predictor = loadPredictor(model);
const zeros = (_: unknown, n: number) => new Float64Array(n);
/** A call with arguments that types would refuse. */
const wrong = (call: (...given: never[]) => unknown, ...given: unknown[]) => {
  return async () => call(...(given as never[]));
};
const batches = (...list: unknown[]) => list.values();

describe("a wrong argument is named", () => {
  test.each([
    ["no options", wrong(fit, rows), TypeError, '"options" expected an object with a target, got undefined'],
    ["no options of batches", wrong(fit, batches(rows)), TypeError, '"options" expected an object with a target'],
    ["no options of scan", wrong(scan, rows), TypeError, '"options" expected an object with a target'],
    ["a row that is null", wrong(model.predict, null), TypeError, '"row" expected an object'],
    ["a row that is undefined", wrong(predictor.predict), TypeError, '"row" expected an object'],
    ["an interval of no row", wrong(model.predictInterval, null), TypeError, '"row" expected an object'],
    ["an effect on no row", wrong(model.effect, null, { a: 1 }), TypeError, '"row" expected an object'],
    ["an effect of no change", wrong(model.effect, rows[0]), TypeError, '"change" expected an object'],
    ["an effect of a number", wrong(model.effect, rows[0], 3), TypeError, '"change" expected an object'],
    [
      "more folds than rows",
      wrong(crossValidate, rows, { ...options, folds: 41 }),
      RangeError,
      '"folds" expected at most',
    ],
    ["folds as text", wrong(crossValidate, rows, { ...options, folds: "4" }), TypeError, '"folds" expected'],
    ["repeats as text", wrong(crossValidate, rows, { ...options, repeats: "2" }), TypeError, '"repeats" expected'],
    ["coverage as text", wrong(crossValidate, rows, { ...options, coverage: ["x"] }), TypeError, '"coverage" expected'],
    ["draws as text", wrong(sensitivitySummary, model, rows, { bootstrap: "9" }), TypeError, '"options.bootstrap"'],
    ["no draws", wrong(sensitivitySummary, model, rows, { bootstrap: -1 }), RangeError, '"options.bootstrap"'],
    ["a column's name as weights", wrong(sensitivitySummary, model, rows, { weights: "w" }), TypeError, "40 numbers"],
    [
      "weights as text",
      wrong(sensitivitySummary, model, rows, { weights: rows.map(() => "1") }),
      TypeError,
      '"options.weights[0]" expected a finite number of at least 0, got "1"',
    ],
    ["a step as text", wrong(audit, zeros, rows, { a: 1 }, { step: "0.1" }), TypeError, '"options.step" expected'],
    ["pairs as text", wrong(audit, zeros, rows, { a: 1 }, { pairs: "9" }), TypeError, '"options.pairs" expected'],
    ["a tolerance as text", wrong(audit, zeros, rows, { a: 1 }, { tolerance: "1" }), TypeError, '"options.tolerance"'],
    ["a constraint in an object", wrong(audit, zeros, rows, { a: { constraint: 1 } }), TypeError, '"constraints.a"'],
    ["a constraint of no such word", wrong(audit, zeros, rows, { a: "up" }), RangeError, '"constraints.a" expected'],
    [
      "derivatives that are no function",
      wrong(audit, zeros, rows, { a: 1 }, { derivatives: [1] }),
      TypeError,
      '"options.derivatives" expected a function',
    ],
    [
      "derivatives that come to nothing",
      wrong(audit, zeros, rows, { a: 1 }, { derivatives: () => undefined }),
      TypeError,
      '"options.derivatives" expected 40 numbers, got undefined',
    ],
    ["an alpha as text", wrong(alphaCurves, model, rows, ["2"]), TypeError, '"alphas" expected'],
    ["a baseline that is no row", wrong(model.explain, rows[0], 5), TypeError, '"baseline" expected "median", "zero"'],
    ["a baseline of no such word", wrong(model.explain, rows[0], "mean"), RangeError, '"baseline" expected "median"'],
    ["a baseline without a value", wrong(model.explain, rows[0], { a: 1 }), TypeError, 'baseline: "b" is missing'],
    [
      "a baseline beyond float32",
      wrong(model.explain, rows[0], [1, 1e39]),
      RangeError,
      'baseline: "b" is 1e+39, beyond',
    ],
    ["weights of no such word", wrong(merge, [model, model], { weights: "row" }), RangeError, '"weights" expected'],
    [
      "a quantile of a mean",
      wrong(model.quantile, rows[0], 0.5),
      TypeError,
      'expected a model fitted with loss: { quantiles: [...] }, got "squared"',
    ],
    ["a level of a mean", wrong(toSQL, model, { dialect: "sqlite", level: 0.9 }), RangeError, '"level" expected none'],
    ["scalings that are none", wrong(mergeScalings, null), TypeError, '"scalings" expected an array'],
    ["no target", wrong(permutationImportance, model, rows), TypeError, '"target" expected the name of a column'],
    ["alphas in an object", wrong(alphaCurves, model, rows, { alphas: [1] }), TypeError, '"alphas" expected an array'],
    ["no predictions", wrong(audit, () => undefined, rows, { a: 1 }), TypeError, '"predict" expected 40 predictions'],
    ["columns as one name", wrong(toSQL, model, { dialect: "sqlite", table: "t", keep: "id" }), TypeError, '"keep"'],
    [
      "columns of no table",
      wrong(toSQL, model, { dialect: "sqlite", keep: ["id"] }),
      RangeError,
      '"keep" needs "table"',
    ],
    ["a table that is a symbol", wrong(toSQL, model, { dialect: "sqlite", table: Symbol("t") }), TypeError, '"table"'],
    ["a name that is none", wrong(toSQL, model, { dialect: "sqlite", table: "t", as: Symbol("p") }), TypeError, '"as"'],
    ["no feature", wrong(toSQL, model, { dialect: "sqlite", columns: { c: "d" } }), RangeError, '"columns" expected'],
    ["a change in an array", wrong(model.effect, rows[0], [1]), TypeError, '"change" expected an object of changes'],
    ["a change by NaN", wrong(model.effect, rows[0], { a: Number.NaN }), RangeError, '"change.a" expected a number'],
    ["draws that are null", wrong(sensitivitySummary, model, rows, { bootstrap: null }), TypeError, '"options.bootst'],
    ["weights that are null", wrong(partialDependence, model, rows, "a", { weights: null }), TypeError, "40 numbers"],
    [
      "a grid that is null",
      wrong(surface, model, rows, "a", "b", { grid: null }),
      TypeError,
      '"options.grid" expected',
    ],
    ["shares that are null", wrong(merge, [model, model], { weights: null }), TypeError, '"weights" expected "equal"'],
    [
      "pairs that are null",
      wrong(audit, zeros, rows, { a: 1 }, { pairs: null }),
      TypeError,
      '"options.pairs" expected',
    ],
    ["a step that is null", wrong(audit, zeros, rows, { a: 1 }, { step: null }), TypeError, '"options.step" expected'],
    [
      "a seed past 32 bits",
      wrong(sensitivitySummary, model, rows, { seed: 2 ** 32 }),
      RangeError,
      '"options.seed" expected a whole number from 0 to 4294967295, got 4294967296',
    ],
    ["prune as text", wrong(toModule, model, { prune: "no" }), TypeError, '"prune" expected true or false, got "no"'],
    ["exact as a number", wrong(toONNX, model, { exact: 0 }), TypeError, '"exact" expected true or false, got 0'],
    ["a module that is none", wrong(fit, rows, { ...options, module: 1 }), TypeError, /^"module" expected/],
  ])("%s", async (_, call, kind, text) => {
    await expect(call()).rejects.toThrow(kind);
    await expect(call()).rejects.toThrow(text);
  });

  test.each([
    ["a Map", new Map([["pairs", 0]])],
    ["an array", [0]],
    ["a promise", Promise.resolve({ pairs: 0 })],
    ["a date", new Date(0)],
    [
      "a Map of a class with a tag of its own",
      new (class extends Map<string, number> {
        readonly pairs = 0;
        readonly [Symbol.toStringTag] = "Options";
      })([["pairs", 0]]),
    ],
    ["numbers", Float64Array.of(0)],
    ["a buffer", new ArrayBuffer(8)],
    ["a WeakMap", new WeakMap()],
    ["an address", new URL("https://example.org/?pairs=0")],
  ])("options in %s, whose content nobody would read, are refused", async (_, given) => {
    const calls = [
      wrong(audit, zeros, rows, { a: 1 }, given),
      wrong(sensitivitySummary, model, rows, given),
      wrong(partialDependence, model, rows, "a", given),
      wrong(merge, [model, model], given),
      wrong(load, model, given),
      wrong(toONNX, model, given),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(/^"options" expected an object, got /);
  });

  test("options may have no prototype, or be a module", async () => {
    const bare = Object.assign(Object.create(null), options, {
      features: Object.assign(Object.create(null), { a: 1 }),
    });
    expect((await fit(rows, bare)).features.map(({ name }) => name)).toEqual(["a"]);
    const text = "data:text/javascript,export const bootstrap = 3";
    expect(sensitivitySummary(model, rows, await import(text)).rows).toBe(40);
  });

  test("options may be of a class that has a tag of its own", async () => {
    class Options {
      readonly target = "y";
      readonly features = { a: new Increasing(), b: 1 };
      readonly networks = 1;
      readonly members = 1;
      readonly epochs = 2;
      get [Symbol.toStringTag]() {
        return "Options";
      }
    }
    class Increasing {
      readonly constraint = "increasing";
      readonly [Symbol.toStringTag] = "Increasing";
    }
    const tagged = { bootstrap: 3, [Symbol.toStringTag]: "Draws" };
    expect(JSON.stringify(await fit(rows, new Options() as never))).toBe(JSON.stringify(model));
    expect(sensitivitySummary(model, rows, tagged)).toEqual(sensitivitySummary(model, rows, { bootstrap: 3 }));
  });

  test.each([
    ["sensitivitySummary", sensitivitySummary],
    ["partialDependence", partialDependence],
    ["surface", surface],
    ["interactions", interactions],
    ["permutationImportance", permutationImportance],
    ["alphaCurves", alphaCurves],
  ])("%s refuses what is no model, a model's file among it", (name, call) => {
    const last = name === "permutationImportance" ? "y" : name === "alphaCurves" ? undefined : "a";
    for (const none of [undefined, null, {}, model.toJSON(), JSON.stringify(model)]) {
      const ask = () => (call as (...given: unknown[]) => unknown)(none, rows, last, "b");
      expect(ask).toThrow(TypeError);
      expect(ask).toThrow('"model" expected a model, of fit or load, got ');
    }
  });

  test.each([
    [
      "audit",
      wrong(audit, zeros, rows, { a: 1 }, { pair: 0 }),
      '"pair" is not an option of audit; did you mean "pairs"?',
    ],
    ["crossValidate", wrong(crossValidate, rows, { ...options, fold: 3 }), 'did you mean "folds"?'],
    ["sensitivitySummary", wrong(sensitivitySummary, model, rows, { bootstraps: 9 }), 'did you mean "bootstrap"?'],
    ["partialDependence", wrong(partialDependence, model, rows, "a", { points: 9 }), "options: grid, ice, weights"],
    ["surface", wrong(surface, model, rows, "a", "b", { grids: 3 }), 'did you mean "grid"?'],
    ["interactions", wrong(interactions, model, rows, { rows: 3 }), "options: most"],
    ["permutationImportance", wrong(permutationImportance, model, rows, "y", { repeat: 3 }), 'did you mean "repeats"?'],
    ["merge", wrong(merge, [model, model], { weight: "rows" }), 'did you mean "weights"?'],
    ["load", wrong(load, model, { modul: 1 }), 'did you mean "module"?'],
    ["toModule", wrong(toModule, model, { pruned: true }), 'did you mean "prune"?'],
    ["toWasm", wrong(toWasm, model, { exact: true }), "options: prune"],
    ["toONNX", wrong(toONNX, model, { exacts: true }), 'did you mean "exact"?'],
    ["toSQL", wrong(toSQL, model, { dialect: "sqlite", tabel: "t" }), 'did you mean "table"?'],
  ])("%s refuses an option that there is none of", async (name, call, text) => {
    await expect(call()).rejects.toThrow(RangeError);
    await expect(call()).rejects.toThrow(`is not an option of ${name}`);
    await expect(call()).rejects.toThrow(text);
  });

  test("an error that nobody catches is shown without the rest of the library", () => {
    const index = pathToFileURL(join(import.meta.dirname, "../../dist/index.js")).href;
    const script = `import { fit } from ${JSON.stringify(index)}; await fit([{ a: 1, y: 2 }, { a: 2, y: "x" }], { target: "y" });`;
    const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(stderr).toContain('TypeError: row 1: "y" expected a number');
    expect(stderr.length).toBeLessThan(4000);
  });

  test("names of one letter are no guess at each other", async () => {
    await expect(fit(rows, { target: "z" })).rejects.toThrow(
      'no target column "z" in the rows; columns: a, b, city, y',
    );
    await expect(fit(rows, { target: "Y" })).rejects.toThrow('did you mean "y"?');
  });
});

describe("options for rows in batches", () => {
  test.each([
    [{ ...options, epoch: 3 }, 'did you mean "epochs"?'],
    [{ ...options, features: { a: "up" } }, '"features.a" expected "increasing"'],
    [{ ...options, features: { c: 1 } }, 'no feature "c"'],
    [{ ...options, features: null }, '"features" expected an object or a Map'],
    [{ ...options, features: { city: { categories: "auto", unknown: 3 } } }, "features.city.unknown"],
    [{ ...options, target: 3 }, '"target" expected the name of a column, got 3'],
    [{ ...options, threads: 0 }, '"threads" expected'],
  ])("%o are refused at the first batch", async (given, text) => {
    let read = 0;
    async function* source() {
      for (; read < 10; read++) yield rows.slice(4 * read, 4 * read + 4);
    }
    await expect(fit(source(), given as never)).rejects.toThrow(text);
    expect(read).toBe(0);
  });

  test("may name a category that the first batch lacks, and a batch may be one row", async () => {
    const features = { a: 1, city: { categories: "auto", unknown: "w" } } as const;
    expect(JSON.stringify(await fit(rows.values(), { ...options, features }))).toBe(
      JSON.stringify(await fit(rows, { ...options, features })),
    );
  });
});

describe("what another realm made", () => {
  const context = vm.createContext({ text: JSON.stringify(rows) });
  const there = (code: string) => vm.runInContext(code, context);

  test.each(["Float32Array", "Float64Array"])("%s, row-major: read as one of this realm", async (kind) => {
    const given = there(`${kind}.of(1, 2, 3, 4)`);
    const own = Float64Array.of(1, 2, 3, 4);
    expect(model.predictMany(given)).toEqual(model.predictMany(own));
    expect(predictor.sensitivityMany(given)).toEqual(model.sensitivityMany(own));
    expect(model.predict(there(`${kind}.of(3, 4)`))).toBe(model.predict([3, 4]));
    const report = await audit(zeros, given, { a: 1, b: 1 });
    expect(report.rows).toBe(2);
  });

  test("rows and a Map of features: the same model", async () => {
    const features = there('new Map([["a", 1], ["b", 1]])');
    expect(JSON.stringify(await fit(there("JSON.parse(text)"), { ...options, features }))).toBe(JSON.stringify(model));
  });
});

describe("a model's data, handed out", () => {
  test("can be changed without changing the model", () => {
    const before = JSON.stringify(model);
    const data = model.toJSON();
    data.features[0].name = "other";
    data.features[0].range?.fill(9);
    data.inputs[0].center = 9;
    data.networks[0][0][0][0] = 9;
    data.residuals?.fill(9);
    data.training.warnings.push("changed");
    expect(JSON.stringify(model)).toBe(before);
    expect(load(before).features).toEqual(model.features);
  });
});
