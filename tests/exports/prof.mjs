import { pathToFileURL } from "node:url";
import { makeCases } from "/work/main/tests/exports/cases.mjs";
import { sqlEngines } from "/work/main/tests/exports/engines.mjs";
const subject = await import("/work/main/tests/exports/.work/subject.mjs");
const cases = makeCases(subject, { full: 20000 }).filter((c) => c.name.startsWith(process.argv[3] ?? "default"));
const e = sqlEngines[process.argv[2]]();
console.log(await e.open());
for (const c of cases) {
  const w = c.data.features.length;
  const columns = c.data.features.map((f) => ({ name: f.name }));
  await e.load({ table: "jobs", columns, rows: Array.from({ length: c.n }, (_, r) => Array.from(c.rows.subarray(r * w, r * w + w))) });
  const sql = subject.toSQL(c.data, { dialect: e.dialect, table: "jobs" });
  let t = Date.now();
  try { if (e.dialect !== "clickhouse"||1) await e.run("EXPLAIN " + sql); } catch (x) { console.log(String(x).slice(0, 200)); }
  const plan = Date.now() - t;
  t = Date.now();
  await e.query(sql);
  console.log(c.name, "n", c.n, "sql kB", sql.length / 1000, "plan ms", plan, "all ms", Date.now() - t);
}
await e.close();
