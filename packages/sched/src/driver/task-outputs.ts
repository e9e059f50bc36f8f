/** The outputs of tasks for their dependents: dictionaries, and the values of typed keys. */
import {
  type AnyKey,
  type Capability,
  capabilitiesOf,
  checkShared,
  type FinishFacts,
  isKey,
  mergeShared,
  PexenError,
  type PoolOutcome,
  type RecalledResult,
  type ReceivedKey,
  type Requirement,
  type SharedState,
  sayTheSame,
  tornDown,
  tornDownBy,
} from '@pexen/core';
import type { TaskId } from '../machine/protocol.ts';
import type { State } from '../machine/state.ts';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { PROVIDES } from '../plan/metadata.ts';

const nothing: SharedState = Object.freeze(mergeShared());
const noKeys: readonly ReceivedKey[] = [];

export class TaskOutputs {
  readonly #plan: CompiledTasks;
  readonly #state: Pick<State, 'metBy' | 'onNodeOf'>;
  /** The dictionary with which every task starts. */
  readonly #initial: SharedState;
  /** True if some dictionary has entries. */
  #isUsed: boolean;
  readonly #finals: (SharedState | undefined)[] = [];
  /** Dictionaries of tasks that are over and can only be named by the tasks themselves. */
  readonly #weakFinals = new WeakMap<object, Map<TaskId, SharedState>>();
  readonly #values = new Map<TaskId, ReadonlyMap<AnyKey, unknown>>();
  /** Recalled tasks whose dictionary is what their providers gave them, until it is read. */
  readonly #inheriting = new Set<TaskId>();

  constructor(
    plan: CompiledTasks,
    state: Pick<State, 'metBy' | 'onNodeOf'>,
    shared: Readonly<Record<string, unknown>> = {},
  ) {
    this.#plan = plan;
    this.#state = state;
    this.#initial = mergeShared(shared);
    this.#isUsed = Object.keys(this.#initial).length > 0;
  }

