/** A run as a script: the tests say what happens and when, in the order of the telling. */
import {
  type AttemptInfo,
  type ErrorInfo,
  type Finding,
  formatCallPath,
  type Judgement,
  type OutcomeKind,
  type ReasonLink,
  type RunEvent,
  runEventVersion,
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

export type Told = { readonly event: RunEvent } | { readonly news: TaskUpdateEvent };

/** How a task, or one of its attempts, ends; it returned unless something else is said. */
export interface Ending {
  readonly status?: OutcomeKind;
  readonly judgement?: Judgement;
  readonly findings?: readonly Finding[];
  readonly error?: ErrorInfo;
  readonly reason?: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly slow?: boolean;
}

interface Begun {
  readonly atMs: number;
  readonly worker: string;
  readonly attempts: AttemptInfo[];
}

export class Script {
  readonly told: Told[] = [];
  readonly #begun = new Map<string, Begun>();
  readonly #ids = new Map<string, number>();
  #count = 0;
  readonly #counts: Partial<Record<TaskFinished['status'] | 'skipped', number>> = {};

  constructor(startedAt = Date.UTC(2026, 10, 22, 12, 0, 0)) {
    this.#tell({
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

  get events(): readonly RunEvent[] {
    return this.told.flatMap((told) => ('event' in told ? [told.event] : []));
  }

  tasks(paths: readonly string[], info: Partial<TaskInfo> = {}, atMs = 0): this {
    const tasks = paths.map((path) =>
      taskInfo({ id: this.#idOf(path), path, callPath: partsOf(path), ...info }),
    );
    return this.#tell({ type: 'tasks-added', atMs, origin: atMs === 0 ? 'start' : 'loop', tasks });
  }

  start(atMs: number, path: string, worker = 'process-1'): this {
    const begun = this.#begun.get(path);
    this.#begun.set(path, { atMs, worker, attempts: begun?.attempts ?? [] });
    const attempt = (begun?.attempts.length ?? 0) + 1;
    return this.#tell({ type: 'task-started', atMs, task: this.#idOf(path), path, attempt, worker });
  }

  /** The running attempt ended, and another will follow. */
  retry(atMs: number, path: string, retryInMs: number, ending: Ending): this {
    return this.#endAttempt(atMs, path, ending, retryInMs);
  }

  end(atMs: number, path: string, ending: Ending = {}): this {
    this.#endAttempt(atMs, path, ending);
    const { attempts } = this.#of(path);
    const { status = 'returned', judgement, findings = [], slow = false } = ending;
    this.#counts[status] = (this.#counts[status] ?? 0) + 1;
    return this.#tell({
      ...{ type: 'task-finished', atMs, task: this.#idOf(path), path, callPath: partsOf(path), status },
      ...{ attempts, findings, slow },
      ...(judgement !== undefined && { judgement }),
      flaky: status === 'returned' && attempts.length > 1,
      durationMs: attempts.reduce((sum, { durationMs }) => sum + durationMs, 0),
    });
  }

  skip(atMs: number, path: string, ...reason: readonly ReasonLink[]): this {
    this.#counts.skipped = (this.#counts.skipped ?? 0) + 1;
    return this.#tell({
      type: 'task-skipped',
      atMs,
      task: this.#idOf(path),
      path,
      callPath: partsOf(path),
      reason,
    });
  }

  lost(atMs: number, worker: string, reason: string): this {
    return this.#tell({ type: 'worker-lost', atMs, pool: 'default', worker, reason });
  }

  late(atMs: number, worker: string, tasks: readonly string[], message: string): this {
    const error = {
      name: 'Error',
      message,
      stack: `Error: ${message}\n    at file:///home/ada/suite/a.task.ts:3:9`,
    };
    return this.#tell({ type: 'late-error', atMs, pool: 'default', worker, tasks, error });
  }

  says(atMs: number, path: string, news: TaskUpdateEvent['update']): this {
    const attempt = this.#of(path).attempts.length + 1;
    this.told.push({ news: { atMs, task: this.#idOf(path), path, attempt, update: news } });
    return this;
  }

  prints(atMs: number, path: string, text: string): this {
    return this.says(atMs, path, { kind: 'output', stream: 'stdout', text });
  }

  ended(atMs: number, facts: { readonly reason?: string; readonly poisoned?: readonly string[] } = {}): this {
    const { reason, poisoned = [] } = facts;
    const counts = { ...this.#counts };
    return this.#tell({
      ...{ type: 'run-ended', atMs, counts, poisoned },
      ...(reason !== undefined && { reason }),
    });
  }

  #endAttempt(atMs: number, path: string, ending: Ending, retryInMs?: number): this {
    const { attempts, worker, atMs: startedAtMs } = this.#of(path);
    const { status = 'returned', error, reason, stdout, stderr } = ending;
    const attempt: AttemptInfo = {
      ...{
        attempt: attempts.length + 1,
        outcome: status,
        worker,
        startedAtMs,
        durationMs: atMs - startedAtMs,
      },
      ...(error !== undefined && { error }),
      ...(reason !== undefined && { reason }),
      ...(stdout !== undefined && { stdout: captured(stdout) }),
      ...(stderr !== undefined && { stderr: captured(stderr) }),
    };
    attempts.push(attempt);
    return this.#tell({
      ...{ type: 'attempt-ended', atMs, task: this.#idOf(path), path, attempt },
      ...(retryInMs !== undefined && { retryInMs }),
    });
  }

  #of(path: string): Begun {
    const begun = this.#begun.get(path);
    if (begun === undefined) throw new Error(`${path} has not started`);
    return begun;
  }

  #idOf(path: string): number {
    if (!this.#ids.has(path)) this.#ids.set(path, this.#ids.size);
    return this.#ids.get(path) as number;
  }

  #tell(event: Unnumbered): this {
    this.told.push({ event: { ...event, seq: ++this.#count } });
    return this;
  }
}

/** A task of which nothing else is known. */
export function taskInfo(info: Pick<TaskInfo, 'path' | 'callPath'> & Partial<TaskInfo>): TaskInfo {
  return { id: 0, nameKind: 'explicit', recallable: true, rerunnable: false, ...info };
}

function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (formatCallPath(parts) !== path) throw new Error(`${path} is not a plain path`);
  return parts;
}

function captured(text: string): { head: string; tail: string; totalBytes: number } {
  return { head: text, tail: '', totalBytes: Buffer.byteLength(text) };
}
