// The built command line, run as a user runs it: files in a temporary folder, arguments, stdin; then stdout, stderr, exit code and what is left.

import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { parseHTML } from "linkedom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toONNX } from "../../js/export/index.js";
import { fit } from "../../js/fit.js";
import { load } from "../../js/model.js";
import { sensitivitySummary } from "../../js/sensitivity.js";
import { generator } from "./random-model.js";

const cli = process.env.ISOTONE_CLI ?? join(import.meta.dirname, "../../dist/cli.js");
let folder = "";

interface Result {
  code: number | null;
  out: string;
  err: string;
}

function isotone(args: string[], input?: string | Uint8Array): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("close", (code) => resolve({ code, out, err }));
    child.stdin.on("error", () => {});
    child.stdin.end(input ?? "");
  });
}

const put = (name: string, text: string | Uint8Array) => writeFileSync(join(folder, name), text);
const get = (name: string) => readFileSync(join(folder, name), "utf8");
const cells = (csv: string) =>
  csv
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));

function jobs(rows: number, seed = 1): string[] {
  const random = generator(seed);
  const lines = ["job,scan,repair,staff,hour,city,minutes"];
  for (let r = 0; r < rows; r++) {
    const [scan, repair, staff] = [Math.floor(9 * random()), Math.floor(4 * random()), 1 + Math.floor(5 * random())];
    const city = random() < 0.5 ? "Bergen" : "Oslo";
    const minutes = 5 + 2 * scan + (4 * repair * repair) / staff + (city === "Oslo" ? 3 : 0) + random();
    lines.push(`j${r},${scan},${repair},${staff},${(24 * random()).toFixed(2)},${city},${minutes.toFixed(3)}`);
  }
  return lines;
}

