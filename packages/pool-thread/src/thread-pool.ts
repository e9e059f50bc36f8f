/** A pool of worker threads: Piscina keeps them alive, with one endless Piscina task in each. */
import { fileURLToPath } from 'node:url';
import type { ResourceLimits } from 'node:worker_threads';
import type { Pool, PoolManifest } from '@pexen/core';
import { type Connection, type ConnectionEvents, type Connector, SlotEngine } from '@pexen/pool-kit';
import type { Piscina } from 'piscina';
import { withExecArgv } from './exec-argv.ts';
import { type FilledOptions, fillOptions, type ThreadsOptions } from './options.ts';
import { ThreadConnection, type ThreadOwner } from './thread-connection.ts';

/**
 * A pool of worker threads, for `run` and for groups. Threads start fast and communicate fast; values are sent by structured clone; bodies
 * share the process, and so its working directory, its umask and its signals.
 *
 * A body that does not stop is ended with its thread. One that is stuck in native code (`execSync`, a blocking addon) cannot be
 * ended: its attempt is settled, its thread replaced, and `workerLost` reports that. Use `processes()` for bodies that
 * must end for certain.
 *
 * @example run(tasks, { pool: threads({ workers: 4 }), spare: 16 })
 * @throws PexenError PEXEN_BAD_OPTION
 */
export function threads(options: ThreadsOptions = {}): Pool {
  return new SlotEngine(new ThreadConnector(fillOptions(options)));
}

class ThreadConnector implements Connector {
  readonly manifest: PoolManifest = {
    name: 'threads',
    kills: true,
    transport: 'clone',
    closures: false,
    executables: false,
    services: true,
  };
  readonly slots: number;
  readonly connectsAtOpen = true;
  /** Piscina itself retries as long as that may help. */
  readonly mostFailures = 1;
  readonly #options: FilledOptions;
  #library: typeof Piscina | undefined;
  #threads: ThreadGroup | undefined;
  #started = 0;

  constructor(options: FilledOptions) {
    this.#options = options;
    this.slots = options.workers;
  }

  async open(): Promise<void> {
    const { Piscina: library } = await import('piscina'); // Many programs that could use threads never do.
    this.#started = 0;
    this.#library = library;
    this.#threads = new ThreadGroup(library, this.#options);
  }

  connect(_slot: number, events: ConnectionEvents): Connection {
    return (this.#threads as ThreadGroup).connect(`thread-${++this.#started}`, events);
  }

  /** A thread beside those of the slots. */
  connectService(service: number, events: ConnectionEvents): Connection {
    const group = new ThreadGroup(this.#library as typeof Piscina, { ...this.#options, workers: 1 });
    group.closing();
    return group.connect(`service-thread-${service}`, events);
  }

  closing(): void {
    this.#threads?.closing();
  }

  close(): void {
    this.#threads?.destroy();
    this.#threads = undefined;
  }
}

/** Threads that one Piscina keeps alive. */
class ThreadGroup implements ThreadOwner {
  readonly #threads = new Set<ThreadConnection>();
  /** Threads without pending work. */
  readonly #left = new Set<ThreadConnection>();
  readonly #inheritsOutput: boolean;
  readonly #piscina: Piscina;
  #isClosing = false;

  constructor(library: typeof Piscina, options: FilledOptions) {
    this.#inheritsOutput = options.output === 'inherit';
    this.#piscina = makePiscina(library, options);
    this.#piscina.on('error', (error) => this.#cannotReplace(error));
  }

  connect(name: string, events: ConnectionEvents): Connection {
    const thread = new ThreadConnection(name, events, this);
    this.#threads.add(thread);
    const { startup, moved } = thread.startup(this.#inheritsOutput);
    const options = { name: 'work', transferList: moved as never, signal: thread.termination };
    this.#piscina.run(startup, options).catch((error) => thread.released(describe(error)));
    return thread;
  }

  /** From now on a thread that ends is not replaced, and all are ended at once. */
  closing(): void {
    this.#isClosing = true;
  }

  /** Piscina replaces a thread that is ended alone; at the end all are ended at once. */
  end(thread: ThreadConnection): void {
    if (this.#isClosing) this.destroy();
    else thread.terminateNow();
  }

  left(thread: ThreadConnection): void {
    this.#left.add(thread);
    if (!this.#isClosing) thread.terminateNow();
    else if (this.#left.size === this.#threads.size) this.destroy();
  }

  gone(thread: ThreadConnection): void {
    this.#threads.delete(thread);
    this.#left.delete(thread);
    if (this.#isClosing && this.#threads.size === 0) this.destroy(); // Piscina would replace it.
  }

  destroy(): void {
    this.#piscina.destroy().catch(() => {});
  }

  /** A replacement thread died while it started, and Piscina does not retry. */
  #cannotReplace(error: unknown): void {
    for (const thread of this.#threads) if (!thread.isReady) thread.released(describe(error));
  }
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
    ...(resourceLimits !== undefined && { resourceLimits: withYoungLimit(resourceLimits) }),
    ...(env !== undefined && { env: env as Record<string, string> }),
  } as const;
  if (own.length === 0) return new Pool(options);
  return withExecArgv(process.execArgv, own, (execArgv) => new Pool({ ...options, execArgv }));
}

/**
 * A full young generation may survive as a whole. Where that exceeds the limit of the heap by far, Node cannot end the thread any more and
 * aborts the process; so a small old generation gets a small young one.
 */
function withYoungLimit(limits: ResourceLimits): ResourceLimits {
  const { maxOldGenerationSizeMb, maxYoungGenerationSizeMb } = limits;
  if (maxOldGenerationSizeMb === undefined || maxYoungGenerationSizeMb !== undefined) return limits;
  return { ...limits, maxYoungGenerationSizeMb: Math.min(16, Math.max(1, maxOldGenerationSizeMb / 12)) };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const { code, name, message } = error as NodeJS.ErrnoException;
  const kind = code ?? (name === 'Error' ? undefined : name);
  return kind === undefined ? message : `${kind}: ${message}`;
}
