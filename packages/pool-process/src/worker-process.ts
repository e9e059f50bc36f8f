/**
 * The host's end of one worker process: sends it attempts, several ahead while they are short, hears how each ends, and
 * knows what became of each when it dies. Knows nothing of slots or of other workers.
 */
import {
  decodeThrown,
  encodeOutcome,
  encodeThrown,
  type OutcomeEnvelope,
  refusedByTransport,
} from '@pexen/pool-kit';
import { AddressBook } from './address-book.ts';
import { type Death, endingAfterDeath } from './after-death.ts';
import { BeginWatch } from './begin-watch.ts';
import type { Ending } from './ending.ts';
import { Flight } from './flight.ts';
import type { Job } from './job.ts';
import { type BodySteps, bodyLadder, climb, hastyLadder } from './ladder.ts';
import type { Means } from './means.ts';
import { type Ended, type FromWorker, isFromWorker, type ToWorker } from './messages.ts';
import type { BodyOrder } from './order.ts';
import { Pace } from './pace.ts';
import { answerMs, comeUpMs, idleMs, slowMs, takeUpMs, well } from './patience.ts';
import type { Exit } from './process-line.ts';
import { WorkerHull } from './worker-hull.ts';

export class WorkerProcess {
  readonly name: string;
  readonly #means: Means;
  readonly #hull: WorkerHull;
  /** In the order in which they were sent: only the first can have begun. */
  readonly #flights: Flight[] = [];
  /** Those that were taken for given back although the worker did not say so. */
  readonly #withdrawn = new Set<number>();
  readonly #addresses = new AddressBook();
  readonly #pace = new Pace();
  readonly #beginWatch: BeginWatch;
  readonly #isOver = Promise.withResolvers<void>();
  #sent = 0;
  /** The number of the attempt that began last. */
  #begun = -1;
  /** A new one has printed nothing that is somebody else's, and may soon say why it cannot come up. */
  #idleSinceMs = Number.POSITIVE_INFINITY;
  #isReady = false;
  /** No more is sent to it. */
  #isRetired = false;
  /** Its processes were told to end: it is not used again. */
  #isTerminated = false;
  #isGone = false;
  /** It said what it cannot know or what cannot be: nothing it says counts any more. */
  #isDistrusted = false;
  /** It was meant to end. */
  #isExpected = false;
  /** Why it ends, where more is known than how. */
  #cause: string | undefined;
  #stopLooking = (): void => {};

