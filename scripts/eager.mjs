// Functions that a start calls, in parentheses. In: a bundle; out: the same, compiled sooner.
// Engines skim a function when they read a file and read it once more when it is first called, by itself; what stands in parentheses they compile
// with the file. Which functions those are, one start says: load a model, predict a row.

import { writeFile } from "node:fs/promises";
import inspector from "node:inspector/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

const number = (name) => ({
  name,
  constraint: "increasing",
  kind: "number",
  missing: "error",
  range: [0, 1],
  median: 1,
});
const input = (feature) => ({ feature, transform: "linear", center: 0, scale: 1 });
const scores = { rows: 9, rmse: 1, mae: 1, r2: 0.5, medianRelativeError: 1 };
const MODEL = JSON.stringify({
  format: "isotone",
  version: 1,
  target: { name: "y" },
  loss: { name: "squared" },
  features: [number("a"), number("b")],
  inputs: [input(0), input(1)],
  networks: [[[[1, 2, 0]]]],
  scale: 1,
  offset: 0,
  link: { name: "identity" },
  residuals: [-1, 1],
  training: {
    seed: 1,
    rows: 9,
    isotone: "0.1.0",
    curve: [{ step: 1, epoch: 1, loss: 1, validationLoss: null }],
    heldOut: { model: scores, mean: scores, linear: scores },
    warnings: [],
  },
});

/** Arrow functions of fewer characters stay as they are: 20 of them would take 30 bytes and save 1 % of a start. */
const LEAST = 50;

/** Runs a start of `code` in build/; the places of the functions that it calls, as `start-end`. */
async function start(code) {
  // where the host gives the module, the same text with the import at its end
  let own = "";
  const text = code.replace(/import\s*([\w$]+)\s*from\s*"\.\/(\w+\.wasm)(\?module)?";?/, (all, name, file) => {
    own = `\nimport{readFileSync as readOwn}from"node:fs";var ${name}=new WebAssembly.Module(readOwn("build/shipped/${file}"));`;
    return all.replace(/[^\n]/g, " ");
  });
  const path = join("build", "start.mjs");
  await writeFile(path, text + own);
  const url = `${pathToFileURL(path)}?${start.count++}`;
  const session = new inspector.Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const { load } = await import(url);
  for (const row of [[1, 2], { a: 1, b: 2 }])
    if (load(MODEL).predict(row) !== 5) throw new Error("a start predicts something else");
  const { result } = await session.post("Profiler.takePreciseCoverage");
  session.disconnect();
  const { functions } = result.find((script) => script.url === url);
  return new Set(
    functions.flatMap(({ ranges: [{ count, startOffset, endOffset }] }) =>
      count ? [`${startOffset}-${endOffset}`] : [],
    ),
  );
}
start.count = 0;

/** Means something else within an arrow function than within another. */
const LEXICAL = /\b(this|arguments|super|new\.target)\b/;

/**
 * `code` with functions in parentheses: those for whose places, `start-end`, `isCalled` says so. Arrow functions become others, which alone are
 * compiled sooner; what is asynchronous or a generator stays as it is.
 */
export function inParentheses(code, isCalled) {
  const file = ts.createSourceFile("bundle.js", code, ts.ScriptTarget.ES2022, true);
  const list = (nodes) => nodes.map(print).join();
  /** The text of a node, its children as `write` has them. */
  const print = (node) => {
    let text = "";
    let at = node.getStart(file);
    ts.forEachChild(node, (child) => {
      text += code.slice(at, child.getStart(file)) + write(child);
      at = child.end;
    });
    return text + code.slice(at, node.end);
  };
  const write = (node) => {
    const from = node.getStart(file);
    if (node.modifiers || node.asteriskToken || !isCalled(`${from}-${node.end}`)) return print(node);
    if (ts.isArrowFunction(node) && node.end - from >= LEAST && !LEXICAL.test(node.getText(file))) {
      const body = ts.isBlock(node.body) ? print(node.body) : `{return ${write(node.body)}}`;
      return `(function(${list(node.parameters)})${body})`;
    }
    if (ts.isFunctionDeclaration(node) && ts.isSourceFile(node.parent))
      return `var ${node.name.text}=(function(${list(node.parameters)})${print(node.body)});`;
    if (ts.isMethodDeclaration(node) && ts.isObjectLiteralExpression(node.parent))
      return `${print(node.name)}:(function(${list(node.parameters)})${print(node.body)})`;
    return print(node);
  };
  // what comes before the first statement is nobody's child
  return code.slice(0, file.getStart(file)) + write(file);
}

/** `code` with the functions that a start calls in parentheses. It starts once more: nothing may be called above the place where it now begins. */
export async function eager(code) {
  const called = await start(code);
  const out = inParentheses(code, (place) => called.has(place));
  await start(out);
  return out;
}
