// Turns of the event loop, no oftener than a page needs them.

import { turn } from "../js/turn.js";

/** A `pause` that is taken only where the one before was 30 ms ago or more. */
export function paced(pause: () => Promise<void> = turn): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 30) return;
    await pause();
    since = performance.now();
  };
}
