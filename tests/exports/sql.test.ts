// What toSQL refuses and how it quotes, and what its text comes to where SQLite is told the words of each dialect; what the engines themselves make of it
// is tests/exports/run.mjs.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Dialect, type SQLOptions, toSQL } from "../../js/export/sql.js";
import type { ModelData } from "../../js/types.js";
import { evaluate64, everyKind, HOSTILE, makeModel, makeRows } from "../js/oracle.js";

const dialects: Dialect[] = ["postgresql", "mysql", "sqlite", "duckdb", "clickhouse", "spark", "bigquery"];
const named = (...names: string[]) => makeModel({ numbers: names.length, categories: 0, missing: false, names });

describe("toSQL", () => {
  it.each<[string, Dialect, string[], string]>([
    [
      "an empty name",
      "duckdb",
      [""],
      'duckdb cannot have a column ""; name its column with { columns: { "": "..." } }',
    ],
    ["a name that PostgreSQL would cut", "postgresql", ["x".repeat(64)], "postgresql cannot have a column"],
    ["a name of 63 characters but more bytes", "postgresql", ["é".repeat(40)], "postgresql cannot have a column"],
    ["a name longer than 64 characters", "mysql", ["x".repeat(65)], "mysql cannot have a column"],
    ["an emoji", "mysql", ["🦄"], "mysql cannot have a column"],
    ["a space at the end", "mysql", ["x "], "mysql cannot have a column"],
    ["a null character", "sqlite", ["a\0b"], "sqlite cannot have a column"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that Spark would put a setting in
    ["a setting of Spark", "spark", ["${process.exit(1)}"], "spark cannot have a column"],
    ["two names that are one", "duckdb", ["Scan", "scan"], 'duckdb takes the columns of "Scan" and "scan" for one'],
  ])("refuses %s, and says how to mend it", (_, dialect, names, message) => {
    expect(() => toSQL(named(...names), { dialect, table: "jobs" })).toThrow(RangeError);
    expect(() => toSQL(named(...names), { dialect, table: "jobs" })).toThrow(message);
    const columns = Object.fromEntries(names.map((name, i) => [name, `column ${i}`]));
    expect(toSQL(named(...names), { dialect, table: "jobs", columns })).toContain("column 0");
  });

  it.each([
    ["an unknown dialect", { dialect: "oracle" }, RangeError, '"dialect" expected postgresql, postgres'],
    ["a dialect of Object", { dialect: "constructor" }, RangeError, '"dialect" expected'],
    ["a dialect of no word", { dialect: 3 }, TypeError, '"dialect" expected'],
    ["an empty table", { dialect: "duckdb", table: "" }, RangeError, '"table" expected a name that duckdb can have'],
    [
      "a table that is none",
      { dialect: "duckdb", table: 3 },
      TypeError,
      '"table" expected a name, or the parts of a qualified name, got 3',
    ],
    [
      "a table of no parts",
      { dialect: "duckdb", table: [] },
      TypeError,
      '"table" expected a name, or the parts of a qualified name, got an array of 0',
    ],
    [
      "a column that is no name",
      { dialect: "duckdb", columns: { a: 1 } },
      TypeError,
      '"columns.a" expected the name of a column, got 1',
    ],
    [
      "a column of no feature",
      { dialect: "duckdb", columns: { b: "a" } },
      RangeError,
      '"columns" expected features of the model (a), got "b"',
    ],
    [
      "kept columns that are no list",
      { dialect: "duckdb", table: "t", keep: "id" },
      TypeError,
      '"keep" expected an array of names, got "id"',
    ],
    ["kept columns without a table", { dialect: "duckdb", keep: ["id"] }, RangeError, '"keep" needs "table" beside it'],
    ["a name without a table", { dialect: "duckdb", as: "id" }, RangeError, '"as" needs "table" beside it'],
    [
      "a level of a model without",
      { dialect: "duckdb", level: 0.5 },
      RangeError,
      '"level" expected none for a model without quantiles, got 0.5',
    ],
    ["a table of no name", { dialect: "duckdb", table: ["s", 1] }, TypeError, '"table" expected a name, got 1'],
    ["a kept number", { dialect: "duckdb", table: "t", keep: [7] }, TypeError, '"keep" expected a name, got 7'],
    [
      "a kept column that the engine would cut",
      { dialect: "postgresql", table: "t", keep: ["ä".repeat(32)] },
      RangeError,
      '"keep" expected a name that postgresql can have, got "ä',
    ],
    [
      "a setting of Spark as a name",
      { dialect: "spark", table: "t", as: `$${"{spark.master}"}` },
      RangeError,
      '"as" expected a name that spark can have',
    ],
    ["columns that are no object", { dialect: "sqlite", columns: new Map() }, TypeError, '"columns" expected'],
    ["a level that is null", { dialect: "sqlite", level: null }, TypeError, '"level" expected a number'],
    ["a level of 1", { dialect: "duckdb", level: 1 }, RangeError, '"level" expected a number in (0, 1), got 1'],
  ])("refuses %s", (_, options, kind, message) => {
    const call = () => toSQL(named("a"), options as never);
    expect(call).toThrow(kind as never);
    expect(call).toThrow(message as string);
  });

  it.each(dialects)("keeps the quotes of every name paired: %s", (dialect) => {
    const quote = dialect === "postgresql" || dialect === "duckdb" ? '"' : "`";
    const escapes = dialect === "clickhouse" || dialect === "bigquery";
    for (const name of HOSTILE) {
      const model = named(name);
      let text: string;
      try {
        text = toSQL(model, { dialect, table: "jobs" });
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        continue;
      }
      // without quoted names and strings, no character of the name's code is left over
      const quoted = escapes
        ? /`(?:\\[\s\S]|[^`\\])*`/g
        : new RegExp(`${quote}(?:${quote}${quote}|[^${quote}])*${quote}`, "g");
      expect(text.replace(quoted, "name").replace(/'[^']*'/g, "text"), name).toMatch(/^[\w\s.,()*+\-/<>=[\]:]*$/);
    }
  });

  it("takes postgres and mariadb for their dialects", () => {
    expect(toSQL(named("a"), { dialect: "postgres" })).toBe(toSQL(named("a"), { dialect: "postgresql" }));
    expect(toSQL(named("a"), { dialect: "mariadb" })).toBe(toSQL(named("a"), { dialect: "mysql" }));
  });

  it.each(dialects)("gives its columns no name that is one of those given, in any case: %s", (dialect) => {
    const names = ["z", "v1", "v0", "K0", "m0", "ok", "z_", "v0__"];
    const model = makeModel({ numbers: names.length - 1, categories: 1, names });
    for (const options of [{}, { table: "v", keep: ["k1", "Z0___"], as: "k2" }]) {
      const text = toSQL(model, { dialect, ...options });
      const own = [...text.matchAll(/ AS ([a-z]\w*)| ([vkz]\w*) ->/g)].map(([, alias, lambda]) => alias ?? lambda);
      const given = [...names, options.table, ...(options.keep ?? []), options.as].map((name) => name?.toLowerCase());
      expect(own.filter((name) => given.includes(name))).toEqual([]);
      expect(options.table === undefined || own.includes("v0____")).toBe(true);
    }
  });

  it("names the parts of a qualified table, columns to hand through and the prediction", () => {
    const text = toSQL(named("a"), { dialect: "postgres", table: ["my schema", "jobs"], keep: ["id"], as: "min" });
    expect(text).toContain('FROM "my schema"."jobs"');
    expect(text).toMatch(/^SELECT k0 AS "id",\n {2}CASE WHEN ok = 1 THEN [\s\S]* END AS "min"\n/);
  });

  it("gives a large model to Spark as one array, whose text holds no sum", () => {
    const model = makeModel({ numbers: 20, networks: 40, ragged: false, categories: 0, missing: false });
    const text = toSQL(model, { dialect: "spark", table: "jobs" });
    const array = JSON.parse(/from_json\('(.*?)'/.exec(text)?.[1] as string);
    expect(array.map((groups: number[][][]) => groups.flat().length)).toEqual(new Array(40).fill(16));
    expect(array.flat(3).map(Math.fround)).toEqual(model.networks.flat(3));
  });
});

const python = spawnSync("python3", ["-c", "import sqlite3, sys; assert sys.version_info >= (3, 10)"]);

describe.skipIf(python.status !== 0)("queries, run by SQLite in Python (skipped without Python 3.10)", () => {
  interface Task {
    dialect: Dialect;
    columns: [string, string][];
    rows: unknown[][];
    query: string;
    expression: boolean;
  }
  const run = (tasks: Task[]): unknown[][][] => {
    const { stdout, stderr } = spawnSync("python3", [join(import.meta.dirname, "dialects.py")], {
      input: JSON.stringify(tasks),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    expect(stderr).toBe("");
    const answers = JSON.parse(stdout);
    for (const answer of answers) if (typeof answer === "string") throw new Error(answer);
    return answers;
  };
  const task = (data: ModelData, dialect: Dialect, rows: unknown[][], options: Partial<SQLOptions> = {}): Task => ({
    dialect,
    columns: data.features.map(({ name, kind }) => [
      options.columns && Object.hasOwn(options.columns, name) ? options.columns[name] : name,
      kind === "category" ? "TEXT" : "REAL",
    ]),
    rows,
    query: toSQL(data, { dialect, ...options }),
    expression: options.table === undefined,
  });
  const cells = (data: ModelData, rows: Float32Array) => {
    const width = data.features.length;
    return Array.from({ length: rows.length / width }, (_, r) =>
      data.features.map(({ categories }, f) => {
        const v = rows[r * width + f];
        return Number.isNaN(v) ? null : categories ? categories[v] : v;
      }),
    );
  };
  /** SQL computes in double precision, with nine digits of each number of the model. */
  const near = (got: unknown, want: number, size: number) =>
    Math.abs((got as number) - want) <= 1e-7 * Math.max(size, Math.abs(want));
  const kinds = Object.entries(everyKind()).filter(([name]) => name !== "hostile names");

  it.each(dialects)("give what the model gives, as a table and as an expression: %s", (dialect) => {
    // Spark's expressions are one function of a struct, which SQLite has no words for
    const forms = dialect === "spark" ? [{ table: "jobs" }] : [{ table: "jobs" }, {}];
    const cases = kinds.flatMap(([name, data], k) => {
      const rows = makeRows(data, 12, 50 + k);
      return forms.map((form) => ({ name, data, rows, form, level: undefined as number | undefined }));
    });
    const quantiles = everyKind().quantiles;
    for (const level of [0.001, 0.25, 0.97])
      cases.push({ name: `level ${level}`, data: quantiles, rows: makeRows(quantiles, 12), form: forms[0], level });
    const answers = run(
      cases.map(({ data, rows, form, level }) =>
        task(data, dialect, cells(data, rows), { ...form, ...(level && { level }) }),
      ),
    );
    cases.forEach(({ name, data, rows, level }, c) => {
      expect(answers[c], name).toHaveLength(12);
      const width = data.features.length;
      answers[c].forEach(([got], r) => {
        const row = rows.subarray(r * width, (r + 1) * width);
        const want = evaluate64(data, row, level).prediction;
        // far outside the ranges sums are fifty times the scale
        const size =
          data.link.name === "identity" ? 50 * data.scale : data.link.name === "exp" ? 50 * data.scale * want : 1;
        expect(near(got, want, size), `${name}, row ${r}: ${got} for ${want}`).toBe(true);
      });
    });
  });

  it("give NULL for what the model refuses: a missing value, an unknown category, a number beyond float32", () => {
    const data = makeModel({ numbers: 2, categories: 1, missing: false });
    const strict = { ...data, features: data.features.map((feature) => ({ ...feature, unknown: undefined })) };
    const good = [1, 2, (data.features[2].categories as string[])[1]];
    const rows = [
      good,
      [null, ...good.slice(1)],
      [3.5e38, ...good.slice(1)],
      [...good.slice(0, 2), "Atlantis"],
      [...good.slice(0, 2), null],
    ];
    const tasks = dialects
      .filter((dialect) => dialect !== "spark")
      .flatMap((dialect) => [{}, { table: "jobs" }].map((form) => task(strict as ModelData, dialect, rows, form)));
    for (const [k, answers] of run(tasks).entries())
      expect(
        answers.map(([v]) => v === null),
        tasks[k].dialect,
      ).toEqual([false, true, true, true, true]);
    // text is no number, though SQLite would read it as one
    const [[[text]]] = run([
      {
        ...task(strict as ModelData, "sqlite", [["1", "2", good[2]]]),
        columns: [
          ["x0", "TEXT"],
          ["x1", "TEXT"],
          ["c0", "TEXT"],
        ],
      },
    ]);
    expect(text).toBeNull();
  });

  it("hand columns through, read features from columns of other names, and name the prediction", () => {
    const data = makeModel({ numbers: 2, categories: 0, missing: false });
    const options = { table: "jobs", keep: ["b"], columns: { x0: "b", x1: "a" }, as: "late" };
    const tasks = dialects.map((dialect) =>
      task(
        data,
        dialect,
        [
          [0.5, 0.25],
          [0.75, 0.1],
        ],
        options,
      ),
    );
    for (const answers of run(tasks))
      answers.forEach(([kept, late], r) => {
        expect(kept).toBe([0.5, 0.75][r]);
        expect(
          near(
            late,
            evaluate64(
              data,
              [
                [0.5, 0.25],
                [0.75, 0.1],
              ][r],
            ).prediction,
            50 * data.scale,
          ),
        ).toBe(true);
      });
  });

  it("tell words apart that hold quotes, backslashes, signs and letters of any language", () => {
    const base = makeModel({ numbers: 1, categories: 1, missing: false });
    const categories = ["it's", 'say "hi"', "back\\slash", "é", "E", "e", "日本", "a\nb", "$x", "100%"];
    const city = base.features.findIndex(({ kind }) => kind === "category");
    const inputs = [
      base.inputs[0],
      ...categories.map((_, category) => ({
        feature: city,
        transform: "equals" as const,
        category,
        center: 0,
        scale: 1,
      })),
    ];
    const data: ModelData = {
      ...base,
      features: base.features.map((feature, f) =>
        f === city ? { ...feature, categories, unknown: undefined } : feature,
      ) as never,
      inputs,
      networks: [[[[0, ...categories.map((_, k) => k + 1), 0]]]],
      scale: 1,
      offset: 0,
      link: { name: "identity" },
    };
    const rows = categories.map((word) => [1, word]);
    // what SQLite takes for an escape in the strings of ClickHouse, BigQuery and Spark is not what they do
    const tasks = (["postgresql", "mysql", "sqlite", "duckdb"] as const).map((dialect) =>
      task(data, dialect, rows, { table: "jobs" }),
    );
    for (const [k, answers] of run(tasks).entries())
      expect(
        answers.map(([v]) => Math.round(v as number)),
        tasks[k].dialect,
      ).toEqual(categories.map((_, c) => c + 1));
  });

  it("of more than a hundred planes in a group, and of large models, are the same minimum of maxima", () => {
    const wide = makeModel({
      numbers: 3,
      networks: 1,
      groups: 2,
      planes: 230,
      ragged: false,
      categories: 0,
      missing: false,
    });
    const large = makeModel({ numbers: 20, networks: 46, ragged: false, categories: 0, missing: false });
    const tasks = [
      ...(["sqlite", "postgresql", "clickhouse"] as const).map((dialect) => [wide, dialect] as const),
      ...(["spark", "clickhouse", "duckdb"] as const).map((dialect) => [large, dialect] as const),
    ];
    const answers = run(
      tasks.map(([data, dialect]) => task(data, dialect, cells(data, makeRows(data, 4)), { table: "jobs" })),
    );
    tasks.forEach(([data, dialect], k) => {
      const rows = makeRows(data, 4);
      const width = data.features.length;
      answers[k].forEach(([got], r) => {
        const want = evaluate64(data, rows.subarray(r * width, (r + 1) * width)).prediction;
        expect(near(got, want, 50 * data.scale), `${dialect}, row ${r}: ${got} for ${want}`).toBe(true);
      });
    });
  });
});
