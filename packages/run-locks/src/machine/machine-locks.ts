/** Locks that all runs of one user on one machine share. Obeys a lock node: files, sockets and timers are touched here and in the two files beside. */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type LockRequestOfRun,
  misuse,
  type RunLocks,
  type RunLocksListener,
  refuse,
  type TaskMeta,
} from '@pexen/core';
import {
  byName,
  callable,
  clock,
  flaw,
  type Kind,
  type KindsOf,
  listOf,
  number,
  optionProblems,
  text,
} from '@pexen/core/options';
import { startTicking, systemClock } from '@pexen/core/timers';
import { LockNode } from '../protocol/lock-node.ts';
import {
  type CapacityConflict,
  type Command,
  type FromTable,
  type Input,
  type LeftBehind,
  type Link,
  type ToTable,
  tickMs,
} from '../protocol/messages.ts';
import { SharedPart } from '../shared-part.ts';
import { Links } from './links.ts';
import { LockDirectory, usualDirectory } from './lock-directory.ts';

/** Options of `machineLocks`. */
export interface MachineLocksOptions {
  /**
   * The resources that all runs share, by names and patterns: `/dev/gpu`, `/dev/tty*`, `/dev/**`. What lies below one of them is shared, too, and who holds
   * something above one of them holds it as well.
   */
  readonly resources: readonly string[];
  /** How many units there are of resources among these. All runs have to state the same. */
  readonly capacities?: Readonly<Record<string, number>> | undefined;
  /** Where the runs find each other. Default `/tmp/pexen-locks-<uid>`: runs of other users have another one, and share nothing with these. */
  readonly directory?: string | undefined;
  /** Resolves once a run that was killed has left nothing that still runs; only then others get what it held. Default: at once. */
  readonly settle?: ((run: { readonly runId: string; readonly pid: number }) => Promise<void>) | undefined;
  /** Default `systemClock`. */
  readonly clock?: Clock | undefined;
}

const capacity: Kind = (value, at) =>
  number(0)(value, at).length === 0 && value !== 0 ? [] : [flaw(at, 'must be a number above 0')];
const kinds: KindsOf<MachineLocksOptions> = {
  resources: listOf('names and patterns of resources', text, "Write resources: ['/dev/gpu', '/srv/**']."),
  capacities: byName(capacity),
  directory: text,
  settle: callable(),
  clock,
};

/** A fact without its time. */
type Fact = Input extends infer I ? (I extends { readonly atMs: number } ? Omit<I, 'atMs'> : never) : never;

/**
 * Locks for the option `runLocks` of `run`: runs of this user on this machine hold the resources by the same rules as the tasks of one run do. One of the
 * runs keeps the table of all; when it ends or dies, another one goes on.
 *
 * @throws PexenError PEXEN_BAD_OPTION
 * @example
 * run(tasks, { runLocks: machineLocks({ resources: ['/dev/gpu'] }) });
 */
export function machineLocks(options: MachineLocksOptions): RunLocks {
  refuse(optionProblems('machineLocks', options, kinds, ['resources']));
  return new MachineLocks(options);
}

class MachineLocks implements RunLocks {
  readonly #options: MachineLocksOptions;
  readonly #part: SharedPart;
  /** The membership of the present run. */
  #session: Session | undefined;

  constructor(options: MachineLocksOptions) {
    this.#options = options;
    this.#part = new SharedPart(options.resources, options.capacities ?? {});
  }

  concerns(meta: TaskMeta): boolean {
    return this.#part.of(meta) !== undefined;
  }

  open(listener: RunLocksListener): void {
    const session = new Session(this.#options, listener);
    this.#session = session;
    session.start();
  }

  acquire(request: LockRequestOfRun): void {
    this.#session?.acquire(this.#part.requestOf(request));
  }

  release(id: number): void {
    this.#session?.release(id);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.leave();
  }
}

/** The membership of one run. */
class Session {
  readonly #run = randomUUID().replaceAll('-', '').slice(0, 16);
  readonly #options: MachineLocksOptions;
  readonly #listener: RunLocksListener;
  readonly #clock: Clock;
  readonly #links: Links;
  readonly #node: LockNode;
  readonly #watched = new Set<string>();
  /** The paths of the tasks, by their requests. */
  readonly #tasks = new Map<number, string>();
  #directory: LockDirectory | undefined;
  /** Facts that came before this run can be found by others. */
  #early: Fact[] | undefined = [];
  #stopTicking: (() => void) | undefined;
  #inbox: Fact[] = [];
  #isPumping = false;
  /** The requests without a grant, and what keeps this process alive while there are any. */
  readonly #awaited = new Set<number>();
  #letGo: (() => void) | undefined;
  #isOver = false;

  constructor(options: MachineLocksOptions, listener: RunLocksListener) {
    this.#options = options;
    this.#listener = listener;
    this.#clock = options.clock ?? systemClock;
    const label = `the run in ${process.cwd()} (process ${process.pid})`;
    this.#node = new LockNode({ run: this.#run, label });
    this.#links = new Links(
      {
        received: (link, message) => this.#note({ type: 'received', link, message }),
        closed: (link) => this.#note({ type: 'link-closed', link }),
      },
      this.#clock,
    );
  }

  /** Errors come later. */
  start(): void {
    this.#begin().catch((error: unknown) => this.#fail(error));
  }

  acquire(request: Extract<Input, { readonly type: 'acquire' }>['request']): void {
    this.#tasks.set(request.id, request.task);
    this.#await(request.id);
    this.#post({ type: 'acquire', request });
  }

