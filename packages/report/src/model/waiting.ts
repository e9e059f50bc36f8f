/**
 * The waiting tasks, grouped by what they wait for. Every waiting task is in exactly one group, so that the groups always add up to the
 * number of waiting tasks. Events decide which tasks wait; the last inspection decides what for, as far as it is still true.
 */
import type { Inspection, WaitingFor } from '@pexen/core';
import { LinkedList, type TaskRecord } from './task-records.ts';

/**
 * What tasks wait for. Beside the kinds of an inspection: `dispatched`, a pool has the task and has not started it; `unknown`, the task
 * was added after the last inspection, or the inspection is ahead of the events.
 */
export type WaitingKind = Exclude<WaitingFor['kind'], 'backoff'> | 'dispatched' | 'unknown';

/** Tasks that wait for the same thing. */
export interface WaitingGroup {
  readonly kind: WaitingKind;
  /** The resource, requirement or group that the tasks wait for; empty for other kinds. */
  readonly subject: string;
  /** How many tasks wait. */
  readonly count: number;
  /** The tasks, pools or groups that block them; at most 8, without those that have ended since the inspection. */
  readonly by: readonly string[];
  /** Are the names in `by` those of tasks? */
  readonly isByTasks: boolean;
  /** True if everything that blocked them has ended since the inspection. */
  readonly isOver: boolean;
  /** The paths of some of the waiting tasks, at most 8. */
  readonly who: readonly string[];
}

/** All groups, up to a limit. */
export interface WaitingGroups {
  /** The largest ones first; those whose tasks are only queued come last. At most 50. */
  readonly groups: readonly WaitingGroup[];
  /** How many tasks are in groups that are not listed. */
  readonly others: number;
}

const NAMES = 8;
const MOST_GROUPS = 50;
/** Nothing blocks these tasks: they are only queued. */
const queues: ReadonlySet<WaitingKind> = new Set<WaitingKind>([
  'slot',
  'node',
  'dispatched',
  'consumer',
  'unknown',
]);

/** The reason why one task waits, from an inspection. */
interface Reason {
  readonly kind: WaitingKind;
  readonly subject: string;
  readonly by: readonly string[];
  /** Are the names in `by` tasks? */
  readonly isByTasks: boolean;
}

class ReasonGroup {
  readonly kind: WaitingKind;
  readonly subject: string;
  readonly tasks: LinkedList<TaskRecord> = new LinkedList<TaskRecord>();
  /** By name; with its record where the name is that of a task that had not ended at the inspection. */
  readonly by: Map<string, TaskRecord | undefined> = new Map<string, TaskRecord | undefined>();
  readonly isByTasks: boolean;

  constructor({ kind, subject, isByTasks }: Pick<Reason, 'kind' | 'subject' | 'isByTasks'>) {
    this.kind = kind;
    this.subject = subject;
    this.isByTasks = isByTasks;
  }

  get isQueue(): boolean {
    return queues.has(this.kind);
  }

  view(): WaitingGroup {
    const by = [...this.by].filter(([, task]) => task?.state !== 'done').map(([name]) => name);
    const who: string[] = [];
    for (let task = this.tasks.first; task !== undefined && who.length < NAMES; task = task.next)
      who.push(task.path);
    return {
      ...{ kind: this.kind, subject: this.subject, count: this.tasks.size, by, who },
      isByTasks: this.isByTasks,
      isOver: by.length === 0 && this.by.size > 0,
    };
  }
}

export class WaitingTasks {
  readonly #unknown = new ReasonGroup({ kind: 'unknown', subject: '', isByTasks: false });
  #groups = new Map<string, ReasonGroup>();

  add(task: TaskRecord): void {
    this.#unknown.tasks.append(task);
  }

  /** Regroups the waiting tasks. Ignores tasks of the inspection that no longer wait. */
  inspected({ waiting, running }: Inspection, find: (path: string) => TaskRecord | undefined): void {
    const old = this.#groups;
    this.#groups = new Map();
    for (const { path, for: reason } of waiting) this.#sort(find(path), reasonOf(reason), find);
    for (const { path, pool } of running) this.#sort(find(path), dispatchedTo(pool), find);
    for (const { tasks } of old.values()) {
      while (tasks.first !== undefined) this.#unknown.tasks.append(tasks.first);
    }
  }

