/**
 * What really happened, by the true time, which no scheduler and no node can see: which bodies ran when and where. Every rule that must hold whatever the
 * network does is checked here.
 */

/** One attempt, as a scheduler has sent it. */
export interface Attempt {
  /** Unique among all schedulers of a run. */
  readonly key: string;
  /** The resource that its body needs for itself. */
  readonly lock: string;
  /** Which scheduler has sent it: 0 for the first one, 1 for the one that continues the run. */
  readonly scheduler: number;
}

interface Body {
  readonly attempt: Attempt;
  readonly node: string;
  /** Its machine was stopped for longer than its lease: it could not end the body in time. */
  isExcused: boolean;
}

export class Ledger {
  readonly violations: string[] = [];
  readonly #running = new Map<string, Body>();
  readonly #started = new Set<string>();
  readonly #unstartable = new Map<string, string>();
  readonly #results = new Set<string>();
  /** The latest scheduler that has taken over an attempt. */
  readonly #adopters = new Map<string, number>();
  /** The latest scheduler for which a start of an agent has worked. */
  readonly #latest = new Map<string, number>();
  /** The schedulers that were ended before another one continued their run. */
  readonly #ended = new Set<number>();

  get startedCount(): number {
    return this.#started.size;
  }

  /** `isExcused`: the machine was stopped for long when the body was about to start. */
  bodyStarts(attempt: Attempt, node: string, agent: string, isExcused: boolean): void {
    const { key, lock, scheduler } = attempt;
    if (this.#started.has(key)) this.#violate(`${key} started twice`);
    const why = this.#unstartable.get(key);
    if (why !== undefined && !isExcused) this.#violate(`${key} started although it ${why}`);
    for (const other of this.#running.values()) {
      if (other.isExcused || isExcused) continue;
      // Two schedulers that are both alive know nothing of each other's locks; on one node the later one fences the earlier.
      const { scheduler: others } = other.attempt;
      const isKnown = others === scheduler || (others < scheduler && this.#ended.has(others));
      if (isKnown && other.attempt.lock === lock)
        this.#violate(`${key} on ${node} overlaps ${other.attempt.key} on ${other.node}`);
    }
    const latest = this.#latest.get(agent) ?? 0;
    if (latest > scheduler) this.#violate(`${key} started on ${agent}, which worked for a later scheduler`);
    this.#latest.set(agent, Math.max(latest, scheduler));
    this.#started.add(key);
    this.#running.set(key, { attempt, node, isExcused });
  }

  bodyEnds(key: string): void {
    this.#running.delete(key);
  }

  /** The machine was stopped: what runs on it cannot be ended in time. */
  excuse(node: string): void {
    for (const body of this.#running.values()) if (body.node === node) body.isExcused = true;
  }

  schedulerEnded(scheduler: number): void {
    this.#ended.add(scheduler);
  }

  /** A scheduler was told that the attempt will not start. */
  returned({ key }: Pick<Attempt, 'key'>): void {
    if (this.#started.has(key)) this.#violate(`${key} was returned although it had started`);
    this.#unstartable.set(key, 'was returned');
  }

  /** A later scheduler goes on with the attempt: what an earlier one hears of it does not count. */
  adopted(key: string, scheduler: number): void {
    this.#adopters.set(key, scheduler);
    const body = this.#running.get(key);
    if (body !== undefined) this.#running.set(key, { ...body, attempt: { ...body.attempt, scheduler } });
  }

  /** A scheduler got the result of the attempt. False if the attempt is not its own any more. */
  result({ key }: Attempt, scheduler: number): boolean {
    if ((this.#adopters.get(key) ?? scheduler) > scheduler) return false;
    this.#result(key);
    return true;
  }

  hasResult(key: string): boolean {
    return this.#results.has(key);
  }

  #result(key: string): void {
    if (this.#results.has(key)) this.#violate(`${key} has two results`);
    if (!this.#started.has(key)) this.#violate(`${key} has a result and was never started`);
    if (this.#running.has(key)) this.#violate(`${key} has a result and still runs`);
    this.#results.add(key);
  }

  /** A scheduler was told that the attempt is lost, and that it does not run any more. */
  lost({ key }: Attempt, scheduler: number): void {
    if ((this.#adopters.get(key) ?? scheduler) > scheduler) return;
    if (this.#running.get(key)?.isExcused === false) this.#violate(`${key} is lost, and still runs`);
    this.#unstartable.set(key, 'was lost');
  }

  stuck(what: string): void {
    this.#violate(what);
  }

  #violate(what: string): void {
    if (this.violations.length < 5) this.violations.push(what);
  }
}
