/** Plays a plan with the real machine, on a clock of its own and with bodies that only take time. Nothing runs. */
import type { CompiledTasks } from '../plan/compiled-tasks.ts';
import { isService } from '../plan/services.ts';
import { Machine } from './machine.ts';
import type { Command, Input, PoolId, TaskId } from './protocol.ts';

/** What the simulation assumes. */
export interface SimulationOptions {
  /** How many workers the pool has. Default: one. */
  readonly workers?: (pool: PoolId) => number;
  /** How long the body of the task takes, ms; of a service, until it is ready. Default: no time at all. */
  readonly durationMs?: (task: TaskId) => number;
}

/** How the run would go if every body returned, and every consumer pulled at once. */
export interface Simulation {
  /** The tasks of the plan, by number, in the order of their starts. Tasks that do not apply are left out. */
  readonly order: readonly TaskId[];
  /** When the last task ends, ms. */
  readonly wallMs: number;
}

type Start = Command & { readonly type: 'start-attempt' };

/** A body that is taking its time. */
interface Pending {
  readonly atMs: number;
  readonly input: Input;
  /** The pool whose worker it keeps busy; services have workers of their own. */
  readonly pool: PoolId | undefined;
}

/** Plays the plan, which it may extend: pass a fork. Costs as much as a run of tasks that do nothing. */
export function simulate(
  plan: CompiledTasks,
  { workers = () => 1, durationMs = () => 0 }: SimulationOptions = {},
): Simulation {
  const machine = new Machine(plan);
  const order: TaskId[] = [];
  const commands: Command[] = [];
  const pending: Pending[] = [];
  const queues = new Queues(workers);
  const inputs: Input[] = [
    { type: 'tasks-added', atMs: 0, from: 0, to: plan.graph.taskCount },
    { type: 'result-wanted', atMs: 0 },
  ];
  let nowMs = 0;
  const begin = (start: Start, pool: PoolId | undefined): void => {
    const of = plan.instances.get(start.task)?.of ?? start.task;
    inputs.push(...startOf(start, nowMs));
    pending.push({ ...endOf(start, pool === undefined, nowMs + durationMs(of)), pool });
  };
  for (let hasEnded = false; !hasEnded; ) {
    if (inputs.length === 0) {
      const due = takeNext(pending);
      if (due === undefined) break;
      nowMs = Math.max(nowMs, due.atMs);
      inputs.push(due.input);
      const next = due.pool === undefined ? undefined : queues.afterEnd(due.pool);
      if (next !== undefined) begin(next, due.pool);
    }
    machine.handle(inputs.splice(0), commands);
    for (const command of commands.splice(0)) {
      if (command.type === 'end-run') hasEnded = true;
      else if (command.type !== 'start-attempt') inputs.push(...answersTo(command, plan, workers, nowMs));
      else {
        const { task } = command;
        order.push(plan.instances.get(task)?.of ?? task);
        const pool = isService(plan, task) ? undefined : command.pool;
        if (pool === undefined || queues.takes(pool, command)) begin(command, pool);
      }
    }
  }
  return { order, wallMs: nowMs };
}

/** What the workers of pools have in hand. An attempt that was dispatched to a spare place waits until one is free. */
class Queues {
  readonly #workers: (pool: PoolId) => number;
  readonly #busy = new Map<PoolId, number>();
  readonly #waiting = new Map<PoolId, Start[]>();

  constructor(workers: (pool: PoolId) => number) {
    this.#workers = workers;
  }

  /** Does a worker begin with the attempt at once? */
  takes(pool: PoolId, start: Start): boolean {
    const busy = this.#busy.get(pool) ?? 0;
    if (busy < this.#workers(pool)) {
      this.#busy.set(pool, busy + 1);
      return true;
    }
    const waiting = this.#waiting.get(pool);
    if (waiting === undefined) this.#waiting.set(pool, [start]);
    else waiting.push(start);
    return false;
  }

  /** A worker is done. Returns what it begins with next, if something waits. */
  afterEnd(pool: PoolId): Start | undefined {
    const next = this.#waiting.get(pool)?.shift();
    if (next === undefined) this.#busy.set(pool, (this.#busy.get(pool) ?? 1) - 1);
    return next;
  }
}

/** The one that is due first; of several, the one that started first. */
function takeNext(pending: Pending[]): Pending | undefined {
  let next = 0;
  for (let at = 1; at < pending.length; at++)
    if ((pending[at] as Pending).atMs < (pending[next] as Pending).atMs) next = at;
  return pending.splice(next, 1)[0];
}

function startOf({ task, attempt, part }: Start, atMs: number): Input[] {
  return [{ type: 'attempt-started', atMs, task, attempt, part, worker: '' }];
}

function endOf({ task, attempt, part }: Start, isServing: boolean, atMs: number): Omit<Pending, 'pool'> {
  if (isServing) return { atMs, input: { type: 'attempt-ready', atMs, task, attempt, part: 'body' } };
  const outcome = { kind: 'returned', value: undefined } as const;
  return { atMs, input: { type: 'attempt-ended', atMs, task, attempt, part, outcome } };
}

function answersTo(
  command: Command,
  plan: CompiledTasks,
  workers: (pool: PoolId) => number,
  atMs: number,
): readonly Input[] {
  switch (command.type) {
    case 'open-pool':
      return opened(command.pool, plan, workers(command.pool), atMs);
    case 'execute-on-node':
      return [
        { type: 'tasks-added', atMs, origin: 'node', ...plan.addInstances([command.task], command.node) },
      ];
    case 'close-pool':
      return [{ type: 'pool-closed', atMs, pool: command.pool }];
    case 'stop-attempt': {
      const { task, attempt, part } = command;
      return [
        { type: 'attempt-ended', atMs, task, attempt, part, outcome: { kind: 'stopped', how: 'aborted' } },
      ];
    }
    case 'give-result':
      return [{ type: 'result-wanted', atMs }];
    default:
      return [];
  }
}

/** With one node that fulfils everything. */
function opened(pool: PoolId, plan: CompiledTasks, slots: number, atMs: number): readonly Input[] {
  const answers = Array.from({ length: plan.placement.count }, () => true as const);
  const node = { name: 'node', properties: {}, slots, bootMark: '' };
  return [
    { type: 'slots-changed', atMs, pool, slots },
    { type: 'node-changed', atMs, pool, node, answers, units: plan.nodeResources.mostUnits },
    { type: 'pool-opened', atMs, pool },
  ];
}
