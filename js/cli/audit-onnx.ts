// isotone audit of an ONNX file, run by onnxruntime where that is installed. In: the file, and rows as CSV; out: the findings.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { audit } from "../audit.js";
import { list, quote } from "../errors.js";
import { type AuditFlags, auditOptions, directions, type Found, foundIn, numbers, sampleRows } from "./audit-rows.js";
import { columnIndex, openCsv } from "./csv.js";
import { fileError, InputError, UsageError } from "./errors.js";
import { plural } from "./output.js";

/** What is used of onnxruntime. */
interface Runtime {
  InferenceSession: { create(model: Uint8Array): Promise<Session> };
  Tensor: new (type: string, data: Float32Array | Float64Array, dims: number[]) => unknown;
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata?: readonly { name: string; type?: string }[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: ArrayLike<number>; dims: readonly number[] }>>;
}

/** onnxruntime as installed where the command runs. */
async function openRuntime(path: string): Promise<Runtime> {
  for (const place of [join(process.cwd(), "package.json"), import.meta.url]) {
    for (const name of ["onnxruntime-node", "onnxruntime-web"]) {
      let entry: string;
      try {
        entry = createRequire(place).resolve(name);
      } catch {
        continue;
      }
      const runtime = await import(pathToFileURL(entry).href);
      return runtime.InferenceSession ? runtime : runtime.default;
    }
  }
  throw new InputError(
    `${path}: an ONNX file is run by onnxruntime, which is not part of isotone: npm install onnxruntime-node (or onnxruntime-web), and again from this folder`,
  );
}

/** A file of ONNX: one input with all columns, or one input a column by its name; numbers only. */
export async function auditOnnx(path: string, rows: string, flags: AuditFlags): Promise<Found> {
  const file = await openCsv(rows, flags);
  const signs = directions(file, flags);
  for (const name of flags.inputs ?? []) columnIndex(file, name, "--inputs");
  const bytes = await readFile(path).catch((error) => {
    throw fileError("read", path, error);
  });
  const { InferenceSession, Tensor } = await openRuntime(path);
  const failed = (error: unknown) =>
    new InputError(
      `${path}: onnxruntime says: ${String(error instanceof Error ? error.message : error).split("\n")[0]}`,
    );
  const session = await InferenceSession.create(new Uint8Array(bytes)).catch((error) => {
    throw failed(error);
  });
  const { inputNames, outputNames } = session;
  const separate = inputNames.length > 1;
  const columns = flags.inputs ?? (separate ? [...inputNames] : [...signs.keys()]);
  for (const name of columns) {
    if (!file.header.includes(name))
      throw new InputError(
        `${path} has the input ${quote(name)}, ${file.name} has no such column: ${list(file.header)}`,
      );
  }
  if (separate && inputNames.some((name) => !columns.includes(name)))
    throw new UsageError(`--inputs: ${path} has the inputs ${list(inputNames)}`);
  const unused = [...signs.keys()].filter((name) => !columns.includes(name));
  if (unused.length > 0) throw new UsageError(`${list(unused)} is no input of ${path}; inputs: ${list(columns)}`);
  const output = flags.prediction ?? outputNames[0];
  if (!outputNames.includes(output))
    throw new UsageError(`--prediction: ${path} has no output ${quote(output)}; outputs: ${list(outputNames)}`);
  const double = (name: string) => session.inputMetadata?.find((input) => input.name === name)?.type === "float64";
  const tensor = (name: string, data: Float64Array, dims: number[]) =>
    double(name) ? new Tensor("float64", data, dims) : new Tensor("float32", Float32Array.from(data), dims);
  const sample = await sampleRows(file, numbers(columns), flags.rows, flags.seed);
  const report = await audit(
    async (x, n, d) => {
      const feeds = separate
        ? columns.map((name, f) => {
            const column = Float64Array.from({ length: n }, (_, r) => x[r * d + f]);
            return [name, tensor(name, column, [n, 1])] as const;
          })
        : [[inputNames[0], tensor(inputNames[0], x, [n, d])] as const];
      const results = await session.run(Object.fromEntries(feeds)).catch((error) => {
        throw failed(error);
      });
      const { data, dims } = results[output];
      if (data.length !== n) {
        throw new InputError(
          `${path}: the output ${quote(output)} has the shape ${dims.join(" x ")}, expected one number for each of ${plural(n, "row")}${outputNames.length > 1 ? `; choose with --prediction: ${list(outputNames)}` : ""}`,
        );
      }
      return Array.from(data, Number);
    },
    sample.x,
    new Map(columns.map((name) => [name, signs.get(name) ?? 0])),
    auditOptions(flags),
  );
  return foundIn(report, sample);
}
