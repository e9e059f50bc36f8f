/**
 * Decides what a resume or a rerun does with each task: collects the facts about it, and looks them up in the decision table. A pure
 * function: equal records and an equal suite give equal decisions.
 */
import { type LeftAttempt, sameDigest, type TaskDigests, unknownDigest } from '@pexen/core';
import {
  type Decision,
  type PresentSuite,
  type RerunClass,
  type ResumeAction,
  type ResumeMode,
  type SuiteTask,
  starts,
} from './decision.ts';
import { type Case, decisionTable, type Row, type RowDecision } from './decision-table.ts';
import { type PresentRequirement, SuiteIndex } from './suite-index.ts';
import { everStarted, isDown, isUnstarted, type RunRecords, type TaskRecord } from './task-record.ts';
import { isBadRecord, verdictOfExecutions } from './verdicts.ts';

/** One decision for each task of the suite, in its order, then one for each record of a task that is not in the suite. */
export function decide(records: RunRecords, suite: PresentSuite, mode: ResumeMode): readonly Decision[] {
  return decideBy(decisionTable, records, suite, mode);
}

/** Decides by another table. */
export function decideBy(
  table: readonly Row[],
  records: RunRecords,
  suite: PresentSuite,
  mode: ResumeMode,
): readonly Decision[] {
  return new Decider(table, records, suite, mode).decisions();
}

class Decider {
  readonly #table: readonly Row[];
  readonly #records: RunRecords;
  readonly #suite: PresentSuite;
  readonly #classes: readonly RerunClass[] | undefined;
  readonly #index: SuiteIndex;
  readonly #ordered: readonly SuiteTask[];
  /** Services, and tasks that were built on them: their values end with the process. */
  readonly #onServices = new Set<string>();
  /** Tasks that run because they, or what they were built on, changed. */
  readonly #renewed = new Set<string>();
  /** Tasks that changed in the same way, and keep their results. */
  readonly #stale = new Set<string>();
  /** Tasks with values that can be had as they are. */
  readonly #live = new Set<SuiteTask>();
  /** Tasks that are live, or would be after a start. */
  readonly #reachable = new Set<SuiteTask>();
  /** Tasks that start in this session, and tasks that these need. */
  readonly #running = new Set<SuiteTask>();
  readonly #needed = new Set<SuiteTask>();

  constructor(table: readonly Row[], records: RunRecords, suite: PresentSuite, mode: ResumeMode) {
    this.#table = table;
    this.#records = records;
    this.#suite = suite;
    this.#classes = mode.kind === 'rerun' ? mode.classes : undefined;
    this.#index = new SuiteIndex(suite.tasks);
    this.#ordered = this.#index.inOrder();
  }

  decisions(): readonly Decision[] {
    this.#findOnServices();
    this.#findChanges();
    this.#findReachable();
    this.#spreadNeed();
    const absent = [...this.#records.tasks.values()].filter(({ path }) => !this.#index.byPath.has(path));
    return [
      ...this.#suite.tasks.map((task) => this.#decisionOf(task, this.#recordOf(task))),
      ...absent.map((record) => this.#decisionOf(undefined, record)),
    ];
  }

  #findOnServices(): void {
    this.#repeat((task) => {
      const paths = task.isPerNode === true ? this.#mayBeMetBy(task) : this.#wasMetBy(task);
      const isOn = task.isService === true || paths.some((path) => this.#onServices.has(path));
      return isOn && grow(this.#onServices, task.path);
    });
  }

  #wasMetBy(task: SuiteTask): readonly string[] {
    return (this.#recordOf(task)?.metBy ?? []).map(({ path }) => this.#ofSuite(path));
  }

  /** The path of the task of the suite that was executed under this path. */
  #ofSuite(path: string): string {
    return this.#suite.executed?.get(path) ?? path;
  }

