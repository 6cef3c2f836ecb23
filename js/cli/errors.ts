// What a command may fail with. UsageError: the command line is wrong (exit 2). InputError: a file or its content is (exit 1).

/** The command line itself is wrong. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** A file cannot be read or written, or holds something that cannot be used. */
export class InputError extends Error {
  override name = "InputError";
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
            : code === "ENOSPC"
              ? "the disk is full"
              : error instanceof Error
                ? error.message
                : String(error);
  return new InputError(`cannot ${doing} ${path}: ${why}`);
}
