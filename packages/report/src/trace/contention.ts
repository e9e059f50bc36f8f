/**
 * Which tasks could not start since others held what they needed: from the descriptions of the tasks and the times of their attempts. Says when a
 * resource was taken, and not how the scheduler decided: a task that waited for a resource may have waited for a worker, too.
 */
import type { TaskFacts } from '../model/run-task.ts';

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
}

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

/** The holds of one resource, or of one and those below it, merged where they touch. */
class Timeline {
  readonly #holds: Hold[] = [];
  #merged: Hold[] | undefined;

  add(hold: Hold): void {
    this.#holds.push(hold);
  }

  /** The time from the first hold to the last one within these bounds. */
  within(fromMs: number, toMs: number): Omit<ResourceWait, 'path' | 'resource'> | undefined {
    this.#merged ??= merged(this.#holds);
    const first = this.#merged[firstIndex(this.#merged, (hold) => hold.toMs > fromMs)];
    const last = this.#merged[firstIndex(this.#merged, (hold) => hold.fromMs >= toMs) - 1];
    if (first === undefined || last === undefined || first.fromMs >= toMs || last.toMs <= fromMs)
      return undefined;
    return {
      ...{ fromMs: Math.max(fromMs, first.fromMs), toMs: Math.min(toMs, last.toMs), heldBy: last.path },
    };
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
    const alone = this.#ownClaims.at(EVERYTHING)?.within(fromMs, toMs);
    const waits = entriesOf(facts).flatMap(({ resource, how, count }) => {
      if (count !== undefined) return [];
      if (resource === EVERYTHING) return [{ resource, span: this.#all.within(fromMs, toMs) }];
      const isClaim = how === 'claims';
      const below = (isClaim ? this.#within : this.#withinClaims).at(resource);
      const ancestors = above(resource).map((each) => (isClaim ? this.#own : this.#ownClaims).at(each));
      return [below, ...ancestors].map((timeline) => ({ resource, span: timeline?.within(fromMs, toMs) }));
    });
    return [...waits, { resource: EVERYTHING, span: facts.exclusive === true ? undefined : alone }].flatMap(
      ({ resource, span }) =>
        span === undefined || span.toMs - span.fromMs < 1 ? [] : [{ path, resource, ...span }],
    );
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

/** Sorted, without overlaps; each with the path of the hold that ended last. */
function merged(holds: readonly Hold[]): Hold[] {
  const found: Hold[] = [];
  for (const hold of [...holds].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = found.at(-1);
    if (last === undefined || hold.fromMs > last.toMs) found.push(hold);
    else if (hold.toMs > last.toMs) found[found.length - 1] = { ...hold, fromMs: last.fromMs };
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
