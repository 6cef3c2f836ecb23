// One entry an engine: open() says its version, run(job) gives the predictions. A job: { columns, file, table, sql, setup }.
// An engine that cannot be had throws Missing with what is missing.

import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const work = join(here, ".work");
export const python = join(here, ".venv/bin/python");

export class Missing extends Error {}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function module(name) {
  try {
    return await import(name);
  } catch (error) {
    throw new Missing(`npm package ${name} (node tests/exports/run.mjs --install): ${error.message.split("\n")[0]}`);
  }
}

function program(...paths) {
  for (const path of paths) if (existsSync(path)) return path;
  throw new Missing(`program ${paths.join(" or ")}`);
}

/** A program's standard output, for `input`; asynchronous, so that signals are heard meanwhile. */
export function piped(command, args, input = "") {
  return new Promise((done, failed) => {
    const child = spawn(command, args);
    const out = [];
    let errors = "";
    child.stdout.on("data", (part) => out.push(part));
    child.stderr.on("data", (part) => {
      errors += part;
    });
    child.stdin.on("error", () => {});
    child.on("error", failed);
    child.on("close", (code) => {
      if (code === 0) done(Buffer.concat(out).toString());
      else failed(Object.assign(new Error(`${command} ended with ${code}`), { stderr: errors }));
    });
    child.stdin.end(input);
  });
}

const numbers = (values) =>
  Float64Array.from(values, (v) => (v === null || v === "" || v === "NULL" || v === "\\N" ? Number.NaN : Number(v)));

const doubled = (mark) => (name) => mark + name.replaceAll(mark, mark + mark) + mark;
const always = () => true;

/** Lines of cells separated by tabs, as columns of numbers. */
function columnsOf(text) {
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => line.split("\t"));
  return lines[0].map((_, c) => numbers(lines.map((line) => line[c])));
}

function duckdb() {
  let connection;
  const name = doubled('"');
  return {
    dialect: "duckdb",
    name,
    canName: always,
    canNameTable: always,
    nan: "'NaN'::DOUBLE",
    infinity: "'inf'::DOUBLE",
    asTable: (name, select) => `CREATE OR REPLACE TABLE ${name} AS ${select}`,
    async open() {
      const { DuckDBInstance } = await module("@duckdb/node-api");
      connection = await (await DuckDBInstance.create(":memory:")).connect();
      const reader = await connection.runAndReadAll("SELECT version()");
      return reader.getRows()[0][0].replace(/^v/, "");
    },
    async load({ table, columns, rows }) {
      await connection.run(
        `CREATE OR REPLACE TABLE ${name(table)} (${columns.map((c) => `${name(c.name)} ${c.text ? "VARCHAR" : "DOUBLE"}`)})`,
      );
      const appender = await connection.createAppender(table);
      for (const row of rows) {
        row.forEach((value, c) => {
          if (value === null) appender.appendNull();
          else if (columns[c].text) appender.appendVarchar(value);
          else appender.appendDouble(value);
        });
        appender.endRow();
      }
      appender.closeSync();
    },
    run: async (sql) => void (await connection.run(sql)),
    async query(sql) {
      const reader = await connection.runAndReadAll(sql);
      return reader.getColumns().map(numbers);
    },
    close: async () => connection.closeSync(),
  };
}

function sqlite() {
  let db;
  const name = doubled('"');
  return {
    dialect: "sqlite",
    name,
    canName: always,
    // names of tables that begin so belong to SQLite
    canNameTable: (text) => !text.startsWith("sqlite_"),
    infinity: "9e999",
    asTable: (name, select) => `DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} AS ${select}`,
    async open() {
      const { default: init } = await module("@sqlite.org/sqlite-wasm");
      const sqlite3 = await init({ print() {}, printErr() {} });
      db = new sqlite3.oo1.DB(":memory:");
      return sqlite3.version.libVersion;
    },
    async load({ table, columns, rows }) {
      db.exec(
        `DROP TABLE IF EXISTS ${name(table)}; CREATE TABLE ${name(table)} (${columns.map((c) => `${name(c.name)} ${c.text ? "TEXT" : "REAL"}`)}); BEGIN`,
      );
      const insert = db.prepare(`INSERT INTO ${name(table)} VALUES (${columns.map(() => "?")})`);
      for (const row of rows) insert.bind(row).stepReset();
      insert.finalize();
      db.exec("COMMIT");
    },
    run: async (sql) => void db.exec(sql),
    async query(sql) {
      const rows = db.exec({ sql, rowMode: "array", returnValue: "resultRows" });
      return rows[0].map((_, c) => numbers(rows.map((row) => row[c])));
    },
    close: async () => db.close(),
  };
}

