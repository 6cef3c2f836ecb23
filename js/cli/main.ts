// The command line: reads what was asked, runs one command, turns every failure into one line on stderr and an exit code:
// 0 done, 1 failed (a file or its content), 2 wrong usage.

import { Command, CommanderError } from "commander";
import { VERSION } from "../version.js";
import { addAudit } from "./audit.js";
import { addCount } from "./count.js";
import { addCv } from "./cv.js";
import { InputError, inFlags, UsageError } from "./errors.js";
import { addExplain } from "./explain.js";
import { addExport } from "./export.js";
import { addFit } from "./fit.js";
import { addMerge } from "./merge.js";
import { printable, removeUnfinished } from "./output.js";
import { addPredict } from "./predict.js";
import { addReport } from "./report.js";
import { addScan } from "./scan.js";
import { addSensitivity } from "./sensitivity.js";

const program = new Command("isotone")
  .description(
    "Monotonic regression from CSV files: models whose predictions never move the wrong way, and whose partial derivatives prove it.",
  )
  .version(VERSION)
  .exitOverride()
  .showHelpAfterError("(add --help for the options and examples)")
  .configureHelp({ showGlobalOptions: false })
  .addHelpText(
    "after",
    `
Examples:
  isotone fit jobs.csv --target minutes --increasing scan,repair --decreasing staff --free hour -o model.json
  isotone predict model.json new.csv -o predictions.csv
  isotone sensitivity model.json jobs.csv
  isotone report model.json jobs.csv -o report.html

Results go to stdout (or -o), everything else to stderr. "-" reads stdin. Exit code: 0 done, 1 failed, 2 wrong usage.`,
  );

addFit(program);
addPredict(program);
addSensitivity(program);
addExplain(program);
addReport(program);
addAudit(program);
addExport(program);
addCount(program);
addScan(program);
addMerge(program);
addCv(program);

/** Known kinds of failure explain themselves; anything else is a bug, and its stack helps to report it. */
function explain(error: unknown): string {
  const known =
    error instanceof UsageError ||
    error instanceof InputError ||
    error instanceof TypeError ||
    error instanceof RangeError ||
    (error instanceof Error && (error.name === "ModelFormatError" || error.name === "AbortError"));
  if (!(error instanceof Error)) return String(error);
  // one line: what JSON.parse says quotes the file, line ends and all
  return known ? error.message.replace(/\s*[\r\n]\s*/g, " ") : (error.stack ?? error.message);
}

/** Ends the process once its last words are out: a source that has more to say, or may have, is not waited for. */
function leave(code = process.exitCode): void {
  removeUnfinished();
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

// whoever writes says what went wrong (output.ts)
process.stdout.on("error", () => {});
for (const [signal, number] of [
  ["SIGHUP", 1],
  ["SIGINT", 2],
  ["SIGTERM", 15],
] as const) {
  process.once(signal, () => {
    removeUnfinished();
    if (process.stderr.isTTY) process.stderr.write("\n");
    // the signal itself ends the process now that nobody listens to it: exit would wait for a thread that opens a pipe without a writer
    if (process.platform !== "win32") process.kill(process.pid, signal);
    // the first process of a container is not ended so
    process.exit(128 + number);
  });
}
process.on("exit", removeUnfinished);

try {
  if (process.argv.length <= 2) {
    program.outputHelp({ error: true });
    leave(2);
  } else {
    await program.parseAsync(process.argv);
    leave();
  }
} catch (thrown) {
  const error = inFlags(thrown);
  if (error instanceof CommanderError) leave(error.exitCode === 0 ? 0 : 2);
  else {
    process.stderr.write(`isotone: ${printable(explain(error))}\n`);
    leave(error instanceof UsageError ? 2 : 1);
  }
}
