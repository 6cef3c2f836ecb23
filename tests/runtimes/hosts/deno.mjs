// Deno, from the npm package; it reads the installed package and nothing else.
import { join } from "node:path";
import { run } from "./process.mjs";

const deno = (ctx) => join(ctx.here, "node_modules/@deno/linux-x64-glibc/deno");

export default [
  {
    name: "deno",
    version: async (ctx) => /deno (\S+)/.exec(await run(deno(ctx), ["--version"]))[1],
    run: async (ctx) =>
      JSON.parse(
        await run(deno(ctx), ["run", "--no-prompt", "--node-modules-dir=manual", "main.mjs"], {
          cwd: ctx.app,
          env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
        }),
      ),
  },
];
