/** Tasks that hold what runs share, and write down that they run: for as long as they do, whatever happens to their run. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { task, type } from '@pexen/sched';

/** The input of a task. */
export interface HoldArgs {
  readonly name: string;
  readonly ledger: string;
  readonly ms: number;
}

/** One line is one write, so that lines of several processes do not mix. */
function note({ ledger, name }: HoldArgs, what: string): void {
  appendFileSync(ledger, `${process.hrtime.bigint()} ${what} ${name} ${process.pid}\n`);
}

export const hold = task(
  { name: 'hold', claims: ['/lab/board'], rerunnable: true, retries: 5, grace: 500, args: type<HoldArgs>() },
  async ({ args }) => {
    note(args, 'in');
    for (const endMs = performance.now() + args.ms; performance.now() < endMs; await pause(5))
      note(args, 'beat');
    note(args, 'out');
  },
);
