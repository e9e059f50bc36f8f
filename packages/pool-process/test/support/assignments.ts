/** Assignments for tests, and tickets that record their calls. */
import './compile-cache.ts';
import { tmpdir } from 'node:os';
import {
  type Assignment,
  definitionOf,
  type ExecutableBody,
  type ExecutableFacts,
  executableTask,
  type Pool,
  type PoolOutcome,
  type ReadyFacts,
  type TaskUpdate,
  type Ticket,
} from '@pexen/core';

export interface Given extends Partial<Assignment> {
  readonly cwd?: string;
  readonly workspace?: 'private' | 'copy';
  readonly env?: Readonly<Record<string, string>>;
  /** How its output and what it leaves behind are treated. */
  readonly treatment?: Pick<ExecutableBody, 'joinsOutput' | 'evidence' | 'stopSignal' | 'background'>;
}

/** An assignment of a program. */
export function executable(file: string, argv: readonly string[] = [], given: Given = {}): Assignment {
  const { cwd = tmpdir(), env = {}, workspace, treatment, ...rest } = given;
  const body = { file, argv, cwd, env, ...(workspace !== undefined && { workspace }), ...treatment };
  const task = executableTask(
    {},
    { ...body, interpret: () => ({ outcome: { kind: 'returned', value: 0 }, findings: [] }) },
  );
  return {
    ...{ task, definition: definitionOf(task), address: { kind: 'executable', ...body } },
    ...{ path: 'a/program', attempt: 1, part: 'body', args: {}, shared: {}, received: [] },
    ...{ graceMs: 200, timeoutMs: undefined },
    ...rest,
  };
}

/** An assignment of a line of shell. */
export function shell(script: string, given: Given = {}): Assignment {
  return executable('/bin/sh', ['-c', script], given);
}

/** A ticket that remembers, and can be waited on. */
export class RecordingTicket implements Ticket {
  readonly #controller = new AbortController();
  readonly #start = Promise.withResolvers<string>();
  readonly workers: string[] = [];
  readonly updates: TaskUpdate[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #ready = Promise.withResolvers<ReadyFacts>();
  /** What a service handed on when it was ready. */
  readiness: ReadyFacts | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  /** Resolves when it is started. */
  get isStarted(): Promise<string> {
    return this.#start.promise;
  }
  /** The pid in the name of the worker that started it. */
  async pid(): Promise<number> {
    return Number(/pid (\d+)/.exec(await this.isStarted)?.[1]);
  }
  /** The stdout that was reported. */
  get stdout(): string {
    return this.#text('stdout');
  }
  get stderr(): string {
    return this.#text('stderr');
  }

  started(worker: string): void {
    this.workers.push(worker);
    this.#start.resolve(worker);
  }
  ready(facts: ReadyFacts): void {
    if (this.readiness !== undefined) throw new Error('ready twice');
    this.readiness = facts;
    this.#ready.resolve(facts);
  }
  /** Resolves when the service is ready. */
  get isReady(): Promise<ReadyFacts> {
    return this.#ready.promise;
  }
  report(update: TaskUpdate): void {
    this.updates.push(update);
    for (const look of this.#waiting) look();
  }
  abort(): void {
    this.#controller.abort(new Error('enough'));
  }
  /** Resolves as soon as this text was reported on stdout. */
  printed(text: string): Promise<void> {
    return this.#when(() => this.stdout.includes(text));
  }

  /** Resolves with the first log line, or with that one. */
  logs(message?: string): Promise<void> {
    return this.receives(
      (update) => update.kind === 'log' && (message === undefined || update.message === message),
    );
  }

  /** Resolves as soon as such an update was reported. */
  receives(isIt: (update: TaskUpdate) => boolean): Promise<void> {
    return this.#when(() => this.updates.some(isIt));
  }

  async #when(isTrue: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => isTrue() && resolve();
    this.#waiting.add(look);
    look();
    await promise;
    this.#waiting.delete(look);
  }

  #text(stream: 'stdout' | 'stderr'): string {
    return this.updates
      .map((update) => (update.kind === 'output' && update.stream === stream ? update.text : ''))
      .join('');
  }
}

/** Runs one attempt to its end. */
export async function runOne(
  pool: Pool,
  assignment: Assignment,
  ticket: RecordingTicket = new RecordingTicket(),
): Promise<PoolOutcome> {
  return await pool.run(assignment, ticket);
}

/** The facts about a program that ended. */
export function factsOf(outcome: PoolOutcome): ExecutableFacts {
  if (outcome.kind !== 'returned') throw new Error(`it ${outcome.kind}: ${JSON.stringify(outcome)}`);
  return outcome.value as ExecutableFacts;
}

/** An assignment of a body among the fixtures. */
export function body(exportName: string, args: unknown = {}, given: Given = {}): Assignment {
  const url = new URL('../fixtures/bodies.ts', import.meta.url).href;
  const task = (): void => {};
  return {
    ...{ task, definition: definitionOf(task) },
    address: { kind: 'export', url, exportPath: [exportName], fingerprint: '' },
    ...{ path: `bodies/${exportName}`, attempt: 1, part: 'body', args, shared: {}, received: [] },
    ...{ graceMs: 200, timeoutMs: undefined },
    ...given,
  };
}

/** What a body returned. */
export async function returnOf(pool: Pool, assignment: Assignment): Promise<unknown> {
  const outcome = await runOne(pool, assignment);
  if (outcome.kind !== 'returned') throw new Error(`it ${JSON.stringify(outcome)}`, { cause: outcome });
  return outcome.value;
}
