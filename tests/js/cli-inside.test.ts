// The commands, called in this process: what they say and refuse where a process of its own for each case (cli.test.ts) would take too long, and what they
// say to a terminal.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import workers from "node:worker_threads";
import { Command, CommanderError } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { checkHeader, checkStart, csvFailure } from "../../js/cells.js";
import { addAudit } from "../../js/cli/audit.js";
import { addCount } from "../../js/cli/count.js";
import { addCv } from "../../js/cli/cv.js";
import { fileError, InputError, UsageError } from "../../js/cli/errors.js";
import { addExplain } from "../../js/cli/explain.js";
import { addExport } from "../../js/cli/export.js";
import { addFit } from "../../js/cli/fit.js";
import { addMerge } from "../../js/cli/merge.js";
import { threadsFor } from "../../js/cli/options.js";
import { digits, openOutput, printable, progressBar, setQuiet, textTable } from "../../js/cli/output.js";
import { addPredict } from "../../js/cli/predict.js";
import { addReport } from "../../js/cli/report.js";
import { addScan } from "../../js/cli/scan.js";
import { addSensitivity } from "../../js/cli/sensitivity.js";
import { openText } from "../../js/cli/text.js";
import { toSQL } from "../../js/export/index.js";
import { fit, load, merge } from "../../js/index.js";
import { generator } from "./oracle.js";

let folder = "";
const at = (name: string) => join(folder, name);
const put = (name: string, text: string | Uint8Array) => writeFileSync(at(name), text);
const get = (name: string) => readFileSync(at(name), "utf8");

/** Stands in for a stream of this process while a command runs. */
function hear(stream: NodeJS.WriteStream) {
  const heard = { text: "" };
  const spy = vi.spyOn(stream, "write").mockImplementation(((chunk: string | Uint8Array, done?: () => void) => {
    heard.text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    done?.();
    return true;
  }) as never);
  return { heard, end: () => spy.mockRestore() };
}

interface Ran {
  out: string;
  err: string;
  error?: Error;
}

/** Runs a command; words that are files of the folder are given with their path. */
async function isotone(...args: string[]): Promise<Ran> {
  const program = new Command("isotone").exitOverride().configureOutput({ writeErr: () => {} });
  for (const add of [
    addFit,
    addPredict,
    addSensitivity,
    addExplain,
    addReport,
    addAudit,
    addExport,
    addCount,
    addScan,
    addMerge,
    addCv,
  ])
    add(program);
  const [out, err] = [hear(process.stdout), hear(process.stderr)];
  let error: Error | undefined;
  try {
    const words = args.map((word) => (/^[\w-]+\.\w+$/.test(word) && !/^\d/.test(word) ? at(word) : word));
    await program.parseAsync(["node", "isotone", ...words]);
  } catch (thrown) {
    error = thrown as Error;
  } finally {
    out.end();
    err.end();
    setQuiet(false);
  }
  return { out: out.heard.text, err: err.heard.text.replaceAll(`${folder}/`, ""), ...(error && { error }) };
}

/** What a command is refused with. */
async function refused(kind: new (...args: never[]) => Error, ...args: string[]): Promise<string> {
  const { error, out } = await isotone(...args);
  expect(error).toBeInstanceOf(kind);
  expect(out).toBe("");
  return (error as Error).message.replaceAll(`${folder}/`, "");
}

