/** A history that is damaged, of a newer version, that cannot be written, or that many processes write at once. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { aRun, passed, scratchHistory, thisKind } from './support.ts';

const program = new URL('../fixtures/history.ts', import.meta.url).pathname;
const node = [process.execPath, '--conditions=@pexen/source', program];

/** A history of three runs of a hundred tasks. */
function filledHistory(): ReturnType<typeof scratchHistory> {
  const filled = scratchHistory();
  const samples = Array.from({ length: 100 }, (_, at) => passed(`folder/task ${at}`, at));
  for (let number = 1; number <= 3; number++) filled.history.record(aRun(number), samples);
  return filled;
}

describe('a damaged file is set aside, and another one begins', () => {
  const damages: Readonly<Record<string, (file: string) => void>> = {
    'another file': (file) =>
      writeFileSync(file, 'this is not a database, but long enough to be read as one. '.repeat(100)),
    'cut short': (file) => truncateSync(file, 5000),
    'zeros inside': (file) => writeFileSync(file, readFileSync(file).fill(0, 4096)),
    'no tables': (file) => {
      const database = new DatabaseSync(file);
      database.exec('DROP TABLE sample');
      database.close();
    },
  };

  test.each(Object.entries(damages))('%s: while a run is recorded', (_, damage) => {
    const { history, file, warnings } = filledHistory();
    damage(file);
    history.record(aRun(9), [passed('a', 50)]);
    expect(warnings.map(({ code }) => code)).toEqual(['PEXEN_HISTORY_DAMAGED']);
    expect(history.runs().map(({ id }) => id)).toEqual(['run-9']);
    expect(existsSync(file.replace('.db', '.damaged.db'))).toBe(true);
    history.record(aRun(10), [passed('a', 50)]);
    expect(history.runs()).toHaveLength(2);
    expect(warnings).toHaveLength(1);
  });

  test.each(Object.entries(damages))('%s: while it is read', (_, damage) => {
    const { history, file, warnings } = filledHistory();
    damage(file);
    expect(history.samplesOf(['folder/task 7'], 10).get('folder/task 7')).toBeUndefined();
    expect(warnings.map(({ code }) => code)).toEqual(['PEXEN_HISTORY_DAMAGED']);
    expect(history.expectations(thisKind).of('folder/task 7')).toBeUndefined();
    history.record(aRun(9), [passed('a', 50)]);
    expect(history.runs()).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });
});

test('a file of a newer version is left alone', () => {
  const { history, file, warnings } = filledHistory();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 99');
  database.close();
  const before = readFileSync(file);
  history.record(aRun(9), [passed('a', 50)]);
  expect(history.runs()).toEqual([]);
  expect(history.expectations(thisKind).of('folder/task 7')).toBeUndefined();
  expect(readFileSync(file).equals(before)).toBe(true);
  expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['PEXEN_HISTORY_NEWER']));
  expect(warnings[0]?.message).toContain('has version 99; this version of pexen knows up to 1');
});

describe('where nothing can be written', () => {
  const asOther = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const isRoot = process.getuid?.() === 0;
  const canBecomeOther = isRoot && spawnSync('setpriv', [...asOther.slice(1), 'true']).status === 0;

  test('the history is read, and recording says why it cannot', ({ skip }) => {
    skip(isRoot && !canBecomeOther, 'root may write everywhere, and cannot become another user here');
    const { file } = filledHistory();
    const folder = dirname(file);
    chmodSync(file, 0o444);
    chmodSync(folder, 0o555);
    const [command = '', ...args] = [...(isRoot ? asOther : []), ...node, file, 'read-only'];
    const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    chmodSync(folder, 0o755);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      runs: 3,
      expected: 7,
      problem: expect.stringMatching(/readonly|read-only|unable to open|EACCES|EPERM|EROFS/),
    });
  });
});

test('processes that record at the same time lose nothing', async () => {
  const { history, file, warnings } = scratchHistory();
  const processes = 6;
  const each = 15;
  const children = Array.from({ length: processes }, (_, process) =>
    spawn(node[0] as string, [...node.slice(1), file, 'record', String(process), String(each)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0]));
  expect(codes).toEqual(children.map(() => 0));
  expect(history.runs()).toHaveLength(processes * each);
  const samples = [...history.samplesOf(['shared', 'of 3'], 1000).values()].map(({ length }) => length);
  expect(samples).toEqual([processes * each, each]);
  expect(history.expectations(thisKind).of('shared')?.isGuess).toBe(false);
  expect(warnings).toEqual([]);
});

test('a process that is killed while it records leaves nothing half written', async () => {
  const { history, file, warnings } = scratchHistory();
  for (let kill = 0; kill < 5; kill++) {
    const child = spawn(node[0] as string, [...node.slice(1), file, 'record', `kill ${kill}`, '1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await closed;
  }
  for (const { id } of history.runs())
    expect(
      [...history.samplesOf(['shared'], 10_000).values()].flat().filter(({ run }) => run === id),
    ).toHaveLength(1);
  expect(history.runs().length).toBeGreaterThanOrEqual(5);
  expect(warnings).toEqual([]);
});
