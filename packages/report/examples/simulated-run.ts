/**
 * A simulated run: demo tasks, a few locks, and a clock that its caller advances. It reports the events of a real run to a reporter, and can be
 * inspected like one. For development of the views; it is not published.
 */
import {
  type AttemptInfo,
  type HeldResource,
  type Inspection,
  type RunEvent,
  runEventVersion,
  type TaskFinished,
  type TaskInfo,
  type TaskUpdate,
  type WaitingFor,
} from '@pexen/core';
import type { InspectableRun, RunListener } from '../src/index.ts';

/** The simulation numbers its events itself. */
type Unnumbered = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'seq'>
    : never
  : never;

/** One task of the demo. Times are milliseconds. */
export interface DemoTask {
  readonly path: string;
  readonly lasts: number;
  /** The expected duration. */
  readonly expected?: number;
  readonly pool?: string;
  readonly requires?: readonly string[];
  readonly uses?: readonly string[];
  readonly claims?: readonly string[];
  /** How it ends; default: it returns. */
  readonly ends?: Pick<TaskFinished, 'status'> &
    Partial<Pick<TaskFinished, 'findings' | 'judgement'>> &
    Partial<Pick<AttemptInfo, 'error' | 'reason' | 'stdout' | 'stderr'>>;
  /** The first attempt fails. */
  readonly flaky?: boolean;
  /** Its updates while it runs, evenly spread. */
  readonly updates?: readonly TaskUpdate[];
}

interface TaskRun {
  readonly task: DemoTask;
  readonly attempts: AttemptInfo[];
  state: 'waiting' | 'running' | 'done' | 'failed';
  worker: string;
  startedAt: number;
  endsAt: number;
  /** False while it waits for its next attempt. */
  started: boolean;
  updatesSent: number;
  lastUpdateAt: number;
}

export interface Demo {
  readonly tasks: readonly DemoTask[];
  /** Workers by pool. */
  readonly pools: Readonly<Record<string, number>>;
}

const RETRY_AFTER = 1500;

export class SimulatedRun implements InspectableRun {
  readonly #runs: readonly TaskRun[];
  readonly #pools: Readonly<Record<string, number>>;
  readonly #reporter: RunListener;
  #now = 0;
  #isOver = false;
  #reported = 0;

