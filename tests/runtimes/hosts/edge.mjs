// EdgeVM, the sandbox behind Vercel-style edge routes, with code generation refused as in production: the `edge-light` condition,
// bundled by esbuild; the `?module` imports become modules that the host has compiled, as edge platforms do. And the default entry, refused.
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";

async function bundle(ctx, conditions) {
  const { build } = await import("esbuild");
  const result = await build({
    entryPoints: [join(ctx.app, "edge.mjs")],
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

async function evaluate(ctx, conditions) {
  const { EdgeVM } = await import("@edge-runtime/vm");
  const hostModules = {};
  for (const name of ["kernels", "predict"]) {
    hostModules[name] = await WebAssembly.compile(
      await readFile(join(ctx.app, `node_modules/isotone/dist/${name}.wasm`)),
    );
  }
  const vm = new EdgeVM({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, { hostModules }),
  });
  vm.evaluate(await bundle(ctx, conditions));
  return vm.evaluate("globalThis.answer");
}

const version = async (ctx) => (await ctx.packageOf("@edge-runtime/vm")).version;

export default [
  { name: "edge", version, run: async (ctx) => JSON.parse(await evaluate(ctx, ["edge-light"])) },
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
