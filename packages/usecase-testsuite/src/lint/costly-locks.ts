/**
 * The rule `costly-lock`: how much shorter the run would be if tests did not exclude each other, played by the scheduler itself with the durations of
 * earlier runs. It says something only where the same simulation agrees with what whole runs really took.
 */
import { isAmount, type Resource, type TaskMeta } from '@pexen/core';
import { isSamePlace, path as resourcePath } from '@pexen/lock';
import type { Plan } from '@pexen/sched';
import { isSame } from './lint-history.ts';
import { type HeldPlaces, neighboursOf, type Place } from './locks.ts';
import { counted, share, time } from './phrases.ts';
import type { LintCollector } from './report.ts';
import type { LintedSuite, LintedTask } from './suite.ts';

/** A gain is worth a finding from so much of the run on, and from so many ms on. */
const worth = { share: 0.1, ms: 1000 } as const;

/** Simulated and real durations of the whole run may differ by this factor. */
const agreement = 1.5;

/** Of the last whole runs so many are compared with the simulation. */
const comparedRuns = 5;

/** The tests of the suite that have no measured duration may be so many of all. */
const mostUnknown = 0.2;

/** So many locks are played, those first that are held longest. */
const mostPlayed = 12;

/** Called before each simulation: `the run without /db`. */
export type LintProgress = (what: string) => void;

/** Finds the locks that cost most. */
export function findCostly(
  suite: LintedSuite,
  places: HeldPlaces,
  collector: LintCollector,
  onProgress: LintProgress = () => {},
): void {
  if (!collector.asks('costly-lock')) return;
  const simulation = Simulation.of(suite, onProgress);
  if (typeof simulation === 'string') {
    collector.cannotJudge('costly-lock', simulation);
    return;
  }
  const locks = locksOf(suite, places, simulation);
  const candidates = new Set(candidatesAmong(locks, simulation));
  for (const lock of locks) {
    const gainMs = candidates.has(lock) ? simulation.gainOf(lock) : 0;
    const subject = { tasks: lock.holders.map(({ path }) => path), resource: lock.name };
    if (collector.judge('costly-lock', subject, simulation.isWorth(gainMs)))
      report(lock, gainMs, simulation, collector);
  }
}

/** Something that keeps tests apart. */
interface CostlyLock {
  /** The name of the resource; `exclusive` for tests that run alone. */
  readonly name: string;
  readonly place?: Place;
  /** The tasks that keep others away. */
  readonly holders: readonly LintedTask[];
  /** How long they hold it together, ms. */
  readonly heldMs: number;
  /** How long others hold it, who do not keep each other away. */
  readonly keptMs: number;
}

/** Everything that keeps tests apart. */
function locksOf(suite: LintedSuite, places: HeldPlaces, simulation: Simulation): readonly CostlyLock[] {
  const claimed = places.all.filter((place) => place.claims.length > 0 && keepsApart(place));
  const alone = suite.tasks.filter(({ info }) => info.exclusive === true && info.mayReboot !== true);
  return [
    ...claimed.map((place) => ({
      ...{ name: place.name, place, holders: place.claims, heldMs: simulation.workOf(place.claims) },
      keptMs: simulation.workOf(usersOf(place)),
    })),
    ...(alone.length === 0
      ? []
      : [
          {
            name: 'exclusive',
            holders: alone,
            heldMs: simulation.workOf(alone),
            keptMs: Number.POSITIVE_INFINITY,
          },
        ]),
  ].sort((one, other) => other.heldMs - one.heldMs);
}

/** Those that could cost enough. Without a lock the run is at most as much shorter as it is held, and as others hold it. */
function candidatesAmong(locks: readonly CostlyLock[], simulation: Simulation): readonly CostlyLock[] {
  if (!simulation.couldGain) return [];
  return locks.filter(({ heldMs, keptMs }) => simulation.isWorth(heldMs + keptMs)).slice(0, mostPlayed);
}

function keepsApart(place: Place): boolean {
  return place.claims.length > 1 || usersOf(place).length > 0;
}

/** Those who hold the place, or something above or below it, besides its claims. */
function usersOf(place: Place): readonly LintedTask[] {
  return [...place.uses, ...[...neighboursOf(place)].flatMap(({ claims, uses }) => [...claims, ...uses])];
}

