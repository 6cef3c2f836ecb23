// Event logs in XES (IEEE 1849-2016), the XML of process miners. In: checked text; out: the events of its traces. Traces and events have attributes,
// elements with a key and a value; what the log itself, its <global> values or other attributes hold is not theirs. One pass; what is kept is the
// trace at hand, and its events only where its name comes after them, which the schema does not allow.

import { isAscii } from "node:buffer";
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from "saxes";
import { emptiness } from "../cells.js";
import { list, quote } from "../errors.js";
import { InputError, UsageError } from "./errors.js";
import type { EventLog, LoggedEvent, LogOptions } from "./event-log.js";
import { plural } from "./output.js";

/** Bytes without a tag after which something must be open: text is skipped, but a comment or a value would grow in memory. */
const MOST_BETWEEN_TAGS = 1 << 26;

/** What the standard's extensions (concept, time, lifecycle) call the attributes. */
const STANDARD = {
  case: "concept:name",
  activity: "concept:name",
  timestamp: "time:timestamp",
  lifecycle: "lifecycle:transition",
};

/** Marks the attributes of a trace where those of events stand beside them, as in tables made of XES. */
const OF_TRACE = "case:";

/** A trace or an event that is being read: where it begins, and the attributes that are asked for. */
interface Open {
  line: number;
  values: Map<string, string>;
}

interface OpenTrace extends Open {
  id?: string;
  events: number;
  /** Events whose case is not known yet. */
  held: LoggedEvent[];
}

/** Elements in, events out. */
class Traces {
  ready: LoggedEvent[] = [];
  count = 0;
  empty = 0;
  #depth = 0;
  /** The namespace of the root; elements of others are skipped. */
  #space = "";
  #trace: OpenTrace | undefined;
  #event: Open | undefined;
  #name: string;
  #keys: typeof STANDARD;
  #missing: ReadonlySet<string>;
  #classifier: string | undefined;
  /** Classifiers of events that the log declares. */
  #declared: string[] = [];
  /** The attributes that together say what was done. */
  naming: readonly string[];
  constructor(name: string, keys: typeof STANDARD, missing: ReadonlySet<string>, classifier?: string) {
    this.#name = name;
    this.#keys = keys;
    this.#missing = missing;
    this.#classifier = classifier;
    this.naming = classifier === undefined ? [keys.activity] : [];
  }

  open(tag: SaxesTagNS, line: number): void {
    const depth = ++this.#depth;
    if (depth === 1) {
      if (tag.local !== "log")
        throw new InputError(
          `${this.#name}, line ${line}: expected XES, whose root element is <log>, got <${tag.name}>`,
        );
      this.#space = tag.uri;
    }
    if (tag.uri !== this.#space) return;
    if (tag.local === "classifier" && depth === 2) this.#declare(tag, line);
    else if (tag.local === "trace") {
      if (this.naming.length === 0) throw this.#noClassifier();
      if (depth !== 2)
        throw new InputError(`${this.#name}, line ${line}: a <trace> that does not stand in <log> itself`);
      this.count++;
      this.#trace = { line, values: new Map(), events: 0, held: [] };
    } else if (tag.local === "event") {
      if (depth !== 3 || this.#trace === undefined)
        throw new InputError(`${this.#name}, line ${line}: an <event> that does not stand in a <trace>, its case`);
      this.#trace.events++;
      this.#event = { line, values: new Map() };
    } else if (depth === 3 && this.#trace) this.#attribute(this.#trace, tag, [this.#keys.case]);
    else if (depth === 4 && this.#event) {
      const { timestamp, lifecycle } = this.#keys;
      this.#attribute(this.#event, tag, [...this.naming, timestamp, lifecycle]);
    }
  }

  /** A classifier of events: keys with white space between, those that hold some in quotes. */
  #declare({ attributes }: SaxesTagNS, line: number): void {
    const [name, keys, scope] = ["name", "keys", "scope"].map(
      (key) => (attributes[key] as SaxesAttributeNS | undefined)?.value ?? "",
    );
    if (scope === "trace") return;
    this.#declared.push(name);
    if (name !== this.#classifier) return;
    const bad = (why: string) => new InputError(`${this.#name}, line ${line}: the ${why}`);
    if (keys.split("'").length % 2 === 0)
      throw bad(`keys of the classifier ${quote(name)} are ${quote(keys)}: a quote is not closed`);
    this.naming = (keys.match(/'[^']*'|[^\s']+/g) ?? []).map((key) => key.replaceAll("'", ""));
    if (this.naming.length === 0) throw bad(`classifier ${quote(name)} has no keys`);
  }

  #noClassifier(): UsageError {
    const others = this.#declared.length > 0 ? `it has: ${list(this.#declared)}` : "it declares none";
    return new UsageError(
      `--classifier: no classifier ${quote(this.#classifier as string)} of events in ${this.#name}; ${others}`,
    );
  }

  close(): void {
    const depth = --this.#depth;
    const trace = this.#trace;
    if (trace === undefined) return;
    if (depth === 2 && this.#event) {
      this.#endEvent(this.#event, trace);
      this.#event = undefined;
    } else if (depth === 1) {
      if (trace.events === 0) this.empty++;
      else this.#needed(trace, "case");
      this.#trace = undefined;
    }
    if (depth === 2) this.#release(trace);
  }

