/**
 * Keeps the journal of a run: records events with the facts that later sessions need, keeps what earlier sessions said, and lets results and starts
 * wait until they are recorded. One queue keeps their order.
 */
import type {
  EndFacts,
  FinishFacts,
  LeftAttempt,
  Recall,
  RecalledTask,
  RunEvent,
  RunJournal,
  TaskInfo,
  TaskOrigin,
  TaskUpdateEvent,
} from '@pexen/core';
import { isCutShort } from '../machine/attempts.ts';
import type { Input, MachineEvent, TaskId } from '../machine/protocol.ts';
import { STOPPED, type State } from '../machine/state.ts';
import { PROVIDED } from '../machine/task-table.ts';
import type { TaskOutputs } from './task-outputs.ts';

type TasksAdded = Extract<Input, { readonly type: 'tasks-added' }>;

export class Journaling {
  readonly #journal: RunJournal;
  readonly #state: State;
  readonly #outputs: TaskOutputs;
  /** What earlier sessions said of tasks without a result. */
  readonly #recalled = new Map<TaskId, RecalledTask>();
  /** In the order of their numbers. */
  readonly #waiting: { readonly seq: number; readonly action: () => void }[] = [];
  #isReleasing = false;
  #lastSeq = 0;

  constructor(journal: RunJournal, state: State, outputs: TaskOutputs) {
    this.#journal = journal;
    this.#state = state;
    this.#outputs = outputs;
    journal.onRecorded(() => this.#release());
  }

  /** Tasks were added. Returns what the machine has to know about them. */
  added(origin: TaskOrigin, tasks: readonly TaskInfo[]): Pick<TasksAdded, 'recall' | 'expectsMore'> {
    const recall = this.#journal.added(origin, tasks);
    this.#keep(recall);
    return { recall, expectsMore: this.#journal.expectsMore };
  }

  /** Where earlier sessions may have left attempts. */
  get earlierPlaces(): readonly string[] | 'unknown' {
    return this.#journal.earlierPlaces ?? 'unknown';
  }

  /** Pools still have these attempts of earlier sessions. */
  found(left: readonly LeftAttempt[]): void {
    this.#journal.found?.(left);
  }

  /** Calls `recorded` once it is recorded that attempts may outlive the process at this place. */
  joined(place: string, recorded: () => void): void {
    this.#lastSeq = this.#journal.joined?.(place) ?? this.#lastSeq;
    this.#whenRecorded(this.#lastSeq, recorded);
  }

  parted(place: string): void {
    this.#journal.parted?.(place);
  }

  /** What is still to be recalled, once everything so far has been handled. */
  rest(): Recall {
    const recall = this.#journal.recallRest();
    this.#keep(recall);
    return recall;
  }

  #keep({ tasks }: Recall): void {
    for (const recalled of tasks) {
      this.#recalled.set(recalled.task, recalled);
      if (recalled.kind === 'result') this.#outputs.recall(recalled);
    }
  }

  recalledOf(task: TaskId): RecalledTask | undefined {
    return this.#recalled.get(task);
  }

  /** How often the attempt was interrupted before it starts. */
  interruptionsOf(task: TaskId, attempt: number): number {
    const recalled = this.#recalled.get(task);
    return recalled?.kind === 'start' && attempt === recalled.attempts.length + 1
      ? recalled.interruptions
      : 0;
  }

  /** How often the machine was rebooted for the task. */
  rebootCountOf(task: TaskId): number {
    const recalled = this.#recalled.get(task);
    return recalled?.kind === 'start' ? (recalled.rebootCount ?? 0) : 0;
  }

  /** Records the event, unless earlier sessions did, or it is only a consequence of the end of the run. */
  record(event: RunEvent, { type, ...of }: MachineEvent): void {
    if (type === 'run-started' || type === 'tasks-added') return;
    const task = 'task' in of ? of.task : -1;
    const recalled = this.#recalled.get(task);
    if (recalled !== undefined && recalled.kind !== 'start') return;
    if (type === 'task-skipped' && this.#state.skipOf(task)?.why === STOPPED) return;
    this.#lastSeq = this.#journal.append(event, this.#factsOf(type, task));
  }

  attached(update: TaskUpdateEvent): void {
    this.#journal.attached(update);
  }

  /** Calls the action once everything so far is recorded. */
  whenRecorded(action: () => void): void {
    this.#whenRecorded(this.#lastSeq, action);
  }

  /** Calls the action after all that waits; at once, if nothing does. */
  inOrder(action: () => void): void {
    this.#whenRecorded(this.#waiting.at(-1)?.seq ?? 0, action);
  }

  /** Starts a task that may not start twice once that is recorded; refuses it where that is not possible. */
  whenIntended(task: TaskId, attempt: number, start: () => void, refuse: (reason: string) => void): void {
    this.#lastSeq = this.#journal.intend(task, attempt);
    this.#whenRecorded(this.#lastSeq, () => {
      const { refusal } = this.#journal;
      if (refusal === undefined) {
        start();
        return;
      }
      this.#journal.unstarted(task, attempt);
      refuse(refusal);
    });
  }

  /** The pool returned the attempt unstarted. */
  unstarted(task: TaskId, attempt: number): void {
    this.#journal.unstarted(task, attempt);
  }

  /** The result of the task was given. */
  forget(task: TaskId): void {
    this.#recalled.delete(task);
  }

  #whenRecorded(seq: number, action: () => void): void {
    if (!this.#isReleasing && this.#waiting.length === 0 && seq <= this.#journal.recorded) action();
    else this.#waiting.push({ seq, action });
  }

  /** An action may add others, which come behind all that wait. */
  #release(): void {
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    for (
      let [next] = this.#waiting;
      next !== undefined && next.seq <= this.#journal.recorded;
      [next] = this.#waiting
    ) {
      this.#waiting.shift();
      next.action();
    }
    this.#isReleasing = false;
  }

  #factsOf(type: MachineEvent['type'], task: TaskId): EndFacts | FinishFacts | undefined {
    if (type !== 'attempt-ended' && type !== 'task-finished') return undefined;
    const { tasks } = this.#state;
    const {
      locksOk = true,
      kind,
      depsOk = kind === 'returned',
    } = tasks.recordsOf(task).at(-1)?.outcome ?? {};
    const cut = isCutShort(this.#state, task) ? { isCutShort: true as const } : undefined;
    if (type === 'attempt-ended') return { locksOk, depsOk, ...cut };
    return {
      ...cut,
      ...{ locksOk, depsOk: tasks.has(task, PROVIDED), value: tasks.valueOf(task) },
      ...this.#outputs.toRecord(task),
    };
  }
}
