/** The tasks of a suite as the rules see them: what each provides, and the facts around them. Judges nothing. */
import { definitionOf, isPlaced, type Resource, type TaskDefinition, type TaskInfo } from '@pexen/core';
import { namesIn, partsOf, ResourcePattern } from '@pexen/lock';
import type { Plan } from '@pexen/sched';
import type { SuiteConfig } from '../config/define-suite.ts';
import type { LintHistory } from './lint-history.ts';

/** A task of the suite. */
export interface LintedTask {
  readonly path: string;
  readonly info: TaskInfo;
  readonly definition: TaskDefinition;
}

/** What the rules judge by. */
export interface LintGiven {
  /** Of the whole suite. */
  readonly plan: Plan;
  /** What files are relative to: an absolute path. */
  readonly root: string;
  readonly config: Omit<SuiteConfig, 'from'>;
  readonly capacities?: Iterable<readonly [unknown, number]>;
  /** The limit of tasks that state none, and one that counts for all tasks, ms. */
  readonly timeoutMs: number;
  readonly statedTimeoutMs?: number | undefined;
  /** How many tasks run at the same time. */
  readonly workers: number;
  readonly history: LintHistory;
  readonly isExpectedToFail: (path: string) => boolean;
}

export class LintedSuite {
  readonly given: LintGiven;
  readonly tasks: readonly LintedTask[];
  readonly #providers = new Map<string, LintedTask[]>();
  readonly #shared: readonly ResourcePattern[];
  readonly #capacities: ReadonlyMap<unknown, unknown>;

  constructor(given: LintGiven) {
    this.given = given;
    const { plan, root, config, capacities = [] } = given;
    const infos = plan.describe(root);
    this.tasks = plan.tasks.map(({ path, entry }, at) => ({
      ...{ path, info: infos[at] as TaskInfo },
      definition: definitionOf(isPlaced(entry) ? entry.task : entry),
    }));
    for (const task of this.tasks)
      for (const name of [`task:${task.path}`, ...(task.info.provides ?? [])]) {
        const known = this.#providers.get(name);
        if (known === undefined) this.#providers.set(name, [task]);
        else known.push(task);
      }
    const rules = Object.entries(config.resources ?? {});
    const ofOthers = rules.filter(([, { scope = 'run' }]) => scope === 'machine' || scope === 'cluster');
    const patterns = [...ofOthers.map(([name]) => name), ...(config.sharedResources ?? [])];
    this.#shared = patterns.map((pattern) => new ResourcePattern(pattern));
    const own = rules.flatMap(([name, { capacity }]) =>
      capacity === undefined ? [] : [[name, capacity] as const],
    );
    this.#capacities = new Map(
      [...capacities, ...own].map(([resource, count]) => [keyOf(partsOf(resource as Resource)), count]),
    );
  }

  /** The tasks that provide the capability. */
  providersOf(capability: string): readonly LintedTask[] {
    return this.#providers.get(capability) ?? [];
  }

  /** May other runs, or other shards, hold the resource, or something above or below it? */
  isShared(parts: readonly unknown[]): boolean {
    return this.#shared.some((pattern) => pattern.meets(namesIn(parts.map(String).join('/'))));
  }

  /** Has the resource a number of units, other than one? */
  isCounted(parts: readonly unknown[]): boolean {
    const capacity = this.#capacities.get(keyOf(parts));
    return capacity !== undefined && capacity !== 1;
  }

  /** Has the resource one unit, so that who takes it keeps all others away? */
  isSingle(parts: readonly unknown[]): boolean {
    return this.#capacities.get(keyOf(parts)) === 1;
  }

  /** The limit of the task, ms; undefined for none. */
  timeoutOf({ definition }: LintedTask): number | undefined {
    const { statedTimeoutMs, timeoutMs } = this.given;
    const limit = statedTimeoutMs ?? definition.meta.timeout ?? timeoutMs;
    return Number.isFinite(limit) ? limit : undefined;
  }
}

function keyOf(parts: readonly unknown[]): unknown {
  return parts.length === 1 ? parts[0] : parts.map(String).join('\0');
}