  #mayBeMetBy(task: SuiteTask): readonly string[] {
    return this.#index.requirementsOf(task).flatMap(({ providers }) => providers.map(({ path }) => path));
  }

  /** What changed spreads to all that was built on it: first among tasks that run, then among those that keep their results. */
  #findChanges(): void {
    this.#repeat((task) => {
      const facts = this.#caseOf(task);
      const isChanged = (facts.change ?? facts.providerChange) !== undefined;
      return isChanged && mayRenew(facts) && grow(this.#renewed, task.path);
    });
    this.#repeat((task) => {
      const { change, providerChange, staleProvider } = this.#caseOf(task);
      const isChanged = (change ?? providerChange ?? staleProvider) !== undefined;
      return isChanged && !this.#renewed.has(task.path) && grow(this.#stale, task.path);
    });
  }

  #findReachable(): void {
    this.#repeat((task) => {
      const facts = { ...this.#caseOf(task), isNeeded: true };
      const { action } = this.#lookUp(facts);
      if (action === 'keep' && facts.record?.gave === true && facts.over === undefined) this.#live.add(task);
      const others = {
        ...facts,
        providerRuns: this.#index.providersOf(task.tearsDown ?? [], task)[0]?.path,
        salvagedRuns: this.#index.providersOf(task.salvages ?? [], task)[0]?.path,
      };
      const mayStart = willStart(action, facts) || willStart(this.#lookUp(others).action, others);
      const isReachable = this.#live.has(task) || (mayStart && this.#canStart(task, this.#reachable));
      return isReachable && grow(this.#reachable, task);
    });
  }

  /** A task that starts needs the providers of each requirement that results which stand do not meet. */
  #spreadNeed(): void {
    const dependentsFirst = [...this.#ordered].reverse();
    this.#repeat((task) => {
      // A service starts only for a task that needs it.
      if (this.#running.has(task) || (task.isService === true && !this.#needed.has(task))) return false;
      const facts = this.#caseOf(task);
      if (!willStart(this.#lookUp(facts).action, facts) || !this.#canStart(task, this.#running)) return false;
      this.#running.add(task);
      for (const requirement of this.#index.requirementsOf(task))
        for (const provider of this.#missingOf(requirement)) this.#needed.add(provider);
      return true;
    }, dependentsFirst);
  }

  #canStart(task: SuiteTask, starting: ReadonlySet<SuiteTask>): boolean {
    return this.#canBeMet(task) && this.#mayHaveToSalvage(task, starting);
  }

  /** A salvage that has not started will not either, unless a task that it lists has ended badly, or starts in this session. */
  #mayHaveToSalvage(task: SuiteTask, starting: ReadonlySet<SuiteTask>): boolean {
    const { salvages = [] } = task;
    // A journal that is not whole makes tasks crash that it does not have.
    if (salvages.length === 0 || this.#records.health !== 'whole') return true;
    if (!isUnstarted(this.#recordOf(task))) return true;
    return this.#index
      .providersOf(salvages, task)
      .some((each) => starting.has(each) || mayHaveEndedBadly(this.#recordOf(each)));
  }

  #canBeMet(task: SuiteTask): boolean {
    return this.#index
      .requirementsOf(task)
      .every(({ providers, need }) => providers.filter((each) => this.#reachable.has(each)).length >= need);
  }

  #missingOf({ providers, need }: PresentRequirement): readonly SuiteTask[] {
    const missing = providers.filter((provider) => !this.#live.has(provider));
    return providers.length - missing.length >= need ? [] : missing;
  }

  #decisionOf(task: SuiteTask | undefined, record: TaskRecord | undefined): Decision {
    const facts = this.#caseOf(task, record);
    const { poisonsHolds, ...decided } = this.#lookUp(facts);
    return {
      path: task?.path ?? record?.path ?? '',
      isStale: false,
      isOver: decided.action === 'keep' && record?.gave === true && facts.over !== undefined,
      isOutstanding: decided.action === 'crash' && !hasRetries(facts),
      cleansUp: false,
      ...decided,
      ...startOf(decided, facts),
      poisons: poisonsOf(facts, poisonsHolds === true),
    };
  }

  #lookUp(facts: Case): RowDecision & { readonly row: number } {
    for (const row of this.#table) if (row.matches(facts)) return { row: row.row, ...row.decide(facts) };
    throw new Error('the last row of the decision table matches every case');
  }

  #caseOf(task: SuiteTask | undefined, record = task && this.#recordOf(task)): Case {
    const { health } = this.#records;
    const isRerun = this.#classes !== undefined;
    const isOnce = task?.rerunnable === false && !isRerun;
    const change = task && record && this.#changeOf(task, record);
    const met = this.#metChangesOf(record);
    const isBad = record !== undefined && isBadRecord(record, this.#records);
    const isChanged = (change ?? met.providerChange) !== undefined;
    const askedFor = record && this.#askedFor(record, isBad, isChanged);
    return {
      health,
      isRerun,
      task,
      record,
      isOnce,
      ...this.#stateOf(record, isOnce, isRerun),
      isSelected: task?.selected === true && (!isRerun || record === undefined || askedFor !== undefined),
      isNeeded: task !== undefined && this.#needed.has(task),
      isApplicable: task?.when === true,
      deaths: record && this.#deathsOf(record),
      change,
      ...met,
      providerRuns: this.#runningProvider(task, task?.tearsDown) ?? this.#standingProvider(task),
      salvagedRuns: this.#runningProvider(task, task?.salvages),
      askedFor,
      over: task && record && this.#overOf(task, record),
      isBad,
      left: task && record && !isRerun ? this.#leftOf(task, record) : undefined,
    };
  }

  /** The attempt of the task that is still in its pool, if that may go on: it is the one that would start next, and what it was built on stands. */
  #leftOf(task: SuiteTask, record: TaskRecord): LeftAttempt | undefined {
    const left = this.#suite.left?.find(
      (each) => each.path === task.path && this.#isNext(each, record) && isWhereItStarted(each, record),
    );
    if (left === undefined || record.origin !== 'start' || task.isService === true) return undefined;
    // Their providers may start again meanwhile.
    if ((task.tearsDown ?? []).length + (task.salvages ?? []).length > 0) return undefined;
    const providers = this.#index.requirementsOf(task).flatMap((requirement) => requirement.providers);
    const stands = (provider: SuiteTask): boolean => {
      const its = this.#recordOf(provider);
      if (this.#onServices.has(provider.path) || this.#renewed.has(provider.path)) return false;
      return its?.gave !== true || this.#overOf(provider, its) === undefined;
    };
    const change = this.#changeOf(task, { ...record, state: 'started' });
    const isChanged = (change ?? this.#metChangesOf(record).providerChange) !== undefined;
    return isChanged || !providers.every(stands) ? undefined : left;
  }

  /** Starts of tasks that may start twice are recorded late: the one after what is recorded may have happened in the last session. */
  #isNext({ attempt, session, part, state: how }: LeftAttempt, record: TaskRecord): boolean {
    const { state, attempt: last } = record;
    if (part !== 'body' || how === 'unstarted') return false;
    if (state === 'intended' || state === 'started') return attempt === last && session === record.session;
    if (session !== this.#suite.lastSession) return false;
    return state === 'none' ? attempt === 1 : state === 'between' && attempt === last + 1;
  }

  #stateOf(
    record: TaskRecord | undefined,
    isOnce: boolean,
    isRerun: boolean,
  ): Pick<Case, 'isFinal' | 'isOpen' | 'isUnfinished' | 'isRebootPending'> {
    const state = record?.state;
    const isRebootPending = state === 'rebooting' && record?.mark === this.#suite.boot;
    const isOpen = state === 'intended' || state === 'started' || (state === 'rebooting' && !isRebootPending);
    const isFinal = state === 'ended' || (state === 'cancelled' && isOnce);
    const isBetween = state === 'between' || (state === 'cleaning' && isRerun);
    return {
      isRebootPending,
      isOpen,
      isFinal,
      isUnfinished: isOpen || isBetween || (state === 'cancelled' && !isFinal),
    };
  }

  /** The class, of those that the rerun repeats, that the task belongs to. */
  #askedFor(record: TaskRecord, isBad: boolean, isChanged: boolean): RerunClass | undefined {
    const belongs = { ...classOf(record, isBad), changed: isChanged };
    return this.#classes?.find((each) => belongs[each]);
  }

  #changeOf(task: SuiteTask, record: TaskRecord): string | undefined {
    if (record.state === 'none' || record.state === 'skipped') return undefined;
    if (record.isStale) return 'its result was stale already';
    const { digests, siblings } = record.basis;
    const changed = differences(digests, task.digests);
    if (changed.length > 0) return task.difference ?? changeIn(changed, digests, task.digests);
    if (hasEndedBadly(record) && digests !== undefined && task.digests !== undefined)
      if (!sameDigest(digests.limits, task.digests.limits)) return 'its limits changed, and it ended badly';
    const present = this.#index.siblingsOf(task.path);
    const isSameList =
      present.length === siblings.length &&
      present.every((sibling, index) => {
        const other = siblings[index];
        return sibling.path === other?.path && differences(other.digests, sibling.digests).length === 0;
      });
    return isSameList ? undefined : 'its place among tasks of the same name may have changed';
  }

  #metChangesOf(record: TaskRecord | undefined): Pick<Case, 'providerChange' | 'staleProvider'> {
    let providerChange: string | undefined;
    let staleProvider: string | undefined;
    for (const { path, revision } of record?.metBy ?? []) {
      const provider = this.#records.tasks.get(path);
      const own = this.#ofSuite(path);
      const isOfSuite = provider === undefined || provider.origin === 'start' || own !== path;
      if (!this.#index.byPath.has(own) && isOfSuite)
        providerChange ??= `"${path}", which it requires, left the suite`;
      else if (this.#renewed.has(own) || (provider?.execution.revision ?? 1) > revision)
        providerChange ??= `"${path}", which it requires, changed`;
      else if (this.#stale.has(own)) staleProvider ??= `"${path}", which it requires, is stale`;
    }
    return { providerChange, staleProvider };
  }

  #deathsOf(record: TaskRecord): string | undefined {
    const { maxInterruptions = 10, boot } = this.#suite;
    const { interruptions, boots, runningMark } = record;
    const unrequested = boots + (runningMark !== undefined && runningMark !== (boot ?? '') ? 1 : 0);
    if (unrequested >= mostBoots) return `the machine rebooted ${unrequested} times while it ran`;
    return interruptions >= maxInterruptions
      ? `the command died ${interruptions} times while it ran`
      : undefined;
  }

  #overOf(task: SuiteTask, record: TaskRecord): string | undefined {
    if (record.isValueLost) return 'one of its values was not stored';
    if (task.scope === 'process' || this.#onServices.has(task.path))
      return 'its scope ended with the session';
    if (task.scope === 'boot' && (record.mark === undefined || record.mark !== this.#suite.boot))
      return 'the machine rebooted';
    const [teardown] = record.tornDownBy;
    return teardown === undefined ? undefined : `"${teardown}" tore down what it provides`;
  }

  #runningProvider(task: SuiteTask | undefined, capabilities: readonly string[] = []): string | undefined {
    if (task === undefined || capabilities.length === 0) return undefined;
    return this.#index.providersOf(capabilities, task).find((provider) => this.#running.has(provider))?.path;
  }

  /** A provider of what the task tears down that has started since the task tore it down. */
  #standingProvider(task: SuiteTask | undefined): string | undefined {
    if (task?.tearsDown === undefined) return undefined;
    return this.#index.providersOf(task.tearsDown, task).find((provider) => {
      const record = this.#recordOf(provider);
      return record !== undefined && everStarted(record) && !record.tornDownBy.includes(task.path);
    })?.path;
  }

  #recordOf(task: SuiteTask): TaskRecord | undefined {
    return this.#records.tasks.get(task.path);
  }

  /** Visits all tasks until none of them changes anything. */
  #repeat(visit: (task: SuiteTask) => boolean, tasks = this.#ordered): void {
    while (tasks.filter(visit).length > 0);
  }
}

