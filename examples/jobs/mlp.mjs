// A standard MLP with no constraint, as most people would write it: the rival of the demo. TensorFlow.js, layers API.
// 64 and 32 ReLU units, z-scored inputs and target, Adam at its default rate, batches of 32, early stopping on a tenth of the
// training rows. Starting weights and order of rows are seeded. Partial derivatives are exact: tf.grad through the network.

import { createRequire } from "node:module";
import { generator } from "./random.mjs";

const require = createRequire(import.meta.url);
const BATCH = 32;
const PATIENCE = 15;

let engine;

/** TensorFlow.js on its plain backend: for so small a network and batches of 32 as fast as the wasm one. */
function start() {
  engine ??= (async () => {
    const tf = require("@tensorflow/tfjs-core");
    const layers = require("@tensorflow/tfjs-layers");
    require("@tensorflow/tfjs-backend-cpu");
    tf.enableProdMode();
    await tf.setBackend("cpu");
    await tf.ready();
    return { tf, layers };
  })();
  return engine;
}

/** Mean and standard deviation of each of d columns; 1 in place of 0. */
function moments(rows, d) {
  return Array.from({ length: d }, (_, j) => {
    const mean = rows.reduce((sum, row) => sum + row[j], 0) / rows.length;
    const variance = rows.reduce((sum, row) => sum + (row[j] - mean) ** 2, 0) / rows.length;
    return { mean, sd: Math.sqrt(variance) || 1 };
  });
}

/**
 * Trains the MLP.
 * In: rows (n arrays of d numbers), targets (n), options { seed, epochs (at most), onEpoch }.
 * Out: { epochs (run), predict(rows): Float32Array (n), derivatives(rows): Float32Array (n x d, target units per input unit), dispose() }.
 */
export async function fitMlp(rows, targets, { seed = 1, epochs = 200, onEpoch = () => {} } = {}) {
  const { tf, layers } = await start();
  const d = rows[0].length;
  const scaling = moments(rows, d);
  const [target] = moments(
    targets.map((value) => [value]),
    1,
  );
  const flat = (list) =>
    Float32Array.from(list.flatMap((row) => row.map((v, j) => (v - scaling[j].mean) / scaling[j].sd)));
  const x = flat(rows);
  const y = Float32Array.from(targets, (value) => (value - target.mean) / target.sd);

  const dense = (units, activation, at, first) =>
    layers.layers.dense({
      units,
      activation,
      kernelInitializer: layers.initializers.glorotUniform({ seed: seed * 10 + at }),
      ...(first ? { inputShape: [d] } : {}),
    });
  const net = layers.sequential({ layers: [dense(64, "relu", 1, true), dense(32, "relu", 2), dense(1, "linear", 3)] });
  const adam = tf.train.adam(0.001);
  const variables = net.trainableWeights.map((weight) => weight.read());
  const forward = (input) => net.apply(input, { training: true });
  const squaredError = (input, output) => tf.mean(tf.squaredDifference(forward(input), output));

  const random = generator(seed);
  const order = random.order(rows.length);
  const kept = Math.floor(rows.length / 10);
  const left = order.slice(0, kept);
  const train = order.slice(kept);
  const tensors = (list) => [
    tf.tensor2d(Float32Array.from(list.flatMap((i) => Array.from(x.subarray(i * d, (i + 1) * d)))), [list.length, d]),
    tf.tensor2d(
      Float32Array.from(list, (i) => y[i]),
      [list.length, 1],
    ),
  ];
  const [leftX, leftY] = tensors(left);
  let best = Number.POSITIVE_INFINITY;
  let bestWeights = [];
  let stale = 0;
  let epoch = 0;
  while (epoch < epochs && stale < PATIENCE) {
    const shuffled = random.order(train.length).map((i) => train[i]);
    for (let at = 0; at + BATCH <= shuffled.length; at += BATCH) {
      const [batchX, batchY] = tensors(shuffled.slice(at, at + BATCH));
      adam.minimize(() => squaredError(batchX, batchY), false, variables);
      batchX.dispose();
      batchY.dispose();
    }
    epoch++;
    const loss = tf.tidy(() => squaredError(leftX, leftY).dataSync()[0]);
    onEpoch(epoch, loss);
    if (loss < best) {
      best = loss;
      stale = 0;
      bestWeights = variables.map((v) => v.dataSync().slice());
    } else {
      stale++;
    }
  }
  variables.forEach((v, i) => {
    v.assign(tf.tensor(bestWeights[i], v.shape));
  });
  leftX.dispose();
  leftY.dispose();
  adam.dispose();

  return {
    epochs: epoch,
    predict(list) {
      const out = tf.tidy(() => forward(tf.tensor2d(flat(list), [list.length, d])).dataSync());
      return Float32Array.from(out, (value) => value * target.sd + target.mean);
    },
    derivatives(list) {
      const gradient = tf.grad((input) => tf.sum(forward(input)));
      const out = tf.tidy(() => gradient(tf.tensor2d(flat(list), [list.length, d])).dataSync());
      return Float32Array.from(out, (value, i) => (value * target.sd) / scaling[i % d].sd);
    },
    dispose() {
      net.dispose();
    },
  };
}
