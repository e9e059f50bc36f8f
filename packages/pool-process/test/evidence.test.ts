/** Evidence: what a program writes for us is read completely, or the attempt says that it was not. Real programs and files. */
import { relative } from 'node:path';
import { expect, test, vi } from 'vitest';
import { factsOf, scratch, shell } from './support/attempts.ts';
import { Bench } from './support/bench.ts';

test.each([
  ['.', () => '.'],
  ['a relative path', () => relative(process.cwd(), scratch())],
])('with %s as TMPDIR, reports arrive, and HOME and TMPDIR are absolute', async (_name, folder) => {
  vi.stubEnv('TMPDIR', folder());
  try {
    await new Bench().with(async (bench) => {
      const outcome = await bench.run(
        shell('echo "$HOME $TMPDIR"; echo fail a: b >$PEXEN_REPORT; echo fail c >&3', { cwd: '/' }),
      );
      const { report, stdout } = factsOf(outcome);
      expect(report).toBe('fail c\nfail a: b\n');
      expect(stdout.head).toMatch(/^\/\S+ \/\S+\n$/);
    });
  } finally {
    vi.unstubAllEnvs();
  }
});
