/** Automake packages, as make describes them: Makefiles that have the variables and rules of real ones. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { automake } from '../../src/index.ts';
import { brief, definition, made, paths, program, scratch } from '../scratch.ts';

const isGnu = spawnSync('make', ['--version'], { encoding: 'utf8' }).stdout?.startsWith('GNU Make') ?? false;

/** The part of a Makefile by Automake that matters here. */
const parallel = (tests: string, more = ''): string =>
  `srcdir = .\nTESTS = ${tests}\nTEST_LOGS = $(patsubst %.sh,%.log,$(TESTS))\nall:\n${more}`;

describe.skipIf(!isGnu)('a package (with GNU make)', () => {
  test('has the tests of its directories, built before, in the order that its Makefiles want', async () => {
    const dir = scratch({
      Makefile: `SUBDIRS = t . old\n${parallel('top.sh', 'check-local:\n\ttrue\n')}`,
      't/Makefile': parallel(
        'b.sh a.sh deep/c.sh ./a.sh b.sh',
        'check_PROGRAMS = tool\nb.log: a.log b.sh | deep/c.log\na.log: a.sh\n',
      ),
      't/a.sh': program(),
      'old/Makefile': 'srcdir = .\nTESTS = two one\nall:\n',
    });
    const got = await made(automake({ dir: '.', variables: { V: "it's" } }), dir);
    expect(got.problems).toEqual([]);
    const all = ['t/a.sh', 't/b.sh', 't/deep/c.sh', 't/a.sh'];
    expect(paths(got)).toEqual(['make', ...all, 'old/two', 'old/one', 'top.sh', 'check-local']);
    const [build, a, b, , , two, one, top, local] = got.tasks;
    const metaOf = (each: typeof a) => definition(each as never).meta;
    expect(metaOf(a).requires).toEqual([build?.task]);
    expect(metaOf(a).after).toBe(undefined);
    expect(metaOf(b).after).toEqual([a?.task]);
    expect(metaOf(one)).toMatchObject({ after: [two?.task], claims: [`automake:${dir}/old`] });
    expect(metaOf(local).after).toEqual([top?.task]);
    expect(definition(build as never).body).toMatchObject({
      cwd: dir,
      argv: ['-c', expect.stringContaining(`'V=it'\\''s' '-C' '${dir}/t' 'tool'`)],
    });
    expect(definition(a as never).location?.file).toBe(`${dir}/t/a.sh`);
  });

  test('is not built where that is not wanted', async () => {
    const dir = scratch({ Makefile: parallel('a.sh') });
    const got = await made(automake({ dir: '.', build: false, meta: { tags: ['x'] } }), dir);
    expect(paths(got)).toEqual(['a.sh']);
    expect(definition(got.tasks[0] as never).meta).toEqual({ name: 'a.sh', tags: ['x'] });
  });

  test('its Makefile is not remade, and nothing is built', async () => {
    const dir = scratch({
      Makefile: `${parallel('a.sh')}Makefile: Makefile.in\n\tfalse\n`,
      'Makefile.in': '',
    });
    const got = await made(automake({ dir: '.' }), dir);
    expect(got.problems).toEqual([]);
  });

  test('that is not configured, or has no tests, is a problem', async () => {
    const dir = scratch({
      'a/Makefile': 'SUBDIRS = b c\nall:\n',
      'a/c/Makefile': 'x\n',
      'd/Makefile': 'all:\n',
    });
    const got = await made(automake({ dir: 'a' }), dir);
    expect(brief(got.problems, dir)).toEqual([
      expect.stringMatching(/^PEXEN_BAD_MAKEFILE \| a\/b\/Makefile \| make cannot read it: /),
      expect.stringMatching(
        /^PEXEN_BAD_MAKEFILE \| a\/c\/Makefile \| make cannot read it: Makefile:1: .*missing separator/,
      ),
    ]);
    expect(got.problems[0]?.hint).toBe('Configure the package first: ./configure.');
    expect(brief((await made(automake({ dir: 'd' }), dir)).problems, dir)).toEqual([
      'PEXEN_NOTHING_FOUND | d/Makefile | no directory of the package has tests (automake)',
    ]);
  });
});

test('without make, that is the problem', async () => {
  const dir = scratch({ Makefile: parallel('a.sh') });
  const got = await made(automake({ dir: '.', make: 'no-such-make' }), dir);
  expect(brief(got.problems, dir)).toEqual([
    'PEXEN_NO_PROGRAM |  | the program "no-such-make" was not found',
  ]);
});
