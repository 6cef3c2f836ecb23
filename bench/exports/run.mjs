// npm run bench:exports: what a model costs where it was exported to. node bench/exports/run.mjs [module sql …] [--engines=…]
const parts = {
  module: async () => (await import("./module.mjs")).benchModule(),
  sql: async () => (await import("./sql.mjs")).benchSQL(),
};
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
for (const [name, run] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await run();
