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
  const text = code.replace(/import\s*(\w+)\s*from\s*"\.\/(\w+\.wasm)(\?module)?";?/, (all, name, file) => {
    own = `\nimport{readFileSync as readOwn}from"node:fs";var ${name}=new WebAssembly.Module(readOwn("build/${file}"));`;
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

/** `code` with the functions that a start calls in parentheses. */
export async function eager(code) {
  const called = await start(code);
  const file = ts.createSourceFile("bundle.js", code, ts.ScriptTarget.ES2022, true);
  const isCalled = (from, node) => called.has(`${from}-${node.end}`);
  /** The text of a node, of which `inner` says how its children are written. */
  const print = (node) => {
    let text = "";
    let at = node.getStart(file);
    const copy = (to) => {
      text += code.slice(at, to);
      at = to;
    };
    ts.forEachChild(node, (child) => {
      copy(child.getStart(file));
      text += write(child);
      at = child.end;
    });
    copy(node.end);
    return text;
  };
  const list = (parameters) => parameters.map(print).join();
  const write = (node) => {
    const from = node.getStart(file);
    if (ts.isArrowFunction(node) && isCalled(from, node) && !node.modifiers && node.end - from >= LEAST) {
      const body = ts.isBlock(node.body) ? print(node.body) : `{return ${write(node.body)}}`;
      return `(function(${list(node.parameters)})${body})`;
    }
    if (ts.isFunctionDeclaration(node) && isCalled(from, node) && ts.isSourceFile(node.parent))
      return `var ${node.name.text}=(function(${list(node.parameters)})${print(node.body)});`;
    if (ts.isMethodDeclaration(node) && isCalled(from, node) && !node.modifiers)
      return `${node.name.text}:(function(${list(node.parameters)})${print(node.body)})`;
    return print(node);
  };
  const out = write(file);
  await start(out);
  return out;
}
