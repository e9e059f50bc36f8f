/** All that the machine knows, in one place for its parts. Decides nothing. */
import type { LockTable } from '@pexen/lock';
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { EXEMPT } from '../plan/stated.ts';
import { Alarms } from './alarms.ts';
import { Gates } from './gates.ts';
import { FAILED, PoolRow } from './pool-table.ts';
import type { Command, Input, MachineNews } from './protocol.ts';
import type { Skip } from './skips.ts';
import { Story } from './story.ts';
import { ENROLLED, PARKED, READY, TaskTable } from './task-table.ts';

/** How far the run was asked to stop. */
export const GOING = 0;
export const DRAINING = 1;
export const CANCELLING = 2;
export const KILLING = 3;

export class State {
  readonly plan: CompiledTasks;
  readonly locks: LockTable;
  readonly tasks: TaskTable = new TaskTable();
  readonly gates: Gates;
  readonly pools: readonly PoolRow[];
  readonly alarms: Alarms = new Alarms();
  /** Why tasks were skipped. */
  readonly skips: Map<number, Skip> = new Map();
  readonly story: Story = new Story();
  /** The exclusive group whose turn it is. */
  turn: PoolRow | undefined;
  nowMs = 0;
  hasBegun = false;
  hasEnded = false;
  /** Some resource was left in an unknown state. */
  hasPoisoned = false;
  /** Where commands go while `handle` runs. */
  out: Command[] = [];
  tells: boolean;
  /** So much news there was, told or not. */
  #newsCount = 0;
  stopping = GOING;
  /** Why the run ends early. */
  reason: string | undefined;
  /** Tasks without a result. */
  remaining = 0;
  /** Attempts handed out. */
  dispatched = 0;
  /** Tasks between two attempts: they keep what they hold, and count as running for groups. */
  retrying = 0;
  /** Tasks that wait for a resource. */
  parked = 0;
  /** Tasks that have a result which nobody took yet, in the order in which they got it. */
  results: number[] = [];
  /** So many of them are given. */
  given = 0;
  /** So many are given or promised to a pull. */
  promised = 0;
  /** Something changed that may let a task start. */
  isStale = true;
  /** Tasks that are over although a body of theirs may still run: they keep what they hold. */
  readonly abandoned: Set<number> = new Set();
  /** Errors that surfaced after their bodies had ended. */
  readonly lateErrors: Extract<Input, { readonly type: 'late-error' }>[] = [];
  /** Reasons of stopped attempts. */
  readonly stopReasons: Map<number, string> = new Map();

  constructor(plan: CompiledTasks, tells: boolean) {
    this.plan = plan;
    this.locks = plan.locks;
    this.tells = tells;
    this.gates = new Gates(plan.graph, this.tasks);
    this.pools = plan.options.pools.map((pool, id) => new PoolRow(id, pool, plan));
  }

  /** Makes room for so many tasks. */
  grow(count: number): void {
    this.remaining += count - this.tasks.count;
    this.tasks.grow(count);
  }

  poolOf(task: number): PoolRow {
    return this.pools[this.plan.graph.pool[task] as number] as PoolRow;
  }

  /** Does its metadata have entries of this kind? */
  is(task: number, kind: number): boolean {
    return this.plan.states(task, kind);
  }

  isTeardown(task: number): boolean {
    return this.is(task, EXEMPT) && this.plan.metaOf(task).tearsDown !== undefined;
  }

  /** The run is stopping, and the task must not start any more. */
  isForbidden(task: number): boolean {
    if (this.stopping === GOING) return false;
    return this.stopping === KILLING || !this.isTeardown(task) || this.poolOf(task).state === FAILED;
  }

  /** Between its first start and its end. */
  isUnderWay(task: number): boolean {
    return !this.tasks.isDone(task) && this.tasks.attempt[task] !== 0;
  }

  move(task: number, to: number): void {
    if (this.tasks.state[task] === PARKED) this.parked--;
    if (to === PARKED) this.parked++;
    this.tasks.move(task, to);
    this.story.note(task, to, this.nowMs);
  }

  /** It may start as soon as its pool has a place for it. */
  makeReady(task: number): void {
    this.move(task, READY);
    this.poolOf(task).queue.push(task);
    this.isStale = true;
  }

  /** It waits for resources no more. */
  withdraw(task: number): void {
    if (this.tasks.has(task, ENROLLED) && !this.tasks.isOut(task)) this.locks.withdraw(task);
  }

  /** Numbers the news that comes next. Does anybody listen, so that it is to be made and told? */
  announces(): boolean {
    this.#newsCount++;
    return this.tells;
  }

  /** Tells what was announced last. */
  tell(news: MachineNews): void {
    this.out.push({ type: 'tell', seq: this.#newsCount, news });
  }
}
