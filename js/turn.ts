// A turn of the event loop between pieces of work, so that pages stay alive and an abort is heard.

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: number): void;
  close(): void;
}

/** What hosts differ in. */
interface Host {
  setImmediate?: (call: () => void) => unknown;
  MessageChannel?: new () => { port1: Port; port2: Port };
}

/** Lets the event loop take a turn. A tab in the background gets timers once a second at most, and messages as ever. */
export function turn(): Promise<void> {
  const { setImmediate, MessageChannel } = globalThis as Host;
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else if (MessageChannel) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        // an open port would keep some hosts running
        port1.close();
        resolve();
      };
      port2.postMessage(0);
    } else setTimeout(resolve, 0);
  });
}

/** What awaits `pause` whenever work that costs more than `most` together was told it since. */
export function paced(pause: () => Promise<void>, most: number): (cost: number) => Promise<void> | undefined {
  let since = 0;
  return (cost) => {
    since += cost;
    if (since < most) return undefined;
    since = 0;
    return pause();
  };
}
