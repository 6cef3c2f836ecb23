// A seeded generator for the example: the same jobs, split and starting weights on every run.

/** xoshiro128++ seeded by splitmix64: uniform numbers, integers, normal numbers, orders. */
export function generator(seed) {
  let state = BigInt(seed) & 0xffffffffffffffffn;
  const words = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & 0xffffffffffffffffn;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & 0xffffffffffffffffn;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & 0xffffffffffffffffn;
    words[i] = Number((z ^ (z >> 31n)) & 0xffffffffn);
  }
  let [a, b, c, d] = words;
  /** 32 random bits (Blackman and Vigna, xoshiro128++ 1.0). */
  function bits() {
    const sum = (a + d) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + a) | 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result >>> 0;
  }
  const uniform = () => (bits() + 0.5) / 4294967296;
  const below = (n) => Math.floor(uniform() * n);
  return {
    /** In (0, 1). */
    uniform,
    /** An integer in [0, n). */
    below,
    /** Mean 0, standard deviation 1 (Box and Muller). */
    normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
    /** The integers 0 to n - 1, shuffled. */
    order(n) {
      const list = Array.from({ length: n }, (_, i) => i);
      for (let i = n - 1; i > 0; i--) {
        const j = below(i + 1);
        [list[i], list[j]] = [list[j], list[i]];
      }
      return list;
    },
  };
}