  #attribute(of: Open, { attributes }: SaxesTagNS, wanted: readonly string[]): void {
    const key = (attributes.key as SaxesAttributeNS | undefined)?.value;
    if (key === undefined || !wanted.includes(key)) return;
    const value = (attributes.value as SaxesAttributeNS | undefined)?.value;
    if (value === undefined) throw new InputError(`${this.#where()}: ${quote(key)} has no value`);
    if (of.values.has(key)) throw new InputError(`${this.#where()}: ${quote(key)} is given twice`);
    of.values.set(key, value);
  }

  #endEvent(event: Open, trace: OpenTrace): void {
    trace.held.push({
      id: "",
      activity: this.naming.map((key) => this.#needed(event, "activity", key)).join("+"),
      time: this.#needed(event, "timestamp"),
      stage: event.values.get(this.#keys.lifecycle) ?? "",
      line: event.line,
      trace: this.count,
      place: trace.events,
    });
  }

  /** Events are ready once the case of their trace is known. */
  #release(trace: OpenTrace): void {
    if (trace.id === undefined && !trace.values.has(this.#keys.case)) return;
    trace.id ??= this.#needed(trace, "case");
    for (const event of trace.held) {
      event.id = trace.id;
      this.ready.push(event);
    }
    trace.held.length = 0;
  }

  #needed(of: Open, which: "case" | "activity" | "timestamp", key = this.#keys[which]): string {
    const value = of.values.get(key);
    if (value === undefined) {
      const mend =
        which === "activity" && this.#classifier !== undefined
          ? `, which the classifier ${quote(this.#classifier)} names`
          : `; if another one says it, name that with --${which}`;
      throw new InputError(`${this.#where()}: no attribute ${quote(key)}${mend}`);
    }
    if (this.#missing.has(value)) throw new InputError(`${this.#where()}: ${quote(key)} is ${emptiness(value)}`);
    return value;
  }

  /** The event at hand, or else the trace. */
  #where(): string {
    const { id, events, line } = this.#trace as OpenTrace;
    const trace = id === undefined ? `trace ${this.count}` : `trace ${quote(id)}`;
    if (this.#event === undefined) return `${this.#name}, line ${line} (${trace})`;
    return `${this.#name}, line ${this.#event.line} (event ${events} of ${trace})`;
  }
}

/** XML to traces; what was read of a piece before a fault comes first, since it may be at fault as well. */
async function* eventsOf(
  name: string,
  text: AsyncIterable<Uint8Array>,
  traces: Traces,
): AsyncGenerator<LoggedEvent[], void, undefined> {
  const parser = new SaxesParser({ xmlns: true });
  let since = 0;
  let encoding = "";
  let ended = false;
  parser.on("error", ({ message }) => {
    const why = message.replace(/^\d+:\d+: |\.$/g, "");
    if (ended)
      throw new InputError(`${name}, line ${parser.line}: the log ends too early (${why}); is the file cut short?`);
    throw new InputError(`${name}, line ${parser.line}: not well-formed XML: ${why}`);
  });
  parser.on("xmldecl", (declared) => {
    encoding = declared.encoding ?? "";
  });
  parser.on("opentag", (tag) => {
    since = 0;
    traces.open(tag, parser.line);
  });
  parser.on("closetag", () => {
    since = 0;
    traces.close();
  });
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const take = () => traces.ready.splice(0);
  try {
    for await (const bytes of text) {
      parser.write(decoder.decode(bytes));
      if (encoding !== "" && !/^(utf-?8|us-ascii)$/i.test(encoding) && !isAscii(bytes)) {
        throw new InputError(
          `${name} calls itself ${quote(encoding)} but is UTF-8 by its bytes: put encoding="UTF-8" in its first line`,
        );
      }
      since += bytes.length;
      if (since > MOST_BETWEEN_TAGS)
        throw new InputError(`${name}, line ${parser.line}: 64 MB without a tag; is a comment or a quote left open?`);
      yield take();
    }
    ended = true;
    parser.close();
  } catch (error) {
    yield take();
    throw error;
  }
}

/** Opens a log in XES. */
export function openXes(name: string, text: AsyncIterable<Uint8Array>, options: LogOptions): EventLog {
  const keys = { ...STANDARD };
  for (const which of ["case", "activity", "timestamp", "lifecycle"] as const)
    keys[which] = options[which] ?? keys[which];
  if (keys.case.startsWith(OF_TRACE)) keys.case = keys.case.slice(OF_TRACE.length);
  const traces = new Traces(name, keys, new Set(["", ...(options.na ?? [])]), options.classifier);
  return {
    name,
    noun: "event",
    keys: { ...keys, case: OF_TRACE + keys.case },
    events: eventsOf(name, text, traces),
    where: ({ id, line, place }) => `${name}, line ${line} (event ${place} of trace ${quote(id)})`,
    notes(stages) {
      const notes: string[] = [];
      if (traces.empty > 0)
        notes.push(`${plural(traces.empty, "trace has", "traces have")} no events, and no row in the table`);
      // a classifier may tell the stages apart
      if (options.lifecycle === undefined && stages.size > 1 && !traces.naming.includes(keys.lifecycle)) {
        const kinds = [...stages].map(([stage, n]) => `${n} ${stage === "" ? "without" : stage}`);
        const complete = [...stages.keys()].find((stage) => /^complete$/i.test(stage));
        const mend =
          complete === undefined
            ? "--lifecycle and --count-on count those of one"
            : `to count those that say ${complete}: --lifecycle ${keys.lifecycle} --count-on ${complete}`;
        notes.push(`all events were counted, whatever their ${keys.lifecycle} (${list(kinds, 6)}); ${mend}`);
      }
      return notes;
    },
  };
}
