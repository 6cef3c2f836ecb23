// Exported WebAssembly modules in Node, by the loader of docs/export.md, and in wasmtime: every bit, as tests/exports/modules.mjs compares them.

import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../runtimes/hosts/process.mjs";
import { Missing, python, work } from "./engines.mjs";
import { answers } from "./guests/answers.mjs";
import { expectedOf, floats, questions, sameBits } from "./modules.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(work, "wasm");

/** The module behind the interface of the ES module, so that both are asked the same. */
async function inNode(file, job) {
  const { instance, module } = await WebAssembly.instantiate(await readFile(file));
  const [about] = WebAssembly.Module.customSections(module, "isotone");
  const names = JSON.parse(new TextDecoder().decode(about)).features.map((feature) => feature.name);
  const wasm = instance.exports;
  const at = wasm.buffer();
  const put = (rows, results) => {
    const missing = at + (rows.length + results) * 4 - wasm.memory.buffer.byteLength;
    if (missing > 0) wasm.memory.grow(Math.ceil(missing / 65536));
    new Float32Array(wasm.memory.buffer, at, rows.length).set(rows);
    return at + rows.length * 4;
  };
  const take = (out, count) => new Float32Array(wasm.memory.buffer, out, count).slice();
  const module_ = {
    features: names,
    predictMany(rows) {
      const n = rows.length / job.width;
      const out = put(rows, n);
      wasm.predict_many(at, n, out);
      return take(out, n);
    },
    sensitivity(row) {
      const out = put(row, job.width);
      wasm.sensitivity(at, out);
      return Object.fromEntries(names.map((name, f) => [name, take(out, job.width)[f]]));
    },
    quantile(row, p) {
      put(row, 0);
      return wasm.quantile(at, p);
    },
    interval:
      wasm.interval &&
      ((row, coverage) => {
        const out = put(row, 2);
        wasm.interval(at, coverage, out);
        return take(out, 2);
      }),
  };
  return answers(module_, floats(await readFile(job.rows)), job);
}

const hosts = {
  "wasm Node": async (jobs) => ({
    version: process.versions.node,
    got: await Promise.all(jobs.map((job) => inNode(job.model, job))),
  }),
  "wasm wasmtime": async (jobs) => {
    if (!existsSync(python)) throw new Missing("Python environment (node tests/exports/run.mjs --install)");
    const { version } = JSON.parse(await run(python, [join(here, "hosts.py"), "wasm", join(folder, "jobs.json")]));
    return { version, got: await Promise.all(jobs.map(async (job) => floats(await readFile(job.out)))) };
  },
};

export async function testWasm({ subject, cases, wanted, report, skip, fail }) {
  const chosen = Object.entries(hosts).filter(([name]) => wanted(name));
  if (chosen.length === 0) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const jobs = cases.map((one, k) => ({
    model: join(folder, `model${k}.wasm`),
    rows: join(folder, `rows${k}.bin`),
    out: join(folder, `out${k}.bin`),
    ...questions(one),
  }));
  for (const [k, one] of cases.entries()) {
    await writeFile(jobs[k].model, subject.toWasm(one.data));
    await writeFile(jobs[k].rows, one.rows);
  }
  await writeFile(join(folder, "jobs.json"), JSON.stringify(jobs));
  const expected = cases.map((one, k) => expectedOf(one, jobs[k]));
  for (const [name, host] of chosen) {
    try {
      const began = Date.now();
      const { version, got } = await host(jobs);
      const seconds = (Date.now() - began) / 1000 / cases.length;
      for (const [k, one] of cases.entries())
        report(name, version, one.name, one.n, sameBits(one, got[k], expected[k]), 0, seconds);
    } catch (error) {
      if (error instanceof Missing) skip(name, error);
      else fail(name, "all", error);
    }
  }
}
