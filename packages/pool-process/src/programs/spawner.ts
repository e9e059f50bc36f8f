/** Starts programs by helpers, and distributes them among these. */

import { constants } from 'node:os';
import type { Clock } from '@pexen/pool-kit';
import type { Command } from '../child-connection.ts';
import { ChildConnection, type ChildProgram, conditions, ownProgram } from '../child-connection.ts';
import { encodeJsonFrame } from '../codec.ts';
import { markerVariable, type ProcessMarkers } from '../process-markers.ts';
import { signalGroup } from '../process-tree.ts';

/** Several helpers, since each is busy for a moment with every program; each is started when it is first needed. */
export class Spawner {
  readonly #context: SpawnContext;
  readonly #helpers: (SpawnHelperClient | undefined)[];
  /** Undefined where there is none, or it does not work. */
  #foreign: Command | undefined;

  /** `foreign`: the command line of a helper that is preferred to the one in Node. */
  constructor(workers: number, foreign: Command | undefined, context: SpawnContext) {
    this.#context = context;
    const count = Math.max(Math.min(2, workers), Math.ceil(workers / 4));
    this.#helpers = Array.from({ length: Math.min(mostHelpers, count) });
    this.#foreign = foreign;
  }

  /** Starts the helper of the first program, which then need not wait for it. */
  prepare(): void {
    this.#helperFor(0);
  }

  start(order: SpawnOrder, events: SpawnEvents): void {
    if (holdsNul(order)) events.refused(new TypeError('an argument or a variable contains a null byte'));
    else this.#helperFor(order.slot).start(order, events);
  }

  /** Ends the helpers. No program that they started may still run. */
  async close(): Promise<void> {
    await Promise.all(this.#helpers.map((helper) => helper?.close()));
  }

  #helperFor(slot: number): SpawnHelperClient {
    const at = slot % this.#helpers.length;
    let helper = this.#helpers[at];
    if (helper === undefined || helper.isGone) {
      helper = new SpawnHelperClient(this.#foreign, this.#context, (orphans) => this.#doWithout(orphans));
      this.#helpers[at] = helper;
    }
    return helper;
  }

  #doWithout(orphans: readonly Pending[]): void {
    this.#foreign = undefined;
    for (const { order, events } of orphans) this.start(order, events);
  }
}

const mostHelpers = 8;

function holdsNul({ file, argv, cwd, env }: SpawnOrder): boolean {
  const texts = [file, cwd, ...argv, ...Object.keys(env), ...Object.values(env)];
  return texts.some((text) => text?.includes('\0'));
}

// The host's end of one spawn helper: the programs that it must start, and its reports about them.

/** What to start. */
export type SpawnOrder = Omit<Extract<ToHelper, { do: 'spawn' }>, 'do' | 'id'>;

/** What follows: `running` and then `ended`, or `refused`, or `lost` at any time if the helper dies. */
export interface SpawnEvents {
  readonly running: (pid: number) => void;
  readonly refused: (error: unknown) => void;
  readonly ended: (exitCode: number | null, signal: string | null) => void;
  /** The helper died: it is unknown how the program ends, and whether it started. */
  readonly lost: (how: string) => void;
}

/** What helpers need of their pool. */
export interface SpawnContext {
  readonly clock: Clock;
  readonly markers: ProcessMarkers;
  readonly env: Readonly<Record<string, string>>;
  readonly raw?: readonly RawVariable[];
  readonly openFiles?: number | undefined;
}

/** A program that was requested and has not ended. */
export interface Pending {
  readonly order: SpawnOrder;
  readonly events: SpawnEvents;
  /** To be called when the helper answers. */
  readonly isAnswered: () => void;
}

/** A helper that does not answer within that time hangs, ms. */
const answerMs = 10_000;

export class SpawnHelperClient {
  isGone = false;
  readonly #clock: Clock;
  readonly #connection: ChildConnection;
  readonly #pending = new Map<number, Pending>();
  readonly #isOver = Promise.withResolvers<void>();
  /** Takes over the pending programs, should this helper die before it ever started one. */
  readonly #useless: (orphans: readonly Pending[]) => void;
  readonly #isForeign: boolean;
  #hasStarted = false;
  #count = 0;

  /** `foreign`: the command line of a helper that is not the one in Node. */
  constructor(
    foreign: Command | undefined,
    { clock, markers, env, raw = [], openFiles }: SpawnContext,
    useless: (orphans: readonly Pending[]) => void,
  ) {
    this.#clock = clock;
    this.#useless = useless;
    this.#isForeign = foreign !== undefined;
    const program: ChildProgram = {
      ...(foreign ??
        ownProgram(import.meta.resolve('@pexen/pool-process/spawn-helper'), [...conditions(), ...lean])),
      env: { PATH: env.PATH ?? '', [markerVariable]: markers.next() },
      stdio: { kind: 'pipes', stdout: 'ignore', stderr: 'ignore' },
    };
    this.#connection = new ChildConnection(program, clock, {
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
    this.#connection.sendFrame(encodeJsonFrame(message));
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
    const { pid } = this.#connection;
    if (pid !== undefined) signalGroup({ pid, marker: '' }, 'SIGKILL');
  }

  #lose(exit: string): void {
    this.isGone = true;
    this.#connection.close();
    const pending = [...this.#pending.values()];
    for (const { isAnswered } of pending) isAnswered();
    if (this.#isForeign && !this.#hasStarted) this.#useless(pending);
    else if (this.#hasStarted) for (const { events } of pending) events.lost(exit);
    else for (const { events } of pending) events.refused(helperDidNotStart(exit));
    this.#isOver.resolve();
  }
}

/** The helper never answered, so it has started no program. */
function helperDidNotStart(exit: string): Error {
  const message = `the process that starts programs did not start: it ${exit}`;
  return Object.assign(new Error(message), { code: 'EAGAIN' });
}

/** Node options that keep the helper small, since every fork copies its memory. */
const lean: readonly string[] = ['--v8-pool-size=0', '--max-semi-space-size=1'];

const signalNames: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [number, name]),
);

function signalName(signal: number | string | null): string | null {
  return typeof signal === 'number' ? (signalNames.get(signal) ?? `signal ${signal}`) : signal;
}

// The messages between the host and a spawn helper, in JSON. They are not checked: no user code runs in a helper.

/** A variable that is not UTF-8. */
export interface RawVariable {
  /** As Node decodes it. */
  readonly name: string;
  /** `NAME=value` as bytes, in base64. */
  readonly entry: string;
}

/** To the helper: first the environment that programs start from, then program after program. */
export type ToHelper =
  | {
      readonly do: 'base';
      readonly env: Readonly<Record<string, string>>;
      readonly raw: readonly RawVariable[];
      /** Their soft limit of open files; null: that of the helper. */
      readonly openFiles: number | null;
    }
  | {
      readonly do: 'spawn';
      readonly id: number;
      readonly slot: number;
      readonly file: string;
      readonly argv: readonly string[];
      readonly cwd: string;
      /** Over the base; what is null is taken out. */
      readonly env: Readonly<Record<string, string | null>>;
      /** Files for stdout, stderr and fd 3, which exist: the helper opens them to append, and closes them at once. */
      readonly files: readonly string[];
    };

/** From the helper: the state of the program of this number. Signals come by name or by number. */
export type FromHelper =
  | { readonly is: 'running'; readonly id: number; readonly pid: number }
  | { readonly is: 'refused'; readonly id: number; readonly code: string; readonly message: string }
  | {
      readonly is: 'ended';
      readonly id: number;
      readonly exitCode: number | null;
      readonly signal: number | string | null;
    };
