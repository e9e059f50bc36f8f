/**
 * Who gets what there is once on each node. Tasks that need the same of their node are a partition, which has a place where that is free; so such a task
 * is bound to no node while it waits. One that is bypassed too often, or by too many latecomers, is bound to a node, and starved in the lock table, where all that it needs
 * is reserved for it. Counts these; starts nothing.
 */
import { holdersAgainst, NONE } from '@pexen/lock';
import { NOTHING } from '../plan/node-resources.ts';
import type { AttemptLifecycle } from './attempts.ts';
import type { NodeRow } from './nodes.ts';
import { OPEN, type Partition } from './pools.ts';
import { HELD, POISON, type State } from './state.ts';
import { PARKED, READY, RETAINS_LOCKS } from './task-table.ts';

/** How often others went before a waiting task. */
interface Passed {
  bypasses: number;
  latecomers: number;
}

export class NodeLocks {
  readonly #state: State;
  readonly #attempts: AttemptLifecycle;
  /** Makes the task known to the lock table. */
  readonly #enrol: (task: number) => void;
  readonly #passed = new Map<number, Passed>();
  /** Tasks that wait in the lock table for something else, by partition; some may not any more. */
  readonly #parked = new Map<Partition, Set<number>>();

  constructor(state: State, attempts: AttemptLifecycle, enrol: (task: number) => void) {
    this.#state = state;
    this.#attempts = attempts;
    this.#enrol = enrol;
  }

