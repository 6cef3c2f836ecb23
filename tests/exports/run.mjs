// npm run test:exports: every exported form of every kind of model, run in its own engine and compared with the library.
// --install gets the engines first: npm's, PyPI's, and Debian's packages for PostgreSQL, MariaDB and Java. An engine that is not there is a
// failure; --skip=spark,... does without some, --only=duckdb,... runs only some, --rows=2000 takes fewer rows than 100,000.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installDebian } from "../runtimes/install.mjs";
import { loadSubject } from "./bundle.mjs";
import { fewer, makeCases } from "./cases.mjs";
import { testDatabases } from "./databases.mjs";
import { modulesNeed, testModules } from "./modules.mjs";
import { testONNX } from "./onnx.mjs";
import { testSparkTraining } from "./spark-training.mjs";
import { testWasm } from "./wasm.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const flag = (name) => process.argv.find((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
const words = (name) => flag(name)?.split("=")[1]?.toLowerCase().split(",");
const only = words("only");
const skipped = words("skip");
const within = (list, name) => list.some((word) => name.toLowerCase().startsWith(word));
const wanted = (name) => (!only || within(only, name)) && !(skipped && within(skipped, name));
const rows = Number(flag("rows")?.slice(7) ?? 100_000);

if (flag("install")) {
  const inherit = { stdio: ["ignore", 2, 2], cwd: here };
  execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], inherit);
  if (!existsSync(join(here, ".venv/bin/python"))) execFileSync("python3", ["-m", "venv", ".venv"], inherit);
  execFileSync(join(here, ".venv/bin/python"), ["-m", "pip", "install", "-q", "-r", "requirements.txt"], inherit);
  await modulesNeed();
  const missing = await installDebian(["postgresql", "mariadb-server", "default-jre-headless"]);
  for (const [name, why] of Object.entries(missing)) console.error(`${name} is not installed: ${why}`);
}

const subject = await loadSubject();

const table = [];
let failures = 0;
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
  failures++;
  const way = `--skip="${engine.toLowerCase()}"`;
  console.log(`${engine.padEnd(18)}  FAILED  not there: ${error.message}; to do without it: ${way}`);
};
const fail = (engine, name, error) => {
  failures++;
  console.log(`${engine.padEnd(18)}  FAILED  ${name}: ${String(error.stderr || error.stack || error).slice(0, 1500)}`);
};

console.log(
  ["engine".padEnd(18), "version".padEnd(10), "rows".padStart(7), "differs", "order", "", "model"].join("  "),
);
const cases = await makeCases(subject, rows);
const job = { subject, cases, wanted, report, skip, fail };
await testModules(job);
await testWasm(job);
const some = { ...job, cases: cases.map(fewer) };
await testONNX(some);
await testDatabases(some);
await testSparkTraining(job);

if (skipped) console.log(`\nnot run: ${skipped.join(", ")}`);
console.log(`\n${table.filter((line) => line.verdict === "").length} passed, ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
