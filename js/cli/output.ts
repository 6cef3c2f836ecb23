// Where results and talk go. stdout is data and stderr is talk; a file is written beside its place and renamed when it is complete, so that a
// failed command leaves nothing half-written and an older file as it was.

import { rmSync, writeFileSync } from "node:fs";
import { access, constants, type FileHandle, open, readlink, realpath, rename, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileError, UsageError } from "./errors.js";

const unfinished = new Set<string>();
let quiet = false;

/** Removes what unfinished commands wrote; called at exit. */
export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { force: true });
  unfinished.clear();
}

/** Turns talk off (--quiet). */
export function setQuiet(on: boolean): void {
  quiet = on;
}

/** One line of talk on stderr. */
export function say(line: string): void {
  if (!quiet) process.stderr.write(`${printable(line)}\n`);
}

/** 1 row, 2 rows. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Text as a terminal may be given it: what a file holds must not move the cursor or change colours. */
export function printable(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A place for results: stdout, or a file that appears when `close` is called. */
export interface Output {
  /** For talk: the path, or "stdout". */
  readonly name: string;
  write(chunk: string | Uint8Array): Promise<void>;
  close(): Promise<void>;
  /** Forgets what was written. */
  discard(): Promise<void>;
}

/** The file that a path of none yet leads to, through links. */
async function endOfLinks(path: string): Promise<string> {
  const next = await readlink(path).catch(() => undefined);
  return next === undefined ? path : endOfLinks(resolve(dirname(path), next));
}

/** Whether two paths are one file, through whatever links. */
async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev && one.isFile();
}

/** Refuses a result that would take the place of what it is made from. */
export async function keep(path: string, output: string | undefined, what = "the file that is read"): Promise<void> {
  if (output !== undefined && path !== "-" && (await isSameFile(path, output)))
    throw new UsageError(`-o ${output} is ${what}: name another file`);
}

/** Opens stdout (`-` or nothing) or a file; fails now, before any work, when it cannot be written. */
export async function openOutput(path: string | undefined): Promise<Output> {
  if (path === undefined || path === "-") {
    return {
      name: "stdout",
      write: (chunk) =>
        new Promise<void>((resolve, reject) => {
          process.stdout.write(chunk, (error) => (error ? reject(error) : resolve()));
        }).catch((error) => cannotWrite("stdout", error)),
      close: async () => {},
      discard: async () => {},
    };
  }
  const place = await stat(path).catch((error) => {
    if (error.code === "ELOOP" || path === "") throw fileError("write", path, error);
  });
  if (place?.isDirectory()) throw fileError("write", path, { code: "EISDIR" });
  if (place !== undefined && !place.isFile()) return openSpecial(path);
  let file: FileHandle;
  let end = path;
  let beside = "";
  try {
    // through links to the file itself, and only where that may be written
    end = await (place === undefined ? endOfLinks : realpath)(path);
    if (place !== undefined) await access(end, constants.W_OK);
    beside = join(dirname(end), `.${basename(end).slice(0, 200)}.${process.pid}.part`);
    // at once, so that a signal never finds a file that nobody knows of
    unfinished.add(beside);
    writeFileSync(beside, "");
    file = await open(beside, "r+");
  } catch (error) {
    unfinished.delete(beside);
    throw fileError("write", path, error);
  }
  // an older file that others may not read stays so; some file systems have no modes
  if (place !== undefined) await file.chmod(place.mode & 0o777).catch(() => {});
  return {
    name: path,
    async write(chunk) {
      try {
        await file.appendFile(chunk);
      } catch (error) {
        throw fileError("write", path, error);
      }
    },
    async close() {
      try {
        await file.close();
        await rename(beside, end);
      } catch (error) {
        throw fileError("write", path, error);
      }
      unfinished.delete(beside);
    },
    async discard() {
      await file.close().catch(() => {});
      rmSync(beside, { force: true });
      unfinished.delete(beside);
    },
  };
}

/** Ends the command where the reader of a pipe has seen enough (| head), which is no failure; else says why nothing can be written. */
export function cannotWrite(name: string, error: NodeJS.ErrnoException): never {
  removeUnfinished();
  if (error.code === "EPIPE") process.exit(0);
  throw fileError("write", name, error);
}

/** A device or a pipe (/dev/stdout, /dev/null, a named pipe): written in place, there is nothing to rename. */
async function openSpecial(path: string): Promise<Output> {
  let file: FileHandle;
  try {
    file = await open(path, "w");
  } catch (error) {
    throw fileError("write", path, error);
  }
  return {
    name: path,
    write: (chunk) => file.appendFile(chunk).catch((error) => cannotWrite(path, error)),
    close: () => file.close().catch((error) => cannotWrite(path, error)),
    discard: () => file.close().catch(() => {}),
  };
}

/** Runs `work` with an output: complete when it returns, nothing left of it when it throws. */
export async function withOutput<T>(path: string | undefined, work: (output: Output) => Promise<T>): Promise<T> {
  const output = await openOutput(path);
  let result: T;
  try {
    result = await work(output);
  } catch (error) {
    await output.discard();
    throw error;
  }
  await output.close();
  return result;
}

/** A line on stderr that is drawn over itself; silent unless stderr is a terminal. Without a share there is no bar, only the text. */
export function progressBar(): { draw(share: number | undefined, text: string): void; clear(): void } {
  const terminal = process.stderr.isTTY === true && !quiet;
  let drawn = 0;
  return {
    draw(share, text) {
      const now = Date.now();
      if (!terminal || (now - drawn < 80 && share !== 1)) return;
      drawn = now;
      let line = printable(text);
      if (share !== undefined) {
        const width = 24;
        const full = Math.max(0, Math.min(width, Math.round(share * width)));
        const percent = `${Math.floor(100 * Math.max(0, Math.min(1, share)))}`.padStart(3);
        line = `${"█".repeat(full)}${"░".repeat(width - full)} ${percent} %  ${line}`;
      }
      process.stderr.write(`\r${line.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))}\x1b[K`);
    },
    clear() {
      if (terminal && drawn > 0) process.stderr.write("\r\x1b[K");
    },
  };
}

/** Rows of cells as aligned text: names to the left, numbers to the right. */
export function textTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows].map((row) =>
    row.map((cell) => (typeof cell === "number" ? digits(cell) : oneLine(cell))),
  );
  const widths = header.map((_, c) => Math.max(...cells.map((row) => [...(row[c] ?? "")].length)));
  const right = header.map((_, c) => rows.length > 0 && rows.every((row) => isNumber(row[c])));
  return cells
    .map((row) =>
      row
        .map((cell, c) => {
          const space = " ".repeat((widths[c] as number) - [...cell].length);
          return right[c] ? space + cell : cell + space;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
    .concat("\n");
}

/** A number, a percentage, or a dash in the place of one. */
function isNumber(cell: string | number): boolean {
  return typeof cell === "number" || /^(-|-?\d[\d.]*(e[+-]?\d+)?( %)?)$/.test(cell);
}

/** A number to four significant digits, without an exponent where that stays short. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
  const size = Math.abs(value);
  if (size >= 1e9 || (size < 1e-4 && size > 0)) return value.toExponential(3);
  return String(size >= 1000 ? Math.round(value * 10) / 10 : Number(value.toPrecision(4)));
}

function oneLine(text: string): string {
  const line = printable(text).replaceAll("\n", "\\n");
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
