// A model as an ONNX graph: raw rows in, predictions out, preprocessing inside. In: model data; out: bytes of a ModelProto.
// Operators of the default domain only, opset 13, so that every runtime of the last years reads it. Field numbers and operators:
// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, https://onnx.ai/onnx/operators/

import { PbfWriter } from "pbf";
import type { ModelData } from "../types.js";
import { VERSION } from "../version.js";
import { type Exportable, type ExportOptions, flag, modelFor } from "./data.js";

/** 13 is read by onnxruntime 1.6 (2020) and later, and by what else runs ONNX; its IR version is 7. */
const OPSET = 13;
const IR_VERSION = 7;

const FLOAT = 1;
const INT64 = 7;
const BOOL = 9;
const DOUBLE = 11;

export interface ONNXOptions extends ExportOptions {
  /**
   * true (default): hyperplanes are summed input by input with Mul and Add, as the library does, and log and exp are computed in float64 and
   * rounded once: the library's bits in onnxruntime, and rows stay in order whatever the batch. false: one Gemm and float32 throughout, for
   * accelerators and large batches: several times faster, within 1e-5, and in order only as far as the engine sums every row in the same way.
   */
  exact?: boolean;
}

/**
 * A model as an ONNX graph (opset 13, no other operator domain).
 *
 * Input `rows`, float [n, features]: raw values in feature order, a category by its index, a missing value as NaN. Quantile models have a second
 * input `level`, float [1] or [n]: the level in (0, 1) to predict. Output `prediction`, float [n], in target units; NaN for a row that the library
 * would refuse. `metadata_props` hold target, features (names, constraints, categories, ranges), loss and units as JSON.
 *
 * @param model a model, its data, or the text of a model file
 * @throws ModelFormatError when it is none of these
 * @example
 * ```ts
 * import { toONNX } from "isotone/export";
 * await writeFile("model.onnx", toONNX(model));
 * ```
 */
export function toONNX(model: Exportable, options: ONNXOptions = {}): Uint8Array<ArrayBuffer> {
  const data = modelFor(model, options, "toONNX", "prune exact");
  const graph = new Graph();
  flag(options, "exact");
  const exact = options.exact !== false;
  const good = checked(graph, data);
  const columns = inputs(graph, data, exact);
  const sum = networks(graph, data, columns, exact);
  const eta = graph.add("Add", [graph.add("Mul", [sum, graph.floats([data.scale])]), graph.floats([data.offset])]);
  const linked = link(graph, data, eta, exact);
  const all = graph.add("Where", [good, linked, graph.floats([Number.NaN])]);
  graph.add("Reshape", [all, graph.integers([-1])], {}, ["prediction"]);
  return modelProto(graph, data);
}

type Attributes = Record<string, number | readonly number[]>;

interface Tensor {
  name: string;
  type: number;
  dims: number[];
  bytes: Uint8Array;
}

/** Nodes and constants in the order in which they are made, which is an order of evaluation. */
class Graph {
  readonly nodes: { type: string; inputs: string[]; outputs: string[]; attributes: Attributes }[] = [];
  readonly constants: Tensor[] = [];

  /** A node; gives the name of its (first) output. */
  add(type: string, inputs: string[], attributes: Attributes = {}, outputs = [`${type}_${this.nodes.length}`]): string {
    this.nodes.push({ type, inputs, outputs, attributes });
    return outputs[0] as string;
  }

  /** `count` columns [n, 1] of a matrix [n, count]. */
  split(matrix: string, count: number): string[] {
    if (count === 1) return [matrix];
    const outputs = Array.from({ length: count }, (_, i) => `column_${this.nodes.length}_${i}`);
    this.add("Split", [matrix], { axis: 1 }, outputs);
    return outputs;
  }

  floats(values: readonly number[], dims = [values.length]): string {
    return this.constant(FLOAT, dims, values.length * 4, (view, i) => view.setFloat32(i * 4, values[i], true));
  }
  doubles(values: readonly number[]): string {
    return this.constant(DOUBLE, [values.length], values.length * 8, (view, i) =>
      view.setFloat64(i * 8, values[i], true),
    );
  }
  integers(values: readonly number[]): string {
    return this.constant(INT64, [values.length], values.length * 8, (view, i) =>
      view.setBigInt64(i * 8, BigInt(values[i]), true),
    );
  }
  booleans(values: readonly boolean[]): string {
    return this.constant(BOOL, [values.length], values.length, (view, i) => view.setUint8(i, values[i] ? 1 : 0));
  }

