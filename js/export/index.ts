// Exports of a trained model: pure functions of its data, text or bytes, no engine needed.

export type { Exportable, ExportOptions } from "./data.js";
export { toModule, toModuleTypes } from "./esm.js";
export { type ONNXOptions, toONNX } from "./onnx.js";
export { type Dialect, type SQLOptions, toSQL } from "./sql.js";
export { toWasm } from "./wasm.js";
