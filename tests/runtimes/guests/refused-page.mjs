// A page whose policy lacks 'wasm-unsafe-eval': importing is fine, first use says what is missing.
import { fit } from "./node_modules/isotone/dist/index.js";
import { report } from "./report.js";

report(async () => {
  try {
    await fit({ a: [1, 2, 3], b: [1, 2, 3] }, { target: "b" });
  } catch (error) {
    return error.message;
  }
  return "no error";
});
