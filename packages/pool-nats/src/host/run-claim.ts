/**
 * Which scheduler has a run: a value at the server, one for each run. A session of the run that finds another one at work is refused; one that is over, or has
 * been silent for too long, is taken over from. Epochs grow with each session that has the run, also where two have the same number, since their journals
 * are copies: nodes obey the highest. Knows no NATS and no nodes.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, isPexenError, misuse, type PexenError, type Problem } from '@pexen/core';
import { isRecord } from '@pexen/core/options';
import type { KeptValues } from '../kept-values.ts';
import { isGone, type ProcessIdentity, thisProcess } from '../process-identity.ts';
import { clockDrift, type Timing } from '../protocol/messages.ts';

/** Where the values are. */
export type ClaimStore = Pick<KeptValues, 'get' | 'put'>;

/** Who has a run, or had it. */
interface Holder {
  /** Different for any two sessions, also in one process. */
  readonly id: string;
  readonly epoch: number;
  /** Which session of its journal it is. */
  readonly session: number;
  /** Where it is, for people. */
  readonly label: string;
  /** Since when, for people. */
  readonly since: string;
  readonly process: ProcessIdentity;
  /** Its journal did not know the session before it. */
  readonly isFork: boolean;
  /** It has ended in order. */
  readonly isOver?: boolean;
}

/** Whose claim it is, and what to do about it. */
export interface ClaimOptions {
  /** Resolves when the server can be asked. */
  readonly store: () => Promise<ClaimStore>;
  readonly run: string;
  readonly pool: string;
  /** Which session of its journal it is. */
  readonly session: number;
  readonly timing: Timing;
  readonly clock: Pick<Clock, 'now' | 'wallNow' | 'after'>;
  /** All pools of one session are one claimant. Default: those of this process. */
  readonly claimant?: Claimant;
  /** False once the pool is closed. */
  readonly isWanted: () => boolean;
  readonly warn: (problem: Problem) => void;
  /** A later session has the run. */
  readonly lost: (error: PexenError) => void;
}

/** A process with sessions. */
interface Claimant {
  readonly id: string;
  readonly process: ProcessIdentity;
}

const thisClaimant: Claimant = { id: randomBytes(9).toString('base64url'), process: thisProcess() };

/** An error that says nothing about the server may be followed by so many more. */
const mostFailures = 3;

/** A session that was not heard for so long may be taken over from, ms: its nodes go on with what they run for about as long again, for the one that takes over. */
export function silentAfter({ leaseMs }: Timing): number {
  return (leaseMs / 2) * clockDrift;
}

export class RunClaim {
  /** Higher than that of each session which had the run before. */
  readonly epoch: number;
  /** A session had the run that the journal does not know: a copy of the journal was resumed elsewhere. */
  readonly isFork: boolean;
  readonly #options: ClaimOptions;
  /** Undefined where nothing can be claimed. */
  readonly #store: ClaimStore | undefined;
  readonly #own: Holder;
  #revision: number;
  #sentMs: number;
  #isOver = false;
  #renewing: Promise<void> | undefined;
  #waiting: (() => void)[] = [];

  private constructor(options: ClaimOptions, { store, own, revision }: Claimed) {
    this.#options = options;
    this.#store = store;
    this.#own = own;
    this.epoch = own.epoch;
    this.isFork = own.isFork;
    this.#revision = revision;
    this.#sentMs = options.clock.now();
  }

  /**
   * Resolves when this session has the run. Where the server keeps no data that cannot be known: then a session that is resumed warns.
   * @throws PexenError PEXEN_RUN_IN_USE where another session works
   */
  static async make(options: ClaimOptions): Promise<RunClaim> {
    const { session, warn, isWanted } = options;
    try {
      const made = new RunClaim(options, await claim(options));
      if (!isWanted()) await made.close();
      return made;
    } catch (error) {
      if (isPexenError(error) && error.problems.some(({ code }) => code === inUseCode)) throw error;
      if (session > 1 && isWanted()) warn(unclaimedProblem(error));
      return new RunClaim(options, { store: undefined, own: ownHolder(options), revision: 0 });
    }
  }

  /** Time has passed. */
  tick(nowMs: number): void {
    if (nowMs - this.#sentMs >= this.#options.timing.heartbeatMs) this.#renew();
  }

  /** Resolves when it is certain that no other session had taken the run over at the time of the call. Never, if one had. */
  async confirm(): Promise<void> {
    if (this.#store === undefined) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#renew();
    });
  }

  /** The session has ended in order: the next one need not wait. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#renewing;
    if (this.#revision > 0)
      await this.#store?.put(this.#options.run, textOf(this.#own, true), this.#revision).catch(() => {});
  }

  #renew(): void {
    if (this.#isOver || this.#store === undefined || this.#renewing !== undefined) return;
    this.#renewing = this.#renewIn(this.#store).then((isDone) => {
      this.#renewing = undefined;
      if (isDone && this.#waiting.length > 0) this.#renew();
    });
  }

  /** False if the server did not answer: then it is tried again with the next beat. */
  async #renewIn(store: ClaimStore): Promise<boolean> {
    this.#sentMs = this.#options.clock.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const revision = await store.put(this.#options.run, textOf(this.#own), this.#revision);
      if (revision !== undefined) {
        this.#revision = revision;
        for (const done of waiting) done();
        return true;
      }
      await this.#contest(store);
      this.#waiting.unshift(...waiting);
      return true;
    } catch {
      this.#waiting.unshift(...waiting);
      return false;
    }
  }

  /** The value is not the one of the last renewal: its answer got lost, the server has lost everything, or another session has the run. */
  async #contest(store: ClaimStore): Promise<void> {
    const found = await store.get(this.#options.run);
    const holder = found && holderIn(found.value);
    if (holder !== undefined && holder.id !== this.#own.id && holder.epoch >= this.epoch) {
      this.#isOver = true;
      this.#revision = 0;
      this.#options.lost(supersededBy(holder, this.#options.pool));
    } else this.#revision = found?.revision ?? 0;
  }
}

