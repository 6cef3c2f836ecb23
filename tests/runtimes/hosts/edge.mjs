// EdgeVM, the sandbox behind Vercel-style edge routes, with code generation refused as in production: the `edge-light` condition,
// bundled by esbuild; the `?module` imports become modules that the host has compiled, as edge platforms do. And the default entry, refused.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { threadsRow } from "./threads.mjs";

async function bundle(entry, conditions, globalName) {
  const { build } = await import("esbuild");
  const result = await build({
    entryPoints: [entry],
    globalName,
    bundle: true,
    format: "iife",
    write: false,
    platform: "neutral",
    conditions,
    plugins: [
      {
        name: "modules of the host",
        setup(build) {
          build.onResolve({ filter: /\.wasm\?module$/ }, (args) => ({ path: args.path, namespace: "host" }));
          build.onLoad({ filter: /.*/, namespace: "host" }, (args) => ({
            contents: `export default globalThis.hostModules[${JSON.stringify(basename(args.path, ".wasm?module"))}]`,
          }));
        },
      },
    ],
  });
  return result.outputFiles[0].text;
}

/** A sandbox in which the bundle of `entry` has run; its exports are in the global `globalName`. */
export async function edgeVM(ctx, entry, globalName, conditions = ["edge-light"]) {
  const { EdgeVM } = await import("@edge-runtime/vm");
  const hostModules = {};
  for (const name of ["kernels", "predict"]) {
    const bytes = await readFile(join(ctx.app, `node_modules/isotone/dist/${name}.wasm`));
    hostModules[name] = await WebAssembly.compile(bytes);
  }
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { hostModules }),
  });
  vm.evaluate(await bundle(entry, conditions, globalName));
  return vm;
}

async function evaluate(ctx, conditions) {
  const vm = await edgeVM(ctx, join(ctx.app, "edge.mjs"), undefined, conditions);
  return vm.evaluate("globalThis.answer");
}

const version = async (ctx) => (await ctx.packageOf("@edge-runtime/vm")).version;

export default [
  { name: "edge", version, run: async (ctx) => JSON.parse(await evaluate(ctx, ["edge-light"])) },
  threadsRow(
    {
      name: "edge threads",
      version,
      async run(ctx) {
        const vm = await edgeVM(ctx, join(ctx.app, "edge.mjs"));
        await vm.evaluate("globalThis.answer");
        return JSON.parse(await vm.evaluate("globalThis.withThreads()"));
      },
    },
    1,
  ),
  {
    name: "edge default entry",
    version,
    asks: "an error that names the export condition",
    async run(ctx) {
      const said = await evaluate(ctx, []).then(String, (error) => String(error.message));
      if (!/export condition[\s\S]*"edge-light"[\s\S]*\{ module \}/.test(said)) throw new Error(`it said: ${said}`);
      return { note: "clear error" };
    },
  },
];
