// Bun, from the npm package.
import { join } from "node:path";
import { run } from "./process.mjs";

const bun = (ctx) => join(ctx.here, "node_modules/@oven/bun-linux-x64/bin/bun");

export default [
  {
    name: "bun",
    version: async (ctx) => (await run(bun(ctx), ["--version"])).trim(),
    run: async (ctx) => JSON.parse(await run(bun(ctx), ["run", "main.mjs"], { cwd: ctx.app })),
  },
];
