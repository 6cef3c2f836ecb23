// npm run build: assembly/ -> build/*.wasm -> dist/, and playground/ -> build/playground/. With --wasm only the modules and their text form, which is
// all that vitest needs; with --debug also the unoptimised kernels, which tests compare with the others.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eager } from "./eager.mjs";
import { inOrder } from "./order.mjs";
import { thirdParty } from "./third-party.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);
const run = promisify(execFile);
const flags = new Set(process.argv.slice(2));

/** Writes only when the content differs, so that watchers and caches stay quiet. */
async function put(path, text) {
  if ((await readFile(path, "utf8").catch(() => undefined)) === text) return;
  await writeFile(path, text);
}

/** What modules are made of besides their entries: sources, options, the compiler. */
async function moduleSources() {
  const { version } = JSON.parse(await readFile("node_modules/assemblyscript/package.json", "utf8"));
  const files = (await readdir("assembly")).sort().map((file) => join("assembly", file));
  const texts = await Promise.all([...files, "asconfig.json"].map((file) => readFile(file, "utf8")));
  return JSON.stringify([version, files, texts]);
}
const sources = await moduleSources();

/** Compiles, unless `out` is of the same sources: 16 of the 27 seconds of a build. */
async function asc(entry, out, target = "release", pages = 2) {
  const args = [
    "node_modules/assemblyscript/bin/asc.js",
    entry,
    "--config",
    "asconfig.json",
    "--target",
    target,
    "--initialMemory",
    String(pages),
    "-o",
    out,
  ];
  const made = createHash("sha256").update(JSON.stringify([sources, await readFile(entry, "utf8"), args]));
  const key = `${made.digest("hex")}\n`;
  const before = await readFile(`${out}.key`, "utf8").catch(() => undefined);
  if (before === key && existsSync(out)) return;
  await rm(`${out}.key`, { force: true });
  try {
    await run(process.execPath, args);
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ""}${error.stderr ?? error}`);
    throw new Error(`asc failed on ${entry}`);
  }
  await writeFile(`${out}.key`, key);
}

/**
 * Bytes as printable ASCII, one or two characters each; js/wasm.text.ts reads it. Base64 moves repeated code out of step, so that gzip finds
 * it no more: this takes 9.9 kB of a compressed bundle where base64 takes 12.7 kB and the module itself 9.4 kB.
 */
function toText(bytes) {
  let text = "";
  for (const byte of bytes) {
    // + 3: the SIMD prefix 0xfd is among the commonest bytes and becomes 0
    const value = (byte + 3) & 255;
    const high = Math.floor(value / 90);
    const code = 35 + (value % 90);
    if (high > 0) text += String.fromCharCode(124 + high);
    // no backslash, and no "<", which could begin "</script>"
    text += code === 92 ? "!" : code === 60 ? " " : String.fromCharCode(code);
  }
  return text;
}

/**
 * Bytes as decimal numbers, the shorter of b and b - 256, which JSON.parse reads at once: 0.2 ms at a cold start where a loop over toText's form
 * takes 0.8 ms on an idle machine and 3 to 5 ms on a busy one, because the engine compiles it meanwhile. 0.6 kB more of a compressed bundle: for the
 * small module only.
 */
const toNumbers = (bytes) => Array.from(bytes, (byte) => (byte > 245 ? byte - 256 : byte)).join();

/**
 * Pages of memory from the start: rows in, results out and most models fit (js/wasm.ts). Once any memory has grown, V8 asks at every access to any
 * typed array whether its buffer is gone: ten numbers are copied in 14 ns instead of 10. Pages never touched take no memory.
 */
const ROOM = 24;

const MODULES = [
  { entry: "assembly/index.ts", name: "kernels", form: toText, pages: ROOM },
  { entry: "assembly/predict.ts", name: "predict", form: toNumbers, pages: ROOM },
  { entry: "assembly/embedded.ts", name: "embedded", form: toText },
  { entry: "assembly/planes.ts", name: "planes", form: toText },
];

/** A module at `path` as text, in a source of its own. */
async function textOf({ entry, name, form }, path) {
  const text = form(new Uint8Array(await readFile(path)));
  return `// Made by scripts/build.mjs from ${entry}.\nexport const ${name.toUpperCase()} =\n  "${text}";\n`;
}

async function buildWasm() {
  await mkdir("build", { recursive: true });
  // each in a process of its own, side by side
  await Promise.all(
    MODULES.map(async (module) => {
      await asc(module.entry, `build/${module.name}.wasm`, "release", module.pages);
      await put(`build/${module.name}.text.ts`, await textOf(module, `build/${module.name}.wasm`));
    }),
  );
}

/** What tests and benchmarks alone call: not in the modules that users get. */
const FOR_TESTS = ["activePlanes", "dropPlan", "gradients", "rateAt", "refresh", "slabG"];
/** Names that stay: the library calls by a name in a variable. */
const KEPT = ["predictOne", "predictMany", "sensitivityMany"];

/**
 * The modules that users get, in build/shipped: of the same sources, but exports have short names, and what only tests call is left out: 0.5 kB less of the
 * kernels, 0.2 kB of JavaScript. Gives the short names by the long ones.
 */
