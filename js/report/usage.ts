// How to use the model, as code to copy. In: a study; out: a piece of JavaScript and command lines, with every name quoted for where it stands.

import { csvOptions, shellOptions, shellWord } from "../shell.js";
import type { Study } from "./study.js";

const MOST = 12;

/** A row as a JavaScript object; `__proto__` as a computed key, which a plain one is not. */
function rowText(example: Study["example"]): string {
  const entries = Object.entries(example);
  const shown = entries.slice(0, MOST).map(([name, value]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : JSON.stringify(name);
    return `  ${name === "__proto__" ? `[${key}]` : key}: ${JSON.stringify(value)},`;
  });
  if (entries.length > MOST) shown.push(`  // and ${entries.length - MOST} more columns`);
  return shown.length > 0 ? `{\n${shown.join("\n")}\n}` : "{}";
}

/** A program that predicts the median row. */
export function javascript(study: Study): string {
  const lines = [
    'import { readFile } from "node:fs/promises";',
    'import { load } from "isotone/predict";',
    "",
    `const model = load(await readFile(${JSON.stringify(study.asked?.paths?.model ?? study.modelFile)}, "utf8"));`,
    `const row = ${rowText(study.example)};`,
    `model.predict(row); // ${study.exampleAnswer}`,
    "model.sensitivity(row); // partial derivatives, by name",
  ];
  if (study.loss.name === "quantiles") lines.push("model.quantile(row, 0.9);");
  return lines.join("\n");
}

/** What the command line does with the model; files like the one at hand are read as that was. */
export function commands({ modelFile, file: shown, asked = {}, rows: { total, origin } }: Study): string {
  const { weight, unit, top, paths } = asked;
  const model = shellWord(paths?.model ?? modelFile);
  const file = shown === "stdin" ? "rows.csv" : shellWord(paths?.file ?? shown);
  const read = csvOptions(asked);
  const weighted = shellOptions({ weight });
  const row = Math.min(17, total);
  const again = shellOptions({ weight, unit, top, row });
  return [
    "# predict the rows of another file",
    `isotone predict ${model} new.csv${read} -o predictions.csv`,
    "",
    "# what moves the predictions, as a table",
    `isotone sensitivity ${model} ${file}${read}${weighted}`,
    "",
    "# where each prediction comes from",
    `isotone explain ${model} new.csv${read} -o contributions.csv`,
    "",
    `# this page again, with row ${row} explained`,
    `isotone report ${model} ${file}${read}${origin === "heldOut" ? " --held-out" : ""}${again} -o report.html`,
    "",
    "# the model inside a database",
    `isotone export ${model} --to sql --dialect postgres \\`,
    "  --table jobs -o predict.sql",
  ].join("\n");
}
