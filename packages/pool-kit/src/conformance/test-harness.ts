/** The test harness for one pool: opens it, gives it attempts as a run would, records its reports, and checks outcomes. Knows no rule. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import {
  type Assignment,
  addressOf,
  definitionOf,
  isThenable,
  mergeShared,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolNode,
  type PoolOutcome,
  type ReadyFacts,
  type Runnable,
  type TaskUpdate,
  type Ticket,
} from '@pexen/core';
import { startTimer } from '@pexen/core/timers';
import type * as Fixtures from './fixtures.ts';
import { NetworkFaults } from './network-faults.ts';

export const fixturesUrl: string = import.meta.resolve('@pexen/pool-kit/conformance/fixtures');

/**
 * Loaded by Node itself even where a test tool loads the kit: a test tool rewrites modules, and a worker would find
 * other source text than the host.
 */
export const fixtures: typeof Fixtures = createRequire(import.meta.url)(
  '@pexen/pool-kit/conformance/fixtures',
);

/** One report about an attempt. */
export type Sign =
  | { readonly kind: 'started'; readonly worker: string }
  | { readonly kind: 'update'; readonly update: TaskUpdate }
  | { readonly kind: 'ready'; readonly facts: ReadyFacts }
  | { readonly kind: 'outcome'; readonly outcome: PoolOutcome };

/** One attempt that the pool was given. */
export class Attempt {
  readonly assignment: Assignment;
  readonly signs: Sign[] = [];
  /** What `run` threw, which it must not. */
  thrown: unknown;
  readonly #controller = new AbortController();
  readonly #timeoutMs: number;
  readonly #firstUpdate = Promise.withResolvers<void>();
  readonly #started = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<ReadyFacts>();
  readonly #outcome = Promise.withResolvers<PoolOutcome>();
  readonly #startedAt = Promise.withResolvers<number>();

