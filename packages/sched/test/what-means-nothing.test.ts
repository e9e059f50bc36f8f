/** Metadata without a meaning is refused before the run, with the next step. */
import { amount, anyOf, isPexenError, type Problem, type TaskMeta, task, withMeta } from '@pexen/core';
import { path } from '@pexen/lock';
import { describe, expect, it } from 'vitest';
import { plan, run } from '../src/index.ts';

/** The problems of a task that is run beside one that provides "build". */
function problemsOf(meta: object): string[] {
  const build = task({ name: 'build', provides: ['build'] }, () => {});
  const odd = withMeta(() => {}, { name: 'odd', ...meta } as TaskMeta);
  try {
    run([build, odd]);
    return [];
  } catch (error) {
    if (!isPexenError(error)) throw error;
    return error.problems.map(({ code, message, hint }: Problem) => `${code} ${message} | ${hint ?? ''}`);
  }
}

describe('names that no task provides', () => {
  for (const entry of ['after', 'salvages', 'tearsDown'])
    it(`${entry}: are refused, with a similar one`, () => {
      expect(problemsOf({ [entry]: ['biuld'] })).toEqual([
        `PEXEN_UNKNOWN_CAPABILITY ${entry} names "biuld", which no task provides | Did you mean "build" (provided by "build")?`,
      ]);
    });

  it('tearsDown alone is checked as well', () => {
    expect(problemsOf({ tearsDown: 'biuld' })).toHaveLength(1);
  });

  it('are allowed in a selection, because the whole plan is checked', () => {
    const build = task({ name: 'build', provides: ['build'] }, () => {});
    const later = task({ name: 'later', after: ['build'] }, () => {});
    const selected = plan([build, later]).select(({ path }) => path === 'later');
    expect(() => run(selected)).not.toThrow();
    expect(() => run([later])).toThrow('PEXEN_UNKNOWN_CAPABILITY');
    const typo = task({ name: 'typo', after: ['biuld'] }, () => {});
    expect(() => plan([build, typo])).toThrow('PEXEN_UNKNOWN_CAPABILITY');
  });
});

describe('values that are not capabilities', () => {
  const odd: Readonly<Record<string, unknown>> = {
    'a list': ['build'],
    'an amount': amount('build', 1),
    'a compound requirement': anyOf('build'),
  };
  for (const [what, value] of Object.entries(odd))
    for (const entry of ['after', 'before', 'salvages', 'provides', 'tearsDown'])
      it(`${what} in ${entry}`, () => {
        expect(problemsOf({ [entry]: [value] })).toEqual([
          expect.stringMatching(/^PEXEN_BAD_META .*must be a capability: .* but not a list, an amount/),
        ]);
      });

  it('a list or an amount in requires', () => {
    for (const value of [['build'], amount('build', 1)])
      expect(problemsOf({ requires: [value] })).toEqual([expect.stringMatching(/^PEXEN_BAD_META requires/)]);
  });

  it('an empty list to tear down', () => {
    expect(problemsOf({ tearsDown: [] })).toEqual(['PEXEN_BAD_META tearsDown names no capability | ']);
  });
});

describe('resources', () => {
  it('null, and an amount that is claimed', () => {
    expect(problemsOf({ uses: [null] })).toEqual([
      'PEXEN_BAD_META uses [0] must be a resource, not null or undefined | ',
    ]);
    expect(problemsOf({ claims: [amount('m', 1)] })).toEqual([
      expect.stringContaining('PEXEN_BAD_META claims'),
    ]);
  });

  it('a set is not a list, and the hint converts it', () => {
    const hint = 'PEXEN_BAD_META claims must be a list | Make it a list: claims: [...values].';
    expect(problemsOf({ claims: new Set(['db']) })).toEqual([hint]);
  });

  for (const [uses, claims] of [
    ['a', '/a'],
    ['a', '/a/'],
    ['/a/b', path('a', 'b')],
    [path('a', 'b'), '/a//b'],
    [amount('m', 1), '/m'],
  ] as const)
    it(`one place, spelled in two ways: ${String(uses)}, ${String(claims)}`, () => {
      expect(problemsOf({ uses: [uses], claims: [claims] })[0]).toMatch(
        /^PEXEN_USED_AND_CLAIMED .* are one resource \| A claim includes the use: remove it from uses\.$/,
      );
    });

  it('an amount of what is claimed', () => {
    expect(problemsOf({ uses: [amount('m', 1)], claims: ['m'] })[0]).toContain(
      '"m" is both used and claimed',
    );
  });

  it('a place and one below it are two', () => {
    expect(problemsOf({ uses: ['/a/b', path('a', 'c')], claims: ['/b', path('a', 7)] })).toEqual([]);
  });
});
