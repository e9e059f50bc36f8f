/** Attempts that an earlier session had sent to a pool, and that never started there. */
import type { LeftAttempt, Pool, PoolContext } from '@pexen/core';
import { task } from '@pexen/sched';
import { expect, test } from 'vitest';
import type { JournalEntry } from '../../src/index.ts';
import { cutBefore, play } from './rig.ts';

/** A pool whose attempts outlive the process: it says what is left, and runs everything at once. */
class LastingPool implements Pool {
  readonly manifest = {
    ...{ name: 'lasting', kills: true, closures: true, executables: false, adopts: true },
    transport: 'reference' as const,
  };
  readonly ran: string[] = [];
  readonly #left: readonly LeftAttempt[];

  constructor(left: readonly LeftAttempt[] = []) {
    this.#left = left;
  }

  async open(context: PoolContext): Promise<void> {
    context.left?.(this.#left);
    context.slotsChanged(1);
  }

  run({ path, attempt }: Parameters<Pool['run']>[0], ticket: Parameters<Pool['run']>[1]) {
    this.ran.push(`${path} ${attempt}`);
    ticket.started('w');
    return { kind: 'returned', value: 1 } as const;
  }

  async dismiss(): Promise<void> {}

  async close(): Promise<void> {}
}

const once = task({ name: 'once', rerunnable: false }, () => {});
const left = { session: 1, path: 'once', attempt: 1, part: 'body', state: 'unstarted' } as const;

/** The first session ended when the start was recorded as intended. */
async function intended(): Promise<readonly JournalEntry[]> {
  const { entries } = await play([once], { options: { pool: () => new LastingPool() } });
  return cutBefore(entries, ({ event }) => event.type === 'attempt-started');
}

async function resume(...found: readonly LeftAttempt[]) {
  const pool = new LastingPool(found);
  const played = await play([once], { earlier: await intended(), options: { pool: () => pool } });
  const session = played.entries.filter((entry) => entry.session === 2).map(({ event }) => event.type);
  return { ran: pool.ran, status: played.results.get('once')?.status, session };
}

test('a start that was intended, and never happened, is recorded as returned, and happens now', async () => {
  const { ran, status, session } = await resume(left);
  expect([ran, status]).toEqual([['once 1'], 'returned']);
  expect(session.slice(0, 4)).toEqual(['session-started', 'tasks-added', 'start-returned', 'start-intended']);
});

test.each<[string, readonly LeftAttempt[]]>([
  ['no pool knows of it', []],
  ['it is said of another attempt', [{ ...left, attempt: 2 }]],
  ['it is said of another session', [{ ...left, session: 7 }]],
  ['it is said of the cleanup', [{ ...left, part: 'cleanup' }]],
])('it counts as crashed where %s', async (_, found) => {
  const { ran, status } = await resume(...found);
  expect([ran, status]).toEqual([[], 'crashed']);
});

test('it has not been returned where another node has it', async () => {
  const { session } = await resume({ ...left, node: 'one' }, { ...left, node: 'two', state: 'running' });
  expect(session).not.toContain('start-returned');
});
