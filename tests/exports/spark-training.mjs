// Training in Spark: examples/spark/train.py, run as it stands on a table that lies sorted, in four partitions.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Missing, python, work } from "./engines.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, "../../dist/cli.js");
const PARTITIONS = 4;

export async function testSparkTraining({ subject, wanted, report, skip, fail }) {
  const name = "Spark, training";
  if (!wanted(name)) return;
  try {
    if (!existsSync(cli)) throw new Missing("dist/cli.js (npm run build)");
    if (!existsSync(python))
      throw new Missing("Python environment tests/exports/.venv (node tests/exports/run.mjs --install)");
    const random = subject.generator(12);
    const rows = Array.from({ length: 1200 }, () => {
      const [beds, staff] = [Math.floor(30 * random()), 1 + Math.floor(6 * random())];
      const ward = ["east", "west", "süd"][Math.floor(3 * random())];
      return {
        beds,
        staff,
        ward,
        hours: 2 * beds - 3 * staff + (ward === "süd" ? 8 : 0) + Math.max(0, beds - 15) + 6 * random(),
      };
    }).sort((a, b) => a.beds - b.beds);
    mkdirSync(work, { recursive: true });
    const [csv, file] = [join(work, "wards.csv"), join(work, "wards.json")];
    const lines = rows.map((row) => Object.values(row).join(","));
    writeFileSync(csv, `beds,staff,ward,hours\n${lines.join("\n")}\n`);
    const flags = "--target hours --increasing beds --decreasing staff --category ward --members 2 --epochs 40".split(
      " ",
    );
    const began = Date.now();
    const talk = execFileSync(python, [join(here, "../../examples/spark/train.py"), csv, file, ...flags], {
      encoding: "utf8",
      env: {
        ...process.env,
        ISOTONE: `"${process.execPath}" "${cli}"`,
        PARTITIONS: String(PARTITIONS),
        PYSPARK_PYTHON: python,
        SPARK_LOCAL_IP: "127.0.0.1",
      },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 26,
    });
    const model = subject.load(readFileSync(file, "utf8"));
    const predictions = model.predictMany(rows);
    const mean = rows.reduce((sum, row) => sum + row.hours, 0) / rows.length;
    const squares = (of) => Math.sqrt(rows.reduce((sum, row, r) => sum + (of(r) - row.hours) ** 2, 0));
    const relative = squares((r) => predictions[r]) / squares(() => mean);
    // what Spark SQL said of its own predictions, beside the library's
    const spark = Number(/mean\|\s*([-\d.eE+]+)/.exec(talk.replaceAll(" ", ""))?.[1]);
    const library = predictions.reduce((sum, p) => sum + p, 0) / rows.length;
    const right =
      model.training.merged === PARTITIONS &&
      model.training.rows === rows.length &&
      model.certify().monotone &&
      relative < 0.15;
    report(
      name,
      "",
      `${PARTITIONS} partitions by mapPartitions, RMSE/sd ${relative.toFixed(3)}`,
      rows.length,
      {
        worst: right ? Math.abs(spark / library - 1) : Number.POSITIVE_INFINITY,
        disordered: 0,
        problem: right ? "" : JSON.stringify({ ...model.training, parts: 0, relative }),
      },
      1e-6,
      (Date.now() - began) / 1000,
    );
  } catch (error) {
    if (error instanceof Missing) skip(name, error);
    else fail(name, "examples/spark/train.py", error);
  }
}
