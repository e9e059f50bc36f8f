/**
 * What earlier sessions of the run have left in its pools: looked for before anything is decided, then adopted or dismissed. Decides nothing; what is
 * adopted is what the journal recalls so.
 */
import type { LeftAttempt, Recall } from '@pexen/core';
import type { Part } from '../machine/protocol.ts';
import type { RunPool } from './pools.ts';

interface Found {
  readonly pool: RunPool;
  readonly left: LeftAttempt;
  /** When the pool has said so. */
  readonly atMs: number;
}

export class Leftovers {
  readonly #pools: readonly RunPool[];
  readonly #nowMs: () => number;
  #found: Found[] = [];
  /** By call path. */
  readonly #adopted = new Map<string, LeftAttempt>();

  constructor(pools: readonly RunPool[], nowMs: () => number) {
    this.#pools = pools.filter(({ adopts }) => adopts);
    this.#nowMs = nowMs;
  }

  /**
   * Opens the pools, and asks them. Rejects with the error of a pool that cannot be opened and may have something: as long as that is not known, nothing can be
   * decided, since what runs there holds what it uses.
   */
  async find(earlierPlaces: readonly string[] | 'unknown'): Promise<readonly LeftAttempt[]> {
    const found = await Promise.all(
      this.#pools.map(async (pool) => {
        const left = await pool.openForLeft(earlierPlaces);
        return left.map((each) => ({ pool, left: each, atMs: this.#nowMs() }));
      }),
    );
    this.#found = found.flat();
    return this.#found.map(({ left }) => left);
  }

  /** Gives the search up: pools that are still being opened are closed. */
  interrupt(): void {
    for (const pool of this.#pools) pool.interruptOpening();
  }

  /** These are the attempts that are adopted. */
  note({ tasks }: Recall): void {
    for (const recalled of tasks)
      if (recalled.kind === 'start' && recalled.adopts !== undefined)
        this.#adopted.set(recalled.adopts.path, recalled.adopts);
  }

  /** Ends what is not adopted. Resolves when none of it runs. */
  async dismissOthers(): Promise<void> {
    await this.#dismiss(({ left }) => !isOf(this.#adopted.get(left.path), left));
  }

  /** The task has its result: what is left of it is not needed any more. */
  forget(path: string): void {
    if (this.#found.length > 0) void this.#dismiss(({ left }) => left.path === path);
  }

  /** The attempt that is to be adopted instead of a start, once. */
  take(path: string, attempt: number, part: Part): LeftAttempt | undefined {
    if (this.#found.length === 0 || this.#adopted.get(path)?.attempt !== attempt) return undefined;
    const taken = this.#found.find(({ left }) => left.path === path && left.part === part);
    if (taken === undefined) return undefined;
    this.#found = this.#found.filter((each) => each !== taken);
    const { runningMs = 0 } = taken.left;
    return { ...taken.left, runningMs: runningMs + this.#nowMs() - taken.atMs };
  }

  async #dismiss(isDismissed: (found: Found) => boolean): Promise<void> {
    const dismissed = this.#found.filter(isDismissed);
    if (dismissed.length === 0) return;
    this.#found = this.#found.filter((each) => !dismissed.includes(each));
    await Promise.all(
      this.#pools.map((pool) =>
        pool.dismiss(dismissed.filter((each) => each.pool === pool).map(({ left }) => left)),
      ),
    );
  }
}

/** Both parts of one attempt. */
function isOf(adopted: LeftAttempt | undefined, { attempt, session }: LeftAttempt): boolean {
  return adopted !== undefined && adopted.attempt === attempt && adopted.session === session;
}
