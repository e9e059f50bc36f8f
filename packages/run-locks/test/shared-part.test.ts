import { amount, isPexenError } from '@pexen/core';
import { path } from '@pexen/lock';
import { expect, test } from 'vitest';
import { SharedPart } from '../src/shared-part.ts';

const part = new SharedPart(['/dev/**', '/srv/*/db', 'license'], { license: 3, '/dev/gpu': 2 });

test.each([
  ['/dev/cam', true],
  ['/dev/cam/0', true],
  ['/dev', true],
  ['/', true],
  ['/devices', false],
  ['/srv', true],
  ['/srv/a', true],
  ['/srv/a/db/table', true],
  ['/srv/a/cache', false],
  ['/license', true],
  ['db', false],
])('a claim of %s concerns other runs: %s', (claim, isShared) => {
  expect(part.of({ claims: [claim] })?.claims.length).toBe(isShared ? 1 : undefined);
});

test('the rest of what the task needs stays within its run', () => {
  expect(part.of({ uses: ['db', '/dev/cam'], claims: ['/tmp/x', path('dev', 'tty')] })).toEqual({
    ...{ uses: [['dev', 'cam']], claims: [['dev', 'tty']], amounts: [] },
  });
});

test('other values than strings mean nothing to other runs', () => {
  expect(part.of({ claims: [Symbol('dev'), path('dev', 7)] })).toBeUndefined();
});

test('a use of a resource with a capacity takes one unit', () => {
  const units = (count: number) => ({ resource: ['license'], count, capacity: 3 });
  expect(part.of({ uses: ['license'] })?.amounts).toEqual([units(1)]);
  expect(part.of({ uses: [amount('license', 3)] })?.amounts).toEqual([units(3)]);
});

test('amounts that can never be taken are refused together', () => {
  try {
    part.of({ uses: [amount('license', 4), amount('/dev/cam', 1)] });
    expect.unreachable();
  } catch (error) {
    if (!isPexenError(error)) throw error;
    const codes = error.problems.map(({ code }) => code);
    expect(codes).toEqual(['PEXEN_AMOUNT_TOO_LARGE', 'PEXEN_AMOUNT_UNKNOWN']);
  }
});
