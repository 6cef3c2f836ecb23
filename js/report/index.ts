// What the command line takes from the report, as one bundle that is loaded when a report is asked for (dist/report.js).

export { gatherer } from "./gather.js";
export { renderReport } from "./render.js";
export { makeStudy } from "./study.js";
