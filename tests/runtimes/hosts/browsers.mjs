// Chromium, Firefox, WebKitGTK: a page with plain <script type="module"> under a strict policy ('wasm-unsafe-eval' and nothing more);
// in Chromium also the bundles of esbuild, vite, webpack and rollup, and a page whose policy refuses WebAssembly.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundlers } from "./bundlers.mjs";
import { answer, freePort, json, run, start } from "./process.mjs";
import { threadsRow } from "./threads.mjs";

export async function launchChromium() {
  const { chromium } = await import("playwright-core");
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

async function inChromium(ctx, script, options) {
  const browser = await launchChromium();
  try {
    const { url, found } = ctx.site.page(script, options);
    const page = await browser.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await page.goto(url);
    return await found.catch((error) => {
      throw new Error([error.message, ...errors].join("\n"));
    });
  } finally {
    await browser.close();
  }
}

async function inFirefox(ctx, script, options) {
  const { default: puppeteer } = await import("puppeteer-core");
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: "/usr/bin/firefox-esr",
    headless: true,
  });
  try {
    const { url, found } = ctx.site.page(script, options);
    const page = await browser.newPage();
    await page.goto(url);
    return await found;
  } finally {
    await browser.close();
  }
}

/** WebKitGTK through WebKitWebDriver, on a display of its own. */
async function inWebKit(ctx, script, options) {
  const home = await mkdtemp(join(tmpdir(), "isotone-webkit-"));
  const display = `:${90 + (process.pid % 100)}`;
  const xvfb = start("Xvfb", [display, "-screen", "0", "800x600x24", "-nolisten", "tcp"]);
  const port = await freePort();
  const driver = start("WebKitWebDriver", [`--port=${port}`], {
    env: {
      ...process.env,
      DISPLAY: display,
      HOME: home,
      XDG_RUNTIME_DIR: home,
      // the sandbox of WebKit's web process does not start for root
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1",
      WEBKIT_DISABLE_COMPOSITING_MODE: "1",
      LIBGL_ALWAYS_SOFTWARE: "1",
      GIO_USE_VFS: "local",
      NO_AT_BRIDGE: "1",
    },
  });
  const base = `http://127.0.0.1:${port}`;
  const post = async (path, body) =>
    (await json(await answer(base + path, driver, { method: "POST", body: JSON.stringify(body) }))).value;
  try {
    await answer(`${base}/status`, driver);
    const { sessionId } = await post("/session", {
      capabilities: {
        alwaysMatch: {
          "webkitgtk:browserOptions": {
            binary: "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
            args: ["--automation"],
          },
        },
      },
    });
    const { url, found } = ctx.site.page(script, options);
    await post(`/session/${sessionId}/url`, { url });
    const value = await found;
    await fetch(`${base}/session/${sessionId}`, { method: "DELETE" });
    return value;
  } finally {
    await driver.stop();
    await xvfb.stop();
    await rm(home, { recursive: true, force: true });
  }
}

export const chromiumVersion = async () =>
  /[\d.]+/.exec(await run("/usr/bin/chromium", ["--version", "--no-sandbox"]))[0];
const plain = "plain.mjs";

const browsers = [
  { name: "chromium", apt: ["chromium"], version: chromiumVersion, open: inChromium },
  {
    name: "firefox",
    apt: ["firefox-esr"],
    version: async () => /[\d.]+\S*/.exec(await run("/usr/bin/firefox-esr", ["--version"]))[0],
    open: inFirefox,
  },
  {
    name: "webkit",
    apt: ["webkit2gtk-driver", "xvfb"],
    // WebKitWebDriver has no --version
    version: async () => /Version: ([\d.]+)/.exec(await run("dpkg-query", ["-s", "webkit2gtk-driver"]))[1],
    open: inWebKit,
  },
];
const threaded = "threads-page.mjs";

export default [
  ...browsers.map(({ open, ...browser }) => ({ ...browser, run: (ctx) => open(ctx, plain) })),
  ...browsers.map(({ open, name, ...browser }) =>
    threadsRow({ ...browser, name: `${name} threads`, run: (ctx) => open(ctx, threaded, { workers: true }) }, 2),
  ),
  ...browsers.map(({ open, name, ...browser }) =>
    threadsRow({ ...browser, name: `${name} threads refused`, run: (ctx) => open(ctx, threaded) }, 1),
  ),
  ...Object.entries(bundlers).map(([name, bundle]) => ({
    name: `chromium ${name}`,
    apt: ["chromium"],
    version: async (ctx) => (await ctx.packageOf(name)).version,
    run: async (ctx) => inChromium(ctx, await bundle(ctx)),
  })),
  ...Object.entries(bundlers).map(([name, bundle]) =>
    threadsRow(
      {
        name: `chromium ${name} threads`,
        apt: ["chromium"],
        version: async (ctx) => (await ctx.packageOf(name)).version,
        run: async (ctx) => inChromium(ctx, await bundle(ctx), { workers: true, query: "&threads" }),
      },
      2,
    ),
  ),
  {
    name: "chromium strict policy",
    apt: ["chromium"],
    version: chromiumVersion,
    asks: "an error that names the missing policy word",
    async run(ctx) {
      const said = await inChromium(ctx, "refused-page.mjs", { wasm: false });
      if (!/'wasm-unsafe-eval' to script-src of the Content-Security-Policy/.test(said))
        throw new Error(`it said: ${said}`);
      return { note: "clear error" };
    },
  },
];
