/**
 * What the journal of a run knows of each task, reduced from its events in their order. Knows neither the present suite nor what follows
 * from a record: see `decide.ts`.
 */
import type { Digest, OutcomeKind, ReasonLink, TaskDigests, TaskOrigin, UseInfo, Verdict } from '@pexen/core';

/** A task as it was added: the part of `TaskInfo` that records depend on. */
export interface AddedTask {
  /** Events that follow name the task by this number. */
  readonly id: number;
  readonly path: string;
  /** False where its place in a list of siblings is part of its name. */
  readonly recallable: boolean;
  readonly provides?: readonly string[];
  readonly tearsDown?: readonly string[];
  readonly uses?: readonly UseInfo[];
  readonly claims?: readonly string[];
  readonly digests?: TaskDigests;
}

/** Which execution of its task a start or a skip belongs to: what the decision about the task says. */
export interface Execution {
  /** Grows by one each time that a new result of the task counts instead of an old one. From 1. */
  readonly generation: number;
  /** The generation in which the task, or a task that it was built on, was last found changed. */
  readonly revision: number;
  /** It only provides again, or tears down again: the verdict of the task is the worse of this result and those before. */
  readonly isExtra: boolean;
}

const firstExecution: Execution = { generation: 1, revision: 1, isExtra: false };

interface OfTask {
  readonly task: number;
}

interface RecordedEnd {
  readonly outcome: OutcomeKind;
  readonly locksOk: boolean;
  readonly depsOk: boolean;
  readonly retryInMs?: number;
  readonly startsAgain?: boolean;
}

interface RecordedResult {
  readonly attempt: number;
  readonly status: OutcomeKind;
  readonly end: RecordedEnd;
  /** A value that could not be stored has the reason as `lost`. */
  readonly provided?: readonly (readonly [position: number, value: object])[];
  readonly value?: object;
  /** Its dictionary, or a text where it only has what its providers gave it. */
  readonly shared?: string | { readonly [key: string]: object };
  /** For each requirement, the paths of the providers that met it. */
  readonly metBy: readonly (readonly string[])[];
  readonly judgement?: { readonly verdict: Verdict };
  readonly code?: Digest;
}

interface RecordedSkip {
  /** `stopped`: only the end of the run prevented its start. */
  readonly cause: string;
  readonly reason: readonly ReasonLink[];
}

/** An event of a journal, as far as records depend on it. */
export type RecordedEvent =
  | { readonly type: 'session-started'; readonly boot?: string }
  | { readonly type: 'tasks-added'; readonly origin: TaskOrigin; readonly tasks: readonly AddedTask[] }
  /** Where `execution` is absent, the event belongs to the latest execution of its task. */
  | (OfTask & {
      readonly type: 'start-intended';
      readonly attempt: number;
      readonly execution?: Execution;
    })
  | (OfTask & {
      readonly type: 'attempt-started';
      readonly attempt: number;
      readonly worker?: string;
      readonly part: 'body' | 'cleanup';
      readonly execution?: Execution;
    })
  | (OfTask & { readonly type: 'start-returned' })
  | (OfTask & { readonly type: 'attempt-adopted'; readonly attempt: number; readonly from: number })
  | (OfTask & RecordedEnd & { readonly type: 'attempt-ended'; readonly attempt: number })
  | (OfTask & RecordedResult & { readonly type: 'task-finished' })
  | (OfTask & RecordedSkip & { readonly type: 'task-skipped'; readonly execution?: Execution })
  /** In a rerun: what it keeps of its parent. `boot`: the boot mark of the session in which the task ended. */
  | (OfTask & {
      readonly type: 'task-recalled';
      readonly record: RecordedResult | RecordedSkip;
      readonly isStale?: boolean;
      readonly boot?: string;
    })
  | (OfTask & { readonly type: 'provided' })
  | (OfTask & { readonly type: 'reboot-asked'; readonly count: number })
  | { readonly type: 'reboot-issued' }
  | { readonly type: 'reboot-failed' }
  | { readonly type: UnreducedType };

