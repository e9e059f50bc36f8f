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
  /** When it took what it holds. */
  heldSinceMs: number;
  hasStarted: boolean;
  /** What it needs may be held by other runs: it was asked for, or awaits that, or has it. */
  elsewhere?: 'asked' | 'awaited' | 'granted' | undefined;
  /** What was granted was lost again: what the task had reserved stays so. */
  hasLostLocks?: boolean;
  isConcerned?: boolean;
  /** So long it waits for other runs while the run is cancelled. */
  awaitsUntilMs?: number | undefined;
  /** When its last attempt was dispatched, or started. */
  sinceMs: number;
  end: End | undefined;
  /** It is over although a body of it may still run. */
  isAbandoned: boolean;
  isGiven: boolean;
  /** A service that is ready, and was not asked to stop since. */
  isUp: boolean;
  /** The tasks that had met its requirements when its last attempt was dispatched. */
  base: readonly TaskShadow[];
  /** A service of its base, or of what that was built on, went down since: what it provides is lost. */
  isLost: boolean;
  /** It held things already when its last attempt was dispatched. */
  keepsOnReturn: boolean;
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
  /** Service → the tasks that come before it because they conflict with it. */
  readonly #clears = new Map<TaskShadow, Set<TaskShadow>>();
  /** Those that the last addition has brought. */
  readonly #lastClears = new Map<TaskShadow, readonly TaskShadow[]>();
  readonly exclusiveGroups: ReadonlySet<string>;
  /** Tasks that wait for one that was interrupted in the session before. */
  #guards: readonly Guard[] = [];

  constructor({ capacities, pools }: Pick<Scenario, 'capacities' | 'pools'>) {
    const groups = pools.filter(({ isGroup, exclusive }) => isGroup && exclusive);
    this.exclusiveGroups = new Set(groups.map(({ name }) => name));
    this.#capacities = new Map(capacities);
  }

  add(specs: readonly TaskSpec[]): void {
    this.#known.clear();
    const batch = (this.tasks.at(-1)?.batch ?? 0) + 1;
    for (const spec of specs) {
      const index = this.tasks.length;
      const fresh = { active: undefined, attempts: 0, holds: false, hasStarted: false };
      const times = { sinceMs: 0, heldSinceMs: 0 };
      const ofServices = { isUp: false, base: [], isLost: false, keepsOnReturn: true };
      this.tasks.push({
        ...{ spec, index, batch, ...fresh, ...times, ...ofServices },
        ...{ end: undefined, isAbandoned: false, isGiven: false },
      });
    }
    this.#arrange();
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
      if (other.isUp || other.end?.provides) met++;
      else if (other.end === undefined) open++;
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
    if (this.#withdrawn.size > 0) this.#known.clear(); // a service that had been torn down while it stopped may be over
    for (const task of this.tasks) {
      if (task.end !== undefined || task.attempts > 0) continue;
      for (const requirement of task.spec.requires)
        if (this.threshold(task, requirement) === 'met') this.#met.add(requirement);
    }
  }

  /** These do not provide any more what they had provided: what is not met without them is open again. */
  lose(lost: ReadonlySet<TaskShadow>): void {
    if (this.#withdrawn.size > 0) this.#known.clear();
    for (const task of this.tasks)
      for (const requirement of task.spec.requires) {
        if (!this.#met.has(requirement)) continue;
        if (!this.candidates(task, requirement).some((other) => lost.has(other))) continue;
        this.#met.delete(requirement);
        if (this.threshold(task, requirement) === 'met') this.#met.add(requirement);
      }
  }

  /** The task starts for the first time. A teardown takes its capability away. */
  started({ spec: { tearsDown } }: TaskShadow): void {
    if (tearsDown.length > 0) this.#known.clear();
    for (const name of tearsDown)
      this.#withdrawn.set(
        name,
        new Set(this.named(name).filter(({ end, isUp }) => isUp || end !== undefined)),
      );
  }

  /** The service is up: it provides again what may have been torn down. */
  cameUp(service: TaskShadow): void {
    service.isUp = true;
    if (this.#withdrawn.size > 0) this.#known.clear();
    for (const gone of this.#withdrawn.values()) gone.delete(service);
  }

  /** The capability is torn down, and no task provides it again. */
  isGone(name: string, forWhom: TaskShadow): boolean {
    const others = this.named(name).filter((other) => other !== forWhom);
    const isGone = (other: TaskShadow) =>
      (other.isUp || other.end !== undefined) && this.#withdrawn.get(name)?.has(other) === true;
    return others.length > 0 && others.every(isGone);
  }

  guard(guards: readonly Guard[]): void {
    this.#known.clear();
    this.#guards = guards;
  }

  /** Removes what was added last. */
  drop(count: number): void {
    this.#known.clear();
    this.tasks.length -= count;
    const isThere = (task: TaskShadow) => this.tasks[task.index] === task;
    for (const [service, rivals] of this.#clears) {
      for (const rival of rivals) if (!isThere(rival)) rivals.delete(rival);
      if (!isThere(service)) this.#clears.delete(service);
    }
    for (const [service, rivals] of this.#lastClears)
      for (const rival of rivals) this.#clears.get(service)?.delete(rival);
  }

  /** All that the task provided of this was torn down. */
  #isVoid(task: TaskShadow, names: readonly string[]): boolean {
    if (this.#withdrawn.size === 0) return false;
    return names.every(
      (name) =>
        !this.named(name).includes(task) ||
        ((task.isUp || task.end !== undefined) && this.#withdrawn.get(name)?.has(task) === true),
    );
  }

  /** Everything that must be over before the task may start, however it ended. */
  predecessors(task: TaskShadow): readonly TaskShadow[] {
    return this.#remember(task, () => {
      const { group } = task.spec;
      const own = [...this.#own(task), ...this.beforeTeardown(task).flatMap((other) => this.#until(other))];
      const all = new Set(group === undefined ? own : [...own, ...this.groupEdges(group)]);
      all.delete(task);
      return [...all];
    });
  }

  /** The tasks that it names, and the tasks that name it. */
  #own(task: TaskShadow): TaskShadow[] {
    const torn = task.spec.tearsDown.flatMap((name) => this.named(name)).filter((other) => !isService(other));
    return [...torn, ...this.ordersOf(task).flatMap((other) => this.#until(other))];
  }

  /** The tasks that it must come after by its orders, or theirs. */
  ordersOf(task: TaskShadow): TaskShadow[] {
    const { after, salvages } = task.spec;
    const before = this.tasks.filter((other) =>
      other.spec.before.some((name) => this.named(name).includes(task)),
    );
    const named = [...after, ...salvages].flatMap((name) => this.named(name));
    return [...named, ...before, ...(this.#clears.get(task) ?? [])].filter((other) => other !== task);
  }

  /** What has to be over before others may come after the task: of a service also the tasks that it serves. */
  #until(task: TaskShadow): readonly TaskShadow[] {
    return isService(task) ? [task, ...this.servedBy(task)] : [task];
  }

  // Services

  /** The tasks that end before the service does: those that need it, directly or through others, and teardowns of what it and these provide. */
  servedBy(service: TaskShadow): readonly TaskShadow[] {
    return this.#remember(`served by ${service.index}`, () => {
      const given = new Set([service.spec.name, ...service.spec.provides]);
      const found = new Set<TaskShadow>();
      for (let grows = true; grows; ) {
        grows = false;
        for (const task of this.tasks) {
          const { requires, tearsDown } = task.spec;
          if (found.has(task)) continue;
          const needs = (name: string) => given.has(name) && !tearsDown.includes(name);
          const isUser = requires.some(({ names }) => names.some(needs));
          if (!isUser && !tearsDown.some((name) => given.has(name))) continue;
          grows = true;
          found.add(task);
          if (isUser) for (const name of [task.spec.name, ...task.spec.provides]) given.add(name);
        }
      }
      return [...found];
    });
  }

  /** The services that end after the task. */
  servicesFor(task: TaskShadow): readonly TaskShadow[] {
    return this.#remember(`services for ${task.index}`, () =>
      this.tasks.filter((other) => isService(other) && other !== task && this.servedBy(other).includes(task)),
    );
  }

  /** Nothing is left that the service serves. */
  isUnneeded(service: TaskShadow): boolean {
    return this.servedBy(service).every((task) => task === service || task.end !== undefined);
  }

  /** The task runs alone, or its group does, and does not need the service. */
  isAloneWithout(service: TaskShadow, task: TaskShadow): boolean {
    const served = this.servedBy(service);
    if (served.includes(task)) return false;
    if (task.spec.exclusive) return true;
    const { group } = task.spec;
    if (group === undefined || !this.exclusiveGroups.has(group)) return false;
    return !served.some(({ spec }) => spec.group === group);
  }

  /** Can the task not run while the service does? */
  isInTheWay(service: TaskShadow, task: TaskShadow): boolean {
    if (service === task || this.servedBy(service).includes(task)) return false;
    return this.isAloneWithout(service, task) || this.excludeEachOther(service, task);
  }

  /** The two can never hold what they need at the same time. */
  excludeEachOther(one: TaskShadow, other: TaskShadow): boolean {
    return collide(one.spec, other.spec) || this.takeTooMuch([one, other]);
  }

  /** Together these take more units than there are. */
  takeTooMuch(tasks: readonly TaskShadow[]): boolean {
    return [...this.#capacities].some(
      ([resource, capacity]) => tasks.reduce((sum, { spec }) => sum + unitsOf(spec, resource), 0) > capacity,
    );
  }

  /** Tasks that conflict with a service, and that some task which needs it comes after, come before the service. */
  #arrange(): void {
    this.#lastClears.clear();
    for (const service of this.tasks.filter(isService)) {
      const isRival = (task: TaskShadow) =>
        !isService(task) && task.end === undefined && this.isInTheWay(service, task);
      const rivals = this.tasks.filter(isRival);
      if (rivals.length === 0) continue;
      const earlier = this.#allBefore(this.servedBy(service));
      const known = this.#clears.get(service);
      const more = rivals.filter((rival) => earlier.has(rival) && known?.has(rival) !== true);
      if (more.length > 0) this.#lastClears.set(service, more);
    }
    for (const [service, more] of this.#lastClears)
      this.#clears.set(service, new Set([...(this.#clears.get(service) ?? []), ...more]));
    this.#known.clear();
  }

  #allBefore(tasks: readonly TaskShadow[]): ReadonlySet<TaskShadow> {
    const found = new Set<TaskShadow>();
    const todo = [...tasks];
    for (let task = todo.pop(); task !== undefined; task = todo.pop())
      for (const other of this.allBefore(task)) {
        if (found.has(other)) continue;
        found.add(other);
        todo.push(other);
      }
    return found;
  }

  /** A task of the group requires a service that comes after the end of one which serves a task of the group. */
  isGroupTied(group: string): boolean {
    const members = this.tasks.filter(({ spec }) => spec.group === group);
    const services = new Set<TaskShadow>();
    const require = (task: TaskShadow): void => {
      for (const requirement of task.spec.requires)
        for (const other of this.candidates(task, requirement))
          if (isService(other) && !services.has(other)) {
            services.add(other);
            require(other);
          }
    };
    for (const member of members) require(member);
    return [...services].some((service) =>
      this.ordersOf(service).some(
        (other) => isService(other) && this.servedBy(other).some((task) => members.includes(task)),
      ),
    );
  }

  /** All that could meet its requirements. A service that is up counts though what it provides was torn down: it may provide it again. */
  everRequired(task: TaskShadow): readonly TaskShadow[] {
    return task.spec.requires.flatMap((requirement) => {
      const again = requirement.names
        .flatMap((name) => this.named(name))
        .filter((other) => other.isUp && other !== task);
      return [...this.candidates(task, requirement), ...again];
    });
  }

  /** Everything that must be over, or up, before the task may start. */
  allBefore(task: TaskShadow): readonly TaskShadow[] {
    return [...this.predecessors(task), ...this.everRequired(task)];
  }

  /**
   * The services that tasks wait for which wait for nothing else, and those that these services need. Of alternatives as many as it takes, in the
   * order of declaration.
   */
  wantedServices(): ReadonlySet<TaskShadow> {
    const wanted = new Set<TaskShadow>();
    for (const task of this.tasks)
      if (
        !isService(task) &&
        task.end === undefined &&
        task.active === undefined &&
        this.waitsForServices(task)
      )
        for (const requirement of task.spec.requires) this.#want(task, requirement, wanted);
    return wanted;
  }

  #want(task: TaskShadow, requirement: RequirementSpec, wanted: Set<TaskShadow>): void {
    if (this.threshold(task, requirement) === 'met') return;
    const candidates = this.candidates(task, requirement);
    const isOpen = (other: TaskShadow) => other.end === undefined && !other.isUp && this.#canCome(other);
    const open = candidates.filter(isOpen).sort((one, two) => one.index - two.index);
    const present = candidates.filter((other) => other.isUp || other.end?.provides).length;
    const isEvery = requirement.form === 'every';
    const need = isEvery ? candidates.length : requirement.form === 'at-least' ? requirement.count : 1;
    const missing = Math.max(0, need - present);
    const [on, off] = [
      open.filter((other) => this.isComing(other)),
      open.filter((other) => !this.isComing(other)),
    ];
    for (const other of [...on, ...off].slice(0, missing)) {
      if (wanted.has(other)) continue;
      wanted.add(other);
      for (const own of other.spec.requires) this.#want(other, own, wanted);
    }
  }

  /** It is on its way up. */
  isComing(service: TaskShadow): boolean {
    return this.coming(service);
  }

  /** Set by the watcher: does the service run, or wait for its next attempt, and was not asked to stop? */
  coming: (service: TaskShadow) => boolean = () => false;

  #canCome(service: TaskShadow): boolean {
    return isService(service) && (service.active !== undefined || this.waitsForServices(service));
  }

  /** Everything that the task still waits for is up to services. */
  waitsForServices(task: TaskShadow): boolean {
    if (!task.spec.applies && task.attempts === 0) return false;
    if (this.predecessors(task).some(({ end }) => end === undefined)) return false;
    if (this.ownersFor(task).some(({ end }) => end === undefined)) return false;
    return task.spec.requires.every((requirement) => {
      if (this.threshold(task, requirement) === 'met') return true;
      const open = this.candidates(task, requirement).filter(
        (other) => other.end === undefined && !other.isUp,
      );
      if (!open.every(isService)) return false;
      return this.#couldMeet(task, requirement, open.filter((other) => this.#canCome(other)).length);
    });
  }

  #couldMeet(task: TaskShadow, requirement: RequirementSpec, coming: number): boolean {
    const candidates = this.candidates(task, requirement);
    const present = candidates.filter((other) => other.isUp || other.end?.provides).length;
    const { form, count } = requirement;
    const need = form === 'every' ? candidates.length : form === 'at-least' ? count : 1;
    return present + coming >= need;
  }

  /** All outside of the group that some task in it waits for. */
  groupEdges(group: string): readonly TaskShadow[] {
    return this.#remember(`group ${group}`, () => {
      const members = this.tasks.filter(({ spec }) => spec.group === group);
      const edges = new Set(members.flatMap((member) => [...this.#own(member), ...this.#required(member)]));
      return [...edges].filter(({ spec }) => spec.group !== group);
    });
  }

  /** What the task requires; instead of a service, what that waits for: a group opens when its services can start. */
  #required(task: TaskShadow): readonly TaskShadow[] {
    const found = new Set<TaskShadow>();
    const seen = new Set([task]);
    for (const each of seen) {
      if (each !== task) for (const before of this.#own(each)) found.add(before);
      for (const requirement of each.spec.requires)
        for (const other of this.candidates(each, requirement))
          if (isService(other)) seen.add(other);
          else found.add(other);
    }
    return [...found];
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
    if (task.elsewhere === 'awaited') return false;
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
      return (task.attempts === 0 && this.meets(task, other)) || this.lacksUnitsOf(task, other);
    });
  }

  /** Are too few units left of what the task takes? */
  lacksUnits(task: TaskShadow): boolean {
    return [...this.#capacities].some(
      ([resource, capacity]) =>
        unitsOf(task.spec, resource) > 0 &&
        this.#inUse(resource, task) + unitsOf(task.spec, resource) > capacity,
    );
  }

  /** Are too few units left of what both take? */
  lacksUnitsOf(task: TaskShadow, other: TaskShadow): boolean {
    for (const [resource, capacity] of this.#capacities) {
      const wanted = unitsOf(task.spec, resource);
      if (wanted > 0 && unitsOf(other.spec, resource) > 0 && this.#inUse(resource, task) + wanted > capacity)
        return true;
    }
    return false;
  }

  /** Does what the other one holds keep the task from starting? Units left aside. */
  meets(task: TaskShadow, other: TaskShadow): boolean {
    if (isService(other)) {
      const isAlone = other.active !== undefined && this.isAloneWithout(other, task);
      return isAlone || collide(task.spec, other.spec);
    }
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
    const isExclusive = task.spec.exclusive || (other.spec.exclusive && !isService(task));
    if (isExclusive || collide(task.spec, other.spec)) return true;
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

export function isService({ spec }: TaskShadow): boolean {
  return spec.service !== undefined;
}

function unitsOf({ amounts, uses }: TaskSpec, resource: string): number {
  const own = amounts.filter(([name]) => name === resource).reduce((sum, [, count]) => sum + count, 0);
  return own > 0 ? own : uses.includes(resource) ? 1 : 0;
}

/** Can the two not be held at the same time? An amount is a use as well, and stays one between attempts, without its units. */
export function collide(one: TaskSpec, other: TaskSpec): boolean {
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
