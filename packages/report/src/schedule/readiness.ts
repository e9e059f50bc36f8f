/**
 * When each task was ready as far as other tasks are concerned, and which of them decided that: from the descriptions of the tasks and the times of
 * their attempts, so that it is known for a run of any time. Does not know resources or workers.
 */
import type { RequirementInfo } from '@pexen/core';
import { isGreen } from '../model/results.ts';
import type { TaskTimes } from './task-times.ts';

/** The end of the last condition that other tasks had to meet. */
export interface Ready<Task extends TaskTimes = TaskTimes> {
  /** Milliseconds from the start of the run. */
  readonly atMs: number;
  /** The task that met it; undefined where the task waited for none. */
  readonly by: Task | undefined;
}

/** Knows the tasks of one run. */
export class Readiness<Task extends TaskTimes = TaskTimes> {
  readonly #providers = new Map<string, Task[]>();
  /** By capability: the tasks that say `before` it. */
  readonly #runBefore = new Map<string, Task[]>();

  constructor(tasks: Iterable<Task>) {
    for (const task of tasks) {
      for (const name of capabilitiesOf(task)) append(this.#providers, name, task);
      for (const name of task.facts.before ?? []) append(this.#runBefore, name, task);
    }
  }

  /** `addedAtMs`: when the task was added; `startMs`: when its first attempt started. What ended later was no condition. */
  of(task: Task, addedAtMs: number, startMs: number): Ready<Task> {
    const { requires = [], after = [], salvages = [], tearsDown = [] } = task.facts;
    const ends = [
      ...requires.map((requirement) => this.#metAt(requirement, startMs)),
      ...[...after, ...salvages, ...tearsDown].flatMap((name) =>
        this.#endsOf(this.#providers, [name], startMs),
      ),
      ...this.#endsOf(this.#runBefore, capabilitiesOf(task), startMs),
    ];
    const last = latest(ends);
    return last !== undefined && last.atMs > addedAtMs ? last : { atMs: addedAtMs, by: undefined };
  }

  /** How long at least it takes to meet the conditions of the task, where meeting each of them by a task takes `longest` of that. */
  lengthBefore(task: Task, longest: (provider: Task) => number | undefined): number {
    const { requires = [], after = [], salvages = [], tearsDown = [] } = task.facts;
    const lengths = (names: readonly string[], index = this.#providers): number[] =>
      names
        .flatMap((name) => index.get(name) ?? [])
        .flatMap((provider) => (provider === task ? [] : (longest(provider) ?? [])));
    const most = (found: readonly number[]): number => found.reduce((sum, each) => Math.max(sum, each), 0);
    const ofRequirement = ({ form, capabilities, count = 1 }: RequirementInfo): number => {
      const found = lengths(capabilities);
      if (form === 'every') return most(found);
      return found.sort((a, b) => a - b)[Math.min(form === 'at-least' ? count : 1, found.length) - 1] ?? 0;
    };
    return Math.max(
      most(requires.map(ofRequirement)),
      most(lengths([...after, ...salvages, ...tearsDown])),
      most(lengths(capabilitiesOf(task), this.#runBefore)),
    );
  }

  #metAt({ form, capabilities, count = 1 }: RequirementInfo, startMs: number): Ready<Task> | undefined {
    if (form === 'every') return latest(this.#endsOf(this.#providers, capabilities, startMs));
    const met = capabilities
      .flatMap((name) => this.#providers.get(name) ?? [])
      .flatMap((provider) => provided(provider, startMs))
      .sort((a, b) => a.atMs - b.atMs);
    return met[Math.min(form === 'at-least' ? count : 1, met.length) - 1];
  }

  #endsOf(
    index: ReadonlyMap<string, Task[]>,
    names: readonly string[],
    startMs: number,
  ): readonly Ready<Task>[] {
    return names
      .flatMap((name) => index.get(name) ?? [])
      .flatMap((by) => {
        const { endedAtMs = Number.POSITIVE_INFINITY } = by.result ?? {};
        return endedAtMs <= startMs ? [{ atMs: endedAtMs, by }] : provided(by, startMs);
      });
  }
}

/** When a task, or a service that was ready, could be used. */
function provided<Task extends TaskTimes>(by: Task, startMs: number): readonly Ready<Task>[] {
  const { result, service, running, facts } = by;
  if (facts.service === true) {
    const [first] = (result?.attempts ?? []).filter(({ readyAfterMs }) => readyAfterMs !== undefined);
    const runningAt = service?.readyAfterMs === undefined ? undefined : running?.startedAtMs;
    const startedAtMs = first?.startedAtMs ?? runningAt;
    if (startedAtMs === undefined) return [];
    const atMs = startedAtMs + (first?.readyAfterMs ?? service?.readyAfterMs ?? 0);
    return atMs <= startMs ? [{ atMs, by }] : [];
  }
  if (result === undefined || !isGreen(result.judgement.verdict) || result.endedAtMs > startMs) return [];
  return [{ atMs: result.endedAtMs, by }];
}

/** What a task provides: itself, and what it names. */
function capabilitiesOf({ path, facts }: TaskTimes): readonly string[] {
  return [`task:${path}`, ...(facts.provides ?? [])];
}

function latest<Task extends TaskTimes>(ends: readonly (Ready<Task> | undefined)[]): Ready<Task> | undefined {
  let found: Ready<Task> | undefined;
  for (const end of ends)
    if (end !== undefined && (found === undefined || end.atMs > found.atMs)) found = end;
  return found;
}

function append<Item>(index: Map<string, Item[]>, name: string, item: Item): void {
  const known = index.get(name);
  if (known === undefined) index.set(name, [item]);
  else known.push(item);
}
