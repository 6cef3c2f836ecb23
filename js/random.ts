// A small seeded generator, and orders of rows: for samples and statistics, never training (that is assembly/random.ts).

/** Uniform in [0, 1) from a 32-bit seed (mulberry32). */
export function uniform(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** The numbers 0 to n - 1 in a random order (Fisher & Yates); `below` gives a whole number from 0 on, below its argument. */
export function shuffled(n: number, below: (limit: number) => number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, r) => r);
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
