// How the playground reads files, without a browser. The page itself: tests/browser/playground.mjs.

import { describe, expect, it } from "vitest";
import { readTable } from "../../playground/read.js";

describe("the playground", () => {
  it("reads characters beyond the basic plane wherever the file is cut into pieces", async () => {
    const words = Array.from({ length: 12000 }, (_, r) => `${"x".repeat(r % 3)}🦉${r}`);
    const table = await readTable(new Blob([`owl\n${words.join("\n")}\n`]), "owls.csv", ",", () => {});
    expect(table.records.map(({ cells }) => cells[0])).toEqual(words);
  });
});
