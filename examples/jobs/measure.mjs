// Measures jobs of counted sub-activities on this machine and writes them as CSV. Node's own modules only.
// In: a seed. Out: one row a job, the count of each sub-activity and the wall time of the whole job in milliseconds.
//   node examples/jobs/measure.mjs [--jobs 2400] [--seconds 150] [--seed 1] [--out examples/jobs/jobs.csv]
//
// A job is what a small document store does with one delivery. Nothing in the time is simulated: the counts are drawn at
// random, the work is done, and the clock is read before and after. The total is not linear in the counts, because
//   - lookups get slower as the table outgrows the caches, and a report sorts all rows that the job inserted;
//   - the archive compresses a block only when it has not seen its hash before in the job;
//   - parsed documents and rows stay alive until the job ends, so the garbage collector has more and more to copy.
// Each job runs at least five times, in rounds of random order, and on until its two least times agree within 2 %; the least counts.

import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { deflateRawSync } from "node:zlib";
import { generator } from "./random.mjs";

/** Name, what one unit of it is, median count and greatest count. */
export const ACTIVITIES = [
  { name: "documents", unit: "JSON document of about 1.2 kB parsed and kept", median: 40, most: 500 },
  { name: "rows", unit: "row inserted into the job's table", median: 500, most: 8000 },
  { name: "lookups", unit: "row of the table looked up by key and read", median: 1200, most: 20000 },
  { name: "reports", unit: "report: all rows of the table sorted", median: 1, most: 6 },
  { name: "blocks", unit: "block of 4 kB archived: hashed, compressed when new", median: 12, most: 150 },
  { name: "lines", unit: "log line matched by a regular expression", median: 1200, most: 20000 },
  { name: "messages", unit: "progress message formatted", median: 25, most: 300 },
];

/** How much each kind of job does of each activity, on a log scale relative to the median; null: never. */
const KINDS = [
  { share: 0.4, tilt: [0.3, 0.6, -0.4, -0.5, -0.3, -0.8, 0] }, // import
  { share: 0.35, tilt: [-0.8, 0.2, 0.7, 0.6, null, 0.2, 0] }, // query
  { share: 0.25, tilt: [0.2, -0.5, -0.8, null, 0.9, 0.6, 0] }, // archive
];

/** Counts of `n` jobs: skewed, and correlated through the size and the kind of a job. */
export function drawJobs(n, seed) {
  const random = generator(seed);
  const jobs = [];
  for (let i = 0; i < n; i++) {
    const size = random.normal();
    let u = random.uniform();
    const kind = KINDS.find((k) => (u -= k.share) < 0) ?? KINDS[0];
    jobs.push(
      ACTIVITIES.map(({ median, most }, j) => {
        const own = random.normal();
        if (kind.tilt[j] === null) return 0;
        const count = median * Math.exp(0.65 * size + 0.5 * own + kind.tilt[j]);
        return Math.min(most, Math.round(count));
      }),
    );
  }
  return jobs;
}

const WORDS = "amber birch cedar delta ember fjord grove haven inlet jetty knoll ledge maple north ocean pearl".split(
  " ",
);

/** The material that every job works on: the same for all jobs. */
function makeMaterial(seed) {
  const random = generator(seed);
  const pick = (list) => list[random.below(list.length)];
  const phrase = (n) => Array.from({ length: n }, () => pick(WORDS)).join(" ");
  const documents = Array.from({ length: 200 }, (_, i) =>
    JSON.stringify({
      id: i,
      title: phrase(5),
      tags: Array.from({ length: 6 }, () => pick(WORDS)),
      lines: Array.from({ length: 12 }, (_, k) => ({
        sku: `${pick(WORDS)}-${k}`,
        amount: random.below(1e6) / 100,
        note: phrase(3),
      })),
      delivered: random.below(2) === 1,
    }),
  );
  const blocks = Array.from({ length: 160 }, () => Buffer.from(phrase(800)).subarray(0, 4096));
  const lines = Array.from({ length: 500 }, () => {
    const day = String(1 + random.below(28)).padStart(2, "0");
    const level = pick(["INFO", "INFO", "WARN", "ERROR"]);
    return `2026-03-${day}T10:${10 + random.below(50)}:00Z ${level} ${pick(WORDS)}.${pick(WORDS)} took ${random.below(900)} ms (${phrase(4)})`;
  });
  return { documents, blocks, lines };
}

const PATTERN = /^(\d{4})-(\d\d)-(\d\d)T\S+ (WARN|ERROR) (\w+)\.(\w+) took (\d+) ms/;

