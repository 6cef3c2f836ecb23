// Browsers, plain <script type="module">: no build step, files served as they lie in the package.
import { conformance } from "./body.js";
import * as isotone from "./node_modules/isotone/dist/index.js";
import * as small from "./node_modules/isotone/dist/predict.js";
import { report } from "./report.js";

report(() => conformance(isotone, small));
