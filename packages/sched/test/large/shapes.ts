/** Sets of very many tasks, each of one shape. Knows nothing about how they are run. */
import { type Runnable, type TaskMeta, withMeta } from '@pexen/core';

/** The tasks, named `t0`, `t1`, … */
export type Shape = (count: number) => Runnable[];

const made =
  (metaOf: (index: number) => TaskMeta): Shape =>
  (count) =>
    Array.from({ length: count }, (_, index) => withMeta(() => {}, { name: `t${index}`, ...metaOf(index) }));

/** Ten parts, three names a level and the last one unique: neighbours meet high up, claims and uses alternate. */
function tenDeep(index: number): string {
  const parts: number[] = [];
  for (let rest = index, depth = 0; depth < 9; depth++, rest = Math.floor(rest / 3)) parts.push(rest % 3);
  return `/${parts.join('/')}/${index}`;
}

/** The first task is required by all others. */
const fan: Shape = made((index) => (index === 0 ? { provides: ['root'] } : { requires: ['root'] }));

const chain: Shape = made((index) => ({
  provides: [`c${index}`],
  requires: index === 0 ? [] : [`c${index - 1}`],
}));

export const shapes = {
  alone: made(() => ({})),
  chain,
  /** Declared from the end to the beginning. */
  'chain, backwards': (count) => chain(count).reverse(),
  /** The first task fails, and all others are skipped for that. */
  'chain that breaks': (count) => {
    const [, ...rest] = chain(count);
    const first = withMeta(
      () => {
        throw new Error('the first link');
      },
      { name: 't0', provides: ['c0'] },
    );
    return [first, ...rest];
  },
  fan,
  'one lock': made(() => ({ claims: ['lock'] })),
  'ten-deep hierarchy': made((index) => ({ [index % 2 === 0 ? 'claims' : 'uses']: [tenDeep(index)] })),
  'all of one capability': made((index) => (index === 0 ? { requires: ['c'] } : { provides: ['c'] })),
  /** The first task has so many requirements. */
  'very many requirements': (count) => {
    const rest = made((index) => ({ name: `t${index + 1}` }))(count - 1);
    return [withMeta(() => {}, { name: 't0', requires: rest }), ...rest];
  },
} satisfies Record<string, Shape>;

export type ShapeName = keyof typeof shapes;
