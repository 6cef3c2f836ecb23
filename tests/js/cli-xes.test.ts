// isotone count on XES: the same table as from CSV of the same events, whatever shape the XML has; and what it refuses.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countEvents } from "../../js/cli/count.js";
import { csvLines } from "../../js/cli/csv.js";
import { type LogOptions, openLog } from "../../js/cli/event-log.js";
import { openXes } from "../../js/cli/xes.js";

const cli = process.env.ISOTONE_CLI ?? join(import.meta.dirname, "../../dist/cli.js");
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "isotone-xes-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, data: string | Uint8Array) => writeFileSync(join(folder, name), data);
function count(args: string[], input: string | Uint8Array = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, "count", ...args], { cwd: folder, input });
  return { code: status, out: stdout.toString(), err: stderr.toString() };
}

const attribute = (key: string, value: string, type = "string") => `<${type} key="${key}" value="${value}"/>`;
const event = (activity: string, time: string, more = "") =>
  `<event>${more}${attribute("concept:name", activity)}${attribute("time:timestamp", time, "date")}</event>`;
const trace = (name: string, ...events: string[]) =>
  `<trace>${attribute("concept:name", name)}${events.join("")}</trace>`;
const log = (...parts: string[]) => `<log xes.version="1849-2016">${parts.join("")}</log>`;

const first = trace("1", event("scan", "2024-01-01T10:00:00Z"), event("repair", "2024-01-01T12:00:00.5+01:00"));
const second = trace("2", event("scan", "2024-01-02T09:00:00"));
const numbers = `case:concept:name,repair,scan,duration_minutes\n1,1,1,${3_600_500 / 60_000}\n2,0,1,0\n`;

