// Installs what the runtimes and engines of the tests need: npm packages beside this file, programs from Debian. Only what is missing.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./hosts/process.mjs";

const MINUTES = 60_000;

/** The npm packages, exactly those of the lock file. */
export async function installPackages(here) {
  const lock = readFileSync(join(here, "package-lock.json"), "utf8");
  const stamp = join(here, "node_modules/.installed-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.error("runtimes: installing npm packages (about 1 GB)");
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: here,
    timeout: 15 * MINUTES,
    shell: process.platform === "win32",
  });
  const { writeFileSync } = await import("node:fs");
  writeFileSync(stamp, lock);
}

/** Node for another processor, which npm would not install here: the package `spec` of that `integrity`, unpacked. Returns the program. */
export async function installForeign(here, { spec, integrity }) {
  const folder = join(here, "node_modules", ".foreign", spec);
  const program = join(folder, "package/bin/node");
  if (existsSync(program)) return program;
  console.error(`runtimes: fetching ${spec}`);
  // whole or not at all
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const listed = JSON.parse(await run("npm", ["pack", spec, "--json", "--pack-destination", part], { cwd: part }));
  const [packed] = Object.values(listed);
  if (packed.integrity !== integrity) throw new Error(`${spec} is ${packed.integrity}, expected ${integrity}`);
  await run("tar", ["-xzf", join(part, packed.filename), "-C", part]);
  renameSync(part, folder);
  return program;
}

/** By Debian package: a file that is there when it is installed. */
const PROGRAMS = {
  chromium: "/usr/bin/chromium",
  "firefox-esr": "/usr/bin/firefox-esr",
  "webkit2gtk-driver": "/usr/bin/WebKitWebDriver",
  xvfb: "/usr/bin/Xvfb",
  postgresql: "/usr/lib/postgresql/*/bin/initdb",
  "mariadb-server": "/usr/sbin/mariadbd",
  "default-jre-headless": "/usr/bin/java",
  "qemu-user": "/usr/bin/qemu-aarch64",
  "libstdc++6-arm64-cross": "/usr/aarch64-linux-gnu/lib/libstdc++.so.6",
  "libstdc++6-s390x-cross": "/usr/s390x-linux-gnu/lib/libstdc++.so.6",
};

/** Whether a package is installed; PostgreSQL's folder is named after its version. */
function present(name) {
  const [before, after] = PROGRAMS[name].split("*");
  if (after === undefined) return existsSync(before);
  return existsSync(before) && readdirSync(before).some((version) => existsSync(before + version + after));
}

/** The Debian packages; returns an error text by package that could not be installed. */
export async function installDebian(packages) {
  const missing = packages.filter((name) => !present(name));
  const failed = {};
  if (missing.length === 0) return failed;
  console.error(`tests: installing ${missing.join(", ")} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const apt = (...args) => {
    const [program, ...rest] = [...sudo, "apt-get", ...args];
    return run(program, rest, { env, timeout: 15 * MINUTES });
  };
  try {
    await apt("update", "-qq");
    await apt("install", "-y", "-qq", "--no-install-recommends", ...missing);
  } catch (error) {
    for (const name of missing) if (!present(name)) failed[name] = error.message;
  }
  return failed;
}
