// Node, Deno, Bun: members in workers; the process must end by itself afterwards.
import * as isotone from "isotone";
import { withThreads } from "./threads.js";

console.log(JSON.stringify(await withThreads(isotone)));
