/** The description of one random run as plain data: its tasks, pools, interruptions. Everything follows from the seed. Runs nothing. */

/** How one attempt of a body ends. */
export interface Ending {
  /**
   * `waits`: until its signal is aborted. `ignores`: never settles. `late`: returns after a while and ignores its signal. `exits`: ends its
   * worker. The failures state
   * that dependents must not run, or that the resources are not in order.
   */
  readonly how:
    | 'returns'
    | 'throws'
    | 'fails'
    | 'fails-dependents'
    | 'fails-locks'
    | 'skips'
    | 'waits'
    | 'ignores'
    | 'late'
    | 'exits';
  /** How long it takes before that; undefined: it never waits. */
  readonly afterMs: number | undefined;
}

/** What a task requires. */
export interface Need {
  readonly form: 'one' | 'every' | 'any-of' | 'at-least';
  readonly names: readonly string[];
  readonly count: number;
}

/** One task; times are milliseconds. */
export interface TaskPlan {
  readonly name: string;
  readonly requires: readonly Need[];
  readonly provides: readonly string[];
  readonly after: readonly string[];
  readonly before: readonly string[];
  readonly salvages: readonly string[];
  readonly tearsDown: string | undefined;
  readonly uses: readonly string[];
  /** Units of the resource `units`. */
  readonly amount: number;
  readonly claims: readonly string[];
  readonly exclusive: boolean;
  readonly priority: number;
  readonly isInGroup: boolean;
  readonly retries: number;
  readonly retryDelay: number;
  readonly timeout: number | undefined;
  readonly grace: number;
  readonly cleanup: 'returns' | 'throws' | undefined;
  /** One for each attempt; the last one applies to all further ones. */
  readonly endings: readonly [Ending, ...Ending[]];
}

/** When the run is interrupted. */
export interface Interruption {
  readonly how: 'abort' | 'drain' | 'kill' | 'signal' | 'break';
  readonly when: 'results' | 'starts' | 'ms';
  readonly count: number;
}

export type PoolKind = 'inline' | 'threads' | 'processes';

/** One run. */
export interface RunPlan {
  readonly seed: number;
  readonly pool: PoolKind;
  readonly workers: number;
  readonly spare: number | undefined;
  readonly units: number;
  readonly group: { readonly workers: number; readonly exclusive: boolean };
  readonly tasks: readonly TaskPlan[];
  /** Tasks that are added after this many results. */
  readonly additions: readonly { readonly afterResults: number; readonly tasks: readonly TaskPlan[] }[];
  readonly interruption: Interruption | undefined;
  /** How long the consumer works on each result. */
  readonly pauseMs: number;
  /** The results are not iterated: `summary` drives the run. */
  readonly isDriven: boolean;
}

const resources = ['/', '/a', '/a/b', '/a/b/c', '/a/d', '/e', '/e/f', 'flat'];

/** A deterministic source of random numbers (mulberry32). */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Each with that chance. */
  some<T>(items: readonly T[], share: number): T[] {
    return items.filter(() => this.chance(share));
  }
}

/** The run of a seed; `pool` restricts the kind of pool. */
export function planOf(seed: number, pool?: PoolKind): RunPlan {
  const random = new Random(seed);
  const drawn = random.next();
  const kind = pool ?? (drawn < 0.92 ? 'inline' : drawn < 0.98 ? 'threads' : 'processes');
  return new Planner(random, kind).run(seed);
}

const layerSize = 4;

class Planner {
  readonly #random: Random;
  readonly #kind: PoolKind;
  readonly #units: number;
  /** How likely bodies are to end badly. */
  readonly #trouble: number;
  #capabilities: string[] = [];

  constructor(random: Random, kind: PoolKind) {
    this.#random = random;
    this.#kind = kind;
    this.#units = 1 + random.below(4);
    this.#trouble = random.pick([0, 0.1, 0.3]);
  }

