/** A pool of worker threads: keeps them alive through Piscina, one endless task of Piscina's in each. */
import { fileURLToPath } from 'node:url';
import {
  type Assignment,
  type Pool,
  type PoolContext,
  type PoolManifest,
  type PoolOutcome,
  poolAbandoned,
  poolInUse,
  type Ticket,
} from '@pexen/core';
import type { Piscina } from 'piscina';
import { withExecArgv } from './exec-argv.ts';
import { Flight } from './flight.ts';
import { type FilledOptions, fillOptions, type ThreadsOptions } from './options.ts';
import { Spread } from './spread.ts';
import { Thread, type ThreadEnding, type ThreadListener } from './thread.ts';

/**
 * A pool of worker threads, for `run` and for groups. Quick to start and to talk to; values cross by structured clone; bodies
 * share the process, so its working directory, its umask and its signals.
 *
 * A body that does not stop is ended with its thread. One that is stuck in native code (`execSync`, a blocking addon) cannot be
 * ended by anybody: its attempt is settled, its thread replaced, and `workerLost` says so. Use `processes()` for bodies whose
 * end you must be sure of.
 *
 * @example run(tasks, { pool: threads({ workers: 4 }), spare: 16 })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function threads(options: ThreadsOptions = {}): Pool {
  return new ThreadPool(fillOptions(options));
}

class ThreadPool implements Pool, ThreadListener {
  readonly manifest: PoolManifest = {
    name: 'threads',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: false,
  };
  readonly #options: FilledOptions;
  readonly #threads = new Set<Thread>();
  readonly #spread = new Spread(this.#threads);
  #context: PoolContext | undefined;
  /** The same, until nothing can surface any more. */
  #lateContext: PoolContext | undefined;
  #piscina: Piscina | undefined;
  #started = 0;
  /** Threads that could not be ended, and may still do something. */
  readonly #abandoned = new Set<Thread>();
  #opening: PromiseWithResolvers<void> | undefined;
  /** Those who wait for threads to become free or to end. */
  readonly #waiting = new Set<() => void>();
  /** Why no thread can be started any more. */
  #broken: string | undefined;

  constructor(options: FilledOptions) {
    this.#options = options;
  }

  async open(context: PoolContext): Promise<void> {
    const library = await import('piscina'); // Many who could use threads never do.
    if (this.#piscina !== undefined) throw poolInUse();
    if (this.#abandoned.size > 0) throw poolAbandoned();
    this.#broken = undefined;
    this.#opening = Promise.withResolvers();
    this.#piscina = makePiscina(library.Piscina, this.#options);
    this.#piscina.on('error', (error) => this.#cannotReplace(error));
    this.#context = context;
    this.#lateContext = context;
    for (let n = 0; n < this.#options.workers; n++) this.#start();
    try {
      await this.#opening.promise;
    } catch (error) {
      await this.close('kill');
      throw error;
    }
    context.slotsChanged(this.#options.workers);
  }

  run(assignment: Assignment, ticket: Ticket): PoolOutcome | Promise<PoolOutcome> {
    if (this.#context === undefined) return { kind: 'not-started', reason: 'the pool is closed' };
    return new Promise((resolve) => {
      const flight = new Flight(assignment, ticket, resolve);
      if (this.#broken === undefined) this.#spread.add(flight);
      else crash(flight, this.#broken);
    });
  }

  recall(): void {
    this.#spread.giveBackAll('no more is begun');
  }

  async close(how: 'drain' | 'kill'): Promise<void> {
    this.#context = undefined;
    this.#opening?.reject(new Error('the pool was closed while it was opening'));
    this.#spread.giveBackAll('the pool was closed');
    if (how === 'drain') {
      await this.#until(() => [...this.#threads].every(({ load }) => load === 0));
      await Promise.all([...this.#threads].map((thread) => thread.leave()));
    }
    this.#lateContext = undefined;
    for (const thread of this.#threads) thread.expectEnd({ how: 'asked', reason: 'the pool was closed' });
    this.#piscina?.destroy().catch(() => {});
    this.#piscina = undefined;
    await this.#until(() => this.#threads.size === 0);
  }

  ready(): void {
    this.#opening?.resolve();
    this.#spread.distribute();
  }

  freed(): void {
    this.#spread.freed();
    this.#changed();
  }

  late({ name }: Thread, tasks: readonly string[], error: unknown): void {
    this.#lateContext?.lateError(name, tasks, error);
  }

  returned(flights: readonly Flight[]): void {
    this.#spread.takeOver(flights);
  }

  ended(thread: Thread, { how, reason }: ThreadEnding): void {
    this.#threads.delete(thread);
    if (how === 'stuck') this.#abandon(thread);
    if (this.#context !== undefined) {
      if (how !== 'asked') this.#context.workerLost(thread.name, reason);
      if (thread.hasBeenReady) this.#start();
      else if (this.#threads.size === 0) this.#break(`no thread can be started: ${reason}`);
    }
    this.#changed();
  }

  #abandon(thread: Thread): void {
    this.#abandoned.add(thread);
    void thread.gone.then(() => this.#abandoned.delete(thread));
  }

  #start(): void {
    const thread = new Thread(`thread-${++this.#started}`, this);
    this.#threads.add(thread);
    const { startup, moved } = thread.startup(this.#options.output === 'inherit');
    const options = { name: 'work', transferList: moved as never, signal: thread.termination };
    (this.#piscina as Piscina).run(startup, options).catch((error) => thread.letGo(describe(error)));
  }

  /** A thread that was to replace another one died while it started, and Piscina tries no more. */
  #cannotReplace(error: unknown): void {
    for (const thread of this.#threads) if (!thread.hasBeenReady) thread.letGo(describe(error));
  }

  #break(reason: string): void {
    this.#broken = reason;
    this.#opening?.reject(new Error(reason));
    for (const flight of this.#spread.takeAll()) crash(flight, reason);
  }

  #changed(): void {
    for (const look of this.#waiting) look();
    this.#waiting.clear();
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
      });
    }
  }
}

function crash(flight: Flight, reason: string): void {
  flight.start('no thread');
  flight.land({ kind: 'crashed', reason });
}

function makePiscina(
  Pool: typeof Piscina,
  { workers, loader, execArgv = [], resourceLimits, env }: FilledOptions,
): Piscina {
  const own = [...execArgv, ...(loader === undefined ? [] : ['--import', loader])];
  const options = {
    filename: fileURLToPath(import.meta.resolve('@pexen/pool-thread/worker')),
    minThreads: workers,
    maxThreads: workers,
    idleTimeout: Number.POSITIVE_INFINITY,
    atomics: 'disabled',
    recordTiming: false,
    ...(resourceLimits !== undefined && { resourceLimits }),
    ...(env !== undefined && { env: env as Record<string, string> }),
  } as const;
  if (own.length === 0) return new Pool(options);
  return withExecArgv(process.execArgv, own, (execArgv) => new Pool({ ...options, execArgv }));
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const { code, name, message } = error as NodeJS.ErrnoException;
  const kind = code ?? (name === 'Error' ? undefined : name);
  return kind === undefined ? message : `${kind}: ${message}`;
}
