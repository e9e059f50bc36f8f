/**
 * The process of one round of `pexen run --watch`: it is started before the round, loads pexen, and waits for the order, so that a round costs only
 * what it loads itself. Modules of users are as they are on disk when the round starts, since the process is new.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { Clock, RunEvent, TaskUpdateEvent } from '@pexen/core';
import type { Reporter } from '@pexen/report';
import {
  type ExitCode,
  exitCodes,
  type RoundEnd,
  type RoundOrder,
  type RoundReport,
  type RunningRound,
} from '@pexen/usecase-testsuite';
import { printProblems } from '../print-problems.ts';
import type { SignalSource } from '../signals.ts';

/** Set in the environment of such a process, which removes it before it starts others. */
const marker = 'PEXEN_WATCH_ROUND';

/** What the process is sent. `isFollowed`: what happens in the round is sent back. */
type Message =
  | { readonly order: RoundOrder; readonly isFollowed: boolean }
  | { readonly signal: NodeJS.Signals };

/** What happens in a round. */
export type RoundEvent = { readonly event: RunEvent } | { readonly update: TaskUpdateEvent };

/** What the process sends: what happens, and how the round ended. */
type Sent = RoundEvent | { readonly end: RoundEnd };

/** How long the process may take to end after its round, ms: what a configuration has opened may keep it alive. */
const exitTimeoutMs = 1_000;

/** Processes for rounds, one ahead. */
export class RoundProcesses {
  readonly #clock: Clock;
  readonly #follow: ((event: RoundEvent) => void) | undefined;
  #next: ChildProcess;

  /** `follow`: called with what happens in the rounds. */
  constructor(clock: Clock, follow?: (event: RoundEvent) => void) {
    this.#clock = clock;
    this.#follow = follow;
    this.#next = forkRound();
  }

  /** Hands the order to the process that waits, and starts the next process when it has ended. */
  start(order: RoundOrder): RunningRound {
    const child = this.#next.connected ? this.#next : forkRound();
    const ended = new Promise<RoundEnd>((resolve) => {
      child.on('message', (sent: Sent) => {
        if ('end' in sent) {
          resolve(sent.end);
          this.#clock.after(exitTimeoutMs, () => child.kill('SIGKILL'), { keepsAlive: false });
        } else this.#follow?.(sent);
      });
      child.once('error', ({ message }) => resolve({ kind: 'died', reason: message }));
      child.once('exit', (code, signal) => resolve({ kind: 'died', reason: signal ?? `exit code ${code}` }));
    }).finally(() => {
      this.#next = forkRound();
    });
    send(child, { order, isFollowed: this.#follow !== undefined });
    return { ended, signal: (signal) => send(child, { signal }) };
  }

  close(): void {
    this.#next.kill('SIGKILL');
  }
}

/** With the arguments of this process: the round reads them as a run does. */
function forkRound(): ChildProcess {
  const [, entry = '', ...words] = process.argv;
  const child = fork(entry, words, {
    env: { ...process.env, [marker]: '1' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('error', () => {}); // the round that it was for reports it
  return child;
}

/** A process that is gone reports that by its exit. */
function send(child: ChildProcess, message: Message): void {
  if (child.connected) child.send(message, () => {});
}

/** True in a process that `RoundProcesses` started. */
export function isRoundProcess(): boolean {
  const isOne = process.env[marker] !== undefined && process.send !== undefined;
  delete process.env[marker];
  return isOne;
}

/** Waits for the order, obeys it and reports the end; problems are printed as those of a run. Never rejects. */
export async function roundProcess(
  runRound: (
    order: RoundOrder,
    signals: SignalSource,
    observer: Reporter | undefined,
  ) => Promise<RoundReport>,
): Promise<ExitCode> {
  const signals = new Signals();
  const { order, isFollowed } = await signals.order;
  let end: RoundEnd;
  let exitCode: ExitCode;
  try {
    const report = await runRound(order, signals, isFollowed ? sender() : undefined);
    end = { kind: 'reported', report };
    exitCode = report.exitCode;
  } catch (error) {
    exitCode = printProblems(error, process.stderr);
    end = { kind: 'refused' };
  }
  await new Promise<void>((resolve) => process.send?.({ end } satisfies Sent, () => resolve()));
  process.disconnect();
  return exitCode;
}

/** Sends what happens to the watching process. */
function sender(): Reporter {
  const sendBack = (sent: RoundEvent): void => {
    if (process.connected) process.send?.(sent);
  };
  return {
    name: 'page',
    event: (event) => sendBack({ event }),
    taskUpdate: (update) => sendBack({ update }),
    close: async () => {},
  };
}

/** The signals that the watching process passes on. A terminal sends its signals to all its processes, which would count them twice. */
class Signals extends EventEmitter implements SignalSource {
  readonly order: Promise<{ readonly order: RoundOrder; readonly isFollowed: boolean }>;

  constructor() {
    super();
    for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
    this.order = new Promise((resolve) => {
      process.on('message', (message: Message) => {
        if ('signal' in message) this.#obey(message.signal);
        else {
          // From now on a promise of the configuration that never settles must not keep the process alive.
          process.channel?.unref();
          resolve(message);
        }
      });
    });
    process.on('disconnect', () => this.#obey('SIGTERM'));
  }

  exit(code: number): never {
    process.exit(code);
  }

  /** While the suite is loaded nothing listens, and there is nothing to stop. */
  #obey(signal: NodeJS.Signals): void {
    if (!this.emit(signal, signal)) this.exit(exitCodes.interrupted);
  }
}
