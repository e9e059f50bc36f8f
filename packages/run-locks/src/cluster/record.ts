/**
 * The record of one run in the store: what it holds, and its lease. Each change of the record renews the lease, which counts from the moment before the change
 * was sent, by the clock of this machine alone. Who wants to take over what the run holds removes the record in one step, after which no change of it
 * succeeds. Knows neither tables nor tasks.
 */
import { type Clock, isPexenError } from '@pexen/core';
import type { Grant, RunInfo, WrittenHolds } from '../protocol/messages.ts';
import { type ClusterNetwork, keyOf, type LeaseTiming } from './network.ts';

/** What a run writes of itself. */
interface WrittenRecord extends WrittenHolds {
  /** How long after its lease something of it may still run, ms. */
  readonly endingMs: number;
  /** The number of this change: each change differs from the one before. */
  readonly change: number;
}

/** Between two attempts where the store cannot be reached, ms. */
const retryMs = 200;
/** The lease is renewed so many times before it would end. */
const renewals = 4;

/** What it needs. */
export interface RecordOptions {
  readonly network: ClusterNetwork;
  readonly info: RunInfo;
  readonly timing: LeaseTiming;
  readonly clock: Clock;
  /** The clock of leases: it goes on while the machine sleeps. */
  readonly now: () => number;
  /** The lease was renewed, and ends then. */
  readonly renewed: (untilMs: number) => void;
  /** The lease is over: the run holds nothing any more. Called once. */
  readonly lost: (reason: string) => void;
  /** The store refuses this run. */
  readonly failed: (error: unknown) => void;
}

export class RunRecord {
  readonly #options: RecordOptions;
  #holds: readonly Grant[] = [];
  #revision = 0;
  #changes = 0;
  #leaseEndMs: number | undefined;
  /** Those that wait until what is held now is written. */
  #writers: (() => void)[] = [];
  #isWriting = false;
  #isOver = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: RecordOptions) {
    this.#options = options;
  }

  /** Writes it for the first time. Resolves when that is done. */
  start(): Promise<void> {
    this.#watch();
    return this.write([]);
  }

  /** Resolves when it is written that the run holds this. Never if the lease is lost before. */
  write(holds: readonly Grant[]): Promise<void> {
    this.#holds = holds;
    const written = new Promise<void>((resolve) => this.#writers.push(resolve));
    if (!this.#isWriting) void this.#writeAll();
    return written;
  }

  /** Removes it. The lease ends. */
  async remove(): Promise<void> {
    this.#end();
    if (this.#revision > 0)
      await this.#options.network.remove(keyOf(this.#options.info.run), this.#revision).catch(() => {});
  }

  /** Nothing is written or reported any more. */
  #end(): void {
    this.#isOver = true;
    this.#cancelTimer?.();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      do {
        const writers = this.#writers.splice(0);
        await this.#change();
        if (!this.#isOver) for (const resolve of writers) resolve();
      } while (this.#writers.length > 0 && !this.#isOver);
    } catch (error) {
      if (!this.#isOver) this.#options.failed(error);
    }
    this.#isWriting = false;
  }

  /** Changes the record, however often that takes. */
  async #change(): Promise<void> {
    const { network, info, timing, clock } = this.#options;
    const record: WrittenRecord = {
      ...{ ...info, holds: this.#holds },
      ...{ endingMs: timing.endingMs, change: ++this.#changes },
    };
    while (!this.#isOver && !this.#isLeaseOver()) {
      const sentMs = this.#options.now();
      try {
        const revision = await network.put(keyOf(info.run), JSON.stringify(record), this.#revision);
        if (revision === undefined) await this.#look();
        else {
          this.#revision = revision;
          this.#renewed(sentMs);
          return;
        }
      } catch (error) {
        if (isPexenError(error)) throw error;
        await new Promise<void>((resolve) => void clock.after(retryMs, resolve, { keepsAlive: false }));
      }
    }
  }

  /** An answer that comes after the end of the lease is too late: others may have looked before. */
  #renewed(sentMs: number): void {
    if (this.#isOver || this.#isLeaseOver()) return;
    this.#leaseEndMs = sentMs + this.#options.timing.leaseMs;
    this.#options.renewed(this.#leaseEndMs);
  }

  /**
   * The record is not what was expected. A change that was done without an answer goes on from there. A store that has lost the record gets it again: while the
   * lease lasts, no one can have been granted what this run holds. Otherwise another run has removed it.
   */
  async #look(): Promise<void> {
    const found = await this.#options.network.get(keyOf(this.#options.info.run));
    this.#revision = found?.revision ?? 0;
  }

  #isLeaseOver(): boolean {
    if (this.#leaseEndMs === undefined || this.#options.now() < this.#leaseEndMs) return false;
    const seconds = Math.round(this.#options.timing.leaseMs / 100) / 10;
    this.#end();
    this.#options.lost(`lost its locks of the cluster: their server could not be reached for ${seconds} s`);
    return true;
  }

  /** Renews the lease in time, and looks whether it has ended. */
  #watch(): void {
    const { clock, timing } = this.#options;
    const restMs = (): number => (this.#leaseEndMs ?? Number.POSITIVE_INFINITY) - this.#options.now();
    const look = (): void => {
      if (this.#isOver || this.#isLeaseOver()) return;
      if (!this.#isWriting && restMs() < timing.leaseMs * (1 - 1 / renewals)) void this.write(this.#holds);
      this.#watch();
    };
    const afterMs = Math.max(1, Math.min(timing.leaseMs / renewals / 2, restMs()));
    this.#cancelTimer = clock.after(afterMs, look, { keepsAlive: false });
  }
}

/** What the text of a record says; undefined if it cannot be read. */
export function readRecord(text: string): (WrittenHolds & { readonly endingMs: number }) | undefined {
  try {
    const { run, label, holds, endingMs } = JSON.parse(text) as WrittenRecord;
    return Array.isArray(holds) && Number.isFinite(endingMs) ? { run, label, holds, endingMs } : undefined;
  } catch {
    return undefined;
  }
}
