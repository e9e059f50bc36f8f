/** The rules of locks, written as the documentation states them: no tree, no counters, no heaps; every task is compared with every other. */

export interface Request {
  readonly uses: readonly string[];
  readonly claims: readonly string[];
  readonly amounts: readonly (readonly [string, number])[];
  readonly exclusive: boolean;
}

export interface Task {
  readonly id: number;
  readonly request: Request;
  readonly pool: number;
  priority: number;
  rank: number;
  holds: boolean;
  hasUnits: boolean;
  parked: boolean;
  /** When it was added, and when it was first parked, counted in steps; Infinity before that. */
  readonly added: number;
  waitingSince: number;
}

export type Capacities = ReadonlyMap<string, number>;

export class Oracle {
  readonly tasks: Task[] = [];
  readonly capacities: Capacities;
  /** Pools whose tasks are never runnable. */
  readonly closed = new Set<number>();
  #step = 0;
  /** Poison, as the requests of the failed holders. */
  marks: Request[] = [];

  constructor(capacities: Capacities) {
    this.capacities = capacities;
  }

  add(request: Request, priority: number, rank: number, pool: number): Task {
    const id = this.tasks.length;
    const added = ++this.#step;
    const fresh = { holds: false, hasUnits: false, parked: false, waitingSince: Number.POSITIVE_INFINITY };
    const task = { id, request, pool, priority, rank, added, ...fresh };
    this.tasks.push(task);
    return task;
  }

  park(task: Task): void {
    task.parked = true;
    task.waitingSince = Math.min(task.waitingSince, ++this.#step);
  }

  isBefore(a: Task, b: Task): boolean {
    if (a.priority !== b.priority) return a.priority < b.priority;
    return a.rank === b.rank ? a.id < b.id : a.rank > b.rank;
  }

  /** May the task take its request, with what is reserved for the head? */
  canTake(task: Task, head: Task | undefined): boolean {
    if (task.holds) return this.unitsFit(task, []);
    const others = this.tasks.filter((other) => other.holds && other !== task);
    const reserved = head === undefined || head === task || head.holds ? [] : [head];
    return (
      [...others, ...reserved].every((other) => !conflict(task.request, other.request)) &&
      this.unitsFit(task, reserved)
    );
  }

  /** The parked task that is to start next. */
  nextRunnable(head: Task | undefined): Task | undefined {
    const parked = this.tasks.filter(
      (task) => task.parked && !this.closed.has(task.pool) && this.canTake(task, head),
    );
    const returning = parked.filter((task) => task.holds);
    if (returning.length > 0) return this.best(returning);
    return head !== undefined && parked.includes(head) ? head : this.best(parked);
  }

  best(tasks: readonly Task[]): Task | undefined {
    return [...tasks].sort((a, b) => (this.isBefore(a, b) ? -1 : 1))[0];
  }

  unitsFit(task: Task, reserved: readonly Task[]): boolean {
    return this.unitsOf(task.request).every(([name, count]) => {
      const takers = [...this.tasks.filter((other) => other.hasUnits && other !== task), ...reserved];
      const taken = takers
        .flatMap((other) => this.unitsOf(other.request))
        .filter(([other]) => other === name)
        .reduce((sum, [, units]) => sum + units, 0);
      return taken + count <= (this.capacities.get(name) as number);
    });
  }

  /** Does any other parked task want what this task takes? */
  isContended(task: Task): boolean {
    const units = (one: Task): string[] => this.unitsOf(one.request).map(([name]) => name);
    return this.tasks.some(
      (other) =>
        other !== task &&
        other.parked &&
        ((!other.holds && conflict(task.request, other.request)) ||
          units(other).some((name) => units(task).includes(name))),
    );
  }

  /** The tasks whose holds keep this task from starting. */
  blockersOf(task: Task): number[] {
    const isShort = (other: Task): boolean =>
      other.hasUnits &&
      this.unitsOf(task.request).some(
        ([name, count]) =>
          this.unitsOf(other.request).some(([unit]) => unit === name) && !this.#fits(name, count, task),
      );
    const blocks = (other: Task): boolean =>
      (!task.holds && other.holds && conflict(task.request, other.request)) || isShort(other);
    return this.tasks.filter((other) => other !== task && blocks(other)).map(({ id }) => id);
  }

  poison({ uses, claims, amounts }: Request): void {
    const counted = amounts.map(([name]) => name);
    const used = uses.filter((name) => !counted.includes(name));
    this.marks.push({ uses: used, claims, amounts: [], exclusive: false });
  }

  isPoisoned(request: Request): boolean {
    return !request.exclusive && this.marks.some((mark) => conflict(request, mark));
  }

  clearPoison({ claims }: Request): void {
    const stays = (path: string): boolean => !claims.some((claim) => isWithin(path, claim));
    this.marks = this.marks.map(({ uses, claims, amounts }) => ({
      ...{ amounts, exclusive: false },
      ...{ uses: uses.filter(stays), claims: claims.filter(stays) },
    }));
  }

  #fits(name: string, count: number, task: Task): boolean {
    const taken = this.tasks
      .filter((other) => other.hasUnits && other !== task)
      .flatMap((other) => this.unitsOf(other.request))
      .filter(([other]) => other === name)
      .reduce((sum, [, units]) => sum + units, 0);
    return taken + count <= (this.capacities.get(name) as number);
  }

  unitsOf({ uses, claims, amounts }: Request): (readonly [string, number])[] {
    const counted = uses.filter(
      (name) => this.capacities.has(name) && !amounts.some(([other]) => other === name),
    );
    const all = [...amounts, ...counted.map((name) => [name, 1] as const)];
    return all.filter(([name]) => !claims.includes(name));
  }
}

/** Do two requests exclude each other, units aside? */
function conflict(a: Request, b: Request): boolean {
  if (a.exclusive || b.exclusive) return true;
  const meets = (claims: readonly string[], other: Request): boolean =>
    claims.some((claim) => holdsOf(other).some((hold) => isWithin(claim, hold) || isWithin(hold, claim)));
  return meets(a.claims, b) || meets(b.claims, a);
}

export function holdsOf({ uses, claims, amounts }: Request): string[] {
  return [...uses, ...claims, ...amounts.map(([name]) => name)];
}

export function isWithin(path: string, above: string): boolean {
  return path === above || above === '/' || path.startsWith(`${above}/`);
}
