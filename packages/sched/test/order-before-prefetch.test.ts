/** Order comes before prefetch: attempts that a pool gets beyond its workers never invert priorities. */
import { withMeta } from '@pexen/core';
import { expect, it } from 'vitest';
import { inline, run } from '../src/index.ts';

it('contended tasks of the best priority start among the first, though 150 others could be prefetched', async () => {
  const order: string[] = [];
  const make = (name: string, meta: object) =>
    withMeta(
      async () => {
        order.push(name);
        await new Promise((resolve) => setImmediate(resolve));
      },
      { name, ...meta },
    );
  const free = Array.from({ length: 150 }, (_, nth) => make(`free-${nth}`, {}));
  const locked = ['x', 'y', 'z'].map((name) => make(name, { claims: ['db'], priority: -100 }));
  await run([...free, ...locked], { pool: inline({ concurrency: 2 }), spare: 1 }).summary;
  expect(order).toHaveLength(153);
  expect(Math.max(...['x', 'y', 'z'].map((name) => order.indexOf(name)))).toBeLessThan(12);
});
