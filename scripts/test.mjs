// npm test: build, lint, types, as-pect, vitest, in this order; stops at nothing, fails if anything failed.
// The last line sums the tests of every runner. Suites that install what they need (browsers, runtimes, databases) run when asked for by name:
// `npm test -- --runtimes --check`, or `--all`, which is what CI runs.

import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
let passed = 0;
let failed = 0;

/** Runs a command with its output shown; resolves to its exit code and what it printed. */
function sh(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        text += chunk;
        process.stdout.write(chunk);
      });
    }
    child.on("error", (error) => resolve({ code: 127, text: String(error) }));
    child.on("close", (code) => resolve({ code: code ?? 1, text }));
  });
}

function step(name) {
  console.log(`\n== ${name}`);
}

/** A step that either works or not counts as one test. */
function single(code) {
  if (code === 0) passed++;
  else failed++;
}

step("build");
const build = await sh(process.execPath, ["scripts/build.mjs", "--debug"]);
single(build.code);

step("lint");
single((await sh("npx", ["biome", "check", "."])).code);

step("types");
single((await sh("npx", ["tsc", "--noEmit", "-p", "tsconfig.json"])).code);

step("kernels (as-pect)");
const asp = await sh("npx", ["asp", "--summary", "--no-logo"]);
const plain = stripVTControlCharacters(asp.text);
const aspTests = /([\d,]+) pass,\s+([\d,]+) fail,\s+([\d,]+) total/.exec(plain.split("[Tests]").pop() ?? "");
if (aspTests) {
  passed += Number(aspTests[1].replace(/,/g, ""));
  failed += Number(aspTests[2].replace(/,/g, ""));
}
if (asp.code !== 0 && !(aspTests && Number(aspTests[2]) > 0)) failed++;

step("library (vitest)");
await rm("build/vitest.json", { force: true });
const vitest = await sh("npx", [
  "vitest",
  "run",
  "--reporter=default",
  "--reporter=json",
  "--outputFile=build/vitest.json",
]);
try {
  const report = JSON.parse(await readFile("build/vitest.json", "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // their names say why
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  for (const { status, fullName } of tests) if (/^(skipped|pending)$/.test(status)) console.log(`skipped: ${fullName}`);
  if (vitest.code !== 0 && report.numFailedTests === 0) failed++;
} catch {
  failed++;
}

/** Flag, title, command, and the line that counts. */
const SUITES = [
  ["check", "package and sizes", ["scripts/check.mjs"]],
  ["stream", "more rows than memory", ["tests/stream/run.mjs"]],
  ["runtimes", "runtimes", ["tests/runtimes/run.mjs"], /(\d+) same bits, (\d+) not/],
  ["browser", "reports in a browser", ["tests/browser/run.mjs"], /(\d+) looks, (\d+) problems/],
  ["playground", "the playground in a browser", ["tests/browser/playground.mjs"]],
  // 10,000 rows where `npm run test:exports` takes 100,000: with databases and Spark that is half an hour
  ["exports", "exports in their engines", ["tests/exports/run.mjs", "--install", "--rows=10000"]],
];
const asked = ([flag]) => process.argv.includes(`--${flag}`) || process.argv.includes("--all");

for (const [, title, command, line = /^(\d+) passed, (\d+) failed/m] of SUITES.filter(asked)) {
  step(title);
  const { code, text } = await sh(process.execPath, command);
  const sum = line.exec(stripVTControlCharacters(text));
  if (!sum) {
    single(code);
    continue;
  }
  passed += Number(sum[1]);
  failed += Number(sum[2]);
  if (code !== 0 && Number(sum[2]) === 0) failed++;
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
