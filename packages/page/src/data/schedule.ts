/**
 * When and where everything ran, and what each test waited for before: the tracks of the timeline, the gaps in them by their causes, the critical chain
 * and the waits for resources. Computed from the tasks alone. Knows no browser.
 */
import {
  Contention,
  type CriticalChain,
  criticalChain,
  type Execution,
  executionsOf,
  type Hold,
  holdsOf,
  Readiness,
  type ResourceWait,
  slotOf,
  type TaskTimes,
} from '@pexen/report/model';
import type { PageTask } from './page-run.ts';

/** What a test waited for, one after the other, from the start of the run to its first attempt. */
export interface Wait {
  /** `worker`: nothing else was in its way; a slot, the start of a worker, or the consumer was. */
  readonly kind: 'dependency' | 'resource' | 'worker';
  readonly fromMs: number;
  readonly toMs: number;
  /** The path of the test that it waited for, where that is known. */
  readonly by?: string;
  readonly resource?: string;
}

/** A row of the timeline. */
export interface Track {
  readonly name: string;
  readonly kind: 'worker' | 'service' | 'resource';
  readonly bars: readonly Bar[];
  /** Of a worker: the times at which it ran nothing, with what the next test there waited for. */
  readonly gaps: readonly Wait[];
}

/** An attempt, a hold of a resource, or a wait for it. */
export interface Bar {
  readonly path: string;
  readonly attempt: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of a worker: is it the last attempt of its test? Of a resource: does the test hold it, or wait for it? */
  readonly kind: 'last' | 'earlier' | 'held' | 'claimed' | 'waiting';
  /** Rows within a track, from 0: bars at the same time are below each other. */
  readonly row: number;
}

/** A resource, with what became of it. Times are milliseconds. */
export interface ResourceUse {
  readonly resource: string;
  readonly used: number;
  readonly claimed: number;
  readonly heldMs: number;
  /** The sum over all tests that waited, at most. */
  readonly waitedMs: number;
  readonly waits: readonly ResourceWait[];
}

/** Gaps that are shorter are not shown, ms. */
const SHORTEST_GAP = 1;

interface TimedTask extends TaskTimes {
  readonly shown: PageTask;
}

export class Schedule {
  readonly endMs: number;
  readonly #tasks: readonly TimedTask[];
  readonly #byPath: ReadonlyMap<string, TimedTask>;
  readonly #executions: readonly Execution<TimedTask>[];
  readonly #holds: readonly Hold[];
  readonly #readiness: Readiness<TimedTask>;
  readonly #contention: Contention;
  readonly #waits = new Map<string, readonly Wait[]>();
  #chain: CriticalChain | undefined;

  /** `endMs`: the end of the run, or now. */
  constructor(tasks: readonly PageTask[], endMs: number) {
    this.endMs = endMs;
    this.#tasks = tasks.map(timed);
    this.#byPath = new Map(this.#tasks.map((each) => [each.path, each]));
    this.#executions = [...executionsOf(this.#tasks, endMs)].sort((one, other) => one.fromMs - other.fromMs);
    this.#readiness = new Readiness(this.#tasks);
    this.#holds = holdsOf(this.#executions);
    this.#contention = new Contention(this.#holds);
  }

  get chain(): CriticalChain {
    this.#chain ??= criticalChain(this.#tasks, this.endMs);
    return this.#chain;
  }

  /** The latest end, which may be after `endMs` where clocks differ. */
  get lastMs(): number {
    return this.#executions.reduce((last, { toMs }) => Math.max(last, toMs), this.endMs);
  }

  /** Empty for a test that has not started in this run. */
  waitsOf(path: string): readonly Wait[] {
    const known = this.#waits.get(path);
    if (known !== undefined) return known;
    const found = this.#findWaits(path);
    this.#waits.set(path, found);
    return found;
  }

