// Node: this one and three other majors, by import and by require; with modules of the caller's own; with two copies of the package.
import { join } from "node:path";
import { run } from "./process.mjs";
import { threadsRow } from "./threads.mjs";

const version = async (program) => (await run(program, ["--version"])).trim();

function node(name, program) {
  return { name, version: (ctx) => version(program(ctx)), run: (ctx) => guest(ctx, program(ctx), ["main.mjs"]) };
}

async function guest(ctx, program, args) {
  return JSON.parse(await run(program, args, { cwd: ctx.app }));
}

const other = (major) => (ctx) => join(ctx.here, "node_modules", `node${major}`, "bin", "node");
const self = () => process.execPath;
const own = { version: () => version(self()) };

export default [
  node("node", self),
  node("node 22", other(22)),
  node("node 24", other(24)),
  node("node 26", other(26)),
  { ...own, name: "node require", run: (ctx) => guest(ctx, self(), ["require.cjs"]) },
  { ...own, name: "node two copies", run: (ctx) => guest(ctx, self(), ["copies.mjs"]) },
  {
    ...own,
    name: "node wasm -O0",
    run: (ctx) =>
      guest(ctx, self(), [
        "module.mjs",
        join(ctx.root, "build/kernels.debug.wasm"),
        join(ctx.app, "node_modules/isotone/dist/predict.wasm"),
      ]),
  },
  threadsRow({ ...own, name: "node threads", run: (ctx) => guest(ctx, self(), ["threads.mjs"]) }, 2),
  threadsRow(
    {
      name: "node 26 threads",
      version: (ctx) => version(other(26)(ctx)),
      run: (ctx) => guest(ctx, other(26)(ctx), ["threads.mjs"]),
    },
    2,
  ),
];
