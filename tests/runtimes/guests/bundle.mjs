// Browsers, through a bundler: names resolved at build time. With ?threads, members in workers, whose text has been through the bundler too.
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance } from "./body.js";
import { report } from "./report.js";
import { withThreads } from "./threads.js";

const threads = new URLSearchParams(location.search).has("threads");
report(() => (threads ? withThreads(isotone) : conformance(isotone, small)));
