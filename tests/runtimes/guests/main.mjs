// Node, Deno, Bun: import by name from the installed package, digests to stdout.
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance } from "./body.js";

console.log(JSON.stringify(await conformance(isotone, small)));
