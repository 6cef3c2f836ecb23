// isotone export: a model as code or a graph for other places. Needs no engine: a saved model is enough.

import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { list, quote } from "../errors.js";
import { toModule } from "../export/esm.js";
import { toModuleTypes } from "../export/esm-types.js";
import { toONNX } from "../export/onnx.js";
import { toSQL } from "../export/sql.js";
import { toWasm } from "../export/wasm.js";
import { UsageError } from "./errors.js";
import { openModel } from "./model-file.js";
import { names, oneOf, real, withOutputOptions } from "./options.js";
import { digits, say, setQuiet, withOutput } from "./output.js";

interface Flags {
  to: string;
  output?: string;
  quiet?: boolean;
  prune?: boolean;
  types?: string;
  exact: boolean;
  dialect?: string;
  table?: string;
  keep?: string[];
  column?: [string, string][];
  level?: number;
  as?: string;
}

const DIALECTS = ["postgresql", "postgres", "mysql", "mariadb", "sqlite", "duckdb", "clickhouse", "spark", "bigquery"];

function pairs(text: string, before: [string, string][] = []): [string, string][] {
  const at = text.lastIndexOf("=");
  if (at < 0) throw new InvalidArgumentError("Expected feature=column.");
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

export function addExport(program: Command): void {
  const command = program
    .command("export <model>")
    .description("write a model as code for other places")
    .requiredOption(
      "--to <kind>",
      "esm: a JavaScript module without imports; wasm: a WebAssembly module without imports; onnx: a graph for onnxruntime and others; sql: a query",
      oneOf(["esm", "wasm", "onnx", "sql"]),
    )
    .option("--prune", "leave out what can never decide within the ranges of the training rows")
    .option("--types <file>", "esm: also write its TypeScript types here")
    .option(
      "--no-exact",
      "onnx: one matrix product and float32 throughout: faster in large batches, not the library's bits",
    )
    .option("--dialect <engine>", `sql: ${DIALECTS.join(", ")}`, oneOf(DIALECTS))
    .option("--table <name>", "sql: a SELECT over this table; without it the result is one expression")
    .option("--keep <columns>", "sql: with --table: columns to hand through", names)
    .option("--column <feature=column>", "sql: the column that holds a feature under another name (repeatable)", pairs)
    .option("--level <p>", "sql, quantile models: the level to predict (default: 0.5)", real(0, 1))
    .option("--as <name>", "sql: name of the predicted column (default: prediction)");
  withOutputOptions(command, undefined)
    .addHelpText(
      "after",
      `
Examples:
  isotone export model.json --to esm -o model.mjs --types model.d.mts
  isotone export model.json --to wasm -o model.wasm
  isotone export model.json --to onnx -o model.onnx
  isotone export model.json --to sql --dialect postgres --table jobs | psql shop
  isotone export model.json --to sql --dialect duckdb --table jobs --keep id -o predict.sql`,
    )
    .action(run);
}

async function run(path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  const { to } = flags;
  if (to === "sql" && flags.dialect === undefined)
    throw new UsageError(`--to sql needs --dialect: ${DIALECTS.join(", ")}`);
  for (const [name, kind] of [
    ["types", "esm"],
    ["dialect", "sql"],
    ["table", "sql"],
    ["keep", "sql"],
    ["column", "sql"],
    ["level", "sql"],
    ["as", "sql"],
  ] as const) {
    if (flags[name] !== undefined && to !== kind)
      throw new UsageError(`--${name} is for --to ${kind}, not for --to ${to}`);
  }
  for (const name of ["keep", "as"] as const)
    if (flags[name] !== undefined && flags.table === undefined)
      throw new UsageError(`--${name} needs --table beside it`);
  if ((to === "wasm" || to === "onnx") && (flags.output ?? "-") === "-" && process.stdout.isTTY)
    throw new UsageError(`--to ${to} writes bytes, not text for a terminal: give -o model.${to}`);
  if (!flags.exact && to !== "onnx") throw new UsageError(`--no-exact is for --to onnx, not for --to ${to}`);
  if (flags.types !== undefined && resolve(flags.types) === resolve(flags.output ?? "-"))
    throw new UsageError("--types and -o are one file: name another for the types");
  const model = await openModel(path, undefined, flags.output);
  const features = model.features.map(({ name }) => name);
  const other = flags.column?.find(([name]) => !features.includes(name));
  if (other) throw new UsageError(`--column: the model has no feature ${quote(other[0])}; features: ${list(features)}`);
  const loss = model.toJSON().loss.name;
  if (flags.level !== undefined && loss !== "quantiles")
    throw new UsageError(`--level needs a model fitted with --quantiles; the loss of this one is ${loss}`);
  const prune = flags.prune === true;
  await withOutput(flags.output, async (output) => {
    let result: string | Uint8Array;
    if (to === "esm") {
      result = toModule(model, { prune });
    } else if (to === "wasm") {
      result = toWasm(model, { prune });
    } else if (to === "onnx") {
      result = toONNX(model, { prune, exact: flags.exact });
    } else {
      const sql = toSQL(model, {
        dialect: flags.dialect as "duckdb",
        prune,
        ...(flags.table !== undefined && { table: flags.table }),
        ...(flags.keep !== undefined && { keep: flags.keep }),
        ...(flags.column !== undefined && { columns: Object.fromEntries(flags.column) }),
        ...(flags.level !== undefined && { level: flags.level }),
        ...(flags.as !== undefined && { as: flags.as }),
      });
      result = flags.table === undefined ? `${sql}\n` : `${sql};\n`;
      if (flags.dialect === "clickhouse" && result.length > 262144)
        say(`${digits(result.length)} bytes: ClickHouse needs SET max_query_size = ${2 * result.length} first`);
      if (flags.dialect?.startsWith("postgres") && result.length > 50000)
        say("a large query: SET jit = off first makes PostgreSQL several times as fast");
    }
    await output.write(result);
    if (flags.types !== undefined) await withOutput(flags.types, (types) => types.write(toModuleTypes(model)));
    if (flags.output !== undefined) say(`wrote ${flags.output}, ${digits(result.length)} bytes`);
  });
}
