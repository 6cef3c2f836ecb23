// isotone audit as a user runs it: a grid that something else fills in, read back; models; ONNX files through a runtime that may not be there.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { audit } from "../../js/audit.js";
import { generator, makeModel } from "./oracle.js";

const cli = process.env.ISOTONE_CLI ?? join(import.meta.dirname, "../../dist/cli.js");
let folder = "";

function isotone(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

const put = (name: string, text: string) => writeFileSync(join(folder, name), text);
const read = (name: string) =>
  readFileSync(join(folder, name), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));

/** 80 jobs; a predictor that is right about scan, wrong about repair where scan is below 5, and steps down with staff, which it may. */
const predict = (scan: number, repair: number, staff: number) =>
  2 * scan + (scan < 5 ? -0.5 : 0.5) * repair - (staff > 2 ? 3 : 0);

/** Writes the predictions of a grid beside it, as a program in any language would. */
function fillIn(text = String as (y: number) => string): void {
  const [header, ...rows] = read("grid.csv");
  const at = ["scan", "repair", "staff"].map((name) => header.indexOf(name));
  const y = rows.map((row) => predict(...(at.map((i) => Number(row[i])) as [number, number, number])));
  put("predictions.csv", `${["minutes", ...y.map(text)].join("\n")}\n`);
  put(
    "predicted.csv",
    `${[[...header, "prediction"], ...rows.map((row, k) => [...row, y[k]])].map((row) => row.join(",")).join("\n")}\n`,
  );
}