  release(id: number): void {
    this.#tasks.delete(id);
    this.#settled(id);
    this.#post({ type: 'release', id });
  }

  async leave(): Promise<void> {
    if (this.#isOver) return;
    if (this.#early === undefined) this.#note({ type: 'leave' });
    this.#isOver = true;
    this.#letGo?.();
    this.#stopTicking?.();
    await this.#links.end();
    this.#directory?.remove(this.#run);
  }

  async #begin(): Promise<void> {
    const { directory = usualDirectory() } = this.#options;
    const { runId } = this.#listener;
    const label = `the run in ${process.cwd()} (process ${process.pid})`;
    const files = new LockDirectory(directory, { run: this.#run, label, runId, pid: process.pid });
    this.#directory = files;
    await this.#links.listen(files.socketOf(this.#run));
    files.writeHolds([]);
    const early = this.#early ?? [];
    this.#early = undefined;
    if (this.#isOver) {
      files.remove(this.#run);
      return;
    }
    this.#stopTicking = startTicking(this.#clock, tickMs, () => {
      if (this.#node.isBusy) this.#note({ type: 'tick' });
    });
    for (const fact of early) this.#note(fact);
  }

  /** Sockets do not keep this process alive, but what is waited for does. */
  #await(id: number): void {
    this.#awaited.add(id);
    this.#letGo ??= this.#clock.after(Number.MAX_SAFE_INTEGER, () => {});
  }

  #settled(id: number): void {
    this.#awaited.delete(id);
    if (this.#awaited.size > 0) return;
    this.#letGo?.();
    this.#letGo = undefined;
  }

  /** Facts of the run itself: answered in a later turn. */
  #post(fact: Fact): void {
    if (this.#early !== undefined) this.#early.push(fact);
    else queueMicrotask(() => this.#note(fact));
  }

  #note(fact: Fact): void {
    if (this.#isOver) return;
    this.#inbox.push(fact);
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) this.#handle(next);
    } catch (error) {
      this.#fail(error);
    }
    this.#isPumping = false;
  }

  #handle(fact: Fact): void {
    const commands = this.#node.handle({ ...fact, atMs: this.#clock.now() } as Input);
    for (const command of commands) this.#obey(command, this.#directory as LockDirectory);
  }

  #obey(command: Command, files: LockDirectory): void {
    switch (command.type) {
      case 'find-epoch':
        this.#answer({ type: 'epoch-found', epoch: files.highestEpoch() });
        return;
      case 'dial':
        void this.#dial(command.epoch, files);
        return;
      case 'claim-epoch':
        this.#answer({ type: 'epoch-claimed', epoch: command.epoch, isOurs: files.claim(command.epoch) });
        return;
      case 'load-holds':
        this.#answer({ type: 'holds-loaded', epoch: command.epoch, runs: files.readOthers() });
        return;
      case 'read-holds': {
        const holds = files.read(command.run)?.holds ?? [];
        this.#answer({ type: 'holds-read', run: command.run, ids: holds.map(({ request }) => request.id) });
        return;
      }
      case 'write-holds':
        files.writeHolds(command.holds);
        return;
      case 'check-epoch':
        this.#answer({
          ...{ type: 'epoch-checked', check: command.check },
          isInForce: files.isInForce(command.epoch),
        });
        return;
      case 'send':
        this.#links.send(command.link, command.message as ToTable | FromTable);
        return;
      case 'close-link':
        this.#links.close(command.link as Link);
        return;
      case 'watch-run':
        void this.#watch(command.run, files);
        return;
      case 'granted':
        this.#settled(command.id);
        for (const left of command.left) this.#warnOf(left, command.id);
        this.#listener.granted(command.id);
        return;
      case 'awaited': {
        const { id, resource, holders } = command;
        this.#listener.awaited(id, { resource, scope: 'machine', holders });
        return;
      }
      case 'refused':
        this.#refused(command);
        return;
      default:
        command satisfies never;
    }
  }

  /** Before all other facts: an answer belongs to its order. */
  #answer(fact: Fact): void {
    this.#inbox.unshift(fact);
  }

  async #dial(epoch: number, files: LockDirectory): Promise<void> {
    const owner = files.ownerOf(epoch);
    const link = owner === undefined ? 'gone' : await this.#links.dial(files.socketOf(owner));
    if (typeof link === 'string') this.#note({ type: 'dial-failed', epoch, isGone: link === 'gone' });
    else this.#note({ type: 'dialed', epoch, link });
  }

  /** What the run has written down is removed before others are given what it held. */
  async #watch(run: string, files: LockDirectory): Promise<void> {
    if (this.#watched.has(run)) return;
    this.#watched.add(run);
    await this.#links.untilGone(files.socketOf(run));
    if (this.#isOver) return;
    const written = files.read(run);
    if (written !== undefined && written.holds.length > 0)
      await this.#options.settle?.(written).catch(() => {});
    if (this.#isOver) return;
    files.remove(run);
    this.#watched.delete(run);
    this.#note({ type: 'run-gone', run });
  }

  #warnOf({ resource, task, by }: LeftBehind, id: number): void {
    const own = this.#tasks.get(id);
    this.#listener.warn({
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
    this.#listener.fail(misuse('PEXEN_CAPACITY_DIFFERS', message, hint, this.#tasks.get(id)));
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#listener.fail(error instanceof Error ? error : new Error(String(error)));
  }
}
