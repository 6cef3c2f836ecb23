// Exports of a trained model: pure functions of its data, text or bytes, no engine needed.

export type { Exportable, ExportOptions } from "./data.js";
export { toModule } from "./esm.js";
export { toModuleTypes } from "./esm-types.js";
export { type ONNXOptions, toONNX } from "./onnx.js";
export { type Dialect, type SQLOptions, toSQL } from "./sql.js";
export { toWasm } from "./wasm.js";
