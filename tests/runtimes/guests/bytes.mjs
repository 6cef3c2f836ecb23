// A processor of the other byte order ("big" as argument; "little": this one): the library must refuse to predict, train and export there, by one
// message; exported modules must predict. In: the folder exported/; out: their predictions and derivatives, as JSON.
import { readFileSync } from "node:fs";
import * as isotone from "isotone";
import * as exporters from "isotone/export";
import * as small from "isotone/predict";
import { FEATURES } from "./body.js";

const rows = JSON.parse(readFileSync("exported/rows.json", "utf8"));
const text = readFileSync("exported/model.json", "utf8");
const calls = {
  fit: () => isotone.fit(rows, { target: "minutes", features: FEATURES, epochs: 1 }),
  predict: () => isotone.load(text).predict(rows[0]),
  "isotone/predict": () => small.load(text).predict(rows[0]),
  "{ module }": () => {
    const module = new WebAssembly.Module(readFileSync("node_modules/isotone/dist/predict.wasm"));
    return small.load(text, { module }).predict(rows[0]);
  },
  toModule: () => exporters.toModule(text),
  toONNX: () => exporters.toONNX(text),
  toWasm: () => exporters.toWasm(text),
};
for (const [name, call] of Object.entries(calls)) {
  let said = "nothing";
  try {
    await call();
  } catch (error) {
    said = error.message;
  }
  const expected = process.argv[2] === "big" ? "isotone needs a little-endian host" : "nothing";
  if (said !== expected) throw new Error(`${name} said ${said}`);
}

const out = {};
for (const loss of ["squared", "poisson", "logistic"]) {
  const module = await import(`./exported/${loss}.mjs`);
  out[loss] = Array.from(module.predictMany(rows));
  out[`derivatives of ${loss}`] = rows.slice(0, 100).map((row) => module.sensitivity(row));
}
console.log(JSON.stringify(out));