/** So many boots that were not requested, while an attempt ran, make it crash. */
const mostBoots = 3;

function grow<T>(set: Set<T>, member: T): boolean {
  const isNew = !set.has(member);
  set.add(member);
  return isNew;
}

function mayRenew({ isOnce, isSelected, isApplicable }: Case): boolean {
  return !isOnce && isSelected && isApplicable;
}

function willStart(action: ResumeAction, facts: Case): boolean {
  return starts(action) || (action === 'crash' && hasRetries(facts));
}

function hasRetries({ task, record }: Case): boolean {
  return (record?.attempt || 1) <= (task?.retries ?? 0);
}

function classOf(record: TaskRecord, isBad: boolean): Omit<Record<RerunClass, boolean>, 'changed'> {
  const { state, skip, executions } = record;
  const verdict = state === 'ended' ? verdictOfExecutions(executions) : undefined;
  const isSkipped = state === 'skipped' && skip?.isStopped === false;
  return {
    failed: isBad,
    flaky: verdict === 'flaky',
    skipped: (isSkipped && !isBad) || verdict === 'skip',
    'not-run': state !== 'ended' && !isSkipped,
  };
}

/** Digests that differ, or are unknown. A run without a digester compares paths alone. */
function differences(recorded: TaskDigests | undefined, present: TaskDigests | undefined): readonly string[] {
  if (recorded === undefined && present === undefined) return [];
  if (recorded === undefined || present === undefined) return ['digests'];
  return (['meaning', 'code', 'data'] as const).filter((name) => !sameDigest(recorded[name], present[name]));
}

