import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ColumnKind, readCell } from "../../js/cli/cells.js";
import { csvLines, openCsv, parseList } from "../../js/cli/csv.js";
import { type ReadColumns, readColumns, readRows } from "../../js/cli/gather.js";
import { fit } from "../../js/fit.js";
import { stringifyModel } from "../../js/format.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "isotone-csv-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const kinds: ColumnKind[] = [
  { name: "a", kind: "number", missing: false },
  { name: "city", kind: "category", missing: false },
  { name: "y", kind: "number", missing: false },
];

function put(rows: number): string {
  const path = join(folder, "rows.csv");
  const lines = Array.from(
    { length: rows },
    (_, r) => `${r % 17},${r % 3 ? "Oslo" : "Bergen"},${2 * (r % 17) + (r % 3)}`,
  );
  writeFileSync(path, `a,city,y\n${lines.join("\n")}\n`);
  return path;
}

describe("CSV", () => {
  it("of any cells reads back as it was written", async () => {
    const cell = fc.oneof(
      fc.string(),
      fc.constantFrom("", '"', "a,b", "a\nb", "a\r\nb", " x ", "'", "\ufeff", "=1+1", "🦉"),
    );
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 6 }),
      );
    const path = join(folder, "any.csv");
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        fc.pre(rows.every((row) => row.every((text) => !text.includes("\0") && text.isWellFormed())));
        const header = (rows[0] as string[]).map((_, c) => `c${c}`);
        writeFileSync(path, csvLines([header, ...rows]));
        const file = await openCsv(path);
        const read: string[][] = [];
        for await (const records of file.records) for (const { cells } of records) read.push(cells);
        expect(file.header).toEqual(header);
        expect(read).toEqual(rows);
      }),
      { numRuns: 200 },
    );
  });

  it("keeps lines that hold one empty cell", async () => {
    const path = join(folder, "one.csv");
    writeFileSync(path, csvLines([["a"], [""], ["x"], [""]]));
    const file = await openCsv(path);
    const read: string[] = [];
    for await (const records of file.records) for (const { cells } of records) read.push(cells.join());
    expect(read).toEqual(["", "x", ""]);
  });

  it("larger than memory comes in batches, and fit makes the same model of them", async () => {
    const path = put(40000);
    const whole = await readColumns(await openCsv(path), kinds);
    const streamed = await readRows(await openCsv(path), kinds, 30000);
    expect(whole.n).toBe(40000);
    expect(Symbol.asyncIterator in streamed.rows).toBe(true);
    const options = {
      target: "y",
      features: { a: 1, city: { categories: "auto" } },
      epochs: 1,
      members: 1,
      networks: 2,
    } as const;
    const one = await fit(whole.columns, options);
    const two = await fit(streamed.rows, options);
    expect(streamed.n()).toBe(40000);
    expect(stringifyModel(two)).toBe(stringifyModel(one));
  });

  it("larger than memory is read again from the start; what is no file is read once", async () => {
    const path = put(5000);
    const whole = await readColumns(await openCsv(path), kinds);
    const { rows, n } = await readRows(await openCsv(path), kinds, 3000);
    if (!(Symbol.asyncIterator in rows)) throw new Error("expected batches");
    for (let time = 0; time < 3; time++) {
      const a: number[] = [];
      const city: unknown[] = [];
      for await (const batch of rows) {
        a.push(...(batch.a as Float64Array));
        city.push(...(batch.city as string[]));
        // given up after one batch, as by a look whether rows come again
        if (time === 1) break;
      }
      expect(a).toEqual(Array.from(whole.columns.a as Float64Array).slice(0, a.length));
      expect(city).toEqual(whole.columns.city.slice(0, a.length));
      if (time !== 1) expect(a.length).toBe(5000);
      expect(n()).toBe(5000);
    }
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const writer = spawn("sh", ["-c", `cat "${path}" > "${pipe}"`]);
    const file = await openCsv(pipe);
    expect(file.reopen).toBeUndefined();
    const piped = await readRows(file, kinds, 3000);
    let count = 0;
    for (let time = 0; time < 2; time++) {
      for await (const batch of piped.rows as AsyncIterable<ReadColumns>) count += batch.a.length;
    }
    expect(count).toBe(5000);
    writer.kill();
  });

  it("is the same, or as wrong, wherever its pieces end", async () => {
    const path = join(folder, "pieces.csv");
    writeFileSync(path, "");
    const read = async (pieces: readonly string[]) => {
      async function* text() {
        for (const piece of pieces) yield Buffer.from(piece);
      }
      const found: unknown[] = [];
      try {
        const file = await openCsv(path, {}, text());
        found.push(file.header);
        for await (const records of file.records) found.push(...records);
      } catch (error) {
        found.push((error as Error).message);
      }
      return found;
    };
    const piece = fc.array(fc.constantFrom('"', '""', ",", "\n", "\r\n", "\r", "a", "b", "é"), {
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 6 }), async (parts) => {
        // a piece never ends within a character: text.ts sees to that
        const pieces = parts.map((part) => part.join(""));
        expect(await read(pieces)).toEqual(await read([pieces.join("")]));
      }),
      { numRuns: 500 },
    );
  });

  it("may end in blank lines, however many and wherever its pieces end, and have none before", async () => {
    const path = join(folder, "blank.csv");
    writeFileSync(path, "");
    const [a, , y] = kinds;
    const read = async (...pieces: string[]) => {
      async function* text() {
        for (const piece of pieces) {
          yield Buffer.from(piece);
          // what there is so far is read before more comes
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }
      return (await readColumns(await openCsv(path, {}, text()), [a, y])).columns;
    };
    for (const end of ["", "\n", "\n\n", "\r\n\r\n", "\n\n\n\n"]) {
      const want = { a: Float64Array.of(1, 3), y: Float64Array.of(2, 4) };
      expect(await read(`a,y\n1,2\n3,4${end}`)).toEqual(want);
      expect(await read("a,y\n1,2\n3,4", ...end)).toEqual(want);
    }
    for (const after of ["3,4", "\n3,4", "\n\n\n3,4"]) {
      const wrong = "blank.csv, line 3 is blank: remove it";
      await expect(read(`a,y\n1,2\n\n${after}\n`)).rejects.toThrow(wrong);
      await expect(read("a,y\n1,2\n\n", ...after)).rejects.toThrow(wrong);
    }
  });

  it("of a single column may end without a line end", async () => {
    const path = join(folder, "end.csv");
    writeFileSync(path, "a\n1\n2");
    const { columns } = await readColumns(await openCsv(path), [{ name: "a", kind: "number", missing: false }]);
    expect(columns.a).toEqual(Float64Array.of(1, 2));
  });
});

