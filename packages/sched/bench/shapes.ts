/** The shapes to schedule, as plain data: requirements and resources. */
export interface Work {
  readonly name: string;
  /** The capability it provides. One string for all tasks that name it, as a literal in a source would be. */
  readonly done: string;
  /** Indexes in the list. */
  readonly requires: readonly number[];
  readonly priority: number;
  readonly claims?: readonly string[];
}

export interface Shape {
  readonly name: string;
  readonly works: readonly Work[];
}

/** Each task of a layer requires three of the layer before. */
const layerWidth = 1000;

export function independent(count: number): Shape {
  return { name: 'independent', works: many(count, () => ({ requires: [] })) };
}

export function layered(count: number): Shape {
  const requires = (index: number): number[] => {
    const first = Math.floor(index / layerWidth) * layerWidth - layerWidth;
    return first < 0 ? [] : [0, 7, 31].map((step) => first + ((index + step) % layerWidth));
  };
  return { name: 'layered, 3 deps each', works: many(count, (index) => ({ requires: requires(index) })) };
}

export function chain(count: number): Shape {
  return { name: 'chain', works: many(count, (index) => ({ requires: index === 0 ? [] : [index - 1] })) };
}

export function fan(count: number): Shape {
  return {
    name: 'fan: one before all',
    works: many(count, (index) => ({ requires: index === 0 ? [] : [0] })),
  };
}

export function wide(count: number): Shape {
  const all = Array.from({ length: count - 1 }, (_, index) => index);
  return {
    name: 'one task requires all others',
    works: many(count, (index) => ({ requires: index === count - 1 ? all : [] })),
  };
}

export function oneLock(count: number): Shape {
  return { name: 'all claim one resource', works: many(count, () => ({ requires: [], claims: ['db'] })) };
}

/** Ten parts deep; the last two differ. */
export function hierarchy(count: number): Shape {
  const path = (index: number) => `/a/b/c/d/e/f/g/h/${index % 7}/${index % 61}`;
  return {
    name: 'claims in a hierarchy, 10 deep',
    works: many(count, (index) => ({ requires: [], claims: [path(index)] })),
  };
}

function many(count: number, make: (index: number) => Omit<Work, 'name' | 'done' | 'priority'>): Work[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ name: `task-${index}`, done: `task-${index} done`, priority: index % 3 },
    ...make(index),
  }));
}