/** Does one job. Returns a number that depends on all of its work, so that none of it can be left out. */
function runJob([documents, rows, lookups, reports, blocks, lines, messages], material, seed) {
  const random = generator(seed);
  let sum = 0;
  const kept = [];
  for (let i = 0; i < documents; i++) {
    const parsed = JSON.parse(material.documents[random.below(material.documents.length)]);
    kept.push(parsed);
    sum += parsed.lines[i % 12].amount;
  }
  const table = new Map();
  for (let i = 0; i < rows; i++) {
    const key = Math.imul(i + 1, 0x9e3779b1) >>> 0;
    table.set(key, { key, amount: random.uniform(), name: WORDS[key & 15], visits: 0 });
  }
  for (let i = 0; i < lookups; i++) {
    const row = table.get(Math.imul(random.below(rows || 1) + 1, 0x9e3779b1) >>> 0);
    if (row !== undefined) sum += row.amount + row.visits++;
  }
  for (let i = 0; i < reports; i++) {
    const sorted = [...table.values()].sort((a, b) => a.amount - b.amount || a.key - b.key);
    if (sorted.length > 0) sum += sorted[sorted.length >> 1].amount;
  }
  const archive = new Map();
  for (let i = 0; i < blocks; i++) {
    // some blocks come much more often than others
    const u = random.uniform();
    const block = material.blocks[Math.floor(u * u * material.blocks.length)];
    const hash = createHash("sha256").update(block).digest("base64");
    let stored = archive.get(hash);
    if (stored === undefined) archive.set(hash, (stored = deflateRawSync(block)));
    sum += stored.length;
  }
  for (let i = 0; i < lines; i++) {
    const match = PATTERN.exec(material.lines[random.below(material.lines.length)]);
    if (match !== null) sum += Number(match[7]);
  }
  for (let i = 0; i < messages; i++) sum += `step ${i} of ${messages}: ${WORDS[i & 15]} done`.length;
  return sum + kept.length;
}

/** A function that empties the garbage of earlier jobs, so that nobody pays for another's. */
function collector() {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

/** Rounds that every job takes part in, and the agreement of its two least times that ends the repeats of a job. */
const ROUNDS = 5;
const AGREEMENT = 0.02;

/**
 * Times every job ROUNDS times, then goes on with those whose two least times differ by more than AGREEMENT, until `seconds` are
 * over. Out: the jobs and, ascending, the times of each.
 */
function measure({ count, seconds, seed }, progress) {
  const jobs = drawJobs(count, seed);
  const material = makeMaterial(seed + 1);
  const random = generator(seed + 2);
  const collect = collector();
  const times = jobs.map(() => []);
  const began = performance.now();
  let sink = 0;
  // let the compilers settle
  for (let i = 0; i < Math.min(count, 400); i++) sink += runJob(jobs[i], material, i);
  const elapsed = () => (performance.now() - began) / 1000;
  const settled = (t) => t.length >= ROUNDS && t[1] / t[0] - 1 <= AGREEMENT;
  let open = jobs.map((_, i) => i);
  for (let round = 1; open.length > 0 && (round <= ROUNDS || elapsed() < seconds); round++) {
    // each round in an order of its own: a slow spell of the machine does not fall on the same jobs twice
    for (const i of random.order(open.length).map((k) => open[k])) {
      collect({ type: "minor" });
      const start = performance.now();
      sink += runJob(jobs[i], material, i);
      times[i].push(performance.now() - start);
    }
    for (const i of open) times[i].sort((a, b) => a - b);
    open = open.filter((i) => !settled(times[i]));
    progress(round, open.length, elapsed());
  }
  if (!Number.isFinite(sink)) throw new Error("the jobs computed nothing");
  return { jobs, times };
}

function main() {
  const { values } = parseArgs({
    options: {
      jobs: { type: "string", default: "2400" },
      seconds: { type: "string", default: "150" },
      seed: { type: "string", default: "1" },
      out: { type: "string", default: fileURLToPath(new URL("jobs.csv", import.meta.url)) },
    },
  });
  const settings = { count: Number(values.jobs), seconds: Number(values.seconds), seed: Number(values.seed) };
  const { jobs, times } = measure(settings, (round, open, seconds) =>
    console.error(`round ${round}, ${seconds.toFixed(0)} s: ${open} jobs to repeat`),
  );
  const header = [...ACTIVITIES.map((a) => a.name), "ms"].join(",");
  const lines = jobs.map((counts, i) => [...counts, times[i][0].toFixed(4)].join(","));
  writeFileSync(values.out, `${header}\n${lines.join("\n")}\n`);
  const at = (list, q) => list.sort((a, b) => a - b)[Math.floor(q * (list.length - 1))];
  const gaps = times.map((t) => 100 * (t[1] / t[0] - 1));
  const least = times.map((t) => t[0]);
  const rounds = times.map((t) => t.length);
  console.error(
    `${values.out}: ${jobs.length} jobs; Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown processor"}\n` +
      `ms: least ${at(least, 0).toFixed(2)}, median ${at(least, 0.5).toFixed(2)}, greatest ${at(least, 1).toFixed(1)}\n` +
      `repeats: median ${at(rounds, 0.5)}, most ${at(rounds, 1)}\n` +
      `second least over least time: median +${at(gaps, 0.5).toFixed(1)} %, 95 % under +${at(gaps, 0.95).toFixed(1)} %`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