  /** Workers first, then services, then resources that some test had to wait for. */
  tracks(): readonly Track[] {
    const slots = new Map<string, Execution<TimedTask>[]>();
    const services = new Map<string, Execution<TimedTask>[]>();
    for (const execution of this.#executions) {
      const isService = execution.task.facts.service === true;
      append(
        isService ? services : slots,
        isService ? execution.task.path : slotOf(execution.worker),
        execution,
      );
    }
    return [
      ...[...slots].sort(byName).map(([name, found]) => this.#workerTrack(name, found)),
      ...[...services].map(([name, found]) => track(name, 'service', found.map(barOf))),
      ...this.#resourceTracks(),
    ];
  }

  /** In the order of their names, so that what is below another follows it. */
  resources(): readonly ResourceUse[] {
    const waits = new Map<string, ResourceWait[]>();
    for (const wait of this.#resourceWaits()) append(waits, wait.resource, wait);
    const holds = new Map<string, Hold[]>();
    for (const hold of this.#holds) append(holds, hold.resource, hold);
    return [...new Set([...holds.keys(), ...waits.keys()])].sort().map((resource) => {
      const [held, waited] = [holds.get(resource) ?? [], waits.get(resource) ?? []];
      const claimed = held.filter(({ how }) => how === 'claims').length;
      return {
        ...{ resource, used: held.length - claimed, claimed, heldMs: covered(held) },
        waitedMs: waited.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0),
        waits: waited.sort((one, other) => lengthOf(other) - lengthOf(one)),
      };
    });
  }

  *#resourceWaits(): Generator<ResourceWait> {
    for (const { task, attempt, fromMs } of this.#executions) {
      if (attempt !== 1) continue;
      const { atMs } = this.#readiness.of(task, 0, fromMs);
      yield* this.#contention.waitsOf(task.path, task.facts, atMs, fromMs);
    }
  }

  #findWaits(path: string): readonly Wait[] {
    const task = this.#byPath.get(path);
    const first = task?.result?.attempts[0]?.startedAtMs ?? task?.running?.startedAtMs;
    if (task === undefined || first === undefined || first < 0) return [];
    const ready = this.#readiness.of(task, 0, first);
    const waits: Wait[] = [];
    if (ready.atMs > 0 && ready.by !== undefined)
      waits.push({ kind: 'dependency', fromMs: 0, toMs: ready.atMs, by: ready.by.path });
    let reached = ready.atMs;
    const ofResources = this.#contention.waitsOf(path, task.facts, ready.atMs, first);
    for (const { resource, fromMs, toMs, heldBy } of [...ofResources].sort(
      (one, other) => one.fromMs - other.fromMs,
    )) {
      if (toMs <= reached) continue;
      const from = Math.max(reached, fromMs);
      if (from > reached) waits.push({ kind: 'worker', fromMs: reached, toMs: from });
      waits.push({ kind: 'resource', fromMs: from, toMs, by: heldBy, resource });
      reached = toMs;
    }
    if (first > reached) waits.push({ kind: 'worker', fromMs: reached, toMs: first });
    return waits;
  }

  #workerTrack(name: string, executions: readonly Execution<TimedTask>[]): Track {
    const gaps: Wait[] = [];
    let reached = 0;
    for (const { task, attempt, fromMs, toMs } of executions) {
      if (fromMs > reached + SHORTEST_GAP && attempt === 1)
        gaps.push(...clipped(this.waitsOf(task.path), reached, fromMs));
      reached = Math.max(reached, toMs);
    }
    return { ...track(name, 'worker', executions.map(barOf)), gaps };
  }

  #resourceTracks(): readonly Track[] {
    return this.resources()
      .filter(({ waitedMs }) => waitedMs >= SHORTEST_GAP)
      .sort((one, other) => other.waitedMs - one.waitedMs)
      .slice(0, 40)
      .map(({ resource, waits }) => {
        const held = this.#holds
          .filter((hold) => hold.resource === resource)
          .map((hold) => ({
            ...hold,
            attempt: 1,
            kind: hold.how === 'claims' ? ('claimed' as const) : ('held' as const),
          }));
        const holders = track(resource, 'resource', held.sort(byStart), 2);
        const below = 1 + Math.max(-1, ...holders.bars.map(({ row }) => row));
        const waiting = waits.map((wait) => ({ ...wait, attempt: 1, kind: 'waiting' as const }));
        const { bars } = track(resource, 'resource', waiting.sort(byStart), 4);
        return {
          ...holders,
          bars: [...holders.bars, ...bars.map((bar) => ({ ...bar, row: below + bar.row }))],
        };
      });
  }
}

function timed(shown: PageTask): TimedTask {
  const { facts, running, service, result } = shown.task;
  return { path: shown.path, facts, running, service, result, shown };
}

type Unplaced = Omit<Bar, 'row'>;

function barOf({ task, attempt, fromMs, toMs }: Execution<TimedTask>): Unplaced {
  const last = task.result?.attempts.at(-1)?.attempt ?? task.running?.attempt;
  return { path: task.path, attempt, fromMs, toMs, kind: attempt === last ? 'last' : 'earlier' };
}

/** Bars beyond so many at the same time share the last row. */
const MOST_ROWS = 6;

function track(name: string, kind: Track['kind'], bars: readonly Unplaced[], mostRows = MOST_ROWS): Track {
  const ends: number[] = [];
  const placed = bars.map(({ path, attempt, fromMs, toMs, kind: of }) => {
    const free = ends.findIndex((end) => end <= fromMs);
    const row = free === -1 ? Math.min(ends.length, mostRows - 1) : free;
    ends[row] = Math.max(ends[row] ?? 0, toMs);
    return { path, attempt, fromMs, toMs, kind: of, row };
  });
  return { name, kind, bars: placed, gaps: [] };
}

function byStart(one: Unplaced, other: Unplaced): number {
  return one.fromMs - other.fromMs;
}

function clipped(waits: readonly Wait[], fromMs: number, toMs: number): readonly Wait[] {
  return waits
    .map((wait) => ({ ...wait, fromMs: Math.max(wait.fromMs, fromMs), toMs: Math.min(wait.toMs, toMs) }))
    .filter((wait) => lengthOf(wait) > 0);
}

function covered(spans: readonly Hold[]): number {
  let [length, reached] = [0, Number.NEGATIVE_INFINITY];
  for (const { fromMs, toMs } of [...spans].sort((one, other) => one.fromMs - other.fromMs)) {
    length += Math.max(0, toMs - Math.max(fromMs, reached));
    reached = Math.max(reached, toMs);
  }
  return length;
}

function lengthOf({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): number {
  return toMs - fromMs;
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

function append<Item>(index: Map<string, Item[]>, key: string, item: Item): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, [item]);
  else known.push(item);
}
