/** Shapes of many tasks. */
import type { Graph } from './contenders.ts';

/** A small generator, so that every run of a bench builds the same graphs. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

export function independent(count: number): Graph {
  return Array.from({ length: count }, () => []);
}

/** Layers of a hundred tasks; each waits for three of the layer before. */
export function layered(count: number): Graph {
  const next = numbers(7);
  const wide = 100;
  return Array.from({ length: count }, (_, index) => {
    const above = (Math.floor(index / wide) - 1) * wide;
    if (above < 0) return [];
    return [...new Set([0, 1, 2].map(() => above + Math.floor(next() * wide)))];
  });
}

export function chain(count: number): Graph {
  return Array.from({ length: count }, (_, index) => (index === 0 ? [] : [index - 1]));
}

/** All wait for the first one. */
export function fan(count: number): Graph {
  return Array.from({ length: count }, (_, index) => (index === 0 ? [] : [0]));
}