  private constant(type: number, dims: number[], size: number, put: (view: DataView, i: number) => void): string {
    const name = `constant_${this.constants.length}`;
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    const count = dims.reduce((product, dim) => product * dim, 1);
    for (let i = 0; i < count; i++) put(view, i);
    this.constants.push({ name, type, dims, bytes });
    return name;
  }
}

const hasLevel = (data: ModelData) => data.inputs.some((input) => input.transform === "level");

/**
 * `values` [n, features]: rows with what cannot be computed with replaced by a number; `missing` where they are NaN. Gives, for each row, whether
 * the model takes it: [n, 1].
 */
function checked(graph: Graph, data: ModelData): string {
  const { features } = data;
  const counts = features.map((feature) => feature.categories?.length);
  const low = graph.floats(counts.map((count) => (count === undefined ? Number.NEGATIVE_INFINITY : -1)));
  const high = graph.floats(counts.map((count) => count ?? Number.POSITIVE_INFINITY));
  graph.add("IsNaN", ["rows"], {}, ["missing"]);
  let inside = graph.add("And", [graph.add("Greater", ["rows", low]), graph.add("Less", ["rows", high])]);
  if (counts.some((count) => count !== undefined)) {
    const whole = graph.add("Equal", [graph.add("Floor", ["rows"]), "rows"]);
    const numbers = graph.booleans(counts.map((count) => count === undefined));
    inside = graph.add("And", [inside, graph.add("Or", [whole, numbers])]);
  }
  const fills = features.map((feature) => feature.fill ?? (feature.kind === "category" ? -1 : 0));
  graph.add("Where", [inside, "rows", graph.floats(fills)], {}, ["values"]);
  let fine = inside;
  if (features.some((feature) => feature.missing !== "error")) {
    const optional = graph.booleans(features.map((feature) => feature.missing !== "error"));
    fine = graph.add("Or", [inside, graph.add("And", ["missing", optional])]);
  }
  const least = graph.add("ReduceMin", [graph.add("Cast", [fine], { to: FLOAT })], { axes: [1], keepdims: 1 });
  let good = graph.add("Greater", [least, graph.floats([0.5])]);
  if (hasLevel(data)) {
    graph.add("Reshape", ["level", graph.integers([-1, 1])], {}, ["level_column"]);
    const positive = graph.add("Greater", ["level_column", graph.floats([0])]);
    const proper = graph.add("And", [positive, graph.add("Less", ["level_column", graph.floats([1])])]);
    good = graph.add("And", [good, proper]);
  }
  return good;
}

/** log of float32 numbers, rounded to float32; `exact`: by way of float64, where the engine's log is off by far less than half a float32 step. */
function logarithm(graph: Graph, x: string, exact: boolean): string {
  if (!exact) return graph.add("Log", [x]);
  return graph.add("Cast", [graph.add("Log", [graph.add("Cast", [x], { to: DOUBLE })])], { to: FLOAT });
}

function exponential(graph: Graph, x: string, exact: boolean): string {
  if (!exact) return graph.add("Exp", [graph.add("Clip", [x, scalar(graph, -87.3), scalar(graph, 88.7)])]);
  // the bounds are no float32 numbers
  const least = graph.add("Max", [graph.add("Cast", [x], { to: DOUBLE }), graph.doubles([-87.3])]);
  const held = graph.add("Min", [least, graph.doubles([88.7])]);
  return graph.add("Cast", [graph.add("Exp", [held])], { to: FLOAT });
}

const scalar = (graph: Graph, value: number) => graph.floats([value], []);

