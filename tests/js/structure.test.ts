// The shape of the code: who may import whom, and what no path to a model may call. Reads the sources as text.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile() && /\.tsx?$/.test(item.name))
    .map((item) => relative(root, join(item.parentPath, item.name)))
    .sort();
}

/** The code of a file without comments; texts become "", so that words in messages do not count. Template texts stay: they hold code. */
function codeOf(file: string): string {
  return readFileSync(join(root, file), "utf8").replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g,
    (match) => (match.startsWith("/") ? " " : '""'),
  );
}

interface Import {
  from: string;
  to: string;
  types: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found: Import[] = [];
  const statement = /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^;"']*?\s+from\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  for (const match of text.matchAll(statement)) {
    const name = match[2] ?? match[3];
    const to = name.startsWith(".") ? normalize(join(dirname(file), name)).replace(/\.js$/, ".ts") : name;
    found.push({ from: file, to, types: match[1] !== undefined });
  }
  return found;
}

const assembly = sources("assembly");
const js = sources("js");
const playground = sources("playground").filter((file) => !file.endsWith(".d.ts"));
const graph = js.flatMap(importsOf);
const atRunTime = graph.filter((edge) => !edge.types);

/** The files that `file` needs at run time, itself included, with how it got there. */
function reach(file: string): Map<string, string[]> {
  const seen = new Map([[file, [file]]]);
  for (const [at, path] of seen) {
    for (const { from, to } of atRunTime) if (from === at && !seen.has(to)) seen.set(to, [...path, to]);
  }
  return seen;
}

