/** The tasks that run: since when, where, and what they said last. Knows nothing of how they are shown. */
import type { NewsEvent, Progress, RunEvent, TaskInfo, TaskStarted } from '@pexen/core';

/** So much of the last output is kept, characters: a long line. */
const TAIL = 400;

/** An attempt that runs, or a task between two attempts. */
export interface RunningTask {
  readonly path: string;
  readonly attempt: number;
  readonly worker: string;
  readonly sinceMs: number;
  /** Undefined where it was never measured. */
  readonly expectedMs: number | undefined;
  readonly slowAfterMs: number;
  /** Between two attempts: when the next one is due. */
  retryAtMs: number | undefined;
  progress: Progress | undefined;
  /** The end of what it printed, as it was printed. */
  tail: string;
  /** Failed findings it told of so far. */
  failed: number;
  /** When it was last heard of. */
  heardAtMs: number;
}

/** Fed with the events and the news of one run. */
export class RunningTasks {
  readonly #running = new Map<string, RunningTask>();
  /** What is known of tasks that have no result yet. */
  readonly #infos = new Map<string, TaskInfo>();
  readonly #slowAfterMs: number;

  constructor(slowAfterMs: number) {
    this.#slowAfterMs = slowAfterMs;
  }

  /** In the order of their starts. */
  list(): IteratorObject<RunningTask> {
    return this.#running.values();
  }

  get(path: string): RunningTask | undefined {
    return this.#running.get(path);
  }

  get size(): number {
    return this.#running.size;
  }

  event(event: RunEvent): void {
    switch (event.type) {
      case 'tasks-added':
        for (const info of event.tasks) if (isTelling(info)) this.#infos.set(info.path, info);
        return;
      case 'task-started':
        this.#started(event);
        return;
      case 'attempt-ended':
        this.#attemptEnded(event.path, event.atMs, event.retryInMs);
        return;
      case 'task-finished':
      case 'task-skipped':
        this.#running.delete(event.path);
        this.#infos.delete(event.path);
        return;
      case 'run-ended':
        this.#running.clear();
        return;
      case 'run-started':
      case 'worker-lost':
      case 'late-error':
        return;
      default:
        event satisfies never;
    }
  }

  news({ path, attempt, atMs, news }: NewsEvent): void {
    const task = this.#running.get(path);
    if (task === undefined || task.attempt !== attempt) return;
    task.heardAtMs = Math.max(task.heardAtMs, atMs);
    if (news.kind === 'output') task.tail = (task.tail + news.text.slice(-TAIL)).slice(-TAIL);
    if (news.kind === 'log') task.tail = news.message.slice(-TAIL);
    if (news.kind === 'progress') task.progress = news.progress;
    if (news.kind === 'finding' && news.finding.status === 'fail') task.failed++;
  }

  #started({ path, attempt, worker, atMs }: TaskStarted): void {
    const info = this.#infos.get(path);
    this.#running.delete(path);
    this.#running.set(path, {
      ...{ path, attempt, worker, sinceMs: atMs, heardAtMs: atMs },
      expectedMs: info?.weightMs,
      slowAfterMs: info?.slowAfterMs ?? this.#slowAfterMs,
      ...{ retryAtMs: undefined, progress: undefined, tail: '', failed: 0 },
    });
  }

  #attemptEnded(path: string, atMs: number, retryInMs: number | undefined): void {
    const task = this.#running.get(path);
    if (task !== undefined && retryInMs !== undefined) task.retryAtMs = atMs + retryInMs;
  }
}

/** `43/100 drivers`; empty where nothing is known. */
export function progressText(progress: Progress | undefined): string {
  if (progress === undefined) return '';
  const { done, total, message } = progress;
  return [total === undefined ? `${done}` : `${done}/${total}`, message].filter(Boolean).join(' ');
}

function isTelling({ weightMs, slowAfterMs }: TaskInfo): boolean {
  return weightMs !== undefined || slowAfterMs !== undefined;
}
