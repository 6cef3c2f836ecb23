// A Cloudflare worker: POST a job's counts as JSON; milliseconds, and what each activity adds to a typical job, come back.
//   npm run demo && npm pack && cp build/demo/model.json examples/worker/
//   cd examples/worker && npm install --prefix . ../../isotone-*.tgz && npx wrangler dev
//   curl localhost:8787 -d '{"documents":48,"rows":2427,"lookups":7278,"reports":2,"blocks":0,"lines":2766,"messages":59}'
import { load } from "isotone";
import saved from "./model.json";

const model = load(saved);

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response("POST one row as JSON\n", { status: 405 });
    try {
      const { prediction, baseline, contributions } = model.explain(await request.json());
      return Response.json({ ms: prediction, typical: baseline, contributions });
    } catch (error) {
      // the library's errors say which field is wrong and what was expected
      return Response.json({ error: error.message }, { status: 400 });
    }
  },
};
