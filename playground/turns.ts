// Turns of the event loop. A tab in the background gets timers once a second at most, and messages as ever.

const waiting: (() => void)[] = [];
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => waiting.shift()?.();

/** Lets the event loop take a turn. */
export const turn = () =>
  new Promise<void>((resolve) => {
    waiting.push(resolve);
    port2.postMessage(0);
  });

/** A `pause` that is taken only where the one before was 30 ms ago or more. */
export function paced(pause: () => Promise<void> = turn): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 30) return;
    await pause();
    since = performance.now();
  };
}
