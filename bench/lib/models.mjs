// The trained models of the prediction benchmarks: fitted once by the library, kept below the temporary folder, and unfolded to plain planes
// (inputs, scaling and offset folded in, in float64) for everyone else, who so has less to do than the library: no scaling of inputs, no clip.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytes, makeWorkload, writeWorkload } from "../workloads.mjs";

const recipe = { A: [60, 256], B: [12, 256], C: [12, 1024], D: [12, 128] };

/** Columns { y, x0, x1, ... } of a workload. */
export function columnsOf(w) {
  const columns = { y: w.y };
  for (let i = 0; i < w.inputs; i++) {
    const column = new Float32Array(w.rows);
    for (let r = 0; r < w.rows; r++) column[r] = w.x[r * w.inputs + i];
    columns[`x${i}`] = column;
  }
  return columns;
}

/** Planes and biases of a model file: networks in order, the single plane of a sum last. */
export function unfold(data) {
  const single = (network) => network.length === 1 && network[0].length === 1;
  const networks = [...data.networks].sort((a, b) => Number(single(a)) - Number(single(b)));
  const linear = single(networks[networks.length - 1]);
  const own = linear ? networks.slice(0, -1) : networks;
  const d = data.inputs.length;
  const w = [];
  const b = [];
  networks.forEach((groups, m) => {
    // the offset belongs to one term of the sum
    const offset = m === networks.length - 1 ? data.offset : 0;
    for (const plane of groups.flat()) {
      let bias = plane[d] * data.scale + offset;
      data.inputs.forEach((input, i) => {
        w.push(plane[i] * data.scale * input.scale);
        bias -= plane[i] * data.scale * input.scale * input.center;
      });
      b.push(bias);
    }
  });
  const sizes = {
    networks: own.length,
    groups: own[0].length,
    hyperplanes: own[0][0].length,
    linear,
  };
  return { sizes, w: Float32Array.from(w), b: Float32Array.from(b) };
}

/** Folder with rows and model of a workload; trains the model where it is not there or older than the library. */
export async function modelFolder(name) {
  const w = makeWorkload(name);
  const folder = `${writeWorkload(w)}`;
  const file = join(folder, "model.json");
  const library = new URL("../../dist/index.js", import.meta.url);
  if (!existsSync(file) || statSync(file).mtimeMs < statSync(library).mtimeMs) {
    const { fit } = await import("../../dist/index.js");
    const [epochs, batch] = recipe[name];
    const { networks, groups, hyperplanes } = w;
    const model = await fit(columnsOf(w), {
      target: "y",
      networks,
      groups,
      hyperplanes,
      members: 1,
      validation: 0,
      epochs,
      batch,
      learningRate: 0.02,
      seed: 1,
    });
    writeFileSync(file, JSON.stringify(model));
  }
  const { sizes, w: weights, b } = unfold(JSON.parse(readFileSync(file, "utf8")));
  writeFileSync(join(folder, "model.w"), bytes(weights));
  writeFileSync(join(folder, "model.b"), bytes(b));
  writeFileSync(
    join(folder, "sizes.json"),
    JSON.stringify({ ...JSON.parse(readFileSync(join(folder, "sizes.json"), "utf8")), ...sizes }),
  );
  return { folder, w };
}
