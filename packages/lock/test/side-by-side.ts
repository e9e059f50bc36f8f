/** Puts a table and an oracle through the same steps; throws where they differ. */
import { amount } from '@pexen/core';
import { BYPASSED, LATECOMERS, STARVED } from '../src/holders.ts';
import { describeWait, LockTable, NONE, type RequestId, TAKEN } from '../src/index.ts';
import { EVERYONE, kindOfCounter, nodeOfCounter } from '../src/resource-tree.ts';
import { validate } from '../src/validate.ts';
import { holdsOf, isWithin, Oracle, type Request, type Task } from './oracle.ts';

export const PATHS = ['/', '/a', '/b', '/a/x', '/a/y', '/a/x/1', '/a/x/2', '/b/x', '/c', '/m', '/m/n'];

export const POOLS = 3;
const CAPACITIES: ReadonlyMap<string, number> = new Map([
  ['/m', 3],
  ['/a/x', 2],
]);

/** What can be done to a holder. Frequent actions are listed more than once. */
export const ACTIONS = [
  ...['start', 'start', 'start', 'release', 'release', 'try', 'park', 'park', 'withdraw', 'starve'],
  ...['release-amounts', 'take-amounts', 'set-rank', 'poison', 'clear-poison', 'open', 'open', 'close'],
] as const;
export type Action = (typeof ACTIONS)[number];

/** The expected counts of a waiting task after the start of another. */
interface Counted {
  readonly task: Task;
  readonly bypasses: number;
  readonly latecomers: number;
  /** Does one of the two grow by that start? */
  readonly isCounted: boolean;
}

export class SideBySide {
  readonly table: LockTable;
  readonly oracle: Oracle = new Oracle(CAPACITIES);
  readonly #requests: RequestId[] = [];
  readonly #names = new Map<number, string>();
  readonly #bypasses: number;
  readonly #latecomers: number;
  #pools = 1;

  constructor(bypasses: number, latecomers: number) {
    this.#bypasses = bypasses;
    this.#latecomers = latecomers;
    this.table = new LockTable({ capacities: CAPACITIES, bypasses, latecomers });
    for (const name of PATHS) this.#names.set(this.table.nodeOf(name), name);
  }

  /** Adds a holder that tries, and parks if that fails and `parks` is set. */
  add(request: Request, priority: number, rank: number, pool: number, parks: boolean): void {
    const { uses, claims, amounts, exclusive } = request;
    this.#needPool(pool);
    const task = this.oracle.add(request, priority, rank, pool);
    const counted = amounts.map(([name, count]) => amount(name, count));
    const compiled = this.table.compile({ uses: [...uses, ...counted], claims, exclusive });
    this.#requests.push(compiled);
    this.table.enrol(task.id, compiled, priority, rank, pool);
    if (!this.#tryTake(task) && parks) this.#park(task);
  }

  act(action: Action, pick: number, rank: number): void {
    const holds = this.#pick(pick, (task) => task.holds);
    const wants = this.#pick(pick, (task) => !task.holds);
    const needs = this.#pick(pick, (task) => task.holds && !task.hasUnits);
    if (action === 'start') this.#start();
    else if (action === 'open' || action === 'close') this.#setPool(pick % POOLS, action === 'open');
    else if (action === 'take-amounts') {
      if (needs !== undefined && !this.#tryTake(needs)) this.#park(needs);
    } else if (
      action === 'release' ||
      action === 'release-amounts' ||
      action === 'poison' ||
      action === 'clear-poison'
    ) {
      if (holds !== undefined) this.#release(action, holds);
    } else if (wants !== undefined) this.#change(action, wants, rank);
  }

  /** Compares all answers of the table with those of the oracle. */
  check(): void {
    const { table, oracle } = this;
    validate(table);
    const nextRunnable = table.nextRunnable();
    same('next runnable', nextRunnable, oracle.nextRunnable(this.head)?.id ?? NONE);
    validate(table);
    for (const task of oracle.tasks) {
      same(`holding ${task.id}`, table.isHolding(task.id), task.holds);
      same(`parked ${task.id}`, table.isParked(task.id), task.parked);
      same(`contended ${task.id}`, table.isContended(task.id), oracle.isContended(task));
      const request = this.#requests[task.id] as RequestId;
      same(`poisoned ${task.id}`, table.poisonedNode(request) !== NONE, oracle.isPoisoned(task.request));
      if (task.parked) this.#checkWait(task);
    }
  }

  get head(): Task | undefined {
    return this.oracle.tasks[this.table.starvedHead];
  }

  #checkWait(task: Task): void {
    const wait = describeWait(this.table, task.id);
    same(`blockers of ${task.id}`, `${wait?.blockers}`, `${this.oracle.blockersOf(task)}`);
    const { head } = this;
    const isReserved = !this.oracle.canTake(task, head) && this.oracle.canTake(task, undefined);
    same(`reserved for ${task.id}`, wait?.reservedFor, isReserved ? head?.id : undefined);
  }

  #release(action: Action, task: Task): void {
    if (action === 'clear-poison') {
      this.table.clearPoison(this.#requests[task.id] as RequestId);
      this.oracle.clearPoison(task.request);
    } else if (action === 'release-amounts') {
      this.table.releaseAmounts(task.id);
      task.hasUnits = false;
    } else {
      if (action === 'poison') this.oracle.poison(task.request);
      if (action === 'poison') this.table.releasePoisoned(task.id);
      else this.table.release(task.id);
      Object.assign(task, { holds: false, hasUnits: false, parked: false });
    }
  }

  #change(action: Action, task: Task, rank: number): void {
    if (action === 'try') this.#tryTake(task);
    else if (action === 'park') this.#park(task);
    else if (action === 'starve') this.table.starve(task.id);
    else if (action === 'set-rank') {
      task.rank = rank;
      this.table.setRank(task.id, task.priority, rank);
    } else if (action === 'withdraw') {
      this.table.withdraw(task.id);
      task.parked = false;
    }
  }

