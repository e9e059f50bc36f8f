/** Pools that report something of a body that is not true. */
import type { Worker } from 'node:worker_threads';
import * as rules from '../../src/conformance/traces.ts';
import { InProcess } from './in-process.ts';
import { type Job, Threaded } from './threaded.ts';
import { nameOf, type WrongPool, wrong } from './wrong.ts';

/** Returns waiting attempts when it reclaims, and runs them nevertheless. */
class RunsReclaimed extends InProcess {
  override reclaim(): void {
    const waiting = [...this.queue];
    super.reclaim();
    const silent = (job: (typeof waiting)[number]) => ({
      assignment: job.assignment,
      ticket: { signal: new AbortController().signal, started: () => {}, report: () => {} },
      settle: () => {},
    });
    this.queue.push(...waiting.filter(({ assignment }) => nameOf(assignment) === 'marks').map(silent));
  }
}

/** Abandons a body instead of ending it, until the pool is closed. */
class AbandonsKilled extends Threaded {
  readonly #loose: Worker[] = [];
  override kill(worker: Worker, job: Job): void {
    if (nameOf(job.assignment) !== 'writes on') {
      super.kill(worker, job);
      return;
    }
    this.#loose.push(worker);
    this.busy.delete(worker);
    job.settle({ kind: 'stopped', how: 'killed' });
  }
  override async close(how: 'drain' | 'kill'): Promise<void> {
    for (const worker of this.#loose.splice(0)) this.terminate(worker);
    await super.close(how);
  }
}

export const wrongTraces: readonly WrongPool[] = [
  wrong(
    rules.runsNothingReturned,
    'runs attempts that it has returned',
    () => new RunsReclaimed('reference'),
  ),
  wrong(rules.endsWhatItKills, 'abandons bodies that it reports as killed', () => new AbandonsKilled()),
];
