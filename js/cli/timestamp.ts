// A timestamp as event logs write it to milliseconds since 1970.

import { numberIn } from "../cells.js";
import { quote } from "../errors.js";
import { InputError } from "./errors.js";

/** Date, time to the minute at least, zone; also with slashes in the date, as some process mining tools write it. */
const ISO =
  /^(\d{4})([-/])(\d\d)\2(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/i;

/** A timestamp in milliseconds; `epoch`: it is a number of that unit. `where`, called when it is none: what stands before "is …". */
export function readTime(value: string, epoch: "s" | "ms" | undefined, where: () => string): number {
  const text = value.trim();
  const complaint = (why: string) => new InputError(`${where()} is ${quote(value)}${why}`);
  if (epoch !== undefined) {
    const time = numberIn(text) * (epoch === "s" ? 1000 : 1);
    if (Number.isNaN(time)) throw complaint(", not a number");
    // what a Date can hold: 285,616 years to either side of now
    if (Math.abs(time) > 8.64e15) throw complaint(": there is no such time");
    return time;
  }
  const match = ISO.exec(text);
  if (match === null) {
    const hint = /^\d{9,}(\.\d+)?$/.test(text) ? "; for numbers give --epoch s or --epoch ms" : "";
    throw complaint(`, not a time such as 2017-01-02T11:41:53Z${hint}`);
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
  if (back.getUTCMonth() !== mo - 1 || back.getUTCDate() !== d || !inDay) throw complaint(": there is no such time");
  const shift = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  return time + Number(`0.${fraction || "0"}`) * 1000 - shift * 60_000;
}