/** The types of events that no record depends on. */
type UnreducedType =
  | 'run-created'
  | 'file-set'
  | 'decision'
  | 'cleanup-ended'
  | 'place-joined'
  | 'place-parted'
  | 'poison-cleared'
  | 'recording-gap'
  | 'worker-lost'
  | 'late-error'
  | 'session-ended'
  | 'run-ended';

/** An event with the number of its session. */
export interface RecordedEntry {
  readonly session: number;
  readonly event: RecordedEvent;
}

/**
 * Where a task was when the journal ended.
 * - `none`: added, and nothing else is known.
 * - `intended`, `started`: an attempt without an end.
 * - `between`: an attempt ended, and another one was to follow. `cleaning`: the last attempt ended, and the task had no result yet.
 * - `rebooting`: it asked for a reboot. `up`: a service that was ready; it may be down, see `isDown`.
 * - `skipped`, `cancelled`, `ended`: it has a result.
 */
export type RecordState =
  | 'none'
  | 'intended'
  | 'started'
  | 'between'
  | 'cleaning'
  | 'rebooting'
  | 'up'
  | 'skipped'
  | 'cancelled'
  | 'ended';

/** One result of a task. */
export interface ExecutionRecord extends Execution {
  readonly outcome: OutcomeKind;
  readonly verdict: Verdict;
  readonly session: number;
}

/** A task as its latest start found it: what its result is a result of. */
export interface Basis {
  readonly digests: TaskDigests | undefined;
  /** The siblings that share its derived name, in order; empty where the path alone identifies the task. */
  readonly siblings: readonly Sibling[];
}

/** One task of a list of siblings. */
export interface Sibling {
  readonly path: string;
  readonly digests: TaskDigests | undefined;
}

/** What is known of one task. */
export interface TaskRecord {
  readonly path: string;
  readonly state: RecordState;
  readonly origin: TaskOrigin;
  readonly execution: Execution;
  /** The session of its latest start or result. */
  readonly session: number;
  /** The number of its latest attempt in this execution; 0 before the first. */
  readonly attempt: number;
  /** The worker in which its latest attempt has started, if that was recorded. */
  readonly worker?: string | undefined;
  /** How many attempts of this execution have ended. */
  readonly attemptsEnded: number;
  /** A service whose latest attempt was ready, perhaps at a start before the latest: it has no end. */
  readonly wasUp: boolean;
  /** How often it started since an attempt ended: deaths of the command while it ran. */
  readonly interruptions: number;
  /** How many of these were boots that were not requested. */
  readonly boots: number;
  /** The boot mark of the session in which its attempt without an end runs, until another session starts. */
  readonly runningMark: string | undefined;
  /** The boot mark of the session of its latest result, or of its request for a reboot. */
  readonly mark: string | undefined;
  readonly reboots: number;
  readonly basis: Basis;
  /** Did its latest result, or the latest end of an attempt, leave its resources in order? */
  readonly locksOk: boolean;
  /** Did its latest result let its dependents run? */
  readonly gave: boolean;
  /** One of its values was not stored. */
  readonly isValueLost: boolean;
  /** Which tasks met its requirements when its latest result of this generation was made, and their revisions then. */
  readonly metBy: readonly Met[];
  /** All its results, oldest first. */
  readonly executions: readonly ExecutionRecord[];
  /** Teardowns of what it provides that started after it had provided. */
  readonly tornDownBy: readonly string[];
  /** Its result was stale when a rerun kept it. */
  readonly isStale: boolean;
  /** For a skipped task. */
  readonly skip: { readonly isStopped: boolean; readonly cause: string | undefined } | undefined;
  /** Durable names of what it used and claimed. */
  readonly uses: readonly string[];
  readonly claims: readonly string[];
}

/** A provider that met a requirement. */
export interface Met {
  readonly path: string;
  readonly revision: number;
}

/**
 * What reading the journal says of it. `unrecorded`: it is whole, but tasks may have started while nothing could be recorded. `damaged`: some
 * events are missing, so that only what is recorded is certain.
 */
