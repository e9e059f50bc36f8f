/** Keys of dictionaries that could reach a prototype are refused, never dropped. */
import { isPexenError, task } from '@pexen/core';
import { describe, expect, test } from 'vitest';
import { run } from '../src/index.ts';

describe.each(['__proto__', 'constructor', 'prototype'])('%s', (key) => {
  const withKey = (): Record<string, unknown> =>
    Object.defineProperty({}, key, { value: 1, enumerable: true });

  test('is refused in the dictionary of a run', () => {
    expect(() => run([() => 1], { shared: withKey() })).toThrow(
      `PEXEN_REFUSED_KEY: shared has the key "${key}", which is refused`,
    );
  });

  test('in the dictionary of a body fails the attempt, whose outputs are dropped', async () => {
    const sets = task({ name: 'sets', provides: ['x'] }, ({ shared }) => {
      Object.defineProperty(shared, key, { value: 1, enumerable: true });
    });
    const [result] = await Promise.all([run([sets]).of(sets)]);
    expect(result).toMatchObject({ status: 'threw', shared: {} });
    expect(isPexenError(result.error) && result.error.problems[0]).toMatchObject({
      code: 'PEXEN_REFUSED_KEY',
      task: 'sets',
    });
  });
});
