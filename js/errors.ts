// Errors, worded in one way: which argument, what was expected, what came. In: names and values; out: Error objects, built only when thrown.
// TypeError is a wrong kind of thing, RangeError a wrong value, ModelFormatError a model file that cannot be used, AbortError a cancelled fit.

/**
 * A model file that cannot be used: not a model, a version this library does not read, a field that is wrong, or weights that break a
 * constraint the model declares. The message names the field.
 *
 * @example
 * ```ts
 * import { load, ModelFormatError } from "isotone";
 * try {
 *   load("{}");
 * } catch (error) {
 *   if (error instanceof ModelFormatError) console.log(error.message);
 * }
 * ```
 */
export class ModelFormatError extends Error {
  override name = "ModelFormatError";
}

/** What a cancelled `fit` rejects with, as `fetch` does. */
export function abortError(): Error {
  return new DOMException("The fit was aborted", "AbortError");
}

/** How every message says what is wrong: `"where" expected …, got …`; `lead` goes before. */
export const complaint = (where: string, expected: string, got: unknown, lead = ""): string =>
  `${lead}${quote(where)} expected ${expected}, got ${show(got)}`;

/** A wrong kind of thing. */
export const typeError = (...what: Parameters<typeof complaint>): TypeError => new TypeError(complaint(...what));

/** A wrong value. */
export const rangeError = (...what: Parameters<typeof complaint>): RangeError => new RangeError(complaint(...what));

/** For what should be a number: a wrong value, or a wrong kind of thing. */
export const numberError = (...what: Parameters<typeof complaint>): Error =>
  (typeof what[2] === "number" ? rangeError : typeError)(...what);

/** For what may be a word: a wrong word is a wrong value. */
export const wordError = (...what: Parameters<typeof complaint>): Error =>
  (typeof what[2] === "string" ? rangeError : typeError)(...what);

/** For what may be a word or a number: a wrong one is a wrong value. */
export const choiceError = (...what: Parameters<typeof complaint>): Error =>
  (typeof what[2] === "string" ? rangeError : numberError)(...what);

/** What is expected of most numbers: a row's, and a model file's that take part in a prediction. */
export const FINITE = "a finite number within float32";

/** A name in quotes, shortened, control characters escaped. */
export function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name);
}

/** What kind of object something is, whichever realm it comes from: "Date" of one. */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);

/** A value as it may stand in a message. */
export function show(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const tag = tagOf(value);
  return tag === "Object" ? "an object" : `a value of type ${tag}`;
}

/** Up to `most` names in a row, the rest counted; in quotes where they hold more than letters of ASCII, digits, _ . - and spaces. */
export function list(names: readonly string[], most = 12): string {
  const head = names.slice(0, most).map((name) => (/^[\w. -]{1,40}$/.test(name) ? name : quote(name)));
  return head.join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
}

/**
 * Whether something is names and values, of a class with a tag of its own too: a Map, an array, a date or a promise would be read as if it had none. What
 * is made by the host has its values elsewhere than under names.
 */
export const isPlain = (value: unknown): value is object =>
  /^(Object|Module)$/.test(tagOf(value)) ||
  (typeof value === "object" && value !== null && !(Symbol.iterator in value) && Object.keys(value).length > 0);

/** Refuses options that there are none of. `options`: their names, `of`: what they are options of, `where`: the path of the object. */
export function onlyOptions(given: object, options: string, of: string, where = ""): void {
  if (!isPlain(given)) throw typeError(where.slice(0, -1) || "options", "an object", given);
  const names = options.split(" ");
  for (const name of Object.keys(given)) {
    if (names.includes(name)) continue;
    throw new RangeError(
      `${quote(where + name)} is not an option of ${of}${suggest(name, names) || `; options: ${list(names, 24)}`}`,
    );
  }
}

/** `; did you mean "epochs"?` when one of the names is at most two edits away and shares a letter, else nothing. */
export function suggest(name: string, names: readonly string[]): string {
  let best = "";
  let least = Math.min(3, name.length, Math.max(2, Math.ceil(name.length / 2)));
  for (const candidate of names.slice(0, 1000)) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = edits(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best === "" ? "" : `; did you mean ${quote(best)}?`;
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
