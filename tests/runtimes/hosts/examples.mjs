// The programs of examples/, as a user would run them: beside the installed package and the model file that the demo trained.
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chromiumVersion, launchChromium } from "./browsers.mjs";
import { answer, freePort, json, run, start } from "./process.mjs";

const LINES = 40;

/** A copy of the example with model.json and node_modules beside it, and what the model says of some jobs. */
async function stage(ctx, name) {
  const demo = join(ctx.root, "build/demo/model.json");
  if (!existsSync(demo)) await run(process.execPath, ["examples/jobs/demo.mjs"], { cwd: ctx.root, timeout: 600_000 });
  const dir = join(ctx.app, "examples", name);
  await cp(join(ctx.root, "examples", name), dir, { recursive: true });
  await cp(demo, join(dir, "model.json"));
  await mkdir(dir, { recursive: true });
  if (!existsSync(join(dir, "node_modules"))) await symlink(join(ctx.app, "node_modules"), join(dir, "node_modules"));
  for (const file of await readdir(dir)) {
    if (!file.endsWith(".js")) continue;
    const lines = (await readFile(join(dir, file), "utf8")).trimEnd().split("\n").length;
    if (lines >= LINES) throw new Error(`${name}/${file} has ${lines} lines; an example has fewer than ${LINES}`);
  }
  const { load } = await import(join(ctx.app, "node_modules/isotone/dist/index.js"));
  const model = load(await readFile(demo, "utf8"));
  const [head, ...lines] = (await readFile(join(ctx.root, "examples/jobs/jobs.csv"), "utf8"))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const columns = head.split(",");
  const jobs = lines.slice(0, 50).map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(model.features.map(({ name }) => [name, Number(cells[columns.indexOf(name)])]));
  });
  return { dir, model, jobs };
}

function equal(got, expected, what) {
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
  }
}

const post = (body) => ({ method: "POST", body: JSON.stringify(body) });
const note = { note: "answers as the model does" };

async function worker(ctx) {
  const { dir, model, jobs } = await stage(ctx, "worker");
  await run(
    process.execPath,
    [join(ctx.here, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", "out"],
    {
      cwd: dir,
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", WRANGLER_LOG_PATH: join(dir, "log") },
    },
  );
  const { Miniflare } = await import("miniflare");
  const out = join(dir, "out");
  const modules = (await readdir(out))
    .filter((file) => /\.(js|wasm)$/.test(file))
    .sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")))
    .map((file) => ({ type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: join(out, file) }));
  const miniflare = new Miniflare({ modules, modulesRoot: out, compatibilityDate: "2026-04-01" });
  try {
    for (const job of jobs.slice(0, 5)) {
      const got = await json(await miniflare.dispatchFetch("http://localhost/", post(job)));
      const { prediction, baseline, contributions } = model.explain(job);
      equal(got, { ms: prediction, typical: baseline, contributions }, "the worker");
    }
    const bad = await miniflare.dispatchFetch("http://localhost/", post({ ...jobs[0], rows: "many" }));
    if (bad.status !== 400 || !(await bad.text()).includes("rows")) throw new Error("a wrong row got no clear error");
  } finally {
    await miniflare.dispose();
  }
  return note;
}

async function deno(ctx) {
  const { dir, model, jobs } = await stage(ctx, "deno");
  const port = await freePort();
  const program = start(
    join(ctx.here, "node_modules/@deno/linux-x64-glibc/deno"),
    [
      "run",
      "--no-prompt",
      "--node-modules-dir=manual",
      "--allow-net",
      "--allow-read=model.json",
      "server.js",
      String(port),
    ],
    { cwd: dir, env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } },
  );
  try {
    const got = await json(await answer(`http://127.0.0.1:${port}`, program, post(jobs)));
    equal(
      got,
      jobs.map((job) => ({ ms: model.predict(job), msPerUnit: model.sensitivity(job) })),
      "the server",
    );
  } finally {
    await program.stop();
  }
  return note;
}

async function edge(ctx) {
  const { dir, model, jobs } = await stage(ctx, "edge");
  const { edgeVM } = await import("./edge.mjs");
  const vm = await edgeVM(ctx, join(dir, "route.js"), "route");
  for (const job of jobs.slice(0, 5)) {
    const url = `http://localhost/api/estimate?${new URLSearchParams(job)}`;
    const got = JSON.parse(await vm.evaluate(`route.GET(new Request(${JSON.stringify(url)})).then((r) => r.text())`));
    equal(got, { ms: model.predict(job), msPerUnit: model.sensitivity(job) }, "the route");
  }
  return note;
}

async function browser(ctx) {
  const { model, jobs } = await stage(ctx, "browser");
  const chromium = await launchChromium();
  try {
    const page = await chromium.newPage();
    await page.goto(`${ctx.site.origin}/examples/browser/index.html`);
    await page.waitForFunction("document.querySelector('output').textContent !== ''");
    for (const [name, count] of Object.entries(jobs[0])) await page.fill(`input[name=${name}]`, String(count));
    const text = await page.textContent("output");
    if (!text.startsWith(`${model.predict(jobs[0]).toFixed(3)} ms`)) throw new Error(`the page says ${text}`);
  } finally {
    await chromium.close();
  }
  return note;
}

async function stream(ctx) {
  const { dir, model, jobs } = await stage(ctx, "node-stream");
  const names = Object.keys(jobs[0]);
  // 2,500 lines: more than one chunk, and a rest
  const rows = Array.from({ length: 2500 }, (_, i) => jobs[i % jobs.length]);
  const csv = [names.join(","), ...rows.map((job) => names.map((name) => job[name]).join(","))].join("\n");
  const out = await run(process.execPath, ["batch.mjs", "model.json"], { cwd: dir, input: `${csv}\n` });
  const [head, ...lines] = out.trimEnd().split("\n");
  equal([head, ...lines.map(Number)], ["prediction", ...model.predictMany(rows)], "the stream");
  // more than a pipe holds, for a reader who leaves after a line
  await writeFile(join(dir, "long.csv"), [csv, ...Array(20).fill(csv.slice(csv.indexOf("\n") + 1))].join("\n"));
  const line = "(node batch.mjs model.json < long.csv; echo $? > code) | head -n 1";
  equal(
    [await run("sh", ["-c", line], { cwd: dir }), await readFile(join(dir, "code"), "utf8")],
    ["prediction\n", "0\n"],
    "the first line",
  );
  return note;
}

const asks = "answers as the model does";
const own = () => process.version;
const of = (name) => async (ctx) => (await ctx.packageOf(name)).version;

export default [
  { name: "example worker", asks, version: of("wrangler"), run: worker },
  { name: "example deno", asks, version: of("deno"), run: deno },
  { name: "example edge", asks, version: of("@edge-runtime/vm"), run: edge },
  { name: "example browser", asks, apt: ["chromium"], version: chromiumVersion, run: browser },
  { name: "example node-stream", asks, version: own, run: stream },
];
