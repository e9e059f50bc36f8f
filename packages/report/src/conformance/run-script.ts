/** A run as a script of events, in their order. */
import {
  type AttemptEnded,
  type AttemptInfo,
  type CapturedOutput,
  type ErrorInfo,
  type Finding,
  formatCallPath,
  type Judgement,
  type OutcomeKind,
  type ReasonLink,
  type RunEvent,
  runEventVersion,
  type ServiceStopCause,
  type TaskFinished,
  type TaskInfo,
  type TaskUpdateEvent,
} from '@pexen/core';

/** The script numbers its events itself. */
type Unnumbered = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'seq'>
    : never
  : never;

/** An event, or an update of a running body. */
export type ScriptEntry = { readonly event: RunEvent } | { readonly update: TaskUpdateEvent };

/** How a task, or one of its attempts, ends; default: it returned. */
export interface Outcome {
  readonly status?: OutcomeKind;
  readonly judgement?: Judgement;
  readonly findings?: readonly Finding[];
  readonly error?: ErrorInfo;
  readonly reason?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Where all of it is. */
  readonly stdoutFile?: string;
  /** The lines of stdout that no finding shows. */
  readonly besidesFindings?: string;
  readonly slow?: boolean;
}

interface Running {
  readonly atMs: number;
  /** Of a service that is up. */
  readyAfterMs?: number;
  readonly worker: string;
  readonly attempts: AttemptInfo[];
}

/**
 * Makes the events of a run, for tests of reporters: each call adds the event that a run would report, numbered, at that time in milliseconds.
 *
 * @example
 * const run = new RunScript().tasks(['net/ping']).start(1, 'net/ping').end(42, 'net/ping', { status: 'failed' }).ended(50);
 * for (const event of run.events) listener.event(event);
 */
export class RunScript {
  readonly entries: ScriptEntry[] = [];
  readonly #running = new Map<string, Running>();
  readonly #ids = new Map<string, number>();
  #count = 0;
  readonly #counts: Partial<Record<TaskFinished['status'] | 'skipped', number>> = {};