function postgresql() {
  const folder = join("/tmp", `isotone-postgres-${process.pid}`);
  let bin;
  const owner = (command, args) =>
    process.getuid() === 0 ? ["runuser", ["-u", "postgres", "--", command, ...args]] : [command, args];
  const as = (command, args, options = {}) =>
    execFileSync(...owner(command, args), { encoding: "utf8", stdio: "pipe", ...options });
  const psql = (input) =>
    piped(
      ...owner(join(bin, "psql"), [
        "-h",
        folder,
        "-d",
        "postgres",
        "-X",
        "-q",
        "-t",
        "-A",
        "-F",
        "\t",
        "-v",
        "ON_ERROR_STOP=1",
      ]),
      input,
    );
  const name = doubled('"');
  return {
    dialect: "postgresql",
    name,
    canName: (text) => new TextEncoder().encode(text).length < 64,
    canNameTable: always,
    client: () => `psql -h ${folder} -U ${process.getuid() === 0 ? "postgres" : "$(id -un)"} -d postgres -X -q -t -A`,
    nan: "'NaN'::float8",
    infinity: "'Infinity'::float8",
    asTable: (name, select) => `DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} AS ${select}`,
    async open() {
      const base = "/usr/lib/postgresql";
      const versions = existsSync(base) ? readdirSync(base).sort() : [];
      if (versions.length === 0) throw new Missing("PostgreSQL (apt-get install postgresql)");
      bin = join(base, versions.at(-1), "bin");
      rmSync(folder, { recursive: true, force: true });
      if (process.getuid() === 0) execFileSync("install", ["-d", "-o", "postgres", folder]);
      else mkdirSync(folder);
      as(join(bin, "initdb"), ["-D", join(folder, "data"), "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]);
      // logging to a file, or the child keeps this process's pipes open
      as(
        join(bin, "pg_ctl"),
        [
          "-D",
          join(folder, "data"),
          "-l",
          join(folder, "log"),
          "-w",
          "-o",
          // docs/export.md, Size: what compiling a large query just in time costs
          `-k ${folder} -c listen_addresses= -c fsync=off -c jit=off`,
          "start",
        ],
        { stdio: "ignore" },
      );
      return (await psql("SHOW server_version;")).trim().split(" ")[0];
    },
    async load({ table, columns, rows }) {
      const cell = (v) => (v === null ? "" : typeof v === "number" ? String(v) : `"${v.replaceAll('"', '""')}"`);
      const lines = rows.map((row) => row.map(cell).join(","));
      await psql(
        `DROP TABLE IF EXISTS ${name(table)}; CREATE TABLE ${name(table)} (${columns.map((c) => `${name(c.name)} ${c.text ? "text" : "float8"}`)});\n` +
          `COPY ${name(table)} FROM STDIN (FORMAT csv);\n${lines.join("\n")}\n\\.\nANALYZE ${name(table)};\n`,
      );
    },
    run: async (sql) => void (await psql(`${sql};`)),
    query: async (sql) => columnsOf(await psql(`${sql};`)),
    async close() {
      as(join(bin, "pg_ctl"), ["-D", join(folder, "data"), "-m", "immediate", "stop"], { stdio: "ignore" });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function mariadb() {
  const folder = join("/tmp", `isotone-mariadb-${process.pid}`);
  const socket = join(folder, "socket");
  let server;
  const client = (input) =>
    piped(
      program("/usr/bin/mariadb"),
      [
        "--no-defaults",
        `--socket=${socket}`,
        "--default-character-set=utf8mb4",
        "--local-infile=1",
        "--max-allowed-packet=256M",
        "-N",
        "-B",
        "test",
      ],
      input,
    );
  const name = doubled("`");
  // MariaDB's names have no characters beyond the basic plane and no space at the end
  const canName = (text) => text.length <= 64 && !/[\u{10000}-\u{10ffff}]/u.test(text) && !text.endsWith(" ");
  return {
    dialect: "mariadb",
    name,
    canName,
    canNameTable: canName,
    client: () => `mariadb --no-defaults --socket=${socket} --default-character-set=utf8mb4 -N -B test`,
    asTable: (name, select) => `DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} AS ${select}`,
    async open() {
      const daemon = program("/usr/sbin/mariadbd");
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      execFileSync(
        program("/usr/bin/mariadb-install-db"),
        [
          "--no-defaults",
          `--datadir=${folder}/data`,
          "--user=root",
          "--auth-root-authentication-method=normal",
          "--skip-test-db",
        ],
        { stdio: "ignore" },
      );
      server = spawn(
        daemon,
        [
          "--no-defaults",
          `--datadir=${folder}/data`,
          "--user=root",
          `--socket=${socket}`,
          "--skip-networking",
          `--pid-file=${folder}/pid`,
          "--local-infile=1",
        ],
        { stdio: "ignore" },
      );
      for (let i = 0; i < 100 && !existsSync(socket); i++) await sleep(200);
      execFileSync("/usr/bin/mariadb", [
        "--no-defaults",
        `--socket=${socket}`,
        "-e",
        "CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4",
      ]);
      return (await client("SELECT version();")).trim().split("-")[0];
    },
    async load({ table, columns, rows }) {
      const marks = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0" };
      const cell = (v) =>
        v === null ? "\\N" : typeof v === "number" ? String(v) : v.replace(/[\\\t\n\r\0]/g, (c) => marks[c]);
      const file = join(folder, "rows.tsv");
      writeFileSync(file, `${rows.map((row) => row.map(cell).join("\t")).join("\n")}\n`);
      await client(
        `DROP TABLE IF EXISTS ${name(table)}; CREATE TABLE ${name(table)} (${columns.map((c) => `${name(c.name)} ${c.text ? "TEXT" : "DOUBLE"}`)}) CHARACTER SET utf8mb4;\n` +
          `LOAD DATA LOCAL INFILE '${file}' INTO TABLE ${name(table)} CHARACTER SET utf8mb4;\n`,
      );
    },
    run: async (sql) => void (await client(`${sql};`)),
    query: async (sql) => columnsOf(await client(`${sql};`)),
    async close() {
      const gone = new Promise((done) => server.once("exit", done));
      server.kill();
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An engine behind a Python process that takes one JSON command a line and answers with one: tests/exports/serve.py. */
function pythonEngine(engine, dialect, words) {
  let child;
  let lines;
  const say = async (command) => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`${engine} ended`);
    const answer = JSON.parse(value);
    if (answer.missing) throw new Missing(answer.missing);
    if (answer.error) throw new Error(answer.error.slice(0, 2000));
    return answer.result;
  };
  return {
    dialect,
    ...words,
    async open() {
      if (!existsSync(python))
        throw new Missing("Python environment tests/exports/.venv (node tests/exports/run.mjs --install)");
      child = spawn(python, ["-u", join(here, "serve.py"), engine], {
        stdio: ["pipe", "pipe", process.env.DEBUG ? "inherit" : "ignore"],
      });
      lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      return say({ do: "open", work });
    },
    async load({ table, columns, rows }) {
      mkdirSync(work, { recursive: true });
      const file = join(work, `${engine}.jsonl`);
      const line = (row) => JSON.stringify(Object.fromEntries(row.map((value, c) => [columns[c].name, value])));
      writeFileSync(file, `${rows.map(line).join("\n")}\n`);
      await say({ do: "load", table, columns, file });
    },
    run: (sql) => say({ do: "run", sql }),
    async query(sql) {
      const file = join(work, `${engine}.out`);
      const count = await say({ do: "query", sql, file });
      const bytes = readFileSync(file);
      const all = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      const n = all.length / count;
      return Array.from({ length: count }, (_, c) => all.subarray(c * n, (c + 1) * n));
    },
    say,
    async close() {
      const gone = new Promise((done) => child.once("exit", done));
      child.stdin.end();
      await Promise.race([gone, sleep(5000).then(() => child.kill())]);
    },
  };
}

/** Stops the servers that were started when the run is broken off. */
export function stopOnSignal(running) {
  for (const [signal, number] of [
    ["SIGINT", 2],
    ["SIGTERM", 15],
  ]) {
    process.once(signal, async () => {
      for (const engine of running) await engine.close().catch(() => {});
      process.exit(128 + number);
    });
  }
}

export const sqlEngines = {
  DuckDB: duckdb,
  SQLite: sqlite,
  PostgreSQL: postgresql,
  MariaDB: mariadb,
  ClickHouse: () =>
    pythonEngine("clickhouse", "clickhouse", {
      name: (text) => `\`${text.replace(/[\\`]/g, "\\$&")}\``,
      canName: always,
      canNameTable: always,
      nan: "nan",
      infinity: "inf",
      asTable: (name, select) => `CREATE OR REPLACE TABLE ${name} ENGINE = Memory AS ${select}`,
    }),
  "Spark SQL": () =>
    pythonEngine("spark", "spark", {
      name: doubled("`"),
      tableKind: "VIEW",
      // Spark puts settings in the place of ${...}, in names too
      canName: (text) => !text.includes("${"),
      canNameTable: (text) => !text.includes("${"),
      nan: "double('NaN')",
      infinity: "double('Infinity')",
      asTable: (name, select) => `CREATE OR REPLACE TEMPORARY VIEW ${name} AS ${select}`,
    }),
};

export const pythonHost = (engine) => pythonEngine(engine);
export { execFile };
