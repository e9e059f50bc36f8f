/** Which tasks of the present suite can meet which requirement, and their order. Knows no records. */
import type { RequirementInfo } from '@pexen/core';
import type { SuiteTask } from './decision.ts';
import { type Sibling, siblingLists, siblingName } from './task-record.ts';

/** A requirement with the tasks that can meet it, and how many of them have to. */
export interface PresentRequirement {
  readonly providers: readonly SuiteTask[];
  readonly need: number;
}

/** The tasks of the suite by path and by what they provide. */
export class SuiteIndex {
  readonly tasks: readonly SuiteTask[];
  readonly byPath: ReadonlyMap<string, SuiteTask>;
  readonly #providers = new Map<string, SuiteTask[]>();
  readonly #requirements = new Map<string, readonly PresentRequirement[]>();
  readonly #siblings: ReadonlyMap<string, readonly Sibling[]>;

  constructor(tasks: readonly SuiteTask[]) {
    this.tasks = tasks;
    this.byPath = new Map(tasks.map((task) => [task.path, task]));
    for (const task of tasks)
      for (const capability of new Set([`task:${task.path}`, ...(task.provides ?? [])]))
        this.#providers.set(capability, [...(this.#providers.get(capability) ?? []), task]);
    const lists = siblingLists(tasks.map((task) => ({ recallable: true, ...task })));
    this.#siblings = new Map(
      [...lists].map(([name, list]) => [name, list.map(({ path, digests }) => ({ path, digests }))]),
    );
  }

  /** The siblings that share the derived name of the task, in order; empty where its path alone identifies it. */
  siblingsOf(path: string): readonly Sibling[] {
    return this.#siblings.get(siblingName(path)) ?? [];
  }

  /** The tasks that provide one of the capabilities, each once, without the given one. */
  providersOf(capabilities: readonly string[], except: SuiteTask): readonly SuiteTask[] {
    const found = new Set(capabilities.flatMap((capability) => this.#providers.get(capability) ?? []));
    found.delete(except);
    return [...found];
  }

  requirementsOf(task: SuiteTask): readonly PresentRequirement[] {
    const known = this.#requirements.get(task.path);
    if (known !== undefined) return known;
    const found = (task.requires ?? []).map((requirement) => this.#requirementOf(requirement, task));
    this.#requirements.set(task.path, found);
    return found;
  }

  #requirementOf({ form, capabilities, count }: RequirementInfo, task: SuiteTask): PresentRequirement {
    const providers = this.providersOf(capabilities, task);
    if (form === 'every') return { providers, need: providers.length };
    return { providers, need: form === 'at-least' ? (count ?? 1) : 1 };
  }

  /** All tasks, each behind the providers of its requirements. */
  inOrder(): readonly SuiteTask[] {
    const ordered = new Set<SuiteTask>();
    const entered = new Set<SuiteTask>();
    // Deep chains would overflow the stack of a recursion.
    const stack = [...this.tasks].reverse();
    for (let task = stack.at(-1); task !== undefined; task = stack.at(-1)) {
      if (entered.has(task)) {
        ordered.add(task);
        stack.pop();
        continue;
      }
      entered.add(task);
      for (const { providers } of this.requirementsOf(task))
        for (const provider of providers) if (!entered.has(provider)) stack.push(provider);
    }
    return [...ordered];
  }
}
