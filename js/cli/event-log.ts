// An event log, of whichever format, to its events: case, activity and time as the file has them, and where they stand. CSV: a row is an event.
// XES: xes.ts.

import { emptiness } from "../cells.js";
import { quote } from "../errors.js";
import { type CsvOptions, type CsvRecord, columnIndex, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { openText, startOf } from "./text.js";
import { openXes } from "./xes.js";

/** Where the parts of an event are found: columns of CSV, keys of XES attributes. */
export interface LogOptions extends CsvOptions {
  format?: "csv" | "xes";
  case?: string;
  activity?: string;
  timestamp?: string;
  lifecycle?: string;
  /** XES: the declared classifier that names events. */
  classifier?: string;
}

/** One event; none of its texts is missing but the stage, which is "" then. */
export interface LoggedEvent {
  id: string;
  activity: string;
  time: string;
  /** What the lifecycle attribute says. */
  stage: string;
  line: number;
  /** Which of the traces it stands in, counted from 1, and its place there; 0 in a log that has none. */
  trace: number;
  place: number;
}

/** An open event log. */
export interface EventLog {
  /** For messages: the path, or "stdin". */
  name: string;
  /** What messages call an event. */
  noun: "row" | "event";
  /** Names of the columns or keys in use; `case` is also what the table of cases calls its first column. */
  keys: { case: string; activity: string; timestamp: string };
  /** Some at a time, in the order of the file. */
  events: AsyncGenerator<Iterable<LoggedEvent>, void, undefined>;
  /** File, line and place of an event, for messages. */
  where(event: LoggedEvent): string;
  /** What was strange, once all events are read. `stages`: how many of them have each word of the lifecycle. */
  notes(stages: ReadonlyMap<string, number>): string[];
}

/** Opens a log. XES is known by its name or, as XML, by its first character. */
export async function openLog(path: string, options: LogOptions): Promise<EventLog> {
  const name = path === "-" ? "stdin" : path;
  const { first, text } = await startOf(openText(path, name));
  const xes = options.format === undefined ? first === "<" || /\.xes(\.gz)?$/i.test(path) : options.format === "xes";
  return xes ? openXes(name, text, options) : csvLog(path, text, options);
}

/** Rows of CSV as events. */
async function csvLog(path: string, text: AsyncGenerator<Uint8Array>, options: LogOptions): Promise<EventLog> {
  if (options.classifier !== undefined) throw new UsageError("--classifier is for XES: CSV has --activity <column>");
  const given = (option: "case" | "activity" | "timestamp"): string => {
    const name = options[option];
    if (name === undefined) throw new UsageError(`a log in CSV needs --${option} <column>`);
    return name;
  };
  const keys = { case: given("case"), activity: given("activity"), timestamp: given("timestamp") };
  const { lifecycle } = options;
  const file = await openCsv(path, options, text);
  const at = (["case", "activity", "timestamp"] as const).map((key) => columnIndex(file, keys[key], `--${key}`));
  const lifecycleAt = lifecycle === undefined ? -1 : columnIndex(file, lifecycle, "--lifecycle");
  function* eventsOf(records: readonly CsvRecord[]): Generator<LoggedEvent> {
    for (const { cells, line } of records) {
      const [id, activity, time] = at.map((place) => {
        const cell = cells[place] as string;
        if (!file.missing.has(cell)) return cell;
        throw new InputError(
          `${file.name}, line ${line}: ${quote(file.header[place] as string)} is ${emptiness(cell)}`,
        );
      }) as [string, string, string];
      yield { id, activity, time, stage: cells[lifecycleAt] ?? "", line, trace: 0, place: 0 };
    }
  }
  async function* events(): AsyncGenerator<Iterable<LoggedEvent>> {
    for await (const records of file.records) yield eventsOf(records);
  }
  const suspect = file.header.some((name) => /lifecycle|transition|registration_type/i.test(name));
  return {
    name: file.name,
    noun: "row",
    keys,
    events: events(),
    where: ({ line }) => `${file.name}, line ${line}`,
    notes: () =>
      lifecycle === undefined && suspect
        ? ["every row was counted; if start and complete are rows of their own, name their column with --lifecycle"]
        : [],
  };
}