export type JournalHealth = 'whole' | 'unrecorded' | 'damaged';

/** The records of all tasks that the journal of a run names, by call path, in the order in which they were first added. */
export interface RunRecords {
  readonly health: JournalHealth;
  readonly tasks: ReadonlyMap<string, TaskRecord>;
}

/** Reduces the events of a journal, in their order, to one record for each call path. */
export function recordsOf(entries: Iterable<RecordedEntry>, health: JournalHealth = 'whole'): RunRecords {
  const reducer = new RecordReducer();
  for (const { session, event } of entries) reducer.handle(event, session);
  return { health, tasks: reducer.records };
}

/** The text that siblings with derived names share: `a/ping` for `a/ping` and `a/ping-2`. */
export function siblingName(path: string): string {
  return path.replace(/-\d+$/, '');
}

/**
 * The lists of siblings among tasks that are added together, by the text that they share. A list has at least one member that its place
 * identifies.
 */
export function siblingLists<T extends { readonly path: string; readonly recallable: boolean }>(
  tasks: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const names = new Set(tasks.filter(({ recallable }) => !recallable).map(({ path }) => siblingName(path)));
  const lists = new Map<string, T[]>();
  for (const task of tasks) {
    const name = siblingName(task.path);
    if (!names.has(name)) continue;
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [task]);
    else list.push(task);
  }
  return lists;
}

type EventOf<Type extends RecordedEvent['type']> = Extract<RecordedEvent, { readonly type: Type }>;

/** Reduces events to records one by one. */
export class RecordReducer {
  readonly records = new Map<string, TaskRecord>();
  /** The latest addition of each task, and its list of siblings then. */
  readonly #added = new Map<string, AddedTask>();
  readonly #siblings = new Map<string, readonly Sibling[]>();
  readonly #paths = new Map<number, string>();
  /** The record before an intended start, which the pool may return. */
  readonly #beforeStart = new Map<string, TaskRecord>();
  #session = 0;
  #mark: string | undefined;
  #isRebootIssued = false;

  /** Numbers of tasks hold in one session. In a damaged journal, the event that says those of the next one may be missing. */
  #enter(session: number): void {
    if (session === this.#session) return;
    this.#session = session;
    this.#paths.clear();
  }

