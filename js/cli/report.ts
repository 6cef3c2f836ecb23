// isotone report: one HTML page on a model and the rows of a CSV file. Rows stream through; what draws the page is loaded when it is asked for.

import { basename, isAbsolute } from "node:path";
import type { Command } from "commander";
import { quote } from "../errors.js";
import { encodeRows } from "../rows.js";
import type { ColumnKind } from "./cells.js";
import { type CsvOptions, columnIndex, openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { batches } from "./gather.js";
import { featureColumns, openModel } from "./model-file.js";
import { whole, withCsv, withOutputOptions } from "./options.js";
import { plural, progressBar, say, setQuiet, withOutput } from "./output.js";

interface Flags extends CsvOptions {
  output?: string;
  quiet?: boolean;
  row?: number;
  top?: number;
  unit?: string;
  weight?: string;
  heldOut?: boolean;
}

export function addReport(program: Command): void {
  const command = program
    .command("report <model> <file>")
    .description("one HTML page: how good a model is, what drives its predictions, single rows explained")
    .option("--row <n>", "also explain this row of the file, counted from 1 after the header", whole(1, 1e12))
    .option("--held-out", "the model has not seen these rows, so the page may call errors on them honest")
    .option("--weight <column>", "how much each row counts in scores and ranking")
    .option("--unit <text>", "what the target is counted in, e.g. ms or minutes; beside numbers 12 letters are shown")
    .option("--top <n>", "how many drivers get charts of their own (default: 12)", whole(1, 200));
  withOutputOptions(withCsv(command), undefined)
    .addHelpText(
      "after",
      `
The page is one file without scripts that fetches nothing: it opens offline, prints, and fits phones. A file without the target
column will do; then the page cannot compare predictions with it. The curves and dots of large files stand on a random sample of
2,000 rows, and the page says so; scores and coverage count all rows.

Examples:
  isotone report model.json jobs.csv -o report.html
  isotone report model.json held-out.csv --held-out --row 17 --unit minutes -o report.html`,
    )
    .action(run);
}

/** A path as the page's commands have it; where the user's folders lie is not for whoever is given the page. */
const shown = (path: string, piped: string) => (path === "-" ? piped : isAbsolute(path) ? basename(path) : path);

async function run(modelPath: string, path: string, flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  if (flags.output === undefined && process.stdout.isTTY)
    throw new UsageError("a page is not for a terminal: say where it goes with -o report.html, or pipe it on");
  const model = await openModel(modelPath, path, flags.output);
  const { gatherer, makeStudy, renderReport } = await import("../report/index.js");
  await withOutput(flags.output, async (output) => {
    const file = await openCsv(path, flags);
    const kinds = featureColumns(model.features, file);
    const target = model.toJSON().target.name;
    const more: ColumnKind[] = [];
    // asked of the header: a target may be called "constructor"
    const compared = file.header.includes(target);
    if (compared) more.push({ name: target, kind: "number", missing: false });
    if (flags.weight !== undefined) {
      columnIndex(file, flags.weight, "--weight");
      if (flags.weight !== target && !kinds.some(({ name }) => name === flags.weight))
        more.push({ name: flags.weight, kind: "number", missing: false });
    }
    const rows = gatherer(model, {
      ...(flags.row !== undefined && { explain: flags.row }),
      ...(flags.heldOut && { heldOut: true }),
    });
    const bar = progressBar();
    let n = 0;
    let weighted = false;
    for await (const { records, columns } of batches(file, [...kinds, ...more])) {
      const weights = flags.weight === undefined ? undefined : (columns[flags.weight] as number[]);
      weights?.forEach((w, r) => {
        if (!(w >= 0))
          throw new InputError(`${file.name}, line ${records[r].line}: the weight ${quote(String(w))} is below 0`);
        weighted ||= w > 0;
      });
      const actual = compared ? (columns[target] as number[]) : undefined;
      rows.add(encodeRows(columns, model.features), actual, weights);
      n += records.length;
      bar.draw(undefined, `reading ${file.name}: ${plural(n, "row")}`);
    }
    bar.clear();
    if (n === 0) throw new InputError(`${file.name} has a header but no rows`);
    if (flags.row !== undefined && flags.row > n)
      throw new InputError(`--row ${flags.row}: ${file.name} has ${plural(n, "row")}`);
    if (flags.weight !== undefined && !weighted)
      throw new InputError(`--weight: every row of ${file.name} has the weight 0`);
    bar.draw(undefined, "drawing the charts");
    const { delimiter, na, weight, unit, top } = flags;
    const study = makeStudy(model, rows.done(), {
      file: path === "-" ? file.name : basename(path),
      model: modelPath === "-" ? "model.json" : basename(modelPath),
      paths: { file: shown(path, file.name), model: shown(modelPath, "model.json") },
      ...{ delimiter, na, weight, unit, top },
    });
    const page = renderReport(study);
    bar.clear();
    await output.write(page);
    if (study.quality === undefined)
      say(`note: ${file.name} has no column ${quote(target)}, so nothing is compared with it`);
    if (flags.output !== undefined)
      say(`wrote ${flags.output} (${Math.ceil(page.length / 1000)} kB): open it in a browser`);
  });
}
