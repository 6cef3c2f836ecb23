// npm run check: the package as users get it. publint (fields of package.json against files), attw (types in every resolution), knip (unused files,
// exports and dependencies), sizes, and the list of packed files. Needs a build.

import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));

/** What the tarball may hold. */
const PACKED =
  /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|docs\/model-format\.(md|schema\.json)|dist\/(THIRD-PARTY\.txt|([a-z-]+\/)*[a-zA-Z.-]+\.(js|d\.ts|wasm)))$/;

const failed = [];
let steps = 1; // the last, of the packed files
function step(name, command, args) {
  console.log(`\n== ${name}`);
  steps++;
  const { status } = spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) failed.push(name);
}

step("publint", "npx", ["publint", "--strict"]);
// a wasm file has no types
const attw = ["attw", "--pack", ".", "--profile", "esm-only", "--exclude-entrypoints", "kernels.wasm", "predict.wasm"];
step("types (attw)", "npx", attw);
step("unused (knip)", "npx", ["knip"]);
step("sizes", process.execPath, ["scripts/size.mjs"]);

console.log("\n== packed files");
const pack = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
try {
  const parsed = JSON.parse(pack.stdout);
  const [tarball] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  const strange = tarball.files.map((file) => file.path).filter((path) => !PACKED.test(path));
  console.log(`${tarball.entryCount} files, ${(tarball.size / 1000).toFixed(0)} kB`);
  if (strange.length > 0) {
    console.log(`not for users: ${strange.join(", ")}`);
    failed.push("packed files");
  }
} catch (error) {
  console.log(String(error), pack.stderr);
  failed.push("packed files");
}

if (failed.length > 0) console.log(`\nfailed: ${failed.join(", ")}`);
console.log(`\n${steps - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
