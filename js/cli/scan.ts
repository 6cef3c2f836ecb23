// isotone scan: one scaling for many shards, so that models trained on them apart can be merged. Scans of shards are merged, too.

import type { Command } from "commander";
import { mergeScalings, type ScalingFile, scan } from "../scan.js";
import { openCsv } from "./csv.js";
import { InputError, UsageError } from "./errors.js";
import { readRows } from "./gather.js";
import { readScaling } from "./model-file.js";
import { readTraining, type TrainingFlags, withCsv, withOutputOptions, withTraining } from "./options.js";
import { plural, say, setQuiet, withOutput } from "./output.js";

interface Flags extends Omit<TrainingFlags, "target"> {
  target?: string;
  output?: string;
  quiet?: boolean;
  merge?: boolean;
}

export function addScan(program: Command): void {
  const command = program
    .command("scan <files...>")
    .description(
      "describe shards for isotone fit --scaling: one pass, constant memory; --merge joins such descriptions",
    )
    .option("--merge", "the files are scalings made by isotone scan: write one for all");
  withOutputOptions(withCsv(withTraining(command, false)), undefined)
    .addHelpText(
      "after",
      `
Give the same --target, --increasing … as to isotone fit. Each file is one shard of the same table.

Examples:
  isotone scan shard1.csv shard2.csv --target minutes --increasing scan,repair -o scaling.json
  isotone scan - --target minutes < shard1.csv > s1.json
  isotone scan --merge s1.json s2.json -o scaling.json
  isotone fit shard1.csv --target minutes --increasing scan,repair --scaling scaling.json -o m1.json
  isotone merge m1.json m2.json -o model.json`,
    )
    .action(run);
}

async function run(paths: string[], flags: Flags): Promise<void> {
  setQuiet(flags.quiet === true);
  const { target } = flags;
  if (!flags.merge && target === undefined)
    throw new UsageError("scan needs --target (or --merge for files it made before)");
  await withOutput(flags.output, async (output) => {
    const scalings: (ScalingFile | string)[] = [];
    for (const path of paths) {
      if (flags.merge) {
        scalings.push(await readScaling(path));
        continue;
      }
      const file = await openCsv(path, flags);
      const { options, kinds } = readTraining({ ...flags, target: target as string }, file);
      const { rows, n } = await readRows(file, kinds, 1 << 18);
      if (n() === 0) throw new InputError(`${file.name} has a header but no rows`);
      scalings.push(await scan(rows, options));
    }
    const merged = scalings.length === 1 && !flags.merge ? (scalings[0] as ScalingFile) : mergeScalings(scalings);
    await output.write(`${JSON.stringify(merged)}\n`);
    say(`${plural(merged.rows, "row")}, ${plural(merged.columns.length, "feature")}`);
  });
}
