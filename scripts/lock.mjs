// package-lock.json with the optional packages of every platform listed. npm leaves out those it could not look up
// when the lock file was written (a mirror that holds one platform only, say) and `npm ci` then refuses the file.
// Run after `npm install` has changed a lock file: node scripts/lock.mjs (all of the repository) or node scripts/lock.mjs <file>…
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

/** The folders where a package at `path` looks for others, nearest first. */
function folders(path) {
  const out = [];
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) out.push(`${at}/`);
  return [...out, ""];
}

const all = ["", "bench/rivals/", "tests/exports/", "tests/runtimes/"].map((folder) => `${folder}package-lock.json`);
const root = new URL("../", import.meta.url);
for (const name of process.argv.length > 2 ? process.argv.slice(2) : all) complete(new URL(name, root), name);

/** Adds the packages that are missing from one lock file. */
function complete(file, label) {
  const lock = JSON.parse(readFileSync(file, "utf8"));
  let added = 0;
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!/^[~^]?\d+(\.\d+)*/.test(range)) continue;
      const version = range.replace(/^[~^]/, "");
      const places = folders(path).map((folder) => `${folder}node_modules/${name}`);
      const found = places.find((place) => lock.packages[place]);
      if (found && (range !== version || lock.packages[found].version === version)) continue;
      const beside = places[path ? 1 : 0];
      const flat = lock.packages[beside] ? places[0] : beside;
      const { os, cpu, libc } = platform(name);
      if (!os && !cpu) {
        console.warn(`${label}: left out ${name}, no platform in its name`);
        continue;
      }
      lock.packages[flat] = {
        version,
        ...(cpu && { cpu }),
        ...(entry.dev && { dev: true }),
        ...(libc && { libc }),
        optional: true,
        ...(os && { os }),
      };
      added++;
    }
  }
  const [first, ...rest] = Object.entries(lock.packages);
  rest.sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries([first, ...rest]);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${label}: ${added} packages of other platforms added`);
}
