/**
 * The life of services. A service starts when a task waits for nothing else; it is up from the moment it is ready; it is stopped when no task needs it,
 * when it keeps all waiting tasks away, or when a service that it needs is down. What tasks have built on it lasts as long as it is up. A service on each
 * node is executed by services of single nodes, which live like others; what waits for it, and whom it serves, is decided for each node.
 */
import type { Outcome, PoolOutcome, ServiceStopCause } from '@pexen/core';
import { type ConditionId, NEEDS_ALL } from '../plan/graph.ts';
import { type AttemptLifecycle, mayRetry, nameOutcome } from './attempts.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeSetups } from './node-setups.ts';
import type { NodeRow } from './nodes.ts';
import { CLOSED, FAILED, OPEN } from './pools.ts';
import type { Readiness } from './readiness.ts';
import { CANCELLING, GOING, NOT_NEEDED, type State } from './state.ts';
import {
  BACKING_OFF,
  DISPATCHED,
  PARKED,
  PROVIDED,
  READY,
  RETAINS_LOCKS,
  RUNNING,
  SLOW,
  UNNEEDED,
  WAITING,
} from './task-table.ts';

/** What is known of a service besides its row in the task table. */
interface Service {
  readonly restarts: number;
  readonly killsOnStop: boolean;
  /** How often it ended without having been asked to, after it was ready. */
  deaths: number;
  /** How many attempts it had before its present start. */
  before: number;
  /** How long its present start took until it was ready, ms. */
  readyAfterMs: number | undefined;
  /** Its next attempt is a new start, not a retry of one that was not ready. */
  isNewStart: boolean;
}

/** Which services would have to stop for a task. */
interface Way {
  readonly task: number;
  readonly stops: ReadonlySet<number>;
  /** So many other tasks could never run then. */
  readonly lost: number;
}

const reasons: Readonly<Record<ServiceStopCause, string>> = {
  unneeded: 'no task needs it any more',
  'made-way': 'it makes way for tasks that could not start while it was up',
  'provider-down': 'a service that it requires is down',
  'run-stopped': 'the run is stopped',
};

/** Why a service ended although it was not asked to. */
const ended = {
  up: 'it ended, and was not asked to stop: a service goes on until its signal is aborted, a program in the foreground',
  starting: 'it ended before it was ready',
};

export class Services {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;
  readonly #readiness: Readiness;
  readonly #dispatcher: Dispatcher;
  readonly #setups: NodeSetups;
  readonly #known = new Map<number, Service>();
  /** Those that tasks wait for; undefined if that has to be found out again. */
  #wanted: ReadonlySet<number> | undefined;
  /** The task for which others make way, until its next attempt. Those that conflict with it do not start before. */
  #favoured = -1;
  /** How many attempts it has had. */
  #favouredAfter = 0;
  /** Some service could start, and there is no node for it. */
  waitForNodes = false;

  constructor(
    state: State,
    attempts: AttemptLifecycle,
    readiness: Readiness,
    dispatcher: Dispatcher,
    setups: NodeSetups,
  ) {
    this.#state = state;
    this.#attempts = attempts;
    this.#readiness = readiness;
    this.#dispatcher = dispatcher;
    this.#setups = setups;
  }

