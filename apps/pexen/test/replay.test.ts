/** The decisions of a suite are recorded and repeated. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { folder, pexen } from './command.ts';

it('replaying a suite in processes repeats its decisions, and detects a changed record', async () => {
  const dir = await folder(
    {
      'tests.ts': `import { task } from 'pexen';
        export const build = task({ provides: ['app'], claims: ['/db'] }, () => {});
        export const flaky = task({ requires: ['app'], retries: 1 }, ({ attempt }) => {
          if (attempt === 1) throw new Error('not yet');
        });
        export const reads = task({ uses: ['/db/a'], priority: 5 }, () => {});`,
      'a.sh': '#!/bin/sh\necho hello\n',
    },
    onTestFinished,
  );
  const ran = await pexen(dir, 'run', '--record', 'out/run.jsonl');
  expect(ran.exitCode, ran.stdout + ran.stderr).toBe(0);
  const replayed = await pexen(dir, 'replay', 'out/run.jsonl');
  expect(replayed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(replayed.stdout).toMatch(/^The same \d+ decisions in \d+ steps\.\n$/);

  const file = join(dir, 'out/run.jsonl');
  const text = readFileSync(file, 'utf8');
  expect(text).not.toContain('hello');
  writeFileSync(file, text.replace('"priority":5', '"priority":-5'));
  const differs = await pexen(dir, 'replay', 'out/run.jsonl');
  expect(differs.exitCode).toBe(1);
  expect(differs.stdout).toMatch(
    /^The decisions differ at step \d+ of \d+:\n {2}recorded {2}\{"type":"commands".*\n {2}now {7}\{"type":"commands"/,
  );
});

it('files that cannot be written or read are refused, with the next step', async () => {
  const dir = await folder(
    { 'a.sh': '#!/bin/sh\ntouch ran\n', 'not.jsonl': '{"type":"tasks"}' },
    onTestFinished,
  );
  const ran = await pexen(dir, 'run', '--record', 'a.sh/run.jsonl');
  expect(ran.exitCode).toBe(2);
  expect(ran.stderr).toMatch(/PEXEN_NOT_RECORDED.*could not be recorded/);
  expect(existsSync(join(dir, 'ran'))).toBe(false);
  const missing = await pexen(dir, 'replay', 'missing.jsonl');
  expect(missing).toMatchObject({ exitCode: 2, stdout: '' });
  expect(missing.stderr).toMatch(
    /PEXEN_BAD_RECORD.*missing\.jsonl cannot be read[\s\S]*pexen run --record FILE/,
  );
  expect((await pexen(dir, 'replay', 'not.jsonl')).stderr).toMatch(
    /PEXEN_BAD_RECORD.*must be the plan, not "tasks"/,
  );
});
