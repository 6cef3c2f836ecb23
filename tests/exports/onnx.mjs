// Exported ONNX graphs in onnxruntime-node, onnxruntime-web and Python's onnxruntime (after onnx.checker with full shape inference), exact and
// not. A batch, and the same rows one by one: what a row gives must not depend on its batch.

import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../runtimes/hosts/process.mjs";
import { compare } from "./cases.mjs";
import { Missing, python, work } from "./engines.mjs";
import { floats, questions } from "./modules.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(work, "onnx");
const require = createRequire(import.meta.url);
/** Rows that are also asked one by one. */
const SINGLE = 300;

function load(name) {
  try {
    return require(name);
  } catch (error) {
    throw new Missing(`npm package ${name} (node tests/exports/run.mjs --install): ${error.message.split("\n")[0]}`);
  }
}

/** The answers of hosts.py, by a runtime of JavaScript. */
const inJavaScript = (name, options) => async (jobs) => {
  const ort = load(name);
  if (ort.env.wasm && name === "onnxruntime-web") ort.env.wasm.numThreads = 1;
  const got = [];
  for (const job of jobs) {
    const session = await ort.InferenceSession.create(new Uint8Array(await readFile(job.model)), options);
    const rows = floats(await readFile(job.rows));
    const ask = async (values, level = 0.5) => {
      const feeds = { rows: new ort.Tensor("float32", values, [values.length / job.width, job.width]) };
      if (job.levels.length > 0) feeds.level = new ort.Tensor("float32", Float32Array.of(level), [1]);
      return (await session.run(feeds)).prediction.data;
    };
    const out = [...(await ask(rows))];
    for (const p of job.levels) out.push(...(await ask(rows.subarray(0, job.few * job.width), p)));
    out.push(...(await ask(floats(await readFile(job.tries)))));
    for (let r = 0; r < job.single; r++) out.push(...(await ask(rows.slice(r * job.width, (r + 1) * job.width))));
    got.push(Float32Array.from(out));
    await session.release();
  }
  return { version: JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8")).version, got };
};

const hosts = {
  "onnx node": inJavaScript("onnxruntime-node", { intraOpNumThreads: 1, logSeverityLevel: 3 }),
  "onnx web": inJavaScript("onnxruntime-web", { executionProviders: ["wasm"], logSeverityLevel: 3 }),
  "onnx python": async (jobs) => {
    if (!existsSync(python)) throw new Missing("Python environment (node tests/exports/run.mjs --install)");
    const file = join(folder, "jobs.json");
    await writeFile(file, JSON.stringify(jobs));
    const { version } = JSON.parse(await run(python, [join(here, "hosts.py"), "onnx", file]));
    return { version, got: await Promise.all(jobs.map(async (job) => floats(await readFile(job.out)))) };
  },
};

/** Rows with one value that a model may refuse, and what the library says: NaN where it throws. */
function tryRows({ data, model, rows }) {
  const width = data.features.length;
  const tries = [];
  data.features.forEach((_, f) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0.5, 2, 3e38]) {
      const row = rows.slice(0, width);
      row[f] = value;
      tries.push(row);
    }
  });
  const expected = tries.map((row) => {
    try {
      return model.predict(row);
    } catch {
      return Number.NaN;
    }
  });
  return { rows: Float32Array.from(tries.flatMap((row) => [...row])), expected };
}

/** Levels as the graph gets them: float32. */
const levelsOf = (job) => job.levels.map(Math.fround);

/** Predictions, then quantiles, then what may be refused, then predictions one by one, against the library. */
function judge(one, job, got, { exact, expected: tried }) {
  const { n, model, rows } = one;
  const { few, width } = job;
  const wanted = n + few * job.levels.length + tried.length + job.single;
  if (got.length !== wanted) return { worst: Number.POSITIVE_INFINITY, disordered: n, problem: `${got.length} values` };
  let { worst, disordered, problem } = compare(one, got.subarray(0, n));
  let different = 0;
  for (let r = 0; r < n; r++) if (got[r] !== one.expected[r]) different++;
  for (const [k, p] of levelsOf(job).entries()) {
    const from = n + k * few;
    const expected = Float32Array.from({ length: few }, (_, r) =>
      model.quantile(rows.subarray(r * width, (r + 1) * width), p),
    );
    const result = compare({ ...one, n: few, expected }, got.subarray(from, from + few));
    worst = Math.max(worst, result.worst);
    disordered += result.disordered;
    for (let r = 0; r < few; r++) if (k > 0 && got[from + r] < got[from - few + r]) disordered++;
  }
  const from = n + few * job.levels.length;
  tried.forEach((value, k) => {
    if (Number.isNaN(value) !== Number.isNaN(got[from + k]))
      problem = `row ${k} of those to refuse gives ${got[from + k]}`;
    else if (exact && !Object.is(value, got[from + k])) problem = `${value} became ${got[from + k]}`;
  });
  const single = got.subarray(from + tried.length);
  const alone = compare({ ...one, n: job.single }, single);
  worst = Math.max(worst, alone.worst);
  // an exact graph gives a row the same bits in every batch, so rows of different calls are in order too
  if (exact && single.some((value, r) => value !== got[r]))
    problem = "a row by itself differs from the row in its batch";
  if (problem) worst = Number.POSITIVE_INFINITY;
  return { worst, disordered, problem, note: different === 0 ? "same bits" : `${different} rows differ in bits` };
}

export async function testONNX({ subject, cases, wanted, report, skip, fail }) {
  const chosen = Object.entries(hosts).filter(([name]) => wanted(name));
  if (chosen.length === 0) return;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tries = cases.map(tryRows);
  for (const exact of [true, false]) {
    const jobs = cases.map((one, k) => ({
      ...questions(one),
      model: join(folder, `model${k}${exact ? "" : "-fast"}.onnx`),
      rows: join(folder, `rows${k}.bin`),
      out: join(folder, `out${k}.bin`),
      tries: join(folder, `tries${k}.bin`),
      exact,
      single: Math.min(SINGLE, one.n),
      features: one.data.features,
    }));
    for (const [k, one] of cases.entries()) {
      await writeFile(jobs[k].model, subject.toONNX(one.data, { exact }));
      await writeFile(jobs[k].rows, one.rows);
      await writeFile(jobs[k].tries, tries[k].rows);
    }
    for (const [name, host] of chosen) {
      try {
        const began = Date.now();
        const { version, got } = await host(jobs);
        const seconds = (Date.now() - began) / 1000 / cases.length;
        for (const [k, one] of cases.entries()) {
          const result = judge(one, jobs[k], got[k], { exact, expected: tries[k].expected });
          report(name, version, `${one.name}${exact ? "" : " (fast)"}: ${result.note}`, one.n, result, 1e-5, seconds);
        }
      } catch (error) {
        if (error instanceof Missing) skip(name, error);
        else fail(name, exact ? "exact" : "fast", error);
      }
    }
  }
}
