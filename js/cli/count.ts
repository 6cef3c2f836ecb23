// isotone count: an event log (CSV, a row an event; or XES) to a table of cases (one row a case): how often each activity occurred, and how long
// the case took. Events may come in any order; memory grows with the cases and activities, not with the events.

import type { Command } from "commander";
import { list, quote } from "../errors.js";
import { csvLines } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { type EventLog, type LogOptions, openLog } from "./event-log.js";
import { oneOf, withCsv, withOutputOptions } from "./options.js";
import { keep, type Output, plural, say, setQuiet, withOutput } from "./output.js";
import { readTime } from "./timestamp.js";

interface Flags extends LogOptions {
  output?: string;
  json?: boolean;
  quiet?: boolean;
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
    .option("--format <format>", "csv or xes (default: XML is XES, as is a file called .xes)", oneOf(["csv", "xes"]))
    .option(
      "--case <column>",
      'which case an event belongs to; XES: an attribute of the trace (default: "concept:name")',
    )
    .option("--activity <column>", 'what was done; XES: an attribute of the event (default: "concept:name")')
    .option("--classifier <name>", "XES: call events by a classifier that the log declares, instead of by --activity")
    .option(
      "--timestamp <column>",
      'when: ISO 8601, e.g. 2017-01-02T11:41:53Z, or 2017/01/02 11:41:53; without a zone it is taken as UTC; XES: an attribute of the event (default: "time:timestamp")',
    )
    .option(
      "--lifecycle <column>",
      "logs with start and complete events: the column, or the attribute of the event, that says which (all events count for the duration)",
    )
    .option("--count-on <word>", "with --lifecycle: the events that count as one activity", "complete")
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
  isotone count log.xes.gz --unit hours -o jobs.csv
  isotone count log.xes --classifier "MXML Legacy Classifier" -o jobs.csv
  isotone count log.xes --lifecycle lifecycle:transition --count-on complete --unit hours -o jobs.csv
  isotone fit jobs.csv --target duration_hours --increasing ... -o model.json`,
    )
    .action(run);
}

interface Case {
  counts: Map<string, number>;
  first: number;
  last: number;
  /** The trace of its latest event. */
  trace: number;
}

/** A log, counted. */
interface Counted {
  events: number;
  /** By id, in the order of their first events. */
  cases: Map<string, Case>;
  activities: Set<string>;
  /** Events of each word of the lifecycle, where the log or the command line names one. */
  stages: Map<string, number>;
  /** Traces whose case began in an earlier one. */
  joined: number;
}

async function run(path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  if (flags.classifier !== undefined && flags.activity !== undefined)
    throw new UsageError("--classifier and --activity exclude each other");
  await withOutput(flags.output, async (output) => {
    await keep(path, flags.output);
    const log = await openLog(path, flags);
    const counted = await countEvents(log, flags);
    const { cases, activities } = counted;
    const columns = [...activities].sort();
    const duration = flags.duration ?? `duration_${flags.unit}`;
    for (const name of [log.keys.case, duration]) {
      if (activities.has(name)) {
        throw new UsageError(
          `an activity is called ${quote(name)}, as is ${name === duration ? "the duration column: name it with --duration" : "the case column: rename one of them"}`,
        );
      }
    }
    if (duration === log.keys.case) throw new UsageError(`--duration: ${quote(duration)} is the case column`);
    await writeCases(output, cases, [log.keys.case, ...columns, duration], flags);
    sayCounted(log, counted, columns, flags);
  });
}

/** Reads the events, in any order. */
export async function countEvents(log: EventLog, flags: Flags): Promise<Counted> {
  const cases = new Map<string, Case>();
  // a word is one string in memory
  const words = new Map<string, string>();
  const word = (text: string): string => {
    let known = words.get(text);
    if (known === undefined) {
      known = own(text);
      words.set(known, known);
    }
    return known;
  };
  const activities = new Set<string>();
  const stages = new Map<string, number>();
  let [events, joined] = [0, 0];
  for await (const some of log.events) {
    for (const event of some) {
      const time = readTime(event.time, flags.epoch, () => `${log.where(event)}: ${quote(log.keys.timestamp)}`);
      let entry = cases.get(event.id);
      if (entry === undefined) {
        entry = { counts: new Map(), first: time, last: time, trace: event.trace };
        cases.set(own(event.id), entry);
      }
      if (entry.trace !== event.trace) {
        joined++;
        entry.trace = event.trace;
      }
      if (time < entry.first) entry.first = time;
      if (time > entry.last) entry.last = time;
      events++;
      const activity = word(event.activity);
      activities.add(activity);
      addOne(stages, word(event.stage));
      if (flags.lifecycle === undefined || event.stage === flags.countOn) addOne(entry.counts, activity);
    }
  }
  if (events === 0) throw new InputError(`${log.name} has ${log.noun === "row" ? "a header but " : ""}no events`);
  if (flags.lifecycle !== undefined && !stages.has(flags.countOn)) {
    throw new UsageError(
      `--count-on: no ${log.noun} of ${quote(flags.lifecycle)} is ${quote(flags.countOn)}; it has: ${list([...stages.keys()])}`,
    );
  }
  return { events, cases, activities, stages, joined };
}

const addOne = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);

/** A text that stands alone in memory: the part of a piece of the file that it may be would keep the whole piece. */
const own = (text: string): string => Buffer.from(text).toString();

/** A row a case: its id, how often each activity of the `header` occurred, its duration. Written some at a time. */
async function writeCases(
  output: Output,
  cases: ReadonlyMap<string, Case>,
  header: readonly string[],
  flags: Flags,
): Promise<void> {
  const columns = header.slice(1, -1);
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
function sayCounted(log: EventLog, counted: Counted, columns: readonly string[], flags: Flags): void {
  const { events, cases, stages, joined } = counted;
  const activities = plural(columns.length, "activity", "activities");
  say(`${plural(events, "event")} of ${plural(cases.size, "case")} and ${activities}: ${list(columns)}`);
  const single = [...cases.values()].filter(({ first, last }) => first === last).length;
  if (single > 0) say(`note: ${plural(single, "case has", "cases have")} a duration of 0 (all events at one time)`);
  if (joined > 0)
    say(`note: ${plural(joined, "trace has", "traces have")} the name of an earlier one; each name is one case`);
  if (flags.lifecycle !== undefined) {
    say(
      `counted ${log.noun}s whose ${quote(flags.lifecycle)} is ${quote(flags.countOn)}: ${stages.get(flags.countOn)} of ${events}`,
    );
  }
  for (const note of log.notes(stages)) say(`note: ${note}`);
}