/** z of every input, [n, 1] each, in the order of the model. */
function inputs(graph: Graph, data: ModelData, exact: boolean): string[] {
  const order: number[] = [];
  const blocks: string[] = [];
  const gather = (from: string, which: number[]) =>
    graph.add("Gather", [from, graph.integers(which.map((i) => data.inputs[i].feature))], { axis: 1 });
  const block = (transform: string, make: (which: number[]) => string) => {
    const which = [...data.inputs.keys()].filter((i) => data.inputs[i].transform === transform);
    if (which.length === 0) return;
    blocks.push(make(which));
    order.push(...which);
  };
  block("linear", (which) => gather("values", which));
  block("log1p", (which) => {
    const divisors = graph.floats(which.map((i) => data.inputs[i].divisor as number));
    const q = graph.add("Div", [gather("values", which), divisors]);
    const zero = graph.floats([0]);
    const above = graph.add("Add", [graph.add("Max", [q, zero]), graph.floats([1])]);
    return graph.add("Where", [graph.add("Less", [q, zero]), q, logarithm(graph, above, exact)]);
  });
  block("equals", (which) => {
    const codes = graph.floats(which.map((i) => data.inputs[i].category as number));
    return graph.add("Cast", [graph.add("Equal", [gather("values", which), codes])], { to: FLOAT });
  });
  block("missing", (which) => graph.add("Cast", [gather("missing", which)], { to: FLOAT }));
  block("level", (which) => {
    const fed = fedLevel(graph, data, exact);
    const rest = graph.add("Sub", [graph.floats([1]), fed]);
    const odds = graph.add("Sub", [logarithm(graph, fed, exact), logarithm(graph, rest, exact)]);
    const n = graph.add("Gather", [graph.add("Shape", ["rows"]), graph.integers([0])], { axis: 0 });
    const shape = graph.add("Concat", [n, graph.integers([which.length])], { axis: 0 });
    return graph.add("Expand", [odds, shape]);
  });
  const t = blocks.length === 1 ? (blocks[0] as string) : graph.add("Concat", blocks, { axis: 1 });
  const centers = graph.floats(order.map((i) => data.inputs[i].center));
  const scales = graph.floats(order.map((i) => data.inputs[i].scale));
  const scaled = graph.add("Mul", [graph.add("Sub", [t, centers]), scales]);
  const z = graph.add("Clip", [scaled, scalar(graph, -50), scalar(graph, 50)]);
  const columns = new Array<string>(order.length);
  graph.split(z, order.length).forEach((column, k) => {
    columns[order[k]] = column;
  });
  return columns;
}

/** The level fed in for the requested one, [levels, 1]: docs/model-format.md. In float64 as there, `exact` or not in float32. */
function fedLevel(graph: Graph, data: ModelData, exact: boolean): string {
  let level = "level_column";
  if (data.calibration) {
    const number = (x: number) => (exact ? graph.doubles([x]) : graph.floats([x]));
    const p = exact ? graph.add("Cast", [level], { to: DOUBLE }) : level;
    const points = [[0, 0], ...data.calibration, [1, 1]];
    let chosen = "";
    for (let k = points.length - 1; k > 0; k--) {
      const [[x0, y0], [x1, y1]] = [points[k - 1], points[k]];
      const share = graph.add("Div", [graph.add("Sub", [p, number(x0)]), number(x1 - x0)]);
      const way = graph.add("Mul", [share, number(y1 - y0)]);
      const piece = graph.add("Min", [graph.add("Add", [way, number(y0)]), number(y1)]);
      chosen = chosen ? graph.add("Where", [graph.add("Greater", [p, number(x1)]), chosen, piece]) : piece;
    }
    level = exact ? graph.add("Cast", [chosen], { to: FLOAT }) : chosen;
  }
  const least = 2 ** -24;
  return graph.add("Clip", [level, scalar(graph, least), scalar(graph, 1 - least)]);
}

/** The sum of the networks, [n, 1]. Networks of one shape are reduced together; the sum keeps the order of the model. */
function networks(graph: Graph, data: ModelData, z: string[], exact: boolean): string {
  const d = z.length;
  const shapes = new Map<string, { groups: number; planes: number; members: number[]; weights: number[][] }>();
  data.networks.forEach((network, m) => {
    const planes = Math.max(...network.map((group) => group.length));
    const key = `${network.length} ${planes}`;
    const shape = shapes.get(key) ?? { groups: network.length, planes, members: [], weights: [] };
    shapes.set(key, shape);
    shape.members.push(m);
    // a repeated plane changes no max
    for (const group of network)
      for (let j = 0; j < planes; j++) shape.weights.push(group[Math.min(j, group.length - 1)]);
  });
  const all = [...shapes.values()];
  const weights = all.flatMap((shape) => shape.weights);
  const biases = graph.floats(weights.map((plane) => plane[d]));
  let planes = biases;
  if (exact) {
    for (let i = 0; i < d; i++) {
      planes = graph.add("Add", [planes, graph.add("Mul", [z[i], graph.floats(weights.map((plane) => plane[i]))])]);
    }
  } else {
    const matrix = d === 1 ? z[0] : graph.add("Concat", z, { axis: 1 });
    const transposed = Array.from({ length: d }, (_, i) => weights.map((plane) => plane[i])).flat();
    planes = graph.add("Gemm", [matrix, graph.floats(transposed, [d, weights.length]), biases]);
  }
  let parts = [planes];
  if (all.length > 1) {
    parts = all.map((_, k) => `planes_${k}`);
    const sizes = graph.integers(all.map((shape) => shape.weights.length));
    graph.add("Split", [planes, sizes], { axis: 1 }, parts);
  }
  const summands = new Array<string>(data.networks.length);
  all.forEach((shape, k) => {
    const dims = graph.integers([-1, shape.members.length, shape.groups, shape.planes]);
    const grouped = graph.add("Reshape", [parts[k], dims]);
    const tops = graph.add("ReduceMax", [grouped], { axes: [3], keepdims: 0 });
    const nets = graph.add("ReduceMin", [tops], { axes: [2], keepdims: 0 });
    graph.split(nets, shape.members.length).forEach((column, at) => {
      summands[shape.members[at]] = column;
    });
  });
  return summands.length === 1 ? summands[0] : graph.add("Sum", summands);
}

