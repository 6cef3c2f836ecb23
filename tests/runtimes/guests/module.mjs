// Node, with modules handed in as { module }: the kernels compiled without any optimisation, and the small module as published.
import { readFile } from "node:fs/promises";
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance } from "./body.js";

const [kernels, predict] = process.argv.slice(2);
const module = await WebAssembly.compile(await readFile(kernels));
const smallModule = await WebAssembly.compile(await readFile(predict));
const extra = { fit: { module }, load: { module }, smallLoad: { module: smallModule } };
console.log(JSON.stringify(await conformance(isotone, small, extra)));
