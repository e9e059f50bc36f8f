/** What runs in a thread: makes the attempts that come over its port, one after the other, until the thread ends. */
import { type MessagePort, receiveMessageOnPort, type Transferable } from 'node:worker_threads';
import {
  type AssignmentEnvelope,
  decodeThrown,
  encodeOutcome,
  type OutcomeEnvelope,
  refusedByTransport,
} from '@pexen/pool-kit';
import { divertOutput, NewsValve, OutputCapture, runAssignment } from '@pexen/pool-kit/worker';
import { Bell } from './bell.ts';
import { Claims, numberAfter } from './claims.ts';
import { threadBorder } from './move.ts';
import type { FromThread, Startup, ToThread } from './protocol.ts';

type Run = Extract<ToThread, { readonly type: 'run' }>;

/** The attempt that runs. */
interface Current {
  readonly number: number;
  readonly path: string;
  readonly valve: NewsValve;
  readonly capture: OutputCapture | undefined;
  /** What its outcome moves to the host. */
  readonly moved: object[];
  controller: AbortController | undefined;
}

/** How long attempts may follow each other before the thread listens for messages, ms. */
const longestTurnMs = 5;
/** How long it stays at the bell when there is nothing to do, ms. What bodies left behind in the event loop has to wait so long. */
const lingerMs = 1;

/** Piscina's task of this thread: it never ends by itself. */
export function work(startup: Startup): Promise<never> {
  const { port } = startup;
  const worker = new Worker(startup);
  if (!startup.inheritsOutput) divertOutput(() => worker.capture);
  port.on('message', (message: ToThread) => worker.hear(message));
  port.on('messageerror', (error) => {
    throw error;
  });
  port.postMessage({ type: 'ready' } satisfies FromThread);
  return new Promise(() => {});
}

class Worker {
  readonly #port: MessagePort;
  readonly #claims: Claims;
  readonly #bell: Bell;
  readonly #captures: boolean;
  readonly #waiting: Run[] = [];
  /** The next one in the first of those that wait. */
  #next = 0;
  #current: Current | undefined;
  #isWorking = false;
  #turnEndsAt = 0;

  constructor({ port, claims, bell, inheritsOutput }: Startup) {
    this.#port = port;
    this.#claims = new Claims(claims);
    this.#bell = new Bell(bell);
    this.#captures = !inheritsOutput;
  }

  /** Where what is printed now belongs. */
  get capture(): OutputCapture | undefined {
    return this.#current?.capture;
  }

  hear(message: ToThread): void {
    switch (message.type) {
      case 'run':
        this.#waiting.push(message);
        if (!this.#isWorking) this.#takeTurn();
        return;
      case 'abort':
        if (this.#current?.number !== message.number) return;
        controllerOf(this.#current).abort(decodeThrown(message.reason, 'the host'));
        return;
      case 'taken':
        if (this.#current?.number === message.number) this.#current.valve.credited();
        return;
      default:
        message satisfies never;
    }
  }

  #takeTurn(): void {
    this.#turnEndsAt = performance.now() + longestTurnMs;
    this.#work();
  }

  /** Makes what waits. Bodies that take no promise follow each other at once, but let messages in now and then. */
  #work(): void {
    this.#isWorking = true;
    do {
      while (this.#hasNext()) {
        if (performance.now() > this.#turnEndsAt) {
          setImmediate(() => this.#takeTurn());
          return;
        }
        const ending = this.#begin();
        if (ending === undefined) continue;
        ending.then(() => this.#work());
        return;
      }
    } while (this.#hearsMore());
    this.#isWorking = false;
  }

  /** Is there something that was not taken back? */
  #hasNext(): boolean {
    for (let run = this.#waiting[0]; run !== undefined; run = this.#waiting[0]) {
      if (this.#next < run.envelopes.length && run.epoch === this.#claims.epoch) return true;
      this.#waiting.shift();
      this.#next = 0;
    }
    return false;
  }

  /** Begins the next one, unless it was taken back right now. */
  #begin(): Promise<void> | undefined {
    const { epoch, first, envelopes } = this.#waiting[0] as Run;
    const number = numberAfter(first, this.#next);
    const envelope = envelopes[this.#next++] as AssignmentEnvelope;
    return this.#claims.claim(epoch, number) ? this.#attempt(number, envelope) : undefined;
  }

  /** Stays a moment for the next message: it comes much sooner this way than through the event loop. */
  #hearsMore(): boolean {
    if (performance.now() > this.#turnEndsAt || !this.#bell.listen(lingerMs)) return false;
    for (
      let got = receiveMessageOnPort(this.#port);
      got !== undefined;
      got = receiveMessageOnPort(this.#port)
    ) {
      this.hear(got.message as ToThread);
    }
    return true;
  }

  /** Makes one attempt; a promise only where it takes one. */
  #attempt(number: number, envelope: AssignmentEnvelope): Promise<void> | undefined {
    const valve = new NewsValve({ send: (news) => this.#post({ type: 'news', number, news }) });
    const tell = valve.tell.bind(valve);
    const capture = this.#captures ? new OutputCapture(tell) : undefined;
    const { path } = envelope;
    const current: Current = { number, path, valve, capture, moved: [], controller: undefined };
    this.#current = current;
    const outcome = runAssignment(envelope, {
      get signal() {
        return controllerOf(current).signal;
      },
      started: () => {},
      tell,
      border: threadBorder(current.moved),
    });
    if (outcome instanceof Promise) return outcome.then((ended) => this.#end(current, ended));
    this.#end(current, outcome);
    return undefined;
  }

  #end({ number, path, valve, capture, moved }: Current, ended: OutcomeEnvelope): void {
    this.#current = undefined;
    valve.flush();
    const outcome = capture === undefined ? ended : { ...ended, ...capture.facts };
    try {
      this.#post({ type: 'ended', number, outcome }, moved);
    } catch (error) {
      const refused = encodeOutcome(refusedByTransport(path, error), path);
      this.#post({ type: 'ended', number, outcome: refused });
    }
  }

  #post(message: FromThread, moved: readonly object[] = []): void {
    this.#port.postMessage(message, moved as readonly Transferable[]);
  }
}

/** Made only when somebody asks: most bodies never look at their signal. */
function controllerOf(current: Current): AbortController {
  current.controller ??= new AbortController();
  return current.controller;
}
