/** Real tasks for the specs of a scenario. Their bodies never run: the world plays the pools. */
import {
  amount,
  anyOf,
  atLeast,
  definitionKey,
  every,
  type NodePredicate,
  type PlacedTask,
  type PlainFunction,
  type PoolManifest,
  place,
  type Requirement,
  type TaskMeta,
  withMeta,
} from '@pexen/core';
import type { CompileOptions } from '../../src/plan/planned.ts';
import type { RequirementSpec, Scenario, TaskSpec } from './scenario.ts';

/** Remembers the tasks it made, so that later ones can name them. */
export class Builder {
  readonly #made = new Map<string, PlainFunction>();

  /** All tasks there will ever be: some are named before they are added. */
  constructor({ tasks, additions }: Pick<Scenario, 'tasks' | 'additions'>) {
    for (const { name } of [...tasks, ...additions.flatMap((addition) => addition.tasks)])
      this.#made.set(name, () => undefined);
  }

  build(specs: readonly TaskSpec[]): PlacedTask[] {
    return specs.map((spec) => place([], this.#withMeta(spec)));
  }

  #withMeta(spec: TaskSpec): PlainFunction {
    const made = this.#made.get(spec.name) as PlainFunction;
    const meta = this.#metaOf(spec);
    if (spec.service === undefined) return withMeta(made, meta);
    const { exclusive: _, rerunnable: __, ...ofService } = meta;
    const definition = { meta: ofService, body: made, args: {}, isUnbound: false, service: spec.service };
    return Object.defineProperty(made, definitionKey, { value: definition, configurable: true });
  }

  #metaOf(spec: TaskSpec): TaskMeta {
    const { name, exclusive, priority, grace, retries, delay, rerunnable, claims, amounts } = spec;
    const { weight, group, pool, on, timeout, idleTimeout, cleanup } = spec;
    return {
      ...{ name, exclusive, priority, grace, rerunnable, claims },
      requires: spec.requires.map((requirement) => this.#requirement(requirement)),
      provides: spec.provides,
      after: this.#named(spec.after),
      before: this.#named(spec.before),
      ...(spec.salvages.length > 0 && { salvages: this.#named(spec.salvages) }),
      uses: [...spec.uses, ...amounts.map(([resource, count]) => amount(resource, count))],
      retries: { count: retries, delay },
      when: spec.applies || 'it does not apply',
      ...(weight !== undefined && { weight }),
      ...(group !== undefined && { group }),
      ...(pool !== undefined && { pool }),
      ...(on !== undefined && { on: `${on.property}=${on.is}` }),
      ...(timeout !== undefined && { timeout }),
      ...(idleTimeout !== undefined && { idleTimeout }),
      ...(spec.tearsDown.length > 0 && { tearsDown: this.#tornDown(spec.tearsDown) }),
      ...(cleanup !== undefined && { cleanup: () => undefined }),
    };
  }

  #requirement({ form, names, count }: RequirementSpec): Requirement {
    const capabilities = this.#named(names);
    if (form === 'any-of') return anyOf(...capabilities);
    if (form === 'every') return every(...capabilities);
    if (form === 'at-least') return atLeast(count, ...capabilities);
    return capabilities[0] ?? '';
  }

  /** A list of one means the same as the one. */
  #tornDown(names: readonly string[]): TaskMeta['tearsDown'] {
    const named = this.#named(names);
    return named.length === 1 ? named[0] : named;
  }

  #named(names: readonly string[]): (string | PlainFunction)[] {
    return names.map((name) => this.#made.get(name) ?? name);
  }
}

/** What the plan of a scenario is made with. */
export function planOptions({ pools, capacities, bypasses, latecomers }: Scenario): CompileOptions {
  return {
    pools: pools.map(({ name, spare, isGroup, exclusive, slots, kills, nodes }) => ({
      ...{
        name,
        spare,
        manifest: nodes === undefined ? manifest(kills) : { ...manifest(kills), nodes: 'open' },
      },
      ...(isGroup && { group: { exclusive, workers: slots } }),
    })),
    ...{ capacities, bypasses, latecomers, readOn },
  };
}

/** `arch=a` */
function readOn(expression: string): NodePredicate {
  const [property = '', is] = expression.split('=');
  return ({ properties }) => properties[property] === is || `has no ${expression}`;
}

function manifest(kills: boolean): PoolManifest {
  const name = 'scripted';
  return { name, kills, transport: 'reference', closures: true, executables: false, services: true };
}
