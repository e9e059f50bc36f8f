/** Pools that report something wrong about an attempt, or nothing. */
import type { PoolOutcome, TaskUpdate, Ticket } from '@pexen/core';
import * as rules from '../../src/conformance/tickets.ts';
import { InProcess, type Job } from './in-process.ts';
import { Threaded, type Job as ThreadedJob } from './threaded.ts';
import { changed, nameOf, onlyOf, type WrongPool, wrong } from './wrong.ts';

/** The ticket, with some of its behavior changed. */
function otherwise(ticket: Ticket, changes: Partial<Ticket>): Ticket {
  const { signal } = ticket;
  return {
    signal,
    started: changes.started ?? ((worker) => ticket.started(worker)),
    report: changes.report ?? ((update) => ticket.report(update)),
  };
}

/** Reports the start of the attempt of this path only with its next report. */
class StartsLate extends InProcess {
  readonly #path: string;
  constructor(path: string) {
    super('clone');
    this.#path = path;
  }
  override async begin(job: Job): Promise<PoolOutcome> {
    if (job.assignment.path !== this.#path) return await super.begin(job);
    let hasStarted = false;
    const start = (): void => {
      if (!hasStarted) job.ticket.started('late worker');
      hasStarted = true;
    };
    const report = (update: TaskUpdate): void => {
      start();
      job.ticket.report(update);
    };
    const outcome = await super.begin({
      ...job,
      ticket: otherwise(job.ticket, { started: () => {}, report }),
    });
    start();
    return outcome;
  }
}

class OneAtATime extends InProcess {
  override fill(): void {
    const isToFill = [...this.running].some(({ assignment }) => assignment.path.startsWith('fills slot'));
    if (!isToFill) super.fill();
  }
  override accept(job: Job): void {
    const wasTwo = this.slots;
    if (job.assignment.path.startsWith('fills slot')) this.slots = 1;
    super.accept(job);
    this.slots = wasTwo;
  }
}

class Overfills extends InProcess {
  override accept(job: Job): void {
    const isSame = [...this.running].some(({ assignment }) => assignment.task === job.assignment.task);
    const isObeying = nameOf(job.assignment) === 'obeys';
    const { slots } = this;
    if (isSame && isObeying) this.slots = 10;
    super.accept(job);
    this.slots = slots;
  }
}

class KeepsStopped extends InProcess {
  override giveBack(): void {}
}

/** Treats a reclaim as a reason to stop. */
class RecallsAll extends InProcess {
  override reclaim(): void {
    super.reclaim();
    if (this.context === undefined) return;
    for (const job of this.running) job.settle({ kind: 'not-started', reason: 'reclaimed' });
  }
}

/** Starts waiting attempts and ignores every request. */
class ReclaimsNothing extends InProcess {
  override reclaim(): void {}
  override giveBackAll(): void {
    super.reclaim();
  }
}

class CannotReclaim extends ReclaimsNothing {
  override readonly reclaim = undefined as never;
}

/** Waits for the event of a signal that was aborted before. */
class TakesStopped extends InProcess {
  override async begin(job: Job): Promise<PoolOutcome> {
    if (!job.ticket.signal.aborted) return await super.begin(job);
    const { signal } = new AbortController();
    return await super.begin({ ...job, ticket: { ...otherwise(job.ticket, {}), signal } });
  }
}

/** Passes a copy of the ticket on. */
class CopiesTickets extends InProcess {
  override async begin(job: Job): Promise<PoolOutcome> {
    const { ticket } = job;
    const copy = { ...ticket, started: (worker: string) => ticket.started(worker) };
    if (copy.report === undefined) return { kind: 'crashed', reason: 'ticket.report is not a function' };
    return await super.begin({ ...job, ticket: copy });
  }
}

const swaps = (ticket: Ticket): Ticket => {
  let kept: TaskUpdate | undefined;
  return otherwise(ticket, {
    report: (update) => {
      if (update.kind !== 'finding' || !/^check \d+00$/.test(update.finding.name))
        return ticket.report(update);
      const before = kept;
      kept = before === undefined ? update : undefined;
      if (before === undefined) return;
      ticket.report(update);
      ticket.report(before);
    },
  });
};

/** Ends the current attempt of the worker when any of its attempts is stopped. */
class StopsNext extends InProcess {
  override async begin(job: Job): Promise<PoolOutcome> {
    const signal = AbortSignal.any([job.ticket.signal, ...this.#last.splice(0)]);
    this.#last.push(job.ticket.signal);
    const isLong = nameOf(job.assignment) === 'takes time';
    if (!isLong || job.ticket.signal.aborted) return await super.begin(job);
    const stopped = new Promise<PoolOutcome>((resolve) => {
      signal.addEventListener('abort', () => resolve({ kind: 'crashed', reason: 'its worker was ended' }));
    });
    return await Promise.race([super.begin(job), stopped]);
  }
  readonly #last: AbortSignal[] = [];
}

/** Reports attempts as stopped that never started. */
class StopsUnstarted extends Threaded {
  override giveBack(job: ThreadedJob): void {
    if (job.assignment.path === 'stopped early') job.settle({ kind: 'stopped', how: 'killed' });
    else super.giveBack(job);
  }
  override fill(): void {
    if (this.queue[0]?.assignment.path !== 'stopped early') super.fill();
  }
}

class Strands extends Threaded {
  override afterKill(): void {
    this.queue.length = 0;
  }
}

/** Passes updates to every ticket. */
class ReportsToAll extends InProcess {
  readonly #tickets: Ticket[] = [];
  override async begin(job: Job): Promise<PoolOutcome> {
    this.#tickets.push(job.ticket);
    const isTalking = nameOf(job.assignment) === 'reports';
    const tickets = isTalking ? this.#tickets : [job.ticket];
    const report = (update: TaskUpdate): void => {
      for (const ticket of new Set([...tickets, job.ticket])) ticket.report(update);
    };
    return await super.begin({ ...job, ticket: otherwise(job.ticket, { report }) });
  }
}

const dropsAbove = (limit: number) => {
  return (ticket: Ticket): Ticket => {
    let reported = 0;
    return otherwise(ticket, { report: (update) => void (reported++ < limit && ticket.report(update)) });
  };
};

export const wrongTickets: readonly WrongPool[] = [
  wrong(rules.startsOnce, 'reports twice that an attempt has started', () =>
    changed({
      ticket: (ticket) =>
        otherwise(ticket, {
          started: (worker) => {
            ticket.started(worker);
            ticket.started(worker);
          },
        }),
    }),
  ),
  wrong(rules.namesWorker, 'has workers without names', () =>
    changed({ ticket: (ticket) => otherwise(ticket, { started: () => ticket.started('') }) }),
  ),
  wrong(
    rules.startsInTime,
    'reports that a body has started when it has ended',
    () => new StartsLate('blocks for'),
  ),
  wrong(
    rules.startsAfterWaiting,
    'reports that a body has started when it has ended, if it had waited',
    () => new StartsLate('waited long'),
  ),
  wrong(rules.knowsDurations, 'reports that a body took no time', () =>
    changed({ outcome: (outcome) => ({ ...outcome, ranMs: 0 }) }),
  ),
  wrong(rules.fillsSlots, 'leaves a slot empty', () => new OneAtATime('reference')),
  wrong(rules.keepsToSlots, 'starts more than it has slots', () => new Overfills('reference')),
  wrong(
    rules.returnsStopped,
    'keeps attempts that were stopped while they waited',
    () => new KeepsStopped('reference'),
  ),
  wrong(
    rules.returnsReclaimed,
    'returns running attempts when it reclaims',
    () => new RecallsAll('reference'),
  ),
  wrong(
    rules.returnsReclaimed,
    'keeps waiting attempts when it reclaims',
    () => new ReclaimsNothing('reference'),
  ),
  wrong(
    rules.returnsReclaimed,
    'lets attempts wait and has no reclaim',
    () => new CannotReclaim('reference'),
  ),
  wrong(
    rules.takesStopped,
    'does not notice that an attempt was stopped before',
    () => new TakesStopped('reference'),
  ),
  wrong(rules.stopsEarly, 'reports attempts as stopped that never started', () => new StopsUnstarted()),
  wrong(rules.sparesOthers, 'ends the next attempt of a worker, too', () => new StopsNext('reference')),
  wrong(rules.takesThemWhole, 'copies tickets', () => new CopiesTickets('reference')),
  wrong(rules.standsFloods, 'reports findings in another order', () => changed({ ticket: swaps })),
  wrong(rules.strandsNothing, 'forgets attempts that waited behind a killed body', () => new Strands()),
  wrong(rules.deliversAll, 'drops attachments', () =>
    changed({
      ticket: (ticket) =>
        otherwise(ticket, {
          report: (update) => void (update.kind !== 'attachment' && ticket.report(update)),
        }),
    }),
  ),
  wrong(
    rules.deliversOwn,
    'passes the updates of one attempt to all tickets',
    () => new ReportsToAll('reference'),
  ),
  wrong(rules.standsFloods, 'drops updates after a thousand', () => changed({ ticket: dropsAbove(1_000) })),
  wrong(rules.replacesUnfit, 'fails a body that reports data that cannot be sent', () =>
    changed({
      transport: 'clone',
      outcome: onlyOf('returned', (each, assignment) =>
        nameOf(assignment) === 'reports unfit' ? { kind: 'threw', error: new Error('DataCloneError') } : each,
      ),
    }),
  ),
];
