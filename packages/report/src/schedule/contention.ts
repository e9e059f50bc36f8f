/**
 * Which tasks could not start since others held what they needed: from the descriptions of the tasks and the times of their attempts. Says when a
 * resource was taken, and not how the scheduler decided: a task that waited for a resource may have waited for a worker, too.
 */
import type { TaskFacts } from '../model/run-task.ts';
import type { Mutable } from '../model/task-records.ts';
import type { Execution } from './task-times.ts';

/** A time in which a task held a resource. Milliseconds from the start of the run. */
export interface Hold {
  readonly path: string;
  readonly resource: string;
  readonly how: 'claims' | 'uses';
  /** Of an amount. */
  readonly count?: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A time in which a task was ready, and others held what it needed. */
export interface ResourceWait {
  readonly path: string;
  readonly resource: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The task that was the last of them. */
  readonly heldBy: string;
  /** How many times one after the other it was held, where these are not listed one by one. */
  readonly times?: number;
}

/** Of one task and one resource, so many times are listed one by one. */
const MOST_TIMES = 16;

/** The resource of a task that runs alone: everything. */
export const EVERYTHING = 'everything';

/** What a task holds while an attempt runs. */
export function entriesOf(facts: TaskFacts): readonly Pick<Hold, 'resource' | 'how' | 'count'>[] {
  if (facts.exclusive === true) return [{ resource: EVERYTHING, how: 'claims' }];
  return [
    ...(facts.claims ?? []).map((resource) => ({ resource, how: 'claims' as const })),
    ...(facts.uses ?? []).map((use) => ({ how: 'uses' as const, ...use })),
  ];
}

/** What the attempts hold. Between its attempts a task keeps what it holds, but for amounts; a service does not. */
export function holdsOf(executions: Iterable<Execution>): readonly Hold[] {
  const holds: Mutable<Hold>[] = [];
  const kept = new Map<string, Mutable<Hold>>();
  for (const { task, fromMs, toMs } of executions)
    for (const entry of entriesOf(task.facts)) {
      const key = `${entry.how} ${entry.resource} ${task.path}`;
      const before = kept.get(key);
      if (before === undefined) {
        const hold = { ...entry, path: task.path, fromMs, toMs };
        holds.push(hold);
        if (entry.count === undefined && task.facts.service !== true) kept.set(key, hold);
      } else before.toMs = Math.max(before.toMs, toMs);
    }
  return holds;
}

/** The holds of one resource, or of one and those below it, merged where they touch. */
class Timeline {
  readonly #holds: Hold[] = [];
  #merged: Hold[] | undefined;

  add(hold: Hold): void {
    this.#holds.push(hold);
  }

  /** The times within these bounds in which it was held; the last of many stands for all that follow. */
  within(fromMs: number, toMs: number): readonly Omit<ResourceWait, 'path' | 'resource'>[] {
    this.#merged ??= merged(this.#holds);
    const first = firstIndex(this.#merged, (hold) => hold.toMs > fromMs);
    const end = firstIndex(this.#merged, (hold) => hold.fromMs >= toMs);
    const listed = this.#merged.slice(first, Math.min(end, first + MOST_TIMES)).map((hold) => ({
      ...{ fromMs: Math.max(fromMs, hold.fromMs), toMs: Math.min(toMs, hold.toMs), heldBy: hold.path },
    }));
    const [rest, last] = [listed.at(-1), this.#merged[end - 1]];
    const times = end - first - MOST_TIMES + 1;
    if (times <= 1 || rest === undefined || last === undefined) return listed;
    const all = { fromMs: rest.fromMs, toMs: Math.min(toMs, last.toMs), heldBy: last.path, times };
    return [...listed.slice(0, -1), all];
  }
}

/** All holds of a run, and who had to wait for them. */
export class Contention {
  /** By resource: holds of itself, and of itself and all below it; of all kinds, and claims only. */
  readonly #own = new Index();
  readonly #ownClaims = new Index();
  readonly #within = new Index();
  readonly #withinClaims = new Index();
  readonly #all = new Timeline();

  constructor(holds: Iterable<Hold>) {
    for (const hold of holds) {
      const isClaim = hold.how === 'claims';
      this.#all.add(hold);
      this.#own.add(hold.resource, hold);
      if (isClaim) this.#ownClaims.add(hold.resource, hold);
      for (const resource of [hold.resource, ...above(hold.resource)]) {
        this.#within.add(resource, hold);
        if (isClaim) this.#withinClaims.add(resource, hold);
      }
    }
  }

  /** The waits of a task that was ready at `fromMs` and started at `toMs`; none below a millisecond. Amounts have none: their capacity is not known. */
  waitsOf(path: string, facts: TaskFacts, fromMs: number, toMs: number): readonly ResourceWait[] {
    const found: ResourceWait[] = [];
    const look = (resource: string, timelines: readonly (Timeline | undefined)[]): void => {
      const spans = timelines.flatMap((timeline) => timeline?.within(fromMs, toMs) ?? []);
      for (const span of merged(spans))
        if (span.toMs - span.fromMs >= 1) found.push({ path, resource, ...span });
    };
    look(EVERYTHING, [facts.exclusive === true ? this.#all : this.#ownClaims.at(EVERYTHING)]);
    for (const { resource, how, count } of entriesOf(facts)) {
      if (count !== undefined || resource === EVERYTHING) continue;
      const [own, within] =
        how === 'claims' ? [this.#own, this.#within] : [this.#ownClaims, this.#withinClaims];
      look(resource, [within.at(resource), ...above(resource).map((each) => own.at(each))]);
    }
    return found;
  }
}

class Index {
  readonly #timelines = new Map<string, Timeline>();

  add(resource: string, hold: Hold): void {
    const known = this.#timelines.get(resource) ?? new Timeline();
    this.#timelines.set(resource, known);
    known.add(hold);
  }

  at(resource: string): Timeline | undefined {
    return this.#timelines.get(resource);
  }
}

/** `/a/b/c` is below `/a/b`, `/a` and `/`. Names without a slash are below nothing. */
function above(resource: string): readonly string[] {
  if (!resource.startsWith('/') || resource === '/') return [];
  const parts = resource.split('/').slice(1, -1);
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

/** Sorted, without overlaps; of those that do, the one that ended last stands for all. */
function merged<Span extends { readonly fromMs: number; readonly toMs: number }>(
  spans: readonly Span[],
): Span[] {
  const found: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = found.at(-1);
    if (last === undefined || span.fromMs > last.toMs) found.push(span);
    else if (span.toMs > last.toMs) found[found.length - 1] = { ...span, fromMs: last.fromMs };
  }
  return found;
}

/** The index of the first item that meets the condition, which all later ones meet, too. */
function firstIndex<Item>(items: readonly Item[], meets: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (meets(items[middle] as Item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
