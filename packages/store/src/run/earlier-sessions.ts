/**
 * What earlier sessions of a run, or the parent of a rerun, mean for the tasks that are added in this one: decides about them, and recalls what is
 * known of them. Tasks may be added one by one: what was decided once stands.
 */
import {
  defined,
  type Guarding,
  type LeftAttempt,
  type Recall,
  type RecalledTask,
  type TaskInfo,
} from '@pexen/core';
import type { JournalEntry } from '../journal/events.ts';
import { decide } from '../resume/decide.ts';
import type { Decision, PresentSuite, ResumeMode, SuiteTask } from '../resume/decision.ts';
import { type Guard, guardsAgainst, guardsOf, poisonOf, withoutOwner } from '../resume/guards.ts';
import { type JournalHealth, RecordReducer, type RunRecords } from '../resume/task-record.ts';
import { type ComparableDigests, DigestComparer } from './code-files.ts';
import { suiteTasks } from './present-suite.ts';
import { type KnownTask, recalledTask } from './recalled-tasks.ts';
import type { FileSetDigester } from './recorded-run.ts';
import { ResultArchive } from './result-archive.ts';

/** What there is from earlier sessions, and what decisions depend on besides. */
export interface EarlierSessionsOptions {
  readonly entries: readonly JournalEntry[];
  readonly health: JournalHealth;
  readonly mode: ResumeMode;
  /** When the present session started: milliseconds since 1970. */
  readonly startedAt: number;
  /** Identifies the present boot. */
  readonly boot?: string | undefined;
  readonly maxInterruptions?: number | undefined;
  readonly selected?: ((path: string) => boolean) | undefined;
  readonly digester?: FileSetDigester | undefined;
}

/** Tasks that were added, as far as something is known of them. */
export interface Known {
  readonly recall: Recall;
  /** In the order in which they were added. */
  readonly tasks: readonly KnownTask[];
}

const nothing: Known = { recall: { tasks: [], guards: [], poisoned: [] }, tasks: [] };

/** What is recalled, and its place in the journal. */
interface Placed {
  readonly task: RecalledTask;
  readonly seq: number;
}

/** The memory of the sessions before this one. */
export class EarlierSessions {
  readonly records: RunRecords;
  readonly archive: ResultArchive;
  readonly #options: EarlierSessionsOptions;
  readonly #reducer = new RecordReducer();
  readonly #digests: DigestComparer;
  /** The tasks that were added, and those that the loop over the results will probably add again, as they were recorded. */
  readonly #infos = new Map<string, TaskInfo>();
  /** Only of tasks that were added. */
  readonly #ids = new Map<string, number>();
  /** Tasks that were added during the run and have not been added again. */
  readonly #missing: ReadonlySet<string>;
  /** The tasks that the latest decisions are about. */
  #suite = new Map<string, SuiteTask>();
  readonly #decisions = new Map<string, Decision>();
  /** Paths whose decision was reported: it stands. */
  readonly #reported = new Set<string>();
  #guards: readonly Guard[] = [];
  readonly #settled = new Set<string>();
  #hasReportedAbsent = false;
  #left: readonly LeftAttempt[] = [];
  /** Attempts that never started, by the paths of their tasks, until that is recorded. */
  readonly #returned = new Map<string, number>();
  /** What is not recalled yet, in its order. */
  #held: Placed[] = [];
  /** From here on tasks start, and the scheduler does not ask for the rest again: a result that was held now would be forgotten, and its task start again. */
  #holdsNoMore = false;
  /** Tasks that the loop over the results is not expected to add again. */
  readonly #givenUp = new Set<string>();

