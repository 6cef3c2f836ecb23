// workerd: a worker that answers with the digests, or with what fit took on 1,000 rows.
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance, FEATURES, makeRows } from "./body.js";
import { withThreads } from "./threads.js";

// memory of every instance since the fit began, so that the test can see how near to the limit of 128 MB it comes
const memories = [];
WebAssembly.Instance = class extends WebAssembly.Instance {
  constructor(module, imports) {
    super(module, imports);
    memories.push(this.exports.memory);
  }
};

export default {
  async fetch(request) {
    try {
      if (new URL(request.url).pathname === "/fit") {
        memories.length = 0;
        const rows = makeRows(1000);
        const model = await isotone.fit(rows, { target: "minutes", features: FEATURES });
        return Response.json({
          rows: rows.length,
          wasmBytes: memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
          error: model.training.heldOut.model.mae,
          errorOfMean: model.training.heldOut.mean.mae,
        });
      }
      if (new URL(request.url).pathname === "/threads") return Response.json(await withThreads(isotone));
      return Response.json(await conformance(isotone, small));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
