/**
 * A run of a few tasks that hold what runs share: `member.ts NAME COUNT DIRECTORY LEDGER RUNS`. It begins when so many of them are there, and writes down the
 * true times of each hold, and of what it was answered.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { RunLocks } from '@pexen/core';
import { inline, run, task } from '@pexen/sched';
import { machineLocks } from '../../src/index.ts';

const [, , name = '', count = '1', directory, ledger = '', runs = '1'] = process.argv;

/** One line is one write, so that lines of several processes do not mix. */
function note(what: string, id: string | number): void {
  appendFileSync(ledger, `${process.hrtime.bigint()} ${what} ${name} ${id}\n`);
}

/** The same locks; the answers are written down before the run gets them. */
function noted(locks: RunLocks): RunLocks {
  return {
    concerns: (meta) => locks.concerns(meta),
    open: (listener) =>
      locks.open({
        ...{ runId: listener.runId, outlivesMs: listener.outlivesMs },
        granted: (id) => {
          note('granted', id);
          listener.granted(id);
        },
        awaited: (id, wait) => {
          // Not what it says itself while the table does not answer.
          if (!wait.holders[0]?.startsWith('the run that keeps')) note('awaited', id);
          listener.awaited(id, wait);
        },
        lost: (id, reason) => listener.lost(id, reason),
        warn: (problem) => listener.warn(problem),
        fail: (error) => listener.fail(error),
      }),
    acquire: (request) => locks.acquire(request),
    release: (id) => {
      note('released', id);
      locks.release(id);
    },
    close: () => locks.close(),
  };
}

const tasks = Array.from({ length: Number(count) }, (_, nth) =>
  task({ name: `${name}-${nth}`, claims: ['/dev/gpu'] }, async () => {
    note('in', nth);
    await pause(2);
    note('out', nth);
  }),
);
note('ready', process.pid);
while (readFileSync(ledger, 'utf8').split(' ready ').length <= Number(runs)) await pause(2);
const runLocks = noted(machineLocks({ resources: ['/dev/**'], directory }));
const running = run(tasks, {
  ...{ runLocks, pool: inline({ concurrency: 2 }) },
  onWarning: ({ code }) => note('warned', code),
});
const { counts } = await running.summary;
note('done', counts.returned ?? 0);