  constructor(pool: Pool, assignment: Assignment, timeoutMs: number, { isAborted, isOfRun }: How) {
    if (isAborted) this.abort();
    this.assignment = assignment;
    this.#timeoutMs = timeoutMs;
    const ticket = {
      signal: this.#controller.signal,
      started: (worker: string) => this.#note({ kind: 'started', worker }),
      report: (update: TaskUpdate) => this.#note({ kind: 'update', update }),
      ready: (facts: ReadyFacts) => this.#noteReady(facts),
    };
    for (const each of [this.#started, this.#firstUpdate, this.#ready]) each.promise.catch(() => {});
    try {
      const outcome = isOfRun
        ? pool.run(asGetters(assignment), new RunTicket(ticket))
        : pool.run(assignment, ticket);
      const settled = isThenable(outcome) ? outcome : Promise.resolve(outcome);
      settled.then(
        (each) => this.#settle(each),
        (error) => this.#fail(error),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Resolves with the outcome; rejects where it does not come in time. */
  outcome(withinMs: number = this.#timeoutMs): Promise<PoolOutcome> {
    return within(this.#outcome.promise, withinMs, `an outcome of "${this.assignment.path}"`);
  }

  /** Resolves when the pool or the body has reported that it has started. */
  started(): Promise<void> {
    return within(
      this.#started.promise,
      this.#timeoutMs,
      `a report that "${this.assignment.path}" has started`,
    );
  }

  /** Resolves when it has reported its first update. */
  firstUpdate(): Promise<void> {
    return within(this.#firstUpdate.promise, this.#timeoutMs, `an update of "${this.assignment.path}"`);
  }

  /** Resolves with what the service hands on, when it is ready. A dictionary in the assignment counts as it is then. */
  ready(): Promise<ReadyFacts> {
    return within(this.#ready.promise, this.#timeoutMs, `ready() of "${this.assignment.path}"`);
  }

  /** When the pool reported that it has started, on the clock of `performance`. */
  startedAt(): Promise<number> {
    return within(this.#startedAt.promise, this.#timeoutMs, `started() of "${this.assignment.path}"`);
  }

  abort(reason: Error = new Error('the kit stops it')): void {
    this.#controller.abort(reason);
  }

  get isSettled(): boolean {
    return this.signs.some(({ kind }) => kind === 'outcome');
  }

  get hasStarted(): boolean {
    return this.signs.some(({ kind }) => kind !== 'outcome');
  }

  get update(): readonly TaskUpdate[] {
    return this.signs.flatMap((sign) => (sign.kind === 'update' ? [sign.update] : []));
  }

  #noteReady(facts: ReadyFacts): void {
    const { shared = structuredClone({ ...this.assignment.shared }), provided = [] } = facts;
    this.#note({ kind: 'ready', facts });
    this.#ready.resolve({ shared, provided });
  }

  #note(sign: Sign): void {
    this.signs.push(sign);
    this.#started.resolve();
    if (sign.kind === 'update') this.#firstUpdate.resolve();
    if (sign.kind === 'started') this.#startedAt.resolve(performance.now());
  }

  #settle(outcome: PoolOutcome): void {
    const hasStarted = this.signs.some(({ kind }) => kind === 'started');
    this.signs.push({ kind: 'outcome', outcome });
    if (hasStarted || outcome.kind === 'not-started') this.#outcome.resolve(outcome);
    else this.#refuse(`${describe(outcome)}, and started() was not called before`);
    const message = `"${this.assignment.path}" ended before the expected report: ${describe(outcome)}`;
    this.#started.reject(new assert.AssertionError({ message }));
    this.#firstUpdate.reject(new assert.AssertionError({ message }));
  }

  #fail(error: unknown): void {
    this.thrown = error;
    this.#refuse(`run() threw or rejected: ${String(error)}`);
  }

  #refuse(why: string): void {
    const message = `"${this.assignment.path}": ${why}`;
    this.#outcome.reject(new assert.AssertionError({ message }));
    this.#outcome.promise.catch(() => {});
  }
}

/** How an attempt differs from the default one. */
export type Difference = Partial<Assignment> & {
  /** Without an address no worker can find the body. */
  readonly without?: 'address';
  /** Its signal was aborted before the pool got it. */
  readonly isAborted?: boolean;
  /** Assignment and ticket are objects as in a run: with getters, and methods that need their object. */
  readonly isOfRun?: boolean;
};

type How = Pick<Difference, 'isAborted' | 'isOfRun'>;

/** One pool, opened and closed as often as a case needs. */
export class TestHarness {
  readonly pool: Pool;
  readonly manifest: PoolManifest;
  /** How long the kit waits for events that must happen soon, ms. */
  readonly timeoutMs: number;
  /** The numbers of slots that the pool reported. */
  readonly slots: number[] = [];
  /** How often it had reported a number of slots when open() resolved. */
  slotsReportedAtOpen = 0;
  /** By name. */
  readonly nodes = new Map<string, PoolNode>();
  nodesReportedAtOpen: readonly PoolNode[] = [];
  readonly lost: { readonly worker: string; readonly reason: string }[] = [];
  readonly late: { readonly worker: string; readonly tasks: readonly string[]; readonly error: unknown }[] =
    [];
  readonly #attempts: Attempt[] = [];
  isOpen = false;

  /** Makes another pool of the same kind. */
  readonly #factory: (faults: NetworkFaults) => Pool;
  /** The network for its messages, where the case disturbs them. */
  readonly faults = new NetworkFaults();

  constructor(factory: (faults: NetworkFaults) => Pool, timeoutMs: number) {
    this.#factory = factory;
    this.pool = factory(this.faults);
    this.manifest = this.pool.manifest;
    this.timeoutMs = timeoutMs;
  }

  /** A harness with another pool of the same kind, not opened. */
  another(): TestHarness {
    return new TestHarness(this.#factory, this.timeoutMs);
  }

  async open(): Promise<void> {
    const slotsReported = Promise.withResolvers<void>();
    await within(this.pool.open(this.#context(slotsReported.resolve)), this.timeoutMs, 'open()');
    this.isOpen = true;
    this.slotsReportedAtOpen = this.slots.length;
    this.nodesReportedAtOpen = [...this.nodes.values()];
    await within(slotsReported.promise, this.timeoutMs, 'slotsChanged()');
  }

  /** Opens the pool; resolves when `open` has resolved or rejected. */
  async opening(): Promise<void> {
    const over = this.pool.open(this.#context(() => {})).catch(() => {});
    await within(over, this.timeoutMs, 'an end of open()');
  }

  #context(slotsReported: () => void): PoolContext {
    return {
      slotsChanged: (slots) => {
        this.slots.push(slots);
        slotsReported();
      },
      nodeChanged: (node) => void this.nodes.set(node.name, node),
      nodeLeft: (name) => void this.nodes.delete(name),
      workerLost: (worker, reason) => void this.lost.push({ worker, reason }),
      lateError: (worker, tasks, error) => void this.late.push({ worker, tasks, error }),
    };
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    this.isOpen = false;
    await within(this.pool.close(how), this.timeoutMs, `close('${how}')`);
  }

  /** Passes one attempt of the task to the pool. */
  attempt(task: Runnable, { isAborted = false, isOfRun = false, ...difference }: Difference = {}): Attempt {
    const assignment = this.assignment(task, difference);
    const attempt = new Attempt(this.pool, assignment, this.timeoutMs, { isAborted, isOfRun });
    this.#attempts.push(attempt);
    return attempt;
  }

  /** The outcome of one attempt of the task. */
  async outcomeOf(task: Runnable, difference: Difference = {}): Promise<PoolOutcome> {
    return await this.attempt(task, difference).outcome();
  }

  /** So many attempts of the task, each with a path of its own. */
  attempts(count: number, task: Runnable, difference: Difference = {}): Attempt[] {
    return Array.from({ length: count }, (_, n) =>
      this.attempt(task, { path: `attempt ${n}`, ...difference }),
    );
  }

  /** An attempt of the task in each slot, all of them started. */
  async fill(task: Runnable, difference: Difference = {}): Promise<Attempt[]> {
    const attempts = this.attempts(this.slotCount, task, difference);
    await Promise.all(attempts.map((each) => each.started()));
    return attempts;
  }

  /** The assignment that a run would pass to the pool. */
  assignment(task: Runnable, { without, ...difference }: Difference = {}): Assignment {
    const definition = definitionOf(task);
    const isClosure = this.manifest.closures && typeof definition.body === 'function';
    const isWithout = without === 'address' || isClosure;
    return {
      task,
      definition,
      address: isWithout ? undefined : addressOf(definition),
      path: definition.meta.name ?? 'unnamed',
      attempt: 1,
      part: 'body',
      args: definition.args,
      shared: mergeShared(),
      received: [],
      graceMs: 5_000,
      timeoutMs: undefined,
      ...difference,
    };
  }

  /** Waits long enough for events that must not happen. */
  async lull(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }

  /** The number of slots that it reported last. */
  get slotCount(): number {
    return this.slots.at(-1) ?? 0;
  }

  /** Waits until it reports so many slots again. */
  async slotsBack(count: number): Promise<void> {
    const deadline = performance.now() + this.timeoutMs;
    while (this.slotCount < count && performance.now() < deadline) await new Promise(setImmediate);
    assert.ok(this.slotCount >= count, `it had ${count} slots, and still reports ${this.slotCount}`);
  }

  /** Stops and closes everything, whatever the case found. Rejects where the pool cannot be closed. */
  async clear(): Promise<void> {
    this.faults.restore();
    for (const attempt of this.#attempts) attempt.abort();
    if (this.isOpen) await this.close('kill');
    this.faults.stop();
  }
}

/** Resolves with the promise's value; rejects if it takes longer. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let cancel: (() => void) | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const message = `${what} did not come within ${ms} ms`;
    cancel = startTimer(ms, () => reject(new assert.AssertionError({ message })));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel?.();
  }
}

// Assignments and tickets as a run makes them: a copy by spread is empty.

/** A ticket whose signal is a getter, and whose methods need it. */
class RunTicket implements Ticket {
  readonly #parts: Ticket;
  constructor(parts: Ticket) {
    this.#parts = parts;
  }
  get signal(): AbortSignal {
    return this.#parts.signal;
  }
  started(worker: string): void {
    this.#parts.started(worker);
  }
  report(update: TaskUpdate): void {
    this.#parts.report(update);
  }
  ready(facts: ReadyFacts): void {
    this.#parts.ready?.(facts);
  }
}

/** An object with the same entries as inherited getters. */
function asGetters<T extends object>(values: T): T {
  const getters = Object.entries(values).map(([key, value]) => [key, { get: () => value }] as const);
  return Object.create(Object.defineProperties({}, Object.fromEntries(getters))) as T;
}

// Checks of outcomes.

/** Fails unless the outcome is of this kind; returns it, narrowed. */
export function expectKind<K extends PoolOutcome['kind']>(
  outcome: PoolOutcome,
  kind: K,
): Extract<PoolOutcome, { readonly kind: K }> {
  assert.equal(outcome.kind, kind, `expected an outcome "${kind}", got ${describe(outcome)}`);
  return outcome as Extract<PoolOutcome, { readonly kind: K }>;
}

/** The error of an outcome that has one. */
export function expectError(outcome: PoolOutcome, kind: 'threw' | 'failed'): Error {
  const { error } = expectKind(outcome, kind);
  assert.ok(error instanceof Error, `expected an Error, got ${String(error)}`);
  return error;
}

/** Fails unless the two are equal, with both in its message. */
export function expectSame<T>(actual: T, expected: T, what: string): void {
  assert.equal(actual, expected, `${what}: ${String(actual)}, and should be ${String(expected)}`);
}

/** A short text for an outcome. */
export function describe(outcome: PoolOutcome): string {
  const error = 'error' in outcome ? `: ${String(outcome.error)}` : '';
  const reason = 'reason' in outcome ? `: ${outcome.reason}` : '';
  return `"${outcome.kind}"${error}${reason}`;
}
