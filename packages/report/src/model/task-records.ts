/** The model's records of tasks, and the lists that they are in: by number and path, by state, and by their last change. */
import type { Attachment } from '@pexen/core';
import type { RunningAttempt, RunTask, TaskFacts, TaskResult, TaskSnapshot, TaskState } from './run-task.ts';
import type { ServiceState } from './services.ts';

/** The model's own, writable form of a type. */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const none: readonly Attachment[] = [];

/** The model's own record of a task: in one list by its state, and in one list of all tasks by their last change. */
export class TaskRecord implements RunTask, ListNode<TaskRecord> {
  facts: TaskFacts;
  state: TaskState = 'waiting';
  sinceMs: number;
  version = 0;
  running: Mutable<RunningAttempt> | undefined;
  service: ServiceState | undefined;
  /** Its part of the estimate is done: it ended, or is a service that was ready. */
  isWorkClosed = false;
  result: TaskResult | undefined;
  attachments: readonly Attachment[] = none;
  list: ListNode<TaskRecord>['list'];
  previous: TaskRecord | undefined;
  next: TaskRecord | undefined;
  /** In the order of changes. */
  earlier: TaskRecord | undefined;
  later: TaskRecord | undefined;
  /** Cached until the next change. */
  lastSnapshot: TaskSnapshot | undefined;

  constructor(facts: TaskFacts, atMs: number) {
    this.facts = facts;
    this.sinceMs = atMs;
  }

  get path(): string {
    return this.facts.path;
  }

  get callPath(): readonly string[] {
    return this.facts.callPath;
  }

  snapshot(): TaskSnapshot {
    this.lastSnapshot ??= Object.freeze({
      ...{ facts: this.facts, state: this.state, sinceMs: this.sinceMs, version: this.version },
      ...(this.running !== undefined && { running: Object.freeze({ ...this.running }) }),
      ...(this.service !== undefined && { service: this.service }),
      ...(this.result !== undefined && { result: this.result }),
      ...(this.attachments.length > 0 && { attachments: [...this.attachments] }),
    });
    return this.lastSnapshot;
  }
}

/** By number and by path. Events have both: the number is faster, and the path decides. */
export class TaskIndex {
  readonly #byId: (TaskRecord | undefined)[] = [];
  readonly #byPath = new Map<string, TaskRecord>();

  add(task: TaskRecord): void {
    this.#byId[task.facts.id] = task;
    this.#byPath.set(task.path, task);
  }

  /** The task of that path; `id` is its probable number. */
  find(id: number, path: string): TaskRecord | undefined {
    const probable = this.#byId[id];
    return probable?.path === path ? probable : this.#byPath.get(path);
  }

  at(path: string): TaskRecord | undefined {
    return this.#byPath.get(path);
  }

  remove(task: TaskRecord): void {
    const { id } = task.facts;
    if (this.#byId[id] === task) this.#byId[id] = undefined;
    this.#byPath.delete(task.path);
  }

  /** In the order in which they were added. */
  all(): Iterable<TaskRecord> {
    return this.#byPath.values();
  }
}

/** A node of a LinkedList carries its links. It is in at most one list. */
export interface ListNode<Node> {
  list: { remove(node: Node): void } | undefined;
  previous: Node | undefined;
  next: Node | undefined;
}

/** A doubly linked list. Moving a node costs the same however long the lists are. */
export class LinkedList<Node extends ListNode<Node>> {
  first: Node | undefined;
  last: Node | undefined;
  size = 0;

  /** Puts the node at the end of this list, and takes it out of the place where it was. */
  append(node: Node): void {
    node.list?.remove(node);
    node.list = this;
    node.previous = this.last;
    if (this.last === undefined) this.first = node;
    else this.last.next = node;
    this.last = node;
    this.size++;
  }

  /** Takes the node out. It must be in this list. */
  remove(node: Node): void {
    const { previous, next } = node;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    node.list = undefined;
    node.previous = undefined;
    node.next = undefined;
    this.size--;
  }

  *[Symbol.iterator](): Generator<Node, undefined> {
    for (let node = this.first; node !== undefined; node = node.next) yield node;
  }
}

/** All tasks by their last change, the latest one last. A change costs the same however many tasks there are. */
export class ChangeOrder {
  #first: TaskRecord | undefined;
  #last: TaskRecord | undefined;

  /** Moves a task to the end: it changed in that version of the model. */
  touch(task: TaskRecord, version: number): void {
    task.version = version;
    task.lastSnapshot = undefined;
    if (this.#last === task) return;
    this.remove(task);
    task.earlier = this.#last;
    if (this.#last === undefined) this.#first = task;
    else this.#last.later = task;
    this.#last = task;
  }

  /** Takes a task out. Harmless if it is not in. */
  remove(task: TaskRecord): void {
    const { earlier, later } = task;
    if (earlier !== undefined) earlier.later = later;
    else if (this.#first === task) this.#first = later;
    if (later !== undefined) later.earlier = earlier;
    else if (this.#last === task) this.#last = earlier;
    task.earlier = undefined;
    task.later = undefined;
  }

  /** The tasks that changed after that version, in the order of their changes. Costs as much as there are such tasks. */
  since(version: number): TaskRecord[] {
    const found: TaskRecord[] = [];
    for (let task = this.#last; task !== undefined && task.version > version; task = task.earlier)
      found.push(task);
    return found.reverse();
  }
}
