// workerd by itself, with the package's files unbundled as its modules: the `workerd` condition by hand. Also a fit of 1,000 rows with default
// options, and the default entry, which workerd refuses to compile.
import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { answer, freePort, json, run, start } from "./process.mjs";
import { threadsRow } from "./threads.mjs";

const workerd = (ctx) => join(ctx.here, "node_modules/@cloudflare/workerd-linux-64/bin/workerd");
const version = async (ctx) =>
  JSON.parse(
    await run(process.execPath, ["-p", "JSON.stringify(require('workerd/package.json').version)"], { cwd: ctx.here }),
  );

/** Serves modules, [name, file], the first being the worker, while `use(url)` runs. */
async function serve(ctx, name, modules, use) {
  const port = await freePort();
  const lines = modules.map(([id, file]) => {
    const kind = file.endsWith(".wasm") ? "wasm" : "esModule";
    return `    (name = "${id}", ${kind} = embed "${relative(ctx.app, join(ctx.app, file))}")`;
  });
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [
${lines.join(",\n")}
  ],
  compatibilityDate = "2026-04-01"
);
`;
  const file = join(ctx.app, `${name}.capnp`);
  await writeFile(file, config);
  const program = start(workerd(ctx), ["serve", file]);
  try {
    return await use(`http://127.0.0.1:${port}`, program);
  } finally {
    await program.stop();
  }
}

const dist = "node_modules/isotone/dist";
const WORKER = [
  ["worker.mjs", "worker.mjs"],
  ["body.js", "body.js"],
  ["threads.js", "threads.js"],
  ["sha256.js", "sha256.js"],
  ["isotone", `${dist}/index.workerd.js`],
  ["kernels.wasm", `${dist}/kernels.wasm`],
  ["isotone/predict", `${dist}/predict.workerd.js`],
  ["isotone/predict.wasm", `${dist}/predict.wasm`],
];

export default [
  {
    name: "workerd",
    version,
    run: (ctx) => serve(ctx, "worker", WORKER, async (url, program) => json(await answer(url, program))),
  },
  threadsRow(
    {
      name: "workerd threads",
      version,
      run: (ctx) =>
        serve(ctx, "threads", WORKER, async (url, program) => json(await answer(`${url}/threads`, program))),
    },
    1,
  ),
  {
    name: "workerd fit",
    version,
    asks: "a fit of 1,000 rows with default options in less than 64 MB of WebAssembly memory",
    run: (ctx) =>
      serve(ctx, "fit", WORKER, async (url, program) => {
        await answer(`${url}/none`, program, { method: "HEAD" }).catch(() => {});
        const began = performance.now();
        const got = await json(await answer(`${url}/fit`, program));
        const seconds = (performance.now() - began) / 1000;
        const note = `1,000 rows: ${seconds.toFixed(1)} s of CPU, ${(got.wasmBytes / 1e6).toFixed(1)} MB of wasm memory`;
        if (got.wasmBytes > 64e6) throw new Error(note);
        if (!(got.error < got.errorOfMean / 1.5))
          throw new Error(`held-out error ${got.error}, of the mean ${got.errorOfMean}`);
        return { note };
      }),
  },
  {
    name: "workerd default entry",
    version,
    asks: "an error that names the export condition",
    run: (ctx) =>
      serve(
        ctx,
        "refused",
        [
          ["refused.mjs", "refused.mjs"],
          ["isotone", `${dist}/index.js`],
        ],
        async (url, program) => {
          const said = await (await answer(url, program)).text();
          if (!/ModelFormatError[\s\S]*export condition[\s\S]*"workerd"[\s\S]*\{ module \}/.test(said))
            throw new Error(`it said: ${said}`);
          return { note: "clear error" };
        },
      ),
  },
];
