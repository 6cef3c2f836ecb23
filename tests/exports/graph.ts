// What an ONNX graph computes, by a plain reading of its operators: https://onnx.ai/onnx/operators/, those of set 13 that toONNX uses.

import { PbfReader } from "pbf";

export type Fields = Map<number, unknown[]>;

/** All fields of a message, by number: varints as numbers, everything else as bytes. */
export function fields(bytes: Uint8Array): Fields {
  return new PbfReader(bytes).readFields((tag, found: Fields, pbf) => {
    const value = pbf.type === 2 ? pbf.readBytes() : pbf.readVarint();
    found.set(tag, [...(found.get(tag) ?? []), value]);
  }, new Map());
}

export const all = (message: Fields, tag: number) => (message.get(tag) ?? []) as Uint8Array[];
export const text = (message: Fields, tag: number, at = 0) =>
  new TextDecoder("utf-8", { fatal: true }).decode(all(message, tag)[at]);

const [FLOAT, INT64, BOOL, DOUBLE] = [1, 7, 9, 11];

export interface Tensor {
  type: number;
  dims: number[];
  data: number[];
}

const sizeOf = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const rounded = (type: number, v: number) => (type === FLOAT ? Math.fround(v) : v);

function constant(tensor: Fields): Tensor {
  const dims = (tensor.get(1) ?? []) as number[];
  const type = tensor.get(2)?.[0] as number;
  const bytes = all(tensor, 9)[0] ?? new Uint8Array(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const width = { [FLOAT]: 4, [INT64]: 8, [BOOL]: 1, [DOUBLE]: 8 }[type] as number;
  if (bytes.length !== sizeOf(dims) * width) throw new Error(`${bytes.length} bytes for ${dims} of ${width}`);
  const read = (at: number) =>
    type === FLOAT
      ? view.getFloat32(at, true)
      : type === DOUBLE
        ? view.getFloat64(at, true)
        : type === BOOL
          ? view.getUint8(at)
          : Number(view.getBigInt64(at, true));
  return { type, dims, data: Array.from({ length: sizeOf(dims) }, (_, i) => read(i * width)) };
}

/** Indices of an element, and the place of indices in a tensor that may be shorter, or 1, along some of them. */
function indices(dims: readonly number[], at: number): number[] {
  const out = new Array<number>(dims.length);
  for (let k = dims.length - 1, rest = at; k >= 0; k--) {
    out[k] = rest % dims[k];
    rest = Math.floor(rest / dims[k]);
  }
  return out;
}
const placeIn = (dims: readonly number[], index: readonly number[]) =>
  dims.reduce((at, dim, k) => at * dim + (dim === 1 ? 0 : index[k + index.length - dims.length]), 0);

function broadcast(...shapes: number[][]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, k) => {
    const own = shapes.map((dims) => dims[k - rank + dims.length] ?? 1);
    const most = Math.max(...own);
    if (own.some((dim) => dim !== 1 && dim !== most)) throw new Error(`shapes ${JSON.stringify(shapes)}`);
    return most;
  });
}

function each(type: number, tensors: Tensor[], of: (...values: number[]) => number): Tensor {
  const dims = broadcast(...tensors.map((tensor) => tensor.dims));
  const data = Array.from({ length: sizeOf(dims) }, (_, at) => {
    const index = indices(dims, at);
    return rounded(type, of(...tensors.map((tensor) => tensor.data[placeIn(tensor.dims, index)])));
  });
  return { type, dims, data };
}

/** The tensor of these dimensions, each element from the indices in `from` that `of` says. */
const picked = (from: Tensor, dims: number[], of: (index: number[]) => number[]): Tensor => ({
  type: from.type,
  dims,
  data: Array.from({ length: sizeOf(dims) }, (_, at) => from.data[placeIn(from.dims, of(indices(dims, at)))]),
});

function reduced(from: Tensor, axes: readonly number[], keep: boolean, of: (a: number, b: number) => number): Tensor {
  const kept = from.dims.map((dim, k) => (axes.includes(k) ? 1 : dim));
  const data = new Array<number>(sizeOf(kept));
  from.data.forEach((v, at) => {
    const to = placeIn(kept, indices(from.dims, at));
    data[to] = data[to] === undefined ? v : of(data[to], v);
  });
  return { type: from.type, dims: keep ? kept : kept.filter((_, k) => !axes.includes(k)), data };
}

type Attributes = Record<string, number | number[]>;