  handle(event: RecordedEvent, session: number): void {
    this.#enter(session);
    switch (event.type) {
      case 'session-started':
        this.#startSession(event.boot);
        break;
      case 'tasks-added':
        this.#add(event);
        break;
      case 'start-intended':
      case 'attempt-started':
        this.#start(event, session);
        break;
      case 'start-returned':
        this.returnStart(this.#recordOf(event)?.path);
        break;
      case 'attempt-adopted':
        this.#adopt(event);
        break;
      case 'attempt-ended':
        this.#endAttempt(event);
        break;
      case 'task-finished':
        this.#finish(event, event, session);
        break;
      case 'task-skipped':
        this.#skip(event, event, session);
        break;
      case 'task-recalled':
        this.#recall(event, session);
        break;
      case 'provided':
        this.#change(event, () => ({ state: 'up', wasUp: true }));
        break;
      case 'reboot-asked':
        // The end of the session is not an interruption, since the attempt asked for it.
        this.#change(event, ({ interruptions }) => ({
          ...{ state: 'rebooting', reboots: event.count, mark: this.#mark, runningMark: undefined },
          interruptions: Math.max(0, interruptions - 1),
        }));
        break;
      case 'reboot-issued':
        this.#isRebootIssued = true;
        break;
      case 'reboot-failed':
        this.#failReboot();
        break;
      case 'run-created':
      case 'file-set':
      case 'decision':
      case 'cleanup-ended':
      case 'place-joined':
      case 'place-parted':
      case 'poison-cleared':
      case 'recording-gap':
      case 'worker-lost':
      case 'late-error':
      case 'session-ended':
      case 'run-ended':
        break;
      default:
        event satisfies never;
    }
  }

  /** Attempts without an end were interrupted by the end of the session before. */
  #startSession(mark: string | undefined): void {
    for (const [path, record] of this.records) {
      if (record.runningMark === undefined) continue;
      const isBoot = record.runningMark !== mark && !this.#isRebootIssued;
      this.records.set(path, { ...record, runningMark: undefined, boots: record.boots + (isBoot ? 1 : 0) });
    }
    this.#mark = mark;
    this.#isRebootIssued = false;
  }

  /** The machine did not reboot: the attempt that asked for it was only interrupted. */
  #failReboot(): void {
    this.#isRebootIssued = false;
    for (const [path, record] of this.records)
      if (record.state === 'rebooting')
        this.records.set(path, {
          ...{ ...record, state: 'started', reboots: record.reboots - 1 },
          interruptions: record.interruptions + 1,
        });
  }

  #add({ tasks, origin }: EventOf<'tasks-added'>): void {
    const lists = siblingLists(tasks);
    for (const task of tasks) {
      this.#paths.set(task.id, task.path);
      this.#added.set(task.path, task);
      this.#siblings.set(
        task.path,
        (lists.get(siblingName(task.path)) ?? []).map(({ path, digests }) => ({ path, digests })),
      );
      const record = this.records.get(task.path) ?? emptyRecord(task.path, origin);
      // It may start without a record of that, and is then found as it was added.
      const isNew = record.state === 'none';
      this.records.set(task.path, isNew ? { ...record, ...this.#present(task.path) } : record);
    }
  }

  #start(event: EventOf<'start-intended' | 'attempt-started'>, session: number): void {
    if (event.type === 'attempt-started' && event.part === 'cleanup') return;
    const record = this.#recordOf(event);
    if (record === undefined) return;
    const execution = event.execution ?? executionOfStart(record);
    const isSame = isSameExecution(execution, record);
    const isIntent = event.type === 'start-intended';
    const isNewGeneration = execution.generation !== record.execution.generation;
    if (isIntent && record.state !== 'intended') this.#beforeStart.set(record.path, record);
    this.records.set(record.path, {
      ...record,
      ...this.#present(record.path),
      state: isIntent ? 'intended' : 'started',
      execution,
      session,
      attempt: event.attempt,
      worker: isIntent ? undefined : event.worker,
      attemptsEnded: isSame ? record.attemptsEnded : 0,
      wasUp: isSame && record.wasUp,
      ...this.#interrupted(record, isIntent),
      reboots: isNewGeneration ? 0 : record.reboots,
      metBy: isNewGeneration ? [] : record.metBy,
      tornDownBy: [],
      isStale: false,
      skip: undefined,
    });
    this.#withdraw(record.path);
  }

  /** Counts on while attempts have no end, whatever their numbers: a task whose digests are unknown starts over each time. */
  #interrupted(record: TaskRecord, isIntent: boolean): Partial<TaskRecord> {
    const { interruptions, boots } = isOpen(record) ? record : uninterrupted;
    return {
      interruptions: interruptions + (isIntent ? 0 : 1),
      boots,
      runningMark: isIntent ? undefined : (this.#mark ?? ''),
    };
  }

  /** What the start finds. */
  #present(path: string): Pick<TaskRecord, 'basis' | 'uses' | 'claims'> {
    const added = this.#added.get(path);
    return {
      basis: { digests: added?.digests, siblings: this.#siblings.get(path) ?? [] },
      uses: (added?.uses ?? []).filter(({ count }) => count === undefined).map(({ resource }) => resource),
      claims: added?.claims ?? [],
    };
  }

  /** The start of a teardown withdraws what it tears down. */
  #withdraw(teardown: string): void {
    const withdrawn = new Set(this.#added.get(teardown)?.tearsDown);
    if (withdrawn.size === 0) return;
    for (const record of this.records.values())
      if (record.path !== teardown && this.#provides(record.path, withdrawn))
        this.records.set(record.path, { ...record, tornDownBy: [...record.tornDownBy, teardown] });
  }

  #provides(path: string, capabilities: ReadonlySet<string>): boolean {
    const provided = this.#added.get(path)?.provides ?? [];
    return capabilities.has(`task:${path}`) || provided.some((each) => capabilities.has(each));
  }

  /** The pool has returned the start of this task that was intended. */
  returnStart(path = ''): void {
    const before = this.#beforeStart.get(path);
    if (before === undefined) return;
    this.records.set(before.path, before);
    for (const other of this.records.values())
      if (other.tornDownBy.includes(before.path))
        this.records.set(other.path, {
          ...other,
          tornDownBy: other.tornDownBy.filter((teardown) => teardown !== before.path),
        });
  }

  /** The attempt goes on as it was: the end of the session before has not interrupted it. */
  #adopt(event: EventOf<'attempt-adopted'>): void {
    const { attempt, from } = event;
    const record = this.#recordOf(event);
    if (record === undefined) return;
    const { interruptions } = isOpen(record) ? record : uninterrupted;
    const isKnown = record.state === 'started';
    this.records.set(record.path, {
      ...record,
      ...(isOpen(record) ? {} : this.#present(record.path)),
      ...{ state: 'started', session: from, attempt, tornDownBy: [], skip: undefined },
      interruptions: isKnown ? interruptions : interruptions + 1,
      runningMark: this.#mark ?? '',
    });
    this.#withdraw(record.path);
  }

  #endAttempt(event: EventOf<'attempt-ended'>): void {
    this.#change(event, (record) => ({
      state: stateBehind(event),
      attempt: event.attempt,
      attemptsEnded: record.attemptsEnded + 1,
      wasUp: false,
      locksOk: event.locksOk,
      ...uninterrupted,
    }));
  }

  #finish(of: OfTask, result: RecordedResult, session: number): void {
    this.#change(of, (record) => {
      const { status: outcome, end } = result;
      const verdict = result.judgement?.verdict ?? verdictOf(outcome, result.attempt);
      return {
        state: outcome === 'cancelled' ? 'cancelled' : 'ended',
        session,
        attempt: result.attempt,
        attemptsEnded: result.attempt,
        wasUp: false,
        mark: this.#mark,
        basis: withCode(record.basis, result.code),
        locksOk: end.locksOk,
        gave: outcome === 'returned' || (outcome === 'failed' && end.depsOk),
        isValueLost: valuesOf(result).some((value) => value !== undefined && 'lost' in value),
        metBy: this.#metBy(result),
        executions: [...record.executions, { ...record.execution, outcome, verdict, session }],
        ...uninterrupted,
      };
    });
  }

  #metBy({ metBy }: RecordedResult): readonly Met[] {
    return [...new Set(metBy.flat())].map((path) => ({
      path,
      revision: this.records.get(path)?.execution.revision ?? 1,
    }));
  }

  /**
   * A skip instead of an extra execution changes nothing. Any other skip replaces a result that was there before, and what was built on that
   * result is stale.
   */
  #skip(of: OfTask & { readonly execution?: Execution }, skip: RecordedSkip, session: number): void {
    this.#change(of, (record) => {
      const execution = of.execution ?? executionOfSkip(record);
      if (execution.isExtra && record.executions.length > 0) return { state: 'ended', ...uninterrupted };
      return {
        state: 'skipped',
        execution,
        ...(isSameExecution(execution, record) ? {} : unattempted),
        session,
        gave: false,
        metBy: [],
        skip: { isStopped: skip.cause === 'stopped', cause: skip.reason.at(-1)?.task },
        isStale: false,
        ...uninterrupted,
      };
    });
  }

  #recall(event: EventOf<'task-recalled'>, session: number): void {
    const { record: recalled } = event;
    if ('cause' in recalled) this.#skip({ task: event.task }, recalled, session);
    else {
      this.#change(event, (record) => this.#present(record.path));
      this.#finish(event, recalled, session);
      this.#withdraw(this.#paths.get(event.task) ?? '');
    }
    this.#change(event, () => ({ isStale: event.isStale ?? false, mark: event.boot }));
  }

  #change(event: OfTask, changed: (record: TaskRecord) => Partial<TaskRecord>): void {
    const record = this.#recordOf(event);
    if (record !== undefined) this.records.set(record.path, { ...record, ...changed(record) });
  }

  /** Undefined where the addition of the task is missing, in a damaged journal. */
  #recordOf({ task }: OfTask): TaskRecord | undefined {
    return this.records.get(this.#paths.get(task) ?? '');
  }
}