  constructor(demo: Demo, reporter: RunListener, startedAt: number) {
    this.#reporter = reporter;
    this.#pools = demo.pools;
    this.#runs = demo.tasks.map((task) => ({
      ...{
        task,
        attempts: [],
        state: 'waiting',
        worker: '',
        startedAt: 0,
        endsAt: 0,
        started: false,
        updatesSent: 0,
        lastUpdateAt: 0,
      },
    }));
    reporter.attach(this);
    const pools = Object.keys(demo.pools).map((name) => ({ name, kind: name }));
    this.#report({
      ...{ type: 'run-started', version: runEventVersion, atMs: 0, startedAt, pools },
      ...{ id: 'run', root: '/home/ada/suite', versions: { node: process.versions.node } },
    });
    const tasks = demo.tasks.map(
      ({ path, expected }, id): TaskInfo => ({
        ...{ id, path, callPath: path.split('/'), nameKind: 'explicit', recallable: true, rerunnable: true },
        slowAfterMs: 20_000,
        ...(expected !== undefined && { weightMs: expected }),
      }),
    );
    this.#report({ type: 'tasks-added', atMs: 0, origin: 'start', tasks });
    this.#dispatch();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Plays up to that moment. */
  advanceTo(moment: number): void {
    for (
      let next = this.#next();
      next !== undefined && next.atMs <= moment && !this.#isOver;
      next = this.#next()
    ) {
      this.#now = next.atMs;
      next.act();
    }
    this.#now = Math.max(this.#now, moment);
  }

  /** Starts nothing more: waiting tasks are skipped. */
  drain(reason: string): void {
    for (const run of this.#in('waiting')) this.#skip(run, reason);
  }

  inspect(): Inspection {
    const running = this.#in('running');
    const waiting = this.#in('waiting');
    return {
      version: 1,
      atMs: this.#now,
      counts: {
        waiting: waiting.length,
        running: running.length,
        finished: this.#in('done').length,
        skipped: this.#in('failed').length,
      },
      running: running.map(({ task, worker, startedAt, lastUpdateAt, attempts }) => ({
        ...{ path: task.path, attempt: attempts.length + 1, pool: poolOf(task), worker },
        ...{ sinceMs: startedAt, lastSignOfLifeMs: lastUpdateAt },
      })),
      waiting: waiting.map((run) => ({
        path: run.task.path,
        for: this.#blockerOf(run) ?? this.#noSlot(run),
      })),
      resources: this.#held(),
      pools: Object.entries(this.#pools).map(([name, slots]) => ({
        ...{ name, kind: name, slots },
        dispatched: running.filter(({ task }) => poolOf(task) === name).length,
      })),
    };
  }

  #in(state: TaskRun['state']): TaskRun[] {
    return this.#runs.filter((run) => run.state === state);
  }

  /** The next event: the start, an update or the end of a task. */
  #next(): { readonly atMs: number; readonly act: () => void } | undefined {
    const moments = this.#in('running').flatMap((run) => {
      const { updates = [], lasts } = run.task;
      if (!run.started) return [{ atMs: run.startedAt, act: () => this.#startAttempt(run) }];
      const update = updates[run.updatesSent];
      const end = { atMs: run.endsAt, act: () => this.#end(run) };
      if (update === undefined) return [end];
      const atMs = run.startedAt + (lasts * (run.updatesSent + 1)) / (updates.length + 1);
      return [end, { atMs, act: () => this.#sendUpdate(run, update) }];
    });
    return moments.sort((a, b) => a.atMs - b.atMs)[0];
  }

  #sendUpdate(run: TaskRun, update: TaskUpdate): void {
    run.updatesSent++;
    run.lastUpdateAt = this.#now;
    const attempt = run.attempts.length + 1;
    this.#reporter.taskUpdate({ atMs: this.#now, ...this.#taskOf(run), attempt, update: update });
  }

  #end(run: TaskRun): void {
    const { task, attempts, worker, startedAt } = run;
    const willRetry = task.flaky === true && attempts.length === 0;
    const { status = 'returned', findings = [], judgement, ...facts } = task.ends ?? {};
    const attempt: AttemptInfo = {
      ...{ attempt: attempts.length + 1, worker, startedAtMs: startedAt, durationMs: this.#now - startedAt },
      ...(willRetry ? { outcome: 'failed', reason: 'connection reset' } : { outcome: status, ...facts }),
    };
    attempts.push(attempt);
    this.#report({
      ...{ type: 'attempt-ended', atMs: this.#now, ...this.#taskOf(run), attempt },
      ...(willRetry && { retryInMs: RETRY_AFTER }),
    });
    if (willRetry) {
      this.#start(run, worker, RETRY_AFTER);
      return;
    }
    run.state = status === 'returned' ? 'done' : 'failed';
    this.#report({
      ...{
        type: 'task-finished',
        atMs: this.#now,
        ...this.#taskOf(run),
        callPath: task.path.split('/'),
        status,
        attempts,
      },
      ...{ findings, flaky: task.flaky === true, slow: task.lasts > 20_000 },
      ...(judgement !== undefined && { judgement }),
      durationMs: attempts.reduce((sum, { durationMs }) => sum + durationMs, 0),
    });
    this.#dispatch();
  }

  #dispatch(): void {
    for (const run of this.#in('waiting')) {
      const broken = this.#providersOf(run).find(({ state }) => state === 'failed');
      if (broken !== undefined) this.#skip(run, `requires "${broken.task.path}"`, broken);
      else if (this.#blockerOf(run) === undefined) this.#startIfFree(run);
    }
    if (this.#in('running').length === 0 && this.#in('waiting').length === 0) this.#finish();
  }

  #startIfFree(run: TaskRun): void {
    const pool = poolOf(run.task);
    const busy = new Set(this.#in('running').map(({ worker }) => worker));
    const workers = Array.from({ length: this.#pools[pool] ?? 1 }, (_, index) => `${pool}-${index + 1}`);
    const free = workers.find((worker) => !busy.has(worker));
    if (free !== undefined) this.#start(run, free, 0);
  }

  #start(run: TaskRun, worker: string, delay: number): void {
    const startedAt = this.#now + delay;
    Object.assign(run, {
      state: 'running',
      worker,
      startedAt,
      endsAt: startedAt + run.task.lasts,
      started: false,
    });
    if (delay === 0) this.#startAttempt(run);
  }

  #startAttempt(run: TaskRun): void {
    Object.assign(run, { started: true, updatesSent: 0, lastUpdateAt: this.#now });
    const { worker, attempts } = run;
    const attempt = attempts.length + 1;
    this.#report({ type: 'task-started', atMs: this.#now, ...this.#taskOf(run), attempt, worker });
  }

  #skip(run: TaskRun, why: string, because?: TaskRun): void {
    const { path } = run.task;
    run.state = 'failed';
    const root =
      because === undefined ? [] : [{ task: because.task.path, why: because.task.ends?.status ?? 'skipped' }];
    const reason = [{ task: path, why }, ...root];
    this.#report({
      ...{ type: 'task-skipped', atMs: this.#now, ...this.#taskOf(run), callPath: path.split('/'), reason },
    });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#report({ type: 'run-ended', atMs: this.#now, counts: {}, poisoned: [] });
  }

  #taskOf(run: TaskRun): { readonly task: number; readonly path: string } {
    return { task: this.#runs.indexOf(run), path: run.task.path };
  }

  #providersOf({ task }: TaskRun): TaskRun[] {
    return this.#runs.filter((run) => task.requires?.includes(run.task.path));
  }

  #blockerOf(run: TaskRun): WaitingFor | undefined {
    const open = this.#providersOf(run).filter(({ state }) => state !== 'done');
    const [first] = open;
    if (first !== undefined) {
      return { kind: 'requirement', requirement: `"${first.task.path}"`, providers: [first.task.path] };
    }
    const { uses = [], claims = [] } = run.task;
    for (const resource of [...claims, ...uses]) {
      const holders = this.#in('running').filter(({ task }) => {
        const others = claims.includes(resource)
          ? [...(task.uses ?? []), ...(task.claims ?? [])]
          : (task.claims ?? []);
        return others.some((other) => overlap(other, resource));
      });
      if (holders.length > 0)
        return { kind: 'resource', resource, holders: holders.map(({ task }) => task.path) };
    }
    return undefined;
  }

  #noSlot({ task }: TaskRun): WaitingFor {
    return { kind: 'slot', pool: poolOf(task) };
  }

  #held(): HeldResource[] {
    return this.#in('running').flatMap(({ task }) =>
      (task.claims ?? []).map((resource) => ({
        ...{ resource, waiting: [] },
        holders: [{ path: task.path, how: 'claims' as const }],
      })),
    );
  }

  #report(event: Unnumbered): void {
    this.#reporter.event({ ...event, seq: ++this.#reported });
  }
}

function poolOf({ pool = 'process' }: DemoTask): string {
  return pool;
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
