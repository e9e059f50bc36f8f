/** A run whose tasks hold what runs share, in processes of their own: `member.ts {"name", "url", "ledger", "count", "ms"}`. */
import { appendFileSync } from 'node:fs';
import { processes } from '@pexen/pool-process';
import { run } from '@pexen/sched';
import { clusterLocks } from '../../src/locks.ts';
import { type HoldArgs, hold } from './tasks.ts';

/** The input of the run. */
export interface MemberArgs extends HoldArgs {
  readonly url: string;
  readonly count: number;
}

const { url, count, ...args } = JSON.parse(process.argv[2] ?? '') as MemberArgs;

function note(what: string, detail: string | number): void {
  appendFileSync(args.ledger, `${process.hrtime.bigint()} ${what} ${args.name} ${detail}\n`);
}

const tasks = Array.from({ length: count }, (_, nth) =>
  hold.with({ ...args, name: `${args.name}${nth}` }, { name: `${args.name}${nth}` }),
);
const runLocks = clusterLocks({ servers: url, resources: ['/lab/**'], leaseMs: 3_000, endingMs: 2_000 });
const running = run(tasks, {
  ...{ runLocks, pool: processes({ workers: 1 }) },
  onWarning: ({ code }) => note('warned', code),
});
for await (const { path, status } of running) note(status, path);
note('done', count);
