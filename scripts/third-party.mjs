// The licences of what is bundled. In: esbuild's list of the files that went into a bundle; out: a text that names each package, with its licence as the
// package itself gives it. MIT, ISC and BSD ask for that wherever their code is copied to.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/** @param inputs paths of bundled files */
export async function thirdParty(inputs) {
  const folders = new Set(inputs.flatMap((path) => PACKAGE.exec(path)?.[0] ?? []));
  const parts = await Promise.all([...folders].map(describe));
  parts.sort((a, b) => (a.title < b.title ? -1 : 1));
  const head = "Code of these packages is in the bundles beside this file, each under its own licence.\n";
  return [head, ...parts.map(({ title, text }) => `${title}\n${"-".repeat(title.length)}\n${text.trim()}\n`)].join(
    "\n",
  );
}

async function describe(folder) {
  const { name, version, license, author, repository } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  );
  if (typeof license !== "string") throw new Error(`${name} names no licence in its package.json`);
  const file = (await readdir(folder)).find((entry) => /^(licen[cs]e|copying)\b/i.test(entry));
  const by = typeof author === "string" ? author : (author?.name ?? "its authors");
  const from = typeof repository === "string" ? repository : (repository?.url ?? "");
  const text = file
    ? await readFile(join(folder, file), "utf8")
    : `Copyright ${by}, under the ${license} licence; the package brings no text of it. ${from}`;
  return { title: `${name} ${version} (${license})`, text };
}