async function shippedWasm() {
  await mkdir("build/shipped", { recursive: true });
  const exported = async (name) => {
    const all = WebAssembly.Module.exports(new WebAssembly.Module(await readFile(`build/${name}.wasm`)));
    return all.filter(({ kind, name }) => kind === "function" && !FOR_TESTS.includes(name)).map(({ name }) => name);
  };
  // two names tell this build from others, whose short names may stand for other functions: the library looks for `mark`, the trainer for `setNetworks`
  const hash = createHash("sha256");
  for (const { name } of MODULES.slice(0, 2)) hash.update(await readFile(`build/${name}.wasm`));
  const build = hash.digest("hex").slice(0, 5);
  const names = new Map([
    ["mark", `m${build}`],
    ["setNetworks", `s${build}`],
  ]);
  for (const name of await exported("kernels")) {
    const place = names.size - 2;
    if (!KEPT.includes(name) && !names.has(name))
      names.set(name, place < 26 ? LETTERS[place] : `a${LETTERS[place - 26]}`);
  }
  await Promise.all(
    MODULES.slice(0, 2).map(async ({ entry, name, pages }) => {
      const list = (await exported(name)).map((one) => `${one} as ${names.get(one) ?? one}`);
      const text = `export { ${list.join(", ")} } from "../../${entry.replace(".ts", "")}";\n`;
      await put(`build/shipped/${name}.ts`, text);
      await asc(`build/shipped/${name}.ts`, `build/shipped/${name}.wasm`, "release", pages);
    }),
  );
  if (flags.has("--debug")) await asc("build/shipped/kernels.ts", "build/kernels.debug.wasm", "debug");
  return names;
}
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** Those modules, and their names where `wasm.NAME` or `exports.NAME` stands in the library. */
function shippedPlugin(names) {
  return {
    name: "modules as shipped",
    setup(build) {
      build.onLoad({ filter: /[\\/]build[\\/](kernels|predict)\.text\.ts$/ }, async ({ path }) => {
        const module = MODULES.find(({ name }) => path.endsWith(`${name}.text.ts`));
        return { loader: "ts", contents: await textOf(module, `build/shipped/${module.name}.wasm`) };
      });
      build.onLoad({ filter: /[\\/]js[\\/]\w+\.ts$/ }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        const contents = text.replace(/(?<=\b(?:wasm|exports)\??\.)\w+/g, (name) => {
          if (FOR_TESTS.includes(name)) throw new Error(`${path} calls ${name}, which users' modules do not have`);
          return names.get(name) ?? name;
        });
        return { loader: "ts", contents };
      });
    },
  };
}

/** Long names of numbers, as terser writes them. */
const NUMBERS = {
  "@Number.NaN": "NaN",
  "@Number.POSITIVE_INFINITY": "Infinity",
  "@Number.NEGATIVE_INFINITY": "-Infinity",
};

/** Replaces the inline sources of the wasm modules by those of another host. */
function hostPlugin(host) {
  return {
    name: `wasm from ${host}`,
    setup(build) {
      build.onResolve({ filter: /(^|\/)(predict-)?wasm\.inline\.js$/ }, (args) => ({
        path: join(args.resolveDir, args.path.replace(/inline\.js$/, `import.${host}.ts`)),
      }));
      build.onResolve({ filter: /\.wasm(\?module)?$/ }, (args) => ({ path: args.path, external: true }));
    },
  };
}

/** The report brings a charting library along: a bundle of its own, which dist/cli.js imports when a report is asked for. */
const reportApart = {
  name: "report apart",
  setup(build) {
    build.onResolve({ filter: /\/report\/index\.js$/ }, () => ({ path: "./report.js", external: true }));
  },
};

/** The charts are drawn into linkedom's document, which brings a parser of style sheets along: a quarter of the bundle, and nothing asks for it. */
const withoutCss = {
  name: "no style sheets",
  setup(build) {
    build.onResolve({ filter: /^cssomnom\/parse$/ }, ({ path }) => ({ path, namespace: "empty" }));
    build.onLoad({ filter: /.*/, namespace: "empty" }, () => ({
      contents: "export const parse = () => ({ cssRules: [] });",
    }));
  },
};

/** Licences of what went into these bundles, and stayed. */
function licencesOf(...bundles) {
  const outputs = bundles.flatMap(({ metafile }) => Object.values(metafile.outputs));
  const inputs = outputs.flatMap((output) => Object.entries(output.inputs));
  return thirdParty(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path));
}

/**
 * Texts of modules to the end of a bundle: between functions they would part them by more than gzip looks back, 0.9 to 1.4 kB of the library, 0.1 kB of
 * `isotone/predict`. They are read by functions that run later. Each has a line, where nothing can throw, since no limit breaks a string.
 */
