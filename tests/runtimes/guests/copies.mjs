// Two copies of the package in one program, a model of each used by turns and loaded by the other.
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance, FEATURES, makeRows } from "./body.js";

const other = await import(`${import.meta.resolve("isotone")}?copy`);
if (other.fit === isotone.fit) throw new Error("expected two copies");
const rows = makeRows();
const options = { target: "minutes", features: FEATURES, members: 1, epochs: 5 };
const here = await isotone.fit(rows, options);
const there = await other.fit(rows, options);
const swapped = isotone.load(JSON.stringify(there));
for (const row of rows) {
  const expected = here.predict(row);
  if (there.predict(row) !== expected || swapped.predict(row) !== expected) throw new Error("the copies disagree");
}
const [digests] = await Promise.all([conformance(isotone, other), conformance(other, small)]);
console.log(JSON.stringify(digests));
