/**
 * What must be true, worked out naively from the specs and from what was seen to happen: no graph, no counters, no queues, everything
 * is searched again at every question. Written from the rules of the semantics, not from the machine.
 */
import type { RequirementSpec, TaskSpec } from './scenario.ts';

/** How a task ended, as far as others care. */
export interface End {
  readonly how: 'returned' | 'failed' | 'bad' | 'skipped-itself' | 'cancelled' | 'skipped';
  /** Dependents may go on. */
  readonly provides: boolean;
}

export interface TaskShadow {
  readonly spec: TaskSpec;
  readonly index: number;
  /** Some attempt or cleanup is in a pool. */
  active: 'body' | 'cleanup' | undefined;
  attempts: number;
  /** Uses and claims are held: also between attempts. */
  holds: boolean;
  hasStarted: boolean;
  end: End | undefined;
  isGiven: boolean;
}

export type Threshold = 'met' | 'open' | 'impossible';

export class Shadow {
  readonly tasks: TaskShadow[] = [];
  /** Resource → who poisoned it, and how it was held. */
  readonly poisoned = new Map<string, { readonly by: string; readonly how: 'used' | 'claimed' }>();

  add(specs: readonly TaskSpec[]): void {
    for (const spec of specs) {
      const index = this.tasks.length;
      const fresh = {
        active: undefined,
        attempts: 0,
        holds: false,
        hasStarted: false,
        end: undefined,
        isGiven: false,
      };
      this.tasks.push({ spec, index, ...fresh });
    }
  }

  /** Tasks that a name speaks of: the task itself, or all that provide the capability. */
  named(name: string): TaskShadow[] {
    return this.tasks.filter(({ spec }) => spec.name === name || spec.provides.includes(name));
  }

  threshold(task: TaskShadow, { form, names, count }: RequirementSpec): Threshold {
    const candidates = new Set(names.flatMap((name) => this.named(name)).filter((other) => other !== task));
    const need = form === 'every' ? candidates.size : form === 'at-least' ? count : 1;
    let met = 0;
    let open = 0;
    for (const { end } of candidates) {
      if (end === undefined) open++;
      else if (end.provides) met++;
    }
    if (met >= need) return 'met';
    return met + open < need ? 'impossible' : 'open';
  }

  /** Everything that has to be over before the task may start, in whatever way it ended. */
  predecessors(task: TaskShadow): TaskShadow[] {
    const { spec } = task;
    const names = [...spec.after, ...spec.salvages];
    const listed = names.flatMap((name) => this.named(name));
    const before = this.tasks.filter((other) =>
      other.spec.before.some((name) => this.named(name).includes(task)),
    );
    return [...listed, ...before, ...this.#beforeTeardown(spec)].filter((other) => other !== task);
  }

  /** Providers of the capability, all that need it (through others, too), and the teardowns of what those provide. */
  #beforeTeardown({ tearsDown }: TaskSpec): TaskShadow[] {
    if (tearsDown === undefined) return [];
    const providers = this.named(tearsDown);
    const users = new Set<TaskShadow>();
    const given = new Set([tearsDown]);
    for (let grows = true; grows; ) {
      grows = false;
      for (const task of this.tasks) {
        const needs = task.spec.requires.some(({ names }) => names.some((name) => given.has(name)));
        if (!needs || users.has(task)) continue;
        users.add(task);
        grows = true;
        for (const name of [task.spec.name, ...task.spec.provides]) given.add(name);
      }
    }
    const offered = new Set([...users].flatMap(({ spec }) => spec.provides));
    const teardowns = this.tasks.filter(
      ({ spec }) => spec.tearsDown !== undefined && offered.has(spec.tearsDown),
    );
    return [...providers, ...users, ...teardowns].filter(({ spec }) => spec.tearsDown !== tearsDown);
  }

  /** Why the task may never run, or undefined if it still may (as far as others' ends decide). */
  excluded(task: TaskShadow): string | undefined {
    const { spec } = task;
    if (!spec.applies) return 'it does not apply';
    if (spec.requires.some((requirement) => this.threshold(task, requirement) === 'impossible'))
      return 'a requirement';
    if (this.predecessors(task).some(({ end }) => end === undefined)) return undefined;
    if (spec.salvages.length > 0) {
      const broken = spec.salvages
        .flatMap((name) => this.named(name))
        .some(({ end }) => end?.how === 'failed' || end?.how === 'bad');
      if (!broken) return 'nothing to salvage';
    }
    if (spec.tearsDown !== undefined && !this.named(spec.tearsDown).some(({ hasStarted }) => hasStarted))
      return 'nothing to tear down';
    return undefined;
  }