describe("isotone count of XES", () => {
  const declared = '<?xml version="1.0" encoding="UTF-8"?>\n';
  const meta = [
    '<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>',
    `<global scope="trace">${attribute("concept:name", "UNKNOWN")}</global>`,
    `<global scope="event">${attribute("concept:name", "UNKNOWN")}${attribute("time:timestamp", "1970-01-01T00:00:00Z", "date")}</global>`,
    '<classifier name="Activity" keys="concept:name lifecycle:transition"/>',
    attribute("concept:name", "name of the log"),
  ].join("\n");
  const shapes: [string, string][] = [
    ["as it is", log(first, second)],
    ["with a declaration and a byte order mark", `\ufeff${declared}${log(first, second)}`],
    [
      "after white space and comments",
      `${declared}<!-- <event> --> \n ${log("<!-- <trace> -->", first, second)}\n<!-- x -->`,
    ],
    ["with line ends of Windows", `${declared}${log(first, second)}`.replaceAll("><", ">\r\n<")],
    ["with extensions, global values and classifiers", log(meta, first, second)],
    ["in a default namespace", log(first, second).replace("<log", '<log xmlns="http://www.xes-standard.org/"')],
    [
      "with a prefix",
      log(first, second)
        .replaceAll(/<(\/?)(\w)/g, "<$1x:$2")
        .replace("<x:log", '<x:log xmlns:x="http://www.xes-standard.org/"'),
    ],
    [
      "with elements of another namespace",
      log(
        `<o:trace><o:event>${attribute("concept:name", "other")}</o:event></o:trace>`,
        first.replace("<event>", `<event><o:string key="concept:name" value="other"/>`),
        second,
      ).replace("<log", '<log xmlns:o="urn:other"'),
    ],
    [
      "with nested attributes",
      log(first, second)
        .replaceAll(/<string key="concept:name" value="(\w+)"\/>/g, (whole, name) =>
          whole.replace(
            "/>",
            `>${attribute("concept:name", `inner ${name}`)}${attribute("time:timestamp", "never")}</string>`,
          ),
        )
        .replaceAll("<event>", `<event><list key="l"><values>${attribute("concept:name", "listed")}</values></list>`),
    ],
    [
      "with the name of a trace after its events",
      log(first, second).replaceAll(/(<trace>)(<string .*?>)(.*?)(<.trace>)/g, "$1$3$2$4"),
    ],
    ["with cases that are numbers", log(first, second).replaceAll(/<trace><string/g, "<trace><int")],
    [
      "with references to characters",
      log(first, second).replaceAll("scan", "s&#99;a&#x6e;").replaceAll('key="concept:name"', "key='concept&#58;name'"),
    ],
    [
      "with text, CDATA and instructions between",
      log(first, "words &amp; <![CDATA[<event>]]>", "<?x <event> ?>", second),
    ],
  ];
  it.each(shapes)("reads a log %s", async (_, text) => {
    const { code, out } = count(["-"], text);
    expect([code, out]).toEqual([0, numbers]);
  });

  it("knows XES by its first character, its name or --format, and unpacks it", () => {
    const text = log(first, second);
    put("log.txt", `\n ${text}`);
    put("log.xes.gz", gzipSync(text));
    for (const args of [["log.txt"], ["log.xes.gz"], ["log.txt", "--format", "xes"]])
      expect(count(args).out).toBe(numbers);
    put("csv.xes", "case,what,when\n");
    expect(count(["csv.xes"]).err).toContain("csv.xes, line 2: not well-formed XML");
    put("tags.csv", "<case>,what,when\n1,a,2024-01-01\n");
    const csv = ["tags.csv", "--format", "csv", "--case", "<case>", "--activity", "what", "--timestamp", "when"];
    expect(count(csv).out).toBe("<case>,a,duration_minutes\n1,1,0\n");
  });

  it("asks for the columns of a log in CSV, which has no standard", () => {
    const { code, err } = count(["-", "--case", "case"], "case,what,when\n1,a,2024-01-01\n");
    expect([code, err]).toEqual([2, "isotone: a log in CSV needs --activity <column>\n"]);
  });

  it("takes other attributes as case, activity and time; --case with or without its prefix", () => {
    const text = log(first, second)
      .replaceAll('<trace><string key="concept:name"', '<trace><string key="order"')
      .replaceAll('<event><string key="concept:name"', '<event><string key="org:resource"')
      .replaceAll("time:timestamp", "time:start");
    for (const key of ["order", "case:order"]) {
      const { out } = count(["-", "--case", key, "--activity", "org:resource", "--timestamp", "time:start"], text);
      expect(out).toBe(numbers.replace("case:concept:name", "case:order"));
    }
  });

  it("counts all events, and says so where they have stages; with --lifecycle those of one, and all for the duration", () => {
    const stage = (word: string) => attribute("lifecycle:transition", word);
    const staged = log(
      trace(
        "1",
        event("scan", "2024-01-01T10:00Z", stage("start")),
        event("scan", "2024-01-01T11:00Z", stage("COMPLETE")),
      ),
      trace("2", event("scan", "2024-01-01T10:00Z")),
    );
    const all = count(["-"], staged);
    expect(all.out).toBe("case:concept:name,scan,duration_minutes\n1,2,60\n2,1,0\n");
    expect(all.err).toContain(
      "note: all events were counted, whatever their lifecycle:transition (1 start, 1 COMPLETE, 1 without); to count those that say COMPLETE: --lifecycle lifecycle:transition --count-on COMPLETE\n",
    );
    const one = count(["-", "--lifecycle", "lifecycle:transition", "--count-on", "COMPLETE"], staged);
    expect(one.out).toBe("case:concept:name,scan,duration_minutes\n1,1,60\n2,0,0\n");
    expect(one.err).toContain('counted events whose "lifecycle:transition" is "COMPLETE": 1 of 3\n');
    const none = count(["-", "--lifecycle", "lifecycle:transition"], staged);
    expect([none.code, none.err]).toEqual([
      2,
      'isotone: --count-on: no event of "lifecycle:transition" is "complete"; it has: start, COMPLETE, ""\n',
    ]);
  });

  describe("with --classifier", () => {
    const stage = (activity: string, time: string, word: string) =>
      event(activity, time, attribute("lifecycle:transition", word) + attribute("org group", "x"));
    const declared = [
      '<classifier name="MXML Legacy" keys="concept:name lifecycle:transition"/>',
      '<classifier name="Group" scope="event" keys="\'org group\'  concept:name"/>',
      '<classifier name="Case" scope="trace" keys="concept:name"/>',
    ];
    const staged = log(
      ...declared,
      trace("1", stage("scan", "2024-01-01T10:00:00Z", "start"), stage("scan", "2024-01-01T11:00:00Z", "complete")),
    );

    it("calls events by the attributes that it names, joined by +", () => {
      const { code, out, err } = count(["-", "--classifier", "MXML Legacy"], staged);
      expect([code, out]).toEqual([0, "case:concept:name,scan+complete,scan+start,duration_minutes\n1,1,1,60\n"]);
      expect(err).not.toContain("all events were counted");
      const group = count(["-", "--classifier", "Group", "--lifecycle", "lifecycle:transition"], staged);
      expect(group.out).toBe("case:concept:name,x+scan,duration_minutes\n1,1,60\n");
    });

    it.each<[string, string[], string, number, string]>([
      [
        "a name that the log has not",
        ["--classifier", "MXML Legaci"],
        staged,
        2,
        'no classifier "MXML Legaci" of events in stdin',
      ],
      [
        "one of traces",
        ["--classifier", "Case"],
        staged,
        2,
        'no classifier "Case" of events in stdin; it has: MXML Legacy, Group',
      ],
      ["a log without any", ["--classifier", "Group"], log(first), 2, "it declares none"],
      [
        "--activity beside it",
        ["--classifier", "Group", "--activity", "a"],
        staged,
        2,
        "--classifier and --activity exclude each other",
      ],
      ["CSV", ["--classifier", "Group", "--format", "csv"], "a,b\n", 2, "--classifier is for XES"],
      [
        "an event that lacks one of the attributes",
        ["--classifier", "Group"],
        log(...declared, first),
        1,
        '(event 1 of trace "1"): no attribute "org group", which the classifier "Group" names',
      ],
      [
        "a quote that is left open",
        ["--classifier", "Q"],
        log(`<classifier name="Q" keys="'a b"/>`, first),
        1,
        `the keys of the classifier "Q" are "'a b": a quote is not closed`,
      ],
      [
        "no keys",
        ["--classifier", "Q"],
        log('<classifier name="Q" keys=" "/>', first),
        1,
        'the classifier "Q" has no keys',
      ],
    ])("refuses %s", (_, args, text, code, message) => {
      const result = count(["-", ...args], text);
      expect([result.code, result.out, result.err]).toEqual([code, "", expect.stringContaining(message)]);
    });
  });

  it("says what became of traces without events, and of those that share a name", () => {
    const { out, err } = count(
      ["-"],
      log(first, trace("3"), trace("1", event("scan", "2024-01-01T13:00:00Z")), "<trace/>"),
    );
    expect(out).toBe("case:concept:name,repair,scan,duration_minutes\n1,1,2,180\n");
    expect(err).toBe(
      [
        "3 events of 1 case and 2 activities: repair, scan",
        "note: 1 trace has the name of an earlier one; each name is one case",
        "note: 2 traces have no events, and no row in the table",
        "",
      ].join("\n"),
    );
  });

  const missing = (what: string, from = first) => log(second, `\n${from.replace(what, "")}`);
  const bomb = `<!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>${log(trace("&b;"))}`;
  it.each<[string, string | Uint8Array, string]>([
    ["nothing", "\n", "stdin, line 2: the log ends too early"],
    [
      "a log cut short",
      log(first).slice(0, -20),
      "stdin, line 1: the log ends too early (unclosed tag: event); is the file cut short?",
    ],
    ["tags that do not match", log("\n<trace></event>"), "stdin, line 2: not well-formed XML: unexpected close tag"],
    ["an unknown entity", log(trace("&nbsp;")), "stdin, line 1: not well-formed XML: undefined entity"],
    ["entities of its own", bomb, "stdin, line 1: not well-formed XML: undefined entity"],
    ["an attribute of XML twice", log('<trace a="1" a="2"/>'), "not well-formed XML: duplicate attribute: a"],
    ["characters that XML has not", log(trace("\u0001")), "not well-formed XML: disallowed character"],
    ["a prefix without a namespace", log("<x:trace/>"), 'not well-formed XML: unbound namespace prefix: "x"'],
    [
      "a sentence of the parser, whose full stop and place are not repeated",
      log("\n<trace a=1/>"),
      "stdin, line 2: not well-formed XML: unquoted attribute value\n",
    ],
    ["another document", "\n<html/>", "stdin, line 2: expected XES, whose root element is <log>, got <html>"],
    ["no events", log(trace("1")), "stdin has no events"],
    [
      "an event outside of a trace",
      log("\n", event("a", "2024-01-01")),
      "line 2: an <event> that does not stand in a <trace>",
    ],
    [
      "an event in an event",
      log(trace("1", event("a", "2024-01-01", event("b", "2024-01-01")))),
      "an <event> that does not",
    ],
    ["a trace in a trace", log(trace("1", first)), "stdin, line 1: a <trace> that does not stand in <log> itself"],
    [
      "a trace without a name",
      missing('<string key="concept:name" value="1"/>'),
      'stdin, line 2 (trace 2): no attribute "concept:name"; if another one says it, name that with --case',
    ],
    [
      "an event without an activity",
      missing('<string key="concept:name" value="repair"/>'),
      'stdin, line 2 (event 2 of trace "1"): no attribute "concept:name"; if another one says it, name that with --activity',
    ],
    [
      "an event without a time",
      missing('<date key="time:timestamp" value="2024-01-01T10:00:00Z"/>'),
      'stdin, line 2 (event 1 of trace "1"): no attribute "time:timestamp"; if another one says it, name that with --timestamp',
    ],
    ["an empty time", missing("2024-01-01T10:00:00Z"), '(event 1 of trace "1"): "time:timestamp" is empty'],
    ["an empty name", log(trace("", event("a", "2024-01-01"))), 'stdin, line 1 (trace 1): "concept:name" is empty'],
    [
      "a time that is none, before another fault",
      log(trace("1", event("a", "yesterday"), "\n<event/>")),
      'stdin, line 1 (event 1 of trace "1"): "time:timestamp" is "yesterday", not a time such as 2017-01-02T11:41:53Z',
    ],
    [
      "an attribute twice",
      log(trace("1", event("a", "2024-01-01", attribute("concept:name", "b")))),
      'stdin, line 1 (event 1 of trace "1"): "concept:name" is given twice',
    ],
    [
      "two names of a trace",
      log(first.replace("</trace>", `${attribute("concept:name", "2")}</trace>`)),
      '(trace "1"): "concept:name" is given twice',
    ],
    [
      "a list as the name",
      log('<trace><list key="concept:name"><values/></list></trace>'),
      'stdin, line 1 (trace 1): "concept:name" has no value',
    ],
    [
      "a name that a terminal would obey",
      log(trace("\u009b31m&#xd;", event("a", "now"))),
      'stdin, line 1 (event 1 of trace "',
    ],
    [
      "UTF-8 that calls itself something else",
      `<?xml version="1.0" encoding="ISO-8859-1"?>${log(trace("é"))}`,
      'stdin calls itself "ISO-8859-1" but is UTF-8 by its bytes',
    ],
    ["Windows-1252", Buffer.from(log(trace("é")), "latin1"), "stdin is not UTF-8 text"],
    ["UTF-16", Buffer.from(`\ufeff${log(first)}`, "utf16le"), "stdin is UTF-16"],
    [
      "zip",
      Buffer.from("PK\u0003\u0004\u0014\0"),
      "stdin is a zip archive: unpack it first (unzip -p FILE | isotone … -)",
    ],
    ["gzip cut short", gzipSync(log(first)).subarray(0, 60), "cannot unpack stdin"],
  ])("refuses %s", (_, text, message) => {
    const { code, out, err } = count(["-", "--format", "xes"], text);
    expect([code, out, err]).toEqual([1, "", expect.stringContaining(message)]);
    expect(err).toMatch(/^isotone: [^\n\r\u009b]*\n$/);
  });

  it("is ASCII where it calls itself something that holds ASCII", () => {
    expect(count(["-"], `<?xml version="1.0" encoding="ISO-8859-1"?>${log(first, second)}`).out).toBe(numbers);
  });
});

