// In which order the modules of a bundle stand. gzip looks back 32 kB, so what resembles each other should stand together: 0.8 kB of the library's
// 47.4, .6 kB of 33.9 for fit and load. Modules stand in the order of the first import, each after those that it imports; what is not listed
// here finds its place by that alone, so a list that is out of date costs bytes and nothing else.
//
// `node scripts/order.mjs index 120` looks for a better order of js/index.ts than that below, for 120 seconds, and prints it.

import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";

const words = (text) => text.trim().split(/\s+/);

export const ORDER = {
  index: words(`
    wasm.text math errors rows table statistics findings wasm.compile schema random auditprobe link format certify image metrics wasm.inline
    directions ramps wasm columns feed foldscores auditcount sample audit target relevance normalise version defaults mergeinputs merge member
    outoffold turn sensitivity scan folds assemble predictor centre inputs linear plan interval threads readings committee dependence source
    importance bounds explainpath explainwalk explain model fit foldparts foldchecks crossval
  `),
  export: words(`
    errors format export/prune export/data export/sql wasm.text image export/wasm version export/esm-memory export/esm-types export/esm-parts
    export/esm-tight export/onnx export/esm
  `),
};

/** A source that imports the modules of `name` in order, then exports what `entry` does. */
export function inOrder(name, entry, what = "*") {
  const there = (ORDER[name] ?? []).filter((module) => existsSync(`js/${module}.ts`));
  const imports = there.map((module) => `import "./js/${module}.js";`);
  return [...imports, `export ${what} from "./${entry.replace(/ts$/, "js")}";`].join("\n");
}

/** The minified text of every module of a bundle, and what each imports. */
async function modulesOf(name, what) {
  const { build, transform } = await import("esbuild");
  const entry = name === "export" ? "js/export/index.ts" : `js/${name}.ts`;
  const { outputFiles, metafile } = await build({
    stdin: { contents: inOrder(name, entry, what), resolveDir: process.cwd() },
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    minifySyntax: true,
    minifyIdentifiers: true,
    logOverride: { "ignored-bare-import": "silent" },
  });
  const texts = new Map();
  for (const part of outputFiles[0].text.split(/^\/\/ (?=\w)/m)) {
    const [, path, code] = /^js\/(\S+)\.ts\n([\s\S]*)$/.exec(part) ?? [];
    if (!path) continue;
    const { code: text } = await transform(code.replace(/^export \{[^}]*\};$/m, ""), { minifyWhitespace: true });
    texts.set(path, text);
  }
  const imports = new Map();
  for (const [path, input] of Object.entries(metafile.inputs))
    imports.set(
      path.replace(/^js\/|\.ts$/g, ""),
      input.imports.map((one) => one.path.replace(/^js\/|\.ts$/g, "")),
    );
  return { texts, imports };
}

/** Simulated annealing: one to three neighbours move somewhere else. */
async function search(name, seconds) {
  const bundles = [await modulesOf(name, "*")];
  if (name === "index") bundles.push(await modulesOf(name, "{ fit, load }"));
  const [{ texts, imports }] = bundles;
  const reached = (from, seen = new Set()) => {
    for (const to of imports.get(from) ?? []) if (!seen.has(to)) reached(to, seen.add(to));
    return seen;
  };
  const all = new Map([...texts.keys()].map((module) => [module, reached(module)]));
  /** What must come before each: all that it reaches, where those do not reach it. */
  const before = [...all].map(([module, those]) => [
    module,
    [...those].filter((one) => texts.has(one) && !all.get(one).has(module)),
  ]);
  const isOrder = (order) => {
    const place = new Map(order.map((module, i) => [module, i]));
    return before.every(([module, those]) => those.every((one) => place.get(one) < place.get(module)));
  };
  const sizeOf = (order) =>
    bundles.reduce(
      (sum, { texts }) => sum + gzipSync(order.map((module) => texts.get(module)).join(""), { level: 9 }).length,
      0,
    );
  let now = [...texts.keys()];
  let size = sizeOf(now);
  let best = { order: now, size };
  console.error(size);
  const begin = performance.now();
  for (let left = 1; left > 0; left = 1 - (performance.now() - begin) / (seconds * 1000)) {
    const next = now.slice();
    const count = 1 + Math.floor(Math.random() * 3);
    const moved = next.splice(Math.floor(Math.random() * (next.length - count)), count);
    next.splice(Math.floor(Math.random() * (next.length + 1)), 0, ...moved);
    if (!isOrder(next)) continue;
    const other = sizeOf(next);
    if (other > size && Math.random() > Math.exp((size - other) / (20 * left))) continue;
    now = next;
    size = other;
    if (size < best.size) best = { order: now, size };
  }
  console.error(best.size);
  console.log(best.order.join(" "));
}

if (process.argv[1]?.endsWith("order.mjs")) await search(process.argv[2], Number(process.argv[3]));