  constructor(name: string, slot: number, means: Means) {
    this.#means = means;
    this.#beginWatch = new BeginWatch(means.clock, () => this.#glance());
    this.#hull = new WorkerHull(slot, means, {
      heard: (message) => this.#hear(message),
      garbled: (error) => this.#end(`it sent ${error.message}`),
      gone: (exit) => void this.#die(exit),
    });
    this.name = `${name} (pid ${this.#hull.pid ?? 'none'})`;
  }

  /** How many more attempts may be handed to it now; the first begins at once if it is idle. */
  get room(): number {
    if (this.#isRetired || this.#isGone) return 0;
    const most = this.#isReady ? 1 + this.#pace.ahead : 1;
    return Math.min(most - this.#flights.length, this.#means.settings.recycleAfter - this.#sent);
  }

  get isIdle(): boolean {
    return this.#flights.length === 0;
  }

  /** Another one is needed. */
  get isSpent(): boolean {
    return this.#isGone || this.#isRetired;
  }

  /** Resolves when nothing is left of it. */
  get isOver(): Promise<void> {
    return this.#isOver.promise;
  }

  /** Runs the attempt after those that it was handed before. */
  run(job: Job, order: BodyOrder): Promise<Ending> {
    const flight = new Flight(this.#sent, job, order, this.#means.clock.now());
    const message: ToWorker = { do: 'run', id: flight.id, ...this.#addresses.abbreviate(order.envelope) };
    try {
      if (this.#flights.length > well) this.#hull.sendLater(message);
      else this.#hull.send(message);
    } catch (error) {
      job.started(this.name);
      const { path } = order.envelope;
      return Promise.resolve(encodeOutcome(refusedByTransport(path, error), path));
    }
    this.#sent++;
    if (this.isIdle) this.#beginWork();
    this.#flights.push(flight);
    this.#beginWatch.soon();
    if (this.#sent >= this.#means.settings.recycleAfter) this.#isRetired = true;
    job.onAbort(() => this.#withdraw(flight));
    return flight.ending;
  }

  /** Asks for what has not begun; it comes back as the ending of `run`. */
  recall(): void {
    for (const { isStarted, id } of this.#flights) if (!isStarted) this.#hull.send({ do: 'recall', id });
  }

  /** Ends it by force: the pool is being closed. */
  kill(cause: string): void {
    this.#isExpected = true;
    this.#end(cause);
  }

  /** Lets it end in an orderly way, and by force if it does not. It must be idle. */
  async leave(): Promise<void> {
    this.#isRetired = true;
    this.#isExpected = true;
    if (!this.#isGone) this.#hull.send({ do: 'leave' });
    const cancel = this.#means.clock.after(answerMs, () => this.#end('it did not leave'));
    await this.isOver;
    cancel();
  }

  #beginWork(): void {
    if (this.#means.clock.now() - this.#idleSinceMs > idleMs) this.#hull.streams.begin();
    this.#stopLooking = this.#means.tail.follow(() => this.#look());
  }

  #rest(): void {
    this.#stopLooking();
    this.#idleSinceMs = this.#means.clock.now();
  }

  #end(cause: string): void {
    this.#cause ??= cause;
    this.#isRetired = true;
    this.#hull.kill();
  }

  #hear(message: unknown): void {
    if (this.#isGone || this.#isDistrusted) return;
    this.#glance(); // What a body says in the name of its worker may come before the word that it has begun.
    this.#isDistrusted = !isFromWorker(message) || !this.#heed(message);
    if (this.#isDistrusted) this.#end('it sent a message that makes no sense');
  }

  /** False if what it says cannot be. */
  #heed(message: FromWorker): boolean {
    switch (message.is) {
      case 'ready':
        this.#isReady = true;
        return true;
      case 'started':
        return message.id <= this.#begun || this.#started(message.id);
      case 'news':
        return this.#told(message);
      case 'ended':
        return this.#ended(message);
      case 'recalled':
        return this.#withdrawn.delete(message.id) || this.#giveBack(message.id);
      case 'late':
        this.#means.late(this.name, message.error.tasks, decodeThrown(message.error.error, this.name));
        return this.#retire();
      case 'spoiled':
        return this.#retire();
      case 'dying':
        this.#cause ??= message.why;
        return true;
      default:
        return message satisfies never;
    }
  }

  /** What ran in it may disturb what would run: it finishes that and gives the rest back. */
  #retire(): true {
    this.#isRetired = true;
    return true;
  }

  /** The attempt of this number, if it is the one that the worker can be busy with. */
  #current(id: number, isStarted: boolean): Flight | undefined {
    const [flight] = this.#flights;
    return flight?.id === id && flight.isStarted === isStarted ? flight : undefined;
  }

  #started(id: number): boolean {
    if (this.#withdrawn.has(id)) this.#end('it began what it was told to give back');
    const flight = this.#current(id, false);
    if (flight === undefined) return false;
    flight.isStarted = true;
    this.#begun = id;
    flight.sinceMs = this.#means.clock.now();
    flight.job.started(this.name);
    flight.job.onAbort(() => this.#stop(flight));
    return true;
  }

  #told({ id, news }: Extract<FromWorker, { is: 'news' }>): boolean {
    const flight = this.#current(id, true);
    if (flight === undefined) return false;
    for (const each of news) flight.job.ticket.tell(each);
    this.#hull.send({ do: 'credit', id, batches: 1 });
    return true;
  }

  #ended({ id, out, err, outcome, left, next }: Ended): boolean {
    const flight = this.#current(id, true);
    if (flight === undefined) return this.#endedAgain(id, next);
    this.#flights.shift();
    this.#pace.note(outcome.ranMs ?? 0);
    const output = this.#hull.streams.finish(flight.job, { stdout: out, stderr: err }, this.isIdle);
    if (left !== undefined) flight.tellLeft(left);
    if (this.isIdle) this.#rest();
    const { step } = flight;
    this.#settle(flight, { ...outcome, ...output, ...(step !== undefined && { step }) });
    if (next !== undefined) return this.#started(next);
    this.#beginWatch.soon();
    return true;
  }

  /** Its body has said so before: that one is over, and must harm no other that is under way by now. */
  #endedAgain(id: number, next: number | undefined): boolean {
    this.#isRetired = true;
    return id <= this.#begun && (next === undefined || this.#started(next));
  }

  /** Has the first begun, although nobody said so? True as long as that may be. */
  #glance(): boolean {
    const [first] = this.#flights;
    if (this.#isGone || this.#isDistrusted || first === undefined || first.isStarted) return false;
    return !this.#hull.mark.is(first.id) || !this.#started(first.id);
  }

  /** What was told to end may have lost what it needs, so it is used no more, and goes together with all it started. */
  #settle(flight: Flight, outcome: OutcomeEnvelope): void {
    if (this.#isTerminated) {
      this.#isExpected = true;
      this.#end('it was told to end');
    }
    flight.end(this.#isTerminated ? this.isOver.then(() => outcome) : outcome);
  }

  #giveBack(id: number): boolean {
    const at = this.#flights.findIndex((flight) => flight.id === id && !flight.isStarted);
    const [flight] = at === -1 ? [] : this.#flights.splice(at, 1);
    if (this.isIdle) this.#rest();
    flight?.end({ kind: 'given-back' });
    return flight !== undefined;
  }

  /** Stops what has not begun. A worker that gives no answer is blocked, and will read this before it begins another. */
  #withdraw(flight: Flight): void {
    this.#glance();
    if (flight.isStarted) return; // Then it is being stopped already, or has ended.
    this.#hull.send({ do: 'recall', id: flight.id });
    const give = (): void => {
      this.#glance();
      if (!flight.isStarted && this.#giveBack(flight.id)) this.#withdrawn.add(flight.id);
    };
    const afterMs = Math.min(flight.order.graceMs, answerMs);
    flight.climb(() => climb(this.#means.clock, [{ afterMs, take: give }]));
  }

  /** Stops what runs. */
  #stop(flight: Flight): void {
    const { order, job, id } = flight;
    const { reason } = job.ticket.signal;
    const isTimeout = (reason as { readonly name?: unknown } | undefined)?.name === 'TimeoutError';
    const isHasty = isTimeout && order.isHasty && !this.#hull.mark.hasReadSignal(id);
    const steps: BodySteps = {
      ask: () => {
        flight.step = 'ended when its signal was aborted';
        this.#hull.send({ do: 'abort', id, reason: encodeThrown(reason) });
      },
      terminate: () => {
        flight.step = 'ended by SIGTERM';
        this.#isTerminated = true;
        this.#isRetired = true;
        this.#means.gone(
          this.name,
          `was ended, since ${order.envelope.path} did not stop when it was asked to`,
        );
        this.#hull.terminate();
      },
      kill: () => {
        flight.step = 'ended by SIGKILL';
        this.#means.gone(this.name, `was ended by SIGKILL, since ${order.envelope.path} did not end in time`);
        this.kill('it did not end in time');
      },
      giveUp: () => void this.#die('cannot be ended: it is stuck in the kernel'),
    };
    const ladder = isHasty ? hastyLadder(steps) : bodyLadder(order.graceMs, steps);
    flight.climb(() => climb(this.#means.clock, ladder));
  }

  /** Looks after it while it works. */
  #look(): void {
    this.#glance();
    const [first] = this.#flights;
    if (first === undefined) return;
    const sinceMs = this.#means.clock.now() - first.sinceMs;
    if (first.isStarted) {
      this.#hull.streams.tell(first.job);
      if (sinceMs > slowMs) this.recall();
    } else if (sinceMs > (this.#isReady ? takeUpMs : comeUpMs)) this.#end('it hangs');
    const overuse = this.#hull.overuse();
    if (overuse !== undefined) this.#end(overuse);
  }

  /** It has ended, or never will. */
  async #die(exit: Exit): Promise<void> {
    if (this.#isGone) return;
    this.#glance();
    this.#isGone = true;
    this.#stopLooking();
    this.#beginWatch.stop();
    const how = this.#cause === undefined ? exit : `${exit}: ${this.#cause}`;
    this.#means.gone(this.name, this.#isExpected && this.#cause === undefined ? 'was replaced' : how);
    await this.#hull.sweep();
    if (!this.#isExpected) this.#means.lost(this.name, how);
    const [isReady, isExpected] = [this.#isReady, this.#isExpected];
    const death: Death = { name: this.name, how, streams: this.#hull.streams, isReady, isExpected };
    for (const flight of this.#flights.splice(0)) flight.end(endingAfterDeath(flight, death));
    this.#hull.close();
    this.#isOver.resolve();
  }
}
