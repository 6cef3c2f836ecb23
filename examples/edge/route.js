// An edge route (Next.js: app/api/estimate/route.js): GET with the counts in the query, milliseconds come back.
//   npm run demo && npm pack; copy build/demo/model.json beside this file, and npm install the tarball in your project
//   /api/estimate?documents=48&rows=2427&lookups=7278&reports=2&blocks=0&lines=2766&messages=59
import { load } from "isotone/predict";
import saved from "./model.json";

export const runtime = "edge";

const model = load(saved);

export async function GET(request) {
  const query = new URL(request.url).searchParams;
  const row = {};
  for (const { name } of model.features) {
    const text = query.get(name);
    if (!text) return Response.json({ error: `the query lacks "${name}"` }, { status: 400 });
    row[name] = Number(text);
  }
  try {
    return Response.json({ ms: model.predict(row), msPerUnit: model.sensitivity(row) });
  } catch (error) {
    return Response.json({ error: error.message }, { status: 400 });
  }
}
