// npm run test:browser: opens reports in Chromium at two widths, light and dark and on paper, and looks at them as they are laid out
// (inspect.mjs). Needs a build. Options: --only <part of a name>, --shots <folder> (a PNG of every page), --update (docs/report/*.webp: the
// examples that the documentation shows). Prints one line a page, then "n looks, m problems".

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { cases } from "./cases.mjs";
import { launchChromium, listen } from "./chromium.mjs";
import { inspect } from "./inspect.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
process.chdir(root);

const optionOf = (option) => {
  const at = process.argv.indexOf(option);
  return at < 0 ? undefined : process.argv[at + 1];
};
const only = optionOf("--only") ?? "";
const shots = optionOf("--shots");
const update = process.argv.includes("--update");

const LOOKS = [
  { width: 1200, scheme: "light" },
  { width: 1200, scheme: "dark" },
  { width: 390, scheme: "light" },
  { width: 390, scheme: "dark" },
  { width: 820, scheme: "light" },
  // A4 within the margins of the print style
  { width: 680, scheme: "light", media: "print" },
];

const isotone = await import(pathToFileURL(join(root, "dist/index.js")).href);
const report = await import(pathToFileURL(join(root, "dist/report.js")).href);
const folder = mkdtempSync(join(tmpdir(), "isotone-browser-"));
const browser = await launchChromium();
let looks = 0;
let wrong = 0;

/** Opens a page, with everything it says and asks for recorded as a problem. */
async function open(file, { width, scheme, media = "screen" }) {
  const { context, page, said } = await listen(browser, { viewport: { width, height: 900 }, colorScheme: scheme });
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href) said.push(`request for ${request.url()}`);
  });
  await page.emulateMedia({ media, colorScheme: scheme });
  await page.goto(pathToFileURL(file).href);
  return { page, said, close: () => context.close() };
}

/** What is wrong with a page as it opens, then with all of its tables open. */
async function lookAt(file, look) {
  const { page, said, close } = await open(file, look);
  const closed = await page.evaluate(inspect);
  await page.evaluate(() => {
    for (const part of document.querySelectorAll("details")) part.open = true;
  });
  const opened = await page.evaluate(inspect);
  await close();
  return { ...closed, problems: [...new Set([...said, ...closed.problems, ...opened.problems])] };
}

/** A PNG of the whole page. */
async function shoot(file, look, path) {
  const { page, close } = await open(file, look);
  await page.screenshot({ path, fullPage: true });
  await close();
}

/** The examples in the documentation: the top of the page, wide and narrow, light and dark, as WebP. */
async function updateExamples(file) {
  const views = [
    { name: "wide", width: 1200, height: 1900, scheme: "light" },
    { name: "narrow-dark", width: 390, height: 1900, scheme: "dark" },
  ];
  mkdirSync(join(root, "docs/report"), { recursive: true });
  for (const { name, width, height, scheme } of views) {
    const { page, close } = await open(file, { width, scheme });
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send("Page.captureScreenshot", {
      format: "webp",
      quality: 82,
      captureBeyondViewport: true,
      clip: { x: 0, y: 0, width, height, scale: 1.5 },
    });
    const bytes = Buffer.from(data, "base64");
    writeFileSync(join(root, `docs/report/${name}.webp`), bytes);
    console.log(`docs/report/${name}.webp ${(bytes.length / 1000).toFixed(0)} kB`);
    await close();
  }
}

try {
  for (const [name, make] of Object.entries(cases(isotone, report))) {
    if (!name.includes(only)) continue;
    const file = join(folder, `${name.replace(/\W+/g, "-")}.html`);
    writeFileSync(file, await make());
    const found = new Map();
    let charts = 0;
    for (const look of LOOKS) {
      looks++;
      const view = `${look.width} px ${look.media ?? look.scheme}`;
      const { problems, charts: seen } = await lookAt(file, look);
      charts = Math.max(charts, seen);
      if (problems.length > 0) wrong++;
      for (const problem of problems) found.set(problem, [...(found.get(problem) ?? []), view]);
      if (shots) {
        mkdirSync(shots, { recursive: true });
        await shoot(file, look, join(shots, `${name.replace(/\W+/g, "-")}-${view.replace(/\W+/g, "-")}.png`));
      }
    }
    console.log(`${found.size === 0 ? "ok " : "BAD"} ${name}: ${charts} charts, ${LOOKS.length} looks`);
    for (const [problem, views] of found) console.log(`    ${problem} (${views.join(", ")})`);
    if (update && name === "jobs") await updateExamples(file);
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${looks - wrong} looks, ${wrong} problems`);
process.exitCode = wrong > 0 || looks === 0 ? 1 : 0;