// few passes: what is tested is the command line
const features = [
  "--epochs",
  "20",
  "--increasing",
  "scan,repair",
  "--decreasing",
  "staff",
  "--free",
  "hour",
  "--category",
  "city",
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "isotone-cli-"));
  put("jobs.csv", `${jobs(300).join("\n")}\n`);
  put("new.csv", `${jobs(40, 2).join("\n")}\n`);
  const { code, err } = await isotone(["fit", "jobs.csv", "--target", "minutes", ...features, "-o", "model.json"]);
  expect([code, err]).toEqual([
    0,
    expect.stringContaining("wrote model.json; next: isotone predict model.json new.csv"),
  ]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** No half-written file may be left in the folder. */
const leftovers = () => readdirSync(folder).filter((name) => name.endsWith(".part"));

describe("isotone fit", () => {
  it("writes a model that the library loads, and says how good it is", async () => {
    const model = load(get("model.json"));
    expect(model.features.map((f) => [f.name, f.constraint])).toEqual([
      ["scan", "increasing"],
      ["repair", "increasing"],
      ["staff", "decreasing"],
      ["hour", "free"],
      ["city", "free"],
    ]);
    expect(model.certify().monotone).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  it.each(["squared", "absolute", "huber", "poisson", "gamma", "logistic"] as const)(
    "trains under --loss %s what the library trains",
    async (loss) => {
      const rows = jobs(80).map((line) => line.split(","));
      const target = (row: string[]) => (loss === "logistic" ? String(Number(Number(row[6]) > 15)) : row[6]);
      const table = rows.map((row, r) => [row[1], row[2], r === 0 ? "y" : target(row)]);
      const text = table.map((row) => row.join(",")).join("\n");
      const { code, out, err } = await isotone(
        ["fit", "-", "-t", "y", "-i", "scan,repair", "--loss", loss, "--epochs", "5"],
        text,
      );
      expect(code).toBe(0);
      // an outcome of 0 has none
      expect(err.includes("median relative error")).toBe(loss !== "logistic");
      const column = (c: number) => table.slice(1).map((row) => Number(row[c]));
      const model = await fit(
        { scan: column(0), repair: column(1), y: column(2) },
        { target: "y", features: { scan: 1, repair: 1 }, loss, epochs: 5 },
      );
      expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(model)));
      expect(JSON.parse(out).loss.name).toBe(loss);
    },
  );

  it("gives the same bytes from stdin to stdout, gzipped, with a byte order mark, CRLF or semicolons", async () => {
    const text = get("jobs.csv");
    const same = async (args: string[], input: string | Uint8Array) => {
      const { code, out } = await isotone(["fit", "-", "--target", "minutes", ...features, ...args], input);
      expect(code).toBe(0);
      expect(out).toBe(get("model.json"));
    };
    await same([], text);
    await same([], gzipSync(text));
    await same(["-q"], `\ufeff${text.replaceAll("\n", "\r\n")}`);
    await same(["--delimiter", ";"], text.replaceAll(",", ";").trimEnd());
  });

  it("says which columns it does not use, and is silent with --quiet", async () => {
    const loud = await isotone(["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "--epochs", "1"]);
    expect(loud.err).toContain("not used: job, repair, staff, hour, city");
    const quiet = await isotone([
      "fit",
      "jobs.csv",
      "-t",
      "minutes",
      "-i",
      "scan",
      "--epochs",
      "1",
      "-q",
      "-o",
      "quiet.json",
    ]);
    expect([quiet.code, quiet.out, quiet.err]).toEqual([0, "", ""]);
  });

  it("prints a summary as JSON with -o and --json", async () => {
    const { out } = await isotone(["fit", "jobs.csv", "-t", "minutes", ...features, "-o", "model2.json", "--json"]);
    const summary = JSON.parse(out);
    expect(summary.rows).toBe(300);
    expect(summary.certificate.monotone).toBe(true);
    expect(get("model2.json")).toBe(get("model.json"));
  });

  it("allows missing values where --missing says so", async () => {
    const lines = jobs(120);
    lines[3] = "j,NA,1,2,,,20";
    put("missing.csv", lines.join("\n"));
    const args = ["fit", "missing.csv", "-t", "minutes", ...features, "--na", "NA", "-o", "missing.json"];
    expect((await isotone(args)).err).toContain(
      'missing.csv, line 4: "scan" is "NA", which means missing: fill it in, or allow missing values when fitting (--missing scan)',
    );
    expect((await isotone([...args, "--missing", "scan,hour,city"])).code).toBe(0);
    const kinds = load(get("missing.json")).features.map((f) => f.missing);
    expect(kinds).toEqual(["median", "error", "error", "indicator", "indicator"]);
  });

  it("names --missing, and another kind of column, only where they are still to be chosen", async () => {
    const told = async (cell: string, place: number, ...args: string[]) => {
      const row = "j,1,1,2,10,Oslo,20".split(",");
      row[place] = cell;
      put("cell.csv", `${jobs(1)[0]}\n${row.join(",")}\n`);
      return (await isotone(args)).err.trim().replace(/^.*line 2: /, "");
    };
    const predict = ["predict", "missing.json", "cell.csv"];
    expect(await told("?", 1, ...predict)).toBe(`"scan" is "?": if that means missing, say so with --na '?'`);
    expect(await told("red", 1, ...predict)).toBe('"scan" is "red", not a number');
    expect(await told("?", 2, ...predict)).toBe(
      `"repair" is "?": if that means missing, say so with --na '?', and allow missing values when fitting (--missing repair)`,
    );
    const again = ["fit", "cell.csv", "-t", "minutes", "-i", "scan", "--missing", "scan", "-o", "never.json"];
    expect(await told("?", 1, ...again)).toBe(`"scan" is "?": if that means missing, say so with --na '?'`);
    put("comma.csv", '"a,b",t\n1,2\n,3\n4,5\n');
    expect((await isotone(["fit", "comma.csv", "-t", "t"])).err).toContain(`(--missing '"a,b"')`);
    expect((await isotone(["fit", "comma.csv", "-t", "t", "--missing", '"a,b"'])).code).toBe(0);
    expect(await told("red", 1, ...again)).toContain("or make it a category (--category scan)");
  });
});

describe("isotone predict", () => {
  it("takes a model that is gzipped or has a byte order mark, and names the encoding of one in UTF-16", async () => {
    put("packed.json.gz", gzipSync(get("model.json")));
    put("marked.json", `\ufeff${get("model.json")}`);
    put("wide.json", Buffer.from(`\ufeff${get("model.json")}`, "utf16le"));
    const plain = await isotone(["predict", "model.json", "new.csv"]);
    for (const model of ["packed.json.gz", "marked.json"])
      expect(await isotone(["predict", model, "new.csv"])).toEqual(plain);
    const { code, err } = await isotone(["predict", "wide.json", "new.csv"]);
    expect([code, err]).toEqual([1, "isotone: wide.json is UTF-16: save it as UTF-8 (iconv -f utf-16 -t utf-8)\n"]);
  });

  it("keeps the columns of the file and adds what the library predicts", async () => {
    const { code, out } = await isotone(["predict", "model.json", "new.csv"]);
    expect(code).toBe(0);
    const [header, ...rows] = cells(out);
    expect(header).toEqual(["job", "scan", "repair", "staff", "hour", "city", "minutes", "prediction"]);
    expect(rows.length).toBe(40);
    const model = load(get("model.json"));
    for (const [, scan, repair, staff, hour, city, , prediction] of rows) {
      const row = { scan: Number(scan), repair: Number(repair), staff: Number(staff), hour: Number(hour), city };
      expect(Math.fround(Number(prediction))).toBe(model.predict(row));
    }
  });

  it("gives the same predictions whatever the order of the columns, from stdin, and as JSON", async () => {
    const only = (await isotone(["predict", "model.json", "new.csv", "--only"])).out;
    const turned = cells(get("new.csv"))
      .map((row) => row.reverse().join(","))
      .join("\n");
    expect((await isotone(["predict", "model.json", "-", "--only"], turned)).out).toBe(only);
    const json = JSON.parse((await isotone(["predict", "model.json", "new.csv", "--json"])).out);
    expect(json.map((row: { prediction: number }) => String(row.prediction))).toEqual(
      only.trimEnd().split("\n").slice(1),
    );
  });

  it("adds an interval around the prediction", async () => {
    const { out } = await isotone(["predict", "model.json", "new.csv", "--only", "--interval", "0.9"]);
    const [header, ...rows] = cells(out);
    expect(header).toEqual(["prediction", "prediction_low", "prediction_high"]);
    for (const [p, low, high] of rows) expect(Number(low) <= Number(p) && Number(p) <= Number(high)).toBe(true);
  });

  it("adds quantiles that do not cross", async () => {
    await isotone([
      "fit",
      "jobs.csv",
      "-t",
      "minutes",
      "-i",
      "scan,repair",
      "--quantiles",
      "0.1,0.9",
      "-o",
      "quantiles.json",
    ]);
    const { out } = await isotone(["predict", "quantiles.json", "new.csv", "--only", "--quantiles", "0.1,0.9"]);
    const [header, ...rows] = cells(out);
    expect(header).toEqual(["prediction", "prediction_q0.1", "prediction_q0.9"]);
    for (const [p, low, high] of rows) expect(Number(low) <= Number(p) && Number(p) <= Number(high)).toBe(true);
  });

  it("refuses a quantile asked for twice, and intervals of a model of quantiles", async () => {
    const ask = (...args: string[]) => isotone(["predict", "quantiles.json", "new.csv", ...args]);
    expect(await ask("--quantiles", "0.1,0.5,0.10")).toMatchObject({ code: 2, out: "" });
    const { code, out, err } = await ask("--interval", "0.9");
    expect([code, out, err]).toEqual([2, "", expect.stringContaining("ask for both ends, --quantiles 0.05,0.95")]);
  });

  it("writes through a link, and keeps the permissions of the file that was there", async () => {
    put("real.csv", "old");
    chmodSync(join(folder, "real.csv"), 0o600);
    symlinkSync("real.csv", join(folder, "link.csv"));
    expect((await isotone(["predict", "model.json", "new.csv", "-o", "link.csv"])).code).toBe(0);
    expect(lstatSync(join(folder, "link.csv")).isSymbolicLink()).toBe(true);
    expect(get("real.csv")).toContain("prediction");
    expect(lstatSync(join(folder, "real.csv")).mode & 0o777).toBe(0o600);
    expect(leftovers()).toEqual([]);
  });

  it("writes where a link leads, also where no file is yet, and nowhere for one that leads to itself", async () => {
    mkdirSync(join(folder, "elsewhere"), { recursive: true });
    symlinkSync("elsewhere/middle.csv", join(folder, "first.csv"));
    symlinkSync("last.csv", join(folder, "elsewhere/middle.csv"));
    expect((await isotone(["predict", "model.json", "new.csv", "-o", "first.csv"])).code).toBe(0);
    expect(lstatSync(join(folder, "first.csv")).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(folder, "elsewhere/middle.csv")).isSymbolicLink()).toBe(true);
    expect(get("elsewhere/last.csv")).toContain("prediction");
    symlinkSync("loop.csv", join(folder, "loop.csv"));
    const { code, err } = await isotone(["predict", "model.json", "new.csv", "-o", "loop.csv"]);
    expect([code, err]).toEqual([1, "isotone: cannot write loop.csv: it is a link that leads to itself\n"]);
    expect(lstatSync(join(folder, "loop.csv")).isSymbolicLink()).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  it.each(["predict", "sensitivity", "explain", "report", "export", "audit"])(
    "%s does not write over its model",
    async (command) => {
      symlinkSync("model.json", join(folder, `${command}.json`));
      const more = command === "export" ? ["--to", "esm"] : ["new.csv"];
      const { code, err } = await isotone([command, "model.json", ...more, "-o", `./${command}.json`]);
      expect([code, err]).toEqual([2, `isotone: -o ./${command}.json is the model itself: name another file\n`]);
      expect(() => load(get("model.json"))).not.toThrow();
    },
  );

  it("reads cells in quotes with commas, quotes and line ends, and writes them back", async () => {
    const odd = 'job,scan,repair,staff,hour,city\n"a ""b"", c\nd",1,2,3,4,Oslo\n';
    const { out } = await isotone(["predict", "model.json", "-"], odd);
    expect(out).toMatch(/^job,scan,repair,staff,hour,city,prediction\n"a ""b"", c\nd",1,2,3,4,Oslo,[\d.]+\n$/);
  });

  it("has no rows to predict in a file that is only a header, and says so", async () => {
    const { code, out, err } = await isotone(["predict", "model.json", "-"], "scan,repair,staff,hour,city\n");
    expect([code, out]).toEqual([0, "scan,repair,staff,hour,city,prediction\n"]);
    expect(err).toContain("a header but no rows");
  });

  it("replaces an older file only when it is done", async () => {
    put("out.csv", "before");
    const bad = await isotone(
      ["predict", "model.json", "-", "-o", "out.csv"],
      "scan,repair,staff,hour,city\n1,2,3,4,Oslo\n1,2,x,4,Oslo\n",
    );
    expect(bad.code).toBe(1);
    expect(get("out.csv")).toBe("before");
    expect(leftovers()).toEqual([]);
    const good = await isotone(["predict", "model.json", "new.csv", "-o", "out.csv"]);
    expect(good.code).toBe(0);
    expect(cells(get("out.csv")).length).toBe(41);
  });

  it("streams: 200,000 rows take no more memory than their batches", async () => {
    const row = "j,3,1,2,12.5,Oslo,20\n";
    const input = `job,scan,repair,staff,hour,city,minutes\n${row.repeat(200000)}`;
    const { code, out } = await isotone(["predict", "model.json", "-", "--only"], input);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.length).toBe(200001);
    expect(new Set(lines.slice(1)).size).toBe(1);
  });

  it("answers a line as soon as it is there, the quotes and line ends of its last cell included", async () => {
    const child = spawn(process.execPath, [cli, "predict", "model.json", "-", "--only"], { cwd: folder });
    let out = "";
    let heard = () => {};
    child.stdout.on("data", (chunk) => {
      out += chunk;
      heard();
    });
    child.stderr.on("data", (chunk) => {
      out += `${chunk}\n`;
    });
    const closed = new Promise<void>((resolve) => child.on("close", () => resolve()));
    const lines = async (n: number) => {
      while (out.split("\n").length <= n)
        await Promise.race([new Promise<void>((resolve) => (heard = resolve)), closed]);
      return out.split("\n").slice(1, -1).map(Number);
    };
    child.stdin.write("scan,repair,staff,hour,city\n");
    await lines(1);
    for (const [n, row] of ["1,2,3,4.5,Oslo\n", '1,2,3,4.5,"Oslo"\n', "1,2,3,4.5,Oslo\r\n"].entries()) {
      child.stdin.write(row);
      expect(await lines(n + 2)).toHaveLength(n + 1);
    }
    child.stdin.write('1,2,3,4.5,"Os');
    child.stdin.end('lo"');
    await closed;
    const answers = await lines(5);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toBeGreaterThan(0);
    expect(answers).toHaveLength(4);
  });

  it("ends quietly when its reader has seen enough", async () => {
    const child = spawn(
      "sh",
      ["-c", `"${process.execPath}" "${cli}" predict model.json - --only | head -n 2; echo done`],
      { cwd: folder },
    );
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.stdin.on("error", () => {});
    child.stdin.end(`job,scan,repair,staff,hour,city,minutes\n${"j,3,1,2,12.5,Oslo,20\n".repeat(100000)}`);
    await new Promise((resolve) => child.on("close", resolve));
    expect(out).toMatch(/^prediction\n[\d.]+\ndone\n$/);
    expect(err).toBe("");
  });
});

describe("results that cannot be written", () => {
  const shell = (command: string) =>
    new Promise<Result>((resolve) => {
      const child = spawn("sh", ["-c", command.replaceAll("isotone", `"${process.execPath}" "${cli}"`)], {
        cwd: folder,
      });
      let [out, err] = ["", ""];
      child.stdout.on("data", (chunk) => {
        out += chunk;
      });
      child.stderr.on("data", (chunk) => {
        err += chunk;
      });
      child.on("close", (code) => resolve({ code, out, err }));
    });

  it.each([
    ["stdout", "isotone predict model.json new.csv > /dev/full"],
    ["/dev/full", "isotone predict model.json new.csv -o /dev/full"],
  ])("fail in one line that says why: %s", async (name, command) => {
    if (!existsSync("/dev/full")) return;
    const { code, err } = await shell(command);
    expect([code, err]).toEqual([1, `isotone: cannot write ${name}: the disk is full\n`]);
  });

  it("end quietly where the reader of a pipe has seen enough, the pipe named by -o, too", async () => {
    if (!existsSync("/proc/self/fd")) return;
    const { out, err } = await shell("isotone predict model.json new.csv -o /proc/self/fd/1 | head -n 1; echo done");
    expect([out, err]).toEqual([expect.stringMatching(/prediction\ndone\n$/), ""]);
    const none = await shell("isotone predict model.json new.csv -o /proc/self/fd/1 | true");
    expect(none.err).toBe("");
  });

  it("leave the model where only its summary has no reader", async () => {
    await shell("isotone fit jobs.csv -t minutes --free hour -i scan --epochs 1 -q --json -o kept.json | true");
    expect(load(get("kept.json")).features.length).toBe(2);
  });
});

describe("isotone sensitivity", () => {
  it("of a file that is only a header is a header with --csv, and an error without", async () => {
    put("header.csv", "job,scan,repair,staff,hour,city,minutes\n");
    const every = await isotone(["sensitivity", "model.json", "header.csv", "--csv"]);
    expect([every.code, every.out]).toEqual([0, "scan,repair,staff,hour\n"]);
    const summary = await isotone(["sensitivity", "model.json", "header.csv"]);
    expect([summary.code, summary.err]).toEqual([1, "isotone: header.csv has a header but no rows\n"]);
  });

  it("has no derivatives to write of a model of categories alone, and says so", async () => {
    await isotone(["fit", "jobs.csv", "-t", "minutes", "-c", "city", "--epochs", "1", "-o", "words.json"]);
    const { code, out, err } = await isotone(["sensitivity", "words.json", "jobs.csv", "--csv"]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toBe("isotone: --csv: categories have no derivative, and the model has no other features\n");
    expect((await isotone(["sensitivity", "words.json", "jobs.csv"])).out).toMatch(/^city +- /m);
  });

  it("ranks features by strength in 80 columns, categories among them, and counts wrong signs in every row", async () => {
    const { code, out, err } = await isotone(["sensitivity", "model.json", "jobs.csv"]);
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^feature +sign +mean +sd +5 % +95 % +strength +leads +rank$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    const ranked = lines.slice(1).map((line) => line.split(/ +/)[0]);
    expect([...ranked].sort()).toEqual(["city", "hour", "repair", "scan", "staff"]);
    // 2 minutes a scan, 4 repair² / staff: the hour does nothing
    expect([ranked[0], ranked[4]]).toEqual(["repair", "hour"]);
    expect(lines[1 + ranked.indexOf("city")]).toMatch(/^city +- +- +- +- +[\d.]+ +\d+ % +\d/);
    expect(err).toContain('strength: "minutes" for its usual variation');
    expect(err).toContain("300 rows; partial derivatives of the wrong sign: 0 of 900\n");
  });

  it("shortens names where a table would be wider than 80 columns", async () => {
    const model = JSON.parse(get("model.json"));
    const long = (name: string) => `${name} of everything that was done on that day`;
    for (const feature of model.features) feature.name = long(feature.name);
    put("long.json", JSON.stringify(model));
    const [header, ...rows] = cells(get("jobs.csv"));
    put("long.csv", [header.map(long), ...rows].map((row) => row.join(",")).join("\n"));
    const { out } = await isotone(["sensitivity", "long.json", "long.csv", "-q"]);
    expect(Math.max(...out.split("\n").map((line) => [...line].length))).toBeLessThanOrEqual(80);
    expect(out).toContain("…");
    expect(out).toMatch(/^scan of/m);
  });

  it("gives the library's summary as JSON, weighted by a column", async () => {
    const json = async (...args: string[]) =>
      JSON.parse((await isotone(["sensitivity", "model.json", "weighted.csv", "--json", ...args])).out);
    const [header, ...rows] = cells(get("jobs.csv"));
    put(
      "weighted.csv",
      [[...header, "n"], ...rows.map((row, r) => [...row, r % 3])].map((row) => row.join(",")).join("\n"),
    );
    const model = load(get("model.json"));
    const columns = Object.fromEntries(
      model.features.map(({ name, kind }) => {
        const at = header.indexOf(name);
        return [name, rows.map((row) => (kind === "number" ? Number(row[at]) : row[at]))];
      }),
    );
    expect(await json()).toEqual({ summarised: 300, ...sensitivitySummary(model, columns) });
    const weights = rows.map((_, r) => r % 3);
    const weighted = await json("--weight", "n", "--bootstrap", "50", "--seed", "4");
    expect(weighted).toEqual({
      summarised: 300,
      ...sensitivitySummary(model, columns, { weights, bootstrap: 50, seed: 4 }),
    });
    const wrong = await isotone(["sensitivity", "model.json", "weighted.csv", "--weight", "hours"]);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      'isotone: --weight: no column "hours" in weighted.csv; did you mean "hour"?\n',
    ]);
  });

  it("writes every partial derivative with --csv, as the library gives them", async () => {
    const { out } = await isotone(["sensitivity", "model.json", "new.csv", "--csv", "-q"]);
    const [header, ...rows] = cells(out);
    expect(header).toEqual(["scan", "repair", "staff", "hour"]);
    const model = load(get("model.json"));
    const [, , scan, repair, staff, hour, city] = ["", "", ...(cells(get("new.csv"))[1]?.slice(1) ?? [])];
    const slopes = model.sensitivity({
      scan: Number(scan),
      repair: Number(repair),
      staff: Number(staff),
      hour: Number(hour),
      city,
    });
    expect(rows[0]?.map((text) => Math.fround(Number(text)))).toEqual(
      ["scan", "repair", "staff", "hour"].map((name) => slopes[name]),
    );
  });
});

describe("isotone explain", () => {
  it("writes contributions that add up to the prediction minus the baseline", async () => {
    const { code, out } = await isotone(["explain", "model.json", "new.csv", "--keep", "job"]);
    expect(code).toBe(0);
    const [header, ...rows] = cells(out);
    expect(header).toEqual(["job", "baseline", "scan", "repair", "staff", "hour", "city", "prediction"]);
    expect(rows.length).toBe(40);
    for (const [, baseline, ...rest] of rows) {
      const prediction = Number(rest.pop());
      const sum = rest.reduce((total, part) => total + Number(part), Number(baseline));
      expect(Math.abs(sum - prediction)).toBeLessThan(1e-4 * Math.abs(prediction));
    }
  });

  it("refuses to keep what it would write over, in JSON too", async () => {
    put("kept.csv", "scan,repair,staff,hour,city,prediction\n1,2,3,4.5,Oslo,7\n");
    const run = (...args: string[]) => isotone(["explain", "model.json", "kept.csv", ...args]);
    const json = await run("--json", "--keep", "prediction");
    expect(json).toMatchObject({ code: 2, out: "" });
    expect(json.err).toContain('two keys of the output would be called "prediction": leave it out of --keep\n');
    expect((await run("--json", "--keep", "city,city")).code).toBe(2);
    expect((await run("--keep", "city")).err).toContain("use --json, or leave it out of --keep\n");
    const { out } = await run("--json", "--keep", "city");
    expect(JSON.parse(out)[0].city).toBe("Oslo");
  });

  it("takes zero or a row of a file as baseline, and writes JSON", async () => {
    put("base.csv", "scan,repair,staff,hour,city\n1,1,2,12,Oslo\n");
    const json = async (baseline: string) =>
      JSON.parse((await isotone(["explain", "model.json", "base.csv", "--baseline", baseline, "--json"])).out)[0];
    const [own, zero] = [await json("base.csv"), await json("zero")];
    expect(Object.values(own.contributions).every((part) => part === 0)).toBe(true);
    expect(own.baseline).toBe(own.prediction);
    expect(zero.contributions.scan).toBeGreaterThan(0);
    const wrong = await isotone(["explain", "model.json", "base.csv", "--baseline", "new.csv"]);
    expect([wrong.code, wrong.err]).toEqual([1, "isotone: --baseline: new.csv has 40 rows, expected one\n"]);
  });
});

describe("isotone report", () => {
  it("writes one page about a model and a file, and explains a row", async () => {
    const args = ["report", "model.json", "jobs.csv", "--row", "7", "--unit", "min", "-o", "report.html"];
    const { code, out, err } = await isotone(args);
    expect([code, out, err]).toEqual([
      0,
      "",
      expect.stringMatching(/^wrote report\.html \(\d+ kB\): open it in a browser\n$/),
    ]);
    const page = get("report.html");
    expect(page.startsWith("<!DOCTYPE html>")).toBe(true);
    expect(page.endsWith("</html>\n")).toBe(true);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    for (const text of ["Row 7: ", "apparently trained on", "isotone predict model.json new.csv"])
      expect(page).toContain(text);
    expect(leftovers()).toEqual([]);
    // the same from stdin to stdout, but for the name of the file
    const piped = await isotone(["report", "model.json", "-", "--row", "7", "--unit", "min"], get("jobs.csv"));
    expect(piped.out).toBe(page.replaceAll("jobs.csv", "stdin").replaceAll("model.json stdin", "model.json rows.csv"));
  });

  it("calls rows held out when told, weighs them, and does without the target", async () => {
    const held = await isotone(["report", "model.json", "new.csv", "--held-out", "--weight", "staff"]);
    expect(held.out).toContain("On the 40 rows of this file, held out, by weight");
    put("bare.csv", get("new.csv").replace(/,[^,\n]*$/gm, ""));
    const bare = await isotone(["report", "model.json", "bare.csv", "-o", "bare.html"]);
    expect([bare.code, bare.err]).toEqual([
      0,
      expect.stringContaining('note: bare.csv has no column "minutes", so nothing is compared with it\n'),
    ]);
    expect(get("bare.html")).toContain("so predictions cannot be compared with it here");
  });

  it("says what is wrong, and leaves nothing", async () => {
    put("empty.csv", `${jobs(0).join("\n")}\n`);
    put("light.csv", get("new.csv").replace(/^(j3,\d+,\d+,)\d+/m, "$1-1"));
    const wrong: [string[], number, string][] = [
      [["empty.csv"], 1, "empty.csv has a header but no rows"],
      [["new.csv", "--row", "41"], 1, "--row 41: new.csv has 40 rows"],
      [["new.csv", "--row", "0"], 2, "Expected a whole number from 1"],
      [["new.csv", "--weight", "wieght"], 2, '--weight: no column "wieght" in new.csv'],
      [["light.csv", "--weight", "staff"], 1, 'light.csv, line 5: the weight "-1" is below 0'],
    ];
    for (const [args, code, message] of wrong) {
      const result = await isotone(["report", "model.json", ...args, "-o", "wrong.html"]);
      expect([result.code, result.err]).toEqual([code, expect.stringContaining(message)]);
      expect(existsSync(join(folder, "wrong.html"))).toBe(false);
    }
    expect(leftovers()).toEqual([]);
  });

  it.skipIf(process.platform === "win32")("shows commands that read the same file as it was read", async () => {
    const words = [";", "-", 'it\'s "n,a"'];
    mkdirSync(join(folder, "some where"), { recursive: true });
    const lines = jobs(60, 5).map((line, r) => {
      const cells = line.split(",");
      // missing, in words that a shell and a list of names must be told with care
      if (r % 7 === 3) cells[4] = `"${words[r % 3].replaceAll('"', '""')}"`;
      return cells.join(";");
    });
    put("some where/odd.csv", lines.join("\n"));
    put("new.csv.old", get("new.csv"));
    const read = ["--delimiter", ";", "--na", `";",-,"it's ""n,a"""`];
    const rest = ["--missing", "hour", ...features];
    const fitted = await isotone([
      "fit",
      "some where/odd.csv",
      "-t",
      "minutes",
      ...read,
      ...rest,
      "-o",
      "some where/m.json",
    ]);
    expect(fitted.err).toContain(
      `wrote some where/m.json; next: isotone predict 'some where/m.json' new.csv --delimiter ';' --na ';,-,"it'\\''s ""n,a"""'\n`,
    );
    const asked = ["--weight", "staff", "--unit", "a min", "--top", "2"];
    const { out } = await isotone(["report", "some where/m.json", "some where/odd.csv", ...read, ...asked]);
    const shown = [...parseHTML(out).document.querySelectorAll("pre code")][1].textContent;
    // new.csv is a file like it
    put("new.csv", lines.join("\n"));
    try {
      const script = `set -e\nisotone() { "${process.execPath}" "${cli}" "$@"; }\n${shown}`;
      execFileSync("sh", ["-c", script], { cwd: folder, stdio: "pipe" });
      const again = ["report", "some where/m.json", "some where/odd.csv", ...read, ...asked, "--row", "17"];
      expect(get("report.html")).toBe((await isotone(again)).out);
      expect(get("predictions.csv").split("\n")[0]).toMatch(/;prediction$/);
    } finally {
      put("new.csv", get("new.csv.old"));
    }
    // from elsewhere the page tells no folder
    const far = await isotone([
      "report",
      join(folder, "some where/m.json"),
      join(folder, "some where/odd.csv"),
      ...read,
    ]);
    expect([far.code, far.out.includes(folder)]).toEqual([0, false]);
  });

  it("is loaded by no other command", () => {
    const text = readFileSync(cli, "utf8");
    expect(text.match(/["'][^"']*report\.js["']/g)).toEqual(['"./report.js"']);
    expect(text).toMatch(/import\("\.\/report\.js"\)/);
  });
});

describe("isotone explain --row", () => {
  it("shows one row as a table whose parts add up, the largest first", async () => {
    const { code, out } = await isotone(["explain", "model.json", "new.csv", "--row", "3"]);
    expect(code).toBe(0);
    const [header, base, ...rest] = out
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(header).toEqual(["feature", "value", "minutes"]);
    const last = rest.pop() as string[];
    expect([base[0], last[0]]).toEqual(["the baseline", "row 3"]);
    const parts = rest.map((line) => Number(line[2]));
    expect(parts.map(Math.abs)).toEqual(parts.map(Math.abs).sort((a, b) => b - a));
    const sum = parts.reduce((total, part) => total + part, Number(base[1]));
    expect(Math.abs(sum - Number(last[1]))).toBeLessThan(0.05);
    const [, ...cell] = cells(get("new.csv"))[3];
    expect(Number(rest.find((line) => line[0] === "scan")?.[1])).toBe(Number(cell[0]));
  });

  it("says when there is no such row, and when the baseline is like no training row", async () => {
    const none = await isotone(["explain", "model.json", "new.csv", "--row", "41"]);
    expect([none.code, none.err]).toEqual([1, "isotone: new.csv has 40 rows: there is no row 41\n"]);
    const { err } = await isotone(["explain", "model.json", "new.csv", "--row", "1", "--baseline", "zero"]);
    expect(err).toMatch(/^note: the baseline lies outside the training rows' range of staff, hour: /);
  });
});

describe("hostile names", () => {
  const names = [
    "__proto__",
    "constructor",
    'a "b"',
    "c,d",
    "e\nf",
    "</script>",
    "--target",
    "'; drop table x; --",
    "🦉",
    "",
    "x".repeat(1000),
  ];
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const random = generator(5);
  const rows = Array.from({ length: 60 }, () => names.map(() => Math.floor(10 * random())));
  const csv = [
    [...names, "y\t"].map(quoted).join(","),
    ...rows.map((row) => [...row, row.reduce((sum, v, i) => sum + v * (i + 1), 0)].join(",")),
  ].join("\n");

  it("of columns, target and files go through fit and predict unharmed", async () => {
    put("-odd name;$(x).csv", csv);
    const list = names.map(quoted).join(",");
    const fitted = await isotone([
      "fit",
      "./-odd name;$(x).csv",
      `--target=y\t`,
      `--increasing=${list}`,
      "--epochs",
      "5",
      "-o",
      "odd.json",
    ]);
    expect([fitted.code, fitted.out]).toEqual([0, ""]);
    expect(load(get("odd.json")).features.map((f) => f.name)).toEqual(names);
    const { code, out } = await isotone(["predict", "odd.json", "./-odd name;$(x).csv", "--only"]);
    expect(code).toBe(0);
    const model = load(get("odd.json"));
    const expected = rows.map((row) => model.predict(row));
    expect(
      out
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((text) => Math.fround(Number(text))),
    ).toEqual(expected);
  });

  it("never reach the terminal as control characters", async () => {
    const { err } = await isotone(["fit", "-", "--target", "y"], "a\u001b[31m,y\n1,2\n2,3\nred\u001b[2J,4\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what must not be there
    expect(err).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(err).toContain('\\u001b[31m" is "red\\u001b[2J", not a number');
  });
});

describe("isotone export", () => {
  it("writes a module that predicts like the library, and its types", async () => {
    const { code } = await isotone([
      "export",
      "model.json",
      "--to",
      "esm",
      "-o",
      "exported.mjs",
      "--types",
      "exported.d.ts",
    ]);
    expect(code).toBe(0);
    const module = await import(pathToFileURL(join(folder, "exported.mjs")).href);
    const row = { scan: 3, repair: 2, staff: 1, hour: 9.5, city: "Oslo" };
    expect(module.predict(row)).toBe(load(get("model.json")).predict(row));
    expect(get("exported.d.ts")).toContain("predict");
  });

  it("writes a WebAssembly module that predicts like the library", async () => {
    const { code } = await isotone(["export", "model.json", "--to", "wasm", "-o", "exported.wasm"]);
    expect(code).toBe(0);
    const module = new WebAssembly.Module(readFileSync(join(folder, "exported.wasm")));
    const wasm = new WebAssembly.Instance(module).exports as Record<string, (...args: number[]) => number> & {
      memory: WebAssembly.Memory;
    };
    const row = { scan: 3, repair: 2, staff: 1, hour: 9.5, city: "Oslo" };
    const model = load(get("model.json"));
    const values = model.features.map(({ name, categories }) =>
      categories ? categories.indexOf(row[name as "city"]) : row[name as "scan"],
    );
    new Float32Array(wasm.memory.buffer, wasm.buffer()).set(values);
    expect(wasm.predict(wasm.buffer())).toBe(model.predict(row));
  });

  it("writes an ONNX graph, exact or not", async () => {
    for (const args of [[], ["--no-exact"]]) {
      const { code } = await isotone(["export", "model.json", "--to", "onnx", "-o", "exported.onnx", ...args]);
      expect(code).toBe(0);
      const bytes = readFileSync(join(folder, "exported.onnx"));
      expect(bytes).toEqual(Buffer.from(toONNX(get("model.json"), { exact: args.length === 0 })));
    }
  });

  it("writes SQL for a dialect, and says which options go together", async () => {
    const { code, out } = await isotone([
      "export",
      "model.json",
      "--to",
      "sql",
      "--dialect",
      "postgres",
      "--table",
      "jobs",
      "--keep",
      "job",
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^SELECT [\s\S]*FROM "jobs"[\s\S]*;\n$/);
    for (const [args, message] of [
      [["--to", "sql"], "--to sql needs --dialect"],
      [["--to", "sql", "--dialect", "oracle"], "Expected one of: postgresql"],
      [["--to", "esm", "--table", "jobs"], "--table is for --to sql"],
      [["--to", "wasm", "--no-exact"], "--no-exact is for --to onnx"],
      [["--to", "exe"], "Expected one of"],
    ] as const) {
      const wrong = await isotone(["export", "model.json", ...args]);
      expect([wrong.code, wrong.out, wrong.err]).toEqual([2, "", expect.stringContaining(message)]);
    }
  });
});

describe("isotone cv and scan", () => {
  it("print scores beside a linear fit, and sentences", async () => {
    const args = ["cv", "jobs.csv", "-t", "minutes", ...features, "--folds", "3", "--no-compare"];
    const { code, out, err } = await isotone(args);
    expect([code, err]).toEqual([0, expect.stringContaining("300 rows, 3 folds")]);
    expect(out).toMatch(
      /^ +RMSE +MAE +R2 [\s\S]*this model [\s\S]*sign-constrained linear fit [\s\S]*mean [\s\S]*90 % intervals hold [\s\S]*The model/,
    );
    const json = JSON.parse((await isotone([...args, "--json", "-q"])).out);
    expect(json.predictions.length).toBe(300);
    expect(json.model.rmse).toBeLessThan(json.linear.rmse);
  });

  it("describe shards alike at once and one by one, and fit takes the description", async () => {
    const args = ["-t", "minutes", ...features.slice(2)];
    await isotone(["scan", "jobs.csv", "new.csv", ...args, "-o", "both.json"]);
    await isotone(["scan", "jobs.csv", ...args, "-o", "one.json"]);
    put("two.json", (await isotone(["scan", "-", ...args], get("new.csv"))).out);
    const merged = await isotone(["scan", "--merge", "one.json", "two.json"]);
    expect(merged.out).toBe(get("both.json"));
    const none = await isotone(["scan", "--merge", "one.json", "jobs.csv"]);
    expect([none.code, none.err]).toEqual([1, "isotone: jobs.csv: not a scaling file: not JSON\n"]);
    const model = await isotone(["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "--scaling", "model.json"]);
    expect([model.code, model.err]).toEqual([
      1,
      'isotone: model.json: not a scaling file: "format" expected "isotone-scaling" of version 1, got "isotone"\n',
    ]);
    const shard = async (name: string) =>
      load((await isotone(["fit", name, "-t", "minutes", ...features, "--scaling", "both.json"])).out).toJSON().inputs;
    expect(await shard("jobs.csv")).toEqual(await shard("new.csv"));
  });
});

describe("isotone count", () => {
  const events = [
    "case,what,when,stage",
    "1,scan,2024-01-01T10:00:00Z,start",
    "1,scan,2024-01-01T10:30:00Z,complete",
    "2,scan,2024-01-01 09:00,start",
    "1,repair,2024-01-01T12:00:00+01:00,complete",
    "2,scan,2024-01-02T09:00:00Z,complete",
  ].join("\n");
  const args = ["count", "-", "--case", "case", "--activity", "what", "--timestamp", "when"];

  it("turns an event log into one row a case, events in any order", async () => {
    const { code, out, err } = await isotone([...args, "--unit", "hours"], events);
    expect(code).toBe(0);
    expect(out).toBe("case,repair,scan,duration_hours\n1,1,2,1\n2,0,2,24\n");
    expect(err).toContain("5 events of 2 cases and 2 activities: repair, scan");
  });

  it("counts only complete rows with --lifecycle, and all rows for the duration", async () => {
    const { out } = await isotone([...args, "--lifecycle", "stage"], events);
    expect(out).toBe("case,repair,scan,duration_minutes\n1,1,1,60\n2,0,1,1440\n");
    const wrong = await isotone([...args, "--lifecycle", "stage", "--count-on", "done"], events);
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringContaining('no row of "stage" is "done"; it has: start, complete'),
    ]);
  });

  it("writes JSON, and refuses times that are none", async () => {
    expect(JSON.parse((await isotone([...args, "--json"], events)).out)[1]).toEqual({
      case: "2",
      repair: 0,
      scan: 2,
      duration_minutes: 1440,
    });
    for (const time of ["yesterday", "2024-13-01", "2024-02-30T10:00:00Z", "1704103200000"]) {
      const { code, err } = await isotone(args, `case,what,when\n1,a,${time}\n`);
      expect([code, err]).toEqual([1, expect.stringContaining(`stdin, line 2: "when" is "${time}"`)]);
    }
    expect((await isotone([...args, "--epoch", "ms"], "case,what,when\n1,a,1704103200000\n")).code).toBe(0);
    for (const [time, why] of [
      ["0x10", ", not a number"],
      ["1e300", ": there is no such time"],
    ]) {
      const { code, out, err } = await isotone([...args, "--epoch", "s"], `case,what,when\n1,a,${time}\n1,b,2\n`);
      expect([code, out, err]).toEqual([1, "", `isotone: stdin, line 2: "when" is "${time}"${why}\n`]);
    }
    const none = await isotone(args, "case,what,when\n1,a,\n");
    expect([none.code, none.err]).toEqual([1, 'isotone: stdin, line 2: "when" is empty\n']);
    const word = await isotone([...args, "--na", "NA"], "case,what,when\nNA,a,2024-01-01\n");
    expect([word.code, word.err]).toEqual([1, 'isotone: stdin, line 2: "case" is "NA", which means missing\n']);
  });

  it.each([
    ["2024/01/01 10:30:00.250", "2024-01-01T10:30:00.25Z", 0],
    ["2024-01-01t10:30z", "2024-01-01 10:30:00 UTC", 0],
    ["2024-01-01 10:30:00 GMT", "2024-01-01T10:30:00+0530", 5.5],
    ["0001-01-01", "0001-01-02", 24],
    ["0099-12-31T23:00:00", "0100-01-01", 1],
    ["1969-12-31T23:30:00-01", "1970-01-01T00:30:00", 0],
  ])("reads the times %s and %s", async (one, other, hours) => {
    const { code, out } = await isotone([...args, "--unit", "hours"], `case,what,when\n1,a,${one}\n1,a,${other}\n`);
    expect([code, out]).toEqual([0, `case,a,duration_hours\n1,2,${hours}\n`]);
  });

  it.each(["2024-01-01T10:00+25:00", "2024-01-01T10:00+01:60", "2024/01-02", "01/02/2024", "2024-01-01T24:00:00"])(
    "refuses the time %s",
    async (time) => {
      const { code, err } = await isotone(args, `case,what,when\n1,a,${time}\n`);
      expect([code, err]).toEqual([1, expect.stringContaining(`stdin, line 2: "when" is "${time}"`)]);
    },
  );

  const log = join(import.meta.dirname, "../../../shared/data/event-log-patients/events.csv");
  it.skipIf(!existsSync(log))("counts a real event log (skipped where the file is not there)", async () => {
    const { code, out } = await isotone([
      ...["count", log, "--case", "patient", "--activity", "handling", "--timestamp", "time"],
      ...["--lifecycle", "registration_type", "--unit", "hours"],
    ]);
    expect(code).toBe(0);
    const [header, ...rows] = cells(out);
    expect(header?.length).toBe(9);
    expect(rows.length).toBe(500);
    const total = rows.reduce((sum, row) => sum + row.slice(1, -1).reduce((s, v) => s + Number(v), 0), 0);
    expect(total).toBe(5442 / 2);
    expect(rows.every((row) => Number(row.at(-1)) >= 0)).toBe(true);
  });
});

describe("wrong usage ends with exit code 2 and one line that says what to mend", () => {
  const usage: [string, string[], string][] = [
    ["no command", [], "Usage: isotone"],
    ["an unknown command", ["train"], "unknown command 'train'"],
    ["an unknown option", ["fit", "jobs.csv", "-t", "minutes", "--goal", "x"], "unknown option '--goal'"],
    ["no file", ["fit", "--target", "minutes"], "missing required argument 'file'"],
    ["no target", ["fit", "jobs.csv"], "required option '-t, --target <column>' not specified"],
    [
      "a target that is not there",
      ["fit", "jobs.csv", "-t", "minute"],
      '--target: no column "minute" in jobs.csv; did you mean "minutes"?',
    ],
    [
      "a feature that is not there",
      ["fit", "jobs.csv", "-t", "minutes", "-i", "scan,wash"],
      '--increasing: no column "wash" in jobs.csv; columns: job, scan',
    ],
    [
      "a feature with two directions",
      ["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "-d", "scan"],
      '"scan" is both --increasing and --decreasing',
    ],
    ["the target as a feature", ["fit", "jobs.csv", "-t", "minutes", "-i", "minutes"], '"minutes" is the target'],
    [
      "a seed that is no number",
      ["fit", "jobs.csv", "-t", "minutes", "--seed", "one"],
      "Expected a whole number from 0 to 4294967295",
    ],
    ["an unknown loss", ["fit", "jobs.csv", "-t", "minutes", "--loss", "mse"], "Expected one of: squared"],
    [
      "two losses",
      ["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "--loss", "squared", "--quantiles", "0.5"],
      "exclude each other",
    ],
    [
      "a quantile asked for twice",
      ["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "--quantiles", "0.1,0.5,.1"],
      "Expected distinct numbers, got 0.1 twice",
    ],
    ["a rate in hexadecimal", ["fit", "jobs.csv", "-t", "minutes", "--learning-rate", "0x1"], "Expected a number from"],
    [
      "a quantile of 1",
      ["fit", "jobs.csv", "-t", "minutes", "--quantiles", "0.5,1"],
      "Expected numbers between 0 and 1",
    ],
    [
      "a fallback of no category",
      ["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "--unknown", "scan=1"],
      "--unknown expected column=word for a --category",
    ],
    [
      "the target as the weight",
      ["fit", "jobs.csv", "-t", "minutes", "--weight", "minutes"],
      '"minutes" is the target',
    ],
    [
      "more folds than rows",
      ["cv", "jobs.csv", "-t", "minutes", "-i", "scan", "--folds", "1000"],
      "--folds expected at most the number of rows (",
    ],
    [
      "the model in the place of its rows",
      ["fit", "jobs.csv", "-t", "minutes", "-o", "./jobs.csv"],
      "-o ./jobs.csv is the file that is read",
    ],
    [
      "the model in the place of its scaling",
      ["fit", "jobs.csv", "-t", "minutes", "-i", "scan", "--scaling", "model.json", "-o", "model.json"],
      "-o model.json is the file that is read",
    ],
    [
      "a table in the place of its rows",
      ["sensitivity", "model.json", "jobs.csv", "--csv", "-o", "jobs.csv"],
      "is the file that is read",
    ],
    [
      "a table in the place of its log",
      ["count", "jobs.csv", "--case", "job", "--activity", "city", "--timestamp", "hour", "-o", "jobs.csv"],
      "is the file that is read",
    ],
    [
      "a name that an engine cannot have",
      ["export", "model.json", "--to", "sql", "--dialect", "spark", "--table", "jobs", "--keep", "$" + "{x}"],
      "--keep expected a name that spark can have",
    ],
    [
      "a table that an engine cannot have",
      ["export", "model.json", "--to", "sql", "--dialect", "spark", "--table", "$" + "{x}"],
      "--table expected a name that spark can have",
    ],
    [
      "a column of predictions that an engine cannot have",
      ["export", "model.json", "--to", "sql", "--dialect", "postgres", "--table", "t", "--as", "x".repeat(64)],
      "--as expected a name that postgresql can have",
    ],
    [
      "a delimiter of two characters",
      ["predict", "model.json", "new.csv", "--delimiter", "::"],
      "Expected one character",
    ],
    [
      "a quote that is not closed in a list",
      ["fit", "jobs.csv", "-t", "minutes", "-i", '"scan'],
      "a quote is not closed",
    ],
    ["model and rows from one stdin", ["predict", "-", "-"], "cannot both come from stdin"],
    [
      "quantiles of a model without",
      ["predict", "model.json", "new.csv", "--quantiles", "0.1"],
      "--quantiles needs a model fitted with --quantiles; the loss of this one is squared",
    ],
    [
      "an interval wider than the rows allow",
      ["predict", "model.json", "new.csv", "--interval", "0.99999"],
      "--interval: ",
    ],
    [
      "columns of a query without a table",
      ["export", "model.json", "--to", "sql", "--dialect", "sqlite", "--keep", "id"],
      "--keep needs --table",
    ],
    [
      "a level of a model without",
      ["export", "model.json", "--to", "sql", "--dialect", "sqlite", "--level", "0.9"],
      "--level needs a model fitted with --quantiles; the loss of this one is squared",
    ],
    [
      "a column of no feature",
      ["export", "model.json", "--to", "sql", "--dialect", "sqlite", "--column", "scam=a"],
      '--column: the model has no feature "scam"; features: scan, repair, staff',
    ],
    [
      "types in the place of the module",
      ["export", "model.json", "--to", "esm", "-o", "both.mjs", "--types", "./both.mjs"],
      "--types and -o are one file",
    ],
    [
      "a new column that is there already",
      ["predict", "model.json", "new.csv", "--column", "city"],
      'new.csv already has a column "city"',
    ],
  ];
  it.each(usage)("%s", async (_, args, message) => {
    const { code, out, err } = await isotone(args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).not.toContain("    at ");
    expect(leftovers()).toEqual([]);
  });
});

describe("bad input ends with exit code 1, one line that says what to mend, and no output", () => {
  const fit = (input: string | Uint8Array, args = ["-i", "a"]) =>
    isotone(["fit", "-", "-t", "y", ...args, "-o", "never.json"], input);
  const bad: [string, string | Uint8Array, string | RegExp, string[]?][] = [
    ["an empty file", "", "stdin is empty: expected a header line"],
    ["only a header", "a,y\n", "stdin has a header but no rows: fit needs at least 2 rows"],
    ["one row", "a,y\n1,2\n", "stdin has one row: fit needs at least 2 rows"],
    ["a constant target", "a,y\n1,2\n2,2\n3,2\n", 'target "y" is 2 in every row'],
    ["a duplicate header", "a,a,y\n1,1,2\n", 'the header has "a" twice (columns 1 and 2): rename one of them'],
    ["a ragged row", "a,b,y\n1,2,3\n1,2\n", "stdin, line 3: 2 cells, but the header has 3 (a, b, y)"],
    ["a row that is too long", "a,y\n1,2\n1,2,3\n", "stdin, line 3: 3 cells, but the header has 2"],
    ["a blank line in the middle", "a,y\n1,2\n\n2,3\n", "stdin, line 3 is blank: remove it"],
    [
      "an empty cell",
      "a,y\n1,2\n,3\n",
      'stdin, line 3: "a" is empty: fill it in, or allow missing values when fitting (--missing a)',
    ],
    ["an empty target", "a,y\n1,2\n2,\n", 'stdin, line 3: "y" is empty: fill it in, or leave the row out'],
    ["a target that is missing", "a,y\n1,2\n2,NA\n", 'stdin, line 3: "y" is "NA": fill it in, or leave the row out'],
    ["a target that is a word", "a,y\n1,2\n2,red\n", /line 3: "y" is "red", not a number$/m],
    [
      "a weight below 0",
      "a,y,n\n1,2,1\n2,3,-1\n",
      'stdin, line 3: "n" is -1; a weight expected 0 or more',
      ["-i", "a", "--weight", "n"],
    ],
    [
      "a word",
      "a,y\n1,2\nred,3\n",
      'stdin, line 3: "a" is "red", not a number: leave the column out, or make it a category (--category a)',
    ],
    [
      "NaN",
      "a,y\n1,2\nNaN,3\n",
      'stdin, line 3: "a" is "NaN": if that means missing, say so with --na NaN, and allow missing values when fitting (--missing a)',
    ],
    ["Infinity", "a,y\n1,2\nInfinity,3\n", 'stdin, line 3: "a" is "Infinity", not a number'],
    ["a number beyond float32", "a,y\n1,2\n1e39,3\n", 'stdin, line 3: "a" is "1e39", beyond float32'],
    ["a hexadecimal number", "a,y\n1,2\n0x10,3\n", 'stdin, line 3: "a" is "0x10", not a number'],
    ["a thousands separator", 'a,y\n1,2\n"1,234",3\n', "write numbers without thousands separators"],
    ["a decimal comma", 'a,y\n1,2\n"1,5",3\n', "write numbers with a decimal point"],
    ["a line number after cells with line ends", 'n,a,y\n"x\ny",1,2\nz,red,3\n', 'stdin, line 4: "a" is "red"'],
    ["a quote left open", 'a,y\n1,2\n"2,3\n4,5\n', "stdin, line 4: a quote is opened and never closed"],
    ["a quote left open on the last line", 'a,y\n1,2\n"2,3', "stdin, line 3: a quote is opened and never closed"],
    [
      "zip",
      Buffer.from("504b030414000800", "hex"),
      "stdin is a zip archive: unpack it first (unzip -p FILE | isotone … -)",
    ],
    [
      "zstd",
      Buffer.from("28b52ffd04", "hex"),
      "stdin is packed by zstd: unpack it first (zstd -dc FILE | isotone … -)",
    ],
    ["xz", Buffer.from("fd377a585a0000", "hex"), "stdin is packed by xz: unpack it first (xz -dc FILE | isotone … -)"],
    [
      "bzip2 of any level",
      Buffer.from("BZh11AY&SY\x9a"),
      "stdin is packed by bzip2: unpack it first (bzip2 -dc FILE | isotone … -)",
    ],
    ["Parquet", Buffer.from("PAR1\x15\x04\x15"), "stdin is a Parquet file: save it as CSV"],
    ["an old spreadsheet", Buffer.from("d0cf11e0a1b11ae1", "hex"), "stdin is a spreadsheet: save the sheet as CSV"],
    ["UTF-16", Buffer.from("\ufeffa,y\n1,2\n", "utf16le"), "stdin is UTF-16: save it as UTF-8"],
    ["Windows-1252", Buffer.from("a,y,\xe9\n1,2,3\n", "latin1"), "stdin is not UTF-8 text"],
    ["a binary file", Uint8Array.of(1, 2, 0, 4, 5), "stdin holds NUL bytes"],
    ["UTF-16 without a mark", Buffer.from("a,y\n1,2\n", "utf16le"), "is it UTF-16 without a mark"],
    [
      "a line for spreadsheets",
      "sep=;\na;y\n1;2\n2;3\n",
      "stdin: the first line tells spreadsheets what separates the cells: remove it",
    ],
    ["half a gzip file", gzipSync("a,y\n1,2\n2,3\n").subarray(0, 25), "cannot unpack stdin"],
    [
      "an unknown category",
      "a,y\nred,2\nblue,3\n",
      'isotone: --unknown: "a" expected one of the categories (blue, red), got "green"\n',
      ["-c", "a", "--unknown", "a=green"],
    ],
    [
      "a negative count for Poisson",
      "a,y\n1,2\n2,-3\n",
      'stdin, line 3: "y" is -3; the loss "poisson" expected 0 or more',
      ["-i", "a", "--loss", "poisson"],
    ],
  ];
  it.each(bad)("%s", async (_, input, message, args) => {
    const { code, out, err } = await fit(input, args);
    expect([code, out]).toEqual([1, ""]);
    if (typeof message === "string") expect(err).toContain(message);
    else expect(err).toMatch(message);
    expect(err.trimEnd().split("\n").length).toBe(1);
    expect(existsSync(join(folder, "never.json"))).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  it("an unknown category in a file to predict", async () => {
    const { code, err } = await isotone(["predict", "model.json", "-"], "scan,repair,staff,hour,city\n1,2,3,4,Rome\n");
    expect([code, err]).toEqual([
      1,
      'isotone: stdin, line 2: unknown category "Rome" for "city"; known: Bergen, Oslo\n',
    ]);
  });

  it("columns that the model needs and the file lacks, all at once", async () => {
    const { code, err } = await isotone(["predict", "model.json", "-"], "scan,town\n1,Oslo\n");
    expect([code, err]).toEqual([
      1,
      expect.stringContaining("stdin lacks 4 columns that the model needs: repair, staff, hour, city"),
    ]);
  });

  it("files that cannot be read or written", async () => {
    mkdirSync(join(folder, "sub"), { recursive: true });
    const failure = async (args: string[]) => {
      const { code, err } = await isotone(args);
      expect(code).toBe(1);
      return err;
    };
    expect(await failure(["fit", "none.csv", "-t", "y"])).toContain("cannot read none.csv: there is no such file");
    expect(await failure(["fit", "sub", "-t", "y"])).toContain("cannot read sub: it is a folder");
    expect(await failure(["predict", "none.json", "new.csv"])).toContain(
      "cannot read none.json: there is no such file",
    );
    expect(await failure(["predict", "new.csv", "new.csv"])).toContain("new.csv: not a model file");
    // JSON.parse quotes what it could not read, line ends and all
    put("short.json", "a\n1\n");
    expect(await failure(["predict", "short.json", "new.csv"])).toMatch(
      /^isotone: short.json: not a model file: .+\n$/,
    );
    expect(await failure(["fit", "jobs.csv", "-t", "minutes", ...features, "-o", "sub"])).toContain(
      "cannot write sub: it is a folder",
    );
    expect(await failure(["fit", "jobs.csv", "-t", "minutes", ...features, "-o", "no/where/model.json"])).toContain(
      "its folder does not exist",
    );
  });

  it.skipIf(process.getuid?.() === 0)("a folder without permission to write (skipped for root)", async () => {
    mkdirSync(join(folder, "locked"), { recursive: true });
    chmodSync(join(folder, "locked"), 0o500);
    const { code, err } = await isotone(["fit", "jobs.csv", "-t", "minutes", ...features, "-o", "locked/model.json"]);
    expect([code, err]).toEqual([1, expect.stringContaining("permission denied")]);
  });

  it("a model whose weight breaks a declared constraint", async () => {
    const model = JSON.parse(get("model.json"));
    model.networks[0][0][0][0] = -0.5;
    put("broken.json", JSON.stringify(model));
    const { code, err } = await isotone(["predict", "broken.json", "new.csv"]);
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(
        'broken.json: "networks[0][0][0][0]" expected a weight [network][group][plane][input] within the constraint of "scan", increasing, got -0.5',
      ),
    ]);
  });

  // a terminal that is closed says SIGHUP
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("leaves nothing behind when it is stopped by %s", async (sent) => {
    const child = spawn(
      process.execPath,
      [cli, "fit", "jobs.csv", "-t", "minutes", ...features.slice(2), "--epochs", "100000", "-o", "stopped.json"],
      {
        cwd: folder,
      },
    );
    while (leftovers().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill(sent);
    // ended by the signal itself, which a shell tells as 128 and its number
    const [, signal] = await new Promise<unknown[]>((resolve) => child.on("close", (...end) => resolve(end)));
    expect(signal).toBe(sent);
    expect(leftovers()).toEqual([]);
    expect(existsSync(join(folder, "stopped.json"))).toBe(false);
  });
});

describe.skipIf(process.platform === "win32")("a pipe with a name", () => {
  /** Runs a command while `pipe` is open for writing and has given `text`; undefined: nobody opens it. Ends it by `signal`, once it has begun. */
  async function stalled(args: string[], text: string | undefined, signal?: NodeJS.Signals) {
    rmSync(join(folder, "pipe"), { force: true });
    execFileSync("mkfifo", [join(folder, "pipe")]);
    const writer = text === undefined ? undefined : openSync(join(folder, "pipe"), "r+");
    if (writer !== undefined) writeSync(writer, text as string);
    const child = spawn(process.execPath, [cli, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const ended = new Promise<string>((resolve) => child.on("exit", (code, by) => resolve(String(by ?? code))));
    if (signal) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      child.kill(signal);
    }
    const late = new Promise<string>((resolve) => setTimeout(resolve, 8000, "still running"));
    const end = await Promise.race([ended, late]);
    child.kill("SIGKILL");
    if (writer !== undefined) closeSync(writer);
    return { end, out, err };
  }
  const start = "scan,repair,staff,hour,city\n1,2,3,4.5,Oslo\n";

  it.each<[string, string[], string | undefined, NodeJS.Signals]>([
    ["rows that nobody writes", ["predict", "model.json", "pipe"], undefined, "SIGINT"],
    ["rows that do not go on", ["predict", "model.json", "pipe"], start, "SIGINT"],
    ["rows, by another signal", ["predict", "model.json", "pipe"], start, "SIGTERM"],
    ["a model that does not come", ["predict", "pipe", "new.csv"], '{"format"', "SIGINT"],
    ["an event log that does not go on", ["count", "pipe"], "<log>", "SIGINT"],
  ])("stops for %s, and leaves nothing", async (_, args, text, signal) => {
    const { end } = await stalled([...args, "-o", "never.csv"], text, signal);
    expect(end).toBe(signal);
    expect(leftovers()).toEqual([]);
    expect(existsSync(join(folder, "never.csv"))).toBe(false);
  });

  it("is not waited for once its rows are known to be wrong, or enough", async () => {
    const wrong = await stalled(
      ["predict", "model.json", "pipe", "-o", "never.csv"],
      `${start}1,x,3,4.5,Oslo\n1,1,3,4.5,Oslo\n`,
    );
    expect([wrong.end, wrong.err]).toEqual(["1", expect.stringContaining('pipe, line 3: "repair" is "x"')]);
    const enough = await stalled(["explain", "model.json", "pipe", "--row", "1"], `${start}1,1,3,4.5,Oslo\n`);
    expect([enough.end, enough.out]).toEqual(["0", expect.stringContaining("row 1 ")]);
  });

  it("is read to its end, rows and models", async () => {
    const want = await isotone(["predict", "model.json", "new.csv"]);
    for (const [file, args] of [
      ["new.csv", ["predict", "model.json", "pipe"]],
      ["model.json", ["predict", "pipe", "new.csv"]],
    ] as const) {
      rmSync(join(folder, "pipe"), { force: true });
      execFileSync("mkfifo", [join(folder, "pipe")]);
      const writer = spawn("sh", ["-c", `cat ${file} > pipe`], { cwd: folder });
      expect((await isotone([...args])).out).toBe(want.out);
      writer.kill();
    }
  });
});

describe("every command", () => {
  it("explains itself with examples", async () => {
    const main = await isotone(["--help"]);
    expect(main.code).toBe(0);
    const commands = [...main.out.matchAll(/^ {2}(\w+) \[options\]/gm)].map((match) => match[1] as string);
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) {
      const { code, out } = await isotone([command, "--help"]);
      expect([code, out]).toEqual([0, expect.stringContaining(`Examples:\n  isotone ${command}`)]);
    }
  });

  it("draws no progress bar into what is not a terminal", async () => {
    const { err } = await isotone(["fit", "jobs.csv", "-t", "minutes", ...features]);
    expect(err).not.toContain("\r");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what must not be there
    expect(err).not.toMatch(/\u001b/);
  });
});
