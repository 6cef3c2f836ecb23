// threads: 2 against one: the same bytes, whether the host lets workers start or not; an abort ends both; nothing is left running.
// In: the package; out: { same, threads: the most that worked at a time }.
import { FEATURES, makeRows } from "./body.js";

export async function withThreads(isotone) {
  const rows = makeRows(1200);
  const options = { target: "minutes", features: FEATURES, members: 6, epochs: 60, batch: 32, seed: 5 };
  const one = JSON.stringify(await isotone.fit(rows, options));
  let same = true;
  let threads = 0;
  // a busy machine may finish the members before a worker has started
  for (let k = 0; k < 4 && threads < 2; k++) {
    const onProgress = (progress) => {
      threads = Math.max(threads, progress.threads);
    };
    const model = await isotone.fit(rows, { ...options, threads: 2, onProgress });
    same &&= JSON.stringify(model) === one;
  }
  const controller = new AbortController();
  const signal = controller.signal;
  let looks = 0;
  const abortLater = () => {
    if (++looks === 20) controller.abort();
  };
  const end = await isotone.fit(rows, { ...options, threads: 2, signal, onProgress: abortLater }).then(
    () => "no abort",
    (error) => error.name,
  );
  if (end !== "AbortError") throw new Error(`aborted with threads: ${end}`);
  return { same, threads };
}
