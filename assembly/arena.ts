// Memory: one arena that only grows. In: sizes in bytes; out: 16-byte aligned pointers, zeroed on request.
// Nothing else in the module allocates, so `mark` and `reset` are the whole of memory management.

let top: usize = 0;

/** Current end of the arena, to hand to `reset` later. */
export function mark(): usize {
  if (top == 0) top = (__heap_base + 15) & ~15;
  return top;
}

/** Drops everything allocated since `mark` gave `to`. */
export function reset(to: usize): void {
  top = to;
}

/** `bytes` of memory, 16-byte aligned, not zeroed; 0 when the host refuses to grow the memory. */
export function alloc(bytes: usize): usize {
  const start = mark();
  const end = (start + bytes + 15) & ~15;
  const have = (<usize>memory.size()) << 16;
  // 64 spare bytes: vector loads of the last row may read past its end
  if (end + 64 > have) {
    const pages = <i32>((end + 64 - have + 0xffff) >> 16);
    if (memory.grow(pages) < 0) return 0;
  }
  top = end;
  return start;
}

/** As `alloc`, filled with zeros. */
export function allocZeroed(bytes: usize): usize {
  const p = alloc(bytes);
  if (p) memory.fill(p, 0, bytes);
  return p;
}
