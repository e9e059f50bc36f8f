import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withExecArgv } from '../src/exec-argv.ts';

test('options of the process that threads refuse are left out, and no others', () => {
  const program = fileURLToPath(new URL('fixtures/flags.ts', import.meta.url));
  const flags = ['--expose-gc', '--title', 'x', '--conditions=@pexen/source', '--max-old-space-size=512'];
  const printed = execFileSync(process.execPath, [...flags, '--conditions', 'other', program], {
    encoding: 'utf8',
  });
  expect(JSON.parse(printed)).toEqual([
    '--conditions=@pexen/source',
    '--conditions',
    'other',
    '--no-warnings',
  ]);
});

test('an option of the pool that threads refuse is an error', () => {
  const refuse = (): never => {
    const message = 'Initiated Worker with invalid execArgv flags: --title=pool';
    throw Object.assign(new Error(message), { code: 'ERR_WORKER_INVALID_EXEC_ARGV' });
  };
  expect(() => withExecArgv(['--no-warnings'], ['--title=pool'], refuse)).toThrow('--title=pool');
});
