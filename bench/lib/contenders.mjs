// Starts contenders (see serve.mjs), sends them commands and times them in interleaved rounds.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL("..", import.meta.url));

/** Every contender: how it is started and what must be there. `only` limits what it is asked to do. */
export const contenders = {
  isotone: { label: "isotone", script: "isotone" },
  "isotone-threads": { label: "isotone, 2 threads", script: "isotone", variant: "threads" },
  "isotone-arrays": { label: "isotone, rows as plain arrays", script: "isotone", variant: "arrays" },
  "tfjs-wasm": { label: "tfjs-wasm, minimize", script: "tfjs", variant: "wasm" },
  "tfjs-wasm-sparse": { label: "tfjs-wasm, hand-derived", script: "tfjs", variant: "wasm-sparse" },
  "tfjs-cpu": { label: "tfjs-cpu, minimize", script: "tfjs", variant: "cpu" },
  "tfjs-cpu-sparse": { label: "tfjs-cpu, hand-derived", script: "tfjs", variant: "cpu-sparse" },
  "ort-web": { label: "onnxruntime-web", script: "ort", variant: "web" },
  "ort-node": { label: "onnxruntime-node", script: "ort", variant: "node" },
  plain: { label: "plain JS loop", script: "plain" },
  jax: { label: "jax-js, wasm", script: "jax", node: 22 },
  torch: { label: "PyTorch, autograd", python: "autograd" },
  "torch-sparse": { label: "PyTorch, hand-derived", python: "sparse" },
  numpy: { label: "numpy, hand-derived", python: "numpy" },
};

/** What a process says that misses a package of bench/rivals, in words that help; undefined where it ended by something else. */
export const notInstalled = (errors) =>
  /Cannot find (module|package)/.test(errors) && errors.includes("rivals")
    ? "not installed: npm install --ignore-scripts --prefix bench/rivals"
    : undefined;

const pythons = [process.env.BENCH_PYTHON, "/usr/bin/python3", "python3"].filter(Boolean);
const known = new Map();

/** The first Python that has a module; undefined when none has. */
function pythonWith(module) {
  if (!known.has(module)) {
    const found = pythons.find(
      (python) => spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0,
    );
    known.set(module, found);
  }
  return known.get(module);
}

/** Starts one contender; rejects with a reason when something that it needs is not installed. */
export async function startContender(name) {
  const how = contenders[name];
  let command;
  let args;
  if (how.python) {
    command = pythonWith(how.python === "numpy" ? "numpy" : "torch");
    if (!command) throw new Error("no Python with this package");
    args = [`${here}contenders/python.py`, how.python];
  } else {
    command = process.execPath;
    if (how.node > Number.parseInt(process.versions.node, 10)) {
      command = `${here}rivals/node_modules/node${how.node}/bin/node`;
      if (!existsSync(command)) throw new Error(`needs Node ${how.node}`);
    }
    args = [`${here}serve.mjs`, how.script, ...(how.variant ? [how.variant] : [])];
  }
  const env = { ...process.env, OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1", MKL_NUM_THREADS: "1" };
  delete env.OPENBLAS_CORETYPE;
  delete env.OPENBLAS_L2_SIZE;
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"], env });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors = (errors + data).slice(-2000);
  });
  const waiting = [];
  let gone;
  const stop = (reason) => {
    gone ??= reason;
    for (const { reject } of waiting.splice(0)) reject(new Error(gone));
  };
  child.on("error", (error) => stop(String(error)));
  child.on("exit", (code, signal) =>
    stop(
      notInstalled(errors) ?? `${name} ended (${code ?? signal}): ${errors.trim().split("\n").slice(-4).join(" | ")}`,
    ),
  );
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("\u0001")) return;
    const answer = JSON.parse(line.slice(1));
    const next = waiting.shift();
    if (answer?.error) next.reject(new Error(answer.error));
    else next.resolve(answer);
  });
  return {
    name,
    label: how.label,
    /** Sends one command; resolves with its answer. */
    ask(commandName, parameters = {}) {
      if (gone) return Promise.reject(new Error(gone));
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify({ command: commandName, ...parameters })}\n`);
      });
    },
    stop() {
      gone ??= "stopped";
      child.stdin.end();
      child.kill();
    },
  };
}

/** Starts several; what cannot start is reported on stderr and left out. */
export async function startAll(names) {
  const started = [];
  for (const name of names) {
    try {
      const contender = await startContender(name);
      await contender.ask("memory");
      started.push(contender);
    } catch (error) {
      console.error(`${name}: left out (${String(error.message).split("\n")[0]})`);
    }
  }
  return started;
}

export const floatsOf = (base64) => {
  const buffer = Buffer.from(base64, "base64");
  return new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
};

/** Largest |a - b| / (1 + |b|). */
export function largestDifference(a, b) {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]) / (1 + Math.abs(b[i]));
    if (!(difference <= largest)) largest = difference; // also keeps NaN
  }
  return largest;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and greatest. */
export const summary = (values) => ({
  median: median(values),
  least: Math.min(...values),
  greatest: Math.max(...values),
});
