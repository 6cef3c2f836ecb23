// npm run size: what users download, compressed with gzip -9, of the built dist/. Each row is bundled by esbuild as a user's bundle would be, from
// dist/, so that what is not imported is not counted. Fails above a limit; --json for machines. The goals are those of the project; the limits keep
// what has been reached.

import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** name, what is imported, from which file, its wasm file; goal of the JavaScript in bytes. `text`: what else is measured. */
const ROWS = [
  { name: "isotone, everything", take: "*", from: "index.js", wasm: "kernels.wasm" },
  { name: "isotone, fit and load", take: "{ fit, load }", from: "index.js", wasm: "kernels.wasm", goal: 16000 },
  { name: "isotone/predict", take: "{ load }", from: "predict.js", wasm: "predict.wasm", goal: 3000 },
  { name: "isotone/export", take: "*", from: "export.js" },
  { name: "a model by toModule, less its numbers and names", text: exported },
];
/** Bytes: [JavaScript, wasm, both as one inlined bundle]. Raise one only with a reason in the commit. */
const LIMITS = {
  "isotone, everything": [48260, 20950, 70330],
  "isotone, fit and load": [35100, 20950, 57250],
  "isotone/predict": [6550, 3730, 11880],
  "isotone/export": [23250, 0, 23250],
  "a model by toModule, less its numbers and names": [1710, 0, 1710],
};

const gz = (bytes) => gzipSync(bytes, { level: 9 }).length;

async function bundle({ take, from }) {
  const names = take === "*" ? "* as all" : take;
  const use = take === "*" ? "globalThis.all = all;" : `globalThis.all = ${take};`;
  const result = await build({
    stdin: { contents: `import ${names} from "./${from}";\n${use}`, resolveDir: join(root, "dist") },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    write: false,
    external: ["*.wasm"],
  });
  return result.outputFiles[0].contents;
}

/** Code of the longest module that toModule makes of the models of tests/golden, kernel included: what predicts without the library. */
async function exported() {
  const { toModule } = await import("../dist/export.js");
  const folder = join(root, "tests/golden/models");
  const files = (await readdir(folder)).filter((file) => !file.endsWith(".predictions.json"));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  // lines of the model's own: the title, names, categories, the table of inputs, residuals and levels, weights
  const own = /^export const features=.*$|^const [BCEIKMPQ$]=.*$|^\/\/.*$/gm;
  const codes = texts.map((text) => toModule(text).replace(own, ""));
  return codes.reduce((most, code) => (gz(code) > gz(most) ? code : most));
}

const kB = (bytes) => (bytes === undefined ? "" : (bytes / 1000).toFixed(1));
const report = [];
for (const row of ROWS) {
  const wasm = row.wasm ? gz(await readFile(join(root, "dist", row.wasm))) : 0;
  const total = gz(row.text ? await row.text() : await bundle(row));
  // the workerd entry is the same code without the inlined module
  const js = row.wasm ? gz(await bundle({ ...row, from: row.from.replace(".js", ".workerd.js") })) : total;
  const limit = LIMITS[row.name];
  const over = [js, wasm, total].some((bytes, i) => bytes > limit[i]);
  report.push({ name: row.name, js, wasm, total, goal: row.goal, limit, over });
}

if (process.argv.includes("--json")) console.log(JSON.stringify(report, null, 2));
else {
  console.log("| kB, gzip | JavaScript | goal | wasm | one bundle, wasm inlined | limits |\n|---|---|---|---|---|---|");
  for (const { name, js, wasm, total, goal, limit, over } of report) {
    const cells = [
      name,
      kB(js),
      kB(goal),
      wasm ? kB(wasm) : "",
      kB(total),
      limit.map(kB).join(" / ") + (over ? ": OVER" : ""),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
  console.log(
    "goal: what the project set out for, not reached where JavaScript is more; limits: what this build may not exceed",
  );
}
process.exitCode = report.some((row) => row.over) ? 1 : 0;
