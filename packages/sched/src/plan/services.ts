/**
 * Which tasks need which services, and which tasks must be over before a service starts. Refuses tasks that can never run beside the services that
 * they need. Knows nothing about the progress of the run.
 */
import {
  capabilitiesOf,
  describeCapability,
  describeResource,
  type Problem,
  problem,
  type Resource,
} from '@pexen/core';
import type { LockTable } from '@pexen/lock';
import { CLEAR, type ConditionId } from './graph.ts';
import { SERVICE } from './metadata.ts';
import type { LiveRun, Planned } from './planned.ts';
import type { UndoLog } from './undo-log.ts';

interface Compiled extends Planned {
  readonly locks: LockTable;
  /** What each task holds; -1 is nothing. */
  readonly request: Int32Array;
}

/** What an addition has brought about. */
interface Arranged {
  /** Tasks wait for each other now that did not before, earlier ones too. */
  readonly isRewired: boolean;
  readonly problems: readonly (readonly [task: number, problem: Problem])[];
}

/** Both directions of one relation. */
interface Index {
  readonly upheldBy: ReadonlyMap<number, ReadonlySet<number>>;
  readonly neededBy: ReadonlyMap<number, readonly number[]>;
  /** The graph had so many edges. */
  readonly edges: number;
}

const empty: Index = { upheldBy: new Map(), neededBy: new Map(), edges: 0 };
const none: readonly number[] = [];
const noTasks: ReadonlySet<number> = new Set();

export class ServicePlan {
  readonly #plan: Compiled;
  readonly #undoLog: UndoLog;
  /** Service → the condition that no task is left which must be over before it starts. */
  readonly #clear: Map<number, ConditionId>;
  #index = empty;

  /** Empty, or a copy. */
  constructor(plan: Compiled, undoLog: UndoLog, of?: ServicePlan) {
    this.#plan = plan;
    this.#undoLog = undoLog;
    this.#clear = new Map(of === undefined ? [] : of.#clear);
  }

