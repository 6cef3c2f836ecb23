// Starts programs, and says what they printed when they fail.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** Runs a program to its end; stdout as text. */
export function run(command, args, { timeout = 300_000, input, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...options,
    });
    child.stdin?.end(input);
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ended with ${signal ?? code}: ${(err || out).slice(-2000)}`));
    });
  });
}

/** Starts a program that stays; `stop()` ends it, and what it started, and waits for that. */
export function start(command, args, options = {}) {
  // a group of its own: a driver's browser must not outlive it, nor hold its output open
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, ...options });
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // the whole group has ended
    }
  };
  const state = { text: "", ended: false };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      state.text = (state.text + chunk).slice(-4000);
    });
  }
  const closed = new Promise((resolve) => {
    child.on("error", (error) => {
      state.text += error.message;
      state.ended = true;
      resolve();
    });
    child.on("exit", () => {
      state.ended = true;
      resolve();
    });
  });
  return {
    state,
    async stop() {
      if (child.pid !== undefined) kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), 5000);
      await closed;
      clearTimeout(timer);
      if (child.pid !== undefined) kill("SIGKILL");
      child.stdout.destroy();
      child.stderr.destroy();
    },
  };
}

/** A port nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Asks again until `url` answers or the program behind it has ended. */
export async function answer(url, program, options = {}, tries = 150) {
  for (let i = 0; ; i++) {
    try {
      return await fetch(url, options);
    } catch (error) {
      if (program?.state.ended || i >= tries) throw new Error(`${url}: ${error.message}. ${program?.state.text ?? ""}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The JSON of an answer, or its text as an error. */
export async function json(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return JSON.parse(text);
}