describe("XES and CSV of the same events", () => {
  /** What XML 1.0 can hold, awkward things often. */
  const name = fc.oneof(
    fc.constantFrom(
      "__proto__",
      "constructor",
      "case",
      '"',
      "a,b",
      "<event>",
      "&amp;",
      "]]>",
      "a\nb",
      "\r\n",
      "\t",
      " x ",
      "\ufeffx",
      "=1+1",
      "🦉",
      "'",
    ),
    fc
      .string({ unit: "binary", minLength: 1 })
      .filter((text) => text.isWellFormed() && [...text].every((c) => c >= " " && c !== "\ufffe" && c !== "\uffff")),
  );
  const escaped = (text: string) => text.replaceAll(/[<>&"'\n\r\t]/g, (c) => `&#${c.charCodeAt(0)};`);
  const time = fc.tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -840, max: 840 })).map(([ms, shift]) => {
    const local = new Date(ms + shift * 60_000).toISOString().slice(0, -1);
    const [hours, minutes] = [Math.floor(Math.abs(shift) / 60), Math.abs(shift) % 60].map((n) =>
      `${n}`.padStart(2, "0"),
    );
    return `${local}${shift < 0 ? "-" : "+"}${hours}:${minutes}`;
  });
  const stage = fc.constantFrom("start", "complete", "");
  const events = fc.array(fc.record({ activity: name, time, stage }), { minLength: 1, maxLength: 5 });
  const cases = fc.uniqueArray(fc.record({ id: name, events }), {
    minLength: 1,
    maxLength: 5,
    selector: ({ id }) => id,
  });

  const xesOf = (logged: { id: string; events: { activity: string; time: string; stage: string }[] }[]) =>
    log(
      ...logged.map(({ id, events }) =>
        trace(
          escaped(id),
          ...events.map((e) =>
            event(escaped(e.activity), e.time, e.stage === "" ? "" : attribute("lifecycle:transition", e.stage)),
          ),
        ),
      ),
    );

  it("give the same counts, durations and stages, in the same order", async () => {
    const flags = { countOn: "start", unit: "minutes" as const };
    const counted = async (path: string, options: LogOptions) => {
      const { events, cases, activities, stages } = await countEvents(await openLog(path, options), {
        ...flags,
        ...options,
      });
      const rows = [...cases].map(([id, { counts, first, last }]) => [id, [...counts], first, last]);
      return { events, rows, activities: [...activities], stages: [...stages] };
    };
    const lifecycle = fc.constantFrom(undefined, "lifecycle:transition");
    await fc.assert(
      fc.asyncProperty(cases, lifecycle, async (logged, key) => {
        fc.pre(key === undefined || logged.some(({ events }) => events.some((e) => e.stage === "start")));
        const rows = logged.flatMap(({ id, events }) => events.map((e) => [id, e.activity, e.time, e.stage]));
        put("same.csv", csvLines([["case", "activity", "time", "lifecycle:transition"], ...rows]));
        put("same.xes", xesOf(logged));
        const columns = { case: "case", activity: "activity", timestamp: "time" };
        const options = key === undefined ? {} : { lifecycle: key };
        const csv = await counted(join(folder, "same.csv"), { ...columns, ...options });
        const xes = await counted(join(folder, "same.xes"), options);
        // without --lifecycle, CSV has no column of stages
        expect(key === undefined ? { ...xes, stages: csv.stages } : xes).toEqual(csv);
      }),
    );
  });

  it("do not depend on where the file is cut into pieces", async () => {
    const read = async (pieces: string[]) => {
      async function* text() {
        for (const piece of pieces) yield new TextEncoder().encode(piece);
      }
      const all: unknown[] = [];
      for await (const some of openXes("log.xes", text(), {}).events) all.push(...some);
      return all;
    };
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 40 }), async (logged, size) => {
        const characters = [...`\ufeff<?xml version='1.0'?>\r\n${xesOf(logged).replaceAll("><", ">\r\n<")}`];
        const pieces = Array.from({ length: Math.ceil(characters.length / size) }, (_, i) =>
          characters.slice(i * size, (i + 1) * size).join(""),
        );
        expect(await read(pieces)).toEqual(await read([characters.join("")]));
      }),
    );
  });

  it("take the memory of the cases, not of the file", () => {
    // 40 MB of events in a heap of 24 MB; a name that stayed a part of its piece of the file would keep the 32 kB of that piece
    const parts = ["<log>"];
    const more = attribute("org:resource", "y".repeat(80));
    for (let t = 0; t < 2000; t++) {
      const events = Array.from({ length: 80 }, (_, e) =>
        event(`activity number ${e % 7}`, "2024-01-01T10:00:00Z", more),
      );
      parts.push(trace(`application number ${t}`, ...events));
    }
    const text = `${parts.join("\n")}\n</log>`;
    expect(text.length).toBeGreaterThan(3.5e7);
    put("large.xes", text);
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--max-old-space-size=24", cli, "count", "large.xes", "-o", "large.csv"],
      { cwd: folder },
    );
    expect([status, stderr.toString()]).toEqual([
      0,
      expect.stringContaining("160000 events of 2000 cases and 7 activities"),
    ]);
  });
});
