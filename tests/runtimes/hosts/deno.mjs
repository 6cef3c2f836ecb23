// Deno, from the npm package; it reads the installed package and nothing else.
import { join } from "node:path";
import { run } from "./process.mjs";
import { threadsRow } from "./threads.mjs";

const deno = (ctx) => join(ctx.here, "node_modules/@deno/linux-x64-glibc/deno");

const version = async (ctx) => /deno (\S+)/.exec(await run(deno(ctx), ["--version"]))[1];
const guest = (script) => async (ctx) =>
  JSON.parse(
    await run(deno(ctx), ["run", "--no-prompt", "--node-modules-dir=manual", script], {
      cwd: ctx.app,
      env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    }),
  );

export default [
  { name: "deno", version, run: guest("main.mjs") },
  threadsRow({ name: "deno threads", version, run: guest("threads.mjs") }, 2),
];