  constructor(options: EarlierSessionsOptions) {
    this.#options = options;
    for (const { event, session } of options.entries) this.#reducer.handle(event, session);
    this.records = { health: options.health, tasks: this.#reducer.records };
    this.archive = new ResultArchive(options.entries);
    this.#digests = new DigestComparer(options.digester);
    const added = [...this.records.tasks.values()].filter(({ origin }) => origin !== 'start');
    this.#missing = new Set(added.map(({ path }) => path));
    for (const { path, origin } of added) {
      const info = this.archive.tasks.get(path)?.info;
      if (origin === 'loop' && info !== undefined) this.#infos.set(path, info);
    }
  }

  /** True while there are records of tasks that were added during the run and have not been added again. */
  get expectsMore(): boolean {
    for (const path of this.#missing) if (!this.#ids.has(path)) return true;
    return false;
  }

  /** What was decided about each task; for tasks that have not been added again, what is expected. */
  get decisions(): readonly Decision[] {
    return [...this.#decisions.values()];
  }

  decisionOf(path: string): Decision | undefined {
    return this.#decisions.get(path);
  }

  /** Pools still have these attempts, or know that they never started: then nothing has happened. */
  found(left: readonly LeftAttempt[]): void {
    this.#left = left;
    for (const each of left)
      if (this.#hasNeverStarted(each)) {
        this.#returned.set(each.path, each.attempt);
        this.#reducer.returnStart(each.path);
      }
  }

  /** Its start was intended, and nothing of it is anywhere. */
  #hasNeverStarted({ path, attempt, session, part, state }: LeftAttempt): boolean {
    if (state !== 'unstarted' || part !== 'body' || this.#options.mode.kind === 'rerun') return false;
    const record = this.records.tasks.get(path);
    const isIntent = record?.state === 'intended' && record.attempt === attempt && record.session === session;
    return isIntent && !this.#left.some((each) => each.path === path && each.state !== 'unstarted');
  }

  /** The attempt of this task that was intended and never started, once. */
  takeReturned(path: string): number | undefined {
    const attempt = this.#returned.get(path);
    this.#returned.delete(path);
    return attempt;
  }

  /** Places that were joined and not parted. */
  get places(): readonly string[] | 'unknown' {
    const { entries, health } = this.#options;
    if (health !== 'whole') return 'unknown';
    const places = new Set<string>();
    for (const { event } of entries)
      if (event.type === 'place-joined') places.add(event.place);
      else if (event.type === 'place-parted') places.delete(event.place);
    return [...places];
  }

  /** Decides about tasks that are added now. Those of which nothing is known may be left out of the answer. */
  add(infos: readonly TaskInfo[]): Known {
    if (this.records.tasks.size === 0 && this.records.health === 'whole') return nothing;
    for (const info of infos) this.#enter(info);
    if (!this.#isDecided(infos)) this.#decide();
    for (const info of infos) if (!this.#reported.has(info.path)) this.#decideOnNode(info);
    const tasks = infos.flatMap((info) => this.#knownOf(info) ?? []);
    const recall = {
      tasks: this.#recalledOf(tasks),
      guards: this.#guardings(infos),
      poisoned: this.#poisonedBy(infos),
    };
    for (const { path } of infos) this.#reported.add(path);
    return { recall, tasks };
  }

  /** Recalls what happened after tasks were added that are still missing: the loop over the results does not add the first of them again. */
  recallRest(): Recall {
    const tasks: RecalledTask[] = [];
    while (tasks.length === 0 && this.#held.length > 0) {
      const missing = this.#firstMissing();
      if (missing !== undefined) this.#givenUp.add(missing.path);
      tasks.push(...inOrder(this.#takeHeld()));
    }
    this.#holdsNoMore ||= tasks.length === 0;
    return { tasks, guards: [], poisoned: [] };
  }

  /** True where the result of the task is still to be recalled. */
  isHeld(task: number): boolean {
    return this.#held.some((each) => each.task.task === task);
  }

  /** The task has its result: it guards nothing any more. */
  settle(path: string): void {
    this.#settled.add(path);
    this.#guards = withoutOwner(this.#guards, path);
  }

  #enter(info: TaskInfo): void {
    this.#infos.set(info.path, info);
    this.#ids.set(info.path, info.id);
  }

  /**
   * What a set-up has done on a node stands until that boots, also if it failed or was interrupted there; what tears it down on a node is only added where
   * that is due.
   */
  #decideOnNode({ path, node, tearsDown = [] }: TaskInfo): void {
    const decision = this.#decisions.get(path);
    const record = this.records.tasks.get(path);
    if (node === undefined || record === undefined || decision === undefined) return;
    if (decision.action !== 'keep' && decision.action !== 'crash') return;
    const { info, result } = this.archive.tasks.get(path) ?? {};
    const before = decision.action === 'keep' ? result?.node : info?.node;
    const isSameBoot = before?.name === node.name && before.bootMark === node.bootMark;
    if (isSameBoot && (decision.action === 'crash' || (!decision.isOver && tearsDown.length === 0))) return;
    const reason = isSameBoot ? 'is due on its node again' : 'its node has booted since';
    const { generation, revision } = record.execution;
    const execution = { generation: generation + 1, revision: revision + 1, isExtra: false };
    this.#decisions.set(path, {
      ...decision,
      ...{ action: 'run', reason, execution, attempt: 1, poisons: [], cleansUp: false },
      ...{ isStale: false, isOver: false, isOutstanding: false },
    });
  }

  /** True where the decisions already are about such tasks: they were expected as they are, or nothing is known of them and nothing guarded. */
  #isDecided(infos: readonly TaskInfo[]): boolean {
    if (this.#suite.size === 0) return false;
    return this.#suiteOf(infos).every((task) => {
      const expected = this.#suite.get(task.path);
      if (expected === undefined) return this.#guards.length === 0 && !this.records.tasks.has(task.path);
      return JSON.stringify(expected) === JSON.stringify(task);
    });
  }

  /** What was reported about earlier tasks stands: they may have started. */
  #decide(): void {
    const { mode, boot, maxInterruptions } = this.#options;
    const tasks = this.#suiteOf([...this.#infos.values()]);
    const lastSession = this.#options.entries.at(-1)?.session;
    const { executed } = this.archive;
    const known = { tasks, executed, lastSession, left: this.#left };
    const suite: PresentSuite = defined({ ...known, boot, maxInterruptions });
    const decisions = decide(this.records, suite, mode);
    const guards = guardsOf(decisions, this.records, suite);
    this.#suite = new Map(tasks.map((task) => [task.path, task]));
    this.#guards = [...this.#settled].reduce<readonly Guard[]>(withoutOwner, guards);
    for (const decision of decisions)
      if (!this.#reported.has(decision.path)) this.#decisions.set(decision.path, decision);
  }

  #suiteOf(infos: readonly TaskInfo[]): readonly SuiteTask[] {
    const { selected = () => true } = this.#options;
    return suiteTasks(infos, { selected, digestsOf: (info) => this.#digestsOf(info) });
  }

  /** Tasks that have not been added again count as unchanged. */
  #digestsOf({ path, digests }: TaskInfo): ComparableDigests | undefined {
    const recorded = this.records.tasks.get(path)?.basis.digests;
    if (!this.#ids.has(path)) return recorded && { digests: recorded };
    if (digests === undefined || recorded === undefined) return digests && { digests };
    const { addedCode = recorded.code, files } = this.archive.tasks.get(path) ?? {};
    return this.#digests.compare(digests, { added: addedCode, ended: recorded.code, files });
  }

  #knownOf({ id, path }: TaskInfo): KnownTask | undefined {
    const decision = this.#decisions.get(path);
    if (decision === undefined) return undefined;
    return { id, decision, record: this.records.tasks.get(path), archived: this.archive.tasks.get(path) };
  }

  /**
   * Results in the order in which they were recorded. Those of teardowns and salvages wait until the tasks are there that were added before: they
   * withdraw what such a task may require, and end poison that it may have left.
   */
  #recalledOf(tasks: readonly KnownTask[]): readonly RecalledTask[] {
    const { startedAt, mode } = this.#options;
    const session = { startedAt, isRerun: mode.kind === 'rerun' };
    const starts: RecalledTask[] = [];
    const results: Placed[] = [];
    for (const known of tasks) {
      const task = recalledTask(known, session);
      const seq = known.archived?.result?.seq ?? 0;
      if (task?.kind === 'start') starts.push(task);
      else if (task !== undefined) (this.#isLate(known) ? this.#held : results).push({ task, seq });
    }
    return [...inOrder([...results, ...this.#takeHeld()]), ...starts];
  }

  #isLate({ decision: { path } }: KnownTask): boolean {
    if (this.#holdsNoMore) return false;
    const { tearsDown = [], salvages = [] } = this.#infos.get(path) ?? {};
    return tearsDown.length + salvages.length > 0;
  }

  /** Up to the first task that is missing. */
  #takeHeld(): readonly Placed[] {
    const end = this.#firstMissing()?.addedAt ?? Number.POSITIVE_INFINITY;
    const taken = this.#held.filter(({ seq }) => seq < end);
    this.#held = this.#held.filter(({ seq }) => seq >= end);
    return taken;
  }

  /** The task that the loop over the results has to add next, as far as is known. */
  #firstMissing(): { readonly path: string; readonly addedAt: number } | undefined {
    const missing = [...this.#missing]
      .filter((path) => !this.#ids.has(path) && !this.#givenUp.has(path))
      .flatMap((path) => {
        const { addedAt } = this.archive.tasks.get(path) ?? {};
        const isOfLoop = this.records.tasks.get(path)?.origin === 'loop';
        return addedAt === undefined || !isOfLoop ? [] : [{ path, addedAt }];
      });
    return missing.sort((one, other) => one.addedAt - other.addedAt)[0];
  }

  /** Tasks that are added now wait for all owners, and all tasks for owners that are added now. */
  #guardings(infos: readonly TaskInfo[]): readonly Guarding[] {
    const added = new Set(infos.map(({ path }) => path));
    return this.#guards.flatMap((guard) => {
      const kept = [...this.#ids.keys()].filter((path) => this.#isKeptOut(path, guard));
      return [...guard.owners].flatMap((owner) => {
        const id = this.#ids.get(owner);
        const tasks = kept
          .filter((path) => added.has(owner) || added.has(path))
          .map((path) => this.#idOf(path));
        return id === undefined || tasks.length === 0
          ? []
          : [{ owner: id, tasks, resources: poisonOf([guard]) }];
      });
    });
  }

  #isKeptOut(path: string, guard: Guard): boolean {
    const task = this.#suite.get(path);
    const { action } = this.#decisions.get(path) ?? {};
    // A task that is recalled does not start: nothing has to keep it out.
    if (task === undefined || this.#settled.has(path) || action === 'keep' || action === 'leave')
      return false;
    return guardsAgainst(task, [guard]).length > 0;
  }

  #idOf(path: string): number {
    return this.#ids.get(path) as number;
  }

  /** Of these tasks; the first time also of those that are not in the suite. */
  #poisonedBy(infos: readonly TaskInfo[]): readonly string[] {
    const paths = new Set(infos.map(({ path }) => path));
    const isAbsent = ({ path }: Decision): boolean => !this.#hasReportedAbsent && !this.#suite.has(path);
    const poisoned = this.decisions.flatMap((decision) =>
      paths.has(decision.path) || isAbsent(decision) ? decision.poisons : [],
    );
    this.#hasReportedAbsent = true;
    return [...new Set(poisoned)];
  }
}

function inOrder(placed: readonly Placed[]): readonly RecalledTask[] {
  return [...placed].sort((one, other) => one.seq - other.seq).map(({ task }) => task);
}