function textsLast(code) {
  const texts = [];
  const rest = code.replace(/(?<=[=(,])"[^"\n]{2000,}"/g, (text) => `$text${texts.push(text)}`);
  return rest + texts.map((text, i) => `\nvar $text${i + 1}=\n${text};`).join("");
}

async function bundle(shipped) {
  const esbuild = await import("esbuild");
  await rm("dist", { recursive: true, force: true });
  await mkdir("dist", { recursive: true });
  const shared = {
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    platform: "neutral",
    legalComments: "none",
    logLevel: "warning",
    charset: "utf8",
    // an error that nobody catches is shown with the whole line that threw it
    lineLimit: 1000,
  };
  const { minify } = await import("terser");
  /** A bundle that users' bundles take in, minified twice: terser's names for variables make 3 to 7 % less of it after gzip, the rest .7 %. */
  const library = async (entry, out, host) => {
    const plugins = host ? [hostPlugin(host), shipped] : [shipped];
    const stdin = { contents: inOrder(out.split(".")[0], entry), resolveDir: process.cwd() };
    // the imports that make the order have no other effect
    const logOverride = { "ignored-bare-import": "silent" };
    const { outputFiles } = await esbuild.build({ ...shared, stdin, write: false, plugins, logOverride });
    // nothing is inlined: what a user's bundle leaves out must stay a function that nobody calls
    const compress = { ecma: 2020, passes: 3, inline: 0, reduce_funcs: false, global_defs: NUMBERS };
    const format = { ecma: 2020, max_line_len: shared.lineLimit };
    const { code } = await minify(outputFiles[0].text, { module: true, compress, format });
    const ready = out === "export" ? code : await eager(code);
    await writeFile(`dist/${out}.js`, textsLast(ready));
  };
  for (const name of ["index", "predict"]) {
    await library(`js/${name}.ts`, name);
    for (const host of ["workerd", "edge"]) await library(`js/${name}.ts`, `${name}.${host}`, host);
  }
  await library("js/export/index.ts", "export");
  // CommonJS dependencies inside a bundle ask for `require`
  const require =
    'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';
  const node = { ...shared, platform: "node", target: "node20", metafile: true };
  const cli = await esbuild.build({
    ...node,
    entryPoints: ["js/cli/main.ts"],
    outfile: "dist/cli.js",
    banner: { js: `#!/usr/bin/env node\n${require}` },
    plugins: [reportApart, shipped],
  });
  await chmod("dist/cli.js", 0o755);
  const report = await esbuild.build({
    ...node,
    entryPoints: ["js/report/index.ts"],
    outfile: "dist/report.js",
    banner: { js: require },
    plugins: [withoutCss, shipped],
  });
  await writeFile("dist/THIRD-PARTY.txt", await licencesOf(cli, report));
  for (const name of ["kernels", "predict"]) await copyFile(`build/shipped/${name}.wasm`, `dist/${name}.wasm`);
}

/**
 * The playground: a page, a style sheet and one script that a static host can serve as they are; not part of the package. A classic script, because
 * a page opened from the disk may not load modules.
 */
async function playground(shipped) {
  const esbuild = await import("esbuild");
  await rm("build/playground", { recursive: true, force: true });
  await mkdir("build/playground", { recursive: true });
  const shared = { bundle: true, target: "es2022", minify: true, legalComments: "none", logLevel: "warning" };
  const page = await esbuild.build({
    ...shared,
    metafile: true,
    entryPoints: ["playground/main.ts"],
    outfile: "build/playground/playground.js",
    format: "iife",
    platform: "browser",
    charset: "utf8",
    loader: { ".csv": "text" },
    plugins: [shipped],
  });
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: ["js/report/style.ts"],
    format: "esm",
    write: false,
  });
  const { STYLE } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`
  );
  const own = await readFile("playground/playground.css", "utf8");
  await writeFile("build/playground/playground.css", `${STYLE}${own}`);
  await copyFile("playground/index.html", "build/playground/index.html");
  await writeFile("build/playground/THIRD-PARTY.txt", await licencesOf(page));
}

/** The declarations of the public entries. */
async function types() {
  const entries = ["js/index.ts", "js/predict.ts", "js/export/index.ts"];
  const config = {
    extends: "../tsconfig.json",
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      stripInternal: true,
      rootDir: "..",
      outDir: "types",
      types: [],
    },
    files: entries.map((entry) => join("..", entry)),
    include: [],
  };
  await writeFile("build/tsconfig.types.json", JSON.stringify(config));
  await rm("build/types", { recursive: true, force: true });
  try {
    await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "build/tsconfig.types.json"]);
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ""}${error.stderr ?? ""}`);
    throw new Error("tsc failed");
  }
  await copyTypes(entries);
}

/** The declarations that the entries reach, build/types/js -> dist, keeping the folders. */
async function copyTypes(entries) {
  const found = new Set(entries.map((entry) => entry.replace(/\.ts$/, ".d.ts")));
  for (const file of found) {
    const text = await readFile(join("build/types", file), "utf8");
    for (const [, name] of text.matchAll(/(?:from|import)\s*\(?"(\.[^"]+)\.js"/g))
      found.add(join(dirname(file), `${name}.d.ts`));
    const to = join("dist", relative("js", file));
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, text);
  }
}

await buildWasm();
if (!flags.has("--wasm")) {
  const shipped = shippedPlugin(await shippedWasm());
  await bundle(shipped);
  await playground(shipped);
  await types();
}