const GRID = ["audit", "--grid", "jobs.csv", "-i", "scan,repair", "-d", "staff", "-o", "grid.csv"];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "isotone-audit-"));
  const random = generator(3);
  const lines = Array.from({ length: 80 }, (_, k) => {
    const row = [10, 8, 5].map((most) => Math.floor(most * random()));
    return `j${k},${row[0]},${row[1]},${1 + row[2]},${k % 3 ? "Oslo" : "Bergen"}`;
  });
  put("jobs.csv", `job,scan,repair,staff,city\n${lines.join("\n")}\n`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("isotone audit --grid", () => {
  it("writes every row, a step down and up for each column, and ordered pairs; other columns as they are", () => {
    const { code, err } = isotone(...GRID, "--pairs", "50");
    expect([code, err]).toEqual([
      0,
      "760 rows to predict, made from 80 of 80 rows; then: isotone audit grid.csv predictions.csv\n",
    ]);
    const [header, ...rows] = read("grid.csv");
    expect(header.slice(0, 4)).toEqual(["audit_row", "audit_test", "audit_feature", "audit_direction"]);
    const jobs = read("jobs.csv").slice(1);
    const counts = new Map<string, number>();
    for (const [row, test, feature, direction, ...cells] of rows) {
      counts.set(test, (counts.get(test) ?? 0) + 1);
      const job = jobs[Number(row) - 1];
      expect([cells[0], cells[4]]).toEqual([job[0], job[4]]);
      const moved = [1, 2, 3].filter((k) => Number(cells[k]) !== Number(job[k]));
      if (test === "row") expect(moved).toEqual([]);
      else if (test === "pair of all") expect(moved.length).toBeGreaterThan(0);
      else {
        const k = ["scan", "repair", "staff"].indexOf(feature) + 1;
        expect(direction).toBe(feature === "staff" ? "decreasing" : "increasing");
        // at the ends of the range one of the two steps is none
        expect([[], [k]]).toContainEqual(moved);
        if (test === "pair") expect(Math.sign(Number(cells[k]) - Number(job[k]))).toBe(feature === "staff" ? -1 : 1);
      }
    }
    expect(Object.fromEntries(counts)).toEqual({ row: 80, down: 240, up: 240, pair: 150, "pair of all": 50 });
  });

  it("says what comes next with the options that the rows were read with", () => {
    writeFileSync(join(folder, "tabs.csv"), readFileSync(join(folder, "jobs.csv"), "utf8").replaceAll(",", "\t"));
    const args = ["--grid", "tabs.csv", "-i", "scan", "--delimiter", "tab", "--na", "NA", "-o", "a grid.csv"];
    const { err } = isotone("audit", ...args);
    expect(err).toContain("then: isotone audit 'a grid.csv' predictions.csv --delimiter tab --na NA\n");
  });

  it("samples at most --rows rows, the same with the same seed", () => {
    const grid = (seed: string) => isotone(...GRID.slice(0, -2), "--rows", "20", "--seed", seed, "-q").out;
    expect(new Set(grid("4").match(/^\d+,row/gm)).size).toBe(20);
    expect(grid("4")).toBe(grid("4"));
    expect(grid("4")).not.toBe(grid("5"));
  });
});

describe("isotone audit of predictions", () => {
  beforeAll(() => {
    isotone(...GRID, "-q");
    fillIn();
  });

  it("finds what the library finds about the same predictor", async () => {
    const { code, out } = isotone("audit", "grid.csv", "predictions.csv", "--json");
    expect(code).toBe(0);
    const report = JSON.parse(out);
    const jobs = read("jobs.csv").slice(1);
    const own = await audit(
      (x, n) => Float64Array.from({ length: n }, (_, r) => predict(x[3 * r], x[3 * r + 1], x[3 * r + 2])),
      jobs.map((job) => job.slice(1, 4).map(Number)),
      { scan: 1, repair: 1, staff: -1 },
      { pairs: 500 },
    );
    const named = (features: { name: string; wrong: number; mean: number }[]) =>
      features.map(({ name, wrong, mean }) => [name, wrong, Number(mean.toPrecision(9))]);
    expect(named(report.features)).toEqual(named(own.features));
    expect(report.wrong).toBe(own.wrong);
    // the worst of the file are numbered from 1
    expect(report.worst.map((w: { row: number }) => w.row)).toEqual(own.worst.map(({ row }) => row + 1));
    own.worst.forEach(({ standardised }, k) => {
      expect(report.worst[k].standardised).toBeCloseTo(standardised, 5);
    });
    const wrong = jobs.filter((job) => Number(job[1]) < 5).length;
    expect(report.features[1].wrong).toBe(wrong / 80);
    expect(report.features[1].size).toBeCloseTo(0.5, 6);
    expect(report.features[2].pairs.outOfOrder).toBe(0);
    expect(report.features[1].pairs.outOfOrder / report.features[1].pairs.checked).toBeCloseTo(wrong / 80, 1);
  });

  it("prints tables within 80 columns, the worst rows by their number in the file, and plain sentences", () => {
    const { code, out, err } = isotone("audit", "predicted.csv");
    expect([code, err]).toEqual([0, "looked at 80 rows\n"]);
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const lines = out.split("\n");
    expect(lines[1]).toMatch(/^repair +up +\d+(\.\d)? % +0\.5 +(wrong|right) +\d/);
    const row = Number(/^ *(\d+) {2}repair +-0\.5/m.exec(out)?.[1]);
    expect(Number(read("jobs.csv")[row][1])).toBeLessThan(5);
    expect(out).toMatch(/^\d+ of 240 \(\d+\.\d %\) partial derivatives have the wrong sign$/m);
    expect(out).toMatch(/^\d+ of 500 \(\d+\.\d %\) ordered pairs are predicted out of order$/m);
  });

  it("refuses a path that cannot be written before it reads", () => {
    const { code, err } = isotone("audit", "no-such-grid.csv", "-o", "no/such/folder.txt");
    expect([code, err]).toEqual([1, "isotone: cannot write no/such/folder.txt: its folder does not exist\n"]);
  });

  it("takes what is below the digits of the predictions for rounding, and says so", () => {
    fillIn((y) => y.toFixed(1));
    const { out, err } = isotone("audit", "grid.csv", "predictions.csv", "--json");
    expect(err).toContain("predictions are written to 0.1: differences up to that are taken for rounding");
    expect(JSON.parse(out).wrong).toBe(0);
    fillIn();
  });

  it("knows the digits of steps from theirs, where all other predictions are whole", () => {
    const args = ["-i", "scan,repair", "-o", "few-grid.csv"];
    put(
      "few.csv",
      `${["job,scan,repair", ...Array.from({ length: 12 }, (_, k) => `j${k},${k},${k % 5}`)].join("\n")}\n`,
    );
    isotone("audit", "--grid", "few.csv", ...args);
    const [header, ...rows] = read("few-grid.csv");
    put("few-y.csv", `${["y", ...rows.map((row) => -3 * Number(row[header.indexOf("scan")]))].join("\n")}\n`);
    const { out, err } = isotone("audit", "few-grid.csv", "few-y.csv", "--json");
    expect(err).toBe("looked at 12 rows\n");
    expect(JSON.parse(out).features[0]).toMatchObject({ name: "scan", checked: 12, wrong: 1 });
  });

  it("exits with 1 for --strict when something goes the wrong way, and with 0 when nothing does", () => {
    expect(isotone("audit", "predicted.csv", "--strict").code).toBe(1);
    const [header, ...rows] = read("predicted.csv");
    put(
      "right.csv",
      [header, ...rows.map((row) => [...row.slice(0, -1), row[header.indexOf("scan")]])]
        .map((row) => row.join(","))
        .join("\n"),
    );
    expect(isotone("audit", "right.csv", "--strict")).toMatchObject({ code: 0 });
  });

  it.each([
    [["audit"], 2, "audit needs a file with predictions, an ONNX file or a model, or --grid"],
    [["audit", "--grid", "jobs.csv"], 2, "say which columns have a direction"],
    [
      ["audit", "--grid", "jobs.csv", "-i", "scans"],
      2,
      '--increasing: no column "scans" in jobs.csv; did you mean "scan"?',
    ],
    [["audit", "--grid", "jobs.csv", "-i", "scan", "-d", "scan"], 2, '"scan" is both --increasing and --decreasing'],
    [["audit", "--grid", "jobs.csv", "-i", "city"], 1, 'jobs.csv, line 2: "city" is "Bergen", not a number'],
    [["audit", "--grid", "grid.csv", "-i", "scan"], 1, "is it a grid?"],
    [["audit", "--grid", "jobs.csv", "-i", "scan", "--json"], 2, "--grid and --json exclude each other"],
    [["audit", "grid.csv"], 2, 'grid.csv has no column "prediction"'],
    [["audit", "predicted.csv", "--prediction", "yhat"], 2, '--prediction: no column "yhat" in predicted.csv'],
    [["audit", "jobs.csv"], 1, "jobs.csv lacks audit_row"],
    [["audit", "grid.csv", "short.csv"], 1, "short.csv has 1 prediction, grid.csv has 2560 rows"],
    [["audit", "broken.csv"], 1, 'broken.csv, line 3: "prediction" is empty'],
    [["audit", "shuffled.csv"], 1, "keep the order of the grid"],
    [["audit", "model.json"], 2, "model.json needs rows to predict"],
    [["audit", "model.onnx", "jobs.csv", "-i", "scan"], 1, "cannot read model.onnx: there is no such file"],
  ])("%j ends with %i and says what to mend", (args, code, text) => {
    put("short.csv", "y\n1\n");
    const [header, one, two, ...rest] = read("predicted.csv");
    put("broken.csv", [header, one, [...two.slice(0, -1), ""], ...rest].map((row) => row.join(",")).join("\n"));
    put("shuffled.csv", [header, ...rest.reverse(), one, two].map((row) => row.join(",")).join("\n"));
    const result = isotone(...args);
    expect(result.err).toContain(text);
    expect([result.code, result.out]).toEqual([code, ""]);
  });
});

describe("isotone audit of a model", () => {
  it("finds nothing in a model of isotone, categories and missing values included", () => {
    const data = makeModel({ seed: 4, numbers: 5, categories: 1 });
    put("model.json", JSON.stringify(data));
    const random = generator(5);
    const lines = Array.from({ length: 60 }, () =>
      data.features.map(({ kind, range, categories, missing }) => {
        if (missing !== "error" && random() < 0.1) return "";
        const [low, high] = range ?? [0, 1];
        return kind === "number" ? low + random() * (high - low) : (categories as string[])[Math.floor(3 * random())];
      }),
    );
    put("rows.csv", [data.features.map((f) => f.name), ...lines].map((row) => row.join(",")).join("\n"));
    const { code, out, err } = isotone("audit", "model.json", "rows.csv", "--strict");
    expect([code, err]).toEqual([0, "looked at all rows\n"]);
    expect(out).toContain("0 of ");
    expect(out).not.toContain("worst");
  });
});

describe("isotone audit of an ONNX file", () => {
  const runtime = (() => {
    try {
      return createRequire(cli).resolve("onnxruntime-node");
    } catch {
      return undefined;
    }
  })();

  it.skipIf(runtime !== undefined)("says how to install onnxruntime where it is not", () => {
    put("network.onnx", "");
    const { code, err } = isotone("audit", "network.onnx", "jobs.csv", "-i", "scan");
    expect(code).toBe(1);
    expect(err).toContain(
      "network.onnx: an ONNX file is run by onnxruntime, which is not part of isotone: npm install onnxruntime-node",
    );
  });

  it("runs it with the onnxruntime of the folder, columns in the order of --inputs or by the names of its inputs", () => {
    // a stand-in with the interface of onnxruntime: the file names its inputs, the output is their sum with the weights 2, -1, 4
    const place = join(folder, "node_modules/onnxruntime-node");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "package.json"), '{ "name": "onnxruntime-node", "main": "index.js" }');
    writeFileSync(
      join(place, "index.js"),
      `class Tensor { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } }
exports.Tensor = Tensor;
exports.InferenceSession = { async create(bytes) {
  const inputNames = JSON.parse(Buffer.from(bytes).toString());
  return { inputNames, outputNames: ["y"], async run(feeds) {
    const tensors = inputNames.map((name) => feeds[name]);
    const n = tensors[0].dims[0];
    const weights = [2, -1, 4];
    const data = Float32Array.from({ length: n }, (_, r) => inputNames.length > 1
      ? tensors.reduce((sum, t, f) => sum + weights[f] * t.data[r], 0)
      : weights.reduce((sum, w, f) => sum + w * tensors[0].data[3 * r + f], 0));
    return { y: new Tensor("float32", data, [n, 1]) };
  } };
} };`,
    );
    put("one.onnx", '["x"]');
    put("three.onnx", '["scan","staff","repair"]');
    for (const args of [
      ["one.onnx", "jobs.csv", "--inputs", "scan,staff,repair"],
      ["three.onnx", "jobs.csv"],
    ]) {
      const { code, out, err } = isotone("audit", ...args, "-i", "scan,staff", "--json");
      expect([code, err]).toEqual([0, "looked at all rows\n"]);
      const { features } = JSON.parse(out);
      expect(features.map((f: { name: string }) => f.name)).toEqual(["scan", "staff", "repair"]);
      expect(features.map((f: { wrong: number }) => f.wrong)).toEqual([0, 1, 0]);
      expect(features[1].size).toBeCloseTo(1, 3);
    }
    const wrong = isotone("audit", "three.onnx", "jobs.csv", "-i", "city");
    expect([wrong.code, wrong.err]).toEqual([
      2,
      "isotone: city is no input of three.onnx; inputs: scan, staff, repair\n",
    ]);
  });
});
