/** Which part of what a task needs is shared with other runs. Knows no table and no connection. */
import {
  type Amount,
  describeResource,
  isAmount,
  type LockRequestOfRun,
  type Problem,
  type Resource,
  refuse,
  type TaskMeta,
} from '@pexen/core';
import { namesIn, partsOf, ResourcePattern } from '@pexen/lock';
import type { SharedAmount, SharedRequest } from './protocol/messages.ts';

type Held = Pick<SharedRequest, 'uses' | 'claims' | 'amounts'>;

/** The resources that runs share, by names and patterns. */
export class SharedPart {
  readonly #patterns: readonly ResourcePattern[];
  readonly #capacities: ReadonlyMap<string, number>;

  constructor(patterns: readonly string[], capacities: Readonly<Record<string, number>>) {
    this.#patterns = patterns.map((pattern) => new ResourcePattern(pattern));
    this.#capacities = new Map(
      Object.entries(capacities).map(([name, units]) => [namesIn(name).join('/'), units]),
    );
  }

  /** Undefined if the task needs nothing that runs share. @throws PexenError PEXEN_AMOUNT_UNKNOWN, PEXEN_AMOUNT_TOO_LARGE. */
  of({ uses = [], claims = [] }: Pick<TaskMeta, 'uses' | 'claims'>): Held | undefined {
    const problems: Problem[] = [];
    const held: { uses: string[][]; claims: string[][]; amounts: SharedAmount[] } = {
      ...{ uses: [], claims: [], amounts: [] },
    };
    for (const claim of claims) {
      const parts = this.#sharedParts(claim);
      if (parts !== undefined) held.claims.push(parts);
    }
    for (const use of uses) {
      const parts = this.#sharedParts(isAmount(use) ? use.resource : use);
      if (parts === undefined) continue;
      const capacity = this.#capacities.get(parts.join('/'));
      if (!isAmount(use) && capacity === undefined) held.uses.push(parts);
      else held.amounts.push(checkedAmount(use, parts, capacity, problems));
    }
    refuse(problems);
    return held.uses.length + held.claims.length + held.amounts.length === 0 ? undefined : held;
  }

  /** The request for the table. */
  requestOf({ id, path, meta, priority, rank }: LockRequestOfRun): SharedRequest {
    return { id, task: path, priority, rank, ...(this.of(meta) as Held) };
  }

  /**
   * A resource is shared if it is one of those, or is below one of them, or above: who claims `/dev` claims everything in it. Other values than strings
   * mean nothing to other runs.
   */
  #sharedParts(resource: Resource): string[] | undefined {
    const parts = partsOf(resource);
    if (!parts.every((part) => typeof part === 'string')) return undefined;
    return this.#patterns.some((pattern) => pattern.meets(parts)) ? [...parts] : undefined;
  }
}

function checkedAmount(
  use: Resource | Amount,
  resource: readonly string[],
  capacity = 0,
  problems: Problem[],
): SharedAmount {
  const count = isAmount(use) ? use.count : 1;
  if (count <= capacity) return { resource, count, capacity };
  const name = describeResource(isAmount(use) ? use.resource : use);
  const code = capacity === 0 ? 'PEXEN_AMOUNT_UNKNOWN' : 'PEXEN_AMOUNT_TOO_LARGE';
  const message = `takes ${count} of ${name}, which runs share with ${capacity === 0 ? 'no capacity' : `a capacity of ${capacity}`}`;
  problems.push({
    code,
    message,
    hint: `State its capacity where it is stated that runs share it: { ${name}: ${count} }.`,
  });
  return { resource, count, capacity };
}
