/**
 * What must be true, computed naively from the specs and from what was seen to happen: no graph, no counters, no queues; every question
 * searches everything again (the relations by name are kept until tasks are added, for speed). Written from the rules of the semantics, not
 * from the machine.
 */
import type { Guard } from './cut.ts';
import type { RequirementSpec, Scenario, TaskSpec } from './scenario.ts';

/** How a task ended, as far as other tasks are concerned. */
export interface End {
  readonly how: 'returned' | 'failed' | 'bad' | 'skipped-itself' | 'cancelled' | 'skipped';
  /** Dependents may go on. */
  readonly provides: boolean;
}

export interface TaskShadow {
  readonly spec: TaskSpec;
  readonly index: number;
  /** Tasks that were added together have the same number, later ones a larger one. */
  readonly batch: number;
  /** Some attempt or cleanup is in a pool. */
  active: 'body' | 'cleanup' | undefined;
  attempts: number;
  /** Uses and claims are held: also between attempts. */
  holds: boolean;
  hasStarted: boolean;
  /** When its last attempt was dispatched, or started. */
  sinceMs: number;
  end: End | undefined;
  /** It is over although a body of it may still run. */
  isAbandoned: boolean;
  isGiven: boolean;
}

export type Threshold = 'met' | 'open' | 'impossible';

export class Shadow {
  readonly tasks: TaskShadow[] = [];
  /** Resource → the task that poisoned it, and how it was held. */
  readonly poisoned = new Map<string, { readonly by: string; readonly how: 'used' | 'claimed' }>();
  readonly #capacities: ReadonlyMap<string, number>;
  /** A requirement that was met stays met. */
  readonly #met = new Set<RequirementSpec>();
  /** Capability → tasks that had provided it when it was torn down. */
  readonly #withdrawn = new Map<string, Set<TaskShadow>>();
  readonly #known = new Map<unknown, readonly TaskShadow[]>();
  /** Tasks that wait for one that was interrupted in the session before. */
  #guards: readonly Guard[] = [];

  constructor({ capacities }: Pick<Scenario, 'capacities'>) {
    this.#capacities = new Map(capacities);
  }

  add(specs: readonly TaskSpec[]): void {
    this.#known.clear();
    const batch = (this.tasks.at(-1)?.batch ?? 0) + 1;
    for (const spec of specs) {
      const index = this.tasks.length;
      const fresh = { active: undefined, attempts: 0, holds: false, hasStarted: false, sinceMs: 0 };
      this.tasks.push({ spec, index, batch, ...fresh, end: undefined, isAbandoned: false, isGiven: false });
    }
  }

