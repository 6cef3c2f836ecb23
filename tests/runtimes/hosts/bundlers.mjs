// The bundlers: each takes bundle.mjs of the app folder, with default settings, and gives the path of its output below that folder.
import { join } from "node:path";

export const bundlers = {
  async esbuild(ctx) {
    const { build } = await import("esbuild");
    await build({
      entryPoints: [join(ctx.app, "bundle.mjs")],
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      outfile: join(ctx.app, "bundles/esbuild.js"),
    });
    return "bundles/esbuild.js";
  },
  async vite(ctx) {
    const { build } = await import("vite");
    await build({
      root: ctx.app,
      configFile: false,
      logLevel: "warn",
      build: {
        outDir: join(ctx.app, "bundles/vite"),
        rollupOptions: { input: join(ctx.app, "bundle.mjs"), output: { entryFileNames: "main.js" } },
      },
    });
    return "bundles/vite/main.js";
  },
  async webpack(ctx) {
    const { default: webpack } = await import("webpack");
    const stats = await new Promise((resolve, reject) => {
      const compiler = webpack({
        mode: "production",
        context: ctx.app,
        entry: join(ctx.app, "bundle.mjs"),
        output: { path: join(ctx.app, "bundles/webpack"), filename: "main.js" },
        performance: false,
      });
      compiler.run((error, stats) => compiler.close(() => (error ? reject(error) : resolve(stats))));
    });
    if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString("errors-warnings"));
    return "bundles/webpack/main.js";
  },
  async rollup(ctx) {
    const { rollup } = await import("rollup");
    const { default: resolve } = await import("@rollup/plugin-node-resolve");
    const bundle = await rollup({ input: join(ctx.app, "bundle.mjs"), plugins: [resolve({ browser: true })] });
    await bundle.write({ file: join(ctx.app, "bundles/rollup.js"), format: "es" });
    await bundle.close();
    return "bundles/rollup.js";
  },
};
