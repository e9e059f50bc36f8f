/** The tasks that a run would have, and what they wait for. Tasks are added, and removed in the opposite order. Knows nothing of choices. */
import { type Capability, capabilitiesOf } from '@pexen/core';
import type { TaskData } from './task-data.ts';

/** Tasks that wait for each other. */
export interface Cycle {
  /** The tasks, by number, whose presence makes the cycle. */
  readonly tasks: readonly number[];
  /** Call paths and names of groups, in their order. */
  readonly path: readonly string[];
}

/** The tasks of one kind, by what they name. */
class ByName<Name> {
  readonly #tasks = new Map<Name, number[]>();

  of(name: Name): readonly number[] {
    return this.#tasks.get(name) ?? none;
  }

  add(name: Name, task: number): void {
    const known = this.#tasks.get(name);
    if (known === undefined) this.#tasks.set(name, [task]);
    else known.push(task);
  }

  removeLast(name: Name): void {
    this.#tasks.get(name)?.pop();
  }
}

const none: readonly number[] = [];

/**
 * Edges between two tasks, as in a plan: a task waits for all providers of what it requires, is after, salvages or tears down, for what is before
 * something that it provides, and for those that require what it tears down; a group waits for all that its members wait for outside of it, but for the last.
 * That a teardown also waits for tasks further on is left to the plan, which is asked in the end.
 */
export class PresentTasks {
  readonly #tasks: readonly TaskData[];
  readonly #isPresent: Uint8Array;
  readonly #providers = new ByName<Capability>();
  readonly #tornDown: ReadonlySet<Capability>;
  /** Of what is torn down by some task. */
  readonly #requirers = new ByName<Capability>();
  readonly #precursors = new ByName<Capability>();
  readonly #members = new ByName<string>();
  /** How much was looked at. */
  work = 0;

  constructor(tasks: readonly TaskData[]) {
    this.#tasks = tasks;
    this.#tornDown = new Set(tasks.flatMap(({ tearsDown }) => tearsDown));
    this.#isPresent = new Uint8Array(tasks.length);
  }

  has(task: number): boolean {
    return this.#isPresent[task] === 1;
  }

  /** The present tasks that provide the capability. */
  providersOf(capability: Capability): readonly number[] {
    return this.#providers.of(capability);
  }

  add(task: number): void {
    this.#isPresent[task] = 1;
    this.#visitNames(task, (names, name) => names.add(name, task));
  }

  /** Removes the task that was added last. */
  removeLast(task: number): void {
    this.#isPresent[task] = 0;
    this.#visitNames(task, (names, name) => names.removeLast(name));
  }

  /** A shortest cycle through the task or its group, if there is one. */
  cycleThrough(task: number): Cycle | undefined {
    const { group } = this.#taskOf(task);
    const own = this.#search(task);
    return own ?? (group === undefined ? undefined : this.#search(group));
  }

  #taskOf(task: number): TaskData {
    return this.#tasks[task] as TaskData;
  }

  #visitNames(task: number, visit: <Name>(names: ByName<Name>, name: Name) => void): void {
    const { provides, requires, before, group } = this.#taskOf(task);
    for (const capability of distinct(provides)) visit(this.#providers, capability);
    if (this.#tornDown.size > 0)
      for (const capability of distinct(requires.flatMap(capabilitiesOf)))
        if (this.#tornDown.has(capability)) visit(this.#requirers, capability);
    for (const capability of distinct(before)) visit(this.#precursors, capability);
    if (group !== undefined) visit(this.#members, group);
  }

  /** Breadth first, from a task or a group back to it. */
  #search(start: Node): Cycle | undefined {
    const reached = new Map<Node, Step>();
    const expanded = new Set<unknown>();
    const queue: Node[] = [start];
    for (const node of queue)
      for (const [next, by] of this.#waitsOf(node, expanded)) {
        this.work++;
        if (next === start) return this.#cycle(start, { from: node, by }, reached);
        if (reached.has(next)) continue;
        reached.set(next, { from: node, by });
        queue.push(next);
      }
    return undefined;
  }

  /** What the task or group waits for, with the task that makes it wait. Names in `expanded` are left out: their tasks were reached. */
  *#waitsOf(node: Node, expanded: Set<unknown>): Generator<readonly [Node, number]> {
    if (typeof node === 'string') {
      for (const member of this.#members.of(node))
        for (const [next] of this.#namedBy(member, new Set()))
          if (this.#taskOf(next).group !== node) yield [next, member];
      return;
    }
    const { group } = this.#taskOf(node);
    if (group !== undefined) yield [group, node];
    yield* this.#namedBy(node, expanded);
    for (const name of this.#taskOf(node).tearsDown)
      for (const other of this.#requirers.of(name))
        if (!this.#taskOf(other).tearsDown.includes(name)) yield [other, node];
  }

  /** What the task waits for by what it names, and by what precedes it; but not those that require what it tears down. */
  *#namedBy(task: number, expanded: Set<unknown>): Generator<readonly [number, number]> {
    const { provides, requires, after, salvages, tearsDown } = this.#taskOf(task);
    const own = new Set(provides);
    for (const name of [...requires.flatMap(capabilitiesOf), ...after, ...salvages, ...tearsDown])
      yield* this.#others(this.#providers, name, task, expanded, own.has(name));
    for (const name of provides) yield* this.#others(this.#precursors, name, task, expanded, true);
  }

  /** The tasks under a name but for the task itself: only if it is not among them can the name be left out from then on. */
  *#others(
    names: ByName<Capability>,
    name: Capability,
    task: number,
    expanded: Set<unknown>,
    isAmong: boolean,
  ): Generator<readonly [number, number]> {
    if (names === this.#providers && !isAmong) {
      if (expanded.has(name)) return;
      expanded.add(name);
    }
    for (const other of names.of(name)) if (other !== task) yield [other, task];
  }

  #cycle(start: Node, last: Step, reached: ReadonlyMap<Node, Step>): Cycle {
    const tasks = new Set<number>();
    const path: string[] = [];
    for (let step: Step | undefined = last; step !== undefined; step = reached.get(step.from)) {
      tasks.add(step.by);
      path.unshift(typeof step.from === 'string' ? `the group "${step.from}"` : this.#taskOf(step.from).path);
      if (step.from === start) break;
    }
    if (typeof start === 'number') tasks.add(start);
    return { tasks: [...tasks], path };
  }
}

function distinct<T>(items: readonly T[]): Iterable<T> {
  return items.length < 2 ? items : new Set(items);
}

/** A task, by number, or the name of a group. */
type Node = number | string;

/** How a node was reached, and the task whose presence makes the edge. */
interface Step {
  readonly from: Node;
  readonly by: number;
}