  /**
   * A new dictionary for the task: the entries of the run's dictionary, then those of the providers that met its requirements, in the order
   * of both.
   */
  inherit(task: TaskId): SharedState {
    if (!this.#isUsed) return mergeShared();
    const finals = this.providersOf(task).map((provider) => this.#finalOf(provider));
    return mergeShared(this.#initial, ...finals.filter((final) => final !== undefined));
  }

  /** The tasks that met the requirements of the task, in their order, and the providers of what it tears down. */
  providersOf(task: TaskId): readonly TaskId[] {
    const { graph } = this.#plan;
    const met = graph.waits.in
      .ends(task)
      .flatMap((condition) => (graph.isRequirement(condition) ? this.#state.metBy(task, condition) : []));
    return [...met, ...this.#givenBefore(task)];
  }

  /** The values of the typed keys that the task requires. */
  receive(task: TaskId): readonly ReceivedKey[] {
    const meta = this.#plan.metaOf(task);
    const { requires = [] } = meta;
    if (this.#values.size === 0) return noKeys;
    const required = requires.flatMap((requirement, at) =>
      this.#received(requirement, at, this.#metBy(task, requirement)),
    );
    const torn = tornDownBy(meta);
    return torn.length === 0
      ? required
      : [...required, ...this.#receivedOf(torn, tornDown, this.#givenBefore(task))];
  }

  /**
   * Keeps the outputs of an attempt. `touched` is the dictionary in its assignment, if the body has read it. Returns an error if the
   * dictionary is invalid; then it is not kept.
   */
  keep(
    task: TaskId,
    touched: SharedState | undefined,
    { kind, shared, provided }: PoolOutcome,
  ): PexenError | undefined {
    if (kind === 'not-started') return undefined;
    if (provided !== undefined && provided.length > 0) this.#values.set(task, this.#byKey(task, provided));
    const own = shared ?? touched;
    if (own === undefined && !this.#isUsed) return undefined;
    const [wrong] = own === undefined ? [] : checkShared(own, 'shared');
    if (wrong !== undefined) return new PexenError([{ ...wrong, task: this.#plan.pathOf(task) }]);
    this.#keepFinal(task, own ?? this.inherit(task));
    return undefined;
  }

  #keepFinal(task: TaskId, dictionary: SharedState): void {
    this.#isUsed ||= hasEntries(dictionary);
    this.#finals[task] = hasEntries(dictionary) ? Object.freeze(mergeShared(dictionary)) : undefined;
  }

  /** What a journal keeps of the task. */
  toRecord(task: TaskId): Pick<FinishFacts, 'provided' | 'shared' | 'metBy'> {
    const { requires = [], provides = [] } = this.#plan.metaOf(task);
    const values = this.#values.get(task) ?? new Map<AnyKey, unknown>();
    const shared = this.#isUsed ? this.#finals[task] : undefined;
    const isOwn = shared !== undefined && !isSame(shared, this.inherit(task));
    return {
      provided: [...values].map(([key, value]) => [provides.indexOf(key), value] as const),
      metBy: requires.map((requirement) =>
        this.#metBy(task, requirement).map((provider) => this.#plan.pathOf(provider)),
      ),
      ...(isOwn && { shared }),
    };
  }

  /** Keeps the outputs of a task that ended in an earlier session. Tasks are recalled after those that they required. */
  recall({ task, provided, shared }: RecalledResult): void {
    if (provided.length > 0) this.#values.set(task, this.#byKey(task, provided));
    if (shared !== undefined) this.#keepFinal(task, shared);
    else this.#inheriting.add(task);
  }

  /** The final dictionary of a task; empty for one that never started. */
  finalOf(task: TaskId): SharedState {
    return this.#finalOf(task) ?? nothing;
  }

  /** The result of the task was given. If the task can only be named by itself, its dictionary is kept as long as the task is referenced. */
  forget(task: TaskId): void {
    const final = this.#finalOf(task);
    const runnable = this.#plan.runnableOf(task);
    if (final === undefined || runnable === undefined || this.#plan.states(task, PROVIDES)) return;
    const known = this.#weakFinals.get(runnable) ?? new Map<TaskId, SharedState>();
    this.#weakFinals.set(runnable, known.set(task, final));
    this.#finals[task] = undefined;
  }

  #finalOf(task: TaskId): SharedState | undefined {
    if (this.#inheriting.delete(task)) this.#keepFinal(task, this.inherit(task));
    const final = this.#finals[task];
    if (final !== undefined) return final;
    const runnable = this.#plan.runnableOf(task);
    return runnable === undefined ? undefined : this.#weakFinals.get(runnable)?.get(task);
  }

  /** The providers of what the task tears down. It inherits from all of them, however they ended. */
  #givenBefore(task: TaskId): readonly TaskId[] {
    const { graph, builder } = this.#plan;
    const providers = tornDownBy(this.#plan.metaOf(task)).flatMap((each) =>
      graph.feeds.in.ends(builder.conditionOf(each)),
    );
    const there = providers.map((provider) => this.#state.onNodeOf(task, provider));
    return [...new Set(there)].sort((one, other) => one - other);
  }

  #metBy(task: TaskId, requirement: Requirement): readonly TaskId[] {
    const { graph } = this.#plan;
    const condition = graph.waits.in
      .ends(task)
      .find((each) => graph.isRequirement(each) && sayTheSame(graph.subjects[each], requirement));
    return condition === undefined ? [] : this.#state.metBy(task, condition);
  }

  #received(requirement: Requirement, at: number, providers: readonly TaskId[]): ReceivedKey[] {
    return this.#receivedOf(capabilitiesOf(requirement), at, providers);
  }

  #receivedOf(capabilities: readonly Capability[], at: number, providers: readonly TaskId[]): ReceivedKey[] {
    return capabilities.flatMap((key, member) => {
      if (!isKey(key)) return [];
      const values = providers.flatMap((provider) => {
        const found = this.#values.get(provider);
        return found?.has(key) ? [found.get(key)] : [];
      });
      return values.length === 0 ? [] : [{ requirement: at, member, values }];
    });
  }

  #byKey(task: TaskId, provided: readonly (readonly [number, unknown])[]): ReadonlyMap<AnyKey, unknown> {
    const { provides = [] } = this.#plan.metaOf(task);
    return new Map(provided.map(([at, value]) => [provides[at] as AnyKey, value]));
  }
}

function isSame(one: SharedState, other: SharedState): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => one[key] === other[key]);
}

function hasEntries(dictionary: object): boolean {
  for (const _key in dictionary) return true;
  return false;
}