  /** `startedAt`: milliseconds since 1970. */
  constructor(startedAt = Date.UTC(2026, 10, 22, 12, 0, 0)) {
    this.#add({
      type: 'run-started',
      version: runEventVersion,
      atMs: 0,
      id: 'run-1',
      startedAt,
      root: '/home/ada/suite',
      versions: { pexen: '1.0.0', node: '24.0.0' },
      pools: [{ name: 'default', kind: 'process' }],
    });
  }

  /** Only the events, without the updates. */
  get events(): readonly RunEvent[] {
    return this.entries.flatMap((entry) => ('event' in entry ? [entry.event] : []));
  }

  /** Adds tasks; after the start of the run, where `atMs` is not 0. */
  tasks(paths: readonly string[], info: Partial<TaskInfo> = {}, atMs = 0): this {
    const tasks = paths.map((path) =>
      taskInfo({ id: this.#idOf(path), path, callPath: partsOf(path), ...info }),
    );
    return this.#add({ type: 'tasks-added', atMs, origin: atMs === 0 ? 'start' : 'loop', tasks });
  }

  /** An attempt starts. */
  start(atMs: number, path: string, worker = 'process-1'): this {
    const running = this.#running.get(path);
    this.#running.set(path, { atMs, worker, attempts: running?.attempts ?? [] });
    const attempt = (running?.attempts.length ?? 0) + 1;
    return this.#add({ type: 'task-started', atMs, task: this.#idOf(path), path, attempt, worker });
  }

  /** The running attempt ends, and another follows. */
  retry(atMs: number, path: string, retryInMs: number, ending: Outcome): this {
    return this.#endAttempt(atMs, path, ending, retryInMs);
  }

  /** A service is ready. */
  ready(atMs: number, path: string): this {
    const { attempts, atMs: startedAtMs } = this.#of(path);
    const attempt = attempts.length + 1;
    const afterMs = atMs - startedAtMs;
    this.#of(path).readyAfterMs = afterMs;
    return this.#add({ type: 'service-ready', atMs, task: this.#idOf(path), path, attempt, afterMs });
  }

  /** A service is asked to stop. */
  stopping(atMs: number, path: string, why: ServiceStopCause = 'unneeded'): this {
    const attempt = this.#of(path).attempts.length + 1;
    return this.#add({ type: 'service-stopping', atMs, task: this.#idOf(path), path, attempt, why });
  }

  /** The running attempt of a service ends, and it has no result yet. */
  down(
    atMs: number,
    path: string,
    service: Pick<AttemptEnded, 'died' | 'startsAgain'>,
    ending: Outcome = {},
  ): this {
    return this.#endAttempt(atMs, path, ending, undefined, service);
  }

  /** A service that is down has its result. */
  over(atMs: number, path: string, ending: Outcome = {}): this {
    return this.#finish(atMs, path, ending);
  }

  /** The running attempt ends, and the task has its result. */
  end(atMs: number, path: string, ending: Outcome = {}): this {
    this.#endAttempt(atMs, path, ending);
    return this.#finish(atMs, path, ending);
  }

  #finish(atMs: number, path: string, ending: Outcome): this {
    const { attempts } = this.#of(path);
    const { status = 'returned', judgement, findings = [], slow = false } = ending;
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    return this.#add({
      ...{ type: 'task-finished', atMs, task: this.#idOf(path), path, callPath: partsOf(path), status },
      ...{ attempts, findings, slow },
      ...(judgement !== undefined && { judgement }),
      flaky: status === 'returned' && attempts.length > 1,
      durationMs: attempts.reduce((sum, { durationMs }) => sum + durationMs, 0),
    });
  }

  /** A result of session 1, with one attempt that took a second. */
  recall(atMs: number, path: string, ending: Outcome & Pick<TaskFinished, 'attachments'> = {}): this {
    const { status = 'returned', findings = [], error, reason, judgement, attachments } = ending;
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    const attempt: AttemptInfo = {
      ...{ attempt: 1, outcome: status, worker: 'process-1', startedAtMs: -1000, durationMs: 1000 },
      ...(error !== undefined && { error }),
      ...(reason !== undefined && { reason }),
    };
    return this.#add({
      ...{ type: 'task-finished', atMs, task: this.#idOf(path), path, callPath: partsOf(path), status },
      ...{ attempts: [attempt], findings, slow: false, flaky: false, durationMs: 1000 },
      ...(judgement !== undefined && { judgement }),
      ...(attachments !== undefined && { attachments }),
      recalled: { session: 1, isStale: false },
    });
  }

  /** A task is skipped, for this chain of reasons. */
  skip(atMs: number, path: string, ...reason: readonly ReasonLink[]): this {
    this.#counts.skipped = (this.#counts.skipped ?? 0) + 1;
    return this.#add({
      type: 'task-skipped',
      atMs,
      task: this.#idOf(path),
      path,
      callPath: partsOf(path),
      reason,
    });
  }

  /** A worker is gone. */
  lost(atMs: number, worker: string, reason: string): this {
    return this.#add({ type: 'worker-lost', atMs, pool: 'default', worker, reason });
  }

  /** An error surfaces after its task has ended. */
  late(atMs: number, worker: string, tasks: readonly string[], message: string): this {
    const error = {
      name: 'Error',
      message,
      stack: `Error: ${message}\n    at file:///home/ada/suite/a.task.ts:3:9`,
    };
    return this.#add({ type: 'late-error', atMs, pool: 'default', worker, tasks, error });
  }

  /** The running body reports something. */
  reports(atMs: number, path: string, update: TaskUpdateEvent['update']): this {
    const attempt = this.#of(path).attempts.length + 1;
    this.entries.push({ update: { atMs, task: this.#idOf(path), path, attempt, update } });
    return this;
  }

  /** The running body prints something. */
  prints(atMs: number, path: string, text: string): this {
    return this.reports(atMs, path, { kind: 'output', stream: 'stdout', text });
  }

  /** The run ends. */
  ended(atMs: number, facts: { readonly reason?: string; readonly poisoned?: readonly string[] } = {}): this {
    const { reason, poisoned = [] } = facts;
    const counts = { ...this.#counts };
    return this.#add({
      ...{ type: 'run-ended', atMs, counts, poisoned },
      ...(reason !== undefined && { reason }),
    });
  }

  #endAttempt(
    atMs: number,
    path: string,
    ending: Outcome,
    retryInMs?: number,
    service: Pick<AttemptEnded, 'died' | 'startsAgain'> = {},
  ): this {
    const { attempts, worker, atMs: startedAtMs, readyAfterMs } = this.#of(path);
    const { status = 'returned', error, reason, stdout, stderr, stdoutFile, besidesFindings } = ending;
    const attempt: AttemptInfo = {
      ...{
        attempt: attempts.length + 1,
        outcome: status,
        worker,
        startedAtMs,
        durationMs: atMs - startedAtMs,
      },
      ...(readyAfterMs !== undefined && { readyAfterMs }),
      ...(error !== undefined && { error }),
      ...(reason !== undefined && { reason }),
      ...(stdout !== undefined && {
        stdout: {
          ...captured(stdout, stdoutFile),
          ...(besidesFindings !== undefined && { besidesFindings }),
        },
      }),
      ...(stderr !== undefined && { stderr: captured(stderr) }),
    };
    attempts.push(attempt);
    return this.#add({
      ...{ type: 'attempt-ended', atMs, task: this.#idOf(path), path, attempt },
      ...(retryInMs !== undefined && { retryInMs }),
      ...service,
    });
  }

  #of(path: string): Running {
    const running = this.#running.get(path);
    if (running === undefined) throw new Error(`${path} has not started`);
    return running;
  }

  #idOf(path: string): number {
    if (!this.#ids.has(path)) this.#ids.set(path, this.#ids.size);
    return this.#ids.get(path) as number;
  }

  #add(event: Unnumbered): this {
    this.entries.push({ event: { ...event, seq: ++this.#count } });
    return this;
  }
}

/** The description of a task, with defaults. */
export function taskInfo(info: Pick<TaskInfo, 'path' | 'callPath'> & Partial<TaskInfo>): TaskInfo {
  return { id: 0, nameKind: 'explicit', recallable: true, rerunnable: false, ...info };
}

function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (formatCallPath(parts) !== path) throw new Error(`${path} is not a plain path`);
  return parts;
}

function captured(text: string, file?: string): CapturedOutput {
  return {
    ...{ head: text, tail: '', totalBytes: new TextEncoder().encode(text).length },
    ...(file !== undefined && { file }),
  };
}
