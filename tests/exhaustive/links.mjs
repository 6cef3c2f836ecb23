// `npm run test:exhaustive`: each link and transform on all 4,278,190,080 finite float32 numbers, in ascending order. Takes a few minutes.
// With a number as argument: that many evenly spread stretches of 65,536 neighbours instead (what the ordinary tests run).

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LINKS = ["exp link", "logistic link", "log1p transform", "log", "quantile score (logit)"];
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Compiles the checker. */
export function checker() {
  const folder = mkdtempSync(join(tmpdir(), "isotone-links-"));
  try {
    const out = join(folder, "links.wasm");
    const asc = join(root, "node_modules/assemblyscript/bin/asc.js");
    const flags = [
      "-O3",
      "--shrinkLevel",
      "0",
      "--enable",
      "simd",
      "--runtime",
      "stub",
      "--initialMemory",
      "1",
      "--use",
      "abort=",
      "--noAssert",
    ];
    execFileSync(process.execPath, [asc, "tests/exhaustive/links.ts", "-o", out, ...flags], {
      cwd: root,
      stdio: ["ignore", "ignore", "ignore"],
    });
    return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(out))).exports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Falls of link `kind`; over everything, or over `stretches` of 65,536 neighbours. */
export function count(wasm, kind, stretches) {
  const all = wasm.FINITE.value >>> 0;
  if (stretches === undefined) {
    let falls = 0;
    // in pieces, so that the optimised code takes over
    for (let from = 0; from < all; from += 1 << 24)
      falls += wasm.falls(kind, from | 0, Math.min(all, from + (1 << 24)) | 0) >>> 0;
    return { falls, checked: all };
  }
  let falls = 0;
  const step = Math.floor((all - 65536) / stretches);
  for (let s = 0; s < stretches; s++) falls += wasm.falls(kind, (s * step) | 0, (s * step + 65536) | 0) >>> 0;
  return { falls, checked: stretches * 65536 };
}

export { LINKS };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stretches = process.argv[2] === undefined ? undefined : Number(process.argv[2]);
  const wasm = checker();
  let failed = 0;
  LINKS.forEach((name, kind) => {
    const began = Date.now();
    const { falls, checked } = count(wasm, kind, stretches);
    if (falls > 0) failed++;
    console.log(
      `${name.padEnd(24)} ${checked.toLocaleString("en")} floats, ${falls} falls, ${((Date.now() - began) / 1000).toFixed(1)} s`,
    );
  });
  console.log(`${LINKS.length - failed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}
