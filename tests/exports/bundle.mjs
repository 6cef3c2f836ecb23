// subject.ts and all that it reaches, bundled by esbuild; for the tests and bench/exports.

import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { work } from "./engines.mjs";

/** What subject.ts exports. */
export async function loadSubject() {
  const { build } = await import("esbuild");
  mkdirSync(work, { recursive: true });
  // a file for every process: the tests and a bench may run at once
  const outfile = join(work, `subject-${process.pid}.mjs`);
  await build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), "subject.ts")],
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    outfile,
    logLevel: "error",
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile);
  }
}
