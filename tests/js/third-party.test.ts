// The licences of bundled packages: named with the bundle, in the packages' own words.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { thirdParty } from "../../scripts/third-party.mjs";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A folder with these packages, each by its package.json and its licence. */
function installed(packages: Record<string, { json: object; licence?: string }>): string {
  const folder = mkdtempSync(join(tmpdir(), "isotone-licences-"));
  folders.push(folder);
  for (const [name, { json, licence }] of Object.entries(packages)) {
    const own = join(folder, "node_modules", name);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "package.json"), JSON.stringify({ name, version: "1.0.0", ...json }));
    if (licence) writeFileSync(join(own, "LICENCE.md"), licence);
  }
  return folder;
}

describe("the list of bundled packages", () => {
  test("has each package once, in order, scoped and nested ones too, with the text that the package brings", async () => {
    const folder = installed({
      zebra: { json: { license: "MIT" }, licence: "Zebra may be copied." },
      "@scope/ant": { json: { license: "ISC" }, licence: "Ants may be copied." },
      "zebra/node_modules/flea": { json: { name: "flea", license: "MIT" }, licence: "Fleas come along." },
    });
    const files = ["zebra/a.js", "zebra/lib/b.js", "@scope/ant/index.js", "zebra/node_modules/flea/index.js"];
    const text = await thirdParty([...files.map((file) => join(folder, "node_modules", file)), "js/own.ts"]);
    expect(text.match(/^.* \(\w+\)$/gm)).toEqual(["@scope/ant 1.0.0 (ISC)", "flea 1.0.0 (MIT)", "zebra 1.0.0 (MIT)"]);
    for (const line of ["Zebra may be copied.", "Ants may be copied.", "Fleas come along."])
      expect(text).toContain(line);
  });

  test("names author and licence where a package brings no text of it, and refuses one that names none", async () => {
    const folder = installed({
      bare: { json: { license: "ISC", author: { name: "A. Bird" } } },
      none: { json: {} },
    });
    expect(await thirdParty([join(folder, "node_modules/bare/x.js")])).toMatch(
      /Copyright A\. Bird, under the ISC licence/,
    );
    await expect(thirdParty([join(folder, "node_modules/none/x.js")])).rejects.toThrow("none names no licence");
  });

  test("holds every package that the command line and the report are built from", () => {
    const text = readFileSync(new URL("../../dist/THIRD-PARTY.txt", import.meta.url), "utf8");
    for (const name of ["@observablehq/plot", "commander", "csv-parse", "linkedom", "saxes"])
      expect(text).toContain(`\n${name} `);
  });
});
