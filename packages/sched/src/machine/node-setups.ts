/**
 * Tasks that set up nodes, and those that tear that down: each is executed once on every node, by a task of its own. It counts as provided while it has
 * passed on some node; tasks that need it run only where it has. It is over when no task needs it any more. The executions of a service are services: they
 * are ordered where tasks wait for them, and have passed on a node while they are up there.
 */
import type { AttemptRecord, Outcome } from '@pexen/core';
import { tornDownBy } from '@pexen/core';
import type { ConditionId } from '../plan/graph.ts';
import { EXEMPT } from '../plan/metadata.ts';
import type { AttemptLifecycle } from './attempts.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { NodeRow } from './nodes.ts';
import { CLOSED, OPEN, type Partition } from './pools.ts';
import { NEVER_STARTED, NODE_LEFT, NOT_NEEDED, REQUIREMENT, type State } from './state.ts';
import { PARKED, PROVIDED, READY, STARTED, WAITING } from './task-table.ts';

/** An execution that was ordered; -1 until it is added. */
const ORDERED = -1;

/** What is known of a set-up besides its row in the task table. */
interface Setup {
  /** Its executions, by node. Those on nodes that have left stay. */
  readonly on: Map<NodeRow, number>;
  /** A task that requires it, if there is one: one that is not over, as far as that was looked for. */
  neededBy: number;
  /** Nodes on which an execution has started. */
  readonly startedOn: Set<NodeRow>;
  /** Nodes on which what its execution has provided is lost: it has to be executed there again. */
  readonly lostOn: Set<NodeRow>;
  /** Of a service: on each node a task that needs it there, if that was looked for. */
  readonly neededOn: Map<NodeRow, number>;
  /** How those ended that were not skipped, in this order. */
  readonly ends: { readonly node: NodeRow; readonly record: AttemptRecord; readonly value: unknown }[];
}

export class NodeSetups {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;
  readonly #dispatcher: Dispatcher;
  readonly #known = new Map<number, Setup>();

  constructor(state: State, attempts: AttemptLifecycle, dispatcher: Dispatcher) {
    this.#state = state;
    this.#attempts = attempts;
    this.#dispatcher = dispatcher;
  }

