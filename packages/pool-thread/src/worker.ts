/** The program of a thread: runs the attempts that come over its port, one after the other, until the thread ends. */
import { type MessagePort, receiveMessageOnPort, type Transferable } from 'node:worker_threads';
import {
  type AssignmentEnvelope,
  decodeThrown,
  encodeOutcome,
  type OutcomeEnvelope,
  refusedByTransport,
  type ThrownWire,
} from '@pexen/pool-kit';
import {
  asWorker,
  BodyAttempt,
  CreditedSender,
  Gaps,
  type LateError,
  OutputCapture,
  own,
  recordModules,
  redirectOutput,
  untilQuiet,
  watchErrors,
} from '@pexen/pool-kit/worker';
import { threadRules } from './move.ts';
import {
  countOf,
  type FromThread,
  type Packed,
  type Startup,
  type ToThread,
  unpack,
  written,
} from './protocol.ts';
import { Doorbell, ResultRing, StartFence } from './shared-memory.ts';

type Run = Extract<ToThread, { readonly type: 'run' }>;

/** The attempt that runs. */
interface Current {
  readonly number: number;
  readonly path: string;
  body: BodyAttempt | undefined;
  /** The objects that its outcome moves to the host. */
  readonly moved: object[];
  /** These are made when they are needed: most bodies print nothing, report nothing and never read their signal. */
  updates: CreditedSender | undefined;
  capture: OutputCapture | undefined;
  controller: AbortController | undefined;
}

/** How long attempts may follow each other before the thread reads messages, ms. */
const longestTurnMs = 5;
/**
 * How long an idle thread listens for the doorbell, ms. Pending work of earlier bodies in the event loop has to wait so long;
 * a timeout of a millisecond or two costs twice the time of a message there and back, since it resets the machine's timer.
 */
const lingerMs = 4;
/** How long the thread waits for pending timers and requests of its last body before it leaves, ms. */
const leavingMs = 250;

/** The Piscina task of this thread: it never ends by itself. */
export function work(startup: Startup): Promise<never> {
  const { port } = startup;
  const worker = new Worker(startup);
  if (startup.recordsModules) recordModules();
  if (!startup.inheritsOutput) redirectOutput(() => worker.capture);
  watchErrors();
  process.once('exit', () => worker.leave());
  port.on('message', (message: ToThread) => asWorker(() => worker.hear(message)));
  port.on('messageerror', (error) =>
    asWorker(() =>
      own.later(() => {
        throw error;
      }),
    ),
  );
  port.postMessage({ type: 'ready' } satisfies FromThread);
  return new Promise(() => {});
}

class Worker {
  readonly #port: MessagePort;
  readonly #fence: StartFence;
  readonly #doorbell: Doorbell;
  readonly #ring: ResultRing;
  readonly #waiting: Run[] = [];
  /** The index of the next attempt in the first waiting message. */
  #next = 0;
  #current: Current | undefined;
  #isWorking = false;
  #turnEndsAt = 0;
  #isLeaving = false;
  /** It starts no further attempt: an earlier body may disturb it. */
  #isSpoiled = false;
  readonly #gaps = new Gaps();

  constructor({ port, fence, doorbell, ring }: Startup) {
    this.#port = port;
    this.#fence = new StartFence(fence);
    this.#doorbell = new Doorbell(doorbell);
    this.#ring = new ResultRing(ring);
  }