function report(lock: CostlyLock, gainMs: number, simulation: Simulation, collector: LintCollector): void {
  const { name, holders, heldMs, place } = lock;
  const { wallMs, workers } = simulation;
  const halvesMs = place === undefined ? undefined : simulation.gainOfHalves(place);
  const longest = simulation.longestOf(holders, 3);
  const location = holders.find(({ path }) => path === longest[0]?.path)?.info.location;
  const tests = counted(holders.length, 'test');
  const what =
    place === undefined
      ? `${tests} that run alone keep all others waiting for ${time(heldMs)} of ${time(wallMs)}`
      : `${tests} ${holders.length === 1 ? 'claims' : 'claim'} it for ${time(heldMs)} of ${time(wallMs)}`;
  collector.add({
    ...{ rule: 'costly-lock', subject: name, gainMs: Math.round(gainMs) },
    message: `${what}; without that the run would take ${time(wallMs - gainMs)}, ${share(gainMs, wallMs)} less, with ${counted(workers, 'worker')}`,
    details: [
      ...(halvesMs !== undefined && simulation.isWorth(halvesMs)
        ? [`divided into two parts: ${time(wallMs - halvesMs)}`]
        : []),
      `the longest: ${longest.map(({ path, ms }) => `${path} ${time(ms)}`).join(', ')}`,
    ],
    nextStep:
      place === undefined
        ? 'Let them claim what they really need for themselves, instead of everything.'
        : `If they do not all need the same part of it, name the parts: ${partsText(place)} do not exclude each other.`,
    tasks: holders.map(({ path }) => path),
    ...(location !== undefined && { location }),
  });
}

function partsText({ name }: Place): string {
  const base = name.startsWith('/') ? name : `/${name}`;
  return `claims of ${base}/a and of ${base}/b`;
}

/** The run as it would be, with the durations of earlier runs. */
class Simulation {
  readonly workers: number;
  readonly #plan: Plan;
  readonly #suite: LintedSuite;
  readonly #onProgress: LintProgress;
  readonly #took: ReadonlyMap<string, number>;
  /** How many times longer real runs took than the simulation. */
  readonly #scale: number;
  readonly #simulatedMs: number;

  private constructor(
    suite: LintedSuite,
    took: ReadonlyMap<string, number>,
    onProgress: LintProgress,
    compared: Compared,
  ) {
    this.#suite = suite;
    this.#plan = suite.given.plan;
    this.workers = suite.given.workers;
    this.#took = took;
    this.#onProgress = onProgress;
    const { workers, realMs } = compared;
    const asThenMs = this.#play('as it is', this.#plan, workers);
    this.#simulatedMs =
      workers === this.workers ? asThenMs : this.#play('as it is', this.#plan, this.workers);
    this.#scale = realMs / asThenMs;
  }

  /** The simulation, or why it would say nothing. */
  static of(suite: LintedSuite, onProgress: LintProgress): Simulation | string {
    const { history } = suite.given;
    const tasks = suite.tasks.filter(({ info }) => info.whyNot === undefined && info.salvages === undefined);
    const expected = tasks.map(({ path }) => history.expectedOf(path));
    const unknown = expected.filter((each) => each === undefined || each.isGuess === true).length;
    if (unknown === tasks.length) return 'the durations of the tests are not known';
    if (unknown > mostUnknown * tasks.length)
      return `the durations of ${counted(unknown, 'test')} are not known`;
    const compared = comparedIn(suite);
    if (compared === undefined) return 'no run of the whole suite on this machine is known';
    const took = new Map(tasks.map(({ path }, at) => [path, expected[at]?.ms ?? 0]));
    const simulation = new Simulation(suite, took, onProgress, compared);
    const scale = simulation.#scale;
    if (scale <= agreement && scale >= 1 / agreement) return simulation;
    return `the simulated run takes ${time(compared.realMs / scale)}, and runs took ${time(compared.realMs)}`;
  }

  /** How long the run takes as it is. */
  get wallMs(): number {
    return this.#simulatedMs * this.#scale;
  }