  /** Orders the executions that are due, and gives up what no node can run any more. */
  start(): void {
    if (!this.#state.plan.hasSetups) return;
    for (const setup of this.#open()) {
      if (!this.#state.isService(setup)) this.#execute(setup);
      if (this.#hasFailed(setup)) this.#end(setup);
    }
    for (const partition of this.#state.partitions) this.#giveUpOn(partition);
    if (this.#state.plan.hasServices) this.#giveUpServices();
  }

  /** A set-up that is needed waits for its executions, or for a node: something will happen. */
  get isPending(): boolean {
    const { plan, tasks } = this.#state;
    if (!plan.hasSetups) return false;
    const waits = (setup: number): boolean =>
      tasks.state[setup] === READY &&
      !this.#state.isService(setup) &&
      !tasks.has(setup, PROVIDED) &&
      !this.#isOver(setup);
    return this.#open().some(waits);
  }

  /** The execution of a set-up was added. */
  added(task: number): void {
    const { of, node, bootMark } = this.#state.plan.instances.get(task) ?? {};
    if (of === undefined || node === undefined) return;
    const { on } = this.#of(of);
    for (const row of on.keys())
      if (row.name === node && row.bootMark === bootMark && on.get(row) === ORDERED) {
        on.set(row, task);
        row.ordered--;
        this.#state.pin(task, row);
        this.#state.executions.get(of)?.push(task);
      }
  }

  /** An execution has started. */
  started(task: number): void {
    const setup = this.#state.plan.instances.get(task)?.of;
    const node = this.#state.pinOf(task);
    if (setup === undefined || node === undefined) return;
    this.#state.tasks.set(setup, STARTED);
    this.#of(setup).startedOn.add(node);
  }

  /** Executions have ended since the last call. */
  noteEnds(): void {
    const { instancesEnded } = this.#state;
    for (let task = instancesEnded.pop(); task !== undefined; task = instancesEnded.pop()) this.#ended(task);
  }

  /** Nodes of the pool have changed, joined or left: what was set up on those that left is out of reach. */
  nodesChanged(pool: number): void {
    const { setUpOn, plan } = this.#state;
    for (const setup of setUpOn.keys()) if (plan.graph.pool[setup] === pool) this.#upOrDown(setup);
  }

  /** Ends the first set-up that no task needs any more. True if there is a new result. */
  conclude(): boolean {
    if (!this.#state.plan.hasSetups) return false;
    for (const setup of this.#open()) {
      const isOver = this.#isImpossible(setup) || (this.#mayEnd(setup) && this.#isOver(setup));
      if (!isOver) continue;
      this.#end(setup);
      return true;
    }
    return false;
  }

  /** Nothing can start any more: ends the set-up as its executions were. */
  giveUp(setup: number): void {
    this.#end(setup);
  }

  #open(): readonly number[] {
    const { plan, tasks } = this.#state;
    return [...plan.setups].filter((setup) => setup < tasks.count && !tasks.isDone(setup));
  }

  #of(setup: number): Setup {
    const known = this.#known.get(setup) ?? {
      on: new Map<NodeRow, number>(),
      neededBy: -1,
      startedOn: new Set<NodeRow>(),
      lostOn: new Set<NodeRow>(),
      neededOn: new Map<NodeRow, number>(),
      ends: [],
    };
    this.#known.set(setup, known);
    return known;
  }

  // Executions

  #execute(setup: number): void {
    const { tasks, turn } = this.#state;
    const pool = this.#state.poolOf(setup);
    if (tasks.state[setup] !== READY) return;
    if (pool.phase === CLOSED && turn === undefined && !this.#isDoneWith(setup)) this.#dispatcher.open(pool);
    if (pool.phase !== OPEN) return;
    for (const node of pool.nodes?.all ?? []) if (this.isDueOn(setup, node)) this.order(setup, node);
  }

  /** Orders the execution, which must be due. */
  order(setup: number, node: NodeRow): void {
    this.#of(setup).on.set(node, ORDERED);
    this.#of(setup).lostOn.delete(node);
    if (!this.#state.executions.has(setup)) this.#state.executions.set(setup, []);
    node.ordered++;
    const { name, bootMark } = node;
    const pool = this.#state.poolOf(setup).id;
    this.#state.emit({ type: 'execute-on-node', task: setup, pool, node: { name, bootMark } });
  }

  /** An execution was ordered, and is not added yet. */
  isOrdered(setup: number): boolean {
    return [...this.#of(setup).on.values()].includes(ORDERED);
  }

  /** Some execution on a node that is there is ordered, or not over. */
  isUnderWay(setup: number): boolean {
    const { tasks } = this.#state;
    const isOpen = (task: number): boolean => task === ORDERED || !tasks.isDone(task);
    return [...this.#of(setup).on].some(([node, task]) => !node.hasLeft && isOpen(task));
  }

  /** It has to be executed on the node, and was not yet. */
  isDueOn(setup: number, node: NodeRow): boolean {
    const { on, lostOn } = this.#of(setup);
    if ((on.has(node) && !lostOn.has(node)) || this.#state.isForbidden(setup)) return false;
    if (!node.fulfils(this.#state.plan.placement.constraintOf(setup))) return false;
    if (this.#state.isService(setup)) return this.isNeededOn(setup, node);
    const torn = this.#tornDownBy(setup);
    return torn.length === 0 ? !this.#isDoneWith(setup) : torn.some((each) => this.#isLeftOn(each, node));
  }

  /** The set-ups that provide what the task tears down. */
  #tornDownBy(task: number): readonly number[] {
    if (!this.#state.is(task, EXEMPT)) return [];
    return this.#providersTornDownBy(task).filter((provider) => this.#state.isSetup(provider));
  }

  #providersTornDownBy(task: number): readonly number[] {
    const { plan } = this.#state;
    const capabilities = tornDownBy(plan.metaOf(task));
    return capabilities.flatMap((each) => plan.graph.feeds.in.ends(plan.builder.conditionOf(each)));
  }

  /** An execution there has started, and is over; a service may be up. */
  #isLeftOn(setup: number, node: NodeRow): boolean {
    const { on, startedOn } = this.#of(setup);
    if (!startedOn.has(node)) return false;
    const task = on.get(node);
    return task === undefined || this.#isOverOrServes(task);
  }

  #isOverOrServes(task: number): boolean {
    if (task === ORDERED) return false;
    return this.#state.tasks.isDone(task) || this.#state.isService(task);
  }

  #ended(task: number): void {
    const { plan, tasks } = this.#state;
    const setup = plan.instances.get(task)?.of ?? -1;
    const node = this.#state.pinOf(task);
    this.#state.markStale();
    if (node === undefined || tasks.isDone(setup)) return;
    if (tasks.has(task, STARTED)) this.started(task);
    this.#of(setup).neededOn.delete(node);
    const record = tasks.recordsOf(task).at(-1);
    if (record !== undefined) this.#of(setup).ends.push({ node, record, value: tasks.valueOf(task) });
    if (!tasks.has(task, PROVIDED)) {
      if (this.#state.lostBases.has(task)) this.#of(setup).lostOn.add(node);
      else if (this.#mayBeRepeated(task)) this.#of(setup).on.delete(node);
      return;
    }
    this.#passed(setup, node, task);
  }

  #passed(setup: number, node: NodeRow, task: number): void {
    const { setUpOn } = this.#state;
    const passed = setUpOn.get(setup) ?? new Map<NodeRow, number>();
    setUpOn.set(setup, passed.set(node, task));
    this.#upOrDown(setup);
  }

  /** It did not start, or was lost with its node: it is executed again if the node comes back. So is a service that was not needed any more. */
  #mayBeRepeated(task: number): boolean {
    const { tasks, plan } = this.#state;
    const last = tasks.recordsOf(task).at(-1)?.outcome;
    if (this.#state.isService(task)) {
      const isGone = last?.kind === 'lost' && this.#state.pinOf(task)?.hasLeft === true;
      if (last?.kind === 'returned' || isGone || this.#state.skipOf(task)?.why === NOT_NEEDED) return true;
    }
    if (last === undefined) return this.#state.skipOf(task)?.why === NODE_LEFT;
    if (this.#state.isService(task)) return false;
    return last.kind === 'lost' && plan.rulesOf(task).rerunnable;
  }

  // Services

  /** The service of a node is up. */
  cameUp(task: number): void {
    this.#passed(this.#setupOf(task), this.#state.pinOf(task) as NodeRow, task);
  }

  /** The service of a node is not up any more, or what was set up there on one is lost: that is set up again. */
  wentDown(task: number): void {
    const { tasks, setUpOn } = this.#state;
    const setup = this.#setupOf(task);
    const node = this.#state.pinOf(task) as NodeRow;
    setUpOn.get(setup)?.delete(node);
    if (!this.#state.isService(task) && tasks.isDone(task)) this.#of(setup).lostOn.add(node);
    this.#upOrDown(setup);
  }

  /** The tasks on its node that have what the execution provides. */
  takersOf(task: number): readonly number[] {
    const { graph } = this.#state.plan;
    const node = this.#state.pinOf(task);
    const takers = (condition: ConditionId): readonly number[] =>
      graph.waits.out
        .ends(condition)
        .filter(
          (each) => this.#state.nodeOf(each) === node && this.#state.metBy(each, condition).includes(task),
        );
    const fed = graph.feeds.out.ends(this.#setupOf(task));
    return [...new Set(fed.filter((condition) => graph.isRequirement(condition)).flatMap(takers))];
  }

  /** Does a task that is not over need the service on this node? */
  isNeededOn(service: number, node: NodeRow): boolean {
    const { neededOn } = this.#of(service);
    const known = neededOn.get(node);
    if (known !== undefined && this.#needsOn(known, node)) return true;
    for (const task of this.#state.plan.services.upheldBy(service))
      if (this.#needsOn(task, node)) {
        neededOn.set(node, task);
        return true;
      }
    const task = this.#of(service).on.get(node) ?? ORDERED;
    return task !== ORDERED && this.takersOf(task).some((taker) => this.#isBuiltUpon(taker));
  }

  /** It may run there, or tears down what is there. */
  #needsOn(task: number, node: NodeRow): boolean {
    const { tasks, plan } = this.#state;
    if (this.#isRunningOn(task, node)) return true;
    if (tasks.isDone(task) || this.#state.isForbidden(task)) return false;
    if (plan.setups.has(task)) return this.#isLeftToDo(task, node);
    const torn = this.#state.is(task, EXEMPT) ? this.#providersTornDownBy(task) : [];
    if (torn.some((each) => this.#state.nodeOf(each) === node)) return true;
    return this.#state.partitionOf(task).needs.length > 0 && this.mayRunOn(task, node);
  }

  #isRunningOn(task: number, node: NodeRow): boolean {
    const { tasks, executions } = this.#state;
    const isThere = (each: number): boolean => tasks.isOut(each) && this.#state.nodeOf(each) === node;
    return isThere(task) || executions.get(task)?.some(isThere) === true;
  }

  /** What is set up there stays until the set-up is over; else its execution is not over, or will come. Services come where others need them. */
  #isLeftToDo(setup: number, node: NodeRow): boolean {
    const { on, lostOn } = this.#of(setup);
    const task = lostOn.has(node) ? undefined : on.get(node);
    const torn = this.#tornDownBy(setup);
    const isOpen = task !== undefined && (task === ORDERED || !this.#state.tasks.isDone(task));
    if (task !== undefined) return isOpen || (torn.length === 0 && this.#state.hasPassed(setup, node));
    if (torn.length > 0) return torn.some((each) => this.#isLeftOn(each, node));
    return !this.#state.isService(setup) && !this.#isDoneWith(setup) && this.mayRunOn(setup, node);
  }

  /** Others need what the task has provided, on any node. */
  #isBuiltUpon(task: number): boolean {
    const { tasks, plan } = this.#state;
    if (!tasks.isDone(task) || !tasks.has(task, PROVIDED)) return false;
    if (plan.instances.has(task)) return this.takersOf(task).some((taker) => this.#isBuiltUpon(taker));
    const { graph } = plan;
    const fed = graph.feeds.out.ends(task).filter((condition) => graph.isRequirement(condition));
    return fed
      .flatMap((condition) => graph.waits.out.ends(condition))
      .some((taker) => !tasks.isDone(taker) || this.#isBuiltUpon(taker));
  }

  /** The task may run on the node now, or once what it requires there is set up. */
  mayRunOn(task: number, node: NodeRow): boolean {
    const { constraint, needs, pin } = this.#state.partitionOf(task);
    if (!node.fulfils(constraint) || (pin !== undefined && pin !== node)) return false;
    return needs.every((condition) => this.#mayBeMetOn(condition, node));
  }

  /** Skips those tasks that wait for the service and can run on no node. */
  giveUpWaiting(service: number, waits: (task: number) => boolean): void {
    const { plan, tasks } = this.#state;
    for (const task of plan.services.upheldBy(service)) {
      const mayWait = tasks.state[task] === WAITING && waits(task);
      const partition = mayWait ? this.#state.partitionOf(task) : undefined;
      const hopeless = partition?.pool.phase === OPEN ? this.#whyHopeless(partition) : undefined;
      if (hopeless === undefined || !this.#areOver(task)) continue;
      if (this.#state.executions.has(task)) this.#end(task);
      else this.#giveUpFor(task, hopeless);
    }
  }

  /** Services of nodes wait in no queue: gives up those whose node cannot have them any more. */
  #giveUpServices(): void {
    const { plan, tasks } = this.#state;
    for (const service of plan.services.executed) {
      const isWaiting = [WAITING, READY, PARKED].includes(tasks.state[service] as number);
      if (!isWaiting || this.#state.pinOf(service) === undefined) continue;
      const partition = this.#state.partitionOf(service);
      const hopeless = partition.pool.phase === OPEN ? this.#whyHopeless(partition) : undefined;
      if (hopeless !== undefined) this.#giveUpFor(service, hopeless);
    }
  }

  #setupOf(task: number): number {
    return this.#state.plan.instances.get(task)?.of as number;
  }

  /** It is up while some node is there on which it has passed. */
  #upOrDown(setup: number): void {
    const { tasks, conditions, setUpOn, plan } = this.#state;
    if (tasks.isDone(setup) || !plan.graph.overs.has(setup)) return;
    const isUp = [...(setUpOn.get(setup)?.keys() ?? [])].some(({ hasLeft }) => !hasLeft);
    if (isUp === tasks.has(setup, PROVIDED)) return;
    if (isUp) conditions.up(setup);
    else conditions.down(setup);
  }

  // Ends

  /** All tasks are over that require it, if there were any. */
  #isDoneWith(setup: number): boolean {
    const { tasks } = this.#state;
    const known = this.#of(setup);
    if (known.neededBy >= 0 && !tasks.isDone(known.neededBy)) return false;
    const { graph } = this.#state.plan;
    for (const condition of graph.feeds.out.ends(setup)) {
      if (!graph.isRequirement(condition)) continue;
      for (const task of graph.waits.out.ends(condition)) {
        known.neededBy = task;
        if (!tasks.isDone(task)) return false;
      }
    }
    return known.neededBy >= 0 || this.#state.isService(setup);
  }

  /** What it requires will not come any more, and all its executions are over. */
  #isImpossible(setup: number): boolean {
    const { tasks, conditions } = this.#state;
    if (tasks.state[setup] !== WAITING || !this.#state.executions.has(setup)) return false;
    return conditions.unfulfilledOf(setup, true) >= 0 && this.#areOver(setup);
  }

  /** The executions that it has had. */
  #areOver(setup: number): boolean {
    const { tasks } = this.#state;
    return [...this.#of(setup).on.values()].every((task) => task !== ORDERED && tasks.isDone(task));
  }

  /** It waits for nothing that it would need first. Services come when they are needed, so it waits for none of them. */
  #mayEnd(setup: number): boolean {
    const isReady = this.#state.tasks.state[setup] === READY || this.#state.isService(setup);
    return isReady || this.#state.isForbidden(setup);
  }

  /** All its executions are over, and no further ones are due. */
  #isOver(setup: number): boolean {
    const { tasks, plan, conditions } = this.#state;
    const { on } = this.#of(setup);
    const over = plan.graph.overs.get(setup);
    if (over !== undefined && conditions.pending[over] !== 1) return false;
    if (!this.#isExecuted(setup)) return false;
    const torn = this.#tornDownBy(setup);
    if (torn.length > 0) return torn.every((each) => tasks.isDone(each) || this.#isExecutedSomewhere(each));
    return on.size > 0 || this.#isDoneWith(setup) || this.#state.isForbidden(setup);
  }

  /** All its executions are over, on all nodes that are there. */
  #isExecuted(setup: number): boolean {
    if (!this.#areOver(setup)) return false;
    for (const node of this.#state.poolOf(setup).nodes?.all ?? [])
      if (this.isDueOn(setup, node)) return false;
    return true;
  }

  #isExecutedSomewhere(setup: number): boolean {
    if (!this.#mayEnd(setup)) return false;
    const isOver = this.#isDoneWith(setup) || this.#state.isForbidden(setup);
    return this.#isExecuted(setup) && (this.#of(setup).on.size > 0 || isOver);
  }

  /** It has passed on none of the nodes that are there, and there is none left to try. */
  #hasFailed(setup: number): boolean {
    const { tasks, plan } = this.#state;
    if (tasks.state[setup] !== READY || !plan.graph.overs.has(setup) || tasks.has(setup, PROVIDED))
      return false;
    if (this.#tornDownBy(setup).length > 0 || !this.#isExecuted(setup)) return false;
    const { on } = this.#of(setup);
    for (const node of this.#state.poolOf(setup).nodes?.all ?? []) if (on.has(node)) return true;
    return false;
  }

  /** Its result is the best of those of its executions; of equal ones the first. Without any, it was not needed. */
  #end(setup: number): void {
    const { tasks, conditions } = this.#state;
    const { ends } = this.#of(setup);
    const [first] = ends;
    const isHopeless = this.#hasFailed(setup) || tasks.state[setup] === WAITING;
    const skipped = isHopeless ? [...this.#of(setup).on.values()][0] : undefined;
    if (first === undefined && skipped !== undefined) {
      const { why = NOT_NEEDED, subject = -1 } = this.#state.skipOf(skipped) ?? {};
      this.#attempts.skip(setup, why, subject, skipped);
      return;
    }
    if (first === undefined) {
      const why = this.#tornDownBy(setup).length > 0 ? NEVER_STARTED : NOT_NEEDED;
      this.#attempts.skip(setup, why, -1, -1);
      return;
    }
    const best = ends.find(({ record }) => provided(record.outcome)) ?? first;
    if (tasks.has(setup, PROVIDED)) conditions.down(setup);
    tasks.record(setup, { ...best.record, attempt: 1, worker: '' });
    const values = ends
      .filter(({ record }) => provided(record.outcome))
      .map(({ node, value }) => [node.name, value]);
    tasks.setValue(setup, Object.fromEntries(values));
    const { locksOk: _, ...outcome } = best.record.outcome;
    this.#attempts.finish(setup, { ...outcome, locksOk: true });
  }

  // Tasks that need set-ups

  /** Skips the tasks for which no node is left. */
  #giveUpOn(partition: Partition): void {
    const { tasks, parked } = this.#state;
    const { needs, pin, queue } = partition;
    if ((needs.length === 0 && pin === undefined) || partition.pool.phase !== OPEN) return;
    if (parked === 0 && queue.peek() < 0) return;
    const hopeless = this.#whyHopeless(partition);
    if (hopeless === undefined) return;
    for (let task = 0; task < tasks.count; task++) {
      const isWaiting = tasks.state[task] === READY || tasks.state[task] === PARKED;
      if (!isWaiting || this.#state.isService(task) || this.#state.partitionOf(task) !== partition) continue;
      this.#giveUpFor(task, hopeless);
    }
  }

  #giveUpFor(task: number, { why, condition, cause }: Hopeless): void {
    if (this.#state.tasks.hasStarted(task)) this.#attempts.giveUp(task);
    else this.#attempts.skip(task, why, condition, cause);
  }

  #whyHopeless({ pool, constraint, needs, pin }: Partition): Hopeless | undefined {
    if (pin?.hasLeft) return { why: NODE_LEFT, condition: -1, cause: -1 };
    let found: Hopeless | undefined;
    for (const node of pool.nodes?.all ?? []) {
      if (!node.fulfils(constraint) || (pin !== undefined && node !== pin)) continue;
      const condition = needs.find((each) => !this.#mayBeMetOn(each, node));
      if (condition === undefined) return undefined;
      found ??= { why: REQUIREMENT, condition, cause: this.#failedOn(condition, node) };
    }
    return found;
  }

  /** The requirement is met on the node, or executions there may still meet it. */
  #mayBeMetOn(condition: ConditionId, node: NodeRow): boolean {
    const { tasks, plan } = this.#state;
    const isPossible = (feeder: number): boolean => {
      if (!plan.setups.has(feeder)) return !tasks.isDone(feeder) || tasks.has(feeder, PROVIDED);
      if (this.#state.hasPassed(feeder, node)) return true;
      const { on, lostOn } = this.#of(feeder);
      const task = lostOn.has(node) ? undefined : on.get(node);
      if (task === undefined)
        return !tasks.isDone(feeder) && node.fulfils(plan.placement.constraintOf(feeder));
      return task === ORDERED || !tasks.isDone(task);
    };
    return this.#state.isMetBy(condition, isPossible);
  }

  /** The execution on the node that did not meet the requirement; the set-up itself if it has none there. */
  #failedOn(condition: ConditionId, node: NodeRow): number {
    const { plan } = this.#state;
    const setup = plan.graph.feeds.in
      .ends(condition)
      .find((feeder) => plan.setups.has(feeder) && !this.#state.hasPassed(feeder, node));
    return setup === undefined ? -1 : (this.#of(setup).on.get(node) ?? -1);
  }
}

interface Hopeless {
  readonly why: number;
  readonly condition: ConditionId;
  readonly cause: number;
}

function provided({ kind, depsOk = kind === 'returned' }: Outcome): boolean {
  return depsOk;
}
