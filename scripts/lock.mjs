// package-lock.json with the optional packages of every platform listed. npm leaves out those it could not look up
// when the lock file was written (a mirror that holds one platform only, say) and `npm ci` then refuses the file.
// Run after `npm install` has changed the lock file: node scripts/lock.mjs
import { readFileSync, writeFileSync } from "node:fs";

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = [
  "arm64",
  "armv7",
  "arm",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "x64",
  "wasm32",
];

/** os, cpu and libc of a platform's package, read from its name as its publisher spells it. */
function platform(name) {
  const words = name
    .split("/")
    .at(-1)
    .split(/[-.]/)
    .map((word) => (word === "windows" ? "win32" : word));
  const libc = words.some((w) => /^musl/.test(w)) ? "musl" : words.some((w) => /^gnu/.test(w)) ? "glibc" : undefined;
  const os = words.find((w) => systems.includes(w));
  const cpu = words.find((w) => processors.includes(w))?.replace("armv7", "arm");
  return {
    ...(os && { os: [os] }),
    ...(cpu && { cpu: [cpu] }),
    ...(libc && os === "linux" && cpu !== "arm" && { libc: [libc] }),
  };
}

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`;
    const flat = `node_modules/${name}`;
    if (lock.packages[nested] || lock.packages[flat] || !/^[~^]?\d+(\.\d+)*/.test(range)) continue;
    const { os, cpu, libc } = platform(name);
    if (!os && !cpu) {
      console.warn(`left out: ${name} (no platform in its name)`);
      continue;
    }
    lock.packages[flat] = { version: range.replace(/^[~^]/, ""), ...(cpu && { cpu }), dev: true, ...(libc && { libc }), optional: true, ...(os && { os }) };
    added++;
  }
}
const [root, ...rest] = Object.entries(lock.packages);
rest.sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries([root, ...rest]);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} packages of other platforms listed`);
