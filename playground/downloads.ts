// What can be taken along. In: a result; out: a section with a button for each file. Files are made when they are asked for, and go from the page's
// memory to the disk; their names do not depend on the data.

import { type Dialect, toModule, toONNX, toSQL, toWasm } from "../js/export/index.js";
import { stringifyModel } from "../js/index.js";
import { makePage } from "../js/report/page.js";
import { count } from "../js/report/text.js";
import { el, messageOf, tell } from "./dom.js";
import type { Result } from "./results.js";

const DIALECTS: [Dialect, string][] = [
  ["postgresql", "PostgreSQL"],
  ["mysql", "MySQL, MariaDB"],
  ["sqlite", "SQLite"],
  ["duckdb", "DuckDB"],
  ["clickhouse", "ClickHouse"],
  ["spark", "Spark"],
  ["bigquery", "BigQuery"],
];

/** Hands a file to the browser. */
function save(name: string, content: string | Uint8Array<ArrayBuffer>, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href: url, download: name }).click();
  // the browser has it once the click is through; a minute is for slow disks
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function downloads({ model, study }: Result): HTMLElement {
  const said = el("p", { id: "saved" });
  said.setAttribute("role", "status");
  const trouble = el("p", { className: "trouble", hidden: true });
  trouble.setAttribute("role", "alert");
  const dialect = el("select", {}, ...DIALECTS.map(([value, text]) => el("option", { value }, text)));
  const table = el("input", { value: "jobs", autocomplete: "off", spellcheck: false });

  const files: [string, string, () => string | Uint8Array<ArrayBuffer>, string][] = [
    [
      "model.json",
      "the model: load() reads it back, bit for bit",
      () => `${stringifyModel(model)}\n`,
      "application/json",
    ],
    ["report.html", "this analysis as one page, without scripts", () => makePage(study), "text/html"],
    ["model.js", "a JavaScript module without imports", () => toModule(model), "text/javascript"],
    ["model.wasm", "a WebAssembly module without imports", () => toWasm(model), "application/wasm"],
    ["model.onnx", "a graph for onnxruntime and others", () => toONNX(model), "application/octet-stream"],
    [
      "predict.sql",
      "a query that predicts the rows of a table",
      () =>
        `${toSQL(model, { dialect: dialect.value as Dialect, ...(table.value !== "" && { table: table.value }) })};\n`,
      "application/sql",
    ],
  ];
  const items = files.map(([name, text, make, type]) => {
    const button = el("button", { type: "button" }, name);
    button.dataset.file = name;
    button.addEventListener("click", () => {
      tell(trouble);
      said.textContent = "";
      try {
        const content = make();
        save(name, content, type);
        said.textContent = `${name}: ${count(typeof content === "string" ? new TextEncoder().encode(content).length : content.length)} bytes.`;
      } catch (error) {
        tell(trouble, `${name}: ${messageOf(error)}`);
      }
    });
    const sql = name === "predict.sql";
    return el(
      "li",
      {},
      button,
      el("span", {}, text),
      sql && el("span", { className: "fields" }, el("label", {}, "for ", dialect), el("label", {}, "table ", table)),
    );
  });
  const section = el(
    "section",
    { id: "take" },
    el("p", { className: "eyebrow" }, "Take it along"),
    el("h2", { id: "take-title" }, "The model is yours: six files"),
    el("ul", { className: "files" }, ...items),
    said,
    trouble,
  );
  section.setAttribute("aria-labelledby", "take-title");
  return section;
}
