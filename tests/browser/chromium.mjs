// Chromium for the tests: the system's, installed where it is not there yet, or the one that ISOTONE_CHROMIUM names.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { installDebian } from "../runtimes/install.mjs";

export async function launchChromium() {
  const program = process.env.ISOTONE_CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(program)) {
    const failed = await installDebian(["chromium"]);
    if (failed.chromium) throw new Error(`no chromium: ${failed.chromium}`);
  }
  return chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
}
