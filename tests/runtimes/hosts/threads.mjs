// fit with threads: 2 in every host: two threads where there are workers, one where there are none or a policy refuses them; the same bytes always.

/** A runtime's row: `run` gives what guests/threads.js gives; `expected` threads. */
export function threadsRow(row, expected) {
  return {
    ...row,
    asks:
      expected === 2
        ? "members in two threads, the bytes of one"
        : "one thread where no worker may start, the same bytes",
    async run(ctx) {
      const { same, threads } = await row.run(ctx);
      if (!same) throw new Error("threads: 2 gave another model than one thread");
      if (threads !== expected) throw new Error(`${threads} threads at work, expected ${expected}`);
      return { note: `yes, ${threads} thread${threads === 1 ? "" : "s"}` };
    },
  };
}
