// Browsers, through a bundler: names resolved at build time.
import * as isotone from "isotone";
import * as small from "isotone/predict";
import { conformance } from "./body.js";
import { report } from "./report.js";

report(() => conformance(isotone, small));
