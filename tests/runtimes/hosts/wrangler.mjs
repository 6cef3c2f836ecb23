// Cloudflare's own tools: wrangler bundles a worker that imports the package by name, miniflare runs the bundle.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { json, run } from "./process.mjs";

export default [
  {
    name: "wrangler",
    version: async (ctx) => (await ctx.packageOf("wrangler")).version,
    async run(ctx) {
      const dir = join(ctx.app, "wrangler");
      await mkdir(dir, { recursive: true });
      const config = { name: "isotone-test", main: "../worker.mjs", compatibility_date: "2026-04-01" };
      await writeFile(join(dir, "wrangler.json"), JSON.stringify(config));
      await run(
        process.execPath,
        [join(ctx.here, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", "out"],
        {
          cwd: dir,
          env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", WRANGLER_LOG_PATH: join(dir, "log") },
        },
      );
      const { Miniflare } = await import("miniflare");
      const out = join(dir, "out");
      const files = await readdir(out);
      const modules = files
        .filter((file) => /\.(js|wasm)$/.test(file))
        .sort((a, b) => Number(b.endsWith(".js")) - Number(a.endsWith(".js")))
        .map((file) => ({ type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: join(out, file) }));
      const miniflare = new Miniflare({ modules, modulesRoot: out, compatibilityDate: "2026-04-01" });
      try {
        return await json(await miniflare.dispatchFetch("http://localhost/"));
      } finally {
        await miniflare.dispose();
      }
    },
  },
];
