// npm run playground: serves build/playground on this machine (any static host will do). --port to choose another than 8080.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../build/playground/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

/** Serves its files; resolves to the address and what stops it. Port 0: any that is free. */
export async function serve(port = 0) {
  const server = createServer(async (request, response) => {
    const name = new URL(request.url, "http://localhost").pathname.slice(1) || "index.html";
    const known = ["index.html", "playground.js", "playground.css", "THIRD-PARTY.txt"].includes(name);
    const body = known && (await readFile(join(folder, name)).catch(() => undefined));
    response.writeHead(body ? 200 : 404, { "content-type": `${TYPES[extname(name)] ?? "text/plain"}; charset=utf-8` });
    response.end(body || "not found");
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "localhost", resolve);
  });
  return { address: `http://localhost:${server.address().port}/`, close: () => server.close() };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const at = process.argv.indexOf("--port");
  const { address } = await serve(at < 0 ? 8080 : Number(process.argv[at + 1]));
  console.log(`The playground: ${address} (Ctrl-C ends it)`);
}
