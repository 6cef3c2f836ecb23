// npm run test:exports: every exported form of every kind of model, run in its own engine and compared with the library.
// --install gets the engines that npm and pip have (PostgreSQL and MariaDB come from the system's packages); --only=duckdb,... picks some.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compare, makeCases } from "./cases.mjs";
import { Missing, sqlEngines, work } from "./engines.mjs";
import { modulesNeed, testModules } from "./modules.mjs";
import { testONNX } from "./onnx.mjs";
import { testWasm } from "./wasm.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const flag = (name) => process.argv.find((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
const only = flag("only")?.slice(7).toLowerCase().split(",");
const wanted = (name) => !only || only.some((word) => name.toLowerCase().startsWith(word));
const full = Number(flag("rows")?.slice(7) ?? 100_000);

if (flag("install")) {
  const inherit = { stdio: ["ignore", 2, 2], cwd: here };
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], inherit);
  if (!existsSync(join(here, ".venv/bin/python"))) execFileSync("python3", ["-m", "venv", ".venv"], inherit);
  execFileSync(join(here, ".venv/bin/python"), ["-m", "pip", "install", "-q", "-r", "requirements.txt"], inherit);
  await modulesNeed();
}

mkdirSync(work, { recursive: true });
const bundle = join(work, "subject.mjs");
const esbuild = await import("esbuild");
await esbuild.build({
  entryPoints: [join(here, "subject.ts")],
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  outfile: bundle,
  logLevel: "error",
});
const subject = await import(pathToFileURL(bundle).href);
const cases = makeCases(subject, { full });

const table = [];
let failures = 0;
let skipped = 0;
const report = (engine, version, name, rows, result, limit, seconds) => {
  const ok = result.worst <= limit && result.disordered === 0;
  if (!ok) failures++;
  const line = {
    engine,
    version,
    model: name,
    rows,
    difference: result.worst.toExponential(1),
    order:
      result.disordered === undefined ? "" : result.disordered === 0 ? "kept" : `${result.disordered} pairs broken`,
    seconds: seconds.toFixed(1),
    verdict: ok ? "" : `FAILED ${result.problem ?? ""}`,
  };
  table.push(line);
  console.log(
    [
      line.engine.padEnd(18),
      line.version.padEnd(10),
      String(line.rows).padStart(7),
      line.difference.padStart(8),
      line.order.padEnd(6),
      `${line.seconds} s`.padStart(8),
      line.model,
      line.verdict,
    ].join("  "),
  );
};
const skip = (engine, error) => {
  skipped++;
  console.log(`${engine.padEnd(18)}  SKIPPED, missing: ${error.message}`);
};
const fail = (engine, name, error) => {
  failures++;
  console.log(`${engine.padEnd(18)}  FAILED  ${name}: ${String(error.stderr || error.stack || error).slice(0, 1500)}`);
};

/** Columns that the engine can have: the feature's name where it can, another where toSQL says that it cannot. */
export function columnsFor(data, dialect) {
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
const label = (name) => JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);

console.log(
  ["engine".padEnd(18), "version".padEnd(10), "rows".padStart(7), "differs", "order", "", "model"].join("  "),
);
const every = makeCases(subject, { full, all: true });
const job = { subject, cases: every, wanted, report, skip, fail };
await testModules(job);
await testWasm(job);
await testONNX({ ...job, cases });
for (const [name, make] of Object.entries(sqlEngines)) {
  if (!wanted(name)) continue;
  const engine = make();
  let version;
  try {
    version = await engine.open();
  } catch (error) {
    if (error instanceof Missing) skip(name, error);
    else fail(name, "start", error);
    continue;
  }
  try {
    for (const one of cases) {
      const { data, rows } = one;
      const n = one.n;
      const width = data.features.length;
      try {
        const rename = columnsFor(data, engine.dialect);
        const columns = data.features.map((f) => ({
          name: Object.hasOwn(rename, f.name) ? rename[f.name] : f.name,
          text: f.kind === "category",
        }));
        const cells = Array.from({ length: n }, (_, r) =>
          data.features.map((f, i) => {
            const v = rows[r * width + i];
            return Number.isNaN(v) ? null : f.kind === "category" ? f.categories[v] : v;
          }),
        );
        await engine.load({ table: "jobs", columns, rows: cells });
        const began = Date.now();
        const got = await engine.query(
          subject.toSQL(data, { dialect: engine.dialect, table: "jobs", columns: rename }),
        );
        report(name, version, one.name, n, compare(one, got), 1e-6, (Date.now() - began) / 1000);
        if (one.name.startsWith("default")) continue;
        // as an expression, over fewer rows
        const few = Math.min(n, 500);
        await engine.load({ table: "few", columns, rows: cells.slice(0, few) });
        const expression = await engine.query(
          `SELECT ${subject.toSQL(data, { dialect: engine.dialect, columns: rename })} AS p FROM few`,
        );
        const result = compare({ ...one, n: few }, expression);
        if (!(result.worst <= 1e-6 && result.disordered === 0))
          report(name, version, `${one.name} (expression)`, few, result, 1e-6, 0);
      } catch (error) {
        fail(name, one.name, error);
      }
    }
  } finally {
    await engine.close();
  }
}

if (skipped > 0) console.log(`\n${skipped} engines skipped`);
console.log(`\n${table.filter((line) => line.verdict === "").length} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
