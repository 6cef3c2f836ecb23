// What the engines are compared with, bundled by run.mjs: the exporters, the library, and the made-up models.

export { toModule, toONNX, toSQL, toWasm } from "../../js/export/index.js";
export { load } from "../../js/model.js";
export { evaluate, everyKind, generator, makeModel, makeRows, withPlane } from "../js/oracle.js";
