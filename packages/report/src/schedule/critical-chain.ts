/**
 * What decided how long a run took: followed back from its end, the tasks that waited for each other, and what each of them waited for last; and what
 * no number of workers could shorten. From the descriptions of the tasks and the times of their attempts, so that it is known for a run of any time.
 */
import { Contention, EVERYTHING, entriesOf, holdsOf } from './contention.ts';
import { Readiness } from './readiness.ts';
import { type Execution, executionsOf, slotOf, type TaskTimes } from './task-times.ts';

/**
 * What a task of the chain waited for last. `dependency`: the end of the task before it in the chain, or its readiness if that is a service.
 * `resource`: that task held what it needed. `worker`: that task had its worker. `retry`: its own earlier attempt, and the delay after it. `start`: nothing
 * of these; it is the first of the chain, or its worker had to start, its group to open, or the consumer to pull.
 */
export type ChainCause = 'dependency' | 'resource' | 'worker' | 'retry' | 'start';

/** A task of the chain. Milliseconds from the start of the run. */
export interface ChainLink {
  readonly path: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly cause: ChainCause;
  /** For `resource`. */
  readonly resource?: string;
  /** How long nothing of the chain ran before it: starting it took that long, or what kept it is not known. */
  readonly idleMs: number;
  readonly fromMs: number;
  /** When it let the next one start: its end, or the time at which a service was ready. */
  readonly toMs: number;
}

/** What no better order could shorten. */
export interface ChainBounds {
  /** The longest way along the dependencies, ms. */
  readonly dependenciesMs: number;
  /** The resource that was claimed longest, and how long. Absent where nothing was claimed. */
  readonly resource?: { readonly name: string; readonly ms: number };
  /** How many tasks ran at once at most, and how long that many need for all of them. */
  readonly workers: { readonly count: number; readonly ms: number };
}

/** The critical chain. The links with what is idle before them, and `endMs`, add up to `wallMs`. */
export interface CriticalChain {
  /** The earliest first. Empty if nothing started. */
  readonly links: readonly ChainLink[];
  /** From the end of the last task to the end of the run. */
  readonly endMs: number;
  readonly wallMs: number;
  readonly bounds: ChainBounds;
}

/** Of a start and an end that belong to each other, the clock may have read the later one first, ms. */
const JITTER = 0.5;

/** The critical chain of these tasks, `endMs` being the end of their run. Costs n log n for n attempts, and the waits that it follows. */
export function criticalChain(tasks: Iterable<TaskTimes>, endMs: number): CriticalChain {
  return new Schedule([...tasks], endMs).chain();
}

class Schedule {
  readonly #endMs: number;
  readonly #tasks: readonly TaskTimes[];
  /** All attempts, and those that are none of services: the last to end comes last. */
  readonly #all: readonly Execution[];
  readonly #plain: readonly Execution[];
  readonly #byTask = new Map<TaskTimes, Execution[]>();
  readonly #byPath = new Map<string, TaskTimes>();
  readonly #bySlot = new Map<string, Execution[]>();
  readonly #readiness: Readiness;
  readonly #contention: Contention;

  constructor(tasks: readonly TaskTimes[], endMs: number) {
    this.#endMs = endMs;
    this.#tasks = tasks;
    this.#all = [...executionsOf(tasks, endMs)].sort((a, b) => a.toMs - b.toMs || a.fromMs - b.fromMs);
    this.#plain = this.#all.filter(({ task }) => task.facts.service !== true);
    for (const execution of this.#all) append(this.#byTask, execution.task, execution);
    for (const task of tasks) this.#byPath.set(task.path, task);
    for (const execution of this.#plain) append(this.#bySlot, slotOf(execution.worker), execution);
    this.#readiness = new Readiness(tasks);
    this.#contention = new Contention(holdsOf(this.#all));
  }

  chain(): CriticalChain {
    const last = this.#plain.at(-1) ?? this.#all.at(-1);
    const links = last === undefined ? [] : this.#linksTo(last);
    const ended = links.at(-1)?.toMs ?? 0;
    const bounds = this.#bounds();
    return { links, endMs: Math.max(0, this.#endMs - ended), wallMs: this.#endMs, bounds };
  }

  #linksTo(last: Execution): readonly ChainLink[] {
    const links: ChainLink[] = [];
    const seen = new Set<Execution>();
    let current: Execution | undefined = last;
    let toMs = Math.min(last.toMs, this.#endMs);
    while (current !== undefined) {
      seen.add(current);
      const fromMs: number = Math.min(current.fromMs, toMs);
      const waited: Waited | undefined = this.#waited(current, fromMs, seen);
      const { cause = 'start', resource } = waited ?? {};
      const reachedMs: number = Math.min(waited?.atMs ?? 0, fromMs);
      links.push({
        ...{ path: current.task.path, attempt: current.attempt, cause },
        ...(resource !== undefined && { resource }),
        ...{ idleMs: fromMs - reachedMs, fromMs, toMs },
      });
      current = waited?.before;
      toMs = reachedMs;
    }
    return links.reverse();
  }

  /** What the attempt waited for last, and until when; undefined if nothing in the chain comes before it. Starts never become later on the way back. */
  #waited(execution: Execution, fromMs: number, seen: ReadonlySet<Execution>): Waited | undefined {
    return this.#causes(execution, fromMs).find(
      ({ before }) => before !== undefined && before.fromMs <= execution.fromMs && !seen.has(before),
    );
  }

  /** The most certain one first. The last one is that some other attempt had ended before. */
  #causes(execution: Execution, fromMs: number): readonly Waited[] {
    const { task, attempt } = execution;
    const retried =
      attempt === 1 ? undefined : this.#byTask.get(task)?.find((each) => each.attempt === attempt - 1);
    if (retried !== undefined) return [{ before: retried, atMs: retried.toMs, cause: 'retry' }];
    const dependency = this.#waitedForTask(task, fromMs);
    const resource = this.#waitedForResource(task, dependency.atMs, fromMs);
    const worker = this.#waitedForWorker(execution, (resource ?? dependency).atMs, fromMs);
    const earlier = this.#waitedForWorker(execution, 0, fromMs);
    return [worker, resource, dependency, earlier].filter((each) => each !== undefined);
  }

  #waitedForTask(task: TaskTimes, fromMs: number): Waited {
    const { by, atMs } = this.#readiness.of(task, 0, fromMs + JITTER);
    const before = by && this.#byTask.get(by)?.findLast((each) => each.fromMs <= atMs);
    return { before, atMs, cause: 'dependency' };
  }

