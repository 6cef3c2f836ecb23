// What the engines are compared with, bundled by run.mjs: the exporters, the library, and the made-up models.

export { toModule, toONNX, toSQL, toWasm } from "../../js/export/index.js";
export { fit } from "../../js/fit.js";
export { stringifyModel } from "../../js/format.js";
export { load } from "../../js/model.js";
export { evaluate, everyKind, generator, HOSTILE, makeModel, makeRows, withPlane } from "../js/oracle.js";