type DigestName = 'meaning' | 'code' | 'data';

/** `its code changed`; where a digest is unknown, that it may have. */
function changeIn(
  changed: readonly string[],
  recorded: TaskDigests | undefined,
  present: TaskDigests | undefined,
): string {
  const isUnknown = (name: string): boolean => {
    const digests = [recorded, present].map((each) => each?.[name as DigestName]);
    return digests.some((digest) => digest === undefined || digest === unknownDigest);
  };
  const certain = changed.filter((name) => !isUnknown(name));
  if (certain.length > 0) return `its ${certain.join(' and ')} changed`;
  return `its ${changed.join(' and ')} may have changed: a digest is unknown`;
}

const badOutcomes: ReadonlySet<string> = new Set(['failed', 'threw', 'timed-out', 'crashed', 'lost']);

function hasEndedBadly({ state, executions }: TaskRecord): boolean {
  return state === 'ended' && badOutcomes.has(executions.at(-1)?.outcome ?? '');
}

/** Also true where it is not over: it may end badly without a start in this session. */
function mayHaveEndedBadly(record: TaskRecord | undefined): boolean {
  if (record === undefined || isUnstarted(record)) return false;
  return record.state !== 'ended' || record.executions.some(({ outcome }) => badOutcomes.has(outcome));
}

