// How much of the processor's f32x4 multiply-add rate the dense forward kernel reaches, measured in turn in the same run: of the rate of sums of
// products, and of that of products and sums that do not wait for each other.
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
    const chains = () => measure(96 * 2e6, () => wasm.chains(2e6, 0.999, 0.001));
    const apart = () => measure(48 * 4e6, () => wasm.apart(4e6));
    const plain = () => measure(work * turns, () => wasm.forward(turns, 0));
    const tracked = () => measure(work * turns, () => wasm.forward(turns, 1));
    for (let k = 0; k < 6; k++) for (const f of [chains, apart, plain, tracked]) f();
    const rounds = Array.from({ length: 15 }, () => [chains(), apart(), plain(), tracked()]);
    const column = (k) => median(rounds.map((r) => r[k]));
    results.push({
      d,
      planes: groups * hyperplanes,
      chains: column(0),
      apart: column(1),
      forward: column(2),
      ofChains: median(rounds.map((r) => r[2] / r[0])),
      ofApart: median(rounds.map((r) => r[2] / r[1])),
      gradient: median(rounds.map((r) => r[2] / r[3])),
    });
  }
  console.log(
    "\nDense forward kernel (rows transposed on the fly) against f32x4 mul + add, as chains and apart: GFLOP/s",
  );
  for (const r of results) {
    const of = (share, rate) => `${(100 * share).toFixed(0)} % of ${rate.toFixed(1)}`;
    const share = `${of(r.ofChains, r.chains)}, ${of(r.ofApart, r.apart)}`;
    console.log(
      `  d ${String(r.d).padEnd(4)} ${String(r.planes).padEnd(5)} planes   ${r.forward.toFixed(1)}   ${share}   with active planes: time x${r.gradient.toFixed(2)}`,
    );
  }
  return results;
}

if (process.argv[1]?.endsWith("bench/peak.mjs")) peak();
