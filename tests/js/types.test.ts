// The types of the built package, as a strict TypeScript project meets them: rows are interfaces and classes there, not records.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

const program = `
import { audit, crossValidate, fit, type FitOptions, load, merge, type Model, partialDependence, sensitivitySummary } from "isotone";
import { toModule, toONNX, toSQL, toWasm } from "isotone/export";
import { load as loadPredictor } from "isotone/predict";
interface Job { scan: number; staff: number; city: string; minutes: number }
class Kept { scan = 1; staff = 2; city = "Oslo"; minutes = 3 }
const jobs: readonly Job[] = [new Kept()];
const job: Job = new Kept();
const options: FitOptions = { target: "minutes", features: { scan: "increasing", staff: -1, city: { categories: "auto" } } };
const model: Model = await fit(jobs, options);
await fit([new Kept()], { ...options, loss: { quantiles: [0.1, 0.9] }, onProgress: (p) => p.loss.toFixed(2) });
await fit(jobs.values(), options);
await fit((async function* () { yield jobs; })(), options);
await fit({ scan: new Float32Array(3), city: ["a", "b", "c"], minutes: [1, 2, 3] }, options);
const one: number = model.predict(job) + model.predict([1, 2, "Oslo"]) + model.predict(new Float64Array(3));
const many: Float32Array = model.predictMany(jobs);
model.predictMany([[1, 2, "Oslo"]]); model.predictMany(new Float64Array(3)); model.sensitivityMany([new Kept()]);
model.explain(job, job).contributions.scan; model.effect(job, { scan: one }); model.predictInterval(job); model.quantile(job, 0.9);
merge([model, load(model), loadPredictor(model).predict(job) > many.length ? JSON.stringify(model) : model.toJSON()]);
sensitivitySummary(model, jobs); partialDependence(loadPredictor(model), jobs, "scan"); await crossValidate(jobs, options);
await audit((rows, n, d) => rows.subarray(0, n * d), jobs, { scan: "increasing", staff: -1 });
toModule(model); toWasm(model); toONNX(model); toSQL(model, { dialect: "duckdb", table: "jobs" });
// @ts-expect-error: awaited rows, not a promise of them
await fit(Promise.resolve(jobs), options);
// @ts-expect-error: no such direction
await fit(jobs, { target: "minutes", features: { scan: "up" } });
// @ts-expect-error: no such option
await fit(jobs, { target: "minutes", epoch: 3 });
// @ts-expect-error: no row
model.predict("scan");
`;

const plain = `
import { fit, load } from "isotone";
import { toSQL } from "isotone/export";
import { load as loadPredictor } from "isotone/predict";
const model = await fit([{ scan: 1, minutes: 3 }, { scan: 2, minutes: 5 }], { target: "minutes" });
loadPredictor(load(model.toJSON(), {})).predict({ scan: 3 });
toSQL(model, { dialect: "sqlite" });
`;

const required = `
import { fit, type Model } from "isotone";
export const made: Promise<Model> = fit([{ scan: 1, minutes: 3 }, { scan: 2, minutes: 5 }], { target: "minutes" });
`;
const imported = `
import type { Model } from "isotone" with { "resolution-mode": "import" };
export const made: Promise<Model> = import("isotone").then(({ fit }) => fit([{ scan: 1, minutes: 3 }], { target: "minutes" }));
`;
const older = "--module node16 --moduleResolution node16";
const refused = expect.stringMatching(/^program\.cts\(2,33\): error TS1479: .*\n$/);

test.each<[string, string, string, unknown, string?]>([
  ["rows may be interfaces and classes; what is no row, direction or option is an error", program, "", ""],
  [
    "no type of the DOM or of WebAssembly is needed, even where declarations are checked",
    plain,
    "--lib es2022 --skipLibCheck false",
    "",
  ],
  ["a program compiled to CommonJS may import it, with module nodenext", required, "", "", "program.cts"],
  ["with module node16 it may not", required, older, refused, "program.cts"],
  ["but by import() it may", imported, older, "", "program.cts"],
])(
  "%s",
  (_, text, more, said, name = "program.ts") => {
    const folder = mkdtempSync(join(tmpdir(), "isotone-types-"));
    try {
      writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
      mkdirSync(join(folder, "node_modules"));
      symlinkSync(root, join(folder, "node_modules/isotone"));
      writeFileSync(join(folder, name), text);
      const flags =
        `--noEmit --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --target es2022 --module nodenext ${more}`.trim();
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const { stdout, status } = spawnSync(process.execPath, [tsc, ...flags.split(" "), name], {
        cwd: folder,
        encoding: "utf8",
      });
      expect([stdout, status]).toEqual([said, said === "" ? 0 : 2]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  60_000,
);
