/** The tenth of the long test families that an ordinary run plays covers all members over time. */
import { expect, test } from 'vitest';
import { tenthOf } from '../tools/sample.ts';

const tenths = Array.from({ length: 10 }, (_, tenth) => tenth);

test.each([1, 2, 7, 9, 10, 11, 19, 81, 181])(
  'of %i members each is in a tenth, and no tenth is empty',
  (size) => {
    const family = Array.from({ length: size }, (_, index) => index);
    const parts = tenths.map((tenth) => tenthOf(family, tenth));
    expect([...new Set(parts.flat())].toSorted((a, b) => a - b)).toEqual(family);
    for (const part of parts) {
      expect(part.length).toBeGreaterThan(0);
      expect(part.length).toBeLessThanOrEqual(Math.ceil(size / 10));
    }
  },
);

test('without members the tenth is empty', () => {
  expect(tenthOf([], 3)).toEqual([]);
});
