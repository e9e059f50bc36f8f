/** The pool as the run sees it: assignments in, outcomes out. */
import {
  type Assignment,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolOutcome,
  poolInUse,
  type Ticket,
} from '@pexen/core';
import { decodeOutcome, type OutcomeEnvelope } from '@pexen/pool-kit';
import { capacityFor } from './capacity.ts';
import { systemClock } from './clock.ts';
import { House } from './house.ts';
import { Job } from './job.ts';
import { type ProcessesOptions, type Settings, settingsOf } from './options.ts';
import { isOrder, orderOf } from './order.ts';
import { hasProc, roomLeft } from './platform.ts';
import { noSweep, unsupportedSystem } from './problems.ts';

/**
 * A pool of processes: programs, each in a group of its own, and bodies in worker processes that are used again. What hangs
 * is killed, with all that came of it.
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * for await (const result of run(tasks, { pool: processes({ workers: 4 }) })) …
 */
export function processes(options: ProcessesOptions = {}): Pool {
  return new ProcessPool(options);
}

class ProcessPool implements Pool {
  readonly manifest: PoolManifest = {
    name: 'processes',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: true,
  };
  readonly #options: ProcessesOptions;
  readonly #settings: Settings;
  #house: House | undefined;
  /** One that is being closed, and may still have to be told to hurry. */
  #closing: House | undefined;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
  }

  async open(context: PoolContext): Promise<void> {
    if (this.#house !== undefined) throw poolInUse();
    const { clock = systemClock } = this.#options;
    if (process.platform === 'win32') throw unsupportedSystem();
    // What runs behind a launcher has limits of its own.
    const { launcher, workers } = this.#settings;
    const { slots, warning } =
      launcher.length > 0 ? { slots: workers, warning: undefined } : capacityFor(workers, roomLeft());
    if (warning !== undefined) context.warn?.(warning);
    if (launcher.length === 0 && !hasProc()) context.warn?.(noSweep());
    this.#house = new House(
      { ...this.#settings, workers: slots },
      {
        lost: (worker, reason) => context.workerLost(worker, reason),
        gone: (worker, reason) => context.workerGone?.(worker, reason),
        late: (worker, tasks, error) => context.lateError(worker, tasks, error),
        slotsChanged: (left) => context.slotsChanged(left),
        warn: (problem) => context.warn?.(problem),
        failed: (error) => context.failed?.(error),
        clock,
      },
    );
    context.slotsChanged(slots);
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    const house = this.#house;
    if (house === undefined) return { kind: 'not-started', reason: 'the pool is not open' };
    const order = orderOf(assignment, this.manifest.name);
    const job = isOrder(order) ? new Job(order, ticket) : undefined;
    if (job !== undefined) return house.run(job).then((outcome) => decode(outcome, job.worker));
    ticket.started(this.manifest.name);
    return decode(order as OutcomeEnvelope, this.manifest.name);
  }

  recall(): void {
    this.#house?.recall();
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    const house = this.#house ?? this.#closing;
    this.#house = undefined;
    this.#closing = house;
    await house?.close(how);
    if (this.#closing === house) this.#closing = undefined;
  }
}

/** What a worker sent was looked at, but only as far as we can foresee. */
function decode(outcome: OutcomeEnvelope, worker: string): PoolOutcome {
  try {
    return decodeOutcome(outcome, worker);
  } catch (error) {
    return { kind: 'threw', error };
  }
}