  view(): WaitingGroups {
    const largest: ReasonGroup[] = [];
    let others = 0;
    for (const group of this.#all()) others += insert(largest, group);
    return { groups: largest.map((group) => group.view()), others };
  }

  *#all(): Generator<ReasonGroup> {
    for (const group of this.#groups.values()) if (group.tasks.size > 0) yield group;
    if (this.#unknown.tasks.size > 0) yield this.#unknown;
  }

  #sort(
    task: TaskRecord | undefined,
    reason: Reason | undefined,
    find: (path: string) => TaskRecord | undefined,
  ): void {
    if (task?.state !== 'waiting' || reason === undefined) return;
    const group = this.#groupOf(reason);
    group.tasks.append(task);
    for (const name of reason.by) {
      if (group.by.size >= NAMES) break;
      if (group.by.has(name)) continue;
      const other = reason.isByTasks ? find(name) : undefined;
      group.by.set(name, other?.state === 'done' ? undefined : other);
    }
  }

  #groupOf(reason: Reason): ReasonGroup {
    const { kind, subject, isByTasks } = reason;
    const key = `${kind}${isByTasks ? '!' : ' '}${subject}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const group = new ReasonGroup(reason);
    this.#groups.set(key, group);
    return group;
  }
}

/** Inserts the group into the list of the largest ones; returns the number of tasks that drop out of the list. */
function insert(largest: ReasonGroup[], group: ReasonGroup): number {
  let place = largest.length;
  while (place > 0 && goesBefore(group, largest[place - 1] as ReasonGroup)) place--;
  if (place >= MOST_GROUPS) return group.tasks.size;
  largest.splice(place, 0, group);
  return largest.length > MOST_GROUPS ? (largest.pop()?.tasks.size ?? 0) : 0;
}

function goesBefore(a: ReasonGroup, b: ReasonGroup): boolean {
  return a.isQueue === b.isQueue ? a.tasks.size > b.tasks.size : b.isQueue;
}

function dispatchedTo(pool: string): Reason {
  return { kind: 'dispatched', subject: '', by: [pool], isByTasks: false };
}

function resourceOf({
  resource,
  scope,
  nodes = [],
}: Extract<WaitingFor, { readonly kind: 'resource' }>): string {
  if (scope !== undefined) return `${resource} of the ${scope}`;
  return nodes.length === 0 ? resource : `${resource} on ${nodes.join(', ')}`;
}

/** Undefined for a delay before the next attempt: a task with such a delay does not count as waiting. */
function reasonOf(waiting: WaitingFor): Reason | undefined {
  switch (waiting.kind) {
    case 'resource':
      return {
        ...{ kind: waiting.kind, by: waiting.holders, isByTasks: waiting.scope === undefined },
        subject: resourceOf(waiting),
      };
    case 'requirement':
      return { kind: waiting.kind, subject: waiting.requirement, by: waiting.providers, isByTasks: true };
    case 'order':
      return { kind: waiting.kind, subject: '', by: waiting.tasks, isByTasks: true };
    case 'reservation':
      return { kind: waiting.kind, subject: '', by: [waiting.of], isByTasks: true };
    case 'group':
      return {
        ...{ kind: waiting.kind, subject: waiting.group, isByTasks: waiting.current === undefined },
        by: waiting.current === undefined ? (waiting.after ?? []) : [waiting.current],
      };
    case 'slot':
      return { kind: waiting.kind, subject: '', by: [waiting.pool], isByTasks: false };
    case 'node':
      return { kind: waiting.kind, subject: '', by: [waiting.pool], isByTasks: false };
    case 'consumer':
      return { kind: waiting.kind, subject: '', by: [], isByTasks: false };
    case 'need':
      return { kind: waiting.kind, subject: '', by: waiting.tasks, isByTasks: true };
    case 'backoff':
      return undefined;
    default:
      return waiting satisfies never;
  }
}