  /** The capture of the current attempt, for output. */
  get capture(): OutputCapture | undefined {
    const current = this.#current;
    if (current === undefined) return undefined;
    current.capture ??= new OutputCapture((update) => this.#updatesOf(current).send(update));
    return current.capture;
  }

  /** Its thread ends: a body that continues for a moment because V8 interrupts a module that it needs has no outcome. */
  leave(): void {
    this.#isLeaving = true;
  }

  hear(message: ToThread): void {
    switch (message.type) {
      case 'run':
        this.#waiting.push(message);
        if (!this.#isWorking) this.#takeTurn();
        return;
      case 'abort':
        if (this.#current?.number === message.number) abort(this.#current, message.reason);
        return;
      case 'credit':
        if (this.#current?.number === message.number) this.#current.updates?.credited();
        return;
      case 'leave':
        void this.#sendLeft();
        return;
      default:
        message satisfies never;
    }
  }

  async #sendLeft(): Promise<void> {
    await untilQuiet(leavingMs);
    this.#post({ type: 'left' });
  }

  readonly #takeTurn = (): void => {
    this.#turnEndsAt = own.now() + longestTurnMs;
    this.#work();
  };

  /** Runs the waiting attempts one after the other, and reads messages between them from time to time. */
  #work(): void {
    this.#isWorking = true;
    do {
      while (this.#hasNext()) {
        if (own.now() > this.#turnEndsAt) {
          own.later(this.#takeTurn);
          return;
        }
        if (this.#startNext()) return; // Continues when that attempt has ended.
      }
    } while (this.#receivesMore());
    this.#isWorking = false;
  }

  /** True if there is an attempt that was not reclaimed. */
  #hasNext(): boolean {
    if (this.#isSpoiled) return false;
    for (let run = this.#waiting[0]; run !== undefined; run = this.#waiting[0]) {
      if (this.#next < lengthOf(run) && run.epoch === this.#fence.epoch) return true;
      this.#waiting.shift();
      this.#next = 0;
    }
    return false;
  }

  /** Starts the next attempt; false if it was reclaimed at this moment. */
  #startNext(): boolean {
    const run = this.#waiting[0] as Run;
    const index = this.#next++;
    const number = run.first + index;
    if (!this.#fence.claim(run.epoch, number)) return false;
    this.#attempt(number, envelopeOf(run, index), lengthOf(run) - index);
    return true;
  }

  /** Waits a moment for the next message, which comes much sooner this way than through the event loop. */
  #receivesMore(): boolean {
    if (this.#isSpoiled || own.now() > this.#turnEndsAt) return false;
    const rings = this.#doorbell.listen(lingerMs);
    for (let n = 0; n < rings; n++) {
      const got = receiveMessageOnPort(this.#port);
      if (got !== undefined) this.hear(got.message as ToThread);
    }
    return rings > 0;
  }

  /** Runs one attempt, and continues once it has ended and its uncaught errors have surfaced. `left`: how many follow it. */
  #attempt(number: number, envelope: AssignmentEnvelope, left: number): void {
    const lazy = { body: undefined, updates: undefined, capture: undefined, controller: undefined };
    const current: Current = { number, path: envelope.path, moved: [], ...lazy };
    const body = new BodyAttempt(envelope, {
      get signal() {
        return controllerOf(current).signal;
      },
      started: () => {},
      ready: (facts) => this.#post({ type: 'service-ready', number, facts }),
      report: (update) => this.#updatesOf(current).send(update),
      channelRules: threadRules(current.moved),
      signalRead: () => this.#fence.setSignalRead(number),
      late: (error) => this.#late(error),
      spoiled: () => this.#spoil({ type: 'spoiled' }),
    });
    current.body = body;
    this.#current = current;
    const end = (): void => this.#end(current, body.conclude());
    body.run(() => {
      if (body.isQuiet) {
        this.#gaps.next(() => {
          end();
          this.#work();
        }, left);
      } else {
        own.later(() => {
          end();
          this.#takeTurn();
        });
      }
    });
  }

  #late(error: LateError): void {
    this.#spoil({ type: 'late', error });
  }

  #spoil(message: FromThread): void {
    this.#isSpoiled = true;
    this.#post(message);
  }

  #end({ number, path, updates, capture, moved }: Current, ended: OutcomeEnvelope): void {
    if (this.#isLeaving) return;
    this.#current = undefined;
    if (updates === undefined && this.#writeToRing(number, ended)) return;
    updates?.flush();
    const outcome = capture === undefined ? ended : { ...ended, ...capture.facts };
    try {
      this.#post({ type: 'ended', number, outcome }, moved);
    } catch (error) {
      const refused = encodeOutcome(refusedByTransport(path, error, ended), path);
      this.#post({ type: 'ended', number, outcome: refused });
    }
  }

  /** Only where nothing else was reported of the attempt: messages and the ring are not ordered among each other. */
  #writeToRing(number: number, ended: OutcomeEnvelope): boolean {
    if (ended.kind !== 'returned' || ended.shared !== undefined || ended.provided !== undefined) return false;
    if (ended.modules !== undefined) return false;
    if (!this.#ring.write(number, ended.value)) return false;
    if (this.#ring.mustCall()) this.#post(written);
    return true;
  }

  #updatesOf(current: Current): CreditedSender {
    const { number } = current;
    current.updates ??= new CreditedSender({
      send: (updates) => this.#post({ type: 'updates', number, updates }),
    });
    return current.updates;
  }

  #post(message: FromThread, moved: readonly object[] = []): void {
    this.#port.postMessage(message, moved as readonly Transferable[]);
  }
}

function lengthOf({ attempts, isPacked }: Run): number {
  return isPacked ? countOf(attempts as Packed) : attempts.length;
}

function envelopeOf({ attempts, isPacked }: Run, index: number): AssignmentEnvelope {
  return isPacked ? unpack(attempts as Packed, index) : (attempts[index] as AssignmentEnvelope);
}

function abort(current: Current, reason: ThrownWire): void {
  current.body?.within(() => controllerOf(current).abort(decodeThrown(reason, 'the host')));
}

/** Made on first use: most bodies never read their signal. */
function controllerOf(current: Current): AbortController {
  current.controller ??= new own.OwnAbortController();
  return current.controller;
}
