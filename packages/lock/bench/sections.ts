/** The workload of the lock benches: critical sections that take some of the locks, a quarter of them to write. */

export interface Section {
  /** Sorted. */
  readonly names: readonly string[];
  readonly isWriter: boolean;
}

export interface Column {
  readonly name: string;
  readonly locks: number;
  /** How many of them each section takes. */
  readonly each: number;
  /** Nodes above each lock. */
  readonly depth: number;
}

export const columns: readonly Column[] = [
  { name: '1 lock', locks: 1, each: 1, depth: 0 },
  { name: '16 locks', locks: 16, each: 1, depth: 0 },
  { name: '1000 locks', locks: 1000, each: 1, depth: 0 },
  { name: '3 of 16', locks: 16, each: 3, depth: 0 },
  { name: '3 of 1000', locks: 1000, each: 3, depth: 0 },
];

/** The same, ten levels deep: for the table only, since the other packages have no tree. */
export const deepColumns: readonly Column[] = columns.map((column) => ({
  ...column,
  name: `${column.name}, 10 deep`,
  depth: 9,
}));

export function sectionsOf({ locks, each, depth }: Column, count: number): Section[] {
  const random = numbers();
  const prefix = depth === 0 ? 'lock-' : `/${Array.from({ length: depth }, (_, level) => level).join('/')}/`;
  return Array.from({ length: count }, () => {
    const taken = new Set<number>();
    while (taken.size < each) taken.add(Math.floor(random() * locks));
    const names = [...taken].sort((a, b) => a - b).map((lock) => `${prefix}${lock}`);
    return { names, isWriter: random() < 0.25 };
  });
}

/** The same numbers below 1 every time (mulberry32). */
function numbers(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
