// workerd with the default entry, as a bundler without the condition would build it: the error has to say what to do.
import { fit, load } from "isotone";

export default {
  async fetch() {
    const said = [];
    const plain = { format: "isotone", version: 1 };
    try {
      load(plain);
    } catch (error) {
      said.push(error.name);
    }
    try {
      await fit({ a: [1, 2, 3], b: [1, 2, 3] }, { target: "b" });
    } catch (error) {
      said.push(String(error.message));
    }
    return new Response(said.join("\n"));
  },
};
