// Exported ES modules in Node, Deno, Bun, workerd and Chromium: every bit of predictions, derivatives, quantiles and intervals.
// The runtimes are those of tests/runtimes, installed there.

import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { answer, freePort, run, start } from "../runtimes/hosts/process.mjs";
import { openSite } from "../runtimes/hosts/site.mjs";
import { compare } from "./cases.mjs";
import { Missing, work } from "./engines.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const guests = join(here, "guests");
const installed = join(here, "../runtimes/node_modules");
const folder = join(work, "modules");

function program(name, path) {
  const file = join(installed, path);
  if (!existsSync(file)) throw new Missing(`${name} (node tests/exports/run.mjs --install)`);
  return file;
}

const LEVELS = [0.001, 0.1, 0.37, 0.5, 0.9, 0.9999];
const COVERAGE = 0.8;
const FEW = 2000;

/** What is asked of a model beside predictions: guests/answers.mjs. */
export function questions({ data, n }) {
  return {
    width: data.features.length,
    few: Math.min(n, FEW),
    levels: data.loss.name === "quantiles" ? LEVELS : [],
    coverage: COVERAGE,
  };
}

/** What the library says, in the order of guests/answers.mjs. */
export function expectedOf({ model, data, rows, expected }, { width, few, levels }) {
  const intervals = data.residuals && data.loss.name !== "quantiles" && data.link.name !== "logistic" ? 2 : 0;
  const out = new Float32Array(expected.length + few * (width + levels.length + intervals));
  out.set(expected);
  let at = expected.length;
  const slopes = model.sensitivityMany(rows.subarray(0, few * width));
  for (let r = 0; r < few; r++) {
    const row = rows.subarray(r * width, (r + 1) * width);
    for (let f = 0; f < width; f++) out[at++] = slopes[r * width + f];
    for (const p of levels) out[at++] = model.quantile(row, p);
    if (intervals) for (const end of model.predictInterval(row, COVERAGE)) out[at++] = end;
  }
  return out;
}

/** Node, Deno and Bun: one process for all cases. */
const process_ = (version, command) => ({
  version,
  async run(jobs) {
    const file = join(folder, "files.json");
    const full = jobs.map((job, k) => ({
      ...job,
      module: join(folder, job.module),
      rows: join(folder, job.rows),
      out: join(folder, `out${k}.bin`),
    }));
    await writeFile(file, JSON.stringify(full));
    const [name, ...args] = command();
    await run(name, [...args, join(guests, "file.mjs"), file], {
      env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    });
    return Promise.all(full.map(async (job) => floats(await readFile(job.out))));
  },
});

export const floats = (bytes) => new Float32Array(new Uint8Array(bytes).buffer);
const deno = () => program("deno", "@deno/linux-x64-glibc/deno");
const bun = () => program("bun", "@oven/bun-linux-x64/bin/bun");
const workerd = () => program("workerd", "@cloudflare/workerd-linux-64/bin/workerd");

