/** Everything there is between `open` and `close`: the stations, and the queue before them. Knows not how things are run. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { PexenError, Problem } from '@pexen/core';
import { encodeThrown, type OutcomeEnvelope } from '@pexen/pool-kit';
import type { Clock } from './clock.ts';
import { CookieJar } from './cookie.ts';
import { DiskWatch, diskProbe } from './disk-watch.ts';
import type { Ending, GivenBack } from './ending.ts';
import { HelperPunch } from './helper-punch.ts';
import { inherited } from './inherited.ts';
import type { Job } from './job.ts';
import { stuckMs } from './ladder.ts';
import { LaunchedStation } from './launched-station.ts';
import { LocalStation } from './local-station.ts';
import type { Means } from './means.ts';
import type { Settings } from './options.ts';
import { type Order, pathOf, refused } from './order.ts';
import { OrphanReaper } from './orphan-reaper.ts';
import { folderLeft, noSlotLeft, slotClosed, workersDieOf } from './problems.ts';
import { signalGroup, sweep } from './process-tree.ts';
import { pythonHelper } from './python-helper.ts';
import { type Place, Queue } from './queue.ts';
import { Spawner } from './spawner.ts';
import type { Station } from './station.ts';
import { Tail } from './tail.ts';
import { removeTree } from './workplace.ts';

/** A job that waits, and where its outcome is to go. */
interface Waiting {
  readonly job: Job;
  readonly settle: (outcome: OutcomeEnvelope) => void;
  /** How often things had been recalled when it came. */
  readonly recalls: number;
}

/** What a house tells, and where its slots begin. */
interface HouseEvents {
  readonly lost: Means['lost'];
  readonly gone: Means['gone'];
  readonly late: Means['late'];
  readonly clock: Clock;
  readonly firstSlot?: number;
  /** So many slots are left. */
  readonly slotsChanged?: ((slots: number) => void) | undefined;
  readonly warn?: ((warning: Problem) => void) | undefined;
  /** No slot is left: nothing that is handed over from now on can run. */
  readonly failed?: ((error: PexenError) => void) | undefined;
}

/** A station, and how its set-up went lately. */
interface Slot {
  readonly number: number;
  readonly station: Station;
  /** How often in a row it could not be set up, for programs and for bodies. */
  readonly failures: Record<Order['kind'], number>;
  isClosed: boolean;
  /** It is not used: for a while after such a failure, or ever again. */
  isOut: boolean;
}

/** A slot that could not be set up so often in a row is closed. */
const mostFailures = 3;

/** A slot that could not be set up is tried again after so long, ms; longer each time. */
const restMs = 100;
const restFactor = 4;

/** After so many workers died on it before it began, the job is taken for the cause. */
const mostTries = 3;

export class House {
  readonly #means: Means;
  readonly #reaper: OrphanReaper;
  readonly #slots: readonly Slot[];
  readonly #events: HouseEvents;
  /** Why nothing can run any more. */
  #failure: PexenError | undefined;
  /** Of the timers of slots that are tried again later. */
  readonly #cancelRests = new Set<() => void>();
  readonly #queue = new Queue<Waiting>();
  /** How many jobs have no outcome yet. */
  #open = 0;
  #recalls = 0;
  #tellIdle: (() => void) | undefined;
  #isClosed: Promise<void> | undefined;
  readonly #stopPausing: (() => void) | undefined;

