/**
 * Which tasks of a suite pull in which others: a task pulls in all providers of what it requires, and the teardowns of what it provides. The same
 * rule as that of a selection, but over plain data. Knows nothing of shards.
 */
import type { TaskInfo } from '@pexen/core';

/** Tasks are numbered in the order of the list that the graph was made of. */
export class PullGraph {
  /** Task → those that it pulls in directly, ascending. */
  readonly pulls: readonly (readonly number[])[];
  /** Task → those that pull it in directly. */
  readonly pulledBy: readonly (readonly number[])[];
  readonly #tasks: readonly TaskInfo[];
  readonly #providers = new Map<string, number[]>();

  constructor(tasks: readonly TaskInfo[]) {
    this.#tasks = tasks;
    for (const [task, { path, provides = [] }] of tasks.entries())
      for (const capability of new Set([`task:${path}`, ...provides])) add(this.#providers, capability, task);
    this.pulls = this.#allPulls();
    const pulledBy: number[][] = tasks.map(() => []);
    for (const [task, pulled] of this.pulls.entries())
      for (const other of pulled) (pulledBy[other] as number[]).push(task);
    this.pulledBy = pulledBy;
  }

  /** The tasks that provide one of these capabilities, ascending. */
  providersOf(capabilities: readonly string[] = []): readonly number[] {
    return ascending(capabilities.flatMap((capability) => this.#providers.get(capability) ?? []));
  }

  #allPulls(): number[][] {
    const pulls = this.#tasks.map(({ requires = [] }) => [
      ...this.providersOf(requires.flatMap(({ capabilities }) => capabilities)),
    ]);
    for (const [teardown, { tearsDown }] of this.#tasks.entries())
      for (const provider of this.providersOf(tearsDown))
        if (provider !== teardown) (pulls[provider] as number[]).push(teardown);
    return pulls.map((pulled, task) => ascending(pulled.filter((other) => other !== task)));
  }
}

function ascending(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function add(to: Map<string, number[]>, key: string, task: number): void {
  const known = to.get(key);
  if (known === undefined) to.set(key, [task]);
  else known.push(task);
}