  /** Dependencies and order allow it to start now. */
  isUnblocked(task: TaskShadow): boolean {
    if (task.end !== undefined || task.attempts > 0 || task.active !== undefined) return false;
    if (this.excluded(task) !== undefined) return false;
    return (
      task.spec.requires.every((requirement) => this.threshold(task, requirement) === 'met') &&
      this.predecessors(task).every(({ end }) => end !== undefined)
    );
  }

  /** Who holds what the task needs, or undefined if nobody does. */
  conflict(task: TaskShadow, capacities: ReadonlyMap<string, number>): TaskShadow | 'capacity' | undefined {
    const holders = this.tasks.filter((other) => other !== task && other.holds);
    const active = this.tasks.filter(
      (other) => other !== task && (other.holds || other.active !== undefined),
    );
    const alone = active.find(({ spec }) => spec.exclusive || task.spec.exclusive);
    if (alone !== undefined) return alone;
    const holder = holders.find((other) => collide(task.spec, other));
    if (holder !== undefined) return holder;
    for (const [resource, capacity] of capacities) {
      const taken = this.tasks.filter(
        (other) => other !== task && other.active !== undefined && takesUnits(other),
      );
      const inUse = taken.reduce((sum, { spec }) => sum + unitsOf(spec, resource), 0);
      const wanted = unitsOf(task.spec, resource);
      if (wanted > 0 && inUse + wanted > capacity) return 'capacity';
    }
    return undefined;
  }

  /** The poisoned resource that forbids the task, if any. */
  poison({ spec }: TaskShadow): string | undefined {
    if (spec.salvages.length > 0 || spec.tearsDown !== undefined) return undefined;
    for (const [resource, { how }] of this.poisoned) {
      if (spec.claims.some((claim) => related(claim, resource))) return resource;
      const held = [...spec.uses, ...spec.amounts.map(([name]) => name)];
      if (how === 'claimed' && held.some((use) => related(use, resource))) return resource;
    }
    return undefined;
  }

  poisonAll({ spec }: TaskShadow): void {
    for (const resource of spec.claims) this.poisoned.set(resource, { by: spec.name, how: 'claimed' });
    for (const resource of spec.uses) {
      if (this.poisoned.get(resource)?.how === 'claimed') continue;
      this.poisoned.set(resource, { by: spec.name, how: 'used' });
    }
  }

  /** A teardown or salvage that claimed it and returned heals it. */
  heal({ spec }: TaskShadow): void {
    if (spec.salvages.length === 0 && spec.tearsDown === undefined) return;
    for (const resource of this.poisoned.keys()) {
      if (spec.claims.some((claim) => isAtOrAbove(claim, resource))) this.poisoned.delete(resource);
    }
  }
}

/** Units count while an attempt runs; between attempts only uses and claims are kept. */
function takesUnits({ active }: TaskShadow): boolean {
  return active === 'body' || active === 'cleanup';
}

function unitsOf({ amounts, uses }: TaskSpec, resource: string): number {
  const own = amounts.filter(([name]) => name === resource).reduce((sum, [, count]) => sum + count, 0);
  return own > 0 ? own : uses.includes(resource) ? 1 : 0;
}

/** Would the two meet if the first one started? Between attempts, amounts are not held. */
function collide(one: TaskSpec, { spec, active }: TaskShadow): boolean {
  const amountsOf = ({ amounts }: TaskSpec) => amounts.map(([name]) => name);
  const mine = [...one.uses, ...amountsOf(one)];
  const held = [...spec.uses, ...(active === undefined ? [] : amountsOf(spec))];
  const meets = (claims: readonly string[], others: readonly string[]) =>
    claims.some((claim) => others.some((other) => related(claim, other)));
  return meets(one.claims, [...spec.claims, ...held]) || meets(spec.claims, mine);
}

/** Same node, or one above the other. */
function related(one: string, other: string): boolean {
  return isAtOrAbove(one, other) || isAtOrAbove(other, one);
}

/** Only names that begin with a slash are paths; `/` is the top of those, and of everything else. */
function isAtOrAbove(upper: string, lower: string): boolean {
  if (upper === lower || upper === '/') return true;
  return upper.startsWith('/') && lower.startsWith(`${upper}/`);
}