  constructor(settings: Settings, events: HouseEvents) {
    const { lost, gone, late, clock, firstSlot = 0 } = events;
    this.#events = events;
    // Absolute even where TMPDIR is not: programs run in directories of their own.
    const folder = mkdtempSync(resolve(tmpdir(), 'pexen-'));
    const cookies = new CookieJar();
    const tail = new Tail(clock, settings.outputIntervalMs);
    const { env, raw, openFiles } = inherited(settings.env, settings.openFiles);
    const foreign = settings.helper === 'auto' ? pythonHelper() : undefined;
    const spawner = new Spawner(settings.workers, foreign, { clock, cookies, env, raw, openFiles });
    const punch = new HelperPunch(spawner);
    const means: Means = {
      clock,
      cookies,
      tail,
      settings,
      spawner,
      punch,
      leaders: new Set(),
      env,
      folder,
      disk: new DiskWatch(diskProbe(folder)),
      lost,
      gone,
      late,
    };
    this.#means = means;
    this.#stopPausing = clock.onPause?.((isPaused) => {
      for (const pid of means.leaders) signalGroup({ pid, cookie: '' }, isPaused ? 'SIGSTOP' : 'SIGCONT');
    });
    this.#reaper = new OrphanReaper(cookies.own, folder);
    const isLaunched = settings.launcher.length > 0;
    this.#slots = Array.from({ length: settings.workers }, (_, at) => {
      const number = firstSlot + at;
      const station = isLaunched ? new LaunchedStation(number, means) : new LocalStation(number, means);
      return { number, station, failures: { program: 0, body: 0 }, isClosed: false, isOut: false };
    });
  }

  /** Never rejects. */
  run(job: Job): Promise<OutcomeEnvelope> {
    if (job.isAborted) return Promise.resolve(takenBack);
    if (this.#failure !== undefined) return Promise.resolve(this.#cannotRun(job, this.#failure));
    const { promise, resolve } = Promise.withResolvers<OutcomeEnvelope>();
    const place = this.#queue.push({ job, settle: resolve, recalls: this.#recalls });
    this.#open++;
    this.#fill();
    if (!place.isTaken) this.#mayBeTakenBack(place);
    return promise;
  }

  /** Gives back what has not begun. */
  recall(): void {
    this.#recalls++;
    for (const waiting of this.#queue.takeAll()) this.#conclude(waiting, takenBack);
    for (const { station } of this.#slots) station.recall();
  }

  /** Resolves when everything has its outcome and nothing is left. May be called again, to kill what was to be let end. */
  close(how: 'drain' | 'kill'): Promise<void> {
    this.recall();
    if (how === 'kill') for (const { station } of this.#slots) station.kill('the pool was closed');
    this.#isClosed ??= this.#shutDown();
    return this.#isClosed;
  }

  async #shutDown(): Promise<void> {
    const isIdle = Promise.withResolvers<void>();
    this.#tellIdle = isIdle.resolve;
    this.#checkIdle();
    await isIdle.promise;
    for (const cancel of this.#cancelRests) cancel();
    await Promise.all(this.#slots.map(({ station }) => station.close()));
    await this.#means.spawner.close();
    const { tail, cookies, clock } = this.#means;
    tail.stop();
    this.#stopPausing?.();
    await sweep({ pid: undefined, cookie: cookies.own }, stuckMs, clock);
    await this.#reaper.dismiss();
    this.#means.disk.close();
    const { folder } = this.#means;
    const error = await removeTree(folder);
    if (error !== undefined) this.#events.warn?.(folderLeft(folder, error));
  }

  /** Hands over what waits, in order, as far as there is room. */
  #fill(): void {
    for (let place = this.#queue.peek(); place !== undefined; place = this.#queue.peek()) {
      const slot = this.#slotFor(place.entry.job);
      if (slot === undefined) return;
      place.isTaken = true;
      place.entry.job.over(); // Whoever runs it says what is to be done from now on.
      void this.#runAt(slot, place.entry);
    }
  }

  /** A free one with the lowest number, so that the numbers in use are compact; else the one that takes most ahead. */
  #slotFor({ order }: Job): Slot | undefined {
    let best: Slot | undefined;
    let most = 0;
    for (const slot of this.#slots) {
      if (slot.isOut) continue;
      if (slot.station.isFree) return slot;
      const room = slot.station.roomFor(order);
      if (room > most) {
        best = slot;
        most = room;
      }
    }
    return best;
  }

  async #runAt(slot: Slot, waiting: Waiting): Promise<void> {
    const ending = await this.#runSafely(slot.station, waiting.job);
    if (ending.kind === 'no-slot') {
      this.#setUpFailed(slot, waiting.job.order.kind, ending.error);
      this.#comeBack(waiting, { kind: 'given-back' });
    } else if (ending.kind === 'given-back') this.#comeBack(waiting, ending);
    else {
      slot.failures[waiting.job.order.kind] = 0;
      this.#conclude(waiting, ending);
    }
    this.#fill();
  }

  /** Uses it again a while later, but not for ever. What was handed over together fails together and counts once. */
  #setUpFailed(slot: Slot, kind: Order['kind'], error: unknown): void {
    if (slot.isOut) return;
    slot.isOut = true;
    const times = ++slot.failures[kind];
    if (times >= mostFailures) this.#closeSlot(slot, error);
    else this.#rest(slot, restMs * restFactor ** (times - 1));
  }

  #rest(slot: Slot, ms: number): void {
    const cancel = this.#means.clock.after(ms, () => {
      this.#cancelRests.delete(cancel);
      slot.isOut = false;
      this.#fill();
    });
    this.#cancelRests.add(cancel);
  }

  #closeSlot(slot: Slot, error: unknown): void {
    slot.isClosed = true;
    const left = this.#slots.filter(({ isClosed }) => !isClosed).length;
    if (left > 0) {
      this.#events.warn?.(slotClosed(slot.number, mostFailures, error));
      this.#events.slotsChanged?.(left);
      return;
    }
    const failure = noSlotLeft(error);
    this.#failure = failure;
    this.#events.failed?.(failure); // It takes back what it can.
    for (const waiting of this.#queue.takeAll())
      this.#conclude(waiting, this.#cannotRun(waiting.job, failure));
  }

  #cannotRun(job: Job, failure: PexenError): OutcomeEnvelope {
    job.started('none');
    return refused(failure);
  }

  /** Whatever goes wrong here, the job has an outcome: disks are full and files run out. */
  async #runSafely(station: Station, job: Job): Promise<Ending> {
    try {
      return await station.run(job);
    } catch (error) {
      job.started('none');
      return { kind: 'threw', error: encodeThrown(error) };
    }
  }

  #comeBack(waiting: Waiting, { death }: GivenBack): void {
    const { job } = waiting;
    if (death !== undefined) job.tries++;
    if (job.isAborted || waiting.recalls < this.#recalls) this.#conclude(waiting, takenBack);
    else if (this.#failure !== undefined) this.#conclude(waiting, this.#cannotRun(job, this.#failure));
    else if (death !== undefined && job.tries >= mostTries) this.#conclude(waiting, this.#refuse(job, death));
    else this.#mayBeTakenBack(this.#queue.putBack(waiting));
  }

  #refuse(job: Job, death: string): OutcomeEnvelope {
    job.started('none');
    return refused(workersDieOf(pathOf(job.order), death));
  }

  #mayBeTakenBack(place: Place<Waiting>): void {
    place.entry.job.onAbort(() => {
      place.isTaken = true;
      this.#conclude(place.entry, takenBack);
    });
  }

  #conclude({ job, settle }: Waiting, outcome: OutcomeEnvelope): void {
    job.over();
    settle(outcome);
    this.#open--;
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.#open === 0) this.#tellIdle?.();
  }
}

const takenBack: OutcomeEnvelope = { kind: 'not-started', reason: 'it was taken back before it began' };
