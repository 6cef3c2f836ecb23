// Rows a second of exported SQL in the engines of tests/exports, beside predictMany; and what large models cost before the first row.
// `npm run bench:exports -- sql [--engines=duckdb,postgresql,spark] [--rows=8000] [--large]`; the engines: node tests/exports/run.mjs --install.
import { parseArgs } from "node:util";
import { fit, load, merge } from "../../dist/index.js";
import { loadSubject } from "../../tests/exports/bundle.mjs";
import { sqlEngines, stopOnSignal } from "../../tests/exports/engines.mjs";

const bytes = (n) => (n < 1e6 ? `${(n / 1000).toFixed(0)} kB` : `${(n / 1e6).toFixed(1)} MB`);

const median = (v) => v.sort((a, b) => a - b)[v.length >> 1];

function seconds(run) {
  const began = performance.now();
  run();
  return (performance.now() - began) / 1000;
}

/** `n` rows of `d` numbers and a target that bends. */
function table(generator, n, d, seed) {
  const random = generator(seed);
  const columns = {};
  const minutes = new Float64Array(n);
  for (let i = 0; i < d; i++) {
    columns[`x${i}`] = Float64Array.from({ length: n }, () => 10 * random());
    for (let r = 0; r < n; r++) minutes[r] += Math.max(columns[`x${i}`][r], 5) / (1 + i) + 0.1 * random();
  }
  return { ...columns, minutes };
}

export async function benchSQL() {
  const { values } = parseArgs({
    allowPositionals: true,
    options: {
      engines: { type: "string", default: "duckdb,postgresql,spark" },
      rows: { type: "string", default: "8000" },
      large: { type: "boolean" },
    },
  });
  const wanted = values.engines.split(",");
  const ROWS = Number(values.rows);
  const { toSQL, generator } = await loadSubject();

  // few passes: they shape no plane
  const train = (d, seed, more = {}) =>
    fit(table(generator, 600, d, seed), { target: "minutes", members: 4, epochs: 4, seed, ...more });
  const models = [
    ["1 network of 4 x 4", await train(10, 1, { networks: 1, members: 1 })],
    ["16 networks and a plane", await train(10, 2, { members: 1 })],
    ["4 members of those", await train(10, 3)],
  ];
  if (values.large) {
    const shards = [];
    for (let seed = 1; seed <= 8; seed++) shards.push(await train(10, seed));
    const blends = shards.map((m) => m.toJSON());
    for (const shard of blends) Object.assign(shard, { inputs: blends[0].inputs, features: blends[0].features });
    models.push(["8 shards of 4 members, merged", merge(blends.map((shard) => load(shard)))]);
    models.push(["4 members, 276 inputs", await train(276, 4)]);
  }

  console.log("| model | planes x inputs | engine | SQL | before the first row, s | rows/s | predictMany, rows/s |");
  console.log("|---|---|---|---|---|---|---|");
  const running = new Set();
  stopOnSignal(running);
  for (const [name, make] of Object.entries(sqlEngines)) {
    if (!wanted.some((word) => name.toLowerCase().startsWith(word))) continue;
    const engine = make();
    running.add(engine);
    try {
      await engine.open();
      for (const [what, model] of models) {
        const data = model.toJSON();
        const d = data.features.length;
        const planes = data.networks.flat(2).length;
        const rowsTable = table(generator, ROWS, d, 99);
        const columns = data.features.map((f) => ({ name: f.name, text: false }));
        const rows = Array.from({ length: ROWS }, (_, r) => columns.map((c) => rowsTable[c.name][r]));
        const inputs = data.inputs.length;
        const library = ROWS / median(Array.from({ length: 9 }, () => seconds(() => model.predictMany(rowsTable))));
        const sql = toSQL(data, { dialect: engine.dialect, table: "jobs" });
        try {
          const timed = async (n) => {
            await engine.load({ table: "jobs", columns, rows: Array.from({ length: n }, (_, r) => rows[r % ROWS]) });
            const start = performance.now();
            await engine.query(sql);
            return (performance.now() - start) / 1000;
          };
          // one row: parsing, planning, compiling; again, since engines keep what they compiled; then so many rows that the rest is small beside them
          const first = await timed(1);
          const again = await timed(1);
          let n = 1000;
          let took = await timed(n);
          while (took < 1 + 3 * again && n < 64 * ROWS) took = await timed((n *= 4));
          const rate = n / Math.max(0.001, took - again);
          console.log(
            `| ${what} | ${planes} x ${inputs} | ${name} | ${bytes(sql.length)} | ${first.toFixed(2)} | ${Math.round(rate).toLocaleString("en")} | ${Math.round(library).toLocaleString("en")} |`,
          );
        } catch (error) {
          console.log(
            `| ${what} | ${planes} x ${inputs} | ${name} | ${bytes(sql.length)} | ${String(
              error.stderr || error.message,
            )
              .split("\n")[0]
              .slice(0, 100)} | | |`,
          );
        }
      }
    } catch (error) {
      console.log(`${name}: left out (${error.message})`);
    } finally {
      running.delete(engine);
      await engine.close().catch(() => {});
    }
  }
}
