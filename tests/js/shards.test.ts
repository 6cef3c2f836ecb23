// Shards through the command line, as a shell runs them: xargs -P trains several at once, scan and merge bring them together.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { load } from "../../js/model.js";
import { generator } from "./random-model.js";

const cli = process.env.ISOTONE_CLI ?? join(import.meta.dirname, "../../dist/cli.js");
let folder = "";
const HEADER = "scan,staff,city,minutes";
const FLAGS = "--target minutes --increasing scan --decreasing staff --category city --epochs 30 --members 2";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "isotone-shards-"));
  const random = generator(8);
  for (let shard = 0; shard < 4; shard++) {
    const lines = Array.from({ length: 150 }, (_, r) => {
      const [scan, staff] = [Math.floor(9 * random() + 3 * shard), 1 + Math.floor(4 * random())];
      // one city is in one shard only
      const city = shard === 2 && r % 10 === 0 ? "Bodø" : r % 3 ? "Oslo" : "Bergen";
      return `${scan},${staff},${city},${(20 + 7 * scan - 3 * staff + (city === "Oslo" ? 5 : 0) + 4 * random()).toFixed(2)}`;
    });
    writeFileSync(join(folder, `shard${shard}.csv`), `${[HEADER, ...lines].join("\n")}\n`);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const shell = (command: string) =>
  execFileSync("bash", ["-eo", "pipefail", "-c", command.replaceAll("isotone ", `"${process.execPath}" "${cli}" `)], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
const isotone = (args: string[], input = "") =>
  spawnSync(process.execPath, [cli, ...args], { cwd: folder, encoding: "utf8", input });
const get = (name: string) => readFileSync(join(folder, name), "utf8");

describe("shards on the command line", () => {
  it("are scanned, trained at once by xargs and merged into one monotone model", () => {
    shell(`
      ls shard*.csv | xargs -P 2 -I{} sh -c 'isotone scan {} ${FLAGS} -q -o {}.scaling'
      isotone scan --merge shard*.scaling -q -o scaling.json
      ls shard*.csv | xargs -P 2 -I{} sh -c 'isotone fit - ${FLAGS} -q --scaling scaling.json < {} > {}.model'
      isotone merge shard*.model -q -o model.json
    `);
    const model = load(get("model.json"));
    const parts = [0, 1, 2, 3].map((k) => load(get(`shard${k}.csv.model`)));
    expect(model.certify().monotone).toBe(true);
    expect(model.training).toMatchObject({ merged: 4, rows: 600, members: 8 });
    expect(model.features[2].categories).toEqual(["Bergen", "Bodø", "Oslo"]);
    expect(model.toJSON().inputs).toEqual(parts[0].toJSON().inputs);
    const row = { scan: 8, staff: 2, city: "Bodø" };
    const average = parts.reduce((sum, part) => sum + part.predict(row) / 4, 0);
    expect(Math.abs(model.predict(row) / average - 1)).toBeLessThan(1e-5);
    // the scaling of all shards at once is that of the merged scans
    shell(`isotone scan shard*.csv ${FLAGS} -q -o once.json`);
    expect(get("once.json")).toBe(get("scaling.json"));
  });

  it("merge from one stream of models, a line each, as from several files", () => {
    shell("cat shard*.model | isotone merge - -q > stream.json");
    expect(get("stream.json")).toBe(get("model.json"));
    shell("isotone merge shard*.model -q --weights 1,1,1,1 > weighted.json");
    expect(get("weighted.json")).toBe(get("model.json"));
  });

  it("say what they did, and what the scalings cost when there was no common one", () => {
    shell(`
      isotone fit shard0.csv ${FLAGS} -q -o a.json
      isotone fit shard1.csv ${FLAGS} -q -o b.json
    `);
    const { status, stderr } = isotone(["merge", "a.json", "b.json", "-o", "ab.json"]);
    expect([status, stderr]).toEqual([0, expect.stringMatching(/^2 models, 300 rows, \d+ planes of \d+ inputs\n$/)]);
    expect(Math.abs(predictTwice("ab.json", ["a.json", "b.json"]))).toBeLessThan(1e-5);
  });

  it.each([
    [["merge", "a.json", "shard2.csv.model"], 1, 'does not know the category "Bodø" of "city"'],
    [["merge", "a.json", "nowhere.json"], 1, "cannot read nowhere.json: there is no such file"],
    [["merge", "a.json", "shard0.csv"], 1, "shard0.csv: not a model file"],
    [["merge", "a.json", "b.json", "--weights", "1"], 2, "--weights has 1 number for 2 models"],
    [["merge", "a.json", "b.json", "--weights", "big"], 2, 'Expected "equal", "rows", or a number'],
    [["merge"], 2, "missing required argument"],
  ])("fail plainly: %j", (args, code, message) => {
    const { status, stdout, stderr } = isotone(args as string[]);
    expect(stderr).toContain(message);
    expect([status, stdout]).toEqual([code, ""]);
  });
});

describe("the shell lines of docs/shards.md", () => {
  const blocks = readFileSync(join(import.meta.dirname, "../../docs/shards.md"), "utf8")
    .split("```")
    .filter((_, i) => i % 2 === 1);
  const run = (block: string, cwd: string) =>
    execFileSync("bash", ["-eo", "pipefail", "-c", block], {
      cwd,
      env: { ...process.env, PATH: `${cwd}:${process.env.PATH}` },
      stdio: "pipe",
    });
  let own = "";
  let first = "";

  beforeAll(() => {
    own = mkdtempSync(join(folder, "shell-"));
    writeFileSync(join(own, "isotone"), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, { mode: 0o755 });
    const random = generator(9);
    for (const shard of [1, 2]) {
      const lines = Array.from({ length: 60 }, () => {
        const [scan, repair] = [Math.floor(9 * random()), Math.floor(4 * random())];
        return `${scan},${repair},${(20 + 7 * scan + 3 * repair + 4 * random()).toFixed(2)}`;
      });
      writeFileSync(join(own, `shard${shard}.csv`), `${["scan,repair,minutes", ...lines].join("\n")}\n`);
    }
    const both = (line: string) => [line, line.replace(/\b(shard|s|m)1\b/g, (_, word) => `${word}2`)];
    run(
      blocks[0]
        .split("\n")
        .flatMap((line) => (line.includes("# where each") ? both(line) : [line]))
        .join("\n"),
      own,
    );
    first = readFileSync(join(own, "model.json"), "utf8");
  }, 120_000);

  it("scan, train shard by shard and merge into a monotone model", () => {
    const model = load(first);
    expect(model.training).toMatchObject({ merged: 2, rows: 120 });
    expect(model.features.map((f) => f.constraint)).toEqual(["increasing", "increasing"]);
    expect(model.certify().monotone).toBe(true);
  });

  it.for(["xargs", "parallel"])("give the same model with %s", { timeout: 120_000 }, (program, { skip }) => {
    const block = blocks.find((text) => text.includes(`${program} -`)) as string;
    expect(block).toContain("isotone fit");
    if (spawnSync(program, ["--version"]).error) skip(`${program} is not installed`);
    rmSync(join(own, "model.json"));
    for (const shard of [1, 2]) rmSync(join(own, `shard${shard}.csv.model`), { force: true });
    run(block, own);
    expect(readFileSync(join(own, "model.json"), "utf8")).toBe(first);
  });
});

/** How far a merged model is from the average of two, relatively, where all of them know the city. */
function predictTwice(merged: string, parts: string[]): number {
  const row = { scan: 8, staff: 2, city: "Oslo" };
  const average = parts.reduce((sum, part) => sum + load(get(part)).predict(row) / parts.length, 0);
  return load(get(merged)).predict(row) / average - 1;
}
