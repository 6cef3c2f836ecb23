// What toSQL refuses and how it quotes; what engines make of its text is tests/exports/run.mjs.

import { describe, expect, it } from "vitest";
import { type Dialect, toSQL } from "../../js/export/sql.js";
import { HOSTILE, makeModel } from "../js/oracle.js";

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