  /** The services as they were declared, in that order. */
  get all(): Iterable<number> {
    const { overs } = this.#plan.graph;
    if (!this.#plan.hasSetups) return overs.keys();
    return [...overs.keys()].filter((task) => this.#plan.states(task, SERVICE));
  }

  /** The services that run themselves: of those on each node the executions. */
  get executed(): Iterable<number> {
    const { hasSetups, setups, instances } = this.#plan;
    if (!hasSetups) return this.all;
    const single = [...this.all].filter((service) => !setups.has(service));
    return [...single, ...[...instances.keys()].filter((task) => this.#plan.states(task, SERVICE))];
  }

  /** The tasks that end before the service does: those that need it, and the teardowns of what it and these provide. */
  upheldBy(service: number): ReadonlySet<number> {
    return this.#indexed().upheldBy.get(this.#declared(service)) ?? noTasks;
  }

  /** The services that end after the task, as they were declared. */
  neededBy(task: number): readonly number[] {
    return this.#indexed().neededBy.get(this.#declared(task)) ?? none;
  }

  /** Does the task need the service, of which this may be the execution on a node? */
  needs(task: number, service: number): boolean {
    return this.upheldBy(service).has(this.#declared(task));
  }

  #declared(task: number): number {
    return this.#plan.instances.get(task)?.of ?? task;
  }

  /** Does some task of the pool need the service? */
  isNeededIn(pool: number, service: number): boolean {
    const { graph } = this.#plan;
    for (const task of this.upheldBy(service)) if (graph.pool[task] === pool) return true;
    return false;
  }

  /** Would the service, while it runs, keep the task from running? */
  isInTheWay(service: number, task: number): boolean {
    const { locks, request } = this.#plan;
    if (service === task || this.needs(task, service)) return false;
    const wanted = request[task] as number;
    if (wanted >= 0 && locks.isBlockedBy(wanted, [request[service] as number])) return true;
    return this.isAloneWithout(service, task);
  }

  /** Does the task, or its group, run alone and without the service? */
  isAloneWithout(service: number, task: number): boolean {
    const { options, graph } = this.#plan;
    if (this.needs(task, service)) return false;
    if (this.#plan.metaOf(task).exclusive === true) return true;
    const pool = graph.pool[task] as number;
    return options.pools[pool]?.group?.exclusive === true && !this.isNeededIn(pool, service);
  }

  /**
   * Has tasks that conflict with a service run before it where tasks that need it must run after them. Returns the problems of tasks that conflict
   * with services which they need. Tasks from `from` on are new.
   */
  arrange(from: number, live: LiveRun | undefined): Arranged {
    this.#undoLog.note(() => {
      this.#index = empty;
    });
    const earlier = [...this.all].map((service) => [service, this.#rivalsBefore(service, live)] as const);
    const { size } = this.#plan.graph.feeds;
    for (const [service, rivals] of earlier) this.#startAfter(service, rivals);
    const isRewired = this.#plan.graph.feeds.size > size;
    return { isRewired, problems: [...this.#neededByThemselves(from), ...this.#conflicts(from, live)] };
  }

  /** Explains an edge of a cycle that `arrange` made. */
  clears(task: number, service: number): boolean {
    const condition = this.#clear.get(service);
    return condition !== undefined && this.#plan.graph.feeds.has(task, condition);
  }

  /** The tasks that cannot run while the service is up, and that tasks which need it must run after. Other services make way, or wait. */
  #rivalsBefore(service: number, live: LiveRun | undefined): readonly number[] {
    const rivals = this.#rivalsOf(service, live);
    if (rivals.length === 0) return rivals;
    const earlier = this.#predecessorsOf(this.upheldBy(service));
    return rivals.filter((rival) => earlier.has(rival));
  }

  #startAfter(service: number, rivals: readonly number[]): void {
    const { graph } = this.#plan;
    for (const rival of rivals) {
      const condition = this.#clearCondition(service);
      if (!graph.feeds.has(rival, condition)) graph.feed(rival, condition);
    }
  }

  /** A service that requires what it provides would have to wait for its own end. */
  #neededByThemselves(from: number): readonly (readonly [number, Problem])[] {
    const found = [...this.all].filter((service) => service >= from && this.#endOf(service).has(service));
    return found.map((service) => {
      const { provides = [], requires = [] } = this.#plan.metaOf(service);
      const own = requires
        .flatMap(capabilitiesOf)
        .find((each) => provides.includes(each) || each === this.#plan.runnableOf(service));
      const what = own === undefined ? 'something' : describeCapability(own);
      const hint = 'Let another task require it, or provide it under another name.';
      return [service, conflict(`it requires ${what}, which it provides itself`, hint)] as const;
    });
  }

  #rivalsOf(service: number, live: LiveRun | undefined): readonly number[] {
    const { taskCount } = this.#plan.graph;
    const found: number[] = [];
    for (let task = 0; task < taskCount; task++)
      if (!isService(this.#plan, task) && !live?.isOver(task) && this.isInTheWay(service, task))
        found.push(task);
    return found;
  }

  #clearCondition(service: number): ConditionId {
    const known = this.#clear.get(service);
    if (known !== undefined) return known;
    const condition = this.#plan.graph.addCondition(CLEAR, service);
    this.#undoLog.put(this.#clear, service, condition);
    this.#plan.graph.wait(condition, service);
    return condition;
  }

  /** All tasks that must be over, or up, before one of these can start. */
  #predecessorsOf(tasks: ReadonlySet<number>): ReadonlySet<number> {
    const { waits, feeds, relays } = this.#plan.graph;
    const found = new Set<number>();
    const conditions = new Set<number>();
    const todo = [...tasks];
    for (let task = todo.pop(); task !== undefined; task = todo.pop()) {
      const met = waits.in.ends(task).filter((condition) => !conditions.has(condition));
      for (const condition of met) conditions.add(condition);
      for (let condition = met.pop(); condition !== undefined; condition = met.pop()) {
        for (const source of relays.in.ends(condition)) {
          if (conditions.has(source)) continue;
          conditions.add(source);
          met.push(source);
        }
        for (const feeder of feeds.in.ends(condition)) {
          if (found.has(feeder)) continue;
          found.add(feeder);
          todo.push(feeder);
        }
      }
    }
    return found;
  }

  #conflicts(from: number, live: LiveRun | undefined): readonly (readonly [number, Problem])[] {
    const { graph } = this.#plan;
    const problems: (readonly [number, Problem])[] = [];
    const known = new Set<string>();
    const hasNew = [...this.all].some((service) => service >= from);
    for (let task = hasNew ? 0 : from; task < graph.taskCount; task++) {
      const services = this.neededBy(task);
      if (services.length === 0 || live?.isOver(task)) continue;
      const found = this.#conflictWith(task, services);
      if (found !== undefined) problems.push([task, found]);
      const key = services.join();
      const among = known.has(key) ? undefined : this.#conflictAmong(services);
      known.add(key);
      if (among !== undefined) problems.push([task, among]);
    }
    return problems;
  }

  #conflictWith(task: number, services: readonly number[]): Problem | undefined {
    const { locks, request } = this.#plan;
    const own = request[task] as number;
    if (own < 0 || !locks.isBlockedBy(own, this.#requestsOf(services))) return undefined;
    const rival = services.find((service) => locks.isBlockedBy(own, [request[service] as number]));
    const hint = 'Have only one of them hold it: what a service holds, it holds from its start to its end.';
    if (rival === undefined)
      return conflict('it and the services that it needs take more of a resource than there is', hint);
    const what = this.#sharedBy(task, rival);
    return conflict(`it needs the service "${this.#plan.pathOf(rival)}", and both hold ${what}`, hint);
  }

  #conflictAmong(services: readonly number[]): Problem | undefined {
    const { locks, request } = this.#plan;
    const hint = 'Let them hold different resources, or let different tasks need them.';
    for (const service of services) {
      const others = services.filter((other) => other !== service);
      const own = request[service] as number;
      if (!locks.isBlockedBy(own, this.#requestsOf(others))) continue;
      const rival = others.find((other) => locks.isBlockedBy(own, [request[other] as number]));
      if (rival === undefined)
        return conflict('the services that it needs take more of a resource than there is', hint);
      const names = `"${this.#plan.pathOf(service)}" and "${this.#plan.pathOf(rival)}"`;
      return conflict(
        `it needs the services ${names}, and both hold ${this.#sharedBy(service, rival)}`,
        hint,
      );
    }
    return undefined;
  }

  #requestsOf(services: readonly number[]): readonly number[] {
    return services.map((service) => this.#plan.request[service] as number);
  }

  /** A resource that both hold, for messages. */
  #sharedBy(task: number, service: number): string {
    const { locks, request } = this.#plan;
    const { uses = [], claims = [] } = this.#plan.metaOf(task);
    const isShared = (entry: {
      readonly uses?: typeof uses;
      readonly claims?: readonly Resource[];
    }): boolean => {
      const compiled = locks.compile(entry);
      const isBlocked = locks.isBlockedBy(compiled, [request[service] as number]);
      locks.forget(compiled);
      return isBlocked;
    };
    const claim = claims.find((each) => isShared({ claims: [each] }));
    if (claim !== undefined) return describeResource(claim);
    const use = uses.find((each) => isShared({ uses: [each] }));
    return use === undefined ? 'a resource' : describeResource(use);
  }

  #indexed(): Index {
    const { graph } = this.#plan;
    const edges = graph.feeds.size + graph.relays.size + graph.waits.size;
    if (this.#index.edges === edges) return this.#index;
    const upheldBy = new Map<number, ReadonlySet<number>>();
    const neededBy = new Map<number, number[]>();
    for (const service of this.all) {
      const tasks = this.#endOf(service);
      tasks.delete(service);
      upheldBy.set(service, tasks);
      for (const task of tasks) {
        const known = neededBy.get(task);
        if (known === undefined) neededBy.set(task, [service]);
        else known.push(service);
      }
    }
    this.#index = { upheldBy, neededBy, edges };
    return this.#index;
  }

  /** The tasks that the end of the service waits for. */
  #endOf(service: number): Set<number> {
    const { feeds, relays, overs } = this.#plan.graph;
    const over = overs.get(service) as number;
    const conditions = new Set([over]);
    const found = new Set<number>();
    for (const condition of conditions) {
      for (const feeder of feeds.in.ends(condition)) if (condition !== over) found.add(feeder);
      for (const source of relays.in.ends(condition)) conditions.add(source);
    }
    return found;
  }
}

/** True if the task is a service. Costs next to nothing in plans without services. */
export function isService(plan: Pick<Planned, 'hasServices' | 'states'>, task: number): boolean {
  return plan.hasServices && plan.states(task, SERVICE);
}

function conflict(message: string, hint: string): Problem {
  return problem('PEXEN_SERVICE_CONFLICT', message, hint);
}
