/**
 * The membership of one run among those that share locks: obeys its lock node, and speaks with its scheduler. What lies between the runs, files or a network,
 * is a world that is passed in.
 */
import { type Clock, misuse, type RunLocksListener } from '@pexen/core';
import { startTicking } from '@pexen/core/timers';
import { LockNode } from './protocol/lock-node.ts';
import {
  answerTimeoutMs,
  type CapacityConflict,
  type Command,
  type FromTable,
  type Grant,
  type Input,
  type LeftBehind,
  type Link,
  type RunInfo,
  type SharedRequest,
  type ToTable,
  tickMs,
  type WrittenHolds,
} from './protocol/messages.ts';

/** A value, or one that comes later. */
export type Soon<T> = T | Promise<T>;

/** What lies between the runs. Each method obeys the command of its name; see there. None rejects while the membership lasts, unless it must end. */
export interface LockWorld {
  findEpoch(): Soon<number>;
  claimEpoch(epoch: number): Soon<boolean>;
  loadHolds(epoch: number): Soon<readonly WrittenHolds[]>;
  readHolds(run: string): Soon<readonly Grant[]>;
  writeHolds(holds: readonly Grant[]): Soon<void>;
  isInForce(epoch: number): Soon<boolean>;
  dial(epoch: number): Promise<Link | 'gone' | 'unknown'>;
  send(link: Link, message: ToTable | FromTable): void;
  closeLink(link: Link): void;
  /** Resolves once the run is over and what it has written down is removed. */
  untilGone(run: string): Promise<void>;
}

/** A fact without its time. */
export type Fact = Input extends infer I
  ? I extends { readonly atMs: number }
    ? Omit<I, 'atMs'>
    : never
  : never;

/** What a membership is about. */
export interface SessionOptions {
  readonly info: RunInfo;
  /** As users name it: `machine`, `cluster`. */
  readonly scope: string;
  readonly world: LockWorld;
  readonly listener: RunLocksListener;
  readonly clock: Clock;
}

