// One contender in a process of its own, answering one JSON command a line: isolated memory and compiler state, and rounds of
// different contenders can be interleaved. node serve.mjs <contender> [variant]. The Python contender speaks the same lines.
//
// load { folder }             reads a workload's files                                    -> { versions }
// start                       back to the starting parameters                             -> {}
// train { steps, batch, rate } the next steps                                             -> { ms, loss }
// parameters                  z and b after training                                      -> { z, b } as base64 float32
// model { folder, rows }      takes planes to predict with                                -> {}
// predict                     all rows of the batch, once                                 -> { ms, values } (values: first 256, base64)
// row { count }               single rows, one call each                                  -> { ns }
// sensitivity                 every partial derivative of the batch, once                 -> { ms, values }
// memory                      peak resident memory so far                                 -> { bytes }
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [name, variant] = process.argv.slice(2);
const contender = await (await import(`./contenders/${name}.mjs`)).create(variant);

/** A file's bytes in a buffer of their own: readFileSync may hand out an unaligned slice of a shared pool. */
function buffer(folder, file) {
  const data = readFileSync(join(folder, file));
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
}
const floats = (folder, file) => new Float32Array(buffer(folder, file));
const ints = (folder, file) => new Int32Array(buffer(folder, file));
const base64 = (array) =>
  Buffer.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)).toString("base64");
const head = (values) => base64(Float32Array.from(values.slice(0, 256)));

function readWorkload(folder) {
  const sizes = JSON.parse(readFileSync(join(folder, "sizes.json"), "utf8"));
  return {
    ...sizes,
    x: floats(folder, "x"),
    y: floats(folder, "y"),
    z: floats(folder, "z"),
    b: floats(folder, "b"),
    order: ints(folder, "order"),
  };
}

/** Planes to predict with: rows, w (planes, inputs), b (planes), and the same as the library's model file. */
function readModel(folder) {
  const sizes = JSON.parse(readFileSync(join(folder, "sizes.json"), "utf8"));
  const x = floats(folder, "x").slice(0, sizes.predictRows * sizes.inputs);
  return {
    ...sizes,
    rows: sizes.predictRows,
    x,
    w: floats(folder, "model.w"),
    b: floats(folder, "model.b"),
    folder,
  };
}

const commands = {
  load: async ({ folder }) => ({ versions: await contender.load(readWorkload(folder)) }),
  start: async () => (await contender.start()) ?? {},
  train: (command) => contender.train(command),
  async parameters() {
    const { z, b } = await contender.parameters();
    return { z: base64(Float32Array.from(z)), b: base64(Float32Array.from(b)) };
  },
  model: async ({ folder }) => (await contender.model(readModel(folder))) ?? {},
  async predict() {
    const { ms, values } = await contender.predict();
    return { ms, values: head(values) };
  },
  row: (command) => contender.row(command),
  async sensitivity() {
    const { ms, values } = await contender.sensitivity();
    return { ms, values: head(values) };
  },
  async extra(command) {
    return contender.extra(command);
  },
  memory: async () => ({ bytes: process.resourceUsage().maxRSS * 1024 }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command](rest);
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.stdout.write(`\u0001${JSON.stringify(answer)}\n`);
}
process.exit(0);
