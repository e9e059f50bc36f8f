/** The host's end of one spawn helper: what it was told to start, and what it says of it. */
import { constants } from 'node:os';
import type { Clock } from '@pexen/pool-kit';
import { encodeJsonFrame } from './codec.ts';
import { type CookieJar, cookieVariable } from './cookie.ts';
import type { Command } from './launch-command.ts';
import { conditions, type LineProgram, ownProgram, ProcessLine } from './process-line.ts';
import { signalGroup } from './process-tree.ts';
import type { FromHelper, RawVariable, ToHelper } from './spawn-messages.ts';

/** What to start. */
export type SpawnOrder = Omit<Extract<ToHelper, { do: 'spawn' }>, 'do' | 'id'>;

/** How it goes on: `running` and then `ended`, or `refused`, or `lost` at any time if the helper dies. */
export interface SpawnEvents {
  readonly running: (pid: number) => void;
  readonly refused: (error: unknown) => void;
  readonly ended: (exitCode: number | null, signal: string | null) => void;
  /** Nobody will tell how it ends, or whether it ever began. */
  readonly lost: (how: string) => void;
}

/** What helpers need of their pool. */
export interface SpawnMeans {
  readonly clock: Clock;
  readonly cookies: CookieJar;
  readonly env: Readonly<Record<string, string>>;
  readonly raw?: readonly RawVariable[];
  readonly openFiles?: number | undefined;
}

/** What was ordered and has not ended. */
export interface Pending {
  readonly order: SpawnOrder;
  readonly events: SpawnEvents;
  /** To be called when the helper answers. */
  readonly isAnswered: () => void;
}

/** A helper that does not answer within that time hangs, ms. */
const answerMs = 10_000;

export class Helper {
  isGone = false;
  readonly #clock: Clock;
  readonly #line: ProcessLine;
  readonly #pending = new Map<number, Pending>();
  readonly #isOver = Promise.withResolvers<void>();
  /** Takes over what was ordered, should this helper go before it ever started anything. */
  readonly #useless: (orphans: readonly Pending[]) => void;
  readonly #isForeign: boolean;
  #hasStarted = false;
  #count = 0;

  /** `foreign`: the command line of one that is not ours. */
  constructor(
    foreign: Command | undefined,
    { clock, cookies, env, raw = [], openFiles }: SpawnMeans,
    useless: (orphans: readonly Pending[]) => void,
  ) {
    this.#clock = clock;
    this.#useless = useless;
    this.#isForeign = foreign !== undefined;
    const program: LineProgram = {
      ...(foreign ??
        ownProgram(import.meta.resolve('@pexen/pool-process/spawn-helper'), [...conditions(), ...lean])),
      env: { PATH: env.PATH ?? '', [cookieVariable]: cookies.next() },
      stdio: { kind: 'pipes', stdout: 'ignore', stderr: 'ignore' },
    };
    this.#line = new ProcessLine(program, clock, {
      heard: (message) => this.#hear(message as FromHelper),
      garbled: () => this.#kill(),
      gone: (exit) => this.#lose(exit),
    });
    this.#send({ do: 'base', env, raw, openFiles: openFiles ?? null });
  }

  start(order: SpawnOrder, events: SpawnEvents): void {
    const id = this.#count++;
    const isAnswered = this.#clock.after(answerMs, () => this.#kill());
    this.#pending.set(id, { order, events, isAnswered });
    this.#send({ do: 'spawn', id, ...order });
  }

  async close(): Promise<void> {
    this.#kill();
    await this.#isOver.promise;
  }

  #send(message: ToHelper): void {
    this.#line.sendFrame(encodeJsonFrame(message));
  }

  #hear(message: FromHelper): void {
    const pending = this.#pending.get(message.id);
    this.#hasStarted = true;
    pending?.isAnswered();
    if (message.is !== 'running') this.#pending.delete(message.id);
    switch (message.is) {
      case 'running':
        pending?.events.running(message.pid);
        break;
      case 'refused':
        pending?.events.refused(Object.assign(new Error(message.message), { code: message.code }));
        break;
      case 'ended':
        pending?.events.ended(message.exitCode, signalName(message.signal));
        break;
      default:
        message satisfies never;
    }
  }

  #kill(): void {
    const { pid } = this.#line;
    if (pid !== undefined) signalGroup({ pid, cookie: '' }, 'SIGKILL');
  }

  #lose(exit: string): void {
    this.isGone = true;
    this.#line.close();
    const pending = [...this.#pending.values()];
    for (const { isAnswered } of pending) isAnswered();
    if (this.#isForeign && !this.#hasStarted) this.#useless(pending);
    else if (this.#hasStarted) for (const { events } of pending) events.lost(exit);
    else for (const { events } of pending) events.refused(helperDidNotStart(exit));
    this.#isOver.resolve();
  }
}

/** It never answered, so it has started nothing. */
function helperDidNotStart(exit: string): Error {
  const message = `the process that starts programs did not come up: it ${exit}`;
  return Object.assign(new Error(message), { code: 'EAGAIN' });
}

/** What keeps a process of ours small, since all its memory is copied with every fork. */
const lean: readonly string[] = ['--v8-pool-size=0', '--max-semi-space-size=1'];

const signalNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

function signalName(signal: number | string | null): string | null {
  return typeof signal === 'number' ? (signalNames.get(signal) ?? `signal ${signal}`) : signal;
}
