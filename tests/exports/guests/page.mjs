// Chromium: the cases of /jobs.json under a policy that allows scripts of this origin and nothing else; answers go back as their bits.
import { answers } from "./answers.mjs";

async function run() {
  const found = [];
  for (const job of await (await fetch("/jobs.json")).json()) {
    const module = await import(`/${job.module}`);
    const rows = new Float32Array(await (await fetch(`/${job.rows}`)).arrayBuffer());
    found.push([...new Uint32Array(answers(module, rows, job).buffer)]);
  }
  return found;
}

const answer = await run().then(
  (value) => ({ value }),
  (error) => ({ error: String(error?.stack ?? error) }),
);
await fetch(`/report${location.search}`, { method: "POST", body: JSON.stringify(answer) });
