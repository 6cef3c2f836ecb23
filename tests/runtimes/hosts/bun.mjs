// Bun, from the npm package.
import { join } from "node:path";
import { run } from "./process.mjs";
import { threadsRow } from "./threads.mjs";

const bun = (ctx) => join(ctx.here, "node_modules/@oven/bun-linux-x64/bin/bun");

const version = async (ctx) => (await run(bun(ctx), ["--version"])).trim();
const guest = (script) => async (ctx) => JSON.parse(await run(bun(ctx), ["run", script], { cwd: ctx.app }));

export default [
  { name: "bun", version, run: guest("main.mjs") },
  threadsRow({ name: "bun threads", version, run: guest("threads.mjs") }, 2),
];
