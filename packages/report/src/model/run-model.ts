/**
 * The state of one run, computed from its events, task updates and inspections: pure, JSON in, JSON out. Everything that shows or writes a run
 * reads this model. An event or task update costs the same however many tasks there are; an inspection costs as much as it is long.
 */
import type {
  AttemptEnded,
  HeldResource,
  InspectedService,
  Inspection,
  PoolState,
  RunEvent,
  RunStarted,
  ServiceReady,
  ServiceStopping,
  TaskFinished,
  TaskInfo,
  TaskSkipped,
  TaskUpdateEvent,
  Versions,
} from '@pexen/core';
import type { Change, LateError, LostWorker } from './change.ts';
import { Estimate } from './estimate.ts';
import { resultOf, Tally, type Totals } from './results.ts';
import type { EndedTask, RunningAttempt, RunTask, TaskSnapshot } from './run-task.ts';
import { serviceEnded, serviceReady, serviceStarted, serviceStopping } from './services.ts';
import { ChangeOrder, LinkedList, type Mutable, TaskIndex, TaskRecord } from './task-records.ts';
import { type WaitingGroups, WaitingTasks } from './waiting.ts';

/** How much of the last output is kept, characters: a long line. */
const TAIL = 400;
/** How many late errors and lost workers are listed. */
const MOST_LISTED = 200;

/** One for all: most tasks have none of it. */
const none: readonly never[] = [];

/** Options of a model. */
export interface RunModelOptions {
  /** `open`: only tasks without a result are kept, and counts and lists of bounded length for the others. Default: `all`. */
  readonly keeps?: 'all' | 'open';
}

/** The run as a whole. The fields of its first event are undefined before that. */
export interface RunFacts {
  readonly id: string | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number | undefined;
  /** The directory that the files of tasks are relative to. */
  readonly root: string | undefined;
  readonly versions: Versions | undefined;
  readonly pools: readonly { readonly name: string; readonly kind: string }[];
  /** The time of the latest event, ms from the start of the run. */
  readonly atMs: number;
  readonly hasEnded: boolean;
  /** Why it ended early, if it did. */
  readonly endReason: string | undefined;
  /** Resources that stayed poisoned; known once the run has ended. */
  readonly poisoned: readonly string[];
}

/** How many tasks are in each state; the five states add up to `tasks`. */
export interface StateCounts {
  readonly tasks: number;
  readonly waiting: number;
  readonly running: number;
  readonly retrying: number;
  /** Services that have started and have no result yet. */
  readonly serving: number;
  readonly done: number;
}

/** The facts that are only in inspections, from the last one. */
export interface Inspected {
  readonly atMs: number;
  /** Resources that are held, waited for or poisoned. */
  readonly resources: readonly HeldResource[];
  readonly pools: readonly PoolState[];
  /** Services that are not over, with the tasks that need them. */
  readonly services: readonly InspectedService[];
  /** The group whose turn it is. */
  readonly group: string | undefined;
}

/** A run at one moment, as JSON. All parts are of the same moment. */
export interface RunSnapshot {
  readonly version: number;
  readonly run: RunFacts;
  readonly counts: StateCounts;
  readonly totals: Totals;
  /** Tasks that are `running` or `retrying`, in the order in which their attempts started. */
  readonly running: readonly TaskSnapshot[];
  /** Tasks that are `serving`, in the order of their first starts. */
  readonly services: readonly TaskSnapshot[];
  readonly waiting: WaitingGroups;
  /** Undefined before the first inspection. */
  readonly inspected: Inspected | undefined;
  /** At most 200 are listed. */
  readonly lateErrors: { readonly count: number; readonly listed: readonly LateError[] };
  readonly lostWorkers: { readonly count: number; readonly listed: readonly LostWorker[] };
}

/** A value that is computed on demand and kept until `clear`. */
class Cached<Value> {
  readonly #make: () => Value;
  #value: Value | undefined;

  constructor(make: () => Value) {
    this.#make = make;
  }

  get(): Value {
    this.#value ??= this.#make();
    return this.#value;
  }

  clear(): void {
    this.#value = undefined;
  }
}

/**
 * A model without a run; feed it with the events of one run, in their order.
 *
 * @example
 * const model = new RunModel();
 * for (const line of readFileSync('events.jsonl', 'utf8').trimEnd().split('\n')) model.apply(JSON.parse(line));
 * console.log(model.counts, model.snapshot().totals.notPassed);
 */