function link(graph: Graph, data: ModelData, eta: string, exact: boolean): string {
  if (data.link.name === "exp") {
    const held = graph.add("Min", [eta, graph.floats([data.link.maximum])]);
    return exponential(graph, held, exact);
  }
  if (data.link.name === "logistic") {
    // not Sigmoid: engines approximate it, and not in order
    const one = graph.floats([1]);
    const below = graph.add("Add", [exponential(graph, graph.add("Neg", [eta]), exact), one]);
    return graph.add("Div", [one, below]);
  }
  return eta;
}

/** What a reader of the file needs to make rows and to understand predictions, as JSON in ASCII. */
function metadata(data: ModelData): [string, unknown][] {
  const { target, features, loss, link: last } = data;
  return [
    ["isotone", VERSION],
    ["target", target.name],
    ["features", features],
    ["loss", loss],
    ["link", last],
    [
      "units",
      {
        rows: "of each column, as in the training rows; a category is its index in categories, a missing value NaN",
        prediction: "of the target",
      },
    ],
    ...(data.residuals ? [["residuals", data.residuals] as [string, unknown]] : []),
  ];
}

/** JSON without a character that any reader of metadata could stumble on. */
const ascii = (value: unknown) =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

function modelProto(graph: Graph, data: ModelData): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeStringField(2, "isotone");
  pbf.writeStringField(3, VERSION);
  pbf.writeMessage(7, writeGraph, { graph, data });
  pbf.writeMessage(8, (opset: number, to) => to.writeVarintField(2, opset), OPSET);
  for (const [key, value] of metadata(data)) {
    pbf.writeMessage(
      14,
      (text: string, to) => {
        to.writeStringField(1, key);
        to.writeStringField(2, text);
      },
      ascii(value),
    );
  }
  return new Uint8Array(pbf.finish());
}

function writeGraph({ graph, data }: { graph: Graph; data: ModelData }, pbf: PbfWriter): void {
  for (const node of graph.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, "isotone");
  for (const tensor of graph.constants) pbf.writeMessage(5, writeTensor, tensor);
  pbf.writeMessage(11, writeValue, {
    name: "rows",
    dims: ["n", data.features.length],
    says: "raw values in the order of the metadata's features; a category is its index, a missing value NaN",
  });
  // no default by an initializer of the same name: onnxruntime's JavaScript bindings then refuse the input
  if (hasLevel(data))
    pbf.writeMessage(11, writeValue, {
      name: "level",
      dims: ["levels"],
      says: "in (0, 1), one for all rows or one a row",
    });
  pbf.writeMessage(12, writeValue, {
    name: "prediction",
    dims: ["n"],
    says: "in units of the target; NaN for a row that the model cannot take",
  });
}

function writeNode({ type, inputs: from, outputs, attributes }: Graph["nodes"][number], pbf: PbfWriter): void {
  for (const name of from) pbf.writeStringField(1, name);
  for (const name of outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(3, `node_${outputs[0]}`);
  pbf.writeStringField(4, type);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

function writeAttribute([name, value]: [string, number | readonly number[]], pbf: PbfWriter): void {
  const INT = 2;
  const INTS = 7;
  pbf.writeStringField(1, name);
  if (typeof value === "number") pbf.writeVarintField(3, value);
  else for (const one of value) pbf.writeVarintField(8, one);
  pbf.writeVarintField(20, typeof value === "number" ? INT : INTS);
}

function writeTensor({ name, type, dims, bytes }: Tensor, pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, type);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, bytes);
}

function writeValue(
  { name, dims, says }: { name: string; dims: (string | number)[]; says: string },
  pbf: PbfWriter,
): void {
  const writeDim = (dim: string | number, to: PbfWriter) =>
    typeof dim === "number" ? to.writeVarintField(1, dim) : to.writeStringField(2, dim);
  const writeShape = (all: (string | number)[], to: PbfWriter) => {
    for (const dim of all) to.writeMessage(1, writeDim, dim);
  };
  const writeTensorType = (all: (string | number)[], to: PbfWriter) => {
    to.writeVarintField(1, FLOAT);
    to.writeMessage(2, writeShape, all);
  };
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (all: (string | number)[], to) => to.writeMessage(1, writeTensorType, all), dims);
  pbf.writeStringField(3, says);
}
