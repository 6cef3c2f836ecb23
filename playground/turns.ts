// Turns of the event loop. A tab in the background gets timers once a second at most, and messages as ever: so that training goes on while its
// page is not looked at, the turns that `fit` takes by setImmediate, where there is one, are messages.

const waiting: (() => void)[] = [];
const { port1, port2 } = new MessageChannel();
port1.onmessage = () => waiting.shift()?.();

function immediately(call: () => void): void {
  waiting.push(call);
  port2.postMessage(0);
}

/** Gives the host what `fit` looks for. */
export function provideTurns(): void {
  (globalThis as { setImmediate?: unknown }).setImmediate ??= immediately;
}

/** Lets the event loop take a turn. */
export const turn = () => new Promise<void>(immediately);

/** A `pause` that is taken only where the one before was 30 ms ago or more. */
export function paced(pause: () => Promise<void> = turn): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 30) return;
    await pause();
    since = performance.now();
  };
}