export class LockSession {
  readonly #options: SessionOptions;
  readonly #node: LockNode;
  readonly #watched = new Set<string>();
  /** All requests that are not released. */
  readonly #requests = new Map<number, SharedRequest>();
  readonly #granted = new Set<number>();
  /** The requests without any answer, and since when. */
  readonly #unanswered = new Map<number, number>();
  /** Facts that came before the membership began. */
  #early: Fact[] | undefined = [];
  readonly #inbox: Fact[] = [];
  readonly #orders: Command[] = [];
  #isPumping = false;
  /** Called when everything so far is obeyed. */
  #whenIdle: (() => void)[] = [];
  #stopTicking: (() => void) | undefined;
  /** Keeps this process alive while something is waited for. Sockets do not. */
  #letGo: (() => void) | undefined;
  #isOver = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#node = new LockNode(options.info);
  }

  /** The world is ready. */
  begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    if (this.#isOver) return;
    this.#stopTicking = startTicking(this.#options.clock, tickMs, () => this.#tick());
    for (const fact of early) this.note(fact);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What was asked for and not released. */
  get requests(): SharedRequest[] {
    return [...this.#requests.values()];
  }

  /** What the scheduler believes to have. */
  get granted(): number[] {
    return [...this.#granted];
  }

  acquire(request: SharedRequest): void {
    this.#requests.set(request.id, request);
    this.#unanswered.set(request.id, this.#options.clock.now());
    this.#stayAlive();
    this.#post({ type: 'acquire', request });
  }

  release(id: number): void {
    this.#requests.delete(id);
    this.#granted.delete(id);
    this.#unanswered.delete(id);
    this.#stayAlive();
    this.#post({ type: 'release', id });
  }

  /** Releases everything. Resolves when the world has been ordered so. */
  async leave(): Promise<void> {
    if (this.#isOver) return;
    if (this.#early === undefined) {
      this.note({ type: 'leave' });
      if (this.#isPumping) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
    this.end();
  }

  /** Nothing is ordered or reported any more. */
  end(): void {
    this.#isOver = true;
    this.#letGo?.();
    this.#letGo = undefined;
    this.#stopTicking?.();
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Passes on a fact of the world. */
  note(fact: Fact): void {
    if (this.#isOver) return;
    this.#inbox.push(fact);
    if (!this.#isPumping) this.#pump();
  }

  /** Facts of the run itself: answered in a later turn. */
  #post(fact: Fact): void {
    if (this.#early !== undefined) this.#early.push(fact);
    else queueMicrotask(() => this.note(fact));
  }

  #tick(): void {
    this.#answerPatiently();
    if (this.#node.isBusy) this.note({ type: 'tick' });
  }

  /** A task has its place until it is answered, which must not depend on the world. */
  #answerPatiently(): void {
    const { clock } = this.#options;
    for (const [id, sinceMs] of this.#unanswered)
      if (clock.now() - sinceMs > answerTimeoutMs + 2 * tickMs)
        this.#awaited(id, firstOf(this.#requests.get(id)), ['something that cannot be reached']);
  }

  /** Obeys all orders, and then takes the next fact. An order that takes its time holds up the others. */
  #pump(): void {
    this.#isPumping = true;
    try {
      while (!this.#isOver) {
        const order = this.#orders.shift();
        const pending = order === undefined ? undefined : this.#obey(order);
        if (pending !== undefined) {
          pending.then(
            () => this.#pump(),
            (error: unknown) => this.#fail(error),
          );
          return;
        }
        if (order === undefined && !this.#handleNext()) break;
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isPumping = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #handleNext(): boolean {
    const fact = this.#inbox.shift();
    if (fact === undefined) return false;
    const input = { ...fact, atMs: this.#options.clock.now() } as Input;
    this.#orders.push(...this.#node.handle(input));
    return true;
  }

  #obey(command: Command): Promise<void> | undefined {
    const { world } = this.#options;
    switch (command.type) {
      case 'find-epoch':
        this.#answer(world.findEpoch(), (epoch) => ({ type: 'epoch-found', epoch }));
        return;
      case 'dial':
        this.#answer(world.dial(command.epoch), (link) => dialed(command.epoch, link));
        return;
      case 'claim-epoch': {
        const { epoch } = command;
        this.#answer(world.claimEpoch(epoch), (isOurs) => ({ type: 'epoch-claimed', epoch, isOurs }));
        return;
      }
      case 'load-holds': {
        const { epoch } = command;
        this.#answer(world.loadHolds(epoch), (runs) => ({ type: 'holds-loaded', epoch, runs }));
        return;
      }
      case 'read-holds': {
        const { run } = command;
        const ids = (holds: readonly Grant[]): number[] => holds.map(({ request }) => request.id);
        this.#answer(world.readHolds(run), (holds) => ({ type: 'holds-read', run, ids: ids(holds) }));
        return;
      }
      case 'write-holds': {
        const written = world.writeHolds(command.holds);
        return written instanceof Promise ? written : undefined;
      }
      case 'check-epoch': {
        const { check, epoch } = command;
        this.#answer(world.isInForce(epoch), (isInForce) => ({ type: 'epoch-checked', check, isInForce }));
        return;
      }
      case 'send':
        world.send(command.link, command.message);
        return;
      case 'close-link':
        world.closeLink(command.link);
        return;
      case 'watch-run':
        this.#watch(command.run);
        return;
      case 'granted':
        this.#grantedNow(command.id, command.left);
        return;
      case 'awaited':
        this.#awaited(command.id, command.resource, command.holders);
        return;
      case 'refused':
        this.#refused(command);
        return;
      default:
        command satisfies never;
    }
  }

  /** An answer that is there at once comes before all other facts. */
  #answer<T>(value: Soon<T>, factOf: (value: T) => Fact): void {
    if (value instanceof Promise)
      value.then(
        (settled) => this.note(factOf(settled)),
        (error: unknown) => this.#fail(error),
      );
    else this.#inbox.unshift(factOf(value));
  }

  #watch(run: string): void {
    if (this.#watched.has(run)) return;
    this.#watched.add(run);
    const gone = (): void => {
      this.#watched.delete(run);
      this.note({ type: 'run-gone', run });
    };
    this.#options.world.untilGone(run).then(gone, (error: unknown) => this.#fail(error));
  }

  #grantedNow(id: number, left: readonly LeftBehind[]): void {
    this.#unanswered.delete(id);
    this.#granted.add(id);
    this.#stayAlive();
    for (const each of left) this.#warnOf(each, id);
    this.#options.listener.granted(id);
  }

  #awaited(id: number, resource: string, holders: readonly string[]): void {
    this.#unanswered.delete(id);
    this.#options.listener.awaited(id, { resource, scope: this.#options.scope, holders });
  }

  #warnOf({ resource, task, by }: LeftBehind, id: number): void {
    const own = this.#requests.get(id)?.task;
    this.#options.listener.warn({
      ...{
        code: 'PEXEN_LOCK_LEFT',
        message: `gets "${resource}", which "${task}" of ${by} held when that run was killed`,
      },
      ...{ hint: 'Its state is unknown: have the task check it, or put it in order.' },
      ...(own !== undefined && { task: own }),
    });
  }

  #refused({ id, resource, capacity, others }: CapacityConflict & { readonly id: number }): void {
    const message = `takes units of "${resource}" with a capacity of ${capacity}, and other runs state a capacity of ${others}`;
    const hint = 'State the same capacity in all of them.';
    const { task } = this.#requests.get(id) ?? {};
    this.#options.listener.fail(misuse('PEXEN_CAPACITY_DIFFERS', message, hint, task));
  }

  #stayAlive(): void {
    const { clock } = this.#options;
    if (this.#requests.size > this.#granted.size)
      this.#letGo ??= clock.after(Number.MAX_SAFE_INTEGER, () => {});
    else {
      this.#letGo?.();
      this.#letGo = undefined;
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#options.listener.fail(error instanceof Error ? error : new Error(String(error)));
  }
}

function dialed(epoch: number, link: Link | 'gone' | 'unknown'): Fact {
  if (typeof link === 'string') return { type: 'dial-failed', epoch, isGone: link === 'gone' };
  return { type: 'dialed', epoch, link };
}

/** One of the resources, for people. */
export function firstOf(request: SharedRequest | undefined): string {
  const { claims = [], uses = [], amounts = [] } = request ?? {};
  const [first = []] = [...claims, ...uses, ...amounts.map(({ resource }) => resource)];
  return `/${first.join('/')}`;
}
