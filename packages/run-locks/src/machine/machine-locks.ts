/** Locks that all runs of one user on one machine share. Obeys a lock node: files, sockets and timers are touched here and in the two files beside. */
import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type LockRequestOfRun,
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
import { systemClock } from '@pexen/core/timers';
import type { FromTable, Grant, Link, ToTable, WrittenHolds } from '../protocol/messages.ts';
import { LockSession, type LockWorld } from '../session.ts';
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
  #member: Member | undefined;

  constructor(options: MachineLocksOptions) {
    this.#options = options;
    this.#part = new SharedPart(options.resources, options.capacities ?? {});
  }

  concerns(meta: TaskMeta): boolean {
    return this.#part.of(meta) !== undefined;
  }

  open(listener: RunLocksListener): void {
    const member = new Member(this.#options, listener);
    this.#member = member;
    member.start();
  }

  acquire(request: LockRequestOfRun): void {
    this.#member?.session.acquire(this.#part.requestOf(request));
  }

  release(id: number): void {
    this.#member?.session.release(id);
  }

  async close(): Promise<void> {
    const member = this.#member;
    this.#member = undefined;
    await member?.leave();
  }
}

/** One run, in files and sockets. */
class Member implements LockWorld {
  readonly session: LockSession;
  readonly #run = randomUUID().replaceAll('-', '').slice(0, 16);
  readonly #label = `the run in ${process.cwd()} (process ${process.pid})`;
  readonly #options: MachineLocksOptions;
  readonly #listener: RunLocksListener;
  readonly #links: Links;
  #directory: LockDirectory | undefined;

  constructor(options: MachineLocksOptions, listener: RunLocksListener) {
    this.#options = options;
    this.#listener = listener;
    const clock = options.clock ?? systemClock;
    const info = { run: this.#run, label: this.#label };
    this.session = new LockSession({ info, scope: 'machine', world: this, listener, clock });
    this.#links = new Links(
      {
        received: (link, message) => this.session.note({ type: 'received', link, message }),
        closed: (link) => this.session.note({ type: 'link-closed', link }),
      },
      clock,
    );
  }

  /** Errors come later. */
  start(): void {
    this.#begin().catch((error: unknown) => {
      if (!this.session.isOver)
        this.#listener.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async leave(): Promise<void> {
    if (this.session.isOver) return;
    await this.session.leave();
    await this.#links.end();
    this.#directory?.remove(this.#run);
  }

  findEpoch(): number {
    return this.#files.highestEpoch();
  }

  claimEpoch(epoch: number): boolean {
    return this.#files.claim(epoch);
  }

  loadHolds(): readonly WrittenHolds[] {
    return this.#files.readOthers();
  }

  readHolds(run: string): readonly Grant[] {
    return this.#files.read(run)?.holds ?? [];
  }

  writeHolds(holds: readonly Grant[]): void {
    this.#files.writeHolds(holds);
  }

  isInForce(epoch: number): boolean {
    return this.#files.isInForce(epoch);
  }

  async dial(epoch: number): Promise<Link | 'gone' | 'unknown'> {
    const owner = this.#files.ownerOf(epoch);
    return owner === undefined ? 'gone' : await this.#links.dial(this.#files.socketOf(owner));
  }

  send(link: Link, message: ToTable | FromTable): void {
    this.#links.send(link, message);
  }

  closeLink(link: Link): void {
    this.#links.close(link);
  }

  /** What the run has written down is removed before others are given what it held. */
  async untilGone(run: string): Promise<void> {
    await this.#links.untilGone(this.#files.socketOf(run));
    if (this.session.isOver) return;
    const written = this.#files.read(run);
    if (written !== undefined && written.holds.length > 0)
      await this.#options.settle?.(written).catch(() => {});
    if (!this.session.isOver) this.#files.remove(run);
  }

  get #files(): LockDirectory {
    return this.#directory as LockDirectory;
  }

  async #begin(): Promise<void> {
    const { directory = usualDirectory() } = this.#options;
    const { runId } = this.#listener;
    const own = { run: this.#run, label: this.#label, runId, pid: process.pid };
    const files = new LockDirectory(directory, own);
    this.#directory = files;
    await this.#links.listen(files.socketOf(this.#run));
    files.writeHolds([]);
    if (this.session.isOver) files.remove(this.#run);
    else this.session.begin();
  }
}
