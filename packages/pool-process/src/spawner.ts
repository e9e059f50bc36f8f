/** The host's end of the spawn helpers: has programs started by them, and hears how each ends. */

import type { Clock } from './clock.ts';
import type { CookieJar } from './cookie.ts';
import { cookieVariable } from './cookie.ts';
import { type LineProgram, ownProgram, ProcessLine } from './process-line.ts';
import { signalGroup } from './process-tree.ts';
import type { FromHelper, ToHelper } from './spawn-messages.ts';

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
}

/** Several helpers, since each is busy for a moment with every program; each is started when it is first needed. */
export class Spawner {
  readonly #means: SpawnMeans;
  readonly #helpers: (Helper | undefined)[];

  constructor(workers: number, means: SpawnMeans) {
    this.#means = means;
    this.#helpers = Array.from({
      length: Math.min(mostHelpers, Math.max(Math.min(2, workers), Math.ceil(workers / 4))),
    });
  }

  start(order: SpawnOrder, events: SpawnEvents): void {
    this.#helperFor(order.slot).start(order, events);
  }

  /** Sends the helpers home. Nothing they started may still run. */
  async close(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper?.close()));
  }

  #helperFor(slot: number): Helper {
    const at = slot % this.#helpers.length;
    let helper = this.#helpers[at];
    if (helper === undefined || helper.isGone) {
      helper = new Helper(this.#means);
      this.#helpers[at] = helper;
    }
    return helper;
  }
}

const mostHelpers = 8;

/** A helper that does not answer within that time hangs, ms. */
const answerMs = 10_000;

/** A program that has not ended, and what to call when the helper answers. */
interface Awaited extends SpawnEvents {
  readonly isAnswered: () => void;
}

class Helper {
  isGone = false;
  readonly #clock: Clock;
  readonly #line: ProcessLine;
  readonly #programs = new Map<number, Awaited>();
  readonly #isOver = Promise.withResolvers<void>();
  #count = 0;

  constructor({ clock, cookies, env }: SpawnMeans) {
    const program: LineProgram = {
      ...ownProgram(import.meta.resolve('@pexen/pool-process/spawn-helper'), lean),
      env: { PATH: env.PATH ?? '', [cookieVariable]: cookies.next() },
      stdio: { kind: 'pipes', stdout: 'ignore', stderr: 'ignore' },
    };
    this.#clock = clock;
    this.#line = new ProcessLine(program, clock, {
      heard: (message) => this.#hear(message as FromHelper),
      garbled: () => this.#kill(),
      gone: (exit) => this.#lose(exit),
    });
    this.#line.send({ do: 'base', env } satisfies ToHelper);
  }

  start(order: SpawnOrder, events: SpawnEvents): void {
    const id = this.#count++;
    const isAnswered = this.#clock.after(answerMs, () => this.#kill());
    this.#programs.set(id, { ...events, isAnswered });
    this.#line.send({ do: 'spawn', id, ...order } satisfies ToHelper);
  }

  async close(): Promise<void> {
    this.#kill();
    await this.#isOver.promise;
  }

  #hear(message: FromHelper): void {
    const program = this.#programs.get(message.id);
    program?.isAnswered();
    if (message.is !== 'running') this.#programs.delete(message.id);
    switch (message.is) {
      case 'running':
        program?.running(message.pid);
        break;
      case 'refused':
        program?.refused(Object.assign(new Error(message.message), { code: message.code }));
        break;
      case 'ended':
        program?.ended(message.exitCode, message.signal);
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
    for (const program of this.#programs.values()) {
      program.isAnswered();
      program.lost(exit);
    }
    this.#isOver.resolve();
  }
}

/** What keeps a process small, since all its memory is copied with every fork. */
const lean: readonly string[] = ['--v8-pool-size=0', '--max-semi-space-size=1'];
