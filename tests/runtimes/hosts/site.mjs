// The server of the browser tests: files of the app folder under a strict policy, and a place to post what a page found.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".html": "text/html",
  ".wasm": "application/wasm",
  ".json": "application/json",
  ".css": "text/css",
};
const POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'";

/** Serves `folder`; `page(script, wasm)` gives the address of a page with that script and a promise of what it posts. */
export async function openSite(folder) {
  const waiting = new Map();
  let next = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (request.method === "POST" && url.pathname === "/report") {
      let text = "";
      for await (const chunk of request) text += chunk;
      response.end();
      const got = JSON.parse(text);
      const { resolve, reject } = waiting.get(url.searchParams.get("id")) ?? {};
      if (got.error) reject?.(new Error(got.error));
      else resolve?.(got.value);
      return;
    }
    if (url.pathname === "/page") {
      const wasm = url.searchParams.get("wasm") === "no" ? POLICY : `${POLICY} 'wasm-unsafe-eval'`;
      const policy = url.searchParams.get("workers") === "yes" ? `${wasm}; worker-src blob:` : wasm;
      response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": policy });
      response.end(
        `<!doctype html><title>isotone</title><script type="module" src="/${url.searchParams.get("script")}"></script>`,
      );
      return;
    }
    try {
      const path = normalize(decodeURIComponent(url.pathname)).replace(/^(\.\.[/\\])+/, "");
      const content = await readFile(join(folder, path));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    page(script, { wasm = true, workers = false, query = "", timeout = 120_000 } = {}) {
      const id = String(next++);
      const found = new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        setTimeout(() => reject(new Error(`the page reported nothing within ${timeout / 1000} s`)), timeout).unref();
      });
      found.catch(() => {});
      return {
        url: `${origin}/page?id=${id}&script=${script}&wasm=${wasm ? "yes" : "no"}&workers=${workers ? "yes" : "no"}${query}`,
        found,
      };
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}
