/** Locks of the machine with real processes and sockets. A thousand rounds: `node --conditions=@pexen/source test/machine/run.ts --rounds 1000`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { amount, isPexenError, type LockWait, type Problem, type RunLocks } from '@pexen/core';
import { type Run, run, task } from '@pexen/sched';
import { expect, onTestFinished, test } from 'vitest';
import { isWhole, seed } from '#sample';
import { machineLocks } from '../src/index.ts';
import { playRound } from './machine/round.ts';

function folder(): string {
  const path = mkdtempSync('/tmp/pexen-test-');
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'locks');
}

/** One run that only asks, without a scheduler. */
class Member {
  readonly granted = new Set<number>();
  readonly waits = new Map<number, LockWait>();
  readonly warnings: Problem[] = [];
  failure: Error | undefined;
  readonly locks: RunLocks;
  #changed: () => void = () => {};

  constructor(locks: RunLocks) {
    this.locks = locks;
    onTestFinished(() => locks.close());
    locks.open({
      ...{ runId: 'a-run-of-a-test', outlivesMs: 0 },
      granted: (id) => this.#note(() => this.granted.add(id)),
      awaited: (id, wait) => this.#note(() => this.waits.set(id, wait)),
      lost: () => Promise.resolve(),
      warn: (problem) => this.#note(() => this.warnings.push(problem)),
      fail: (error) => this.#note(() => (this.failure = error)),
    });
  }

  ask(id: number, claim: string, ...uses: (string | ReturnType<typeof amount>)[]): void {
    const meta = { claims: claim === '' ? [] : [claim], uses };
    this.locks.acquire({ id, path: `task-${id}`, meta, priority: 0, rank: 0 });
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  #note(act: () => void): void {
    act();
    this.#changed();
  }
}

test.each(['keeper', 'holder'] as const)(
  'three runs share a lock, take turns, and the %s is killed',
  async (victim) => {
    const { problems } = await playRound(victim, 2 + (seed % 10));
    expect(problems).toEqual([]);
  },
);

test('runs exclude each other on parts of a tree, and share it otherwise', async () => {
  const directory = folder();
  const [one, other] = [0, 1].map(() => new Member(machineLocks({ resources: ['/dev/**'], directory }))) as [
    Member,
    Member,
  ];
  one.ask(1, '/dev/gpu');
  await one.until(() => one.granted.has(1));
  other.ask(1, '/dev/cam', 'mine');
  await other.until(() => other.granted.has(1));
  other.ask(2, '/dev');
  await other.until(() => other.waits.has(2));
  expect(other.waits.get(2)).toEqual({
    ...{ resource: '/dev', scope: 'machine' },
    holders: [
      `"task-1" of the run in ${process.cwd()} (process ${process.pid})`,
      `"task-1" of the run in ${process.cwd()} (process ${process.pid})`,
    ],
  });
  one.locks.release(1);
  other.locks.release(1);
  await other.until(() => other.granted.has(2));
});

test('another run goes on when the one that keeps the table leaves', async () => {
  const directory = folder();
  const [keeper, other] = [0, 1].map(() => new Member(machineLocks({ resources: ['db'], directory }))) as [
    Member,
    Member,
  ];
  keeper.ask(1, 'db');
  await keeper.until(() => keeper.granted.has(1));
  other.ask(7, 'db');
  await other.until(() => other.waits.has(7));
  await keeper.locks.close();
  await other.until(() => other.granted.has(7));
  expect(other.warnings).toEqual([]);
  await other.locks.close();
  expect(readdirSync(directory).filter((name) => !name.startsWith('epoch-'))).toEqual([]);
});

test('what a killed run held is given to others once nothing of it is left, and reported', async () => {
  const directory = folder();
  const member = new URL('./machine/holds.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=@pexen/source', member, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const settled: number[] = [];
  const settle = async ({ pid }: { readonly pid: number }) => void settled.push(pid);
  const other = new Member(machineLocks({ resources: ['/dev/**'], directory, settle }));
  other.ask(1, '/dev/gpu/0');
  await other.until(() => other.waits.has(1));
  child.kill('SIGKILL');
  await other.until(() => other.granted.has(1));
  expect(settled).toEqual([child.pid]);
  expect(other.warnings.map(({ code, message, task }) => ({ code, message, task }))).toEqual([
    {
      code: 'PEXEN_LOCK_LEFT',
      message: `gets "/dev/gpu", which "holds" of the run in ${process.cwd()} (process ${child.pid}) held when that run was killed`,
      task: 'task-1',
    },
  ]);
});

// It takes the five seconds after which the others do without it.
test.runIf(isWhole || seed % 5 === 0)(
  'a run that is stopped keeps what it holds, and keeps nothing else from others',
  {
    timeout: 30_000,
  },
  async () => {
    const directory = folder();
    const member = new URL('./machine/holds.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--conditions=@pexen/source', member, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    child.kill('SIGSTOP'); // it keeps the table
    const other = new Member(machineLocks({ resources: ['/dev/**'], directory }));
    other.ask(1, '/dev/gpu');
    other.ask(2, '/dev/cam');
    await other.until(() => other.granted.has(2));
    await other.until(() => other.waits.get(1)?.holders[0]?.includes('holds') === true);
    expect(other.waits.get(1)?.holders).toEqual([
      `"holds" of the run in ${process.cwd()} (process ${child.pid}), which does not answer`,
    ]);
    expect(other.granted.has(1)).toBe(false);
    child.kill('SIGCONT');
    other.locks.release(2);
    await other.until(() => other.waits.get(1)?.holders[0]?.endsWith('answer') === false);
    child.kill('SIGKILL');
    await other.until(() => other.granted.has(1));
  },
);

test('runs that state different capacities are reported so', async () => {
  const directory = folder();
  const make = (units: number) =>
    new Member(machineLocks({ resources: ['license'], capacities: { license: units }, directory }));
  const [one, other] = [make(3), make(4)];
  one.ask(1, '', amount('license', 2));
  await one.until(() => one.granted.has(1));
  other.ask(1, '', 'license');
  await other.until(() => other.failure !== undefined);
  expect(isPexenError(other.failure) && other.failure.problems).toMatchObject([
    { code: 'PEXEN_CAPACITY_DIFFERS', task: 'task-1' },
  ]);
});

test('a directory that others can enter is refused, and so are bad options', async () => {
  const directory = folder();
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
  const runOf = (path: string): Run =>
    run([task({ name: 'a', claims: ['db'] }, () => 1)], {
      runLocks: machineLocks({ resources: ['db'], directory: path }),
    });
  await expect(runOf(directory).summary).rejects.toThrow('PEXEN_LOCKS_DIRECTORY');
  writeFileSync(`${directory}-file`, '');
  await expect(runOf(`${directory}-file`).summary).rejects.toThrow();
  expect(() => machineLocks({ resources: [1] as never, directoy: '' } as never)).toThrow(
    'Did you mean "directory"?',
  );
});
