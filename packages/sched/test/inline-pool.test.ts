import { poolConformance } from '@pexen/pool-kit/conformance';
import { expect, test } from 'vitest';
import { inline } from '../src/driver/inline-pool.ts';
import { run } from '../src/index.ts';

poolConformance({ test, factory: () => inline({ concurrency: 2 }) });

test('any number of bodies may run at once, but not none', () => {
  for (const concurrency of [0, -1, 1.5, Number.NaN, '2' as never])
    expect(() => inline({ concurrency })).toThrow(/PEXEN_BAD_OPTION: inline: concurrency must be/);
  expect(() => inline({ concurrency: Number.POSITIVE_INFINITY })).not.toThrow();
});

test('two runs cannot use one pool at the same time: the second is refused, the first goes on', async () => {
  const pool = inline();
  const first = run([() => 1, () => 2], { pool });
  const results = first[Symbol.asyncIterator]();
  expect(await results.next()).toMatchObject({ value: { value: 1 } });
  expect(() => run([() => 3], { pool })).toThrow(/open already/);
  expect(await results.next()).toMatchObject({ value: { value: 2 } });
  expect(await results.next()).toEqual({ done: true, value: undefined });
  expect((await run([() => 4], { pool }).summary).counts).toEqual({ returned: 1 });
});