  /** Could any lock make the run shorter by enough? All work divided by all workers takes its time. */
  get couldGain(): boolean {
    const pools = new Set(this.#suite.tasks.map(({ info: { group, pool = '' } }) => group ?? pool)).size + 1;
    const leastMs = this.workOf(this.#suite.tasks) / (this.workers * pools);
    return this.isWorth(this.wallMs - leastMs);
  }

  /** Is it worth a finding? */
  isWorth(gainMs: number): boolean {
    return gainMs >= worth.ms && gainMs >= worth.share * this.wallMs;
  }

  /** How long the tasks take together, ms. */
  workOf(tasks: readonly LintedTask[]): number {
    let sum = 0;
    for (const { path } of tasks) sum += this.#took.get(path) ?? 0;
    return sum * this.#scale;
  }

  longestOf(tasks: readonly LintedTask[], most: number): { readonly path: string; readonly ms: number }[] {
    const timed = tasks.map(({ path }) => ({ path, ms: this.workOf([{ path } as LintedTask]) }));
    return timed.sort((one, other) => other.ms - one.ms).slice(0, most);
  }

  /** How much shorter the run would be without the lock, ms. */
  gainOf({ name, place, holders }: CostlyLock): number {
    const paths = new Set(holders.map(({ path }) => path));
    const freed = this.#plan.revised((meta, { path }) => {
      if (!paths.has(path)) return undefined;
      return place === undefined ? { exclusive: undefined } : without(meta, place);
    });
    return (this.#simulatedMs - this.#play(`without ${name}`, freed, this.workers)) * this.#scale;
  }

  /** The same, if the tests that claim the place were divided into two parts that take equally long. */
  gainOfHalves(place: Place): number {
    const loads = [0, 0];
    const partOf = new Map<string, number>();
    for (const { path, ms } of this.longestOf(place.claims, place.claims.length)) {
      const part = (loads[0] as number) <= (loads[1] as number) ? 0 : 1;
      loads[part] = (loads[part] as number) + ms;
      partOf.set(path, part);
    }
    const divided = this.#plan.revised((meta, { path }) => {
      const part = partOf.get(path);
      if (part === undefined) return undefined;
      const rest = without(meta, place);
      return { ...rest, claims: [...rest.claims, resourcePath(...place.parts, parts[part])] };
    });
    return (
      (this.#simulatedMs - this.#play(`with ${place.name} in two parts`, divided, this.workers)) * this.#scale
    );
  }

  #play(what: string, plan: Plan, workers: number): number {
    this.#onProgress(`the run ${what}`);
    return plan.wallTimeMs({ workers, durationMs: (path) => this.#took.get(path) ?? 0 });
  }
}

/** Two parts of a resource that no test names. */
const parts = [{ name: 'one part' }, { name: 'the other part' }];

/** What the task holds besides. */
function without(
  { uses = [], claims = [] }: TaskMeta,
  place: Place,
): Required<Pick<TaskMeta, 'uses' | 'claims'>> & {
  readonly claims: readonly Resource[];
} {
  const isOther = (resource: Resource): boolean => !isSamePlace(resource, place.resource as Resource);
  return {
    claims: claims.filter(isOther),
    uses: uses.filter((use) => isOther(isAmount(use) ? use.resource : use)),
  };
}

/** What runs really took. */
interface Compared {
  readonly workers: number;
  readonly realMs: number;
}

/** By the last runs of the whole suite on this kind of machine, with as many workers as the last one; undefined where there is none. */
function comparedIn({ given: { history } }: LintedSuite): Compared | undefined {
  const whole = history.runs.filter(
    ({ isWhole, shard, parent, exitCode = -1, machine, workers }) =>
      isWhole &&
      shard === undefined &&
      parent === undefined &&
      workers !== undefined &&
      [0, 1].includes(exitCode) &&
      isSame(machine, history.machine),
  );
  const workers = whole[0]?.workers;
  if (workers === undefined) return undefined;
  const times = whole
    .filter((run) => run.workers === workers)
    .slice(0, comparedRuns)
    .map(({ durationMs }) => durationMs)
    .sort((one, other) => one - other);
  return { workers, realMs: times[Math.floor(times.length / 2)] as number };
}
