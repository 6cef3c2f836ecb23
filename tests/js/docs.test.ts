// The pages: links and anchors lead somewhere, tables have as many cells in every row as in the first and none too long to read, commands name
// options that exist, and JavaScript runs. README.md's code and the values that it shows: readme.test.ts; the loader of docs/export.md: tests/exports.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { toModule } from "../../js/export/index.js";
import { fit } from "../../js/fit.js";
import { audit } from "../../js/index.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const pages = [
  "README.md",
  "CHANGELOG.md",
  "bench/README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const textOf = (page: string) => readFileSync(join(root, page), "utf8");

/** A page without its blocks of code. */
const proseOf = (page: string) => textOf(page).replace(/^```[\s\S]*?^```/gm, "");

/** The anchors of a page's headings, as the usual sites make them. */
function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}

/** Blocks of code in a language. */
const blocksOf = (page: string, language: string) =>
  [...textOf(page).matchAll(/^```(.*)\n([\s\S]*?)^```/gm)].filter(([, name]) => name === language).map((m) => m[2]);

describe.each(pages)("%s", (page) => {
  test("links to files and headings that exist", () => {
    const broken = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link)
      .filter((link) => {
        if (/^https?:/.test(link)) return false;
        const [path, anchor] = link.split("#");
        const file = path ? relative(root, join(root, dirname(page), path)) : page;
        if (!existsSync(join(root, file))) return true;
        return anchor !== undefined && !anchorsOf(file).includes(anchor);
      });
    expect(broken).toEqual([]);
  });

  test("has tables whose rows are as wide as their heads, with cells that can be read", () => {
    let width = 0;
    const wrong: string[] = [];
    for (const line of proseOf(page).split("\n")) {
      if (!line.startsWith("|")) {
        width = 0;
        continue;
      }
      const cells = line
        .replace(/\\\|/g, " ")
        .replace(/`[^`]*`/g, (code) => code.replaceAll("|", " "))
        .split("|")
        .slice(1, -1);
      width ||= cells.length;
      if (cells.length !== width || cells.some((cell) => cell.length > 330)) wrong.push(line.slice(0, 80));
    }
    expect(wrong).toEqual([]);
  });

  test("shows commands and options that there are", () => {
    const sources = readdirSync(join(root, "js/cli")).map((name) => readFileSync(join(root, "js/cli", name), "utf8"));
    const known = new Set([
      "help",
      "version",
      "no-exact",
      ...sources
        .join("\n")
        .match(/--[a-z][a-z-]+/g)!
        .map((o) => o.slice(2)),
    ]);
    const commands = readFileSync(join(root, "js/cli/main.ts"), "utf8").match(/add\w+(?=\(program\))/g)!;
    for (const block of [...blocksOf(page, "sh"), ...blocksOf(page, "")]) {
      for (const [, command, rest] of block.matchAll(/(?:^|[| '])(?:npx )?isotone ([a-z]+)([^|\n#']*)/gm)) {
        expect(commands.map((name) => name.slice(3).toLowerCase())).toContain(command);
        for (const [option] of rest.matchAll(/(?<=\s--)[a-z-]+/g))
          expect([...known], `isotone ${command}`).toContain(option);
      }
    }
  });
});

describe("JavaScript on the pages", () => {
  const jobs = {
    scan: [2, 5, 9, 4, 12, 7, 1, 15, 6, 10, 3, 8],
    repair: [0, 1, 0, 2, 1, 3, 1, 2, 0, 4, 1, 2],
    staff: [1, 2, 3, 1, 4, 2, 1, 3, 2, 3, 3, 4],
    minutes: [9, 19, 16, 37, 23, 51, 16, 41, 14, 61, 16, 29],
  };
  const folder = join(root, "build/docs");
  const run = async (name: string, code: string) => {
    await writeFile(join(folder, name), code);
    return import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href);
  };

  beforeAll(async () => {
    await mkdir(folder, { recursive: true });
  });

  test("of exports: the module is imported and used as shown", async () => {
    const features = { scan: "increasing", repair: "increasing", staff: "decreasing" } as const;
    const model = await fit(jobs, { target: "minutes", features });
    await writeFile(join(folder, "model.mjs"), toModule(model));
    const [block] = blocksOf("docs/export.md", "js");
    const lines = block.replace(/^(\w+\([^\n]*\));.*$/gm, "shown.push($1);");
    const rows = [{ scan: 8, repair: 3, staff: 2 }];
    const { shown } = await run(
      "export.mjs",
      `const rows = ${JSON.stringify(rows)};\nexport const shown = [];\n${lines}`,
    );
    const want = model.predict(rows[0]);
    expect(shown).toEqual([want, want, Float32Array.of(want), model.sensitivity(rows[0])]);
  });

  test("of audits: any predictor is asked as shown", async () => {
    const [block] = blocksOf("docs/audit.md", "js");
    const code = block.replace(/^report\.statement;.*$/m, "return report;");
    // stands for a network of TensorFlow.js that takes staff for a cause of more
    const tf = { tensor2d: (rows: Float64Array, [n]: number[]) => ({ rows, n }) };
    const network = {
      predict: ({ rows, n }: { rows: Float64Array; n: number }) => ({
        dataSync: () => Float64Array.from({ length: n }, (_, r) => rows[2 * r] + rows[2 * r + 1]),
      }),
    };
    const make = new Function("audit", "network", "tf", "jobs", `return (async () => {${code}})();`);
    const { scan, staff } = jobs;
    const report = await make(audit, network, tf, { scan, staff });
    expect(report.statement).toContain("12 of 24 (50.0 %) partial derivatives have the wrong sign");
  });

  test("is in these two pages and the README alone: a block elsewhere needs a test", () => {
    const others = pages.filter((page) => !["README.md", "docs/export.md", "docs/audit.md"].includes(page));
    for (const page of others) for (const name of ["js", "ts", "mjs"]) expect(blocksOf(page, name), page).toEqual([]);
  });
});