function run(operator: string, ins: Tensor[], outputs: number, attributes: Attributes): Tensor[] {
  const [a, b, c] = ins;
  const axis = attributes.axis as number;
  const same = (of: (...values: number[]) => number) => {
    if (ins.some(({ type }) => type !== a.type)) throw new Error(`${operator} of types ${ins.map(({ type }) => type)}`);
    return [each(a.type, ins, of)];
  };
  const test = (of: (...values: number[]) => boolean) => [each(BOOL, ins, (...values) => Number(of(...values)))];
  switch (operator) {
    case "Add":
      return same((x, y) => x + y);
    case "Sub":
      return same((x, y) => x - y);
    case "Mul":
      return same((x, y) => x * y);
    case "Div":
      return same((x, y) => x / y);
    case "Neg":
      return same((x) => -x);
    case "Max":
      return same((x, y) => Math.max(x, y));
    case "Min":
      return same((x, y) => Math.min(x, y));
    case "Sum":
      return [ins.slice(1).reduce((sum, one) => each(a.type, [sum, one], (x, y) => x + y), a)];
    case "Clip":
      return same((x, low, high) => Math.min(high, Math.max(low, x)));
    case "Floor":
      return same(Math.floor);
    case "Log":
      return same(Math.log);
    case "Exp":
      return same(Math.exp);
    case "IsNaN":
      return test((x) => x !== x);
    case "Greater":
      return test((x, y) => x > y);
    case "Less":
      return test((x, y) => x < y);
    case "Equal":
      return test((x, y) => x === y);
    case "And":
      return test((x, y) => x === 1 && y === 1);
    case "Or":
      return test((x, y) => x === 1 || y === 1);
    case "Where":
      return [each(b.type, ins, (x, y, z) => (x === 1 ? y : z))];
    case "Cast":
      return [each(attributes.to as number, [a], (x) => x)];
    case "Shape":
      return [{ type: INT64, dims: [a.dims.length], data: a.dims }];
    case "Reshape": {
      const known = b.data.reduce((size, dim) => (dim < 0 ? size : size * dim), 1);
      const dims = b.data.map((dim) => (dim < 0 ? a.data.length / known : dim));
      if (sizeOf(dims) !== a.data.length) throw new Error(`${a.data.length} numbers to ${dims}`);
      return [{ ...a, dims }];
    }
    case "Expand":
      return [picked(a, broadcast(a.dims, b.data), (index) => index)];
    case "Gather": {
      const dims = a.dims.map((dim, k) => (k === axis ? b.data.length : dim));
      return [picked(a, dims, (index) => index.map((i, k) => (k === axis ? b.data[i] : i)))];
    }
    case "Concat": {
      const starts = ins.map((_, k) => ins.slice(0, k).reduce((sum, one) => sum + one.dims[axis], 0));
      const dims = a.dims.map((dim, k) => (k === axis ? starts[ins.length - 1] + ins[ins.length - 1].dims[axis] : dim));
      const data = Array.from({ length: sizeOf(dims) }, (_, at) => {
        const index = indices(dims, at);
        const k = starts.findLastIndex((start) => start <= index[axis]);
        index[axis] -= starts[k];
        return ins[k].data[placeIn(ins[k].dims, index)];
      });
      return [{ type: a.type, dims, data }];
    }
    case "Split": {
      const sizes = b?.data ?? new Array<number>(outputs).fill(a.dims[axis] / outputs);
      if (sizes.reduce((x, y) => x + y) !== a.dims[axis]) throw new Error(`${a.dims[axis]} split into ${sizes}`);
      return sizes.map((size, k) => {
        const start = sizes.slice(0, k).reduce((x, y) => x + y, 0);
        return picked(
          a,
          a.dims.map((dim, j) => (j === axis ? size : dim)),
          (index) => index.map((i, j) => (j === axis ? i + start : i)),
        );
      });
    }
    case "ReduceMax":
      return [reduced(a, attributes.axes as number[], attributes.keepdims === 1, Math.max)];
    case "ReduceMin":
      return [reduced(a, attributes.axes as number[], attributes.keepdims === 1, Math.min)];
    case "Gemm": {
      const [[n, d], m] = [a.dims, b.dims[1]];
      const data = Array.from({ length: n * m }, (_, at) => {
        const [r, p] = [Math.floor(at / m), at % m];
        let sum = c.data[p];
        for (let i = 0; i < d; i++) sum += a.data[r * d + i] * b.data[i * m + p];
        return Math.fround(sum);
      });
      return [{ type: a.type, dims: [n, m], data }];
    }
    default:
      throw new Error(`no operator ${operator}`);
  }
}

/** Runs a model's graph; `feeds` by the names of its inputs. Gives all tensors by name. */
export function evaluateGraph(model: Uint8Array, feeds: Record<string, Tensor>): Map<string, Tensor> {
  const graph = fields(all(fields(model), 7)[0]);
  const found = new Map(Object.entries(feeds));
  for (const tensor of all(graph, 5).map(fields)) found.set(text(tensor, 8), constant(tensor));
  for (const node of all(graph, 1).map(fields)) {
    const names = (tag: number) => all(node, tag).map((_, k) => text(node, tag, k));
    const attributes = Object.fromEntries(
      all(node, 5)
        .map(fields)
        .map((one) => [text(one, 1), one.get(20)?.[0] === 2 ? (one.get(3)?.[0] as number) : (one.get(8) as number[])]),
    );
    const outputs = names(2);
    const results = run(
      text(node, 4),
      names(1).map((name) => found.get(name) as Tensor),
      outputs.length,
      attributes,
    );
    for (const [k, name] of outputs.entries()) found.set(name, results[k]);
  }
  return found;
}

export const floats = (dims: number[], data: ArrayLike<number>): Tensor => ({
  type: FLOAT,
  dims,
  data: Array.from(data),
});