describe("the import graph", () => {
  it("keeps assembly to itself, and the scalar twin to the tests", () => {
    for (const file of assembly) {
      for (const { to } of importsOf(file)) {
        const target = to.endsWith(".ts") ? to : `${to}.ts`;
        expect(assembly, `${file} imports ${to}`).toContain(target);
        expect(target, `${file} imports the twin`).not.toBe("assembly/reference.ts");
      }
    }
  });

  it("lets only wasm.ts see instances, pointers and memory", () => {
    for (const file of js) {
      if (file === "js/wasm.ts" || file.startsWith("js/export/")) continue;
      expect(codeOf(file), file).not.toMatch(/WebAssembly\.(Instance|Memory|instantiate)|\bmemory\.buffer\b/);
    }
  });

  it("lets a saved model be exported, explained and reported without an engine", () => {
    const apart = js.filter((file) =>
      /^js\/(export|report)\/|^js\/(explain\w*|merge|image|certify|format)\.ts$/.test(file),
    );
    for (const file of apart) {
      const path = reach(file).get("js/wasm.ts");
      expect(path?.join(" -> "), `${file} reaches the engine`).toBeUndefined();
    }
  });

  it("keeps the trainer out of isotone/predict", () => {
    for (const file of ["js/fit.ts", "js/schema.ts", "js/wasm.inline.ts", "js/member.ts"]) {
      expect(reach("js/predict.ts").get(file)?.join(" -> ")).toBeUndefined();
    }
  });

  it("names node only under the command line", () => {
    for (const { from, to } of graph) {
      if (!from.startsWith("js/cli/")) expect(to, from).not.toMatch(/^node:/);
    }
    for (const file of js) {
      if (file.startsWith("js/cli/")) continue;
      expect(codeOf(file), file).not.toMatch(/(?<![.\w"'])(Buffer|process|require|__dirname)\s*[.([]/);
      expect(codeOf(file), `${file} needs a page`).not.toMatch(/(?<![.\w])(document|window)\s*[.([]/);
    }
  });

  it("lets only the command line, the report and the ONNX export use other packages, and the published library none", () => {
    for (const { from, to } of graph) {
      if (from.startsWith("js/cli/") || from.startsWith("js/report/") || to.startsWith("node:")) continue;
      // bundled into dist/export.js
      if (from === "js/export/onnx.ts" && to === "pbf") continue;
      expect(to, from).toMatch(/^(js|build)\//);
    }
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    expect(manifest.dependencies ?? {}).toEqual({});
    expect(manifest.peerDependencies ?? {}).toEqual({});
  });

  it("gives the playground the public entries, the report, the cells of CSV files and turns of the event loop, a parser, and nothing of node", () => {
    expect(playground.length).toBeGreaterThan(5);
    for (const { from, to } of playground.flatMap(importsOf)) {
      expect(to, from).toMatch(
        /^(playground\/.*|js\/index\.ts|js\/export\/index\.ts|js\/(cells|turn)\.ts|js\/report\/.*|csv-parse\/browser\/esm|examples\/jobs\/jobs\.csv)$/,
      );
      // a page needs no other document to draw with
      expect(to, from).not.toMatch(/^js\/report\/(index|render)\.ts$/);
    }
    for (const file of playground) {
      expect(codeOf(file), file).not.toMatch(/(?<![.\w"'])(Buffer|process|require|__dirname|eval|Function)\s*[.([]/);
      // one place takes HTML, that of js/report
      if (file !== "playground/dom.ts")
        expect(codeOf(file), file).not.toMatch(/innerHTML|insertAdjacentHTML|outerHTML/);
    }
    for (const { from, to } of graph) expect(to, from).not.toMatch(/^playground\//);
  });

  it("has no cycles", () => {
    const cycles: string[] = [];
    for (const { from, to } of atRunTime) {
      const back = from === to ? [to] : reach(to).get(from);
      if (back) cycles.push([from, ...back].join(" -> "));
    }
    expect(cycles).toEqual([]);
  });

  it("has index files that only re-export", () => {
    for (const file of [...assembly, ...js].filter((name) => name.endsWith("/index.ts"))) {
      const rest = codeOf(file).replace(/\bexport\s+(type\s+)?(\{[^}]*\}|\*(\s+as\s+\w+)?)\s*from\s*""\s*;/g, "");
      expect(rest.trim(), file).toBe("");
    }
  });
});

describe("the same bits in every engine", () => {
  // ECMAScript leaves the last bits of these to the engine ("implementation-approximated"): Node, Deno and Chromium give different results for
  // the same argument, and so do majors of Node. `**` is Math.pow. What they touch can differ from engine to engine, so nothing that shapes
  // a model or a prediction may call them; expf and logf of the kernels, or js/math.ts, take their place. sqrt, floor, fround, abs, min,
  // max, imul, round, trunc, sign and clz32 are exact.
  const approximated =
    /Math\s*\.\s*(acosh?|asinh?|atan2?|atanh|cbrt|cosh?|expm1|exp|hypot|log10|log1p|log2|log|pow|random|sinh?|tanh?)\b/;

  /** Statistics and charts for people to read: never an input of training or prediction. Each names its reason. */
  const summaries: Record<string, string> = {
    "js/foldscores.ts": "the log loss among the scores of a fold",
    "js/cli/": "texts and tables",
    "js/report/": "charts",
  };

  it("calls no Math function whose last bits depend on the engine", () => {
    for (const file of js) {
      if (Object.keys(summaries).some((name) => file.startsWith(name))) continue;
      expect(approximated.exec(codeOf(file))?.[0], file).toBeUndefined();
    }
  });

  it("raises nothing but whole literals to a power", () => {
    for (const file of js) {
      if (Object.keys(summaries).some((name) => file.startsWith(name))) continue;
      const powers = codeOf(file).replace(/(?<![\w.)\]])\d+ \*\* -?\d+/g, "");
      expect(/[^\n]*(?<!\/)\*\*(?!\/)[^\n]*/.exec(powers)?.[0], file).toBeUndefined();
    }
  });

  it("uses no exp, log or fused arithmetic of the AssemblyScript library in the kernels", () => {
    for (const file of assembly) {
      if (file === "assembly/reference.ts") continue;
      expect(approximated.exec(codeOf(file))?.[0], file).toBeUndefined();
      expect(/NativeMathf?|relaxed_/.exec(codeOf(file))?.[0], file).toBeUndefined();
    }
  });
});