  /** The tasks that a name refers to: the task itself, or all providers of the capability. */
  named(name: string): readonly TaskShadow[] {
    return this.#remember(name, () =>
      this.tasks.filter(({ spec }) => spec.name === name || spec.provides.includes(name)),
    );
  }

  threshold(task: TaskShadow, requirement: RequirementSpec): Threshold {
    if (this.#met.has(requirement)) return 'met';
    const { form, count } = requirement;
    const candidates = this.candidates(task, requirement);
    const need = form === 'every' ? Math.max(1, candidates.length) : form === 'at-least' ? count : 1;
    let met = 0;
    let open = 0;
    for (const other of candidates) {
      if (other.end === undefined) open++;
      else if (other.end.provides) met++;
    }
    if (met >= need) return 'met';
    return met + open < need ? 'impossible' : 'open';
  }

  /** All tasks that could meet the requirement of the task, or help to. Not those whose part in it was torn down before. */
  candidates(task: TaskShadow, requirement: RequirementSpec): readonly TaskShadow[] {
    return this.#remember(requirement, () => {
      const named = new Set(requirement.names.flatMap((name) => this.named(name)));
      named.delete(task);
      return [...named].filter((other) => !this.#isVoid(other, requirement.names));
    });
  }

  /** What is met now stays met. Must be called after every fact. */
  noteMet(): void {
    for (const task of this.tasks) {
      if (task.end !== undefined || task.attempts > 0) continue;
      for (const requirement of task.spec.requires)
        if (this.threshold(task, requirement) === 'met') this.#met.add(requirement);
    }
  }

  /** The task starts for the first time. A teardown takes its capability away. */
  started({ spec: { tearsDown } }: TaskShadow): void {
    if (tearsDown.length > 0) this.#known.clear();
    for (const name of tearsDown)
      this.#withdrawn.set(name, new Set(this.named(name).filter(({ end }) => end !== undefined)));
  }

  /** The capability is torn down, and no task provides it again. */
  isGone(name: string, forWhom: TaskShadow): boolean {
    const others = this.named(name).filter((other) => other !== forWhom);
    return others.length > 0 && others.every((other) => this.#withdrawn.get(name)?.has(other));
  }

  guard(guards: readonly Guard[]): void {
    this.#known.clear();
    this.#guards = guards;
  }

  /** Removes what was added last. */
  drop(count: number): void {
    this.#known.clear();
    this.tasks.length -= count;
  }

  /** All that the task provided of this was torn down. */
  #isVoid(task: TaskShadow, names: readonly string[]): boolean {
    if (this.#withdrawn.size === 0) return false;
    return names.every(
      (name) => !this.named(name).includes(task) || this.#withdrawn.get(name)?.has(task) === true,
    );
  }

  /** Everything that must be over before the task may start, however it ended. */
  predecessors(task: TaskShadow): readonly TaskShadow[] {
    return this.#remember(task, () => {
      const { group } = task.spec;
      const own = [...this.#own(task), ...this.beforeTeardown(task)];
      const all = new Set(group === undefined ? own : [...own, ...this.groupEdges(group)]);
      all.delete(task);
      return [...all];
    });
  }

  /** The tasks that it names, and the tasks that name it. */
  #own(task: TaskShadow): TaskShadow[] {
    const { after, salvages, tearsDown } = task.spec;
    const names = [...after, ...salvages, ...tearsDown];
    const before = this.tasks.filter((other) =>
      other.spec.before.some((name) => this.named(name).includes(task)),
    );
    return [...names.flatMap((name) => this.named(name)), ...before];
  }

  /** All outside of the group that some task in it waits for. */
  groupEdges(group: string): readonly TaskShadow[] {
    return this.#remember(`group ${group}`, () => {
      const members = this.tasks.filter(({ spec }) => spec.group === group);
      const edges = members.flatMap((member) => [
        ...this.#own(member),
        ...member.spec.requires.flatMap((requirement) => this.candidates(member, requirement)),
      ]);
      return [...new Set(edges)].filter(({ spec }) => spec.group !== group);
    });
  }

  /**
   * All tasks that need what the task tears down (through others, too), and other teardowns of what those provide. A task does not need what
   * it requires in order to tear it down.
   */
  beforeTeardown(task: TaskShadow): TaskShadow[] {
    return task.spec.tearsDown.flatMap((name) => this.#beforeTearing(name, task));
  }

  #beforeTearing(tearsDown: string, tearer: TaskShadow): TaskShadow[] {
    const users = new Set<TaskShadow>();
    const given = new Set([tearsDown]);
    for (let grows = true; grows; ) {
      grows = false;
      for (const task of this.tasks) {
        if (users.has(task)) continue;
        const needs = (name: string) => given.has(name) && !task.spec.tearsDown.includes(name);
        if (!task.spec.requires.some(({ names }) => names.some(needs))) continue;
        users.add(task);
        grows = true;
        for (const name of [task.spec.name, ...task.spec.provides]) given.add(name);
      }
    }
    const offered = new Set([...users].flatMap(({ spec }) => [spec.name, ...spec.provides]));
    const teardowns = this.tasks.filter(
      (task) =>
        task !== tearer && task.spec.tearsDown.some((name) => name !== tearsDown && offered.has(name)),
    );
    return [...users, ...teardowns];
  }

  /** Why the task may never run; undefined if it still may (as far as the ends of other tasks decide). */
  excluded(task: TaskShadow): string | undefined {
    const { spec } = task;
    if (!spec.applies) return 'it does not apply';
    if (spec.requires.some((requirement) => this.threshold(task, requirement) === 'impossible'))
      return 'a requirement';
    if (spec.salvages.length === 0 && spec.tearsDown.length === 0) return undefined;
    if (spec.requires.some((requirement) => this.threshold(task, requirement) !== 'met')) return undefined;
    if (this.predecessors(task).some(({ end }) => end === undefined)) return undefined;
    if (spec.salvages.length > 0) {
      const broken = spec.salvages
        .flatMap((name) => this.named(name))
        .some((other) => other !== task && (other.end?.how === 'failed' || other.end?.how === 'bad'));
      if (!broken) return 'nothing to salvage';
    }
    const torn = spec.tearsDown.flatMap((name) => this.named(name));
    if (spec.tearsDown.length > 0 && !torn.some(({ hasStarted }) => hasStarted))
      return 'nothing to tear down';
    return undefined;
  }

  /** Dependencies and order allow it to start now. */
  isUnblocked(task: TaskShadow): boolean {
    if (task.end !== undefined || task.attempts > 0 || task.active !== undefined) return false;
    return (
      this.predecessors(task).every(({ end }) => end !== undefined) &&
      this.ownersFor(task).every(({ end }) => end !== undefined) &&
      task.spec.requires.every((requirement) => this.threshold(task, requirement) === 'met') &&
      this.excluded(task) === undefined
    );
  }

  /** The interrupted tasks that the task waits for. */
  ownersFor({ spec: { name } }: TaskShadow): readonly TaskShadow[] {
    if (this.#guards.length === 0) return [];
    return this.#guards.filter(({ tasks }) => tasks.includes(name)).flatMap(({ owner }) => this.named(owner));
  }

  /** The task that holds what the task needs; undefined if none does. */
  conflict(task: TaskShadow): TaskShadow | 'capacity' | undefined {
    const others = this.tasks.filter((other) => other !== task && other.holds);
    const holder = others.find((other) => this.meets(task, other));
    if (holder !== undefined) return holder;
    for (const [resource, capacity] of this.#capacities) {
      const wanted = unitsOf(task.spec, resource);
      if (wanted === 0) continue;
      if (this.#inUse(resource, task) + wanted > capacity) return 'capacity';
    }
    return undefined;
  }

  /** The abandoned tasks that hold what the task needs. A task between two attempts lacks units only. */
  abandonedInTheWay(task: TaskShadow): readonly TaskShadow[] {
    return this.tasks.filter((other) => {
      if (other === task || !other.isAbandoned) return false;
      return (task.attempts === 0 && this.meets(task, other)) || this.#lacksUnitsOf(task, other);
    });
  }

  #lacksUnitsOf(task: TaskShadow, other: TaskShadow): boolean {
    for (const [resource, capacity] of this.#capacities) {
      const wanted = unitsOf(task.spec, resource);
      if (wanted > 0 && unitsOf(other.spec, resource) > 0 && this.#inUse(resource, task) + wanted > capacity)
        return true;
    }
    return false;
  }

  /** Does what the other one holds keep the task from starting? Units left aside. */
  meets(task: TaskShadow, other: TaskShadow): boolean {
    if (task.spec.exclusive || other.spec.exclusive) return true;
    return collide(task.spec, other.spec);
  }

  /** Would the other task, if it ran, conflict with the task? Wherever both use units it may. */
  wouldMeet(task: TaskShadow, other: TaskShadow): boolean {
    if (task.spec.exclusive || other.spec.exclusive || collide(task.spec, other.spec)) return true;
    return [...this.#capacities.keys()].some(
      (resource) => unitsOf(task.spec, resource) > 0 && unitsOf(other.spec, resource) > 0,
    );
  }

  /** Would the other one, if it ran now, take what the task needs? Where there are units enough for both it would not. */
  wouldTakeFrom(task: TaskShadow, other: TaskShadow): boolean {
    if (task.spec.exclusive || other.spec.exclusive || collide(task.spec, other.spec)) return true;
    for (const [resource, capacity] of this.#capacities) {
      const both = [unitsOf(task.spec, resource), unitsOf(other.spec, resource)] as const;
      if (Math.min(...both) > 0 && both[0] + both[1] + this.#inUse(resource, other) > capacity) return true;
    }
    return false;
  }

  #inUse(resource: string, except: TaskShadow): number {
    let sum = 0;
    for (const task of this.tasks)
      if (task !== except && (task.active !== undefined || task.isAbandoned))
        sum += unitsOf(task.spec, resource);
    return sum;
  }

  /** The poisoned resource that forbids the task, if any. */
  poison({ spec }: TaskShadow): string | undefined {
    if (spec.salvages.length > 0 || spec.tearsDown.length > 0) return undefined;
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

  /** A teardown or salvage that claimed it and returned clears the poison. */
  clearPoison({ spec }: TaskShadow): void {
    if (spec.salvages.length === 0 && spec.tearsDown.length === 0) return;
    for (const resource of this.poisoned.keys())
      if (spec.claims.some((claim) => isAtOrAbove(claim, resource))) this.poisoned.delete(resource);
  }

  #remember(key: unknown, find: () => readonly TaskShadow[]): readonly TaskShadow[] {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = find();
    this.#known.set(key, found);
    return found;
  }
}

function unitsOf({ amounts, uses }: TaskSpec, resource: string): number {
  const own = amounts.filter(([name]) => name === resource).reduce((sum, [, count]) => sum + count, 0);
  return own > 0 ? own : uses.includes(resource) ? 1 : 0;
}

/** Can the two not be held at the same time? An amount is a use as well, and stays one between attempts, without its units. */
function collide(one: TaskSpec, other: TaskSpec): boolean {
  if (one.claims.length === 0 && other.claims.length === 0) return false;
  const shares = ({ uses, amounts }: TaskSpec) => [...uses, ...amounts.map(([name]) => name)];
  const meets = (claims: readonly string[], others: readonly string[]) =>
    claims.some((claim) => others.some((held) => related(claim, held)));
  return meets(one.claims, [...other.claims, ...shares(other)]) || meets(other.claims, shares(one));
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