interface Claimed {
  readonly store: ClaimStore | undefined;
  readonly own: Holder;
  readonly revision: number;
}

/** Watches who has the run, and takes it when it may. */
async function claim(options: ClaimOptions): Promise<Claimed> {
  const { run, timing, clock, pool, warn, isWanted } = options;
  const store = await options.store();
  const startMs = clock.now();
  let first: number | undefined;
  let hasWarned = false;
  while (isWanted()) {
    const found = await patiently(options, () => store.get(run));
    const holder = found && holderIn(found.value);
    const silentMs = clock.now() - startMs;
    first ??= found?.revision ?? 0;
    const isSame = found?.revision === first;
    if (holder === undefined || isFree(holder, options) || (isSame && silentMs > silentAfter(timing))) {
      const own = ownHolder(options, holder);
      const revision = await patiently(options, () => store.put(run, textOf(own), found?.revision ?? 0));
      if (revision === undefined) continue; // Someone was faster, or an earlier try was carried out.
      if (own.isFork && holder !== undefined && !isOwn(holder, options)) warn(forkedProblem(holder));
      return { store, own, revision };
    }
    if (!isSame) throw inUse(holder, pool);
    if (!hasWarned && silentMs > timing.heartbeatMs * 2) {
      hasWarned = true;
      warn(silentProblem(holder, silentAfter(timing) - silentMs));
    }
    await new Promise<void>((resolve) => clock.after(timing.heartbeatMs / 4, resolve));
  }
  throw new Error('the pool was closed meanwhile');
}

/** No session has the run any more, or another pool of this session does. */
function isFree(holder: Holder, options: ClaimOptions): boolean {
  return holder.isOver === true || isOwn(holder, options) || isGone(holder.process);
}

function isOwn(holder: Holder | undefined, options: ClaimOptions): boolean {
  return holder?.id === idOf(options);
}

function idOf({ claimant = thisClaimant, session }: ClaimOptions): string {
  return `${claimant.id}.${session}`;
}

async function patiently<T>({ clock, timing }: ClaimOptions, ask: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (failures === mostFailures || isPexenError(error)) throw error;
      await new Promise<void>((resolve) => clock.after(timing.heartbeatMs, resolve));
    }
  }
}

/** `found`: who has, or had, the run. */
function ownHolder(options: ClaimOptions, found?: Holder): Holder {
  const { session, clock, claimant = thisClaimant } = options;
  const after = isOwn(found, options) ? (found?.epoch ?? 0) - 1 : (found?.epoch ?? 0);
  const isFork = isOwn(found, options) ? found?.isFork === true : (found?.session ?? 0) >= session;
  const since = `${new Date(clock.wallNow()).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return {
    ...{ id: idOf(options), epoch: Math.max(session, after + 1), session, isFork },
    ...{ label: `${hostname()} (process ${claimant.process.pid})`, since, process: claimant.process },
  };
}

function textOf(holder: Holder, isOver = false): string {
  return JSON.stringify(isOver ? { ...holder, isOver } : holder);
}

/** Undefined where another version may have written it: it counts as if there were none. */
function holderIn(text: string): Holder | undefined {
  try {
    const { id, epoch, session, label, since, process: self, isFork, isOver } = JSON.parse(text) as Holder;
    const isHolder =
      [id, label, since].every((each) => typeof each === 'string') &&
      Number.isSafeInteger(epoch) &&
      Number.isSafeInteger(session) &&
      isRecord(self);
    if (!isHolder) return undefined;
    return {
      ...{ id, epoch, session, label, since, process: self },
      ...{ isFork: isFork === true, isOver: isOver === true },
    };
  } catch {
    return undefined;
  }
}

const inUseCode = 'PEXEN_RUN_IN_USE';

function whereOf({ session, label, since }: Holder): string {
  return `session ${session} of this run, on ${label} since ${since}`;
}

function inUse(holder: Holder, pool: string): PexenError {
  return misuse(
    inUseCode,
    `${whereOf(holder)}, works with the nodes of the pool "${pool}"`,
    'Wait until it has ended, or end it there, and resume the run then.',
  );
}

function supersededBy(holder: Holder, pool: string): PexenError {
  return misuse(
    'PEXEN_NODE_SUPERSEDED',
    `${whereOf(holder)}, has taken over the nodes of the pool "${pool}"`,
    'Nothing is to be done. If you have not resumed the run yourself, find out who has.',
  );
}

function silentProblem(holder: Holder, ms: number): Problem {
  return {
    code: 'PEXEN_RUN_WAITS',
    message: `waits up to ${Math.ceil(ms / 1000)} s: ${whereOf(holder)}, does not answer, and may still work with its nodes`,
    hint: 'If it does not answer in that time, its nodes are taken over, and it ends itself as soon as it notices.',
  };
}

function forkedProblem(holder: Holder): Problem {
  return {
    code: 'PEXEN_RUN_FORKED',
    message: `${whereOf(holder)}, is not known here: what it has run may run once more`,
    hint: 'Resume where that session was, or bring its folder of the run here.',
  };
}

function unclaimedProblem(error: unknown): Problem {
  const [known] = isPexenError(error) ? error.problems : [];
  return {
    code: 'PEXEN_RUN_UNCLAIMED',
    message: `nothing keeps another machine from resuming this run at the same time: ${known?.message ?? String(error)}`,
    hint: known?.hint ?? 'Look at the server.',
  };
}
