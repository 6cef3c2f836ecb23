// EdgeVM: the bundle leaves its answers on globalThis.
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance } from "./body.js";
import { withThreads } from "./threads.js";

globalThis.answer = conformance(isotone, small).then(JSON.stringify);
globalThis.withThreads = () => withThreads(isotone).then(JSON.stringify);