function valuesOf({ value, provided = [], shared = '' }: RecordedResult): readonly (object | undefined)[] {
  const ofShared = typeof shared === 'string' ? [] : Object.values(shared);
  return [value, ...provided.map(([, each]) => each), ...ofShared];
}

const uninterrupted = { interruptions: 0, boots: 0, runningMark: undefined } as const;
/** What a new generation begins with. */
const unattempted = { attempt: 0, attemptsEnded: 0, wasUp: false, reboots: 0 } as const;

function emptyRecord(path: string, origin: TaskOrigin): TaskRecord {
  return {
    path,
    state: 'none',
    origin,
    execution: firstExecution,
    session: 0,
    attempt: 0,
    attemptsEnded: 0,
    wasUp: false,
    ...uninterrupted,
    mark: undefined,
    reboots: 0,
    basis: { digests: undefined, siblings: [] },
    locksOk: true,
    gave: false,
    isValueLost: false,
    metBy: [],
    executions: [],
    tornDownBy: [],
    isStale: false,
    skip: undefined,
    uses: [],
    claims: [],
  };
}

function stateBehind({ retryInMs, startsAgain }: RecordedEnd): RecordState {
  if (startsAgain === true) return 'up';
  return retryInMs === undefined ? 'cleaning' : 'between';
}