describe("cells", () => {
  const file = { name: "f.csv", header: [], records: undefined as never, missing: new Set(["", "NA"]) };
  const number: ColumnKind = { name: "a", kind: "number", missing: false };

  it("are numbers as JavaScript reads them", () => {
    for (const text of ["0", "-1", "+1.5", "1.", ".5", "1e3", "1E-3", " 12 ", "007", "-0"]) {
      expect(readCell(file, text, 2, number)).toBe(Number(text));
    }
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(readCell(file, String(value), 2, number)).toBe(value + 0);
      }),
    );
  });

  it("are nothing else", () => {
    for (const text of ["0x10", "1_000", "1e", "--1", "1 2", "Infinity", "NaN", "1,5", "१", "true", "1n", "0b1", "."]) {
      expect(() => readCell(file, text, 2, number)).toThrow(/^f\.csv, line 2: "a" is /);
    }
  });

  it("may be missing only where that is allowed", () => {
    expect(() => readCell(file, "NA", 2, number)).toThrow('"a" is "NA", which means missing');
    expect(readCell(file, "NA", 2, { ...number, missing: true })).toBeNaN();
    expect(readCell(file, "", 2, { name: "c", kind: "category", missing: true })).toBeNull();
  });
});

describe("lists of names", () => {
  it("are split at commas, unless quoted", () => {
    expect(parseList("a,b c,d")).toEqual(["a", "b c", "d"]);
    expect(parseList('"a,b",c,"say ""hi"""')).toEqual(["a,b", "c", 'say "hi"']);
    expect(parseList("a,")).toEqual(["a", ""]);
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (names) => {
        const text = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
        expect(parseList(text)).toEqual(names);
      }),
    );
  });
});
