/** A pool of its own for one test, with everything it starts marked, so that strays are seen. */
import { randomUUID } from 'node:crypto';
import type { Assignment, Pool, PoolOutcome } from '@pexen/core';
import { expect } from 'vitest';
import { type ProcessesOptions, processes } from '../../src/index.ts';
import { RecordingTicket } from './assignments.ts';
import { processesWith } from './strays.ts';

interface LateErrorRecord {
  readonly worker: string;
  readonly tasks: readonly string[];
  readonly error: unknown;
}

export class Bench {
  readonly pool: Pool;
  readonly lost: string[] = [];
  readonly late: LateErrorRecord[] = [];
  readonly #mark = randomUUID();

  constructor(options: ProcessesOptions = {}) {
    this.pool = processes({
      workers: 1,
      outputIntervalMs: 10,
      ...options,
      env: { ...options.env, TEST_MARK: this.#mark },
    });
  }

  /** Runs `use` with an open pool; nothing may be left afterwards. */
  async with(use: (bench: this) => Promise<void>): Promise<void> {
    await this.pool.open({
      slotsChanged: () => {},
      workerLost: (worker, reason) => void this.lost.push(`${worker}: ${reason}`),
      lateError: (worker, tasks, error) => void this.late.push({ worker, tasks, error }),
    });
    try {
      await use(this);
    } finally {
      await this.pool.close('kill');
    }
    expect(this.strays()).toEqual([]);
  }

  /** Processes of this bench that live. */
  strays(): number[] {
    return processesWith(`TEST_MARK=${this.#mark}`);
  }

  start(assignment: Assignment): Attempt {
    return new Attempt(this.pool, assignment);
  }

  async run(assignment: Assignment): Promise<PoolOutcome> {
    return await this.start(assignment).outcome;
  }
}

/** One attempt under way. */
export class Attempt {
  readonly ticket: RecordingTicket = new RecordingTicket();
  readonly outcome: Promise<PoolOutcome>;
  readonly #graceMs: number;

  constructor(pool: Pool, assignment: Assignment) {
    this.#graceMs = assignment.graceMs;
    this.outcome = Promise.resolve(pool.run(assignment, this.ticket));
  }

  /** The pid in the name of its worker. */
  pid(): Promise<number> {
    return this.ticket.pid();
  }

  /** Has it stopped; its outcome must come in time. */
  async stop(): Promise<PoolOutcome> {
    const before = performance.now();
    this.ticket.abort();
    const outcome = await this.outcome;
    expect(performance.now() - before).toBeLessThan(this.#graceMs + 20_000);
    return outcome;
  }
}
