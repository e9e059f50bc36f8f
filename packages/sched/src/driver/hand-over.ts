/** What tasks hand on to those who require them: dictionaries, and the values of typed keys. */
import {
  type AnyKey,
  capabilitiesOf,
  isKey,
  mergeShared,
  type ReceivedKey,
  type Requirement,
  type SharedState,
  type TaskDefinition,
} from '@pexen/core';
import type { Gates } from '../machine/gates.ts';
import type { TaskId } from '../machine/protocol.ts';
import type { Plan } from '../plan/plan.ts';

const nothing: SharedState = Object.freeze(mergeShared());
const noKeys: readonly ReceivedKey[] = [];

export class HandOver {
  readonly #plan: Plan;
  readonly #gates: Gates;
  /** What every task begins with. */
  readonly #initial: SharedState;
  /** Some dictionary has something in it. */
  #isUsed: boolean;
  readonly #finals: (SharedState | undefined)[] = [];
  readonly #values = new Map<TaskId, ReadonlyMap<AnyKey, unknown>>();

  constructor(plan: Plan, gates: Gates, shared: Readonly<Record<string, unknown>> = {}) {
    this.#plan = plan;
    this.#gates = gates;
    this.#initial = mergeShared(shared);
    this.#isUsed = Object.keys(this.#initial).length > 0;
  }

  /** The run's dictionary, then those of the providers that met the requirements, in the order of both. */
  inherit(task: TaskId): SharedState {
    if (!this.#isUsed) return mergeShared();
    const { waits, kind } = this.#plan.graph;
    const inherited = [this.#initial];
    for (let edge = waits.firstTo(task); edge !== 0; edge = waits.nextTo[edge] as number) {
      const gate = waits.from[edge] as number;
      if (!this.#plan.graph.isRequirement(gate) || kind[gate] === undefined) continue;
      for (const provider of this.#gates.metBy(gate)) {
        const final = this.#finals[provider];
        if (final !== undefined) inherited.push(final);
      }
    }
    return mergeShared(...inherited);
  }

  /** The values of the typed keys that the task requires. */
  receive(task: TaskId): readonly ReceivedKey[] {
    const { requires } = (this.#plan.definitions[task] as TaskDefinition).meta;
    if (this.#values.size === 0 || requires === undefined) return noKeys;
    const gates = this.#plan.graph.waits.sources(task).filter((gate) => this.#plan.graph.isRequirement(gate));
    return requires.flatMap((requirement, at) => this.#received(requirement, at, gates[at] as number));
  }

  /** Keeps what a task leaves; answers its final dictionary. `own` is what it worked with, if it looked. */
  keep(
    task: TaskId,
    own: SharedState | undefined,
    provided: readonly (readonly [number, unknown])[] = [],
  ): SharedState {
    if (provided.length > 0) this.#values.set(task, this.#byKey(task, provided));
    const dictionary = own ?? (this.#isUsed ? this.inherit(task) : undefined);
    if (dictionary === undefined || !hasEntries(dictionary)) return nothing;
    this.#isUsed = true;
    const final = Object.freeze(mergeShared(dictionary));
    this.#finals[task] = final;
    return final;
  }

  /** The final dictionary of a task; empty for one that never started. */
  finalOf(task: TaskId): SharedState {
    return this.#finals[task] ?? nothing;
  }

  #received(requirement: Requirement, at: number, gate: number): ReceivedKey[] {
    const received: ReceivedKey[] = [];
    for (const [member, key] of capabilitiesOf(requirement).entries()) {
      if (!isKey(key)) continue;
      const values = this.#gates
        .metBy(gate)
        .map((provider) => this.#values.get(provider))
        .filter((found) => found?.has(key))
        .map((found) => found?.get(key));
      if (values.length > 0) received.push({ requirement: at, member, values });
    }
    return received;
  }

  #byKey(task: TaskId, provided: readonly (readonly [number, unknown])[]): ReadonlyMap<AnyKey, unknown> {
    const { provides = [] } = (this.#plan.definitions[task] as TaskDefinition).meta;
    return new Map(provided.map(([at, value]) => [provides[at] as AnyKey, value]));
  }
}

function hasEntries(dictionary: object): boolean {
  for (const _key in dictionary) return true;
  return false;
}
