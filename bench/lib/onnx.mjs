// The min-max sum as an ONNX graph of the kind that a deep learning framework exports: one Gemm for all hyperplanes, ReduceMax
// over each group, ReduceMin over each network. Made for speed; the library's own export is made for equal bits instead.
// Field numbers: onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.

const text = new TextEncoder();

function varint(value) {
  const out = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    out.push(rest ? low | 128 : low);
  } while (rest);
  return Uint8Array.from(out);
}

function concat(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** [field number, value] pairs to bytes: numbers are varints, strings and bytes are length-delimited. */
function message(...fields) {
  const parts = [];
  for (const [number, value] of fields) {
    if (typeof value === "number") parts.push(varint(number << 3), varint(value));
    else {
      const data = typeof value === "string" ? text.encode(value) : value;
      parts.push(varint((number << 3) | 2), varint(data.length), data);
    }
  }
  return concat(parts);
}

const FLOAT = 1;
const INT64 = 7;
const raw = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
const tensor = (name, type, dims, data) => message(...dims.map((d) => [1, d]), [2, type], [8, name], [9, raw(data)]);
const intAttribute = (name, value) => message([1, name], [3, value], [20, 2]);
const intsAttribute = (name, values) => message([1, name], ...values.map((v) => [8, v]), [20, 7]);
const node = (type, inputs, output, ...attributes) =>
  message(...inputs.map((i) => [1, i]), [2, output], [3, output], [4, type], ...attributes.map((a) => [5, a]));
const dimension = (size) => (typeof size === "number" ? message([1, size]) : message([2, size]));
const value = (name, dims) =>
  message([1, name], [2, message([1, message([1, FLOAT], [2, message(...dims.map((d) => [1, dimension(d)]))])])]);

/** model: { inputs, networks, groups, hyperplanes, linear, w (planes, inputs), b (planes) } -> ModelProto bytes. */
export function minMaxOnnx(model) {
  const { inputs, networks, groups, hyperplanes, linear, w, b } = model;
  const own = networks * groups * hyperplanes;
  const nodes = [
    node("Gemm", ["x", "w", "b"], "planes", intAttribute("transB", 1)),
    node("Reshape", ["planes", "shape"], "grouped"),
    node("ReduceMax", ["grouped"], "tops", intsAttribute("axes", [3]), intAttribute("keepdims", 0)),
    node("ReduceMin", ["tops"], "nets", intsAttribute("axes", [2]), intAttribute("keepdims", 0)),
  ];
  const initializers = [
    tensor("w", FLOAT, [own, inputs], w.slice(0, own * inputs)),
    tensor("b", FLOAT, [own], b.slice(0, own)),
    tensor("shape", INT64, [4], BigInt64Array.from([-1n, BigInt(networks), BigInt(groups), BigInt(hyperplanes)])),
  ];
  const total = linear ? "hinges" : "y";
  nodes.push(node("ReduceSum", ["nets"], total, intsAttribute("axes", [1]), intAttribute("keepdims", 1)));
  if (linear) {
    nodes.push(
      node("Gemm", ["x", "wl", "bl"], "plane", intAttribute("transB", 1)),
      node("Add", ["hinges", "plane"], "y"),
    );
    initializers.push(tensor("wl", FLOAT, [1, inputs], w.slice(own * inputs)), tensor("bl", FLOAT, [1], b.slice(own)));
  }
  const graph = message(
    ...nodes.map((n) => [1, n]),
    [2, "minmax"],
    ...initializers.map((i) => [5, i]),
    [11, value("x", ["n", inputs])],
    [12, value("y", ["n", 1])],
  );
  return message([1, 7], [2, "isotone-bench"], [7, graph], [8, message([1, ""], [2, 12])]);
}
