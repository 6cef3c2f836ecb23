// How much of the processor's f32x4 multiply-add rate the dense forward kernel reaches, both measured in turn in the same run.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./lib/contenders.mjs";

function build() {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const folder = join(tmpdir(), "isotone-bench");
  mkdirSync(folder, { recursive: true });
  const out = join(folder, "peak.wasm");
  const flags = "--enable simd -O3 --converge --noAssert --runtime stub --use abort= --initialMemory 8".split(" ");
  execFileSync(
    process.execPath,
    [join(root, "node_modules/assemblyscript/bin/asc.js"), "bench/peak/assembly/index.ts", "-o", out, ...flags],
    {
      cwd: root,
      stdio: "ignore",
    },
  );
  return new WebAssembly.Module(readFileSync(out));
}

export function peak() {
  const module = build();
  const results = [];
  const measure = (flops, run) => {
    const begin = performance.now();
    run();
    return flops / (performance.now() - begin) / 1e6;
  };
  for (const [d, groups, hyperplanes] of [
    [8, 16, 16],
    [10, 6, 6],
    [10, 16, 16],
    [20, 16, 16],
    [50, 32, 32],
    [100, 16, 16],
  ]) {
    const wasm = new WebAssembly.Instance(module, {}).exports;
    wasm.prepare(d, groups, hyperplanes);
    const work = groups * hyperplanes * d * 2 * 8;
    const turns = Math.ceil(2e8 / work);
    const most = () => measure(48 * 4e6, () => wasm.peak(4e6));
    const plain = () => measure(work * turns, () => wasm.forward(turns, 0));
    const tracked = () => measure(work * turns, () => wasm.forward(turns, 1));
    for (let k = 0; k < 6; k++) for (const f of [most, plain, tracked]) f();
    const rounds = Array.from({ length: 15 }, () => [most(), plain(), tracked()]);
    const column = (k) => median(rounds.map((r) => r[k]));
    results.push({
      d,
      planes: groups * hyperplanes,
      peak: column(0),
      forward: column(1),
      share: median(rounds.map((r) => r[1] / r[0])),
      gradient: median(rounds.map((r) => r[1] / r[2])),
    });
  }
  console.log("\nDense forward kernel (rows transposed on the fly) against the f32x4 mul + add peak: GFLOP/s");
  for (const r of results) {
    const share = `${(100 * r.share).toFixed(0)} % of ${r.peak.toFixed(1)}`;
    console.log(
      `  d ${String(r.d).padEnd(4)} ${String(r.planes).padEnd(5)} planes   ${r.forward.toFixed(1)}   ${share}   with active planes: time x${r.gradient.toFixed(2)}`,
    );
  }
  return results;
}

if (process.argv[1]?.endsWith("bench/peak.mjs")) peak();
