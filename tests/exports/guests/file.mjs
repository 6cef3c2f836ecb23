// Node, Deno and Bun: the cases of a job file, one after the other; answers go to files.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { answers } from "./answers.mjs";

for (const job of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  const module = await import(pathToFileURL(job.module).href);
  const bytes = readFileSync(job.rows);
  const rows = new Float32Array(new Uint8Array(bytes).buffer);
  writeFileSync(job.out, new Uint8Array(answers(module, rows, job).buffer));
}
