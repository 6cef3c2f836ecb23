// What a command may fail with. UsageError: the command line is wrong (exit 2). InputError: a file or its content is (exit 1).

import { InputError } from "../cells.js";
import { quote } from "../errors.js";

/** The command line itself is wrong. */
export class UsageError extends Error {
  override name = "UsageError";
}

export { InputError };

/** What the library says of an option, as the command line calls it; any other error as it is. */
export function inFlags(error: unknown): unknown {
  const said = error instanceof RangeError ? error.message : "";
  const name = /^"(table|keep|as)" (expected a name that .*)$/s.exec(said);
  if (name) return new UsageError(`--${name[1]} ${name[2]}`);
  // the categories are those of the file
  const unknown = /^"features\.(.*)\.unknown" (expected one of the categories .*)$/s.exec(said);
  return unknown ? new InputError(`--unknown: ${quote(unknown[1])} ${unknown[2]}`) : error;
}

/** An error of the operating system in plain words. */
export function fileError(doing: "read" | "write", path: string, error: unknown): InputError {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === "ENOENT"
      ? doing === "read"
        ? "there is no such file"
        : "its folder does not exist"
      : code === "EACCES" || code === "EPERM" || code === "EROFS"
        ? "permission denied"
        : code === "EISDIR"
          ? "it is a folder"
          : code === "ENOTDIR"
            ? "part of its path is not a folder"
            : code === "ELOOP"
              ? "it is a link that leads to itself"
              : code === "ENOSPC"
                ? "the disk is full"
                : error instanceof Error
                  ? error.message
                  : String(error);
  return new InputError(`cannot ${doing} ${path === "" ? '""' : path}: ${why}`);
}
