/** Tests the witness of the server, which checks that locks hold. */
import { expect, test } from 'vitest';
import { type Mode, Witness } from '../tests/server/witness.ts';

test.each<[string, Mode, string, Mode, boolean]>([
  ['/a/b', 'use', '/a/b', 'use', false],
  ['/a', 'use', '/a/b', 'use', false],
  ['/a/b', 'claim', '/a/b', 'use', true],
  ['/a/b', 'claim', '/a', 'use', true],
  ['/a', 'use', '/a/b', 'claim', true],
  ['/a', 'claim', '/a/b', 'use', true],
  ['/a/b', 'claim', '/a/c', 'claim', false],
  ['/a/b', 'claim', '/a/bc', 'claim', false],
])('%s %s, then %s %s', (firstPath, firstMode, path, mode, clashes) => {
  const witness = new Witness();
  expect(witness.enter(firstPath, firstMode)).toEqual([]);
  expect(witness.enter(path, mode)).toEqual(clashes ? [`${firstMode} of ${firstPath}`] : []);
  witness.leave(firstPath, firstMode);
  witness.leave(path, mode);
  expect(witness.enter('/a', 'claim')).toEqual([]);
});