const lines = (n: number, of: (r: number) => (string | number)[]) =>
  Array.from({ length: n }, (_, r) => of(r).join(",")).join("\n");

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "isotone-inside-"));
  const random = generator(3);
  const row = () => [Math.floor(9 * random()), Math.floor(5 * random()), random() < 0.5 ? "Oslo" : "Bergen"] as const;
  const rows = Array.from({ length: 60 }, row).map(([a, b, city]) => ({
    a,
    b,
    city,
    y: 3 * a + b * b + (city === "Oslo" ? 9 : 0) + random(),
  }));
  put("jobs.csv", `a,b,city,y\n${rows.map((r) => Object.values(r).join(",")).join("\n")}\n`);
  put("header.csv", "a,b,city,y\n");
  const options = {
    target: "y",
    features: { a: 1, b: 1, city: { categories: "auto" } },
    networks: 2,
    members: 2,
    epochs: 5,
  } as const;
  put("model.json", JSON.stringify(await fit(rows, options)));
  const scaled = { ...options.features, a: { transform: "log1p" } } as const;
  put("shard.json", JSON.stringify(await fit(rows.slice(0, 30), { ...options, features: scaled })));
  put("quantiles.json", JSON.stringify(await fit(rows, { ...options, loss: { quantiles: [0.1, 0.9] } })));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe("is refused as wrong usage", () => {
  it.each<[string[], string | RegExp]>([
    [
      ["audit", "some.csv", "--grid", "jobs.csv", "-i", "a"],
      /^--grid makes a new file: ".*some\.csv" has no place there$/,
    ],
    [
      ["audit", "model.json", "jobs.csv", "-i", "a"],
      "model.json knows its directions: leave --increasing and --decreasing out",
    ],
    [["audit", "grid.csv", "two.csv"], "say which column of two.csv holds the predictions (--prediction): one, two"],
    [
      ["count", "events.csv", ...["--case", "id", "--activity", "what", "--timestamp", "when"]],
      'an activity is called "id", as is the case column: rename one of them',
    ],
    [
      ["count", "events.csv", ...["--case", "who", "--activity", "what", "--timestamp", "when", "--duration", "id"]],
      'an activity is called "id", as is the duration column: name it with --duration',
    ],
    [
      ["count", "events.csv", ...["--case", "who", "--activity", "who", "--timestamp", "when", "--duration", "who"]],
      '--duration: "who" is the case column',
    ],
    [["explain", "model.json", "jobs.csv", "--row", "1", "--json"], "--row and --json exclude each other"],
    [["explain", "model.json", "jobs.csv", "--row", "1", "--keep", "a"], "--row and --keep exclude each other"],
    [["fit", "jobs.csv", "-t", "y", "-i", "a", "--weight", "a"], '--increasing: "a" is the weight'],
    [["fit", "jobs.csv", "-t", "y", "-i", "a", "--missing", "b"], '--missing: "b" is not a feature; features: a'],
    [
      ["fit", "jobs.csv", "-t", "y", "-i", "a", "--missing", "c"],
      '--missing: no column "c" in jobs.csv; columns: a, b, city, y',
    ],
    [["fit", "jobs.csv", "-t", "y", "--weight", "n"], '--weight: no column "n" in jobs.csv; columns: a, b, city, y'],
    [["fit", "one.csv", "-t", "y"], 'one.csv has no column besides the target "y"'],
    [["scan", "jobs.csv"], "scan needs --target (or --merge for files it made before)"],
    [["sensitivity", "model.json", "jobs.csv", "--csv", "--json"], "--csv and --json exclude each other"],
  ])("%j", async (args, message) => {
    put("events.csv", "who,what,when,id\n1,id,2024-01-01,1\n2,id,2024-01-02,2\n");
    put("two.csv", "one,two\n1,2\n");
    put("one.csv", "y\n1\n2\n");
    put("grid.csv", "audit_row,audit_test,audit_feature,audit_direction,a\n1,row,,,1\n");
    const said = await refused(UsageError, ...args);
    if (typeof message === "string") expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  it.each<[string[], string]>([
    [["export", "model.json", "--to", "sql", "--dialect", "sqlite", "--column", "a"], "Expected feature=column."],
    [["predict", "model.json", "jobs.csv", "--interval", "0.5,0.9"], "Expected one number between 0 and 1."],
    [["merge", "model.json", "--weights", "2,,1"], 'Expected "equal", "rows", or a number above 0 for each model'],
    [
      ["merge", "model.json", "--weights", "1,Infinity"],
      'Expected "equal", "rows", or a number above 0 for each model',
    ],
    [["merge", "model.json", "--weights", "0"], 'Expected "equal", "rows", or a number above 0 for each model'],
  ])("by the command line's reader: %j", async (args, message) => {
    expect(await refused(CommanderError, ...args)).toContain(message);
  });

  it("for a terminal, where what comes out is no text to read", async () => {
    const before = process.stdout.isTTY;
    process.stdout.isTTY = true;
    try {
      for (const kind of ["wasm", "onnx"])
        for (const to of [[], ["-o", "-"]])
          expect(await refused(UsageError, "export", "model.json", "--to", kind, ...to)).toBe(
            `--to ${kind} writes bytes, not text for a terminal: give -o model.${kind}`,
          );
      expect(await refused(UsageError, "report", "model.json", "jobs.csv")).toMatch(/^a page is not for a terminal/);
      expect((await isotone("export", "model.json", "--to", "esm")).error).toBeUndefined();
    } finally {
      process.stdout.isTTY = before;
    }
  });
});

describe("is refused for what a file holds", () => {
  const grid = (...rows: string[]) =>
    ["audit_row,audit_test,audit_feature,audit_direction,a,prediction", ...rows].join("\n");
  it.each<[string, string[], string]>([
    [
      "audit_row,audit_test,audit_feature,audit_direction,a,prediction\n",
      ["audit", "given.csv"],
      "given.csv has no rows to compare",
    ],
    [grid("1,row,,,1,2"), ["audit", "given.csv"], "given.csv has no rows to compare"],
    [
      grid("1,row,,,1,2", "1,down,b,increasing,1,2"),
      ["audit", "given.csv"],
      'given.csv, line 3: there is no column "b" any more',
    ],
    [
      grid("1,row,,,1,2", "1,down,a,up,1,2"),
      ["audit", "given.csv"],
      'given.csv, line 3: audit_direction is "up", neither increasing nor decreasing',
    ],
    [grid("1,row,,,1,2", "1,left,a,increasing,1,2"), ["audit", "given.csv"], 'given.csv, line 3: audit_test is "left"'],
    ["a,b,city,y\n", ["audit", "--grid", "given.csv", "-i", "a"], "given.csv has a header but no rows"],
    ["a,y\n1,2\n2,3\n3,4\n", ["cv", "given.csv", "-t", "y"], "given.csv has 3 rows: cross-validation needs at least 4"],
    [
      "a,b,city,y\n1,2,Oslo,0\n",
      ["report", "model.json", "given.csv", "--weight", "y"],
      "--weight: every row of given.csv has the weight 0",
    ],
    ["a,y\n", ["scan", "given.csv", "-t", "y"], "given.csv has a header but no rows"],
    [
      "a,b,city,y\n1,2,Oslo,0\n1,2,Oslo,-1\n",
      ["sensitivity", "model.json", "given.csv", "--weight", "y"],
      "given.csv, line 3: the weight is -1: give numbers of at least 0",
    ],
    [
      "a,b,city,y\n1,2,Oslo,0\n",
      ["sensitivity", "model.json", "given.csv", "--weight", "y"],
      "given.csv: every weight is 0",
    ],
    [
      "who,what,when\n",
      ["count", "given.csv", "--case", "who", "--activity", "what", "--timestamp", "when"],
      "given.csv has a header but no events",
    ],
    [
      "a,city\n1,Oslo\n",
      ["predict", "model.json", "given.csv"],
      "given.csv lacks a column that the model needs: b; it has: a, city",
    ],
    [
      "y,c\n1,u\n2,\n",
      ["fit", "given.csv", "-t", "y", "-c", "c"],
      'given.csv, line 3: "c" is empty: fill it in or give it a word, or allow missing values when fitting (--missing c)',
    ],
    [
      "sep=,\na,y\n1,2\n",
      ["fit", "given.csv", "-t", "y"],
      "given.csv: the first line tells spreadsheets what separates the cells: remove it",
    ],
  ])("%j, by %j", async (text, args, message) => {
    put("given.csv", text);
    expect(await refused(InputError, ...args)).toBe(message);
  });

  it("models that do not go together, each by the name of its file", async () => {
    const other = JSON.parse(get("model.json"));
    other.target.name = "z";
    put("other.json", JSON.stringify(other));
    put("lines.jsonl", `${get("model.json")}\n${JSON.stringify(other)}\n`);
    expect(await refused(InputError, "merge", "model.json", "other.json")).toContain("other.json");
    expect(await refused(InputError, "merge", "lines.jsonl")).toContain("lines.jsonl line 2");
    put("bad.jsonl", `${get("model.json")}\n{"format":"isotone"}\n`);
    expect(await refused(InputError, "merge", "bad.jsonl")).toMatch(/^bad\.jsonl line 2: "version"/);
    expect(await refused(UsageError, "merge", "model.json", "shard.json", "--weights", "1")).toBe(
      "--weights has 1 number for 2 models",
    );
  });
});

describe("says beside its results", () => {
  it("what separates the cells, where a header is one column that holds another sign", async () => {
    for (const [sign, word] of [
      [";", '";"'],
      ["\t", "tab"],
      ["|", '"|"'],
    ]) {
      put("signs.csv", `a${sign}y\n1${sign}2\n`);
      const { err } = await isotone("fit", "signs.csv", "-t", "y");
      expect(err).toBe(
        `note: signs.csv has one column, ${JSON.stringify(`a${sign}y`)}; did you mean --delimiter ${word}?\n`,
      );
    }
    put("signs.csv", "a,y\n1,2\n");
    expect((await isotone("fit", "signs.csv", "-t", "y", "--delimiter", ";")).err).toContain(
      'did you mean --delimiter ","?',
    );
  });

  it("that shards of unlike size count the same, that their scalings differ, and what was merged", async () => {
    const { err, out } = await isotone("merge", "model.json", "shard.json");
    const merged = load(out).toJSON();
    expect(err.trim().split("\n")).toEqual([
      "the models were trained on 30 to 60 rows and count the same; --weights rows counts each by its rows",
      `the models' scalings differ: ${merged.inputs.length} inputs in place of 4, which slows prediction; fit shards with one --scaling`,
      `2 models, 90 rows, ${merged.networks.flat(2).length} planes of ${merged.inputs.length} inputs`,
    ]);
    const weighted = await isotone("merge", "model.json", "shard.json", "--weights", "rows");
    expect(weighted.err).not.toContain("count the same");
    expect(weighted.out.trim()).toBe(
      JSON.stringify(merge([get("model.json"), get("shard.json")], { weights: "rows" })),
    );
    const numbers = await isotone("merge", "model.json", "shard.json", "--weights", "1,3");
    expect(numbers.out.trim()).toBe(JSON.stringify(merge([get("model.json"), get("shard.json")], { weights: [1, 3] })));
  });

  it("of a fit its warnings, no more than twenty features, and that it does not beat the mean", async () => {
    const names = Array.from({ length: 23 }, (_, i) => `x${i}`);
    put(
      "wide.csv",
      `${names.join(",")},y\n${lines(80, (r) => [...names.map((_, i) => (i === 3 ? 7 : (r * (i + 3)) % 11)), (r * 29) % 17])}\n`,
    );
    const { err, out } = await isotone(
      "fit",
      "wide.csv",
      "-t",
      "y",
      "--epochs",
      "1",
      "--networks",
      "1",
      "--learning-rate",
      "5",
    );
    expect(err).toMatch(/^80 rows read in [\d.e-]+ s, trained in [\d.e-]+ s$/m);
    expect(err).toContain('warning: "x3" is 7 in every row');
    expect(err).toContain("\n… and 3 more\n");
    expect(err).toMatch(/^x19 +increasing/m);
    expect(err).not.toMatch(/^x20/m);
    const { heldOut } = load(out).training;
    expect(err.includes("the model does not beat the mean: these features say little about the target")).toBe(
      (heldOut?.model.rmse ?? 0) >= (heldOut?.mean.rmse ?? 0),
    );
    expect(heldOut?.model.rmse).toBeGreaterThan(heldOut?.mean.rmse ?? 0);
    const none = await isotone("fit", "jobs.csv", "-t", "y", "-i", "a", "--validation", "0", "--effort", "fast");
    expect(none.err).not.toContain("on rows left out");
    expect(load(none.out).training.steps).toBe(125);
  });

  it("of a cross-validation how often it was split, and gives the coverages asked for", async () => {
    const { err, out } = await isotone(
      "cv",
      "jobs.csv",
      ...["-t", "y", "-i", "a,b", "--folds", "2", "--repeats", "2", "--epochs", "1", "--networks", "1"],
      ...["--coverage", "0.5", "--no-compare"],
    );
    expect(err).toMatch(/^60 rows, 2 folds, 2 times, [\d.]+ s$/m);
    expect(out.match(/\d+ % intervals hold/g)).toEqual(["50 % intervals hold"]);
  });

  it("of a cross-validation the score that the loss is about, too", async () => {
    const args = ["-t", "y", "-i", "a,b", "--folds", "2", "--epochs", "1", "--networks", "1", "--no-compare", "-q"];
    const head = async (...more: string[]) =>
      (await isotone("cv", "jobs.csv", ...args, ...more)).out
        .split("\n")
        .slice(0, 2)
        .map((line) => line.trim().split(/ {2,}/));
    expect(await head("--quantiles", "0.1,0.9")).toEqual([
      ["RMSE", "MAE", "R2", "median relative error", "pinball", "sd of pinball over folds"],
      ["this model", ...new Array(6).fill(expect.stringMatching(/^-?[\d.]+( %)?$/))],
    ]);
    put(
      "yes.csv",
      get("jobs.csv").replace(/[\d.]+$/gm, (y) => String(Number(Number(y) > 20))),
    );
    const { out } = await isotone("cv", "yes.csv", ...args, "--loss", "logistic");
    expect(out.split("\n")[0].trim().split(/ {2,}/)).toEqual([
      "RMSE",
      "MAE",
      "R2",
      "log loss",
      "accuracy",
      "sd of log loss over folds",
    ]);
    expect(out.split("\n")[1]).toMatch(/^this model( +-?[\d.]+){4} +[\d.]+ % +[\d.]+$/);
  });

  it("of a merge what only the merged model is warned of", async () => {
    const exp = JSON.parse(get("model.json"));
    exp.link = { name: "exp", maximum: 3 };
    put("low.json", JSON.stringify({ ...exp, training: { ...exp.training, warnings: ["of its own"] } }));
    put("high.json", JSON.stringify({ ...exp, link: { name: "exp", maximum: 4 } }));
    const { err } = await isotone("merge", "low.json", "high.json");
    expect(err).toContain(
      "warning: merged models held their predictions below different bounds: the highest is used\n",
    );
    expect(err).not.toContain("of its own");
  });

  it("that a query is large, for the engines that need to be told", async () => {
    const data = JSON.parse(get("model.json"));
    const many = { ...data, networks: Array.from({ length: 700 }, () => data.networks[1]) };
    put("large.json", JSON.stringify(many));
    const said = async (...args: string[]) => (await isotone("export", "large.json", "--to", "sql", ...args)).err;
    expect(await said("--dialect", "clickhouse")).toMatch(
      /^(\d+) bytes: ClickHouse needs SET max_query_size = \d+ first\n$/,
    );
    expect(await said("--dialect", "postgres")).toMatch(/SET jit = off/);
    expect(await said("--dialect", "duckdb")).toBe("");
    const small = await isotone("export", "model.json", "--to", "sql", "--dialect", "clickhouse");
    expect(small.err).toBe("");
    expect(small.out).toBe(`${toSQL(get("model.json"), { dialect: "clickhouse" })}\n`);
  });

  it("nothing of SQL, but gives every option of it to the library", async () => {
    const asked = [
      "--table",
      "jobs",
      "--keep",
      "id",
      "--column",
      "a=alpha",
      "--level",
      "0.9",
      "--as",
      "late",
      "--prune",
    ];
    const { out } = await isotone("export", "quantiles.json", "--to", "sql", "--dialect", "duckdb", ...asked);
    const options = {
      dialect: "duckdb",
      table: "jobs",
      keep: ["id"],
      columns: { a: "alpha" },
      level: 0.9,
      as: "late",
      prune: true,
    } as const;
    expect(out).toBe(`${toSQL(get("quantiles.json"), options)};\n`);
  });

  it("that every row of a log was counted, where a column may tell starts from ends", async () => {
    put("log.csv", "who,what,when,lifecycle\n1,scan,2024-01-01,start\n1,scan,2024-01-02,complete\n");
    const args = ["count", "log.csv", "--case", "who", "--activity", "what", "--timestamp", "when"];
    expect((await isotone(...args)).err).toContain(
      "note: every row was counted; if start and complete are rows of their own",
    );
    expect((await isotone(...args, "--lifecycle", "lifecycle")).err).not.toContain("every row");
  });

  it("nothing within JSON, which is one array however many pieces it is written in", async () => {
    const n = 2500;
    put(
      "many.csv",
      `a,b,city,who,what,when\n${lines(n, (r) => [r % 9, r % 5, "Oslo", r, r % 2 ? "u" : "v", "2024-01-01"])}\n`,
    );
    const counted = JSON.parse(
      (await isotone("count", "many.csv", "--case", "who", "--activity", "what", "--timestamp", "when", "--json")).out,
    );
    expect(counted.map((row: { who: string }) => Number(row.who))).toEqual(Array.from({ length: n }, (_, r) => r));
    const predicted = JSON.parse((await isotone("predict", "model.json", "many.csv", "--json")).out);
    const explained = JSON.parse((await isotone("explain", "model.json", "many.csv", "--json")).out);
    expect([predicted.length, explained.length]).toEqual([n, n]);
    for (let r = 45; r < n; r++) expect(predicted[r]).toEqual(predicted[r - 45]);
    expect(await isotone("explain", "model.json", "header.csv", "--json")).toMatchObject({
      out: "[\n]\n",
      err: "note: header.csv has a header but no rows\n",
    });
    expect((await isotone("predict", "model.json", "header.csv", "--json")).out).toBe("[\n]\n");
  });

  it("of one row explained what is missing, and in one line what adds nothing", async () => {
    const names = Array.from({ length: 9 }, (_, i) => `x${i}`);
    const long = `a column whose name is longer than a table has room for`;
    const columns = {
      ...Object.fromEntries(
        names.map((name, i) => [name, Array.from({ length: 40 }, (_, r) => (i < 2 ? r % (5 + i) : 3))]),
      ),
      [long]: Array.from({ length: 40 }, (_, r) => (r % 3 ? r : Number.NaN)),
      city: Array.from({ length: 40 }, (_, r) => (r % 4 ? "Oslo" : null)),
      y: Array.from({ length: 40 }, (_, r) => (r % 5) * 2 + (r % 6) + r / 9),
    };
    const features = {
      ...Object.fromEntries(names.map((name) => [name, 1 as const])),
      [long]: { missing: "median" } as const,
      city: { categories: "auto", missing: "indicator" } as const,
    };
    put("flat.json", JSON.stringify(await fit(columns, { target: "y", features, networks: 2, members: 2, epochs: 3 })));
    put("flat.csv", `${names.join(",")},${long},city\n4,5,3,3,3,3,3,3,3,,Oslo\n`);
    const { out } = await isotone("explain", "flat.json", "flat.csv", "--row", "1");
    expect(out).toMatch(/^the other [89] +0$/m);
    expect(out).not.toMatch(/^x5/m);
    put("flat.csv", `${names.join(",")},${long},city\n4,5,3,3,3,3,3,3,3,39,\n`);
    const known = await isotone("explain", "flat.json", "flat.csv", "--row", "1");
    expect(known.out).toMatch(/^a column whose name is longer… +39 /m);
    expect(known.out).toMatch(/^city +missing +-?[\d.]+$/m);
    put("flat.csv", `${names.join(",")},${long},city\n4,5,3,3,3,3,3,3,3,,Oslo\n`);
    const zero = await isotone("explain", "flat.json", "flat.csv", "--row", "1", "--baseline", "zero");
    expect(zero.out).toMatch(/^a column whose name is longer… +missing /m);
  });

  it("of one row explained the words of its categories", async () => {
    const { out } = await isotone("explain", "model.json", "jobs.csv", "--row", "1", "--baseline", "zero");
    expect(out).toMatch(new RegExp(`^city +${get("jobs.csv").split("\n")[1].split(",")[2]} `, "m"));
  });

  it("of an audit a dash for what was not asked, short names, and no pairs where none were wanted", async () => {
    const long = "a column with a long name";
    const row = (test: string, direction: string, a: string, y: number) =>
      `1,${test},${test === "row" ? "" : long},${direction},${a},${y}`;
    put(
      "short.csv",
      [
        "audit_row,audit_test,audit_feature,audit_direction," + long + ",prediction",
        row("row", "", "1", 5),
        row("down", "decreasing", "1", 5),
        row("up", "decreasing", "1", 5),
      ].join("\n"),
    );
    const { out } = await isotone("audit", "short.csv");
    const [, line] = out.split("\n");
    expect(line).toMatch(/^a column with a lon… +down +- +- +- +- +-$/);
    expect(out).toMatch(/^0 of 0 \(0\.0 %\) partial derivatives have the wrong sign\n$/m);
    expect(out).not.toContain("pairs");
  });
});

describe("an audit of an ONNX file", () => {
  /** A stand-in for onnxruntime: the file says what its inputs and outputs are, and what goes wrong; the output is 2 times the first column less the second. */
  const RUNTIME = `
class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
const InferenceSession = { async create(bytes) {
  const { inputs, outputs = ["y"], type = "float32", broken, shape } = JSON.parse(Buffer.from(bytes).toString());
  if (broken === "file") throw new Error("no graph\\nat all");
  return {
    inputNames: inputs, outputNames: outputs, inputMetadata: inputs.map((name) => ({ name, type })),
    async run(feeds) {
      if (broken === "run") throw "no memory";
      const [first, second] = inputs.map((name) => feeds[name]);
      if (first.type !== type || first.data.constructor !== (type === "float64" ? Float64Array : Float32Array)) throw new Error("wrong type " + first.type);
      const [n, d] = first.dims;
      const at = (r, f) => (second ? [first, second][f].data[r] : first.data[r * d + f]);
      const data = Array.from({ length: n }, (_, r) => 2 * at(r, 0) - at(r, 1));
      return Object.fromEntries(outputs.map((name, k) => [name, shape ? { data: [1, 2], dims: [2, 1] } : { data: k === 0 ? data : data.map((v) => -v), dims: [n, 1] }]));
    },
  };
} };`;
  const before = process.cwd();
  afterAll(() => process.chdir(before));
  const install = (name: string, code: string) => {
    mkdirSync(at(`node_modules/${name}`), { recursive: true });
    put(`node_modules/${name}/package.json`, `{ "name": "${name}", "main": "index.cjs" }`);
    put(`node_modules/${name}/index.cjs`, code);
    process.chdir(folder);
  };
  const graph = (text: object) => put("net.onnx", JSON.stringify(text));
  const rows = ["net.onnx", "jobs.csv"];

  it("takes the runtime that is there, its default export too, and either type of number", async () => {
    for (const [name, code] of [
      // names that a module does not tell beforehand are in its default export
      ["onnxruntime-web", `${RUNTIME}\nmodule.exports = { ["Inference" + "Session"]: InferenceSession, Tensor };`],
      ["onnxruntime-node", `${RUNTIME}\nexports.Tensor = Tensor; exports.InferenceSession = InferenceSession;`],
    ]) {
      install(name, code);
      for (const type of ["float32", "float64"])
        for (const inputs of [["x"], ["a", "b"]]) {
          graph({ inputs, type });
          const { out, error } = await isotone("audit", ...rows, "-i", "a,b", "--json");
          expect(error).toBeUndefined();
          expect(JSON.parse(out).features.map((f: { name: string; wrong: number }) => [f.name, f.wrong])).toEqual([
            ["a", 0],
            ["b", 1],
          ]);
        }
    }
  });

  it("takes a runtime of named exports alone", async () => {
    const place = "elsewhere/node_modules/onnxruntime-node";
    mkdirSync(at(place), { recursive: true });
    put(`${place}/package.json`, '{ "name": "onnxruntime-node", "main": "index.mjs" }');
    put(`${place}/index.mjs`, `${RUNTIME}\nexport { InferenceSession, Tensor };`);
    process.chdir(at("elsewhere"));
    graph({ inputs: ["x"] });
    expect((await isotone("audit", ...rows, "-i", "a,b", "--json")).error).toBeUndefined();
    process.chdir(folder);
  });

  it("asks for another output by its name, and says how many of the rows it looked at", async () => {
    graph({ inputs: ["x"], outputs: ["y", "turned"] });
    const { out, err } = await isotone("audit", ...rows, "-i", "a,b", "--prediction", "turned", "--rows", "20");
    expect(err).toBe("looked at 20 of 60 rows, sampled\n");
    expect(out).toMatch(/^a +up +100 % +2 +wrong/m);
  });

  it("says what is the matter with the file, the rows and the options", async () => {
    const said = async (given: object, ...args: string[]) => {
      graph({ inputs: ["x"], ...given });
      return (await isotone("audit", ...rows, "-i", "a,b", ...args)).error?.message.replaceAll(`${folder}/`, "");
    };
    expect(await said({ broken: "file" })).toBe("net.onnx: onnxruntime says: no graph");
    expect(await said({ broken: "run" })).toBe("net.onnx: onnxruntime says: no memory");
    expect(await said({ inputs: ["a", "q"] })).toBe(
      'net.onnx has the input "q", jobs.csv has no such column: a, b, city, y',
    );
    expect(await said({ inputs: ["a", "y"] }, "--inputs", "a,b")).toBe("--inputs: net.onnx has the inputs a, y");
    expect(await said({}, "--inputs", "a")).toBe("b is no input of net.onnx; inputs: a");
    expect(await said({}, "--inputs", "a,q")).toBe('--inputs: no column "q" in jobs.csv; columns: a, b, city, y');
    expect(await said({}, "--prediction", "z")).toBe('--prediction: net.onnx has no output "z"; outputs: y');
    expect(await said({ shape: true })).toBe(
      'net.onnx: the output "y" has the shape 2 x 1, expected one number for each of 60 rows',
    );
    expect(await said({ shape: true, outputs: ["y", "z"] })).toContain("; choose with --prediction: y, z");
  });
});

describe("threads that nobody asked for", () => {
  it.each([
    [2, 1],
    [249, 1],
    [250, Math.min(availableParallelism(), 8)],
    [1e6, Math.min(availableParallelism(), 8)],
  ])("of %i rows are %i", (rows, threads) => {
    expect(threadsFor(rows)).toBe(threads);
  });

  it("are those of the processors, one of them this one, at most one a member: no workers for few rows", async () => {
    const started = vi.spyOn(workers, "Worker");
    const table = (n: number) => `a,y\n${lines(n, (r) => [r % 17, (r % 17) + (r % 5)])}\n`;
    put("few.csv", table(249));
    put("enough.csv", table(250));
    const flags = ["-t", "y", "--epochs", "3", "--members", "2", "-q"];
    await isotone("fit", "few.csv", ...flags);
    expect(started).not.toHaveBeenCalled();
    await isotone("fit", "enough.csv", ...flags);
    expect(started).toHaveBeenCalledTimes(Math.min(availableParallelism(), 2) - 1);
    started.mockClear();
    await isotone("cv", "enough.csv", ...flags, "--folds", "2", "--no-compare");
    expect(started).toHaveBeenCalledTimes(2 * (Math.min(availableParallelism(), 2) - 1));
  });

  it("train the model that one thread trains, as does any number asked for", async () => {
    put("many.csv", `a,b,y\n${lines(300, (r) => [r % 17, (r * 7) % 23, (r % 17) + ((r * 7) % 23) / 2])}\n`);
    const trained = async (...more: string[]) =>
      (await isotone("fit", "many.csv", "-t", "y", "--epochs", "3", "-q", ...more)).out;
    const one = await trained("--threads", "1");
    expect(JSON.parse(one).training.rows).toBe(300);
    expect(await trained()).toBe(one);
    expect(await trained("--threads", "3")).toBe(one);
  });
});

describe("a summary of a long file", () => {
  it("stands on a sample of its rows, and says so; wrong signs are counted in all", async () => {
    const n = 120_000;
    put("long.csv", `a,b,city\n${lines(n, (r) => [r < n / 2 ? 1 : 8, 2, "Oslo"])}\n`);
    const { out, err } = await isotone("sensitivity", "model.json", "long.csv", "--json", "--bootstrap", "0");
    const { rows, summarised, features } = JSON.parse(out);
    expect([rows, summarised]).toEqual([n, 100_000]);
    expect(err).toBe(
      "summary of 100000 rows, sampled from 120000\n120000 rows; partial derivatives of the wrong sign: 0 of 240000\n",
    );
    // each row has the same chance, whatever its place: of two halves that are not alike both are half of the sample
    const model = load(get("model.json"));
    const [low, high] = [1, 8].map((a) => model.sensitivity({ a, b: 2, city: "Oslo" }).a);
    const { mean } = features.find(({ name }: { name: string }) => name === "a");
    expect(low).not.toBe(high);
    expect(Math.abs((mean - low) / (high - low) - 0.5)).toBeLessThan(0.01);
  });
});

describe("text", () => {
  it("of any characters comes in pieces that end between them, wherever the file's pieces end", async () => {
    // 1 to 4 bytes each, so that every place of a character lies at the end of some piece of 32 kB
    const words = ["a", "é", "€", "🦉"];
    for (let before = 0; before < 4; before++) {
      const text =
        "x".repeat(before) + Array.from({ length: 60_000 }, (_, k) => words[(k * 7 + (k >> 4)) % 4]).join("");
      put("text.txt", text);
      let read = "";
      let pieces = 0;
      for await (const piece of openText(at("text.txt"), "text.txt")) {
        read += new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(piece);
        pieces++;
      }
      expect(read === text).toBe(true);
      expect(pieces).toBeGreaterThan(3);
    }
  });

  it("that ends within a character, or goes on with what is none, is not UTF-8", async () => {
    for (const end of [[0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0xa6], [0xc3, 0x28], [0x80]]) {
      put("text.txt", Uint8Array.of(0x61, ...end));
      const read = async () => {
        for await (const _ of openText(at("text.txt"), "text.txt")) {
          // all of it
        }
      };
      await expect(read()).rejects.toThrow("text.txt is not UTF-8 text");
    }
  });

  it("that is packed as a workbook is a spreadsheet by its name, and else a zip archive", () => {
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4);
    for (const name of ["a.xlsx", "a.XLSM", "a.xlsb", "b.ods"])
      expect(() => checkStart(name, zip)).toThrow(`${name} is a spreadsheet: save the sheet as CSV`);
    expect(() => checkStart("a.zip", zip)).toThrow("a.zip is a zip archive");
    expect(() => checkStart("xlsx.csv", Uint8Array.of(0x50, 0x4b, 3, 5))).not.toThrow();
  });

  it("of CSV that cannot be read is complained of in words", () => {
    const said = (error: object) => csvFailure("f.csv", Object.assign(new Error("strange"), error)).message;
    expect(said({ code: "CSV_MAX_RECORD_SIZE", lines: 3 })).toBe(
      "f.csv, line 3: a record is longer than 64 MB; is a quote left open?",
    );
    expect(said({ code: "CSV_INVALID_CLOSING_QUOTE" })).toContain("f.csv: a quote inside a cell");
    expect(said({ code: "OTHER", lines: 9 })).toBe("f.csv, line 9: strange");
    expect(() => checkHeader("f.csv", ["sep=;", "b"])).not.toThrow();
    expect(() => checkHeader("f.csv", ["SEP=", ""])).toThrow("remove it");
  });

  it("of the operating system's errors says what is the matter, in plain words", () => {
    const said = (doing: "read" | "write", code: string) => fileError(doing, "f", { code }).message;
    expect(["EACCES", "EPERM", "EROFS"].map((code) => said("write", code))).toEqual(
      new Array(3).fill("cannot write f: permission denied"),
    );
    expect(said("read", "ENOTDIR")).toBe("cannot read f: part of its path is not a folder");
    expect(fileError("read", "", new Error("odd")).message).toBe('cannot read "": odd');
    expect(fileError("read", "f", "odd").message).toBe("cannot read f: odd");
  });
});

describe("numbers and tables", () => {
  it.each([
    [0, "0"],
    [-3, "-3"],
    [999_999_999, "999999999"],
    [1e9, "1.000e+9"],
    [-1234567890, "-1.235e+9"],
    [1234.56, "1234.6"],
    [999.94, "999.9"],
    [0.00012344, "0.0001234"],
    [0.000099, "9.900e-5"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ])("%f is written %s", (value, text) => {
    expect(digits(value)).toBe(text);
  });

  it("columns of numbers stand to the right, others to the left, and long or odd texts keep to a line", () => {
    const table = textTable(
      ["name", "n", "share", "mixed"],
      [
        ["a", 1, "5 %", "x"],
        ["b\nc\u001b", 10.5, "-", 3],
        ["d".repeat(61), -1e-9, "12.5 %", 4],
      ],
    );
    expect(table.split("\n")).toEqual([
      `name${" ".repeat(56)}          n   share  mixed`,
      `a${" ".repeat(59)}          1     5 %  x`,
      `b\\nc\\u001b${" ".repeat(50)}       10.5       -  3`,
      `${"d".repeat(59)}…  -1.000e-9  12.5 %  4`,
      "",
    ]);
    expect(textTable(["a", "b"], [])).toBe("a  b\n");
    expect(printable("a\tb\nc\u009b")).toBe("a\\u0009b\nc\\u009b");
  });
});

describe("a bar on a terminal", () => {
  const terminal = async (
    columns: number | undefined,
    work: (bar: ReturnType<typeof progressBar>, tick: (ms: number) => void) => void,
  ) => {
    const { isTTY, columns: before } = process.stderr;
    const { heard, end } = hear(process.stderr);
    let now = 1e6;
    vi.spyOn(Date, "now").mockImplementation(() => now);
    Object.assign(process.stderr, { isTTY: true, columns });
    try {
      work(progressBar(), (ms) => {
        now += ms;
      });
    } finally {
      end();
      Object.assign(process.stderr, { isTTY, columns: before });
    }
    return heard.text;
  };
  const line = (full: number, percent: string, text: string) =>
    `\r${"█".repeat(full)}${"░".repeat(24 - full)} ${percent} %  ${text}\u001b[K`;

  it("is drawn over itself, at most every 80 ms, and at the end; then it goes", async () => {
    const drawn = await terminal(80, (bar, tick) => {
      bar.draw(0, "begun");
      tick(79);
      bar.draw(0.3, "too soon");
      tick(1);
      bar.draw(0.499, "half\u0007");
      bar.draw(1, "done");
      bar.clear();
    });
    expect(drawn).toBe(
      `${line(0, "  0", "begun")}${line(12, " 49", "half\\u0007")}${line(24, "100", "done")}\r\u001b[K`,
    );
  });

  it("keeps to the width of the terminal, and does without a share", async () => {
    const drawn = await terminal(30, (bar, tick) => {
      bar.draw(undefined, "reading a file with a long name");
      tick(100);
      bar.draw(1.5, "more than all");
      tick(100);
      bar.draw(-1, "less");
    });
    expect(drawn.split("\r").slice(1)).toEqual([
      "reading a file with a long na\u001b[K",
      `${"█".repeat(24)} 100 \u001b[K`,
      `${"░".repeat(24)}   0 \u001b[K`,
    ]);
    expect(await terminal(undefined, (bar) => bar.draw(undefined, "z".repeat(99)))).toBe(`\r${"z".repeat(79)}\u001b[K`);
    expect(await terminal(4, (bar) => bar.draw(undefined, "z".repeat(99)))).toBe(`\r${"z".repeat(20)}\u001b[K`);
  });

  it("was never there where nothing was drawn, nor where nobody wants talk", async () => {
    expect(await terminal(80, (bar) => bar.clear())).toBe("");
    setQuiet(true);
    expect(await terminal(80, (bar) => bar.draw(1, "done"))).toBe("");
    setQuiet(false);
  });
});

it("a device is written in place, and what cannot be closed or written is told by its name", async () => {
  const output = await openOutput("/dev/null");
  await output.write("text");
  await output.close();
  await expect(openOutput("")).rejects.toThrow('cannot write "": its folder does not exist');
  await expect(openOutput(at("jobs.csv/x"))).rejects.toThrow("part of its path is not a folder");
});