const hosts = {
  "module Node": process_(
    () => process.versions.node,
    () => [process.execPath],
  ),
  "module Deno": process_(
    async () => /deno (\S+)/.exec(await run(deno(), ["--version"]))[1],
    () => [deno(), "run", "--no-prompt", "--allow-read", "--allow-write"],
  ),
  "module Bun": process_(
    async () => (await run(bun(), ["--version"])).trim(),
    () => [bun(), "run"],
  ),
  "module workerd": {
    async version() {
      workerd();
      return JSON.parse(readFileSync(join(installed, "workerd/package.json"), "utf8")).version;
    },
    async run(jobs) {
      const port = await freePort();
      const imports = jobs.map((job, k) => `import * as m${k} from "${job.module}";`).join("\n");
      await writeFile(
        join(folder, "worker.mjs"),
        `${imports}
import { answers } from "answers.mjs";
const modules = [${jobs.map((_, k) => `m${k}`)}];
const jobs = ${JSON.stringify(jobs)};
export default {
  async fetch(request) {
    const k = Number(new URL(request.url).pathname.slice(1));
    return new Response(answers(modules[k], new Float32Array(await request.arrayBuffer()), jobs[k]).buffer);
  },
};
`,
      );
      const names = ["worker.mjs", "answers.mjs", ...jobs.map((job) => job.module)];
      await writeFile(
        join(folder, "config.capnp"),
        `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [${names.map((name) => `(name = "${name}", esModule = embed "${name}")`).join(", ")}],
  compatibilityDate = "2026-04-01"
);
`,
      );
      const server = start(workerd(), ["serve", join(folder, "config.capnp")]);
      try {
        const got = [];
        for (const [k, job] of jobs.entries()) {
          const body = await readFile(join(folder, job.rows));
          const response = await answer(`http://127.0.0.1:${port}/${k}`, server, { method: "POST", body });
          const bytes = await response.arrayBuffer();
          if (!response.ok) throw new Error(`${new TextDecoder().decode(bytes)} ${server.state.text}`);
          got.push(floats(bytes));
        }
        return got;
      } finally {
        await server.stop();
      }
    },
  },
  "module Chromium": {
    async version() {
      if (!existsSync("/usr/bin/chromium")) throw new Missing("Chromium (apt-get install chromium)");
      return /[\d.]+/.exec(await run("/usr/bin/chromium", ["--version", "--no-sandbox"]))[0];
    },
    async run(jobs) {
      await writeFile(join(folder, "jobs.json"), JSON.stringify(jobs));
      const { launchChromium } = await import("../runtimes/hosts/browsers.mjs").catch((error) => {
        throw new Missing(error.message);
      });
      const site = await openSite(folder);
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        // no WebAssembly, no eval: the strictest policy under which a page has scripts at all
        const { url, found } = site.page("page.mjs", { wasm: false, timeout: 300_000 });
        await page.goto(url);
        return (await found).map((bits) => floats(Uint32Array.from(bits).buffer));
      } finally {
        await browser.close();
        await site.close();
      }
    },
  },
};

export async function testModules({ subject, cases, wanted, report, skip, fail }) {
  const chosen = Object.entries(hosts).filter(([name]) => wanted(name));
  if (chosen.length === 0) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const name of ["answers.mjs", "page.mjs"]) await copyFile(join(guests, name), join(folder, name));
  const jobs = [];
  const expected = [];
  for (const [k, one] of cases.entries()) {
    const job = {
      module: `model${k}.mjs`,
      rows: `rows${k}.bin`,
      ...questions(one),
    };
    jobs.push(job);
    expected.push(expectedOf(one, job));
    await writeFile(join(folder, job.module), subject.toModule(one.data));
    await writeFile(join(folder, job.rows), one.rows);
  }
  for (const [name, host] of chosen) {
    let version;
    try {
      version = await host.version();
      const began = Date.now();
      const got = await host.run(jobs);
      const seconds = (Date.now() - began) / 1000;
      for (const [k, one] of cases.entries()) {
        report(name, version, one.name, one.n, sameBits(one, got[k], expected[k]), 0, seconds / cases.length);
      }
    } catch (error) {
      if (error instanceof Missing) skip(name, error);
      else fail(name, "all", error);
    }
  }
}

/** As compare, of predictions; whatever else differs is a problem of its own. */
export function sameBits(one, got, expected) {
  const result = compare(one, got.subarray(0, one.n));
  const a = new Int32Array(got.buffer, got.byteOffset, got.length);
  const b = new Int32Array(expected.buffer);
  let different = Math.abs(a.length - b.length);
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) different++;
  if (different > 0) return { ...result, worst: Math.max(result.worst, 1e-45), problem: `${different} values differ` };
  return result;
}

export const modulesNeed = async () => {
  const { installDebian, installPackages } = await import(pathToFileURL(join(here, "../runtimes/install.mjs")).href);
  await installPackages(join(here, "../runtimes"));
  await installDebian(["chromium"]);
};
