/**
 * A run that is only acted: a cast of tasks, a few locks, a clock that is told how far to go. It tells a reporter what a real
 * run would, and can be looked into like one. For whoever changes the views; nothing of it is published.
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

/** The play numbers its events itself. */
type Unnumbered = RunEvent extends infer Event
  ? Event extends RunEvent
    ? Omit<Event, 'seq'>
    : never
  : never;

/** One task of the play. Times are milliseconds. */
export interface Role {
  readonly path: string;
  readonly lasts: number;
  /** What history says. */
  readonly expected?: number;
  readonly pool?: string;
  readonly requires?: readonly string[];
  readonly uses?: readonly string[];
  readonly claims?: readonly string[];
  /** How it ends, where it does not just return. */
  readonly ends?: Pick<TaskFinished, 'status'> &
    Partial<Pick<TaskFinished, 'findings' | 'judgement'>> &
    Partial<Pick<AttemptInfo, 'error' | 'reason' | 'stdout' | 'stderr'>>;
  /** The first attempt fails. */
  readonly flaky?: boolean;
  /** What it says while it runs, evenly spread. */
  readonly says?: readonly TaskUpdate[];
}

interface Actor {
  readonly role: Role;
  readonly attempts: AttemptInfo[];
  state: 'waiting' | 'running' | 'done' | 'failed';
  worker: string;
  startedAt: number;
  endsAt: number;
  /** False while it waits for its next attempt. */
  begun: boolean;
  said: number;
  heardAt: number;
}

export interface Cast {
  readonly roles: readonly Role[];
  /** Workers by pool. */
  readonly pools: Readonly<Record<string, number>>;
}

const RETRY_AFTER = 1500;

export class Rehearsal implements InspectableRun {
  readonly #actors: readonly Actor[];
  readonly #pools: Readonly<Record<string, number>>;
  readonly #reporter: RunListener;
  #now = 0;
  #isOver = false;
  #told = 0;