/** The execution and the attempt that the decision starts, or ends as crashed. */
/** A node says itself what it has: that it has an attempt which another node was given is not believed. Workers are named `node/slot`. */
function isWhereItStarted({ node }: LeftAttempt, { state, worker }: TaskRecord): boolean {
  if (node === undefined || worker === undefined || state !== 'started') return true;
  return worker === node || worker.startsWith(`${node}/`);
}

function startOf({ action, left }: RowDecision, facts: Case): Partial<Decision> {
  if (left !== undefined && facts.record !== undefined)
    return { execution: facts.record.execution, attempt: left.attempt };
  if (!starts(action) && action !== 'crash' && action !== 'finish') return {};
  const { record, isRerun } = facts;
  const extra = { isExtra: action === 'again' };
  if (record === undefined || isRerun)
    return { execution: { generation: 1, revision: 1, ...extra }, attempt: 1 };
  const { execution, attempt } = record;
  if (action === 'again') return { execution: { ...execution, isExtra: true }, attempt: 1 };
  if (isNextGeneration(action, facts)) {
    const [generation, revision] = [execution.generation + 1, execution.revision + 1];
    return { execution: { generation, revision, isExtra: false }, attempt: 1 };
  }
  if (action === 'retry') return { execution, attempt: attempt + 1 };
  if (action === 'run' && isDown(record)) return { execution, attempt: attempt + 1 };
  return { execution, attempt: Math.max(1, attempt) };
}

/** Does the new result replace one, or is it one of something else? */
function isNextGeneration(action: ResumeAction, { record, change, providerChange, isFinal }: Case): boolean {
  if (action === 'crash' || action === 'finish' || action === 'retry') return false;
  if (record === undefined || record.state === 'none' || record.state === 'skipped') return false;
  return isFinal || (change ?? providerChange) !== undefined;
}

/**
 * What an attempt held in an unknown state: everything, or what the task does not name any more, so that nothing can guard it. A service leaves
 * nothing so: it has to expect that it is ended by force.
 */
function poisonsOf({ task, record, isUnfinished }: Case, isEverything: boolean): readonly string[] {
  if (task?.isService === true) return [];
  const present = [...(task?.uses ?? []), ...(task?.claims ?? [])];
  const recorded = record === undefined ? [] : [...record.uses, ...record.claims];
  if (isEverything) return [...new Set([...recorded, ...present])];
  const hasHeld = isUnfinished && (record?.state !== 'cancelled' || !record.locksOk);
  return hasHeld ? [...new Set(recorded)].filter((resource) => !present.includes(resource)) : [];
}
