// Chromium for the tests: the system's, installed where it is not there yet, or the one that ISOTONE_CHROMIUM names.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { installDebian } from "../runtimes/install.mjs";

/** A page of its own context, and everything that it says: console, errors, dialogs. */
export async function listen(browser, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    said.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  return { context, page, said };
}

export async function launchChromium() {
  const program = process.env.ISOTONE_CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(program)) {
    const failed = await installDebian(["chromium"]);
    if (failed.chromium) throw new Error(`no chromium: ${failed.chromium}`);
  }
  return chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
}
