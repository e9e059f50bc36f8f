import { isPexenError, task } from '@pexen/core';
import { expect, it } from 'vitest';
import { run } from '../src/index.ts';

function codesOf(...tasks: Parameters<typeof run>[0] extends Iterable<infer E> ? E[] : never): string[] {
  try {
    run(tasks);
  } catch (error) {
    if (isPexenError(error)) return error.problems.map(({ code, task: path }) => `${code} ${path}`);
    throw error;
  }
  throw new Error('nothing was refused');
}

it('problems of single tasks and of the whole come in one error', () => {
  const greedy = task({ name: 'greedy', uses: ['db'], claims: ['db'], provides: ['x'] }, () => {});
  const fine = task({ name: 'fine', requires: ['x'] }, () => {});
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => {});
  expect(codesOf(greedy, fine, lost)).toEqual([
    'PEXEN_USED_AND_CLAIMED greedy',
    'PEXEN_UNKNOWN_REQUIREMENT lost',
  ]);
});

it('a cycle is told beside an unknown requirement', () => {
  const egg = task({ name: 'egg', requires: ['hen'], provides: ['egg'] }, () => {});
  const hen = task({ name: 'hen', requires: ['egg'], provides: ['hen'] }, () => {});
  const lost = task({ name: 'lost', requires: ['nowhere'] }, () => {});
  expect(codesOf(egg, hen, lost).map((problem) => problem.split(' ')[0])).toEqual([
    'PEXEN_UNKNOWN_REQUIREMENT',
    'PEXEN_CYCLE',
  ]);
});
