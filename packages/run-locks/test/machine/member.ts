/** A run of a few tasks that hold what runs share: `member.ts NAME COUNT DIRECTORY LEDGER`. Each writes down the true times of its hold. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { inline, run, task } from '@pexen/sched';
import { machineLocks } from '../../src/index.ts';

const [, , name = '', count = '1', directory, ledger = ''] = process.argv;

/** One line is one write, so that lines of several processes do not mix. */
function note(what: string, id: string): void {
  appendFileSync(ledger, `${process.hrtime.bigint()} ${what} ${name} ${id}\n`);
}

const tasks = Array.from({ length: Number(count) }, (_, nth) =>
  task({ name: `${name}-${nth}`, claims: ['/dev/gpu'] }, async () => {
    note('in', `${nth}`);
    await pause(2);
    note('out', `${nth}`);
  }),
);
const runLocks = machineLocks({ resources: ['/dev/**'], directory });
const running = run(tasks, {
  ...{ runLocks, pool: inline({ concurrency: 2 }) },
  onWarning: ({ code }) => note('warned', code),
});
const { counts } = await running.summary;
note('done', `${counts.returned ?? 0}`);