  constructor(cast: Cast, reporter: RunListener, startedAt: number) {
    this.#reporter = reporter;
    this.#pools = cast.pools;
    this.#actors = cast.roles.map((role) => ({
      ...{
        role,
        attempts: [],
        state: 'waiting',
        worker: '',
        startedAt: 0,
        endsAt: 0,
        begun: false,
        said: 0,
        heardAt: 0,
      },
    }));
    reporter.attach(this);
    const pools = Object.keys(cast.pools).map((name) => ({ name, kind: name }));
    this.#tell({
      ...{ type: 'run-started', version: runEventVersion, atMs: 0, startedAt, pools },
      ...{ id: 'rehearsal', root: '/home/ada/suite', versions: { node: process.versions.node } },
    });
    const tasks = cast.roles.map(
      ({ path, expected }, id): TaskInfo => ({
        ...{ id, path, callPath: path.split('/'), nameKind: 'explicit', recallable: true, rerunnable: true },
        slowAfterMs: 20_000,
        ...(expected !== undefined && { weightMs: expected }),
      }),
    );
    this.#tell({ type: 'tasks-added', atMs: 0, origin: 'start', tasks });
    this.#dispatch();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Plays on up to that moment. */
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

  /** No further starts: what waits is skipped. */
  drain(reason: string): void {
    for (const actor of this.#in('waiting')) this.#skip(actor, reason);
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
      running: running.map(({ role, worker, startedAt, heardAt, attempts }) => ({
        ...{ path: role.path, attempt: attempts.length + 1, pool: poolOf(role), worker },
        ...{ sinceMs: startedAt, lastSignOfLifeMs: heardAt },
      })),
      waiting: waiting.map((actor) => ({
        path: actor.role.path,
        for: this.#obstacleOf(actor) ?? this.#noSlot(actor),
      })),
      resources: this.#held(),
      pools: Object.entries(this.#pools).map(([name, slots]) => ({
        ...{ name, kind: name, slots },
        dispatched: running.filter(({ role }) => poolOf(role) === name).length,
      })),
    };
  }

  #in(state: Actor['state']): Actor[] {
    return this.#actors.filter((actor) => actor.state === state);
  }

  /** The next thing that happens: somebody says something, or comes to an end. */
  #next(): { readonly atMs: number; readonly act: () => void } | undefined {
    const moments = this.#in('running').flatMap((actor) => {
      const { says = [], lasts } = actor.role;
      if (!actor.begun) return [{ atMs: actor.startedAt, act: () => this.#begin(actor) }];
      const news = says[actor.said];
      const end = { atMs: actor.endsAt, act: () => this.#end(actor) };
      if (news === undefined) return [end];
      const atMs = actor.startedAt + (lasts * (actor.said + 1)) / (says.length + 1);
      return [end, { atMs, act: () => this.#say(actor, news) }];
    });
    return moments.sort((a, b) => a.atMs - b.atMs)[0];
  }

  #say(actor: Actor, news: TaskUpdate): void {
    actor.said++;
    actor.heardAt = this.#now;
    const attempt = actor.attempts.length + 1;
    this.#reporter.taskUpdate({ atMs: this.#now, ...this.#taskOf(actor), attempt, update: news });
  }

  #end(actor: Actor): void {
    const { role, attempts, worker, startedAt } = actor;
    const willRetry = role.flaky === true && attempts.length === 0;
    const { status = 'returned', findings = [], judgement, ...facts } = role.ends ?? {};
    const attempt: AttemptInfo = {
      ...{ attempt: attempts.length + 1, worker, startedAtMs: startedAt, durationMs: this.#now - startedAt },
      ...(willRetry ? { outcome: 'failed', reason: 'connection reset' } : { outcome: status, ...facts }),
    };
    attempts.push(attempt);
    this.#tell({
      ...{ type: 'attempt-ended', atMs: this.#now, ...this.#taskOf(actor), attempt },
      ...(willRetry && { retryInMs: RETRY_AFTER }),
    });
    if (willRetry) {
      this.#start(actor, worker, RETRY_AFTER);
      return;
    }
    actor.state = status === 'returned' ? 'done' : 'failed';
    this.#tell({
      ...{
        type: 'task-finished',
        atMs: this.#now,
        ...this.#taskOf(actor),
        callPath: role.path.split('/'),
        status,
        attempts,
      },
      ...{ findings, flaky: role.flaky === true, slow: role.lasts > 20_000 },
      ...(judgement !== undefined && { judgement }),
      durationMs: attempts.reduce((sum, { durationMs }) => sum + durationMs, 0),
    });
    this.#dispatch();
  }

  #dispatch(): void {
    for (const actor of this.#in('waiting')) {
      const broken = this.#providersOf(actor).find(({ state }) => state === 'failed');
      if (broken !== undefined) this.#skip(actor, `requires "${broken.role.path}"`, broken);
      else if (this.#obstacleOf(actor) === undefined) this.#startIfFree(actor);
    }
    if (this.#in('running').length === 0 && this.#in('waiting').length === 0) this.#finish();
  }

  #startIfFree(actor: Actor): void {
    const pool = poolOf(actor.role);
    const busy = new Set(this.#in('running').map(({ worker }) => worker));
    const workers = Array.from({ length: this.#pools[pool] ?? 1 }, (_, index) => `${pool}-${index + 1}`);
    const free = workers.find((worker) => !busy.has(worker));
    if (free !== undefined) this.#start(actor, free, 0);
  }

  #start(actor: Actor, worker: string, delay: number): void {
    const startedAt = this.#now + delay;
    Object.assign(actor, {
      state: 'running',
      worker,
      startedAt,
      endsAt: startedAt + actor.role.lasts,
      begun: false,
    });
    if (delay === 0) this.#begin(actor);
  }

  #begin(actor: Actor): void {
    Object.assign(actor, { begun: true, said: 0, heardAt: this.#now });
    const { worker, attempts } = actor;
    const attempt = attempts.length + 1;
    this.#tell({ type: 'task-started', atMs: this.#now, ...this.#taskOf(actor), attempt, worker });
  }

  #skip(actor: Actor, why: string, because?: Actor): void {
    const { path } = actor.role;
    actor.state = 'failed';
    const root =
      because === undefined ? [] : [{ task: because.role.path, why: because.role.ends?.status ?? 'skipped' }];
    const reason = [{ task: path, why }, ...root];
    this.#tell({
      ...{ type: 'task-skipped', atMs: this.#now, ...this.#taskOf(actor), callPath: path.split('/'), reason },
    });
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tell({ type: 'run-ended', atMs: this.#now, counts: {}, poisoned: [] });
  }

  #taskOf(actor: Actor): { readonly task: number; readonly path: string } {
    return { task: this.#actors.indexOf(actor), path: actor.role.path };
  }

  #providersOf({ role }: Actor): Actor[] {
    return this.#actors.filter((actor) => role.requires?.includes(actor.role.path));
  }

  #obstacleOf(actor: Actor): WaitingFor | undefined {
    const open = this.#providersOf(actor).filter(({ state }) => state !== 'done');
    const [first] = open;
    if (first !== undefined) {
      return { kind: 'requirement', requirement: `"${first.role.path}"`, providers: [first.role.path] };
    }
    const { uses = [], claims = [] } = actor.role;
    for (const resource of [...claims, ...uses]) {
      const holders = this.#in('running').filter(({ role }) => {
        const others = claims.includes(resource)
          ? [...(role.uses ?? []), ...(role.claims ?? [])]
          : (role.claims ?? []);
        return others.some((other) => overlap(other, resource));
      });
      if (holders.length > 0)
        return { kind: 'resource', resource, holders: holders.map(({ role }) => role.path) };
    }
    return undefined;
  }

  #noSlot({ role }: Actor): WaitingFor {
    return { kind: 'slot', pool: poolOf(role) };
  }

  #held(): HeldResource[] {
    return this.#in('running').flatMap(({ role }) =>
      (role.claims ?? []).map((resource) => ({
        ...{ resource, waiting: [] },
        holders: [{ path: role.path, how: 'claims' as const }],
      })),
    );
  }

  #tell(event: Unnumbered): void {
    this.#reporter.event({ ...event, seq: ++this.#told });
  }
}

function poolOf({ pool = 'process' }: Role): string {
  return pool;
}

function overlap(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
