/** `pexen runs --prune`: what it removes and prints, and how it ends. */
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { openJournal } from '@pexen/store';
import { it, type TestContext } from 'vitest';
import { bin, conditions } from '#command';
import { type RunsOptions, runs } from '../src/commands/runs.ts';
import { folder } from './command.ts';

const hourMs = 3_600_000;
const now = Date.now();

/** The id of a run that started so many hours ago. */
function idOf(hours: number): string {
  const time = (now - hours * hourMs).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** A suite whose runs started so many hours ago, all of which are over. */
async function suiteWith(hours: readonly number[], { onTestFinished }: TestContext): Promise<string> {
  const dir = await folder(
    { 'pexen.config.mjs': 'export default { from: {}, retention: { runs: 3 } };' },
    onTestFinished,
  );
  for (const [at, each] of hours.entries()) {
    const directory = join(dir, '.pexen/runs', idOf(each));
    const journal = await openJournal({ directory, runId: idOf(each), durability: 'process' });
    journal.append({ type: 'run-created', number: at + 1, versions: {} });
    journal.append({ type: 'run-ended', exitCode: 0, counts: {}, poisoned: [] });
    await journal.close();
  }
  return dir;
}

/** As the command does, without a process. */
async function prune(dir: string, options: RunsOptions): Promise<{ exitCode: number; lines: string[] }> {
  let text = '';
  const output = new Writable({
    write: (chunk, _, done) => {
      text += chunk;
      done();
    },
  });
  const exitCode = await runs({ config: join(dir, 'pexen.config.mjs'), prune: true, ...options }, output);
  return {
    exitCode,
    lines: text
      .replaceAll(/ +[\d.]+ Ki?B/g, ' SIZE')
      .trimEnd()
      .split('\n'),
  };
}

const left = (dir: string): number => readdirSync(join(dir, '.pexen/runs')).length;

it('removes what is beyond the limits of the configuration, or of its options', async (context) => {
  const { expect } = context;
  const dir = await suiteWith([400, 300, 200, 100, 10], context);
  const dry = await prune(dir, { dryRun: true });
  expect(dry).toEqual({
    exitCode: 0,
    lines: [
      `2  ${idOf(300)}  - SIZE  run: beyond the number of runs`,
      `1  ${idOf(400)}  - SIZE  run: beyond the number of runs`,
      'Would remove 2 runs, SIZE. 3 runs, SIZE, stay.',
    ],
  });
  expect(left(dir)).toBe(5);
  expect((await prune(dir, {})).lines.at(-1)).toBe('Removed 2 runs, SIZE. 3 runs, SIZE, stay.');
  expect(left(dir)).toBe(3);
  expect(await prune(dir, { keepDays: 5 })).toEqual({
    exitCode: 0,
    lines: [`3  ${idOf(200)}  - SIZE  run: too old`, 'Removed 1 run, SIZE. 2 runs, SIZE, stay.'],
  });
  expect(await prune(dir, {})).toEqual({
    exitCode: 0,
    lines: ['Nothing is beyond the limits. 2 runs, SIZE, stay.'],
  });
  const { exitCode, lines } = await prune(dir, { keepRuns: 1, json: true });
  expect({ exitCode, document: JSON.parse(lines.join('\n').replaceAll(' SIZE', '0')) }).toMatchObject({
    exitCode: 0,
    document: {
      version: 1,
      dryRun: false,
      removed: [{ id: idOf(100), what: 'run', because: 'number' }],
      failed: [],
      stay: { runs: 1 },
    },
  });
});

it('in a folder without runs there is nothing to remove', async (context) => {
  const { expect } = context;
  const dir = await suiteWith([], context);
  expect(await prune(dir, {})).toEqual({
    exitCode: 0,
    lines: ['Nothing is beyond the limits. 0 runs, 0 B, stay.'],
  });
  rmSync(join(dir, '.pexen'), { recursive: true, force: true });
});

it('in a read-only checkout it says what it could not remove, and ends with exit code 3', async (context) => {
  const { expect } = context;
  const asOther = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const isRoot = process.getuid?.() === 0;
  context.skip(
    isRoot && spawnSync('setpriv', [...asOther, 'true']).status !== 0,
    'root cannot become another user here',
  );
  const dir = await suiteWith([400, 300], context);
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (!name.startsWith('node_modules')) chmodSync(join(dir, name), name.endsWith('.db') ? 0o444 : 0o555);
  }
  chmodSync(dir, 0o555);
  const command = [process.execPath, ...conditions, bin, 'runs', '--prune', '--keep-runs', '1'];
  const [file = '', ...args] = isRoot ? ['setpriv', ...asOther, ...command] : command;
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: dir, encoding: 'utf8' });
  for (const name of ['.', '.pexen', '.pexen/runs', `.pexen/runs/${idOf(400)}`, `.pexen/runs/${idOf(300)}`])
    chmodSync(join(dir, name), 0o755);
  expect(stderr).toContain('PEXEN_RUNS_NOT_REMOVED');
  expect(stderr).toContain(`the run ${idOf(400)} cannot be removed`);
  expect(stdout).toMatch(/^Nothing is beyond the limits|2 runs, .* stay\.\n$/);
  expect(status).toBe(3);
  expect(left(dir)).toBe(2);
});

it('refuses options of --prune without it', async ({ expect }) => {
  await expect(runs({ keepRuns: 3 }, process.stdout)).rejects.toThrow(
    '--keep-runs says what is removed, and nothing is',
  );
});
