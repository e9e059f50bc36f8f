/** Pools that run services wrongly. */
import type { Assignment, PoolOutcome, ReadyFacts, Ticket } from '@pexen/core';
import type { ConformanceCase } from '@pexen/pool-kit/conformance';
import * as rules from '../../src/conformance/services.ts';
import type { Job as ProgramJob } from './in-process.ts';
import { ProgramsOnly } from './programs.ts';
import { type Job, Threaded } from './threaded.ts';
import { otherwise, type WrongPool } from './wrong.ts';

/** A right pool of threads that runs services, too. */
export class Serving extends Threaded {
  constructor() {
    super();
    this.manifest = { ...this.manifest, services: true };
  }

  override run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (!assignment.service || this.context === undefined) return super.run(assignment, ticket);
    return new Promise((settle) => this.serve({ assignment, ticket, settle }));
  }

  serve(job: Job): void {
    job.ticket.signal.addEventListener('abort', () => this.stop(job));
    this.start(job);
  }

  override occupied(): number {
    return [...this.busy.values()].filter(({ assignment }) => !assignment.service).length;
  }

  override ready({ ticket }: Job, facts: ReadyFacts): void {
    ticket.ready?.(facts);
  }

  override stop(job: Job): void {
    const isForced = job.assignment.definition.service?.killsOnStop === true;
    const worker = [...this.busy].find(([, each]) => each === job)?.[0];
    if (isForced && worker !== undefined) this.terminate(worker);
    else super.stop(job);
  }
}

class ReportsTwice extends Serving {
  override ready(job: Job, facts: ReadyFacts): void {
    super.ready(job, facts);
    super.ready(job, facts);
  }
}

class DropsDictionary extends Serving {
  override ready(job: Job, { provided }: ReadyFacts): void {
    super.ready(job, { ...(provided && { provided }) });
  }
}

/** Reports that a service is ready as soon as it has started. */
class TrustsStarts extends Serving {
  override start(job: Job): void {
    super.start(job);
    if (job.assignment.path === 'serves nothing') job.ticket.ready?.({});
  }
}

/** Does not say which value cannot be sent. */
class HidesValue extends Serving {
  override serve(job: Job): void {
    const settle = (outcome: PoolOutcome): void =>
      job.settle(
        outcome.kind === 'threw' ? { kind: 'threw', error: new Error('a value cannot be sent') } : outcome,
      );
    super.serve({ ...job, settle });
  }
}

class CountsServices extends Serving {
  override occupied(): number {
    return this.busy.size;
  }
}

class EndsReclaimed extends Serving {
  override reclaim(): void {
    super.reclaim();
    if (this.context === undefined) return;
    for (const [worker, { assignment }] of this.busy) if (assignment.service) this.terminate(worker);
  }
}

class InventsValue extends Serving {
  override stop(job: Job): void {
    const { settle } = job;
    if (job.assignment.path === 'stops')
      Object.assign(job, { settle: () => settle({ kind: 'returned', value: 'stopped' }) });
    super.stop(job);
  }
}

class WaitsForever extends Serving {
  override graceOf(): number {
    return 600_000;
  }
}

class AsksAll extends Serving {
  override stop(job: Job): void {
    Threaded.prototype.stop.call(this, job);
  }
}

class CallsItStopped extends Serving {
  override async close(how: 'drain' | 'kill'): Promise<void> {
    for (const job of this.busy.values()) {
      const { settle } = job;
      if (job.assignment.service && !job.ticket.signal.aborted)
        Object.assign(job, { settle: () => settle({ kind: 'stopped', how: 'killed' }) });
    }
    await super.close(how);
  }
}

/** A right pool of programs that runs them as services, too: ready by a line of output, at a port of its own. */
export class ServingPrograms extends ProgramsOnly {
  #port = 20_000;

  constructor() {
    super();
    this.manifest = { ...this.manifest, services: true };
  }

  override accept(job: ProgramJob): void {
    if (!job.assignment.service) {
      super.accept(this.withValues(job));
      return;
    }
    this.running.add(job);
    this.slots++;
    void this.serve(job).then((outcome) => {
      this.slots--;
      this.ended(job, outcome);
    });
  }

  withValues(job: ProgramJob): ProgramJob {
    const { received, shared, definition, address } = job.assignment;
    if (definition.meta.name !== 'asks') return job;
    const values = { db: shared.db, served: received[0]?.values[0] };
    const port = String((shared.db as { port: number }).port);
    const env = { PEXEN_VALUES: JSON.stringify(values), PEXEN_DB_PORT: port };
    const own = { ...address, env } as Assignment['address'];
    return { ...job, assignment: otherwise(job.assignment, { address: own }) };
  }

  serve(job: ProgramJob): Promise<PoolOutcome> {
    const { assignment, ticket } = job;
    const port = this.#port++;
    const given = assignment.address as Extract<Assignment['address'], { kind: 'executable' }>;
    const address = { ...given, argv: given.argv.map((each) => each.replace('{port}', String(port))) };
    const watching: Ticket = {
      signal: ticket.signal,
      started: (worker) => ticket.started(worker),
      report: (update) => {
        ticket.report(update);
        if (update.kind === 'output' && /^port \d+$/m.test(update.text)) this.handOn(ticket, { port });
      },
    };
    return this.begin({ ...job, assignment: otherwise(assignment, { address }), ticket: watching });
  }

  handOn(ticket: Ticket, value: object): void {
    ticket.ready?.({ provided: [[1, value]], shared: { db: value } });
  }
}

class KeepsPort extends ServingPrograms {
  override handOn(ticket: Ticket): void {
    super.handOn(ticket, {});
  }
}

class KeepsValues extends ServingPrograms {
  override withValues(job: ProgramJob): ProgramJob {
    return job;
  }
}

function wrong(breaks: ConformanceCase, does: string, make: WrongPool['make']): WrongPool {
  return { breaks, does, make, chapter: 'services' };
}

export const wrongServices: readonly WrongPool[] = [
  wrong(rules.reportsReady, 'reports twice that a service is ready', () => new ReportsTwice()),
  wrong(rules.reportsReadiness, 'drops the dictionary of a service', () => new DropsDictionary()),
  wrong(rules.endsBeforeReady, 'takes the start of a service for its readiness', () => new TrustsStarts()),
  wrong(rules.refusesUnfitReady, 'does not name what a service cannot hand on', () => new HidesValue()),
  wrong(rules.servesBesideSlots, 'runs services in its slots', () => new CountsServices()),
  wrong(rules.sparesServices, 'ends services when it reclaims', () => new EndsReclaimed()),
  wrong(rules.stopsServices, 'invents the value of a service', () => new InventsValue()),
  wrong(rules.forcesServices, 'never ends a service by force', () => new WaitsForever()),
  wrong(rules.killsAtOnce, 'asks services that are meant to be killed', () => new AsksAll()),
  wrong(rules.endsServices, 'calls a service stopped that it has ended itself', () => new CallsItStopped()),
  wrong(rules.servesPrograms, 'keeps the port of a program to itself', () => new KeepsPort()),
  wrong(rules.givesValues, 'gives programs no values', () => new KeepsValues()),
];