export class RunModel {
  readonly #keepsAll: boolean;
  readonly #tasks = new TaskIndex();
  readonly #waiting = new WaitingTasks();
  readonly #underWay = new LinkedList<TaskRecord>();
  readonly #serving = new LinkedList<TaskRecord>();
  readonly #ended = new LinkedList<TaskRecord>();
  readonly #changes = new ChangeOrder();
  readonly #work = new Estimate();
  readonly #tally = new Tally();
  readonly #lateErrors: LateError[] = [];
  readonly #lostWorkers: LostWorker[] = [];
  readonly #waitingView = new Cached(() => this.#waiting.view());
  readonly #totals = new Cached(() => this.#tally.totals());
  readonly #runningView = new Cached(() => snapshotsOf(this.#underWay));
  readonly #servicesView = new Cached(() => snapshotsOf(this.#serving));
  #version = 0;
  #added = 0;
  #done = 0;
  #retrying = 0;
  #lateCount = 0;
  #lostCount = 0;
  #started: RunStarted | undefined;
  #atMs = 0;
  #hasEnded = false;
  #endReason: string | undefined;
  #poisoned: readonly string[] = [];
  #inspected: Inspected | undefined;

  constructor(options: RunModelOptions = {}) {
    this.#keepsAll = options.keeps !== 'open';
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  get run(): RunFacts {
    const { id, startedAt, root, versions, pools = none } = this.#started ?? {};
    return {
      ...{ id, startedAt, root, versions, pools },
      ...{ atMs: this.#atMs, hasEnded: this.#hasEnded, endReason: this.#endReason, poisoned: this.#poisoned },
    };
  }

  get counts(): StateCounts {
    const [underWay, serving] = [this.#underWay.size, this.#serving.size];
    return {
      ...{ tasks: this.#added, waiting: this.#added - this.#done - underWay - serving },
      ...{ running: underWay - this.#retrying, retrying: this.#retrying, serving, done: this.#done },
    };
  }

  /** The results so far. */
  get totals(): Totals {
    return this.#totals.get();
  }

  /** The task with that path, unless it is unknown, or ended and not kept. */
  task(path: string): RunTask | undefined {
    return this.#tasks.at(path);
  }

  /** All tasks that are kept, in the order in which they were added. */
  tasks(): Iterable<RunTask> {
    return this.#tasks.all();
  }

  /** Tasks that are `running` or `retrying`, in the order in which their attempts started. */
  running(): Iterable<RunTask> {
    return this.#underWay;
  }

  /** Tasks that are `serving`, in the order of their first starts. */
  services(): Iterable<RunTask> {
    return this.#serving;
  }

  /** Tasks that are done, in the order of their ends. Empty in a model that keeps only open tasks. */
  ended(): Iterable<EndedTask> {
    return this.#ended as Iterable<EndedTask>;
  }

  /** The share of the work that is done, 0 to 1, at `nowMs` from the start of the run. */
  fraction(nowMs: number): number {
    return this.#work.fraction(nowMs, this.#atWork());
  }

  /** The estimated remaining time, ms; undefined while too little is known. */
  remainingMs(nowMs: number): number | undefined {
    return this.#work.remainingMs(nowMs, this.#atWork());
  }

  /**
   * The run at this moment. Costs as much as there are running tasks and changes since the last snapshot, and shares unchanged parts with that.
   * Tasks that do not run are not in it: see `changedSince`.
   */
  snapshot(): RunSnapshot {
    return {
      ...{ version: this.#version, run: this.run, counts: this.counts, totals: this.#totals.get() },
      ...{ running: this.#runningView.get(), services: this.#servicesView.get() },
      ...{ waiting: this.#waitingView.get(), inspected: this.#inspected },
      lateErrors: { count: this.#lateCount, listed: [...this.#lateErrors] },
      lostWorkers: { count: this.#lostCount, listed: [...this.#lostWorkers] },
    };
  }

  /**
   * The tasks that changed after that version of the model, the earliest change first; with 0, all that are kept. Costs as much as there
   * are such tasks.
   */
  changedSince(version: number): TaskSnapshot[] {
    return this.#changes.since(version).map((task) => task.snapshot());
  }

  /** Applies one event. Returns what it changed. */
  apply(event: RunEvent): Change {
    this.#version++;
    if (event.atMs > this.#atMs) this.#atMs = event.atMs;
    switch (event.type) {
      case 'run-started':
        this.#started = event;
        return { kind: 'run-started' };
      case 'tasks-added':
        return { kind: 'tasks-added', atMs: event.atMs, tasks: this.#add(event.tasks, event.atMs) };
      case 'task-started':
        return { kind: 'attempt-started', task: this.#start(event) };
      case 'attempt-ended': {
        const { attempt, retryInMs, died = false } = event;
        const task = this.#endAttempt(event);
        return { kind: 'attempt-ended', task, attempt, retryInMs, died };
      }
      case 'service-ready':
        return { kind: 'service-ready', task: this.#getReady(event), afterMs: event.afterMs };
      case 'service-stopping':
        return { kind: 'service-stopping', task: this.#stopService(event), why: event.why };
      case 'task-finished':
      case 'task-skipped':
        return { kind: 'task-ended', task: this.#end(event) };
      case 'worker-lost': {
        const { atMs, pool, worker, reason } = event;
        return { kind: 'worker-lost', lost: this.#lose({ atMs, pool, worker, reason }) };
      }
      case 'late-error': {
        const { atMs, pool, worker, tasks, error } = event;
        return { kind: 'late-error', late: this.#surface({ atMs, pool, worker, tasks, error }) };
      }
      case 'run-ended':
        this.#hasEnded = true;
        this.#endReason = event.reason;
        this.#poisoned = event.poisoned;
        return { kind: 'run-ended' };
      default:
        return event satisfies never;
    }
  }

  /** Applies a task update. Returns undefined, and changes nothing, if the task has no running attempt. */
  applyTaskUpdate({ task: id, path, attempt, atMs, update }: TaskUpdateEvent): Change | undefined {
    const task = this.#tasks.find(id, path);
    if (task === undefined || task.state === 'done') return undefined;
    if (update.kind === 'attachment') task.attachments = [...task.attachments, update.attachment];
    const { running } = task;
    if (running?.attempt === attempt) {
      if (atMs > running.heardAtMs) running.heardAtMs = atMs;
      if (update.kind === 'output') running.tail = (running.tail + update.text.slice(-TAIL)).slice(-TAIL);
      if (update.kind === 'log') running.tail = update.message.slice(-TAIL);
      if (update.kind === 'progress') running.progress = update.progress;
      if (update.kind === 'finding' && update.finding.status === 'fail') running.failedFindings++;
    } else if (update.kind !== 'attachment') return undefined;
    this.#version++;
    this.#changed(task);
    return { kind: 'task-update', task, update };
  }

  /**
   * Applies an inspection: what waits for what, and which tasks hold what. Events win over inspections: of tasks that wait according to the
   * events, it gives the reasons.
   */
  applyInspection(inspection: Inspection): void {
    this.#version++;
    const { atMs, resources, pools, services = none, group } = inspection;
    this.#inspected = { atMs, resources, pools, services, group };
    this.#waiting.inspected(inspection, (path) => this.#tasks.at(path));
    this.#waitingView.clear();
  }

  #add(tasks: readonly TaskInfo[], atMs: number): TaskRecord[] {
    const added: TaskRecord[] = [];
    for (const facts of tasks) {
      const task = new TaskRecord(facts, atMs);
      this.#tasks.add(task);
      this.#added++;
      this.#work.add(facts.weightMs);
      this.#waiting.add(task);
      this.#changes.touch(task, this.#version);
      added.push(task);
    }
    this.#waitingView.clear();
    return added;
  }

  /** The task of an event. A task that no event has added is added now: the listener may have missed that event. */
  #find(event: TaskEvent): TaskRecord {
    return (
      this.#tasks.find(event.task, event.path) ?? (this.#add([factsOf(event)], event.atMs)[0] as TaskRecord)
    );
  }

  #start(event: Extract<RunEvent, { readonly type: 'task-started' }>): TaskRecord {
    const { attempt, worker, atMs, adoptedFrom } = event;
    const task = this.#find(event);
    if (task.facts.service === true) this.#serve(task, atMs);
    else {
      this.#setState(task, 'running', atMs);
      this.#underWay.append(task);
    }
    task.running = {
      ...{ attempt, worker, startedAtMs: atMs, heardAtMs: atMs, tail: '', failedFindings: 0 },
      ...(adoptedFrom !== undefined && { adoptedFrom }),
    };
    return task;
  }

  #endAttempt(event: AttemptEnded): TaskRecord {
    const { atMs, retryInMs } = event;
    const task = this.#find(event);
    const running: Mutable<RunningAttempt> | undefined = task.running;
    if (task.service !== undefined) task.service = serviceEnded(task.service, event);
    else if (running !== undefined && retryInMs !== undefined) this.#setState(task, 'retrying', atMs);
    if (running !== undefined && retryInMs !== undefined) running.retryAtMs = atMs + retryInMs;
    this.#changed(task);
    return task;
  }

  /** Enters the list of services at its first start, and keeps its place there. */
  #serve(task: TaskRecord, atMs: number): void {
    if (task.state !== 'serving') {
      this.#setState(task, 'serving', atMs);
      this.#serving.append(task);
    }
    task.service = serviceStarted(task.service, atMs);
    this.#changed(task);
  }

  #getReady(event: ServiceReady): TaskRecord {
    const task = this.#serviceOf(event);
    // Its weight is the time to its first readiness.
    if (!task.isWorkClosed) this.#closeWork(task, event.afterMs);
    task.service = serviceReady(task.service ?? serviceStarted(undefined, event.atMs), event);
    return task;
  }

  #stopService(event: ServiceStopping): TaskRecord {
    const task = this.#serviceOf(event);
    task.service = serviceStopping(task.service ?? serviceStarted(undefined, event.atMs), event);
    return task;
  }

  /** The service of an event. One whose start the listener has missed serves from now on. */
  #serviceOf(event: ServiceReady | ServiceStopping): TaskRecord {
    const task = this.#find(event);
    if (task.state !== 'serving') this.#serve(task, event.atMs);
    this.#changed(task);
    return task;
  }

  #end(event: TaskFinished | TaskSkipped): EndedTask {
    const task = this.#find(event);
    const result = resultOf(event);
    this.#setState(task, 'done', event.atMs);
    task.running = undefined;
    if (event.type === 'task-finished' && event.attachments !== undefined)
      task.attachments = event.attachments;
    task.result = result;
    const isService = task.facts.service === true;
    this.#tally.add(task.path, result, isService);
    this.#totals.clear();
    const isWork = result.status !== 'skipped' && result.recalled === undefined && !isService;
    if (!task.isWorkClosed) this.#closeWork(task, isWork ? result.durationMs : undefined);
    if (this.#keepsAll) this.#ended.append(task);
    else this.#forget(task);
    return task as EndedTask;
  }

  #closeWork(task: TaskRecord, durationMs: number | undefined): void {
    task.isWorkClosed = true;
    this.#work.close(task.facts.weightMs, durationMs);
  }

  /** What estimates are about: running tasks, and services that are starting for the first time. */
  #atWork(): readonly RunTask[] {
    return [...this.#underWay, ...[...this.#serving].filter(({ isWorkClosed }) => !isWorkClosed)];
  }

  #forget(task: TaskRecord): void {
    task.list?.remove(task);
    this.#changes.remove(task);
    this.#tasks.remove(task);
  }

  /** The caller also has to put the task into the list of its new state. */
  #setState(task: TaskRecord, state: TaskRecord['state'], atMs: number): void {
    if (task.state === 'retrying') this.#retrying--;
    if (task.state === 'done') this.#done--;
    if (state === 'retrying') this.#retrying++;
    if (state === 'done') this.#done++;
    if (task.state === 'waiting' || state === 'done') this.#waitingView.clear();
    task.state = state;
    task.sinceMs = atMs;
    this.#changed(task);
  }

  #changed(task: TaskRecord): void {
    this.#changes.touch(task, this.#version);
    if (task.service === undefined) this.#runningView.clear();
    else this.#servicesView.clear();
  }

  #lose(lost: LostWorker): LostWorker {
    if (this.#lostCount++ < MOST_LISTED) this.#lostWorkers.push(lost);
    return lost;
  }

  #surface(late: LateError): LateError {
    if (this.#lateCount++ < MOST_LISTED) this.#lateErrors.push(late);
    return late;
  }
}

function snapshotsOf(tasks: Iterable<TaskRecord>): TaskSnapshot[] {
  return [...tasks].map((task) => task.snapshot());
}

/** The fields that all events about a task have. */
type TaskEvent = Pick<TaskFinished, 'task' | 'path' | 'atMs'> & Partial<Pick<TaskFinished, 'callPath'>>;

/** The description of a task that no event has added, without any promises. */
function factsOf({ task: id, path, callPath = [path] }: TaskEvent): TaskInfo {
  return { id, path, callPath, nameKind: 'ordinal', recallable: false, rerunnable: false };
}