  get #areAny(): boolean {
    return this.#state.plan.nodeResources.areAny;
  }

  /** True if it has to be decided on which node the task takes what it needs. */
  isToBeBound(task: number): boolean {
    return this.#areAny && this.#state.partitionOf(task).local !== NOTHING;
  }

  /** The task waits for what it needs besides. */
  parked(task: number): void {
    if (!this.isToBeBound(task)) return;
    const partition = this.#state.partitionOf(task);
    this.#parked.set(partition, (this.#parked.get(partition) ?? new Set()).add(task));
  }

  /** The task is about to start: counts it for those that it keeps from what they need of a node. */
  started(task: number): void {
    if (!this.#areAny || this.#state.waitingForNodes.size === 0) return;
    const request = this.#state.requestOf(task);
    if (request === NONE) return;
    for (const partition of this.#state.waitingForNodes.keys()) {
      const node = this.#nodeTakenBy(task, request, partition);
      if (node === undefined || partition.hasPlace) continue;
      const longest = this.#longestIn(partition);
      for (const waiting of this.#countedIn(partition, longest))
        if (waiting !== task && this.#isTooMuch(waiting, task, waiting === longest))
          this.#starve(waiting, node);
    }
  }

  /** Nodes have changed, joined or left: tasks that need them no more may run elsewhere. */
  nodesChanged(pool: number): void {
    if (!this.#areAny) return;
    for (const [task, node] of [...this.#state.bound]) {
      const isHolding = this.#state.locks.isHolding(task);
      const isGone = node.hasLeft || (node.slots === 0 && !isHolding);
      if (isGone && this.#state.poolOf(task).id === pool && !this.#state.tasks.isOut(task)) this.#free(task);
    }
    for (const partition of this.#state.partitions)
      if (partition.pin?.hasLeft) this.#state.requeue(partition);
  }

  /** Tasks that are bound to a node and could start on another one are bound to that; and so is the first of the starved, if it is bound to none. */
  rebind(): void {
    if (!this.#areAny) return;
    const { tasks, locks } = this.#state;
    const head = locks.starvedHead;
    if (head !== NONE && tasks.state[head] === PARKED && this.isToBeBound(head)) this.#bindHead(head);
    for (const [task, node] of [...this.#state.bound]) {
      if (tasks.state[task] !== PARKED || tasks.has(task, RETAINS_LOCKS)) continue;
      const open = this.#state.unboundPartitionOf(task);
      if (!this.#isUsable(open, node)) this.#free(task);
      else if (!this.#state.partitionOf(task).hasPlace || !locks.isFree(locks.requestOf(task), task))
        this.#bindElsewhere(task, node, open);
    }
  }

  /** Skips tasks that no node can run any more, since what they need is in an unknown state on each. */
  giveUp(): void {
    if (!this.#areAny || !this.#state.hasPoisoned) return;
    const { plan, locks } = this.#state;
    for (const [partition, waiting] of this.#state.waitingForNodes) {
      const nodes = this.#nodesOf(partition);
      if (partition.pool.phase !== OPEN || nodes.length === 0) continue;
      if (nodes.some((node) => this.#isUsable(partition, node))) continue;
      const [first] = nodes as [NodeRow];
      const request = plan.nodeResources.requestFor(
        partition.local,
        this.#state.placeOf(partition.pool, first),
      );
      const resource = locks.poisonedNode(request);
      for (const task of [...waiting.keys()])
        if (this.#isWaiting(task, partition)) this.#skip(task, POISON, resource, locks.poisonerOf(resource));
    }
  }

  /** Skips the first task for which bodies that were abandoned hold what it needs, on each node. False if there is none. */
  giveUpBehindAbandoned(): boolean {
    if (!this.#areAny) return false;
    for (const [partition, waiting] of this.#state.waitingForNodes) {
      const [blocker] = this.#abandonedIn(partition);
      const task = [...waiting.keys()].find((each) => this.#isWaiting(each, partition));
      if (blocker === undefined || task === undefined) continue;
      this.#skip(task, HELD, blocker.resource, blocker.holder);
      return true;
    }
    return false;
  }

  /** Will something that a task of the partition waits for be free? Not if bodies that were abandoned hold it on each node. */
  mayGoOn(partition: Partition): boolean {
    return partition.local === NOTHING || this.#abandonedIn(partition).length === 0;
  }

  #abandonedIn(partition: Partition): readonly { readonly holder: number; readonly resource: number }[] {
    const { abandoned, plan, locks } = this.#state;
    if (abandoned.size === 0) return [];
    const found = this.#nodesOf(partition).map((node) => {
      const request = plan.nodeResources.requestFor(
        partition.local,
        this.#state.placeOf(partition.pool, node),
      );
      const holder = holdersAgainst(locks, request).find((each) => abandoned.has(each));
      return holder === undefined ? undefined : { holder, resource: locks.nodeAgainst(request) };
    });
    return found.includes(undefined) ? [] : found.flatMap((each) => each ?? []);
  }

  #nodesOf({ pool, admits }: Partition): readonly NodeRow[] {
    return [...(pool.nodes?.all ?? [])].filter(admits);
  }

  /** What the tasks of the partition need there is in a known state, or they may take it nevertheless. */
  #isUsable(partition: Partition, node: NodeRow): boolean {
    const { plan, locks } = this.#state;
    if (partition.mayTakePoisoned || !this.#state.hasPoisoned) return true;
    const place = this.#state.placeOf(partition.pool, node);
    return locks.poisonedNode(plan.nodeResources.requestFor(partition.local, place)) === NONE;
  }

  /** The node on which the task takes what those of the partition need, and where they would have had a slot. */
  #nodeTakenBy(task: number, request: number, partition: Partition): NodeRow | undefined {
    const { plan, locks } = this.#state;
    const { pool, local } = partition;
    const isIn = this.#state.poolOf(task) === pool;
    const own = this.#state.nodeOf(task);
    return this.#nodesOf(partition).find((node) => {
      if (isIn ? node !== own : !node.hasSlot) return false;
      const needed = plan.nodeResources.requestFor(local, this.#state.placeOf(pool, node));
      return locks.areInConflict(request, needed);
    });
  }

  /** Of the tasks in the queue the best is counted, and the one that waits longest; of those that are parked all. */
  #countedIn(partition: Partition, longest: number): readonly number[] {
    const { tasks } = this.#state;
    const counted = new Set<number>();
    const parked = this.#parked.get(partition) ?? new Set<number>();
    for (const task of parked)
      if (tasks.state[task] === PARKED && this.#isWaiting(task, partition)) counted.add(task);
      else parked.delete(task);
    const top = partition.queue.peek();
    if (top >= 0 && tasks.state[top] === READY) counted.add(top);
    if (longest !== NONE) counted.add(longest);
    return [...counted];
  }

  #longestIn(partition: Partition): number {
    const waiting = this.#state.waitingForNodes.get(partition) ?? new Map<number, number>();
    for (const task of waiting.keys())
      if (this.#isWaiting(task, partition)) return task;
      else if (this.#state.tasks.isDone(task)) waiting.delete(task);
    return NONE;
  }

  #isWaiting(task: number, partition: Partition): boolean {
    const state = this.#state.tasks.state[task];
    return (state === READY || state === PARKED) && this.#state.partitionOf(task) === partition;
  }

  /** Counts the start of a task for one that waits. True if the limit is reached. */
  #isTooMuch(waiting: number, by: number, isLongest: boolean): boolean {
    const { plan, tasks } = this.#state;
    const { bypasses = 64, latecomers = 512 } = plan.options;
    const passed = this.#passed.get(waiting) ?? { bypasses: 0, latecomers: 0 };
    this.#passed.set(waiting, passed);
    if (this.#state.unboundPartitionOf(waiting).queue.isBefore(waiting, by)) passed.bypasses++;
    else if (isLongest && ((this.#hasWaitedSince(waiting) - (tasks.added[by] as number)) | 0) < 0)
      passed.latecomers++;
    return passed.bypasses >= bypasses || passed.latecomers >= latecomers;
  }

  #hasWaitedSince(task: number): number {
    return this.#state.waitingForNodes.get(this.#state.unboundPartitionOf(task))?.get(task) ?? 0;
  }

  /** Reserves all that the task needs, on this node, once it is its turn. */
  #starve(task: number, node: NodeRow): void {
    const { locks, acrossRuns, tasks } = this.#state;
    if (acrossRuns.waitOf(task) !== undefined || acrossRuns.isGranted(task)) return;
    if (tasks.has(task, RETAINS_LOCKS)) return;
    this.#enrol(task);
    this.#state.bind(task, node);
    locks.park(task);
    locks.starve(task);
    if (tasks.state[task] !== PARKED) this.#state.move(task, PARKED);
    this.#state.markStale();
  }

  #bindHead(task: number): void {
    if (this.#state.tasks.has(task, RETAINS_LOCKS)) return;
    const open = this.#state.partitionOf(task);
    const usable = this.#nodesOf(open).filter((node) => node.slots > 0 && this.#isUsable(open, node));
    const node = usable.find((each) => each.hasSlot) ?? usable[0];
    if (node !== undefined) this.#state.bind(task, node);
  }

  #bindElsewhere(task: number, node: NodeRow, open: Partition): void {
    const { plan, locks } = this.#state;
    for (const other of this.#nodesOf(open)) {
      if (other === node || !open.pool.hasPlaceOn((each) => each === other && each.hasSlot)) continue;
      const place = this.#state.placeOf(open.pool, other);
      const request = plan.nodeResources.compileAt(task, plan.metaOf(task), place);
      if (!this.#isUsable(open, other) || !locks.isFree(request, task)) continue;
      this.#state.bind(task, other);
      return;
    }
  }

  /** The task is bound to no node any more. */
  #free(task: number): void {
    const { tasks } = this.#state;
    this.#state.withdraw(task);
    this.#state.unbind(task);
    if (tasks.state[task] === PARKED) this.#state.makeReady(task);
  }

  #skip(task: number, why: number, resource: number, cause: number): void {
    if (this.#state.tasks.hasStarted(task)) this.#attempts.giveUp(task);
    else this.#attempts.skip(task, why, resource, cause);
  }
}
