// A Deno server: POST an array of rows as JSON, get predictions and partial derivatives (ms per unit).
//   npm run demo && npm pack && cp build/demo/model.json examples/deno/ && cd examples/deno && npm install --prefix . ../../isotone-*.tgz
//   deno run --allow-net --allow-read=model.json server.js 8000
import { load } from "isotone/predict";

const model = load(await Deno.readTextFile(new URL("model.json", import.meta.url)));

Deno.serve({ port: Number(Deno.args[0] ?? 8000), hostname: "127.0.0.1" }, async (request) => {
  if (request.method !== "POST") return new Response("POST an array of rows as JSON\n", { status: 405 });
  try {
    const rows = await request.json();
    return Response.json(rows.map((row) => ({ ms: model.predict(row), msPerUnit: model.sensitivity(row) })));
  } catch (error) {
    return Response.json({ error: error.message }, { status: 400 });
  }
});