  run(seed: number): RunPlan {
    const random = this.#random;
    const size = 1 + random.below(this.#kind === 'processes' ? 10 : 16);
    const tasks = this.#grouped(Array.from({ length: size }, (_, index) => this.#task(index)));
    const withTeardowns = [...tasks, ...this.#teardowns()];
    const isDriven = random.chance(0.1);
    const whens = isDriven ? (['starts', 'ms'] as const) : (['results', 'starts', 'ms'] as const);
    const when = random.pick(whens);
    const hows = ['abort', 'drain', 'kill', 'signal', ...(when === 'results' ? ['break'] : [])] as const;
    const interruption = random.chance(0.45)
      ? {
          when,
          how: random.pick(hows) as Interruption['how'],
          count: 1 + random.below(when === 'ms' ? 25 : size),
        }
      : undefined;
    return {
      ...{ seed, pool: this.#kind, workers: 1 + random.below(this.#kind === 'inline' ? 5 : 3) },
      spare: random.pick([undefined, undefined, 0, 1, 3]),
      units: this.#units,
      group: { workers: 1 + random.below(3), exclusive: random.chance(0.7) },
      tasks: withTeardowns,
      additions: isDriven || random.chance(0.6) ? [] : this.#additions(withTeardowns),
      ...{ interruption, isDriven, pauseMs: random.pick([0, 0, 0, 1, 4]) },
    };
  }

  /** Tasks are in layers: each requires what lower ones provide, so that no graph has a cycle. */
  #task(index: number): TaskPlan {
    const random = this.#random;
    const layer = Math.floor(index / layerSize);
    const lower = Array.from({ length: index }, (_, at) => nameOf(at));
    const own = [0, 1].map((nth) => `c${layer}${nth}`);
    const provides = random.some(own, 0.5);
    const below = this.#capabilities.filter((name) => !own.includes(name));
    this.#capabilities = [...new Set([...this.#capabilities, ...provides])];
    const salvages = index > 0 && random.chance(0.08) ? [random.pick(lower)] : [];
    return {
      ...this.#holds(),
      ...this.#life(),
      name: nameOf(index),
      requires: below.length > 0 ? this.#needs(below) : [],
      provides,
      after: random.some(lower, 0.06),
      before: [],
      salvages,
      tearsDown: undefined,
    };
  }

  #needs(names: readonly string[]): Need[] {
    const random = this.#random;
    return Array.from({ length: random.pick([0, 1, 1, 2]) }, () => {
      const form = random.pick(['one', 'one', 'every', 'any-of', 'at-least'] as const);
      const several =
        form === 'any-of' ? [...new Set([random.pick(names), random.pick(names)])] : [random.pick(names)];
      return { form, names: several, count: 1 };
    });
  }

  #holds(): Pick<TaskPlan, 'uses' | 'claims' | 'amount' | 'exclusive'> {
    const random = this.#random;
    const claims = random.chance(0.35) ? [random.pick(resources)] : [];
    const uses = random.some(resources.slice(1), 0.12).filter((name) => !claims.includes(name));
    const amount = random.chance(0.2) ? 1 + random.below(this.#units) : 0;
    return { uses, claims, amount, exclusive: random.chance(0.05) };
  }

  #life(): Omit<
    TaskPlan,
    | 'name'
    | 'requires'
    | 'provides'
    | 'after'
    | 'before'
    | 'salvages'
    | 'tearsDown'
    | 'uses'
    | 'claims'
    | 'amount'
    | 'exclusive'
  > {
    const random = this.#random;
    const retries = random.chance(0.25) ? 1 + random.below(2) : 0;
    const endings = Array.from({ length: 1 + retries }, () => this.#ending());
    const needsTimeout = endings.some(({ how }) => how === 'waits' || how === 'ignores');
    return {
      ...{ retries, endings: endings as [Ending, ...Ending[]], isInGroup: false },
      priority: random.pick([0, 0, 0, -1, 1]),
      retryDelay: random.pick([0, 0, 2]),
      timeout: needsTimeout ? 5 + random.below(30) : random.chance(0.1) ? 20_000 : undefined,
      grace: 10 + random.below(40),
      cleanup: random.chance(0.15) ? random.pick(['returns', 'returns', 'throws'] as const) : undefined,
    };
  }

  #ending(): Ending {
    const random = this.#random;
    const afterMs = random.chance(0.3) ? undefined : random.pick([0, 0, 1, 2, 5]);
    if (!random.chance(this.#trouble)) return { how: 'returns', afterMs };
    const common = [
      'throws',
      'throws',
      'fails',
      'fails-dependents',
      'fails-locks',
      'skips',
      'waits',
      'late',
      'ignores',
    ] as const;
    const how = random.pick(this.#kind === 'inline' ? common : ([...common, 'exits'] as const));
    return { how, afterMs };
  }

  /** Neighbours are in the same group, so that groups do not form cycles. */
  #grouped(tasks: readonly TaskPlan[]): TaskPlan[] {
    const random = this.#random;
    if (!random.chance(0.2)) return [...tasks];
    const from = random.below(tasks.length);
    const to = from + 1 + random.below(5);
    return tasks.map((task, index) => ({ ...task, isInGroup: index >= from && index < to }));
  }

  #teardowns(): TaskPlan[] {
    const random = this.#random;
    return random.some(this.#capabilities, 0.25).map((capability) => ({
      ...this.#life(),
      ...{
        uses: [],
        claims: random.chance(0.3) ? [random.pick(resources)] : [],
        amount: 0,
        exclusive: false,
      },
      ...{ name: `down-${capability}`, requires: [], provides: [], after: [], before: [], salvages: [] },
      ...{ tearsDown: capability, retries: 0, timeout: 20_000, endings: [{ how: 'returns', afterMs: 1 }] },
    }));
  }

  #additions(tasks: readonly TaskPlan[]): RunPlan['additions'] {
    const random = this.#random;
    const known = tasks.filter(({ tearsDown }) => tearsDown === undefined).map(({ name }) => name);
    const capabilities = this.#capabilities;
    return Array.from({ length: 1 + random.below(2) }, (_, at) => ({
      afterResults: 1 + random.below(tasks.length),
      tasks: Array.from({ length: 1 + random.below(3) }, (_, nth) => ({
        ...this.#holds(),
        ...this.#life(),
        ...{ name: `added-${at}-${nth}`, before: [], salvages: [], tearsDown: undefined },
        requires: capabilities.length > 0 ? this.#needs(capabilities) : [],
        provides: random.chance(0.3) ? [`added-${at}`] : [],
        after: random.some(known, 0.1),
      })),
    }));
  }
}

function nameOf(index: number): string {
  return `t${index}`;
}