  #waitedForResource(task: TaskTimes, readyMs: number, fromMs: number): Waited | undefined {
    let last: { readonly toMs: number; readonly resource: string; readonly heldBy: string } | undefined;
    for (const wait of this.#contention.waitsOf(task.path, task.facts, readyMs, fromMs))
      if (last === undefined || wait.toMs > last.toMs) last = wait;
    const holder = last && this.#byPath.get(last.heldBy);
    if (last === undefined || holder === undefined || holder === task) return undefined;
    const { toMs: atMs, resource } = last;
    const before = this.#byTask.get(holder)?.findLast((each) => each.fromMs < atMs);
    return before && { before, atMs, cause: 'resource', resource };
  }

  /** Its slot ran another task after it was ready; or, if the slot is new, some task did, whose end may have made room for it. */
  #waitedForWorker(execution: Execution, readyMs: number, fromMs: number): Waited | undefined {
    const own = this.#bySlot.get(slotOf(execution.worker)) ?? [];
    const before = lastUntil(own, execution, fromMs) ?? lastUntil(this.#plain, execution, fromMs);
    if (before === undefined || before.toMs <= readyMs + JITTER) return undefined;
    return { before, atMs: before.toMs, cause: 'worker' };
  }

  #bounds(): ChainBounds {
    const workMs = this.#plain.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    const count = mostAtOnce(this.#plain);
    const resource = this.#busiest();
    return {
      dependenciesMs: this.#longestPath(),
      ...(resource !== undefined && { resource }),
      workers: { count, ms: count === 0 ? 0 : workMs / count },
    };
  }

  /** Along the order of their starts, what a task depends on has its length before it. */
  #longestPath(): number {
    const lengths = new Map<TaskTimes, number>();
    let longest = 0;
    const started = this.#tasks.filter((task) => this.#byTask.has(task));
    const startOf = (task: TaskTimes): number => this.#byTask.get(task)?.[0]?.fromMs ?? 0;
    for (const task of started.sort((a, b) => startOf(a) - startOf(b))) {
      const length =
        this.#readiness.lengthBefore(task, (provider) => lengths.get(provider)) + this.#ownMs(task);
      lengths.set(task, length);
      longest = Math.max(longest, length);
    }
    return longest;
  }

  /** How long the task needed from its first start on; a service, until it was ready. */
  #ownMs(task: TaskTimes): number {
    const executions = this.#byTask.get(task) ?? [];
    const [first, last] = [executions[0], executions.at(-1)];
    if (first === undefined || last === undefined) return 0;
    if (task.facts.service === true) return first.readyAfterMs ?? 0;
    return last.toMs - first.fromMs;
  }

  /** Claims of one resource exclude each other; services hold theirs beside others. */
  #busiest(): ChainBounds['resource'] {
    const sums = new Map<string, number>();
    for (const { task, fromMs, toMs } of this.#plain)
      for (const { resource, how } of entriesOf(task.facts))
        if (how === 'claims') sums.set(resource, (sums.get(resource) ?? 0) + toMs - fromMs);
    let busiest: ChainBounds['resource'];
    for (const [name, ms] of sums)
      if (name !== EVERYTHING && (busiest === undefined || ms > busiest.ms)) busiest = { name, ms };
    return busiest;
  }
}

/** What an attempt waited for last: the attempt before it in the chain, and when that let it start. */
interface Waited {
  readonly before: Execution | undefined;
  readonly atMs: number;
  readonly cause: ChainCause;
  readonly resource?: string;
}

/** The last of these, which are sorted by their ends, that started before the other one and had ended when that started. */
function lastUntil(
  executions: readonly Execution[],
  other: Execution,
  startMs: number,
): Execution | undefined {
  let [low, high] = [0, executions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((executions[middle] as Execution).toMs <= startMs + JITTER) low = middle + 1;
    else high = middle;
  }
  // Of what is shorter than the jitter, some started later.
  for (let at = low - 1; at >= 0; at--) {
    const each = executions[at] as Execution;
    if (each !== other && each.fromMs < other.fromMs) return each;
  }
  return undefined;
}

function mostAtOnce(executions: readonly Execution[]): number {
  const steps = executions.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, by: 1 },
    { atMs: toMs, by: -1 },
  ]);
  let [now, most] = [0, 0];
  for (const { by } of steps.sort((a, b) => a.atMs - b.atMs || a.by - b.by)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

function append<Key, Item>(index: Map<Key, Item[]>, key: Key, item: Item): void {
  const known = index.get(key);
  if (known === undefined) index.set(key, [item]);
  else known.push(item);
}
