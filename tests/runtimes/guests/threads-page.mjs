// Browsers: members in workers, where the page's policy lets them start.
import * as isotone from "./node_modules/isotone/dist/index.js";
import { report } from "./report.js";
import { withThreads } from "./threads.js";

report(() => withThreads(isotone));
