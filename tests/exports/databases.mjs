// toSQL in the engines: every kind of model in a table and as an expression, what NULL, NaN, infinity and strange categories give, names that
// break careless quoting, and the command line's output piped into the engines' own clients.

import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compare, orderedRows } from "./cases.mjs";
import { Missing, piped, sqlEngines, stopOnSignal, work } from "./engines.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, "../../dist/cli.js");
const ID = "row number";
const LIMIT = 1e-6;

const label = (name) => JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);

/** Columns that the engine can have: the feature's name where it can, another where toSQL says that it cannot. */
function columnsFor(subject, data, dialect) {
  const columns = {};
  for (;;) {
    try {
      subject.toSQL(data, { dialect, table: "jobs", columns });
      return columns;
    } catch (error) {
      const name = data.features.findIndex((f) => error.message.endsWith(`{ columns: { ${label(f.name)}: "..." } }`));
      if (!(error instanceof RangeError) || name < 0 || Object.hasOwn(columns, data.features[name].name)) throw error;
      Object.defineProperty(columns, data.features[name].name, { value: `column ${name}`, enumerable: true });
    }
  }
}

/** Predictions in the order of the ids, which is how the rows were made. */
function byId([ids, predictions]) {
  const out = new Float64Array(ids.length).fill(Number.NaN);
  ids.forEach((id, r) => {
    out[id] = predictions[r];
  });
  return out;
}

/** The table of a case: the row's number, then the features. */
function tableOf({ data, rows, n }, rename) {
  const width = data.features.length;
  const columns = [
    { name: ID, text: false },
    ...data.features.map((f) => ({
      name: Object.hasOwn(rename, f.name) ? rename[f.name] : f.name,
      text: f.kind === "category",
    })),
  ];
  const cells = Array.from({ length: n }, (_, r) => [
    r,
    ...data.features.map((f, i) => {
      const v = rows[r * width + i];
      return Number.isNaN(v) ? null : f.kind === "category" ? f.categories[v] : v;
    }),
  ]);
  return { columns, cells };
}

async function testCase(one, { engine, subject, tell }) {
  const { data, n, name } = one;
  const { dialect } = engine;
  const rename = columnsFor(subject, data, dialect);
  const { columns, cells } = tableOf(one, rename);
  await engine.load({ table: "jobs", columns, rows: cells });
  const began = Date.now();
  const got = await engine.query(subject.toSQL(data, { dialect, table: "jobs", columns: rename, keep: [ID] }));
  tell(name, n, compare(one, byId(got)), (Date.now() - began) / 1000);

  const few = Math.min(n, name.startsWith("default") ? 40 : 500);
  const part = { ...one, n: few };
  await engine.load({ table: "few", columns, rows: cells.slice(0, few) });
  // without columns to hand through: in the order in which the engine itself gives the table
  const [order] = await engine.query(`SELECT ${engine.name(ID)} FROM few`);
  const [alone] = await engine.query(subject.toSQL(data, { dialect, table: "few", columns: rename }));
  tell(`${name}, table's order`, few, compare(part, byId([order, alone])), 0);
  const start = Date.now();
  const expression = await engine.query(
    `SELECT ${engine.name(ID)}, ${subject.toSQL(data, { dialect, columns: rename })} AS p FROM few`,
  );
  tell(`${name}, expression`, few, compare(part, byId(expression)), (Date.now() - start) / 1000);
}

/** One strange value a row: the library's answer, or NULL where it throws. */
async function testStrange({ engine, subject, tell }) {
  const data = subject.everyKind()["signs, categories, missing values, log1p"];
  const { dialect } = engine;
  const model = subject.load(data);
  const rows = subject.makeRows(data, 40).filter((v) => v === v);
  const usual = data.features.map((f, i) => (f.kind === "category" ? f.categories[0] : (f.median ?? rows[i])));
  const literal = (v) => (typeof v === "string" ? `'${v}'` : `${v}e0`);
  const words = [["NULL", null]];
  if (engine.nan) words.push([engine.nan, Number.NaN]);
  if (engine.infinity)
    words.push([engine.infinity, Number.POSITIVE_INFINITY], [`-${engine.infinity}`, Number.NEGATIVE_INFINITY]);
  words.push(["1e300", 1e300], ["-1e39", -1e39], ["0e0", 0]);
  const table = [[usual.map(literal), usual]];
  data.features.forEach((feature, i) => {
    const odd =
      feature.kind === "number"
        ? words
        : [
            ["NULL", null],
            ...["Rome", "oslo", "Oslo ", " Oslo", "", "OSLO", "Osló", "Tromsø"].map((v) => [`'${v}'`, v]),
          ];
    for (const [text, value] of odd) {
      const one = [usual.map(literal), [...usual]];
      one[0][i] = text;
      one[1][i] = value;
      table.push(one);
    }
  });
  const names = data.features.map((f) => engine.name(f.name));
  const select = table.map(([texts], r) => {
    const cells = texts.map((text, i) => (r === 0 ? `${text} AS ${names[i]}` : text));
    return `SELECT ${r === 0 ? `${r}e0 AS ${engine.name(ID)}` : `${r}e0`}, ${cells.join(", ")}`;
  });
  await engine.run(engine.asTable("odd", select.join(" UNION ALL ")));
  const got = byId(await engine.query(subject.toSQL(data, { dialect, table: "odd", keep: [ID] })));
  const wrong = [];
  let worst = 0;
  table.forEach(([texts, values], r) => {
    let want = Number.NaN;
    try {
      want = model.predict(Object.fromEntries(data.features.map((f, i) => [f.name, values[i]])));
    } catch {}
    const off = Number.isNaN(want) && Number.isNaN(got[r]) ? 0 : Math.abs(got[r] - want) / (50 * data.scale);
    if (!(off <= LIMIT)) wrong.push(`${texts.find((text, i) => text !== literal(usual[i]))}: ${got[r]} for ${want}`);
    else worst = Math.max(worst, off);
  });
  tell("NULL, NaN, infinity, strange categories", table.length, {
    worst: wrong.length ? Number.POSITIVE_INFINITY : worst,
    disordered: 0,
    problem: wrong.slice(0, 3).join("; "),
  });
}

