// isotone count: an event log (one row an event) to a table of cases (one row a case): how often each activity occurred, and how long the
// case took. Events may come in any order; memory grows with the cases and activities, not with the events.

import type { Command } from "commander";
import { list, quote } from "../errors.js";
import { type CsvFile, columnIndex, csvLines, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { oneOf, withCsv, withOutputOptions } from "./options.js";
import { type Output, say, setQuiet, withOutput } from "./output.js";

interface Flags {
  output?: string;
  json?: boolean;
  quiet?: boolean;
  delimiter?: string;
  na?: string[];
  case: string;
  activity: string;
  timestamp: string;
  lifecycle?: string;
  countOn: string;
  unit: keyof typeof UNITS;
  duration?: string;
  epoch?: "s" | "ms";
}

const UNITS = { seconds: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 };

export function addCount(program: Command): void {
  const command = program
    .command("count <file>")
    .description("turn an event log into counts of activities and the duration of each case")
    .requiredOption("--case <column>", "which case an event belongs to")
    .requiredOption("--activity <column>", "what was done")
    .requiredOption(
      "--timestamp <column>",
      "when: ISO 8601, e.g. 2017-01-02T11:41:53Z, or 2017/01/02 11:41:53; without a zone it is taken as UTC",
    )
    .option(
      "--lifecycle <column>",
      "logs with start and complete rows: the column that says which (all rows count for the duration)",
    )
    .option("--count-on <word>", "with --lifecycle: the rows that count as one activity", "complete")
    .option("--unit <unit>", "of the duration: seconds, minutes, hours or days", oneOf(Object.keys(UNITS)), "minutes")
    .option("--duration <column>", 'name of the duration column (default: "duration_" and the unit)')
    .option("--epoch <unit>", "timestamps are numbers: s or ms since 1970", oneOf(["s", "ms"]));
  withOutputOptions(withCsv(command), "a JSON array of objects, one a line")
    .addHelpText(
      "after",
      `
Examples:
  isotone count events.csv --case id --activity name --timestamp time -o jobs.csv
  isotone count events.csv --case patient --activity handling --timestamp time --lifecycle registration_type --unit hours -o jobs.csv
  isotone fit jobs.csv --target duration_hours --increasing ... -o model.json`,
    )
    .action(run);
}

interface Case {
  counts: Map<string, number>;
  first: number;
  last: number;
}

/** A log, counted. */
interface Counted {
  events: number;
  /** By id, in the order of their first events. */
  cases: Map<string, Case>;
  activities: Set<string>;
  /** Events of each word in the lifecycle column, where one is named. */
  stages: Map<string, number>;
}

async function run(path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  await withOutput(flags.output, async (output) => {
    const file = await openCsv(path, flags);
    const counted = await countEvents(file, flags);
    const { cases, activities } = counted;
    const columns = [...activities].sort();
    const duration = flags.duration ?? `duration_${flags.unit}`;
    for (const name of [flags.case, duration]) {
      if (activities.has(name)) {
        throw new UsageError(
          `an activity is called ${quote(name)}, as is ${name === duration ? "the duration column: name it with --duration" : "the case column: rename one of them"}`,
        );
      }
    }
    if (duration === flags.case) throw new UsageError(`--duration: ${quote(duration)} is the case column`);
    await writeCases(output, cases, columns, duration, flags);
    sayCounted(file, counted, columns, flags);
  });
}

/** Reads the events, in any order. */
async function countEvents(file: CsvFile, flags: Flags): Promise<Counted> {
  const caseAt = columnIndex(file, flags.case, "--case");
  const activityAt = columnIndex(file, flags.activity, "--activity");
  const timeAt = columnIndex(file, flags.timestamp, "--timestamp");
  const lifecycleAt = flags.lifecycle === undefined ? -1 : columnIndex(file, flags.lifecycle, "--lifecycle");
  const cases = new Map<string, Case>();
  const activities = new Set<string>();
  const stages = new Map<string, number>();
  let events = 0;
  for await (const records of file.records) {
    for (const { cells, line } of records) {
      const id = cellOf(file, cells, caseAt, line);
      const activity = cellOf(file, cells, activityAt, line);
      const time = readTime(file, cellOf(file, cells, timeAt, line), line, flags);
      const entry = cases.get(id) ?? { counts: new Map(), first: time, last: time };
      cases.set(id, entry);
      if (time < entry.first) entry.first = time;
      if (time > entry.last) entry.last = time;
      events++;
      activities.add(activity);
      if (lifecycleAt >= 0) {
        const stage = cells[lifecycleAt] as string;
        addOne(stages, stage);
        if (stage !== flags.countOn) continue;
      }
      addOne(entry.counts, activity);
    }
  }
  if (events === 0) throw new InputError(`${file.name} has a header but no events`);
  if (lifecycleAt >= 0 && !stages.has(flags.countOn)) {
    throw new UsageError(
      `--count-on: no row of ${quote(flags.lifecycle as string)} is ${quote(flags.countOn)}; it has: ${list([...stages.keys()])}`,
    );
  }
  return { events, cases, activities, stages };
}

const addOne = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

/** A row a case: its id, how often each of the `columns` occurred, its duration. Written some at a time. */
async function writeCases(
  output: Output,
  cases: ReadonlyMap<string, Case>,
  columns: readonly string[],
  duration: string,
  flags: Flags,
): Promise<void> {
  const header = [flags.case, ...columns, duration];
  let lines: (string | number)[][] = [];
  let written = 0;
  const flush = async () => {
    if (flags.json) {
      const objects = lines.map((row) => JSON.stringify(Object.fromEntries(row.map((value, i) => [header[i], value]))));
      if (objects.length > 0) await output.write(`${written === 0 ? "\n" : ",\n"}${objects.join(",\n")}`);
    } else if (lines.length > 0) await output.write(csvLines(lines, flags.delimiter));
    written += lines.length;
    lines = [];
  };
  await output.write(flags.json ? "[" : csvLines([header], flags.delimiter));
  for (const [id, { counts, first, last }] of cases) {
    lines.push([id, ...columns.map((name) => counts.get(name) ?? 0), (last - first) / UNITS[flags.unit]]);
    if (lines.length === 1024) await flush();
  }
  await flush();
  if (flags.json) await output.write("\n]\n");
}

/** What was counted, and what looks strange about it. */
function sayCounted(file: CsvFile, { events, cases, stages }: Counted, columns: readonly string[], flags: Flags): void {
  say(`${events} events of ${cases.size} cases and ${columns.length} activities: ${list(columns)}`);
  const single = [...cases.values()].filter(({ first, last }) => first === last).length;
  if (single > 0)
    say(`note: ${single} ${single === 1 ? "case has" : "cases have"} a duration of 0 (all events at one time)`);
  if (flags.lifecycle !== undefined) {
    say(
      `counted rows whose ${quote(flags.lifecycle)} is ${quote(flags.countOn)}: ${stages.get(flags.countOn)} of ${events}`,
    );
  } else if (file.header.some((name) => /lifecycle|transition|registration_type/i.test(name))) {
    say("note: every row was counted; if start and complete are rows of their own, name their column with --lifecycle");
  }
}

function cellOf(file: CsvFile, cells: string[], at: number, line: number): string {
  const cell = cells[at] as string;
  if (file.missing.has(cell))
    throw new InputError(`${file.name}, line ${line}: ${quote(file.header[at] as string)} is empty`);
  return cell;
}

/** Date, time to the minute at least, zone; also with slashes in the date, as some process mining tools write it. */
const ISO =
  /^(\d{4})([-/])(\d\d)\2(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

/** A timestamp in milliseconds. */
function readTime(file: CsvFile, cell: string, line: number, flags: Flags): number {
  const where = `${file.name}, line ${line}: ${quote(flags.timestamp)} is ${quote(cell)}`;
  const text = cell.trim();
  if (flags.epoch !== undefined) {
    const value = text === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) throw new InputError(`${where}, not a number`);
    return flags.epoch === "s" ? value * 1000 : value;
  }
  const match = ISO.exec(text);
  if (match === null) {
    const hint = /^\d{9,}(\.\d+)?$/.test(text) ? "; for numbers give --epoch s or --epoch ms" : "";
    throw new InputError(`${where}, not a time such as 2017-01-02T11:41:53Z${hint}`);
  }
  const [, year, , month, day, hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] =
    match as unknown as string[];
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
  // not Date.UTC, which takes the year 1 for 1901; Date counts on where a part is too large: 30 February is 2 March
  const back = new Date(0);
  back.setUTCFullYear(y, mo - 1, d);
  const time = back.setUTCHours(h, mi, s);
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d\d):?(\d\d)?$/.exec(zone) ?? [];
  const inDay = h <= 23 && mi <= 59 && s <= 59 && Number(hours) <= 23 && Number(minutes) <= 59;
  if (back.getUTCMonth() !== mo - 1 || back.getUTCDate() !== d || !inDay)
    throw new InputError(`${where}: there is no such time`);
  const shift = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  return time + Number(`0.${fraction || "0"}`) * 1000 - shift * 60_000;
}
