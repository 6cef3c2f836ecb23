// The README's code runs, and the values in its comments are what it gives.

import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** All code of the README as one module that exports [value, comment] of every line of the form `expression; // value`. */
function moduleOf(text: string): string {
  const code = [...text.matchAll(/^```js\n([\s\S]*?)^```/gm)].map((m) => m[1]).join("\n");
  const lines = code
    .replace(/from "isotone"/g, `from ${JSON.stringify(join(root, "js/index.ts"))}`)
    .replace(/from "isotone\/(\w+)"/g, (_, name) => {
      const file = [`js/${name}.ts`, `js/${name}/index.ts`].find((path) => existsSync(join(root, path)));
      return `from ${JSON.stringify(join(root, file ?? `js/${name}.ts`))}`;
    })
    .split("\n")
    .map((line) => {
      const shown = /^(?!const |let |import )(\S.*); \/\/ (.+)$/.exec(line);
      return shown ? `shown.push([${shown[1]}, ${JSON.stringify(shown[2])}]);` : line;
    });
  return `// Made by tests/js/readme.test.ts from README.md.\nexport const shown = [];\n${lines.join("\n")}\n`;
}

/** Numbers in a comment or a value, in order. */
function numbersIn(value: unknown): number[] {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return (text.match(/(?<![\w.])-?\d+(\.\d+)?(e-?\d+)?/g) ?? []).map(Number);
}

describe("README.md", () => {
  it("shows code that runs and gives what its comments say", async () => {
    await mkdir(join(root, "build"), { recursive: true });
    const path = join(root, "build", "readme.ts");
    await writeFile(path, moduleOf(readme));
    const { shown } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { shown: [unknown, string][] };
    expect(shown.length).toBeGreaterThanOrEqual(4);
    for (const [value, comment] of shown) {
      if (typeof value === "boolean") {
        expect(comment).toBe(String(value));
        continue;
      }
      const said = numbersIn(comment);
      const given = numbersIn(value);
      expect(said.length, comment).toBe(given.length);
      said.forEach((number, i) => {
        expect(Math.abs(number - given[i]), `${comment} but ${JSON.stringify(value)}`).toBeLessThanOrEqual(
          0.02 * Math.abs(given[i]),
        );
      });
    }
  });

  it("names only files that exist", () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((m) => m[1]);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([]);
  });

  it("names only public names that exist, and every command", async () => {
    const names = [...readme.matchAll(/^\| `(\w+)\((?!row)/gm)].map((m) => m[1]).filter((name) => name !== "certify");
    const library = await import("../../js/index.js");
    expect(names.length).toBeGreaterThan(0);
    const model = ["predict", "predictMany", "sensitivity", "sensitivityMany", "toJSON"];
    expect(names.filter((name) => !(name in library) && !model.includes(name))).toEqual([]);

    const main = readFileSync(join(root, "js/cli/main.ts"), "utf8");
    const commands = [...main.matchAll(/^add(\w+)\(program\)/gm)].map((m) => m[1].toLowerCase()).sort();
    const table = readme.slice(readme.indexOf("### Command line"), readme.indexOf("## How it works"));
    const told = [...table.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap((m) => m[1].match(/\w+/g) ?? []);
    expect(told.sort()).toEqual(commands);
  });

  it("quotes the picture's numbers", () => {
    const picture = readFileSync(join(root, "examples/jobs/derivatives.svg"), "utf8");
    const found =
      /Of (\d+) partial derivatives on \d+ held-out jobs, (\d+) of the MLP's are negative and (\d+) of isotone's/.exec(
        picture,
      );
    expect(found).not.toBeNull();
    const [all, other, own] = found!.slice(1).map(Number);
    expect(own).toBe(0);
    expect(readme).toContain(`${((100 * other) / all).toFixed(1)} % of the MLP's are negative, none of isotone's`);
  });
});