/** True for a service that was ready and has ended, and starts again when a task needs it. */
export function isDown({ state, attempt, attemptsEnded }: TaskRecord): boolean {
  return state === 'up' && attemptsEnded >= attempt;
}

/** True where an attempt of it may have started, in whichever execution: what that did stands until it is torn down. */
export function everStarted({ attempt, executions }: TaskRecord): boolean {
  return attempt > 0 || executions.length > 0;
}

/** True where nothing of it may have started. */
export function isUnstarted(record: TaskRecord | undefined): boolean {
  return record === undefined || record.state === 'none' || record.state === 'skipped';
}

function isOpen({ state }: TaskRecord): boolean {
  return state === 'intended' || state === 'started';
}

/** A start that names no execution, of a task that has ended, is an extra one: it cannot replace the result. */
function executionOfStart({ state, execution }: TaskRecord): Execution {
  return state === 'ended' ? { ...execution, isExtra: true } : execution;
}

function executionOfSkip({ state, execution }: TaskRecord): Execution {
  if (state !== 'ended') return execution;
  const { generation, revision } = execution;
  return { generation: generation + 1, revision: revision + 1, isExtra: false };
}

/** False for the start of a new generation, and for that of an extra execution. */
function isSameExecution(execution: Execution, record: TaskRecord): boolean {
  const isNewExtra = execution.isExtra && record.state === 'ended';
  return execution.generation === record.execution.generation && !isNewExtra;
}

function withCode(basis: Basis, code: Digest | undefined): Basis {
  if (code === undefined || basis.digests === undefined) return basis;
  return { ...basis, digests: { ...basis.digests, code } };
}

const verdicts: Readonly<Record<OutcomeKind, Verdict>> = {
  returned: 'pass',
  failed: 'fail',
  threw: 'error',
  'skipped-itself': 'skip',
  'timed-out': 'timeout',
  cancelled: 'cancelled',
  crashed: 'crashed',
  lost: 'crashed',
};

function verdictOf(outcome: OutcomeKind, attempt: number): Verdict {
  return outcome === 'returned' && attempt > 1 ? 'flaky' : verdicts[outcome];
}
