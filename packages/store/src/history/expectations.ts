/**
 * What is expected of each task of a run on this kind of machine: from its own runs here, else from those on other kinds, else from the tasks
 * beside it. Pure.
 */
import type { ExpectedDuration } from '@pexen/core';
import {
  boundMs,
  type DurationEstimate,
  likelyMs,
  unusualMs,
  type Weighted,
  weightedMedian,
} from './duration.ts';

/** The estimate of one task on one kind of machine. */
export interface KnownEstimate extends DurationEstimate {
  readonly path: string;
  /** Identifies the kind. */
  readonly machine: number;
}

/** Below this weight an estimate is replaced by that of another kind of machine: it stands for a single run. */
const leastWeight = 1.5;
/** So many tasks must have run on both kinds before the kinds are compared. */
const leastCommon = 10;
/** What the spread grows by on another kind of machine, if the kinds can be compared, and if they cannot. */
const comparedSpread = 0.3;
const uncomparedSpread = 0.6;

/** Estimates by path. */
type Estimates = ReadonlyMap<string, DurationEstimate>;

export class Expectations {
  readonly #own: Estimates;
  readonly #elsewhere: readonly Estimates[];
  /** The logarithms of durations in each folder; made when it is first needed. */
  #folders: ReadonlyMap<string, number> | undefined;

  /** `machine`: the kind that is asked about; undefined for one that nothing ran on yet. */
  constructor(estimates: Iterable<KnownEstimate>, machine: number | undefined) {
    const byMachine = new Map<number, Map<string, DurationEstimate>>();
    for (const each of estimates) {
      const ofMachine = byMachine.get(each.machine) ?? new Map<string, DurationEstimate>();
      byMachine.set(each.machine, ofMachine.set(each.path, each));
    }
    this.#own = (machine === undefined ? undefined : byMachine.get(machine)) ?? new Map();
    this.#elsewhere = [...byMachine]
      .filter(([each]) => each !== machine)
      .map(([, estimates]) => estimates)
      .map((estimates) => ({ estimates, common: countCommon(this.#own, estimates) }))
      .sort((one, other) => other.common - one.common || other.estimates.size - one.estimates.size)
      .map(({ estimates }) => this.#translated(estimates));
  }

  /** What is expected of the task; undefined where nothing is known of it or of any task beside it. */
  of(path: string): Required<ExpectedDuration> | undefined {
    const estimate = this.#estimateOf(path);
    if (estimate !== undefined) return expected(estimate, false);
    const center = this.#ofFolder(path);
    return center === undefined ? undefined : expected({ center, spread: 1, weight: 0 }, true);
  }

  /** The paths of all tasks that have run. */
  get paths(): ReadonlySet<string> {
    return new Set([this.#own, ...this.#elsewhere].flatMap((estimates) => [...estimates.keys()]));
  }

  #estimateOf(path: string): DurationEstimate | undefined {
    const own = this.#own.get(path);
    if (own !== undefined && own.weight >= leastWeight) return own;
    const elsewhere = this.#elsewhere.find((estimates) => estimates.has(path))?.get(path);
    // A single run here is better than a kind of machine that cannot be compared.
    if (own !== undefined && (elsewhere === undefined || own.spread <= elsewhere.spread)) return own;
    return elsewhere ?? own;
  }

  /** The estimates of another kind, as they would be on this one. */
  #translated(estimates: Estimates): Estimates {
    const ratio = logRatio(this.#own, estimates);
    const more = ratio === undefined ? uncomparedSpread : comparedSpread;
    return new Map(
      [...estimates].map(([path, { center, spread, weight }]) => [
        path,
        { center: center + (ratio ?? 0), spread: spread + more, weight },
      ]),
    );
  }

  /** The median of the nearest folder in which something has run. */
  #ofFolder(path: string): number | undefined {
    this.#folders ??= this.#foldersNow();
    for (let folder = parentOf(path); folder !== undefined; folder = parentOf(folder)) {
      const center = this.#folders.get(folder);
      if (center !== undefined) return center;
    }
    return undefined;
  }

  #foldersNow(): ReadonlyMap<string, number> {
    const inside = new Map<string, Weighted[]>();
    for (const path of this.paths) {
      const { center } = this.#estimateOf(path) as DurationEstimate;
      for (let folder = parentOf(path); folder !== undefined; folder = parentOf(folder)) {
        const centers = inside.get(folder) ?? [];
        centers.push([center, 1]);
        inside.set(folder, centers);
      }
    }
    return new Map([...inside].map(([folder, centers]) => [folder, weightedMedian(centers)]));
  }
}

function expected(estimate: DurationEstimate, isGuess: boolean): Required<ExpectedDuration> {
  return {
    ms: likelyMs(estimate),
    boundMs: boundMs(estimate),
    unusualMs: unusualMs(estimate),
    isGuess,
  };
}

/** `a` for `a/b`, the empty text for `a`. A `/` inside a name is escaped by a backslash. */
function parentOf(path: string): string | undefined {
  if (path === '') return undefined;
  for (let at = path.length - 1; at > 0; at--)
    if (path[at] === '/' && !isEscaped(path, at)) return path.slice(0, at);
  return '';
}

function isEscaped(path: string, at: number): boolean {
  let backslashes = 0;
  while (path[at - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function countCommon(one: Estimates, other: Estimates): number {
  let count = 0;
  for (const path of one.keys()) if (other.has(path)) count++;
  return count;
}

/** How much longer tasks take here than there, as a logarithm; undefined where too few ran on both. */
function logRatio(here: Estimates, there: Estimates): number | undefined {
  const ratios: Weighted[] = [];
  for (const [path, own] of here) {
    const other = there.get(path);
    if (other !== undefined) ratios.push([own.center - other.center, Math.min(own.weight, other.weight)]);
  }
  return ratios.length < leastCommon ? undefined : weightedMedian(ratios);
}