/** Tables, columns handed through and the prediction's own name with names that would be code: they are names, and nothing else happens. */
async function testNames({ engine, subject, tell }) {
  const data = subject.makeModel({ seed: 50, numbers: 3, categories: 1, missing: false });
  const model = subject.load(data);
  const n = 20;
  const rows = orderedRows(subject, data, n, 50);
  const one = { data, rows, n, expected: model.predictMany(rows), size: new Float64Array(n).fill(50 * data.scale) };
  const { columns, cells } = tableOf(one, {});
  await engine.load({ table: "kept", columns, rows: cells });
  const hostile = subject.HOSTILE.filter((name) => name !== "" && name.length < 64 && engine.canName(name));
  let worst = { worst: 0, disordered: 0 };
  for (const name of hostile) {
    const named = columns.map((c, i) => (i === 0 ? { ...c, name } : c));
    const table = engine.canNameTable(name) ? name : "jobs";
    await engine.load({ table, columns: named, rows: cells });
    const as = name.toLowerCase() === ID ? "p" : `${name}'"\``.slice(0, 60);
    const got = await engine.query(
      subject.toSQL(data, { dialect: engine.dialect, table, keep: [name], as: engine.canName(as) ? as : "p" }),
    );
    const result = compare(one, byId(got));
    if (!(result.worst <= worst.worst) || result.disordered > 0) worst = { ...result, problem: label(name) };
    await engine.run(`DROP ${engine.tableKind ?? "TABLE"} ${engine.name(table)}`);
  }
  const [ids] = await engine.query(`SELECT ${engine.name(ID)} FROM kept`);
  if (ids.length !== n) worst = { worst: Number.POSITIVE_INFINITY, disordered: 0, problem: "a table is gone" };
  tell(`${hostile.length} hostile names of tables and columns`, n * hostile.length, worst);
}

/** Columns and a table with the names that the queries have for their own: V1 to V28 are a well-known table, x, y and z another. */
async function testOwnNames({ engine, subject, tell }) {
  const names = ["z1", "z0", "z", "v2", "v1", "v0", "m1", "m0", "ok", "k1", "k0", "v"];
  const data = subject.makeModel({ seed: 9, numbers: names.length - 1, categories: 1, names });
  const n = 40;
  const rows = orderedRows(subject, data, n, 5);
  const expected = subject.load(data).predictMany(rows);
  const one = { data, rows, n, expected, size: new Float64Array(n).fill(50 * data.scale) };
  const { columns, cells } = tableOf(one, {});
  for (const table of ["z", "v"]) {
    const { dialect } = engine;
    await engine.load({ table, columns, rows: cells });
    const got = await engine.query(subject.toSQL(data, { dialect, table, keep: [ID, "k0"], as: "ok" }));
    tell(`names of the query's own, table ${table}`, n, compare(one, byId([got[0], got[2]])));
    const expression = subject.toSQL(data, { dialect });
    const alone = await engine.query(`SELECT ${engine.name(ID)}, ${expression} AS p FROM ${engine.name(table)} AS z`);
    tell(`names of the query's own, table ${table}, expression`, n, compare(one, byId(alone)));
  }
}

/** isotone export … | psql: the text as a shell hands it over. */
async function testPipe(one, { engine, subject, tell }) {
  if (!existsSync(cli)) throw new Missing("dist/cli.js (npm run build)");
  const { data, n } = one;
  const file = join(work, "piped.json");
  writeFileSync(file, subject.stringifyModel(data));
  const { columns, cells } = tableOf(one, {});
  await engine.load({ table: "jobs", columns, rows: cells });
  const text = await piped("bash", [
    "-o",
    "pipefail",
    "-c",
    `"$0" "$1" export "$2" --to sql --dialect ${engine.dialect} --table jobs --keep "${ID}" | ${engine.client()}`,
    process.execPath,
    cli,
    file,
  ]);
  const rows = text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/[\t|]/).map(Number));
  tell("isotone export … | client", n, compare(one, byId([rows.map((r) => r[0]), rows.map((r) => r[1])])));
}

/** Every SQL engine that is wanted. */
export async function testDatabases({ subject, cases, wanted, report, skip, fail }) {
  const running = new Set();
  stopOnSignal(running);
  for (const [name, make] of Object.entries(sqlEngines)) {
    if (!wanted(name)) continue;
    const engine = make();
    let version;
    running.add(engine);
    try {
      version = await engine.open();
    } catch (error) {
      if (error instanceof Missing) skip(name, error);
      else fail(name, "start", error);
      running.delete(engine);
      continue;
    }
    const tell = (what, rows, result, seconds = 0) => report(name, version, what, rows, result, LIMIT, seconds);
    const job = { engine, subject, tell };
    const attempt = async (what, run) => {
      try {
        await run();
      } catch (error) {
        fail(name, what, error);
      }
    };
    try {
      for (const one of cases) await attempt(one.name, () => testCase(one, job));
      await attempt("strange values", () => testStrange(job));
      await attempt("hostile names of tables", () => testNames(job));
      await attempt("names of the query's own", () => testOwnNames(job));
      if (engine.client)
        await attempt("client", () =>
          testPipe(
            cases.find((c) => c.name.startsWith("log link")),
            job,
          ),
        );
    } finally {
      running.delete(engine);
      await engine.close();
    }
  }
}