  /** Pools are added while holders wait. */
  #needPool(pool: number): void {
    while (this.#pools <= pool) same('new pool', this.table.addPool(), this.#pools++);
  }

  #setPool(pool: number, isOpen: boolean): void {
    this.#needPool(pool);
    this.table.setPool(pool, isOpen);
    if (isOpen) this.oracle.closed.delete(pool);
    else this.oracle.closed.add(pool);
  }

  #start(): void {
    const id = this.table.nextRunnable();
    if (id !== NONE) same(`start of ${id}`, this.#tryTake(this.oracle.tasks[id] as Task), true);
  }

  #tryTake(task: Task): boolean {
    const expected = this.oracle.canTake(task, this.head);
    same(`canTake ${task.id}`, this.table.canTake(task.id), expected);
    const counts = task.holds ? [] : this.#countsAfter(task);
    const taken = this.table.tryTake(task.id) === TAKEN;
    same(`tryTake ${task.id}`, taken, expected);
    if (!taken) return false;
    Object.assign(task, { holds: true, hasUnits: true, parked: false });
    for (const counted of counts) this.#checkCount(counted);
    return true;
  }

  #checkCount({ task: { id }, task, bypasses, latecomers, isCounted }: Counted): void {
    const { holders } = this.table.parts;
    same(`bypasses of ${id}`, holders.get(id, BYPASSED), bypasses);
    same(`latecomers of ${id}`, holders.get(id, LATECOMERS), latecomers);
    const isTooMuch = bypasses >= this.#bypasses || latecomers >= this.#latecomers;
    same(`starvation of ${id}`, this.#isStarved(task), isCounted && isTooMuch);
  }

  /** The expected counts of all tasks that are parked in open pools and not starved, if the task starts. */
  #countsAfter(task: Task): Counted[] {
    const { holders, fairness } = this.table.parts;
    const counted = this.oracle.tasks.filter(
      (other) =>
        other !== task &&
        other.parked &&
        !this.oracle.closed.has(other.pool) &&
        !other.holds &&
        !this.#isStarved(other),
    );
    const counterOf = ({ id }: Task): number => fairness.parked.counterOf(id);
    const waitsLongest = (one: Task): boolean =>
      counted.every((other) => counterOf(other) !== counterOf(one) || other.waitingSince >= one.waitingSince);
    return counted.map((other) => {
      const isTaken = this.#takesAt(task.request, counterOf(other));
      const isBetter = this.oracle.isBefore(task, other);
      const isBypassed = isTaken && !isBetter;
      const isLatecomer = isTaken && isBetter && task.added > other.waitingSince && waitsLongest(other);
      return {
        task: other,
        bypasses: holders.get(other.id, BYPASSED) + Number(isBypassed),
        latecomers: holders.get(other.id, LATECOMERS) + Number(isLatecomer),
        isCounted: isBypassed || isLatecomer,
      };
    });
  }

  #isStarved(task: Task): boolean {
    return this.table.parts.holders.is(task.id, STARVED);
  }

  /** Would the request raise the counter? */
  #takesAt(request: Request, counter: number): boolean {
    const { tree } = this.table.parts;
    if (nodeOfCounter(counter) === EVERYONE)
      return [true, request.exclusive][kindOfCounter(counter)] ?? false;
    const name = this.#names.get(tree.nodeAt(counter)) as string;
    const claimed = request.claims;
    const isUnder = (path: string): boolean => isWithin(path, name);
    const units = this.oracle.unitsOf(request).map(([unit]) => unit);
    if (tree.unitsAt(counter) !== undefined) return claimed.includes(name) || units.includes(name);
    return [
      holdsOf(request).includes(name),
      claimed.includes(name),
      holdsOf(request).some(isUnder),
      claimed.some(isUnder),
    ][kindOfCounter(counter)] as boolean;
  }

  #park(task: Task): void {
    this.table.park(task.id);
    this.oracle.park(task);
  }

  #pick(pick: number, test: (task: Task) => boolean): Task | undefined {
    const some = this.oracle.tasks.filter(test);
    return some[pick % some.length];
  }
}

function same<T>(what: string, actual: T, expected: T): void {
  if (actual !== expected) throw new Error(`${what}: the table says ${actual}, the oracle ${expected}`);
}
