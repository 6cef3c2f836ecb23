// npm run test:runtimes: packs the package, runs one body in every runtime against the tarball, compares digests with tests/golden/bits.json and
// prints a table. Options: --only a,b  --skip a,b (names of the first column; or ISOTONE_SKIP_RUNTIMES)  --update (write the golden file from
// node's digests)  --readme (write the table into README.md)  --no-build  --json. A runtime that cannot be installed or started fails the run.

import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { differences } from "./guests/body.js";
import { run } from "./hosts/process.mjs";
import { openSite } from "./hosts/site.mjs";
import { installDebian, installPackages } from "./install.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const goldenFile = join(root, "tests/golden/bits.json");
const require = createRequire(join(here, "package.json"));

const args = process.argv.slice(2);
const flag = (name) => args.includes(name);
function names(option, otherwise = "") {
  const at = args.indexOf(option);
  const text = at < 0 ? otherwise : (args[at + 1] ?? "");
  return text
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
}

/** A run that hangs fails, with its name, instead of holding up all others. */
function within(ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The tarball, unpacked where the guests find it by its name. */
async function prepare() {
  if (!flag("--no-build")) await run("npm", ["run", "build", "--", "--debug"], { cwd: root });
  const work = join(here, "work");
  const app = join(work, "app");
  await rm(work, { recursive: true, force: true });
  await mkdir(join(app, "node_modules"), { recursive: true });
  const packed = JSON.parse(
    await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work], { cwd: root }),
  );
  const list = Array.isArray(packed) ? packed : Object.values(packed);
  await run("tar", ["-xzf", join(work, list[0].filename), "-C", work]);
  await rename(join(work, "package"), join(app, "node_modules/isotone"));
  await cp(join(here, "guests"), app, { recursive: true });
  await writeFile(join(app, "package.json"), '{ "private": true, "type": "module" }\n');
  return app;
}

/** The package.json of an installed package. */
async function packageOf(name) {
  return JSON.parse(await readFile(join(here, "node_modules", name, "package.json"), "utf8"));
}

await installPackages(here);
const app = await prepare();
const hosts = ["node", "processors", "deno", "bun", "workerd", "wrangler", "edge", "browsers", "examples"];
const all = (await Promise.all(hosts.map((name) => import(`./hosts/${name}.mjs`)))).flatMap((host) => host.default);
const only = names("--only");
const skip = names("--skip", process.env.ISOTONE_SKIP_RUNTIMES);
for (const name of [...only, ...skip]) {
  if (!all.some((runtime) => runtime.name === name)) {
    console.error(
      `runtimes: no runtime is called "${name}"; they are: ${all.map((runtime) => runtime.name).join("; ")}`,
    );
    process.exit(2);
  }
}
const chosen = all.filter(({ name }) => (only.length === 0 || only.includes(name)) && !skip.includes(name));
const missing = await installDebian([...new Set(chosen.flatMap((runtime) => runtime.apt ?? []))]);

let golden = JSON.parse(await readFile(goldenFile, "utf8").catch(() => "{}"));
const site = await openSite(app);
const ctx = { app, here, root, site, packageOf, require };
const rows = [];
for (const runtime of chosen) {
  const row = { runtime: runtime.name, version: "?", ms: 0, same: false, note: "" };
  rows.push(row);
  const began = performance.now();
  try {
    const absent = runtime.apt?.find((name) => missing[name]);
    if (absent) throw new Error(`${absent} is not installed: ${missing[absent]}`);
    row.version = await runtime.version(ctx);
    const start = performance.now();
    const got = await within(240_000, runtime.run(ctx));
    row.ms = Math.round(performance.now() - start);
    if (runtime.asks) {
      row.same = true;
      row.note = got.note;
    } else {
      if (flag("--update") && runtime.name === "node") {
        golden = got;
        await mkdir(dirname(goldenFile), { recursive: true });
        await writeFile(goldenFile, `${JSON.stringify(got, null, 2)}\n`);
      }
      const wrong = differences(got, golden);
      row.same = wrong.length === 0;
      row.note = row.same ? "yes" : `no: ${wrong.join(", ")}`;
    }
  } catch (error) {
    row.ms = Math.round(performance.now() - began);
    row.note = "failed";
    row.error = String(error?.message ?? error);
  }
  console.error(`runtimes: ${row.runtime}: ${row.note}`);
}
await site.close();

const good = rows.filter((row) => row.same).length;
const table = ["| runtime | version | ms, start and launch included | same bits |", "|---|---|---|---|"]
  .concat(rows.map((row) => `| ${row.runtime} | ${row.version} | ${row.ms} | ${row.note} |`))
  .join("\n");
console.log(flag("--json") ? JSON.stringify(rows, null, 2) : `\n${table}`);
if (flag("--readme")) {
  const file = join(root, "README.md");
  const marks = /(<!-- runtimes -->)[\s\S]*?(<!-- end of runtimes -->)/;
  await writeFile(
    file,
    (await readFile(file, "utf8")).replace(marks, (_, from, to) => `${from}\n${table}\n${to}`),
  );
}
for (const row of rows) {
  if (!row.error) continue;
  console.error(
    `\n${row.runtime}: ${row.error}\n  to run without it: npm run test:runtimes -- --skip "${row.runtime}"`,
  );
}
if (skip.length > 0) console.log(`\nskipped: ${skip.join(", ")}`);
console.log(`\n${good} same bits, ${rows.length - good} not`);
// bundlers and browsers may leave handles behind
process.exit(good === rows.length ? 0 : 1);
