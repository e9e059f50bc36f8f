/** Pools that make the wrong thing of what happens to a body. */
import type { Worker } from 'node:worker_threads';
import type { PoolContext, PoolOutcome } from '@pexen/core';
import * as rules from '../../src/conformance/outcomes.ts';
import { InProcess, type Job } from './in-process.ts';
import { Threaded, type Job as ThreadedJob } from './threaded.ts';
import { changed, nameOf, onlyErrors, onlyOf, type WrongPool, wrong } from './wrong.ts';

class LosesSlots extends InProcess {
  override crashed(): void {
    super.crashed();
    this.slots--;
  }
}

/** Says that it has a slot less after each crash, and never that it has one more. */
class ShrinksSlots extends InProcess {
  override crashed(): void {
    super.crashed();
    this.slots--;
    this.context?.slotsChanged(this.slots);
  }
  override async open(context: PoolContext): Promise<void> {
    this.slots = 3;
    await super.open(context);
  }
}

class MisnamesLost extends InProcess {
  override crashed(): void {
    this.context?.workerLost('another worker', 'it crashed');
  }
}

class ReportsNoLateErrors extends InProcess {
  override late(): void {}
}

/** Fails whatever runs when an error of another body surfaces. */
class BlamesNext extends InProcess {
  #error: unknown;
  override late(tasks: readonly string[], error: unknown): void {
    super.late(tasks, error);
    this.#error = error;
  }
  override end(job: Job, outcome: PoolOutcome): void {
    const isLate = this.#error !== undefined;
    super.end(job, isLate ? { kind: 'threw', error: this.#error } : outcome);
  }
}

class ReportsNoLoss extends InProcess {
  override crashed(): void {}
}

/** Hardly leaves those a grace who have a short one, and does not even wait for their end. */
class CutsGrace extends Threaded {
  override graceOf(job: ThreadedJob): number {
    const graceMs = super.graceOf(job);
    return graceMs < 1_000 ? 10 : graceMs;
  }
  override kill(worker: Worker, job: ThreadedJob): void {
    super.kill(worker, job);
    job.settle({ kind: 'stopped', how: 'killed' });
  }
}

class KillsOnlyIdle extends Threaded {
  override kill(worker: Worker, job: ThreadedJob): void {
    if (job.assignment.path !== 'blocks' || this.queue.length > 0) super.kill(worker, job);
  }
}

class KillsSlots extends Threaded {
  #isEarly = false;
  override kill(worker: Worker, job: ThreadedJob): void {
    this.#isEarly = job.assignment.path === 'stopped early';
    super.kill(worker, job);
  }
  override afterKill(): void {
    if (!this.#isEarly && this.queue.length === 0) this.slots--;
  }
}

let atOnce = 0;
/** Mixes outcomes up once very many are under way. */
class MixesUp extends InProcess {
  override accept(job: Parameters<InProcess['accept']>[0]): void {
    const [other] = ++atOnce % 150 === 0 ? this.queue.splice(-1) : [];
    if (other === undefined) super.accept(job);
    else {
      super.accept({ ...other, settle: job.settle });
      super.accept({ ...job, settle: other.settle });
    }
  }
}

const failedToThrew = onlyOf('failed', ({ error, ...rest }, _assignment, wasStopped) =>
  wasStopped ? { kind: 'stopped', how: 'killed' } : { ...rest, error },
);

export const wrongOutcomes: readonly WrongPool[] = [
  wrong(rules.returns, 'loses the number 42', () =>
    changed({
      outcome: onlyOf('returned', (each) => ({ ...each, value: each.value === 42 ? 41 : each.value })),
    }),
  ),
  wrong(rules.returnsLater, 'does not wait for promises', () =>
    changed({
      outcome: onlyOf('returned', (each) => ({
        ...each,
        value: each.value === 'later' ? Promise.resolve() : each.value,
      })),
    }),
  ),
  wrong(rules.manyAtOnce, 'mixes up the outcomes of many attempts', () => new MixesUp('reference')),
  wrong(rules.throwing, 'loses the message of an error that is thrown', () =>
    changed({
      outcome: onlyErrors((error, assignment) => {
        if (nameOf(assignment) === 'throws') error.message = '';
        return undefined;
      }),
    }),
  ),
  wrong(rules.throwingLater, 'treats a rejection as a crash', () =>
    changed({
      outcome: onlyErrors((error, assignment) => {
        if (nameOf(assignment) === 'throws later') error.message = 'rejected';
        return undefined;
      }),
    }),
  ),
  wrong(rules.throwingText, 'makes errors of texts', () =>
    changed({
      outcome: onlyOf('threw', (each) => ({
        ...each,
        error: typeof each.error === 'string' ? new Error(each.error) : each.error,
      })),
    }),
  ),
  wrong(rules.failing, 'treats every failure as harmless', () =>
    changed({
      outcome: onlyOf('failed', (each, _assignment, wasStopped) =>
        wasStopped ? each : { ...each, depsOk: true, locksOk: true },
      ),
    }),
  ),
  wrong(rules.skipping, 'loses the reason of a skip', () =>
    changed({ outcome: onlyOf('skipped-itself', (each) => ({ ...each, reason: '' })) }),
  ),
  wrong(rules.obeying, 'treats the reason of the signal as an error of the body', () =>
    changed({
      outcome: onlyOf('stopped', (each, assignment) =>
        nameOf(assignment) === 'obeys' ? { kind: 'threw', error: new Error('stop') } : each,
      ),
    }),
  ),
  wrong(rules.obeyingByNode, 'recognizes only the reason itself', () =>
    changed({
      outcome: onlyOf('stopped', (each, assignment) =>
        nameOf(assignment) === 'obeys by node' ? { kind: 'threw', error: new Error('AbortError') } : each,
      ),
    }),
  ),
  wrong(rules.returningAfterAbort, 'reports every stopped attempt as stopped, although it returned', () =>
    changed({
      outcome: onlyOf('returned', (each, _assignment, wasStopped) =>
        wasStopped ? { kind: 'stopped', how: 'aborted' } : each,
      ),
    }),
  ),
  wrong(rules.failingAfterAbort, 'reports every stopped attempt as stopped, although it failed', () =>
    changed({ outcome: failedToThrew }),
  ),
  wrong(rules.throwingAfterAbort, 'reports every stopped attempt as stopped, although it threw', () =>
    changed({
      outcome: onlyOf('threw', (each, _assignment, wasStopped) =>
        wasStopped ? { kind: 'stopped', how: 'aborted' } : each,
      ),
    }),
  ),
  wrong(rules.exiting, 'treats exit code 0 as success', () =>
    changed({
      transport: 'clone',
      outcome: onlyOf('crashed', (each, { args }) =>
        (args as { code?: number }).code === 0 ? { kind: 'returned', value: undefined } : each,
      ),
    }),
  ),
  wrong(rules.throwingOutOfTimer, 'treats an uncaught error as a crash', () =>
    changed({
      transport: 'clone',
      outcome: onlyOf('threw', (each, assignment) =>
        nameOf(assignment) === 'throws out of a timer' ? { kind: 'crashed', reason: 'uncaught' } : each,
      ),
    }),
  ),
  wrong(rules.forgettingAwait, 'ignores unhandled rejections', () =>
    changed({
      transport: 'clone',
      outcome: onlyOf('threw', (each, assignment) =>
        nameOf(assignment) === 'forgets await' ? { kind: 'returned', value: undefined } : each,
      ),
    }),
  ),
  wrong(rules.reportingLateErrors, 'does not report late errors', () => new ReportsNoLateErrors('clone')),
  wrong(
    rules.reportingLateErrors,
    'reports late errors as those of the running body',
    () => new BlamesNext('clone'),
  ),
  wrong(rules.reportingLosses, 'does not report lost workers', () => new ReportsNoLoss('clone')),
  wrong(
    rules.reportingLosses,
    'names another worker than the one that started it',
    () => new MisnamesLost('clone'),
  ),
  wrong(rules.surviving, 'shrinks with every crash, and says so', () => new ShrinksSlots('clone')),
  wrong(rules.surviving, 'does not replace lost workers', () => new LosesSlots('clone')),
  wrong(rules.killing, 'cuts the grace period short', () => new CutsGrace()),
  wrong(rules.killingBusy, 'cannot kill a busy body', () => new KillsOnlyIdle()),
  wrong(rules.workingAfterKill, 'does not replace killed workers', () => new KillsSlots()),
];