  /** True while some service starts, stops, or waits for its retry: then something will happen. */
  get isBusy(): boolean {
    const { tasks } = this.#state;
    for (const service of this.#all)
      if (tasks.state[service] === BACKING_OFF || (tasks.isOut(service) && !this.#isUp(service))) return true;
    return false;
  }

  /** Starts the services that tasks wait for, as far as they can start. */
  start(): void {
    const { conditions, plan, acrossRuns } = this.#state;
    if (!plan.hasServices || this.#state.stopping !== GOING) return;
    if (conditions.takeTouched()) this.#wanted = undefined;
    this.waitForNodes = false;
    if (plan.hasSetups && this.#orderOnNodes()) return; // they may go first
    for (const service of this.#idle()) {
      const isWanted = this.#isWanted(service);
      if (isWanted && acrossRuns.waitOf(service) !== undefined) continue;
      if (isWanted && this.#mayStart(service)) this.#startNow(service);
      else this.#holdBack(service);
    }
  }

  /** Those that could start, best first. */
  #idle(): readonly number[] {
    const { tasks, pools } = this.#state;
    const isIdle = (service: number): boolean =>
      tasks.state[service] === READY || tasks.state[service] === PARKED;
    const idle = [...this.#all].filter(isIdle);
    return idle.length < 2 ? idle : idle.sort((a, b) => (pools[0]?.queue.isBefore(a, b) ? -1 : 1));
  }

  /** The attempt of the service is ready. */
  ready(service: number): void {
    const { tasks, conditions, nowMs, plan } = this.#state;
    if (tasks.state[service] !== RUNNING || tasks.has(service, PROVIDED) || tasks.stop[service] !== 0) return;
    const afterMs = nowMs - (tasks.since[service] as number);
    this.#wanted = undefined;
    this.#of(service).readyAfterMs = afterMs;
    this.#state.servicesSince.set(service, nowMs);
    if (afterMs > plan.rulesOf(service).slowAfterMs) tasks.set(service, SLOW);
    this.#state.alarms.drop(service);
    conditions.up(service);
    if (this.#nodeOf(service) !== undefined) this.#setups.cameUp(service);
    this.#state.markStale();
    if (!this.#state.nextEvent()) return;
    const attempt = tasks.attempt[service] as number;
    this.#state.publish({ type: 'service-ready', atMs: nowMs, task: service, attempt, afterMs });
  }

  /** Asks the running service to stop, once. */
  stop(service: number, why: ServiceStopCause): void {
    const { tasks, nowMs } = this.#state;
    if (!tasks.isOut(service) || tasks.stop[service] !== 0) return;
    const attempt = tasks.attempt[service] as number;
    const reason = reasons[why];
    this.#state.requestStop(service, UNNEEDED, reason);
    this.#state.servicesSince.set(service, nowMs);
    this.#state.emit({ type: 'stop-attempt', task: service, attempt, part: 'body', why: 'unneeded', reason });
    if (this.#state.nextEvent())
      this.#state.publish({ type: 'service-stopping', atMs: nowMs, task: service, attempt, why });
    if (tasks.has(service, PROVIDED)) this.#goDown(service);
  }

  /** Stops the services that no task needs any more, and ends the first that does not run. Returns true if there are new results. */
  stopUnneeded(): boolean {
    const { tasks, stopping } = this.#state;
    const why = stopping >= CANCELLING ? 'run-stopped' : 'unneeded';
    for (const service of this.#all) {
      if (tasks.isDone(service) || !this.#isUnneeded(service)) continue;
      if (tasks.isOut(service)) this.stop(service, why);
      else {
        this.#end(service);
        this.#readiness.cascade();
        return true;
      }
    }
    this.#readiness.cascade();
    return false;
  }

  /** The pool has settled the attempt. */
  settle(service: number, outcome: PoolOutcome): void {
    const { tasks } = this.#state;
    const known = this.#of(service);
    const isUp = tasks.has(service, PROVIDED);
    const stop = tasks.stop[service] as number;
    this.#wanted = undefined;
    if (outcome.kind === 'not-started' && this.#attempts.isReturned(service)) {
      this.#attempts.unstarted(service);
      this.#state.releaseKeptAway();
      return;
    }
    const reason = this.#state.stopReasonOf(service) ?? '';
    const named = nameEnd(outcome, stop, isUp, known.killsOnStop, reason);
    if (isUp) this.#goDown(service);
    this.#attempts.record(service, named, outcome, known.readyAfterMs);
    known.readyAfterMs = undefined;
    if (isUp && stop === 0) this.#died(service, named, known);
    else if (stop === UNNEEDED) this.#stopped(service, named);
    else {
      const attempt = (tasks.attempt[service] as number) - known.before;
      this.#attempts.decide(service, named, mayRetry(named, attempt, this.#state.plan.rulesOf(service)));
    }
    this.#state.releaseKeptAway();
  }

  /**
   * Nothing runs but services, and nothing can start: stops those that keep the best task away. The best one costs the fewest other tasks what they
   * need; of these it is the first in order. Returns true if something may start now, or later.
   */
  makeWay(): boolean {
    const { tasks, plan } = this.#state;
    if (!plan.hasServices || this.#state.stopping !== GOING) return false;
    let best: Way | undefined;
    for (let task = 0; task < tasks.count; task++) {
      const stops = this.#isKeptWaiting(task) ? this.#obstaclesOf(task) : none;
      if (stops.size === 0) continue;
      const way = { task, stops, lost: this.#countLost(stops) };
      if (best === undefined || this.#isBetter(way, best)) best = way;
    }
    if (best === undefined) return false;
    this.#favoured = best.task;
    this.#favouredAfter = tasks.attempt[best.task] as number;
    for (const service of best.stops)
      if (tasks.isOut(service)) this.stop(service, 'made-way');
      else this.#releaseRetained(service);
    this.#state.markStale();
    this.#readiness.cascade();
    return true;
  }

  /** Some will have to make way, once there is a place for the task that they keep away. */
  get areToMakeWay(): boolean {
    const { tasks, plan, stopping } = this.#state;
    if (!plan.hasServices || stopping !== GOING) return false;
    for (let task = 0; task < tasks.count; task++)
      if (this.#isKeptWaiting(task, false) && this.#obstaclesOf(task).size > 0) return true;
    return false;
  }

  /** The first of the starved goes first, since it has reserved what it needs. */
  #isBetter({ task, lost }: Way, other: Way): boolean {
    const { locks, pools } = this.#state;
    if (task === locks.starvedHead || other.task === locks.starvedHead) return task === locks.starvedHead;
    return lost === other.lost ? pools[0]?.queue.isBefore(task, other.task) === true : lost < other.lost;
  }

  get #all(): Iterable<number> {
    return this.#state.plan.services.executed;
  }

  /** The node of a service that is one of each node. */
  #nodeOf(service: number): NodeRow | undefined {
    return this.#state.pinOf(service);
  }

  #isUp(service: number): boolean {
    const { tasks } = this.#state;
    return tasks.has(service, PROVIDED) && tasks.stop[service] === 0;
  }

  #of(service: number): Service {
    const known = this.#known.get(service);
    if (known !== undefined) return known;
    const { plan } = this.#state;
    const { restarts = 0, killsOnStop = false } = plan.definition(service).service ?? {};
    const made = {
      restarts,
      killsOnStop,
      deaths: 0,
      before: 0,
      readyAfterMs: undefined,
      isNewStart: true,
    };
    this.#known.set(service, made);
    return made;
  }

  /** All that its end waits for is over, except for the service itself. */
  #isUnneeded(service: number): boolean {
    const { plan, conditions } = this.#state;
    const node = this.#nodeOf(service);
    if (node !== undefined) return !this.#setups.isNeededOn(this.#declared(service), node);
    return conditions.pending[plan.graph.overs.get(service) as ConditionId] === 1;
  }

  /** The service of which this is the execution on a node; itself if it is none. */
  #declared(service: number): number {
    return this.#state.plan.instances.get(service)?.of ?? service;
  }

  // Starting

  #isWanted(service: number): boolean {
    const node = this.#nodeOf(service);
    return node === undefined
      ? this.#allWanted.has(service)
      : this.#isAwaitedOn(this.#declared(service), node);
  }

  get #allWanted(): ReadonlySet<number> {
    this.#wanted ??= this.#findWanted();
    return this.#wanted;
  }

  /** Orders the executions of services on the nodes on which tasks wait for them. True until all are added. */
  #orderOnNodes(): boolean {
    const { plan } = this.#state;
    const all = [...plan.services.all].filter((service) => plan.setups.has(service));
    for (const service of all) this.#order(service);
    const areOrdered = all.some((service) => this.#setups.isOrdered(service));
    if (areOrdered) this.waitForNodes = true;
    return areOrdered;
  }

  #order(service: number): void {
    const { tasks, turn } = this.#state;
    if (tasks.state[service] !== READY) return;
    const pool = this.#state.poolOf(service);
    const isWanted = this.#allWanted.has(service);
    if (isWanted && pool.phase === CLOSED && turn === undefined) this.#dispatcher.open(pool);
    if (pool.phase !== OPEN) return;
    for (const node of pool.nodes?.all ?? [])
      if (this.#setups.isDueOn(service, node) && this.#isAwaitedOn(service, node))
        this.#setups.order(service, node);
    if (!isWanted || this.#setups.isUnderWay(service)) return;
    this.waitForNodes = true;
    this.#setups.giveUpWaiting(service, (task) => this.#needsServicesOnly(task));
  }

  /** Does some task wait for the service on this node, and otherwise only for services? */
  #isAwaitedOn(service: number, node: NodeRow): boolean {
    const { conditions, plan } = this.#state;
    const { feeds, waits } = plan.graph;
    for (const condition of feeds.out.ends(service)) {
      if (!plan.graph.isRequirement(condition) || this.#state.isMetOn(condition, node)) continue;
      if (!conditions.isFulfilled(condition) && !this.#allWanted.has(service)) continue;
      for (let edge = waits.out.first(condition); edge !== 0; edge = waits.out.next[edge] as number)
        if (this.#awaitsOn(waits.out.end[edge] as number, node)) return true;
    }
    return false;
  }

  #awaitsOn(task: number, node: NodeRow): boolean {
    const { tasks } = this.#state;
    if (tasks.isDone(task) || tasks.isOut(task) || !this.#setups.mayRunOn(task, node)) return false;
    const isOnEach = this.#state.isSetup(task);
    if (isOnEach && !this.#setups.isDueOn(task, node)) return false;
    if (!this.#state.isService(task)) return this.#needsServicesOnly(task);
    return isOnEach ? this.#isAwaitedOn(task, node) : this.#isWanted(task);
  }

  /** The services that tasks wait for, and those that these need. */
  #findWanted(): ReadonlySet<number> {
    const { conditions, plan } = this.#state;
    const wanted = new Set<number>();
    for (const service of plan.services.all) {
      if (wanted.has(service) || this.#state.tasks.isDone(service)) continue;
      for (const condition of plan.graph.feeds.out.ends(service))
        if (
          plan.graph.isRequirement(condition) &&
          !conditions.isFulfilled(condition) &&
          this.#isAwaited(condition)
        )
          this.#choose(condition, wanted);
    }
    return wanted;
  }

  /** Does some task wait for the requirement, and otherwise only for services? Services do not count. */
  #isAwaited(condition: ConditionId): boolean {
    const { waits } = this.#state.plan.graph;
    const { tasks } = this.#state;
    for (let edge = waits.out.first(condition); edge !== 0; edge = waits.out.next[edge] as number) {
      const task = waits.out.end[edge] as number;
      if (tasks.state[task] === WAITING && !this.#state.isService(task) && this.#needsServicesOnly(task))
        return true;
    }
    return false;
  }

  /** True if everything that the task still waits for is up to services. */
  #needsServicesOnly(task: number): boolean {
    const { waits } = this.#state.plan.graph;
    const { conditions, recalled } = this.#state;
    if (recalled.isKeptOut(task) && (this.#state.isService(task) || !recalled.isOnlyScheduled(task)))
      return false;
    for (let edge = waits.in.first(task); edge !== 0; edge = waits.in.next[edge] as number) {
      const condition = waits.in.end[edge] as number;
      if (!conditions.isFulfilledFor(task, condition) && !this.#canServicesMeet(condition)) return false;
    }
    return true;
  }

  #canServicesMeet(condition: ConditionId): boolean {
    const { graph } = this.#state.plan;
    const { conditions, tasks } = this.#state;
    if (!graph.isRequirement(condition)) return false;
    let coming = 0;
    for (let edge = graph.feeds.in.first(condition); edge !== 0; edge = graph.feeds.in.next[edge] as number) {
      const feeder = graph.feeds.in.end[edge] as number;
      if (tasks.isDone(feeder) || tasks.has(feeder, PROVIDED)) continue;
      if (!this.#state.isService(feeder)) return false;
      if (this.#canCome(feeder)) coming++;
    }
    if (graph.kind[condition] === NEEDS_ALL)
      return conditions.misses[condition] === 0 && coming === conditions.pending[condition];
    return (conditions.hits[condition] as number) + coming >= (graph.need[condition] as number);
  }

  /** Starting, or able to start once other services are up. */
  #canCome(service: number): boolean {
    return this.#state.tasks.isOut(service) || this.#needsServicesOnly(service);
  }

  /** Of the services that can meet the requirement, as many as it takes: those on their way, then in the order of declaration; and those that these need. */
  #choose(condition: ConditionId, wanted: Set<number>): void {
    const { graph } = this.#state.plan;
    const { conditions, tasks } = this.#state;
    const feeders = graph.feeds.in.ends(condition);
    const open = feeders.filter(
      (task) => !tasks.isDone(task) && !tasks.has(task, PROVIDED) && this.#canCome(task),
    );
    const isAll = graph.kind[condition] === NEEDS_ALL;
    const missing = isAll
      ? open.length
      : (graph.need[condition] as number) - (conditions.hits[condition] as number);
    const isLater = (service: number): number => Number(!this.#isComing(service));
    open.sort((one, other) => isLater(one) - isLater(other) || one - other);
    for (const service of open.slice(0, Math.max(0, missing))) {
      if (wanted.has(service)) continue;
      wanted.add(service);
      for (const other of graph.waits.in.ends(service))
        if (graph.isRequirement(other) && !conditions.isFulfilledFor(service, other))
          this.#choose(other, wanted);
    }
  }

  /** Starting, and not asked to stop, or about to start once more. */
  #isComing(service: number): boolean {
    const { tasks } = this.#state;
    if (this.#state.isSetup(service)) return this.#setups.isUnderWay(service);
    if (tasks.isOut(service)) return tasks.stop[service] === 0;
    return tasks.hasStarted(service) && tasks.state[service] !== WAITING && !this.#of(service).isNewStart;
  }

  #mayStart(service: number): boolean {
    const { plan, turn, tasks } = this.#state;
    const pool = this.#state.poolOf(service);
    if (turn !== undefined && !plan.services.isNeededIn(turn.id, service)) return false;
    if (this.#isInFavouredWay(service)) return false;
    if (tasks.hasStarted(service) && this.#hasRunning(service)) return false;
    if (pool.phase === CLOSED) this.#dispatcher.open(pool);
    if (pool.phase !== OPEN) return false;
    const { admits } = this.#state.partitionOf(service);
    const hasNode = pool.nodes === undefined || pool.nodes.chooseForService(admits) !== undefined;
    if (!hasNode) this.waitForNodes = true;
    return hasNode;
  }

  /** Does some task run that needs it, and may have something of its last start? */
  #hasRunning(service: number): boolean {
    const { plan, tasks, executions } = this.#state;
    const node = this.#nodeOf(service);
    const isRunning = (task: number): boolean =>
      tasks.isOut(task) &&
      !this.#state.isService(task) &&
      (node === undefined || this.#state.nodeOf(task) === node);
    for (const task of plan.services.upheldBy(service))
      if (isRunning(task) || executions.get(task)?.some(isRunning) === true) return true;
    return false;
  }

  /** Would it get into the way of the task for which others have made way? */
  #isInFavouredWay(service: number): boolean {
    const { services } = this.#state.plan;
    if (!this.#isFavourDue()) this.#favoured = -1;
    if (this.#favoured < 0) return false;
    const bundle = this.#bundleOf(this.#favoured);
    return (
      !bundle.includes(this.#declared(service)) &&
      bundle.some((member) => services.isInTheWay(service, member))
    );
  }

  /** Not if it has started, or waits for more than services: for a task that was added since, and that may need what has made way. */
  #isFavourDue(): boolean {
    const { tasks } = this.#state;
    const favoured = this.#favoured;
    if (favoured < 0 || tasks.isDone(favoured)) return false;
    return tasks.attempt[favoured] === this.#favouredAfter && this.#needsServicesOnly(favoured);
  }

  #startNow(service: number): void {
    const { tasks } = this.#state;
    const known = this.#of(service);
    this.#wanted = undefined;
    const before = tasks.attempt[service] as number;
    this.#dispatcher.startService(service);
    if (tasks.state[service] !== DISPATCHED || !known.isNewStart) return;
    known.before = before;
    known.isNewStart = false;
  }

  /** It cannot start now: it waits for no resource, and keeps none of other runs. */
  #holdBack(service: number): void {
    this.#state.releaseLocks(service);
    if (this.#state.tasks.state[service] !== PARKED) return;
    this.#state.withdraw(service);
    this.#state.move(service, READY);
  }

  // Ending

  /** Tasks that need it wait again; what was built on it is lost. */
  #goDown(service: number): void {
    const { conditions } = this.#state;
    const takers = this.#takersOf(service);
    this.#wanted = undefined;
    conditions.down(service);
    if (this.#nodeOf(service) !== undefined) this.#setups.wentDown(service);
    this.#loseBase(takers, service);
    this.#state.markStale();
  }

  /** The tasks that have, or would get, what the task provides. */
  #takersOf(task: number): readonly number[] {
    return this.#nodeOf(task) === undefined
      ? this.#state.conditions.takersOf(task)
      : this.#setups.takersOf(task);
  }

  /** These tasks have, or would get, what is gone with the service. */
  #loseBase(takers: readonly number[], service: number): void {
    const { tasks, conditions, lostBases } = this.#state;
    const pools = new Set<number>();
    const todo = [...takers];
    for (let task = todo.pop(); task !== undefined; task = todo.pop()) {
      if (this.#state.isService(task)) {
        this.stop(task, 'provider-down');
        continue;
      }
      const isOver = tasks.isDone(task);
      if (isOver ? !tasks.has(task, PROVIDED) : !tasks.isOut(task) || lostBases.has(task)) continue;
      lostBases.set(task, service);
      if (isOver) {
        todo.push(...this.#takersOf(task));
        conditions.lose(task);
        if (this.#nodeOf(task) !== undefined) this.#setups.wentDown(task);
      } else if (tasks.state[task] === DISPATCHED && tasks.stop[task] === 0)
        pools.add(this.#state.poolOf(task).id);
    }
    for (const pool of pools) this.#state.emit({ type: 'reclaim', pool });
  }

  /** It ended after it was ready, and was not asked to. */
  #died(service: number, outcome: Outcome, known: Service): void {
    const hasNode = this.#nodeOf(service)?.hasLeft !== true;
    const mayStart =
      ++known.deaths <= known.restarts &&
      outcome.abandoned !== true &&
      this.#state.stopping === GOING &&
      hasNode;
    const startsAgain = mayStart && !this.#isUnneeded(service);
    this.#attempts.publishEnd(service, { died: true, startsAgain });
    if (startsAgain) this.#waitForStart(service, true);
    else this.#attempts.finish(service, outcome);
  }

  #stopped(service: number, outcome: Outcome): void {
    const holds = (this.#state.plan.request[service] as number) >= 0 && this.#hasResources(service);
    const isGood = outcome.kind === 'returned' && (outcome.locksOk || !holds);
    const startsAgain = isGood && this.#state.stopping === GOING && !this.#isUnneeded(service);
    this.#attempts.publishEnd(service, { died: false, startsAgain });
    if (startsAgain) this.#waitForStart(service, false);
    else this.#attempts.finish(service, outcome);
  }

  #hasResources(service: number): boolean {
    const { uses = [], claims = [] } = this.#state.plan.metaOf(service);
    return uses.length + claims.length > 0;
  }

  /** It starts again when tasks need it. `retains`: it keeps what it uses and claims until then. */
  #waitForStart(service: number, retains: boolean): void {
    const { tasks, locks, conditions } = this.#state;
    this.#of(service).isNewStart = true;
    if (retains) {
      tasks.set(service, RETAINS_LOCKS);
      locks.releaseAmounts(service);
    } else {
      tasks.clear(service, RETAINS_LOCKS);
      locks.release(service);
    }
    const closed = conditions.countUnfulfilled(service);
    this.#state.move(service, WAITING);
    tasks.setBlockers(service, closed);
    if (closed === 0) this.#state.makeReady(service);
    const impossible = conditions.unfulfilledOf(service, true);
    if (impossible >= 0) conditions.impossible.push(impossible);
  }

  /** It never started, or does not start again. */
  #end(service: number): void {
    if (this.#state.tasks.hasStarted(service)) this.#attempts.giveUp(service);
    else this.#attempts.skip(service, NOT_NEEDED, -1, -1);
  }

  // Making way

  /** Does the task wait, and for nothing but services? `hasRoom`: there is a place for it. */
  #isKeptWaiting(task: number, hasRoom = true): boolean {
    const { tasks } = this.#state;
    const state = tasks.state[task];
    if ((state !== WAITING && state !== READY && state !== PARKED) || this.#state.isService(task))
      return false;
    const pool = this.#state.poolOf(task);
    if (!this.#state.isItsTurn(task)) return false;
    if (pool.phase === FAILED || this.#hasRoom(task) !== hasRoom) return false;
    return this.#needsServicesOnly(task);
  }

  #hasRoom(task: number): boolean {
    const { pool, needs, hasPlace } = this.#state.partitionOf(task);
    if (pool.phase === CLOSED || hasPlace) return true;
    return needs.length > 0 && pool.hasPlaceOn((node) => this.#setups.mayRunOn(task, node));
  }

  /** The task, and the services that it needs. */
  #bundleOf(task: number): readonly number[] {
    const { tasks, plan } = this.#state;
    return [task, ...plan.services.neededBy(task).filter((service) => !tasks.isDone(service))];
  }

  /** The services that must stop, or release what they retain, for the task to start. Empty if something else is in its way as well. */
  #obstaclesOf(task: number): ReadonlySet<number> {
    const { plan, tasks, locks, abandoned } = this.#state;
    const bundle = this.#bundleOf(task);
    const requestOf = (each: number): number => plan.request[each] as number;
    const isBlocked = (member: number, by: Iterable<number>): boolean => {
      const held = [...by].map(requestOf).filter((request) => request >= 0);
      return requestOf(member) >= 0 && locks.isBlockedBy(requestOf(member), held);
    };
    if (bundle.some((member) => isBlocked(member, abandoned))) return none;
    const others = [...this.#all].filter(
      (service) => !bundle.includes(this.#declared(service)) && !tasks.isDone(service),
    );
    const holding = others.filter((service) => tasks.isOut(service) || tasks.has(service, RETAINS_LOCKS));
    const isInTheWay = (service: number): boolean =>
      bundle.some((member) =>
        tasks.isOut(service) ? plan.services.isInTheWay(service, member) : isBlocked(member, [service]),
      );
    const stops = new Set(holding.filter(isInTheWay));
    // Together they may take more units of a resource than are left.
    const lacksUnits = (member: number): boolean =>
      isBlocked(
        member,
        [...bundle, ...holding].filter((each) => each !== member && each !== task && !stops.has(each)),
      );
    for (const service of holding)
      if (this.#hasResources(service) && bundle.some(lacksUnits)) stops.add(service);
    for (const service of others)
      if (tasks.isOut(service) && this.#needsOneOf(service, stops)) stops.add(service);
    const isUnclean = (service: number): boolean =>
      !tasks.isOut(service) && tasks.recordsOf(service).at(-1)?.outcome.locksOk !== true;
    return [...stops].some(isUnclean) ? none : stops;
  }

  /** Does the service need one of these? Of those on each node the one on its own node. */
  #needsOneOf(service: number, stops: ReadonlySet<number>): boolean {
    const { plan } = this.#state;
    const node = this.#nodeOf(service);
    const isThere = (stop: number): boolean => node === undefined || (this.#nodeOf(stop) ?? node) === node;
    return [...stops].some((stop) => isThere(stop) && plan.services.needs(service, stop));
  }

  /** How many waiting tasks could never run if these services were stopped now, because what they need would be lost. */
  #countLost(stops: ReadonlySet<number>): number {
    const { graph } = this.#state.plan;
    const { conditions, tasks } = this.#state;
    const lost = new Set<number>();
    const todo: number[] = [];
    const loseProvision = (provider: number): void => {
      for (const taker of this.#takersOf(provider))
        if (
          tasks.isDone(taker) &&
          tasks.has(taker, PROVIDED) &&
          !lost.has(taker) &&
          !this.#state.isService(taker)
        ) {
          lost.add(taker);
          todo.push(taker);
          loseProvision(taker);
        }
    };
    for (const service of stops) if (tasks.has(service, PROVIDED)) loseProvision(service);
    let count = 0;
    for (let task = todo.pop(); task !== undefined; task = todo.pop())
      for (const condition of graph.feeds.out.ends(task)) {
        if (!graph.isRequirement(condition) || !this.#wouldBeImpossible(condition, lost, stops)) continue;
        for (const waiter of graph.waits.out.ends(condition)) {
          if (tasks.isDone(waiter) || tasks.isOut(waiter) || lost.has(waiter)) continue;
          if (conditions.isFulfilledFor(waiter, condition) && !conditions.isFulfilled(condition)) continue;
          lost.add(waiter);
          todo.push(waiter);
          if (!this.#state.isService(waiter)) count++;
        }
      }
    return count;
  }

  #wouldBeImpossible(condition: ConditionId, lost: ReadonlySet<number>, stops: ReadonlySet<number>): boolean {
    const { graph } = this.#state.plan;
    const { tasks } = this.#state;
    const feeders = graph.feeds.in.ends(condition);
    const canGive = (task: number): boolean =>
      !lost.has(task) && (stops.has(task) || !tasks.isDone(task) || tasks.has(task, PROVIDED));
    const left = feeders.filter(canGive).length;
    return graph.kind[condition] === NEEDS_ALL
      ? left < feeders.length
      : left < (graph.need[condition] as number);
  }

  /** It releases what it retains until its new start. */
  #releaseRetained(service: number): void {
    const { locks, tasks } = this.#state;
    this.#state.withdraw(service);
    locks.release(service);
    tasks.clear(service, RETAINS_LOCKS);
  }
}

const none: ReadonlySet<number> = new Set();

/** Names how an attempt of a service ended. An orderly end after a stop request is a good one. */
function nameEnd(
  outcome: PoolOutcome,
  stop: number,
  isUp: boolean,
  killsOnStop: boolean,
  reason: string,
): Outcome {
  if (stop === UNNEEDED) {
    if (outcome.kind === 'stopped' && outcome.how === 'abandoned') return nameOutcome(outcome, stop, reason);
    if (outcome.kind === 'stopped')
      return { kind: 'returned', locksOk: outcome.how === 'aborted' || killsOnStop };
    const isOrderly = ['returned', 'skipped-itself', 'reboot-asked', 'not-started'].includes(outcome.kind);
    return isOrderly ? { kind: 'returned', locksOk: true } : nameOutcome(outcome, 0, reason);
  }
  const named = nameOutcome(outcome, stop, reason);
  const isEarly = named.kind === 'returned' || (isUp && named.kind === 'skipped-itself');
  if (!isEarly) return named;
  return { kind: 'failed', error: earlyEnd(isUp), depsOk: false, locksOk: true };
}

/** Without frames: those of the machine say nothing about the service. */
function earlyEnd(isUp: boolean): Error {
  const error = new Error(isUp ? ended.up : ended.starting);
  error.stack = `Error: ${error.message}`;
  return error;
}
